//! What of a fight is a player's own: of its report, and of its log.
//!
//! One invariant: of others nothing is told but that there was somebody. Whoever is neither the player, nor a summon of his,
//! nor told to be a monster by all who say what it is, is one of the others; so is a monster that belongs to one of them.
//! Deliberately not here: which fights, and who may have it.

use std::collections::BTreeSet;

use raidcast_shared::event::{
    ActorEntry, ActorFacts, ActorIx, ActorKind, CritsKnown, HitFlags, HitKind, PartSum, Rare, RareBody, SkillIx,
    TimedHit,
};
use raidcast_shared::id::{ActorId, SkillId};
use raidcast_shared::log::Log;
use raidcast_shared::report::{DeathRow, Report};
use serde::Serialize;
use serde_json::{Value, json};

/// Lines of a file: of some two hundred bytes each, ten megabytes.
const LINES_OF_FILE: usize = 50_000;
/// Whose a summon is, is looked for so far: what has more above it counts as another's.
const OWNERS_MAX: usize = 4;

/// What of a report is a player's own, and what of his fight is nobody's.
pub(super) fn of_report(report: &Report, player: ActorId) -> Value {
    let (fight, key) = (&report.fight, player.to_hex());
    let own = fight.players.iter().find(|held| held.player_key == key);
    // Without its health: of a boss that was defeated that is what all did to it together, the others among them.
    let bosses = fight.bosses.iter();
    let bosses = bosses.map(|boss| json!({"name": boss.name, "monsterId": boss.monster_id, "defeated": boss.defeated}));
    // Who killed him is told by name alone: one that no player has, and a boss has, is none of the others'.
    let is_player = |name: &str| fight.players.iter().any(|held| held.name.as_deref() == Some(name));
    let is_boss = |name: &str| fight.bosses.iter().any(|boss| boss.name == name) && !is_player(name);
    let deaths = fight.deaths.iter().filter(|death| death.player_key == key).map(|death| {
        let DeathRow { at_ms, killer, skill_id, skill, .. } = death;
        match killer {
            Some(killer) if !is_boss(killer) => json!({"atMs": at_ms, "killer": null, "skillId": null, "skill": null}),
            _ => json!({"atMs": at_ms, "killer": killer, "skillId": skill_id, "skill": skill}),
        }
    });
    json!({
        "startedAtMs": fight.started_at_ms,
        "endedAtMs": fight.ended_at_ms,
        "durationMs": fight.duration_ms,
        "outcome": fight.outcome,
        "encounter": fight.encounter,
        "bosses": bosses.collect::<Vec<_>>(),
        "deaths": deaths.collect::<Vec<_>>(),
        "player": own,
    })
}

/// What he is called in a report.
pub(super) fn name_in(report: &Report, player: ActorId) -> Option<&str> {
    let key = player.to_hex();
    report.fight.players.iter().find(|held| held.player_key == key)?.name.as_deref()
}

/// What is known of an actor.
struct Known<'a> {
    id: ActorId,
    owner: Option<ActorIx>,
    is_monster: bool,
    is_player: bool,
    name: Option<&'a str>,
    monster_id: Option<i64>,
}

impl<'a> Known<'a> {
    fn of(entry: &ActorEntry) -> Self {
        let mut known = Self {
            id: entry.id,
            owner: entry.owner,
            is_monster: false,
            is_player: false,
            name: None,
            monster_id: None,
        };
        known.is(entry.kind);
        known
    }

    fn is(&mut self, kind: ActorKind) {
        self.is_monster |= kind == ActorKind::Monster;
        self.is_player |= kind == ActorKind::Player;
    }

    fn learn(&mut self, facts: &'a ActorFacts) {
        self.is(facts.kind.unwrap_or_default());
        self.name = facts.name.as_deref().or(self.name);
        self.monster_id = facts.monster_id.or(self.monster_id);
    }
}

/// Who did something, or whom it reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case", rename_all_fields = "camelCase")]
enum Who<'a> {
    You,
    YourSummon,
    Monster { name: Option<&'a str>, monster_id: Option<i64> },
    Another,
}

impl Who<'_> {
    fn is_own(self) -> bool {
        matches!(self, Self::You | Self::YourSummon)
    }
}

/// With what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Skill<'a> {
    id: i64,
    variant_id: Option<i64>,
    name: Option<&'a str>,
}

/// A line of the files.
#[derive(Serialize)]
#[serde(tag = "what", rename_all = "snake_case", rename_all_fields = "camelCase")]
enum Line<'a> {
    Facts {
        at_ms: u32,
        name: Option<&'a str>,
        class_id: Option<u16>,
        spec_id: Option<u16>,
        ability_score: Option<u32>,
        level: Option<u32>,
    },
    Cast {
        at_ms: u32,
        skill: Option<Skill<'a>>,
    },
    Death {
        at_ms: u32,
        by: Option<Who<'a>>,
        skill: Option<Skill<'a>>,
    },
    Revive {
        at_ms: u32,
    },
    Buff {
        at_ms: u32,
        buff_id: i64,
        until_ms: u32,
        stacks: u32,
    },
    Totals {
        at_ms: u32,
        by: Who<'a>,
        to: Who<'a>,
        kind: HitKind,
        skill: Option<Skill<'a>>,
        hits: u64,
        amount: u64,
        crit_hits: Option<u64>,
        lucky_hits: Option<u64>,
        shield: u64,
        overheal: u64,
    },
    Sums {
        at_ms: u32,
        taken: Option<PartSum>,
        to_bosses: Option<PartSum>,
    },
    Hit {
        at_ms: u32,
        by: Who<'a>,
        to: Who<'a>,
        kind: HitKind,
        skill: Option<Skill<'a>>,
        amount: u64,
        crit: Option<bool>,
        lucky: Option<bool>,
        blocked: bool,
        shield: u64,
        overheal: u64,
    },
}

/// What of a log is a player's own.
pub(super) struct OwnLog<'a> {
    log: &'a Log,
    /// By their places: who each actor is to him.
    who: Vec<Who<'a>>,
    /// Likewise.
    skills: Vec<Skill<'a>>,
    /// Whether critical and lucky hits of his are told.
    knows_crits: bool,
    /// The same of everybody.
    knows_all_crits: bool,
}

impl<'a> OwnLog<'a> {
    /// Of this player.
    pub(super) fn of(log: &'a Log, player: ActorId) -> Self {
        let content = &log.content;
        let mut actors: Vec<Known<'a>> = content.actors.iter().map(Known::of).collect();
        let skill = |id: &SkillId| Skill { id: id.base, variant_id: id.variant, name: None };
        let mut skills: Vec<Skill<'a>> = content.skills.iter().map(skill).collect();
        let mut local = None;
        for Rare { body, .. } in &content.rare {
            match body {
                RareBody::Actor(facts) => {
                    if let Some(known) = actors.get_mut(usize::from(facts.actor.0)) {
                        known.learn(facts);
                    }
                }
                RareBody::Skill { s, name } => {
                    if let Some(skill) = skills.get_mut(usize::from(s.0)) {
                        skill.name = Some(name.as_str());
                    }
                }
                RareBody::Header { local: told, .. } => local = told.or(local),
                _ => {}
            }
        }
        let who: Vec<_> = (0..actors.len()).map(|at| standing(&actors, at, player)).collect();
        let is_local = match local {
            Some(local) => actors.get(usize::from(local.0)).is_some_and(|known| known.id == player),
            None => log.header.local == Some(player),
        };
        let knows_all_crits = log.header.knows.crits == CritsKnown::All;
        let knows_crits = knows_all_crits || (log.header.knows.crits == CritsKnown::Local && is_local);
        Self { log, who, skills, knows_crits, knows_all_crits }
    }

    /// What he is called in it, in all that is told of him.
    pub(super) fn names(&self) -> BTreeSet<&'a str> {
        let log: &'a Log = self.log;
        let named = log.content.rare.iter().filter_map(|rare| match &rare.body {
            RareBody::Actor(facts) if self.who(facts.actor) == Who::You => facts.name.as_deref(),
            _ => None,
        });
        named.collect()
    }

    /// Gives its files, each by its number from 1: a line of JSON for each thing that happened.
    ///
    /// # Errors
    /// What the file's own way gives.
    pub(super) fn files<E: From<serde_json::Error>>(
        &self,
        mut file: impl FnMut(usize, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let content = &self.log.content;
        let rare = content.rare.iter().filter_map(|rare| self.rare(rare));
        let hits = content.hits.iter().filter_map(|hit| self.hit(hit));
        let mut lines: Vec<u8> = Vec::new();
        let (mut count, mut number) = (0, 1);
        for line in rare.chain(hits) {
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
            count += 1;
            if count == LINES_OF_FILE {
                file(number, &lines)?;
                lines.clear();
                (count, number) = (0, number + 1);
            }
        }
        if count > 0 { file(number, &lines) } else { Ok(()) }
    }

    fn who(&self, actor: ActorIx) -> Who<'a> {
        self.who.get(usize::from(actor.0)).copied().unwrap_or(Who::Another)
    }

    /// With what, where that is none of the others'.
    fn skill(&self, skill: SkillIx, by: Who<'a>) -> Option<Skill<'a>> {
        self.skills.get(usize::from(skill.0)).copied().filter(|_| by != Who::Another)
    }

    /// What is told of his own, or of everybody's.
    fn if_known<T>(&self, by: Who<'a>, value: T) -> Option<T> {
        (self.knows_all_crits || (self.knows_crits && by.is_own())).then_some(value)
    }

    fn hit(&self, TimedHit { at_ms, hit }: &TimedHit) -> Option<Line<'a>> {
        let (by, to) = (self.who(hit.source), self.who(hit.target));
        (by.is_own() || to.is_own()).then(|| Line::Hit {
            at_ms: *at_ms,
            by,
            to,
            kind: hit.kind,
            skill: self.skill(hit.skill, by),
            amount: hit.amount,
            crit: self.if_known(by, hit.flags.has(HitFlags::CRIT)),
            lucky: self.if_known(by, hit.flags.has(HitFlags::LUCKY)),
            blocked: hit.flags.has(HitFlags::BLOCKED),
            shield: hit.shield,
            overheal: hit.overheal,
        })
    }

    fn rare(&self, Rare { at_ms, body, .. }: &'a Rare) -> Option<Line<'a>> {
        let (at_ms, is_he) = (*at_ms, |actor: &ActorIx| self.who(*actor) == Who::You);
        match body {
            RareBody::Actor(facts) if is_he(&facts.actor) => Some(Line::Facts {
                at_ms,
                name: facts.name.as_deref(),
                class_id: facts.class_id,
                spec_id: facts.spec_id,
                ability_score: facts.ability_score,
                level: facts.level,
            }),
            RareBody::Cast { a, s } if self.who(*a).is_own() => {
                Some(Line::Cast { at_ms, skill: self.skill(*s, self.who(*a)) })
            }
            RareBody::Death { a, by, s } if is_he(a) => {
                let by = by.map(|by| self.who(by));
                // By whom is not told: what it was done with is told of nobody then.
                let skill = by.zip(*s).and_then(|(by, s)| self.skill(s, by));
                Some(Line::Death { at_ms, by, skill })
            }
            RareBody::Revive { a } if is_he(a) => Some(Line::Revive { at_ms }),
            RareBody::Buff { a, buff, until, stacks } if is_he(a) => {
                Some(Line::Buff { at_ms, buff_id: *buff, until_ms: *until, stacks: *stacks })
            }
            RareBody::Totals { a, on, s, kind, hits, amount, crit, lucky, shield, overheal, .. } => {
                let (by, to) = (self.who(*a), self.who(*on));
                (by.is_own() || to.is_own()).then(|| Line::Totals {
                    at_ms,
                    by,
                    to,
                    kind: *kind,
                    skill: self.skill(*s, by),
                    hits: *hits,
                    amount: *amount,
                    crit_hits: self.if_known(by, *crit),
                    lucky_hits: self.if_known(by, *lucky),
                    shield: *shield,
                    overheal: *overheal,
                })
            }
            RareBody::Sums { a, taken, to_bosses } if is_he(a) => {
                Some(Line::Sums { at_ms, taken: *taken, to_bosses: *to_bosses })
            }
            _ => None,
        }
    }
}

/// Who an actor is to a player.
fn standing<'a>(actors: &[Known<'a>], at: usize, player: ActorId) -> Who<'a> {
    let Some(first) = actors.get(at) else { return Who::Another };
    if first.id == player {
        return Who::You;
    }
    let (mut known, mut are_monsters) = (first, true);
    for _ in 0..OWNERS_MAX {
        are_monsters &= known.is_monster && !known.is_player;
        let Some(owner) = known.owner else {
            let monster = Who::Monster { name: first.name, monster_id: first.monster_id };
            return if are_monsters { monster } else { Who::Another };
        };
        let Some(owner) = actors.get(usize::from(owner.0)) else { return Who::Another };
        if owner.id == player {
            return Who::YourSummon;
        }
        known = owner;
    }
    Who::Another
}

#[cfg(test)]
mod tests {
    use raidcast_shared::columns::own_columns;
    use raidcast_shared::event::{Hit, Knows, SourceKey};
    use raidcast_shared::uplink::Header;

    use super::*;

    /// The one whose archive it is.
    const YOU: u64 = 1;
    /// Another player, a monster, one of whom nobody says what it is, one's own summon and the other player's.
    const NAMES: [&str; 6] = ["Aeris", "Böreas", "Kartgriff", "Mörderin", "Wölfchen", "Bärchen"];

    fn log() -> Log {
        let header = Header {
            started_at_ms: 0,
            scene_id: None,
            scene: None,
            difficulty: None,
            local: Some(ActorId::clear(YOU)),
            knows: Knows::default(),
            cols: own_columns(),
        };
        let kinds = [
            (ActorKind::Player, None),
            (ActorKind::Player, None),
            (ActorKind::Monster, None),
            (ActorKind::Unknown, None),
            (ActorKind::Monster, Some(ActorIx(0))),
            (ActorKind::Monster, Some(ActorIx(1))),
        ];
        let mut log = Log::new(header);
        let entries = kinds.into_iter().zip(1..);
        log.content.actors =
            entries.map(|((kind, owner), id)| ActorEntry { id: ActorId::clear(id), kind, owner }).collect();
        log.content.skills = vec![SkillId { base: 7, variant: None }, SkillId { base: 8, variant: Some(80) }];
        let rare = |body: RareBody| Rare { at_ms: 5, key: SourceKey::new(0, 0), body };
        let facts = NAMES.iter().zip(0..).map(|(name, at)| {
            rare(RareBody::Actor(ActorFacts { name: Some((*name).to_owned()), ..ActorFacts::of(ActorIx(at)) }))
        });
        log.content.rare = facts.collect();
        log.content.rare.extend([
            rare(RareBody::Skill { s: SkillIx(1), name: "Bärentatze".into() }),
            rare(RareBody::Death { a: ActorIx(0), by: Some(ActorIx(3)), s: Some(SkillIx(1)) }),
            rare(RareBody::Death { a: ActorIx(0), by: Some(ActorIx(2)), s: Some(SkillIx(0)) }),
            rare(RareBody::Death { a: ActorIx(1), by: Some(ActorIx(0)), s: Some(SkillIx(0)) }),
        ]);
        let hit = |source, target, skill, flags| TimedHit {
            at_ms: 10,
            hit: Hit {
                source: ActorIx(source),
                target: ActorIx(target),
                skill: SkillIx(skill),
                kind: HitKind::Damage,
                amount: 100,
                flags: HitFlags(flags),
                shield: 0,
                overheal: 0,
            },
        };
        log.content.hits = vec![
            hit(0, 2, 0, HitFlags::CRIT),
            hit(1, 2, 1, 0),
            hit(4, 2, 0, 0),
            hit(5, 0, 1, 0),
            hit(2, 0, 0, 0),
            hit(2, 1, 0, 0),
        ];
        log
    }

    fn lines(log: &Log) -> (String, Vec<Value>) {
        let mut text = String::new();
        let own = OwnLog::of(log, ActorId::clear(YOU));
        let files = own.files(|number, bytes| {
            assert_eq!(number, 1);
            text.push_str(std::str::from_utf8(bytes).unwrap());
            Ok::<_, serde_json::Error>(())
        });
        files.unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (text, lines)
    }

    #[test]
    fn what_one_did_and_what_reached_one_is_told_and_nobody_else_is() {
        let log = log();
        let (text, lines) = lines(&log);
        for (at, name) in NAMES.iter().enumerate() {
            assert_eq!(text.contains(name), at == 0 || at == 2, "{name}: {text}");
        }
        // What another did it with says of which class he is.
        assert!(!text.contains("Bärentatze") && !text.contains("80"), "{text}");
        let of = |what: &str| lines.iter().filter(|line| line["what"] == what).collect::<Vec<_>>();
        assert_eq!((of("facts").len(), of("death").len(), of("hit").len()), (1, 2, 4));
        assert_eq!(of("death")[0]["by"], json!({"is": "another"}));
        assert_eq!(of("death")[0]["skill"], Value::Null);
        assert_eq!(of("death")[1]["by"], json!({"is": "monster", "name": "Kartgriff", "monsterId": null}));
        let hits = of("hit");
        assert_eq!((&hits[0]["by"]["is"], &hits[0]["crit"]), (&json!("you"), &json!(true)));
        assert_eq!(hits[0]["skill"], json!({"id": 7, "variantId": null, "name": null}));
        assert_eq!(hits[1]["by"]["is"], "your_summon");
        assert_eq!((&hits[2]["by"]["is"], &hits[2]["to"]["is"]), (&json!("another"), &json!("you")));
        assert_eq!((&hits[3]["by"]["name"], &hits[3]["crit"]), (&json!("Kartgriff"), &Value::Null));
        assert_eq!(OwnLog::of(&log, ActorId::clear(YOU)).names(), BTreeSet::from(["Aeris"]));
    }

    #[test]
    fn many_lines_are_several_files() {
        let mut log = log();
        let hit = log.content.hits[0];
        log.content.hits = vec![hit; LINES_OF_FILE + 1];
        log.content.rare.clear();
        let mut files = Vec::new();
        let own = OwnLog::of(&log, ActorId::clear(YOU));
        let told = own.files(|number, bytes| {
            files.push((number, std::str::from_utf8(bytes).unwrap().lines().count()));
            Ok::<_, serde_json::Error>(())
        });
        told.unwrap();
        assert_eq!(files, [(1, LINES_OF_FILE), (2, 1)]);
    }
}
