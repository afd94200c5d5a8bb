//! Whether the machine has slept.
//!
//! One invariant: a machine that is only slow is taken for one that slept once at the most, so it does connect in the end.

/// Polls that are further apart than this, ms, had a sleep between them: else they are a tenth of a second apart.
const ASLEEP_MS: u64 = 10_000;

/// When was polled last, by both clocks. The one that only goes forward stands still in sleep on Linux and goes on on
/// Windows; the wall's may be set at any time. So neither tells by itself, and taking a set clock for a sleep costs no more
/// than a connection.
pub(super) struct Waking {
    elapsed_ms: u64,
    unix_ms: i64,
    /// The last poll was late, too.
    was_late: bool,
}

impl Waking {
    /// As if polled just now.
    pub(super) fn new(elapsed_ms: u64, unix_ms: i64) -> Self {
        Self { elapsed_ms, unix_ms, was_late: false }
    }

    /// It is polled now; whether the machine has slept since it was polled last.
    pub(super) fn woke(&mut self, elapsed_ms: u64, unix_ms: i64) -> bool {
        let steady_ms = elapsed_ms.saturating_sub(self.elapsed_ms);
        let wall_ms = unix_ms.saturating_sub(self.unix_ms);
        let late = steady_ms > ASLEEP_MS || wall_ms > ASLEEP_MS as i64;
        let woke = late && !self.was_late;
        *self = Self { elapsed_ms, unix_ms, was_late: late };
        woke
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_noticed_by_either_clock_and_a_clock_that_is_set_back_is_none() {
        let mut waking = Waking::new(1_000, 1_000_000);
        for (elapsed_ms, unix_ms, expected) in [
            (1_100, 1_000_100, false),
            // Linux: an hour of the wall's alone.
            (1_200, 4_600_200, true),
            (1_300, 4_600_300, false),
            // Windows: of both.
            (3_601_300, 8_200_300, true),
            (3_601_400, 8_200_400, false),
            // The wall's is set back, and the steady one tells.
            (3_601_500, 1_000_000, false),
            (3_612_600, 900_000, true),
            (3_612_700, 900_100, false),
        ] {
            assert_eq!(waking.woke(elapsed_ms, unix_ms), expected, "{elapsed_ms} {unix_ms}");
        }
    }

    #[test]
    fn who_is_always_slow_is_taken_for_asleep_once() {
        let mut waking = Waking::new(0, 0);
        let woke: Vec<_> = (1..=4).map(|n| waking.woke(n * 11_000, n as i64 * 11_000)).collect();
        assert_eq!(woke, [true, false, false, false]);
        assert!(!waking.woke(44_100, 44_100));
        assert!(waking.woke(60_000, 60_000));
    }
}
