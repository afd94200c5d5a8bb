//! What is heard of the run, by two tasks of one thread: who follows the meter says it, and the model's task shows it.
//!
//! The lock is for a look and never kept across an await. It is no queue, because whoever tells must not wait, and a
//! queue that is full would lose something.

use std::sync::{Mutex, MutexGuard, PoisonError};

use raidcast::uploader::Change;
use tokio::sync::Notify;

use crate::news::{Began, Ended};
use crate::state::State;

/// So many begins and ends are kept until somebody takes them; of more the first are left out.
const TOLD_MAX: usize = 16;

/// What is heard of the run.
#[derive(Default)]
pub(crate) struct Hearing {
    held: Mutex<Held>,
    news: Notify,
}

#[derive(Default)]
struct Held {
    state: State,
    told: Told,
}

/// What is to be told at once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Raids that are live.
    pub(crate) began: Vec<Began>,
    /// Fights that are over.
    pub(crate) ended: Vec<Ended>,
    /// The list of fights differs.
    pub(crate) fights: bool,
}

impl Hearing {
    fn held(&self) -> MutexGuard<'_, Held> {
        // What a panic may leave is a state that lacks a change.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a change of the run.
    pub(crate) fn hear(&self, change: &Change, now_ms: i64) {
        let mut held = self.held();
        let news = held.state.hear(change, now_ms);
        let told = &mut held.told;
        told.began.extend(news.began);
        told.ended.extend(news.ended);
        told.fights |= news.fights;
        let beyond = |len: usize| len.saturating_sub(TOLD_MAX);
        told.began.drain(..beyond(told.began.len()));
        told.ended.drain(..beyond(told.ended.len()));
        drop(held);
        self.news.notify_one();
    }

    /// Something happened that is shown, and is no change of this run; `fights`: the list of them differs.
    pub(crate) fn nudge(&self, fights: bool) {
        self.held().told.fights |= fights;
        self.news.notify_one();
    }

    /// Looks at the state, or says something to it.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.held().state)
    }

    /// What is to be told, once.
    pub(crate) fn take(&self) -> Told {
        std::mem::take(&mut self.held().told)
    }

    /// Waits until something was heard since this was awaited last.
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use raidcast::uploader::ShownTo;
    use raidcast_shared::uplink::Outcome;

    use super::*;

    #[test]
    fn what_is_to_be_told_is_told_once_and_never_without_bound() {
        let hearing = Hearing::default();
        for n in 0..50 {
            let (url, channel_url, shown_to) = ("u".into(), "c".into(), ShownTo::default());
            let connected = Change::Connected { raid: n.to_string(), url, channel_url, shown_to };
            hearing.hear(&connected, 0);
            let begun = Change::Begun {
                encounter: n.to_string(),
                report_id: "r".into(),
                url: "u".into(),
                started_at_ms: 0,
                scene: None,
                title: None,
                live: true,
            };
            hearing.hear(&begun, 0);
            let ended = Change::Ended {
                encounter: n.to_string(),
                outcome: Outcome::Wipe,
                events: 1,
                title: None,
                elapsed_ms: 1,
            };
            hearing.hear(&ended, 0);
        }
        let told = hearing.take();
        assert_eq!((told.began.len(), told.ended.len(), told.fights), (TOLD_MAX, TOLD_MAX, true));
        assert_eq!(told.began.last().map(|began| began.raid.as_str()), Some("49"));
        assert_eq!(hearing.take(), Told::default());
        assert!(hearing.with(|state| state.links().is_some()));
    }
}
