//! The seam between the relay and its database.
//!
//! One invariant: what a call has answered `Ok` to is on stable storage; a power cut after it loses nothing.
//! Deliberately not here: what deltas mean (they are bytes), who may see what, and any clock.

pub mod code;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod lanes;
mod record;
pub mod transfer;

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use raidcast_shared::id::{EncounterId, RaidId, StreamId};
pub use record::{
    Account, AccountId, EncounterRow, JournalEntry, JournalKind, KeptReport, KeyedEncounters, NewEncounter,
    OpenEncounter, Page, RaidRow, ReportLine, StoredStream, Tickets, Unreadable, readable,
};

/// Gives what stands for an encounter's id in the store.
pub type KeyEncounter = Arc<dyn Fn(EncounterId) -> EncounterId + Send + Sync>;

/// What a call of the store gives.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Why the database did not do it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// It takes no reads or writes now (full disk, lock, lost connection): try again later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// What it holds is not what was written, or the schema is another version's.
    #[error("the database holds something unexpected: {0}")]
    Damaged(String),
}

/// Appends entries of encounters' logs while they run. Many raids share a commit.
pub trait Journal: Send + Sync {
    /// Puts one entry on stable storage.
    ///
    /// Entries are written in the order of the calls, which is kept before the future is first polled: callers may
    /// have many under way. Of the entries of one encounter none is stored unless all called before it are: where
    /// one fails, those after it that are under way fail too. An entry is under way until its future has given its
    /// result; a dropped future does not take its entry back. Entries of a stream go from seq 1 without gaps; one
    /// that is held already, byte for byte, is answered `Ok`.
    ///
    /// # Errors
    /// `Unavailable`: it may be stored or not (a connection may be lost while it is committed), or the one before it
    /// is not: append it again, from there on. `Damaged`: another entry is held in its place, or its stream was not
    /// begun or is gone.
    fn append(&self, entry: JournalEntry) -> StoreFuture<'static, ()>;
}

/// All that the relay keeps.
pub trait Store: Journal {
    /// The account with this name, made if it is new. Its channel stays for ever.
    fn account<'a>(&'a self, name: &'a str, channel_if_new: &'a str) -> StoreFuture<'a, Account>;

    /// The account that a channel belongs to.
    fn account_by_channel<'a>(&'a self, channel: &'a str) -> StoreFuture<'a, Option<Account>>;

    /// The channel of an account.
    fn channel(&self, account: AccountId) -> StoreFuture<'_, Option<String>>;

    /// Keeps a new raid. One with its id or code must not exist: it is `Damaged` then. It is active now: raids of its
    /// account that claim to have been active later (a clock was ahead) were so before it.
    fn insert_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()>;

    /// Replaces what may change of a raid: title, visibility (of its reports too), whether it is closed.
    fn update_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()>;

    /// Says that a raid is active now, and changes nothing else of it; `Damaged` if there is no such raid. Raids of its
    /// account that claim to have been active later (a clock was ahead) were so before it.
    fn touch_raid<'a>(&'a self, code: &'a str, active_at_ms: i64) -> StoreFuture<'a, ()>;

    /// Ends all tickets of a raid and of its account's channel, and tells which are good from now on; `None` if there is
    /// no such raid.
    fn renew_tickets<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<Tickets>>;

    /// The raid with the id that its client made, of any account.
    fn raid_by_id(&self, id: RaidId) -> StoreFuture<'_, Option<RaidRow>>;

    /// The raid with this code.
    fn raid_by_code<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<RaidRow>>;

    /// An account's newest raid: the one that was active last, of old fights only where there is no other.
    fn newest_raid(&self, account: AccountId) -> StoreFuture<'_, Option<RaidRow>>;

    /// Keeps a new encounter with its first stream and makes its (live) report; an encounter that exists is answered
    /// as it is, unchanged.
    fn begin_encounter<'a>(&'a self, new: &'a NewEncounter) -> StoreFuture<'a, EncounterRow>;

    /// Keeps another stream of an encounter, or nothing if it is kept already.
    fn begin_stream<'a>(&'a self, encounter: i64, stream: &'a StoredStream) -> StoreFuture<'a, ()>;

    /// Removes a reading that is given up, with its entries; nothing if there is none.
    fn drop_stream(&self, encounter: i64, stream: StreamId) -> StoreFuture<'_, ()>;

    /// Moves an encounter to another raid of its account; `Damaged` if there is no such encounter or raid.
    fn move_encounter<'a>(&'a self, encounter: i64, raid_code: &'a str) -> StoreFuture<'a, ()>;

    /// The encounter of an account.
    fn encounter(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, Option<EncounterRow>>;

    /// All encounters whose report is live, oldest first: what a relay takes up when it starts. A row that cannot be
    /// read is an error in its place, so that it keeps none of the others from being served.
    fn live_encounters(&self) -> StoreFuture<'_, Vec<Result<EncounterRow, Unreadable>>>;

    /// One encounter with its journal, whatever its state.
    fn open_encounter(&self, encounter: i64) -> StoreFuture<'_, Option<OpenEncounter>>;

    /// Keeps a report: in one transaction the record replaces the one before, and where it is final the whole log
    /// replaces the journal (entries and streams). Safe to repeat.
    fn keep_report<'a>(&'a self, report: &'a KeptReport) -> StoreFuture<'a, ()>;

    /// Makes a provisional report live again; its record stays until the next. A live one stays so, a final one is
    /// `Damaged`.
    fn reopen_report(&self, encounter: i64) -> StoreFuture<'_, ()>;

    /// The encounter behind a report and its kept record, `None` inside while it has none.
    fn report<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<(EncounterRow, Option<Bytes>)>>;

    /// The whole-encounter log of a final report.
    fn report_log<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<Bytes>>;

    /// Public reports, live ones too, newest fight first: one page (from 1) and how many there are.
    fn public_reports(&self, page: Page) -> StoreFuture<'_, (Vec<ReportLine>, u64)>;

    /// All reports of a raid, newest fight first.
    fn raid_reports<'a>(&'a self, raid_code: &'a str) -> StoreFuture<'a, Vec<ReportLine>>;

    /// Removes an encounter with its journal, log, and report.
    fn discard(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, bool>;

    /// The report of an encounter, also where nothing else of its row can be read.
    fn report_of(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, Option<String>>;

    /// How many fights of an account came at or after a time and not after now (Unix ms): by `created_at_ms`, which no
    /// client chooses. What claims to come later came while a clock was ahead.
    fn encounters_since(&self, account: AccountId, since_ms: i64, now_ms: i64) -> StoreFuture<'_, u64>;

    /// Replaces the ids of all encounters that were stored before ids were keyed, and wipes what stood there: once in a
    /// database's life, whole or not at all. Called before anybody else calls; later calls change nothing.
    fn key_encounters(&self, key: KeyEncounter) -> StoreFuture<'_, KeyedEncounters>;

    /// Whether a small write reaches stable storage now.
    fn ping(&self) -> StoreFuture<'_, ()>;

    /// Writes out what is under way and closes. What is called after it is `Unavailable`; closing again is no error.
    fn close(&self) -> StoreFuture<'_, ()>;
}

/// Names an encounter everywhere in the relay: nobody can touch another account's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncounterKey {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub encounter: EncounterId,
}

/// Names one reading of an encounter in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamKey {
    /// The encounter's row.
    pub encounter: i64,
    /// The reading.
    pub stream: StreamId,
}
