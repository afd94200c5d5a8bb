//! The one task that writes the journal.
//!
//! It takes what waits in the queue, stores all of it in one transaction, and answers when that is committed. A
//! connection that turns out to be lost is opened again and the transaction repeated, once: entries that had been
//! committed after all are found held and answered so. Nothing else is tried again here.

use raidcast_store::StoreError;
use raidcast_store::queue::{Answer, Waiting, Work, Writer};
use sqlx::{Connection as _, PgConnection};

use crate::append::{Asked, Outcome, append};
use crate::error::{Failure, is_lost, silent};
use crate::limits::COMMIT_WAIT;
use crate::server::Server;

/// To write something, after all that is queued before it.
pub(crate) struct Ping(pub(crate) Answer<()>);

/// The owner of the connection that writes the journal.
pub(crate) struct JournalWriter {
    server: Server,
    /// `None` after an error: opened for the next batch.
    connection: Option<PgConnection>,
}

impl Writer for JournalWriter {
    type Other = Ping;

    async fn write(&mut self, batch: Vec<Work<Ping>>) {
        let (mut entries, mut pings) = (Vec::new(), Vec::new());
        for work in batch {
            match work {
                Work::Append(waiting) => entries.push(waiting),
                Work::Other(ping) => pings.push(ping),
            }
        }
        let stored = self.transact(&entries, !pings.is_empty()).await;
        let written = stored.as_ref().map(drop).map_err(Clone::clone);
        let outcomes = stored.unwrap_or_else(|error| vec![Err(error); entries.len()]);
        for (waiting, outcome) in entries.into_iter().zip(outcomes) {
            waiting.answer(outcome);
        }
        for Ping(answer) in pings {
            answer.send(written.clone());
        }
    }

    async fn close(self) -> Result<(), StoreError> {
        if let Some(connection) = self.connection {
            // All is committed: a farewell that does not arrive loses nothing.
            let _ = tokio::time::timeout(COMMIT_WAIT, connection.close()).await;
        }
        Ok(())
    }
}

impl JournalWriter {
    pub(crate) fn new(server: Server, connection: PgConnection) -> Self {
        Self { server, connection: Some(connection) }
    }

    /// Stores what may be stored; gives each entry's outcome, or why nothing was stored.
    async fn transact(&mut self, entries: &[Waiting], ping: bool) -> Result<Vec<Outcome>, StoreError> {
        let asked: Vec<_> = entries
            .iter()
            .map(|waiting| Asked { entry: waiting.entry(), is_after_failed: waiting.is_after_failed() })
            .collect();
        let had_connection = self.connection.is_some();
        let stored = match self.try_transact(&asked, ping).await {
            Err(Failure::Sql(error)) if had_connection && is_lost(&error) => self.try_transact(&asked, ping).await,
            stored => stored,
        };
        Ok(stored?)
    }

    async fn try_transact(&mut self, asked: &[Asked<'_>], ping: bool) -> Result<Vec<Outcome>, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.server.connect_owner().await?,
        };
        let stored = tokio::time::timeout(COMMIT_WAIT, append(&mut connection, asked, ping)).await;
        // After an error the connection is dropped, which ends its transaction for sure.
        let outcomes = stored.map_err(|_| silent())??;
        self.connection = Some(connection);
        Ok(outcomes)
    }
}
