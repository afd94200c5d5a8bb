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
use crate::quota::DAY_MS;
use crate::retry::until_available;

/// So often it is looked what is too old.
const LOOK: Duration = Duration::from_mins(10);
/// The first time soon after the start: one that is restarted each night looks, too.
const FIRST: Duration = Duration::from_secs(30);
/// So many are found at once.
const AT_ONCE: u32 = 20;

/// A clock that is so far ahead of the newest raid at the start, or has leapt by so much since the last look, ms, may be wrong.
const LEAP_MS: i64 = 2 * DAY_MS;
/// What is so still after so long is believed: clocks are set over the network within minutes, and who operates the relay is
/// told at once.
const DOUBTED: Duration = Duration::from_hours(6);

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

/// Whether the wall clock is to be believed, by how it goes.
struct ClockWatch {
    /// What it would say now if it had gone on as it was; `None` if nothing is known.
    expected: Option<(i64, Instant)>,
    /// Since when it is doubted.
    doubted: Option<Instant>,
}

impl ClockWatch {
    /// Beside the newest raid.
    fn new(newest_ms: Option<i64>, now: Instant) -> Self {
        Self { expected: newest_ms.map(|newest_ms| (newest_ms, now)), doubted: None }
    }

    fn believes(&mut self, now_ms: i64, now: Instant) -> bool {
        let went_ms = |since: Instant| i64::try_from((now - since).as_millis()).unwrap_or(i64::MAX);
        let off_ms = self.expected.map_or(0, |(at_ms, at)| now_ms.saturating_sub(at_ms).saturating_sub(went_ms(at)));
        match self.doubted {
            // It was set back: what it said before was wrong, and is forgotten.
            Some(_) if off_ms < LEAP_MS => self.doubted = None,
            Some(since) if now - since >= DOUBTED => self.doubted = None,
            Some(_) => return false,
            None if off_ms >= LEAP_MS => {
                self.doubted = Some(now);
                return false;
            }
            None => {}
        }
        self.expected = Some((now_ms, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn a_clock_that_is_far_ahead_is_believed_when_it_is_so_for_hours() {
        let begun = Instant::now();
        let mut watch = ClockWatch::new(Some(DAY_MS), begun);
        // Ten years ahead at the start.
        let ahead_ms = 3_650 * DAY_MS;
        for hours in 0..6 {
            assert!(!watch.believes(ahead_ms + i64::from(hours) * 3_600_000, begun + HOUR * hours), "{hours}");
        }
        assert!(watch.believes(ahead_ms + 6 * 3_600_000, begun + HOUR * 6), "the relay stood still for ten years");
        assert!(watch.believes(ahead_ms + 7 * 3_600_000, begun + HOUR * 7));
        // And again where it leaps.
        assert!(!watch.believes(2 * ahead_ms, begun + HOUR * 8));
    }

    #[test]
    fn a_clock_that_was_set_right_is_believed_at_once_and_one_that_goes_on_always() {
        let begun = Instant::now();
        let mut watch = ClockWatch::new(Some(DAY_MS), begun);
        assert!(!watch.believes(3_650 * DAY_MS, begun + HOUR));
        assert!(watch.believes(DAY_MS + 2 * 3_600_000, begun + HOUR * 2), "the network said so");
        for hours in 3..1_000_u32 {
            assert!(watch.believes(DAY_MS + i64::from(hours) * 3_600_000, begun + HOUR * hours), "{hours}");
        }
        // Nothing is there that could be removed.
        assert!(ClockWatch::new(None, begun).believes(3_650 * DAY_MS, begun));
    }
}
