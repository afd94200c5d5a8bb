//! The life of an encounter in a raid's task: what is done to its rows, and what waits for that.
//!
//! One invariant: one job at a time is done to an encounter's rows in the store; whatever comes meanwhile waits for it.
//! So no answer can be of something that is no more. After each thing that happens to an encounter
//! [`RaidTask::go_on`] looks for what is to be done next.

use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::ReportState;
use raidcast_store::StoreError;

use super::state::{Chore, RaidTask};
use crate::raid::encounter::{Job, LiveEncounter};

impl RaidTask {
    /// Does the next thing that is to be done to an encounter's rows, unless one is being done.
    pub(super) fn go_on(&mut self, id: EncounterId) {
        self.take_next(id);
        if let Some(held) = self.held_anywhere(id) {
            held.weigh();
        }
    }

    pub(super) fn take_next(&mut self, id: EncounterId) {
        if self.discarding.contains_key(&id) {
            self.go_on_discarding(id);
            // Whoever claimed it before this raid did is not to wait for it.
            self.release();
            return;
        }
        self.promote(id);
        let now_ms = self.around.context.clock.now_ms();
        if let Some(encounter) = self.encounters.get_mut(&id)
            && encounter.job.is_none()
        {
            let (row, under_way) = (encounter.row.row, encounter.is_under_way());
            if let Some(stream) = encounter.to_drop() {
                self.drop_stream(id, row, stream);
            } else if encounter.stale && !under_way {
                self.reload(id);
            } else if encounter.is_to_be_kept() && encounter.main.under_way == 0 && !encounter.would_take_away(now_ms) {
                self.keep(id, ReportState::Final);
            } else if encounter.candidate.as_ref().is_some_and(|held| held.ending.is_some()) {
                self.let_candidate_go(id);
            } else if encounter.state == ReportState::Live && encounter.row.state == ReportState::Provisional {
                self.write_reopened(id);
            }
        }
        self.release();
        let is_free = !self.is_leaving(id) && !self.opening.contains_key(&id);
        if is_free && let Some(beginning) = self.waiting.remove(&id) {
            self.begin_now(beginning);
        }
    }

    pub(super) fn job(&mut self, id: EncounterId, job: Job) -> Option<&mut LiveEncounter> {
        let encounter = self.encounters.get_mut(&id)?;
        debug_assert!(encounter.job.is_none(), "one job at a time");
        encounter.job = Some(job);
        Some(encounter)
    }

    pub(super) fn chore_done(&mut self, chore: Chore) {
        let id = match chore {
            Chore::Opened(opened) => self.opened(*opened),
            Chore::Kept { encounter, stream, result, state } => {
                self.kept(encounter, stream, *result, state);
                encounter
            }
            Chore::StreamBegun { beginning, result } => self.stream_begun(&beginning, result),
            Chore::StreamDropped { encounter, stream, result } => {
                self.log_failed("could not remove a reading that gave way", result);
                if let Some(held) = self.job_done(encounter) {
                    held.given_up.retain(|given_up| !given_up.is(stream));
                }
                encounter
            }
            Chore::Reopened { encounter, result } => {
                let reopened = result.is_ok();
                self.log_failed("could not make a report live again", result);
                if let Some(held) = self.job_done(encounter) {
                    // What the store does not allow is not asked again.
                    held.row.state = ReportState::Live;
                    held.stale |= !reopened;
                }
                encounter
            }
            Chore::Reloaded { encounter, result } => {
                self.reloaded(encounter, *result);
                encounter
            }
            Chore::Loaded { encounter, result } => {
                self.loaded(encounter, *result);
                encounter
            }
            Chore::Discarded { encounter, report_id, result } => {
                self.discarded(encounter, report_id.as_deref(), result);
                encounter
            }
            Chore::Attached { kept, result } => {
                self.attached(&kept, result);
                return;
            }
            Chore::Numbered { of, names, players, result } => {
                self.numbered((of, names), players, result);
                return;
            }
            Chore::RowSaved(result) => {
                self.log_failed("could not write a change of a raid", result);
                return;
            }
        };
        self.go_on(id);
    }

    /// The encounter whose job is done, wherever it is now.
    pub(super) fn job_done(&mut self, id: EncounterId) -> Option<&mut LiveEncounter> {
        let held = self.held_anywhere(id)?;
        held.job = None;
        Some(held)
    }

    pub(super) fn log_failed(&self, what: &str, result: Result<(), StoreError>) {
        if let Err(error) = result {
            tracing::warn!(raid = self.row.code, %error, "{what}");
        }
    }
}
