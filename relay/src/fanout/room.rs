//! A raid's room: its views, events and details on one side, its spectators on the other.

use std::sync::Arc;

use bytes::Bytes;
use raidcast_shared::feed::{FeedEvent, FeedFrame};
use raidcast_shared::id::ActorId;
use raidcast_shared::limits::{RAID_SPECTATORS_MAX, ROOM_SPECTATORS_MAX, WATCHED_MAX};
use serde_json::Number;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::beat::Beat;
use super::details::Details;
use super::events::Events;
use super::format::Format;
use super::handle::ShardHandle;
use super::lane::{Lane, Pace};
use super::shard::{Command, Lacking, Standing};
use super::sink::{Patience, Sink};
use super::socket::Socket;
use super::spectator::{NO_STEP, Spectator, Whom};
use super::view::{Resume, Start, View};
use super::{SpectatorId, combat_data, wire};
use crate::access::Admitted;
use crate::limits::SHARD_TASKS_MAX;
use crate::metrics::Metrics;

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

/// An answer to one spectator.
#[derive(Clone, Copy)]
pub enum Answer<'a> {
    /// A frame of the feed.
    Frame(&'a FeedFrame),
    /// To a ping.
    Pong(&'a [u8]),
    /// To a call with this number: nothing.
    Nothing(&'a Number),
}

/// All spectators of a raid, and the frames that they share.
///
/// Owned by the raid's task. To the first [`ROOM_SPECTATORS_MAX`] it writes itself; those beyond are spread over tasks.
pub struct Room {
    views: [View; Pace::ALL.len()],
    events: Events,
    details: Details,
    /// Whether somebody watches who was owed nothing before.
    is_owing: bool,
    /// The first is written to in place; the others have tasks, and are begun when they are needed.
    shards: Vec<ShardHandle>,
    tasks: TaskTracker,
    patience: Patience,
    metrics: Arc<Metrics>,
    /// Tells it from other rooms of its raid.
    number: u32,
    spectators_so_far: u64,
    beats: u64,
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
    /// An empty room, whose shards run on `tasks`.
    pub fn new(tasks: TaskTracker, patience: Patience, metrics: Arc<Metrics>) -> Self {
        Self {
            views: Pace::ALL.map(|_| View::new()),
            events: Events::default(),
            details: Details::default(),
            is_owing: false,
            shards: vec![ShardHandle::in_place(patience, Arc::clone(&metrics))],
            tasks,
            patience,
            metrics,
            number: 0,
            spectators_so_far: 0,
            beats: 0,
        }
    }

    /// The same as one of several of a raid.
    #[must_use]
    pub fn with_number(self, number: u32) -> Self {
        Self { number, ..self }
    }

    /// Whether a spectator is, or was, one of its own.
    pub fn holds(&self, id: SpectatorId) -> bool {
        id.room == self.number
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
        let Start { next_event, missed } =
            self.views[pace.index()].start(format, resume.is_some(), resume.flatten(), keyframe);
        let now = Instant::now();
        let mut sink = Sink::new(socket, now);
        let (missed, step) = missed.unwrap_or((Bytes::new(), NO_STEP));
        sink.write(&missed, now).ok()?;
        self.spectators_so_far += 1;
        let id = SpectatorId { room: self.number, shard: self.roomiest(), n: self.spectators_so_far };
        let reader = CancellationToken::new();
        let spectator = Spectator {
            id,
            lane: Lane { pace, format },
            sink,
            step,
            next_event,
            by_channel,
            admitted,
            watch: None,
            owes_details: false,
            _reader: reader.clone().drop_guard(),
            _watching: self.metrics.watches(),
        };
        self.shard(id).join(spectator).then_some((id, reader))
    }

    /// The shard where the next spectator belongs: the first while it has room, then the one that has fewest.
    fn roomiest(&mut self) -> u16 {
        if self.shards[0].standing().len() < ROOM_SPECTATORS_MAX {
            return 0;
        }
        if self.shards.len() == 1 {
            let count = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(SHARD_TASKS_MAX));
            let shard = |_| ShardHandle::on_task(&self.tasks, self.patience, Arc::clone(&self.metrics));
            self.shards.extend((0..count).map(shard));
        }
        let least = self.shards.iter().enumerate().skip(1).min_by_key(|(_, shard)| shard.standing().len());
        least.map_or(0, |(at, _)| at as u16)
    }

    fn shard(&mut self, id: SpectatorId) -> &mut ShardHandle {
        &mut self.shards[usize::from(id.shard)]
    }

    /// Whether anybody sees the feed at this pace.
    pub fn uses(&self, pace: Pace) -> bool {
        self.shards.iter().any(|shard| shard.uses(pace))
    }

    /// Whose skill rows are to be made now at this pace, of the players that there are; `touched` are those whose rows
    /// may have changed with this step. To be told with [`Room::details`].
    pub fn details_due<'a>(
        &mut self,
        pace: Pace,
        players: impl Iterator<Item = &'a str>,
        touched: &[String],
    ) -> Vec<&'a str> {
        self.details.due(pace, players, touched)
    }

    /// Takes details that were due at a view; whether any detail of it says something new.
    pub fn details(&mut self, pace: Pace, details: Vec<(String, FeedFrame)>) -> bool {
        self.details.take(pace, details)
    }

    /// Takes an event, which goes out with the next step of each view, and whom it may name; the caller numbers them from
    /// 1.
    pub fn event(&mut self, event: FeedEvent, named: Vec<ActorId>) {
        self.events.push(event, named);
    }

    /// Number of the last event that a view has sent: what its keyframe contains.
    pub fn last_event(&self, pace: Pace) -> u64 {
        self.views[pace.index()].last_event()
    }

    /// Whom events may name that are told again to who missed them.
    pub fn named(&self) -> impl Iterator<Item = ActorId> {
        self.events.named()
    }

    /// Whether a view has events to send.
    pub fn owes_events(&self, pace: Pace) -> bool {
        self.last_event(pace) < self.events.newest()
    }

    /// Takes a step of one view, to be sent with the next [`Room::send`]: the events since the one before, and the
    /// tick if anything changed. `position` is the view's after it.
    pub fn step(&mut self, pace: Pace, position: u64, tick: Option<&FeedFrame>) {
        let Self { views, events, shards, .. } = self;
        let seen = |format| is_seen(shards, Lane { pace, format });
        views[pace.index()].take(position, tick, events, seen);
    }

    /// Positions begin anew in all views, and everybody gets a keyframe next.
    pub fn begin_epoch(&mut self, epoch: u32) {
        self.views.iter_mut().for_each(|view| view.begin_epoch(epoch));
        self.details.begin_epoch();
    }

    /// Everybody gets a keyframe next: something changed that ticks do not carry.
    pub fn refresh(&mut self) {
        self.views.iter_mut().for_each(View::refresh);
    }

    /// Sends every spectator what it needs: one write each.
    ///
    /// `keyframe` makes that of a pace, with the last event that it contains, and whether some were lost.
    pub fn send(&mut self, keyframe: impl Fn(Pace, u64, bool) -> FeedFrame) {
        let beat = Arc::new(self.beat(keyframe));
        // Who watches from now on is owed what was made for others already.
        let due = std::mem::take(&mut self.is_owing) || self.views.iter().any(View::has_moved);
        self.shards.iter_mut().for_each(|shard| shard.send(&beat, due));
        for pace in Pace::ALL {
            let view = &mut self.views[pace.index()];
            if view.has_moved() {
                view.was_sent();
                self.details.was_sent(pace);
            }
        }
    }

    /// What all lanes have to send now.
    fn beat(&mut self, keyframe: impl Fn(Pace, u64, bool) -> FeedFrame) -> Beat {
        self.beats += 1;
        let events = Format::ALL.map(|format| self.events.encoded(format));
        let mut beat = Beat { number: self.beats, events, ..Beat::default() };
        for lane in Lane::all() {
            let Lane { pace, format } = lane;
            let seen = is_seen(&self.shards, lane);
            let mut lacking =
                self.shards.iter().fold(Lacking::NOBODY, |sum, shard| sum.and(shard.standing().lacking(lane)));
            let view = &mut self.views[pace.index()];
            // Of a format whose frames are whole the keyframe is the step.
            if seen && (view.leaves_behind() || (format.is_whole() && view.has_moved())) {
                lacking = lacking.and(Lacking::NO_EVENTS);
            }
            let (last_event, has_batch) = (view.last_event(), view.has_batch());
            let ready = &mut beat.lanes[lane.index()];
            (ready.from, ready.to) = (if format.is_whole() { view.step() } else { view.from() }, view.step());
            ready.last_event = last_event;
            ready.kept_from = self.events.kept_from(last_event);
            let frames = view.frames(format);
            ready.batch = frames.batch().clone();
            if lacking.any_from(ready.kept_from) {
                ready.keyframe = Some(frames.keyframe(|| keyframe(pace, last_event, false)));
            }
            if lacking.any_before(ready.kept_from) {
                ready.keyframe_lost = Some(frames.encode(&keyframe(pace, last_event, true)));
            }
            if seen {
                ready.details = self.details.encoded(lane, has_batch);
            }
        }
        beat
    }

    /// Pings who is due one, and lets those go that are not there any more. To be called about once a second.
    pub fn sweep(&mut self) {
        for shard in &mut self.shards {
            shard.tell(Command::Sweep);
        }
    }

    /// Another pace from now on: its view's keyframe comes next.
    pub fn pace(&mut self, id: SpectatorId, pace: Pace) {
        self.details.pace(id, pace);
        self.shard(id).tell(Command::Pace(id, pace));
    }

    /// The keyframe comes next, whatever it has got.
    pub fn anew(&mut self, id: SpectatorId) {
        self.shard(id).tell(Command::Anew(id));
    }

    /// Skill rows of these players from now on, of at most [`WATCHED_MAX`].
    pub fn watch(&mut self, id: SpectatorId, pace: Pace, mut keys: Vec<String>) {
        keys.truncate(WATCHED_MAX);
        let watch = self.details.watch(id, pace, keys);
        self.shard(id).tell(Command::Watch(id, watch));
        self.is_owing = true;
    }

    /// Answers one spectator, if nothing else is on its way to it: answers to probes and pings may be lost.
    pub fn answer(&mut self, id: SpectatorId, format: Format, answer: Answer<'_>) {
        let bytes = match answer {
            Answer::Frame(frame) => format.encode(frame),
            Answer::Pong(payload) => wire::pong(payload),
            Answer::Nothing(rseq) => wire::text(&combat_data::nothing(rseq)),
        };
        self.shard(id).tell(Command::Answer(id, bytes));
    }

    /// Lets a spectator go.
    pub fn leave(&mut self, id: SpectatorId) {
        self.shard(id).tell(Command::Leave(id));
    }

    /// Says why, and closes one spectator's socket.
    pub fn dismiss(&mut self, id: SpectatorId, reason: &str, retry_ms: Option<u32>) {
        let bye = Arc::new(Format::ALL.map(|format| format.goodbye(reason, retry_ms)));
        self.shard(id).tell(Command::Dismiss(id, bye));
    }

    /// Says why, and closes many sockets.
    pub fn dismiss_all(&mut self, whom: Whom, reason: &str, retry_ms: Option<u32>) {
        let bye = Arc::new(Format::ALL.map(|format| format.goodbye(reason, retry_ms)));
        for shard in &mut self.shards {
            shard.tell(Command::DismissAll(whom, Arc::clone(&bye)));
        }
    }

    /// How many are there.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.standing().len()).sum()
    }

    /// Whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What happened in it so far.
    pub fn counts(&self) -> RoomCounts {
        let shards = || self.shards.iter().map(ShardHandle::standing);
        let views: u64 = self.views.iter().map(View::encodes).sum();
        RoomCounts {
            spectators: self.len(),
            encodes: views + self.events.encodes() + self.details.encodes(),
            details: self.details.made(),
            writes: shards().map(Standing::writes).sum(),
            waiting: shards().map(Standing::waiting).sum(),
        }
    }
}

/// Whether anybody sees a lane.
fn is_seen(shards: &[ShardHandle], lane: Lane) -> bool {
    shards.iter().any(|shard| shard.standing().present(lane) > 0)
}
