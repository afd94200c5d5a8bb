//! What is still to be done, on the connections that are left to uploads.

use raidcast_shared::id::EncounterId;
use raidcast_store::row::{JobColumns, leased_job};
use raidcast_store::{
    AccountId, JOBS_MAX, JobAdded, JobKey, JobKind, Jobs, JobsWaiting, LeasedJob, NewJob, StoreFuture, code,
};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::error::Failure;

impl Jobs for PostgresStore {
    fn lease_job(&self, kind: JobKind, now_ms: i64, until_ms: i64) -> StoreFuture<'_, Option<LeasedJob>> {
        Self::answer(async move {
            let _turn = self.uploads.acquire().await;
            // A lease that a crash of the database forgets is no loss: the job is due, and nobody waits for the disk. What is
            // due is found by itself: a subquery may be run again for each row, and each time it would lease another job.
            let found = sqlx::query_as!(
                JobColumns,
                "WITH quickly AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', TRUE)),
                 due AS MATERIALIZED (
                     SELECT j.kind, j.account, j.name FROM quickly, jobs j WHERE j.kind = $3 AND j.due_at_ms <= $1
                     ORDER BY j.due_at_ms LIMIT 1 FOR UPDATE OF j SKIP LOCKED)
                 UPDATE jobs SET due_at_ms = $2, tries = jobs.tries + 1 FROM due
                 WHERE jobs.kind = due.kind AND jobs.account = due.account AND jobs.name = due.name
                 RETURNING jobs.account, jobs.name, jobs.data, jobs.tries, jobs.created_at_ms",
                now_ms,
                until_ms,
                i64::from(code::of_job(kind)),
            )
            .fetch_optional(&self.pool)
            .await?;
            Ok(found.map(|job| leased_job(kind, job)).transpose()?)
        })
    }

    fn finish_job(&self, key: JobKey) -> StoreFuture<'_, ()> {
        Self::answer(async move {
            let _turn = self.uploads.acquire().await;
            finish(&mut *self.pool.acquire().await?, key).await
        })
    }

    fn put_off_job<'a>(&'a self, key: JobKey, due_at_ms: i64, tries: u32, why: &'a str) -> StoreFuture<'a, ()> {
        Self::answer(async move {
            let JobKey { kind, account, name } = key;
            let _turn = self.uploads.acquire().await;
            sqlx::query!(
                "UPDATE jobs SET due_at_ms = $4, why = $5, tries = $6 WHERE kind = $1 AND account = $2 AND name = $3",
                i64::from(code::of_job(kind)),
                account.0,
                name.as_slice(),
                due_at_ms,
                why,
                i64::from(tries),
            )
            .execute(&self.pool)
            .await?;
            Ok(())
        })
    }

    fn job_of(&self, kind: JobKind, account: AccountId, after: Option<[u8; 16]>) -> StoreFuture<'_, Option<LeasedJob>> {
        Self::answer(async move {
            let after = after.as_ref().map_or(&[][..], <[u8; 16]>::as_slice);
            let found = sqlx::query_as!(
                JobColumns,
                "SELECT account, name, data, tries, created_at_ms FROM jobs
                 WHERE kind = $1 AND account = $2 AND name > $3 ORDER BY name LIMIT 1",
                i64::from(code::of_job(kind)),
                account.0,
                after,
            )
            .fetch_optional(&self.pool)
            .await?;
            Ok(found.map(|job| leased_job(kind, job)).transpose()?)
        })
    }

    fn jobs(&self, kind: JobKind) -> StoreFuture<'_, JobsWaiting> {
        Self::answer(async move {
            let found = sqlx::query!(
                r#"SELECT COUNT(*) AS "count!", MIN(due_at_ms) AS due_at_ms FROM jobs WHERE kind = $1"#,
                i64::from(code::of_job(kind)),
            )
            .fetch_one(&self.pool)
            .await?;
            Ok(JobsWaiting { count: found.count.unsigned_abs(), due_at_ms: found.due_at_ms })
        })
    }
}

/// Whether it is still to be done; it stays so until the transaction has ended.
pub(crate) async fn hold(connection: &mut PgConnection, key: JobKey) -> Result<bool, Failure> {
    let found = sqlx::query!(
        "SELECT kind FROM jobs WHERE kind = $1 AND account = $2 AND name = $3 FOR KEY SHARE",
        i64::from(code::of_job(key.kind)),
        key.account.0,
        key.name.as_slice(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// It is done.
pub(crate) async fn finish(connection: &mut PgConnection, key: JobKey) -> Result<(), Failure> {
    let JobKey { kind, account, name } = key;
    sqlx::query!(
        "DELETE FROM jobs WHERE kind = $1 AND account = $2 AND name = $3",
        i64::from(code::of_job(kind)),
        account.0,
        name.as_slice(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes a job down that has no limit; `false` if there is one of its name.
pub(crate) async fn put_job(connection: &mut PgConnection, job: &NewJob) -> Result<bool, Failure> {
    put(connection, job, None).await
}

async fn put(connection: &mut PgConnection, job: &NewJob, of: Option<EncounterId>) -> Result<bool, Failure> {
    let of = of.as_ref().map(|of| of.0.as_bytes().as_slice());
    let NewJob { key: JobKey { kind, account, name }, data, created_at_ms, due_at_ms } = job;
    let put = sqlx::query!(
        "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms, encounter_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        i64::from(code::of_job(*kind)),
        account.0,
        name.as_slice(),
        &data[..],
        created_at_ms,
        due_at_ms,
        of,
    )
    .execute(connection)
    .await?;
    Ok(put.rows_affected() > 0)
}

/// Writes a job about an encounter down, unless there is one of its name, or there are as many as may be. Writers
/// at one moment may go a few beyond.
pub(crate) async fn add_job(connection: &mut PgConnection, job: &NewJob, of: EncounterId) -> Result<JobAdded, Failure> {
    let JobKey { kind, account, name } = &job.key;
    let found = sqlx::query!(
        r#"SELECT COUNT(*) AS "count!", COALESCE(bool_or(name = $3), FALSE) AS "is_there!"
           FROM jobs WHERE kind = $1 AND account = $2"#,
        i64::from(code::of_job(*kind)),
        account.0,
        name.as_slice(),
    )
    .fetch_one(&mut *connection)
    .await?;
    if found.is_there {
        return Ok(JobAdded::Held);
    }
    if found.count >= JOBS_MAX {
        return Ok(JobAdded::Full);
    }
    let is_new = put(connection, job, Some(of)).await?;
    Ok(if is_new { JobAdded::New } else { JobAdded::Held })
}
