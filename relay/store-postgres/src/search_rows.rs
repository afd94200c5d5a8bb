//! The rows by which encounters are found, and who may find them.

use raidcast_store::row::json;
use raidcast_store::search::{SearchColumns, SearchRows, parts_of};
use raidcast_store::{Derived, Term};
use sqlx::PgConnection;

use crate::error::Failure;

/// Names the lock under which names are put and removed.
const NAMES_LOCK: i64 = i64::from_be_bytes(*b"rc names");

/// Waits until nobody else puts or removes names: who removes one that nobody had, and who puts it anew, take turns. It
/// comes before all other locks of a transaction.
pub(crate) async fn lock(connection: &mut PgConnection) -> Result<(), Failure> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", NAMES_LOCK).execute(connection).await?;
    Ok(())
}

/// The same for who need not wait for the disk: what a crash of the database forgets of the transaction is done again.
pub(crate) async fn lock_quickly(connection: &mut PgConnection) -> Result<(), Failure> {
    sqlx::query!("SELECT set_config('synchronous_commit', 'off', TRUE), pg_advisory_xact_lock($1)", NAMES_LOCK)
        .fetch_one(connection)
        .await?;
    Ok(())
}

/// Puts the rows by which an encounter is found in place of those it has.
pub(crate) async fn keep(connection: &mut PgConnection, encounter: i64, derived: &Derived) -> Result<(), Failure> {
    forget(connection, encounter).await?;
    let columns = sqlx::query_as!(
        SearchColumns,
        "SELECT visibility, state, started_at_ms, created_at_ms, duration_ms, damage_ms, outcome, scene, scene_id,
                difficulty, players, damage
         FROM encounters WHERE row = $1",
        encounter,
    )
    .fetch_one(&mut *connection)
    .await?;
    let SearchRows { listed, dps, terms, names, parts } = SearchRows::of(&columns, derived);
    let (terms, marks): (Vec<i64>, Vec<i64>) = terms.into_iter().map(|row| (row.term.0, row.marks.0)).unzip();
    sqlx::query!(
        "INSERT INTO search_terms (encounter, term, listed, started_at_ms, created_at_ms, duration_ms, dps, marks)
         SELECT $1, t.term, $3, $4, $5, $6, $7, t.marks FROM unnest($2::BIGINT[], $8::BIGINT[]) AS t (term, marks)",
        encounter,
        &terms,
        listed,
        columns.started_at_ms,
        columns.created_at_ms,
        columns.duration_ms,
        dps,
        &marks,
    )
    .execute(&mut *connection)
    .await?;
    let (names, parts) = (json(&names), json(&parts));
    sqlx::query!(
        "INSERT INTO search_names (term, name, uses, listed)
         SELECT n.term, n.name, 1, $2::BOOLEAN::INT FROM json_to_recordset($1::TEXT::JSON) AS n (term BIGINT, name TEXT)
         ON CONFLICT (term) DO UPDATE
         SET uses = search_names.uses + 1, listed = search_names.listed + excluded.listed",
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

async fn put_parts(connection: &mut PgConnection, parts: &str) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO search_parts (part, term)
         SELECT p.part, p.term FROM json_to_recordset($1::TEXT::JSON) AS p (part BIGINT, term BIGINT)
         ON CONFLICT DO NOTHING",
        parts,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes the rows by which an encounter is found, and names that no other has.
pub(crate) async fn forget(connection: &mut PgConnection, encounter: i64) -> Result<(), Failure> {
    sqlx::query!(
        "UPDATE search_names SET uses = uses - 1, listed = search_names.listed - t.listed::INT FROM search_terms t
         WHERE t.encounter = $1 AND t.term = search_names.term",
        encounter,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM search_parts WHERE term IN (
             SELECT n.term FROM search_terms t JOIN search_names n ON n.term = t.term
             WHERE t.encounter = $1 AND n.listed <= 0)",
        encounter,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM search_names
         WHERE uses <= 0 AND term IN (SELECT term FROM search_terms WHERE encounter = $1)",
        encounter,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM search_terms WHERE encounter = $1", encounter).execute(connection).await?;
    Ok(())
}

/// Final reports of a raid are public now, or no more.
pub(crate) async fn list_raid(connection: &mut PgConnection, raid: i64, listed: bool) -> Result<(), Failure> {
    let encounters = sqlx::query_scalar!("SELECT row FROM encounters WHERE raid = $1 AND state = 2", raid)
        .fetch_all(&mut *connection)
        .await?;
    list(connection, encounters, listed).await
}

/// An encounter is another raid's now.
pub(crate) async fn list_moved(connection: &mut PgConnection, encounter: i64) -> Result<(), Failure> {
    let listed = sqlx::query_scalar!(
        r#"SELECT visibility = 0 AND state = 2 AS "listed!" FROM encounters WHERE row = $1"#,
        encounter
    )
    .fetch_one(&mut *connection)
    .await?;
    list(connection, vec![encounter], listed).await
}

/// These may be found from now on, or no more.
async fn list(connection: &mut PgConnection, encounters: Vec<i64>, listed: bool) -> Result<(), Failure> {
    let step: i64 = if listed { 1 } else { -1 };
    sqlx::query!(
        "UPDATE search_names SET listed = search_names.listed + $3 * c.changed
         FROM (SELECT t.term, count(*) AS changed FROM search_terms t
               WHERE t.encounter = ANY ($1) AND t.listed <> $2 GROUP BY t.term) AS c
         WHERE c.term = search_names.term",
        &encounters,
        listed,
        step,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE search_terms SET listed = $2 WHERE encounter = ANY ($1) AND listed <> $2",
        &encounters,
        listed,
    )
    .execute(&mut *connection)
    .await?;
    if listed {
        let names = sqlx::query!(
            "SELECT DISTINCT n.term, n.name FROM search_terms t JOIN search_names n ON n.term = t.term
         WHERE t.encounter = ANY ($1) AND n.listed > 0",
            &encounters,
        )
        .fetch_all(&mut *connection)
        .await?;
        let parts: Vec<_> = names.iter().flat_map(|name| parts_of(Term(name.term), &name.name)).collect();
        put_parts(connection, &json(&parts)).await?;
    } else {
        sqlx::query!(
            "DELETE FROM search_parts WHERE term IN (
                 SELECT n.term FROM search_terms t JOIN search_names n ON n.term = t.term
                 WHERE t.encounter = ANY ($1) AND n.listed <= 0)",
            &encounters,
        )
        .execute(&mut *connection)
        .await?;
    }
    changed(connection).await
}

/// Says that what is found, or shown of it, is another from now on: the last thing that a transaction does, for others wait
/// behind it.
pub(crate) async fn changed(connection: &mut PgConnection) -> Result<(), Failure> {
    Ok(count_change(connection).await?)
}

/// See [`changed`].
pub(crate) async fn count_change(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE search_state SET changes = changes + 1").execute(connection).await.map(drop)
}
