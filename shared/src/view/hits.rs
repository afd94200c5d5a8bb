//! Single hits of players, by skill.

use std::collections::HashMap;

use super::shown::Shown;
use crate::event::{ActorIx, HitFlags, HitKind, TimedHit};
use crate::form::{FormHit, SKILL_HITS_MAX, Timelines};
use crate::report::SkillKind;

/// Of a fight's hits those that its figures count (what a player does to a player is no damage of his), the first of each
/// skill where there are too many and they come by time.
///
/// Cost: linear in the hits.
pub fn timelines<'a>(shown: Shown<'_>, hits: impl Iterator<Item = &'a TimedHit>) -> Timelines {
    let state = shown.state();
    let mut by_skill: HashMap<_, Vec<FormHit>> = HashMap::new();
    let mut left_out = 0;
    let is_player = |actor: ActorIx| state.is_player(actor);
    for TimedHit { at_ms, hit } in hits {
        if is_player(hit.source) && (hit.kind == HitKind::Heal || !is_player(hit.target)) {
            let held = by_skill.entry((hit.source, hit.skill, hit.kind)).or_default();
            if held.len() == SKILL_HITS_MAX {
                left_out += 1;
                continue;
            }
            let marked = shown.sees_everything() || shown.crits_known(hit.source);
            held.push(FormHit {
                timestamp_ms: *at_ms,
                value: hit.amount,
                // Whose hits alone are marked is whose meter it is.
                is_crit: marked && hit.flags.has(HitFlags::CRIT),
                is_lucky: marked && hit.flags.has(HitFlags::LUCKY),
                hp_loss: (hit.shield > 0).then(|| hit.amount.saturating_sub(hit.shield)),
                shield_loss: (hit.shield > 0).then_some(hit.shield),
            });
        }
    }
    let mut timelines = Timelines { left_out, ..Timelines::default() };
    for ((source, skill, kind), hits) in by_skill {
        let skill = state.skill(skill).id;
        let kind = if kind == HitKind::Heal { SkillKind::Healing } else { SkillKind::Damage };
        timelines.by_skill.insert((shown.key(source), skill.base, skill.variant, kind), hits);
    }
    timelines
}
