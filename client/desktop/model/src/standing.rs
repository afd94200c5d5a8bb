//! How the whole stands: one thing, the most urgent first, which the words, the tray and the window are made of.

use raidcast::settings::SettingsFault;
use raidcast::socket::Outage;
use raidcast::source::NoDatabase;
use raidcast::status::Running;
use raidcast::uploader::WatchError;
use raidcast::uploader::trouble::Stall;
use raidcast_shared::uplink::RefusedCode;

use crate::own::OwnFault;
use crate::view::AppState;

/// How the whole stands.
pub enum Standing<'a> {
    /// The first start is not over, or there is no relay, or no key for it.
    NotSetUp,
    /// What the app keeps for itself cannot be read: whether the first start is over, and whether it is paused.
    Unread {
        /// Why.
        fault: &'a OwnFault,
    },
    /// It is about to begin.
    Begins,
    /// The settings are of no use.
    Unsettled {
        /// Why.
        fault: &'a SettingsFault,
    },
    /// Another client has the state folder.
    Elsewhere {
        /// Its process, where it is known.
        process: Option<u32>,
        /// What it does, as far as it says.
        running: Option<&'a Running>,
    },
    /// It came to an end that was not asked for.
    Ended {
        /// Why.
        error: &'a WatchError,
        /// It is tried again by itself.
        again: bool,
    },
    /// Nothing can be written to the state folder.
    Stalled {
        /// Why.
        why: &'a Stall,
    },
    /// Somebody paused it.
    Paused {
        /// So many parts of fights from before wait here.
        waiting: u64,
    },
    /// No meter's database can be read.
    NoMeter {
        /// Why.
        why: &'a NoDatabase,
    },
    /// The relay cannot be reached.
    Cut {
        /// Why.
        why: &'a Outage,
        /// It was, in this run.
        was_connected: bool,
        /// A fight goes on, and it has been so for long.
        is_urgent: bool,
        /// So many parts wait here.
        waiting: u64,
    },
    /// The relay turns the connection away for now.
    TurnedAway {
        /// Why, for programs.
        code: RefusedCode,
        /// In the relay's words.
        text: &'a str,
    },
    /// The relay has not answered yet.
    Connecting {
        /// So many parts wait here.
        waiting: u64,
    },
    /// A fight goes on, and the relay takes it.
    Live,
    /// No fight goes on, and something has not arrived yet.
    OnItsWay {
        /// So many parts.
        parts: u64,
    },
    /// Everything has arrived, and no fight goes on.
    Idle,
}

impl Standing<'_> {
    /// In a word.
    pub fn state(&self) -> AppState {
        match self {
            Self::NotSetUp => AppState::Setup,
            Self::Elsewhere { .. } => AppState::Elsewhere,
            Self::Unread { .. }
            | Self::Unsettled { .. }
            | Self::Ended { .. }
            | Self::Stalled { .. }
            | Self::Cut { why: Outage::KeyForgotten, .. }
            | Self::Cut { is_urgent: true, .. } => AppState::Trouble,
            Self::Paused { .. } => AppState::Paused,
            Self::NoMeter { .. } => AppState::NoMeter,
            Self::Begins
            | Self::Cut { .. }
            | Self::TurnedAway { .. }
            | Self::Connecting { .. }
            | Self::OnItsWay { .. } => AppState::Waiting,
            Self::Live => AppState::Live,
            Self::Idle => AppState::Idle,
        }
    }
}
