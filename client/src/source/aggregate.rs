//! Generation C: rows of (attacker, defender, skill) whose JSON array of hits grows while the fight goes on.
//!
//! One invariant: an entry's identity is (row, index in its array), and the cursor holds how many of a row were
//! yielded, so none comes twice. Of a row that grew only the new tail is read; the row's own counter tells whether
//! that fits, and where it does not the row is read in full.
//! Meter: resonance-logs 0.15 to 0.19, first builds of resonance-logs-cn.

pub(super) mod actor;
pub(super) mod course;
pub(super) mod details;
pub(super) mod gather;
mod statements;

use std::collections::HashMap;
use std::sync::Arc;

use raidcast_shared::event::{CritsKnown, Event, Hit, HitFlags, Knows, RareBody, SourceKey, TimedHit};
use raidcast_shared::game::SpecNumbering;
use raidcast_shared::id::{ActorId, SkillId};
use raidcast_shared::limits::{AMOUNT_MAX, ENCOUNTER_DURATION_MS_MAX};
use raidcast_shared::uplink::MeterTotals;

use super::clock::{FightClock, in_fight};
use super::database::{Database, DbRow, bytes, int, missing, rare, rows_of_list};
use super::names::Names;
use super::roster::{self, Roster};
use super::{Cursor, CursorKey, CursorValue, Fight, Found, Reading, Source, SourceError, finished};
use details::{BuffSpan, Entry};
use gather::{Facts, Gathered, Memory, RowIs, RowRead, Table, beyond, counter, counters_of, gather, row_is};
use statements::Statements;

/// An array without hits.
const EMPTY: &[u8] = b"[]";
/// The meter's writer commits every 50 ms.
const LAG_MS: u32 = 50;

/// First halves of cursor keys and source keys; the roster has 7 to 9.
mod place {
    /// Rows of hits: (the row's counter and entries yielded as two u32, bytes before the final `]`).
    pub(super) const DAMAGE: u8 = 1;
    /// Rows of heals, alike.
    pub(super) const HEAL: u8 = 2;
    /// All deaths: (last row, how many).
    pub(super) const DEATHS: u8 = 3;
    /// An attempt: bits 1 began, 2 ended.
    pub(super) const ATTEMPT: u8 = 4;
    /// A segment of the dungeon.
    pub(super) const SEGMENT: u8 = 5;
    /// A row of buffs.
    pub(super) const BUFFS: u8 = 6;
    /// What contradicts the meter's counters: place in the high byte of the id, (expected, read).
    pub(super) const MISSING: u8 = 10;
    /// An actor's own counters of hits and of heals, up to which its rows were read.
    pub(super) const DEALT: u8 = 11;
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
    memory: HashMap<i64, Memory>,
}

impl Aggregate {
    /// Opens the database that detection found.
    ///
    /// # Errors
    /// As [`super::detect::identify`].
    pub fn open(found: &Found, names: Arc<Names>) -> Result<Self, SourceError> {
        let db = Database::open(&found.path)?;
        Ok(Self {
            stable_id: db.stable_id()?,
            statements: Statements::of(&db),
            sums: finished::statements(&db, Some(EMPTY.len())),
            numbering: roster::numbering(&found.meter),
            roster: Roster::of(&db),
            memory: HashMap::new(),
            db,
            names,
        })
    }

    /// Reads everything beyond the cursor in one transaction; `now_ms` is `None` if large rows are not to wait.
    fn gather(&mut self, fight: &Fight, cursor: &Cursor, now_ms: Option<u64>) -> Result<Gathered, SourceError> {
        let memory = self.memory.entry(fight.row).or_default();
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
            new.push((grown.table, row, entries.into_iter().flatten().collect::<Vec<_>>()));
            reading.cursor.push((key, after.value()));
        }
        let mut clock = FightClock::of(cursor);
        let stamps: Vec<_> = new.iter().map(|(.., entries)| stamps(entries, fight)).collect();
        for ((table, row, entries), times) in new.iter().zip(clock.learn(&stamps)) {
            for (entry, at_ms) in entries.iter().filter(|entry| stamp(entry, fight).is_some()).zip(times) {
                if let Judged::Hit(hit) = judge(*table, row, entry, Some(at_ms)) {
                    reading.events.push(Event::Hit(hit));
                }
            }
        }
        if now_ms.is_none() {
            clock.learn_end(fight);
        }
        clock.save(&mut reading);
        if let Some(Facts { shown, seen, segments }) = &gathered.facts {
            shown.tell(fight, &clock, cursor, seen, self.numbering, &mut reading);
            course::segments(fight, &clock, cursor, segments, &mut reading);
        }
        roster::tell_skills(&self.names, cursor, &mut reading);
        Ok(reading)
    }

    /// Each row in full against the meter's counters; yields what is still beyond the cursor.
    fn reconcile(&mut self, fight: &Fight, cursor: &Cursor, reading: &mut Reading) -> Result<(), SourceError> {
        let clock = FightClock::of(cursor);
        let at_ms = clock.end_ms(fight);
        let (mut late, mut entries, mut are_sums) = (0, 0, false);
        for table in Table::BOTH {
            let counters = self.db.rows(&self.statements.counters[table as usize], &[fight.row])?;
            for (rowid, _) in counters_of(&counters) {
                let Some(whole) = self.whole(table, rowid)? else { continue };
                let row = row_is(&whole);
                let key = table.key(rowid);
                let before = RowRead::of(cursor, key);
                let hits = counter(&whole);
                let text = bytes(&whole, "text").unwrap_or_default();
                if text == EMPTY && hits > 0 && before.entries == 0 {
                    are_sums = true;
                    continue;
                }
                let held = details::parse(&text);
                let (mut read, mut sum, mut beyond_limit) = (0u64, 0u64, 0u64);
                for (index, entry) in held.entries.iter().enumerate() {
                    let at = |entry| stamp(entry, fight).map(|stamp| clock.at(stamp));
                    let amount = match entry.as_ref().map(|entry| judge(table, &row, entry, at(entry))) {
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
                let after = beyond(&before, hits, held).1;
                if after != before {
                    reading.cursor.push((key, after.value()));
                }
                let total = int(&whole, "total_value").and_then(|total| u64::try_from(total).ok()).unwrap_or(0);
                // Ids of players stay out of it: the relay keeps this text as it is.
                let told = if read != u64::from(hits) {
                    Some((format!("hits of {} row {rowid}, skill {}", table.word(), row.skill), u64::from(hits), read))
                } else if sum != total {
                    Some((format!("amount of {} row {rowid}, skill {}", table.word(), row.skill), total, sum))
                } else {
                    None
                };
                if let Some((what, expected, read)) = told {
                    let id = i64::from(table.place()) << 56 | rowid;
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
        let clock = FightClock::of(cursor);
        let limit = fight.end.as_ref().and_then(|end| clock.ms(end.ended_at_ms, fight));
        let limit = limit.unwrap_or(ENCOUNTER_DURATION_MS_MAX);
        for row in self.db.rows(&self.statements.buffs, &[fight.row])? {
            let (Some(rowid), Some(actor), Some(buff)) =
                (int(&row, "rowid"), int(&row, "entity_id"), int(&row, "buff_id"))
            else {
                continue;
            };
            let key = CursorKey(place::BUFFS, rowid);
            if cursor.get(key).is_some() {
                continue;
            }
            let text = bytes(&row, "events").unwrap_or_default();
            let Ok(spans) = serde_json::from_slice::<Vec<BuffSpan>>(&text) else {
                let what = format!("spans of buff row {rowid}, buff {buff}");
                tell_missing(cursor, reading, limit, i64::from(place::BUFFS) << 56 | rowid, &what, 1, 0);
                continue;
            };
            for (index, span) in spans.iter().enumerate() {
                let at = |unix_ms: Option<i64>| unix_ms.and_then(|unix_ms| clock.ms(unix_ms, fight));
                let Some(at_ms) = at(span.start.0).filter(|at| *at <= limit) else { continue };
                let until = at(span.end.0).unwrap_or(limit).clamp(at_ms, limit);
                let stacks = u32::try_from(span.stack_count.0.unwrap_or(0).max(0)).unwrap_or(u32::MAX);
                let body = RareBody::Buff { a: actor_id(actor), buff, until, stacks };
                reading.events.push(rare(at_ms, SourceKey::new(place::BUFFS.into(), index as u32), body));
            }
            reading.cursor.push((key, CursorValue(1, 0)));
        }
        Ok(())
    }
}

impl Source for Aggregate {
    fn knows(&self) -> Knows {
        Knows { crits: CritsKnown::Local, hits: true, overheal: false, lag_ms: LAG_MS, no_deaths: false }
    }

    async fn changed(&mut self) -> Result<bool, SourceError> {
        self.db.changed()
    }

    async fn fights(&mut self, after: i64, open: &[i64]) -> Result<Vec<Fight>, SourceError> {
        self.roster.fights(&mut self.db, &self.names, &self.stable_id, after, open)
    }

    async fn read(&mut self, fight: &Fight, cursor: &Cursor, now_ms: u64) -> Result<Reading, SourceError> {
        self.read_up_to_now(fight, cursor, Some(now_ms))
    }

    async fn read_last(&mut self, fight: &Fight, cursor: &Cursor) -> Result<Reading, SourceError> {
        let mut reading = self.read_up_to_now(fight, cursor, None)?;
        let mut cursor = cursor.clone();
        cursor.advance(&reading.cursor);
        self.reconcile(fight, &cursor, &mut reading)?;
        self.buffs(fight, &cursor, &mut reading)?;
        self.memory.remove(&fight.row);
        Ok(reading)
    }

    async fn totals(&mut self, fight: &Fight) -> Result<Option<MeterTotals>, SourceError> {
        self.roster.totals(&mut self.db, fight.row)
    }
}

/// What becomes of an entry.
pub(super) enum Judged {
    Hit(TimedHit<ActorId, SkillId>),
    /// Beyond the longest fight; its amount.
    Late(u64),
    /// Without a time, or with an amount that no hit has.
    Absurd,
}

/// When an entry was stamped, ms since the fight began by the meter's clock; `None` where it has no time.
///
/// Of two times that contradict each other the one counts that a fight has.
pub(super) fn stamp(entry: &Entry, fight: &Fight) -> Option<i64> {
    let by_clock = entry.timestamp.0.map(|unix_ms| unix_ms.saturating_sub(fight.started_at_ms));
    let from_start = entry.ms_from_start.0;
    let is_likely = |at: &i64| (1..=i64::from(ENCOUNTER_DURATION_MS_MAX)).contains(at);
    match (by_clock, from_start) {
        (Some(by_clock), Some(from_start)) if !is_likely(&by_clock) && is_likely(&from_start) => Some(from_start),
        _ => by_clock.or(from_start),
    }
}

/// The stamps of entries that have one, in their order.
pub(super) fn stamps(entries: &[Entry], fight: &Fight) -> Vec<i64> {
    entries.iter().filter_map(|entry| stamp(entry, fight)).collect()
}

/// `at_ms`: when it was, ms since the fight began.
pub(super) fn judge(table: Table, row: &RowIs, entry: &Entry, at_ms: Option<i64>) -> Judged {
    let amount = entry.amount.0.and_then(|amount| u64::try_from(amount).ok()).filter(|amount| *amount <= AMOUNT_MAX);
    let (Some(amount), Some(at_ms)) = (amount, at_ms) else { return Judged::Absurd };
    let Some(at_ms) = in_fight(at_ms) else { return Judged::Late(amount) };
    let shield = entry.shield_loss.0.and_then(|shield| u64::try_from(shield).ok()).unwrap_or(0);
    Judged::Hit(TimedHit {
        at_ms,
        hit: Hit {
            source: actor_id(row.source),
            target: actor_id(row.target),
            skill: SkillId { base: row.skill, variant: None },
            kind: table.kind(),
            amount,
            flags: HitFlags::default()
                .with(HitFlags::CRIT, entry.crit.0)
                .with(HitFlags::LUCKY, entry.lucky.0)
                .with(HitFlags::BOSS, entry.is_boss.0),
            shield: shield.min(amount),
            overheal: 0,
        },
    })
}

pub(super) fn actor_id(id: i64) -> ActorId {
    ActorId::clear(id as u64)
}

/// When the fight ended, ms since it began; what is told of all of it stands there.
pub(super) fn end_ms(fight: &Fight) -> u32 {
    FightClock::of(&Cursor::default()).end_ms(fight)
}

/// Tells what is missing, unless the same was told before.
pub(super) fn tell_missing(
    cursor: &Cursor,
    reading: &mut Reading,
    at_ms: u32,
    id: i64,
    what: &str,
    expected: u64,
    read: u64,
) {
    let key = CursorKey(place::MISSING, id);
    let figures = CursorValue(expected, read);
    if cursor.get(key) != Some(figures) {
        let stamp = SourceKey::new(u32::from(place::MISSING) + (id >> 56) as u32, id as u32);
        reading.events.push(missing(at_ms, stamp, what, expected, read));
        reading.cursor.push((key, figures));
    }
}
