//! Folds of parts of a fight and of the past: made of shared blocks, on a bounded pool, once for all who ask.
//!
//! One invariant: an answer is the fold of the span's events as of the log that it was asked of; a cache holds
//! nothing that could be another log's (keys name the reading, and how much of it). The raid's task only hands out
//! the entries that it holds. Addresses have the pool in turn. Deliberately not here: what a span means ([`raidcast_shared::fold::FoldIndex`]).

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use moka::future::Cache;
use raidcast_shared::codec;
use raidcast_shared::columns::ColumnsError;
use raidcast_shared::fold::{CheckError, Checked, FoldIndex, Span};
use raidcast_shared::id::StreamId;
use raidcast_shared::limits::{SPAN_CACHE_BYTES, SPAN_LOG_CACHE_BYTES, SPAN_WAITING_MAX};
use raidcast_shared::log::{Log, LogError};
use raidcast_shared::report::Fight;
use raidcast_shared::uplink::{Delta, Ending, ReportState};
use raidcast_shared::view::{self, Audience, Shown};
use raidcast_store::{EncounterRow, Store, StoreError};

use crate::context::Context;
use crate::edge::Address;
use crate::error::HttpError;
use crate::heavy::Heavy;
use crate::limits::FOLDS_WAITING_PER_ADDRESS;
use crate::raid::{Directory, LiveEncounter, LiveLog, RaidCommand, Standing};
use crate::refold::journal_log;
use crate::turns::{Full, Turns};

/// Why a span was not folded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SpanError {
    /// More wait for the pool than it takes.
    #[error("too many parts of fights are asked for at once: try again in a moment")]
    Busy,
    /// The report is gone.
    #[error("there is no such report")]
    NotFound,
    /// What is stored of the fight cannot be read: it is set aside.
    #[error("the fight is set aside")]
    SetAside,
    /// What the store says.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fold broke off.
    #[error("a fold broke off")]
    Broken,
}

impl From<SpanError> for HttpError {
    fn from(error: SpanError) -> Self {
        match error {
            SpanError::Busy => Self::Unavailable { text: error.to_string(), retry_s: 1 },
            SpanError::NotFound => Self::NotFound,
            SpanError::SetAside => Self::SetAside,
            SpanError::Store(error) => error.into(),
            SpanError::Broken => Self::Internal,
        }
    }
}

impl From<Full> for SpanError {
    fn from(_: Full) -> Self {
        Self::Busy
    }
}

impl From<LogError> for SpanError {
    fn from(error: LogError) -> Self {
        Self::Store(StoreError::Damaged(error.to_string()))
    }
}

impl From<ColumnsError> for SpanError {
    fn from(error: ColumnsError) -> Self {
        Self::Store(StoreError::Damaged(error.to_string()))
    }
}

impl From<CheckError> for SpanError {
    fn from(error: CheckError) -> Self {
        Self::Store(StoreError::Damaged(error.to_string()))
    }
}

/// A report's log, ready to be folded.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its events.
    pub index: Arc<FoldIndex>,
    /// How it ended, if it did.
    pub ending: Option<Ending>,
    /// Which revision of the report it is.
    pub revision: u32,
    /// Whether more may come.
    pub live: bool,
}

/// Names the log that an answer was made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct LogKey {
    report_id: String,
    revision: u32,
    /// Which reading, while it is live.
    stream: Option<StreamId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SpanKey {
    audience: Audience,
    log: LogKey,
    seq: u64,
    ended: bool,
    span: Span,
}

/// What was computed so far, for tests and metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanCounts {
    /// Spans folded.
    pub folds: u64,
    /// Stored logs read and decoded.
    pub logs: u64,
    /// Whole folds that replays hold now.
    pub held: u64,
}

/// A whole fold is held as long as this.
#[derive(Debug)]
pub struct FoldGuard(Arc<AtomicU64>);

impl Drop for FoldGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Folds spans of reports.
pub struct Spans {
    context: Arc<Context>,
    directory: Arc<Directory>,
    /// One place a core.
    pool: Arc<Turns>,
    /// One place for all that unfold large ones: who waits for it takes nobody's place in the pool.
    large: Arc<Turns>,
    fights: Cache<SpanKey, Arc<Fight>>,
    logs: Cache<LogKey, (Arc<FoldIndex>, Option<Ending>)>,
    folds: AtomicU64,
    logs_read: AtomicU64,
    held: Arc<AtomicU64>,
}

impl Spans {
    /// A pool as wide as the machine, and empty caches.
    pub fn new(context: Arc<Context>, directory: Arc<Directory>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_pool(context, directory, cores, SPAN_WAITING_MAX)
    }

    /// A pool of `threads`, for which at most `waiting` wait.
    pub fn with_pool(context: Arc<Context>, directory: Arc<Directory>, threads: usize, waiting: usize) -> Self {
        let bytes = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            context,
            directory,
            pool: Arc::new(Turns::new(threads, waiting, FOLDS_WAITING_PER_ADDRESS)),
            large: Arc::new(Turns::new(1, waiting, FOLDS_WAITING_PER_ADDRESS)),
            fights: Cache::builder()
                .max_capacity(SPAN_CACHE_BYTES)
                .weigher(move |_, fight: &Arc<Fight>| bytes(fight_bytes(fight)))
                .build(),
            logs: Cache::builder()
                .max_capacity(SPAN_LOG_CACHE_BYTES)
                .weigher(move |_, (index, _): &(Arc<FoldIndex>, _)| bytes(index.bytes()))
                .build(),
            folds: AtomicU64::new(0),
            logs_read: AtomicU64::new(0),
            held: Arc::default(),
        }
    }

    /// What was computed so far.
    pub fn counts(&self) -> SpanCounts {
        SpanCounts {
            folds: self.folds.load(Ordering::Relaxed),
            logs: self.logs_read.load(Ordering::Relaxed),
            held: self.held.load(Ordering::Relaxed),
        }
    }

    /// How many folds wait for the pool.
    pub fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    /// Counts a whole fold as held.
    pub fn hold(&self) -> FoldGuard {
        self.held.fetch_add(1, Ordering::Relaxed);
        FoldGuard(Arc::clone(&self.held))
    }

    /// Runs a fold on the pool, when it is its address's turn.
    ///
    /// # Errors
    /// `Busy` if too many wait already, of all or of this address.
    pub async fn run<T: Send + 'static>(
        &self,
        who: Address,
        fold: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SpanError> {
        self.unfold(who, 0, fold).await
    }

    /// Unfolds an encounter of so many stored bytes on the pool: large ones one at a time.
    async fn unfold<T: Send + 'static>(
        &self,
        who: Address,
        bytes: usize,
        fold: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SpanError> {
        let large = match Heavy::is_large(bytes) {
            // In turn among those who look; then behind the fights that end.
            true => Some((self.large.turn(who).await?, self.context.heavy.enter(bytes).await)),
            false => None,
        };
        let running = self.pool.turn(who).await?;
        let folding = tokio::task::spawn_blocking(move || {
            // Held until it is done, also where nobody waits for it any more.
            let _held = (large, running);
            fold()
        });
        folding.await.map_err(|_| SpanError::Broken)
    }

    /// A span of a report as it shows it: folded once for all who ask meanwhile, and kept for who asks later.
    ///
    /// # Errors
    /// `Busy` if the pool is full, `NotFound` if the report went away meanwhile.
    pub async fn fight(
        &self,
        who: Address,
        audience: Audience,
        row: &EncounterRow,
        span: Span,
    ) -> Result<Arc<Fight>, SpanError> {
        let (row, live) = self.settled(row).await?;
        let log = LogKey {
            report_id: row.report_id.clone(),
            revision: live.as_ref().map_or(row.revision, |live| live.revision),
            stream: live.as_ref().map(|live| live.stream),
        };
        let seq = live.as_ref().map_or(0, |live| live.seq);
        let ended = live.as_ref().is_none_or(|live| live.ending.is_some());
        let key = SpanKey { audience, log, seq, ended, span };
        let stored = key.log.stream.is_none();
        let row = &row;
        let folding = || {
            let live = live.clone();
            async move {
                let source = self.source_of(who, row, live).await?;
                self.folds.fetch_add(1, Ordering::Relaxed);
                let made = move || {
                    let folded = source.index.fold(span);
                    Arc::new(view::fight(Shown::to(audience, &folded), source.ending.as_ref()))
                };
                self.run(who, made).await
            }
        };
        if row.state != ReportState::Final && stored {
            // Nobody owns it now, so nothing says how much of it there is: answered, and not kept.
            return folding().await;
        }
        shared(&self.fights, key, folding).await
    }

    /// The log of a running fight as its raid's task gave it, ready to be folded.
    ///
    /// # Errors
    /// As [`Spans::fight`].
    pub async fn source_of_live(&self, who: Address, row: &EncounterRow, live: LiveLog) -> Result<Source, SpanError> {
        self.live_source(who, row, live).await
    }

    /// The log of a report, ready to be folded.
    ///
    /// # Errors
    /// As [`Spans::fight`].
    pub async fn source(&self, who: Address, row: &EncounterRow) -> Result<Source, SpanError> {
        let (row, live) = self.settled(row).await?;
        self.source_of(who, &row, live).await
    }

    /// Where the report's log is now: a row that was read a moment ago may be of a fight that has ended since.
    async fn settled(&self, row: &EncounterRow) -> Result<(EncounterRow, Option<LiveLog>), SpanError> {
        let live = self.live(row).await;
        if live.is_some() || row.state == ReportState::Final {
            return Ok((row.clone(), live));
        }
        let found = self.context.store.report(&row.report_id).await.map_err(SpanError::from);
        let (row, _) = self.of_report(row, found)?.ok_or(SpanError::NotFound)?;
        Ok((row, None))
    }

    /// A report's encounter.
    ///
    /// # Errors
    /// `NotFound` if there is no such report.
    pub async fn row(&self, report_id: &str) -> Result<EncounterRow, SpanError> {
        self.context.store.report(report_id).await?.map(|(row, _)| row).ok_or(SpanError::NotFound)
    }

    async fn live(&self, row: &EncounterRow) -> Option<LiveLog> {
        self.standing(row).await?.log
    }

    /// Where a report's fight stands; `None` if no raid's task has it. Another raid than the one that it stands in may: an
    /// upload of old fights has those that it sends.
    pub async fn standing(&self, row: &EncounterRow) -> Option<Standing> {
        let handle = self.directory.owner(row.key)?;
        let report_id = row.report_id.clone();
        handle.ask(|reply| RaidCommand::Standing { report_id, reply }).await.ok().flatten().map(|standing| *standing)
    }

    async fn source_of(&self, who: Address, row: &EncounterRow, live: Option<LiveLog>) -> Result<Source, SpanError> {
        if let Some(live) = live {
            return self.live_source(who, row, live).await;
        }
        let key = LogKey { report_id: row.report_id.clone(), revision: row.revision, stream: None };
        if row.state != ReportState::Final {
            let (index, ending) = self.stored(who, row).await?;
            return Ok(Source { index, ending, revision: row.revision, live: row.state == ReportState::Live });
        }
        let (index, ending) = shared(&self.logs, key, || self.stored(who, row)).await?;
        Ok(Source { index, ending, revision: row.revision, live: false })
    }

    /// What was read of a report in the store; where that is damaged, it is set aside.
    fn of_report<T>(&self, row: &EncounterRow, read: Result<T, SpanError>) -> Result<T, SpanError> {
        let context = &self.context;
        let error = match read {
            Err(SpanError::Store(error)) => error,
            Err(SpanError::Broken) => StoreError::Damaged(format!("folding report {} broke off", row.report_id)),
            other => return other,
        };
        Err(if context.set_aside.is_damaged(&row.report_id, &error) { SpanError::SetAside } else { error.into() })
    }

    /// What the store has: the log of a final report, else the journal.
    async fn stored(&self, who: Address, row: &EncounterRow) -> Result<(Arc<FoldIndex>, Option<Ending>), SpanError> {
        self.of_report(row, self.read_stored(who, row).await)
    }

    async fn read_stored(
        &self,
        who: Address,
        row: &EncounterRow,
    ) -> Result<(Arc<FoldIndex>, Option<Ending>), SpanError> {
        let store = &self.context.store;
        if self.context.set_aside.why(&row.report_id).is_some() {
            // It would be unfolded as far as it can be again, each time that somebody asks.
            return Err(SpanError::SetAside);
        }
        self.logs_read.fetch_add(1, Ordering::Relaxed);
        if row.state == ReportState::Final
            && let Some(bytes) = store.report_log(&row.report_id).await?
        {
            // Compressed it takes a third of what its deltas took.
            let read = self.unfold(who, bytes.len() * 3, move || {
                let mut log = Log::from_bytes(&bytes)?;
                let ending = log.ending.take();
                Ok::<_, SpanError>((Arc::new(FoldIndex::of_log(log)?), ending))
            });
            return read.await?;
        }
        // With those that are read at a start and at ends, a few at a time.
        let _journal = self.context.heavy.journal().await;
        let (bytes, log) = journal(store, row).await?;
        let read = self.unfold(who, bytes, move || {
            let mut log = log()?;
            let ending = log.ending.take();
            Ok::<_, SpanError>((Arc::new(FoldIndex::of_log(log)?), ending))
        });
        read.await?
    }

    async fn live_source(&self, who: Address, row: &EncounterRow, live: LiveLog) -> Result<Source, SpanError> {
        let LiveLog { stream, revision, header, ending, deltas, .. } = live;
        let key = LogKey { report_id: row.report_id.clone(), revision, stream: Some(stream) };
        // Of a live fight the closed blocks are kept, and what came since is put behind them.
        let held = self.logs.get(&key).await.map(|(index, _)| index);
        let folding = self.unfold(who, deltas.bytes, move || {
            let held = held.filter(|held| held.blocks() <= deltas.closed.len());
            let mut index = match held {
                Some(held) => FoldIndex::clone(&held),
                None => FoldIndex::new(header)?,
            };
            let grown = deltas.closed.len() > index.blocks();
            for block in &deltas.closed[index.blocks()..] {
                let events = decode(&index, block)?;
                index.push(events);
            }
            let closed = grown.then(|| Arc::new(index.clone()));
            let tail = decode(&index, &deltas.open)?;
            Ok::<_, SpanError>((closed, Arc::new(index.with_tail(tail))))
        });
        let (closed, index) = folding.await??;
        if let Some(closed) = closed {
            self.logs.insert(key, (closed, None)).await;
        }
        Ok(Source { index, ending, revision, live: row.state != ReportState::Final })
    }
}

/// What a cache holds, or what is made now for all who ask. It is made at the turn of the address that asked first: where
/// that had no room, who only joined asks for itself.
async fn shared<K, V, F>(cache: &Cache<K, V>, key: K, make: impl Fn() -> F) -> Result<V, SpanError>
where
    F: Future<Output = Result<V, SpanError>>,
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    match cache.try_get_with(key.clone(), make()).await {
        Err(error) if matches!(*error, SpanError::Busy) => {
            cache.try_get_with(key, make()).await.map_err(|error| (*error).clone())
        }
        found => found.map_err(|error| (*error).clone()),
    }
}

/// Deltas as one: they passed the gate when they came.
fn decode(index: &FoldIndex, deltas: &[Bytes]) -> Result<Checked, SpanError> {
    let nothing = Checked { seq: index.seq(), actors: vec![], skills: vec![], hits: vec![], rare: vec![] };
    deltas.iter().try_fold(nothing, |mut all, bytes| {
        let delta: Delta =
            codec::decode(bytes, usize::MAX).map_err(|error| StoreError::Damaged(format!("a delta: {error}")))?;
        all.append(Checked::decode(index.columns(), &delta)?);
        Ok(all)
    })
}

/// The log of a report that only the journal has, and how many bytes it is there; to be made on the pool.
async fn journal(
    store: &Arc<dyn Store>,
    row: &EncounterRow,
) -> Result<(usize, impl FnOnce() -> Result<Log, SpanError> + Send + use<>), SpanError> {
    let open = store.open_encounter(row.row).await?.ok_or(SpanError::NotFound)?;
    // A report that was kept shows that reading; of one that is live the same is shown as in its raid's task.
    let kept = row.kept_stream.filter(|_| row.state != ReportState::Live);
    let bytes = open.streams.iter().flat_map(|(_, entries)| entries).map(|entry| entry.data.len()).sum();
    let made = move || {
        let shown = match kept {
            Some(kept) => kept,
            None => LiveEncounter::rebuild(&open, None, open.encounter.started_at_ms)?.main.stream,
        };
        let (stream, entries) = open
            .streams
            .iter()
            .find(|(stream, _)| stream.stream == shown)
            .ok_or_else(|| StoreError::Damaged("no stream of a live report".into()))?;
        Ok(journal_log(&stream.header, entries)?.0)
    };
    Ok((bytes, made))
}

/// About how many bytes a fight's figures take.
pub(crate) fn fight_bytes(fight: &Fight) -> usize {
    let skills: usize = fight.players.iter().map(|player| player.skills.len()).sum();
    1_024 + fight.players.len() * 384 + skills * 160 + fight.deaths.len() * 224 + fight.missing.len() * 256
}
