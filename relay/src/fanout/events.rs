//! The raid's newest events, encoded once for each format: who fell behind gets those it missed.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use raidcast_shared::feed::{FeedEvent, FeedFrame};
use raidcast_shared::id::ActorId;
use raidcast_shared::limits::EVENT_RING;

use super::format::Format;

/// Events of one format that are kept, by number, oldest first.
pub(super) type EventRing = Arc<Vec<(u64, Bytes)>>;

/// The raid's newest events.
#[derive(Default)]
pub(super) struct Events {
    newest: u64,
    ring: VecDeque<FeedEvent>,
    /// Whom each of them may name: those who died, and who killed them.
    named: VecDeque<Vec<ActorId>>,
    bytes: [EventRing; Format::ALL.len()],
    encodes: u64,
}

impl Events {
    /// Takes the next one, and whom it may name; the caller numbers them from 1.
    pub(super) fn push(&mut self, event: FeedEvent, named: Vec<ActorId>) {
        self.newest = event.n;
        self.ring.push_back(event);
        self.named.push_back(named);
        if self.ring.len() > EVENT_RING {
            self.ring.pop_front();
            self.named.pop_front();
        }
    }

    /// Whom those may name that are kept.
    pub(super) fn named(&self) -> impl Iterator<Item = ActorId> {
        self.named.iter().flatten().copied()
    }

    /// Number of the newest; 0 before the first.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// Of what a view has sent, whose newest event is `last_event`: number of the first that can be sent again. Who lacks
    /// one before it has lost some.
    pub(super) fn kept_from(&self, last_event: u64) -> u64 {
        self.ring.front().map_or(u64::MAX, |event| event.n).min(last_event + 1)
    }

    /// Those that are kept, in one format.
    pub(super) fn encoded(&mut self, format: Format) -> EventRing {
        if format.is_whole() {
            return EventRing::default();
        }
        let held = &mut self.bytes[format.index()];
        let oldest = self.ring.front().map_or(u64::MAX, |event| event.n);
        if held.first().map_or(u64::MAX, |(n, _)| *n) != oldest || held.len() != self.ring.len() {
            let known: HashMap<u64, Bytes> = held.iter().cloned().collect();
            let encodes = &mut self.encodes;
            let bytes = self.ring.iter().map(|event| {
                let bytes = known.get(&event.n).cloned().unwrap_or_else(|| {
                    *encodes += 1;
                    format.encode(&FeedFrame::Event(event.clone()))
                });
                (event.n, bytes)
            });
            *held = Arc::new(bytes.collect());
        }
        Arc::clone(held)
    }

    /// How often one was encoded.
    pub(super) fn encodes(&self) -> u64 {
        self.encodes
    }
}
