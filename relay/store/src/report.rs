//! Reports, and the lists of them.

use bytes::Bytes;
use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::report::{Place, Totals};
use raidcast_shared::uplink::{Outcome, ReportState, Visibility};

use crate::{AccountId, Delay, EncounterRow, StoreFuture};

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
    /// The whole log, where the report is final: the journal is sealed to it.
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
    /// Who may see that while it is live.
    pub live: Visibility,
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
    /// Whether nothing of it could be taken.
    pub stub: bool,
    /// Whether the reading that the report holds came signed by its uploader.
    pub verified: bool,
    /// When the fight came first, Unix ms.
    pub created_at_ms: i64,
    /// When the report was kept last, Unix ms; `None` before there is one.
    pub kept_at_ms: Option<i64>,
    /// How far behind those are who are no members of its raid.
    pub delay: Delay,
}

/// One page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// From 1.
    pub page: u32,
    /// Entries a page.
    pub limit: u32,
}

impl Page {
    /// How many entries stand on the pages before it.
    pub fn offset(self) -> i64 {
        i64::from(self.page.saturating_sub(1)) * i64::from(self.limit)
    }
}

/// Where in a list of reports one stands: the newest fight comes first, and of two that began together the later row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReportPlace {
    /// When its fight began, Unix ms.
    pub started_at_ms: i64,
    /// Its encounter's row.
    pub encounter: i64,
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListPart {
    /// A page. What stands before it is counted, and so is all of the list.
    Page(Page),
    /// What comes after a place, however deep that lies.
    After {
        /// The last entry that was seen.
        place: ReportPlace,
        /// Entries at the most.
        limit: u32,
    },
}

impl ListPart {
    /// Entries at the most.
    pub fn limit(self) -> u32 {
        match self {
            Self::Page(page) => page.limit,
            Self::After { limit, .. } => limit,
        }
    }

    /// How many entries are passed over.
    pub fn offset(self) -> i64 {
        match self {
            Self::Page(page) => page.offset(),
            Self::After { .. } => 0,
        }
    }

    /// What they come after: of a page something that is before all.
    pub fn after(self) -> ReportPlace {
        match self {
            Self::Page(_) => ReportPlace { started_at_ms: i64::MAX, encounter: i64::MAX },
            Self::After { place, .. } => place,
        }
    }
}

/// A part of the list of public reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicReports {
    /// Those that can be read.
    pub lines: Vec<ReportLine>,
    /// How many there are in all, where a page was wanted.
    pub total: Option<u64>,
    /// After which place it goes on, where there are more.
    pub next: Option<ReportPlace>,
}

/// Keeps reports.
pub trait Reports: Send + Sync {
    /// Keeps a report: in one transaction the record replaces the one before, and where it is final the journal is
    /// [sealed](crate::Journal::seal_journal) to the log. Safe to repeat, so that a store whose journal lies elsewhere
    /// may seal that first.
    fn keep_report<'a>(&'a self, report: &'a KeptReport) -> StoreFuture<'a, ()>;

    /// Makes a provisional report live again; its record stays until the next. A live one stays so, a final one is
    /// `Damaged`.
    fn reopen_report(&self, encounter: i64) -> StoreFuture<'_, ()>;

    /// The encounter behind a report.
    fn report_row<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<EncounterRow>>;

    /// The encounter behind a report and its kept record, `None` inside while it has none.
    fn report<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<(EncounterRow, Option<Bytes>)>>;

    /// The whole-encounter log of a final report: what its journal was sealed to.
    fn report_log<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<Bytes>>;

    /// The report of an encounter, also where nothing else of its row can be read.
    fn report_of(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, Option<String>>;

    /// Public reports, live ones too, newest fight first: a part of them. Fights that came later than their raid's delay shows
    /// at this time are not among them.
    fn public_reports(&self, part: ListPart, now_ms: i64) -> StoreFuture<'_, PublicReports>;

    /// All reports of a raid, newest fight first.
    fn raid_reports<'a>(&'a self, raid_code: &'a str) -> StoreFuture<'a, Vec<ReportLine>>;
}
