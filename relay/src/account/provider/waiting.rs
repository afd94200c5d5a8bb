//! What waits for somebody to come back: in memory, for some minutes, by a secret that he alone was given.
//!
//! One invariant: strangers do not make this grow, nor keep others out. An address has so many, and there are so many in
//! all; where one more comes, one of those goes who have the most: of the networks that providers have, then of the
//! neighbours in it, then of the addresses the one with the most, and of that its oldest.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use raidcast_shared::id::hex;

use crate::account::digest;
use crate::clock::Entropy;
use crate::edge::Address;
use crate::limits::{SIGN_INS_WAITING_MAX, SIGN_INS_WAITING_PER_ADDRESS};

/// By how many bits of IPv4 and IPv6 addresses those have in common of whom one goes where there is no room: a provider's,
/// neighbours, and one address.
const NETWORKS: [(u32, u32); 3] = [(16, 32), (24, 48), (32, 64)];

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
        // Of a clock that was set back, too, nothing waits for ever.
        all.held.retain(|_, held| now_ms.abs_diff(held.since_ms) < self.bounds.lasts_ms.unsigned_abs());
        all
    }

    /// Keeps something, and gives the secret by which it is found.
    pub(crate) fn keep(&self, what: T, address: Address, now_ms: i64) -> String {
        let secret = hex(&self.entropy.bytes::<32>());
        let mut all = self.all(now_ms);
        let All { held, came } = &mut *all;
        let of_address = held.values().filter(|held| held.address == address).count();
        let all = held.iter().map(|(key, held)| (*key, held.address, held.number));
        let oldest = match () {
            () if of_address >= self.bounds.per_address => oldest_of_most(all.filter(|(_, of, _)| *of == address)),
            () if held.len() >= self.bounds.in_all => oldest_of_most(all),
            () => None,
        };
        if let Some(oldest) = oldest {
            held.remove(&oldest);
        }
        *came += 1;
        held.insert(digest(secret.as_bytes()), Held { what, address, since_ms: now_ms, number: *came });
        secret
    }

    /// Forgets those who have not come back in time.
    pub(crate) fn sweep(&self, now_ms: i64) {
        drop(self.all(now_ms));
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

/// Of all that wait, by which each is known, of what address, and which number it has, greater of later ones: the oldest of
/// those who have the most. Whoever makes it full loses what he has, and nobody else.
pub(in crate::account) fn oldest_of_most<K>(all: impl Iterator<Item = (K, Address, u64)>) -> Option<K> {
    let mut left: Vec<_> = all.collect();
    for (v4_bits, v6_bits) in NETWORKS {
        // So many are in each, and the number of its oldest.
        let mut networks: HashMap<Address, (usize, Reverse<u64>)> = HashMap::new();
        for (_, address, number) in &left {
            let (count, oldest) = networks.entry(address.network(v4_bits, v6_bits)).or_insert((0, Reverse(u64::MAX)));
            *count += 1;
            oldest.0 = oldest.0.min(*number);
        }
        let (most, _) = networks.into_iter().max_by_key(|(_, most)| *most)?;
        left.retain(|(_, address, _)| address.network(v4_bits, v6_bits) == most);
    }
    left.into_iter().min_by_key(|(.., number)| *number).map(|(key, ..)| key)
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
    }

    #[test]
    fn who_fills_it_pushes_out_nobody_but_himself() {
        let waiting = Waiting::new(Entropy::system(), Bounds::SIGN_INS);
        let v6 = |bits: u128| Address::of(std::net::IpAddr::V6(bits.into()));
        let others = [address(2), Address::of([198, 51, 100, 7].into()), v6(0x2a00_0001_u128 << 96)];
        let others = others.map(|other| waiting.keep(0, other, 0));
        let there = |waiting: &Waiting<u128>| others.iter().all(|other| waiting.look(other, 1).is_some());
        // One address after the other of a whole /32, of which the relay sees 65,536 networks of neighbours.
        let most = SIGN_INS_WAITING_MAX as u128;
        let stranger: Vec<_> = (0..most).map(|at| waiting.keep(at, v6(0x2001_0db8_u128 << 96 | at << 80), 0)).collect();
        assert_eq!(waiting.all(1).held.len(), SIGN_INS_WAITING_MAX);
        assert!(there(&waiting));
        // What he loses is what he began first.
        assert!(waiting.look(&stranger[0], 1).is_none() && waiting.look(&stranger[stranger.len() - 1], 1).is_some());
        // Who comes then finds room, and keeps it.
        let late = waiting.keep(7, Address::of([203, 0, 113, 9].into()), 0);
        for at in 0..100 {
            waiting.keep(at, v6(0x2001_0db8_u128 << 96 | (most + at) << 80), 0);
        }
        assert!(there(&waiting) && waiting.look(&late, 1) == Some(7));
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nothing_for_ever() {
        let waiting = Waiting::new(Entropy::system(), Bounds::SIGN_INS);
        let secret = waiting.keep(7, address(1), 100 * LASTS_MS);
        assert_eq!(waiting.look(&secret, 100 * LASTS_MS - 1_000), Some(7));
        assert_eq!(waiting.look(&secret, 99 * LASTS_MS), None);
    }
}
