//! The changes, each a struct with what it needs and its SQL.

mod encounter;
mod journal;
mod raid;
mod report;
mod upkeep;

pub(crate) use encounter::{BeginEncounter, BeginStream, Discard, DropStream, MoveEncounter};
pub(crate) use journal::{Append, Ping};
pub(crate) use raid::{AddAccount, InsertRaid, RenewTickets, TouchRaid, UpdateRaid};
use raidcast_store::StoreError;
pub(crate) use report::{KeepReport, ReopenReport};
pub(crate) use upkeep::{Ids, KeyEncounters, SetIds};

use crate::queue::Failure;

/// The change names something that is not held, or that is held otherwise.
fn refused(text: impl Into<String>) -> Failure {
    Failure::Refused(StoreError::Damaged(text.into()))
}
