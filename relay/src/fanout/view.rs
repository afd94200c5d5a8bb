//! One view of a raid in one format: what is encoded once for all who see it.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use raidcast_shared::codec;
use raidcast_shared::feed::{FeedEvent, FeedFrame};
use raidcast_shared::limits::EVENT_RING;

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
    /// A whole WebSocket frame.
    pub fn encode(self, frame: &FeedFrame) -> Bytes {
        match self {
            Self::MessagePack => wire::binary(&codec::encode(frame)),
            Self::Json => wire::text(&serde_json::to_vec(frame).expect("feed frames are JSON")),
        }
    }
}

/// Frames ready to be written, made at most once for each position and shared by all spectators of the format.
#[derive(Debug)]
pub struct Frames {
    format: Format,
    /// Events and tick of the newest step, in one piece.
    batch: Bytes,
    /// Made when the first spectator needs it; dropped by the next step.
    keyframe: Option<Bytes>,
    events: VecDeque<(u64, Bytes)>,
    /// How often something was encoded: what tests count.
    encodes: u64,
}

impl Frames {
    /// No frames yet.
    pub fn new(format: Format) -> Self {
        Self { format, batch: Bytes::new(), keyframe: None, events: VecDeque::new(), encodes: 0 }
    }

    /// How its frames are written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Takes a step of the view: events in order, and the tick if anything changed.
    pub fn step(&mut self, events: &[FeedEvent], tick: Option<&FeedFrame>) {
        let mut batch = BytesMut::new();
        for event in events {
            let bytes = self.encode(&FeedFrame::Event(event.clone()));
            batch.extend_from_slice(&bytes);
            self.events.push_back((event.n, bytes));
            if self.events.len() > EVENT_RING {
                self.events.pop_front();
            }
        }
        if let Some(tick) = tick {
            batch.extend_from_slice(&self.encode(tick));
        }
        self.batch = batch.freeze();
        self.keyframe = None;
    }

    /// What everybody gets who missed nothing.
    pub fn batch(&self) -> &Bytes {
        &self.batch
    }

    /// The keyframe of the present position, encoded by the first who asks.
    pub fn keyframe(&mut self, make: impl FnOnce() -> FeedFrame) -> Bytes {
        if let Some(held) = &self.keyframe {
            return held.clone();
        }
        let bytes = self.encode(&make());
        self.keyframe = Some(bytes.clone());
        bytes
    }

    /// Events from number `from` on, in one piece, and whether some of them are no longer kept.
    pub fn owed(&self, from: u64, newest: u64) -> (Bytes, bool) {
        let mut owed = BytesMut::new();
        for (_, bytes) in self.events.iter().filter(|(n, _)| *n >= from) {
            owed.extend_from_slice(bytes);
        }
        let oldest = self.events.front().map_or(newest + 1, |(n, _)| *n);
        (owed.freeze(), from < oldest && from <= newest)
    }

    /// The keyframe no longer holds.
    pub fn stale(&mut self) {
        self.keyframe = None;
    }

    /// How often something was encoded since the beginning.
    pub fn encodes(&self) -> u64 {
        self.encodes
    }

    /// Encodes a frame in this view's format.
    pub fn encode(&mut self, frame: &FeedFrame) -> Bytes {
        self.encodes += 1;
        self.format.encode(frame)
    }
}
