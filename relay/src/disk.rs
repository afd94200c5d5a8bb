//! How much room there is where the database lies, if that is a disk of this machine.

use std::path::{Path, PathBuf};

use crate::database::Database;

/// The folder of the embedded database; another database's disk is its server's business.
#[derive(Clone, Debug)]
pub struct Disk(Option<PathBuf>);

impl Disk {
    /// Of a database.
    pub fn of(database: &Database) -> Self {
        Self(match database {
            Database::Sqlite(path) => path.parent().map(Path::to_owned),
            #[cfg(feature = "postgres")]
            Database::Postgres(_) => None,
        })
    }

    /// Bytes that may still be written; `None` where that cannot be told.
    pub async fn room(&self) -> Option<u64> {
        let folder = self.0.clone()?;
        // A disk that does not answer keeps its own thread, and nobody's task.
        tokio::task::spawn_blocking(move || room(&folder)).await.ok()?
    }
}

#[cfg(unix)]
fn room(folder: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(folder).ok()?;
    // What has no blocks at all is no disk, like /proc.
    (told.f_blocks > 0).then(|| told.f_bavail.saturating_mul(told.f_frsize))
}

#[cfg(not(unix))]
fn room(_: &Path) -> Option<u64> {
    None
}
