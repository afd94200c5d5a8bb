//! A row of hits as generations A to C keep them: in which table, and who did what to whom.

use raidcast_shared::event::HitKind;
use raidcast_shared::meter::row::{HitRow, RowPlace, word};

use super::cursor::CursorKey;
use super::database::{DbRow, int, raw_text};
use super::prefix;

/// The two tables of hits, alike but for names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Table {
    Damage,
    Heal,
}

impl Table {
    pub(super) const BOTH: [Self; 2] = [Self::Damage, Self::Heal];

    pub(super) fn prefix(self) -> u8 {
        match self {
            Self::Damage => prefix::DAMAGE,
            Self::Heal => prefix::HEAL,
        }
    }

    pub(super) fn kind(self) -> HitKind {
        match self {
            Self::Damage => HitKind::Damage,
            Self::Heal => HitKind::Heal,
        }
    }

    pub(super) fn word(self) -> &'static str {
        word(self.kind())
    }

    /// A row of it in words.
    pub(super) fn place(self, row: i64, skill: i64) -> RowPlace {
        RowPlace { kind: self.kind(), row, skill }
    }

    /// The columns of who did it, and to whom.
    pub(super) fn actors(self) -> [&'static str; 2] {
        match self {
            Self::Damage => ["attacker_id", "defender_id"],
            Self::Heal => ["healer_id", "target_id"],
        }
    }

    pub(super) fn key(self, rowid: i64) -> CursorKey {
        CursorKey(self.prefix(), rowid)
    }
}

/// Who did what to whom, as the row has it.
pub(super) fn as_it_is(table: Table, row: &DbRow) -> HitRow {
    let [source, target] = table.actors();
    HitRow {
        source: int(row, source).unwrap_or(0),
        target: int(row, target).unwrap_or(0),
        // What the meter itself makes of an unknown skill.
        skill: int(row, "skill_id").unwrap_or(-1),
        monster: raw_text(row, "monster_name"),
    }
}

/// The same, but that nobody is a monster who was healed: there it is the name of a player.
pub(super) fn of(table: Table, row: &DbRow) -> HitRow {
    let held = as_it_is(table, row);
    HitRow { monster: held.monster.filter(|_| table == Table::Damage), ..held }
}
