//! Connections whose next request has not come: when descriptors run out the oldest of them goes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

#[derive(Default)]
struct Line {
    next: u64,
    places: BTreeMap<u64, CancellationToken>,
}

/// All that wait, in the order of their coming.
#[derive(Clone, Default)]
pub(super) struct Waiting(Arc<Mutex<Line>>);

impl Waiting {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.line().places.len()
    }

    /// Closes the one that has waited longest; false if none waits.
    pub(super) fn close_oldest(&self) -> bool {
        let oldest = self.line().places.pop_first();
        oldest.is_some_and(|(_, close)| {
            close.cancel();
            true
        })
    }

    /// A connection that waits for its first request.
    pub(super) fn enter(&self) -> Waiter {
        let waiter = Waiter { line: self.clone(), close: CancellationToken::new(), place: Arc::default() };
        waiter.waits();
        waiter
    }
}

/// One connection's end of the line. Take it out with [`Waiter::is_served`] when the connection ends.
#[derive(Clone)]
pub(super) struct Waiter {
    line: Waiting,
    /// Cancelled when it is to go.
    pub(super) close: CancellationToken,
    place: Arc<Mutex<Option<u64>>>,
}

impl Waiter {
    fn place(&self) -> MutexGuard<'_, Option<u64>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It waits for a request from now on, behind all others.
    pub(super) fn waits(&self) {
        let mut place = self.place();
        if place.is_none() {
            let mut line = self.line.line();
            line.next += 1;
            let at = line.next;
            line.places.insert(at, self.close.clone());
            *place = Some(at);
        }
    }

    /// Its request came.
    pub(super) fn is_served(&self) {
        if let Some(at) = self.place().take() {
            self.line.line().places.remove(&at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_waits_longest_goes_first_and_who_is_served_stays() {
        let waiting = Waiting::default();
        let [first, second, third] = std::array::from_fn(|_| waiting.enter());
        first.is_served();
        second.waits();
        assert_eq!(waiting.len(), 2);
        assert!(waiting.close_oldest());
        assert!(second.close.is_cancelled() && !first.close.is_cancelled() && !third.close.is_cancelled());
        first.waits();
        assert!(waiting.close_oldest() && third.close.is_cancelled(), "who was served waits behind the others");
        first.is_served();
        assert!(!waiting.close_oldest());
    }
}
