//! Where keys are kept that a relay gave to this machine: one seam, and behind it a file that only its owner reads.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::secret::replace;

/// Keeps a key for each relay.
pub trait KeyStore {
    /// The key for a relay, if there is one.
    ///
    /// # Errors
    /// What is kept cannot be read.
    fn key(&self, relay: &str) -> io::Result<Option<String>>;

    /// The relay, if there is a key for one and no other.
    ///
    /// # Errors
    /// What is kept cannot be read.
    fn only_relay(&self) -> io::Result<Option<String>>;

    /// Keeps a key in place of the one before; `None` removes it. Whether there was one.
    ///
    /// # Errors
    /// What is kept cannot be read, or written.
    fn keep(&self, relay: &str, key: Option<&str>) -> io::Result<bool>;
}

/// Keeps them in a file of its owner's alone (mode 0600, where the system knows modes).
#[derive(Clone, Debug)]
pub struct KeyFile(PathBuf);

type Keys = BTreeMap<String, String>;

impl KeyFile {
    /// At a place.
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Its place.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn read(&self) -> io::Result<Keys> {
        match std::fs::read(&self.0) {
            // What stands in it is not told: keys.
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it does not hold what raidcast wrote")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Keys::new()),
            Err(error) => Err(error),
        }
    }
}

impl KeyStore for KeyFile {
    fn key(&self, relay: &str) -> io::Result<Option<String>> {
        Ok(self.read()?.remove(&named(relay)))
    }

    fn only_relay(&self) -> io::Result<Option<String>> {
        let mut relays = self.read()?.into_keys();
        let only = relays.next();
        Ok(only.filter(|_| relays.next().is_none()))
    }

    fn keep(&self, relay: &str, key: Option<&str>) -> io::Result<bool> {
        let mut keys = self.read()?;
        let before = match key {
            Some(key) => keys.insert(named(relay), key.to_owned()),
            None => keys.remove(&named(relay)),
        };
        if key.is_none() && before.is_none() {
            return Ok(false);
        }
        if let Some(folder) = self.0.parent() {
            std::fs::create_dir_all(folder)?;
        }
        replace(&self.0, &serde_json::to_vec_pretty(&keys)?)?;
        Ok(before.is_some())
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
    use super::*;

    #[test]
    fn a_key_is_kept_for_its_relay_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFile::at(folder.path().join("raidcast").join("keys.json"));
        assert_eq!((keys.key("https://a.example").unwrap(), keys.only_relay().unwrap()), (None, None));
        assert!(!keys.keep("https://a.example", None).unwrap() && !keys.path().exists());
        assert!(!keys.keep("https://a.example/", Some("one")).unwrap());
        assert!(keys.keep("HTTPS://A.example:443", Some("two")).unwrap());
        for typed in ["https://a.example", "wss://a.example/", "https://A.EXAMPLE"] {
            assert_eq!(keys.key(typed).unwrap().as_deref(), Some("two"), "{typed}");
        }
        for other in ["http://a.example", "https://a.example:8443", "https://a.example/path", "https://b.example"] {
            assert_eq!(keys.key(other).unwrap(), None, "{other}");
        }
        assert_eq!(keys.only_relay().unwrap().as_deref(), Some("https://a.example"));
        keys.keep("http://b.example", Some("three")).unwrap();
        assert_eq!(keys.only_relay().unwrap(), None);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(keys.path()).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(keys.keep("http://b.example", None).unwrap());
        assert_eq!(keys.only_relay().unwrap().as_deref(), Some("https://a.example"));
    }

    #[test]
    fn a_file_that_is_something_else_is_left_alone_and_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFile::at(folder.path().join("keys.json"));
        std::fs::write(keys.path(), "rc_secret").unwrap();
        let error = keys.keep("https://a.example", Some("one")).unwrap_err();
        assert!(!error.to_string().contains("rc_secret"), "{error}");
        assert_eq!(std::fs::read_to_string(keys.path()).unwrap(), "rc_secret");
    }
}
