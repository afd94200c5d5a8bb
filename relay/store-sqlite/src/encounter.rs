//! Fights. Their rows are selected here alone, for other entities too.

use raidcast_shared::id::EncounterId;
use raidcast_store::row::{EncounterColumns, Id, each};
use raidcast_store::{
    AccountId, EncounterKey, EncounterRow, Encounters, FightsBegun, NewEncounter, OpenEncounter, StoreError,
    StoreFuture, Unreadable,
};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Executor, Sqlite};

use crate::SqliteStore;
use crate::error::Failure;
use crate::job::Change;
use crate::journal::{add_stream, streams};
use crate::search_rows::{changed, forget, list_moved};
use crate::webhook::tell_of_encounter;

/// Selects encounters; what follows is the rest of the statement and its arguments.
macro_rules! select_encounters {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            EncounterColumns,
            r#"SELECT e.row AS "row!", e.account, e.encounter_id, e.report_id, r.code AS raid_code, r.visibility,
                      r.report_visibility, r.names,
                      r.delay_ms, r.shown_until_ms,
                      e.started_at_ms, e.created_at_ms, e.state, e.kept_at_ms, e.revision, e.kept_stream,
                      e.verified AS "verified: bool", r.tickets, a.tickets AS channel_tickets
               FROM encounters e JOIN raids r ON r.row = e.raid JOIN accounts a ON a.row = e.account "# + $rest
            $(, $argument)*
        )
    };
}

impl Encounters for SqliteStore {
    fn begin_encounter<'a>(&'a self, new: &'a NewEncounter) -> StoreFuture<'a, EncounterRow> {
        self.write(BeginEncounter(new.clone()))
    }

    fn move_encounter<'a>(&'a self, encounter: i64, raid_code: &'a str) -> StoreFuture<'a, ()> {
        self.write(MoveEncounter { encounter, raid_code: raid_code.into() })
    }

    fn encounter(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, Option<EncounterRow>> {
        Self::read(by_id(&self.readers, account, id))
    }

    fn encounters_held<'a>(&'a self, account: AccountId, ids: &'a [EncounterId]) -> StoreFuture<'a, Vec<EncounterId>> {
        Self::read(async move {
            let mut connection = self.readers.acquire().await?;
            let mut held = Vec::new();
            for id in ids {
                let bytes = &id.0.as_bytes()[..];
                let found = sqlx::query_scalar!(
                    "SELECT row FROM encounters WHERE account = ?1 AND encounter_id = ?2",
                    account.0,
                    bytes,
                )
                .fetch_optional(&mut *connection)
                .await?;
                held.extend(found.map(|_| *id));
            }
            Ok(held)
        })
    }

    fn live_encounters(&self) -> StoreFuture<'_, Vec<Result<EncounterRow, Unreadable>>> {
        Self::read(async move {
            Ok(each(select_encounters!("WHERE e.state = 0 ORDER BY e.row").fetch_all(&self.readers).await?))
        })
    }

    fn unsettled_encounters(&self) -> StoreFuture<'_, Vec<(EncounterKey, String)>> {
        Self::read(async move {
            // From the journal, which is short, to the encounters, which are many.
            let rows = sqlx::query!(
                r#"SELECT DISTINCT e.row AS "row!: i64", e.account AS "account!: i64", e.encounter_id,
                          r.code AS "code!: String"
                   FROM encounter_stream s CROSS JOIN encounters e ON e.row = s.encounter JOIN raids r ON r.row = e.raid
                   WHERE e.state <> 0 AND (SELECT j.kind FROM encounter_journal j
                                           WHERE j.stream = s.row ORDER BY j.seq DESC LIMIT 1) = 1
                   ORDER BY e.row DESC"#
            )
            .fetch_all(&self.readers)
            .await?;
            let left = rows.into_iter().map(|row| {
                let encounter = EncounterId(Id::from(row.encounter_id).read()?);
                Ok((EncounterKey { account: AccountId(row.account), encounter }, row.code))
            });
            left.collect()
        })
    }

    fn open_encounter(&self, encounter: i64) -> StoreFuture<'_, Option<OpenEncounter>> {
        Self::read(async move {
            let mut transaction = self.readers.begin().await?;
            let columns = select_encounters!("WHERE e.row = ?1", encounter).fetch_optional(&mut *transaction).await?;
            let Some(columns) = columns else { return Ok(None) };
            let streams = streams(&mut transaction, encounter).await?;
            transaction.commit().await?;
            Ok(Some(OpenEncounter { encounter: columns.try_into()?, streams }))
        })
    }

    fn encounters_since(&self, account: AccountId, since_ms: i64, to_ms: i64) -> StoreFuture<'_, FightsBegun> {
        Self::read(async move {
            let found = sqlx::query!(
                r#"SELECT count(*) AS "count!: i64", min(created_at_ms) AS "oldest_ms: i64" FROM encounters
                   WHERE account = ?1 AND created_at_ms >= ?2 AND created_at_ms <= ?3"#,
                account.0,
                since_ms,
                to_ms
            )
            .fetch_one(&self.readers)
            .await?;
            Ok(FightsBegun { count: found.count.cast_unsigned(), oldest_ms: found.oldest_ms })
        })
    }

    fn discard(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, bool> {
        self.write(Discard { account, id })
    }
}

pub(crate) async fn by_id<'e>(
    executor: impl Executor<'e, Database = Sqlite>,
    account: AccountId,
    id: EncounterId,
) -> Result<Option<EncounterRow>, Failure> {
    let id = id.0.as_bytes().as_slice();
    let columns = select_encounters!("WHERE e.account = ?1 AND e.encounter_id = ?2", account.0, id)
        .fetch_optional(executor)
        .await?;
    Ok(columns.map(EncounterRow::try_from).transpose()?)
}

/// The encounter behind a report.
pub(crate) async fn of_report(
    connection: &mut SqliteConnection,
    report_id: &str,
) -> Result<Option<EncounterRow>, Failure> {
    let columns = select_encounters!("WHERE e.report_id = ?1", report_id).fetch_optional(connection).await?;
    Ok(columns.map(EncounterRow::try_from).transpose()?)
}

/// The encounter of a row.
pub(crate) async fn of_row(connection: &mut SqliteConnection, row: i64) -> Result<Option<EncounterRow>, Failure> {
    let columns = select_encounters!("WHERE e.row = ?1", row).fetch_optional(connection).await?;
    Ok(columns.map(EncounterRow::try_from).transpose()?)
}

/// Adds a new encounter, as live, and gives its row; `None`, and nothing is changed, if there is one already, or no such
/// raid of its account.
pub(crate) async fn add_encounter(
    connection: &mut SqliteConnection,
    key: EncounterKey,
    report_id: &str,
    raid_code: &str,
    started_at_ms: i64,
    created_at_ms: i64,
) -> Result<Option<i64>, Failure> {
    let encounter = key.encounter.0.as_bytes().as_slice();
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO encounters (account, encounter_id, report_id, raid, visibility, started_at_ms, created_at_ms)
         SELECT ?1, ?2, ?3, r.row, COALESCE(r.report_visibility, r.visibility), ?5, ?6 FROM raids r WHERE r.code = ?4 AND r.account = ?1
         ON CONFLICT (account, encounter_id) DO NOTHING RETURNING row AS "row!""#,
        key.account.0,
        encounter,
        report_id,
        raid_code,
        started_at_ms,
        created_at_ms,
    )
    .fetch_optional(connection)
    .await?)
}

/// Why an encounter was not added.
pub(crate) fn no_raid(raid_code: &str) -> StoreError {
    StoreError::Damaged(format!("no raid {raid_code} of the account"))
}

/// Keeps a new encounter with its first stream.
struct BeginEncounter(NewEncounter);

impl Change for BeginEncounter {
    type Output = EncounterRow;

    fn bytes(&self) -> usize {
        self.0.stream.header.len()
    }

    async fn run(&self, connection: &mut SqliteConnection) -> Result<EncounterRow, Failure> {
        let NewEncounter { key, report_id, raid_code, started_at_ms, created_at_ms, stream } = &self.0;
        let added = add_encounter(connection, *key, report_id, raid_code, *started_at_ms, *created_at_ms).await?;
        let row = by_id(&mut *connection, key.account, key.encounter).await?.ok_or_else(|| no_raid(raid_code))?;
        if added.is_some() {
            add_stream(connection, row.row, stream).await?;
        }
        Ok(row)
    }
}

/// Moves an encounter to another raid of its account.
struct MoveEncounter {
    encounter: i64,
    raid_code: String,
}

impl Change for MoveEncounter {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let Self { encounter, raid_code } = self;
        // Both raids have something else to tell.
        tell_of_encounter(&mut *connection, *encounter).await?;
        let moved = sqlx::query!(
            "UPDATE encounters SET raid = r.row, visibility = COALESCE(r.report_visibility, r.visibility) FROM raids r
             WHERE encounters.row = ?1 AND r.code = ?2 AND r.account = encounters.account",
            encounter,
            raid_code,
        )
        .execute(&mut *connection)
        .await?;
        match moved.rows_affected() {
            0 => {
                Err(StoreError::Damaged(format!("no encounter {encounter} and raid {raid_code} of one account")).into())
            }
            _ => {
                tell_of_encounter(&mut *connection, *encounter).await?;
                list_moved(connection, *encounter).await
            }
        }
    }
}

/// Removes an encounter with all that hangs on it.
struct Discard {
    account: AccountId,
    id: EncounterId,
}

impl Change for Discard {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let id = self.id.0.as_bytes().as_slice();
        let row = sqlx::query_scalar!(
            r#"SELECT row AS "row!" FROM encounters WHERE account = ?1 AND encounter_id = ?2"#,
            self.account.0,
            id,
        )
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else { return Ok(false) };
        forget(&mut *connection, row).await?;
        tell_of_encounter(&mut *connection, row).await?;
        sqlx::query!("DELETE FROM encounters WHERE row = ?1", row).execute(&mut *connection).await?;
        changed(connection).await?;
        Ok(true)
    }
}
