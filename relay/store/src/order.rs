//! The order law of [`Journal::append`](crate::Journal::append), and what it answers where an entry is not simply stored.
//!
//! One invariant: while entries of an encounter are under way (called, and not yet answered *and* heard by the
//! caller) and one of them fails, all that were called after it fail too. Deliberately not here: the
//! [queue](crate::queue) that they wait in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{JournalEntry, StoreError, code};

/// What entries after one that failed are answered.
pub fn after_failed() -> StoreError {
    StoreError::Unavailable("an entry before this one was not stored".into())
}

/// What an entry is answered whose stream was not begun, or is gone.
pub fn no_stream(entry: &JournalEntry) -> StoreError {
    StoreError::Damaged(format!("no stream {} of encounter {}", entry.stream.stream.0, entry.stream.encounter))
}

/// What an entry is answered that is not the next of its stream: `Ok` where it stands already, since it was sent again.
/// What stands in its place are its kind's code and its data; when it came the second time does not matter.
///
/// # Errors
/// `Unavailable`: it would leave a gap. `Damaged`: another one stands there, or it has seq 0, which no entry has.
pub fn not_next(entry: &JournalEntry, stands: Option<(i64, &[u8])>) -> Result<(), StoreError> {
    let (seq, encounter) = (entry.seq, entry.stream.encounter);
    match stands {
        _ if seq == 0 => Err(StoreError::Damaged(format!("entry 0 of encounter {encounter}: entries go from 1"))),
        None => Err(StoreError::Unavailable(format!("entry {} is not held", seq - 1))),
        Some((kind, data)) if kind == i64::from(code::of_kind(entry.kind)) && data == entry.data => Ok(()),
        Some(_) => Err(StoreError::Damaged(format!("another entry {seq} of encounter {encounter}"))),
    }
}

/// The entries that are under way, by encounter's row.
#[derive(Debug, Default)]
pub(crate) struct AppendOrder(Mutex<HashMap<i64, InFlight>>);

impl AppendOrder {
    /// Takes the next place in an encounter's order and in the store's queue, for one entry.
    ///
    /// `reserve` finds room in the queue, `send` fills it and takes the slot that the writer holds; neither may
    /// wait, and nobody takes a place meanwhile, so that the order in an encounter is the order in the queue. Gives the
    /// slot that the caller's future holds until it has given its result, and why there was no room, if so.
    pub(crate) fn enter<R>(
        self: &Arc<Self>,
        encounter: i64,
        reserve: impl FnOnce() -> Result<R, StoreError>,
        send: impl FnOnce(R, Slot),
    ) -> (Slot, Result<(), StoreError>) {
        let slot = |ordinal| Slot { order: Arc::clone(self), encounter, ordinal };
        let mut encounters = self.lock();
        let in_flight = encounters.entry(encounter).or_default();
        let ordinal = in_flight.enter();
        let entered = match reserve() {
            Ok(room) => {
                in_flight.slots += 1;
                send(room, slot(ordinal));
                Ok(())
            }
            Err(error) => {
                in_flight.fail(ordinal);
                Err(error)
            }
        };
        (slot(ordinal), entered)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, InFlight>> {
        // Each change under the lock is whole, so that a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entries of one encounter that are under way.
#[derive(Debug, Default)]
struct InFlight {
    /// Slots out: one in the queue and one with the caller for each entry. With the last all of it ends.
    slots: usize,
    /// Number of the next entry.
    next: u64,
    /// The first entry that failed.
    failed_from: Option<u64>,
}

impl InFlight {
    fn enter(&mut self) -> u64 {
        self.slots += 1;
        self.next += 1;
        self.next - 1
    }

    fn fail(&mut self, ordinal: u64) {
        self.failed_from = Some(self.failed_from.map_or(ordinal, |first| first.min(ordinal)));
    }
}

/// An entry's place in its encounter's order, as the queue or the caller holds it.
#[derive(Debug)]
pub(crate) struct Slot {
    order: Arc<AppendOrder>,
    encounter: i64,
    ordinal: u64,
}

impl Slot {
    /// Whether an entry before this one failed: then this one fails as [`after_failed`].
    pub(crate) fn is_after_failed(&self) -> bool {
        let encounters = self.order.lock();
        encounters
            .get(&self.encounter)
            .and_then(|in_flight| in_flight.failed_from)
            .is_some_and(|first| first < self.ordinal)
    }

    /// This entry fails: to be said before the caller can hear of it, since what is called until then is still under
    /// way with it.
    pub(crate) fn fail(&self) {
        if let Some(in_flight) = self.order.lock().get_mut(&self.encounter) {
            in_flight.fail(self.ordinal);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut encounters = self.order.lock();
        if let Some(in_flight) = encounters.get_mut(&self.encounter) {
            in_flight.slots -= 1;
            if in_flight.slots == 0 {
                encounters.remove(&self.encounter);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(order: &Arc<AppendOrder>, encounter: i64) -> (Slot, Slot) {
        let mut written = None;
        let (heard, entered) = order.enter(encounter, || Ok(()), |(), slot| written = Some(slot));
        entered.expect("a place");
        (heard, written.expect("a slot"))
    }

    #[test]
    fn what_comes_after_a_failure_fails_until_the_failure_is_heard() {
        let order = Arc::default();
        let (first, second, other) = (enter(&order, 1), enter(&order, 1), enter(&order, 2));
        first.1.fail();
        assert!(!first.1.is_after_failed() && second.1.is_after_failed() && !other.1.is_after_failed());
        let third = enter(&order, 1);
        assert!(third.1.is_after_failed());
        drop((first, second, third));
        assert!(!enter(&order, 1).1.is_after_failed());
    }

    #[test]
    fn an_entry_that_finds_no_room_fails_those_after_it() {
        let order: Arc<AppendOrder> = Arc::default();
        let full = || Err::<(), _>(StoreError::Unavailable("full".into()));
        let (refused, entered) = order.enter(1, full, |(), _| unreachable!("there is no room"));
        assert!(entered.is_err());
        assert!(enter(&order, 1).1.is_after_failed());
        drop(refused);
        assert!(!enter(&order, 1).1.is_after_failed());
    }
}
