//! How a run of the client ended: what became of the fights, or what the user has to put right.

use std::time::Duration;

use raidcast_shared::uplink::RefusedCode;

use super::folder::FolderError;
use crate::socket::AddressError;
use crate::source::NoDatabase;
use crate::spool::SpoolError;

/// Why the client ended before its time.
#[derive(Debug, thiserror::Error)]
#[error("{self:?}")]
pub enum WatchError {
    /// The state folder cannot be used.
    Folder(#[from] FolderError),
    /// A fight's log in it cannot be opened.
    Spool(#[from] SpoolError),
    /// The relay's address or the key cannot be used.
    Address(#[from] AddressError),
    /// The relay does not know the key.
    Unauthorized {
        /// In the relay's words.
        text: String,
    },
    /// The relay does not let the key upload.
    Forbidden {
        /// In the relay's words.
        text: String,
    },
    /// The relay refuses the raid.
    Refused {
        /// Why, for programs.
        code: RefusedCode,
        /// In the relay's words.
        text: String,
    },
    /// No database could be read, and there is a time to give up.
    NoMeter {
        /// How long it was tried; nothing where trying again is of no use.
        after: Duration,
        /// What was looked at, and why that would not do.
        why: NoDatabase,
    },
}

impl WatchError {
    /// What the command ends with: 2 for what the user must change in its settings, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Address(_)
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::Refused { code: RefusedCode::NotSupported | RefusedCode::RaidForbidden, .. } => 2,
            Self::Folder(_) | Self::Spool(_) | Self::Refused { .. } | Self::NoMeter { .. } => 1,
        }
    }

    /// What went wrong, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Folder(_) | Self::Spool(_) => "state",
            Self::Address(_) => "settings",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::Refused { .. } => "refused",
            Self::NoMeter { .. } => "no_meter",
        }
    }
}

/// What became of the fights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Fights that were found to be streamed.
    pub fights: u64,
    /// Those whose report is final.
    pub finalized: u64,
    /// Deltas that the relay has not acknowledged: sent at the next start.
    pub unacknowledged: u64,
    /// Whether everything that was found is on the relay.
    pub complete: bool,
}
