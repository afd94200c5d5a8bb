//! Accounts.

use raidcast_store::row::AccountColumns;
use raidcast_store::{Account, AccountId, Accounts, StoreError, StoreFuture};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Executor, Sqlite};

use crate::SqliteStore;
use crate::error::Failure;
use crate::job::Change;

impl Accounts for SqliteStore {
    fn account<'a>(&'a self, name: &'a str, channel_if_new: &'a str) -> StoreFuture<'a, Account> {
        Box::pin(async move {
            if let Some(account) = by_name(&self.readers, name).await? {
                return Ok(account);
            }
            self.write(AddAccount { name: name.into(), channel: channel_if_new.into() }).await
        })
    }

    fn account_by_channel<'a>(&'a self, channel: &'a str) -> StoreFuture<'a, Option<Account>> {
        Self::read(async move {
            let columns = sqlx::query_as!(
                AccountColumns,
                r#"SELECT row AS "row!", name, channel FROM accounts WHERE channel = ?1"#,
                channel
            )
            .fetch_optional(&self.readers)
            .await?;
            Ok(columns.map(Account::from))
        })
    }

    fn channel(&self, account: AccountId) -> StoreFuture<'_, Option<String>> {
        Self::read(async move {
            Ok(sqlx::query_scalar!("SELECT channel FROM accounts WHERE row = ?1", account.0)
                .fetch_optional(&self.readers)
                .await?)
        })
    }
}

async fn by_name<'e>(executor: impl Executor<'e, Database = Sqlite>, name: &str) -> Result<Option<Account>, Failure> {
    let columns =
        sqlx::query_as!(AccountColumns, r#"SELECT row AS "row!", name, channel FROM accounts WHERE name = ?1"#, name)
            .fetch_optional(executor)
            .await?;
    Ok(columns.map(Account::from))
}

/// Keeps an account, or finds the one that somebody else has just kept.
struct AddAccount {
    name: String,
    channel: String,
}

impl Change for AddAccount {
    type Output = Account;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Account, Failure> {
        sqlx::query!(
            "INSERT INTO accounts (row, name, channel)
             SELECT max(n.last, COALESCE((SELECT max(row) FROM accounts), 0)) + 1, ?1, ?2 FROM account_numbers n WHERE TRUE
             ON CONFLICT (name) DO NOTHING",
            self.name,
            self.channel,
        )
        .execute(&mut *connection)
        .await?;
        let account = by_name(connection, &self.name).await?;
        Ok(account.ok_or_else(|| StoreError::Damaged(format!("no account {}", self.name)))?)
    }
}
