//! A row of hits as generations A to C keep them: in which table, and who did what to whom.

use std::collections::BTreeMap;

use raidcast_shared::event::HitKind;

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

/// Who did what to whom: what never changes in a row.
#[derive(Clone, Debug)]
pub(super) struct HitRow {
    pub(super) source: i64,
    pub(super) target: i64,
    pub(super) skill: i64,
    pub(super) monster: Option<String>,
}

impl HitRow {
    /// As the row has it.
    pub(super) fn as_it_is(table: Table, row: &DbRow) -> Self {
        let [source, target] = table.actors();
        Self {
            source: int(row, source).unwrap_or(0),
            target: int(row, target).unwrap_or(0),
            // What the meter itself makes of an unknown skill.
            skill: int(row, "skill_id").unwrap_or(-1),
            monster: raw_text(row, "monster_name"),
        }
    }

    /// As the row has it, but that nobody is a monster who was healed: there it is the name of a player.
    pub(super) fn of(table: Table, row: &DbRow) -> Self {
        let held = Self::as_it_is(table, row);
        Self { monster: held.monster.filter(|_| table == Table::Damage), ..held }
    }

    /// Notes whom the row is about.
    pub(super) fn show(&self, seen: &mut BTreeMap<i64, Seen>) {
        seen.entry(self.source).or_default();
        let target = seen.entry(self.target).or_default();
        // Several rows of one target may tell different names: the same one counts whatever their order.
        if self.monster > target.monster {
            target.monster.clone_from(&self.monster);
        }
    }
}
