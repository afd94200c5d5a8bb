//! What the chunks of a fight have shown of who takes part in it.

use std::collections::BTreeMap;

use raidcast_shared::event::{ActorFacts, ActorKind};
use raidcast_shared::game::{SpecNumbering, spec_of};
use raidcast_shared::id::ActorId;
use raidcast_shared::meter::person::shown;
use raidcast_shared::uplink::Outcome;

use super::super::database::{DbRow, name, positive};
use super::super::names::Names;
use super::chunk::{Chunk, ChunkEvent, ChunkHit, Context, EntityId, Metric};

/// The streams that are read; contexts first, so that names stand before hits where both are there.
pub(super) const STREAMS: [&str; 3] = ["context", "combat", "timeline"];

/// What a fight's chunks have shown of an actor; grows only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) player: bool,
    pub(super) monster: bool,
    pub(super) boss: bool,
    /// By the meter's clock.
    pub(super) died_ms: Option<i64>,
    pub(super) monster_id: Option<i64>,
    pub(super) name: Option<String>,
    pub(super) class_id: Option<u16>,
    pub(super) class_spec: Option<u16>,
    pub(super) ability_score: Option<u32>,
}

/// What a fight's chunks have shown up to the next ones: can be made again from the chunks.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) next: [i64; STREAMS.len()],
    pub(super) actors: BTreeMap<u64, Shown>,
}

impl Known {
    pub(super) fn actor(&mut self, id: EntityId) -> &mut Shown {
        self.actors.entry(id.uid()).or_default()
    }

    /// What the boss is called: of several the one that lives, else the one that died last.
    pub(super) fn boss(&self, names: &Names) -> Option<String> {
        // Several kinds of monsters may stand under nobody's id.
        let bosses = self.actors.iter().filter(|(uid, actor)| **uid != 0 && actor.boss);
        let all = bosses.filter_map(|(_, boss)| Some((boss.died_ms.unwrap_or(i64::MAX), boss.name_of_monster(names)?)));
        all.max_by_key(|(until_ms, _)| *until_ms).map(|(_, name)| name)
    }

    pub(super) fn learn(&mut self, at_ms: i64, event: &ChunkEvent) {
        match event {
            ChunkEvent::Hit(hit) => self.learn_hit(hit),
            ChunkEvent::Death(death) => {
                let died = &mut self.actor(death.entity_id).died_ms;
                *died = Some(died.map_or(at_ms, |before| before.min(at_ms)));
            }
            ChunkEvent::Context(context) => self.learn_context(context),
            ChunkEvent::Cast(_) | ChunkEvent::Other => {}
        }
    }

    pub(super) fn learn_hit(&mut self, hit: &ChunkHit) {
        match hit.metric {
            Metric::Damage | Metric::Healing => {
                self.actor(hit.actor_entity_id).player |= hit.actor_entity_id.is_character();
            }
            Metric::DamageTaken => {
                if let Some(id) = hit.source_entity_id {
                    let source = self.actor(id);
                    source.monster |= id.is_monster() || hit.source_monster_id.is_some();
                    source.monster_id = source.monster_id.or(hit.source_monster_id);
                }
            }
            Metric::Other => return,
        }
        let Some(id) = hit.target_entity_id else { return };
        let target = self.actor(id);
        if hit.metric == Metric::Damage {
            target.monster |= id.is_monster() || hit.target_monster_id.is_some();
            target.monster_id = hit.target_monster_id.or(target.monster_id);
            target.boss |= hit.target_is_boss;
        } else {
            target.player |= id.is_character();
        }
    }

    pub(super) fn learn_context(&mut self, context: &Context) {
        let actor = self.actor(context.entity_id);
        let name = context.name.as_deref().and_then(shown);
        let class_id = context.class_id.filter(|id| *id > 0).and_then(|id| id.try_into().ok());
        let score = context.ability_score.filter(|score| *score > 0).and_then(|score| score.try_into().ok());
        actor.monster |= context.monster_id.is_some();
        actor.player |=
            context.monster_id.is_none() && context.entity_id.is_character() && (name.is_some() || class_id.is_some());
        actor.monster_id = context.monster_id.or(actor.monster_id);
        actor.name = name.or(actor.name.take());
        actor.class_id = class_id.or(actor.class_id);
        actor.class_spec = context.class_spec.and_then(|spec| spec.try_into().ok()).or(actor.class_spec);
        actor.ability_score = score.or(actor.ability_score);
    }

    /// A kill is told by the death of every boss that was hit.
    pub(super) fn outcome(&self) -> Outcome {
        let mut bosses = self.actors.values().filter(|actor| actor.boss).peekable();
        if bosses.peek().is_some() && bosses.all(|boss| boss.died_ms.is_some()) {
            Outcome::Kill
        } else {
            Outcome::Unknown
        }
    }
}

impl Shown {
    pub(super) fn facts(&self, uid: u64, entity: Option<&DbRow>, names: &Names) -> ActorFacts<ActorId> {
        let mut facts = ActorFacts::of(ActorId::clear(uid));
        if self.player {
            let class_id = self.class_id.or_else(|| positive(entity?, "class_id"));
            let spec = self.class_spec.or_else(|| positive(entity?, "class_spec"));
            facts.kind = Some(ActorKind::Player);
            facts.name = self.name.clone().or_else(|| name(entity?, "name"));
            facts.class_id = class_id;
            facts.spec_id = spec.and_then(|spec| spec_of(class_id, spec, SpecNumbering::Cn));
            facts.ability_score = self.ability_score.or_else(|| positive(entity?, "ability_score"));
            facts.level = entity.and_then(|row| positive(row, "level"));
        } else if self.monster || self.boss {
            facts.kind = Some(ActorKind::Monster);
            facts.boss = self.boss.then_some(true);
            // Id 0 is nobody in particular: what several kinds of monsters did may stand under it.
            if uid != 0 {
                facts.monster_id = self.monster_id;
                facts.name = self.name_of_monster(names);
            }
        }
        facts
    }

    /// What it is called if it is a monster: as its kind is, else as the meter was told.
    fn name_of_monster(&self, names: &Names) -> Option<String> {
        let kind = self.monster_id.and_then(|id| names.monster(id));
        kind.map(str::to_owned).or_else(|| self.name.clone())
    }
}

pub(super) fn learn_all(known: &mut Known, chunk: &Chunk) {
    for (event, offset) in chunk.events.iter().zip(&chunk.offsets_ms) {
        known.learn(offset.0.unwrap_or(0), event);
    }
}
