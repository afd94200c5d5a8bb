//! What the settings come to: the options of a run, or what is missing.
//!
//! Settings are those of the command line. One difference: to whom raids are shown holds for new ones. What somebody
//! said of the raid that goes on, like that it is private, stays so when the app is started again.

use std::time::Duration;

use raidcast::keys::{Keys, SystemError};
use raidcast::settings::{self, Given, SettingsFault, SettingsFile};
use raidcast::uploader::{Options, ShownTo};

use crate::locked::SaysAgain;
use crate::own::{Old, Own};
use crate::setup::Setup;
use crate::view;

/// What the settings come to.
pub(crate) struct Settled {
    /// The relay's address, as far as there is one.
    pub(crate) relay: Option<String>,
    /// There is a key for it, whether or not it can be read now.
    pub(crate) paired: bool,
    /// What stands in the file.
    pub(crate) file: SettingsFile,
    /// What a run is to do, or what is missing.
    pub(crate) options: Result<Options, SettingsFault>,
}

/// Reads settings and keys. It may take a minute: not for a task that others wait for. `said`: what the system's key store
/// said, where it is not to be asked now.
pub(crate) fn settle(setup: &Setup, own: &Own, said: Option<SystemError>) -> Settled {
    let file = match SettingsFile::load(&setup.home.config, false) {
        Ok(file) => file,
        Err(fault) => {
            return Settled { relay: None, paired: false, file: SettingsFile::default(), options: Err(fault) };
        }
    };
    let file_of_keys = setup.home.keys.clone();
    let keys = match said {
        None => (setup.keys)(file_of_keys),
        Some(said) => Keys::with(file_of_keys, Some(Box::new(SaysAgain(said)))),
    };
    let options = settings::options(Given::default(), file.clone(), Some(&setup.home), Some(&keys));
    let relay = match &options {
        Ok(options) => Some(options.relay.clone()),
        Err(_) => file.relay.clone().or_else(|| keys.only_relay().ok().flatten()),
    };
    let paired = !matches!(options, Err(SettingsFault::NoRelay | SettingsFault::NoKey));
    Settled { relay, paired, file, options: options.map(|options| of_run(options, setup, own)) }
}

fn of_run(options: Options, setup: &Setup, own: &Own) -> Options {
    let first = ShownTo {
        visibility: options.visibility,
        report_visibility: options.report_visibility,
        names: options.names,
        delay_s: options.delay_s,
    };
    let recent = match own.old {
        Old::Recent => options.recent,
        Old::None => Duration::ZERO,
    };
    Options {
        first,
        visibility: None,
        report_visibility: None,
        names: None,
        delay_s: None,
        recent,
        left_alone: own.left_alone(),
        places: setup.places.clone(),
        clock: setup.clock.clone(),
        entropy: setup.entropy.clone(),
        ..options
    }
}

/// To whom new raids are shown, as the settings say.
pub(crate) fn shown_of(file: &SettingsFile) -> view::ShownTo {
    view::ShownTo {
        visibility: file.visibility.unwrap_or_default(),
        report_visibility: file.report_visibility.unwrap_or_default(),
        names: file.names.unwrap_or_default(),
        delay_s: file.delay.and_then(|seconds| settings::delay(seconds).ok()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use raidcast::clock::Clock;
    use raidcast::keys::{KeysError, SystemKeys};
    use raidcast::secret::Entropy;
    use raidcast::settings::Home;
    use raidcast::source::detect::Places;
    use raidcast_shared::uplink::{NamesPolicy, Visibility};

    use super::*;
    use crate::version::Version;

    fn setup(dir: &std::path::Path) -> Setup {
        Setup {
            home: Home {
                config: dir.join("raidcast/config.toml"),
                keys: dir.join("raidcast/keys.json"),
                state: dir.join("state"),
            },
            places: Places::default(),
            clock: Clock::new(|| 7),
            entropy: Entropy::system(),
            keys: |file| Keys::with(file, None),
            language: None,
            version: Version::parse("1.2.3").unwrap(),
            log: dir.join("log"),
            log_to: None,
            cache: dir.join("cache"),
        }
    }

    #[test]
    fn what_the_settings_say_of_raids_is_for_new_ones() {
        let dir = tempfile::tempdir().unwrap();
        let setup = setup(dir.path());
        assert!(setup.own().ends_with("raidcast/desktop.json"));
        let settled = settle(&setup, &Own::default(), None);
        assert_eq!((settled.relay, settled.paired), (None, false));
        assert!(matches!(settled.options, Err(SettingsFault::NoRelay)));

        std::fs::create_dir_all(dir.path().join("raidcast")).unwrap();
        let text = "relay = \"https://raid.example\"\nvisibility = \"private\"\nnames = \"class\"\ndelay = 60\n";
        std::fs::write(&setup.home.config, text).unwrap();
        let settled = settle(&setup, &Own::default(), None);
        assert_eq!((settled.relay.as_deref(), settled.paired), (Some("https://raid.example"), false));
        assert!(matches!(settled.options, Err(SettingsFault::NoKey)));
        let shown = shown_of(&settled.file);
        assert_eq!((shown.visibility, shown.names, shown.delay_s), (Visibility::Private, NamesPolicy::Class, 60));

        Keys::with(setup.home.keys.clone(), None).keep("https://raid.example", "secret").unwrap();
        let mut own = Own { old: Old::None, ..Own::default() };
        own.pause(1);
        own.go_on(2);
        let settled = settle(&setup, &own, None);
        assert!(settled.paired);
        let options = settled.options.unwrap();
        assert_eq!((options.visibility, options.names, options.delay_s), (None, None, None));
        assert_eq!((options.first.visibility, options.first.delay_s), (Some(Visibility::Private), Some(60)));
        assert_eq!((options.recent, options.left_alone), (Duration::ZERO, vec![1..=2]));
        assert_eq!((options.key.as_str(), options.clock.unix_ms()), ("secret", 7));

        std::fs::write(&setup.home.config, "nonsense").unwrap();
        let settled = settle(&setup, &own, None);
        assert!(matches!(settled.options, Err(SettingsFault::File { .. })) && !settled.paired);
    }

    static ASKED: AtomicUsize = AtomicUsize::new(0);

    /// It counts how often it is asked, and gives nothing.
    struct Counts;

    impl SystemKeys for Counts {
        fn name(&self) -> &'static str {
            "a store"
        }

        fn get(&self, _: &str) -> Result<Option<String>, SystemError> {
            ASKED.fetch_add(1, Ordering::Relaxed);
            Err(SystemError::Gone { store: self.name() })
        }

        fn set(&self, _: &str, _: &str) -> Result<(), SystemError> {
            Ok(())
        }

        fn remove(&self, _: &str) -> Result<(), SystemError> {
            Ok(())
        }
    }

    #[test]
    fn a_store_that_is_not_to_be_asked_is_not_and_a_key_in_the_file_is_read_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let setup = Setup { keys: |file| Keys::with(file, Some(Box::new(Counts))), ..setup(dir.path()) };
        std::fs::create_dir_all(dir.path().join("raidcast")).unwrap();
        std::fs::write(&setup.home.config, "relay = \"https://raid.example\"\n").unwrap();
        (setup.keys)(setup.home.keys.clone()).keep("https://raid.example", "secret").unwrap();
        let said = SystemError::Silent { store: "a store" };
        for (remembered, asked) in [(None, 1), (Some(said.clone()), 1), (None, 2)] {
            let expected = remembered.clone().unwrap_or(SystemError::Gone { store: "a store" });
            let settled = settle(&setup, &Own::default(), remembered);
            let Err(SettingsFault::Keys { error: KeysError::System(error), .. }) = settled.options else {
                panic!("it gives no key")
            };
            assert_eq!((error, ASKED.load(Ordering::Relaxed), settled.paired), (expected, asked, true));
        }
        Keys::with(setup.home.keys.clone(), None).keep("https://raid.example", "in-the-file").unwrap();
        let settled = settle(&setup, &Own::default(), Some(said));
        assert_eq!(settled.options.unwrap().key, "in-the-file");
    }
}
