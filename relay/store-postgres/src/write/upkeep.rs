use raidcast_shared::id::EncounterId;
use raidcast_store::{KeyEncounter, KeyedEncounters, StoreError};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::error::{Failure, store_error};
use crate::limits::KEYED_AT_ONCE;

/// Replaces ids as clients make them by keyed ones, unless that was done, and wipes the old ones from the table: a
/// server keeps what was changed beside what it was changed to until the table is written anew.
pub(crate) async fn key_encounters(
    connection: &mut PgConnection,
    key: &KeyEncounter,
) -> Result<KeyedEncounters, Failure> {
    let mut transaction = connection.begin().await?;
    let state = sqlx::query_scalar!("SELECT state FROM upkeep WHERE name = 'encounter_ids' FOR UPDATE")
        .fetch_optional(&mut *transaction)
        .await?;
    let state = state.unwrap_or_default();
    let mut replaced = 0;
    if state == 0 {
        replaced = replace(&mut transaction, key).await?;
        set_state(&mut transaction, 1).await?;
    }
    transaction.commit().await?;
    let wiped = if state < 2 { wipe(connection).await.map_err(|error| store_error(&error)) } else { Ok(()) };
    Ok(KeyedEncounters { replaced, wiped })
}

async fn replace(connection: &mut PgConnection, key: &KeyEncounter) -> Result<u64, Failure> {
    let (mut replaced, mut last) = (0, i64::MIN);
    loop {
        let held = sqlx::query!(
            "SELECT row, encounter_id FROM encounters WHERE row > $1 ORDER BY row LIMIT $2",
            last,
            KEYED_AT_ONCE,
        )
        .fetch_all(&mut *connection)
        .await?;
        let Some(newest) = held.last() else { return Ok(replaced) };
        last = newest.row;
        let rows: Vec<i64> = held.iter().map(|encounter| encounter.row).collect();
        let keyed: Vec<Uuid> = held.iter().map(|encounter| key(EncounterId(encounter.encounter_id)).0).collect();
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

async fn set_state(connection: &mut PgConnection, state: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO upkeep (name, state) VALUES ('encounter_ids', $1)
         ON CONFLICT (name) DO UPDATE SET state = excluded.state",
        state,
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
    set_state(connection, 2).await
}
