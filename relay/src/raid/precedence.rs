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
    fn is_of_sums(&self) -> bool {
        !self.state.header().knows.hits
    }

    /// Whether `other` is shown in its place: it tells no less, single hits where those are told, and not just the same
    /// again. One that has ended gives way only to another that has.
    pub fn gives_way_to(&self, other: &Self) -> bool {
        let is_more = || match (self.outcome, other.outcome) {
            (None, _) => true,
            (Some(_), None) => false,
            // The same fight: known, unless only the other tells its hits, or how it ended.
            (Some(held), Some(offered)) => {
                (self.is_of_sums() && !other.is_of_sums())
                    || (held == Outcome::Unfinished && offered != Outcome::Unfinished)
                    || self.state.checksum() != other.state.checksum()
            }
        };
        let no_less = self.is_of_sums() || !other.is_of_sums() || self.state.events() == 0;
        no_less && other.state.events() >= self.state.events() && is_more()
    }
}
