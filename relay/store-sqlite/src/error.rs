//! What SQLite's errors mean to a caller of the store.

use raidcast_store::StoreError;
use sqlx::migrate::MigrateError;

/// Why something was not done or answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What the database holds does not allow it, or is not what it should be: a transaction goes on without it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// SQLite failed: a transaction cannot go on.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error,
            Failure::Sql(error) => store_error(&error),
        }
    }
}

/// SQLite's primary result codes that matter here: <https://www.sqlite.org/rescode.html>.
mod code {
    pub(super) const PERM: i32 = 3;
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const NOMEM: i32 = 7;
    pub(super) const READONLY: i32 = 8;
    pub(super) const IOERR: i32 = 10;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const PROTOCOL: i32 = 15;
}

/// Says it in the words of the seam: `Unavailable` is what passes when the machine is mended, `Damaged` what does not.
pub(crate) fn store_error(error: &sqlx::Error) -> StoreError {
    let what = match error {
        sqlx::Error::Database(_) => match primary_code(error) {
            Some(code::FULL) => "the disk is full: free some space",
            Some(code::BUSY | code::LOCKED | code::PROTOCOL) => {
                "another program holds a lock on the database file: let it end, or stop it"
            }
            Some(code::READONLY | code::PERM) => "the database file cannot be written: check permissions and mount",
            Some(code::CANTOPEN) => "the database file cannot be opened: check its folder and permissions",
            Some(code::IOERR) => "the disk reports errors: check it",
            Some(code::NOMEM) => "the machine is out of memory",
            _ => return StoreError::Damaged(error.to_string()),
        },
        sqlx::Error::Io(_) => "the database file cannot be read or written",
        sqlx::Error::PoolTimedOut => "all readers are busy",
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => "it is closed",
        _ => return StoreError::Damaged(error.to_string()),
    };
    StoreError::Unavailable(format!("{what} ({error})"))
}

/// Whether a transaction that failed so may succeed in parts: a small write where a large one did not fit, all others
/// where one broke a constraint.
pub(crate) fn may_succeed_in_parts(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(code::FULL) || matches!(store_error(error), StoreError::Damaged(_))
}

/// Why the schema could not be brought up to date.
pub(crate) fn migrate_error(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => store_error(&error),
        MigrateError::VersionMissing(version) => StoreError::later_schema(version),
        other => StoreError::Damaged(other.to_string()),
    }
}

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    // SQLite puts the extended code into the higher bytes.
    Some(error.as_database_error()?.code()?.parse::<i32>().ok()? & 0xff)
}
