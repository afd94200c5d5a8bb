//! How a fight goes from one raid to another, which goes on with it.
//!
//! One invariant: of two raids that want a fight, the one that claimed it later waits for the other, never both.

use raidcast_shared::id::EncounterId;

use super::state::{Beginning, RaidTask, Releasing};
use crate::raid::encounter::LiveEncounter;

impl RaidTask {
    /// Something of a fight is sent that was left in another raid: it is fetched, and what was sent asked for again.
    /// False if it was not left there.
    pub(super) fn fetch(&mut self, h: u32, id: EncounterId) -> bool {
        let Some(uplink) = &mut self.uplink else { return false };
        let Some(left) = uplink.elsewhere.get_mut(&id) else { return false };
        if std::mem::replace(&mut left.fetching, true) {
            return true;
        }
        let beginning = Beginning { connection: uplink.connection, begin: left.begin.clone(), given: Some(h) };
        self.begin_now(beginning);
        true
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
    pub(super) fn release(&mut self) {
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
                self.around.directory.disown(held.row.key, &self.me);
                if !releasing.moves {
                    self.list(&held);
                }
                self.raid_changed();
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
