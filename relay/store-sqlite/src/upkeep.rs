//! What is done to the file as a whole.
//!
//! What is deleted is overwritten at once ([`crate::file`]); what was deleted before that was so goes when the file is written
//! anew, once.

use raidcast_shared::id::EncounterId;
use raidcast_store::code::{self, Ids};
use raidcast_store::limits::KEYED_AT_ONCE;
use raidcast_store::row::Id;
use raidcast_store::{Backlog, KeyEncounter, KeyedEncounters, OnCommit, StoreFuture, Upkeep};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::error::Failure;
use crate::job::Change;
use crate::writer::Request;

impl Upkeep for SqliteStore {
    fn key_encounters(&self, key: KeyEncounter) -> StoreFuture<'_, KeyedEncounters> {
        Box::pin(async move {
            let (replaced, ids) = self.write(KeyEncounters(key)).await?;
            let wiped = match ids {
                Ids::Wiped => Ok(()),
                _ => match self.queue.ask(0, Request::Rewrite).await {
                    Ok(()) => self.write(SetIds(Ids::Wiped)).await,
                    Err(error) => Err(error),
                },
            };
            Ok(KeyedEncounters { replaced, wiped })
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        self.write(Ping)
    }

    fn backlog(&self) -> Backlog {
        self.queue.backlog()
    }

    fn on_commit(&self, told: OnCommit) {
        self.queue.on_commit(told);
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            // Readers first: the last connection to close is the writer's, which takes the WAL away.
            self.readers.close().await;
            self.queue.close().await
        })
    }
}

/// Replaces all ids, unless that was done. Gives how many there were, and how far the ids are now.
struct KeyEncounters(KeyEncounter);

impl Change for KeyEncounters {
    type Output = (u64, Ids);

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(u64, Ids), Failure> {
        let state = sqlx::query_scalar!("SELECT state FROM upkeep WHERE name = 'encounter_ids'")
            .fetch_optional(&mut *connection)
            .await?;
        let ids = code::ids(state);
        if ids != Ids::AsMade {
            return Ok((0, ids));
        }
        let replaced = self.replace(connection).await?;
        // Where there never was a raid there never was a fight.
        let raids =
            sqlx::query_scalar!(r#"SELECT COUNT(*) AS "count!: i64" FROM raids"#).fetch_one(&mut *connection).await?;
        let ids = if raids == 0 { Ids::Wiped } else { Ids::Keyed };
        SetIds(ids).run(connection).await?;
        Ok((replaced, ids))
    }
}

impl KeyEncounters {
    async fn replace(&self, connection: &mut SqliteConnection) -> Result<u64, Failure> {
        let (mut replaced, mut last) = (0, i64::MIN);
        loop {
            let batch = sqlx::query!(
                r#"SELECT row AS "row!", encounter_id FROM encounters WHERE row > ?1 ORDER BY row LIMIT ?2"#,
                last,
                KEYED_AT_ONCE,
            )
            .fetch_all(&mut *connection)
            .await?;
            let Some(newest) = batch.last() else { return Ok(replaced) };
            last = newest.row;
            for encounter in batch {
                let keyed = (self.0)(EncounterId(Id::from(encounter.encounter_id).read()?));
                let keyed = keyed.0.as_bytes().as_slice();
                sqlx::query!("UPDATE encounters SET encounter_id = ?2 WHERE row = ?1", encounter.row, keyed)
                    .execute(&mut *connection)
                    .await?;
                replaced += 1;
            }
        }
    }
}

/// Keeps how far the ids are.
struct SetIds(Ids);

impl Change for SetIds {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let state = code::of_ids(self.0);
        sqlx::query!(
            "INSERT INTO upkeep (name, state) VALUES ('encounter_ids', ?1)
             ON CONFLICT (name) DO UPDATE SET state = excluded.state",
            state,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Writes something that has to reach the disk.
struct Ping;

impl Change for Ping {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        // More than the row's page, so that a disk without room for another one is told from one that has it.
        sqlx::query!("UPDATE ping SET room = zeroblob(16384)").execute(&mut *connection).await?;
        sqlx::query!("UPDATE ping SET room = NULL").execute(connection).await?;
        Ok(())
    }
}
