//! How a fight is thrown away: its rows go when nothing of it is under way.

use std::sync::Arc;

use futures::FutureExt;
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::{RefusedCode, RefusedScope, ReportState};
use raidcast_store::StoreError;

use super::state::{Chore, Claiming, Discarding, RaidTask};
use crate::limits::DISCARD_MS;
use crate::raid::command::RaidCommand;
use crate::raid::encounter::LiveEncounter;
use crate::retry::until_available;

impl RaidTask {
    /// The uploader throws a fight away. With a key that does not manage only what he sends now: no report goes for good by a
    /// key that is for sending.
    pub(super) fn throws_away(&mut self, id: EncounterId) {
        if self.uplink.as_ref().is_some_and(|uplink| uplink.manages) || self.is_sent_now(id) {
            self.discard(id);
            return;
        }
        let text = "this fight stays: its report is final, or it came more than a day ago. Delete it on the relay's page \
                    /account, or with a key that has the scope manage";
        self.refuse(RefusedCode::NotSupported, text, RefusedScope::Encounter, None, Some(id));
    }

    /// Whether a fight is in this raid's hands, came lately, and has no final report.
    fn is_sent_now(&self, id: EncounterId) -> bool {
        let now_ms = self.around.context.clock.now_ms();
        let lately = |came_ms: i64| now_ms.abs_diff(came_ms) < DISCARD_MS.unsigned_abs();
        let held = self.encounters.get(&id);
        held.is_some_and(|held| held.state != ReportState::Final && lately(held.row.created_at_ms))
    }

    /// A fight is thrown away, whoever wants that.
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

    pub(super) fn go_on_discarding(&mut self, id: EncounterId) {
        let Some(discarding) = self.discarding.get_mut(&id) else { return };
        let at_work = discarding.held.as_ref().is_some_and(|held| held.job.is_some() || held.is_under_way());
        if discarding.started || at_work {
            return;
        }
        discarding.started = true;
        discarding.held = None;
        let (claiming, me, code) = (discarding.claiming.clone(), self.me.clone(), self.row.code.clone());
        let (around, key) = (self.around.clone(), self.key(id));
        let thrown_away = async move {
            if let Some((claim, Some(before))) = claiming.map(|claiming| claiming.claim(&around.directory, key, &me)) {
                // A task that has ended meanwhile has let go of it too.
                let _ = before.ask(|reply| RaidCommand::Release { encounter: id, claim, moves: true, reply }).await;
            }
            let store = &around.context.store;
            let row = until_available("could not look a fight up; trying again", || store.encounter(key.account, id));
            let row = row.await.ok().flatten();
            // Where the rest of its row is damaged, its report goes all the same.
            let report_id = if let Some(row) = &row {
                Some(row.report_id.clone())
            } else {
                let named = || store.report_of(key.account, id);
                until_available("could not look a report up; trying again", named).await.ok().flatten()
            };
            // Its raid may have no fight any more: its channel may show another one from now on.
            let discarded = until_available("could not throw a fight away; trying again", || {
                let store = Arc::clone(store);
                around.channels.write(key.account, async move { store.discard(key.account, id).await })
            });
            let result = discarded.await.map(drop);
            let elsewhere = row.as_ref().filter(|row| row.raid_code != code);
            if let Some((raid, row)) = elsewhere.and_then(|row| Some((around.directory.raid(&row.raid_code)?, row))) {
                raid.offer(RaidCommand::Gone { report_id: row.report_id.clone() });
            }
            Chore::Discarded { encounter: id, report_id, result }
        };
        self.chores.push(thrown_away.boxed());
    }

    pub(super) fn discarded(&mut self, id: EncounterId, report_id: Option<&str>, result: Result<(), StoreError>) {
        self.log_failed("could not throw a fight away", result);
        self.discarding.remove(&id);
        self.around.directory.disown(self.key(id), &self.me);
        if let Some(report_id) = report_id {
            self.earlier.retain(|held| held.line.report_id != report_id);
            self.around.context.set_aside.forget(report_id);
        }
        self.stages.refresh_all();
    }
}
