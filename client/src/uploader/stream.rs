//! One fight on its way to the relay: what was read of it, and how far the present connection has got.
//!
//! One invariant: what is sent stands in the spool. Its parts have files: what is read ([`intake`]), what was sent
//! ([`window`]), what the relay is known to hold ([`agreement`]), another client with the same fight ([`rival`]),
//! refusals, silence and delays.

mod agreement;
mod delays;
mod intake;
mod refusals;
mod rival;
mod silence;
mod window;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;

use raidcast_shared::checksum::Checksum;
use raidcast_shared::event::{Rare, SourceEvent, SourceKey};
use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::uplink::{Begin, Delta, Ending, Held};
use uuid::Uuid;

use super::finish::Finish;
use super::resume::{Ours, Resume, resume};
use crate::header::late_header;
use crate::source::{CursorDelta, Fight, Generation, Mark, Reading};
use crate::spool::Spool;
use agreement::Agreement;
use delays::Delays;
use intake::Intake;
use raidcast_shared::encode::Encoder;
use refusals::Refusals;
use rival::Rival;
use silence::Silence;
use window::Window;

/// What was told of the fight as a whole beside its header: (hash of it, how often).
const HEADER: Mark = Mark(0);

/// The reading whose place this one takes, for it was of rows that are there no more: its stream's two halves.
const REPLACES: Mark = Mark(2);

/// A relay answers each frame once its database has it; where it has said nothing for this long, ms, the fight is begun
/// again, and goes on from what the relay holds.
const UNANSWERED_MS: u64 = 10_000;

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

/// A fight on its way.
pub(super) struct Stream {
    /// As its database shows it; `None` before it was looked at since the start.
    pub(super) fight: Option<Fight>,
    pub(super) standing: Standing,
    /// Report id and page, once told.
    pub(super) report: Option<(String, String)>,
    intake: Intake,
    window: Window,
    agreement: Agreement,
    rival: Rival,
    refusals: Refusals,
    silence: Silence,
    delays: Delays,
}

impl Stream {
    pub(super) fn new(spool: Spool, encoder: Encoder, fight: Option<Fight>, now_ms: u64) -> Self {
        let intake = Intake::new(spool, encoder);
        Self {
            fight,
            standing: Standing::Unbegun,
            report: None,
            window: Window::new(now_ms),
            agreement: Agreement::default(),
            rival: Rival::new(intake.events(), now_ms),
            refusals: Refusals::default(),
            silence: Silence::new(now_ms),
            delays: Delays::default(),
            intake,
        }
    }

    /// A fight whose spool is from an earlier start.
    pub(super) fn resumed(spool: Spool, encoder: Encoder, now_ms: u64) -> Self {
        let mut stream = Self::new(spool, encoder, None, now_ms);
        let spool = stream.spool();
        let (agreement, note) = Agreement::resumed(spool.cursor(), spool.seq(), stream.is_ended());
        stream.agreement = agreement;
        if let Some(note) = note {
            stream.intake.note(note);
        }
        // When it was read nobody knows any more: at its last event, or soon after.
        let newest_ms = i64::from(stream.elapsed_ms());
        stream.read_at(newest_ms);
        stream
    }

    /// All that there is so far was read by then, ms since the fight began.
    fn read_at(&mut self, captured_ms: i64) {
        let seq = self.spool().seq() + self.intake.unwritten();
        let unix_ms = self.started_at_ms().saturating_add(captured_ms);
        if seq > 0 {
            self.delays.read(seq, unix_ms);
        }
    }

    /// The same fight, read again from its begin into another spool.
    pub(super) fn anew(&self, spool: Spool, encoder: Encoder, now_ms: u64) -> Self {
        let mut stream = Self {
            report: self.report.clone(),
            agreement: self.agreement.anew(),
            refusals: self.refusals.anew(),
            ..Self::new(spool, encoder, self.fight.clone(), now_ms)
        };
        if self.gave_way() {
            stream.give_way();
        }
        stream
    }

    pub(super) fn encounter(&self) -> EncounterId {
        self.spool().head().encounter
    }

    /// What the cursor of the reading remembers that takes the place of this one.
    pub(super) fn replaced(&self) -> CursorDelta {
        let (first, second) = self.spool().head().stream.0.as_u64_pair();
        vec![REPLACES.set(first, second)]
    }

    pub(super) fn row(&self) -> i64 {
        self.spool().head().row
    }

    pub(super) fn started_at_ms(&self) -> i64 {
        self.spool().head().header.started_at_ms
    }

    pub(super) fn is_of(&self, db: &str) -> bool {
        self.spool().head().db == db
    }

    /// Whether what was read of it can be gone on from in this database, as this generation stores it.
    pub(super) fn goes_on_in(&self, db: &str, generation: Generation) -> bool {
        self.is_of(db) && self.spool().head().generation.is_none_or(|held| held == generation)
    }

    pub(super) fn spool(&self) -> &Spool {
        self.intake.spool()
    }

    pub(super) fn spool_mut(&mut self) -> &mut Spool {
        self.intake.spool_mut()
    }

    pub(super) fn into_spool(self) -> Spool {
        self.intake.into_spool()
    }

    /// Whether its end is read, if not yet written.
    pub(super) fn is_ended(&self) -> bool {
        self.intake.is_ended()
    }

    /// Whether the disk has taken all that was read.
    pub(super) fn is_spooled(&self) -> bool {
        self.intake.is_spooled()
    }

    /// Hits and deaths that were read.
    pub(super) fn events(&self) -> u64 {
        self.intake.events()
    }

    /// From its begin to its last event, ms.
    pub(super) fn elapsed_ms(&self) -> u32 {
        self.intake.elapsed_ms()
    }

    /// Its boss, else its scene, if either is known by name.
    pub(super) fn title(&self) -> Option<String> {
        self.intake.title()
    }

    /// Takes in a reading, to be written by [`Stream::flush`]. Whether there was any event in it.
    pub(super) fn take(&mut self, reading: Reading, captured_ms: i64, now_ms: u64) -> bool {
        let Some(any) = self.intake.take(reading, captured_ms) else { return false };
        self.rival.note(self.intake.events(), now_ms);
        if any {
            self.silence.ends(now_ms);
            self.read_at(captured_ms);
            let newest_ms = i64::from(self.elapsed_ms());
            self.delays.of_meter(captured_ms.saturating_sub(newest_ms));
        }
        any
    }

    /// Adds to a reading what became known of the fight as a whole since it began, unless that was told before.
    pub(super) fn tell_header(&self, fight: &Fight, reading: &mut Reading) {
        let told = HEADER.get(self.spool().cursor());
        let Some(body) = late_header(fight, &self.spool().head().header) else { return };
        let mut hasher = DefaultHasher::new();
        (fight.scene_id, &fight.scene, fight.difficulty, fight.local_player).hash(&mut hasher);
        let hash = hasher.finish();
        if told.is_some_and(|told| told.0 == hash) {
            return;
        }
        let times = told.map_or(0, |told| told.1 + 1);
        // True of the whole fight, so at its begin; the later telling wins by its key.
        let key = SourceKey::new(Mark::PREFIX.into(), times as u32);
        reading.events.push(SourceEvent::Rare(Rare { at_ms: 0, key, body }));
        reading.cursor.push(HEADER.set(hash, times));
    }

    /// Ends the fight, to be written by [`Stream::flush`].
    pub(super) fn finish(&mut self, finish: &Finish, captured_ms: i64) {
        self.intake.finish(finish, captured_ms);
        self.read_at(captured_ms);
    }

    /// Writes what waits to the spool.
    ///
    /// # Errors
    /// The disk does not take it: it still waits.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.intake.flush()
    }

    /// How long it has had no event, ms.
    pub(super) fn silent_ms(&self, now_ms: u64) -> u64 {
        self.silence.ms(now_ms)
    }

    /// Whether it is past its heartbeats.
    pub(super) fn is_idle(&self, now_ms: u64) -> bool {
        self.silence.is_idle(now_ms)
    }

    /// Whether the relay was told that nothing happens.
    pub(super) fn is_idle_sent(&self) -> bool {
        self.silence.is_sent()
    }

    /// The relay was told that nothing happens; whether the user is to be told, too.
    pub(super) fn idle_sent(&mut self) -> bool {
        self.silence.sent()
    }

    /// A delta that says that the fight goes on, if one is due and any stands before it.
    pub(super) fn heartbeat(&self, every_ms: u64, captured_ms: i64, now_ms: u64) -> Option<Delta> {
        self.intake.heartbeat(captured_ms).filter(|_| self.window.quiet_ms(now_ms) >= every_ms)
    }

    /// The heartbeat went out.
    pub(super) fn heartbeat_sent(&mut self, now_ms: u64) {
        self.window.touch(now_ms);
    }

    /// Whether it may be begun: a fight that is over in the meter only when all of it is read, for what the relay
    /// holds is compared with all of it. `over`: it is over whatever the meter says.
    pub(super) fn may_begin(&self, now_ms: u64, over: bool) -> bool {
        let over = over || self.fight.as_ref().is_some_and(|fight| fight.end.is_some());
        self.standing == Standing::Unbegun && !self.is_paused(now_ms) && (!over || self.spool().ending().is_some())
    }

    /// Whether the relay owes an answer for too long: to its Begin, its deltas or its End.
    pub(super) fn is_unanswered(&self, now_ms: u64) -> bool {
        let owed = match self.standing {
            Standing::Asked => true,
            Standing::Open { .. } => self.window.is_owed(),
            Standing::Unbegun | Standing::Lost | Standing::GivenUp => false,
        };
        owed && self.window.owed_ms(now_ms) >= UNANSWERED_MS
    }

    /// The frame that begins it on a connection.
    pub(super) fn begin(&self) -> Begin {
        let head = self.spool().head();
        Begin { enc: head.encounter, stream: head.stream, header: head.header.clone() }
    }

    /// Begin went out.
    pub(super) fn asked(&mut self, now_ms: u64) {
        self.standing = Standing::Asked;
        self.window.touch(now_ms);
    }

    /// A connection ended: what it had got to counts no more.
    pub(super) fn disconnect(&mut self) {
        if matches!(self.standing, Standing::Asked | Standing::Open { .. }) {
            self.standing = Standing::Unbegun;
        }
        self.window.disconnect();
        self.silence.disconnect();
    }

    /// The relay took it up, holding this.
    pub(super) fn begun(&mut self, h: u32, held: Option<&Held>, now_ms: u64) -> Resume {
        let (events, is_ended) = (self.events(), self.is_ended());
        let reading = self.spool().head();
        let (stream, sums) = (reading.stream, !reading.header.knows.hits);
        let of_another = held.filter(|held| held.stream != stream);
        if of_another.is_some_and(|held| self.rival.goes_on(held, events, is_ended)) {
            self.standing = Standing::Unbegun;
            self.pause(now_ms + self.rival.wait_ms());
            return Resume::StandBy;
        }
        self.rival.is_gone();
        let of_ours = held.filter(|held| held.stream == stream);
        let at_held = match of_ours.map(|held| self.fold_to(held.seq)).transpose() {
            Ok(at_held) => at_held.flatten(),
            Err(error) => {
                tracing::warn!(%error, "a spool cannot be read; its fight is read again");
                self.standing = Standing::Lost;
                return Resume::Anew;
            }
        };
        let ended = self.spool().ending().map(|ending| ending.checksum);
        let sure = self.agreement.sure();
        let replaces = REPLACES.get(self.spool().cursor());
        let replaces = replaces.map(|(first, second)| StreamId(Uuid::from_u64_pair(first, second)));
        let resume = resume(held, &Ours { stream, replaces, sure, at_held, events, sums, ended });
        self.standing = match resume {
            Resume::From(seq) => {
                self.window.resume_from(seq);
                self.delays.arrived(seq - 1);
                if at_held.is_some() {
                    self.agreement.compared(seq - 1);
                }
                if let Some(note) = self.agreement.is_sure(self.spool().seq()) {
                    self.intake.note(note);
                }
                Standing::Open { h }
            }
            Resume::Anew => {
                if at_held.is_some() {
                    self.agreement.doubt();
                }
                Standing::Lost
            }
            // The caller throws that away, and this one is begun.
            Resume::Discard => Standing::Unbegun,
            // The caller takes it out.
            Resume::Known | Resume::Kept | Resume::StandBy => Standing::GivenUp,
        };
        resume
    }

    /// Events and checksum of our deltas up to a seq, where they are to be compared with what the relay makes of them.
    fn fold_to(&mut self, seq: u64) -> io::Result<Option<(u64, Checksum)>> {
        if !self.agreement.is_to_be_compared(seq) {
            return Ok(None);
        }
        if seq == self.spool().seq() && self.is_spooled() {
            return Ok(self.intake.fold());
        }
        // Where another start has not left off, this one has sent all of it, and the deltas' own checksums tell.
        if !self.agreement.is_unsure() {
            return Ok(None);
        }
        let state = self.spool_mut().fold_to(seq)?;
        Ok(Some((state.events(), state.checksum())))
    }

    /// Whether the relay can hold this delta of the reading only if another process sent it.
    pub(super) fn is_foreign(&self, seq: u64) -> bool {
        self.agreement.is_foreign(seq)
    }

    /// The relay's sums are not ours; whether that is so for the first time.
    pub(super) fn doubt(&mut self) -> bool {
        self.agreement.doubt()
    }

    /// Whether all has arrived and Begin is to be sent once more before End, to hear what it adds up to there.
    pub(super) fn asks_at_end(&mut self) -> bool {
        let seq = self.spool().seq();
        let is_open = matches!(self.standing, Standing::Open { .. });
        let has_arrived = self.spool().ending().is_some() && self.acked() >= seq && !self.is_end_sent();
        is_open && has_arrived && self.agreement.asks_at_end(seq)
    }

    /// Another client's reading took the place of ours.
    pub(super) fn give_way(&mut self) {
        self.rival.give_way();
    }

    /// Whether it has, and ours has not come back since.
    pub(super) fn gave_way(&self) -> bool {
        self.rival.gave_way()
    }

    /// Refusals in a row, and why it waits.
    pub(super) fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// The same, to be counted.
    pub(super) fn refusals_mut(&mut self) -> &mut Refusals {
        &mut self.refusals
    }

    /// Tries it once more if it was given up, as if nothing had been refused.
    pub(super) fn try_again(&mut self) {
        if self.standing == Standing::GivenUp {
            self.standing = Standing::Unbegun;
            self.refusals = Refusals::default();
        }
    }

    /// Sends again from `seq` on.
    pub(super) fn go_on_from(&mut self, seq: u64) {
        self.window.go_on_from(seq);
    }

    /// Sends again what is not acknowledged, after a while.
    pub(super) fn pause(&mut self, until_ms: u64) {
        self.window.pause(until_ms);
    }

    /// Whether nothing of it is to be sent yet.
    pub(super) fn is_paused(&self, now_ms: u64) -> bool {
        self.window.is_paused(now_ms)
    }

    /// All up to `seq` is on the relay's stable storage; whether that is news.
    pub(super) fn ack(&mut self, seq: u64, now_ms: u64) -> bool {
        let (news, sent_ms) = self.window.ack(seq.min(self.spool().seq()));
        if news {
            self.refusals.is_over();
            self.delays.arrived(self.window.acked());
        }
        if let Some(sent_ms) = sent_ms {
            self.delays.of_relay(now_ms.saturating_sub(sent_ms));
        }
        news
    }

    /// How old the newest event was when it was read, and how long the last frame took there and its answer back, ms.
    pub(super) fn delays_ms(&self) -> (Option<u64>, Option<u64>) {
        (self.delays.meter_ms(), self.delays.relay_ms())
    }

    /// When the oldest was read that has not arrived, Unix ms; `None` where all has, or nothing of it is to.
    pub(super) fn waiting_since_ms(&self) -> Option<i64> {
        let is_to_arrive = self.standing != Standing::GivenUp && !self.gave_way();
        self.delays.waiting_since_ms().filter(|_| is_to_arrive)
    }

    pub(super) fn acked(&self) -> u64 {
        self.window.acked()
    }

    /// Deltas that the relay has not acknowledged.
    pub(super) fn unacked(&self) -> u64 {
        self.spool().seq().saturating_sub(self.acked()) + self.intake.unwritten()
    }

    /// Frames and bytes sent and not acknowledged.
    pub(super) fn in_flight(&self) -> (usize, usize) {
        self.window.in_flight()
    }

    /// Seq of the next delta to be sent, and its bytes; `None` if there is none.
    pub(super) fn next_frame(&self) -> Option<(u64, u32)> {
        let seq = self.window.next_seq();
        (seq <= self.spool().seq()).then(|| (seq, self.spool().frame_bytes(seq)))
    }

    /// The next delta went out.
    pub(super) fn sent(&mut self, bytes: u32, now_ms: u64) {
        let seq = self.window.sent(bytes, now_ms);
        self.agreement.sent(seq);
    }

    /// The end, if it is to be sent now: when the relay has confirmed all before it, for what it refuses for a while
    /// comes again.
    pub(super) fn next_end(&self) -> Option<&Ending> {
        self.spool().ending().filter(|_| self.acked() >= self.spool().seq() && !self.is_end_sent())
    }

    pub(super) fn end_sent(&mut self, now_ms: u64) {
        self.window.end_sent(now_ms);
    }

    pub(super) fn is_end_sent(&self) -> bool {
        self.window.is_end_sent()
    }
}
