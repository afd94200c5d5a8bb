//! What the user sets: flags over environment over a file over defaults.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use raidcast_shared::limits::TITLE_CHARS_MAX;
use raidcast_shared::text::is_title;
use raidcast_shared::uplink::Visibility;
use serde::Deserialize;

/// The settings file; every entry may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The relay's address.
    pub relay: Option<String>,
    /// The key that the relay knows the user by.
    pub key: Option<String>,
    /// The meter's database.
    pub db: Option<PathBuf>,
    /// Who may find and see raids.
    pub visibility: Option<Visibility>,
    /// Folder of the meter's name files.
    pub meter_data: Option<PathBuf>,
}

/// Why there are no settings to run with; the text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The file does not parse.
    #[error("could not read the settings file {path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Something that must be set is not.
    #[error("{what} is not set: {how}")]
    Missing {
        /// What.
        what: &'static str,
        /// Where to set it.
        how: String,
    },
    /// A value that is of no use.
    #[error("{0}")]
    Value(String),
}

/// Where the settings file is if nothing is said: `None` on a machine without a home.
pub fn default_path() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|dirs| dirs.config_dir().join("raidcast").join("config.toml"))
}

/// Where the client keeps its state if nothing is said.
pub fn default_state() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|dirs| dirs.data_local_dir().join("raidcast"))
}

/// Reads the settings file: `given`, which must be there then, or the usual one, if it is.
pub fn load(given: Option<&Path>) -> Result<File, SettingsError> {
    let Some(path) = given.map(Path::to_owned).or_else(default_path) else { return Ok(File::default()) };
    let source = config::File::from(path.clone()).format(config::FileFormat::Toml).required(given.is_some());
    let parsed = config::Config::builder().add_source(source).build().and_then(config::Config::try_deserialize);
    parsed.map_err(|error| SettingsError::File { path, why: error.to_string() })
}

/// The value of `what`, or how to set it: by flag (and environment), or in the file as `entry`.
pub fn require<T>(value: Option<T>, what: &'static str, flag: &str, entry: &str) -> Result<T, SettingsError> {
    value.ok_or_else(|| {
        let mut how = format!("give {flag}");
        if let Some(path) = default_path() {
            let _ = write!(how, ", or `{entry} = \"…\"` in {}", path.display());
        }
        SettingsError::Missing { what, how }
    })
}

/// A title that the relay takes.
pub fn title(text: &str) -> Result<String, SettingsError> {
    let text = text.trim();
    if is_title(text, TITLE_CHARS_MAX) {
        return Ok(text.to_owned());
    }
    Err(SettingsError::Value(format!(
        "the title may have at most {TITLE_CHARS_MAX} characters, no control characters and no markup: give another with --title"
    )))
}

/// A key without what is around it when it is copied.
pub fn key(text: &str) -> Result<String, SettingsError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(SettingsError::Value(
            "the key is empty: set RAIDCAST_KEY to the key that the relay gave you".into(),
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_and_what_is_wrong_in_it_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let parse = |text: &str| {
            std::fs::write(&path, text).unwrap();
            load(Some(&path))
        };
        let file = parse("relay = \"http://a\"\nkey = \"k\"\nvisibility = \"private\"\nmeter_data = \"/m\"").unwrap();
        assert_eq!(file.relay.as_deref(), Some("http://a"));
        assert_eq!(file.visibility, Some(Visibility::Private));
        assert_eq!(file.meter_data, Some(PathBuf::from("/m")));
        for (text, word) in
            [("relais = 1", "relais"), ("visibility = \"secret\"", "secret"), ("relay =", "config.toml")]
        {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(load(Some(&dir.path().join("nowhere.toml"))).is_err());
    }

    #[test]
    fn what_is_not_set_says_where_to_set_it() {
        let error = require::<String>(None, "the relay's address", "--relay", "relay").unwrap_err().to_string();
        assert!(error.contains("--relay"), "{error}");
        assert!(title("<b>").is_err());
        assert_eq!(title(" Friday ").unwrap(), "Friday");
        assert_eq!(key(" abc\n").unwrap(), "abc");
        assert!(key(" ").is_err());
    }
}
