//! An encounter of a request, taken apart into what stands for itself and lists whose entries are unread.

use raidcast_shared::meter::details::Number;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{List, Loose, LooseList, Text, object};

/// Why nothing of a fight can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotAFight {
    /// No object as meters send.
    NoObject,
    /// Something stands there twice, and says nobody knows what.
    Twice,
    NoDate,
    NoRows,
}

impl NotAFight {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::NoObject => "This fight could not be taken: it is not told as meters tell fights",
            Self::Twice => "This fight could not be taken: a part of it is told twice",
            Self::NoDate => "This fight could not be taken: it began at no time that a date can say",
            Self::NoRows => "This fight could not be taken: none of its rows of damage and healing can be read",
        }
    }
}

/// An encounter as it was sent. What is not here nothing is kept of.
pub(super) type Fight<'a> = Told<List<'a>>;

/// The same by what reads its lists.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "L: Deserialize<'de> + Default"))]
pub(super) struct Told<L> {
    pub(super) started_at_ms: Loose<Number>,
    pub(super) ended_at_ms: Loose<Number>,
    pub(super) local_player_id: Loose<Number>,
    pub(super) total_dmg: Loose<Number>,
    pub(super) total_heal: Loose<Number>,
    pub(super) scene_id: Loose<Number>,
    pub(super) scene_name: Text,
    pub(super) source_hash: Text,
    pub(super) attempts: L,
    pub(super) phases: L,
    pub(super) death_events: L,
    pub(super) actor_encounter_stats: L,
    pub(super) damage_skill_stats: L,
    pub(super) heal_skill_stats: L,
    pub(super) entities: L,
    pub(super) encounter_bosses: L,
    pub(super) dungeon_segments: L,
    pub(super) encounter_buffs: L,
}

impl<'a> Fight<'a> {
    pub(super) fn of(encounter: &'a RawValue) -> Result<Self, NotAFight> {
        let text = encounter.get();
        if let Ok(fight) = object(text) {
            return Ok(fight);
        }
        // Where a list should stand there is something very odd: it is looked at once more, and costs only that list.
        let loose: Result<Told<LooseList<'a>>, _> = object(text);
        loose.map(Told::tightened).map_err(|error| match error.to_string().starts_with("duplicate field") {
            true => NotAFight::Twice,
            false => NotAFight::NoObject,
        })
    }
}

impl<'a> Told<LooseList<'a>> {
    fn tightened(self) -> Fight<'a> {
        Told {
            started_at_ms: self.started_at_ms,
            ended_at_ms: self.ended_at_ms,
            local_player_id: self.local_player_id,
            total_dmg: self.total_dmg,
            total_heal: self.total_heal,
            scene_id: self.scene_id,
            scene_name: self.scene_name,
            source_hash: self.source_hash,
            attempts: self.attempts.into(),
            phases: self.phases.into(),
            death_events: self.death_events.into(),
            actor_encounter_stats: self.actor_encounter_stats.into(),
            damage_skill_stats: self.damage_skill_stats.into(),
            heal_skill_stats: self.heal_skill_stats.into(),
            entities: self.entities.into(),
            encounter_bosses: self.encounter_bosses.into(),
            dungeon_segments: self.dungeon_segments.into(),
            encounter_buffs: self.encounter_buffs.into(),
        }
    }
}
