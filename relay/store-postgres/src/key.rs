//! Keys that people made for their meters and programs.
//!
//! What adds a key holds its account's lock, so that all that add one count what the others have added. What changes
//! several keys takes them by row, and what removes keys of anybody waits for none.

use raidcast_store::row::{KeyColumns, readable};
use raidcast_store::{
    AccountId, Audited, KEYS_MAX, KeyId, KeyRow, Keys, NewKey, Note, PersonId, StoreError, StoreFuture, code,
};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::audit::put_note;
use crate::error::Failure;

impl Keys for PostgresStore {
    fn add_key<'a>(&'a self, key: &'a NewKey) -> StoreFuture<'a, Option<KeyRow>> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            if !lock(&mut transaction, key.account).await? {
                return Err(StoreError::Damaged(format!("no account {}", key.account.0)).into());
            }
            let added = add(&mut transaction, key).await?;
            transaction.commit().await?;
            Ok(added)
        })
    }

    fn replace_key<'a>(&'a self, old: KeyId, old_ends_at_ms: i64, key: &'a NewKey) -> StoreFuture<'a, Option<KeyRow>> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            lock(&mut transaction, key.account).await?;
            let replaced = sqlx::query!(
                "UPDATE keys SET ends_at_ms = LEAST(ends_at_ms, $3)
                 WHERE row = $1 AND account = $2 AND (ends_at_ms IS NULL OR ends_at_ms > $4)",
                old.0,
                key.account.0,
                old_ends_at_ms,
                key.now_ms,
            )
            .execute(&mut *transaction)
            .await?;
            // What is refused is not committed.
            if replaced.rows_affected() == 0 {
                return Ok(None);
            }
            let Some(added) = add(&mut transaction, key).await? else { return Ok(None) };
            transaction.commit().await?;
            Ok(Some(added))
        })
    }

    fn keys(&self, now_ms: i64) -> StoreFuture<'_, Vec<KeyRow>> {
        Self::answer(async move {
            let columns = sqlx::query_as!(
                KeyColumns,
                "SELECT row, account, digest, name, scopes, visibility, uploads_per_day, created_at_ms, ends_at_ms,
                        used_at_ms
                 FROM keys WHERE ends_at_ms IS NULL OR ends_at_ms > $1 ORDER BY row",
                now_ms
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(readable(columns))
        })
    }

    fn revoke_key(&self, account: AccountId, key: KeyId, by: PersonId, now_ms: i64) -> StoreFuture<'_, bool> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            let revoked = sqlx::query!("DELETE FROM keys WHERE row = $1 AND account = $2", key.0, account.0)
                .execute(&mut *transaction)
                .await?;
            if revoked.rows_affected() == 0 {
                return Ok(false);
            }
            let (by, about) = (Some(by), Some(account.0));
            put_note(&mut transaction, &Note { by, key: None, what: Audited::KeyRevoked, about, at_ms: now_ms })
                .await?;
            transaction.commit().await?;
            Ok(true)
        })
    }

    fn use_keys<'a>(&'a self, used: &'a [(KeyId, i64)]) -> StoreFuture<'a, ()> {
        Self::answer(async move {
            let mut used = used.to_vec();
            used.sort_unstable();
            let mut transaction = self.begin().await?;
            for (key, used_at_ms) in used {
                sqlx::query!(
                    "UPDATE keys SET used_at_ms = GREATEST(used_at_ms, $2) WHERE row = $1",
                    key.0,
                    used_at_ms,
                )
                .execute(&mut *transaction)
                .await?;
            }
            Ok(transaction.commit().await?)
        })
    }

    fn drop_keys(&self, now_ms: i64) -> StoreFuture<'_, ()> {
        Self::answer(async move {
            // One that somebody changes just now is removed the next time.
            sqlx::query!(
                "DELETE FROM keys WHERE row IN (
                     SELECT row FROM keys WHERE ends_at_ms <= $1 FOR UPDATE SKIP LOCKED)",
                now_ms
            )
            .execute(&self.pool)
            .await?;
            Ok(())
        })
    }
}

/// Waits until nobody else adds keys of an account; `false` if there is no such account.
async fn lock(connection: &mut PgConnection, account: AccountId) -> Result<bool, Failure> {
    let locked = sqlx::query!("SELECT row FROM accounts WHERE row = $1 FOR NO KEY UPDATE", account.0)
        .fetch_optional(connection)
        .await?;
    Ok(locked.is_some())
}

/// Keeps a key, if its account, which is locked, may have it.
async fn add(connection: &mut PgConnection, key: &NewKey) -> Result<Option<KeyRow>, Failure> {
    let row = sqlx::query_scalar!(
        "INSERT INTO keys (account, digest, name, scopes, visibility, uploads_per_day, created_at_ms, ends_at_ms)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8
         WHERE (SELECT COUNT(*) FROM keys
                WHERE account = $1 AND (ends_at_ms IS NULL OR ends_at_ms > $7)) < $9
         RETURNING row",
        key.account.0,
        key.digest.as_slice(),
        key.name,
        i16::from(key.scopes),
        code::of_visibility(key.visibility),
        key.uploads_per_day.map(i64::from),
        key.now_ms,
        key.ends_at_ms,
        KEYS_MAX as i64,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if let Some(note) = key.note() {
        put_note(connection, &note).await?;
    }
    Ok(Some(key.kept(KeyId(row))))
}
