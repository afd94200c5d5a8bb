//! Passwords: verified against digests that are slow to make, a few at a time.
//!
//! Two invariants: to be refused takes as long for a name that nobody has as for a wrong password, and nobody takes all
//! places by having many addresses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::tries::network;
use crate::clock::Entropy;
use crate::edge::Address;
use crate::error::HttpError;
use crate::limits::{PASSWORDS_AT_ONCE, PASSWORDS_KNOWN_MAX, PASSWORDS_PER_NETWORK, PASSWORDS_WAITING_MAX};

/// What a digest costs: 19 MiB and two passes, about 50 ms of a core.
const MEMORY_KIB: u32 = 19 * 1024;
/// See [`MEMORY_KIB`].
const PASSES: u32 = 2;
/// Whoever waits so long for his turn is told to come again.
const WAIT: Duration = Duration::from_secs(10);
/// The digest of no password, which costs what all cost.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Whose password it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Of somebody of this address.
    Strangers(Address),
    /// Of who is signed in, or comes by a browser that somebody of his name signed in with before: how often he may is
    /// limited by that.
    Known,
}

/// How many places each network has.
type Networks = Arc<Mutex<HashMap<Address, usize>>>;

/// A place of who works or waits.
struct Place {
    _permit: OwnedSemaphorePermit,
    /// Which network it counts for, if for any.
    of: Option<(Networks, Address)>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((networks, network)) = &self.of else { return };
        let mut networks = networks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = networks.get_mut(network) else { return };
        *count = count.saturating_sub(1);
        if *count == 0 {
            networks.remove(network);
        }
    }
}

/// Makes digests of passwords, and verifies them.
#[derive(Clone)]
pub(super) struct Passwords {
    at_once: Arc<Semaphore>,
    /// One permit for each that works or waits.
    there: Arc<Semaphore>,
    /// And some more for those who are known.
    for_known: Arc<Semaphore>,
    /// Of `there`: no more networks than that has permits.
    networks: Networks,
    entropy: Entropy,
}

impl Passwords {
    pub(super) fn new(entropy: Entropy) -> Self {
        Self {
            at_once: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)),
            there: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE + PASSWORDS_WAITING_MAX)),
            for_known: Arc::new(Semaphore::new(PASSWORDS_KNOWN_MAX)),
            networks: Networks::default(),
            entropy,
        }
    }

    /// A digest to keep.
    ///
    /// # Errors
    /// `Unavailable` where too many are made at once.
    pub(super) async fn digest(&self, password: String, whose: Whose) -> Result<String, HttpError> {
        let salt: [u8; 16] = self.entropy.bytes();
        let made = self.slowly(whose, move || {
            argon2().hash_password_with_salt(password.as_bytes(), &salt).map(|hash| hash.to_string())
        });
        made.await?.map_err(|error| {
            tracing::error!(%error, "could not make the digest of a password");
            HttpError::Internal
        })
    }

    /// Whether a password is the one that this digest was made of; `None`: there is no such person.
    ///
    /// # Errors
    /// `Unavailable` where too many are verified at once.
    pub(super) async fn is(&self, password: String, digest: Option<String>, whose: Whose) -> Result<bool, HttpError> {
        let (somebodys, digest) = (digest.is_some(), digest.unwrap_or_else(|| NOBODYS.to_owned()));
        let verified = self.slowly(whose, move || {
            PasswordHash::new(&digest)
                .is_ok_and(|digest| argon2().verify_password(password.as_bytes(), &digest).is_ok())
        });
        Ok(verified.await? && somebodys)
    }

    /// A place, if there is one for him.
    fn place(&self, whose: Whose) -> Option<Place> {
        let there = || Arc::clone(&self.there).try_acquire_owned().ok();
        match whose {
            Whose::Known => {
                let own = Arc::clone(&self.for_known).try_acquire_owned().ok();
                Some(Place { _permit: own.or_else(there)?, of: None })
            }
            Whose::Strangers(address) => {
                let (permit, network) = (there()?, network(address));
                let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
                let count = networks.entry(network).or_default();
                if *count >= PASSWORDS_PER_NETWORK {
                    return None;
                }
                *count += 1;
                Some(Place { _permit: permit, of: Some((Arc::clone(&self.networks), network)) })
            }
        }
    }

    async fn slowly<T: Send + 'static>(
        &self,
        whose: Whose,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HttpError> {
        let busy = || HttpError::Unavailable {
            text: "too many people are signing in at this moment: try again in a few seconds".into(),
            retry_s: 5,
        };
        let place = self.place(whose).ok_or_else(busy)?;
        let turn = tokio::time::timeout(WAIT, Arc::clone(&self.at_once).acquire_owned()).await;
        let turn: OwnedSemaphorePermit = turn.map_err(|_| busy())?.map_err(|_| busy())?;
        let worked = tokio::task::spawn_blocking(move || {
            // Held by the work, not by who waits for it: who hangs up makes no room.
            let _held = (place, turn);
            work()
        });
        worked.await.map_err(|_| HttpError::Internal)
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(network: u8, last: u8) -> Whose {
        Whose::Strangers(Address::of([192, 0, network, last].into()))
    }

    #[tokio::test]
    async fn a_password_is_the_one_that_was_kept_and_no_other() {
        let passwords = Passwords::new(Entropy::system());
        let digest = passwords.digest("correct horse".into(), stranger(1, 1)).await.unwrap();
        assert!(digest.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{digest}");
        assert_ne!(digest, passwords.digest("correct horse".into(), Whose::Known).await.unwrap());
        for whose in [stranger(1, 1), Whose::Known] {
            assert!(passwords.is("correct horse".into(), Some(digest.clone()), whose).await.unwrap());
        }
        for wrong in ["", "correct hors", "correct horse ", "Correct horse"] {
            assert!(!passwords.is(wrong.into(), Some(digest.clone()), stranger(1, 1)).await.unwrap(), "{wrong}");
        }
        for none in [None, Some("no digest".into())] {
            assert!(!passwords.is("correct horse".into(), none, stranger(1, 1)).await.unwrap());
        }
    }

    #[test]
    fn of_one_network_are_a_quarter_and_who_is_known_has_places_of_his_own() {
        let passwords = Passwords::new(Entropy::system());
        let take = |network, most: usize| {
            (0..=most).map_while(|last| passwords.place(stranger(network, last as u8))).collect::<Vec<_>>()
        };
        let mut held: Vec<_> = (1..=4).map(|network| take(network, PASSWORDS_PER_NETWORK)).collect();
        assert_eq!(held.iter().map(Vec::len).collect::<Vec<_>>(), [PASSWORDS_PER_NETWORK; 4]);
        assert!(passwords.place(stranger(5, 1)).is_none(), "four networks have all of them");
        let known: Vec<_> = std::iter::from_fn(|| passwords.place(Whose::Known)).collect();
        assert_eq!(known.len(), PASSWORDS_KNOWN_MAX);
        // What one gives back is there for others, and for who is known.
        held[0].truncate(PASSWORDS_PER_NETWORK - 2);
        let (other, known_too) = (passwords.place(stranger(5, 1)), passwords.place(Whose::Known));
        assert!(other.is_some() && known_too.is_some() && passwords.place(stranger(1, 1)).is_none());
        drop((held, known, other, known_too));
        assert!(passwords.networks.lock().unwrap().is_empty());
        assert_eq!(take(1, 100).len(), PASSWORDS_PER_NETWORK);
    }

    #[tokio::test]
    async fn who_has_many_addresses_keeps_nobody_elses_password_waiting() {
        let passwords = Passwords::new(Entropy::system());
        let tries = |whose| passwords.is("correct horse".into(), None, whose);
        let many = futures::future::join_all((0..100).map(|last| tries(stranger(1, last))));
        let (many, other, known) = tokio::join!(many, tries(stranger(2, 1)), tries(Whose::Known));
        assert!(other.is_ok_and(|good| !good) && known.is_ok_and(|good| !good));
        let refused = many.iter().filter(|answer| matches!(answer, Err(HttpError::Unavailable { retry_s: 5, .. })));
        let (refused, went) = (refused.count(), many.iter().filter(|answer| answer.is_ok()).count());
        assert!(went >= PASSWORDS_PER_NETWORK && refused + went == 100, "{went} went, {refused} were refused");
    }

    #[test]
    fn nobodys_digest_costs_what_all_cost() {
        let hash = PasswordHash::new(NOBODYS).unwrap();
        let params = Params::try_from(&hash).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (MEMORY_KIB, PASSES, 1));
        assert_eq!((hash.salt.map(|salt| salt.len()), hash.hash.map(|hash| hash.len())), (Some(16), Some(32)));
    }
}
