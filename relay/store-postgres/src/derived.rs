//! What is derived of kept reports, on the connections that are left to uploads.

use raidcast_store::row::json;
use raidcast_store::search::player_rows;
use raidcast_store::{
    AccountId, Derived, DerivedBoss, DerivedPlayer, DerivedRows, DerivedSkill, FightTime, HeldReport, JobKey,
    StoreFuture,
};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::encounter::of_row;
use crate::error::Failure;
use crate::jobs::finish;
use crate::{same_fight, search_rows};

impl DerivedRows for PostgresStore {
    fn keep_derived<'a>(&'a self, seen: HeldReport, rows: &'a Derived, job: JobKey) -> StoreFuture<'a, bool> {
        Self::answer(async move {
            let _turn = self.uploads.acquire().await;
            let mut transaction = self.pool.begin().await?;
            // Rows and the end of their job go together: what a crash forgets is derived again.
            search_rows::lock_quickly(&mut transaction).await?;
            if !keep(&mut transaction, seen, rows).await? {
                return Ok(false);
            }
            finish(&mut transaction, job).await?;
            transaction.commit().await?;
            Ok(true)
        })
    }

    fn same_fight(&self, encounter: i64, also_of: Option<AccountId>) -> StoreFuture<'_, Vec<String>> {
        Self::answer(async move {
            let mut connection = self.pool.acquire().await?;
            same_fight::of(&mut connection, encounter, also_of.map(|account| account.0)).await
        })
    }

    fn derived(&self, encounter: i64) -> StoreFuture<'_, Derived> {
        Self::answer(async move {
            let mut transaction = self.snapshot().await?;
            let time = sqlx::query_as!(
                FightTime,
                "SELECT first_at_ms, last_at_ms FROM fight_times WHERE encounter = $1",
                encounter,
            )
            .fetch_optional(&mut *transaction)
            .await?;
            let bosses = sqlx::query_as!(
                DerivedBoss,
                "SELECT number, boss_name, monster_id, total_damage, hits, max_hp, defeated
                 FROM encounter_bosses WHERE encounter = $1 ORDER BY number",
                encounter,
            )
            .fetch_all(&mut *transaction)
            .await?;
            let players = sqlx::query_as!(
                DerivedPlayer,
                "SELECT number, actor_id, name, class_id, class_spec, ability_score, level, is_local, damage_dealt,
                        boss_damage_dealt, heal_dealt, damage_taken, hits_dealt, hits_heal, crit_hits_dealt,
                        lucky_hits_dealt, deaths
                 FROM encounter_players WHERE encounter = $1 ORDER BY number",
                encounter,
            )
            .fetch_all(&mut *transaction)
            .await?;
            let skills = sqlx::query_as!(
                DerivedSkill,
                "SELECT player, skill, skill_id, variant_id, skill_name, skill_type, total_value, hits, crit_hits,
                        lucky_hits, max_value
                 FROM player_skills WHERE encounter = $1 ORDER BY player, skill",
                encounter,
            )
            .fetch_all(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(Derived { time, bosses, players, skills })
        })
    }

    fn derive_again(&self) -> StoreFuture<'_, u64> {
        // However many there are: who asks waits for it.
        Box::pin(async move {
            let again = async {
                let mut transaction = self.pool.begin().await?;
                sqlx::query!("SET LOCAL statement_timeout = 0").execute(&mut *transaction).await?;
                let kept = again(&mut transaction).await?;
                transaction.commit().await?;
                Ok::<_, sqlx::Error>(kept)
            };
            again.await.map_err(|error| Failure::from(error).into())
        })
    }
}

/// Puts rows in place of others, if the report is as its caller saw it. Rows are JSON: one statement puts all of a table.
async fn keep(connection: &mut PgConnection, seen: HeldReport, rows: &Derived) -> Result<bool, Failure> {
    let encounter = seen.row;
    // By itself: what it is joined with would be as it was before the wait.
    sqlx::query!("SELECT row FROM encounters WHERE row = $1 FOR NO KEY UPDATE", encounter)
        .fetch_optional(&mut *connection)
        .await?;
    let held = of_row(connection, encounter).await?;
    if held.as_ref().map(HeldReport::from) != Some(seen) {
        return Ok(false);
    }
    // Most reports are derived once: to look for rows costs less than to remove none from every table.
    if has_rows(connection, encounter).await? {
        forget(connection, encounter).await?;
    }
    sqlx::query!(
        "INSERT INTO encounter_bosses (encounter, number, boss_name, monster_id, total_damage, hits, max_hp, defeated)
         SELECT $1, b.* FROM json_to_recordset($2::TEXT::JSON) AS b (
             number BIGINT, boss_name TEXT, monster_id BIGINT, total_damage BIGINT, hits BIGINT, max_hp BIGINT,
             defeated BOOLEAN)",
        encounter,
        json(&rows.bosses),
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO encounter_players
             (encounter, number, actor_id, name, class_id, class_spec, ability_score, level, is_local, damage_dealt,
              boss_damage_dealt, heal_dealt, damage_taken, hits_dealt, hits_heal, crit_hits_dealt, lucky_hits_dealt,
              deaths, name_term)
         SELECT $1, p.* FROM json_to_recordset($2::TEXT::JSON) AS p (
             number BIGINT, actor_id TEXT, name TEXT, class_id BIGINT, class_spec BIGINT, ability_score BIGINT,
             level BIGINT, is_local BOOLEAN, damage_dealt BIGINT, boss_damage_dealt BIGINT, heal_dealt BIGINT,
             damage_taken BIGINT, hits_dealt BIGINT, hits_heal BIGINT, crit_hits_dealt BIGINT, lucky_hits_dealt BIGINT,
             deaths BIGINT, name_term BIGINT)",
        encounter,
        json(&player_rows(rows)),
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO player_skills
             (encounter, player, skill, skill_id, variant_id, skill_name, skill_type, total_value, hits, crit_hits,
              lucky_hits, max_value)
         SELECT $1, s.* FROM json_to_recordset($2::TEXT::JSON) AS s (
             player BIGINT, skill BIGINT, skill_id BIGINT, variant_id BIGINT, skill_name TEXT, skill_type BIGINT,
             total_value BIGINT, hits BIGINT, crit_hits BIGINT, lucky_hits BIGINT, max_value BIGINT)",
        encounter,
        json(&rows.skills),
    )
    .execute(&mut *connection)
    .await?;
    search_rows::keep(connection, encounter, rows).await?;
    same_fight::keep(connection, encounter, rows).await?;
    Ok(true)
}

/// Whether anything is derived of a report.
async fn has_rows(connection: &mut PgConnection, encounter: i64) -> Result<bool, Failure> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM encounter_players WHERE encounter = $1)
               OR EXISTS (SELECT 1 FROM encounter_bosses WHERE encounter = $1)
               OR EXISTS (SELECT 1 FROM player_skills WHERE encounter = $1)
               OR EXISTS (SELECT 1 FROM search_terms WHERE encounter = $1)
               OR EXISTS (SELECT 1 FROM fight_times WHERE encounter = $1)
               OR EXISTS (SELECT 1 FROM same_fights WHERE encounter = $1)
               OR EXISTS (SELECT 1 FROM same_fights WHERE other = $1) AS "has_rows!""#,
        encounter
    )
    .fetch_one(connection)
    .await?)
}

/// Removes what is derived of a report.
async fn forget(connection: &mut PgConnection, encounter: i64) -> Result<(), Failure> {
    sqlx::query!("DELETE FROM encounter_bosses WHERE encounter = $1", encounter).execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM encounter_players WHERE encounter = $1", encounter).execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM player_skills WHERE encounter = $1", encounter).execute(&mut *connection).await?;
    search_rows::forget(connection, encounter).await?;
    same_fight::forget(connection, encounter).await
}

/// See [`DerivedRows::derive_again`].
pub(crate) async fn again(connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
    sqlx::query!(
        "TRUNCATE player_skills, encounter_players, encounter_bosses, search_parts, search_names, search_terms,
                  fight_times, same_fights"
    )
    .execute(&mut *connection)
    .await?;
    // One that is under way, or was put off, would be due some other time.
    sqlx::query!("DELETE FROM jobs WHERE kind = 1").execute(&mut *connection).await?;
    sqlx::query!(
        "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
         SELECT 1, account, convert_to(lpad(to_hex(row), 10, '0') || lpad(to_hex(revision), 6, '0'), 'UTF8'),
                convert_to(report_id, 'UTF8'), kept_at_ms, 0
         FROM encounters WHERE kept_at_ms IS NOT NULL"
    )
    .execute(&mut *connection)
    .await?;
    search_rows::count_change(connection).await?;
    let kept = sqlx::query_scalar!(r#"SELECT COUNT(*) AS "count!" FROM encounters WHERE kept_at_ms IS NOT NULL"#)
        .fetch_one(connection)
        .await?;
    Ok(kept.unsigned_abs())
}
