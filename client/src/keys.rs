//! Where keys are kept that a relay gave to this machine: in the operating system's key store where this program was built
//! for one and it takes them, else in a file that only its owner reads.
//!
//! One invariant: the file names each relay that there is a key for, and holds the key itself only where the system's store
//! does not. A key is in one of the two.

mod system;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

pub use self::system::{SystemError, SystemKeys};
use crate::secret::replace;

/// Keys that relays gave.
pub struct Keys {
    file: PathBuf,
    system: Option<Box<dyn SystemKeys>>,
}

/// Where a key was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In the system's store.
    InSystem {
        /// What people call it.
        store: &'static str,
    },
    /// In the file.
    InFile {
        /// The system's store that did not take it, where there is one.
        instead_of: Option<SystemError>,
    },
}

/// Why a key is not read, or not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read or written.
    #[error("the file of keys: {0}")]
    File(io::Error),
    /// The system's store does not give what it was given.
    #[error("the system's key store: {0}")]
    System(SystemError),
    /// The key is in the store of another system, or of another build of this program.
    #[error("the key is in a key store that this program was not built for")]
    NoStore,
}

impl From<io::Error> for KeysError {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

/// A key for each relay; `None` where the system's store has it.
type InFile = BTreeMap<String, Option<String>>;

impl Keys {
    /// With a file, and the store of the system that this program was built for.
    pub fn at(file: PathBuf) -> Self {
        Self { file, system: system::of_this_build().next() }
    }

    /// With a file and another store.
    pub fn with(file: PathBuf, system: Option<Box<dyn SystemKeys>>) -> Self {
        Self { file, system }
    }

    /// The file's place.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// The key for a relay, if there is one.
    ///
    /// # Errors
    /// What is kept cannot be read.
    pub fn key(&self, relay: &str) -> Result<Option<String>, KeysError> {
        let relay = named(relay);
        match self.read()?.remove(&relay) {
            Some(None) => {
                let system = self.system.as_ref().ok_or(KeysError::NoStore)?;
                // It was put there: that it is not there means that it is locked, or that somebody took it away.
                let key = system.get(&relay).map_err(KeysError::System)?;
                key.ok_or(KeysError::System(SystemError::Gone { store: system.name() })).map(Some)
            }
            in_file => Ok(in_file.flatten()),
        }
    }

    /// The relay, if there is a key for one and no other.
    ///
    /// # Errors
    /// What is kept cannot be read.
    pub fn only_relay(&self) -> Result<Option<String>, KeysError> {
        let mut relays = self.read()?.into_keys();
        let only = relays.next();
        Ok(only.filter(|_| relays.next().is_none()))
    }

    /// The relays that there is a key for.
    ///
    /// # Errors
    /// What is kept cannot be read.
    pub fn relays(&self) -> Result<Vec<String>, KeysError> {
        Ok(self.read()?.into_keys().collect())
    }

    /// Whether a key for a relay could be kept now. A system's store that does not answer is not asked again: what it says
    /// is given.
    ///
    /// # Errors
    /// What is kept cannot be read, or the file could not be written.
    pub fn check(&mut self, relay: &str) -> Result<Option<SystemError>, KeysError> {
        self.read()?;
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let other = self.file.with_extension("check");
        replace(&other, b"{}")?;
        std::fs::remove_file(&other)?;
        let asked = self.system.as_ref().map(|system| system.get(&named(relay)));
        Ok(match asked {
            Some(Err(silent @ SystemError::Silent { .. })) => {
                self.system = None;
                Some(silent)
            }
            _ => None,
        })
    }

    /// Keeps a key in place of the one before.
    ///
    /// # Errors
    /// What is kept cannot be read, or neither place takes it.
    pub fn keep(&self, relay: &str, key: &str) -> Result<Kept, KeysError> {
        let relay = named(relay);
        let mut keys = self.read()?;
        let put = self.system.as_ref().map(|system| (system.name(), system.set(&relay, key)));
        let (in_file, kept) = match put {
            Some((store, Ok(()))) => (None, Kept::InSystem { store }),
            Some((_, Err(error))) => (Some(key.to_owned()), Kept::InFile { instead_of: Some(error) }),
            None => (Some(key.to_owned()), Kept::InFile { instead_of: None }),
        };
        keys.insert(relay.clone(), in_file);
        if let Err(error) = self.write(&keys) {
            // Nobody would find it there.
            if let (Kept::InSystem { .. }, Some(system)) = (&kept, &self.system) {
                let _ = system.remove(&relay);
            }
            return Err(error.into());
        }
        Ok(kept)
    }

    /// Forgets the key for a relay. Whether there was one.
    ///
    /// # Errors
    /// What is kept cannot be read or written; then there still is one.
    pub fn forget(&self, relay: &str) -> Result<bool, KeysError> {
        let relay = named(relay);
        let mut keys = self.read()?;
        let Some(in_file) = keys.remove(&relay) else { return Ok(false) };
        match &self.system {
            // It may hold an older one, too: of a time before it was locked.
            Some(system) => match system.remove(&relay) {
                Err(error) if in_file.is_none() => return Err(KeysError::System(error)),
                _ => {}
            },
            None if in_file.is_none() => return Err(KeysError::NoStore),
            None => {}
        }
        self.write(&keys)?;
        Ok(true)
    }

    fn read(&self) -> io::Result<InFile> {
        match std::fs::read(&self.file) {
            // What stands in it is not told: keys.
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it does not hold what raidcast wrote")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(InFile::new()),
            Err(error) => Err(error),
        }
    }

    /// Of mode 0600, where the system knows modes.
    fn write(&self, keys: &InFile) -> io::Result<()> {
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        replace(&self.file, &serde_json::to_vec_pretty(keys)?)
    }
}

/// A relay's address as it is kept: the same however it was typed.
pub fn named(relay: &str) -> String {
    let relay = relay.trim().trim_end_matches('/');
    let (scheme, rest) = relay.split_once("://").unwrap_or(("", relay));
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "ws" => "http".to_owned(),
        "wss" => "https".to_owned(),
        other => other.to_owned(),
    };
    // What stands behind the host may be large and small.
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = host.to_ascii_lowercase();
    let port = if scheme == "https" { ":443" } else { ":80" };
    format!("{scheme}://{}{path}", host.strip_suffix(port).unwrap_or(&host))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::system::in_time;
    use super::*;

    fn in_file(folder: &tempfile::TempDir) -> Keys {
        Keys::with(folder.path().join("raidcast").join("keys.json"), None)
    }

    #[test]
    fn a_key_is_kept_for_its_relay_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let keys = in_file(&folder);
        assert_eq!((keys.key("https://a.example").unwrap(), keys.only_relay().unwrap()), (None, None));
        assert!(!keys.forget("https://a.example").unwrap() && !keys.path().exists());
        assert_eq!(keys.keep("https://a.example/", "one").unwrap(), Kept::InFile { instead_of: None });
        keys.keep("HTTPS://A.example:443", "two").unwrap();
        for typed in ["https://a.example", "wss://a.example/", "https://A.EXAMPLE"] {
            assert_eq!(keys.key(typed).unwrap().as_deref(), Some("two"), "{typed}");
        }
        for other in ["http://a.example", "https://a.example:8443", "https://a.example/path", "https://b.example"] {
            assert_eq!(keys.key(other).unwrap(), None, "{other}");
        }
        assert_eq!(keys.only_relay().unwrap().as_deref(), Some("https://a.example"));
        keys.keep("http://b.example", "three").unwrap();
        assert_eq!(keys.only_relay().unwrap(), None);
        assert_eq!(keys.relays().unwrap(), ["http://b.example", "https://a.example"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(keys.path()).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(keys.forget("http://b.example").unwrap());
        assert_eq!(keys.only_relay().unwrap().as_deref(), Some("https://a.example"));
    }

    #[test]
    fn a_file_that_is_something_else_is_left_alone_and_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::with(folder.path().join("keys.json"), None);
        std::fs::write(keys.path(), "rc_secret").unwrap();
        let error = keys.keep("https://a.example", "one").unwrap_err();
        assert!(!error.to_string().contains("rc_secret"), "{error}");
        assert_eq!(std::fs::read_to_string(keys.path()).unwrap(), "rc_secret");
    }

    #[test]
    fn what_cannot_be_kept_is_known_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut keys = in_file(&folder);
        assert_eq!(keys.check("https://a.example").unwrap(), None);
        assert!(!keys.path().exists() && keys.key("https://a.example").unwrap().is_none());
        let left: Vec<_> = std::fs::read_dir(keys.path().parent().unwrap()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        std::fs::write(keys.path(), "rc_secret").unwrap();
        assert!(matches!(keys.check("https://a.example"), Err(KeysError::File(_))));
        // A folder that is none.
        std::fs::write(folder.path().join("file"), "").unwrap();
        let mut nowhere = Keys::with(folder.path().join("file").join("keys.json"), None);
        assert!(matches!(nowhere.check("https://a.example"), Err(KeysError::File(_))));
    }

    /// A store that never answers.
    struct Hung;

    impl Hung {
        fn asked<T: Send + 'static>() -> Result<T, SystemError> {
            in_time("a store", std::time::Duration::from_millis(20), || {
                loop {
                    std::thread::park();
                }
            })
        }
    }

    impl SystemKeys for Hung {
        fn name(&self) -> &'static str {
            "a store"
        }

        fn get(&self, _: &str) -> Result<Option<String>, SystemError> {
            Self::asked()
        }

        fn set(&self, _: &str, _: &str) -> Result<(), SystemError> {
            Self::asked()
        }

        fn remove(&self, _: &str) -> Result<(), SystemError> {
            Self::asked()
        }
    }

    #[test]
    fn a_store_that_does_not_answer_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let hung = || Keys::with(folder.path().join("keys.json"), Some(Box::new(Hung)));
        let kept = hung().keep("https://a.example", "one").unwrap();
        let Kept::InFile { instead_of: Some(error) } = kept else { panic!("{kept:?}") };
        assert!(error.to_string().starts_with("a store does not answer"), "{error}");
        let mut keys = hung();
        assert_eq!(keys.check("https://a.example").unwrap(), Some(error));
        assert_eq!(keys.keep("https://a.example", "two").unwrap(), Kept::InFile { instead_of: None });
        assert_eq!(hung().key("https://a.example").unwrap().as_deref(), Some("two"));
    }

    /// A store that somebody may lock: it says then what the real ones say, that there is nothing, and takes nothing.
    #[derive(Clone, Default)]
    struct Lockable(Arc<Mutex<(bool, BTreeMap<String, String>)>>);

    impl SystemKeys for Lockable {
        fn name(&self) -> &'static str {
            "a store"
        }

        fn get(&self, relay: &str) -> Result<Option<String>, SystemError> {
            let (locked, keys) = &*self.0.lock().unwrap();
            Ok(if *locked { None } else { keys.get(relay).cloned() })
        }

        fn set(&self, relay: &str, key: &str) -> Result<(), SystemError> {
            let (locked, keys) = &mut *self.0.lock().unwrap();
            if *locked {
                return Err(SystemError::Refused { store: self.name(), why: "it is locked".into() });
            }
            keys.insert(relay.to_owned(), key.to_owned());
            Ok(())
        }

        fn remove(&self, relay: &str) -> Result<(), SystemError> {
            self.0.lock().unwrap().1.remove(relay);
            Ok(())
        }
    }

    #[test]
    fn what_the_system_keeps_stands_in_no_file_and_what_it_does_not_take_does() {
        let folder = tempfile::tempdir().unwrap();
        let (path, store) = (folder.path().join("keys.json"), Lockable::default());
        let keys = Keys::with(path.clone(), Some(Box::new(store.clone())));
        let told = || std::fs::read_to_string(&path).unwrap();
        // One that an earlier build wrote is read, and moves when a new one comes.
        std::fs::write(&path, r#"{"https://a.example": "old"}"#).unwrap();
        assert_eq!(keys.key("https://a.example").unwrap().as_deref(), Some("old"));
        assert_eq!(keys.keep("https://a.example", "one").unwrap(), Kept::InSystem { store: "a store" });
        assert!(!told().contains("old") && !told().contains("one"), "{}", told());
        assert_eq!(keys.key("https://a.example").unwrap().as_deref(), Some("one"));
        assert_eq!(keys.only_relay().unwrap().as_deref(), Some("https://a.example"));

        // That it is locked is no reason to think that there was none, and a new one goes to the file.
        store.0.lock().unwrap().0 = true;
        let error = keys.key("https://a.example").unwrap_err();
        assert!(matches!(error, KeysError::System(SystemError::Gone { .. })), "{error}");
        let kept = keys.keep("https://a.example", "two").unwrap();
        assert!(matches!(kept, Kept::InFile { instead_of: Some(_) }), "{kept:?}");
        assert_eq!(keys.key("https://a.example").unwrap().as_deref(), Some("two"));

        // And back, when it takes it again.
        store.0.lock().unwrap().0 = false;
        keys.keep("https://a.example", "three").unwrap();
        assert!(!told().contains("two"), "{}", told());
        assert!(keys.forget("https://a.example").unwrap() && !keys.forget("https://a.example").unwrap());
        assert_eq!(keys.key("https://a.example").unwrap(), None);
        assert!(store.0.lock().unwrap().1.is_empty());

        // A build without the store says so, and not that there is no key.
        keys.keep("https://a.example", "four").unwrap();
        let error = Keys::with(path.clone(), None).key("https://a.example").unwrap_err();
        assert!(matches!(error, KeysError::NoStore), "{error}");
    }
}
