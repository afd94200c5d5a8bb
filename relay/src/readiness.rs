//! Whether the relay takes uploads now, looked at closely: its database, its disk, its queue.
//!
//! One invariant: it is looked at once in a while ([`READY_MS`]), however many ask, and nobody is told what is older.
//! What is known of the database is [`Context::store_ok`], which each append says, too: while that says "down" it is
//! looked at again without being asked, so that what is known is not out of date for long. A relay that is still reading
//! its live fights is not asked at all: it takes no connections before that is done.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raidcast_store::Backlog;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::disk::Disk;
use crate::limits::{DISK_ROOM_MIN, DOWN_AGAIN_MS, QUEUE_PERCENT_MAX, READY_MS, STORE_ANSWERS_MS};
use crate::singleflight::Singleflight;

/// What is looked at, each with why it is not well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checks {
    /// When, Unix ms.
    pub at_ms: i64,
    /// A small write reaches the disk.
    pub store: Result<(), String>,
    /// There is room on the disk; `None` where that cannot be told.
    pub disk: Option<Result<(), String>>,
    /// What comes in is written as fast.
    pub queue: Result<(), String>,
}

/// See the module's page.
pub struct Readiness {
    context: Arc<Context>,
    disk: Disk,
    last: Mutex<Option<Arc<Checks>>>,
    looks: Arc<Singleflight<(), Option<Arc<Checks>>>>,
}

impl Readiness {
    /// Nothing was looked at yet.
    pub fn new(context: Arc<Context>, disk: Disk) -> Arc<Self> {
        Arc::new(Self { context, disk, last: Mutex::default(), looks: Arc::default() })
    }

    /// Whose readiness it is.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// No code that holds it can panic.
    fn last(&self) -> MutexGuard<'_, Option<Arc<Checks>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recent(&self) -> Option<Arc<Checks>> {
        let now_ms = self.context.clock.now_ms();
        // By a clock that was set back nothing is recent.
        self.last().clone().filter(|last| (0..READY_MS).contains(&(now_ms - last.at_ms)))
    }

    /// What was found a moment ago, or is found now; `None` if looking broke off.
    pub async fn checks(self: &Arc<Self>) -> Option<Arc<Checks>> {
        if let Some(recent) = self.recent() {
            return Some(recent);
        }
        let own = Arc::clone(self);
        let (made, _) = self.looks.ask((), move || async move { Some(own.look().await) }).await;
        made.flatten()
    }

    async fn look(&self) -> Arc<Checks> {
        // Who asked while another looked needs no look of his own.
        if let Some(recent) = self.recent() {
            return recent;
        }
        let patience = Duration::from_millis(STORE_ANSWERS_MS);
        let (ping, room) =
            futures::join!(timeout(patience, self.context.store.ping()), timeout(patience, self.disk.room()),);
        let store = match ping {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the database does not answer".to_owned()),
        };
        self.context.store_ok.store(store.is_ok(), Ordering::Relaxed);
        let checks = Arc::new(Checks {
            at_ms: self.context.clock.now_ms(),
            store,
            disk: room.unwrap_or(None).map(disk),
            queue: queue(self.context.store.backlog()),
        });
        *self.last() = Some(Arc::clone(&checks));
        checks
    }

    /// Looks again, now and then, while the database is thought to be down. Ends with `stopping`.
    pub async fn keep_looking(self: Arc<Self>, stopping: CancellationToken) {
        let pause = Duration::from_millis(DOWN_AGAIN_MS);
        while timeout(pause, stopping.cancelled()).await.is_err() {
            if !self.context.store_ok.load(Ordering::Relaxed) {
                self.checks().await;
            }
        }
    }
}

fn disk(room: u64) -> Result<(), String> {
    let mib = |bytes: u64| bytes >> 20;
    if room >= DISK_ROOM_MIN {
        return Ok(());
    }
    Err(format!("the disk has {} MiB left, and should have {}: make room on it", mib(room), mib(DISK_ROOM_MIN)))
}

fn queue(backlog: Backlog) -> Result<(), String> {
    let percent = backlog.bytes * 100 / backlog.bytes_max.max(1);
    if percent <= QUEUE_PERCENT_MAX {
        return Ok(());
    }
    Err(format!(
        "{percent} % of the room for what waits to be written is in use: the disk is too slow for what comes in"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_nearly_full_and_a_queue_that_is_are_told_in_words() {
        assert_eq!((disk(DISK_ROOM_MIN), disk(u64::MAX)), (Ok(()), Ok(())));
        assert!(disk(DISK_ROOM_MIN - 1).unwrap_err().contains("127 MiB left"));
        assert!(disk(0).unwrap_err().contains("0 MiB left"));
        let waits = |bytes| queue(Backlog { bytes, bytes_max: 1_000, bulk_bytes: 9_999, bulk_bytes_max: 10_000 });
        assert_eq!((waits(0), waits(900)), (Ok(()), Ok(())), "what hurries nobody may wait");
        assert!(waits(1_000).unwrap_err().contains("100 %"));
    }
}
