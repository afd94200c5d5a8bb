//! The requests in which meters upload fights themselves, as the uploaders of three classes of versions write them.
//!
//! One invariant: a body is made of the [`Fight`] alone, by rules of its own, so that it can tell whether a reader is
//! right. Names of fields, their order and what is null are those of recorded requests.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::aggregate::stored::{known, stored_spec};
use crate::fight::{Fight, Hit, HitKind, Player, SegmentKind};
use crate::json::{Object, list};

/// Which of the meter's uploaders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Uploader {
    /// 0.13.0 to 0.14.5: sums alone, and phases.
    Sums,
    /// 0.15.0: single hits, and segments.
    Hits,
    /// 0.18.0 and later: buffs, too, and the key in the fight's hash.
    Buffs,
}

impl Uploader {
    /// All of them, oldest first.
    pub const EVERY: [Self; 3] = [Self::Sums, Self::Hits, Self::Buffs];
}

/// A buff that every player of an uploaded fight has, twice; the second time it outlasts the fight.
pub const BUFF: i64 = 2_110_012;
/// How long a buff is on a player, ms.
pub const BUFF_MS: i64 = 5_000;

/// Who uploads.
#[derive(Clone, Debug)]
pub struct Upload<'a> {
    /// With which uploader.
    pub uploader: Uploader,
    /// Under which key.
    pub key: &'a str,
    /// Players whom the meter saw in other fights: it sends them with each.
    pub strangers: &'a [Player],
}

impl Upload<'_> {
    /// The body of a request for these fights.
    pub fn body(&self, fights: &[Fight]) -> Vec<u8> {
        let fights: Vec<_> = fights.iter().map(|fight| self.encounter(fight)).collect();
        let body = Object::default().raw("encounters", &list(&fights));
        let body = match self.uploader {
            Uploader::Buffs => body.put("clientVersion", "0.19.4-beta"),
            Uploader::Sums | Uploader::Hits => body,
        };
        body.done().into_bytes()
    }

    /// What the meter calls a fight.
    pub fn source_hash(&self, fight: &Fight) -> String {
        let sums = Sums::of(fight);
        let mut ids: Vec<i64> = sums.actors.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        let attempts = fight.attempts.iter().map(|attempt| {
            Object::default()
                .put("attemptIndex", attempt.index)
                .put("endedAtMs", attempt.ended_ms.map(|ended| fight.started_at_ms + ended))
                .put("startedAtMs", fight.started_at_ms + attempt.started_ms)
                .done()
        });
        let mut named = Object::default()
            .put("actorIds", ids)
            .raw("attempts", &list(&attempts.collect::<Vec<_>>()))
            .put("endedAtMs", ended_at_ms(fight))
            .put("localPlayerId", fight.local_player_id)
            .put("sceneId", fight.scene_id)
            .put("sceneName", &fight.scene_name)
            .put("startedAtMs", fight.started_at_ms);
        if self.uploader == Uploader::Buffs {
            named = named.put("uploaderId", self.key);
        }
        let mut hex = String::new();
        for byte in Sha256::digest(named.done()) {
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }

    fn encounter(&self, fight: &Fight) -> String {
        let sums = Sums::of(fight);
        let has_hits = self.uploader != Uploader::Sums;
        let mut encounter = Object::default()
            .put("startedAtMs", fight.started_at_ms)
            .put("endedAtMs", ended_at_ms(fight))
            .put("localPlayerId", fight.local_player_id)
            .put("totalDmg", sums.total(HitKind::Damage))
            .put("totalHeal", sums.total(HitKind::Heal))
            .put("sceneId", fight.scene_id)
            .put("sceneName", &fight.scene_name)
            .put("sourceHash", self.source_hash(fight))
            .raw("attempts", &list(&attempts(fight)));
        if !has_hits {
            encounter = encounter.raw("phases", &list(&phases(fight)));
        }
        encounter = encounter
            .raw("deathEvents", &list(&deaths(fight)))
            .raw(
                "actorEncounterStats",
                &list(&sums.actors.iter().map(|(id, sums)| sums.row(*id, fight)).collect::<Vec<_>>()),
            )
            .raw("damageSkillStats", &list(&sums.rows(HitKind::Damage, has_hits, fight)))
            .raw("healSkillStats", &list(&sums.rows(HitKind::Heal, has_hits, fight)))
            .raw("entities", &list(&self.entities(fight)))
            .raw("encounterBosses", &list(&sums.bosses(fight)))
            .raw("detailedPlayerdata", "[]");
        if has_hits {
            encounter = encounter.raw("dungeonSegments", &list(&segments(fight)));
        }
        if self.uploader == Uploader::Buffs {
            encounter = encounter.raw("encounterBuffs", &list(&buffs(fight)));
        }
        encounter.done()
    }

    fn entities(&self, fight: &Fight) -> Vec<String> {
        let seen: HashSet<i64> = fight.hits.iter().flat_map(|hit| [hit.source, hit.target]).collect();
        let here = fight.players.iter().filter(|player| seen.contains(&player.uid));
        here.chain(self.strangers)
            .map(|player| person(Object::default().put("entityId", player.uid), Some(player)).done())
            .collect()
    }
}

fn ended_at_ms(fight: &Fight) -> Option<i64> {
    fight.ended_at_ms.map(|_| fight.started_at_ms + fight.last_ms())
}

fn attempts(fight: &Fight) -> Vec<String> {
    let row = |attempt: &crate::fight::Attempt| {
        Object::default()
            .put("attemptIndex", attempt.index)
            .put("startedAtMs", fight.started_at_ms + attempt.started_ms)
            .put("endedAtMs", attempt.ended_ms.map(|ended| fight.started_at_ms + ended))
            .put("reason", &attempt.reason)
            .put("bossHpStart", attempt.boss_hp_start)
            .put("bossHpEnd", attempt.boss_hp_end)
            .put("totalDeaths", attempt.total_deaths)
            .done()
    };
    fight.attempts.iter().map(row).collect()
}

fn phases(fight: &Fight) -> Vec<String> {
    let is_boss = |hit: &&Hit| fight.monster(hit.target).is_some_and(|monster| monster.is_boss);
    let Some(first) = fight.hits.iter().find(is_boss) else { return Vec::new() };
    let won = fight.monsters.iter().any(|monster| monster.is_boss && monster.defeated);
    let phase = Object::default()
        .put("phaseType", "boss")
        .put("startTimeMs", fight.started_at_ms + first.at_ms)
        .put("endTimeMs", fight.started_at_ms + fight.last_ms())
        .put("outcome", if won { "success" } else { "wipe" });
    vec![phase.done()]
}

fn deaths(fight: &Fight) -> Vec<String> {
    let row = |death: &crate::fight::Death| {
        Object::default()
            .put("timestampMs", fight.started_at_ms + death.at_ms)
            .put("actorId", death.actor)
            .put("killerId", death.killer)
            .put("skillId", death.skill_id)
            .put("isLocalPlayer", death.actor == fight.local_player_id)
            .put("attemptIndex", death.attempt)
            .done()
    };
    fight.deaths.iter().map(row).collect()
}

fn segments(fight: &Fight) -> Vec<String> {
    let row = |segment: &crate::fight::Segment| {
        let boss = match segment.kind {
            SegmentKind::Trash => None,
            SegmentKind::Boss(entity_id) => fight.monster(entity_id),
        };
        Object::default()
            .put("segmentType", if boss.is_some() { "boss" } else { "trash" })
            .put("bossEntityId", boss.map(|boss| boss.entity_id))
            .put("bossMonsterTypeId", boss.and_then(|boss| boss.type_id))
            .put("bossName", boss.map(|boss| &boss.name))
            .put("startedAtMs", fight.started_at_ms + segment.started_ms)
            .put("endedAtMs", fight.started_at_ms + segment.ended_ms)
            .put("totalDamage", 0)
            .put("hitCount", 0)
            .done()
    };
    fight.segments.iter().map(row).collect()
}

fn buffs(fight: &Fight) -> Vec<String> {
    let span = |start: i64, stacks: i64| {
        Object::default()
            .put("startMs", fight.started_at_ms + start)
            .put("endMs", fight.started_at_ms + start + BUFF_MS)
            .put("durationMs", BUFF_MS)
            .put("stackCount", stacks)
            .done()
    };
    let of_player = |player: &Player| {
        let buff = Object::default()
            .put("buffId", BUFF)
            .put("buffName", None::<&str>)
            .put("buffNameLong", None::<&str>)
            .put("totalDurationMs", 2 * BUFF_MS)
            .raw("events", &list(&[span(1_000, 1), span(fight.last_ms() - 1_000, 3)]));
        Object::default()
            .put("entityUid", player.uid)
            .put("entityName", &player.name)
            .raw("buffs", &list(&[buff.done()]))
            .done()
    };
    let acts = |player: &&Player| fight.hits.iter().any(|hit| hit.source == player.uid);
    fight.players.iter().filter(acts).map(of_player).collect()
}

fn person(object: Object, player: Option<&Player>) -> Object {
    object
        .put("name", player.map(|player| &player.name))
        .put("classId", player.and_then(|player| known(player.class_id)))
        .put("classSpec", player.and_then(stored_spec))
        .put("abilityScore", player.and_then(|player| known(player.ability_score)))
        .put("level", player.and_then(|player| known(player.level)))
}

/// What some hits come to.
#[derive(Clone, Copy, Default)]
struct Count {
    total: i64,
    hits: i64,
    crit: [i64; 2],
    lucky: [i64; 2],
    hp_loss: i64,
    shield_loss: i64,
}

impl Count {
    fn of(hits: &[&Hit]) -> Self {
        let mut count = Self::default();
        for hit in hits {
            count.add(hit);
        }
        count
    }

    fn add(&mut self, hit: &Hit) {
        let amount = hit.aggregate_amount();
        self.total += amount;
        self.hits += 1;
        for (of, is) in [(&mut self.crit, hit.crit), (&mut self.lucky, hit.lucky)] {
            if is {
                of[0] += 1;
                of[1] += amount;
            }
        }
        self.hp_loss += hit.hp_loss;
        self.shield_loss += hit.shield_loss;
    }
}

/// What an actor's hits come to.
#[derive(Default)]
struct ActorSums {
    dealt: Count,
    heal: Count,
    taken: Count,
    boss: Count,
    revives: i64,
}

impl ActorSums {
    fn row(&self, id: i64, fight: &Fight) -> String {
        let player = fight.player(id);
        let seconds = (fight.last_ms() as f64 / 1_000.0).max(1.0);
        let mut row = person(Object::default().put("actorId", id), player)
            .put("damageDealt", self.dealt.total)
            .put("healDealt", self.heal.total)
            .put("damageTaken", self.taken.total);
        let ways = [("Dealt", &self.dealt), ("Heal", &self.heal), ("Taken", &self.taken)];
        for (at, figure) in ["hits", "critHits", "luckyHits", "critTotal", "luckyTotal"].into_iter().enumerate() {
            for (way, count) in ways {
                let figures = [count.hits, count.crit[0], count.lucky[0], count.crit[1], count.lucky[1]];
                row = row.put(&format!("{figure}{way}"), figures[at]);
            }
        }
        row.put("bossDamageDealt", self.boss.total)
            .put("bossHitsDealt", self.boss.hits)
            .put("bossCritHitsDealt", self.boss.crit[0])
            .put("bossLuckyHitsDealt", self.boss.lucky[0])
            .put("bossCritTotalDealt", self.boss.crit[1])
            .put("bossLuckyTotalDealt", self.boss.lucky[1])
            .put("revives", self.revives)
            .put("dps", player.map_or(0.0, |_| self.dealt.total as f64 / seconds))
            .put("duration", player.map_or(0.0, |_| seconds))
            .put("isPlayer", player.is_some())
            .put("isLocalPlayer", id == fight.local_player_id)
            .put("attributes", None::<&str>)
            .done()
    }
}

/// Who did what to whom: heal or damage, source, target, skill.
type Key = (bool, i64, i64, i64);

/// What a fight comes to, in order of appearance.
#[derive(Default)]
struct Sums<'a> {
    actors: Vec<(i64, ActorSums)>,
    skills: Vec<(Key, Vec<&'a Hit>)>,
}

impl<'a> Sums<'a> {
    fn of(fight: &'a Fight) -> Self {
        let mut sums = Self::default();
        let (mut actors, mut skills) = (HashMap::new(), HashMap::new());
        let revives: Vec<i64> = fight.revives.iter().map(|revive| revive.player).collect();
        for hit in &fight.hits {
            let heals = hit.kind == HitKind::Heal;
            let key = (heals, hit.source, hit.target, hit.base_skill_id);
            let place = *skills.entry(key).or_insert(sums.skills.len());
            if place == sums.skills.len() {
                sums.skills.push((key, Vec::new()));
            }
            sums.skills[place].1.push(hit);
            let mut actor = |id: i64, sums: &mut Self| {
                let place = *actors.entry(id).or_insert(sums.actors.len());
                if place == sums.actors.len() {
                    let revives = revives.iter().filter(|player| **player == id).count() as i64;
                    sums.actors.push((id, ActorSums { revives, ..ActorSums::default() }));
                }
                place
            };
            let source = actor(hit.source, &mut sums);
            if heals {
                sums.actors[source].1.heal.add(hit);
                continue;
            }
            sums.actors[source].1.dealt.add(hit);
            if fight.monster(hit.target).is_some_and(|monster| monster.is_boss) {
                sums.actors[source].1.boss.add(hit);
            }
            // The meter counts as taken what comes from those it has no entity row of.
            if fight.player(hit.source).is_none() {
                let target = actor(hit.target, &mut sums);
                sums.actors[target].1.taken.add(hit);
            }
        }
        sums
    }

    fn total(&self, kind: HitKind) -> i64 {
        let of = |(_, sums): &(i64, ActorSums)| match kind {
            HitKind::Damage => sums.dealt.total,
            HitKind::Heal => sums.heal.total,
        };
        self.actors.iter().map(of).sum()
    }

    fn rows(&self, kind: HitKind, has_hits: bool, fight: &Fight) -> Vec<String> {
        let is_heal = kind == HitKind::Heal;
        let (actors, details) = if is_heal {
            (["healerId", "targetId"], "healDetails")
        } else {
            (["attackerId", "defenderId"], "hitDetails")
        };
        let row = |((_, source, target, skill), hits): &(Key, Vec<&Hit>)| {
            let count = Count::of(hits);
            let mut row = Object::default()
                .put(actors[0], source)
                .put(actors[1], target)
                .put("skillId", skill)
                .put("hits", count.hits)
                .put("totalValue", count.total)
                .put("critHits", count.crit[0])
                .put("luckyHits", count.lucky[0])
                .put("critTotal", count.crit[1])
                .put("luckyTotal", count.lucky[1]);
            if !is_heal {
                row = row.put("hpLossTotal", count.hp_loss).put("shieldLossTotal", count.shield_loss);
            }
            if has_hits {
                row = row.put(details, list(&hits.iter().map(|hit| detail(hit, fight)).collect::<Vec<_>>()));
            }
            let monster = fight.monster(*target).filter(|_| !is_heal);
            row.put("monsterName", monster.map(|monster| &monster.name)).done()
        };
        self.skills.iter().filter(|((heals, ..), _)| *heals == is_heal).map(row).collect()
    }

    fn bosses(&self, fight: &Fight) -> Vec<String> {
        let mut bosses: BTreeMap<&str, (Count, Option<i64>, bool)> = BTreeMap::new();
        for ((heals, _, target, _), hits) in &self.skills {
            let Some(boss) = fight.monster(*target).filter(|monster| monster.is_boss && !heals) else { continue };
            let row = bosses.entry(&boss.name).or_default();
            for hit in hits {
                row.0.add(hit);
            }
            row.1 = row.1.max(boss.max_hp);
            row.2 |= boss.defeated && fight.ended_at_ms.is_some();
        }
        let row = |(name, (count, max_hp, defeated)): (&str, (Count, Option<i64>, bool))| {
            Object::default()
                .put("monsterName", name)
                .put("hits", count.hits)
                .put("totalDamage", count.total)
                .put("maxHp", max_hp)
                .put("isDefeated", defeated)
                .done()
        };
        bosses.into_iter().map(row).collect()
    }
}

/// An entry of a row's text; its names are in the alphabet's order.
fn detail(hit: &Hit, fight: &Fight) -> String {
    let entry = Object::default().put("attempt_index", hit.attempt).put("crit", hit.crit);
    let timestamp = fight.started_at_ms + hit.at_ms;
    match hit.kind {
        HitKind::Heal => entry
            .put("heal", hit.aggregate_amount())
            .put("lucky", hit.lucky)
            .put("ms_from_start", hit.at_ms)
            .put("timestamp", timestamp)
            .done(),
        HitKind::Damage => entry
            .put("damage", hit.aggregate_amount())
            .put("hp_loss", hit.hp_loss)
            .put("is_boss", fight.monster(hit.target).is_some_and(|monster| monster.is_boss))
            .put("lucky", hit.lucky)
            .put("ms_from_start", hit.at_ms)
            .put("shield_loss", hit.shield_loss)
            .put("timestamp", timestamp)
            .done(),
    }
}
