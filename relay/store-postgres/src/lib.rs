//! The store on PostgreSQL 15 or newer: a writer for the journal with group commit, a pool for everything else.
//!
//! One invariant: a write is answered `Ok` only after its transaction has been committed with `synchronous_commit` at
//! least `on`, which means after the server's fsync; but leases of jobs, and derived rows with the end of their job, for
//! what a crash forgets of these is done again. Journal entries go through one queue to one task ([`writer`]), so
//! that the order of calls is the order in which they are stored. Each entity's SQL stands in the file of its name;
//! changes take their locks that of names first, then raids (whose locks guard the numbers of their players), then
//! encounters, then streams, then hashes of uploads. Who puts what is derived shares the lock of names, and has his turn at
//! them last. Those of people take invitations first, then people, then how they
//! sign in, then accounts, then sessions or keys or characters. So no two wait for each other. A lost connection is `Unavailable` and
//! made anew by the next call. Deliberately not here: retries beyond that (the caller knows whether it still wants it) and
//! logging (errors are passed on).

mod account;
mod append;
mod audit;
mod character;
mod derived;
mod encounter;
mod erase;
mod error;
mod jobs;
mod journal;
mod keep_derived;
mod key;
mod limits;
mod link;
mod look;
mod opt_out;
mod person;
mod player;
mod raid;
mod removal;
mod report;
mod same_fight;
mod search;
mod search_rows;
mod server;
mod session;
mod transfer;
mod upkeep;
mod upload;
mod usage;
mod webhook;
mod writer;

pub use look::look;
pub use server::SEARCH_SETTINGS;

use raidcast_store::queue::Queue;
use raidcast_store::{StoreError, StoreFuture};
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::Semaphore;

use crate::error::{Failure, silent};
use crate::limits::{ANSWER_WAIT, UPLOAD_CONNECTIONS};
use crate::server::Server;
use crate::writer::{JournalWriter, Ping};

/// How a transaction begins whose statements all see what was committed then.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A database on a server, and the task that writes the journal to it.
///
/// Dropping it lets the task write what is queued and end by itself; [`close`](raidcast_store::Upkeep::close) waits for
/// that.
#[derive(Debug)]
pub struct PostgresStore {
    server: Server,
    queue: Queue<Ping>,
    pool: PgPool,
    /// For searches alone, which are told how to go about once a connection.
    searches: PgPool,
    /// One permit a connection of the pool that uploads may have.
    uploads: Semaphore,
}

impl PostgresStore {
    /// Connects to a database and brings its schema up to date.
    ///
    /// `url` is as libpq has it: `postgres://user:password@host:5432/database?sslmode=verify-full`; what it leaves out
    /// comes from libpq's variables (`PGPASSWORD`) and password file. The database has to exist. Needs a tokio
    /// runtime: it starts the writer there.
    ///
    /// # Errors
    /// `Unavailable` if the server is not there or does not let us in, or another relay has the database; `Damaged` if it is too old, or what the
    /// database holds is not ours or of a later version.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let (server, connection, pool) = Server::open(url).await?;
        let searches = server.searches();
        Ok(Self {
            queue: Queue::start(JournalWriter::new(server.clone(), connection)),
            server,
            pool,
            searches,
            uploads: Semaphore::new(UPLOAD_CONNECTIONS),
        })
    }

    /// Bounds how long a caller waits.
    fn answer<'a, T: 'a>(work: impl Future<Output = Result<T, Failure>> + Send + 'a) -> StoreFuture<'a, T> {
        Box::pin(async move {
            let answered = tokio::time::timeout(ANSWER_WAIT, work).await;
            answered.unwrap_or_else(|_| Err(silent().into())).map_err(StoreError::from)
        })
    }

    /// A transaction.
    async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        Self::begin_as(&self.pool, "BEGIN").await
    }

    /// A transaction whose statements all see what was committed when it began.
    async fn snapshot(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        Self::begin_as(&self.pool, SNAPSHOT).await
    }

    /// The same for a search.
    async fn searching(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        Self::begin_as(&self.searches, SNAPSHOT).await
    }

    /// One that begins with a statement, which cannot fail once it has begun. It begins to its end, whoever gives up
    /// meanwhile: of a transaction that was half begun sqlx 0.9 knows nothing, and its connection would serve others inside
    /// it. One that nobody waits for any more is rolled back.
    async fn begin_as(pool: &PgPool, statement: &'static str) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let pool = pool.clone();
        let begun = tokio::spawn(async move { pool.begin_with(statement).await });
        begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    /// Whether text can be stored at all: PostgreSQL's has no NUL, and fails where it is asked for one.
    fn is_storable(text: &str) -> bool {
        !text.contains('\0')
    }
}
