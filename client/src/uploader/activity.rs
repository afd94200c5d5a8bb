//! When anything happened last: what the end is measured from.

/// When anything happened last; ms of the monotonic clock.
pub(super) struct Activity {
    event_ms: u64,
    progress_ms: u64,
    closing: bool,
}

impl Activity {
    /// As if something had happened just now.
    pub(super) fn new(now_ms: u64) -> Self {
        Self { event_ms: now_ms, progress_ms: now_ms, closing: false }
    }

    /// Something happened in a fight.
    pub(super) fn event(&mut self, now_ms: u64) {
        self.event_ms = now_ms;
    }

    /// The relay confirmed something, or something was finished.
    pub(super) fn progress(&mut self, now_ms: u64) {
        self.progress_ms = now_ms;
    }

    /// Nothing is to be confirmed before `at_ms`: that long is waited.
    pub(super) fn progress_awaited(&mut self, at_ms: u64) {
        self.progress_ms = self.progress_ms.max(at_ms);
    }

    /// When a fight had its last event.
    pub(super) fn event_ms(&self) -> u64 {
        self.event_ms
    }

    /// When anything was confirmed last, or is to be.
    pub(super) fn progress_ms(&self) -> u64 {
        self.progress_ms
    }

    /// Whether fights that still go on are to be ended, for the run ends.
    pub(super) fn is_closing(&self) -> bool {
        self.closing
    }

    /// Nothing is left to wait for: fights that still go on are to be ended.
    pub(super) fn close(&mut self) {
        self.closing = true;
    }

    /// A fight that begins now is streamed like any other.
    pub(super) fn reopen(&mut self) {
        self.closing = false;
    }
}
