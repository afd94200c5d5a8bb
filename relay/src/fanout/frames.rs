//! The frames of one lane: what is encoded once for all who see it.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use raidcast_shared::feed::FeedFrame;
use raidcast_shared::limits::TICK_RING;

use super::format::Format;

/// Frames ready to be written, made at most once for each position and shared by all spectators of the lane.
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
        if let Some(tick) = tick.filter(|_| !self.format.is_whole()) {
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
        Some(missed.fold(BytesMut::new(), |out, (_, bytes)| joined(out, bytes)).freeze())
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

    /// Encodes a frame in this lane's format.
    pub(super) fn encode(&mut self, frame: &FeedFrame) -> Bytes {
        self.encodes += 1;
        self.format.encode(frame)
    }
}

/// Bytes, and others behind them.
pub(super) fn joined(mut out: BytesMut, part: &Bytes) -> BytesMut {
    out.extend_from_slice(part);
    out
}
