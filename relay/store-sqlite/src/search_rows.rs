//! The rows by which encounters are found, and who may find them.

use raidcast_store::row::json;
use raidcast_store::search::{SearchColumns, SearchRows, parts_of};
use raidcast_store::{Derived, Term};
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
    let SearchRows { listed, dps, terms, names, parts } = SearchRows::of(&columns, derived);
    let terms = json(&terms);
    sqlx::query!(
        "INSERT INTO search_terms (encounter, term, listed, started_at_ms, created_at_ms, duration_ms, dps, marks)
         SELECT ?1, value ->> 'term', ?3, ?4, ?5, ?6, ?7, value ->> 'marks' FROM json_each(?2)",
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
        "INSERT INTO search_names (term, name, uses, listed)
         SELECT value ->> 'term', value ->> 'name', 1, ?2 FROM json_each(?1) WHERE TRUE
         ON CONFLICT (term) DO UPDATE SET uses = uses + 1, listed = listed + ?2",
        names,
        listed,
    )
    .execute(&mut *connection)
    .await?;
    if listed {
        put_parts(connection, &parts).await?;
    }
    changed(connection).await
}

async fn put_parts(connection: &mut SqliteConnection, parts: &str) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO search_parts (part, term)
         SELECT value ->> 'part', value ->> 'term' FROM json_each(?1) WHERE TRUE ON CONFLICT DO NOTHING",
        parts,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes the rows by which an encounter is found, and names that no other has.
pub(crate) async fn forget(connection: &mut SqliteConnection, encounter: i64) -> Result<(), Failure> {
    sqlx::query!(
        "UPDATE search_names SET uses = uses - 1, listed = search_names.listed - CAST(t.listed AS INTEGER) FROM search_terms t
         WHERE t.encounter = ?1 AND t.term = search_names.term",
        encounter,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM search_parts WHERE term IN (
             SELECT n.term FROM search_terms t JOIN search_names n ON n.term = t.term
             WHERE t.encounter = ?1 AND n.listed <= 0)",
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
    sqlx::query!("DELETE FROM search_terms WHERE encounter = ?1", encounter).execute(connection).await?;
    Ok(())
}

/// Removes all of them.
pub(crate) async fn empty(connection: &mut SqliteConnection) -> Result<(), Failure> {
    sqlx::query!("DELETE FROM search_parts").execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM search_names").execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM search_terms").execute(&mut *connection).await?;
    changed(connection).await
}

/// Final reports of a raid are public now, or no more.
pub(crate) async fn list_raid(connection: &mut SqliteConnection, raid: i64, listed: bool) -> Result<(), Failure> {
    let encounters = sqlx::query_scalar!(r#"SELECT row AS "row!" FROM encounters WHERE raid = ?1 AND state = 2"#, raid)
        .fetch_all(&mut *connection)
        .await?;
    list(connection, encounters, listed).await
}

/// An encounter is another raid's now.
pub(crate) async fn list_moved(connection: &mut SqliteConnection, encounter: i64) -> Result<(), Failure> {
    let listed = sqlx::query_scalar!(
        r#"SELECT visibility = 0 AND state = 2 AS "listed!: bool" FROM encounters WHERE row = ?1"#,
        encounter
    )
    .fetch_one(&mut *connection)
    .await?;
    list(connection, vec![encounter], listed).await
}

/// These may be found from now on, or no more.
async fn list(connection: &mut SqliteConnection, encounters: Vec<i64>, listed: bool) -> Result<(), Failure> {
    let of = json(&encounters);
    let step: i64 = if listed { 1 } else { -1 };
    sqlx::query!(
        "UPDATE search_names SET listed = search_names.listed + ?3 * c.changed
         FROM (SELECT t.term, count(*) AS changed FROM search_terms t
               WHERE t.encounter IN (SELECT value FROM json_each(?1)) AND t.listed <> ?2 GROUP BY t.term) AS c
         WHERE c.term = search_names.term",
        of,
        listed,
        step,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE search_terms SET listed = ?2 WHERE encounter IN (SELECT value FROM json_each(?1)) AND listed <> ?2",
        of,
        listed,
    )
    .execute(&mut *connection)
    .await?;
    if listed {
        let names = sqlx::query!(
            r#"SELECT DISTINCT n.term, n.name FROM search_terms t JOIN search_names n ON n.term = t.term
         WHERE t.encounter IN (SELECT value FROM json_each(?1)) AND n.listed > 0"#,
            of,
        )
        .fetch_all(&mut *connection)
        .await?;
        let parts: Vec<_> = names.iter().flat_map(|name| parts_of(Term(name.term), &name.name)).collect();
        put_parts(connection, &json(&parts)).await?;
    } else {
        sqlx::query!(
            "DELETE FROM search_parts WHERE term IN (
                 SELECT n.term FROM search_terms t JOIN search_names n ON n.term = t.term
                 WHERE t.encounter IN (SELECT value FROM json_each(?1)) AND n.listed <= 0)",
            of,
        )
        .execute(&mut *connection)
        .await?;
    }
    changed(connection).await
}

/// Says that what is found, or shown of it, is another from now on: the last thing that a transaction does, for others wait
/// behind it.
pub(crate) async fn changed(connection: &mut SqliteConnection) -> Result<(), Failure> {
    sqlx::query!("UPDATE search_state SET changes = changes + 1").execute(connection).await?;
    Ok(())
}
