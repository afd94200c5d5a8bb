//! What addresses were sent lately: a debt in bytes, which falls at a rate.
//!
//! It is asked before something is made, and grows by what is sent: so the last answer may take more than was left, and
//! the next waits for that, too.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Address;
use crate::limits::ADDRESSES_MAX;

/// Ask again after this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Later(pub Duration);

impl Later {
    /// Whole seconds, at least one.
    pub fn seconds(self) -> u32 {
        u32::try_from(self.0.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// The debts of all addresses, of one kind of answers.
pub(super) struct Debts {
    /// When each will have had no more than it may.
    until: Mutex<HashMap<Address, Instant>>,
    /// What may come at once, in the time in which as much may come later.
    ahead: Duration,
    per_s: f64,
}

impl Debts {
    /// Of which so many KiB may come at once, and then so many a second.
    pub(super) fn new(kib_burst: u32, kib_per_s: u32) -> Self {
        let per_s = f64::from(kib_per_s.max(1)) * 1024.0;
        let ahead = Duration::from_secs_f64(f64::from(kib_burst) * 1024.0 / per_s);
        Self { until: Mutex::default(), ahead, per_s }
    }

    /// No code that holds it can panic.
    fn until(&self) -> MutexGuard<'_, HashMap<Address, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything may be made to be sent to the address now.
    ///
    /// # Errors
    /// It was sent more than may come at once.
    pub(super) fn check(&self, address: Address, now: Instant) -> Result<(), Later> {
        let all = self.until();
        let until = all.get(&address).or_else(|| (all.len() >= ADDRESSES_MAX).then(|| all.get(&Address::EVERYBODY))?);
        let ahead = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        let wait = ahead.saturating_sub(self.ahead);
        if wait.is_zero() { Ok(()) } else { Err(Later(wait)) }
    }

    /// Counts bytes that go to the address.
    pub(super) fn add(&self, address: Address, bytes: u64, now: Instant) {
        if bytes == 0 {
            return;
        }
        let mut all = self.until();
        if all.len() >= ADDRESSES_MAX && !all.contains_key(&address) {
            all.retain(|_, until| *until > now);
        }
        let address =
            if all.len() < ADDRESSES_MAX || all.contains_key(&address) { address } else { Address::EVERYBODY };
        let until = all.entry(address).or_insert(now);
        // A day of it is as long as anybody waits.
        let takes = Duration::from_secs_f64((bytes as f64 / self.per_s).min(86_400.0));
        *until = (*until).max(now) + takes;
    }

    /// Forgets who owes nothing.
    pub(super) fn sweep(&self, now: Instant) {
        let mut all = self.until();
        all.retain(|_, until| *until > now);
        all.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_owed_until_it_was_too_much_and_the_next_waits_for_all_of_it() {
        let address = |last: u8| Address::of([192, 0, 2, last].into());
        let (debts, now) = (Debts::new(100, 10), Instant::now());
        debts.add(address(1), 100 * 1024, now);
        assert_eq!(debts.check(address(1), now), Ok(()), "as much as may come at once");
        debts.add(address(1), 20 * 1024, now);
        let Err(Later(wait)) = debts.check(address(1), now) else { panic!("120 of 100 at once") };
        assert_eq!(wait.as_secs_f64().round() as u32, 2);
        assert_eq!(debts.check(address(2), now), Ok(()), "nobody else pays for it");
        assert_eq!(debts.check(address(1), now + wait), Ok(()));
        debts.add(address(2), u64::MAX, now);
        assert!(debts.check(address(2), now).is_err());
        debts.sweep(now + Duration::from_hours(1));
        assert!(debts.check(address(2), now).is_err(), "a sweep forgets nothing that counts");
    }
}
