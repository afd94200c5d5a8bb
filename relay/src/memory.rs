//! What open fights may hold of the relay's memory: a share for each fight, counted as it grows and given back when it
//! is let go of.
//!
//! One invariant: nothing is taken into a fight whose key, or whose relay, holds as much as it may. So all open fights
//! together hold at most [`EdgeLimits::memory`], and beyond it one delta of each thread, or one fight that is just read. What is held is estimated from
//! counts ([`EncounterState::weight`](raidcast_shared::fold::EncounterState::weight)), above what it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use raidcast_store::AccountId;

use crate::limits::EdgeLimits;

/// As much as may be is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// By the fights of this key.
    Key,
    /// By those of all keys.
    Relay,
}

/// What open fights hold, bytes.
#[derive(Debug, Default)]
struct InUse {
    whole: u64,
    /// An entry for each account that has open fights.
    keys: HashMap<AccountId, u64>,
}

/// See the module's page.
#[derive(Debug)]
pub struct Memory {
    per_key: u64,
    whole: u64,
    in_use: Mutex<InUse>,
}

impl Memory {
    /// Nothing is held yet.
    pub fn new(limits: &EdgeLimits) -> Self {
        Self { per_key: limits.memory_per_key, whole: limits.memory, in_use: Mutex::default() }
    }

    /// No code that holds it can panic.
    fn in_use(&self) -> MutexGuard<'_, InUse> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything more may be taken into fights of a key.
    ///
    /// # Errors
    /// Who holds too much.
    pub fn room(&self, account: AccountId) -> Result<(), Full> {
        self.below(account, self.per_key, self.whole)
    }

    /// Whether more than three quarters of what there may be are held: what nobody needs now is to go.
    pub fn is_tight(&self, account: AccountId) -> bool {
        self.below(account, self.per_key / 4 * 3, self.whole / 4 * 3).is_err()
    }

    fn below(&self, account: AccountId, per_key: u64, whole: u64) -> Result<(), Full> {
        let in_use = self.in_use();
        match () {
            () if in_use.keys.get(&account).copied().unwrap_or_default() >= per_key => Err(Full::Key),
            () if in_use.whole >= whole => Err(Full::Relay),
            () => Ok(()),
        }
    }

    /// What all open fights hold, bytes.
    pub fn bytes(&self) -> u64 {
        self.in_use().whole
    }

    /// The share of one fight, which holds nothing yet.
    pub fn share(self: &Arc<Self>, account: AccountId) -> Share {
        Share { memory: Arc::clone(self), account, bytes: 0 }
    }
}

/// What one open fight holds, until it is dropped.
#[derive(Debug)]
pub struct Share {
    memory: Arc<Memory>,
    account: AccountId,
    bytes: u64,
}

impl Share {
    /// It holds so much now.
    pub fn set(&mut self, bytes: u64) {
        if bytes == self.bytes {
            return;
        }
        let mut in_use = self.memory.in_use();
        in_use.whole = in_use.whole - self.bytes + bytes;
        let key = in_use.keys.entry(self.account).or_default();
        *key = *key - self.bytes + bytes;
        if *key == 0 {
            in_use.keys.remove(&self.account);
        }
        self.bytes = bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_counts_for_its_key_and_the_relay_until_it_is_let_go_of() {
        let limits = EdgeLimits { memory_per_key: 100, memory: 150, ..EdgeLimits::default() };
        let (memory, one, other) = (Arc::new(Memory::new(&limits)), AccountId(1), AccountId(2));
        let (mut a, mut b, mut c) = (memory.share(one), memory.share(one), memory.share(other));
        a.set(60);
        b.set(14);
        assert_eq!((memory.room(one), memory.is_tight(one)), (Ok(()), false));
        b.set(15);
        assert_eq!((memory.room(one), memory.is_tight(one), memory.is_tight(other)), (Ok(()), true, false));
        b.set(40);
        assert_eq!((memory.room(one), memory.room(other)), (Err(Full::Key), Ok(())));
        c.set(50);
        assert_eq!((memory.room(other), memory.bytes()), (Err(Full::Relay), 150));
        drop(a);
        assert_eq!((memory.room(one), memory.room(other), memory.bytes()), (Ok(()), Ok(()), 90));
        drop((b, c));
        assert_eq!((memory.bytes(), memory.in_use().keys.len()), (0, 0));
    }
}
