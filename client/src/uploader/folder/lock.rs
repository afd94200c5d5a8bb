//! The lock of the state folder: who has it may write there.
//!
//! One invariant: nothing in a folder is touched before its lock is held and its form is known.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use raidcast_shared::text::clean;

use super::error::FolderError;

/// A lock that is held may be held by somebody who only looks: it is tried so often again.
const LOOKED_AT_TRIES: u32 = 3;
/// So long after each other.
const LOOKED_AT: Duration = Duration::from_millis(5);

/// The form of the folder's files. A client that writes another one says so in the file `version` first: its number, and who
/// it is. In the files themselves a damaged byte would look like it.
const FORM: u32 = 1;
/// So much of that file is looked at, bytes.
const VERSION_BYTES_MAX: u64 = 256;

/// Whether this client knows the form of a folder's files; a folder without a word of it has the first.
fn look_at_version(dir: &Path) -> Result<(), FolderError> {
    let path = dir.join("version");
    let mut text = Vec::new();
    match File::open(&path).and_then(|file| file.take(VERSION_BYTES_MAX).read_to_end(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(FolderError::Io { path, error }),
    }
    let text = String::from_utf8_lossy(&text);
    let (form, by) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    // What is no number is none that this one wrote.
    match form.parse::<u32>() {
        Ok(form) if form <= FORM => Ok(()),
        _ => Err(FolderError::Newer { dir: dir.to_owned(), by: clean(by, 60) }),
    }
}

/// Makes a folder of the client's, and those above it, for its owner alone; one that was there is used as it is, for
/// the files in it are private by themselves.
///
/// # Errors
/// As the file system says.
pub(in crate::uploader) fn make_folder(path: &Path) -> Result<(), FolderError> {
    let mut folders = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
    let made = folders.recursive(true).create(path);
    made.map_err(|error| FolderError::Io { path: path.to_owned(), error })
}

/// The lock of a state folder, held while this lives.
#[derive(Debug)]
pub(in crate::uploader) struct Lock {
    dir: PathBuf,
    #[cfg_attr(not(unix), expect(dead_code, reason = "the lock goes with it, and nobody else asks for it there"))]
    file: File,
}

impl Lock {
    /// Makes the folder if need be, and locks it.
    ///
    /// # Errors
    /// `InUse`: somebody else holds it. `Newer`: it is not to be touched. Else as the file system says.
    pub(in crate::uploader) fn take(dir: &Path) -> Result<Self, FolderError> {
        make_folder(dir)?;
        let path = dir.join("lock");
        let io = |error| FolderError::Io { path: path.clone(), error };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(io)?;
        let mut locked = file.try_lock();
        for _ in 0..LOOKED_AT_TRIES {
            // Somebody who only looks whether it is held lets go of it at once.
            if !matches!(locked, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(LOOKED_AT);
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(FolderError::InUse { dir: dir.to_owned(), process: holder.trim().parse().ok() });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        look_at_version(dir)?;
        // Only so that a second one can say who the first is: a full disk is no reason not to start.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { dir: dir.to_owned(), file })
    }

    /// Makes the folder anew that was deleted, and locks it again.
    ///
    /// # Errors
    /// `Deleted`: another client has it now. Else as [`Lock::take`].
    pub(in crate::uploader) fn take_again(&mut self) -> Result<(), FolderError> {
        match Self::take(&self.dir) {
            Ok(lock) => *self = lock,
            Err(FolderError::InUse { dir, .. }) => return Err(FolderError::Deleted { dir }),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Whether the folder was deleted: another one may stand in its place.
    pub(in crate::uploader) fn is_gone(&self) -> bool {
        let Ok(there) = fs::metadata(self.dir.join("lock")) else { return true };
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let file = |found: &fs::Metadata| (found.dev(), found.ino());
            self.file.metadata().is_ok_and(|held| file(&held) != file(&there))
        }
        #[cfg(not(unix))]
        {
            let _ = there;
            false
        }
    }
}
