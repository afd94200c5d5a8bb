//! Which of two readings of one fight is shown: PROTOCOL.md 2.5, law 4.
//!
//! One rule for all ways on which a fight comes, streamed or uploaded whole. Pure.

use raidcast_shared::fold::EncounterState;
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
    /// Hits that it tells one by one; those of a sum are not.
    fn single_hits(&self) -> u64 {
        let with_deaths = self.state.events() - self.state.summed().hits;
        with_deaths - self.state.deaths().len() as u64
    }

    /// Whether it tells nothing that anybody did.
    fn is_empty(&self) -> bool {
        self.state.rows().is_empty() && self.state.deaths().is_empty()
    }

    fn tells_targets(&self) -> bool {
        !self.state.header().knows.no_targets
    }

    /// Whether `other` is shown in its place: it tells no less of the fight, and not just the same again. One that has
    /// ended gives way only to another that has.
    pub fn gives_way_to(&self, other: &Self) -> bool {
        let (held, offered) = (self.single_hits(), other.single_hits());
        let is_more = || match (self.outcome, other.outcome) {
            (None, _) => true,
            (Some(_), None) => false,
            // The same fight: known, unless only the other tells its hits, or how it ended.
            (Some(ended), Some(ends)) => {
                offered > held
                    || (ended == Outcome::Unfinished && ends != Outcome::Unfinished)
                    || self.state.checksum() != other.state.checksum()
            }
        };
        let tells_no_less = || {
            let events = other.state.events() >= self.state.events();
            let targets = other.tells_targets() || !self.tells_targets() || offered > held;
            events && offered >= held && targets && !other.is_empty()
        };
        (self.is_empty() || tells_no_less()) && is_more()
    }
}
