//! From an uploaded fight to its kept report: who has the fight meanwhile, which of two readings is kept, and where it
//! stands.
//!
//! One invariant: what is kept takes the place only of what was looked at, and only while nobody else has the fight in
//! memory. A fight that is streamed now is known, and the reading [waits](super::waiting) until its stream has ended it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use raidcast_ingest::Uploaded;
use raidcast_shared::fold::EncounterState;
use raidcast_shared::id::{RaidId, StreamId};
use raidcast_shared::log::Log;
use raidcast_shared::uplink::{Ending, NamesPolicy, ReportState, Visibility};
use raidcast_store::{
    AccountId, Delay, EncounterKey, EncounterRow, HeldReport, JOBS_MAX, JobKey, KeptReport, Left, NewUpload, RaidRow,
    ReportLine, StoreError, Tickets, UploadHash, UploadKept,
};
use uuid::Uuid;

use super::reading::WaitingReading;
use crate::access::{self, Until, Uploader};
use crate::account::{RelaySecret, digest};
use crate::background::Broken;
use crate::context::Context;
use crate::error::HttpError;
use crate::jobs::JobsLine;
use crate::metrics::UploadOutcome;
use crate::quota::{DAY_MS, Spent, Taken, UploadsPerDay};
use crate::raid::{Guest, RaidCommand, RaidRegistry, Told, held_fight};
use crate::record;

/// A fight that others change faster than it is looked at is given up after so many looks.
const LOOKS_MAX: usize = 8;
/// A raid's day begins at six in the morning of UTC: few raid then.
const DAY_BEGINS_MS: i64 = 6 * 3_600_000;
/// So many raids of a day's uploads are looked at for one that is shown as a fight is to be.
const RAIDS_OF_A_DAY: u32 = 256;
/// Of so many days it is remembered which was the last: of others it is looked for.
const DAYS_REMEMBERED_MAX: usize = 1_024;
/// Remote ids have so many bits: JavaScript reads them exactly.
const REMOTE_ID_BITS: u32 = 53;
/// What the raids are called that uploads stand in.
const TITLE: &str = "Uploads";

/// What became of a fight.
pub(super) struct Done {
    /// What its meter is told of it.
    pub(super) remote_id: i64,
    pub(super) what: UploadOutcome,
    /// Whether the fight goes on, or may: then its report is not complete, and the reading waits.
    pub(super) goes_on: bool,
    /// How it is held, if it was kept now.
    pub(super) row: Option<Box<EncounterRow>>,
}

/// A fight to be kept.
pub(super) struct Fight {
    pub(super) key: EncounterKey,
    pub(super) started_at_ms: i64,
    /// Who may see it, where there is no report yet.
    pub(super) visibility: Visibility,
    /// Which names those see who are no members.
    pub(super) names: NamesPolicy,
    pub(super) stream: StreamId,
    pub(super) ending: Option<Ending>,
    pub(super) state: Arc<EncounterState>,
    pub(super) log: Packing,
    pub(super) hash: Option<UploadHash>,
    /// Whether it came with a good signature.
    pub(super) is_signed: bool,
    /// What its key may upload a day, where it counts for that.
    pub(super) uploads_per_day: Option<UploadsPerDay>,
    /// What its meter was told of it before.
    pub(super) remote_id: Option<i64>,
    /// The job that looks at it, if it waited.
    pub(super) job: Option<JobKey>,
    /// When it came, Unix ms; `None`: at this moment.
    pub(super) came_ms: Option<i64>,
    /// Whether its bytes count for its key.
    pub(super) paid: Paid,
    /// Until when its key is good; `None`: it was let in.
    pub(super) until: Option<Until>,
    /// Whether there may be a report of it, or a stream: nobody has looked yet.
    pub(super) may_be_held: bool,
}

/// What of a key's bytes of a day a fight took.
pub(super) enum Paid {
    Not,
    /// Given back unless it is kept.
    Taken(Taken),
    /// It was kept, or waits on the disk.
    Used,
}

impl Paid {
    fn used(&mut self) {
        if let Self::Taken(taken) = std::mem::replace(self, Self::Used) {
            taken.used();
        }
    }
}

/// A log, packed when it is needed: of most fights that come again nothing is kept.
pub(super) enum Packing {
    Not(Box<Log>),
    Packed(Bytes),
}

impl From<Bytes> for Packing {
    fn from(bytes: Bytes) -> Self {
        Self::Packed(bytes)
    }
}

impl Packing {
    fn packed(self) -> Bytes {
        match self {
            Self::Not(log) => log.into_bytes().into(),
            Self::Packed(bytes) => bytes,
        }
    }
}

impl Fight {
    /// Of what was read of an upload.
    pub(super) fn new(secret: &RelaySecret, uploader: &Uploader, read: Uploaded) -> Self {
        let key = EncounterKey { account: uploader.account(), encounter: secret.encounter(read.encounter) };
        Self {
            key,
            started_at_ms: read.started_at_ms,
            visibility: uploader.visibility(),
            names: uploader.names(),
            stream: read.stream(key.encounter),
            ending: read.log.ending.clone(),
            state: Arc::new(read.state),
            log: Packing::Not(Box::new(read.log)),
            hash: read.source_hash.map(|hash| secret.upload(&hash)),
            is_signed: false,
            uploads_per_day: uploader.uploads_per_day(),
            remote_id: None,
            job: None,
            came_ms: None,
            paid: Paid::Not,
            until: Some(uploader.until().clone()),
            may_be_held: true,
        }
    }

    /// The day that it counts for, of Unix time.
    fn day(&self) -> i64 {
        self.started_at_ms.saturating_sub(DAY_BEGINS_MS).div_euclid(DAY_MS)
    }

    fn told(&self) -> Told<'_> {
        Told { state: &self.state, outcome: self.ending.as_ref().map(|ending| ending.outcome) }
    }
}

fn busy() -> HttpError {
    let text = "this fight is being changed by somebody else: try again in a moment";
    HttpError::Unavailable { text: text.into(), retry_s: 5 }
}

fn full() -> HttpError {
    let text = format!(
        "{JOBS_MAX} uploads of this account wait until the streams of their fights have ended: send the same again later"
    );
    HttpError::Unavailable { text, retry_s: 60 }
}

/// Which limit of a key is used up.
fn used_up(limit: &'static str) -> impl Fn(Spent) -> HttpError {
    move |spent| HttpError::TooMany {
        text: format!("this key {limit}: {spent}"),
        retry_s: spent.retry_ms.div_ceil(1000),
    }
}

fn too_fast(spent: Spent) -> HttpError {
    used_up("sends fights too fast")(spent)
}

fn fights_spent(spent: Spent) -> HttpError {
    used_up("has begun as many fights as it may a day")(spent)
}

fn bytes_spent(spent: Spent) -> HttpError {
    used_up("has sent as many bytes of fights as it may a day")(spent)
}

fn uploads_spent(spent: Spent) -> HttpError {
    used_up("has uploaded as many new fights as it may a day (its uploads_per_day)")(spent)
}

/// Keeps fights.
pub(super) struct Keeper {
    registry: Arc<RaidRegistry>,
    /// The readings that wait for their fights' streams.
    pub(super) left: Arc<JobsLine>,
    /// Which raid of a day's uploads is shown as they are to be, where it is not the first.
    newest: Mutex<HashMap<(AccountId, Visibility, NamesPolicy, i64), u32>>,
}

impl Keeper {
    /// Beside these raids.
    pub(super) fn new(registry: Arc<RaidRegistry>) -> Self {
        Self { registry, left: Arc::default(), newest: Mutex::default() }
    }

    /// What the relay is made of.
    pub(super) fn context(&self) -> &Context {
        &self.registry.context
    }

    /// Counts a fight that an account brings: each may cost a look at a stored log.
    ///
    /// # Errors
    /// `TooMany`: they come too fast.
    pub(super) fn begins(&self, account: AccountId) -> Result<(), HttpError> {
        let context = self.context();
        context.quota.begin(account, context.clock.now_ms()).map_err(too_fast)
    }

    /// Keeps a fight, or knows it.
    ///
    /// # Errors
    /// `Unauthorized`: its key has ended meanwhile.
    pub(super) async fn keep(&self, mut fight: Fight) -> Result<Done, HttpError> {
        for _ in 0..LOOKS_MAX {
            if Until::is_over(fight.until.as_ref()) {
                return Err(HttpError::Unauthorized);
            }
            // A raid that shows it to those who are behind need not let go of what stays as it is.
            if self.registry.directory.owner(fight.key).is_some()
                && !self.is_streamed(fight.key).await
                && let Some(done) = self.known(&fight).await?
            {
                return Ok(done);
            }
            // Who sees nothing yet has nothing taken away.
            let may_be_held = std::mem::replace(&mut fight.may_be_held, true);
            let has_to_wait = self.is_streamed(fight.key).await || may_be_held && self.would_take_away(&fight).await?;
            if !has_to_wait {
                match self.look(&mut fight).await? {
                    Some(done) if !done.goes_on => return Ok(done),
                    // What is held may still come to tell less, or be thrown away.
                    Some(_) => {}
                    // Others changed it.
                    None => continue,
                }
            }
            if let Some(remote_id) = self.leave(&mut fight).await? {
                return Ok(Done { remote_id, what: UploadOutcome::Known, goes_on: true, row: None });
            }
        }
        Err(busy())
    }

    /// The same for a reading that was left; `None` while its fight goes on.
    ///
    /// # Errors
    /// `NotFound`: its fight was erased, and it with that.
    pub(super) async fn look_again(&self, mut fight: Fight) -> Result<Option<Done>, HttpError> {
        for _ in 0..LOOKS_MAX {
            if self.goes_on(fight.key).await? || self.would_take_away(&fight).await? {
                return Ok(None);
            }
            // Its raid need not let go of what stays as it is.
            if let Some(done) = self.known(&fight).await? {
                return Ok(Some(done));
            }
            if let Some(done) = self.look(&mut fight).await? {
                return Ok(Some(done));
            }
        }
        Err(busy())
    }

    /// Whether a fight is streamed, or may be again: its client has some time to come back.
    pub(super) async fn goes_on(&self, key: EncounterKey) -> Result<bool, HttpError> {
        if self.is_streamed(key).await {
            return Ok(true);
        }
        let held = self.context().store.encounter(key.account, key.encounter).await?;
        Ok(held.is_some_and(|held| held.state == ReportState::Live))
    }

    /// Whether it would take the place of what those see who are behind, before they may see it itself: then it waits until
    /// they may, so that what they see neither goes nor is younger than it may be.
    async fn would_take_away(&self, fight: &Fight) -> Result<bool, HttpError> {
        Ok(self.comes_early(fight.key, fight.came_ms).await?.is_some() && !self.is_told(fight).await?)
    }

    /// If those who are behind see a fight, and may not yet see what came of it at a time (`None`: now): for how much
    /// longer, ms.
    ///
    /// # Errors
    /// The store does not answer.
    pub(super) async fn comes_early(&self, key: EncounterKey, came_ms: Option<i64>) -> Result<Option<i64>, HttpError> {
        let context = self.context();
        let held = match context.store.encounter(key.account, key.encounter).await {
            Ok(Some(held)) => held,
            // What cannot be read is mended by an upload.
            Ok(None) | Err(StoreError::Damaged(_)) => return Ok(None),
            Err(error @ StoreError::Unavailable(_)) => return Err(error.into()),
        };
        let now_ms = context.clock.now_ms();
        let came_ms = came_ms.unwrap_or(now_ms);
        // By a clock that was set back since nobody knows when it came.
        let is_new = came_ms <= now_ms && !held.delay.shows(came_ms, now_ms);
        let is_early = is_new && held.delay.shows(held.created_at_ms, now_ms);
        Ok(is_early.then(|| (came_ms + held.delay.ms - now_ms).max(0)))
    }

    /// Whether a final report tells all that a reading does.
    async fn is_told(&self, fight: &Fight) -> Result<bool, HttpError> {
        let Some((held, Some(read))) = held_fight(self.context(), fight.key).await? else { return Ok(false) };
        Ok(held.state == ReportState::Final && !Told::from(&read.main).gives_way_to(&fight.told()))
    }

    /// What it is known as where a final report tells all that it does: nobody need let go of that.
    async fn known(&self, fight: &Fight) -> Result<Option<Done>, HttpError> {
        let remote_id = if self.is_told(fight).await? { self.know(fight, fight.hash).await? } else { None };
        Ok(remote_id.map(|remote_id| Done { remote_id, what: UploadOutcome::Known, goes_on: false, row: None }))
    }

    /// Leaves the reading of a fight that goes on until it has ended; `None` if there is no such fight.
    async fn leave(&self, fight: &mut Fight) -> Result<Option<i64>, HttpError> {
        let context = self.context();
        // Its hash is written with the job: who asks for it is not told of what is not kept.
        let Some(remote_id) = self.know(fight, None).await? else { return Ok(None) };
        // It stays the same, though the stream may be thrown away.
        fight.remote_id = Some(remote_id);
        let log = self.packed(fight).await?;
        self.pay(fight, log.len())?;
        let waiting = WaitingReading {
            encounter: fight.key.encounter,
            stream: fight.stream,
            started_at_ms: fight.started_at_ms,
            visibility: fight.visibility,
            names: fight.names,
            hash: fight.hash,
            remote_id: fight.remote_id,
            verified: fight.is_signed,
            log,
        };
        let job = waiting.job(fight.key.account, context.clock.now_ms());
        match context.store.leave_upload(fight.key, fight.hash, remote_id, job).await? {
            Left::Waits { remote_id, is_new } => {
                // One that waits already is not kept twice.
                if is_new {
                    fight.paid.used();
                }
                self.left.came();
                Ok(Some(remote_id))
            }
            Left::NotHeld => Ok(None),
            Left::Full => Err(full()),
        }
    }

    /// Takes the bytes of a fight from its key's, once.
    fn pay(&self, fight: &mut Fight, bytes: usize) -> Result<(), HttpError> {
        let context = self.context();
        if matches!(fight.paid, Paid::Not) {
            let taken = context.quota.take(fight.key.account, bytes as u64, true, context.clock.now_ms());
            fight.paid = Paid::Taken(taken.map_err(bytes_spent)?);
        }
        Ok(())
    }

    async fn packed(&self, fight: &mut Fight) -> Result<Bytes, HttpError> {
        let log = std::mem::replace(&mut fight.log, Packing::Packed(Bytes::new()));
        let packing = self.context().heavy.background().run(move || log.packed());
        let log = packing.await.map_err(|Broken| HttpError::Internal)?;
        fight.log = Packing::Packed(log.clone());
        Ok(log)
    }

    /// Looks at a fight that nobody streams, and has it meanwhile; `None` where others changed it.
    async fn look(&self, fight: &mut Fight) -> Result<Option<Done>, HttpError> {
        let guest = Guest::claim(&self.registry.directory, fight.key).await;
        let kept = self.keep_as(fight).await;
        // A raid that begins meanwhile leaves out what a guest has: it is told of what goes on.
        let live_in = kept.as_ref().ok().and_then(|kept| kept.live_in.as_deref());
        guest.leave(live_in).await;
        let Look { outcome, live_in } = kept?;
        let (remote_id, what, row) = match outcome {
            Outcome::Known(remote_id) => (remote_id, UploadOutcome::Known, None),
            Outcome::Kept { remote_id, row, line, replaces } => {
                if let Some(raid) = self.registry.directory.raid(&line.raid_code) {
                    // One that has ended meanwhile reads it when it is loaded again.
                    let _ = raid.send(RaidCommand::Came { line }).await;
                }
                (remote_id, if replaces { UploadOutcome::Replaced } else { UploadOutcome::Created }, Some(row))
            }
            Outcome::Again => {
                // It may be another fight's by now.
                fight.remote_id = None;
                return Ok(None);
            }
        };
        Ok(Some(Done { remote_id, what, goes_on: live_in.is_some(), row }))
    }

    /// Whether somebody streams it now: then its end comes, too. One that is left in a raid by a client that is gone is not
    /// streamed: nobody may ever send the rest of it.
    pub(super) async fn is_streamed(&self, key: EncounterKey) -> bool {
        let Some(owner) = self.registry.directory.owner(key) else { return false };
        let encounter = key.encounter;
        owner.ask(|reply| RaidCommand::Streamed { encounter, reply }).await == Ok(true)
    }

    async fn know(&self, fight: &Fight, hash: Option<UploadHash>) -> Result<Option<i64>, HttpError> {
        let remote_id = fight.remote_id.unwrap_or_else(|| self.remote_id());
        Ok(self.context().store.know_upload(fight.key, hash, remote_id).await?)
    }

    fn remote_id(&self) -> i64 {
        let random = u64::from_le_bytes(self.context().entropy.bytes());
        ((random & ((1 << REMOTE_ID_BITS) - 1)).max(1)).cast_signed()
    }

    /// While nobody else has the fight.
    async fn keep_as(&self, fight: &mut Fight) -> Result<Look, HttpError> {
        let (context, key) = (self.context(), fight.key);
        let Some((held, read)) = held_fight(context, key).await? else {
            let mut taken = vec![context.begin_fight(key.account, true).await?.map_err(fights_spent)?];
            if let Some(limit) = fight.uploads_per_day {
                taken.push(context.quota.upload(key.account, limit, context.clock.now_ms()).map_err(uploads_spent)?);
            }
            let raid = self.raid(fight).await?;
            let row = EncounterRow {
                row: 0,
                key,
                report_id: context.entropy.code(12),
                raid_code: raid.code,
                visibility: raid.visibility,
                report_visibility: raid.report_visibility,
                names: raid.names,
                delay: raid.delay,
                tickets: raid.tickets,
                started_at_ms: fight.started_at_ms,
                created_at_ms: context.clock.now_ms(),
                state: ReportState::Final,
                kept_at_ms: None,
                revision: 1,
                kept_stream: Some(fight.stream),
                verified: fight.is_signed,
            };
            let look = self.write(fight, row, None).await?;
            if matches!(look, Outcome::Kept { .. }) {
                taken.into_iter().for_each(Taken::used);
            }
            return Ok(look.into());
        };
        let goes_on = held.state != ReportState::Final;
        if read.is_none() {
            // What is damaged may be this very reading: in its place it is another one.
            fight.stream = StreamId::of_upload(key.encounter, "mended", held.revision);
        }
        let gives_way = match read {
            Some(read) => Told::from(&read.main).gives_way_to(&fight.told()),
            None => self.mends(&held.report_id, fight).await?,
        };
        if !gives_way {
            // What goes on may be thrown away: then its hash would say that there is something.
            let hash = fight.hash.filter(|_| !goes_on);
            let known = self.know(fight, hash).await?.map_or(Outcome::Again, Outcome::Known);
            return Ok(Look { outcome: known, live_in: goes_on.then_some(held.raid_code) });
        }
        let seen = HeldReport::from(&held);
        let (revision, kept_stream) = (held.revision + 1, Some(fight.stream));
        let verified = fight.is_signed;
        let row = EncounterRow { state: ReportState::Final, revision, kept_stream, verified, ..held };
        let outcome = self.write(fight, row, Some(seen)).await?;
        if let Outcome::Kept { line, .. } = &outcome {
            // It can be read again, if it could not.
            context.set_aside.forget(&line.report_id);
        }
        Ok(outcome.into())
    }

    /// Whether a reading may take the place of one that cannot be read: it tells no less than is known of that.
    async fn mends(&self, report_id: &str, fight: &Fight) -> Result<bool, HttpError> {
        let record = match self.context().store.report(report_id).await {
            Ok(found) => found.and_then(|(_, record)| record),
            // It is damaged, too.
            Err(StoreError::Damaged(_)) => None,
            Err(error @ StoreError::Unavailable(_)) => return Err(error.into()),
        };
        let told = record.and_then(|record| record::decode_record(&record).ok());
        Ok(told.is_none_or(|told| fight.told().tells_no_less_than(&told.whole())))
    }

    /// Makes the report and keeps it.
    async fn write(
        &self,
        fight: &mut Fight,
        row: EncounterRow,
        held: Option<HeldReport>,
    ) -> Result<Outcome, HttpError> {
        let context = self.context();
        let mut now_ms = context.clock.now_ms();
        if held.is_some() && row.delay.ms > 0 && row.delay.shows(row.created_at_ms, now_ms) {
            // It waited for those who are behind already.
            now_ms = fight.came_ms.map_or(now_ms, |came_ms| came_ms.min(now_ms));
        }
        let (state, ending, row_of) = (Arc::clone(&fight.state), fight.ending.clone(), row.clone());
        let log = std::mem::replace(&mut fight.log, Packing::Packed(Bytes::new()));
        let making = context.heavy.background().run(move || {
            let (at, revision) = (ReportState::Final, row_of.revision);
            let report = record::report(access::record(), &row_of, &state, ending.as_ref(), at, revision);
            (record::line(&row_of, &report, now_ms), record::encode_record(&report), log.packed())
        });
        let (line, record, log) = making.await.map_err(|Broken| HttpError::Internal)?;
        fight.log = Packing::Packed(log.clone());
        let replaces = held.is_some();
        self.pay(fight, log.len())?;
        let upload = NewUpload {
            key: fight.key,
            report_id: row.report_id.clone(),
            raid_code: row.raid_code.clone(),
            started_at_ms: fight.started_at_ms,
            created_at_ms: row.created_at_ms,
            remote_id: fight.remote_id.unwrap_or_else(|| self.remote_id()),
            hash: fight.hash,
            held,
            job: fight.job,
            report: KeptReport {
                encounter: row.row,
                state: ReportState::Final,
                revision: row.revision,
                stream: fight.stream,
                line: line.clone(),
                record,
                log: Some(log),
                kept_at_ms: now_ms,
            },
        };
        Ok(match context.store.keep_upload(&upload).await? {
            UploadKept::Kept { row, remote_id } => {
                fight.paid.used();
                context.derive.came();
                // The same reading may have come another way meanwhile.
                let line = ReportLine { verified: row.verified, ..line };
                Outcome::Kept { remote_id, row: Box::new(row), line: Box::new(line), replaces }
            }
            UploadKept::Conflict => Outcome::Again,
            UploadKept::Gone => return Err(HttpError::NotFound),
        })
    }

    /// The raid that an account's uploads of a day stand in, which are shown as this one is to be: one whose owner shows it
    /// to others since is left to what is in it.
    async fn raid(&self, fight: &Fight) -> Result<RaidRow, HttpError> {
        let day = (fight.key.account, fight.visibility, fight.names, fight.day());
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner).get(&day).copied();
        for number in newest.unwrap_or_default()..RAIDS_OF_A_DAY {
            let id = self.context().secret.uploads(day.0, (day.1, day.2), day.3, number);
            let raid = self.raid_of(id, fight).await?;
            if raid.visibility == fight.visibility
                && raid.report_visibility.is_none_or(|visibility| visibility == fight.visibility)
                && raid.names == fight.names
                && raid.delay.ms == 0
            {
                if number > 0 {
                    let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
                    if newest.len() >= DAYS_REMEMBERED_MAX {
                        newest.clear();
                    }
                    newest.insert(day, number);
                }
                return Ok(raid);
            }
        }
        // Who changes his mind that often has a raid for each.
        self.raid_of(RaidId(Uuid::from_bytes(self.context().entropy.bytes())), fight).await
    }

    /// The raid with this id, which is made for a fight where there is none.
    async fn raid_of(&self, id: RaidId, fight: &Fight) -> Result<RaidRow, HttpError> {
        let (context, account) = (self.context(), fight.key.account);
        let (visibility, names) = (fight.visibility, fight.names);
        if let Some(raid) = context.store.raid_by_id(id).await? {
            return Ok(raid);
        }
        let now_ms = context.clock.now_ms();
        let raid = RaidRow {
            id,
            account,
            code: context.entropy.code(10),
            // Nobody streams into it: its secret is nobody's.
            secret_digest: digest(&context.entropy.bytes::<32>()),
            title: Some(TITLE.to_owned()),
            visibility,
            report_visibility: None,
            said: None,
            names,
            delay: Delay::default(),
            created_at_ms: now_ms,
            active_at_ms: now_ms,
            closed: false,
            history: true,
            tickets: Tickets::default(),
        };
        let (store, new) = (Arc::clone(&context.store), raid.clone());
        let inserted = async move { store.insert_raid(&new).await };
        match self.registry.channels.write(account, inserted).await {
            Ok(()) => Ok(raid),
            // Another upload has made it meanwhile.
            Err(error @ StoreError::Damaged(_)) => Ok(context.store.raid_by_id(id).await?.ok_or(error)?),
            Err(error) => Err(error.into()),
        }
    }
}

/// What came of one look at a fight.
struct Look {
    outcome: Outcome,
    /// The raid in which the fight goes on, though no task has it.
    live_in: Option<String>,
}

impl From<Outcome> for Look {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, live_in: None }
    }
}

enum Outcome {
    /// What is held stays.
    Known(i64),
    /// It is kept.
    Kept { remote_id: i64, row: Box<EncounterRow>, line: Box<ReportLine>, replaces: bool },
    /// It changed meanwhile.
    Again,
}
