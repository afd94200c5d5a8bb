//! What one key may do in an hour and a day: connections, raids, fights, bytes.
//!
//! Counted in memory and by the relay's clock. After a restart, bytes and uploads go on from what was [kept](crate::usage),
//! fights from those that the database knows, and all else begins anew. Fights of a day slide: each counts for a day from
//! when it was begun. What addresses may do is the business of [`crate::hours`] and [`crate::edge`].

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use raidcast_store::{AccountId, FightsBegun, Use};

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

/// An account that had all that it gets of a limit of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpentOf {
    /// Which.
    pub account: AccountId,
    /// Whether of bytes; else of fights.
    pub in_bytes: bool,
    /// From now until it gets more, ms.
    pub again_in_ms: i64,
}

/// How many new fights a key may upload over HTTP within a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadsPerDay {
    /// Which key, by a name that is its own and stays.
    pub key: u64,
    /// How many.
    pub most: u32,
}

/// What is left of one of a key's limits of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// All there is.
    pub most: u64,
    /// What is left of it.
    pub left: u64,
    /// From now until there is more, s.
    pub reset_s: u64,
    /// Whether these are bytes; else fights.
    pub in_bytes: bool,
}

impl Allowance {
    fn new(most: u64, used: u64, until_more_ms: i64, in_bytes: bool) -> Self {
        let reset_s = until_more_ms.clamp(0, DAY_MS).unsigned_abs().div_ceil(1_000);
        Self { most, left: most.saturating_sub(used), reset_s, in_bytes }
    }

    /// Whether a smaller part of it is left than of another.
    fn is_nearer_to_its_end_than(&self, other: &Self) -> bool {
        let part = |of: &Self, than: &Self| u128::from(of.left) * u128::from(than.most.max(1));
        // Of those that are as full as each other the one that ends first, where they count the same.
        let is_less = self.in_bytes == other.in_bytes && self.left < other.left;
        part(self, other) < part(other, self) || (part(self, other) == part(other, self) && is_less)
    }
}

/// What the bytes of a day are called where they are kept.
const BYTES: &str = "bytes";
/// The uploads of a key, before the key.
const UPLOADS: &str = "uploads ";

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

    /// Gives back what was taken while it began at this time.
    fn give_back(&mut self, count: u64, since_ms: i64) {
        if self.since_ms == since_ms {
            self.used = self.used.saturating_sub(count);
        }
    }

    /// What of a day is left; `self.used` may be more.
    fn allowance(&mut self, most: u64, now_ms: i64, in_bytes: bool) -> Allowance {
        self.turn(DAY_MS, now_ms);
        let reset_ms = if self.used == 0 { DAY_MS } else { self.since_ms + DAY_MS - now_ms };
        Allowance::new(most, self.used, reset_ms, in_bytes)
    }

    fn to_keep(&self, account: AccountId, what: String) -> Option<Use> {
        let Self { since_ms, used } = *self;
        (used > 0).then_some(Use { account, what, since_ms, used })
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

    /// One more; when its stretch began.
    fn begin(&mut self, now_ms: i64) -> i64 {
        match self.stretches.back_mut() {
            Some((since_ms, begun)) if (*since_ms..*since_ms + STRETCH_MS).contains(&now_ms) => {
                *begun += 1;
                *since_ms
            }
            _ => {
                self.stretches.push_back((now_ms, 1));
                now_ms
            }
        }
    }

    /// One of those of a stretch was none.
    fn give_back(&mut self, since_ms: i64) {
        if let Some((_, begun)) = self.stretches.iter_mut().find(|(since, _)| *since == since_ms) {
            *begun = begun.saturating_sub(1);
        }
        self.stretches.retain(|(_, begun)| *begun > 0);
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
    /// Of each key that has a limit of its own.
    uploads: HashMap<u64, Window>,
    /// No fight was begun from this time on until this counted, Unix ms.
    nothing_before: Option<i64>,
}

/// What all keys have used. There are as many entries as accounts, which the configuration names.
#[derive(Debug)]
pub struct Quota {
    limits: EdgeLimits,
    started_ms: i64,
    accounts: Mutex<HashMap<AccountId, Used>>,
    refused: AtomicU64,
}

impl Quota {
    /// Nothing is used yet, at this time.
    pub fn new(limits: EdgeLimits, started_ms: i64) -> Self {
        Self { limits, started_ms, accounts: Mutex::default(), refused: AtomicU64::new(0) }
    }

    /// Since when it counts, Unix ms: the database knows what was begun before.
    pub fn started_ms(&self) -> i64 {
        self.started_ms
    }

    /// Whether an account is known to have begun nothing between this time and when this began to count: that stays so.
    pub fn knows_of_nothing_since(&self, account: AccountId, since_ms: i64) -> bool {
        let nothing_before = self.accounts().get(&account).and_then(|used| used.nothing_before);
        nothing_before.is_some_and(|from_ms| since_ms >= from_ms)
    }

    /// An account has begun nothing between this time and when this began to count.
    pub fn learn_of_nothing_since(&self, account: AccountId, since_ms: i64) {
        self.accounts().entry(account).or_default().nothing_before = Some(since_ms);
    }

    /// How often a key had all that it gets.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Counts it where a limit was met.
    fn counted<T>(&self, taken: Result<T, Spent>) -> Result<T, Spent> {
        if taken.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<AccountId, Used>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more uplink, until what it gives is dropped; `None` if the key has as many as it may have.
    pub fn connect(self: &Arc<Self>, account: AccountId) -> Option<Connected> {
        let mut accounts = self.accounts();
        let connections = &mut accounts.entry(account).or_default().connections;
        if *connections >= self.limits.connections_per_key {
            self.refused.fetch_add(1, Ordering::Relaxed);
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
        self.counted(self.accounts().entry(account).or_default().raids.take(1, most, HOUR_MS, now_ms))
    }

    /// One more Begin, whatever fight it names.
    ///
    /// # Errors
    /// The key sends them too fast.
    pub fn begin(&self, account: AccountId, now_ms: i64) -> Result<(), Spent> {
        let EdgeLimits { begins_burst, begins_per_key_minute, .. } = self.limits;
        let mut accounts = self.accounts();
        let begins = &mut accounts.entry(account).or_default().begins;
        self.counted(begins.take(begins_burst, begins_per_key_minute, now_ms))
    }

    /// One more fight of a key; `before` are those of the last day from before this counted, which the database has.
    ///
    /// # Errors
    /// It has begun as many as it may in a day, those that it discarded again included. The last quarter of them is for
    /// fights that are streamed: an upload of old ones (`history`) leaves it.
    pub fn begin_fight(
        self: &Arc<Self>,
        account: AccountId,
        before: FightsBegun,
        history: bool,
        now_ms: i64,
    ) -> Result<Taken, Spent> {
        let mut accounts = self.accounts();
        let fights = &mut accounts.entry(account).or_default().fights;
        let begun = fights.begun(now_ms);
        if begun + before.count < part(self.limits.fights_per_key_day.into(), history) {
            let since_ms = fights.begin(now_ms);
            return Ok(self.taken(account, Room::Fight, since_ms));
        }
        let retry_ms = until_fewer(fights, before, now_ms).unwrap_or(HOUR_MS);
        self.counted(Err(Spent { retry_ms: u32::try_from(retry_ms).unwrap_or(1).max(1) }))
    }

    /// Bytes of a fight that came.
    ///
    /// # Errors
    /// The key has sent as many as it may in a day: they are not to be taken. An upload of old fights (`history`) leaves
    /// the last quarter.
    pub fn take(self: &Arc<Self>, account: AccountId, bytes: u64, history: bool, now_ms: i64) -> Result<Taken, Spent> {
        let most = part(self.limits.bytes_per_key_day, history);
        let mut accounts = self.accounts();
        let window = &mut accounts.entry(account).or_default().bytes;
        self.counted(window.take(bytes, most, DAY_MS, now_ms))?;
        Ok(self.taken(account, Room::Bytes(bytes), window.since_ms))
    }

    /// One more new fight that a key uploads over HTTP.
    ///
    /// # Errors
    /// It has uploaded as many as it may in a day.
    pub fn upload(self: &Arc<Self>, account: AccountId, limit: UploadsPerDay, now_ms: i64) -> Result<Taken, Spent> {
        let mut accounts = self.accounts();
        let window = accounts.entry(account).or_default().uploads.entry(limit.key).or_default();
        self.counted(window.take(1, limit.most.into(), DAY_MS, now_ms))?;
        Ok(self.taken(account, Room::Upload(limit.key), window.since_ms))
    }

    fn taken(self: &Arc<Self>, account: AccountId, what: Room, since_ms: i64) -> Taken {
        Taken { quota: Arc::clone(self), account, what, since_ms, is_used: false }
    }

    /// What is left to a key's uploads of the limit of a day that is nearest to its end; `before` as for
    /// [`Quota::begin_fight`].
    pub fn allowance(
        &self,
        account: AccountId,
        uploads: Option<UploadsPerDay>,
        before: FightsBegun,
        now_ms: i64,
    ) -> Allowance {
        let mut accounts = self.accounts();
        let used = accounts.entry(account).or_default();
        let begun = used.fights.begun(now_ms) + before.count;
        let reset_ms = until_fewer(&used.fights, before, now_ms).unwrap_or(DAY_MS);
        let fights = Allowance::new(part(self.limits.fights_per_key_day.into(), true), begun, reset_ms, false);
        let bytes = used.bytes.allowance(part(self.limits.bytes_per_key_day, true), now_ms, true);
        let uploads = uploads.map(|UploadsPerDay { key, most }| {
            used.uploads.entry(key).or_default().allowance(most.into(), now_ms, false)
        });
        [Some(bytes), uploads]
            .into_iter()
            .flatten()
            .fold(fights, |nearest, other| if other.is_nearer_to_its_end_than(&nearest) { other } else { nearest })
    }

    /// Accounts that had all that they get in a day.
    pub fn spent(&self, now_ms: i64) -> Vec<SpentOf> {
        let (fights_most, bytes_most) = (u64::from(self.limits.fights_per_key_day), self.limits.bytes_per_key_day);
        let mut spent = Vec::new();
        for (account, used) in &mut *self.accounts() {
            if used.fights.begun(now_ms) >= fights_most {
                let again_in_ms = used.fights.until_fewer(now_ms).unwrap_or(DAY_MS);
                spent.push(SpentOf { account: *account, in_bytes: false, again_in_ms });
            }
            used.bytes.turn(DAY_MS, now_ms);
            // Of bytes hardly ever all are taken: what is left is too little for a fight.
            if used.bytes.used >= bytes_most - bytes_most / 100 {
                let again_in_ms = used.bytes.since_ms + DAY_MS - now_ms;
                spent.push(SpentOf { account: *account, in_bytes: true, again_in_ms });
            }
        }
        spent
    }

    /// What was used, to go on from after a restart; by account.
    pub fn to_keep(&self) -> Vec<Use> {
        let accounts = self.accounts();
        let kept = accounts.iter().flat_map(|(account, used)| {
            let uploads = used
                .uploads
                .iter()
                .filter_map(|(key, uploads)| uploads.to_keep(*account, format!("{UPLOADS}{key:016x}")));
            used.bytes.to_keep(*account, BYTES.into()).into_iter().chain(uploads)
        });
        kept.collect()
    }

    /// An account is gone: what it used is nobody's.
    pub fn forget(&self, account: AccountId) {
        if let Some(used) = self.accounts().get_mut(&account) {
            // Uplinks that are still open give their places back by themselves.
            *used = Used { connections: used.connections, ..Used::default() };
        }
    }

    /// Goes on from what was kept. A name that is not known here is another version's.
    pub fn recall(&self, kept: &[Use]) {
        let mut accounts = self.accounts();
        for Use { account, what, since_ms, used } in kept {
            let window = Window { since_ms: *since_ms, used: *used };
            let of_account = accounts.entry(*account).or_default();
            if what == BYTES {
                of_account.bytes = window;
            } else if let Some(key) = what.strip_prefix(UPLOADS).and_then(|key| u64::from_str_radix(key, 16).ok()) {
                of_account.uploads.insert(key, window);
            }
        }
    }
}

/// From now until some of a day's fights count no more, ms; `None` if there are none.
fn until_fewer(fights: &Day, before: FightsBegun, now_ms: i64) -> Option<i64> {
    let before = before.oldest_ms.map(|oldest_ms| oldest_ms + DAY_MS - now_ms);
    fights.until_fewer(now_ms).into_iter().chain(before).min()
}

/// What of a day's limit may be used: by an upload of old fights three quarters, so that a live fight finds room.
fn part(most: u64, history: bool) -> u64 {
    if history { most - most / 4 } else { most }
}

/// What was taken of a limit.
#[derive(Clone, Copy, Debug)]
enum Room {
    Fight,
    Bytes(u64),
    /// Of this key.
    Upload(u64),
}

/// Room of a limit that nobody else gets: it is given back when this is dropped, unless it was used.
#[derive(Debug)]
#[must_use = "it is given back when it is dropped"]
pub struct Taken {
    quota: Arc<Quota>,
    account: AccountId,
    what: Room,
    since_ms: i64,
    is_used: bool,
}

impl Taken {
    /// What it was taken for is kept.
    pub fn used(mut self) {
        self.is_used = true;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.is_used {
            return;
        }
        let mut accounts = self.quota.accounts();
        let Some(used) = accounts.get_mut(&self.account) else { return };
        match self.what {
            Room::Fight => used.fights.give_back(self.since_ms),
            Room::Bytes(bytes) => used.bytes.give_back(bytes, self.since_ms),
            Room::Upload(key) => {
                if let Some(uploads) = used.uploads.get_mut(&key) {
                    uploads.give_back(1, self.since_ms);
                }
            }
        }
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

    /// So many fights that the database has, the first of them 22 hours old.
    fn before(count: u64) -> FightsBegun {
        FightsBegun { count, oldest_ms: (count > 0).then_some(NOW - 22 * HOUR_MS) }
    }

    #[test]
    fn what_is_not_used_is_given_back_and_nobody_else_gets_it_meanwhile() {
        let (quota, one, limit) = (quota(), AccountId(1), UploadsPerDay { key: 7, most: 1 });
        for _ in 0..2 {
            let fights: Vec<_> =
                (0..4).map(|at| quota.begin_fight(one, before(0), false, NOW + at * STRETCH_MS).unwrap()).collect();
            assert!(quota.begin_fight(one, before(0), false, NOW + 5 * STRETCH_MS).is_err());
            let (bytes, upload) = (quota.take(one, 100, false, NOW).unwrap(), quota.upload(one, limit, NOW).unwrap());
            assert!(quota.take(one, 1, false, NOW).is_err() && quota.upload(one, limit, NOW).is_err());
            drop((fights, bytes, upload));
        }
        assert!(quota.to_keep().is_empty(), "nothing is used");
        assert_eq!(quota.refused(), 6);
        // Of a day that is over nothing is given back to the next.
        let (bytes, upload) = (quota.take(one, 60, false, NOW).unwrap(), quota.upload(one, limit, NOW).unwrap());
        let next = NOW + DAY_MS;
        quota.take(one, 60, false, next).unwrap().used();
        quota.upload(one, limit, next).unwrap().used();
        drop((bytes, upload));
        assert!(quota.take(one, 41, false, next).is_err() && quota.upload(one, limit, next).is_err());
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
        quota.take(one, 60, false, NOW).unwrap().used();
        assert!(quota.take(one, 41, false, NOW).is_err());
        quota.take(one, 40, false, NOW).unwrap().used();
        quota.take(one, 100, false, NOW + DAY_MS).unwrap().used();
    }

    #[test]
    fn fights_count_though_they_are_discarded_and_each_for_a_day_from_its_begin() {
        let (quota, one) = (quota(), AccountId(1));
        for hour in 0..4 {
            quota.begin_fight(one, before(0), false, NOW + hour * HOUR_MS).unwrap().used();
        }
        let spent = quota.begin_fight(one, before(0), false, NOW + 4 * HOUR_MS).unwrap_err();
        assert_eq!(i64::from(spent.retry_ms), 20 * HOUR_MS, "all were discarded, and count");
        quota.begin_fight(one, before(0), false, NOW + DAY_MS).unwrap().used();
        let spent = quota.begin_fight(one, before(0), false, NOW + DAY_MS).unwrap_err();
        assert_eq!(i64::from(spent.retry_ms), HOUR_MS, "one a day old makes room for one");
        // A clock that is set back locks nobody out for longer.
        assert!(quota.begin_fight(one, before(0), false, NOW - DAY_MS).is_ok());
    }

    #[test]
    fn fights_from_before_a_start_count_as_long_as_the_database_says() {
        let (quota, one) = (quota(), AccountId(1));
        quota.begin_fight(one, before(0), false, NOW).unwrap().used();
        let spent = quota.begin_fight(one, before(3), false, NOW).unwrap_err();
        assert_eq!(i64::from(spent.retry_ms), 2 * HOUR_MS, "then the first of them is a day old");
        assert!(quota.begin_fight(one, before(2), false, NOW + 20_000).is_ok(), "one of them is a day old");
        assert!(quota.begin_fight(one, before(4), false, NOW + 20_000).is_err());
        let young = FightsBegun { count: 4, oldest_ms: Some(NOW - 1_000) };
        let spent = quota.begin_fight(one, young, false, NOW + DAY_MS - 60_000).unwrap_err();
        assert_eq!(spent.retry_ms, 59_000);
    }

    #[test]
    fn an_upload_of_old_fights_leaves_a_quarter_of_the_day_to_live_ones() {
        let (quota, one) = (quota(), AccountId(1));
        for _ in 0..3 {
            quota.begin_fight(one, before(0), true, NOW).unwrap().used();
        }
        assert!(quota.begin_fight(one, before(0), true, NOW).is_err());
        assert!(quota.begin_fight(one, before(0), false, NOW).is_ok());
        quota.take(one, 75, true, NOW).unwrap().used();
        assert!(quota.take(one, 1, true, NOW).is_err());
        quota.take(one, 25, false, NOW).unwrap().used();
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
    fn what_was_kept_goes_on_and_a_day_that_lies_ahead_is_nobodys() {
        let (one, limit) = (AccountId(1), UploadsPerDay { key: 7, most: 2 });
        let used = || {
            let quota = quota();
            quota.take(one, 60, false, NOW).unwrap().used();
            quota.upload(one, limit, NOW).unwrap().used();
            quota.upload(one, limit, NOW).unwrap().used();
            quota.to_keep()
        };
        let again = quota();
        again.recall(&used());
        assert_eq!(again.take(one, 41, false, NOW + HOUR_MS).unwrap_err(), Spent { retry_ms: 23 * 3_600_000 });
        assert_eq!(again.upload(one, limit, NOW + HOUR_MS).unwrap_err(), Spent { retry_ms: 23 * 3_600_000 });
        assert!(again.upload(one, UploadsPerDay { key: 8, ..limit }, NOW).is_ok(), "another key's are its own");
        assert!(again.upload(one, limit, NOW + DAY_MS).is_ok());
        // The clock was set back while the relay was away: it locks nobody out for longer.
        let again = quota();
        again.recall(&used());
        again.take(one, 100, false, NOW - 1).unwrap().used();
        assert!(again.upload(one, limit, NOW - 1).is_ok());
        let other = Use { account: one, what: "of another version".into(), since_ms: NOW, used: 9 };
        quota().recall(&[other]);
    }

    #[test]
    fn who_had_all_of_a_day_is_told_until_he_gets_more() {
        let (quota, one) = (quota(), AccountId(1));
        assert_eq!(quota.spent(NOW), []);
        for _ in 0..4 {
            quota.begin_fight(one, before(0), false, NOW).unwrap().used();
        }
        quota.take(AccountId(2), 99, false, NOW).unwrap().used();
        let of = |account, in_bytes| SpentOf { account: AccountId(account), in_bytes, again_in_ms: 23 * HOUR_MS };
        let mut spent = quota.spent(NOW + HOUR_MS);
        spent.sort_by_key(|spent| spent.account.0);
        assert_eq!(spent, [of(1, false), of(2, true)]);
        assert_eq!(quota.spent(NOW + DAY_MS), []);
    }

    #[test]
    fn what_is_told_is_the_limit_that_is_nearest_to_its_end() {
        let (quota, one) = (quota(), AccountId(1));
        let of = |most, left, reset_s, in_bytes| Allowance { most, left, reset_s, in_bytes };
        assert_eq!(
            quota.allowance(one, None, before(0), NOW),
            of(3, 3, 86_400, false),
            "three quarters of four fights"
        );
        quota.take(one, 30, true, NOW).unwrap().used();
        assert_eq!(quota.allowance(one, None, before(0), NOW + HOUR_MS), of(75, 45, 82_800, true));
        assert_eq!(quota.allowance(one, None, before(2), NOW + HOUR_MS), of(3, 1, 3_600, false));
        let limit = UploadsPerDay { key: 7, most: 1 };
        quota.upload(one, limit, NOW + HOUR_MS).unwrap().used();
        assert_eq!(quota.allowance(one, Some(limit), before(2), NOW + HOUR_MS), of(1, 0, 86_400, false));
        assert_eq!(quota.allowance(one, None, before(9), NOW + HOUR_MS).left, 0, "more than there is");
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
