//! An encounter of this form as events.
//!
//! One invariant: what a player is told to have done comes to what the events come to; where hits, skills and players
//! contradict each other, more is told than less, and the log says what differs.
//!
//! Whom a hit reached this form does not tell, so all reach one actor; what bosses took, and what players dealt to them
//! and took, are sums of the whole fight.

use std::collections::{BTreeMap, BTreeSet};

use raidcast_shared::encode::{Row, RowHit};
use raidcast_shared::event::{
    ActorFacts, ActorKind, CritsKnown, HitFlags, HitKind, Knows, PartSum, RareBody, SourceKey,
};
use raidcast_shared::game::{GAME, SpecNumbering, spec_of};
use raidcast_shared::id::{ActorId, EncounterId, SkillId};
use raidcast_shared::limits::{AMOUNT_MAX, ENCOUNTER_DURATION_MS_MAX, PLAYERS_MAX};
use raidcast_shared::meter::person::told;
use raidcast_shared::meter::prefix;
use raidcast_shared::meter::row::{RowPlace, actor_id, missing, rare, word};
use raidcast_shared::uplink::{DamageBy, MeterTotals, Outcome};
use sha2::{Digest, Sha256};

use super::form::{Boss, Encounter, Entry, Player, Skill, Told};
use crate::builder::{Builder, Finish, Start};
use crate::uploaded::Uploaded;

/// The form's name in the names of readings.
const FORM: &str = "encounters";
/// What is dealt or healed with no skill that is told.
const NO_SKILL: i64 = -1;

/// Which fight it is: that of its player, as when it is streamed, else of those who fought it and whom they fought.
fn name_of(encounter: &Encounter) -> EncounterId {
    if let Some(local) = encounter.local {
        return EncounterId::of_player(GAME, local, encounter.started_at_ms);
    }
    let mut actors: Vec<i64> = encounter.players.iter().map(|player| player.id).collect();
    actors.sort_unstable();
    let actors: Vec<String> = actors.iter().map(i64::to_string).collect();
    let mut bosses: Vec<&str> = encounter.bosses.iter().map(|boss| boss.name.as_str()).collect();
    bosses.sort_unstable();
    // No name holds this: texts are cleaned of it.
    let name = format!("upload|{}|{}|{}", actors.join(","), bosses.join("\u{1f}"), encounter.number);
    EncounterId::of_database(GAME, &name, encounter.started_at_ms)
}

/// An id for who has none in the game: its low half is one of no player.
fn made_id(name: &str) -> ActorId {
    let digest = Sha256::digest(name);
    ActorId(std::array::from_fn(|at| digest[at]))
}

/// Whom every hit reaches.
fn target() -> ActorId {
    made_id("raidcast target")
}

fn boss_id(name: &str) -> ActorId {
    made_id(&format!("raidcast boss|{}", name.to_lowercase()))
}

/// Makes the log; where not all of it fits one, what does not, a line each.
pub(super) fn told_whole(
    encounter: &Encounter,
    key_actor: &dyn Fn(ActorId) -> ActorId,
) -> Result<Uploaded, Vec<String>> {
    let skills = || encounter.players.iter().flat_map(|player| &player.skills);
    let has_hits = skills().any(|skill| !skill.timeline.is_empty());
    let sums = skills().map(|skill| skill.told);
    let has_sums =
        sums.chain(encounter.players.iter().flat_map(|player| [player.damage, player.healing])).any(Told::is_any);
    let start = Start {
        started_at_ms: encounter.started_at_ms,
        scene_id: encounter.scene_id,
        scene: encounter.scene.clone(),
        local: encounter.local,
        knows: Knows {
            crits: CritsKnown::Local,
            // Where nothing happened there are no sums to speak of, either.
            hits: has_hits || !has_sums,
            no_targets: true,
            no_deaths: true,
            ..Knows::default()
        },
    };
    let mut telling = Telling {
        builder: Builder::new(start, key_actor),
        target: target(),
        end_ms: end_of(encounter),
        rests: BTreeMap::new(),
        missing: 0,
        damage: 0,
        number: [0; 2],
    };
    telling.people(encounter);
    // Names stand before the hits of their bearers.
    telling.builder.encode();
    for (place, player) in encounter.players.iter().enumerate() {
        telling.player(place, player);
    }
    telling.rests(&encounter.players);
    telling.sums(encounter);
    let lost = telling.builder.lost();
    let beyond = beyond_measure(&encounter.bosses);
    if !lost.events.is_empty() || !lost.players.is_empty() || !beyond.is_empty() {
        let mut lines = beyond;
        lines.extend(lost.events.keys().map(|limit| format!("encounter: {}", limit.what())));
        if !lost.players.is_empty() {
            lines.push(format!("players: at most {PLAYERS_MAX} with the one of localPlayerUid"));
        }
        return Err(lines);
    }
    let finish = finish(encounter, telling.damage);
    let (log, state) = telling.builder.finish(finish);
    Ok(Uploaded {
        encounter: name_of(encounter),
        log,
        state,
        source_hash: None,
        started_at_ms: encounter.started_at_ms,
        stub: None,
        form: FORM,
    })
}

/// When what has no time is told to have happened, ms since the begin: at the end.
fn end_of(encounter: &Encounter) -> u32 {
    let entries = encounter.players.iter().flat_map(|player| &player.skills).flat_map(|skill| &skill.timeline);
    let last = entries.map(|entry| i64::from(entry.at_ms)).max();
    let ended = encounter.ended_at_ms.map(|ended| ended - encounter.started_at_ms);
    let end = ended.or(encounter.duration_ms).or(last).unwrap_or(0);
    u32::try_from(end).unwrap_or(u32::MAX).min(ENCOUNTER_DURATION_MS_MAX)
}

/// `damage`: what players dealt.
fn finish(encounter: &Encounter, damage: u64) -> Finish {
    let [told, healing] = encounter.totals;
    // Programs write one or the other: which it is shows by the figures.
    let damage_by = if told == Some(damage) { DamageBy::Players } else { DamageBy::Everyone };
    let meter = told.zip(healing).map(|(damage, healing)| MeterTotals { damage, healing, damage_by });
    // Not before the last event, as for every fight: where no end is told, that is the end.
    let ended_at_ms = Some(encounter.ended_at_ms.unwrap_or(encounter.started_at_ms));
    let outcome = if encounter.ended_at_ms.is_some() { Outcome::Unknown } else { Outcome::Unfinished };
    Finish { ended_at_ms, outcome, meter }
}

/// Figures that add up.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    hits: u64,
    amount: u64,
    crit: u64,
    lucky: u64,
}

impl Figures {
    fn of(skill: &Skill) -> Self {
        let mut of = Self::default();
        for entry in &skill.timeline {
            let flag = |bit| u64::from(entry.flags.has(bit));
            of.add(Self { hits: 1, amount: entry.amount, crit: flag(HitFlags::CRIT), lucky: flag(HitFlags::LUCKY) });
        }
        of
    }

    fn add(&mut self, more: Self) {
        self.hits = self.hits.saturating_add(more.hits);
        self.amount = self.amount.saturating_add(more.amount);
        self.crit = self.crit.saturating_add(more.crit);
        self.lucky = self.lucky.saturating_add(more.lucky);
    }

    fn is_nothing(self) -> bool {
        self.hits == 0 && self.amount == 0
    }
}

/// What is told of a fight.
struct Telling<'a> {
    builder: Builder<'a>,
    /// Whom every hit reaches.
    target: ActorId,
    end_ms: u32,
    /// What sums tell beyond single hits; players by their place. Several entries of a skill add up.
    rests: BTreeMap<(usize, HitKind, i64), Figures>,
    missing: u32,
    /// What players dealt.
    damage: u64,
    /// Skills so far, of damage and of healing.
    number: [i64; 2],
}

impl Telling<'_> {
    fn people(&mut self, encounter: &Encounter) {
        for player in &encounter.players {
            let facts = ActorFacts {
                kind: Some(ActorKind::Player),
                name: player.name.clone(),
                class_id: player.class_id,
                spec_id: player.spec.and_then(|spec| spec_of(player.class_id, spec, SpecNumbering::Resonance)),
                ability_score: player.ability_score,
                level: player.level,
                ..ActorFacts::of(actor_id(player.id))
            };
            self.builder.put(told(facts, 0));
        }
        let monster = |id| ActorFacts { kind: Some(ActorKind::Monster), ..ActorFacts::of(id) };
        self.builder.put(told(monster(self.target), 0));
        for boss in &encounter.bosses {
            let name = Some(boss.name.clone()).filter(|name| !name.is_empty());
            let facts = ActorFacts { name, boss: Some(true), ..monster(boss_id(&boss.name)) };
            self.builder.put(told(facts, 0));
        }
        let mut named = BTreeSet::new();
        for skill in encounter.players.iter().flat_map(|player| &player.skills) {
            if let Some(name) = skill.name.clone().filter(|_| named.insert(skill.id)) {
                let body = RareBody::Skill { s: skill_id(skill.id), name };
                self.builder.put(rare(0, SourceKey::new(prefix::ACTOR.into(), 0), body));
            }
        }
    }

    fn player(&mut self, place: usize, player: &Player) {
        let mut come_to = [Figures::default(); 2];
        for skill in &player.skills {
            let of = &mut come_to[usize::from(skill.kind == HitKind::Heal)];
            of.add(self.skill(place, player, skill));
        }
        let [damage, healing] = come_to;
        let told = Told {
            crit: player.damage.crit.or_else(|| rated(player.rates[0], player.damage.hits, damage.hits, damage.crit)),
            lucky: player
                .damage
                .lucky
                .or_else(|| rated(player.rates[1], player.damage.hits, damage.hits, damage.lucky)),
            ..player.damage
        };
        for (kind, told, come_to) in [(HitKind::Damage, told, damage), (HitKind::Heal, player.healing, healing)] {
            let what = format!("{} of player {}", word(kind), place + 1);
            let rest = self.rest(told, come_to, &|part| format!("{part} of {what}"));
            self.rests.entry((place, kind, NO_SKILL)).or_default().add(rest);
            if kind == HitKind::Damage {
                self.damage = self.damage.saturating_add(come_to.amount).saturating_add(rest.amount);
            }
        }
    }

    /// Tells the hits of a skill, and notes what it has beyond them. Gives what it comes to.
    fn skill(&mut self, place: usize, player: &Player, skill: &Skill) -> Figures {
        let number = &mut self.number[usize::from(skill.kind == HitKind::Heal)];
        *number += 1;
        let row = RowPlace { kind: skill.kind, row: *number, skill: skill.id };
        let of = Row { source: actor_id(player.id), target: self.target, skill: skill_id(skill.id), kind: skill.kind };
        let hits = skill.timeline.iter();
        let hits = hits.map(|&Entry { amount, shield, at_ms, flags }| RowHit { at_ms, amount, flags, shield });
        self.builder.hits(of, hits);
        let mut come_to = Figures::of(skill);
        let rest = self.rest(skill.told, come_to, &|part| row.of(part));
        self.rests.entry((place, skill.kind, skill.id)).or_default().add(rest);
        come_to.add(rest);
        come_to
    }

    /// What is told beyond what it comes to; what is told to be less, the log says.
    fn rest(&mut self, told: Told, come_to: Figures, what: &dyn Fn(&str) -> String) -> Figures {
        let mut least = None;
        let mut beyond = |part: &'static str, told: Option<u64>, come_to: u64| {
            let told = told.unwrap_or(come_to);
            if told < come_to {
                least.get_or_insert((part, told, come_to));
            }
            told.saturating_sub(come_to)
        };
        let mut rest = Figures {
            hits: beyond("hits", told.hits, come_to.hits),
            amount: beyond("amount", told.amount, come_to.amount),
            crit: beyond("critical hits", told.crit, come_to.crit),
            lucky: beyond("lucky hits", told.lucky, come_to.lucky),
        };
        // Of hits that are told one by one each has said whether it was.
        for (part, of) in [("critical hits", &mut rest.crit), ("lucky hits", &mut rest.lucky)] {
            let told = *of;
            *of = told.min(rest.hits);
            if *of < told {
                least.get_or_insert((part, told, *of));
            }
        }
        if let Some((part, told, come_to)) = least {
            let key = SourceKey::new(prefix::MISSING.into(), self.missing);
            self.missing += 1;
            self.builder.put(missing(self.end_ms, key, &what(part), told, come_to));
        }
        rest
    }

    fn rests(&mut self, players: &[Player]) {
        for (number, ((place, kind, skill), rest)) in (0..).zip(std::mem::take(&mut self.rests)) {
            if rest.is_nothing() {
                continue;
            }
            let Figures { hits, amount, crit, lucky } = rest;
            let body = RareBody::Totals {
                a: actor_id(players[place].id),
                on: self.target,
                s: skill_id(skill),
                kind,
                hits,
                amount,
                crit,
                lucky,
                shield: 0,
                overheal: 0,
                lump: true,
            };
            let prefix = if kind == HitKind::Damage { prefix::DAMAGE_SUMS } else { prefix::HEAL_SUMS };
            self.builder.put(rare(self.end_ms, SourceKey::new(prefix.into(), number), body));
        }
    }

    /// What is told of whole actors alone.
    fn sums(&mut self, encounter: &Encounter) {
        let part = |amount: Option<u64>| amount.map(|amount| PartSum { amount, hits: None });
        let of_players = encounter.players.iter().map(|player| RareBody::Sums {
            a: actor_id(player.id),
            taken: part(player.taken),
            to_bosses: part(player.to_bosses),
        });
        let bosses = added_up(&encounter.bosses).into_iter();
        let of_bosses = bosses.map(|(a, taken)| RareBody::Sums { a, taken: Some(taken), to_bosses: None });
        for (number, body) in (0..).zip(of_players.chain(of_bosses)) {
            if !matches!(body, RareBody::Sums { taken: None, to_bosses: None, .. }) {
                self.builder.put(rare(self.end_ms, SourceKey::new(prefix::SUMS.into(), number), body));
            }
        }
    }
}

/// Bosses of one name that add up to more than an amount may be, a line each.
fn beyond_measure(bosses: &[Boss]) -> Vec<String> {
    let mut sums: BTreeMap<ActorId, [u64; 2]> = BTreeMap::new();
    let mut lines = Vec::new();
    for (place, boss) in bosses.iter().enumerate() {
        let sum = sums.entry(boss_id(&boss.name)).or_default();
        for ((sum, more), field) in sum.iter_mut().zip([boss.damage, boss.hits]).zip(["totalDamage", "hits"]) {
            *sum = sum.saturating_add(more.unwrap_or(0));
            if *sum > AMOUNT_MAX {
                lines.push(format!(
                    "bosses[{place}].{field}: with those of the same name before it at most {AMOUNT_MAX}"
                ));
            }
        }
    }
    lines
}

/// What bosses took; those of one name add up.
fn added_up(bosses: &[Boss]) -> BTreeMap<ActorId, PartSum> {
    let mut found: BTreeMap<ActorId, PartSum> = BTreeMap::new();
    for boss in bosses {
        let Some(amount) = boss.damage else { continue };
        let sum = found.entry(boss_id(&boss.name)).or_insert(PartSum { amount: 0, hits: Some(0) });
        sum.amount = sum.amount.saturating_add(amount);
        sum.hits = sum.hits.zip(boss.hits).map(|(hits, more)| hits.saturating_add(more));
    }
    found
}

/// How many of the hits a rate comes to. Where skills say how many, it tells nothing.
fn rated(rate: Option<f64>, told: Option<u64>, come_to: u64, counted: u64) -> Option<u64> {
    let rate = rate.filter(|_| counted == 0)?;
    // Rounded: a rate is of a whole number of hits.
    Some((rate * told.unwrap_or(come_to) as f64).round() as u64)
}

fn skill_id(base: i64) -> SkillId {
    SkillId { base, variant: None }
}
