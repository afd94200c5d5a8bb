//! A look at a database file that changes nothing, and leaves nothing beside it.

use std::fs::TryLockError;
use std::path::{Path, PathBuf};

use raidcast_store::StoreError;
use raidcast_store::look::{ADMINISTRATORS, AppliedChange, Looked, by_administrator, not_ours, waiting};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::error::store_error;
use crate::limits::BUSY_WAIT;

/// A file that stands beside the database.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Looks at a file that is there.
///
/// # Errors
/// `Unavailable` if it cannot be read or written now; `Damaged` if it is not ours or of a later version.
pub async fn look(path: &Path) -> Result<Looked, StoreError> {
    let path = &*std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
    // Opened, it is as it was before.
    let opened = std::fs::OpenOptions::new().write(true).open(path);
    opened
        .map_err(|error| StoreError::Unavailable(format!("the file {} cannot be written: {error}", path.display())))?;
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    // Opened as others do it, a database without these files would get them.
    let has_log = size(&beside(path, "-wal")) > 0 && beside(path, "-shm").exists();
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(!has_log);
    let looking = async {
        let mut connection = options.busy_timeout(BUSY_WAIT).disable_statement_logging().connect().await?;
        let tables: Vec<(String,)> =
            sqlx::query_as("SELECT name FROM sqlite_schema WHERE type = 'table'").fetch_all(&mut connection).await?;
        let has_changes = tables.iter().any(|(name,)| name == "_sqlx_migrations");
        let applied: Vec<(i64, Vec<u8>, bool)> = if has_changes {
            let changes = "SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version";
            sqlx::query_as(changes).fetch_all(&mut connection).await?
        } else {
            Vec::new()
        };
        let people: Vec<(i64, String)> = if tables.iter().any(|(name,)| name == "sign_ins") {
            sqlx::query_as(ADMINISTRATORS).fetch_all(&mut connection).await?
        } else {
            Vec::new()
        };
        connection.close().await?;
        Ok((tables.len(), has_changes, applied, people))
    };
    let (tables, has_changes, applied, people) = looking.await.map_err(|error: sqlx::Error| store_error(&error))?;
    if tables > 0 && !has_changes {
        return Err(not_ours());
    }
    let applied = applied.into_iter().map(|(version, checksum, success)| AppliedChange { version, checksum, success });
    let applied: Vec<_> = applied.collect();
    let known = sqlx::migrate!("../../migrations/sqlite");
    let waiting = waiting(known.iter().map(|change| (change.version, &*change.checksum)), &applied)?;
    let administrators = by_administrator(&people);
    Ok(Looked { is_new: applied.is_empty(), waiting, in_use: in_use(path), administrators })
}

/// Whether a relay has it, as far as that can be told.
fn in_use(path: &Path) -> bool {
    let Ok(owner) = std::fs::File::open(beside(path, "-owner")) else { return false };
    // Shared, so that two who look do not see each other; given back at once.
    matches!(owner.try_lock_shared(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteStore;
    use raidcast_store::Upkeep as _;

    fn entries(folder: &Path) -> Vec<(String, u64)> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let mut all: Vec<_> = entries
            .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.metadata().unwrap().len()))
            .collect();
        all.sort();
        all
    }

    #[tokio::test]
    async fn a_look_changes_nothing_whether_a_relay_has_the_file_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raidcast.db");
        let store = SqliteStore::open(&path).await.unwrap();
        let looked = look(&path).await.unwrap();
        assert_eq!(looked, Looked { in_use: true, ..Looked::default() });
        store.close().await.unwrap();
        drop(store);
        let before = entries(folder.path());
        let looked = look(&path).await.unwrap();
        assert_eq!(looked, Looked::default());
        assert_eq!(entries(folder.path()), before);
    }

    #[tokio::test]
    async fn what_is_no_database_of_a_relay_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.db");
        std::fs::write(&path, "no database at all, but a text that is long enough to be one".repeat(20)).unwrap();
        assert!(matches!(look(&path).await, Err(StoreError::Damaged(_))), "{:?}", look(&path).await);
        std::fs::write(&path, "").unwrap();
        let looked = look(&path).await.unwrap();
        assert!(looked.is_new && looked.waiting > 0);
        let options = SqliteConnectOptions::new().filename(&path);
        let mut other = options.connect().await.unwrap();
        sqlx::query("CREATE TABLE songs (name TEXT)").execute(&mut other).await.unwrap();
        other.close().await.unwrap();
        assert!(look(&path).await.unwrap_err().to_string().contains("another program"));
        assert_eq!(entries(folder.path()).len(), 1);
    }
}
