//! The generations that keep a row for each skill: first with a row for each hit while the fight goes on, then with
//! counters alone, then with JSON arrays that grow hit by hit.
//!
//! What one transaction changes is gathered and written once per row: a reader sees commits alone, and at each of them
//! this equals the meter's statement per hit.

mod events;
mod skill_row;
pub(crate) mod stored;
mod tally;

use std::collections::HashSet;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, raw_sql};

use crate::error::MeterkitError;
use crate::fight::{Attempt, Death, Fight, Hit, HitKind, Segment, SegmentKind};
use crate::playhead::{BULK_EVENTS, Happening, Playhead};
use skill_row::SkillRows;
use stored::{known, stored_spec};
use tally::Tally;

/// What the meter's minimum for a fight's length is.
const DURATION_MIN_S: f64 = 1.0;

/// Where hits are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hits {
    /// As rows of their own, which become short arrays when the fight ends.
    Rows,
    /// Nowhere: skills' rows have counters alone.
    Nowhere,
    /// In the arrays of skills' rows.
    Arrays,
}

#[derive(Debug)]
pub(crate) struct AggregateWriter {
    connection: SqliteConnection,
    hits: Hits,
    open: Option<Encounter>,
}

/// The fight being written.
#[derive(Debug)]
struct Encounter {
    id: i64,
    hits: Hits,
    playhead: Playhead,
    tally: Tally,
    skill_rows: SkillRows,
    /// Players with a row in `entities`.
    seen: HashSet<i64>,
}

impl AggregateWriter {
    /// Opens the database; one that an earlier generation wrote is brought to this one, as the meter does.
    pub(crate) async fn new(mut connection: SqliteConnection, hits: Hits) -> Result<Self, MeterkitError> {
        let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
            .fetch_all(&mut connection)
            .await?;
        let has = |table: &str| tables.iter().any(|name| name == table);
        let is_new = !has("damage_skill_stats");
        if hits == Hits::Rows || (is_new && hits == Hits::Nowhere) {
            raw_sql(include_str!("aggregate/events.sql")).execute(&mut connection).await?;
        }
        if hits != Hits::Rows && (has("damage_events") || (is_new && hits == Hits::Nowhere)) {
            raw_sql(include_str!("aggregate/to_counters.sql")).execute(&mut connection).await?;
        }
        if hits == Hits::Arrays {
            if !is_new && !has("dungeon_segments") {
                raw_sql(include_str!("aggregate/to_arrays.sql")).execute(&mut connection).await?;
            }
            raw_sql(include_str!("aggregate/schema.sql")).execute(&mut connection).await?;
        }
        Ok(Self { connection, hits, open: None })
    }

    pub(crate) fn hits(&self) -> Hits {
        self.hits
    }

    pub(crate) async fn begin(&mut self, fight: &Fight) -> Result<i64, MeterkitError> {
        let row = sqlx::query(
            "INSERT INTO encounters (started_at_ms, local_player_id, total_dmg, total_heal, scene_id, scene_name)
             VALUES (?, ?, 0, 0, ?, ?)",
        )
        .bind(fight.started_at_ms)
        .bind(fight.local_player_id)
        .bind(fight.scene_id)
        .bind(fight.scene_name.as_deref())
        .execute(&mut self.connection)
        .await?;
        let id = row.last_insert_rowid();
        self.open = Some(Encounter {
            id,
            hits: self.hits,
            playhead: Playhead::new(fight.clone()),
            tally: Tally::default(),
            skill_rows: SkillRows::new(self.hits == Hits::Arrays),
            seen: HashSet::new(),
        });
        Ok(id)
    }

    /// Plays up to `ms`, at most `transaction_events` at once.
    pub(crate) async fn advance_to(&mut self, ms: i64, transaction_events: usize) -> Result<(), MeterkitError> {
        let encounter = self.open.as_mut().ok_or(MeterkitError::NoFight)?;
        loop {
            let events = encounter.playhead.take(ms, transaction_events);
            if events.is_empty() {
                return Ok(());
            }
            let mut transaction = self.connection.begin().await?;
            for (at_ms, what) in &events {
                encounter.write(*at_ms, what, &mut transaction).await?;
            }
            encounter.skill_rows.flush(encounter.id, &mut transaction).await?;
            // Bosses of the first generation are counted when the fight ends.
            let bosses = self.hits != Hits::Rows;
            encounter.tally.flush(encounter.id, &encounter.playhead, bosses, &mut transaction).await?;
            transaction.commit().await?;
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
        let Encounter { id, playhead, mut tally, .. } = self.open.take().ok_or(MeterkitError::NoFight)?;
        let duration_s = (ended_ms as f64 / 1_000.0).max(DURATION_MIN_S);
        let mut transaction = self.connection.begin().await?;
        match self.hits {
            Hits::Rows => {
                events::roll_up(id, &mut transaction).await?;
                tally.flush(id, &playhead, true, &mut transaction).await?;
            }
            Hits::Nowhere => tally.finish(id, &playhead, duration_s, false, &mut transaction).await?,
            Hits::Arrays => tally.finish(id, &playhead, duration_s, true, &mut transaction).await?,
        }
        for monster in playhead.fight.monsters.iter().filter(|m| m.is_boss && m.defeated) {
            if playhead.fight.deaths.iter().any(|d| d.actor == monster.entity_id && d.at_ms > ended_ms) {
                continue;
            }
            sqlx::query("UPDATE encounter_bosses SET is_defeated = 1 WHERE encounter_id = ? AND monster_name = ?")
                .bind(id)
                .bind(monster.name.as_str())
                .execute(&mut *transaction)
                .await?;
        }
        sqlx::query("UPDATE encounters SET ended_at_ms = ? WHERE id = ?")
            .bind(playhead.fight.started_at_ms + ended_ms)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        if self.hits != Hits::Rows {
            sqlx::query("UPDATE encounters SET duration = ? WHERE id = ?")
                .bind(duration_s)
                .bind(id)
                .execute(&mut *transaction)
                .await?;
        }
        if self.hits == Hits::Arrays {
            sqlx::query("UPDATE encounters SET is_manually_reset = ? WHERE id = ?")
                .bind(manual)
                .bind(id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    pub(crate) async fn restart(&mut self, now_unix_ms: i64) -> Result<(), MeterkitError> {
        self.open = None;
        sqlx::query(if self.hits == Hits::Rows {
            "UPDATE encounters SET ended_at_ms = ?1 WHERE ended_at_ms IS NULL"
        } else {
            "UPDATE encounters SET ended_at_ms = ?1, duration = max(1.0, (?1 - started_at_ms) / 1000.0)
             WHERE ended_at_ms IS NULL"
        })
        .bind(now_unix_ms)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    pub(crate) async fn close(self) -> Result<(), MeterkitError> {
        Ok(self.connection.close().await?)
    }
}

impl Encounter {
    async fn write(
        &mut self,
        at_ms: i64,
        what: &Happening,
        connection: &mut SqliteConnection,
    ) -> Result<(), MeterkitError> {
        match what {
            Happening::Hits(hit) => self.hit(hit, connection).await,
            Happening::Dies(death) => self.death(death, connection).await,
            Happening::Revives(revive) => {
                self.tally.revive(revive.player);
                Ok(())
            }
            Happening::AttemptBegins(attempt) => self.attempt_begins(attempt, connection).await,
            Happening::AttemptEnds(attempt) => self.attempt_ends(attempt, at_ms, connection).await,
            Happening::SegmentCloses(segment) if self.hits == Hits::Arrays => self.segment(segment, connection).await,
            // These meters know no casts, and the earlier ones no segments.
            Happening::SegmentCloses(_) | Happening::Casts(_) => Ok(()),
        }
    }

    async fn hit(&mut self, hit: &Hit, connection: &mut SqliteConnection) -> Result<(), MeterkitError> {
        self.see(hit.source, hit.at_ms, connection).await?;
        self.see(hit.target, hit.at_ms, connection).await?;
        self.tally.count(hit, &self.playhead);
        match self.hits {
            Hits::Rows => events::insert(self.id, hit, &self.playhead, connection).await,
            Hits::Nowhere | Hits::Arrays => self.skill_rows.append(hit, &self.playhead),
        }
    }

    /// Gives a player who appears a row in `entities`, and moves the time at which it was last seen.
    async fn see(&mut self, uid: i64, at_ms: i64, connection: &mut SqliteConnection) -> Result<(), MeterkitError> {
        let Some(player) = self.playhead.player(uid) else { return Ok(()) };
        self.tally.seen(uid, self.playhead.fight.started_at_ms + at_ms);
        if !self.seen.insert(uid) {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO entities (entity_id, name, class_id, class_spec, ability_score, level, first_seen_ms, last_seen_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
             ON CONFLICT (entity_id) DO UPDATE SET name = excluded.name, class_id = excluded.class_id,
                 class_spec = coalesce(excluded.class_spec, class_spec), ability_score = excluded.ability_score,
                 level = excluded.level, last_seen_ms = excluded.last_seen_ms",
        )
        .bind(player.uid)
        .bind(player.name.as_str())
        .bind(known(player.class_id))
        .bind(stored_spec(player))
        .bind(known(player.ability_score))
        .bind(known(player.level))
        .bind(self.playhead.fight.started_at_ms + at_ms)
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn death(&self, death: &Death, connection: &mut SqliteConnection) -> Result<(), MeterkitError> {
        sqlx::query(
            "INSERT INTO death_events (encounter_id, timestamp_ms, actor_id, killer_id, skill_id, is_local_player,
                 attempt_index)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(self.id)
        .bind(self.playhead.fight.started_at_ms + death.at_ms)
        .bind(death.actor)
        .bind(death.killer)
        .bind(death.skill_id)
        .bind(death.actor == self.playhead.fight.local_player_id)
        .bind(death.attempt)
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn attempt_begins(&self, attempt: &Attempt, connection: &mut SqliteConnection) -> Result<(), MeterkitError> {
        sqlx::query(
            "INSERT INTO attempts (encounter_id, attempt_index, started_at_ms, reason, boss_hp_start, total_deaths)
             VALUES (?, ?, ?, ?, ?, 0)",
        )
        .bind(self.id)
        .bind(attempt.index)
        .bind(self.playhead.fight.started_at_ms + attempt.started_ms)
        .bind(attempt.reason.as_str())
        .bind(attempt.boss_hp_start)
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn attempt_ends(
        &self,
        attempt: &Attempt,
        at_ms: i64,
        connection: &mut SqliteConnection,
    ) -> Result<(), MeterkitError> {
        sqlx::query(
            "UPDATE attempts SET ended_at_ms = ?, boss_hp_end = ?, total_deaths = ?
             WHERE encounter_id = ? AND attempt_index = ?",
        )
        .bind(self.playhead.fight.started_at_ms + at_ms)
        .bind(attempt.boss_hp_end)
        .bind(attempt.total_deaths)
        .bind(self.id)
        .bind(attempt.index)
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn segment(&self, segment: &Segment, connection: &mut SqliteConnection) -> Result<(), MeterkitError> {
        let fight = &self.playhead.fight;
        let boss = match segment.kind {
            SegmentKind::Trash => None,
            SegmentKind::Boss(entity_id) => self.playhead.monster(entity_id),
        };
        let hits: Vec<i64> = fight
            .hits
            .iter()
            .filter(|h| h.kind == HitKind::Damage && (segment.started_ms..segment.ended_ms).contains(&h.at_ms))
            .filter(|h| match segment.kind {
                SegmentKind::Trash => self.playhead.monster(h.target).is_some_and(|m| !m.is_boss),
                SegmentKind::Boss(entity_id) => h.target == entity_id,
            })
            .map(Hit::aggregate_amount)
            .collect();
        sqlx::query(
            "INSERT INTO dungeon_segments (encounter_id, segment_type, boss_entity_id, boss_monster_type_id, boss_name,
                 started_at_ms, ended_at_ms, total_damage, hit_count)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(self.id)
        .bind(if boss.is_some() { "boss" } else { "trash" })
        .bind(boss.map(|b| b.entity_id))
        .bind(boss.and_then(|b| b.type_id))
        .bind(boss.map(|b| b.name.as_str()))
        .bind(fight.started_at_ms + segment.started_ms)
        .bind(fight.started_at_ms + segment.ended_ms)
        .bind(hits.iter().sum::<i64>())
        .bind(hits.len() as i64)
        .execute(connection)
        .await?;
        Ok(())
    }
}
