//! What becomes of an entry of a row's array of hits.

use super::clock::in_fight;
use super::details::Entry;
use super::row::{HitRow, actor_id};
use crate::event::{Hit, HitFlags, HitKind, TimedHit};
use crate::id::{ActorId, SkillId};
use crate::limits::{AMOUNT_MAX, ENCOUNTER_DURATION_MS_MAX};

/// No clock is set forward by more, and no fight is as long, ms.
const A_YEAR_MS: i64 = 365 * 86_400_000;

/// What becomes of an entry.
pub enum Judged {
    /// A hit.
    Hit(TimedHit<ActorId, SkillId>),
    /// Beyond the longest fight; its amount.
    Late(u64),
    /// Without a time, or with an amount that no hit has.
    Absurd,
}

/// When an entry was stamped, ms since the fight began by the meter's clock; `None` where it has no time.
///
/// Of two times that contradict each other the one counts that a fight has. The meter writes 0 from the start also
/// where its clock was set back; so of a 0 that holds only where the begin of the fight is no date at all.
pub fn stamp(entry: &Entry, started_at_ms: i64) -> Option<i64> {
    let by_clock = entry.timestamp.0.map(|unix_ms| unix_ms.saturating_sub(started_at_ms));
    let from_start = entry.ms_from_start.0;
    let is_likely = |at: &i64| (1..=i64::from(ENCOUNTER_DURATION_MS_MAX)).contains(at);
    match (by_clock, from_start) {
        (Some(by_clock), Some(from_start)) if !is_likely(&by_clock) && is_likely(&from_start) => Some(from_start),
        (Some(by_clock), Some(0)) if by_clock > A_YEAR_MS => Some(0),
        _ => by_clock.or(from_start),
    }
}

/// The stamps of entries that have one, in their order.
pub fn stamps(entries: &[Entry], started_at_ms: i64) -> Vec<i64> {
    entries.iter().filter_map(|entry| stamp(entry, started_at_ms)).collect()
}

/// `kind`: of the row's table; `at_ms`: when it was, ms since the fight began.
pub fn judge(kind: HitKind, row: &HitRow, entry: &Entry, at_ms: Option<i64>) -> Judged {
    let amount = entry.amount.0.and_then(|amount| u64::try_from(amount).ok()).filter(|amount| *amount <= AMOUNT_MAX);
    let (Some(amount), Some(at_ms)) = (amount, at_ms) else { return Judged::Absurd };
    let Some(at_ms) = in_fight(at_ms) else { return Judged::Late(amount) };
    let shield = entry.shield_loss.0.and_then(|shield| u64::try_from(shield).ok()).unwrap_or(0);
    Judged::Hit(TimedHit {
        at_ms,
        hit: Hit {
            source: actor_id(row.source),
            target: actor_id(row.target),
            skill: row.skill(),
            kind,
            amount,
            flags: HitFlags::default()
                .with(HitFlags::CRIT, entry.crit.0)
                .with(HitFlags::LUCKY, entry.lucky.0)
                .with(HitFlags::BOSS, entry.is_boss.0),
            shield: shield.min(amount),
            overheal: 0,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::details::Number;
    use super::*;

    #[test]
    fn of_two_times_the_one_counts_that_a_fight_has() {
        let began = 1_790_000_000_000;
        for (started_at_ms, timestamp, from_start, expected) in [
            (began, Some(began + 5), Some(5), Some(5)),
            (began, Some(began + 5), None, Some(5)),
            (began, None, Some(7), Some(7)),
            (began, None, None, None),
            // The meter does not know when the fight began: its first hit is at 0 like the others at theirs.
            (0, Some(began), Some(0), Some(0)),
            (0, Some(began + 1_000), Some(1_000), Some(1_000)),
            // A clock that was set, back and forward: only it tells the hits apart.
            (began, Some(began - 3_600_000), Some(0), Some(-3_600_000)),
            (began, Some(began + 10_800_000), Some(0), Some(10_800_000)),
        ] {
            let entry = Entry { timestamp: Number(timestamp), ms_from_start: Number(from_start), ..Entry::default() };
            assert_eq!(stamp(&entry, started_at_ms), expected, "{started_at_ms} {timestamp:?} {from_start:?}");
        }
    }
}
