//! Keys that people made for their meters and programs.

use raidcast_store::row::{KeyColumns, readable};
use raidcast_store::{
    AccountId, Audited, KEYS_MAX, KeyId, KeyRow, Keys, NewKey, Note, PersonId, StoreError, StoreFuture, code,
};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::audit::put_note;
use crate::error::Failure;
use crate::job::Change;

impl Keys for SqliteStore {
    fn add_key<'a>(&'a self, key: &'a NewKey) -> StoreFuture<'a, Option<KeyRow>> {
        self.write(AddKey(key.clone()))
    }

    fn replace_key<'a>(&'a self, old: KeyId, old_ends_at_ms: i64, key: &'a NewKey) -> StoreFuture<'a, Option<KeyRow>> {
        self.write(ReplaceKey { old, old_ends_at_ms, key: key.clone() })
    }

    fn keys(&self, now_ms: i64) -> StoreFuture<'_, Vec<KeyRow>> {
        Self::read(async move {
            let columns = sqlx::query_as!(
                KeyColumns,
                r#"SELECT row AS "row!", account, digest, name, scopes, visibility, uploads_per_day, created_at_ms,
                          ends_at_ms, used_at_ms
                   FROM keys WHERE ends_at_ms IS NULL OR ends_at_ms > ?1 ORDER BY row"#,
                now_ms
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(readable(columns))
        })
    }

    fn revoke_key(&self, account: AccountId, key: KeyId, by: PersonId, now_ms: i64) -> StoreFuture<'_, bool> {
        self.write(RevokeKey { account, key, by, now_ms })
    }

    fn use_keys<'a>(&'a self, used: &'a [(KeyId, i64)]) -> StoreFuture<'a, ()> {
        self.write(UseKeys(used.to_vec()))
    }

    fn drop_keys(&self, now_ms: i64) -> StoreFuture<'_, ()> {
        self.write(DropKeys { now_ms })
    }
}

/// Whether an account may have another key, beside one that is not counted.
async fn has_room(
    connection: &mut SqliteConnection,
    account: AccountId,
    but: Option<KeyId>,
    now_ms: i64,
) -> Result<bool, Failure> {
    let but = but.map(|key| key.0);
    let count = sqlx::query_scalar!(
        r#"SELECT COUNT(*) AS "count!: i64" FROM keys
           WHERE account = ?1 AND row IS NOT ?2 AND (ends_at_ms IS NULL OR ends_at_ms > ?3)"#,
        account.0,
        but,
        now_ms,
    )
    .fetch_one(connection)
    .await?;
    Ok(count < KEYS_MAX as i64)
}

/// Keeps a key, whatever else its account has.
async fn add(connection: &mut SqliteConnection, key: &NewKey) -> Result<KeyRow, Failure> {
    let (digest, visibility) = (key.digest.as_slice(), code::of_visibility(key.visibility));
    let row = sqlx::query_scalar!(
        r#"INSERT INTO keys (account, digest, name, scopes, visibility, uploads_per_day, created_at_ms, ends_at_ms)
           SELECT row, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM accounts WHERE row = ?1 RETURNING row AS "row!""#,
        key.account.0,
        digest,
        key.name,
        key.scopes,
        visibility,
        key.uploads_per_day,
        key.now_ms,
        key.ends_at_ms,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let row = row.ok_or_else(|| StoreError::Damaged(format!("no account {}", key.account.0)))?;
    if let Some(note) = key.note() {
        put_note(connection, &note).await?;
    }
    Ok(key.kept(KeyId(row)))
}

/// Keeps a key, if its account may have it.
struct AddKey(NewKey);

impl Change for AddKey {
    type Output = Option<KeyRow>;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Option<KeyRow>, Failure> {
        let Self(key) = self;
        if !has_room(connection, key.account, None, key.now_ms).await? {
            return Ok(None);
        }
        Ok(Some(add(connection, key).await?))
    }
}

/// Keeps a key in place of another.
struct ReplaceKey {
    old: KeyId,
    old_ends_at_ms: i64,
    key: NewKey,
}

impl Change for ReplaceKey {
    type Output = Option<KeyRow>;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Option<KeyRow>, Failure> {
        let Self { old, old_ends_at_ms, key } = self;
        let held = sqlx::query!(
            "SELECT ends_at_ms FROM keys WHERE row = ?1 AND account = ?2 AND (ends_at_ms IS NULL OR ends_at_ms > ?3)",
            old.0,
            key.account.0,
            key.now_ms,
        )
        .fetch_optional(&mut *connection)
        .await?;
        // Others' changes share the transaction: what is refused is found out before anything is changed.
        let Some(held) = held else { return Ok(None) };
        let ends_at_ms = held.ends_at_ms.map_or(*old_ends_at_ms, |ends_at_ms| ends_at_ms.min(*old_ends_at_ms));
        let not_counted = (ends_at_ms <= key.now_ms).then_some(*old);
        if !has_room(connection, key.account, not_counted, key.now_ms).await? {
            return Ok(None);
        }
        sqlx::query!("UPDATE keys SET ends_at_ms = ?2 WHERE row = ?1", old.0, ends_at_ms)
            .execute(&mut *connection)
            .await?;
        Ok(Some(add(connection, key).await?))
    }
}

/// Removes a key of an account.
struct RevokeKey {
    account: AccountId,
    key: KeyId,
    by: PersonId,
    now_ms: i64,
}

impl Change for RevokeKey {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let revoked = sqlx::query!("DELETE FROM keys WHERE row = ?1 AND account = ?2", self.key.0, self.account.0)
            .execute(&mut *connection)
            .await?;
        if revoked.rows_affected() == 0 {
            return Ok(false);
        }
        let (by, about) = (Some(self.by), Some(self.account.0));
        put_note(connection, &Note { by, key: None, what: Audited::KeyRevoked, about, at_ms: self.now_ms }).await?;
        Ok(true)
    }
}

/// Notes when keys were used.
struct UseKeys(Vec<(KeyId, i64)>);

impl Change for UseKeys {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        for (key, used_at_ms) in &self.0 {
            sqlx::query!(
                "UPDATE keys SET used_at_ms = MAX(COALESCE(used_at_ms, ?2), ?2) WHERE row = ?1",
                key.0,
                used_at_ms,
            )
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}

/// Removes keys that are over.
struct DropKeys {
    now_ms: i64,
}

impl Change for DropKeys {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        sqlx::query!("DELETE FROM keys WHERE ends_at_ms <= ?1", self.now_ms).execute(connection).await?;
        Ok(())
    }
}
