//! The fold: from an encounter's events to its state. The one place where damage is added up.
//!
//! One invariant: the state depends on the set of events alone, not on their order nor on how they were cut into
//! deltas. Hits only add up; of sums the greatest wins; of everything else the latest, by (time, source key), and
//! equal ones by value.
//! So whatever a figure needs that may become known late (who is a player, who is a boss) is asked when the
//! figure is shown ([`crate::view`]), never when a hit comes in.
//!
//! A delta goes through a [`Gate`] first, which refuses what does not fit and changes nothing; what it lets through
//! ([`Checked`]) always applies. Deliberately not here: storage, names policies, what a page shows.

mod checksum;
mod entity;
mod fits;
mod gate;
mod index;
mod latest;
mod rows;
mod span;
mod state;
mod sums;

pub use entity::{Actor, Attempt, Death, Missing, Skill};
pub use fits::Limit;
pub(crate) use gate::decode_rare;
pub use gate::{CheckError, Checked, Content, Gate};
pub use index::FoldIndex;
pub use latest::{Latest, Stamp};
pub use rows::{AmountGrowth, Grown, Pair, Row, RowKey, Second, SumGrowth, Summed};
pub use span::Span;
pub use state::EncounterState;
