use raidcast_store::{JournalEntry, StoreError, code};
use sqlx::sqlite::SqliteConnection;

use super::refused;
use crate::queue::{Failure, Write};

/// Keeps an entry of an encounter's log.
pub(crate) struct Append(pub(crate) JournalEntry);

impl Write for Append {
    type Output = ();

    fn bytes(&self) -> usize {
        self.0.data.len()
    }

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let entry = &self.0;
        let encounter = entry.stream.encounter;
        let stream = entry.stream.stream.0.as_bytes().as_slice();
        let seq = entry.seq.cast_signed();
        let kind = i64::from(code::of_kind(entry.kind));
        let data = &entry.data[..];
        let inserted = sqlx::query!(
            "INSERT INTO encounter_journal (stream, seq, kind, received_at_ms, data)
             SELECT s.row, ?3, ?4, ?5, ?6 FROM encounter_stream s
             WHERE s.encounter = ?1 AND s.stream = ?2
               AND (?3 <= 1 OR EXISTS (SELECT 1 FROM encounter_journal p WHERE p.stream = s.row AND p.seq = ?3 - 1))
             ON CONFLICT DO NOTHING",
            encounter,
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
        let held = sqlx::query!(
            r#"SELECT j.kind AS "kind?: i64", j.data AS "data?: Vec<u8>"
               FROM encounter_stream s LEFT JOIN encounter_journal j ON j.stream = s.row AND j.seq = ?3
               WHERE s.encounter = ?1 AND s.stream = ?2"#,
            encounter,
            stream,
            seq,
        )
        .fetch_optional(connection)
        .await?;
        match held {
            None => Err(refused(format!("no stream {} of encounter {encounter}", entry.stream.stream.0))),
            Some(held) if held.kind.is_none() => {
                Err(Failure::Refused(StoreError::Unavailable(format!("entry {} is not held", seq - 1))))
            }
            // Sent again: when it came the second time does not matter.
            Some(held) if held.kind == Some(kind) && held.data.as_deref() == Some(data) => Ok(()),
            Some(_) => Err(refused(format!("another entry {seq} of encounter {encounter}"))),
        }
    }
}

/// Writes something that has to reach the disk.
pub(crate) struct Ping;

impl Write for Ping {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        // More than the row's page, so that a disk without room for another one is told from one that has it.
        sqlx::query!("UPDATE ping SET room = zeroblob(16384)").execute(&mut *connection).await?;
        sqlx::query!("UPDATE ping SET room = NULL").execute(connection).await?;
        Ok(())
    }
}
