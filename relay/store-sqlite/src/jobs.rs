//! What is still to be done.

use bytes::Bytes;
use raidcast_shared::id::EncounterId;
use raidcast_store::row::{JobColumns, leased_job};
use raidcast_store::{
    AccountId, JOBS_MAX, JobAdded, JobKey, JobKind, Jobs, JobsWaiting, LeasedJob, NewJob, StoreFuture, code,
};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::error::Failure;
use crate::job::Change;

impl Jobs for SqliteStore {
    fn lease_job(&self, kind: JobKind, now_ms: i64, until_ms: i64) -> StoreFuture<'_, Option<LeasedJob>> {
        self.write_bulk(LeaseJob { kind, now_ms, until_ms })
    }

    fn finish_job(&self, key: JobKey) -> StoreFuture<'_, ()> {
        self.write_bulk(FinishJob(key))
    }

    fn put_off_job<'a>(&'a self, key: JobKey, due_at_ms: i64, tries: u32, why: &'a str) -> StoreFuture<'a, ()> {
        self.write_bulk(PutOffJob { key, due_at_ms, tries, why: why.to_owned() })
    }

    fn job_of(&self, kind: JobKind, account: AccountId, after: Option<[u8; 16]>) -> StoreFuture<'_, Option<LeasedJob>> {
        Self::read(async move {
            let of_kind = i64::from(code::of_job(kind));
            let after = after.as_ref().map_or(&[][..], <[u8; 16]>::as_slice);
            let found = sqlx::query_as!(
                JobColumns,
                "SELECT account, name, data, tries, created_at_ms FROM jobs
                 WHERE kind = ?1 AND account = ?2 AND name > ?3 ORDER BY name LIMIT 1",
                of_kind,
                account.0,
                after,
            )
            .fetch_optional(&self.readers)
            .await?;
            Ok(found.map(|job| leased_job(kind, job)).transpose()?)
        })
    }

    fn jobs(&self, kind: JobKind) -> StoreFuture<'_, JobsWaiting> {
        Self::read(async move {
            let kind = i64::from(code::of_job(kind));
            let found = sqlx::query!(
                r#"SELECT COUNT(*) AS "count!: i64", MIN(due_at_ms) AS "due_at_ms: i64" FROM jobs WHERE kind = ?1"#,
                kind,
            )
            .fetch_one(&self.readers)
            .await?;
            Ok(JobsWaiting { count: found.count.unsigned_abs(), due_at_ms: found.due_at_ms })
        })
    }
}

/// Whoever looks at the files later has something to do.
pub(crate) async fn wipe_later(connection: &mut SqliteConnection) -> Result<(), Failure> {
    let key = JobKey { kind: JobKind::Wipe, account: AccountId(0), name: [0; 16] };
    put_job(connection, &NewJob { key, data: Bytes::new(), created_at_ms: 0, due_at_ms: 0 }).await?;
    Ok(())
}

/// Writes a job down that has no limit; `false` if there is one of its name.
pub(crate) async fn put_job(connection: &mut SqliteConnection, job: &NewJob) -> Result<bool, Failure> {
    put(connection, job, None).await
}

async fn put(connection: &mut SqliteConnection, job: &NewJob, of: Option<EncounterId>) -> Result<bool, Failure> {
    let of = of.as_ref().map(|of| of.0.as_bytes().as_slice());
    let NewJob { key: JobKey { kind, account, name }, data, created_at_ms, due_at_ms } = job;
    let (kind, name, data) = (i64::from(code::of_job(*kind)), name.as_slice(), &data[..]);
    let put = sqlx::query!(
        "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms, encounter_id)
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        kind,
        account.0,
        name,
        data,
        created_at_ms,
        due_at_ms,
        of,
    )
    .execute(connection)
    .await?;
    Ok(put.rows_affected() > 0)
}

/// Writes a job about an encounter down, unless there is one of its name, or there are as many as may be.
pub(crate) async fn add_job(
    connection: &mut SqliteConnection,
    job: &NewJob,
    of: EncounterId,
) -> Result<JobAdded, Failure> {
    let JobKey { kind, account, name } = &job.key;
    let (kind, name) = (i64::from(code::of_job(*kind)), name.as_slice());
    let found = sqlx::query!(
        r#"SELECT COUNT(*) AS "count!: i64", COALESCE(MAX(name = ?3), 0) AS "is_there!: bool"
           FROM jobs WHERE kind = ?1 AND account = ?2"#,
        kind,
        account.0,
        name,
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

/// Whether it is still to be done.
pub(crate) async fn is_there(connection: &mut SqliteConnection, key: &JobKey) -> Result<bool, Failure> {
    let (kind, name) = (i64::from(code::of_job(key.kind)), key.name.as_slice());
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM jobs WHERE kind = ?1 AND account = ?2 AND name = ?3) AS "is_there!: bool""#,
        kind,
        key.account.0,
        name,
    );
    Ok(found.fetch_one(connection).await?)
}

struct LeaseJob {
    kind: JobKind,
    now_ms: i64,
    until_ms: i64,
}

impl Change for LeaseJob {
    type Output = Option<LeasedJob>;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Option<LeasedJob>, Failure> {
        let kind = i64::from(code::of_job(self.kind));
        let found = sqlx::query_as!(
            JobColumns,
            r#"UPDATE jobs SET due_at_ms = ?2, tries = tries + 1
               WHERE rowid = (SELECT rowid FROM jobs WHERE kind = ?3 AND due_at_ms <= ?1 ORDER BY due_at_ms LIMIT 1)
               RETURNING account AS "account!: i64", name AS "name!: Vec<u8>", data AS "data!: Vec<u8>",
                         tries AS "tries!: i64", created_at_ms AS "created_at_ms!: i64""#,
            self.now_ms,
            self.until_ms,
            kind,
        )
        .fetch_optional(connection)
        .await?;
        Ok(found.map(|job| leased_job(self.kind, job)).transpose()?)
    }
}

struct FinishJob(JobKey);

impl Change for FinishJob {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        finish(connection, self.0).await
    }
}

/// It is done.
pub(crate) async fn finish(connection: &mut SqliteConnection, key: JobKey) -> Result<(), Failure> {
    let JobKey { kind, account, name } = &key;
    let (kind, name) = (i64::from(code::of_job(*kind)), name.as_slice());
    sqlx::query!("DELETE FROM jobs WHERE kind = ? AND account = ? AND name = ?", kind, account.0, name)
        .execute(connection)
        .await?;
    Ok(())
}

struct PutOffJob {
    key: JobKey,
    due_at_ms: i64,
    tries: u32,
    why: String,
}

impl Change for PutOffJob {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let Self { key: JobKey { kind, account, name }, due_at_ms, tries, why } = self;
        let (kind, name) = (i64::from(code::of_job(*kind)), name.as_slice());
        sqlx::query!(
            "UPDATE jobs SET due_at_ms = ?4, why = ?5, tries = ?6 WHERE kind = ?1 AND account = ?2 AND name = ?3",
            kind,
            account.0,
            name,
            due_at_ms,
            why,
            tries,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}
