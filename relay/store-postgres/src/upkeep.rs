//! What is done to the database as a whole.

use raidcast_shared::id::EncounterId;
use raidcast_store::code::{self, Ids};
use raidcast_store::limits::KEYED_AT_ONCE;
use raidcast_store::{Backlog, KeyEncounter, KeyedEncounters, OnCommit, StoreError, StoreFuture, Upkeep};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::PostgresStore;
use crate::error::{Failure, store_error};
use crate::limits::ANSWER_WAIT;
use crate::writer::Ping;

impl Upkeep for PostgresStore {
    fn key_encounters(&self, key: KeyEncounter) -> StoreFuture<'_, KeyedEncounters> {
        // Unbounded: a large relay's fights take what they take, once.
        Box::pin(async move {
            let mut connection = self.server.connect().await?;
            Ok(key_encounters(&mut connection, &key).await?)
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        Self::answer(async { Ok(self.queue.ask(0, Ping).await?) })
    }

    fn backlog(&self) -> Backlog {
        self.queue.backlog()
    }

    fn on_commit(&self, told: OnCommit) {
        self.queue.on_commit(told);
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            self.queue.close().await?;
            // Closing waits for what others are at; a server that is gone does not keep them longer than this.
            let _ = tokio::time::timeout(ANSWER_WAIT, async { tokio::join!(self.pool.close(), self.searches.close()) })
                .await;
            Ok(())
        })
    }
}

/// Replaces ids as clients make them by keyed ones, unless that was done, and wipes the old ones from the table: a
/// server keeps what was changed beside what it was changed to until the table is written anew.
async fn key_encounters(connection: &mut PgConnection, key: &KeyEncounter) -> Result<KeyedEncounters, Failure> {
    let mut transaction = connection.begin().await?;
    let state = sqlx::query_scalar!("SELECT state FROM upkeep WHERE name = 'encounter_ids' FOR UPDATE")
        .fetch_optional(&mut *transaction)
        .await?;
    let ids = code::ids(state);
    let mut replaced = 0;
    if ids == Ids::AsMade {
        replaced = replace(&mut transaction, key).await?;
        set_ids(&mut transaction, Ids::Keyed).await?;
    }
    transaction.commit().await?;
    let wiped = match ids {
        Ids::Wiped => Ok(()),
        Ids::AsMade | Ids::Keyed => wipe(connection).await.map_err(|error| store_error(&error)),
    };
    Ok(KeyedEncounters { replaced, wiped })
}

async fn replace(connection: &mut PgConnection, key: &KeyEncounter) -> Result<u64, Failure> {
    let (mut replaced, mut last) = (0, i64::MIN);
    loop {
        let batch = sqlx::query!(
            "SELECT row, encounter_id FROM encounters WHERE row > $1 ORDER BY row LIMIT $2",
            last,
            KEYED_AT_ONCE,
        )
        .fetch_all(&mut *connection)
        .await?;
        let Some(newest) = batch.last() else { return Ok(replaced) };
        last = newest.row;
        let rows: Vec<i64> = batch.iter().map(|encounter| encounter.row).collect();
        let keyed: Vec<Uuid> = batch.iter().map(|encounter| key(EncounterId(encounter.encounter_id)).0).collect();
        let changed = sqlx::query!(
            "UPDATE encounters e SET encounter_id = n.keyed
             FROM unnest($1::BIGINT[], $2::UUID[]) AS n (held, keyed) WHERE e.row = n.held",
            &rows,
            &keyed,
        )
        .execute(&mut *connection)
        .await?;
        if changed.rows_affected() != rows.len() as u64 {
            return Err(StoreError::Damaged("encounters changed while their ids were replaced".into()).into());
        }
        replaced += rows.len() as u64;
    }
}

async fn set_ids(connection: &mut PgConnection, ids: Ids) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO upkeep (name, state) VALUES ('encounter_ids', $1)
         ON CONFLICT (name) DO UPDATE SET state = excluded.state",
        code::of_ids(ids),
    )
    .execute(connection)
    .await
    .map(drop)
}

async fn wipe(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // Where there never was a raid there never was a fight.
    let raids = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM raids"#).fetch_one(&mut *connection).await?;
    if raids > 0 {
        sqlx::raw_sql("VACUUM FULL encounters").execute(&mut *connection).await?;
    }
    set_ids(connection, Ids::Wiped).await
}
