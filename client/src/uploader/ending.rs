//! To the end: when there is nothing more to wait for, and what came of it.

use super::stream::{Standing, Stream};
use super::{Change, Summary, Uploader, WatchError};

/// With `until_idle`, a relay that confirms nothing (or a disk that takes nothing) is given up after at least so long,
/// ms: it may be starting again.
const PATIENCE_MS: u64 = 60_000;

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Whether there is nothing more to wait for; only ever with `until_idle`.
    pub(super) fn is_done(&mut self, now_ms: u64) -> Result<bool, WatchError> {
        if let Some(history) = &self.options.history {
            let patience = history.patience;
            return self.is_uploaded(patience, now_ms);
        }
        let Some(until_idle) = self.options.until_idle else { return Ok(false) };
        let until_idle_ms = until_idle.as_millis() as u64;
        let passed = |since_ms: u64, ms: u64| now_ms.saturating_sub(since_ms) >= ms;
        let event_ms = self.activity.event_ms();
        let was_ever_read = self.meter.was_ever_read();
        if let Some((since_ms, why)) = self.meter.trouble() {
            // While it cannot be read, nobody knows what is left.
            if !passed(since_ms.max(event_ms), until_idle_ms) {
                return Ok(false);
            }
            return Err(WatchError::NoMeter { after: until_idle, why: why.clone() });
        }
        if !passed(event_ms, until_idle_ms) {
            self.activity.reopen();
            return Ok(false);
        }
        // A relay that takes nothing for long, or a disk that does not, is not waited for for ever.
        let since_ms = self.activity.progress_ms().max(event_ms);
        let given_up = passed(since_ms, until_idle_ms.max(PATIENCE_MS));
        if !was_ever_read || self.disk.is_stalled() {
            return Ok(given_up);
        }
        let settled = |stream: &Stream| {
            stream.standing == Standing::GivenUp
                || stream.gave_way()
                || (matches!(stream.standing, Standing::Open { .. }) && stream.unacked() == 0)
        };
        let none_waits = self.streams.queue().is_empty();
        if none_waits && self.streams.iter().all(settled) && !self.activity.is_closing() {
            self.activity.close();
            let seconds = now_ms.saturating_sub(event_ms) / 1000;
            self.announcer.tell(Change::Idle { encounter: None, seconds });
        }
        let left = self.streams.iter().any(|stream| stream.standing != Standing::GivenUp);
        Ok(given_up || (self.activity.is_closing() && none_waits && !left))
    }

    /// What became of the fights.
    pub(super) fn summary(&self) -> Summary {
        let unacknowledged = self.streams.unacked();
        let late = |stream: &Stream| stream.is_ended() || stream.standing == Standing::GivenUp || !stream.is_spooled();
        Summary {
            fights: self.streams.found(),
            finalized: self.ledger.count_finalized(),
            unacknowledged,
            complete: unacknowledged == 0
                && self.upload.failures() == 0
                && self.ledger.count_left_out() == 0
                && self.streams.queue().is_empty()
                && !self.streams.iter().any(late)
                && (self.upload.is_planned() || self.options.history.is_none()),
        }
    }
}
