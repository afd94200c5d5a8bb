//! How far an upload of old fights has come: which are done with, and which of them the relay lacks.

use std::collections::HashSet;

use raidcast_shared::id::EncounterId;

/// How far an upload has come; all empty while a meter is followed.
#[derive(Default)]
pub(super) struct Upload {
    /// Fights that are done with, whatever became of them.
    done: HashSet<EncounterId>,
    /// Those of them that are not on the relay.
    failed: u64,
    /// The list was compared with the meter's database.
    planned: bool,
}

impl Upload {
    /// Whether a fight is done with.
    pub(super) fn is_done(&self, encounter: EncounterId) -> bool {
        self.done.contains(&encounter)
    }

    /// A fight is done with.
    pub(super) fn done(&mut self, encounter: EncounterId) {
        self.done.insert(encounter);
    }

    /// A fight that is done with is not on the relay.
    pub(super) fn failed(&mut self) {
        self.failed += 1;
    }

    /// Fights are done with, and not on the relay.
    pub(super) fn left(&mut self, encounters: impl ExactSizeIterator<Item = EncounterId>) {
        self.failed += encounters.len() as u64;
        self.done.extend(encounters);
    }

    /// Fights that are not on the relay.
    pub(super) fn failures(&self) -> u64 {
        self.failed
    }

    /// The list was compared with the meter's database.
    pub(super) fn plan(&mut self) {
        self.planned = true;
    }

    /// Whether it was.
    pub(super) fn is_planned(&self) -> bool {
        self.planned
    }
}
