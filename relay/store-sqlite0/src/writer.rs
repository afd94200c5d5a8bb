//! The one writer: takes what many raids append, and puts it on disk in one commit.
//!
//! Started with the store; ends when the store is closed or dropped, after what waits is written.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use futures::FutureExt;
use futures::future::BoxFuture;
use raidcast_store::{JournalEntry, StoreError, StoreFuture, StreamKey};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::{store_error, write};

/// Commands that wait. Uplinks have at most 256 frames each under way, so this is full only when the disk stands
/// still; an append then fails as unavailable, and its client sends it again.
const QUEUE: usize = 16_384;
/// Entries of one commit.
const BATCH: usize = 1_024;

/// A write and its caller: given a connection inside a transaction, or the reason why there is none.
type Work = Box<dyn for<'c> FnOnce(Result<&'c mut SqliteConnection, StoreError>) -> BoxFuture<'c, Finish> + Send>;
/// What remains to be done after the work.
struct Finish {
    /// The work gave something that is worth a commit.
    commit: bool,
    /// Tells the caller: with the commit's failure, or else with what the work gave.
    tell: Box<dyn FnOnce(Option<StoreError>) + Send>,
}

enum Command {
    Append(JournalEntry, oneshot::Sender<Result<(), StoreError>>),
    Run(Work),
    Close(oneshot::Sender<()>),
}

/// The writer's inbox.
#[derive(Debug)]
pub(crate) struct Writer(mpsc::Sender<Command>);

fn closed() -> StoreError {
    StoreError::Unavailable("the database is closed".into())
}

impl Writer {
    pub(crate) fn start(connection: SqliteConnection, path: PathBuf) -> Self {
        let (sender, inbox) = mpsc::channel(QUEUE);
        let task = Task { connection, file: FileIdentity::of(&path), path, streams: HashMap::new() };
        tokio::spawn(task.run(inbox));
        Self(sender)
    }

    /// Queues an entry now; the future resolves when it is on disk.
    pub(crate) fn append(&self, entry: JournalEntry) -> StoreFuture<'static, ()> {
        let (reply, answer) = oneshot::channel();
        let queued = self.0.try_send(Command::Append(entry, reply));
        async move {
            queued.map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => StoreError::Unavailable("the disk does not keep up".into()),
                mpsc::error::TrySendError::Closed(_) => closed(),
            })?;
            answer.await.map_err(|_| closed())?
        }
        .boxed()
    }

    /// Runs a write in a transaction of its own.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, sqlx::Error>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            async move {
                let result = match connection {
                    Ok(connection) => work(connection).await.map_err(store_error),
                    Err(error) => Err(error),
                };
                let commit = result.is_ok();
                Finish {
                    commit,
                    tell: Box::new(move |failed| {
                        let _ = reply.send(failed.map_or(result, Err));
                    }),
                }
            }
            .boxed()
        });
        self.0.send(Command::Run(work)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Waits until all that was queued is written.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        if self.0.send(Command::Close(reply)).await.is_ok() {
            let _ = answer.await;
        }
        Ok(())
    }
}

/// Which file a path names: another one means that ours was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileIdentity(u64, u64);

impl FileIdentity {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(path).ok().map(|file| Self(file.dev(), file.ino()))
    }

    #[cfg(not(unix))]
    fn of(path: &Path) -> Option<Self> {
        // Open files cannot be taken away there.
        path.exists().then_some(Self(0, 0))
    }
}

struct Task {
    connection: SqliteConnection,
    path: PathBuf,
    file: Option<FileIdentity>,
    /// Rows of streams that entries were appended to.
    streams: HashMap<StreamKey, i64>,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut next = inbox.recv().await;
        while let Some(command) = next.take() {
            match command {
                Command::Append(entry, reply) => {
                    let mut batch = vec![(entry, reply)];
                    // What waits already shares the commit, up to the first command of another kind.
                    while batch.len() < BATCH {
                        match inbox.try_recv() {
                            Ok(Command::Append(entry, reply)) => batch.push((entry, reply)),
                            Ok(other) => {
                                next = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.append(batch).await;
                }
                Command::Run(work) => self.work(work).await,
                Command::Close(reply) => {
                    let _ = self.connection.close().await;
                    let _ = reply.send(());
                    return;
                }
            }
            if next.is_none() {
                next = inbox.recv().await;
            }
        }
    }

    fn check_file(&self) -> Result<(), StoreError> {
        if FileIdentity::of(&self.path) == self.file {
            return Ok(());
        }
        Err(StoreError::Unavailable(format!(
            "{} was taken away or replaced while the relay ran: put it back and restart the relay",
            self.path.display()
        )))
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.check_file()?;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut self.connection).await.map_err(store_error)?;
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        let committed = sqlx::query("COMMIT").execute(&mut self.connection).await;
        if let Err(error) = committed {
            self.rollback().await;
            return Err(store_error(error));
        }
        Ok(())
    }

    async fn rollback(&mut self) {
        // SQLite has rolled back by itself after some errors: then there is nothing to do, and it says so.
        let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
        self.streams.clear();
    }

    async fn append(&mut self, batch: Vec<(JournalEntry, oneshot::Sender<Result<(), StoreError>>)>) {
        let results = match self.append_all(&batch).await {
            Ok(results) => results,
            Err(error) => vec![Err(error); batch.len()],
        };
        for ((_, reply), result) in batch.into_iter().zip(results) {
            let _ = reply.send(result);
        }
    }

    async fn append_all(
        &mut self,
        batch: &[(JournalEntry, oneshot::Sender<Result<(), StoreError>>)],
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        self.begin().await?;
        let mut results = Vec::with_capacity(batch.len());
        for (entry, _) in batch {
            match write::append(&mut self.connection, &mut self.streams, entry).await {
                Err(StoreError::Unavailable(why)) => {
                    self.rollback().await;
                    return Err(StoreError::Unavailable(why));
                }
                result => results.push(result),
            }
        }
        self.commit().await?;
        Ok(results)
    }

    async fn work(&mut self, work: Work) {
        let begun = self.begin().await;
        let is_begun = begun.is_ok();
        let Finish { commit, tell } = work(begun.map(|()| &mut self.connection)).await;
        let failed = match (is_begun, commit) {
            (true, true) => self.commit().await.err(),
            (true, false) => {
                self.rollback().await;
                None
            }
            (false, _) => None,
        };
        tell(failed);
    }
}
