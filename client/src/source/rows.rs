//! Rows that a cursor counts by their rowid, and whether they are the same rows still.
//!
//! One invariant: a cursor fits a database only where each row that it counts is there and is about the same. SQLite
//! numbers rows otherwise where a database is made anew from what another one holds.

use std::collections::HashMap;

use super::database::{Database, int};
use super::hit_row::{self, Table};
use super::{Cursor, CursorKey, CursorValue, SourceError};
use raidcast_shared::meter::row::HitRow;

/// Prefixes of cursor keys: who did what to whom in a row, of hits and of heals.
const ABOUT: [u8; 2] = [12, 13];
/// Spreads an id over all bits; odd, so that no two ids fall together.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Notes what a row that is counted is about, unless the cursor has it.
pub(super) fn note(cursor: &Cursor, table: Table, rowid: i64, row: &HitRow) -> Option<(CursorKey, CursorValue)> {
    let key = CursorKey(ABOUT[table as usize], rowid);
    cursor.get(key).is_none().then(|| (key, about(row)))
}

fn about(row: &HitRow) -> CursorValue {
    let target = row.target.cast_unsigned().wrapping_mul(SPREAD);
    CursorValue(row.source.cast_unsigned(), target.wrapping_add(row.skill.cast_unsigned()))
}

/// Statements for [`fit`], made once for the columns that this database has.
pub(super) fn statements(db: &Database) -> [String; 2] {
    [(Table::Damage, "damage_skill_stats"), (Table::Heal, "heal_skill_stats")].map(|(table, name)| {
        let [source, target] = table.actors();
        db.select(name, &["rowid", source, target, "skill_id"], "WHERE encounter_id = ?1")
    })
}

/// Whether a fight's rows are those that the cursor counts; `counted`: the prefixes under which it does.
pub(super) fn fit(
    db: &Database,
    statements: &[String; 2],
    fight: i64,
    cursor: &Cursor,
    counted: [u8; 2],
) -> Result<bool, SourceError> {
    for table in Table::BOTH {
        let mut here = HashMap::new();
        db.each_row(&statements[table as usize], &[fight], |row| {
            if let Some(rowid) = int(&row, "rowid") {
                here.insert(rowid, about(&hit_row::as_it_is(table, &row)));
            }
        })?;
        let mut all = cursor.of_prefix(counted[table as usize]);
        let mut told = cursor.of_prefix(ABOUT[table as usize]);
        if !all.all(|(rowid, _)| here.contains_key(&rowid)) || !told.all(|(rowid, was)| here.get(&rowid) == Some(&was))
        {
            return Ok(false);
        }
    }
    Ok(true)
}
