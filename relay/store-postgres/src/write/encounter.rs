use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_store::{AccountId, EncounterRow, NewEncounter, StoredStream};
use sqlx::{PgConnection, PgPool};

use super::refused;
use crate::error::Failure;
use crate::read;

/// Keeps a new encounter with its first stream.
pub(crate) async fn begin_encounter(pool: &PgPool, new: &NewEncounter) -> Result<EncounterRow, Failure> {
    let mut transaction = pool.begin().await?;
    // The raid is locked, so that its visibility does not change between reading and writing it.
    let inserted = sqlx::query!(
        "INSERT INTO encounters (account, encounter_id, report_id, raid, visibility, started_at_ms, created_at_ms)
         SELECT $1, $2, $3, r.row, r.visibility, $5, $6 FROM raids r WHERE r.code = $4 AND r.account = $1 FOR SHARE OF r
         ON CONFLICT (account, encounter_id) DO NOTHING",
        new.key.account.0,
        new.key.encounter.0,
        new.report_id,
        new.raid_code,
        new.started_at_ms,
        new.created_at_ms,
    )
    .execute(&mut *transaction)
    .await?;
    let held = read::encounter(&mut *transaction, new.key.account, new.key.encounter)
        .await?
        .ok_or_else(|| refused(format!("no raid {} of the account", new.raid_code)))?;
    if inserted.rows_affected() == 1 {
        add_stream(&mut transaction, held.row, &new.stream).await?;
    }
    transaction.commit().await?;
    Ok(held)
}

/// Keeps another stream.
pub(crate) async fn begin_stream(pool: &PgPool, encounter: i64, stream: &StoredStream) -> Result<(), Failure> {
    let mut transaction = pool.begin().await?;
    let held = sqlx::query_scalar!("SELECT row FROM encounters WHERE row = $1 FOR KEY SHARE", encounter)
        .fetch_optional(&mut *transaction)
        .await?;
    if held.is_none() {
        return Err(refused(format!("no encounter {encounter}")));
    }
    add_stream(&mut transaction, encounter, stream).await?;
    transaction.commit().await?;
    Ok(())
}

/// Removes a reading that is given up, with its entries.
pub(crate) async fn drop_stream(pool: &PgPool, encounter: i64, stream: StreamId) -> Result<(), Failure> {
    sqlx::query!("DELETE FROM encounter_stream WHERE encounter = $1 AND stream = $2", encounter, stream.0)
        .execute(pool)
        .await?;
    Ok(())
}

async fn add_stream(connection: &mut PgConnection, encounter: i64, stream: &StoredStream) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO encounter_stream (encounter, stream, header) VALUES ($1, $2, $3)
         ON CONFLICT (encounter, stream) DO NOTHING",
        encounter,
        stream.stream.0,
        &stream.header[..],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves an encounter to another raid of its account.
pub(crate) async fn move_encounter(pool: &PgPool, encounter: i64, raid_code: &str) -> Result<(), Failure> {
    let refuse = || refused(format!("no encounter {encounter} and raid {raid_code} of one account"));
    let mut transaction = pool.begin().await?;
    let raid = sqlx::query!("SELECT row, account, visibility FROM raids WHERE code = $1 FOR SHARE", raid_code)
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or_else(refuse)?;
    let moved = sqlx::query!(
        "UPDATE encounters SET raid = $2, visibility = $4 WHERE row = $1 AND account = $3",
        encounter,
        raid.row,
        raid.account,
        raid.visibility,
    )
    .execute(&mut *transaction)
    .await?;
    if moved.rows_affected() == 0 {
        return Err(refuse());
    }
    transaction.commit().await?;
    Ok(())
}

/// Removes an encounter with all that hangs on it.
pub(crate) async fn discard(pool: &PgPool, account: AccountId, id: EncounterId) -> Result<bool, Failure> {
    let gone = sqlx::query!("DELETE FROM encounters WHERE account = $1 AND encounter_id = $2", account.0, id.0)
        .execute(pool)
        .await?;
    Ok(gone.rows_affected() > 0)
}
