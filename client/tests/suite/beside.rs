//! Who follows the meter and an upload beside it, in one process and one state folder: neither loses anything of the
//! other's.

use std::path::PathBuf;
use std::time::Duration;

use raidcast::history::Plan;
use raidcast::source::detect::Places;
use raidcast::status::{Overview, Stand};
use raidcast::uploader::record::{How, Record};
use raidcast::uploader::{Change, FolderError, Options, Seat, Summary, WatchError};
use raidcast_meterkit::{Generation, MeterWriter, write_all};

use crate::place::{Client, NOW_MS, Place, go_on, party, play, read_at_once, relayed, wait};
use crate::relay::Relay;

/// Days before the watch is started first: fights of then are history to it.
const OLD_MS: i64 = NOW_MS - 5 * 86_400_000;

fn state(place: &Place) -> PathBuf {
    place.dir.path().join("state")
}

/// Writes so many old fights.
async fn write_old(place: &Place, generation: Generation, fights: u64) -> MeterWriter {
    let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
    for n in 0..fights {
        write_all(&mut writer, &party(40 + n).starting_at(OLD_MS + n as i64 * 100_000)).await.unwrap();
    }
    writer
}

/// To upload what is old by now.
async fn upload(place: &Place, relay: &Relay) -> Options {
    let plan = Plan::make(Some(&place.db()), &Places::default(), &state(place), None).await.unwrap();
    Options { until_idle: None, history: Some(plan.history(Duration::from_secs(20))), ..place.options(relay) }
}

fn watch(place: &Place, relay: &Relay) -> Options {
    Options { until_idle: None, ..place.options(relay) }
}

fn finalized(client: &Client) -> usize {
    let changes = client.changes.lock().unwrap();
    changes.iter().filter(|change| matches!(change, Change::Finalized { .. })).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_fights_are_uploaded_beside_a_live_one_and_the_record_has_all() {
    for generation in Generation::ALL {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = write_old(&place, generation, 8).await;
        let seat = Seat::take(&state(&place)).unwrap();
        let options = upload(&place, &relay).await;
        let live = Client::start_on(&seat, watch(&place, &relay));
        live.until(|change| *change == Change::History { fights: 8 }).await;
        play(&mut writer, &party(1), 20_000, 2_000).await;
        live.until(|change| matches!(change, Change::Acked { .. })).await;
        relay.memory().slow = Duration::from_millis(150);
        let old = Client::start_on(&seat, options);
        old.until(|change| matches!(change, Change::Uploaded { .. })).await;
        // Both are told, and the night's fight is still on its way.
        wait(|| {
            let seen = Overview::read(&state(&place), NOW_MS).unwrap();
            let work: Vec<_> = seen.running.iter().map(|running| running.history).collect();
            work == [false, true] && seen.fights[0].state == Stand::Streaming
        })
        .await;
        go_on(&mut writer, (20_000..40_000).step_by(2_000)).await;
        relay.memory().slow = Duration::ZERO;
        assert_eq!(
            old.done().await.unwrap(),
            Summary { fights: 8, finalized: 8, unacknowledged: 0, complete: true },
            "{generation:?}"
        );
        writer.end().await.unwrap();
        live.until(|change| matches!(change, Change::Finalized { .. })).await;
        assert_eq!(finalized(&live), 1);
        assert!(live.end().await.complete);
        assert_eq!(relayed(&relay), read_at_once(&place.db()).await, "{generation:?}");
        // The night's fight and the old ones are in raids of their own.
        let memory = relay.memory();
        let raids = |history: bool| {
            let hellos = memory.hellos.iter().filter(move |hello| hello.history == history);
            hellos.map(|hello| hello.raid).collect::<std::collections::HashSet<_>>()
        };
        assert_eq!((raids(false).len(), raids(true).len()), (1, 1));
        assert!(raids(false).is_disjoint(&raids(true)));
        let record = Record::load(&state(&place));
        assert_eq!(record.fights.iter().filter(|fight| fight.result == How::New).count(), 9, "{generation:?}");
        drop(seat);
        assert!(Overview::read(&state(&place), NOW_MS).unwrap().running.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_each_kind_one_works_in_a_folder_and_another_process_none() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write_old(&place, Generation::Aggregate, 2).await.close().await.unwrap();
    let seat = Seat::take(&state(&place)).unwrap();
    let live = Client::start_on(&seat, watch(&place, &relay));
    live.until(|change| matches!(change, Change::History { .. })).await;
    let in_use = |error: WatchError| {
        let ours = Some(std::process::id());
        assert!(
            matches!(&error, WatchError::Folder(FolderError::InUse { process, .. }) if *process == ours),
            "{error}"
        );
    };
    in_use(Client::start_on(&seat, watch(&place, &relay)).done().await.unwrap_err());
    // As another process: it does not have this seat.
    in_use(Client::start(upload(&place, &relay).await).done().await.unwrap_err());
    in_use(Client::start(watch(&place, &relay)).done().await.unwrap_err());
    // One after the other, both may.
    assert!(Client::start_on(&seat, upload(&place, &relay).await).done().await.unwrap().complete);
    assert!(Client::start_on(&seat, upload(&place, &relay).await).done().await.unwrap().complete);
    live.end().await;
    Client::start_on(&seat, watch(&place, &relay)).end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_both_are_killed_the_next_start_goes_on_and_each_fight_arrives_once() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = write_old(&place, Generation::Aggregate, 10).await;
    writer.begin(&party(1)).await.unwrap();
    relay.memory().slow = Duration::from_millis(5);
    for n in 0..20_i64 {
        let seat = Seat::take(&state(&place)).unwrap();
        let live = Client::start_on(&seat, watch(&place, &relay));
        let old = Client::start_on(&seat, upload(&place, &relay).await);
        writer.advance_to(n * 1_000).await.unwrap();
        relay.memory().cut_every = [0, 3, 5][n as usize % 3];
        // They are killed wherever they are by then.
        tokio::time::sleep(Duration::from_millis(20 + (n as u64 * 37) % 120)).await;
        for client in [old, live] {
            client.task.abort();
            let _ = client.task.await;
        }
    }
    relay.memory().cut_every = 0;
    relay.memory().slow = Duration::ZERO;
    let seat = Seat::take(&state(&place)).unwrap();
    let live = Client::start_on(&seat, watch(&place, &relay));
    let old = Client::start_on(&seat, upload(&place, &relay).await);
    writer.end().await.unwrap();
    assert!(old.done().await.unwrap().complete);
    live.until(|change| matches!(change, Change::Finalized { .. })).await;
    assert!(live.end().await.complete);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    let memory = relay.memory();
    assert!(memory.fights.values().all(|fight| fight.ending.is_some()));
    assert_eq!(memory.remade, 0);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_deleted_while_both_work_in_it_is_made_anew_for_both() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = write_old(&place, Generation::Aggregate, 12).await;
    let seat = Seat::take(&state(&place)).unwrap();
    let options = upload(&place, &relay).await;
    let live = Client::start_on(&seat, watch(&place, &relay));
    play(&mut writer, &party(1), 20_000, 2_000).await;
    live.until(|change| matches!(change, Change::Acked { .. })).await;
    relay.memory().slow = Duration::from_millis(50);
    let old = Client::start_on(&seat, options);
    old.until(|change| matches!(change, Change::Uploaded { .. })).await;
    let uploaded = Record::load(&state(&place)).fights.len();
    std::fs::rename(state(&place), place.dir.path().join("away")).unwrap();
    let is_there = |file: &str| state(&place).join(file).exists();
    wait(|| is_there("raid.json") && is_there("history/raid.json") && is_there("record.json")).await;
    relay.memory().slow = Duration::ZERO;
    assert!(Record::load(&state(&place)).fights.len() >= uploaded);
    assert!(old.done().await.unwrap().complete);
    writer.end().await.unwrap();
    live.until(|change| matches!(change, Change::Finalized { .. })).await;
    assert!(live.end().await.complete);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    assert_eq!(relay.memory().replaced, 0, "what was on its way goes on as the same reading");
    assert_eq!(Record::load(&state(&place)).fights.iter().filter(|fight| fight.result == How::New).count(), 13);
}
