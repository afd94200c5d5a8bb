//! Who is shown by name to nobody. Whoever changes that holds the lock of names.
//!
//! One invariant: with the row that says so he has a number in each raid in which he played, and no search finds him.

use raidcast_store::{NUMBERED_PLAYERS_MAX, Note, OPT_OUTS_MAX};
use sqlx::PgConnection;

use crate::audit::put_note;
use crate::error::Failure;
use crate::search_rows::list_player;

/// Hides a player from now on, by his own word or by an administrator's, or shows him again, with a note if that was not so; `false` if there is no room.
pub(crate) async fn hide(
    connection: &mut PgConnection,
    player: &str,
    hidden: bool,
    by_administrator: bool,
    note: &Note,
) -> Result<bool, Failure> {
    let held = sqlx::query_scalar!(
        r#"SELECT by_administrator AS "by_administrator" FROM opt_outs WHERE player = $1"#,
        player,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if held.is_some() == hidden {
        // It is an administrator's word from now on; what he said nobody else takes for his own.
        if hidden && by_administrator && held == Some(false) {
            sqlx::query!("UPDATE opt_outs SET by_administrator = TRUE WHERE player = $1", player)
                .execute(&mut *connection)
                .await?;
            put_note(connection, note).await?;
        }
        return Ok(true);
    }
    if hidden {
        let kept = sqlx::query!(
            "INSERT INTO opt_outs (player, since_ms, by_administrator)
             SELECT $1, $2, $4 WHERE (SELECT count(*) FROM opt_outs) < $3",
            player,
            note.at_ms,
            OPT_OUTS_MAX,
            by_administrator,
        )
        .execute(&mut *connection)
        .await?;
        if kept.rows_affected() == 0 {
            return Ok(false);
        }
        let raids = sqlx::query_scalar!(
            "SELECT row FROM raids WHERE row IN (
                 SELECT e.raid FROM encounter_players p JOIN encounters e ON e.row = p.encounter WHERE p.actor_id = $1)
             ORDER BY row FOR NO KEY UPDATE",
            player,
        )
        .fetch_all(&mut *connection)
        .await?;
        let numbers_max = NUMBERED_PLAYERS_MAX as i64;
        // A statement of its own, since it must see what was committed while the one before waited.
        sqlx::query!(
            "INSERT INTO raid_players (raid, player, number)
             SELECT r.raid, decode($2, 'hex'),
                    (SELECT coalesce(max(number), 0) + 1 FROM raid_players n WHERE n.raid = r.raid)
             FROM unnest($1::BIGINT[]) AS r (raid)
             WHERE NOT EXISTS (SELECT 1 FROM raid_players h WHERE h.raid = r.raid AND h.player = decode($2, 'hex'))
               AND (SELECT count(*) FROM raid_players n WHERE n.raid = r.raid) < $3",
            &raids,
            player,
            numbers_max,
        )
        .execute(&mut *connection)
        .await?;
    } else {
        sqlx::query!("DELETE FROM opt_outs WHERE player = $1", player).execute(&mut *connection).await?;
    }
    put_note(connection, note).await?;
    list_player(connection, player, hidden).await?;
    Ok(true)
}
