//! Makes fights from a seed: trash, then a boss who may win the first attempt.
//!
//! The same script gives the same fight for ever. Nothing here looks at a clock.

pub(crate) mod cast_list;

use crate::fight::{
    Attempt, Cast, CastKind, Death, Fight, Hit, HitKind, Monster, Player, Revive, Segment, SegmentKind,
};
use crate::random::Random;
use cast_list::{
    AWKWARD_NAMES, BOSS_BLOW, BOSS_WAVE, BOSSES, BUILDS, BuildRole, PLAIN_NAMES, SCENE, SpecBuild, TRASH, TRASH_BLOW,
};

/// Unix ms at which scripted fights begin unless told otherwise: 2026-09-21 14:13:20 UTC.
const STARTED_AT_MS: i64 = 1_790_000_000_000;

/// From the boss's last hit to the end of the encounter.
const AFTERMATH_MS: i64 = 1_000;

/// Which names players go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Latin letters.
    Plain,
    /// Quotes, angle brackets, tags, Hangul, kana, emoji: what a page must not trip over.
    Awkward,
}

/// What a fight shall be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Decides all that the other fields leave open.
    pub seed: u64,
    /// How many players.
    pub players: usize,
    /// From first hit to end; at least ten seconds.
    pub duration_ms: i64,
    /// Unix ms.
    pub started_at_ms: i64,
    /// Mean ms between two hits of one player who does not heal.
    pub tempo_ms: i64,
    /// Whether the first attempt is lost and a second made.
    pub wipe: bool,
    /// Whether the boss dies in the end.
    pub kill: bool,
    /// Whether the meter's hidden setting for segments is on.
    pub segments: bool,
    /// Which names players go by.
    pub names: Names,
}

impl Script {
    /// Twenty players, six minutes, a wipe and a kill: about 30,000 hits.
    pub fn raid(seed: u64) -> Self {
        Self {
            seed,
            players: 20,
            duration_ms: 360_000,
            started_at_ms: STARTED_AT_MS,
            tempo_ms: 240,
            wipe: true,
            kill: true,
            segments: false,
            names: Names::Plain,
        }
    }

    /// Five players, one minute, a kill: about 1,000 hits.
    pub fn party(seed: u64) -> Self {
        Self { players: 5, duration_ms: 60_000, wipe: false, ..Self::raid(seed) }
    }

    /// The fight of this script.
    pub fn fight(&self) -> Fight {
        Builder::new(self).build()
    }

    /// Four short fights in order: a kill, one reset by hand, one with awkward names, one never ended.
    pub fn night(seed: u64) -> Vec<Fight> {
        let party = |n: u64| Self {
            started_at_ms: STARTED_AT_MS + n as i64 * 90_000,
            ..Self::party(seed.wrapping_mul(4).wrapping_add(n))
        };
        let mut reset = Self { kill: false, duration_ms: 40_000, ..party(1) }.fight();
        reset.manually_reset = true;
        vec![
            Self { wipe: true, ..party(0) }.fight(),
            reset,
            Self { names: Names::Awkward, players: 8, ..party(2) }.fight(),
            Self { kill: false, segments: true, ..party(3) }.fight().crashing(),
        ]
    }
}

/// A stretch of the fight.
#[derive(Clone, Copy)]
struct Phase {
    from_ms: i64,
    until_ms: i64,
    attempt: i64,
    against_boss: bool,
}

/// A player on the ground.
struct Down {
    player: usize,
    from_ms: i64,
    until_ms: i64,
    revived: bool,
    attempt: i64,
}

struct Builder<'a> {
    script: &'a Script,
    builds: Vec<&'static SpecBuild>,
    phases: Vec<Phase>,
    downs: Vec<Down>,
    fight: Fight,
}

impl<'a> Builder<'a> {
    fn new(script: &'a Script) -> Self {
        Self { script, builds: vec![], phases: vec![], downs: vec![], fight: Fight::default() }
    }

    fn build(mut self) -> Fight {
        self.people();
        self.plan();
        for player in 0..self.fight.players.len() {
            self.play(player);
        }
        self.boss();
        self.trash();
        self.fight.hits.sort_by_key(|h| h.at_ms);
        self.fight.casts.sort_by_key(|c| c.at_ms);
        self.outcome();
        self.fight
    }

    /// Who takes part.
    fn people(&mut self) {
        let mut random = Random::part(self.script.seed, 1);
        let count = self.script.players;
        let tanks = if count >= 4 { (count / 10).max(1) } else { 0 };
        let healers = if count >= 4 { (count / 6).max(1) } else { 0 };
        let mut names: Vec<&str> = match self.script.names {
            Names::Plain => PLAIN_NAMES.to_vec(),
            Names::Awkward => AWKWARD_NAMES.to_vec(),
        };
        random.shuffle(&mut names);
        for i in 0..count {
            let role = match i {
                i if i < tanks => BuildRole::Tank,
                i if i < tanks + healers => BuildRole::Healer,
                _ => BuildRole::Damage,
            };
            let fitting: Vec<&SpecBuild> = BUILDS.iter().filter(|b| b.role == role).collect();
            let build = *random.pick(&fitting);
            let again = i / names.len();
            let name = names[i % names.len()];
            self.builds.push(build);
            self.fight.players.push(Player {
                // The index keeps uids apart whatever the seed draws.
                uid: random.between(10_000, 800_000) * 100 + i as i64 % 100,
                name: if again == 0 { name.to_owned() } else { format!("{name} {}", again + 1) },
                class_id: build.class_id,
                spec: build.spec,
                ability_score: random.between(18_000, 40_000),
                level: 60,
            });
        }
        let boss = random.pick(&BOSSES);
        for (i, (type_id, name)) in std::iter::once(boss).chain(&TRASH).enumerate() {
            self.fight.monsters.push(Monster {
                entity_id: random.between(100_000_000, 170_000_000) * 100 + i as i64,
                type_id: Some(*type_id),
                name: (*name).to_owned(),
                is_boss: i == 0,
                max_hp: None,
                defeated: i > 0 || self.script.kill,
            });
        }
        let local = random.between(0, count as i64) as usize;
        self.fight.local_player_id = self.fight.players.get(local).map_or(0, |p| p.uid);
        self.fight.started_at_ms = self.script.started_at_ms;
        self.fight.scene_id = Some(SCENE.0);
        self.fight.scene_name = Some(SCENE.1.to_owned());
        self.fight.difficulty = Some(3);
        self.fight.ended_at_ms = Some(self.duration_ms());
    }

    fn duration_ms(&self) -> i64 {
        self.script.duration_ms.max(10_000)
    }

    /// When what happens, and who dies.
    fn plan(&mut self) {
        let mut random = Random::part(self.script.seed, 2);
        let combat_ms = self.duration_ms() - AFTERMATH_MS;
        let trash_ms = combat_ms / 6;
        self.phases.push(Phase { from_ms: 0, until_ms: trash_ms, attempt: 1, against_boss: false });
        let mut from_ms = trash_ms;
        let mut attempt = 1;
        if self.script.wipe {
            let until_ms = trash_ms + (combat_ms - trash_ms) * 35 / 100;
            self.phases.push(Phase { from_ms, until_ms, attempt, against_boss: true });
            from_ms = until_ms + (combat_ms / 30).min(10_000);
            attempt = 2;
        }
        self.phases.push(Phase { from_ms, until_ms: combat_ms, attempt, against_boss: true });

        let count = self.fight.players.len();
        for phase in self.phases.clone().into_iter().filter(|p| p.against_boss) {
            let span_ms = phase.until_ms - phase.from_ms;
            let mut order: Vec<usize> = (0..count).collect();
            random.shuffle(&mut order);
            for &player in order.iter().take(count / 5) {
                let from_ms = phase.from_ms + span_ms * random.between(10, 80) / 100;
                let until_ms = from_ms + (span_ms / 10).min(12_000);
                self.downs.push(Down { player, from_ms, until_ms, revived: true, attempt: phase.attempt });
            }
            if phase.until_ms == combat_ms {
                continue;
            }
            let last_stand_ms = (span_ms / 10).min(4_000);
            for player in 0..count {
                let from_ms = phase.until_ms - random.between(1, last_stand_ms);
                let until_ms = phase.until_ms;
                self.downs.push(Down { player, from_ms, until_ms, revived: false, attempt: phase.attempt });
            }
        }
        self.downs.sort_by_key(|d| d.from_ms);
    }

    /// Whether a player stands, the millisecond of the death included.
    fn stands(&self, player: usize, at_ms: i64) -> bool {
        !self.downs.iter().any(|d| d.player == player && d.from_ms < at_ms && at_ms < d.until_ms)
    }

    /// The trash that stands in front at a time.
    fn trash_at(&self, at_ms: i64) -> i64 {
        let phase = self.phases[0];
        let place = at_ms * TRASH.len() as i64 / phase.until_ms.max(1);
        self.fight.monsters[1 + (place as usize).min(TRASH.len() - 1)].entity_id
    }

    /// All that one player does.
    fn play(&mut self, player: usize) {
        let mut random = Random::part(self.script.seed, 100 + player as u64);
        let build = self.builds[player];
        let Player { uid, ability_score, .. } = self.fight.players[player];
        let local = uid == self.fight.local_player_id;
        let power = ability_score / 4;
        let (hit_tempo, heal_tempo) = match build.role {
            BuildRole::Healer => (self.script.tempo_ms * 3, Some(self.script.tempo_ms * 5 / 4)),
            BuildRole::Damage | BuildRole::Tank => (self.script.tempo_ms, None),
        };
        for phase in self.phases.clone() {
            // The first player opens the fight: it begins with a hit, not with a silence.
            let opens = player == 0 && phase.from_ms == 0;
            let mut at_ms = if opens { 0 } else { phase.from_ms + random.between(1, hit_tempo * 2) };
            while at_ms < phase.until_ms {
                let (crit, lucky) = (random.chance(25), random.chance(8));
                let mut amount = power * random.between(50, 151) / 100;
                amount *= if crit { 2 } else { 1 };
                amount = (amount * build.weight / 100).max(1);
                let shield_loss = if random.chance(5) { amount / 3 } else { 0 };
                let skill = build.damage[random.early_index(build.damage.len())];
                let target = if phase.against_boss { self.fight.monsters[0].entity_id } else { self.trash_at(at_ms) };
                if self.stands(player, at_ms) {
                    self.fight.hits.push(Hit {
                        at_ms,
                        source: uid,
                        target,
                        base_skill_id: skill,
                        kind: HitKind::Damage,
                        amount,
                        crit: crit && local,
                        lucky: lucky && local,
                        hp_loss: amount - shield_loss,
                        shield_loss,
                        overheal: 0,
                        attempt: Some(phase.attempt),
                    });
                    if random.chance(1) {
                        self.fight.casts.push(Cast { at_ms, caster: uid, skill_id: skill, kind: CastKind::Key });
                    }
                }
                at_ms += random.between(hit_tempo / 4, hit_tempo * 7 / 4).max(1);
            }
            if let Some(tempo) = heal_tempo {
                self.heal(player, phase, tempo, &mut random);
            }
        }
    }

    fn heal(&mut self, player: usize, phase: Phase, tempo_ms: i64, random: &mut Random) {
        let build = self.builds[player];
        let uid = self.fight.players[player].uid;
        let local = uid == self.fight.local_player_id;
        let mut at_ms = phase.from_ms + random.between(1, tempo_ms * 2);
        while at_ms < phase.until_ms {
            // Tanks, who stand first, are wounded most.
            let target = random.early_index(self.fight.players.len());
            let amount = random.between(2_000, 20_000);
            let overheal = if random.chance(50) { random.between(0, amount + 1) } else { 0 };
            let skill = build.heal[random.early_index(build.heal.len())];
            let (crit, lucky) = (random.chance(20), random.chance(5));
            if self.stands(player, at_ms) && self.stands(target, at_ms) {
                self.fight.hits.push(Hit {
                    at_ms,
                    source: uid,
                    target: self.fight.players[target].uid,
                    base_skill_id: skill,
                    kind: HitKind::Heal,
                    amount,
                    crit: crit && local,
                    lucky: lucky && local,
                    hp_loss: 0,
                    shield_loss: 0,
                    overheal,
                    attempt: Some(phase.attempt),
                });
            }
            at_ms += random.between(tempo_ms / 4, tempo_ms * 7 / 4).max(1);
        }
    }

    /// All that the boss does, killing blows included.
    fn boss(&mut self) {
        let mut random = Random::part(self.script.seed, 3);
        let boss = self.fight.monsters[0].entity_id;
        for phase in self.phases.clone().into_iter().filter(|p| p.against_boss) {
            let mut at_ms = phase.from_ms + 500;
            while at_ms < phase.until_ms {
                if let Some(target) = (0..self.builds.len()).find(|&p| self.stands(p, at_ms)) {
                    let amount = random.between(1_500, 6_000);
                    self.strike(boss, target, BOSS_BLOW, amount, at_ms, phase.attempt, &mut random);
                }
                at_ms += random.between(600, 1_300);
            }
            let mut at_ms = phase.from_ms + 6_000;
            while at_ms < phase.until_ms {
                let cast = Cast { at_ms: at_ms - 1_500, caster: boss, skill_id: BOSS_WAVE, kind: CastKind::Boss };
                self.fight.casts.push(cast);
                for target in 0..self.builds.len() {
                    if self.stands(target, at_ms) {
                        let amount = random.between(800, 4_000);
                        self.strike(boss, target, BOSS_WAVE, amount, at_ms, phase.attempt, &mut random);
                    }
                }
                at_ms += random.between(8_000, 12_000);
            }
        }
        let downs = std::mem::take(&mut self.downs);
        for down in &downs {
            let amount = random.between(40_000, 90_000);
            self.strike(boss, down.player, BOSS_WAVE, amount, down.from_ms, down.attempt, &mut random);
            let player = self.fight.players[down.player].uid;
            self.fight.deaths.push(Death {
                at_ms: down.from_ms,
                actor: player,
                killer: Some(boss),
                skill_id: Some(BOSS_WAVE),
                attempt: Some(down.attempt),
            });
            if down.revived {
                self.fight.revives.push(Revive { at_ms: down.until_ms, player });
            }
        }
        self.fight.revives.sort_by_key(|r| r.at_ms);
        self.downs = downs;
    }

    /// All that trash does: it beats on who stands first.
    fn trash(&mut self) {
        let mut random = Random::part(self.script.seed, 4);
        let phase = self.phases[0];
        let mut at_ms = 1_000;
        while at_ms < phase.until_ms && !self.builds.is_empty() {
            let source = self.trash_at(at_ms);
            let amount = random.between(200, 1_200);
            self.strike(source, 0, TRASH_BLOW, amount, at_ms, phase.attempt, &mut random);
            at_ms += random.between(1_000, 2_500);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one hit has as many facts")]
    fn strike(
        &mut self,
        source: i64,
        target: usize,
        base_skill_id: i64,
        amount: i64,
        at_ms: i64,
        attempt: i64,
        random: &mut Random,
    ) {
        let shield_loss = if random.chance(30) { amount / 2 } else { 0 };
        self.fight.hits.push(Hit {
            at_ms,
            source,
            target: self.fight.players[target].uid,
            base_skill_id,
            kind: HitKind::Damage,
            amount,
            crit: false,
            lucky: false,
            hp_loss: amount - shield_loss,
            shield_loss,
            overheal: 0,
            attempt: Some(attempt),
        });
    }

    /// What follows from the hits: hit points, monsters' deaths, attempts, segments.
    fn outcome(&mut self) {
        let lost = |fight: &Fight, monster: i64, attempt: Option<i64>| -> i64 {
            let hits = fight.hits.iter().filter(|h| h.target == monster && h.kind == HitKind::Damage);
            hits.filter(|h| attempt.is_none() || h.attempt == attempt).map(|h| h.hp_loss).sum()
        };
        let attempts = self.phases.last().map_or(1, |p| p.attempt);
        for i in 0..self.fight.monsters.len() {
            let Monster { entity_id, is_boss, defeated, .. } = self.fight.monsters[i];
            let lost_hp = lost(&self.fight, entity_id, is_boss.then_some(attempts));
            // A boss who lives has lost three quarters.
            self.fight.monsters[i].max_hp = Some(if defeated { lost_hp.max(1) } else { lost_hp / 3 * 4 + 1 });
            let killing = self.fight.hits.iter().rfind(|h| h.target == entity_id).filter(|_| defeated);
            let death = killing.map(|h| Death {
                at_ms: h.at_ms,
                actor: entity_id,
                killer: Some(h.source),
                skill_id: Some(h.base_skill_id),
                attempt: h.attempt,
            });
            if let Some(death) = &death {
                self.fight.hits.retain(|h| h.source != entity_id || h.at_ms <= death.at_ms);
            }
            self.fight.deaths.extend(death);
        }
        self.fight.deaths.sort_by_key(|d| d.at_ms);

        let boss_id = self.fight.monsters[0].entity_id;
        let max_hp = self.fight.monsters[0].max_hp;
        let revives = self.downs.iter().filter(|d| d.revived && d.attempt == 1).count() as i64;
        let wiped_ms = self.phases.iter().find(|p| p.attempt == 2).map(|second| second.from_ms);
        self.fight.attempts.push(Attempt {
            index: 1,
            started_ms: 0,
            ended_ms: wiped_ms,
            reason: "initial".to_owned(),
            boss_hp_start: None,
            boss_hp_end: max_hp.map(|hp| (hp - lost(&self.fight, boss_id, Some(1))).max(0)),
            total_deaths: revives,
        });
        if let Some(started_ms) = wiped_ms {
            self.fight.attempts.push(Attempt {
                index: 2,
                started_ms,
                ended_ms: None,
                reason: "hp_rollback".to_owned(),
                boss_hp_start: max_hp,
                boss_hp_end: None,
                total_deaths: 0,
            });
        }
        if self.script.segments {
            self.fight.segments = self
                .phases
                .iter()
                .map(|p| Segment {
                    kind: if p.against_boss { SegmentKind::Boss(boss_id) } else { SegmentKind::Trash },
                    started_ms: p.from_ms,
                    ended_ms: p.until_ms,
                })
                .collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raid_has_about_thirty_thousand_hits_in_order() {
        let fight = Script::raid(7).fight();
        assert!((28_000..33_000).contains(&fight.hits.len()), "{}", fight.hits.len());
        assert!(fight.hits.is_sorted_by_key(|h| h.at_ms));
        assert!(fight.deaths.is_sorted_by_key(|d| d.at_ms));
        assert_eq!(fight.hits[0].at_ms, 0);
        assert_eq!(fight.attempts.len(), 2);
    }

    #[test]
    fn one_seed_is_one_fight_and_another_is_another() {
        assert_eq!(Script::party(3).fight(), Script::party(3).fight());
        assert_ne!(Script::party(3).fight(), Script::party(4).fight());
    }

    #[test]
    fn only_the_local_player_shows_critical_and_lucky_hits() {
        let fight = Script::raid(1).fight();
        assert!(fight.hits.iter().any(|h| h.crit) && fight.hits.iter().any(|h| h.lucky));
        assert!(fight.hits.iter().all(|h| h.source == fight.local_player_id || !(h.crit || h.lucky)));
    }

    #[test]
    fn nobody_acts_while_dead() {
        let fight = Script::raid(2).fight();
        for revive in &fight.revives {
            let death = fight
                .deaths
                .iter()
                .rfind(|d| d.actor == revive.player && d.at_ms < revive.at_ms)
                .expect("who revives has died");
            let between = death.at_ms + 1..revive.at_ms;
            assert!(!fight.hits.iter().any(|h| h.source == revive.player && between.contains(&h.at_ms)));
        }
    }

    #[test]
    fn a_killed_boss_loses_exactly_its_hit_points_in_the_last_attempt() {
        let fight = Script::raid(5).fight();
        let boss = fight.monsters.iter().find(|m| m.is_boss).expect("a raid has a boss");
        let lost: i64 =
            fight.hits.iter().filter(|h| h.target == boss.entity_id && h.attempt == Some(2)).map(|h| h.hp_loss).sum();
        assert_eq!(boss.max_hp, Some(lost));
        assert!(fight.attempts[0].boss_hp_end > Some(0));
    }

    #[test]
    fn a_fight_of_any_size_can_be_made() {
        for players in [0, 1, 2, 5, 100, 250] {
            let fight = Script { players, duration_ms: 0, ..Script::raid(1) }.fight();
            assert_eq!(fight.players.len(), players);
        }
    }
}
