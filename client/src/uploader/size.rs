//! How much there is of a fight in the meter's database, for little: asked before all of it is read again.

use raidcast_shared::uplink::MeterTotals;

use crate::source::{AnySource, Fight, Source as _, SourceError};

/// How much there is of a fight: what grows with it, whatever the generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FightSize {
    totals: Option<MeterTotals>,
    extent: u64,
}

impl FightSize {
    /// As it stands now.
    ///
    /// # Errors
    /// As [`crate::source::Source::totals`].
    pub(super) fn of(source: &mut AnySource, fight: &Fight) -> Result<Self, SourceError> {
        let totals = source.totals(fight)?;
        Self::with(totals, source, fight)
    }

    /// The same, of sums that were read just now.
    ///
    /// # Errors
    /// As [`crate::source::Source::extent`].
    pub(super) fn with(
        totals: Option<MeterTotals>,
        source: &mut AnySource,
        fight: &Fight,
    ) -> Result<Self, SourceError> {
        Ok(Self { totals, extent: source.extent(fight)? })
    }
}
