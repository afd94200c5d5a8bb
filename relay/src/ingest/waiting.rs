//! Readings that were uploaded while their fight was streamed: they wait on the disk until its stream has ended it.
//!
//! One invariant: what was answered is looked at. A reading that waits is a job of the store's, written with the answer,
//! and is gone when it is kept, or known to tell no more than what is. So a stream that tells less than the upload, or is
//! thrown away, loses nobody's fight.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use raidcast_shared::fold::{EncounterState, Span};
use raidcast_shared::log::Log;
use raidcast_shared::uplink::Ending;
use raidcast_store::{EncounterKey, JobKey, JobKind, LeasedJob, StoreError};
use tokio_util::sync::CancellationToken;

use super::Ingest;
use super::keep::{Done, Fight};
use super::reading::{ASK_MS, WaitingReading};
use crate::background::Broken;
use crate::error::HttpError;

/// A job that was begun is due again after this, ms, if the relay died at it.
const LEASE_MS: i64 = 120_000;
/// No job keeps the others waiting for longer; it goes on meanwhile.
const LOOK_MAX: Duration = Duration::from_secs(30);
/// So often is it asked whether a fight has ended, ms: first after [`ASK_MS`], then after twice, three times as long, to
/// this.
const ASK_MS_MAX: i64 = 30_000;
/// What fails is tried again after this, ms, then after twice as long, to [`RETRY_MS_MAX`].
const RETRY_MS: i64 = 5_000;
/// See [`RETRY_MS`].
const RETRY_MS_MAX: i64 = 3_600_000;
/// The database is asked at least so often what is due.
const LOOK_AGAIN: Duration = Duration::from_mins(1);
/// After it did not answer.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// Why a reading goes on waiting.
struct Later {
    after_ms: i64,
    why: String,
}

impl Ingest {
    /// Looks at what waits as it becomes due, until the relay stops.
    pub async fn keep_what_waits(self: Arc<Self>, stop: CancellationToken) {
        // What is under way is done to its end, or comes again.
        stop.run_until_cancelled(Box::pin(self.look_at_what_waits())).await;
    }

    async fn look_at_what_waits(self: &Arc<Self>) {
        let context = self.context();
        loop {
            let now_ms = context.clock.now_ms();
            let sleep = match context.store.jobs().await {
                Ok(jobs) => {
                    self.keeper.waiting.store(jobs.count, Ordering::Relaxed);
                    let until_due = jobs.due_at_ms.map(|due| u64::try_from(due - now_ms).unwrap_or_default());
                    until_due.map_or(LOOK_AGAIN, Duration::from_millis).min(LOOK_AGAIN)
                }
                Err(error) => {
                    tracing::warn!(%error, "could not ask the database what is still to be done");
                    STORE_RETRY
                }
            };
            if sleep.is_zero() {
                self.next_job(now_ms).await;
            } else {
                let _ = tokio::time::timeout(sleep, self.keeper.left.notified()).await;
            }
        }
    }

    /// Does the job that has been due for longest.
    async fn next_job(self: &Arc<Self>, now_ms: i64) {
        let store = &self.context().store;
        let job = match store.lease_job(now_ms, now_ms + LEASE_MS).await {
            Ok(job) => job,
            Err(error) => {
                tracing::error!(%error, "what is still to be done cannot be begun");
                // What cannot be read is due again later, and others come before it.
                if matches!(error, StoreError::Unavailable(_)) {
                    tokio::time::sleep(STORE_RETRY).await;
                }
                return;
            }
        };
        let Some(job) = job else { return };
        let (key, tries) = (job.key, job.tries);
        // One that panics, or waits for a raid that does not let go, keeps no other from being done.
        let ingest = Arc::clone(self);
        let looking = tokio::spawn(async move { ingest.look_at(job).await });
        let looked = match tokio::time::timeout(LOOK_MAX, looking).await {
            Ok(Ok(looked)) => looked,
            Ok(Err(_)) => Err(failed(tries, "it broke off".into())),
            Err(_) => Err(failed(tries, "its fight was not let go of".into())),
        };
        let done = match looked {
            Ok(()) => store.finish_job(key).await,
            Err(Later { after_ms, why }) => {
                tracing::debug!(tries, why, "an upload waits on");
                store.put_off_job(key, self.context().clock.now_ms() + after_ms, &why).await
            }
        };
        if let Err(error) = done {
            // It is due again when its lease is over, and known then.
            tracing::warn!(%error, "what was done could not be written down");
        }
    }

    async fn look_at(&self, job: LeasedJob) -> Result<(), Later> {
        let LeasedJob { key: JobKey { kind: JobKind::Reading, account, .. }, data, tries } = job;
        let waiting = WaitingReading::of(&data).map_err(|why| failed(tries, why))?;
        let key = EncounterKey { account, encounter: waiting.encounter };
        let streamed = || {
            let after_ms = ASK_MS.saturating_mul(tries.into()).min(ASK_MS_MAX);
            Later { after_ms, why: "its fight goes on".into() }
        };
        // Before it is unfolded, which costs more than to ask.
        if self.keeper.goes_on(key).await.unwrap_or(true) {
            return Err(streamed());
        }
        let log = waiting.log.clone();
        let reading = self.context().heavy.run(log.len(), move || read(&log)).await;
        let read = reading.map_err(|Broken| failed(tries, "it broke off".into()))?;
        let (ending, state) = read.map_err(|why| failed(tries, why))?;
        let fight = Fight {
            key,
            started_at_ms: waiting.started_at_ms,
            visibility: waiting.visibility,
            stream: waiting.stream,
            ending,
            state: Arc::new(state),
            log: waiting.log.into(),
            hash: waiting.hash,
            is_signed: waiting.verified,
            // It was let in.
            uploads_per_day: None,
            remote_id: waiting.remote_id,
            is_paid: true,
        };
        match self.keeper.look_again(fight).await {
            Ok(Some(Done { what, .. })) => {
                tracing::debug!(?what, "an upload waited for its fight's stream");
                Ok(())
            }
            Ok(None) => Err(streamed()),
            Err(error @ (HttpError::TooMany { retry_s, .. } | HttpError::Unavailable { retry_s, .. })) => {
                Err(Later { after_ms: i64::from(retry_s) * 1_000, why: error.to_string() })
            }
            Err(error) => Err(failed(tries, error.to_string())),
        }
    }
}

/// It is tried again after a while, which grows.
fn failed(tries: u32, why: String) -> Later {
    tracing::warn!(tries, why, "an upload that waits could not be looked at");
    let after_ms = RETRY_MS.saturating_mul(1 << tries.clamp(1, 20)) / 2;
    Later { after_ms: after_ms.min(RETRY_MS_MAX), why }
}

fn read(log: &[u8]) -> Result<(Option<Ending>, EncounterState), String> {
    let log = Log::from_bytes(log).map_err(|error| error.to_string())?;
    let state = log.fold(Span::ALL).map_err(|error| error.to_string())?;
    Ok((log.ending, state))
}
