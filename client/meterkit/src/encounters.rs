//! Requests of the form that the relay's API page describes (`POST /api/v1/encounters`), as programs in several languages
//! write it.
//!
//! One invariant: a body is made of the [`Fight`] alone, by rules of its own, so that it can tell whether a reader is
//! right. Figures are the meter's, players alone are told of, and skills are added up over their targets.

use serde::Serialize;

use crate::aggregate::stored::{known, stored_spec};
use crate::fight::{Fight, Hit, HitKind, Player};
use crate::json::{Object, list};

/// What a program does otherwise than the API's page has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Names of fields are in `snake_case`.
    SnakeCase,
    /// Times of hits are those since the begin.
    Offsets,
    /// Rates go up to 100.
    Percent,
    /// How many hits were critical or lucky only rates and the hits themselves tell.
    NoCounts,
    /// Of each skill the sums alone.
    NoTimelines,
    /// Of each player the sums alone.
    NoSkills,
    /// Ids are text.
    IdsAsText,
}

/// A program that tells fights, by its habits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encounters<'a>(pub &'a [Habit]);

impl Encounters<'_> {
    /// One encounter.
    pub fn body(&self, fight: &Fight) -> String {
        let ended = fight.ended_at_ms.map(|_| fight.last_ms());
        let all = |kind| sum(fight.hits.iter().filter(|hit| hit.kind == kind)).amount;
        let seen = |player: &&Player| fight.hits.iter().any(|hit| [hit.source, hit.target].contains(&player.uid));
        let players: Vec<_> = fight.players.iter().filter(seen).map(|player| self.player(player, fight)).collect();
        self.object()
            .put("schemaVersion", 1)
            .raw("encounterId", &self.id(7))
            .put("startedAtMs", fight.started_at_ms)
            .put("endedAtMs", ended.map(|ended| fight.started_at_ms + ended))
            .put("durationMs", fight.last_ms().max(1))
            .put("totalDamage", all(HitKind::Damage))
            .put("totalHeal", all(HitKind::Heal))
            .raw("bosses", &list(&self.bosses(fight)))
            .raw("players", &list(&players))
            .put("meterVersion", "0.19.4-beta")
            .raw("localPlayerUid", &self.id(fight.local_player_id))
            .put("checksum", None::<&str>)
            .done()
    }

    fn has(&self, habit: Habit) -> bool {
        self.0.contains(&habit)
    }

    fn object(&self) -> Told {
        Told { object: Object::default(), snake_case: self.has(Habit::SnakeCase) }
    }

    fn id(&self, id: i64) -> String {
        if self.has(Habit::IdsAsText) { format!("\"{id}\"") } else { id.to_string() }
    }

    fn bosses(&self, fight: &Fight) -> Vec<String> {
        let mut names: Vec<_> =
            fight.monsters.iter().filter(|monster| monster.is_boss).map(|boss| &boss.name).collect();
        names.sort_unstable();
        names.dedup();
        let is = |hit: &&Hit, name: &str| boss_name(hit, fight) == Some(name);
        let sums = names.into_iter().map(|name| (name, sum(fight.hits.iter().filter(|hit| is(hit, name)))));
        let met = sums.filter(|(_, sum)| sum.hits > 0);
        met.map(|(name, sum)| {
            self.object().put("name", name).put("totalDamage", sum.amount).put("hits", sum.hits).done()
        })
        .collect()
    }

    fn player(&self, player: &Player, fight: &Fight) -> String {
        let of = |kind: HitKind| fight.hits.iter().filter(move |hit| hit.source == player.uid && hit.kind == kind);
        let (dealt, healed) = (sum(of(HitKind::Damage)), sum(of(HitKind::Heal)));
        // The meter counts as taken what comes from those it has no entity row of.
        let is_taken =
            |hit: &&Hit| hit.target == player.uid && hit.kind == HitKind::Damage && fight.player(hit.source).is_none();
        let seconds = fight.last_ms().max(1) as f64 / 1_000.0;
        let rate = |part: i64| {
            let rate = if dealt.hits == 0 { 0.0 } else { part as f64 / dealt.hits as f64 };
            if self.has(Habit::Percent) { rate * 100.0 } else { rate }
        };
        let skills = |kind| if self.has(Habit::NoSkills) { Vec::new() } else { self.skills(of(kind).collect(), fight) };
        let mut told = self
            .object()
            .raw("actorId", &self.id(player.uid))
            .put("name", &player.name)
            .put("classId", known(player.class_id))
            .put("classSpec", stored_spec(player))
            .put("abilityScore", known(player.ability_score))
            .put("level", known(player.level))
            .put("damageDealt", dealt.amount)
            .put("healDealt", healed.amount)
            .put("damageTaken", sum(fight.hits.iter().filter(is_taken)).amount)
            .put("bossDamageDealt", sum(of(HitKind::Damage).filter(|hit| boss_name(hit, fight).is_some())).amount)
            .put("hitsDealt", dealt.hits)
            .put("hitsHeal", healed.hits);
        if !self.has(Habit::NoCounts) {
            told = told.put("critHitsDealt", dealt.crit[0]).put("luckyHitsDealt", dealt.lucky[0]);
        }
        told.put("dps", dealt.amount as f64 / seconds)
            .put("hps", healed.amount as f64 / seconds)
            .put("critRate", rate(dealt.crit[0]))
            .put("luckyRate", rate(dealt.lucky[0]))
            .raw("damageSkills", &list(&skills(HitKind::Damage)))
            .raw("healSkills", &list(&skills(HitKind::Heal)))
            .done()
    }

    /// In order of appearance.
    fn skills(&self, hits: Vec<&Hit>, fight: &Fight) -> Vec<String> {
        let mut skills: Vec<(i64, Vec<&Hit>)> = Vec::new();
        for hit in hits {
            match skills.iter_mut().find(|(skill, _)| *skill == hit.base_skill_id) {
                Some((_, hits)) => hits.push(hit),
                None => skills.push((hit.base_skill_id, vec![hit])),
            }
        }
        let skill = |(skill, hits): (i64, Vec<&Hit>)| {
            let sum = sum(hits.iter().copied());
            let mut told = self
                .object()
                .raw("skillId", &self.id(skill))
                .put("skillName", format!("Skill {skill}"))
                .put("totalValue", sum.amount)
                .put("hits", sum.hits);
            if !self.has(Habit::NoCounts) {
                told = told
                    .put("critHits", sum.crit[0])
                    .put("luckyHits", sum.lucky[0])
                    .put("critTotal", sum.crit[1])
                    .put("luckyTotal", sum.lucky[1]);
            }
            if !self.has(Habit::NoTimelines) {
                told = told.raw("timeline", &list(&hits.iter().map(|hit| self.entry(hit, fight)).collect::<Vec<_>>()));
            }
            told.done()
        };
        skills.into_iter().map(skill).collect()
    }

    fn entry(&self, hit: &Hit, fight: &Fight) -> String {
        let begin = if self.has(Habit::Offsets) { 0 } else { fight.started_at_ms };
        let entry = self
            .object()
            .put("timestampMs", begin + hit.at_ms)
            .put("value", hit.aggregate_amount())
            .put("isCrit", hit.crit)
            .put("isLucky", hit.lucky);
        match hit.kind {
            HitKind::Damage => entry.put("hpLoss", hit.hp_loss).put("shieldLoss", hit.shield_loss).done(),
            HitKind::Heal => entry.done(),
        }
    }
}

/// Whom a player's hit met, if it is a boss.
fn boss_name<'a>(hit: &Hit, fight: &'a Fight) -> Option<&'a str> {
    let boss = fight.monster(hit.target).filter(|monster| monster.is_boss && hit.kind == HitKind::Damage)?;
    Some(&boss.name)
}

/// What hits come to: how many, how much; of the critical and the lucky ones both.
#[derive(Default)]
struct Sum {
    hits: i64,
    amount: i64,
    crit: [i64; 2],
    lucky: [i64; 2],
}

fn sum<'a>(hits: impl Iterator<Item = &'a Hit>) -> Sum {
    hits.fold(Sum::default(), |sum, hit| {
        let amount = hit.aggregate_amount();
        let add = |[hits, of]: [i64; 2], is: bool| if is { [hits + 1, of + amount] } else { [hits, of] };
        Sum {
            hits: sum.hits + 1,
            amount: sum.amount + amount,
            crit: add(sum.crit, hit.crit),
            lucky: add(sum.lucky, hit.lucky),
        }
    })
}

/// An object whose names are spelt as the program does.
struct Told {
    object: Object,
    snake_case: bool,
}

impl Told {
    fn put(self, name: &str, value: impl Serialize) -> Self {
        Self { object: self.object.put(&spelt(name, self.snake_case), value), ..self }
    }

    fn raw(self, name: &str, json: &str) -> Self {
        Self { object: self.object.raw(&spelt(name, self.snake_case), json), ..self }
    }

    fn done(self) -> String {
        self.object.done()
    }
}

fn spelt(name: &str, snake_case: bool) -> String {
    let letter = |letter: char| match letter.is_ascii_uppercase() && snake_case {
        true => format!("_{}", letter.to_ascii_lowercase()),
        false => letter.to_string(),
    };
    name.chars().map(letter).collect()
}
