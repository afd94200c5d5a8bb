//! What one key may do in an hour and a day: connections, raids, fights, bytes.
//!
//! Counted in memory and by the relay's clock; after a restart it begins anew, but for fights, of which the database
//! knows those that are kept. Fights of a day slide: each counts for a day from when it was begun.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use raidcast_store::AccountId;

use crate::limits::EdgeLimits;

const HOUR_MS: i64 = 3_600_000;
/// Fights that are begun within so long, ms, are counted together: a day has 288 of these.
const STRETCH_MS: i64 = 300_000;
/// A day, ms.
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// A key has had all that it gets for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("go on after {}", span_of(*retry_ms))]
pub struct Spent {
    /// From now until it gets more, ms.
    pub retry_ms: u32,
}

/// Seconds, or minutes where there are many.
fn span_of(ms: u32) -> String {
    match ms {
        0..=120_000 => format!("{} s", ms.div_ceil(1_000)),
        _ => format!("{} min", ms.div_ceil(60_000)),
    }
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

/// Fights that were begun within a day, each for a day from then on, to [`STRETCH_MS`].
#[derive(Debug, Default)]
struct Day {
    /// When a stretch began, and how many were begun in it; oldest first.
    stretches: VecDeque<(i64, u64)>,
}

impl Day {
    /// How many there are now. What lies in the future is nobody's: the clock was set back.
    fn begun(&mut self, now_ms: i64) -> u64 {
        self.stretches.retain(|(since_ms, _)| (*since_ms..since_ms + DAY_MS).contains(&now_ms));
        self.stretches.iter().map(|(_, begun)| begun).sum()
    }

    fn begin(&mut self, now_ms: i64) {
        match self.stretches.back_mut() {
            Some((since_ms, begun)) if (*since_ms..*since_ms + STRETCH_MS).contains(&now_ms) => *begun += 1,
            _ => self.stretches.push_back((now_ms, 1)),
        }
    }

    /// From now until the oldest count no more, ms.
    fn until_fewer(&self, now_ms: i64) -> Option<i64> {
        self.stretches.front().map(|(since_ms, _)| since_ms + DAY_MS - now_ms)
    }
}

/// So many at once, and then one every so often.
#[derive(Debug, Default)]
struct TokenBucket {
    /// When as many may be taken at once as ever, Unix ms.
    full_ms: i64,
}

impl TokenBucket {
    fn take(&mut self, burst: u32, per_minute: u32, now_ms: i64) -> Result<(), Spent> {
        let every_ms = i64::from(60_000 / per_minute.max(1));
        let room_ms = every_ms * i64::from(burst);
        // A clock that was set back locks nobody out for longer.
        let full_ms = Some(self.full_ms.max(now_ms)).filter(|at| at - now_ms <= room_ms).unwrap_or(now_ms);
        let next_ms = full_ms + every_ms - room_ms - now_ms;
        if next_ms > 0 {
            return Err(Spent { retry_ms: u32::try_from(next_ms).unwrap_or(u32::MAX) });
        }
        self.full_ms = full_ms + every_ms;
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Used {
    connections: u32,
    raids: Window,
    begins: TokenBucket,
    fights: Day,
    bytes: Window,
}

/// What all keys have used. There are as many entries as accounts, which the configuration names.
#[derive(Debug)]
pub struct Quota {
    limits: EdgeLimits,
    started_ms: i64,
    accounts: Mutex<HashMap<AccountId, Used>>,
}

impl Quota {
    /// Nothing is used yet, at this time.
    pub fn new(limits: EdgeLimits, started_ms: i64) -> Self {
        Self { limits, started_ms, accounts: Mutex::default() }
    }

    /// Since when it counts, Unix ms: the database knows what was begun before.
    pub fn started_ms(&self) -> i64 {
        self.started_ms
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

    /// Uplinks of all keys.
    pub fn connections(&self) -> u64 {
        self.accounts().values().map(|used| u64::from(used.connections)).sum()
    }

    /// One more raid.
    ///
    /// # Errors
    /// The key has begun as many as it may in an hour.
    pub fn raid(&self, account: AccountId, now_ms: i64) -> Result<(), Spent> {
        let most = u64::from(self.limits.raids_per_key_hour);
        self.accounts().entry(account).or_default().raids.take(1, most, HOUR_MS, now_ms)
    }

    /// One more Begin, whatever fight it names.
    ///
    /// # Errors
    /// The key sends them too fast.
    pub fn begin(&self, account: AccountId, now_ms: i64) -> Result<(), Spent> {
        let EdgeLimits { begins_burst, begins_per_key_minute, .. } = self.limits;
        self.accounts().entry(account).or_default().begins.take(begins_burst, begins_per_key_minute, now_ms)
    }

    /// Whether the key may begin one more fight; `before` are those of the last day from before this counted, which the
    /// database has. Tell it with [`Quota::fight_begun`] when it is kept.
    ///
    /// # Errors
    /// It has begun as many as it may in a day, those that it discarded again included. The last quarter of them is for
    /// fights that are streamed: an upload of old ones (`history`) leaves it.
    pub fn may_begin_fight(&self, account: AccountId, before: u64, history: bool, now_ms: i64) -> Result<(), Spent> {
        let mut accounts = self.accounts();
        let fights = &mut accounts.entry(account).or_default().fights;
        let begun = fights.begun(now_ms);
        if begun + before < part(self.limits.fights_per_key_day.into(), history) {
            return Ok(());
        }
        // When those from before become fewer is not known here: it is asked again within an hour.
        let unknown = (before > 0).then(|| HOUR_MS.min(self.started_ms + DAY_MS - now_ms));
        let retry_ms = fights.until_fewer(now_ms).into_iter().chain(unknown).min().unwrap_or(HOUR_MS);
        Err(Spent { retry_ms: u32::try_from(retry_ms).unwrap_or(1).max(1) })
    }

    /// A fight was begun.
    pub fn fight_begun(&self, account: AccountId, now_ms: i64) {
        self.accounts().entry(account).or_default().fights.begin(now_ms);
    }

    /// Bytes of a fight that came.
    ///
    /// # Errors
    /// The key has sent as many as it may in a day: they are not to be taken. An upload of old fights (`history`) leaves
    /// the last quarter.
    pub fn take(&self, account: AccountId, bytes: u64, history: bool, now_ms: i64) -> Result<(), Spent> {
        let most = part(self.limits.bytes_per_key_day, history);
        self.accounts().entry(account).or_default().bytes.take(bytes, most, DAY_MS, now_ms)
    }
}

/// What of a day's limit may be used: by an upload of old fights three quarters, so that a live fight finds room.
fn part(most: u64, history: bool) -> u64 {
    if history { most - most / 4 } else { most }
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
        Arc::new(Quota::new(
            EdgeLimits {
                connections_per_key: 2,
                raids_per_key_hour: 3,
                fights_per_key_day: 4,
                bytes_per_key_day: 100,
                begins_burst: 5,
                begins_per_key_minute: 60,
                ..EdgeLimits::default()
            },
            NOW,
        ))
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
        assert_eq!(quota.take(one, 60, false, NOW), Ok(()));
        assert!(quota.take(one, 41, false, NOW).is_err());
        assert_eq!(quota.take(one, 40, false, NOW), Ok(()), "what fits is taken");
        assert_eq!(quota.take(one, 100, false, NOW + DAY_MS), Ok(()));
    }

    #[test]
    fn fights_count_though_they_are_discarded_and_each_for_a_day_from_its_begin() {
        let (quota, one) = (quota(), AccountId(1));
        for hour in 0..4 {
            assert_eq!(quota.may_begin_fight(one, 0, false, NOW + hour * HOUR_MS), Ok(()));
            quota.fight_begun(one, NOW + hour * HOUR_MS);
        }
        let spent = quota.may_begin_fight(one, 0, false, NOW + 4 * HOUR_MS).unwrap_err();
        assert_eq!(i64::from(spent.retry_ms), 20 * HOUR_MS, "all were discarded, and count");
        assert_eq!(quota.may_begin_fight(one, 0, false, NOW + DAY_MS), Ok(()));
        quota.fight_begun(one, NOW + DAY_MS);
        let spent = quota.may_begin_fight(one, 0, false, NOW + DAY_MS).unwrap_err();
        assert_eq!(i64::from(spent.retry_ms), HOUR_MS, "one a day old makes room for one");
        // A clock that is set back locks nobody out for longer.
        assert_eq!(quota.may_begin_fight(one, 0, false, NOW - DAY_MS), Ok(()));
    }

    #[test]
    fn fights_from_before_a_start_count_as_long_as_the_database_says() {
        let (quota, one) = (quota(), AccountId(1));
        quota.fight_begun(one, NOW);
        let spent = quota.may_begin_fight(one, 3, false, NOW).unwrap_err();
        assert_eq!(i64::from(spent.retry_ms), HOUR_MS);
        assert_eq!(quota.may_begin_fight(one, 2, false, NOW + 20_000), Ok(()), "one of them is a day old");
        assert!(quota.may_begin_fight(one, 4, false, NOW + 20_000).is_err());
        let spent = quota.may_begin_fight(one, 4, false, NOW + DAY_MS - 60_000).unwrap_err();
        assert_eq!(spent.retry_ms, 60_000, "then none of them is younger");
    }

    #[test]
    fn an_upload_of_old_fights_leaves_a_quarter_of_the_day_to_live_ones() {
        let (quota, one) = (quota(), AccountId(1));
        for _ in 0..3 {
            assert_eq!(quota.may_begin_fight(one, 0, true, NOW), Ok(()));
            quota.fight_begun(one, NOW);
        }
        assert!(quota.may_begin_fight(one, 0, true, NOW).is_err());
        assert_eq!(quota.may_begin_fight(one, 0, false, NOW), Ok(()));
        assert_eq!(quota.take(one, 75, true, NOW), Ok(()));
        assert!(quota.take(one, 1, true, NOW).is_err());
        assert_eq!(quota.take(one, 25, false, NOW), Ok(()));
    }

    #[test]
    fn begins_are_taken_so_many_at_once_and_then_one_every_so_often() {
        let (quota, one) = (quota(), AccountId(1));
        for _ in 0..5 {
            assert_eq!(quota.begin(one, NOW), Ok(()));
        }
        assert_eq!(quota.begin(one, NOW), Err(Spent { retry_ms: 1_000 }));
        assert_eq!(quota.begin(AccountId(2), NOW), Ok(()));
        assert_eq!(quota.begin(one, NOW + 1_000), Ok(()));
        assert_eq!(quota.begin(one, NOW + 1_400), Err(Spent { retry_ms: 600 }));
        assert_eq!(quota.begin(one, NOW - DAY_MS), Ok(()), "a clock that is set back locks nobody out");
        assert!((0..5).all(|_| quota.begin(one, NOW + HOUR_MS).is_ok()));
        assert!(quota.begin(one, NOW + HOUR_MS).is_err());
    }

    #[test]
    fn a_connection_counts_until_it_is_dropped() {
        let (quota, one) = (quota(), AccountId(1));
        let held: Vec<_> = (0..2).map(|_| quota.connect(one).unwrap()).collect();
        let other = quota.connect(AccountId(2));
        assert!(quota.connect(one).is_none() && other.is_some());
        assert_eq!(quota.connections(), 3);
        drop((held, other));
        assert_eq!(quota.connections(), 0);
        assert!(quota.connect(one).is_some());
    }
}
