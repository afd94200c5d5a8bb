//! A fight streamed from its beginning to its report: figures, states, links, who may see it.

use raidcast_shared::feed;
use raidcast_shared::id::RaidId;
use raidcast_shared::report::Report;
use raidcast_shared::uplink::{
    End, Ending, Hello, Outcome, RefusedCode, RefusedScope, ReportState, UplinkFrame, UplinkReply, Visibility,
};
use raidcast_shared::view;
use uuid::Uuid;

use crate::script::{KEY, OTHER_KEY, Script, Spectator, TestRelay, Uploader, hello, soon, to_all};

/// Name, damage, healing, damage taken, hits, criticals.
type Figures = (Option<String>, u64, u64, Option<u64>, u64, Option<u64>);

fn figures(report: &Report) -> Vec<Figures> {
    let player = |p: &raidcast_shared::report::Player| {
        (p.name.clone(), p.damage, p.healing, p.damage_taken, p.hits, p.crit_hits)
    };
    report.fight.players.iter().map(player).collect()
}

#[tokio::test]
async fn a_fight_is_live_and_then_a_report_under_the_same_id() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(30, 2);
    let begun = uploader.begin(&fight).await;
    assert_eq!(begun.held, None);
    assert_eq!(begun.url, format!("{}/reports/{}", relay.url, begun.report));
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(30).await;

    let live = relay.report(&begun.report).await;
    assert_eq!(live.state, ReportState::Live);
    assert_eq!(live.fight.checksum, fight.checksum().to_string());
    let sum: u64 = (1..=30).map(|seq| 1_000 + seq).sum();
    let expected = vec![
        (Some("<b>Böreas</b>".to_owned()), 60_000, 0, Some(0), 30, None),
        (Some("Aeris".to_owned()), sum, 0, Some(9_000), 30, Some(10)),
        (Some("はるか".to_owned()), 0, 7_500, Some(0), 0, None),
    ];
    assert_eq!(figures(&live), expected);
    assert_eq!((live.fight.bosses[0].name.as_str(), live.fight.bosses[0].damage), ("Kartgriff", 60_000 + sum));
    assert_eq!(live.fight.duration_ms, 2_900);
    assert_eq!(live.fight.players[0].class_id, Some(1), "its skill tells the class");

    let UplinkReply::Finalized { report, state, rev, .. } = uploader.end(begun.h, &fight, Outcome::Kill).await else {
        panic!("not finalized");
    };
    assert_eq!((report.as_str(), state, rev), (begun.report.as_str(), ReportState::Final, 1));
    let kept = relay.report(&begun.report).await;
    assert_eq!((kept.state, kept.fight.outcome), (ReportState::Final, Outcome::Kill));
    assert_eq!((kept.fight.checksum.clone(), kept.unverified.clone()), (live.fight.checksum, None));
    assert_eq!(figures(&kept), expected);
    let timeline = relay.timeline(&begun.report).await;
    assert_eq!(timeline.players[0].damage.iter().sum::<u64>(), 60_000);

    // What is on disk says the same as what was in memory.
    let before = relay.get(&format!("/api/v1/reports/{}", begun.report)).await;
    let relay = relay.restart().await;
    assert_eq!(relay.get(&format!("/api/v1/reports/{}", begun.report)).await, before);
    assert_eq!(relay.timeline(&begun.report).await, timeline);
    relay.stop().await;
}

#[tokio::test]
async fn a_fight_told_as_sums_has_the_figures_of_its_hits_and_says_what_it_lacks() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let (fight, hits) = (Script::new(30, 2).told_as_sums(), Script::new(30, 2));
    assert_eq!(fight.checksum(), hits.checksum());
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let early = relay.report(&begun.report).await;
    assert_eq!(early.fight.players[0].damage, 40_000);
    // The relay ends and starts again in the middle of it.
    let relay = relay.restart().await;
    let mut uploader = Uploader::connect(&relay).await;
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[20..]).await;
    uploader.acked(30).await;
    uploader.end(begun.h, &fight, Outcome::Kill).await;

    let report = relay.report(&begun.report).await;
    assert_eq!((report.unverified.clone(), report.fight.checksum.clone()), (None, hits.checksum().to_string()));
    let shown = view::fight(to_all(&hits.state()), None);
    assert_eq!((report.fight.totals, report.fight.duration_ms), (shown.totals, shown.duration_ms));
    assert_eq!(report.fight.bosses[0].damage, shown.bosses[0].damage);
    let note = report.note.unwrap();
    assert!(note.contains("sums alone") && note.contains("Times are those"), "{note}");
    let timeline = relay.timeline(&begun.report).await;
    assert_eq!(timeline.players[0].damage, [18_000, 20_000, 20_000, 2_000]);
    let (_, span) = relay.get(&format!("/api/v1/reports/{}?from=500&to=1000", begun.report)).await;
    assert_eq!((&span["totals"]["hits"], &span["players"][0]["damage"]), (&10.into(), &10_000.into()));
    relay.stop().await;
}

#[tokio::test]
async fn what_stands_beside_the_figures_comes_to_them_live_and_kept_in_a_part_too() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(30, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(30).await;
    for ended in [false, true] {
        if ended {
            uploader.end(begun.h, &fight, Outcome::Kill).await;
        }
        for (rest, damage) in
            [("", 60_000 + (1..=30).map(|seq| 1_000 + seq).sum::<u64>()), ("?from=500&to=1000", 15_035)]
        {
            let (_, report) = relay.get(&format!("/api/v1/reports/{}{rest}", begun.report)).await;
            let (status, details) = relay.get(&format!("/api/v1/reports/{}/details{rest}", begun.report)).await;
            assert_eq!((status, &details["targets"][0]["damage"]), (200, &damage.into()), "{details}");
            assert_eq!(details["targets"][0]["damage"], report["totals"]["damage"]);
            assert_eq!(details["targets"][0]["boss"], true);
            assert_eq!(details["taken"][0]["total"], report["totals"]["damageTaken"]);
            assert_eq!(details["taken"][0]["by"], "Kartgriff");
            assert_eq!(details["span"], report["span"]);
        }
        let (status, recaps) = relay.get(&format!("/api/v1/reports/{}/recaps", begun.report)).await;
        assert_eq!((status, recaps["deaths"].as_array().map(Vec::len)), (200, Some(0)));
    }
    let (status, refused) = relay.get(&format!("/api/v1/reports/{}/details?from=9&to=3", begun.report)).await;
    assert_eq!((status, &refused["code"]), (400, &"bad_request".into()));
    relay.stop().await;
}

#[tokio::test]
async fn a_span_is_the_fold_of_only_its_events() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(30, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(30).await;
    // Deltas stand at 100 ms, 200 ms, …: half-open means that 500 is in and 1,000 is not.
    let path = format!("/api/v1/reports/{}?from=500&to=1000", begun.report);
    let (_, live) = relay.get(&path).await;
    assert_eq!(live["totals"]["hits"], 10);
    assert_eq!(live["players"][0]["damage"], 10_000);
    assert_eq!(live["players"][0]["name"], "<b>Böreas</b>");
    assert_eq!((&live["durationMs"], &live["players"][0]["dps"]), (&500.into(), &10_000.0.into()));
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let (_, kept) = relay.get(&path).await;
    assert_eq!(kept["players"], live["players"]);
    for bad in ["from=9&to=9", "from=x", "to=-1"] {
        assert_eq!(relay.get(&format!("/api/v1/reports/{}?{bad}", begun.report)).await.0, 400, "{bad}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_report_becomes_provisional_by_grace_and_goes_on_under_the_same_id() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(20, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..10]).await;
    uploader.acked(10).await;
    let mut spectator = Spectator::join(&relay, &uploader.welcome.raid, feed::SUBPROTOCOL).await;
    spectator.until("live", |seen| seen.state.as_deref() == Some("Live")).await;
    relay.pass_ms(600_001);
    spectator.until("provisional", |seen| seen.state.as_deref() == Some("Provisional")).await;
    let report = relay.report(&begun.report).await;
    assert_eq!(report.state, ReportState::Provisional);
    assert!(report.note.is_some_and(|note| note.contains("provisional")));
    assert!(matches!(uploader.reply().await, UplinkReply::Finalized { state: ReportState::Provisional, .. }));

    // The relay is restarted meanwhile: the client finds its place again.
    drop(uploader);
    let relay = relay.restart().await;
    let mut uploader = Uploader::connect(&relay).await;
    let again = uploader.begin(&fight).await;
    let held = again.held.expect("it is held");
    assert_eq!((held.seq, held.state, again.report), (10, ReportState::Provisional, begun.report.clone()));
    uploader.deltas(again.h, &fight.deltas[10..]).await;
    uploader.acked(20).await;
    assert_eq!(relay.report(&begun.report).await.state, ReportState::Live);
    assert!(matches!(
        uploader.end(again.h, &fight, Outcome::Wipe).await,
        UplinkReply::Finalized { state: ReportState::Final, .. }
    ));
    let report = relay.report(&begun.report).await;
    assert_eq!((report.state, report.revision), (ReportState::Final, 1));
    assert_eq!(report.fight.checksum, fight.checksum().to_string());
    relay.stop().await;
}

#[tokio::test]
async fn a_deltas_checksum_that_differs_is_said_at_once_and_the_fight_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let wrong = Script::new(4, 2).checksum();
    for (n, at_the_end) in [(1, false), (2, true)] {
        let mut fight = Script::new(96, 2).at(1_790_000_000_000 + n * 1_000_000);
        let right = |deltas: usize| Script::new(deltas as u64, 2).checksum();
        fight.deltas[31].checksum = Some(wrong);
        fight.deltas[63].checksum = Some(right(64));
        // It is looked at where the protocol has one, and nowhere else.
        fight.deltas[70].checksum = Some(wrong);
        let begun = uploader.begin(&fight).await;
        uploader.deltas(begun.h, &fight.deltas).await;
        let (mut told, mut acked) = (Vec::new(), 0);
        while acked < 96 {
            match uploader.reply().await {
                UplinkReply::Ack { q, .. } => acked = q,
                UplinkReply::Refused(refused) => told.push(refused),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].code, told[0].scope), (RefusedCode::ChecksumDiffers, RefusedScope::Frame));
        assert_eq!((told[0].h, told[0].enc), (Some(begun.h), Some(fight.enc)));
        assert!(told[0].text.contains("delta 32"), "{}", told[0].text);
        let checksum = if at_the_end { wrong } else { fight.checksum() };
        let (ended_at_ms, outcome, meter) = (None, Outcome::Kill, None);
        let ending = Ending { last_seq: 96, ended_at_ms, outcome, checksum, meter };
        uploader.send(&UplinkFrame::End(End { h: begun.h, ending })).await;
        while !matches!(uploader.reply().await, UplinkReply::Finalized { .. }) {}
        let report = relay.report(&begun.report).await;
        assert_eq!(report.unverified.is_some(), at_the_end);
        assert_eq!(report.fight.checksum, fight.checksum().to_string());
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_checksum_that_differs_is_told_with_both_and_the_report_kept() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(5, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(5).await;
    let other = Script::new(4, 2);
    let ending = Ending {
        last_seq: 5,
        ended_at_ms: None,
        outcome: Outcome::Unfinished,
        checksum: other.checksum(),
        meter: Some(raidcast_shared::uplink::MeterTotals {
            damage: 1,
            healing: 1_250,
            damage_by: raidcast_shared::uplink::DamageBy::Players,
        }),
    };
    uploader.send(&UplinkFrame::End(End { h: begun.h, ending })).await;
    while !matches!(uploader.reply().await, UplinkReply::Finalized { .. }) {}
    let report = relay.report(&begun.report).await;
    let unverified = report.unverified.expect("both are told");
    assert_eq!(unverified.client, other.checksum().to_string());
    assert_eq!(unverified.relay, fight.checksum().to_string());
    let differs = report.meter_differs.expect("both are told");
    assert_eq!((differs.meter.damage, differs.report.damage), (1, 15_015));
    assert!(report.note.is_some_and(|note| note.contains("never ended")));
    relay.stop().await;
}

#[tokio::test]
async fn an_absurd_sum_of_the_meter_costs_that_sum_and_not_the_report() {
    let dir = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(dir.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(5, 1);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(5).await;
    let ending = raidcast_shared::uplink::Ending {
        last_seq: 5,
        ended_at_ms: Some(i64::MAX),
        outcome: Outcome::Kill,
        checksum: fight.checksum(),
        meter: Some(raidcast_shared::uplink::MeterTotals {
            damage: 1 << 62,
            healing: u64::MAX,
            damage_by: raidcast_shared::uplink::DamageBy::Everyone,
        }),
    };
    uploader
        .send(&raidcast_shared::uplink::UplinkFrame::End(raidcast_shared::uplink::End { h: begun.h, ending }))
        .await;
    while !matches!(uploader.reply().await, UplinkReply::Finalized { state: ReportState::Final, .. }) {}
    let report = relay.report(&begun.report).await;
    let fight = &report.fight;
    assert_eq!((fight.outcome, fight.ended_at_ms, report.unverified.is_none()), (Outcome::Kill, None, true));
    let differs = report.meter_differs.expect("both are told");
    let most = raidcast_shared::limits::AMOUNT_MAX;
    assert_eq!((differs.meter.damage, differs.meter.healing), (most, most));
    relay.stop().await;
}

#[tokio::test]
async fn private_raids_are_for_the_uploader_and_who_has_a_ticket() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, Hello { visibility: Visibility::Private, ..hello() }).await;
    let fight = Script::new(3, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(3).await;
    let (path, ticket) = begun.url.split_once("?ticket=").expect("the link carries a ticket");
    assert!(path.ends_with(&begun.report));
    let api = format!("/api/v1/reports/{}", begun.report);
    let raid = format!("/api/v1/raids/{}", uploader.welcome.raid);
    for path in [&api, &raid, &format!("{api}/timeline")] {
        assert_eq!(relay.get(path).await.0, 404, "{path}");
        assert_eq!(relay.get_with(path, Some(OTHER_KEY)).await.0, 404, "{path}");
        assert_eq!(relay.get(&format!("{path}?ticket=00")).await.0, 404, "{path}");
        assert_eq!(relay.get(&format!("{path}?ticket={ticket}")).await.0, 200, "{path}");
        assert_eq!(relay.get_with(path, Some(KEY)).await.0, 200, "{path}");
    }
    assert_eq!(relay.get("/api/v1/reports").await.1["pagination"]["total"], 0);
    relay.stop().await;
}

#[tokio::test]
async fn lists_hold_public_reports_live_ones_included() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    for at in 0..3 {
        let fight = Script::new(3, 2).at(1_790_000_000_000 + at * 100_000);
        let begun = uploader.begin(&fight).await;
        uploader.deltas(begun.h, &fight.deltas).await;
        uploader.acked(3).await;
        if at < 2 {
            assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
        }
    }
    let unlisted = Hello { raid: RaidId(Uuid::from_u128(2)), visibility: Visibility::Unlisted, ..hello() };
    let mut other = Uploader::connect_as(&relay, OTHER_KEY, unlisted).await;
    other.begin(&Script::new(1, 2)).await;

    let (_, page) = relay.get("/api/v1/reports?limit=2&page=1").await;
    let next = page["pagination"]["next"].as_str().expect("there is one more").to_owned();
    let counted = serde_json::json!({"page": 1, "limit": 2, "total": 3, "totalPages": 2, "next": next});
    assert_eq!(page["pagination"], counted);
    // What is answered leads on, with whatever limit, and to the end.
    let (_, second) = relay.get("/api/v1/reports?limit=2&page=2").await;
    assert_eq!(second["pagination"]["next"], serde_json::Value::Null);
    let (_, rest) = relay.get(&format!("/api/v1/reports?limit=7&cursor={next}")).await;
    assert_eq!((&rest["reports"], rest["reports"].as_array().unwrap().len()), (&second["reports"], 1));
    let not_counted = serde_json::json!({"page": null, "limit": 7, "total": null, "totalPages": null, "next": null});
    assert_eq!(rest["pagination"], not_counted);
    let states: Vec<_> = page["reports"].as_array().unwrap().iter().map(|report| &report["state"]).collect();
    assert_eq!(states.len(), 2);
    assert!(page["reports"].as_array().unwrap().iter().all(|report| report["totals"]["hits"] == 6));
    let (_, raid) = relay.get(&format!("/api/v1/raids/{}", uploader.welcome.raid)).await;
    assert_eq!(raid["reports"].as_array().unwrap().len(), 3);
    assert_eq!(raid["connected"], true);
    let channel = uploader.welcome.channel_url.rsplit('/').next().unwrap();
    assert_eq!(relay.get(&format!("/api/v1/live/{channel}")).await.1["code"], raid["code"]);
    let both = format!("page=1&cursor={next}");
    let (_, searched) = relay.get("/api/v1/encounters?limit=1").await;
    let of_search = format!("cursor={}", searched["pagination"]["next"].as_str().unwrap_or("00"));
    for bad in ["limit=0", "limit=101", "page=0", "limit=x", "cursor=", "cursor=x", both.as_str(), of_search.as_str()] {
        assert_eq!(relay.get(&format!("/api/v1/reports?{bad}")).await.0, 400, "{bad}");
    }
    soon("stopping", relay.stop()).await;
}
