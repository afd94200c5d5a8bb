//! The folder that the relay keeps things in, and who may look into it: its owner alone.
//!
//! What earlier builds have left open is closed at the start. A folder that holds other things than the relay's own is
//! somebody's for other purposes, too: it stays as it is, and only the relay's files in it are closed.

use std::io::{self, Write as _};
use std::path::Path;

use raidcast_store_sqlite::private::{make_folder, options, tighten};

/// Makes a folder of the relay if it is not there, and takes from it and from the relay's files in it what others may do
/// with them.
///
/// # Errors
/// It cannot be made or read.
pub fn keep(folder: &Path) -> io::Result<()> {
    make_folder(folder)?;
    if cfg!(not(unix)) {
        return Ok(());
    }
    let mut other = None;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        match is_own(&name.to_string_lossy()) && !kind.is_dir() {
            true if kind.is_file() => close(&entry.path(), "file"),
            // Where a link leads to the database is closed when that is opened.
            true => {}
            // Every file system of its own has one.
            false if name == "lost+found" => {}
            false => other = Some(name),
        }
    }
    match other {
        None => close(folder, "folder"),
        Some(other) if is_open(folder) => tracing::warn!(
            folder = %folder.display(),
            "others may look into the data folder, which is left so because it holds {} as well: give the relay a folder \
             of its own, or take their rights with chmod go= (the relay's own files are closed to them)",
            Path::new(&other).display()
        ),
        Some(_) => {}
    }
    Ok(())
}

/// Says so where others may look into the folder of a database, which is called `what`.
pub fn warn_if_open(folder: &Path, what: &str) {
    if is_open(folder) {
        tracing::warn!(
            folder = %folder.display(),
            "others may look into {what}: the database's own files are closed to them, and what else lies there is left \
             as it is"
        );
    }
}

/// Whether a file is one of the relay's by its name: databases and what stands beside them, copies of them, the secret, what
/// addresses did in the last hour, and how far ahead signatures were.
fn is_own(name: &str) -> bool {
    let is_database = name.starts_with("raidcast") && name.contains(".db");
    let own = ["relay.key", "relay.limits", "relay.signatures"];
    // Earlier builds have left the part of a file under the first name.
    is_database || name == "relay.part" || own.iter().any(|own| name.starts_with(own))
}

/// Writes a file for its owner alone, whole or not at all, also where the power is cut.
///
/// # Errors
/// It cannot be written: what was there before is there still.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Each has its own: several are written at once.
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let mut file = options().write(true).create(true).truncate(true).open(part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(part, path)
}

fn close(path: &Path, what: &str) {
    let shown = path.display();
    match tighten(path) {
        Ok(None) => {}
        Ok(Some(mode)) => {
            tracing::info!("the {what} {shown} was open to others (mode {mode:o}): now its owner's alone");
        }
        Err(error) => tracing::warn!(%error, "the {what} {shown} is open to others, and could not be closed to them"),
    }
}

#[cfg(unix)]
fn is_open(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(folder).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    fn open_file(path: &Path) {
        fs::write(path, "x").expect("a file");
        fs::set_permissions(path, fs::Permissions::from_mode(0o664)).expect("rights");
    }

    #[test]
    fn a_folder_of_the_relay_is_closed_with_all_its_files() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path().join("deep/data");
        keep(&data).expect("it is made");
        assert_eq!((mode(&data), mode(&dir.path().join("deep"))), (0o700, 0o700));
        let own = [
            "raidcast.db",
            "raidcast.db-wal",
            "raidcast.db.2026-11-24",
            "raidcast-copy.db.gz",
            "relay.key",
            "relay.limits",
            "relay.limits.part",
            "relay.signatures",
        ];
        for name in own {
            open_file(&data.join(name));
        }
        fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).expect("rights");
        keep(&data).expect("it is closed");
        assert_eq!(mode(&data), 0o700);
        assert!(own.iter().all(|name| mode(&data.join(name)) == 0o600));
    }

    #[test]
    fn in_a_folder_for_other_purposes_only_the_relays_files_are_closed() {
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["raidcast.db", "notes.txt", "raidcast-relay"] {
            open_file(&dir.path().join(name));
        }
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("rights");
        keep(dir.path()).expect("it is looked through");
        assert_eq!(mode(dir.path()), 0o755);
        assert_eq!(mode(&dir.path().join("raidcast.db")), 0o600);
        assert_eq!((mode(&dir.path().join("notes.txt")), mode(&dir.path().join("raidcast-relay"))), (0o664, 0o664));
    }
}
