//! The spectators of a raid: who has got what, and who gets what next.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use raidcast_shared::feed::{Bye, FeedEvent, FeedFrame};
use raidcast_shared::limits::{ROOM_SPECTATORS_MAX, SPECTATOR_STALLED_MS};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::view::{Format, Frames};
use super::wire;

/// Names a spectator in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpectatorId(pub u64);

struct Spectator {
    stream: Arc<TcpStream>,
    format: Format,
    /// The rest of what was begun: a frame is never broken.
    tail: Bytes,
    /// Whether it has every tick so far, once the tail is out.
    synced: bool,
    /// The first event that it has not got.
    next_event: u64,
    /// Since when nothing of the tail went out.
    stalled: Option<Instant>,
    /// Ends the task that reads from it.
    _reader: DropGuard,
}

/// How a write ended.
enum Written {
    /// All of it is out, or waits in the tail.
    Taken,
    /// The socket is gone.
    Gone,
}

impl Spectator {
    /// Writes what can be written now; the rest waits as the tail. Call only with an empty tail.
    fn write(&mut self, bytes: Bytes, now: Instant) -> Written {
        debug_assert!(self.tail.is_empty());
        self.tail = bytes;
        self.flush(now)
    }

    fn flush(&mut self, now: Instant) -> Written {
        if self.tail.is_empty() {
            return Written::Taken;
        }
        match self.stream.try_write(&self.tail) {
            Ok(0) => return Written::Gone,
            Ok(count) => {
                self.tail = self.tail.slice(count..);
                self.stalled = if self.tail.is_empty() { None } else { Some(now) };
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let since = *self.stalled.get_or_insert(now);
                if now.duration_since(since).as_millis() > u128::from(SPECTATOR_STALLED_MS) {
                    return Written::Gone;
                }
            }
            Err(_) => return Written::Gone,
        }
        Written::Taken
    }
}

/// All spectators of a raid, and the frames that they share.
///
/// Owned by the raid's task; what waits for one spectator is at most the rest of one write.
pub struct Room {
    spectators: HashMap<SpectatorId, Spectator>,
    frames: [Frames; 2],
    next_id: u64,
    writes: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            spectators: HashMap::new(),
            frames: [Frames::new(Format::MessagePack), Frames::new(Format::Json)],
            next_id: 0,
            writes: 0,
        }
    }
}

/// What a room counts, for tests and metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomCounts {
    /// Spectators now.
    pub spectators: usize,
    /// Frames encoded since the beginning.
    pub encodes: u64,
    /// Writes begun since the beginning.
    pub writes: u64,
}

impl Room {
    /// Takes a spectator in, to whom the keyframe goes with the next [`Room::send`]. `None` if the room is full.
    pub fn join(
        &mut self,
        stream: Arc<TcpStream>,
        format: Format,
        next_event: u64,
    ) -> Option<(SpectatorId, CancellationToken)> {
        if self.spectators.len() >= ROOM_SPECTATORS_MAX {
            return None;
        }
        let id = SpectatorId(self.next_id);
        self.next_id += 1;
        let cancel = CancellationToken::new();
        let reader = cancel.clone().drop_guard();
        let spectator =
            Spectator { stream, format, tail: Bytes::new(), synced: false, next_event, stalled: None, _reader: reader };
        self.spectators.insert(id, spectator);
        Some((id, cancel))
    }

    /// Takes a step of the view, to be sent with the next [`Room::send`].
    pub fn step(&mut self, events: &[FeedEvent], tick: Option<&FeedFrame>) {
        for frames in &mut self.frames {
            let format = frames.format();
            // Nobody sees it: the events are kept for who comes back, the tick is not made.
            let seen = self.spectators.values().any(|spectator| spectator.format == format);
            frames.step(events, tick.filter(|_| seen));
        }
    }

    /// Sends every spectator what it needs: one write each.
    ///
    /// `stepped`: a step was taken since the last call. `newest_event` counts the view's events so far.
    pub fn send(&mut self, stepped: bool, newest_event: u64, keyframe: impl Fn(bool) -> FeedFrame) {
        let now = Instant::now();
        let Self { spectators, frames, writes, .. } = self;
        spectators.retain(|_, spectator| {
            let frames = &mut frames[usize::from(spectator.format == Format::Json)];
            let idle = spectator.tail.is_empty() && spectator.synced;
            if idle && (!stepped || frames.batch().is_empty()) {
                return true;
            }
            *writes += 1;
            if !spectator.tail.is_empty() {
                if matches!(spectator.flush(now), Written::Gone) {
                    return false;
                }
                if !spectator.tail.is_empty() {
                    // Still behind: what it misses now, the keyframe makes good.
                    spectator.synced &= !stepped;
                    return true;
                }
                // The tail is out; what is due besides waits for the next tick, so that a tick is one write.
                spectator.synced &= !stepped;
                return true;
            }
            let bytes = if spectator.synced {
                frames.batch().clone()
            } else {
                let (owed, lost) = frames.owed(spectator.next_event, newest_event);
                let keyframe = if lost { frames.encode(&keyframe(true)) } else { frames.keyframe(|| keyframe(false)) };
                if owed.is_empty() { keyframe } else { [owed, keyframe].iter().fold(BytesMut::new(), concat).freeze() }
            };
            spectator.synced = true;
            spectator.next_event = newest_event + 1;
            matches!(spectator.write(bytes, now), Written::Taken)
        });
    }

    /// Everybody gets a keyframe next: a new epoch, or something changed that ticks do not carry.
    pub fn refresh(&mut self) {
        self.frames.iter_mut().for_each(Frames::stale);
        for spectator in self.spectators.values_mut() {
            spectator.synced = false;
        }
    }

    /// Answers one spectator, if nothing else is on its way to it: answers to probes and pings may be lost.
    pub fn answer(&mut self, id: SpectatorId, answer: Answer<'_>) {
        let Some(spectator) = self.spectators.get_mut(&id) else { return };
        if !spectator.tail.is_empty() {
            return;
        }
        let bytes = match answer {
            Answer::Frame(frame) => spectator.format.encode(frame),
            Answer::Pong(payload) => wire::pong(payload),
        };
        if matches!(spectator.write(bytes, Instant::now()), Written::Gone) {
            self.spectators.remove(&id);
        }
    }

    /// Lets a spectator go.
    pub fn leave(&mut self, id: SpectatorId) {
        self.spectators.remove(&id);
    }

    /// Says why, and closes one spectator's socket.
    pub fn dismiss(&mut self, id: SpectatorId, reason: &str, retry_ms: Option<u32>) {
        let Some(mut spectator) = self.spectators.remove(&id) else { return };
        let bye = FeedFrame::Bye(Bye { reason: reason.to_owned(), retry_ms });
        let parts = [spectator.format.encode(&bye), wire::close(if retry_ms.is_some() { 1012 } else { 1008 }, reason)];
        if spectator.tail.is_empty() {
            let _ = spectator.write(parts.iter().fold(BytesMut::new(), concat).freeze(), Instant::now());
        }
    }

    /// Says why, and closes all sockets.
    pub fn dismiss_all(&mut self, reason: &str, retry_ms: Option<u32>) {
        let all: Vec<_> = self.spectators.keys().copied().collect();
        for id in all {
            self.dismiss(id, reason, retry_ms);
        }
    }

    /// Whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.spectators.is_empty()
    }

    /// What happened in it so far.
    pub fn counts(&self) -> RoomCounts {
        RoomCounts {
            spectators: self.spectators.len(),
            encodes: self.frames.iter().map(Frames::encodes).sum(),
            writes: self.writes,
        }
    }
}

/// An answer to one spectator.
#[derive(Clone, Copy)]
pub enum Answer<'a> {
    /// A frame of the feed.
    Frame(&'a FeedFrame),
    /// To a ping.
    Pong(&'a [u8]),
}

fn concat(mut out: BytesMut, part: &Bytes) -> BytesMut {
    out.extend_from_slice(part);
    out
}
