//! What is done to a database as a whole.

use std::sync::Arc;
use std::time::Duration;

use raidcast_shared::id::EncounterId;

use crate::{StoreError, StoreFuture};

/// Gives what stands for an encounter's id in the store.
pub type KeyEncounter = Arc<dyn Fn(EncounterId) -> EncounterId + Send + Sync>;

/// What became of ids that were stored as clients make them.
#[derive(Clone, Debug)]
pub struct KeyedEncounters {
    /// How many were replaced now.
    pub replaced: u64,
    /// Whether what stood there before is wiped too; where not, it is tried again by the next call.
    pub wiped: Result<(), StoreError>,
}

/// Is told how long a batch of queued writes took, from its being taken up to its being answered.
pub type OnCommit = Arc<dyn Fn(Duration) + Send + Sync>;

/// What waits to be written, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Journal entries, and what else keeps their order.
    pub bytes: u64,
    /// So much of it may wait; beyond it entries are refused.
    pub bytes_max: u64,
    /// What is large and hurries nobody.
    pub bulk_bytes: u64,
    /// So much of that may wait.
    pub bulk_bytes_max: u64,
}

/// Keeps the database itself.
pub trait Upkeep: Send + Sync {
    /// Replaces the ids of all encounters that were stored before ids were keyed, and wipes what stood there: once in a
    /// database's life, whole or not at all. Called before anybody else calls; later calls change nothing.
    fn key_encounters(&self, key: KeyEncounter) -> StoreFuture<'_, KeyedEncounters>;

    /// Whether a small write reaches stable storage now.
    fn ping(&self) -> StoreFuture<'_, ()>;

    /// What waits to be written now. Asks no database.
    fn backlog(&self) -> Backlog;

    /// Tells, from now on, how long each batch of queued writes took; of several who ask the first is told.
    fn on_commit(&self, told: OnCommit);

    /// Writes out what is under way and closes. What is called after it is `Unavailable`; closing again is no error.
    fn close(&self) -> StoreFuture<'_, ()>;
}
