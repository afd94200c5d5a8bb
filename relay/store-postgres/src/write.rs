//! The changes beside the journal's, each in a transaction of its own.
//!
//! Locks are taken raids first, then encounters, then streams, so that no two changes wait for each other.

mod encounter;
mod raid;
mod report;
mod upkeep;

pub(crate) use encounter::{begin_encounter, begin_stream, discard, drop_stream, move_encounter};
pub(crate) use raid::{account, insert_raid, renew_tickets, touch_raid, update_raid};
use raidcast_store::StoreError;
pub(crate) use report::{keep_report, reopen_report};
pub(crate) use upkeep::key_encounters;

use crate::error::Failure;

/// The change names something that is not held, or that is held otherwise.
fn refused(text: impl Into<String>) -> Failure {
    Failure::Store(StoreError::Damaged(text.into()))
}
