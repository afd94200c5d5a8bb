//! Passwords: verified against digests that are slow to make, a few at a time.
//!
//! One invariant: to be refused takes as long for a name that nobody has as for a wrong password.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Entropy;
use crate::error::HttpError;
use crate::limits::{PASSWORDS_AT_ONCE, PASSWORDS_WAITING_MAX};

/// What a digest costs: 19 MiB and two passes, about 50 ms of a core.
const MEMORY_KIB: u32 = 19 * 1024;
/// See [`MEMORY_KIB`].
const PASSES: u32 = 2;
/// Whoever waits so long for his turn is told to come again.
const WAIT: Duration = Duration::from_secs(10);
/// The digest of no password, which costs what all cost.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Makes digests of passwords, and verifies them.
#[derive(Clone)]
pub(super) struct Passwords {
    at_once: Arc<Semaphore>,
    /// One permit for each that works or waits.
    there: Arc<Semaphore>,
    entropy: Entropy,
}

impl Passwords {
    pub(super) fn new(entropy: Entropy) -> Self {
        Self {
            at_once: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)),
            there: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE + PASSWORDS_WAITING_MAX)),
            entropy,
        }
    }

    /// A digest to keep.
    ///
    /// # Errors
    /// `Unavailable` where too many are made at once.
    pub(super) async fn digest(&self, password: String) -> Result<String, HttpError> {
        let salt: [u8; 16] = self.entropy.bytes();
        self.slowly(move || argon2().hash_password_with_salt(password.as_bytes(), &salt).map(|hash| hash.to_string()))
            .await?
            .map_err(|error| {
                tracing::error!(%error, "could not make the digest of a password");
                HttpError::Internal
            })
    }

    /// Whether a password is the one that this digest was made of; `None`: there is no such person.
    ///
    /// # Errors
    /// `Unavailable` where too many are verified at once.
    pub(super) async fn is(&self, password: String, digest: Option<String>) -> Result<bool, HttpError> {
        let (somebodys, digest) = (digest.is_some(), digest.unwrap_or_else(|| NOBODYS.to_owned()));
        let verified = self.slowly(move || {
            PasswordHash::new(&digest)
                .is_ok_and(|digest| argon2().verify_password(password.as_bytes(), &digest).is_ok())
        });
        Ok(verified.await? && somebodys)
    }

    async fn slowly<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HttpError> {
        let busy = || HttpError::Unavailable {
            text: "too many people are signing in at this moment: try again in a few seconds".into(),
            retry_s: 5,
        };
        let _there = Arc::clone(&self.there).try_acquire_owned().map_err(|_| busy())?;
        let turn = tokio::time::timeout(WAIT, Arc::clone(&self.at_once).acquire_owned()).await;
        let turn: OwnedSemaphorePermit = turn.map_err(|_| busy())?.map_err(|_| busy())?;
        let worked = tokio::task::spawn_blocking(move || {
            // Held by the work, not by who waits for it: who hangs up makes no room.
            let _turn = turn;
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

    #[tokio::test]
    async fn a_password_is_the_one_that_was_kept_and_no_other() {
        let passwords = Passwords::new(Entropy::system());
        let digest = passwords.digest("correct horse".into()).await.unwrap();
        assert!(digest.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{digest}");
        assert_ne!(digest, passwords.digest("correct horse".into()).await.unwrap());
        assert!(passwords.is("correct horse".into(), Some(digest.clone())).await.unwrap());
        for wrong in ["", "correct hors", "correct horse ", "Correct horse"] {
            assert!(!passwords.is(wrong.into(), Some(digest.clone())).await.unwrap(), "{wrong}");
        }
        assert!(!passwords.is("correct horse".into(), None).await.unwrap());
        assert!(!passwords.is("correct horse".into(), Some("no digest".into())).await.unwrap());
    }

    #[test]
    fn nobodys_digest_costs_what_all_cost() {
        let hash = PasswordHash::new(NOBODYS).unwrap();
        let params = Params::try_from(&hash).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (MEMORY_KIB, PASSES, 1));
        assert_eq!((hash.salt.map(|salt| salt.len()), hash.hash.map(|hash| hash.len())), (Some(16), Some(32)));
    }
}
