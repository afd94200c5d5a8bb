//! A fight's log folded step by step through the live view, and the frames of that.
//!
//! Knows no socket and no clock: who plays it says how far, and when that is.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use raidcast_shared::feed::{FeedEvent, FeedFightRef, FeedFrame, FeedHappening, FeedRaid, FrameTimes, Keyframe};
use raidcast_shared::fold::{EncounterState, FoldIndex, Span};
use raidcast_shared::uplink::ReportState;
use raidcast_shared::view::{self, Audience, Happenings, LiveFacts, LiveStep, LiveView, Shown};
use raidcast_store::{EncounterRow, RaidRow};

use super::query::Replay;
use crate::access::Visible;
use crate::edge::Address;
use crate::fanout::Format;
use crate::span::{FoldGuard, FoldPool, Source, SpanError, Spans};

/// A live fight's edge nearer than this is its present: who has come so far follows it live.
const CAUGHT_UP_MS: u32 = 1_000;

/// Rows, actors and deaths of a small step.
const STEP_ROWS_MAX: usize = 4_096;
/// Events that a small step looks at.
const STEP_EVENTS_MAX: usize = 16_384;

/// A fight's log, played until a moment.
pub(super) struct Player {
    report_id: String,
    started_at_ms: i64,
    raid: RaidRow,
    source: Source,
    fold: EncounterState,
    view: LiveView,
    happenings: Happenings,
    /// Names it in epochs.
    run: String,
    epochs: u32,
    position: u64,
    events: u64,
    /// What was so before this is folded.
    at_ms: u32,
    audience: Audience,
    delay_s: u32,
    who: Address,
    _guard: FoldGuard,
}

impl Player {
    /// Folds until the moment that is asked for and makes something of that, on the pool.
    pub(super) async fn make<T: Send + 'static>(
        of: &Replay,
        then: impl FnOnce(Self) -> T + Send + 'static,
    ) -> Result<T, SpanError> {
        let Replay { admission, playback, who, .. } = of;
        let (who, raid) = (*who, of.raid.clone());
        let (desk, report) = (admission.desk(), admission.report());
        let (report_id, started_at_ms) = (report.report_id.clone(), report.started_at_ms);
        let (audience, delay_s) = (report.audience().clone(), report.delay_s());
        let source = desk.spans().logs.source(who, report).await?;
        let at_ms = playback.at_ms.min(source.index.end_ms());
        let run = desk.run();
        let spans = Arc::clone(desk.spans());
        let made = move || {
            let guard = spans.hold();
            let mut player = Self {
                fold: fold_until(&source.index, at_ms),
                report_id,
                started_at_ms,
                raid,
                source,
                view: LiveView::default(),
                happenings: Happenings::default(),
                run,
                epochs: 1,
                position: 0,
                events: 0,
                at_ms,
                audience,
                delay_s,
                who,
                _guard: guard,
            };
            if !player.source.index.is_timed() {
                return Err(SpanError::NoTimes);
            }
            let facts = player.facts();
            // What the keyframe holds is no news.
            player.happenings.step(Shown::to(&player.audience, &player.fold));
            player.look(facts);
            Ok(then(player))
        };
        desk.spans().pool.run(who, made).await?
    }

    fn shown(&self) -> Shown<'_> {
        Shown::to(&self.audience, &self.fold)
    }

    /// Brings the view to the present state.
    fn look(&mut self, facts: LiveFacts) -> LiveStep {
        self.view.note(&self.fold.take_changed_seconds());
        self.view.step(Shown::to(&self.audience, &self.fold), facts)
    }

    /// Whether all of a fight that goes on no more was played.
    pub(super) fn is_over(&self) -> bool {
        !self.source.live && self.at_ms >= self.source.index.end_ms()
    }

    fn facts(&self) -> LiveFacts {
        let revision = self.source.revision;
        if !self.is_over() {
            return LiveFacts::of_one_that_goes_on(revision);
        }
        let ending = self.source.ending.as_ref();
        let outcome = view::outcome(self.shown(), ending);
        LiveFacts { state: ReportState::Final, outcome, ended: ending.is_some(), revision, idle: false }
    }

    /// All that is so now.
    pub(super) fn keyframe(&self, relay_ms: i64) -> FeedFrame {
        let facts = self.facts();
        let line = FeedFightRef {
            report_id: self.report_id.clone(),
            state: facts.state,
            outcome: facts.outcome,
            title: view::title(self.shown()),
            started_at_ms: self.started_at_ms,
            duration_ms: self.fold.duration_ms(),
        };
        FeedFrame::Keyframe(Keyframe {
            epoch: format!("{}.{}", self.run, self.epochs),
            position: self.position,
            events: self.events,
            events_lost: false,
            raid: FeedRaid {
                code: self.raid.code.clone(),
                title: self.raid.title.clone(),
                names: self.raid.names,
                delay_s: self.delay_s,
                connected: false,
                open: false,
                fights: vec![line],
            },
            fight: self.view.keyframe(self.shown(), self.report_id.clone()),
            times: FrameTimes(0, 0, relay_ms),
        })
    }

    /// Plays on by `ms` and gives what is to be written, in one piece: a small step at once, a large one on the pool.
    pub(super) async fn go_on(
        mut self,
        pool: &FoldPool,
        ms: u32,
        format: Format,
        relay_ms: i64,
    ) -> Result<(Self, Bytes), SpanError> {
        let (who, span) = (self.who, self.span(ms));
        let is_small = self.is_small(span);
        let step = move || {
            let bytes = self.step(span, format, relay_ms);
            (self, bytes)
        };
        if is_small { Ok(step()) } else { pool.run(who, step).await }
    }

    /// Whether playing a span takes about a millisecond at the most: all rows are looked at, and of the log what reaches
    /// into it.
    fn is_small(&self, span: Span) -> bool {
        let held = self.fold.rows().len() + self.fold.actors().len() + self.fold.deaths().len();
        held <= STEP_ROWS_MAX && self.source.index.reached(span) <= STEP_EVENTS_MAX
    }

    /// From where it is on.
    fn span(&self, ms: u32) -> Span {
        Span { from_ms: self.at_ms, to_ms: self.at_ms.saturating_add(ms).min(self.source.index.end_ms()) }
    }

    fn step(&mut self, span: Span, format: Format, relay_ms: i64) -> Bytes {
        self.source.index.play(&mut self.fold, span);
        self.at_ms = span.to_ms;
        let facts = self.facts();
        let mut step = self.look(facts);
        let mut happened = self.happenings.step(Shown::to(&self.audience, &self.fold));
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
            let event = FeedEvent { n: self.events, report_id: self.report_id.clone(), what };
            out.extend_from_slice(&format.encode(&FeedFrame::Event(event)));
        }
        if step.begins_anew {
            self.epochs += 1;
            self.position = 0;
            out.extend_from_slice(&format.encode(&self.keyframe(relay_ms)));
        } else if step.changed || over {
            self.position += 1;
            step.tick.position = self.position;
            step.tick.times = FrameTimes(0, 0, relay_ms);
            out.extend_from_slice(&format.encode(&FeedFrame::Tick(step.tick)));
        }
        out.freeze()
    }

    /// Whether all that is known of a fight that goes on was played.
    pub(super) fn is_at_the_edge(&self) -> bool {
        self.source.live && self.at_ms >= self.source.index.end_ms()
    }

    /// At the edge of a live fight: looks for more; false if this is its present.
    pub(super) async fn look_on(&mut self, spans: &Spans, report: &Visible<EncounterRow>) -> Result<bool, SpanError> {
        let source = spans.logs.source(self.who, report).await?;
        if source.live && source.index.end_ms() < self.at_ms.saturating_add(CAUGHT_UP_MS) {
            return Ok(false);
        }
        // What came since may be of before: folded again.
        let (index, at_ms) = (Arc::clone(&source.index), self.at_ms);
        self.fold = spans.pool.run(self.who, move || fold_until(&index, at_ms)).await?;
        self.source = source;
        Ok(true)
    }
}

fn fold_until(index: &FoldIndex, at_ms: u32) -> EncounterState {
    let mut fold = index.start();
    index.play(&mut fold, Span { from_ms: 0, to_ms: at_ms });
    fold
}
