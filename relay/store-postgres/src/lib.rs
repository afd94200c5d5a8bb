//! The store on PostgreSQL 15 or newer: a writer for the journal with group commit, a pool for everything else.
//!
//! One invariant: a write is answered `Ok` only after its transaction has been committed with `synchronous_commit` at
//! least `on`, which means after the server's fsync. Journal entries go through one queue ([`queue`]) to one task
//! ([`writer`]), so that the order of calls is the order in which they are stored. A lost connection is `Unavailable`
//! and made anew by the next call. Deliberately not here: retries beyond that (the caller knows whether it still wants
//! it) and logging (errors are passed on).

mod error;
mod journal;
mod limits;
mod queue;
mod read;
mod row;
mod server;
mod transfer;
mod write;
mod writer;

use bytes::Bytes;
use raidcast_shared::id::{EncounterId, RaidId, StreamId};
use raidcast_store::transfer::{Export, Import, Transfer};
use raidcast_store::{
    Account, AccountId, EncounterRow, Journal, JournalEntry, KeptReport, KeyEncounter, KeyedEncounters, NewEncounter,
    OpenEncounter, Page, RaidRow, ReportLine, Store, StoreError, StoreFuture, StoredStream, Tickets, Unreadable,
};
use sqlx::PgPool;

use crate::error::{Failure, silent};
use crate::limits::ANSWER_WAIT;
use crate::queue::Queue;
use crate::server::Server;
use crate::writer::Writer;

/// A database on a server, and the task that writes the journal to it.
///
/// Dropping it lets the task write what is queued and end by itself; [`Store::close`] waits for that.
#[derive(Debug)]
pub struct PostgresStore {
    server: Server,
    queue: Queue,
    pool: PgPool,
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
        Ok(Self { queue: Writer::start(server.clone(), connection), server, pool })
    }

    /// Bounds how long a caller waits.
    fn answer<'a, T: 'a>(work: impl Future<Output = Result<T, Failure>> + Send + 'a) -> StoreFuture<'a, T> {
        Box::pin(async move {
            let answered = tokio::time::timeout(ANSWER_WAIT, work).await;
            answered.unwrap_or_else(|_| Err(silent().into())).map_err(StoreError::from)
        })
    }
}

impl Journal for PostgresStore {
    fn append(&self, entry: JournalEntry) -> StoreFuture<'static, ()> {
        self.queue.append(&entry)
    }
}

impl Store for PostgresStore {
    fn account<'a>(&'a self, name: &'a str, channel_if_new: &'a str) -> StoreFuture<'a, Account> {
        Self::answer(write::account(&self.pool, name, channel_if_new))
    }

    fn account_by_channel<'a>(&'a self, channel: &'a str) -> StoreFuture<'a, Option<Account>> {
        Self::answer(read::account_by_channel(&self.pool, channel))
    }

    fn channel(&self, account: AccountId) -> StoreFuture<'_, Option<String>> {
        Self::answer(read::channel(&self.pool, account))
    }

    fn insert_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()> {
        Self::answer(write::insert_raid(&self.pool, raid))
    }

    fn update_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()> {
        Self::answer(write::update_raid(&self.pool, raid))
    }

    fn touch_raid<'a>(&'a self, code: &'a str, active_at_ms: i64) -> StoreFuture<'a, ()> {
        Self::answer(write::touch_raid(&self.pool, code, active_at_ms))
    }

    fn renew_tickets<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<Tickets>> {
        Self::answer(write::renew_tickets(&self.pool, code))
    }

    fn raid_by_id(&self, id: RaidId) -> StoreFuture<'_, Option<RaidRow>> {
        Self::answer(read::raid_by_id(&self.pool, id))
    }

    fn raid_by_code<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<RaidRow>> {
        Self::answer(read::raid_by_code(&self.pool, code))
    }

    fn newest_raid(&self, account: AccountId) -> StoreFuture<'_, Option<RaidRow>> {
        Self::answer(read::newest_raid(&self.pool, account))
    }

    fn begin_encounter<'a>(&'a self, new: &'a NewEncounter) -> StoreFuture<'a, EncounterRow> {
        Self::answer(write::begin_encounter(&self.pool, new))
    }

    fn begin_stream<'a>(&'a self, encounter: i64, stream: &'a StoredStream) -> StoreFuture<'a, ()> {
        Self::answer(write::begin_stream(&self.pool, encounter, stream))
    }

    fn drop_stream(&self, encounter: i64, stream: StreamId) -> StoreFuture<'_, ()> {
        Self::answer(write::drop_stream(&self.pool, encounter, stream))
    }

    fn move_encounter<'a>(&'a self, encounter: i64, raid_code: &'a str) -> StoreFuture<'a, ()> {
        Self::answer(write::move_encounter(&self.pool, encounter, raid_code))
    }

    fn encounter(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, Option<EncounterRow>> {
        Self::answer(read::encounter(&self.pool, account, id))
    }

    fn live_encounters(&self) -> StoreFuture<'_, Vec<Result<EncounterRow, Unreadable>>> {
        // Unbounded: all journals of a large relay take what they take, and nobody else waits for it.
        Box::pin(async move { Ok(read::live_encounters(&self.pool).await?) })
    }

    fn open_encounter(&self, encounter: i64) -> StoreFuture<'_, Option<OpenEncounter>> {
        Self::answer(read::open_encounter(&self.pool, encounter))
    }

    fn keep_report<'a>(&'a self, report: &'a KeptReport) -> StoreFuture<'a, ()> {
        Self::answer(write::keep_report(&self.pool, report))
    }

    fn reopen_report(&self, encounter: i64) -> StoreFuture<'_, ()> {
        Self::answer(write::reopen_report(&self.pool, encounter))
    }

    fn report<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<(EncounterRow, Option<Bytes>)>> {
        Self::answer(read::report(&self.pool, report_id))
    }

    fn report_log<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<Bytes>> {
        Self::answer(read::report_log(&self.pool, report_id))
    }

    fn public_reports(&self, page: Page) -> StoreFuture<'_, (Vec<ReportLine>, u64)> {
        Self::answer(read::public_reports(&self.pool, page))
    }

    fn raid_reports<'a>(&'a self, raid_code: &'a str) -> StoreFuture<'a, Vec<ReportLine>> {
        Self::answer(read::raid_reports(&self.pool, raid_code))
    }

    fn discard(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, bool> {
        Self::answer(write::discard(&self.pool, account, id))
    }

    fn report_of(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, Option<String>> {
        Self::answer(read::report_of(&self.pool, account, id))
    }

    fn encounters_since(&self, account: AccountId, since_ms: i64, now_ms: i64) -> StoreFuture<'_, u64> {
        Self::answer(read::encounters_since(&self.pool, account, since_ms, now_ms))
    }

    fn key_encounters(&self, key: KeyEncounter) -> StoreFuture<'_, KeyedEncounters> {
        // Unbounded: a large relay's fights take what they take, once.
        Box::pin(async move {
            let mut connection = self.server.connect().await?;
            Ok(write::key_encounters(&mut connection, &key).await?)
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        Self::answer(async { Ok(self.queue.ping().await?) })
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            self.queue.close().await?;
            // Closing waits for what others are at; a server that is gone does not keep them longer than this.
            let _ = tokio::time::timeout(ANSWER_WAIT, self.pool.close()).await;
            Ok(())
        })
    }
}

impl Transfer for PostgresStore {
    fn export(&self) -> StoreFuture<'_, Box<dyn Export>> {
        Box::pin(async move { Ok(Box::new(transfer::Transaction::export(&self.server).await?) as Box<dyn Export>) })
    }

    fn import(&self) -> StoreFuture<'_, Box<dyn Import>> {
        Box::pin(async move { Ok(Box::new(transfer::Transaction::import(&self.server).await?) as Box<dyn Import>) })
    }
}
