//! What is derived: of one reading, whole, and never forgotten.

use std::sync::Arc;

use raidcast_shared::uplink::ReportState;

use super::{Harness, NOW_MS, kept, one_fight};
use crate::{
    Derived, DerivedBoss, DerivedPlayer, DerivedRows, DerivedSkill, EncounterRow, Encounters, FightTime, HeldReport,
    JobKind, Jobs, LeasedJob, Reports, Store, derive_job,
};

const LEASE_MS: i64 = 60_000;
/// It is kept, and no other is of its fight.
const ALONE: Option<Vec<i64>> = Some(Vec::new());
/// The largest amount that is known.
const MOST: i64 = (1 << 53) - 1;

fn rows(players: i64) -> Derived {
    let boss = |number| DerivedBoss {
        number,
        boss_name: "Frost Ögre, \"the\" 2nd \\ '; DROP TABLE jobs; --".into(),
        monster_id: (number > 0).then_some(-1),
        total_damage: MOST,
        hits: 2,
        max_hp: (number > 0).then_some(MOST),
        defeated: [None, Some(true), Some(false)][number as usize],
    };
    let player = |number: i64| DerivedPlayer {
        number,
        actor_id: format!("p{number}"),
        name: (number % 2 == 0).then(|| "Ünïcødé 🐉".into()),
        class_id: (number % 3 == 0).then_some(11),
        class_spec: None,
        ability_score: Some(30_000),
        level: Some(60),
        is_local: number == 0,
        damage_dealt: MOST - number,
        boss_damage_dealt: (number % 2 == 0).then_some(0),
        heal_dealt: 0,
        damage_taken: Some(7),
        hits_dealt: 3,
        hits_heal: 0,
        crit_hits_dealt: (number == 0).then_some(1),
        lucky_hits_dealt: None,
        deaths: Some(0),
    };
    let skill = |player, skill: i64| DerivedSkill {
        player,
        skill,
        skill_id: if skill == 0 { i64::MIN } else { i64::MAX },
        variant_id: (skill > 0).then_some(-7),
        skill_name: (skill > 0).then(|| String::from("<b>")),
        skill_type: skill,
        total_value: MOST,
        hits: 1,
        crit_hits: None,
        lucky_hits: Some(1),
        max_value: (skill > 0).then_some(MOST),
    };
    Derived {
        time: Some(FightTime { first_at_ms: NOW_MS, last_at_ms: NOW_MS + players }),
        bosses: (0..3).map(boss).collect(),
        players: (0..players).map(player).collect(),
        skills: (0..players).flat_map(|of| (0..2).map(move |number| skill(of, number))).collect(),
    }
}

async fn lease(store: &Arc<impl Jobs>) -> Option<LeasedJob> {
    store.lease_job(JobKind::Derive, NOW_MS, NOW_MS + LEASE_MS).await.expect("an answer")
}

async fn seen(store: &Arc<impl Reports>, row: &EncounterRow) -> HeldReport {
    let (row, _) = store.report(&row.report_id).await.expect("an answer").expect("a report");
    HeldReport::from(&row)
}

/// Whatever is kept has a job, of each reading its own, whatever the clock says.
pub async fn a_report_that_is_kept_is_to_be_derived(harness: &impl Harness<Store: Store>) {
    let (store, _, row) = one_fight(harness).await;
    assert_eq!(lease(&store).await, None, "nothing is kept yet");
    for (revision, report) in [
        (1, kept(&row, ReportState::Provisional, 1, 1)),
        (1, kept(&row, ReportState::Final, 1, 1)),
        (2, kept(&row, ReportState::Final, 2, 1)),
    ] {
        store.keep_report(&report).await.expect("a report");
        let job = derive_job(row.key.account, row.row, revision, &row.report_id, report.kept_at_ms);
        let leased = lease(&store).await.expect("a job");
        assert_eq!((leased.key, &leased.data[..]), (job.key, row.report_id.as_bytes()));
        assert_eq!(store.keep_derived(seen(&store, &row).await, &rows(1), leased.key).await.expect("an answer"), ALONE);
        assert_eq!(lease(&store).await, None);
        assert_eq!(store.jobs(JobKind::Derive).await.expect("an answer").count, 0);
    }
}

/// Rows come back as they were, and those of the reading before are gone.
pub async fn derived_rows_are_those_of_the_last_reading(harness: &impl Harness<Store: Store>) {
    let (store, _, row) = one_fight(harness).await;
    assert_eq!(store.derived(row.row).await.expect("an answer"), Derived::default());
    for players in [20, 2, 0, 5] {
        store.keep_report(&kept(&row, ReportState::Final, 1, 1)).await.expect("a report");
        let job = lease(&store).await.expect("a job");
        let rows = if players == 0 { Derived::default() } else { rows(players) };
        assert_eq!(store.keep_derived(seen(&store, &row).await, &rows, job.key).await.expect("an answer"), ALONE);
        assert_eq!(store.derived(row.row).await.expect("an answer"), rows);
    }
    assert_eq!(store.derived(row.row + 1).await.expect("an answer"), Derived::default());
}

/// Of a report that was kept anew meanwhile, nothing is written, and it is still to be derived.
pub async fn rows_of_a_reading_that_was_replaced_are_not_kept(harness: &impl Harness<Store: Store>) {
    let (store, _, row) = one_fight(harness).await;
    store.keep_report(&kept(&row, ReportState::Provisional, 1, 1)).await.expect("a report");
    let job = lease(&store).await.expect("a job");
    let before = seen(&store, &row).await;
    assert_eq!(before.state, ReportState::Provisional);
    store.keep_report(&kept(&row, ReportState::Final, 1, 1)).await.expect("a report");
    assert_eq!(store.keep_derived(before, &rows(1), job.key).await.expect("an answer"), None);
    assert_eq!(store.derived(row.row).await.expect("an answer"), Derived::default());
    assert_eq!(store.jobs(JobKind::Derive).await.expect("an answer").count, 1, "it has the same name");
    assert_eq!(store.keep_derived(seen(&store, &row).await, &rows(2), job.key).await.expect("an answer"), ALONE);
    assert_eq!(store.derived(row.row).await.expect("an answer"), rows(2));
}

/// What is thrown away takes its rows with it.
pub async fn rows_go_with_their_encounter(harness: &impl Harness<Store: Store>) {
    let (store, _, row) = one_fight(harness).await;
    store.keep_report(&kept(&row, ReportState::Final, 1, 1)).await.expect("a report");
    let (job, before) = (lease(&store).await.expect("a job"), seen(&store, &row).await);
    assert_eq!(store.keep_derived(before, &rows(3), job.key).await.expect("an answer"), ALONE);
    assert!(store.discard(row.key.account, row.key.encounter).await.expect("an answer"));
    assert_eq!(store.derived(row.row).await.expect("an answer"), Derived::default());
    assert_eq!(store.keep_derived(before, &rows(3), job.key).await.expect("an answer"), None, "there is none any more");
}

/// All rows can be made again, also after a crash.
pub async fn all_can_be_derived_again(harness: &impl Harness<Store: Store>) {
    let (store, _, row) = one_fight(harness).await;
    assert_eq!(store.derive_again().await.expect("an answer"), 0);
    store.keep_report(&kept(&row, ReportState::Final, 1, 1)).await.expect("a report");
    let job = lease(&store).await.expect("a job");
    assert_eq!(store.keep_derived(seen(&store, &row).await, &rows(3), job.key).await.expect("an answer"), ALONE);
    for _ in 0..2 {
        assert_eq!(store.derive_again().await.expect("an answer"), 1);
        assert_eq!(store.derived(row.row).await.expect("an answer"), Derived::default());
    }
    drop(store);
    let store = harness.open().await;
    let again = lease(&store).await.expect("a job");
    assert_eq!((again.key, again.data), (job.key, job.data), "by the name that it always has");
    assert_eq!(lease(&store).await, None);
}
