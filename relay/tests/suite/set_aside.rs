//! A fight that cannot be read is set aside and said; all others are served.

use std::path::Path;

use raidcast_shared::codec;
use raidcast_shared::columns;
use raidcast_shared::event::TimedHit;
use raidcast_shared::feed::{FeedFrame, SUBPROTOCOL};
use raidcast_shared::id::RaidId;
use raidcast_shared::limits::{DELTA_HITS_MAX, ENCOUNTER_HITS_MAX};
use raidcast_shared::uplink::{Begin, Begun, Delta, Hello, Outcome, RefusedCode, UplinkFrame, UplinkReply, Welcome};
use raidcast_store::{JournalEntry, JournalKind, StreamKey};
use sqlx::{ConnectOptions, Connection};
use uuid::Uuid;

use crate::raw::{Answer, UPGRADE, ask};
use crate::script::{KEY, OTHER_KEY, Script, Spectator, TestRelay, Uploader, header, hello, reply, send_bytes, uplink};
use crate::uploads::{fight, ids, opened};

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
    // Anybody may ask for it, so it leads to no fight.
    let text = health.to_string();
    for (_, begun) in aside {
        assert!(!text.contains(&begun.report) && why(&relay, &begun.report).is_some_and(|why| !why.is_empty()));
        for path in ["", "/timeline", "?from=0&to=1000"] {
            let (status, body) = relay.get(&format!("/api/v1/reports/{}{path}", begun.report)).await;
            assert_eq!((status, body["code"].as_str()), (500, Some("set_aside")), "{path}: {body}");
            assert!(body["message"].as_str().unwrap().contains("set it aside"));
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
    assert!(why(&relay, &live.report).is_some());
    for path in ["/api/v1/reports".to_owned(), format!("/api/v1/raids/{raid}")] {
        let (status, body) = relay.get(&path).await;
        let listed: Vec<_> = body["reports"].as_array().unwrap().iter().map(|line| line["reportId"].as_str()).collect();
        assert_eq!((status, listed), (200, vec![Some(whole.report.as_str())]), "{path}");
    }
    // Its record is whole.
    assert_eq!(relay.report(&ended.report).await.fight.checksum, finished.checksum().to_string());
    relay.stop().await;
}

/// Streams a fight to its report.
async fn finish(uploader: &mut Uploader, number: i64) -> (Script, Begun) {
    let (fight, begun) = open(uploader, header().started_at_ms + number * 1_000_000).await;
    uploader.deltas(begun.h, &fight.deltas[20..]).await;
    uploader.acked(40).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    (fight, begun)
}

/// Changes one row as no relay would; `?1` stands for `name`.
pub(crate) async fn damage(data: &Path, change: &str, name: &str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join("raidcast.db")).foreign_keys(false);
    let mut other = options.connect().await.unwrap();
    sqlx::query("PRAGMA ignore_check_constraints = 1").execute(&mut other).await.unwrap();
    let done = sqlx::query(sqlx::AssertSqlSafe(change.to_owned())).bind(name).execute(&mut other).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "{change}");
    other.close().await.unwrap();
}

pub(crate) const OF_REPORT: &str = "WHERE encounter = (SELECT row FROM encounters WHERE report_id = ?1)";

/// Whether a report is named in `/health`, and what is named there is all that is set aside.
async fn named(relay: &TestRelay, report: &str) -> bool {
    let (_, health) = relay.get("/health").await;
    let told = health.get("setAside").is_some_and(|aside| aside["count"] == 1);
    told && why(relay, report).is_some_and(|why| !why.is_empty())
}

/// Why a fight is set aside, as the log said.
fn why(relay: &TestRelay, report: &str) -> Option<String> {
    let context = &relay.relay.as_ref().unwrap().registry().context;
    context.set_aside.why(report)
}

/// The status and the code of each of a report's pages: whole, its timeline, a part of it.
async fn pages(relay: &TestRelay, report: &str) -> [(u16, String); 3] {
    let of = async |rest: &str| {
        let (status, body) = relay.get(&format!("/api/v1/reports/{report}{rest}")).await;
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    };
    [of("").await, of("/timeline").await, of("?from=0&to=1000").await]
}

fn fine() -> (u16, String) {
    (200, String::new())
}

fn not_there() -> (u16, String) {
    (404, "not_found".to_owned())
}

fn aside() -> (u16, String) {
    (500, "set_aside".to_owned())
}

#[tokio::test]
async fn a_report_whose_record_is_damaged_is_made_of_its_log_again() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let (fight, begun) = finish(&mut uploader, 1).await;
    let raid = uploader.welcome.raid.clone();
    let path = format!("/api/v1/reports/{}", begun.report);
    let (_, whole) = relay.get(&path).await;
    drop(uploader);
    relay.stop().await;
    for record in ["substr(record, 1, length(record) / 2)", "X''", "X'DDFFFFFFFF'", "zeroblob(200)"] {
        damage(data.path(), &format!("UPDATE encounter_record SET record = {record} {OF_REPORT}"), &begun.report).await;
        let relay = TestRelay::start(data.path()).await;
        assert_eq!(relay.get(&path).await, (200, whole.clone()), "{record}");
        assert_eq!(pages(&relay, &begun.report).await, [fine(), fine(), fine()], "{record}");
        // Also where the raid's task holds it, and its uploader begins it again.
        let mut spectator = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
        let Some(FeedFrame::Keyframe(first)) = spectator.hear().await else { panic!("a keyframe") };
        assert_eq!(first.fight.unwrap().checksum, fight.checksum().to_string());
        let mut uploader = Uploader::connect(&relay).await;
        assert_eq!(uploader.begin(&fight).await.held.map(|held| held.seq), Some(40));
        assert_eq!(relay.get(&path).await, (200, whole.clone()), "{record}");
        assert!(!named(&relay, &begun.report).await);
        drop(uploader);
        relay.stop().await;
    }
}

#[tokio::test]
async fn a_final_report_whose_log_is_damaged_is_set_aside_by_whoever_reads_it_and_said() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let (fight, begun) = finish(&mut uploader, 1).await;
    let (_, other) = finish(&mut uploader, 2).await;
    let raid = uploader.welcome.raid.clone();
    drop(uploader);
    relay.stop().await;
    let report = &begun.report;
    let update = |log: &str| format!("UPDATE encounter_log SET log = {log} {OF_REPORT}");
    let damages = [
        update("substr(log, 1, length(log) / 2)"),
        update("X''"),
        update("X'DDFFFFFFFF'"),
        update("zeroblob(300)"),
        format!("DELETE FROM encounter_log {OF_REPORT}"),
    ];
    for change in &damages {
        damage(data.path(), change, report).await;
        let relay = TestRelay::start(data.path()).await;
        assert!(!named(&relay, report).await, "nobody has read it yet");
        // What is whole of it is shown.
        assert_eq!(pages(&relay, report).await, [fine(), aside(), aside()], "{change}");
        assert!(named(&relay, report).await, "{change}");
        assert_eq!(pages(&relay, &other.report).await, [fine(), fine(), fine()]);
        relay.stop().await;
        // Who reads it first is a replay.
        let relay = TestRelay::start(data.path()).await;
        let mut watching = Spectator::join(&relay, &format!("{raid}/feed?report={report}"), SUBPROTOCOL).await;
        while watching.hear().await.is_some() {}
        let bye = watching.bye.expect("a goodbye");
        assert!(bye.retry_ms.is_none() && bye.reason.contains("set it aside"), "{bye:?}");
        assert!(named(&relay, report).await, "{change}");
        relay.stop().await;
    }
    // Its record, too: nothing is left to show, until it is thrown away and sent again.
    damage(data.path(), &format!("UPDATE encounter_record SET record = X'' {OF_REPORT}"), report).await;
    let relay = TestRelay::start(data.path()).await;
    assert_eq!(pages(&relay, report).await, [aside(), aside(), aside()]);
    let mut uploader = Uploader::connect(&relay).await;
    thrown_away_and_sent_again(&relay, &mut uploader, &fight, report).await;
    relay.stop().await;
}

/// A fight that is set aside: its uploader is told so, and can send it again once it is thrown away.
async fn thrown_away_and_sent_again(relay: &TestRelay, uploader: &mut Uploader, fight: &Script, report: &str) {
    uploader.send(&UplinkFrame::Begin(Begin { enc: fight.enc, stream: fight.stream, header: header() })).await;
    let UplinkReply::Refused(refused) = uploader.reply().await else { panic!("begun: {report}") };
    assert!(refused.text.contains("set it aside") && refused.enc == Some(fight.enc), "{}", refused.text);
    assert!(refused.retry_ms.is_some_and(|ms| ms >= 60_000), "it is so the next time, too");
    assert!(named(relay, report).await);
    uploader.send(&UplinkFrame::Discard { enc: fight.enc }).await;
    let anew = uploader.begin(fight).await;
    assert_ne!(anew.report, report);
    assert!(!named(relay, report).await);
    uploader.deltas(anew.h, &fight.deltas).await;
    uploader.acked(40).await;
    assert!(matches!(uploader.end(anew.h, fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    assert_eq!(pages(relay, &anew.report).await, [fine(), fine(), fine()]);
}

#[tokio::test]
async fn a_final_report_whose_row_is_damaged_is_set_aside_and_its_uploader_told() {
    let data = tempfile::tempdir().unwrap();
    for column in ["revision = -1", "state = 7", "kept_stream = X'00'"] {
        let relay = TestRelay::start(data.path()).await;
        let mut uploader = Uploader::connect(&relay).await;
        let (fight, begun) = finish(&mut uploader, 1).await;
        drop(uploader);
        relay.stop().await;
        damage(data.path(), &format!("UPDATE encounters SET {column} WHERE report_id = ?1"), &begun.report).await;
        let relay = TestRelay::start(data.path()).await;
        // Nothing says any more who may see it: it is there for nobody but who has a key.
        assert_eq!(pages(&relay, &begun.report).await, [not_there(), not_there(), not_there()], "{column}");
        let (status, told) = relay.get_with(&format!("/api/v1/reports/{}", begun.report), Some(KEY)).await;
        assert_eq!((status, told["code"].as_str()), (500, Some("set_aside")), "{column}: {told}");
        assert!(named(&relay, &begun.report).await, "{column}");
        let mut uploader = Uploader::connect(&relay).await;
        thrown_away_and_sent_again(&relay, &mut uploader, &fight, &begun.report).await;
        // The next round begins without it.
        uploader.send(&UplinkFrame::Discard { enc: fight.enc }).await;
        finish(&mut uploader, 9).await;
        uploader
            .send(&UplinkFrame::Discard { enc: Script::new(1, 2).at(header().started_at_ms + 9_000_000).enc })
            .await;
        drop(uploader);
        relay.stop().await;
    }
}

#[tokio::test]
async fn a_raid_whose_row_is_damaged_is_set_aside_and_its_uploader_told_what_to_do() {
    for column in ["visibility = 7", "secret_digest = X'00'", "tickets = -1"] {
        let data = tempfile::tempdir().unwrap();
        let relay = TestRelay::start(data.path()).await;
        let mut uploader = Uploader::connect(&relay).await;
        finish(&mut uploader, 1).await;
        let raid = uploader.welcome.raid.clone();
        let channel = uploader.welcome.channel_url.rsplit('/').next().unwrap().to_owned();
        drop(uploader);
        relay.stop().await;
        damage(data.path(), &format!("UPDATE raids SET {column} WHERE code = ?1"), &raid).await;
        let relay = TestRelay::start(data.path()).await;
        for path in [format!("/api/v1/raids/{raid}"), format!("/api/v1/live/{channel}")] {
            let (status, page) = relay.get_with(&path, Some(KEY)).await;
            assert_eq!((status, page["code"].as_str()), (500, Some("set_aside")), "{column}: {path}: {page}");
            let (status, page) = relay.get(&path).await;
            assert_eq!((status, page["code"].as_str()), (404, Some("not_found")), "{column}: {path}: {page}");
        }
        let (status, health) = relay.get("/health").await;
        assert_eq!((status, health["status"].as_str()), (200, Some("healthy")));
        assert_eq!(health["setAside"]["raids"], 1, "{column}: {health}");
        assert!(!health.to_string().contains(raid.as_str()), "{health}");

        let mut socket = uplink(&relay.url, KEY).await.unwrap();
        send_bytes(&mut socket, codec::encode(&UplinkFrame::Hello(hello()))).await;
        let Some(UplinkReply::Refused(refused)) = reply(&mut socket).await else { panic!("{column}: welcome") };
        assert_eq!(refused.code, RefusedCode::StoreUnavailable);
        assert!(refused.text.contains("raid.json") && refused.text.contains("set it aside"), "{}", refused.text);
        assert!(refused.retry_ms.is_some_and(|ms| ms >= 60_000));
        // What it is told to do helps, and the channel shows that.
        relay.pass_ms(1_000);
        let next = Hello { raid: RaidId(Uuid::from_u128(77)), ..hello() };
        let mut uploader = Uploader::connect_as(&relay, KEY, next).await;
        let (_, begun) = finish(&mut uploader, 2).await;
        assert_eq!(pages(&relay, &begun.report).await, [fine(), fine(), fine()]);
        let channel = uploader.welcome.channel_url.rsplit('/').next().unwrap();
        let (status, shown) = relay.get(&format!("/api/v1/live/{channel}")).await;
        assert_eq!((status, shown["code"].as_str()), (200, Some(uploader.welcome.raid.as_str())));
        relay.stop().await;
    }
}

#[tokio::test]
async fn what_is_damaged_is_as_if_it_were_not_there_for_who_has_no_key() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let (_, begun) = finish(&mut uploader, 1).await;
    let Welcome { raid, channel_url, .. } = uploader.welcome.clone();
    let channel = channel_url.rsplit('/').next().unwrap();
    drop(uploader);
    relay.stop().await;
    damage(data.path(), "UPDATE encounters SET revision = -1 WHERE report_id = ?1", &begun.report).await;
    damage(data.path(), "UPDATE raids SET visibility = 7 WHERE code = ?1", &raid).await;
    let relay = TestRelay::start(data.path()).await;
    let unnamed = |answer: Answer, name: &str| Answer { body: answer.body.replace(name, "nothing"), ..answer };
    let key = format!("X-API-Key: {KEY}");
    for (kind, name) in [("reports", begun.report.as_str()), ("raids", &raid), ("live", channel)] {
        for under in ["", "/api/v1"] {
            let (path, none) = (format!("GET {under}/{kind}/{name}"), format!("GET {under}/{kind}/nothing"));
            let (hidden, none) = (ask(&relay, &path, &[]).await, ask(&relay, &none, &[]).await);
            let (hidden, none) = (unnamed(hidden, name), unnamed(none, name));
            assert_eq!((hidden.status, hidden.plain()), (404, none.plain()), "{path}");
        }
        let keyed = ask(&relay, &format!("GET /api/v1/{kind}/{name}"), &[&key]).await;
        assert_eq!((keyed.status, keyed.code().as_str()), (500, "set_aside"), "{kind}");
    }
    for feed in [format!("raids/{raid}/feed"), format!("live/{channel}/feed")] {
        let answer = ask(&relay, &format!("GET /api/v1/{feed}"), &UPGRADE).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{feed}");
    }
    let renew = format!("POST /api/v1/raids/{raid}/ticket");
    let answer = ask(&relay, &renew, &[&key]).await;
    assert_eq!((answer.status, answer.code().as_str()), (500, "set_aside"));
    assert_eq!(ask(&relay, &renew, &[]).await.status, 401);
    relay.stop().await;
}

/// It may be read again some day, and then it tells what the other does not.
#[tokio::test]
async fn what_tells_less_takes_no_place_of_what_cannot_be_read() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let known = ids(&relay, KEY, &[fight(100, true)]).await;
    let report = opened(&relay, known[0]).await;
    relay.stop().await;
    damage(data.path(), &format!("UPDATE encounter_log SET log = X'' {OF_REPORT}"), &report.report_id).await;
    let relay = TestRelay::start(data.path()).await;
    for (with_hits, revision) in [(false, 1), (true, 2)] {
        assert_eq!(ids(&relay, KEY, &[fight(100, with_hits)]).await, known);
        let held = opened(&relay, known[0]).await;
        assert_eq!(
            (held.report_id.as_str(), held.revision, held.fight.timed),
            (report.report_id.as_str(), revision, true)
        );
    }
    relay.stop().await;
}

/// That it exists is its owner's to know.
#[tokio::test]
async fn what_cannot_be_read_is_not_there_for_who_holds_another_account() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let known = ids(&relay, KEY, &[fight(100, true)]).await;
    let report = opened(&relay, known[0]).await;
    relay.stop().await;
    let raid = "UPDATE raids SET id = X'00' WHERE row = (SELECT raid FROM encounters WHERE report_id = ?1)";
    damage(data.path(), raid, &report.report_id).await;
    damage(data.path(), "UPDATE encounters SET revision = -1 WHERE report_id = ?1", &report.report_id).await;
    let relay = TestRelay::start(data.path()).await;
    for path in [format!("/api/v1/reports/{}", report.report_id), format!("/api/v1/raids/{}", report.raid)] {
        let asked = async |key| relay.get_with(&path, key).await;
        let nothing = relay.get_with(&format!("{path}x"), Some(OTHER_KEY)).await;
        assert_eq!(
            (nothing.0, asked(Some(OTHER_KEY)).await, asked(None).await),
            (404, nothing.clone(), nothing),
            "{path}"
        );
        assert_eq!(asked(Some(KEY)).await.1["code"], "set_aside", "{path}");
    }
    relay.stop().await;
}
