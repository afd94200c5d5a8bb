//! Connections whose next request has not come: when an address or the relay has no more, the oldest of them goes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::Address;

#[derive(Default)]
struct Line {
    next: u64,
    places: BTreeMap<u64, (Address, CancellationToken)>,
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
        oldest.map(|(_, (_, close))| close.cancel()).is_some()
    }

    /// Closes the one of an address that has waited longest; false if none of it waits.
    pub(super) fn close_oldest_of(&self, address: Address) -> bool {
        let mut line = self.line();
        let oldest = line.places.iter().find(|(_, (of, _))| *of == address).map(|(at, _)| *at);
        let oldest = oldest.and_then(|at| line.places.remove(&at));
        oldest.map(|(_, close)| close.cancel()).is_some()
    }

    /// A connection that waits for its first request.
    pub(super) fn enter(&self, address: Address) -> Waiter {
        let close = CancellationToken::new();
        let waiter = Waiter { line: self.clone(), address, close, place: Arc::default() };
        waiter.waits();
        waiter
    }
}

/// One connection's end of the line. Take it out with [`Waiter::is_served`] when the connection ends.
#[derive(Clone)]
pub(super) struct Waiter {
    line: Waiting,
    address: Address,
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
            line.places.insert(at, (self.address, self.close.clone()));
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
        let (one, other) = (Address::of([192, 0, 2, 1].into()), Address::of([192, 0, 2, 2].into()));
        let [first, second, third] = [one, one, other].map(|address| waiting.enter(address));
        first.is_served();
        second.waits();
        assert_eq!(waiting.len(), 2);
        assert!(waiting.close_oldest());
        assert!(second.close.is_cancelled() && !first.close.is_cancelled() && !third.close.is_cancelled());
        first.waits();
        assert!(waiting.close_oldest() && third.close.is_cancelled(), "who was served waits behind the others");
        first.is_served();
        assert!(!waiting.close_oldest());
        let [_, mine] = [other, one].map(|address| waiting.enter(address));
        assert!(waiting.close_oldest_of(one) && mine.close.is_cancelled());
        assert!(!waiting.close_oldest_of(one) && waiting.len() == 1);
    }
}
