//! Who played what with whom, and the rows of it.

use std::collections::{BTreeMap, HashSet};

use raidcast_shared::game::CLASSES;
use uuid::Uuid;

use super::entry::Entry;
use super::numbers::Numbers;
use super::table::{Cell, Table};
use crate::search::{NameRow, PartRow, SearchColumns, SearchRows, TermRow, player_rows};
use crate::{Derived, DerivedBoss, DerivedPlayer, SearchKey, SearchOrder};

/// The time of the first encounter, Unix ms.
pub(super) const FIRST_MS: i64 = 1_720_000_000_000;
/// And of the last, two years later.
pub(super) const LAST_MS: i64 = FIRST_MS + 730 * 86_400_000;
/// Encounters of one raid.
const RAID_ENCOUNTERS: i64 = 12;
/// Members of a group, of which some are in each fight.
const GROUP_MEMBERS: usize = 24;
pub(super) const BOSSES: [&str; 12] = [
    "Tempest Ogre",
    "Frost Ogre",
    "Igoreus",
    "Muku King",
    "Golden Juggernaut",
    "Storm Goblin King",
    "Brigand Leader",
    "Venobzzar Incubator",
    "Inferno Ogre",
    "Celestial Flier",
    "巨龙",
    "Lizardman King",
];
/// All bosses: those of [`BOSSES`], and as many with each of these before the name.
pub(super) const RANKS: [&str; 4] = ["", "Elder ", "Void ", "Mourning "];
pub(super) const SCENES: [&str; 16] = [
    "Tower of Ruin",
    "Goblin Lair",
    "Mistveil Forest",
    "Dragon Shackled Land",
    "Kanamia Trial",
    "Ancient City",
    "Dark Mist Fortress",
    "Tina's Mindrealm",
    "Unstable Space",
    "Abyssal Arena",
    "Stormwatch",
    "Sunken Archive",
    "Crimson Foundry",
    "Hall of Echoes",
    "天空之城",
    "Moonlit Causeway",
];
const SYLLABLES: [&str; 40] = [
    "an", "bel", "cor", "da", "el", "fi", "gor", "ha", "is", "jo", "ka", "lu", "mi", "nor", "o", "pra", "qui", "ro",
    "sa", "ti", "ul", "va", "wen", "xa", "yo", "zed", "ar", "bri", "cy", "dra", "em", "fen", "gal", "hil", "ira",
    "jun", "kel", "lor", "mar", "nyx",
];
const SIGNS: [char; 48] = [
    '张', '王', '李', '赵', '刘', '陈', '杨', '黄', '周', '吴', '三', '四', '五', '风', '云', '雨', '雪', '月', '星',
    '龙', '虎', '剑', '心', '梦', '天', '地', '花', '木', '水', '火', 'さ', 'く', 'ら', 'ん', 'ぼ', 'み', 'な', 'と',
    'は', 'る', 'ア', 'イ', 'リ', 'ス', 'ノ', 'ア', 'ル', 'カ',
];

/// Somebody who plays.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) key: String,
    pub(super) name: String,
    class_id: i64,
    class_spec: i64,
}

/// An archive. It takes some hundred bytes of each player and name.
#[derive(Clone, Debug)]
pub struct Archive {
    encounters: i64,
    pub(super) persons: Vec<Person>,
    names: BTreeMap<i64, (NameRow, i64, i64)>,
    parts: BTreeMap<(i64, i64), PartRow>,
}

impl Archive {
    /// One of so many encounters, of a player for every twenty.
    pub fn new(encounters: i64) -> Self {
        let persons = (encounters as usize / 20).max(10 * GROUP_MEMBERS);
        let persons = (0..persons).map(person).collect();
        Self { encounters, persons, names: BTreeMap::new(), parts: BTreeMap::new() }
    }

    /// How many encounters.
    pub fn encounters(&self) -> i64 {
        self.encounters
    }

    pub(super) fn groups(&self) -> usize {
        self.persons.len() / (GROUP_MEMBERS / 2)
    }

    /// Members of groups overlap: half of each are of the next one, too.
    pub(super) fn member(&self, group: usize, at: usize) -> usize {
        (group * GROUP_MEMBERS / 2 + at) % self.persons.len()
    }

    /// Which group, and whether all may see it, is a raid's.
    fn raid(&self, raid: i64) -> (usize, i64) {
        let mut numbers = Numbers::new(raid as u64 ^ 0x5eed);
        let visibility = [0, 0, 0, 0, 0, 0, 0, 0, 1, 2][numbers.below(10)];
        (numbers.skewed(self.groups()), visibility)
    }

    fn entry(&self, row: i64) -> Entry {
        let mut numbers = Numbers::new(row as u64);
        let raid = 1 + (row - 1) / RAID_ENCOUNTERS;
        let (group, visibility) = self.raid(raid);
        let players = if numbers.below(3) == 0 { 20 } else { 5 + numbers.below(16) };
        let absent = numbers.below(GROUP_MEMBERS);
        let players: Vec<_> = (0..players)
            .map(|number| {
                let stranger = numbers.below(12) == 0;
                let who = match stranger {
                    true => numbers.below(self.persons.len()),
                    false => self.member(group, (absent + 1 + number) % GROUP_MEMBERS),
                };
                player(number as i64, &self.persons[who], &mut numbers)
            })
            .collect();
        let first = numbers.skewed(BOSSES.len() * RANKS.len());
        let bosses = [Some(first), (numbers.below(10) == 0).then(|| (first + 1) % BOSSES.len())];
        let is_trash = numbers.below(12) == 0;
        let bosses: Vec<_> = bosses.into_iter().flatten().filter(|_| !is_trash).map(boss_name).collect();
        let scene = (numbers.below(20) > 0).then(|| numbers.skewed(SCENES.len()));
        let duration_ms = 20_000 + numbers.skewed(900_000) as i64;
        let step = (LAST_MS - FIRST_MS) / self.encounters;
        let started_at_ms = FIRST_MS + row * step + numbers.below(step as usize + 60_000) as i64;
        let later = if numbers.below(5) == 0 { numbers.below(30 * 86_400_000) as i64 } else { 0 };
        let damage = duration_ms * (20 + numbers.skewed(900) as i64) * players.len() as i64 / 2;
        let columns = SearchColumns {
            visibility,
            names: 0,
            state: 2,
            started_at_ms,
            created_at_ms: started_at_ms + later,
            duration_ms,
            damage_ms: Some(duration_ms - numbers.below(5_000) as i64),
            outcome: [0, 0, 0, 1, 1, 1, 1, 2, 3, 4][numbers.below(10)],
            scene: scene.map(|scene| SCENES[scene].to_owned()),
            scene_id: scene.map(|scene| 6_000 + scene as i64),
            difficulty: (numbers.below(4) > 0).then(|| 1 + numbers.skewed(20) as i64),
            players: players.len() as i64,
            damage,
        };
        let bosses = (0..).zip(bosses).map(|(number, name)| boss(number, name, damage)).collect();
        Entry { row, raid, columns, derived: Derived { time: None, bosses, players, skills: Vec::new() } }
    }

    /// The rows that come first: accounts and raids.
    pub fn head(&self) -> Vec<Table> {
        let mut tables = [Table::accounts(), Table::raids()];
        for account in 1..=self.groups() as i64 {
            tables[0].push([account.into(), format!("account{account}").into(), format!("channel{account}").into()]);
        }
        for raid in 1..=1 + (self.encounters - 1) / RAID_ENCOUNTERS {
            let (group, visibility) = self.raid(raid);
            tables[1].push([
                raid.into(),
                Cell::Id(Uuid::from_u128(raid as u128)),
                (1 + group as i64).into(),
                format!("raid{raid}").into(),
                Cell::Bytes(vec![0; 32]),
                visibility.into(),
                FIRST_MS.into(),
                FIRST_MS.into(),
                true.into(),
            ]);
        }
        tables.into()
    }

    /// The rows of some encounters, counted from 1. Their names are gathered for [`Archive::tail`].
    pub fn part(&mut self, rows: impl Iterator<Item = i64>) -> Vec<Table> {
        let mut encounters = Table::encounters();
        let (mut bosses, mut players) = (Table::bosses(), Table::players());
        let mut terms = Table::search_terms();
        let nobody = HashSet::new();
        for row in rows {
            let entry = self.entry(row);
            let (group, _) = self.raid(entry.raid);
            encounters.push_encounter(&entry, 1 + group as i64);
            for boss in &entry.derived.bosses {
                bosses.push_boss(row, boss);
            }
            for player in player_rows(&entry.derived, &nobody) {
                players.push_player(row, &player);
            }
            let SearchRows { dps, terms: found_by, names, parts } =
                SearchRows::of(&entry.columns, &entry.derived, &nobody);
            let SearchColumns { started_at_ms, created_at_ms, duration_ms, .. } = entry.columns;
            for TermRow { term, listed, marks } in found_by {
                let orders = [started_at_ms, created_at_ms, duration_ms, dps].map(Cell::from);
                let [started, created, duration, dps] = orders;
                terms.push([row.into(), term.0.into(), listed.into(), started, created, duration, dps, marks.0.into()]);
            }
            for name in names {
                let listed = i64::from(name.listed);
                let (_, uses, of_listed) = self.names.entry(name.term.0).or_insert((name, 0, 0));
                *uses += 1;
                *of_listed += listed;
            }
            for part in parts {
                self.parts.insert((part.part, part.term.0), part);
            }
        }
        vec![encounters, bosses, players, terms]
    }

    /// The rows that come last: the names of all encounters whose rows were made, and their parts.
    pub fn tail(&self) -> Vec<Table> {
        let mut tables = [Table::names(), Table::parts()];
        for (name, uses, listed) in self.names.values() {
            tables[0].push([name.term.0.into(), name.name.clone().into(), (*uses).into(), (*listed).into()]);
        }
        for part in self.parts.values() {
            tables[1].push([part.part.into(), part.term.0.into()]);
        }
        tables.into()
    }

    /// The place of some encounter in an order.
    pub fn place(&self, order: SearchOrder, numbers: &mut Numbers) -> SearchKey {
        let encounter = 1 + numbers.below(self.encounters as usize) as i64;
        let entry = self.entry(encounter);
        let value = match order {
            SearchOrder::Started => entry.columns.started_at_ms,
            SearchOrder::Created => entry.columns.created_at_ms,
            SearchOrder::Duration => entry.columns.duration_ms,
            SearchOrder::Dps => SearchRows::of(&entry.columns, &entry.derived, &HashSet::new()).dps,
        };
        SearchKey { value, encounter }
    }
}

pub(super) fn boss_name(boss: usize) -> String {
    format!("{}{}", RANKS[boss / BOSSES.len()], BOSSES[boss % BOSSES.len()])
}

fn person(number: usize) -> Person {
    let mut numbers = Numbers::new(number as u64 ^ 0xface);
    let name = if numbers.below(3) == 0 {
        (0..2 + numbers.below(4)).map(|_| numbers.of(&SIGNS)).collect()
    } else {
        let all: String = (0..2 + numbers.below(3)).map(|_| numbers.of(&SYLLABLES)).collect();
        let digits = if numbers.below(6) == 0 { numbers.below(100).to_string() } else { String::new() };
        all[..1].to_uppercase() + &all[1..] + &digits
    };
    let (class_id, class_spec) = class_and_spec(&mut numbers);
    let key = format!("{:016x}", Numbers::new(number as u64).next());
    Person { key, name, class_id, class_spec }
}

/// A class of the game and one of its specs.
pub(super) fn class_and_spec(numbers: &mut Numbers) -> (i64, i64) {
    let class = &CLASSES[numbers.below(CLASSES.len())];
    (class.id.into(), numbers.of(&class.specs).into())
}

fn player(number: i64, person: &Person, numbers: &mut Numbers) -> DerivedPlayer {
    let other = numbers.below(10) == 0;
    let (class_id, class_spec) = if other { class_and_spec(numbers) } else { (person.class_id, person.class_spec) };
    let damage = 1_000_000 + numbers.skewed(90_000_000) as i64;
    DerivedPlayer {
        number,
        actor_id: person.key.clone(),
        name: (numbers.below(50) > 0).then(|| person.name.clone()),
        class_id: Some(class_id),
        class_spec: (numbers.below(5) > 0).then_some(class_spec),
        ability_score: Some(10_000 + numbers.below(30_000) as i64),
        level: Some(60),
        is_local: number == 0,
        damage_dealt: damage,
        boss_damage_dealt: Some(damage / 2),
        heal_dealt: damage / 5,
        damage_taken: Some(damage / 9),
        hits_dealt: damage / 5_000,
        hits_heal: damage / 20_000,
        crit_hits_dealt: None,
        lucky_hits_dealt: None,
        deaths: Some(numbers.below(3) as i64),
    }
}

fn boss(number: i64, name: String, damage: i64) -> DerivedBoss {
    DerivedBoss {
        number,
        boss_name: name,
        monster_id: Some(100),
        total_damage: damage / 2,
        hits: damage / 10_000,
        max_hp: Some(damage),
        defeated: Some(false),
    }
}
