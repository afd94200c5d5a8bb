//! What a fight is told of: actors, skills, deaths, attempts, and what nobody could read.

use super::latest::{Latest, Stamp};
use crate::event::{ActorEntry, ActorFacts, ActorIx, ActorKind, AttemptReason, PartSum, SkillIx};
use crate::id::{ActorId, SkillId};

/// An actor and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub id: ActorId,
    /// Whose pet it is.
    pub owner: Option<ActorIx>,
    entry_kind: ActorKind,
    kind: Latest<ActorKind>,
    /// Its name in the game.
    pub name: Latest<String>,
    /// The game's class id.
    pub class_id: Latest<u16>,
    /// Canonical spec id.
    pub spec_id: Latest<u16>,
    /// The game's ability score.
    pub ability_score: Latest<u32>,
    /// Character level.
    pub level: Latest<u32>,
    /// The game's monster type.
    pub monster_id: Latest<i64>,
    /// Whether it is a boss.
    pub boss: Latest<bool>,
    /// Full health.
    pub max_hp: Latest<u64>,
    /// Health, where the source reports it.
    pub hp: Latest<u64>,
    /// Whether the meter counts it as defeated.
    pub defeated: Latest<bool>,
    /// Whether it stands, by deaths and revives.
    pub alive: Latest<bool>,
    /// When it last hit or healed anyone.
    pub acted_ms: Option<u32>,
    /// Damage that it took in the whole fight, where that is told as a sum.
    pub told_taken: Option<PartSum>,
    /// Damage that it dealt to bosses in the whole fight, where that is told as a sum.
    pub told_to_bosses: Option<PartSum>,
}

impl Actor {
    pub(super) fn new(entry: &ActorEntry) -> Self {
        Self {
            id: entry.id,
            owner: entry.owner,
            entry_kind: entry.kind,
            kind: Latest::default(),
            name: Latest::default(),
            class_id: Latest::default(),
            spec_id: Latest::default(),
            ability_score: Latest::default(),
            level: Latest::default(),
            monster_id: Latest::default(),
            boss: Latest::default(),
            max_hp: Latest::default(),
            hp: Latest::default(),
            defeated: Latest::default(),
            alive: Latest::default(),
            acted_ms: None,
            told_taken: None,
            told_to_bosses: None,
        }
    }

    /// What it is: the latest that was told, else what its dictionary entry says.
    pub fn kind(&self) -> ActorKind {
        self.kind.get().copied().unwrap_or(self.entry_kind)
    }

    /// What is told of it as sums: of several tellings the greatest counts.
    pub(super) fn sum(&mut self, taken: Option<PartSum>, to_bosses: Option<PartSum>) {
        for (held, told) in [(&mut self.told_taken, taken), (&mut self.told_to_bosses, to_bosses)] {
            if let Some(told) = told {
                *held = Some(held.unwrap_or_default().or_more(told));
            }
        }
    }

    pub(super) fn learn(&mut self, stamp: Stamp, facts: &ActorFacts) {
        fn offer<T: Ord + Clone>(held: &mut Latest<T>, stamp: Stamp, told: Option<&T>) {
            if let Some(value) = told {
                held.offer(stamp, value.clone());
            }
        }
        // A kind that is told as unknown tells nothing.
        offer(&mut self.kind, stamp, facts.kind.filter(|kind| *kind != ActorKind::Unknown).as_ref());
        offer(&mut self.name, stamp, facts.name.as_ref());
        offer(&mut self.class_id, stamp, facts.class_id.as_ref());
        offer(&mut self.spec_id, stamp, facts.spec_id.as_ref());
        offer(&mut self.ability_score, stamp, facts.ability_score.as_ref());
        offer(&mut self.level, stamp, facts.level.as_ref());
        offer(&mut self.monster_id, stamp, facts.monster_id.as_ref());
        offer(&mut self.boss, stamp, facts.boss.as_ref());
        offer(&mut self.max_hp, stamp, facts.max_hp.as_ref());
        offer(&mut self.defeated, stamp, facts.defeated.as_ref());
    }
}

/// A skill and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skill {
    /// Which.
    pub id: SkillId,
    /// As the meter shows it.
    pub name: Latest<String>,
}

/// A death, of a player or a monster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Death {
    /// When.
    pub stamp: Stamp,
    /// Who.
    pub actor: ActorIx,
    /// By whom.
    pub by: Option<ActorIx>,
    /// With what.
    pub skill: Option<SkillIx>,
}

/// One attempt at a boss.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// Why it began, and the boss' health then.
    pub began: Latest<(AttemptReason, Option<u64>)>,
    /// The boss' health when it ended.
    pub ended: Latest<Option<u64>>,
}

/// Something that the meter counted and nobody could read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// What, in words.
    pub what: String,
    /// What the meter's counter says.
    pub expected: u64,
    /// What was read.
    pub read: u64,
}
