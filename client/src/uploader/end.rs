//! When the uploader has nothing more to wait for, and how things stand until then.

use super::change::{LiveFight, Status};
use raidcast_shared::limits::AMOUNT_MAX;
use raidcast_shared::uplink::MeterTotals;

use super::stream::{Finish, Standing, Stream};
use super::{Change, Summary, Uploader, WatchError};

/// How often the status is told, ms.
const STATUS_MS: u64 = 500;
/// With `until_idle`, a relay that confirms nothing (or a disk that takes nothing) is given up after at least so long,
/// ms: it may be starting again.
const PATIENCE_MS: u64 = 60_000;

/// The last Unix ms that a date may have: the end of the year 9999.
const UNIX_MS_MAX: i64 = 253_402_300_799_999;

impl Finish {
    /// The same with nothing in it that a relay does not take: one absurd number of the meter's must not keep a fight
    /// from its report. A sum that is cut differs from what was read, and the report says so.
    ///
    /// An end before the last event is of a clock that was set back: then the fight ended with that event.
    pub(super) fn fit(&self, started_at_ms: i64, elapsed_ms: u32) -> Self {
        let last_ms = started_at_ms.saturating_add(elapsed_ms.into());
        let ended_at_ms = self.ended_at_ms.map(|at| at.max(last_ms)).filter(|at| (0..=UNIX_MS_MAX).contains(at));
        let meter = self.meter.map(|meter| MeterTotals {
            damage: meter.damage.min(AMOUNT_MAX),
            healing: meter.healing.min(AMOUNT_MAX),
            damage_by: meter.damage_by,
        });
        Self { ended_at_ms, outcome: self.outcome, meter }
    }
}

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
        if let Some(since_ms) = self.trouble_since_ms
            && passed(since_ms.max(self.last_event_ms), until_idle_ms)
            && (!self.ever_watched || self.streams.iter().any(|stream| !stream.is_ended()) || !self.queue.is_empty())
        {
            return Err(WatchError::NoMeter { after: until_idle, why: self.trouble.clone() });
        }
        if !passed(self.last_event_ms, until_idle_ms) {
            // A fight that begins now is streamed like any other.
            self.closing = false;
            return Ok(false);
        }
        // A relay that takes nothing for long, or a disk that does not, is not waited for for ever.
        let since_ms = self.last_progress_ms.max(self.last_event_ms);
        let given_up = passed(since_ms, until_idle_ms.max(PATIENCE_MS));
        if !self.ever_watched || self.stalled {
            return Ok(given_up);
        }
        let settled = |stream: &Stream| {
            stream.standing == Standing::GivenUp
                || stream.gave_way
                || (matches!(stream.standing, Standing::Open { .. }) && stream.unacked() == 0)
        };
        if self.queue.is_empty() && self.streams.iter().all(settled) && !self.closing {
            self.closing = true;
            let seconds = now_ms.saturating_sub(self.last_event_ms) / 1000;
            self.tell(Change::Idle { encounter: None, seconds });
        }
        let left = self.streams.iter().any(|stream| stream.standing != Standing::GivenUp);
        Ok(given_up || (self.closing && self.queue.is_empty() && !left))
    }

    pub(super) fn summary(&self) -> Summary {
        let unacknowledged = self.streams.iter().map(Stream::unacked).sum();
        let late = |stream: &Stream| stream.is_ended() || stream.standing == Standing::GivenUp || !stream.is_spooled();
        Summary {
            fights: self.found,
            finalized: self.finalized,
            unacknowledged,
            complete: unacknowledged == 0
                && self.failed == 0
                && self.unreadable.is_empty()
                && self.queue.is_empty()
                && !self.streams.iter().any(late)
                && (self.planned || self.options.history.is_none()),
        }
    }

    pub(super) fn tell_status(&mut self, now_ms: u64) {
        if now_ms < self.next_status_ms {
            return;
        }
        self.next_status_ms = now_ms + STATUS_MS;
        let live = self.streams.iter().filter(|stream| !stream.is_ended()).max_by_key(|stream| stream.started_at_ms());
        let status = Status {
            watching: self.watching.is_some() && self.trouble_since_ms.is_none(),
            connected: self.link.as_ref().is_some_and(|link| link.welcomed),
            live: live.map(|stream| LiveFight {
                title: stream.title(),
                elapsed_ms: stream.elapsed_ms(),
                events: stream.events(),
            }),
            unacknowledged: self.streams.iter().map(Stream::unacked).sum(),
            url: self.raid_url.clone(),
            unreadable: self.unreadable.len() as u64,
        };
        if status != self.told_status {
            self.told_status = status.clone();
            self.tell(Change::Status(status));
        }
    }
}
