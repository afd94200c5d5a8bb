//! A part of a room's spectators, and all that is done to them: by the room in place, or by a task.
//!
//! A shard needs nothing but ready bytes. What it lets its room know stands in its [`Standing`].

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::time::Instant;

use super::SpectatorId;
use super::beat::Beat;
use super::details::Watch;
use super::lane::{LANES, Lane, Pace};
use super::sink::{Gone, Patience};
use super::spectator::{Goodbye, Spectator, Whom};
use crate::metrics::{Given, Metrics};

/// Something that is done to spectators beside their beats.
pub(super) enum Command {
    /// It belongs to the shard from now on; it counts as present already.
    Join(Box<Spectator>),
    Leave(SpectatorId),
    /// Bytes that may be lost.
    Answer(SpectatorId, Bytes),
    /// Its keyframe comes next.
    Anew(SpectatorId),
    Pace(SpectatorId, Pace),
    Watch(SpectatorId, Arc<Watch>),
    Dismiss(SpectatorId, Goodbye),
    DismissAll(Whom, Goodbye),
    /// Ping who is due one, and let those go that are not there any more.
    Sweep,
}

/// Who of a lane needs a keyframe: the first events that they lack, from the least to the greatest number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lacking {
    least: u64,
    most: u64,
}

impl Lacking {
    pub(super) const NOBODY: Self = Self { least: u64::MAX, most: 0 };
    /// Somebody who has all events.
    pub(super) const NO_EVENTS: Self = Self { least: u64::MAX, most: u64::MAX };

    pub(super) fn and(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }

    /// Whether anybody lacks an event before this one.
    pub(super) fn any_before(self, event: u64) -> bool {
        self.least < event
    }

    /// Whether anybody lacks none before this one.
    pub(super) fn any_from(self, event: u64) -> bool {
        self.most >= event
    }
}

/// What a shard lets its room know. Counts, so nothing hangs on which of them is seen first.
pub(super) struct Standing {
    present: [AtomicUsize; LANES],
    least: [AtomicU64; LANES],
    most: [AtomicU64; LANES],
    writes: AtomicU64,
    waiting: AtomicUsize,
}

impl Standing {
    fn new() -> Self {
        Self {
            present: Default::default(),
            least: [const { AtomicU64::new(Lacking::NOBODY.least) }; LANES],
            most: [const { AtomicU64::new(Lacking::NOBODY.most) }; LANES],
            writes: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Spectators of a lane.
    pub(super) fn present(&self, lane: Lane) -> usize {
        self.present[lane.index()].load(Ordering::Relaxed)
    }

    pub(super) fn len(&self) -> usize {
        self.present.iter().map(|present| present.load(Ordering::Relaxed)).sum()
    }

    /// Who needs a keyframe of a lane.
    pub(super) fn lacking(&self, lane: Lane) -> Lacking {
        let at = lane.index();
        Lacking { least: self.least[at].load(Ordering::Relaxed), most: self.most[at].load(Ordering::Relaxed) }
    }

    /// Writes begun since the beginning.
    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Bytes that waited after the newest beat for spectators which do not take them.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) fn joins(&self, lane: Lane) {
        self.present[lane.index()].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn leaves(&self, lane: Lane) {
        self.present[lane.index()].fetch_sub(1, Ordering::Relaxed);
    }

    fn set_lacking(&self, at: usize, lacking: Lacking) {
        self.least[at].store(lacking.least, Ordering::Relaxed);
        self.most[at].store(lacking.most, Ordering::Relaxed);
    }
}

/// What is found of spectators while they are given a beat.
struct Found {
    lacking: [Lacking; LANES],
    waiting: usize,
}

/// Spectators of one owner.
pub(super) struct Shard {
    spectators: Vec<Spectator>,
    /// Where each of them stands.
    places: HashMap<SpectatorId, usize>,
    /// The newest beat; the first so many have not been given it yet.
    beat: Arc<Beat>,
    to_give: usize,
    found: Found,
    /// With this beat.
    given: Given,
    patience: Patience,
    metrics: Arc<Metrics>,
    standing: Arc<Standing>,
}

impl Shard {
    pub(super) fn new(patience: Patience, metrics: Arc<Metrics>) -> Self {
        Self {
            spectators: Vec::new(),
            places: HashMap::new(),
            beat: Arc::default(),
            to_give: 0,
            found: Found { lacking: [Lacking::NOBODY; LANES], waiting: 0 },
            given: Given::default(),
            patience,
            metrics,
            standing: Arc::new(Standing::new()),
        }
    }

    pub(super) fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.standing)
    }

    /// Takes a beat, to be given to all by [`Shard::give`]; nothing else is done before that.
    pub(super) fn take(&mut self, beat: Arc<Beat>) {
        self.beat = beat;
        self.to_give = self.spectators.len();
        self.found = Found { lacking: [Lacking::NOBODY; LANES], waiting: 0 };
    }

    /// Gives the beat to at most so many more, one write each; true when all have been given it.
    pub(super) fn give(&mut self, most: usize) -> bool {
        let now = Instant::now();
        let until = self.to_give.saturating_sub(most);
        // From the back: who takes the place of one that goes was given it already.
        for at in (until..self.to_give).rev() {
            let spectator = &mut self.spectators[at];
            if spectator.take(&self.beat, &self.patience, now, &mut self.given) == Err(Gone) {
                self.remove_at(at);
                continue;
            }
            self.found.waiting += spectator.sink.waiting();
            if let Some(event) = spectator.lacks(&self.beat) {
                let lacking = &mut self.found.lacking[spectator.lane.index()];
                *lacking = lacking.and(Lacking { least: event, most: event });
            }
        }
        self.to_give = until;
        if until > 0 {
            return false;
        }
        for (at, lacking) in self.found.lacking.into_iter().enumerate() {
            self.standing.set_lacking(at, lacking);
        }
        let given = std::mem::take(&mut self.given);
        self.standing.writes.fetch_add(given.writes, Ordering::Relaxed);
        self.metrics.gave(given);
        self.standing.waiting.store(self.found.waiting, Ordering::Relaxed);
        true
    }

    pub(super) fn apply(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Join(spectator) => {
                self.places.insert(spectator.id, self.spectators.len());
                self.spectators.push(*spectator);
                self.note(self.spectators.len() - 1);
            }
            Command::Leave(id) => drop(self.remove(id)),
            Command::Answer(id, bytes) => {
                if let Some(&at) = self.places.get(&id)
                    && self.spectators[at].answer(&bytes, now) == Err(Gone)
                {
                    self.remove_at(at);
                }
            }
            Command::Anew(id) => {
                if let Some(&at) = self.places.get(&id) {
                    self.spectators[at].anew();
                    self.note(at);
                }
            }
            Command::Pace(id, pace) => {
                if let Some(&at) = self.places.get(&id) {
                    let spectator = &mut self.spectators[at];
                    self.standing.leaves(spectator.lane);
                    spectator.pace(pace);
                    self.standing.joins(spectator.lane);
                    self.note(at);
                }
            }
            Command::Watch(id, watch) => {
                if let Some(&at) = self.places.get(&id) {
                    self.spectators[at].watch(watch);
                }
            }
            Command::Dismiss(id, bye) => {
                if let Some(spectator) = self.remove(id) {
                    spectator.dismiss(&bye, now);
                }
            }
            Command::DismissAll(whom, bye) => {
                for at in (0..self.spectators.len()).rev() {
                    if whom.includes(&self.spectators[at]) {
                        self.remove_at(at).dismiss(&bye, now);
                    }
                }
            }
            Command::Sweep => {
                for at in (0..self.spectators.len()).rev() {
                    match self.spectators[at].sweep(&self.patience, now) {
                        Ok(()) => self.note(at),
                        Err(Gone) => drop(self.remove_at(at)),
                    }
                }
            }
        }
    }

    /// Tells the room if this one needs a keyframe.
    fn note(&self, at: usize) {
        let spectator = &self.spectators[at];
        if let Some(event) = spectator.lacks(&self.beat) {
            let at = spectator.lane.index();
            self.standing.least[at].fetch_min(event, Ordering::Relaxed);
            self.standing.most[at].fetch_max(event, Ordering::Relaxed);
        }
    }

    fn remove(&mut self, id: SpectatorId) -> Option<Spectator> {
        let at = *self.places.get(&id)?;
        Some(self.remove_at(at))
    }

    /// The last one takes its place.
    fn remove_at(&mut self, at: usize) -> Spectator {
        let gone = self.spectators.swap_remove(at);
        self.places.remove(&gone.id);
        if let Some(moved) = self.spectators.get(at) {
            self.places.insert(moved.id, at);
        }
        self.standing.leaves(gone.lane);
        gone
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::super::beat::LaneBeat;
    use super::super::spectator::tests::spectator;
    use super::*;
    use crate::limits::EdgeLimits;
    use crate::metrics::Page;

    const MANY: usize = 16 * 1024 * 1024;

    #[tokio::test]
    async fn what_spectators_are_given_and_who_is_left_out_is_counted_with_each_beat() {
        let metrics = Arc::<Metrics>::default();
        let mut shard = Shard::new(Patience::with_spectators(&EdgeLimits::default()), Arc::clone(&metrics));
        let (slow, _socket, _stays, _takes_nothing) = spectator(1).await;
        shard.standing.joins(slow.lane);
        shard.apply(Command::Join(Box::new(slow)));
        let lane = LaneBeat { to: 1, keyframe: Some(vec![0; MANY].into()), ..LaneBeat::default() };
        let beat = Arc::new(Beat { number: 1, lanes: std::array::from_fn(|_| lane.clone()), ..Beat::default() });
        for _ in 0..3 {
            shard.take(Arc::clone(&beat));
            assert!(shard.give(usize::MAX));
        }
        let page = metrics.text(Page::default()).unwrap();
        let counted =
            [("writes_total", 3), ("bytes_total", MANY)].map(|(what, n)| format!("raidcast_fanout_{what} {n}\n"));
        assert!(counted.iter().all(|line| page.contains(line)), "{page}");
        assert!(page.contains("\nraidcast_ticks_skipped_total 2\n"), "{page}");
        assert_eq!(shard.standing.writes(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn who_only_listens_is_pinged_and_who_answers_nothing_is_let_go() {
        let mut shard = Shard::new(Patience::with_spectators(&EdgeLimits::default()), Arc::default());
        let (listening, socket, stays, mut hears) = spectator(1).await;
        let (dead, _, goes, _silent) = spectator(2).await;
        for spectator in [listening, dead] {
            shard.standing.joins(spectator.lane);
            shard.apply(Command::Join(Box::new(spectator)));
        }
        let mut pings = 0;
        for second in 0..=200 {
            shard.apply(Command::Sweep);
            let mut frame = [0; 2];
            if second % 20 == 0 && second > 0 {
                hears.read_exact(&mut frame).await.unwrap();
                assert_eq!(frame, [0x89, 0], "a ping without a payload");
                pings += 1;
                // Whatever comes is an answer.
                hears.write_all(&[0]).await.unwrap();
                assert!(socket.read(|_| ()).await);
            } else {
                assert!(hears.try_read(&mut frame).is_err(), "nothing between two pings");
            }
            assert_eq!(goes.is_cancelled(), second >= 80, "at second {second}");
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!((pings, shard.standing.len(), stays.is_cancelled()), (10, 1, false));
    }
}
