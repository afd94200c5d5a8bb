//! A database that changes while it is watched, or between two runs: it is locked, replaced, restored, or its rows get other
//! numbers.

use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use raidcast::source::{NoDatabase, SourceError};
use raidcast::uploader::{Change, Options, Rereading, Summary, WatchError};
use raidcast_meterkit::{Generation, MeterWriter, write_all};

use crate::place::{Client, NOW_MS, Place, go_on, party, play, read_at_once, relayed, sums_of};
use crate::relay::Relay;

use super::meters::copy_with_log;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_taken_away_or_replaced_is_waited_for() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    write_all(&mut writer, &party(10)).await.unwrap();
    writer.close().await.unwrap();
    let client = Client::start(Options { until_idle: Some(Duration::from_secs(4)), ..place.options(&relay) });
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    std::fs::remove_file(place.db()).unwrap();
    let gone = NoDatabase::Unread(SourceError::Gone { path: place.db() });
    client.until(|change| matches!(change, Change::Waiting { why, .. } if *why == gone)).await;
    // The user's new database begins its row ids anew.
    let mut writer = MeterWriter::open(&place.db(), Generation::Chunks).await.unwrap();
    let later = party(11).starting_at(1_790_000_900_000);
    write_all(&mut writer, &later).await.unwrap();
    let summary = client.done().await.unwrap();
    assert_eq!(summary, Summary { fights: 2, finalized: 2, unacknowledged: 0, complete: true });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_meter_that_alters_its_tables_is_followed_without_a_word() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let client = Client::start(place.options(&relay));
    play(&mut writer, &party(12), 20_000, 1_000).await;
    relay.until(|memory| memory.deltas > 2).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.db());
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::raw_sql("ALTER TABLE encounters ADD COLUMN mood TEXT").execute(&mut other).await.unwrap();
    writer.end().await.unwrap();
    let changes = client.changes.clone();
    assert!(client.done().await.unwrap().complete);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    let told = changes.lock().unwrap();
    assert_eq!(told.iter().filter(|change| matches!(change, Change::Watching { .. })).count(), 1);
    assert!(!told.iter().any(|change| matches!(change, Change::Waiting { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_is_waited_for_and_said_so() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    write_all(&mut writer, &party(13)).await.unwrap();
    writer.close().await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(place.db())
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Delete);
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::raw_sql("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
    let client = Client::start(Options { until_idle: Some(Duration::from_secs(5)), ..place.options(&relay) });
    let locked = NoDatabase::Unread(SourceError::Locked { path: place.db() });
    client.until(|change| matches!(change, Change::Waiting { why, .. } if *why == locked)).await;
    sqlx::Connection::close(other).await.unwrap();
    assert!(client.done().await.unwrap().complete);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
}

/// Runs statements in a database.
async fn alter(db: &Path, sql: &'static str) {
    use sqlx::{ConnectOptions as _, Connection as _};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(db);
    let mut meter = options.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut meter).await.unwrap();
    meter.close().await.unwrap();
}

/// Gives the rows of hits other numbers, in one commit.
const RENUMBER: &str = "BEGIN IMMEDIATE;
    CREATE TEMP TABLE held AS SELECT * FROM damage_skill_stats; DELETE FROM damage_skill_stats;
    INSERT INTO damage_skill_stats SELECT * FROM held ORDER BY attacker_id DESC, defender_id, skill_id DESC;
    CREATE TEMP TABLE healed AS SELECT * FROM heal_skill_stats; DELETE FROM heal_skill_stats;
    INSERT INTO heal_skill_stats SELECT * FROM healed ORDER BY healer_id DESC, target_id, skill_id DESC;
    COMMIT";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_whose_rows_are_numbered_anew_while_it_is_read_is_read_over_before_it_ends() {
    for generation in [Generation::Counters, Generation::Aggregate] {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
        play(&mut writer, &party(40), 40_000, 1_000).await;
        relay.until(|memory| memory.deltas > 0).await;
        alter(&place.db(), RENUMBER).await;
        go_on(&mut writer, (40_000..60_000).step_by(1_000)).await;
        writer.end().await.unwrap();
        client.until(|change| matches!(change, Change::Finalized { .. })).await;
        let why = Change::Reread { encounter: only_encounter(&relay), why: Rereading::OtherDatabase };
        assert!(client.changes.lock().unwrap().contains(&why), "{generation:?}");
        assert!(client.end().await.complete);
        assert_eq!(relayed(&relay), read_at_once(&place.db()).await, "{generation:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_that_goes_on_after_its_end_is_begun_again() {
    let generations = [Generation::Events, Generation::Aggregate, Generation::Chunks];
    let cases = generations.into_iter().flat_map(|generation| [(generation, true), (generation, false)]);
    let cases = cases.map(|(generation, is_reopened)| async move {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
        play(&mut writer, &party(42), 30_000, 1_000).await;
        alter(&place.db(), "UPDATE encounters SET ended_at_ms = 1790000030000").await;
        client.until(|change| matches!(change, Change::Finalized { .. })).await;
        if is_reopened {
            alter(&place.db(), "UPDATE encounters SET ended_at_ms = NULL").await;
            client.until_so_many(2, |change| matches!(change, Change::Begun { .. })).await;
        }
        writer.end().await.unwrap();
        client.until_so_many(2, |change| matches!(change, Change::Finalized { .. })).await;
        let case = format!("{generation:?}, reopened: {is_reopened}");
        assert!(client.end().await.complete, "{case}");
        assert_eq!(relayed(&relay), read_at_once(&place.db()).await, "{case}");
    });
    join_all(cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_whose_begin_the_meter_alters_stays_the_same_fight() {
    for generation in [Generation::Counters, Generation::Aggregate, Generation::Chunks] {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
        play(&mut writer, &party(43), 30_000, 1_000).await;
        relay.until(|memory| memory.deltas > 0).await;
        alter(&place.db(), "UPDATE encounters SET started_at_ms = started_at_ms - 500").await;
        go_on(&mut writer, (30_000..40_000).step_by(1_000)).await;
        writer.end().await.unwrap();
        client.until(|change| matches!(change, Change::Finalized { .. })).await;
        let next = party(44).starting_at(1_790_000_200_000);
        write_all(&mut writer, &next).await.unwrap();
        client.until_so_many(2, |change| matches!(change, Change::Finalized { .. })).await;
        assert!(client.end().await.complete, "{generation:?}");
        let (held, read) = (relayed(&relay), read_at_once(&place.db()).await);
        // Times are counted from the begin that was told first.
        let events = |sums: &[(_, u64)]| sums.iter().map(|(_, events)| *events).collect::<Vec<_>>();
        assert_eq!(events(&held), events(&read), "{generation:?}");
    }
}

fn only_encounter(relay: &Relay) -> String {
    relay.memory().fights.keys().next().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_fight_whose_chunks_were_replaced_by_fewer_the_wrong_ones_are_thrown_away() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Chunks).await.unwrap();
    let options = || Options { until_idle: None, ..place.options(&relay) };
    let client = Client::start(options());
    play(&mut writer, &party(41), 40_000, 1_000).await;
    relay.until(|memory| sums_of(memory).first().is_some_and(|(_, events)| *events > 200)).await;
    client.end().await;
    writer.end().await.unwrap();
    writer.close().await.unwrap();
    // As an older copy has it that was put back.
    alter(&place.db(), "DELETE FROM encounter_event_chunks WHERE chunk_index >= 2").await;
    let client = Client::start(options());
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    client.end().await;
    assert_eq!(relay.memory().discarded, 1);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_whose_rows_have_other_numbers_in_a_restored_database_is_read_again_and_a_copy_goes_on() {
    // What a dump and its restore do, and a plain copy.
    let ways = [(false, RENUMBER, true), (true, RENUMBER, true), (false, "PRAGMA wal_checkpoint(TRUNCATE)", false)];
    let generations = [Generation::Counters, Generation::Aggregate];
    let cases = generations.into_iter().flat_map(|generation| ways.map(|way| (generation, way)));
    let cases = cases.map(|(generation, (started_again, sql, is_read_again))| async move {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        let options = || Options { until_idle: Some(Duration::from_secs(4)), ..place.options(&relay) };
        let mut first = Some(Client::start(options()));
        play(&mut writer, &party(40), 40_000, 1_000).await;
        relay.until(|memory| memory.deltas > 0).await;
        if let Some(client) = first.take_if(|_| started_again) {
            client.end().await;
        }
        writer.close().await.unwrap();
        let copy = place.dir.path().join("copy.db");
        copy_with_log(&place.db(), &copy);
        alter(&copy, sql).await;
        remove_log(&place.db());
        std::fs::rename(&copy, place.db()).unwrap();
        let client = first.unwrap_or_else(|| Client::start(options()));
        let told = client.changes.clone();
        let so_many = if started_again { 1 } else { 2 };
        client.until_so_many(so_many, |change| matches!(change, Change::Watching { .. })).await;
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        writer.restart(1_790_000_050_000).await.unwrap();
        assert!(client.done().await.unwrap().complete);
        let case = format!("{generation:?}, started again: {started_again}, read again: {is_read_again}");
        assert_eq!(relayed(&relay), read_at_once(&place.db()).await, "{case}");
        let reread = told.lock().unwrap().iter().any(|change| matches!(change, Change::Reread { .. }));
        assert_eq!(reread, is_read_again, "{case}");
    });
    join_all(cases).await;
}

/// Takes the log and its index away that stand beside a database.
fn remove_log(db: &Path) {
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", db.display()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_goes_on_where_the_meters_rows_are_numbered_from_the_start_again() {
    let anew = "DELETE FROM encounters; DELETE FROM sqlite_sequence";
    for (generation, first_of_all) in [
        (Generation::Aggregate, anew),
        (Generation::Chunks, anew),
        // A backup from after the first fight.
        (Generation::Aggregate, "DELETE FROM encounters WHERE id > 1; DELETE FROM sqlite_sequence"),
    ] {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
        client.until(|change| matches!(change, Change::Watching { .. })).await;
        for n in 0..2 {
            write_all(&mut writer, &party(41 + n).starting_at(NOW_MS - 900_000 + n as i64 * 200_000)).await.unwrap();
        }
        client.until_so_many(2, |change| matches!(change, Change::Finalized { .. })).await;
        alter(&place.db(), first_of_all).await;
        write_all(&mut writer, &party(43).starting_at(NOW_MS - 400_000)).await.unwrap();
        client.until_so_many(3, |change| matches!(change, Change::Finalized { .. })).await;
        write_all(&mut writer, &party(44).starting_at(NOW_MS - 200_000)).await.unwrap();
        client.until_so_many(4, |change| matches!(change, Change::Finalized { .. })).await;
        assert!(client.end().await.complete, "{generation:?}");
        assert_eq!(relay.memory().fights.len(), 4, "{generation:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_goes_on_where_the_meters_log_was_removed_and_made_anew() {
    for generation in Generation::ALL {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
        client.until(|change| matches!(change, Change::Watching { .. })).await;
        write_all(&mut writer, &party(45).starting_at(NOW_MS - 400_000)).await.unwrap();
        client.until(|change| matches!(change, Change::Finalized { .. })).await;
        alter(&place.db(), "PRAGMA wal_checkpoint(TRUNCATE)").await;
        writer.close().await.unwrap();
        remove_log(&place.db());
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        write_all(&mut writer, &party(46).starting_at(NOW_MS - 200_000)).await.unwrap();
        client.until_so_many(2, |change| matches!(change, Change::Finalized { .. })).await;
        assert!(client.end().await.complete, "{generation:?}");
        assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_cannot_be_read_any_more_is_no_good_end() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    write_all(&mut writer, &party(53)).await.unwrap();
    writer.close().await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(place.db())
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Delete);
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let client = Client::start(Options { until_idle: Some(Duration::from_secs(3)), ..place.options(&relay) });
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    sqlx::raw_sql("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
    let error = client.done().await.unwrap_err();
    let locked = NoDatabase::Unread(SourceError::Locked { path: place.db() });
    assert!(matches!(&error, WatchError::NoMeter { why, .. } if *why == locked), "{error}");
}
