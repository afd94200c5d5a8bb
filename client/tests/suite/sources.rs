//! Reading meter databases: real ones where they are at hand, and scripted ones in every state of growth and damage.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use raidcast::source::detect::{Places, identify};
use raidcast::source::names::Names;
use raidcast::source::{AnySource, Cursor, Fight, Source, SourceError, Unreadable, Unsupported};
use std::io::Read as _;

use raidcast_meterkit::fault::{self, SkillRow};
use raidcast_meterkit::summary::Layout;
use raidcast_meterkit::{Fight as Scripted, Generation, HitKind as ScriptedKind, MeterWriter, Script, write_all};
use raidcast_shared::event::{ActorFacts, ActorKind, AttemptReason, Event, HitFlags, HitKind, RareBody, SourceEvent};
use raidcast_shared::id::{ActorId, SkillId};
use raidcast_shared::uplink::{DamageBy, Outcome};

/// A real meter's database.
fn real(file: &str) -> PathBuf {
    raidcast_meterkit::beside().join("meters").join(file)
}

fn open(path: &Path) -> AnySource {
    let names = Names::find(path, None, &Places::default());
    AnySource::open(&identify(path).unwrap(), Arc::new(names)).unwrap()
}

fn only_fight(source: &mut AnySource) -> Fight {
    let fights = source.fights(0, &[]).unwrap();
    assert_eq!(fights.len(), 1);
    fights.into_iter().next().unwrap()
}

/// One read of everything.
fn read_once(path: &Path) -> Read {
    let mut source = open(path);
    let fight = only_fight(&mut source);
    Read::of(source.read_last(&fight, &Cursor::default()).unwrap().events)
}

/// A hit in an order of its own: time, source, target, skill, kind, amount, flags, shield, overheal.
type PlainHit = (u32, u64, u64, SkillId, bool, u64, u8, u64, u64);

fn uid(id: ActorId) -> u64 {
    u64::from_be_bytes(id.0[8..].try_into().unwrap())
}

/// What a reading told, in forms that can be compared.
#[derive(Debug, Default, PartialEq)]
struct Read {
    hits: Vec<PlainHit>,
    /// What each actor is in the end.
    actors: BTreeMap<u64, ActorFacts<ActorId>>,
    deaths: Vec<(u32, u64, Option<u64>, Option<i64>)>,
    skills: BTreeMap<SkillId, String>,
    missing: Vec<(String, u64, u64)>,
    /// What rows have come to: (source, target, skill, heal?) -> hits, amount, criticals, lucky, shield, overheal.
    sums: BTreeMap<(u64, u64, SkillId, bool), [u64; 6]>,
    /// Times of sums, and whether they came as a lump.
    sums_at: BTreeSet<(u32, bool)>,
    /// Everything else but facts, in words.
    other: BTreeSet<String>,
}

impl Read {
    fn of(events: Vec<SourceEvent>) -> Self {
        let mut read = Self::default();
        let mut facts = Vec::new();
        for event in events {
            match event {
                Event::Hit(timed) => {
                    let hit = timed.hit;
                    let heals = hit.kind == HitKind::Heal;
                    let (source, target) = (uid(hit.source), uid(hit.target));
                    let tail = (hit.flags.0, hit.shield, hit.overheal);
                    read.hits.push((timed.at_ms, source, target, hit.skill, heals, hit.amount, tail.0, tail.1, tail.2));
                }
                Event::Rare(rare) => match rare.body {
                    RareBody::Actor(told) => facts.push((rare.at_ms, rare.key, told)),
                    RareBody::Death { a, by, s } => {
                        read.deaths.push((rare.at_ms, uid(a), by.map(uid), s.map(|s| s.base)));
                    }
                    RareBody::Skill { s, name } => {
                        assert_eq!(read.skills.insert(s, name), None, "a name was told twice");
                    }
                    RareBody::Totals { a, on, s, kind, hits, amount, crit, lucky, shield, overheal, lump } => {
                        let key = (uid(a), uid(on), s, kind == HitKind::Heal);
                        let row = read.sums.entry(key).or_default();
                        let told = [hits, amount, crit, lucky, shield, overheal];
                        assert_ne!(*row, told, "sums were told twice");
                        assert!(row.iter().zip(told).all(|(held, told)| *held <= told), "sums shrank");
                        *row = told;
                        read.sums_at.insert((rare.at_ms, lump));
                    }
                    RareBody::Missing { what, expected, read: held } => read.missing.push((what, expected, held)),
                    body => assert!(read.other.insert(format!("{} {:?} {body:?}", rare.at_ms, rare.key)), "told twice"),
                },
            }
        }
        facts.sort_by_key(|(at_ms, key, _)| (*at_ms, *key));
        for (_, _, told) in facts {
            let held = read.actors.entry(uid(told.actor)).or_insert_with(|| ActorFacts::of(told.actor));
            held.kind = told.kind.or(held.kind);
            held.name = told.name.or(held.name.take());
            held.class_id = told.class_id.or(held.class_id);
            held.spec_id = told.spec_id.or(held.spec_id);
            held.ability_score = told.ability_score.or(held.ability_score);
            held.level = told.level.or(held.level);
            held.monster_id = told.monster_id.or(held.monster_id);
            held.boss = told.boss.or(held.boss);
            held.max_hp = told.max_hp.or(held.max_hp);
            held.defeated = told.defeated.or(held.defeated);
        }
        read.hits.sort_unstable();
        read.deaths.sort_unstable();
        read
    }

    fn players(&self) -> BTreeSet<u64> {
        self.actors.iter().filter(|(_, facts)| facts.kind == Some(ActorKind::Player)).map(|(id, _)| *id).collect()
    }

    /// Damage of players to others: sum, of that to bosses, hits.
    fn player_damage(&self) -> (u64, u64, usize) {
        let players = self.players();
        let hits: Vec<_> =
            self.hits.iter().filter(|h| !h.4 && players.contains(&h.1) && !players.contains(&h.2)).collect();
        let boss = hits.iter().filter(|h| h.6 & HitFlags::BOSS != 0).map(|h| h.5).sum();
        (hits.iter().map(|h| h.5).sum(), boss, hits.len())
    }

    fn healing(&self) -> u64 {
        self.hits.iter().filter(|h| h.4).map(|h| h.5).sum()
    }

    /// (source, target, base skill, heal?) -> hits, amount, criticals, lucky.
    fn rows(&self) -> BTreeMap<(u64, u64, i64, bool), [u64; 4]> {
        let mut rows = BTreeMap::new();
        for h in &self.hits {
            let row: &mut [u64; 4] = rows.entry((h.1, h.2, h.3.base, h.4)).or_default();
            let crit = u64::from(h.6 & HitFlags::CRIT != 0);
            let lucky = u64::from(h.6 & HitFlags::LUCKY != 0);
            *row = [row[0] + 1, row[1] + h.5, row[2] + crit, row[3] + lucky];
        }
        for ((source, target, skill, heals), sums) in &self.sums {
            let row: &mut [u64; 4] = rows.entry((*source, *target, skill.base, *heals)).or_default();
            row.iter_mut().zip(sums).for_each(|(row, sum)| *row += sum);
        }
        rows
    }
}

fn real_fights(file: &str) -> Vec<(Fight, Read)> {
    let mut source = open(&real(file));
    assert!(source.changed().unwrap());
    assert!(!source.changed().unwrap());
    let (mut all, mut summed) = (Vec::new(), 0);
    for fight in source.fights(0, &[]).unwrap() {
        let read = Read::of(source.read_last(&fight, &Cursor::default()).unwrap().events);
        assert_eq!(read.missing, []);
        // The meter's own sums follow from what was read.
        if let Some(totals) = source.totals(&fight).unwrap() {
            summed += 1;
            let damage = match totals.damage_by {
                DamageBy::Everyone => read.hits.iter().filter(|h| !h.4).map(|h| h.5).sum(),
                DamageBy::Players => read.player_damage().0,
            };
            assert_eq!((totals.damage, totals.healing), (damage, read.healing()));
        }
        all.push((fight, read));
    }
    assert!(summed > 0, "{file} has no sums");
    all
}

#[tokio::test]
#[ignore = "reads ../shared"]
async fn the_captured_boss_kill_reads_alike_in_both_generations() {
    let aggregate = real_fights("aggregate-real-boss.db");
    let journal = real_fights("journal-real-boss.db");
    let ((fight_c, c), (fight_e, e)) = (&aggregate[0], &journal[0]);
    for read in [c, e] {
        assert_eq!(read.player_damage(), (477_564_479, 477_564_479, 1_753));
        assert_eq!(read.healing(), 157_997_460);
        let by_player = [(100_005, 46_209_414, 919, 91)];
        for (player, damage, hits, crits) in by_player {
            let own = read.rows().into_iter().filter(|(key, _)| key.0 == player && !key.3).map(|(_, row)| row);
            let sum = own.fold([0; 3], |sum, row| [sum[0] + row[1], sum[1] + row[0], sum[2] + row[2]]);
            assert_eq!(sum, [damage, hits, crits]);
        }
        let mut damage = BTreeMap::new();
        for h in read.hits.iter().filter(|h| !h.4 && read.players().contains(&h.1)) {
            let held: &mut (u64, u64) = damage.entry(h.1).or_default();
            *held = (held.0 + h.5, held.1 + 1);
        }
        let mut damage: Vec<_> = damage.into_values().collect();
        damage.sort_unstable();
        assert_eq!(
            damage,
            [(44_983_230, 184), (46_209_414, 919), (105_328_845, 36), (106_379_489, 206), (174_663_501, 408)]
        );
        // A boss' death tells the type of a character in this capture; it makes no player of it.
        let boss = &read.actors[&100_016];
        assert_eq!((boss.kind, boss.boss, boss.defeated), (Some(ActorKind::Monster), Some(true), Some(true)));
        assert_eq!(boss.name.as_deref(), Some("Kartgriff"));
        assert_eq!(read.players(), BTreeSet::from([100_001, 100_002, 100_003, 100_004, 100_005]));
        assert_eq!(read.deaths, [(139_826, 100_016, Some(100_004), Some(1_008_440))]);
    }
    assert_eq!(c.rows(), e.rows());
    assert_eq!(fight_c.encounter, fight_e.encounter);
    for (fight, scene) in [(fight_c, "Asterleeds"), (fight_e, "Tina's Mindrealm - Master")] {
        assert_eq!(fight.scene.as_deref(), Some(scene));
        assert_eq!(fight.end.as_ref().unwrap().outcome, Outcome::Kill);
        assert_eq!(fight.local_player, Some(100_005));
    }
    let local = &c.actors[&100_005];
    assert_eq!((local.class_id, local.spec_id, local.level), (Some(12), Some(16), Some(60)));
}

#[tokio::test]
#[ignore = "reads ../shared"]
async fn a_night_of_real_fights_gives_its_figures() {
    for file in ["aggregate-night.db", "journal-night.db"] {
        let fights = real_fights(file);
        let figures: Vec<_> = fights
            .iter()
            .map(|(_, read)| {
                let (damage, boss, _) = read.player_damage();
                (damage, boss, read.healing())
            })
            .collect();
        // The journal's last chunk was never sealed: what the last two seconds held is in the aggregate alone.
        let crashed = if file.starts_with("aggregate") {
            (12_093_807, 9_004_017, 1_374_140)
        } else {
            (11_905_371, 8_815_581, 1_368_569)
        };
        let expected = [(7_778_215, 5_815_675, 0), (5_213_656, 4_043_001, 842_489), (9_480_739, 6_485_911, 0), crashed];
        assert_eq!(figures, expected, "{file}");
        let outcomes: Vec<_> = fights.iter().map(|(fight, _)| fight.end.as_ref().map(|end| end.outcome)).collect();
        if file.starts_with("aggregate") {
            let told = [Some(Outcome::Kill), Some(Outcome::Reset), Some(Outcome::Kill), None];
            assert_eq!(outcomes, told);
        } else {
            assert_eq!(outcomes[3], None);
        }
        let names: BTreeSet<_> = fights
            .iter()
            .flat_map(|(_, read)| read.actors.values())
            .filter_map(|facts| facts.name.as_deref())
            .collect();
        assert!(names.is_superset(&BTreeSet::from(["はるか", "Zoë", "小明"])), "{names:?}");
    }
}

#[tokio::test]
#[ignore = "reads ../shared"]
async fn a_real_raid_gives_its_figures_row_by_row() {
    let c = real_fights("aggregate-20p-6min.db");
    let e = real_fights("journal-20p-6min.db");
    for (_, read) in [&c[0], &e[0]] {
        let (damage, boss, _) = read.player_damage();
        assert_eq!((damage, boss, read.healing()), (244_523_904, 202_082_283, 24_359_912));
        assert_eq!((read.hits.len(), read.players().len()), (30_848, 20));
    }
    assert_eq!(c[0].1.rows(), e[0].1.rows());
    assert_eq!(c[0].1.deaths, e[0].1.deaths);
}

#[tokio::test]
#[ignore = "reads ../shared"]
async fn what_is_read_of_a_real_raid_is_what_its_rows_count() {
    use sqlx::{ConnectOptions as _, Row as _};
    for file in ["aggregate-real-boss.db", "aggregate-night.db", "aggregate-20p-6min.db"] {
        let (path, fights) = (real(file), real_fights(file));
        let mut conn =
            sqlx::sqlite::SqliteConnectOptions::new().filename(&path).read_only(true).connect().await.unwrap();
        for (fight, read) in fights {
            let mut counted = BTreeMap::new();
            for (sql, heals) in [
                (
                    "SELECT attacker_id, defender_id, skill_id, hits, total_value, crit_hits, lucky_hits FROM damage_skill_stats WHERE encounter_id = ?",
                    false,
                ),
                (
                    "SELECT healer_id, target_id, skill_id, hits, total_value, crit_hits, lucky_hits FROM heal_skill_stats WHERE encounter_id = ?",
                    true,
                ),
            ] {
                for row in sqlx::query(sql).bind(fight.row).fetch_all(&mut conn).await.unwrap() {
                    let n = |at: usize| row.get::<i64, _>(at) as u64;
                    counted.insert((n(0), n(1), n(2) as i64, heals), [n(3), n(4), n(5), n(6)]);
                }
            }
            assert_eq!(read.rows(), counted, "{file} {}", fight.row);
        }
    }
}

/// Lives a scripted fight through, reading after each step with a cursor that goes through bytes, sometimes with a
/// source opened anew, and gives all that was told.
async fn live_through(path: &Path, generation: Generation, scripted: &Scripted, step_ms: i64) -> Read {
    let mut writer = MeterWriter::open(path, generation).await.unwrap();
    let row = writer.begin(scripted).await.unwrap();
    let mut source = open(path);
    let (mut cursor, mut events) = (Cursor::default(), Vec::new());
    let mut at_ms = 0;
    let mut turn = 0;
    while at_ms <= scripted.last_ms() {
        writer.advance_to(at_ms).await.unwrap();
        if source.changed().unwrap() {
            let fights = source.fights(row - 1, &[row]).unwrap();
            let reading = source.read(&fights[0], &cursor, at_ms as u64).unwrap();
            events.extend(reading.events);
            cursor.advance(&reading.cursor);
            cursor = rmp_serde::from_slice(&rmp_serde::to_vec(&cursor).unwrap()).unwrap();
        }
        turn += 1;
        if turn % 7 == 0 {
            source = open(path);
        }
        at_ms += step_ms;
    }
    if scripted.ended_at_ms.is_some() {
        writer.end().await.unwrap();
    }
    let fight = source.fights(0, &[row]).unwrap().remove(0);
    let reading = source.read_last(&fight, &cursor).unwrap();
    events.extend(reading.events);
    cursor.advance(&reading.cursor);
    // Nothing is told twice, however often the end is read.
    let again = source.read_last(&fight, &cursor).unwrap();
    assert_eq!((again.events, again.cursor), (vec![], vec![]));
    writer.close().await.unwrap();
    Read::of(events)
}

#[tokio::test]
async fn reading_while_it_grows_tells_what_one_reading_at_the_end_tells() {
    for (generation, seed, step_ms) in [
        (Generation::Aggregate, 1, 400),
        (Generation::Chunks, 1, 400),
        (Generation::Aggregate, 2, 3_000),
        (Generation::Chunks, 2, 3_000),
        (Generation::Events, 1, 400),
        (Generation::Events, 2, 3_000),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.db");
        let scripted = Script { wipe: true, segments: true, ..Script::party(seed) }.fight();
        let grown = live_through(&path, generation, &scripted, step_ms).await;
        let once = read_once(&path);
        assert_eq!(grown, once, "{generation:?} {seed}");
        assert_eq!(once.missing, []);
        assert_script(&once, &scripted, generation);
    }
}

/// What was read is what was scripted.
fn assert_script(read: &Read, scripted: &Scripted, generation: Generation) {
    let journal = generation == Generation::Chunks;
    let summary = generation == Generation::Summary;
    // These store what the packet said.
    let raw = journal || summary;
    let mut rows: BTreeMap<(u64, u64, i64, bool), [u64; 4]> = BTreeMap::new();
    let mut overheal = 0;
    for hit in &scripted.hits {
        let heals = hit.kind == ScriptedKind::Heal;
        let row = rows.entry((hit.source as u64, hit.target as u64, hit.base_skill_id, heals)).or_default();
        let amount = if raw { hit.amount } else { hit.aggregate_amount() };
        *row = [row[0] + 1, row[1] + amount as u64, row[2] + u64::from(hit.crit), row[3] + u64::from(hit.lucky)];
        overheal += hit.overheal as u64;
    }
    assert_eq!(read.rows(), rows);
    let part = |hit: fn(&PlainHit) -> u64, sum: usize| {
        read.hits.iter().map(hit).sum::<u64>() + read.sums.values().map(|sums| sums[sum]).sum::<u64>()
    };
    assert_eq!(part(|h| h.8, 5), if raw { overheal } else { 0 });
    let shields: i64 = scripted.hits.iter().map(|hit| hit.shield_loss).sum();
    assert_eq!(part(|h| h.7, 4), shields as u64);
    let deaths = if summary { &[][..] } else { &scripted.deaths[..] };
    let mut deaths: Vec<_> = deaths.iter().map(|d| (d.at_ms as u32, d.actor as u64)).collect();
    deaths.sort_unstable();
    assert_eq!(read.deaths.iter().map(|d| (d.0, d.1)).collect::<Vec<_>>(), deaths);
    let acting: BTreeSet<_> = scripted.hits.iter().flat_map(|hit| [hit.source as u64, hit.target as u64]).collect();
    for player in scripted.players.iter().filter(|player| acting.contains(&(player.uid as u64))) {
        let facts = &read.actors[&(player.uid as u64)];
        assert_eq!(facts.kind, Some(ActorKind::Player));
        assert_eq!(facts.name.as_ref(), Some(&player.name));
        assert_eq!(facts.class_id, Some(player.class_id as u16));
        if !journal {
            // The first meter's list of specs has none of the Flame Berserker.
            assert_eq!(facts.spec_id, Some(player.spec as u16).filter(|_| summary || player.class_id != 3));
            assert_eq!(facts.level, Some(player.level as u32));
        }
    }
    for monster in scripted.monsters.iter().filter(|monster| acting.contains(&(monster.entity_id as u64))) {
        let facts = &read.actors[&(monster.entity_id as u64)];
        assert_eq!(facts.kind, Some(ActorKind::Monster));
        assert_eq!(facts.boss.unwrap_or(false), monster.is_boss);
        if monster.is_boss && scripted.ended_at_ms.is_some() && !summary {
            assert_eq!(facts.defeated.unwrap_or(false), monster.defeated);
        }
        if !raw && monster.is_boss {
            assert_eq!(facts.max_hp, monster.max_hp.map(|hp| hp as u64));
        }
    }
    let told = |word: &str| read.other.iter().filter(|other| other.contains(word)).count();
    if journal {
        assert_eq!(told("Cast"), scripted.casts.len());
    } else if !summary {
        assert_eq!(told("AttemptBegan"), scripted.attempts.len());
        assert_eq!(told("AttemptEnded"), scripted.attempts.iter().filter(|attempt| attempt.ended_ms.is_some()).count());
        let has_segments = generation == Generation::Aggregate;
        assert_eq!(told("Segment"), if has_segments { scripted.segments.len() } else { 0 });
        assert_eq!(told(&format!("{:?}", AttemptReason::Rollback)), usize::from(scripted.attempts.len() > 1));
    }
}

#[tokio::test]
async fn all_generations_tell_the_same_of_one_fight() {
    let dir = tempfile::tempdir().unwrap();
    let scripted = Script { names: raidcast_meterkit::Names::Awkward, ..Script::party(9) }.fight();
    let mut reads = Vec::new();
    for generation in Generation::EVERY {
        let path = dir.path().join(format!("{generation:?}.db"));
        let mut writer = MeterWriter::open(&path, generation).await.unwrap();
        write_all(&mut writer, &scripted).await.unwrap();
        let mut source = open(&path);
        let fight = only_fight(&mut source);
        let summary = generation == Generation::Summary;
        let outcome = if summary { Outcome::Unknown } else { Outcome::Kill };
        assert_eq!(fight.end.as_ref().unwrap().outcome, outcome);
        let read = read_once(&path);
        assert_eq!(read.missing, [], "{generation:?}");
        assert_script(&read, &scripted, generation);
        let totals = source.totals(&fight).unwrap().unwrap();
        let all: u64 = read.rows().iter().filter(|(key, _)| !key.3).map(|(_, row)| row[1]).sum();
        let players = read.players();
        let dealt =
            read.rows().into_iter().filter(|(key, _)| !key.3 && players.contains(&key.0) && !players.contains(&key.1));
        let by_players: u64 = dealt.map(|(_, row)| row[1]).sum();
        assert_eq!(totals.damage, if totals.damage_by == DamageBy::Everyone { all } else { by_players });
        reads.push((generation, fight.encounter, read));
    }
    for (generation, id, read) in &reads[1..] {
        let (_, first_id, first) = &reads[0];
        assert_eq!((id, read.rows(), read.players()), (first_id, first.rows(), first.players()));
        // A summary tells no deaths.
        let told = if *generation == Generation::Summary { &[][..] } else { &first.deaths };
        assert_eq!(read.deaths, told, "{generation:?}");
    }
}

#[tokio::test]
async fn every_skill_boss_and_scene_is_named_by_the_files_beside_the_meter() {
    let scripted = Script { wipe: true, ..Script::raid(4) }.fight();
    let boss = scripted.monsters.iter().find(|monster| monster.is_boss).unwrap();
    for generation in Generation::EVERY {
        let dir = tempfile::tempdir().unwrap();
        raidcast_meterkit::write_name_files(&dir.path().join("meter-data")).unwrap();
        let path = dir.path().join("m.db");
        let mut writer = MeterWriter::open(&path, generation).await.unwrap();
        write_all(&mut writer, &scripted).await.unwrap();
        let fight = only_fight(&mut open(&path));
        assert_eq!(fight.scene, scripted.scene_name, "{generation:?}");
        let read = read_once(&path);
        let hits = read.hits.iter().map(|hit| hit.3);
        let deaths = read.deaths.iter().filter_map(|death| Some(SkillId { base: death.3?, variant: None }));
        let used: BTreeSet<SkillId> = hits.chain(read.sums.keys().map(|row| row.2)).chain(deaths).collect();
        let named: BTreeSet<SkillId> = read.skills.keys().copied().collect();
        assert!(used.len() > 30, "{generation:?} uses {used:?}");
        assert_eq!(used.difference(&named).collect::<Vec<_>>(), Vec::<&SkillId>::new(), "{generation:?}");
        let told = read.actors.values().find(|facts| facts.boss == Some(true)).unwrap();
        assert_eq!(told.name.as_ref(), Some(&boss.name), "{generation:?}");
    }
}

/// A finished party fight in one file, and the row of damage with most hits.
async fn finished(generation: Generation) -> (tempfile::TempDir, PathBuf, Scripted, SkillRow, u64) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.db");
    let scripted = Script::party(4).fight();
    let mut writer = MeterWriter::open(&path, generation).await.unwrap();
    let encounter = write_all(&mut writer, &scripted).await.unwrap();
    writer.close().await.unwrap();
    let mut counts: BTreeMap<(i64, i64, i64), u64> = BTreeMap::new();
    for hit in scripted.hits.iter().filter(|hit| hit.kind == ScriptedKind::Damage) {
        *counts.entry((hit.source, hit.target, hit.base_skill_id)).or_default() += 1;
    }
    let (&(attacker, defender, skill), &hits) = counts.iter().max_by_key(|(_, hits)| **hits).unwrap();
    (dir, path, scripted, SkillRow { encounter, attacker, defender, skill }, hits)
}

#[tokio::test]
async fn a_counter_that_its_row_does_not_keep_is_told() {
    let (_dir, path, scripted, row, hits) = finished(Generation::Aggregate).await;
    fault::set_hits(&path, row, hits as i64 + 3).await.unwrap();
    let read = read_once(&path);
    assert_eq!(read.hits.len(), scripted.hits.len());
    let [(what, expected, held)] = &read.missing[..] else { panic!("{:?}", read.missing) };
    assert_eq!((*expected, *held), (hits + 3, hits));
    assert!(what.contains(&format!("skill {}", row.skill)), "{what}");
    // The relay keeps this text as it is, so no player's id may stand in it.
    assert!(!what.contains(&row.attacker.to_string()) && !what.contains(&row.defender.to_string()), "{what}");
}

#[tokio::test]
async fn of_a_row_that_is_cut_off_the_rest_is_read_and_the_loss_told() {
    let (_dir, path, scripted, row, hits) = finished(Generation::Aggregate).await;
    fault::break_json(&path, row).await.unwrap();
    let read = read_once(&path);
    let lost = (scripted.hits.len() - read.hits.len()) as u64;
    assert!((1..hits).contains(&lost), "{lost} of {hits}");
    let [(_, expected, held)] = &read.missing[..] else { panic!("{:?}", read.missing) };
    assert_eq!((*expected, *held), (hits, hits - lost));
}

#[tokio::test]
async fn a_row_that_breaks_after_it_was_read_tells_nothing_twice() {
    let (_dir, path, scripted, row, hits) = finished(Generation::Aggregate).await;
    let mut source = open(&path);
    let fight = only_fight(&mut source);
    let first = source.read(&fight, &Cursor::default(), 0).unwrap();
    let mut cursor = Cursor::default();
    cursor.advance(&first.cursor);
    fault::break_json(&path, row).await.unwrap();
    fault::set_hits(&path, row, hits as i64 + 1).await.unwrap();
    assert!(source.changed().unwrap());
    let second = source.read(&fight, &cursor, 1).unwrap();
    cursor.advance(&second.cursor);
    let last = source.read_last(&fight, &cursor).unwrap();
    let read = Read::of([first.events, second.events, last.events].concat());
    assert_eq!(read.hits.len(), scripted.hits.len());
    assert_eq!(read.missing.len(), 1);
}

#[tokio::test]
async fn short_keys_tell_what_long_ones_tell() {
    let (_dir, path, scripted, ..) = finished(Generation::Aggregate).await;
    let long = read_once(&path);
    fault::shorten_keys(&path).await.unwrap();
    let short = read_once(&path);
    let without_boss = |read: &Read| -> Vec<_> {
        let mut hits = read.hits.clone();
        for hit in &mut hits {
            hit.6 &= !HitFlags::BOSS;
        }
        hits.sort_unstable();
        hits
    };
    assert_eq!(without_boss(&long), without_boss(&short));
    assert_eq!((short.hits.len(), short.missing.len()), (scripted.hits.len(), 0));
}

#[tokio::test]
async fn a_chunk_that_cannot_be_read_is_skipped_and_told_once() {
    let (_dir, path, scripted, row, _) = finished(Generation::Chunks).await;
    fault::corrupt_chunk(&path, row.encounter, "combat", 3).await.unwrap();
    fault::corrupt_chunk(&path, row.encounter, "timeline", 0).await.unwrap();
    let mut source = open(&path);
    let fight = only_fight(&mut source);
    let mut cursor = Cursor::default();
    let first = source.read(&fight, &cursor, 0).unwrap();
    cursor.advance(&first.cursor);
    assert!(!first.more && Read::of(first.events.clone()).missing.is_empty(), "it may be mended yet");
    let last = source.read_last(&fight, &cursor).unwrap();
    cursor.advance(&last.cursor);
    let again = source.read_last(&fight, &cursor).unwrap();
    assert_eq!((again.events, again.cursor), (vec![], vec![]));
    let read = Read::of([first.events, last.events].concat());
    let [(what, expected, 0), (other, _, 0)] = &read.missing[..] else { panic!("{:?}", read.missing) };
    assert!(what.starts_with("combat chunk 3") && other.starts_with("timeline chunk 0"), "{what} {other}");
    let told = (read.hits.len() + read.deaths.len()) as u64;
    assert_eq!(told + expected, (scripted.hits.len() + scripted.deaths.len()) as u64);
    assert_eq!(read, read_once(&path));
}

#[tokio::test]
async fn chunks_that_come_late_or_are_mended_are_read_whenever_they_come() {
    let (_dir, path, scripted, row, _) = finished(Generation::Chunks).await;
    let whole = read_once(&path);
    alter(
        &path,
        "CREATE TABLE kept AS SELECT * FROM encounter_event_chunks WHERE chunk_index BETWEEN 2 AND 4;
         DELETE FROM encounter_event_chunks WHERE chunk_index BETWEEN 2 AND 4",
    )
    .await;
    fault::corrupt_chunk(&path, row.encounter, "combat", 6).await.unwrap();
    let (mut cursor, mut events) = (Cursor::default(), Vec::new());
    let put_back =
        |index: i64| format!("INSERT INTO encounter_event_chunks SELECT * FROM kept WHERE chunk_index = {index}");
    for turn in 0..4 {
        match turn {
            0 => {}
            1 => alter(&path, put_back(3)).await,
            2 => fault::corrupt_chunk(&path, row.encounter, "combat", 6).await.unwrap(),
            _ => alter(&path, put_back(2)).await,
        }
        // Another start of the client knows the gaps from its cursor alone.
        let mut source = open(&path);
        let fight = only_fight(&mut source);
        let reading = source.read(&fight, &cursor, 0).unwrap();
        cursor.advance(&reading.cursor);
        assert_eq!(turn == 0, Read::of(reading.events.clone()).hits.len() > 300, "{turn}: what is new alone");
        assert!(!Read::of(reading.events.clone()).hits.is_empty(), "{turn}");
        events.extend(reading.events);
    }
    alter(&path, put_back(4)).await;
    let mut source = open(&path);
    let fight = only_fight(&mut source);
    let last = source.read_last(&fight, &cursor).unwrap();
    events.extend(last.events);
    let read = Read::of(events);
    assert_eq!((read.hits.len(), &read.missing), (scripted.hits.len(), &vec![]));
    assert_eq!(read, whole);
}

#[tokio::test]
async fn what_was_yielded_and_is_there_no_more_is_told_by_the_last_reading() {
    let halved = "UPDATE damage_skill_stats SET total_value = total_value + 1,
        hit_details = replace(hit_details, '\"damage\":', '\"damage\":1')";
    let chunks =
        "UPDATE encounter_event_chunks SET data = (SELECT data FROM encounter_event_chunks WHERE chunk_index = 1)
        WHERE chunk_index = (SELECT max(chunk_index) FROM encounter_event_chunks WHERE stream_kind = 'combat')";
    let moved = "UPDATE damage_skill_stats SET rowid = rowid + 100000";
    for (generation, sql) in [
        (Generation::Aggregate, halved),
        (Generation::Aggregate, moved),
        (Generation::Counters, moved),
        (Generation::Chunks, chunks),
    ] {
        let (_dir, path, ..) = finished(generation).await;
        let mut source = open(&path);
        let fight = only_fight(&mut source);
        let mut cursor = Cursor::default();
        cursor.advance(&source.read(&fight, &cursor, 0).unwrap().cursor);
        assert!(!source.read_last(&fight, &cursor).unwrap().altered, "{sql}");
        alter(&path, sql.to_owned()).await;
        assert!(source.read_last(&fight, &cursor).unwrap().altered, "{sql}");
        assert!(!source.read_last(&fight, &Cursor::default()).unwrap().altered, "{sql}: nothing was yielded");
    }
}

#[tokio::test]
async fn a_change_that_was_left_half_made_is_not_read() {
    use sqlx::ConnectOptions as _;
    let (dir, path, ..) = finished(Generation::Aggregate).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut meter = options.journal_mode(sqlx::sqlite::SqliteJournalMode::Delete).connect().await.unwrap();
    sqlx::raw_sql(
        "PRAGMA cache_size = 1; BEGIN IMMEDIATE;
         UPDATE damage_skill_stats SET hits = 9, total_value = 9, hit_details = '[]';
         UPDATE heal_skill_stats SET hits = 9, total_value = 9, heal_details = '[]'",
    )
    .execute(&mut meter)
    .await
    .unwrap();
    // As the meter leaves it that is killed now.
    let left = dir.path().join("left.db");
    std::fs::copy(&path, &left).unwrap();
    std::fs::copy(dir.path().join("m.db-journal"), dir.path().join("left.db-journal")).unwrap();
    drop(meter);
    let interrupted = SourceError::Unsupported { path: left.clone(), why: Unsupported::Interrupted };
    assert_eq!(identify(&left).unwrap_err(), interrupted);
    // The meter is started once.
    alter(&left, "PRAGMA user_version").await;
    assert_eq!(read_once(&left).missing, []);
}

#[tokio::test]
async fn tables_of_a_meter_that_is_not_known_are_told_apart_from_an_upgrade() {
    let (_dir, path, ..) = finished(Generation::Aggregate).await;
    alter(
        &path,
        "DROP TABLE damage_skill_stats;
         CREATE TABLE damage_skill_stats (encounter_id INTEGER, attacker_id INTEGER, defender_id INTEGER,
             skill_id INTEGER, hits INTEGER, total_value INTEGER, hit_details TEXT NOT NULL,
             PRIMARY KEY (encounter_id, attacker_id, defender_id, skill_id)) WITHOUT ROWID;
         INSERT INTO damage_skill_stats VALUES (1, 101, 9000, 1400, 1, 5, '[{\"attempt_index\":1,\"damage\":5}]')",
    )
    .await;
    let mut source = open(&path);
    let fight = only_fight(&mut source);
    let error = source.read(&fight, &Cursor::default(), 0).unwrap_err();
    assert_eq!(error, SourceError::Unsupported { path, why: Unsupported::UnknownTables });
}

#[tokio::test]
async fn how_a_fight_of_chunks_went_is_decoded_once() {
    let (_dir, path, ..) = finished(Generation::Chunks).await;
    let mut source = open(&path);
    let mut outcome = || only_fight(&mut source).end.unwrap().outcome;
    assert_eq!(outcome(), Outcome::Kill);
    // Nobody would look into the chunks again, or it were not known any more.
    alter(&path, "UPDATE encounter_event_chunks SET data = zeroblob(length(data))".to_owned()).await;
    assert_eq!(outcome(), Outcome::Kill);
    alter(&path, "UPDATE encounters SET ended_at_ms = ended_at_ms + 1".to_owned()).await;
    assert_eq!(outcome(), Outcome::Unknown);
}

async fn alter(path: &Path, sql: impl Into<String>) {
    use sqlx::ConnectOptions as _;
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.into())).execute(&mut conn).await.unwrap();
    sqlx::Connection::close(conn).await.unwrap();
}

#[tokio::test]
async fn a_chunk_that_is_gone_and_an_end_that_never_came_are_told() {
    let (_dir, path, ..) = finished(Generation::Chunks).await;
    alter(&path, "DELETE FROM encounter_event_chunks WHERE stream_kind = 'combat' AND chunk_index = 2").await;
    alter(&path, "INSERT OR REPLACE INTO encounter_projection VALUES (1, 9000000, 0, x'00')").await;
    let read = read_once(&path);
    let told: Vec<_> = read.missing.iter().map(|(what, ..)| what.as_str()).collect();
    assert_eq!(told, ["combat chunks before chunk 3", "events at the journal's end"]);
}

#[tokio::test]
async fn absurd_amounts_and_times_are_told_and_not_read() {
    let (_dir, path, scripted, ..) = finished(Generation::Aggregate).await;
    alter(
        &path,
        "UPDATE damage_skill_stats SET hits = 4, total_value = 30, hit_details =
           '[{\"damage\":-5,\"timestamp\":1790000000001},{\"damage\":99007199254740993,\"timestamp\":1790000000002},
             {\"damage\":10,\"timestamp\":1790009999999},{\"damage\":20,\"timestamp\":1780000000000}]'
         WHERE rowid = 1",
    )
    .await;
    let read = read_once(&path);
    assert!(read.hits.len() < scripted.hits.len());
    // Of the times only their order is known: hours later, and weeks before.
    let last_ms = scripted.hits.iter().map(|hit| hit.at_ms as u32).max().unwrap();
    let at = |amount| read.hits.iter().find(|hit| hit.5 == amount && hit.0 > last_ms).map(|hit| hit.0 - last_ms);
    assert!(at(10) >= Some(1_000) && at(10) < Some(10_000) && at(20) > at(10), "{:?} {:?}", at(10), at(20));
    let told = |words: &str| read.missing.iter().find(|(what, ..)| what.contains(words)).map(|told| told.1 - told.2);
    assert_eq!(told("hits of damage"), Some(2));
    assert!(told("left out of the fight's time").is_some() && told("set back").is_some(), "{:?}", read.missing);
}

#[tokio::test]
async fn large_rows_wait_a_quarter_of_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.db");
    let mut scripted = Script { players: 1, ..Script::party(5) }.fight();
    let hit = scripted.hits.iter().find(|hit| hit.kind == ScriptedKind::Damage).unwrap().clone();
    scripted.hits = (0..3_000).map(|n| raidcast_meterkit::Hit { at_ms: n * 10, ..hit.clone() }).collect();
    let mut writer = MeterWriter::open(&path, Generation::Aggregate).await.unwrap();
    writer.begin(&scripted).await.unwrap();
    writer.advance_to(25_000).await.unwrap();
    let mut source = open(&path);
    let fight = only_fight(&mut source);
    let mut cursor = Cursor::default();
    let mut counts = Vec::new();
    for (now_ms, upto_ms) in [(0, 25_000), (100, 26_000), (249, 27_000), (250, 28_000), (260, 28_000), (400, 28_000)] {
        writer.advance_to(upto_ms).await.unwrap();
        let reading = source.read(&fight, &cursor, now_ms).unwrap();
        cursor.advance(&reading.cursor);
        counts.push((reading.events.iter().filter(|event| matches!(event, Event::Hit(_))).count(), reading.more));
    }
    // What is not hits is looked at every 400 ms, and until then there is more.
    assert_eq!(counts, [(2_501, false), (0, true), (0, true), (300, true), (0, true), (0, false)]);
}

#[tokio::test]
async fn a_file_that_is_taken_away_or_upgraded_is_noticed() {
    let (_dir, path, ..) = finished(Generation::Chunks).await;
    let mut source = open(&path);
    assert!(source.changed().unwrap());
    alter(&path, "UPDATE encounters SET is_favorite = 1").await;
    assert!(source.changed().unwrap());
    assert!(!source.changed().unwrap());
    alter(&path, "ALTER TABLE encounters ADD COLUMN novelty INTEGER").await;
    assert!(matches!(source.changed(), Err(SourceError::Upgraded { .. })));

    let mut source = open(&path);
    std::fs::rename(&path, path.with_extension("old")).unwrap();
    assert!(matches!(source.changed(), Err(SourceError::Gone { .. })));
    std::fs::copy(path.with_extension("old"), &path).unwrap();
    #[cfg(unix)]
    assert!(matches!(source.changed(), Err(SourceError::Gone { .. })), "another file under the same name");
}

#[tokio::test]
async fn a_source_can_be_read_from_any_thread() {
    let (_dir, path, scripted, ..) = finished(Generation::Aggregate).await;
    let mut source = open(&path);
    let read = tokio::spawn(async move {
        let fight = source.fights(0, &[]).unwrap().remove(0);
        assert!(source.changed().unwrap());
        source.read(&fight, &Cursor::default(), 0).unwrap()
    });
    assert_eq!(Read::of(read.await.unwrap().events).hits.len(), scripted.hits.len());
}

#[tokio::test]
async fn a_locked_database_is_told_apart() {
    use sqlx::{ConnectOptions as _, Executor as _};
    let (_dir, path, ..) = finished(Generation::Aggregate).await;
    alter(&path, "PRAGMA journal_mode = DELETE").await;
    let mut source = open(&path);
    let mut other = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    assert!(matches!(source.fights(0, &[]), Err(SourceError::Locked { .. })));
    assert!(matches!(identify(&path), Err(SourceError::Locked { .. })));
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(source.fights(0, &[]).unwrap().len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_finished_database_in_a_folder_without_write_access_is_read() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    // In WAL mode and closed: SQLite would have to make its files beside it. (As root it may, and does.)
    let (dir, path, scripted, ..) = finished(Generation::Aggregate).await;
    set_permissions(dir.path(), Permissions::from_mode(0o555)).unwrap();
    let read = read_once(&path);
    let mut source = open(&path);
    assert!(source.changed().unwrap());
    assert!(!source.changed().unwrap());
    set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(read.hits.len(), scripted.hits.len());
}

#[tokio::test]
async fn older_tables_without_some_columns_are_read() {
    let (_dir, path, scripted, ..) = finished(Generation::Aggregate).await;
    alter(
        &path,
        "ALTER TABLE encounters DROP COLUMN is_manually_reset; DROP TABLE attempts; DROP TABLE buffs;
         ALTER TABLE actor_encounter_stats DROP COLUMN level",
    )
    .await;
    let read = read_once(&path);
    assert_eq!((read.hits.len(), read.missing.len()), (scripted.hits.len(), 0));
}

#[tokio::test]
async fn rows_that_vanish_are_left_out() {
    let (_dir, path, ..) = finished(Generation::Aggregate).await;
    let mut source = open(&path);
    let fight = only_fight(&mut source);
    alter(&path, "PRAGMA foreign_keys = ON; DELETE FROM encounters").await;
    assert_eq!(source.fights(0, &[fight.row]).unwrap(), []);
    assert!(source.read_last(&fight, &Cursor::default()).unwrap().events.is_empty());
    assert_eq!(source.totals(&fight).unwrap(), None);
}

#[tokio::test]
async fn a_fight_without_a_local_player_is_named_by_its_database() {
    let (dir, path, ..) = finished(Generation::Chunks).await;
    alter(&path, "UPDATE encounters SET local_player_id = NULL").await;
    let copy = dir.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    let [a, b] = [only_fight(&mut open(&path)), only_fight(&mut open(&copy))];
    assert_eq!((a.local_player, a.encounter), (None, b.encounter));
}

/// Some steps of a writer and readings between them, at moments that a seed chooses; then the end.
async fn live_at_random(path: &Path, generation: Generation, scripted: &Scripted, seed: u64) -> (Fight, Read) {
    let mut state = seed;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut writer = MeterWriter::open(path, generation).await.unwrap();
    let row = writer.begin(scripted).await.unwrap();
    let mut source = open(path);
    let (mut cursor, mut events) = (Cursor::default(), Vec::new());
    let (mut at_ms, mut now_ms) = (0, 0);
    while at_ms < scripted.last_ms() {
        at_ms += random(4_000) as i64;
        now_ms += random(4_000);
        writer.advance_to(at_ms).await.unwrap();
        if random(3) > 0 {
            for fight in source.fights(row - 1, &[row]).unwrap() {
                let reading = source.read(&fight, &cursor, now_ms).unwrap();
                cursor.advance(&reading.cursor);
                events.extend(reading.events);
            }
        }
        if random(9) == 0 {
            source = open(path);
        }
    }
    writer.end().await.unwrap();
    let fight = source.fights(-1, &[]).unwrap().remove(0);
    let reading = source.read_last(&fight, &cursor).unwrap();
    events.extend(reading.events);
    cursor.advance(&reading.cursor);
    let again = open(path).read_last(&fight, &cursor).unwrap();
    assert_eq!((again.events, again.cursor), (vec![], vec![]));
    // A meter that is closing holds its database for a moment.
    writer.close().await.unwrap();
    (fight, Read::of(events))
}

#[tokio::test]
async fn readings_at_any_moments_come_to_the_same() {
    for generation in Generation::EVERY {
        for seed in 1..=5 {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("m.db");
            let scripted = Script { wipe: true, ..Script::party(seed) }.fight();
            let (_, grown) = live_at_random(&path, generation, &scripted, seed).await;
            let once = read_once(&path);
            assert_eq!(grown.missing, [], "{generation:?} {seed}");
            assert_eq!(grown.rows(), once.rows(), "{generation:?} {seed}");
            assert_eq!((&grown.hits, &grown.sums), (&once.hits, &once.sums), "{generation:?} {seed}");
            assert_eq!((&grown.actors, &grown.deaths), (&once.actors, &once.deaths), "{generation:?} {seed}");
            assert_script(&grown, &scripted, generation);
        }
    }
}

#[tokio::test]
async fn events_that_vanish_between_two_readings_are_read_from_the_finished_rows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.db");
    let mut scripted = Script::party(31).fight();
    // Many hits of one skill in one millisecond, some read before the end and some after it.
    let hit = scripted.hits.iter().rfind(|hit| hit.kind == ScriptedKind::Damage).unwrap().clone();
    for n in 0..40 {
        scripted.hits.push(raidcast_meterkit::Hit {
            amount: 1_000 + n,
            hp_loss: 1_000 + n,
            shield_loss: 0,
            ..hit.clone()
        });
    }
    let mut writer = MeterWriter::open(&path, Generation::Events).await.unwrap();
    writer.begin(&scripted).await.unwrap();
    let mut source = open(&path);
    let fight = only_fight(&mut source);
    writer.advance_to(scripted.last_ms() / 2).await.unwrap();
    let first = source.read(&fight, &Cursor::default(), 0).unwrap();
    let mut cursor = Cursor::default();
    cursor.advance(&first.cursor);
    let read_live = Read::of(first.events.clone()).hits.len();
    assert!(read_live > 100 && read_live < scripted.hits.len() - 100, "{read_live}");
    writer.end().await.unwrap();
    // A reading that still takes the fight for open finds nothing, and loses nothing.
    let empty = source.read(&fight, &cursor, 1).unwrap();
    assert!(!empty.events.iter().any(|event| matches!(event, Event::Hit(_))));
    cursor.advance(&empty.cursor);
    let ended = only_fight(&mut source);
    let last = source.read_last(&ended, &cursor).unwrap();
    let read = Read::of([first.events, empty.events, last.events].concat());
    assert_eq!(read.missing, []);
    assert_script(&read, &scripted, Generation::Events);
    let once = read_once(&path);
    assert_eq!((read.hits, read.actors), (once.hits, once.actors));
}

#[tokio::test]
async fn bad_events_and_bad_finished_rows_are_told_and_the_rest_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.db");
    let scripted = Script::party(32).fight();
    let mut writer = MeterWriter::open(&path, Generation::Events).await.unwrap();
    writer.begin(&scripted).await.unwrap();
    writer.advance_to(30_000).await.unwrap();
    alter(
        &path,
        "UPDATE damage_events SET value = -7 WHERE id = 1;
         UPDATE damage_events SET value = 9223372036854775807 WHERE id = 2;
         UPDATE damage_events SET timestamp_ms = 'soon', monster_name = CAST(x'ff00fe' AS TEXT) WHERE id = 3;
         UPDATE damage_events SET skill_id = NULL, defender_id = NULL, timestamp_ms = timestamp_ms + 90000000 WHERE id = 4",
    )
    .await;
    let mut source = open(&path);
    let fight = only_fight(&mut source);
    let reading = source.read(&fight, &Cursor::default(), 0).unwrap();
    let mut cursor = Cursor::default();
    cursor.advance(&reading.cursor);
    let told = Read::of(reading.events).hits.len();
    let there = scripted.hits.iter().filter(|hit| hit.at_ms <= 30_000).count();
    // Of the last one only the time is absurd: it has that of the one before.
    assert_eq!(told, there - 3);
    // The events are gone, and nothing came of them: a meter that dropped its tables.
    alter(
        &path,
        "DELETE FROM damage_events; DELETE FROM heal_events; UPDATE encounters SET ended_at_ms = 1790000090000",
    )
    .await;
    let ended = only_fight(&mut source);
    let ending = source.read_last(&ended, &cursor).unwrap();
    let missing = Read::of(ending.events).missing;
    assert_eq!(missing, [("damage events with amounts or times that no hit has".to_owned(), 3, 0)]);
    drop(writer);

    let (_dir, path, scripted, row, hits) = finished(Generation::Events).await;
    fault::break_json(&path, row).await.unwrap();
    let read = read_once(&path);
    let lost = (scripted.hits.len() - read.hits.len()) as u64;
    assert!((1..hits).contains(&lost), "{lost} of {hits}");
    let [(what, expected, held)] = &read.missing[..] else { panic!("{:?}", read.missing) };
    assert_eq!((*expected, *held), (hits, hits - lost));
    assert!(!what.contains(&row.attacker.to_string()), "{what}");
}

#[tokio::test]
async fn counters_are_read_once_a_second_and_tell_when_they_grew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.db");
    let scripted = Script::party(33).fight();
    let mut writer = MeterWriter::open(&path, Generation::Counters).await.unwrap();
    writer.begin(&scripted).await.unwrap();
    let mut source = open(&path);
    let fight = only_fight(&mut source);
    let mut cursor = Cursor::default();
    let mut all = Vec::new();
    let mut waits = Vec::new();
    for at_ms in (500..=20_000).step_by(500) {
        writer.advance_to(at_ms).await.unwrap();
        let reading = source.read(&fight, &cursor, at_ms as u64).unwrap();
        waits.push(reading.more);
        cursor.advance(&reading.cursor);
        all.extend(reading.events);
    }
    assert_eq!(waits.iter().filter(|waits| **waits).count(), 20, "every second reading waits");
    let read = Read::of(all.clone());
    assert!(
        read.sums_at.len() > 10 && read.sums_at.iter().all(|(at, lump)| !lump && *at <= 20_000),
        "{:?}",
        read.sums_at
    );

    // Started again after half a minute: when that came is not known, what comes then is.
    writer.advance_to(50_000).await.unwrap();
    let mut source = open(&path);
    let late = source.read(&fight, &cursor, 0).unwrap();
    cursor.advance(&late.cursor);
    all.extend(late.events.clone());
    let read = Read::of(late.events);
    assert!(read.sums_at.iter().all(|(at, lump)| *lump && *at > 40_000), "{:?}", read.sums_at);
    writer.end().await.unwrap();
    let ended = only_fight(&mut source);
    let last = source.read_last(&ended, &cursor).unwrap();
    all.extend(last.events.clone());
    assert!(Read::of(last.events).sums_at.iter().all(|(_, lump)| !lump));
    assert_script(&Read::of(all), &scripted, Generation::Counters);
}

#[tokio::test]
async fn counters_that_contradict_themselves_are_told_and_the_rest_is_read() {
    let (_dir, path, scripted, ..) = finished(Generation::Counters).await;
    let whole = read_once(&path);
    alter(
        &path,
        "UPDATE damage_skill_stats SET total_value = -5 WHERE rowid = 1;
         UPDATE damage_skill_stats SET hits = 'many' WHERE rowid = 2;
         UPDATE damage_skill_stats SET total_value = 9223372036854775807 WHERE rowid = 3;
         UPDATE damage_skill_stats SET crit_hits = hits + 5 WHERE rowid = 4;
         UPDATE damage_skill_stats SET monster_name = CAST(x'fffe' AS TEXT) WHERE rowid = 5;
         UPDATE heal_skill_stats SET lucky_hits = x'00ff' WHERE rowid = 1",
    )
    .await;
    let read = read_once(&path);
    assert_eq!(read.sums.len(), whole.sums.len() - 3);
    assert!(read.sums.values().all(|[hits, _, crit, lucky, ..]| crit <= hits && lucky <= hits));
    let words: Vec<_> = read.missing.iter().map(|(what, ..)| what.split(" of ").next().unwrap()).collect();
    let sums = "sums that no hits have,";
    assert_eq!(words, [sums, "amount", sums, "critical hits beyond all hits"]);
    assert_eq!(read.players(), whole.players());
    assert!(!scripted.hits.is_empty());
}

#[tokio::test]
async fn every_known_layout_of_summaries_is_read_and_no_other_guessed() {
    let scripted = Script { wipe: true, names: raidcast_meterkit::Names::Awkward, ..Script::party(34) }.fight();
    let mut reads = Vec::new();
    for layout in Layout::ALL {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.db");
        let mut writer = MeterWriter::open_summary(&path, layout).await.unwrap();
        write_all(&mut writer, &scripted).await.unwrap();
        let mut source = open(&path);
        let fight = only_fight(&mut source);
        assert_eq!(fight.local_player, Some(scripted.local_player_id as u64), "{layout:?}");
        source.check(&fight).unwrap();
        let read = read_once(&path);
        assert_eq!(read.missing, [], "{layout:?}");
        if layout > Layout::March {
            assert_script(&read, &scripted, Generation::Summary);
        }
        let totals = source.totals(&fight).unwrap().unwrap();
        assert_eq!(totals.damage as i64, scripted.player_damage(), "{layout:?}");
        reads.push((fight.encounter, read.rows(), read.players()));
    }
    assert!(reads.windows(2).all(|pair| pair[0] == pair[1]));

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.db");
    let mut writer = MeterWriter::open_summary(&path, Layout::Unheard).await.unwrap();
    write_all(&mut writer, &scripted).await.unwrap();
    write_all(&mut writer, &scripted.clone().starting_at(1_790_000_500_000)).await.unwrap();
    writer.close().await.unwrap();
    let mut source = open(&path);
    let fights = source.fights(-1, &[]).unwrap();
    let refused = |error: SourceError, why: Unreadable| {
        assert_eq!(error, SourceError::Unreadable { started_at_ms: fights[0].started_at_ms, why });
    };
    refused(source.check(&fights[0]).unwrap_err(), Unreadable::UnknownLayout);
    refused(source.read_last(&fights[0], &Cursor::default()).unwrap_err(), Unreadable::UnknownLayout);
    let too_large = Unreadable::TooLarge { bytes: 17_000_000, at_most: 16 << 20 };
    for (sql, why) in [
        (
            "UPDATE encounter_data SET data = substr(data, 1, length(data) / 2) WHERE encounter_id = 1",
            Unreadable::NotPacked,
        ),
        ("UPDATE encounter_data SET data = x'' WHERE encounter_id = 1", Unreadable::NotPacked),
        ("UPDATE encounter_data SET data = zeroblob(17000000) WHERE encounter_id = 1", too_large),
        ("DELETE FROM encounter_data WHERE encounter_id = 1", Unreadable::NoSummary),
    ] {
        alter(&path, sql).await;
        refused(source.check(&fights[0]).unwrap_err(), why);
    }
    // Of zeros a little is a lot: it is not unpacked to its end.
    let bomb = zstd::encode_all(std::io::repeat(0).take(200 << 20), 3).unwrap();
    assert!(bomb.len() < 100_000);
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("INSERT INTO encounter_data VALUES (1, ?)").bind(bomb).execute(&mut other).await.unwrap();
    refused(source.check(&fights[0]).unwrap_err(), Unreadable::TooLong { at_most: 64 << 20 });
}

#[tokio::test]
async fn summaries_whose_rows_are_renumbered_keep_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.db");
    let mut writer = MeterWriter::open(&path, Generation::Summary).await.unwrap();
    for n in 0..4 {
        let fight = Script::party(40 + n).fight().starting_at(1_790_000_000_000 + n as i64 * 100_000);
        write_all(&mut writer, &fight).await.unwrap();
    }
    alter(&path, "DELETE FROM encounter_data WHERE encounter_id = 2; DELETE FROM encounters WHERE id = 2").await;
    let mut source = open(&path);
    let before = source.fights(-1, &[]).unwrap();
    writer.restart(0).await.unwrap();
    let late = Script::party(50).fight().starting_at(1_790_000_900_000);
    write_all(&mut writer, &late).await.unwrap();
    assert_eq!(source.fights(-1, &[]).unwrap()[..3], before);
    let new = source.fights(before[2].row, &[]).unwrap();
    assert_eq!(new.iter().map(|fight| fight.started_at_ms).collect::<Vec<_>>(), [1_790_000_900_000]);
    let read = Read::of(source.read_last(&new[0], &Cursor::default()).unwrap().events);
    assert_script(&read, &late, Generation::Summary);
}

#[tokio::test]
async fn after_an_upgrade_the_fights_of_before_are_still_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.db");
    let scripted: Vec<_> =
        (0..3).map(|n| Script::party(60 + n).fight().starting_at(1_790_000_000_000 + n as i64 * 100_000)).collect();
    let generations = [Generation::Events, Generation::Counters, Generation::Aggregate];
    for (done, (generation, fight)) in generations.into_iter().zip(&scripted).enumerate() {
        let mut writer = MeterWriter::open(&path, generation).await.unwrap();
        assert_eq!(identify(&path).unwrap().generation, found(generation));
        write_all(&mut writer, fight).await.unwrap();
        writer.close().await.unwrap();
        assert_eq!(identify(&path).unwrap().generation, found(generation));
        let mut source = open(&path);
        let fights = source.fights(-1, &[]).unwrap();
        assert_eq!(fights.len(), done + 1);
        for ((read, wrote), scripted) in fights.iter().zip(generations).zip(&scripted) {
            let read = Read::of(source.read_last(read, &Cursor::default()).unwrap().events);
            assert_eq!(read.missing, [], "{wrote:?} read by {generation:?}");
            assert_eq!(read.sums.is_empty(), wrote != Generation::Counters);
            assert_script(&read, scripted, if wrote == Generation::Aggregate { wrote } else { Generation::Counters });
        }
    }
}

/// Or its tables were read as those of a meter that is no more, and most of them were never missed.
#[tokio::test]
async fn a_meter_that_was_upgraded_since_it_was_identified_is_looked_at_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.db");
    for (before, after) in [(Generation::Events, Generation::Counters), (Generation::Counters, Generation::Aggregate)] {
        MeterWriter::open(&path, before).await.unwrap().close().await.unwrap();
        let identified = identify(&path).unwrap();
        MeterWriter::open(&path, after).await.unwrap().close().await.unwrap();
        let opened = AnySource::open(&identified, Arc::default());
        assert!(matches!(opened, Err(SourceError::Upgraded { .. })), "{before:?}");
        drop(open(&path));
    }
}

fn found(generation: Generation) -> raidcast::source::Generation {
    use raidcast::source::Generation as Found;
    match generation {
        Generation::Events => Found::Events,
        Generation::Counters => Found::Counters,
        Generation::Aggregate => Found::Aggregate,
        Generation::Summary => Found::Summary,
        Generation::Chunks => Found::Chunks,
    }
}

#[tokio::test]
#[ignore = "reads ../shared"]
async fn the_captured_boss_kill_reads_alike_as_earlier_meters_would_have_kept_it() {
    for file in ["aggregate-real-boss.db", "aggregate-20p-6min.db"] {
        let (original, fights) = (real(file), real_fights(file));
        let (fight, whole) = &fights[0];
        let dir = tempfile::tempdir().unwrap();
        for (generation, sql) in [
            (
                Generation::Counters,
                "UPDATE damage_skill_stats SET hit_details = '[]'; UPDATE heal_skill_stats SET heal_details = '[]';
                 DROP TABLE dungeon_segments; DROP TABLE buffs",
            ),
            (
                Generation::Events,
                "CREATE TABLE damage_events (id INTEGER PRIMARY KEY, encounter_id); DROP TABLE dungeon_segments;
                 DROP TABLE buffs",
            ),
        ] {
            let path = dir.path().join(format!("{generation:?}.db"));
            std::fs::copy(&original, &path).unwrap();
            fault::shorten_keys(&path).await.unwrap();
            alter(&path, sql).await;
            assert_eq!(identify(&path).unwrap().generation, found(generation));
            let mut source = open(&path);
            let earlier = only_fight(&mut source);
            assert_eq!((earlier.encounter, &earlier.end), (fight.encounter, &fight.end));
            let read = Read::of(source.read_last(&earlier, &Cursor::default()).unwrap().events);
            assert_eq!((&read.missing, &read.actors, &read.deaths), (&vec![], &whole.actors, &whole.deaths));
            assert_eq!((read.rows(), read.hits.is_empty()), (whole.rows(), generation == Generation::Counters));
        }
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_in_mid_fight_is_told_and_keeps_the_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.db");
    let scripted = Script::party(7).fight();
    let mut writer = MeterWriter::open(&path, Generation::Aggregate).await.unwrap();
    writer.begin(&scripted).await.unwrap();
    let mut source = open(&path);
    let fight = only_fight(&mut source);
    writer.advance_to(30_000).await.unwrap();
    let first = source.read(&fight, &Cursor::default(), 0).unwrap();
    let mut cursor = Cursor::default();
    cursor.advance(&first.cursor);
    writer.end().await.unwrap();
    writer.close().await.unwrap();
    // After 30 s the meter's clock was set an hour back.
    alter(
        &path,
        "UPDATE damage_skill_stats SET hit_details = (SELECT json_group_array(json(
             CASE WHEN value ->> 'timestamp' > 1790000030000
             THEN json_set(value, '$.timestamp', (value ->> 'timestamp') - 3600000, '$.ms_from_start', 0)
             ELSE value END)) FROM json_each(hit_details));
         UPDATE heal_skill_stats SET heal_details = (SELECT json_group_array(json(
             CASE WHEN value ->> 'timestamp' > 1790000030000
             THEN json_set(value, '$.timestamp', (value ->> 'timestamp') - 3600000, '$.ms_from_start', 0)
             ELSE value END)) FROM json_each(heal_details))",
    )
    .await;
    let fight = only_fight(&mut source);
    let second = source.read_last(&fight, &cursor).unwrap();
    let live = Read::of(first.events.into_iter().chain(second.events).collect());
    let once = read_once(&path);
    let late: Vec<u64> = scripted.hits.iter().filter(|hit| hit.at_ms > 30_000).map(|_| 1).collect();
    for (how, read) in [("while it went on", live), ("at once", once)] {
        assert_eq!(read.hits.len(), scripted.hits.len(), "{how}");
        let behind = read.hits.iter().filter(|hit| hit.0 > 30_000).count();
        assert_eq!(behind, late.len(), "{how}: later hits stand behind the others");
        let last_ms = read.hits.iter().map(|hit| hit.0).max().unwrap();
        assert!(i64::from(last_ms) < scripted.last_ms() + 5_000, "{how}: {last_ms}");
        let told: Vec<_> = read.missing.iter().filter(|(what, ..)| what.contains("set back")).collect();
        assert_eq!(told.len(), 1, "{how}: {:?}", read.missing);
        assert!((3_590..3_610).contains(&told[0].1), "{how}: {told:?}");
    }
}

/// Whether there is a program that runs another one as somebody else, and the right to.
#[cfg(target_os = "linux")]
fn as_nobody() -> Option<std::process::Command> {
    use std::os::unix::fs::MetadataExt as _;
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    (is_root && std::process::Command::new("setpriv").arg("--version").output().is_ok()).then_some(command)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_users_database_is_read_and_nothing_is_left_beside_it() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt as _, chown};
    let Some(mut other) = as_nobody() else {
        eprintln!("skipped: only root can be somebody else");
        return;
    };
    let (dir, path, ..) = finished(Generation::Aggregate).await;
    set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    chown(&path, Some(1000), Some(1000)).unwrap();
    let beside = |end: &str| PathBuf::from(format!("{}{end}", path.display()));
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(beside(end));
    }
    // What an upload reads before it asks.
    let program = dir.path().join("raidcast");
    std::fs::copy(env!("CARGO_BIN_EXE_raidcast"), &program).unwrap();
    other.env_clear().env("HOME", "/nonexistent").env("RAIDCAST_KEY", "a-long-enough-key").arg(&program);
    other.args(["upload", "--relay", "http://127.0.0.1:9", "--state"]).arg(dir.path().join("state"));
    other.arg("--db").arg(&path).stdin(std::process::Stdio::null());
    let asked = other.output().unwrap();
    let told = String::from_utf8_lossy(&asked.stderr);
    assert!(told.contains("would upload 1 fight"), "{told}");
    assert!(!beside("-wal").exists() && !beside("-shm").exists());
    // With a log that has something in it there is no way to read all: that is said, and what to do.
    std::fs::write(beside("-wal"), [0; 64]).unwrap();
    let refused = other.output().unwrap();
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("Run raidcast as the user who runs the meter, or copy both files"), "{told}");
    assert!(!beside("-shm").exists());
}
