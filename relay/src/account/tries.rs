//! How often somebody may try to sign in, to join, or to type a code: by his address, by the name that he gives, and by who
//! he is.
//!
//! One invariant: what is told depends on how often was tried, never on whether anybody has the name. Nobody is locked
//! out: a name that strangers try is slow for a while for browsers that nobody signed in with before.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use raidcast_store::PersonId;
use raidcast_store::name::fold;
use tokio::time::Instant;

use crate::edge::{Address, Later};
use crate::limits::{
    ADDRESSES_MAX, JOINS_PER_ADDRESS_DAY, JOINS_PER_HOUR, PROVIDER_REFUSED_PER_ADDRESS, PROVIDER_REFUSED_WINDOW_S,
    PROVIDER_SIGN_INS_PER_ADDRESS_MINUTE, REMOVALS_PER_ADDRESS_HOUR, REMOVALS_PER_HOUR, REMOVALS_PER_NEIGHBOURS_HOUR,
    REMOVALS_PER_PROVIDER_HOUR, SIGN_INS_PER_ADDRESS_MINUTE, SIGN_INS_PER_NAME,
};

/// In so long, as many tries of a name come again as may be made at once.
const NAME_WINDOW: Duration = Duration::from_mins(15);
/// Where too many are remembered, room is made this often.
const SWEEP_EVERY: Duration = Duration::from_millis(100);

/// Requests for removal within an hour, by how many bits of IPv4 and IPv6 addresses those have in common who ask.
const REMOVALS: [((u32, u32), u32); 3] = [
    ((32, 64), REMOVALS_PER_ADDRESS_HOUR),
    ((24, 48), REMOVALS_PER_NEIGHBOURS_HOUR),
    ((16, 32), REMOVALS_PER_PROVIDER_HOUR),
];

fn nonzero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// What one of many did lately. Of more than can be remembered all are one.
struct Rate<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, HashMapStateStore<K>, DefaultClock>,
    /// For whom there is no room.
    others: K,
    /// When room was made last.
    swept: Mutex<Option<Instant>>,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    fn new(quota: Quota, others: K) -> Self {
        Self { limiter: RateLimiter::hashmap(quota), others, swept: Mutex::default() }
    }

    fn check(&self, key: &K) -> Result<(), Later> {
        if self.limiter.len() >= ADDRESSES_MAX {
            let now = Instant::now();
            let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
            if swept.is_none_or(|swept| now.duration_since(swept) >= SWEEP_EVERY) {
                *swept = Some(now);
                self.limiter.retain_recent();
            }
        }
        let key = if self.limiter.len() < ADDRESSES_MAX { key } else { &self.others };
        let now = DefaultClock::default().now();
        self.limiter.check_key(key).map_err(|not| Later(not.wait_time_from(now)))
    }
}

/// What did not work lately of each address. What is under way counts until it is known that it works, so that many at one
/// time are no way round it.
#[derive(Default)]
struct Refusals(Mutex<HashMap<Address, (u32, Instant)>>);

impl Refusals {
    const WINDOW: Duration = Duration::from_secs(PROVIDER_REFUSED_WINDOW_S);

    fn may(&self, address: Address) -> Result<(), Later> {
        let now = Instant::now();
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get(&address).map(|(count, since)| (*count, now.duration_since(*since))) {
            Some((count, ago)) if count >= PROVIDER_REFUSED_PER_ADDRESS && ago < Self::WINDOW => {
                Err(Later(Self::WINDOW.saturating_sub(ago)))
            }
            _ => Ok(()),
        }
    }

    fn begins(&self, address: Address) -> Result<(), Later> {
        let now = Instant::now();
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= ADDRESSES_MAX {
            held.retain(|_, (_, since)| now.duration_since(*since) < Self::WINDOW);
        }
        let address = if held.len() < ADDRESSES_MAX { address } else { Address::EVERYBODY };
        let (count, since) = held.entry(address).or_insert((0, now));
        if now.duration_since(*since) >= Self::WINDOW {
            (*count, *since) = (0, now);
        }
        if *count >= PROVIDER_REFUSED_PER_ADDRESS {
            return Err(Later(Self::WINDOW.saturating_sub(now.duration_since(*since))));
        }
        *count += 1;
        Ok(())
    }

    fn works(&self, address: Address) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = if held.contains_key(&address) { address } else { Address::EVERYBODY };
        if let Some((count, _)) = held.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.remove(&address);
            }
        }
    }

    fn forget(&self) {
        let now = Instant::now();
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, (_, since)| now.duration_since(*since) < Self::WINDOW);
    }
}

/// What somebody tries who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Try {
    /// His own password.
    Password,
    /// The code of a program.
    Code,
    /// That a character is his.
    Character,
    /// The code of a claim that he may confirm.
    Confirm,
    /// How a character is shown: whoever looks is told of each change.
    Wish,
}

/// What was tried lately.
pub(super) struct Tries {
    addresses: Rate<Address>,
    providers: Rate<Address>,
    refusals: Refusals,
    /// By a digest of the name: nobody makes this hold more than a number by a long one.
    names: Rate<[u8; 8]>,
    /// The same, of browsers that somebody of this name signed in with before.
    known: Rate<[u8; 8]>,
    people: Rate<(PersonId, Try)>,
    joins: Rate<Address>,
    /// Of an address, of its neighbours, and of their provider.
    removals: [Rate<Address>; 3],
    all_removals: Rate<()>,
    all_joins: Rate<()>,
}

impl Tries {
    pub(super) fn new() -> Self {
        let by_name = Quota::with_period(NAME_WINDOW / SIGN_INS_PER_NAME).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
        let by_name = by_name.allow_burst(nonzero(SIGN_INS_PER_NAME));
        let per_day = Quota::with_period(Duration::from_hours(24) / JOINS_PER_ADDRESS_DAY);
        let per_day = per_day.unwrap_or(Quota::per_hour(NonZeroU32::MIN)).allow_burst(nonzero(JOINS_PER_ADDRESS_DAY));
        Self {
            addresses: Rate::new(Quota::per_minute(nonzero(SIGN_INS_PER_ADDRESS_MINUTE)), Address::EVERYBODY),
            providers: Rate::new(Quota::per_minute(nonzero(PROVIDER_SIGN_INS_PER_ADDRESS_MINUTE)), Address::EVERYBODY),
            refusals: Refusals::default(),
            names: Rate::new(by_name, [0; 8]),
            known: Rate::new(by_name, [0; 8]),
            people: Rate::new(by_name, (PersonId(0), Try::Code)),
            joins: Rate::new(per_day, Address::EVERYBODY),
            removals: REMOVALS.map(|(_, most)| Rate::new(Quota::per_hour(nonzero(most)), Address::EVERYBODY)),
            all_removals: Rate::new(Quota::per_hour(nonzero(REMOVALS_PER_HOUR)), ()),
            all_joins: Rate::new(Quota::per_hour(nonzero(JOINS_PER_HOUR)), ()),
        }
    }

    /// Counts a request for removal of an address.
    ///
    /// # Errors
    /// There were too many: of it, of those about it, or of all.
    pub(super) fn asks_removal(&self, address: Address) -> Result<(), Later> {
        for (((v4_bits, v6_bits), _), rate) in REMOVALS.iter().zip(&self.removals) {
            rate.check(&address.network(*v4_bits, *v6_bits))?;
        }
        self.all_removals.check(&())
    }

    /// Forgets whoever may try as if he never had.
    pub(super) fn forget(&self) {
        for rate in [&self.addresses, &self.providers, &self.joins].into_iter().chain(&self.removals) {
            rate.limiter.retain_recent();
        }
        self.refusals.forget();
        self.names.limiter.retain_recent();
        self.known.limiter.retain_recent();
        self.people.limiter.retain_recent();
    }

    /// Counts a try of an address.
    ///
    /// # Errors
    /// There were too many.
    pub(super) fn by_address(&self, address: Address) -> Result<(), Later> {
        self.addresses.check(&address)
    }

    /// Counts somebody of an address who goes to a provider: nothing is guessed there.
    ///
    /// # Errors
    /// There were too many, or the provider refused too many that came back.
    pub(super) fn by_provider(&self, address: Address) -> Result<(), Later> {
        self.refusals.may(address)?;
        self.providers.check(&address)
    }

    /// Counts somebody of an address of whom a provider is asked who he is.
    ///
    /// # Errors
    /// It has refused too many of them lately.
    pub(super) fn asks_provider(&self, address: Address) -> Result<(), Later> {
        self.refusals.begins(address)
    }

    /// It has said so, or it was not his fault that it did not.
    pub(super) fn provider_answers(&self, address: Address) {
        self.refusals.works(address);
    }

    /// Counts a try under a name, from wherever; `is_known`: by a browser that somebody of this name signed in with before.
    ///
    /// # Errors
    /// There were too many.
    pub(super) fn by_name(&self, name: &str, is_known: bool) -> Result<(), Later> {
        let mut key = [0; 8];
        key.copy_from_slice(&super::digest(fold(name.trim()).as_bytes())[..8]);
        if is_known { self.known.check(&key) } else { self.names.check(&key) }
    }

    /// Counts a try of somebody who is signed in.
    ///
    /// # Errors
    /// There were too many.
    pub(super) fn by_person(&self, person: PersonId, what: Try) -> Result<(), Later> {
        self.people.check(&(person, what))
    }

    /// Counts somebody who wants to join.
    ///
    /// # Errors
    /// There were too many.
    pub(super) fn joins(&self, address: Address) -> Result<(), Later> {
        self.joins.check(&address)?;
        self.all_joins.check(&())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u8) -> Address {
        Address::of([192, 0, 2, number].into())
    }

    #[test]
    fn an_address_a_name_and_a_person_try_so_often() {
        let tries = Tries::new();
        for _ in 0..SIGN_INS_PER_ADDRESS_MINUTE {
            assert!(tries.by_address(address(1)).is_ok());
        }
        assert!(tries.by_address(address(1)).is_err() && tries.by_address(address(2)).is_ok());
        for number in 0..SIGN_INS_PER_NAME {
            assert!(tries.by_name("Ana", false).is_ok(), "{number}");
        }
        let Err(Later(wait)) = tries.by_name(" ANA ", false) else { panic!("one too many") };
        assert!(wait <= NAME_WINDOW / SIGN_INS_PER_NAME, "{wait:?}");
        // Strangers do not lock him out of a browser that he signed in with before, nor of what he has.
        assert!(tries.by_name("Ana", true).is_ok() && tries.by_name("Bo", false).is_ok());
        for _ in 0..SIGN_INS_PER_NAME {
            assert!(tries.by_person(PersonId(1), Try::Code).is_ok());
        }
        assert!(tries.by_person(PersonId(1), Try::Code).is_err());
        assert!(tries.by_person(PersonId(1), Try::Password).is_ok() && tries.by_person(PersonId(2), Try::Code).is_ok());
        for _ in 0..JOINS_PER_ADDRESS_DAY {
            assert!(tries.joins(address(1)).is_ok());
        }
        assert!(tries.joins(address(1)).is_err() && tries.joins(address(2)).is_ok());
    }

    /// Of so many addresses, each asking until it may no more, how many requests come through.
    fn come_through(tries: &Tries, addresses: impl Iterator<Item = u128>) -> u32 {
        let of = |bits: u128| Address::of(std::net::IpAddr::V6(bits.into()));
        addresses.map(|bits| (0..9).filter(|_| tries.asks_removal(of(bits)).is_ok()).count() as u32).sum()
    }

    #[test]
    fn who_has_a_whole_network_leaves_room_for_others_who_ask_to_be_removed() {
        let tries = Tries::new();
        let house = 0x2001_0db8_0001_u128 << 80;
        assert_eq!(come_through(&tries, (0..1_000).map(|n| house | n << 64)), REMOVALS_PER_NEIGHBOURS_HOUR);
        // Of a neighbour, and of all that a provider has.
        assert_eq!(come_through(&tries, [0x2001_0db8_0002_u128 << 80].into_iter()), REMOVALS_PER_ADDRESS_HOUR);
        let provider = 0x2001_0db8_u128 << 96;
        let left = REMOVALS_PER_PROVIDER_HOUR - REMOVALS_PER_NEIGHBOURS_HOUR - REMOVALS_PER_ADDRESS_HOUR;
        assert_eq!(come_through(&tries, (3..1_000).map(|n| provider | n << 80)), left);
        // Somebody else asks as ever; and all together no more than an administrator reads.
        assert!(tries.asks_removal(address(1)).is_ok());
        let all = come_through(&tries, (0..1_000).map(|n| (0x2a00_0000_u128 + n) << 96));
        assert_eq!(all + 1 + REMOVALS_PER_PROVIDER_HOUR, REMOVALS_PER_HOUR);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_whose_sign_ins_a_provider_refuses_waits_and_others_do_not() {
        let tries = Tries::new();
        for _ in 0..3 * PROVIDER_REFUSED_PER_ADDRESS {
            assert!(tries.asks_provider(address(1)).is_ok());
            tries.provider_answers(address(1));
        }
        // Also at one time.
        for _ in 0..PROVIDER_REFUSED_PER_ADDRESS {
            assert!(tries.asks_provider(address(1)).is_ok());
        }
        let minute = Duration::from_mins(1);
        tokio::time::advance(minute).await;
        let Err(Later(wait)) = tries.asks_provider(address(1)) else { panic!("one too many") };
        assert_eq!(wait + minute, Refusals::WINDOW);
        assert!(tries.by_provider(address(1)).is_err(), "nobody is sent there for nothing");
        assert!(tries.asks_provider(address(2)).is_ok());
        tokio::time::advance(wait).await;
        assert!(tries.asks_provider(address(1)).is_ok());
        tries.provider_answers(address(1));
        tokio::time::advance(Refusals::WINDOW).await;
        tries.forget();
        assert!(tries.refusals.0.lock().unwrap().is_empty());
    }

    #[test]
    fn of_more_than_can_be_remembered_all_are_one() {
        let rate = Rate::new(Quota::per_hour(nonzero(2)), u64::MAX);
        for key in 0..ADDRESSES_MAX as u64 {
            assert!(rate.check(&key).is_ok());
        }
        assert!(rate.check(&(u64::MAX - 1)).is_ok() && rate.check(&(u64::MAX - 2)).is_ok());
        assert!(rate.check(&(u64::MAX - 3)).is_err());
        assert!(rate.limiter.len() <= ADDRESSES_MAX + 1);
    }
}
