//! State to what a spectator or a report shows.
//!
//! Here is decided who counts as a player and what a source cannot know; sums come ready from the fold. Order is
//! canonical: the same state gives the same bytes, whatever the relay's key or the order of its events.

mod attempts;
mod course;
mod live;
mod rates;
mod seconds;

use std::collections::HashMap;

pub use attempts::attempts;
pub use course::outcome;
pub use live::{Happenings, LiveFacts, LiveStep, LiveView, PlayerTotals};

use crate::event::{ActorIx, CritsKnown, HitKind, SkillIx};
use crate::fold::{EncounterState, Row, Span};
use crate::game;
use crate::limits::DEATHS_MAX;
use crate::report::{
    Boss, DeathRow, Fight, FightSpan, MeterDiffers, MeterSums, MissingRow, Place, Player, SkillKind, SkillRow,
    Timeline, TimelineSeries, Totals,
};
use crate::uplink::{DamageBy, Ending, MeterTotals};
use rates::Rates;

/// Shows a whole fight, or the span that the state was folded of.
pub fn fight(state: &EncounterState, ending: Option<&Ending>) -> Fight {
    let header = state.header();
    let (first_ms, last_ms) = state.extent_ms().unwrap_or_default();
    let span = (state.span() != Span::ALL).then(|| state.span());
    let duration_ms = state.duration_ms();
    let figures = Figures::of(state);
    let rates = Rates::of(state);
    let players = figures.players(state, &rates);
    let outcome = outcome(state, ending);
    Fight {
        checksum: state.checksum().to_string(),
        started_at_ms: header.started_at_ms,
        ended_at_ms: ending.and_then(|ending| ending.ended_at_ms),
        duration_ms,
        first_ms,
        last_ms,
        damage_time: rates.damage,
        healing_time: rates.healing,
        span: span.map(|span| FightSpan { from_ms: span.from_ms, to_ms: span.to_ms }),
        outcome,
        encounter: place(state),
        bosses: bosses(state),
        totals: figures.totals(state),
        attempts: attempts(state, ending.map(|_| outcome)),
        deaths: deaths(state),
        players,
        missing: state
            .missing()
            .iter()
            .map(|missing| MissingRow { what: missing.what.clone(), expected: missing.expected, read: missing.read })
            .collect(),
    }
}

/// The sums of the meter and those of the state, if they differ.
pub fn meter_differs(state: &EncounterState, meter: &MeterTotals) -> Option<MeterDiffers> {
    let ours = |kind: HitKind| state.rows().iter().filter(move |row| row.key.kind == kind);
    let damage: u64 = match meter.damage_by {
        DamageBy::Everyone => ours(HitKind::Damage).map(|row| row.amount).sum(),
        DamageBy::Players => {
            ours(HitKind::Damage).filter(|row| is_players_damage(state, row)).map(|row| row.amount).sum()
        }
    };
    let healing = ours(HitKind::Heal).map(|row| row.amount).sum();
    let report = MeterSums { damage, healing };
    let meter = MeterSums { damage: meter.damage, healing: meter.healing };
    (meter != report).then_some(MeterDiffers { meter, report })
}

/// Players' damage is what they deal to what is not a player.
fn is_players_damage(state: &EncounterState, row: &Row) -> bool {
    row.key.kind == HitKind::Damage && state.is_player(row.key.source) && !state.is_player(row.key.target)
}

/// What of a row went to a boss: amount and hits. Hits say so themselves; of sums the target tells.
fn to_boss(state: &EncounterState, row: &Row) -> (u64, u64) {
    match state.actor(row.key.target).boss.get() {
        Some(true) => (row.boss_amount + row.summed_amount, row.boss_hits + row.summed_hits),
        _ => (row.boss_amount, row.boss_hits),
    }
}

/// What a reader must know of a fight whose source tells less than others, in words; `None` if there is nothing.
pub fn note(state: &EncounterState) -> Option<String> {
    let summed = state.summed();
    let mut told = Vec::new();
    if summed.hits > 0 || summed.untimed_amount > 0 {
        told.push("The meter keeps sums alone of this fight or a part of it: there are no single hits.".to_owned());
        told.push(match summed.untimed_amount {
            0 => "Times are those at which its sums were read.".to_owned(),
            untimed if untimed >= summed.amount => {
                "When anything happened is not known, so there is no timeline, and parts of the fight are empty."
                    .to_owned()
            }
            untimed => format!(
                "Times are those at which its sums were read; when {untimed} of damage and healing came is not known,                  so the timeline and parts of the fight are without it."
            ),
        });
    }
    if state.header().knows.no_deaths && state.deaths().is_empty() {
        told.push("This meter tells no deaths.".to_owned());
    }
    (!told.is_empty()).then(|| told.join(" "))
}

/// Where a fight was.
pub fn place(state: &EncounterState) -> Place {
    state.place()
}

/// What a fight is called: its greatest boss, else its scene.
pub fn title(state: &EncounterState) -> Option<String> {
    bosses(state).into_iter().next().map(|boss| boss.name).or_else(|| place(state).scene)
}

/// Bosses by players' damage to them. Those with one name are one line, as meters count them.
pub fn bosses(state: &EncounterState) -> Vec<Boss> {
    let mut bosses: HashMap<String, Boss> = HashMap::new();
    let mut damage: HashMap<ActorIx, (u64, u64)> = HashMap::new();
    for row in state.rows().iter().filter(|row| is_players_damage(state, row)) {
        let (amount, hits) = to_boss(state, row);
        if hits > 0 {
            let sums = damage.entry(row.key.target).or_default();
            sums.0 += amount;
            sums.1 += hits;
        }
    }
    for (at, actor) in state.actors().iter().enumerate() {
        let dealt = damage.get(&ActorIx(at as u16));
        if dealt.is_none() && actor.boss.get() != Some(&true) {
            continue;
        }
        // Known as a boss, but not in this span of the fight.
        let (amount, hits) = dealt.copied().unwrap_or_default();
        let monster_id = actor.monster_id.get().copied();
        let name = match (actor.name.get(), monster_id) {
            (Some(name), _) => name.clone(),
            (None, Some(id)) => format!("Monster {id}"),
            (None, None) => "Unknown boss".into(),
        };
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

/// Puts how the fight and its attempts went into the figures of a span of it: that is a fact of the whole fight.
pub fn went_as(span: &mut Fight, whole: &Fight) {
    span.outcome = whole.outcome;
    for row in &mut span.attempts {
        if let Some(of_whole) = whole.attempts.iter().find(|of_whole| of_whole.index == row.index) {
            (row.outcome, row.boss_damage) = (of_whole.outcome, of_whole.boss_damage);
        }
    }
}

/// Players' deaths, by time.
pub fn deaths(state: &EncounterState) -> Vec<DeathRow> {
    let players = state.deaths().iter().filter(|death| state.is_player(death.actor)).take(DEATHS_MAX);
    players
        .map(|death| DeathRow {
            at_ms: death.stamp.at_ms,
            player_key: state.actor(death.actor).id.to_hex(),
            name: state.actor(death.actor).name.get().cloned(),
            killer: death.by.and_then(|by| state.actor(by).name.get().cloned()),
            skill_id: death.skill.map(|skill| state.skill(skill).id.base),
            skill: death.skill.and_then(|skill| state.skill(skill).name.get().cloned()),
        })
        .collect()
}

/// Whether the source can tell a player's critical and lucky hits.
fn crits_known(state: &EncounterState, actor: ActorIx) -> bool {
    match state.header().knows.crits {
        CritsKnown::All => true,
        CritsKnown::Local => state.is_local(actor),
        CritsKnown::None => false,
    }
}

/// A player's class and spec: as told, else as their skills tell.
fn class_and_spec(state: &EncounterState, actor: ActorIx, rows: &[&Row]) -> (Option<u16>, Option<u16>) {
    let held = state.actor(actor);
    let told_class = held.class_id.get().copied();
    let fits = |spec: &u16| told_class.is_none_or(|class| game::spec(*spec).is_some_and(|spec| spec.class_id == class));
    let spec = held.spec_id.get().copied().or_else(|| {
        let mut hits: HashMap<u16, u64> = HashMap::new();
        for row in rows {
            if let Some(spec) = game::spec_of_skill(state.skill(row.key.skill).id.base).filter(&fits) {
                *hits.entry(spec).or_default() += row.hits;
            }
        }
        hits.into_iter().max_by_key(|(spec, hits)| (*hits, std::cmp::Reverse(*spec))).map(|(spec, _)| spec)
    });
    (told_class.or_else(|| spec.and_then(game::spec).map(|spec| spec.class_id)), spec)
}

/// What rows add up to for each player: one pass over the rows.
struct Figures<'a> {
    players: HashMap<ActorIx, PlayerFigures<'a>>,
}

#[derive(Default)]
struct PlayerFigures<'a> {
    totals: PlayerTotals,
    rows: Vec<&'a Row>,
}

impl<'a> Figures<'a> {
    fn of(state: &'a EncounterState) -> Self {
        let mut players: HashMap<ActorIx, PlayerFigures<'a>> = HashMap::new();
        for at in 0..state.actors().len() {
            let actor = ActorIx(at as u16);
            if state.is_player(actor) {
                players.insert(actor, PlayerFigures::default());
            }
        }
        for row in state.rows() {
            let to_player = players.contains_key(&row.key.target);
            if row.key.kind == HitKind::Damage
                && let Some(target) = players.get_mut(&row.key.target)
            {
                target.totals.damage_taken += row.amount;
            }
            let Some(source) = players.get_mut(&row.key.source) else { continue };
            let totals = &mut source.totals;
            match row.key.kind {
                HitKind::Damage if to_player => continue,
                HitKind::Damage => {
                    totals.damage += row.amount;
                    totals.boss_damage += to_boss(state, row).0;
                    totals.hits += row.hits;
                    totals.crit_hits += row.crit;
                    totals.lucky_hits += row.lucky;
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
                player.totals.deaths += 1;
            }
        }
        // Who was told to be a player and did nothing, nor had anything done to them, was not in this fight.
        players.retain(|actor, figures| !figures.totals.is_nothing() || state.is_local(*actor));
        Self { players }
    }

    fn totals(&self, _: &EncounterState) -> Totals {
        self.players.values().fold(Totals::default(), |sum, PlayerFigures { totals, .. }| sum.with(totals))
    }

    fn players(&self, state: &EncounterState, rates: &Rates) -> Vec<Player> {
        let player = |(&actor, figures): (&ActorIx, &PlayerFigures<'_>)| {
            let held = state.actor(actor);
            let totals = &figures.totals;
            let (class_id, spec_id) = class_and_spec(state, actor, &figures.rows);
            let known = crits_known(state, actor);
            Player {
                player_key: held.id.to_hex(),
                name: held.name.get().cloned(),
                class_id,
                spec_id,
                ability_score: held.ability_score.get().copied(),
                level: held.level.get().copied(),
                is_local: state.is_local(actor),
                damage: totals.damage,
                boss_damage: totals.boss_damage,
                healing: totals.healing,
                damage_taken: totals.damage_taken,
                hits: totals.hits,
                heal_hits: totals.heal_hits,
                crit_hits: known.then_some(totals.crit_hits),
                lucky_hits: known.then_some(totals.lucky_hits),
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

/// Skill rows of one player, by total; `None` if no player has this key.
pub fn player_skills(state: &EncounterState, player_key: &str) -> Option<Vec<SkillRow>> {
    let at = state.actors().iter().position(|actor| actor.id.to_hex() == player_key)?;
    let actor = ActorIx(at as u16);
    let ours = |row: &&Row| row.key.source == actor && (row.key.kind == HitKind::Heal || is_players_damage(state, row));
    let rows: Vec<_> = state.rows().iter().filter(ours).collect();
    state.is_player(actor).then(|| skills(state, &rows, crits_known(state, actor)))
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
            max: 0,
        });
        line.total += row.amount;
        line.hits += row.hits;
        line.max = line.max.max(row.max);
        line.crit_hits = line.crit_hits.map(|sum| sum + row.crit);
        line.lucky_hits = line.lucky_hits.map(|sum| sum + row.lucky);
    }
    let mut skills: Vec<_> = skills.into_values().collect();
    let id = |row: &SkillRow| (row.kind, row.skill_id, row.variant_id);
    skills.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| id(a).cmp(&id(b))));
    skills
}

/// Amounts by second of each player, in the order of the report.
pub fn timeline(state: &EncounterState, report_id: String, revision: u32) -> Timeline {
    let (first, last) = state.extent_ms().unwrap_or_default();
    let (first, last) = (first / 1000, last / 1000);
    let buckets = if state.extent_ms().is_some() { last - first + 1 } else { 0 };
    let series = |actor: ActorIx, of: &dyn Fn(&crate::fold::Pair) -> bool| {
        let mut sums = vec![0; buckets as usize];
        for pair in state.pairs().iter().filter(|pair| (pair.source == actor || pair.target == actor) && of(pair)) {
            for held in &pair.seconds {
                sums[(held.second - first) as usize] += held.amount;
            }
        }
        sums
    };
    let ix: HashMap<String, ActorIx> =
        state.actors().iter().enumerate().map(|(at, actor)| (actor.id.to_hex(), ActorIx(at as u16))).collect();
    let players = Figures::of(state).players(state, &Rates::of(state));
    let players = players.into_iter().map(|player| {
        let actor = ix[&player.player_key];
        TimelineSeries {
            damage: series(actor, &|p| p.kind == HitKind::Damage && p.source == actor && !state.is_player(p.target)),
            healing: series(actor, &|p| p.kind == HitKind::Heal && p.source == actor),
            taken: series(actor, &|p| p.kind == HitKind::Damage && p.target == actor),
            player_key: player.player_key,
        }
    });
    Timeline { report_id, revision, bucket_ms: 1000, first_second: first, buckets, players: players.collect() }
}

impl Totals {
    fn with(mut self, player: &PlayerTotals) -> Self {
        self.damage += player.damage;
        self.boss_damage += player.boss_damage;
        self.healing += player.healing;
        self.damage_taken += player.damage_taken;
        self.hits += player.hits;
        self.heal_hits += player.heal_hits;
        self.deaths += player.deaths;
        self
    }
}
