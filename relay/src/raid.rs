//! Raids while they run: one task owns each, the registry finds it, everybody else sends it commands.
//!
//! Deliberately not here: sockets' conversations ([`crate::uplink`], [`crate::feed`]) and what frames look like.

mod channels;
mod command;
mod encounter;
mod registry;
mod task;

pub use command::{Attach, FromSpectator, JoinWish, Joined, RaidCommand, RaidHandle, Standing};
pub use encounter::{LiveEncounter, Reading};
pub use registry::{Claim, RaidRegistry, Shared};
