//! Deaths, attempts and segments: the course of a fight, row by row.

use raidcast_shared::meter::clock::FightClock;
use raidcast_shared::meter::course::{AttemptRow, DEATHS_UNTOLD, DeathRow, SegmentRow};

use super::database::{DbRow, int, name, raw_text};
use super::missing::tell_missing;
use super::prefix;
use super::{Cursor, CursorKey, CursorValue, Fight, Reading};

pub(super) fn deaths(clock: &FightClock, cursor: &Cursor, rows: &[DbRow], reading: &mut Reading) {
    let key = CursorKey(prefix::DEATHS, 0);
    let CursorValue(mut last, mut count) = cursor.get(key).unwrap_or(CursorValue(0, 0));
    let mut untold = 0;
    for row in rows {
        let death = DeathRow {
            at: int(row, "timestamp_ms"),
            actor: int(row, "actor_id"),
            killer: int(row, "killer_id"),
            skill: int(row, "skill_id"),
        };
        match death.event(clock, count) {
            Some(event) => reading.events.push(event),
            None => untold += 1,
        }
        last = int(row, "id").map_or(last, |id| id as u64);
        count += 1;
    }
    if !rows.is_empty() {
        reading.cursor.push((key, CursorValue(last, count)));
    }
    if untold > 0 {
        let id = i64::from(prefix::DEATHS) << 56;
        untold += cursor.get(CursorKey(prefix::MISSING, id)).map_or(0, |told| told.0);
        tell_missing(cursor, reading, clock.end_ms(), id, DEATHS_UNTOLD, untold, 0);
    }
}

pub(super) fn attempts(clock: &FightClock, cursor: &Cursor, rows: &[DbRow], reading: &mut Reading) {
    for row in rows {
        let (Some(id), Some(n)) = (int(row, "id"), int(row, "attempt_index").and_then(|n| u32::try_from(n).ok()))
        else {
            continue;
        };
        let reason = raw_text(row, "reason");
        let attempt = AttemptRow {
            n,
            began: int(row, "started_at_ms"),
            ended: int(row, "ended_at_ms"),
            reason: reason.as_deref(),
            hp: ["boss_hp_start", "boss_hp_end"].map(|column| int(row, column)),
        };
        let key = CursorKey(prefix::ATTEMPT, id);
        let told = cursor.get(key).map_or(0, |value| value.0);
        let mut now = told;
        for (bit, event) in [(1, attempt.begin(clock)), (2, attempt.end(clock))] {
            if let Some(event) = event.filter(|_| told & bit == 0) {
                reading.events.push(event);
                now |= bit;
            }
        }
        if now != told {
            reading.cursor.push((key, CursorValue(now, 0)));
        }
    }
}

/// Segments are told when the meter has closed them.
pub(super) fn segments(fight: &Fight, clock: &FightClock, cursor: &Cursor, rows: &[DbRow], reading: &mut Reading) {
    for (index, row) in rows.iter().enumerate() {
        let Some(key) = int(row, "id").map(|id| CursorKey(prefix::SEGMENT, id)) else { continue };
        let segment = SegmentRow {
            boss: raw_text(row, "segment_type").as_deref() == Some("boss"),
            name: name(row, "boss_name"),
            began: int(row, "started_at_ms"),
            ended: int(row, "ended_at_ms"),
        };
        let is_closed = segment.ended.is_some() || fight.end.is_some();
        if let Some(event) = segment.event(clock, index).filter(|_| is_closed && cursor.get(key).is_none()) {
            reading.events.push(event);
            reading.cursor.push((key, CursorValue(1, 0)));
        }
    }
}
