//! What PostgreSQL's errors mean to a caller of the store.

use raidcast_store::StoreError;
use sqlx::migrate::MigrateError;

/// Why something was not done or answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What the database holds does not allow it, or is not what it should be.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// PostgreSQL failed.
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

/// Says it in the words of the seam: `Unavailable` is what passes when the server or the way to it is mended,
/// `Damaged` what does not. Codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
pub(crate) fn store_error(error: &sqlx::Error) -> StoreError {
    let what = match error {
        sqlx::Error::Database(database) => match database.code().as_deref().unwrap_or_default() {
            "53100" => "the server's disk is full: free some space",
            "53300" => "the server has no connection left: let it have more, or its other clients fewer",
            "25006" => "the server takes no writes: it is a standby, or set to read only",
            "28000" | "28P01" => "the server does not let this user in: check name, password and pg_hba.conf",
            "3D000" => "there is no such database on the server: make it (createdb)",
            "42501" => "this user may not do that: let it own the database",
            "40001" | "40P01" | "55P03" | "57014" => "something else in the database is in the way",
            code => match code.get(..2).unwrap_or_default() {
                // A plan, or a connection, that will not do any more.
                "0A" | "25" | "40" | "55" => "something else in the database is in the way",
                "08" | "57" => "the server is not there, or on its way down or up",
                "53" | "58" => "the server's machine is in trouble: look at its log",
                _ => return StoreError::Damaged(error.to_string()),
            },
        },
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => "the connection to the server is lost, or none can be made",
        sqlx::Error::Tls(_) => "no safe connection to the server can be made",
        sqlx::Error::PoolTimedOut => "the server cannot be reached, or all connections to it are busy",
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => "it is closed",
        _ => return StoreError::Damaged(error.to_string()),
    };
    StoreError::Unavailable(format!("{what} ({error})"))
}

/// Whether the connection is gone, so that another one may serve.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => true,
        // Class 57, operator intervention, without a query that was cancelled.
        sqlx::Error::Database(database) => {
            database.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P"))
        }
        _ => false,
    }
}

/// Why the schema could not be brought up to date.
pub(crate) fn migrate_error(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => store_error(&error),
        MigrateError::ExecuteMigration(error, version) => match store_error(&error) {
            StoreError::Damaged(why) => StoreError::Damaged(format!(
                "its schema cannot be brought to version {version}: {why}. Give the relay a database of its own"
            )),
            unavailable @ StoreError::Unavailable(_) => unavailable,
        },
        MigrateError::VersionMissing(version) => StoreError::later_schema(version),
        other => StoreError::Damaged(other.to_string()),
    }
}

/// What is answered when the server has not answered in time.
pub(crate) fn silent() -> StoreError {
    StoreError::Unavailable("the server does not answer: check it, and the network to it".into())
}
