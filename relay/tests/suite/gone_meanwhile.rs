//! What happens while something is deleted: it moves, comes again, is asked for twice, or cannot be read.

use std::sync::Arc;

use raidcast_relay::account::Registration;
use raidcast_relay::clock::Clock;
use raidcast_relay::database::Database;
use raidcast_relay::jobs::{JobDone, Later, Worker};
use raidcast_shared::id::RaidId;
use raidcast_shared::uplink::{Hello, Outcome, RefusedCode, UplinkReply};
use raidcast_store::{AccountId, Audited, Erasing as _, Erasure, JobKind, LeasedJob, Note, Store};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::people::{Browser, open, secret_of};
use crate::raw::becomes;
use crate::script::{KEY, OTHER_KEY, Script, TestRelay, Uploader, hello, soon};
use crate::set_aside::damage;
use crate::shaky::Shaky;
use crate::uploads::{fight, ids, opened};

fn raid(number: u128) -> Hello {
    Hello { raid: RaidId(Uuid::from_u128(0xface_0000 + number)), ..hello() }
}

/// Streams a fight to its report.
async fn finished(uploader: &mut Uploader, fight: &Script) -> String {
    let begun = uploader.begin(fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    assert!(matches!(uploader.end(begun.h, fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    begun.report
}

async fn listed(relay: &TestRelay, raid: &str) -> Vec<String> {
    let (_, page) = relay.get(&format!("/api/v1/raids/{raid}")).await;
    page["reports"].as_array().unwrap().iter().map(|line| line["reportId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_reading_that_waited_before_jobs_named_their_fights_goes_with_its_fight() {
    use sqlx::{ConnectOptions as _, Connection as _};
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let script = Script::new(20, 2);
    let begun = uploader.begin(&script).await;
    uploader.deltas(begun.h, &script.deltas).await;
    uploader.acked(20).await;
    let known = ids(&relay, KEY, &[fight(1, true)]).await;
    assert_eq!(relay.store.jobs(JobKind::Reading).await.unwrap().count, 1);
    drop(uploader);
    relay.stop().await;
    // As an earlier relay left it.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.path().join("raidcast.db"));
    let mut connection = options.connect().await.unwrap();
    for statement in [
        "UPDATE jobs SET encounter_id = NULL",
        "DROP TABLE webhook_messages",
        "DROP TABLE webhooks",
        "ALTER TABLE opt_outs DROP COLUMN by_administrator",
        "DROP TABLE account_numbers",
        "ALTER TABLE audit DROP COLUMN key",
        "ALTER TABLE raids DROP COLUMN said_report_visibility",
        "ALTER TABLE raids DROP COLUMN said_visibility",
        "ALTER TABLE raids DROP COLUMN report_visibility",
        "DELETE FROM _sqlx_migrations WHERE version >= 20",
    ] {
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    let relay = TestRelay::start(data.path()).await;
    let report = opened(&relay, known[0]).await.report_id;
    assert_eq!(relay.request("DELETE", &format!("/api/v1/reports/{report}"), Some(KEY)).await.0, 200);
    assert_eq!(relay.store.jobs(JobKind::Reading).await.unwrap().count, 0);
    relay.stop().await;
}

#[tokio::test]
async fn a_fight_that_moves_before_its_turn_is_deleted_from_where_it_is() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), shaky.clone()).await;
    let mut first = Uploader::connect_as(&relay, KEY, raid(1)).await;
    finished(&mut first, &Script::new(10, 2).at(1_790_000_100_000)).await;
    let mut second = Uploader::connect_as(&relay, KEY, raid(2)).await;
    let script = Script::new(30, 4);
    let begun = second.begin(&script).await;
    second.deltas(begun.h, &script.deltas[..10]).await;
    second.acked(10).await;
    let mut third = Uploader::connect_as(&relay, KEY, raid(3)).await;
    // The account's turn is taken.
    let held = shaky.faults.erasures.write().await;
    let first_path = format!("/api/v1/raids/{}", first.welcome.raid);
    let path = format!("/api/v1/reports/{}", begun.report);
    let eraser = relay.relay.as_ref().unwrap().eraser();
    let after_it = async {
        soon("the raid's turn", shaky.faults.erasures_asked.notified()).await;
        relay.request("DELETE", &path, Some(KEY)).await
    };
    let meanwhile = async {
        becomes("the fight waits", async || eraser.waiting() == 1).await;
        let moved = third.begin(&script).await;
        assert_eq!(moved.report, begun.report);
        third.deltas(moved.h, &script.deltas[10..]).await;
        third.acked(30).await;
        drop(held);
    };
    let (raid, fight, ()) = futures::join!(relay.request("DELETE", &first_path, Some(KEY)), after_it, meanwhile);
    assert_eq!((raid, fight), ((200, json!({"done": true})), (200, json!({"done": true}))));
    let UplinkReply::Refused(refused) = third.reply().await else { panic!("not told") };
    assert_eq!(refused.code, RefusedCode::NotSupported);
    assert_eq!(relay.get(&path).await.0, 404);
    for raid in [&second.welcome.raid, &third.welcome.raid] {
        assert_eq!(listed(&relay, raid).await, Vec::<String>::new());
    }
    drop((first, second, third));
    relay.stop().await;
}

#[tokio::test]
async fn nobody_waits_for_what_others_delete_and_what_is_asked_twice_is_noted_once() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), shaky.clone()).await;
    let mut large = Uploader::connect_as(&relay, KEY, raid(1)).await;
    finished(&mut large, &Script::new(10, 2)).await;
    let mut other = Uploader::connect_as(&relay, OTHER_KEY, raid(2)).await;
    let small = finished(&mut other, &Script::new(10, 4)).await;
    let held = shaky.faults.erasures.write().await;
    let path = format!("/api/v1/raids/{}", large.welcome.raid);
    let twice =
        async { futures::join!(relay.request("DELETE", &path, Some(KEY)), relay.request("DELETE", &path, Some(KEY))) };
    let meanwhile = async {
        soon("the raid's turn", shaky.faults.erasures_asked.notified()).await;
        let path = format!("/api/v1/reports/{small}");
        let deleted = soon("the other's", relay.request("DELETE", &path, Some(OTHER_KEY))).await;
        assert_eq!(deleted, (200, json!({"done": true})));
        // One that is going is not kept.
        let pin = format!("/api/v1/raids/{}/pin", large.welcome.raid);
        assert_eq!(relay.request("PUT", &pin, Some(KEY)).await.0, 404);
        becomes("both ask", async || relay.store.jobs(JobKind::Erase).await.unwrap().count == 1).await;
        drop(held);
    };
    let (done, ()) = futures::join!(twice, meanwhile);
    assert_eq!(done.0, (200, json!({"done": true})));
    // The second shared it, or came when it was done.
    assert!([200, 404].contains(&done.1.0), "{done:?}");
    let notes = relay.store.audit(None, 9).await.unwrap();
    assert_eq!(notes.iter().filter(|row| row.note.what == Audited::RaidDeleted).count(), 1);
    relay.stop().await;
}

#[tokio::test]
async fn what_a_key_of_the_configuration_sends_while_its_owner_is_deleted_belongs_to_a_fresh_account() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store_set(data.path(), shaky.clone(), |config| {
        config.registration = Registration::Open;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let (mut ana, mut bo) = (Browser::at(&relay, 1), Browser::at(&relay, 2));
    let first = secret_of(relay.first_link().unwrap());
    assert_eq!(ana.join("Ana", Some(&first)).await.status, 201);
    assert_eq!(bo.join("Bo", None).await.status, 201);
    let mut uploader = Uploader::connect_as(&relay, KEY, raid(1)).await;
    let old = finished(&mut uploader, &Script::new(10, 2)).await;
    let account = relay.store.account("default", "-").await.unwrap().id;
    let person = relay.store.people(None, 9).await.unwrap()[1].id;
    assert!(relay.store.claim(account, person, 1).await.unwrap());
    let held = shaky.faults.erasures.write().await;
    let mut leaving = bo.clone();
    let meanwhile = async {
        soon("the raid's turn", shaky.faults.erasures_asked.notified()).await;
        // Another client of the same key, and an upload.
        let mut late = Uploader::connect_as(&relay, KEY, raid(2)).await;
        let report = finished(&mut late, &Script::new(10, 4).at(1_790_000_300_000)).await;
        let remote_ids = ids(&relay, KEY, &[fight(1, true)]).await;
        assert_eq!(bo.get("/api/v1/me").await.code(), "signed_out");
        drop(held);
        (late, report, remote_ids)
    };
    let (gone, (_late, report, remote_ids)) = futures::join!(leaving.ask("DELETE", "/api/v1/me", None), meanwhile);
    assert_eq!((gone.status, gone.body), (200, json!({"done": true})));
    assert_eq!(relay.get(&format!("/api/v1/reports/{old}")).await.0, 404);
    assert_eq!(relay.get(&format!("/api/v1/reports/{report}")).await.0, 200);
    opened(&relay, remote_ids[0]).await;
    let fresh = relay.store.account("default", "-").await.unwrap().id;
    assert!(fresh.0 > account.0, "no other has the number");
    assert_eq!(relay.store.raids_left(account, 9).await.unwrap(), Vec::<String>::new());
    relay.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_deleted_like_all_else() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (mut first, mut second) = (Uploader::connect_as(&relay, KEY, raid(1)).await, raid(2));
    let (kept, broken) = (
        finished(&mut first, &Script::new(10, 2)).await,
        finished(&mut first, &Script::new(10, 4).at(1_790_000_300_000)).await,
    );
    second.title = Some("another".into());
    let mut second = Uploader::connect_as(&relay, KEY, second).await;
    finished(&mut second, &Script::new(10, 6).at(1_790_000_600_000)).await;
    let (first, second) = (first.welcome.raid.clone(), second.welcome.raid.clone());
    relay.stop().await;
    let revision = "UPDATE encounters SET revision = -7 WHERE report_id = ?1";
    damage(data.path(), revision, &broken).await;
    damage(data.path(), "UPDATE raids SET shown_until_ms = 0, tickets = -7 WHERE code = ?1", &second).await;
    let relay = TestRelay::start_on(data.path(), Some(Database::in_folder(data.path()))).await;
    let path = format!("/api/v1/reports/{broken}");
    assert_eq!(relay.get_with(&path, Some(KEY)).await.0, 500);
    assert_eq!(relay.request("DELETE", &path, Some(OTHER_KEY)).await.0, 404);
    assert_eq!(relay.request("DELETE", &path, Some(KEY)).await, (200, json!({"done": true})));
    assert_eq!(relay.get_with(&path, Some(KEY)).await.0, 404);
    assert_eq!(listed(&relay, &first).await, [kept]);
    let path = format!("/api/v1/raids/{second}");
    assert_eq!(relay.get_with(&path, Some(KEY)).await.0, 500);
    assert_eq!(relay.request("DELETE", &path, Some(KEY)).await, (200, json!({"done": true})));
    assert_eq!(relay.get_with(&path, Some(KEY)).await.0, 404);
    relay.stop().await;
}

/// Asks for an archive, of which nothing is read yet.
async fn ask_archive(relay: &TestRelay, of: &Browser) -> TcpStream {
    let host = relay.url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&host).await.unwrap();
    let request = format!(
        "GET /api/v1/me/export HTTP/1.0\r\nHost: {host}\r\nX-Forwarded-For: 192.0.2.1\r\n\
         Sec-Fetch-Site: same-origin\r\nCookie: {}\r\n\r\n",
        of.cookie.as_deref().unwrap(),
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Whether an archive came to its end, and unpacks.
async fn is_whole(mut stream: TcpStream) -> bool {
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).await;
    assert!(answer.starts_with(b"HTTP/1.0 200"), "{}", String::from_utf8_lossy(&answer));
    let body = answer.windows(4).position(|at| at == b"\r\n\r\n").unwrap() + 4;
    read.is_ok() && zstd::stream::decode_all(&answer[body..]).is_ok()
}

#[tokio::test]
async fn an_archive_is_given_to_one_once_at_a_time_and_ends_with_the_session() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store_set(data.path(), shaky.clone(), |config| {
        config.registration = Registration::Open;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let mut bo = Browser::at(&relay, 1);
    assert_eq!(bo.join("Bo", None).await.status, 201);
    let held = shaky.faults.archives.write().await;
    let first = ask_archive(&relay, &bo).await;
    soon("the archive", shaky.faults.archives_asked.notified()).await;
    assert_eq!(bo.get("/api/v1/me/export").await.code(), "conflict");
    let notes = relay.store.audit(None, 9).await.unwrap();
    assert_eq!(notes.iter().filter(|row| row.note.what == Audited::PersonExported).count(), 1);
    // He signs in elsewhere, and ends that session: the archive breaks off, and he may have another.
    let mut other = Browser::at(&relay, 1);
    assert_eq!(other.sign_in("Bo", "correct horse battery").await.status, 200);
    assert_eq!(other.ask("DELETE", "/api/v1/me/sessions", None).await.status, 204);
    assert!(!soon("its end", is_whole(first)).await);
    drop(held);
    assert!(is_whole(ask_archive(&relay, &other).await).await);
    relay.stop().await;
}

#[tokio::test]
async fn the_key_by_which_something_was_deleted_is_noted() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    let first = secret_of(relay.first_link().unwrap());
    assert_eq!(ana.join("Ana", Some(&first)).await.status, 201);
    let (id, key) = ana.make_key(&["upload", "manage"], None).await;
    let mut uploader = Uploader::connect_as(&relay, &key, raid(1)).await;
    let report = finished(&mut uploader, &Script::new(10, 2)).await;
    assert_eq!(relay.request("DELETE", &format!("/api/v1/reports/{report}"), Some(&key)).await.0, 200);
    let mut configured = Uploader::connect_as(&relay, KEY, raid(2)).await;
    let report = finished(&mut configured, &Script::new(10, 4)).await;
    assert_eq!(relay.request("DELETE", &format!("/api/v1/reports/{report}"), Some(KEY)).await.0, 200);
    let audit = ana.get("/api/v1/audit").await.body;
    let by = |line: usize| (audit["lines"][line]["by"].clone(), audit["lines"][line]["key"].clone());
    assert_eq!((by(0), by(1)), ((json!(null), json!(null)), (json!(null), json!(id))));
    let named = |audit: &Value| (audit["lines"][0]["keyName"].clone(), audit["lines"][1]["keyName"].clone());
    assert_eq!(named(&audit), (json!(null), json!("meter")));
    // A key that has ended has no name any more.
    assert_eq!(ana.ask("DELETE", &format!("/api/v1/me/keys/{id}"), None).await.status, 204);
    let audit = ana.get("/api/v1/audit").await.body;
    let line = &audit["lines"][2];
    assert_eq!((&line["key"], &line["keyName"]), (&json!(id), &json!(null)), "{audit}");
    relay.stop().await;
}

/// On a clock that leaps: what sleeps there sleeps for no time at all.
#[test]
fn a_deletion_that_takes_long_goes_on_and_has_not_failed() {
    let data = tempfile::tempdir().unwrap();
    let own = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let shaky = own.block_on(Shaky::open(data.path()));
    let leaps = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    leaps.block_on(async {
        let note = Note { by: None, key: None, what: Audited::RaidDeleted, about: None, at_ms: 1 };
        let job = Erasure::Raid("of nobody".into()).job(AccountId(1), 1, 1);
        assert!(shaky.begin_erasing(&job, note, None).await.unwrap());
        for (is_long, now_ms, told) in [(true, 10, "it goes on"), (false, 10_000_000, "it takes too long")] {
            let does = |_: LeasedJob| std::future::pending::<Result<JobDone, Later>>();
            let (store, line) = (Arc::clone(&shaky) as Arc<dyn Store>, Arc::default());
            let clock = Clock::new(move || now_ms);
            let worker = Worker { store, clock, kind: JobKind::Erase, line, does, goes_before: None, is_long };
            assert_eq!(worker.next().await.unwrap(), Some((job.key, Err(told.to_owned()))));
        }
    });
}
