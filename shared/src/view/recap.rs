//! What led to players' deaths: the last seconds of what reached them, and who was down already.
//!
//! Of a whole fight always: what reached somebody before a span began led to their death in it. Nothing is guessed: the
//! killing blow is what the source calls so (it stands in the death), and who is down is who died in the attempt and was
//! not seen to act since.

use std::collections::HashMap;

use super::called::Called;
use super::course::{Course, starts};
use super::shown::Shown;
use crate::event::{ActorIx, HitKind, TimedHit};
use crate::fold::{Death, Span};
use crate::limits::{RECAP_HITS_MAX, RECAP_MS, RECAPS_MAX};
use crate::report::{DeathRow, Recap, RecapHit, Recaps, SkillKind};

/// The hits that led to one death.
struct Led<'a> {
    /// Not before this, ms: so long before the death, or after the death before it.
    from_ms: u32,
    at_ms: u32,
    hits: Vec<&'a TimedHit>,
    seen: u64,
}

impl<'a> Led<'a> {
    fn add(&mut self, hit: &'a TimedHit) {
        self.seen += 1;
        self.hits.push(hit);
        if self.hits.len() >= 2 * RECAP_HITS_MAX {
            self.settle();
        }
    }

    /// Keeps the last of them, by time.
    fn settle(&mut self) {
        self.hits.sort_by_key(|timed| (timed.at_ms, timed.hit.kind, timed.hit.amount));
        self.hits.drain(..self.hits.len().saturating_sub(RECAP_HITS_MAX));
    }
}

/// Shows what led to each player's death in a part of a whole fight: the first of these where there are too many.
///
/// `hits` are the fight's, in any order. Cost: one pass over them, and one over seconds.
pub fn recaps<'a>(
    shown: Shown<'_>,
    hits: impl Iterator<Item = &'a TimedHit>,
    span: Span,
    report_id: String,
    revision: u32,
) -> Recaps {
    let state = shown.state();
    let players: Vec<&Death> = state.deaths().iter().filter(|death| state.is_player(death.actor)).collect();
    let asked: Vec<&Death> = players.iter().copied().filter(|death| span.holds(death.stamp.at_ms)).collect();
    let told = &asked[..asked.len().min(RECAPS_MAX)];
    let led = led(&players, told, hits);
    let (course, starts) = (Course::of(state), starts(state));
    let called = &mut Called::of(shown);
    let mut deaths = Vec::with_capacity(told.len());
    for death in told {
        let at_ms = death.stamp.at_ms;
        let who = called.who(death.actor);
        let since_ms = starts.iter().copied().filter(|start| *start <= at_ms).max().unwrap_or(0);
        let mut down = course.down_at(since_ms, at_ms);
        down.retain(|actor| *actor != death.actor);
        let of_player = led.get(&death.actor).map_or(&[][..], Vec::as_slice);
        let held = of_player.iter().find(|one| one.at_ms == at_ms);
        let skill = death.skill.map(|skill| state.skill(skill));
        let hits = held.map_or_else(Vec::new, |held| told_hits(shown, called, &held.hits));
        deaths.push(Recap {
            death: DeathRow {
                at_ms,
                player_key: who.key.unwrap_or_default(),
                name: who.name,
                killer: death.by.and_then(|by| shown.name(by)),
                skill_id: skill.map(|skill| skill.id.base),
                skill: skill.and_then(|skill| skill.name.get().cloned()),
            },
            down: down.into_iter().filter_map(|actor| called.who(actor).key).collect(),
            hits_left_out: held.map_or(0, |held| held.seen - held.hits.len() as u64),
            hits,
        });
    }
    let summed = state.summed();
    let singly = summed.hits == 0 && summed.amount == 0;
    Recaps { report_id, revision, singly, deaths, left_out: (asked.len() - told.len()) as u64 }
}

/// Of each player's deaths that are told, by time, the hits that led to them. Of two at one moment there is one.
fn led<'a>(
    all: &[&Death],
    told: &[&Death],
    hits: impl Iterator<Item = &'a TimedHit>,
) -> HashMap<ActorIx, Vec<Led<'a>>> {
    let mut led: HashMap<ActorIx, Vec<Led<'a>>> = HashMap::new();
    for death in told {
        let at_ms = death.stamp.at_ms;
        let before = all.iter().filter(|one| one.actor == death.actor && one.stamp.at_ms < at_ms);
        let after_ms = before.map(|one| one.stamp.at_ms + 1).max().unwrap_or(0);
        let from_ms = at_ms.saturating_sub(RECAP_MS).max(after_ms);
        let of_player = led.entry(death.actor).or_default();
        if of_player.last().is_none_or(|last| last.at_ms < at_ms) {
            of_player.push(Led { from_ms, at_ms, hits: Vec::new(), seen: 0 });
        }
    }
    for timed in hits.filter(|timed| timed.hit.amount > 0) {
        let Some(deaths) = led.get_mut(&timed.hit.target) else { continue };
        let next = deaths.partition_point(|death| death.at_ms < timed.at_ms);
        if let Some(death) = deaths.get_mut(next)
            && death.from_ms <= timed.at_ms
        {
            death.add(timed);
        }
    }
    led.values_mut().flatten().for_each(Led::settle);
    led
}

/// Hits as they are shown, by time.
fn told_hits(shown: Shown<'_>, called: &mut Called<'_>, hits: &[&TimedHit]) -> Vec<RecapHit> {
    let state = shown.state();
    let knows_overheal = state.header().knows.overheal;
    let mut told = Vec::with_capacity(hits.len());
    for TimedHit { at_ms, hit } in hits {
        let by = called.who(hit.source);
        let skill = state.skill(hit.skill);
        let is_heal = hit.kind == HitKind::Heal;
        told.push(RecapHit {
            at_ms: *at_ms,
            kind: if is_heal { SkillKind::Healing } else { SkillKind::Damage },
            amount: hit.amount,
            shield: (hit.shield > 0).then_some(hit.shield),
            overheal: (is_heal && knows_overheal).then_some(hit.overheal),
            by_player: by.key,
            by: by.name,
            skill_id: skill.id.base,
            skill: skill.name.get().cloned(),
        });
    }
    told.sort_by(|a, b| {
        let order = |hit: &RecapHit| (hit.at_ms, hit.kind, hit.amount, hit.skill_id);
        let by = |hit: &RecapHit| (hit.by_player.clone(), hit.by.clone());
        order(a).cmp(&order(b)).then_with(|| by(a).cmp(&by(b)))
    });
    told
}
