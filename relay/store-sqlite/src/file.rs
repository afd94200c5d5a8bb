//! The database file: how connections to it are opened, and whether the path still leads to it.

use std::fs::TryLockError;
use std::path::{Path, PathBuf};

use raidcast_store::StoreError;
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, SqlitePool};

use crate::error::{migrate_error, store_error};
use crate::limits::{BUSY_WAIT, OWNER_POLL, OWNER_WAIT, READER_WAIT, READERS, WAL_BYTES_KEPT};
use crate::private;

/// A database file that was opened and has the present schema.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    identity: FileIdentity,
}

impl DatabaseFile {
    /// Opens or makes the file with its folder, brings the schema up to date, and gives the connection for writing.
    pub(crate) async fn open(path: &Path) -> Result<(Self, Owner, SqliteConnection), StoreError> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        private::make_folder(folder).map_err(|error| {
            StoreError::Unavailable(format!("the folder {} cannot be made: {error}", folder.display()))
        })?;
        private::prepare(path);
        // By whatever links the path leads to it, the file has one owner. Where it is not there, opening it says so.
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
        let path = &*real;
        one_name(path)?;
        let owner = Owner::take(path).await?;
        // A pool of one, because a migration that is lent a connection cannot move between threads.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(writing(path).create_if_missing(true))
            .await
            .map_err(|error| store_error(&error))?;
        sqlx::migrate!("../../migrations/sqlite").run(&pool).await.map_err(migrate_error)?;
        let connection = pool.acquire().await.map_err(|error| store_error(&error))?.detach();
        sync_folder(folder).await?;
        let file = Self { path: path.into(), identity: FileIdentity::of(path)? };
        Ok((file, owner, connection))
    }

    /// Opens another connection for writing, to the same file only.
    pub(crate) async fn connect(&self) -> Result<SqliteConnection, StoreError> {
        self.check()?;
        writing(&self.path).connect().await.map_err(|error| store_error(&error))
    }

    /// Connections for reading, opened when they are first needed.
    pub(crate) fn readers(&self) -> SqlitePool {
        SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(READER_WAIT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(common(&self.path).read_only(true))
    }

    /// Whether the path still leads to the file that was opened. Costs one stat, about a µs.
    ///
    /// # Errors
    /// `Unavailable`: it was deleted, moved or replaced, and what is written now would be gone with the process.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if FileIdentity::of(&self.path)? == self.identity {
            return Ok(());
        }
        Err(StoreError::Unavailable(format!(
            "the file {} is not the one that was opened: put that one back, or restart the relay",
            self.path.display()
        )))
    }
}

/// # Errors
/// `Unavailable`: the file has other names, by which another relay could use it unseen.
fn one_name(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    if let Ok(metadata) = std::fs::metadata(path)
        && metadata.is_file()
        && std::os::unix::fs::MetadataExt::nlink(&metadata) > 1
    {
        return Err(StoreError::Unavailable(format!(
            "The file {0} has another name (a hard link), by which a second relay could use it. Remove that name: find \
             it with `find / -xdev -samefile {0}`.",
            path.display()
        )));
    }
    Ok(())
}

/// Keeps other stores from the file, here or in another process: two that fold the same fights would spoil both. It
/// ends with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Owner {
    _locked: std::fs::File,
}

impl Owner {
    /// # Errors
    /// `Unavailable`: another one has it, and still does after [`OWNER_WAIT`].
    async fn take(path: &Path) -> Result<Self, StoreError> {
        let mut name = path.as_os_str().to_owned();
        name.push("-owner");
        let trouble = |error: std::io::Error| {
            StoreError::Unavailable(format!("the file {} cannot be locked: {error}", Path::new(&name).display()))
        };
        let file = private::options().create(true).truncate(false).write(true).open(&name).map_err(trouble)?;
        let deadline = tokio::time::Instant::now() + OWNER_WAIT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _locked: file }),
                Err(TryLockError::WouldBlock) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(OWNER_POLL).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Unavailable(format!(
                        "Another relay uses {}. Stop it, or give this one another --data.",
                        path.display()
                    )));
                }
                // A file system without locks: better unguarded than unusable.
                Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {
                    return Ok(Self { _locked: file });
                }
                Err(TryLockError::Error(error)) => return Err(trouble(error)),
            }
        }
    }
}

/// What stays the same of a file as long as it is the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileIdentity {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

impl FileIdentity {
    fn of(path: &Path) -> Result<Self, StoreError> {
        let metadata = std::fs::metadata(path).map_err(|error| {
            StoreError::Unavailable(format!("the file {} is gone: put it back, or restart ({error})", path.display()))
        })?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Ok(Self { device: metadata.dev(), inode: metadata.ino() })
        }
        #[cfg(not(unix))]
        {
            let _ = metadata;
            Ok(Self {})
        }
    }
}

fn common(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_WAIT).foreign_keys(true).disable_statement_logging()
}

fn writing(path: &Path) -> SqliteConnectOptions {
    common(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // Pages that a finished fight frees are used by the next one; `close` gives back what is left.
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        // What is deleted is overwritten with zeros, in pages that are used and in those that get free.
        .pragma("secure_delete", "ON")
        .pragma("journal_size_limit", WAL_BYTES_KEPT.to_string())
}

/// Puts the names of new files and of the folder itself on stable storage: SQLite syncs contents alone.
async fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    for folder in [Some(folder), folder.parent().filter(|parent| !parent.as_os_str().is_empty())].into_iter().flatten()
    {
        let synced = match tokio::fs::File::open(folder).await {
            Ok(open) => open.sync_all().await,
            // A parent that may be passed through but not read: its entry was not made by us.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(()),
            Err(error) => Err(error),
        };
        synced.map_err(|error| StoreError::Unavailable(format!("the folder {}: {error}", folder.display())))?;
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
