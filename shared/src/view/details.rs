//! What stands beside the figures of a fight or a part of it: from whom players took damage, whom they hit, and how many
//! each skill reached.
//!
//! One invariant: these are sums of the rows that the figures are sums of. What a player took comes to his damage taken,
//! what he dealt to all targets to his damage, and what his skills dealt to bosses to his damage to these.

use std::collections::{BTreeMap, BTreeSet};

use super::called::{Called, Who};
use super::figures::{is_players_damage, to_boss};
use super::known::{Known, max_hit};
use super::shown::Shown;
use crate::event::{ActorIx, HitKind, SkillIx};
use crate::fold::Span;
use crate::report::{Details, FightSpan, ReachedRow, SkillKind, TakenRow, TargetPlayer, TargetRow};

/// Shows what stands beside the figures of a whole fight, or of the span that the state was folded of.
///
/// Cost: three passes over the rows.
pub fn details(shown: Shown<'_>, report_id: String, revision: u32) -> Details {
    let state = shown.state();
    let span = state.span();
    let called = &mut Called::of(shown);
    let known = Known::of(state).targets;
    Details {
        report_id,
        revision,
        span: (span != Span::ALL).then_some(FightSpan { from_ms: span.from_ms, to_ms: span.to_ms }),
        taken: known.then(|| taken(shown, called)),
        targets: known.then(|| targets(shown, called)),
        reached: known.then(|| reached(shown, called)),
    }
}

/// What each player took, by who did it and with what, the greatest first.
fn taken(shown: Shown<'_>, called: &mut Called<'_>) -> Vec<TakenRow> {
    let state = shown.state();
    let mut lines: BTreeMap<(ActorIx, Who, SkillIx), TakenRow> = BTreeMap::new();
    for row in state.rows().iter().filter(|row| row.key.kind == HitKind::Damage && state.is_player(row.key.target)) {
        let by = called.who(row.key.source);
        let player_key = called.who(row.key.target).key.unwrap_or_default();
        let line = lines.entry((row.key.target, by.clone(), row.key.skill)).or_insert_with(|| {
            let skill = state.skill(row.key.skill);
            TakenRow {
                player_key,
                by_player: by.key,
                by: by.name,
                skill_id: skill.id.base,
                variant_id: skill.id.variant,
                skill: skill.name.get().cloned(),
                total: 0,
                hits: 0,
                max: Some(0),
            }
        });
        line.total += row.amount;
        line.hits += row.hits;
        line.max = line.max.zip(max_hit(row)).map(|(held, of_row)| held.max(of_row));
    }
    let mut lines: Vec<_> = lines.into_values().collect();
    let id = |row: &TakenRow| {
        let by = (row.by_player.clone(), row.by.clone());
        (row.player_key.clone(), by, row.skill_id, row.variant_id)
    };
    lines.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| id(a).cmp(&id(b))));
    lines
}

/// Whom players hit, and who of them how much, the greatest first.
fn targets(shown: Shown<'_>, called: &mut Called<'_>) -> Vec<TargetRow> {
    let state = shown.state();
    let mut lines: BTreeMap<Who, (TargetRow, BTreeMap<ActorIx, TargetPlayer>)> = BTreeMap::new();
    for row in state.rows().iter().filter(|row| is_players_damage(state, row)) {
        let who = called.who(row.key.target);
        let actor = state.actor(row.key.target);
        let (line, players) = lines.entry(who.clone()).or_insert_with(|| {
            let line =
                TargetRow { name: who.name, monster_id: None, boss: false, damage: 0, hits: 0, players: Vec::new() };
            (line, BTreeMap::new())
        });
        line.monster_id = line.monster_id.max(actor.monster_id.get().copied());
        line.boss |= actor.boss.get() == Some(&true) || to_boss(state, row).1 > 0;
        line.damage += row.amount;
        line.hits += row.hits;
        let player_key = called.who(row.key.source).key.unwrap_or_default();
        let player = players.entry(row.key.source).or_insert_with(|| TargetPlayer { player_key, damage: 0, hits: 0 });
        player.damage += row.amount;
        player.hits += row.hits;
    }
    let finished = |(mut line, players): (TargetRow, BTreeMap<ActorIx, TargetPlayer>)| {
        line.players = players.into_values().collect();
        line.players.sort_by(|a, b| b.damage.cmp(&a.damage).then_with(|| a.player_key.cmp(&b.player_key)));
        line
    };
    let mut lines: Vec<_> = lines.into_values().map(finished).collect();
    lines.sort_by(|a, b| b.damage.cmp(&a.damage).then_with(|| a.name.cmp(&b.name)));
    lines
}

/// How many each skill of each player reached, and what of its damage went to bosses.
fn reached(shown: Shown<'_>, called: &mut Called<'_>) -> Vec<ReachedRow> {
    let state = shown.state();
    let mut lines: BTreeMap<(ActorIx, SkillIx, HitKind), (BTreeSet<ActorIx>, u64)> = BTreeMap::new();
    for row in state.rows() {
        let is_heal = row.key.kind == HitKind::Heal && state.is_player(row.key.source);
        if is_heal || is_players_damage(state, row) {
            let (targets, to_bosses) = lines.entry((row.key.source, row.key.skill, row.key.kind)).or_default();
            targets.insert(row.key.target);
            *to_bosses += to_boss(state, row).0;
        }
    }
    let line = |((source, skill, kind), (targets, to_bosses)): ((ActorIx, SkillIx, HitKind), (BTreeSet<_>, u64))| {
        let id = state.skill(skill).id;
        let is_damage = kind == HitKind::Damage;
        ReachedRow {
            player_key: called.who(source).key.unwrap_or_default(),
            skill_id: id.base,
            variant_id: id.variant,
            kind: if is_damage { SkillKind::Damage } else { SkillKind::Healing },
            targets: targets.len() as u32,
            boss_total: is_damage.then_some(to_bosses),
        }
    };
    let mut lines: Vec<_> = lines.into_iter().map(line).collect();
    lines.sort_by(|a, b| {
        let id = |row: &ReachedRow| (row.player_key.clone(), row.kind, row.skill_id, row.variant_id);
        id(a).cmp(&id(b))
    });
    lines
}
