//! What the commands that talk to a relay share: flags, lines, signals.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use tokio_util::sync::CancellationToken;

use super::key_place::KeyPlace;
use super::printer::Printer;
use super::words;
use crate::keys::Keys;
use crate::settings::{self, Given, Home, SettingsFault, SettingsFile};
use crate::socket::RelayAddress;
use crate::uploader::Options;

/// Something of the settings is of no use.
pub(super) const USAGE: u8 = 2;

/// Which meter, which relay, and how its raids are to be.
#[derive(Clone, Debug, Args)]
pub(super) struct CommonFlags {
    /// The meter's database [default: found by itself; if there are several, the one written last]
    #[arg(long, value_name = "PATH")]
    db: Option<PathBuf>,
    /// Folder with the meter's names of skills and places [default: found by itself]
    #[arg(long, value_name = "DIR")]
    meter_data: Option<PathBuf>,
    /// The relay's address, like `https://raidcast.example`
    #[arg(long, value_name = "URL", env = "RAIDCAST_RELAY")]
    relay: Option<String>,
    /// Your upload key. Prefer `raidcast login` or `RAIDCAST_KEY`: other users of this computer can see a command line,
    /// and shells keep it
    #[arg(long, value_name = "KEY", env = "RAIDCAST_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Authorities that vouch for the relay beside those that browsers know: a PEM file
    #[arg(long, value_name = "FILE", env = "RAIDCAST_CA")]
    ca: Option<PathBuf>,
    /// Folder for what raidcast remembers [default: raidcast in your data folder]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// What the raid is called [default: as before; "" takes its title away]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Who may see the raid [default: as before, at first unlisted]
    #[arg(long, value_enum)]
    visibility: Option<VisibilityFlag>,
    /// Which names those see who are neither you nor have a link with a ticket [default: as before, at first full]
    #[arg(long, value_enum)]
    names: Option<NamesFlag>,
    /// Settings file [default: raidcast/config.toml in your configuration folder]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum VisibilityFlag {
    /// Everybody: the relay lists it
    Public,
    /// Everybody who has the link
    Unlisted,
    /// You, and who has the link with its ticket
    Private,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum NamesFlag {
    /// As the game has them
    Full,
    /// Class and number, such as Frost Mage 2
    Class,
    /// Those of players who agreed; class and number for all others
    Hidden,
}

impl From<NamesFlag> for NamesPolicy {
    fn from(flag: NamesFlag) -> Self {
        match flag {
            NamesFlag::Full => Self::Full,
            NamesFlag::Class => Self::Class,
            NamesFlag::Hidden => Self::Hidden,
        }
    }
}

impl From<VisibilityFlag> for Visibility {
    fn from(flag: VisibilityFlag) -> Self {
        match flag {
            VisibilityFlag::Public => Self::Public,
            VisibilityFlag::Unlisted => Self::Unlisted,
            VisibilityFlag::Private => Self::Private,
        }
    }
}

impl CommonFlags {
    /// What is to be done, and where the key stands; `more`: what else the command says. The error says what to do.
    pub(super) fn options(self, more: &Given) -> Result<(Options, KeyPlace), String> {
        let home = Home::of_this_user();
        let home = home.as_ref();
        let in_words = |fault: SettingsFault| words::settings_fault(&fault, home);
        let file = settings_file(self.config.as_deref(), home).map_err(in_words)?;
        let keys = home.map(|home| Keys::at(home.keys.clone()));
        let keys = keys.as_ref();
        let key_given = self.key.as_deref().map(KeyPlace::of_given);
        let relay = self.relay.clone().or_else(|| file.relay.clone());
        let given = Given {
            relay: self.relay,
            key: self.key,
            db: self.db,
            meter_data: self.meter_data,
            ca: self.ca,
            state: self.state,
            title: self.title,
            visibility: self.visibility.map(Visibility::from),
            names: self.names.map(NamesPolicy::from),
            delay: more.delay,
            report_visibility: more.report_visibility,
        };
        let wrong_address = |relay: &str| RelayAddress::check(relay).err().map(|error| words::address_error(&error));
        let made = settings::options(given, file, home, keys).map_err(|fault| match fault {
            SettingsFault::NoRelay => {
                let paired = keys.and_then(|keys| keys.relays().ok()).unwrap_or_default();
                words::no_relay(&paired, key_given.as_ref(), home)
            }
            // There is none for what can be no relay's address, either: that is to be set right first.
            SettingsFault::NoKey => {
                relay.as_deref().and_then(wrong_address).unwrap_or_else(|| in_words(SettingsFault::NoKey))
            }
            fault => in_words(fault),
        })?;
        if let Some(dir) = made.meter_data.as_ref().filter(|dir| !dir.is_dir()) {
            let _ =
                writeln!(io::stderr().lock(), "There is no folder {}: names of skills will be missing.", dir.display());
        }
        let key = key_given.unwrap_or_else(|| KeyPlace::of_found(&made.relay, keys, self.config.as_deref(), home));
        Ok((made, key))
    }
}

/// The settings file: `given`, which must be there then, or the usual one, if it is.
pub(super) fn settings_file(given: Option<&Path>, home: Option<&Home>) -> Result<SettingsFile, SettingsFault> {
    match (given, home) {
        (Some(path), _) => SettingsFile::load(path, true),
        (None, Some(home)) => SettingsFile::load(&home.config, false),
        (None, None) => Ok(SettingsFile::default()),
    }
}

/// The state folder, or how to name it.
pub(super) fn state_folder(given: Option<PathBuf>) -> Result<PathBuf, String> {
    let home = Home::of_this_user();
    settings::state_folder(given, home.as_ref()).map_err(|fault| words::settings_fault(&fault, home.as_ref()))
}

pub(super) fn print_line(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// The end of a command whose last words are printed. Where they could not be, the disk is full for example, it says so;
/// to a reader that has gone it says nothing.
pub(super) fn printed(said: io::Result<()>) -> ExitCode {
    let Err(error) = said else { return ExitCode::SUCCESS };
    if error.kind() != io::ErrorKind::BrokenPipe {
        let remedy = if error.kind() == io::ErrorKind::StorageFull {
            " Make room on that disk, or print elsewhere."
        } else {
            ""
        };
        print_error(false, "output", &format!("The answer cannot be printed ({}).{remedy}", words::told(&error)));
    }
    ExitCode::FAILURE
}

/// What went wrong, as `--json` tells it.
pub(super) fn error_line(kind: &str, text: &str) -> String {
    serde_json::json!({ "event": "error", "kind": kind, "text": text }).to_string()
}

pub(super) fn print(mut out: impl io::Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// An error on stderr, beside the lines for programs; a console that stands still is not waited for.
pub(super) fn print_aside(error: &str) {
    let printer = Printer::start(|text: String| print(io::stderr(), &text), |_| String::new(), || {});
    printer.close(Some(format!("error: {error}\n")));
}

pub(super) fn print_error(as_json: bool, kind: &str, text: &str) {
    if as_json {
        let _ = print_line(&error_line(kind, text));
    }
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "error: {text}");
}

/// Ends the client cleanly; a second signal ends it at once.
pub(super) async fn end_on_signal(shutdown: CancellationToken) {
    signal().await;
    shutdown.cancel();
    signal().await;
    std::process::exit(130);
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => drop(interrupted.await),
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
