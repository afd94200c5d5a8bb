//! A raid's task tells those who watch that one of its reports leads to other reports of its fight now.
//!
//! One invariant: whoever hears it may see the report, and all who are in it, by now. Which others these are is not told: he
//! asks, and the door decides. Deliberately not here: because of which others it is told ([`crate::access`]).

use std::time::Duration;

use raidcast_shared::feed::FeedHappening;
use raidcast_shared::limits::EVENT_RING;
use raidcast_shared::uplink::NamesPolicy;
use tokio::time::Instant;

use super::stage::Of;
use super::state::RaidTask;

/// It is told at once, and then not before this has passed: others decide how often they upload, and not how often all who
/// watch ask, nor what the ring of events holds.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// Of so many reports at once, a quarter of the ring: of the rest the next time.
const TOLD_AT_ONCE: usize = EVENT_RING / 4;

impl RaidTask {
    /// One of its reports leads to others now, or these tell something else.
    pub(super) fn views_changed(&mut self, report_id: String) {
        // A report that it does not know, because that has moved, is another raid's to tell of.
        if self.is_own(&report_id) && !self.views.waiting.contains(&report_id) {
            self.views.waiting.push_back(report_id);
            self.tell_views();
        }
    }

    /// Tells of those that wait, if it is time.
    pub(super) fn tell_views(&mut self) {
        let now = Instant::now();
        if self.views.waiting.is_empty() || self.views.next.is_some_and(|next| now < next) {
            return;
        }
        self.views.next = Some(now + TELL_EVERY);
        for _ in 0..TOLD_AT_ONCE {
            let Some(report_id) = self.views.waiting.pop_front() else { return };
            for of in self.stages.all() {
                if self.sees_report(of, &report_id) {
                    self.event_of(of, report_id.clone(), FeedHappening::ViewsChanged, Vec::new());
                }
            }
        }
    }

    fn is_own(&self, report_id: &str) -> bool {
        let held =
            self.encounters.values().any(|held| held.row.raid_code == self.row.code && held.row.report_id == report_id);
        held || self.earlier.iter().any(|held| held.line.report_id == report_id)
    }

    /// Whether those who watch a stage see a report as it is kept, and who is in it. Who is behind and does not see its end
    /// yet asks when he does, as whoever sees an end.
    fn sees_report(&self, of: Of, report_id: &str) -> bool {
        if of == Of::Others && (self.row.names != NamesPolicy::Full || self.row.shown_to().hides_reports()) {
            return false;
        }
        let until_ms = self.until_ms_of(of);
        let mut own = self.encounters.values().filter(|held| held.row.raid_code == self.row.code);
        match own.find(|held| held.row.report_id == report_id) {
            Some(held) => until_ms.is_none_or(|until_ms| held.is_shown(until_ms)),
            None => self.earlier.iter().any(|held| held.line.report_id == report_id && held.is_shown(until_ms)),
        }
    }
}
