//! Readings that were uploaded while their fight was streamed: they wait on the disk until its stream has ended it.
//!
//! One invariant: what was answered is looked at. A reading that waits is a job of the store's, written with the answer,
//! and is gone when it is kept, or known to tell no more than what is, or when its fight is deleted: nothing brings that
//! back. So a stream that tells less than the upload, or is thrown away, loses nobody's fight.

use std::sync::Arc;

use raidcast_shared::fold::{EncounterState, Span};
use raidcast_shared::log::Log;
use raidcast_shared::uplink::Ending;
use raidcast_store::{EncounterKey, JobKey, JobKind, LeasedJob};
use tokio_util::sync::CancellationToken;

use super::Ingest;
use super::keep::{Done, Fight, Paid};
use super::reading::{ASK_MS, WaitingReading};
use crate::background::Broken;
use crate::error::HttpError;
use crate::jobs::{JobDone, Later, Worker};

/// So often is it asked whether a fight has ended, ms: first after [`ASK_MS`], then after a tenth of the time that it has
/// waited, to this.
const ASK_MS_MAX: i64 = 30_000;
/// What is not to be seen yet is looked at again after so long at the most, ms.
const EARLY_MS_MAX: i64 = 15_000;

impl Ingest {
    /// Looks at what waits as it becomes due, until the relay stops.
    pub async fn keep_what_waits(self: Arc<Self>, stop: CancellationToken) {
        let context = self.context();
        let (store, clock) = (Arc::clone(&context.store), context.clock.clone());
        let line = Arc::clone(&self.keeper.left);
        let does = move |job| {
            let ingest = Arc::clone(&self);
            async move { ingest.look_at(job).await }
        };
        Worker { store, clock, kind: JobKind::Reading, line, does, goes_before: None, is_long: false }.work(stop).await;
    }

    async fn look_at(&self, job: LeasedJob) -> Result<JobDone, Later> {
        let LeasedJob { key: job @ JobKey { account, .. }, data, tries, created_at_ms } = job;
        let failed = |why: String| Later::failed(tries, why);
        let waiting = WaitingReading::of(&data).map_err(failed)?;
        let key = EncounterKey { account, encounter: waiting.encounter };
        let streamed = || {
            let waited_ms = self.context().clock.now_ms().saturating_sub(created_at_ms);
            Later::not_yet((waited_ms / 10).clamp(ASK_MS, ASK_MS_MAX), "its fight goes on")
        };
        // Before it is unfolded, which costs more than to ask.
        if self.keeper.goes_on(key).await.unwrap_or(true) {
            return Err(streamed());
        }
        match self.keeper.comes_early(key, Some(created_at_ms)).await {
            Ok(None) => {}
            // It may be seen earlier: the delay may be made shorter.
            Ok(Some(left_ms)) => {
                return Err(Later::not_yet(left_ms.clamp(ASK_MS, EARLY_MS_MAX), "it is not to be seen yet"));
            }
            Err(_) => return Err(streamed()),
        }
        let log = waiting.log.clone();
        let reading = self.context().heavy.run(log.len(), move || read(&log)).await;
        let read = reading.map_err(|Broken| failed("it broke off".into()))?;
        let (ending, state) = read.map_err(failed)?;
        let fight = Fight {
            key,
            started_at_ms: waiting.started_at_ms,
            visibility: waiting.visibility,
            names: waiting.names,
            stream: waiting.stream,
            ending,
            state: Arc::new(state),
            log: waiting.log.into(),
            hash: waiting.hash,
            is_signed: waiting.verified,
            // It was let in.
            uploads_per_day: None,
            remote_id: waiting.remote_id,
            job: Some(job),
            came_ms: Some(created_at_ms),
            paid: Paid::Used,
            until: None,
            may_be_held: true,
        };
        match self.keeper.look_again(fight).await {
            Ok(Some(Done { what, .. })) => {
                tracing::debug!(?what, "an upload waited for its fight's stream");
                Ok(JobDone::Remove)
            }
            Ok(None) => Err(streamed()),
            // It was deleted while it was being looked at.
            Err(HttpError::NotFound) => Ok(JobDone::Removed),
            Err(error @ (HttpError::TooMany { retry_s, .. } | HttpError::Unavailable { retry_s, .. })) => {
                Err(Later::not_yet(i64::from(retry_s) * 1_000, error.to_string()))
            }
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

fn read(log: &[u8]) -> Result<(Option<Ending>, EncounterState), String> {
    let log = Log::from_bytes(log).map_err(|error| error.to_string())?;
    let state = log.fold(Span::ALL).map_err(|error| error.to_string())?;
    Ok((log.ending, state))
}
