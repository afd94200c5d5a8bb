//! One writer over the storage generations, moved through a fight step by step.

use std::path::Path;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};

use crate::aggregate::{AggregateWriter, Hits};
use crate::chunks::ChunkWriter;
use crate::error::MeterkitError;
use crate::fight::Fight;
use crate::playhead::BULK_EVENTS;
use crate::summary::{Layout, SummaryWriter};

/// The most events a meter puts into one transaction.
const TRANSACTION_EVENTS_MAX: usize = 100;

/// How long a meter waits for a lock before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Statements kept prepared: more than either writer has.
const STATEMENTS: usize = 64;

/// How a meter stores a fight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// A row per hit while the fight goes on, then a row per attacker, target and skill with a short array of hits.
    Events,
    /// A row per attacker, target and skill, with counters alone.
    Counters,
    /// A row per attacker, target and skill, whose JSON array of hits grows.
    Aggregate,
    /// One packed summary when the fight is over.
    Summary,
    /// Sealed chunks of events, at most two seconds each.
    Chunks,
}

impl Generation {
    /// Those that keep every hit of a fight for ever in full, for tests that hold for both.
    pub const ALL: [Self; 2] = [Self::Aggregate, Self::Chunks];

    /// Every one there was, in order.
    pub const EVERY: [Self; 5] = [Self::Events, Self::Counters, Self::Aggregate, Self::Summary, Self::Chunks];
}

/// Writes fights into one database, as the meter that owns it does.
///
/// A fight goes `begin`, any number of `advance_to`, then `end` or `reset`. Dropping the writer in between is the
/// meter's crash: what was committed stays, what a chunk had gathered is lost.
#[derive(Debug)]
pub struct MeterWriter(Inner);

#[derive(Debug)]
enum Inner {
    Aggregate(Box<AggregateWriter>),
    Summary(Box<SummaryWriter>),
    Chunks(Box<ChunkWriter>),
}

impl MeterWriter {
    /// Opens the database at `path`, making it with its tables if it is not there.
    pub async fn open(path: &Path, generation: Generation) -> Result<Self, MeterkitError> {
        let connection = connect(path).await?;
        let hits = match generation {
            Generation::Events => Hits::Rows,
            Generation::Counters => Hits::Nowhere,
            Generation::Aggregate => Hits::Arrays,
            Generation::Summary => {
                let writer = SummaryWriter::new(connection, Layout::Effective).await?;
                return Ok(Self(Inner::Summary(Box::new(writer))));
            }
            Generation::Chunks => {
                return Ok(Self(Inner::Chunks(Box::new(ChunkWriter::new(connection).await?))));
            }
        };
        Ok(Self(Inner::Aggregate(Box::new(AggregateWriter::new(connection, hits).await?))))
    }

    /// Opens the database of a meter that packs its summaries in another layout than the best known one.
    pub async fn open_summary(path: &Path, layout: Layout) -> Result<Self, MeterkitError> {
        Ok(Self(Inner::Summary(Box::new(SummaryWriter::new(connect(path).await?, layout).await?))))
    }

    /// How it stores.
    pub fn generation(&self) -> Generation {
        match &self.0 {
            Inner::Aggregate(writer) => match writer.hits() {
                Hits::Rows => Generation::Events,
                Hits::Nowhere => Generation::Counters,
                Hits::Arrays => Generation::Aggregate,
            },
            Inner::Summary(_) => Generation::Summary,
            Inner::Chunks(_) => Generation::Chunks,
        }
    }

    /// Begins a fight and commits its row, whose id it returns.
    ///
    /// A fight that was open before stays as it is, never ended.
    pub async fn begin(&mut self, fight: &Fight) -> Result<i64, MeterkitError> {
        match &mut self.0 {
            Inner::Aggregate(writer) => writer.begin(fight).await,
            Inner::Summary(writer) => writer.begin(fight).await,
            Inner::Chunks(writer) => writer.begin(fight).await,
        }
    }

    /// Writes and commits all that happens up to `ms` since the fight began, inclusive, a hundred events at a time.
    ///
    /// Of chunks it commits what is sealed by then: up to two seconds of events are still to come, as in play.
    ///
    /// # Errors
    /// `NoFight` before `begin`.
    pub async fn advance_to(&mut self, ms: i64) -> Result<(), MeterkitError> {
        self.advance(ms, TRANSACTION_EVENTS_MAX).await
    }

    /// As `advance_to`, in large transactions: to come to a moment of the fight that is to be watched.
    ///
    /// # Errors
    /// `NoFight` before `begin`.
    pub async fn skip_to(&mut self, ms: i64) -> Result<(), MeterkitError> {
        self.advance(ms, BULK_EVENTS).await
    }

    /// As `advance_to`, in transactions of another size.
    pub(crate) async fn advance(&mut self, ms: i64, transaction_events: usize) -> Result<(), MeterkitError> {
        match &mut self.0 {
            Inner::Aggregate(writer) => writer.advance_to(ms, transaction_events).await,
            Inner::Summary(writer) => writer.advance_to(ms),
            Inner::Chunks(writer) => writer.advance_to(ms, transaction_events).await,
        }
    }

    /// Writes the rest of the fight, in large transactions, and ends it, even one whose script leaves it open.
    ///
    /// # Errors
    /// `NoFight` before `begin`.
    pub async fn end(&mut self) -> Result<(), MeterkitError> {
        match &mut self.0 {
            Inner::Aggregate(writer) => writer.end().await,
            Inner::Summary(writer) => writer.end().await,
            Inner::Chunks(writer) => writer.end().await,
        }
    }

    /// Ends the fight where it stands, as the player's reset does: what has not been played never will be.
    ///
    /// # Errors
    /// `NoFight` before `begin`.
    pub async fn reset(&mut self) -> Result<(), MeterkitError> {
        match &mut self.0 {
            Inner::Aggregate(writer) => writer.reset().await,
            Inner::Summary(writer) => writer.reset().await,
            Inner::Chunks(writer) => writer.reset().await,
        }
    }

    /// Does what the meter does with fights left open when it starts again after a crash.
    ///
    /// Meters with rows for skills end them at `now_unix_ms`, which gives them nonsense durations; that of chunks deletes
    /// them; the summary never had them, and renumbers all its rows.
    pub async fn restart(&mut self, now_unix_ms: i64) -> Result<(), MeterkitError> {
        match &mut self.0 {
            Inner::Aggregate(writer) => writer.restart(now_unix_ms).await,
            Inner::Summary(writer) => writer.restart().await,
            Inner::Chunks(writer) => writer.restart().await,
        }
    }

    /// Closes the database, which folds its write-ahead log into it.
    pub async fn close(self) -> Result<(), MeterkitError> {
        match self.0 {
            Inner::Aggregate(writer) => writer.close().await,
            Inner::Summary(writer) => writer.close().await,
            Inner::Chunks(writer) => writer.close().await,
        }
    }
}

/// A connection with the meters' pragmas.
pub(crate) async fn connect(path: &Path) -> Result<SqliteConnection, MeterkitError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS);
    Ok(options.connect().await?)
}
