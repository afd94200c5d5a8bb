//! Requests that the original design's client was made to send, against what is known of their fights.

use std::fs;

use raidcast_ingest::encounters::{ClientId, Received};
use raidcast_shared::event::{ActorKind, HitKind};
use raidcast_shared::uplink::Outcome;

use super::{missing, only};
use crate::figures::{Figures, uid};

/// What is known of a fight.
struct Known {
    name: &'static str,
    local: i64,
    started_at_ms: i64,
    /// Damage by players; its hits, where they are known.
    damage: (u64, Option<u64>),
    to_bosses: [u64; 2],
    /// Healing, heals.
    healing: (u64, Option<u64>),
    taken: u64,
    meter: u64,
    players: usize,
}

const KNOWN: [Known; 6] = [
    Known {
        name: "real-boss-1",
        local: 100_005,
        started_at_ms: 1_787_000_000_000,
        damage: (477_564_479, Some(1_753)),
        to_bosses: [477_564_479, 1_753],
        healing: (157_997_460, Some(1_150)),
        taken: 6_622_051,
        meter: 484_186_530,
        players: 5,
    },
    Known {
        name: "20p-6min-1",
        local: 20_256_633,
        started_at_ms: 1_790_000_000_000,
        // Of the 27,616 hits of the fight 658 are the boss'.
        damage: (244_523_904, Some(26_958)),
        to_bosses: [202_082_283, 22_259],
        healing: (24_359_912, Some(3_232)),
        taken: 1_424_213,
        meter: 245_948_117,
        players: 20,
    },
    Known {
        name: "night-1",
        local: 56_112_158,
        started_at_ms: 1_790_000_000_000,
        damage: (7_778_215, None),
        to_bosses: [5_815_675, 646],
        healing: (0, Some(0)),
        taken: 47_105,
        meter: 7_825_320,
        players: 5,
    },
    Known {
        name: "night-2",
        local: 32_573_510,
        started_at_ms: 1_790_000_080_000,
        damage: (5_213_656, None),
        to_bosses: [4_043_001, 443],
        healing: (842_489, None),
        taken: 39_539,
        meter: 5_253_195,
        players: 5,
    },
    Known {
        name: "night-3",
        local: 56_112_158,
        started_at_ms: 1_790_000_142_000,
        damage: (9_480_739, None),
        to_bosses: [6_485_911, 759],
        healing: (0, Some(0)),
        taken: 45_982,
        meter: 9_526_721,
        players: 5,
    },
    Known {
        name: "night-4",
        local: 11_223_982,
        started_at_ms: 1_790_000_234_000,
        damage: (12_093_807, None),
        to_bosses: [9_004_017, 943],
        healing: (1_374_140, None),
        taken: 58_293,
        meter: 12_152_100,
        players: 8,
    },
];

fn recorded(name: &str) -> Received {
    let file = raidcast_meterkit::beside().join("uploads/original").join(format!("{name}.json.zst"));
    let body = zstd::decode_all(&*fs::read(file).unwrap()).unwrap();
    only(str::from_utf8(&body).unwrap()).unwrap()
}

#[test]
#[ignore = "reads ../shared"]
fn recorded_encounters_come_to_what_is_known_of_their_fights() {
    for known in &KNOWN {
        let name = known.name;
        let Received { uploaded, client_id, meter_version, local_player_uid, checksum } = recorded(name);
        let figures = Figures::of(&uploaded.state);
        let sum = |at: usize| figures.players.values().map(|of| of[at]).sum::<u64>();
        assert_eq!((sum(0), sum(4), sum(6)), (known.damage.0, known.healing.0, known.taken), "{name}");
        for (hits, known) in [(sum(1), known.damage.1), (sum(5), known.healing.1)] {
            assert_eq!(hits, known.unwrap_or(hits), "{name}");
        }
        assert_eq!((figures.to_bosses, figures.players.len()), (known.to_bosses, known.players), "{name}");
        assert_eq!(missing(&uploaded.state), [], "{name}");
        assert_eq!(uploaded.state.summed().hits, 0, "{name}");
        let (header, ending) = (&uploaded.log.header, uploaded.log.ending.as_ref().unwrap());
        assert_eq!((header.local.map(uid), header.started_at_ms), (Some(known.local), known.started_at_ms), "{name}");
        assert_eq!(ending.meter.map(|meter| meter.damage), Some(known.meter), "{name}");
        assert_eq!(ending.outcome, Outcome::Unknown, "{name}");
        let number = name.rsplit('-').next().unwrap().parse().unwrap();
        assert_eq!(client_id, ClientId::Number(number), "{name}");
        assert_eq!(meter_version.as_deref(), Some("0.19.4-beta"), "{name}");
        assert_eq!(local_player_uid.map(u64::cast_signed), Some(known.local), "{name}");
        // Theirs is over JSON without it, which this relay does not try.
        assert_eq!((checksum.client.as_ref().map(String::len), checksum.matches()), (Some(64), Some(false)), "{name}");
    }
}

#[test]
#[ignore = "reads ../shared"]
fn a_recorded_boss_is_told_player_by_player() {
    let state = recorded("real-boss-1").uploaded.state;
    let mut players: Vec<_> =
        Figures::of(&state).players.into_values().map(|of| [of[0], of[1], of[2], of[3]]).collect();
    players.sort_unstable_by(|a, b| b.cmp(a));
    let expected = [
        [174_663_501, 408, 0, 0],
        [106_379_489, 206, 0, 0],
        [105_328_845, 36, 0, 0],
        [46_209_414, 919, 91, 20],
        [44_983_230, 184, 0, 0],
    ];
    assert_eq!(players, expected);
    let heals: u64 = state.rows().iter().filter(|row| row.key.kind == HitKind::Heal).map(|row| row.hits).sum();
    assert_eq!(heals, 1_150);
    let bosses: Vec<_> = state.actors().iter().filter(|actor| actor.boss.get() == Some(&true)).collect();
    assert_eq!(bosses.len(), 1);
    assert_eq!((bosses[0].kind(), bosses[0].name.get().map(String::as_str)), (ActorKind::Monster, Some("Kartgriff")));
}
