//! What the commands that talk to a relay share: flags, lines, signals.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use tokio_util::sync::CancellationToken;

use super::printer::Printer;
use super::settings::{self, SettingsError};
use super::words;
use crate::keys::{Keys, KeysError};
use crate::socket::RelayAddress;
use crate::uploader::{Options, WatchError};

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
    /// What the raid is called
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
    pub(super) fn options(self) -> Result<Options, SettingsError> {
        let file = settings::load(self.config.as_deref())?;
        let kept = settings::keys();
        let unread = |error: KeysError| {
            let place = kept.as_ref().map_or(Path::new(""), Keys::path);
            SettingsError::Value(words::keys_error(&error, place))
        };
        let relay = match (self.relay.or(file.relay), &kept) {
            // A key that is given is for a relay that is given: it is not sent to another.
            (None, Some(kept)) if self.key.is_none() => kept.only_relay().map_err(unread)?,
            (relay, _) => relay,
        };
        let relay = settings::require(relay, "The relay's address", "--relay URL", "relay")?;
        // What a relay gave to this computer is more to the point than what a file says of all relays.
        let key = match (self.key, &kept) {
            (None, Some(kept)) => kept.key(&relay).map_err(unread)?,
            (key, _) => key,
        };
        let key = key.or(file.key).ok_or_else(settings::no_key)?;
        let state = state_folder(self.state)?;
        let key = settings::key(&key)?;
        let trust = settings::trust(self.ca.or(file.ca).as_deref())?;
        RelayAddress::new(&relay, &key, trust.clone())
            .map_err(|error| SettingsError::Value(words::address_error(&error)))?;
        Ok(Options {
            db: self.db.or(file.db).map(settings::database).transpose()?,
            meter_data: self.meter_data.or(file.meter_data),
            title: self.title.as_deref().map(settings::title).transpose()?,
            visibility: self.visibility.map(Visibility::from).or(file.visibility),
            report_visibility: file.report_visibility,
            names: self.names.map(NamesPolicy::from).or(file.names),
            delay_s: file.delay.map(settings::delay).transpose()?,
            trust,
            ..Options::new(relay, key, state)
        })
    }
}

/// The state folder, or how to name it.
pub(super) fn state_folder(given: Option<PathBuf>) -> Result<PathBuf, SettingsError> {
    let state = given.or_else(settings::default_state);
    settings::require(state, "The folder for what is remembered", "--state DIR", "state")
}

/// What went wrong, for programs.
pub(super) fn kind_of(error: &WatchError) -> &'static str {
    match error {
        WatchError::Folder(_) | WatchError::Spool(_) => "state",
        WatchError::Address(_) => "settings",
        WatchError::Unauthorized { .. } => "unauthorized",
        WatchError::Forbidden { .. } => "forbidden",
        WatchError::Refused { .. } => "refused",
        WatchError::NoMeter { .. } => "no_meter",
    }
}

pub(super) fn print_line(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
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
