//! The one owner of a raid: its encounters' folds, its uplink, its spectators.
//!
//! Started by the registry; ends by itself when nothing is attached and nothing is live for a minute, or when the
//! relay drains; awaited by the registry's join. A delta's way: check against the gate, append, and when that is
//! durable fold and acknowledge. Appends are pipelined; fan-out goes on meanwhile.

mod feed;
mod uplink;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{FuturesOrdered, FuturesUnordered};
use futures::{FutureExt, StreamExt};
use raidcast_shared::feed::FeedFightRef;
use raidcast_shared::fold::Checked;
use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::limits::PACES;
use raidcast_shared::report::Report;
use raidcast_shared::uplink::{Ending, ReportState, UplinkReply};
use raidcast_shared::view;
use raidcast_store::{EncounterKey, RaidRow, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

use super::command::{RaidCommand, RaidHandle, Snapshot};
use super::encounter::LiveEncounter;
use super::registry::{RaidRegistry, Shared};
use crate::fanout::{Pings, Room, Whom};
use crate::finalize::{self, Keep};
use crate::span::DeltaLog;

/// A task that nobody needs stays this long, so that a reload of the page finds it.
const LINGER: Duration = Duration::from_mins(1);
/// How often grace and lingering are looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// From the last delta of an old fight to a provisional report, ms.
const HISTORY_GRACE_MS: i64 = 15_000;
/// A client whose append failed tries again after this, ms.
const STORE_RETRY_MS: u32 = 1_000;

/// The uplink connection that speaks for the raid.
struct Uplink {
    connection: u64,
    replies: mpsc::Sender<UplinkReply>,
    next_handle: u32,
    handles: HashMap<u32, (EncounterId, StreamId)>,
    /// Begun, known from another raid, and left there until something of it is sent.
    elsewhere: HashMap<EncounterId, uplink::Elsewhere>,
}

/// An append that was answered.
struct Appended {
    encounter: EncounterId,
    stream: StreamId,
    what: What,
    received_ms: i64,
    result: Result<(), StoreError>,
}

enum What {
    Delta { checked: Box<Checked>, delta: Bytes, captured_ms: i64 },
    End(Box<Ending>),
}

/// Work beside the pipeline that was done.
enum Chore {
    Opened(Box<uplink::Opened>),
    Kept { encounter: EncounterId, stream: StreamId, result: Box<Result<Report, StoreError>>, state: ReportState },
    StreamBegun { beginning: Box<uplink::Beginning>, result: Result<(), StoreError> },
    Done(Result<(), StoreError>),
}

/// An encounter that another raid goes on with.
struct Releasing {
    encounter: EncounterId,
    moves: bool,
    reply: oneshot::Sender<()>,
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
    appends: FuturesOrdered<BoxFuture<'static, Appended>>,
    chores: FuturesUnordered<BoxFuture<'static, Chore>>,
    opening: Vec<EncounterId>,
    releasing: Vec<Releasing>,
    room: Room,
    feed: feed::FeedState,
    snapshot: Option<(EncounterId, u64, Arc<Snapshot>)>,
    needed_at: Instant,
}

impl RaidTask {
    pub(super) fn new(
        registry: Arc<RaidRegistry>,
        me: RaidHandle,
        inbox: mpsc::Receiver<RaidCommand>,
        row: RaidRow,
        encounters: Vec<LiveEncounter>,
    ) -> Self {
        let encounters: BTreeMap<_, _> = encounters.into_iter().map(|held| (held.row.key.encounter, held)).collect();
        let current =
            encounters.iter().max_by_key(|(_, held)| (held.state == ReportState::Live, held.row.started_at_ms));
        let room = Room::new(registry.tasks(), Pings::of(&registry.shared.limits));
        let feed = feed::FeedState::new(format!("{}-{}", registry.shared.boot, registry.shared.connection_id()));
        Self {
            shared: Arc::clone(&registry.shared),
            current: current.map(|(id, _)| *id),
            registry,
            me,
            inbox,
            row,
            earlier: Vec::new(),
            encounters,
            uplink: None,
            appends: FuturesOrdered::new(),
            chores: FuturesUnordered::new(),
            opening: Vec::new(),
            releasing: Vec::new(),
            room,
            feed,
            snapshot: None,
            needed_at: Instant::now(),
        }
    }

    pub(super) async fn run(mut self) {
        self.load_earlier().await;
        // What ended before the relay was stopped gets its report now.
        let ended =
            self.encounters.iter().filter(|(_, held)| held.state == ReportState::Live && held.main.ending.is_some());
        let ended: Vec<_> = ended.map(|(id, _)| *id).collect();
        for id in ended {
            self.keep(id, ReportState::Final);
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
        }
        self.drain().await;
    }

    async fn load_earlier(&mut self) {
        let store = Arc::clone(&self.shared.store);
        match store.raid_reports(&self.row.code).await {
            Ok(mut lines) => {
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
            Err(error) => tracing::warn!(raid = self.row.code, %error, "could not list a raid's fights"),
        }
    }

    fn command(&mut self, command: RaidCommand) {
        self.needed_at = Instant::now();
        match command {
            RaidCommand::Attach { connection, replies, title, visibility } => {
                self.attach(connection, replies, title, visibility);
            }
            RaidCommand::Detach { connection } => self.detach(connection),
            RaidCommand::Uplink { connection, frame, received_ms } => {
                self.uplink_frame(connection, *frame, received_ms);
            }
            RaidCommand::Join { socket, wish, reply } => self.join(socket, &wish, reply),
            RaidCommand::Spectator { id, format, pace, what } => self.spectator(id, format, pace, what),
            RaidCommand::Superseded => self.room.dismiss_all(
                Whom::ByChannel,
                "the channel shows another raid now; come back for it",
                Some(100),
            ),
            RaidCommand::Snapshot { report_id, reply } => {
                let _ = reply.send(self.snapshot(&report_id));
            }
            RaidCommand::Log { report_id, reply } => {
                let held = self.encounters.values().find(|held| held.row.report_id == report_id);
                let _ = reply.send(held.and_then(LiveEncounter::log).map(Box::new));
            }
            RaidCommand::Held { encounter, stream, reply } => {
                let held = self.encounters.get(&encounter);
                let _ = reply.send(held.map(|held| (held.row.clone(), held.held(stream))));
            }
            RaidCommand::Release { encounter, moves, reply } => {
                self.releasing.push(Releasing { encounter, moves, reply });
                self.release();
            }
            RaidCommand::Connected { reply } => {
                let _ = reply.send(self.uplink.is_some());
            }
        }
    }

    /// An append is durable, or failed: fold and acknowledge all that are, with one Ack for each handle.
    fn appended(&mut self, first: Appended) {
        let mut acks: BTreeMap<u32, u64> = BTreeMap::new();
        let mut ended = Vec::new();
        let mut next = Some(first);
        while let Some(appended) = next {
            self.appended_one(appended, &mut acks, &mut ended);
            next = self.appends.next().now_or_never().flatten();
        }
        for (h, q) in acks {
            self.reply(UplinkReply::Ack { h, q });
        }
        for (id, stream) in ended {
            self.keep_ended(id, stream);
        }
        self.release();
    }

    fn appended_one(
        &mut self,
        appended: Appended,
        acks: &mut BTreeMap<u32, u64>,
        ended: &mut Vec<(EncounterId, StreamId)>,
    ) {
        let Appended { encounter: id, stream, what, received_ms, result } = appended;
        self.shared.store_ok.store(result.is_ok(), Ordering::Relaxed);
        let handle = self.handle_of(id, stream);
        let Some(encounter) = self.encounters.get_mut(&id) else { return };
        let Some(reading) = encounter.reading(stream) else { return };
        let again = reading.answered(result.is_ok());
        if let Err(error) = result {
            tracing::warn!(raid = self.row.code, %error, "could not append; the client will send again");
            if again && let Some(h) = handle {
                self.refuse_store(h);
            }
            return;
        }
        if reading.failed {
            return;
        }
        match what {
            What::Delta { checked, delta, captured_ms } => {
                reading.apply(&checked, delta, captured_ms, received_ms);
                let seq = reading.state.seq();
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
                self.promote(id);
            }
            What::End(ending) => {
                let last = ending.last_seq;
                reading.ending = Some(*ending);
                reading.ending_under_way = false;
                if let Some(h) = handle {
                    acks.insert(h, last);
                }
                encounter.changes += 1;
                self.promote(id);
                ended.push((id, stream));
            }
        }
    }

    fn promote(&mut self, id: EncounterId) {
        if self.encounters.get_mut(&id).is_some_and(LiveEncounter::promote) && self.current == Some(id) {
            self.new_epoch();
        }
    }

    /// A reading has ended: its report is kept, unless a greater one stands.
    fn keep_ended(&mut self, id: EncounterId, stream: StreamId) {
        let Some(encounter) = self.encounters.get_mut(&id) else { return };
        if encounter.main.stream == stream {
            self.keep(id, ReportState::Final);
            return;
        }
        // It ended with less than is held: what is held stays.
        encounter.candidate = None;
        let row = encounter.row.row;
        self.drop_stream(row, stream);
        self.send_finalized(id);
    }

    /// Nothing of a reading is needed any more.
    fn drop_stream(&mut self, encounter: i64, stream: StreamId) {
        let store = Arc::clone(&self.shared.store);
        self.chores.push(async move { Chore::Done(store.drop_stream(encounter, stream).await) }.boxed());
    }

    fn keep(&mut self, id: EncounterId, state: ReportState) {
        let Some(encounter) = self.encounters.get_mut(&id) else { return };
        if encounter.keeping {
            return;
        }
        encounter.keeping = true;
        let stream = encounter.main.stream;
        let keep = Keep { row: encounter.row.clone(), stream, revision: encounter.revision, state };
        let kept = finalize::keep(Arc::clone(&self.shared.store), self.shared.clock.clone(), keep);
        self.chores.push(
            kept.map(move |result| Chore::Kept { encounter: id, stream, result: Box::new(result), state }).boxed(),
        );
    }

    fn chore_done(&mut self, chore: Chore) {
        match chore {
            Chore::Opened(opened) => self.opened(*opened),
            Chore::Kept { encounter, stream, result, state } => self.kept(encounter, stream, *result, state),
            Chore::StreamBegun { beginning, result } => self.stream_begun(&beginning, result),
            Chore::Done(Ok(())) => {}
            Chore::Done(Err(error)) => tracing::warn!(raid = self.row.code, %error, "could not write a change"),
        }
        self.release();
    }

    fn kept(&mut self, id: EncounterId, stream: StreamId, result: Result<Report, StoreError>, state: ReportState) {
        let Some(encounter) = self.encounters.get_mut(&id) else { return };
        encounter.keeping = false;
        let report = match result {
            Ok(report) => report,
            Err(error) => {
                tracing::error!(report = encounter.row.report_id, %error, "could not make a report");
                return;
            }
        };
        if encounter.main.stream != stream {
            // Another reading was promoted meanwhile: its own end keeps it.
            if encounter.main.ending.is_some() {
                self.keep(id, ReportState::Final);
            }
            return;
        }
        if state == ReportState::Provisional && encounter.main.is_ended() {
            self.keep(id, ReportState::Final);
            return;
        }
        if report.fight.checksum != encounter.checksum().to_string()
            && !encounter.main.failed
            && encounter.main.under_way == 0
        {
            tracing::error!(
                report = encounter.row.report_id,
                "the stored log folds to another checksum than the live state"
            );
        }
        if state == ReportState::Final {
            // Its streams are gone with the journal: a reading that is still on its way begins anew.
            encounter.candidate = None;
            encounter.main.deltas = DeltaLog::default();
        }
        encounter.state = state;
        encounter.row.state = state;
        encounter.row.revision = encounter.revision;
        encounter.row.kept_stream = Some(stream);
        encounter.kept = Some(report);
        encounter.changes += 1;
        self.fight_ended(id);
        self.send_finalized(id);
    }

    /// A provisional report goes on.
    fn reopen(&mut self, id: EncounterId) {
        let Some(encounter) = self.encounters.get_mut(&id) else { return };
        encounter.state = ReportState::Live;
        encounter.kept = None;
        encounter.changes += 1;
        let (store, row) = (Arc::clone(&self.shared.store), encounter.row.row);
        self.chores.push(async move { Chore::Done(store.reopen_report(row).await) }.boxed());
        self.show(id);
    }

    /// Grace and lingering; true if the task is to end.
    fn housekeep(&mut self) -> bool {
        self.room.sweep();
        let now_ms = self.shared.clock.now_ms();
        // Of old fights nothing is live: what stops coming is provisional, and goes on if it comes.
        let grace_ms = if self.row.history { HISTORY_GRACE_MS.min(self.shared.grace_ms) } else { self.shared.grace_ms };
        let due = |held: &LiveEncounter| {
            held.state == ReportState::Live
                && !held.is_busy()
                && !held.main.is_ended()
                && now_ms - held.last_event_ms >= grace_ms
        };
        let due: Vec<_> = self.encounters.iter().filter(|(_, held)| due(held)).map(|(id, _)| *id).collect();
        for id in due {
            self.keep(id, ReportState::Provisional);
        }
        let busy = self.encounters.values().any(|held| held.is_busy() || held.state == ReportState::Live);
        if busy || self.uplink.is_some() || !self.room.is_empty() || !self.opening.is_empty() || !self.chores.is_empty()
        {
            self.needed_at = Instant::now();
        }
        self.needed_at.elapsed() >= LINGER && self.inbox.is_empty()
    }

    fn snapshot(&mut self, report_id: &str) -> Option<Arc<Snapshot>> {
        let (id, encounter) = self.encounters.iter().find(|(_, held)| held.row.report_id == report_id)?;
        if let Some((held, changes, snapshot)) = &self.snapshot
            && (held, *changes) == (id, encounter.changes)
        {
            return Some(Arc::clone(snapshot));
        }
        let snapshot = Arc::new(Snapshot {
            report: encounter.report(),
            line: encounter.line(),
            timeline: view::timeline(&encounter.main.state, report_id.to_owned(), encounter.revision),
        });
        self.snapshot = Some((*id, encounter.changes, Arc::clone(&snapshot)));
        Some(snapshot)
    }

    /// Lets encounters go that another raid asked for, once nothing of them is under way.
    fn release(&mut self) {
        let mut waiting = Vec::new();
        for releasing in std::mem::take(&mut self.releasing) {
            let id = releasing.encounter;
            if self.opening.contains(&id) || self.encounters.get(&id).is_some_and(LiveEncounter::is_busy) {
                waiting.push(releasing);
                continue;
            }
            if let Some(held) = self.encounters.remove(&id) {
                self.registry.disown(held.row.key, &self.me);
                if !releasing.moves {
                    self.list(&held);
                }
            }
            if let Some(uplink) = &mut self.uplink {
                uplink.handles.retain(|_, (encounter, _)| *encounter != id);
            }
            if self.current == Some(id) {
                self.current = self.encounters.keys().next_back().copied();
                self.new_epoch();
            }
            let _ = releasing.reply.send(());
        }
        self.releasing = waiting;
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
        self.registry.remove(&self.me);
        if let Some(uplink) = &self.uplink {
            let _ = uplink.replies.try_send(UplinkReply::Draining { retry_ms: 1_000 });
        }
        while let Some(appended) = self.appends.next().await {
            self.appended(appended);
        }
        self.room.dismiss_all(Whom::Everybody, "the relay restarts; come back in a moment", Some(1_000));
        for held in self.encounters.values() {
            self.registry.disown(held.row.key, &self.me);
        }
        // Who sent a command meanwhile gets no answer, and looks the raid up again.
        self.inbox.close();
    }
}
