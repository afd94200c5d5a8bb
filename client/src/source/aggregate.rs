//! Generation C: rows of (attacker, defender, skill) whose JSON array of hits grows while the fight goes on.
//!
//! One invariant: an entry's identity is (row, index in its array), and the cursor holds how many of a row were
//! yielded, so none comes twice. Of a row that grew only the new tail is read; the row's own counter tells whether
//! that fits, and where it does not the row is read in full.
//! Meter: resonance-logs 0.15 to 0.19, first builds of resonance-logs-cn.

mod gather;
mod statements;

use std::collections::HashMap;
use std::sync::Arc;

use raidcast_shared::event::{CritsKnown, Event, Knows};
use raidcast_shared::game::SpecNumbering;
use raidcast_shared::limits::ENCOUNTER_DURATION_MS_MAX;
use raidcast_shared::meter::course::BuffRow;
use raidcast_shared::meter::details::{self, BuffSpan, Entry};
use raidcast_shared::meter::entry::{Judged, judge, stamp, stamps};
use raidcast_shared::uplink::MeterTotals;

use super::clock;
use super::database::{Database, DbRow, bytes, int, rows_of_list};
use super::fight_row::begins;
use super::finished::Yielded;
use super::hit_row::{self, Table};
use super::missing::tell_missing;
use super::names::Names;
use super::roster::{self, Roster};
use super::rows;
use super::{
    Cursor, CursorKey, CursorValue, Fight, Found, Glance, Reading, RowBegin, Source, SourceError, detect, finished,
};
use super::{course, prefix};
use gather::{Facts, Gathered, Memory, RowRead, beyond, counter, counters_of, gather};
use statements::Statements;

/// An array without hits.
const EMPTY: &[u8] = b"[]";
/// The meter's writer commits every 50 ms.
const LAG_MS: u32 = 50;

/// What the entries of a row have come to with these; `None` where those before were never summed up.
fn sum_up(
    cursor: &Cursor,
    table: Table,
    rowid: i64,
    before: &RowRead,
    new: &[Option<Entry>],
) -> Option<(CursorKey, CursorValue)> {
    let key = CursorKey(prefix::SUMS[table as usize], rowid);
    let CursorValue(entries, sum) = cursor.get(key).unwrap_or(CursorValue(0, 0));
    if new.is_empty() || entries != u64::from(before.entries) {
        return None;
    }
    let mut yielded = Yielded { entries, sum };
    for entry in new {
        yielded.add(entry.as_ref().and_then(|entry| entry.amount.0));
    }
    Some((key, CursorValue(yielded.entries, yielded.sum)))
}

/// Whether the entries of a row that were yielded are not the first of those that it has now.
fn is_altered(cursor: &Cursor, table: Table, rowid: i64, held: &[Option<Entry>]) -> bool {
    let Some(CursorValue(entries, sum)) = cursor.get(CursorKey(prefix::SUMS[table as usize], rowid)) else {
        return false;
    };
    let mut now = Yielded::default();
    for entry in held.iter().take(usize::try_from(entries).unwrap_or(usize::MAX)) {
        now.add(entry.as_ref().and_then(|entry| entry.amount.0));
    }
    now != Yielded { entries, sum }
}

/// A generation C database, open.
#[derive(Debug)]
pub struct Aggregate {
    db: Database,
    names: Arc<Names>,
    numbering: SpecNumbering,
    stable_id: String,
    statements: Statements,
    roster: Roster,
    /// Rows with their sums and as much of their arrays as tells whether they have any.
    sums: [String; 2],
    /// What each row is about.
    about: [String; 2],
    memory: HashMap<i64, Memory>,
}

impl Aggregate {
    /// Opens the database that detection found.
    ///
    /// # Errors
    /// As [`super::detect::identify`].
    pub fn open(found: &Found, names: Arc<Names>) -> Result<Self, SourceError> {
        let db = detect::open(found)?;
        Ok(Self {
            stable_id: db.stable_id()?,
            statements: Statements::of(&db),
            sums: finished::statements(&db, Some(EMPTY.len())),
            numbering: roster::numbering(&found.meter),
            roster: Roster::of(&db),
            about: rows::statements(&db),
            memory: HashMap::new(),
            db,
            names,
        })
    }

    /// Reads everything beyond the cursor in one transaction; `now_ms` is `None` if large rows are not to wait.
    fn gather(&mut self, fight: &Fight, cursor: &Cursor, now_ms: Option<u64>) -> Result<Gathered, SourceError> {
        let memory = self.memory.entry(fight.row).or_default();
        if cursor.is_empty() {
            // Read from its begin: its rows may be others than they were.
            *memory = Memory::default();
        }
        let mut read = || {
            let transaction = self.db.conn.unchecked_transaction()?;
            let gathered = gather(&transaction, &self.statements, &self.roster, fight, cursor, memory, now_ms)?;
            Ok(gathered)
        };
        read().map_err(|error: rusqlite::Error| self.db.refused(&error))
    }

    /// One row in full: its counters and its text belong together, as one statement reads them.
    fn whole(&mut self, table: Table, rowid: i64) -> Result<Option<DbRow>, SourceError> {
        let wanted = format!("[[{rowid},1]]");
        let read = rows_of_list(&self.db.conn, &self.statements.texts[table as usize], &[], &wanted);
        Ok(read.map_err(|error| self.db.refused(&error))?.into_iter().next())
    }

    fn read_up_to_now(&mut self, fight: &Fight, cursor: &Cursor, now_ms: Option<u64>) -> Result<Reading, SourceError> {
        let mut gathered = self.gather(fight, cursor, now_ms)?;
        let mut reading = Reading { more: gathered.more, ..Reading::default() };
        reading.cursor.append(&mut gathered.dealt);
        let mut new = Vec::new();
        for grown in std::mem::take(&mut gathered.grown) {
            let key = grown.table.key(grown.rowid);
            let Some(row) = self.memory.get(&fight.row).and_then(|memory| memory.rows.get(&key)).cloned() else {
                continue;
            };
            let before = RowRead::of(cursor, key);
            let added = u64::from(grown.hits.saturating_sub(before.hits));
            // The tail begins one byte before `end` and stops one byte behind the next.
            let end = (before.end + grown.text.len() as u64).saturating_sub(2);
            let (entries, after) = if before.end == 0 {
                beyond(&before, grown.hits, details::parse(&grown.text))
            } else if let Some(tail) = details::parse_tail(grown.text, added) {
                let after = RowRead { hits: grown.hits, entries: before.entries + tail.len() as u32, end };
                (tail.into_iter().map(Some).collect(), after)
            } else {
                let Some(whole) = self.whole(grown.table, grown.rowid)? else { continue };
                beyond(&before, counter(&whole), details::parse(&bytes(&whole, "text").unwrap_or_default()))
            };
            reading.cursor.extend(rows::note(cursor, grown.table, grown.rowid, &row));
            reading.cursor.extend(sum_up(cursor, grown.table, grown.rowid, &before, &entries));
            new.push((grown.table, row, entries.into_iter().flatten().collect::<Vec<_>>()));
            reading.cursor.push((key, after.value()));
        }
        let mut clock = clock::of(fight, cursor);
        let stamps: Vec<_> = new.iter().map(|(.., entries)| stamps(entries, fight.started_at_ms)).collect();
        for ((table, row, entries), times) in new.iter().zip(clock.learn(&stamps)) {
            for (entry, at_ms) in entries.iter().filter(|entry| stamp(entry, fight.started_at_ms).is_some()).zip(times)
            {
                if let Judged::Hit(hit) = judge(table.kind(), row, entry, Some(at_ms)) {
                    reading.events.push(Event::Hit(hit));
                }
            }
        }
        if now_ms.is_none() {
            clock.learn_end();
        }
        clock::save(&mut clock, cursor, &mut reading);
        if let Some(Facts { shown, seen, segments }) = &gathered.facts {
            shown.tell(fight, &clock, cursor, seen, self.numbering, &mut reading);
            course::segments(fight, &clock, cursor, segments, &mut reading);
        }
        roster::tell_skills(&self.names, cursor, &mut reading);
        Ok(reading)
    }

    /// Each row in full against the meter's counters; yields what is still beyond the cursor.
    /// Whether what was yielded stands there no more is told, too.
    fn reconcile(&mut self, fight: &Fight, cursor: &Cursor, reading: &mut Reading) -> Result<(), SourceError> {
        let clock = clock::of(fight, cursor);
        let at_ms = clock.end_ms();
        let (mut late, mut entries, mut are_sums) = (0, 0, false);
        for table in Table::BOTH {
            let counters = self.db.rows(&self.statements.counters[table as usize], &[fight.row])?;
            for (rowid, _) in counters_of(&counters) {
                let Some(whole) = self.whole(table, rowid)? else { continue };
                let row = hit_row::as_it_is(table, &whole);
                let key = table.key(rowid);
                let before = RowRead::of(cursor, key);
                let hits = counter(&whole);
                let text = bytes(&whole, "text").unwrap_or_default();
                if text == EMPTY && hits > 0 && before.entries == 0 {
                    are_sums = true;
                    continue;
                }
                let held = details::parse(&text);
                if held.entries.len() as u64 == u64::from(hits) {
                    // A row that contradicts its own counter is damaged: of it what was yielded is the best there is.
                    reading.altered |= is_altered(cursor, table, rowid, &held.entries);
                }
                let (mut read, mut sum, mut beyond_limit) = (0u64, 0u64, 0u64);
                for (index, entry) in held.entries.iter().enumerate() {
                    let at = |entry| stamp(entry, fight.started_at_ms).map(|stamp| clock.at(stamp));
                    let amount = match entry.as_ref().map(|entry| judge(table.kind(), &row, entry, at(entry))) {
                        Some(Judged::Hit(hit)) => {
                            if index as u64 >= u64::from(before.entries) {
                                reading.events.push(Event::Hit(hit));
                            }
                            hit.hit.amount
                        }
                        Some(Judged::Late(amount)) => {
                            beyond_limit += 1;
                            amount
                        }
                        Some(Judged::Absurd) | None => continue,
                    };
                    read += 1;
                    sum = sum.saturating_add(amount);
                }
                late += beyond_limit;
                entries += read;
                let (new, after) = beyond(&before, hits, held);
                if after != before {
                    reading.cursor.extend(rows::note(cursor, table, rowid, &row));
                    reading.cursor.extend(sum_up(cursor, table, rowid, &before, &new));
                    reading.cursor.push((key, after.value()));
                }
                let total = int(&whole, "total_value").and_then(|total| u64::try_from(total).ok()).unwrap_or(0);
                let told = table.place(rowid, row.skill).shortfall([hits.into(), read], [total, sum]);
                if let Some((what, expected, read)) = told {
                    let id = i64::from(table.prefix()) << 56 | rowid;
                    tell_missing(cursor, reading, at_ms, id, &what, expected, read);
                }
            }
        }
        if are_sums {
            // An earlier version of the meter, which kept sums alone, fought it.
            let rows = finished::read(&self.db.conn, &self.sums, fight.row);
            for (table, rows) in Table::BOTH.into_iter().zip(rows.map_err(|error| self.db.refused(&error))?) {
                for row in rows.iter().filter(|row| bytes(row, "text").as_deref() == Some(EMPTY)) {
                    finished::tell_row_of_sums(fight, cursor, table, row, (at_ms, true), reading);
                }
            }
        }
        if late > 0 {
            tell_missing(cursor, reading, at_ms, 0, "hits beyond 2 h of one fight", entries, entries - late);
        }
        Ok(())
    }

    fn buffs(&mut self, fight: &Fight, cursor: &Cursor, reading: &mut Reading) -> Result<(), SourceError> {
        let clock = clock::of(fight, cursor);
        let limit = fight.end.as_ref().and_then(|end| clock.ms(end.ended_at_ms));
        let limit = limit.unwrap_or(ENCOUNTER_DURATION_MS_MAX);
        for row in self.db.rows(&self.statements.buffs, &[fight.row])? {
            let (Some(rowid), Some(actor), Some(buff)) =
                (int(&row, "rowid"), int(&row, "entity_id"), int(&row, "buff_id"))
            else {
                continue;
            };
            let key = CursorKey(prefix::BUFFS, rowid);
            if cursor.get(key).is_some() {
                continue;
            }
            let text = bytes(&row, "events").unwrap_or_default();
            let Ok(spans) = serde_json::from_slice::<Vec<BuffSpan>>(&text) else {
                let what = format!("spans of buff row {rowid}, buff {buff}");
                tell_missing(cursor, reading, limit, i64::from(prefix::BUFFS) << 56 | rowid, &what, 1, 0);
                continue;
            };
            reading.events.extend(spans.iter().enumerate().filter_map(|(index, span)| {
                let (start, end, stacks) = (span.start.0, span.end.0, span.stack_count.0);
                BuffRow { actor, buff, start, end, stacks }.event(&clock, limit, index)
            }));
            reading.cursor.push((key, CursorValue(1, 0)));
        }
        Ok(())
    }
}

impl Source for Aggregate {
    fn knows(&self) -> Knows {
        Knows { crits: CritsKnown::Local, hits: true, overheal: false, lag_ms: LAG_MS, ..Knows::default() }
    }

    fn changed(&mut self) -> Result<bool, SourceError> {
        self.db.changed()
    }

    fn fights(&mut self, after: i64, open: &[i64]) -> Result<Vec<Fight>, SourceError> {
        self.roster.fights(&mut self.db, &self.names, &self.stable_id, after, open)
    }

    fn begins(&mut self) -> Result<Vec<RowBegin>, SourceError> {
        begins(&self.db, "id")
    }

    fn glance(&mut self, fight: &Fight) -> Result<Glance, SourceError> {
        self.roster.glance(&self.db, fight.row)
    }

    fn fits(&mut self, fight: &Fight, cursor: &Cursor) -> Result<bool, SourceError> {
        rows::fit(&self.db, &self.about, fight.row, cursor, Table::BOTH.map(Table::prefix))
    }

    fn read(&mut self, fight: &Fight, cursor: &Cursor, now_ms: u64) -> Result<Reading, SourceError> {
        self.read_up_to_now(fight, cursor, Some(now_ms))
    }

    fn read_last(&mut self, fight: &Fight, cursor: &Cursor) -> Result<Reading, SourceError> {
        let mut reading = self.read_up_to_now(fight, cursor, None)?;
        reading.altered = !self.fits(fight, cursor)?;
        let mut cursor = cursor.clone();
        cursor.advance(&reading.cursor);
        self.reconcile(fight, &cursor, &mut reading)?;
        self.buffs(fight, &cursor, &mut reading)?;
        self.memory.remove(&fight.row);
        Ok(reading)
    }

    fn totals(&mut self, fight: &Fight) -> Result<Option<MeterTotals>, SourceError> {
        self.roster.totals(&mut self.db, fight.row)
    }
}
