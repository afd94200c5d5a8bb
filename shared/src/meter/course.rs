//! Deaths, attempts, segments and buffs: the course of a fight, row by row. Times are Unix ms by the meter's clock.

use super::clock::FightClock;
use super::prefix;
use super::row::{actor_id, rare};
use crate::event::{AttemptReason, RareBody, SourceEvent, SourceKey};
use crate::id::SkillId;

/// A row of a death.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeathRow {
    /// When.
    pub at: Option<i64>,
    /// Who died.
    pub actor: Option<i64>,
    /// Who dealt the last blow.
    pub killer: Option<i64>,
    /// With what.
    pub skill: Option<i64>,
}

impl DeathRow {
    /// The death; `None` where it is nobody's, or at a time that no fight has. `index`: of the row among all of the fight.
    pub fn event(self, clock: &FightClock, index: u64) -> Option<SourceEvent> {
        let body = RareBody::Death {
            a: actor_id(self.actor?),
            by: self.killer.map(actor_id),
            s: self.skill.map(|base| SkillId { base, variant: None }),
        };
        Some(rare(clock.ms(self.at?)?, SourceKey::new(prefix::DEATHS.into(), index as u32), body))
    }
}

/// What deaths that have no event are told as.
pub const DEATHS_UNTOLD: &str = "deaths at times that no fight has";

/// A row of an attempt.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttemptRow<'a> {
    /// Its number in the encounter.
    pub n: u32,
    /// When it began.
    pub began: Option<i64>,
    /// When it ended.
    pub ended: Option<i64>,
    /// Why it began, in the meter's word.
    pub reason: Option<&'a str>,
    /// The boss' health at its begin and end.
    pub hp: [Option<i64>; 2],
}

impl AttemptRow<'_> {
    /// Its begin; `None` where that is at no time that a fight has.
    pub fn begin(&self, clock: &FightClock) -> Option<SourceEvent> {
        let why = match self.reason {
            Some("initial") => AttemptReason::Initial,
            Some("hp_rollback") => AttemptReason::Rollback,
            Some("wipe") => AttemptReason::Wipe,
            Some("manual") => AttemptReason::Manual,
            _ => AttemptReason::Other,
        };
        let body = RareBody::AttemptBegan { n: self.n, why, hp: health(self.hp[0]) };
        Some(rare(clock.ms(self.began?)?, self.key(), body))
    }

    /// Its end, likewise.
    pub fn end(&self, clock: &FightClock) -> Option<SourceEvent> {
        let body = RareBody::AttemptEnded { n: self.n, hp: health(self.hp[1]) };
        Some(rare(clock.ms(self.ended?)?, self.key(), body))
    }

    fn key(&self) -> SourceKey {
        SourceKey::new(prefix::ATTEMPT.into(), self.n)
    }
}

fn health(hp: Option<i64>) -> Option<u64> {
    hp.and_then(|hp| u64::try_from(hp).ok())
}

/// A row of a segment.
#[derive(Clone, Debug, Default)]
pub struct SegmentRow {
    /// Boss or trash.
    pub boss: bool,
    /// The boss' name, fit to be shown.
    pub name: Option<String>,
    /// When it began.
    pub began: Option<i64>,
    /// When it ended.
    pub ended: Option<i64>,
}

impl SegmentRow {
    /// The segment; `None` where it began at no time that a fight has. `index`: of the row among those of the fight.
    pub fn event(self, clock: &FightClock, index: usize) -> Option<SourceEvent> {
        let at_ms = clock.ms(self.began?)?;
        let until = self.ended.and_then(|ended| clock.ms(ended));
        let body = RareBody::Segment { boss: self.boss, name: self.name, until };
        Some(rare(at_ms, SourceKey::new(prefix::SEGMENT.into(), index as u32), body))
    }
}

/// A span of a buff.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuffRow {
    /// On whom.
    pub actor: i64,
    /// The game's id of it.
    pub buff: i64,
    /// When it began.
    pub start: Option<i64>,
    /// When it ended.
    pub end: Option<i64>,
    /// How many there were of it.
    pub stacks: Option<i64>,
}

impl BuffRow {
    /// The span, up to the fight's end `limit`, ms; `None` where it began later, or at no time that a fight has.
    /// `index`: of the span among those of its buff.
    pub fn event(self, clock: &FightClock, limit: u32, index: usize) -> Option<SourceEvent> {
        let at_ms = clock.ms(self.start?).filter(|at_ms| *at_ms <= limit)?;
        let until = self.end.and_then(|end| clock.ms(end)).unwrap_or(limit).clamp(at_ms, limit);
        let stacks = u32::try_from(self.stacks.unwrap_or(0).max(0)).unwrap_or(u32::MAX);
        let body = RareBody::Buff { a: actor_id(self.actor), buff: self.buff, until, stacks };
        Some(rare(at_ms, SourceKey::new(prefix::BUFFS.into(), index as u32), body))
    }
}
