//! The feed that plays the past: a fight's log folded again at a spectator's pace, in the frames of the live feed.
//!
//! One task and one sink for each replay, beside the raid's task, which is asked for its log and nothing else. While
//! the sink still has bytes to write nothing is stepped, so a tick is never missed: a spectator that is slow sees the
//! fight later. Of one moment alone the keyframe is made where it is folded, and nothing but its bytes is kept. Started
//! by the feed's upgrade; ends with its socket, the relay, or the end of the log.

use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use raidcast_shared::codec;
use raidcast_shared::feed::{
    Bye, Echo, FeedEvent, FeedFightRef, FeedFrame, FeedHappening, FeedRaid, FeedRequest, FrameTimes, Keyframe,
};
use raidcast_shared::fold::{EncounterState, FoldIndex, Span};
use raidcast_shared::limits as l;
use raidcast_shared::uplink::{Outcome, ReportState};
use raidcast_shared::view::{self, Audience, Happenings, LiveFacts, LiveStep, LiveView, Shown};
use raidcast_store::{EncounterRow, RaidRow};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior};

use crate::access::{Asker, Listening};
use crate::edge::{Address, Asked, Place, Refusal};
use crate::error::HttpError;
use crate::fanout::{self, Format, Inbound, InboundFrame, Pings, Socket};
use crate::limits::{REPLAY_STALLED_MS, WRITE_WINDOW_BYTES};
use crate::span::{Held as HeldFold, Source, SpanError, Spans};
use crate::state::AppState;

/// What somebody is told who may no longer see what he watches.
const NOT_FOR_YOU: &str = "this fight is not for you any more: ask its uploader for a link";
/// A live fight's edge nearer than this is its present: who has come so far follows it live.
const CAUGHT_UP_MS: u32 = 1_000;
/// How often is looked whether the last bytes are taken.
const SEE_OUT_LOOK: Duration = Duration::from_secs(1);

/// Where a replay begins and how fast it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// The keyframe shows what was so before this, ms since the encounter began.
    pub at_ms: u32,
    /// Times as fast as it was; 0 for the keyframe alone.
    pub speed: f64,
}

impl Pace {
    /// Reads `?at=` and `?speed=`.
    ///
    /// # Errors
    /// `BadRequest` with what is allowed.
    pub fn parse(at: Option<&str>, speed: Option<&str>) -> Result<Self, HttpError> {
        let (at_max, least, most) = (l::ENCOUNTER_DURATION_MS_MAX, l::REPLAY_SPEED_MIN, l::REPLAY_SPEED_MAX);
        let at_ms = at.map_or(Some(0), |at| at.parse().ok().filter(|at| *at <= at_max));
        let at_ms = at_ms.ok_or_else(|| {
            HttpError::BadRequest(format!("`at` must be a number from 0 to {at_max}: ms since the encounter began"))
        })?;
        let fits = |speed: &f64| *speed == 0.0 || (least..=most).contains(speed);
        let speed = speed.map_or(Some(1.0), |speed| speed.parse().ok().filter(fits));
        let speed = speed.ok_or_else(|| {
            HttpError::BadRequest(format!("`speed` must be a number from {least} to {most}, or 0 for one keyframe"))
        })?;
        Ok(Self { at_ms, speed })
    }
}

/// What a replay needs besides its socket.
pub struct Replay {
    /// What requests share.
    pub state: AppState,
    /// The raid that it is asked of.
    pub raid: RaidRow,
    /// The report that it plays.
    pub row: EncounterRow,
    /// From where and how fast.
    pub pace: Pace,
    /// What is held for it.
    pub places: Held,
    /// For whom it counts.
    pub who: Address,
    /// Who watches it.
    pub asker: Asker,
    /// What is shown to them.
    pub audience: Audience,
    /// Hears of changes since it was asked whether he may.
    pub changes: Listening,
}

/// What is held of the relay's limits.
pub enum Held {
    /// By one moment, until its keyframe is made.
    Answer(Place),
    /// By a replay, until it is over.
    Replay(Places),
}

/// One of the fights that are played at once: of the relay, and to one address.
pub struct Places {
    _relay: OwnedSemaphorePermit,
    _address: Place,
}

impl Replay {
    async fn is_admitted(&self) -> bool {
        self.state.still_admitted(&self.asker, &self.row).await.is_ok()
    }
}

impl Places {
    /// Takes both.
    ///
    /// # Errors
    /// The address has as many as one gets, or the relay plays as many as it can.
    pub fn take(state: &AppState, asked: &Asked) -> Result<Self, HttpError> {
        let address = asked.replay()?;
        let relay = Arc::clone(&state.replays).try_acquire_owned().map_err(|_| {
            asked.refused(Refusal::Replays);
            HttpError::Unavailable {
                text: "as many fights are played as this relay plays at once: try again in a moment".into(),
                retry_s: 10,
            }
        })?;
        Ok(Self { _relay: relay, _address: address })
    }
}

struct Player {
    row: EncounterRow,
    raid: RaidRow,
    source: Source,
    fold: EncounterState,
    view: LiveView,
    happenings: Happenings,
    epoch: String,
    position: u64,
    events: u64,
    /// What was so before this is folded.
    at_ms: u32,
    audience: Audience,
    who: Address,
    _held: HeldFold,
}

async fn fold_until(spans: &Spans, who: Address, source: &Source, at_ms: u32) -> Result<EncounterState, SpanError> {
    let index = Arc::clone(&source.index);
    spans.run(who, move || fold_index(&index, at_ms)).await
}

fn fold_index(index: &FoldIndex, at_ms: u32) -> EncounterState {
    let mut fold = index.start();
    index.play(&mut fold, Span { from_ms: 0, to_ms: at_ms });
    fold
}

impl Player {
    /// Folds until a moment and makes something of that, on the pool.
    async fn make<T: Send + 'static>(
        of: &Replay,
        then: impl FnOnce(Self) -> T + Send + 'static,
    ) -> Result<T, SpanError> {
        let (spans, who, audience) = (&of.state.spans, of.who, of.audience);
        let (raid, row) = (of.raid.clone(), of.row.clone());
        let source = spans.source(who, &row).await?;
        let at_ms = of.pace.at_ms.min(source.index.end_ms());
        let shared = of.state.context();
        let epoch = format!("{}-{}.1", shared.boot, shared.connection_id());
        let held = Arc::clone(spans);
        let made = move || {
            let held = held.hold();
            let fold = fold_index(&source.index, at_ms);
            let (view, happenings) = (LiveView::default(), Happenings::default());
            let (position, events) = (0, 0);
            let mut player = Self {
                row,
                raid,
                source,
                fold,
                view,
                happenings,
                epoch,
                position,
                events,
                at_ms,
                audience,
                who,
                _held: held,
            };
            let facts = player.facts();
            // What the keyframe holds is no news.
            player.happenings.step(Shown::to(audience, &player.fold));
            player.look(facts);
            then(player)
        };
        spans.run(who, made).await
    }

    fn shown(&self) -> Shown<'_> {
        Shown::to(self.audience, &self.fold)
    }

    /// Brings the view to the present state.
    fn look(&mut self, facts: LiveFacts) -> LiveStep {
        self.view.note(&self.fold.take_changed_seconds());
        self.view.step(Shown::to(self.audience, &self.fold), facts)
    }

    /// Whether all of a fight that goes on no more was played.
    fn is_over(&self) -> bool {
        !self.source.live && self.at_ms >= self.source.index.end_ms()
    }

    fn facts(&self) -> LiveFacts {
        let revision = self.source.revision;
        if !self.is_over() {
            return LiveFacts {
                state: ReportState::Live,
                outcome: Outcome::Unknown,
                ended: false,
                revision,
                idle: false,
            };
        }
        let ending = self.source.ending.as_ref();
        let outcome = view::outcome(self.shown(), ending);
        LiveFacts { state: ReportState::Final, outcome, ended: ending.is_some(), revision, idle: false }
    }

    fn keyframe(&self, relay_ms: i64) -> FeedFrame {
        let facts = self.facts();
        let line = FeedFightRef {
            report_id: self.row.report_id.clone(),
            state: facts.state,
            outcome: facts.outcome,
            title: view::title(self.shown()),
            started_at_ms: self.row.started_at_ms,
            duration_ms: self.fold.duration_ms(),
        };
        FeedFrame::Keyframe(Keyframe {
            epoch: self.epoch.clone(),
            position: self.position,
            events: self.events,
            events_lost: false,
            raid: FeedRaid {
                code: self.raid.code.clone(),
                title: self.raid.title.clone(),
                connected: false,
                open: false,
                fights: vec![line],
            },
            fight: self.view.keyframe(self.shown(), self.row.report_id.clone()),
            times: FrameTimes(0, 0, relay_ms),
        })
    }

    /// Plays on by `ms` and gives what is to be written, in one piece.
    fn step(&mut self, ms: u32, format: Format, relay_ms: i64) -> Bytes {
        let to_ms = self.at_ms.saturating_add(ms).min(self.source.index.end_ms());
        self.source.index.play(&mut self.fold, Span { from_ms: self.at_ms, to_ms });
        self.at_ms = to_ms;
        let facts = self.facts();
        let mut step = self.look(facts);
        let mut happened = self.happenings.step(Shown::to(self.audience, &self.fold));
        let over = self.is_over();
        if over {
            let checksum = self.fold.checksum().to_string();
            happened.push(FeedHappening::FightEnded {
                state: facts.state,
                outcome: facts.outcome,
                revision: facts.revision,
                checksum: checksum.clone(),
            });
            step.tick.checksum = Some(checksum);
        }
        let mut out = BytesMut::new();
        for what in happened {
            self.events += 1;
            let event = FeedEvent { n: self.events, report_id: self.row.report_id.clone(), what };
            out.extend_from_slice(&format.encode(&FeedFrame::Event(event)));
        }
        if step.changed || over {
            self.position += 1;
            step.tick.position = self.position;
            step.tick.times = FrameTimes(0, 0, relay_ms);
            out.extend_from_slice(&format.encode(&FeedFrame::Tick(step.tick)));
        }
        out.freeze()
    }

    /// At the end of what is known of a live fight: looks for more; false if this is its present.
    async fn look_on(&mut self, spans: &Spans) -> Result<bool, SpanError> {
        let source = spans.source(self.who, &self.row).await?;
        if source.live && source.index.end_ms() < self.at_ms.saturating_add(CAUGHT_UP_MS) {
            return Ok(false);
        }
        // What came since may be of before: folded again.
        self.fold = fold_until(spans, self.who, &source, self.at_ms).await?;
        self.source = source;
        Ok(true)
    }
}

/// One spectator's socket, of which nothing is lost: what was not written yet waits.
struct Sink {
    socket: Socket,
    tail: Bytes,
    /// Since when something waits, or since the last window of that, and what was taken meanwhile.
    waits: Option<(Instant, usize)>,
    pings: Pings,
    pinged: Instant,
    heard: Instant,
}

impl Sink {
    fn new(socket: Socket, pings: Pings) -> Self {
        let now = Instant::now();
        Self { socket, tail: Bytes::new(), waits: None, pings, pinged: now, heard: now }
    }

    /// Pings when that is due; false if the other end is not there any more.
    fn ping(&mut self) -> bool {
        if self.heard.elapsed() >= self.pings.silence {
            return false;
        }
        if self.pinged.elapsed() < self.pings.every || !self.tail.is_empty() {
            return true;
        }
        self.pinged = Instant::now();
        self.write(fanout::ping())
    }

    /// Puts bytes behind what waits and writes what can be written; false if the socket is gone.
    fn write(&mut self, bytes: Bytes) -> bool {
        self.tail = match self.tail.is_empty() {
            true => bytes,
            false => [&self.tail[..], &bytes[..]].concat().into(),
        };
        self.flush()
    }

    fn flush(&mut self) -> bool {
        if self.tail.is_empty() {
            return true;
        }
        match self.socket.stream().try_write(&self.tail) {
            Ok(0) => false,
            Ok(count) => {
                self.tail = self.tail.slice(count..);
                let (since, taken) = self.waits.unwrap_or_else(|| (Instant::now(), 0));
                self.waits = (!self.tail.is_empty()).then_some((since, taken + count));
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.waits.get_or_insert_with(|| (Instant::now(), 0));
                true
            }
            Err(_) => false,
        }
    }

    /// Whether the other end takes nothing, or next to nothing.
    fn is_stalled(&mut self) -> bool {
        let limit = Duration::from_millis(REPLAY_STALLED_MS);
        match self.waits {
            Some((since, taken)) if since.elapsed() > limit => {
                self.waits = Some((Instant::now(), 0));
                taken < WRITE_WINDOW_BYTES
            }
            _ => false,
        }
    }
}

/// Says why, and closes.
fn bye(format: Format, reason: &str, retry_ms: Option<u32>) -> Bytes {
    let bye = format.encode(&FeedFrame::Bye(Bye { reason: reason.to_owned(), retry_ms }));
    [&bye[..], &fanout::close(reason, retry_ms.is_some())[..]].concat().into()
}

/// Plays a fight to one socket, to its end.
pub async fn play(mut replay: Replay, format: Format, socket: Socket, early: Bytes) {
    let clock = replay.state.clone();
    let now_ms = move || clock.context().clock.now_ms();
    let mut sink = Sink::new(socket, Pings::of(&replay.state.context().limits));
    let made = match replay.places {
        Held::Answer(_) => {
            let over = bye(format, "this is the moment that was asked for", None);
            let keyframe = move |player: Player| [&format.encode(&player.keyframe(now_ms()))[..], &over[..]].concat();
            Player::make(&replay, keyframe).await.map(|bytes| (Bytes::from(bytes), None))
        }
        Held::Replay(_) => Player::make(&replay, |player| player).await.map(|player| {
            let keyframe = format.encode(&player.keyframe(now_ms()));
            (keyframe, Some(player))
        }),
    };
    let (keyframe, player) = match made {
        Ok(made) => made,
        Err(SpanError::SetAside) => {
            sink.write(bye(format, &HttpError::SetAside.to_string(), None));
            return;
        }
        Err(error) => {
            tracing::warn!(%error, "could not play a fight");
            sink.write(bye(format, "the relay cannot play this fight now: try again in a moment", Some(1_000)));
            return;
        }
    };
    if replay.changes.has_changed(&replay.row.raid_code) && !replay.is_admitted().await {
        sink.write(bye(format, NOT_FOR_YOU, None));
        return;
    }
    if !sink.write(keyframe) {
        return;
    }
    if let Some(player) = player
        && !go_on(&mut replay, player, format, &mut sink, early).await
    {
        return;
    }
    let Replay { state, row, places, asker, changes, .. } = replay;
    // It is over: who comes next need not wait until its last bytes are taken.
    drop(places);
    see_out(sink, &state, &row, &asker, changes).await;
}

/// Writes what is left for somebody to whom goodbye was said. Nothing else of the replay is held any more.
async fn see_out(mut sink: Sink, state: &AppState, row: &EncounterRow, asker: &Asker, mut changes: Listening) {
    let mut look = tokio::time::interval(SEE_OUT_LOOK);
    while !sink.tail.is_empty() {
        tokio::select! {
            biased;
            () = changes.changed(&row.raid_code) => {
                if state.still_admitted(asker, row).await.is_err() { return }
            }
            ready = sink.socket.stream().writable() => {
                if ready.is_err() || !sink.flush() { return }
            }
            // What it says is of no interest any more, only that it is there.
            ready = sink.socket.stream().readable() => {
                match ready.and_then(|()| sink.socket.stream().try_read(&mut [0; 512])) {
                    Ok(0) => return,
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
            _ = look.tick() => {
                if sink.is_stalled() { return }
            }
        }
    }
}

/// Plays from the keyframe on; true if goodbye was said, false if the socket is done for.
async fn go_on(replay: &mut Replay, mut player: Player, format: Format, sink: &mut Sink, early: Bytes) -> bool {
    let Replay { state, pace, asker, changes, .. } = replay;
    let now_ms = || state.context().clock.now_ms();
    let mut listener = Listener::new();
    if listener.hear(&early, sink, format, now_ms()) {
        return false;
    }
    // It is a piece of the upgrade's whole read buffer.
    drop(early);
    let tick_ms = 1_000 / u64::from(l::PACE_DEFAULT);
    let step_ms = (tick_ms as f64 * pace.speed) as u32;
    let mut tick = tokio::time::interval(Duration::from_millis(tick_ms));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let draining = state.context().draining.clone();
    loop {
        tokio::select! {
            biased;
            // The relay stops: the page comes back by itself.
            () = draining.cancelled() => {
                return sink.write(bye(format, "the relay restarts; come back in a moment", Some(1_000)));
            }
            // Who may see it has changed: what waits for one who may not is not for him either.
            () = changes.changed(&player.row.raid_code) => {
                if state.still_admitted(asker, &player.row).await.is_ok() { continue }
                if sink.tail.is_empty() { sink.write(bye(format, NOT_FOR_YOU, None)); }
                return false;
            }
            // What waits goes first.
            ready = sink.socket.stream().writable(), if !sink.tail.is_empty() => {
                if ready.is_err() || !sink.flush() { return false }
            }
            // Something came, or the other end closed.
            ready = sink.socket.stream().readable() => {
                let mut bytes = [0; 512];
                match ready.and_then(|()| sink.socket.stream().try_read(&mut bytes)) {
                    Ok(0) => return false,
                    Ok(count) => {
                        sink.heard = Instant::now();
                        if listener.hear(&bytes[..count], sink, format, now_ms()) { return false }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => return false,
                }
            }
            // The fight goes on, unless the spectator is behind.
            _ = tick.tick() => {
                if sink.is_stalled() || !sink.ping() { return false }
                if !sink.tail.is_empty() { continue }
                if player.source.live && player.at_ms >= player.source.index.end_ms() {
                    let (why, retry_ms) = match player.look_on(&state.spans).await {
                        Ok(true) => continue,
                        Ok(false) => ("the replay has caught up with the fight: follow it live", 0),
                        Err(error) => {
                            tracing::warn!(%error, "could not play a fight on");
                            ("the relay cannot play this fight on now: try again", 1_000)
                        }
                    };
                    return sink.write(bye(format, why, Some(retry_ms)));
                }
                let frames = player.step(step_ms, format, now_ms());
                if player.is_over() {
                    let over = bye(format, "the fight is over: this is its report", None);
                    return sink.write([&frames[..], &over[..]].concat().into());
                }
                if !sink.write(frames) { return false }
            }
        }
    }
}

/// What a replay's spectator may say: a ping, a probe, a goodbye.
struct Listener {
    inbound: Inbound,
    rate: DefaultDirectRateLimiter,
}

impl Listener {
    fn new() -> Self {
        let burst = NonZeroU32::new(l::SPECTATOR_FRAMES_BURST).expect("a limit above 0");
        let quota = Quota::per_second(NonZeroU32::MIN).allow_burst(burst);
        Self { inbound: Inbound::default(), rate: RateLimiter::direct(quota) }
    }

    /// Takes what was read and answers it; true if the socket is done for.
    fn hear(&mut self, bytes: &[u8], sink: &mut Sink, format: Format, relay_ms: i64) -> bool {
        self.inbound.feed(bytes);
        loop {
            let frame = match self.inbound.take_frame() {
                Ok(None) => return false,
                Ok(Some(InboundFrame::Close)) => return true,
                Ok(Some(frame)) => frame,
                Err(error) => {
                    sink.write(bye(format, &error.to_string(), None));
                    return true;
                }
            };
            if self.rate.check().is_err() {
                sink.write(bye(format, "too many requests: a spectator only watches", None));
                return true;
            }
            // Answers may be lost where the spectator is behind.
            let answer = match frame {
                InboundFrame::Ping(payload) => fanout::pong(&payload),
                InboundFrame::Message(payload) => match request(&payload) {
                    Some(FeedRequest::Probe { clock }) => format.encode(&FeedFrame::Echo(Echo { clock, relay_ms })),
                    _ => continue,
                },
                InboundFrame::Pong | InboundFrame::Close => continue,
            };
            if sink.tail.is_empty() && !sink.write(answer) {
                return true;
            }
        }
    }
}

fn request(payload: &[u8]) -> Option<FeedRequest> {
    let request = codec::decode(payload, l::SPECTATOR_FRAME_BYTES_MAX).ok();
    request.or_else(|| serde_json::from_slice(payload).ok())
}
