//! What the store keeps.

use bytes::Bytes;
use raidcast_shared::id::{EncounterId, RaidId, StreamId};
use raidcast_shared::report::{Place, Totals};
use raidcast_shared::uplink::{Outcome, ReportState, Visibility};

use crate::{EncounterKey, StoreError, StreamKey};

/// An account's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub i64);

/// Who uploads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its row.
    pub id: AccountId,
    /// Its name: that of the key in the configuration.
    pub name: String,
    /// Names its channel in URLs.
    pub channel: String,
}

/// Which tickets of a raid are good: each renewal counts one on, and ends those before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tickets {
    /// The raid's own.
    pub raid: u32,
    /// Those of its account's channel.
    pub channel: u32,
}

/// A raid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaidRow {
    /// As its client made it.
    pub id: RaidId,
    /// Whose.
    pub account: AccountId,
    /// Names it in URLs.
    pub code: String,
    /// SHA-256 of the secret that its client proves itself by.
    pub secret_digest: [u8; 32],
    /// What its uploader calls it.
    pub title: Option<String>,
    /// Who may see it.
    pub visibility: Visibility,
    /// Unix ms.
    pub created_at_ms: i64,
    /// When its last fight had its last event, or it began: Unix ms.
    pub active_at_ms: i64,
    /// Whether it has ended.
    pub closed: bool,
    /// Whether it is of fights that had ended when they came. That never changes.
    pub history: bool,
    /// Which tickets are good. A new raid has the first of its own, whatever stands here.
    pub tickets: Tickets,
}

/// A fight that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEncounter {
    /// Names it everywhere.
    pub key: EncounterKey,
    /// Its report's id.
    pub report_id: String,
    /// The raid it is streamed in.
    pub raid_code: String,
    /// Unix ms, by the meter.
    pub started_at_ms: i64,
    /// When it came, Unix ms.
    pub created_at_ms: i64,
    /// Its first reading.
    pub stream: StoredStream,
}

/// A reading of an encounter: which, and the Header it began with, as MessagePack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredStream {
    /// Which.
    pub stream: StreamId,
    /// Its Begin's header.
    pub header: Bytes,
}

/// An encounter and where its report stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncounterRow {
    /// Its row.
    pub row: i64,
    /// Names it everywhere.
    pub key: EncounterKey,
    /// Its report's id.
    pub report_id: String,
    /// The raid it is streamed in.
    pub raid_code: String,
    /// The raid's.
    pub visibility: Visibility,
    /// The raid's.
    pub tickets: Tickets,
    /// Unix ms, by the meter.
    pub started_at_ms: i64,
    /// Where its report stands.
    pub state: ReportState,
    /// Which reading the kept report holds, from 1; 1 before there is one.
    pub revision: u32,
    /// The reading that the kept report is of; `None` before there is one.
    pub kept_stream: Option<StreamId>,
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

/// An encounter with its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenEncounter {
    /// The encounter.
    pub encounter: EncounterRow,
    /// Its streams in the order they began, each with its entries by seq.
    pub streams: Vec<(StoredStream, Vec<JournalEntry>)>,
}

/// What became of ids that were stored as clients make them.
#[derive(Clone, Debug)]
pub struct KeyedEncounters {
    /// How many were replaced now.
    pub replaced: u64,
    /// Whether what stood there before is wiped too; where not, it is tried again by the next call.
    pub wiped: Result<(), StoreError>,
}

/// A report to keep.
#[derive(Clone, Debug)]
pub struct KeptReport {
    /// The encounter's row.
    pub encounter: i64,
    /// `Provisional` or `Final`.
    pub state: ReportState,
    /// Which reading it is, from 1.
    pub revision: u32,
    /// The reading it is of.
    pub stream: StreamId,
    /// What lists show.
    pub line: ReportLine,
    /// The Report, encoded and compressed by the caller.
    pub record: Bytes,
    /// The whole log, where the report is final: it replaces the journal.
    pub log: Option<Bytes>,
    /// When, Unix ms.
    pub kept_at_ms: i64,
}

/// What a list shows of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportLine {
    /// Its id.
    pub report_id: String,
    /// Which encounter of whom.
    pub encounter: EncounterId,
    /// The raid it is of.
    pub raid_code: String,
    /// Where it stands.
    pub state: ReportState,
    /// Which reading it is.
    pub revision: u32,
    /// Unix ms.
    pub started_at_ms: i64,
    /// Unix ms, by the meter.
    pub ended_at_ms: Option<i64>,
    /// First to last combat event.
    pub duration_ms: u32,
    /// From the first damage to the last, ms: what DPS is over; `None` where that is not known.
    pub damage_ms: Option<u32>,
    /// How it went.
    pub outcome: Outcome,
    /// Where it was.
    pub place: Place,
    /// Names of its bosses, by damage.
    pub bosses: Vec<String>,
    /// How many players.
    pub players: u32,
    /// Sums over all players.
    pub totals: Totals,
}

/// A fight whose row cannot be read.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Its report.
    pub report_id: String,
    /// What is wrong.
    pub why: StoreError,
}

impl Unreadable {
    /// What was read of a report's row, or that it cannot be.
    pub fn or<T>(report_id: &str, read: Result<T, StoreError>) -> Result<T, Self> {
        read.map_err(|why| Self { report_id: report_id.to_owned(), why })
    }
}

/// The lines that can be read. One that is damaged is logged and left out: the others are listed all the same.
pub fn readable(lines: impl IntoIterator<Item = Result<ReportLine, StoreError>>) -> Vec<ReportLine> {
    let told = |error: &StoreError| tracing::error!(%error, "a report's line in the database cannot be read");
    lines.into_iter().filter_map(|line| line.inspect_err(told).ok()).collect()
}

/// One page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub page: u32,
    /// Entries a page.
    pub limit: u32,
}
