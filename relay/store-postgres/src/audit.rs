//! Who changed what.

use raidcast_store::row::{AuditColumns, readable};
use raidcast_store::{AuditRow, Audits, NOTES_LOOKED_AT, NOTES_MAX, NOTES_OF_ONE_MAX, Note, StoreFuture, code};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::error::Failure;

impl Audits for PostgresStore {
    fn note(&self, note: Note) -> StoreFuture<'_, ()> {
        Self::answer(async move { put_note(&mut *self.pool.acquire().await?, &note).await })
    }

    fn audit(&self, before: Option<i64>, limit: u32) -> StoreFuture<'_, Vec<AuditRow>> {
        Self::answer(async move {
            let columns = sqlx::query_as!(
                AuditColumns,
                "SELECT row, at_ms, who, key, what, about FROM audit WHERE row < $1 ORDER BY row DESC LIMIT $2",
                before.unwrap_or(i64::MAX),
                i64::from(limit),
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(readable(columns))
        })
    }

    fn drop_audit(&self, before_ms: i64) -> StoreFuture<'_, ()> {
        Self::answer(async move {
            sqlx::query!("DELETE FROM audit WHERE at_ms < $1", before_ms).execute(&self.pool).await?;
            Ok(())
        })
    }
}

/// Writes a note down.
pub(crate) async fn put_note(connection: &mut PgConnection, note: &Note) -> Result<(), Failure> {
    let Note { by, key, what, about, at_ms } = *note;
    let row = sqlx::query_scalar!(
        "INSERT INTO audit (at_ms, who, key, what, about) VALUES ($1, $2, $3, $4, $5) RETURNING row",
        at_ms,
        by.map(|person| person.0),
        key.map(|key| key.0),
        code::of_audited(what),
        about,
    )
    .fetch_one(&mut *connection)
    .await?;
    if row % NOTES_LOOKED_AT == 0 {
        sqlx::query!(
            "DELETE FROM audit WHERE row IN
                 (SELECT row FROM (SELECT row, row_number() OVER (PARTITION BY who, CASE WHEN who IS NULL THEN about END ORDER BY row DESC) AS place
                                   FROM audit) counted WHERE place > $1)",
            NOTES_OF_ONE_MAX,
        )
        .execute(&mut *connection)
        .await?;
        // Of those that are there, not of numbers: else whoever does much drives out what others did all the same.
        sqlx::query!(
            "DELETE FROM audit WHERE row <= (SELECT row FROM audit ORDER BY row DESC LIMIT 1 OFFSET $1)",
            NOTES_MAX,
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}
