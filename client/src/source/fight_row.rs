//! A row of `encounters`, as every generation has it.

use raidcast_shared::game::GAME;
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::Outcome;
use uuid::Uuid;

use super::database::{Database, DbRow, began_ms, int, name, positive};
use super::error::SourceError;
use super::names::Names;
use super::reading::{Fight, FightEnd, RowBegin};

/// Rows of fights that began in the same ms stand as close to each other as this, by their ids.
const TWINS_WITHIN: i64 = 16;

/// The statement for the rows of fights with an id above the first parameter, and those of the list that is the
/// second; with the columns of `more`.
pub(super) fn fights_of(db: &Database, more: &[&str]) -> String {
    let columns = [&["id", "started_at_ms", "ended_at_ms", "local_player_id", "is_manually_reset"], more].concat();
    let rest = "WHERE id > ?1 OR id IN (SELECT value FROM json_each(?2)) ORDER BY id";
    let rows = db.select("encounters", &columns, rest);
    if !db.has("encounters") {
        return rows;
    }
    let twin = db.columns("encounters", &["id", "started_at_ms", "local_player_id"]);
    format!(
        "SELECT fight.*, (
             SELECT count(*) FROM (SELECT {twin} FROM encounters WHERE id BETWEEN fight.id - {TWINS_WITHIN} AND fight.id - 1)
                 AS twin
             WHERE twin.started_at_ms = fight.started_at_ms AND twin.local_player_id IS fight.local_player_id
         ) AS twins
         FROM ({rows}) AS fight ORDER BY fight.id"
    )
}

/// Each fight's row, and when it began; `column`: where its id stands.
///
/// # Errors
/// As [`super::Source::fights`].
pub(super) fn begins(db: &Database, column: &str) -> Result<Vec<RowBegin>, SourceError> {
    let read = db.rows(&db.select("encounters", &[column, "started_at_ms"], ""), &[])?;
    let rows = read.iter().filter_map(|row| FightRow::of(row, column));
    Ok(rows.map(|row| RowBegin { row: row.id, started_at_ms: row.started_at_ms }).collect())
}

/// The encounter's name everywhere: by the local player, or the database where the meter does not tell who it is.
/// `twins`: so many fights before it have the same.
fn encounter_id(local_player: Option<u64>, stable_id: &str, started_at_ms: i64, twins: i64) -> EncounterId {
    let first = match local_player {
        Some(player) => EncounterId::of_player(GAME, player, started_at_ms),
        None => EncounterId::of_database(GAME, stable_id, started_at_ms),
    };
    match twins {
        0 => first,
        // Of how many it is, not of its row: another version of the meter numbers its rows anew.
        twins => EncounterId(Uuid::new_v5(&first.0, (twins + 1).to_string().as_bytes())),
    }
}

/// A fight's row.
pub(super) struct FightRow<'a> {
    row: &'a DbRow,
    /// Names the fight in this database.
    pub(super) id: i64,
    started_at_ms: i64,
}

impl<'a> FightRow<'a> {
    /// `column`: where its id stands. `None` where it has no id, or no begin.
    pub(super) fn of(row: &'a DbRow, column: &str) -> Option<Self> {
        Some(Self { row, id: int(row, column)?, started_at_ms: began_ms(row)? })
    }

    /// The local player's id, as the row has it.
    pub(super) fn local_player(&self) -> Option<u64> {
        positive(self.row, "local_player_id")
    }

    /// The fight; `outcome`: how it went, if it has ended, then, and nobody reset it.
    ///
    /// # Errors
    /// Those of `outcome`.
    pub(super) fn fight(
        &self,
        local_player: Option<u64>,
        names: &Names,
        stable_id: &str,
        outcome: impl FnOnce(i64) -> Result<Outcome, SourceError>,
    ) -> Result<Fight, SourceError> {
        let scene_id = positive(self.row, "scene_id");
        let is_reset = int(self.row, "is_manually_reset").unwrap_or(0) != 0;
        let end = match int(self.row, "ended_at_ms") {
            Some(ended_at_ms) => {
                let outcome = if is_reset { Outcome::Reset } else { outcome(ended_at_ms)? };
                Some(FightEnd { ended_at_ms, outcome })
            }
            None => None,
        };
        let twins = int(self.row, "twins").unwrap_or(0);
        let id_of = |player| encounter_id(player, stable_id, self.started_at_ms, twins);
        let by_id = |id| names.scene(id).map(str::to_owned);
        Ok(Fight {
            row: self.id,
            encounter: id_of(local_player),
            before_player: local_player.map(|_| id_of(None)),
            started_at_ms: self.started_at_ms,
            scene_id,
            scene: name(self.row, "scene_name").or_else(|| scene_id.and_then(by_id)),
            difficulty: int(self.row, "dungeon_difficulty"),
            local_player,
            end,
        })
    }
}
