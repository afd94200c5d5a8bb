//! What accounts have used of their limits.

use raidcast_store::{AccountId, StoreFuture, Usage, Use};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::error::Failure;
use crate::job::Change;

impl Usage for SqliteStore {
    fn keep_used<'a>(&'a self, used: &'a [Use]) -> StoreFuture<'a, ()> {
        self.write(KeepUsed(used.to_vec()))
    }

    fn used(&self) -> StoreFuture<'_, Vec<Use>> {
        Self::read(async move {
            let kept = sqlx::query!("SELECT account, what, since_ms, used FROM quota ORDER BY account, what")
                .fetch_all(&self.readers)
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

/// Keeps what was used.
struct KeepUsed(Vec<Use>);

impl Change for KeepUsed {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        for Use { account, what, since_ms, used } in &self.0 {
            let used = used.cast_signed();
            sqlx::query!(
                "INSERT INTO quota (account, what, since_ms, used)
                 SELECT row, ?2, ?3, ?4 FROM accounts WHERE row = ?1
                 ON CONFLICT (account, what) DO UPDATE SET since_ms = excluded.since_ms, used = excluded.used",
                account.0,
                what,
                since_ms,
                used,
            )
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}
