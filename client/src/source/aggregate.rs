//! Generation C: rows of (attacker, defender, skill) whose JSON array of hits grows while the fight goes on.
//!
//! One invariant: an entry's identity is (row, index in its array), and the cursor holds how many of a row were
//! yielded, so none comes twice. Of a row that grew only the new tail is read; the row's own counter tells whether
//! that fits, and where it does not the row is read in full.
//! Meter: resonance-logs 0.15 to 0.19, first builds of resonance-logs-cn.

mod details;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use raidcast_shared::event::{
    ActorFacts, ActorKind, AttemptReason, CritsKnown, Event, Hit, HitFlags, HitKind, Knows, RareBody, SourceKey,
    TimedHit,
};
use raidcast_shared::game::{SpecNumbering, spec_of};
use raidcast_shared::id::{ActorId, SkillId};
use raidcast_shared::limits::{AMOUNT_MAX, ENCOUNTER_DURATION_MS_MAX};
use raidcast_shared::uplink::{DamageBy, MeterTotals, Outcome};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::database::{
    Database, bytes, encounter_id, fight_ms, hash_of, int, json_list, missing, name, positive, rare, raw_text, rows,
    rows_of_list, shown,
};
use super::names::Names;
use super::{Cursor, CursorKey, CursorValue, Fight, FightEnd, Found, Reading, Source, SourceError};
use details::{BuffSpan, Entry};

/// A row longer than this is read at most every [`LARGE_EVERY_MS`]: a tail costs reading the whole text.
const LARGE_BYTES: u64 = 256 * 1024;
/// See [`LARGE_BYTES`].
const LARGE_EVERY_MS: u64 = 250;
/// All rows are looked at this often; in between only those of actors whose own counters moved.
const SCAN_EVERY_MS: u64 = 5_000;
/// The meter's writer commits every 50 ms.
const LAG_MS: u32 = 50;

/// First halves of cursor keys and source keys.
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
    /// An actor: (hash of what was told of it, how often).
    pub(super) const ACTOR: u8 = 7;
    /// A skill whose name was told.
    pub(super) const SKILL: u8 = 8;
    /// A boss whose defeat was told.
    pub(super) const DEFEATED: u8 = 9;
    /// What contradicts the meter's counters: place in the high byte of the id, (expected, read).
    pub(super) const MISSING: u8 = 10;
    /// An actor's own counters of hits and of heals, up to which its rows were read.
    pub(super) const DEALT: u8 = 11;
}

/// The two tables of hits, alike but for names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Table {
    Damage,
    Heal,
}

impl Table {
    const BOTH: [Self; 2] = [Self::Damage, Self::Heal];

    fn place(self) -> u8 {
        match self {
            Self::Damage => place::DAMAGE,
            Self::Heal => place::HEAL,
        }
    }

    fn kind(self) -> HitKind {
        match self {
            Self::Damage => HitKind::Damage,
            Self::Heal => HitKind::Heal,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Damage => "damage",
            Self::Heal => "heal",
        }
    }

    fn key(self, rowid: i64) -> CursorKey {
        CursorKey(self.place(), rowid)
    }
}

/// How far a row was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct RowRead {
    /// The row's own counter then.
    hits: u32,
    /// Entries of its array that were yielded or found unreadable.
    entries: u32,
    /// Bytes before the final `]`; 0 if only the whole text will do.
    end: u64,
}

impl RowRead {
    fn of(cursor: &Cursor, key: CursorKey) -> Self {
        cursor.get(key).map_or_else(Self::default, |CursorValue(counts, end)| Self {
            hits: (counts >> 32) as u32,
            entries: counts as u32,
            end,
        })
    }

    fn value(self) -> CursorValue {
        CursorValue(u64::from(self.hits) << 32 | u64::from(self.entries), self.end)
    }
}

/// Who did what to whom: what never changes in a row.
#[derive(Clone, Debug)]
struct RowIs {
    source: i64,
    target: i64,
    skill: i64,
    monster: Option<String>,
}

/// A row that grew, and the text read of it.
struct Grown {
    table: Table,
    rowid: i64,
    hits: u32,
    /// From `RowRead::end` on if that is not 0, else all.
    text: Vec<u8>,
}

/// What one transaction read of an encounter.
#[derive(Default)]
struct Gathered {
    grown: Vec<Grown>,
    more: bool,
    /// Actors whose rows were read up to these counters.
    dealt: Vec<(CursorKey, CursorValue)>,
    deaths: Vec<SqliteRow>,
    attempts: Vec<SqliteRow>,
    segments: Vec<SqliteRow>,
    bosses: Vec<SqliteRow>,
    stats: Vec<SqliteRow>,
    entities: Vec<SqliteRow>,
}

/// What is remembered of an encounter only to save reading; all of it can be read again.
#[derive(Debug, Default)]
struct Memory {
    rows: HashMap<CursorKey, RowIs>,
    large_read_ms: HashMap<CursorKey, u64>,
    scanned_ms: Option<u64>,
}

/// Statements, made once for the columns that this database has.
#[derive(Debug)]
struct Statements {
    encounters: String,
    /// Each row's counter, as one JSON text: a poll asks for it again and again.
    counters: [String; 2],
    /// The same of some actors' rows.
    counters_of_actors: [String; 2],
    /// Rows by a list of (row, first byte of the text that is wanted, counted from 1).
    texts: [String; 2],
    deaths: String,
    attempts: String,
    segments: String,
    buffs: String,
    bosses: String,
    stats: String,
    entities: String,
    totals: String,
}

impl Statements {
    fn of(db: &Database) -> Self {
        let person = ["name", "class_id", "class_spec", "ability_score", "level"];
        let with = |first: &[&'static str]| [first, &person].concat();
        let tables = [("damage_skill_stats", "hit_details"), ("heal_skill_stats", "heal_details")];
        let actors = [["attacker_id", "defender_id"], ["healer_id", "target_id"]];
        let each = |make: &dyn Fn(usize) -> String| [make(0), make(1)];
        let here = "WHERE encounter_id = ?1";
        let counters = |rows: &str| {
            format!(
                "SELECT json_group_array(json_array(rowid, coalesce(CAST(hits AS INTEGER), 0))) AS counters FROM ({rows})"
            )
        };
        Self {
            encounters: db.select(
                "encounters",
                &[
                    "id",
                    "started_at_ms",
                    "ended_at_ms",
                    "local_player_id",
                    "scene_id",
                    "scene_name",
                    "is_manually_reset",
                ],
                "WHERE id > ?1 OR id IN (SELECT value FROM json_each(?2)) ORDER BY id",
            ),
            counters: each(&|n| counters(&db.select(tables[n].0, &["rowid", "hits"], here))),
            counters_of_actors: each(&|n| {
                let of_actors = format!("{here} AND {} IN (SELECT value FROM json_each(?2))", actors[n][0]);
                counters(&db.select(tables[n].0, &["rowid", "hits"], &of_actors))
            }),
            texts: each(&|n| {
                let (table, text) = tables[n];
                let [source, target] = actors[n];
                if !db.has(table) {
                    return db.select(table, &["rowid"], "");
                }
                format!(
                    "SELECT {}, {table}.{source} AS source, {table}.{target} AS target, \
                     substr(CAST({table}.{text} AS BLOB), wanted.start) AS text \
                     FROM (SELECT value ->> 0 AS id, value ->> 1 AS start FROM json_each(?1)) AS wanted \
                     CROSS JOIN {table} ON {table}.rowid = wanted.id",
                    db.columns(table, &["rowid", "skill_id", "hits", "total_value", "monster_name"])
                )
            }),
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
            segments: db.select(
                "dungeon_segments",
                &["id", "segment_type", "boss_name", "started_at_ms", "ended_at_ms"],
                "WHERE encounter_id = ?1 ORDER BY id",
            ),
            buffs: db.select(
                "buffs",
                &["rowid", "entity_id", "buff_id", "events"],
                "WHERE encounter_id = ?1 ORDER BY rowid",
            ),
            bosses: db.select("encounter_bosses", &["monster_name", "max_hp", "is_defeated"], here),
            stats: db.select(
                "actor_encounter_stats",
                &with(&["actor_id", "is_player", "hits_dealt", "hits_heal"]),
                here,
            ),
            entities: db.select(
                "entities",
                &with(&["entity_id"]),
                "WHERE entity_id IN (SELECT value FROM json_each(?1))",
            ),
            totals: db.select("encounters", &["total_dmg", "total_heal"], "WHERE id = ?1"),
        }
    }
}

/// A generation C database, open.
#[derive(Debug)]
pub struct Aggregate {
    db: Database,
    names: Arc<Names>,
    numbering: SpecNumbering,
    stable_id: String,
    statements: Statements,
    memory: HashMap<i64, Memory>,
}

impl Aggregate {
    /// Opens the database that detection found.
    ///
    /// # Errors
    /// As [`super::detect::identify`].
    pub async fn open(found: &Found, names: Arc<Names>) -> Result<Self, SourceError> {
        let mut db = Database::open(&found.path).await?;
        // Forks counted specs with the Flame Berserker's from the start.
        let fork = found.meter.contains("-cn") || found.meter.contains("-global");
        Ok(Self {
            stable_id: db.stable_id().await?,
            statements: Statements::of(&db),
            numbering: if fork { SpecNumbering::Cn } else { SpecNumbering::Resonance },
            memory: HashMap::new(),
            db,
            names,
        })
    }

    /// Reads everything beyond the cursor in one transaction; `now_ms` is `None` if large rows are not to wait.
    async fn gather(&mut self, fight: &Fight, cursor: &Cursor, now_ms: Option<u64>) -> Result<Gathered, SourceError> {
        let memory = self.memory.entry(fight.row).or_default();
        let read = async {
            let mut transaction = self.db.conn.begin().await?;
            let gathered = gather(&mut transaction, &self.statements, fight, cursor, memory, now_ms).await?;
            transaction.rollback().await?;
            Ok(gathered)
        };
        read.await.map_err(|error: sqlx::Error| self.db.refused(&error))
    }

    /// One row in full: its counters and its text belong together, as one statement reads them.
    async fn whole(&mut self, table: Table, rowid: i64) -> Result<Option<SqliteRow>, SourceError> {
        let wanted = format!("[[{rowid},1]]");
        let read = rows_of_list(&mut self.db.conn, &self.statements.texts[table as usize], &[], &wanted).await;
        Ok(read.map_err(|error| self.db.refused(&error))?.into_iter().next())
    }

    async fn read_up_to_now(
        &mut self,
        fight: &Fight,
        cursor: &Cursor,
        now_ms: Option<u64>,
    ) -> Result<Reading, SourceError> {
        let mut gathered = self.gather(fight, cursor, now_ms).await?;
        let mut reading = Reading { more: gathered.more, ..Reading::default() };
        let mut skills = BTreeSet::new();
        reading.cursor.append(&mut gathered.dealt);
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
                let Some(whole) = self.whole(grown.table, grown.rowid).await? else { continue };
                beyond(&before, counter(&whole), details::parse(&bytes(&whole, "text").unwrap_or_default()))
            };
            for entry in entries.into_iter().flatten() {
                if let Judged::Hit(hit) = judge(grown.table, &row, &entry, fight.started_at_ms) {
                    reading.events.push(Event::Hit(hit));
                }
            }
            reading.cursor.push((key, after.value()));
            skills.insert(row.skill);
        }
        deaths(fight, cursor, &gathered.deaths, &mut reading);
        attempts(fight, cursor, &gathered.attempts, &mut reading);
        segments(fight, cursor, &gathered.segments, &mut reading);
        self.actors(fight, cursor, &gathered, &mut reading);
        for skill in skills {
            let key = CursorKey(place::SKILL, skill);
            let s = SkillId { base: skill, variant: None };
            if let Some(name) = self.names.skill(s).filter(|_| cursor.get(key).is_none()) {
                let body = RareBody::Skill { s, name: name.to_owned() };
                reading.events.push(rare(0, SourceKey::new(place::SKILL.into(), 0), body));
                reading.cursor.push((key, CursorValue(1, 0)));
            }
        }
        Ok(reading)
    }

    /// What became known of actors.
    fn actors(&self, fight: &Fight, cursor: &Cursor, gathered: &Gathered, reading: &mut Reading) {
        let by_id = |rows: &[SqliteRow], column| -> HashMap<i64, usize> {
            rows.iter().enumerate().filter_map(|(at, row)| Some((int(row, column)?, at))).collect()
        };
        let (stats, entities) = (by_id(&gathered.stats, "actor_id"), by_id(&gathered.entities, "entity_id"));
        let bosses: HashMap<_, _> =
            gathered.bosses.iter().filter_map(|row| Some((raw_text(row, "monster_name")?, row))).collect();
        let mut monsters: HashMap<i64, Option<&str>> = HashMap::new();
        for row in self.memory.get(&fight.row).into_iter().flat_map(|memory| memory.rows.values()) {
            monsters.entry(row.source).or_default();
            let named = monsters.entry(row.target).or_default();
            // Several rows of one target may tell different names: the same one counts whatever their order.
            *named = (*named).max(row.monster.as_deref());
        }
        for id in stats.keys().chain(entities.keys()) {
            monsters.entry(*id).or_default();
        }
        let end_ms = fight.end.as_ref().and_then(|end| fight_ms(end.ended_at_ms, fight.started_at_ms));
        for (id, monster) in monsters {
            let told = Told {
                local: u64::try_from(id).is_ok_and(|id| fight.local_player == Some(id)),
                stats: stats.get(&id).map(|at| &gathered.stats[*at]),
                entity: entities.get(&id).map(|at| &gathered.entities[*at]),
                monster,
                boss: monster.and_then(|monster| bosses.get(monster).copied()),
            };
            let facts = told.facts(id, self.numbering);
            let key = CursorKey(place::ACTOR, id);
            let held = cursor.get(key);
            let hash = hash_of(&facts);
            if facts != ActorFacts::of(facts.actor) && held.is_none_or(|held| held.0 != hash) {
                let times = held.map_or(0, |held| held.1 + 1);
                // Known of the whole fight, so at its begin; the later telling wins by its key.
                let stamp = SourceKey::new(place::ACTOR.into(), times as u32);
                reading.events.push(rare(0, stamp, RareBody::Actor(facts)));
                reading.cursor.push((key, CursorValue(hash, times)));
            }
            let defeated = told.boss.and_then(|boss| int(boss, "is_defeated")).is_some_and(|defeated| defeated != 0);
            let key = CursorKey(place::DEFEATED, id);
            if let Some(at_ms) = end_ms.filter(|_| defeated && cursor.get(key).is_none()) {
                let facts = ActorFacts { defeated: Some(true), ..ActorFacts::of(actor_id(id)) };
                reading.events.push(rare(at_ms, SourceKey::new(place::DEFEATED.into(), 0), RareBody::Actor(facts)));
                reading.cursor.push((key, CursorValue(1, 0)));
            }
        }
    }

    /// Each row in full against the meter's counters; yields what is still beyond the cursor.
    async fn reconcile(&mut self, fight: &Fight, cursor: &Cursor, reading: &mut Reading) -> Result<(), SourceError> {
        let at_ms = end_ms(fight);
        let (mut late, mut entries) = (0, 0);
        for table in Table::BOTH {
            let counters = self.db.rows(&self.statements.counters[table as usize], &[fight.row]).await?;
            for (rowid, _) in counters_of(&counters) {
                let Some(whole) = self.whole(table, rowid).await? else { continue };
                let row = row_is(&whole);
                let key = table.key(rowid);
                let before = RowRead::of(cursor, key);
                let hits = counter(&whole);
                let held = details::parse(&bytes(&whole, "text").unwrap_or_default());
                let (mut read, mut sum, mut beyond_limit) = (0u64, 0u64, 0u64);
                for (index, entry) in held.entries.iter().enumerate() {
                    let amount = match entry.as_ref().map(|entry| judge(table, &row, entry, fight.started_at_ms)) {
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
        if late > 0 {
            tell_missing(cursor, reading, at_ms, 0, "hits beyond 2 h of one fight", entries, entries - late);
        }
        Ok(())
    }

    async fn buffs(&mut self, fight: &Fight, cursor: &Cursor, reading: &mut Reading) -> Result<(), SourceError> {
        let limit = fight.end.as_ref().and_then(|end| fight_ms(end.ended_at_ms, fight.started_at_ms));
        let limit = limit.unwrap_or(ENCOUNTER_DURATION_MS_MAX);
        for row in self.db.rows(&self.statements.buffs, &[fight.row]).await? {
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
                let Some(at_ms) = fight_ms(span.start, fight.started_at_ms).filter(|at| *at <= limit) else { continue };
                let until = fight_ms(span.end, fight.started_at_ms).unwrap_or(limit).clamp(at_ms, limit);
                let stacks = u32::try_from(span.stack_count.max(0)).unwrap_or(u32::MAX);
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
        Knows { crits: CritsKnown::Local, hits: true, overheal: false, lag_ms: LAG_MS }
    }

    async fn changed(&mut self) -> Result<bool, SourceError> {
        self.db.changed().await
    }

    async fn fights(&mut self, after: i64, open: &[i64]) -> Result<Vec<Fight>, SourceError> {
        let list = json_list(open.iter().copied());
        let read = rows_of_list(&mut self.db.conn, &self.statements.encounters, &[after], &list).await;
        let mut fights = Vec::new();
        for row in read.map_err(|error| self.db.refused(&error))? {
            let (Some(id), Some(started_at_ms)) = (int(&row, "id"), int(&row, "started_at_ms")) else { continue };
            let local_player = positive(&row, "local_player_id");
            let scene_id = positive(&row, "scene_id");
            let end = match int(&row, "ended_at_ms") {
                Some(ended_at_ms) => {
                    let bosses = self.db.rows(&self.statements.bosses, &[id]).await?;
                    let alive = |boss: &SqliteRow| int(boss, "is_defeated").unwrap_or(0) == 0;
                    let outcome = if int(&row, "is_manually_reset").unwrap_or(0) != 0 {
                        Outcome::Reset
                    } else if bosses.is_empty() || bosses.iter().any(alive) {
                        Outcome::Unknown
                    } else {
                        Outcome::Kill
                    };
                    Some(FightEnd { ended_at_ms, outcome })
                }
                None => None,
            };
            let named = |id| self.names.scene(id).map(str::to_owned);
            fights.push(Fight {
                row: id,
                encounter: encounter_id(local_player, &self.stable_id, started_at_ms),
                started_at_ms,
                scene_id,
                scene: name(&row, "scene_name").or_else(|| scene_id.and_then(named)),
                difficulty: None,
                local_player,
                end,
            });
        }
        Ok(fights)
    }

    async fn read(&mut self, fight: &Fight, cursor: &Cursor, now_ms: u64) -> Result<Reading, SourceError> {
        self.read_up_to_now(fight, cursor, Some(now_ms)).await
    }

    async fn read_last(&mut self, fight: &Fight, cursor: &Cursor) -> Result<Reading, SourceError> {
        let mut reading = self.read_up_to_now(fight, cursor, None).await?;
        let mut cursor = cursor.clone();
        cursor.advance(&reading.cursor);
        self.reconcile(fight, &cursor, &mut reading).await?;
        self.buffs(fight, &cursor, &mut reading).await?;
        self.memory.remove(&fight.row);
        Ok(reading)
    }

    async fn totals(&mut self, fight: &Fight) -> Result<Option<MeterTotals>, SourceError> {
        let read = self.db.rows(&self.statements.totals, &[fight.row]).await?;
        let sum = |row, column| int(row, column).and_then(|sum| u64::try_from(sum).ok());
        Ok(read.first().and_then(|row| {
            let (damage, healing) = (sum(row, "total_dmg")?, sum(row, "total_heal").unwrap_or(0));
            Some(MeterTotals { damage, healing, damage_by: DamageBy::Everyone })
        }))
    }
}

async fn gather(
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
fn moved_actors(stats: &[SqliteRow], cursor: &Cursor) -> Option<Vec<(i64, CursorValue)>> {
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
fn beyond(before: &RowRead, hits: u32, whole: details::Details) -> (Vec<Option<Entry>>, RowRead) {
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

fn counters_of(rows: &[SqliteRow]) -> Vec<(i64, u32)> {
    let text = rows.first().and_then(|row| bytes(row, "counters")).unwrap_or_default();
    let counters: Vec<(i64, i64)> = serde_json::from_slice(&text).unwrap_or_default();
    counters.into_iter().map(|(rowid, hits)| (rowid, hits.clamp(0, u32::MAX.into()) as u32)).collect()
}

fn counter(row: &SqliteRow) -> u32 {
    int(row, "hits").unwrap_or(0).clamp(0, u32::MAX.into()) as u32
}

fn row_is(row: &SqliteRow) -> RowIs {
    RowIs {
        source: int(row, "source").unwrap_or(0),
        target: int(row, "target").unwrap_or(0),
        skill: int(row, "skill_id").unwrap_or(-1),
        monster: raw_text(row, "monster_name"),
    }
}

/// What becomes of an entry.
enum Judged {
    Hit(TimedHit<ActorId, SkillId>),
    /// Beyond the longest fight; its amount.
    Late(u64),
    /// Without a time, or with an amount that no hit has.
    Absurd,
}

fn judge(table: Table, row: &RowIs, entry: &Entry, started_at_ms: i64) -> Judged {
    let amount = entry.amount.0.and_then(|amount| u64::try_from(amount).ok()).filter(|amount| *amount <= AMOUNT_MAX);
    let unix_ms = entry.timestamp.0.or_else(|| entry.ms_from_start.0.map(|ms| started_at_ms.saturating_add(ms)));
    let (Some(amount), Some(unix_ms)) = (amount, unix_ms) else { return Judged::Absurd };
    let Some(at_ms) = fight_ms(unix_ms, started_at_ms) else { return Judged::Late(amount) };
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

fn deaths(fight: &Fight, cursor: &Cursor, rows: &[SqliteRow], reading: &mut Reading) {
    let key = CursorKey(place::DEATHS, 0);
    let CursorValue(mut last, mut count) = cursor.get(key).unwrap_or(CursorValue(0, 0));
    for row in rows {
        let at_ms = int(row, "timestamp_ms").and_then(|at| fight_ms(at, fight.started_at_ms));
        if let (Some(at_ms), Some(actor)) = (at_ms, int(row, "actor_id")) {
            let body = RareBody::Death {
                a: actor_id(actor),
                by: int(row, "killer_id").map(actor_id),
                s: int(row, "skill_id").map(|base| SkillId { base, variant: None }),
            };
            reading.events.push(rare(at_ms, SourceKey::new(place::DEATHS.into(), count as u32), body));
        }
        last = int(row, "id").map_or(last, |id| id as u64);
        count += 1;
    }
    if !rows.is_empty() {
        reading.cursor.push((key, CursorValue(last, count)));
    }
}

fn attempts(fight: &Fight, cursor: &Cursor, rows: &[SqliteRow], reading: &mut Reading) {
    for row in rows {
        let (Some(id), Some(n)) = (int(row, "id"), int(row, "attempt_index").and_then(|n| u32::try_from(n).ok()))
        else {
            continue;
        };
        let hp = |column| int(row, column).and_then(|hp| u64::try_from(hp).ok());
        let at = |column| int(row, column).and_then(|at| fight_ms(at, fight.started_at_ms));
        let key = CursorKey(place::ATTEMPT, id);
        let told = cursor.get(key).map_or(0, |value| value.0);
        let mut now = told;
        if let Some(at_ms) = at("started_at_ms").filter(|_| told & 1 == 0) {
            let why = match raw_text(row, "reason").as_deref() {
                Some("initial") => AttemptReason::Initial,
                Some("hp_rollback") => AttemptReason::Rollback,
                Some("wipe") => AttemptReason::Wipe,
                Some("manual") => AttemptReason::Manual,
                _ => AttemptReason::Other,
            };
            let body = RareBody::AttemptBegan { n, why, hp: hp("boss_hp_start") };
            reading.events.push(rare(at_ms, SourceKey::new(place::ATTEMPT.into(), n), body));
            now |= 1;
        }
        if let Some(at_ms) = at("ended_at_ms").filter(|_| told & 2 == 0) {
            let body = RareBody::AttemptEnded { n, hp: hp("boss_hp_end") };
            reading.events.push(rare(at_ms, SourceKey::new(place::ATTEMPT.into(), n), body));
            now |= 2;
        }
        if now != told {
            reading.cursor.push((key, CursorValue(now, 0)));
        }
    }
}

/// Segments are told when the meter has closed them.
fn segments(fight: &Fight, cursor: &Cursor, rows: &[SqliteRow], reading: &mut Reading) {
    for (index, row) in rows.iter().enumerate() {
        let at = |column| int(row, column).and_then(|at| fight_ms(at, fight.started_at_ms));
        let Some(key) = int(row, "id").map(|id| CursorKey(place::SEGMENT, id)) else { continue };
        let closed = int(row, "ended_at_ms").is_some() || fight.end.is_some();
        if let Some(at_ms) = at("started_at_ms").filter(|_| closed && cursor.get(key).is_none()) {
            let body = RareBody::Segment {
                boss: raw_text(row, "segment_type").as_deref() == Some("boss"),
                name: name(row, "boss_name"),
                until: at("ended_at_ms"),
            };
            reading.events.push(rare(at_ms, SourceKey::new(place::SEGMENT.into(), index as u32), body));
            reading.cursor.push((key, CursorValue(1, 0)));
        }
    }
}

/// Everything that the database tells of one actor of a fight.
struct Told<'a> {
    local: bool,
    stats: Option<&'a SqliteRow>,
    entity: Option<&'a SqliteRow>,
    /// What it is called where it was hit as a monster.
    monster: Option<&'a str>,
    boss: Option<&'a SqliteRow>,
}

impl Told<'_> {
    /// What kind it is, where there is proof. `is_player` is 1 by default for anything, so alone it proves nothing;
    /// 0 is written only for monsters.
    fn kind(&self) -> Option<ActorKind> {
        let is_player = self.stats.and_then(|stats| int(stats, "is_player"));
        let described = |row| name(row, "name").is_some() || positive::<u16>(row, "class_id").is_some();
        if self.local {
            Some(ActorKind::Player)
        } else if is_player == Some(0) {
            Some(ActorKind::Monster)
        } else if self.entity.is_some() || (is_player == Some(1) && self.stats.is_some_and(described)) {
            Some(ActorKind::Player)
        } else {
            self.monster.map(|_| ActorKind::Monster)
        }
    }

    /// Of two tellings that of the fight counts: `entities` holds what a player became since.
    fn facts(&self, id: i64, numbering: SpecNumbering) -> ActorFacts<ActorId> {
        let mut facts = ActorFacts::of(actor_id(id));
        facts.kind = self.kind();
        if facts.kind == Some(ActorKind::Player) {
            let tellers = [self.stats, self.entity];
            let told = || tellers.into_iter().flatten();
            facts.name = told().find_map(|row| name(row, "name"));
            facts.class_id = told().find_map(|row| positive(row, "class_id"));
            facts.spec_id = told().find_map(|row| spec_of(facts.class_id, positive(row, "class_spec")?, numbering));
            facts.ability_score = told().find_map(|row| positive(row, "ability_score"));
            facts.level = told().find_map(|row| positive(row, "level"));
        } else {
            facts.name = self.monster.and_then(shown).or_else(|| self.stats.and_then(|row| name(row, "name")));
            facts.boss = self.boss.map(|_| true);
            facts.max_hp = self.boss.and_then(|boss| positive(boss, "max_hp"));
        }
        facts
    }
}

fn actor_id(id: i64) -> ActorId {
    ActorId::clear(id as u64)
}

/// When the fight ended, ms since it began; what is told of all of it stands there.
fn end_ms(fight: &Fight) -> u32 {
    let end = fight.end.as_ref().and_then(|end| fight_ms(end.ended_at_ms, fight.started_at_ms));
    end.unwrap_or(if fight.end.is_some() { ENCOUNTER_DURATION_MS_MAX } else { 0 })
}

/// Tells what is missing, unless the same was told before.
fn tell_missing(cursor: &Cursor, reading: &mut Reading, at_ms: u32, id: i64, what: &str, expected: u64, read: u64) {
    let key = CursorKey(place::MISSING, id);
    let figures = CursorValue(expected, read);
    if cursor.get(key) != Some(figures) {
        let stamp = SourceKey::new(u32::from(place::MISSING) + (id >> 56) as u32, id as u32);
        reading.events.push(missing(at_ms, stamp, what, expected, read));
        reading.cursor.push((key, figures));
    }
}
