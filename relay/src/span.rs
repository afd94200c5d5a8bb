//! Folds of parts of a fight and of the past: made of shared blocks, on a bounded pool, once for all who ask.
//!
//! One invariant: an answer is the fold of the span's events as of the log that it was asked of. Deliberately not here:
//! what a span means ([`raidcast_shared::fold::FoldIndex`]).

mod error;
mod logs;
mod pool;
mod shared;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::future::Cache;
use raidcast_shared::fold::Span;
use raidcast_shared::limits::{SPAN_CACHE_BYTES, SPAN_WAITING_MAX};
use raidcast_shared::report::Fight;
use raidcast_shared::uplink::ReportState;
use raidcast_shared::view::{self, Audience, Shown};
use raidcast_store::EncounterRow;

use self::logs::LogKey;
use self::shared::{cached_bytes, shared};
use crate::access::Visible;
use crate::context::Context;
use crate::edge::Address;
use crate::raid::Directory;

pub use self::error::SpanError;
pub use self::logs::{Logs, Source};
pub use self::pool::FoldPool;

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
    /// Where they are folded.
    pub pool: Arc<FoldPool>,
    /// What they are folded of.
    pub logs: Logs,
    fights: Cache<SpanKey, Arc<Fight>>,
    folds: AtomicU64,
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
        let pool = Arc::new(FoldPool::new(Arc::clone(&context), threads, waiting));
        Self {
            logs: Logs::new(context, directory, Arc::clone(&pool)),
            pool,
            fights: Cache::builder()
                .max_capacity(SPAN_CACHE_BYTES)
                .weigher(move |_, fight: &Arc<Fight>| cached_bytes(fight_bytes(fight)))
                .build(),
            folds: AtomicU64::new(0),
            held: Arc::default(),
        }
    }

    /// What was computed so far.
    pub fn counts(&self) -> SpanCounts {
        SpanCounts {
            folds: self.folds.load(Ordering::Relaxed),
            logs: self.logs.read(),
            held: self.held.load(Ordering::Relaxed),
        }
    }

    /// Counts a whole fold as held.
    pub fn hold(&self) -> FoldGuard {
        self.held.fetch_add(1, Ordering::Relaxed);
        FoldGuard(Arc::clone(&self.held))
    }

    /// A report is gone: nothing of it is held any more.
    pub async fn forget(&self, report_id: &str) {
        let is_of = |key: &SpanKey| key.log.report_id == report_id;
        let keys: Vec<_> = self.fights.iter().filter(|(key, _)| is_of(key)).map(|(key, _)| key).collect();
        for key in keys {
            self.fights.invalidate(&*key).await;
        }
        self.logs.forget(report_id).await;
    }

    /// A span of a report as it shows it: folded once for all who ask meanwhile, and kept for who asks later.
    ///
    /// # Errors
    /// `Busy` if the pool is full, `NotFound` if the report went away meanwhile.
    pub async fn fight(
        &self,
        who: Address,
        report: &Visible<EncounterRow>,
        span: Span,
    ) -> Result<Arc<Fight>, SpanError> {
        let audience = report.audience().clone();
        let (row, live) = self.logs.settled(report).await?;
        let log = LogKey {
            report_id: row.report_id.clone(),
            revision: live.as_ref().map_or(row.revision, |live| live.revision),
            stream: live.as_ref().map(|live| live.stream),
            cut: live.as_ref().is_some_and(|live| live.cut),
        };
        let seq = live.as_ref().map_or(0, |live| live.seq);
        let ended = live.as_ref().is_none_or(|live| live.ending.is_some());
        let key = SpanKey { audience: audience.clone(), log, seq, ended, span };
        let stored = key.log.stream.is_none();
        let row = &row;
        let folding = || {
            let (live, audience) = (live.clone(), audience.clone());
            async move {
                let source = self.logs.source_of(who, row, live).await?;
                self.folds.fetch_add(1, Ordering::Relaxed);
                let made = move || {
                    let folded = source.index.fold(span);
                    Arc::new(view::fight(Shown::to(&audience, &folded), source.ending.as_ref()))
                };
                self.pool.run(who, made).await
            }
        };
        if row.state != ReportState::Final && stored {
            // Nobody owns it now, so nothing says how much of it there is: answered, and not kept.
            return folding().await;
        }
        shared(&self.fights, key, folding).await
    }
}

/// About how many bytes a fight's figures take.
pub(crate) fn fight_bytes(fight: &Fight) -> usize {
    let skills: usize = fight.players.iter().map(|player| player.skills.len()).sum();
    1_024 + fight.players.len() * 384 + skills * 160 + fight.deaths.len() * 224 + fight.missing.len() * 256
}
