//! The keys that this relay knows: those of its configuration, and those that people made.
//!
//! One invariant: a key that was revoked, or is over, lets nobody in from the moment at which the store has answered, and
//! whoever was let in by it hears of it ([`Key::ended`]). All keys stand in memory, for each request asks for one before it is
//! routed.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
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

/// A key that somebody made.
struct Kept {
    key: Arc<Key>,
    row: KeyRow,
}

/// See the module's page.
pub struct Keyring {
    configured: Vec<Arc<Key>>,
    /// By digest.
    kept: RwLock<HashMap<[u8; 32], Kept>>,
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
        self.reconcile(store.keys(self.clock.now_ms()).await?);
        Ok(self)
    }

    fn kept(&self) -> RwLockReadGuard<'_, HashMap<[u8; 32], Kept>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept_mut(&self) -> RwLockWriteGuard<'_, HashMap<[u8; 32], Kept>> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the store has for what is so: where it changed and its answer was lost, memory and store differ. Nobody
    /// may make or end a key meanwhile.
    pub fn reconcile(&self, rows: Vec<KeyRow>) {
        let mut kept = self.kept_mut();
        let there: HashMap<_, _> = rows.into_iter().map(|row| (row.digest, row)).collect();
        kept.retain(|digest, held| {
            let stays = there.contains_key(digest);
            if !stays {
                held.key.ended.cancel();
            }
            stays
        });
        for (digest, row) in there {
            match kept.get_mut(&digest) {
                Some(held) if held.row.ends_at_ms == row.ends_at_ms => held.row = row,
                Some(held) => {
                    held.key = Arc::new(Key { ends_at_ms: row.ends_at_ms, ..Key::clone(&held.key) });
                    held.row = row;
                }
                None => {
                    kept.insert(digest, Kept { key: Arc::new(Key::kept(&row, &self.secret)), row });
                }
            }
        }
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
        let key = self.kept().get(&digest).map(|held| Arc::clone(&held.key))?;
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
        self.kept_mut().insert(row.digest, Kept { key, row: row.clone() });
    }

    /// A key is good until then at the longest: the store has it so.
    pub fn shorten(&self, id: KeyId, ends_at_ms: i64) {
        let mut kept = self.kept_mut();
        let Some(held) = kept.values_mut().find(|held| held.row.id == id) else { return };
        let ends = Some(held.row.ends_at_ms.map_or(ends_at_ms, |ends| ends.min(ends_at_ms)));
        held.row.ends_at_ms = ends;
        // The same token: who was let in by it hears of its end.
        held.key = Arc::new(Key { ends_at_ms: ends, ..Key::clone(&held.key) });
    }

    /// A key lets nobody in any more.
    pub fn remove(&self, id: KeyId) {
        self.kept_mut().retain(|_, held| {
            if held.row.id == id {
                held.key.ended.cancel();
            }
            held.row.id != id
        });
    }

    /// The keys of some accounts that are good now, in the order in which they were made.
    pub fn of(&self, accounts: &[AccountId]) -> Vec<KeyRow> {
        let now_ms = self.clock.now_ms();
        let of = |held: &&Kept| accounts.contains(&held.row.account) && !held.key.is_over(now_ms);
        let mut rows: Vec<_> = self.kept().values().filter(of).map(|held| held.row.clone()).collect();
        let used = self.used();
        for row in &mut rows {
            row.used_at_ms = used.get(&row.id).copied().or(row.used_at_ms);
        }
        rows.sort_unstable_by_key(|row| row.id);
        rows
    }

    /// What those of some keys are called that are good now; that of a key of the configuration is nobody's.
    pub fn names(&self, ids: &HashSet<KeyId>) -> HashMap<KeyId, String> {
        let now_ms = self.clock.now_ms();
        let named = |held: &&Kept| ids.contains(&held.row.id) && !held.key.is_over(now_ms);
        self.kept().values().filter(named).map(|held| (held.row.id, held.row.name.clone())).collect()
    }

    /// How many people made.
    pub fn made(&self) -> usize {
        self.kept().len()
    }

    /// Whether nobody has a key.
    pub fn is_empty(&self) -> bool {
        self.configured.is_empty() && self.made() == 0
    }

    fn used(&self) -> MutexGuard<'_, HashMap<KeyId, i64>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends keys whose time is over.
    fn end_what_is_over(&self) {
        let now_ms = self.clock.now_ms();
        // Most often there is none, and nobody waits for this look.
        if !self.kept().values().any(|held| held.key.is_over(now_ms)) {
            return;
        }
        self.kept_mut().retain(|_, held| {
            let is_over = held.key.is_over(now_ms);
            if is_over {
                held.key.ended.cancel();
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
        let used: HashMap<_, _> = used.into_iter().collect();
        if noted.is_err() {
            let mut again = self.used();
            for (id, at_ms) in used {
                again.entry(id).or_insert(at_ms);
            }
        } else {
            for held in self.kept_mut().values_mut() {
                held.row.used_at_ms = used.get(&held.row.id).copied().or(held.row.used_at_ms);
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
        // What the store says is so.
        let ((four, row_four), (five, row_five)) = (row(4, None), row(5, None));
        keys.add(&row_four);
        let held = keys.key(&four).unwrap();
        keys.reconcile(vec![KeyRow { ends_at_ms: Some(4_000), ..row_four.clone() }, row_five.clone()]);
        assert!(keys.key(&four).is_some() && keys.key(&five).is_some() && !held.ended().is_cancelled());
        assert_eq!(keys.of(&[AccountId(7)]).iter().map(|row| row.id.0).collect::<Vec<_>>(), [4, 5]);
        assert_eq!((keys.of(&[AccountId(7)])[0].used_at_ms, keys.of(&[AccountId(8)]).len()), (Some(3_000), 0));
        now.store(4_000, Ordering::Relaxed);
        keys.end_what_is_over();
        assert!(held.ended().is_cancelled() && keys.made() == 1);
        let held = keys.key(&five).unwrap();
        keys.reconcile(Vec::new());
        assert!(held.ended().is_cancelled() && keys.key(&five).is_none() && keys.is_empty());
        let (three, row_three) = row(3, None);
        keys.add(&row_three);
        let held = keys.key(&three).unwrap();
        keys.remove(KeyId(3));
        assert!(held.ended().is_cancelled() && keys.key(&three).is_none());
    }
}
