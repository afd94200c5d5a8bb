//! What grew since the cursor, read in one short transaction.

use std::collections::{BTreeSet, HashMap};

use raidcast_shared::event::HitKind;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::super::database::{bytes, int, json_list, raw_text, rows, rows_of_list};
use super::super::{Cursor, CursorKey, CursorValue, Fight};
use super::details::{Details, Entry};
use super::place;
use super::statements::Statements;

/// A row longer than this is read at most every [`LARGE_EVERY_MS`]: a tail costs reading the whole text.
const LARGE_BYTES: u64 = 256 * 1024;
/// See [`LARGE_BYTES`].
const LARGE_EVERY_MS: u64 = 250;
/// All rows are looked at this often; in between only those of actors whose own counters moved.
const SCAN_EVERY_MS: u64 = 5_000;

/// Names, bosses, deaths, attempts and segments change rarely: they are looked at this often.
const FACTS_EVERY_MS: u64 = 400;

/// The two tables of hits, alike but for names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::source) enum Table {
    Damage,
    Heal,
}

impl Table {
    pub(in crate::source) const BOTH: [Self; 2] = [Self::Damage, Self::Heal];

    pub(in crate::source) fn place(self) -> u8 {
        match self {
            Self::Damage => place::DAMAGE,
            Self::Heal => place::HEAL,
        }
    }

    pub(in crate::source) fn kind(self) -> HitKind {
        match self {
            Self::Damage => HitKind::Damage,
            Self::Heal => HitKind::Heal,
        }
    }

    pub(in crate::source) fn word(self) -> &'static str {
        match self {
            Self::Damage => "damage",
            Self::Heal => "heal",
        }
    }

    pub(in crate::source) fn key(self, rowid: i64) -> CursorKey {
        CursorKey(self.place(), rowid)
    }
}

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

/// Who did what to whom: what never changes in a row.
#[derive(Clone, Debug)]
pub(in crate::source) struct RowIs {
    pub(in crate::source) source: i64,
    pub(in crate::source) target: i64,
    pub(in crate::source) skill: i64,
    pub(in crate::source) monster: Option<String>,
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
    pub(super) deaths: Vec<SqliteRow>,
    pub(super) attempts: Vec<SqliteRow>,
    pub(super) segments: Vec<SqliteRow>,
    pub(super) bosses: Vec<SqliteRow>,
    pub(super) stats: Vec<SqliteRow>,
    pub(super) entities: Vec<SqliteRow>,
    /// Whether all but hits was looked at too.
    pub(super) facts: bool,
}

/// What is remembered of an encounter only to save reading; all of it can be read again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) rows: HashMap<CursorKey, RowIs>,
    pub(super) large_read_ms: HashMap<CursorKey, u64>,
    pub(super) scanned_ms: Option<u64>,
    pub(super) facts_ms: Option<u64>,
}

pub(super) async fn gather(
    conn: &mut SqliteConnection,
    statements: &Statements,
    fight: &Fight,
    cursor: &Cursor,
    memory: &mut Memory,
    now_ms: Option<u64>,
) -> Result<Gathered, sqlx::Error> {
    let mut gathered = Gathered { stats: rows(conn, &statements.stats, &[fight.row]).await?, ..Gathered::default() };
    let moved = moved_actors(&gathered.stats, cursor);
    let scan = match (now_ms, memory.scanned_ms) {
        (Some(now_ms), Some(scanned_ms)) => moved.is_none() || now_ms >= scanned_ms.saturating_add(SCAN_EVERY_MS),
        _ => true,
    };
    let moved = moved.unwrap_or_default();
    let actors = json_list(moved.iter().map(|(actor, _)| *actor));
    let mut waiting = BTreeSet::new();
    for table in Table::BOTH {
        let counters = if scan {
            rows(conn, &statements.counters[table as usize], &[fight.row]).await?
        } else {
            rows_of_list(conn, &statements.counters_of_actors[table as usize], &[fight.row], &actors).await?
        };
        let mut wanted = Vec::new();
        for (rowid, hits) in counters_of(&counters) {
            let key = table.key(rowid);
            let before = RowRead::of(cursor, key);
            let next_read_ms = memory.large_read_ms.get(&key).map(|read| read.saturating_add(LARGE_EVERY_MS));
            match memory.rows.get(&key) {
                Some(_) if hits == before.hits => {}
                Some(row) if now_ms.zip(next_read_ms).is_some_and(|(now, next)| now < next) => {
                    waiting.insert(row.source);
                }
                // `substr` counts from 1: from `end` on means one byte before the old `]`. Of a row that did not
                // grow that is two bytes: it is wanted for who it is about.
                _ => wanted.push((rowid, before.end.max(1))),
            }
        }
        if wanted.is_empty() {
            continue;
        }
        let wanted = serde_json::to_string(&wanted).expect("pairs of numbers are JSON");
        for row in rows_of_list(conn, &statements.texts[table as usize], &[], &wanted).await? {
            let (Some(rowid), hits) = (int(&row, "rowid"), counter(&row)) else { continue };
            let key = table.key(rowid);
            let before = RowRead::of(cursor, key);
            memory.rows.insert(key, row_is(&row));
            if hits == before.hits {
                continue;
            }
            let text = bytes(&row, "text").unwrap_or_default();
            if let Some(now_ms) = now_ms.filter(|_| before.end + text.len() as u64 > LARGE_BYTES) {
                memory.large_read_ms.insert(key, now_ms);
            }
            gathered.grown.push(Grown { table, rowid, hits, text });
        }
    }
    if scan {
        memory.scanned_ms = now_ms;
    }
    gathered.more = !waiting.is_empty();
    gathered.dealt.extend(
        moved
            .into_iter()
            .filter(|(actor, _)| !waiting.contains(actor))
            .map(|(actor, dealt)| (CursorKey(place::DEALT, actor), dealt)),
    );
    let facts_due = now_ms.zip(memory.facts_ms).is_none_or(|(now, read)| now >= read.saturating_add(FACTS_EVERY_MS));
    if !facts_due {
        gathered.more = true;
        return Ok(gathered);
    }
    (memory.facts_ms, gathered.facts) = (now_ms, true);
    let deaths = cursor.get(CursorKey(place::DEATHS, 0)).map_or(0, |value| value.0 as i64);
    gathered.deaths = rows(conn, &statements.deaths, &[fight.row, deaths]).await?;
    gathered.attempts = rows(conn, &statements.attempts, &[fight.row]).await?;
    gathered.segments = rows(conn, &statements.segments, &[fight.row]).await?;
    gathered.bosses = rows(conn, &statements.bosses, &[fight.row]).await?;
    let seen: BTreeSet<_> = memory.rows.values().flat_map(|row| [row.source, row.target]).collect();
    let also = gathered.stats.iter().filter_map(|row| int(row, "actor_id"));
    let ids = json_list(seen.into_iter().chain(also));
    gathered.entities = rows_of_list(conn, &statements.entities, &[], &ids).await?;
    Ok(gathered)
}

/// Actors whose own counters are not those up to which their rows were read; `None` if the meter has no such counters.
pub(super) fn moved_actors(stats: &[SqliteRow], cursor: &Cursor) -> Option<Vec<(i64, CursorValue)>> {
    let mut moved = Vec::new();
    for row in stats {
        let count = |column| int(row, column).map(|count| count as u64);
        let (actor, dealt) = (int(row, "actor_id")?, CursorValue(count("hits_dealt")?, count("hits_heal")?));
        if cursor.get(CursorKey(place::DEALT, actor)) != Some(dealt) {
            moved.push((actor, dealt));
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

pub(super) fn counters_of(rows: &[SqliteRow]) -> Vec<(i64, u32)> {
    let text = rows.first().and_then(|row| bytes(row, "counters")).unwrap_or_default();
    let counters: Vec<(i64, i64)> = serde_json::from_slice(&text).unwrap_or_default();
    counters.into_iter().map(|(rowid, hits)| (rowid, hits.clamp(0, u32::MAX.into()) as u32)).collect()
}

pub(super) fn counter(row: &SqliteRow) -> u32 {
    int(row, "hits").unwrap_or(0).clamp(0, u32::MAX.into()) as u32
}

pub(super) fn row_is(row: &SqliteRow) -> RowIs {
    RowIs {
        source: int(row, "source").unwrap_or(0),
        target: int(row, "target").unwrap_or(0),
        skill: int(row, "skill_id").unwrap_or(-1),
        monster: raw_text(row, "monster_name"),
    }
}
