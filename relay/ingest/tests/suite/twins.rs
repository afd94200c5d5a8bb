//! Of fights that one player saw begin in the same ms: which readings are of one, and which are of two.

use raidcast_ingest::{Likeness, Uploaded};
use serde_json::{Value, json};

use crate::figures::only;

const START: i64 = 1_790_000_000_000;

/// Who, when, and how much.
type Hit = (i64, i64, u64);

const FIRST: [Hit; 4] = [(1, 0, 1_000), (1, 4_000, 2_000), (2, 1_000, 3_000), (2, 9_000, 500)];
/// The same, and more behind it.
const LONGER: [Hit; 5] = [(1, 0, 1_000), (1, 4_000, 2_000), (2, 1_000, 3_000), (2, 9_000, 500), (1, 11_000, 700)];

/// A fight as its meter tells it, hit by hit or in sums.
fn fight(ended_ms: Option<i64>, hits: &[Hit], one_by_one: bool) -> Uploaded {
    let row = |player: i64| {
        let (mut entries, mut total) = (Vec::new(), 0_u64);
        for (who, at_ms, damage) in hits {
            if *who == player {
                entries.push(json!({"damage": damage, "ms_from_start": at_ms, "timestamp": START + at_ms}));
                total += *damage;
            }
        }
        let count = entries.len();
        let told = if one_by_one { Value::from(entries).to_string() } else { "[]".to_owned() };
        json!({"attackerId": player, "defenderId": 9_000, "skillId": 7, "hits": count, "totalValue": total,
            "critHits": 0, "luckyHits": 0, "shieldLossTotal": 0, "hitDetails": told})
    };
    let player = |id: i64| json!({"actorId": id, "name": format!("Player {id}"), "classId": 2, "isPlayer": true});
    let fight = json!({
        "startedAtMs": START, "endedAtMs": ended_ms.map(|ended_ms| START + ended_ms), "localPlayerId": 1,
        "actorEncounterStats": [player(1), player(2), player(3)], "damageSkillStats": [row(1), row(2), row(3)],
    });
    only(&json!({"encounters": [fight]}).to_string())
}

/// Whichever of them is held.
fn like(one: &Uploaded, other: &Uploaded) -> Likeness {
    let like = one.likeness(&other.log);
    assert_eq!(other.likeness(&one.log), like);
    like
}

#[test]
fn a_fight_that_comes_again_with_its_end_its_hits_more_of_it_or_rounded_is_the_same() {
    let whole = fight(Some(10_000), &FIRST, true);
    for same in [
        fight(None, &FIRST, true),
        fight(Some(10_000), &FIRST, false),
        fight(Some(10_000), &FIRST[..2], true),
        fight(Some(12_000), &FIRST, true),
    ] {
        assert_eq!(like(&same, &whole), Likeness::Same);
    }
    let rounded: [Hit; 5] = [(1, 400, 1_000), (1, 4_900, 2_000), (2, 1_000, 3_000), (2, 9_000, 500), (2, 10_000, 7)];
    for part in [
        fight(Some(12_000), &LONGER, true),
        fight(Some(12_000), &LONGER, false),
        fight(None, &FIRST[..3], true),
        fight(None, &FIRST[..3], false),
        fight(None, &LONGER, false),
        fight(Some(11_000), &rounded, true),
        // Nobody did anything that could be another thing.
        fight(Some(50), &[], true),
    ] {
        assert_eq!(like(&part, &whole), Likeness::Part);
    }
    // A little that one of them counts and the other does not.
    let counted: [Hit; 2] = [(1, 0, 3_020), (2, 0, 3_490)];
    assert_eq!(like(&fight(Some(10_400), &counted, false), &whole), Likeness::Part);
}

#[test]
fn fights_of_which_neither_tells_what_the_other_tells_are_two() {
    let whole = fight(Some(10_000), &FIRST, true);
    // More of each player, by other hits; a hit in common is chance.
    let greater: [Hit; 4] = [(1, 0, 1_100), (1, 5_000, 2_500), (2, 1_000, 3_300), (2, 15_000, 900)];
    let by_chance: [Hit; 4] = [(1, 0, 1_000), (1, 5_000, 9_000), (2, 2_500, 3_100), (2, 15_000, 900)];
    for (ended_ms, hits) in [(Some(20_000), greater), (None, greater), (Some(20_000), by_chance)] {
        assert_eq!(like(&fight(ended_ms, &hits, true), &whole), Likeness::Other, "{hits:?}");
    }
    // In sums: more of one player and less of another, less of all in more time, others.
    let sums: [[Hit; 2]; 3] =
        [[(1, 0, 9_000), (2, 1_000, 2_000)], [(1, 0, 300), (2, 0, 300)], [(1, 0, 9_000), (3, 0, 9_000)]];
    let in_sums = fight(Some(10_000), &FIRST, false);
    for hits in sums {
        let other = fight(Some(20_000), &hits, false);
        assert_eq!(like(&other, &whole), Likeness::Other, "{hits:?}");
        assert_eq!(like(&other, &in_sums), Likeness::Other, "{hits:?}");
    }
    // Nor does a fight go on for so long after its end, though each did more.
    assert_eq!(like(&fight(Some(30_000), &LONGER, false), &in_sums), Likeness::Other);
}
