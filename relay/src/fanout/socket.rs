//! A spectator's socket after its upgrade, and when it counts as dead.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::edge::Slot;
use crate::limits::EdgeLimits;

/// The raw stream: the room's owner writes to it, a task of its own reads from it. While anybody holds it, it has its
/// place among its address's connections.
pub struct Socket {
    stream: TcpStream,
    heard: AtomicBool,
    _slot: Option<Slot>,
}

impl Socket {
    /// A stream that was taken back from its upgrade, with what it holds of the relay's limits.
    pub fn new(stream: TcpStream, slot: Option<Slot>) -> Self {
        Self { stream, heard: AtomicBool::new(false), _slot: slot }
    }

    /// The stream.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Something came from it: whatever it was, it is there.
    pub fn hear(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// Whether something came since this was asked last.
    pub(super) fn was_heard(&self) -> bool {
        self.heard.swap(false, Ordering::Relaxed)
    }
}

/// How often spectators are pinged, and how long one may say nothing.
#[derive(Clone, Copy, Debug)]
pub struct Pings {
    /// From one ping to the next.
    pub every: Duration,
    /// From its last byte until it counts as dead.
    pub silence: Duration,
}

impl Pings {
    /// As the limits say.
    pub fn of(limits: &EdgeLimits) -> Self {
        Self { every: Duration::from_millis(limits.ping_ms), silence: Duration::from_millis(limits.silence_ms()) }
    }
}
