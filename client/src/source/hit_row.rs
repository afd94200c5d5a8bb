//! A row of hits as generations A to C keep them: in which table, and who did what to whom.

use std::collections::BTreeMap;

use raidcast_shared::event::HitKind;
use raidcast_shared::meter::row::HitRow;

use super::cursor::CursorKey;
use super::database::{DbRow, int, raw_text};
use super::prefix;
use super::roster::Seen;

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
        match self {
            Self::Damage => "damage",
            Self::Heal => "heal",
        }
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

/// Notes whom the row is about.
pub(super) fn show(row: &HitRow, seen: &mut BTreeMap<i64, Seen>) {
    seen.entry(row.source).or_default();
    let target = seen.entry(row.target).or_default();
    // Several rows of one target may tell different names: the same one counts whatever their order.
    if row.monster > target.monster {
        target.monster.clone_from(&row.monster);
    }
}
