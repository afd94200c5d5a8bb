//! How far ahead of the relay's clock signatures were good, kept over a restart.
//!
//! One invariant: before a signature of a time to come is good, the disk has that it may have been; so no restart makes it
//! good again, however the relay ended. What is kept is one time for each account, set a little further than it must be:
//! who is always ahead costs a write once in a while, and waits as long after a start. Deliberately not here: signatures
//! of times that have come, which no start takes.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use raidcast_shared::codec;
use raidcast_store::AccountId;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::limits::{SIGNATURE_NOTED_S, SIGNATURE_WINDOW_S};
use crate::private::write_whole;

/// Bytes of the file, at the most: a million accounts.
const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Until when what is signed may have been good before, Unix s.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Marks {
    /// Of every account: where it was once not known of which.
    everybody_s: i64,
    /// Of those that signed ahead of the clock.
    accounts: Vec<(i64, i64)>,
}

impl Marks {
    fn until_s(&self, account: AccountId) -> i64 {
        let own = self.accounts.iter().find(|(id, _)| *id == account.0);
        own.map_or(self.everybody_s, |(_, until_s)| self.everybody_s.max(*until_s))
    }

    /// The same, with another of an account, and without those of the past.
    fn with(&self, account: AccountId, until_s: i64, now_s: i64) -> Self {
        // A clock may be set back by as much as it may be off.
        let counts = |(id, until_s): &&(i64, i64)| *id != account.0 && *until_s + SIGNATURE_WINDOW_S >= now_s;
        let mut accounts: Vec<_> = self.accounts.iter().filter(counts).copied().collect();
        accounts.push((account.0, until_s));
        Self { everybody_s: self.everybody_s, accounts }
    }

    /// Without what no signature is good for: it was kept by a clock that was wrong.
    fn within(self, most_s: i64) -> Self {
        let accounts = self.accounts.into_iter().map(|(id, until_s)| (id, until_s.min(most_s)));
        Self { everybody_s: self.everybody_s.min(most_s), accounts: accounts.collect() }
    }
}

/// See the module's page.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// As it was when the relay was started.
    at_start: Marks,
    kept: Option<Arc<Kept>>,
}

/// As the disk has it.
#[derive(Debug)]
struct Kept {
    file: PathBuf,
    marks: Mutex<Marks>,
}

impl Ahead {
    /// Goes on from what was kept. Where that cannot be read, every account may have signed as far ahead as may be.
    pub(super) fn recall(file: PathBuf, now_s: i64) -> Self {
        let unknown = |error: &dyn std::fmt::Display| {
            tracing::warn!(
                %error,
                "signed uploads are refused for {SIGNATURE_WINDOW_S} s: what was kept of signatures cannot be read"
            );
            Marks { everybody_s: now_s + SIGNATURE_WINDOW_S, accounts: Vec::new() }
        };
        let marks = match std::fs::read(&file) {
            Ok(kept) => codec::decode(&kept, FILE_BYTES_MAX).unwrap_or_else(|error| unknown(&error)),
            Err(error) if error.kind() == ErrorKind::NotFound => Marks::default(),
            Err(error) => unknown(&error),
        };
        let marks = marks.within(now_s + SIGNATURE_WINDOW_S + SIGNATURE_NOTED_S);
        let kept = Kept { file, marks: Mutex::new(marks.clone()) };
        Self { at_start: marks, kept: Some(Arc::new(kept)) }
    }

    /// Until when what an account signs may have been good before this start, Unix s.
    pub(super) fn until_s(&self, account: AccountId) -> i64 {
        self.at_start.until_s(account)
    }

    /// Keeps that a signature of this time is good now, where the time is to come.
    ///
    /// # Errors
    /// It cannot be written: then it must not be good.
    pub(super) async fn note(&self, account: AccountId, time_s: i64, now_s: i64) -> io::Result<()> {
        let Some(kept) = self.kept.as_ref().filter(|_| time_s > now_s) else { return Ok(()) };
        let kept = Arc::clone(kept);
        let noting = spawn_blocking(move || kept.note(account, time_s, now_s));
        noting.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

impl Kept {
    /// One write at a time: whoever waits for the lock finds what the one before it has written.
    fn note(&self, account: AccountId, time_s: i64, now_s: i64) -> io::Result<()> {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.until_s(account) >= time_s {
            return Ok(());
        }
        let next = marks.with(account, time_s + SIGNATURE_NOTED_S, now_s);
        write_whole(&self.file, &codec::encode(&next))?;
        *marks = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: i64 = 1_790_000_000;
    const ONE: AccountId = AccountId(1);

    #[tokio::test]
    async fn who_is_ahead_costs_a_write_once_in_a_while_and_what_is_over_is_kept_no_more() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("relay.signatures");
        let ahead = Ahead::recall(file.clone(), NOW_S);
        ahead.note(ONE, NOW_S, NOW_S).await.unwrap();
        assert!(!file.exists(), "who is not ahead costs none");
        ahead.note(ONE, NOW_S + 60, NOW_S).await.unwrap();
        std::fs::remove_file(&file).unwrap();
        ahead.note(ONE, NOW_S + 60 + SIGNATURE_NOTED_S, NOW_S).await.unwrap();
        assert!(!file.exists(), "it is noted already");
        let later_s = NOW_S + 1_000;
        ahead.note(AccountId(2), later_s + 60, later_s).await.unwrap();
        let again = Ahead::recall(file.clone(), later_s);
        assert_eq!(again.at_start.accounts, [(2, later_s + 60 + SIGNATURE_NOTED_S)]);
        // A clock that was wrong locks nobody out for longer than a signature is good.
        assert_eq!(Ahead::recall(file, NOW_S).until_s(AccountId(2)), NOW_S + SIGNATURE_WINDOW_S + SIGNATURE_NOTED_S);
        // What cannot be written is not good.
        drop(data);
        assert!(ahead.note(AccountId(3), later_s + 60, later_s).await.is_err());
        assert!(ahead.note(AccountId(3), later_s + 60, later_s).await.is_err());
    }

    #[test]
    fn of_what_cannot_be_read_every_account_may_have_signed_ahead() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("relay.signatures");
        std::fs::write(&file, b"no file of this").unwrap();
        let ahead = Ahead::recall(file, NOW_S);
        assert_eq!(ahead.until_s(ONE), NOW_S + SIGNATURE_WINDOW_S);
    }
}
