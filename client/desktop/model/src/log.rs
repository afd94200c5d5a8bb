//! The log: two files of which the newer is written, for their owner alone, each line without secrets.
//!
//! One invariant: nothing is written that [`crate::redact`] has not seen; what is in use now is told by
//! [`Log::keep_out`].

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_subscriber::EnvFilter;

use crate::redact::redact;

/// A longer file is begun anew, bytes; the one before it stays beside it.
const BYTES_MAX: u64 = 2 * 1024 * 1024;
/// So many secrets are known at once: a key, and some that were in use before it.
const SECRETS_MAX: usize = 16;

/// The log.
#[derive(Clone, Debug)]
pub struct Log(Arc<Mutex<Held>>);

#[derive(Debug)]
struct Held {
    folder: PathBuf,
    file: File,
    bytes: u64,
    secrets: Vec<String>,
}

impl Log {
    /// Opens it in a folder, which is made if need be.
    ///
    /// # Errors
    /// The folder or the file cannot be had.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let file = private(&path(folder), false)?;
        let bytes = file.metadata()?.len();
        let held = Held { folder: folder.to_owned(), file, bytes, secrets: Vec::new() };
        Ok(Self(Arc::new(Mutex::new(held))))
    }

    /// What the program says goes there from now on, by `RUST_LOG` or what is worth knowing.
    pub fn install(&self) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,raidcast=info"));
        let log = self.clone();
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
        // Another one may be there already: of a test, or of the window.
        let _ = lines.with_writer(move || log.clone()).try_init();
    }

    /// A secret that is in use: it is kept out from now on.
    pub fn keep_out(&self, secret: &str) {
        let mut held = self.held();
        if !secret.trim().is_empty() && held.secrets.iter().all(|known| known != secret) {
            held.secrets.push(secret.to_owned());
            let beyond = held.secrets.len().saturating_sub(SECRETS_MAX);
            held.secrets.drain(..beyond);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes whole lines: those who write to it write one at a time.
impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held().write(&String::from_utf8_lossy(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.held().file.flush()
    }
}

impl Held {
    fn write(&mut self, lines: &str) -> io::Result<()> {
        let secrets: Vec<_> = self.secrets.iter().map(String::as_str).collect();
        let text = redact(lines, &secrets);
        if self.bytes > 0 && self.bytes + text.len() as u64 > BYTES_MAX {
            fs::rename(path(&self.folder), before(&self.folder))?;
            self.file = private(&path(&self.folder), true)?;
            self.bytes = 0;
        }
        self.file.write_all(text.as_bytes())?;
        self.bytes += text.len() as u64;
        Ok(())
    }
}

/// The end of the log in a folder, so many bytes at most: what is not there is not told.
pub(crate) fn end_of(folder: &Path, bytes_max: usize) -> String {
    let read =
        |path: PathBuf| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let text = read(before(folder)) + &read(path(folder));
    let from = text.len().saturating_sub(bytes_max);
    let from = (from..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text[from..].to_owned()
}

fn path(folder: &Path) -> PathBuf {
    folder.join("raidcast.log")
}

fn before(folder: &Path) -> PathBuf {
    folder.join("raidcast.before.log")
}

/// A file to add to, for its owner alone where the system knows owners.
fn private(path: &Path, anew: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    if anew {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_without_secrets_for_their_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("log");
        let mut log = Log::open(&folder).unwrap();
        log.keep_out("hunter22");
        log.keep_out("");
        writeln!(log, "key hunter22 at https://r/a?ticket=abc").unwrap();
        // It goes on in the same file.
        let mut log = Log::open(&folder).unwrap();
        writeln!(log, "again").unwrap();
        assert_eq!(end_of(&folder, 1_000), "key … at https://r/a?ticket=…\nagain\n");
        assert_eq!(end_of(&folder, 6), "again\n");
        assert_eq!(end_of(dir.path(), 6), "");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(path(&folder)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_log_that_is_long_is_begun_anew_and_the_one_before_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Log::open(dir.path()).unwrap();
        let line = "x".repeat(1_023) + "\n";
        for _ in 0..5_000 {
            log.write_all(line.as_bytes()).unwrap();
        }
        let sizes = [path(dir.path()), before(dir.path())].map(|path| fs::metadata(path).unwrap().len());
        assert!(sizes[0] <= BYTES_MAX && sizes[1] <= BYTES_MAX && sizes[1] > BYTES_MAX - 2_048, "{sizes:?}");
    }
}
