//! What a raid's task does where one of its fights, or all of it, is erased.
//!
//! One invariant: who streams an erased fight is told once, and it is not taken again while the task runs. The rows are
//! removed by who erases (`relay/src/erase.rs`), as a guest that no task has the fight beside. Deliberately not here: what a
//! client does that begins the fight after the task has ended; it is a new one then.

use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::{RAID_DELETED, Refused, RefusedCode, RefusedScope, UplinkReply};

use super::state::{RaidTask, STORE_RETRY_MS};
use crate::fanout::Whom;

/// So many erased fights a task remembers: as many as somebody deletes by hand while he streams.
const ERASED_MAX: usize = 256;
/// What its uploader is told.
const ERASED: &str = "this fight was deleted by its owner: it is not taken again";
/// What spectators are told.
const RAID_ERASED: &str = "this raid was deleted by its owner";

impl RaidTask {
    /// A fight is about to be erased.
    pub(super) fn erasing(&mut self, id: EncounterId) {
        if self.erased.len() == ERASED_MAX {
            self.erased.pop_front();
        }
        self.erased.push_back(id);
        let is_streamed = self.is_streamed(id) || self.waiting.contains_key(&id) || self.opening.contains_key(&id);
        self.waiting.remove(&id);
        self.take_handles(id);
        if let Some(opening) = self.opening.get_mut(&id) {
            opening.discard = true;
        }
        // Numbers of its players may go with it: those who come again are asked for again.
        self.stages.iter_mut().for_each(|stage| stage.numbered.clear());
        if is_streamed {
            self.refuse_erased(id);
        }
    }

    /// Whether a fight was erased; who begins it is told.
    pub(super) fn is_erased(&mut self, id: EncounterId) -> bool {
        let is_erased = self.erased.contains(&id);
        if is_erased {
            self.refuse_erased(id);
        }
        is_erased
    }

    fn refuse_erased(&mut self, id: EncounterId) {
        self.refuse(RefusedCode::NotSupported, ERASED, RefusedScope::Encounter, None, Some(id));
    }

    /// The raid is about to be erased.
    pub(super) fn close(&mut self) {
        self.closing = true;
        // It has no code of its own: clients of before come again by this one, and show the text.
        self.reply(UplinkReply::Refused(Refused {
            code: RefusedCode::Other,
            text: RAID_DELETED.to_owned(),
            scope: RefusedScope::Connection,
            retry_ms: Some(STORE_RETRY_MS),
            h: None,
            enc: None,
        }));
        // Who waits to be let in is let go with the task.
        self.joining.clear();
        self.wanted.clear();
        self.around.channels.erased(self.row.account, &self.row.code);
        self.stages.dismiss_all(Whom::Everybody, RAID_ERASED, None);
    }
}
