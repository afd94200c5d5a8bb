//! What the user sets: flags over environment over a file over defaults.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::key::is_damaged;
use raidcast_shared::limits::{DELAY_S_MAX, TITLE_CHARS_MAX};
use raidcast_shared::text::{KeyFault, clean, is_title, key_fault};
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use serde::Deserialize;

use super::words;
use crate::keys::Keys;
use crate::source::{SourceError, detect, no_file};
use crate::trust::Trust;

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
    /// Who may find and see their reports.
    pub(super) report_visibility: Option<ReportVisibility>,
    /// Which names those see who are no members.
    pub(super) names: Option<NamesPolicy>,
    /// How far behind those see a raid who are no members, seconds.
    pub(super) delay: Option<i64>,
    /// Folder of the meter's name files.
    pub(super) meter_data: Option<PathBuf>,
    /// Authorities that vouch for the relay beside those that browsers know.
    pub(super) ca: Option<PathBuf>,
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

/// Where keys are kept that relays gave to this computer; `None` on a machine without a home.
pub(super) fn keys() -> Option<Keys> {
    let dirs = directories::BaseDirs::new()?;
    Some(Keys::at(dirs.config_dir().join("raidcast").join("keys.json")))
}

/// Who vouches for relays: those in a file, too, where one is named.
pub(super) fn trust(file: Option<&Path>) -> Result<Trust, SettingsError> {
    let own = |path| Trust::also(path).map_err(|error| SettingsError::Value(words::trust_error(&error)));
    file.map_or_else(|| Ok(Trust::public()), own)
}

/// What this computer is called, as far as it tells.
pub(super) fn machine_name() -> String {
    let named = ["COMPUTERNAME", "HOSTNAME"].iter().find_map(|name| std::env::var(name).ok());
    let named = named.or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    let name = clean(named.unwrap_or_default().trim(), 40);
    if name.is_empty() { "this computer".to_owned() } else { name }
}

/// Reads the settings file: `given`, which must be there then, or the usual one, if it is.
pub(super) fn load(given: Option<&Path>) -> Result<File, SettingsError> {
    let Some(path) = given.map(Path::to_owned).or_else(default_path) else { return Ok(File::default()) };
    let wrong = |why: String| SettingsError::File { path: path.clone(), why };
    if path.is_dir() {
        return Err(wrong("it is a folder. Name the file in it, like config.toml, with --config.".to_owned()));
    }
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match (as_text_file(&path), given) {
                (Some(hint), _) => Err(wrong(hint)),
                (None, Some(_)) => Err(wrong("it is not there. Name it with --config.".to_owned())),
                (None, None) => Ok(File::default()),
            };
        }
        Err(error) => return Err(wrong(words::told(&error))),
    };
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    let text = text.ok_or_else(|| wrong("it is no UTF-8 text. Save the file as UTF-8.".to_owned()))?;
    let text = text.trim_start_matches('\u{feff}');
    let source = config::File::from_str(text, config::FileFormat::Toml);
    let parsed = config::Config::builder().add_source(source).build().and_then(config::Config::try_deserialize);
    match parsed {
        Ok(file) if !has_escapes(&file) => Ok(file),
        Ok(_) => Err(wrong(SINGLE_QUOTES.to_owned())),
        Err(error) => Err(wrong(hint(text).unwrap_or_else(|| without_values(&error.to_string())))),
    }
}

/// What to do with a Windows path that was written like any other text.
const SINGLE_QUOTES: &str = r"Write Windows paths in single quotes: db = 'C:\…'";

/// Each entry, as it is to be written.
const ENTRIES: [(&str, &str); 9] = [
    ("relay", r#"relay = "https://…""#),
    ("key", r#"key = "…""#),
    ("db", "db = '…'"),
    ("visibility", r#"visibility = "unlisted""#),
    ("report_visibility", r#"report_visibility = "live""#),
    ("names", r#"names = "class""#),
    ("delay", "delay = 60"),
    ("meter_data", "meter_data = '…'"),
    ("ca", "ca = '…'"),
];

/// Notepad adds .txt to names.
fn as_text_file(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let text_file = format!("{name}.txt");
    path.with_file_name(&text_file).is_file().then(|| format!("there is {text_file}: rename it to {name}."))
}

/// Whether a backslash of a path was taken for the begin of a sign that no path has.
fn has_escapes(file: &File) -> bool {
    let paths = file.db.iter().chain(&file.meter_data).chain(&file.ca);
    paths.filter_map(|path| path.to_str()).any(|path| path.contains(char::is_control))
}

/// What is wrong in a file that does not parse, if it is something that happens to people. No value is shown.
fn hint(text: &str) -> Option<String> {
    for (at, line) in text.lines().enumerate() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let (name, value) = (name.trim(), value.trim());
        let Some((entry, example)) = ENTRIES.iter().find(|(entry, _)| name.eq_ignore_ascii_case(entry)) else {
            continue;
        };
        let is_number = *entry == "delay";
        let begins = if is_number {
            value.starts_with(|sign: char| sign.is_ascii_digit())
        } else {
            value.starts_with(['"', '\'', '[', '{'])
        };
        if name != *entry || !begins {
            return Some(format!("line {} must look like {example}", at + 1));
        }
        if matches!(*entry, "db" | "meter_data" | "ca") && value.starts_with('"') && value.contains('\\') {
            return Some(SINGLE_QUOTES.to_owned());
        }
        let value = value.trim_matches(['"', '\'']);
        if *entry == "visibility" && !["public", "unlisted", "private"].contains(&value) {
            return Some("visibility is public, unlisted or private (small letters)".to_owned());
        }
        if *entry == "report_visibility" && !["live", "public", "unlisted", "private"].contains(&value) {
            return Some("report_visibility is live, public, unlisted or private (small letters)".to_owned());
        }
        if *entry == "names" && !["full", "class", "hidden"].contains(&value) {
            return Some("names is full, class or hidden (small letters)".to_owned());
        }
    }
    None
}

/// An error of the file without the lines that it shows of it: the key may stand there.
fn without_values(error: &str) -> String {
    if error.contains("for key `key`") {
        return "key must be text in quotes".to_owned();
    }
    let lines = error.lines().filter(|line| !line.contains('|')).map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(": ")
}

/// Seconds that those are behind who are no members of a raid.
pub(super) fn delay(seconds: i64) -> Result<u32, SettingsError> {
    let fits = u32::try_from(seconds).ok().filter(|seconds| *seconds <= DELAY_S_MAX);
    fits.ok_or_else(|| SettingsError::Value(format!("A delay has 0 to {DELAY_S_MAX} seconds.")))
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
    let mut how =
        "There is no key for this relay. Run raidcast login with its address, or set RAIDCAST_KEY to your upload key"
            .to_owned();
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
    let why = if text.chars().count() > TITLE_CHARS_MAX {
        format!("A title has at most {TITLE_CHARS_MAX} characters. Give a shorter one with --title.")
    } else {
        "This title cannot be used: it has a tag like <b>, or a sign that cannot be shown. Give another with --title."
            .into()
    };
    Err(SettingsError::Value(why))
}

/// A key without what is around it when it is copied.
///
/// # Errors
/// It is none that a request can carry. The key itself stands in no message.
pub(super) fn key(text: &str) -> Result<String, SettingsError> {
    let text = text.trim();
    if text.len() > 1 && text.starts_with(['"', '\'']) && text.ends_with(['"', '\'']) {
        let why = "The key has quotes around it: take them off. (In cmd: set RAIDCAST_KEY=…, without quotes.)";
        return Err(SettingsError::Value(why.to_owned()));
    }
    let why = match key_fault(text) {
        None if is_damaged(text) => {
            "The key is not whole, or a letter of it has changed. Copy the key again and set RAIDCAST_KEY to it."
        }
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
        let file = parse("relay = \"http://a\"\nkey = \"k\"\nvisibility = \"private\"\nreport_visibility = \"public\"\nmeter_data = \"/m\"").unwrap();
        assert_eq!(file.relay.as_deref(), Some("http://a"));
        assert_eq!(file.visibility, Some(Visibility::Private));
        assert_eq!(file.report_visibility, Some(ReportVisibility::Public));
        assert_eq!(file.meter_data, Some(PathBuf::from("/m")));
        for (text, word) in
            [("relais = 1", "relais"), ("visibility = \"Public\"", "small letters"), ("relay =", "config.toml")]
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
    fn what_people_write_into_the_file_is_told_with_what_to_write_instead() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let parse = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            load(Some(&path)).unwrap_err().to_string()
        };
        let quotes = r"Write Windows paths in single quotes: db = 'C:\…'";
        for (text, end) in [
            (r#"db = "C:\Users\me\meter.db""#, quotes),
            (r#"db = "C:\new\meter.db""#, quotes),
            ("relay = https://very-secret", r#"line 1 must look like relay = "https://…""#),
            ("# mine\nKey = \"very-secret\"", r#"line 2 must look like key = "…""#),
            ("key = very-secret", r#"line 1 must look like key = "…""#),
            ("key = \u{201c}very-secret\u{201d}", r#"line 1 must look like key = "…""#),
            ("visibility = \"very-secret\"", "visibility is public, unlisted or private (small letters)"),
            ("delay = soon", "line 1 must look like delay = 60"),
            ("report_visibility = \"none\"", "report_visibility is live, public, unlisted or private (small letters)"),
            ("names = \"None\"", "names is full, class or hidden (small letters)"),
        ] {
            let error = parse(text.as_bytes());
            assert_eq!(error, format!("The settings file {} cannot be read: {end}", path.display()));
        }
        for text in
            ["relay = 5\nkey = [\"very-secret\"]", "key = \"very-secret\"\nrelay", "key = \"very-secret\"\nkey = 'a'"]
        {
            let error = parse(text.as_bytes());
            assert!(!error.contains("very-secret") && error.matches("config.toml").count() == 1, "{error}");
        }
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            let wide: Vec<_> = "\u{feff}relay = \"http://a\"".encode_utf16().flat_map(order).collect();
            assert!(parse(&wide).ends_with("Save the file as UTF-8."));
        }
        std::fs::write(&path, "\u{feff}relay = \"http://a\"").unwrap();
        assert_eq!(load(Some(&path)).unwrap().relay.as_deref(), Some("http://a"));
        std::fs::rename(&path, dir.path().join("config.toml.txt")).unwrap();
        let error = load(Some(&path)).unwrap_err().to_string();
        assert!(error.ends_with("there is config.toml.txt: rename it to config.toml."), "{error}");
        // Of values, too.
        let error = title(&"x".repeat(TITLE_CHARS_MAX + 1)).unwrap_err().to_string();
        assert!(error.contains("at most 100 characters"), "{error}");
        for quoted in ["\"very-secret\"", "'very-secret'"] {
            let error = key(quoted).unwrap_err().to_string();
            assert!(error.contains("quotes around it: take them off") && !error.contains("very-secret"), "{error}");
        }
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
