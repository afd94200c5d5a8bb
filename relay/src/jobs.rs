//! Who does what is still to be done: workers of a kind of job, each one job at a time.
//!
//! One invariant: a job is there until it is done. One that fails, panics or takes too long comes again, later each time,
//! and keeps no other from being done. Deliberately not here: what is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use raidcast_store::{JobKey, JobKind, LeasedJob, Store, StoreError};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// A job that was begun is due again after this, ms, if the relay died at it.
pub const LEASE_MS: i64 = 120_000;
/// No job keeps the others waiting for longer; it goes on meanwhile.
const LOOK_MAX: Duration = Duration::from_secs(30);
/// What fails is tried again after this, ms, then after twice as long, to [`RETRY_MS_MAX`].
const RETRY_MS: i64 = 5_000;
/// See [`RETRY_MS`].
const RETRY_MS_MAX: i64 = 3_600_000;
/// The database is asked at least so often what is due.
const LOOK_AGAIN: Duration = Duration::from_mins(1);
/// Of jobs that are due so many are done before those that wait are counted again.
const COUNTED_EVERY: usize = 32;
/// A job that gives way to what somebody waits for gives way for so long at the most, so that it is done in the end.
const GIVES_WAY_MAX: Duration = Duration::from_secs(2);
/// And looks so often whether somebody still waits.
const GIVES_WAY_LOOK: Duration = Duration::from_millis(20);
/// After it did not answer.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobDone {
    /// It is to be removed.
    Remove,
    /// It was removed with what it did.
    Removed,
}

/// Why a job is not done now.
#[derive(Debug)]
pub struct Later {
    after_ms: i64,
    /// What counts of its tries.
    tries: u32,
    why: String,
}

impl Later {
    /// Nothing failed: its time has not come.
    pub fn not_yet(after_ms: i64, why: impl Into<String>) -> Self {
        Self { after_ms, tries: 0, why: why.into() }
    }

    /// It failed, for the so-manieth time: it is tried again after a while, which grows.
    pub fn failed(tries: u32, why: impl Into<String>) -> Self {
        let why = why.into();
        tracing::warn!(tries, why, "what is still to be done could not be done");
        let after_ms = RETRY_MS.saturating_mul(1 << tries.clamp(1, 20)) / 2;
        Self { after_ms: after_ms.min(RETRY_MS_MAX), tries, why }
    }
}

/// The jobs of a kind that wait.
#[derive(Debug, Default)]
pub struct JobsLine {
    waiting: AtomicU64,
    more: Notify,
}

impl JobsLine {
    /// How many there are, as far as known.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// One more was written.
    pub fn came(&self) {
        self.more.notify_one();
    }
}

/// Does the jobs of a kind.
pub struct Worker<F> {
    /// Where they stand.
    pub store: Arc<dyn Store>,
    /// When they are due.
    pub clock: Clock,
    /// Which.
    pub kind: JobKind,
    /// Those that wait.
    pub line: Arc<JobsLine>,
    /// Does one.
    pub does: F,
    /// Whether somebody waits for what goes before these jobs, if anything does.
    pub goes_before: Option<Box<dyn Fn() -> bool + Send + Sync>>,
    /// Whether one may take long: it goes on meanwhile, nothing failed, and who looks again finds it under way.
    pub is_long: bool,
}

impl<F, D> Worker<F>
where
    F: Fn(LeasedJob) -> D,
    D: Future<Output = Result<JobDone, Later>> + Send + 'static,
{
    /// Does jobs as they become due, until the relay stops.
    pub async fn work(self, stop: CancellationToken) {
        // What is under way is done to its end, or comes again.
        stop.run_until_cancelled(Box::pin(self.work_on())).await;
    }

    async fn work_on(&self) {
        loop {
            let now_ms = self.clock.now_ms();
            let sleep = match self.store.jobs(self.kind).await {
                Ok(jobs) => {
                    self.line.waiting.store(jobs.count, Ordering::Relaxed);
                    let until_due = jobs.due_at_ms.map(|due| u64::try_from(due - now_ms).unwrap_or_default());
                    until_due.map_or(LOOK_AGAIN, Duration::from_millis).min(LOOK_AGAIN)
                }
                Err(error) => {
                    tracing::warn!(%error, "could not ask the database what is still to be done");
                    STORE_RETRY
                }
            };
            if !sleep.is_zero() {
                let _ = tokio::time::timeout(sleep, self.line.more.notified()).await;
                continue;
            }
            if let Err(error) = self.some().await {
                tracing::error!(%error, "what is still to be done cannot be begun, or what was done not be written down");
                // It is due again when its lease is over, and known then.
                if matches!(error, StoreError::Unavailable(_)) {
                    tokio::time::sleep(STORE_RETRY).await;
                }
            }
        }
    }

    /// Does some of the jobs that are due: to ask each time how many wait is to count them each time.
    async fn some(&self) -> Result<(), StoreError> {
        for _ in 0..COUNTED_EVERY {
            self.give_way().await;
            if self.next().await?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Before the next job is begun.
    async fn give_way(&self) {
        let Some(goes_before) = &self.goes_before else { return };
        let until = Instant::now() + GIVES_WAY_MAX;
        while goes_before() && Instant::now() < until {
            tokio::time::sleep(GIVES_WAY_LOOK).await;
        }
    }

    /// Does the job that has been due for longest, and says what became of it; `None` if none is due.
    ///
    /// # Errors
    /// The store's.
    pub async fn next(&self) -> Result<Option<(JobKey, Result<(), String>)>, StoreError> {
        let now_ms = self.clock.now_ms();
        let Some(job) = self.store.lease_job(self.kind, now_ms, now_ms + LEASE_MS).await? else { return Ok(None) };
        let (key, tries) = (job.key, job.tries);
        // One that panics, or waits for what does not come, keeps no other from being done.
        let doing = tokio::spawn((self.does)(job));
        let done = match tokio::time::timeout(LOOK_MAX, doing).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(Later::failed(tries, "it broke off")),
            Err(_) if self.is_long => Err(Later::not_yet(LEASE_MS, "it goes on")),
            Err(_) => Err(Later::failed(tries, "it takes too long")),
        };
        match done {
            Ok(JobDone::Remove) => self.store.finish_job(key).await?,
            Ok(JobDone::Removed) => {}
            Err(Later { after_ms, tries, why }) => {
                tracing::debug!(tries, why, "a job waits on");
                self.store.put_off_job(key, self.clock.now_ms() + after_ms, tries, &why).await?;
                return Ok(Some((key, Err(why))));
            }
        }
        Ok(Some((key, Ok(()))))
    }
}
