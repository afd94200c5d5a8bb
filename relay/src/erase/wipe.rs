//! Sees to it that nothing of what was deleted stays in the database's files, step by step.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use raidcast_store::{JobKind, LeasedJob, Store};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::jobs::{JobDone, JobsLine, Later, Worker};

/// Between two steps those who write go on.
const PAUSE: Duration = Duration::from_millis(50);
/// So long at the most at once; then it is due again.
const AT_ONCE: Duration = Duration::from_secs(10);
/// After this, ms.
const AGAIN_MS: i64 = 1_000;

/// Whoever does it.
pub(super) fn worker(
    store: Arc<dyn Store>,
    clock: Clock,
    line: Arc<JobsLine>,
) -> Worker<impl Fn(LeasedJob) -> BoxFuture<'static, Result<JobDone, Later>>> {
    let asked = Arc::clone(&store);
    let does = move |job: LeasedJob| wipe(Arc::clone(&asked), job.tries).boxed();
    Worker { store, clock, kind: JobKind::Wipe, line, does, goes_before: None, is_long: false }
}

async fn wipe(store: Arc<dyn Store>, tries: u32) -> Result<JobDone, Later> {
    let until = Instant::now() + AT_ONCE;
    while Instant::now() < until {
        match store.give_back().await {
            // The job went with the last step, and not with what was deleted since.
            Ok(given) if given.is_done => return Ok(JobDone::Removed),
            Ok(_) => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(Later::failed(tries, error.to_string())),
        }
    }
    Err(Later::not_yet(AGAIN_MS, "somebody reads what was deleted, or much is to be given back"))
}
