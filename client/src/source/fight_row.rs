//! A row of `encounters`, as every generation has it.

use raidcast_shared::uplink::Outcome;

use super::database::{DbRow, began_ms, encounter_id, int, name, positive};
use super::error::SourceError;
use super::names::Names;
use super::reading::{Fight, FightEnd};

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

    /// The fight; `outcome`: how it went, if it has ended and nobody reset it.
    ///
    /// # Errors
    /// Those of `outcome`.
    pub(super) fn fight(
        &self,
        local_player: Option<u64>,
        names: &Names,
        stable_id: &str,
        outcome: impl FnOnce() -> Result<Outcome, SourceError>,
    ) -> Result<Fight, SourceError> {
        let scene_id = positive(self.row, "scene_id");
        let is_reset = int(self.row, "is_manually_reset").unwrap_or(0) != 0;
        let end = match int(self.row, "ended_at_ms") {
            Some(ended_at_ms) => {
                let outcome = if is_reset { Outcome::Reset } else { outcome()? };
                Some(FightEnd { ended_at_ms, outcome })
            }
            None => None,
        };
        let by_id = |id| names.scene(id).map(str::to_owned);
        Ok(Fight {
            row: self.id,
            encounter: encounter_id(local_player, stable_id, self.started_at_ms),
            started_at_ms: self.started_at_ms,
            scene_id,
            scene: name(self.row, "scene_name").or_else(|| scene_id.and_then(by_id)),
            difficulty: int(self.row, "dungeon_difficulty"),
            local_player,
            end,
        })
    }
}
