//! From a raid's view to its spectators' sockets: encoded once, one write for each spectator and tick.
//!
//! One invariant: the next frame after any pattern of skips makes a spectator's state equal to the view's. Who
//! missed a tick gets the keyframe next, never a later tick alone. Deliberately not here: what a view shows.

mod room;
mod shard;
mod view;
mod wire;
mod worker;

pub use room::{Answer, Resume, Room, RoomCounts, SpectatorId, Wish};
pub use view::{Format, Pace};
pub use wire::{Inbound, InboundError, InboundFrame};
pub use worker::Whom;
