//! The present connection: what may be sent on it now.

use bytes::Bytes;
use raidcast_shared::codec;
use raidcast_shared::uplink::{UplinkFrame, VERSIONS, WireLimits};
use tokio::sync::mpsc;

/// A connection that is open.
pub(super) struct Link {
    outbox: mpsc::Sender<Bytes>,
    /// Whether the relay knows the raid.
    pub(super) welcomed: bool,
    /// As Welcome says; before it the oldest, which every relay reads.
    version: u16,
    limits: WireLimits,
    allowance: Allowance,
}

impl Link {
    pub(super) fn new(outbox: mpsc::Sender<Bytes>, now_ms: u64) -> Self {
        let limits = WireLimits::default();
        Self { outbox, welcomed: false, version: VERSIONS.0, allowance: Allowance::of(&limits, now_ms), limits }
    }

    /// The relay knows the raid, speaks this version, and has these limits.
    pub(super) fn welcome(&mut self, version: u16, limits: WireLimits, now_ms: u64) {
        self.version = version.min(VERSIONS.1);
        self.allowance = Allowance::of(&limits, now_ms);
        self.limits = limits;
        self.welcomed = true;
    }

    /// Queues a frame; false if the outbox is full, or the connection gone: try again later.
    pub(super) fn send(&self, frame: &UplinkFrame) -> bool {
        self.outbox.try_send(codec::encode_for(self.version, frame).into()).is_ok()
    }

    /// Whether a frame of so many bytes may go out, with so many frames and bytes unacknowledged.
    pub(super) fn may_send(&mut self, bytes: u32, (frames, in_flight): (usize, usize), now_ms: u64) -> bool {
        // A single frame always goes, however small the relay's window is.
        let fits = in_flight == 0 || in_flight + bytes as usize <= self.limits.unacked_bytes as usize;
        frames < (self.limits.unacked_frames as usize).max(1) && fits && self.allowance.take(bytes, now_ms)
    }
}

/// Bytes that may go out: so many at once, so many more each second.
struct Allowance {
    bytes: u64,
    bytes_max: u64,
    per_s: u64,
    at_ms: u64,
}

impl Allowance {
    /// A tenth below what the relay allows, for its clock and ours differ, and envelopes count too.
    fn of(limits: &WireLimits, now_ms: u64) -> Self {
        let below = |limit: u32| u64::from(limit) * 9 / 10;
        let bytes_max = below(limits.unacked_bytes).max(u64::from(limits.frame_bytes));
        Self { bytes: bytes_max, bytes_max, per_s: below(limits.bytes_per_s).max(1), at_ms: now_ms }
    }

    fn take(&mut self, bytes: u32, now_ms: u64) -> bool {
        let passed_ms = now_ms.saturating_sub(self.at_ms);
        let gained = self.per_s.saturating_mul(passed_ms) / 1000;
        if gained > 0 {
            self.bytes = self.bytes.saturating_add(gained).min(self.bytes_max);
            self.at_ms = now_ms;
        }
        match self.bytes.checked_sub(bytes.into()) {
            Some(left) => {
                self.bytes = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_allowed_at_once_and_then_by_the_second() {
        let limits = WireLimits { unacked_bytes: 1000, frame_bytes: 100, bytes_per_s: 1000, ..WireLimits::default() };
        let mut allowance = Allowance::of(&limits, 0);
        assert!(allowance.take(900, 0));
        assert!(!allowance.take(1, 0));
        assert!(allowance.take(90, 100));
        assert!(!allowance.take(90, 150));
        assert!(allowance.take(900, 60_000));
        assert!(!allowance.take(900, 60_001));
    }

    #[test]
    fn the_window_bounds_frames_and_bytes() {
        let (outbox, _frames) = mpsc::channel(4);
        let mut link = Link::new(outbox, 0);
        link.welcome(2, WireLimits { unacked_frames: 2, unacked_bytes: 100, ..WireLimits::default() }, 0);
        assert!(link.may_send(60, (0, 0), 0));
        assert!(link.may_send(40, (1, 60), 0));
        assert!(!link.may_send(41, (1, 60), 0));
        assert!(!link.may_send(1, (2, 60), 0));
        assert!(link.may_send(500, (0, 0), 0));
    }
}
