//! A set of seconds of a fight: one bit each, so two hours take less than a kilobyte.

/// Seconds since the encounter began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seconds(Vec<u64>);

impl Seconds {
    pub(super) fn insert(&mut self, second: u32) {
        let word = second as usize / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (second % 64);
    }

    pub(super) fn remove(&mut self, second: u32) {
        if let Some(word) = self.0.get_mut(second as usize / 64) {
            *word &= !(1 << (second % 64));
        }
    }

    /// The last of them that lies in a stretch of time, which may have no end. One on its edge does not: what came in
    /// it may have come on the other side.
    pub(super) fn last_in(&self, from_ms: u32, to_ms: u32) -> Option<u32> {
        // The first second that does not end before the end.
        let end = to_ms / 1000;
        let last = (end as usize).div_ceil(64).min(self.0.len());
        let found = (0..last).rev().find_map(|at| {
            let below = match end - (at as u32 * 64) {
                below @ 0..64 => (1 << below) - 1,
                _ => u64::MAX,
            };
            let word = self.0[at] & below;
            (word != 0).then(|| at as u32 * 64 + 63 - word.leading_zeros())
        });
        found.filter(|second| second * 1000 >= from_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_second_of_a_stretch_is_the_one_that_a_plain_list_has() {
        let held = [0, 1, 62, 63, 64, 65, 127, 128, 500, 7_199];
        let mut seconds = Seconds::default();
        for second in held {
            seconds.insert(second);
        }
        seconds.remove(65);
        seconds.remove(9_999);
        let ends = held.iter().flat_map(|s| [s * 1000, s * 1000 + 1, s * 1000 + 999, s * 1000 + 1000]);
        for to_ms in ends.chain([0, u32::MAX]) {
            for from_ms in [0, 1, 1000, 62_000, 64_000, 64_001, 500_000] {
                let inside =
                    |second: &&u32| **second != 65 && **second * 1000 >= from_ms && **second * 1000 + 1000 <= to_ms;
                let plain = held.iter().filter(inside).max().copied();
                assert_eq!(seconds.last_in(from_ms, to_ms), plain, "{from_ms}..{to_ms}");
            }
        }
        assert_eq!(Seconds::default().last_in(0, u32::MAX), None);
    }
}
