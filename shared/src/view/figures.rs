//! What each player did: sums of the fold's rows.
//!
//! Here is decided who counts as a player and what counts as theirs; sums come ready from the fold.

use std::collections::{BTreeMap, HashMap};

use super::class::class_and_spec;
use super::known::{Known, add, max_hit};
use super::rates::Rates;
use super::shown::Shown;
use crate::event::{ActorIx, HitKind, SkillIx};
use crate::fold::{EncounterState, Row};
use crate::report::{Player, SkillKind, SkillRow, Totals};

/// Players' damage is what they deal to what is not a player.
pub(super) fn is_players_damage(state: &EncounterState, row: &Row) -> bool {
    row.key.kind == HitKind::Damage && state.is_player(row.key.source) && !state.is_player(row.key.target)
}

/// What of a row went to a boss: amount and hits. Hits say so themselves; of sums the target tells.
pub(super) fn to_boss(state: &EncounterState, row: &Row) -> (u64, u64) {
    match state.actor(row.key.target).boss.get() {
        Some(true) => (row.boss_amount + row.summed_amount, row.boss_hits + row.summed_hits),
        _ => (row.boss_amount, row.boss_hits),
    }
}

/// What rows add up to for each player: one pass over the rows.
pub(super) struct Figures<'a> {
    known: Known,
    pub(super) players: HashMap<ActorIx, PlayerFigures<'a>>,
}

pub(super) struct PlayerFigures<'a> {
    /// Their own: damage taken is theirs, deaths are theirs.
    pub(super) totals: Totals,
    /// Critical damage hits, as far as the source knows.
    pub(super) crit_hits: u64,
    /// Lucky damage hits, as far as the source knows.
    pub(super) lucky_hits: u64,
    pub(super) rows: Vec<&'a Row>,
}

impl<'a> Figures<'a> {
    pub(super) fn of(shown: Shown<'a>) -> Self {
        let state = shown.state();
        let known = Known::of(state);
        let mut players: HashMap<ActorIx, PlayerFigures<'a>> = HashMap::new();
        for (at, held) in state.actors().iter().enumerate() {
            let actor = ActorIx(at as u16);
            if state.is_player(actor) {
                let mut totals = known.nothing();
                if !known.targets {
                    totals.damage_taken = held.told_taken.map(|sum| sum.amount);
                    totals.boss_damage = held.told_to_bosses.map(|sum| sum.amount);
                }
                players.insert(actor, PlayerFigures { totals, crit_hits: 0, lucky_hits: 0, rows: Vec::new() });
            }
        }
        for row in state.rows() {
            let to_player = players.contains_key(&row.key.target);
            if row.key.kind == HitKind::Damage
                && known.targets
                && let Some(target) = players.get_mut(&row.key.target)
            {
                add(&mut target.totals.damage_taken, row.amount);
            }
            let Some(source) = players.get_mut(&row.key.source) else { continue };
            let totals = &mut source.totals;
            match row.key.kind {
                HitKind::Damage if to_player => continue,
                HitKind::Damage => {
                    totals.damage += row.amount;
                    if known.targets {
                        add(&mut totals.boss_damage, to_boss(state, row).0);
                    }
                    totals.hits += row.hits;
                    source.crit_hits += row.crit;
                    source.lucky_hits += row.lucky;
                }
                HitKind::Heal => {
                    totals.healing += row.amount;
                    totals.heal_hits += row.hits;
                }
            }
            source.rows.push(row);
        }
        for death in state.deaths() {
            if let Some(player) = players.get_mut(&death.actor) {
                add(&mut player.totals.deaths, 1);
            }
        }
        // Who was told to be a player and did nothing, nor had anything done to them, was not in this fight.
        players.retain(|actor, figures| !figures.totals.is_nothing() || shown.is_local(*actor));
        Self { known, players }
    }

    pub(super) fn totals(&self) -> Totals {
        let sums = self.players.values().map(|player| player.totals).reduce(|sum, player| sum.and(&player));
        sums.unwrap_or_else(|| self.known.nothing())
    }

    pub(super) fn players(&self, shown: Shown<'_>, rates: &Rates) -> Vec<Player> {
        let state = shown.state();
        let player = |(&actor, figures): (&ActorIx, &PlayerFigures<'_>)| {
            let totals = &figures.totals;
            let (class_id, spec_id) = class_and_spec(state, actor, &figures.rows);
            let known = shown.crits_known(actor);
            Player {
                player_key: shown.key(actor),
                name: shown.name(actor),
                class_id,
                spec_id,
                ability_score: shown.ability_score(actor),
                level: shown.level(actor),
                is_local: shown.is_local(actor),
                damage: totals.damage,
                boss_damage: totals.boss_damage,
                healing: totals.healing,
                damage_taken: totals.damage_taken,
                hits: totals.hits,
                heal_hits: totals.heal_hits,
                crit_hits: known.then_some(figures.crit_hits),
                lucky_hits: known.then_some(figures.lucky_hits),
                deaths: totals.deaths,
                dps: totals.damage as f64 / rates.damage_seconds(),
                hps: totals.healing as f64 / rates.healing_seconds(),
                skills: skills(state, &figures.rows, known),
            }
        };
        let mut players: Vec<_> = self.players.iter().map(player).collect();
        players.sort_by(|a, b| {
            let figures = |p: &Player| (p.damage, p.healing, p.damage_taken, p.hits, p.heal_hits);
            figures(b).cmp(&figures(a)).then_with(|| (&a.name, &a.player_key).cmp(&(&b.name, &b.player_key)))
        });
        players
    }
}

/// Skill rows of some players, by total; of keys that are no player's there are none.
///
/// Cost: one pass over the rows of the fold, however many are asked for.
pub fn skills_of(shown: Shown<'_>, keys: &[&str]) -> Vec<(String, Vec<SkillRow>)> {
    let state = shown.state();
    let actors = (0..state.actors().len()).map(|at| ActorIx(at as u16));
    let asked = actors.filter(|actor| state.is_player(*actor)).map(|actor| (actor, shown.key(actor)));
    let asked = asked.filter(|(_, key)| keys.contains(&key.as_str()));
    let mut rows: BTreeMap<ActorIx, (String, Vec<&Row>)> =
        asked.map(|(actor, key)| (actor, (key, Vec::new()))).collect();
    for row in state.rows() {
        if let Some((_, rows)) = rows.get_mut(&row.key.source)
            && (row.key.kind == HitKind::Heal || is_players_damage(state, row))
        {
            rows.push(row);
        }
    }
    let made = rows.into_iter().map(|(actor, (key, rows))| (key, skills(state, &rows, shown.crits_known(actor))));
    made.collect()
}

fn skills(state: &EncounterState, rows: &[&Row], crits_known: bool) -> Vec<SkillRow> {
    let mut skills: HashMap<(SkillIx, HitKind), SkillRow> = HashMap::new();
    for row in rows {
        let held = state.skill(row.key.skill);
        let line = skills.entry((row.key.skill, row.key.kind)).or_insert_with(|| SkillRow {
            skill_id: held.id.base,
            variant_id: held.id.variant,
            name: held.name.get().cloned(),
            kind: if row.key.kind == HitKind::Heal { SkillKind::Healing } else { SkillKind::Damage },
            total: 0,
            hits: 0,
            crit_hits: crits_known.then_some(0),
            lucky_hits: crits_known.then_some(0),
            max: Some(0),
        });
        line.total += row.amount;
        line.hits += row.hits;
        line.max = line.max.zip(max_hit(row)).map(|(held, of_row)| held.max(of_row));
        line.crit_hits = line.crit_hits.map(|sum| sum + row.crit);
        line.lucky_hits = line.lucky_hits.map(|sum| sum + row.lucky);
    }
    let mut skills: Vec<_> = skills.into_values().collect();
    let id = |row: &SkillRow| (row.kind, row.skill_id, row.variant_id);
    skills.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| id(a).cmp(&id(b))));
    skills
}
