//! The original design's tables, and fights written into them row by row.

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Postgres, Transaction};
use tokio::time::Instant;

use super::machine::{Used, used};

/// Connections that write.
const CONNECTIONS: usize = 10;
/// The tables as the design has them, but for months as partitions, which neither cost nor save a row.
const SCHEMA: &str = "
    CREATE EXTENSION pg_trgm;
    CREATE TABLE encounters (
        id BIGSERIAL PRIMARY KEY, report_id VARCHAR(12) NOT NULL UNIQUE, client_encounter_id BIGINT NOT NULL,
        uploader_api_key_hash VARCHAR(64) NOT NULL, schema_version INT NOT NULL, started_at_ms BIGINT NOT NULL,
        ended_at_ms BIGINT, duration_ms BIGINT NOT NULL CHECK (duration_ms BETWEEN 1 AND 7200000),
        total_damage BIGINT NOT NULL, total_heal BIGINT NOT NULL, meter_version VARCHAR(64), local_player_uid BIGINT,
        checksum VARCHAR(64), created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        UNIQUE (client_encounter_id, uploader_api_key_hash));
    CREATE INDEX ON encounters (started_at_ms);
    CREATE TABLE encounter_bosses (
        encounter_id BIGINT REFERENCES encounters ON DELETE CASCADE, boss_name TEXT, total_damage BIGINT NOT NULL,
        hits BIGINT NOT NULL, PRIMARY KEY (encounter_id, boss_name));
    CREATE INDEX ON encounter_bosses (boss_name);
    CREATE TABLE encounter_players (
        encounter_id BIGINT REFERENCES encounters ON DELETE CASCADE, actor_id BIGINT, name TEXT, class_id INT,
        class_spec INT, ability_score INT, level INT, damage_dealt BIGINT NOT NULL, heal_dealt BIGINT NOT NULL,
        damage_taken BIGINT NOT NULL, boss_damage_dealt BIGINT NOT NULL, hits_dealt BIGINT NOT NULL,
        hits_heal BIGINT NOT NULL, crit_hits_dealt BIGINT, lucky_hits_dealt BIGINT,
        PRIMARY KEY (encounter_id, actor_id));
    CREATE INDEX ON encounter_players USING GIN (name gin_trgm_ops);
    CREATE TABLE player_skills (
        encounter_id BIGINT, actor_id BIGINT, skill_id BIGINT, skill_type TEXT, skill_name TEXT,
        total_value BIGINT NOT NULL, hits BIGINT NOT NULL CHECK (hits BETWEEN 0 AND 10000), crit_hits BIGINT,
        lucky_hits BIGINT, crit_total BIGINT, lucky_total BIGINT, timeline_summary JSONB,
        PRIMARY KEY (encounter_id, actor_id, skill_id, skill_type),
        FOREIGN KEY (encounter_id, actor_id) REFERENCES encounter_players ON DELETE CASCADE);
    CREATE TABLE player_skill_timeline (
        encounter_id BIGINT, actor_id BIGINT, skill_id BIGINT, skill_type TEXT, timeline JSONB NOT NULL,
        PRIMARY KEY (encounter_id, actor_id, skill_id, skill_type),
        FOREIGN KEY (encounter_id, actor_id, skill_id, skill_type) REFERENCES player_skills ON DELETE CASCADE);
";

/// Time lines of which each hit is a row.
const HITS: &str = "
    DROP TABLE player_skill_timeline;
    CREATE TABLE player_skill_timeline (
        encounter_id BIGINT, actor_id BIGINT, skill_id BIGINT, skill_type TEXT, number INT, timestamp_ms BIGINT NOT NULL,
        value BIGINT NOT NULL, is_crit BOOLEAN, is_lucky BOOLEAN, hp_loss BIGINT, shield_loss BIGINT,
        PRIMARY KEY (encounter_id, actor_id, skill_id, skill_type, number),
        FOREIGN KEY (encounter_id, actor_id, skill_id, skill_type) REFERENCES player_skills ON DELETE CASCADE);
";

/// How time lines are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One of JSON for each skill, and an index of what is in it.
    AsDesigned,
    /// Without the index.
    WithoutTimelineIndex,
    /// A row for each hit.
    RowOfEachHit,
}

/// What writing took.
pub(crate) struct Written {
    fights: f64,
    seconds: f64,
    /// Of each fight on disk.
    pub(crate) bytes: f64,
    rows: f64,
    database_s: f64,
}

impl Written {
    pub(crate) fn a_second(&self) -> f64 {
        self.fights / self.seconds
    }

    pub(crate) fn print(&self, layout: Layout) {
        let what = match layout {
            Layout::AsDesigned => "as designed",
            Layout::WithoutTimelineIndex => "without the index of time lines",
            Layout::RowOfEachHit => "with a row for each hit",
        };
        println!("row by row, {what}: {} of these fights, {:.0} rows each", self.fights, self.rows / self.fights);
        let cpu = self.database_s / self.fights;
        println!("  {:.2} a second; {:.0} bytes each; PostgreSQL alone {cpu:.4} s each", self.a_second(), self.bytes);
    }
}

/// The rows of a fight that are no figures of the whole.
struct Rows {
    of: Value,
    /// Player, skill, its kind, first and last hit and the greatest, and the hits.
    skills: Vec<(i64, Value, &'static str, String, String)>,
}

impl Rows {
    fn of(told: &str) -> Result<Self> {
        let of: Value = serde_json::from_str(told)?;
        let mut skills = Vec::new();
        for player in list(&of["players"]) {
            for (field, kind) in [("damageSkills", "damage"), ("healSkills", "heal")] {
                for skill in list(&player[field]) {
                    let hits = list(&skill["timeline"]);
                    let at = |hit: Option<&Value>| hit.map(|hit| hit["timestampMs"].clone());
                    let peak = hits.iter().filter_map(|hit| hit["value"].as_i64()).max();
                    let summary = json!({ "first": at(hits.first()), "last": at(hits.last()), "peak": peak });
                    let timeline = skill["timeline"].to_string();
                    skills.push((number(&player["actorId"])?, skill.clone(), kind, summary.to_string(), timeline));
                }
            }
        }
        Ok(Self { of, skills })
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], |list| list)
}

fn number(value: &Value) -> Result<i64> {
    value.as_i64().context("a number")
}

/// Writes fights into a new database.
pub(crate) async fn write(url: &str, told: &[&str], fights: usize, layout: Layout) -> Result<Written> {
    let told = told.iter().map(|told| Rows::of(told)).collect::<Result<Vec<_>>>()?;
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
    match layout {
        Layout::AsDesigned => {
            let index = "CREATE INDEX ON player_skill_timeline USING GIN (timeline)";
            sqlx::raw_sql(index).execute(&mut connection).await?;
        }
        Layout::WithoutTimelineIndex => {}
        Layout::RowOfEachHit => {
            sqlx::raw_sql(HITS).execute(&mut connection).await?;
        }
    }
    let data: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut connection).await?;
    let bytes = bytes(&mut connection).await?;
    let before = used(None, data.as_ref())?;
    let began = Instant::now();
    let writers = (0..CONNECTIONS).map(async |writer| {
        let mut connection = PgConnection::connect(url).await?;
        // As the relay's are.
        sqlx::raw_sql("SET synchronous_commit = on").execute(&mut connection).await?;
        let mut rows = 0;
        for number in (writer..fights).step_by(CONNECTIONS) {
            let mut transaction = connection.begin().await?;
            rows += fight(&mut transaction, &told[number % told.len()], number as i64, layout).await?;
            transaction.commit().await?;
        }
        anyhow::Ok(rows)
    });
    let rows: usize = try_join_all(writers).await?.into_iter().sum();
    let seconds = began.elapsed().as_secs_f64();
    let bytes = (self::bytes(&mut connection).await? - bytes) as f64 / fights as f64;
    let Used { database_s, .. } = used(None, data.as_ref())? - before;
    Ok(Written { fights: fights as f64, seconds, bytes, rows: rows as f64, database_s })
}

async fn bytes(connection: &mut PgConnection) -> Result<i64> {
    sqlx::raw_sql("CHECKPOINT").execute(&mut *connection).await?;
    Ok(sqlx::query_scalar("SELECT pg_database_size(current_database())").fetch_one(connection).await?)
}

/// An insert a row; gives how many.
async fn fight(transaction: &mut Transaction<'_, Postgres>, rows: &Rows, n: i64, layout: Layout) -> Result<usize> {
    let (of, mut hits) = (&rows.of, 0);
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO encounters (report_id, client_encounter_id, uploader_api_key_hash, schema_version, started_at_ms,
             ended_at_ms, duration_ms, total_damage, total_heal, meter_version, local_player_uid, checksum)
         VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, NULL) RETURNING id",
    )
    .bind(format!("{n:012}"))
    .bind(n)
    .bind(format!("{:064}", n % 10))
    .bind(number(&of["startedAtMs"])? + n * 400_000)
    .bind(of["endedAtMs"].as_i64())
    .bind(number(&of["durationMs"])?)
    .bind(number(&of["totalDamage"])?)
    .bind(number(&of["totalHeal"])?)
    .bind(of["meterVersion"].as_str())
    .bind(of["localPlayerUid"].as_i64())
    .fetch_one(&mut **transaction)
    .await?;
    for boss in list(&of["bosses"]) {
        sqlx::query("INSERT INTO encounter_bosses VALUES ($1, $2, $3, $4)")
            .bind(id)
            .bind(boss["name"].as_str())
            .bind(boss["totalDamage"].as_i64())
            .bind(boss["hits"].as_i64())
            .execute(&mut **transaction)
            .await?;
    }
    for player in list(&of["players"]) {
        let mut insert = sqlx::query(
            "INSERT INTO encounter_players (encounter_id, name, actor_id, class_id, class_spec, ability_score, level,
                 damage_dealt, heal_dealt, damage_taken, boss_damage_dealt, hits_dealt, hits_heal, crit_hits_dealt,
                 lucky_hits_dealt)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        )
        .bind(id)
        .bind(player["name"].as_str());
        for field in [
            "actorId",
            "classId",
            "classSpec",
            "abilityScore",
            "level",
            "damageDealt",
            "healDealt",
            "damageTaken",
            "bossDamageDealt",
            "hitsDealt",
            "hitsHeal",
            "critHitsDealt",
            "luckyHitsDealt",
        ] {
            insert = insert.bind(player[field].as_i64());
        }
        insert.execute(&mut **transaction).await?;
    }
    for (actor, skill, kind, summary, timeline) in &rows.skills {
        let mut insert = sqlx::query(
            "INSERT INTO player_skills (encounter_id, actor_id, skill_type, skill_name, timeline_summary, skill_id,
                 total_value, hits, crit_hits, lucky_hits, crit_total, lucky_total)
             VALUES ($1, $2, $3, $4, $5::JSONB, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(id)
        .bind(actor)
        .bind(kind)
        .bind(skill["skillName"].as_str())
        .bind(summary);
        for field in ["skillId", "totalValue", "hits", "critHits", "luckyHits", "critTotal", "luckyTotal"] {
            insert = insert.bind(skill[field].as_i64());
        }
        insert.execute(&mut **transaction).await?;
        if layout == Layout::RowOfEachHit {
            for (at, hit) in list(&skill["timeline"]).iter().enumerate() {
                sqlx::query("INSERT INTO player_skill_timeline VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
                    .bind(id)
                    .bind(actor)
                    .bind(skill["skillId"].as_i64())
                    .bind(kind)
                    .bind(at as i32)
                    .bind(hit["timestampMs"].as_i64())
                    .bind(hit["value"].as_i64())
                    .bind(hit["isCrit"].as_bool())
                    .bind(hit["isLucky"].as_bool())
                    .bind(hit["hpLoss"].as_i64())
                    .bind(hit["shieldLoss"].as_i64())
                    .execute(&mut **transaction)
                    .await?;
                hits += 1;
            }
            continue;
        }
        hits += 1;
        sqlx::query("INSERT INTO player_skill_timeline VALUES ($1, $2, $3, $4, $5::JSONB)")
            .bind(id)
            .bind(actor)
            .bind(skill["skillId"].as_i64())
            .bind(kind)
            .bind(timeline)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(1 + list(&of["bosses"]).len() + list(&of["players"]).len() + rows.skills.len() + hits)
}
