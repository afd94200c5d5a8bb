//! Links that owners made: who is let in by one, and who hears of its end.
//!
//! One invariant: a link that was revoked, or is over, lets nobody in from the moment at which the store has answered, or at
//! which its time is over; and whoever watches by it is let go in the same second. What is not a good link is looked up like
//! one, so neither an answer nor the time it takes tells which it was. Memory holds those alone by which something is open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raidcast_shared::id::from_hex;
use raidcast_store::{LinkId, LinkRow, Note, StoreError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Until;
use crate::account::digest;
use crate::clock_watch::{ClockWatch, DOUBTED};
use crate::raid::RaidRegistry;
use crate::retry::until_available;

/// How often it is looked which links are over.
const TURN: Duration = Duration::from_secs(1);
/// When a link was used is kept so exactly, in turns, and ms.
const NOTED_EACH: u32 = 60;
const MINUTE_MS: i64 = 60_000;
/// What is over is removed each so many turns, and first after so many: a relay that is restarted each night does it, too.
const SWEPT_EACH: u32 = 3_600;
const SWEPT_FIRST: u32 = 60;

/// By a link somebody is let in, or is about to be.
struct Open {
    /// Held by each whom it lets in; by nobody else when this is the only one.
    ended: Arc<CancellationToken>,
    /// What is known of it; `None` while the store is asked.
    row: Option<LinkRow>,
}

impl Open {
    fn is_nobodys(&self) -> bool {
        Arc::strong_count(&self.ended) == 1
    }
}

/// See the module's page.
pub struct Links {
    registry: Arc<RaidRegistry>,
    /// By digest.
    open: Mutex<HashMap<[u8; 32], Open>>,
    /// Which were used since that was last noted, and in which minute.
    used: Mutex<HashMap<LinkId, i64>>,
}

impl Links {
    /// Of a relay.
    pub fn new(registry: Arc<RaidRegistry>) -> Self {
        Self { registry, open: Mutex::default(), used: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<[u8; 32], Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn used(&self) -> MutexGuard<'_, HashMap<LinkId, i64>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> i64 {
        self.registry.context.clock.now_ms()
    }

    /// The link that this is the secret of, and until when it is good; `None` if it is none, or not good now.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn good(&self, secret: &str) -> Result<Option<(LinkRow, Until)>, StoreError> {
        if from_hex(secret).is_none_or(|bytes| bytes.len() != 32) {
            return Ok(None);
        }
        let digest = digest(secret.as_bytes());
        // Before the store is asked: what ends after its answer is heard of.
        let ended = {
            let new = || Open { ended: Arc::default(), row: None };
            Arc::clone(&self.open().entry(digest).or_insert_with(new).ended)
        };
        let row = self.registry.context.store.link(&digest).await?;
        let now_ms = self.now_ms();
        let good = row.filter(|row| !row.is_over(now_ms) && !ended.is_cancelled());
        let mut open = self.open();
        match (good, open.get_mut(&digest)) {
            (Some(row), Some(held)) if Arc::ptr_eq(&held.ended, &ended) => {
                held.row = Some(row.clone());
                Ok(Some((row, Until(ended))))
            }
            // It ended meanwhile, or was never one.
            (_, held) => {
                drop(ended);
                if held.is_some_and(|held| held.is_nobodys()) {
                    open.remove(&digest);
                }
                Ok(None)
            }
        }
    }

    /// A link lets somebody in now.
    pub fn note_use(&self, link: LinkId) {
        let now_ms = self.now_ms();
        self.used().insert(link, now_ms - now_ms.rem_euclid(MINUTE_MS));
    }

    /// When a link was used last.
    pub fn used_at_ms(&self, row: &LinkRow) -> Option<i64> {
        self.used().get(&row.id).copied().max(row.used_at_ms)
    }

    /// Revokes a link, and lets go who came by it; `false` if there is no such one any more.
    ///
    /// # Errors
    /// The store does not answer: who came by it is let go all the same, and it can be revoked again.
    pub async fn revoke(&self, row: &LinkRow, note: Note) -> Result<bool, StoreError> {
        let store = &self.registry.context.store;
        let revoked = store.revoke_link(row.account, row.raid_code.as_deref(), row.id, note).await;
        self.end(row).await;
        Ok(revoked?.is_some())
    }

    async fn end(&self, row: &LinkRow) {
        if let Some(open) = self.open().remove(&row.digest) {
            open.ended.cancel();
        }
        self.used().remove(&row.id);
        // Also where nobody is known to be let in by it: who joined is with a raid's task.
        self.registry.link_ended(row).await;
    }

    /// Ends links whose time is over, and forgets those by which nobody is let in any more.
    async fn end_what_is_over(&self) {
        let now_ms = self.now_ms();
        let over: Vec<_> = {
            let mut open = self.open();
            open.retain(|_, open| !open.is_nobodys());
            open.values().filter_map(|open| open.row.clone()).filter(|row| row.is_over(now_ms)).collect()
        };
        for row in over {
            self.end(&row).await;
        }
    }

    /// Notes which links were used.
    ///
    /// # Errors
    /// The store does not answer: it is noted the next time.
    pub async fn keep_use(&self) -> Result<(), StoreError> {
        let used: Vec<_> = self.used().drain().collect();
        if used.is_empty() {
            return Ok(());
        }
        let noted = self.registry.context.store.use_links(&used).await;
        if noted.is_err() {
            let mut again = self.used();
            for (id, at_ms) in used {
                again.entry(id).or_insert(at_ms);
            }
        }
        noted
    }

    /// Removes links that are over, unless the clock may be wrong: whoever has one is refused by what it says, and let in again
    /// when it is set right.
    async fn sweep(&self, watch: &mut ClockWatch) -> Result<(), StoreError> {
        let now_ms = self.now_ms();
        if !watch.believes(now_ms, Instant::now()) {
            tracing::info!("the clock is far ahead of the newest raid: links that are over are removed in {DOUBTED:?}");
            return Ok(());
        }
        self.registry.context.store.drop_links(now_ms).await
    }

    /// Ends links when their time is over, and notes which were used. Ends with `stopping`.
    pub async fn keep_house(self: Arc<Self>, stopping: CancellationToken) {
        // Before anybody streams: a clock that is ahead makes what comes now as new as it says.
        let store = &self.registry.context.store;
        let newest = until_available("could not ask how new raids are; trying again", || store.active_last());
        let mut watch = match stopping.run_until_cancelled(newest).await {
            Some(Ok(newest)) => Some(ClockWatch::new(newest, Instant::now())),
            Some(Err(error)) => {
                tracing::error!(%error, "links that are over are not removed until the next start");
                None
            }
            None => return,
        };
        let mut turn = 0_u32;
        while tokio::time::timeout(TURN, stopping.cancelled()).await.is_err() {
            self.end_what_is_over().await;
            turn = turn.wrapping_add(1);
            let noted = if turn.is_multiple_of(NOTED_EACH) { self.keep_use().await } else { Ok(()) };
            let swept = match &mut watch {
                Some(watch) if turn % SWEPT_EACH == SWEPT_FIRST => self.sweep(watch).await,
                _ => Ok(()),
            };
            if let Err(error) = noted.and(swept) {
                tracing::warn!(%error, "could not see to links that were used or are over");
            }
        }
    }
}
