//! One fight on its way to the relay: its encoder, its spool, and how far the present connection has got.
//!
//! One invariant: what is sent stands in the spool. What the disk did not take waits in order, and until it did the
//! source is not read further.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;

use raidcast_shared::checksum::Checksum;
use raidcast_shared::event::{Rare, SourceEvent, SourceKey};
use raidcast_shared::id::EncounterId;
use raidcast_shared::limits as l;
use raidcast_shared::uplink::{Begin, Delta, Ending, Held, ReportState};

use super::finish::Finish;
use super::record::NAMELESS;
use super::resume::{Ours, Resume, resume};
use crate::encoder::{Encoder, Lost, late_header};
use crate::source::{CursorDelta, CursorKey, CursorValue, Fight, Generation, Reading};
use crate::spool::Spool;

/// What was told of the fight as a whole beside its header: (hash of it, how often). No source uses this place.
const HEADER: CursorKey = CursorKey(u8::MAX, 0);

/// Up to which delta the relay can hold nothing but what stands in the spool: (seq, [`UNSURE`] from the moment that
/// another start of the client goes on with the spool until the relay has told what it holds). What was sent before
/// that start and is not in the spool any more, a power cut took; so its seqs may be taken a second time.
const OPENED: CursorKey = CursorKey(u8::MAX, 1);
/// The relay has not told yet whether it holds more.
const UNSURE: u64 = 1;

/// A relay answers each frame once its database has it; where it has said nothing for this long, ms, the fight is begun
/// again, and goes on from what the relay holds.
const UNANSWERED_MS: u64 = 10_000;

/// A fight that another client streams is looked at again after, ms. The wait doubles while the other keeps up, for a
/// look makes it begin again, too.
const STAND_BY_MS: u64 = 5_000;
/// The longest wait, ms.
const STAND_BY_MS_MAX: u64 = 40_000;
/// Another client keeps up that has what ours had so long ago, ms.
const KEEPS_UP_MS: u64 = 3_000;

/// How a fight stands with the present connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Begin is to be sent.
    Unbegun,
    /// Begin was sent.
    Asked,
    /// Deltas may be sent.
    Open {
        /// Names it on this connection.
        h: u32,
    },
    /// The relay holds what the spool lost: to be read again.
    Lost,
    /// The relay does not take it: not tried again before the next start.
    GivenUp,
}

/// What is to be written to the spool.
enum Step {
    Reading { deltas: Vec<Delta>, cursor: CursorDelta, lost: Lost },
    Note(CursorDelta),
    End(Ending),
}

/// A fight on its way.
#[allow(clippy::struct_excessive_bools, reason = "each says one thing, and they combine freely")]
pub(super) struct Stream {
    spool: Spool,
    /// `None` once the fight has ended.
    encoder: Option<Encoder>,
    steps: VecDeque<Step>,
    /// As its database shows it; `None` before it was looked at since the start.
    pub(super) fight: Option<Fight>,
    pub(super) standing: Standing,
    /// Nothing is sent before.
    pub(super) pause_until_ms: u64,
    next_seq: u64,
    acked: u64,
    /// Seq and bytes of what was sent on this connection and is not acknowledged.
    in_flight: VecDeque<(u64, u32)>,
    end_sent: bool,
    /// The last seq of this reading that the relay can hold as it stands in the spool; see [`OPENED`].
    sure: u64,
    /// The spool says that the relay may hold more.
    is_unsure: bool,
    /// Where the relay was last found to have the same sums.
    compared: u64,
    /// All was sent, and Begin was sent once more to hear what it adds up to there.
    asked_at_end: bool,
    /// The relay's sums were not ours once: a second time it costs a warning, for reading again does not heal it.
    pub(super) doubted: bool,
    pub(super) last_event_ms: u64,
    pub(super) last_sent_ms: u64,
    pub(super) idle_sent: bool,
    pub(super) idle_told: bool,
    /// A refusal was told and nothing was acknowledged since.
    pub(super) refusal_told: bool,
    /// Report id and page, once told.
    pub(super) report: Option<(String, String)>,
    events: u64,
    elapsed_ms: u32,
    /// Its boss, as far as it was known when the encoder was there last.
    boss: Option<String>,
    /// Why the relay has not taken it, in its words.
    pub(super) refusal: Option<String>,
    /// Refusals in a row.
    pub(super) refusals: u32,
    /// Another client's reading took the place of ours.
    pub(super) gave_way: bool,
    /// How many events that one had when it was looked at last.
    rival_events: Option<u64>,
    /// The next wait for it, ms.
    stand_by_ms: u64,
    /// When so many events were read, ms: some seconds ago, and before that.
    read_before: [(u64, u64); 2],
}

impl Stream {
    pub(super) fn new(spool: Spool, encoder: Encoder, fight: Option<Fight>, now_ms: u64) -> Self {
        let events = encoder.state().events();
        let elapsed_ms = encoder.state().extent_ms().map_or(0, |(_, last)| last);
        Self {
            boss: encoder.boss(),
            refusal: None,
            refusals: 0,
            gave_way: false,
            rival_events: None,
            stand_by_ms: STAND_BY_MS,
            read_before: [(now_ms, events); 2],
            encoder: spool.ending().is_none().then_some(encoder),
            spool,
            steps: VecDeque::new(),
            fight,
            standing: Standing::Unbegun,
            pause_until_ms: 0,
            next_seq: 1,
            acked: 0,
            in_flight: VecDeque::new(),
            end_sent: false,
            sure: 0,
            is_unsure: false,
            compared: 0,
            asked_at_end: false,
            doubted: false,
            last_event_ms: now_ms,
            last_sent_ms: now_ms,
            idle_sent: false,
            idle_told: false,
            refusal_told: false,
            report: None,
            events,
            elapsed_ms,
        }
    }

    /// A fight whose spool is from an earlier start.
    pub(super) fn resumed(spool: Spool, encoder: Encoder, now_ms: u64) -> Self {
        let mut stream = Self::new(spool, encoder, None, now_ms);
        let seq = stream.spool.seq();
        stream.sure = seq;
        match stream.spool.cursor().get(OPENED) {
            Some(CursorValue(sure, UNSURE)) => (stream.sure, stream.is_unsure) = (sure.min(seq), true),
            // Nothing is made of it any more.
            _ if stream.is_ended() => {}
            _ => {
                stream.steps.push_back(Step::Note(vec![(OPENED, CursorValue(seq, UNSURE))]));
                stream.is_unsure = true;
            }
        }
        stream
    }

    pub(super) fn encounter(&self) -> EncounterId {
        self.spool.head().encounter
    }

    pub(super) fn row(&self) -> i64 {
        self.spool.head().row
    }

    pub(super) fn started_at_ms(&self) -> i64 {
        self.spool.head().header.started_at_ms
    }

    pub(super) fn is_of(&self, db: &str) -> bool {
        self.spool.head().db == db
    }

    /// Whether what was read of it can be gone on from in this database, as this generation stores it.
    pub(super) fn goes_on_in(&self, db: &str, generation: Generation) -> bool {
        self.is_of(db) && self.spool.head().generation.is_none_or(|held| held == generation)
    }

    pub(super) fn spool(&self) -> &Spool {
        &self.spool
    }

    pub(super) fn spool_mut(&mut self) -> &mut Spool {
        &mut self.spool
    }

    pub(super) fn into_spool(self) -> Spool {
        self.spool
    }

    /// Whether its end is read, if not yet written.
    pub(super) fn is_ended(&self) -> bool {
        self.encoder.is_none()
    }

    /// Whether the disk has taken all that was read.
    pub(super) fn is_spooled(&self) -> bool {
        self.steps.is_empty()
    }

    /// Hits and deaths that were read.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// From its begin to its last event, ms.
    pub(super) fn elapsed_ms(&self) -> u32 {
        self.elapsed_ms
    }

    /// Its boss, else its scene.
    pub(super) fn title(&self) -> String {
        let boss = self.encoder.as_ref().and_then(Encoder::boss).or_else(|| self.boss.clone());
        let scene = || self.spool.head().header.scene.clone();
        boss.or_else(scene).unwrap_or_else(|| NAMELESS.to_owned())
    }

    /// Takes in a reading, to be written by [`Stream::flush`]. Whether there was any event in it.
    pub(super) fn take(&mut self, reading: Reading, captured_ms: i64, now_ms: u64) -> bool {
        let Some(encoder) = &mut self.encoder else { return false };
        if reading.events.is_empty() && reading.cursor.is_empty() {
            return false;
        }
        let deltas = encoder.encode(reading.events, captured_ms);
        let any = !deltas.is_empty();
        self.steps.push_back(Step::Reading { deltas, cursor: reading.cursor, lost: encoder.lost().clone() });
        self.events = encoder.state().events();
        if now_ms.saturating_sub(self.read_before[1].0) >= KEEPS_UP_MS {
            self.read_before = [self.read_before[1], (now_ms, self.events)];
        }
        self.elapsed_ms = encoder.state().extent_ms().map_or(0, |(_, last)| last);
        if any {
            self.last_event_ms = now_ms;
            self.idle_sent = false;
            self.idle_told = false;
        }
        any
    }

    /// Adds to a reading what became known of the fight as a whole since it began, unless that was told before.
    pub(super) fn tell_header(&self, fight: &Fight, reading: &mut Reading) {
        let told = self.spool.cursor().get(HEADER);
        let Some(body) = late_header(fight, &self.spool.head().header) else { return };
        let mut hasher = DefaultHasher::new();
        (fight.scene_id, &fight.scene, fight.difficulty, fight.local_player).hash(&mut hasher);
        let hash = hasher.finish();
        if told.is_some_and(|told| told.0 == hash) {
            return;
        }
        let times = told.map_or(0, |told| told.1 + 1);
        // True of the whole fight, so at its begin; the later telling wins by its key.
        let key = SourceKey::new(HEADER.0.into(), times as u32);
        reading.events.push(SourceEvent::Rare(Rare { at_ms: 0, key, body }));
        reading.cursor.push((HEADER, CursorValue(hash, times)));
    }

    /// Ends the fight, to be written by [`Stream::flush`].
    pub(super) fn finish(&mut self, finish: &Finish, captured_ms: i64) {
        let Some(mut encoder) = self.encoder.take() else { return };
        let finish = finish.fit(self.started_at_ms(), self.elapsed_ms);
        self.boss = encoder.boss();
        let deltas = encoder.finish(captured_ms);
        self.steps.push_back(Step::Reading { deltas, cursor: CursorDelta::new(), lost: encoder.lost().clone() });
        self.steps.push_back(Step::End(Ending {
            last_seq: encoder.seq(),
            ended_at_ms: finish.ended_at_ms,
            outcome: finish.outcome,
            checksum: encoder.checksum(),
            meter: finish.meter,
        }));
    }

    /// Writes what waits to the spool.
    ///
    /// # Errors
    /// The disk does not take it: it still waits.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while let Some(step) = self.steps.front() {
            match step {
                Step::Reading { deltas, cursor, lost } => self.spool.append(deltas, cursor, lost)?,
                Step::Note(cursor) => self.spool.note(cursor)?,
                Step::End(ending) => self.spool.end(ending.clone())?,
            }
            self.steps.pop_front();
        }
        Ok(())
    }

    /// A delta that says that the fight goes on, if it has any before it.
    pub(super) fn heartbeat(&self, captured_ms: i64) -> Option<Delta> {
        let encoder = self.encoder.as_ref().filter(|encoder| encoder.seq() > 0 && self.is_spooled())?;
        Some(encoder.heartbeat(captured_ms))
    }

    /// Whether it may be begun: a fight that is over in the meter only when all of it is read, for what the relay
    /// holds is compared with all of it. `over`: it is over whatever the meter says.
    pub(super) fn may_begin(&self, now_ms: u64, over: bool) -> bool {
        let over = over || self.fight.as_ref().is_some_and(|fight| fight.end.is_some());
        self.standing == Standing::Unbegun && now_ms >= self.pause_until_ms && (!over || self.spool.ending().is_some())
    }

    /// Whether the relay owes an answer for too long: to its Begin, its deltas or its End.
    pub(super) fn is_unanswered(&self, now_ms: u64) -> bool {
        let owed = match self.standing {
            Standing::Asked => true,
            Standing::Open { .. } => !self.in_flight.is_empty() || self.end_sent,
            Standing::Unbegun | Standing::Lost | Standing::GivenUp => false,
        };
        let since_ms = self.last_sent_ms.max(self.pause_until_ms);
        owed && now_ms.saturating_sub(since_ms) >= UNANSWERED_MS
    }

    /// The frame that begins it on a connection.
    pub(super) fn begin(&self) -> Begin {
        let head = self.spool.head();
        Begin { enc: head.encounter, stream: head.stream, header: head.header.clone() }
    }

    /// A connection ended: what it had got to counts no more.
    pub(super) fn disconnect(&mut self) {
        if matches!(self.standing, Standing::Asked | Standing::Open { .. }) {
            self.standing = Standing::Unbegun;
        }
        self.in_flight.clear();
        self.idle_sent = false;
        self.pause_until_ms = 0;
    }

    /// The relay took it up, holding this.
    pub(super) fn begun(&mut self, h: u32, held: Option<&Held>, now_ms: u64) -> Resume {
        if held.is_some_and(|held| self.stands_by(held)) {
            self.standing = Standing::Unbegun;
            self.pause(now_ms + self.stand_by_ms);
            return Resume::StandBy;
        }
        (self.gave_way, self.rival_events, self.stand_by_ms) = (false, None, STAND_BY_MS);
        let ended = self.spool.ending().map(|ending| ending.checksum);
        let reading = self.spool.head();
        let sums = !reading.header.knows.hits;
        let (stream, sure, events) = (reading.stream, self.sure, self.events);
        let at_held = match held.filter(|held| held.stream == stream).map(|held| self.fold_to(held.seq)).transpose() {
            Ok(at_held) => at_held.flatten(),
            Err(error) => {
                tracing::warn!(%error, "a spool cannot be read; its fight is read again");
                self.standing = Standing::Lost;
                return Resume::Anew;
            }
        };
        let resume = resume(held, &Ours { stream, sure, at_held, events, sums, ended });
        self.standing = match resume {
            Resume::From(seq) => {
                self.go_on_from(seq);
                self.acked = seq - 1;
                if at_held.is_some() {
                    self.compared = self.acked;
                }
                self.is_sure();
                Standing::Open { h }
            }
            Resume::Anew => {
                self.doubted |= at_held.is_some();
                Standing::Lost
            }
            // The caller takes it out.
            Resume::Known | Resume::Kept | Resume::StandBy => Standing::GivenUp,
        };
        resume
    }

    /// Events and checksum of our deltas up to a seq, where they are to be compared with what the relay makes of them:
    /// once after each start, and at the end.
    fn fold_to(&mut self, seq: u64) -> io::Result<Option<(u64, Checksum)>> {
        if self.doubted || seq > self.sure || seq <= self.compared {
            return Ok(None);
        }
        if seq == self.spool.seq() && self.is_spooled() {
            if let Some(encoder) = &self.encoder {
                return Ok(Some((encoder.state().events(), encoder.checksum())));
            }
            return Ok(self.spool.ending().map(|ending| (self.events, ending.checksum)));
        }
        // Where another start has not left off, this one has sent all of it, and the deltas' own checksums tell.
        if !self.is_unsure {
            return Ok(None);
        }
        let state = self.spool.fold_to(seq)?;
        Ok(Some((state.events(), state.checksum())))
    }

    /// The relay has told what it holds of this reading, and it is what the spool holds: what is sent from now on is.
    fn is_sure(&mut self) {
        if std::mem::take(&mut self.is_unsure) {
            self.steps.push_back(Step::Note(vec![(OPENED, CursorValue(self.spool.seq(), 0))]));
        }
    }

    /// Whether the relay can hold this delta of the reading only if another process sent it.
    pub(super) fn is_foreign(&self, seq: u64) -> bool {
        seq > self.sure
    }

    /// Whether all has arrived and Begin is to be sent once more before End, to hear what it adds up to there.
    pub(super) fn asks_at_end(&mut self) -> bool {
        let seq = self.spool.seq();
        let asks = matches!(self.standing, Standing::Open { .. })
            && self.spool.ending().is_some()
            && self.acked >= seq
            && self.compared < seq
            && !(self.end_sent || self.asked_at_end || self.doubted);
        self.asked_at_end |= asks;
        asks
    }

    pub(super) fn is_end_sent(&self) -> bool {
        self.end_sent
    }

    /// Whether another client is streaming it, which ours gave way to: then there is nothing to send. The other has
    /// stopped where its reading does not grow and ours has more, or its end.
    fn stands_by(&mut self, held: &Held) -> bool {
        if !self.gave_way || held.stream == self.spool.head().stream || held.state != ReportState::Live {
            return false;
        }
        let grew = self.rival_events.replace(held.events).is_none_or(|before| held.events > before);
        let keeps_up = held.events >= self.read_before[0].1;
        let next_ms = if keeps_up && !self.is_ended() { self.stand_by_ms * 2 } else { STAND_BY_MS };
        self.stand_by_ms = next_ms.min(STAND_BY_MS_MAX);
        grew || (!self.is_ended() && self.events <= held.events)
    }

    /// Sends again from `seq` on.
    pub(super) fn go_on_from(&mut self, seq: u64) {
        self.next_seq = seq;
        self.in_flight.clear();
        self.end_sent = false;
    }

    /// Sends again what is not acknowledged, after a while.
    pub(super) fn pause(&mut self, until_ms: u64) {
        self.pause_until_ms = until_ms;
        self.go_on_from(self.acked + 1);
    }

    /// All up to `seq` is on the relay's stable storage; whether that is news.
    pub(super) fn ack(&mut self, seq: u64) -> bool {
        let seq = seq.min(self.spool.seq());
        while self.in_flight.front().is_some_and(|(sent, _)| *sent <= seq) {
            self.in_flight.pop_front();
        }
        let news = seq > self.acked;
        self.acked = self.acked.max(seq);
        self.next_seq = self.next_seq.max(self.acked + 1);
        self.refusal_told &= !news;
        if news {
            self.refusal = None;
            self.refusals = 0;
        }
        news
    }

    pub(super) fn acked(&self) -> u64 {
        self.acked
    }

    /// Deltas that the relay has not acknowledged.
    pub(super) fn unacked(&self) -> u64 {
        let waiting = self.steps.iter().map(|step| match step {
            Step::Reading { deltas, .. } => deltas.len() as u64,
            Step::Note(_) | Step::End(_) => 0,
        });
        self.spool.seq() - self.acked.min(self.spool.seq()) + waiting.sum::<u64>()
    }

    /// Frames and bytes sent and not acknowledged.
    pub(super) fn in_flight(&self) -> (usize, usize) {
        (self.in_flight.len(), self.in_flight.iter().map(|(_, bytes)| *bytes as usize).sum())
    }

    /// Seq of the next delta to be sent, and its bytes; `None` if there is none.
    pub(super) fn next_frame(&self) -> Option<(u64, u32)> {
        (self.next_seq <= self.spool.seq()).then(|| (self.next_seq, self.spool.frame_bytes(self.next_seq)))
    }

    /// The next delta went out.
    pub(super) fn sent(&mut self, bytes: u32, now_ms: u64) {
        self.in_flight.push_back((self.next_seq, bytes));
        self.sure = self.sure.max(self.next_seq);
        self.next_seq += 1;
        self.last_sent_ms = now_ms;
    }

    /// The end, if it is to be sent now: when the relay has confirmed all before it, for what it refuses for a while
    /// comes again.
    pub(super) fn next_end(&self) -> Option<&Ending> {
        self.spool.ending().filter(|_| self.acked >= self.spool.seq() && !self.end_sent)
    }

    pub(super) fn end_sent(&mut self, now_ms: u64) {
        self.last_sent_ms = now_ms;
        self.end_sent = true;
    }

    /// Whether it is past its heartbeats.
    pub(super) fn is_idle(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.last_event_ms) >= l::IDLE_MS
    }
}
