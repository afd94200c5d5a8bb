//! The store on SQLite: one file, one writer, group commit, a few readers.
//!
//! One invariant: a write is answered `Ok` only after the transaction that it is in has been committed with
//! `synchronous=FULL`, which in WAL mode means after an fsync of the log. Everything that writes is a [`job`] that goes
//! through one queue to one task ([`writer`]), so that the order of calls is the order of commits; readers see what has
//! been committed. Each entity's SQL stands in the file of its name. Deliberately not here: retries (the caller knows
//! whether it still wants it) and logging (errors are passed on).

mod account;
mod append;
mod audit;
mod character;
mod derived;
mod encounter;
mod erase;
mod error;
mod file;
mod job;
mod jobs;
mod journal;
mod key;
mod limits;
mod link;
mod look;
mod opt_out;
mod person;
mod player;
pub mod private;
mod raid;
mod removal;
mod report;
mod same_fight;
mod search;
mod search_rows;
mod session;
mod transfer;
mod upkeep;
mod upload;
mod usage;
mod webhook;
mod wipe;
mod writer;

pub use look::look;

use std::path::Path;
use std::sync::Arc;

use raidcast_store::queue::Queue;
use raidcast_store::{StoreError, StoreFuture};
use sqlx::SqlitePool;

use crate::error::Failure;
use crate::file::DatabaseFile;
use crate::job::{Change, ChangeJob};
use crate::writer::{FileWriter, Request};

/// A database file and the task that writes to it.
///
/// Dropping it lets the task write what is queued and end by itself; [`close`](raidcast_store::Upkeep::close) waits for
/// that and leaves no WAL behind.
#[derive(Debug)]
pub struct SqliteStore {
    file: Arc<DatabaseFile>,
    queue: Queue<Request>,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the database, and makes it with its folder if it does not exist; brings its schema up to date.
    ///
    /// Needs a tokio runtime: it starts the writer there.
    ///
    /// # Errors
    /// `Unavailable` if the file cannot be opened or written now, or another store has it open; `Damaged` if it is not ours or of a later version.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let (file, owner, connection) = DatabaseFile::open(path).await?;
        let file = Arc::new(file);
        let readers = file.readers();
        Ok(Self { queue: Queue::start(FileWriter::new(Arc::clone(&file), owner, connection)), file, readers })
    }

    /// Bounds the file's size in pages of 4 KiB, as a full disk would: for tests. What it has already it keeps.
    pub async fn set_pages_max(&self, pages: u32) -> Result<(), StoreError> {
        self.queue.ask(0, |answer| Request::SetPagesMax(pages, answer)).await
    }

    /// Has the writer make a change.
    fn write<C: Change>(&self, change: C) -> StoreFuture<'_, C::Output> {
        let bytes = change.bytes();
        Box::pin(self.queue.ask(bytes, |answer| Request::Change(Box::new(ChangeJob::new(change, answer)))))
    }

    /// The same, for what is large and hurries nobody.
    fn write_bulk<C: Change>(&self, change: C) -> StoreFuture<'_, C::Output> {
        let bytes = change.bytes();
        Box::pin(self.queue.ask_bulk(bytes, |answer| Request::Change(Box::new(ChangeJob::new(change, answer)))))
    }

    /// Says a question's errors in the words of the seam.
    fn read<'a, T: 'a>(question: impl Future<Output = Result<T, Failure>> + Send + 'a) -> StoreFuture<'a, T> {
        Box::pin(async move { Ok(question.await?) })
    }
}
