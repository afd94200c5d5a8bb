//! A fight that cannot be read is set aside and said; all others are served.

use raidcast_shared::codec;
use raidcast_shared::columns;
use raidcast_shared::event::TimedHit;
use raidcast_shared::limits::{DELTA_HITS_MAX, ENCOUNTER_HITS_MAX};
use raidcast_shared::uplink::{Begun, Delta, Outcome, RefusedCode, UplinkFrame, UplinkReply};
use raidcast_store::{JournalEntry, JournalKind, StreamKey};
use sqlx::{ConnectOptions, Connection};

use crate::script::{Script, TestRelay, Uploader, header};

/// Streams a part of a fight and leaves it open.
async fn open(uploader: &mut Uploader, at_ms: i64) -> (Script, Begun) {
    let fight = Script::new(40, 2).at(at_ms);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    (fight, begun)
}

/// Starts the relay again, and looks for what is set aside and what is not.
async fn start_and_look(data: &std::path::Path, aside: &[(Script, Begun)], whole: &(Script, Begun)) {
    let relay = TestRelay::start(data).await;
    let (status, health) = relay.get("/health").await;
    assert_eq!((status, health["status"].as_str()), (200, Some("healthy")));
    assert_eq!(health["setAside"]["count"], aside.len(), "{health}");
    let named = health["setAside"]["fights"].as_array().unwrap();
    for (_, begun) in aside {
        let told = named.iter().find(|fight| fight["report"] == begun.report.as_str()).expect("it is named");
        assert!(!told["why"].as_str().unwrap().is_empty());
        for path in ["", "/timeline", "?from=0&to=1000"] {
            let (status, body) = relay.get(&format!("/api/v1/reports/{}{path}", begun.report)).await;
            assert_eq!((status, body["code"].as_str()), (500, Some("set_aside")), "{path}: {body}");
            assert!(body["message"].as_str().unwrap().contains("set aside"));
        }
    }

    let mut uploader = Uploader::connect(&relay).await;
    for (fight, begun) in aside {
        let begin = raidcast_shared::uplink::Begin { enc: fight.enc, stream: fight.stream, header: header() };
        uploader.send(&UplinkFrame::Begin(begin)).await;
        let UplinkReply::Refused(refused) = uploader.reply().await else { panic!("begun: {}", begun.report) };
        assert_eq!((refused.code, refused.enc), (RefusedCode::StoreUnavailable, Some(fight.enc)));
        assert!(refused.text.contains("set it aside") && refused.retry_ms.is_some(), "{}", refused.text);
    }
    let (fight, begun) = whole;
    let again = uploader.begin(fight).await;
    assert_eq!(again.held.as_ref().map(|held| held.seq), Some(20));
    for path in ["/api/v1/reports".to_owned(), format!("/api/v1/raids/{}", uploader.welcome.raid)] {
        let (status, body) = relay.get(&path).await;
        assert_eq!((status, body["reports"].as_array().unwrap().len()), (200, aside.len() + 1), "{path}");
    }
    uploader.deltas(again.h, &fight.deltas[20..]).await;
    uploader.acked(40).await;
    assert!(matches!(uploader.end(again.h, fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    assert_eq!(relay.report(&begun.report).await.fight.checksum, fight.checksum().to_string());

    // Thrown away, it can be sent again.
    for (fight, begun) in aside {
        uploader.send(&UplinkFrame::Discard { enc: fight.enc }).await;
        let anew = uploader.begin(fight).await;
        assert_ne!(anew.report, begun.report);
        uploader.deltas(anew.h, &fight.deltas).await;
        uploader.acked(40).await;
        assert!(matches!(uploader.end(anew.h, fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
        assert_eq!(relay.report(&anew.report).await.fight.checksum, fight.checksum().to_string());
    }
    assert_eq!(relay.get("/health").await.1.get("setAside"), None);
    relay.stop().await;
}

#[tokio::test]
async fn fights_whose_headers_are_damaged_are_set_aside_and_the_others_served() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let mut aside = Vec::new();
    for n in 1..=2 {
        aside.push(open(&mut uploader, header().started_at_ms + n * 1_000_000).await);
    }
    let whole = open(&mut uploader, header().started_at_ms + 3_000_000).await;
    drop(uploader);
    relay.stop().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.path().join("raidcast.db"));
    let mut other = options.connect().await.unwrap();
    for (at, header) in [(0, vec![0xc1, 0, 0xff]), (1, Vec::new())] {
        let done = sqlx::query(
            "UPDATE encounter_stream SET header = ?1 \
             WHERE encounter = (SELECT row FROM encounters WHERE report_id = ?2)",
        )
        .bind(header)
        .bind(&aside[at].1.report)
        .execute(&mut other)
        .await
        .unwrap();
        assert_eq!(done.rows_affected(), 1);
    }
    other.close().await.unwrap();
    start_and_look(data.path(), &aside, &whole).await;
}

#[tokio::test]
async fn a_journal_of_more_than_is_unfolded_is_set_aside_and_the_others_served() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let huge = open(&mut uploader, header().started_at_ms + 1_000_000).await;
    let whole = open(&mut uploader, header().started_at_ms + 2_000_000).await;
    drop(uploader);
    // An older relay would have taken all of this.
    let (row, _) = relay.store.report(&huge.1.report).await.unwrap().unwrap();
    let first = raidcast_shared::columns::ColumnMap::own();
    let delta = &huge.0.deltas[0];
    let hit: TimedHit = first.decode(delta.base_ms, delta.hits, &delta.columns).unwrap()[0];
    let (base_ms, columns) = columns::encode(&vec![hit; DELTA_HITS_MAX]);
    let hits = DELTA_HITS_MAX as u32;
    for seq in 21..=20 + ENCOUNTER_HITS_MAX / DELTA_HITS_MAX as u64 + 70 {
        let delta = Delta { seq, base_ms, hits, columns: columns.clone().into(), ..Delta::default() };
        let entry = JournalEntry {
            stream: StreamKey { encounter: row.row, stream: huge.0.stream },
            seq,
            kind: JournalKind::Delta,
            received_at_ms: 0,
            data: codec::encode(&delta).into(),
        };
        relay.store.append(entry).await.unwrap();
    }
    relay.stop().await;
    start_and_look(data.path(), &[huge], &whole).await;
}

#[tokio::test]
async fn rows_that_are_damaged_keep_no_list_and_no_other_fight_from_being_read() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let (finished, ended) = open(&mut uploader, header().started_at_ms + 1_000_000).await;
    uploader.deltas(ended.h, &finished.deltas[20..]).await;
    uploader.acked(40).await;
    assert!(matches!(uploader.end(ended.h, &finished, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let (_, live) = open(&mut uploader, header().started_at_ms + 2_000_000).await;
    let (_, whole) = open(&mut uploader, header().started_at_ms + 3_000_000).await;
    let raid = uploader.welcome.raid.clone();
    drop(uploader);
    relay.stop().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.path().join("raidcast.db"));
    let mut other = options.connect().await.unwrap();
    for (damage, begun) in [("bosses = '{'", &ended), ("revision = -1", &live)] {
        let damage = format!("UPDATE encounters SET {damage} WHERE report_id = ?1");
        let done = sqlx::query(sqlx::AssertSqlSafe(damage)).bind(&begun.report).execute(&mut other).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
    }
    other.close().await.unwrap();

    let relay = TestRelay::start(data.path()).await;
    let (_, health) = relay.get("/health").await;
    assert_eq!(health["setAside"]["count"], 1, "{health}");
    assert_eq!(health["setAside"]["fights"][0]["report"], live.report.as_str());
    for path in ["/api/v1/reports".to_owned(), format!("/api/v1/raids/{raid}")] {
        let (status, body) = relay.get(&path).await;
        let listed: Vec<_> = body["reports"].as_array().unwrap().iter().map(|line| line["reportId"].as_str()).collect();
        assert_eq!((status, listed), (200, vec![Some(whole.report.as_str())]), "{path}");
    }
    // Its record is whole.
    assert_eq!(relay.report(&ended.report).await.fight.checksum, finished.checksum().to_string());
    relay.stop().await;
}
