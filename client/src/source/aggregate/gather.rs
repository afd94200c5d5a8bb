//! What grew since the cursor, read in one short transaction.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use raidcast_shared::meter::details::{Details, Entry};
use raidcast_shared::meter::person::{self, Seen};
use raidcast_shared::meter::row::HitRow;
use rusqlite::Connection;

use super::super::database::{DbRow, bytes, int, json_list, rows, rows_of_list};
use super::super::hit_row::{self, Table};
use super::super::prefix;
use super::super::roster::{Roster, Shown};
use super::super::{Cursor, CursorKey, CursorValue, Fight};
use super::statements::Statements;

/// A row longer than this is read at most every [`LARGE_EVERY_MS`]: a tail costs reading the whole text.
const LARGE_BYTES: u64 = 256 * 1024;
/// See [`LARGE_BYTES`].
const LARGE_EVERY_MS: u64 = 250;
/// All rows are looked at this often; in between only those of actors whose own counters moved, and of these first the
/// rows that grew lately: where they have grown by as much as their actor's counters, no other row has.
const SCAN_EVERY_MS: u64 = 5_000;
/// A row that grew within this time is one that grew lately.
const LATELY_MS: u64 = 10_000;

/// Names, bosses, deaths, attempts and segments change rarely: they are looked at this often.
const FACTS_EVERY_MS: u64 = 400;

/// How far a row was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RowRead {
    /// The row's own counter then.
    pub(super) hits: u32,
    /// Entries of its array that were yielded or found unreadable.
    pub(super) entries: u32,
    /// Bytes before the final `]`; 0 if only the whole text will do.
    pub(super) end: u64,
}

impl RowRead {
    pub(super) fn of(cursor: &Cursor, key: CursorKey) -> Self {
        cursor.get(key).map_or_else(Self::default, |CursorValue(counts, end)| Self {
            hits: (counts >> 32) as u32,
            entries: counts as u32,
            end,
        })
    }

    pub(super) fn value(self) -> CursorValue {
        CursorValue(u64::from(self.hits) << 32 | u64::from(self.entries), self.end)
    }
}

/// A row that grew, and the text read of it.
pub(super) struct Grown {
    pub(super) table: Table,
    pub(super) rowid: i64,
    pub(super) hits: u32,
    /// From `RowRead::end` on if that is not 0, else all.
    pub(super) text: Vec<u8>,
}

/// What one transaction read of an encounter.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) grown: Vec<Grown>,
    pub(super) more: bool,
    /// Actors whose rows were read up to these counters.
    pub(super) dealt: Vec<(CursorKey, CursorValue)>,
    /// Everything but hits, where that was looked at too.
    pub(super) facts: Option<Facts>,
}

/// What is not looked at in every reading.
pub(super) struct Facts {
    pub(super) shown: Shown,
    /// Whom rows of hits are about.
    pub(super) seen: BTreeMap<i64, Seen>,
    pub(super) segments: Vec<DbRow>,
}

/// What is remembered of an encounter only to save reading; all of it can be read again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) rows: HashMap<CursorKey, HitRow>,
    pub(super) large_read_ms: HashMap<CursorKey, u64>,
    /// Of actors with a row that waits: what was read of their others since their counters were taken for read.
    pub(super) ahead: HashMap<i64, [i64; 2]>,
    /// Rows that grew lately, and when they were found to have grown last.
    pub(super) grew_ms: HashMap<CursorKey, u64>,
    pub(super) scanned_ms: Option<u64>,
    pub(super) facts_ms: Option<u64>,
}

pub(super) fn gather(
    conn: &Connection,
    statements: &Statements,
    roster: &Roster,
    fight: &Fight,
    cursor: &Cursor,
    memory: &mut Memory,
    now_ms: Option<u64>,
) -> Result<Gathered, rusqlite::Error> {
    let moved = moved_actors(&rows(conn, &statements.dealt, &[fight.row])?, cursor);
    let scan = match (now_ms, memory.scanned_ms) {
        (Some(now_ms), Some(scanned_ms)) => moved.is_none() || now_ms >= scanned_ms.saturating_add(SCAN_EVERY_MS),
        _ => true,
    };
    let moved = moved.unwrap_or_default();
    let mut look =
        Look { conn, statements, fight, cursor, memory, now_ms, grown: Vec::new(), waiting: BTreeSet::new() };
    let actors = if scan { None } else { Some(look.at_what_grew_lately(&moved)?) };
    for table in Table::BOTH {
        look.at_rows(table, actors.as_deref())?;
    }
    let Look { grown, waiting, .. } = look;
    if scan {
        memory.scanned_ms = now_ms;
    }
    if let Some(now_ms) = now_ms {
        memory.grew_ms.extend(grown.iter().map(|grown| (grown.table.key(grown.rowid), now_ms)));
        memory.grew_ms.retain(|_, grew_ms| now_ms <= grew_ms.saturating_add(LATELY_MS));
    }
    memory.ahead.retain(|actor, _| waiting.contains(actor));
    for grown in &grown {
        let key = grown.table.key(grown.rowid);
        if let Some(source) = memory.rows.get(&key).map(|row| row.source).filter(|source| waiting.contains(source)) {
            memory.ahead.entry(source).or_default()[grown.table as usize] +=
                i64::from(grown.hits) - i64::from(RowRead::of(cursor, key).hits);
        }
    }
    let mut gathered = Gathered { grown, more: !waiting.is_empty(), ..Gathered::default() };
    gathered.dealt.extend(
        moved
            .into_iter()
            .filter(|moved| !waiting.contains(&moved.actor))
            .map(|moved| (CursorKey(prefix::DEALT, moved.actor), moved.now)),
    );
    let facts_due = now_ms.zip(memory.facts_ms).is_none_or(|(now, read)| now >= read.saturating_add(FACTS_EVERY_MS));
    if !facts_due {
        gathered.more = true;
        return Ok(gathered);
    }
    memory.facts_ms = now_ms;
    let seen = seen(memory);
    let shown = roster.shown(conn, fight.row, cursor, &seen)?;
    gathered.facts = Some(Facts { shown, seen, segments: rows(conn, &statements.segments, &[fight.row])? });
    Ok(gathered)
}

fn seen(memory: &Memory) -> BTreeMap<i64, Seen> {
    let mut seen = BTreeMap::new();
    for row in memory.rows.values() {
        person::show(row, &mut seen);
    }
    seen
}

/// A look for rows of hits that grew, within one transaction.
struct Look<'a> {
    conn: &'a Connection,
    statements: &'a Statements,
    fight: &'a Fight,
    cursor: &'a Cursor,
    memory: &'a mut Memory,
    now_ms: Option<u64>,
    grown: Vec<Grown>,
    /// Actors with a row that is left for later.
    waiting: BTreeSet<i64>,
}

impl Look<'_> {
    /// Whether a row was large and read a moment ago.
    fn is_to_wait(&self, key: CursorKey) -> bool {
        let next_read_ms = self.memory.large_read_ms.get(&key).map(|read| read.saturating_add(LARGE_EVERY_MS));
        self.now_ms.zip(next_read_ms).is_some_and(|(now, next)| now < next)
    }

    fn take(&mut self, table: Table, rowid: i64, hits: u32, row: &DbRow) {
        let key = table.key(rowid);
        let text = bytes(row, "text").unwrap_or_default();
        if let Some(now_ms) =
            self.now_ms.filter(|_| RowRead::of(self.cursor, key).end + text.len() as u64 > LARGE_BYTES)
        {
            self.memory.large_read_ms.insert(key, now_ms);
        }
        self.grown.push(Grown { table, rowid, hits, text });
    }

    /// Reads rows of these actors that grew lately, until they have grown by as much as the actor has done; gives the
    /// actors who have done more than these rows show.
    fn at_what_grew_lately(&mut self, moved: &[Moved]) -> Result<Vec<i64>, rusqlite::Error> {
        let mut lately: HashMap<(i64, u8), Vec<(i64, RowRead)>> = HashMap::new();
        for key in self.memory.grew_ms.keys() {
            let Some(row) = self.memory.rows.get(key) else { continue };
            lately.entry((row.source, key.0)).or_default().push((key.1, RowRead::of(self.cursor, *key)));
        }
        let mut lacking = Vec::new();
        for Moved { actor, by, .. } in moved {
            let ahead = self.memory.ahead.get(actor).copied().unwrap_or_default();
            let mut lacks = false;
            for table in Table::BOTH {
                let mut owed = by[table as usize].wrapping_sub(ahead[table as usize]);
                let mut rows = lately.remove(&(*actor, table.prefix())).unwrap_or_default();
                // The row that grew most often so far is the likeliest to have grown again.
                rows.sort_unstable_by_key(|(_, before)| Reverse(before.hits));
                for (rowid, before) in rows {
                    if owed == 0 {
                        break;
                    }
                    owed = owed.wrapping_sub(self.at_row(table, rowid, *actor, before)?);
                }
                lacks |= owed != 0;
            }
            if lacks {
                lacking.push(*actor);
            }
        }
        Ok(lacking)
    }

    /// Reads a row that is known; gives by how much it grew.
    fn at_row(&mut self, table: Table, rowid: i64, actor: i64, before: RowRead) -> Result<i64, rusqlite::Error> {
        let waits = self.is_to_wait(table.key(rowid));
        let start = if waits { 0 } else { before.end.max(1) as i64 };
        let wanted = [rowid, self.fight.row, before.hits.into(), start];
        let Some(row) = rows(self.conn, &self.statements.grown[table as usize], &wanted)?.pop() else { return Ok(0) };
        let hits = counter(&row);
        if waits {
            self.waiting.insert(actor);
        } else {
            self.take(table, rowid, hits, &row);
        }
        Ok(i64::from(hits) - i64::from(before.hits))
    }

    /// Reads what grew of these actors' rows; `None`: of all.
    fn at_rows(&mut self, table: Table, actors: Option<&[i64]>) -> Result<(), rusqlite::Error> {
        let (statements, encounter) = (self.statements, &[self.fight.row]);
        let counters = match actors {
            None => rows(self.conn, &statements.counters[table as usize], encounter)?,
            Some([]) => return Ok(()),
            Some(actors) => {
                let actors = json_list(actors.iter().copied());
                rows_of_list(self.conn, &statements.counters_of_actors[table as usize], encounter, &actors)?
            }
        };
        let taken: HashSet<_> = self.grown.iter().map(|grown| grown.table.key(grown.rowid)).collect();
        let mut wanted = Vec::new();
        for (rowid, hits) in counters_of(&counters) {
            let key = table.key(rowid);
            let before = RowRead::of(self.cursor, key);
            match self.memory.rows.get(&key) {
                Some(_) if hits == before.hits || taken.contains(&key) => {}
                Some(row) if self.is_to_wait(key) => {
                    self.waiting.insert(row.source);
                }
                // `substr` counts from 1: from `end` on means one byte before the old `]`. Of a row that did not
                // grow that is two bytes: it is wanted for who it is about.
                _ => wanted.push((rowid, before.end.max(1))),
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let wanted = serde_json::to_string(&wanted).expect("pairs of numbers are JSON");
        for row in rows_of_list(self.conn, &statements.texts[table as usize], &[], &wanted)? {
            let (Some(rowid), hits) = (int(&row, "rowid"), counter(&row)) else { continue };
            let key = table.key(rowid);
            self.memory.rows.insert(key, hit_row::as_it_is(table, &row));
            if hits != RowRead::of(self.cursor, key).hits {
                self.take(table, rowid, hits, &row);
            }
        }
        Ok(())
    }
}

/// An actor whose own counters moved.
pub(super) struct Moved {
    pub(super) actor: i64,
    pub(super) now: CursorValue,
    /// By how much since its rows were read: hits and heals.
    by: [i64; 2],
}

/// Actors whose own counters are not those up to which their rows were read; `None` if the meter has no such counters.
pub(super) fn moved_actors(dealt: &[DbRow], cursor: &Cursor) -> Option<Vec<Moved>> {
    let mut moved = Vec::new();
    for row in dealt {
        let count = |column| int(row, column).map(|count| count as u64);
        let (actor, now) = (int(row, "actor_id")?, CursorValue(count("hits_dealt")?, count("hits_heal")?));
        let before = cursor.get(CursorKey(prefix::DEALT, actor));
        if before != Some(now) {
            let before = before.unwrap_or(CursorValue(0, 0));
            let by = [now.0.wrapping_sub(before.0), now.1.wrapping_sub(before.1)];
            moved.push(Moved { actor, now, by: by.map(u64::cast_signed) });
        }
    }
    Some(moved)
}

/// The entries of a whole row that are beyond what was yielded, and how far it is read then.
pub(super) fn beyond(before: &RowRead, hits: u32, whole: Details) -> (Vec<Option<Entry>>, RowRead) {
    let entries = whole.entries.len() as u32;
    let fits = entries == hits && entries >= before.entries;
    let after = RowRead {
        hits,
        entries: entries.max(before.entries),
        // A row that contradicts its counter, or shrank, is read in full again when it grows.
        end: if fits { whole.end } else { 0 },
    };
    (whole.entries.into_iter().skip(before.entries as usize).collect(), after)
}

pub(super) fn counters_of(rows: &[DbRow]) -> Vec<(i64, u32)> {
    let text = rows.first().and_then(|row| bytes(row, "counters")).unwrap_or_default();
    let counters: Vec<(i64, i64)> = serde_json::from_slice(&text).unwrap_or_default();
    counters.into_iter().map(|(rowid, hits)| (rowid, hits.clamp(0, u32::MAX.into()) as u32)).collect()
}

pub(super) fn counter(row: &DbRow) -> u32 {
    int(row, "hits").unwrap_or(0).clamp(0, u32::MAX.into()) as u32
}
