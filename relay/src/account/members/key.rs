//! Keys that people make.

use std::sync::Arc;

use raidcast_shared::account::{KeyForm, KeyLine, NewKey};
use raidcast_shared::key::key_of;
use raidcast_store::{KeyId, KeyRow};

use super::{Members, SignedIn, digest, good_note, invalid};
use crate::account::Scopes;
use crate::error::HttpError;
use crate::limits::KEYS_MADE_MAX;
use crate::quota::DAY_MS;

impl Members {
    /// His keys that are good, in the order in which they were made.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn keys(&self, who: &SignedIn) -> Result<Vec<KeyLine>, HttpError> {
        let accounts = self.accounts(who).await?;
        Ok(self.keys.of(&accounts).iter().map(line_of).collect())
    }

    /// Makes a key.
    ///
    /// # Errors
    /// What is wrong with what was asked for, `SignInAgain`, `TooMany` where he has as many as may be.
    pub async fn make_key(self: &Arc<Self>, who: &SignedIn, form: KeyForm) -> Result<NewKey, HttpError> {
        self.fresh(who)?;
        let account = self.own_account(who, form.account).await?;
        let days = form.days.map(i64::from);
        if days.is_some_and(|days| !(1..=3_650).contains(&days)) {
            return Err(invalid("`days` must be 1 to 3650: leave it out for a key that has no end"));
        }
        if form.scopes.is_empty() {
            return Err(invalid("`scopes` is empty: name what the key may do, of upload, read, manage"));
        }
        if form.uploads_per_day == Some(0) {
            return Err(invalid("`uploadsPerDay` must be 1 at the least: leave it out for no limit"));
        }
        let now_ms = self.now_ms();
        let (secret, digest) = self.new_key();
        let new = raidcast_store::NewKey {
            account,
            digest,
            name: good_note(&form.name, 1, "`name`")?,
            scopes: form.scopes.iter().copied().collect::<Scopes>().bits(),
            visibility: form.visibility,
            uploads_per_day: form.uploads_per_day,
            ends_at_ms: days.map(|days| now_ms.saturating_add(days * DAY_MS)),
            by: Some(who.person()),
            now_ms,
        };
        let digest = who.digest;
        let row = self.whole(move |members| async move {
            members.still(&digest).await?;
            members.add_key(&new).await
        });
        let row = row.await?;
        Ok(NewKey { secret, key: line_of(&row) })
    }

    /// Keeps a key; within `whole`.
    pub(super) async fn add_key(&self, new: &raidcast_store::NewKey) -> Result<KeyRow, HttpError> {
        if self.keys.made() >= KEYS_MADE_MAX {
            return Err(HttpError::Conflict("this relay holds as many keys as it may: ask its administrator".into()));
        }
        let row = self.context.store.add_key(new).await?.ok_or_else(too_many_keys)?;
        self.keys.add(&row);
        Ok(row)
    }

    pub(super) fn new_key(&self) -> (String, [u8; 32]) {
        let secret = key_of(self.context.entropy.bytes());
        let kept = digest(secret.as_bytes());
        (secret, kept)
    }

    pub(super) async fn own_key(&self, who: &SignedIn, key: i64) -> Result<KeyRow, HttpError> {
        let accounts = self.accounts(who).await?;
        self.keys.of(&accounts).into_iter().find(|row| row.id == KeyId(key)).ok_or(HttpError::NotFound)
    }

    /// Makes a key in place of another, which stays good for some hours.
    ///
    /// # Errors
    /// `NotFound` if he has no such one, `SignInAgain`, `TooMany`.
    pub async fn rotate_key(
        self: &Arc<Self>,
        who: &SignedIn,
        key: i64,
        overlap_hours: u32,
    ) -> Result<NewKey, HttpError> {
        self.fresh(who)?;
        if overlap_hours > 720 {
            return Err(invalid("`overlapHours` must be 0 to 720"));
        }
        let old = self.own_key(who, key).await?;
        let (now_ms, (secret, digest)) = (self.now_ms(), self.new_key());
        let lasts = old.ends_at_ms.map(|ends| ends.saturating_sub(old.created_at_ms));
        let new = raidcast_store::NewKey {
            account: old.account,
            digest,
            name: old.name,
            scopes: old.scopes,
            visibility: old.visibility,
            uploads_per_day: old.uploads_per_day,
            // As long as the old one was to last.
            ends_at_ms: lasts.map(|lasts| now_ms.saturating_add(lasts)),
            by: Some(who.person()),
            now_ms,
        };
        let ends_at_ms = now_ms.saturating_add(i64::from(overlap_hours) * 3_600_000);
        let session = who.digest;
        let row = self.whole(move |members| async move {
            members.still(&session).await?;
            // It may have been revoked meanwhile.
            if !members.keys.of(&[old.account]).iter().any(|row| row.id == old.id) {
                return Err(HttpError::NotFound);
            }
            let replaced = members.context.store.replace_key(old.id, ends_at_ms, &new).await?;
            let row = replaced.ok_or_else(too_many_keys)?;
            members.keys.add(&row);
            members.keys.shorten(old.id, ends_at_ms);
            Ok(row)
        });
        Ok(NewKey { secret, key: line_of(&row.await?) })
    }

    /// Ends a key, and all that is open by it.
    ///
    /// # Errors
    /// `NotFound` if he has no such one.
    pub async fn revoke_key(self: &Arc<Self>, who: &SignedIn, key: i64) -> Result<(), HttpError> {
        let row = self.own_key(who, key).await?;
        let by = who.person();
        self.whole(move |members| async move {
            let revoked = members.context.store.revoke_key(row.account, row.id, by, members.now_ms()).await;
            // Also where the store says nothing: what it still has comes back, and can be revoked again.
            members.keys.remove(row.id);
            if revoked? { Ok(()) } else { Err(HttpError::NotFound) }
        })
        .await
    }
}

fn too_many_keys() -> HttpError {
    let text = format!("an account has {} keys at the most: revoke one that is not needed", raidcast_store::KEYS_MAX);
    HttpError::Conflict(text)
}

fn line_of(row: &KeyRow) -> KeyLine {
    KeyLine {
        id: row.id.0,
        account: row.account.0,
        name: row.name.clone(),
        scopes: Scopes::of_bits(row.scopes).listed(),
        visibility: row.visibility,
        uploads_per_day: row.uploads_per_day,
        created_at_ms: row.created_at_ms,
        ends_at_ms: row.ends_at_ms,
        used_at_ms: row.used_at_ms,
    }
}
