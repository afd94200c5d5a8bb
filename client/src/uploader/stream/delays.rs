//! How late a fight is, by cause: the meter, the way to the relay and back, and what has not arrived.
//!
//! One invariant: what has not arrived is as old as the oldest part of it, whatever came after that.

use std::collections::VecDeque;

/// So many readings that have not arrived are kept apart: a minute of them.
const APART: usize = 600;
/// Of more, those of so long are told as the oldest of them, ms: at most two hours are kept, a second each.
const TOGETHER_MS: i64 = 1_000;

/// How late a fight is.
#[derive(Default)]
pub(super) struct Delays {
    meter_ms: Option<u64>,
    relay_ms: Option<u64>,
    /// Up to which seq was read when, Unix ms, of what has not arrived; the oldest first.
    read: VecDeque<(u64, i64)>,
}

impl Delays {
    /// Deltas up to `seq` were read at `unix_ms`.
    pub(super) fn read(&mut self, seq: u64, unix_ms: i64) {
        let is_late = self.read.len() >= APART;
        if let Some((last, began_ms)) = self.read.back_mut() {
            let is_together = is_late && (0..TOGETHER_MS).contains(&unix_ms.saturating_sub(*began_ms));
            if is_together || seq <= *last {
                *last = seq.max(*last);
                return;
            }
        }
        self.read.push_back((seq, unix_ms));
    }

    /// The newest event was so old when it was read, ms.
    pub(super) fn of_meter(&mut self, ms: i64) {
        // Clocks differ by a little, and one may be set.
        self.meter_ms = Some(u64::try_from(ms).unwrap_or(0));
    }

    /// A frame was acknowledged so long after it was sent, ms.
    pub(super) fn of_relay(&mut self, ms: u64) {
        self.relay_ms = Some(ms);
    }

    /// All up to `seq` has arrived.
    pub(super) fn arrived(&mut self, seq: u64) {
        while self.read.front().is_some_and(|(last, _)| *last <= seq) {
            self.read.pop_front();
        }
    }

    /// How old the newest event was when it was read, ms; `None` before any was.
    pub(super) fn meter_ms(&self) -> Option<u64> {
        self.meter_ms
    }

    /// How long the last frame took there and its answer back, ms; `None` before any did.
    pub(super) fn relay_ms(&self) -> Option<u64> {
        self.relay_ms
    }

    /// When the oldest was read that has not arrived, Unix ms; `None` where all has.
    pub(super) fn waiting_since_ms(&self) -> Option<i64> {
        self.read.front().map(|(_, unix_ms)| *unix_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_as_old_as_the_oldest_that_has_not_arrived() {
        let mut delays = Delays::default();
        assert_eq!(delays.waiting_since_ms(), None);
        for (seq, unix_ms) in [(1, 1_000), (3, 1_100), (3, 1_150), (4, 1_200)] {
            delays.read(seq, unix_ms);
        }
        for (arrived, expected) in [(0, Some(1_000)), (1, Some(1_100)), (2, Some(1_100)), (3, Some(1_200)), (4, None)] {
            delays.arrived(arrived);
            assert_eq!(delays.waiting_since_ms(), expected, "{arrived}");
        }
    }

    #[test]
    fn two_hours_without_a_relay_take_a_second_each() {
        let mut delays = Delays::default();
        for n in 0..72_000_u64 {
            delays.read(n + 1, n as i64 * 100);
        }
        assert!(delays.read.len() < APART + 7_200, "{}", delays.read.len());
        assert_eq!(delays.waiting_since_ms(), Some(0));
        delays.arrived(36_000);
        let since_ms = delays.waiting_since_ms().unwrap();
        assert!((3_600_000 - TOGETHER_MS..=3_600_000).contains(&since_ms), "{since_ms}");
        delays.arrived(72_000);
        assert_eq!(delays.waiting_since_ms(), None);
    }
}
