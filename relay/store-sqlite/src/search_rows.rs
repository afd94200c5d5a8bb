//! The rows by which encounters are found, and who may find them.

use std::collections::{BTreeMap, HashSet};

use raidcast_store::row::json;
use raidcast_store::search::{
    Listed, OF_FIGHT, SearchColumns, SearchRows, ShownColumns, hidden_terms, parts_of, shared_terms, term_of_name,
    terms_of_player,
};
use raidcast_store::{Derived, Term};
use sqlx::sqlite::SqliteConnection;

use crate::error::Failure;

/// Which players of these are hidden everywhere.
pub(crate) async fn hidden(connection: &mut SqliteConnection, of: &Derived) -> Result<HashSet<String>, Failure> {
    let players = json(&of.players.iter().map(|player| &player.actor_id).collect::<Vec<_>>());
    let hidden =
        sqlx::query_scalar!("SELECT player FROM opt_outs WHERE player IN (SELECT value FROM json_each(?1))", players)
            .fetch_all(connection)
            .await?;
    Ok(hidden.into_iter().collect())
}

/// Puts the rows by which an encounter is found, by players who are not hidden, in place of those it has.
pub(crate) async fn keep(
    connection: &mut SqliteConnection,
    encounter: i64,
    derived: &Derived,
    hidden: &HashSet<String>,
) -> Result<(), Failure> {
    forget(connection, encounter).await?;
    let columns = sqlx::query_as!(
        SearchColumns,
        "SELECT e.visibility, r.names, e.state, e.started_at_ms, e.created_at_ms, e.duration_ms, e.damage_ms, e.outcome,
                e.scene, e.scene_id, e.difficulty, e.players, e.damage
         FROM encounters e JOIN raids r ON r.row = e.raid WHERE e.row = ?1",
        encounter,
    )
    .fetch_one(&mut *connection)
    .await?;
    let SearchRows { dps, terms, names, parts } = SearchRows::of(&columns, derived, hidden);
    let terms = json(&terms);
    sqlx::query!(
        "INSERT INTO search_terms (encounter, term, listed, started_at_ms, created_at_ms, duration_ms, dps, marks)
         SELECT ?1, value ->> 'term', value ->> 'listed', ?3, ?4, ?5, ?6, value ->> 'marks' FROM json_each(?2)",
        encounter,
        terms,
        columns.started_at_ms,
        columns.created_at_ms,
        columns.duration_ms,
        dps,
    )
    .execute(&mut *connection)
    .await?;
    let names = json(&names);
    sqlx::query!(
        "INSERT INTO search_names (term, name, uses, listed)
         SELECT value ->> 'term', value ->> 'name', 1, value ->> 'listed' FROM json_each(?1) WHERE TRUE
         ON CONFLICT (term) DO UPDATE SET uses = uses + 1, listed = search_names.listed + excluded.listed",
        names,
    )
    .execute(&mut *connection)
    .await?;
    if !parts.is_empty() {
        put_parts(connection, &json(&parts)).await?;
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

/// What may be found of final reports of a raid is this from now on.
pub(crate) async fn list_raid(connection: &mut SqliteConnection, raid: i64, listed: Listed) -> Result<(), Failure> {
    let encounters = sqlx::query_scalar!(r#"SELECT row AS "row!" FROM encounters WHERE raid = ?1 AND state = 2"#, raid)
        .fetch_all(&mut *connection)
        .await?;
    list(connection, encounters, listed).await
}

/// An encounter is another raid's now.
pub(crate) async fn list_moved(connection: &mut SqliteConnection, encounter: i64) -> Result<(), Failure> {
    let now = sqlx::query!(
        "SELECT e.visibility, r.names, e.state FROM encounters e JOIN raids r ON r.row = e.raid WHERE e.row = ?1",
        encounter
    )
    .fetch_one(&mut *connection)
    .await?;
    let listed = Listed::of(now.visibility, now.names, now.state);
    list(connection, vec![encounter], listed).await
}

/// A player is hidden from now on, or is so no more.
pub(crate) async fn list_player(connection: &mut SqliteConnection, player: &str, hidden: bool) -> Result<(), Failure> {
    // Who is hidden has no name that anybody asks for.
    sqlx::query!("UPDATE encounter_players SET name_term = NULL WHERE actor_id = ?1", player)
        .execute(&mut *connection)
        .await?;
    if !hidden {
        let names = sqlx::query_scalar!(
            r#"SELECT DISTINCT name AS "name!" FROM encounter_players WHERE actor_id = ?1 AND name IS NOT NULL"#,
            player
        )
        .fetch_all(&mut *connection)
        .await?;
        for name in names {
            let term = term_of_name(Some(&name)).map(|term| term.0);
            sqlx::query!(
                "UPDATE encounter_players SET name_term = ?3 WHERE actor_id = ?1 AND name = ?2",
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
        r#"SELECT p.encounter, p.actor_id, p.name, p.class_id, p.class_spec, o.player IS NOT NULL AS "hidden!: bool"
           FROM encounter_players p LEFT JOIN opt_outs o ON o.player = p.actor_id
           WHERE p.encounter IN (SELECT h.encounter FROM encounter_players h WHERE h.actor_id = ?1)"#,
        player,
    )
    .fetch_all(&mut *connection)
    .await?;
    let shared = json(&shared_terms(&players));
    sqlx::query!(
        "UPDATE search_terms AS t SET marks = (t.marks & ?2) | (h.value ->> 'marks') FROM json_each(?1) h
         WHERE t.encounter = h.value ->> 'encounter' AND t.term = h.value ->> 'term'",
        shared,
        OF_FIGHT,
    )
    .execute(&mut *connection)
    .await?;
    let fights = sqlx::query!(
        "SELECT e.row, e.visibility, r.names, e.state FROM encounter_players p
         JOIN encounters e ON e.row = p.encounter JOIN raids r ON r.row = e.raid WHERE p.actor_id = ?1",
        player,
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut alike: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for fight in fights {
        let listed = Listed::of(fight.visibility, fight.names, fight.state);
        alike.entry((listed.fight, listed.players)).or_default().push(fight.row);
    }
    for ((fight, players), encounters) in alike {
        list(connection, encounters, Listed { fight, players }).await?;
    }
    Ok(())
}

/// Takes fights out of what is found by players who are hidden; whether there was any such.
async fn unlist_hidden(connection: &mut SqliteConnection, encounters: &str) -> Result<bool, Failure> {
    let players = sqlx::query_as!(
        ShownColumns,
        r#"SELECT p.encounter, p.actor_id, p.name, p.class_id, p.class_spec, o.player IS NOT NULL AS "hidden!: bool"
           FROM encounter_players p LEFT JOIN opt_outs o ON o.player = p.actor_id
           WHERE p.encounter IN (SELECT h.encounter FROM encounter_players h JOIN opt_outs w ON w.player = h.actor_id
                                 WHERE h.encounter IN (SELECT value FROM json_each(?1)))"#,
        encounters,
    )
    .fetch_all(&mut *connection)
    .await?;
    if players.is_empty() {
        return Ok(false);
    }
    let hidden = json(&hidden_terms(&players));
    sqlx::query!(
        "UPDATE search_names SET listed = search_names.listed - c.changed
         FROM (SELECT t.term, count(*) AS changed FROM json_each(?1) h
               JOIN search_terms t ON t.encounter = h.value ->> 'encounter' AND t.term = h.value ->> 'term'
               WHERE t.listed GROUP BY t.term) AS c
         WHERE c.term = search_names.term",
        hidden,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE search_terms AS t SET listed = 0 FROM json_each(?1) h
         WHERE t.encounter = h.value ->> 'encounter' AND t.term = h.value ->> 'term' AND t.listed",
        hidden,
    )
    .execute(connection)
    .await?;
    Ok(true)
}

/// The terms of all players of these.
async fn player_terms(connection: &mut SqliteConnection, encounters: &str) -> Result<Vec<Term>, Failure> {
    let players = sqlx::query!(
        "SELECT DISTINCT actor_id, name_term, iif(name_term IS NULL, name, NULL) AS name FROM encounter_players
         WHERE encounter IN (SELECT value FROM json_each(?1))",
        encounters,
    )
    .fetch_all(connection)
    .await?;
    let terms = players.iter().flat_map(|player| {
        // Who is hidden has no term of his name there.
        let name = player.name_term.map(Term).or_else(|| term_of_name(player.name.as_deref()));
        terms_of_player(&player.actor_id, name)
    });
    Ok(terms.collect())
}

/// What may be found of these is this from now on.
async fn list(connection: &mut SqliteConnection, encounters: Vec<i64>, listed: Listed) -> Result<(), Failure> {
    let of = json(&encounters);
    let players = json(&player_terms(connection, &of).await?);
    for (of_players, listed) in [(false, listed.fight), (true, listed.players)] {
        let step: i64 = if listed { 1 } else { -1 };
        sqlx::query!(
            "UPDATE search_names SET listed = search_names.listed + ?5 * c.changed
             FROM (SELECT t.term, count(*) AS changed FROM search_terms t
                   WHERE t.encounter IN (SELECT value FROM json_each(?1)) AND t.listed <> ?2
                     AND (t.term IN (SELECT value FROM json_each(?3))) = ?4 GROUP BY t.term) AS c
             WHERE c.term = search_names.term",
            of,
            listed,
            players,
            of_players,
            step,
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!(
            "UPDATE search_terms AS t SET listed = ?2
             WHERE t.encounter IN (SELECT value FROM json_each(?1)) AND t.listed <> ?2
               AND (t.term IN (SELECT value FROM json_each(?3))) = ?4",
            of,
            listed,
            players,
            of_players,
        )
        .execute(&mut *connection)
        .await?;
    }
    let hides = unlist_hidden(connection, &of).await?;
    // A name has its parts while anybody may find it.
    if listed.fight {
        let names = sqlx::query!(
            "SELECT DISTINCT n.term, n.name FROM search_terms t JOIN search_names n ON n.term = t.term
             WHERE t.encounter IN (SELECT value FROM json_each(?1)) AND n.listed > 0",
            of,
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
