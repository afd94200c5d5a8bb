//! The generation of chunks: sealed, immutable chunks of events in three streams.
//!
//! A chunk spans at most two seconds of its stream and is committed when it is sealed, so a database is up to that
//! much behind the fight. Sealing goes by fight time alone; the meter's limit of about 1 MiB is out of reach of a
//! fight and not copied. The projection that the meter adds at the end is not written.

mod chunk;

use std::collections::HashSet;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, raw_sql};

pub use chunk::{
    CHARACTER_BITS, Chunk, Death, EntityContext, Event, FLAG_CRIT, FLAG_LUCKY, Hit, MONSTER_BITS, Metric, SkillCast,
    damage_id,
};

use crate::error::MeterkitError;
use crate::fight::{self, CastKind, Fight, HitKind};
use crate::playhead::{BULK_EVENTS, Happening, Playhead};

/// The longest a chunk spans.
pub const CHUNK_SPAN_MAX_MS: i64 = 2_000;

/// The most events of one chunk.
pub const CHUNK_EVENTS_MAX: usize = 8_192;

/// A pause in the players' damage counts as combat up to here.
const ACTIVE_GAP_MAX_MS: i64 = 5_000;

/// The streams, in the order in which chunks that fall due together are committed.
const STREAMS: [&str; 3] = ["context", "combat", "timeline"];
const CONTEXT: usize = 0;
const COMBAT: usize = 1;
const TIMELINE: usize = 2;

#[derive(Debug)]
pub(crate) struct ChunkWriter {
    connection: SqliteConnection,
    open: Option<Encounter>,
}

/// The fight being written.
#[derive(Debug)]
struct Encounter {
    id: i64,
    playhead: Playhead,
    sequence: u64,
    streams: [Stream; 3],
    seen: HashSet<i64>,
    damage_total: u128,
    heal_total: u128,
    active_ms: i64,
    last_damage_ms: Option<i64>,
}

/// One stream's open chunk.
#[derive(Debug)]
struct Stream {
    chunk_index: i64,
    open: Chunk,
}

impl Stream {
    fn new(kind: &str) -> Self {
        let open = Chunk { stream_kind: kind.to_owned(), sequences: vec![], offsets_ms: vec![], events: vec![] };
        Self { chunk_index: 0, open }
    }

    fn due(&self, now_ms: i64) -> bool {
        self.open.offsets_ms.first().is_some_and(|&first| now_ms - first as i64 >= CHUNK_SPAN_MAX_MS)
            || self.open.events.len() >= CHUNK_EVENTS_MAX
    }
}

impl ChunkWriter {
    pub(crate) async fn new(mut connection: SqliteConnection) -> Result<Self, MeterkitError> {
        raw_sql(include_str!("chunks/schema.sql")).execute(&mut connection).await?;
        Ok(Self { connection, open: None })
    }

    pub(crate) async fn begin(&mut self, fight: &Fight) -> Result<i64, MeterkitError> {
        let row = sqlx::query(
            "INSERT INTO encounters (started_at_ms, local_player_id, total_dmg, total_heal, scene_id, dungeon_difficulty,
                 duration, quality_flags)
             VALUES (?, ?, 0, 0, ?, ?, 0.0, 0)",
        )
        .bind(fight.started_at_ms)
        .bind(fight.local_player_id)
        .bind(fight.scene_id)
        .bind(fight.difficulty)
        .execute(&mut self.connection)
        .await?;
        let id = row.last_insert_rowid();
        self.open = Some(Encounter {
            id,
            playhead: Playhead::new(fight.clone()),
            sequence: 0,
            streams: STREAMS.map(Stream::new),
            seen: HashSet::new(),
            damage_total: 0,
            heal_total: 0,
            active_ms: 0,
            last_damage_ms: None,
        });
        Ok(id)
    }

    /// Plays up to `ms`, at most `transaction_events` at once.
    pub(crate) async fn advance_to(&mut self, ms: i64, transaction_events: usize) -> Result<(), MeterkitError> {
        let encounter = self.open.as_mut().ok_or(MeterkitError::NoFight)?;
        loop {
            let happenings = encounter.playhead.take(ms, transaction_events);
            let last = happenings.len() < transaction_events;
            let mut transaction = self.connection.begin().await?;
            for (at_ms, what) in &happenings {
                encounter.seal_due(*at_ms, &mut transaction).await?;
                encounter.write(*at_ms, what, &mut transaction).await?;
            }
            if last {
                encounter.seal_due(ms, &mut transaction).await?;
            }
            transaction.commit().await?;
            if last {
                return Ok(());
            }
        }
    }

    pub(crate) async fn end(&mut self) -> Result<(), MeterkitError> {
        let encounter = self.open.as_ref().ok_or(MeterkitError::NoFight)?;
        let last_ms = encounter.playhead.fight.last_ms();
        let manual = encounter.playhead.fight.manually_reset;
        self.advance_to(last_ms, BULK_EVENTS).await?;
        self.finish(last_ms, manual).await
    }

    pub(crate) async fn reset(&mut self) -> Result<(), MeterkitError> {
        let now_ms = self.open.as_ref().ok_or(MeterkitError::NoFight)?.playhead.now_ms.max(0);
        self.finish(now_ms, true).await
    }

    async fn finish(&mut self, ended_ms: i64, manual: bool) -> Result<(), MeterkitError> {
        let mut encounter = self.open.take().ok_or(MeterkitError::NoFight)?;
        let mut transaction = self.connection.begin().await?;
        for stream in 0..STREAMS.len() {
            encounter.seal(stream, &mut transaction).await?;
        }
        let fight = &encounter.playhead.fight;
        let mut names: Vec<&str> =
            fight.players.iter().filter(|p| encounter.seen.contains(&p.uid)).map(|p| p.name.as_str()).collect();
        names.sort_unstable();
        let bosses: Vec<i64> = fight.monsters.iter().filter(|m| m.is_boss).filter_map(|m| m.type_id).collect();
        sqlx::query(
            "UPDATE encounters SET ended_at_ms = ?, duration = ?, is_manually_reset = ?, total_dmg = ?, total_heal = ?,
                 total_dmg_exact = ?, total_heal_exact = ?, player_names = ?, boss_monster_ids = ?,
                 active_combat_duration = ?
             WHERE id = ?",
        )
        .bind(fight.started_at_ms + ended_ms)
        .bind(ended_ms as f64 / 1_000.0)
        .bind(manual)
        .bind(i64::try_from(encounter.damage_total).unwrap_or(i64::MAX))
        .bind(i64::try_from(encounter.heal_total).unwrap_or(i64::MAX))
        .bind(encounter.damage_total.to_string())
        .bind(encounter.heal_total.to_string())
        .bind(serde_json::to_string(&names)?)
        .bind(serde_json::to_string(&bosses)?)
        .bind(encounter.active_ms as f64 / 1_000.0)
        .bind(encounter.id)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(crate) async fn restart(&mut self) -> Result<(), MeterkitError> {
        self.open = None;
        sqlx::query("DELETE FROM encounters WHERE ended_at_ms IS NULL").execute(&mut self.connection).await?;
        Ok(())
    }

    pub(crate) async fn close(self) -> Result<(), MeterkitError> {
        Ok(self.connection.close().await?)
    }
}

impl Encounter {
    /// Commits the chunks that nothing from `now_ms` on can join.
    async fn seal_due(&mut self, now_ms: i64, connection: &mut SqliteConnection) -> Result<(), MeterkitError> {
        for stream in 0..STREAMS.len() {
            if self.streams[stream].due(now_ms) {
                self.seal(stream, connection).await?;
            }
        }
        Ok(())
    }

    async fn seal(&mut self, stream: usize, connection: &mut SqliteConnection) -> Result<(), MeterkitError> {
        let Stream { chunk_index, open } = &mut self.streams[stream];
        let (Some(&first_sequence), Some(&last_sequence)) = (open.sequences.first(), open.sequences.last()) else {
            return Ok(());
        };
        let (first_ms, last_ms) = (open.offsets_ms[0], open.offsets_ms[open.offsets_ms.len() - 1]);
        sqlx::query(
            "INSERT INTO encounter_event_chunks (encounter_id, stream_kind, chunk_index, first_sequence, last_sequence,
                 start_offset_ms, end_offset_ms_exclusive, event_count, data)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(self.id)
        .bind(STREAMS[stream])
        .bind(*chunk_index)
        .bind(first_sequence as i64)
        .bind(last_sequence as i64)
        .bind(first_ms as i64)
        .bind(last_ms as i64 + 1)
        .bind(open.events.len() as i64)
        .bind(open.encode()?)
        .execute(connection)
        .await?;
        *chunk_index += 1;
        open.sequences.clear();
        open.offsets_ms.clear();
        open.events.clear();
        Ok(())
    }

    async fn write(
        &mut self,
        at_ms: i64,
        what: &Happening,
        connection: &mut SqliteConnection,
    ) -> Result<(), MeterkitError> {
        match what {
            Happening::Hits(hit) => {
                self.see(hit.source, at_ms, connection).await?;
                self.see(hit.target, at_ms, connection).await?;
                if let Some(event) = self.hit(hit) {
                    self.count(hit, event.metric);
                    self.push(COMBAT, at_ms, Event::Hit(event));
                }
            }
            Happening::Dies(death) => {
                let event = Event::Death(self.death(death));
                self.push(COMBAT, at_ms, event);
            }
            Happening::Casts(cast) => {
                let event = Event::SkillCast(self.cast(cast));
                self.push(TIMELINE, at_ms, event);
            }
            // The meter of this generation stores no revives, and ends an encounter where others end an attempt.
            Happening::Revives(_)
            | Happening::AttemptBegins(_)
            | Happening::AttemptEnds(_)
            | Happening::SegmentCloses(_) => {}
        }
        Ok(())
    }

    fn push(&mut self, stream: usize, at_ms: i64, event: Event) {
        self.sequence += 1;
        let open = &mut self.streams[stream].open;
        open.sequences.push(self.sequence);
        open.offsets_ms.push(at_ms as u64);
        open.events.push(event);
    }

    /// Introduces a player who appears.
    async fn see(&mut self, uid: i64, at_ms: i64, connection: &mut SqliteConnection) -> Result<(), MeterkitError> {
        if self.seen.contains(&uid) {
            return Ok(());
        }
        let Some(player) = self.playhead.player(uid) else { return Ok(()) };
        let context = EntityContext {
            entity_id: self.uuid(uid),
            display_uid: uid,
            name: Some(player.name.clone()),
            class_id: Some(player.class_id),
            class_spec: None,
            ability_score: Some(player.ability_score),
            season_strength: None,
            monster_id: None,
        };
        sqlx::query(
            "INSERT INTO entities (entity_id, name, class_id, ability_score, level, first_seen_ms, last_seen_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
             ON CONFLICT (entity_id) DO UPDATE SET name = excluded.name, class_id = excluded.class_id,
                 ability_score = excluded.ability_score, level = excluded.level, last_seen_ms = excluded.last_seen_ms",
        )
        .bind(uid)
        .bind(player.name.as_str())
        .bind(player.class_id)
        .bind(player.ability_score)
        .bind(player.level)
        .bind(self.playhead.fight.started_at_ms + at_ms)
        .execute(connection)
        .await?;
        self.seen.insert(uid);
        self.push(CONTEXT, at_ms, Event::EntityContext(context));
        Ok(())
    }

    /// The event of a hit, if this meter records it: what players do, and what monsters do to characters.
    fn hit(&self, hit: &fight::Hit) -> Option<Hit> {
        let by_player = self.playhead.player(hit.source).is_some();
        let metric = match hit.kind {
            HitKind::Damage if by_player => Metric::Damage,
            HitKind::Heal if by_player => Metric::Healing,
            HitKind::Damage if self.playhead.player(hit.target).is_some() => Metric::DamageTaken,
            _ => return None,
        };
        let damage = hit.kind == HitKind::Damage;
        let target = self.playhead.monster(hit.target);
        let source = self.playhead.monster(hit.source);
        Some(Hit {
            actor_entity_id: self.uuid(if by_player { hit.source } else { hit.target }),
            source_entity_id: Some(self.uuid(hit.source)),
            target_entity_id: self.uuid(hit.target),
            skill_id: damage_id(hit.base_skill_id),
            base_skill_id: (hit.base_skill_id >= 0).then_some(hit.base_skill_id),
            metric,
            amount: wide(hit.amount),
            effective_amount: wide(hit.amount - hit.overheal),
            has_loss_breakdown: damage,
            hp_loss: wide(hit.hp_loss),
            shield_loss: wide(hit.shield_loss),
            flags: if hit.crit { FLAG_CRIT } else { 0 } | if hit.lucky { FLAG_LUCKY } else { 0 },
            target_is_boss: target.is_some_and(|m| m.is_boss),
            target_monster_id: target.and_then(|m| m.type_id),
            source_monster_id: source.and_then(|m| m.type_id),
            property: damage.then_some(3),
            damage_mode: damage.then_some(1),
        })
    }

    fn count(&mut self, hit: &fight::Hit, metric: Metric) {
        match metric {
            Metric::Damage => {
                self.damage_total += wide(hit.amount);
                let gap_ms = self.last_damage_ms.map_or(0, |last| hit.at_ms - last);
                self.active_ms += gap_ms.min(ACTIVE_GAP_MAX_MS);
                self.last_damage_ms = Some(hit.at_ms);
            }
            Metric::Healing => self.heal_total += wide(hit.amount),
            Metric::DamageTaken => {}
        }
    }

    fn death(&self, death: &fight::Death) -> Death {
        // Seen in a real capture: the boss died under a character's type bits, though it was hit under a monster's.
        let boss = self.playhead.monster(death.actor).is_some_and(|m| m.is_boss);
        let entity_id = if boss { death.actor << 16 | CHARACTER_BITS } else { self.uuid(death.actor) };
        Death {
            entity_id,
            source_entity_id: death.killer.map(|k| self.uuid(k)),
            skill_id: death.skill_id,
            replay: None,
        }
    }

    fn cast(&self, cast: &fight::Cast) -> SkillCast {
        let kind = match cast.kind {
            CastKind::Boss => "boss_skill",
            CastKind::Fantasy => "fantasy",
            CastKind::Key => "key_skill",
        };
        SkillCast {
            caster_entity_id: self.uuid(cast.caster),
            skill_id: cast.skill_id,
            kind: kind.to_owned(),
            remodel_level: None,
        }
    }

    /// The full uuid: whoever is no player counts as a monster.
    fn uuid(&self, uid: i64) -> i64 {
        let bits = if self.playhead.player(uid).is_some() { CHARACTER_BITS } else { MONSTER_BITS };
        uid << 16 | bits
    }
}

fn wide(amount: i64) -> u128 {
    u128::from(amount.max(0) as u64)
}
