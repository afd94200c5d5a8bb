//! Spectators that one owner writes to, and the step that all of them are sent.
//!
//! What waits for one spectator is at most the rest of one write. A shard needs nothing but ready bytes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use raidcast_shared::limits::{PACES, SPECTATOR_STALLED_MS};
use tokio::time::Instant;
use tokio_util::sync::DropGuard;

use super::room::SpectatorId;
use super::socket::{Pings, Socket};
use super::view::{Format, Pace, concat};
use super::wire;
use crate::access::Admitted;

/// Views of one raid: each pace in both formats.
pub(super) const LANES: usize = PACES.len() * 2;

/// Which view a spectator sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LaneIx(usize);

impl LaneIx {
    pub(super) fn of(pace: Pace, format: Format) -> Self {
        Self(pace.index() * 2 + format.index())
    }

    pub(super) fn index(self) -> usize {
        self.0
    }

    pub(super) fn format(self) -> Format {
        Format::ALL[self.0 % 2]
    }

    pub(super) fn at_pace(self, pace: Pace) -> Self {
        Self::of(pace, self.format())
    }
}

/// Skill rows of a watched player, ready to be written.
#[derive(Clone, Debug)]
pub(super) struct DetailBytes {
    pub(super) bytes: Bytes,
    /// With this very step.
    pub(super) changed: bool,
}

/// What one view has to send now.
#[derive(Clone, Debug, Default)]
pub(super) struct Lane {
    /// The view took a step since the last call.
    pub(super) stepped: bool,
    /// Events and tick of that step.
    pub(super) batch: Bytes,
    /// Where somebody needs it.
    pub(super) keyframe: Option<Bytes>,
    /// The same for who lost events, where somebody needs it.
    pub(super) keyframe_lost: Option<Bytes>,
    /// The last event that the view has told.
    pub(super) told: u64,
    /// Of watched players, by key.
    pub(super) details: Arc<HashMap<String, DetailBytes>>,
}

/// Events of one format that are kept, by number.
pub(super) type EventRing = Arc<Vec<(u64, Bytes)>>;

/// All that spectators are sent with one beat.
#[derive(Clone, Debug, Default)]
pub(super) struct Step {
    pub(super) lanes: [Lane; LANES],
    pub(super) events: [EventRing; 2],
}

/// What a view's spectators lack, as far as anybody does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wants {
    pub(super) keyframe: bool,
    pub(super) keyframe_lost: bool,
}

/// Whose skill rows a spectator wants, and whether it takes what it is sent: who does not gets none.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) keys: Vec<String>,
    stalled: AtomicBool,
}

impl Watch {
    pub(super) fn new(keys: Vec<String>) -> Self {
        Self { keys, stalled: AtomicBool::new(false) }
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }
}

pub(super) struct Spectator {
    pub(super) socket: Arc<Socket>,
    pub(super) lane: LaneIx,
    /// The rest of what was begun: a frame is never broken.
    pub(super) tail: Bytes,
    /// Whether it has every tick so far, once the tail is out.
    pub(super) synced: bool,
    /// The first event that it has not got.
    pub(super) next_event: u64,
    /// It came by the channel's address.
    pub(super) by_channel: bool,
    /// By what it may see the raid.
    pub(super) admitted: Admitted,
    /// Whose skill rows it wants.
    pub(super) watched: Arc<Watch>,
    /// Their present rows are owed, whether they changed or not.
    pub(super) fresh_watch: bool,
    /// Since when nothing of the tail went out.
    pub(super) stalled: Option<Instant>,
    /// When it was pinged last, or joined.
    pub(super) pinged: Instant,
    /// When something of it was known to have come.
    pub(super) heard: Instant,
    /// Ends the task that reads from it.
    pub(super) _reader: DropGuard,
}

/// How a write ended.
pub(super) enum Written {
    /// All of it is out, or waits in the tail.
    Taken,
    /// The socket is gone.
    Gone,
}

impl Spectator {
    /// Writes what can be written now; the rest waits as the tail. Call only with an empty tail.
    pub(super) fn write(&mut self, bytes: &Bytes, now: Instant) -> Written {
        debug_assert!(self.tail.is_empty());
        if bytes.is_empty() {
            return Written::Taken;
        }
        match self.socket.stream().try_write(bytes) {
            // What nearly every write is: nothing is kept of it.
            Ok(count) if count == bytes.len() => self.stalled = None,
            Ok(0) => return Written::Gone,
            Ok(count) => {
                self.tail = bytes.slice(count..);
                self.stalled = Some(now);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.tail = bytes.clone();
                self.stalled = Some(now);
            }
            Err(_) => return Written::Gone,
        }
        self.tell_stalled();
        Written::Taken
    }

    fn tell_stalled(&self) {
        self.watched.stalled.store(!self.tail.is_empty(), Ordering::Relaxed);
    }

    fn flush(&mut self, now: Instant) -> Written {
        if self.tail.is_empty() {
            return Written::Taken;
        }
        match self.socket.stream().try_write(&self.tail) {
            Ok(0) => return Written::Gone,
            Ok(count) => {
                self.tail = self.tail.slice(count..);
                self.stalled = if self.tail.is_empty() { None } else { Some(now) };
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let since = *self.stalled.get_or_insert(now);
                if now.duration_since(since).as_millis() > u128::from(SPECTATOR_STALLED_MS) {
                    return Written::Gone;
                }
            }
            Err(_) => return Written::Gone,
        }
        self.tell_stalled();
        Written::Taken
    }

    /// Asks whether it is there, when that is due; what waits for it goes on meanwhile.
    fn sweep(&mut self, pings: Pings, ping: &Bytes, now: Instant) -> Written {
        if self.socket.was_heard() {
            self.heard = now;
        }
        if now.duration_since(self.heard) >= pings.silence {
            return Written::Gone;
        }
        if !self.tail.is_empty() {
            return self.flush(now);
        }
        if now.duration_since(self.pinged) < pings.every {
            return Written::Taken;
        }
        self.pinged = now;
        self.write(ping, now)
    }

    /// Writes what it needs now, and counts that.
    fn step(&mut self, step: &Step, now: Instant, writes: &mut u64) -> Written {
        if self.tail.is_empty() {
            let Some(bytes) = self.due(step) else { return Written::Taken };
            *writes += 1;
            return self.write(&bytes, now);
        }
        // Still behind, or only just out of it: what it misses now the keyframe makes good, with the next step, so
        // that a tick is one write.
        *writes += 1;
        let written = self.flush(now);
        self.synced &= !step.lanes[self.lane.index()].stepped;
        written
    }

    /// What it is due with this step; `None` if nothing, or if its keyframe is not made yet.
    fn due<'a>(&mut self, step: &'a Step) -> Option<Cow<'a, Bytes>> {
        let lane = &step.lanes[self.lane.index()];
        let details = |all: bool| {
            let held = self.watched.keys.iter().filter_map(|key| lane.details.get(key));
            held.filter(move |detail| all || detail.changed).map(|detail| &detail.bytes)
        };
        if self.synced {
            let told = !self.watched.keys.is_empty() && (lane.stepped || self.fresh_watch);
            let bytes = match lane.stepped {
                true if !told => Cow::Borrowed(&lane.batch),
                false if !told => Cow::Owned(Bytes::new()),
                stepped => {
                    let batch = if stepped { &lane.batch[..] } else { &[] };
                    Cow::Owned(details(self.fresh_watch).fold(BytesMut::from(batch), concat).freeze())
                }
            };
            self.fresh_watch = false;
            if lane.stepped {
                self.next_event = self.next_event.max(lane.told + 1);
            }
            return Some(bytes).filter(|bytes| !bytes.is_empty());
        }
        let ring = &step.events[self.lane.format().index()];
        let keyframe = if self.lost_events(lane, ring) { &lane.keyframe_lost } else { &lane.keyframe };
        let keyframe = keyframe.clone()?;
        let owed = ring.iter().filter(|(n, _)| (self.next_event..=lane.told).contains(n)).map(|(_, bytes)| bytes);
        let parts = owed.chain([&keyframe]).chain(details(true));
        let bytes = parts.fold(BytesMut::new(), concat).freeze();
        self.synced = true;
        self.fresh_watch = false;
        self.next_event = self.next_event.max(lane.told + 1);
        Some(Cow::Owned(bytes))
    }

    /// Whether events that it is owed are no longer kept.
    fn lost_events(&self, lane: &Lane, ring: &EventRing) -> bool {
        let oldest = ring.first().map_or(lane.told + 1, |(n, _)| *n);
        self.next_event < oldest && self.next_event <= lane.told
    }
}

/// Spectators of one owner.
#[derive(Default)]
pub(super) struct Shard {
    spectators: HashMap<SpectatorId, Spectator>,
    writes: u64,
}

impl Shard {
    pub(super) fn insert(&mut self, id: SpectatorId, spectator: Spectator) {
        self.spectators.insert(id, spectator);
    }

    pub(super) fn remove(&mut self, id: SpectatorId) -> Option<Spectator> {
        self.spectators.remove(&id)
    }

    /// Those of whom something is so.
    pub(super) fn ids_of(&self, is_so: impl Fn(&Spectator) -> bool) -> Vec<SpectatorId> {
        self.spectators.iter().filter(|(_, held)| is_so(held)).map(|(id, _)| *id).collect()
    }

    pub(super) fn ids(&self) -> Vec<SpectatorId> {
        self.spectators.keys().copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.spectators.len()
    }

    pub(super) fn writes(&self) -> u64 {
        self.writes
    }

    /// Bytes that wait for spectators which do not take them.
    pub(super) fn waiting(&self) -> usize {
        self.spectators.values().map(|spectator| spectator.tail.len()).sum()
    }

    /// How many see each view.
    pub(super) fn present(&self) -> [usize; LANES] {
        let mut present = [0; LANES];
        for spectator in self.spectators.values() {
            present[spectator.lane.index()] += 1;
        }
        present
    }

    /// What is to be made before the next step, by view.
    pub(super) fn wants(&self, step: &Step) -> [Wants; LANES] {
        let mut wants = [Wants::default(); LANES];
        for spectator in self.spectators.values().filter(|held| !held.synced && held.tail.is_empty()) {
            let at = spectator.lane.index();
            let lost = spectator.lost_events(&step.lanes[at], &step.events[spectator.lane.format().index()]);
            wants[at].keyframe |= !lost;
            wants[at].keyframe_lost |= lost;
        }
        wants
    }

    /// Spectators of these views missed a step: they get a keyframe next.
    pub(super) fn unsync(&mut self, lanes: [bool; LANES]) {
        for spectator in self.spectators.values_mut().filter(|held| lanes[held.lane.index()]) {
            spectator.synced = false;
        }
    }

    /// Another view from now on: its keyframe comes next.
    pub(super) fn pace(&mut self, id: SpectatorId, pace: Pace) {
        if let Some(spectator) = self.spectators.get_mut(&id) {
            let lane = spectator.lane.at_pace(pace);
            spectator.synced &= spectator.lane == lane;
            spectator.lane = lane;
        }
    }

    /// Skill rows of these players from now on.
    pub(super) fn watch(&mut self, id: SpectatorId, watch: Arc<Watch>) {
        if let Some(spectator) = self.spectators.get_mut(&id) {
            (spectator.watched, spectator.fresh_watch) = (watch, true);
            spectator.tell_stalled();
        }
    }

    /// Writes an answer, if nothing else is on its way.
    pub(super) fn answer(&mut self, id: SpectatorId, bytes: &Bytes) {
        let Some(spectator) = self.spectators.get_mut(&id).filter(|held| held.tail.is_empty()) else { return };
        if matches!(spectator.write(bytes, Instant::now()), Written::Gone) {
            self.spectators.remove(&id);
        }
    }

    /// Says goodbye in the spectator's format, if nothing else is on its way, and lets it go.
    pub(super) fn dismiss(&mut self, id: SpectatorId, bye: &[Bytes; 2]) {
        let Some(mut spectator) = self.spectators.remove(&id) else { return };
        if spectator.tail.is_empty() {
            let _ = spectator.write(&bye[spectator.lane.format().index()], Instant::now());
        }
    }

    /// Sends some spectators what they need, one write each.
    pub(super) fn send_to(&mut self, ids: &[SpectatorId], step: &Step) {
        let now = Instant::now();
        for id in ids {
            let Some(spectator) = self.spectators.get_mut(id) else { continue };
            if matches!(spectator.step(step, now, &mut self.writes), Written::Gone) {
                self.spectators.remove(id);
            }
        }
    }

    /// Pings who is due one, and lets those go that are not there any more.
    pub(super) fn sweep(&mut self, pings: Pings, now: Instant) {
        let ping = wire::ping();
        self.spectators.retain(|_, spectator| matches!(spectator.sweep(pings, &ping, now), Written::Taken));
    }

    /// Sends all spectators what they need, one write each.
    pub(super) fn send(&mut self, step: &Step) {
        let now = Instant::now();
        let writes = &mut self.writes;
        self.spectators.retain(|_, spectator| matches!(spectator.step(step, now, writes), Written::Taken));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpListener, TcpStream};
    use tokio_util::sync::CancellationToken;

    use super::*;

    const PINGS: Pings = Pings { every: Duration::from_secs(20), silence: Duration::from_secs(80) };

    async fn spectator(now: Instant) -> (Spectator, Arc<Socket>, CancellationToken, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let socket = Arc::new(Socket::new(listener.accept().await.unwrap().0, None));
        let left = CancellationToken::new();
        let spectator = Spectator {
            socket: Arc::clone(&socket),
            lane: LaneIx::of(Pace::default(), Format::Json),
            tail: Bytes::new(),
            synced: true,
            next_event: 1,
            by_channel: false,
            admitted: Admitted::AsAnybody,
            watched: Arc::default(),
            fresh_watch: false,
            stalled: None,
            pinged: now,
            heard: now,
            _reader: left.clone().drop_guard(),
        };
        (spectator, socket, left, there)
    }

    #[tokio::test]
    async fn who_only_listens_is_pinged_and_who_answers_nothing_is_let_go() {
        let (start, mut shard) = (Instant::now(), Shard::default());
        let (listening, socket, stays, mut hears) = spectator(start).await;
        let (dead, _, goes, _silent) = spectator(start).await;
        for (n, spectator) in [listening, dead].into_iter().enumerate() {
            shard.insert(SpectatorId::of_test(n as u64), spectator);
        }
        let mut pings = 0;
        for second in 0..=200 {
            shard.sweep(PINGS, start + Duration::from_secs(second));
            let mut frame = [0; 2];
            if second % 20 == 0 && second > 0 {
                hears.read_exact(&mut frame).await.unwrap();
                assert_eq!(frame, [0x89, 0], "a ping without a payload");
                pings += 1;
                // Its answer came.
                socket.hear();
            } else {
                assert!(hears.try_read(&mut frame).is_err(), "nothing between two pings");
            }
            assert_eq!(goes.is_cancelled(), second >= 80, "at second {second}");
        }
        assert_eq!((pings, shard.len(), stays.is_cancelled()), (10, 1, false));
    }
}
