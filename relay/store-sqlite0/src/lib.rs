//! The Raidcast store on SQLite: one writer that groups commits, a few readers.
//!
//! One invariant: with WAL and `synchronous=FULL` a commit that has returned is on stable storage, so an answer after
//! it can be acknowledged. Deliberately not here: what the bytes mean.

mod read;
mod write;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt;
use raidcast_shared::id::{EncounterId, RaidId};
use raidcast_store::{
    Account, AccountId, EncounterRow, Journal, JournalEntry, KeptReport, NewEncounter, OpenEncounter, Page, RaidRow,
    ReportLine, Store, StoreError, StoreFuture, StoredStream,
};
use bytes::Bytes;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlitePool};

use writer::Writer;

/// Connections that read at the same time.
const READERS: u32 = 4;
/// How long a statement waits for another program's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: SqlitePool,
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

impl SqliteStore {
    /// Opens the database, made and migrated if need be.
    ///
    /// # Errors
    /// `Unavailable` if the file cannot be used, `Damaged` if it is another program's or a later version's.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|error| StoreError::Unavailable(format!("{}: {error}", folder.display())))?;
        }
        let mut connection = options(path).create_if_missing(true).connect().await.map_err(store_error)?;
        sqlx::migrate!("./migrations")
            .run(&mut connection)
            .await
            .map_err(|error| StoreError::Damaged(format!("{}: {error}", path.display())))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_lazy_with(options(path).read_only(true));
        Ok(Self { writer: Writer::start(connection, PathBuf::from(path)), readers })
    }

    /// Bounds the file's size in pages, as a full disk would: for tests.
    ///
    /// # Errors
    /// As any write.
    pub async fn set_pages_max(&self, pages: u32) -> Result<(), StoreError> {
        self.writer.run(move |c| write::set_pages_max(c, pages).boxed()).await
    }
}

/// What an error of SQLite means to the caller.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(error) if error.code().is_some_and(|code| !is_passing(&code)) => {
            StoreError::Damaged(error.to_string())
        }
        sqlx::Error::RowNotFound
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_) => StoreError::Damaged(error.to_string()),
        other => StoreError::Unavailable(other.to_string()),
    }
}

/// Whether an (extended) result code of SQLite goes by: busy, locked, no memory, read-only, I/O, full, cannot open.
fn is_passing(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 7 | 8 | 10 | 13 | 14))
}

impl Journal for SqliteStore {
    fn append(&self, entry: JournalEntry) -> StoreFuture<'static, ()> {
        self.writer.append(entry)
    }
}

impl Store for SqliteStore {
    fn account<'a>(&'a self, name: &'a str, channel_if_new: &'a str) -> StoreFuture<'a, Account> {
        async move {
            if let Some(account) = read::account_by_name(&self.readers, name).await? {
                return Ok(account);
            }
            let (name, channel) = (name.to_owned(), channel_if_new.to_owned());
            self.writer.run(move |c| async move { write::account(c, &name, &channel).await }.boxed()).await
        }
        .boxed()
    }

    fn account_by_channel<'a>(&'a self, channel: &'a str) -> StoreFuture<'a, Option<Account>> {
        read::account_by_channel(&self.readers, channel).boxed()
    }

    fn channel(&self, account: AccountId) -> StoreFuture<'_, Option<String>> {
        read::channel(&self.readers, account).boxed()
    }

    fn insert_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()> {
        let raid = raid.clone();
        self.writer.run(move |c| async move { write::insert_raid(c, &raid).await }.boxed()).boxed()
    }

    fn update_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()> {
        let raid = raid.clone();
        self.writer.run(move |c| async move { write::update_raid(c, &raid).await }.boxed()).boxed()
    }

    fn raid_by_id(&self, id: RaidId) -> StoreFuture<'_, Option<RaidRow>> {
        read::raid_by_id(&self.readers, id).boxed()
    }

    fn raid_by_code<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<RaidRow>> {
        read::raid_by_code(&self.readers, code).boxed()
    }

    fn newest_raid(&self, account: AccountId) -> StoreFuture<'_, Option<RaidRow>> {
        read::newest_raid(&self.readers, account).boxed()
    }

    fn begin_encounter<'a>(&'a self, new: &'a NewEncounter) -> StoreFuture<'a, EncounterRow> {
        let new = new.clone();
        self.writer.run(move |c| async move { write::begin_encounter(c, &new).await }.boxed()).boxed()
    }

    fn begin_stream<'a>(&'a self, encounter: i64, stream: &'a StoredStream) -> StoreFuture<'a, ()> {
        let stream = stream.clone();
        self.writer.run(move |c| async move { write::begin_stream(c, encounter, &stream).await }.boxed()).boxed()
    }

    fn move_encounter<'a>(&'a self, encounter: i64, raid_code: &'a str) -> StoreFuture<'a, ()> {
        let code = raid_code.to_owned();
        self.writer.run(move |c| async move { write::move_encounter(c, encounter, &code).await }.boxed()).boxed()
    }

    fn encounter(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, Option<EncounterRow>> {
        read::encounter(&self.readers, account, id).boxed()
    }

    fn open_encounters(&self) -> StoreFuture<'_, Vec<OpenEncounter>> {
        read::open_encounters(&self.readers).boxed()
    }

    fn open_encounter(&self, encounter: i64) -> StoreFuture<'_, Option<OpenEncounter>> {
        read::open_encounter(&self.readers, encounter).boxed()
    }

    fn keep_report<'a>(&'a self, report: &'a KeptReport) -> StoreFuture<'a, ()> {
        let report = report.clone();
        self.writer.run(move |c| async move { write::keep_report(c, &report).await }.boxed()).boxed()
    }

    fn reopen_report(&self, encounter: i64) -> StoreFuture<'_, ()> {
        self.writer.run(move |c| write::reopen_report(c, encounter).boxed()).boxed()
    }

    fn report<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<(EncounterRow, Option<Bytes>)>> {
        read::report(&self.readers, report_id).boxed()
    }

    fn report_log<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<Bytes>> {
        read::report_log(&self.readers, report_id).boxed()
    }

    fn public_reports(&self, page: Page) -> StoreFuture<'_, (Vec<ReportLine>, u64)> {
        read::public_reports(&self.readers, page).boxed()
    }

    fn raid_reports<'a>(&'a self, raid_code: &'a str) -> StoreFuture<'a, Vec<ReportLine>> {
        read::raid_reports(&self.readers, raid_code).boxed()
    }

    fn discard<'a>(&'a self, account: AccountId, id: EncounterId) -> StoreFuture<'a, bool> {
        self.writer.run(move |c| write::discard(c, account, id).boxed()).boxed()
    }

    fn encounters_since(&self, account: AccountId, since_ms: i64) -> StoreFuture<'_, u64> {
        read::encounters_since(&self.readers, account, since_ms).boxed()
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        self.writer.run(|c| write::ping(c).boxed()).boxed()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        async move {
            self.readers.close().await;
            self.writer.close().await
        }
        .boxed()
    }
}
