//! The SQL that stores one entry of the journal.

use raidcast_store::order::{no_stream, not_next};
use raidcast_store::{JournalEntry, code};
use sqlx::sqlite::SqliteConnection;

use crate::error::Failure;

/// Stores an entry where it is the next of its stream, and says of any other what is the matter with it.
pub(crate) async fn append(connection: &mut SqliteConnection, entry: &JournalEntry) -> Result<(), Failure> {
    let stream = entry.stream.stream.0.as_bytes().as_slice();
    let seq = entry.seq.cast_signed();
    let kind = i64::from(code::of_kind(entry.kind));
    let data = &entry.data[..];
    let inserted = sqlx::query!(
        "INSERT INTO encounter_journal (stream, seq, kind, received_at_ms, data)
         SELECT s.row, ?3, ?4, ?5, ?6 FROM encounter_stream s
         WHERE s.encounter = ?1 AND s.stream = ?2
           AND (?3 = 1 OR EXISTS (SELECT 1 FROM encounter_journal p WHERE p.stream = s.row AND p.seq = ?3 - 1))
         ON CONFLICT DO NOTHING",
        entry.stream.encounter,
        stream,
        seq,
        kind,
        entry.received_at_ms,
        data,
    )
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(());
    }
    let stands = sqlx::query!(
        r#"SELECT j.kind AS "kind?: i64", j.data AS "data?: Vec<u8>"
           FROM encounter_stream s LEFT JOIN encounter_journal j ON j.stream = s.row AND j.seq = ?3
           WHERE s.encounter = ?1 AND s.stream = ?2"#,
        entry.stream.encounter,
        stream,
        seq,
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| no_stream(entry))?;
    Ok(not_next(entry, stands.kind.zip(stands.data.as_deref()))?)
}
