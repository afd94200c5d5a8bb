//! Which reports are of one fight.

use raidcast_store::row::{ViewpointColumns, json, readable};
use raidcast_store::same_fight::{
    BossColumns, CANDIDATES_MAX, CANDIDATES_OF_ACCOUNT, COMPARED_MAX, COMPARED_OF_ACCOUNT, Candidate, NearColumns,
    PlayerColumns, Reach, Seen, before_and_now, candidates, links,
};
use raidcast_store::{Derived, Viewpoint};
use sqlx::sqlite::SqliteConnection;

use crate::error::Failure;

/// Finds out which others are of the fight of an encounter, and puts that in place of what was known; gives these, and
/// those before. Whatever is derived at one time is derived one after the other, so that of two the later one meets the
/// other.
pub(crate) async fn keep(
    connection: &mut SqliteConnection,
    encounter: i64,
    derived: &Derived,
) -> Result<Vec<i64>, Failure> {
    let before = sqlx::query_scalar!(
        r#"DELETE FROM same_fights WHERE encounter = ?1 RETURNING other AS "other!: i64""#,
        encounter
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM same_fights WHERE other = ?1", encounter).execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM fight_times WHERE encounter = ?1", encounter).execute(&mut *connection).await?;
    let of = sqlx::query!("SELECT account, scene_id FROM encounters WHERE row = ?1", encounter)
        .fetch_one(&mut *connection)
        .await?;
    let Some(seen) = Seen::of(derived, of.scene_id) else { return Ok(before_and_now(encounter, before, &[])) };
    sqlx::query!(
        "INSERT INTO fight_times (encounter, first_at_ms, last_at_ms) VALUES (?1, ?2, ?3)",
        encounter,
        seen.first_ms,
        seen.last_ms,
    )
    .execute(&mut *connection)
    .await?;
    let others = others(connection, of.account, &seen.reach()).await?;
    let links = links(encounter, &seen, &others);
    let rows = json(&links);
    sqlx::query!(
        "INSERT INTO same_fights (encounter, other, overlap_ms, apart_ms)
         SELECT value ->> 'encounter', value ->> 'other', value ->> 'overlap_ms', value ->> 'apart_ms'
         FROM json_each(?1)",
        rows,
    )
    .execute(connection)
    .await?;
    Ok(before_and_now(encounter, before, &links))
}

/// Fights that an account's fight is compared with.
async fn others(connection: &mut SqliteConnection, account: i64, reach: &Reach) -> Result<Vec<Candidate>, Failure> {
    let Reach { first_ms, last_ms, first, last, ref terms } = *reach;
    let terms = json(terms);
    let near = sqlx::query_as!(
        NearColumns,
        r#"WITH near AS (
               SELECT encounter, first_at_ms, last_at_ms, abs(first_at_ms - ?1) + abs(last_at_ms - ?2) AS apart_ms
               FROM fight_times WHERE first_at_ms BETWEEN ?3 AND ?4
               UNION
               SELECT encounter, first_at_ms, last_at_ms, abs(first_at_ms - ?1) + abs(last_at_ms - ?2) AS apart_ms
               FROM fight_times WHERE last_at_ms BETWEEN ?5 AND ?6
           ), placed AS (
               SELECT near.*, e.scene_id,
                      row_number() OVER (PARTITION BY e.account ORDER BY near.apart_ms, near.encounter) AS place
               FROM near JOIN encounters e ON e.row = near.encounter
               WHERE e.account <> ?7
                 AND EXISTS (SELECT 1 FROM json_each(?8) wanted
                             CROSS JOIN search_terms t ON t.encounter = near.encounter AND t.term = wanted.value)
           )
           SELECT encounter AS "encounter!: i64", scene_id AS "scene_id: i64", first_at_ms AS "first_at_ms!: i64",
                  last_at_ms AS "last_at_ms!: i64"
           FROM placed WHERE place <= ?9 ORDER BY apart_ms, encounter LIMIT ?10"#,
        first_ms,
        last_ms,
        first.0,
        first.1,
        last.0,
        last.1,
        account,
        terms,
        COMPARED_OF_ACCOUNT,
        COMPARED_MAX,
    )
    .fetch_all(&mut *connection)
    .await?;
    let of = json(&near.iter().map(|near| near.encounter).collect::<Vec<_>>());
    let players = sqlx::query_as!(
        PlayerColumns,
        "SELECT encounter, actor_id, damage_dealt FROM encounter_players
         WHERE encounter IN (SELECT value FROM json_each(?1)) ORDER BY encounter, number",
        of,
    )
    .fetch_all(&mut *connection)
    .await?;
    let bosses = sqlx::query_as!(
        BossColumns,
        "SELECT encounter, monster_id, boss_name FROM encounter_bosses
         WHERE encounter IN (SELECT value FROM json_each(?1)) ORDER BY encounter, number",
        of,
    )
    .fetch_all(connection)
    .await?;
    Ok(candidates(&near, players, bosses))
}

/// See [`raidcast_store::DerivedRows::same_fight`].
pub(crate) async fn of(
    connection: &mut SqliteConnection,
    encounter: i64,
    also_of: Option<i64>,
) -> Result<Vec<String>, Failure> {
    Ok(sqlx::query_scalar!(
        r#"WITH placed AS (
               SELECT o.report_id, s.other, s.overlap_ms, s.apart_ms,
                      row_number() OVER (PARTITION BY o.account ORDER BY s.apart_ms, s.overlap_ms DESC, s.other) AS place
               FROM same_fights s JOIN encounters o ON o.row = s.other
               WHERE s.encounter = ?1 AND (o.visibility = 0 OR o.account = ?2)
           )
           SELECT report_id AS "report_id!" FROM placed WHERE place <= ?3
           ORDER BY apart_ms, overlap_ms DESC, other LIMIT ?4"#,
        encounter,
        also_of,
        CANDIDATES_OF_ACCOUNT,
        CANDIDATES_MAX,
    )
    .fetch_all(connection)
    .await?)
}

/// See [`raidcast_store::DerivedRows::viewpoints`].
pub(crate) async fn viewpoints(
    connection: &mut SqliteConnection,
    encounters: &[i64],
) -> Result<Vec<Viewpoint>, Failure> {
    let of = json(encounters);
    let found = sqlx::query_as!(
        ViewpointColumns,
        r#"SELECT e.row AS "encounter!: i64", e.report_id AS "report_id!: String", r.code AS "raid_code!: String",
                  e.state AS "state!: i64", e.visibility AS "visibility!: i64", r.names AS "names!: i64",
                  EXISTS (SELECT 1 FROM encounter_players p JOIN opt_outs o ON o.player = p.actor_id
                          WHERE p.encounter = e.row) AS "hides!: bool"
           FROM encounters e JOIN raids r ON r.row = e.raid
           WHERE e.row IN (SELECT value FROM json_each(?1)) ORDER BY e.row"#,
        of,
    )
    .fetch_all(connection)
    .await?;
    Ok(readable(found))
}

/// Forgets all of it.
pub(crate) async fn empty(connection: &mut SqliteConnection) -> Result<(), Failure> {
    sqlx::query!("DELETE FROM same_fights").execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM fight_times").execute(connection).await?;
    Ok(())
}
