//! What a fight showed before something came in its place: a reading, or a report that was provisional before its fight
//! went on.
//!
//! One invariant: it does not change. Whom it is shown to is another question (`encounter/former.rs`).

use raidcast_shared::uplink::{Outcome, ReportState};
use raidcast_shared::view::LiveFacts;

use super::reading::Reading;

/// See the module's page.
pub(super) struct Former {
    /// When it gave way, Unix ms.
    pub(super) gave_way_ms: i64,
    /// `None`: the reading that is there after it.
    pub(super) reading: Option<Box<Reading>>,
    pub(super) state: ReportState,
    pub(super) outcome: Outcome,
    pub(super) revision: u32,
    /// When its report was kept, Unix ms.
    pub(super) kept_at_ms: Option<i64>,
}

impl Former {
    /// Its reading, where that gave way, too.
    pub(super) fn own_reading(&self) -> Option<&Reading> {
        self.reading.as_deref()
    }

    /// Whether all of it, its report too, came until a time.
    pub(super) fn is_shown(&self, reading: &Reading, until_ms: i64) -> bool {
        let is_then = |at_ms: Option<i64>| at_ms.is_none_or(|at_ms| at_ms <= until_ms);
        // What came behind it came to what is there after it.
        let last_ms = if self.reading.is_some() { reading.deltas.last_ms() } else { None };
        self.state != ReportState::Live
            && self.kept_at_ms.is_some_and(|kept_at_ms| kept_at_ms <= until_ms)
            && is_then(reading.ended_ms.filter(|_| self.reading.is_some()))
            && is_then(last_ms)
    }

    pub(super) fn facts(&self) -> LiveFacts {
        let ended = self.state == ReportState::Final;
        LiveFacts { state: self.state, outcome: self.outcome, ended, revision: self.revision, idle: false }
    }
}
