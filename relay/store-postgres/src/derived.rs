//! What is derived of kept reports, on the connections that are left to uploads.

use raidcast_store::{
    AccountId, Derived, DerivedBoss, DerivedPlayer, DerivedRows, DerivedSkill, FightTime, HeldReport, JobKey,
    StoreFuture, Viewpoint,
};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::error::Failure;
use crate::{keep_derived, same_fight, search_rows};

impl DerivedRows for PostgresStore {
    fn keep_derived<'a>(
        &'a self,
        seen: HeldReport,
        rows: &'a Derived,
        job: JobKey,
    ) -> StoreFuture<'a, Option<Vec<i64>>> {
        Self::answer(async move {
            let _turn = self.uploads.acquire().await;
            // Rows and the end of their job go together: what a crash forgets is derived again.
            let mut transaction = self.begin().await?;
            search_rows::share(&mut transaction, seen.row).await?;
            let kept = keep_derived::keep(&mut transaction, seen, rows, job).await?;
            if kept.is_some() {
                transaction.commit().await?;
            }
            Ok(kept)
        })
    }

    fn viewpoints<'a>(&'a self, encounters: &'a [i64]) -> StoreFuture<'a, Vec<Viewpoint>> {
        Self::answer(async move {
            let mut connection = self.pool.acquire().await?;
            same_fight::viewpoints(&mut connection, encounters).await
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
                let mut transaction = self.begin().await?;
                sqlx::query!("SET LOCAL statement_timeout = 0").execute(&mut *transaction).await?;
                let kept = again(&mut transaction).await?;
                transaction.commit().await?;
                Ok::<_, sqlx::Error>(kept)
            };
            again.await.map_err(|error| Failure::from(error).into())
        })
    }
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
