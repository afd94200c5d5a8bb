//! Raids that are as old as raids may get.
//!
//! Two invariants. Nothing goes by its age unless the operator has said how old that is, and what is pinned never does. And
//! nothing goes by a clock that has just leapt ahead, or woke up ahead of all that is here: it is looked at again hours later.

use std::sync::Arc;
use std::time::Duration;

use raidcast_shared::account::Audited;
use raidcast_store::{Erasure, Note, StoreError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Eraser;
use crate::clock_watch::{ClockWatch, DOUBTED};
use crate::quota::DAY_MS;
use crate::retry::until_available;

/// So often it is looked what is too old.
const LOOK: Duration = Duration::from_mins(10);
/// The first time soon after the start: one that is restarted each night looks, too.
const FIRST: Duration = Duration::from_secs(30);
/// So many are found at once.
const AT_ONCE: u32 = 20;

/// How long raids are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// So many days after they were active last.
    pub keep_days: u32,
}

impl Eraser {
    /// Removes what is too old, now and then, until the relay stops.
    pub async fn keep_only(self: Arc<Self>, retention: Retention, stop: CancellationToken) {
        let mut wait = FIRST;
        // Before anybody streams: a clock that is ahead makes what comes now as new as it says.
        let newest = match stop.run_until_cancelled(self.newest()).await {
            Some(Ok(newest)) => newest,
            Some(Err(error)) => {
                tracing::error!(%error, "nothing is removed by its age until the next start");
                return;
            }
            None => return,
        };
        let mut watch = ClockWatch::new(newest, Instant::now());
        while tokio::time::timeout(wait, stop.cancelled()).await.is_err() {
            wait = LOOK;
            if !watch.believes(self.context().clock.now_ms(), Instant::now()) {
                tracing::warn!(
                    "the clock is far ahead of the newest raid: nothing is removed by its age for {DOUBTED:?}"
                );
                continue;
            }
            match stop.run_until_cancelled(self.remove_old(retention)).await {
                Some(Ok(0)) | None => {}
                Some(Ok(raids)) => tracing::info!(raids, "raids went that were as old as raids may get"),
                Some(Err(error)) => tracing::warn!(%error, "could not remove raids that are too old"),
            }
        }
    }

    async fn newest(&self) -> Result<Option<i64>, StoreError> {
        let store = &self.context().store;
        until_available("could not ask how old raids are; trying again", || store.active_last()).await
    }

    /// Removes all raids that are too old; gives how many.
    ///
    /// # Errors
    /// The store's: the rest is removed the next time.
    pub async fn remove_old(self: &Arc<Self>, retention: Retention) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let now_ms = self.context().clock.now_ms();
            let before_ms = now_ms.saturating_sub(i64::from(retention.keep_days).saturating_mul(DAY_MS));
            // Without those that are going already.
            let old = self.context().store.raids_older(before_ms, AT_ONCE).await?;
            if old.is_empty() {
                return Ok(removed);
            }
            for (account, code) in old {
                let (what, about) = (Audited::RaidExpired, Some(account.0));
                let note = Note { by: None, key: None, what, about, at_ms: now_ms };
                // One that was pinned or active since it was found stays.
                if self.begin(account, &code, note, Some(before_ms)).await? {
                    self.run(Erasure::Raid(code), account).await?;
                    removed += 1;
                }
            }
        }
    }
}
