//! The keys that this relay knows: those of its configuration, and those that people made.
//!
//! One invariant: a key that was revoked, or is over, lets nobody in from the moment at which the store has answered, and
//! whoever was let in by it hears of it ([`Key::ended`]). All keys stand in memory, for each request asks for one before it is
//! routed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use raidcast_shared::key::is_damaged;
use raidcast_shared::uplink::Visibility;
use raidcast_store::{AccountId, KeyId, KeyRow, Store, StoreError};
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;

use super::{RelaySecret, Scopes, digest};
use crate::clock::Clock;
use crate::quota::UploadsPerDay;
use crate::signature::SigningSecret;

/// How often it is looked which keys are over, and noted which were used.
const TURN: Duration = Duration::from_secs(1);
/// When a key was used is kept about so exactly, in turns.
const NOTED_EACH: u32 = 60;

/// For whom a key speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhoseKey {
    /// The account with this name, which is made when it is first needed: the key stands in the configuration.
    Named(String),
    /// An account that is there: somebody made the key.
    Kept(KeyId, AccountId),
}

/// A key, the account that it stands for, and what it may do. The key itself is not kept.
#[derive(Clone, Debug)]
pub struct Key {
    /// For whom it speaks.
    pub whose: WhoseKey,
    /// What it may do.
    pub scopes: Scopes,
    /// Who may see what it uploads over HTTP, where the request does not say so.
    pub visibility: Visibility,
    /// What its uploads may be signed with.
    pub signing_secret: Option<SigningSecret>,
    /// How many new fights it may upload over HTTP within a day, if that is limited.
    pub uploads_per_day: Option<UploadsPerDay>,
    digest: [u8; 32],
    ends_at_ms: Option<i64>,
    ended: CancellationToken,
}

impl Key {
    /// Takes a key from the configuration.
    pub fn new(account: impl Into<String>, key: &str, scopes: Scopes, visibility: Visibility) -> Self {
        Self {
            whose: WhoseKey::Named(account.into()),
            scopes,
            visibility,
            signing_secret: None,
            uploads_per_day: None,
            digest: digest(key.as_bytes()),
            ends_at_ms: None,
            ended: CancellationToken::new(),
        }
    }

    fn kept(row: &KeyRow, secret: &RelaySecret) -> Self {
        let uploads = row.uploads_per_day.map(|most| UploadsPerDay { key: secret.kept_key(row.id), most });
        Self {
            whose: WhoseKey::Kept(row.id, row.account),
            scopes: Scopes::of_bits(row.scopes),
            visibility: row.visibility,
            signing_secret: None,
            uploads_per_day: uploads,
            digest: row.digest,
            ends_at_ms: row.ends_at_ms,
            ended: CancellationToken::new(),
        }
    }

    /// The same key, whose uploads may be signed.
    #[must_use]
    pub fn signing_with(self, signing_secret: Option<SigningSecret>) -> Self {
        Self { signing_secret, ..self }
    }

    /// The same key, with a limit of its own.
    #[must_use]
    pub fn uploading(self, uploads_per_day: Option<UploadsPerDay>) -> Self {
        Self { uploads_per_day, ..self }
    }

    /// Cancelled when it lets nobody in any more.
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    fn is_over(&self, now_ms: i64) -> bool {
        self.ended.is_cancelled() || self.ends_at_ms.is_some_and(|ends| ends <= now_ms)
    }
}

/// See the module's page.
pub struct Keyring {
    configured: Vec<Arc<Key>>,
    /// By digest.
    kept: RwLock<HashMap<[u8; 32], Arc<Key>>>,
    /// Which were used since that was last noted, and when.
    used: Mutex<HashMap<KeyId, i64>>,
    clock: Clock,
    secret: RelaySecret,
}

impl Keyring {
    /// Those of the configuration alone.
    pub fn new(configured: Vec<Key>, clock: Clock, secret: RelaySecret) -> Self {
        let configured = configured.into_iter().map(Arc::new).collect();
        Self { configured, kept: RwLock::default(), used: Mutex::default(), clock, secret }
    }

    /// These, and those that are kept.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn recalled(self, store: &dyn Store) -> Result<Self, StoreError> {
        for row in store.keys(self.clock.now_ms()).await? {
            self.add(&row);
        }
        Ok(self)
    }

    /// The key that this is, if it is one that is good now.
    pub fn key(&self, key: &str) -> Option<Arc<Key>> {
        if is_damaged(key) {
            return None;
        }
        let digest = digest(key.as_bytes());
        // As long for a wrong one as for a right one. That of a kept one is looked up: what a digest is like tells nothing
        // of other keys.
        let configured = self
            .configured
            .iter()
            .fold(None, |found, held| if bool::from(held.digest.ct_eq(&digest)) { Some(held) } else { found });
        if let Some(key) = configured {
            return Some(Arc::clone(key));
        }
        let key = self.kept.read().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned()?;
        let now_ms = self.clock.now_ms();
        if key.is_over(now_ms) {
            return None;
        }
        if let WhoseKey::Kept(id, _) = key.whose {
            self.used().insert(id, now_ms);
        }
        Some(key)
    }

    /// Takes in a key that the store has.
    pub fn add(&self, row: &KeyRow) {
        let key = Arc::new(Key::kept(row, &self.secret));
        self.kept.write().unwrap_or_else(PoisonError::into_inner).insert(row.digest, key);
    }

    /// A key is good until then at the longest: the store has it so.
    pub fn shorten(&self, id: KeyId, ends_at_ms: i64) {
        self.change(id, |key| {
            let ends = key.ends_at_ms.map_or(ends_at_ms, |ends| ends.min(ends_at_ms));
            // The same token: who was let in by it hears of its end.
            Some(Key { ends_at_ms: Some(ends), ..key.clone() })
        });
    }

    /// A key lets nobody in any more: the store has removed it.
    pub fn remove(&self, id: KeyId) {
        self.change(id, |_| None);
    }

    fn change(&self, id: KeyId, change: impl FnOnce(&Key) -> Option<Key>) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let is_it = |key: &Key| matches!(key.whose, WhoseKey::Kept(of, _) if of == id);
        let Some(key) = kept.values().find(|key| is_it(key)).cloned() else { return };
        if let Some(changed) = change(&key) {
            kept.insert(key.digest, Arc::new(changed));
        } else {
            kept.remove(&key.digest);
            key.ended.cancel();
        }
    }

    /// Whether nobody has a key.
    pub fn is_empty(&self) -> bool {
        self.configured.is_empty() && self.kept.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn used(&self) -> MutexGuard<'_, HashMap<KeyId, i64>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends keys whose time is over.
    fn end_what_is_over(&self) {
        let now_ms = self.clock.now_ms();
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, key| {
            let is_over = key.is_over(now_ms);
            if is_over {
                key.ended.cancel();
            }
            !is_over
        });
    }

    /// Notes which keys were used, and when.
    ///
    /// # Errors
    /// The store does not answer: it is noted the next time.
    pub async fn note_use(&self, store: &dyn Store) -> Result<(), StoreError> {
        let used: Vec<_> = self.used().drain().collect();
        if used.is_empty() {
            return Ok(());
        }
        let noted = store.use_keys(&used).await;
        if noted.is_err() {
            let mut again = self.used();
            for (id, at_ms) in used {
                again.entry(id).or_insert(at_ms);
            }
        }
        noted
    }

    /// Ends keys when their time is over, and notes which were used. Ends with `stopping`.
    pub async fn keep_house(self: Arc<Self>, store: Arc<dyn Store>, stopping: CancellationToken) {
        let mut turn = 0_u32;
        while tokio::time::timeout(TURN, stopping.cancelled()).await.is_err() {
            self.end_what_is_over();
            turn = turn.wrapping_add(1);
            if turn.is_multiple_of(NOTED_EACH)
                && let Err(error) = self.note_use(&*store).await
            {
                tracing::warn!(%error, "could not note which keys were used");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use raidcast_shared::key::key_of;

    use super::super::Scope;
    use super::*;

    fn ring(configured: Vec<Key>) -> (Keyring, Arc<AtomicI64>) {
        let now = Arc::new(AtomicI64::new(1_000));
        let clock = Arc::clone(&now);
        let clock = Clock::new(move || clock.load(Ordering::Relaxed));
        (Keyring::new(configured, clock, RelaySecret::new([1; 32])), now)
    }

    fn row(number: u8, ends_at_ms: Option<i64>) -> (String, KeyRow) {
        let key = key_of([number; 32]);
        let row = KeyRow {
            id: KeyId(i64::from(number)),
            account: AccountId(7),
            digest: digest(key.as_bytes()),
            name: "meter".into(),
            scopes: Scopes::from_iter([Scope::Upload]).bits(),
            visibility: Visibility::Unlisted,
            uploads_per_day: Some(3),
            created_at_ms: 0,
            ends_at_ms,
            used_at_ms: None,
        };
        (key, row)
    }

    #[test]
    fn a_key_is_known_by_its_digest() {
        let uploads = [Scope::Upload].into_iter().collect();
        let key = |account, key, scopes| Key::new(account, key, scopes, Visibility::default());
        let (keys, _) = ring(vec![key("a", "one", Scopes::ALL), key("b", "two", uploads)]);
        let found = |key| keys.key(key).map(|key| (key.whose.clone(), key.scopes));
        assert_eq!(found("one"), Some((WhoseKey::Named("a".into()), Scopes::ALL)));
        assert_eq!(found("two"), Some((WhoseKey::Named("b".into()), uploads)));
        assert_eq!((found("three"), found("")), (None, None));
        let may = super::super::SCOPES.map(|scope| uploads.has(scope));
        assert_eq!(may, [true, false, false]);
        assert_eq!(Scopes::of_bits(uploads.bits()), uploads);
        assert_eq!(uploads.listed(), [Scope::Upload]);
        assert_eq!(Scopes::of_bits(0b1111_1000), Scopes::from_iter([]));
    }

    #[test]
    fn a_kept_key_is_good_until_it_is_removed_or_over() {
        let (keys, now) = ring(Vec::new());
        let ((one, row_one), (two, row_two)) = (row(1, None), row(2, Some(2_000)));
        keys.add(&row_one);
        keys.add(&row_two);
        let (held, over) = (keys.key(&one).unwrap(), keys.key(&two).unwrap());
        assert_eq!(held.whose, WhoseKey::Kept(KeyId(1), AccountId(7)));
        assert_eq!((held.scopes.listed(), held.visibility), (vec![Scope::Upload], Visibility::Unlisted));
        assert!(keys.key(&one[..one.len() - 1]).is_none());
        now.store(2_000, Ordering::Relaxed);
        assert!(keys.key(&two).is_none() && !over.ended().is_cancelled());
        keys.end_what_is_over();
        assert!(over.ended().is_cancelled() && !held.ended().is_cancelled());
        keys.shorten(KeyId(1), 3_000);
        keys.shorten(KeyId(1), 9_000);
        assert!(keys.key(&one).is_some());
        now.store(3_000, Ordering::Relaxed);
        assert!(keys.key(&one).is_none());
        keys.end_what_is_over();
        assert!(held.ended().is_cancelled() && keys.is_empty());
        let (three, row_three) = row(3, None);
        keys.add(&row_three);
        let held = keys.key(&three).unwrap();
        keys.remove(KeyId(3));
        assert!(held.ended().is_cancelled() && keys.key(&three).is_none());
    }
}
