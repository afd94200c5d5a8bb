//! What is acknowledged is on disk, also where the disk is full or the store is held by another program.

use std::sync::Arc;

use raidcast_relay::limits::READY_MS;
use raidcast_shared::uplink::{Ending, Outcome, RefusedCode, ReportState, UplinkReply};
use raidcast_store::{JournalEntry, JournalKind, StreamKey};
use sqlx::{ConnectOptions, Connection};

use crate::script::{Script, TestRelay, Uploader, soon};

#[tokio::test]
async fn a_full_disk_stops_acknowledging_and_nothing_acknowledged_is_lost() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(400, 2);
    let begun = uploader.begin(&fight).await;
    relay.sqlite().set_pages_max(1).await.unwrap();
    let mut acked = 0_u64;
    // Until the disk is full: a page takes a few deltas.
    let mut sent = 0;
    while sent < fight.deltas.len() {
        uploader.deltas(begun.h, &fight.deltas[sent..=sent]).await;
        sent += 1;
        match uploader.reply().await {
            UplinkReply::Ack { q, .. } => acked = q,
            UplinkReply::Refused(refused) => {
                assert_eq!((refused.code, refused.h), (RefusedCode::StoreUnavailable, Some(begun.h)));
                assert!(refused.retry_ms.is_some());
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(sent < fight.deltas.len(), "the disk never was full");
    let (status, ready) = relay.get("/ready").await;
    assert!(status == 503 && ready["checks"]["store"].as_str().is_some_and(|why| why != "ok"), "{ready}");
    let (status, health) = relay.get("/health").await;
    assert_eq!((status, health["database"].as_str()), (503, Some("down")));
    assert_eq!(relay.report(&begun.report).await.fight.totals.hits, acked * 2);
    // The disk has room again: the client sends what was not acknowledged.
    relay.sqlite().set_pages_max(1_000_000).await.unwrap();
    uploader.deltas(begun.h, &fight.deltas[acked as usize..]).await;
    uploader.acked(400).await;
    assert_eq!(relay.get("/health").await.0, 200);
    relay.pass_ms(READY_MS);
    assert_eq!(relay.get("/ready").await.0, 200);
    drop(uploader);
    let relay = relay.restart().await;
    let mut uploader = Uploader::connect(&relay).await;
    let begun = uploader.begin(&fight).await;
    assert_eq!(begun.held.as_ref().map(|held| held.seq), Some(400));
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    assert_eq!(relay.report(&begun.report).await.fight.checksum, fight.checksum().to_string());
    relay.stop().await;
}

#[tokio::test]
async fn a_store_that_fails_while_a_fight_is_finalized_keeps_it_when_it_can() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(50, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(50).await;
    // Another program takes the database just before the end.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.path().join("raidcast.db"));
    let mut other = options.connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let ending =
        Ending { last_seq: 50, ended_at_ms: None, outcome: Outcome::Kill, checksum: fight.checksum(), meter: None };
    let end = raidcast_shared::uplink::UplinkFrame::End(raidcast_shared::uplink::End { h: begun.h, ending });
    uploader.send(&end).await;
    // The live report can still be read meanwhile.
    assert_eq!(relay.report(&begun.report).await.state, ReportState::Live);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    loop {
        match uploader.reply().await {
            UplinkReply::Finalized { state, .. } => {
                assert_eq!(state, ReportState::Final);
                break;
            }
            // It was refused as unavailable: the client ends it again.
            UplinkReply::Refused(refused) => {
                assert_eq!(refused.code, RefusedCode::StoreUnavailable);
                uploader.send(&end).await;
            }
            UplinkReply::Ack { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(relay.report(&begun.report).await.fight.checksum, fight.checksum().to_string());
    relay.stop().await;
}

#[tokio::test]
async fn an_end_that_was_stored_before_the_relay_died_is_finalized_at_its_start() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(20, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(20).await;
    let store = Arc::clone(&relay.store);
    let open = store.live_encounters().await.unwrap().remove(0).unwrap();
    // The end reaches the journal while the relay's task does not know of it: as if it died right then.
    let ending =
        Ending { last_seq: 20, ended_at_ms: None, outcome: Outcome::Kill, checksum: fight.checksum(), meter: None };
    let entry = JournalEntry {
        stream: StreamKey { encounter: open.row, stream: fight.stream },
        seq: 21,
        kind: JournalKind::End,
        received_at_ms: 0,
        data: raidcast_shared::codec::encode(&ending).into(),
    };
    store.append(entry).await.unwrap();
    drop(store);
    relay.stop().await;
    let relay = TestRelay::start(data.path()).await;
    let kept = soon("the report", async {
        loop {
            let report = relay.report(&begun.report).await;
            if report.state == ReportState::Final {
                return report;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!((kept.fight.outcome, kept.fight.checksum), (Outcome::Kill, fight.checksum().to_string()));
    relay.stop().await;
}
