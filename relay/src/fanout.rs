//! From a raid's view to its spectators' sockets: encoded once, one write for each spectator and tick.
//!
//! One invariant: the next frame after any pattern of skips makes a spectator's state equal to the view's. Who
//! missed a tick gets the keyframe next, never a later tick alone. Deliberately not here: what a view shows.

mod room;
mod view;
mod wire;

pub use room::{Answer, Room, RoomCounts, SpectatorId};
pub use view::{Format, Frames};
pub(crate) use wire::pong;
pub use wire::{Inbound, InboundError, InboundFrame};

/// A close frame with a reason: come back later, or do not.
pub(crate) fn close(reason: &str, come_back: bool) -> bytes::Bytes {
    wire::close(if come_back { 1012 } else { 1008 }, reason)
}
