//! What a raid's task reads when it begins: its row at once, and its fights beside all that it is asked meanwhile.
//!
//! One invariant: a fight that is being read is `opening`, so whoever begins it, throws it away or asks for it waits for
//! that, and nobody else does. Only spectators who would have nothing to see wait, too.

use std::sync::Arc;

use futures::FutureExt;
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::ReportState;
use raidcast_store::{EncounterKey, ReportLine, StoreError};

use super::state::{Chore, Claiming, Opening, RaidTask};
use crate::context::Context;
use crate::raid::command::RaidCommand;
use crate::raid::encounter::LiveEncounter;
use crate::raid::restore::{Unread, find_row, load_row};
use crate::retry::until_available;

/// No connection: the task itself asked.
const NOBODY: u64 = 0;

impl RaidTask {
    /// Reads the raid's row again: whoever changes it from now on tells this task.
    ///
    /// # Errors
    /// The store does not answer, or the raid is gone or damaged: the task cannot begin.
    pub(super) async fn read_row(&mut self) -> Result<(), StoreError> {
        let row = self.around.context.store.raid_by_code(&self.row.code).await?;
        self.be(row.ok_or_else(|| StoreError::Damaged(format!("raid {} is gone", self.row.code)))?);
        Ok(())
    }

    /// Begins to read what the task is to hold: the raid's live fights, and the last one, which spectators see between
    /// two, unless memory is short: whoever only looks takes none from those who fight. Those that another raid owns stay
    /// there.
    pub(super) fn read_fights(&mut self, lines: &[ReportLine]) {
        let is_short = self.around.context.memory.is_tight(self.row.account);
        let is_wanted = |at: usize, line: &ReportLine| (at == 0 && !is_short) || line.state == ReportState::Live;
        let wanted = lines.iter().enumerate().filter(|(at, line)| is_wanted(*at, line));
        for (_, line) in wanted {
            self.read_fight(line.encounter);
        }
    }

    /// Goes on with a fight that another raid asked for and could not take.
    pub(super) fn take_back(&mut self, id: EncounterId) {
        // Who begins it or throws it away now does so by itself.
        if !self.known().contains(&id) {
            self.read_fight(id);
        }
    }

    fn read_fight(&mut self, id: EncounterId) {
        let (claiming, key) = (Claiming::default(), self.key(id));
        let Some((claim, before)) = claiming.claim_free(&self.around.directory, key, &self.me) else { return };
        self.opening.insert(id, Opening { connection: NOBODY, claiming, discard: false });
        self.loading.insert(id);
        let context = Arc::clone(&self.around.context);
        let loading = async move {
            if let Some(before) = before {
                // The task that the raid had before is about to end: what is under way there is stored first.
                let _ = before.ask(|reply| RaidCommand::Release { encounter: id, claim, moves: false, reply }).await;
            }
            let read = until_available("could not read a fight; trying again", || read_fight(&context, key));
            Chore::Loaded { encounter: id, result: Box::new(read.await) }
        };
        self.chores.push(loading.boxed());
    }

    /// A fight was read, or cannot be.
    pub(super) fn loaded(&mut self, id: EncounterId, result: Result<Option<LiveEncounter>, StoreError>) {
        self.loading.remove(&id);
        let Some(opening) = self.opening.remove(&id) else { return };
        let held = result.unwrap_or_else(|error| {
            tracing::error!(raid = self.row.code, %error, "could not read a fight");
            None
        });
        // Another raid may have taken it meanwhile.
        let held = held.filter(|held| held.row.raid_code == self.row.code);
        if opening.discard {
            self.throw_away(id, held);
            return;
        }
        let Some(mut encounter) = held else {
            self.around.directory.disown(self.key(id), &self.me);
            if self.current.is_none() && !self.has_nothing_yet() {
                self.new_epoch();
            }
            return;
        };
        // Who may see the raid may have changed while it was read.
        encounter.row.set_policy(self.row.policy());
        self.earlier.retain(|held| held.line.report_id != encounter.row.report_id);
        self.encounters.insert(id, encounter);
        let shown = self.current.and_then(|id| self.encounters.get(&id));
        if shown.is_none_or(|shown| shown.state != ReportState::Live) {
            self.current = self.newest();
            self.new_epoch();
        } else {
            self.raid_changed();
        }
    }

    /// Whether a spectator would see nothing now, and soon will.
    pub(super) fn has_nothing_yet(&self) -> bool {
        self.current.is_none() && !self.loading.is_empty()
    }

    /// Takes in who waited, once there is something to see or nothing will come.
    pub(super) fn let_in(&mut self) {
        if self.joining.is_empty() || self.has_nothing_yet() {
            return;
        }
        for join in std::mem::take(&mut self.joining) {
            self.join(join);
        }
    }
}

/// An encounter as the store has it, unless it is gone; one that cannot be read is set aside.
async fn read_fight(context: &Context, key: EncounterKey) -> Result<Option<LiveEncounter>, StoreError> {
    let read = async {
        match find_row(context.store.as_ref(), key).await? {
            Some(row) => load_row(context, &row).await,
            None => Ok(None),
        }
    };
    read.await.or_else(|unread: Unread| unread.set_aside(context))
}
