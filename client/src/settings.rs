//! What a run is to do: what a face says itself, over the settings file, over what this computer keeps and defaults.
//!
//! One invariant: a key that is given is sent to no relay but the one that is given, or that the file names.
//! Deliberately not here: sentences, flags and variables of the environment. Each face has its own: it fills in a
//! [`Given`], and puts a [`SettingsFault`] into words.

mod edit;
mod entry;
mod fault;
mod file;
mod value;

use std::path::PathBuf;

use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::uplink::{NamesPolicy, Visibility};

pub use edit::{Edit, SettingsEdit};
pub use entry::{Entry, Holds};
pub use fault::{FileFault, KeyTrouble, SettingsFault, TitleFault};
pub use file::SettingsFile;
pub use value::{database, delay, key, machine_name, title, trust};

use crate::keys::{Keys, KeysError};
use crate::socket::RelayAddress;
use crate::uploader::Options;

/// Where everything of this user lies if nothing is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// The settings file.
    pub config: PathBuf,
    /// The file of the keys that relays gave to this computer.
    pub keys: PathBuf,
    /// The folder for what is remembered between starts.
    pub state: PathBuf,
}

impl Home {
    /// As the system has it; `None` on a machine without a home.
    pub fn of_this_user() -> Option<Self> {
        let dirs = directories::BaseDirs::new()?;
        let config = dirs.config_dir().join("raidcast");
        Some(Self {
            keys: config.join("keys.json"),
            config: config.join("config.toml"),
            state: dirs.data_local_dir().join("raidcast"),
        })
    }
}

/// What a face says itself: it counts more than the settings file.
#[derive(Clone, Default)]
pub struct Given {
    /// The relay's address.
    pub relay: Option<String>,
    /// The key that the relay knows the user by.
    pub key: Option<String>,
    /// The meter's database.
    pub db: Option<PathBuf>,
    /// Folder of the meter's name files.
    pub meter_data: Option<PathBuf>,
    /// Authorities that vouch for the relay beside those that browsers know.
    pub ca: Option<PathBuf>,
    /// Folder for what is remembered between starts.
    pub state: Option<PathBuf>,
    /// What the raid is called; empty: nothing from now on.
    pub title: Option<String>,
    /// Who may find and see raids.
    pub visibility: Option<Visibility>,
    /// Who may find and see their reports.
    pub report_visibility: Option<ReportVisibility>,
    /// Which names those see who are no members.
    pub names: Option<NamesPolicy>,
    /// How far behind those see a raid who are no members, seconds.
    pub delay: Option<u32>,
}

/// What a run is to do. `home`: where its state is kept if nothing is said; `keys`: what relays gave to this computer.
///
/// A key that is given counts more than one that is kept, and this more than that of the file. Where no relay is named
/// and no key given, it is the one that there is a key for, if there is no other. It asks the system's key store, which
/// may take a minute, and looks at the database that is named.
///
/// # Errors
/// The first thing that is missing or of no use.
pub fn options(
    given: Given,
    file: SettingsFile,
    home: Option<&Home>,
    keys: Option<&Keys>,
) -> Result<Options, SettingsFault> {
    let unread = |error: KeysError| {
        let file = keys.map_or_else(PathBuf::new, |keys| keys.path().to_owned());
        SettingsFault::Keys { file, error }
    };
    let relay = match (given.relay.or(file.relay), keys) {
        // A key that is given is for a relay that is given: it is not sent to another.
        (None, Some(keys)) if given.key.is_none() => keys.only_relay().map_err(unread)?,
        (relay, _) => relay,
    };
    let relay = relay.ok_or(SettingsFault::NoRelay)?;
    // What a relay gave to this computer is more to the point than what a file says of all relays.
    let key = match (given.key, keys) {
        (None, Some(keys)) => keys.key(&relay).map_err(unread)?,
        (key, _) => key,
    };
    let key = key.or(file.key).ok_or(SettingsFault::NoKey)?;
    let state = state_folder(given.state, home)?;
    let key = value::key(&key)?;
    let trust = value::trust(given.ca.or(file.ca).as_deref())?;
    RelayAddress::new(&relay, &key, trust.clone()).map_err(SettingsFault::Address)?;
    let behind_s = |seconds: Option<i64>| seconds.map(value::delay).transpose();
    Ok(Options {
        db: given.db.or(file.db).map(value::database).transpose()?,
        meter_data: given.meter_data.or(file.meter_data),
        title: given.title.as_deref().map(value::title).transpose()?,
        visibility: given.visibility.or(file.visibility),
        report_visibility: given.report_visibility.or(file.report_visibility),
        names: given.names.or(file.names),
        // What is wrong in the file is told also where it does not count.
        delay_s: behind_s(given.delay.map(i64::from))?.or(behind_s(file.delay)?),
        trust,
        ..Options::new(relay, key, state)
    })
}

/// The folder for what is remembered between starts.
///
/// # Errors
/// None is given, and there is no home.
pub fn state_folder(given: Option<PathBuf>, home: Option<&Home>) -> Result<PathBuf, SettingsFault> {
    given.or_else(|| home.map(|home| home.state.clone())).ok_or(SettingsFault::NoState)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "https://a.example";
    const B: &str = "https://b.example";

    fn home_in(folder: &tempfile::TempDir) -> Home {
        let path = |name: &str| folder.path().join(name);
        Home { config: path("config.toml"), keys: path("keys.json"), state: path("state") }
    }

    #[test]
    fn a_key_is_sent_to_the_relay_that_it_is_for() {
        let folder = tempfile::tempdir().unwrap();
        let home = home_in(&folder);
        let keys = Keys::with(home.keys.clone(), None);
        let of_file = |relay: Option<&str>| SettingsFile {
            relay: relay.map(str::to_owned),
            key: Some("of-the-file".to_owned()),
            ..SettingsFile::default()
        };
        let of_face = |relay: Option<&str>, key: Option<&str>| Given {
            relay: relay.map(str::to_owned),
            key: key.map(str::to_owned),
            ..Given::default()
        };
        let run = |given, file| options(given, file, Some(&home), Some(&keys));
        let whom = |given, file| run(given, file).map(|made| (made.relay, made.key)).unwrap();
        let expected = |relay: &str, key: &str| (relay.to_owned(), key.to_owned());

        // Nobody names a relay, and there is no key for one.
        assert!(matches!(run(of_face(None, None), of_file(None)), Err(SettingsFault::NoRelay)));
        assert!(matches!(run(of_face(Some(A), None), SettingsFile::default()), Err(SettingsFault::NoKey)));
        keys.keep(A, "kept").unwrap();
        assert_eq!(whom(of_face(None, None), of_file(None)), expected(A, "kept"));
        assert_eq!(whom(of_face(None, None), of_file(Some(B))), expected(B, "of-the-file"));
        assert_eq!(whom(of_face(Some(A), None), of_file(Some(B))), expected(A, "kept"));
        assert_eq!(whom(of_face(Some(A), Some("given")), of_file(Some(B))), expected(A, "given"));
        assert_eq!(whom(of_face(None, Some("given")), of_file(Some(B))), expected(B, "given"));
        // It is for none of those that this computer happens to know.
        assert!(matches!(run(of_face(None, Some("given")), of_file(None)), Err(SettingsFault::NoRelay)));
        keys.keep(B, "kept-too").unwrap();
        assert!(matches!(run(of_face(None, None), of_file(None)), Err(SettingsFault::NoRelay)));
        std::fs::write(&home.keys, "something else").unwrap();
        let unread = run(of_face(Some(A), None), of_file(None)).err();
        assert!(matches!(unread, Some(SettingsFault::Keys { file, error: KeysError::File(_) }) if file == home.keys));
    }

    #[test]
    fn what_a_face_says_counts_more_than_the_file_and_the_file_more_than_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let home = home_in(&folder);
        let file = || SettingsFile {
            relay: Some(A.to_owned()),
            key: Some("k".to_owned()),
            visibility: Some(Visibility::Private),
            report_visibility: Some(ReportVisibility::Public),
            names: Some(NamesPolicy::Class),
            delay: Some(60),
            meter_data: Some("/file".into()),
            ..SettingsFile::default()
        };
        let made = options(Given::default(), file(), Some(&home), None).unwrap();
        assert_eq!((made.visibility, made.names), (Some(Visibility::Private), Some(NamesPolicy::Class)));
        assert_eq!((made.report_visibility, made.delay_s), (Some(ReportVisibility::Public), Some(60)));
        assert_eq!((made.state, made.meter_data), (home.state.clone(), Some(PathBuf::from("/file"))));
        assert!(made.title.is_none() && made.db.is_none());
        let given = || Given {
            state: Some("/state".into()),
            title: Some(" Friday ".to_owned()),
            visibility: Some(Visibility::Public),
            report_visibility: Some(ReportVisibility::Live),
            names: Some(NamesPolicy::Full),
            delay: Some(0),
            meter_data: Some("/given".into()),
            ..Given::default()
        };
        let made = options(given(), file(), None, None).unwrap();
        assert_eq!((made.visibility, made.names), (Some(Visibility::Public), Some(NamesPolicy::Full)));
        assert_eq!((made.report_visibility, made.delay_s), (Some(ReportVisibility::Live), Some(0)));
        assert_eq!((made.state, made.meter_data), (PathBuf::from("/state"), Some(PathBuf::from("/given"))));
        assert_eq!(made.title.as_deref(), Some("Friday"));
        // A machine without a home, and a file with a mistake that does not count.
        assert!(matches!(options(Given::default(), file(), None, None), Err(SettingsFault::NoState)));
        let late = SettingsFile { delay: Some(601), ..file() };
        assert!(matches!(options(given(), late, None, None), Err(SettingsFault::Delay)));
    }
}
