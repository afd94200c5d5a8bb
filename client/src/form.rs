//! A fight as one request of `POST /api/v1/encounters` tells it, made of its fold and its hits.
//!
//! One invariant: every figure is taken from the view that makes reports, so that the relay comes to the same report as
//! of the stream, as far as this form can say it. Of a fight that is longer than a request may be, hits are left out,
//! those of the most frequent skills first; their sums are told.
//! Deliberately not here: how it is sent, and what is answered.

mod encounter;

use std::collections::{BTreeMap, HashMap};

use raidcast_shared::event::{ActorIx, HitFlags, HitKind, TimedHit};
use raidcast_shared::fold::EncounterState;
use raidcast_shared::game::GAME;
use raidcast_shared::id::{EncounterId, SkillId, from_hex};
use raidcast_shared::limits as l;
use raidcast_shared::log::Log;
use raidcast_shared::report::{self, SkillKind, SkillRow};
use raidcast_shared::uplink::Ending;
use raidcast_shared::view::{self, Audience, Shown};

use crate::source::Fight;
use encounter::{Boss, Encounter, Entry, Player, Skill};

/// Whether this form can say which fight it is: of two that one player saw begin in the same ms it names one alone.
pub fn names(fight: &Fight) -> bool {
    let named = fight.local_player.map(|local| EncounterId::of_player(GAME, local, fight.started_at_ms));
    named.is_none_or(|named| fight.encounter == named || Some(fight.encounter) == fight.before_player)
}

/// A fight as JSON; `meter`: what wrote it, `log` and `state`: all of it, with the game's ids.
///
/// Cost: linear in its hits, which are sorted by skill.
pub fn body(fight: &Fight, meter: &str, log: &Log, state: &EncounterState, ending: &Ending) -> Vec<u8> {
    let mut encounter = told(fight, meter, log, state, ending);
    encounter.seal();
    let body = json(&encounter);
    if body.len() <= l::WHOLE_BYTES_MAX {
        return body;
    }
    shorten(&mut encounter, body.len() - l::WHOLE_BYTES_MAX);
    encounter.seal();
    json(&encounter)
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("numbers and text are JSON")
}

fn told(fight: &Fight, meter: &str, log: &Log, state: &EncounterState, ending: &Ending) -> Encounter {
    #[allow(clippy::disallowed_methods, reason = "it goes to the relay, which says to whom it is shown")]
    let shown = Shown::to(Audience::of_everything(), state);
    let of = view::fight(shown, Some(ending));
    let mut timelines = timelines(log, state);
    let players = of.players.into_iter().filter_map(|player| told_player(player, &mut timelines)).collect();
    let bosses = of.bosses.into_iter().take(l::WHOLE_BOSSES_MAX);
    let bosses = bosses.map(|boss| Boss { name: boss.name, total_damage: boss.damage, hits: boss.hits }).collect();
    // The relay has no other rows than players', so sums that agree with all rows are told as what players did.
    let totals = ending.meter.map(|meter| match view::meter_differs(shown, &meter) {
        None => (of.totals.damage, of.totals.healing),
        Some(_) => (meter.damage, meter.healing),
    });
    let (head, _) = fight.encounter.0.as_u64_pair();
    Encounter {
        ended_at_ms: ending.ended_at_ms,
        duration_ms: of.duration_ms.max(1),
        total_damage: totals.map(|(damage, _)| damage),
        total_heal: totals.map(|(_, healing)| healing),
        bosses,
        players,
        meter_version: meter.to_owned(),
        local_player_uid: fight.local_player.filter(|local| i64::try_from(*local).is_ok()),
        scene_id: of.encounter.scene_id,
        scene_name: of.encounter.scene,
        // Meters number their fights anew; where no player is told, this number tells fights apart.
        ..Encounter::of((head >> 1).cast_signed(), fight.started_at_ms)
    }
}

/// Whose hits with what, by the player's key.
type Timelines = HashMap<(String, SkillId, HitKind), Vec<Entry>>;

fn timelines(log: &Log, state: &EncounterState) -> Timelines {
    let players: Vec<Option<String>> = (0..state.actors().len())
        .map(|at| ActorIx(at as u16))
        .map(|actor| state.is_player(actor).then(|| state.actor(actor).id.to_hex()))
        .collect();
    let of = |actor: ActorIx| &players[usize::from(actor.0)];
    let mut timelines: HashMap<_, Vec<Entry>> = HashMap::new();
    for TimedHit { at_ms, hit } in &log.content.hits {
        // As the view counts: what a player does to a player is no damage of his.
        if of(hit.source).is_some() && (hit.kind == HitKind::Heal || of(hit.target).is_none()) {
            timelines.entry((hit.source, hit.skill, hit.kind)).or_default().push(Entry {
                timestamp_ms: *at_ms,
                value: hit.amount,
                is_crit: hit.flags.has(HitFlags::CRIT),
                is_lucky: hit.flags.has(HitFlags::LUCKY),
                shield_loss: hit.shield,
            });
        }
    }
    let named = timelines.into_iter().filter_map(|((source, skill, kind), entries)| {
        Some(((of(source).clone()?, state.skill(skill).id, kind), entries))
    });
    named.collect()
}

fn told_player(player: report::Player, timelines: &mut Timelines) -> Option<Player> {
    let actor_id = game_id(&player.player_key)?;
    let (mut damage_skills, mut heal_skills) = (BTreeMap::new(), BTreeMap::new());
    for row in player.skills {
        let (skills, kind) = match row.kind {
            SkillKind::Damage => (&mut damage_skills, HitKind::Damage),
            SkillKind::Healing => (&mut heal_skills, HitKind::Heal),
        };
        let id = SkillId { base: row.skill_id, variant: row.variant_id };
        let timeline = timelines.remove(&(player.player_key.clone(), id, kind)).unwrap_or_default();
        // The form knows base skills alone.
        add(skills.entry(row.skill_id).or_insert_with(|| nothing_of(&row)), &row, timeline);
    }
    let [damage_skills, heal_skills] =
        [damage_skills, heal_skills].map(|skills| skills.into_values().flat_map(in_parts).collect());
    Some(Player {
        actor_id,
        name: player.name,
        class_spec: player.spec_id.map(|spec| spec_in(player.class_id, spec)),
        class_id: player.class_id,
        ability_score: player.ability_score,
        level: player.level,
        damage_dealt: player.damage,
        heal_dealt: player.healing,
        damage_taken: player.damage_taken,
        boss_damage_dealt: player.boss_damage,
        hits_dealt: player.hits,
        hits_heal: player.heal_hits,
        crit_hits_dealt: player.crit_hits,
        lucky_hits_dealt: player.lucky_hits,
        dps: player.dps,
        hps: player.hps,
        damage_skills,
        heal_skills,
    })
}

/// The game's id of a player; `None` of nobody.
fn game_id(key: &str) -> Option<i64> {
    let bytes = from_hex(key)?;
    let id = i64::from_be_bytes(bytes.get(8..)?.try_into().ok()?);
    Some(id).filter(|id| *id != 0)
}

/// A spec as Resonance Logs numbers it. Those of the class that it does not have keep their number: the class tells
/// by which list it is.
fn spec_in(class_id: Option<u16>, spec: u16) -> u16 {
    use raidcast_shared::game::{SpecNumbering, spec_of};
    let is = |raw: &u16| spec_of(class_id, *raw, SpecNumbering::Resonance) == Some(spec);
    [spec, spec.saturating_sub(2)].into_iter().find(is).unwrap_or(spec)
}

fn nothing_of(row: &SkillRow) -> Skill {
    Skill {
        id: row.skill_id,
        name: None,
        total_value: 0,
        hits: 0,
        crit_hits: row.crit_hits.map(|_| 0),
        lucky_hits: row.lucky_hits.map(|_| 0),
        timeline: Vec::new(),
    }
}

fn add(skill: &mut Skill, row: &SkillRow, mut timeline: Vec<Entry>) {
    skill.name = skill.name.take().or_else(|| row.name.clone());
    skill.total_value += row.total;
    skill.hits += row.hits;
    let sum = |held: Option<u64>, more: Option<u64>| Some(held? + more?);
    skill.crit_hits = sum(skill.crit_hits, row.crit_hits);
    skill.lucky_hits = sum(skill.lucky_hits, row.lucky_hits);
    skill.timeline.append(&mut timeline);
}

/// A skill in as many parts as its hits need: several entries of one skill add up.
fn in_parts(mut skill: Skill) -> Vec<Skill> {
    skill.timeline.sort_by_key(|entry| entry.timestamp_ms);
    let rest = skill.timeline.split_off(skill.timeline.len().min(l::WHOLE_TIMELINE_MAX));
    let mut parts = Vec::new();
    for timeline in rest.chunks(l::WHOLE_TIMELINE_MAX) {
        let count = |is: fn(&Entry) -> bool| timeline.iter().filter(|entry| is(entry)).count() as u64;
        let part = Skill {
            id: skill.id,
            name: None,
            total_value: timeline.iter().map(|entry| entry.value).sum(),
            hits: timeline.len() as u64,
            crit_hits: skill.crit_hits.map(|_| count(|entry| entry.is_crit)),
            lucky_hits: skill.lucky_hits.map(|_| count(|entry| entry.is_lucky)),
            timeline: timeline.to_vec(),
        };
        let less = |all: Option<u64>, part: Option<u64>| Some(all?.saturating_sub(part?));
        skill.total_value = skill.total_value.saturating_sub(part.total_value);
        skill.hits = skill.hits.saturating_sub(part.hits);
        skill.crit_hits = less(skill.crit_hits, part.crit_hits);
        skill.lucky_hits = less(skill.lucky_hits, part.lucky_hits);
        parts.push(part);
    }
    parts.insert(0, skill);
    parts
}

/// Leaves hits out that are so many bytes together, or more: whole skills, those with the most hits first.
fn shorten(encounter: &mut Encounter, bytes: usize) {
    let skills =
        encounter.players.iter_mut().flat_map(|player| player.damage_skills.iter_mut().chain(&mut player.heal_skills));
    let mut timelines: Vec<&mut Vec<Entry>> = skills.map(|skill| &mut skill.timeline).collect();
    timelines.sort_by_key(|timeline| std::cmp::Reverse(timeline.len()));
    let mut left_out = 0;
    for timeline in timelines {
        if left_out >= bytes || timeline.is_empty() {
            return;
        }
        left_out += json(timeline).len();
        timeline.clear();
    }
}

#[cfg(test)]
mod tests {
    use raidcast_shared::game::{SPECS, SpecNumbering, spec_of};

    use super::*;

    fn entry(at: usize) -> Entry {
        Entry { timestamp_ms: at as u32, value: 3, is_crit: at.is_multiple_of(2), is_lucky: false, shield_loss: 0 }
    }

    fn skill(hits: usize) -> Skill {
        Skill {
            id: 1714,
            name: Some("Strike".into()),
            total_value: 3 * hits as u64 + 100,
            hits: hits as u64 + 7,
            crit_hits: Some(hits.div_ceil(2) as u64 + 1),
            lucky_hits: None,
            timeline: (0..hits).map(entry).collect(),
        }
    }

    #[test]
    fn a_skill_with_very_many_hits_is_told_in_parts_that_add_up() {
        let whole = skill(2 * l::WHOLE_TIMELINE_MAX + 5);
        let (total, hits, crit) = (whole.total_value, whole.hits, whole.crit_hits);
        let parts = in_parts(whole);
        assert_eq!(parts.iter().map(|part| part.timeline.len()).collect::<Vec<_>>(), [10_000, 10_000, 5]);
        assert_eq!(parts.iter().map(|part| part.total_value).sum::<u64>(), total);
        assert_eq!(parts.iter().map(|part| part.hits).sum::<u64>(), hits);
        assert_eq!(parts.iter().map(|part| part.crit_hits).sum::<Option<u64>>(), crit);
        assert_eq!(in_parts(skill(l::WHOLE_TIMELINE_MAX)).len(), 1);
    }

    #[test]
    fn a_fight_that_is_too_long_goes_without_the_hits_of_its_most_frequent_skills() {
        let player = |hits: &[usize]| Player {
            actor_id: 1,
            name: None,
            class_id: None,
            class_spec: None,
            ability_score: None,
            level: None,
            damage_dealt: 0,
            heal_dealt: 0,
            damage_taken: None,
            boss_damage_dealt: None,
            hits_dealt: 0,
            hits_heal: 0,
            crit_hits_dealt: None,
            lucky_hits_dealt: None,
            dps: 0.0,
            hps: 0.0,
            damage_skills: hits.iter().map(|hits| skill(*hits)).collect(),
            heal_skills: vec![skill(9)],
        };
        let mut encounter = Encounter::of(7, 1_790_000_000_000);
        encounter.players = vec![player(&[20, 500]), player(&[300])];
        let whole = json(&encounter).len();
        shorten(&mut encounter, json(&skill(500).timeline).len() + 1);
        let left = |encounter: &Encounter| {
            let skills =
                encounter.players.iter().flat_map(|player| player.damage_skills.iter().chain(&player.heal_skills));
            skills.map(|skill| (skill.timeline.len(), skill.hits)).collect::<Vec<_>>()
        };
        assert_eq!(left(&encounter), [(20, 27), (0, 507), (9, 16), (0, 307), (9, 16)]);
        assert!(json(&encounter).len() < whole);
    }

    #[test]
    fn each_spec_is_read_back_as_it_was() {
        for spec in SPECS {
            let class = Some(spec.class_id);
            assert_eq!(
                spec_of(class, spec_in(class, spec.id), SpecNumbering::Resonance),
                Some(spec.id),
                "{}",
                spec.name
            );
        }
    }
}
