//! Who asks to be removed.

use raidcast_store::row::RemovalColumns;
use raidcast_store::{NewRemoval, Note, REMOVALS_MAX, Removal, Removals, StoreFuture};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::audit::put_note;
use crate::error::Failure;
use crate::job::Change;
use crate::jobs::wipe_later;

impl Removals for SqliteStore {
    fn ask_removal<'a>(&'a self, asked: &'a NewRemoval) -> StoreFuture<'a, bool> {
        self.write(AskRemoval(asked.clone()))
    }

    fn removals(&self) -> StoreFuture<'_, Vec<Removal>> {
        Self::read(async move {
            let columns = sqlx::query_as!(
                RemovalColumns,
                r#"SELECT row AS "row!", player, links, contact, message, created_at_ms FROM removals ORDER BY row"#
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(columns.into_iter().map(Removal::from).collect())
        })
    }

    fn drop_removals(&self, before_ms: i64) -> StoreFuture<'_, u64> {
        self.write(DropRemovals { before_ms })
    }

    fn close_removal(&self, row: i64, note: Note) -> StoreFuture<'_, bool> {
        self.write(CloseRemoval { row, note })
    }
}

struct AskRemoval(NewRemoval);

impl Change for AskRemoval {
    type Output = bool;

    fn bytes(&self) -> usize {
        let NewRemoval { player, links, contact, message, .. } = &self.0;
        player.len() + links.len() + contact.len() + message.len()
    }

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let NewRemoval { player, links, contact, message, created_at_ms } = &self.0;
        let kept = sqlx::query!(
            "INSERT INTO removals (player, links, contact, message, created_at_ms)
             SELECT ?1, ?2, ?3, ?4, ?5 WHERE (SELECT count(*) FROM removals) < ?6",
            player,
            links,
            contact,
            message,
            created_at_ms,
            REMOVALS_MAX,
        )
        .execute(connection)
        .await?;
        Ok(kept.rows_affected() > 0)
    }
}

struct DropRemovals {
    before_ms: i64,
}

impl Change for DropRemovals {
    type Output = u64;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<u64, Failure> {
        let dropped = sqlx::query!("DELETE FROM removals WHERE created_at_ms < ?1", self.before_ms)
            .execute(&mut *connection)
            .await?;
        if dropped.rows_affected() > 0 {
            wipe_later(connection).await?;
        }
        Ok(dropped.rows_affected())
    }
}

struct CloseRemoval {
    row: i64,
    note: Note,
}

impl Change for CloseRemoval {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let closed = sqlx::query!("DELETE FROM removals WHERE row = ?1", self.row).execute(&mut *connection).await?;
        if closed.rows_affected() == 0 {
            return Ok(false);
        }
        put_note(&mut *connection, &self.note).await?;
        wipe_later(connection).await?;
        Ok(true)
    }
}
