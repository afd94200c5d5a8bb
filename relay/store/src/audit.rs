//! Who changed what.
//!
//! One invariant: what changed something that others may ask about is noted in the transaction that changed it. Rows name
//! people, accounts and keys by number alone: no names of players, no codes, no addresses. There are about
//! [`NOTES_MAX`] at the most, and about [`NOTES_OF_ONE_MAX`] of one who does them. Deliberately not here: who may read it.

pub use raidcast_shared::account::Audited;

use crate::{KeyId, PersonId, StoreFuture};

/// So many notes are kept at the most: the oldest go first. At fifty bytes each that is some megabytes.
pub const NOTES_MAX: i64 = 100_000;
/// So many of them are one person's, or of keys of one account: the oldest go first, so that nobody who does much drives
/// out what others did. It is looked at each [`NOTES_LOOKED_AT`]th note, so there may be so many more for a while.
pub const NOTES_OF_ONE_MAX: i64 = NOTES_MAX / 10;
/// The notes of each are counted whenever the row of a new one is a multiple of this: all of them are read then.
pub const NOTES_LOOKED_AT: i64 = 100;

/// What is to be noted with a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Who does it; `None`: the relay itself, or who has a key of its configuration.
    pub by: Option<PersonId>,
    /// By which key, where it was not done on a page and the key is none of the configuration.
    pub key: Option<KeyId>,
    /// What.
    pub what: Audited,
    /// The row of the account or person that it is about, as `what` has it.
    pub about: Option<i64>,
    /// When, Unix ms.
    pub at_ms: i64,
}

/// A note that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its row: later ones are greater.
    pub row: i64,
    /// What it says.
    pub note: Note,
}

/// Keeps notes.
pub trait Audits: Send + Sync {
    /// Keeps a note of something that changes no row.
    fn note(&self, note: Note) -> StoreFuture<'_, ()>;

    /// The last notes, or those before a row, the newest first.
    fn audit(&self, before: Option<i64>, limit: u32) -> StoreFuture<'_, Vec<AuditRow>>;

    /// Removes notes of before a time.
    fn drop_audit(&self, before_ms: i64) -> StoreFuture<'_, ()>;
}
