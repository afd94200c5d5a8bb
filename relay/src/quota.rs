//! What one key may do in an hour and a day: connections, raids, fights, bytes.
//!
//! Counted in memory and by the relay's clock; after a restart it begins anew, but for fights, of which the database
//! knows those that are kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use raidcast_store::AccountId;

use crate::limits::EdgeLimits;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A key has had all that it gets for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this key has had all that it gets for now: go on in {} minutes", retry_ms.div_ceil(60_000))]
pub struct Spent {
    /// From now until it gets more, ms.
    pub retry_ms: u32,
}

/// What was used since a time.
#[derive(Debug, Default)]
struct Window {
    since_ms: i64,
    used: u64,
}

impl Window {
    /// Begins anew when its time is over, or when the clock was set back.
    fn turn(&mut self, length_ms: i64, now_ms: i64) {
        if !(self.since_ms..self.since_ms + length_ms).contains(&now_ms) {
            *self = Self { since_ms: now_ms, used: 0 };
        }
    }

    fn spent(&self, length_ms: i64, now_ms: i64) -> Spent {
        Spent { retry_ms: u32::try_from(self.since_ms + length_ms - now_ms).unwrap_or(1).max(1) }
    }

    fn take(&mut self, count: u64, most: u64, length_ms: i64, now_ms: i64) -> Result<(), Spent> {
        self.turn(length_ms, now_ms);
        if self.used.saturating_add(count) > most {
            return Err(self.spent(length_ms, now_ms));
        }
        self.used += count;
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Used {
    connections: u32,
    raids: Window,
    fights: Window,
    bytes: Window,
}

/// What all keys have used. There are as many entries as accounts, which the configuration names.
#[derive(Debug)]
pub struct Quota {
    limits: EdgeLimits,
    accounts: Mutex<HashMap<AccountId, Used>>,
}

impl Quota {
    /// Nothing is used yet.
    pub fn new(limits: EdgeLimits) -> Self {
        Self { limits, accounts: Mutex::default() }
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<AccountId, Used>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more uplink, until what it gives is dropped; `None` if the key has as many as it may have.
    pub fn connect(self: &Arc<Self>, account: AccountId) -> Option<Connected> {
        let mut accounts = self.accounts();
        let connections = &mut accounts.entry(account).or_default().connections;
        if *connections >= self.limits.connections_per_key {
            return None;
        }
        *connections += 1;
        Some(Connected { quota: Arc::clone(self), account })
    }

    /// One more raid.
    ///
    /// # Errors
    /// The key has begun as many as it may in an hour.
    pub fn raid(&self, account: AccountId, now_ms: i64) -> Result<(), Spent> {
        let most = u64::from(self.limits.raids_per_key_hour);
        self.accounts().entry(account).or_default().raids.take(1, most, HOUR_MS, now_ms)
    }

    /// Whether the key may begin one more fight; `kept` are those of the last day that the database has. Tell it
    /// with [`Quota::fight_begun`] when it is kept.
    ///
    /// # Errors
    /// It has begun as many as it may in a day, those that it discarded again included.
    pub fn may_begin_fight(&self, account: AccountId, kept: u64, now_ms: i64) -> Result<(), Spent> {
        let mut accounts = self.accounts();
        let fights = &mut accounts.entry(account).or_default().fights;
        fights.turn(DAY_MS, now_ms);
        fights.used = fights.used.max(kept);
        match fights.used >= u64::from(self.limits.fights_per_key_day) {
            true => Err(fights.spent(DAY_MS, now_ms)),
            false => Ok(()),
        }
    }

    /// A fight was begun.
    pub fn fight_begun(&self, account: AccountId) {
        self.accounts().entry(account).or_default().fights.used += 1;
    }

    /// Bytes of a fight that came.
    ///
    /// # Errors
    /// The key has sent as many as it may in a day: they are not to be taken.
    pub fn take(&self, account: AccountId, bytes: u64, now_ms: i64) -> Result<(), Spent> {
        let most = self.limits.bytes_per_key_day;
        self.accounts().entry(account).or_default().bytes.take(bytes, most, DAY_MS, now_ms)
    }
}

/// An uplink that counts for its key.
pub struct Connected {
    quota: Arc<Quota>,
    account: AccountId,
}

impl Drop for Connected {
    fn drop(&mut self) {
        if let Some(used) = self.quota.accounts().get_mut(&self.account) {
            used.connections = used.connections.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000_000;

    fn quota() -> Arc<Quota> {
        Arc::new(Quota::new(EdgeLimits {
            connections_per_key: 2,
            raids_per_key_hour: 3,
            fights_per_key_day: 4,
            bytes_per_key_day: 100,
            ..EdgeLimits::default()
        }))
    }

    #[test]
    fn what_is_spent_comes_back_with_its_time_and_is_nobody_elses() {
        let (quota, one, other) = (quota(), AccountId(1), AccountId(2));
        for _ in 0..3 {
            assert_eq!(quota.raid(one, NOW), Ok(()));
        }
        let spent = quota.raid(one, NOW + 600_000).unwrap_err();
        assert_eq!(spent.retry_ms, 3_000_000);
        assert_eq!(quota.raid(other, NOW), Ok(()));
        assert_eq!(quota.raid(one, NOW + HOUR_MS), Ok(()));
        // A clock that is set back locks nobody out for longer.
        assert_eq!(quota.raid(one, NOW - DAY_MS), Ok(()));
        assert_eq!(quota.take(one, 60, NOW), Ok(()));
        assert!(quota.take(one, 41, NOW).is_err());
        assert_eq!(quota.take(one, 40, NOW), Ok(()), "what fits is taken");
        assert_eq!(quota.take(one, 100, NOW + DAY_MS), Ok(()));
    }

    #[test]
    fn fights_count_though_they_are_discarded_and_those_of_before_a_restart_too() {
        let (quota, one) = (quota(), AccountId(1));
        for kept in [0, 1, 0] {
            assert_eq!(quota.may_begin_fight(one, kept, NOW), Ok(()));
            quota.fight_begun(one);
        }
        assert_eq!(quota.may_begin_fight(one, 0, NOW), Ok(()));
        quota.fight_begun(one);
        assert!(quota.may_begin_fight(one, 0, NOW).is_err(), "all were discarded");
        assert!(self::quota().may_begin_fight(one, 4, NOW).is_err(), "the database knows them");
    }

    #[test]
    fn a_connection_counts_until_it_is_dropped() {
        let (quota, one) = (quota(), AccountId(1));
        let held: Vec<_> = (0..2).map(|_| quota.connect(one).unwrap()).collect();
        assert!(quota.connect(one).is_none() && quota.connect(AccountId(2)).is_some());
        drop(held);
        assert!(quota.connect(one).is_some());
    }
}
