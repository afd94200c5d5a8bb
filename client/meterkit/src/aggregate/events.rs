//! The first generation's rows: one for each hit, and what becomes of them when the fight ends.

use serde_json::{Value, json};
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::MeterkitError;
use crate::fight::{Hit, HitKind};
use crate::playhead::Playhead;

/// Writes a hit as a row of its own.
pub(super) async fn insert(
    encounter: i64,
    hit: &Hit,
    playhead: &Playhead,
    connection: &mut SqliteConnection,
) -> Result<(), MeterkitError> {
    let monster = playhead.monster(hit.target);
    let insert = match hit.kind {
        HitKind::Damage => sqlx::query(
            "INSERT INTO damage_events (encounter_id, timestamp_ms, attacker_id, defender_id, skill_id, value, is_crit,
                 is_lucky, attempt_index, hp_loss, shield_loss, is_boss, monster_name, defender_max_hp)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ),
        HitKind::Heal => sqlx::query(
            "INSERT INTO heal_events (encounter_id, timestamp_ms, healer_id, target_id, skill_id, value, is_crit,
                 is_lucky, attempt_index)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ),
    };
    let insert = insert
        .bind(encounter)
        .bind(playhead.fight.started_at_ms + hit.at_ms)
        .bind(hit.source)
        .bind(hit.target)
        // An unknown skill is no skill here; the finished rows have -1 for it.
        .bind(Some(hit.base_skill_id).filter(|skill| *skill != -1))
        .bind(hit.aggregate_amount())
        .bind(hit.crit)
        .bind(hit.lucky)
        .bind(hit.attempt);
    let insert = match hit.kind {
        HitKind::Heal => insert,
        HitKind::Damage => insert
            .bind(hit.hp_loss)
            .bind(hit.shield_loss)
            .bind(monster.is_some_and(|monster| monster.is_boss))
            .bind(monster.map(|monster| monster.name.as_str()))
            .bind(monster.and_then(|monster| monster.max_hp)),
    };
    insert.execute(connection).await?;
    Ok(())
}

/// What the rows of one skill come to.
#[derive(Default)]
struct Sums {
    hits: i64,
    value: i64,
    crit_hits: i64,
    crit_value: i64,
    lucky_hits: i64,
    lucky_value: i64,
    hp_loss: i64,
    shield_loss: i64,
    details: Vec<Value>,
}

/// Makes skills' rows of an encounter's events, and deletes those.
pub(super) async fn roll_up(encounter: i64, connection: &mut SqliteConnection) -> Result<(), MeterkitError> {
    let damage = sqlx::query(
        "SELECT attacker_id, defender_id, coalesce(skill_id, -1), timestamp_ms, value, is_crit, is_lucky, monster_name,
             hp_loss, shield_loss
         FROM damage_events WHERE encounter_id = ? ORDER BY attacker_id, defender_id, skill_id, timestamp_ms",
    );
    for rows in groups(damage.bind(encounter).fetch_all(&mut *connection).await?) {
        let sums = Sums::of(&rows, true);
        sqlx::query(
            "INSERT INTO damage_skill_stats (encounter_id, attacker_id, defender_id, skill_id, hits, total_value,
                 crit_hits, lucky_hits, crit_total, lucky_total, hit_details, monster_name, hp_loss_total,
                 shield_loss_total)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(encounter)
        .bind(rows[0].get::<i64, _>(0))
        .bind(rows[0].get::<i64, _>(1))
        .bind(rows[0].get::<i64, _>(2))
        .bind(sums.hits)
        .bind(sums.value)
        .bind(sums.crit_hits)
        .bind(sums.lucky_hits)
        .bind(sums.crit_value)
        .bind(sums.lucky_value)
        .bind(serde_json::to_string(&sums.details)?)
        .bind(rows[0].get::<Option<String>, _>(7))
        .bind(sums.hp_loss)
        .bind(sums.shield_loss)
        .execute(&mut *connection)
        .await?;
    }
    // Of a heal the meter writes the name of the player who was healed into the monster's column.
    let heals = sqlx::query(
        "SELECT healer_id, target_id, coalesce(skill_id, -1), timestamp_ms, value, is_crit, is_lucky,
             (SELECT name FROM entities WHERE entity_id = target_id)
         FROM heal_events WHERE encounter_id = ? ORDER BY healer_id, target_id, skill_id, timestamp_ms",
    );
    for rows in groups(heals.bind(encounter).fetch_all(&mut *connection).await?) {
        let sums = Sums::of(&rows, false);
        sqlx::query(
            "INSERT INTO heal_skill_stats (encounter_id, healer_id, target_id, skill_id, hits, total_value, crit_hits,
                 lucky_hits, crit_total, lucky_total, heal_details, monster_name)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(encounter)
        .bind(rows[0].get::<i64, _>(0))
        .bind(rows[0].get::<i64, _>(1))
        .bind(rows[0].get::<i64, _>(2))
        .bind(sums.hits)
        .bind(sums.value)
        .bind(sums.crit_hits)
        .bind(sums.lucky_hits)
        .bind(sums.crit_value)
        .bind(sums.lucky_value)
        .bind(serde_json::to_string(&sums.details)?)
        .bind(rows[0].get::<Option<String>, _>(7))
        .execute(&mut *connection)
        .await?;
    }
    for delete in ["DELETE FROM damage_events WHERE encounter_id = ?", "DELETE FROM heal_events WHERE encounter_id = ?"]
    {
        sqlx::query(delete).bind(encounter).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Rows of one source, target and skill each; they stand in that order.
fn groups(rows: Vec<SqliteRow>) -> Vec<Vec<SqliteRow>> {
    let mut groups: Vec<Vec<SqliteRow>> = Vec::new();
    let key = |row: &SqliteRow| [row.get::<i64, _>(0), row.get::<i64, _>(1), row.get::<i64, _>(2)];
    for row in rows {
        match groups.last_mut().filter(|group| key(&group[0]) == key(&row)) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

impl Sums {
    fn of(rows: &[SqliteRow], losses: bool) -> Self {
        let mut sums = Self::default();
        for row in rows {
            let [at, value, crit, lucky] = [3, 4, 5, 6].map(|column| row.get::<i64, _>(column));
            let mut detail = json!({ "t": at, "v": value, "c": crit, "l": lucky });
            if losses {
                let [hp, shield] = [8, 9].map(|column| row.get::<i64, _>(column));
                (detail["h"], detail["s"]) = (hp.into(), shield.into());
                sums.hp_loss += hp;
                sums.shield_loss += shield;
            }
            sums.hits += 1;
            sums.value += value;
            sums.crit_hits += crit;
            sums.crit_value += crit * value;
            sums.lucky_hits += lucky;
            sums.lucky_value += lucky * value;
            sums.details.push(detail);
        }
        sums
    }
}
