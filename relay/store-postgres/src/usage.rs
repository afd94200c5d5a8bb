//! What accounts have used of their limits.

use raidcast_store::{AccountId, StoreFuture, Usage, Use};

use crate::PostgresStore;

impl Usage for PostgresStore {
    fn keep_used<'a>(&'a self, used: &'a [Use]) -> StoreFuture<'a, ()> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            for Use { account, what, since_ms, used } in used {
                sqlx::query!(
                    "INSERT INTO quota (account, what, since_ms, used)
                     SELECT row, $2, $3, $4 FROM accounts WHERE row = $1 FOR KEY SHARE
                     ON CONFLICT (account, what) DO UPDATE SET since_ms = excluded.since_ms, used = excluded.used",
                    account.0,
                    what,
                    since_ms,
                    used.cast_signed(),
                )
                .execute(&mut *transaction)
                .await?;
            }
            Ok(transaction.commit().await?)
        })
    }

    fn used(&self) -> StoreFuture<'_, Vec<Use>> {
        Self::answer(async move {
            let kept =
                sqlx::query!("SELECT account, what, since_ms, used FROM quota ORDER BY account, what COLLATE \"C\"")
                    .fetch_all(&self.pool)
                    .await?;
            let used = kept.into_iter().map(|kept| Use {
                account: AccountId(kept.account),
                what: kept.what,
                since_ms: kept.since_ms,
                used: kept.used.cast_unsigned(),
            });
            Ok(used.collect())
        })
    }
}
