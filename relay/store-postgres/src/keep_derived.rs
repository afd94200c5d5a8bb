//! How what is derived of a report gets into the database: in as few round trips as its locks allow, for others wait behind
//! these.
//!
//! One invariant: a statement that reads what others change under a lock is sent when the lock is held. Rows of the report
//! alone are put beside those of others; names, and which reports are of one fight, one report after the other.

use std::collections::HashSet;

use raidcast_store::row::{HeldColumns, json};
use raidcast_store::same_fight::{Seen, before_and_now, links};
use raidcast_store::search::{SearchColumns, SearchRows, player_rows};
use raidcast_store::{Derived, HeldReport, JobKey, code};
use sqlx::PgConnection;

use crate::error::Failure;
use crate::webhook::tell_of_encounter;
use crate::{same_fight, search_rows};

/// Puts rows in place of others and finishes their job, if the report is as its caller saw it; the last of a transaction that
/// [shares](search_rows::share) the lock of names. See [`raidcast_store::DerivedRows::keep_derived`].
pub(crate) async fn keep(
    connection: &mut PgConnection,
    seen: HeldReport,
    rows: &Derived,
    job: JobKey,
) -> Result<Option<Vec<i64>>, Failure> {
    let Some(held) = look(connection, seen, rows).await? else { return Ok(None) };
    let mut before = Vec::new();
    // Most reports are derived once: to look for rows costs less than to remove none from every table.
    if held.has_rows {
        search_rows::turn(connection).await?;
        before = forget(connection, seen.row).await?;
    }
    let found = SearchRows::of(&held.columns, rows, &held.hidden);
    put(connection, seen.row, rows, &held, &found).await?;
    search_rows::turn(connection).await?;
    let links = match Seen::of(rows, held.columns.scene_id) {
        Some(fight) => {
            let others = same_fight::others(connection, held.account, &fight.reach()).await?;
            links(seen.row, &fight, &others)
        }
        None => Vec::new(),
    };
    // In his turn: two that have a raid's job and a turn each would wait for each other.
    tell_of_encounter(connection, seen.row).await?;
    end(connection, &found, &json(&links), job).await?;
    Ok(Some(before_and_now(seen.row, before, &links)))
}

/// Removes what is derived of a report; gives which others were of its fight.
pub(crate) async fn forget(connection: &mut PgConnection, encounter: i64) -> Result<Vec<i64>, Failure> {
    sqlx::query!("DELETE FROM encounter_bosses WHERE encounter = $1", encounter).execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM encounter_players WHERE encounter = $1", encounter).execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM player_skills WHERE encounter = $1", encounter).execute(&mut *connection).await?;
    search_rows::forget(connection, encounter).await?;
    same_fight::forget(connection, encounter).await
}

/// What has to be known of a report before its rows are put.
struct Held {
    account: i64,
    columns: SearchColumns,
    /// Which of its players are hidden everywhere.
    hidden: HashSet<String>,
    /// Whether anything is derived of it.
    has_rows: bool,
}

/// The report, which nobody else changes meanwhile; `None` where it is not as its caller saw it. Its raid, and who is hidden,
/// do not change either: who changes them in a way that matters here has the lock of names for himself.
async fn look(connection: &mut PgConnection, seen: HeldReport, rows: &Derived) -> Result<Option<Held>, Failure> {
    let players: Vec<String> = rows.players.iter().map(|player| player.actor_id.clone()).collect();
    let found = sqlx::query!(
        r#"SELECT e.account, e.revision, e.kept_stream, e.visibility, r.names, e.state,
                  e.started_at_ms, e.created_at_ms, e.duration_ms, e.damage_ms, e.outcome, e.scene, e.scene_id,
                  e.difficulty, e.players, e.damage,
                  ARRAY (SELECT player FROM opt_outs WHERE player = ANY ($2)) AS "hidden!",
                  EXISTS (SELECT 1 FROM encounter_players WHERE encounter = $1)
                      OR EXISTS (SELECT 1 FROM encounter_bosses WHERE encounter = $1)
                      OR EXISTS (SELECT 1 FROM player_skills WHERE encounter = $1)
                      OR EXISTS (SELECT 1 FROM search_terms WHERE encounter = $1)
                      OR EXISTS (SELECT 1 FROM fight_times WHERE encounter = $1)
                      OR EXISTS (SELECT 1 FROM same_fights WHERE encounter = $1)
                      OR EXISTS (SELECT 1 FROM same_fights WHERE other = $1) AS "has_rows!"
           FROM encounters e JOIN raids r ON r.row = e.raid WHERE e.row = $1"#,
        seen.row,
        &players,
    )
    .fetch_optional(connection)
    .await?;
    let Some(found) = found else { return Ok(None) };
    let held = HeldColumns {
        row: seen.row,
        state: found.state.into(),
        revision: found.revision,
        kept_stream: found.kept_stream.into(),
    };
    let columns = SearchColumns {
        visibility: found.visibility.into(),
        names: found.names.into(),
        state: found.state.into(),
        started_at_ms: found.started_at_ms,
        created_at_ms: found.created_at_ms,
        duration_ms: found.duration_ms,
        damage_ms: found.damage_ms,
        outcome: found.outcome.into(),
        scene: found.scene,
        scene_id: found.scene_id,
        difficulty: found.difficulty,
        players: found.players,
        damage: found.damage,
    };
    let hidden = found.hidden.into_iter().collect();
    Ok((HeldReport::try_from(held)? == seen).then_some(Held {
        account: found.account,
        columns,
        hidden,
        has_rows: found.has_rows,
    }))
}

/// Puts the rows of a report that has none in all tables where they are its own. Rows are JSON: one statement puts all of a
/// table.
async fn put(
    connection: &mut PgConnection,
    encounter: i64,
    rows: &Derived,
    held: &Held,
    found: &SearchRows,
) -> Result<(), Failure> {
    let columns = &held.columns;
    let listed: Vec<bool> = found.terms.iter().map(|row| row.listed).collect();
    let (terms, marks): (Vec<i64>, Vec<i64>) = found.terms.iter().map(|row| (row.term.0, row.marks.0)).unzip();
    sqlx::query!(
        "WITH bosses AS (
               INSERT INTO encounter_bosses
                   (encounter, number, boss_name, monster_id, total_damage, hits, max_hp, defeated)
               SELECT $1, b.* FROM json_to_recordset($2::TEXT::JSON) AS b (
                   number BIGINT, boss_name TEXT, monster_id BIGINT, total_damage BIGINT, hits BIGINT, max_hp BIGINT,
                   defeated BOOLEAN)
           ), players AS (
               INSERT INTO encounter_players
                   (encounter, number, actor_id, name, class_id, class_spec, ability_score, level, is_local,
                    damage_dealt, boss_damage_dealt, heal_dealt, damage_taken, hits_dealt, hits_heal, crit_hits_dealt,
                    lucky_hits_dealt, deaths, name_term)
               SELECT $1, p.* FROM json_to_recordset($3::TEXT::JSON) AS p (
                   number BIGINT, actor_id TEXT, name TEXT, class_id BIGINT, class_spec BIGINT, ability_score BIGINT,
                   level BIGINT, is_local BOOLEAN, damage_dealt BIGINT, boss_damage_dealt BIGINT, heal_dealt BIGINT,
                   damage_taken BIGINT, hits_dealt BIGINT, hits_heal BIGINT, crit_hits_dealt BIGINT,
                   lucky_hits_dealt BIGINT, deaths BIGINT, name_term BIGINT)
           ), skills AS (
               INSERT INTO player_skills
                   (encounter, player, skill, skill_id, variant_id, skill_name, skill_type, total_value, hits, crit_hits,
                    lucky_hits, max_value)
               SELECT $1, s.* FROM json_to_recordset($4::TEXT::JSON) AS s (
                   player BIGINT, skill BIGINT, skill_id BIGINT, variant_id BIGINT, skill_name TEXT, skill_type BIGINT,
                   total_value BIGINT, hits BIGINT, crit_hits BIGINT, lucky_hits BIGINT, max_value BIGINT)
           ), terms AS (
               INSERT INTO search_terms (encounter, term, listed, started_at_ms, created_at_ms, duration_ms, dps, marks)
               SELECT $1, t.term, t.listed, $5, $6, $7, $8, t.marks
               FROM unnest($9::BIGINT[], $10::BOOLEAN[], $11::BIGINT[]) AS t (term, listed, marks)
           )
           INSERT INTO fight_times (encounter, first_at_ms, last_at_ms)
           SELECT $1, $12::BIGINT, $13::BIGINT WHERE $12::BIGINT IS NOT NULL",
        encounter,
        json(&rows.bosses),
        json(&player_rows(rows, &held.hidden)),
        json(&rows.skills),
        columns.started_at_ms,
        columns.created_at_ms,
        columns.duration_ms,
        found.dps,
        &terms,
        &listed,
        &marks,
        rows.time.map(|time| time.first_at_ms),
        rows.time.map(|time| time.last_at_ms),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The last of it: what others wait behind.
async fn end(connection: &mut PgConnection, found: &SearchRows, links: &str, job: JobKey) -> Result<(), Failure> {
    let (parts, of): (Vec<i64>, Vec<i64>) = found.parts.iter().map(|row| (row.part, row.term.0)).unzip();
    let JobKey { kind, account, name } = job;
    // A name has its parts while anybody may find it: of the others they stand there.
    sqlx::query!(
        "WITH names AS (
             INSERT INTO search_names (term, name, uses, listed)
             SELECT n.term, n.name, 1, n.listed::INT
             FROM json_to_recordset($1::TEXT::JSON) AS n (term BIGINT, name TEXT, listed BOOLEAN)
             ON CONFLICT (term) DO UPDATE
             SET uses = search_names.uses + 1, listed = search_names.listed + excluded.listed
             RETURNING search_names.listed, search_names.term
         ), parts AS (
             INSERT INTO search_parts (part, term)
             SELECT p.part, p.term FROM names n JOIN unnest($2::BIGINT[], $3::BIGINT[]) AS p (part, term) ON p.term = n.term
             WHERE n.listed = 1
             ON CONFLICT DO NOTHING
         ), links AS (
             INSERT INTO same_fights (encounter, other, overlap_ms, apart_ms)
             SELECT l.encounter, l.other, l.overlap_ms, l.apart_ms FROM json_to_recordset($4::TEXT::JSON) AS l (
                 encounter BIGINT, other BIGINT, overlap_ms BIGINT, apart_ms BIGINT)
         ), done AS (
             DELETE FROM jobs WHERE kind = $5 AND account = $6 AND name = $7
         )
         UPDATE search_state SET changes = changes + 1",
        json(&found.names),
        &parts,
        &of,
        links,
        i64::from(code::of_job(kind)),
        account.0,
        name.as_slice(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
