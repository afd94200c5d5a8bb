//! Generation E: three streams of sealed chunks, each written once and never changed.
//!
//! One invariant: a stream is read in the order of its chunks, and the cursor holds the next one and the gaps before it,
//! so reading costs what is new, nothing is yielded twice, and what comes late is read. What kind of thing an actor is follows from what it does and what is
//! done to it; deaths prove nothing, for in a real capture a boss' death carries the type of a character.
//! Meter: resonance-logs-cn since August 2026.

pub(super) mod chunk;
mod gaps;
mod known;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use raidcast_shared::event::{
    ActorFacts, CritsKnown, Event, Hit, HitFlags, HitKind, Knows, RareBody, SourceKey, TimedHit,
};
use raidcast_shared::id::{ActorId, SkillId};
use raidcast_shared::limits::{AMOUNT_MAX, ENCOUNTER_DURATION_MS_MAX};
use raidcast_shared::meter::clock::{FightClock, in_fight};
use raidcast_shared::meter::row::{missing, rare};
use raidcast_shared::uplink::{DamageBy, MeterTotals, Outcome};

use super::clock;
use super::database::{
    Database, DbRow, bytes, hash_of, int, json_list, lasting_hash_of, positive, raw_text, rows, rows_of_list,
};
use super::fight_row::{FightRow, begins, fights_of};
use super::names::Names;
use super::{Cursor, CursorKey, CursorValue, Fight, Found, Glance, Reading, RowBegin, Source, SourceError, detect};
use chunk::{Chunk, ChunkEvent, ChunkHit, EntityId, Label, Metric, base_of_damage_id, flag};
use gaps::{Gap, Gaps};
use known::{Known, STREAMS, Shown, learn_all};

/// A chunk spans at most two seconds and is written at its end.
const LAG_MS: u32 = 2_000;

const CONTEXT: usize = 0;
const COMBAT: usize = 1;

/// Prefixes of cursor keys and source keys, above those of [`STREAMS`], which are their index and 1.
mod prefix {
    /// An actor: (hash of what was told of it, how often).
    pub(super) const ACTOR: u8 = 7;
    /// A skill, by its finer id, whose name was told.
    pub(super) const SKILL: u8 = 8;
    /// A boss whose defeat was told.
    pub(super) const DEFEATED: u8 = 9;
    /// The end of the events was told to be missing: (expected, read).
    pub(super) const MISSING: u8 = 10;
}

/// Names the content of a chunk; never 0, which in a cursor says that the last chunk could not be read.
fn chunk_hash(data: Vec<u8>) -> u64 {
    lasting_hash_of(data).max(1)
}

/// How far a stream was read: (the next chunk, hash of the last one).
fn stream_key(stream: usize) -> CursorKey {
    CursorKey(stream as u8 + 1, 0)
}

/// A generation E database, open.
#[derive(Debug)]
pub struct Chunks {
    db: Database,
    names: Arc<Names>,
    stable_id: String,
    encounters: String,
    /// The statement for each stream's chunks.
    streams: [String; STREAMS.len()],
    projection: String,
    entities: String,
    totals: String,
    known: HashMap<i64, Known>,
    /// How many chunks of hits a fight has, and how long they are.
    held: String,
    /// What hits tell of fights, by their rows, and where they stood then: (end, chunks, their bytes).
    learned: HashMap<i64, ([i64; 3], Learned)>,
}

/// What all hits of a fight tell of it.
#[derive(Debug)]
struct Learned {
    outcome: Outcome,
    hits: u64,
    /// Bytes of the chunks.
    bytes: u64,
    bosses: BTreeMap<u64, Shown>,
}

impl Chunks {
    /// Opens the database that detection found.
    ///
    /// # Errors
    /// As [`super::detect::identify`].
    pub fn open(found: &Found, names: Arc<Names>) -> Result<Self, SourceError> {
        let db = detect::open(found)?;
        Ok(Self {
            stable_id: db.stable_id()?,
            encounters: fights_of(&db, &["scene_id", "scene_name", "dungeon_difficulty"]),
            streams: STREAMS.map(|stream| {
                db.select(
                    "encounter_event_chunks",
                    &["chunk_index", "first_sequence", "last_sequence", "start_offset_ms", "event_count", "data"],
                    &format!(
                        "WHERE encounter_id = ?1 AND stream_kind = '{stream}' AND chunk_index BETWEEN ?2 AND ?3
                         ORDER BY chunk_index"
                    ),
                )
            }),
            projection: db.select("encounter_projection", &["last_sequence"], "WHERE encounter_id = ?1"),
            entities: db.select(
                "entities",
                &["entity_id", "name", "class_id", "class_spec", "ability_score", "level"],
                "WHERE entity_id IN (SELECT value FROM json_each(?1))",
            ),
            totals: db.select(
                "encounters",
                &["ended_at_ms", "total_dmg", "total_heal", "total_dmg_exact", "total_heal_exact"],
                "WHERE id = ?1",
            ),
            known: HashMap::new(),
            held: format!(
                "SELECT count(*) AS chunks, sum(length(data)) AS bytes FROM ({})",
                db.select("encounter_event_chunks", &["data"], "WHERE encounter_id = ?1 AND stream_kind = 'combat'")
            ),
            learned: HashMap::new(),
            db,
            names,
        })
    }

    /// The streams' chunks from `next` on, and before them those of their gaps, as one moment shows them.
    fn chunks(
        &self,
        row: i64,
        next: [i64; STREAMS.len()],
        gaps: &[Gaps; STREAMS.len()],
    ) -> Result<Vec<Vec<DbRow>>, SourceError> {
        let read = || {
            let transaction = self.db.conn.unchecked_transaction()?;
            let mut streams = Vec::with_capacity(STREAMS.len());
            for ((sql, next), gaps) in self.streams.iter().zip(next).zip(gaps) {
                let mut chunks = Vec::new();
                for gap in gaps.open() {
                    chunks.extend(rows(&transaction, sql, &[row, gap.first, gap.end - 1])?);
                }
                chunks.extend(rows(&transaction, sql, &[row, next, i64::MAX])?);
                streams.push(chunks);
            }
            Ok(streams)
        };
        read().map_err(|error: rusqlite::Error| self.db.refused(&error))
    }

    /// What the chunks before the cursor have shown: kept since the last reading, else learned again.
    fn known(&mut self, fight: &Fight, cursor: &Cursor) -> Result<Known, SourceError> {
        let next = std::array::from_fn(|stream| cursor.get(stream_key(stream)).map_or(0, |value| value.0 as i64));
        if let Some(known) = self.known.remove(&fight.row).filter(|known| known.next == next) {
            return Ok(known);
        }
        let mut known = Known { next, ..Known::default() };
        for (stream, sql) in self.streams.iter().enumerate() {
            self.db.each_row(sql, &[fight.row, 0, next[stream].saturating_sub(1)], |row| {
                if let Ok(chunk) = chunk::decode(&bytes(&row, "data").unwrap_or_default(), label(stream, &row)) {
                    learn_all(&mut known, &chunk);
                }
            })?;
        }
        Ok(known)
    }

    /// Everything beyond the cursor; `last`: what is not there now never comes, and is told.
    fn read_chunks(&mut self, fight: &Fight, cursor: &Cursor, last: bool) -> Result<Reading, SourceError> {
        let mut known = self.known(fight, cursor)?;
        let mut clock = clock::of(fight, cursor);
        let mut reading = Reading::default();
        let mut skills = BTreeMap::new();
        let mut gaps = std::array::from_fn(|stream| Gaps::of(cursor, stream));
        for (stream, rows) in self.chunks(fight.row, known.next, &gaps)?.iter().enumerate() {
            let (begin, gaps) = (known.next[stream], &mut gaps[stream]);
            let (mut last_hash, mut unread) = (0, BTreeMap::new());
            for row in rows {
                let Some(index) = int(row, "chunk_index") else { continue };
                let at_ms =
                    int(row, "start_offset_ms").map_or(0, |at| at.clamp(0, ENCOUNTER_DURATION_MS_MAX.into()) as u32);
                let (label, data) = (label(stream, row), bytes(row, "data").unwrap_or_default());
                let is_late = index < begin;
                let decoded = chunk::decode(&data, label);
                if let Err(why) = &decoded {
                    let what = format!("{} chunk {index}: {why}", STREAMS[stream]);
                    unread.insert(index, (at_ms, what, label.event_count));
                }
                if !is_late {
                    if index > known.next[stream] {
                        gaps.note(Gap { first: known.next[stream], end: index, at_ms }, &mut reading.cursor);
                    }
                    known.next[stream] = index.saturating_add(1);
                    last_hash = if decoded.is_ok() { chunk_hash(data) } else { 0 };
                }
                match decoded {
                    Ok(chunk) => {
                        if is_late {
                            gaps.fill(index, &mut reading.cursor);
                        }
                        learn_all(&mut known, &chunk);
                        tell(Place { stream, index, is_late }, &chunk, &mut clock, &mut reading, &mut skills);
                    }
                    Err(_) if is_late => {}
                    Err(_) => gaps.note(Gap { first: index, end: known.next[stream], at_ms }, &mut reading.cursor),
                }
            }
            if known.next[stream] != begin {
                reading.cursor.push((stream_key(stream), CursorValue(known.next[stream] as u64, last_hash)));
            }
            if last {
                give_up(fight, stream, gaps, unread, &mut reading);
            }
        }
        clock::save(&mut clock, cursor, &mut reading);
        self.actors(cursor, &known, &clock, &mut reading)?;
        for (id, s) in skills {
            let key = CursorKey(prefix::SKILL, id);
            if let Some(name) = self.names.skill(s).filter(|_| cursor.get(key).is_none()) {
                let body = RareBody::Skill { s, name: name.to_owned() };
                reading.events.push(rare(0, SourceKey::new(prefix::SKILL.into(), 0), body));
                reading.cursor.push((key, CursorValue(1, 0)));
            }
        }
        self.known.insert(fight.row, known);
        Ok(reading)
    }

    /// What became known of actors.
    fn actors(
        &mut self,
        cursor: &Cursor,
        known: &Known,
        clock: &FightClock,
        reading: &mut Reading,
    ) -> Result<(), SourceError> {
        let players = known.actors.iter().filter(|(_, shown)| shown.player);
        let list = json_list(players.filter_map(|(uid, _)| i64::try_from(*uid).ok()));
        let read = rows_of_list(&self.db.conn, &self.entities, &[], &list);
        let read = read.map_err(|error| self.db.refused(&error))?;
        let entities: HashMap<u64, &DbRow> =
            read.iter().filter_map(|row| Some((positive(row, "entity_id")?, row))).collect();
        for (uid, shown) in &known.actors {
            let id = *uid as i64;
            let facts = shown.facts(*uid, entities.get(uid).copied(), &self.names);
            let key = CursorKey(prefix::ACTOR, id);
            let held = cursor.get(key);
            let hash = hash_of(&facts);
            if facts != ActorFacts::of(facts.actor) && held.is_none_or(|held| held.0 != hash) {
                let times = held.map_or(0, |held| held.1 + 1);
                // Known of the whole fight, so at its begin; the later telling wins by its key.
                let stamp = SourceKey::new(prefix::ACTOR.into(), times as u32);
                reading.events.push(rare(0, stamp, RareBody::Actor(facts)));
                reading.cursor.push((key, CursorValue(hash, times)));
            }
            let key = CursorKey(prefix::DEFEATED, id);
            let died_ms = shown.died_ms.and_then(|at_ms| in_fight(clock.at(at_ms)));
            if let Some(at_ms) = died_ms.filter(|_| shown.boss && cursor.get(key).is_none()) {
                let facts = ActorFacts { defeated: Some(true), ..ActorFacts::of(ActorId::clear(*uid)) };
                reading.events.push(rare(at_ms, SourceKey::new(prefix::DEFEATED.into(), 0), RareBody::Actor(facts)));
                reading.cursor.push((key, CursorValue(1, 0)));
            }
        }
        Ok(())
    }
}

/// What a fight's hits tell of it; decoded once, for only more chunks, or another end, tell something else.
fn learn<'a>(
    db: &Database,
    statements: [&str; 2],
    learned: &'a mut HashMap<i64, ([i64; 3], Learned)>,
    fight: i64,
    ended_at_ms: i64,
) -> Result<&'a Learned, SourceError> {
    let [held, combat] = statements;
    let counted = db.rows(held, &[fight])?;
    let count = |column| counted.first().and_then(|row| int(row, column)).unwrap_or(0);
    let stands = [ended_at_ms, count("chunks"), count("bytes")];
    if learned.get(&fight).is_none_or(|(stood, _)| *stood != stands) {
        let (mut known, mut hits) = (Known::default(), 0_u64);
        db.each_row(combat, &[fight, 0, i64::MAX], |row| {
            if let Ok(chunk) = chunk::decode(&bytes(&row, "data").unwrap_or_default(), label(COMBAT, &row)) {
                hits += chunk.events.iter().filter(|event| matches!(event, ChunkEvent::Hit(_))).count() as u64;
                learn_all(&mut known, &chunk);
            }
        })?;
        let outcome = known.outcome();
        known.actors.retain(|_, actor| actor.boss);
        let bytes = u64::try_from(stands[2]).unwrap_or(0);
        learned.insert(fight, (stands, Learned { outcome, hits, bytes, bosses: known.actors }));
    }
    Ok(learned.get(&fight).map(|(_, learned)| learned).expect("it was learned just now, or before"))
}

impl Source for Chunks {
    fn knows(&self) -> Knows {
        Knows { crits: CritsKnown::Local, hits: true, overheal: true, lag_ms: LAG_MS, ..Knows::default() }
    }

    fn changed(&mut self) -> Result<bool, SourceError> {
        self.db.changed()
    }

    /// Of a fight that ended its chunks are decoded once, for only they tell whether its bosses died.
    fn fights(&mut self, after: i64, open: &[i64]) -> Result<Vec<Fight>, SourceError> {
        let list = json_list(open.iter().copied());
        let Self { db, names, stable_id, encounters, streams, held, learned, .. } = self;
        let read = rows_of_list(&db.conn, encounters, &[after], &list);
        let mut fights = Vec::new();
        for row in read.map_err(|error| db.refused(&error))? {
            let Some(row) = FightRow::of(&row, "id") else { continue };
            let outcome = |ended_at_ms| {
                learn(db, [held, &streams[COMBAT]], learned, row.id, ended_at_ms).map(|learned| learned.outcome)
            };
            fights.push(row.fight(row.local_player(), names, stable_id, outcome)?);
        }
        Ok(fights)
    }

    fn begins(&mut self) -> Result<Vec<RowBegin>, SourceError> {
        begins(&self.db, "id")
    }

    /// Nothing is decoded for it.
    fn listed(&mut self, rows: &[i64]) -> Result<Vec<Fight>, SourceError> {
        let list = json_list(rows.iter().copied());
        let read = rows_of_list(&self.db.conn, &self.encounters, &[i64::MAX], &list);
        let mut fights = Vec::new();
        for row in read.map_err(|error| self.db.refused(&error))? {
            let Some(row) = FightRow::of(&row, "id") else { continue };
            fights.push(row.fight(row.local_player(), &self.names, &self.stable_id, |_| Ok(Outcome::Unknown))?);
        }
        Ok(fights)
    }

    fn glance(&mut self, fight: &Fight) -> Result<Glance, SourceError> {
        let Self { db, names, streams, held, learned, .. } = self;
        let ended_at_ms = fight.end.as_ref().map_or(0, |end| end.ended_at_ms);
        let learned = learn(db, [held, &streams[COMBAT]], learned, fight.row, ended_at_ms)?;
        let mut known = Known { actors: learned.bosses.clone(), ..Known::default() };
        if !known.actors.is_empty() && known.boss(names).is_none() {
            // Hits may not tell of which kind a boss is, or no file what that is called.
            db.each_row(&streams[CONTEXT], &[fight.row, 0, i64::MAX], |row| {
                if let Ok(chunk) = chunk::decode(&bytes(&row, "data").unwrap_or_default(), label(CONTEXT, &row)) {
                    learn_all(&mut known, &chunk);
                }
            })?;
        }
        let outcome = fight.end.as_ref().map(|_| learned.outcome);
        Ok(Glance { boss: known.boss(names), hits: Some(learned.hits), bytes: Some(learned.bytes), outcome })
    }

    /// Of each stream the last chunk that was read is the same still.
    fn fits(&mut self, fight: &Fight, cursor: &Cursor) -> Result<bool, SourceError> {
        for (stream, sql) in self.streams.iter().enumerate() {
            let Some(CursorValue(next, hash)) = cursor.get(stream_key(stream)) else { continue };
            let last = (next as i64).saturating_sub(1);
            let read = if hash == 0 { Vec::new() } else { self.db.rows(sql, &[fight.row, last, last])? };
            let now = read.first().map_or(0, |row| chunk_hash(bytes(row, "data").unwrap_or_default()));
            if now != hash {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read(&mut self, fight: &Fight, cursor: &Cursor, _now_ms: u64) -> Result<Reading, SourceError> {
        self.read_chunks(fight, cursor, false)
    }

    fn read_last(&mut self, fight: &Fight, cursor: &Cursor) -> Result<Reading, SourceError> {
        let altered = !self.fits(fight, cursor)?;
        let mut all = Reading { altered, ..self.read_chunks(fight, cursor, true)? };
        let mut cursor = cursor.clone();
        cursor.advance(&all.cursor);
        let promised = self.db.rows(&self.projection, &[fight.row])?;
        let promised = promised.first().and_then(|row| positive::<u64>(row, "last_sequence"));
        let mut held = 0;
        for stream in 0..STREAMS.len() {
            let last = self
                .db
                .rows(&self.streams[stream].replace("ORDER BY chunk_index", LAST_ONE), &[fight.row, 0, i64::MAX])?;
            held = held.max(last.first().and_then(|row| positive(row, "last_sequence")).unwrap_or(0));
        }
        let key = CursorKey(prefix::MISSING, 0);
        if let Some(promised) = promised.filter(|promised| *promised > held && cursor.get(key).is_none()) {
            let at_ms = clock::of(fight, &cursor).end_ms();
            let stamp = SourceKey::new(prefix::MISSING.into(), 0);
            all.events.push(missing(at_ms, stamp, "events at the journal's end", promised, held));
            all.cursor.push((key, CursorValue(promised, held)));
        }
        self.known.remove(&fight.row);
        Ok(all)
    }

    /// Sums are written when it ends; chunks may come after that.
    fn extent(&mut self, fight: &Fight) -> Result<u64, SourceError> {
        let counted = self.db.rows(&self.held, &[fight.row])?;
        Ok(counted.first().and_then(|row| positive(row, "chunks")).unwrap_or(0))
    }

    fn totals(&mut self, fight: &Fight) -> Result<Option<MeterTotals>, SourceError> {
        let read = self.db.rows(&self.totals, &[fight.row])?;
        let Some(row) = read.first().filter(|row| int(row, "ended_at_ms").is_some()) else { return Ok(None) };
        let sum = |exact, plain| {
            let exact = raw_text(row, exact).and_then(|text| text.parse().ok());
            exact.or_else(|| int(row, plain).map(|sum| sum.max(0).cast_unsigned()))
        };
        Ok(sum("total_dmg_exact", "total_dmg").map(|damage| MeterTotals {
            damage,
            healing: sum("total_heal_exact", "total_heal").unwrap_or(0),
            damage_by: DamageBy::Players,
        }))
    }
}

/// Makes of a statement for chunks the one for the last chunk.
const LAST_ONE: &str = "ORDER BY chunk_index DESC LIMIT 1";

fn label(stream: usize, row: &DbRow) -> Label {
    let number = |column| int(row, column).and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    Label {
        stream: STREAMS[stream],
        first_sequence: number("first_sequence"),
        last_sequence: number("last_sequence"),
        event_count: number("event_count"),
    }
}

/// Ways to lose events, apart in source keys.
enum Lost {
    Chunk,
    Before,
    Late,
    Absurd,
}

/// Tells what is missing of the gaps; `unread`: chunks of them that are there, when they begin, and why not.
fn give_up(
    fight: &Fight,
    stream: usize,
    gaps: &mut Gaps,
    mut unread: BTreeMap<i64, (u32, String, u64)>,
    reading: &mut Reading,
) {
    for gap in gaps.open() {
        let mut first = gap.first;
        let behind = unread.split_off(&gap.end);
        let there = unread.split_off(&gap.first);
        unread = behind;
        let mut absent = |first: i64, end: i64, at_ms| {
            if first < end {
                let what = format!("{} chunks before chunk {end}", STREAMS[stream]);
                let stamp = missing_key(stream, Lost::Before, end);
                reading.events.push(missing(at_ms, stamp, &what, (end - first) as u64, 0));
            }
        };
        let mut told = Vec::new();
        for (index, (at_ms, what, count)) in there {
            absent(first, index, at_ms);
            tracing::warn!(row = fight.row, what, "a chunk cannot be read");
            told.push(missing(at_ms, missing_key(stream, Lost::Chunk, index), &what, count, 0));
            first = index + 1;
        }
        absent(first, gap.end, gap.at_ms);
        reading.events.extend(told);
        gaps.give_up(gap, &mut reading.cursor);
    }
}

fn missing_key(stream: usize, lost: Lost, index: i64) -> SourceKey {
    SourceKey::new(16 + stream as u32 * 4 + lost as u32, index as u32)
}

/// Which chunk.
struct Place {
    stream: usize,
    index: i64,
    /// Later ones were read before it.
    is_late: bool,
}

/// Yields a chunk's events, and notes the skills of hits and deaths, by the id that their names are told under.
fn tell(
    Place { stream, index, is_late }: Place,
    chunk: &Chunk,
    clock: &mut FightClock,
    reading: &mut Reading,
    skills: &mut BTreeMap<i64, SkillId>,
) {
    let (mut late, mut absurd) = (0, 0);
    // Hits stand in the order in which they came, but for a chunk that comes late; the other streams' chunks are written
    // before or after them.
    let stamps: Vec<_> = chunk.offsets_ms.iter().filter_map(|offset| offset.0).collect();
    let times = if stream == COMBAT && !is_late {
        clock.learn(std::slice::from_ref(&stamps)).remove(0)
    } else {
        stamps.iter().map(|stamp| clock.at(*stamp)).collect()
    };
    let mut times = times.into_iter();
    let begin_ms = times.as_slice().first().copied().and_then(in_fight).unwrap_or(0);
    for ((event, offset), sequence) in chunk.events.iter().zip(&chunk.offsets_ms).zip(&chunk.sequences) {
        let Some(at_ms) = offset.0.and_then(|_| times.next()).and_then(in_fight) else {
            late += 1;
            continue;
        };
        let stamp = SourceKey::new(stream as u32 + 1, *sequence as u32);
        let base_alone = |base| SkillId { base, variant: None };
        match event {
            ChunkEvent::Hit(hit) => match hit_of(hit) {
                Told::Hit(hit) => {
                    skills.entry(hit.skill.variant.unwrap_or(hit.skill.base)).or_insert(hit.skill);
                    reading.events.push(Event::Hit(TimedHit { at_ms, hit }));
                }
                Told::Absurd => absurd += 1,
                Told::Nothing => {}
            },
            ChunkEvent::Death(death) => {
                let skill = death.skill_id.map(base_alone);
                skills.extend(skill.map(|skill| (skill.base, skill)));
                let (a, by) = (actor_id(death.entity_id), death.source_entity_id.map(actor_id));
                let body = RareBody::Death { a, by, s: skill };
                reading.events.push(rare(at_ms, stamp, body));
            }
            ChunkEvent::Cast(cast) => {
                let body = RareBody::Cast { a: actor_id(cast.caster_entity_id), s: base_alone(cast.skill_id) };
                reading.events.push(rare(at_ms, stamp, body));
            }
            ChunkEvent::Context(_) | ChunkEvent::Other => {}
        }
    }
    let all = chunk.events.len() as u64;
    for (count, lost, why) in [(late, Lost::Late, "beyond 2 h"), (absurd, Lost::Absurd, "amounts that no hit has")] {
        if count > 0 {
            let what = format!("{} chunk {index}: {why}", STREAMS[stream]);
            reading.events.push(missing(begin_ms, missing_key(stream, lost, index), &what, all, all - count));
        }
    }
}

enum Told {
    Hit(Hit<ActorId, SkillId>),
    /// An amount that no hit has.
    Absurd,
    /// A metric that nobody knew when this was written.
    Nothing,
}

fn hit_of(hit: &ChunkHit) -> Told {
    let (source, kind) = match hit.metric {
        Metric::Damage => (Some(hit.actor_entity_id), HitKind::Damage),
        Metric::Healing => (Some(hit.actor_entity_id), HitKind::Heal),
        Metric::DamageTaken => (hit.source_entity_id, HitKind::Damage),
        Metric::Other => return Told::Nothing,
    };
    let Some(amount) = hit.amount.0.filter(|amount| *amount <= AMOUNT_MAX) else { return Told::Absurd };
    let held = |amount: Option<chunk::Amount>| amount.and_then(|amount| amount.0);
    let shield = held(hit.shield_loss).filter(|_| hit.has_loss_breakdown).unwrap_or(0).min(amount);
    let overheal = match kind {
        HitKind::Heal => amount.saturating_sub(held(hit.effective_amount).unwrap_or(amount)),
        HitKind::Damage => 0,
    };
    let nobody = ActorId::clear(0);
    Told::Hit(Hit {
        source: source.map_or(nobody, actor_id),
        target: hit.target_entity_id.map_or(nobody, actor_id),
        skill: SkillId {
            base: hit.base_skill_id.unwrap_or_else(|| base_of_damage_id(hit.skill_id)),
            variant: Some(hit.skill_id),
        },
        kind,
        amount,
        flags: HitFlags::default()
            .with(HitFlags::CRIT, hit.flags & flag::CRIT != 0)
            .with(HitFlags::LUCKY, hit.flags & flag::LUCKY != 0)
            .with(HitFlags::BLOCKED, hit.flags & flag::BLOCKED != 0)
            .with(HitFlags::BOSS, hit.target_is_boss),
        shield,
        overheal,
    })
}

fn actor_id(id: EntityId) -> ActorId {
    ActorId::clear(id.uid())
}
