//! What the app is given when it starts: where things lie, and what time it is.

use std::path::PathBuf;

use raidcast::clock::Clock;
use raidcast::keys::Keys;
use raidcast::secret::Entropy;
use raidcast::settings::Home;
use raidcast::source::detect::Places;

use crate::log::Log;
use crate::version::Version;

/// What the app is given when it starts.
#[derive(Clone)]
pub struct Setup {
    /// Where everything of this user lies.
    pub home: Home,
    /// Where meters keep their databases.
    pub places: Places,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where random bytes come from.
    pub entropy: Entropy,
    /// Keys, with a file and the store of the system. They are asked on a thread of their own.
    pub keys: fn(PathBuf) -> Keys,
    /// What the system speaks, as it calls that.
    pub language: Option<String>,
    /// The app's version.
    pub version: Version,
    /// The folder of the log.
    pub log: PathBuf,
    /// The log, which is told what must not stand in it.
    pub log_to: Option<Log>,
    /// The folder for what can be found out again.
    pub cache: PathBuf,
}

impl Setup {
    /// Where the app keeps what is its own.
    pub fn own(&self) -> PathBuf {
        self.home.config.with_file_name("desktop.json")
    }
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").field("home", &self.home).field("version", &self.version).finish_non_exhaustive()
    }
}
