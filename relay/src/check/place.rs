//! The data folder, the relay's own secret in it, and room on its disk.

use std::path::{Path, PathBuf};

use super::finding::Findings;
use crate::database::Database;
use crate::disk::Disk;
use crate::error::plain;
use crate::limits::DISK_ROOM_MIN;

/// Bytes of the secret.
const SECRET_BYTES: u64 = 32;

/// Looks at the folder. `has_database`: there is something that was made with a secret; `None`: nobody knows.
pub(super) fn look(data: &Path, has_database: Option<bool>, found: &mut Findings) {
    folder(data, found);
    secret(&data.join("relay.key"), has_database, found);
}

fn folder(data: &Path, found: &mut Findings) {
    const WHAT: &str = "data folder";
    let shown = data.display();
    if data.exists() && !data.is_dir() {
        found.wrong(WHAT, format!("{shown} is no folder: name another with --data"));
        return;
    }
    // What is not there is made, in the first that is.
    let there = first_there(data);
    if let Err(why) = may_write(&there) {
        let user = "the user that runs the relay must be able to write there (chown), or name another with --data";
        found.wrong(WHAT, format!("{} cannot be written to ({why}): {user}", there.display()));
        return;
    }
    if !data.is_dir()
        && let Err(why) = may_make(&there)
    {
        found.wrong(WHAT, format!("{shown} cannot be made in {} ({why}): name another with --data", there.display()));
        return;
    }
    match data.is_dir() {
        true => found.ok(WHAT, format!("{shown} can be written to")),
        false => found.ok(WHAT, format!("{shown} is not there yet: the first start makes it")),
    }
    if is_anothers(&there) {
        found.note(
            WHAT,
            "you are root, who may write everywhere, and the folder is another user's: run this as the relay's user, \
             like sudo -u raidcast raidcast-relay check",
        );
    }
}

/// The folder itself, or the nearest above it that is there.
fn first_there(data: &Path) -> PathBuf {
    let there = data.ancestors().find(|folder| !folder.as_os_str().is_empty() && folder.exists());
    there.unwrap_or(Path::new(".")).to_owned()
}

#[cfg(unix)]
fn may_write(folder: &Path) -> Result<(), String> {
    use rustix::fs::{Access, access};
    let wanted = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    access(folder, wanted).map_err(|error| plain(&error.into()))
}

#[cfg(not(unix))]
fn may_write(folder: &Path) -> Result<(), String> {
    let told = std::fs::metadata(folder).map_err(|error| plain(&error))?;
    if told.permissions().readonly() { Err("it is read-only".into()) } else { Ok(()) }
}

/// Whether a folder can be made there: one is, and is gone again. Who may write may still make none, as in /proc.
fn may_make(folder: &Path) -> Result<(), String> {
    let tried = folder.join(format!(".raidcast-check-{}", std::process::id()));
    std::fs::create_dir(&tried).and_then(|()| std::fs::remove_dir(&tried)).map_err(|error| plain(&error))
}

#[cfg(unix)]
fn is_anothers(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    rustix::process::geteuid().is_root() && std::fs::metadata(folder).is_ok_and(|told| told.uid() != 0)
}

#[cfg(not(unix))]
fn is_anothers(_: &Path) -> bool {
    false
}

fn secret(path: &Path, has_database: Option<bool>, found: &mut Findings) {
    const WHAT: &str = "relay.key";
    let shown = path.display();
    let read = std::fs::File::open(path).and_then(|file| file.metadata());
    match read {
        Ok(told) if told.is_file() && told.len() == SECRET_BYTES => found.ok(WHAT, format!("{shown} can be read")),
        Ok(_) => found.wrong(WHAT, format!("{shown} is not a relay's secret: restore it from a backup")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && has_database == Some(true) => found.note(
            WHAT,
            format!(
                "{shown} is not there, though the database is: restore it from the backup. Without it all players get \
                 new keys, and tickets of private raids end"
            ),
        ),
        // Whether it is missed is not known.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && has_database.is_none() => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            found.ok(WHAT, format!("{shown} is not there yet: the first start makes it"));
        }
        Err(error) => found.wrong(
            WHAT,
            format!("{shown} cannot be read ({}): it must belong to the user that runs the relay", plain(&error)),
        ),
    }
}

/// Looks at the disk of a database that is a file.
pub(super) async fn look_at_room(database: &Database, found: &mut Findings) {
    let near = match database {
        Database::Sqlite(path) => path.parent().map(|folder| first_there(folder).join("raidcast.db")),
        #[cfg(feature = "postgres")]
        Database::Postgres(_) => None,
    };
    let Some(near) = near else { return };
    let Some(room) = Disk::of(&Database::Sqlite(near)).room().await else { return };
    let mib = room >> 20;
    match room >= DISK_ROOM_MIN {
        true => found.ok("disk", format!("{mib} MiB are left")),
        false => found.wrong("disk", format!("only {mib} MiB are left: {} are needed", DISK_ROOM_MIN >> 20)),
    }
}
