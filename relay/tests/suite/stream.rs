//! What may happen to a stream: repeats, gaps, cuts, other streams, two uploaders, double ends.

use raidcast_relay::limits::EdgeLimits;
use raidcast_shared::id::{RaidId, StreamId};
use raidcast_shared::uplink::{
    Begin, Delta, DeltaFrame, Header, Hello, Outcome, RefusedCode, RefusedScope, ReportState, UplinkFrame, UplinkReply,
};
use uuid::Uuid;

use crate::raw::becomes;
use crate::script::{KEY, Script, TestRelay, Uploader, header, hello, reply};

#[tokio::test]
async fn a_delta_that_is_held_is_acknowledged_again_and_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(6, 2);
    let begun = uploader.begin(&fight).await;
    for delta in &fight.deltas {
        uploader.deltas(begun.h, &[delta.clone(), delta.clone()]).await;
    }
    uploader.acked(6).await;
    // A heartbeat repeats the last seq without events.
    uploader.deltas(begun.h, &[Delta { seq: 6, ..Delta::default() }]).await;
    uploader.acked(6).await;
    assert_eq!(relay.report(&begun.report).await.fight.checksum, fight.checksum().to_string());
    relay.stop().await;
}

#[tokio::test]
async fn a_delta_that_is_ahead_gets_one_rewind() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(6, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..2]).await;
    uploader.acked(2).await;
    uploader.deltas(begun.h, &fight.deltas[4..]).await;
    assert_eq!(uploader.reply().await, UplinkReply::Rewind { h: begun.h, q: 3 });
    uploader.deltas(begun.h, &fight.deltas[2..]).await;
    uploader.acked(6).await;
    assert_eq!(relay.report(&begun.report).await.fight.checksum, fight.checksum().to_string());
    relay.stop().await;
}

#[tokio::test]
async fn after_a_cut_the_client_goes_on_where_the_relay_stands() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = TestRelay::start(data.path()).await;
    let fight = Script::new(40, 2);
    let mut report = String::new();
    for turn in 0..4 {
        let mut uploader = Uploader::connect(&relay).await;
        let begun = uploader.begin(&fight).await;
        let held = begun.held.map_or(0, |held| held.seq) as usize;
        assert!(held >= turn * 10, "acknowledged deltas were lost");
        uploader.deltas(begun.h, &fight.deltas[held..(turn + 1) * 10]).await;
        uploader.acked((turn as u64 + 1) * 10).await;
        report = begun.report;
        drop(uploader);
        if turn == 1 {
            relay = relay.restart().await;
        }
    }
    let mut uploader = Uploader::connect(&relay).await;
    let begun = uploader.begin(&fight).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let kept = relay.report(&report).await;
    assert_eq!((kept.fight.checksum, kept.unverified), (fight.checksum().to_string(), None));
    relay.stop().await;
}

#[tokio::test]
async fn another_stream_replaces_the_report_whole_when_it_has_as_much() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let first = Script::new(10, 2);
    let begun = uploader.begin(&first).await;
    uploader.deltas(begun.h, &first.deltas).await;
    uploader.acked(10).await;
    drop(uploader);

    // The state folder is gone: another raid, another stream, another order of the dictionary, the same fight.
    let other_raid = Hello { raid: RaidId(Uuid::from_u128(9)), secret: vec![9; 32], ..hello() };
    let mut uploader = Uploader::connect_as(&relay, KEY, other_raid).await;
    let second = Script::new(15, 3);
    let again = uploader.begin(&second).await;
    assert_eq!(again.report, begun.report);
    let held = again.held.expect("the first stream is held");
    assert_eq!((held.stream, held.seq, held.events), (first.stream, 10, 40));
    uploader.deltas(again.h, &second.deltas[..5]).await;
    uploader.acked(5).await;
    let shown = relay.report(&begun.report).await;
    assert_eq!(shown.fight.checksum, first.checksum().to_string(), "half a reading is never shown");
    uploader.deltas(again.h, &second.deltas[5..]).await;
    uploader.acked(15).await;
    let shown = relay.report(&begun.report).await;
    assert_eq!((shown.fight.checksum, shown.revision), (second.checksum().to_string(), 2));
    assert_eq!(shown.raid, uploader.welcome.raid);
    assert!(matches!(uploader.end(again.h, &second, Outcome::Kill).await, UplinkReply::Finalized { rev: 2, .. }));
    let kept = relay.report(&begun.report).await;
    assert_eq!((kept.revision, kept.fight.checksum, kept.unverified), (2, second.checksum().to_string(), None));

    // After End only a new reading changes it, and one with less does not.
    let third = Script::new(4, 4);
    let less = uploader.begin(&third).await;
    assert_eq!(less.held.map(|held| held.state), Some(ReportState::Final));
    uploader.deltas(less.h, &third.deltas).await;
    uploader.acked(4).await;
    assert!(matches!(uploader.end(less.h, &third, Outcome::Wipe).await, UplinkReply::Finalized { rev: 2, .. }));
    let fourth = Script::new(16, 5);
    let more = uploader.begin(&fourth).await;
    uploader.deltas(more.h, &fourth.deltas).await;
    uploader.acked(16).await;
    assert_eq!(relay.report(&begun.report).await.revision, 2, "a final report gives way only to one that has ended");
    assert!(matches!(uploader.end(more.h, &fourth, Outcome::Kill).await, UplinkReply::Finalized { rev: 3, .. }));
    let kept = relay.report(&begun.report).await;
    assert_eq!((kept.revision, kept.fight.checksum), (3, fourth.checksum().to_string()));
    relay.stop().await;
}

#[tokio::test]
async fn a_reading_that_says_the_same_as_a_final_report_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let first = Script::new(10, 2);
    let begun = uploader.begin(&first).await;
    uploader.deltas(begun.h, &first.deltas).await;
    uploader.acked(10).await;
    assert!(matches!(uploader.end(begun.h, &first, Outcome::Unfinished).await, UplinkReply::Finalized { rev: 1, .. }));
    // Another reading that tells how it ended is worth more; a third that says the same is not.
    for (stream, outcome) in [(3, Outcome::Kill), (4, Outcome::Unknown)] {
        let other = Script::new(10, stream);
        let again = uploader.begin(&other).await;
        uploader.deltas(again.h, &other.deltas).await;
        uploader.acked(10).await;
        assert!(matches!(uploader.end(again.h, &other, outcome).await, UplinkReply::Finalized { rev: 2, .. }));
    }
    let kept = relay.report(&begun.report).await;
    assert_eq!((kept.revision, kept.fight.outcome), (2, Outcome::Kill));
    relay.stop().await;
}

#[tokio::test]
async fn a_half_sent_other_stream_survives_a_restart_and_is_never_mixed() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (first, second) = (Script::new(10, 2), Script::new(12, 3));
    let mut uploader = Uploader::connect(&relay).await;
    let begun = uploader.begin(&first).await;
    uploader.deltas(begun.h, &first.deltas).await;
    uploader.acked(10).await;
    let again = uploader.begin(&second).await;
    uploader.deltas(again.h, &second.deltas[..6]).await;
    uploader.acked(6).await;
    drop(uploader);
    let relay = relay.restart().await;
    assert_eq!(relay.report(&begun.report).await.fight.checksum, first.checksum().to_string());
    let mut uploader = Uploader::connect(&relay).await;
    let again = uploader.begin(&second).await;
    assert_eq!(again.held.as_ref().map(|held| (held.stream, held.seq)), Some((second.stream, 6)));
    uploader.deltas(again.h, &second.deltas[6..]).await;
    uploader.acked(12).await;
    assert!(matches!(uploader.end(again.h, &second, Outcome::Kill).await, UplinkReply::Finalized { rev: 2, .. }));
    assert_eq!(relay.report(&begun.report).await.fight.checksum, second.checksum().to_string());
    relay.stop().await;
}

#[tokio::test]
async fn a_revision_never_goes_back_though_readings_before_it_begin_anew_and_the_relay_restarts() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let begun = uploader.begin(&Script::new(10, 2)).await;
    uploader.deltas(begun.h, &Script::new(10, 2).deltas).await;
    uploader.acked(10).await;
    // Each tells more than the one before and is shown in its place, though the one before begins anew.
    for (revision, deltas, stream, before) in [(2, 12, 3, 2), (3, 14, 2, 3), (4, 16, 4, 2)] {
        let more = Script::new(deltas, stream);
        let again = uploader.begin(&more).await;
        uploader.deltas(again.h, &more.deltas).await;
        uploader.acked(deltas).await;
        let anew = uploader.begin(&Script::new(1, before)).await;
        assert_eq!(anew.held.map(|held| held.stream), Some(more.stream), "nothing is left of the one before");
        drop(uploader);
        for restarts in 0..2 {
            if restarts == 1 {
                relay = relay.restart().await;
            }
            let shown = relay.report(&begun.report).await;
            let seen = (shown.revision, shown.state, shown.fight.checksum);
            assert_eq!(seen, (revision, ReportState::Live, more.checksum().to_string()));
        }
        if revision == 2 {
            // Nor where nobody holds it, for there is no memory for it.
            relay = relay.restart_limited(EdgeLimits { memory_per_key: 0, ..EdgeLimits::default() }).await;
            assert_eq!(relay.report(&begun.report).await.revision, 2);
            relay = relay.restart_limited(EdgeLimits::default()).await;
        }
        if revision == 3 {
            // What is kept of it now is not what is shown after it.
            relay.pass_ms(601_000);
            let is_provisional = async || relay.report(&begun.report).await.state == ReportState::Provisional;
            becomes("its end", is_provisional).await;
        }
        uploader = Uploader::connect(&relay).await;
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_double_end_is_answered_twice_and_kept_once() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(5, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(5).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { rev: 1, .. }));
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { rev: 1, .. }));
    // A delta after the end is refused, and the connection lives.
    uploader.deltas(begun.h, &Script::new(6, 2).deltas[5..]).await;
    let UplinkReply::Refused(refused) = uploader.reply().await else { panic!("taken after the end") };
    assert_eq!((refused.code, refused.scope), (RefusedCode::AfterEnd, RefusedScope::Frame));
    // And after a reconnect.
    drop(uploader);
    let mut uploader = Uploader::connect(&relay).await;
    let again = uploader.begin(&fight).await;
    assert_eq!(again.held.map(|held| (held.seq, held.state)), Some((5, ReportState::Final)));
    assert!(matches!(uploader.end(again.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { rev: 1, .. }));
    relay.stop().await;
}

#[tokio::test]
async fn an_end_before_its_last_delta_is_rewound() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(5, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..3]).await;
    uploader.acked(3).await;
    assert_eq!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Rewind { h: begun.h, q: 4 });
    uploader.deltas(begun.h, &fight.deltas[3..]).await;
    uploader.acked(5).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    relay.stop().await;
}

#[tokio::test]
async fn of_two_connections_for_one_raid_the_newer_fences_the_older() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut older = Uploader::connect(&relay).await;
    let fight = Script::new(6, 2);
    let begun = older.begin(&fight).await;
    older.deltas(begun.h, &fight.deltas[..2]).await;
    older.acked(2).await;
    let mut newer = Uploader::connect(&relay).await;
    let UplinkReply::Refused(refused) = older.reply().await else { panic!("not fenced") };
    assert_eq!((refused.code, refused.scope), (RefusedCode::Fenced, RefusedScope::Connection));
    assert_eq!(reply(&mut older.socket).await, None);
    let again = newer.begin(&fight).await;
    assert_eq!(again.held.map(|held| held.seq), Some(2));
    newer.deltas(again.h, &fight.deltas[2..]).await;
    newer.acked(6).await;
    relay.stop().await;
}

#[tokio::test]
async fn two_connections_that_begin_one_raid_at_once_are_both_let_in() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    for raid in 1..=10 {
        let hello = || Hello { raid: RaidId(Uuid::from_u128(raid)), ..hello() };
        let both = [hello(), hello(), hello()].map(|hello| Uploader::connect_as(&relay, KEY, hello));
        let raids: Vec<_> = futures::future::join_all(both).await.into_iter().map(|one| one.welcome.raid).collect();
        assert!(raids.windows(2).all(|two| two[0] == two[1]), "{raids:?}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn nobody_speaks_for_anothers_raid_or_encounter() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut owner = Uploader::connect(&relay).await;
    let fight = Script::new(3, 2);
    let begun = owner.begin(&fight).await;
    owner.deltas(begun.h, &fight.deltas).await;
    owner.acked(3).await;
    for (key, secret) in [(crate::script::OTHER_KEY, vec![1; 32]), (KEY, vec![2; 32])] {
        let mut socket = crate::script::uplink(&relay.url, key).await.unwrap();
        let hello = UplinkFrame::Hello(Hello { secret, ..hello() });
        crate::script::send_bytes(&mut socket, raidcast_shared::codec::encode(&hello)).await;
        let Some(UplinkReply::Refused(refused)) = reply(&mut socket).await else { panic!("admitted") };
        assert_eq!(refused.code, RefusedCode::RaidForbidden);
    }
    // The same encounter of another account is another report.
    let hello = Hello { raid: RaidId(Uuid::from_u128(5)), ..hello() };
    let mut other = Uploader::connect_as(&relay, crate::script::OTHER_KEY, hello).await;
    let others = other.begin(&fight).await;
    assert_eq!(others.held, None);
    assert_ne!(others.report, begun.report);
    other.send(&UplinkFrame::Delta(DeltaFrame { h: 77, delta: fight.deltas[0].clone() })).await;
    let UplinkReply::Refused(refused) = other.reply().await else { panic!("taken") };
    assert_eq!(refused.code, RefusedCode::UnknownHandle);
    relay.stop().await;
}

#[tokio::test]
async fn several_kept_fights_that_are_begun_at_once_are_all_answered() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fights: Vec<_> = (0..6).map(|n| Script::new(3, 2).at(1_790_000_000_000 + n * 1_000_000)).collect();
    for fight in &fights {
        let begun = uploader.begin(fight).await;
        uploader.deltas(begun.h, &fight.deltas).await;
        assert!(matches!(uploader.end(begun.h, fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    }
    // Another raid of the account finds them: each in a reading of its own, without a pause.
    let other = Hello { raid: RaidId(Uuid::from_u128(9)), ..hello() };
    let mut second = Uploader::connect_as(&relay, KEY, other).await;
    for (n, fight) in (100_u128..).zip(&fights) {
        let stream = StreamId(Uuid::from_u128(n));
        second.send(&UplinkFrame::Begin(Begin { enc: fight.enc, stream, header: header() })).await;
    }
    let mut answered = 0;
    while answered < fights.len() {
        match second.reply().await {
            UplinkReply::Begun(begun) => {
                assert!(begun.held.is_some());
                answered += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_stream_that_is_begun_again_with_other_columns_is_refused_and_what_is_held_stays() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = TestRelay::start(data.path()).await;
    let fight = Script::new(10, 2);
    let mut uploader = Uploader::connect(&relay).await;
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..5]).await;
    uploader.acked(5).await;
    let mut turned = header();
    turned.cols.reverse();
    let turned = UplinkFrame::Begin(Begin { enc: fight.enc, stream: fight.stream, header: turned });
    // On the connection that sends it, on another, and where the relay has read it from the disk.
    for turn in 0..3 {
        if turn > 0 {
            drop(uploader);
            if turn == 2 {
                relay = relay.restart().await;
            }
            uploader = Uploader::connect(&relay).await;
        }
        uploader.send(&turned).await;
        let UplinkReply::Refused(refused) = uploader.reply().await else { panic!("begun with other columns") };
        let told = (refused.code, refused.scope, refused.enc);
        assert_eq!(told, (RefusedCode::BadColumns, RefusedScope::Encounter, Some(fight.enc)), "{}", refused.text);
    }
    // Other fields of the header may differ: the first Begin holds.
    let renamed = UplinkFrame::Begin(Begin {
        enc: fight.enc,
        stream: fight.stream,
        header: Header { scene: Some("Elsewhere".into()), ..header() },
    });
    uploader.send(&renamed).await;
    let UplinkReply::Begun(again) = uploader.reply().await else { panic!("not begun") };
    assert_eq!(again.held.map(|held| held.seq), Some(5));
    uploader.deltas(again.h, &fight.deltas[5..]).await;
    uploader.acked(10).await;
    assert!(matches!(uploader.end(again.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let kept = relay.report(&begun.report).await;
    assert_eq!((kept.fight.checksum, kept.unverified), (fight.checksum().to_string(), None));
    assert_eq!(kept.fight.encounter.scene, header().scene);
    relay.stop().await;
}
