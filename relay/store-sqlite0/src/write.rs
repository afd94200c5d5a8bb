//! Writes, inside a transaction that the writer has begun.

use std::collections::HashMap;

use raidcast_shared::codec;
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::{ReportState, Visibility};
use raidcast_store::{
    Account, AccountId, EncounterRow, JournalEntry, JournalKind, KeptReport, NewEncounter, RaidRow, StoreError,
    StoredStream, StreamKey,
};
use sqlx::SqliteConnection;

use crate::read;
use crate::store_error;

type Written<T> = Result<T, sqlx::Error>;

pub(crate) fn state_number(state: ReportState) -> i64 {
    match state {
        ReportState::Live => 0,
        ReportState::Provisional => 1,
        ReportState::Final => 2,
    }
}

pub(crate) fn visibility_number(visibility: Visibility) -> i64 {
    match visibility {
        Visibility::Public => 0,
        Visibility::Unlisted => 1,
        Visibility::Private => 2,
    }
}

pub(crate) async fn account(c: &mut SqliteConnection, name: &str, channel: &str) -> Written<Account> {
    sqlx::query("INSERT INTO account (name, channel) VALUES (?, ?) ON CONFLICT (name) DO NOTHING")
        .bind(name)
        .bind(channel)
        .execute(&mut *c)
        .await?;
    let (id, name, channel): (i64, String, String) =
        sqlx::query_as("SELECT id, name, channel FROM account WHERE name = ?").bind(name).fetch_one(c).await?;
    Ok(Account { id: AccountId(id), name, channel })
}

pub(crate) async fn insert_raid(c: &mut SqliteConnection, raid: &RaidRow) -> Written<()> {
    sqlx::query(
        "INSERT INTO raid (id, account, code, secret_digest, title, visibility, created_at_ms, active_at_ms, closed) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&raid.id.0.as_bytes()[..])
    .bind(raid.account.0)
    .bind(&raid.code)
    .bind(&raid.secret_digest[..])
    .bind(&raid.title)
    .bind(visibility_number(raid.visibility))
    .bind(raid.created_at_ms)
    .bind(raid.active_at_ms)
    .bind(raid.closed)
    .execute(c)
    .await?;
    Ok(())
}

pub(crate) async fn update_raid(c: &mut SqliteConnection, raid: &RaidRow) -> Written<()> {
    sqlx::query("UPDATE raid SET title = ?, visibility = ?, active_at_ms = ?, closed = ? WHERE id = ?")
        .bind(&raid.title)
        .bind(visibility_number(raid.visibility))
        .bind(raid.active_at_ms)
        .bind(raid.closed)
        .bind(&raid.id.0.as_bytes()[..])
        .execute(c)
        .await?;
    Ok(())
}

pub(crate) async fn begin_encounter(c: &mut SqliteConnection, new: &NewEncounter) -> Written<EncounterRow> {
    let inserted = sqlx::query(
        "INSERT INTO encounter (account, encounter_id, report_id, raid_code, started_at_ms, created_at_ms) \
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account, encounter_id) DO NOTHING",
    )
    .bind(new.key.account.0)
    .bind(&new.key.encounter.0.as_bytes()[..])
    .bind(&new.report_id)
    .bind(&new.raid_code)
    .bind(new.started_at_ms)
    .bind(new.created_at_ms)
    .execute(&mut *c)
    .await?;
    if inserted.rows_affected() > 0 {
        begin_stream(c, inserted.last_insert_rowid(), &new.stream).await?;
    }
    read::encounter(c, new.key.account, new.key.encounter).await.map_err(as_sqlx)?.ok_or(sqlx::Error::RowNotFound)
}

/// Reads give a store's error; inside a write it is SQLite's again.
fn as_sqlx(error: StoreError) -> sqlx::Error {
    match error {
        StoreError::Unavailable(why) => sqlx::Error::Io(std::io::Error::other(why)),
        StoreError::Damaged(why) => sqlx::Error::Decode(why.into()),
    }
}

pub(crate) async fn begin_stream(c: &mut SqliteConnection, encounter: i64, stream: &StoredStream) -> Written<()> {
    sqlx::query("INSERT INTO encounter_stream (encounter, stream, header) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(encounter)
        .bind(&stream.stream.0.as_bytes()[..])
        .bind(&stream.header[..])
        .execute(c)
        .await?;
    Ok(())
}

pub(crate) async fn move_encounter(c: &mut SqliteConnection, encounter: i64, raid_code: &str) -> Written<()> {
    sqlx::query("UPDATE encounter SET raid_code = ? WHERE id = ?").bind(raid_code).bind(encounter).execute(c).await?;
    Ok(())
}

/// Appends an entry behind the one before it, or finds it there already.
pub(crate) async fn append(
    c: &mut SqliteConnection,
    streams: &mut HashMap<StreamKey, i64>,
    entry: &JournalEntry,
) -> Result<(), StoreError> {
    let stream = match streams.get(&entry.stream) {
        Some(row) => *row,
        None => {
            let row: Option<(i64,)> =
                sqlx::query_as("SELECT id FROM encounter_stream WHERE encounter = ? AND stream = ?")
                    .bind(entry.stream.encounter)
                    .bind(&entry.stream.stream.0.as_bytes()[..])
                    .fetch_optional(&mut *c)
                    .await
                    .map_err(store_error)?;
            let (row,) = row.ok_or_else(|| StoreError::Damaged("an entry of a stream that was not begun".into()))?;
            // A relay that runs for months meets many streams; looking one up again costs little.
            if streams.len() >= 4_096 {
                streams.clear();
            }
            streams.insert(entry.stream, row);
            row
        }
    };
    let seq = i64::try_from(entry.seq).map_err(|_| StoreError::Damaged("a seq beyond 63 bits".into()))?;
    let kind = i64::from(entry.kind == JournalKind::End);
    let inserted = sqlx::query(
        "INSERT INTO encounter_journal (stream, seq, kind, received_at_ms, data) SELECT ?1, ?2, ?3, ?4, ?5 \
         WHERE ?2 = 1 OR EXISTS (SELECT 1 FROM encounter_journal WHERE stream = ?1 AND seq = ?2 - 1) \
         ON CONFLICT DO NOTHING",
    )
    .bind(stream)
    .bind(seq)
    .bind(kind)
    .bind(entry.received_at_ms)
    .bind(&entry.data[..])
    .execute(&mut *c)
    .await;
    let inserted = match inserted {
        Ok(inserted) => inserted,
        Err(error) => {
            // The stream's row may be gone with its encounter: look it up again next time.
            streams.remove(&entry.stream);
            return Err(store_error(error));
        }
    };
    if inserted.rows_affected() == 1 {
        return Ok(());
    }
    let held: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT kind, data FROM encounter_journal WHERE stream = ? AND seq = ?")
            .bind(stream)
            .bind(seq)
            .fetch_optional(c)
            .await
            .map_err(store_error)?;
    match held {
        Some((held_kind, data)) if held_kind == kind && data == entry.data => Ok(()),
        Some(_) => Err(StoreError::Damaged(format!("entry {seq} is held with other bytes"))),
        None => Err(StoreError::Damaged(format!("entry {seq} has none before it: an earlier one was not stored"))),
    }
}

pub(crate) async fn keep_report(c: &mut SqliteConnection, report: &KeptReport) -> Written<()> {
    let line = codec::encode(&read::Line::of(&report.line));
    sqlx::query(
        "UPDATE encounter SET state = ?, revision = ?, kept_stream = ?, kept_at_ms = ?, line = ? WHERE id = ?",
    )
    .bind(state_number(report.state))
    .bind(i64::from(report.revision))
    .bind(&report.stream.0.as_bytes()[..])
    .bind(report.kept_at_ms)
    .bind(line)
    .bind(report.encounter)
    .execute(&mut *c)
    .await?;
    sqlx::query("INSERT OR REPLACE INTO encounter_record (encounter, record) VALUES (?, ?)")
        .bind(report.encounter)
        .bind(&report.record[..])
        .execute(&mut *c)
        .await?;
    if let Some(log) = &report.log {
        sqlx::query("INSERT OR REPLACE INTO encounter_log (encounter, log) VALUES (?, ?)")
            .bind(report.encounter)
            .bind(&log[..])
            .execute(&mut *c)
            .await?;
        sqlx::query("DELETE FROM encounter_stream WHERE encounter = ?").bind(report.encounter).execute(c).await?;
    }
    Ok(())
}

pub(crate) async fn reopen_report(c: &mut SqliteConnection, encounter: i64) -> Written<()> {
    sqlx::query("UPDATE encounter SET state = 0 WHERE id = ? AND state = 1").bind(encounter).execute(c).await?;
    Ok(())
}

pub(crate) async fn discard(c: &mut SqliteConnection, account: AccountId, id: EncounterId) -> Written<bool> {
    let deleted = sqlx::query("DELETE FROM encounter WHERE account = ? AND encounter_id = ?")
        .bind(account.0)
        .bind(&id.0.as_bytes()[..])
        .execute(c)
        .await?;
    Ok(deleted.rows_affected() > 0)
}

pub(crate) async fn ping(c: &mut SqliteConnection) -> Written<()> {
    // More than a page, so that a disk without room for another one is told from one that has it.
    sqlx::query("INSERT INTO probe (data) VALUES (zeroblob(16384))").execute(&mut *c).await?;
    sqlx::query("DELETE FROM probe").execute(c).await?;
    Ok(())
}

pub(crate) async fn set_pages_max(c: &mut SqliteConnection, pages: u32) -> Written<()> {
    sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))).execute(c).await?;
    Ok(())
}
