//! From a raid's views to its spectators' sockets: encoded once, one write for each spectator and tick.
//!
//! - A **view** is what a raid shows at one pace.
//! - A **step** takes a view on: the events since the one before, and a tick if anything changed. Steps are counted.
//! - A **lane** is a view in one format. What its spectators are sent is encoded once. Of a format whose frames are whole,
//!   each step is the keyframe.
//! - A **beat** is what all lanes have to send at one moment.
//! - A **shard** is a part of the spectators: the room itself writes to the first, a task to each of the others.
//!
//! One invariant: the next frame after any pattern of skips makes a spectator's state equal to the view's. Who missed a
//! step gets the keyframe next, never a later tick alone. Deliberately not here: what a view shows.

mod beat;
mod combat_data;
mod details;
mod events;
mod format;
mod frames;
mod handle;
mod lane;
mod listener;
mod room;
mod seal;
mod shard;
mod sink;
mod socket;
mod spectator;
mod view;
mod wire;

pub use format::Format;
pub use lane::Pace;
pub(crate) use listener::{Call, Heard, Listener};
pub use room::{Answer, Room, RoomCounts, Wish};
pub use sink::Patience;
pub(crate) use sink::{Gone, Sink};
pub use socket::Socket;
pub use spectator::Whom;
pub use view::Resume;
pub(crate) use wire::pong;

/// Names a spectator in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpectatorId {
    /// In which room of its raid.
    room: u32,
    /// Which shard it belongs to.
    shard: u16,
    n: u64,
}

#[cfg(test)]
impl SpectatorId {
    /// One of many.
    pub(crate) fn numbered(n: u64) -> Self {
        Self { room: 0, shard: 0, n }
    }
}
