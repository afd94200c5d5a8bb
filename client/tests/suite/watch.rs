//! The whole client against a real meter database and a scripted relay: what was fought is what arrives.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use raidcast::clock::Clock;
use raidcast::header::header_of;
use raidcast::socket::Outage;
use raidcast::source::{AnySource, Cursor, NoDatabase, Source as _, SourceError, Unreadable, Unsupported, detect};
use raidcast::spool::{Spool, SpoolError};
use raidcast::uploader::{Change, Damage, Delay, FolderError, Options, Rereading, Status, Summary, WatchError};
use raidcast_meterkit::{Fight, Generation, MeterWriter, Script, write_all};
use raidcast_shared::encode::Encoder;
use raidcast_shared::event::ActorIx;
use raidcast_shared::fold::EncounterState;
use raidcast_shared::uplink::{Outcome, RefusedCode, Visibility};
use raidcast_shared::view::{self, Audience, Shown};

use crate::place::{Client, NOW_MS, Place, go_on, party, play, read_at_once, relayed, sums_of, wait};
use crate::relay::{Memory, Relay};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_fight_arrives_whole_and_is_finalized() {
    for generation in Generation::ALL {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        let client = Client::start(place.options(&relay));
        play(&mut writer, &party(1), 60_000, 2_000).await;
        client.until(|change| matches!(change, Change::Begun { .. })).await;
        writer.end().await.unwrap();
        let changes = client.changes.clone();
        let summary = client.done().await.unwrap();
        assert_eq!(summary, Summary { fights: 1, finalized: 1, unacknowledged: 0, complete: true });
        assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
        let memory = relay.memory();
        assert_eq!(memory.repeated, 0);
        assert!(memory.deltas > 2, "{} deltas: it was read while it went on", memory.deltas);
        let ending = memory.fights.values().next().unwrap().ending.clone().unwrap();
        assert!(ending.meter.is_some() && ending.ended_at_ms.is_some());
        assert_eq!(memory.hellos[0].visibility, Visibility::Unlisted);
        let told = changes.lock().unwrap();
        assert!(told.iter().any(|change| matches!(change, Change::Finalized { known: false, .. })));
        assert!(std::fs::read_dir(place.dir.path().join("state/spool")).unwrap().next().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_again_and_again_loses_and_repeats_nothing() {
    let (place, relay) = (Place::new(), Relay::start().await);
    relay.memory().cut_every = 7;
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let client = Client::start(place.options(&relay));
    play(&mut writer, &party(2), 60_000, 1_000).await;
    writer.end().await.unwrap();
    assert!(client.done().await.unwrap().complete);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    let memory = relay.memory();
    assert!(memory.hellos.len() > 1);
    // The relay held what it had not acknowledged: the client goes on behind it.
    assert_eq!(memory.repeated, 0);
    assert!(
        memory
            .hellos
            .iter()
            .all(|hello| hello.raid == memory.hellos[0].raid && hello.secret == memory.hellos[0].secret)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raid_keeps_its_title_over_a_restart_until_it_is_taken_away() {
    let (place, relay) = (Place::new(), Relay::start().await);
    MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap().close().await.unwrap();
    for (said, expected) in [(Some("Friday"), Some("Friday")), (None, Some("Friday")), (Some(""), None), (None, None)] {
        let before = relay.memory().hellos.len();
        let title = said.map(str::to_owned);
        let client = Client::start(Options { title, until_idle: None, ..place.options(&relay) });
        relay.until(|memory| memory.hellos.len() > before).await;
        client.end().await;
        let memory = relay.memory();
        let last = memory.hellos.last().unwrap();
        assert_eq!((last.title.as_deref(), last.raid), (expected, memory.hellos[0].raid), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_started_again_goes_on_where_it_was() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let fight = party(3);
    let client = Client::start(place.options(&relay));
    play(&mut writer, &fight, 20_000, 1_000).await;
    relay.until(|memory| memory.deltas > 3).await;
    client.end().await;
    let before = relay.memory().deltas;
    // The fight goes on without it.
    writer.advance_to(40_000).await.unwrap();
    let client = Client::start(place.options(&relay));
    relay.until(|memory| memory.deltas > before).await;
    writer.end().await.unwrap();
    assert!(client.done().await.unwrap().complete);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    {
        let memory = relay.memory();
        assert_eq!(memory.repeated, 0);
        assert_eq!(memory.hellos[0].raid, memory.hellos[1].raid);
    }
    // Started once more it sends nothing.
    let before = relay.memory().deltas;
    let summary = Client::start(place.options(&relay)).done().await.unwrap();
    assert_eq!((summary.fights, summary.complete), (0, true));
    assert_eq!(relay.memory().deltas, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_that_lost_its_tail_is_read_again_as_a_new_stream() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Chunks).await.unwrap();
    let client = Client::start(place.options(&relay));
    play(&mut writer, &party(4), 30_000, 1_000).await;
    relay.until(|memory| memory.fights.values().any(|fight| fight.state.seq() > 3)).await;
    client.end().await;
    let first = relay.memory().fights.values().next().unwrap().stream;
    let spool = std::fs::read_dir(place.dir.path().join("state/spool")).unwrap().next().unwrap().unwrap().path();
    let length = std::fs::metadata(&spool).unwrap().len();
    std::fs::File::options().write(true).open(&spool).unwrap().set_len(length / 2).unwrap();
    writer.end().await.unwrap();
    let client = Client::start(place.options(&relay));
    client.until(|change| matches!(change, Change::Reread { .. })).await;
    assert!(client.done().await.unwrap().complete);
    assert_ne!(relay.memory().fights.values().next().unwrap().stream, first);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_that_is_gone_is_made_again_and_a_known_fight_is_not_sent() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    write_all(&mut writer, &party(5)).await.unwrap();
    assert!(Client::start(place.options(&relay)).done().await.unwrap().complete);
    let sent = relay.memory().deltas;
    // Another machine with a copy of the database, or the state folder lost.
    std::fs::remove_dir_all(place.dir.path().join("state")).unwrap();
    let client = Client::start(place.options(&relay));
    client.until(|change| matches!(change, Change::Finalized { known: true, .. })).await;
    assert!(client.done().await.unwrap().complete);
    assert_eq!(relay.memory().deltas, sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_night_of_finished_fights_is_sent_and_one_that_never_ended_is_unfinished() {
    for generation in Generation::ALL {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        for fight in Script::night(1) {
            write_all(&mut writer, &fight).await.unwrap();
        }
        for seed in 20..26 {
            let fight = party(seed).starting_at(1_790_001_000_000 + seed as i64 * 100_000);
            write_all(&mut writer, &fight).await.unwrap();
        }
        let summary = Client::start(place.options(&relay)).done().await.unwrap();
        assert_eq!(summary, Summary { fights: 10, finalized: 10, unacknowledged: 0, complete: true });
        assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
        let memory = relay.memory();
        let outcomes =
            |outcome| memory.fights.values().filter(|fight| fight.ending.as_ref().unwrap().outcome == outcome).count();
        assert_eq!((outcomes(Outcome::Reset), outcomes(Outcome::Unfinished)), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_takes_nothing_is_tried_again() {
    let (place, relay) = (Place::new(), Relay::start().await);
    relay.memory().store_fails = 9;
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let client = Client::start(place.options(&relay));
    play(&mut writer, &party(6), 20_000, 1_000).await;
    client.until(|change| matches!(change, Change::Refused { retry_ms: Some(50), .. })).await;
    writer.end().await.unwrap();
    assert!(client.done().await.unwrap().complete);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_whose_sums_the_relay_doubts_is_sent_to_its_end() {
    let (place, relay) = (Place::new(), Relay::start().await);
    relay.memory().sums_differ = true;
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let client = Client::start(place.options(&relay));
    play(&mut writer, &party(6), 20_000, 1_000).await;
    writer.end().await.unwrap();
    assert!(client.done().await.unwrap().complete);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_whose_report_was_not_confirmed_is_ended_again_at_the_next_start() {
    let (place, relay) = (Place::new(), Relay::start().await);
    relay.memory().mute_end = true;
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    write_all(&mut writer, &party(7)).await.unwrap();
    let client = Client::start(place.options(&relay));
    relay.until(|memory| memory.fights.values().any(|fight| fight.ending.is_some())).await;
    let summary = client.end().await;
    assert!(!summary.complete);
    relay.memory().mute_end = false;
    assert_eq!(Client::start(place.options(&relay)).done().await.unwrap().finalized, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_work_is_said_and_ends() {
    let (place, relay) = (Place::new(), Relay::start().await);
    MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap().close().await.unwrap();
    let wrong = Options { key: "another".into(), ..place.options(&relay) };
    let client = Client::start(wrong);
    let changes = client.changes.clone();
    let error = client.done().await.unwrap_err();
    assert!(matches!(&error, WatchError::Unauthorized { text } if text == "no such key"), "{error}");
    assert_eq!(error.exit_code(), 2);
    assert!(changes.lock().unwrap().iter().any(|change| matches!(change, Change::Refused { .. })));

    std::fs::remove_file(place.db()).unwrap();
    let nowhere = Client::start(place.options(&relay));
    nowhere.until(|change| matches!(change, Change::Waiting { .. })).await;
    let second = Client::start(place.options(&relay)).done().await.unwrap_err();
    assert!(matches!(second, WatchError::Folder(FolderError::InUse { .. })), "{second}");
    let error = nowhere.done().await.unwrap_err();
    let gone = NoDatabase::Unread(SourceError::Gone { path: place.db() });
    assert!(matches!(&error, WatchError::NoMeter { why, .. } if *why == gone), "{error}");
    assert_eq!(error.exit_code(), 1);

    std::fs::write(place.db(), b"this is no database at all, but long enough to be looked at").unwrap();
    let error = Client::start(place.options(&relay)).done().await.unwrap_err();
    let no_database = NoDatabase::Unread(SourceError::Unsupported { path: place.db(), why: Unsupported::NotSqlite });
    assert!(matches!(&error, WatchError::NoMeter { why, .. } if *why == no_database), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_comes_later_is_found_and_old_fights_in_it_are_left_alone() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let data = place.dir.path().join("data");
    let db = data.join("resonance-logs/resonance-logs.db");
    let options = Options {
        clock: Clock::system(),
        db: None,
        places: detect::Places { data_dirs: vec![data], ..detect::Places::default() },
        until_idle: Some(Duration::from_secs(3)),
        ..place.options(&relay)
    };
    let client = Client::start(options);
    client.until(|change| matches!(change, Change::Waiting { looked, .. } if looked.len() == 3)).await;
    std::fs::create_dir_all(db.parent().unwrap()).unwrap();
    let mut writer = MeterWriter::open(&db, Generation::Aggregate).await.unwrap();
    write_all(&mut writer, &party(8)).await.unwrap();
    client.until(|change| matches!(change, Change::Watching { .. })).await;
    client.until(|change| *change == Change::History { fights: 1 }).await;
    write_all(&mut writer, &party(9).starting_at(1_790_000_500_000)).await.unwrap();
    let summary = client.done().await.unwrap();
    assert_eq!((summary.fights, summary.finalized), (1, 1));
}

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
async fn what_becomes_known_of_a_fight_after_its_begin_is_told_once() {
    for generation in Generation::ALL {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        let fight = party(14);
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.db());
        let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
        writer.begin(&fight).await.unwrap();
        sqlx::query("UPDATE encounters SET scene_id = NULL, scene_name = NULL, local_player_id = NULL")
            .execute(&mut other)
            .await
            .unwrap();
        let client = Client::start(place.options(&relay));
        go_on(&mut writer, (0..30_000).step_by(1_000)).await;
        client.until(|change| matches!(change, Change::Acked { .. })).await;
        assert!(relay.memory().fights.values().all(|fight| fight.state.place().scene.is_none()));
        let local = fight.local_player_id;
        sqlx::query("UPDATE encounters SET scene_id = 77, scene_name = 'Late Hall', local_player_id = ?")
            .bind(local)
            .execute(&mut other)
            .await
            .unwrap();
        go_on(&mut writer, (30_000..60_000).step_by(1_000)).await;
        writer.end().await.unwrap();
        assert!(client.done().await.unwrap().complete);
        let memory = relay.memory();
        let state = &memory.fights.values().next().unwrap().state;
        assert_eq!((state.header().scene_id, state.place().scene_id), (None, Some(77)), "{generation:?}");
        let locals: Vec<_> = (0..state.actors().len() as u16).map(ActorIx).filter(|at| state.is_local(*at)).collect();
        assert_eq!(locals.len(), 1, "{generation:?}");
        assert_eq!(state.place().scene.as_deref(), Some("Late Hall"), "{generation:?}");
    }
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_relay_is_away_everything_is_kept_and_then_sent() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    // A port where nobody listens: bound and let go.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = Options { relay: format!("http://{free}"), until_idle: None, ..place.options(&relay) };
    let client = Client::start(away);
    play(&mut writer, &party(14), 20_000, 1_000).await;
    client.until(|change| matches!(change, Change::Disconnected { .. })).await;
    writer.end().await.unwrap();
    client.until(|change| matches!(change, Change::Ended { .. })).await;
    let summary = client.end().await;
    assert!(!summary.complete && summary.unacknowledged > 0, "{summary:?}");
    // The database may even be gone by then.
    writer.close().await.unwrap();
    let sums = read_at_once(&place.db()).await;
    std::fs::remove_file(place.db()).unwrap();
    let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    client.end().await;
    assert_eq!(relayed(&relay), sums);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_list_of_fights_or_a_lost_spool_loses_no_fight() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = || Options { relay: format!("http://{free}"), until_idle: None, ..place.options(&relay) };
    for fight in Script::night(2) {
        write_all(&mut writer, &fight).await.unwrap();
    }
    let client = Client::start(away());
    client.until_so_many(3, |change| matches!(change, Change::Ended { .. })).await;
    client.end().await;
    let state = place.dir.path().join("state");
    // One spool is damaged in its head, the list is gone altogether.
    let spools: Vec<_> = std::fs::read_dir(state.join("spool")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(spools.len(), 4);
    std::fs::write(&spools[1], b"RCSPOOL1 and then nothing that makes sense").unwrap();
    let client = Client::start(away());
    client.until(|change| matches!(change, Change::Watching { .. })).await;
    // It is read again.
    wait(|| Spool::peek(&spools[1]).is_ok_and(|peek| peek.events > 0)).await;
    client.end().await;
    std::fs::remove_file(state.join("fights.json")).unwrap();
    assert_eq!(Client::start(place.options(&relay)).done().await.unwrap().finalized, 4);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_that_no_list_names_is_taken_up_again() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
    play(&mut writer, &party(15), 20_000, 1_000).await;
    relay.until(|memory| memory.deltas > 2).await;
    client.end().await;
    let list = place.dir.path().join("state/fights.json");
    let mut fights: serde_json::Value = serde_json::from_slice(&std::fs::read(&list).unwrap()).unwrap();
    for database in fights["databases"].as_object_mut().unwrap().values_mut() {
        assert_eq!(database["open"].as_object().unwrap().len(), 1);
        database["open"] = serde_json::json!({});
    }
    std::fs::write(&list, fights.to_string()).unwrap();
    writer.end().await.unwrap();
    let summary = Client::start(place.options(&relay)).done().await.unwrap();
    assert_eq!(summary, Summary { fights: 1, finalized: 1, unacknowledged: 0, complete: true });
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_folder_that_cannot_be_used_is_told() {
    let (place, relay) = (Place::new(), Relay::start().await);
    MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap().close().await.unwrap();
    assert!(Client::start(place.options(&relay)).done().await.unwrap().complete);
    let state = place.dir.path().join("state");
    let raid = std::fs::read_to_string(state.join("raid.json")).unwrap();
    let mut wrong: serde_json::Value = serde_json::from_str(&raid).unwrap();
    wrong["secret"] = "".into();
    std::fs::write(state.join("raid.json"), wrong.to_string()).unwrap();
    let error = Client::start(place.options(&relay)).done().await.unwrap_err();
    let WatchError::Folder(FolderError::Damaged { path, why: Damage::Secret }) = error else { panic!("{error}") };
    assert_eq!(path, state.join("raid.json"));
    std::fs::write(state.join("raid.json"), raid).unwrap();
    std::fs::create_dir(state.join("spool/a.spool")).unwrap();
    let error = Client::start(place.options(&relay)).done().await.unwrap_err();
    let WatchError::Spool(SpoolError::Io { path, .. }) = error else { panic!("{error}") };
    assert_eq!(path, state.join("spool/a.spool"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fights_of_earlier_meters_arrive_whole_while_they_go_on() {
    let cases = [Generation::Events, Generation::Counters].map(|generation| async move {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        // Counters are read once a second.
        let client = Client::start(Options { until_idle: Some(Duration::from_secs(3)), ..place.options(&relay) });
        let fight = party(21);
        play(&mut writer, &fight, 60_000, 300).await;
        client.until(|change| matches!(change, Change::Begun { .. })).await;
        writer.end().await.unwrap();
        assert_eq!(
            client.done().await.unwrap(),
            Summary { fights: 1, finalized: 1, unacknowledged: 0, complete: true }
        );
        assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
        let memory = relay.memory();
        assert!(memory.deltas > 2, "{} deltas: it was read while it went on", memory.deltas);
        let held = memory.fights.values().next().unwrap();
        let shown = view::fight(to_all(&held.state), held.ending.as_ref());
        let boss: i64 = of_boss(&fight).map(raidcast_meterkit::Hit::aggregate_amount).sum();
        assert_eq!(shown.totals.boss_damage.map(u64::cast_signed), Some(boss));
        assert_eq!(shown.bosses[0].damage as i64, boss);
        assert_eq!(
            view::meter_differs(to_all(&held.state), held.ending.as_ref().unwrap().meter.as_ref().unwrap()),
            None
        );
        let timeline = view::timeline(to_all(&held.state), "r".into(), 1);
        let timed: u64 = timeline.players.iter().flat_map(|player| &player.damage).sum();
        assert_eq!(timed, shown.totals.damage, "{generation:?}");
        match view::note(to_all(&held.state)) {
            None => assert_eq!(generation, Generation::Events),
            Some(note) => assert!(note.contains("sums alone") && note.contains("Times are those"), "{note}"),
        }
    });
    join_all(cases).await;
}

/// As all who may see a raid see it.
fn to_all(state: &EncounterState) -> Shown<'_> {
    Shown::to(everybody(), state)
}

/// All who may see a raid.
#[expect(clippy::disallowed_methods, reason = "who may see it is no question here")]
fn everybody() -> &'static Audience {
    Audience::of_everything()
}

/// Hits of players on bosses.
fn of_boss(fight: &Fight) -> impl Iterator<Item = &raidcast_meterkit::Hit> {
    fight.hits.iter().filter(|hit| {
        hit.kind == raidcast_meterkit::HitKind::Damage
            && fight.player(hit.source).is_some()
            && fight.monster(hit.target).is_some_and(|monster| monster.is_boss)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn summaries_arrive_with_what_they_cannot_tell_and_one_that_cannot_be_read_is_left_out() {
    use raidcast_meterkit::summary::Layout;
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Summary).await.unwrap();
    let client = Client::start(place.options(&relay));
    write_all(&mut writer, &party(22)).await.unwrap();
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    writer.close().await.unwrap();
    let mut other = MeterWriter::open_summary(&place.db(), Layout::Unheard).await.unwrap();
    write_all(&mut other, &party(23).starting_at(1_790_000_200_000)).await.unwrap();
    other.close().await.unwrap();
    let left_out = |change: &Change| matches!(change, Change::Unreadable { why: Unreadable::UnknownLayout, .. });
    client.until(left_out).await;
    // The watch goes on; the meter starts again, and numbers its rows anew.
    let mut writer = MeterWriter::open(&place.db(), Generation::Summary).await.unwrap();
    writer.restart(0).await.unwrap();
    let last = party(24).starting_at(1_790_000_400_000);
    write_all(&mut writer, &last).await.unwrap();
    let changes = client.changes.clone();
    let summary = client.done().await.unwrap();
    assert_eq!(summary, Summary { fights: 3, finalized: 2, unacknowledged: 0, complete: false });
    let told = changes.lock().unwrap();
    assert_eq!(told.iter().filter(|change| left_out(change)).count(), 1);
    assert!(told.iter().any(|change| matches!(change, Change::Status(status) if status.unreadable == 1)));
    let memory = relay.memory();
    assert_eq!(memory.fights.len(), 2);
    for held in memory.fights.values() {
        let shown = view::fight(to_all(&held.state), held.ending.as_ref());
        let note = view::note(to_all(&held.state)).unwrap();
        assert!(note.contains("there is no timeline") && note.contains("no deaths"), "{note}");
        let fight = if shown.started_at_ms == last.started_at_ms { &last } else { &party(22) };
        assert_eq!(shown.totals.damage as i64, fight.player_damage());
        let boss: i64 = of_boss(fight).map(|hit| hit.amount).sum();
        assert_eq!(shown.totals.boss_damage.map(u64::cast_signed), Some(boss));
        assert_eq!(i64::from(shown.duration_ms), fight.ended_at_ms.unwrap());
        let timeline = view::timeline(to_all(&held.state), "r".into(), 1);
        assert_eq!(timeline.players.iter().flat_map(|player| &player.damage).sum::<u64>(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_meter_upgraded_while_it_is_watched_goes_on_and_no_fight_is_doubled() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let client = Client::start(Options { until_idle: Some(Duration::from_secs(3)), ..place.options(&relay) });
    let at = |n: i64| 1_790_000_000_000 + n * 100_000;
    let mut fights = Vec::new();
    for (n, generation) in [Generation::Events, Generation::Counters, Generation::Aggregate].into_iter().enumerate() {
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        let fight = Script { wipe: n == 1, ..Script::party(70 + n as u64) }.fight().starting_at(at(n as i64));
        play(&mut writer, &fight, 30_000, 2_000).await;
        writer.end().await.unwrap();
        client.until_so_many(n + 1, |change| matches!(change, Change::Finalized { .. })).await;
        writer.close().await.unwrap();
        fights.push(fight);
    }
    let changes = client.changes.clone();
    let summary = client.done().await.unwrap();
    assert_eq!(summary, Summary { fights: 3, finalized: 3, unacknowledged: 0, complete: true });
    // Each as its own generation told it, and as the last one still tells it.
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    let told = changes.lock().unwrap();
    let generations: Vec<_> = told
        .iter()
        .filter_map(|change| match change {
            Change::Watching { generation, .. } => Some(generation.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(generations, ["events", "counters", "aggregate"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_that_a_meter_left_open_when_it_was_upgraded_keeps_the_most_that_was_told() {
    // From counters to arrays: its rows are still there, and read again as far as they go.
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Counters).await.unwrap();
    let client = Client::start(Options { until_idle: Some(Duration::from_secs(4)), ..place.options(&relay) });
    play(&mut writer, &party(25), 40_000, 1_000).await;
    relay.until(|memory| memory.deltas > 0).await;
    writer.close().await.unwrap();
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    writer.restart(1_790_000_050_000).await.unwrap();
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    let changes = client.changes.clone();
    assert!(client.done().await.unwrap().complete);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    assert!(changes.lock().unwrap().iter().any(|change| matches!(change, Change::Reread { .. })));

    // From rows of hits to counters: the meter drops them; what was streamed stays.
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Events).await.unwrap();
    let client = Client::start(Options { until_idle: Some(Duration::from_secs(4)), ..place.options(&relay) });
    play(&mut writer, &party(26), 40_000, 1_000).await;
    relay.until(|memory| memory.deltas > 0).await;
    let held = read_at_once(&place.db()).await;
    relay.until(|memory| sums_of(memory) == held).await;
    writer.close().await.unwrap();
    let mut writer = MeterWriter::open(&place.db(), Generation::Counters).await.unwrap();
    writer.restart(1_790_000_050_000).await.unwrap();
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    assert!(client.done().await.unwrap().complete);
    assert_eq!(relayed(&relay), held);
    assert!(held[0].1 > 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_another_meter_copied_is_followed_and_its_fights_sent_once() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let data = place.dir.path().join("data");
    let [old, new] = ["resonance-logs-cn", "resonance-logs-global"].map(|m| data.join(m).join(format!("{m}.db")));
    std::fs::create_dir_all(old.parent().unwrap()).unwrap();
    std::fs::create_dir_all(new.parent().unwrap()).unwrap();
    let options = Options {
        db: None,
        places: detect::Places { data_dirs: vec![data], ..detect::Places::default() },
        until_idle: None,
        ..place.options(&relay)
    };
    let now = options.clock.unix_ms();
    let mut writer = MeterWriter::open(&old, Generation::Summary).await.unwrap();
    let client = Client::start(options);
    client.until(|change| matches!(change, Change::Watching { .. })).await;
    write_all(&mut writer, &party(27).starting_at(now - 600_000)).await.unwrap();
    client.until(|change| matches!(change, Change::Finalized { known: false, .. })).await;
    assert_eq!(relay.memory().deltas, 1, "a summary is one delta");
    writer.close().await.unwrap();
    copy_with_log(&old, &new);
    let mut writer = MeterWriter::open(&new, Generation::Summary).await.unwrap();
    writer.restart(0).await.unwrap();
    write_all(&mut writer, &party(28).starting_at(now - 300_000)).await.unwrap();
    client.until_so_many(3, |change| matches!(change, Change::Finalized { .. })).await;
    let changes = client.changes.clone();
    assert!(client.end().await.complete);
    let held = relay.memory();
    assert_eq!((held.fights.len(), held.deltas), (2, 2));
    let told = changes.lock().unwrap();
    let known = told.iter().filter(|change| matches!(change, Change::Finalized { known: true, .. })).count();
    let new_ones = told.iter().filter(|change| matches!(change, Change::Finalized { known: false, .. })).count();
    assert_eq!((known, new_ones), (1, 2), "the copied fight is known already: {told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_left_open_in_a_database_that_was_copied_is_ended_in_the_copy() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let data = place.dir.path().join("data");
    let [old, new] = ["resonance-logs", "resonance-logs-cn"].map(|m| data.join(m).join(format!("{m}.db")));
    std::fs::create_dir_all(old.parent().unwrap()).unwrap();
    std::fs::create_dir_all(new.parent().unwrap()).unwrap();
    let options = Options {
        db: None,
        places: detect::Places { data_dirs: vec![data], ..detect::Places::default() },
        until_idle: None,
        ..place.options(&relay)
    };
    let now = options.clock.unix_ms();
    let mut writer = MeterWriter::open(&old, Generation::Aggregate).await.unwrap();
    let client = Client::start(options);
    client.until(|change| matches!(change, Change::Watching { .. })).await;
    play(&mut writer, &party(29).starting_at(now), 40_000, 1_000).await;
    relay.until(|memory| memory.deltas > 2).await;
    writer.close().await.unwrap();
    copy_with_log(&old, &new);
    let mut writer = MeterWriter::open(&new, Generation::Aggregate).await.unwrap();
    writer.restart(now + 50_000).await.unwrap();
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    let changes = client.changes.clone();
    assert_eq!(client.end().await, Summary { fights: 1, finalized: 1, unacknowledged: 0, complete: true });
    assert_eq!(relayed(&relay), read_at_once(&new).await);
    assert!(changes.lock().unwrap().iter().any(|change| matches!(change, Change::Reread { .. })));
    assert!(relay.memory().fights.values().all(|held| held.ending.as_ref().unwrap().ended_at_ms.is_some()));
}

/// As a meter does it that takes another's database over, with what stands in the log beside it.
fn copy_with_log(from: &Path, to: &Path) {
    for end in ["", "-wal"] {
        let beside = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
        if beside(from).exists() {
            std::fs::copy(beside(from), beside(to)).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_clients_on_one_meter_one_stands_by_and_goes_on_when_the_other_is_gone() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let options = |state: &str| Options { state: place.dir.path().join(state), ..place.options(&relay) };
    let first = Client::start(Options { until_idle: None, ..options("first") });
    play(&mut writer, &party(31), 15_000, 1_000).await;
    relay.until(|memory| memory.deltas > 2).await;
    let stream = |memory: &Memory| memory.fights.values().next().unwrap().stream;
    let of_first = stream(&relay.memory());
    let second = Client::start(Options { until_idle: None, ..options("second") });
    relay.until(|memory| stream(memory) != of_first).await;
    writer.advance_to(25_000).await.unwrap();
    let gave_way = |change: &Change| {
        matches!(
            change,
            Change::Refused { code: RefusedCode::UnknownHandle, retry_ms: Some(_), encounter: Some(_), .. }
        )
    };
    first.until(gave_way).await;
    // It looks, and leaves the fight to the other while that goes on.
    let before = relay.memory().begins;
    relay.until(|memory| memory.begins > before).await;
    assert_ne!(stream(&relay.memory()), of_first);
    second.end().await;
    writer.advance_to(40_000).await.unwrap();
    relay.until(|memory| stream(memory) == of_first).await;
    writer.end().await.unwrap();
    first.until(|change| matches!(change, Change::Finalized { .. })).await;
    let told = first.changes.clone();
    assert!(first.end().await.complete);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    assert_eq!(told.lock().unwrap().iter().filter(|change| gave_way(change)).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_raid_is_taken_over_goes_on_in_a_raid_of_its_own() {
    for code in [RefusedCode::Fenced, RefusedCode::RaidForbidden] {
        let (place, relay) = (Place::new(), Relay::start().await);
        relay.memory().turn_away = Some(code);
        let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
        let client = Client::start(place.options(&relay));
        play(&mut writer, &party(32), 20_000, 1_000).await;
        writer.end().await.unwrap();
        assert!(client.done().await.unwrap().complete, "{code:?}");
        assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
        let memory = relay.memory();
        let raids: Vec<_> = memory.hellos.iter().map(|hello| (hello.raid, hello.secret.clone())).collect();
        assert_eq!(raids.len(), 2);
        assert!(raids[0].0 != raids[1].0 && raids[0].1 != raids[1].1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fights_are_old_by_their_own_dates_and_a_copied_database_is_left_alone() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    // Weeks ago, the last one never ended; the file is of this minute.
    let now = place.options(&relay).clock.unix_ms();
    let weeks = 21 * 86_400_000;
    for fight in Script::night(3) {
        let at = fight.started_at_ms - weeks;
        write_all(&mut writer, &fight.starting_at(at)).await.unwrap();
    }
    let client = Client::start(Options { until_idle: Some(Duration::from_secs(2)), ..place.options(&relay) });
    client.until(|change| *change == Change::History { fights: 4 }).await;
    // It goes on after all: the meter's clock may be weeks behind.
    write_all(&mut writer, &party(33).starting_at(now)).await.unwrap();
    let summary = client.done().await.unwrap();
    assert_eq!(summary, Summary { fights: 1, finalized: 1, unacknowledged: 0, complete: true });
    assert_eq!(relay.memory().fights.values().next().unwrap().state.header().started_at_ms, now);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_of_a_clock_that_is_weeks_behind_is_streamed_as_soon_as_it_goes_on() {
    for started_again in [false, true] {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
        let at = place.options(&relay).clock.unix_ms() - 21 * 86_400_000;
        writer.begin(&party(34).starting_at(at)).await.unwrap();
        writer.advance_to(20_000).await.unwrap();
        let mut client = Client::start(place.options(&relay));
        client.until(|change| *change == Change::History { fights: 1 }).await;
        if started_again {
            client.end().await;
            client = Client::start(place.options(&relay));
        }
        writer.advance_to(30_000).await.unwrap();
        client.until(|change| matches!(change, Change::Begun { .. })).await;
        writer.end().await.unwrap();
        assert!(client.done().await.unwrap().complete);
        assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_meter_no_raid_is_opened() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let client = Client::start(place.options(&relay));
    let error = client.done().await.unwrap_err();
    assert!(matches!(error, WatchError::NoMeter { .. }), "{error}");
    assert_eq!(relay.memory().hellos.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raid_stays_as_private_as_it_was_until_something_else_is_asked_for() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    write_all(&mut writer, &party(35)).await.unwrap();
    for asked in [Some(Visibility::Private), None, Some(Visibility::Public)] {
        Client::start(Options { visibility: asked, ..place.options(&relay) }).done().await.unwrap();
    }
    // Who may see a fight that the relay has from another folder stays as it is, and that is said.
    let elsewhere = Options {
        visibility: Some(Visibility::Private),
        state: place.dir.path().join("other"),
        ..place.options(&relay)
    };
    let client = Client::start(elsewhere);
    client.until(|change| matches!(change, Change::Finalized { known: true, keeps_visibility: true, .. })).await;
    client.done().await.unwrap();
    let asked: Vec<_> = relay.memory().hellos.iter().map(|hello| hello.visibility).collect();
    assert_eq!(asked, [Visibility::Private, Visibility::Private, Visibility::Public, Visibility::Private]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absurd_sum_of_the_meter_is_cut_and_the_fight_ends() {
    use sqlx::{ConnectOptions as _, Connection as _};
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    write_all(&mut writer, &party(36)).await.unwrap();
    writer.close().await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.db());
    let mut meter = options.connect().await.unwrap();
    let absurd = "UPDATE encounters SET total_dmg = 9223372036854775807, total_heal = -5";
    sqlx::raw_sql(absurd).execute(&mut meter).await.unwrap();
    meter.close().await.unwrap();
    assert!(Client::start(place.options(&relay)).done().await.unwrap().complete);
    let memory = relay.memory();
    let ending = memory.fights.values().next().unwrap().ending.clone().unwrap();
    let meter = ending.meter.unwrap();
    assert_eq!((meter.damage, meter.healing), (raidcast_shared::limits::AMOUNT_MAX, 0));
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

#[tokio::test]
async fn what_a_report_leaves_out_beyond_its_players_is_told_beside_the_meters_sums() {
    for generation in [Generation::Aggregate, Generation::Chunks] {
        let place = Place::new();
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        write_all(&mut writer, &Script { players: 60, ..Script::party(45) }.fight()).await.unwrap();
        let mut source = AnySource::open(&detect::identify(&place.db()).unwrap(), Arc::default()).unwrap();
        let fight = source.all_fights().unwrap().remove(0);
        let mut encoder = Encoder::new(header_of(&fight, source.knows()));
        encoder.encode(source.read_last(&fight, &Cursor::default()).unwrap().events, 0);
        encoder.finish(0);
        let meter = source.totals(&fight).unwrap().unwrap();
        let shown = to_all(encoder.state());
        let totals = view::fight(shown, None).totals;
        let differs = view::meter_differs(shown, &meter).expect("ten players are left out");
        assert_eq!(differs.report.healing, totals.healing, "{generation:?}");
        assert!(differs.report.damage < meter.damage && differs.report.healing < meter.healing, "{generation:?}");
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
async fn a_fight_of_a_clock_that_was_set_back_is_streamed_from_summaries_too() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Summary).await.unwrap();
    let weeks = 21 * 86_400_000;
    write_all(&mut writer, &party(47).starting_at(NOW_MS - weeks)).await.unwrap();
    let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
    client.until(|change| *change == Change::History { fights: 1 }).await;
    for (n, ago_ms) in [(1, 100_000), (2, 900_000)] {
        write_all(&mut writer, &party(47 + n).starting_at(NOW_MS - ago_ms)).await.unwrap();
        client.until_so_many(n as usize, |change| matches!(change, Change::Finalized { .. })).await;
    }
    client.end().await;
    // Whether a client runs then, or is started later.
    write_all(&mut writer, &party(50).starting_at(NOW_MS - 500_000)).await.unwrap();
    let summary = Client::start(place.options(&relay)).done().await.unwrap();
    assert_eq!(summary, Summary { fights: 1, finalized: 1, unacknowledged: 0, complete: true });
    assert_eq!(relay.memory().fights.len(), 3);
    assert_eq!(Client::start(place.options(&relay)).done().await.unwrap().fights, 0);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_folder_that_is_deleted_while_it_is_used_is_made_anew_and_the_fight_goes_on() {
    for generation in Generation::ALL {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        let client = Client::start(Options { until_idle: Some(Duration::from_secs(3)), ..place.options(&relay) });
        play(&mut writer, &party(51), 20_000, 1_000).await;
        relay.until(|memory| memory.deltas > 2).await;
        let state = place.dir.path().join("state");
        // Gone in one moment, which removing one file after the other is not.
        std::fs::rename(&state, place.dir.path().join("away")).unwrap();
        let spools = || std::fs::read_dir(state.join("spool")).into_iter().flatten().flatten();
        wait(|| state.join("raid.json").exists() && spools().any(|entry| entry.path().extension().unwrap() == "spool"))
            .await;
        std::fs::remove_dir_all(place.dir.path().join("away")).unwrap();
        go_on(&mut writer, (20_000..40_000).step_by(1_000)).await;
        writer.end().await.unwrap();
        write_all(&mut writer, &party(52).starting_at(NOW_MS - 100_000)).await.unwrap();
        assert!(client.done().await.unwrap().complete, "{generation:?}");
        assert_eq!(relayed(&relay), read_at_once(&place.db()).await, "{generation:?}");
        assert_eq!(relay.memory().replaced, 0, "{generation:?}: what was on its way goes on as the same reading");
        assert_eq!(Client::start(place.options(&relay)).done().await.unwrap().fights, 0, "{generation:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_that_was_ended_for_nothing_happened_is_gone_on_with_at_the_next_start() {
    let generations = [Generation::Events, Generation::Counters, Generation::Aggregate, Generation::Chunks];
    let cases = generations.into_iter().flat_map(|one| [(one, true), (one, false)]);
    let cases = cases.map(|(generation, is_over)| async move {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        println!("{generation:?}, over at the next start: {is_over}");
        play(&mut writer, &party(51), 20_000, 2_000).await;
        Client::start(place.options(&relay)).done().await.unwrap();
        let outcome = |memory: &Memory| memory.fights.values().next().unwrap().ending.as_ref().unwrap().outcome;
        assert_eq!(outcome(&relay.memory()), Outcome::Unfinished, "{generation:?}");
        // Nothing more comes of it: nothing is sent.
        let sent = relay.memory().deltas;
        Client::start(place.options(&relay)).done().await.unwrap();
        assert_eq!(relay.memory().deltas, sent, "{generation:?}");
        // The meter goes on with it, and ends it.
        let start = || Client::start(Options { until_idle: None, ..place.options(&relay) });
        let watching = |change: &Change| matches!(change, Change::Watching { .. });
        let mut client = None;
        if !is_over {
            client = Some(start());
            client.as_ref().unwrap().until(watching).await;
        }
        go_on(&mut writer, (20_000..60_000).step_by(2_000)).await;
        writer.end().await.unwrap();
        let client = client.unwrap_or_else(start);
        client.until(|change| matches!(change, Change::Finalized { .. })).await;
        let summary = client.end().await;
        assert!(summary.complete, "{generation:?}: {summary:?}");
        assert_ne!(outcome(&relay.memory()), Outcome::Unfinished, "{generation:?}");
        assert_eq!(relayed(&relay), read_at_once(&place.db()).await, "{generation:?}");
    });
    join_all(cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_good_is_tried_again_when_the_relay_knows_it_no_more() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
    play(&mut writer, &party(52), 10_000, 1_000).await;
    client.until(|change| matches!(change, Change::Acked { .. })).await;
    relay.memory().key_forgotten = true;
    // What is sent of it ends the connection.
    go_on(&mut writer, (10_000..20_000).step_by(1_000)).await;
    let forgotten = |change: &Change| {
        matches!(change, Change::Disconnected { why: Outage::KeyForgotten, retry_ms: 30_000..=60_000, .. })
    };
    client.until(forgotten).await;
    assert!(!client.end().await.complete);
    // One that was never good in a run ends it.
    let error = Client::start(place.options(&relay)).done().await.unwrap_err();
    assert!(matches!(error, WatchError::Unauthorized { .. }), "{error}");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_that_cannot_be_read_stands_in_the_folder_with_its_reason() {
    use raidcast::status::{Overview, Stand, Why};
    use raidcast::uploader::record::NotSent;
    use raidcast_meterkit::summary::Layout;
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open_summary(&place.db(), Layout::Unheard).await.unwrap();
    write_all(&mut writer, &party(54)).await.unwrap();
    writer.close().await.unwrap();
    assert!(!Client::start(place.options(&relay)).done().await.unwrap().complete);
    let overview = Overview::read(&place.dir.path().join("state"), NOW_MS).unwrap();
    let [line] = &overview.fights[..] else { panic!("one fight: {overview:?}") };
    assert_eq!(line.state, Stand::Unreadable);
    assert_eq!(line.why, Some(Why::NotSent(NotSent::Unreadable { why: Unreadable::UnknownLayout })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_late_the_relay_is_is_told_by_cause() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    relay.memory().slow = Duration::from_millis(300);
    let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
    // By the clock of the client the fight began half a minute ago, and the meter is a third of that behind at least.
    play(&mut writer, &party(71).starting_at(NOW_MS - 30_000), 20_000, 1_000).await;
    let told = |so: fn(Delay) -> bool| {
        let is_so = move |status: &Status| status.delay.is_some_and(so);
        move |change: &Change| matches!(change, Change::Status(status) if is_so(status))
    };
    client.until(told(|delay| delay.meter_ms.is_some_and(|ms| (11_000..=30_000).contains(&ms) && ms % 100 == 0))).await;
    client.until(told(|delay| delay.relay_ms.is_some_and(|ms| ms >= 300))).await;
    client.until(told(|delay| delay.waiting_since_ms == Some(NOW_MS))).await;
    relay.memory().slow = Duration::ZERO;
    writer.end().await.unwrap();
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    let over = |change: &Change| matches!(change, Change::Status(status) if status.live.is_none() && status.connected);
    client.until(over).await;
    let changes = client.changes.clone();
    client.end().await;
    let told = changes.lock().unwrap();
    let last = told.iter().rev().find_map(|change| match change {
        Change::Status(status) => Some(status.clone()),
        _ => None,
    });
    assert_eq!(last.unwrap().delay, None, "nothing waits, and no fight goes on");
}
