//! The logs of fights. What other entities do to them in a transaction of their own is a function here.

use bytes::Bytes;
use raidcast_shared::id::StreamId;
use raidcast_store::row::{EntryColumns, StreamColumns, entries};
use raidcast_store::{Journal, JournalEntry, StoreError, StoreFuture, StoredJournal, StoredStream, StreamKey};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::error::Failure;
use crate::job::Change;

impl Journal for SqliteStore {
    fn begin_stream<'a>(&'a self, encounter: i64, stream: &'a StoredStream) -> StoreFuture<'a, ()> {
        self.write(BeginStream { encounter, stream: stream.clone() })
    }

    fn append(&self, entry: JournalEntry) -> StoreFuture<'static, ()> {
        self.queue.append(entry)
    }

    fn read_journal(&self, encounter: i64) -> StoreFuture<'_, StoredJournal> {
        Self::read(async move {
            let mut transaction = self.readers.begin().await?;
            let log = sqlx::query_scalar!("SELECT log FROM encounter_log WHERE encounter = ?1", encounter)
                .fetch_optional(&mut *transaction)
                .await?;
            let streams = streams(&mut transaction, encounter).await?;
            transaction.commit().await?;
            Ok(StoredJournal { log: log.map(Bytes::from), streams })
        })
    }

    fn seal_journal<'a>(&'a self, encounter: i64, log: &'a Bytes) -> StoreFuture<'a, ()> {
        self.write(SealJournal { encounter, log: log.clone() })
    }

    fn drop_stream(&self, encounter: i64, stream: StreamId) -> StoreFuture<'_, ()> {
        self.write(DropStream { encounter, stream })
    }

    fn remove_journal(&self, encounter: i64) -> StoreFuture<'_, ()> {
        self.write(RemoveJournal { encounter })
    }
}

/// An encounter's streams in the order they began, each with its entries.
pub(crate) async fn streams(
    connection: &mut SqliteConnection,
    encounter: i64,
) -> Result<Vec<(StoredStream, Vec<JournalEntry>)>, Failure> {
    let rows = sqlx::query_as!(
        StreamColumns,
        r#"SELECT row AS "row!", stream, header, after_revision
           FROM encounter_stream WHERE encounter = ?1 ORDER BY row"#,
        encounter
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut streams = Vec::with_capacity(rows.len());
    for columns in rows {
        let row = columns.row;
        let stream = StoredStream::try_from(columns)?;
        let columns = sqlx::query_as!(
            EntryColumns,
            "SELECT seq, kind, received_at_ms, data FROM encounter_journal WHERE stream = ?1 ORDER BY seq",
            row
        )
        .fetch_all(&mut *connection)
        .await?;
        let key = StreamKey { encounter, stream: stream.stream };
        streams.push((stream, entries(key, columns)?));
    }
    Ok(streams)
}

/// Keeps a stream of an encounter that is there.
pub(crate) async fn add_stream(
    connection: &mut SqliteConnection,
    encounter: i64,
    stream: &StoredStream,
) -> Result<(), Failure> {
    let id = stream.stream.0.as_bytes().as_slice();
    let header = &stream.header[..];
    sqlx::query!(
        "INSERT INTO encounter_stream (encounter, stream, header, after_revision) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (encounter, stream) DO NOTHING",
        encounter,
        id,
        header,
        stream.after_revision,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Replaces the streams of an encounter that is there by its log.
pub(crate) async fn seal(connection: &mut SqliteConnection, encounter: i64, log: &[u8]) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO encounter_log (encounter, log) VALUES (?1, ?2)
         ON CONFLICT (encounter) DO UPDATE SET log = excluded.log",
        encounter,
        log,
    )
    .execute(&mut *connection)
    .await?;
    remove_streams(connection, encounter).await
}

async fn remove_streams(connection: &mut SqliteConnection, encounter: i64) -> Result<(), Failure> {
    // Their entries go with them.
    sqlx::query!("DELETE FROM encounter_stream WHERE encounter = ?1", encounter).execute(connection).await?;
    Ok(())
}

async fn require_encounter(connection: &mut SqliteConnection, encounter: i64) -> Result<(), Failure> {
    let found = sqlx::query!("SELECT row FROM encounters WHERE row = ?1", encounter).fetch_optional(connection).await?;
    Ok(found.map(drop).ok_or_else(|| StoreError::Damaged(format!("no encounter {encounter}")))?)
}

/// Keeps another stream.
struct BeginStream {
    encounter: i64,
    stream: StoredStream,
}

impl Change for BeginStream {
    type Output = ();

    fn bytes(&self) -> usize {
        self.stream.header.len()
    }

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        require_encounter(connection, self.encounter).await?;
        add_stream(connection, self.encounter, &self.stream).await
    }
}

/// Replaces streams by a log.
struct SealJournal {
    encounter: i64,
    log: Bytes,
}

impl Change for SealJournal {
    type Output = ();

    fn bytes(&self) -> usize {
        self.log.len()
    }

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        require_encounter(connection, self.encounter).await?;
        seal(connection, self.encounter, &self.log).await
    }
}

/// Removes a reading that is given up.
struct DropStream {
    encounter: i64,
    stream: StreamId,
}

impl Change for DropStream {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let stream = self.stream.0.as_bytes().as_slice();
        // Its entries go with it.
        sqlx::query!("DELETE FROM encounter_stream WHERE encounter = ?1 AND stream = ?2", self.encounter, stream)
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// Removes streams and log.
struct RemoveJournal {
    encounter: i64,
}

impl Change for RemoveJournal {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        remove_streams(connection, self.encounter).await?;
        sqlx::query!("DELETE FROM encounter_log WHERE encounter = ?1", self.encounter).execute(connection).await?;
        Ok(())
    }
}
