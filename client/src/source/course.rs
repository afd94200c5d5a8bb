//! Deaths, attempts and segments: the course of a fight, row by row.

use raidcast_shared::event::{AttemptReason, RareBody, SourceKey};
use raidcast_shared::id::SkillId;
use raidcast_shared::meter::clock::FightClock;
use raidcast_shared::meter::row::{actor_id, rare};

use super::database::{DbRow, int, name, raw_text};
use super::missing::tell_missing;
use super::prefix;
use super::{Cursor, CursorKey, CursorValue, Fight, Reading};

pub(super) fn deaths(clock: &FightClock, cursor: &Cursor, rows: &[DbRow], reading: &mut Reading) {
    let key = CursorKey(prefix::DEATHS, 0);
    let CursorValue(mut last, mut count) = cursor.get(key).unwrap_or(CursorValue(0, 0));
    let mut untold = 0;
    for row in rows {
        let at_ms = int(row, "timestamp_ms").and_then(|at| clock.ms(at));
        if let (Some(at_ms), Some(actor)) = (at_ms, int(row, "actor_id")) {
            let body = RareBody::Death {
                a: actor_id(actor),
                by: int(row, "killer_id").map(actor_id),
                s: int(row, "skill_id").map(|base| SkillId { base, variant: None }),
            };
            reading.events.push(rare(at_ms, SourceKey::new(prefix::DEATHS.into(), count as u32), body));
        } else {
            untold += 1;
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
        tell_missing(cursor, reading, clock.end_ms(), id, "deaths at times that no fight has", untold, 0);
    }
}

pub(super) fn attempts(clock: &FightClock, cursor: &Cursor, rows: &[DbRow], reading: &mut Reading) {
    for row in rows {
        let (Some(id), Some(n)) = (int(row, "id"), int(row, "attempt_index").and_then(|n| u32::try_from(n).ok()))
        else {
            continue;
        };
        let hp = |column| int(row, column).and_then(|hp| u64::try_from(hp).ok());
        let at = |column| int(row, column).and_then(|at| clock.ms(at));
        let key = CursorKey(prefix::ATTEMPT, id);
        let told = cursor.get(key).map_or(0, |value| value.0);
        let mut now = told;
        if let Some(at_ms) = at("started_at_ms").filter(|_| told & 1 == 0) {
            let why = match raw_text(row, "reason").as_deref() {
                Some("initial") => AttemptReason::Initial,
                Some("hp_rollback") => AttemptReason::Rollback,
                Some("wipe") => AttemptReason::Wipe,
                Some("manual") => AttemptReason::Manual,
                _ => AttemptReason::Other,
            };
            let body = RareBody::AttemptBegan { n, why, hp: hp("boss_hp_start") };
            reading.events.push(rare(at_ms, SourceKey::new(prefix::ATTEMPT.into(), n), body));
            now |= 1;
        }
        if let Some(at_ms) = at("ended_at_ms").filter(|_| told & 2 == 0) {
            let body = RareBody::AttemptEnded { n, hp: hp("boss_hp_end") };
            reading.events.push(rare(at_ms, SourceKey::new(prefix::ATTEMPT.into(), n), body));
            now |= 2;
        }
        if now != told {
            reading.cursor.push((key, CursorValue(now, 0)));
        }
    }
}

/// Segments are told when the meter has closed them.
pub(super) fn segments(fight: &Fight, clock: &FightClock, cursor: &Cursor, rows: &[DbRow], reading: &mut Reading) {
    for (index, row) in rows.iter().enumerate() {
        let at = |column| int(row, column).and_then(|at| clock.ms(at));
        let Some(key) = int(row, "id").map(|id| CursorKey(prefix::SEGMENT, id)) else { continue };
        let closed = int(row, "ended_at_ms").is_some() || fight.end.is_some();
        if let Some(at_ms) = at("started_at_ms").filter(|_| closed && cursor.get(key).is_none()) {
            let body = RareBody::Segment {
                boss: raw_text(row, "segment_type").as_deref() == Some("boss"),
                name: name(row, "boss_name"),
                until: at("ended_at_ms"),
            };
            reading.events.push(rare(at_ms, SourceKey::new(prefix::SEGMENT.into(), index as u32), body));
            reading.cursor.push((key, CursorValue(1, 0)));
        }
    }
}
