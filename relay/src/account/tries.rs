//! How often somebody may try to sign in, to join, or to type a code: by his address, by the name that he gives, and by who
//! he is.
//!
//! One invariant: what is told depends on how often was tried, never on whether anybody has the name. Nobody is locked
//! out: a name that strangers try is slow for a while in their own network, for browsers that nobody signed in with
//! before. Only strangers of very many networks make it slow in all.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use raidcast_store::PersonId;
use raidcast_store::name::fold;
use tokio::time::Instant;

use crate::edge::{Address, Later};
use crate::hours::{Hourly, Hours};
use crate::limits::{
    ADDRESSES_MAX, JOINS_PER_ADDRESS_HOUR, JOINS_PER_HOUR, PROVIDER_REFUSED_PER_ADDRESS, PROVIDER_REFUSED_WINDOW_S,
    PROVIDER_SIGN_INS_PER_ADDRESS_MINUTE, REMOVALS_PER_ADDRESS_HOUR, REMOVALS_PER_HOUR, REMOVALS_PER_NEIGHBOURS_HOUR,
    REMOVALS_PER_PROVIDER_HOUR, SIGN_INS_PER_ADDRESS_MINUTE, SIGN_INS_PER_NAME, SIGN_INS_PER_NAME_IN_ALL,
};

/// In so long, as many tries of a name come again as may be made at once.
const NAME_WINDOW: Duration = Duration::from_mins(15);
/// Where too many are remembered, room is made this often.
const SWEEP_EVERY: Duration = Duration::from_millis(100);

/// Requests for removal within an hour, by how many bits of IPv4 and IPv6 addresses those have in common who ask.
const REMOVALS: [(Hourly, (u32, u32), u32); 3] = [
    (Hourly::Removals, (32, 64), REMOVALS_PER_ADDRESS_HOUR),
    (Hourly::RemovalsNear, (24, 48), REMOVALS_PER_NEIGHBOURS_HOUR),
    (Hourly::RemovalsOfProvider, (16, 32), REMOVALS_PER_PROVIDER_HOUR),
];

fn nonzero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// So many at once, and as many again within so long.
fn within(window: Duration, most: u32) -> Quota {
    let quota = Quota::with_period(window / most.max(1)).unwrap_or(Quota::per_hour(NonZeroU32::MIN));
    quota.allow_burst(nonzero(most))
}

/// An address with its neighbours (an IPv4 /24, an IPv6 /48): one stranger may have all of them.
pub(super) fn network(address: Address) -> Address {
    address.network(24, 48)
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

/// Who brings a code of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Brings {
    /// Who is signed in: his neighbours take nothing from him.
    Person(PersonId),
    /// Anybody else of an address.
    Address(Address),
}

impl Brings {
    pub(super) fn of(person: Option<PersonId>, address: Address) -> Self {
        person.map_or(Self::Address(address), Self::Person)
    }
}

/// Codes that a provider refused lately of each who brought them. What is under way counts, so that many at one time are no
/// way round it.
#[derive(Default)]
struct Refusals(Mutex<HashMap<(Brings, String), (u32, Instant)>>);

/// A code for which a provider is asked. It counts while this is there, and after that only if the provider refused it: not
/// where that gave no answer, or where the work on it broke off.
pub(super) struct Brought<'a> {
    refusals: &'a Refusals,
    /// Under whom it counts.
    key: (Brings, String),
    /// And since when his are counted.
    since: Instant,
    is_refused: bool,
}

impl Brought<'_> {
    /// The provider says that it is none.
    pub(super) fn refused(mut self) {
        self.is_refused = true;
    }
}

impl Drop for Brought<'_> {
    fn drop(&mut self) {
        if self.is_refused {
            return;
        }
        let mut held = self.refusals.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a time that is over nothing is given back in the next.
        if let Some((count, since)) = held.get_mut(&self.key)
            && *since == self.since
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.remove(&self.key);
            }
        }
    }
}

impl Refusals {
    const WINDOW: Duration = Duration::from_secs(PROVIDER_REFUSED_WINDOW_S);

    fn may(&self, brings: Brings, provider: &str) -> Result<(), Later> {
        let now = Instant::now();
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get(&(brings, provider.to_owned())).map(|(count, since)| (*count, now.duration_since(*since))) {
            Some((count, ago)) if count >= PROVIDER_REFUSED_PER_ADDRESS && ago < Self::WINDOW => {
                Err(Later(Self::WINDOW.saturating_sub(ago)))
            }
            _ => Ok(()),
        }
    }

    fn begins(&self, brings: Brings, provider: &str) -> Result<Brought<'_>, Later> {
        let now = Instant::now();
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= ADDRESSES_MAX {
            held.retain(|_, (_, since)| now.duration_since(*since) < Self::WINDOW);
        }
        let brings = if held.len() < ADDRESSES_MAX { brings } else { Brings::Address(Address::EVERYBODY) };
        let key = (brings, provider.to_owned());
        let (count, since) = held.entry(key.clone()).or_insert((0, now));
        if now.duration_since(*since) >= Self::WINDOW {
            (*count, *since) = (0, now);
        }
        if *count >= PROVIDER_REFUSED_PER_ADDRESS {
            return Err(Later(Self::WINDOW.saturating_sub(now.duration_since(*since))));
        }
        *count += 1;
        Ok(Brought { refusals: self, key, since: *since, is_refused: false })
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
    /// All that is held about him, or about a player: each is noted, and there is room for so many notes.
    Archive,
}

/// What was tried lately.
pub(super) struct Tries {
    addresses: Rate<Address>,
    providers: Rate<Address>,
    refusals: Refusals,
    /// By a digest of the name, so that nobody makes this hold more than a number by a long one, and by the network.
    names: Rate<([u8; 8], Address)>,
    /// By the name alone.
    names_in_all: Rate<[u8; 8]>,
    /// And of browsers that somebody of this name signed in with before.
    known: Rate<[u8; 8]>,
    people: Rate<(PersonId, Try)>,
    /// Who joins, and who asks to be removed.
    hours: Arc<Hours>,
}

impl Tries {
    pub(super) fn new(hours: Arc<Hours>) -> Self {
        let by_name = within(NAME_WINDOW, SIGN_INS_PER_NAME);
        Self {
            addresses: Rate::new(Quota::per_minute(nonzero(SIGN_INS_PER_ADDRESS_MINUTE)), Address::EVERYBODY),
            providers: Rate::new(Quota::per_minute(nonzero(PROVIDER_SIGN_INS_PER_ADDRESS_MINUTE)), Address::EVERYBODY),
            refusals: Refusals::default(),
            names: Rate::new(by_name, ([0; 8], Address::EVERYBODY)),
            names_in_all: Rate::new(within(NAME_WINDOW, SIGN_INS_PER_NAME_IN_ALL), [0; 8]),
            known: Rate::new(by_name, [0; 8]),
            people: Rate::new(by_name, (PersonId(0), Try::Code)),
            hours,
        }
    }

    /// Counts a request for removal of an address.
    ///
    /// # Errors
    /// There were too many: of it, of those about it, or of all.
    pub(super) fn asks_removal(&self, address: Address) -> Result<(), Later> {
        for (what, (v4_bits, v6_bits), most) in REMOVALS {
            self.hours.take(what, address.network(v4_bits, v6_bits), most).map_err(Later)?;
        }
        self.hours.take(Hourly::AllRemovals, Address::EVERYBODY, REMOVALS_PER_HOUR).map_err(Later)
    }

    /// Forgets whoever may try as if he never had.
    pub(super) fn forget(&self) {
        self.addresses.limiter.retain_recent();
        self.providers.limiter.retain_recent();
        self.hours.sweep();
        self.refusals.forget();
        self.names.limiter.retain_recent();
        self.names_in_all.limiter.retain_recent();
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

    /// Counts somebody who goes to a provider: nothing is guessed there.
    ///
    /// # Errors
    /// Too many of this address do, or it refused too many codes that he brought.
    pub(super) fn by_provider(&self, address: Address, brings: Brings, provider: &str) -> Result<(), Later> {
        self.refusals.may(brings, provider)?;
        self.providers.check(&address)
    }

    /// Counts a code, for which a provider is to be asked who somebody is.
    ///
    /// # Errors
    /// It has refused too many of his lately.
    pub(super) fn brings_code(&self, brings: Brings, provider: &str) -> Result<Brought<'_>, Later> {
        self.refusals.begins(brings, provider)
    }

    /// Counts a try under a name; `is_known`: by a browser that somebody of this name signed in with before.
    ///
    /// # Errors
    /// There were too many: of his network, or of all.
    pub(super) fn by_name(&self, name: &str, address: Address, is_known: bool) -> Result<(), Later> {
        let mut key = [0; 8];
        key.copy_from_slice(&super::digest(fold(name.trim()).as_bytes())[..8]);
        if is_known {
            return self.known.check(&key);
        }
        // His network first: what it has tried too often takes nothing from the others.
        self.names.check(&(key, network(address)))?;
        self.names_in_all.check(&key)
    }

    /// Counts a try of somebody who is signed in.
    ///
    /// # Errors
    /// There were too many.
    pub(super) fn by_person(&self, person: PersonId, what: Try) -> Result<(), Later> {
        self.people.check(&(person, what))
    }

    /// Counts somebody who wants to join; `is_invited`: by an invitation that is good. There are only so many of those, and
    /// strangers take nothing from who has one.
    ///
    /// # Errors
    /// There were too many: of this address, or of all who are not invited.
    pub(super) fn joins(&self, address: Address, is_invited: bool) -> Result<(), Later> {
        self.hours.take(Hourly::Joins, address, JOINS_PER_ADDRESS_HOUR).map_err(Later)?;
        if is_invited {
            return Ok(());
        }
        self.hours.take(Hourly::AllJoins, Address::EVERYBODY, JOINS_PER_HOUR).map_err(Later)
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
        let tries = Tries::new(Hours::of_a_test());
        for _ in 0..SIGN_INS_PER_ADDRESS_MINUTE {
            assert!(tries.by_address(address(1)).is_ok());
        }
        assert!(tries.by_address(address(1)).is_err() && tries.by_address(address(2)).is_ok());
        for number in 0..SIGN_INS_PER_NAME {
            assert!(tries.by_name("Ana", address(number as u8), false).is_ok(), "{number}");
        }
        let Err(Later(wait)) = tries.by_name(" ANA ", address(99), false) else { panic!("one too many") };
        assert!(wait <= NAME_WINDOW / SIGN_INS_PER_NAME, "{wait:?}");
        // Strangers do not lock him out of a browser that he signed in with before, nor of what he has.
        assert!(tries.by_name("Ana", address(1), true).is_ok() && tries.by_name("Bo", address(1), false).is_ok());
        for _ in 0..SIGN_INS_PER_NAME {
            assert!(tries.by_person(PersonId(1), Try::Code).is_ok());
        }
        assert!(tries.by_person(PersonId(1), Try::Code).is_err());
        assert!(tries.by_person(PersonId(1), Try::Password).is_ok() && tries.by_person(PersonId(2), Try::Code).is_ok());
        for number in 0..JOINS_PER_ADDRESS_HOUR {
            assert!(tries.joins(address(1), number % 2 == 0).is_ok());
        }
        assert!(tries.joins(address(1), false).is_err() && tries.joins(address(1), true).is_err());
        assert!(tries.joins(address(2), false).is_ok());
    }

    #[test]
    fn whoever_tries_a_name_from_one_network_makes_it_slow_in_no_other() {
        let tries = Tries::new(Hours::of_a_test());
        // With all of its addresses, a thousand times.
        let of_house = |n: u128| Address::of(std::net::IpAddr::V6((0x2001_0db8_0001_u128 << 80 | n << 64).into()));
        let of_street = |n: u128| address((n % 256) as u8);
        let went =
            |of: &dyn Fn(u128) -> Address| (0..1_000).filter(|n| tries.by_name("Ana", of(*n), false).is_ok()).count();
        assert_eq!([went(&of_house), went(&of_street)], [SIGN_INS_PER_NAME as usize; 2]);
        assert!(tries.by_name("Ana", Address::of([198, 51, 100, 1].into()), false).is_ok());
        let neighbour = Address::of(std::net::IpAddr::V6((0x2001_0db8_0002_u128 << 80).into()));
        assert!(tries.by_name("Ana", neighbour, false).is_ok());
    }

    #[test]
    fn a_name_that_very_many_networks_try_is_tried_so_often_in_all() {
        let tries = Tries::new(Hours::of_a_test());
        let of = |n: u32| Address::of(std::net::Ipv4Addr::from_bits(n << 8).into());
        let went = (0..1_000).filter(|n| tries.by_name("Ana", of(*n), false).is_ok()).count();
        // One comes again in three seconds.
        let most = SIGN_INS_PER_NAME_IN_ALL as usize;
        assert!((most..most + 10).contains(&went), "{went}");
        // Another name is another's, and who is known has a measure of his own.
        assert!(tries.by_name("Bo", of(2_000), false).is_ok() && tries.by_name("Ana", of(2_000), true).is_ok());
        assert!(tries.by_name("Ana", of(2_001), false).is_err());
    }

    #[test]
    fn strangers_who_join_without_end_shut_out_nobody_who_is_invited() {
        let tries = Tries::new(Hours::of_a_test());
        let of = |n: u32| Address::of(std::net::Ipv4Addr::from_bits(n).into());
        // Those who are invited take nothing from the others either.
        assert!((0..JOINS_PER_HOUR).all(|n| tries.joins(of(n), true).is_ok()));
        let went = (1_000..2_000).filter(|n| tries.joins(of(*n), false).is_ok()).count();
        let most = JOINS_PER_HOUR as usize;
        assert!((most..most + 10).contains(&went), "{went}");
        assert!(tries.joins(of(5_000), false).is_err() && tries.joins(of(5_001), true).is_ok());
    }

    /// Of so many addresses, each asking until it may no more, how many requests come through.
    fn come_through(tries: &Tries, addresses: impl Iterator<Item = u128>) -> u32 {
        let of = |bits: u128| Address::of(std::net::IpAddr::V6(bits.into()));
        addresses.map(|bits| (0..9).filter(|_| tries.asks_removal(of(bits)).is_ok()).count() as u32).sum()
    }

    #[test]
    fn who_has_a_whole_network_leaves_room_for_others_who_ask_to_be_removed() {
        let tries = Tries::new(Hours::of_a_test());
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
    async fn whose_codes_a_provider_refuses_waits_there_and_others_do_not() {
        let tries = Tries::new(Hours::of_a_test());
        let (he, other) = (Brings::Address(address(1)), Brings::Address(address(2)));
        // What is not refused counts for nothing in the end, whatever became of it.
        for _ in 0..3 * PROVIDER_REFUSED_PER_ADDRESS {
            assert!(tries.brings_code(he, "guild").is_ok());
        }
        // Until then it does: also at one time.
        let under_way: Vec<_> =
            (0..PROVIDER_REFUSED_PER_ADDRESS).map(|_| tries.brings_code(he, "guild").unwrap()).collect();
        assert!(tries.brings_code(he, "guild").is_err());
        under_way.into_iter().for_each(Brought::refused);
        let minute = Duration::from_mins(1);
        tokio::time::advance(minute).await;
        let Err(Later(wait)) = tries.brings_code(he, "guild") else { panic!("one too many") };
        assert_eq!(wait + minute, Refusals::WINDOW);
        assert!(tries.by_provider(address(1), he, "guild").is_err(), "nobody is sent there for nothing");
        assert!(tries.brings_code(other, "guild").is_ok());
        // Another provider has refused him nothing, and who is signed in is no stranger of his address.
        assert!(tries.by_provider(address(1), he, "discord").is_ok() && tries.brings_code(he, "discord").is_ok());
        let known = Brings::of(Some(PersonId(1)), address(1));
        assert!(tries.by_provider(address(1), known, "guild").is_ok() && tries.brings_code(known, "guild").is_ok());
        tokio::time::advance(wait).await;
        tries.brings_code(he, "guild").unwrap().refused();
        tokio::time::advance(Refusals::WINDOW).await;
        tries.forget();
        assert!(tries.refusals.0.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_code_counts_while_a_provider_is_asked_and_then_only_if_it_was_refused() {
        let tries = Tries::new(Hours::of_a_test());
        let he = Brings::Address(address(1));
        let counts = || tries.refusals.0.lock().unwrap().values().map(|(count, _)| *count).sum::<u32>();
        // The work on it breaks off.
        let asking = async {
            let _brought = tries.brings_code(he, "guild").unwrap();
            assert_eq!(counts(), 1);
            tokio::time::sleep(Duration::from_secs(8)).await;
        };
        assert!(tokio::time::timeout(Duration::from_secs(1), asking).await.is_err());
        assert_eq!(counts(), 0);
        tries.brings_code(he, "guild").unwrap().refused();
        assert_eq!(counts(), 1);
        // What began in a time that is over takes nothing of the next.
        let slow = tries.brings_code(he, "guild").unwrap();
        tokio::time::advance(Refusals::WINDOW).await;
        tries.brings_code(he, "guild").unwrap().refused();
        assert_eq!(counts(), 1);
        drop(slow);
        assert_eq!(counts(), 1);
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
