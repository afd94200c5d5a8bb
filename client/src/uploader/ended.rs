//! Fights whose end was read lately, and how much there was of each then.

use raidcast_shared::uplink::MeterTotals;

use crate::source::Fight;

/// Fights that ended lately.
#[derive(Default)]
pub(super) struct Lately(pub(super) Vec<Ended>);

/// One of them.
pub(super) struct Ended {
    pub(super) db: String,
    pub(super) fight: Fight,
    pub(super) stands: Stands,
    pub(super) until_ms: u64,
    /// When it was found to go on last.
    pub(super) grew_ms: Option<u64>,
}

/// How much there is of a fight: what grows with it, whatever the generation.
#[derive(PartialEq, Eq)]
pub(super) struct Stands {
    pub(super) totals: Option<MeterTotals>,
    pub(super) extent: u64,
}
