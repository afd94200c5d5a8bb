//! The database: whether it is there, ours, and of this version.

use std::path::Path;

use raidcast_store::StoreError;
use raidcast_store::look::Looked;

use super::finding::Findings;
use crate::database::Database;

const WHAT: &str = "database";

/// Looks at it; gives whether it holds anything already, and in which ways its administrators sign in.
pub(super) async fn look(database: &Database, found: &mut Findings) -> (bool, Vec<Vec<String>>) {
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
        return (false, Vec::new());
    }
    let looked = match database {
        Database::Sqlite(path) => raidcast_store_sqlite::look(path).await,
        #[cfg(feature = "postgres")]
        Database::Postgres(url) => raidcast_store_postgres::look(url).await,
    };
    match looked {
        Err(error) => {
            found.wrong(WHAT, format!("{database}: {}", words(&error)));
            // Something is there.
            (true, Vec::new())
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
            (!is_new, administrators)
        }
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
