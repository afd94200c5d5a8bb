//! The questions. Each sees one state of the database: those of several statements run in a transaction.

use bytes::Bytes;
use raidcast_shared::id::{EncounterId, RaidId, StreamId};
use raidcast_store::{
    Account, AccountId, EncounterRow, JournalEntry, OpenEncounter, Page, RaidRow, ReportLine, StoreError, StoredStream,
    StreamKey, Unreadable, code, readable,
};
use sqlx::{Executor, Sqlite, SqliteConnection, SqlitePool};

use crate::error::store_error;
use crate::row::{EncounterColumns, LineColumns, RaidColumns, uuid};

/// Why a question was not answered.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database holds something else than it should.
    Store(StoreError),
    /// SQLite failed.
    Sql(sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error,
            Failure::Sql(error) => store_error(&error),
        }
    }
}

impl From<Failure> for crate::queue::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => Self::Refused(error),
            Failure::Sql(error) => Self::Sql(error),
        }
    }
}

type Answer<T> = Result<T, Failure>;

/// Selects encounters; what follows is the rest of the statement and its arguments.
macro_rules! select_encounters {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            EncounterColumns,
            r#"SELECT e.row AS "row!", e.account, e.encounter_id, e.report_id, r.code AS raid_code, r.visibility,
                      e.started_at_ms, e.state, e.revision, e.kept_stream, r.tickets, a.tickets AS channel_tickets
               FROM encounters e JOIN raids r ON r.row = e.raid JOIN accounts a ON a.row = e.account "# + $rest
            $(, $argument)*
        )
    };
}

/// Selects raids.
macro_rules! select_raids {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            RaidColumns,
            "SELECT r.id, r.account, r.code, r.secret_digest, r.title, r.visibility, r.created_at_ms, r.active_at_ms,
                    r.closed, r.history, r.tickets, a.tickets AS channel_tickets
             FROM raids r JOIN accounts a ON a.row = r.account " + $rest
            $(, $argument)*
        )
    };
}

/// Selects what lists show of encounters.
macro_rules! select_lines {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            LineColumns,
            "SELECT e.report_id, e.encounter_id, r.code AS raid_code, e.state, e.revision, e.started_at_ms,
                    e.ended_at_ms, e.duration_ms, e.damage_ms, e.outcome, e.scene, e.scene_id, e.difficulty, e.bosses, e.players,
                    e.damage, e.boss_damage, e.healing, e.damage_taken, e.hits, e.heal_hits, e.deaths
             FROM encounters e JOIN raids r ON r.row = e.raid " + $rest
            $(, $argument)*
        )
    };
}

pub(crate) async fn account_by_name(readers: &SqlitePool, name: &str) -> Answer<Option<Account>> {
    let row = sqlx::query!(r#"SELECT row AS "row!", name, channel FROM accounts WHERE name = ?1"#, name)
        .fetch_optional(readers)
        .await?;
    Ok(row.map(|row| Account { id: AccountId(row.row), name: row.name, channel: row.channel }))
}

pub(crate) async fn account_by_channel(readers: &SqlitePool, channel: &str) -> Answer<Option<Account>> {
    let row = sqlx::query!(r#"SELECT row AS "row!", name, channel FROM accounts WHERE channel = ?1"#, channel)
        .fetch_optional(readers)
        .await?;
    Ok(row.map(|row| Account { id: AccountId(row.row), name: row.name, channel: row.channel }))
}

pub(crate) async fn channel(readers: &SqlitePool, account: AccountId) -> Answer<Option<String>> {
    let channel =
        sqlx::query_scalar!("SELECT channel FROM accounts WHERE row = ?1", account.0).fetch_optional(readers).await?;
    Ok(channel)
}

pub(crate) async fn raid_by_id(readers: &SqlitePool, id: RaidId) -> Answer<Option<RaidRow>> {
    let id = id.0.as_bytes().as_slice();
    let columns = select_raids!("WHERE r.id = ?1", id).fetch_optional(readers).await?;
    Ok(columns.map(RaidRow::try_from).transpose()?)
}

pub(crate) async fn raid_by_code(readers: &SqlitePool, code: &str) -> Answer<Option<RaidRow>> {
    let columns = select_raids!("WHERE r.code = ?1", code).fetch_optional(readers).await?;
    Ok(columns.map(RaidRow::try_from).transpose()?)
}

pub(crate) async fn newest_raid(readers: &SqlitePool, account: AccountId) -> Answer<Option<RaidRow>> {
    let columns =
        select_raids!("WHERE r.account = ?1 ORDER BY r.history, r.active_at_ms DESC, r.row DESC LIMIT 1", account.0)
            .fetch_optional(readers)
            .await?;
    Ok(columns.map(RaidRow::try_from).transpose()?)
}

pub(crate) async fn encounter<'e>(
    executor: impl Executor<'e, Database = Sqlite>,
    account: AccountId,
    id: EncounterId,
) -> Answer<Option<EncounterRow>> {
    let id = id.0.as_bytes().as_slice();
    let columns = select_encounters!("WHERE e.account = ?1 AND e.encounter_id = ?2", account.0, id)
        .fetch_optional(executor)
        .await?;
    Ok(columns.map(EncounterRow::try_from).transpose()?)
}

pub(crate) async fn live_encounters(readers: &SqlitePool) -> Answer<Vec<Result<EncounterRow, Unreadable>>> {
    let columns = select_encounters!("WHERE e.state = 0 ORDER BY e.row").fetch_all(readers).await?;
    Ok(columns.into_iter().map(|columns| Unreadable::or(&columns.report_id.clone(), columns.try_into())).collect())
}

pub(crate) async fn open_encounter(readers: &SqlitePool, encounter: i64) -> Answer<Option<OpenEncounter>> {
    let mut transaction = readers.begin().await?;
    let columns = select_encounters!("WHERE e.row = ?1", encounter).fetch_optional(&mut *transaction).await?;
    let Some(columns) = columns else { return Ok(None) };
    let rows = sqlx::query!(
        r#"SELECT row AS "row!", stream, header FROM encounter_stream WHERE encounter = ?1 ORDER BY row"#,
        encounter
    )
    .fetch_all(&mut *transaction)
    .await?;
    let mut streams = Vec::with_capacity(rows.len());
    for row in rows {
        let stream = StreamId(uuid(&row.stream)?);
        let entries = stream_entries(&mut transaction, row.row, StreamKey { encounter, stream }).await?;
        streams.push((StoredStream { stream, header: row.header.into() }, entries));
    }
    transaction.commit().await?;
    Ok(Some(OpenEncounter { encounter: columns.try_into()?, streams }))
}

async fn stream_entries(
    connection: &mut SqliteConnection,
    stream_row: i64,
    key: StreamKey,
) -> Answer<Vec<JournalEntry>> {
    let rows = sqlx::query!(
        "SELECT seq, kind, received_at_ms, data FROM encounter_journal WHERE stream = ?1 ORDER BY seq",
        stream_row
    )
    .fetch_all(connection)
    .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        entries.push(JournalEntry {
            stream: key,
            seq: row.seq.cast_unsigned(),
            kind: code::kind(row.kind)?,
            received_at_ms: row.received_at_ms,
            data: row.data.into(),
        });
    }
    Ok(entries)
}

pub(crate) async fn report(readers: &SqlitePool, report_id: &str) -> Answer<Option<(EncounterRow, Option<Bytes>)>> {
    let mut transaction = readers.begin().await?;
    let columns = select_encounters!("WHERE e.report_id = ?1", report_id).fetch_optional(&mut *transaction).await?;
    let Some(columns) = columns else { return Ok(None) };
    let record = sqlx::query_scalar!("SELECT record FROM encounter_record WHERE encounter = ?1", columns.row)
        .fetch_optional(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Some((columns.try_into()?, record.map(Bytes::from))))
}

pub(crate) async fn report_log(readers: &SqlitePool, report_id: &str) -> Answer<Option<Bytes>> {
    let log = sqlx::query_scalar!(
        "SELECT l.log FROM encounters e JOIN encounter_log l ON l.encounter = e.row WHERE e.report_id = ?1",
        report_id
    )
    .fetch_optional(readers)
    .await?;
    Ok(log.map(Bytes::from))
}

pub(crate) async fn public_reports(readers: &SqlitePool, page: Page) -> Answer<(Vec<ReportLine>, u64)> {
    let offset = i64::from(page.page.saturating_sub(1)) * i64::from(page.limit);
    let mut transaction = readers.begin().await?;
    let columns = select_lines!(
        "WHERE e.visibility = 0 ORDER BY e.started_at_ms DESC, e.row DESC LIMIT ?1 OFFSET ?2",
        page.limit,
        offset
    )
    .fetch_all(&mut *transaction)
    .await?;
    let count = sqlx::query_scalar!("SELECT count(*) FROM encounters WHERE visibility = 0")
        .fetch_one(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok((lines(columns), count.cast_unsigned()))
}

pub(crate) async fn raid_reports(readers: &SqlitePool, raid_code: &str) -> Answer<Vec<ReportLine>> {
    let columns = select_lines!("WHERE r.code = ?1 ORDER BY e.started_at_ms DESC, e.row DESC", raid_code)
        .fetch_all(readers)
        .await?;
    Ok(lines(columns))
}

pub(crate) async fn report_of(readers: &SqlitePool, account: AccountId, id: EncounterId) -> Answer<Option<String>> {
    let id = id.0.as_bytes().as_slice();
    let report_id =
        sqlx::query_scalar!("SELECT report_id FROM encounters WHERE account = ?1 AND encounter_id = ?2", account.0, id)
            .fetch_optional(readers)
            .await?;
    Ok(report_id)
}

pub(crate) async fn encounters_since(
    readers: &SqlitePool,
    account: AccountId,
    since_ms: i64,
    now_ms: i64,
) -> Answer<u64> {
    let count = sqlx::query_scalar!(
        "SELECT count(*) FROM encounters WHERE account = ?1 AND created_at_ms >= ?2 AND created_at_ms <= ?3",
        account.0,
        since_ms,
        now_ms
    )
    .fetch_one(readers)
    .await?;
    Ok(count.cast_unsigned())
}

fn lines(columns: Vec<LineColumns>) -> Vec<ReportLine> {
    readable(columns.into_iter().map(ReportLine::try_from))
}
