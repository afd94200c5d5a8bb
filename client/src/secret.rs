//! Random bytes, and files that only their owner reads.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

/// Where random bytes come from.
#[derive(Clone)]
pub struct Entropy(Arc<Fill>);

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

impl Entropy {
    /// The operating system's.
    #[allow(clippy::disallowed_methods, reason = "the one place that asks for it")]
    pub fn system() -> Self {
        Self::new(|bytes| getrandom::fill(bytes).expect("the operating system gives random bytes"))
    }

    /// A source of one's own.
    pub fn new(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// So many random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }

    /// A random UUID.
    pub fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entropy").finish_non_exhaustive()
    }
}

/// Opens a new file that only its owner may read and write (where the system knows owners).
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Replaces a file as a whole: after a power cut it holds the old content or the new, never a part.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    // A file left by a crash may have been made by somebody else, with other rights.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create_private(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_folder_of(path);
    Ok(())
}

/// Makes a file's name durable, where the system can; elsewhere the rename is.
pub(crate) fn sync_folder_of(path: &Path) {
    if let Some(folder) = path.parent().filter(|_| cfg!(unix)) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        if let Err(error) = synced {
            tracing::debug!(%error, "could not sync a folder");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_is_private_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("raid.json");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn random_ids_are_version_4() {
        let id = Entropy::new(|bytes| bytes.fill(0xff)).uuid();
        assert_eq!(id.get_version_num(), 4);
        assert_ne!(Entropy::system().bytes::<32>(), [0; 32]);
    }
}
