//! One view of a raid in one format: what is encoded once for all who see it.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use raidcast_shared::codec;
use raidcast_shared::feed::FeedFrame;
use raidcast_shared::limits::{PACE_DEFAULT, PACES, TICK_RING};

use super::wire;

/// How a feed's frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `raidcast.feed.v1`.
    MessagePack,
    /// `raidcast.feed.v1.json`.
    Json,
}

impl Format {
    /// Both.
    pub const ALL: [Self; 2] = [Self::MessagePack, Self::Json];

    /// A whole WebSocket frame.
    pub fn encode(self, frame: &FeedFrame) -> Bytes {
        match self {
            Self::MessagePack => wire::binary(&codec::encode(frame)),
            Self::Json => wire::text(&serde_json::to_vec(frame).expect("feed frames are JSON")),
        }
    }

    /// Its place in tables of both.
    pub fn index(self) -> usize {
        usize::from(self == Self::Json)
    }
}

/// How many ticks a second a spectator gets: one of [`PACES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace(u8);

impl Pace {
    /// Every pace.
    pub const ALL: [Self; PACES.len()] = [Self(0), Self(1), Self(2)];

    /// The pace with so many ticks a second; `None` if there is none.
    pub fn of(ticks_per_s: u8) -> Option<Self> {
        PACES.iter().position(|pace| *pace == ticks_per_s).map(|at| Self(at as u8))
    }

    /// Its place in tables of all paces.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Ticks a second.
    pub fn per_s(self) -> u8 {
        PACES[self.index()]
    }

    /// Whether it has a tick at this beat of the fastest.
    pub fn is_due(self, beat: u64) -> bool {
        beat.is_multiple_of(u64::from(PACES[PACES.len() - 1] / self.per_s()))
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::of(PACE_DEFAULT).expect("the default is one of them")
    }
}

/// Frames ready to be written, made at most once for each position and shared by all spectators of the view.
#[derive(Debug)]
pub(super) struct Frames {
    format: Format,
    /// Events and tick of the newest step, in one piece.
    batch: Bytes,
    /// Made when the first spectator needs it; dropped by the next step.
    keyframe: Option<Bytes>,
    /// The last steps of this epoch, for who comes back: position before the step, and bytes.
    recent: VecDeque<(u64, Bytes)>,
    /// How often something was encoded: what tests count.
    encodes: u64,
}

impl Frames {
    /// No frames yet.
    pub(super) fn new(format: Format) -> Self {
        Self { format, batch: Bytes::new(), keyframe: None, recent: VecDeque::new(), encodes: 0 }
    }

    /// Takes a step of the view: events that were encoded already, then the tick if anything changed.
    pub(super) fn step<'a>(&mut self, before: u64, events: impl Iterator<Item = &'a Bytes>, tick: Option<&FeedFrame>) {
        let mut batch = BytesMut::new();
        for event in events {
            batch.extend_from_slice(event);
        }
        if let Some(tick) = tick {
            batch.extend_from_slice(&self.encode(tick));
        }
        self.batch = batch.freeze();
        self.keyframe = None;
        if self.recent.len() >= TICK_RING {
            self.recent.pop_front();
        }
        self.recent.push_back((before, self.batch.clone()));
    }

    /// What everybody gets who missed nothing.
    pub(super) fn batch(&self) -> &Bytes {
        &self.batch
    }

    /// The keyframe of the present position, encoded by the first who asks.
    pub(super) fn keyframe(&mut self, make: impl FnOnce() -> FeedFrame) -> Bytes {
        if let Some(held) = &self.keyframe {
            return held.clone();
        }
        let bytes = self.encode(&make());
        self.keyframe = Some(bytes.clone());
        bytes
    }

    /// All steps from a position of this epoch on, in one piece; `None` where some are no longer kept. A step with
    /// events alone leaves the position as it is, so that some of them may come twice: their numbers tell.
    pub(super) fn since(&self, position: u64) -> Option<Bytes> {
        let oldest = self.recent.front()?.0;
        if oldest > position || (oldest == position && self.recent.len() >= TICK_RING) {
            return None;
        }
        let missed = self.recent.iter().filter(|(before, _)| *before >= position);
        Some(missed.fold(BytesMut::new(), |out, (_, bytes)| concat(out, bytes)).freeze())
    }

    /// The keyframe no longer holds.
    pub(super) fn stale(&mut self) {
        self.keyframe = None;
    }

    /// Positions begin anew.
    pub(super) fn begin_epoch(&mut self) {
        self.keyframe = None;
        self.recent.clear();
    }

    /// How often something was encoded since the beginning.
    pub(super) fn encodes(&self) -> u64 {
        self.encodes
    }

    /// Encodes a frame in this view's format.
    pub(super) fn encode(&mut self, frame: &FeedFrame) -> Bytes {
        self.encodes += 1;
        self.format.encode(frame)
    }
}

/// Appends bytes.
pub(super) fn concat(mut out: BytesMut, part: &Bytes) -> BytesMut {
    out.extend_from_slice(part);
    out
}
