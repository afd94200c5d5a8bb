//! Who asks to be removed.

use raidcast_store::row::RemovalColumns;
use raidcast_store::{NewRemoval, Note, REMOVALS_MAX, Removal, Removals, StoreFuture};

use crate::PostgresStore;
use crate::audit::put_note;

impl Removals for PostgresStore {
    fn ask_removal<'a>(&'a self, asked: &'a NewRemoval) -> StoreFuture<'a, bool> {
        Self::answer(async move {
            let NewRemoval { player, links, contact, message, created_at_ms } = asked;
            let mut transaction = self.begin().await?;
            // One counts at a time, or those who ask at one moment go beyond.
            sqlx::query!("LOCK TABLE removals IN EXCLUSIVE MODE").execute(&mut *transaction).await?;
            let kept = sqlx::query!(
                "INSERT INTO removals (player, links, contact, message, created_at_ms)
                 SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM removals) < $6",
                player,
                links,
                contact,
                message,
                created_at_ms,
                REMOVALS_MAX,
            )
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(kept.rows_affected() > 0)
        })
    }

    fn removals(&self) -> StoreFuture<'_, Vec<Removal>> {
        Self::answer(async move {
            let columns = sqlx::query_as!(
                RemovalColumns,
                "SELECT row, player, links, contact, message, created_at_ms FROM removals ORDER BY row"
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(columns.into_iter().map(Removal::from).collect())
        })
    }

    fn drop_removals(&self, before_ms: i64) -> StoreFuture<'_, u64> {
        Self::answer(async move {
            let dropped = sqlx::query!("DELETE FROM removals WHERE created_at_ms < $1", before_ms);
            Ok(dropped.execute(&self.pool).await?.rows_affected())
        })
    }

    fn close_removal(&self, row: i64, note: Note) -> StoreFuture<'_, bool> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            let closed = sqlx::query!("DELETE FROM removals WHERE row = $1", row).execute(&mut *transaction).await?;
            if closed.rows_affected() == 0 {
                return Ok(false);
            }
            put_note(&mut transaction, &note).await?;
            transaction.commit().await?;
            Ok(true)
        })
    }
}
