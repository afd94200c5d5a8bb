//! The handles of one connection: one for each reading that it has begun, found both ways without looking at others.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use crate::limits::HANDLES_MAX;

/// Handles of readings `R`. A reading that is begun again keeps its handle, so what is on its way under it stays right;
/// a handle is never given to a second reading.
#[derive(Debug)]
pub(super) struct Handles<R> {
    last: u32,
    readings: HashMap<u32, R>,
    of: HashMap<R, u32>,
    /// Begun longest ago first.
    order: VecDeque<u32>,
}

impl<R: Copy + Eq + Hash> Handles<R> {
    /// None is given yet; the first is 1.
    pub(super) fn new() -> Self {
        Self { last: 0, readings: HashMap::new(), of: HashMap::new(), order: VecDeque::new() }
    }

    /// The handle of a reading that is begun, and the reading that lost its own for it, if there were too many.
    pub(super) fn give(&mut self, reading: R) -> (u32, Option<R>) {
        if let Some(h) = self.of(reading) {
            self.order.retain(|held| *held != h);
            self.order.push_back(h);
            return (h, None);
        }
        let mut lost = None;
        if self.order.len() == HANDLES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            lost = self.readings.remove(&oldest);
            if let Some(reading) = &lost {
                self.of.remove(reading);
            }
        }
        self.last += 1;
        self.readings.insert(self.last, reading);
        self.of.insert(reading, self.last);
        self.order.push_back(self.last);
        (self.last, lost)
    }

    /// The handle of a reading, if it has one.
    pub(super) fn of(&self, reading: R) -> Option<u32> {
        self.of.get(&reading).copied()
    }

    /// The reading behind a handle.
    pub(super) fn reading(&self, h: u32) -> Option<R> {
        self.readings.get(&h).copied()
    }

    /// Takes handles away: whoever uses one of them has to begin again.
    pub(super) fn take(&mut self, is_so: impl Fn(&R) -> bool) {
        let (readings, handles) = (&mut self.readings, &mut self.of);
        readings.retain(|_, reading| {
            let goes = is_so(reading);
            if goes {
                handles.remove(reading);
            }
            !goes
        });
        if self.order.len() > self.readings.len() {
            self.order.retain(|h| self.readings.contains_key(h));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::hash::Hasher;

    use super::*;

    thread_local! {
        static COMPARED: Cell<u64> = const { Cell::new(0) };
    }

    /// A reading that counts how often one is compared with another.
    #[derive(Clone, Copy, Debug, Eq)]
    struct Counting(u64);

    impl PartialEq for Counting {
        fn eq(&self, other: &Self) -> bool {
            COMPARED.set(COMPARED.get() + 1);
            self.0 == other.0
        }
    }

    impl Hash for Counting {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    fn held<R>(handles: &Handles<R>) -> [usize; 3] {
        [handles.readings.len(), handles.of.len(), handles.order.len()]
    }

    #[test]
    fn a_reading_that_is_begun_ten_thousand_times_has_one_handle() {
        let mut handles = Handles::new();
        let first = handles.give(7).0;
        assert!((0..10_000).all(|_| handles.give(7) == (first, None)));
        assert_eq!(held(&handles), [1; 3]);
        assert_eq!((handles.of(7), handles.reading(first)), (Some(first), Some(7)));
    }

    #[test]
    fn ten_thousand_readings_leave_the_newest_and_each_is_found_without_looking_at_the_others() {
        let mut handles = Handles::new();
        handles.give(Counting(0));
        for n in 1..10_000 {
            handles.give(Counting(n));
            // It is sent all the while, and begun again now and then.
            if n % 1_000 == 0 {
                assert_eq!(handles.give(Counting(0)), (1, None));
            }
        }
        assert_eq!(held(&handles), [HANDLES_MAX; 3]);
        assert_eq!((handles.reading(2), handles.of(Counting(1))), (None, None), "the oldest have none");
        COMPARED.set(0);
        assert_eq!((handles.of(Counting(0)), handles.of(Counting(9_999))), (Some(1), Some(10_000)));
        assert!(COMPARED.get() <= 8, "{} looked at for two", COMPARED.get());
    }

    #[test]
    fn a_handle_that_was_taken_is_nobodys_and_the_next_is_another() {
        let mut handles = Handles::new();
        let (a, b) = (handles.give((1, 'a')).0, handles.give((1, 'b')).0);
        let other = handles.give((2, 'a')).0;
        handles.take(|(fight, _)| *fight == 1);
        assert_eq!([a, b, other].map(|h| handles.reading(h)), [None, None, Some((2, 'a'))]);
        assert_eq!((handles.give((1, 'a')).0, held(&handles)), (other + 1, [2; 3]));
    }
}
