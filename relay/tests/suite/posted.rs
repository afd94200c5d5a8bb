//! The client's requests that tell whole fights, against the relay: it comes to the figures of the stream.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use raidcast::clock::Clock;
use raidcast::history::{Plan, Tally};
use raidcast::source::detect::Places;
use raidcast::uploader::{self, Change, Options};
use raidcast_meterkit::encounters::Encounters;
use raidcast_meterkit::upload::{Upload, Uploader};
use raidcast_meterkit::{Fight, Generation, MeterWriter, Script, write_all};
use raidcast_shared::report::{Fight as Figures, Player, Report, SkillKind, TimelineSeries};
use raidcast_shared::uplink::{Outcome, Visibility};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::encounters::PATH;
use crate::people::{Browser, secret_of};
use crate::script::{KEY, OTHER_KEY, READ_KEY, TestRelay};
use crate::uploads::{ids, on_every_database, opened, post};

pub(crate) const BEGAN_MS: i64 = 1_790_000_600_000;
const NOW_MS: i64 = 1_790_003_000_000;

pub(crate) async fn write(db: &Path, generation: Generation, fights: &[Fight]) {
    let mut writer = MeterWriter::open(db, generation).await.expect("the meter writes");
    for fight in fights {
        write_all(&mut writer, fight).await.expect("it is written");
    }
    writer.close().await.expect("it is closed");
}

pub(crate) async fn options(dir: &Path, db: &Path, relay: &TestRelay, state: &str) -> Options {
    let state = dir.join(state);
    let plan = Plan::make_whole(Some(db), &Places::default(), &state, &relay.url, None).await.expect("a plan");
    Options {
        clock: Clock::new(|| NOW_MS),
        db: Some(db.to_owned()),
        places: Places::default(),
        history: Some(plan.history(Duration::from_secs(20))),
        ..Options::new(&relay.url, KEY, state)
    }
}

/// Reports of what is uploaded, by the fight, and what became of all.
async fn upload(options: Options, over_http: bool, relay: &TestRelay) -> (BTreeMap<i64, Report>, Tally) {
    let (mut told, fights) = (Vec::new(), options.history.as_ref().map_or(0, |history| history.fights.len()));
    let shutdown = CancellationToken::new();
    let summary = match over_http {
        true => uploader::post(options, shutdown, |change| told.push(change)).await,
        false => uploader::run(options, shutdown, |change| told.push(change)).await,
    };
    let summary = summary.expect("it comes to its end");
    assert!(summary.complete, "{told:?}");
    let (mut reports, mut tally) = (BTreeMap::new(), Tally::default());
    for change in &told {
        tally.count(change);
        if let Change::Uploaded { fight } = change {
            let report = relay.report(fight.report_id.as_ref().expect("it has a report")).await;
            assert_eq!(fight.url, Some(format!("{}/reports/{}", relay.url, report.report_id)));
            reports.insert(fight.started_at_ms, report);
        }
    }
    assert_eq!(reports.len(), fights);
    (reports, tally)
}

/// Total, hits, critical and lucky ones, and the greatest hit of each skill. The form knows base skills alone.
type Skills = BTreeMap<(i64, bool), (u64, u64, Option<u64>, Option<u64>, Option<u64>)>;

fn skills(player: &Player) -> Skills {
    let mut skills = Skills::new();
    for row in &player.skills {
        let held =
            skills.entry((row.skill_id, row.kind == SkillKind::Healing)).or_insert((0, 0, Some(0), Some(0), Some(0)));
        let sum = |held: Option<u64>, more: Option<u64>| Some(held? + more?);
        *held = (
            held.0 + row.total,
            held.1 + row.hits,
            sum(held.2, row.crit_hits),
            sum(held.3, row.lucky_hits),
            held.4.zip(row.max).map(|(held, of_row)| held.max(of_row)),
        );
    }
    skills
}

/// All that the form can carry is the same.
fn assert_same(posted: &Report, streamed: &Report, what: &str) {
    let (ours, theirs) = (&posted.fight, &streamed.fight);
    let of = |report: &Report| format!("{what} {}", report.fight.started_at_ms);
    assert_eq!(
        (posted.meter_differs.as_ref(), posted.unverified.as_ref()),
        (streamed.meter_differs.as_ref(), streamed.unverified.as_ref()),
        "{}",
        of(streamed)
    );
    let totals = |report: &Report| {
        let totals = &report.fight.totals;
        let taken = (totals.damage_taken, totals.boss_damage);
        (totals.damage, totals.healing, totals.hits, totals.heal_hits, taken)
    };
    assert_eq!(totals(posted), totals(streamed), "{}", of(streamed));
    assert_eq!(
        (ours.timed, ours.damage_time, ours.healing_time),
        (theirs.timed, theirs.damage_time, theirs.healing_time),
        "{}",
        of(streamed)
    );
    assert_eq!(ours.started_at_ms, theirs.started_at_ms);
    assert_eq!((&ours.encounter.scene, ours.encounter.scene_id), (&theirs.encounter.scene, theirs.encounter.scene_id));
    let bosses = |report: &Report| {
        report.fight.bosses.iter().map(|boss| (boss.name.clone(), boss.damage, boss.hits)).collect::<Vec<_>>()
    };
    assert_eq!(bosses(posted), bosses(streamed), "{}", of(streamed));
    assert_eq!(ours.players.len(), theirs.players.len());
    for (ours, theirs) in ours.players.iter().zip(&theirs.players) {
        assert_eq!(skills(ours), skills(theirs), "{}", of(streamed));
        let rates = posted.fight.damage_time.is_some().then_some((theirs.dps, theirs.hps));
        let deaths = None;
        let (dps, hps) = rates.unwrap_or((ours.dps, ours.hps));
        let theirs = Player { deaths, skills: Vec::new(), dps, hps, ..theirs.clone() };
        assert_eq!(Player { skills: Vec::new(), ..ours.clone() }, theirs, "{}", of(streamed));
    }
}

/// What a database comes to by requests is what it comes to by the stream.
async fn compare(db: &Path, what: &str) {
    let dir = tempfile::tempdir().expect("a folder");
    let (one, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (streaming, posting) = (TestRelay::start(one.path()).await, TestRelay::start(other.path()).await);
    let (streamed, _) = upload(options(dir.path(), db, &streaming, "streamed").await, false, &streaming).await;
    let (posted, tally) = upload(options(dir.path(), db, &posting, "posted").await, true, &posting).await;
    assert!(!posted.is_empty(), "{what}");
    assert_eq!((tally.new, posted.len()), (streamed.len() as u64, streamed.len()), "{what}");
    for (started_at_ms, report) in &posted {
        let theirs = &streamed[started_at_ms];
        assert_same(report, theirs, what);
        let expected = if theirs.fight.outcome == Outcome::Unfinished { Outcome::Unfinished } else { Outcome::Unknown };
        assert_eq!(report.fight.outcome, expected, "{what}");
        if !report.fight.timed {
            continue;
        }
        let (ours, theirs) = (posting.timeline(&report.report_id).await, streaming.timeline(&theirs.report_id).await);
        assert_eq!(ours.players.len(), theirs.players.len());
        for (ours, theirs) in ours.players.iter().zip(&theirs.players) {
            assert_eq!(ours.player_key, theirs.player_key);
            let told = |seconds: &[u64]| seconds.iter().copied().filter(|sum| *sum > 0).collect::<Vec<_>>();
            assert_eq!(told(&ours.damage), told(&theirs.damage), "{what}");
            assert_eq!(told(&ours.healing), told(&theirs.healing), "{what}");
        }
    }
    // Each way it is one report: what is streamed is known to a request, and tells more than it.
    let (again, tally) = upload(options(dir.path(), db, &streaming, "again").await, true, &streaming).await;
    assert_eq!((tally.new, tally.known), (0, streamed.len() as u64), "{what}");
    for (started_at_ms, report) in &again {
        let held = &streamed[started_at_ms];
        assert_eq!((&report.report_id, report.revision), (&held.report_id, held.revision), "{what}");
        assert_eq!(report.fight, held.fight, "{what}");
    }
    streaming.stop().await;
    posting.stop().await;
}

#[tokio::test]
async fn a_fight_in_a_request_has_the_figures_of_the_stream() {
    for generation in Generation::ALL {
        let dir = tempfile::tempdir().expect("a folder");
        let db = dir.path().join("meter.db");
        let later = (0..4).map(|n| Script::party(n).fight().starting_at(BEGAN_MS + n as i64 * 100_000));
        write(&db, generation, &Script::night(1).into_iter().chain(later).collect::<Vec<_>>()).await;
        compare(&db, &format!("{generation:?}")).await;
    }
}

/// What a report tells of a fight, but for what it calls things and when its meter closed it.
fn figures(report: &Report) -> Figures {
    let mut fight = report.fight.clone();
    fight.ended_at_ms = None;
    fight.encounter.difficulty = None;
    fight.players.iter_mut().flat_map(|player| &mut player.skills).for_each(|skill| skill.name = None);
    fight
}

/// What players did in a part of a fight: damage and healing, and in how many hits.
async fn part(relay: &TestRelay, report: &Report, from: u32, to: u32) -> BTreeMap<String, [u64; 4]> {
    let (status, body) = relay.get(&format!("/api/v1/reports/{}?from={from}&to={to}", report.report_id)).await;
    assert_eq!(status, 200, "{body}");
    let part: Report = serde_json::from_value(body).expect("a report");
    let players = part.fight.players.into_iter();
    players.map(|of| (of.player_key, [of.damage, of.healing, of.hits, of.heal_hits])).collect()
}

/// Amounts of a player that are not nothing, in their order.
fn amounts(series: &TimelineSeries) -> (&str, [Vec<u64>; 2]) {
    let told = |seconds: &[u64]| seconds.iter().copied().filter(|sum| *sum > 0).collect();
    (&series.player_key, [told(&series.damage), told(&series.healing)])
}

/// As docs/api.md has it, "What each form can carry".
#[tokio::test]
async fn one_fight_streamed_and_by_its_meters_upload_and_posted_has_the_same_figures_side_by_side() {
    on_every_database(async |relay| {
        let dir = tempfile::tempdir().expect("a folder");
        let db = dir.path().join("meter.db");
        let fight = Script::party(0).fight().starting_at(BEGAN_MS);
        write(&db, Generation::Aggregate, std::slice::from_ref(&fight)).await;
        // Three accounts, so that each has a report of its own.
        let (reports, _) = upload(options(dir.path(), &db, &relay, "streamed").await, false, &relay).await;
        let streamed = reports.into_values().next().expect("a report");
        let by_meter = Upload { uploader: Uploader::Hits, key: OTHER_KEY, strangers: &[] };
        let body = by_meter.body(std::slice::from_ref(&fight));
        let body: Value = serde_json::from_slice(&body).expect("a body");
        let fights = body["encounters"].as_array().expect("a list");
        let uploaded = opened(&relay, ids(&relay, OTHER_KEY, fights).await[0]).await;
        let mut ana = Browser::at(&relay, 1);
        let link = secret_of(relay.first_link().expect("nobody administrates it"));
        assert_eq!(ana.join("Ana", Some(&link)).await.status, 201);
        let (_, key) = ana.make_key(&["upload"], None).await;
        let mut form: Value = serde_json::from_str(&Encounters(&[]).body(&fight)).expect("a form");
        form["sceneName"] = json!(streamed.fight.encounter.scene);
        form["sceneId"] = json!(streamed.fight.encounter.scene_id);
        let answer = post(&relay, PATH, &key, &[], form.to_string().as_bytes()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let receipt: Value = serde_json::from_str(&answer.body).expect("a receipt");
        let posted = relay.report(receipt["reportId"].as_str().expect("a report")).await;
        let all = [&streamed, &uploaded, &posted];
        assert!(all.iter().all(|one| all.iter().filter(|other| other.report_id == one.report_id).count() == 1));
        assert!(streamed.fight.totals.damage > 0 && streamed.fight.totals.healing > 0, "{:?}", streamed.fight.totals);

        // Single hits are single hits, whichever way they come.
        assert_eq!(figures(&uploaded), figures(&streamed));
        assert_eq!((&uploaded.unverified, &uploaded.meter_differs), (&streamed.unverified, &streamed.meter_differs));
        assert_same(&posted, &streamed, "posted");
        assert_same(&posted, &uploaded, "posted");
        // What the form cannot carry is not known: never 0, and never made up.
        let not_known = (posted.fight.outcome, posted.fight.totals.deaths, posted.fight.attempts.len());
        assert_eq!(not_known, (Outcome::Unknown, None, 0));
        assert!(posted.fight.deaths.is_empty() && posted.fight.players.iter().all(|player| player.deaths.is_none()));
        assert!(posted.fight.bosses.iter().all(|boss| boss.defeated.is_none() && boss.hp.is_none()));

        let mut timelines = Vec::new();
        for report in all {
            timelines.push(relay.timeline(&report.report_id).await.players);
        }
        assert_eq!(timelines[1], timelines[0]);
        let of_posted: Vec<_> = timelines[2].iter().map(amounts).collect();
        assert_eq!(of_posted, timelines[0].iter().map(amounts).collect::<Vec<_>>());
        assert!(timelines[2].iter().all(|series| series.taken.is_none()));
        let last_ms = streamed.fight.last_ms;
        for (from, to) in [(0, last_ms / 2), (last_ms / 3, last_ms), (1_500, 4_321)] {
            let expected = part(&relay, &streamed, from, to).await;
            assert!(expected.values().any(|sums| sums[0] > 0), "{from} to {to}");
            for report in [&uploaded, &posted] {
                assert_eq!(part(&relay, report, from, to).await, expected, "{from} to {to}");
            }
        }
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
#[ignore = "reads ../shared"]
async fn real_databases_have_the_figures_of_the_stream() {
    let entries = std::fs::read_dir(raidcast_meterkit::beside().join("meters")).expect("a folder of databases");
    let paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    let dir = tempfile::tempdir().expect("a folder");
    for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "db")) {
        let db = dir.path().join(path.file_name().expect("a file"));
        std::fs::copy(path, &db).expect("it is copied");
        compare(&db, &path.display().to_string()).await;
    }
}

#[tokio::test]
async fn a_private_fight_comes_with_the_link_that_opens_it_and_a_key_that_may_not_upload_with_none() {
    let (dir, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let db = dir.path().join("meter.db");
    write(&db, Generation::Aggregate, &[Script::party(1).fight().starting_at(BEGAN_MS)]).await;
    let relay = TestRelay::start(data.path()).await;
    let mut reads = options(dir.path(), &db, &relay, "state").await;
    reads.key = READ_KEY.into();
    let refused = uploader::post(reads, CancellationToken::new(), |_| {}).await.expect_err("it may not");
    assert!(matches!(refused, uploader::WatchError::Forbidden { .. }), "{refused:?}");
    let private = Options { visibility: Some(Visibility::Private), ..options(dir.path(), &db, &relay, "state").await };
    let mut url = None;
    let told = |change| {
        if let Change::Uploaded { fight } = change {
            url = fight.url;
        }
    };
    uploader::post(private, CancellationToken::new(), told).await.expect("it is taken");
    let url = url.expect("a link");
    let (page, ticket) = url.split_once('?').expect("a ticket");
    let path = page.replace(&relay.url, "/api/v1");
    assert_eq!(relay.get(&path).await.0, 404);
    assert_eq!(relay.get(&format!("{path}?{ticket}")).await.0, 200);
    relay.stop().await;
}
