//! Which reports are of one fight.

use raidcast_store::Viewpoint;
use raidcast_store::row::{ViewpointColumns, readable};
use raidcast_store::same_fight::{
    BossColumns, CANDIDATES_MAX, CANDIDATES_OF_ACCOUNT, COMPARED_MAX, COMPARED_OF_ACCOUNT, Candidate, NearColumns,
    PlayerColumns, Reach, candidates,
};
use sqlx::PgConnection;

use crate::error::Failure;

/// Removes what is known of which others are of the fight of an encounter; gives those.
pub(crate) async fn forget(connection: &mut PgConnection, encounter: i64) -> Result<Vec<i64>, Failure> {
    let others = sqlx::query_scalar!("DELETE FROM same_fights WHERE encounter = $1 RETURNING other", encounter)
        .fetch_all(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM same_fights WHERE other = $1", encounter).execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM fight_times WHERE encounter = $1", encounter).execute(connection).await?;
    Ok(others)
}

/// Fights that an account's fight is compared with, of which nothing need be known yet. Under the lock of `search_rows.rs`, so
/// that of two that are derived at one time the later one meets the other.
pub(crate) async fn others(
    connection: &mut PgConnection,
    account: i64,
    reach: &Reach,
) -> Result<Vec<Candidate>, Failure> {
    let Reach { first_ms, last_ms, first, last, ref terms } = *reach;
    let terms: Vec<i64> = terms.iter().map(|term| term.0).collect();
    let near = sqlx::query_as!(
        NearColumns,
        r#"WITH near AS (
               SELECT encounter, first_at_ms, last_at_ms, abs(first_at_ms - $1::BIGINT) + abs(last_at_ms - $2::BIGINT) AS apart_ms
               FROM fight_times WHERE first_at_ms BETWEEN $3 AND $4
               UNION
               SELECT encounter, first_at_ms, last_at_ms, abs(first_at_ms - $1::BIGINT) + abs(last_at_ms - $2::BIGINT) AS apart_ms
               FROM fight_times WHERE last_at_ms BETWEEN $5 AND $6
           ), placed AS (
               SELECT near.*, e.scene_id,
                      row_number() OVER (PARTITION BY e.account ORDER BY near.apart_ms, near.encounter) AS place
               FROM near JOIN encounters e ON e.row = near.encounter
               WHERE e.account <> $7
                 AND EXISTS (SELECT 1 FROM search_terms t WHERE t.encounter = near.encounter AND t.term = ANY ($8))
           )
           SELECT encounter AS "encounter!", scene_id AS "scene_id?", first_at_ms AS "first_at_ms!", last_at_ms AS "last_at_ms!"
           FROM placed WHERE place <= $9 ORDER BY apart_ms, encounter LIMIT $10"#,
        first_ms,
        last_ms,
        first.0,
        first.1,
        last.0,
        last.1,
        account,
        &terms,
        COMPARED_OF_ACCOUNT,
        COMPARED_MAX,
    )
    .fetch_all(&mut *connection)
    .await?;
    if near.is_empty() {
        return Ok(Vec::new());
    }
    let of: Vec<i64> = near.iter().map(|near| near.encounter).collect();
    let players = sqlx::query_as!(
        PlayerColumns,
        "SELECT encounter, actor_id, damage_dealt FROM encounter_players
         WHERE encounter = ANY ($1) ORDER BY encounter, number",
        &of,
    )
    .fetch_all(&mut *connection)
    .await?;
    let bosses = sqlx::query_as!(
        BossColumns,
        "SELECT encounter, monster_id, boss_name FROM encounter_bosses
         WHERE encounter = ANY ($1) ORDER BY encounter, number",
        &of,
    )
    .fetch_all(connection)
    .await?;
    Ok(candidates(&near, players, bosses))
}

/// See [`raidcast_store::DerivedRows::same_fight`].
pub(crate) async fn of(
    connection: &mut PgConnection,
    encounter: i64,
    also_of: Option<i64>,
) -> Result<Vec<String>, Failure> {
    Ok(sqlx::query_scalar!(
        r#"WITH placed AS (
               SELECT o.report_id, s.other, s.overlap_ms, s.apart_ms,
                      row_number() OVER (PARTITION BY o.account ORDER BY s.apart_ms, s.overlap_ms DESC, s.other) AS place
               FROM same_fights s JOIN encounters o ON o.row = s.other
               WHERE s.encounter = $1 AND (o.visibility = 0 OR o.account = $2)
           )
           SELECT report_id AS "report_id!" FROM placed WHERE place <= $3
           ORDER BY apart_ms, overlap_ms DESC, other LIMIT $4"#,
        encounter,
        also_of,
        CANDIDATES_OF_ACCOUNT,
        CANDIDATES_MAX,
    )
    .fetch_all(connection)
    .await?)
}

/// See [`raidcast_store::DerivedRows::viewpoints`].
pub(crate) async fn viewpoints(connection: &mut PgConnection, encounters: &[i64]) -> Result<Vec<Viewpoint>, Failure> {
    let found = sqlx::query_as!(
        ViewpointColumns,
        r#"SELECT e.row AS "encounter!", e.report_id AS "report_id!", r.code AS "raid_code!", e.state AS "state!",
                  e.visibility AS "visibility!", r.names AS "names!",
                  EXISTS (SELECT 1 FROM encounter_players p JOIN opt_outs o ON o.player = p.actor_id
                          WHERE p.encounter = e.row) AS "hides!"
           FROM encounters e JOIN raids r ON r.row = e.raid WHERE e.row = ANY ($1) ORDER BY e.row"#,
        encounters,
    )
    .fetch_all(connection)
    .await?;
    Ok(readable(found))
}
