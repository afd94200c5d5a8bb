//! How long a fight has had no event, and who was told.

use raidcast_shared::limits as l;

/// How long a fight has had no event.
pub(super) struct Silence {
    last_event_ms: u64,
    sent: bool,
    told: bool,
}

impl Silence {
    pub(super) fn new(now_ms: u64) -> Self {
        Self { last_event_ms: now_ms, sent: false, told: false }
    }

    /// There was an event.
    pub(super) fn ends(&mut self, now_ms: u64) {
        *self = Self::new(now_ms);
    }

    /// A connection ended: the next one is to be told again.
    pub(super) fn disconnect(&mut self) {
        self.sent = false;
    }

    /// How long, ms.
    pub(super) fn ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.last_event_ms)
    }

    /// Whether the fight is past its heartbeats.
    pub(super) fn is_idle(&self, now_ms: u64) -> bool {
        self.ms(now_ms) >= l::IDLE_MS
    }

    /// Whether the relay was told.
    pub(super) fn is_sent(&self) -> bool {
        self.sent
    }

    /// The relay was told; whether the user is to be told, too.
    pub(super) fn sent(&mut self) -> bool {
        self.sent = true;
        !std::mem::replace(&mut self.told, true)
    }
}
