//! What each address holds of the relay now, and how fast it asks.
//!
//! What is held is a [`Permit`] that gives itself back; an address that holds nothing is forgotten.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::Address;
use super::debt::{Debts, Later};
use crate::hours::{Hourly, Hours};
use crate::limits::{
    ADDRESSES_MAX, DOWNLOADS_PER_ADDRESS, EdgeLimits, HANDSHAKES_BURST, HANDSHAKES_PER_S, WRONG_TICKETS_PER_MINUTE,
};

/// Where too many addresses are remembered, room is made this often.
const SWEEP_EVERY: Duration = Duration::from_millis(100);

type Rate = RateLimiter<Address, HashMapStateStore<Address>, DefaultClock>;

/// What an address holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A socket.
    Connection,
    /// A request that is being answered, or a moment of the past that is being made.
    Answer,
    /// A fight that is played to it.
    Replay,
    /// A file of the operator's folder that is on its way to it.
    Download,
}

/// What one address holds, and whether it may be wrong about keys and tickets.
#[derive(Debug, Default)]
struct Usage {
    counts: [u32; 4],
    /// Keys of it that are none have to wait until then.
    keys_after: Option<Instant>,
    /// No ticket of it is looked at before this.
    tickets_after: Option<Instant>,
}

impl Usage {
    fn is_nothing(&self, now: Instant) -> bool {
        self.counts == [0; 4] && [self.keys_after, self.tickets_after].into_iter().flatten().all(|after| after <= now)
    }
}

/// All addresses that hold or ask anything.
pub struct Book {
    usage: Mutex<HashMap<Address, Usage>>,
    most: [u32; 4],
    requests: Rate,
    handshakes: Rate,
    /// What lasts for an hour.
    hours: Arc<Hours>,
    uploads_per_hour: u32,
    /// Answers, and what feeds were sent beyond their share.
    sent: Debts,
    /// Files of the operator's folder.
    downloaded: Debts,
    wrong_keys: Rate,
    wrong_tickets: Rate,
    /// When those who asked a moment ago were forgotten last, for there were too many.
    swept: Mutex<Option<Instant>>,
}

fn nonzero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

impl Book {
    pub(super) fn new(limits: &EdgeLimits, hours: Arc<Hours>) -> Self {
        let requests = Quota::per_second(nonzero(limits.requests_per_s))
            .allow_burst(nonzero(limits.requests_burst.max(limits.connections_per_address)));
        let handshakes = Quota::per_second(nonzero(HANDSHAKES_PER_S))
            .allow_burst(nonzero(HANDSHAKES_BURST.max(limits.connections_per_address)));
        Self {
            usage: Mutex::default(),
            most: [
                limits.connections_per_address,
                limits.answers_per_address,
                limits.replays_per_address,
                DOWNLOADS_PER_ADDRESS,
            ],
            requests: RateLimiter::hashmap(requests),
            handshakes: RateLimiter::hashmap(handshakes),
            hours,
            uploads_per_hour: limits.uploads_per_address_hour,
            sent: Debts::new(limits.sent_kib_burst, limits.sent_kib_per_s),
            downloaded: Debts::new(limits.downloaded_kib_burst, limits.downloaded_kib_per_s),
            swept: Mutex::default(),
            // The last that is looked at is the one that closes.
            wrong_keys: RateLimiter::hashmap(
                Quota::per_minute(nonzero(limits.wrong_keys_per_minute))
                    .allow_burst(nonzero(limits.wrong_keys_per_minute.saturating_sub(1))),
            ),
            wrong_tickets: RateLimiter::hashmap(
                Quota::per_minute(nonzero(WRONG_TICKETS_PER_MINUTE)).allow_burst(nonzero(WRONG_TICKETS_PER_MINUTE - 1)),
            ),
        }
    }

    /// No code that holds it can panic, but a poisoned book is still a book.
    fn usage(&self) -> MutexGuard<'_, HashMap<Address, Usage>> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A permit for one more, until it is dropped; `None` if the address has all that it may have.
    pub fn hold(self: &Arc<Self>, address: Address, what: What) -> Option<Permit> {
        self.hold_unless(address, what, |count| count >= self.most[what as usize])
    }

    /// A permit in place of one that is about to be given back.
    pub(super) fn hold_instead(self: &Arc<Self>, address: Address, what: What) -> Option<Permit> {
        self.hold_unless(address, what, |_| false)
    }

    fn hold_unless(self: &Arc<Self>, address: Address, what: What, full: impl FnOnce(u32) -> bool) -> Option<Permit> {
        let mut usage = self.usage();
        let count = &mut usage.entry(address).or_default().counts[what as usize];
        if full(*count) {
            return None;
        }
        *count += 1;
        Some(Permit { book: Arc::clone(self), address, what })
    }

    /// Counts a request.
    ///
    /// # Errors
    /// The address asks too fast.
    pub fn request(&self, address: Address) -> Result<(), Later> {
        self.check(&self.requests, address)
    }

    /// Counts a TLS handshake, which costs more than a request that is refused.
    ///
    /// # Errors
    /// The address begins too many.
    pub fn handshake(&self, address: Address) -> Result<(), Later> {
        self.check(&self.handshakes, address)
    }

    /// Counts a request that uploads fights.
    ///
    /// # Errors
    /// The address has sent as many as it may for now.
    pub fn upload(&self, address: Address) -> Result<(), Later> {
        self.hours.take(Hourly::Uploads, address, self.uploads_per_hour).map_err(Later)
    }

    /// Whether anything may be made to be sent to the address now.
    ///
    /// # Errors
    /// It was sent more than may come at once.
    pub fn may_send(&self, address: Address, now: Instant) -> Result<(), Later> {
        self.sent.check(address, now)
    }

    /// Counts bytes that go to the address.
    pub fn sent(&self, address: Address, bytes: u64, now: Instant) {
        self.sent.add(address, bytes, now);
    }

    /// Whether a file of the operator's folder may be sent to the address now.
    ///
    /// # Errors
    /// It was sent more of them than may come at once.
    pub fn may_download(&self, address: Address, now: Instant) -> Result<(), Later> {
        self.downloaded.check(address, now)
    }

    /// Whether a key of the address that nobody knows is one more wrong one now.
    ///
    /// # Errors
    /// There were too many.
    pub fn may_try_keys(&self, address: Address, now: Instant) -> Result<(), Later> {
        let after = self.usage().get(&address).and_then(|usage| usage.keys_after);
        let wait = after.map_or(Duration::ZERO, |after| after.saturating_duration_since(now));
        if wait.is_zero() { Ok(()) } else { Err(Later(wait)) }
    }

    /// Counts a key that nobody knows.
    pub fn wrong_key(&self, address: Address, now: Instant) {
        let Err(Later(wait)) = self.check(&self.wrong_keys, address) else { return };
        let mut usage = self.usage();
        if usage.len() < ADDRESSES_MAX || usage.contains_key(&address) {
            usage.entry(address).or_default().keys_after = Some(now + wait);
        }
    }

    /// Whether tickets of the address are looked at now.
    ///
    /// # Errors
    /// Too many were none.
    pub fn may_try_tickets(&self, address: Address, now: Instant) -> Result<(), Later> {
        let after = self.usage().get(&address).and_then(|usage| usage.tickets_after);
        let wait = after.map_or(Duration::ZERO, |after| after.saturating_duration_since(now));
        if wait.is_zero() { Ok(()) } else { Err(Later(wait)) }
    }

    /// Counts a ticket, or a link's secret, that was none.
    pub fn wrong_ticket(&self, address: Address, now: Instant) {
        let Err(Later(wait)) = self.check(&self.wrong_tickets, address) else { return };
        let mut usage = self.usage();
        if usage.len() < ADDRESSES_MAX || usage.contains_key(&address) {
            usage.entry(address).or_default().tickets_after = Some(now + wait);
        }
    }

    fn check(&self, rate: &Rate, address: Address) -> Result<(), Later> {
        if rate.len() >= ADDRESSES_MAX {
            self.make_room(rate, Instant::now());
        }
        let address = if rate.len() < ADDRESSES_MAX { address } else { Address::EVERYBODY };
        rate.check_key(&address).map_err(|not| Later(not.wait_time_from(DefaultClock::default().now())))
    }

    /// Forgets who could ask again at once, at most every [`SWEEP_EVERY`]. Each address that asked once is so after a moment:
    /// so whoever comes with very many of them makes nobody else wait.
    fn make_room(&self, rate: &Rate, now: Instant) {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.is_none_or(|swept| now.duration_since(swept) >= SWEEP_EVERY) {
            *swept = Some(now);
            rate.retain_recent();
        }
    }

    /// Forgets who has asked nothing for a while.
    pub fn sweep(&self, now: Instant) {
        self.requests.retain_recent();
        self.handshakes.retain_recent();
        self.hours.sweep();
        self.sent.sweep(now);
        self.downloaded.sweep(now);
        self.wrong_keys.retain_recent();
        self.wrong_tickets.retain_recent();
        let mut usage = self.usage();
        usage.retain(|_, usage| !usage.is_nothing(now));
        usage.shrink_to_fit();
    }

    /// Addresses that are remembered.
    pub fn len(&self) -> usize {
        self.usage().len()
    }

    /// Whether nobody holds anything.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Something that an address holds; given back when it is dropped.
pub struct Permit {
    book: Arc<Book>,
    address: Address,
    what: What,
}

impl Permit {
    /// So many bytes were sent to who holds it.
    pub fn sent(&self, bytes: u64) {
        let debts = match self.what {
            What::Download => &self.book.downloaded,
            What::Connection | What::Answer | What::Replay => &self.book.sent,
        };
        debts.add(self.address, bytes, Instant::now());
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut usage = self.book.usage();
        let Some(of_address) = usage.get_mut(&self.address) else { return };
        let count = &mut of_address.counts[self.what as usize];
        *count = count.saturating_sub(1);
        if of_address.is_nothing(Instant::now()) {
            usage.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Address {
        Address::of([192, 0, 2, last].into())
    }

    fn book() -> Arc<Book> {
        let limits = EdgeLimits {
            connections_per_address: 2,
            requests_burst: 3,
            requests_per_s: 1,
            sent_kib_burst: 100,
            sent_kib_per_s: 10,
            downloaded_kib_burst: 300,
            downloaded_kib_per_s: 10,
            wrong_keys_per_minute: 2,
            ..EdgeLimits::default()
        };
        Arc::new(Book::new(&limits, Hours::of_a_test()))
    }

    #[test]
    fn handshakes_of_an_address_have_a_rate_of_their_own() {
        let book = book();
        for _ in 0..HANDSHAKES_BURST {
            book.handshake(address(1)).unwrap();
        }
        // Some may have come again meanwhile.
        assert!((0..HANDSHAKES_BURST).any(|_| book.handshake(address(1)).is_err()));
        assert!(book.handshake(address(2)).is_ok() && book.request(address(1)).is_ok());
    }

    #[test]
    fn a_permit_is_free_again_when_it_is_dropped_and_nobody_else_pays_for_it() {
        let book = book();
        let held: Vec<_> = (0..2).map(|_| book.hold(address(1), What::Connection).unwrap()).collect();
        assert!(book.hold(address(1), What::Connection).is_none());
        assert!(book.hold(address(1), What::Replay).is_some(), "another kind has its own count");
        assert!(book.hold(address(2), What::Connection).is_some());
        drop(held);
        assert!(book.hold(address(1), What::Connection).is_some());
        assert!(book.is_empty(), "who holds nothing is forgotten");
    }

    #[test]
    fn requests_come_at_once_up_to_a_number_and_then_with_a_time_to_come_back() {
        let book = book();
        for _ in 0..3 {
            assert_eq!(book.request(address(1)), Ok(()));
        }
        let Err(later) = book.request(address(1)) else { panic!("a fourth at once") };
        assert!((1..=2).contains(&later.seconds()), "{later:?}");
        assert_eq!(book.request(address(2)), Ok(()));
    }

    #[test]
    fn very_many_addresses_that_ask_once_make_nobody_wait() {
        let book = Arc::new(Book::new(&EdgeLimits::default(), Hours::of_a_test()));
        let of = |n: u32| Address::of(std::net::Ipv4Addr::from_bits(n).into());
        // Whoever asks more often than is allowed shares nothing with the others.
        for n in 0..ADDRESSES_MAX as u32 * 3 / 2 {
            assert_eq!(book.request(of(n)), Ok(()), "{n}");
        }
        for n in 0..300 {
            assert_eq!(book.request(of(u32::MAX - n % 3)), Ok(()), "{n}");
        }
    }

    #[test]
    fn what_is_downloaded_is_owed_apart_from_answers() {
        let (book, now) = (book(), Instant::now());
        book.hold(address(1), What::Download).unwrap().sent(301 * 1024);
        assert!(book.may_download(address(1), now).is_err());
        assert_eq!((book.may_send(address(1), now), book.may_download(address(2), now)), (Ok(()), Ok(())));
        book.hold(address(2), What::Connection).unwrap().sent(301 * 1024);
        assert_eq!(book.may_download(address(2), now), Ok(()));
        assert!(book.may_send(address(2), now).is_err());
    }

    #[test]
    fn after_some_wrong_keys_the_next_have_to_wait_for_a_while() {
        let (book, now) = (book(), Instant::now());
        book.wrong_key(address(1), now);
        assert_eq!(book.may_try_keys(address(1), now), Ok(()));
        book.wrong_key(address(1), now);
        let Err(Later(wait)) = book.may_try_keys(address(1), now) else { panic!("a third in a minute") };
        assert_eq!(book.may_try_keys(address(2), now), Ok(()));
        assert_eq!(book.may_try_keys(address(1), now + wait), Ok(()));
        book.sweep(now);
        assert!(!book.is_empty());
        book.sweep(now + wait);
        assert!(book.is_empty());
    }
}
