//! What waits for the writer: a change of the database and who is told how it went.
//!
//! One invariant: a job may be run again after a rollback, and is answered once, when its transaction was committed or
//! given up.

use futures::future::BoxFuture;
use raidcast_store::StoreError;
use raidcast_store::order::after_failed;
use raidcast_store::queue::{Answer, Waiting};
use sqlx::sqlite::SqliteConnection;

use crate::append::append;
use crate::error::Failure;

/// One change of the database, that may be made again after a rollback.
pub(crate) trait Change: Send + Sync + 'static {
    /// What it gives.
    type Output: Send + 'static;

    /// About how many bytes it adds.
    fn bytes(&self) -> usize {
        0
    }

    /// Makes the change inside the open transaction; one that [the store](Failure::Store) does not allow changed nothing.
    fn run(&self, connection: &mut SqliteConnection) -> impl Future<Output = Result<Self::Output, Failure>> + Send;
}

/// A change and who waits for it, whatever its type.
pub(crate) trait Job: Send {
    /// Runs it and keeps its outcome; an error is the transaction's.
    fn run<'a>(&'a mut self, connection: &'a mut SqliteConnection) -> BoxFuture<'a, Result<(), sqlx::Error>>;

    /// Tells who waits: the kept outcome if the transaction was committed, else why it was not.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// The outcome of what was run in a transaction that goes on.
fn outcome<T>(run: Result<T, Failure>) -> Result<Result<T, StoreError>, sqlx::Error> {
    match run {
        Ok(output) => Ok(Ok(output)),
        Err(Failure::Store(error)) => Ok(Err(error)),
        Err(Failure::Sql(error)) => Err(error),
    }
}

/// A journal entry that waits.
pub(crate) struct EntryJob {
    waiting: Waiting,
    outcome: Result<(), StoreError>,
}

impl EntryJob {
    pub(crate) fn new(waiting: Waiting) -> Self {
        Self { waiting, outcome: Err(StoreError::closed()) }
    }
}

impl Job for EntryJob {
    fn run<'a>(&'a mut self, connection: &'a mut SqliteConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            self.outcome = if self.waiting.is_after_failed() {
                Err(after_failed())
            } else {
                outcome(append(connection, self.waiting.entry()).await)?
            };
            if self.outcome.is_err() {
                self.waiting.fail();
            }
            Ok(())
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        self.waiting.answer(committed.and(self.outcome));
    }
}

/// Any other change that waits.
pub(crate) struct ChangeJob<C: Change> {
    change: C,
    outcome: Result<C::Output, StoreError>,
    answer: Answer<C::Output>,
}

impl<C: Change> ChangeJob<C> {
    pub(crate) fn new(change: C, answer: Answer<C::Output>) -> Self {
        Self { change, outcome: Err(StoreError::closed()), answer }
    }
}

impl<C: Change> Job for ChangeJob<C> {
    fn run<'a>(&'a mut self, connection: &'a mut SqliteConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            self.outcome = outcome(self.change.run(connection).await)?;
            Ok(())
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        self.answer.send(committed.and(self.outcome));
    }
}
