//! Keys that people made for their meters and programs.

use raidcast_shared::uplink::Visibility;

use crate::{AccountId, Audited, KeyId, Note, PersonId, StoreFuture};

/// A key. Its secret is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Its row.
    pub id: KeyId,
    /// For whom it speaks.
    pub account: AccountId,
    /// SHA-256 of it.
    pub digest: [u8; 32],
    /// What its owner calls it.
    pub name: String,
    /// What it may do: a bit for each scope, the relay's own.
    pub scopes: u8,
    /// Who may see what it uploads over HTTP, where the request does not say so.
    pub visibility: Visibility,
    /// How many new fights it may upload over HTTP within a day, if that is limited.
    pub uploads_per_day: Option<u32>,
    /// When it was made, Unix ms.
    pub created_at_ms: i64,
    /// From when it is good for nothing, Unix ms, if that is known.
    pub ends_at_ms: Option<i64>,
    /// When it was used last, about, Unix ms.
    pub used_at_ms: Option<i64>,
}

/// A key that is new.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// For whom it speaks.
    pub account: AccountId,
    /// SHA-256 of it.
    pub digest: [u8; 32],
    /// What its owner calls it.
    pub name: String,
    /// As in [`KeyRow`].
    pub scopes: u8,
    /// As in [`KeyRow`].
    pub visibility: Visibility,
    /// As in [`KeyRow`].
    pub uploads_per_day: Option<u32>,
    /// As in [`KeyRow`].
    pub ends_at_ms: Option<i64>,
    /// Who makes it, if that is to be noted.
    pub by: Option<PersonId>,
    /// Now, Unix ms.
    pub now_ms: i64,
}

impl NewKey {
    /// What is noted of it, if anything is.
    pub fn note(&self) -> Option<Note> {
        let (by, about) = (Some(self.by?), Some(self.account.0));
        Some(Note { by, key: None, what: Audited::KeyMade, about, at_ms: self.now_ms })
    }

    /// The row that is kept of it.
    pub fn kept(&self, id: KeyId) -> KeyRow {
        KeyRow {
            id,
            account: self.account,
            digest: self.digest,
            name: self.name.clone(),
            scopes: self.scopes,
            visibility: self.visibility,
            uploads_per_day: self.uploads_per_day,
            created_at_ms: self.now_ms,
            ends_at_ms: self.ends_at_ms,
            used_at_ms: None,
        }
    }
}

/// Keys that an account may have at once.
pub const KEYS_MAX: usize = 50;

/// Keeps keys.
pub trait Keys: Send + Sync {
    /// Keeps a key; `None` if the account has [`KEYS_MAX`] that are not over now.
    ///
    /// # Errors
    /// `Damaged` if there is no such account.
    fn add_key<'a>(&'a self, key: &'a NewKey) -> StoreFuture<'a, Option<KeyRow>>;

    /// Keeps a key in place of another of its account, which is good until a time and not longer than it was; `None` if
    /// there is no such one, or it is over, or the account would have more than [`KEYS_MAX`]. Both or nothing.
    fn replace_key<'a>(&'a self, old: KeyId, old_ends_at_ms: i64, key: &'a NewKey) -> StoreFuture<'a, Option<KeyRow>>;

    /// All keys that are not over at a time, by row.
    fn keys(&self, now_ms: i64) -> StoreFuture<'_, Vec<KeyRow>>;

    /// Removes a key of an account, and notes who does it; `false` if it has no such one.
    fn revoke_key(&self, account: AccountId, key: KeyId, by: PersonId, now_ms: i64) -> StoreFuture<'_, bool>;

    /// These were used then, Unix ms. All are noted, or none.
    fn use_keys<'a>(&'a self, used: &'a [(KeyId, i64)]) -> StoreFuture<'a, ()>;

    /// Removes keys that were over at a time.
    fn drop_keys(&self, now_ms: i64) -> StoreFuture<'_, ()>;
}
