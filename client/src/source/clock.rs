//! A fight's clock beside a cursor: what is learnt of it stands there, and what is new of it is told.

use raidcast_shared::meter::clock::{FightClock, PREFIX, SPANS_MAX, Span};

use super::{Cursor, CursorKey, CursorValue, Fight, Reading};

/// The high mark of a span is saved when it has moved on by so much, ms.
const SAVED_EVERY_MS: i64 = 1_000;

/// The clock as the cursor holds it.
pub(super) fn of(fight: &Fight, cursor: &Cursor) -> FightClock {
    let ended_at_ms = fight.end.as_ref().map(|end| end.ended_at_ms);
    FightClock::new(fight.started_at_ms, ended_at_ms, spans_in(cursor))
}

/// Of span n stand under twice n its first and greatest stamp, and under the next key its offset.
fn spans_in(cursor: &Cursor) -> Vec<Span> {
    let value = |n: usize| cursor.get(CursorKey(PREFIX, n as i64));
    let mut spans = Vec::new();
    while let Some(CursorValue(from, high)) = value(2 * spans.len()).filter(|_| spans.len() < SPANS_MAX) {
        let offset = value(2 * spans.len() + 1).map_or(0, |offset| offset.0.cast_signed());
        spans.push(Span { from: from.cast_signed(), high: high.cast_signed(), offset });
    }
    spans
}

/// Tells of the steps that are new, and moves the cursor on from where the clock was made of it.
pub(super) fn save(clock: &mut FightClock, cursor: &Cursor, reading: &mut Reading) {
    reading.events.extend(clock.steps());
    let saved = spans_in(cursor);
    for (n, span) in clock.spans().iter().enumerate() {
        let is_same = |saved: &Span| {
            (saved.from, saved.offset) == (span.from, span.offset) && span.high - saved.high < SAVED_EVERY_MS
        };
        if saved.get(n).is_some_and(is_same) {
            continue;
        }
        let mut put = |at: usize, value| reading.cursor.push((CursorKey(PREFIX, at as i64), value));
        put(2 * n, CursorValue(span.from.cast_unsigned(), span.high.cast_unsigned()));
        if span.offset != 0 {
            put(2 * n + 1, CursorValue(span.offset.cast_unsigned(), 0));
        }
    }
}

/// When the fight ended, ms since it began; what is told of all of it stands there.
pub(super) fn end_ms(fight: &Fight) -> u32 {
    of(fight, &Cursor::default()).end_ms()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_started_again_knows_the_clock() {
        let fight = Fight::bare(1);
        let every_second = |from: i64, to: i64| (from..to).map(|second| second * 1000).collect::<Vec<_>>();
        let mut cursor = Cursor::default();
        for (from, to, goes_on_at, told) in [(0, 30, 0, 0), (2, 5, 30, 1), (5, 6, 33, 0)] {
            let mut clock = of(&fight, &cursor);
            assert_eq!(clock.learn(&[every_second(from, to)])[0], every_second(goes_on_at, goes_on_at + to - from));
            let mut reading = Reading::default();
            save(&mut clock, &cursor, &mut reading);
            assert_eq!(reading.events.len(), told);
            cursor.advance(&reading.cursor);
        }
    }
}
