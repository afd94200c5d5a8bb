//! Who is behind sees everything as it was some time ago, on every path that he can ask; members see it now.

use raidcast_shared::feed::{FeedFrame, FeedHappening, FeedRequest, SUBPROTOCOL, SUBPROTOCOL_JSON};
use raidcast_shared::report::Report;
use raidcast_shared::uplink::{Hello, NamesPolicy, Outcome, UplinkReply, Visibility};
use serde_json::Value;

use crate::raw::{becomes, is_put_off};
use crate::script::{KEY, READ_KEY, Script, Spectator, TestRelay, Uploader, header, hello};

fn behind(delay_s: u32) -> Hello {
    Hello { delay_s, ..hello() }
}

/// Damage of so many deltas of a script.
fn damage(deltas: u64) -> u64 {
    (1..=deltas).map(|seq| 3_000 + seq).sum()
}

/// Deltas that have come, by the damage that is shown; `None` of what is no sum of deltas.
fn deltas_in(shown: u64) -> Option<u64> {
    (0..=200).find(|deltas| damage(*deltas) == shown)
}

/// What a stranger is told of a report and its raid, path by path: the status, and how many deltas there are to see.
async fn told(relay: &TestRelay, raid: &str, report: &str) -> Vec<(String, u16, Option<u64>)> {
    let mut told = Vec::new();
    for path in [
        format!("/api/v1/reports/{report}"),
        format!("/api/v1/reports/{report}?from=0&to=100000"),
        format!("/api/v1/reports/{report}/timeline"),
        format!("/api/v1/reports/{report}/details"),
        format!("/api/v1/encounters/{report}"),
        format!("/api/v1/encounters/{report}?timelines=true"),
        format!("/api/v1/reports/{report}/views"),
        format!("/api/v1/raids/{raid}"),
        "/api/v1/reports".to_owned(),
        "/api/v1/encounters".to_owned(),
    ] {
        let (status, body) = relay.get(&path).await;
        // The largest sum that it tells.
        let mut sums = Vec::new();
        sums_of(&body, &mut sums);
        if path.ends_with("/timeline") {
            sums = vec![sums.into_iter().sum()];
        }
        told.push((path, status, sums.into_iter().filter_map(deltas_in).max().filter(|_| status == 200)));
    }
    told
}

fn sums_of(body: &Value, sums: &mut Vec<u64>) {
    match body {
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_sum = ["damage", "totalDamage", "totalDmg"].contains(&name.as_str());
                sums.extend(value.as_u64().filter(|_| is_sum));
                if is_sum && let Some(seconds) = value.as_array() {
                    sums.push(seconds.iter().filter_map(Value::as_u64).sum());
                }
                sums_of(value, sums);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| sums_of(value, sums)),
        _ => {}
    }
}

/// What is told of the fight itself.
fn of_report(told: &[(String, u16, Option<u64>)]) -> Vec<(u16, Option<u64>)> {
    told[..6].iter().map(|(_, status, deltas)| (*status, *deltas)).collect()
}

/// Damage that somebody who joins now is shown, if there is a fight.
async fn joins(relay: &TestRelay, raid: &str, protocol: &str) -> (Option<u64>, Vec<String>, bool) {
    let mut spectator = Spectator::join(relay, raid, protocol).await;
    loop {
        let FeedFrame::Keyframe(keyframe) = spectator.hear().await.expect("the feed goes on") else { continue };
        let deltas = keyframe.fight.map(|fight| deltas_in(fight.head.totals.damage).expect("a sum of deltas"));
        let fights = keyframe.raid.fights.iter().map(|line| format!("{:?}", line.state)).collect();
        return (deltas, fights, keyframe.raid.connected);
    }
}

#[tokio::test]
async fn who_is_no_member_sees_nothing_younger_than_the_delay_on_any_path_and_members_see_it_now() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(60)).await;
    let raid = uploader.welcome.raid.clone();
    let feed = format!("{}/api/v1/raids/{raid}/feed", relay.url);
    let mut strangers = Vec::new();
    for (protocol, ticks) in [(SUBPROTOCOL, 10), (SUBPROTOCOL_JSON, 1)] {
        let mut stranger = Spectator::join_at(&feed, protocol).await;
        stranger.ask(&FeedRequest::Pace { ticks }).await;
        strangers.push(stranger);
    }
    let mut member = Spectator::join_as(&feed, SUBPROTOCOL, Some(READ_KEY)).await;
    let fight = Script::new(40, 2);
    let begun = uploader.begin(&fight).await;
    let report = begun.report.clone();
    uploader.deltas(begun.h, &fight.deltas[..10]).await;
    uploader.acked(10).await;
    relay.pass_ms(30_000);
    uploader.deltas(begun.h, &fight.deltas[10..20]).await;
    uploader.acked(20).await;
    member.until("all of it", |seen| seen.damage == damage(20)).await;
    // Half a minute: nothing of it has come for anybody else.
    let nothing = told(&relay, &raid, &report).await;
    assert_eq!(of_report(&nothing), vec![(404, None); 6], "{nothing:?}");
    assert!(nothing[6..].iter().all(|(_, _, deltas)| deltas.is_none()), "{nothing:?}");
    let (_, page) = relay.get(&format!("/api/v1/raids/{raid}")).await;
    assert_eq!((page["reports"].as_array().map(Vec::len), &page["connected"]), (Some(0), &false.into()), "{page}");
    assert_eq!((&page["delayS"], page["createdAtMs"].as_i64()), (&60.into(), Some(1_789_999_970_000)), "{page}");
    let (_, list) = relay.get("/api/v1/reports").await;
    assert_eq!((list["reports"].as_array().map(Vec::len), &list["pagination"]["total"]), (Some(0), &0.into()));
    for stranger in &mut strangers {
        stranger.echoes().await;
        assert_eq!((stranger.damage(), stranger.events.len()), (0, 0));
    }
    assert_eq!(joins(&relay, &raid, SUBPROTOCOL_JSON).await, (None, vec![], false));
    let (_, own) = relay.get_with(&format!("/api/v1/raids/{raid}"), Some(READ_KEY)).await;
    assert_eq!((own["reports"].as_array().map(Vec::len), &own["delayS"]), (Some(1), &0.into()), "{own}");
    // A minute: what came first.
    relay.pass_ms(30_000);
    for stranger in &mut strangers {
        stranger.until("what came first", |seen| seen.damage == damage(10)).await;
    }
    let first = told(&relay, &raid, &report).await;
    assert_eq!(of_report(&first), vec![(200, Some(10)); 6], "{first:?}");
    assert!(first[6..].iter().all(|(_, _, deltas)| deltas.is_none_or(|deltas| deltas <= 10)), "{first:?}");
    assert_eq!(joins(&relay, &raid, SUBPROTOCOL).await, (Some(10), vec!["Live".into()], true));
    // It ends, and its report is final for members alone.
    assert!(matches!(uploader.end(begun.h, &fight_of(&fight, 20), Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let (_, whole) = relay.get_with(&format!("/api/v1/reports/{report}"), Some(READ_KEY)).await;
    let whole: Report = serde_json::from_value(whole).unwrap();
    assert_eq!((whole.fight.totals.damage, format!("{:?}", whole.state)), (damage(20), "Final".into()));
    let still = told(&relay, &raid, &report).await;
    assert_eq!(of_report(&still), vec![(200, Some(10)); 6], "{still:?}");
    let shown = relay.report(&report).await;
    assert_eq!((format!("{:?}", shown.state), shown.fight.outcome), ("Live".into(), Outcome::Unknown));
    assert_eq!(joins(&relay, &raid, SUBPROTOCOL).await, (Some(10), vec!["Live".into()], true));
    for stranger in &mut strangers {
        stranger.echoes().await;
        assert_eq!((stranger.damage(), stranger.events.len()), (damage(10), 1), "that it began");
    }
    // The uploader goes; what he sent comes when its time has come.
    drop(uploader);
    loop {
        let heard = member.hear().await.expect("the feed goes on");
        if matches!(&heard, FeedFrame::Keyframe(keyframe) if !keyframe.raid.connected) {
            break;
        }
    }
    relay.pass_ms(30_000);
    for stranger in &mut strangers {
        stranger.until("what came then", |seen| seen.damage == damage(20)).await;
        stranger.echoes().await;
        assert_eq!(stranger.events.len(), 1);
    }
    assert_eq!(of_report(&told(&relay, &raid, &report).await), vec![(200, Some(20)); 6]);
    assert_eq!(joins(&relay, &raid, SUBPROTOCOL).await, (Some(20), vec!["Live".into()], true));
    let (_, found) = relay.get("/api/v1/encounters").await;
    assert_eq!(found["encounters"].as_array().map(Vec::len), Some(0), "{found}");
    relay.pass_ms(30_000);
    for stranger in &mut strangers {
        let seen = stranger.until("its end", |seen| seen.state.as_deref() == Some("Final")).await;
        assert_eq!(seen.damage, damage(20));
        stranger.echoes().await;
        assert_eq!((stranger.events.len(), stranger.events_lost), (2, false));
    }
    let shown = relay.report(&report).await;
    assert_eq!(shown, whole, "what is public now is what members saw then");
    assert_eq!(joins(&relay, &raid, SUBPROTOCOL).await, (Some(20), vec!["Final".into()], false));
    // What lists search is made then, too.
    relay.pass_ms(2_000);
    finds(&relay, 1).await;
    relay.stop().await;
}

/// The first of a script's deltas, as a fight of its own.
fn fight_of(fight: &Script, deltas: usize) -> Script {
    let mut shorter = Script::new(40, 2);
    shorter.deltas = fight.deltas[..deltas].to_vec();
    shorter
}

#[tokio::test]
async fn a_longer_delay_holds_the_view_still_and_a_shorter_one_goes_on_at_once() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(0)).await;
    let raid = uploader.welcome.raid.clone();
    let fight = Script::new(60, 2);
    let begun = uploader.begin(&fight).await;
    let report = begun.report.clone();
    uploader.deltas(begun.h, &fight.deltas[..10]).await;
    uploader.acked(10).await;
    let mut stranger = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    stranger.until("all of it", |seen| seen.damage == damage(10)).await;
    let shows = async |deltas: u64, what: &str| {
        let shown = relay.report(&report).await;
        assert_eq!(deltas_in(shown.fight.totals.damage), Some(deltas), "{what}");
        assert_eq!(joins(&relay, &raid, SUBPROTOCOL).await.0, Some(deltas), "{what}");
    };
    // From none to a minute: who watched comes back to what he saw.
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(60)).await;
    while stranger.hear().await.is_some() {}
    assert!(stranger.bye.as_ref().is_some_and(|bye| bye.retry_ms.is_some()), "{:?}", stranger.bye);
    let mut stranger = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    stranger.until("what he saw", |seen| seen.damage == damage(10)).await;
    relay.pass_ms(1_000);
    let again = uploader.begin(&fight).await;
    uploader.deltas(again.h, &fight.deltas[10..20]).await;
    uploader.acked(20).await;
    shows(10, "a minute behind").await;
    relay.pass_ms(59_000);
    shows(10, "a minute behind").await;
    relay.pass_ms(1_000);
    stranger.until("what came a minute ago", |seen| seen.damage == damage(20)).await;
    // Longer: nothing that was seen is taken back, and nothing new is seen until it is reached.
    uploader.deltas(again.h, &fight.deltas[20..30]).await;
    uploader.acked(30).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(600)).await;
    for _ in 0..9 {
        relay.pass_ms(60_000);
        shows(20, "ten minutes behind").await;
    }
    assert_eq!(stranger.damage(), damage(20));
    relay.pass_ms(60_000);
    stranger.until("what came ten minutes ago", |seen| seen.damage == damage(30)).await;
    let again = uploader.begin(&fight).await;
    uploader.deltas(again.h, &fight.deltas[30..40]).await;
    uploader.acked(40).await;
    relay.pass_ms(10_000);
    shows(30, "ten minutes behind").await;
    // Shorter: at once.
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(5)).await;
    shows(40, "five seconds behind").await;
    stranger.until("what came ten seconds ago", |seen| seen.damage == damage(40)).await;
    let again = uploader.begin(&fight).await;
    uploader.deltas(again.h, &fight.deltas[40..50]).await;
    uploader.acked(50).await;
    shows(40, "five seconds behind").await;
    // And none: to all who watch as others do from now on.
    let _uploader = Uploader::connect_as(&relay, KEY, behind(0)).await;
    shows(50, "no delay").await;
    while stranger.hear().await.is_some() {}
    assert!(stranger.bye.as_ref().is_some_and(|bye| bye.retry_ms.is_some()), "{:?}", stranger.bye);
    relay.stop().await;
}

#[tokio::test]
async fn a_relay_that_was_restarted_shows_no_more_than_before() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(120)).await;
    let raid = uploader.welcome.raid.clone();
    // One that has ended, one that goes on.
    let ended = Script::new(10, 2).at(1_789_999_000_000);
    let begun = uploader.begin(&ended).await;
    uploader.deltas(begun.h, &ended.deltas).await;
    assert!(matches!(uploader.end(begun.h, &ended, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let ended = begun.report;
    let fight = Script::new(30, 2);
    let begun = uploader.begin(&fight).await;
    let report = begun.report.clone();
    uploader.deltas(begun.h, &fight.deltas[..10]).await;
    uploader.acked(10).await;
    relay.pass_ms(60_000);
    uploader.deltas(begun.h, &fight.deltas[10..20]).await;
    uploader.acked(20).await;
    drop(uploader);
    relay = relay.restart().await;
    for id in [&ended, &report] {
        let told = told(&relay, &raid, id).await;
        assert_eq!(of_report(&told), vec![(404, None); 6], "{told:?}");
    }
    assert_eq!(joins(&relay, &raid, SUBPROTOCOL).await, (None, vec![], false));
    relay.pass_ms(60_000);
    assert_eq!(of_report(&told(&relay, &raid, &report).await), vec![(200, Some(10)); 6]);
    assert_eq!(of_report(&told(&relay, &raid, &ended).await), vec![(200, Some(10)); 6]);
    let (shown, fights, _) = joins(&relay, &raid, SUBPROTOCOL).await;
    assert_eq!((shown, fights), (Some(10), vec!["Final".into(), "Live".into()]));
    relay.pass_ms(60_000);
    assert_eq!(of_report(&told(&relay, &raid, &report).await), vec![(200, Some(20)); 6]);
    relay.stop().await;
}

#[tokio::test]
async fn who_is_behind_hears_of_a_fight_when_its_time_has_come_and_names_stay_hidden() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let wants = Hello { names: NamesPolicy::Class, visibility: Visibility::Unlisted, ..behind(30) };
    let mut uploader = Uploader::connect_as(&relay, KEY, wants).await;
    let raid = uploader.welcome.raid.clone();
    let channel = uploader.welcome.channel_url.rsplit('/').next().unwrap().to_owned();
    // That there is a raid is not told before its time.
    assert_eq!(relay.get(&format!("/api/v1/live/{channel}")).await.0, 404);
    relay.pass_ms(30_000);
    let mut stranger = Spectator::join_at(&format!("{}/api/v1/live/{channel}/feed", relay.url), SUBPROTOCOL).await;
    let mut reports = Vec::new();
    for number in 0..2 {
        let fight = Script::new(10, 2).at(1_790_000_000_000 + number * 100_000);
        let begun = uploader.begin(&fight).await;
        uploader.deltas(begun.h, &fight.deltas).await;
        assert!(matches!(uploader.end(begun.h, &fight, Outcome::Wipe).await, UplinkReply::Finalized { .. }));
        reports.push(begun.report);
        relay.pass_ms(10_000);
    }
    stranger.echoes().await;
    assert_eq!((stranger.damage(), stranger.events.len()), (0, 0));
    let mut happened = Vec::new();
    // One after the other, each when its time has come.
    for fights in 1..=2 {
        relay.pass_ms(10_000);
        while happened.len() < 2 * fights {
            let frame = stranger.hear().await.expect("the feed goes on");
            let text = serde_json::to_string(&frame).unwrap();
            assert!(!["Aeris", "Böreas", "はるか"].iter().any(|name| text.contains(name)), "{text}");
            let FeedFrame::Event(event) = frame else { continue };
            let what = match event.what {
                FeedHappening::FightBegan { .. } => "began",
                FeedHappening::FightEnded { .. } => "ended",
                _ => continue,
            };
            happened.push((reports.iter().position(|report| *report == event.report_id), what));
        }
    }
    let all = [(Some(0), "began"), (Some(0), "ended"), (Some(1), "began"), (Some(1), "ended")];
    assert_eq!(happened, all);
    // He is led to neither before that, by any key that players have.
    let shown = relay.report(&reports[1]).await;
    assert!(shown.fight.players.iter().all(|player| player.name.as_ref().is_some_and(|name| name.contains(' '))));
    assert_eq!(joins(&relay, &raid, SUBPROTOCOL).await.1, ["Final", "Final"]);
    relay.stop().await;
}

#[tokio::test]
async fn a_fight_that_begins_changes_nothing_for_who_is_behind_until_its_time_has_come() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(60)).await;
    let raid = uploader.welcome.raid.clone();
    let first = Script::new(10, 2).at(1_789_999_000_000);
    let begun = uploader.begin(&first).await;
    uploader.deltas(begun.h, &first.deltas).await;
    assert!(matches!(uploader.end(begun.h, &first, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    relay.pass_ms(60_000);
    let mut stranger = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    let seen = stranger.until("the first one", |seen| seen.state.as_deref() == Some("Final")).await;
    assert_eq!(seen.damage, damage(10));
    let feed = format!("{}/api/v1/raids/{raid}/feed", relay.url);
    let mut member = Spectator::join_as(&feed, SUBPROTOCOL, Some(READ_KEY)).await;
    let mut frames = Vec::new();
    for number in 0..3 {
        let next = Script::new(5, 2).at(1_790_000_100_000 + number);
        let begun = uploader.begin(&next).await;
        uploader.deltas(begun.h, &next.deltas).await;
        assert!(matches!(uploader.end(begun.h, &next, Outcome::Wipe).await, UplinkReply::Finalized { .. }));
        // When a member has it, a beat has passed in which it would have come to him.
        member.until("the next one", |seen| seen.state.as_deref() == Some("Final") && seen.damage == damage(5)).await;
        member.echoes().await;
        stranger.ask(&FeedRequest::Probe { clock: 0.5 }).await;
        loop {
            match stranger.hear().await.expect("the feed goes on") {
                FeedFrame::Echo(_) => break,
                frame => frames.push(frame),
            }
        }
    }
    assert!(frames.is_empty(), "he hears nothing of it: {frames:?}");
    relay.pass_ms(60_000);
    let before = stranger.events.len();
    while stranger.events.len() < before + 6 {
        stranger.hear().await.expect("three have begun and ended");
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_replay_of_a_fight_that_goes_on_ends_where_the_delay_does() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(60)).await;
    let raid = uploader.welcome.raid.clone();
    let fight = Script::new(60, 2);
    let begun = uploader.begin(&fight).await;
    let report = begun.report.clone();
    uploader.deltas(begun.h, &fight.deltas[..30]).await;
    uploader.acked(30).await;
    relay.pass_ms(60_000);
    uploader.deltas(begun.h, &fight.deltas[30..60]).await;
    uploader.acked(60).await;
    let mut player = Spectator::join(&relay, &format!("{raid}/feed?report={report}&at=0&speed=4"), SUBPROTOCOL).await;
    let mut most = 0;
    while player.hear().await.is_some() {
        most = most.max(player.damage());
    }
    assert!(player.bye.is_some());
    assert_eq!(deltas_in(most), Some(30), "{most}");
    relay.stop().await;
}

/// What a stranger is told of a report, as it stands there.
async fn page(relay: &TestRelay, report: &str) -> Value {
    let (status, body) = relay.get(&format!("/api/v1/reports/{report}")).await;
    assert_eq!(status, 200, "what was seen does not go: {body}");
    body
}

/// How many deltas a member sees, and where the report stands for him.
async fn own(relay: &TestRelay, report: &str) -> (Option<u64>, String) {
    let (_, body) = relay.get_with(&format!("/api/v1/reports/{report}"), Some(READ_KEY)).await;
    let own: Report = serde_json::from_value(body).unwrap();
    (deltas_in(own.fight.totals.damage), format!("{:?}", own.state))
}

/// How many fights searches count, and how many they list.
async fn found(relay: &TestRelay) -> (u64, usize) {
    let (_, found) = relay.get("/api/v1/encounters").await;
    let listed = found["encounters"].as_array().map_or(0, Vec::len);
    (found["pagination"]["total"].as_u64().unwrap(), listed)
}

/// Waits until searches find so many, also where the clock was set on and who sleeps until then does not know it.
async fn finds(relay: &TestRelay, count: usize) {
    becomes("the search finds it", async || {
        relay.relay.as_ref().unwrap().registry().context.derive.came();
        found(relay).await == (count as u64, count)
    })
    .await;
}

/// No frame but echoes comes.
async fn hears_nothing(spectator: &mut Spectator) {
    spectator.ask(&FeedRequest::Probe { clock: 0.5 }).await;
    match spectator.hear().await.expect("the feed goes on") {
        FeedFrame::Echo(_) => {}
        frame => panic!("{frame:?}"),
    }
}

#[tokio::test]
async fn another_reading_of_a_fight_is_seen_when_it_has_come_and_the_first_until_then() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(60)).await;
    let raid = uploader.welcome.raid.clone();
    let fight = Script::new(20, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..10]).await;
    uploader.acked(10).await;
    relay.pass_ms(60_000);
    let mut stranger = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    stranger.until("the first reading", |seen| seen.damage == damage(10)).await;
    let first = page(&relay, &begun.report).await;
    let other = Script::new(20, 3);
    let again = uploader.begin(&other).await;
    uploader.deltas(again.h, &other.deltas).await;
    uploader.acked(20).await;
    becomes("a member sees it at once", async || own(&relay, &begun.report).await.0 == Some(20)).await;
    for _ in 0..3 {
        assert_eq!(page(&relay, &begun.report).await, first);
        assert_eq!(of_report(&told(&relay, &raid, &begun.report).await), vec![(200, Some(10)); 6]);
        assert_eq!(joins(&relay, &raid, SUBPROTOCOL).await, (Some(10), vec!["Live".into()], true));
        relay.pass_ms(15_000);
    }
    stranger.echoes().await;
    assert_eq!(stranger.damage(), damage(10));
    relay.pass_ms(15_000);
    stranger.until("the other reading", |seen| seen.damage == damage(20)).await;
    assert_eq!(of_report(&told(&relay, &raid, &begun.report).await), vec![(200, Some(20)); 6]);
    relay.stop().await;
}

#[tokio::test]
async fn another_reading_of_a_report_that_is_final_takes_its_place_when_it_has_come() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(60)).await;
    let raid = uploader.welcome.raid.clone();
    let fight = fight_of(&Script::new(20, 2), 10);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Wipe).await, UplinkReply::Finalized { .. }));
    let held = || relay.relay.as_ref().unwrap().registry().context.memory.bytes();
    let with_deltas = held();
    relay.pass_ms(60_000);
    let first = page(&relay, &begun.report).await;
    finds(&relay, 1).await;
    let mut stranger = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    stranger.until("the first reading", |seen| seen.state.as_deref() == Some("Final")).await;
    stranger.echoes().await;
    becomes("the task holds no deltas of it any more", async || held() < with_deltas).await;
    let other = Script::new(20, 3);
    let again = uploader.begin(&other).await;
    uploader.deltas(again.h, &other.deltas).await;
    uploader.acked(20).await;
    uploader.send_end(again.h, &other, Outcome::Kill).await;
    becomes("a member sees it at once", async || own(&relay, &begun.report).await.0 == Some(20)).await;
    for _ in 0..3 {
        assert_eq!(page(&relay, &begun.report).await, first);
        assert_eq!(of_report(&told(&relay, &raid, &begun.report).await), vec![(200, Some(10)); 6]);
        assert_eq!(joins(&relay, &raid, SUBPROTOCOL).await, (Some(10), vec!["Final".into()], true));
        assert_eq!(found(&relay).await, (1, 1));
        relay.pass_ms(15_000);
    }
    hears_nothing(&mut stranger).await;
    assert_eq!(stranger.damage(), damage(10));
    relay.pass_ms(15_000);
    stranger.until("the other reading", |seen| seen.damage == damage(20)).await;
    assert!(matches!(uploader.ended().await, UplinkReply::Finalized { .. }));
    let now = relay.report(&begun.report).await;
    assert_eq!((format!("{:?}", now.state), now.fight.outcome, now.revision), ("Final".into(), Outcome::Kill, 2));
    finds(&relay, 1).await;
    assert_eq!(joins(&relay, &raid, SUBPROTOCOL).await, (Some(20), vec!["Final".into()], true));
    relay.stop().await;
}

#[tokio::test]
async fn that_a_provisional_report_goes_on_is_seen_when_it_has_come() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_set(data.path(), |config| config.grace_ms = 1_000).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(60)).await;
    let raid = uploader.welcome.raid.clone();
    let fight = Script::new(20, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..10]).await;
    uploader.acked(10).await;
    relay.pass_ms(2_000);
    becomes("its grace is over", async || own(&relay, &begun.report).await.1 == "Provisional").await;
    assert!(matches!(uploader.ended().await, UplinkReply::Finalized { .. }));
    relay.pass_ms(60_000);
    let first = page(&relay, &begun.report).await;
    assert_eq!(first["state"], "provisional");
    let figures = relay.report(&begun.report).await.fight;
    let mut stranger = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    stranger.until("the report", |seen| seen.state.as_deref() == Some("Provisional")).await;
    stranger.echoes().await;
    uploader.deltas(begun.h, &fight.deltas[10..]).await;
    uploader.acked(20).await;
    becomes("a member sees it at once", async || own(&relay, &begun.report).await == (Some(20), "Live".into())).await;
    for _ in 0..3 {
        assert_eq!(relay.report(&begun.report).await.fight, figures);
        assert_eq!(page(&relay, &begun.report).await["state"], "provisional");
        assert_eq!(of_report(&told(&relay, &raid, &begun.report).await), vec![(200, Some(10)); 6]);
        assert_eq!(joins(&relay, &raid, SUBPROTOCOL).await, (Some(10), vec!["Provisional".into()], true));
        let (_, page) = relay.get(&format!("/api/v1/raids/{raid}")).await;
        assert_eq!(page["reports"][0]["state"], "provisional", "{page}");
        relay.pass_ms(15_000);
    }
    assert_eq!(stranger.damage(), damage(10));
    relay.pass_ms(15_000);
    stranger.until("it goes on", |seen| seen.damage == damage(20)).await;
    assert_eq!(of_report(&told(&relay, &raid, &begun.report).await), vec![(200, Some(20)); 6]);
    relay.stop().await;
}

#[tokio::test]
async fn a_better_upload_of_what_is_seen_takes_its_place_when_it_has_come() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(60)).await;
    let raid = uploader.welcome.raid.clone();
    let script = Script::new(1, 2).told_as_sums();
    let begun = uploader.begin(&script).await;
    uploader.deltas(begun.h, &script.deltas).await;
    assert!(matches!(uploader.end(begun.h, &script, Outcome::Wipe).await, UplinkReply::Finalized { .. }));
    relay.pass_ms(60_000);
    let first = page(&relay, &begun.report).await;
    finds(&relay, 1).await;
    let whole = crate::uploads::long(200);
    let known = crate::uploads::ids(&relay, KEY, &[whole]).await;
    assert_eq!(known.len(), 1);
    for _ in 0..3 {
        assert_eq!(page(&relay, &begun.report).await, first);
        assert_eq!(found(&relay).await, (1, 1));
        relay.pass_ms(15_000);
    }
    // It is on the disk: a restart loses nobody's.
    let relay = relay.restart().await;
    assert_eq!(page(&relay, &begun.report).await["revision"], first["revision"]);
    relay.pass_ms(60_000);
    becomes("the other reading", async || page(&relay, &begun.report).await["revision"] == 2).await;
    let now = page(&relay, &begun.report).await;
    assert_eq!((&now["state"], &now["raid"]), (&"final".into(), &Value::from(raid)));
    finds(&relay, 1).await;
    assert_eq!(crate::uploads::opened(&relay, known[0]).await.report_id, begun.report);
    relay.stop().await;
}

#[tokio::test]
async fn a_channel_leads_to_its_newest_raid_when_that_has_come() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(60)).await;
    let first = uploader.welcome.raid.clone();
    let channel = uploader.welcome.channel_url.rsplit('/').next().unwrap().to_owned();
    let path = format!("/api/v1/live/{channel}");
    let leads = async |key: Option<&str>| {
        let (status, page) = relay.get_with(&path, key).await;
        page["code"].as_str().map(str::to_owned).filter(|_| status == 200)
    };
    assert_eq!((leads(None).await, leads(Some(READ_KEY)).await.as_ref()), (None, Some(&first)));
    let fight = Script::new(10, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(10).await;
    relay.pass_ms(60_000);
    assert_eq!(leads(None).await.as_ref(), Some(&first));
    let feed = format!("{}{path}/feed", relay.url);
    let mut stranger = Spectator::join_at(&feed, SUBPROTOCOL).await;
    stranger.until("the first raid", |seen| seen.damage == damage(10)).await;
    let mut member = Spectator::join_as(&feed, SUBPROTOCOL, Some(READ_KEY)).await;
    member.until("the first raid", |seen| seen.damage == damage(10)).await;
    // Another begins with its first fight: a private one, which nobody but its members may see at all, and then one for
    // all.
    let its_own = |number: i64| Script::new(10, 2).at(header().started_at_ms + number * 1_000_000);
    let night = |number: u128, visibility| Hello {
        raid: raidcast_shared::id::RaidId(uuid::Uuid::from_u128(number)),
        visibility,
        ..behind(60)
    };
    let mut private = Uploader::connect_as(&relay, KEY, night(7, Visibility::Private)).await;
    assert_eq!(leads(Some(READ_KEY)).await.as_ref(), Some(&first));
    private.begin(&its_own(7)).await;
    assert_eq!(leads(Some(READ_KEY)).await.as_ref(), Some(&private.welcome.raid));
    assert_eq!(leads(None).await.as_ref(), Some(&first), "nor is told that it is private");
    while member.hear().await.is_some() {}
    assert!(member.bye.as_ref().is_some_and(|bye| bye.retry_ms.is_some()), "{:?}", member.bye);
    relay.pass_ms(30_000);
    let mut second = Uploader::connect_as(&relay, KEY, night(8, Visibility::Public)).await;
    second.begin(&its_own(8)).await;
    assert_eq!(leads(Some(READ_KEY)).await.as_ref(), Some(&second.welcome.raid));
    assert_eq!(leads(None).await.as_ref(), Some(&first));
    stranger.echoes().await;
    assert!(stranger.bye.is_none());
    // Who comes now by the channel sees what it shows him.
    let mut late = Spectator::join_at(&feed, SUBPROTOCOL).await;
    late.until("the first raid", |seen| seen.damage == damage(10)).await;
    // The private one's time has come: it is private.
    relay.pass_ms(30_000);
    assert_eq!(leads(None).await, None);
    relay.pass_ms(30_000);
    assert_eq!(leads(None).await.as_ref(), Some(&second.welcome.raid));
    for mut spectator in [stranger, late] {
        while spectator.hear().await.is_some() {}
        assert!(spectator.bye.as_ref().is_some_and(|bye| bye.retry_ms.is_some()), "{:?}", spectator.bye);
    }
    relay.stop().await;
}

#[tokio::test]
async fn raids_without_fights_do_not_hide_the_one_that_a_channel_shows_to_others() {
    const EMPTY: u128 = 70;
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(60)).await;
    let first = uploader.welcome.raid.clone();
    let path = format!("/api/v1/live/{}", uploader.welcome.channel_url.rsplit('/').next().unwrap());
    let leads = async |key: Option<&str>| relay.get_with(&path, key).await.1["code"].as_str().map(str::to_owned);
    let fight = Script::new(10, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(10).await;
    drop(uploader);
    relay.pass_ms(60_000);
    let night = |number: u128, delay_s| Hello {
        raid: raidcast_shared::id::RaidId(uuid::Uuid::from_u128(number)),
        ..behind(delay_s)
    };
    // More than are read at once: some that others know of by now, some that they do not.
    for number in 0..EMPTY {
        drop(Uploader::connect_as(&relay, KEY, night(100 + number, if number < 35 { 0 } else { 60 })).await);
    }
    let mut last = Uploader::connect_as(&relay, KEY, night(7, 60)).await;
    last.begin(&Script::new(10, 2).at(header().started_at_ms + 1_000_000)).await;
    assert_eq!(leads(Some(READ_KEY)).await.as_ref(), Some(&last.welcome.raid));
    assert_eq!(leads(None).await.as_ref(), Some(&first));
    relay.pass_ms(60_000);
    assert_eq!(leads(None).await.as_ref(), Some(&last.welcome.raid));
    relay.stop().await;
}

/// Nobody would look at it again: its row says that its report is final, and another fight is the newest.
#[tokio::test]
async fn another_reading_that_waits_takes_its_place_after_a_restart_though_its_client_is_gone() {
    const EARLIER_MS: i64 = 1_789_999_000_000;
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(60)).await;
    let fight = fight_of(&Script::new(20, 2), 10).at(EARLIER_MS);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Wipe).await, UplinkReply::Finalized { .. }));
    let last = Script::new(5, 2);
    let newest = uploader.begin(&last).await;
    uploader.deltas(newest.h, &last.deltas).await;
    assert!(matches!(uploader.end(newest.h, &last, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    relay.pass_ms(60_000);
    finds(&relay, 2).await;
    let first = page(&relay, &begun.report).await;
    let other = Script::new(20, 3).at(EARLIER_MS);
    let again = uploader.begin(&other).await;
    uploader.deltas(again.h, &other.deltas).await;
    uploader.acked(20).await;
    uploader.send_end(again.h, &other, Outcome::Kill).await;
    uploader.acked(20).await;
    drop(uploader);
    let relay = relay.restart().await;
    let seen = (Some(20), "Live".to_owned());
    becomes("a member sees it again", async || own(&relay, &begun.report).await == seen).await;
    for _ in 0..3 {
        assert_eq!(page(&relay, &begun.report).await["revision"], first["revision"]);
        relay.pass_ms(15_000);
    }
    relay.pass_ms(15_000);
    becomes("it takes its place", async || page(&relay, &begun.report).await["revision"] == 2).await;
    let now = relay.report(&begun.report).await;
    assert_eq!((now.fight.outcome, now.fight.totals.damage), (Outcome::Kill, damage(20)));
    becomes("nothing is left to be done", async || relay.store.unsettled_encounters().await.unwrap().is_empty()).await;
    relay.stop().await;
}

/// Or who watches by it comes and is sent away, again and again, until the delay is over.
#[tokio::test]
async fn a_channel_takes_in_whom_it_leads_after_a_restart_and_after_another_delay() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let uploader = Uploader::connect_as(&relay, KEY, behind(60)).await;
    let first = uploader.welcome.raid.clone();
    let channel = uploader.welcome.channel_url.rsplit('/').next().unwrap().to_owned();
    let path = format!("/api/v1/live/{channel}");
    relay.pass_ms(60_000);
    let night = |delay_s| Hello { raid: raidcast_shared::id::RaidId(uuid::Uuid::from_u128(7)), ..behind(delay_s) };
    let second = Uploader::connect_as(&relay, KEY, night(60)).await;
    drop((uploader, second));
    let relay = relay.restart().await;
    // It goes on with the second, which writes where the channel is.
    let mut second = Uploader::connect_as(&relay, KEY, night(60)).await;
    second.begin(&Script::new(10, 2)).await;
    let leads = async || relay.get(&path).await.1["code"].as_str().map(str::to_owned);
    let takes_in = async || {
        let mut stranger = Spectator::join_at(&format!("{}{path}/feed", relay.url), SUBPROTOCOL).await;
        stranger.echoes().await;
        assert!(stranger.bye.is_none(), "{:?}", stranger.bye);
    };
    assert_eq!(leads().await.as_ref(), Some(&first));
    takes_in().await;
    drop(second);
    let second = Uploader::connect_as(&relay, KEY, night(0)).await;
    assert_eq!(leads().await.as_ref(), Some(&second.welcome.raid));
    takes_in().await;
    relay.stop().await;
}

#[tokio::test]
async fn that_a_raid_goes_on_again_is_told_when_it_has_come() {
    const DAY_MS: i64 = 24 * 3_600_000;
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(60)).await;
    let raid = uploader.welcome.raid.clone();
    let path = format!("/api/v1/raids/{raid}");
    let open = async |key: Option<&str>| {
        let (_, page) = relay.get_with(&path, key).await;
        (page["open"].as_bool().unwrap(), page["connected"].as_bool().unwrap())
    };
    assert_eq!((open(None).await, open(Some(READ_KEY)).await), ((false, false), (true, true)));
    relay.pass_ms(60_000);
    assert_eq!(open(None).await, (true, true));
    let fight = Script::new(10, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(10).await;
    drop(uploader);
    becomes("it is gone", async || !open(Some(READ_KEY)).await.1).await;
    assert_eq!(open(None).await, (true, true));
    relay.pass_ms(2 * DAY_MS);
    assert_eq!((open(None).await, open(Some(READ_KEY)).await), ((false, false), (false, false)));
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(60)).await;
    let next = Script::new(10, 2).at(1_790_000_900_000);
    let begun = uploader.begin(&next).await;
    uploader.deltas(begun.h, &next.deltas).await;
    uploader.acked(10).await;
    assert_eq!((open(None).await, open(Some(READ_KEY)).await), ((false, false), (true, true)));
    drop(uploader);
    becomes("it is gone", async || !open(Some(READ_KEY)).await.1).await;
    relay.pass_ms(30_000);
    assert_eq!((open(None).await, open(Some(READ_KEY)).await), ((false, false), (true, false)));
    relay.pass_ms(30_000);
    assert!(open(None).await.0);
    relay.stop().await;
}

#[tokio::test]
async fn after_a_delay_was_made_shorter_searches_find_it_soon() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, behind(600)).await;
    let fight = Script::new(10, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    relay.relay.as_ref().unwrap().registry().context.derive.came();
    is_put_off(&relay, raidcast_store::JobKind::Derive).await;
    assert_eq!(found(&relay).await, (0, 0));
    relay.pass_ms(10_000);
    let _uploader = Uploader::connect_as(&relay, KEY, behind(5)).await;
    assert_eq!(page(&relay, &begun.report).await["state"], "final");
    relay.pass_ms(16_000);
    finds(&relay, 1).await;
    relay.stop().await;
}
