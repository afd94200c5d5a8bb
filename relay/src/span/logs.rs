//! Logs of reports, ready to be folded: as the raid's task has them, as they are kept, or as the journal has them.
//!
//! One invariant: a cache holds nothing that could be another log's (keys name the reading, and which revision it is).
//! The raid's task only hands out the entries that it holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::future::Cache;
use raidcast_shared::codec;
use raidcast_shared::fold::{Checked, FoldIndex};
use raidcast_shared::id::StreamId;
use raidcast_shared::limits::SPAN_LOG_CACHE_BYTES;
use raidcast_shared::log::Log;
use raidcast_shared::uplink::{Delta, Ending, ReportState};
use raidcast_store::{EncounterRow, ReportLine, Store, StoreError};

use super::error::SpanError;
use super::pool::FoldPool;
use super::shared::{cached_bytes, shared};
use crate::access::Visible;
use crate::context::Context;
use crate::edge::Address;
use crate::raid::{Directory, HeldDelta, LiveEncounter, LiveLog, RaidCommand, Standing};
use crate::refold::journal_log;

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
pub(super) struct LogKey {
    pub(super) report_id: String,
    pub(super) revision: u32,
    /// Which reading, while it is live.
    pub(super) stream: Option<StreamId>,
    /// Whether it is one that ends where those are who are behind.
    pub(super) cut: bool,
}

/// See the module's page.
pub struct Logs {
    context: Arc<Context>,
    directory: Arc<Directory>,
    pool: Arc<FoldPool>,
    cache: Cache<LogKey, Source>,
    read: AtomicU64,
}

impl Logs {
    /// Nothing read yet.
    pub(super) fn new(context: Arc<Context>, directory: Arc<Directory>, pool: Arc<FoldPool>) -> Self {
        let cache = Cache::builder()
            .max_capacity(SPAN_LOG_CACHE_BYTES)
            .weigher(|_, source: &Source| cached_bytes(source.index.bytes()))
            .build();
        Self { context, directory, pool, cache, read: AtomicU64::new(0) }
    }

    /// Stored logs read and decoded.
    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// A report is gone: nothing of it is held any more.
    pub(super) async fn forget(&self, report_id: &str) {
        let keys: Vec<_> =
            self.cache.iter().filter(|(key, _)| key.report_id == report_id).map(|(key, _)| key).collect();
        for key in keys {
            self.cache.invalidate(&*key).await;
        }
    }

    /// The log of a running fight as its raid's task gave it, ready to be folded.
    ///
    /// # Errors
    /// `Busy` if the pool is full, `NotFound` if the report went away meanwhile.
    pub async fn source_of_live(
        &self,
        who: Address,
        report: &Visible<EncounterRow>,
        live: LiveLog,
    ) -> Result<Source, SpanError> {
        self.of_live(who, report, live).await
    }

    async fn of_live(&self, who: Address, row: &EncounterRow, live: LiveLog) -> Result<Source, SpanError> {
        let LiveLog { stream, revision, header, ending, deltas, cut, .. } = live;
        let key = LogKey { report_id: row.report_id.clone(), revision, stream: Some(stream), cut };
        // Of a live fight the closed blocks are kept, and what came since is put behind them.
        let held = self.cache.get(&key).await.map(|held| held.index);
        let folding = self.pool.unfold(who, deltas.bytes, move || {
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
        let live = row.state != ReportState::Final;
        if let Some(index) = closed {
            self.cache.insert(key, Source { index, ending: None, revision, live }).await;
        }
        Ok(Source { index, ending, revision, live })
    }

    /// The log of a report, ready to be folded.
    ///
    /// # Errors
    /// `Busy` if the pool is full, `NotFound` if the report went away meanwhile.
    pub async fn source(&self, who: Address, report: &Visible<EncounterRow>) -> Result<Source, SpanError> {
        let (row, live) = self.settled(report).await?;
        self.source_of(who, &row, live).await
    }

    /// Where the report's log is now: a row that was read a moment ago may be of a fight that has ended since.
    pub(super) async fn settled(
        &self,
        report: &Visible<EncounterRow>,
    ) -> Result<(EncounterRow, Option<LiveLog>), SpanError> {
        let live = self.standing(report).await?.and_then(|standing| standing.log);
        if live.is_some() || report.state == ReportState::Final {
            return Ok((EncounterRow::clone(report), live));
        }
        let found = self.context.store.report(&report.report_id).await.map_err(SpanError::from);
        let (row, _) = self.of_report(report, found)?.ok_or(SpanError::NotFound)?;
        if report.until_ms(self.context.clock.now_ms()).is_some_and(|until_ms| !is_kept(&row, until_ms)) {
            return Err(SpanError::NotFound);
        }
        Ok((row, None))
    }

    /// The encounter behind a line of a list.
    ///
    /// # Errors
    /// `NotFound` if the report is gone, or in another raid by now.
    pub async fn encounter(&self, line: &Visible<ReportLine>) -> Result<Visible<EncounterRow>, SpanError> {
        let found = self.context.store.report(&line.report_id).await?;
        let now_ms = self.context.clock.now_ms();
        found.and_then(|(row, _)| line.encounter(row, now_ms)).ok_or(SpanError::NotFound)
    }

    /// Where a report's fight stands, as far as it is shown to who asks; `None` if the store has all that is. Another raid
    /// than the one that it stands in may have it: an upload of old fights has those that it sends.
    ///
    /// # Errors
    /// `NotFound` if he is behind, and nobody knows what there was to see by then; or if it goes on, and he may not see that.
    pub async fn standing(&self, report: &Visible<EncounterRow>) -> Result<Option<Standing>, SpanError> {
        let until_ms = report.until_ms(self.context.clock.now_ms());
        let standing = match self.directory.owner(report.key) {
            Some(handle) => {
                let report_id = report.report_id.clone();
                let asked = handle.ask(|reply| RaidCommand::Standing { report_id, until_ms, reply });
                asked.await.ok().flatten().map(|standing| *standing)
            }
            None => None,
        };
        if let Some(until_ms) = until_ms
            && standing.is_none()
            && !is_kept(report, until_ms)
        {
            return Err(SpanError::NotFound);
        }
        // It may go on again since it was looked up.
        let goes_on = standing.as_ref().is_some_and(|standing| standing.state == ReportState::Live);
        if goes_on && report.state != ReportState::Live && !report.is_for_him_as(ReportState::Live) {
            return Err(SpanError::NotFound);
        }
        Ok(standing)
    }

    pub(super) async fn source_of(
        &self,
        who: Address,
        row: &EncounterRow,
        live: Option<LiveLog>,
    ) -> Result<Source, SpanError> {
        if let Some(live) = live {
            return self.of_live(who, row, live).await;
        }
        if row.state != ReportState::Final {
            return self.stored(who, row).await;
        }
        let key = LogKey { report_id: row.report_id.clone(), revision: row.revision, stream: None, cut: false };
        shared(&self.cache, key, || self.stored(who, row)).await
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
    async fn stored(&self, who: Address, row: &EncounterRow) -> Result<Source, SpanError> {
        let read = self.read_stored(who, row).await;
        if let Err(SpanError::Store(StoreError::Damaged(_))) = &read {
            // It is not read at one time: what was thrown away or kept meanwhile looks damaged, and is not.
            match self.context.store.report(&row.report_id).await? {
                None => return Err(SpanError::NotFound),
                Some((now, _)) if now != *row => {
                    let why = format!("report {} changed while it was read: ask again", row.report_id);
                    return Err(SpanError::Store(StoreError::Unavailable(why)));
                }
                Some(_) => {}
            }
        }
        self.of_report(row, read)
    }

    async fn read_stored(&self, who: Address, row: &EncounterRow) -> Result<Source, SpanError> {
        let (store, revision, live) = (&self.context.store, row.revision, row.state == ReportState::Live);
        if self.context.set_aside.why(&row.report_id).is_some() {
            // It would be unfolded as far as it can be again, each time that somebody asks.
            return Err(SpanError::SetAside);
        }
        self.read.fetch_add(1, Ordering::Relaxed);
        if row.state == ReportState::Final
            && let Some(bytes) = store.report_log(&row.report_id).await?
        {
            // Compressed it takes a third of what its deltas took.
            let unfolded = bytes.len() * 3;
            let read = move || ready(Log::from_bytes(&bytes)?, revision, live);
            return self.pool.unfold(who, unfolded, read).await?;
        }
        // One at a time, for it is held while it waits for its turn.
        let _journal = self.context.heavy.journal_looked_at().await;
        let (bytes, log) = journal(store, row).await?;
        let read = move || log().and_then(|(log, revision)| ready(log, revision, live));
        self.pool.unfold(who, bytes, read).await?
    }
}

/// Whether a report was kept by then, and is shown to who sees what came until then.
fn is_kept(row: &EncounterRow, until_ms: i64) -> bool {
    row.kept_at_ms.is_some_and(|kept_at_ms| kept_at_ms <= until_ms)
}

fn ready(mut log: Log, revision: u32, live: bool) -> Result<Source, SpanError> {
    let ending = log.ending.take();
    Ok(Source { index: Arc::new(FoldIndex::of_log(log)?), ending, revision, live })
}

/// Deltas as one: they passed the gate when they came.
fn decode(index: &FoldIndex, deltas: &[HeldDelta]) -> Result<Checked, SpanError> {
    let nothing = Checked { seq: index.seq(), actors: vec![], skills: vec![], hits: vec![], rare: vec![] };
    deltas.iter().try_fold(nothing, |mut all, HeldDelta { bytes, .. }| {
        let delta: Delta =
            codec::decode(bytes, usize::MAX).map_err(|error| StoreError::Damaged(format!("a delta: {error}")))?;
        all.append(Checked::decode(index.columns(), &delta)?);
        Ok(all)
    })
}

/// The log of a report that only the journal has, with its revision, and how many bytes it is there; to be made on the
/// pool.
async fn journal(
    store: &Arc<dyn Store>,
    row: &EncounterRow,
) -> Result<(usize, impl FnOnce() -> Result<(Log, u32), SpanError> + Send + use<>), SpanError> {
    let open = store.open_encounter(row.row).await?.ok_or(SpanError::NotFound)?;
    // A report that was kept shows that reading; of one that is live the same is shown as in its raid's task.
    let kept = row.kept_stream.filter(|_| row.state != ReportState::Live);
    let bytes = open.streams.iter().flat_map(|(_, entries)| entries).map(|entry| entry.data.len()).sum();
    let made = move || {
        let (shown, revision) = if let Some(kept) = kept {
            (kept, open.encounter.revision)
        } else {
            let live = LiveEncounter::rebuild(&open, None, open.encounter.started_at_ms)?;
            (live.main.stream, live.revision)
        };
        let (stream, entries) = open
            .streams
            .iter()
            .find(|(stream, _)| stream.stream == shown)
            .ok_or_else(|| StoreError::Damaged("no stream of a live report".into()))?;
        Ok((journal_log(&stream.header, entries)?.0, revision))
    };
    Ok((bytes, made))
}
