//! Fights that were uploaded whole. What they change is decided where it is written, by the one that writes.

use raidcast_shared::id::hex;
use raidcast_store::row::{Names, upload_hash};
use raidcast_store::{
    ACTIVE_NOTED_MS, AccountId, EncounterKey, JobAdded, Left, NewJob, NewUpload, StoreFuture, UPLOAD_HASHES_MAX,
    UploadHash, UploadKept, UploadStep, Uploads, check_remote_id,
};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::encounter::{add_encounter, by_id, no_raid, of_report};
use crate::error::Failure;
use crate::job::Change;
use crate::jobs::{add_job, is_there};
use crate::report::{bytes, keep};

impl Uploads for SqliteStore {
    fn keep_upload<'a>(&'a self, upload: &'a NewUpload) -> StoreFuture<'a, UploadKept> {
        self.write_bulk(KeepUpload(upload.clone()))
    }

    fn know_upload(&self, key: EncounterKey, hash: Option<UploadHash>, remote_id: i64) -> StoreFuture<'_, Option<i64>> {
        self.write(KnowUpload { key, hash, remote_id })
    }

    fn leave_upload(
        &self,
        key: EncounterKey,
        hash: Option<UploadHash>,
        remote_id: i64,
        job: NewJob,
    ) -> StoreFuture<'_, Left> {
        self.write_bulk(LeaveUpload { known: KnowUpload { key, hash, remote_id }, job })
    }

    fn uploaded<'a>(&'a self, account: AccountId, hashes: &'a [UploadHash]) -> StoreFuture<'a, Vec<(UploadHash, i64)>> {
        Self::read(async move {
            let asked = Names::to_json(&hashes.iter().map(|hash| hex(hash)).collect::<Vec<_>>());
            let found = sqlx::query!(
                r#"SELECT u.hash, e.remote_id AS "remote_id!: i64"
                   FROM upload_hashes u JOIN encounters e ON e.row = u.encounter
                   WHERE u.account = ?1 AND u.hash IN (SELECT unhex(value) FROM json_each(?2))"#,
                account.0,
                asked,
            )
            .fetch_all(&self.readers)
            .await?;
            found.into_iter().map(|row| Ok((upload_hash(row.hash)?, row.remote_id))).collect()
        })
    }

    fn known_by(&self, encounter: i64) -> StoreFuture<'_, (Option<i64>, Vec<UploadHash>)> {
        Self::read(async move {
            let remote_id = sqlx::query_scalar!("SELECT remote_id FROM encounters WHERE row = ?1", encounter)
                .fetch_optional(&self.readers)
                .await?;
            let hashes =
                sqlx::query_scalar!("SELECT hash FROM upload_hashes WHERE encounter = ?1 ORDER BY hash", encounter)
                    .fetch_all(&self.readers)
                    .await?;
            let hashes = hashes.into_iter().map(upload_hash).collect::<Result<_, _>>()?;
            Ok((remote_id.flatten(), hashes))
        })
    }

    fn report_of_remote(&self, remote_id: i64) -> StoreFuture<'_, Option<String>> {
        Self::read(async move {
            Ok(sqlx::query_scalar!("SELECT report_id FROM encounters WHERE remote_id = ?1", remote_id)
                .fetch_optional(&self.readers)
                .await?)
        })
    }
}

/// Keeps an upload, if the encounter is as its caller saw it.
struct KeepUpload(NewUpload);

impl Change for KeepUpload {
    type Output = UploadKept;

    fn bytes(&self) -> usize {
        bytes(&self.0.report)
    }

    async fn run(&self, connection: &mut SqliteConnection) -> Result<UploadKept, Failure> {
        let NewUpload {
            key,
            report_id,
            raid_code,
            started_at_ms,
            created_at_ms,
            remote_id,
            hash,
            held: _,
            job,
            report,
        } = &self.0;
        let held = by_id(&mut *connection, key.account, key.encounter).await?;
        let step = self.0.step(held.as_ref())?;
        let held = held.map(|held| held.row);
        // Others' changes share the transaction: what is refused is found out before anything is changed.
        let is_taken = held.is_none() && of_report(connection, report_id).await?.is_some();
        if step == UploadStep::Refuse || is_taken {
            return Ok(UploadKept::Conflict);
        }
        if let (None, Some(job)) = (held, job)
            && !is_there(connection, job).await?
        {
            return Ok(UploadKept::Gone);
        }
        let Some(remote_id) = remote_id_for(connection, held, *remote_id).await? else {
            return Ok(UploadKept::Conflict);
        };
        let encounter = match held {
            Some(encounter) => encounter,
            None => add_encounter(connection, *key, report_id, raid_code, *started_at_ms, *created_at_ms)
                .await?
                .ok_or_else(|| no_raid(raid_code))?,
        };
        if step == UploadStep::Keep {
            keep(connection, encounter, report).await?;
            let noted_ms = report.kept_at_ms.saturating_sub(ACTIVE_NOTED_MS);
            sqlx::query!(
                "UPDATE raids SET active_at_ms = ?2
                 WHERE row = (SELECT raid FROM encounters WHERE row = ?1) AND active_at_ms < ?3",
                encounter,
                report.kept_at_ms,
                noted_ms,
            )
            .execute(&mut *connection)
            .await?;
        }
        note(connection, key.account, encounter, remote_id, hash.as_ref()).await?;
        let row = by_id(connection, key.account, key.encounter).await?.ok_or_else(|| no_raid(raid_code))?;
        Ok(UploadKept::Kept { row, remote_id })
    }
}

/// Writes down that an encounter that is held was uploaded again.
struct KnowUpload {
    key: EncounterKey,
    hash: Option<UploadHash>,
    remote_id: i64,
}

impl Change for KnowUpload {
    type Output = Option<i64>;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Option<i64>, Failure> {
        let Self { key, hash, remote_id } = self;
        check_remote_id(*remote_id)?;
        let Some(held) = by_id(&mut *connection, key.account, key.encounter).await? else { return Ok(None) };
        let Some(remote_id) = remote_id_for(connection, Some(held.row), *remote_id).await? else { return Ok(None) };
        note(connection, key.account, held.row, remote_id, hash.as_ref()).await?;
        Ok(Some(remote_id))
    }
}

/// The same, with the job that looks at it later.
struct LeaveUpload {
    known: KnowUpload,
    job: NewJob,
}

impl Change for LeaveUpload {
    type Output = Left;

    fn bytes(&self) -> usize {
        self.job.data.len()
    }

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Left, Failure> {
        // Others' changes share the transaction: what is refused is found out before anything is changed.
        let KnowUpload { key, remote_id, .. } = &self.known;
        check_remote_id(*remote_id)?;
        let Some(held) = by_id(&mut *connection, key.account, key.encounter).await? else { return Ok(Left::NotHeld) };
        if remote_id_for(connection, Some(held.row), *remote_id).await?.is_none() {
            return Ok(Left::NotHeld);
        }
        let added = add_job(connection, &self.job, key.encounter).await?;
        if added == JobAdded::Full {
            return Ok(Left::Full);
        }
        Ok(self
            .known
            .run(connection)
            .await?
            .map_or(Left::NotHeld, |remote_id| Left::Waits { remote_id, is_new: added == JobAdded::New }))
    }
}

/// The remote id of an encounter, or the one that is offered; `None` if it would need that and it is another's.
async fn remote_id_for(
    connection: &mut SqliteConnection,
    encounter: Option<i64>,
    offered: i64,
) -> Result<Option<i64>, Failure> {
    let held = sqlx::query_scalar!("SELECT remote_id FROM encounters WHERE row = ?1", encounter)
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(Some(held)) = held {
        return Ok(Some(held));
    }
    let others =
        sqlx::query!("SELECT row FROM encounters WHERE remote_id = ?1", offered).fetch_optional(connection).await?;
    Ok(others.is_none().then_some(offered))
}

/// Writes down what meters know an encounter by.
async fn note(
    connection: &mut SqliteConnection,
    account: AccountId,
    encounter: i64,
    remote_id: i64,
    hash: Option<&UploadHash>,
) -> Result<(), Failure> {
    sqlx::query!("UPDATE encounters SET remote_id = ?2 WHERE row = ?1 AND remote_id IS NULL", encounter, remote_id,)
        .execute(&mut *connection)
        .await?;
    if let Some(hash) = hash {
        let hash = hash.as_slice();
        sqlx::query!(
            "INSERT INTO upload_hashes (account, hash, encounter)
             SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM upload_hashes WHERE encounter = ?3) < ?4
             ON CONFLICT (account, hash) DO UPDATE SET encounter = excluded.encounter
             WHERE upload_hashes.encounter <> excluded.encounter",
            account.0,
            hash,
            encounter,
            UPLOAD_HASHES_MAX,
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}
