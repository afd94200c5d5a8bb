//! Requests that uploaders of real meters sent, byte for byte, against what is known of their fights.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use raidcast_ingest::{Check, PlayerData, Uploaded};
use raidcast_shared::event::HitKind;
use raidcast_shared::uplink::{MeterTotals, Outcome};

use crate::figures::{Figures, read, uid};
use crate::streamed::streamed;

/// Bodies of a call, each with the version and the name of its recording.
fn bodies(call: &str) -> Vec<(String, Vec<u8>)> {
    let folder = raidcast_meterkit::beside().join("uploads");
    let mut found = BTreeMap::new();
    for version in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in fs::read_dir(&version).unwrap().map(|entry| entry.unwrap().path()) {
            // A second request of a call has a number behind the call's name.
            let name = file.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
            let Some(name) = name.strip_suffix(".json.zst") else { continue };
            let Some((_, of)) = name.rsplit_once('.') else { continue };
            if of.trim_end_matches(|end: char| end == '-' || end.is_ascii_digit()) == call {
                found.insert(name.to_owned(), zstd::decode_all(&*fs::read(file).unwrap()).unwrap());
            }
        }
    }
    found.into_iter().collect()
}

/// What is known of a fight.
struct Known {
    local: i64,
    started_at_ms: i64,
    /// Damage by players; its hits.
    damage: [u64; 2],
    to_bosses: [u64; 2],
    healing: u64,
    taken: u64,
    meter: u64,
    deaths: usize,
    attempts: usize,
    outcome: Outcome,
    /// In so many requests.
    uploads: usize,
}

const KNOWN: [Known; 5] = [
    Known {
        local: 100_005,
        started_at_ms: 1_787_000_000_000,
        damage: [477_564_479, 1_753],
        to_bosses: [477_564_479, 1_753],
        healing: 157_997_460,
        taken: 6_622_051,
        meter: 484_186_530,
        deaths: 0,
        attempts: 1,
        outcome: Outcome::Kill,
        uploads: 9,
    },
    Known {
        local: 20_256_633,
        started_at_ms: 1_790_000_000_000,
        damage: [244_523_904, 27_616 - 658],
        to_bosses: [202_082_283, 22_259],
        healing: 24_359_912,
        taken: 1_424_213,
        meter: 245_948_117,
        deaths: 6,
        attempts: 2,
        outcome: Outcome::Kill,
        uploads: 5,
    },
    Known {
        local: 56_112_158,
        started_at_ms: 1_790_000_000_000,
        damage: [7_778_215, 0],
        to_bosses: [5_815_675, 646],
        healing: 0,
        taken: 47_105,
        meter: 7_825_320,
        deaths: 0,
        attempts: 2,
        outcome: Outcome::Kill,
        uploads: 5,
    },
    Known {
        local: 32_573_510,
        started_at_ms: 1_790_000_080_000,
        damage: [5_213_656, 0],
        to_bosses: [4_043_001, 443],
        healing: 842_489,
        taken: 39_539,
        meter: 5_253_195,
        deaths: 0,
        attempts: 1,
        outcome: Outcome::Unknown,
        uploads: 4,
    },
    Known {
        local: 56_112_158,
        started_at_ms: 1_790_000_142_000,
        damage: [9_480_739, 0],
        to_bosses: [6_485_911, 759],
        healing: 0,
        taken: 45_982,
        meter: 9_526_721,
        deaths: 1,
        attempts: 2,
        outcome: Outcome::Kill,
        uploads: 5,
    },
];

/// Damage by players and its hits, healing, damage taken.
fn sums(figures: &Figures) -> [u64; 4] {
    let sum = |at: usize| figures.players.values().map(|of| of[at]).sum();
    [sum(0), sum(1), sum(4), sum(6)]
}

fn compare(uploaded: &Uploaded, known: &Known, at: &str) {
    let figures = Figures::of(&uploaded.state);
    let [damage, hits, healing, taken] = sums(&figures);
    assert_eq!((damage, healing, taken), (known.damage[0], known.healing, known.taken), "{at}");
    assert!(known.damage[1] == 0 || known.damage[1] == hits, "{at}: {hits} hits");
    assert_eq!(figures.to_bosses, known.to_bosses, "{at}");
    assert_eq!((figures.deaths, figures.attempts.len()), (known.deaths, known.attempts), "{at}");
    let ending = uploaded.log.ending.as_ref().unwrap();
    assert_eq!(ending.outcome, known.outcome, "{at}");
    assert!(matches!(ending.meter, Some(MeterTotals { damage, .. }) if damage == known.meter), "{at}");
    assert_eq!(uploaded.state.missing(), [], "{at}");
}

#[test]
#[ignore = "reads ../shared"]
fn recorded_uploads_come_to_what_is_known_of_their_fights() {
    let bodies = bodies("upload");
    assert_eq!(bodies.len(), 26);
    let mut uploads: BTreeMap<usize, usize> = BTreeMap::new();
    let (mut encounters, mut checksums, mut hashes) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
    for (name, body) in &bodies {
        for uploaded in read(body) {
            assert_eq!(uploaded.stub, None, "{name}");
            assert_eq!(uploaded.source_hash.as_ref().map(String::len), Some(64), "{name}");
            hashes.extend(uploaded.source_hash.clone());
            encounters.insert(uploaded.encounter);
            let bytes = format!("{:?}", uploaded.log);
            assert!(!bytes.contains("charSerialize"), "{name}");
            let Some(local) = uploaded.log.header.local.map(uid) else {
                assert!(name.contains("batch25"), "{name}");
                continue;
            };
            let is_of = |known: &Known| (known.local, known.started_at_ms) == (local, uploaded.started_at_ms);
            let at = KNOWN.iter().position(is_of).unwrap();
            *uploads.entry(at).or_default() += 1;
            compare(&uploaded, &KNOWN[at], name);
            let is_sums = name.starts_with("0.14.5");
            assert_eq!(uploaded.log.header.knows.hits, !is_sums, "{name}");
            assert_eq!(uploaded.state.summed().hits > 0, is_sums, "{name}");
            let checksum = uploaded.state.checksum();
            assert_eq!(*checksums.entry(uploaded.encounter).or_insert(checksum), checksum, "{name}");
        }
    }
    assert_eq!(uploads.into_values().collect::<Vec<_>>(), KNOWN.map(|known| known.uploads));
    assert_eq!(encounters.len(), 20);

    // Streamed by the client, the same fights have the same names and checksums.
    let mut same = 0;
    for file in ["aggregate-real-boss.db", "aggregate-20p-6min.db", "aggregate-night.db"] {
        for (fight, state) in streamed(&raidcast_meterkit::beside().join("meters").join(file)) {
            if let Some(checksum) = checksums.get(&fight.encounter) {
                assert_eq!(*checksum, state.checksum(), "{file}");
                same += 1;
            }
        }
    }
    assert_eq!(same, KNOWN.len());

    let checks = self::bodies("check");
    assert_eq!(checks.len(), 26);
    for (name, body) in checks {
        let asked = Check::parse(&raidcast_ingest::text(body)).unwrap().hashes;
        assert!(!asked.is_empty() && asked.iter().all(|hash| hashes.contains(hash)), "{name}: {asked:?}");
    }
    for (name, body) in self::bodies("player-data") {
        assert_eq!(PlayerData::count(&raidcast_ingest::text(body)).unwrap(), 1, "{name}");
    }
}

#[test]
#[ignore = "reads ../shared"]
fn a_recorded_boss_is_told_player_by_player() {
    for (name, body) in bodies("upload").into_iter().filter(|(name, _)| name.contains("real-boss")) {
        let state = read(&body).remove(0).state;
        let mut players: Vec<_> =
            Figures::of(&state).players.into_values().map(|of| [of[0], of[1], of[2], of[3]]).collect();
        players.sort_unstable();
        players.reverse();
        let expected = [
            [174_663_501, 408, 0, 0],
            [106_379_489, 206, 0, 0],
            [105_328_845, 36, 0, 0],
            [46_209_414, 919, 91, 20],
            [44_983_230, 184, 0, 0],
        ];
        assert_eq!(players[..5], expected, "{name}");
        let heals: u64 = state.rows().iter().filter(|row| row.key.kind == HitKind::Heal).map(|row| row.hits).sum();
        assert_eq!(heals, 1_150, "{name}");
        let hits: u64 = state.rows().iter().filter(|row| row.key.kind == HitKind::Damage).map(|row| row.hits).sum();
        assert_eq!(hits, 2_143, "{name}");
    }
}

#[test]
#[ignore = "reads ../shared"]
fn fights_without_a_player_and_without_rows_are_reports_too() {
    let mut read_all = Vec::new();
    for (_, body) in bodies("upload").into_iter().filter(|(name, _)| name.contains("batch25")) {
        read_all.extend(read(&body));
    }
    assert_eq!(read_all.len(), 15);
    let damage: Vec<_> = read_all.iter().map(|uploaded| sums(&Figures::of(&uploaded.state))[0]).collect();
    assert_eq!(damage[..4], [7_778_215, 5_213_656, 9_480_739, 12_093_807]);
    assert!(damage[4..].iter().all(|damage| *damage == 0));
    let night_4 = Figures::of(&read_all[3].state);
    assert_eq!(night_4.to_bosses, [9_004_017, 943]);
    assert_eq!(sums(&night_4)[2..], [1_374_140, 58_293]);
    for empty in &read_all[4..] {
        assert_eq!((empty.stub, empty.state.events(), empty.state.missing().len()), (None, 0, 0));
    }
}
