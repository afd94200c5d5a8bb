//! Who took part in a fight and how it went: what the generations with a row for each skill tell alike.
//!
//! Deliberately not here: hits and sums, which each generation keeps in its own way.

use std::collections::{BTreeMap, BTreeSet};

use raidcast_shared::event::{ActorFacts, Event, RareBody, SourceKey};
use raidcast_shared::game::SpecNumbering;
use raidcast_shared::id::SkillId;
use raidcast_shared::meter::clock::FightClock;
use raidcast_shared::meter::person::{self, Boss, People, Person, Seen, Stats, is_kill};
use raidcast_shared::meter::row::rare;
use raidcast_shared::uplink::{DamageBy, MeterTotals, Outcome};
use rusqlite::Connection;

use super::course;
use super::database::{Database, DbRow, hash_of, int, json_list, name, positive, raw_text, rows, rows_of_list};
use super::fight_row::{FightRow, fights_of};
use super::names::Names;
use super::prefix;
use super::{Cursor, CursorKey, CursorValue, Fight, Glance, Reading, SourceError};

/// Statements, made once for the columns that this database has.
#[derive(Debug)]
pub(super) struct Roster {
    encounters: String,
    deaths: String,
    attempts: String,
    bosses: String,
    stats: String,
    entities: String,
    totals: String,
    /// What bosses are called, in the order in which they were met.
    boss_names: String,
    /// How many hits there are: by sums of rows for each skill, and by rows of single hits.
    counts: [[String; 2]; 2],
}

/// What one moment shows of a fight's course and people.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) deaths: Vec<DbRow>,
    pub(super) attempts: Vec<DbRow>,
    pub(super) bosses: Vec<DbRow>,
    pub(super) stats: Vec<DbRow>,
    pub(super) entities: Vec<DbRow>,
}

impl Roster {
    pub(super) fn of(db: &Database) -> Self {
        let person = ["name", "class_id", "class_spec", "ability_score", "level"];
        let with = |first: &[&'static str]| [first, &person].concat();
        let here = "WHERE encounter_id = ?1";
        let sum = |table: &str| format!("SELECT total(hits) AS hits FROM ({})", db.select(table, &["hits"], here));
        let count = |table: &str| format!("SELECT count(*) AS hits FROM ({})", db.select(table, &["rowid"], here));
        Self {
            encounters: fights_of(db, &["scene_id", "scene_name"]),
            deaths: db.select(
                "death_events",
                &["id", "timestamp_ms", "actor_id", "killer_id", "skill_id"],
                "WHERE encounter_id = ?1 AND id > ?2 ORDER BY id",
            ),
            attempts: db.select(
                "attempts",
                &["id", "attempt_index", "started_at_ms", "ended_at_ms", "reason", "boss_hp_start", "boss_hp_end"],
                "WHERE encounter_id = ?1 ORDER BY id",
            ),
            bosses: db.select("encounter_bosses", &["monster_name", "max_hp", "is_defeated"], here),
            stats: db.select("actor_encounter_stats", &with(&["actor_id", "is_player"]), here),
            entities: db.select(
                "entities",
                &with(&["entity_id", "last_seen_ms"]),
                "WHERE entity_id IN (SELECT value FROM json_each(?1))",
            ),
            totals: db.select("encounters", &["total_dmg", "total_heal"], "WHERE id = ?1"),
            boss_names: db.select("encounter_bosses", &["monster_name"], "WHERE encounter_id = ?1 ORDER BY rowid"),
            counts: [["damage_skill_stats", "heal_skill_stats"].map(sum), ["damage_events", "heal_events"].map(count)],
        }
    }

    /// Encounter rows above `after`, and those in `open`.
    pub(super) fn fights(
        &self,
        db: &mut Database,
        names: &Names,
        stable_id: &str,
        after: i64,
        open: &[i64],
    ) -> Result<Vec<Fight>, SourceError> {
        let list = json_list(open.iter().copied());
        let read = rows_of_list(&db.conn, &self.encounters, &[after], &list);
        let mut fights = Vec::new();
        for row in read.map_err(|error| db.refused(&error))? {
            let Some(row) = FightRow::of(&row, "id") else { continue };
            let outcome = |_| {
                let bosses = db.rows(&self.bosses, &[row.id])?;
                Ok(if is_kill(bosses.iter().map(is_defeated)) { Outcome::Kill } else { Outcome::Unknown })
            };
            fights.push(row.fight(row.local_player(), names, stable_id, outcome)?);
        }
        Ok(fights)
    }

    /// The meter's own sums, of players and monsters.
    pub(super) fn totals(&self, db: &mut Database, row: i64) -> Result<Option<MeterTotals>, SourceError> {
        let read = db.rows(&self.totals, &[row])?;
        let sum = |row, column| int(row, column).map(|sum| sum.max(0).cast_unsigned());
        Ok(read.first().and_then(|row| {
            let (damage, healing) = (sum(row, "total_dmg")?, sum(row, "total_heal").unwrap_or(0));
            Some(MeterTotals { damage, healing, damage_by: DamageBy::Everyone })
        }))
    }

    /// What tells an encounter from others.
    pub(super) fn glance(&self, db: &Database, row: i64) -> Result<Glance, SourceError> {
        let boss = db.rows(&self.boss_names, &[row])?.iter().filter_map(|row| name(row, "monster_name")).next_back();
        for statements in &self.counts {
            let mut hits = 0;
            for sql in statements {
                let counted = db.rows(sql, &[row])?;
                hits += counted.first().and_then(|row| positive::<u64>(row, "hits")).unwrap_or(0);
            }
            if hits > 0 {
                return Ok(Glance { boss, hits: Some(hits), ..Glance::default() });
            }
        }
        Ok(Glance { boss, ..Glance::default() })
    }

    /// Everything but hits and sums, as the transaction of `conn` shows it.
    pub(super) fn shown(
        &self,
        conn: &Connection,
        row: i64,
        cursor: &Cursor,
        seen: &BTreeMap<i64, Seen>,
    ) -> Result<Shown, rusqlite::Error> {
        let deaths = cursor.get(CursorKey(prefix::DEATHS, 0)).map_or(0, |value| value.0 as i64);
        let stats = rows(conn, &self.stats, &[row])?;
        let also = stats.iter().filter_map(|row| int(row, "actor_id"));
        let ids: BTreeSet<_> = seen.keys().copied().chain(also).collect();
        Ok(Shown {
            deaths: rows(conn, &self.deaths, &[row, deaths])?,
            attempts: rows(conn, &self.attempts, &[row])?,
            bosses: rows(conn, &self.bosses, &[row])?,
            entities: rows_of_list(conn, &self.entities, &[], &json_list(ids))?,
            stats,
        })
    }
}

impl Shown {
    /// What the bosses of the fight are called.
    pub(super) fn boss_names(&self) -> BTreeSet<String> {
        self.bosses.iter().filter_map(|row| raw_text(row, "monster_name")).collect()
    }

    /// When the meter saw any of these players last, Unix ms: its clock at its last packet.
    pub(super) fn last_seen_ms(&self) -> Option<i64> {
        self.entities.iter().filter_map(|row| int(row, "last_seen_ms")).max()
    }

    /// Yields deaths, attempts and what became known of actors.
    pub(super) fn tell(
        &self,
        fight: &Fight,
        clock: &FightClock,
        cursor: &Cursor,
        seen: &BTreeMap<i64, Seen>,
        numbering: SpecNumbering,
        reading: &mut Reading,
    ) {
        course::deaths(clock, cursor, &self.deaths, reading);
        course::attempts(clock, cursor, &self.attempts, reading);
        let people = self.people(fight.local_player);
        let end_ms = fight.end.as_ref().and_then(|end| clock.ms(end.ended_at_ms));
        let nothing = Seen::default();
        for id in people.ids(seen) {
            let seen = seen.get(&id).unwrap_or(&nothing);
            tell_actor(id, people.facts(id, seen, numbering), cursor, reading);
            let key = CursorKey(prefix::DEFEATED, id);
            if let Some(at_ms) = end_ms.filter(|_| people.is_defeated(seen) && cursor.get(key).is_none()) {
                reading.events.push(person::defeated(id, at_ms));
                reading.cursor.push((key, CursorValue(1, 0)));
            }
        }
    }

    fn people(&self, local: Option<u64>) -> People {
        let stats =
            |row| Some((int(row, "actor_id")?, Stats { is_player: int(row, "is_player"), person: person(row) }));
        let boss = |row| {
            let boss = Boss { max_hp: positive(row, "max_hp"), defeated: is_defeated(row) };
            Some((raw_text(row, "monster_name")?, boss))
        };
        People {
            local,
            stats: self.stats.iter().filter_map(stats).collect(),
            entities: self.entities.iter().filter_map(|row| Some((int(row, "entity_id")?, person(row)))).collect(),
            bosses: self.bosses.iter().filter_map(boss).collect(),
        }
    }
}

fn person(row: &DbRow) -> Person {
    Person {
        name: name(row, "name"),
        class_id: positive(row, "class_id"),
        spec: positive(row, "class_spec"),
        ability_score: positive(row, "ability_score"),
        level: positive(row, "level"),
    }
}

fn is_defeated(boss: &DbRow) -> bool {
    int(boss, "is_defeated").is_some_and(|defeated| defeated != 0)
}

/// Yields what is known of an actor, unless the same was told before.
pub(super) fn tell_actor(
    id: i64,
    facts: ActorFacts<raidcast_shared::id::ActorId>,
    cursor: &Cursor,
    reading: &mut Reading,
) {
    let key = CursorKey(prefix::ACTOR, id);
    let held = cursor.get(key);
    let hash = hash_of(&facts);
    if facts != ActorFacts::of(facts.actor) && held.is_none_or(|held| held.0 != hash) {
        let times = held.map_or(0, |held| held.1 + 1);
        reading.events.push(person::told(facts, times));
        reading.cursor.push((key, CursorValue(hash, times)));
    }
}

/// Yields the names of skills in this reading that were not told yet.
pub(super) fn tell_skills(names: &Names, cursor: &Cursor, reading: &mut Reading) {
    let used: BTreeSet<SkillId> = reading
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Hit(timed) => Some(timed.hit.skill),
            Event::Rare(rare) => match &rare.body {
                RareBody::Totals { s, .. } | RareBody::Death { s: Some(s), .. } => Some(*s),
                _ => None,
            },
        })
        .collect();
    for s in used {
        let key = CursorKey(prefix::SKILL, s.variant.unwrap_or(s.base));
        if let Some(name) = names.skill(s).filter(|_| cursor.get(key).is_none()) {
            let body = RareBody::Skill { s, name: name.to_owned() };
            reading.events.push(rare(0, SourceKey::new(prefix::SKILL.into(), 0), body));
            reading.cursor.push((key, CursorValue(1, 0)));
        }
    }
}

/// By which list this database's meter numbers specs.
pub(super) fn numbering(meter: &str) -> SpecNumbering {
    // Forks counted specs with the Flame Berserker's from the start.
    let fork = meter.contains("-cn") || meter.contains("-global");
    if fork { SpecNumbering::Cn } else { SpecNumbering::Resonance }
}
