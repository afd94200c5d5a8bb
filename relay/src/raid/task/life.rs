//! The life of an encounter in a raid's task: who has it, what is done to its rows, and what waits for that.
//!
//! One invariant: an encounter's id is in one place (open, opening, thrown away), and one job at a time is done to its
//! rows in the store; whatever comes meanwhile waits for it. So no answer can be of something that is no more. After
//! each thing that happens to an encounter [`RaidTask::go_on`] looks for what is to be done next.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::report::Report;
use raidcast_shared::uplink::{RefusedCode, RefusedScope, ReportState};
use raidcast_store::{EncounterKey, RaidRow, StoreError};
use tokio::sync::oneshot;

use super::{RaidTask, uplink};
use crate::finalize::{self, Keep, until_available};
use crate::raid::command::{RaidCommand, RaidHandle};
use crate::raid::encounter::{Job, LiveEncounter};
use crate::raid::registry::{Claim, RaidRegistry, load_encounter};
use crate::span::DeltaLog;

/// Work beside the pipeline that was done.
pub(super) enum Chore {
    Opened(Box<uplink::Opened>),
    Kept {
        encounter: EncounterId,
        stream: StreamId,
        result: Box<Result<Report, StoreError>>,
        state: ReportState,
    },
    StreamBegun {
        beginning: Box<uplink::Beginning>,
        result: Result<(), StoreError>,
    },
    StreamDropped {
        encounter: EncounterId,
        stream: StreamId,
        result: Result<(), StoreError>,
    },
    Reopened {
        encounter: EncounterId,
        result: Result<(), StoreError>,
    },
    Reloaded {
        encounter: EncounterId,
        result: Box<Result<Option<LiveEncounter>, StoreError>>,
    },
    /// A fight was read that the task is to hold from its beginning on.
    Loaded {
        encounter: EncounterId,
        report_id: String,
        result: Box<Result<Option<LiveEncounter>, StoreError>>,
    },
    Discarded {
        encounter: EncounterId,
        report_id: Option<String>,
        result: Result<(), StoreError>,
    },
    /// What the first that waits to attach wants of the raid is kept, or cannot be.
    Attached {
        kept: Box<RaidRow>,
        result: Result<(), StoreError>,
    },
    RowSaved(Result<(), StoreError>),
}

/// The claim of who wants an encounter, once it was made: its number, 0 until then.
#[derive(Clone, Debug, Default)]
pub(super) struct Claiming(Arc<AtomicU64>);

impl Claiming {
    /// Claims an encounter; gives what its owner before, if there is one, is to be asked.
    pub(super) fn claim(
        &self,
        registry: &RaidRegistry,
        key: EncounterKey,
        me: &RaidHandle,
    ) -> (Claim, Option<RaidHandle>) {
        let (claim, before) = registry.claim(key, me);
        self.0.store(claim.0, Ordering::Release);
        (claim, before)
    }

    /// Claims an encounter that no other raid has; gives the task that the same raid had before, if that has not let go
    /// of it, and the claim by which to ask it.
    pub(super) fn claim_free(
        &self,
        registry: &RaidRegistry,
        key: EncounterKey,
        me: &RaidHandle,
    ) -> Result<Option<(RaidHandle, Claim)>, Elsewhere> {
        let (claim, before) = registry.claim_free(key, me).ok_or(Elsewhere)?;
        self.0.store(claim.0, Ordering::Release);
        Ok(before.map(|before| (before, claim)))
    }

    /// Whether it was made before another one: then that one waits for it, and never the other way round.
    fn is_before(&self, other: Claim) -> bool {
        let own = self.0.load(Ordering::Acquire);
        own != 0 && own < other.0
    }
}

/// Another raid has the encounter.
pub(super) struct Elsewhere;

/// An encounter that is looked for, fetched from another raid, or made.
#[derive(Debug)]
pub(super) struct Opening {
    /// For whom.
    pub(super) connection: u64,
    pub(super) claiming: Claiming,
    /// It was thrown away meanwhile.
    pub(super) discard: bool,
}

/// An encounter that is thrown away: its rows go when nothing of it is under way.
pub(super) struct Discarding {
    /// As it was held, until all that is under way is answered.
    pub(super) held: Option<Box<LiveEncounter>>,
    /// Where it was not held here: it is claimed first.
    claiming: Option<Claiming>,
    started: bool,
}

/// An encounter that another raid goes on with.
pub(super) struct Releasing {
    pub(super) encounter: EncounterId,
    pub(super) claim: Claim,
    pub(super) moves: bool,
    pub(super) reply: oneshot::Sender<()>,
}

impl RaidTask {
    /// Does the next thing that is to be done to an encounter's rows, unless one is being done.
    pub(super) fn go_on(&mut self, id: EncounterId) {
        self.take_next(id);
        if let Some(held) = self.held_anywhere(id) {
            held.weigh();
        }
    }

    fn take_next(&mut self, id: EncounterId) {
        if self.discarding.contains_key(&id) {
            self.go_on_discarding(id);
            // Whoever claimed it before this raid did is not to wait for it.
            self.release();
            return;
        }
        self.promote(id);
        if let Some(encounter) = self.encounters.get_mut(&id)
            && encounter.job.is_none()
        {
            let (row, under_way) = (encounter.row.row, encounter.is_under_way());
            if let Some(stream) = encounter.to_drop() {
                self.drop_stream(id, row, stream);
            } else if encounter.stale && !under_way {
                self.reload(id);
            } else if encounter.is_to_be_kept() && encounter.main.under_way == 0 {
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

    fn job(&mut self, id: EncounterId, job: Job) -> Option<&mut LiveEncounter> {
        let encounter = self.encounters.get_mut(&id)?;
        debug_assert!(encounter.job.is_none(), "one job at a time");
        encounter.job = Some(job);
        Some(encounter)
    }

    /// Makes a report and keeps it, unless something else is done to the encounter.
    pub(super) fn keep(&mut self, id: EncounterId, state: ReportState) {
        let Some(encounter) = self.encounters.get_mut(&id).filter(|held| held.job.is_none()) else { return };
        let stream = encounter.main.stream;
        encounter.job = Some(Job::Keeping { seq: encounter.main.state.seq() });
        let keep = Keep { row: encounter.row.clone(), stream, revision: encounter.revision, state };
        let kept = finalize::keep(Arc::clone(&self.shared), keep);
        let done = move |result| Chore::Kept { encounter: id, stream, result: Box::new(result), state };
        self.chores.push(kept.map(done).boxed());
    }

    /// It ended with less than is held: what is held stays, and the sender is told of its report.
    fn let_candidate_go(&mut self, id: EncounterId) {
        let Some(encounter) = self.encounters.get_mut(&id) else { return };
        if encounter.candidate.as_ref().is_none_or(|held| held.under_way > 0) {
            return;
        }
        encounter.drop_candidate();
        self.send_finalized(id);
        self.go_on(id);
    }

    fn drop_stream(&mut self, id: EncounterId, row: i64, stream: StreamId) {
        if self.job(id, Job::DroppingStream).is_none() {
            return;
        }
        let store = Arc::clone(&self.shared.store);
        let dropped = async move {
            let dropped =
                until_available("could not remove a reading; trying again", || store.drop_stream(row, stream));
            Chore::StreamDropped { encounter: id, stream, result: dropped.await }
        };
        self.chores.push(dropped.boxed());
    }

    fn write_reopened(&mut self, id: EncounterId) {
        let store = Arc::clone(&self.shared.store);
        let Some(row) = self.job(id, Job::Reopening).map(|held| held.row.row) else { return };
        let reopened = async move {
            let reopened = until_available("could not reopen a report; trying again", || store.reopen_report(row));
            Chore::Reopened { encounter: id, result: reopened.await }
        };
        self.chores.push(reopened.boxed());
    }

    fn reload(&mut self, id: EncounterId) {
        let shared = Arc::clone(&self.shared);
        let Some(row) = self.job(id, Job::Reloading).map(|held| held.row.row) else { return };
        let reloaded = async move {
            let loaded = until_available("could not read a fight again; trying again", || load_encounter(&shared, row));
            Chore::Reloaded { encounter: id, result: Box::new(loaded.await) }
        };
        self.chores.push(reloaded.boxed());
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
            Chore::Loaded { encounter, report_id, result } => {
                self.loaded(encounter, &report_id, *result);
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

    /// An encounter that is open, or thrown away and not yet let go of.
    pub(super) fn held_anywhere(&mut self, id: EncounterId) -> Option<&mut LiveEncounter> {
        let thrown_away = self.discarding.get_mut(&id).and_then(|discarding| discarding.held.as_deref_mut());
        thrown_away.or_else(|| self.encounters.get_mut(&id))
    }

    fn log_failed(&self, what: &str, result: Result<(), StoreError>) {
        if let Err(error) = result {
            tracing::warn!(raid = self.row.code, %error, "{what}");
        }
    }

    fn kept(&mut self, id: EncounterId, stream: StreamId, result: Result<Report, StoreError>, state: ReportState) {
        let shared = Arc::clone(&self.shared);
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
                shared.set_aside(&encounter.row.report_id, &error.to_string());
                // Whoever waits for its report is told that none comes.
                self.take_handles(id);
                self.refuse_set_aside(id);
                return;
            }
        };
        encounter.row.state = state;
        encounter.row.revision = encounter.revision;
        encounter.row.kept_stream = Some(stream);
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
            encounter.main.deltas = DeltaLog::default();
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
    }

    /// A fight was read again, since the store held something else than was in memory.
    fn reloaded(&mut self, id: EncounterId, result: Result<Option<LiveEncounter>, StoreError>) {
        let shared = Arc::clone(&self.shared);
        let Some(encounter) = self.encounters.get_mut(&id) else {
            self.job_done(id);
            return;
        };
        encounter.job = None;
        encounter.stale = false;
        match result {
            Ok(Some(again)) => {
                let (visibility, tickets) = (encounter.row.visibility, encounter.row.tickets);
                *encounter = again;
                (encounter.row.visibility, encounter.row.tickets) = (visibility, tickets);
            }
            Ok(None) => {
                self.encounters.remove(&id);
                self.registry.disown(self.key(id), &self.me);
            }
            Err(error) => {
                encounter.set_aside = true;
                shared.set_aside(&encounter.row.report_id, &error.to_string());
            }
        }
        self.take_handles(id);
        if self.current == Some(id) {
            self.current = self.newest();
            self.new_epoch();
        }
    }

    /// Lets fights go that are in the journal and do not go on, while memory is short: whoever sends more of one begins it
    /// again, and its report is served from the store. The one that is shown stays while anybody speaks or watches, and
    /// `but` stays too.
    pub(super) fn forget_idle(&mut self, but: Option<EncounterId>) {
        let needed = self.current.filter(|_| self.uplink.is_some() || !self.room.is_empty());
        let is_idle = |id: &EncounterId, held: &LiveEncounter| {
            held.state != ReportState::Live
                && held.candidate.is_none()
                && !held.is_busy()
                && needed != Some(*id)
                && but != Some(*id)
        };
        let idle: Vec<_> = self.encounters.iter().filter(|(id, held)| is_idle(id, held)).map(|(id, _)| *id).collect();
        for id in idle {
            if self.is_leaving(id) || self.waiting.contains_key(&id) {
                continue;
            }
            let Some(held) = self.encounters.remove(&id) else { continue };
            self.registry.disown(held.row.key, &self.me);
            self.take_handles(id);
            self.list(&held);
            if self.current == Some(id) {
                self.current = None;
                self.new_epoch();
            }
        }
    }

    /// Whoever sends more of a fight has to begin it again.
    pub(super) fn take_handles(&mut self, id: EncounterId) {
        if let Some(uplink) = &mut self.uplink {
            uplink.handles.take(|(encounter, _)| *encounter == id);
        }
    }

    /// The user threw a fight away.
    pub(super) fn discard(&mut self, id: EncounterId) {
        self.waiting.remove(&id);
        if let Some(opening) = self.opening.get_mut(&id) {
            opening.discard = true;
            return;
        }
        let held = self.encounters.remove(&id);
        self.throw_away(id, held);
    }

    pub(super) fn throw_away(&mut self, id: EncounterId, held: Option<LiveEncounter>) {
        if self.discarding.contains_key(&id) {
            return;
        }
        self.take_handles(id);
        if let Some(uplink) = &mut self.uplink {
            uplink.elsewhere.remove(&id);
        }
        let claiming = held.is_none().then(Claiming::default);
        self.discarding.insert(id, Discarding { held: held.map(Box::new), claiming, started: false });
        if self.current == Some(id) {
            self.current = self.newest();
            self.new_epoch();
        } else {
            self.raid_changed();
        }
        self.go_on(id);
    }

    fn go_on_discarding(&mut self, id: EncounterId) {
        let Some(discarding) = self.discarding.get_mut(&id) else { return };
        let at_work = discarding.held.as_ref().is_some_and(|held| held.job.is_some() || held.is_under_way());
        if discarding.started || at_work {
            return;
        }
        discarding.started = true;
        discarding.held = None;
        let (claiming, me, code) = (discarding.claiming.clone(), self.me.clone(), self.row.code.clone());
        let (registry, key) = (Arc::clone(&self.registry), self.key(id));
        let thrown_away = async move {
            if let Some((claim, Some(before))) = claiming.map(|claiming| claiming.claim(&registry, key, &me)) {
                // A task that has ended meanwhile has let go of it too.
                let _ = before.ask(|reply| RaidCommand::Release { encounter: id, claim, moves: true, reply }).await;
            }
            let store = &registry.shared.store;
            let row = until_available("could not look a fight up; trying again", || store.encounter(key.account, id));
            let row = row.await.ok().flatten();
            // Where the rest of its row is damaged, its report goes all the same.
            let report_id = if let Some(row) = &row {
                Some(row.report_id.clone())
            } else {
                let named = || store.report_of(key.account, id);
                until_available("could not look a report up; trying again", named).await.ok().flatten()
            };
            let discarded =
                until_available("could not throw a fight away; trying again", || store.discard(key.account, id));
            let result = discarded.await.map(drop);
            let elsewhere = row.as_ref().filter(|row| row.raid_code != code);
            if let Some((raid, row)) = elsewhere.and_then(|row| Some((registry.loaded(&row.raid_code)?, row))) {
                raid.offer(RaidCommand::Gone { report_id: row.report_id.clone() });
            }
            Chore::Discarded { encounter: id, report_id, result }
        };
        self.chores.push(thrown_away.boxed());
    }

    fn discarded(&mut self, id: EncounterId, report_id: Option<&str>, result: Result<(), StoreError>) {
        self.log_failed("could not throw a fight away", result);
        self.discarding.remove(&id);
        self.registry.disown(self.key(id), &self.me);
        if let Some(report_id) = report_id {
            self.earlier.retain(|line| line.report_id != report_id);
            self.shared.set_aside.remove(report_id);
        }
        self.raid_changed();
    }

    /// Whether another raid has asked for an encounter that is still here.
    pub(super) fn is_leaving(&self, id: EncounterId) -> bool {
        self.discarding.contains_key(&id) || self.releasing.iter().any(|releasing| releasing.encounter == id)
    }

    pub(super) fn asked_to_release(&mut self, releasing: Releasing) {
        let id = releasing.encounter;
        // What comes of it from now on is the other raid's.
        self.take_handles(id);
        self.releasing.push(releasing);
        self.go_on(id);
    }

    /// Lets encounters go that other raids asked for, once nothing of them is under way.
    fn release(&mut self) {
        let mut waiting = Vec::new();
        for releasing in std::mem::take(&mut self.releasing) {
            let id = releasing.encounter;
            let opens_first = self.opening.get(&id).is_some_and(|held| held.claiming.is_before(releasing.claim));
            let goes_first = self
                .discarding
                .get(&id)
                .is_some_and(|held| held.claiming.as_ref().is_none_or(|claiming| claiming.is_before(releasing.claim)));
            if opens_first || goes_first || self.encounters.get(&id).is_some_and(LiveEncounter::is_busy) {
                waiting.push(releasing);
                continue;
            }
            if let Some(held) = self.encounters.remove(&id) {
                self.registry.disown(held.row.key, &self.me);
                if !releasing.moves {
                    self.list(&held);
                }
            }
            self.take_handles(id);
            if self.current == Some(id) {
                self.current = self.newest();
                self.new_epoch();
            }
            let _ = releasing.reply.send(());
        }
        self.releasing = waiting;
    }
}
