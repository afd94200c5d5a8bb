//! The spectators of a raid: who has got what, and who gets what next.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Weak};

use bytes::{Bytes, BytesMut};
use raidcast_shared::feed::{Bye, FeedEvent, FeedFrame};
use raidcast_shared::limits::{EVENT_RING, RAID_SPECTATORS_MAX, ROOM_SPECTATORS_MAX, STEP_HISTORY, WATCHED_MAX};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::shard::{DetailBytes, EventRing, LANES, LaneIx, Shard, Spectator, Step, Wants, Watch, Written};
use super::socket::{Pings, Socket};
use super::view::{Format, Frames, Pace, concat};
use super::wire;
use super::worker::{Control, Whom, Worker};
use crate::access::Admitted;
use crate::limits::DETAILS_A_STEP_MAX;

/// Names a spectator in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpectatorId {
    /// Which worker writes to it; 0 is the room's owner.
    shard: u16,
    n: u64,
}

#[cfg(test)]
impl SpectatorId {
    pub(super) fn of_test(n: u64) -> Self {
        Self { shard: 0, n }
    }
}

/// Where a spectator was when it lost its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The epoch's number, of this run of the relay.
    pub epoch: u32,
    /// The last tick that it got.
    pub position: u64,
}

/// How a spectator wants to be served.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// As its subprotocol says.
    pub format: Format,
    /// Ticks a second.
    pub pace: Pace,
    /// Where it was, if it comes back; `Some(None)` where that is not known any more.
    pub resume: Option<Option<Resume>>,
    /// It came by the channel's address.
    pub by_channel: bool,
    /// By what it may see the raid.
    pub admitted: Admitted,
}

/// One pace of the raid's feed.
struct View {
    frames: [Frames; 2],
    stepped: bool,
    epoch: u32,
    position: u64,
    /// The last event that it has told.
    told: u64,
    /// (epoch, position, told) of its last steps, oldest first.
    history: VecDeque<(u32, u64, u64)>,
    details: HashMap<String, Watched>,
}

/// Skill rows of a player that somebody watches.
struct Watched {
    frame: FeedFrame,
    bytes: [Option<Bytes>; 2],
    changed: bool,
    /// The player's rows may have changed since it was made.
    stale: bool,
    /// When it was made: counts up.
    made: u64,
}

impl View {
    fn new() -> Self {
        Self {
            frames: Format::ALL.map(Frames::new),
            stepped: false,
            epoch: 0,
            position: 0,
            told: 0,
            history: VecDeque::from([(0, 0, 0)]),
            details: HashMap::new(),
        }
    }

    fn remember(&mut self) {
        self.history.push_back((self.epoch, self.position, self.told));
        if self.history.len() > STEP_HISTORY {
            self.history.pop_front();
        }
    }

    /// The last event that was told at a position.
    fn told_at(&self, Resume { epoch, position }: Resume) -> Option<u64> {
        let at = self.history.partition_point(|&(e, p, _)| (e, p) < (epoch, position));
        self.history.get(at).filter(|&&(e, p, _)| (e, p) == (epoch, position)).map(|&(.., told)| told)
    }
}

/// Events of the raid, encoded once for each format that anybody sees.
struct Events {
    newest: u64,
    ring: VecDeque<FeedEvent>,
    bytes: [EventRing; 2],
    encodes: u64,
}

impl Events {
    fn push(&mut self, event: FeedEvent) {
        self.newest = event.n;
        self.ring.push_back(event);
        if self.ring.len() > EVENT_RING {
            self.ring.pop_front();
        }
    }

    /// Encodes what is not yet.
    fn encoded(&mut self, format: Format) -> EventRing {
        let held = &mut self.bytes[format.index()];
        let oldest = self.ring.front().map_or(u64::MAX, |event| event.n);
        if held.first().map_or(u64::MAX, |(n, _)| *n) != oldest || held.len() != self.ring.len() {
            let known: HashMap<u64, Bytes> = held.iter().cloned().collect();
            let encodes = &mut self.encodes;
            let bytes = self.ring.iter().map(|event| {
                let bytes = known.get(&event.n).cloned().unwrap_or_else(|| {
                    *encodes += 1;
                    format.encode(&FeedFrame::Event(event.clone()))
                });
                (event.n, bytes)
            });
            *held = Arc::new(bytes.collect());
        }
        Arc::clone(held)
    }
}

/// Who watches whom, as long as the spectator is there.
struct Watcher {
    id: SpectatorId,
    pace: Pace,
    watch: Weak<Watch>,
}

/// All spectators of a raid, and the frames that they share.
///
/// Owned by the raid's task, which writes to the first [`ROOM_SPECTATORS_MAX`] itself; those beyond are spread over
/// workers that get ready bytes.
pub struct Room {
    views: [View; Pace::ALL.len()],
    events: Events,
    home: Shard,
    workers: Vec<Worker>,
    tasks: TaskTracker,
    pings: Pings,
    watchers: Vec<Watcher>,
    next_id: u64,
    details_encoded: u64,
    details_made: u64,
    details_steps: u64,
}

/// What a room counts, for tests and metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomCounts {
    /// Spectators now.
    pub spectators: usize,
    /// Frames encoded since the beginning.
    pub encodes: u64,
    /// Skill rows of one player made since the beginning.
    pub details: u64,
    /// Writes begun since the beginning.
    pub writes: u64,
    /// Bytes that wait for spectators which do not take them.
    pub waiting: usize,
}

impl Room {
    /// An empty room, whose workers run on `tasks`.
    pub fn new(tasks: TaskTracker, pings: Pings) -> Self {
        let events = Events {
            newest: 0,
            ring: VecDeque::new(),
            bytes: [EventRing::default(), EventRing::default()],
            encodes: 0,
        };
        Self {
            views: Pace::ALL.map(|_| View::new()),
            events,
            home: Shard::default(),
            workers: Vec::new(),
            tasks,
            pings,
            watchers: Vec::new(),
            next_id: 0,
            details_encoded: 0,
            details_made: 0,
            details_steps: 0,
        }
    }

    /// Takes a spectator in. What it missed goes out at once where that is less than a keyframe; else the keyframe
    /// goes with the next [`Room::send`]. `None` if the room is full.
    pub fn join(
        &mut self,
        socket: Arc<Socket>,
        wish: Wish,
        keyframe: impl FnOnce() -> FeedFrame,
    ) -> Option<(SpectatorId, CancellationToken)> {
        if self.len() >= RAID_SPECTATORS_MAX {
            return None;
        }
        let Wish { format, pace, resume, by_channel, admitted } = wish;
        let view = &mut self.views[pace.index()];
        let told = view.told;
        let owed = match resume {
            None => told + 1,
            // It cannot be told what it missed: all that is kept, and that more was lost.
            Some(at) => at.and_then(|at| view.told_at(at)).map_or(1, |told| told + 1),
        };
        let frames = &mut view.frames[format.index()];
        let here = resume.flatten().filter(|at| at.epoch == view.epoch && at.position <= view.position);
        let missed = here.and_then(|at| match at.position == view.position {
            true if owed > told => Some(Bytes::new()),
            _ => frames.since(at.position),
        });
        let missed = missed.filter(|missed| missed.is_empty() || missed.len() < frames.keyframe(keyframe).len());
        let (cancel, now) = (CancellationToken::new(), Instant::now());
        let mut spectator = Spectator {
            socket,
            lane: LaneIx::of(pace, format),
            tail: Bytes::new(),
            synced: missed.is_some(),
            next_event: if missed.is_some() { told + 1 } else { owed },
            by_channel,
            admitted,
            watched: Arc::default(),
            fresh_watch: false,
            stalled: None,
            pinged: now,
            heard: now,
            _reader: cancel.clone().drop_guard(),
        };
        if let Some(missed) = missed
            && matches!(spectator.write(&missed, now), Written::Gone)
        {
            return None;
        }
        self.next_id += 1;
        let id = SpectatorId { shard: self.roomiest(), n: self.next_id };
        match self.worker(id) {
            None => self.home.insert(id, spectator),
            Some(worker) => worker.join(id, spectator),
        }
        Some((id, cancel))
    }

    /// Says goodbye to who is not taken in.
    pub fn turn_away(&self, socket: &Socket, format: Format, reason: &str, retry_ms: Option<u32>) {
        // A socket that was just opened has room for it; one that has not is closed without a word.
        let _ = socket.stream().try_write(&goodbye(reason, retry_ms)[format.index()]);
    }

    /// Where the next spectator belongs: at home while there is room, then with the worker that has fewest.
    fn roomiest(&mut self) -> u16 {
        if self.home.len() < ROOM_SPECTATORS_MAX {
            return 0;
        }
        if self.workers.is_empty() {
            let count = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8));
            self.workers = (0..count).map(|_| Worker::spawn(&self.tasks, self.pings)).collect();
        }
        let least = self.workers.iter().enumerate().min_by_key(|(_, worker)| worker.len());
        least.map_or(0, |(at, _)| at as u16 + 1)
    }

    fn worker(&self, id: SpectatorId) -> Option<&Worker> {
        usize::from(id.shard).checked_sub(1).and_then(|at| self.workers.get(at))
    }

    /// Whether anybody sees the feed at this pace.
    pub fn uses(&self, pace: Pace) -> bool {
        self.seen(pace).contains(&true)
    }

    /// In which formats anybody sees the feed at this pace.
    fn seen(&self, pace: Pace) -> [bool; 2] {
        let mut present = self.home.present();
        for worker in &self.workers {
            present.iter_mut().zip(worker.present()).for_each(|(sum, more)| *sum += more);
        }
        Format::ALL.map(|format| present[LaneIx::of(pace, format).index()] > 0)
    }

    /// Whose skill rows are to be made now at this pace, of the players that there are; `touched` are those whose rows
    /// may have changed with this step. Made are rows that somebody waits for who takes what is sent, where they
    /// changed since they were made, and of at most [`DETAILS_A_STEP_MAX`] players: those made longest ago come first,
    /// the others with the next steps. To be told with [`Room::details`].
    pub fn details_due<'a>(
        &mut self,
        pace: Pace,
        players: impl Iterator<Item = &'a str>,
        touched: &[String],
    ) -> Vec<&'a str> {
        self.watchers.retain(|watcher| watcher.watch.strong_count() > 0);
        let of = self.watchers.iter().filter(|watcher| watcher.pace == pace);
        let watches: Vec<_> = of.filter_map(|watcher| watcher.watch.upgrade()).collect();
        let details = &mut self.views[pace.index()].details;
        if watches.is_empty() {
            details.clear();
            return Vec::new();
        }
        // Whether anybody who watches a player waits for its rows. What is no player is nobody's.
        let mut waits: HashMap<&str, bool> = HashMap::new();
        let players: HashSet<&'a str> = players.collect();
        for watch in &watches {
            for key in watch.keys.iter().filter(|key| players.contains(key.as_str())) {
                *waits.entry(key).or_default() |= !watch.is_stalled();
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
        self.details_made += due.len() as u64;
        due.into_iter().map(|(_, key)| key).collect()
    }

    /// Takes an event, which goes out with the next step of each view; the caller numbers them from 1.
    pub fn event(&mut self, event: FeedEvent) {
        self.events.push(event);
    }

    /// The last event that a view has told: what its keyframe contains.
    pub fn told(&self, pace: Pace) -> u64 {
        self.views[pace.index()].told
    }

    /// Whether a view has events to tell.
    pub fn owes_events(&self, pace: Pace) -> bool {
        self.views[pace.index()].told < self.events.newest
    }

    /// Takes a step of one view, to be sent with the next [`Room::send`]: the events since the one before, and the
    /// tick if anything changed. `position` is the view's after it.
    pub fn step(&mut self, pace: Pace, position: u64, tick: Option<&FeedFrame>) {
        let seen = self.seen(pace);
        let view = &mut self.views[pace.index()];
        let (fresh, before) = (view.told + 1..=self.events.newest, view.position);
        view.told = self.events.newest;
        view.position = position;
        view.stepped = true;
        for format in Format::ALL {
            // Nobody sees it: the events are kept for who comes back, the tick is not made.
            if !seen[format.index()] {
                view.frames[format.index()].begin_epoch();
                continue;
            }
            let ring = self.events.encoded(format);
            let events = ring.iter().filter(|(n, _)| fresh.contains(n)).map(|(_, bytes)| bytes);
            view.frames[format.index()].step(before, events, tick);
        }
        view.remember();
    }

    /// Takes details that were due at a view; whether any detail of it says something new.
    pub fn details(&mut self, pace: Pace, details: Vec<(String, FeedFrame)>) -> bool {
        self.details_steps += u64::from(!details.is_empty());
        let made = self.details_steps;
        let view = &mut self.views[pace.index()];
        for (key, frame) in details {
            match view.details.get_mut(&key).filter(|held| same_rows(&held.frame, &frame)) {
                Some(held) => (held.stale, held.made) = (false, made),
                None => drop(
                    view.details.insert(key, Watched { frame, bytes: [None, None], changed: true, stale: false, made }),
                ),
            }
        }
        view.details.values().any(|held| held.changed)
    }

    /// Positions begin anew in all views, and everybody gets a keyframe next.
    pub fn begin_epoch(&mut self, epoch: u32) {
        for view in &mut self.views {
            (view.epoch, view.position, view.stepped) = (epoch, 0, false);
            view.frames.iter_mut().for_each(Frames::begin_epoch);
            view.details.clear();
            view.remember();
        }
        self.unsync();
    }

    /// Everybody gets a keyframe next: something changed that ticks do not carry.
    pub fn refresh(&mut self) {
        self.views.iter_mut().flat_map(|view| &mut view.frames).for_each(Frames::stale);
        self.unsync();
    }

    fn unsync(&mut self) {
        self.home.unsync([true; LANES]);
        self.workers.iter().for_each(Worker::refresh);
    }

    /// Sends every spectator what it needs: one write each.
    ///
    /// `keyframe` makes that of a pace, with the last event that it contains, and whether some were lost.
    pub fn send(&mut self, keyframe: impl Fn(Pace, u64, bool) -> FeedFrame) {
        let mut step = self.ready();
        let at_home = self.home.wants(&step);
        let beyond: Vec<_> = self.workers.iter().map(Worker::wants).collect();
        for pace in Pace::ALL {
            for format in Format::ALL {
                let at = LaneIx::of(pace, format).index();
                let any = |of: fn(&Wants) -> bool| of(&at_home[at]) || beyond.iter().any(|wants| of(&wants[at]));
                let view = &mut self.views[pace.index()];
                let (told, frames) = (view.told, &mut view.frames[format.index()]);
                if any(|wants| wants.keyframe) {
                    step.lanes[at].keyframe = Some(frames.keyframe(|| keyframe(pace, told, false)));
                }
                if any(|wants| wants.keyframe_lost) {
                    step.lanes[at].keyframe_lost = Some(frames.encode(&keyframe(pace, told, true)));
                }
            }
        }
        for view in self.views.iter_mut().filter(|view| view.stepped) {
            view.stepped = false;
            view.details.values_mut().for_each(|held| held.changed = false);
        }
        let due = step.lanes.iter().any(|lane| lane.stepped);
        for (worker, wants) in self.workers.iter().zip(&beyond) {
            if due || wants.iter().any(|wants| *wants != Wants::default()) {
                worker.send(step.clone());
            }
        }
        self.home.send(&step);
    }

    /// What is ready without a keyframe.
    fn ready(&mut self) -> Step {
        let mut step = Step::default();
        for format in Format::ALL {
            step.events[format.index()] = self.events.encoded(format);
        }
        for pace in Pace::ALL {
            let seen = self.seen(pace);
            let view = &mut self.views[pace.index()];
            for format in Format::ALL {
                let lane = &mut step.lanes[LaneIx::of(pace, format).index()];
                let frames = &view.frames[format.index()];
                (lane.stepped, lane.told) = (view.stepped, view.told);
                lane.batch = frames.batch().clone();
                if view.details.is_empty() || !seen[format.index()] {
                    continue;
                }
                let mut ready = HashMap::new();
                for (key, held) in &mut view.details {
                    let bytes = held.bytes[format.index()].get_or_insert_with(|| {
                        self.details_encoded += 1;
                        format.encode(&held.frame)
                    });
                    let changed = held.changed && view.stepped;
                    ready.insert(key.clone(), DetailBytes { bytes: bytes.clone(), changed });
                }
                lane.details = Arc::new(ready);
            }
        }
        step
    }

    /// Pings who is due one, and lets those go that are not there any more. To be called about once a second.
    pub fn sweep(&mut self) {
        self.home.sweep(self.pings, Instant::now());
        self.workers.iter().for_each(Worker::sweep);
    }

    /// Another pace from now on: its view's keyframe comes next.
    pub fn pace(&mut self, id: SpectatorId, pace: Pace) {
        for watcher in self.watchers.iter_mut().filter(|watcher| watcher.id == id) {
            watcher.pace = pace;
        }
        match self.worker(id) {
            None => self.home.pace(id, pace),
            Some(worker) => worker.tell(Control::Pace(id, pace)),
        }
    }

    /// Skill rows of these players from now on, of at most [`WATCHED_MAX`].
    pub fn watch(&mut self, id: SpectatorId, pace: Pace, mut keys: Vec<String>) {
        keys.truncate(WATCHED_MAX);
        let watch = Arc::new(Watch::new(keys));
        self.watchers.retain(|watcher| watcher.id != id);
        self.watchers.push(Watcher { id, pace, watch: Arc::downgrade(&watch) });
        match self.worker(id) {
            None => self.home.watch(id, watch),
            Some(worker) => worker.tell(Control::Watch(id, watch)),
        }
    }

    /// Answers one spectator, if nothing else is on its way to it: answers to probes and pings may be lost.
    pub fn answer(&mut self, id: SpectatorId, format: Format, answer: Answer<'_>) {
        let bytes = match answer {
            Answer::Frame(frame) => format.encode(frame),
            Answer::Pong(payload) => wire::pong(payload),
        };
        match self.worker(id) {
            None => self.home.answer(id, &bytes),
            Some(worker) => worker.tell(Control::Answer(id, bytes)),
        }
    }

    /// Lets a spectator go.
    pub fn leave(&mut self, id: SpectatorId) {
        match self.worker(id) {
            None => drop(self.home.remove(id)),
            Some(worker) => worker.tell(Control::Leave(id)),
        }
    }

    /// Says why, and closes one spectator's socket.
    pub fn dismiss(&mut self, id: SpectatorId, reason: &str, retry_ms: Option<u32>) {
        let bye = goodbye(reason, retry_ms);
        match self.worker(id) {
            None => self.home.dismiss(id, &bye),
            Some(worker) => worker.tell(Control::Dismiss(id, bye)),
        }
    }

    /// Says why, and closes many sockets.
    pub fn dismiss_all(&mut self, whom: Whom, reason: &str, retry_ms: Option<u32>) {
        let bye = goodbye(reason, retry_ms);
        for id in whom.of(&self.home) {
            self.home.dismiss(id, &bye);
        }
        for worker in &self.workers {
            worker.dismiss_all(bye.clone(), whom);
        }
    }

    /// Spectators now.
    fn len(&self) -> usize {
        self.home.len() + self.workers.iter().map(Worker::len).sum::<usize>()
    }

    /// Whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What happened in it so far.
    pub fn counts(&self) -> RoomCounts {
        let frames = self.views.iter().flat_map(|view| &view.frames);
        RoomCounts {
            spectators: self.len(),
            encodes: frames.map(Frames::encodes).sum::<u64>() + self.events.encodes + self.details_encoded,
            details: self.details_made,
            writes: self.home.writes() + self.workers.iter().map(Worker::writes).sum::<u64>(),
            waiting: self.home.waiting() + self.workers.iter().map(Worker::waiting).sum::<usize>(),
        }
    }
}

/// Whether two details say the same; their positions differ with every tick.
fn same_rows(a: &FeedFrame, b: &FeedFrame) -> bool {
    matches!((a, b), (FeedFrame::Detail(a), FeedFrame::Detail(b)) if (&a.report_id, &a.skills) == (&b.report_id, &b.skills))
}

fn goodbye(reason: &str, retry_ms: Option<u32>) -> [Bytes; 2] {
    let bye = FeedFrame::Bye(Bye { reason: reason.to_owned(), retry_ms });
    let close = wire::close(if retry_ms.is_some() { 1012 } else { 1008 }, reason);
    Format::ALL.map(|format| [format.encode(&bye), close.clone()].iter().fold(BytesMut::new(), concat).freeze())
}

/// An answer to one spectator.
#[derive(Clone, Copy)]
pub enum Answer<'a> {
    /// A frame of the feed.
    Frame(&'a FeedFrame),
    /// To a ping.
    Pong(&'a [u8]),
}
