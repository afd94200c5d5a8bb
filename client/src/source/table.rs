//! The tables of hits that generations A to C keep, and what never changes in a row of them.

use raidcast_shared::event::HitKind;

use super::database::{DbRow, int, raw_text};
use super::place;
use super::reading::CursorKey;

/// The two tables of hits, alike but for names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Table {
    Damage,
    Heal,
}

impl Table {
    pub(super) const BOTH: [Self; 2] = [Self::Damage, Self::Heal];

    pub(super) fn place(self) -> u8 {
        match self {
            Self::Damage => place::DAMAGE,
            Self::Heal => place::HEAL,
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

    pub(super) fn key(self, rowid: i64) -> CursorKey {
        CursorKey(self.place(), rowid)
    }
}

/// Who did what to whom: what never changes in a row.
#[derive(Clone, Debug)]
pub(super) struct RowIs {
    pub(super) source: i64,
    pub(super) target: i64,
    pub(super) skill: i64,
    pub(super) monster: Option<String>,
}

pub(super) fn row_is(row: &DbRow) -> RowIs {
    RowIs {
        source: int(row, "source").unwrap_or(0),
        target: int(row, "target").unwrap_or(0),
        skill: int(row, "skill_id").unwrap_or(-1),
        monster: raw_text(row, "monster_name"),
    }
}
