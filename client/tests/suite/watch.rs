//! The whole client against a real meter database and a scripted relay: what was fought is what arrives.

mod altered;
mod meters;

use std::time::Duration;

use futures::future::join_all;
use raidcast::clock::Clock;
use raidcast::socket::Outage;
use raidcast::source::{NoDatabase, SourceError, Unreadable, Unsupported, detect};
use raidcast::spool::{Spool, SpoolError};
use raidcast::uploader::{Change, Damage, Delay, FolderError, Options, Status, Summary, WatchError};
use raidcast_meterkit::{Generation, MeterWriter, Script, write_all};
use raidcast_shared::uplink::{Outcome, RefusedCode, Visibility};

use crate::place::{Client, NOW_MS, Place, go_on, party, play, read_at_once, relayed, wait};
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
