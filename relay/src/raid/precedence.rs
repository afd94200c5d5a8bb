//! Which of two readings of one fight is shown: PROTOCOL.md 2.5, law 4.
//!
//! One rule for all ways on which a fight comes, streamed or uploaded whole. Pure.

use raidcast_shared::fold::EncounterState;
use raidcast_shared::report::Report;
use raidcast_shared::uplink::Outcome;

use super::reading::Reading;

/// A reading, as far as it counts.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Its fold.
    pub state: &'a EncounterState,
    /// How it ended; `None` while it has not.
    pub outcome: Option<Outcome>,
}

impl<'a> From<&'a Reading> for Told<'a> {
    fn from(reading: &'a Reading) -> Self {
        Self { state: &reading.state, outcome: reading.ending.as_ref().map(|ending| ending.outcome) }
    }
}

impl Told<'_> {
    /// Whether it tells nothing that anybody did.
    fn is_empty(&self) -> bool {
        let told = self.state.actors().iter().any(|actor| actor.told_taken.or(actor.told_to_bosses).is_some());
        self.state.rows().is_empty() && self.state.deaths().is_empty() && !told
    }

    fn tells_targets(&self) -> bool {
        !self.state.header().knows.no_targets
    }

    fn is_of_sums(&self) -> bool {
        !self.state.header().knows.hits
    }

    /// Whether it tells no less than a report of a fight that cannot be read itself any more.
    pub fn tells_no_less_than(&self, report: &Report) -> bool {
        let totals = &report.fight.totals;
        let events = totals.hits.saturating_add(totals.heal_hits);
        events == 0 || ((self.state.single_hits() > 0 || !report.fight.timed) && self.state.events() >= events)
    }

    /// Whether `other` is shown in its place: it tells no less of the fight, and not just the same again. One that has
    /// ended gives way only to another that has.
    ///
    /// Where none has ended yet, or only the other, more of both may come: then a source that tells hits stands before one
    /// of sums, and else the events decide, which is all that a client knows of what is held.
    pub fn gives_way_to(&self, other: &Self) -> bool {
        let (held, offered) = (self.state.single_hits(), other.state.single_hits());
        let (Some(ended), Some(ends)) = (self.outcome, other.outcome) else {
            let no_less = self.is_of_sums() || !other.is_of_sums();
            let is_told = (no_less && other.state.events() >= self.state.events()) || self.is_empty();
            return self.outcome.is_none() && is_told;
        };
        // The same fight: known, unless only the other tells its hits, or how it ended.
        let is_more = offered > held
            || (ended == Outcome::Unfinished && ends != Outcome::Unfinished)
            || self.state.checksum() != other.state.checksum();
        let tells_no_less = || {
            let events = other.state.events() >= self.state.events();
            let targets = other.tells_targets() || !self.tells_targets() || offered > held;
            events && offered >= held && targets && !other.is_empty()
        };
        (self.is_empty() || tells_no_less()) && is_more
    }
}
