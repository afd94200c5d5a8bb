//! The logs of fights. What other entities do to them in a transaction of their own is a function here.

use bytes::Bytes;
use raidcast_shared::id::StreamId;
use raidcast_store::row::{EntryColumns, StreamColumns, entries};
use raidcast_store::{Journal, JournalEntry, StoreError, StoreFuture, StoredJournal, StoredStream, StreamKey};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::error::Failure;

impl Journal for PostgresStore {
    fn begin_stream<'a>(&'a self, encounter: i64, stream: &'a StoredStream) -> StoreFuture<'a, ()> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            lock_encounter(&mut transaction, encounter).await?;
            add_stream(&mut transaction, encounter, stream).await?;
            Ok(transaction.commit().await?)
        })
    }

    fn append(&self, entry: JournalEntry) -> StoreFuture<'static, ()> {
        self.queue.append(entry)
    }

    fn read_journal(&self, encounter: i64) -> StoreFuture<'_, StoredJournal> {
        Self::answer(async move {
            let mut transaction = self.snapshot().await?;
            let log = sqlx::query_scalar!("SELECT log FROM encounter_log WHERE encounter = $1", encounter)
                .fetch_optional(&mut *transaction)
                .await?;
            let streams = streams(&mut transaction, encounter).await?;
            transaction.commit().await?;
            Ok(StoredJournal { log: log.map(Bytes::from), streams })
        })
    }

    fn seal_journal<'a>(&'a self, encounter: i64, log: &'a Bytes) -> StoreFuture<'a, ()> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            lock_encounter(&mut transaction, encounter).await?;
            seal(&mut transaction, encounter, log).await?;
            Ok(transaction.commit().await?)
        })
    }

    fn drop_stream(&self, encounter: i64, stream: StreamId) -> StoreFuture<'_, ()> {
        Self::answer(async move {
            // Its entries go with it.
            sqlx::query!("DELETE FROM encounter_stream WHERE encounter = $1 AND stream = $2", encounter, stream.0)
                .execute(&self.pool)
                .await?;
            Ok(())
        })
    }

    fn remove_journal(&self, encounter: i64) -> StoreFuture<'_, ()> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            remove_streams(&mut transaction, encounter).await?;
            sqlx::query!("DELETE FROM encounter_log WHERE encounter = $1", encounter)
                .execute(&mut *transaction)
                .await?;
            Ok(transaction.commit().await?)
        })
    }
}

/// An encounter's streams in the order they began, each with its entries.
pub(crate) async fn streams(
    connection: &mut PgConnection,
    encounter: i64,
) -> Result<Vec<(StoredStream, Vec<JournalEntry>)>, Failure> {
    let rows = sqlx::query_as!(
        StreamColumns,
        "SELECT row, stream, header, after_revision FROM encounter_stream WHERE encounter = $1 ORDER BY row",
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
            "SELECT seq, kind, received_at_ms, data FROM encounter_journal WHERE stream = $1 ORDER BY seq",
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
    connection: &mut PgConnection,
    encounter: i64,
    stream: &StoredStream,
) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO encounter_stream (encounter, stream, header, after_revision) VALUES ($1, $2, $3, $4)
         ON CONFLICT (encounter, stream) DO NOTHING",
        encounter,
        stream.stream.0,
        &stream.header[..],
        i64::from(stream.after_revision),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Replaces the streams of an encounter that is there by its log.
pub(crate) async fn seal(connection: &mut PgConnection, encounter: i64, log: &[u8]) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO encounter_log (encounter, log) VALUES ($1, $2)
         ON CONFLICT (encounter) DO UPDATE SET log = excluded.log",
        encounter,
        log,
    )
    .execute(&mut *connection)
    .await?;
    remove_streams(connection, encounter).await
}

async fn remove_streams(connection: &mut PgConnection, encounter: i64) -> Result<(), Failure> {
    // Their entries go with them. In the order in which the journal's writer locks them.
    sqlx::query!(
        "DELETE FROM encounter_stream
         WHERE row IN (SELECT row FROM encounter_stream WHERE encounter = $1 ORDER BY row FOR UPDATE)",
        encounter
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps an encounter from being removed; one that is not there is `Damaged`.
async fn lock_encounter(connection: &mut PgConnection, encounter: i64) -> Result<(), Failure> {
    let found = sqlx::query_scalar!("SELECT row FROM encounters WHERE row = $1 FOR KEY SHARE", encounter)
        .fetch_optional(connection)
        .await?;
    Ok(found.map(drop).ok_or_else(|| StoreError::Damaged(format!("no encounter {encounter}")))?)
}
