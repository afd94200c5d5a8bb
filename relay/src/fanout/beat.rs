//! What a room has for all its lanes at one moment: ready bytes, which every shard gives to its spectators.

use bytes::Bytes;

use super::details::DetailsByKey;
use super::events::EventRing;
use super::format::Format;
use super::lane::LANES;

/// What one lane has to send.
#[derive(Clone, Debug, Default)]
pub(super) struct LaneBeat {
    /// Who has this step of the view is taken by `batch` to the next.
    pub(super) from: u64,
    /// The view's newest step: equal to `from` where there is no batch.
    pub(super) to: u64,
    /// Events and tick of the newest step.
    pub(super) batch: Bytes,
    /// Where somebody needs it: takes everybody to the newest step.
    pub(super) keyframe: Option<Bytes>,
    /// The same for who lost events, where somebody needs it.
    pub(super) keyframe_lost: Option<Bytes>,
    /// Number of the last event that the view has sent.
    pub(super) last_event: u64,
    /// Number of the first event that can be sent again.
    pub(super) kept_from: u64,
    pub(super) details: DetailsByKey,
}

/// All that spectators are sent at one moment.
#[derive(Debug, Default)]
pub(super) struct Beat {
    /// Counts up in a room; 0 is none.
    pub(super) number: u64,
    pub(super) lanes: [LaneBeat; LANES],
    pub(super) events: [EventRing; Format::ALL.len()],
}
