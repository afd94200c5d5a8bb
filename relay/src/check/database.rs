//! The database: whether it is there, ours, and of this version.

use std::path::Path;

use raidcast_store::StoreError;
use raidcast_store::look::Looked;

use super::finding::Findings;
use crate::database::Database;

const WHAT: &str = "database";

/// What is known of it; `None`: it could not be looked at.
pub(super) struct Seen {
    /// Whether it holds anything already.
    pub(super) holds_something: Option<bool>,
    /// In which ways each of its administrators signs in.
    pub(super) administrators: Option<Vec<Vec<String>>>,
}

/// Looks at it.
pub(super) async fn look(database: &Database, found: &mut Findings) -> Seen {
    if database.is_missing() {
        let is_something = match database {
            Database::Sqlite(path) => path.exists(),
            #[cfg(feature = "postgres")]
            Database::Postgres(_) => false,
        };
        match is_something {
            true => found.wrong(WHAT, format!("{database} is no file: name another with --database-url")),
            false => found.ok(WHAT, format!("{database} is not there yet: the first start makes it")),
        }
        return Seen { holds_something: Some(false), administrators: Some(Vec::new()) };
    }
    let looked = match database {
        Database::Sqlite(path) => raidcast_store_sqlite::look(path).await,
        #[cfg(feature = "postgres")]
        Database::Postgres(url) => raidcast_store_postgres::look(url).await,
    };
    match looked {
        Err(error) => {
            let (holds_something, step) = match database {
                // Something is there.
                Database::Sqlite(_) => (Some(true), ""),
                #[cfg(feature = "postgres")]
                Database::Postgres(_) => (None, step_of(&error)),
            };
            found.wrong(WHAT, format!("{database}: {}{step}", words(&error)));
            Seen { holds_something, administrators: None }
        }
        Ok(Looked { is_new, waiting, in_use, administrators }) => {
            match (is_new, waiting) {
                (true, _) => found.ok(WHAT, format!("{database} is empty: the first start makes its tables")),
                (false, 0) => found.ok(WHAT, format!("{database} is of this version")),
                (false, waiting) => found.ok(
                    WHAT,
                    format!(
                        "{database} is of an earlier version: the next start brings it up to date ({waiting} changes). \
                         Make a backup first"
                    ),
                ),
            }
            if in_use {
                found.note(WHAT, "a relay uses it now: stop that one before you start another");
            }
            match database {
                Database::Sqlite(path) => closed_to_others(path, found),
                #[cfg(feature = "postgres")]
                Database::Postgres(_) => {}
            }
            Seen { holds_something: Some(!is_new), administrators: Some(administrators) }
        }
    }
}

/// What to do about a server that is not there; of all else the store says it.
#[cfg(feature = "postgres")]
fn step_of(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable(why) if why.starts_with("the connection to the server") => {
            ". Start the server, or check host, port and user"
        }
        StoreError::Unavailable(_) | StoreError::Damaged(_) => "",
    }
}

/// Why, without what only introduces it.
fn words(error: &StoreError) -> String {
    match error {
        StoreError::Unavailable(why) | StoreError::Damaged(why) => why.clone(),
    }
}

#[cfg(unix)]
fn closed_to_others(path: &Path, found: &mut Findings) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    if mode & 0o077 != 0 {
        let text = format!("{} is open to others (mode {mode:o}): the next start closes it", path.display());
        found.note(WHAT, text);
    }
}

#[cfg(not(unix))]
fn closed_to_others(_: &Path, _: &mut Findings) {}
