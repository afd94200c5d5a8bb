//! Where the key stands that is used, for who has to set it right.

use std::path::{Path, PathBuf};

use crate::keys::{Keys, named};
use crate::settings::Home;

/// The variable of the environment that may hold the key.
const VARIABLE: &str = "RAIDCAST_KEY";

/// Where a key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyPlace {
    /// In the environment.
    Variable,
    /// On the command line.
    Flag,
    /// The relay gave it to this computer.
    Paired {
        /// Which relay.
        relay: String,
    },
    /// In the settings file.
    File {
        /// Which.
        path: PathBuf,
    },
}

impl KeyPlace {
    /// Of a key that the command line or the environment says: clap does not tell which.
    pub(super) fn of_given(key: &str) -> Self {
        if std::env::var(VARIABLE).is_ok_and(|held| held == key) { Self::Variable } else { Self::Flag }
    }

    /// Of a key that was found for a relay. `config`: the settings file that was named.
    pub(super) fn of_found(relay: &str, keys: Option<&Keys>, config: Option<&Path>, home: Option<&Home>) -> Self {
        let paired = keys.and_then(|keys| keys.relays().ok()).unwrap_or_default();
        if paired.contains(&named(relay)) {
            return Self::Paired { relay: named(relay) };
        }
        let path = config.or(home.map(|home| home.config.as_path()));
        Self::File { path: path.map_or_else(|| "config.toml".into(), Path::to_owned) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_found_is_the_relays_or_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::with(folder.path().join("keys.json"), None);
        keys.keep("https://a.example/", "one").unwrap();
        let (relay, path) = ("https://a.example".to_owned(), PathBuf::from("/c.toml"));
        let of = |relay: &str| KeyPlace::of_found(relay, Some(&keys), Some(&path), None);
        assert_eq!(of("wss://A.example"), KeyPlace::Paired { relay });
        assert_eq!(of("https://b.example"), KeyPlace::File { path: path.clone() });
    }
}
