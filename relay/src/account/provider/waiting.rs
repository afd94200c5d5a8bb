//! What waits for somebody to come back: in memory, for some minutes, by a secret that he alone was given.
//!
//! One invariant: strangers do not make this grow, nor keep others out. An address has so many, and there are so many in
//! all; where one more comes, the oldest goes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use raidcast_shared::id::hex;

use crate::account::digest;
use crate::clock::Entropy;
use crate::edge::Address;
use crate::limits::{SIGN_INS_WAITING_MAX, SIGN_INS_WAITING_PER_ADDRESS};

/// Who is at a provider is waited for so long, ms.
pub(in crate::account) const LASTS_MS: i64 = 10 * 60 * 1_000;

/// How much waits, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// For so long, ms.
    pub(crate) lasts_ms: i64,
    /// Of one address.
    pub(crate) per_address: usize,
    /// In all.
    pub(crate) in_all: usize,
}

impl Bounds {
    /// Of people who are at a provider, and of those who came from one.
    pub(in crate::account) const SIGN_INS: Self =
        Self { lasts_ms: LASTS_MS, per_address: SIGN_INS_WAITING_PER_ADDRESS, in_all: SIGN_INS_WAITING_MAX };
}

/// Something, and for whom.
struct Held<T> {
    what: T,
    address: Address,
    since_ms: i64,
    /// Of two of one moment the later is greater.
    number: u64,
}

/// All that waits.
struct All<T> {
    /// By the digests of their secrets.
    held: HashMap<[u8; 32], Held<T>>,
    /// So many came so far.
    came: u64,
}

impl<T> Default for All<T> {
    fn default() -> Self {
        Self { held: HashMap::new(), came: 0 }
    }
}

/// See the module's page.
pub(crate) struct Waiting<T> {
    all: Mutex<All<T>>,
    entropy: Entropy,
    bounds: Bounds,
}

impl<T: Clone> Waiting<T> {
    pub(crate) fn new(entropy: Entropy, bounds: Bounds) -> Self {
        Self { all: Mutex::default(), entropy, bounds }
    }

    fn all(&self, now_ms: i64) -> MutexGuard<'_, All<T>> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.held.retain(|_, held| now_ms < held.since_ms.saturating_add(self.bounds.lasts_ms));
        all
    }

    /// Keeps something, and gives the secret by which it is found.
    pub(crate) fn keep(&self, what: T, address: Address, now_ms: i64) -> String {
        let secret = hex(&self.entropy.bytes::<32>());
        let mut all = self.all(now_ms);
        let All { held, came } = &mut *all;
        let of_address = held.values().filter(|held| held.address == address).count();
        let oldest = match () {
            () if of_address >= self.bounds.per_address => {
                held.iter().filter(|(_, held)| held.address == address).min_by_key(|(_, held)| held.number)
            }
            () if held.len() >= self.bounds.in_all => held.iter().min_by_key(|(_, held)| held.number),
            () => None,
        };
        if let Some(oldest) = oldest.map(|(key, _)| *key) {
            held.remove(&oldest);
        }
        *came += 1;
        held.insert(digest(secret.as_bytes()), Held { what, address, since_ms: now_ms, number: *came });
        secret
    }

    /// What was kept under a secret, which is good for nothing any more.
    pub(crate) fn take(&self, secret: &str, now_ms: i64) -> Option<T> {
        self.all(now_ms).held.remove(&digest(secret.as_bytes())).map(|held| held.what)
    }

    /// What is kept under a secret.
    pub(in crate::account) fn look(&self, secret: &str, now_ms: i64) -> Option<T> {
        self.all(now_ms).held.get(&digest(secret.as_bytes())).map(|held| held.what.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> Address {
        Address::of(std::net::Ipv4Addr::from(0xc000_0200 + number).into())
    }

    #[test]
    fn what_waits_is_found_once_and_for_ten_minutes() {
        let waiting = Waiting::new(Entropy::system(), Bounds::SIGN_INS);
        let secret = waiting.keep(7, address(1), 0);
        assert_eq!((waiting.look(&secret, 1), waiting.look("another", 1)), (Some(7), None));
        assert_eq!((waiting.take(&secret, LASTS_MS - 1), waiting.take(&secret, LASTS_MS - 1)), (Some(7), None));
        let secret = waiting.keep(8, address(1), 0);
        assert_eq!(waiting.take(&secret, LASTS_MS), None);
    }

    #[test]
    fn an_address_has_so_many_and_the_oldest_goes() {
        let waiting = Waiting::new(Entropy::system(), Bounds::SIGN_INS);
        let other = waiting.keep(0, address(2), 0);
        let secrets: Vec<_> = (0..=SIGN_INS_WAITING_PER_ADDRESS).map(|at| waiting.keep(at, address(1), 0)).collect();
        let there: Vec<_> = secrets.iter().map(|secret| waiting.look(secret, 1).is_some()).collect();
        assert!(!there[0] && there[1..].iter().all(|there| *there), "{there:?}");
        assert_eq!(waiting.look(&other, 1), Some(0));
        let secrets: Vec<_> =
            (0..SIGN_INS_WAITING_MAX).map(|at| waiting.keep(at, address(10 + at as u32), 2)).collect();
        assert_eq!(waiting.all(2).held.len(), SIGN_INS_WAITING_MAX);
        assert!(waiting.look(&other, 2).is_none() && secrets.iter().all(|secret| waiting.look(secret, 2).is_some()));
    }
}
