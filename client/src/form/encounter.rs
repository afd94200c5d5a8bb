//! The form of `POST /api/v1/encounters`: which fields there are, and which of them the checksum is over.
//!
//! One invariant: what is not known is left out, and 0 means 0.

use raidcast_shared::upload_checksum::Sum;
use serde::Serialize;

/// The version of the form.
const SCHEMA_VERSION: u32 = 1;

/// A fight.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Encounter {
    pub(super) schema_version: u32,
    #[serde(rename = "encounterId")]
    pub(super) number: i64,
    /// Unix ms.
    pub(super) started_at_ms: i64,
    /// Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ended_at_ms: Option<i64>,
    pub(super) duration_ms: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total_damage: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total_heal: Option<u64>,
    pub(super) bosses: Vec<Boss>,
    pub(super) players: Vec<Player>,
    pub(super) meter_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) local_player_uid: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scene_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scene_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// As [`Encounter::seal`] makes it.
    pub(super) checksum: Option<String>,
}

impl Encounter {
    /// One of which nothing is told but which it is.
    pub(super) fn of(number: i64, started_at_ms: i64) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            number,
            started_at_ms,
            ended_at_ms: None,
            duration_ms: 1,
            total_damage: None,
            total_heal: None,
            bosses: Vec::new(),
            players: Vec::new(),
            meter_version: String::new(),
            local_player_uid: None,
            scene_id: None,
            scene_name: None,
            checksum: None,
        }
    }

    /// Puts in the checksum of the rest.
    pub(super) fn seal(&mut self) {
        let mut sum = Sum::new();
        let fight = [
            Some(self.number),
            Some(self.started_at_ms),
            self.ended_at_ms,
            Some(self.duration_ms.into()),
            self.total_damage.map(whole),
            self.total_heal.map(whole),
            self.local_player_uid.map(whole),
        ];
        sum.line('E', fight);
        for boss in &self.bosses {
            sum.line('B', [Some(whole(boss.total_damage)), Some(whole(boss.hits))]);
        }
        for player in &self.players {
            player.sum(&mut sum);
        }
        self.checksum = Some(sum.done());
    }
}

/// Ids of 64 bits are those of the game, and sums are below 2^53: the same number with a sign.
fn whole(number: u64) -> i64 {
    number.cast_signed()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Boss {
    pub(super) name: String,
    pub(super) total_damage: u64,
    pub(super) hits: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Player {
    pub(super) actor_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) class_id: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) class_spec: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ability_score: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) level: Option<u32>,
    pub(super) damage_dealt: u64,
    pub(super) heal_dealt: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) damage_taken: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) boss_damage_dealt: Option<u64>,
    pub(super) hits_dealt: u64,
    pub(super) hits_heal: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crit_hits_dealt: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lucky_hits_dealt: Option<u64>,
    pub(super) dps: f64,
    pub(super) hps: f64,
    pub(super) damage_skills: Vec<Skill>,
    pub(super) heal_skills: Vec<Skill>,
}

impl Player {
    fn sum(&self, sum: &mut Sum) {
        let facts = [self.class_id.map(u32::from), self.class_spec.map(u32::from), self.ability_score, self.level];
        let sums = [
            Some(self.damage_dealt),
            Some(self.heal_dealt),
            self.damage_taken,
            self.boss_damage_dealt,
            Some(self.hits_dealt),
            Some(self.hits_heal),
            self.crit_hits_dealt,
            self.lucky_hits_dealt,
        ];
        let facts = facts.map(|fact| fact.map(i64::from));
        sum.line('P', [Some(self.actor_id)].into_iter().chain(facts).chain(sums.map(|sum| sum.map(whole))));
        for (letter, skills) in [('D', &self.damage_skills), ('H', &self.heal_skills)] {
            for skill in skills {
                skill.sum(letter, sum);
            }
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Skill {
    #[serde(rename = "skillId")]
    pub(super) id: i64,
    #[serde(rename = "skillName", skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) total_value: u64,
    pub(super) hits: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crit_hits: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lucky_hits: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) timeline: Vec<Entry>,
}

impl Skill {
    fn sum(&self, letter: char, sum: &mut Sum) {
        let sums = [Some(self.total_value), Some(self.hits), self.crit_hits, self.lucky_hits, None, None];
        sum.line(letter, [Some(self.id)].into_iter().chain(sums.map(|sum| sum.map(whole))));
        for entry in &self.timeline {
            let shield = (entry.shield_loss > 0).then(|| whole(entry.shield_loss));
            let [crit, lucky] = [entry.is_crit, entry.is_lucky].map(|is| is.then_some(1));
            sum.line('T', [Some(entry.timestamp_ms.into()), Some(whole(entry.value)), crit, lucky, None, shield]);
        }
    }
}

/// A hit. What it is not is left out: a fight has very many of them.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    /// Ms since the fight began.
    pub(super) timestamp_ms: u32,
    pub(super) value: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_crit: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_lucky: bool,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) shield_loss: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the API's page, as this form writes it, and what the page says that its checksum is.
    #[test]
    fn the_checksum_is_that_of_the_apis_page() {
        let entry = Entry { timestamp_ms: 0, value: 10, is_crit: true, is_lucky: false, shield_loss: 0 };
        let skill = Skill {
            id: 1714,
            name: None,
            total_value: 30,
            hits: 2,
            crit_hits: None,
            lucky_hits: None,
            timeline: vec![entry],
        };
        let mut sum = Sum::new();
        sum.line('E', [Some(7), Some(1_790_000_000_000), None, None, Some(30), None, None]);
        sum.line('B', [Some(30), Some(2)]);
        sum.line('P', [Some(100_001), None, None, None, None, Some(30)].into_iter().chain([None; 7]));
        skill.sum('D', &mut sum);
        sum.line('T', [Some(1500), Some(20), None, None, Some(15), Some(5)]);
        assert_eq!(sum.done(), "910d9e3de087ffda284eb424fb7855579294be8ffb00f4a7c85b1899ba92735a");
    }
}
