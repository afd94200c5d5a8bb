//! The order law of [`Journal::append`](crate::Journal::append), for stores that write from a queue.
//!
//! One invariant: while entries of an encounter are under way (called, and not yet answered *and* heard by the
//! caller) and one of them fails, all that were called after it fail too. Deliberately not here: the queue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::StoreError;

/// What entries after one that failed are answered.
pub fn after_failed() -> StoreError {
    StoreError::Unavailable("an entry before this one was not stored".into())
}

/// Encounters that have entries under way, by row.
#[derive(Debug, Default)]
pub struct Lanes(Mutex<HashMap<i64, Lane>>);

impl Lanes {
    /// Takes the next place in an encounter's lane and in the store's queue, for one entry.
    ///
    /// `reserve` finds room in the queue, `send` fills it and takes the ticket that the writer holds; neither may
    /// wait, and nobody enters a lane meanwhile, so that the order in a lane is the order in the queue. Gives the
    /// ticket that the caller's future holds until it has given its result, and why there was no room, if so.
    pub fn enter<R>(
        self: &Arc<Self>,
        encounter: i64,
        reserve: impl FnOnce() -> Result<R, StoreError>,
        send: impl FnOnce(R, Ticket),
    ) -> (Ticket, Result<(), StoreError>) {
        let ticket = |ordinal| Ticket { lanes: Arc::clone(self), encounter, ordinal };
        let mut lanes = self.lock();
        let lane = lanes.entry(encounter).or_default();
        let ordinal = lane.enter();
        let entered = match reserve() {
            Ok(room) => {
                lane.holders += 1;
                send(room, ticket(ordinal));
                Ok(())
            }
            Err(error) => {
                lane.fail(ordinal);
                Err(error)
            }
        };
        (ticket(ordinal), entered)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, Lane>> {
        // Each change under the lock is whole, so that a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entries of one encounter that are under way.
#[derive(Debug, Default)]
struct Lane {
    /// Tickets out: one in the queue and one with the caller for each entry. The lane ends with the last.
    holders: usize,
    /// Number of the next entry.
    next: u64,
    /// The first entry that failed.
    failed_from: Option<u64>,
}

impl Lane {
    fn enter(&mut self) -> u64 {
        self.holders += 1;
        self.next += 1;
        self.next - 1
    }

    fn fail(&mut self, ordinal: u64) {
        self.failed_from = Some(self.failed_from.map_or(ordinal, |first| first.min(ordinal)));
    }
}

/// One side's hold on an entry's place in its lane.
#[derive(Debug)]
pub struct Ticket {
    lanes: Arc<Lanes>,
    encounter: i64,
    ordinal: u64,
}

impl Ticket {
    /// Whether an entry before this one failed: then this one fails as [`after_failed`].
    pub fn is_after_failed(&self) -> bool {
        let lanes = self.lanes.lock();
        lanes.get(&self.encounter).and_then(|lane| lane.failed_from).is_some_and(|first| first < self.ordinal)
    }

    /// This entry fails: to be said before the caller can hear of it, since what is called until then is still under
    /// way with it.
    pub fn fail(&self) {
        if let Some(lane) = self.lanes.lock().get_mut(&self.encounter) {
            lane.fail(self.ordinal);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut lanes = self.lanes.lock();
        if let Some(lane) = lanes.get_mut(&self.encounter) {
            lane.holders -= 1;
            if lane.holders == 0 {
                lanes.remove(&self.encounter);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(lanes: &Arc<Lanes>, encounter: i64) -> (Ticket, Ticket) {
        let mut written = None;
        let (heard, entered) = lanes.enter(encounter, || Ok(()), |(), ticket| written = Some(ticket));
        entered.expect("a place");
        (heard, written.expect("a ticket"))
    }

    #[test]
    fn what_comes_after_a_failure_fails_until_the_failure_is_heard() {
        let lanes = Arc::default();
        let (first, second, other) = (enter(&lanes, 1), enter(&lanes, 1), enter(&lanes, 2));
        first.1.fail();
        assert!(!first.1.is_after_failed() && second.1.is_after_failed() && !other.1.is_after_failed());
        let third = enter(&lanes, 1);
        assert!(third.1.is_after_failed());
        drop((first, second, third));
        assert!(!enter(&lanes, 1).1.is_after_failed());
    }

    #[test]
    fn an_entry_that_finds_no_room_fails_those_after_it() {
        let lanes: Arc<Lanes> = Arc::default();
        let full = || Err::<(), _>(StoreError::Unavailable("full".into()));
        let (refused, entered) = lanes.enter(1, full, |(), _| unreachable!("there is no room"));
        assert!(entered.is_err());
        assert!(enter(&lanes, 1).1.is_after_failed());
        drop(refused);
        assert!(!enter(&lanes, 1).1.is_after_failed());
    }
}
