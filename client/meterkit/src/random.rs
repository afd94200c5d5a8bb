//! A small generator of pseudo-random numbers (splitmix64), so that a seed means one fight for ever.

/// A stream of numbers that its seed alone decides.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A stream of its own for the `n`-th part of a script: what one part draws does not move the others.
    pub(crate) fn part(seed: u64, n: u64) -> Self {
        let mut mixed = Self(seed ^ n.wrapping_mul(0xd134_2543_de82_ef95));
        Self(mixed.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between `low` and `high`, `high` left out; `low` if the span is empty.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.saturating_sub(low).max(1) as u64;
        low + (self.next() % span) as i64
    }

    /// True `percent` times in a hundred.
    pub(crate) fn chance(&mut self, percent: i64) -> bool {
        self.between(0, 100) < percent
    }

    /// One of `all`, which is not empty.
    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.between(0, all.len() as i64) as usize]
    }

    /// An index below `len`, the first ones more often.
    pub(crate) fn early_index(&mut self, len: usize) -> usize {
        let a = self.between(0, len as i64);
        let b = self.between(0, len as i64);
        a.min(b) as usize
    }

    /// Changes the order of `all`.
    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for i in (1..all.len()).rev() {
            all.swap(i, self.between(0, i as i64 + 1) as usize);
        }
    }
}
