//! What keys have used of a day, kept over a restart.
//!
//! One invariant: what is kept is never more than was used. It is written once a minute where it changed, and when the relay
//! stops: a relay that is killed gives back what was used in its last minute. Deliberately not here: what is a limit
//! ([`crate::quota`]).

use std::sync::Arc;
use std::time::Duration;

use raidcast_store::{StoreError, Use};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// How often what changed is written.
const KEEP_EVERY: Duration = Duration::from_mins(1);

/// See the module's page.
pub struct KeptUsage {
    context: Arc<Context>,
    /// As the store has it.
    kept: Mutex<Vec<Use>>,
}

impl KeptUsage {
    /// Takes up what was kept before.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn recall(context: Arc<Context>) -> Result<Self, StoreError> {
        let kept = context.store.used().await?;
        context.quota.recall(&kept);
        Ok(Self { context, kept: Mutex::new(kept) })
    }

    /// Writes what changed, once a minute until the relay stops.
    pub async fn keep_each_minute(self: Arc<Self>, stop: CancellationToken) {
        while tokio::time::timeout(KEEP_EVERY, stop.cancelled()).await.is_err() {
            self.keep().await;
        }
    }

    /// Writes what changed. What cannot be written is written the next time.
    pub async fn keep(&self) {
        let mut kept = self.kept.lock().await;
        let now = self.context.quota.to_keep();
        let changed: Vec<_> = now.iter().filter(|used| !kept.contains(used)).cloned().collect();
        if changed.is_empty() {
            return;
        }
        match self.context.store.keep_used(&changed).await {
            Ok(()) => *kept = now,
            Err(error) => tracing::warn!(%error, "could not write down what keys have used today"),
        }
    }
}
