//! When anything happened last: what the end is measured from.

/// The attempt is waited for that a relay or a proxy puts off, so long after anything was confirmed last, ms.
const ATTEMPT_MS_MAX: u64 = 660_000;

/// When anything happened last; ms of the monotonic clock.
pub(super) struct Activity {
    event_ms: u64,
    progress_ms: u64,
    /// When something was confirmed or finished, and not only to be.
    confirmed_ms: u64,
    closing: bool,
}

impl Activity {
    /// As if something had happened just now.
    pub(super) fn new(now_ms: u64) -> Self {
        Self { event_ms: now_ms, progress_ms: now_ms, confirmed_ms: now_ms, closing: false }
    }

    /// Something happened in a fight.
    pub(super) fn event(&mut self, now_ms: u64) {
        self.event_ms = now_ms;
    }

    /// The relay confirmed something, or something was finished.
    pub(super) fn progress(&mut self, now_ms: u64) {
        (self.progress_ms, self.confirmed_ms) = (now_ms, now_ms);
    }

    /// Nothing is to be confirmed before `at_ms`: that long is waited.
    pub(super) fn progress_awaited(&mut self, at_ms: u64) {
        self.progress_ms = self.progress_ms.max(at_ms);
    }

    /// The relay is not spoken to before `at_ms`: that long is waited, but not for ever for one that is never well.
    pub(super) fn attempt_awaited(&mut self, at_ms: u64) {
        self.progress_awaited(at_ms.min(self.confirmed_ms + ATTEMPT_MS_MAX));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_that_is_put_off_is_waited_for_but_not_for_ever() {
        let mut activity = Activity::new(1_000);
        activity.attempt_awaited(61_000);
        assert_eq!(activity.progress_ms(), 61_000);
        for n in 2..100 {
            activity.attempt_awaited(n * 60_000);
        }
        assert_eq!(activity.progress_ms(), 1_000 + ATTEMPT_MS_MAX);
        activity.progress(2_000_000);
        activity.attempt_awaited(2_600_000);
        assert_eq!(activity.progress_ms(), 2_600_000);
    }
}
