//! The rows by which encounters are found, and who may find them.

use raidcast_store::Derived;
use raidcast_store::row::json;
use raidcast_store::search::{SearchColumns, SearchRows};
use sqlx::sqlite::SqliteConnection;

use crate::error::Failure;

/// Puts the rows by which an encounter is found in place of those it has.
pub(crate) async fn keep(connection: &mut SqliteConnection, encounter: i64, derived: &Derived) -> Result<(), Failure> {
    forget(connection, encounter).await?;
    let columns = sqlx::query_as!(
        SearchColumns,
        "SELECT visibility, state, started_at_ms, created_at_ms, duration_ms, damage_ms, outcome, scene, scene_id,
                difficulty, players, damage
         FROM encounters WHERE row = ?1",
        encounter,
    )
    .fetch_one(&mut *connection)
    .await?;
    let SearchRows { listed, dps, classes, specs, terms, names, parts } = SearchRows::of(&columns, derived);
    sqlx::query!(
        "INSERT INTO search_encounters (encounter, outcome, difficulty, players, classes, specs)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        encounter,
        columns.outcome,
        columns.difficulty,
        columns.players,
        classes,
        specs,
    )
    .execute(&mut *connection)
    .await?;
    let terms = json(&terms);
    sqlx::query!(
        "INSERT INTO search_terms (encounter, term, listed, started_at_ms, created_at_ms, duration_ms, dps)
         SELECT ?1, value, ?3, ?4, ?5, ?6, ?7 FROM json_each(?2)",
        encounter,
        terms,
        listed,
        columns.started_at_ms,
        columns.created_at_ms,
        columns.duration_ms,
        dps,
    )
    .execute(&mut *connection)
    .await?;
    let (names, parts) = (json(&names), json(&parts));
    sqlx::query!(
        "INSERT INTO search_names (term, name, uses)
         SELECT value ->> 'term', value ->> 'name', 1 FROM json_each(?1) WHERE TRUE
         ON CONFLICT (term) DO UPDATE SET uses = uses + 1",
        names,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO search_parts (part, term)
         SELECT value ->> 'part', value ->> 'term' FROM json_each(?1) WHERE TRUE ON CONFLICT DO NOTHING",
        parts,
    )
    .execute(&mut *connection)
    .await?;
    changed(connection).await
}

/// Removes the rows by which an encounter is found, and names that no other has.
pub(crate) async fn forget(connection: &mut SqliteConnection, encounter: i64) -> Result<(), Failure> {
    sqlx::query!(
        "UPDATE search_names SET uses = uses - 1 WHERE term IN (SELECT term FROM search_terms WHERE encounter = ?1)",
        encounter,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM search_names
         WHERE uses <= 0 AND term IN (SELECT term FROM search_terms WHERE encounter = ?1)",
        encounter,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM search_encounters WHERE encounter = ?1", encounter).execute(connection).await?;
    Ok(())
}

/// Removes all of them.
pub(crate) async fn empty(connection: &mut SqliteConnection) -> Result<(), Failure> {
    sqlx::query!("DELETE FROM search_parts").execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM search_names").execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM search_terms").execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM search_encounters").execute(&mut *connection).await?;
    changed(connection).await
}

/// Final reports of a raid are public now, or no more.
pub(crate) async fn list_raid(connection: &mut SqliteConnection, raid: i64, listed: bool) -> Result<(), Failure> {
    sqlx::query!(
        "UPDATE search_terms SET listed = ?2
         WHERE encounter IN (SELECT row FROM encounters WHERE raid = ?1 AND state = 2) AND listed <> ?2",
        raid,
        listed,
    )
    .execute(&mut *connection)
    .await?;
    changed(connection).await
}

/// An encounter is another raid's now.
pub(crate) async fn list_moved(connection: &mut SqliteConnection, encounter: i64) -> Result<(), Failure> {
    sqlx::query!(
        "UPDATE search_terms
         SET listed = (SELECT e.visibility = 0 AND e.state = 2 FROM encounters e WHERE e.row = ?1)
         WHERE encounter = ?1",
        encounter,
    )
    .execute(&mut *connection)
    .await?;
    changed(connection).await
}

/// Says that what is found, or shown of it, is another from now on: the last thing that a transaction does, for others wait
/// behind it.
pub(crate) async fn changed(connection: &mut SqliteConnection) -> Result<(), Failure> {
    sqlx::query!("UPDATE search_state SET changes = changes + 1").execute(connection).await?;
    Ok(())
}
