//! The way to the writer: one bounded queue for everything that changes the database.
//!
//! Journal entries take their place in it when `append` is called and fail at once when it is full ([`StoreError`]
//! `Unavailable`): nobody may overtake them while they wait. Everything else waits for room.
//!
//! [`Lanes`] keep the journal's law: of an encounter's entries none is stored unless all before it are.

use std::sync::Arc;

use futures::future::BoxFuture;
use raidcast_store::lanes::{Lanes, Ticket, after_failed};
use raidcast_store::{JournalEntry, StoreError, StoreFuture};
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::limits::{QUEUE_BYTES_MAX, QUEUE_WRITES_MAX};
use crate::write;

/// One change of the database, that may be run again after a rollback.
pub(crate) trait Write: Send + Sync + 'static {
    /// What it gives.
    type Output: Send + 'static;

    /// About how many bytes it adds.
    fn bytes(&self) -> usize {
        0
    }

    /// Makes the change inside the open transaction.
    fn run(&self, connection: &mut SqliteConnection) -> impl Future<Output = Result<Self::Output, Failure>> + Send;
}

/// Why a change was not made.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What the database holds does not allow it: it changed nothing, the transaction goes on.
    Refused(StoreError),
    /// SQLite failed: the transaction cannot go on.
    Sql(sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

/// A [`Write`] and who waits for it, whatever its type.
pub(crate) trait Job: Send {
    /// About how many bytes it adds.
    fn bytes(&self) -> usize;

    /// Runs it and keeps its outcome; an error is the transaction's.
    fn run<'a>(&'a mut self, connection: &'a mut SqliteConnection) -> BoxFuture<'a, Result<(), sqlx::Error>>;

    /// Tells who waits: the kept outcome if the transaction was committed, else why it was not.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// What the writer is asked.
pub(crate) enum Command {
    /// To make a change.
    Job(Box<dyn Job>),
    /// To let the file have at most so many pages.
    SetPagesMax(u32, oneshot::Sender<Result<(), StoreError>>),
    /// To write the file anew, without what was deleted.
    Rewrite(oneshot::Sender<Result<(), StoreError>>),
    /// To end.
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// The sending end of the queue.
#[derive(Debug)]
pub(crate) struct Queue {
    commands: mpsc::Sender<Command>,
    /// One permit a byte that may wait.
    room: Arc<Semaphore>,
    lanes: Arc<Lanes>,
}

impl Queue {
    /// A queue and its receiving end, which the writer takes.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Command>) {
        let (commands, receiver) = mpsc::channel(QUEUE_WRITES_MAX);
        let room = Arc::new(Semaphore::new(QUEUE_BYTES_MAX as usize));
        (Self { commands, room, lanes: Arc::default() }, receiver)
    }

    /// Takes the entry's place in the queue now; the future only waits for the answer. One that is dropped changes
    /// nothing: the entry is on its way.
    pub(crate) fn append(&self, entry: &JournalEntry) -> StoreFuture<'static, ()> {
        let (answer, waiting) = oneshot::channel();
        let (heard, entered) = self.lanes.enter(
            entry.stream.encounter,
            || self.place(entry),
            |(place, room), ticket| {
                let write = write::Append(entry.clone());
                place.send(Command::Job(Box::new(EntryJob { write, outcome: None, answer, ticket, _room: room })));
            },
        );
        Box::pin(async move {
            let answer = match entered {
                Ok(()) => waiting.await.unwrap_or_else(|_| Err(closed())),
                Err(error) => Err(error),
            };
            drop(heard);
            answer
        })
    }

    /// Waits for room, then for the change to be committed.
    pub(crate) async fn write<W: Write>(&self, write: W) -> Result<W::Output, StoreError> {
        let bytes = u32::try_from(write.bytes()).unwrap_or(u32::MAX).min(QUEUE_BYTES_MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(bytes).await.map_err(|_| closed())?;
        let (answer, waiting) = oneshot::channel();
        let job = WriteJob { write, outcome: None, answer, _room: room };
        self.commands.send(Command::Job(Box::new(job))).await.map_err(|_| closed())?;
        waiting.await.unwrap_or_else(|_| Err(closed()))
    }

    /// See [`crate::SqliteStore::set_pages_max`].
    pub(crate) async fn set_pages_max(&self, pages: u32) -> Result<(), StoreError> {
        let (answer, waiting) = oneshot::channel();
        self.commands.send(Command::SetPagesMax(pages, answer)).await.map_err(|_| closed())?;
        waiting.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Writes the file anew, without what was deleted.
    pub(crate) async fn rewrite(&self) -> Result<(), StoreError> {
        let (answer, waiting) = oneshot::channel();
        self.commands.send(Command::Rewrite(answer)).await.map_err(|_| closed())?;
        waiting.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Lets the writer finish what is queued before it and end. Closing what is closed is no error.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        let (answer, waiting) = oneshot::channel();
        if self.commands.send(Command::Close(answer)).await.is_err() {
            return Ok(());
        }
        waiting.await.unwrap_or(Ok(()))
    }

    fn place(&self, entry: &JournalEntry) -> Result<(mpsc::Permit<'_, Command>, OwnedSemaphorePermit), StoreError> {
        let full = || StoreError::Unavailable("it is too slow for what comes in: more waits than may wait".into());
        let bytes = u32::try_from(entry.data.len()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes).map_err(|_| full())?;
        let place = self.commands.try_reserve().map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => full(),
            mpsc::error::TrySendError::Closed(()) => closed(),
        })?;
        Ok((place, room))
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".into())
}

/// A journal entry in the queue.
struct EntryJob {
    write: write::Append,
    outcome: Option<Result<(), StoreError>>,
    answer: oneshot::Sender<Result<(), StoreError>>,
    ticket: Ticket,
    _room: OwnedSemaphorePermit,
}

impl Job for EntryJob {
    fn bytes(&self) -> usize {
        self.write.bytes()
    }

    fn run<'a>(&'a mut self, connection: &'a mut SqliteConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let outcome = if self.ticket.is_after_failed() {
                Err(after_failed())
            } else {
                match self.write.run(connection).await {
                    Ok(()) => Ok(()),
                    Err(Failure::Refused(error)) => {
                        self.ticket.fail();
                        Err(error)
                    }
                    Err(Failure::Sql(error)) => return Err(error),
                }
            };
            self.outcome = Some(outcome);
            Ok(())
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { outcome, answer, ticket, .. } = *self;
        let outcome = committed.and_then(|()| outcome.unwrap_or_else(|| Err(closed())));
        if outcome.is_err() {
            ticket.fail();
        }
        // Once the caller has heard, only its own ticket may have held the lane.
        drop(ticket);
        // Who does not wait any longer does not want to know.
        let _ = answer.send(outcome);
    }
}

/// Any other change in the queue.
struct WriteJob<W: Write> {
    write: W,
    outcome: Option<Result<W::Output, StoreError>>,
    answer: oneshot::Sender<Result<W::Output, StoreError>>,
    _room: OwnedSemaphorePermit,
}

impl<W: Write> Job for WriteJob<W> {
    fn bytes(&self) -> usize {
        self.write.bytes()
    }

    fn run<'a>(&'a mut self, connection: &'a mut SqliteConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            self.outcome = Some(match self.write.run(connection).await {
                Ok(output) => Ok(output),
                Err(Failure::Refused(error)) => Err(error),
                Err(Failure::Sql(error)) => return Err(error),
            });
            Ok(())
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { outcome, answer, .. } = *self;
        // Who does not wait any longer does not want to know.
        let _ = answer.send(committed.and_then(|()| outcome.unwrap_or_else(|| Err(closed()))));
    }
}
