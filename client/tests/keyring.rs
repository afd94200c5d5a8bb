//! Keys in the Secret Service: GNOME's keyring, on a session bus of its own and with a home of its own, so that nobody's
//! real one is touched.
//!
//! A program of its own, because which bus there is a process knows by its surroundings alone: the test runs itself again,
//! on that bus.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use raidcast::keys::{Kept, Keys, KeysError};

const RELAY: &str = "https://raid.example";
/// Where the home is that the inner run has.
const INNER: &str = "RAIDCAST_KEYRING_HOME";

/// GNOME's keyring, which ends with the test.
struct Keyring(Child);

impl Drop for Keyring {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Keyring {
    /// Unlocked by a password, as it is when somebody has signed in.
    fn unlocked() -> Self {
        let mut child = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Debian's package gnome-keyring");
        child.stdin.take().unwrap().write_all(b"a password").unwrap();
        // It says where it listens once it does.
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self(child)
    }
}

/// Asks the Secret Service itself.
fn service(method: &str, arguments: &[&str]) {
    let done = Command::new("dbus-send")
        .args(["--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"])
        .arg(format!("org.freedesktop.Secret.Service.{method}"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Whether a text stands in any file below a folder.
fn stands_in(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return stands_in(&path, text);
        }
        // Sockets are no files.
        std::fs::read(&path).is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
    })
}

fn there(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()));
    assert!(found || std::env::var_os("RAIDCAST_TEST_ALL").is_none(), "{program} is not there");
    found
}

#[test]
fn a_key_goes_to_the_keyring_and_to_the_file_where_that_takes_none() {
    if let Some(home) = std::env::var_os(INNER) {
        return on_its_own_bus(Path::new(&home));
    }
    if !["dbus-run-session", "dbus-send", "gnome-keyring-daemon"].into_iter().all(there) {
        println!("SKIPPED: Debian's packages dbus-bin, dbus-daemon and gnome-keyring are not all here");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let inner = Command::new("dbus-run-session")
        .arg("--")
        .arg(std::env::current_exe().unwrap())
        .args(["--nocapture", "--exact", "a_key_goes_to_the_keyring_and_to_the_file_where_that_takes_none"])
        .env(INNER, home.path())
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path().join("config"))
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env("XDG_RUNTIME_DIR", home.path())
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .output()
        .unwrap();
    let told = format!("{}\n{}", String::from_utf8_lossy(&inner.stdout), String::from_utf8_lossy(&inner.stderr));
    assert!(inner.status.success() && told.contains("1 passed"), "{told}");
}

fn on_its_own_bus(home: &Path) {
    let file = home.join("config/raidcast/keys.json");
    let keys = Keys::at(file.clone());
    let keyring = Keyring::unlocked();

    let kept = keys.keep(RELAY, "rc_first").unwrap();
    assert_eq!(kept, Kept::InSystem { store: "the system's keyring" });
    assert_eq!(keys.key(RELAY).unwrap().as_deref(), Some("rc_first"));
    // Another process of the same person's.
    assert_eq!(Keys::at(file.clone()).only_relay().unwrap().as_deref(), Some(RELAY));
    keys.keep(RELAY, "rc_second").unwrap();
    assert_eq!(keys.key(RELAY).unwrap().as_deref(), Some("rc_second"));
    assert!(!stands_in(home, "rc_first") && !stands_in(home, "rc_second"), "it stands in a file as it is");

    // Locked, it neither gives nor takes.
    service("Lock", &["array:objpath:/org/freedesktop/secrets/collection/login"]);
    let error = keys.key(RELAY).unwrap_err();
    assert!(matches!(error, KeysError::System(_)), "{error}");
    let kept = keys.keep(RELAY, "rc_third").unwrap();
    let Kept::InFile { instead_of: Some(why) } = kept else { panic!("{kept:?}") };
    println!("locked, it says: {error}; {why}");
    assert_eq!(keys.key(RELAY).unwrap().as_deref(), Some("rc_third"));
    assert!(keys.forget(RELAY).unwrap());
    drop(keyring);

    // The next time somebody signs in, the program forgets it as it is told to.
    let _keyring = Keyring::unlocked();
    assert_eq!(keys.keep(RELAY, "rc_fourth").unwrap(), Kept::InSystem { store: "the system's keyring" });
    let told = Command::new(env!("CARGO_BIN_EXE_raidcast")).args(["logout", RELAY]).output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("has forgotten its key"), "{told}");
    assert_eq!(keys.key(RELAY).unwrap(), None);
}
