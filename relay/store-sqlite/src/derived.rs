//! What is derived of kept reports.

use raidcast_store::row::json;
use raidcast_store::search::player_rows;
use raidcast_store::{
    AccountId, Derived, DerivedBoss, DerivedPlayer, DerivedRows, DerivedSkill, FightTime, HeldReport, JobKey,
    StoreFuture, Viewpoint, derive_job,
};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::encounter::of_row;
use crate::error::Failure;
use crate::job::Change;
use crate::jobs::{finish, put_job};
use crate::webhook::tell_of_encounter;
use crate::{same_fight, search_rows};

impl DerivedRows for SqliteStore {
    fn keep_derived<'a>(
        &'a self,
        seen: HeldReport,
        rows: &'a Derived,
        job: JobKey,
    ) -> StoreFuture<'a, Option<Vec<i64>>> {
        let (bosses, skills) = (json(&rows.bosses), json(&rows.skills));
        self.write_bulk(KeepDerived { seen, rows: rows.clone(), bosses, skills, job })
    }

    fn viewpoints<'a>(&'a self, encounters: &'a [i64]) -> StoreFuture<'a, Vec<Viewpoint>> {
        Self::read(async move {
            let mut connection = self.readers.acquire().await?;
            same_fight::viewpoints(&mut connection, encounters).await
        })
    }

    fn same_fight(&self, encounter: i64, also_of: Option<AccountId>) -> StoreFuture<'_, Vec<String>> {
        Self::read(async move {
            let mut connection = self.readers.acquire().await?;
            same_fight::of(&mut connection, encounter, also_of.map(|account| account.0)).await
        })
    }

    fn derived(&self, encounter: i64) -> StoreFuture<'_, Derived> {
        Self::read(async move {
            let mut transaction = self.readers.begin().await?;
            let time = sqlx::query_as!(
                FightTime,
                "SELECT first_at_ms, last_at_ms FROM fight_times WHERE encounter = ?1",
                encounter,
            )
            .fetch_optional(&mut *transaction)
            .await?;
            let bosses = sqlx::query_as!(
                DerivedBoss,
                r#"SELECT number, boss_name, monster_id, total_damage, hits, max_hp, defeated AS "defeated: bool"
                   FROM encounter_bosses WHERE encounter = ?1 ORDER BY number"#,
                encounter,
            )
            .fetch_all(&mut *transaction)
            .await?;
            let players = sqlx::query_as!(
                DerivedPlayer,
                r#"SELECT number, actor_id, name, class_id, class_spec, ability_score, level, is_local AS "is_local: bool",
                          damage_dealt, boss_damage_dealt, heal_dealt, damage_taken, hits_dealt, hits_heal,
                          crit_hits_dealt, lucky_hits_dealt, deaths
                   FROM encounter_players WHERE encounter = ?1 ORDER BY number"#,
                encounter,
            )
            .fetch_all(&mut *transaction)
            .await?;
            let skills = sqlx::query_as!(
                DerivedSkill,
                "SELECT player, skill, skill_id, variant_id, skill_name, skill_type, total_value, hits, crit_hits,
                        lucky_hits, max_value
                 FROM player_skills WHERE encounter = ?1 ORDER BY player, skill",
                encounter,
            )
            .fetch_all(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(Derived { time, bosses, players, skills })
        })
    }

    fn derive_again(&self) -> StoreFuture<'_, u64> {
        self.write_bulk(DeriveAgain)
    }
}

/// About so many a row of a player has.
const PLAYER_BYTES: usize = 512;

/// Puts rows in place of others, if the report is as its caller saw it. Rows are JSON: one statement puts all of a table.
struct KeepDerived {
    seen: HeldReport,
    rows: Derived,
    bosses: String,
    skills: String,
    job: JobKey,
}

impl Change for KeepDerived {
    type Output = Option<Vec<i64>>;

    fn bytes(&self) -> usize {
        self.bosses.len() + self.rows.players.len() * PLAYER_BYTES + self.skills.len()
    }

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Option<Vec<i64>>, Failure> {
        let encounter = self.seen.row;
        let held = of_row(connection, encounter).await?;
        if held.as_ref().map(HeldReport::from) != Some(self.seen) {
            return Ok(None);
        }
        let hidden = search_rows::hidden(connection, &self.rows).await?;
        let players = json(&player_rows(&self.rows, &hidden));
        sqlx::query!("DELETE FROM encounter_bosses WHERE encounter = ?1", encounter).execute(&mut *connection).await?;
        sqlx::query!("DELETE FROM encounter_players WHERE encounter = ?1", encounter).execute(&mut *connection).await?;
        sqlx::query!("DELETE FROM player_skills WHERE encounter = ?1", encounter).execute(&mut *connection).await?;
        sqlx::query!(
            "INSERT INTO encounter_bosses
                 (encounter, number, boss_name, monster_id, total_damage, hits, max_hp, defeated)
             SELECT ?1, value ->> 'number', value ->> 'boss_name', value ->> 'monster_id', value ->> 'total_damage',
                    value ->> 'hits', value ->> 'max_hp', value ->> 'defeated'
             FROM json_each(?2)",
            encounter,
            self.bosses,
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!(
            "INSERT INTO encounter_players
                 (encounter, number, actor_id, name, class_id, class_spec, ability_score, level, is_local, damage_dealt,
                  boss_damage_dealt, heal_dealt, damage_taken, hits_dealt, hits_heal, crit_hits_dealt,
                  lucky_hits_dealt, deaths, name_term)
             SELECT ?1, value ->> 'number', value ->> 'actor_id', value ->> 'name', value ->> 'class_id',
                    value ->> 'class_spec', value ->> 'ability_score', value ->> 'level', value ->> 'is_local',
                    value ->> 'damage_dealt', value ->> 'boss_damage_dealt', value ->> 'heal_dealt',
                    value ->> 'damage_taken', value ->> 'hits_dealt', value ->> 'hits_heal',
                    value ->> 'crit_hits_dealt', value ->> 'lucky_hits_dealt', value ->> 'deaths',
                    value ->> 'name_term'
             FROM json_each(?2)",
            encounter,
            players,
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!(
            "INSERT INTO player_skills
                 (encounter, player, skill, skill_id, variant_id, skill_name, skill_type, total_value, hits, crit_hits,
                  lucky_hits, max_value)
             SELECT ?1, value ->> 'player', value ->> 'skill', value ->> 'skill_id', value ->> 'variant_id',
                    value ->> 'skill_name', value ->> 'skill_type', value ->> 'total_value', value ->> 'hits',
                    value ->> 'crit_hits', value ->> 'lucky_hits', value ->> 'max_value'
             FROM json_each(?2)",
            encounter,
            self.skills,
        )
        .execute(&mut *connection)
        .await?;
        search_rows::keep(connection, encounter, &self.rows, &hidden).await?;
        let others = same_fight::keep(connection, encounter, &self.rows).await?;
        tell_of_encounter(connection, encounter).await?;
        finish(connection, self.job).await?;
        Ok(Some(others))
    }
}

/// Removes all rows, and has all that is kept derived again.
struct DeriveAgain;

impl Change for DeriveAgain {
    type Output = u64;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<u64, Failure> {
        again(connection).await
    }
}

/// See [`DerivedRows::derive_again`].
pub(crate) async fn again(connection: &mut SqliteConnection) -> Result<u64, Failure> {
    search_rows::empty(connection).await?;
    same_fight::empty(connection).await?;
    sqlx::query!("DELETE FROM player_skills").execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM encounter_players").execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM encounter_bosses").execute(&mut *connection).await?;
    // One that is under way, or was put off, would be due some other time.
    sqlx::query!("DELETE FROM jobs WHERE kind = 1").execute(&mut *connection).await?;
    let kept = sqlx::query!(
        r#"SELECT row AS "row!", account, revision, report_id, kept_at_ms AS "kept_at_ms!"
           FROM encounters WHERE kept_at_ms IS NOT NULL ORDER BY row"#
    )
    .fetch_all(&mut *connection)
    .await?;
    for kept in &kept {
        let job = derive_job(AccountId(kept.account), kept.row, kept.revision, &kept.report_id, kept.kept_at_ms);
        put_job(connection, &job).await?;
    }
    Ok(kept.len() as u64)
}
