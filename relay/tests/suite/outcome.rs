//! What the real client streams of wipes, attempts and heals beside the damage: outcome and rates of the report, of its
//! line in lists and of its spans, from meters that keep every hit.

use raidcast_meterkit::{Death, Fight, Generation, Hit, HitKind, Script};
use raidcast_shared::report::{ActiveTime, Report};
use raidcast_shared::uplink::Outcome;
use serde_json::Value;

use crate::history::{done, relay, upload, write};
use crate::process::{Run, client};

/// When nothing is left but what is told here, ms.
const LAST_MS: i64 = 50_000;

/// Cut off, so that what comes then is all there is.
fn until(mut fight: Fight, ended_ms: i64) -> Fight {
    fight.hits.retain(|hit| hit.at_ms <= LAST_MS);
    fight.deaths.retain(|death| death.at_ms <= LAST_MS);
    fight.revives.retain(|revive| revive.at_ms <= LAST_MS);
    fight.casts.retain(|cast| cast.at_ms <= LAST_MS);
    fight.ended_at_ms = Some(ended_ms);
    fight
}

/// Everybody dies, and the boss lives.
fn wiped() -> Fight {
    let mut fight = until(Script { kill: false, ..Script::party(60) }.fight(), 52_000);
    let boss = fight.monsters.iter().find(|monster| monster.is_boss).map(|boss| boss.entity_id);
    fight.deaths.extend((0..).zip(&fight.players).map(|(at, player)| Death {
        at_ms: LAST_MS + 100 + at * 50,
        actor: player.uid,
        killer: boss,
        skill_id: Some(111_070),
        attempt: Some(1),
    }));
    fight
}

/// One of them lives as well.
fn survived() -> Fight {
    let mut fight = wiped().starting_at(1_790_000_500_000);
    fight.deaths.pop();
    fight
}

/// The boss is dead, and a minute is healed on.
fn healed_on() -> Fight {
    let mut fight = until(Script::party(61).fight().starting_at(1_790_001_000_000), 112_000);
    let boss = fight.monsters.iter().find(|monster| monster.is_boss).map(|boss| boss.entity_id);
    fight.deaths.extend(boss.map(|actor| Death {
        at_ms: LAST_MS,
        actor,
        killer: None,
        skill_id: None,
        attempt: Some(1),
    }));
    let (healer, target) = (fight.players[1].uid, fight.players[0].uid);
    fight.hits.extend((1..=60).map(|second| Hit {
        at_ms: LAST_MS + second * 1_000,
        source: healer,
        target,
        base_skill_id: 1_501,
        kind: HitKind::Heal,
        amount: 5,
        crit: false,
        lucky: false,
        hp_loss: 0,
        shield_loss: 0,
        overheal: 0,
        attempt: Some(1),
    }));
    fight
}

/// A lost attempt, and one that is won.
fn tried_twice() -> Fight {
    Script { wipe: true, ..Script::party(62) }.fight().starting_at(1_790_002_000_000)
}

/// Reports by when their fights began, and the lines of the list.
async fn reports(run: &Run) -> (Vec<Report>, Value) {
    let list = run.get("/api/v1/reports?limit=100").await.expect("a list");
    let mut reports = Vec::new();
    for line in list["reports"].as_array().expect("reports") {
        let id = line["reportId"].as_str().expect("an id");
        let report = run.get(&format!("/api/v1/reports/{id}")).await.expect("a report");
        reports.push(serde_json::from_value::<Report>(report).expect("a report"));
    }
    reports.sort_by_key(|report| report.fight.started_at_ms);
    (reports, list)
}

/// First and last of a fight's hits of a kind that do something and are dealt by players, to what is no player or, if
/// they heal, to anyone.
fn time_of(fight: &Fight, kind: HitKind) -> Option<ActiveTime> {
    let counts = |hit: &&Hit| {
        hit.kind == kind
            && hit.amount > 0
            && fight.player(hit.source).is_some()
            && (kind == HitKind::Heal || fight.player(hit.target).is_none())
    };
    let times = || fight.hits.iter().filter(counts).map(|hit| hit.at_ms as u32);
    let (first_ms, last_ms) = (times().min()?, times().max()?);
    Some(ActiveTime { first_ms, last_ms, duration_ms: last_ms - first_ms })
}

#[tokio::test]
async fn wipes_attempts_and_rates_are_those_of_the_fight() {
    let client = client();
    let fights = [wiped(), survived(), healed_on(), tried_twice()];
    for generation in Generation::ALL {
        let run = Run::new(&client);
        write(&run, generation, &fights).await;
        let mut held = relay(&run).await;
        let (well, told) = done(upload(&run, &client, "state")).await;
        assert!(well, "{generation:?}: {told}");
        let (kept, list) = reports(&run).await;
        let outcomes: Vec<_> = kept.iter().map(|report| report.fight.outcome).collect();
        assert_eq!(outcomes, [Outcome::Wipe, Outcome::Unknown, Outcome::Kill, Outcome::Kill], "{generation:?}");
        let lines = list["reports"].as_array().expect("reports");
        for (report, fight) in kept.iter().zip(&fights) {
            let line = lines.iter().find(|line| line["reportId"] == report.report_id.as_str()).expect("its line");
            assert_eq!(line["outcome"], serde_json::to_value(report.fight.outcome).expect("JSON"));
            let shown = &report.fight;
            assert_eq!(shown.damage_time, time_of(fight, HitKind::Damage), "{generation:?}");
            assert_eq!(shown.healing_time, time_of(fight, HitKind::Heal), "{generation:?}");
            let seconds = f64::from(shown.damage_time.expect("there is damage").duration_ms) / 1000.0;
            let dps: f64 = shown.players.iter().map(|player| player.dps).sum();
            assert!((dps - shown.totals.damage as f64 / seconds).abs() < 1e-3, "{generation:?}");
        }
        assert!(kept[2].fight.duration_ms > 109_000, "healing is of the fight, though not of its DPS");

        // A part of a fight went as the fight did.
        let part =
            run.get(&format!("/api/v1/reports/{}?from=10000&to=20000", kept[0].report_id)).await.expect("a part");
        assert_eq!((&part["outcome"], &part["damageTime"]["durationMs"]), (&"wipe".into(), &10_000.into()));
        if generation == Generation::Aggregate {
            let attempts = &kept[3].fight.attempts;
            let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt.outcome).collect();
            assert_eq!(outcomes, [Outcome::Wipe, Outcome::Kill]);
            // Players stop between the attempts, so each has its own.
            let of_each: Option<u64> = attempts.iter().map(|attempt| attempt.boss_damage).sum();
            assert_eq!(of_each, kept[3].fight.totals.boss_damage);
            assert_eq!(kept[0].fight.attempts[0].outcome, Outcome::Wipe);
            let span = format!("/api/v1/reports/{}?from=0&to=20000", kept[3].report_id);
            let part = run.get(&span).await.expect("a part");
            assert_eq!(part["attempts"][0]["bossDamage"], attempts[0].boss_damage.expect("it is told"));
        }

        // As they are kept, so they are read again.
        held.kill();
        let _held = relay(&run).await;
        assert_eq!(reports(&run).await.0, kept, "{generation:?}");
    }
}
