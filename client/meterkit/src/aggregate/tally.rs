//! Running counters of one encounter, written to their rows once per transaction.

use std::collections::{BTreeMap, HashMap};

use sqlx::sqlite::SqliteConnection;

use super::stored::{known, stored_spec};
use crate::error::MeterkitError;
use crate::fight::{Hit, HitKind};
use crate::playhead::Playhead;

/// A pause in an actor's damage counts as active up to here.
const ACTIVE_GAP_MAX_MS: i64 = 3_000;

/// What an encounter has come to so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    damage_total: i64,
    heal_total: i64,
    /// In order of appearance, which is the order of their rows.
    actors: Vec<Actor>,
    index: HashMap<i64, usize>,
    bosses: BTreeMap<String, Boss>,
}

#[derive(Debug, Default)]
struct Actor {
    id: i64,
    dealt: Counters,
    boss: Counters,
    heal: Counters,
    taken: Counters,
    revives: i64,
    active_ms: i64,
    last_damage_ms: Option<i64>,
    last_seen_unix_ms: Option<i64>,
    /// Whether the row is behind.
    dirty: bool,
}

#[derive(Debug, Default)]
struct Boss {
    hits: i64,
    damage_total: i64,
    max_hp: Option<i64>,
    dirty: bool,
}

/// One direction of an actor's hits.
#[derive(Debug, Default)]
struct Counters {
    total: i64,
    hits: i64,
    crit_hits: i64,
    crit_total: i64,
    lucky_hits: i64,
    lucky_total: i64,
}

impl Counters {
    fn add(&mut self, hit: &Hit) {
        let value = hit.aggregate_amount();
        self.total += value;
        self.hits += 1;
        self.crit_hits += i64::from(hit.crit);
        self.crit_total += if hit.crit { value } else { 0 };
        self.lucky_hits += i64::from(hit.lucky);
        self.lucky_total += if hit.lucky { value } else { 0 };
    }
}

impl Tally {
    fn actor(&mut self, id: i64) -> &mut Actor {
        let place = *self.index.entry(id).or_insert_with(|| {
            self.actors.push(Actor { id, ..Actor::default() });
            self.actors.len() - 1
        });
        let actor = &mut self.actors[place];
        actor.dirty = true;
        actor
    }

    /// Counts one hit for all whom it concerns.
    pub(super) fn count(&mut self, hit: &Hit, playhead: &Playhead) {
        let value = hit.aggregate_amount();
        if hit.kind == HitKind::Heal {
            self.heal_total += value;
            self.actor(hit.source).heal.add(hit);
            return;
        }
        self.damage_total += value;
        let boss = playhead.monster(hit.target).filter(|m| m.is_boss);
        let actor = self.actor(hit.source);
        actor.dealt.add(hit);
        let gap_ms = actor.last_damage_ms.map_or(0, |last| hit.at_ms - last);
        actor.active_ms += gap_ms.min(ACTIVE_GAP_MAX_MS);
        actor.last_damage_ms = Some(hit.at_ms);
        if let Some(boss) = boss {
            actor.boss.add(hit);
            let row = self.bosses.entry(boss.name.clone()).or_default();
            row.hits += 1;
            row.damage_total += value;
            row.max_hp = row.max_hp.max(boss.max_hp);
            row.dirty = true;
        }
        // The meter counts as taken what comes from those it has no entity row of.
        if playhead.player(hit.source).is_none() {
            self.actor(hit.target).taken.add(hit);
        }
    }

    pub(super) fn revive(&mut self, player: i64) {
        self.actor(player).revives += 1;
    }

    pub(super) fn seen(&mut self, player: i64, unix_ms: i64) {
        self.actor(player).last_seen_unix_ms = Some(unix_ms);
    }

    /// Brings all rows up to date, those of bosses if `bosses`.
    pub(super) async fn flush(
        &mut self,
        encounter: i64,
        playhead: &Playhead,
        bosses: bool,
        connection: &mut SqliteConnection,
    ) -> Result<(), MeterkitError> {
        sqlx::query("UPDATE encounters SET total_dmg = ?, total_heal = ? WHERE id = ?")
            .bind(self.damage_total)
            .bind(self.heal_total)
            .bind(encounter)
            .execute(&mut *connection)
            .await?;
        for actor in self.actors.iter_mut().filter(|a| a.dirty) {
            actor.write(encounter, playhead, connection).await?;
            actor.dirty = false;
        }
        for (name, boss) in self.bosses.iter_mut().filter(|(_, b)| bosses && b.dirty) {
            sqlx::query(
                "INSERT INTO encounter_bosses (encounter_id, monster_name, hits, total_damage, max_hp, is_defeated)
                 VALUES (?, ?, ?, ?, ?, 0)
                 ON CONFLICT (encounter_id, monster_name) DO UPDATE SET hits = excluded.hits,
                     total_damage = excluded.total_damage, max_hp = excluded.max_hp",
            )
            .bind(encounter)
            .bind(name.as_str())
            .bind(boss.hits)
            .bind(boss.damage_total)
            .bind(boss.max_hp)
            .execute(&mut *connection)
            .await?;
            boss.dirty = false;
        }
        Ok(())
    }

    /// Writes what the meter knows only at the end: rates, for players alone; of the active time where it `has_active`.
    pub(super) async fn finish(
        &self,
        encounter: i64,
        playhead: &Playhead,
        duration_s: f64,
        has_active: bool,
        connection: &mut SqliteConnection,
    ) -> Result<(), MeterkitError> {
        for actor in self.actors.iter().filter(|a| playhead.player(a.id).is_some()) {
            let damage = actor.dealt.total as f64;
            let active_s = actor.active_ms as f64 / 1_000.0;
            sqlx::query(
                "UPDATE actor_encounter_stats SET dps = ?, duration = ? WHERE encounter_id = ? AND actor_id = ?",
            )
            .bind(damage / duration_s)
            .bind(duration_s)
            .bind(encounter)
            .bind(actor.id)
            .execute(&mut *connection)
            .await?;
            if !has_active {
                continue;
            }
            sqlx::query(
                "UPDATE actor_encounter_stats SET active_dmg_time_ms = ?, tdps = ?
                 WHERE encounter_id = ? AND actor_id = ?",
            )
            .bind(actor.active_ms)
            .bind(if active_s > 0.0 { damage / active_s } else { 0.0 })
            .bind(encounter)
            .bind(actor.id)
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}

impl Actor {
    async fn write(
        &self,
        encounter: i64,
        playhead: &Playhead,
        connection: &mut SqliteConnection,
    ) -> Result<(), MeterkitError> {
        let player = playhead.player(self.id);
        sqlx::query(
            "INSERT INTO actor_encounter_stats (encounter_id, actor_id, name, class_id, class_spec, ability_score, level,
                 is_player, is_local_player)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (encounter_id, actor_id) DO NOTHING",
        )
        .bind(encounter)
        .bind(self.id)
        .bind(player.map(|p| p.name.as_str()))
        .bind(player.and_then(|p| known(p.class_id)))
        .bind(player.and_then(stored_spec))
        .bind(player.and_then(|p| known(p.ability_score)))
        .bind(player.and_then(|p| known(p.level)))
        .bind(player.is_some())
        .bind(self.id == playhead.fight.local_player_id)
        .execute(&mut *connection)
        .await?;
        let mut update = sqlx::query(
            "UPDATE actor_encounter_stats SET
                 damage_dealt = ?, hits_dealt = ?, crit_hits_dealt = ?, crit_total_dealt = ?, lucky_hits_dealt = ?,
                 lucky_total_dealt = ?,
                 boss_damage_dealt = ?, boss_hits_dealt = ?, boss_crit_hits_dealt = ?, boss_crit_total_dealt = ?,
                 boss_lucky_hits_dealt = ?, boss_lucky_total_dealt = ?,
                 heal_dealt = ?, hits_heal = ?, crit_hits_heal = ?, crit_total_heal = ?, lucky_hits_heal = ?,
                 lucky_total_heal = ?,
                 damage_taken = ?, hits_taken = ?, crit_hits_taken = ?, crit_total_taken = ?, lucky_hits_taken = ?,
                 lucky_total_taken = ?,
                 revives = ?
             WHERE encounter_id = ? AND actor_id = ?",
        );
        for c in [&self.dealt, &self.boss, &self.heal, &self.taken] {
            for value in [c.total, c.hits, c.crit_hits, c.crit_total, c.lucky_hits, c.lucky_total] {
                update = update.bind(value);
            }
        }
        update.bind(self.revives).bind(encounter).bind(self.id).execute(&mut *connection).await?;
        if let Some(unix_ms) = self.last_seen_unix_ms {
            sqlx::query("UPDATE entities SET last_seen_ms = ? WHERE entity_id = ?")
                .bind(unix_ms)
                .bind(self.id)
                .execute(connection)
                .await?;
        }
        Ok(())
    }
}
