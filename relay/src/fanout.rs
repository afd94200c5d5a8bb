//! From a raid's view to its spectators' sockets: encoded once, one write for each spectator and tick.
//!
//! One invariant: the next frame after any pattern of skips makes a spectator's state equal to the view's. Who
//! missed a tick gets the keyframe next, never a later tick alone. Deliberately not here: what a view shows.

mod room;
mod shard;
mod socket;
mod view;
mod wire;
mod worker;

pub use room::{Answer, Resume, Room, RoomCounts, SpectatorId, Wish};
pub use socket::{Pings, Socket};
pub use view::{Format, Pace};
pub use wire::{Inbound, InboundError, InboundFrame};
pub(crate) use wire::{ping, pong};
pub use worker::Whom;

/// A close frame with a reason: come back later, or do not.
pub(crate) fn close(reason: &str, come_back: bool) -> bytes::Bytes {
    wire::close(if come_back { 1012 } else { 1008 }, reason)
}
