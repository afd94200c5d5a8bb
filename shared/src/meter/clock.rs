//! A meter's clock that is set while a fight goes on: where in the fight its later stamps lie.
//!
//! One rule (docs/decisions/0042-a-clock-that-is-set.md): time in a fight never goes back, and never jumps by more than
//! half an hour. Where stamps do, a new span begins one second after the last event before, and the report says so.
//! Which stamps came later is known by their order: within a row or stream, and from reading to reading.

use super::row::missing;
use crate::event::{SourceEvent, SourceKey};
use crate::limits::ENCOUNTER_DURATION_MS_MAX;

/// Stamps go back by less than this without a clock that is set, ms: rows are read up to five seconds late, and the
/// meter's own writer is behind by some.
const STEP_MS: i64 = 15_000;
/// A longer silence is no part of the fight, ms: a raid that rests, or a clock that was set forward.
const SILENCE_MS: i64 = 1_800_000;
/// Where a span goes on after the one before, ms.
const AFTER_MS: i64 = 1_000;
/// Beyond it every stamp is the same, ms: sums of a few of them fit.
const FAR_MS: i64 = 1 << 53;
/// So many spans are told apart; a clock that is set more often is no clock.
pub const SPANS_MAX: usize = 64;
/// The stream of source keys of what is told of a clock that was set.
pub const PREFIX: u8 = 60;

/// The meter's clock in one fight, as far as it was read.
#[derive(Clone, Debug)]
pub struct FightClock {
    /// Unix ms.
    started_at_ms: i64,
    /// Unix ms; `None` while it goes on.
    ended_at_ms: Option<i64>,
    spans: Vec<Span>,
    /// Whether any stamp is known.
    known: bool,
    steps: Vec<Step>,
}

/// A time in which the clock was not set; stamps are ms since the encounter began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first stamp.
    pub from: i64,
    /// The greatest.
    pub high: i64,
    /// What is added to a stamp.
    pub offset: i64,
}

/// The clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    span: usize,
    at_ms: i64,
    by_ms: i64,
    back: bool,
}

impl FightClock {
    /// The clock of a fight of which these spans are known.
    pub fn new(started_at_ms: i64, ended_at_ms: Option<i64>, mut spans: Vec<Span>) -> Self {
        let known = !spans.is_empty();
        if spans.is_empty() {
            // The begin of the fight counts as its first event.
            spans.push(Span { from: 0, high: 0, offset: 0 });
        }
        Self { started_at_ms, ended_at_ms, spans, known, steps: Vec::new() }
    }

    /// What it has learnt.
    pub fn spans(&self) -> &[Span] {
        if self.known { &self.spans } else { &[] }
    }

    fn last(&self) -> Span {
        self.spans[self.spans.len() - 1]
    }

    /// Takes in stamps that were not read before, row by row in the order in which the meter wrote each; gives where in
    /// the fight they lie, in the same order.
    pub fn learn(&mut self, rows: &[Vec<i64>]) -> Vec<Vec<i64>> {
        let mut marks = Vec::new();
        for (row, stamps) in rows.iter().enumerate() {
            let mut turn = 0;
            let mut high = self.last().high;
            for (at, stamp) in without_slips(stamps).into_iter().enumerate() {
                if stamp < high.saturating_sub(STEP_MS) {
                    turn += 1;
                    high = stamp;
                }
                high = if at == 0 && turn == 0 { stamp } else { high.max(stamp) };
                marks.push((turn, stamp, row, at));
            }
        }
        self.known |= !marks.is_empty();
        marks.sort_unstable();
        let mut times: Vec<Vec<i64>> = rows.iter().map(|row| vec![0; row.len()]).collect();
        let mut turn_now = 0;
        for (turn, stamp, row, at) in marks {
            let last = self.last();
            if turn > turn_now {
                self.step(stamp, last.high.saturating_sub(stamp), true);
            } else if stamp - last.high > SILENCE_MS {
                self.step(stamp, stamp - last.high, false);
            }
            turn_now = turn;
            let span = self.spans.len() - 1;
            let span = &mut self.spans[span];
            span.high = span.high.max(stamp);
            times[row][at] = (stamp + span.offset).max(0);
        }
        times
    }

    /// Takes in when the meter ended the fight: before its last event only by a clock that was set back.
    pub fn learn_end(&mut self) {
        let Some(ended_at_ms) = self.ended_at_ms else { return };
        let stamp = ended_at_ms.saturating_sub(self.started_at_ms).clamp(-FAR_MS, FAR_MS);
        if self.known && stamp < self.last().high - STEP_MS {
            self.learn(&[vec![stamp]]);
        }
    }

    fn step(&mut self, stamp: i64, by_ms: i64, back: bool) {
        let last = self.last();
        let at_ms = last.high + last.offset;
        if self.spans.len() < SPANS_MAX {
            self.steps.push(Step { span: self.spans.len(), at_ms, by_ms: by_ms.max(0), back });
            self.spans.push(Span { from: stamp, high: stamp, offset: at_ms + AFTER_MS - stamp });
        } else {
            let at = self.spans.len() - 1;
            self.spans[at] = Span { from: stamp, high: stamp, offset: at_ms - stamp };
        }
    }

    /// Where in the fight a stamp lies that is of no row of hits: of the latest span that it fits.
    pub fn at(&self, stamp: i64) -> i64 {
        let stamp = stamp.clamp(-FAR_MS, FAR_MS);
        let fits = |span: &&Span| (span.from - STEP_MS..=span.high + STEP_MS).contains(&stamp);
        let last = self.last();
        let span = match self.spans.iter().rev().find(fits) {
            Some(span) => *span,
            None if self.known && stamp - last.high > SILENCE_MS => return last.high + last.offset + AFTER_MS,
            None if stamp > last.high => last,
            None => self.spans[0],
        };
        (stamp + span.offset).max(0)
    }

    /// The same of a Unix time, as far as a fight is long.
    pub fn ms(&self, unix_ms: i64) -> Option<u32> {
        in_fight(self.at(unix_ms.saturating_sub(self.started_at_ms)))
    }

    /// When the fight ended; what is told of all of it stands there.
    pub fn end_ms(&self) -> u32 {
        let end = self.ended_at_ms.map(|ended_at_ms| self.ms(ended_at_ms));
        end.map_or(0, |end_ms| end_ms.unwrap_or(ENCOUNTER_DURATION_MS_MAX))
    }

    /// What is to be told of the steps since this was asked last.
    pub fn steps(&mut self) -> impl Iterator<Item = SourceEvent> {
        self.steps.drain(..).map(|step| {
            let (seconds, at_ms) = (step.at_ms / 1000, in_fight(step.at_ms).unwrap_or(ENCOUNTER_DURATION_MS_MAX));
            let at = format!("{}:{:02}", seconds / 60, seconds % 60);
            let what = if step.back {
                format!("seconds that the meter's clock was set back by at {at}; what came later goes on from there")
            } else {
                format!(
                    "seconds without an event after {at}, left out of the fight's time: a pause, or the meter's clock \
                     was set forward"
                )
            };
            let key = SourceKey::new(PREFIX.into(), step.span as u32);
            missing(at_ms, key, &what, step.by_ms.unsigned_abs() / 1000, 0)
        })
    }
}

/// A time in a fight, as far as one is long.
pub fn in_fight(at_ms: i64) -> Option<u32> {
    u32::try_from(at_ms.max(0)).ok().filter(|at| *at <= ENCOUNTER_DURATION_MS_MAX)
}

/// Stamps without those that stand alone: one that its neighbours do not go along with has the time of the one before.
fn without_slips(stamps: &[i64]) -> Vec<i64> {
    let mut kept: Vec<i64> = stamps.iter().map(|stamp| (*stamp).clamp(-FAR_MS, FAR_MS)).collect();
    for at in 0..kept.len() {
        let Some(next) = kept.get(at + 1).copied() else { break };
        let (before, odd) = if at == 0 {
            (next, kept[0] < -STEP_MS || kept[0] > next.saturating_add(SILENCE_MS))
        } else {
            let before = kept[at - 1];
            (before, !(before - STEP_MS..=before + SILENCE_MS).contains(&kept[at]))
        };
        // The next goes on from the one before, as if this one were not there.
        if odd && next > -STEP_MS && (before - STEP_MS..=before + SILENCE_MS).contains(&next) {
            kept[at] = before;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Rare, RareBody};

    fn clock(spans: &[Span]) -> FightClock {
        FightClock::new(0, None, spans.to_vec())
    }

    fn times(rows: &[Vec<i64>]) -> (Vec<Vec<i64>>, FightClock) {
        let mut clock = clock(&[]);
        (clock.learn(rows), clock)
    }

    fn every_second(from: i64, to: i64) -> Vec<i64> {
        (from..to).map(|second| second * 1000).collect()
    }

    fn told(clock: &mut FightClock) -> Vec<String> {
        let what = clock.steps().map(|event| match event {
            Event::Rare(Rare { body: RareBody::Missing { what, .. }, .. }) => what,
            other => panic!("{other:?}"),
        });
        what.collect()
    }

    #[test]
    fn a_clock_that_nobody_sets_changes_nothing() {
        let rows = [every_second(0, 60), vec![1_000, 40_000, 90_000], every_second(5, 1200), vec![-3]];
        let (times, mut clock) = times(&rows);
        assert_eq!(times[..3], rows[..3]);
        assert_eq!(times[3], [0]);
        assert_eq!((clock.at(-5), clock.at(70_000), clock.at(1_300_000)), (0, 70_000, 1_300_000));
        assert_eq!(told(&mut clock), [""; 0]);
    }

    #[test]
    fn what_came_after_a_step_back_goes_on_after_what_came_before() {
        // One row ends before the step, one begins after it, one has both.
        let both: Vec<i64> = every_second(0, 30).into_iter().chain(every_second(-30, 0)).collect();
        let (times, mut clock) = times(&[every_second(0, 30), every_second(-30, 0), both]);
        assert_eq!(times[0], every_second(0, 30));
        assert_eq!(times[1], every_second(30, 60));
        assert_eq!(times[2], every_second(0, 60));
        assert_eq!(clock.at(0), 60_000);
        let what = told(&mut clock);
        assert_eq!(what.len(), 1);
        assert!(what[0].contains("set back by at 0:29"), "{what:?}");
    }

    #[test]
    fn a_step_forward_stretches_nothing_and_two_steps_are_two() {
        let forward: Vec<i64> = every_second(0, 30).into_iter().chain(every_second(10_830, 10_860)).collect();
        let (times, mut clock) = times(&[forward]);
        assert_eq!(times[0], every_second(0, 60));
        assert_eq!(clock.at(10_861_000), 61_000);
        assert_eq!(clock.at(99_999_999_999), 60_000);
        let back = clock.learn(&[every_second(40, 50)]);
        assert_eq!(back[0], every_second(60, 70));
        assert_eq!(told(&mut clock).len(), 2);
    }

    #[test]
    fn a_clock_made_of_what_was_learnt_goes_on() {
        let (_, learnt) = times(&[every_second(0, 30)]);
        let mut clock = clock(learnt.spans());
        assert_eq!(clock.learn(&[every_second(2, 5)])[0], every_second(30, 33));
        assert_eq!(told(&mut clock).len(), 1);
        assert_eq!(told(&mut clock).len(), 0, "it is told once");
    }

    #[test]
    fn one_absurd_stamp_costs_its_own_time() {
        for absurd in [i64::MAX, i64::MIN, 10_000_000, -10_000_000] {
            let mut stamps = every_second(0, 30);
            stamps[10] = absurd;
            let (times, mut clock) = times(&[stamps]);
            let mut expected = every_second(0, 30);
            expected[10] = 9_000;
            assert_eq!(times[0], expected, "{absurd}");
            assert_eq!(told(&mut clock).len(), 0);
        }
        let (times, _) = times(&[vec![i64::MIN, i64::MAX, i64::MIN, 5, i64::MAX]]);
        assert!(times[0].iter().all(|at| (0..=60_000).contains(at)), "{times:?}");
    }
}
