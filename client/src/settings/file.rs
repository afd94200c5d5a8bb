//! The settings file: what it holds, and what is wrong in one that cannot be read.
//!
//! One invariant: no value of the file gets into a fault, for the key may stand there.
//! Deliberately not here: whether a value is of any use (`value.rs`), and what counts more than the file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use serde::Deserialize;

use super::entry::{Entry, Holds};
use super::fault::{FileFault, SettingsFault};
use crate::os_error::OsError;

/// The settings file; every entry may be left out.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsFile {
    /// The relay's address.
    pub relay: Option<String>,
    /// The key that the relay knows the user by.
    pub key: Option<String>,
    /// The meter's database.
    pub db: Option<PathBuf>,
    /// Who may find and see raids.
    pub visibility: Option<Visibility>,
    /// Who may find and see their reports.
    pub report_visibility: Option<ReportVisibility>,
    /// Which names those see who are no members.
    pub names: Option<NamesPolicy>,
    /// How far behind those see a raid who are no members, seconds.
    pub delay: Option<i64>,
    /// Folder of the meter's name files.
    pub meter_data: Option<PathBuf>,
    /// Authorities that vouch for the relay beside those that browsers know.
    pub ca: Option<PathBuf>,
}

impl fmt::Debug for SettingsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the key.
        f.debug_struct("SettingsFile").finish_non_exhaustive()
    }
}

impl SettingsFile {
    /// Reads a settings file; one that need not be there, and is not, has no entries.
    ///
    /// # Errors
    /// It cannot be read, or holds something else than entries.
    pub fn load(path: &Path, must_be_there: bool) -> Result<Self, SettingsFault> {
        let wrong = |why: FileFault| SettingsFault::File { path: path.to_owned(), why };
        match text_of(path).map_err(wrong)? {
            Some(text) => parse(&text).map_err(wrong),
            None if must_be_there => Err(wrong(FileFault::NotThere)),
            None => Ok(Self::default()),
        }
    }
}

/// What stands in a settings file; `None` where there is none, nor one that was meant to be it.
pub(super) fn text_of(path: &Path) -> Result<Option<String>, FileFault> {
    if path.is_dir() {
        return Err(FileFault::Folder);
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match as_text_file(path) {
                Some(why) => Err(why),
                None => Ok(None),
            };
        }
        Err(error) => return Err(FileFault::Io(OsError::from(&error))),
    };
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or(FileFault::NotUtf8)?;
    Ok(Some(text.trim_start_matches('\u{feff}').to_owned()))
}

/// The entries of a settings file.
pub(super) fn parse(text: &str) -> Result<SettingsFile, FileFault> {
    let source = config::File::from_str(text, config::FileFormat::Toml);
    let parsed = config::Config::builder().add_source(source).build().and_then(config::Config::try_deserialize);
    match parsed {
        Ok(file) if !has_escapes(&file) => Ok(file),
        Ok(_) => Err(FileFault::WindowsPath),
        Err(error) => Err(hint(text).unwrap_or_else(|| without_values(&error.to_string()))),
    }
}

/// Notepad adds .txt to names.
fn as_text_file(path: &Path) -> Option<FileFault> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let is_there = path.with_file_name(format!("{name}.txt")).is_file();
    is_there.then_some(FileFault::TextFile { name })
}

/// Whether a backslash of a path was taken for the begin of a sign that no path has.
fn has_escapes(file: &SettingsFile) -> bool {
    let paths = file.db.iter().chain(&file.meter_data).chain(&file.ca);
    paths.filter_map(|path| path.to_str()).any(|path| path.contains(char::is_control))
}

/// What is wrong in a file that does not parse, if it is something that happens to people. No value is told.
fn hint(text: &str) -> Option<FileFault> {
    for (at, line) in text.lines().enumerate() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let (name, value) = (name.trim(), value.trim());
        let meant = |entry: &Entry| name.eq_ignore_ascii_case(entry.name());
        let Some(entry) = Entry::ALL.into_iter().find(meant) else { continue };
        let begins = match entry.holds() {
            Holds::Number => value.starts_with(|sign: char| sign.is_ascii_digit()),
            Holds::Text | Holds::Path | Holds::Choice(_) => value.starts_with(['"', '\'', '[', '{']),
        };
        if name != entry.name() || !begins {
            return Some(FileFault::Line { line: at + 1, entry });
        }
        match entry.holds() {
            Holds::Path if value.starts_with('"') && value.contains('\\') => return Some(FileFault::WindowsPath),
            Holds::Choice(of) if !of.contains(&value.trim_matches(['"', '\''])) => {
                return Some(FileFault::Choice { entry, of });
            }
            Holds::Text | Holds::Path | Holds::Number | Holds::Choice(_) => {}
        }
    }
    None
}

/// An error of the file without the lines that it shows of it: the key may stand there.
pub(super) fn without_values(error: &str) -> FileFault {
    if error.contains("for key `key`") {
        return FileFault::KeyNotText;
    }
    let lines = error.lines().filter(|line| !line.contains('|')).map(str::trim).filter(|line| !line.is_empty());
    FileFault::Toml { text: lines.collect::<Vec<_>>().join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_read_and_nothing_else() {
        let line = |entry: Entry| match entry.holds() {
            Holds::Text => format!("{} = \"x\"\n", entry.name()),
            Holds::Path => format!("{} = 'C:\\x'\n", entry.name()),
            Holds::Number => format!("{} = 1\n", entry.name()),
            Holds::Choice(of) => format!("{} = \"{}\"\n", entry.name(), of[of.len() - 1]),
        };
        let text: String = Entry::ALL.into_iter().map(line).collect();
        let SettingsFile { relay, key, db, visibility, report_visibility, names, delay, meter_data, ca } =
            parse(&text).unwrap();
        assert_eq!([relay.as_deref(), key.as_deref()], [Some("x"); 2]);
        for path in [db, meter_data, ca] {
            assert_eq!(path, Some(PathBuf::from(r"C:\x")));
        }
        assert_eq!((visibility, report_visibility), (Some(Visibility::Private), Some(ReportVisibility::Private)));
        assert_eq!((names, delay), (Some(NamesPolicy::Hidden), Some(1)));
        assert!(matches!(parse("relais = 1"), Err(FileFault::Toml { .. })));
        assert_eq!(parse("").unwrap(), SettingsFile::default());
        // Each word of a choice is one.
        for entry in Entry::ALL {
            let Holds::Choice(of) = entry.holds() else { continue };
            for word in of {
                assert!(parse(&format!("{} = \"{word}\"", entry.name())).is_ok(), "{word}");
            }
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_no_fault_where_it_need_not_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        assert_eq!(SettingsFile::load(&path, false).unwrap(), SettingsFile::default());
        let why = |path: &Path, must_be_there| match SettingsFile::load(path, must_be_there) {
            Err(SettingsFault::File { path: told, why }) if told == path => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(why(&path, true), FileFault::NotThere);
        assert_eq!(why(folder.path(), false), FileFault::Folder);
        std::fs::write(folder.path().join("config.toml.txt"), "").unwrap();
        for must_be_there in [false, true] {
            assert_eq!(why(&path, must_be_there), FileFault::TextFile { name: "config.toml".into() });
        }
        std::fs::write(&path, [0xff]).unwrap();
        assert_eq!(why(&path, false), FileFault::NotUtf8);
        std::fs::write(&path, "key = \"very-secret\"").unwrap();
        let file = SettingsFile::load(&path, false).unwrap();
        assert_eq!(file.key.as_deref(), Some("very-secret"));
        assert!(!format!("{file:?}").contains("very-secret"));
    }
}
