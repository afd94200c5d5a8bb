//! To whom a raid is shown, and its reports.
//!
//! One invariant: what is not said stays as it was.

use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::uplink::{NamesPolicy, Visibility};

/// To whom a raid is shown, as far as anything is said of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShownTo {
    /// Who may find and see it.
    pub visibility: Option<Visibility>,
    /// Who may find and see its reports.
    pub report_visibility: Option<ReportVisibility>,
    /// Which names those see who are no members of it.
    pub names: Option<NamesPolicy>,
    /// How far behind those see it who are no members, seconds.
    pub delay_s: Option<u32>,
}

impl ShownTo {
    /// The same, where it is said; else as it is said `before`.
    pub(super) fn or(self, before: Self) -> Self {
        Self {
            visibility: self.visibility.or(before.visibility),
            report_visibility: self.report_visibility.or(before.report_visibility),
            names: self.names.or(before.names),
            delay_s: self.delay_s.or(before.delay_s),
        }
    }

    /// The same of a raid of old fights: they are over, and only reports.
    pub(super) fn of_old_fights(self) -> Self {
        Self { report_visibility: Some(ReportVisibility::Live), delay_s: Some(0), ..self }
    }
}
