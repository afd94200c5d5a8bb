//! The one owner of a raid: its encounters' folds, its uplink, its spectators.
//!
//! Started by the registry; ends by itself when nothing is attached and nothing is live for a minute, or when the
//! relay drains; awaited by the registry's join. A delta's way: check against the gate, append, and when that is
//! durable fold and acknowledge. Appends are pipelined; fan-out goes on meanwhile.
//!
//! The life of an encounter is in [`life`]; ARCHITECTURE.md has it as a picture. A task that panics begins anew from
//! the journal ([`RaidTask::begin_anew`]).

mod access;
mod feed;
mod handles;
mod life;
mod load;
mod uplink;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{FuturesOrdered, FuturesUnordered};
use futures::{FutureExt, StreamExt};
use raidcast_shared::checksum::Checksum;
use raidcast_shared::feed::FeedFightRef;
use raidcast_shared::fold::Checked;
use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::limits::{CHECKSUM_EVERY, PACES};
use raidcast_shared::uplink::{Ending, ReportState, UplinkReply};
use raidcast_store::{EncounterKey, RaidRow, StoreError};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use super::command::{Attach, RaidCommand, RaidHandle};
use super::encounter::LiveEncounter;
use super::registry::{RaidRegistry, Shared};
use crate::fanout::{Patience, Room, Socket, Whom};

/// A task that nobody needs stays this long, so that a reload of the page finds it.
const LINGER: Duration = Duration::from_mins(1);
/// How often grace and lingering are looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// From the last delta of an old fight to a provisional report, ms.
const HISTORY_GRACE_MS: i64 = 15_000;
/// A client whose append failed tries again after this, ms.
const STORE_RETRY_MS: u32 = 1_000;
/// A task that panics again before this has passed since it began anew is given up the third time.
const FALLS_WITHIN: Duration = Duration::from_mins(1);

/// The uplink connection that speaks for the raid.
struct Uplink {
    connection: u64,
    replies: mpsc::Sender<UplinkReply>,
    handles: handles::Handles<(EncounterId, StreamId)>,
    /// Begun, known from another raid, and left there until something of it is sent.
    elsewhere: HashMap<EncounterId, uplink::Elsewhere>,
}

/// An append that was answered.
struct Appended {
    encounter: EncounterId,
    stream: StreamId,
    what: What,
    /// What it took up meanwhile.
    bytes: u64,
    received_ms: i64,
    result: Result<(), StoreError>,
}

enum What {
    Delta { checked: Box<Checked>, delta: Bytes, captured_ms: i64, checksum: Option<Checksum> },
    End(Box<Ending>),
}

/// Owns a raid.
pub(super) struct RaidTask {
    registry: Arc<RaidRegistry>,
    shared: Arc<Shared>,
    me: RaidHandle,
    inbox: mpsc::Receiver<RaidCommand>,
    row: RaidRow,
    /// Kept fights of the raid that the task does not hold, oldest first.
    earlier: Vec<FeedFightRef>,
    encounters: BTreeMap<EncounterId, LiveEncounter>,
    /// Which encounter spectators see.
    current: Option<EncounterId>,
    uplink: Option<Uplink>,
    /// Connections that want to speak for the raid, one after the other.
    attaching: VecDeque<Attach>,
    appends: FuturesOrdered<BoxFuture<'static, Appended>>,
    chores: FuturesUnordered<BoxFuture<'static, life::Chore>>,
    /// Encounters that are looked for, fetched or made.
    opening: HashMap<EncounterId, life::Opening>,
    /// Those of them that the task reads for itself.
    loading: HashSet<EncounterId>,
    /// Its fights are not read yet.
    unread: bool,
    /// Spectators that wait for the first fight that there is to see.
    joining: Vec<load::Joining>,
    /// Encounters that are thrown away.
    discarding: HashMap<EncounterId, life::Discarding>,
    /// The Begin of each encounter that waits until something of it is done.
    waiting: HashMap<EncounterId, uplink::Beginning>,
    /// Encounters that other raids go on with.
    releasing: Vec<life::Releasing>,
    room: Room,
    feed: feed::FeedState,
    needed_at: Instant,
}

impl RaidTask {
    pub(super) fn new(
        registry: Arc<RaidRegistry>,
        me: RaidHandle,
        inbox: mpsc::Receiver<RaidCommand>,
        row: RaidRow,
        encounters: Option<Vec<LiveEncounter>>,
    ) -> Self {
        let unread = encounters.is_none();
        let encounters = encounters.unwrap_or_default();
        let encounters: BTreeMap<_, _> = encounters.into_iter().map(|held| (held.row.key.encounter, held)).collect();
        let room = Room::new(registry.tasks(), Patience::with_spectators(&registry.shared.limits));
        let feed = feed::FeedState::new(format!("{}-{}", registry.shared.boot, registry.shared.connection_id()));
        let mut task = Self {
            shared: Arc::clone(&registry.shared),
            current: None,
            registry,
            me,
            inbox,
            row,
            earlier: Vec::new(),
            encounters,
            uplink: None,
            attaching: VecDeque::new(),
            appends: FuturesOrdered::new(),
            chores: FuturesUnordered::new(),
            opening: HashMap::new(),
            loading: HashSet::new(),
            unread,
            joining: Vec::new(),
            discarding: HashMap::new(),
            waiting: HashMap::new(),
            releasing: Vec::new(),
            room,
            feed,
            needed_at: Instant::now(),
        };
        task.current = task.newest();
        task
    }

    pub(super) async fn run(mut self) {
        let mut falls: Vec<Instant> = Vec::new();
        while AssertUnwindSafe(self.live()).catch_unwind().await.is_err() {
            let now = Instant::now();
            falls.retain(|fall| now - *fall < FALLS_WITHIN);
            falls.push(now);
            tracing::error!(
                raid = self.row.code,
                falls = falls.len(),
                "a raid's task fell; it begins anew from the journal"
            );
            if falls.len() > 2 || AssertUnwindSafe(self.begin_anew()).catch_unwind().await.is_err() {
                tracing::error!(raid = self.row.code, "a raid's task falls again and again: it is let go");
                break;
            }
        }
        self.registry.remove(&self.me);
        if AssertUnwindSafe(self.drain()).catch_unwind().await.is_err() {
            tracing::error!(raid = self.row.code, "a raid's task fell while it ended");
        }
        for id in self.known() {
            self.registry.disown(self.key(id), &self.me);
        }
        // Who sent a command meanwhile gets no answer, and looks the raid up again.
        self.inbox.close();
    }

    /// All encounters that the task may own.
    fn known(&self) -> Vec<EncounterId> {
        self.encounters.keys().chain(self.opening.keys()).chain(self.discarding.keys()).copied().collect()
    }

    /// After a panic: nothing that is in memory is believed any more but who watches. Fights are read from the journal,
    /// spectators get a keyframe, and the uploader comes back and goes on from what is held.
    async fn begin_anew(&mut self) {
        if let Some(uplink) = self.uplink.take() {
            let _ = uplink.replies.try_send(UplinkReply::Draining { retry_ms: STORE_RETRY_MS });
        }
        // Entries that are on their way are stored before the journal is read.
        while self.appends.next().await.is_some() {}
        self.chores = FuturesUnordered::new();
        for id in self.known() {
            self.registry.disown(self.key(id), &self.me);
        }
        let discarding: Vec<_> = self.discarding.drain().map(|(id, _)| id).collect();
        self.encounters.clear();
        self.opening.clear();
        self.loading.clear();
        self.waiting.clear();
        // Who wants to speak for the raid asks again.
        self.attaching.clear();
        // Who waits for an encounter finds it in the store.
        self.releasing.clear();
        self.current = None;
        // As a task that begins: each fight is claimed before it is read, for another raid may be about to take it.
        self.unread = true;
        if let Err(error) = self.read().await {
            tracing::error!(raid = self.row.code, %error, "could not read a raid again");
        }
        for id in discarding {
            self.discard(id);
        }
        if !self.has_nothing_yet() {
            self.new_epoch();
        }
    }

    /// What spectators see when nothing else says so: of the raid's own fights the live one that began last, else the
    /// last one.
    fn newest(&self) -> Option<EncounterId> {
        let own = self.encounters.iter().filter(|(_, held)| held.row.raid_code == self.row.code);
        let newest = own.max_by_key(|(_, held)| (held.state == ReportState::Live, held.row.started_at_ms));
        newest.map(|(id, _)| *id)
    }

    async fn live(&mut self) {
        if let Err(error) = self.read().await {
            tracing::warn!(raid = self.row.code, %error, "could not read a raid");
            return;
        }
        // What ended before the relay was stopped gets its report now.
        for id in self.known() {
            self.go_on(id);
        }
        let fastest = u64::from(PACES[PACES.len() - 1]);
        let mut tick = tokio::time::interval(Duration::from_millis(1000 / fastest));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut housekeeping = tokio::time::interval(HOUSEKEEPING);
        housekeeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let draining = self.shared.draining.clone();
        loop {
            tokio::select! {
                biased;
                // The relay stops: nothing new is begun.
                () = draining.cancelled() => break,
                // What is durable is folded and acknowledged first: clients wait for it.
                Some(appended) = self.appends.next(), if !self.appends.is_empty() => self.appended(appended),
                // Reports and opened encounters: rare, and somebody waits.
                Some(chore) = self.chores.next(), if !self.chores.is_empty() => self.chore_done(chore),
                // The pace of the view goes before new input, so that a flood of deltas does not stop the page.
                _ = tick.tick(), if !self.room.is_empty() => self.tick(),
                // Grace and lingering.
                _ = housekeeping.tick() => if self.housekeep() { break },
                // Everything else.
                Some(command) = self.inbox.recv() => self.command(command),
            }
            self.let_in();
        }
    }

    /// Reads what the task needs before it answers anybody.
    ///
    /// # Errors
    /// It cannot begin: whoever asked looks the raid up again.
    async fn read(&mut self) -> Result<(), StoreError> {
        if self.unread {
            self.read_row().await?;
        }
        let store = Arc::clone(&self.shared.store);
        match store.raid_reports(&self.row.code).await {
            Ok(mut lines) => {
                if std::mem::take(&mut self.unread) {
                    self.read_fights(&lines);
                }
                lines.reverse();
                let held = |id: &EncounterId| self.encounters.contains_key(id);
                let earlier = lines.into_iter().filter(|line| !held(&line.encounter));
                self.earlier = earlier
                    .map(|line| FeedFightRef {
                        report_id: line.report_id,
                        state: line.state,
                        outcome: line.outcome,
                        title: line.bosses.into_iter().next().or(line.place.scene),
                        started_at_ms: line.started_at_ms,
                        duration_ms: line.duration_ms,
                    })
                    .collect();
            }
            Err(error) if self.unread => return Err(error),
            Err(error) => tracing::warn!(raid = self.row.code, %error, "could not list a raid's fights"),
        }
        Ok(())
    }

    fn command(&mut self, command: RaidCommand) {
        self.needed_at = Instant::now();
        match command {
            RaidCommand::Attach(attach) => self.attach(attach),
            RaidCommand::Detach { connection } => self.detach(connection),
            RaidCommand::Uplink { connection, frame, received_ms } => {
                self.uplink_frame(connection, *frame, received_ms);
            }
            RaidCommand::Join { socket, wish, reply } if self.has_nothing_yet() => {
                self.joining.push(load::Joining { socket, wish, reply });
            }
            RaidCommand::Join { socket, wish, reply } => self.join(socket, &wish, reply),
            RaidCommand::Spectator { id, format, pace, what } => self.spectator(id, format, pace, what),
            RaidCommand::Superseded { reply } => {
                self.superseded();
                let _ = reply.send(());
            }
            RaidCommand::TicketsRenewed { tickets, reply } => {
                self.tickets_renewed(tickets);
                let _ = reply.send(());
            }
            RaidCommand::Standing { report_id, reply } => {
                let held = self.encounters.values().find(|held| held.row.report_id == report_id);
                let _ = reply.send(held.map(|held| Box::new(held.standing())));
            }
            RaidCommand::Held { encounter, stream, reply } => {
                let held = self.encounters.get_mut(&encounter);
                let _ = reply.send(held.map(|held| (held.row.clone(), held.held(stream))));
            }
            RaidCommand::Release { encounter, claim, moves, reply } => {
                self.asked_to_release(life::Releasing { encounter, claim, moves, reply });
            }
            RaidCommand::Gone { report_id } => {
                self.earlier.retain(|line| line.report_id != report_id);
                self.raid_changed();
            }
            RaidCommand::Connected { reply } => {
                let _ = reply.send(self.uplink.is_some());
            }
        }
    }

    /// An append is durable, or failed: fold and acknowledge all that are, with one Ack for each handle.
    fn appended(&mut self, first: Appended) {
        let mut acks: BTreeMap<u32, u64> = BTreeMap::new();
        let mut touched = Vec::new();
        let mut next = Some(first);
        while let Some(appended) = next {
            touched.push(appended.encounter);
            self.appended_one(appended, &mut acks);
            next = self.appends.next().now_or_never().flatten();
        }
        for (h, q) in acks {
            self.reply(UplinkReply::Ack { h, q });
        }
        touched.sort_unstable();
        touched.dedup();
        for id in touched {
            self.go_on(id);
        }
    }

    fn appended_one(&mut self, appended: Appended, acks: &mut BTreeMap<u32, u64>) {
        let Appended { encounter: id, stream, what, bytes, received_ms, result } = appended;
        self.shared.store_ok.store(!matches!(result, Err(StoreError::Unavailable(_))), Ordering::Relaxed);
        let handle = self.handle_of(id, stream);
        // An id is in one place at any time: nothing of a fight begins again before all of it was answered.
        let Some(encounter) = self.held_anywhere(id) else { return };
        encounter.arrived(bytes);
        let Some(reading) = encounter.reading(stream) else {
            encounter.answered_given_up(stream);
            return;
        };
        // Behind one that failed nothing counts, whatever the store says of it: all of it is sent again.
        let behind_failed = reading.failed;
        let again = reading.answered(result.is_ok());
        if again && let Some(h) = handle {
            self.refuse_store(h);
        }
        if let Err(error) = &result {
            tracing::warn!(raid = self.row.code, %error, "could not append; the client will send again");
        }
        let Some(encounter) = self.held_anywhere(id) else { return };
        if let Err(error) = result {
            encounter.stale |= matches!(error, StoreError::Damaged(_));
            return;
        }
        let Some(reading) = encounter.reading(stream) else { return };
        if behind_failed {
            return;
        }
        match what {
            What::Delta { checked, delta, captured_ms, checksum } => {
                reading.apply(&checked, delta, captured_ms, received_ms);
                let seq = reading.state.seq();
                // As often as the protocol says, however often one is sent: it costs a look at every row.
                let due = checksum.filter(|_| seq.is_multiple_of(CHECKSUM_EVERY));
                let differs = due.filter(|checksum| *checksum != reading.state.checksum());
                if let Some(h) = handle {
                    acks.insert(h, seq);
                }
                encounter.changes += 1;
                if checked.has_events() {
                    encounter.idle = false;
                    encounter.last_event_ms = received_ms;
                    if encounter.state == ReportState::Provisional && encounter.main.stream == stream {
                        self.reopen(id);
                    }
                }
                if differs.is_some() {
                    self.tell_checksum_differs(id, handle, seq);
                }
            }
            What::End(ending) => {
                let last = ending.last_seq;
                reading.ending = Some(*ending);
                reading.ending_under_way = false;
                if let Some(h) = handle {
                    acks.insert(h, last);
                }
                encounter.changes += 1;
            }
        }
        self.promote(id);
    }

    fn promote(&mut self, id: EncounterId) {
        if self.encounters.get_mut(&id).is_some_and(LiveEncounter::promote) && self.current == Some(id) {
            self.new_epoch();
        }
    }

    /// A provisional report goes on.
    fn reopen(&mut self, id: EncounterId) {
        let Some(encounter) = self.encounters.get_mut(&id) else { return };
        encounter.state = ReportState::Live;
        encounter.kept = None;
        encounter.changes += 1;
        self.show(id);
    }

    /// Grace and lingering; true if the task is to end.
    fn housekeep(&mut self) -> bool {
        self.room.sweep();
        if self.shared.memory.is_tight(self.row.account) {
            self.forget_idle(None);
        }
        let now_ms = self.shared.clock.now_ms();
        // Of old fights nothing is live: what stops coming is provisional, and goes on if it comes.
        let grace_ms = if self.row.history { HISTORY_GRACE_MS.min(self.shared.grace_ms) } else { self.shared.grace_ms };
        for held in self.encounters.values_mut() {
            // A clock that was ahead: else grace would not pass before that time.
            held.last_event_ms = held.last_event_ms.min(now_ms);
        }
        let due = |held: &LiveEncounter| {
            held.state == ReportState::Live
                && !held.is_busy()
                && !held.main.is_ended()
                && !held.set_aside
                && now_ms - held.last_event_ms >= grace_ms
        };
        let due: Vec<_> = self.encounters.iter().filter(|(_, held)| due(held)).map(|(id, _)| *id).collect();
        for id in due {
            self.keep(id, ReportState::Provisional);
        }
        let is_live = |held: &LiveEncounter| held.state == ReportState::Live && !held.set_aside;
        let busy = self.encounters.values().any(|held| held.is_busy() || is_live(held));
        let at_work = !(self.opening.is_empty() && self.discarding.is_empty() && self.chores.is_empty());
        if busy || at_work || self.uplink.is_some() || !self.room.is_empty() {
            self.needed_at = Instant::now();
        }
        self.needed_at.elapsed() >= LINGER && self.inbox.is_empty()
    }

    /// Keeps the line of a fight that is let go of, if it is one of the raid's.
    fn list(&mut self, held: &LiveEncounter) {
        if held.row.raid_code == self.row.code {
            self.earlier.push(held.line());
            self.earlier.sort_by_key(|line| line.started_at_ms);
        }
    }

    fn key(&self, encounter: EncounterId) -> EncounterKey {
        EncounterKey { account: self.row.account, encounter }
    }

    /// The relay stops, or nobody needs the raid: finish what is under way, and say goodbye.
    async fn drain(&mut self) {
        if let Some(uplink) = &self.uplink {
            let _ = uplink.replies.try_send(UplinkReply::Draining { retry_ms: 1_000 });
        }
        while let Some(appended) = self.appends.next().await {
            self.appended(appended);
        }
        self.room.dismiss_all(Whom::Everybody, "the relay restarts; come back in a moment", Some(1_000));
    }
}
