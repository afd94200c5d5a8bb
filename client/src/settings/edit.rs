//! Changes of the settings file by a program: what people wrote into it, comments and order too, stays as it is.
//!
//! One invariant: what is written can be read again. A file that cannot be read is not touched.
//! Deliberately not here: the key (those that relays give are kept elsewhere), and whether a value is of any use.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use toml_edit::{Document, Value};

use super::entry::Entry;
use super::fault::{FileFault, SettingsFault};
use super::file::{SettingsFile, parse, text_of, without_values};
use crate::os_error::OsError;
use crate::secret::replace;

/// What becomes of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays as it is.
    #[default]
    Leave,
    /// It is this from now on.
    Set(T),
    /// It goes.
    Clear,
}

/// What becomes of the entries of a settings file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsEdit {
    /// The relay's address.
    pub relay: Edit<String>,
    /// The meter's database.
    pub db: Edit<PathBuf>,
    /// Who may find and see raids.
    pub visibility: Edit<Visibility>,
    /// Who may find and see their reports.
    pub report_visibility: Edit<ReportVisibility>,
    /// Which names those see who are no members.
    pub names: Edit<NamesPolicy>,
    /// How far behind those see a raid who are no members, seconds.
    pub delay: Edit<u32>,
    /// Folder of the meter's name files.
    pub meter_data: Edit<PathBuf>,
    /// Authorities that vouch for the relay beside those that browsers know.
    pub ca: Edit<PathBuf>,
}

impl SettingsFile {
    /// Changes entries of a settings file, which is made if it is not there. New ones stand at its end.
    ///
    /// # Errors
    /// It cannot be read or written, or a path cannot stand in it: then nothing has changed.
    pub fn edit(path: &Path, edit: &SettingsEdit) -> Result<(), SettingsFault> {
        let wrong = |why: FileFault| SettingsFault::File { path: path.to_owned(), why };
        let unwritten =
            |error: io::Error| SettingsFault::Unwritten { path: path.to_owned(), error: OsError::from(&error) };
        let held = text_of(path).map_err(wrong)?.unwrap_or_default();
        parse(&held).map_err(wrong)?;
        let edited = edited(&held, edit.changes()?).map_err(wrong)?;
        if edited == held {
            return Ok(());
        }
        parse(&edited).map_err(wrong)?;
        // Where the file is a link, that stays one.
        let place = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder).map_err(unwritten)?;
        }
        replace(&place, edited.as_bytes()).map_err(unwritten)
    }
}

impl SettingsEdit {
    /// What becomes of each entry, as the file has it.
    fn changes(&self) -> Result<[(Entry, Edit<Value>); 8], SettingsFault> {
        let Self { relay, db, visibility, report_visibility, names, delay, meter_data, ca } = self;
        Ok([
            (Entry::Relay, relay.map(|relay| Value::from(relay.as_str()))),
            (Entry::Db, of_path(db)?),
            (Entry::Visibility, visibility.map(|seen_by| Value::from(visibility_word(*seen_by)))),
            (Entry::ReportVisibility, report_visibility.map(|seen_by| Value::from(reports_word(*seen_by)))),
            (Entry::Names, names.map(|names| Value::from(names_word(*names)))),
            (Entry::Delay, delay.map(|seconds| Value::from(i64::from(*seconds)))),
            (Entry::MeterData, of_path(meter_data)?),
            (Entry::Ca, of_path(ca)?),
        ])
    }
}

impl<T> Edit<T> {
    fn map<V>(&self, as_value: impl FnOnce(&T) -> V) -> Edit<V> {
        match self {
            Self::Leave => Edit::Leave,
            Self::Set(value) => Edit::Set(as_value(value)),
            Self::Clear => Edit::Clear,
        }
    }
}

fn of_path(edit: &Edit<PathBuf>) -> Result<Edit<Value>, SettingsFault> {
    match edit {
        Edit::Leave => Ok(Edit::Leave),
        Edit::Clear => Ok(Edit::Clear),
        Edit::Set(path) => {
            // A control character would be taken for a backslash that was written as in other texts.
            let text = path.to_str().filter(|text| !text.contains(char::is_control));
            let text = text.ok_or_else(|| SettingsFault::PathSigns { path: path.clone() })?;
            Ok(Edit::Set(Value::from(text)))
        }
    }
}

fn visibility_word(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "public",
        Visibility::Unlisted => "unlisted",
        Visibility::Private => "private",
    }
}

fn reports_word(visibility: ReportVisibility) -> &'static str {
    match visibility {
        ReportVisibility::Live => "live",
        ReportVisibility::Public => "public",
        ReportVisibility::Unlisted => "unlisted",
        ReportVisibility::Private => "private",
    }
}

fn names_word(names: NamesPolicy) -> &'static str {
    match names {
        NamesPolicy::Full => "full",
        NamesPolicy::Class => "class",
        NamesPolicy::Hidden => "hidden",
    }
}

/// The file's text after the changes.
fn edited(held: &str, changes: [(Entry, Edit<Value>); 8]) -> Result<String, FileFault> {
    let document = Document::parse(held).map_err(|error| without_values(&error.to_string()))?;
    let mut cuts: Vec<(Range<usize>, String)> = Vec::new();
    let mut new = String::new();
    for (entry, change) in changes {
        match (change, place(&document, entry)) {
            (Edit::Leave, _) | (Edit::Clear, None) => {}
            (Edit::Set(value), Some((_, of_value))) => cuts.push((of_value, value.to_string())),
            (Edit::Set(value), None) => {
                let _ = writeln!(new, "{} = {value}", entry.name());
            }
            (Edit::Clear, Some((of_name, of_value))) => {
                cuts.push((lines(held, of_name.start, of_value.end), String::new()));
            }
        }
    }
    // From the end on: what stands before a cut keeps its place.
    cuts.sort_by_key(|(place, _)| Reverse(place.start));
    let mut text = held.to_owned();
    for (place, value) in cuts {
        text.replace_range(place, &value);
    }
    if !new.is_empty() && !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text + &new)
}

/// Where the name of an entry stands in the file, and where its value.
fn place(document: &Document<&str>, entry: Entry) -> Option<(Range<usize>, Range<usize>)> {
    let (name, value) = document.as_table().get_key_value(entry.name())?;
    Some((name.span()?, value.span()?))
}

/// The whole lines in which something stands.
fn lines(text: &str, start: usize, end: usize) -> Range<usize> {
    let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    begin..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_stays_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raidcast").join("config.toml");
        let told = || std::fs::read_to_string(&path).unwrap();
        let edit = |edit: SettingsEdit| SettingsFile::edit(&path, &edit).unwrap();

        // Nothing is to be written.
        edit(SettingsEdit::default());
        edit(SettingsEdit { ca: Edit::Clear, ..SettingsEdit::default() });
        assert!(!path.exists());
        edit(SettingsEdit { relay: Edit::Set("https://a.example".into()), ..SettingsEdit::default() });
        assert_eq!(told(), "relay = \"https://a.example\"\n");

        let before = "\u{feff}# Mine.\r\nkey = 'secret'\r\n\r\n  relay=\"http://old\"  # at home\r\n# Late.\n\
                      delay = 60 # s\nnames = \"class\"";
        std::fs::write(&path, before).unwrap();
        edit(SettingsEdit {
            relay: Edit::Set("https://a.example".into()),
            db: Edit::Set(r"C:\Users\O'Neil\meter.db".into()),
            visibility: Edit::Set(Visibility::Private),
            delay: Edit::Clear,
            ca: Edit::Clear,
            ..SettingsEdit::default()
        });
        assert_eq!(
            told(),
            "# Mine.\r\nkey = 'secret'\r\n\r\n  relay=\"https://a.example\"  # at home\r\n# Late.\nnames = \"class\"\n\
             db = '''C:\\Users\\O'Neil\\meter.db'''\nvisibility = \"private\"\n"
        );
        edit(SettingsEdit { db: Edit::Set(r"C:\meter.db".into()), ..SettingsEdit::default() });
        assert!(told().contains("\ndb = 'C:\\meter.db'\n"), "{}", told());
    }

    #[test]
    fn what_was_set_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        for (visibility, reports, names) in [
            (Visibility::Public, ReportVisibility::Live, NamesPolicy::Full),
            (Visibility::Unlisted, ReportVisibility::Public, NamesPolicy::Class),
            (Visibility::Private, ReportVisibility::Unlisted, NamesPolicy::Hidden),
            (Visibility::Private, ReportVisibility::Private, NamesPolicy::Hidden),
        ] {
            let edit = SettingsEdit {
                relay: Edit::Set("https://a.example/\"quoted\"".into()),
                db: Edit::Set("/m'm.db".into()),
                visibility: Edit::Set(visibility),
                report_visibility: Edit::Set(reports),
                names: Edit::Set(names),
                delay: Edit::Set(60),
                meter_data: Edit::Set(r"C:\names".into()),
                ca: Edit::Set("/ca.pem".into()),
            };
            SettingsFile::edit(&path, &edit).unwrap();
            let expected = SettingsFile {
                relay: Some("https://a.example/\"quoted\"".into()),
                key: None,
                db: Some("/m'm.db".into()),
                visibility: Some(visibility),
                report_visibility: Some(reports),
                names: Some(names),
                delay: Some(60),
                meter_data: Some(r"C:\names".into()),
                ca: Some("/ca.pem".into()),
            };
            assert_eq!(SettingsFile::load(&path, true).unwrap(), expected);
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let edit = SettingsEdit { delay: Edit::Set(1), ..SettingsEdit::default() };
        for text in ["relais = 1", "key = very-secret", "relay = \"a\"\nrelay = \"b\""] {
            std::fs::write(&path, text).unwrap();
            let fault = SettingsFile::edit(&path, &edit).unwrap_err();
            assert!(matches!(fault, SettingsFault::File { .. }), "{fault:?}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        std::fs::write(&path, "delay = 2").unwrap();
        let wrong = SettingsEdit { db: Edit::Set("/a\nb".into()), ..edit };
        assert!(matches!(SettingsFile::edit(&path, &wrong), Err(SettingsFault::PathSigns { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "delay = 2");
    }
}
