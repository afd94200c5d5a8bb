//! Raids while they run: one task owns each, the registry finds it, everybody else sends it commands.
//!
//! Deliberately not here: sockets' conversations ([`crate::uplink`], [`crate::feed`]) and what frames look like.

mod behind;
mod channels;
mod command;
mod directory;
mod encounter;
mod former;
mod guest;
mod log;
mod precedence;
mod reading;
mod registry;
mod restore;
mod task;

pub use channels::Channels;
pub use command::{Attach, Claim, FromSpectator, Join, JoinWish, Joined, RaidCommand, RaidHandle, Show};
pub use directory::Directory;
pub use encounter::LiveEncounter;
pub use guest::Guest;
pub use log::{DeltaLog, HeldDelta, LiveLog, Standing};
pub use precedence::Told;
pub use reading::{OtherColumns, Reading};
pub use registry::RaidRegistry;
pub(crate) use restore::held_fight;
pub(crate) use task::{NOT_FOR_YOU, SHOWN_OTHERWISE, SHOWN_OTHERWISE_RETRY_MS};
