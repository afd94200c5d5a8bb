//! Fights, from their beginning until they are thrown away.

use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::uplink::{NamesPolicy, ReportState, Visibility};

use crate::raid::stricter;
use crate::{AccountId, Delay, JournalEntry, Policy, ShownTo, StoreError, StoreFuture, StoredStream, Tickets};

/// Names an encounter everywhere in the relay: nobody can touch another account's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncounterKey {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub encounter: EncounterId,
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
    /// The raid's: who may see what is live.
    pub visibility: Visibility,
    /// The raid's: who may see reports, if that is another one.
    pub report_visibility: Option<Visibility>,
    /// The raid's.
    pub names: NamesPolicy,
    /// The raid's.
    pub delay: Delay,
    /// The raid's.
    pub tickets: Tickets,
    /// Unix ms, by the meter.
    pub started_at_ms: i64,
    /// When it came first, Unix ms.
    pub created_at_ms: i64,
    /// Where its report stands.
    pub state: ReportState,
    /// When its report was kept last, Unix ms; `None` before there is one.
    pub kept_at_ms: Option<i64>,
    /// Which reading the kept report holds, from 1; 1 before there is one.
    pub revision: u32,
    /// The reading that the kept report is of; `None` before there is one.
    pub kept_stream: Option<StreamId>,
    /// Whether this reading came signed by its uploader.
    pub verified: bool,
}

impl EncounterRow {
    /// Who is shown what of it: what its raid says.
    pub fn policy(&self) -> Policy {
        let Self { names, delay, tickets, .. } = *self;
        Policy { shown_to: self.shown_to(), names, delay, tickets }
    }

    /// Its raid says otherwise from now on.
    pub fn set_policy(&mut self, Policy { shown_to, names, delay, tickets }: Policy) {
        (self.visibility, self.report_visibility) = (shown_to.live, shown_to.report);
        (self.names, self.delay, self.tickets) = (names, delay, tickets);
    }

    /// Who may see its raid while it is live, and reports.
    fn shown_to(&self) -> ShownTo {
        ShownTo { live: self.visibility, report: self.report_visibility }
    }

    /// Who may see its report: while the fight goes on, who may see what is live, too.
    pub fn seen_by(&self) -> Visibility {
        match self.state {
            ReportState::Live => stricter(self.visibility, self.shown_to().reports()),
            ReportState::Provisional | ReportState::Final => self.shown_to().reports(),
        }
    }

    /// Whether who may see its report may not see its raid.
    pub fn hides_raid(&self) -> bool {
        stricter(self.visibility, self.seen_by()) != self.seen_by()
    }
}

/// An encounter with its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenEncounter {
    /// The encounter.
    pub encounter: EncounterRow,
    /// Its streams in the order they began, each with its entries by seq.
    pub streams: Vec<(StoredStream, Vec<JournalEntry>)>,
}

/// A fight whose row cannot be read.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Its report.
    pub report_id: String,
    /// What is wrong.
    pub why: StoreError,
}

/// Fights that came within some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FightsBegun {
    /// How many.
    pub count: u64,
    /// When the first of them came, Unix ms.
    pub oldest_ms: Option<i64>,
}

/// Keeps fights.
///
/// Where a fight begins, is opened or discarded, its journal (and report) takes part in the same transaction: a store
/// whose journal lies elsewhere does that part by its [`Journal`](crate::Journal), before the row where something is
/// removed, after it where something is made.
pub trait Encounters: Send + Sync {
    /// Keeps a new encounter with its first stream and makes its (live) report; an encounter that exists is answered
    /// as it is, unchanged.
    fn begin_encounter<'a>(&'a self, new: &'a NewEncounter) -> StoreFuture<'a, EncounterRow>;

    /// Moves an encounter to another raid of its account, with its report, which takes that raid's visibility;
    /// `Damaged` if there is no such encounter or raid.
    fn move_encounter<'a>(&'a self, encounter: i64, raid_code: &'a str) -> StoreFuture<'a, ()>;

    /// The encounter of an account.
    fn encounter(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, Option<EncounterRow>>;

    /// Which of these of an account there are.
    fn encounters_held<'a>(&'a self, account: AccountId, ids: &'a [EncounterId]) -> StoreFuture<'a, Vec<EncounterId>>;

    /// All encounters whose report is live, oldest first: what a relay takes up when it starts. A row that cannot be
    /// read is an error in its place, so that it keeps none of the others from being served.
    fn live_encounters(&self) -> StoreFuture<'_, Vec<Result<EncounterRow, Unreadable>>>;

    /// Encounters whose report is not live, and of which the journal holds a reading that has ended, with the codes of their
    /// raids, newest first: what was not done with it when the relay stopped.
    fn unsettled_encounters(&self) -> StoreFuture<'_, Vec<(EncounterKey, String)>>;

    /// One encounter with the streams of its journal, whatever its state: both as they were at one time.
    fn open_encounter(&self, encounter: i64) -> StoreFuture<'_, Option<OpenEncounter>>;

    /// The fights of an account that came at or after a time and not after another (Unix ms): by `created_at_ms`, which no
    /// client chooses. What claims to come later came while a clock was ahead.
    fn encounters_since(&self, account: AccountId, since_ms: i64, to_ms: i64) -> StoreFuture<'_, FightsBegun>;

    /// Removes an encounter with its journal, log, and report.
    fn discard(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, bool>;
}
