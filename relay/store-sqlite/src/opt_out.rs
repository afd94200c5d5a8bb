//! Who is shown by name to nobody.
//!
//! One invariant: with the row that says so he has a number in each raid in which he played, and no search finds him.

use raidcast_shared::id::ActorId;
use raidcast_store::{NUMBERED_PLAYERS_MAX, Note, OPT_OUTS_MAX};
use sqlx::sqlite::SqliteConnection;

use crate::audit::put_note;
use crate::error::Failure;
use crate::job::Change;
use crate::search_rows::list_player;

/// Hides a player by an administrator's word, whosever he is.
pub(crate) struct HidePlayer {
    pub(crate) player: ActorId,
    pub(crate) hidden: bool,
    pub(crate) note: Note,
}

impl Change for HidePlayer {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        hide(connection, &self.player.to_hex(), self.hidden, true, &self.note).await
    }
}

/// Hides a player from now on, by his own word or by an administrator's, or shows him again, with a note if that was not so; `false` if there is no room.
pub(crate) async fn hide(
    connection: &mut SqliteConnection,
    player: &str,
    hidden: bool,
    by_administrator: bool,
    note: &Note,
) -> Result<bool, Failure> {
    let held = sqlx::query_scalar!(
        r#"SELECT by_administrator AS "by_administrator: bool" FROM opt_outs WHERE player = ?1"#,
        player,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if held.is_some() == hidden {
        // It is an administrator's word from now on; what he said nobody else takes for his own.
        if hidden && by_administrator && held == Some(false) {
            sqlx::query!("UPDATE opt_outs SET by_administrator = TRUE WHERE player = ?1", player)
                .execute(&mut *connection)
                .await?;
            put_note(connection, note).await?;
        }
        return Ok(true);
    }
    if hidden {
        let kept = sqlx::query!(
            "INSERT INTO opt_outs (player, since_ms, by_administrator)
             SELECT ?1, ?2, ?4 WHERE (SELECT count(*) FROM opt_outs) < ?3",
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
        let numbers_max = NUMBERED_PLAYERS_MAX as i64;
        sqlx::query!(
            "INSERT INTO raid_players (raid, player, number)
             SELECT r.raid, unhex(?1), (SELECT coalesce(max(number), 0) + 1 FROM raid_players n WHERE n.raid = r.raid)
             FROM (SELECT DISTINCT e.raid FROM encounter_players p JOIN encounters e ON e.row = p.encounter
                   WHERE p.actor_id = ?1) AS r
             WHERE NOT EXISTS (SELECT 1 FROM raid_players h WHERE h.raid = r.raid AND h.player = unhex(?1))
               AND (SELECT count(*) FROM raid_players n WHERE n.raid = r.raid) < ?2",
            player,
            numbers_max,
        )
        .execute(&mut *connection)
        .await?;
    } else {
        sqlx::query!("DELETE FROM opt_outs WHERE player = ?1", player).execute(&mut *connection).await?;
    }
    put_note(connection, note).await?;
    list_player(connection, player, hidden).await?;
    Ok(true)
}
