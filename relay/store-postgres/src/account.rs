//! Accounts.

use raidcast_store::row::AccountColumns;
use raidcast_store::{Account, AccountId, Accounts, StoreError, StoreFuture};
use sqlx::PgPool;

use crate::PostgresStore;
use crate::error::Failure;

impl Accounts for PostgresStore {
    fn account<'a>(&'a self, name: &'a str, channel_if_new: &'a str) -> StoreFuture<'a, Account> {
        Self::answer(async move {
            if let Some(account) = by_name(&self.pool, name).await? {
                return Ok(account);
            }
            sqlx::query!(
                "INSERT INTO accounts (name, channel) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                name,
                channel_if_new,
            )
            .execute(&self.pool)
            .await?;
            // This one, or the one that somebody else has just kept.
            let account = by_name(&self.pool, name).await?;
            Ok(account.ok_or_else(|| StoreError::Damaged(format!("no account {name}")))?)
        })
    }

    fn account_by_channel<'a>(&'a self, channel: &'a str) -> StoreFuture<'a, Option<Account>> {
        Self::answer(async move {
            if !Self::is_storable(channel) {
                return Ok(None);
            }
            let columns =
                sqlx::query_as!(AccountColumns, "SELECT row, name, channel FROM accounts WHERE channel = $1", channel)
                    .fetch_optional(&self.pool)
                    .await?;
            Ok(columns.map(Account::from))
        })
    }

    fn channel(&self, account: AccountId) -> StoreFuture<'_, Option<String>> {
        Self::answer(async move {
            Ok(sqlx::query_scalar!("SELECT channel FROM accounts WHERE row = $1", account.0)
                .fetch_optional(&self.pool)
                .await?)
        })
    }
}

async fn by_name(pool: &PgPool, name: &str) -> Result<Option<Account>, Failure> {
    let columns = sqlx::query_as!(AccountColumns, "SELECT row, name, channel FROM accounts WHERE name = $1", name)
        .fetch_optional(pool)
        .await?;
    Ok(columns.map(Account::from))
}
