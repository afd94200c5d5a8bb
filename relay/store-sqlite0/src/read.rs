//! Reads, on the pool or inside a write.

use bytes::Bytes;
use raidcast_shared::codec;
use raidcast_shared::id::{EncounterId, RaidId, StreamId};
use raidcast_shared::report::{Place, Totals};
use raidcast_shared::uplink::{Outcome, ReportState, Visibility};
use raidcast_store::{
    Account, AccountId, EncounterKey, EncounterRow, JournalEntry, JournalKind, OpenEncounter, Page, RaidRow, ReportLine,
    StoreError, StoredStream, StreamKey,
};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteExecutor, SqlitePool};

use crate::store_error;

type Read<T> = Result<T, StoreError>;

/// What of a list's line only lists need: one small column, never searched.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line {
    ended_at_ms: Option<i64>,
    duration_ms: u32,
    outcome: Outcome,
    place: Place,
    bosses: Vec<String>,
    players: u32,
    totals: Totals,
}

impl Line {
    pub(crate) fn of(line: &ReportLine) -> Self {
        Self {
            ended_at_ms: line.ended_at_ms,
            duration_ms: line.duration_ms,
            outcome: line.outcome,
            place: line.place.clone(),
            bosses: line.bosses.clone(),
            players: line.players,
            totals: line.totals,
        }
    }

    fn none() -> Self {
        Self {
            ended_at_ms: None,
            duration_ms: 0,
            outcome: Outcome::Unknown,
            place: Place::default(),
            bosses: Vec::new(),
            players: 0,
            totals: Totals::default(),
        }
    }
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(what.to_owned())
}

fn uuid(row: &SqliteRow, column: &str) -> Read<uuid::Uuid> {
    let bytes: Vec<u8> = row.try_get(column).map_err(store_error)?;
    uuid::Uuid::from_slice(&bytes).map_err(|_| damaged("an id that is no UUID"))
}

fn get<'r, T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>>(row: &'r SqliteRow, column: &str) -> Read<T> {
    row.try_get(column).map_err(store_error)
}

fn state_of(number: i64) -> Read<ReportState> {
    match number {
        0 => Ok(ReportState::Live),
        1 => Ok(ReportState::Provisional),
        2 => Ok(ReportState::Final),
        _ => Err(damaged("a report's state")),
    }
}

fn visibility_of(number: i64) -> Read<Visibility> {
    match number {
        0 => Ok(Visibility::Public),
        1 => Ok(Visibility::Unlisted),
        2 => Ok(Visibility::Private),
        _ => Err(damaged("a raid's visibility")),
    }
}

fn account_of(row: &SqliteRow) -> Read<Account> {
    Ok(Account { id: AccountId(get(row, "id")?), name: get(row, "name")?, channel: get(row, "channel")? })
}

fn raid_of(row: &SqliteRow) -> Read<RaidRow> {
    let digest: Vec<u8> = get(row, "secret_digest")?;
    Ok(RaidRow {
        id: RaidId(uuid(row, "id")?),
        account: AccountId(get(row, "account")?),
        code: get(row, "code")?,
        secret_digest: digest.try_into().map_err(|_| damaged("a raid's digest"))?,
        title: get(row, "title")?,
        visibility: visibility_of(get(row, "visibility")?)?,
        created_at_ms: get(row, "created_at_ms")?,
        active_at_ms: get(row, "active_at_ms")?,
        closed: get(row, "closed")?,
    })
}

/// Columns of [`encounter_of`].
const ENCOUNTER: &str = "SELECT e.id, e.account, e.encounter_id, e.report_id, e.raid_code, r.visibility, \
     e.started_at_ms, e.state, e.revision, e.kept_stream FROM encounter e JOIN raid r ON r.code = e.raid_code";

fn encounter_of(row: &SqliteRow) -> Read<EncounterRow> {
    let kept: Option<Vec<u8>> = get(row, "kept_stream")?;
    let kept = kept.map(|bytes| uuid::Uuid::from_slice(&bytes)).transpose().map_err(|_| damaged("a stream's id"))?;
    let revision: i64 = get(row, "revision")?;
    Ok(EncounterRow {
        row: get(row, "id")?,
        key: EncounterKey {
            account: AccountId(get(row, "account")?),
            encounter: EncounterId(uuid(row, "encounter_id")?),
        },
        report_id: get(row, "report_id")?,
        raid_code: get(row, "raid_code")?,
        visibility: visibility_of(get(row, "visibility")?)?,
        started_at_ms: get(row, "started_at_ms")?,
        state: state_of(get(row, "state")?)?,
        revision: u32::try_from(revision).map_err(|_| damaged("a revision"))?,
        kept_stream: kept.map(StreamId),
    })
}

fn line_of(row: &SqliteRow) -> Read<ReportLine> {
    let line: Option<Vec<u8>> = get(row, "line")?;
    let line: Line = match line {
        Some(bytes) => codec::decode(&bytes, usize::MAX).map_err(|error| StoreError::Damaged(error.to_string()))?,
        None => Line::none(),
    };
    let revision: i64 = get(row, "revision")?;
    Ok(ReportLine {
        report_id: get(row, "report_id")?,
        encounter: EncounterId(uuid(row, "encounter_id")?),
        raid_code: get(row, "raid_code")?,
        state: state_of(get(row, "state")?)?,
        revision: u32::try_from(revision).map_err(|_| damaged("a revision"))?,
        started_at_ms: get(row, "started_at_ms")?,
        ended_at_ms: line.ended_at_ms,
        duration_ms: line.duration_ms,
        outcome: line.outcome,
        place: line.place,
        bosses: line.bosses,
        players: line.players,
        totals: line.totals,
    })
}

pub(crate) async fn account_by_name(pool: &SqlitePool, name: &str) -> Read<Option<Account>> {
    let query = sqlx::query("SELECT id, name, channel FROM account WHERE name = ?").bind(name);
    query.fetch_optional(pool).await.map_err(store_error)?.as_ref().map(account_of).transpose()
}

pub(crate) async fn account_by_channel(pool: &SqlitePool, channel: &str) -> Read<Option<Account>> {
    let query = sqlx::query("SELECT id, name, channel FROM account WHERE channel = ?").bind(channel);
    query.fetch_optional(pool).await.map_err(store_error)?.as_ref().map(account_of).transpose()
}

pub(crate) async fn channel(pool: &SqlitePool, account: AccountId) -> Read<Option<String>> {
    let row: Option<(String,)> = sqlx::query_as("SELECT channel FROM account WHERE id = ?")
        .bind(account.0)
        .fetch_optional(pool)
        .await
        .map_err(store_error)?;
    Ok(row.map(|(channel,)| channel))
}

pub(crate) async fn raid_by_id(pool: &SqlitePool, id: RaidId) -> Read<Option<RaidRow>> {
    let query = sqlx::query("SELECT * FROM raid WHERE id = ?").bind(&id.0.as_bytes()[..]);
    query.fetch_optional(pool).await.map_err(store_error)?.as_ref().map(raid_of).transpose()
}

pub(crate) async fn raid_by_code(pool: &SqlitePool, code: &str) -> Read<Option<RaidRow>> {
    let query = sqlx::query("SELECT * FROM raid WHERE code = ?").bind(code);
    query.fetch_optional(pool).await.map_err(store_error)?.as_ref().map(raid_of).transpose()
}

pub(crate) async fn newest_raid(pool: &SqlitePool, account: AccountId) -> Read<Option<RaidRow>> {
    let query = sqlx::query(
        "SELECT * FROM raid WHERE account = ? ORDER BY active_at_ms DESC, created_at_ms DESC LIMIT 1",
    )
    .bind(account.0);
    query.fetch_optional(pool).await.map_err(store_error)?.as_ref().map(raid_of).transpose()
}

pub(crate) async fn encounter(
    on: impl SqliteExecutor<'_>,
    account: AccountId,
    id: EncounterId,
) -> Read<Option<EncounterRow>> {
    let sql = sqlx::AssertSqlSafe(format!("{ENCOUNTER} WHERE e.account = ? AND e.encounter_id = ?"));
    let query = sqlx::query(sql).bind(account.0).bind(&id.0.as_bytes()[..]);
    query.fetch_optional(on).await.map_err(store_error)?.as_ref().map(encounter_of).transpose()
}

pub(crate) async fn open_encounters(pool: &SqlitePool) -> Read<Vec<OpenEncounter>> {
    let sql = sqlx::AssertSqlSafe(format!("{ENCOUNTER} WHERE e.state = 0 ORDER BY e.id"));
    let rows = sqlx::query(sql).fetch_all(pool).await.map_err(store_error)?;
    let mut open = Vec::with_capacity(rows.len());
    for row in &rows {
        let encounter = encounter_of(row)?;
        open.push(OpenEncounter { streams: streams(pool, encounter.row).await?, encounter });
    }
    Ok(open)
}

pub(crate) async fn open_encounter(pool: &SqlitePool, encounter: i64) -> Read<Option<OpenEncounter>> {
    let sql = sqlx::AssertSqlSafe(format!("{ENCOUNTER} WHERE e.id = ?"));
    let row = sqlx::query(sql).bind(encounter).fetch_optional(pool).await.map_err(store_error)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(OpenEncounter { encounter: encounter_of(&row)?, streams: streams(pool, encounter).await? }))
}

async fn streams(pool: &SqlitePool, encounter: i64) -> Read<Vec<(StoredStream, Vec<JournalEntry>)>> {
    let rows = sqlx::query("SELECT id, stream, header FROM encounter_stream WHERE encounter = ? ORDER BY id")
        .bind(encounter)
        .fetch_all(pool)
        .await
        .map_err(store_error)?;
    let mut streams = Vec::with_capacity(rows.len());
    for row in &rows {
        let stream = StreamId(uuid(row, "stream")?);
        let header: Vec<u8> = get(row, "header")?;
        let id: i64 = get(row, "id")?;
        let entries = sqlx::query("SELECT seq, kind, received_at_ms, data FROM encounter_journal WHERE stream = ? ORDER BY seq")
            .bind(id)
            .fetch_all(pool)
            .await
            .map_err(store_error)?;
        let entry = |row: &SqliteRow| {
            let (seq, kind, data): (i64, i64, Vec<u8>) = (get(row, "seq")?, get(row, "kind")?, get(row, "data")?);
            Ok(JournalEntry {
                stream: StreamKey { encounter, stream },
                seq: u64::try_from(seq).map_err(|_| damaged("a seq"))?,
                kind: if kind == 0 { JournalKind::Delta } else { JournalKind::End },
                received_at_ms: get(row, "received_at_ms")?,
                data: data.into(),
            })
        };
        let entries = entries.iter().map(entry).collect::<Read<Vec<_>>>()?;
        streams.push((StoredStream { stream, header: header.into() }, entries));
    }
    Ok(streams)
}

pub(crate) async fn report(pool: &SqlitePool, report_id: &str) -> Read<Option<(EncounterRow, Option<Bytes>)>> {
    let sql = sqlx::AssertSqlSafe(format!("{ENCOUNTER} WHERE e.report_id = ?"));
    let row = sqlx::query(sql).bind(report_id).fetch_optional(pool).await.map_err(store_error)?;
    let Some(row) = row else { return Ok(None) };
    let encounter = encounter_of(&row)?;
    let record: Option<(Vec<u8>,)> = sqlx::query_as("SELECT record FROM encounter_record WHERE encounter = ?")
        .bind(encounter.row)
        .fetch_optional(pool)
        .await
        .map_err(store_error)?;
    Ok(Some((encounter, record.map(|(record,)| record.into()))))
}

pub(crate) async fn report_log(pool: &SqlitePool, report_id: &str) -> Read<Option<Bytes>> {
    let log: Option<(Vec<u8>,)> = sqlx::query_as(
        "SELECT l.log FROM encounter_log l JOIN encounter e ON e.id = l.encounter WHERE e.report_id = ?",
    )
    .bind(report_id)
    .fetch_optional(pool)
    .await
    .map_err(store_error)?;
    Ok(log.map(|(log,)| log.into()))
}

pub(crate) async fn public_reports(pool: &SqlitePool, page: Page) -> Read<(Vec<ReportLine>, u64)> {
    let offset = i64::from(page.page.saturating_sub(1)) * i64::from(page.limit);
    let rows = sqlx::query(
        "SELECT e.report_id, e.encounter_id, e.raid_code, e.state, e.revision, e.started_at_ms, e.line \
         FROM encounter e JOIN raid r ON r.code = e.raid_code WHERE r.visibility = 0 \
         ORDER BY e.started_at_ms DESC, e.id DESC LIMIT ? OFFSET ?",
    )
    .bind(i64::from(page.limit))
    .bind(offset)
    .fetch_all(pool)
    .await
    .map_err(store_error)?;
    let (total,): (i64,) = sqlx::query_as(
        "SELECT count(*) FROM encounter e JOIN raid r ON r.code = e.raid_code WHERE r.visibility = 0",
    )
    .fetch_one(pool)
    .await
    .map_err(store_error)?;
    Ok((rows.iter().map(line_of).collect::<Read<_>>()?, total.cast_unsigned()))
}

pub(crate) async fn raid_reports(pool: &SqlitePool, raid_code: &str) -> Read<Vec<ReportLine>> {
    let rows = sqlx::query(
        "SELECT report_id, encounter_id, raid_code, state, revision, started_at_ms, line FROM encounter \
         WHERE raid_code = ? ORDER BY started_at_ms DESC, id DESC",
    )
    .bind(raid_code)
    .fetch_all(pool)
    .await
    .map_err(store_error)?;
    rows.iter().map(line_of).collect()
}

pub(crate) async fn encounters_since(pool: &SqlitePool, account: AccountId, since_ms: i64) -> Read<u64> {
    let (count,): (i64,) = sqlx::query_as("SELECT count(*) FROM encounter WHERE account = ? AND created_at_ms >= ?")
        .bind(account.0)
        .bind(since_ms)
        .fetch_one(pool)
        .await
        .map_err(store_error)?;
    Ok(count.cast_unsigned())
}
