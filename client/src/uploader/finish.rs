//! How a fight is ended, and what a relay takes of it.

use raidcast_shared::limits::AMOUNT_MAX;
use raidcast_shared::uplink::{MeterTotals, Outcome};

/// The last Unix ms that a date may have: the end of the year 9999.
const UNIX_MS_MAX: i64 = 253_402_300_799_999;

/// How a fight is ended.
pub(super) struct Finish {
    /// Unix ms, by the meter's clock.
    pub(super) ended_at_ms: Option<i64>,
    pub(super) outcome: Outcome,
    /// The meter's own sums.
    pub(super) meter: Option<MeterTotals>,
}

/// How a fight is ended that the meter did not end.
pub(super) const UNFINISHED: Finish = Finish { ended_at_ms: None, outcome: Outcome::Unfinished, meter: None };

impl Finish {
    /// The same with nothing in it that a relay does not take: one absurd number of the meter's must not keep a fight
    /// from its report. A sum that is cut differs from what was read, and the report says so.
    ///
    /// An end before the last event is of a clock that was set back: then the fight ended with that event.
    pub(super) fn fit(&self, started_at_ms: i64, elapsed_ms: u32) -> Self {
        let last_ms = started_at_ms.saturating_add(elapsed_ms.into());
        let ended_at_ms = self.ended_at_ms.map(|at| at.max(last_ms)).filter(|at| (0..=UNIX_MS_MAX).contains(at));
        let meter = self.meter.map(|meter| MeterTotals {
            damage: meter.damage.min(AMOUNT_MAX),
            healing: meter.healing.min(AMOUNT_MAX),
            damage_by: meter.damage_by,
        });
        Self { ended_at_ms, outcome: self.outcome, meter }
    }
}
