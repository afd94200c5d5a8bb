//! Why something that was asked for was not done.

use std::path::PathBuf;

use raidcast::history::PlanError;
use raidcast::keys::KeysError;
use raidcast::os_error::OsError;
use raidcast::pairing::PairingError;
use raidcast::post::Failure;
use raidcast::settings::SettingsFault;
use raidcast::socket::AddressError;
use raidcast::source::SourceError;
use raidcast::uploader::WatchError;

use crate::links::LinkFault;
use crate::own::OwnFault;
use crate::update::UpdateFault;

/// Why something that was asked for was not done.
#[derive(Debug)]
pub enum Wrong {
    /// The settings are of no use, or cannot be written.
    Settings(SettingsFault),
    /// A key cannot be read, kept or forgotten.
    Keys {
        /// The file that names them.
        file: PathBuf,
        /// Why.
        error: KeysError,
    },
    /// It is no relay's address.
    Address(AddressError),
    /// This computer is not paired.
    Pairing(PairingError),
    /// The relay does not take the key.
    Key(Failure),
    /// The meter's fights cannot be read.
    Plan(PlanError),
    /// The meter's database cannot be read.
    Source(SourceError),
    /// It holds until the app ends, and is not kept.
    Own(OwnFault),
    /// The link is not opened.
    Link(LinkFault),
    /// There is no update, or it is not installed.
    Update(UpdateFault),
    /// An upload came to an end that was not asked for.
    Upload(WatchError),
    /// A file cannot be written.
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: OsError,
    },
    /// The browser does not open.
    Browser(OsError),
    /// A folder cannot be shown.
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: OsError,
    },
    /// Nothing can be copied.
    Clipboard {
        /// What the system says.
        text: String,
    },
    /// Whether it starts with the system cannot be changed.
    Startup(OsError),
    /// There is no relay yet.
    NoRelay,
    /// Nothing follows the meter now.
    NotRunning,
    /// Another client has the state folder.
    Elsewhere,
    /// An upload is under way.
    Uploading,
    /// What was to be agreed to is not the last that was asked for.
    PlanGone,
    /// None of the fights can be sent: they are not there any more, or go on.
    NoFights,
    /// The app is about to end.
    Ending,
}

impl Wrong {
    /// What it is, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Settings(SettingsFault::NoKey) => "noKey",
            Self::Settings(_) => "settings",
            Self::Keys { .. } => "keys",
            Self::Address(_) => "address",
            Self::Pairing(_) => "pairing",
            Self::Key(_) => "key",
            Self::Plan(_) | Self::Source(_) => "meter",
            Self::Own(_) => "own",
            Self::Link(_) => "link",
            Self::Update(_) => "update",
            Self::Upload(_) => "upload",
            Self::File { .. } => "file",
            Self::Browser(_) => "browser",
            Self::Folder { .. } => "folder",
            Self::Clipboard { .. } => "clipboard",
            Self::Startup(_) => "startup",
            Self::NoRelay => "noRelay",
            Self::NotRunning => "notRunning",
            Self::Elsewhere => "elsewhere",
            Self::Uploading => "uploading",
            Self::PlanGone => "planGone",
            Self::NoFights => "noFights",
            Self::Ending => "ending",
        }
    }
}

impl From<SettingsFault> for Wrong {
    fn from(fault: SettingsFault) -> Self {
        Self::Settings(fault)
    }
}

impl From<OwnFault> for Wrong {
    fn from(fault: OwnFault) -> Self {
        Self::Own(fault)
    }
}

impl From<LinkFault> for Wrong {
    fn from(fault: LinkFault) -> Self {
        Self::Link(fault)
    }
}

impl From<PlanError> for Wrong {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}
