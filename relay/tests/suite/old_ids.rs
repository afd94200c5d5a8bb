//! Databases of the builds that kept ids of fights as clients make them: keyed at the start, and everything goes on.

use std::path::Path;

use raidcast_relay::database::Database;
use raidcast_relay::transfer::transfer;
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::{Outcome, ReportState, UplinkReply};
use serde_json::Value;

use crate::script::{OTHER_KEY, Script, TestRelay, Uploader, hello};

/// The schema as it was, over what the present relay has written: tables and columns of later migrations go. In both
/// databases' words.
const OLD_SCHEMA: [&str; 49] = [
    "ALTER TABLE raids DROP COLUMN said_report_visibility",
    "ALTER TABLE raids DROP COLUMN said_visibility",
    "ALTER TABLE raids DROP COLUMN report_visibility",
    "ALTER TABLE raids DROP COLUMN title_cleared",
    "DROP TABLE IF EXISTS account_numbers",
    "DROP TABLE webhook_messages",
    "DROP TABLE webhooks",
    "DROP TABLE links",
    "DROP INDEX encounter_players_by_actor",
    "DROP TABLE opt_outs",
    "DROP TABLE characters",
    "DROP TABLE claims",
    "DROP INDEX raids_delayed",
    "ALTER TABLE raids DROP COLUMN shown_until_ms",
    "ALTER TABLE raids DROP COLUMN delay_ms",
    "DROP TABLE removals",
    "DROP TABLE audit",
    "DROP INDEX raids_by_age",
    "ALTER TABLE raids DROP COLUMN pinned",
    "DROP TABLE raid_players",
    "ALTER TABLE raids DROP COLUMN names",
    "DROP TABLE keys",
    "DROP TABLE sessions",
    "DROP TABLE invitations",
    "DROP TABLE sign_ins",
    "DROP TABLE account_owners",
    "DROP TABLE people",
    "DROP TABLE same_fights",
    "DROP TABLE fight_times",
    "DROP TABLE search_state",
    "DROP TABLE search_parts",
    "DROP TABLE search_names",
    "DROP TABLE search_terms",
    "DROP TABLE quota",
    "DROP TABLE player_skills",
    "DROP TABLE encounter_players",
    "DROP TABLE encounter_bosses",
    "ALTER TABLE encounters DROP COLUMN verified",
    "DROP TABLE jobs",
    "ALTER TABLE encounters DROP COLUMN stub",
    "DROP TABLE upload_hashes",
    "DROP INDEX encounters_remote",
    "ALTER TABLE encounters DROP COLUMN remote_id",
    "DROP TABLE upkeep",
    "ALTER TABLE raids DROP COLUMN tickets",
    "ALTER TABLE accounts DROP COLUMN tickets",
    "ALTER TABLE encounters DROP COLUMN damage_ms",
    "ALTER TABLE encounter_stream DROP COLUMN after_revision",
    "DELETE FROM _sqlx_migrations WHERE version > 2",
];

/// When the fights of the old relay began: one that is final, one that is under way, one that was thrown away.
const BEGAN: [i64; 3] = [1_790_000_000_000, 1_790_000_500_000, 1_790_000_900_000];

fn fight(which: usize, deltas: u64, stream: u128) -> Script {
    Script::new(deltas, stream).at(BEGAN[which])
}

/// A relay's data with those fights; ids of the reports of the first two.
async fn filled(relay: &TestRelay) -> Vec<String> {
    let mut uploader = Uploader::connect(relay).await;
    let mut reports = Vec::new();
    for which in 0..3 {
        let fight = fight(which, 30, 2 + which as u128);
        let begun = uploader.begin(&fight).await;
        uploader.deltas(begun.h, &fight.deltas).await;
        uploader.acked(30).await;
        if which == 0 {
            let ended = uploader.end(begun.h, &fight, Outcome::Kill).await;
            assert!(matches!(ended, UplinkReply::Finalized { state: ReportState::Final, .. }), "{ended:?}");
        }
        reports.push(begun.report);
    }
    reports
}

/// What a visitor reads of the reports.
async fn seen(relay: &TestRelay, reports: &[String]) -> Vec<String> {
    let mut seen = Vec::new();
    for report in reports {
        for rest in ["", "/timeline", "?from=500&to=2000"] {
            let path = format!("/api/v1/reports/{report}{rest}");
            let (status, body): (u16, Value) = relay.get(&path).await;
            assert_eq!(status, 200, "{path}: {body}");
            seen.push(format!("{path}: {body}"));
        }
    }
    seen
}

/// The statements that give fights the ids that the old relay kept, and throw the last one away as it did.
fn old_rows(reports: &[String], id: impl Fn(EncounterId) -> String) -> Vec<String> {
    let with_id = |(which, report): (usize, &String)| {
        let enc = id(fight(which, 1, 1).enc);
        format!("UPDATE encounters SET encounter_id = {enc} WHERE report_id = '{report}'")
    };
    let mut statements: Vec<_> = reports.iter().enumerate().map(with_id).collect();
    statements.push(format!("DELETE FROM encounters WHERE report_id = '{}'", reports[2]));
    statements.extend(OLD_SCHEMA.map(str::to_owned));
    statements
}

/// The new relay on the old data: all as it was, known again by the ids that the client says, and stored otherwise.
async fn goes_on(data: &Path, database: &Database, before: &[String], reports: &[String]) {
    let relay = TestRelay::start_on(data, Some(database.clone())).await;
    assert_eq!(seen(&relay, &reports[..2]).await, before);
    let mut uploader = Uploader::connect(&relay).await;
    for (which, state) in [(0, ReportState::Final), (1, ReportState::Live)] {
        let fight = fight(which, 30, 2 + which as u128);
        let begun = uploader.begin(&fight).await;
        let held = begun.held.expect("it is held");
        assert_eq!((&begun.report, held.seq, held.state), (&reports[which], 30, state));
        assert_eq!(held.checksum, fight.checksum());
        let (row, _) = relay.store.report(&begun.report).await.unwrap().unwrap();
        assert_ne!(row.key.encounter, fight.enc);
        // It may be uploaded too.
        let (hash, remote_id) = ([which as u8; 16], 1 + which as i64);
        assert_eq!(relay.store.know_upload(row.key, Some(hash), remote_id).await.unwrap(), Some(remote_id));
        assert_eq!(relay.store.uploaded(row.key.account, &[hash]).await.unwrap(), [(hash, remote_id)]);
    }
    // It goes on where it was, and ends.
    let whole = fight(1, 40, 3);
    let begun = uploader.begin(&whole).await;
    uploader.deltas(begun.h, &whole.deltas[30..]).await;
    uploader.acked(40).await;
    let ended = uploader.end(begun.h, &whole, Outcome::Wipe).await;
    assert!(matches!(ended, UplinkReply::Finalized { state: ReportState::Final, rev: 1, .. }), "{ended:?}");
    // What was thrown away is a new fight.
    let again = fight(2, 5, 9);
    let begun = uploader.begin(&again).await;
    assert!(begun.held.is_none() && !reports.contains(&begun.report));
    // Of another account it is another report.
    let mut other = Uploader::connect_as(&relay, OTHER_KEY, hello_of_another()).await;
    let theirs = other.begin(&fight(0, 5, 8)).await;
    assert!(theirs.held.is_none());
    drop((uploader, other));
    relay.stop().await;
}

fn hello_of_another() -> raidcast_shared::uplink::Hello {
    raidcast_shared::uplink::Hello { raid: raidcast_shared::id::RaidId(uuid::Uuid::from_u128(2)), ..hello() }
}

/// Where in a file the ids stand that a client makes of its player.
fn clear_ids_in(data: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for (which, _) in BEGAN.iter().enumerate() {
            let id = fight(which, 1, 1).enc;
            if bytes.windows(16).any(|window| window == id.0.as_bytes()) {
                found.push(format!("fight {which} in {}", path.display()));
            }
        }
    }
    found
}

#[tokio::test]
async fn ids_of_fights_are_stored_keyed_from_their_first_frame() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let reports = filled(&relay).await;
    assert_eq!(clear_ids_in(data.path()), Vec::<String>::new());
    assert_eq!(relay.report(&reports[1]).await.state, ReportState::Live);
    relay.stop().await;
    assert_eq!(clear_ids_in(data.path()), Vec::<String>::new());
}

#[tokio::test]
async fn an_old_database_file_is_keyed_at_the_start_and_the_old_ids_are_wiped() {
    use sqlx::{ConnectOptions as _, Connection as _};
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let reports = filled(&relay).await;
    let before = seen(&relay, &reports[..2]).await;
    relay.stop().await;
    let database = Database::in_folder(data.path());
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.path().join("raidcast.db"));
    let mut connection = options.foreign_keys(true).connect().await.unwrap();
    let blob = |id: EncounterId| format!("X'{}'", raidcast_shared::id::hex(id.0.as_bytes()));
    for statement in old_rows(&reports, blob) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    assert_eq!(clear_ids_in(data.path()).len(), 3, "the old relay left even what was thrown away in the file");

    goes_on(data.path(), &database, &before, &reports).await;
    assert_eq!(clear_ids_in(data.path()), Vec::<String>::new());

    // The power went between keying and wiping: the next start does the rest.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.path().join("raidcast.db"));
    let mut connection = options.connect().await.unwrap();
    let gone = blob(fight(0, 1, 1).enc);
    for statement in [
        "UPDATE upkeep SET state = 1".to_owned(),
        format!(
            "INSERT INTO encounters (account, encounter_id, report_id, raid, visibility, started_at_ms, created_at_ms)
             SELECT account, {gone}, 'gone', row, 0, 1, 1 FROM raids LIMIT 1"
        ),
        "DELETE FROM encounters WHERE report_id = 'gone'".to_owned(),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    assert_eq!(clear_ids_in(data.path()).len(), 1);
    TestRelay::start_on(data.path(), Some(database.clone())).await.stop().await;
    assert_eq!(clear_ids_in(data.path()), Vec::<String>::new());

    // Later starts find nothing to do, and moving takes all of it along.
    let there = Database::Sqlite(data.path().join("elsewhere/raidcast.db"));
    transfer(&database, &there, |_, _| {}).await.unwrap();
    let relay = TestRelay::start_on(data.path(), Some(there)).await;
    let mut uploader = Uploader::connect(&relay).await;
    assert_eq!(uploader.begin(&fight(0, 30, 2)).await.report, reports[0]);
    drop(uploader);
    relay.stop().await;
}

/// Moved before the new relay was started on it: keyed where it has gone.
#[tokio::test]
async fn an_old_database_that_is_moved_first_is_keyed_where_it_arrives() {
    use sqlx::{ConnectOptions as _, Connection as _};
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let reports = filled(&relay).await;
    let before = seen(&relay, &reports[..2]).await;
    relay.stop().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.path().join("raidcast.db"));
    let mut connection = options.foreign_keys(true).connect().await.unwrap();
    let blob = |id: EncounterId| format!("X'{}'", raidcast_shared::id::hex(id.0.as_bytes()));
    for statement in old_rows(&reports, blob) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    let there = Database::Sqlite(data.path().join("elsewhere/raidcast.db"));
    transfer(&Database::in_folder(data.path()), &there, |_, _| {}).await.unwrap();
    goes_on(data.path(), &there, &before, &reports).await;
    assert_eq!(clear_ids_in(&data.path().join("elsewhere")), Vec::<String>::new());
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test]
async fn an_old_database_on_postgresql_is_keyed_at_the_start() {
    let Some(cluster) = raidcast_pgkit::shared() else { return };
    let data = tempfile::tempdir().unwrap();
    let url = cluster.new_database();
    let database = Database::Postgres(url.clone());
    let relay = TestRelay::start_on(data.path(), Some(database.clone())).await;
    let reports = filled(&relay).await;
    let before = seen(&relay, &reports[..2]).await;
    relay.stop().await;
    let name = url.split('?').next().unwrap().rsplit('/').next().unwrap();
    let uuid = |id: EncounterId| format!("'{id}'::UUID");
    cluster.run(name, &old_rows(&reports, uuid).join(";\n"));
    goes_on(data.path(), &database, &before, &reports).await;
}
