//! Rows of hits as generations A and C leave them: sums, and a JSON array of the single hits, or an empty one where
//! the meter that wrote it (generation B) kept none.
//!
//! One invariant: an entry's identity is (row, place by time), and the cursor holds how many of a row were yielded
//! and what they came to, whether they were read here or as events of their own before the row was written.

use std::collections::{BTreeMap, BTreeSet};

use raidcast_shared::event::{Event, SourceKey};
use raidcast_shared::meter::clock::FightClock;
use raidcast_shared::meter::details::{self, Entry, Truth};
use raidcast_shared::meter::entry::{Judged, judge, stamp};
use raidcast_shared::meter::row::{HitRow, RowSums, rare};
use rusqlite::Connection;

use super::clock::end_ms;
use super::database::{Database, DbRow, bytes, int, lasting_hash_of, rows};
use super::hit_row::{self, Table};
use super::missing::tell_missing;
use super::rows;
use super::{Cursor, CursorKey, CursorValue, Fight, Reading};

/// Prefixes of cursor keys and source keys.
mod prefix {
    /// A row of damage, by who did what to whom: (entries yielded, their amounts).
    pub(super) const DAMAGE: u8 = 23;
    /// A row of heals, alike.
    pub(super) const HEAL: u8 = 24;
    /// A row whose sums were told: (hits, amount). Source keys, too.
    pub(super) use raidcast_shared::meter::prefix::{DAMAGE_SUMS, HEAL_SUMS};
    /// What a row's parts contradict: in ids of missing things.
    pub(super) const PARTS: u8 = 32;
}

/// How an array begins that a meter of generation C wrote: its keys are in the alphabet's order.
pub(super) const LONG_KEYS: &[u8] = b"[{\"attempt_index\"";

/// How much of a row was yielded: entries, and the sum of their amounts as they stand (it may wrap).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Yielded {
    pub(super) entries: u64,
    pub(super) sum: u64,
}

impl Yielded {
    pub(super) fn add(&mut self, amount: Option<i64>) {
        self.entries += 1;
        self.sum = self.sum.wrapping_add_signed(amount.unwrap_or(0));
    }
}

/// Rows of one encounter by who did what to whom, as far as they were yielded.
#[derive(Debug, Default)]
pub(super) struct Progress(BTreeMap<CursorKey, Yielded>);

impl Progress {
    /// How far a row was yielded, to be moved on.
    pub(super) fn of(&mut self, cursor: &Cursor, table: Table, row: &HitRow) -> &mut Yielded {
        let key = key_of(table, row);
        self.0.entry(key).or_insert_with(|| {
            cursor.get(key).map_or_else(Yielded::default, |CursorValue(entries, sum)| Yielded { entries, sum })
        })
    }

    /// Moves the cursor on.
    pub(super) fn save(self, cursor: &Cursor, reading: &mut Reading) {
        for (key, Yielded { entries, sum }) in self.0 {
            let value = CursorValue(entries, sum);
            if entries > 0 && cursor.get(key) != Some(value) {
                reading.cursor.push((key, value));
            }
        }
    }
}

/// A row's name for the cursor. Rows of a finished fight have other ids than its events had, so it is made of who
/// did what to whom.
fn key_of(table: Table, row: &HitRow) -> CursorKey {
    let prefix = match table {
        Table::Damage => prefix::DAMAGE,
        Table::Heal => prefix::HEAL,
    };
    let bytes = [row.source, row.target, row.skill].into_iter().flat_map(i64::to_le_bytes);
    CursorKey(prefix, lasting_hash_of(bytes).cast_signed())
}

/// Statements for the rows of an encounter, with their arrays or the first bytes of them.
pub(super) fn statements(db: &Database, text_bytes: Option<usize>) -> [String; 2] {
    let tables = [
        ("damage_skill_stats", Table::Damage.actors(), "hit_details"),
        ("heal_skill_stats", Table::Heal.actors(), "heal_details"),
    ];
    tables.map(|(table, [source, target], text)| {
        if !db.has(table) {
            return db.select(table, &["rowid"], "");
        }
        let sums = [
            "rowid",
            "skill_id",
            "hits",
            "total_value",
            "crit_hits",
            "lucky_hits",
            "shield_loss_total",
            "monster_name",
        ];
        let mut text = format!("CAST({table}.{text} AS BLOB)");
        if let Some(bytes) = text_bytes {
            text = format!("substr({text}, 1, {bytes})");
        }
        format!(
            "SELECT {}, {table}.{source} AS {source}, {table}.{target} AS {target}, {text} AS text FROM {table} \
             WHERE encounter_id = ?1 ORDER BY rowid",
            db.columns(table, &sums)
        )
    })
}

/// The sums of a row; `None` where they are none that hits can have.
pub(super) fn sums_of(row: &DbRow) -> Option<RowSums> {
    let columns = ["hits", "total_value", "crit_hits", "lucky_hits", "shield_loss_total"];
    RowSums::of(columns.map(|column| int(row, column)))
}

/// The prefixes of [`sums_key`].
pub(super) const SUMS: [u8; 2] = [prefix::DAMAGE_SUMS, prefix::HEAL_SUMS];

fn sums_key(table: Table, rowid: i64) -> CursorKey {
    let prefix = match table {
        Table::Damage => prefix::DAMAGE_SUMS,
        Table::Heal => prefix::HEAL_SUMS,
    };
    CursorKey(prefix, rowid)
}

/// Where a telling of a row's sums stands among events of one time.
pub(super) fn totals_key(table: Table, rowid: i64) -> SourceKey {
    SourceKey::new(u32::from(sums_key(table, rowid).0), rowid as u32)
}

/// Tells of a row whose sums contradict themselves.
pub(super) fn tell_sums(cursor: &Cursor, reading: &mut Reading, at_ms: u32, table: Table, row: &DbRow) {
    let (rowid, skill) = (int(row, "rowid").unwrap_or(0), hit_row::of(table, row).skill);
    let id = i64::from(prefix::PARTS + table.prefix()) << 56 | rowid;
    if let Some((what, expected, read)) = table.place(rowid, skill).contradiction(int(row, "hits"), sums_of(row)) {
        tell_missing(cursor, reading, at_ms, id, &what, expected, read);
    }
}

/// Reads the finished rows of an encounter.
pub(super) fn read(
    conn: &Connection,
    statements: &[String; 2],
    fight: i64,
) -> Result<[Vec<DbRow>; 2], rusqlite::Error> {
    Ok([rows(conn, &statements[0], &[fight])?, rows(conn, &statements[1], &[fight])?])
}

/// What is told of finished rows, and how.
pub(super) struct Telling<'a> {
    pub(super) fight: &'a Fight,
    pub(super) cursor: &'a Cursor,
    pub(super) bosses: &'a BTreeSet<String>,
    /// A row without single hits is yielded as its sums: when, and whether without a time of its own.
    pub(super) sums_at: (u32, bool),
    pub(super) clock: &'a mut FightClock,
}

impl Telling<'_> {
    /// Yields what finished rows hold beyond what was yielded, and tells what contradicts the meter's counters.
    pub(super) fn tell(&mut self, read: &[Vec<DbRow>; 2], progress: &mut Progress, reading: &mut Reading) {
        let fight = self.fight;
        let mut rows = Vec::new();
        for (table, read) in Table::BOTH.into_iter().zip(read) {
            for whole in read.iter().filter(|whole| int(whole, "rowid").is_some()) {
                let held = details::parse(&bytes(whole, "text").unwrap_or_default());
                rows.push((table, whole, hit_row::of(table, whole), held.entries));
            }
        }
        // The clock learns from what is new alone: the rest it knows from when it was yielded.
        let mut stamps = Vec::new();
        for (table, _, row, entries) in &rows {
            let known = progress.of(self.cursor, *table, row).entries == 0;
            stamps.push(
                entries
                    .iter()
                    .flatten()
                    .filter_map(|entry| stamp(entry, fight.started_at_ms).filter(|_| known))
                    .collect(),
            );
        }
        let times = self.clock.learn(&stamps);
        for ((table, whole, row, entries), times) in rows.into_iter().zip(times) {
            let mut times = times.into_iter();
            let entries = entries.into_iter().map(|entry| {
                let stamp = entry.as_ref().and_then(|entry| stamp(entry, fight.started_at_ms));
                let at_ms = stamp.map(|stamp| times.next().unwrap_or_else(|| self.clock.at(stamp)));
                (entry, at_ms)
            });
            let entries = entries.collect();
            self.tell_row(table, whole, &row, entries, progress, reading);
        }
    }

    fn tell_row(
        &self,
        table: Table,
        whole: &DbRow,
        row: &HitRow,
        mut entries: Vec<(Option<Entry>, Option<i64>)>,
        progress: &mut Progress,
        reading: &mut Reading,
    ) {
        let (fight, cursor) = (self.fight, self.cursor);
        let rowid = int(whole, "rowid").unwrap_or(0);
        let boss = row.monster.as_ref().is_some_and(|name| self.bosses.contains(name));
        let hits = int(whole, "hits").and_then(|hits| u64::try_from(hits).ok()).unwrap_or(0);
        let yielded = progress.of(cursor, table, row);
        if entries.is_empty() && hits > 0 && yielded.entries == 0 {
            tell_row_of_sums(fight, cursor, table, whole, self.sums_at, reading);
            return;
        }
        // Events came in order of time; where an entry has none, its place stays.
        entries.sort_by_key(|(_, at_ms)| at_ms.unwrap_or(0));
        let Yielded { entries: known, sum: known_sum } = *yielded;
        let (mut read, mut sum, mut before) = (0_u64, 0_u64, Yielded::default());
        for (index, (entry, at_ms)) in entries.into_iter().enumerate() {
            let is_new = index as u64 >= known;
            if is_new {
                yielded.add(entry.as_ref().and_then(|entry| entry.amount.0));
            } else {
                before.add(entry.as_ref().and_then(|entry| entry.amount.0));
            }
            let Some(mut entry) = entry else { continue };
            entry.is_boss = Truth(entry.is_boss.0 || boss);
            match judge(table.kind(), row, &entry, at_ms) {
                Judged::Hit(hit) => {
                    (read, sum) = (read + 1, sum.saturating_add(hit.hit.amount));
                    if is_new {
                        reading.events.push(Event::Hit(hit));
                    }
                }
                Judged::Late(_) | Judged::Absurd => {}
            }
        }
        let total = int(whole, "total_value").and_then(|total| u64::try_from(total).ok()).unwrap_or(0);
        let place = table.place(rowid, row.skill);
        let told = if before.entries < known {
            Some((place.of("hits that the meter did not keep,"), known, before.entries))
        } else if before.sum != known_sum {
            Some((place.of("amounts that the meter altered,"), before.sum, known_sum))
        } else {
            place.shortfall([hits, read], [total, sum])
        };
        if let Some((what, expected, read)) = told {
            let (at_ms, id) = (self.clock.end_ms(), i64::from(table.prefix()) << 56 | rowid);
            tell_missing(cursor, reading, at_ms, id, &what, expected, read);
        }
    }
}

/// Yields a row's sums, unless the same were told before, and what they contradict.
pub(super) fn tell_row_of_sums(
    fight: &Fight,
    cursor: &Cursor,
    table: Table,
    whole: &DbRow,
    (at_ms, untimed): (u32, bool),
    reading: &mut Reading,
) {
    let Some(rowid) = int(whole, "rowid") else { return };
    let key = sums_key(table, rowid);
    if let Some(sums) = sums_of(whole).filter(|sums| sums.hits > 0) {
        let value = CursorValue(sums.hits, sums.amount);
        if cursor.get(key) != Some(value) {
            let body = sums.totals(table.kind(), &hit_row::of(table, whole), untimed);
            reading.events.push(rare(at_ms, totals_key(table, rowid), body));
            reading.cursor.extend(rows::note(cursor, table, rowid, &hit_row::as_it_is(table, whole)));
            reading.cursor.push((key, value));
        }
    }
    if fight.end.is_some() {
        tell_sums(cursor, reading, end_ms(fight), table, whole);
    }
}
