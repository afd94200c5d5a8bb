//! Which database a URL names, and how it is opened.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use raidcast_store::transfer::Transfer;
use raidcast_store::{Store, StoreError};
use raidcast_store_sqlite::SqliteStore;
use raidcast_store_sqlite::private::make_folder;

use crate::error::plain;
use crate::private;

/// A database that this relay can keep things in.
///
/// Its `Display` leaves passwords out.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A SQLite file, made where it does not exist.
    Sqlite(PathBuf),
    /// A PostgreSQL database, by its whole URL; it has to exist.
    #[cfg(feature = "postgres")]
    Postgres(String),
}

/// Why a URL names no database that this relay can use.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseUrlError {
    /// A kind of database that there is no store for.
    #[error("databases of kind `{scheme}` are not supported: give {SUPPORTED}")]
    Scheme {
        /// The kind.
        scheme: String,
    },
    /// No scheme, or no file. It is not said itself: a password may stand in it.
    #[error("what is given names no database: give {SUPPORTED}")]
    Nothing,
}

#[cfg(feature = "postgres")]
const SUPPORTED: &str =
    "sqlite:///var/lib/raidcast/raidcast.db or postgres://user@host/database (PostgreSQL 15 or newer)";
#[cfg(not(feature = "postgres"))]
const SUPPORTED: &str = "sqlite:///var/lib/raidcast/raidcast.db (this relay was built without PostgreSQL: \
                         build it with its feature `postgres` for postgres://user@host/database)";

impl FromStr for Database {
    type Err = DatabaseUrlError;

    fn from_str(url: &str) -> Result<Self, DatabaseUrlError> {
        let (scheme, rest) = url.split_once(':').ok_or(DatabaseUrlError::Nothing)?;
        match scheme {
            "sqlite" => match rest.strip_prefix("//").unwrap_or(rest) {
                "" => Err(DatabaseUrlError::Nothing),
                path => Ok(Self::Sqlite(path.into())),
            },
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" if rest.starts_with("//") => Ok(Self::Postgres(url.into())),
            _ if rest.starts_with("//")
                && !scheme.is_empty()
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
            {
                Err(DatabaseUrlError::Scheme { scheme: scheme.into() })
            }
            _ => Err(DatabaseUrlError::Nothing),
        }
    }
}

impl Database {
    /// Whether there is none: a file that does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Sqlite(path) if !path.is_file())
    }

    /// The embedded database in a data folder.
    pub fn in_folder(data: &Path) -> Self {
        Self::Sqlite(data.join("raidcast.db"))
    }

    /// Says so where others may look into the folder of a file, which is called `what`.
    pub fn warn_if_open(&self, what: &str) {
        match self {
            Self::Sqlite(path) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                private::warn_if_open(folder.unwrap_or(Path::new(".")), what);
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => {}
        }
    }

    /// Opens it and brings its schema up to date.
    ///
    /// # Errors
    /// Those of the store behind it.
    pub async fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        Ok(self.open_whole().await?)
    }

    /// As [`open`](Self::open), for who takes all rows out or puts them in.
    ///
    /// # Errors
    /// Those of the store behind it.
    pub async fn open_whole(&self) -> Result<Arc<dyn Transfer>, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                // What else lies there is none of its: only its own files are closed to others, by the store.
                if let Err(error) = make_folder(folder.unwrap_or(Path::new("."))) {
                    let why =
                        format!("its folder cannot be used ({}): check the path and its permissions", plain(&error));
                    return Err(StoreError::Unavailable(why));
                }
                Arc::new(SqliteStore::open(path).await?)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => Arc::new(raidcast_store_postgres::PostgresStore::open(url).await?),
        })
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => {
                // Name and password stand before the last @, whatever else stands in them; options may hold one too.
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let (user, rest) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
                let place = rest.split('?').next().unwrap_or_default();
                match user.and_then(|user| user.split(':').next()) {
                    Some(user) => write!(f, "{scheme}://{user}@{place}"),
                    None => write!(f, "{scheme}://{place}"),
                }
            }
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A copy of yesterday that somebody else reads, in the folder where a new database is made.
    #[cfg(unix)]
    #[tokio::test]
    async fn opening_a_database_changes_the_rights_of_its_own_files_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        let (copy, new) = (folder.path().join("raidcast-2026-11-29.db"), folder.path().join("new.db"));
        for path in [&copy, &new] {
            std::fs::write(path, "").expect("a file");
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("rights");
        }
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("rights");
        let store = Database::Sqlite(new.clone()).open().await.expect("it opens");
        store.close().await.expect("it closes");
        assert_eq!((mode(&copy), mode(&new), mode(folder.path())), (0o644, 0o600, 0o755));
    }

    #[test]
    fn a_url_of_sqlite_names_a_file() {
        for (url, path) in [
            ("sqlite:///var/lib/raidcast.db", "/var/lib/raidcast.db"),
            ("sqlite://raidcast.db", "raidcast.db"),
            ("sqlite:raidcast.db", "raidcast.db"),
        ] {
            assert_eq!(url.parse::<Database>().unwrap(), Database::Sqlite(path.into()));
        }
    }

    #[test]
    fn what_is_not_supported_is_told_with_what_is() {
        for (url, says) in
            [("mysql://host/db", "`mysql`"), ("raidcast.db", "names no database"), ("sqlite://", "names")]
        {
            let error = url.parse::<Database>().unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("sqlite:///") && error.contains("postgres://"), "{error}");
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("postgres://ana:s3cret@db.example:5433/raids?sslmode=require", "postgres://ana@db.example:5433/raids"),
            ("postgresql://ana:a@b@db/raids", "postgresql://ana@db/raids"),
            ("postgres://ana:s3/cr?et@db:1/raids?sslmode=require", "postgres://ana@db:1/raids"),
            ("postgres://db/raids?user=ana&password=s3cret", "postgres://db/raids"),
            ("postgres://db", "postgres://db"),
        ] {
            let database: Database = url.parse().unwrap();
            assert_eq!((database.to_string(), format!("{database:?}")), (shown.to_owned(), shown.to_owned()));
        }
    }
}
