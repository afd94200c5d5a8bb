//! In words: what is missing in the settings, or wrong with them, and where to set it right.

use raidcast_shared::limits::{DELAY_S_MAX, TITLE_CHARS_MAX};
use raidcast_shared::text::KeyFault;

use super::keys::{keys_error, trust_error};
use super::meter::source_error;
use super::relay::address_error;
use super::text::told_before;
use crate::settings::{Entry, FileFault, Home, KeyTrouble, SettingsFault, TitleFault};

/// What to do with a Windows path that was written like any other text.
const SINGLE_QUOTES: &str = r"Write Windows paths in single quotes: db = 'C:\…'";

/// Why there are no settings to run with, and what to do; `home`: where the settings file is if nothing is said.
pub(in crate::cli) fn settings_fault(fault: &SettingsFault, home: Option<&Home>) -> String {
    match fault {
        SettingsFault::File { path, why } => {
            format!("The settings file {} cannot be read: {}", path.display(), file_fault(why))
        }
        SettingsFault::Unwritten { path, error } => {
            format!("The settings file {} cannot be written ({}).", path.display(), told_before(error))
        }
        SettingsFault::PathSigns { path } => format!(
            "{} cannot stand in the settings file: it is no text, or has a sign in it that no path has.",
            path.display()
        ),
        SettingsFault::NoRelay => {
            format!("The relay's address is not set. Give --relay URL{}.", or_in_file(Entry::Relay, home))
        }
        SettingsFault::NoKey => format!(
            "There is no key for this relay. Run raidcast login with its address, or set RAIDCAST_KEY to your upload \
             key{}.",
            or_in_file(Entry::Key, home)
        ),
        // There is no settings file, either.
        SettingsFault::NoState => "The folder for what is remembered is not set. Give --state DIR.".to_owned(),
        SettingsFault::Title(TitleFault::TooLong) => {
            format!("A title has at most {TITLE_CHARS_MAX} characters. Give a shorter one with --title.")
        }
        SettingsFault::Title(TitleFault::Signs) => {
            "This title cannot be used: it has a tag like <b>, or a sign that cannot be shown. Give another with --title."
                .to_owned()
        }
        SettingsFault::Key(why) => key_trouble(*why).to_owned(),
        SettingsFault::Delay => format!("A delay has 0 to {DELAY_S_MAX} seconds."),
        SettingsFault::Database(error) => source_error(error),
        SettingsFault::Trust(error) => trust_error(error),
        SettingsFault::Keys { file, error } => keys_error(error, file),
        SettingsFault::Address(error) => address_error(error),
    }
}

/// Where else something can be set.
pub(super) fn or_in_file(entry: Entry, home: Option<&Home>) -> String {
    let Some(home) = home else { return String::new() };
    format!(", or write {} = \"…\" into {}", entry.name(), home.config.display())
}

fn file_fault(why: &FileFault) -> String {
    match why {
        FileFault::Folder => "it is a folder. Name the file in it, like config.toml, with --config.".to_owned(),
        FileFault::NotThere => "it is not there. Check what --config names.".to_owned(),
        FileFault::TextFile { name } => format!("there is {name}.txt: rename it to {name}."),
        FileFault::Io(error) => told_before(error),
        FileFault::NotUtf8 => "it is no UTF-8 text. Save the file as UTF-8.".to_owned(),
        FileFault::Line { line, entry } => format!("line {line} must look like {}", example(*entry)),
        FileFault::WindowsPath => SINGLE_QUOTES.to_owned(),
        FileFault::Choice { entry, of } => format!("{} is {} (small letters)", entry.name(), one_of(of)),
        FileFault::KeyNotText => "key must be text in quotes".to_owned(),
        FileFault::Toml { text } => text.clone(),
    }
}

/// An entry, as it is to be written.
fn example(entry: Entry) -> &'static str {
    match entry {
        Entry::Relay => r#"relay = "https://…""#,
        Entry::Key => r#"key = "…""#,
        Entry::Db => "db = '…'",
        Entry::Visibility => r#"visibility = "unlisted""#,
        Entry::ReportVisibility => r#"report_visibility = "live""#,
        Entry::Names => r#"names = "class""#,
        Entry::Delay => "delay = 60",
        Entry::MeterData => "meter_data = '…'",
        Entry::Ca => "ca = '…'",
    }
}

/// `public, unlisted or private`.
fn one_of(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => words.concat(),
    }
}

fn key_trouble(why: KeyTrouble) -> &'static str {
    match why {
        KeyTrouble::Quoted => {
            "The key has quotes around it: take them off. (In cmd: set RAIDCAST_KEY=…, without quotes.)"
        }
        KeyTrouble::Damaged => {
            "The key is not whole, or a letter of it has changed. Copy the key again to where it stands: RAIDCAST_KEY, or \
             key in the settings file."
        }
        KeyTrouble::Signs(KeyFault::Empty) => {
            "The key is empty. Set RAIDCAST_KEY, or key in the settings file, to the key that you got for the relay."
        }
        KeyTrouble::Signs(KeyFault::Characters) => {
            "The key holds characters that no key has: a space, a line break, or a letter that is not English. \
             Copy the key again to where it stands: RAIDCAST_KEY, or \
             key in the settings file."
        }
        KeyTrouble::Signs(KeyFault::TooLong) => {
            "The key is longer than any key. Copy the key again to where it stands: RAIDCAST_KEY, or \
             key in the settings file."
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use raidcast_shared::administration::ReportVisibility;
    use raidcast_shared::uplink::Visibility;

    use super::*;
    use crate::keys::KeysError;
    use crate::os_error::OsError;
    use crate::settings::{SettingsFile, database, delay, key, title, trust};

    fn home() -> Home {
        Home { config: "/c/config.toml".into(), keys: "/c/keys.json".into(), state: "/s".into() }
    }

    fn said(fault: &SettingsFault) -> String {
        settings_fault(fault, Some(&home()))
    }

    fn load(path: &Path) -> Result<SettingsFile, String> {
        SettingsFile::load(path, true).map_err(|fault| said(&fault))
    }

    #[test]
    fn the_file_is_read_and_what_is_wrong_in_it_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let parse = |text: &str| {
            std::fs::write(&path, text).unwrap();
            load(&path)
        };
        let file = parse("relay = \"http://a\"\nkey = \"k\"\nvisibility = \"private\"\nreport_visibility = \"public\"\nmeter_data = \"/m\"").unwrap();
        assert_eq!(file.relay.as_deref(), Some("http://a"));
        assert_eq!(file.visibility, Some(Visibility::Private));
        assert_eq!(file.report_visibility, Some(ReportVisibility::Public));
        assert_eq!(file.meter_data, Some(PathBuf::from("/m")));
        for (text, word) in
            [("relais = 1", "relais"), ("visibility = \"Public\"", "small letters"), ("relay =", "config.toml")]
        {
            let error = parse(text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        for text in ["key = \"very-secret", "key = very-secret", "key = [\"very-secret\"]"] {
            let error = parse(text).unwrap_err();
            assert!(!error.contains("very-secret"), "{error}");
            assert!(error.contains("config.toml"), "{error}");
        }
        let nowhere = dir.path().join("nowhere.toml");
        let told = format!(
            "The settings file {} cannot be read: it is not there. Check what --config names.",
            nowhere.display()
        );
        assert_eq!(load(&nowhere).unwrap_err(), told);
        let error = load(dir.path()).unwrap_err();
        assert!(error.contains("it is a folder") && error.contains("--config"), "{error}");
    }

    #[test]
    fn what_people_write_into_the_file_is_told_with_what_to_write_instead() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let parse = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            load(&path).unwrap_err()
        };
        let quotes = r"Write Windows paths in single quotes: db = 'C:\…'";
        for (text, end) in [
            (r#"db = "C:\Users\me\meter.db""#, quotes),
            (r#"db = "C:\new\meter.db""#, quotes),
            ("relay = https://very-secret", r#"line 1 must look like relay = "https://…""#),
            ("# mine\nKey = \"very-secret\"", r#"line 2 must look like key = "…""#),
            ("key = very-secret", r#"line 1 must look like key = "…""#),
            ("key = \u{201c}very-secret\u{201d}", r#"line 1 must look like key = "…""#),
            ("key = [\"very-secret\"]", "key must be text in quotes"),
            ("visibility = \"very-secret\"", "visibility is public, unlisted or private (small letters)"),
            ("delay = soon", "line 1 must look like delay = 60"),
            ("report_visibility = \"none\"", "report_visibility is live, public, unlisted or private (small letters)"),
            ("names = \"None\"", "names is full, class or hidden (small letters)"),
            ("Db = 'x'", "line 1 must look like db = '…'"),
            ("Visibility = 'x'", r#"line 1 must look like visibility = "unlisted""#),
            ("Report_visibility = 'x'", r#"line 1 must look like report_visibility = "live""#),
            ("Names = 'x'", r#"line 1 must look like names = "class""#),
            ("Meter_data = 'x'", "line 1 must look like meter_data = '…'"),
            ("CA = 'x'", "line 1 must look like ca = '…'"),
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
        assert_eq!(load(&path).unwrap().relay.as_deref(), Some("http://a"));
        std::fs::rename(&path, dir.path().join("config.toml.txt")).unwrap();
        let error = load(&path).unwrap_err();
        assert!(error.ends_with("there is config.toml.txt: rename it to config.toml."), "{error}");
        // Of values, too.
        let error = said(&title(&"x".repeat(TITLE_CHARS_MAX + 1)).unwrap_err());
        assert!(error.contains("at most 100 characters"), "{error}");
        for quoted in ["\"very-secret\"", "'very-secret'"] {
            let error = said(&key(quoted).unwrap_err());
            assert!(error.contains("quotes around it: take them off") && !error.contains("very-secret"), "{error}");
        }
        assert_eq!(said(&delay(601).unwrap_err()), "A delay has 0 to 600 seconds.");
    }

    #[test]
    fn what_is_not_set_says_where_to_set_it() {
        let (relay, key_told) = (
            "The relay's address is not set. Give --relay URL",
            "There is no key for this relay. Run raidcast login with its address, or set RAIDCAST_KEY to your upload \
             key",
        );
        assert_eq!(said(&SettingsFault::NoRelay), format!("{relay}, or write relay = \"…\" into /c/config.toml."));
        assert_eq!(said(&SettingsFault::NoKey), format!("{key_told}, or write key = \"…\" into /c/config.toml."));
        assert_eq!(settings_fault(&SettingsFault::NoRelay, None), format!("{relay}."));
        assert_eq!(settings_fault(&SettingsFault::NoKey, None), format!("{key_told}."));
        assert_eq!(
            settings_fault(&SettingsFault::NoState, None),
            "The folder for what is remembered is not set. Give --state DIR."
        );
        assert_eq!(
            said(&title("<b>").unwrap_err()),
            "This title cannot be used: it has a tag like <b>, or a sign that cannot be shown. Give another with \
             --title."
        );
        for wrong in ["ab cd", "ab\ncd", "ab\u{7f}", "schlüssel", "\u{1f409}", "a\0b", &"k".repeat(2_000)] {
            let error = said(&key(wrong).unwrap_err());
            assert!(error.contains("RAIDCAST_KEY") && !error.contains(wrong), "{error}");
        }
        let dir = tempfile::tempdir().unwrap();
        assert!(said(&database(dir.path().to_owned()).unwrap_err()).contains("folder"));
        assert!(database(dir.path().join("not-yet.db")).is_ok());
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("text.db"), [b'x'; 4096]).unwrap();
        let make = |name: &str, sql: &str| rusqlite::Connection::open(path(name)).unwrap().execute_batch(sql).unwrap();
        make("other.db", "CREATE TABLE bookmarks(a)");
        make("new.db", "CREATE TABLE __diesel_schema_migrations(version)");
        make("meter.db", "CREATE TABLE damage_skill_stats(hits, hit_details)");
        for name in ["text.db", "other.db"] {
            let error = said(&database(path(name)).unwrap_err());
            assert!(error.contains(name) && error.contains("ame the meter's"), "{error}");
        }
        // A meter may be making its tables just now.
        for name in ["new.db", "meter.db"] {
            assert_eq!(database(path(name)).unwrap(), path(name));
        }
    }

    #[test]
    fn what_the_system_or_a_path_says_no_to_is_told_without_numbers() {
        let denied = || OsError::from(&std::io::Error::from_raw_os_error(13));
        let words = denied().text;
        let unread = SettingsFault::File { path: "/c/x.toml".into(), why: FileFault::Io(denied()) };
        assert_eq!(said(&unread), format!("The settings file /c/x.toml cannot be read: {words}"));
        let unwritten = SettingsFault::Unwritten { path: "/c/x.toml".into(), error: denied() };
        assert_eq!(said(&unwritten), format!("The settings file /c/x.toml cannot be written ({words})."));
        let signs = SettingsFault::PathSigns { path: "/m".into() };
        assert!(said(&signs).starts_with("/m cannot stand in the settings file: "), "{}", said(&signs));
        let told = said(&trust(Some(Path::new("/nowhere.pem"))).unwrap_err());
        assert!(told.starts_with("The file of authorities /nowhere.pem (--ca, "), "{told}");
        assert!(!told.contains("os error"), "{told}");
        let io = |kind, text: &str| KeysError::File(std::io::Error::new(kind, text.to_owned()));
        let damaged = io(std::io::ErrorKind::InvalidData, "it does not hold what raidcast wrote");
        assert_eq!(
            said(&SettingsFault::Keys { file: "/c/keys.json".into(), error: damaged }),
            "/c/keys.json is damaged: it does not hold what raidcast wrote. Delete it, and pair this computer again: \
             raidcast login URL"
        );
        let other = io(std::io::ErrorKind::Other, "it burns");
        assert_eq!(
            said(&SettingsFault::Keys { file: "/c/keys.json".into(), error: other }),
            "/c/keys.json cannot be read or written (it burns)."
        );
    }
}
