//! What PostgreSQL's own failures mean: a server that dies, connections that are cut, locks, schemas of others.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

mod migrated;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use raidcast_pgkit::{Cluster, Install};
use raidcast_shared::id::{EncounterId, RaidId, StreamId};
use raidcast_shared::report::{Place, Totals};
use raidcast_shared::uplink::{NamesPolicy, Outcome, ReportState, Visibility};
use raidcast_store::name::{NameKind, Typed};
use raidcast_store::search::{Filters, ROWS_LOOKED_AT_MAX, names_like};
use raidcast_store::{
    Accounts as _, Audited, Delay, Derived, DerivedRows as _, EncounterKey, EncounterRow, Encounters as _, HeldReport,
    JobKey, JobKind, Jobs as _, Journal as _, JournalEntry, JournalKind, KeptReport, NewEncounter, NewUpload,
    NewWebhook, Note, RaidRow, Raids as _, ReportLine, Reports as _, Search as _, SearchOrder, SearchRequest,
    StoreError, StoredStream, StreamKey, Tickets, Upkeep as _, UploadKept, Uploads as _, Webhooks as _,
};
use raidcast_store_postgres::{PostgresStore, look};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use uuid::Uuid;

const STREAM: StreamId = StreamId(Uuid::from_u128(7));

/// A store with a raid, on the cluster that the tests share or on another.
struct Fixture {
    url: String,
    store: Arc<PostgresStore>,
    raid: RaidRow,
}

impl Fixture {
    /// On the shared cluster.
    async fn new() -> Option<(Self, &'static Cluster)> {
        let cluster = raidcast_pgkit::shared()?;
        Some((Self::at(migrated::database(cluster)).await, cluster))
    }

    async fn at(url: String) -> Self {
        let store = Arc::new(PostgresStore::open(&url).await.unwrap());
        let account = store.account("ana", "channel").await.unwrap();
        let raid = RaidRow {
            id: RaidId(Uuid::from_u128(1)),
            account: account.id,
            code: "raid".into(),
            secret_digest: [1; 32],
            title: None,
            visibility: Visibility::Unlisted,
            report_visibility: None,
            said: None,
            names: NamesPolicy::Full,
            delay: Delay::default(),
            created_at_ms: 1,
            active_at_ms: 1,
            closed: false,
            history: false,
            tickets: Tickets::default(),
        };
        store.insert_raid(&raid).await.unwrap();
        Self { url, store, raid }
    }

    fn database(&self) -> &str {
        self.url.rsplit('/').next().unwrap().split('?').next().unwrap()
    }

    async fn encounter(&self, number: u128) -> EncounterRow {
        let new = NewEncounter {
            key: EncounterKey { account: self.raid.account, encounter: EncounterId(Uuid::from_u128(number)) },
            report_id: format!("report-{number}"),
            raid_code: self.raid.code.clone(),
            started_at_ms: 1,
            created_at_ms: 1,
            stream: StoredStream { stream: STREAM, header: Bytes::new(), after_revision: 0 },
        };
        self.store.begin_encounter(&new).await.unwrap()
    }
}

fn entry(row: &EncounterRow, seq: u64, bytes: usize) -> JournalEntry {
    JournalEntry {
        stream: StreamKey { encounter: row.row, stream: STREAM },
        seq,
        kind: JournalKind::Delta,
        received_at_ms: 1,
        data: Bytes::from(vec![seq as u8; bytes]),
    }
}

async fn held(store: &PostgresStore, row: &EncounterRow) -> Vec<JournalEntry> {
    store.open_encounter(row.row).await.unwrap().unwrap().streams.into_iter().next().unwrap().1
}

fn assert_unavailable<T: std::fmt::Debug>(answer: &Result<T, StoreError>, says: &str) {
    match answer {
        Err(StoreError::Unavailable(text)) => assert!(text.contains(says), "{text}"),
        other => panic!("{other:?}"),
    }
}

fn assert_damaged<T: std::fmt::Debug>(answer: &Result<T, StoreError>, says: &str) {
    match answer {
        Err(StoreError::Damaged(text)) => assert!(text.contains(says), "{text}"),
        other => panic!("{other:?}"),
    }
}

/// The server's default is `synchronous_commit = off` here, which loses what it answered last: the store's does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_nothing_that_was_answered_and_is_used_again_when_it_is_back() {
    let Some(install) = Install::find_or_skip() else { return };
    let mut cluster = Cluster::start(install);
    let fixture = Fixture::at(cluster.new_database()).await;
    let rows = join_all((1..=4).map(|number| fixture.encounter(number))).await;
    let answered: Arc<Vec<AtomicU64>> = Arc::new(rows.iter().map(|_| AtomicU64::new(0)).collect());
    let told = Arc::new(Notify::new());
    for round in 1..=2 {
        // Each sends as fast as it is answered, eight under way, until something fails.
        let senders = rows.iter().cloned().enumerate().map(|(at, row)| {
            let (store, answered, told) = (Arc::clone(&fixture.store), Arc::clone(&answered), Arc::clone(&told));
            tokio::spawn(async move {
                loop {
                    let next = answered[at].load(Ordering::SeqCst) + 1;
                    let calls: Vec<_> = (next..next + 8).map(|seq| store.append(entry(&row, seq, 700))).collect();
                    for (seq, answer) in (next..).zip(join_all(calls).await) {
                        match answer {
                            Ok(()) => {
                                answered[at].store(seq, Ordering::SeqCst);
                                told.notify_one();
                            }
                            Err(StoreError::Unavailable(_)) => return,
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            })
        });
        let senders: Vec<_> = senders.collect();
        let sum = || answered.iter().map(|seq| seq.load(Ordering::SeqCst)).sum::<u64>();
        let before = sum();
        while sum() < before + 200 {
            told.notified().await;
        }
        cluster = tokio::task::spawn_blocking(move || {
            cluster.kill();
            cluster
        })
        .await
        .unwrap();
        for sender in senders {
            sender.await.unwrap();
        }
        // Everything says so while it is away.
        assert_unavailable(&fixture.store.append(entry(&rows[0], 1, 700)).await, "");
        assert_unavailable(&fixture.store.ping().await, "");
        let (read, written) =
            tokio::join!(fixture.store.raid_by_code("raid"), fixture.store.update_raid(&fixture.raid, None));
        assert_unavailable(&read, "");
        assert_unavailable(&written, "");
        cluster = tokio::task::spawn_blocking(move || {
            cluster.restart();
            cluster
        })
        .await
        .unwrap();
        // And goes on at once when it is back.
        fixture.store.ping().await.unwrap();
        assert_eq!(fixture.store.raid_by_code("raid").await.unwrap(), Some(fixture.raid.clone()));
        for (at, row) in rows.iter().enumerate() {
            let entries = held(&fixture.store, row).await;
            let answered = answered[at].load(Ordering::SeqCst);
            assert!(entries.len() as u64 >= answered, "round {round}: {answered} answered, {} held", entries.len());
            let expected: Vec<_> = (1..=entries.len() as u64).map(|seq| entry(row, seq, 700)).collect();
            assert_eq!(entries, expected);
        }
    }
}

fn everything() -> SearchRequest {
    SearchRequest {
        filters: Filters::default(),
        order: SearchOrder::Started,
        descending: true,
        after: None,
        skip: 0,
        take: 50,
        count: true,
        look: ROWS_LOOKED_AT_MAX,
    }
}

#[tokio::test]
async fn connections_that_are_cut_are_not_noticed() {
    let Some((fixture, cluster)) = Fixture::new().await else { return };
    let row = fixture.encounter(1).await;
    for seq in 1..=5 {
        fixture.store.append(entry(&row, seq, 10)).await.unwrap();
        fixture.store.update_raid(&fixture.raid, None).await.unwrap();
        // On all connections that searches have.
        let (request, name) = (everything(), Typed::new(NameKind::Boss, "ogre").unwrap());
        for found in join_all([(); 5].map(|()| fixture.store.search(&request))).await {
            assert_eq!(found.unwrap().lines, []);
        }
        for named in join_all([(); 5].map(|()| names_like(&*fixture.store, &name))).await {
            assert_eq!(named.unwrap(), []);
        }
        let cut =
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", fixture.database());
        assert!(cluster.run("postgres", &cut).lines().count() >= 2);
    }
    assert_eq!(held(&fixture.store, &row).await.len(), 5);
}

#[tokio::test]
async fn a_lock_makes_it_unavailable_until_it_is_released() {
    let Some((fixture, cluster)) = Fixture::new().await else { return };
    let row = fixture.encounter(1).await;
    fixture.store.append(entry(&row, 1, 10)).await.unwrap();
    let database = fixture.database().to_owned();
    let lock = "BEGIN; LOCK encounter_journal IN EXCLUSIVE MODE; NOTIFY locked; SELECT pg_sleep(60); COMMIT";
    let holder = std::thread::spawn({
        let database = database.clone();
        move || std::panic::catch_unwind(|| cluster.run(&database, lock)).is_err()
    });
    let pid = "SELECT pid FROM pg_locks
               WHERE relation = 'encounter_journal'::regclass AND mode = 'ExclusiveLock' AND granted";
    // Nobody tells when another program has its lock.
    while cluster.run(&database, pid).is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let answers = join_all((2..=9).map(|seq| fixture.store.append(entry(&row, seq, 10)))).await;
    for answer in &answers {
        assert_unavailable(answer, "in the way");
    }
    assert_eq!(held(&fixture.store, &row).await.len(), 1);
    cluster.run(&database, &format!("SELECT pg_terminate_backend(pid) FROM ({pid}) AS holder"));
    assert!(holder.join().unwrap(), "its connection was cut");
    for answer in join_all((2..=9).map(|seq| fixture.store.append(entry(&row, seq, 10)))).await {
        answer.unwrap();
    }
    assert_eq!(held(&fixture.store, &row).await.len(), 9);
}

/// How many connections wait inside a transaction, when nobody asks for anything any more.
async fn left_open(connection: &mut PgConnection) -> i64 {
    let open = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let mut count = 0;
    for _ in 0..400 {
        count = sqlx::query_scalar(open).fetch_one(&mut *connection).await.unwrap();
        if count == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    count
}

/// A connection inside a transaction that nobody knows of would show others what was, and lose what they write.
#[tokio::test]
async fn who_gives_up_while_a_transaction_begins_leaves_none_open() {
    let Some((fixture, _)) = Fixture::new().await else { return };
    let row = fixture.encounter(1).await;
    let mut other = PgConnection::connect(&fixture.url).await.unwrap();
    for looks in 0..400 {
        {
            let mut asked = std::pin::pin!(fixture.store.report(&row.report_id));
            for _ in 0..looks {
                if futures::poll!(&mut asked).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // Each by itself: the next may end what this one left.
        assert_eq!(left_open(&mut other).await, 0, "given up after {looks} looks");
    }
}

#[tokio::test]
async fn a_lock_that_lasts_spoils_no_connection() {
    let Some((fixture, _)) = Fixture::new().await else { return };
    let row = fixture.encounter(1).await;
    let mut other = PgConnection::connect(&fixture.url).await.unwrap();
    let lock = i64::from_be_bytes(*b"rc names");
    sqlx::query("SELECT pg_advisory_lock($1)").bind(lock).execute(&mut other).await.unwrap();
    let (rows, seen) = (Derived::default(), HeldReport::from(&row));
    let job = JobKey { kind: JobKind::Derive, account: fixture.raid.account, name: [0; 16] };
    for kept in join_all((0..12).map(|_| fixture.store.keep_derived(seen, &rows, job))).await {
        assert_unavailable(&kept, "in the way");
    }
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(lock).execute(&mut other).await.unwrap();
    for _ in 0..30 {
        assert!(fixture.store.report(&row.report_id).await.unwrap().is_some());
    }
    assert!(fixture.store.keep_derived(seen, &rows, job).await.unwrap().is_some());
    assert_eq!(left_open(&mut other).await, 0);
}

/// An upload of an encounter that is not there.
fn upload(raid: &RaidRow, number: i64) -> NewUpload {
    let id = Uuid::from_u128(0xe000 + number as u128);
    let key = EncounterKey { account: raid.account, encounter: EncounterId(id) };
    let report_id = format!("upload-{number}");
    NewUpload {
        key,
        report_id: report_id.clone(),
        raid_code: raid.code.clone(),
        started_at_ms: 1,
        created_at_ms: 1,
        remote_id: number,
        hash: None,
        held: None,
        job: None,
        report: KeptReport {
            encounter: 0,
            state: ReportState::Final,
            revision: 1,
            stream: STREAM,
            line: ReportLine {
                report_id,
                encounter: key.encounter,
                raid_code: raid.code.clone(),
                live: raid.visibility,
                state: ReportState::Final,
                revision: 1,
                started_at_ms: 1,
                ended_at_ms: None,
                duration_ms: 1,
                damage_ms: None,
                outcome: Outcome::Kill,
                place: Place::default(),
                bosses: Vec::new(),
                players: 1,
                totals: Totals::default(),
                stub: false,
                verified: false,
                created_at_ms: 1,
                kept_at_ms: Some(1),
                delay: Delay::default(),
            },
            record: Bytes::from_static(b"record"),
            log: Some(Bytes::from_static(b"log")),
            kept_at_ms: 1,
        },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_that_wait_leave_connections_to_others() {
    let Some((fixture, cluster)) = Fixture::new().await else { return };
    let database = fixture.database().to_owned();
    let lock = "BEGIN; LOCK encounter_record IN EXCLUSIVE MODE; SELECT pg_sleep(60); COMMIT";
    let holder = std::thread::spawn({
        let database = database.clone();
        move || std::panic::catch_unwind(|| cluster.run(&database, lock)).is_err()
    });
    let locks = |granted: bool| {
        format!(
            "SELECT pid FROM pg_locks
             WHERE relation = 'encounter_record'::regclass AND mode LIKE '%ExclusiveLock' AND granted = {granted}"
        )
    };
    // Nobody tells when another program has its lock, nor when others wait for it.
    while cluster.run(&database, &locks(true)).is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut uploads = JoinSet::new();
    for number in 1..=12 {
        let (store, upload) = (Arc::clone(&fixture.store), upload(&fixture.raid, number));
        uploads.spawn(async move { store.keep_upload(&upload).await });
    }
    while cluster.run(&database, &locks(false)).lines().count() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(fixture.store.raid_by_code("raid").await.unwrap(), Some(fixture.raid.clone()));
    assert!(uploads.try_join_next().is_none(), "the page waited for an upload");
    cluster.run(&database, &format!("SELECT pg_terminate_backend(pid) FROM ({}) AS holder", locks(true)));
    assert!(holder.join().unwrap(), "its connection was cut");
    let mut kept = 0;
    for answer in uploads.join_all().await {
        match answer {
            Ok(answer) => {
                assert!(matches!(answer, UploadKept::Kept { .. }));
                kept += 1;
            }
            Err(error) => assert_unavailable::<()>(&Err(error), "in the way"),
        }
    }
    assert!(kept >= 9, "{kept} that had not waited yet");
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_unavailable_and_can_be_read() {
    let Some((fixture, cluster)) = Fixture::new().await else { return };
    let row = fixture.encounter(1).await;
    let set = |to: &str| {
        let database = fixture.database();
        let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
        cluster.run("postgres", &format!("ALTER DATABASE {database} SET default_transaction_read_only = {to}"));
        cluster.run("postgres", &cut);
    };
    set("on");
    assert_unavailable(&fixture.store.append(entry(&row, 1, 10)).await, "takes no writes");
    assert_unavailable(&fixture.store.ping().await, "takes no writes");
    assert_unavailable(&fixture.store.update_raid(&fixture.raid, None).await, "takes no writes");
    assert_eq!(fixture.store.raid_by_code("raid").await.unwrap(), Some(fixture.raid.clone()));
    set("off");
    fixture.store.append(entry(&row, 1, 10)).await.unwrap();
    fixture.store.ping().await.unwrap();
}

#[tokio::test]
async fn a_database_has_one_owner() {
    let Some((fixture, _)) = Fixture::new().await else { return };
    let error = PostgresStore::open(&fixture.url).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("Another relay uses")), "{error}");
    fixture.store.close().await.unwrap();
    let next = PostgresStore::open(&fixture.url).await.unwrap();
    next.ping().await.unwrap();
}

#[tokio::test]
async fn a_queue_that_is_full_refuses_at_once_and_works_when_it_is_empty() {
    let Some((fixture, _)) = Fixture::new().await else { return };
    let row = fixture.encounter(1).await;
    let store = &fixture.store;
    // On one thread the writer does not run before the first is awaited. 64 MiB may wait: at 256 KiB an entry, 256.
    let calls: Vec<_> = (1..=300).map(|seq| store.append(entry(&row, seq, 256 * 1024))).collect();
    let answers = join_all(calls).await;
    let stored = answers.iter().take_while(|answer| answer.is_ok()).count();
    assert_eq!(stored, 256);
    assert!(answers[stored..].iter().all(Result::is_err));
    assert_unavailable(&answers[stored], "too slow");
    store.append(entry(&row, stored as u64 + 1, 10)).await.unwrap();
    assert_eq!(held(store, &row).await.len(), stored + 1);
}

#[tokio::test]
async fn a_later_version_of_the_schema_is_not_opened() {
    let Some((fixture, cluster)) = Fixture::new().await else { return };
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'later', TRUE, '\\x00', 0)";
    cluster.run(fixture.database(), later);
    fixture.store.close().await.unwrap();
    assert_damaged(&PostgresStore::open(&fixture.url).await, "9999");
}

#[tokio::test]
async fn a_database_that_is_not_ours_is_not_touched() {
    let Some(cluster) = raidcast_pgkit::shared() else { return };
    let url = cluster.new_database();
    let database = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    cluster.run(database, "CREATE TABLE raids (id INT); INSERT INTO raids VALUES (7)");
    assert_damaged(&PostgresStore::open(&url).await, "a database of its own");
    assert_eq!(cluster.run(database, "SELECT id FROM raids"), "7");
    let ours = "SELECT count(*) FROM pg_tables WHERE tablename IN ('accounts', 'encounters')";
    assert_eq!(cluster.run(database, ours), "0");
}

#[tokio::test]
async fn what_has_to_be_set_right_first_is_said() {
    let Some(cluster) = raidcast_pgkit::shared() else { return };
    let missing = cluster.url("missing");
    assert_unavailable(&PostgresStore::open(&missing).await, "createdb");
    assert_unavailable(&PostgresStore::open("postgres://somebody@127.0.0.1:1/raidcast").await, "can be made");
    assert_unavailable(&PostgresStore::open("postgres://:port").await, "URL");
    cluster.run("postgres", "CREATE DATABASE ascii ENCODING SQL_ASCII TEMPLATE template0");
    assert_damaged(&PostgresStore::open(&cluster.url("ascii")).await, "UTF8");
}

#[tokio::test]
async fn a_commit_is_on_disk_whatever_the_servers_default_and_a_stronger_one_stays() {
    let Some((fixture, cluster)) = Fixture::new().await else { return };
    let row = fixture.encounter(1).await;
    let database = fixture.database();
    // Both the writer's connection and the pool's, seen by a trigger.
    let watch = "CREATE TABLE seen (setting TEXT);
        CREATE FUNCTION see() RETURNS TRIGGER LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
        CREATE TRIGGER see AFTER INSERT ON encounter_journal EXECUTE FUNCTION see();
        CREATE TRIGGER see AFTER UPDATE ON raids EXECUTE FUNCTION see();";
    cluster.run(database, watch);
    for (setting, expected) in [("off", "on"), ("remote_apply", "remote_apply")] {
        cluster.run("postgres", &format!("ALTER DATABASE {database} SET synchronous_commit = {setting}"));
        let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
        cluster.run("postgres", &cut);
        let seq = held(&fixture.store, &row).await.len() as u64 + 1;
        fixture.store.append(entry(&row, seq, 10)).await.unwrap();
        fixture.store.update_raid(&fixture.raid, None).await.unwrap();
        assert_eq!(cluster.run(database, "SELECT DISTINCT setting FROM seen"), expected);
        cluster.run(database, "DELETE FROM seen");
    }
}

/// A statement that finds the job in a subquery takes all of them where the server thinks that there is none: it runs the
/// subquery again for each row, and what it took already is passed over.
#[tokio::test]
async fn a_lease_is_of_one_job_also_by_a_plan_that_was_made_for_none() {
    let Some((fixture, cluster)) = Fixture::new().await else { return };
    let (database, account) = (fixture.database(), fixture.encounter(1).await.key.account.0);
    let lease = async || fixture.store.lease_job(JobKind::Reading, 100, 1_000).await.unwrap();
    cluster.run(database, "VACUUM ANALYZE jobs");
    // After five times a statement has one plan for all values.
    for _ in 0..40 {
        assert_eq!(lease().await, None);
    }
    cluster.run(
        database,
        &format!(
            "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
             SELECT 0, {account}, decode(lpad(to_hex(n), 32, '0'), 'hex'), 'data', 1, n FROM generate_series(1, 90) AS n"
        ),
    );
    for given in 1..=3 {
        assert!(lease().await.is_some());
        assert_eq!(cluster.run(database, "SELECT count(*) FROM jobs WHERE tries > 0"), given.to_string());
    }
}

#[tokio::test]
async fn a_look_changes_nothing_and_tells_what_the_next_start_does() {
    let Some(cluster) = raidcast_pgkit::shared() else { return };
    let url = cluster.new_database();
    for _ in 0..2 {
        let looked = look(&url).await.unwrap();
        assert!(looked.is_new && looked.waiting > 0 && !looked.in_use, "{looked:?}");
    }
    let store = PostgresStore::open(&url).await.unwrap();
    let looked = look(&url).await.unwrap();
    assert!(!looked.is_new && looked.waiting == 0 && looked.in_use, "{looked:?}");
    store.close().await.unwrap();
    // The server learns of the connection's end a moment later.
    let let_go = async {
        while look(&url).await.unwrap().in_use {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), let_go).await.expect("the lock is given back");
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let execute = async |statement: &'static str| sqlx::query(statement).execute(&pool).await.unwrap();
    execute("DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)").await;
    assert_eq!(look(&url).await.unwrap().waiting, 1);
    execute("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1").await;
    assert!(matches!(look(&url).await, Err(StoreError::Damaged(why)) if why.contains("run the newer relay")));
    execute("DROP TABLE _sqlx_migrations").await;
    assert!(matches!(look(&url).await, Err(StoreError::Damaged(why)) if why.contains("another program")));
    let nowhere = look("postgres://nobody@127.0.0.1:1/nothing").await;
    assert!(matches!(nowhere, Err(StoreError::Unavailable(_))), "{nowhere:?}");
}

/// Whoever tells of several raids takes their jobs in one order, whichever way a fight goes between two of them: so no two wait
/// for each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_that_moves_back_takes_the_jobs_of_both_raids_in_the_order_of_all_others() {
    let Some((fixture, _)) = Fixture::new().await else { return };
    let second = RaidRow { id: RaidId(Uuid::from_u128(2)), code: "second".into(), ..fixture.raid.clone() };
    fixture.store.insert_raid(&second).await.unwrap();
    let new = NewWebhook {
        account: fixture.raid.account,
        digest: [1; 32],
        sealed: vec![1; 90],
        host: "discord.com".into(),
        note: Note { by: None, key: None, what: Audited::WebhookSet, about: None, at_ms: 1 },
    };
    assert!(fixture.store.set_webhook(&new).await.unwrap());
    let row = fixture.encounter(1).await;
    fixture.store.move_encounter(row.row, "second").await.unwrap();
    assert_eq!(fixture.store.jobs(JobKind::Webhook).await.unwrap().count, 2);
    let (mut one, mut other) =
        (PgConnection::connect(&fixture.url).await.unwrap(), PgConnection::connect(&fixture.url).await.unwrap());
    let mut holding = one.begin().await.unwrap();
    let first_job = "SELECT tries FROM jobs WHERE kind = 4 ORDER BY name LIMIT 1 FOR UPDATE";
    sqlx::query(first_job).execute(&mut *holding).await.unwrap();
    let (store, encounter) = (Arc::clone(&fixture.store), row.row);
    let moving = tokio::spawn(async move { store.move_encounter(encounter, "raid").await });
    let waits = "SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                                WHERE NOT l.granted AND a.datname = current_database())";
    // Nobody tells when it waits.
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut other).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let last_job = "SELECT tries FROM jobs WHERE kind = 4 ORDER BY name DESC LIMIT 1 FOR UPDATE NOWAIT";
    sqlx::query(last_job).execute(&mut other).await.expect("it has taken no other before the first");
    holding.rollback().await.unwrap();
    moving.await.unwrap().unwrap();
}
