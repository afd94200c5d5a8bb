//! Who owns what: which task has a raid, and which raid an encounter.
//!
//! A seam: the owners are in this process today. Three invariants: at most one task has a raid, and at most one raid an
//! encounter; while a raid is closed no task has it; and claims of an encounter are numbered as they are made, so that of two who want it the later one waits.
//! Deliberately not here: how a raid is loaded, and how an encounter goes from one to the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::mapref::entry::Entry;
use dashmap::{DashMap, DashSet};
use raidcast_store::{AccountId, EncounterKey};

use super::command::{Claim, RaidHandle};

/// See the module's page.
#[derive(Debug)]
pub struct Directory {
    raids: DashMap<String, RaidHandle>,
    owners: DashMap<EncounterKey, (RaidHandle, Claim)>,
    claims: AtomicU64,
    /// Raids that are being erased.
    closed: DashSet<String>,
}

/// While it is held no task begins for a raid.
#[derive(Debug)]
pub struct Closed {
    directory: Arc<Directory>,
    code: String,
}

impl Drop for Closed {
    fn drop(&mut self) {
        self.directory.closed.remove(&self.code);
    }
}

impl Default for Directory {
    fn default() -> Self {
        Self { raids: DashMap::new(), owners: DashMap::new(), claims: AtomicU64::new(1), closed: DashSet::new() }
    }
}

impl Directory {
    /// Enters the task of a raid.
    ///
    /// # Errors
    /// The raid has one already: this.
    pub fn enter(&self, handle: &RaidHandle) -> Result<(), RaidHandle> {
        match self.raids.entry(handle.code.to_string()) {
            Entry::Occupied(held) => Err(held.get().clone()),
            Entry::Vacant(free) => {
                free.insert(handle.clone());
                Ok(())
            }
        }
    }

    /// Takes a raid's task out, before it ends.
    pub fn leave(&self, handle: &RaidHandle) {
        self.raids.remove_if(&*handle.code, |_, held| held.is(handle));
    }

    /// From now on no task begins for a raid. One that it has goes on: it is to be ended next. `None` if somebody else has
    /// closed it.
    pub fn close(self: &Arc<Self>, code: &str) -> Option<Closed> {
        let is_first = self.closed.insert(code.to_owned());
        is_first.then(|| Closed { directory: Arc::clone(self), code: code.to_owned() })
    }

    /// Whether no task may begin for a raid. Asked after a task was entered, so that it and who closes the raid never both
    /// miss each other.
    pub fn is_closed(&self, code: &str) -> bool {
        self.closed.contains(code)
    }

    /// The task of the raid with this code, if it has one now.
    pub fn raid(&self, code: &str) -> Option<RaidHandle> {
        self.raids.get(code).map(|held| held.value().clone())
    }

    /// How many raids have a task.
    pub fn raids(&self) -> usize {
        self.raids.len()
    }

    /// The tasks of all raids.
    pub fn all(&self) -> Vec<RaidHandle> {
        self.raids.iter().map(|held| held.value().clone()).collect()
    }

    /// The tasks of an account's raids.
    pub fn raids_of(&self, account: AccountId) -> Vec<RaidHandle> {
        let own = self.raids.iter().filter(|held| held.value().account == account);
        own.map(|held| held.value().clone()).collect()
    }

    /// The raid that owns an encounter now.
    pub fn owner(&self, key: EncounterKey) -> Option<RaidHandle> {
        self.owners.get(&key).map(|held| held.value().0.clone())
    }

    /// Makes `handle` the owner of an encounter; gives the claim, and the owner before it.
    pub fn claim(&self, key: EncounterKey, handle: &RaidHandle) -> (Claim, Option<RaidHandle>) {
        // Numbered under the entry's lock: the owner before has a lower one.
        match self.owners.entry(key) {
            Entry::Occupied(mut held) => {
                let claim = self.next_claim();
                let (before, _) = held.insert((handle.clone(), claim));
                (claim, Some(before).filter(|before| !before.is(handle)))
            }
            Entry::Vacant(free) => {
                let claim = self.next_claim();
                free.insert((handle.clone(), claim));
                (claim, None)
            }
        }
    }

    /// Makes `handle` the owner of an encounter that no other raid has; gives the claim, and the task that the same raid
    /// had before, if that has not let go of it yet. `None` if another raid has it.
    pub fn claim_free(&self, key: EncounterKey, handle: &RaidHandle) -> Option<(Claim, Option<RaidHandle>)> {
        match self.owners.entry(key) {
            Entry::Occupied(held) if held.get().0.code != handle.code => None,
            Entry::Occupied(mut held) => {
                let claim = self.next_claim();
                let (before, _) = held.insert((handle.clone(), claim));
                Some((claim, Some(before).filter(|before| !before.is(handle))))
            }
            Entry::Vacant(free) => {
                let claim = self.next_claim();
                free.insert((handle.clone(), claim));
                Some((claim, None))
            }
        }
    }

    fn next_claim(&self) -> Claim {
        Claim(self.claims.fetch_add(1, Ordering::Relaxed))
    }

    /// Gives an encounter up, unless another raid has claimed it.
    pub fn disown(&self, key: EncounterKey, handle: &RaidHandle) {
        self.owners.remove_if(&key, |_, (owner, _)| owner.is(handle));
    }
}
