//! What the user sets: flags over environment over a file over defaults.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use raidcast_shared::limits::TITLE_CHARS_MAX;
use raidcast_shared::text::{KeyFault, is_title, key_fault};
use raidcast_shared::uplink::Visibility;
use serde::Deserialize;

use super::words;
use crate::source::{SourceError, detect, no_file};

/// The settings file; every entry may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The relay's address.
    pub(super) relay: Option<String>,
    /// The key that the relay knows the user by.
    pub(super) key: Option<String>,
    /// The meter's database.
    pub(super) db: Option<PathBuf>,
    /// Who may find and see raids.
    pub(super) visibility: Option<Visibility>,
    /// Folder of the meter's name files.
    pub(super) meter_data: Option<PathBuf>,
}

/// Why there are no settings to run with; the text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SettingsError {
    /// The file does not parse.
    #[error("The settings file {path} cannot be read: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Something that must be set is not.
    #[error("{what} is not set. {how}")]
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
pub(super) fn default_path() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|dirs| dirs.config_dir().join("raidcast").join("config.toml"))
}

/// Where the client keeps its state if nothing is said.
pub(super) fn default_state() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|dirs| dirs.data_local_dir().join("raidcast"))
}

/// Reads the settings file: `given`, which must be there then, or the usual one, if it is.
pub(super) fn load(given: Option<&Path>) -> Result<File, SettingsError> {
    let Some(path) = given.map(Path::to_owned).or_else(default_path) else { return Ok(File::default()) };
    if path.is_dir() {
        let why = "it is a folder. Name the file in it, like config.toml, with --config.".to_owned();
        return Err(SettingsError::File { path, why });
    }
    let source = config::File::from(path.clone()).format(config::FileFormat::Toml).required(given.is_some());
    let parsed = config::Config::builder().add_source(source).build().and_then(config::Config::try_deserialize);
    parsed.map_err(|error| SettingsError::File { path, why: without_values(&error.to_string()) })
}

/// An error of the file without the lines that it shows of it: the key may stand there.
fn without_values(error: &str) -> String {
    if error.contains("for key `key`") {
        return "key must be text in quotes".to_owned();
    }
    let lines = error.lines().filter(|line| !line.contains('|')).map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(": ")
}

/// The value of `what`, or how to set it: by flag (and environment), or in the file as `entry`.
pub(super) fn require<T>(value: Option<T>, what: &'static str, flag: &str, entry: &str) -> Result<T, SettingsError> {
    value.ok_or_else(|| {
        let mut how = format!("Give {flag}");
        if let Some(path) = default_path() {
            let _ = write!(how, ", or write {entry} = \"…\" into {}", path.display());
        }
        how.push('.');
        SettingsError::Missing { what, how }
    })
}

/// Where to set the key.
pub(super) fn no_key() -> SettingsError {
    let mut how = "Set RAIDCAST_KEY to your upload key".to_owned();
    if let Some(path) = default_path() {
        let _ = write!(how, ", or write key = \"…\" into {}", path.display());
    }
    how.push('.');
    SettingsError::Value(how)
}

/// A title that the relay takes.
pub(super) fn title(text: &str) -> Result<String, SettingsError> {
    let text = text.trim();
    if is_title(text, TITLE_CHARS_MAX) {
        return Ok(text.to_owned());
    }
    Err(SettingsError::Value(format!(
        "This title cannot be used. It may have {TITLE_CHARS_MAX} characters, and no tags like <b>. Give another with --title."
    )))
}

/// A key without what is around it when it is copied.
///
/// # Errors
/// It is none that a request can carry. The key itself stands in no message.
pub(super) fn key(text: &str) -> Result<String, SettingsError> {
    let text = text.trim();
    let why = match key_fault(text) {
        None => return Ok(text.to_owned()),
        Some(KeyFault::Empty) => "The key is empty. Set RAIDCAST_KEY to the key that you got for the relay.",
        Some(KeyFault::Characters) => {
            "The key holds characters that no key has: a space, a line break, or a letter that is not English. \
             Copy the key again and set RAIDCAST_KEY to it."
        }
        Some(KeyFault::TooLong) => "The key is longer than any key. Copy the key again and set RAIDCAST_KEY to it.",
    };
    Err(SettingsError::Value(why.to_owned()))
}

/// The meter's database, if that is a file, or is not there yet.
///
/// # Errors
/// It is a folder, a pipe or a device, or another program's: that never becomes a meter's database.
pub(super) fn database(path: PathBuf) -> Result<PathBuf, SettingsError> {
    let wrong = match std::fs::metadata(&path).ok().as_ref().and_then(no_file) {
        Some(why) => Some(SourceError::Unsupported { path: path.clone(), why }),
        None => detect::foreign(&path),
    };
    wrong.map_or(Ok(path), |error| Err(SettingsError::Value(words::source_error(&error))))
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
        for text in ["key = \"very-secret", "key = very-secret", "key = [\"very-secret\"]"] {
            let error = parse(text).unwrap_err().to_string();
            assert!(!error.contains("very-secret"), "{error}");
            assert!(error.contains("config.toml"), "{error}");
        }
        assert!(load(Some(&dir.path().join("nowhere.toml"))).is_err());
        let error = load(Some(dir.path())).unwrap_err().to_string();
        assert!(error.contains("it is a folder") && error.contains("--config"), "{error}");
    }

    #[test]
    fn what_is_not_set_says_where_to_set_it() {
        let error = require::<String>(None, "the relay's address", "--relay", "relay").unwrap_err().to_string();
        assert!(error.contains("--relay"), "{error}");
        assert!(title("<b>").is_err());
        assert_eq!(title(" Friday ").unwrap(), "Friday");
        assert_eq!(key(" abc\n").unwrap(), "abc");
        assert!(key(" ").is_err());
        for wrong in ["ab cd", "ab\ncd", "ab\u{7f}", "schlüssel", "\u{1f409}", "a\0b", &"k".repeat(2_000)] {
            let error = key(wrong).unwrap_err().to_string();
            assert!(error.contains("RAIDCAST_KEY") && !error.contains(wrong), "{error}");
        }
        let dir = tempfile::tempdir().unwrap();
        assert!(database(dir.path().to_owned()).unwrap_err().to_string().contains("folder"));
        assert!(database(dir.path().join("not-yet.db")).is_ok());
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("text.db"), [b'x'; 4096]).unwrap();
        let make = |name: &str, sql: &str| rusqlite::Connection::open(path(name)).unwrap().execute_batch(sql).unwrap();
        make("other.db", "CREATE TABLE bookmarks(a)");
        make("new.db", "CREATE TABLE __diesel_schema_migrations(version)");
        make("meter.db", "CREATE TABLE damage_skill_stats(hits, hit_details)");
        for name in ["text.db", "other.db"] {
            let error = database(path(name)).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("ame the meter's"), "{error}");
        }
        // A meter may be making its tables just now.
        for name in ["new.db", "meter.db"] {
            assert_eq!(database(path(name)), Ok(path(name)));
        }
    }
}
