//! Fights that were uploaded whole, by their meters' own calls.
//!
//! One invariant: an upload takes effect as a whole, and only on the encounter that its caller saw. So no raid's task
//! has to hold the encounter meanwhile: whoever changed it first makes the other look again.

use raidcast_shared::id::StreamId;
use raidcast_shared::uplink::ReportState;

use crate::{AccountId, EncounterKey, EncounterRow, JobKey, KeptReport, NewJob, StoreError, StoreFuture};

/// The first number that is too large for a remote id: JavaScript keeps those below exact.
const REMOTE_ID_END: i64 = 1 << 53;

/// Hashes of an encounter that are remembered: each version of a meter has its own, and a meter whose database was renewed.
/// One that is not known costs its meter an upload, and nothing else.
pub const UPLOAD_HASHES_MAX: i64 = 16;

/// That a raid was active when an upload of it was kept is noted so exactly, ms: uploads of one raid do not wait for each other.
pub const ACTIVE_NOTED_MS: i64 = 600_000;

/// A meter's own hash of a fight, keyed by the caller: as it came, a fight's players could be guessed back from it.
pub type UploadHash = [u8; 16];

/// A fight that was uploaded whole, to be kept.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// Names it everywhere.
    pub key: EncounterKey,
    /// Its report's id, where the encounter is new: random.
    pub report_id: String,
    /// A raid of the account, where the encounter is new.
    pub raid_code: String,
    /// Unix ms, by the meter, where the encounter is new.
    pub started_at_ms: i64,
    /// When it came, Unix ms, where the encounter is new.
    pub created_at_ms: i64,
    /// What meters are told, where the encounter has none yet: random, from 1, below 2^53.
    pub remote_id: i64,
    /// The meter's hash of it, if it told one.
    pub hash: Option<UploadHash>,
    /// What the caller saw of the encounter when it decided to keep this; `None`: there was none.
    pub held: Option<HeldReport>,
    /// The job that looks at it, if it waited: what it was for may have been erased meanwhile, and that job with it.
    pub job: Option<JobKey>,
    /// `Final`, with its log. Its `encounter` says nothing: that is `held`'s row, or a new one.
    pub report: KeptReport,
}

/// What somebody saw of an encounter's report: as long as it is so, nobody else has changed the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldReport {
    /// The encounter's row.
    pub row: i64,
    /// Where its report stands.
    pub state: ReportState,
    /// Which reading the report holds.
    pub revision: u32,
    /// The reading that the kept report is of.
    pub kept_stream: Option<StreamId>,
}

impl From<&EncounterRow> for HeldReport {
    fn from(row: &EncounterRow) -> Self {
        Self { row: row.row, state: row.state, revision: row.revision, kept_stream: row.kept_stream }
    }
}

/// What became of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadKept {
    /// It is kept.
    Kept {
        /// The encounter as it is now.
        row: EncounterRow,
        /// What meters are told of it.
        remote_id: i64,
    },
    /// Nothing was changed: the encounter is not as the caller saw it, or an id that was drawn for it is another
    /// encounter's. Look again, and draw others.
    Conflict,
    /// Nothing was changed: there is no such encounter, and what waited is not to make one, for it was erased.
    Gone,
}

/// What became of a reading that cannot be looked at now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It is written down.
    Waits {
        /// What meters are told of its encounter.
        remote_id: i64,
        /// Whether it was not there before.
        is_new: bool,
    },
    /// As [`Uploads::know_upload`] says `None`.
    NotHeld,
    /// Too many wait already.
    Full,
}

/// What is to be done with an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadStep {
    /// Its report is to be kept.
    Keep,
    /// Its report is kept: the answer to the call before this one was lost.
    Repeated,
    /// It is refused.
    Refuse,
}

impl NewUpload {
    /// What is to be done, by what is held of the encounter now.
    ///
    /// # Errors
    /// `Damaged`: the report is not final or has no log, or the remote id is not in its range.
    pub fn step(&self, held: Option<&EncounterRow>) -> Result<UploadStep, StoreError> {
        let Self { report, .. } = self;
        if report.state != ReportState::Final || report.log.is_none() {
            return Err(StoreError::Damaged("an upload whose report is not final, or has no log".into()));
        }
        check_remote_id(self.remote_id)?;
        let held = held.map(HeldReport::from);
        let is_kept = |held: HeldReport| held.state == ReportState::Final && held.kept_stream == Some(report.stream);
        Ok(if held.is_some_and(is_kept) {
            UploadStep::Repeated
        } else if held == self.held {
            UploadStep::Keep
        } else {
            UploadStep::Refuse
        })
    }
}

/// # Errors
/// `Damaged`: meters could not keep it apart from others.
pub fn check_remote_id(remote_id: i64) -> Result<(), StoreError> {
    if (1..REMOTE_ID_END).contains(&remote_id) {
        return Ok(());
    }
    Err(StoreError::Damaged(format!("the remote id {remote_id}, which is not between 1 and 2^53 - 1")))
}

/// Keeps fights that were uploaded whole, and by what names their meters know them.
pub trait Uploads: Send + Sync {
    /// Keeps an upload in one transaction: record and log, in place of those that were held and of the encounter's
    /// journal, its remote id and its hash; a new encounter with them. Safe to repeat: where the same reading is kept
    /// in a final report already, all stays as it is, and the hash is written down. It hurries nobody: what comes
    /// meanwhile of fights that go on is written first.
    ///
    /// # Errors
    /// `Damaged`: the encounter is new and the account has no such raid, or what [`NewUpload::step`] says. `Unavailable`:
    /// it may be kept or not.
    fn keep_upload<'a>(&'a self, upload: &'a NewUpload) -> StoreFuture<'a, UploadKept>;

    /// Says that an encounter that is held was uploaded again: writes its hash down and gives it a remote id, if it has
    /// none. Gives the remote id that it has now; `None`, and nothing changed, if there is no such encounter, or the id
    /// that is offered is another's: look again, and draw another one.
    ///
    /// # Errors
    /// `Damaged`: the remote id that is offered is not in its range.
    fn know_upload(&self, key: EncounterKey, hash: Option<UploadHash>, remote_id: i64) -> StoreFuture<'_, Option<i64>>;

    /// The same for a reading that cannot be looked at now: the job that looks at it later is written with it. Where
    /// [as many](crate::JOBS_MAX) wait as may, nothing is.
    ///
    /// # Errors
    /// As [`Uploads::know_upload`].
    fn leave_upload(
        &self,
        key: EncounterKey,
        hash: Option<UploadHash>,
        remote_id: i64,
        job: NewJob,
    ) -> StoreFuture<'_, Left>;

    /// Which of these hashes the account has uploaded, each once with its encounter's remote id, in no order. Where a
    /// hash was told of several encounters, it is the last one's.
    fn uploaded<'a>(&'a self, account: AccountId, hashes: &'a [UploadHash]) -> StoreFuture<'a, Vec<(UploadHash, i64)>>;

    /// What meters know an encounter by: its remote id, and their hashes of it.
    fn known_by(&self, encounter: i64) -> StoreFuture<'_, (Option<i64>, Vec<UploadHash>)>;

    /// The report behind a remote id.
    fn report_of_remote(&self, remote_id: i64) -> StoreFuture<'_, Option<String>>;
}
