//! Raids that are as old as raids may get.
//!
//! One invariant: nothing goes by its age unless the operator has said how old that is, and what is pinned never does. It is
//! removed as its owner would remove it.

use std::sync::Arc;
use std::time::Duration;

use raidcast_shared::account::Audited;
use raidcast_store::{Note, StoreError};
use tokio_util::sync::CancellationToken;

use super::Eraser;
use crate::quota::DAY_MS;

/// So often it is looked what is too old.
const LOOK: Duration = Duration::from_mins(10);
/// The first time soon after the start: one that is restarted each night looks, too.
const FIRST: Duration = Duration::from_secs(30);
/// So many are looked at, and the first that can be read is removed: one may be pinned, or go on, while another is.
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
        while tokio::time::timeout(wait, stop.cancelled()).await.is_err() {
            wait = LOOK;
            match stop.run_until_cancelled(self.remove_old(retention)).await {
                Some(Ok(0)) | None => {}
                Some(Ok(raids)) => tracing::info!(raids, "raids went that were as old as raids may get"),
                Some(Err(error)) => tracing::warn!(%error, "could not remove raids that are too old"),
            }
        }
    }

    /// Removes all raids that are too old; gives how many.
    ///
    /// # Errors
    /// The store's: the rest is removed the next time.
    pub async fn remove_old(&self, retention: Retention) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let now_ms = self.context().clock.now_ms();
            let before_ms = now_ms.saturating_sub(i64::from(retention.keep_days).saturating_mul(DAY_MS));
            let old = self.context().store.raids_older(before_ms, AT_ONCE).await?;
            let Some(raid) = old.into_iter().next() else { return Ok(removed) };
            let note = Note { by: None, what: Audited::RaidExpired, about: Some(raid.account.0), at_ms: now_ms };
            self.begin(raid.account, &raid.code, note).await?;
            self.erase_raid(raid.account, &raid.code).await?;
            removed += 1;
        }
    }
}
