//! Who changed what.

use raidcast_store::row::{AuditColumns, readable};
use raidcast_store::{AuditRow, Audits, NOTES_LOOKED_AT, NOTES_MAX, NOTES_OF_ONE_MAX, Note, StoreFuture, code};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::error::Failure;
use crate::job::Change;

impl Audits for SqliteStore {
    fn note(&self, note: Note) -> StoreFuture<'_, ()> {
        self.write(PutNote(note))
    }

    fn audit(&self, before: Option<i64>, limit: u32) -> StoreFuture<'_, Vec<AuditRow>> {
        Self::read(async move {
            let before = before.unwrap_or(i64::MAX);
            let columns = sqlx::query_as!(
                AuditColumns,
                r#"SELECT row AS "row!", at_ms, who, key, what, about FROM audit WHERE row < ?1 ORDER BY row DESC LIMIT ?2"#,
                before,
                limit,
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(readable(columns))
        })
    }

    fn drop_audit(&self, before_ms: i64) -> StoreFuture<'_, ()> {
        self.write(DropAudit { before_ms })
    }
}

/// Writes a note down.
pub(crate) async fn put_note(connection: &mut SqliteConnection, note: &Note) -> Result<(), Failure> {
    let Note { by, key, what, about, at_ms } = note;
    let (who, key, what) = (by.map(|person| person.0), key.map(|key| key.0), code::of_audited(*what));
    let row = sqlx::query_scalar!(
        r#"INSERT INTO audit (at_ms, who, key, what, about) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING row AS "row!""#,
        at_ms,
        who,
        key,
        what,
        about,
    )
    .fetch_one(&mut *connection)
    .await?;
    if row % NOTES_LOOKED_AT == 0 {
        sqlx::query!(
            "DELETE FROM audit WHERE row IN
                 (SELECT row FROM (SELECT row, row_number() OVER (PARTITION BY who, CASE WHEN who IS NULL THEN about END ORDER BY row DESC) AS place
                                   FROM audit) counted WHERE place > ?1)",
            NOTES_OF_ONE_MAX,
        )
        .execute(&mut *connection)
        .await?;
        // Of those that are there, not of numbers: else whoever does much drives out what others did all the same.
        sqlx::query!(
            "DELETE FROM audit WHERE row <= (SELECT row FROM audit ORDER BY row DESC LIMIT 1 OFFSET ?1)",
            NOTES_MAX,
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

struct PutNote(Note);

impl Change for PutNote {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        put_note(connection, &self.0).await
    }
}

struct DropAudit {
    before_ms: i64,
}

impl Change for DropAudit {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        sqlx::query!("DELETE FROM audit WHERE at_ms < ?1", self.before_ms).execute(connection).await?;
        Ok(())
    }
}
