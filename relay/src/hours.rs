//! What addresses did within the last hour: limits that last so long, and go on after a restart.
//!
//! Two invariants. No address is kept, here or on the disk: what stands for one is made of it, of the relay's secret and of
//! a salt that is another each hour. And nothing stays for longer than it counts: an hour, and a minute until that is seen.
//! Deliberately not here: what lasts for seconds or minutes, and begins anew with a start ([`crate::edge`],
//! [`crate::account`]).

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raidcast_shared::codec;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::account::RelaySecret;
use crate::clock::{Clock, Entropy};
use crate::edge::Address;
use crate::limits::ADDRESSES_MAX;
use crate::private::write_whole;

const HOUR_MS: i64 = 3_600_000;
/// Where too many addresses are remembered, room is made this often, ms.
const ROOM_EVERY_MS: u64 = 100;
/// How often what changed is written.
const KEEP_EVERY: Duration = Duration::from_mins(1);
/// Bytes of the file, at the most: of all that can be remembered, twice.
const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hourly {
    /// Requests that upload fights.
    Uploads,
    /// People who join.
    Joins,
    /// Requests for removal.
    Removals,
    /// The same of an address's neighbours.
    RemovalsNear,
    /// The same of their provider.
    RemovalsOfProvider,
    /// People who join without an invitation, of all addresses.
    AllJoins,
    /// Requests for removal of all addresses.
    AllRemovals,
}

const KINDS: usize = Hourly::AllRemovals as usize + 1;

/// What stands for an address.
type Token = [u8; 16];

/// What was counted under one salt.
struct Generation {
    salt: [u8; 16],
    since_ms: i64,
    /// By what is counted: when each address may do as much at once as ever, Unix ms.
    full_ms: [HashMap<Token, i64>; KINDS],
}

impl Generation {
    fn new(salt: [u8; 16], since_ms: i64) -> Self {
        Self { salt, since_ms, full_ms: std::array::from_fn(|_| HashMap::new()) }
    }

    fn is_empty(&self) -> bool {
        self.full_ms.iter().all(HashMap::is_empty)
    }

    /// Forgets what does not count any more; whether there was any.
    fn sweep(&mut self, now_ms: i64) -> bool {
        let mut has_gone = false;
        for table in &mut self.full_ms {
            let before = table.len();
            // What lies further in the future was counted by a clock that was ahead.
            table.retain(|_, full_ms| (1..=HOUR_MS).contains(&full_ms.saturating_sub(now_ms)));
            has_gone |= table.len() < before;
            table.shrink_to_fit();
        }
        has_gone
    }
}

/// The same on the disk.
#[derive(Serialize, Deserialize)]
struct KeptGeneration {
    salt: [u8; 16],
    since_ms: i64,
    full_ms: Vec<Vec<(Token, i64)>>,
}

impl From<&Generation> for KeptGeneration {
    fn from(held: &Generation) -> Self {
        let table =
            |table: &HashMap<Token, i64>| table.iter().map(|(token, full_ms)| (*token, *full_ms)).collect::<Vec<_>>();
        Self { salt: held.salt, since_ms: held.since_ms, full_ms: held.full_ms.iter().map(table).collect() }
    }
}

impl From<KeptGeneration> for Generation {
    fn from(kept: KeptGeneration) -> Self {
        let mut held = Self::new(kept.salt, kept.since_ms);
        for (table, kept) in held.full_ms.iter_mut().zip(kept.full_ms) {
            table.extend(kept);
        }
        held
    }
}

struct Held {
    now: Generation,
    /// What was counted under the salt before: it counts for an hour at the most.
    before: Option<Generation>,
    /// The disk has something else.
    is_changed: bool,
    /// When room was made last, Unix ms.
    swept_ms: i64,
}

impl Held {
    /// Another salt each hour, and whenever the clock was set back.
    fn turn(&mut self, now_ms: i64, entropy: &Entropy) {
        let since_ms = self.now.since_ms;
        if !(since_ms..since_ms.saturating_add(HOUR_MS)).contains(&now_ms) {
            let next = Generation::new(entropy.bytes(), now_ms);
            self.is_changed |= self.before.as_ref().is_some_and(|before| !before.is_empty());
            self.before = Some(std::mem::replace(&mut self.now, next));
        }
    }

    fn sweep(&mut self, now_ms: i64) {
        self.swept_ms = now_ms;
        self.is_changed |= self.now.sweep(now_ms);
        if let Some(before) = &mut self.before {
            self.is_changed |= before.sweep(now_ms);
        }
        self.before = self.before.take().filter(|before| !before.is_empty());
    }
}

/// See the module's page.
pub struct Hours {
    secret: RelaySecret,
    clock: Clock,
    entropy: Entropy,
    held: Mutex<Held>,
}

impl Hours {
    /// Nobody has done anything yet.
    pub fn new(secret: RelaySecret, clock: Clock, entropy: Entropy) -> Self {
        let (now, swept_ms) = (Generation::new(entropy.bytes(), clock.now_ms()), clock.now_ms());
        let held = Mutex::new(Held { now, before: None, is_changed: false, swept_ms });
        Self { secret, clock, entropy, held }
    }

    /// Of a test, whose clock stands still.
    #[cfg(test)]
    pub(crate) fn of_a_test() -> Arc<Self> {
        let clock = Clock::new(|| 1_790_000_000_000);
        Arc::new(Self::new(RelaySecret::new([7; 32]), clock, Entropy::system()))
    }

    /// No code that holds it can panic.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more of an address, which may do so many at once, and as many again within an hour. Of more addresses than
    /// can be remembered all are one.
    ///
    /// # Errors
    /// There were too many: after so long there may be another.
    pub fn take(&self, what: Hourly, address: Address, most: u32) -> Result<(), Duration> {
        let (now_ms, most, kind) = (self.clock.now_ms(), i64::from(most.max(1)), what as usize);
        let every_ms = HOUR_MS / most;
        let room_ms = every_ms * most;
        let token = |salt: &[u8; 16], address: Address| self.secret.address(salt, kind as u8, address.bytes());
        let mut guard = self.held();
        let held = &mut *guard;
        held.turn(now_ms, &self.entropy);
        if held.now.full_ms[kind].len() >= ADDRESSES_MAX && now_ms.abs_diff(held.swept_ms) >= ROOM_EVERY_MS {
            held.sweep(now_ms);
        }
        let (mut address, mut own) = (address, token(&held.now.salt, address));
        if held.now.full_ms[kind].len() >= ADDRESSES_MAX && !held.now.full_ms[kind].contains_key(&own) {
            address = Address::EVERYBODY;
            own = token(&held.now.salt, address);
        }
        let of_before = |before: &Generation| before.full_ms[kind].get(&token(&before.salt, address)).copied();
        let full_ms = held.now.full_ms[kind].get(&own).copied().or_else(|| held.before.as_ref().and_then(of_before));
        let full_ms = full_ms.map_or(now_ms, |full_ms| full_ms.max(now_ms));
        // A clock that was set back locks nobody out for longer.
        let full_ms = if full_ms.saturating_sub(now_ms) > room_ms { now_ms } else { full_ms };
        let wait_ms = full_ms + every_ms - room_ms - now_ms;
        if wait_ms > 0 {
            return Err(Duration::from_millis(wait_ms.unsigned_abs()));
        }
        held.now.full_ms[kind].insert(own, full_ms + every_ms);
        held.is_changed = true;
        Ok(())
    }

    /// Forgets what does not count any more.
    pub fn sweep(&self) {
        let now_ms = self.clock.now_ms();
        let mut held = self.held();
        held.turn(now_ms, &self.entropy);
        held.sweep(now_ms);
    }

    /// What is to be kept, if that is something else than what was asked for last. Empty where nothing counts.
    pub fn to_keep(&self) -> Option<Vec<u8>> {
        self.sweep();
        let mut held = self.held();
        if !std::mem::take(&mut held.is_changed) {
            return None;
        }
        let all = [Some(&held.now), held.before.as_ref()].into_iter().flatten().filter(|held| !held.is_empty());
        let all: Vec<_> = all.map(KeptGeneration::from).collect();
        Some(if all.is_empty() { Vec::new() } else { codec::encode(&all) })
    }

    /// What was asked for last could not be kept.
    fn was_not_kept(&self) {
        self.held().is_changed = true;
    }

    /// Goes on from what was kept.
    ///
    /// # Errors
    /// It is nothing that was: what is kept next takes its place.
    pub fn recall(&self, kept: &[u8]) -> Result<(), codec::DecodeError> {
        self.was_not_kept();
        let kept: Vec<KeptGeneration> = codec::decode(kept, FILE_BYTES_MAX)?;
        let mut kept = kept.into_iter().map(Generation::from);
        if let Some(now) = kept.next() {
            let mut held = self.held();
            held.now = now;
            held.before = kept.next();
        }
        self.sweep();
        Ok(())
    }
}

/// Keeps it in a file: written once a minute where it changed, and when the relay stops. There is none while nothing
/// counts.
pub struct KeptHours {
    hours: Arc<Hours>,
    file: PathBuf,
    writing: tokio::sync::Mutex<()>,
}

impl KeptHours {
    /// Takes up what was kept before. What cannot be read counts for nobody.
    pub fn recall(hours: Arc<Hours>, file: PathBuf) -> Self {
        match std::fs::read(&file) {
            Ok(kept) => {
                if let Err(error) = hours.recall(&kept) {
                    tracing::warn!(%error, "limits of addresses begin anew: what was kept of them cannot be read");
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(%error, "limits of addresses begin anew: what was kept of them cannot be read");
            }
        }
        Self { hours, file, writing: tokio::sync::Mutex::default() }
    }

    /// Writes what changed, once a minute until the relay stops.
    pub async fn keep_each_minute(self: Arc<Self>, stop: CancellationToken) {
        while tokio::time::timeout(KEEP_EVERY, stop.cancelled()).await.is_err() {
            self.keep().await;
        }
    }

    /// Writes what changed. What cannot be written is written the next time.
    pub async fn keep(&self) {
        let _one = self.writing.lock().await;
        let Some(kept) = self.hours.to_keep() else { return };
        let file = self.file.clone();
        let written = spawn_blocking(move || if kept.is_empty() { remove(&file) } else { write_whole(&file, &kept) });
        let written = written.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        if let Err(error) = written {
            self.hours.was_not_kept();
            tracing::warn!(%error, "could not write down what addresses did in the last hour");
        }
    }
}

fn remove(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    const NOW_MS: i64 = 1_790_000_000_000;

    fn address(last: u8) -> Address {
        Address::of([192, 0, 2, last].into())
    }

    /// By a clock that a test moves.
    fn hours() -> (Arc<AtomicI64>, Hours) {
        let now_ms = Arc::new(AtomicI64::new(NOW_MS));
        let shown = Arc::clone(&now_ms);
        let clock = Clock::new(move || shown.load(Ordering::Relaxed));
        (now_ms, Hours::new(RelaySecret::new([7; 32]), clock, Entropy::system()))
    }

    /// How many of so many more an address gets.
    fn gets(hours: &Hours, what: Hourly, last: u8, tries: u32) -> u32 {
        (0..tries).map(|_| u32::from(hours.take(what, address(last), 4).is_ok())).sum()
    }

    #[test]
    fn so_many_come_at_once_and_as_many_again_within_an_hour() {
        let (now_ms, hours) = hours();
        assert_eq!(gets(&hours, Hourly::Uploads, 1, 9), 4);
        assert_eq!(hours.take(Hourly::Uploads, address(1), 4), Err(Duration::from_mins(15)));
        assert_eq!(gets(&hours, Hourly::Joins, 1, 9), 4, "what else it does is counted for itself");
        assert_eq!(gets(&hours, Hourly::Uploads, 2, 9), 4, "and others for themselves");
        now_ms.fetch_add(HOUR_MS / 2, Ordering::Relaxed);
        assert_eq!(gets(&hours, Hourly::Uploads, 1, 9), 2);
        // A new salt changes nothing of that.
        now_ms.fetch_add(HOUR_MS / 2, Ordering::Relaxed);
        assert_eq!(gets(&hours, Hourly::Uploads, 1, 9), 2);
        now_ms.fetch_sub(2 * HOUR_MS, Ordering::Relaxed);
        assert_eq!(gets(&hours, Hourly::Uploads, 1, 9), 4, "a clock that is set back locks nobody out");
    }

    #[test]
    fn a_start_goes_on_from_what_was_kept_and_what_is_over_is_kept_no_more() {
        let (now_ms, hours) = hours();
        assert_eq!(hours.to_keep(), None, "nothing has changed");
        assert_eq!(gets(&hours, Hourly::Uploads, 1, 3), 3);
        let kept = hours.to_keep().unwrap();
        assert_eq!(hours.to_keep(), None);
        let (later_ms, again) = self::hours();
        again.recall(&kept).unwrap();
        assert_eq!((gets(&again, Hourly::Uploads, 1, 9), gets(&again, Hourly::Uploads, 2, 9)), (1, 4));
        // Of a relay with another secret it is nobody's, and what is none changes nothing.
        let other = Hours::new(RelaySecret::new([8; 32]), Clock::new(|| NOW_MS), Entropy::system());
        other.recall(&kept).unwrap();
        assert!(other.recall(b"no file of this").is_err());
        assert_eq!(gets(&other, Hourly::Uploads, 1, 9), 4);
        for (clock, hours) in [(&now_ms, &hours), (&later_ms, &again)] {
            clock.fetch_add(HOUR_MS, Ordering::Relaxed);
            assert_eq!(hours.to_keep(), Some(Vec::new()));
        }
        // Nor is it when it is read that late.
        let (clock, late) = self::hours();
        clock.fetch_add(HOUR_MS, Ordering::Relaxed);
        late.recall(&kept).unwrap();
        assert_eq!(late.to_keep(), Some(Vec::new()));
    }

    #[test]
    fn what_is_kept_says_nothing_of_an_address_and_each_hour_something_else() {
        let (now_ms, hours) = hours();
        let mut tokens = Vec::new();
        for _ in 0..3 {
            assert!(hours.take(Hourly::Uploads, address(1), 4).is_ok());
            let held: Vec<_> = hours.held().now.full_ms[Hourly::Uploads as usize].keys().copied().collect();
            tokens.extend(held);
            now_ms.fetch_add(2 * HOUR_MS, Ordering::Relaxed);
        }
        assert_eq!(tokens.len(), 3);
        tokens.sort_unstable();
        tokens.dedup();
        assert_eq!(tokens.len(), 3, "the same address is another each hour");
    }

    #[test]
    fn of_more_than_can_be_remembered_all_are_one() {
        let (now_ms, hours) = hours();
        let of = |n: usize| Address::of(std::net::Ipv4Addr::from_bits(n as u32).into());
        assert!((0..ADDRESSES_MAX).all(|n| hours.take(Hourly::Uploads, of(n), 2).is_ok()));
        let others = (0..9).filter(|n| hours.take(Hourly::Uploads, of(ADDRESSES_MAX + n), 2).is_ok()).count();
        assert_eq!(others, 2);
        assert!(hours.take(Hourly::Uploads, of(1), 2).is_ok(), "who is remembered has his own");
        now_ms.fetch_add(HOUR_MS, Ordering::Relaxed);
        assert!((0..9).all(|n| hours.take(Hourly::Uploads, of(ADDRESSES_MAX + n), 2).is_ok()), "there is room again");
    }
}
