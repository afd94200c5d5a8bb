//! How a run of the client ended: what became of the fights, or what the user has to put right.

use std::time::Duration;

use raidcast_shared::uplink::RefusedCode;

use super::folder::FolderError;
use crate::socket::AddressError;
use crate::spool::SpoolError;

/// Why the client ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The state folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A fight's log in it cannot be opened.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The relay's address or the key cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The relay does not know the key.
    #[error("The relay does not know this key. Check RAIDCAST_KEY.")]
    Unauthorized {
        /// In the relay's words.
        text: String,
    },
    /// The relay refuses the raid.
    #[error("The relay does not take this raid: {text}")]
    Refused {
        /// Why, for programs.
        code: RefusedCode,
        /// In the relay's words.
        text: String,
    },
    /// No database could be read, and there is a time to give up.
    #[error("{why} (Gave up after {} s.)", after.as_secs())]
    NoMeter {
        /// How long it was tried.
        after: Duration,
        /// What was looked at, and why that would not do.
        why: String,
    },
}

impl WatchError {
    /// What the command ends with: 2 for what the user must change in its settings, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Address(_)
            | Self::Unauthorized { .. }
            | Self::Refused { code: RefusedCode::NotSupported | RefusedCode::RaidForbidden, .. } => 2,
            Self::Folder(_) | Self::Spool(_) | Self::Refused { .. } | Self::NoMeter { .. } => 1,
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
