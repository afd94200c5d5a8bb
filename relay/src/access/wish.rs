//! Players who want to be shown otherwise than their raids show them, as far as they have said so: in memory, for each name
//! that is shown asks.
//!
//! One invariant: what is heeded is what the store said after it was last told to change. Whoever shows something for longer
//! than an answer compares [`Heeded::version`] before he shows more.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use raidcast_shared::id::ActorId;
use raidcast_shared::uplink::NamesPolicy;
use raidcast_store::{Store, StoreError, Wishes};

/// What is heeded at one time.
#[derive(Debug, Default)]
pub struct Heeded {
    /// Another number whenever somebody is shown otherwise.
    pub version: u64,
    /// The one with which the set of those changed last who are hidden.
    pub hidden_since: u64,
    /// The same of those who agreed.
    pub agreed_since: u64,
    /// Shown by name to nobody.
    pub hidden: HashSet<ActorId>,
    /// Of all others: shown by name where only those are who agreed.
    pub agreed: HashSet<ActorId>,
    /// Claimed by a code that may still come.
    pub claimed: HashSet<ActorId>,
}

impl Heeded {
    /// Which wishes count where names are shown so; to members all are.
    pub(super) fn counts(&self, names: NamesPolicy) -> Counts {
        match names {
            NamesPolicy::Full => Counts::Hidden(self.hidden_since),
            NamesPolicy::Class => Counts::None,
            NamesPolicy::Hidden => Counts::Agreed(self.agreed_since),
        }
    }
}

/// Which wishes count for what somebody is shown, and since when these are so: of others nothing is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// None: all are hidden from him.
    None,
    /// Who is hidden.
    Hidden(u64),
    /// Who agreed: none of these is hidden.
    Agreed(u64),
}

/// See the module's page.
pub(super) struct Heed {
    now: RwLock<Arc<Heeded>>,
    version: AtomicU64,
    /// Held by who reads them: what was read later is not replaced by what was read before.
    reading: tokio::sync::Mutex<()>,
}

impl Heed {
    /// Nobody has wished for anything yet.
    pub(super) fn new() -> Self {
        Self { now: RwLock::default(), version: AtomicU64::new(0), reading: tokio::sync::Mutex::default() }
    }

    pub(super) fn now(&self) -> Arc<Heeded> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Takes what the store has; whether somebody is shown otherwise by it.
    pub(super) async fn read(&self, store: &dyn Store, now_ms: i64) -> Result<bool, StoreError> {
        let _one = self.reading.lock().await;
        let Wishes { hidden, agreed, claimed } = store.wishes(now_ms).await?;
        let before = self.now();
        let mut next = Heeded {
            version: before.version,
            hidden_since: before.hidden_since,
            agreed_since: before.agreed_since,
            hidden: hidden.into_iter().collect(),
            agreed: agreed.into_iter().collect(),
            claimed: claimed.into_iter().collect(),
        };
        let (hidden, agreed) = (next.hidden != before.hidden, next.agreed != before.agreed);
        let differs = hidden || agreed;
        next.version += u64::from(differs);
        if hidden {
            next.hidden_since = next.version;
        }
        if agreed {
            next.agreed_since = next.version;
        }
        let version = next.version;
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        self.version.store(version, Ordering::Release);
        Ok(differs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_of_one_wish_is_not_made_anew_for_another() {
        let heeded = Heeded { version: 7, hidden_since: 3, agreed_since: 7, ..Heeded::default() };
        assert_eq!(heeded.counts(NamesPolicy::Full), Counts::Hidden(3));
        assert_eq!(heeded.counts(NamesPolicy::Hidden), Counts::Agreed(7));
        assert_eq!(heeded.counts(NamesPolicy::Class), Counts::None);
        // Numbers of the one are none of the other.
        let same = Heeded { version: 7, hidden_since: 7, agreed_since: 7, ..Heeded::default() };
        assert_ne!(same.counts(NamesPolicy::Full), same.counts(NamesPolicy::Hidden));
    }
}
