//! Generation B: rows of (attacker, defender, skill) whose counters grow, without any single hit.
//!
//! One invariant: what is told of a row are its present sums, and the fold takes the greatest, so reading twice
//! changes nothing. Times are the meter's own clock at the packet it saw last before the reading; of what the first
//! reading after a start finds it is unknown when it came.
//! Meter: resonance-logs 0.13 and 0.14. Fights that an earlier build finished have their hits in the same tables.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use raidcast_shared::event::{CritsKnown, Knows};
use raidcast_shared::game::SpecNumbering;
use raidcast_shared::meter::person::{self, Seen};
use raidcast_shared::uplink::MeterTotals;

use super::clock::{self, end_ms};
use super::database::{Database, DbRow, bytes, fight_ms};
use super::fight_row::begins;
use super::finished::{self, LONG_KEYS, Progress};
use super::hit_row::{self, Table};
use super::names::Names;
use super::roster::{self, Roster, Shown};
use super::rows;
use super::{Cursor, CursorKey, CursorValue, Fight, Found, Glance, Reading, RowBegin, Source, SourceError, detect};

/// The meter's writer commits every 50 ms, and counters are read once a second.
const LAG_MS: u32 = 1_050;
/// What is found within this time of the begin, or of the last telling before a start, came then, ms.
const TIMED_WITHIN_MS: u32 = 2_500;
/// How often counters are read, ms, by how many tellings there were: a fight has a limit of them.
const EVERY_MS: [(u64, u64); 3] = [(75_000, 1_000), (115_000, 10_000), (u64::MAX, 60_000)];

/// Prefixes of cursor keys.
mod prefix {
    /// The last telling: (when, ms since the fight began, how many there were).
    pub(super) const TOLD: u8 = 35;
}

const TOLD: CursorKey = CursorKey(prefix::TOLD, 0);

/// A generation B database, open.
#[derive(Debug)]
pub struct Counters {
    db: Database,
    names: Arc<Names>,
    numbering: SpecNumbering,
    stable_id: String,
    roster: Roster,
    growing: [String; 2],
    finished: [String; 2],
    /// What each row is about.
    about: [String; 2],
    /// When each fight was read last, by the clock of the caller.
    read_ms: HashMap<i64, u64>,
}

/// What one transaction read of an encounter.
struct Gathered {
    rows: [Vec<DbRow>; 2],
    seen: BTreeMap<i64, Seen>,
    shown: Shown,
}

impl Counters {
    /// Opens the database that detection found.
    ///
    /// # Errors
    /// As [`super::detect::identify`].
    pub fn open(found: &Found, names: Arc<Names>) -> Result<Self, SourceError> {
        let db = detect::open(found)?;
        Ok(Self {
            stable_id: db.stable_id()?,
            roster: Roster::of(&db),
            about: rows::statements(&db),
            // Of the arrays only as much as tells who wrote them.
            growing: finished::statements(&db, Some(LONG_KEYS.len())),
            finished: finished::statements(&db, None),
            numbering: roster::numbering(&found.meter),
            read_ms: HashMap::new(),
            db,
            names,
        })
    }

    fn gather(&mut self, fight: &Fight, cursor: &Cursor, last: bool) -> Result<Gathered, SourceError> {
        let (statements, roster) = (if last { &self.finished } else { &self.growing }, &self.roster);
        let conn = &self.db.conn;
        let read = || {
            let transaction = conn.unchecked_transaction()?;
            let rows = finished::read(&transaction, statements, fight.row)?;
            let mut seen = BTreeMap::new();
            for (table, rows) in Table::BOTH.into_iter().zip(&rows) {
                for row in rows {
                    person::show(&hit_row::of(table, row), &mut seen);
                }
            }
            let shown = roster.shown(&transaction, fight.row, cursor, &seen)?;
            Ok(Gathered { rows, seen, shown })
        };
        read().map_err(|error: rusqlite::Error| self.db.refused(&error))
    }

    fn read_up_to_now(&mut self, fight: &Fight, cursor: &Cursor, last: bool) -> Result<Reading, SourceError> {
        let gathered = self.gather(fight, cursor, last)?;
        let texts = gathered.rows.iter().flatten().map(|row| bytes(row, "text").unwrap_or_default());
        if texts.into_iter().any(|text| text.starts_with(LONG_KEYS)) {
            // Another version of the meter writes into the same tables: it keeps single hits.
            return Err(SourceError::Upgraded { path: self.db.path.clone() });
        }
        let CursorValue(told_ms, mut told) = cursor.get(TOLD).unwrap_or(CursorValue(0, 0));
        let end_ms = end_ms(fight);
        let last_seen = gathered.shown.last_seen_ms().and_then(|at| fight_ms(at, fight.started_at_ms));
        let at_ms = match last_seen {
            Some(at_ms) if fight.end.is_some() => at_ms.min(end_ms),
            Some(at_ms) => at_ms,
            None => end_ms,
        };
        let at_ms = at_ms.max(told_ms as u32);
        let is_watched = self.read_ms.contains_key(&fight.row) && last_seen.is_some();
        let untimed = !is_watched && (last_seen.is_none() || at_ms - told_ms as u32 > TIMED_WITHIN_MS);
        let mut reading = Reading::default();
        let mut clock = clock::of(fight, cursor);
        let mut progress = Progress::default();
        if last {
            let bosses = gathered.shown.boss_names();
            let mut told =
                finished::Telling { fight, cursor, bosses: &bosses, sums_at: (at_ms, untimed), clock: &mut clock };
            told.tell(&gathered.rows, &mut progress, &mut reading);
            clock::save(&mut clock, cursor, &mut reading);
        } else {
            for (table, rows) in Table::BOTH.into_iter().zip(&gathered.rows) {
                for row in rows.iter().filter(|row| bytes(row, "text").is_none_or(|text| text == b"[]")) {
                    finished::tell_row_of_sums(fight, cursor, table, row, (at_ms, untimed), &mut reading);
                }
            }
        }
        progress.save(cursor, &mut reading);
        told += reading.events.len() as u64;
        if !reading.events.is_empty() {
            reading.cursor.push((TOLD, CursorValue(at_ms.into(), told)));
        }
        gathered.shown.tell(fight, &clock, cursor, &gathered.seen, self.numbering, &mut reading);
        roster::tell_skills(&self.names, cursor, &mut reading);
        Ok(reading)
    }
}

impl Source for Counters {
    fn knows(&self) -> Knows {
        Knows { crits: CritsKnown::Local, hits: false, overheal: false, lag_ms: LAG_MS, ..Knows::default() }
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
        rows::fit(&self.db, &self.about, fight.row, cursor, finished::SUMS)
    }

    fn read(&mut self, fight: &Fight, cursor: &Cursor, now_ms: u64) -> Result<Reading, SourceError> {
        let told = cursor.get(TOLD).map_or(0, |value| value.1);
        let every_ms = EVERY_MS.iter().find(|(upto, _)| told < *upto).map_or(0, |(_, every_ms)| *every_ms);
        if self.read_ms.get(&fight.row).is_some_and(|read_ms| now_ms < read_ms.saturating_add(every_ms)) {
            return Ok(Reading { more: true, ..Reading::default() });
        }
        let reading = self.read_up_to_now(fight, cursor, false)?;
        self.read_ms.insert(fight.row, now_ms);
        Ok(reading)
    }

    fn read_last(&mut self, fight: &Fight, cursor: &Cursor) -> Result<Reading, SourceError> {
        let mut reading = self.read_up_to_now(fight, cursor, true)?;
        reading.altered = !self.fits(fight, cursor)?;
        self.read_ms.remove(&fight.row);
        Ok(reading)
    }

    fn totals(&mut self, fight: &Fight) -> Result<Option<MeterTotals>, SourceError> {
        self.roster.totals(&mut self.db, fight.row)
    }
}
