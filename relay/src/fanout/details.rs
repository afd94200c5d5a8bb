//! Skill rows of players that somebody watches: whose are made, and when.
//!
//! Made are rows that somebody waits for who takes what is sent, where they changed, of so many players a step.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use raidcast_shared::feed::FeedFrame;

use super::SpectatorId;
use super::format::Format;
use super::lane::{Lane, Pace};
use crate::limits::DETAILS_A_STEP_MAX;

/// Whose skill rows a spectator wants, and whether it takes what it is sent: who does not gets none.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) keys: Vec<String>,
    stalled: AtomicBool,
}

impl Watch {
    /// Whether what its spectator was sent waits.
    pub(super) fn set_stalled(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Relaxed);
    }
}

/// Skill rows of a watched player, ready to be written.
#[derive(Clone, Debug)]
pub(super) struct DetailBytes {
    pub(super) bytes: Bytes,
    /// With this very step.
    pub(super) changed: bool,
}

/// Of a view's watched players, by key.
pub(super) type DetailsByKey = Arc<HashMap<String, DetailBytes>>;

/// Who watches whom, as long as the spectator is there.
struct Watcher {
    id: SpectatorId,
    pace: Pace,
    watch: Weak<Watch>,
}

/// Skill rows of a player at one view.
struct Detail {
    frame: FeedFrame,
    bytes: [Option<Bytes>; Format::ALL.len()],
    changed: bool,
    /// The player's rows may have changed since it was made.
    stale: bool,
    /// When it was made: counts up.
    made: u64,
}

/// All that is watched in a room.
#[derive(Default)]
pub(super) struct Details {
    watchers: Vec<Watcher>,
    views: [HashMap<String, Detail>; Pace::ALL.len()],
    steps: u64,
    made: u64,
    encodes: u64,
}

impl Details {
    /// A spectator wants rows of these players from now on.
    pub(super) fn watch(&mut self, id: SpectatorId, pace: Pace, keys: Vec<String>) -> Arc<Watch> {
        let watch = Arc::new(Watch { keys, stalled: AtomicBool::new(false) });
        self.watchers.retain(|watcher| watcher.id != id);
        self.watchers.push(Watcher { id, pace, watch: Arc::downgrade(&watch) });
        watch
    }

    /// It sees another view from now on.
    pub(super) fn pace(&mut self, id: SpectatorId, pace: Pace) {
        for watcher in self.watchers.iter_mut().filter(|watcher| watcher.id == id) {
            watcher.pace = pace;
        }
    }

    /// Whose rows are to be made now for a view, of the players that there are: of at most [`DETAILS_A_STEP_MAX`], those
    /// made longest ago first.
    pub(super) fn due<'a>(
        &mut self,
        pace: Pace,
        players: impl Iterator<Item = &'a str>,
        touched: &[String],
    ) -> Vec<&'a str> {
        self.watchers.retain(|watcher| watcher.watch.strong_count() > 0);
        let of = self.watchers.iter().filter(|watcher| watcher.pace == pace);
        let watches: Vec<_> = of.filter_map(|watcher| watcher.watch.upgrade()).collect();
        let details = &mut self.views[pace.index()];
        if watches.is_empty() {
            details.clear();
            return Vec::new();
        }
        // Whether anybody who watches a player waits for its rows. What is no player is nobody's.
        let mut waits: HashMap<&str, bool> = HashMap::new();
        let players: HashSet<&'a str> = players.collect();
        for watch in &watches {
            for key in watch.keys.iter().filter(|key| players.contains(key.as_str())) {
                *waits.entry(key).or_default() |= !watch.stalled.load(Ordering::Relaxed);
            }
        }
        details.retain(|key, _| waits.contains_key(key.as_str()));
        for key in touched {
            if let Some(held) = details.get_mut(key) {
                held.stale = true;
            }
        }
        let due = players.into_iter().filter(|key| waits.get(key).copied().unwrap_or_default());
        let made = |key: &str| details.get(key).map_or(Some(0), |held| held.stale.then_some(held.made));
        let mut due: Vec<_> = due.filter_map(|key| Some((made(key)?, key))).collect();
        due.sort_unstable();
        due.truncate(DETAILS_A_STEP_MAX);
        self.made += due.len() as u64;
        due.into_iter().map(|(_, key)| key).collect()
    }

    /// Takes those that were due at a view; whether any detail of it says something new.
    pub(super) fn take(&mut self, pace: Pace, details: Vec<(String, FeedFrame)>) -> bool {
        self.steps += u64::from(!details.is_empty());
        let (made, view) = (self.steps, &mut self.views[pace.index()]);
        for (key, frame) in details {
            if let Some(held) = view.get_mut(&key).filter(|held| same_rows(&held.frame, &frame)) {
                (held.stale, held.made) = (false, made);
            } else {
                view.insert(key, Detail { frame, bytes: Default::default(), changed: true, stale: false, made });
            }
        }
        view.values().any(|held| held.changed)
    }

    /// Those of a lane, encoded. Where it takes no step nothing counts as changed.
    pub(super) fn encoded(&mut self, lane: Lane, steps: bool) -> DetailsByKey {
        let view = &mut self.views[lane.pace.index()];
        if view.is_empty() || lane.format.is_whole() {
            return DetailsByKey::default();
        }
        let ready = view.iter_mut().map(|(key, held)| {
            let bytes = held.bytes[lane.format.index()].get_or_insert_with(|| {
                self.encodes += 1;
                lane.format.encode(&held.frame)
            });
            (key.clone(), DetailBytes { bytes: bytes.clone(), changed: held.changed && steps })
        });
        Arc::new(ready.collect())
    }

    /// What changed at a view was sent.
    pub(super) fn was_sent(&mut self, pace: Pace) {
        self.views[pace.index()].values_mut().for_each(|held| held.changed = false);
    }

    /// Positions begin anew.
    pub(super) fn begin_epoch(&mut self) {
        self.views.iter_mut().for_each(HashMap::clear);
    }

    /// Rows of one player made since the beginning.
    pub(super) fn made(&self) -> u64 {
        self.made
    }

    /// How often some were encoded.
    pub(super) fn encodes(&self) -> u64 {
        self.encodes
    }
}

/// Whether two details say the same; their positions differ with every tick.
fn same_rows(a: &FeedFrame, b: &FeedFrame) -> bool {
    matches!((a, b), (FeedFrame::Detail(a), FeedFrame::Detail(b)) if (&a.report_id, &a.skills) == (&b.report_id, &b.skills))
}
