//! Damage to finished databases: what a reader has to survive.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};

use crate::error::MeterkitError;
use crate::writer::connect;

/// One row of `damage_skill_stats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkillRow {
    /// Encounter id.
    pub encounter: i64,
    /// Who hit.
    pub attacker: i64,
    /// Who was hit.
    pub defender: i64,
    /// Base skill.
    pub skill: i64,
}

/// Sets a row's counter of hits without touching its array.
///
/// # Errors
/// `NoRow` if the row is not there.
pub async fn set_hits(path: &Path, row: SkillRow, hits: i64) -> Result<(), MeterkitError> {
    let mut connection = connect(path).await?;
    let done = sqlx::query(
        "UPDATE damage_skill_stats SET hits = ?
         WHERE encounter_id = ? AND attacker_id = ? AND defender_id = ? AND skill_id = ?",
    )
    .bind(hits)
    .bind(row.encounter)
    .bind(row.attacker)
    .bind(row.defender)
    .bind(row.skill)
    .execute(&mut connection)
    .await?;
    finish(connection, done.rows_affected()).await
}

/// Cuts a row's array in half, so that it is no JSON any more.
///
/// # Errors
/// `NoRow` if the row is not there.
pub async fn break_json(path: &Path, row: SkillRow) -> Result<(), MeterkitError> {
    let mut connection = connect(path).await?;
    let done = sqlx::query(
        "UPDATE damage_skill_stats SET hit_details = substr(hit_details, 1, length(hit_details) / 2)
         WHERE encounter_id = ? AND attacker_id = ? AND defender_id = ? AND skill_id = ?",
    )
    .bind(row.encounter)
    .bind(row.attacker)
    .bind(row.defender)
    .bind(row.skill)
    .execute(&mut connection)
    .await?;
    finish(connection, done.rows_affected()).await
}

/// Turns every bit in the second half of a chunk's data.
///
/// # Errors
/// `NoRow` if the chunk is not there.
pub async fn corrupt_chunk(path: &Path, encounter: i64, stream: &str, index: i64) -> Result<(), MeterkitError> {
    let mut connection = connect(path).await?;
    let found = sqlx::query(
        "SELECT rowid, data FROM encounter_event_chunks WHERE encounter_id = ? AND stream_kind = ? AND chunk_index = ?",
    )
    .bind(encounter)
    .bind(stream)
    .bind(index)
    .fetch_optional(&mut connection)
    .await?
    .ok_or(MeterkitError::NoRow)?;
    let mut data: Vec<u8> = found.try_get("data")?;
    let half = data.len() / 2;
    for byte in &mut data[half..] {
        *byte = !*byte;
    }
    let done = sqlx::query("UPDATE encounter_event_chunks SET data = ? WHERE rowid = ?")
        .bind(data)
        .bind(found.try_get::<i64, _>("rowid")?)
        .execute(&mut connection)
        .await?;
    finish(connection, done.rows_affected()).await
}

/// Rewrites all arrays of an aggregate database with the short keys that early builds of the meter used.
///
/// # Errors
/// `Json` if an array is not what this crate writes.
pub async fn shorten_keys(path: &Path) -> Result<(), MeterkitError> {
    let mut connection = connect(path).await?;
    let mut transaction = connection.begin().await?;
    let hits = sqlx::query("SELECT rowid, hit_details FROM damage_skill_stats").fetch_all(&mut *transaction).await?;
    for row in hits {
        sqlx::query("UPDATE damage_skill_stats SET hit_details = ? WHERE rowid = ?")
            .bind(short(row.try_get("hit_details")?)?)
            .bind(row.try_get::<i64, _>("rowid")?)
            .execute(&mut *transaction)
            .await?;
    }
    let heals = sqlx::query("SELECT rowid, heal_details FROM heal_skill_stats").fetch_all(&mut *transaction).await?;
    for row in heals {
        sqlx::query("UPDATE heal_skill_stats SET heal_details = ? WHERE rowid = ?")
            .bind(short(row.try_get("heal_details")?)?)
            .bind(row.try_get::<i64, _>("rowid")?)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    finish(connection, 1).await
}

/// A hit or heal under its long keys.
#[derive(Deserialize)]
struct Long {
    timestamp: i64,
    #[serde(alias = "damage", alias = "heal")]
    value: i64,
    crit: bool,
    lucky: bool,
    hp_loss: Option<i64>,
    shield_loss: Option<i64>,
}

/// The same under its short keys, flags as integers; heals have no losses.
#[derive(Serialize)]
struct Short {
    t: i64,
    v: i64,
    c: u8,
    l: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    h: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<i64>,
}

fn short(array: &str) -> Result<String, MeterkitError> {
    let long: Vec<Long> = serde_json::from_str(array)?;
    let short: Vec<Short> = long
        .into_iter()
        .map(|l| Short {
            t: l.timestamp,
            v: l.value,
            c: u8::from(l.crit),
            l: u8::from(l.lucky),
            h: l.hp_loss,
            s: l.shield_loss,
        })
        .collect();
    Ok(serde_json::to_string(&short)?)
}

async fn finish(connection: SqliteConnection, changed: u64) -> Result<(), MeterkitError> {
    connection.close().await?;
    if changed == 0 { Err(MeterkitError::NoRow) } else { Ok(()) }
}
