//! A fight for a file of its own: the entries that the fold's rows are sums of, with all that a reader needs to know
//! whose they are.
//!
//! Orders tell nothing: who the meter named first stands in none of them, for that may be the order of the game's ids.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::called::Called;
use super::facts::boss_name;
use super::figures::{is_players_damage, to_boss};
use super::recap::recaps;
use super::shown::Shown;
use crate::event::{ActorIx, Hit, HitFlags, HitKind, RareBody, SkillIx, TimedHit};
use crate::fold::{EncounterState, FoldIndex, Grown, RowKey, Span, SumGrowth};
use crate::report::{Recaps, Report};
use crate::saved::{SAVED_VERSION, SavedActor, SavedFight, SavedHits, SavedSkill, SavedSums};

/// Keys of players that are good in one file alone.
#[derive(Default)]
struct FileKeys(HashMap<String, String>);

impl FileKeys {
    fn of(&mut self, key: &str) -> String {
        let next = self.0.len() + 1;
        self.0.entry(key.to_owned()).or_insert_with(|| format!("p{next}")).clone()
    }

    fn put(&mut self, key: &mut String) {
        *key = self.of(key);
    }

    fn put_into_report(&mut self, report: &mut Report) {
        report.fight.players.iter_mut().for_each(|player| self.put(&mut player.player_key));
        report.fight.deaths.iter_mut().for_each(|death| self.put(&mut death.player_key));
    }

    fn put_into_recaps(&mut self, recaps: &mut Recaps) {
        for recap in &mut recaps.deaths {
            self.put(&mut recap.death.player_key);
            recap.down.iter_mut().for_each(|key| self.put(key));
            recap.hits.iter_mut().filter_map(|hit| hit.by_player.as_mut()).for_each(|key| self.put(key));
        }
    }
}

/// What is in the file, and where.
struct Places {
    actors: Vec<ActorIx>,
    actor_at: HashMap<ActorIx, u32>,
    skills: Vec<SkillIx>,
    rows: Vec<[u32; 4]>,
    row_at: HashMap<RowKey, u32>,
}

impl Places {
    /// `ranks`: players of the report, in its order.
    fn of(shown: Shown<'_>, called: &mut Called<'_>, ranks: &HashMap<String, usize>) -> Self {
        let state = shown.state();
        let order = |actor: &ActorIx| {
            let (who, key) = (called.who(*actor), shown.key(*actor));
            (ranks.get(&key).copied().unwrap_or(usize::MAX), who.key.is_none(), who.name, key)
        };
        let mut actors: Vec<_> = actors_in(state).into_iter().collect();
        actors.sort_by_cached_key(order);
        let actor_at = places(&actors);
        let skills: BTreeSet<_> = state.rows().iter().map(|row| row.key.skill).collect();
        let mut skills: Vec<_> = skills.into_iter().collect();
        skills.sort_by_key(|skill| {
            let id = state.skill(*skill).id;
            (id.base, id.variant)
        });
        let skill_at: HashMap<_, _> = places(&skills);
        let mut rows: Vec<_> = state
            .rows()
            .iter()
            .map(|row| {
                let RowKey { source, target, skill, kind } = row.key;
                let heals = u32::from(kind == HitKind::Heal);
                ([actor_at[&source], actor_at[&target], skill_at[&skill], heals], row.key)
            })
            .collect();
        rows.sort_unstable_by_key(|(row, _)| *row);
        let row_at = rows.iter().enumerate().map(|(at, (_, key))| (*key, at as u32)).collect();
        Self { actors, actor_at, skills, rows: rows.into_iter().map(|(row, _)| row).collect(), row_at }
    }
}

fn places<T: Copy + Eq + std::hash::Hash>(of: &[T]) -> HashMap<T, u32> {
    of.iter().enumerate().map(|(at, one)| (*one, at as u32)).collect()
}

/// Who did something, or had it done to them, and who is told to be a boss: of others a report shows nothing.
fn actors_in(state: &EncounterState) -> BTreeSet<ActorIx> {
    let in_rows = state.rows().iter().flat_map(|row| [row.key.source, row.key.target]);
    let died = state.deaths().iter().map(|death| death.actor).filter(|actor| state.is_player(*actor));
    let all = (0..state.actors().len()).map(|at| ActorIx(at as u16));
    let bosses = all.filter(|actor| !state.is_player(*actor) && state.actor(*actor).boss.get() == Some(&true));
    in_rows.chain(died).chain(bosses).collect()
}

/// A whole fight for a file; `index` is what it was folded of, `report` what is shown of it.
///
/// Cost: the hits are sorted, and some 80 bytes are held of each.
pub fn saved(shown: Shown<'_>, index: &FoldIndex, mut report: Report) -> SavedFight {
    let state = shown.state();
    let mut recaps = recaps(shown, index.hits(), Span::ALL, report.report_id.clone(), report.revision);
    let ranks = report.fight.players.iter().enumerate().map(|(at, player)| (player.player_key.clone(), at)).collect();
    let mut called = Called::of(shown);
    let places = Places::of(shown, &mut called, &ranks);
    let mut keys = FileKeys::default();
    keys.put_into_report(&mut report);
    let actors = actors(state, &places, &mut called, &mut keys);
    keys.put_into_recaps(&mut recaps);
    // It leads nowhere.
    report.raid = String::new();
    let skill = |skill: &SkillIx| {
        let held = state.skill(*skill);
        SavedSkill { skill_id: held.id.base, variant_id: held.id.variant, name: held.name.get().cloned() }
    };
    let fallen = state.deaths().iter().filter(|death| state.is_player(death.actor));
    let falls = fallen.map(|death| [death.stamp.at_ms, places.actor_at[&death.actor]]).collect();
    let knows = &state.header().knows;
    SavedFight {
        version: SAVED_VERSION,
        report,
        recaps,
        knows_targets: !knows.no_targets,
        knows_deaths: !knows.no_deaths,
        actors,
        skills: places.skills.iter().map(skill).collect(),
        moments: moments(index),
        falls,
        revivals: revivals(state, index, &places),
        health: health(state, index, &places),
        hits: hits(shown, index, &places),
        sums: sums(shown, &places, |growth| growth.timed),
        lumps: sums(shown, &places, |growth| growth.untimed),
        rows: places.rows,
    }
}

fn actors(state: &EncounterState, places: &Places, called: &mut Called<'_>, keys: &mut FileKeys) -> Vec<SavedActor> {
    let reached = state.rows().iter().filter(|row| is_players_damage(state, row) && to_boss(state, row).1 > 0);
    let reached: HashSet<_> = reached.map(|row| row.key.target).collect();
    let actor = |ix: &ActorIx| {
        let (held, who, is_player) = (state.actor(*ix), called.who(*ix), state.is_player(*ix));
        let boss = !is_player && held.boss.get() == Some(&true);
        SavedActor {
            player_key: who.key.map(|key| keys.of(&key)),
            name: who.name,
            monster_id: held.monster_id.get().copied().filter(|_| !is_player),
            boss,
            boss_name: (boss || reached.contains(ix)).then(|| boss_name(held)),
        }
    };
    places.actors.iter().map(actor).collect()
}

fn moments(index: &FoldIndex) -> Vec<u32> {
    let mut moments = BTreeSet::new();
    for rare in index.rare() {
        match &rare.body {
            RareBody::Totals { lump, .. } => {
                // What came at no known time came since the fight began.
                moments.extend(lump.then_some(0));
                moments.insert(rare.at_ms);
            }
            RareBody::Death { .. } | RareBody::Revive { .. } => {
                moments.insert(rare.at_ms);
            }
            _ => {}
        }
    }
    moments.into_iter().collect()
}

fn revivals(state: &EncounterState, index: &FoldIndex, places: &Places) -> Vec<[u32; 2]> {
    let told = index.rare().filter_map(|rare| match &rare.body {
        RareBody::Revive { a } if state.is_player(*a) => Some([rare.at_ms, *places.actor_at.get(a)?]),
        _ => None,
    });
    let mut told: Vec<_> = told.collect();
    told.sort_unstable();
    told
}

fn health(state: &EncounterState, index: &FoldIndex, places: &Places) -> Vec<[u64; 3]> {
    let told = index.rare().filter_map(|rare| match &rare.body {
        RareBody::BossHealth { a, hp, .. } if !state.is_player(*a) => {
            Some((rare.at_ms, rare.key, *hp, *places.actor_at.get(a)?))
        }
        _ => None,
    });
    let mut told: Vec<_> = told.collect();
    told.sort_unstable();
    told.into_iter().map(|(at_ms, _, hp, actor)| [u64::from(at_ms), u64::from(actor), hp]).collect()
}

/// Of whom critical and lucky hits are known, by actor.
fn marked(shown: Shown<'_>) -> Vec<bool> {
    (0..shown.state().actors().len()).map(|at| shown.crits_known(ActorIx(at as u16))).collect()
}

fn hits(shown: Shown<'_>, index: &FoldIndex, places: &Places) -> SavedHits {
    let marked = marked(shown);
    let entry = |TimedHit { at_ms, hit }: &TimedHit| {
        let Hit { source, target, skill, kind, amount, flags, shield, overheal } = *hit;
        let row = *places.row_at.get(&RowKey { source, target, skill, kind })?;
        let marks = if marked[usize::from(source.0)] { HitFlags::CRIT | HitFlags::LUCKY } else { 0 };
        Some((*at_ms, row, amount, flags.0 & (marks | HitFlags::BOSS), shield, overheal))
    };
    let mut entries: Vec<_> = index.hits().filter_map(entry).collect();
    entries.sort_unstable();
    let mut hits = SavedHits::default();
    for (at_ms, row, amount, flags, shield, overheal) in entries {
        hits.at_ms.push(at_ms);
        hits.row.push(row);
        hits.amount.push(amount);
        hits.flags.push(flags);
        hits.shield.push(shield);
        hits.overheal.push(overheal);
    }
    hits
}

/// What rows grew by: `of` chooses what of a telling.
fn sums(shown: Shown<'_>, places: &Places, of: fn(&SumGrowth) -> Grown) -> SavedSums {
    let marked = marked(shown);
    let entry = |(key, growth): (RowKey, SumGrowth)| {
        let grown = of(&growth);
        let row = *places.row_at.get(&key).filter(|_| grown != Grown::default())?;
        let is_marked = marked[usize::from(key.source.0)];
        let known = |count: u64| if is_marked { count } else { 0 };
        Some((growth.at_ms, row, Grown { crit: known(grown.crit), lucky: known(grown.lucky), ..grown }))
    };
    let mut entries: Vec<_> = shown.state().sum_growths().filter_map(entry).collect();
    entries.sort_unstable();
    let mut sums = SavedSums::default();
    for (at_ms, row, Grown { hits, amount, crit, lucky, shield, overheal }) in entries {
        sums.at_ms.push(at_ms);
        sums.row.push(row);
        sums.hits.push(hits);
        sums.amount.push(amount);
        sums.crit.push(crit);
        sums.lucky.push(lucky);
        sums.shield.push(shield);
        sums.overheal.push(overheal);
    }
    sums
}
