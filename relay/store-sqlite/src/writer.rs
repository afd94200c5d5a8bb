//! The one task that writes.
//!
//! It takes what waits in the queue, runs all of it in one transaction, commits, and only then answers. Where that
//! fails nothing of it is stored; where parts may succeed (one write breaks a constraint, a large one does not fit on
//! the disk) each is tried in a transaction of its own.

use std::sync::Arc;

use raidcast_store::queue::{Answer, Work, Writer};
use raidcast_store::{GivenBack, StoreError};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::error::{may_succeed_in_parts, store_error};
use crate::file::{DatabaseFile, Owner};
use crate::job::{EntryJob, Job};
use crate::limits::{PARTS_FAILED_MAX, VACUUM_PAGES_MAX};
use crate::wipe::give_back;

/// What it is asked besides storing journal entries.
pub(crate) enum Request {
    /// To make a change.
    Change(Box<dyn Job>),
    /// To let the file have at most so many pages.
    SetPagesMax(u32, Answer<()>),
    /// To write the file anew, without what was deleted.
    Rewrite(Answer<()>),
    /// To give some free pages back, and to empty the WAL.
    GiveBack(Answer<GivenBack>),
}

/// The owner of the connection that writes.
pub(crate) struct FileWriter {
    file: Arc<DatabaseFile>,
    /// Given up when the task ends.
    _owner: Owner,
    /// `None` after an error: opened again for the next batch.
    connection: Option<SqliteConnection>,
    /// How many pages the file may have, where that is bounded.
    pages_max: Option<u32>,
}

/// Why a transaction was not committed.
struct Broken {
    error: StoreError,
    /// Whether its jobs may succeed one by one.
    try_parts: bool,
}

impl From<sqlx::Error> for Broken {
    fn from(error: sqlx::Error) -> Self {
        Self { error: store_error(&error), try_parts: may_succeed_in_parts(&error) }
    }
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self { error, try_parts: false }
    }
}

impl Writer for FileWriter {
    type Other = Request;

    async fn write(&mut self, batch: Vec<Work<Request>>) {
        let mut jobs: Vec<Box<dyn Job>> = Vec::with_capacity(batch.len());
        for work in batch {
            // What is not a job comes after those before it.
            match work {
                Work::Append(waiting) => jobs.push(Box::new(EntryJob::new(waiting))),
                Work::Other(Request::Change(job)) => jobs.push(job),
                Work::Other(Request::SetPagesMax(pages, answer)) => {
                    self.write_jobs(&mut jobs).await;
                    answer.send(self.set_pages_max(pages).await.map_err(|broken| broken.error));
                }
                Work::Other(Request::Rewrite(answer)) => {
                    self.write_jobs(&mut jobs).await;
                    answer.send(self.rewrite().await.map_err(|broken| broken.error));
                }
                Work::Other(Request::GiveBack(answer)) => {
                    self.write_jobs(&mut jobs).await;
                    answer.send(self.give_back().await.map_err(|broken| broken.error));
                }
            }
        }
        self.write_jobs(&mut jobs).await;
    }

    /// Gives free pages back, moves the WAL into the file and closes.
    async fn close(mut self) -> Result<(), StoreError> {
        let Some(mut connection) = self.connection.take() else { return Ok(()) };
        self.file.check()?;
        let vacuum = format!("PRAGMA incremental_vacuum({VACUUM_PAGES_MAX})");
        let closing = async {
            sqlx::raw_sql(AssertSqlSafe(vacuum)).execute(&mut connection).await?;
            sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
            connection.close().await
        };
        closing.await.map_err(|error| store_error(&error))
    }
}

impl FileWriter {
    pub(crate) fn new(file: Arc<DatabaseFile>, owner: Owner, connection: SqliteConnection) -> Self {
        Self { file, _owner: owner, connection: Some(connection), pages_max: None }
    }

    /// Writes and answers all jobs, in their order.
    async fn write_jobs(&mut self, jobs: &mut Vec<Box<dyn Job>>) {
        if jobs.is_empty() {
            return;
        }
        match self.transact(jobs).await {
            Err(broken) if broken.try_parts && jobs.len() > 1 => {
                let mut failures = 0;
                for mut job in jobs.drain(..) {
                    let committed = if failures < PARTS_FAILED_MAX {
                        self.transact(std::slice::from_mut(&mut job)).await.map_err(|broken| broken.error)
                    } else {
                        Err(broken.error.clone())
                    };
                    failures += u32::from(matches!(committed, Err(StoreError::Unavailable(_))));
                    job.answer(committed);
                }
            }
            committed => {
                let committed = committed.map_err(|broken| broken.error);
                jobs.drain(..).for_each(|job| job.answer(committed.clone()));
            }
        }
    }

    /// Runs the jobs in one transaction. After an error none of them is stored.
    async fn transact(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Broken> {
        let committed = self.try_transact(jobs).await;
        if committed.is_err()
            && let Some(connection) = self.connection.take()
        {
            // SQLite ends a transaction by itself after some errors and not after others: closing ends it for sure.
            let _ = connection.close().await;
        }
        committed
    }

    async fn try_transact(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Broken> {
        self.reconnect().await?;
        let Some(connection) = &mut self.connection else {
            return Err(StoreError::closed().into());
        };
        // Takes the write lock at once, and waits for it: a lock that is taken later cannot be waited for.
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        for job in jobs {
            job.run(&mut transaction).await?;
        }
        self.file.check()?;
        Ok(transaction.commit().await?)
    }

    /// Opens the connection again if an error closed it.
    async fn reconnect(&mut self) -> Result<(), Broken> {
        if self.connection.is_none() {
            let connection = self.connection.insert(self.file.connect().await?);
            if let Some(pages) = self.pages_max {
                set_pages_max(connection, pages).await?;
            }
        }
        Ok(())
    }

    async fn set_pages_max(&mut self, pages: u32) -> Result<(), Broken> {
        self.pages_max = Some(pages);
        self.reconnect().await?;
        if let Some(connection) = &mut self.connection {
            set_pages_max(connection, pages).await?;
        }
        Ok(())
    }

    /// A step as [`give_back`] takes it. After an error the connection is another one.
    async fn give_back(&mut self) -> Result<GivenBack, Broken> {
        self.reconnect().await?;
        let Some(connection) = &mut self.connection else {
            return Err(StoreError::closed().into());
        };
        let given = give_back(connection).await;
        if given.is_err()
            && let Some(connection) = self.connection.take()
        {
            let _ = connection.close().await;
        }
        Ok(given?)
    }

    /// Writes the file anew, and empties the WAL that it went through.
    async fn rewrite(&mut self) -> Result<(), Broken> {
        self.reconnect().await?;
        if let Some(connection) = &mut self.connection {
            sqlx::raw_sql("VACUUM").execute(&mut *connection).await?;
            sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(connection).await?;
        }
        Ok(())
    }
}

async fn set_pages_max(connection: &mut SqliteConnection, pages: u32) -> Result<(), sqlx::Error> {
    // SQLite never lets the bound be below what the file has, but only a connection that has looked knows that.
    let pragmas = format!("PRAGMA page_count; PRAGMA max_page_count = {pages}");
    sqlx::raw_sql(AssertSqlSafe(pragmas)).execute(connection).await?;
    Ok(())
}
