//! What SQLite's own failures mean: a full disk, another program's lock, a file that is taken away.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use raidcast_shared::id::{EncounterId, RaidId, StreamId};
use raidcast_shared::uplink::{NamesPolicy, ReportState, Visibility};
use raidcast_store::{
    Accounts as _, Delay, EncounterKey, EncounterRow, Encounters as _, Erasing as _, Journal as _, JournalEntry,
    JournalKind, KeptReport, NewEncounter, RaidRow, Raids as _, Reports as _, StoreError, StoredStream, StreamKey,
    Tickets, Upkeep as _,
};
use raidcast_store_sqlite::SqliteStore;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use uuid::Uuid;

const STREAM: StreamId = StreamId(Uuid::from_u128(7));

struct Fixture {
    folder: tempfile::TempDir,
    store: Arc<SqliteStore>,
    raid: RaidRow,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("raidcast.db")).await.unwrap());
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
        Self { folder, store, raid }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("raidcast.db")
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

    /// Opens the file again and gives what the encounter's stream holds.
    async fn reopened(self, row: &EncounterRow) -> Vec<JournalEntry> {
        let path = self.path();
        let Self { folder: _folder, store, .. } = self;
        drop(store);
        let store = SqliteStore::open(&path).await.unwrap();
        let open = store.open_encounter(row.row).await.unwrap().unwrap();
        open.streams.into_iter().next().unwrap().1
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

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap()
}

fn assert_unavailable<T: std::fmt::Debug>(answer: &Result<T, StoreError>, says: &str) {
    match answer {
        Err(StoreError::Unavailable(text)) => assert!(text.contains(says), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_loses_nothing_that_was_answered() {
    let fixture = Fixture::new().await;
    let row = fixture.encounter(1).await;
    let store = &fixture.store;
    store.append(entry(&row, 1, 100)).await.unwrap();
    store.set_pages_max(1).await.unwrap();
    let mut stored = 1;
    let refused = loop {
        let answer = store.append(entry(&row, stored + 1, 1_500)).await;
        if answer.is_err() {
            break answer;
        }
        stored += 1;
        assert!(stored < 50, "the disk never was full");
    };
    assert_unavailable(&refused, "the disk is full");
    // Reading goes on, and so does what fits; what comes after what failed does not.
    assert_eq!(store.raid_by_code("raid").await.unwrap(), Some(fixture.raid.clone()));
    assert_unavailable(&store.ping().await, "the disk is full");
    store.update_raid(&fixture.raid, None).await.unwrap();
    let batch = (stored + 1..=stored + 100).map(|seq| store.append(entry(&row, seq, 1_500)));
    assert!(join_all(batch).await.iter().all(Result::is_err));
    store.update_raid(&fixture.raid, None).await.unwrap();
    // There is room again.
    store.set_pages_max(1_000_000).await.unwrap();
    store.ping().await.unwrap();
    let batch = (stored + 1..=stored + 100).map(|seq| store.append(entry(&row, seq, 1_500)));
    join_all(batch).await.into_iter().for_each(|answer| answer.unwrap());
    let entries = fixture.reopened(&row).await;
    let mut expected = vec![entry(&row, 1, 100)];
    expected.extend((2..=stored + 100).map(|seq| entry(&row, seq, 1_500)));
    assert_eq!(entries, expected);
}

#[tokio::test]
async fn what_fits_is_stored_though_it_shares_a_batch_with_what_does_not() {
    let fixture = Fixture::new().await;
    let (small, large) = (fixture.encounter(1).await, fixture.encounter(2).await);
    let store = &fixture.store;
    // The pages that these entries go to exist already.
    store.append(entry(&small, 1, 10)).await.unwrap();
    store.set_pages_max(1).await.unwrap();
    let calls = [
        store.append(entry(&small, 2, 10)),
        store.append(entry(&large, 1, 100_000)),
        store.append(entry(&large, 2, 10)),
        store.append(entry(&small, 3, 10)),
    ];
    let answers = join_all(calls).await;
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, true], "{answers:?}");
    let entries = fixture.reopened(&small).await;
    assert_eq!(entries, (1..=3).map(|seq| entry(&small, seq, 10)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_report_that_does_not_fit_leaves_the_journal_and_is_kept_when_it_does() {
    let fixture = Fixture::new().await;
    let row = fixture.encounter(1).await;
    let store = &fixture.store;
    join_all((1..=9).map(|seq| store.append(entry(&row, seq, 10)))).await.into_iter().for_each(|a| a.unwrap());
    let before = store.open_encounter(row.row).await.unwrap();
    let report = KeptReport {
        encounter: row.row,
        state: ReportState::Final,
        revision: 1,
        stream: STREAM,
        line: store.raid_reports("raid").await.unwrap().remove(0),
        record: Bytes::from_static(b"it fits into the page that there is"),
        log: Some(Bytes::from(vec![7; 1_000_000])),
        kept_at_ms: 2,
    };
    store.set_pages_max(1).await.unwrap();
    assert_unavailable(&store.keep_report(&report).await, "the disk is full");
    assert_eq!(store.open_encounter(row.row).await.unwrap(), before);
    assert_eq!(store.report(&row.report_id).await.unwrap(), Some((row.clone(), None)));
    store.set_pages_max(1_000_000).await.unwrap();
    store.keep_report(&report).await.unwrap();
    assert_eq!(store.report_log(&row.report_id).await.unwrap(), report.log);
    assert_eq!(store.open_encounter(row.row).await.unwrap().unwrap().streams, []);
}

#[tokio::test]
async fn a_write_that_breaks_a_constraint_spoils_no_other() {
    let fixture = Fixture::new().await;
    let row = fixture.encounter(1).await;
    let store = &fixture.store;
    let other = RaidRow { id: RaidId(Uuid::from_u128(2)), code: "other".into(), ..fixture.raid.clone() };
    let (first, twice, second, appended) = tokio::join!(
        store.ping(),
        store.insert_raid(&fixture.raid),
        store.insert_raid(&other),
        join_all((1..=20).map(|seq| store.append(entry(&row, seq, 10)))),
    );
    first.unwrap();
    assert!(matches!(twice, Err(StoreError::Damaged(_))), "{twice:?}");
    second.unwrap();
    for answer in appended {
        answer.unwrap();
    }
    assert_eq!(fixture.reopened(&row).await.len(), 20);
}

#[tokio::test]
async fn another_programs_lock_makes_it_unavailable_until_it_is_released() {
    let fixture = Fixture::new().await;
    let row = fixture.encounter(1).await;
    let store = &fixture.store;
    store.append(entry(&row, 1, 10)).await.unwrap();
    let mut other = connect(&fixture.path()).await;
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
    let answers = join_all((2..=9).map(|seq| store.append(entry(&row, seq, 10)))).await;
    for answer in &answers {
        assert_unavailable(answer, "another program");
    }
    assert_eq!(store.open_encounter(row.row).await.unwrap().unwrap().streams[0].1.len(), 1);
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    join_all((2..=9).map(|seq| store.append(entry(&row, seq, 10)))).await.into_iter().for_each(|a| a.unwrap());
    assert_eq!(fixture.reopened(&row).await.len(), 9);
}

#[tokio::test]
async fn a_lock_that_is_short_is_waited_for() {
    let fixture = Fixture::new().await;
    let row = fixture.encounter(1).await;
    let mut other = connect(&fixture.path()).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let appended = tokio::spawn(fixture.store.append(entry(&row, 1, 10)));
    tokio::task::yield_now().await;
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    appended.await.unwrap().unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_taken_away_makes_it_unavailable_until_it_is_back() {
    let fixture = Fixture::new().await;
    let row = fixture.encounter(1).await;
    let store = &fixture.store;
    store.append(entry(&row, 1, 10)).await.unwrap();
    let elsewhere = fixture.folder.path().join("elsewhere.db");
    std::fs::rename(fixture.path(), &elsewhere).unwrap();
    assert_unavailable(&store.append(entry(&row, 2, 10)).await, "is gone");
    assert_unavailable(&store.ping().await, "is gone");
    // Another file of the same name is not it, though it is a database of ours.
    std::fs::copy(&elsewhere, fixture.path()).unwrap();
    assert_unavailable(&store.append(entry(&row, 2, 10)).await, "not the one that was opened");
    std::fs::rename(&elsewhere, fixture.path()).unwrap();
    store.append(entry(&row, 2, 10)).await.unwrap();
    assert_eq!(fixture.reopened(&row).await.len(), 2);
}

#[tokio::test]
async fn a_queue_that_is_full_refuses_at_once_and_works_when_it_is_empty() {
    let fixture = Fixture::new().await;
    let row = fixture.encounter(1).await;
    let store = &fixture.store;
    let mut other = connect(&fixture.path()).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    // 64 MiB may wait: at 256 KiB an entry the writer holds some, and the queue 256.
    let calls: Vec<_> = (1..=600).map(|seq| store.append(entry(&row, seq, 256 * 1024))).collect();
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    let answers = join_all(calls).await;
    let stored = answers.iter().take_while(|answer| answer.is_ok()).count();
    assert!((200..600).contains(&stored), "{stored}");
    assert!(answers[stored..].iter().all(Result::is_err));
    assert_unavailable(&answers[stored], "too slow");
    store.append(entry(&row, stored as u64 + 1, 10)).await.unwrap();
    assert_eq!(fixture.reopened(&row).await.len(), stored + 1);
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("raidcast.db");
    let bytes =
        b"a text that somebody wants to keep, and which is longer than the header of a database file is\n".repeat(9);
    std::fs::write(&path, &bytes).unwrap();
    let opened = SqliteStore::open(&path).await;
    assert!(matches!(opened, Err(StoreError::Damaged(_))), "{opened:?}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn a_later_version_of_the_schema_is_not_opened() {
    let fixture = Fixture::new().await;
    fixture.store.close().await.unwrap();
    let mut other = connect(&fixture.path()).await;
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'later', TRUE, x'00', 0)";
    sqlx::query(later).execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let opened = SqliteStore::open(&fixture.path()).await;
    assert!(matches!(&opened, Err(StoreError::Damaged(text)) if text.contains("9999")), "{opened:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_in_place_of_the_file_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o1777)).unwrap();
    assert!(SqliteStore::open(folder.path()).await.is_err());
    assert_eq!(std::fs::metadata(folder.path()).unwrap().permissions().mode() & 0o7777, 0o1777);
}

/// Two that use one file by different names would spoil it.
#[cfg(unix)]
#[tokio::test]
async fn a_file_has_one_owner_by_whatever_name_it_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link, other) =
        (folder.path().join("raidcast.db"), folder.path().join("link.db"), folder.path().join("other.db"));
    let store = SqliteStore::open(&file).await.unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert_unavailable(&SqliteStore::open(&link).await, "Another relay uses");
    store.close().await.unwrap();
    let linked = SqliteStore::open(&link).await.unwrap();
    assert_unavailable(&SqliteStore::open(&file).await, "Another relay uses");
    linked.close().await.unwrap();
    drop(linked);
    std::fs::hard_link(&file, &other).unwrap();
    assert_unavailable(&SqliteStore::open(&other).await, "has another name");
    std::fs::remove_file(&other).unwrap();
    SqliteStore::open(&file).await.unwrap();
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_said_by_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let opened = SqliteStore::open(&folder.path().join("file/raidcast.db")).await;
    assert_unavailable(&opened, "file cannot be made");
}

#[tokio::test]
async fn closing_leaves_no_log_and_no_space_of_finished_fights() {
    let fixture = Fixture::new().await;
    let row = fixture.encounter(1).await;
    for first in (1..=2_000).step_by(200) {
        let batch = (first..first + 200).map(|seq| fixture.store.append(entry(&row, seq, 1_000)));
        join_all(batch).await.into_iter().for_each(|answer| answer.unwrap());
    }
    assert!(fixture.store.discard(fixture.raid.account, row.key.encounter).await.unwrap());
    fixture.store.close().await.unwrap();
    let files = std::fs::read_dir(fixture.folder.path()).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(files.collect::<BTreeSet<_>>(), BTreeSet::from(["raidcast.db".into(), "raidcast.db-owner".into()]));
    let bytes = std::fs::metadata(fixture.path()).unwrap().len();
    assert!(bytes < 400_000, "{bytes}");
}

#[tokio::test]
async fn a_file_has_one_owner() {
    let fixture = Fixture::new().await;
    let error = SqliteStore::open(&fixture.path()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("Another relay uses")), "{error}");
    fixture.store.close().await.unwrap();
    let next = SqliteStore::open(&fixture.path()).await.unwrap();
    next.ping().await.unwrap();
}

/// A file that another program made: its free pages cannot be given back, and nobody tries so for ever.
#[tokio::test]
async fn a_file_without_incremental_vacuum_is_wiped_and_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("raidcast.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    for statement in ["CREATE TABLE old (bytes BLOB)", "INSERT INTO old VALUES (zeroblob(2000000))", "DROP TABLE old"] {
        sqlx::raw_sql(statement).execute(&mut other).await.unwrap();
    }
    other.close().await.unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    let mut steps = 0;
    while !store.give_back().await.unwrap().is_done {
        steps += 1;
        assert!(steps < 100, "it goes on for ever");
    }
    let mut other = connect(&path).await;
    let free: i64 = sqlx::query_scalar("PRAGMA freelist_count").fetch_one(&mut other).await.unwrap();
    assert!(free > 0, "it is such a file");
}
