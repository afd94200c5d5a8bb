//! An encounter as this form tells it: players, of each their skills, of each the hits.
//!
//! It is read in two walks: the first goes over the text, and notes the fields and the hits as they come; the second goes
//! over what was noted, in the order of the checksum, and tells what is wrong. What the first finds odd about hits it
//! leaves to the second.
//!
//! One invariant: what is read here is all that was sent, or something is wrong with it; nothing is cut.

use std::convert::Infallible;
use std::ops::RangeInclusive;

use raidcast_shared::event::{HitFlags, HitKind};
use raidcast_shared::limits as l;
use raidcast_shared::upload_checksum::Sum;
use serde::Serialize;

use super::cursor::{Cursor, NotJson};
use super::fault::{Faults, Path};
use super::object::{Fields, List, Met, Object};
use super::plain::PlainHit;
use super::value::{AMOUNTS, refuse, truth, whole_in};
use crate::limits as own;

/// The uploader's own number of a fight, as it was sent. It is given back, and identifies nothing: meters number their
/// fights anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ClientId {
    /// Sent as a number.
    Number(i64),
    /// Sent as text.
    Digits(String),
}

/// An encounter that was read.
#[derive(Debug)]
pub(super) struct Encounter {
    pub(super) client_id: ClientId,
    /// The same as a number.
    pub(super) number: i64,
    /// Unix ms.
    pub(super) started_at_ms: i64,
    /// Unix ms.
    pub(super) ended_at_ms: Option<i64>,
    pub(super) duration_ms: Option<i64>,
    /// Damage and healing, as the meter sums them up.
    pub(super) totals: [Option<u64>; 2],
    pub(super) scene_id: Option<i64>,
    pub(super) scene: Option<String>,
    pub(super) bosses: Vec<Boss>,
    pub(super) players: Vec<Player>,
    pub(super) meter_version: Option<String>,
    pub(super) local: Option<u64>,
    /// 64 lower-case hexadecimal digits.
    pub(super) checksum: Option<String>,
}

#[derive(Debug)]
pub(super) struct Boss {
    pub(super) name: String,
    pub(super) damage: Option<u64>,
    pub(super) hits: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Player {
    pub(super) id: i64,
    pub(super) name: Option<String>,
    pub(super) class_id: Option<u16>,
    /// As Resonance Logs numbers specs.
    pub(super) spec: Option<u16>,
    pub(super) ability_score: Option<u32>,
    pub(super) level: Option<u32>,
    pub(super) damage: Told,
    pub(super) healing: Told,
    pub(super) taken: Option<u64>,
    pub(super) to_bosses: Option<u64>,
    /// Which part of the hits was critical or lucky; 0 to 1.
    pub(super) rates: [Option<f64>; 2],
    pub(super) skills: Vec<Skill>,
}

/// Sums, each as far as it is told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) hits: Option<u64>,
    pub(super) amount: Option<u64>,
    pub(super) crit: Option<u64>,
    pub(super) lucky: Option<u64>,
}

impl Told {
    /// Whether there is anything in it.
    pub(super) fn is_any(self) -> bool {
        [self.hits, self.amount].into_iter().flatten().any(|sum| sum > 0)
    }
}

#[derive(Debug)]
pub(super) struct Skill {
    pub(super) kind: HitKind,
    pub(super) id: i64,
    pub(super) name: Option<String>,
    pub(super) told: Told,
    pub(super) timeline: Vec<Entry>,
}

/// A hit; 24 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) amount: u64,
    pub(super) shield: u64,
    /// Ms since the encounter began.
    pub(super) at_ms: u32,
    pub(super) flags: HitFlags,
}

const ENCOUNTER: [&str; 14] = [
    "schemaVersion",
    "encounterId",
    "startedAtMs",
    "endedAtMs",
    "durationMs",
    "totalDamage",
    "totalHeal",
    "bosses",
    "players",
    "meterVersion",
    "localPlayerUid",
    "checksum",
    "sceneId",
    "sceneName",
];
const BOSS: [&str; 3] = ["name", "totalDamage", "hits"];
const PLAYER: [&str; 20] = [
    "actorId",
    "name",
    "classId",
    "classSpec",
    "abilityScore",
    "level",
    "damageDealt",
    "healDealt",
    "damageTaken",
    "bossDamageDealt",
    "hitsDealt",
    "hitsHeal",
    "critHitsDealt",
    "luckyHitsDealt",
    "dps",
    "hps",
    "critRate",
    "luckyRate",
    "damageSkills",
    "healSkills",
];
const SKILL: [&str; 9] =
    ["skillId", "skillName", "totalValue", "hits", "critHits", "luckyHits", "critTotal", "luckyTotal", "timeline"];
const ENTRY: [&str; 6] = ["timestampMs", "value", "isCrit", "isLucky", "hpLoss", "shieldLoss"];

/// Of each kind of object.
#[cfg(test)]
pub(crate) const FIELDS: [&[&str]; 5] = [&ENCOUNTER, &BOSS, &PLAYER, &SKILL, &ENTRY];

type EncounterFields<'a> = Fields<'a, PlayerFields<'a>, { ENCOUNTER.len() }>;
type PlayerFields<'a> = Fields<'a, SkillFields<'a>, { PLAYER.len() }>;
type SkillFields<'a> = Fields<'a, Hit, { SKILL.len() }>;
type HitFields<'a> = Fields<'a, Infallible, { ENTRY.len() }>;
type BossFields<'a> = Fields<'a, Infallible, { BOSS.len() }>;

type EncounterObject<'a, 'p> = Object<'a, 'p, PlayerFields<'a>, { ENCOUNTER.len() }>;
type PlayerObject<'a, 'p> = Object<'a, 'p, SkillFields<'a>, { PLAYER.len() }>;
type SkillObject<'a, 'p> = Object<'a, 'p, Hit, { SKILL.len() }>;
type EntryObject<'a, 'p> = Object<'a, 'p, Infallible, { ENTRY.len() }>;

impl<'a> Met<'a> for PlayerFields<'a> {
    const MAX: usize = l::PLAYERS_MAX;

    fn meet(cursor: &mut Cursor<'a>) -> Result<Option<Self>, NotJson> {
        Self::pass(cursor, &PLAYER, &["damageSkills", "healSkills"])
    }
}

impl<'a> Met<'a> for SkillFields<'a> {
    const MAX: usize = own::SKILLS_AT_ONCE;

    fn meet(cursor: &mut Cursor<'a>) -> Result<Option<Self>, NotJson> {
        Self::pass(cursor, &SKILL, &["timeline"])
    }
}

/// A hit as it was sent; 40 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hit {
    time: i64,
    amount: i64,
    hp: Figure,
    shield: Figure,
    crit: Option<bool>,
    lucky: Option<bool>,
}

/// An amount, or below 0 that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Figure(i64);

impl Figure {
    fn of(amount: Option<i64>) -> Self {
        Self(amount.unwrap_or(-1))
    }

    fn get(self) -> Option<i64> {
        Some(self.0).filter(|amount| *amount >= 0)
    }
}

/// What the time of a hit may be: below 0 it is before the begin, by an offset.
const TIMES: RangeInclusive<i64> = -own::EARLY_MS_MAX..=own::DATE_MS_MAX;

impl<'a> Met<'a> for Hit {
    const MAX: usize = own::TIMELINE_MAX;

    fn meet(cursor: &mut Cursor<'a>) -> Result<Option<Self>, NotJson> {
        if let Some(PlainHit { time, amount, crit, lucky, hp, shield }) = PlainHit::pass(cursor) {
            let [hp, shield] = [hp, shield].map(Figure::of);
            return Ok(time.zip(amount).map(|(time, amount)| Self { time, amount, hp, shield, crit, lucky }));
        }
        Self::look(cursor)
    }
}

impl Hit {
    /// Reads one however it is spelt.
    fn look(cursor: &mut Cursor<'_>) -> Result<Option<Self>, NotJson> {
        let fields = HitFields::pass(cursor, &ENTRY, &[])?;
        Ok(fields.and_then(|fields| Self::of(fields.values()?)))
    }

    /// `None` if there is anything that is not as it must be.
    fn of([time, amount, crit, lucky, hp, shield]: [Option<&str>; ENTRY.len()]) -> Option<Self> {
        let figure = |text: Option<&str>| match text {
            Some(text) => whole_in(text, &AMOUNTS).map(Figure),
            None => Some(Figure::of(None)),
        };
        let flag = |text: Option<&str>| match text {
            Some(text) => truth(text).map(Some),
            None => Some(None),
        };
        Some(Self {
            time: whole_in(time?, &TIMES)?,
            amount: whole_in(amount?, &AMOUNTS)?,
            hp: figure(hp)?,
            shield: figure(shield)?,
            crit: flag(crit)?,
            lucky: flag(lucky)?,
        })
    }
}

/// An entry of a timeline.
enum Sent<'a> {
    /// As it must be.
    Hit(Hit),
    Odd(HitFields<'a>),
}

impl From<Hit> for Sent<'_> {
    fn from(hit: Hit) -> Self {
        Self::Hit(hit)
    }
}

/// An encounter of which nothing was told yet.
pub(super) struct Head<'a>(EncounterObject<'a, 'static>);

impl<'a> Head<'a> {
    pub(super) fn of(text: &'a str, other: Option<&str>, faults: &mut Faults) -> Option<Self> {
        let mut cursor = Cursor::new(text);
        let fields = EncounterFields::pass_without(&mut cursor, &ENCOUNTER, &["players"], other);
        let Some(fields) = fields.ok().flatten().filter(|_| cursor.peek().is_none()) else {
            faults.add(&Path::Whole, "must be an object");
            return None;
        };
        Some(Self(Object::new(fields, &ENCOUNTER, Path::Whole, faults)))
    }

    /// By which version of this form it is told.
    pub(super) fn schema_version(&self, faults: &mut Faults) -> i64 {
        self.0.integer("schemaVersion", 1..=i64::MAX, faults).unwrap_or(own::SCHEMA_VERSION)
    }

    /// Reads all of it, and what its checksum is made of; `None` where something is wrong that nothing goes on without.
    pub(super) fn read(mut self, sum: &mut Sum, faults: &mut Faults) -> Option<Encounter> {
        let met = self.0.met("players");
        let Self(head) = &self;
        for name in ["encounterId", "startedAtMs", "players"] {
            head.need(name, faults);
        }
        let client_id = head.id("encounterId", faults);
        let started_at_ms = self.date("startedAtMs", faults);
        let ended_at_ms = self.date("endedAtMs", faults);
        if ended_at_ms.is_some_and(|ended| started_at_ms.is_some_and(|started| ended < started)) {
            faults.add(&head.path.field("endedAtMs"), "must not be before startedAtMs");
        }
        let duration_ms = head.integer("durationMs", 1..=l::ENCOUNTER_DURATION_MS_MAX.into(), faults);
        let totals = ["totalDamage", "totalHeal"].map(|name| head.amount(name, faults));
        let local = head.id("localPlayerUid", faults).map(|(id, _)| id);
        let number = client_id.as_ref().map(|(number, _)| *number);
        sum.line('E', [number, started_at_ms, ended_at_ms, duration_ms, totals[0], totals[1], local]);
        let bosses = read_bosses(head, sum, faults);
        let players = read_players(head, met, started_at_ms, sum, faults);
        let (number, text) = client_id?;
        Some(Encounter {
            client_id: text.map_or(ClientId::Number(number), ClientId::Digits),
            number,
            started_at_ms: started_at_ms?,
            ended_at_ms,
            duration_ms,
            totals: totals.map(unsigned),
            scene_id: head.integer("sceneId", i64::MIN..=i64::MAX, faults).filter(|scene| *scene > 0),
            scene: head.text("sceneName", l::NAME_CHARS_MAX, faults),
            bosses,
            players,
            meter_version: head.text("meterVersion", l::AGENT_CHARS_MAX, faults),
            local: unsigned(local).filter(|local| *local > 0),
            checksum: checksum(head, faults),
        })
    }

    fn date(&self, name: &'static str, faults: &mut Faults) -> Option<i64> {
        let Self(head) = self;
        let text = head.value(name)?;
        let mut unheard = Faults::default();
        let date = head.integer(name, own::UNIX_MS_MIN..=own::DATE_MS_MAX, &mut unheard);
        if date.is_none() {
            head.refuse(name, "must be a time in Unix milliseconds, as 1790000000000 is", text, faults);
        }
        date
    }
}

fn unsigned(number: Option<i64>) -> Option<u64> {
    number.and_then(|number| u64::try_from(number).ok())
}

fn checksum(head: &EncounterObject<'_, '_>, faults: &mut Faults) -> Option<String> {
    let text = head.value("checksum")?;
    let digits = text.trim_matches('"');
    if text.len() == digits.len() + 2 && digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Some(digits.to_ascii_lowercase());
    }
    head.refuse("checksum", "must be the 64 hexadecimal digits of a SHA-256, as text", text, faults);
    None
}

fn read_bosses<'a>(head: &EncounterObject<'a, '_>, sum: &mut Sum, faults: &mut Faults) -> Vec<Boss> {
    let mut bosses = Vec::new();
    let look = |cursor: &mut Cursor<'a>| BossFields::pass(cursor, &BOSS, &[]);
    head.each("bosses", own::BOSSES_MAX, None::<List<'a, BossFields<'a>>>, look, faults, |boss, path, faults| {
        let boss = Object::new(boss, &BOSS, path, faults);
        let [damage, hits] = ["totalDamage", "hits"].map(|name| boss.amount(name, faults));
        sum.line('B', [damage, hits]);
        let before = faults.count;
        let name = boss.text("name", l::NAME_CHARS_MAX, faults);
        if name.is_none() && faults.count == before && boss.value("name").is_none() {
            faults.add(&boss.path.field("name"), "is missing");
        }
        // One of whose name nothing is left is a boss all the same.
        let name = name.or_else(|| boss.value("name").map(|_| String::new()));
        bosses.extend(name.map(|name| Boss { name, damage: unsigned(damage), hits: unsigned(hits) }));
    });
    bosses
}

fn read_players<'a>(
    head: &EncounterObject<'a, '_>,
    met: Option<List<'a, PlayerFields<'a>>>,
    started_at_ms: Option<i64>,
    sum: &mut Sum,
    faults: &mut Faults,
) -> Vec<Player> {
    let mut players: Vec<Player> = Vec::new();
    let mut skills = 0;
    head.each("players", l::PLAYERS_MAX, met, PlayerFields::meet, faults, |told, path, faults| {
        let told = Object::new(told, &PLAYER, path, faults);
        let player = read_player(told, started_at_ms, &mut skills, sum, faults);
        match player {
            Some(player) if players.iter().any(|other| other.id == player.id) => {
                faults.add(&path.field("actorId"), "another player has the same");
            }
            player => players.extend(player),
        }
    });
    if skills > l::ENCOUNTER_ROWS_MAX {
        let (path, max) = (head.path.field("players"), l::ENCOUNTER_ROWS_MAX);
        faults.add(&path, format_args!("at most {max} skills of all players together, got {skills}"));
    }
    players
}

fn read_player(
    mut told: PlayerObject<'_, '_>,
    started_at_ms: Option<i64>,
    skills_read: &mut usize,
    sum: &mut Sum,
    faults: &mut Faults,
) -> Option<Player> {
    told.need("actorId", faults);
    let id = told.id("actorId", faults).map(|(id, _)| id);
    if id == Some(0) {
        faults.add(&told.path.field("actorId"), "0 is nobody");
    }
    let mut fact = |name, max: u32| told.integer(name, 0..=max.into(), faults);
    let facts = [
        fact("classId", u16::MAX.into()),
        fact("classSpec", u16::MAX.into()),
        fact("abilityScore", u32::MAX),
        fact("level", u32::MAX),
    ];
    let names = ["damageDealt", "healDealt", "damageTaken", "bossDamageDealt"];
    let amounts = names.map(|name| told.amount(name, faults));
    let names = ["hitsDealt", "hitsHeal", "critHitsDealt", "luckyHitsDealt"];
    let counts = names.map(|name| told.amount(name, faults));
    sum.line('P', [id].into_iter().chain(facts).chain(amounts).chain(counts));
    for name in ["dps", "hps"] {
        told.fraction(name, f64::MIN..=f64::MAX, "must be a number", faults);
    }
    let rates = ["critRate", "luckyRate"].map(|name| {
        let rate = told.fraction(name, 0.0..=100.0, "must be from 0 to 1, or up to 100 as a percentage", faults)?;
        Some(if rate > 1.0 { rate / 100.0 } else { rate })
    });
    let name = told.text("name", l::NAME_CHARS_MAX, faults);
    let mut skills = Vec::new();
    for (list, kind) in [("damageSkills", HitKind::Damage), ("healSkills", HitKind::Heal)] {
        let met = told.met(list);
        told.each(list, usize::MAX, met, SkillFields::meet, faults, |skill, path, faults| {
            let skill = Object::new(skill, &SKILL, path, faults);
            *skills_read += 1;
            if *skills_read <= l::ENCOUNTER_ROWS_MAX {
                skills.extend(read_skill(skill, kind, started_at_ms, sum, faults));
            }
        });
    }
    let [amount, healed, taken, to_bosses] = amounts.map(unsigned);
    let [hits, heals, crit, lucky] = counts.map(unsigned);
    let [class_id, spec, ability_score, level] = facts;
    Some(Player {
        id: id?,
        name,
        class_id: known(class_id),
        spec: known(spec),
        ability_score: known(ability_score),
        level: known(level),
        damage: Told { hits, amount, crit, lucky },
        healing: Told { hits: heals, amount: healed, crit: None, lucky: None },
        taken,
        to_bosses,
        rates,
        skills,
    })
}

/// Meters write 0 for what they do not know of somebody.
fn known<T: TryFrom<i64>>(fact: Option<i64>) -> Option<T> {
    fact.filter(|fact| *fact > 0).and_then(|fact| fact.try_into().ok())
}

fn read_skill<'a>(
    mut skill: SkillObject<'a, '_>,
    kind: HitKind,
    started_at_ms: Option<i64>,
    sum: &mut Sum,
    faults: &mut Faults,
) -> Option<Skill> {
    skill.need("skillId", faults);
    let id = skill.id("skillId", faults).map(|(id, _)| id);
    let names = ["totalValue", "hits", "critHits", "luckyHits", "critTotal", "luckyTotal"];
    let [amount, hits, crit, lucky, crit_total, lucky_total] = names.map(|name| skill.amount(name, faults));
    let letter = if kind == HitKind::Damage { 'D' } else { 'H' };
    sum.line(letter, [id, amount, hits, crit, lucky, crit_total, lucky_total]);
    let name = skill.text("skillName", l::NAME_CHARS_MAX, faults);
    let mut timeline = Vec::new();
    let met = skill.met("timeline");
    let look = |cursor: &mut Cursor<'a>| Ok(HitFields::pass(cursor, &ENTRY, &[])?.map(Sent::Odd));
    let has_timeline = skill.each("timeline", own::TIMELINE_MAX, met, look, faults, |entry, path, faults| {
        let hit = match entry {
            Sent::Hit(hit) => Some(hit),
            Sent::Odd(fields) => read_hit(&Object::new(fields, &ENTRY, path, faults), faults),
        };
        timeline.extend(hit.and_then(|hit| read_entry(hit, &path, started_at_ms, sum, faults)));
    });
    if !has_timeline {
        // Nothing else tells them.
        skill.need("totalValue", faults);
        skill.need("hits", faults);
    }
    let [amount, hits, crit, lucky] = [amount, hits, crit, lucky].map(unsigned);
    Some(Skill { kind, id: id?, name, told: Told { hits, amount, crit, lucky }, timeline })
}

/// Tells all that is wrong with a hit; `None` where something is missing that nothing goes on without.
fn read_hit(entry: &EntryObject<'_, '_>, faults: &mut Faults) -> Option<Hit> {
    entry.need("timestampMs", faults);
    entry.need("value", faults);
    let time = entry.integer("timestampMs", TIMES, faults);
    let amount = entry.amount("value", faults);
    let [crit, lucky] = ["isCrit", "isLucky"].map(|name| entry.truth(name, faults));
    let [hp, shield] = ["hpLoss", "shieldLoss"].map(|name| Figure::of(entry.amount(name, faults)));
    Some(Hit { time: time?, amount: amount?, hp, shield, crit, lucky })
}

fn read_entry(
    hit: Hit,
    path: &Path<'_>,
    started_at_ms: Option<i64>,
    sum: &mut Sum,
    faults: &mut Faults,
) -> Option<Entry> {
    let Hit { time, amount, hp, shield, crit, lucky } = hit;
    let [hp, shield] = [hp, shield].map(Figure::get);
    sum.line('T', [Some(time), Some(amount), crit.map(i64::from), lucky.map(i64::from), hp, shield]);
    let (amount, started_at_ms) = (u64::try_from(amount).ok()?, started_at_ms?);
    let since_begin = if time < own::UNIX_MS_MIN { time } else { time - started_at_ms };
    let at_ms = u32::try_from(since_begin.max(0)).unwrap_or(u32::MAX);
    if since_begin < -own::EARLY_MS_MAX || at_ms > l::ENCOUNTER_DURATION_MS_MAX {
        let max = l::ENCOUNTER_DURATION_MS_MAX;
        let what = format!("must be within {max} ms of startedAtMs, in Unix milliseconds or as an offset from it");
        refuse(&path.field("timestampMs"), &what, &time.to_string(), faults);
        return None;
    }
    let flags = HitFlags::default()
        .with(HitFlags::CRIT, crit.unwrap_or_default())
        .with(HitFlags::LUCKY, lucky.unwrap_or_default());
    Some(Entry { amount, shield: unsigned(shield).unwrap_or(0).min(amount), at_ms, flags })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a field may be spelt, and one that is left out.
    const NAMES: [&str; 9] =
        ["timestampMs", "value", "isCrit", "isLucky", "hpLoss", "shieldLoss", "timestamp_ms", "x", ""];
    const VALUES: [&str; 22] = [
        "0",
        "7",
        "12345",
        "007",
        "-1",
        "1.0",
        "1e3",
        "true",
        "false",
        "null",
        "nulll",
        "\"5\"",
        "9007199254740991",
        "9007199254740992",
        "999999999999999999",
        "9999999999999999999999",
        "[1]",
        "",
        "tru",
        "4102444800000",
        "1 ",
        "1  ",
    ];

    #[test]
    fn what_is_read_at_one_go_is_what_a_closer_look_reads() {
        // Every sentence of a small grammar is too many: some hundred thousand of them, drawn by a fixed rule.
        let (mut seed, mut quick) = (815_u64, 0);
        let mut draw = |n: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % n
        };
        for _ in 0..200_000 {
            let is_usual = draw(4) > 0;
            let mut fields = Vec::new();
            for usual in NAMES.iter().take(6) {
                let name = if is_usual || draw(3) > 0 { usual } else { NAMES[draw(NAMES.len())] };
                let value = if is_usual { VALUES[[1, 2, 7, 8, 9, 12][draw(6)]] } else { VALUES[draw(VALUES.len())] };
                if !name.is_empty() && draw(9) > 0 {
                    fields.push(format!("\"{name}\":{}{value}", ["", " ", "\n "][draw(if is_usual { 2 } else { 3 })]));
                }
            }
            let comma = [",", ", ", " ,"][draw(if is_usual { 2 } else { 3 })];
            let text = format!("{{{}}}{}", fields.join(comma), [",", "]", " x", ""][draw(4)]);
            let (mut at_once, mut close) = (Cursor::new(&text), Cursor::new(&text));
            let Some(hit) = PlainHit::pass(&mut at_once) else { continue };
            quick += 1;
            let looked = Hit::look(&mut close);
            let PlainHit { time, amount, crit, lucky, hp, shield } = hit;
            let [hp, shield] = [hp, shield].map(Figure::of);
            let hit = time.zip(amount).map(|(time, amount)| Hit { time, amount, hp, shield, crit, lucky });
            assert_eq!(hit, looked.unwrap_or_else(|_| panic!("no JSON: {text}")), "{text}");
            assert_eq!(at_once.rest(), close.rest(), "{text}");
        }
        assert!(quick > 5_000, "{quick}");
    }

    #[test]
    fn a_time_before_the_begin_is_left_to_the_closer_look() {
        for (time, read) in [("-50", Some(-50)), ("-6e5", Some(-600_000)), ("-600001", None)] {
            let text = format!("{{\"timestampMs\":{time},\"value\":7}}");
            assert!(PlainHit::pass(&mut Cursor::new(&text)).is_none(), "{text}");
            let hit = Hit::look(&mut Cursor::new(&text)).ok().flatten();
            assert_eq!(hit.map(|hit| hit.time), read, "{text}");
        }
    }
}
