//! The door's lists: lines of fights, as somebody may see them, and what is searched.
//!
//! One invariant: a line names no player, and says of a fight what came by the time that its reader sees.

use raidcast_shared::uplink::{ReportState, Visibility};
use raidcast_store::name::Typed;
use raidcast_store::search::names_like;
use raidcast_store::{
    Delay, ListPart, PublicReports, RaidRow, ReportLine, ReportPlace, SearchFound, SearchKey, SearchRequest,
    SearchTotal, Term,
};

use super::behind::line_until;
use super::veil::of_lists;
use super::visible::{Seen, Visible};
use super::wish::Counts;
use super::{Admitted, Door};
use crate::error::HttpError;

/// What was found of fights that everybody may see.
#[derive(Clone, Debug)]
pub struct Found {
    /// In the order that was asked for.
    pub lines: Vec<Visible<ReportLine>>,
    /// From where to ask again.
    pub next: Option<SearchKey>,
    /// Where they were to be counted.
    pub total: Option<SearchTotal>,
}

/// A part of the list of fights that everybody may see.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The newest first.
    pub lines: Vec<Visible<ReportLine>>,
    /// How many there are in all, where a page was asked for.
    pub total: Option<u64>,
    /// After which place it goes on.
    pub next: Option<ReportPlace>,
}

impl Door {
    /// The fights of a raid, newest first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn fights(&self, raid: &Visible<RaidRow>) -> Result<Vec<Visible<ReportLine>>, HttpError> {
        let lines = self.context.store.raid_reports(&raid.code).await?;
        let mut lines = self.listed(lines, raid.admitted(), |line| (raid.delay(), line.raid_code == raid.code));
        // One whose end has not come for him is live.
        lines.retain(|line| line.state == ReportState::Live || raid.lists_reports());
        Ok(lines)
    }

    /// Public fights, newest first: a part of them.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn public_fights(&self, part: ListPart) -> Result<Listed, HttpError> {
        let now_ms = self.context.clock.now_ms();
        let PublicReports { lines, total, next } = self.context.store.public_reports(part, now_ms).await?;
        let mut lines = self.listed(lines, Admitted::AsAnybody, of_anybody);
        // Also where the clock was set back since they were looked up.
        lines.retain(|line| line.state != ReportState::Live || line.live == Visibility::Public);
        Ok(Listed { lines, total, next })
    }

    /// Names that are to be found in public fights, those that are most like what was typed.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn names_like(&self, typed: &Typed) -> Result<Vec<Term>, HttpError> {
        Ok(names_like(&*self.context.store, typed).await?)
    }

    /// Final public fights: those that are asked for.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn found(&self, request: &SearchRequest) -> Result<Found, HttpError> {
        let SearchFound { lines, next, total } = self.context.store.search(request).await?;
        let mut lines = self.listed(lines, Admitted::AsAnybody, of_anybody);
        // One that was made anew a moment ago is found again when that is shown.
        lines.retain(|line| line.state == ReportState::Final);
        Ok(Found { lines, next, total })
    }

    /// A number that is another one whenever something has changed that searches find or show.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn search_changes(&self) -> Result<u64, HttpError> {
        Ok(self.context.store.search_changes().await?)
    }

    /// Lines of a list, for who is admitted so; `None` of a delay: those of members. And whether he may see their raid.
    fn listed(
        &self,
        lines: Vec<ReportLine>,
        admitted: Admitted,
        seen: impl Fn(&ReportLine) -> (Option<Delay>, bool),
    ) -> Vec<Visible<ReportLine>> {
        let now_ms = self.context.clock.now_ms();
        let listed = lines.into_iter().filter_map(|line| {
            let (delay, knows_raid) = seen(&line);
            let delay = delay.filter(|delay| delay.ms > 0);
            let mut audience = if knows_raid { of_lists() } else { of_lists().outside_its_raid() };
            let line = match delay.and_then(|delay| delay.until_ms(now_ms)) {
                Some(until_ms) => {
                    audience = audience.some_time_behind();
                    line_until(line, until_ms)?
                }
                None => line,
            };
            // No player is named in it, whatever players wish for.
            Some(Visible::new(line, Seen { admitted, audience, delay, link: None, wishes: Counts::None }))
        });
        listed.collect()
    }
}

/// How anybody sees a line: he knows a raid by its report where the raid is public, too.
fn of_anybody(line: &ReportLine) -> (Option<Delay>, bool) {
    (Some(line.delay), line.live == Visibility::Public)
}
