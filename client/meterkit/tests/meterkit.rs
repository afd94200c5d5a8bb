//! Written databases hold what the fights say, however they were written, in the form of the real meters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use raidcast_meterkit::chunks::{self, CHARACTER_BITS, Chunk, Event, MONSTER_BITS, Metric};
use raidcast_meterkit::fault::{self, SkillRow};
use raidcast_meterkit::{
    Fight, Generation, HitKind, MeterWriter, MeterkitError, Names, Script, beside, write_all, write_live, write_night,
};
use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Row, TypeInfo, ValueRef};
use tempfile::TempDir;

/// Source, target, skill.
type SkillKey = (i64, i64, i64);

/// A database in a directory of its own.
struct Database {
    _directory: TempDir,
    path: PathBuf,
}

impl Database {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("meter.db");
        Self { _directory: directory, path }
    }

    async fn of(generation: Generation, fights: &[Fight]) -> Self {
        let database = Self::new();
        let mut writer = database.writer(generation).await;
        write_night(&mut writer, fights).await.expect("written");
        writer.close().await.expect("closed");
        database
    }

    async fn writer(&self, generation: Generation) -> MeterWriter {
        MeterWriter::open(&self.path, generation).await.expect("opened")
    }

    async fn rows(&self, sql: &str) -> Vec<SqliteRow> {
        rows(&mut read(&self.path).await, sql).await
    }

    /// The one integer that `sql` asks for.
    async fn integer(&self, sql: &str) -> i64 {
        self.rows(sql).await[0].get(0)
    }

    /// Every table's rows as text, but for the migrations, whose times are the clock's.
    async fn dump(&self) -> BTreeMap<String, Vec<String>> {
        let mut dump = BTreeMap::new();
        for table in tables(&mut read(&self.path).await).await {
            if table != "__diesel_schema_migrations" {
                let rows = self.rows(&format!("SELECT * FROM {table} ORDER BY rowid")).await;
                dump.insert(table, rows.iter().map(text).collect());
            }
        }
        dump
    }

    async fn chunks(&self) -> Vec<Chunk> {
        let rows = self.rows("SELECT data FROM encounter_event_chunks ORDER BY encounter_id, first_sequence").await;
        rows.iter().map(|r| decode(r.get("data"))).collect()
    }
}

async fn read(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    options.connect().await.expect("opened to read")
}

async fn rows(connection: &mut SqliteConnection, sql: &str) -> Vec<SqliteRow> {
    sqlx::query(AssertSqlSafe(sql)).fetch_all(connection).await.expect("rows")
}

async fn tables(connection: &mut SqliteConnection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
    rows(connection, sql).await.iter().map(|r| r.get(0)).collect()
}

fn decode<T: for<'de> Deserialize<'de>>(data: &[u8]) -> T {
    let plain = zstd::decode_all(data).expect("zstd");
    rmp_serde::from_slice(&plain).expect("a chunk")
}

fn text(row: &SqliteRow) -> String {
    let mut text = String::new();
    for column in row.columns() {
        let i = column.ordinal();
        let value = row.try_get_raw(i).expect("a value");
        let kind = if value.is_null() { "NULL".to_owned() } else { value.type_info().name().to_owned() };
        let written = match kind.as_str() {
            "NULL" => write!(text, "null|"),
            "TEXT" => write!(text, "{:?}|", row.get_unchecked::<String, _>(i)),
            "BLOB" => write!(text, "{:x?}|", row.get_unchecked::<Vec<u8>, _>(i)),
            "REAL" => write!(text, "{}|", row.get_unchecked::<f64, _>(i)),
            _ => write!(text, "{}|", row.get_unchecked::<i64, _>(i)),
        };
        written.expect("a String takes all");
    }
    text
}

fn is_player(fight: &Fight, uid: i64) -> bool {
    fight.players.iter().any(|p| p.uid == uid)
}

/// Hits and sum per source, target and skill.
fn sums(fight: &Fight, kind: HitKind) -> BTreeMap<SkillKey, (i64, i64)> {
    let mut sums: BTreeMap<SkillKey, (i64, i64)> = BTreeMap::new();
    for hit in fight.hits.iter().filter(|h| h.kind == kind) {
        let sum = sums.entry((hit.source, hit.target, hit.base_skill_id)).or_default();
        *sum = (sum.0 + 1, sum.1 + hit.amount);
    }
    sums
}

#[tokio::test]
async fn aggregate_skill_rows_equal_the_fight() {
    let fight = Script::party(11).fight();
    let database = Database::of(Generation::Aggregate, std::slice::from_ref(&fight)).await;
    for (kind, sql) in [
        (
            HitKind::Damage,
            "SELECT attacker_id, defender_id, skill_id, hits, total_value, hit_details FROM damage_skill_stats",
        ),
        (HitKind::Heal, "SELECT healer_id, target_id, skill_id, hits, total_value, heal_details FROM heal_skill_stats"),
    ] {
        let mut found = BTreeMap::new();
        for row in database.rows(sql).await {
            let array: Vec<serde_json::Value> = serde_json::from_str(row.get(5)).expect("an array");
            let name = if kind == HitKind::Damage { "damage" } else { "heal" };
            let sum: i64 = array.iter().filter_map(|h| h[name].as_i64()).sum();
            assert_eq!((row.get::<i64, _>(3), row.get::<i64, _>(4)), (array.len() as i64, sum));
            found.insert((row.get(0), row.get(1), row.get(2)), (row.get(3), row.get(4)));
        }
        assert_eq!(found, sums(&fight, kind));
    }
}

#[tokio::test]
async fn aggregate_counters_equal_the_fight() {
    let fight = Script { wipe: true, segments: true, ..Script::party(12) }.fight();
    let database = Database::of(Generation::Aggregate, std::slice::from_ref(&fight)).await;
    let of = |kind: HitKind, test: &dyn Fn(&raidcast_meterkit::Hit) -> bool| -> i64 {
        fight.hits.iter().filter(|h| h.kind == kind && test(h)).map(|h| h.amount).sum()
    };
    let boss = fight.monsters.iter().find(|m| m.is_boss).expect("a boss");

    let encounter = &database.rows("SELECT * FROM encounters").await[0];
    assert_eq!(encounter.get::<i64, _>("total_dmg"), of(HitKind::Damage, &|_| true));
    assert_eq!(encounter.get::<i64, _>("total_heal"), of(HitKind::Heal, &|_| true));
    assert_eq!(encounter.get::<f64, _>("duration").to_string(), "60");
    assert_eq!(encounter.get::<i64, _>("ended_at_ms"), fight.started_at_ms + 60_000);

    for row in database.rows("SELECT * FROM actor_encounter_stats").await {
        let id: i64 = row.get("actor_id");
        assert_eq!(row.get::<bool, _>("is_player"), is_player(&fight, id));
        assert_eq!(row.get::<bool, _>("is_local_player"), id == fight.local_player_id);
        assert_eq!(row.get::<i64, _>("damage_dealt"), of(HitKind::Damage, &|h| h.source == id));
        assert_eq!(row.get::<i64, _>("heal_dealt"), of(HitKind::Heal, &|h| h.source == id));
        assert_eq!(
            row.get::<i64, _>("boss_damage_dealt"),
            of(HitKind::Damage, &|h| h.source == id && h.target == boss.entity_id)
        );
        assert_eq!(
            row.get::<i64, _>("damage_taken"),
            of(HitKind::Damage, &|h| h.target == id && !is_player(&fight, h.source))
        );
        assert_eq!(row.get::<i64, _>("crit_total_dealt"), of(HitKind::Damage, &|h| h.source == id && h.crit));
        let revives = fight.revives.iter().filter(|r| r.player == id).count() as i64;
        assert_eq!(row.get::<i64, _>("revives"), revives);
        let dps = if is_player(&fight, id) { of(HitKind::Damage, &|h| h.source == id) as f64 / 60.0 } else { 0.0 };
        assert!((row.get::<f64, _>("dps") - dps).abs() < 1e-6);
    }

    let row = &database.rows("SELECT * FROM encounter_bosses").await[0];
    assert_eq!(row.get::<String, _>("monster_name"), boss.name);
    assert_eq!(row.get::<i64, _>("total_damage"), of(HitKind::Damage, &|h| h.target == boss.entity_id));
    assert_eq!(row.get::<Option<i64>, _>("max_hp"), boss.max_hp);
    assert!(row.get::<bool, _>("is_defeated"));

    assert_eq!(database.integer("SELECT count(*) FROM death_events").await, fight.deaths.len() as i64);
    assert_eq!(database.integer("SELECT count(*) FROM entities").await, fight.players.len() as i64);
    let attempts = database.rows("SELECT * FROM attempts ORDER BY id").await;
    assert_eq!(attempts.len(), 2);
    assert!(attempts[0].get::<Option<i64>, _>("ended_at_ms").is_some());
    assert!(attempts[1].get::<Option<i64>, _>("ended_at_ms").is_none());
    let on_boss = "SELECT sum(total_damage) FROM dungeon_segments WHERE segment_type = 'boss'";
    assert_eq!(database.integer(on_boss).await, of(HitKind::Damage, &|h| h.target == boss.entity_id));
}

#[tokio::test]
async fn aggregate_specs_stand_in_the_older_numbering() {
    let mut fight = Script::party(1).fight();
    for (player, (class_id, spec)) in fight.players.iter_mut().zip([(1, 2), (3, 6), (4, 7), (13, 18), (11, 0)]) {
        (player.class_id, player.spec) = (class_id, spec);
    }
    let uids: Vec<i64> = fight.players.iter().map(|p| p.uid).collect();
    let database = Database::of(Generation::Aggregate, &[fight]).await;
    let mut specs = vec![];
    for uid in uids {
        let row = &database.rows(&format!("SELECT class_spec FROM entities WHERE entity_id = {uid}")).await[0];
        specs.push(row.get::<Option<i64>, _>(0));
    }
    assert_eq!(specs, [Some(2), None, Some(5), Some(16), None]);
}

#[tokio::test]
async fn events_of_chunks_equal_the_fight() {
    let fight = Script::party(13).fight();
    let database = Database::of(Generation::Chunks, std::slice::from_ref(&fight)).await;
    let mut found: BTreeMap<(&str, SkillKey), (i64, i64, i64)> = BTreeMap::new();
    let chunks = database.chunks().await;
    for event in chunks.iter().flat_map(|c| &c.events) {
        let Event::Hit(hit) = event else { continue };
        let source = hit.source_entity_id.expect("a source");
        let bits = |uuid: i64| if is_player(&fight, uuid >> 16) { CHARACTER_BITS } else { MONSTER_BITS };
        assert_eq!((source & 0xffff, hit.target_entity_id & 0xffff), (bits(source), bits(hit.target_entity_id)));
        let kind = match hit.metric {
            Metric::Damage => "damage",
            Metric::Healing => "healing",
            Metric::DamageTaken => "taken",
        };
        let base = hit.base_skill_id.expect("a base skill");
        assert_eq!(hit.skill_id.to_string(), format!("1{base}01"));
        let sum = found.entry((kind, (source >> 16, hit.target_entity_id >> 16, base))).or_default();
        let (amount, effective) = (hit.amount as i64, hit.effective_amount as i64);
        *sum = (sum.0 + 1, sum.1 + amount, sum.2 + effective);
    }
    let mut expected: BTreeMap<(&str, SkillKey), (i64, i64, i64)> = BTreeMap::new();
    for hit in &fight.hits {
        let kind = match hit.kind {
            HitKind::Heal => "healing",
            HitKind::Damage if is_player(&fight, hit.source) => "damage",
            HitKind::Damage => "taken",
        };
        let sum = expected.entry((kind, (hit.source, hit.target, hit.base_skill_id))).or_default();
        *sum = (sum.0 + 1, sum.1 + hit.amount, sum.2 + hit.amount - hit.overheal);
    }
    assert_eq!(found, expected);
    let row = &database.rows("SELECT total_dmg, total_dmg_exact FROM encounters").await[0];
    assert_eq!(row.get::<i64, _>(0), fight.player_damage());
    assert_eq!(row.get::<String, _>(1), fight.player_damage().to_string());
}

#[tokio::test]
async fn chunks_are_short_in_one_sequence_and_introduce_players_before_their_hits() {
    let fight = Script::party(14).fight();
    let database = Database::of(Generation::Chunks, std::slice::from_ref(&fight)).await;
    let chunks = database.chunks().await;
    let mut events: Vec<(u64, u64, &Event)> = vec![];
    for chunk in &chunks {
        assert_eq!((chunk.sequences.len(), chunk.offsets_ms.len()), (chunk.events.len(), chunk.events.len()));
        assert!(chunk.offsets_ms[chunk.offsets_ms.len() - 1] - chunk.offsets_ms[0] < 2_000);
        for ((sequence, offset), event) in chunk.sequences.iter().zip(&chunk.offsets_ms).zip(&chunk.events) {
            events.push((*sequence, *offset, event));
        }
    }
    events.sort_by_key(|(sequence, ..)| *sequence);
    assert!(events.iter().map(|e| e.0).eq(1..=events.len() as u64));
    assert!(events.is_sorted_by_key(|e| e.1));
    let mut known = BTreeSet::new();
    for (.., event) in events {
        match event {
            Event::EntityContext(context) => drop(known.insert(context.entity_id)),
            Event::Hit(hit) => assert!(known.contains(&hit.actor_entity_id)),
            Event::Death(_) | Event::SkillCast(_) => {}
        }
    }
}

#[tokio::test]
async fn a_boss_dies_in_chunks_under_a_characters_type_bits() {
    let fight = Script::party(15).fight();
    let boss = fight.monsters.iter().find(|m| m.is_boss).expect("a boss").entity_id;
    let database = Database::of(Generation::Chunks, &[fight]).await;
    let chunks = database.chunks().await;
    let mut deaths = chunks.iter().flat_map(|c| &c.events).filter_map(|e| match e {
        Event::Death(death) => Some(death.entity_id),
        _ => None,
    });
    assert_eq!(deaths.next_back(), Some(boss << 16 | CHARACTER_BITS));
    let mut hits = chunks.iter().flat_map(|c| &c.events);
    assert!(hits.any(|e| matches!(e, Event::Hit(hit) if hit.target_entity_id == boss << 16 | MONSTER_BITS)));
}

#[tokio::test]
async fn a_fight_written_in_steps_equals_one_written_at_once() {
    let fight = Script { wipe: true, segments: true, names: Names::Awkward, ..Script::party(16) }.fight();
    for generation in Generation::ALL {
        let at_once = Database::of(generation, std::slice::from_ref(&fight)).await.dump().await;
        for step_ms in [333, 2_000, 17_001] {
            let database = Database::new();
            let mut writer = database.writer(generation).await;
            writer.begin(&fight).await.expect("begun");
            for ms in (0..=60_000).step_by(step_ms) {
                writer.advance_to(ms).await.expect("advanced");
            }
            writer.end().await.expect("ended");
            writer.close().await.expect("closed");
            assert_eq!(database.dump().await, at_once, "{generation:?} in steps of {step_ms} ms");
        }
    }
}

#[tokio::test]
async fn a_fight_written_live_equals_one_written_at_once() {
    let fight = Script { duration_ms: 20_000, ..Script::party(17) }.fight();
    for generation in Generation::ALL {
        let database = Database::new();
        let mut writer = database.writer(generation).await;
        write_live(&mut writer, &fight, 50.0).await.expect("written");
        writer.close().await.expect("closed");
        let at_once = Database::of(generation, std::slice::from_ref(&fight)).await;
        assert_eq!(database.dump().await, at_once.dump().await);
    }
}

#[tokio::test]
async fn a_step_commits_what_happened_until_then() {
    let fight = Script::party(18).fight();
    let by_then = fight.hits.iter().filter(|h| h.kind == HitKind::Damage && h.at_ms <= 5_000).count() as i64;
    let database = Database::new();
    let mut writer = database.writer(Generation::Aggregate).await;
    writer.begin(&fight).await.expect("begun");
    writer.advance_to(5_000).await.expect("advanced");
    assert_eq!(database.integer("SELECT sum(hits) FROM damage_skill_stats").await, by_then);
    assert_eq!(database.integer("SELECT sum(json_array_length(hit_details)) FROM damage_skill_stats").await, by_then);
    assert_eq!(database.integer("SELECT ended_at_ms IS NULL FROM encounters").await, 1);
}

#[tokio::test]
async fn a_reset_ends_the_fight_where_it_stands() {
    let fight = Script::party(19).fight();
    for generation in Generation::ALL {
        let database = Database::new();
        let mut writer = database.writer(generation).await;
        writer.begin(&fight).await.expect("begun");
        writer.advance_to(20_000).await.expect("advanced");
        writer.reset().await.expect("reset");
        let row = &database.rows("SELECT ended_at_ms, is_manually_reset FROM encounters").await[0];
        assert_eq!((row.get::<i64, _>(0), row.get::<bool, _>(1)), (fight.started_at_ms + 20_000, true));
        assert!(matches!(writer.end().await, Err(MeterkitError::NoFight)));
    }
}

#[tokio::test]
async fn a_night_holds_its_fights_in_order_and_a_restart_clears_up_the_open_one() {
    let night = Script::night(1);
    for generation in Generation::ALL {
        let database = Database::of(generation, &night).await;
        let row = "SELECT group_concat(ended_at_ms IS NULL, ''), group_concat(is_manually_reset, '') FROM encounters";
        let row = &database.rows(row).await[0];
        assert_eq!((row.get::<&str, _>(0), row.get::<&str, _>(1)), ("0001", "0100"));
        let mut writer = database.writer(generation).await;
        writer.restart(night[3].started_at_ms + 3_600_000).await.expect("restarted");
        assert_eq!(database.integer("SELECT count(*) FROM encounters WHERE ended_at_ms IS NULL").await, 0);
        let left = if generation == Generation::Chunks { 3 } else { 4 };
        assert_eq!(database.integer("SELECT count(*) FROM encounters").await, left);
    }
}

#[tokio::test]
async fn awkward_names_come_back_as_they_were() {
    let fight = Script { names: Names::Awkward, players: 20, ..Script::party(20) }.fight();
    for generation in Generation::ALL {
        let database = Database::of(generation, std::slice::from_ref(&fight)).await;
        for player in &fight.players {
            let sql = format!("SELECT name FROM entities WHERE entity_id = {}", player.uid);
            assert_eq!(database.rows(&sql).await[0].get::<String, _>(0), player.name);
        }
    }
}

#[tokio::test]
async fn faults_do_what_they_say_and_nothing_else() {
    let fight = Script::party(21).fight();
    let hit = fight.hits.iter().find(|h| h.kind == HitKind::Damage).expect("a hit");
    let row = SkillRow { encounter: 1, attacker: hit.source, defender: hit.target, skill: hit.base_skill_id };

    let database = Database::of(Generation::Aggregate, std::slice::from_ref(&fight)).await;
    fault::set_hits(&database.path, row, 9_999).await.expect("set");
    assert_eq!(database.integer("SELECT count(*) FROM damage_skill_stats WHERE hits = 9999").await, 1);
    fault::shorten_keys(&database.path).await.expect("shortened");
    let details: String = database.rows("SELECT hit_details FROM damage_skill_stats").await[0].get(0);
    let array: Vec<BTreeMap<String, i64>> = serde_json::from_str(&details).expect("integers");
    assert!(array[0].keys().eq(["c", "h", "l", "s", "t", "v"]));
    let details: String = database.rows("SELECT heal_details FROM heal_skill_stats").await[0].get(0);
    let array: Vec<BTreeMap<String, i64>> = serde_json::from_str(&details).expect("integers");
    assert!(array[0].keys().eq(["c", "l", "t", "v"]));
    fault::break_json(&database.path, row).await.expect("broken");
    let broken = "SELECT count(*) FROM damage_skill_stats WHERE NOT json_valid(hit_details)";
    assert_eq!(database.integer(broken).await, 1);
    let nobody = SkillRow { attacker: -1, ..row };
    assert!(matches!(fault::break_json(&database.path, nobody).await, Err(MeterkitError::NoRow)));

    let database = Database::of(Generation::Chunks, &[fight]).await;
    fault::corrupt_chunk(&database.path, 1, "combat", 3).await.expect("corrupted");
    let rows = database.rows("SELECT data FROM encounter_event_chunks").await;
    let broken = rows.iter().filter(|r| {
        let plain = zstd::decode_all(r.get::<&[u8], _>("data"));
        plain.is_err() || rmp_serde::from_slice::<Chunk>(&plain.expect("checked")).is_err()
    });
    assert_eq!(broken.count(), 1);
}

#[test]
fn a_damage_id_wraps_the_base_skill() {
    assert_eq!(chunks::damage_id(2406), 1_240_601);
    assert_eq!(chunks::damage_id(2_110_137), 1_211_013_701);
    assert_eq!(chunks::damage_id(0), 1_001);
}

#[tokio::test]
async fn a_raid_of_thirty_thousand_hits_is_written_whole() {
    let fight = Script::raid(1).fight();
    for generation in Generation::ALL {
        let database = Database::new();
        let mut writer = database.writer(generation).await;
        write_all(&mut writer, &fight).await.expect("written");
        let total = database.integer("SELECT total_dmg FROM encounters").await;
        assert!(total >= fight.player_damage());
    }
}

/// The real meters' databases.
fn real(generation: Generation) -> Vec<PathBuf> {
    let prefix = if generation == Generation::Aggregate { "aggregate-" } else { "journal-" };
    let entries = std::fs::read_dir(beside().join("meters")).expect("databases of real meters");
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.retain(|p| {
        let name = p.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(prefix) && p.extension().is_some_and(|e| e == "db")
    });
    assert!(!paths.is_empty(), "no databases of {generation:?}");
    paths
}

/// A copy that may be opened; the folder of the real ones cannot be written to.
fn copy(path: &Path) -> Database {
    let database = Database::new();
    std::fs::write(&database.path, std::fs::read(path).expect("read")).expect("copied");
    database
}

#[tokio::test]
#[ignore = "reads ../shared"]
async fn the_schema_has_every_table_and_column_of_the_real_meters() {
    for generation in Generation::ALL {
        let ours = Database::of(generation, &[]).await;
        for path in real(generation) {
            let theirs = copy(&path);
            for table in tables(&mut read(&theirs.path).await).await {
                let columns = format!("SELECT name, upper(type) FROM pragma_table_info('{table}')");
                let of = |rows: Vec<SqliteRow>| -> BTreeSet<(String, String)> {
                    rows.iter().map(|r| (r.get(0), r.get(1))).collect()
                };
                let (theirs, ours) = (of(theirs.rows(&columns).await), of(ours.rows(&columns).await));
                assert_eq!(ours, theirs, "{table} of {}", path.display());
            }
        }
    }
}

#[tokio::test]
#[ignore = "reads ../shared"]
async fn hit_objects_have_the_keys_of_the_real_meters() {
    let ours = Database::of(Generation::Aggregate, &[Script::party(22).fight()]).await;
    for path in real(Generation::Aggregate) {
        let theirs = copy(&path);
        for (table, column) in [("damage_skill_stats", "hit_details"), ("heal_skill_stats", "heal_details")] {
            let sql = format!(
                "SELECT DISTINCT (SELECT group_concat(key || ':' || (type IN ('true', 'false'))) FROM json_each(h.value))
                 FROM {table}, json_each({table}.{column}) h"
            );
            let of = |rows: Vec<SqliteRow>| -> BTreeSet<String> { rows.iter().map(|r| r.get(0)).collect() };
            assert_eq!(of(ours.rows(&sql).await), of(theirs.rows(&sql).await), "{}", path.display());
        }
    }
}

#[tokio::test]
#[ignore = "reads ../shared"]
async fn chunks_have_the_keys_and_types_of_the_real_meters() {
    let ours = shapes(&Database::of(Generation::Chunks, &[Script::party(23).fight()]).await).await;
    for path in real(Generation::Chunks) {
        for (event, theirs) in shapes(&copy(&path)).await {
            let ours = ours.get(&event).unwrap_or_else(|| panic!("{event} is never written"));
            assert!(ours.keys().eq(theirs.keys()), "{event} of {}: {:?}", path.display(), theirs.keys());
            for (key, theirs) in theirs {
                let ours = &ours[&key];
                let common = |kinds: &BTreeSet<&str>| kinds.iter().any(|k| *k != "nil");
                assert!(
                    !common(&theirs) || !common(ours) || ours.intersection(&theirs).any(|k| *k != "nil"),
                    "{event}.{key}: {ours:?}, real {theirs:?}"
                );
            }
        }
    }
}

/// Per event and metric, each key's MessagePack types.
async fn shapes(database: &Database) -> BTreeMap<String, BTreeMap<String, BTreeSet<&'static str>>> {
    let mut shapes: BTreeMap<String, BTreeMap<String, BTreeSet<&'static str>>> = BTreeMap::new();
    for row in database.rows("SELECT data FROM encounter_event_chunks").await {
        let Any::Map(chunk) = decode(row.get("data")) else { panic!("a chunk is a map") };
        assert!(chunk.iter().map(|(k, _)| k.as_str()).eq(["streamKind", "sequences", "offsetsMs", "events"]));
        let Any::Array(events) = &chunk[3].1 else { panic!("events are an array") };
        for event in events {
            let Any::Map(event) = event else { panic!("an event is a map") };
            let [(_, Any::Text(kind)), (_, Any::Map(data))] = event.as_slice() else { panic!("type and data") };
            let metric = data.iter().find_map(|(k, v)| match v {
                Any::Text(metric) if k == "metric" => Some(metric.as_str()),
                _ => None,
            });
            let shape = shapes.entry(format!("{kind} {}", metric.unwrap_or_default())).or_default();
            for (key, value) in data {
                shape.entry(key.clone()).or_default().insert(value.kind());
            }
        }
    }
    shapes
}

/// Any MessagePack value, as far as a chunk has them.
enum Any {
    Nil,
    Bool,
    Integer,
    Text(String),
    Binary(usize),
    Array(Vec<Any>),
    Map(Vec<(String, Any)>),
}

impl Any {
    fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool => "bool",
            Self::Integer => "integer",
            Self::Text(_) => "text",
            Self::Binary(16) => "16 bytes",
            Self::Binary(_) => "bytes",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
        }
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyVisitor;
        impl<'de> Visitor<'de> for AnyVisitor {
            type Value = Any;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_unit<E>(self) -> Result<Any, E> {
                Ok(Any::Nil)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Any, E> {
                Ok(Any::Bool)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Any, E> {
                Ok(Any::Integer)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Any, E> {
                Ok(Any::Integer)
            }
            fn visit_str<E>(self, text: &str) -> Result<Any, E> {
                Ok(Any::Text(text.to_owned()))
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Any, E> {
                Ok(Any::Binary(bytes.len()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Any, A::Error> {
                let mut array = vec![];
                while let Some(value) = seq.next_element()? {
                    array.push(value);
                }
                Ok(Any::Array(array))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
                let mut entries = vec![];
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Any::Map(entries))
            }
        }
        deserializer.deserialize_any(AnyVisitor)
    }
}
