//! Programs that are paired (device authorization, RFC 8628): a program asks for a code, somebody who is signed in types it
//! into a page, and the program gets a key of his.
//!
//! One invariant: a code is good for one key, for ten minutes, and for nobody who guesses. They stand in memory alone: who
//! asked before a restart asks again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use raidcast_shared::id::hex;
use raidcast_store::{AccountId, PersonId, SessionId};

use super::provider::oldest_of_most;
use super::{Scopes, digest};
use crate::clock::Entropy;
use crate::edge::Address;
use crate::limits::{PAIRINGS_MAX, PAIRINGS_PER_ADDRESS};

/// A code is good for so long, ms.
pub(super) const LASTS_MS: i64 = 10 * 60 * 1_000;
/// A program asks every so many seconds whether it was let in.
pub(super) const INTERVAL_S: u32 = 5;
/// And so many more, for good, each time that it asks sooner.
const SLOWER_S: u32 = 5;
/// Letters of a code for people: none is a vowel, so none is a word.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters of a code.
const CODE_CHARS: usize = 8;

/// What a program asks for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// What it calls itself, and where it runs.
    pub(super) name: String,
    /// What its key is to do.
    pub(super) scopes: Scopes,
    /// Where it asks from.
    pub(super) address: Address,
    /// When, Unix ms.
    pub(super) asked_at_ms: i64,
}

enum State {
    Waiting,
    Denied,
    Approved(Approval),
}

/// Who let a program in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Approval {
    pub(super) person: PersonId,
    /// The session by which he did: nothing comes of it when that has ended.
    pub(super) session: SessionId,
    /// For which account.
    pub(super) account: AccountId,
}

struct Pairing {
    code: String,
    wish: Wish,
    interval_s: u32,
    /// When it asked last whether it was let in, Unix ms.
    polled_at_ms: Option<i64>,
    state: State,
}

/// What a program is told that asks whether it was let in.
#[derive(Debug)]
pub(super) enum Polled {
    /// Nobody has decided.
    Pending,
    /// Nobody has decided, and it asks too often.
    SlowDown,
    /// No.
    Denied,
    /// There is no such code, or its time is over.
    Expired,
    /// Yes. It is told until the program has [its key](Pairings::done).
    Approved(Wish, Approval),
}

/// See the module's page.
pub(super) struct Pairings {
    /// By the digest of the program's own code.
    open: Mutex<HashMap<[u8; 32], Pairing>>,
    entropy: Entropy,
}

impl Pairings {
    pub(super) fn new(entropy: Entropy) -> Self {
        Self { open: Mutex::default(), entropy }
    }

    fn open(&self, now_ms: i64) -> MutexGuard<'_, HashMap<[u8; 32], Pairing>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a clock that was set back, too, none is good for ever.
        open.retain(|_, pairing| now_ms.abs_diff(pairing.wish.asked_at_ms) < LASTS_MS.unsigned_abs());
        open
    }

    /// The program's own code, and the one for people; `None` if as many of its address are open as may be. Where as many of
    /// all are, one goes of whoever has the most.
    pub(super) fn begin(&self, wish: Wish) -> Option<(String, String)> {
        let mut open = self.open(wish.asked_at_ms);
        let of_address = open.values().filter(|pairing| pairing.wish.address == wish.address).count();
        if of_address >= PAIRINGS_PER_ADDRESS {
            return None;
        }
        if open.len() >= PAIRINGS_MAX {
            let age = |wish: &Wish| wish.asked_at_ms.cast_unsigned();
            let all = open.iter().map(|(key, pairing)| (*key, pairing.wish.address, age(&pairing.wish)));
            let oldest = oldest_of_most(all)?;
            open.remove(&oldest);
        }
        let own = hex(&self.entropy.bytes::<32>());
        let code = loop {
            let code = self.code();
            if open.values().all(|pairing| pairing.code != code) {
                break code;
            }
        };
        let (interval_s, polled_at_ms, state) = (INTERVAL_S, None, State::Waiting);
        open.insert(digest(own.as_bytes()), Pairing { code: code.clone(), wish, interval_s, polled_at_ms, state });
        Some((own, code))
    }

    fn code(&self) -> String {
        // Bytes beyond the last multiple of 20 would make some letters more likely.
        let mut code = String::new();
        while code.len() < CODE_CHARS {
            let random: [u8; 16] = self.entropy.bytes();
            let letters =
                random.iter().filter(|byte| **byte < 240).map(|byte| char::from(LETTERS[usize::from(byte % 20)]));
            code.extend(letters.take(CODE_CHARS - code.len()));
        }
        code
    }

    /// What becomes of a program's code.
    pub(super) fn poll(&self, own: &str, now_ms: i64) -> Polled {
        let mut open = self.open(now_ms);
        let key = digest(own.as_bytes());
        let Some(pairing) = open.get_mut(&key) else { return Polled::Expired };
        match pairing.state {
            State::Waiting => {
                let next_ms = pairing.polled_at_ms.map(|at_ms| at_ms + i64::from(pairing.interval_s) * 1_000);
                pairing.polled_at_ms = Some(now_ms);
                // A moment early is no hurry: clocks and lines are not exact.
                if next_ms.is_some_and(|next_ms| now_ms < next_ms - 500) {
                    pairing.interval_s = pairing.interval_s.saturating_add(SLOWER_S);
                    return Polled::SlowDown;
                }
                Polled::Pending
            }
            State::Denied => {
                open.remove(&key);
                Polled::Denied
            }
            State::Approved(approval) => Polled::Approved(pairing.wish.clone(), approval),
        }
    }

    /// A program has its key: its code is good for nothing more.
    pub(super) fn done(&self, own: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest(own.as_bytes()));
    }

    /// Removes codes whose time is over.
    pub(super) fn sweep(&self, now_ms: i64) {
        drop(self.open(now_ms));
    }

    /// Programs that were let in by sessions that have ended are not.
    pub(super) fn forget(&self, has_ended: impl Fn(PersonId, SessionId) -> bool) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for pairing in open.values_mut() {
            if let State::Approved(Approval { person, session, .. }) = pairing.state
                && has_ended(person, session)
            {
                pairing.state = State::Denied;
            }
        }
    }

    /// Who waits with this code, as people type it.
    pub(super) fn waiting(&self, typed: &str, now_ms: i64) -> Option<Wish> {
        let code = plain(typed);
        let open = self.open(now_ms);
        let mut waiting = open.values().filter(|pairing| matches!(pairing.state, State::Waiting));
        waiting.find(|pairing| pairing.code == code).map(|pairing| pairing.wish.clone())
    }

    /// Lets the program with this code in, or not; false if none waits with it.
    pub(super) fn decide(&self, typed: &str, approved: Option<Approval>, now_ms: i64) -> bool {
        let code = plain(typed);
        let mut open = self.open(now_ms);
        let mut waiting = open.values_mut().filter(|pairing| matches!(pairing.state, State::Waiting));
        let Some(pairing) = waiting.find(|pairing| pairing.code == code) else { return false };
        pairing.state = approved.map_or(State::Denied, State::Approved);
        true
    }
}

/// A code as it was made: people type small letters, and dashes or spaces.
fn plain(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_alphanumeric).take(CODE_CHARS + 1).map(|c| c.to_ascii_uppercase()).collect()
}

/// A code as people read it.
pub(super) fn shown(code: &str) -> String {
    let (begin, end) = code.split_at_checked(CODE_CHARS / 2).unwrap_or((code, ""));
    format!("{begin}-{end}")
}

#[cfg(test)]
mod tests {
    use super::super::Scope;
    use super::*;

    fn wish(number: u8, asked_at_ms: i64) -> Wish {
        let address = Address::of([192, 0, 2, number].into());
        Wish { name: "raidcast on pc".into(), scopes: [Scope::Upload].into_iter().collect(), address, asked_at_ms }
    }

    fn approval() -> Approval {
        Approval { person: PersonId(1), session: SessionId(3), account: AccountId(2) }
    }

    #[test]
    fn a_code_is_good_once_and_for_ten_minutes() {
        let pairings = Pairings::new(Entropy::system());
        let (own, code) = pairings.begin(wish(1, 0)).unwrap();
        assert!(code.len() == 8 && code.bytes().all(|byte| LETTERS.contains(&byte)), "{code}");
        assert!(matches!(pairings.poll(&own, 1_000), Polled::Pending));
        assert!(matches!(pairings.poll("another", 1_000), Polled::Expired));
        let typed = format!(" {}-{} ", &code[..4].to_lowercase(), &code[4..]);
        assert_eq!(pairings.waiting(&typed, 1_000).map(|wish| wish.name).as_deref(), Some("raidcast on pc"));
        assert!(!pairings.decide("BBBBBBBB", None, 1_000) || code == "BBBBBBBB");
        assert!(!pairings.decide(&format!("{code}B"), None, 1_000));
        assert!(pairings.decide(&typed, Some(approval()), 1_000));
        // It is decided: nobody decides again, or sees who waits.
        assert!(!pairings.decide(&code, None, 1_000) && pairings.waiting(&code, 1_000).is_none());
        for at_ms in [9_000, 15_000] {
            assert!(matches!(pairings.poll(&own, at_ms), Polled::Approved(_, by) if by == approval()));
        }
        pairings.done(&own);
        assert!(matches!(pairings.poll(&own, 15_000), Polled::Expired));
        // Whose session ends lets nobody in.
        let (own, code) = pairings.begin(wish(1, 0)).unwrap();
        assert!(pairings.decide(&code, Some(approval()), 1_000));
        pairings.forget(|_, session| session == SessionId(4));
        assert!(matches!(pairings.poll(&own, 2_000), Polled::Approved(..)));
        pairings.forget(|person, _| person == PersonId(1));
        assert!(matches!(pairings.poll(&own, 2_000), Polled::Denied));

        let (own, code) = pairings.begin(wish(1, 0)).unwrap();
        assert!(pairings.decide(&code, None, LASTS_MS - 1));
        assert!(matches!(pairings.poll(&own, LASTS_MS), Polled::Expired));
        let (own, code) = pairings.begin(wish(1, 0)).unwrap();
        assert!(!pairings.decide(&code, Some(approval()), LASTS_MS));
        assert!(matches!(pairings.poll(&own, LASTS_MS), Polled::Expired));
    }

    #[test]
    fn who_asks_too_often_is_slowed_for_good() {
        let pairings = Pairings::new(Entropy::system());
        let (own, _) = pairings.begin(wish(1, 0)).unwrap();
        let told = |at_ms| matches!(pairings.poll(&own, at_ms), Polled::Pending);
        assert!(told(0) && told(5_000) && !told(6_000));
        // Ten seconds from now on.
        assert!(!told(11_000) && told(30_000) && told(46_000));
    }

    #[test]
    fn an_address_and_all_together_have_so_many_open() {
        let pairings = Pairings::new(Entropy::system());
        for _ in 0..PAIRINGS_PER_ADDRESS {
            assert!(pairings.begin(wish(1, 0)).is_some());
        }
        assert!(pairings.begin(wish(1, 0)).is_none() && pairings.begin(wish(2, 0)).is_some());
        assert!(pairings.begin(wish(1, LASTS_MS)).is_some());
    }

    #[test]
    fn who_fills_it_keeps_nobody_out() {
        let pairings = Pairings::new(Entropy::system());
        let (own, _) = pairings.begin(wish(1, 0)).unwrap();
        for at in 0..2 * PAIRINGS_MAX as u128 {
            let address = Address::of(std::net::IpAddr::V6((0x2001_0db8_u128 << 96 | at << 64).into()));
            assert!(pairings.begin(Wish { address, ..wish(9, 1) }).is_some());
        }
        assert_eq!(pairings.open(2).len(), PAIRINGS_MAX);
        let (late, _) = pairings.begin(wish(2, 2)).unwrap();
        assert!(
            matches!(pairings.poll(&own, 3), Polled::Pending) && matches!(pairings.poll(&late, 3), Polled::Pending)
        );
        // Nor does a clock that is set back make a code good for longer.
        assert!(matches!(pairings.poll(&own, -LASTS_MS), Polled::Expired));
    }
}
