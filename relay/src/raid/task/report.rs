//! The life of a fight's report: kept as provisional or final, made live again, made of another reading.

use std::sync::Arc;

use futures::FutureExt;
use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::report::Report;
use raidcast_shared::uplink::{RefusedCode, RefusedScope, ReportState};
use raidcast_store::StoreError;

use super::state::{Chore, RaidTask};
use crate::finalize::{self, Keep};
use crate::raid::encounter::{Job, LiveEncounter};
use crate::raid::log::DeltaLog;
use crate::raid::restore::load_encounter;
use crate::retry::until_available;

impl RaidTask {
    /// Makes a report and keeps it, unless something else is done to the encounter.
    pub(super) fn keep(&mut self, id: EncounterId, state: ReportState) {
        let Some(encounter) = self.encounters.get_mut(&id).filter(|held| held.job.is_none()) else { return };
        let stream = encounter.main.stream;
        encounter.job = Some(Job::Keeping { seq: encounter.main.state.seq() });
        let kept_at_ms = encounter.came_ms(self.around.context.clock.now_ms());
        let keep = Keep { row: encounter.row.clone(), stream, revision: encounter.revision, state, kept_at_ms };
        let kept = finalize::keep(Arc::clone(&self.around.context), keep);
        let done = move |result| Chore::Kept { encounter: id, stream, result: Box::new(result), state };
        self.chores.push(kept.map(done).boxed());
    }

    pub(super) fn kept(
        &mut self,
        id: EncounterId,
        stream: StreamId,
        result: Result<Report, StoreError>,
        state: ReportState,
    ) {
        let context = Arc::clone(&self.around.context);
        let Some(encounter) = self.encounters.get_mut(&id) else {
            // It was thrown away meanwhile: its rows go next.
            self.job_done(id);
            return;
        };
        let job = encounter.job.take();
        let report = match result {
            Ok(report) => report,
            Err(error) => {
                encounter.set_aside = true;
                context.set_aside.report(&encounter.row.report_id, &error.to_string());
                // Whoever waits for its report is told that none comes.
                self.take_handles(id);
                self.refuse_set_aside(id);
                return;
            }
        };
        let now_ms = context.clock.now_ms();
        let came_ms = encounter.came_ms(now_ms);
        encounter.row.kept_at_ms = Some(came_ms.unwrap_or(now_ms));
        encounter.row.state = state;
        encounter.row.revision = encounter.revision;
        encounter.row.kept_stream = Some(stream);
        encounter.row.verified = report.verified;
        let seq = encounter.main.state.seq();
        if state == ReportState::Provisional && (encounter.main.is_ended() || job != Some(Job::Keeping { seq })) {
            // It went on while its report was kept.
            return;
        }
        if report.fight.checksum != encounter.checksum().to_string() && !encounter.main.failed {
            tracing::error!(
                report = encounter.row.report_id,
                "the stored log folds to another checksum than the live state"
            );
        }
        let mut gone = None;
        if state == ReportState::Final {
            // Its streams are gone with the journal: a reading that is still on its way begins anew.
            gone = encounter.drop_candidate();
            // Those who are behind have not seen it all.
            if encounter.row.delay.ms == 0 {
                encounter.main.deltas = DeltaLog::default();
            }
        }
        encounter.state = state;
        encounter.kept = Some(Arc::new(report));
        encounter.changes += 1;
        if let Some(h) = gone.and_then(|stream| self.handle_of(id, stream)) {
            let text = "a report was made of another reading of this fight meanwhile: send Begin again";
            self.refuse(RefusedCode::UnknownHandle, text, RefusedScope::Encounter, Some(h), Some(id));
        }
        self.fight_ended(id);
        self.send_finalized(id);
        if came_ms.is_some() {
            self.refresh_behind();
        }
    }

    /// It ended with less than is held: what is held stays, and the sender is told of its report.
    pub(super) fn let_candidate_go(&mut self, id: EncounterId) {
        let Some(encounter) = self.encounters.get_mut(&id) else { return };
        if encounter.candidate.as_ref().is_none_or(|held| held.under_way > 0) {
            return;
        }
        encounter.drop_candidate();
        self.send_finalized(id);
        self.go_on(id);
    }

    pub(super) fn drop_stream(&mut self, id: EncounterId, row: i64, stream: StreamId) {
        if self.job(id, Job::DroppingStream).is_none() {
            return;
        }
        let store = Arc::clone(&self.around.context.store);
        let dropped = async move {
            let dropped =
                until_available("could not remove a reading; trying again", || store.drop_stream(row, stream));
            Chore::StreamDropped { encounter: id, stream, result: dropped.await }
        };
        self.chores.push(dropped.boxed());
    }

    pub(super) fn write_reopened(&mut self, id: EncounterId) {
        let store = Arc::clone(&self.around.context.store);
        let Some(row) = self.job(id, Job::Reopening).map(|held| held.row.row) else { return };
        let reopened = async move {
            let reopened = until_available("could not reopen a report; trying again", || store.reopen_report(row));
            Chore::Reopened { encounter: id, result: reopened.await }
        };
        self.chores.push(reopened.boxed());
    }

    pub(super) fn reload(&mut self, id: EncounterId) {
        let context = Arc::clone(&self.around.context);
        let Some(row) = self.job(id, Job::Reloading).map(|held| held.row.row) else { return };
        let reloaded = async move {
            let loaded =
                until_available("could not read a fight again; trying again", || load_encounter(&context, row));
            Chore::Reloaded { encounter: id, result: Box::new(loaded.await) }
        };
        self.chores.push(reloaded.boxed());
    }

    /// A fight was read again, since the store held something else than was in memory.
    pub(super) fn reloaded(&mut self, id: EncounterId, result: Result<Option<LiveEncounter>, StoreError>) {
        let context = Arc::clone(&self.around.context);
        let Some(encounter) = self.encounters.get_mut(&id) else {
            self.job_done(id);
            return;
        };
        encounter.job = None;
        encounter.stale = false;
        match result {
            Ok(Some(again)) => {
                let policy = encounter.row.policy();
                *encounter = again;
                encounter.row.set_policy(policy);
            }
            Ok(None) => {
                self.encounters.remove(&id);
                self.around.directory.disown(self.key(id), &self.me);
            }
            Err(error) => {
                encounter.set_aside = true;
                context.set_aside.report(&encounter.row.report_id, &error.to_string());
            }
        }
        self.take_handles(id);
        if self.current == Some(id) {
            self.current = self.newest();
            self.new_epoch();
        }
    }
}
