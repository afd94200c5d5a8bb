//! Views of one raid: paces, details, coming back, events that are never skipped, channels that move on.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use raidcast_shared::feed::{FeedFrame, FeedRequest, SUBPROTOCOL, SUBPROTOCOL_JSON};
use raidcast_shared::id::RaidId;
use raidcast_shared::limits::PACES;
use raidcast_shared::uplink::{Delta, Hello, NamesPolicy, Outcome, UplinkReply};
use uuid::Uuid;

use crate::exposition::Metrics;
use crate::replay::{damage_of_first, rows, seen_rows, turning_out};
use crate::script::{KEY, READ_KEY, Script, Seen, Spectator, TestRelay, Uploader, header, hello, soon};

fn is_final(seen: &Seen) -> bool {
    seen.state.as_deref() == Some("Final") && seen.checksum.is_some()
}

/// Sends deltas one by one.
async fn fight_on(uploader: &mut Uploader, h: u32, deltas: &[Delta]) {
    for delta in deltas {
        uploader.deltas(h, std::slice::from_ref(delta)).await;
        uploader.acked(delta.seq).await;
    }
}

/// Damage of a fight's first deltas.
fn damage_of(fight: &Script, deltas: usize) -> u64 {
    fight.deltas[..deltas].iter().map(|delta| 3_000 + delta.seq).sum()
}

/// The same, in parts of four, each of which a spectator sees before the next.
async fn fight_on_before(
    spectator: &mut Spectator,
    uploader: &mut Uploader,
    h: u32,
    fight: &Script,
    part: Range<usize>,
) {
    for from in part.clone().step_by(4) {
        let to = part.end.min(from + 4);
        fight_on(uploader, h, &fight.deltas[from..to]).await;
        spectator.until("this part", |seen| seen.damage == damage_of(fight, to)).await;
    }
}

/// Beats of the fastest pace, in each of which something changes; then all hear what they were sent.
async fn beats(uploader: &mut Uploader, h: u32, deltas: &[Delta], spectators: &mut [Spectator]) {
    // Timers are rounded up to a millisecond.
    let beat = Duration::from_secs(1) / u32::from(PACES[PACES.len() - 1]) + Duration::from_millis(1);
    for delta in deltas {
        fight_on(uploader, h, std::slice::from_ref(delta)).await;
        tokio::time::advance(beat).await;
        // A heartbeat: once it is answered, the beat is over.
        uploader.deltas(h, &[Delta { seq: delta.seq, ..Delta::default() }]).await;
        uploader.acked(delta.seq).await;
    }
    for spectator in spectators {
        spectator.echoes().await;
    }
}

#[tokio::test]
async fn paces_end_on_one_state_with_as_many_ticks_as_they_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let fight = Script::new(60, 2);
    let begun = uploader.begin(&fight).await;
    fight_on(&mut uploader, begun.h, &fight.deltas[..2]).await;
    let mut spectators = Vec::new();
    for (pace, protocol) in [(1, SUBPROTOCOL), (5, SUBPROTOCOL_JSON), (10, SUBPROTOCOL), (10, SUBPROTOCOL_JSON)] {
        let mut spectator = Spectator::join(&relay, &raid, protocol).await;
        spectator.hear().await.expect("a keyframe");
        spectator.ask(&FeedRequest::Pace { ticks: pace }).await;
        spectators.push(spectator);
    }
    // Time passes only where the test moves it: nor does it leap to the next timer while a blocking task is under way.
    tokio::time::pause();
    let (go_on, still) = std::sync::mpsc::sync_channel::<()>(0);
    tokio::task::spawn_blocking(move || still.recv());
    // Within a second every pace has begun.
    beats(&mut uploader, begun.h, &fight.deltas[2..14], &mut spectators).await;
    let before: Vec<_> = spectators.iter().map(|spectator| spectator.ticks).collect();
    beats(&mut uploader, begun.h, &fight.deltas[14..54], &mut spectators).await;
    let ticks: Vec<_> = spectators.iter().zip(before).map(|(spectator, before)| spectator.ticks - before).collect();
    assert_eq!(ticks, [4, 20, 40, 40], "forty beats");
    drop(go_on);
    tokio::time::resume();
    fight_on(&mut uploader, begun.h, &fight.deltas[54..]).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let report = relay.report(&begun.report).await;
    for spectator in &mut spectators {
        let seen = spectator.until("the end", is_final).await;
        assert_eq!(seen.checksum.as_deref(), Some(report.fight.checksum.as_str()));
        assert_eq!(seen.damage, report.fight.totals.damage);
        assert!(spectator.events.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", spectator.events);
    }
    relay.stop().await;
}

#[tokio::test]
async fn details_are_the_skill_rows_of_the_watched_alone() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let fight = Script::new(40, 2);
    let begun = uploader.begin(&fight).await;
    fight_on(&mut uploader, begun.h, &fight.deltas[..10]).await;
    let mut spectators = Vec::new();
    for protocol in [SUBPROTOCOL, SUBPROTOCOL_JSON] {
        let mut spectator = Spectator::join(&relay, &raid, protocol).await;
        let seen = spectator.until("the first deltas", |seen| seen.rows.len() >= 3).await;
        let watched = seen.rows.keys().next().unwrap().clone();
        // Nobody has this key, and more than four are asked for in vain.
        spectator.ask(&FeedRequest::Watch { players: vec![watched.clone(), "nobody".into()] }).await;
        while spectator.details.is_empty() {
            spectator.hear().await.expect("a detail");
        }
        spectator.ask(&FeedRequest::Watch { players: seen.rows.keys().cycle().take(5).cloned().collect() }).await;
        spectators.push((watched, spectator));
    }
    fight_on_before(&mut spectators[0].1, &mut uploader, begun.h, &fight, 10..40).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let report = relay.report(&begun.report).await;
    for (watched, mut spectator) in spectators {
        spectator.until("the end", is_final).await;
        // Details stand behind the tick that they belong to.
        let player = report.fight.players.iter().find(|player| player.player_key == watched).unwrap();
        while spectator.details[&watched] != player.skills {
            spectator.hear().await.expect("the last rows");
        }
        assert_eq!(spectator.details.keys().collect::<Vec<_>>(), [&watched]);
    }
    relay.stop().await;
}

#[tokio::test]
async fn who_comes_back_gets_what_it_missed_or_a_keyframe_whichever_is_smaller() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let fight = Script::new(200, 2);
    let begun = uploader.begin(&fight).await;
    fight_on(&mut uploader, begun.h, &fight.deltas[..100]).await;
    // Somebody stays, so that ticks are made.
    let mut staying = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    let mut spectator = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    spectator.until("the fight", |seen| seen.damage > 0).await;
    for (from, short) in [(100, true), (104, true), (108, false)] {
        let to = if short { from + 4 } else { 200 };
        if short {
            fight_on_before(&mut staying, &mut uploader, begun.h, &fight, from..to).await;
        } else {
            fight_on(&mut uploader, begun.h, &fight.deltas[from..to]).await;
            assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
        }
        spectator = spectator.come_back(&relay, &raid, SUBPROTOCOL).await;
        let seen = spectator.until("what was missed", |seen| seen.damage == damage_of(&fight, to)).await;
        if short {
            assert_eq!((spectator.keyframes, spectator.ticks > 0), (0, true), "a few ticks are less than a keyframe");
        } else {
            assert_eq!(spectator.until("the end", is_final).await.rows, seen.rows);
        }
    }
    // The fight's begin was before it came; its end is told once, whether it was there or not.
    assert!(!spectator.events_lost);
    assert!(spectator.events.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", spectator.events);
    assert!(!spectator.events.is_empty());
    staying.until("the end", is_final).await;
    // An epoch of another run means nothing: a keyframe, which says that events may be missing.
    let url = format!("{}/api/v1/raids/{raid}/feed?epoch=other.5.1&position=7", relay.url);
    let mut stranger = Spectator::join_at(&url, SUBPROTOCOL_JSON).await;
    stranger.until("the end", is_final).await;
    assert_eq!(stranger.keyframes, 1);
    relay.stop().await;
}

#[tokio::test]
async fn events_are_replayed_from_the_ring_or_said_to_be_lost() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let mut spectator = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    spectator.hear().await.expect("a keyframe");
    let mut newest = 0;
    for (fights, lost) in [(3_i64, false), (40, true)] {
        let at = 1_790_000_000_000 + fights * 100_000_000;
        let (told, before) = (spectator.events.clone(), spectator);
        // It is away while fights begin and end: two events each.
        for n in 0..fights {
            let fight = Script::new(2, 2).at(at + n * 1_000_000);
            let begun = uploader.begin(&fight).await;
            uploader.deltas(begun.h, &fight.deltas).await;
            assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
        }
        spectator = before.come_back(&relay, &raid, SUBPROTOCOL).await;
        newest += fights as u64 * 2;
        while spectator.keyframes == 0 || spectator.events.last() != Some(&newest) {
            spectator.hear().await.expect("what was missed");
        }
        let fresh = &spectator.events[told.len()..];
        assert_eq!(spectator.events_lost, lost, "{fresh:?}");
        assert!(fresh.windows(2).all(|pair| pair[1] == pair[0] + 1), "{fresh:?}");
        let expected = if lost { raidcast_shared::limits::EVENT_RING } else { fights as usize * 2 };
        assert_eq!(fresh.len(), expected, "{fresh:?}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn who_watches_a_channel_is_sent_on_when_it_shows_another_raid() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let first = Uploader::connect(&relay).await;
    let channel = first.welcome.channel_url.rsplit('/').next().unwrap().to_owned();
    let url = format!("{}/api/v1/live/{channel}/feed", relay.url);
    let mut by_channel = Spectator::join_at(&url, SUBPROTOCOL).await;
    let mut by_raid = Spectator::join(&relay, &first.welcome.raid, SUBPROTOCOL).await;
    by_channel.hear().await.expect("a keyframe");
    by_raid.hear().await.expect("a keyframe");
    let other = Hello { raid: RaidId(Uuid::from_u128(2)), ..hello() };
    relay.pass_ms(1_000);
    let second = Uploader::connect_as(&relay, KEY, other).await;
    assert_ne!(first.welcome.raid, second.welcome.raid);
    while by_channel.hear().await.is_some() {}
    assert!(by_channel.bye.as_ref().is_some_and(|bye| bye.retry_ms.is_some()));
    let mut back = Spectator::join_at(&url, SUBPROTOCOL).await;
    match back.hear().await.expect("a keyframe") {
        raidcast_shared::feed::FeedFrame::Keyframe(keyframe) => assert_eq!(keyframe.raid.code, second.welcome.raid),
        other => panic!("{other:?}"),
    }
    // Who came by the raid's own link hears on what is of it.
    let mut first = first;
    let fight = Script::new(10, 2);
    let begun = first.begin(&fight).await;
    first.deltas(begun.h, &fight.deltas).await;
    let seen = by_raid.until("the fight", |seen| seen.damage > 0).await;
    assert_eq!(seen.state.as_deref(), Some("Live"));
    assert!(by_raid.bye.is_none());
    relay.stop().await;
}

/// Hears until a keyframe lists a report, or lists it no more; gives the fight that is shown.
async fn until_listed(spectator: &mut Spectator, report: &str, listed: bool) -> Option<String> {
    loop {
        let frame = spectator.hear().await.expect("a keyframe with another list");
        if let FeedFrame::Keyframe(keyframe) = frame
            && keyframe.raid.fights.iter().any(|line| line.report_id == report) == listed
        {
            return keyframe.fight.map(|fight| fight.report_id);
        }
    }
}

#[tokio::test]
async fn a_report_that_moves_leaves_the_list_of_its_raids_feed_and_stands_in_that_of_the_other() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let other = Hello { raid: RaidId(Uuid::from_u128(2)), ..hello() };
    let mut uploaders = [Uploader::connect(&relay).await, Uploader::connect_as(&relay, KEY, other).await];
    let moving = Script::new(10, 2);
    let moved = uploaders[0].begin(&moving).await;
    uploaders[0].deltas(moved.h, &moving.deltas).await;
    assert!(matches!(uploaders[0].end(moved.h, &moving, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    // Each raid shows a live fight of its own, of which nothing comes meanwhile.
    let mut watching = Vec::new();
    for (n, uploader) in (1_i64..).zip(&mut uploaders) {
        let own = Script::new(5, 2).at(header().started_at_ms + n * 1_000_000);
        let begun = uploader.begin(&own).await;
        uploader.deltas(begun.h, &own.deltas).await;
        uploader.acked(5).await;
        let mut spectator = Spectator::join(&relay, &uploader.welcome.raid, SUBPROTOCOL).await;
        let shown = until_listed(&mut spectator, &moved.report, n == 1).await;
        assert_eq!(shown.as_ref(), Some(&begun.report));
        watching.push((spectator, begun.report));
    }
    let more = Script::new(12, 3);
    let [_, second] = &mut uploaders;
    let known = second.begin(&more).await;
    second.deltas(known.h, &more.deltas[..1]).await;
    assert_eq!(second.reply().await, UplinkReply::Rewind { h: known.h, q: 1 });
    for ((spectator, own), listed) in watching.iter_mut().zip([false, true]) {
        assert_eq!(until_listed(spectator, &moved.report, listed).await.as_ref(), Some(&*own));
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_player_who_turns_out_to_be_a_monster_leaves_rows_and_totals_at_every_pace() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let fight = turning_out(20, 10);
    let begun = uploader.begin(&fight).await;
    fight_on(&mut uploader, begun.h, &fight.deltas[..10]).await;
    let mut spectators = Vec::new();
    for (pace, protocol) in PACES.into_iter().zip([SUBPROTOCOL, SUBPROTOCOL_JSON, SUBPROTOCOL]) {
        let mut spectator = Spectator::join(&relay, &raid, protocol).await;
        spectator.hear().await.expect("a keyframe");
        spectator.ask(&FeedRequest::Pace { ticks: pace }).await;
        spectator.echoes().await;
        let seen = spectator.until("three players", |seen| seen.rows.len() == 3).await;
        assert_eq!(seen.damage, damage_of(&fight, 10));
        spectators.push(spectator);
    }
    assert_eq!(spectators.len(), PACES.len());
    fight_on(&mut uploader, begun.h, &fight.deltas[10..]).await;
    let expected = damage_of_first(&fight);
    for spectator in &mut spectators {
        let seen = spectator.until("two players", |seen| seen.rows.len() == 2 && seen.damage == expected).await;
        assert_eq!(seen_rows(&seen), rows(&relay.report(&begun.report).await));
    }
    spectators.push(Spectator::join(&relay, &raid, SUBPROTOCOL_JSON).await);
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let report = relay.report(&begun.report).await;
    for spectator in &mut spectators {
        let seen = spectator.until("the end", is_final).await;
        assert_eq!((seen_rows(&seen), seen.damage), (rows(&report), report.fight.totals.damage));
        assert_eq!(seen.checksum.as_deref(), Some(report.fight.checksum.as_str()));
    }
    assert_eq!(report.fight.totals.damage, expected);
    relay.stop().await;
}

/// Who sees a raid as whom, how often, and how it is written.
type Lane = (bool, u8, &'static str);

/// A tick as somebody heard it: its epoch and position, when it was made, and its bytes.
type Heard = ((String, u64), i64, Vec<u8>);

/// The ticks that somebody hears until he has seen all damage.
async fn ticks_until(spectator: &mut Spectator, damage: u64) -> Vec<Heard> {
    let mut ticks = Vec::new();
    while spectator.damage() != damage {
        let frame = spectator.hear().await.expect("the feed goes on");
        let FeedFrame::Tick(tick) = frame else { panic!("instead of a tick: {frame:?}") };
        let epoch = spectator.until("now", |_| true).await.epoch;
        ticks.push(((epoch, tick.position), tick.times.2, spectator.raw.clone()));
    }
    ticks
}

/// By the relay's clock no two frames are made at one time: those that have the same time are one, made once for all. (How
/// often one is encoded a room counts, in `crowd.rs`.)
#[tokio::test]
async fn a_frame_is_made_once_and_written_once_to_each_however_many_of_each_audience_see_it() {
    const EACH: usize = 3;
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_counting(data.path()).await;
    let of_class = || Hello { names: NamesPolicy::Class, ..hello() };
    let mut uploader = Uploader::connect_as(&relay, KEY, of_class()).await;
    let feed = format!("{}/api/v1/raids/{}/feed", relay.url, uploader.welcome.raid);
    let fight = Script::new(40, 2);
    let begun = uploader.begin(&fight).await;
    fight_on(&mut uploader, begun.h, &fight.deltas[..4]).await;
    let mut crowd: Vec<(Lane, Spectator)> = Vec::new();
    for key in [None, Some(READ_KEY)] {
        for ticks in PACES {
            for protocol in [SUBPROTOCOL, SUBPROTOCOL_JSON] {
                for _ in 0..EACH {
                    let mut spectator = Spectator::join_as(&feed, protocol, key).await;
                    spectator.ask(&FeedRequest::Pace { ticks }).await;
                    crowd.push(((key.is_some(), ticks, protocol), spectator));
                }
            }
        }
    }
    // A second and a half: every view has had its turn, and shows all that came.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    for ((.., pace, _), spectator) in &mut crowd {
        let at_its_pace = format!(".{pace}.");
        spectator
            .until("the fight at its pace", |seen| {
                seen.damage == damage_of(&fight, 4) && seen.epoch.contains(&at_its_pace)
            })
            .await;
        spectator.echoes().await;
    }
    let counted = async || {
        let metrics = Metrics::parse(&relay.metrics().await.body).expect("metrics");
        ["raidcast_ticks_total", "raidcast_fanout_writes_total"].map(|name| metrics.get(name, &[]))
    };
    let before = counted().await;
    let all = damage_of(&fight, 40);
    let (lanes, spectators): (Vec<Lane>, Vec<Spectator>) = crowd.into_iter().unzip();
    let listening: Vec<_> = spectators
        .into_iter()
        .map(|mut spectator| {
            tokio::spawn(async move {
                let ticks = ticks_until(&mut spectator, all).await;
                (spectator, ticks)
            })
        })
        .collect();
    for part in fight.deltas[4..].chunks(6) {
        uploader.deltas(begun.h, part).await;
        uploader.acked(part.last().unwrap().seq).await;
        // The fight's pace: ticks come between its deltas.
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let mut heard = Vec::new();
    for (lane, listening) in lanes.into_iter().zip(listening) {
        let (spectator, ticks) = soon("the last tick", listening).await.unwrap();
        heard.push((lane, spectator, ticks));
    }
    let after = counted().await;

    let mut made: BTreeMap<(String, u64), BTreeSet<i64>> = BTreeMap::new();
    let mut bytes = BTreeMap::<_, BTreeSet<Vec<u8>>>::new();
    let mut epochs: BTreeMap<(bool, u8), BTreeSet<String>> = BTreeMap::new();
    for ((is_member, pace, protocol), _, ticks) in &heard {
        assert!(!ticks.is_empty());
        for (tick, at_ms, raw) in ticks {
            made.entry(tick.clone()).or_default().insert(*at_ms);
            bytes.entry((*protocol, tick.clone())).or_default().insert(raw.clone());
            epochs.entry((*is_member, *pace)).or_default().insert(tick.0.clone());
        }
    }
    assert!(made.values().all(|times| times.len() == 1), "a tick is made once, whatever its format: {made:?}");
    assert!(bytes.values().all(|all| all.len() == 1), "all who see it are sent the same");
    let of_views: BTreeSet<_> = epochs.values().cloned().collect();
    assert_eq!((epochs.len(), of_views.len()), (2 * PACES.len(), 2 * PACES.len()), "one view each: {epochs:?}");
    let times: BTreeSet<_> = made.values().flatten().collect();
    assert_eq!(times.len(), made.len(), "and ticks of its own");
    let ticks = made.len() as f64;
    let written = heard.iter().map(|(.., ticks)| ticks.len()).sum::<usize>() as f64;
    assert_eq!(written.to_string(), (ticks * 2.0 * EACH as f64).to_string(), "nobody missed any");
    let [made_so_far, written_so_far] = [0, 1].map(|at| after[at] - before[at]);
    assert_eq!((made_so_far.to_string(), written_so_far.to_string()), (ticks.to_string(), written.to_string()));

    // The same of what ticks do not carry: a keyframe for each view and format.
    let _again = Uploader::connect_as(&relay, KEY, of_class()).await;
    let mut keyframes: BTreeMap<Lane, BTreeSet<(i64, Vec<u8>)>> = BTreeMap::new();
    for (lane, spectator, _) in &mut heard {
        loop {
            if let FeedFrame::Keyframe(keyframe) = spectator.hear().await.expect("a keyframe") {
                keyframes.entry(*lane).or_default().insert((keyframe.times.2, spectator.raw.clone()));
                break;
            }
        }
    }
    assert_eq!(keyframes.len(), 4 * PACES.len());
    assert!(keyframes.values().all(|made| made.len() == 1), "{:?}", keyframes.keys());
    let times: BTreeSet<_> = keyframes.values().flatten().map(|(at_ms, _)| at_ms).collect();
    assert_eq!(times.len(), keyframes.len());
    relay.stop().await;
}
