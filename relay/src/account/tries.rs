//! How often somebody may try to sign in: by his address, and by the name that he gives.
//!
//! One invariant: what is told depends on how often was tried, never on whether anybody has the name. Nobody is locked
//! out: a name that strangers try is slow for a while, and open sessions go on.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use raidcast_store::name::fold;

use crate::edge::{Address, Later};
use crate::limits::{ADDRESSES_MAX, SIGN_INS_PER_ADDRESS_MINUTE, SIGN_INS_PER_NAME};

/// In so long, as many tries of a name come again as may be made at once.
const NAME_WINDOW: Duration = Duration::from_mins(15);

/// What was tried lately.
pub(super) struct Tries {
    addresses: RateLimiter<Address, HashMapStateStore<Address>, DefaultClock>,
    /// By a digest of the name: nobody makes this hold more than a number by a long one.
    names: RateLimiter<[u8; 8], HashMapStateStore<[u8; 8]>, DefaultClock>,
}

fn nonzero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

impl Tries {
    pub(super) fn new() -> Self {
        let by_name = Quota::with_period(NAME_WINDOW / SIGN_INS_PER_NAME).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
        Self {
            addresses: RateLimiter::hashmap(Quota::per_minute(nonzero(SIGN_INS_PER_ADDRESS_MINUTE))),
            names: RateLimiter::hashmap(by_name.allow_burst(nonzero(SIGN_INS_PER_NAME))),
        }
    }

    /// Counts a try of an address.
    ///
    /// # Errors
    /// There were too many.
    pub(super) fn by_address(&self, address: Address) -> Result<(), Later> {
        self.make_room();
        let now = DefaultClock::default().now();
        self.addresses.check_key(&address).map_err(|not| Later(not.wait_time_from(now)))
    }

    /// Counts a try under a name, from wherever.
    ///
    /// # Errors
    /// There were too many.
    pub(super) fn by_name(&self, name: &str) -> Result<(), Later> {
        self.make_room();
        let mut key = [0; 8];
        key.copy_from_slice(&super::digest(fold(name).as_bytes())[..8]);
        let now = DefaultClock::default().now();
        self.names.check_key(&key).map_err(|not| Later(not.wait_time_from(now)))
    }

    /// Forgets who could try as often as anybody, where very many are remembered.
    fn make_room(&self) {
        if self.addresses.len() >= ADDRESSES_MAX {
            self.addresses.retain_recent();
        }
        if self.names.len() >= ADDRESSES_MAX {
            self.names.retain_recent();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u8) -> Address {
        Address::of([192, 0, 2, number].into())
    }

    #[test]
    fn an_address_and_a_name_are_tried_so_often() {
        let tries = Tries::new();
        for _ in 0..SIGN_INS_PER_ADDRESS_MINUTE {
            assert!(tries.by_address(address(1)).is_ok());
        }
        assert!(tries.by_address(address(1)).is_err() && tries.by_address(address(2)).is_ok());
        for number in 0..SIGN_INS_PER_NAME {
            assert!(tries.by_name("Ana").is_ok(), "{number}");
        }
        let Err(Later(wait)) = tries.by_name("ANA") else { panic!("one too many") };
        assert!(wait <= NAME_WINDOW / SIGN_INS_PER_NAME, "{wait:?}");
        assert!(tries.by_name("Bo").is_ok());
    }
}
