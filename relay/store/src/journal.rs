//! The log of a fight: entry by entry while it is sent, one piece when its report is final.
//!
//! One invariant: an entry that was answered `Ok` is read again, byte for byte, until its journal is sealed or it is
//! removed. Nothing here knows a fight but by the number of its row, so that logs may lie elsewhere than fights do.

use bytes::Bytes;
use raidcast_shared::id::StreamId;

use crate::StoreFuture;

/// Names one reading of an encounter in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamKey {
    /// The encounter's row.
    pub encounter: i64,
    /// The reading.
    pub stream: StreamId,
}

/// A reading of an encounter: which, the Header it began with, as MessagePack, and what it came after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredStream {
    /// Which.
    pub stream: StreamId,
    /// Its Begin's header.
    pub header: Bytes,
    /// The report's revision that was shown when it began, which says how many readings were shown before it though
    /// their rows are gone; 0 for a fight's first.
    pub after_revision: u32,
}

/// One entry of a running encounter's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// Which reading of which encounter.
    pub stream: StreamKey,
    /// The delta's seq; an End stands one after the last delta.
    pub seq: u64,
    /// What `data` is.
    pub kind: JournalKind,
    /// When it came, Unix ms.
    pub received_at_ms: i64,
    /// A Delta or an Ending, as MessagePack, with actors' ids hashed.
    pub data: Bytes,
}

/// What a journal entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalKind {
    /// A delta.
    Delta,
    /// The end.
    End,
}

/// All that is stored of an encounter's log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredJournal {
    /// What it was sealed to, if it was.
    pub log: Option<Bytes>,
    /// Streams that began since, in that order, each with its entries by seq.
    pub streams: Vec<(StoredStream, Vec<JournalEntry>)>,
}

/// Keeps the logs of encounters. Many raids share a commit.
pub trait Journal: Send + Sync {
    /// Begins another stream of an encounter, or does nothing if it has begun already; `Damaged` if there is no such
    /// encounter.
    fn begin_stream<'a>(&'a self, encounter: i64, stream: &'a StoredStream) -> StoreFuture<'a, ()>;

    /// Puts one entry on stable storage.
    ///
    /// Entries are written in the order of the calls, which is kept before the future is first polled: callers may
    /// have many under way. Of the entries of one encounter none is stored unless all called before it are: where
    /// one fails, those after it that are under way fail too. An entry is under way until its future has given its
    /// result; a dropped future does not take its entry back. Entries of a stream go from seq 1 without gaps; one
    /// that is stored already, byte for byte, is answered `Ok`.
    ///
    /// # Errors
    /// `Unavailable`: it may be stored or not (a connection may be lost while it is committed), or the one before it
    /// is not: append it again, from there on. `Damaged`: another entry stands in its place, its seq is 0, or its stream
    /// was not begun or is gone.
    fn append(&self, entry: JournalEntry) -> StoreFuture<'static, ()>;

    /// All that is stored of an encounter's log, as it was at one time; nothing where there is no such encounter.
    fn read_journal(&self, encounter: i64) -> StoreFuture<'_, StoredJournal>;

    /// Replaces all streams of an encounter by its whole log, and a log that was there: at once or not at all. Safe to
    /// repeat. It says nothing of the report: [`keep_report`](crate::Reports::keep_report) keeps both in one transaction.
    ///
    /// # Errors
    /// `Damaged`: there is no such encounter.
    fn seal_journal<'a>(&'a self, encounter: i64, log: &'a Bytes) -> StoreFuture<'a, ()>;

    /// Removes a reading that is given up, with its entries; nothing if there is none. It may begin again, empty.
    fn drop_stream(&self, encounter: i64, stream: StreamId) -> StoreFuture<'_, ()>;

    /// Removes all that is stored of an encounter's log, open or sealed; nothing if there is none. The encounter stays:
    /// [`discard`](crate::Encounters::discard) removes both.
    fn remove_journal(&self, encounter: i64) -> StoreFuture<'_, ()>;
}
