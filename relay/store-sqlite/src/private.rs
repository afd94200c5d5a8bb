//! Files and folders that their owner alone may read, where the system knows owners. Whatever the umask.

use std::io;
use std::path::{Path, PathBuf};

/// What others may do with a file or a folder.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// Makes a folder, and those above it that are missing, for the owner alone. One that is there stays as it is.
///
/// # Errors
/// It cannot be made.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Options that make a file for the owner alone, where it is made.
pub fn options() -> std::fs::OpenOptions {
    #[allow(unused_mut, reason = "only where the system knows owners")]
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Takes what others may do from a file or a folder that is there; gives its mode if it was changed.
///
/// # Errors
/// It belongs to somebody else, or the file system has no rights.
pub fn tighten(path: &Path) -> io::Result<Option<u32>> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mut permissions = match std::fs::metadata(path) {
            Ok(metadata) => metadata.permissions(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mode = permissions.mode();
        if mode & OTHERS == 0 {
            return Ok(None);
        }
        permissions.set_mode(mode & !OTHERS);
        std::fs::set_permissions(path, permissions)?;
        Ok(Some(mode & 0o7777))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        Ok(None)
    }
}

/// The files that a database is: itself, and what stands beside it while it is open.
pub(crate) fn files(database: &Path) -> impl Iterator<Item = PathBuf> {
    ["", "-wal", "-shm", "-journal", "-owner"].into_iter().map(|end| {
        let mut name = database.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

/// Makes a database's file if it is not there, and takes from all of its files what others may do with them. SQLite
/// gives those that it makes beside it the same rights. What is no file is none of a database's: a folder that was named
/// by mistake stays as it is.
pub(crate) fn prepare(database: &Path) {
    // Where it cannot be made SQLite says why, and what belongs to somebody else is his to set right.
    let _ = options().write(true).create_new(true).open(database);
    for file in files(database).filter(|file| file.is_file()) {
        let _ = tighten(&file);
    }
}
