//! Old fights beside the night's: whose page shows them, and what a reading that tells less may change.

use std::sync::atomic::Ordering;

use raidcast_relay::limits::EdgeLimits;
use raidcast_shared::event::Knows;
use raidcast_shared::feed::{FeedFrame, SUBPROTOCOL};
use raidcast_shared::id::RaidId;
use raidcast_shared::uplink::{
    Begin, Begun, Hello, NamesPolicy, Outcome, RefusedCode, RefusedScope, ReportState, UplinkFrame, UplinkReply,
    Visibility,
};
use uuid::Uuid;

use crate::raw::becomes;
use crate::script::{KEY, Script, Spectator, TestRelay, UPLOAD_KEY, Uploader, header, hello};
use crate::shaky::Shaky;

fn old_fights() -> Hello {
    Hello { raid: RaidId(Uuid::from_u128(2)), history: true, ..hello() }
}

async fn stream_whole(uploader: &mut Uploader, fight: &Script) -> Begun {
    let begun = uploader.begin(fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(fight.deltas.len() as u64).await;
    begun
}

/// Waits for an Ack; what was sent before a fight was fetched may come early for its reading.
async fn acked_despite_rewinds(uploader: &mut Uploader, seq: u64) {
    loop {
        match uploader.reply().await {
            UplinkReply::Ack { q, .. } if q >= seq => return,
            UplinkReply::Ack { .. } | UplinkReply::Rewind { .. } => {}
            other => panic!("instead of Ack {seq}: {other:?}"),
        }
    }
}

/// The raid that the channel shows.
async fn channel_raid(relay: &TestRelay, channel_url: &str) -> String {
    let channel = channel_url.rsplit('/').next().unwrap();
    let (status, raid) = relay.get(&format!("/api/v1/live/{channel}")).await;
    assert_eq!(status, 200, "{raid}");
    raid["code"].as_str().expect("a code").to_owned()
}

#[tokio::test]
async fn an_upload_leaves_channel_and_pages_as_they_are() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    // There is nothing else yet: the channel shows what there is.
    let uploading = Uploader::connect_as(&relay, KEY, old_fights()).await;
    let (channel, history) = (uploading.welcome.channel_url.clone(), uploading.welcome.raid.clone());
    assert_eq!(channel_raid(&relay, &channel).await, history);
    drop(uploading);

    let mut live = Uploader::connect(&relay).await;
    let raid = live.welcome.raid.clone();
    let first = Script::new(10, 2);
    let begun = stream_whole(&mut live, &first).await;
    live.end(begun.h, &first, Outcome::Kill).await;
    let feed = format!("{}/api/v1/live/{}/feed", relay.url, channel.rsplit('/').next().unwrap());
    let mut watching = Spectator::join_at(&feed, SUBPROTOCOL).await;
    let seen = watching.until("the kill", |seen| seen.state.as_deref() == Some("Final")).await;

    // An hour later an upload comes that knows this fight, one more of it, and one of its own.
    relay.pass_ms(3_600_000);
    let mut uploading = Uploader::connect_as(&relay, KEY, old_fights()).await;
    assert_eq!(uploading.welcome.raid, history);
    let known = uploading.begin(&Script::new(10, 3)).await;
    assert_eq!((known.report.clone(), known.url.clone()), (begun.report.clone(), begun.url.clone()));
    let held = known.held.expect("it is held");
    assert_eq!((held.state, held.checksum, held.stream), (ReportState::Final, first.checksum(), first.stream));
    let own = Script::new(5, 4).at(1_780_000_000_000);
    let own_begun = stream_whole(&mut uploading, &own).await;
    uploading.end(own_begun.h, &own, Outcome::Wipe).await;
    assert_eq!(relay.report(&own_begun.report).await.raid, history);
    assert_eq!(relay.report(&begun.report).await.raid, raid, "a report that is known was moved");
    assert_eq!(channel_raid(&relay, &channel).await, raid, "an upload took the channel");

    // What is sent of it is taken up where the report stands.
    let more = Script::new(15, 3);
    let again = uploading.begin(&more).await;
    // All at once, as a client does: what comes before it is fetched is asked for once.
    for delta in &more.deltas {
        uploading.deltas(again.h, std::slice::from_ref(delta)).await;
        // Some come before the fight is fetched, some while it is, some after.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let UplinkReply::Rewind { h, q } = uploading.reply().await else { panic!("it is fetched from the raid") };
    assert_eq!((h, q), (again.h, 1));
    uploading.deltas(h, &more.deltas).await;
    acked_despite_rewinds(&mut uploading, 15).await;
    let UplinkReply::Finalized { report, url, rev, .. } = uploading.end(h, &more, Outcome::Kill).await else {
        panic!("it is kept");
    };
    assert_eq!((report, url, rev), (begun.report.clone(), begun.url, 2));
    let kept = relay.report(&begun.report).await;
    assert_eq!((kept.raid, kept.fight.checksum), (raid.clone(), more.checksum().to_string()));
    let (_, page) = relay.get(&format!("/api/v1/raids/{raid}")).await;
    let lines = page["reports"].as_array().expect("its fights");
    assert_eq!(lines.len(), 1, "{page}");

    // Who watches saw nothing of it but the fight's new reading, if that, and was sent nowhere.
    watching.echoes().await;
    assert!(watching.bye.is_none());
    assert_eq!(seen.checksum, Some(first.checksum().to_string()));
    let mut newcomer = Spectator::join_at(&feed, SUBPROTOCOL).await;
    let Some(FeedFrame::Keyframe(keyframe)) = newcomer.hear().await else { panic!("no keyframe") };
    assert_eq!((&keyframe.raid.code, keyframe.raid.fights.len()), (&raid, 1));
    relay.stop().await;
}

#[tokio::test]
async fn a_report_moves_to_another_raid_of_the_night_only_with_what_is_sent_of_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut first = Uploader::connect(&relay).await;
    let fight = Script::new(10, 2);
    let begun = stream_whole(&mut first, &fight).await;
    first.end(begun.h, &fight, Outcome::Kill).await;
    let (raid, other) = (first.welcome.raid, Hello { raid: RaidId(Uuid::from_u128(3)), ..hello() });
    let mut second = Uploader::connect_as(&relay, KEY, other).await;
    let known = second.begin(&Script::new(10, 3)).await;
    assert_eq!(known.held.map(|held| held.checksum), Some(fight.checksum()));
    assert_eq!(relay.report(&begun.report).await.raid, raid);
    // Its End alone is as much as a delta: the reading is fetched, and asked for from its begin.
    let more = Script::new(12, 3);
    assert!(matches!(second.end(known.h, &more, Outcome::Kill).await, UplinkReply::Rewind { q: 1, .. }));
    second.deltas(known.h, &more.deltas).await;
    second.acked(12).await;
    assert!(matches!(second.end(known.h, &more, Outcome::Kill).await, UplinkReply::Finalized { rev: 2, .. }));
    assert_eq!(relay.report(&begun.report).await.raid, second.welcome.raid);
    relay.stop().await;
}

#[tokio::test]
async fn a_stream_that_another_raid_has_is_not_begun_with_other_columns() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = TestRelay::start(data.path()).await;
    let fight = Script::new(10, 2);
    let mut live = Uploader::connect(&relay).await;
    let begun = stream_whole(&mut live, &fight).await;
    let mut turned = header();
    turned.cols.reverse();
    // While it is streamed; where it is final; and where no raid has it in memory.
    for held in ["live", "final", "stored"] {
        if held == "final" {
            live.end(begun.h, &fight, Outcome::Kill).await;
        }
        if held == "stored" {
            relay = relay.restart().await;
        }
        let mut uploading = Uploader::connect_as(&relay, KEY, old_fights()).await;
        let other = UplinkFrame::Begin(Begin { enc: fight.enc, stream: fight.stream, header: turned.clone() });
        uploading.send(&other).await;
        let UplinkReply::Refused(refused) = uploading.reply().await else { panic!("begun with other columns, {held}") };
        let told = (refused.code, refused.scope, refused.enc);
        assert_eq!(told, (RefusedCode::BadColumns, RefusedScope::Encounter, Some(fight.enc)), "{}", refused.text);
        let known = uploading.begin(&fight).await;
        assert_eq!(known.held.map(|held| (held.stream, held.seq)), Some((fight.stream, 10)), "{held}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn an_old_fight_that_stops_coming_is_soon_provisional_and_goes_on_if_it_comes() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploading = Uploader::connect_as(&relay, KEY, old_fights()).await;
    let fight = Script::new(10, 2);
    let begun = uploading.begin(&fight).await;
    uploading.deltas(begun.h, &fight.deltas[..6]).await;
    uploading.acked(6).await;
    assert_eq!(relay.report(&begun.report).await.state, ReportState::Live);
    relay.pass_ms(16_000);
    becomes("its end", async || relay.report(&begun.report).await.state == ReportState::Provisional).await;
    let note = relay.report(&begun.report).await.note.expect("why");
    assert!(note.contains("upload"), "{note}");
    assert!(matches!(uploading.reply().await, UplinkReply::Finalized { state: ReportState::Provisional, .. }));
    uploading.deltas(begun.h, &fight.deltas[6..]).await;
    uploading.acked(10).await;
    assert!(matches!(uploading.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { rev: 1, .. }));
    assert_eq!(relay.report(&begun.report).await.fight.checksum, fight.checksum().to_string());
    relay.stop().await;
}

#[tokio::test]
async fn sums_never_replace_single_hits() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let hits = Script::new(10, 2);
    let begun = stream_whole(&mut uploader, &hits).await;
    uploader.end(begun.h, &hits, Outcome::Kill).await;
    // More of it, but as sums.
    let sums = Script::new(12, 3).told_as_sums();
    let mut header = header();
    header.knows = Knows { hits: false, ..header.knows };
    uploader.send(&UplinkFrame::Begin(Begin { enc: sums.enc, stream: sums.stream, header })).await;
    let UplinkReply::Begun(again) = uploader.reply().await else { panic!("no Begun") };
    assert_eq!(again.held.map(|held| held.sums), Some(false), "who knows only sums can tell that it knows less");
    uploader.deltas(again.h, &sums.deltas).await;
    uploader.acked(12).await;
    assert!(matches!(uploader.end(again.h, &sums, Outcome::Kill).await, UplinkReply::Finalized { rev: 1, .. }));
    let kept = relay.report(&begun.report).await;
    assert_eq!((kept.revision, kept.fight.checksum), (1, hits.checksum().to_string()));
    // Nothing of the reading that gave way is left.
    let row = relay.store.report(&begun.report).await.unwrap().unwrap().0.row;
    let is_gone = async || relay.store.open_encounter(row).await.unwrap().unwrap().streams.is_empty();
    becomes("the end of the reading that gave way, in the journal", is_gone).await;
    relay.stop().await;
}

/// Their checksum is that of the sums: only the hits have times of their own, and a skill's greatest.
#[tokio::test]
async fn single_hits_replace_sums_that_come_to_the_same() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let (sums, hits) = (Script::new(10, 2).told_as_sums(), Script::new(10, 3));
    assert_eq!(sums.checksum(), hits.checksum());
    let mut header = header();
    header.knows = Knows { hits: false, ..header.knows };
    uploader.send(&UplinkFrame::Begin(Begin { enc: sums.enc, stream: sums.stream, header })).await;
    let UplinkReply::Begun(begun) = uploader.reply().await else { panic!("no Begun") };
    uploader.deltas(begun.h, &sums.deltas).await;
    uploader.acked(10).await;
    assert!(matches!(uploader.end(begun.h, &sums, Outcome::Kill).await, UplinkReply::Finalized { rev: 1, .. }));
    for (fight, rev) in [(&hits, 2), (&Script::new(10, 4), 2)] {
        let again = stream_whole(&mut uploader, fight).await;
        assert_eq!(again.report, begun.report);
        let UplinkReply::Finalized { rev: now, .. } = uploader.end(again.h, fight, Outcome::Kill).await else {
            panic!("no report")
        };
        assert_eq!(now, rev, "hits that come to the same once more are known");
    }
    let kept = relay.report(&begun.report).await;
    assert_eq!(kept.fight.players[0].skills[0].max, Some(2_000));
    assert!(kept.note.is_none_or(|note| !note.contains("sums alone")));
    relay.stop().await;
}

/// Damage of a fight's first deltas.
fn damage_of(fight: &Script, deltas: usize) -> u64 {
    fight.deltas[..deltas].iter().map(|delta| 3_000 + delta.seq).sum()
}

/// A fight's damage on its report, in a part of it that is all of it, and at a moment of its replay that is its end.
async fn shown(relay: &TestRelay, raid: &str, report: &str) -> [u64; 3] {
    let whole = relay.report(report).await.fight.totals.damage;
    let (status, part) = relay.get(&format!("/api/v1/reports/{report}?from=0")).await;
    assert_eq!(status, 200, "{part}");
    let moment = format!("{raid}/feed?report={report}&at=60000&speed=0");
    let mut moment = Spectator::join(relay, &moment, SUBPROTOCOL).await;
    moment.hear().await.expect("a keyframe");
    [whole, part["totals"]["damage"].as_u64().expect("its damage"), moment.damage()]
}

/// A fight's damage in the list of reports.
async fn listed(relay: &TestRelay, report: &str) -> u64 {
    let (_, page) = relay.get("/api/v1/reports").await;
    let lines = page["reports"].as_array().expect("reports");
    let line = lines.iter().find(|line| line["reportId"] == report).unwrap_or_else(|| panic!("not listed: {page}"));
    line["totals"]["damage"].as_u64().expect("its damage")
}

#[tokio::test]
async fn a_smaller_reading_never_replaces_the_shown_one_whoever_holds_the_fight() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut live = Uploader::connect(&relay).await;
    let raid = live.welcome.raid.clone();
    let (fight, less) = (Script::new(12, 2), Script::new(4, 3));
    let begun = live.begin(&fight).await;
    live.deltas(begun.h, &fight.deltas[..10]).await;
    live.acked(10).await;
    // An upload fetches it with a reading of less: the raid of the report does not hold it any more.
    let mut uploading = Uploader::connect_as(&relay, KEY, old_fights()).await;
    let known = uploading.begin(&less).await;
    assert_eq!(known.report, begun.report);
    uploading.deltas(known.h, &less.deltas).await;
    let UplinkReply::Rewind { h, q: 1 } = uploading.reply().await else { panic!("it is fetched from the raid") };
    uploading.deltas(h, &less.deltas).await;
    acked_despite_rewinds(&mut uploading, 4).await;
    let whole = damage_of(&fight, 10);
    assert_eq!(shown(&relay, &raid, &begun.report).await, [whole; 3]);
    assert_eq!(listed(&relay, &begun.report).await, whole);
    // Nobody holds it: there is no memory for it.
    drop((live, uploading));
    let relay = relay.restart_limited(EdgeLimits { memory_per_key: 0, ..EdgeLimits::default() }).await;
    assert_eq!(shown(&relay, &raid, &begun.report).await, [whole; 3]);
    assert_ne!(listed(&relay, &begun.report).await, damage_of(&less, 4));
    // Its raid again, beside the smaller one.
    let relay = relay.restart_limited(EdgeLimits::default()).await;
    let mut live = Uploader::connect(&relay).await;
    let again = live.begin(&fight).await;
    assert_eq!(again.held.map(|held| held.seq), Some(10));
    live.deltas(again.h, &fight.deltas[10..]).await;
    live.acked(12).await;
    assert_eq!(shown(&relay, &raid, &begun.report).await, [damage_of(&fight, 12); 3]);
    relay.stop().await;
}

#[tokio::test]
async fn a_fight_that_another_raid_asked_for_and_could_not_take_goes_on_where_it_was() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), shaky.clone()).await;
    let mut first = Uploader::connect(&relay).await;
    let raid = first.welcome.raid.clone();
    let (fight, other) = (Script::new(20, 2), Script::new(12, 3));
    let begun = first.begin(&fight).await;
    first.deltas(begun.h, &fight.deltas[..10]).await;
    first.acked(10).await;
    let mut staying = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    staying.until("the fight", |seen| seen.damage == damage_of(&fight, 10)).await;

    let asking = Hello { raid: RaidId(Uuid::from_u128(3)), ..hello() };
    let mut second = Uploader::connect_as(&relay, KEY, asking).await;
    shaky.faults.writes.store(u32::MAX, Ordering::SeqCst);
    second.send(&UplinkFrame::Begin(Begin { enc: other.enc, stream: other.stream, header: header() })).await;
    let UplinkReply::Refused(refused) = second.reply().await else { panic!("it was taken") };
    assert_eq!((refused.code, refused.enc), (RefusedCode::StoreUnavailable, Some(fight.enc)), "{}", refused.text);
    shaky.faults.mend();
    // Who comes now waits for it.
    let mut newcomer = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    let Some(FeedFrame::Keyframe(keyframe)) = newcomer.hear().await else { panic!("no keyframe") };
    assert_eq!(keyframe.fight.map(|fight| fight.report_id), Some(begun.report.clone()), "nobody has it");
    assert_eq!(newcomer.damage(), damage_of(&fight, 10));
    // Nothing comes of it: its grace runs.
    relay.pass_ms(600_000);
    for spectator in [&mut staying, &mut newcomer] {
        spectator.until("its grace", |seen| seen.state.as_deref() == Some("Provisional")).await;
    }
    // Its uploader comes back to it.
    let told = first.reply().await;
    assert!(matches!(told, UplinkReply::Finalized { state: ReportState::Provisional, .. }), "{told:?}");
    let again = first.begin(&fight).await;
    assert_eq!(again.held.map(|held| held.seq), Some(10));
    first.deltas(again.h, &fight.deltas[10..]).await;
    first.acked(20).await;
    for spectator in [&mut staying, &mut newcomer] {
        let seen = spectator.until("the rest", |seen| seen.damage == damage_of(&fight, 20)).await;
        assert_eq!(seen.state.as_deref(), Some("Live"));
    }
    assert_eq!(relay.report(&begun.report).await.raid, raid);
    relay.stop().await;
}

#[tokio::test]
async fn a_begin_alone_moves_no_report_and_a_first_delta_does() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut first = Uploader::connect(&relay).await;
    let raid = first.welcome.raid.clone();
    let fight = Script::new(10, 2);
    let before = stream_whole(&mut first, &fight).await;
    first.end(before.h, &fight, Outcome::Kill).await;

    let private = Hello { raid: RaidId(Uuid::from_u128(3)), visibility: Visibility::Private, ..hello() };
    let mut second = Uploader::connect_as(&relay, KEY, private).await;
    let more = Script::new(12, 3);
    let begun = second.begin(&more).await;
    assert_eq!(begun.report, before.report);
    assert!(begun.held.as_ref().is_some_and(|held| held.stream == fight.stream && held.seq == 10));
    assert_eq!(relay.report(&begun.report).await.raid, raid, "a Begin alone moved it");
    second.deltas(begun.h, &more.deltas[..1]).await;
    assert_eq!(second.reply().await, UplinkReply::Rewind { h: begun.h, q: 1 });
    let path = format!("/api/v1/reports/{}", begun.report);
    assert_eq!(relay.get(&path).await.0, 404, "it is a private raid's");
    let (status, report) = relay.get_with(&path, Some(KEY)).await;
    assert_eq!((status, report["raid"].as_str()), (200, Some(second.welcome.raid.as_str())));
    second.deltas(begun.h, &more.deltas[..1]).await;
    acked_despite_rewinds(&mut second, 1).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_fight_moves_to_no_raid_that_shows_it_to_more_people_or_with_fuller_names_or_sooner() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let strict = Hello { visibility: Visibility::Private, names: NamesPolicy::Class, delay_s: 60, ..hello() };
    let mut first = Uploader::connect_as(&relay, KEY, strict.clone()).await;
    let fight = Script::new(10, 2);
    let begun = first.begin(&fight).await;
    first.deltas(begun.h, &fight.deltas[..5]).await;
    first.acked(5).await;
    let moved = |n: u128| Hello { raid: RaidId(Uuid::from_u128(n)), ..strict.clone() };
    for more in [
        Hello { visibility: Visibility::Public, ..moved(11) },
        Hello { report_visibility: Some(Visibility::Unlisted), ..moved(12) },
        Hello { names: NamesPolicy::Full, ..moved(13) },
        Hello { names: NamesPolicy::Hidden, ..moved(14) },
        Hello { delay_s: 0, ..moved(15) },
    ] {
        let mut second = Uploader::connect_as(&relay, KEY, more).await;
        let frame = Begin { enc: fight.enc, stream: Script::new(10, 3).stream, header: header() };
        second.send(&UplinkFrame::Begin(frame)).await;
        let UplinkReply::Refused(refused) = second.reply().await else { panic!("it moved") };
        let told = (refused.code, refused.scope, refused.enc, refused.retry_ms.is_some());
        assert_eq!(told, (RefusedCode::NotSupported, RefusedScope::Encounter, Some(fight.enc), true), "{refused:?}");
        assert_eq!(relay.get(&format!("/api/v1/reports/{}", begun.report)).await.0, 404);
    }
    // Where it was it goes on, and where nobody sees more it may go.
    first.deltas(begun.h, &fight.deltas[5..]).await;
    first.acked(10).await;
    let mut alike = Uploader::connect_as(&relay, KEY, moved(16)).await;
    let taken = alike.begin(&fight).await;
    assert_eq!((taken.report, taken.held.map(|held| held.seq)), (begun.report, Some(10)));
    relay.stop().await;
}

/// Else it would see what its account keeps from others, and show it to all.
#[tokio::test]
async fn a_key_that_only_uploads_goes_on_with_a_private_fight_but_takes_it_nowhere() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let private = Hello { visibility: Visibility::Private, ..hello() };
    let mut first = Uploader::connect_as(&relay, KEY, private).await;
    let begun = stream_whole(&mut first, &Script::new(10, 2)).await;
    let path = format!("/api/v1/reports/{}", begun.report);
    let own = |visibility| Hello { raid: RaidId(Uuid::from_u128(7)), visibility, ..hello() };
    let mut second = Uploader::connect_as(&relay, UPLOAD_KEY, own(Visibility::Private)).await;
    let taken = stream_whole(&mut second, &Script::new(12, 3)).await;
    assert_eq!(taken.report, begun.report);
    assert!(!taken.url.contains("ticket"), "the ticket of a raid that it may not see: {}", taken.url);
    let (_, ticket) = second.welcome.raid_url.split_once("?ticket=").expect("its own raid's");
    assert_eq!(relay.get(&format!("{path}?ticket={ticket}")).await.0, 404);
    drop(second);
    let mut third = Uploader::connect_as(&relay, UPLOAD_KEY, own(Visibility::Public)).await;
    assert_eq!(relay.get(&path).await.0, 404);
    let (status, report) = relay.get_with(&path, Some(KEY)).await;
    assert_eq!((status, report["raid"].as_str()), (200, Some(first.welcome.raid.as_str())), "{report}");
    // What all see it takes as ever.
    let mut open = Uploader::connect_as(&relay, KEY, Hello { raid: RaidId(Uuid::from_u128(9)), ..hello() }).await;
    let fight = Script::new(5, 4).at(header().started_at_ms + 500_000);
    let shown = stream_whole(&mut open, &fight).await;
    assert_eq!(third.begin(&fight).await.report, shown.report);
    assert_eq!(relay.report(&shown.report).await.raid, third.welcome.raid);
    relay.stop().await;
}
