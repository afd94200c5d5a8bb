//! The one task that writes the journal.
//!
//! It takes what waits in the queue, stores all of it in one transaction, and answers when that is committed. A
//! connection that turns out to be lost is opened again and the transaction repeated, once: entries that had been
//! committed after all are found held and answered so. Nothing else is tried again here.

use raidcast_store::StoreError;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::mpsc;

use crate::error::{Failure, closed, is_lost, silent};
use crate::journal::{Asked, Outcome, append};
use crate::limits::{BATCH_BYTES_MAX, BATCH_ENTRIES_MAX, COMMIT_WAIT};
use crate::queue::{Answer, Command, Queue, Waiting};
use crate::server::Server;

/// The owner of the connection that writes the journal.
pub(crate) struct Writer {
    server: Server,
    /// `None` after an error: opened for the next batch.
    connection: Option<PgConnection>,
}

/// What goes into one transaction.
#[derive(Default)]
struct Batch {
    entries: Vec<Waiting>,
    pings: Vec<Answer>,
    /// Who wants it to be the last.
    close: Option<Answer>,
}

impl Batch {
    /// Takes what waits, as far as it goes into one transaction.
    fn gather(first: Command, commands: &mut mpsc::Receiver<Command>) -> Self {
        let mut batch = Self::default();
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(command) = next {
            match command {
                Command::Append(waiting) => {
                    bytes += waiting.entry.data.len();
                    batch.entries.push(waiting);
                }
                Command::Ping(answer) => batch.pings.push(answer),
                Command::Close(answer) => {
                    batch.close = Some(answer);
                    break;
                }
            }
            let room = batch.entries.len() < BATCH_ENTRIES_MAX && bytes < BATCH_BYTES_MAX;
            next = if room { commands.try_recv().ok() } else { None };
        }
        batch
    }
}

impl Writer {
    /// Starts the task, which ends when it is told to close or when the queue's other end is dropped and all that
    /// waits is written. Nobody awaits it: closing waits for its answer.
    pub(crate) fn start(server: Server, connection: PgConnection) -> Queue {
        let (queue, commands) = Queue::new();
        tokio::spawn(Self { server, connection: Some(connection) }.run(commands));
        queue
    }

    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(first) = commands.recv().await {
            let Batch { entries, pings, close } = Batch::gather(first, &mut commands);
            self.write(entries, pings).await;
            if let Some(answer) = close {
                commands.close();
                // What came between: a receiver that is closed gives it out to the last one that had a place.
                while let Some(command) = commands.recv().await {
                    match command {
                        Command::Append(waiting) => waiting.answer(Err(closed())),
                        Command::Ping(answer) => drop(answer.send(Err(closed()))),
                        Command::Close(answer) => drop(answer.send(Ok(()))),
                    }
                }
                self.close().await;
                let _ = answer.send(Ok(()));
                return;
            }
        }
        self.close().await;
    }

    /// Stores and answers all.
    async fn write(&mut self, entries: Vec<Waiting>, pings: Vec<Answer>) {
        if entries.is_empty() && pings.is_empty() {
            return;
        }
        let asked: Vec<_> = entries
            .iter()
            .map(|waiting| Asked { entry: &waiting.entry, is_after_failed: waiting.ticket.is_after_failed() })
            .collect();
        let stored = self.transact(&asked, !pings.is_empty()).await;
        drop(asked);
        let written = stored.as_ref().map(drop).map_err(Clone::clone);
        let outcomes = stored.unwrap_or_else(|error| vec![Err(error); entries.len()]);
        for (waiting, outcome) in entries.into_iter().zip(outcomes) {
            waiting.answer(outcome);
        }
        for answer in pings {
            let _ = answer.send(written.clone());
        }
    }

    async fn transact(&mut self, asked: &[Asked<'_>], ping: bool) -> Result<Vec<Outcome>, StoreError> {
        let had_connection = self.connection.is_some();
        let stored = match self.try_transact(asked, ping).await {
            Err(Failure::Sql(error)) if had_connection && is_lost(&error) => self.try_transact(asked, ping).await,
            stored => stored,
        };
        stored.map_err(StoreError::from)
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

    async fn close(mut self) {
        if let Some(connection) = self.connection.take() {
            // All is committed: a farewell that does not arrive loses nothing.
            let _ = tokio::time::timeout(COMMIT_WAIT, connection.close()).await;
        }
    }
}
