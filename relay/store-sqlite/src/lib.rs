//! The store on SQLite: one file, one writer, group commit, a few readers.
//!
//! One invariant: a write is answered `Ok` only after the transaction that it is in has been committed with
//! `synchronous=FULL`, which in WAL mode means after an fsync of the log. Everything that writes goes through one
//! queue ([`queue`]) to one task ([`writer`]), so that the order of calls is the order of commits; readers see what
//! has been committed. Deliberately not here: retries (the caller knows whether it still wants it) and logging (errors
//! are passed on).

mod error;
mod file;
mod limits;
pub mod private;
mod queue;
mod read;
mod row;
mod transfer;
mod write;
mod writer;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use raidcast_shared::id::{EncounterId, RaidId, StreamId};
use raidcast_store::transfer::{Export, Import, Transfer};
use raidcast_store::{
    Account, AccountId, EncounterRow, Journal, JournalEntry, KeptReport, KeyEncounter, KeyedEncounters, NewEncounter,
    OpenEncounter, Page, RaidRow, ReportLine, Store, StoreError, StoreFuture, StoredStream, Tickets, Unreadable,
};
use sqlx::SqlitePool;

use crate::file::DatabaseFile;
use crate::queue::{Queue, Write};
use crate::writer::Writer;

/// A database file and the task that writes to it.
///
/// Dropping it lets the task write what is queued and end by itself; [`Store::close`] waits for that and leaves no
/// WAL behind.
#[derive(Debug)]
pub struct SqliteStore {
    file: Arc<DatabaseFile>,
    queue: Queue,
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
        Ok(Self { queue: Writer::start(Arc::clone(&file), owner, connection), file, readers })
    }

    /// Bounds the file's size in pages of 4 KiB, as a full disk would: for tests. What it has already it keeps.
    pub async fn set_pages_max(&self, pages: u32) -> Result<(), StoreError> {
        self.queue.set_pages_max(pages).await
    }

    fn write<W: Write>(&self, write: W) -> StoreFuture<'_, W::Output> {
        Box::pin(self.queue.write(write))
    }

    fn read<'a, T: 'a>(
        read: impl Future<Output = Result<T, read::Failure>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        Box::pin(async move { read.await.map_err(StoreError::from) })
    }
}

impl Journal for SqliteStore {
    fn append(&self, entry: JournalEntry) -> StoreFuture<'static, ()> {
        self.queue.append(&entry)
    }
}

impl Store for SqliteStore {
    fn account<'a>(&'a self, name: &'a str, channel_if_new: &'a str) -> StoreFuture<'a, Account> {
        Box::pin(async move {
            if let Some(account) = read::account_by_name(&self.readers, name).await? {
                return Ok(account);
            }
            self.queue.write(write::AddAccount { name: name.into(), channel: channel_if_new.into() }).await
        })
    }

    fn account_by_channel<'a>(&'a self, channel: &'a str) -> StoreFuture<'a, Option<Account>> {
        Self::read(read::account_by_channel(&self.readers, channel))
    }

    fn channel(&self, account: AccountId) -> StoreFuture<'_, Option<String>> {
        Self::read(read::channel(&self.readers, account))
    }

    fn insert_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()> {
        self.write(write::InsertRaid(raid.clone()))
    }

    fn update_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()> {
        self.write(write::UpdateRaid(raid.clone()))
    }

    fn touch_raid<'a>(&'a self, code: &'a str, active_at_ms: i64) -> StoreFuture<'a, ()> {
        self.write(write::TouchRaid { code: code.into(), active_at_ms })
    }

    fn renew_tickets<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<Tickets>> {
        self.write(write::RenewTickets { code: code.into() })
    }

    fn raid_by_id(&self, id: RaidId) -> StoreFuture<'_, Option<RaidRow>> {
        Self::read(read::raid_by_id(&self.readers, id))
    }

    fn raid_by_code<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<RaidRow>> {
        Self::read(read::raid_by_code(&self.readers, code))
    }

    fn newest_raid(&self, account: AccountId) -> StoreFuture<'_, Option<RaidRow>> {
        Self::read(read::newest_raid(&self.readers, account))
    }

    fn begin_encounter<'a>(&'a self, new: &'a NewEncounter) -> StoreFuture<'a, EncounterRow> {
        self.write(write::BeginEncounter(new.clone()))
    }

    fn begin_stream<'a>(&'a self, encounter: i64, stream: &'a StoredStream) -> StoreFuture<'a, ()> {
        self.write(write::BeginStream { encounter, stream: stream.clone() })
    }

    fn drop_stream(&self, encounter: i64, stream: StreamId) -> StoreFuture<'_, ()> {
        self.write(write::DropStream { encounter, stream })
    }

    fn move_encounter<'a>(&'a self, encounter: i64, raid_code: &'a str) -> StoreFuture<'a, ()> {
        self.write(write::MoveEncounter { encounter, raid_code: raid_code.into() })
    }

    fn encounter(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, Option<EncounterRow>> {
        Self::read(read::encounter(&self.readers, account, id))
    }

    fn live_encounters(&self) -> StoreFuture<'_, Vec<Result<EncounterRow, Unreadable>>> {
        Self::read(read::live_encounters(&self.readers))
    }

    fn open_encounter(&self, encounter: i64) -> StoreFuture<'_, Option<OpenEncounter>> {
        Self::read(read::open_encounter(&self.readers, encounter))
    }

    fn keep_report<'a>(&'a self, report: &'a KeptReport) -> StoreFuture<'a, ()> {
        self.write(write::KeepReport(report.clone()))
    }

    fn reopen_report(&self, encounter: i64) -> StoreFuture<'_, ()> {
        self.write(write::ReopenReport { encounter })
    }

    fn report<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<(EncounterRow, Option<Bytes>)>> {
        Self::read(read::report(&self.readers, report_id))
    }

    fn report_log<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<Bytes>> {
        Self::read(read::report_log(&self.readers, report_id))
    }

    fn public_reports(&self, page: Page) -> StoreFuture<'_, (Vec<ReportLine>, u64)> {
        Self::read(read::public_reports(&self.readers, page))
    }

    fn raid_reports<'a>(&'a self, raid_code: &'a str) -> StoreFuture<'a, Vec<ReportLine>> {
        Self::read(read::raid_reports(&self.readers, raid_code))
    }

    fn discard(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, bool> {
        self.write(write::Discard { account, id })
    }

    fn report_of(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, Option<String>> {
        Self::read(read::report_of(&self.readers, account, id))
    }

    fn encounters_since(&self, account: AccountId, since_ms: i64, now_ms: i64) -> StoreFuture<'_, u64> {
        Self::read(read::encounters_since(&self.readers, account, since_ms, now_ms))
    }

    fn key_encounters(&self, key: KeyEncounter) -> StoreFuture<'_, KeyedEncounters> {
        Box::pin(async move {
            let (replaced, ids) = self.queue.write(write::KeyEncounters(key)).await?;
            let wiped = match ids {
                write::Ids::Wiped => Ok(()),
                write::Ids::Keyed => match self.queue.rewrite().await {
                    Ok(()) => self.queue.write(write::SetIds(write::Ids::Wiped)).await,
                    Err(error) => Err(error),
                },
            };
            Ok(KeyedEncounters { replaced, wiped })
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        self.write(write::Ping)
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            // Readers first: the last connection to close is the writer's, which takes the WAL away.
            self.readers.close().await;
            self.queue.close().await
        })
    }
}

impl Transfer for SqliteStore {
    fn export(&self) -> StoreFuture<'_, Box<dyn Export>> {
        Box::pin(async move { Ok(Box::new(transfer::Transaction::export(&self.file).await?) as Box<dyn Export>) })
    }

    fn import(&self) -> StoreFuture<'_, Box<dyn Import>> {
        Box::pin(async move { Ok(Box::new(transfer::Transaction::import(&self.file).await?) as Box<dyn Import>) })
    }
}
