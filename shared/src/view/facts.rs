//! What is told of a fight beside its sums: where it was, bosses, deaths.

use std::collections::HashMap;

use super::figures::{is_players_damage, to_boss};
use super::known::Known;
use super::shown::Shown;
use crate::event::{ActorIx, ActorKind};
use crate::fold::Actor;
use crate::limits::DEATHS_MAX;
use crate::report::{Boss, DeathRow, Place};

/// Where a fight was.
pub(super) fn place(shown: Shown<'_>) -> Place {
    shown.state().place()
}

/// What a fight is called: its greatest boss, else its scene.
pub fn title(shown: Shown<'_>) -> Option<String> {
    bosses(shown).into_iter().next().map(|boss| boss.name).or_else(|| place(shown).scene)
}

/// Bosses by players' damage to them. Those with one name are one line, as meters count them.
pub(super) fn bosses(shown: Shown<'_>) -> Vec<Boss> {
    let state = shown.state();
    let mut bosses: HashMap<String, Boss> = HashMap::new();
    let mut damage: HashMap<ActorIx, (u64, u64)> = HashMap::new();
    let known = Known::of(state);
    for row in state.rows().iter().filter(|row| is_players_damage(state, row)) {
        let (amount, hits) = to_boss(state, row);
        if hits > 0 {
            let sums = damage.entry(row.key.target).or_default();
            sums.0 += amount;
            sums.1 += hits;
        }
    }
    for (at, actor) in state.actors().iter().enumerate() {
        // Whatever a meter says: no player is named in place of one.
        if state.is_player(ActorIx(at as u16)) {
            continue;
        }
        let is_boss = actor.boss.get() == Some(&true);
        let dealt = match known.targets {
            true => damage.get(&ActorIx(at as u16)).copied(),
            false => actor.told_taken.filter(|_| is_boss).map(|sum| (sum.amount, sum.hits.unwrap_or(0))),
        };
        if dealt.is_none() && !is_boss {
            continue;
        }
        // Known as a boss, but not in this span of the fight.
        let (amount, hits) = dealt.unwrap_or_default();
        let monster_id = actor.monster_id.get().copied();
        let name = boss_name(actor);
        let line = bosses.entry(name.clone()).or_insert(Boss {
            name,
            monster_id,
            max_hp: None,
            hp: None,
            damage: 0,
            hits: 0,
            defeated: None,
        });
        line.monster_id = line.monster_id.max(monster_id);
        line.max_hp = line.max_hp.max(actor.max_hp.get().copied());
        line.hp = line.hp.max(actor.hp.get().copied());
        line.defeated = line.defeated.max(actor.defeated.get().copied());
        line.damage += amount;
        line.hits += hits;
    }
    let mut bosses: Vec<_> = bosses.into_values().collect();
    bosses.sort_by(|a, b| b.damage.cmp(&a.damage).then_with(|| a.name.cmp(&b.name)));
    bosses
}

/// What a boss is called.
pub(super) fn boss_name(actor: &Actor) -> String {
    let monster_id = actor.monster_id.get().copied();
    // Of whom no meter says what he is may turn out to be a player: lists name bosses, and hide nobody.
    let is_monster = actor.kind() == ActorKind::Monster || monster_id.is_some();
    match (actor.name.get().filter(|_| is_monster), monster_id) {
        (Some(name), _) => name.clone(),
        (None, Some(id)) => format!("Monster {id}"),
        (None, None) => "Unknown boss".into(),
    }
}

/// Players' deaths, by time.
pub fn deaths(shown: Shown<'_>) -> Vec<DeathRow> {
    let state = shown.state();
    let players = state.deaths().iter().filter(|death| state.is_player(death.actor)).take(DEATHS_MAX);
    // Each is called once: behind a veil a name may cost a look at all rows.
    let mut called: HashMap<ActorIx, (String, Option<String>)> = HashMap::new();
    let mut call = |actor| called.entry(actor).or_insert_with(|| (shown.key(actor), shown.name(actor))).clone();
    players
        .map(|death| (death, call(death.actor), death.by.and_then(|by| call(by).1)))
        .map(|(death, (player_key, name), killer)| DeathRow {
            at_ms: death.stamp.at_ms,
            player_key,
            name,
            killer,
            skill_id: death.skill.map(|skill| state.skill(skill).id.base),
            skill: death.skill.and_then(|skill| state.skill(skill).name.get().cloned()),
        })
        .collect()
}
