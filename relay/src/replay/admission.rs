//! The report that a replay plays, and whether its asker may still see that.
//!
//! One invariant: changes are heard of the raid that the report belongs to now. It may have moved to another since it
//! was asked for; its old raid is told so, and then the new one is listened to.

use raidcast_store::EncounterRow;

use crate::access::{Asker, Listening, Until, Visible};
use crate::desk::Desk;
use crate::error::HttpError;
use crate::raid::{NOT_FOR_YOU, SHOWN_OTHERWISE, SHOWN_OTHERWISE_RETRY_MS};

/// A report, as its asker may see it.
pub struct Admission {
    desk: Desk,
    asker: Asker,
    report: Visible<EncounterRow>,
    changes: Listening,
}

impl Admission {
    /// Of a report that was read, and that its asker may see, since `changes` are listened to.
    pub fn new(desk: Desk, asker: Asker, report: Visible<EncounterRow>, changes: Listening) -> Self {
        Self { desk, asker, report, changes }
    }

    pub(super) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The report, as it was when that was last asked.
    pub(super) fn report(&self) -> &Visible<EncounterRow> {
        &self.report
    }

    /// Waits for a change that may concern who sees it. Safe to drop: nothing is lost.
    pub(super) async fn changed(&mut self) {
        tokio::select! {
            () = self.changes.changed(&self.report.raid_code) => {}
            () = Until::over(self.asker.until.as_ref()) => {}
            () = Until::over(self.report.link()) => {}
        }
    }

    /// Whether there was such a change, without waiting.
    pub(super) fn has_changed(&mut self) -> bool {
        Until::is_over(self.asker.until.as_ref())
            || Until::is_over(self.report.link())
            || self.changes.has_changed(&self.report.raid_code)
    }

    /// Asks again whether its asker may see it.
    ///
    /// # Errors
    /// He may not, or no longer as it was made for him: what he is told, and after how many ms he may come back.
    pub(super) async fn holds(&mut self) -> Result<(), (&'static str, Option<u32>)> {
        if Until::is_over(self.asker.until.as_ref()) {
            return Err((NOT_FOR_YOU, None));
        }
        match self.desk.door().still(&self.asker, &self.report).await {
            Ok(report) => self.report = report,
            Err(HttpError::Unavailable { .. }) => return Err((SHOWN_OTHERWISE, Some(SHOWN_OTHERWISE_RETRY_MS))),
            Err(_) => return Err((NOT_FOR_YOU, None)),
        }
        Ok(())
    }
}
