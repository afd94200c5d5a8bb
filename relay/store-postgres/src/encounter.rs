//! Fights. Their rows are selected here alone, for other entities too.

use raidcast_shared::id::EncounterId;
use raidcast_store::row::{EncounterColumns, each};
use raidcast_store::{
    AccountId, EncounterKey, EncounterRow, Encounters, FightsBegun, NewEncounter, OpenEncounter, StoreError,
    StoreFuture, Unreadable,
};
use sqlx::{Executor, PgConnection, Postgres};

use crate::PostgresStore;
use crate::error::Failure;
use crate::journal::{add_stream, streams};
use crate::search_rows::{changed, forget, list_moved, lock};
use crate::webhook::{tell_of_encounter, tell_of_raids};

/// Selects encounters; what follows is the rest of the statement and its arguments.
macro_rules! select_encounters {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            EncounterColumns,
            "SELECT e.row, e.account, e.encounter_id, e.report_id, r.code AS raid_code, r.visibility,
                      r.report_visibility, r.names,
                      r.delay_ms, r.shown_until_ms,
                    e.started_at_ms, e.created_at_ms, e.state, e.kept_at_ms, e.revision, e.kept_stream, e.verified,
                    r.tickets, a.tickets AS channel_tickets
             FROM encounters e JOIN raids r ON r.row = e.raid JOIN accounts a ON a.row = e.account " + $rest
            $(, $argument)*
        )
    };
}

impl Encounters for PostgresStore {
    fn begin_encounter<'a>(&'a self, new: &'a NewEncounter) -> StoreFuture<'a, EncounterRow> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            let NewEncounter { key, report_id, raid_code, started_at_ms, created_at_ms, stream } = new;
            let added =
                add_encounter(&mut transaction, *key, report_id, raid_code, None, (*started_at_ms, *created_at_ms))
                    .await?;
            let row = by_id(&mut *transaction, key.account, key.encounter).await?.ok_or_else(|| no_raid(raid_code))?;
            if added.is_some() {
                add_stream(&mut transaction, row.row, stream).await?;
            }
            transaction.commit().await?;
            Ok(row)
        })
    }

    fn move_encounter<'a>(&'a self, encounter: i64, raid_code: &'a str) -> StoreFuture<'a, ()> {
        Self::answer(async move {
            let none = || StoreError::Damaged(format!("no encounter {encounter} and raid {raid_code} of one account"));
            let mut transaction = self.begin().await?;
            // Also where nothing is derived of it yet: that may be under way.
            lock(&mut transaction).await?;
            let raid = sqlx::query!(
                r#"SELECT row, account, COALESCE(report_visibility, visibility) AS "reports!" FROM raids WHERE code = $1 FOR SHARE"#,
                raid_code
            )
                .fetch_optional(&mut *transaction)
                .await?
                .ok_or_else(none)?;
            let from = sqlx::query_scalar!(
                "SELECT raid FROM encounters WHERE row = $1 AND account = $2 FOR NO KEY UPDATE",
                encounter,
                raid.account,
            )
            .fetch_optional(&mut *transaction)
            .await?
            .ok_or_else(none)?;
            sqlx::query!(
                "UPDATE encounters SET raid = $2, visibility = $3::bigint WHERE row = $1",
                encounter,
                raid.row,
                raid.reports,
            )
            .execute(&mut *transaction)
            .await?;
            // Both raids have something else to tell.
            tell_of_raids(&mut transaction, [from, raid.row]).await?;
            list_moved(&mut transaction, encounter).await?;
            Ok(transaction.commit().await?)
        })
    }

    fn encounter(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, Option<EncounterRow>> {
        Self::answer(by_id(&self.pool, account, id))
    }

    fn encounters_held<'a>(&'a self, account: AccountId, ids: &'a [EncounterId]) -> StoreFuture<'a, Vec<EncounterId>> {
        Self::answer(async move {
            let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
            let held = sqlx::query_scalar!(
                "SELECT encounter_id FROM encounters WHERE account = $1 AND encounter_id = ANY ($2)",
                account.0,
                &ids,
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(held.into_iter().map(EncounterId).collect())
        })
    }

    fn live_encounters(&self) -> StoreFuture<'_, Vec<Result<EncounterRow, Unreadable>>> {
        // Unbounded: all fights of a large relay take what they take, and nobody else waits for it.
        Box::pin(async move {
            let columns = select_encounters!("WHERE e.state = 0 ORDER BY e.row").fetch_all(&self.pool).await;
            Ok(each(columns.map_err(Failure::from)?))
        })
    }

    fn unsettled_encounters(&self) -> StoreFuture<'_, Vec<(EncounterKey, String)>> {
        Box::pin(async move {
            // From the journal, which is short, to the encounters, which are many.
            let rows = sqlx::query!(
                r#"WITH ended AS MATERIALIZED (
                       SELECT DISTINCT s.encounter FROM encounter_stream s
                       WHERE (SELECT j.kind FROM encounter_journal j
                              WHERE j.stream = s.row ORDER BY j.seq DESC LIMIT 1) = 1)
                   SELECT e.account, e.encounter_id, r.code
                   FROM ended JOIN encounters e ON e.row = ended.encounter JOIN raids r ON r.row = e.raid
                   WHERE e.state <> 0 ORDER BY e.row DESC"#
            )
            .fetch_all(&self.pool)
            .await
            .map_err(Failure::from)?;
            let key = |account, encounter: uuid::Uuid| EncounterKey {
                account: AccountId(account),
                encounter: EncounterId(encounter),
            };
            Ok(rows.into_iter().map(|row| (key(row.account, row.encounter_id), row.code)).collect())
        })
    }

    fn open_encounter(&self, encounter: i64) -> StoreFuture<'_, Option<OpenEncounter>> {
        Self::answer(async move {
            let mut transaction = self.snapshot().await?;
            let columns = select_encounters!("WHERE e.row = $1", encounter).fetch_optional(&mut *transaction).await?;
            let Some(columns) = columns else { return Ok(None) };
            let streams = streams(&mut transaction, encounter).await?;
            transaction.commit().await?;
            Ok(Some(OpenEncounter { encounter: columns.try_into()?, streams }))
        })
    }

    fn encounters_since(&self, account: AccountId, since_ms: i64, to_ms: i64) -> StoreFuture<'_, FightsBegun> {
        Self::answer(async move {
            let found = sqlx::query!(
                r#"SELECT count(*) AS "count!", min(created_at_ms) AS oldest_ms FROM encounters
                   WHERE account = $1 AND created_at_ms >= $2 AND created_at_ms <= $3"#,
                account.0,
                since_ms,
                to_ms
            )
            .fetch_one(&self.pool)
            .await?;
            Ok(FightsBegun { count: found.count.cast_unsigned(), oldest_ms: found.oldest_ms })
        })
    }

    fn discard(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, bool> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            lock(&mut transaction).await?;
            let row = sqlx::query_scalar!(
                "SELECT row FROM encounters WHERE account = $1 AND encounter_id = $2 FOR UPDATE",
                account.0,
                id.0
            )
            .fetch_optional(&mut *transaction)
            .await?;
            let Some(row) = row else { return Ok(false) };
            forget(&mut transaction, row).await?;
            tell_of_encounter(&mut transaction, row).await?;
            sqlx::query!("DELETE FROM encounters WHERE row = $1", row).execute(&mut *transaction).await?;
            changed(&mut transaction).await?;
            transaction.commit().await?;
            Ok(true)
        })
    }
}

pub(crate) async fn by_id(
    executor: impl Executor<'_, Database = Postgres>,
    account: AccountId,
    id: EncounterId,
) -> Result<Option<EncounterRow>, Failure> {
    let columns = select_encounters!("WHERE e.account = $1 AND e.encounter_id = $2", account.0, id.0)
        .fetch_optional(executor)
        .await?;
    Ok(columns.map(EncounterRow::try_from).transpose()?)
}

/// Adds a new encounter, as live, and gives its row; `None`, and nothing is changed, if there is one already, or no such
/// raid of its account.
pub(crate) async fn add_encounter(
    connection: &mut PgConnection,
    key: EncounterKey,
    report_id: &str,
    raid_code: &str,
    remote_id: Option<i64>,
    (started_at_ms, created_at_ms): (i64, i64),
) -> Result<Option<i64>, Failure> {
    // The raid is locked, so that its visibility does not change between reading and writing it.
    Ok(sqlx::query_scalar!(
        "INSERT INTO encounters
             (account, encounter_id, report_id, raid, visibility, started_at_ms, created_at_ms, remote_id)
         SELECT $1, $2, $3, r.row, COALESCE(r.report_visibility, r.visibility), $5, $6, $7::BIGINT FROM raids r
         WHERE r.code = $4 AND r.account = $1 FOR SHARE OF r
         ON CONFLICT (account, encounter_id) DO NOTHING RETURNING row",
        key.account.0,
        key.encounter.0,
        report_id,
        raid_code,
        started_at_ms,
        created_at_ms,
        remote_id,
    )
    .fetch_optional(connection)
    .await?)
}

/// Why an encounter was not added.
pub(crate) fn no_raid(raid_code: &str) -> StoreError {
    StoreError::Damaged(format!("no raid {raid_code} of the account"))
}

/// The encounter behind a report.
pub(crate) async fn of_report(connection: &mut PgConnection, report_id: &str) -> Result<Option<EncounterRow>, Failure> {
    let columns = select_encounters!("WHERE e.report_id = $1", report_id).fetch_optional(connection).await?;
    Ok(columns.map(EncounterRow::try_from).transpose()?)
}
