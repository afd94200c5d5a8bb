//! Fights that were uploaded whole, on as many connections as are left to them.
//!
//! The encounter is locked before anything is decided. Its raid, where it is new, was locked before it; what hangs on it
//! comes after it in the order in which [`keep_report`](raidcast_store::Reports::keep_report) writes it, and the hash
//! last: it may be another encounter's, of which nothing is locked.

use raidcast_store::row::upload_hash;
use raidcast_store::{
    ACTIVE_NOTED_MS, AccountId, EncounterKey, EncounterRow, JobAdded, Left, NewJob, NewUpload, StoreFuture,
    UPLOAD_HASHES_MAX, UploadHash, UploadKept, UploadStep, Uploads, check_remote_id,
};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::encounter::{add_encounter, by_id, no_raid};
use crate::error::Failure;
use crate::jobs::{add_job, hold};
use crate::report::keep;

/// The indexes by which an id that was drawn is one encounter's.
const DRAWN_IDS: [&str; 2] = ["encounters_report_id_key", "encounters_remote"];

impl Uploads for PostgresStore {
    fn keep_upload<'a>(&'a self, upload: &'a NewUpload) -> StoreFuture<'a, UploadKept> {
        Self::answer(async move {
            let _turn = self.uploads.acquire().await;
            let mut transaction = self.begin().await?;
            // What is refused is not committed.
            let kept = unless_taken(keep_upload(&mut transaction, upload).await)?.unwrap_or(UploadKept::Conflict);
            if matches!(kept, UploadKept::Kept { .. }) {
                transaction.commit().await?;
            }
            Ok(kept)
        })
    }

    fn know_upload(&self, key: EncounterKey, hash: Option<UploadHash>, remote_id: i64) -> StoreFuture<'_, Option<i64>> {
        Self::answer(async move {
            Ok(match self.know(key, hash, remote_id, None).await? {
                Left::Waits { remote_id, .. } => Some(remote_id),
                Left::NotHeld | Left::Full => None,
            })
        })
    }

    fn leave_upload(
        &self,
        key: EncounterKey,
        hash: Option<UploadHash>,
        remote_id: i64,
        job: NewJob,
    ) -> StoreFuture<'_, Left> {
        Self::answer(self.know(key, hash, remote_id, Some(job)))
    }

    fn uploaded<'a>(&'a self, account: AccountId, hashes: &'a [UploadHash]) -> StoreFuture<'a, Vec<(UploadHash, i64)>> {
        Self::answer(async move {
            let asked: Vec<&[u8]> = hashes.iter().map(UploadHash::as_slice).collect();
            let found = sqlx::query!(
                r#"SELECT u.hash, e.remote_id AS "remote_id!"
                   FROM upload_hashes u JOIN encounters e ON e.row = u.encounter
                   WHERE u.account = $1 AND u.hash = ANY($2::BYTEA[])"#,
                account.0,
                &asked as &[&[u8]],
            )
            .fetch_all(&self.pool)
            .await?;
            found.into_iter().map(|row| Ok((upload_hash(row.hash)?, row.remote_id))).collect()
        })
    }

    fn known_by(&self, encounter: i64) -> StoreFuture<'_, (Option<i64>, Vec<UploadHash>)> {
        Self::answer(async move {
            let remote_id = sqlx::query_scalar!("SELECT remote_id FROM encounters WHERE row = $1", encounter)
                .fetch_optional(&self.pool)
                .await?;
            let hashes =
                sqlx::query_scalar!("SELECT hash FROM upload_hashes WHERE encounter = $1 ORDER BY hash", encounter)
                    .fetch_all(&self.pool)
                    .await?;
            let hashes = hashes.into_iter().map(upload_hash).collect::<Result<_, _>>()?;
            Ok((remote_id.flatten(), hashes))
        })
    }

    fn report_of_remote(&self, remote_id: i64) -> StoreFuture<'_, Option<String>> {
        Self::answer(async move {
            Ok(sqlx::query_scalar!("SELECT report_id FROM encounters WHERE remote_id = $1", remote_id)
                .fetch_optional(&self.pool)
                .await?)
        })
    }
}

impl PostgresStore {
    /// `job`: what is left to be done with the upload.
    async fn know(
        &self,
        key: EncounterKey,
        hash: Option<UploadHash>,
        remote_id: i64,
        job: Option<NewJob>,
    ) -> Result<Left, Failure> {
        check_remote_id(remote_id)?;
        let _turn = self.uploads.acquire().await;
        // What is refused is not committed.
        let mut transaction = self.begin().await?;
        let Some(row) = lock(&mut transaction, key).await? else { return Ok(Left::NotHeld) };
        let given = give_remote_id(&mut transaction, row.row, remote_id).await;
        let Some(remote_id) = unless_taken(given)? else { return Ok(Left::NotHeld) };
        let added = match &job {
            Some(job) => add_job(&mut transaction, job, key.encounter).await?,
            None => JobAdded::Held,
        };
        if added == JobAdded::Full {
            return Ok(Left::Full);
        }
        add_hash(&mut transaction, key.account, hash.as_ref(), row.row).await?;
        transaction.commit().await?;
        Ok(Left::Waits { remote_id, is_new: added == JobAdded::New })
    }
}

/// Keeps an upload, if the encounter is as its caller saw it.
async fn keep_upload(connection: &mut PgConnection, upload: &NewUpload) -> Result<UploadKept, Failure> {
    let NewUpload { key, report_id, raid_code, started_at_ms, created_at_ms, remote_id, hash, held, job, report } =
        upload;
    // First: who adds an encounter shares its raid with others, and could not change it then.
    sqlx::query!(
        "UPDATE raids SET active_at_ms = $3 WHERE code = $1 AND account = $2 AND active_at_ms < $4",
        raid_code,
        key.account.0,
        report.kept_at_ms,
        report.kept_at_ms.saturating_sub(ACTIVE_NOTED_MS),
    )
    .execute(&mut *connection)
    .await?;
    let added = if held.is_none() {
        check_remote_id(*remote_id)?;
        let times = (*started_at_ms, *created_at_ms);
        add_encounter(connection, *key, report_id, raid_code, Some(*remote_id), times).await?
    } else {
        None
    };
    // Asked last: whoever erases an encounter has erased its jobs when another can be added.
    if let (Some(_), Some(job)) = (added, job)
        && !hold(connection, *job).await?
    {
        return Ok(UploadKept::Gone);
    }
    let found = match added {
        // As its caller saw it: it was not there.
        Some(_) => None,
        None => lock(connection, *key).await?,
    };
    let step = upload.step(found.as_ref())?;
    let Some(encounter) = added.or(found.map(|found| found.row)) else {
        // Neither added nor found: there is no such raid, or it was thrown away meanwhile.
        return match held {
            None if !has_raid(connection, key.account, raid_code).await? => Err(no_raid(raid_code).into()),
            _ => Ok(UploadKept::Conflict),
        };
    };
    if step == UploadStep::Refuse {
        return Ok(UploadKept::Conflict);
    }
    let remote_id = match added {
        Some(_) => *remote_id,
        None => give_remote_id(connection, encounter, *remote_id).await?,
    };
    if step == UploadStep::Keep {
        keep(connection, encounter, report).await?;
    }
    add_hash(connection, key.account, hash.as_ref(), encounter).await?;
    let row = by_id(connection, key.account, key.encounter).await?;
    Ok(row.map_or(UploadKept::Conflict, |row| UploadKept::Kept { row, remote_id }))
}

/// The encounter, which nobody else changes from now on.
async fn lock(connection: &mut PgConnection, key: EncounterKey) -> Result<Option<EncounterRow>, Failure> {
    // By itself: what it is joined with would be as it was before the wait.
    let locked = sqlx::query!(
        "SELECT row FROM encounters WHERE account = $1 AND encounter_id = $2 FOR NO KEY UPDATE",
        key.account.0,
        key.encounter.0,
    )
    .fetch_optional(&mut *connection)
    .await?;
    match locked {
        Some(_) => by_id(connection, key.account, key.encounter).await,
        None => Ok(None),
    }
}

/// Whether the account has the raid.
async fn has_raid(connection: &mut PgConnection, account: AccountId, raid_code: &str) -> Result<bool, Failure> {
    let raid = sqlx::query!("SELECT row FROM raids WHERE code = $1 AND account = $2", raid_code, account.0)
        .fetch_optional(connection)
        .await?;
    Ok(raid.is_some())
}

/// Gives an encounter that is locked a remote id, if it has none, and tells which it has.
async fn give_remote_id(connection: &mut PgConnection, encounter: i64, offered: i64) -> Result<i64, Failure> {
    let held = sqlx::query_scalar!("SELECT remote_id FROM encounters WHERE row = $1", encounter)
        .fetch_one(&mut *connection)
        .await?;
    if let Some(held) = held {
        return Ok(held);
    }
    sqlx::query!("UPDATE encounters SET remote_id = $2 WHERE row = $1", encounter, offered).execute(connection).await?;
    Ok(offered)
}

/// What was done, or `None` if an id that was drawn is another encounter's: the transaction cannot go on then.
fn unless_taken<T>(done: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match done {
        Err(Failure::Sql(sqlx::Error::Database(error)))
            if error.constraint().is_some_and(|index| DRAWN_IDS.contains(&index)) =>
        {
            Ok(None)
        }
        done => done.map(Some),
    }
}

/// Writes down under which hash an encounter was uploaded.
async fn add_hash(
    connection: &mut PgConnection,
    account: AccountId,
    hash: Option<&UploadHash>,
    encounter: i64,
) -> Result<(), Failure> {
    let Some(hash) = hash else { return Ok(()) };
    sqlx::query!(
        "INSERT INTO upload_hashes (account, hash, encounter)
         SELECT $1, $2, $3 WHERE (SELECT count(*) FROM upload_hashes WHERE encounter = $3) < $4
         ON CONFLICT (account, hash) DO UPDATE SET encounter = excluded.encounter
         WHERE upload_hashes.encounter <> excluded.encounter",
        account.0,
        hash.as_slice(),
        encounter,
        UPLOAD_HASHES_MAX,
    )
    .execute(connection)
    .await?;
    Ok(())
}
