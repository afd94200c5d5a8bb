//! Generation A: a row for each hit while the fight goes on; at its end they become arrays of a row for each skill,
//! and the events' rows are deleted in the same transaction.
//!
//! One invariant: ids of events only grow, so the cursor is the last one read; how many of each (source, target,
//! skill) were yielded stands beside it, so that what vanished between two readings is read from the finished rows,
//! and nothing twice.
//! Meter: resonance-logs between 30 October and 7 November 2025, never released.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use raidcast_shared::event::{CritsKnown, Event, Knows};
use raidcast_shared::game::SpecNumbering;
use raidcast_shared::meter::details::{Entry, Number, Truth};
use raidcast_shared::meter::entry::{Judged, judge, stamp, stamps};
use raidcast_shared::meter::person::{self, Seen};
use raidcast_shared::uplink::MeterTotals;
use rusqlite::Connection;

use super::clock;
use super::database::{Database, DbRow, int, positive, rows};
use super::fight_row::begins;
use super::finished::{self, Progress};
use super::hit_row::{self, Table};
use super::missing::tell_missing;
use super::names::Names;
use super::roster::{self, Roster, Shown};
use super::{Cursor, CursorKey, CursorValue, Fight, Found, Glance, Reading, RowBegin, Source, SourceError, detect};

/// The meter's writer commits every 50 ms.
const LAG_MS: u32 = 50;
/// Events that one reading takes at most: some ten minutes of a raid.
const READ_MAX: usize = 50_000;

/// Prefixes of cursor keys.
mod prefix {
    /// Events of damage: (last id, those that no hit can be).
    pub(super) const DAMAGE: u8 = 21;
    /// Events of heals, alike.
    pub(super) const HEAL: u8 = 22;
    /// What was lost, in ids of missing things.
    pub(super) const LOST: u8 = 40;
}

/// A generation A database, open.
#[derive(Debug)]
pub struct Events {
    db: Database,
    names: Arc<Names>,
    numbering: SpecNumbering,
    stable_id: String,
    roster: Roster,
    hits: [String; 2],
    people: [String; 2],
    finished: [String; 2],
    /// Whom the events have shown: can be read again.
    seen: HashMap<i64, BTreeMap<i64, Seen>>,
}

/// What one transaction read of an encounter.
struct Gathered {
    events: [Vec<DbRow>; 2],
    finished: [Vec<DbRow>; 2],
    shown: Shown,
}

impl Events {
    /// Opens the database that detection found.
    ///
    /// # Errors
    /// As [`super::detect::identify`].
    pub fn open(found: &Found, names: Arc<Names>) -> Result<Self, SourceError> {
        let db = detect::open(found)?;
        let damage = [
            "id",
            "timestamp_ms",
            "attacker_id",
            "defender_id",
            "skill_id",
            "value",
            "is_crit",
            "is_lucky",
            "shield_loss",
            "is_boss",
            "monster_name",
            "defender_max_hp",
        ];
        let heal = ["id", "timestamp_ms", "healer_id", "target_id", "skill_id", "value", "is_crit", "is_lucky"];
        let beyond = format!("WHERE encounter_id = ?1 AND id > ?2 ORDER BY id LIMIT {READ_MAX}");
        Ok(Self {
            stable_id: db.stable_id()?,
            roster: Roster::of(&db),
            hits: [db.select("damage_events", &damage, &beyond), db.select("heal_events", &heal, &beyond)],
            people: [
                db.select("damage_events", &damage, "WHERE encounter_id = ?1 GROUP BY attacker_id, defender_id"),
                db.select("heal_events", &heal, "WHERE encounter_id = ?1 GROUP BY healer_id, target_id"),
            ],
            finished: finished::statements(&db, None),
            numbering: roster::numbering(&found.meter),
            seen: HashMap::new(),
            db,
            names,
        })
    }

    fn gather(&mut self, fight: &Fight, cursor: &Cursor, last: bool) -> Result<Gathered, SourceError> {
        let seen = self.seen.entry(fight.row).or_default();
        let (events, people, finished, roster) = (&self.hits, &self.people, &self.finished, &self.roster);
        let conn = &self.db.conn;
        let mut read = || {
            let transaction = conn.unchecked_transaction()?;
            if seen.is_empty() {
                for (table, sql) in Table::BOTH.into_iter().zip(people) {
                    for row in rows(&transaction, sql, &[fight.row])? {
                        see(seen, table, &row);
                    }
                }
            }
            let mut read = [Vec::new(), Vec::new()];
            for ((table, sql), read) in Table::BOTH.into_iter().zip(events).zip(&mut read) {
                *read = events_beyond(&transaction, sql, fight.row, last_id(cursor, table), last)?;
                for row in &*read {
                    see(seen, table, row);
                }
            }
            let finished = if last { finished::read(&transaction, finished, fight.row)? } else { Default::default() };
            for (table, rows) in Table::BOTH.into_iter().zip(&finished) {
                for row in rows {
                    person::show(&hit_row::of(table, row), seen);
                }
            }
            let shown = roster.shown(&transaction, fight.row, cursor, seen)?;
            Ok(Gathered { events: read, finished, shown })
        };
        read().map_err(|error: rusqlite::Error| self.db.refused(&error))
    }

    fn read_up_to_now(&mut self, fight: &Fight, cursor: &Cursor, last: bool) -> Result<Reading, SourceError> {
        let gathered = self.gather(fight, cursor, last)?;
        let mut reading = Reading::default();
        let mut progress = Progress::default();
        let mut clock = clock::of(fight, cursor);
        let entries = gathered.events.each_ref().map(|rows| rows.iter().map(entry_of).collect::<Vec<_>>());
        let times = clock.learn(&entries.each_ref().map(|entries| stamps(entries, fight.started_at_ms)));
        for (((table, rows), entries), times) in Table::BOTH.into_iter().zip(&gathered.events).zip(&entries).zip(times)
        {
            let mut times = times.into_iter();
            let key = event_key(table);
            let CursorValue(mut newest, mut absurd) = cursor.get(key).unwrap_or(CursorValue(0, 0));
            for (row, entry) in rows.iter().zip(entries) {
                let is = hit_row::of(table, row);
                progress.of(cursor, table, &is).add(entry.amount.0);
                let at_ms = stamp(entry, fight.started_at_ms).and_then(|_| times.next());
                match judge(table.kind(), &is, entry, at_ms) {
                    Judged::Hit(hit) => reading.events.push(Event::Hit(hit)),
                    Judged::Late(_) | Judged::Absurd => absurd += 1,
                }
                newest = positive(row, "id").unwrap_or(newest);
            }
            if !rows.is_empty() {
                reading.cursor.push((key, CursorValue(newest, absurd)));
            }
            reading.more |= !last && rows.len() >= READ_MAX;
            // Finished rows tell it row by row; without any it is told here.
            if last && absurd > 0 && gathered.finished.iter().all(Vec::is_empty) {
                let what = format!("{} events with amounts or times that no hit has", table.word());
                let id = i64::from(prefix::LOST + table.prefix()) << 56;
                tell_missing(cursor, &mut reading, clock.end_ms(), id, &what, absurd, 0);
            }
        }
        let sums_at = (clock.end_ms(), true);
        let bosses = gathered.shown.boss_names();
        let mut told = finished::Telling { fight, cursor, bosses: &bosses, sums_at, clock: &mut clock };
        told.tell(&gathered.finished, &mut progress, &mut reading);
        clock.learn_end();
        clock::save(&mut clock, cursor, &mut reading);
        progress.save(cursor, &mut reading);
        let nobody = BTreeMap::new();
        let seen = self.seen.get(&fight.row).unwrap_or(&nobody);
        gathered.shown.tell(fight, &clock, cursor, seen, self.numbering, &mut reading);
        roster::tell_skills(&self.names, cursor, &mut reading);
        Ok(reading)
    }
}

impl Source for Events {
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

    fn read(&mut self, fight: &Fight, cursor: &Cursor, _now_ms: u64) -> Result<Reading, SourceError> {
        self.read_up_to_now(fight, cursor, false)
    }

    fn read_last(&mut self, fight: &Fight, cursor: &Cursor) -> Result<Reading, SourceError> {
        let reading = self.read_up_to_now(fight, cursor, true)?;
        self.seen.remove(&fight.row);
        Ok(reading)
    }

    fn totals(&mut self, fight: &Fight) -> Result<Option<MeterTotals>, SourceError> {
        self.roster.totals(&mut self.db, fight.row)
    }
}

fn event_key(table: Table) -> CursorKey {
    let prefix = match table {
        Table::Damage => prefix::DAMAGE,
        Table::Heal => prefix::HEAL,
    };
    CursorKey(prefix, 0)
}

fn last_id(cursor: &Cursor, table: Table) -> i64 {
    cursor.get(event_key(table)).map_or(0, |value| value.0.cast_signed())
}

/// Events with ids above `after`; `all`: in as many goes as it takes.
fn events_beyond(
    conn: &Connection,
    sql: &str,
    fight: i64,
    mut after: i64,
    all: bool,
) -> Result<Vec<DbRow>, rusqlite::Error> {
    let mut read = Vec::new();
    loop {
        let more = rows(conn, sql, &[fight, after])?;
        let is_all = more.len() < READ_MAX;
        let last = more.last().and_then(|row| int(row, "id"));
        read.extend(more);
        match last.filter(|_| all && !is_all) {
            Some(last) => after = last,
            None => return Ok(read),
        }
    }
}

fn entry_of(row: &DbRow) -> Entry {
    let truth = |column| Truth(int(row, column).is_some_and(|value| value != 0));
    Entry {
        timestamp: Number(int(row, "timestamp_ms")),
        ms_from_start: Number(None),
        amount: Number(int(row, "value")),
        crit: truth("is_crit"),
        lucky: truth("is_lucky"),
        shield_loss: Number(int(row, "shield_loss")),
        is_boss: truth("is_boss"),
    }
}

fn see(seen: &mut BTreeMap<i64, Seen>, table: Table, row: &DbRow) {
    let is = hit_row::of(table, row);
    person::show(&is, seen);
    if table == Table::Damage {
        let target = seen.entry(is.target).or_default();
        target.boss |= int(row, "is_boss").is_some_and(|boss| boss != 0);
        target.max_hp = target.max_hp.max(positive(row, "defender_max_hp"));
    }
}
