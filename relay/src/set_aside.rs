//! What cannot be read, and why: all else is served.
//!
//! One invariant: damage is said once in the log, with its name; `/health` counts it and names nothing, for a code is a
//! link.

use dashmap::DashMap;
use raidcast_store::StoreError;

/// See the module's page.
#[derive(Debug, Default)]
pub struct SetAside {
    reports: DashMap<String, String>,
    raids: DashMap<String, String>,
}

impl SetAside {
    /// Goes on without a report's fight.
    pub fn report(&self, report_id: &str, why: &str) {
        if self.reports.insert(report_id.to_owned(), why.to_owned()).is_none() {
            tracing::error!(report = report_id, why, "a fight is set aside; all others are served");
        }
    }

    /// The one way from what the store says of a report to its being set aside: whether it is.
    pub fn is_damaged(&self, report_id: &str, error: &StoreError) -> bool {
        let StoreError::Damaged(why) = error else { return false };
        self.report(report_id, why);
        true
    }

    /// Goes on without a raid whose row cannot be read.
    pub fn raid(&self, code: &str, why: &str) {
        if self.raids.insert(code.to_owned(), why.to_owned()).is_none() {
            tracing::error!(raid = code, why, "a raid is set aside; all others are served");
        }
    }

    /// A report's fight can be read again, or is gone.
    pub fn forget(&self, report_id: &str) {
        self.reports.remove(report_id);
    }

    /// A raid is gone.
    pub fn forget_raid(&self, code: &str) {
        self.raids.remove(code);
    }

    /// Why a report's fight is set aside, if it is.
    pub fn why(&self, report_id: &str) -> Option<String> {
        self.reports.get(report_id).map(|why| why.clone())
    }

    /// Each in turn: why, and whether it is a raid.
    pub fn each(&self, mut tell: impl FnMut(&str, bool)) {
        self.reports.iter().for_each(|report| tell(report.value(), false));
        self.raids.iter().for_each(|raid| tell(raid.value(), true));
    }

    /// How many fights, and how many raids.
    pub fn counts(&self) -> (usize, usize) {
        (self.reports.len(), self.raids.len())
    }
}
