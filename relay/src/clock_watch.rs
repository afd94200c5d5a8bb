//! Whether the wall clock is to be believed, where something goes for good because of what it says.
//!
//! One invariant: nothing goes by a clock that has just leapt ahead, or woke up ahead of all that is here: it is looked at
//! again hours later.

use std::time::Duration;

use tokio::time::Instant;

use crate::quota::DAY_MS;

/// A clock that is so far ahead of the newest raid at the start, or has leapt by so much since the last look, ms, may be wrong.
const LEAP_MS: i64 = 2 * DAY_MS;
/// What is so still after so long is believed: clocks are set over the network within minutes, and who operates the relay is
/// told at once.
pub(crate) const DOUBTED: Duration = Duration::from_hours(6);

/// Whether the wall clock is to be believed, by how it goes.
pub(crate) struct ClockWatch {
    /// What it would say now if it had gone on as it was; `None` if nothing is known.
    expected: Option<(i64, Instant)>,
    /// Since when it is doubted.
    doubted: Option<Instant>,
}

impl ClockWatch {
    /// Beside the newest raid, before anybody streams.
    pub(crate) fn new(newest_ms: Option<i64>, now: Instant) -> Self {
        Self { expected: newest_ms.map(|newest_ms| (newest_ms, now)), doubted: None }
    }

    /// Whether it is believed when it says this.
    pub(crate) fn believes(&mut self, now_ms: i64, now: Instant) -> bool {
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
