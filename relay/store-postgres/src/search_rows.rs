//! The rows by which encounters are found, and who may find them.

use std::collections::BTreeMap;

use raidcast_store::Term;
use raidcast_store::row::json;
use raidcast_store::search::{
    Listed, OF_FIGHT, ShownColumns, hidden_terms, parts_of, shared_terms, term_of_name, terms_of_player,
};
use sqlx::PgConnection;

use crate::error::Failure;

/// Names the lock of names, of who may find what, and of who is hidden.
const NAMES_LOCK: i64 = i64::from_be_bytes(*b"rc names");
/// Names the lock that those take one after the other who share [`NAMES_LOCK`].
const TURN_LOCK: i64 = i64::from_be_bytes(*b"rc turns");

/// Waits until nobody else puts or removes names, or changes who may find what. It comes before all other locks of a
/// transaction.
pub(crate) async fn lock(connection: &mut PgConnection) -> Result<(), Failure> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", NAMES_LOCK).execute(connection).await?;
    Ok(())
}

/// Waits until nobody changes who may find what, or this encounter: for who puts what is derived of it, beside others who
/// do. What a crash of the database forgets of that is done again, so that nobody waits for the disk.
pub(crate) async fn share(connection: &mut PgConnection, encounter: i64) -> Result<(), Failure> {
    // A row is locked when all else of the statement is done.
    sqlx::query!(
        "WITH shared AS MATERIALIZED (
             SELECT set_config('synchronous_commit', 'off', TRUE), pg_advisory_xact_lock_shared($1))
         SELECT e.row FROM shared, encounters e WHERE e.row = $2 FOR NO KEY UPDATE OF e",
        NAMES_LOCK,
        encounter,
    )
    .fetch_optional(connection)
    .await?;
    Ok(())
}

/// Waits until none of those who [`share`] is at names, or at which reports are of one fight: who removes a name that
/// nobody had, and who puts it anew, take turns, and of two reports of one fight the later one meets the other.
pub(crate) async fn turn(connection: &mut PgConnection) -> Result<(), Failure> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", TURN_LOCK).execute(connection).await?;
    Ok(())
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

/// What may be found of final reports of a raid is this from now on.
pub(crate) async fn list_raid(connection: &mut PgConnection, raid: i64, listed: Listed) -> Result<(), Failure> {
    let encounters = sqlx::query_scalar!("SELECT row FROM encounters WHERE raid = $1 AND state = 2", raid)
        .fetch_all(&mut *connection)
        .await?;
    list(connection, encounters, listed).await
}

/// An encounter is another raid's now.
pub(crate) async fn list_moved(connection: &mut PgConnection, encounter: i64) -> Result<(), Failure> {
    let now = sqlx::query!(
        "SELECT e.visibility, r.names, e.state FROM encounters e JOIN raids r ON r.row = e.raid WHERE e.row = $1",
        encounter
    )
    .fetch_one(&mut *connection)
    .await?;
    let listed = Listed::of(now.visibility.into(), now.names.into(), now.state.into());
    list(connection, vec![encounter], listed).await
}

/// A player is hidden from now on, or is so no more.
pub(crate) async fn list_player(connection: &mut PgConnection, player: &str, hidden: bool) -> Result<(), Failure> {
    // Who is hidden has no name that anybody asks for.
    sqlx::query!("UPDATE encounter_players SET name_term = NULL WHERE actor_id = $1", player)
        .execute(&mut *connection)
        .await?;
    if !hidden {
        let names = sqlx::query_scalar!(
            r#"SELECT DISTINCT name AS "name!" FROM encounter_players WHERE actor_id = $1 AND name IS NOT NULL"#,
            player
        )
        .fetch_all(&mut *connection)
        .await?;
        for name in names {
            let term = term_of_name(Some(&name)).map(|term| term.0);
            sqlx::query!(
                "UPDATE encounter_players SET name_term = $3 WHERE actor_id = $1 AND name = $2",
                player,
                name,
                term
            )
            .execute(&mut *connection)
            .await?;
        }
    }
    let players = sqlx::query_as!(
        ShownColumns,
        r#"SELECT p.encounter AS "encounter!", p.actor_id AS "actor_id!", p.name, p.class_id, p.class_spec,
                  o.player IS NOT NULL AS "hidden!"
           FROM encounter_players p LEFT JOIN opt_outs o ON o.player = p.actor_id
           WHERE p.encounter IN (SELECT h.encounter FROM encounter_players h WHERE h.actor_id = $1)"#,
        player,
    )
    .fetch_all(&mut *connection)
    .await?;
    let shared = shared_terms(&players);
    let (of, terms): (Vec<i64>, Vec<i64>) = shared.iter().map(|shared| (shared.encounter, shared.term.0)).unzip();
    let marks: Vec<i64> = shared.iter().map(|shared| shared.marks.0).collect();
    sqlx::query!(
        "UPDATE search_terms AS t SET marks = (t.marks & $4) | h.marks
         FROM unnest($1::BIGINT[], $2::BIGINT[], $3::BIGINT[]) AS h (encounter, term, marks)
         WHERE t.encounter = h.encounter AND t.term = h.term",
        &of,
        &terms,
        &marks,
        OF_FIGHT,
    )
    .execute(&mut *connection)
    .await?;
    let fights = sqlx::query!(
        "SELECT e.row, e.visibility, r.names, e.state FROM encounter_players p
         JOIN encounters e ON e.row = p.encounter JOIN raids r ON r.row = e.raid WHERE p.actor_id = $1",
        player,
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut alike: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for fight in fights {
        let listed = Listed::of(fight.visibility.into(), fight.names.into(), fight.state.into());
        alike.entry((listed.fight, listed.players)).or_default().push(fight.row);
    }
    for ((fight, players), encounters) in alike {
        list(connection, encounters, Listed { fight, players }).await?;
    }
    Ok(())
}

/// Takes fights out of what is found by players who are hidden; whether there was any such.
async fn unlist_hidden(connection: &mut PgConnection, encounters: &[i64]) -> Result<bool, Failure> {
    let players = sqlx::query_as!(
        ShownColumns,
        r#"SELECT p.encounter AS "encounter!", p.actor_id AS "actor_id!", p.name, p.class_id, p.class_spec,
                  o.player IS NOT NULL AS "hidden!"
           FROM encounter_players p LEFT JOIN opt_outs o ON o.player = p.actor_id
           WHERE p.encounter IN (SELECT h.encounter FROM encounter_players h JOIN opt_outs w ON w.player = h.actor_id
                                 WHERE h.encounter = ANY ($1))"#,
        encounters,
    )
    .fetch_all(&mut *connection)
    .await?;
    if players.is_empty() {
        return Ok(false);
    }
    let hidden = hidden_terms(&players);
    let (fights, terms): (Vec<i64>, Vec<i64>) = hidden.iter().map(|hidden| (hidden.encounter, hidden.term.0)).unzip();
    sqlx::query!(
        "UPDATE search_names SET listed = search_names.listed - c.changed
         FROM (SELECT t.term, count(*) AS changed FROM unnest($1::BIGINT[], $2::BIGINT[]) AS h (encounter, term)
               JOIN search_terms t ON t.encounter = h.encounter AND t.term = h.term
               WHERE t.listed GROUP BY t.term) AS c
         WHERE c.term = search_names.term",
        &fights,
        &terms,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE search_terms AS t SET listed = FALSE FROM unnest($1::BIGINT[], $2::BIGINT[]) AS h (encounter, term)
         WHERE t.encounter = h.encounter AND t.term = h.term AND t.listed",
        &fights,
        &terms,
    )
    .execute(connection)
    .await?;
    Ok(true)
}

/// The terms of all players of these.
async fn player_terms(connection: &mut PgConnection, encounters: &[i64]) -> Result<Vec<i64>, Failure> {
    let players = sqlx::query!(
        "SELECT DISTINCT actor_id, name_term, CASE WHEN name_term IS NULL THEN name END AS name FROM encounter_players
         WHERE encounter = ANY ($1)",
        encounters,
    )
    .fetch_all(connection)
    .await?;
    let terms = players.iter().flat_map(|player| {
        // Who is hidden has no term of his name there.
        let name = player.name_term.map(Term).or_else(|| term_of_name(player.name.as_deref()));
        terms_of_player(&player.actor_id, name)
    });
    Ok(terms.map(|term| term.0).collect())
}

/// What may be found of these is this from now on.
async fn list(connection: &mut PgConnection, encounters: Vec<i64>, listed: Listed) -> Result<(), Failure> {
    let players = player_terms(connection, &encounters).await?;
    for (of_players, listed) in [(false, listed.fight), (true, listed.players)] {
        let step: i64 = if listed { 1 } else { -1 };
        sqlx::query!(
            "UPDATE search_names SET listed = search_names.listed + $5 * c.changed
             FROM (SELECT t.term, count(*) AS changed FROM search_terms t
                   WHERE t.encounter = ANY ($1) AND t.listed <> $2
                     AND (t.term = ANY ($3)) = $4 GROUP BY t.term) AS c
             WHERE c.term = search_names.term",
            &encounters,
            listed,
            &players,
            of_players,
            step,
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!(
            "UPDATE search_terms AS t SET listed = $2
             WHERE t.encounter = ANY ($1) AND t.listed <> $2
               AND (t.term = ANY ($3)) = $4",
            &encounters,
            listed,
            &players,
            of_players,
        )
        .execute(&mut *connection)
        .await?;
    }
    let hides = unlist_hidden(connection, &encounters).await?;
    // A name has its parts while anybody may find it.
    if listed.fight {
        let names = sqlx::query!(
            "SELECT DISTINCT n.term, n.name FROM search_terms t JOIN search_names n ON n.term = t.term
             WHERE t.encounter = ANY ($1) AND n.listed > 0",
            &encounters,
        )
        .fetch_all(&mut *connection)
        .await?;
        let parts: Vec<_> = names.iter().flat_map(|name| parts_of(Term(name.term), &name.name)).collect();
        put_parts(connection, &json(&parts)).await?;
    }
    if !listed.players || hides {
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
