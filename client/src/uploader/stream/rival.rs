//! Another client that streams the same fight: when ours gives way to it, and when it goes on.

use raidcast_shared::uplink::{Held, ReportState};

/// A fight that another client streams is looked at again after, ms. The wait doubles while the other keeps up, for a
/// look makes it begin again, too.
const STAND_BY_MS: u64 = 5_000;
/// The longest wait, ms.
const STAND_BY_MS_MAX: u64 = 40_000;
/// Another client keeps up that has what ours had so long ago, ms.
const KEEPS_UP_MS: u64 = 3_000;

/// What is known of another client with the same fight.
pub(super) struct Rival {
    /// Its reading took the place of ours.
    gave_way: bool,
    /// How many events it had when it was looked at last.
    events: Option<u64>,
    /// The next wait for it, ms.
    wait_ms: u64,
    /// When so many events were read here, ms: some seconds ago, and before that.
    read_before: [(u64, u64); 2],
}

impl Rival {
    /// Nobody else is known of; `events` were read.
    pub(super) fn new(events: u64, now_ms: u64) -> Self {
        Self { gave_way: false, events: None, wait_ms: STAND_BY_MS, read_before: [(now_ms, events); 2] }
    }

    /// So many events were read here.
    pub(super) fn note(&mut self, events: u64, now_ms: u64) {
        if now_ms.saturating_sub(self.read_before[1].0) >= KEEPS_UP_MS {
            self.read_before = [self.read_before[1], (now_ms, events)];
        }
    }

    /// Another reading has taken the place of ours.
    pub(super) fn give_way(&mut self) {
        self.gave_way = true;
    }

    /// Whether it has, and ours has not come back since.
    pub(super) fn gave_way(&self) -> bool {
        self.gave_way
    }

    /// Whether the other goes on with `held`, another reading than ours, which has `events` by now, and has `ended`:
    /// then there is nothing to send. The other has stopped where its reading does not grow and ours has more, or its
    /// end.
    pub(super) fn goes_on(&mut self, held: &Held, events: u64, ended: bool) -> bool {
        if !self.gave_way || held.state != ReportState::Live {
            return false;
        }
        let grew = self.events.replace(held.events).is_none_or(|before| held.events > before);
        let keeps_up = held.events >= self.read_before[0].1;
        let next_ms = if keeps_up && !ended { self.wait_ms * 2 } else { STAND_BY_MS };
        self.wait_ms = next_ms.min(STAND_BY_MS_MAX);
        grew || (!ended && events <= held.events)
    }

    /// How long to stand by, ms.
    pub(super) fn wait_ms(&self) -> u64 {
        self.wait_ms
    }

    /// It has stopped, or there was none: ours goes on.
    pub(super) fn is_gone(&mut self) {
        (self.gave_way, self.events, self.wait_ms) = (false, None, STAND_BY_MS);
    }
}
