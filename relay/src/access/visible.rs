//! What somebody may see: a row, and by what he sees it.
//!
//! One invariant: a [`Visible`] is made where access was asked (`door.rs`), nowhere else. What answers requests takes one,
//! so that an endpoint which forgot to ask does not compile.

use std::ops::Deref;

use raidcast_shared::view::Audience;
use raidcast_store::{EncounterRow, ReportLine};

use super::Admitted;

/// A row that somebody may see.
///
/// Nobody makes one up:
///
/// ```compile_fail
/// use raidcast_relay::access::{Admitted, Visible};
/// use raidcast_shared::view::Audience;
///
/// fn seen<T>(what: T, audience: Audience) -> Visible<T> {
///     Visible { what, admitted: Admitted::AsUploader, audience }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Visible<T> {
    what: T,
    admitted: Admitted,
    audience: Audience,
}

impl<T> Visible<T> {
    pub(super) fn new(what: T, (admitted, audience): (Admitted, Audience)) -> Self {
        Self { what, admitted, audience }
    }

    /// By what he sees it.
    pub fn admitted(&self) -> Admitted {
        self.admitted
    }

    /// What of it is shown to him.
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    /// The row alone: what takes it knows no more whether anybody may see it.
    pub fn into_inner(self) -> T {
        self.what
    }
}

impl<T> Deref for Visible<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.what
    }
}

impl Visible<EncounterRow> {
    /// The same report, where it stands now.
    pub fn now(&self, now: EncounterRow) -> Self {
        debug_assert_eq!(self.what.row, now.row, "another report");
        Self { what: now, admitted: self.admitted, audience: self.audience.clone() }
    }

    /// Whether what was made of it for him may be given to him who sees it as `now`: the raid may have changed its names
    /// meanwhile, or he be no member any more.
    pub(super) fn shows_no_more_than(&self, now: &Self) -> bool {
        let sees_all = |seen: &Self| seen.audience.sees_everything();
        // What stands for a player leads to no other raid, so neither does an answer.
        let is_same_veil = self.what.names == now.what.names && self.what.raid_code == now.what.raid_code;
        sees_all(now) || (!sees_all(self) && is_same_veil)
    }
}

impl Visible<ReportLine> {
    /// The encounter behind a line; `None` if that is another report, or in another raid by now.
    pub fn encounter(&self, row: EncounterRow) -> Option<Visible<EncounterRow>> {
        let same = row.report_id == self.what.report_id && row.raid_code == self.what.raid_code;
        same.then(|| Visible { what: row, admitted: self.admitted, audience: self.audience.clone() })
    }
}
