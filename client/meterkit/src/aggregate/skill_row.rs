//! Skill rows: their counters and growing arrays, gathered over one transaction.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use crate::error::MeterkitError;
use crate::fight::{Hit, HitKind};
use crate::playhead::Playhead;

/// What happened to skill rows since the last commit, in order of the rows' first hits.
#[derive(Debug, Default)]
pub(super) struct SkillRows {
    /// Whether hits are kept in the rows' arrays; else those stay empty.
    arrays: bool,
    rows: Vec<SkillRow>,
    index: HashMap<Key, usize>,
}

type Key = (bool, i64, i64, i64);

#[derive(Debug)]
struct SkillRow {
    kind: HitKind,
    source: i64,
    target: i64,
    skill: i64,
    hits: i64,
    total: i64,
    crit_hits: i64,
    crit_total: i64,
    lucky_hits: i64,
    lucky_total: i64,
    hp_loss: i64,
    shield_loss: i64,
    /// JSON objects with commas between them.
    details: String,
    monster_name: Option<String>,
}

/// A hit as it stands in `hit_details`. The keys are in the alphabet's order, as they are in the meter's text.
#[derive(Serialize)]
struct HitDetail {
    attempt_index: Option<i64>,
    crit: bool,
    damage: i64,
    hp_loss: i64,
    is_boss: bool,
    lucky: bool,
    ms_from_start: i64,
    shield_loss: i64,
    timestamp: i64,
}

/// A heal as it stands in `heal_details`, its keys in the alphabet's order.
#[derive(Serialize)]
struct HealDetail {
    attempt_index: Option<i64>,
    crit: bool,
    heal: i64,
    lucky: bool,
    ms_from_start: i64,
    timestamp: i64,
}

impl SkillRows {
    pub(super) fn new(arrays: bool) -> Self {
        Self { arrays, ..Self::default() }
    }

    /// Appends one hit to its row.
    pub(super) fn append(&mut self, hit: &Hit, playhead: &Playhead) -> Result<(), MeterkitError> {
        let value = hit.aggregate_amount();
        let timestamp = playhead.fight.started_at_ms + hit.at_ms;
        let monster = playhead.monster(hit.target).filter(|_| hit.kind == HitKind::Damage);
        let detail = match hit.kind {
            HitKind::Damage => serde_json::to_string(&HitDetail {
                attempt_index: hit.attempt,
                crit: hit.crit,
                damage: value,
                hp_loss: hit.hp_loss,
                is_boss: monster.is_some_and(|m| m.is_boss),
                lucky: hit.lucky,
                ms_from_start: hit.at_ms,
                shield_loss: hit.shield_loss,
                timestamp,
            })?,
            HitKind::Heal => serde_json::to_string(&HealDetail {
                attempt_index: hit.attempt,
                crit: hit.crit,
                heal: value,
                lucky: hit.lucky,
                ms_from_start: hit.at_ms,
                timestamp,
            })?,
        };
        let key = (hit.kind == HitKind::Damage, hit.source, hit.target, hit.base_skill_id);
        let place = *self.index.entry(key).or_insert_with(|| {
            self.rows.push(SkillRow::new(hit, monster.map(|m| m.name.clone())));
            self.rows.len() - 1
        });
        let row = &mut self.rows[place];
        row.hits += 1;
        row.total += value;
        row.crit_hits += i64::from(hit.crit);
        row.crit_total += if hit.crit { value } else { 0 };
        row.lucky_hits += i64::from(hit.lucky);
        row.lucky_total += if hit.lucky { value } else { 0 };
        row.hp_loss += hit.hp_loss;
        row.shield_loss += hit.shield_loss;
        if self.arrays {
            if !row.details.is_empty() {
                row.details.push(',');
            }
            row.details += &detail;
        }
        Ok(())
    }

    /// Writes what was gathered.
    pub(super) async fn flush(
        &mut self,
        encounter: i64,
        connection: &mut SqliteConnection,
    ) -> Result<(), MeterkitError> {
        self.index.clear();
        for row in self.rows.drain(..) {
            match row.kind {
                HitKind::Damage => row.write_damage(encounter, connection).await?,
                HitKind::Heal => row.write_heal(encounter, connection).await?,
            }
        }
        Ok(())
    }
}

impl SkillRow {
    fn new(hit: &Hit, monster_name: Option<String>) -> Self {
        Self {
            kind: hit.kind,
            source: hit.source,
            target: hit.target,
            skill: hit.base_skill_id,
            hits: 0,
            total: 0,
            crit_hits: 0,
            crit_total: 0,
            lucky_hits: 0,
            lucky_total: 0,
            hp_loss: 0,
            shield_loss: 0,
            details: String::new(),
            monster_name,
        }
    }

    // One hit is appended by `json_insert`, as the meter does; several by what comes to the same text, for a rewrite
    // of the whole array per hit is what makes the meter slow.
    async fn write_damage(self, encounter: i64, connection: &mut SqliteConnection) -> Result<(), MeterkitError> {
        sqlx::query(
            "INSERT INTO damage_skill_stats (encounter_id, attacker_id, defender_id, skill_id, hits, total_value,
                 crit_hits, lucky_hits, crit_total, lucky_total, hp_loss_total, shield_loss_total, hit_details, monster_name)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, '[' || ?13 || ']', ?14)
             ON CONFLICT (encounter_id, attacker_id, defender_id, skill_id) DO UPDATE SET
                 hits = hits + excluded.hits, total_value = total_value + excluded.total_value,
                 crit_hits = crit_hits + excluded.crit_hits, lucky_hits = lucky_hits + excluded.lucky_hits,
                 crit_total = crit_total + excluded.crit_total, lucky_total = lucky_total + excluded.lucky_total,
                 hp_loss_total = hp_loss_total + excluded.hp_loss_total,
                 shield_loss_total = shield_loss_total + excluded.shield_loss_total,
                 hit_details = CASE WHEN ?13 = '' THEN hit_details WHEN excluded.hits = 1 THEN json_insert(hit_details, '$[#]', json(?13))
                     ELSE substr(hit_details, 1, length(hit_details) - 1) || ',' || ?13 || ']' END",
        )
        .bind(encounter)
        .bind(self.source)
        .bind(self.target)
        .bind(self.skill)
        .bind(self.hits)
        .bind(self.total)
        .bind(self.crit_hits)
        .bind(self.lucky_hits)
        .bind(self.crit_total)
        .bind(self.lucky_total)
        .bind(self.hp_loss)
        .bind(self.shield_loss)
        .bind(self.details)
        .bind(self.monster_name)
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn write_heal(self, encounter: i64, connection: &mut SqliteConnection) -> Result<(), MeterkitError> {
        sqlx::query(
            "INSERT INTO heal_skill_stats (encounter_id, healer_id, target_id, skill_id, hits, total_value,
                 crit_hits, lucky_hits, crit_total, lucky_total, heal_details)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, '[' || ?11 || ']')
             ON CONFLICT (encounter_id, healer_id, target_id, skill_id) DO UPDATE SET
                 hits = hits + excluded.hits, total_value = total_value + excluded.total_value,
                 crit_hits = crit_hits + excluded.crit_hits, lucky_hits = lucky_hits + excluded.lucky_hits,
                 crit_total = crit_total + excluded.crit_total, lucky_total = lucky_total + excluded.lucky_total,
                 heal_details = CASE WHEN ?11 = '' THEN heal_details WHEN excluded.hits = 1 THEN json_insert(heal_details, '$[#]', json(?11))
                     ELSE substr(heal_details, 1, length(heal_details) - 1) || ',' || ?11 || ']' END",
        )
        .bind(encounter)
        .bind(self.source)
        .bind(self.target)
        .bind(self.skill)
        .bind(self.hits)
        .bind(self.total)
        .bind(self.crit_hits)
        .bind(self.lucky_hits)
        .bind(self.crit_total)
        .bind(self.lucky_total)
        .bind(self.details)
        .execute(connection)
        .await?;
        Ok(())
    }
}
