//! A key store that gave no key: it asks its owner for a password each time it is asked, so it is not asked again by
//! itself for a while.
//!
//! One invariant: whoever does something asks it anew, and a key that stands in the file is read in any case.

use std::time::Duration;

use raidcast::keys::{KeysError, SystemError, SystemKeys};
use raidcast::settings::SettingsFault;
use tokio::time::Instant;

/// It is not asked again by itself for so long.
const ASKED: Duration = Duration::from_mins(15);

/// What is remembered of a store that gave no key.
#[derive(Debug, Default)]
pub(crate) struct Locked(Option<(SystemError, Instant)>);

impl Locked {
    /// Somebody does something: it is asked anew.
    pub(crate) fn forget(&mut self) {
        self.0 = None;
    }

    /// What it said, where it is not to be asked now.
    pub(crate) fn said(&self, now: Instant) -> Option<SystemError> {
        self.0.as_ref().filter(|(_, until)| now < *until).map(|(said, _)| said.clone())
    }

    /// Settings and keys were read, with what came of it. What was only remembered makes nothing longer.
    pub(crate) fn note<T>(&mut self, read: &Result<T, SettingsFault>, now: Instant) {
        match read {
            Err(SettingsFault::Keys { error: KeysError::System(said), .. }) => {
                if self.said(now).is_none() {
                    self.0 = Some((said.clone(), now + ASKED));
                }
            }
            _ => self.0 = None,
        }
    }
}

/// A store that says again what it said, and asks nobody.
pub(crate) struct SaysAgain(pub(crate) SystemError);

impl SystemKeys for SaysAgain {
    fn name(&self) -> &'static str {
        match self.0 {
            SystemError::Gone { store } | SystemError::Silent { store } | SystemError::Refused { store, .. } => store,
        }
    }

    fn get(&self, _: &str) -> Result<Option<String>, SystemError> {
        Err(self.0.clone())
    }

    fn set(&self, _: &str, _: &str) -> Result<(), SystemError> {
        Err(self.0.clone())
    }

    fn remove(&self, _: &str) -> Result<(), SystemError> {
        Err(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_that_gave_no_key_is_asked_again_after_a_while_or_when_somebody_acts() {
        let silent = || SystemError::Silent { store: "a store" };
        let locked_now = || -> Result<(), _> {
            Err(SettingsFault::Keys { file: "/keys.json".into(), error: KeysError::System(silent()) })
        };
        let now = Instant::now();
        let mut locked = Locked::default();
        assert_eq!(locked.said(now), None);
        locked.note(&locked_now(), now);
        let late = now + ASKED - Duration::from_secs(1);
        assert_eq!(locked.said(late), Some(silent()));
        // It was not asked, and is not for longer.
        locked.note(&locked_now(), late);
        assert_eq!(locked.said(now + ASKED), None);
        locked.note(&locked_now(), now + ASKED);
        assert_eq!(locked.said(now + ASKED), Some(silent()));
        locked.forget();
        assert_eq!(locked.said(now + ASKED), None);
        // Another fault is none of a store.
        locked.note(&locked_now(), now);
        locked.note::<()>(&Err(SettingsFault::NoKey), now);
        assert_eq!(locked.said(now), None);
        assert_eq!(SaysAgain(silent()).name(), "a store");
    }
}
