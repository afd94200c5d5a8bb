//! What a meter tells of the actors of a fight, and what follows from it.
//!
//! One rule: of two tellings that of the fight counts, for the list of everybody whom the meter ever saw holds what a
//! player became since.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::prefix;
use super::row::{HitRow, actor_id, rare};
use crate::event::{ActorFacts, ActorKind, RareBody, SourceEvent, SourceKey};
use crate::game::{SpecNumbering, spec_of};
use crate::id::ActorId;
use crate::limits::NAME_CHARS_MAX;
use crate::text;

/// An actor's attributes, each as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Fit to be shown.
    pub name: Option<String>,
    /// The game's class id.
    pub class_id: Option<u16>,
    /// As this meter numbers specs.
    pub spec: Option<u16>,
    /// The game's ability score.
    pub ability_score: Option<u32>,
    /// Character level.
    pub level: Option<u32>,
}

/// An actor's row of a fight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// 1 by default for anything, so alone it proves nothing; 0 is written only for monsters.
    pub is_player: Option<i64>,
    /// Its attributes then.
    pub person: Person,
}

/// A boss' row of a fight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boss {
    /// Its full health.
    pub max_hp: Option<u64>,
    /// Whether the meter saw it die.
    pub defeated: bool,
}

/// What hits and sums have shown of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What it is called where it was hit as a monster, as the row has it.
    pub monster: Option<String>,
    /// Whether a hit on it said so.
    pub boss: bool,
    /// As a hit on it said.
    pub max_hp: Option<u64>,
}

/// Notes whom a row is about.
pub fn show(row: &HitRow, seen: &mut BTreeMap<i64, Seen>) {
    seen.entry(row.source).or_default();
    let target = seen.entry(row.target).or_default();
    // Several rows of one target may tell different names: the same one counts whatever their order.
    if row.monster > target.monster {
        target.monster.clone_from(&row.monster);
    }
}

/// A name fit to be shown: without control and direction characters, at most 64 characters; `None` where nothing is left.
pub fn shown(raw: &str) -> Option<String> {
    let text = text::clean(raw, NAME_CHARS_MAX);
    (!text.is_empty()).then_some(text)
}

/// Everything that a meter tells of the actors of a fight; actors by the game's ids.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// Whose meter it is.
    pub local: Option<u64>,
    /// Their rows of the fight.
    pub stats: HashMap<i64, Stats>,
    /// Players, as the meter knows them now.
    pub entities: HashMap<i64, Person>,
    /// Bosses by their names, as the rows have them.
    pub bosses: HashMap<String, Boss>,
}

impl People {
    /// All who are told of.
    pub fn ids(&self, seen: &BTreeMap<i64, Seen>) -> BTreeSet<i64> {
        seen.keys().chain(self.stats.keys()).chain(self.entities.keys()).copied().collect()
    }

    /// What is known of an actor.
    pub fn facts(&self, id: i64, seen: &Seen, numbering: SpecNumbering) -> ActorFacts<ActorId> {
        let mut facts = ActorFacts::of(actor_id(id));
        facts.kind = self.kind(id, seen);
        let stats = self.stats.get(&id).map(|stats| &stats.person);
        if facts.kind == Some(ActorKind::Player) {
            let tellers = [stats, self.entities.get(&id)];
            let told = || tellers.into_iter().flatten();
            facts.name = told().find_map(|told| told.name.clone());
            facts.class_id = told().find_map(|told| told.class_id);
            facts.spec_id = told().find_map(|told| spec_of(facts.class_id, told.spec?, numbering));
            facts.ability_score = told().find_map(|told| told.ability_score);
            facts.level = told().find_map(|told| told.level);
        } else {
            let boss = self.boss(seen);
            facts.name = seen.monster.as_deref().and_then(shown).or_else(|| stats.and_then(|told| told.name.clone()));
            facts.boss = boss.map(|_| true);
            facts.max_hp = boss.and_then(|boss| boss.max_hp);
            if seen.boss {
                facts.boss = Some(true);
                facts.max_hp = facts.max_hp.max(seen.max_hp);
            }
        }
        facts
    }

    /// Whether an actor is a boss that the meter saw die.
    pub fn is_defeated(&self, seen: &Seen) -> bool {
        self.boss(seen).is_some_and(|boss| boss.defeated)
    }

    fn boss(&self, seen: &Seen) -> Option<&Boss> {
        self.bosses.get(seen.monster.as_deref()?)
    }

    /// What kind an actor is, where there is proof.
    fn kind(&self, id: i64, seen: &Seen) -> Option<ActorKind> {
        let stats = self.stats.get(&id);
        let is_player = stats.and_then(|stats| stats.is_player);
        let is_described = stats.is_some_and(|Stats { person, .. }| person.name.is_some() || person.class_id.is_some());
        if u64::try_from(id).is_ok_and(|id| self.local == Some(id)) {
            Some(ActorKind::Player)
        } else if is_player == Some(0) {
            Some(ActorKind::Monster)
        } else if self.entities.contains_key(&id) || (is_player == Some(1) && is_described) {
            Some(ActorKind::Player)
        } else {
            seen.monster.as_ref().map(|_| ActorKind::Monster)
        }
    }
}

/// Whether a fight is won: there was a boss, and the meter saw each of them die.
pub fn is_kill(defeated: impl IntoIterator<Item = bool>) -> bool {
    let mut bosses = defeated.into_iter().peekable();
    bosses.peek().is_some() && bosses.all(|defeated| defeated)
}

/// Known of the whole fight, so at its begin; of several tellings the later wins by its key. `times`: how often it was
/// told before.
pub fn told(facts: ActorFacts<ActorId>, times: u64) -> SourceEvent {
    rare(0, SourceKey::new(prefix::ACTOR.into(), times as u32), RareBody::Actor(facts))
}

/// A boss is defeated.
pub fn defeated(id: i64, at_ms: u32) -> SourceEvent {
    let facts = ActorFacts { defeated: Some(true), ..ActorFacts::of(actor_id(id)) };
    rare(at_ms, SourceKey::new(prefix::DEFEATED.into(), 0), RareBody::Actor(facts))
}
