//! What a run is told while it goes on, and to whom what it sends is shown.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use raidcast::clock::Clock;
use raidcast::header::header_of;
use raidcast::history::{History, Plan};
use raidcast::source::detect::{self, Places};
use raidcast::source::names::Names;
use raidcast::source::{AnySource, Cursor, Source as _};
use raidcast::spool::Spool;
use raidcast::status::{Overview, Stand, Why};
use raidcast::uploader::record::Record;
use raidcast::uploader::seen_by::SeenBy;
use raidcast::uploader::{Change, Options, Order, Seat, ShownTo};
use raidcast_meterkit::{Generation, MeterWriter, write_all};
use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::encode::Encoder;
use raidcast_shared::id::EncounterId;
use raidcast_shared::limits::RAID_IDLE_MS;
use raidcast_shared::uplink::{NamesPolicy, RefusedCode, Visibility};

use crate::place::{Client, NOW_MS, Place, go_on, party, play, read_at_once, relayed, wait};
use crate::relay::Relay;

fn state(place: &Place) -> PathBuf {
    place.dir.path().join("state")
}

fn seat(place: &Place) -> Arc<Seat> {
    Seat::take(&state(place)).unwrap()
}

fn watch(place: &Place, relay: &Relay) -> Options {
    Options { until_idle: None, ..place.options(relay) }
}

fn to(visibility: Visibility) -> ShownTo {
    ShownTo { visibility: Some(visibility), ..ShownTo::default() }
}

async fn write(place: &Place, fights: i64) -> MeterWriter {
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    for n in 0..fights {
        write_all(&mut writer, &party(60 + n as u64).starting_at(NOW_MS - 1_000_000 + n * 100_000)).await.unwrap();
    }
    writer
}

async fn plan(place: &Place) -> Plan {
    Plan::make(Some(&place.db()), &Places::default(), &state(place), None).await.unwrap()
}

/// How many events a fight has that goes on.
fn read_so_far(db: &Path) -> u64 {
    let found = detect::identify(db).unwrap();
    let mut source = AnySource::open(&found, Arc::new(Names::default())).unwrap();
    let fight = source.all_fights().unwrap().remove(0);
    let mut encoder = Encoder::new(header_of(&fight, source.knows()));
    encoder.encode(source.read(&fight, &Cursor::default(), 0).unwrap().events, 0);
    encoder.state().events()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raid_is_shown_to_others_from_now_on_and_nothing_of_it_is_lost_or_sent_twice() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let client = Client::start_on(&seat(&place), watch(&place, &relay));
    play(&mut writer, &party(1), 10_000, 1_000).await;
    client.until(|change| matches!(change, Change::Acked { .. })).await;
    client.order(Order::Show(to(Visibility::Private))).await;
    relay.until(|memory| memory.hellos.len() == 2).await;
    // How far behind those are who see it is as it was: that is no news, and costs no connection.
    client.order(Order::Show(ShownTo { delay_s: Some(0), ..ShownTo::default() })).await;
    let more = ShownTo {
        names: Some(NamesPolicy::Class),
        delay_s: Some(60),
        report_visibility: Some(ReportVisibility::Public),
        ..ShownTo::default()
    };
    client.order(Order::Show(more)).await;
    relay.until(|memory| memory.hellos.len() == 3).await;
    go_on(&mut writer, (10_000..20_000).step_by(1_000)).await;
    writer.end().await.unwrap();
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    client.end().await;
    // It stays so with the next start.
    Client::start(place.options(&relay)).done().await.unwrap();
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    let memory = relay.memory();
    let hellos: Vec<_> = memory.hellos.iter().map(|hello| (hello.visibility, hello.names, hello.delay_s)).collect();
    let last = (Visibility::Private, NamesPolicy::Class, 60);
    assert_eq!(
        hellos,
        [(Visibility::Unlisted, NamesPolicy::Full, 0), (Visibility::Private, NamesPolicy::Full, 0), last, last]
    );
    assert_eq!(memory.hellos[3].report_visibility, Some(Visibility::Public));
    // The folder remembers who may read the report, whenever that was asked for.
    let seen_by = SeenBy { visibility: Some(Visibility::Public), names: Some(NamesPolicy::Class) };
    let seen: Vec<_> = Record::load(&state(&place)).fights.into_iter().map(|fight| fight.seen_by).collect();
    assert_eq!(seen, [Some(seen_by)]);
    assert!(memory.hellos.iter().all(|hello| hello.raid == memory.hellos[0].raid));
    assert_eq!((memory.remade, memory.replaced), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_counts_against_what_was_set_on_the_relay_and_where_it_does_not_that_is_told() {
    use Visibility::{Private, Public};
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let client = Client::start_on(&seat(&place), Options { first: to(Private), ..watch(&place, &relay) });
    play(&mut writer, &party(1), 10_000, 1_000).await;
    client.until(|change| matches!(change, Change::Acked { .. })).await;
    let private = |change: &Change| matches!(change, Change::Connected { url, .. } if url.contains("?ticket="));
    let opened = |change: &Change| matches!(change, Change::ShownOtherwise { is_private: false });
    client.until(private).await;
    for times in 1..=2 {
        // Somebody shows it to others on the relay's page, and the client connects anew: it says what it said before.
        relay.memory().by_hand = Some(Public);
        client.order(Order::Show(ShownTo { delay_s: Some(times), ..ShownTo::default() })).await;
        client.until_so_many(times as usize, opened).await;
        client.order(Order::Show(to(Private))).await;
        relay.until(|memory| memory.by_hand.is_none()).await;
        client.until_so_many(1 + times as usize, private).await;
    }
    // Where there are no other words for it the relay's counts, and that is told each time.
    let apart = ShownTo { report_visibility: Some(ReportVisibility::Public), ..to(Private) };
    client.order(Order::Show(apart)).await;
    relay.until(|memory| memory.hellos.last().is_some_and(|hello| hello.report_visibility == Some(Public))).await;
    relay.memory().by_hand = Some(Public);
    for times in 3..=4 {
        client.order(Order::Show(apart)).await;
        client.until_so_many(times, opened).await;
    }
    go_on(&mut writer, (10_000..20_000).step_by(1_000)).await;
    writer.end().await.unwrap();
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    client.end().await;
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    let memory = relay.memory();
    assert!(memory.hellos.iter().all(|hello| hello.visibility == Private && hello.raid == memory.hellos[0].raid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_delay_are_told_as_the_relay_shows_them_and_as_asked_for_where_it_does_not_say() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, 1).await.close().await.unwrap();
    let told = |change: &Change| match change {
        Change::Connected { shown_to, .. } => Some((shown_to.names, shown_to.delay_s)),
        _ => None,
    };
    let asked = ShownTo { names: Some(NamesPolicy::Hidden), delay_s: Some(10), ..ShownTo::default() };
    let client = Client::start_on(&seat(&place), Options { first: asked, ..watch(&place, &relay) });
    client.until(|change| told(change) == Some((Some(NamesPolicy::Hidden), Some(10)))).await;
    // Somebody sets both on the relay's page: it is told with the next connection.
    relay.memory().shows = Some((NamesPolicy::Class, 60));
    client.order(Order::Show(ShownTo { delay_s: Some(20), ..ShownTo::default() })).await;
    client.until(|change| told(change) == Some((Some(NamesPolicy::Class), Some(60)))).await;
    client.until(|change| matches!(change, Change::SetThere { names: NamesPolicy::Class, delay_s: 60 })).await;
    client.end().await;
    // What was asked for is asked for still: it counts in the next raid.
    let asked: Vec<_> = relay.memory().hellos.iter().map(|hello| (hello.names, hello.delay_s)).collect();
    assert_eq!(asked, [(NamesPolicy::Hidden, 10), (NamesPolicy::Hidden, 20)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_raid_is_shown_to_holds_for_the_next_start_also_where_the_disk_was_full_then() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, 1).await.close().await.unwrap();
    let client = Client::start_on(&seat(&place), watch(&place, &relay));
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    // The raid's file cannot be replaced for a while.
    let temporary = state(&place).join("raid.new");
    std::fs::create_dir(&temporary).unwrap();
    client.order(Order::Show(to(Visibility::Private))).await;
    relay.until(|memory| memory.hellos.last().is_some_and(|hello| hello.visibility == Visibility::Private)).await;
    client.until(|change| matches!(change, Change::Stalled { .. })).await;
    // It is not there as it was, either: after a kill another raid begins.
    let saved = || std::fs::read_to_string(state(&place).join("raid.json")).unwrap_or_default();
    assert_eq!(saved(), "");
    std::fs::remove_dir(&temporary).unwrap();
    wait(|| saved().contains(r#""visibility": "private""#)).await;
    client.end().await;
    let seen: Vec<_> = Record::load(&state(&place)).fights.into_iter().filter_map(|fight| fight.seen_by).collect();
    assert_eq!(seen.iter().map(|seen| seen.visibility).collect::<Vec<_>>(), [Some(Visibility::Private)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_raid_begins_as_raids_are_to_begin_and_one_that_goes_on_stays_as_it_is() {
    use Visibility::{Private, Public, Unlisted};
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, 1).await.close().await.unwrap();
    let late = NOW_MS + RAID_IDLE_MS;
    for (first, visibility, now_ms) in [
        (Private, None, NOW_MS),
        (Public, None, NOW_MS),
        (Public, Some(Unlisted), NOW_MS),
        (Public, None, NOW_MS),
        (Public, None, late),
        (Private, Some(Unlisted), late + RAID_IDLE_MS),
    ] {
        let options =
            Options { first: to(first), visibility, clock: Clock::new(move || now_ms), ..place.options(&relay) };
        Client::start(options).done().await.unwrap();
    }
    let asked: Vec<_> = relay.memory().hellos.iter().map(|hello| hello.visibility).collect();
    assert_eq!(asked, [Private, Private, Unlisted, Unlisted, Public, Unlisted]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_hours_without_a_fight_the_raid_to_come_is_meant_and_the_one_before_stays_as_it_was() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = write(&place, 1).await;
    let now = Arc::new(AtomicI64::new(NOW_MS));
    let wall = now.clone();
    let clock = Clock::new(move || wall.fetch_add(1, Ordering::Relaxed));
    let client =
        Client::start_on(&seat(&place), Options { clock, first: to(Visibility::Public), ..watch(&place, &relay) });
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    now.fetch_add(RAID_IDLE_MS, Ordering::Relaxed);
    client.order(Order::Show(to(Visibility::Private))).await;
    relay.until(|memory| memory.hellos.last().is_some_and(|hello| hello.visibility == Visibility::Private)).await;
    // Nothing is fought for hours more: what was said is still of the raid to come.
    now.fetch_add(RAID_IDLE_MS, Ordering::Relaxed);
    write_all(&mut writer, &party(61).starting_at(NOW_MS + 2 * RAID_IDLE_MS)).await.unwrap();
    client.until_so_many(2, |change| matches!(change, Change::Finalized { .. })).await;
    client.end().await;
    let memory = relay.memory();
    let (first, last) = (memory.hellos.first().unwrap(), memory.hellos.last().unwrap());
    assert_eq!((first.visibility, last.visibility), (Visibility::Public, Visibility::Private));
    let mut raids: Vec<_> = memory.hellos.iter().map(|hello| (hello.raid, hello.visibility)).collect();
    raids.dedup();
    let expected = [Visibility::Public, Visibility::Private, Visibility::Private];
    assert_eq!(raids.iter().map(|(_, visibility)| *visibility).collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_disk_does_not_take_the_raid_to_come_the_one_before_stays_as_it_was_and_gets_no_fight() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = write(&place, 1).await;
    let now = Arc::new(AtomicI64::new(NOW_MS));
    let wall = now.clone();
    let clock = Clock::new(move || wall.fetch_add(1, Ordering::Relaxed));
    let client =
        Client::start_on(&seat(&place), Options { clock, first: to(Visibility::Private), ..watch(&place, &relay) });
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    let temporary = state(&place).join("raid.new");
    std::fs::create_dir(&temporary).unwrap();
    now.fetch_add(RAID_IDLE_MS, Ordering::Relaxed);
    client.order(Order::Show(to(Visibility::Public))).await;
    client.until(|change| matches!(change, Change::Stalled { .. })).await;
    write_all(&mut writer, &party(61).starting_at(NOW_MS + RAID_IDLE_MS)).await.unwrap();
    // The disk is tried once a second, of which nothing tells: nothing comes of it.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(relay.memory().hellos.iter().all(|hello| hello.visibility == Visibility::Private));
    assert_eq!(relay.memory().fights.len(), 1);
    std::fs::remove_dir(&temporary).unwrap();
    client.until_so_many(2, |change| matches!(change, Change::Finalized { .. })).await;
    client.end().await;
    let memory = relay.memory();
    let mut raids: Vec<_> = memory.hellos.iter().map(|hello| (hello.raid, hello.visibility)).collect();
    raids.dedup();
    let seen: Vec<_> = raids.iter().map(|(_, visibility)| *visibility).collect();
    assert_eq!(seen, [Visibility::Private, Visibility::Public]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unfinished_of_a_private_raid_makes_the_next_one_private() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let now = Arc::new(AtomicI64::new(NOW_MS));
    let options = |first, visibility| {
        let wall = now.clone();
        let clock = Clock::new(move || wall.fetch_add(1, Ordering::Relaxed));
        Options { clock, first: to(first), visibility, ..watch(&place, &relay) }
    };
    let client = Client::start_on(&seat(&place), options(Visibility::Private, None));
    play(&mut writer, &party(1), 10_000, 1_000).await;
    client.until(|change| matches!(change, Change::Acked { .. })).await;
    // All of it is read, and nothing more comes.
    let events = read_so_far(&place.db());
    relay.until(|memory| memory.fights.values().any(|fight| fight.state.events() == events)).await;
    now.fetch_add(RAID_IDLE_MS, Ordering::Relaxed);
    client.order(Order::Show(to(Visibility::Public))).await;
    let raids = || relay.memory().hellos.iter().map(|hello| hello.raid).collect::<HashSet<_>>().len();
    wait(|| raids() == 2).await;
    client.end().await;
    now.fetch_add(RAID_IDLE_MS, Ordering::Relaxed);
    let client = Client::start_on(&seat(&place), options(Visibility::Public, Some(Visibility::Public)));
    wait(|| raids() == 3).await;
    client.end().await;
    assert!(relay.memory().hellos.iter().all(|hello| hello.visibility == Visibility::Private));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_that_the_relay_does_not_take_makes_no_later_raid_private_and_is_sent_in_none_that_others_see() {
    use Visibility::{Private, Public};
    // While the client runs, and with its next start.
    for starts_again in [false, true] {
        let (place, relay) = (Place::new(), Relay::start().await);
        write(&place, 1).await.close().await.unwrap();
        let refused = plan(&place).await.fights[0].encounter;
        relay.memory().refused.insert(refused, RefusedCode::NotSupported);
        let now = Arc::new(AtomicI64::new(NOW_MS));
        let options = |first| {
            let wall = now.clone();
            Options {
                clock: Clock::new(move || wall.load(Ordering::Relaxed)),
                first: to(first),
                ..watch(&place, &relay)
            }
        };
        let mut client = Client::start_on(&seat(&place), options(Private));
        client.until(|change| matches!(change, Change::Refused { encounter: Some(_), retry_ms: None, .. })).await;
        if starts_again {
            client.end().await;
            now.fetch_add(RAID_IDLE_MS, Ordering::Relaxed);
            client = Client::start_on(&seat(&place), options(Public));
        } else {
            now.fetch_add(RAID_IDLE_MS, Ordering::Relaxed);
            client.order(Order::Show(to(Public))).await;
        }
        relay.until(|memory| memory.hellos.last().is_some_and(|hello| hello.visibility == Public)).await;
        let told =
            |change: &Change| matches!(change, Change::Failed { fight } if fight.encounter == refused.to_string());
        client.until(told).await;
        // Now it would: nobody has agreed to that.
        relay.memory().refused.clear();
        client.order(Order::Again(vec![refused])).await;
        client.end().await;
        Client::start(place.options(&relay)).done().await.unwrap();
        assert!(relay.memory().fights.is_empty() && relay.memory().hellos[0].visibility == Private);
        let fights = Overview::read(&state(&place), NOW_MS).unwrap().fights;
        assert_eq!(fights.iter().map(|line| (line.state, line.has_log)).collect::<Vec<_>>(), [(Stand::Refused, false)]);
        let history = Some(plan(&place).await.history(Duration::from_secs(20)));
        let upload = Options { history, visibility: Some(Private), ..watch(&place, &relay) };
        assert!(Client::start(upload).done().await.unwrap().complete);
        assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_of_a_raid_in_which_nothing_was_fought_is_of_the_one_in_its_place() {
    use Visibility::{Private, Public, Unlisted};
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, 1).await.close().await.unwrap();
    let start = |first, now_ms: i64| {
        let clock = Clock::new(move || now_ms);
        Client::start_on(&seat(&place), Options { clock, first: to(first), ..watch(&place, &relay) })
    };
    let client = start(Public, NOW_MS);
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    client.end().await;
    let asked = || relay.memory().hellos.iter().map(|hello| hello.visibility).collect::<Vec<_>>();
    let client = start(Public, NOW_MS + RAID_IDLE_MS);
    wait(|| asked().len() == 2).await;
    client.order(Order::Show(to(Unlisted))).await;
    wait(|| asked().len() == 3).await;
    client.end().await;
    // Hours later it is as was said, or for fewer where raids are to begin so.
    for (n, first) in [(2, Public), (3, Private)] {
        let client = start(first, NOW_MS + n * RAID_IDLE_MS);
        wait(|| asked().len() == 2 + n as usize).await;
        client.end().await;
    }
    assert_eq!(asked(), [Public, Public, Unlisted, Unlisted, Private]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_made_private_on_a_full_disk_is_so_after_a_kill_too() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let options = || Options { first: to(Visibility::Public), ..watch(&place, &relay) };
    let client = Client::start_on(&seat(&place), options());
    play(&mut writer, &party(1), 10_000, 1_000).await;
    client.until(|change| matches!(change, Change::Acked { .. })).await;
    let temporary = state(&place).join("raid.new");
    std::fs::create_dir(&temporary).unwrap();
    client.order(Order::Show(to(Visibility::Private))).await;
    relay.until(|memory| memory.hellos.len() == 2).await;
    client.task.abort();
    let _ = client.task.await;
    std::fs::remove_dir(&temporary).unwrap();
    // Of what waits nobody knows who may see it.
    let client = Client::start_on(&seat(&place), options());
    relay.until(|memory| memory.hellos.len() == 3).await;
    client.end().await;
    let memory = relay.memory();
    assert_ne!(memory.hellos[2].raid, memory.hellos[1].raid);
    let asked: Vec<_> = memory.hellos.iter().map(|hello| hello.visibility).collect();
    assert_eq!(asked, [Visibility::Public, Visibility::Private, Visibility::Private]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_on_a_full_disk_is_read_with_care_after_a_kill_also_where_nothing_waits() {
    // Of the raid that goes on, and of the one to come.
    for pause_ms in [0, RAID_IDLE_MS] {
        let (place, relay) = (Place::new(), Relay::start().await);
        write(&place, 1).await.close().await.unwrap();
        let options = |now_ms: i64| {
            let clock = Clock::new(move || now_ms);
            Options { clock, first: to(Visibility::Public), ..watch(&place, &relay) }
        };
        let now = Arc::new(AtomicI64::new(NOW_MS));
        let wall = now.clone();
        let clock = Clock::new(move || wall.load(Ordering::Relaxed));
        let client = Client::start_on(&seat(&place), Options { clock, ..options(NOW_MS) });
        client.until(|change| matches!(change, Change::Finalized { .. })).await;
        let saved = || Record::load(&state(&place)).fights.into_iter().map(|fight| fight.seen_by).collect::<Vec<_>>();
        let seen_by = SeenBy { visibility: Some(Visibility::Public), names: Some(NamesPolicy::Full) };
        wait(|| saved() == [Some(seen_by)]).await;
        let temporary = state(&place).join("raid.new");
        std::fs::create_dir(&temporary).unwrap();
        now.fetch_add(pause_ms, Ordering::Relaxed);
        client.order(Order::Show(to(Visibility::Private))).await;
        client.until(|change| matches!(change, Change::Stalled { .. })).await;
        client.task.abort();
        let _ = client.task.await;
        std::fs::remove_dir(&temporary).unwrap();
        let first = relay.memory().hellos[0].raid;
        let client = Client::start_on(&seat(&place), options(NOW_MS + pause_ms));
        relay.until(|memory| memory.hellos.last().is_some_and(|hello| hello.raid != first)).await;
        client.end().await;
        assert_eq!(relay.memory().hellos.last().unwrap().visibility, Visibility::Private, "{pause_ms}");
        // Nobody knows whether the relay has heard of it; and what is said from now on is kept.
        assert_eq!(saved(), [None]);
        assert!(!state(&place).join("raid.doubted.json").exists() && state(&place).join("raid.json").exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raid_that_is_taken_over_goes_on_as_private_as_it_was() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let options = Options { first: to(Visibility::Public), ..watch(&place, &relay) };
    let client = Client::start_on(&seat(&place), options);
    play(&mut writer, &party(2), 10_000, 1_000).await;
    client.until(|change| matches!(change, Change::Acked { .. })).await;
    client.order(Order::Show(to(Visibility::Private))).await;
    relay.until(|memory| memory.hellos.len() == 2).await;
    relay.memory().turn_away = Some(RefusedCode::Fenced);
    go_on(&mut writer, (10_000..20_000).step_by(1_000)).await;
    relay.until(|memory| memory.hellos.len() == 3).await;
    writer.end().await.unwrap();
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    client.end().await;
    let memory = relay.memory();
    assert_ne!(memory.hellos[2].raid, memory.hellos[1].raid);
    assert_eq!(memory.hellos[2].visibility, Visibility::Private);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_that_others_are_to_see_are_raids_of_their_own() {
    use Visibility::{Private, Public};
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, 1).await.close().await.unwrap();
    for (visibility, names) in [
        (Some(Private), None),
        (None, None),
        (Some(Public), None),
        (Some(Public), Some(NamesPolicy::Full)),
        (None, None),
        (Some(Private), None),
        (None, Some(NamesPolicy::Class)),
    ] {
        let history = Some(plan(&place).await.history(Duration::from_secs(20)));
        let options = Options { visibility, names, history, ..watch(&place, &relay) };
        assert!(Client::start(options).done().await.unwrap().complete);
    }
    let memory = relay.memory();
    let seen: Vec<_> = memory.hellos.iter().map(|hello| (hello.visibility, hello.names)).collect();
    let (private, public) = ((Private, NamesPolicy::Full), (Public, NamesPolicy::Full));
    assert_eq!(seen, [private, private, public, public, public, private, (Private, NamesPolicy::Class)]);
    let raids: Vec<_> = memory.hellos.iter().map(|hello| hello.raid).collect();
    assert_eq!((raids[0], raids[2], raids[3]), (raids[1], raids[3], raids[4]));
    let different: HashSet<_> = [raids[0], raids[2], raids[5], raids[6]].into();
    assert_eq!(different.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_of_an_upload_is_not_shown_to_those_of_the_next_one() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, 6).await.close().await.unwrap();
    let all: Vec<EncounterId> = plan(&place).await.fights.iter().map(|fight| fight.encounter).collect();
    let upload = |fights: &[EncounterId], visibility| {
        let fights: BTreeSet<_> = fights.iter().copied().collect();
        let history = History { fights, as_agreed: BTreeSet::new(), patience: Duration::from_secs(20) };
        Options { history: Some(history), visibility: Some(visibility), ..watch(&place, &relay) }
    };
    // Three are agreed to be private, and none of them arrives.
    relay.memory().mute_begins = 1_000;
    let client = Client::start(upload(&all[..3], Visibility::Private));
    let spools = || std::fs::read_dir(state(&place).join("history/spool")).into_iter().flatten().flatten();
    let whole = || spools().filter(|entry| Spool::peek(&entry.path()).is_ok_and(|peek| peek.ending.is_some())).count();
    wait(|| whole() == 3).await;
    client.task.abort();
    let _ = client.task.await;
    // What was on its way when it ended is not answered either.
    relay.until(|memory| memory.connections == 0).await;
    relay.memory().mute_begins = 0;
    let held = || relay.memory().fights.keys().copied().collect::<HashSet<_>>();
    // Others are agreed to be public: they alone go out. One of the three is by now.
    assert!(Client::start(upload(&all[2..5], Visibility::Public)).done().await.unwrap().complete);
    assert_eq!(held(), all[2..5].iter().copied().collect::<HashSet<_>>());
    assert_eq!(relay.memory().hellos.last().unwrap().visibility, Visibility::Public);
    let waiting = Overview::read(&state(&place), NOW_MS).unwrap().fights;
    let waiting: Vec<_> = waiting.into_iter().filter(|line| line.state == Stand::Waiting).collect();
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().all(|line| line.why == Some(Why::NotRunning { history: true })));
    // The next raid for those who were to see them takes them along.
    assert!(Client::start(upload(&all[5..], Visibility::Private)).done().await.unwrap().complete);
    assert_eq!(held(), all.iter().copied().collect::<HashSet<_>>());
    assert_eq!(relay.memory().hellos.last().unwrap().visibility, Visibility::Private);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    assert_eq!(spools().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_that_the_relay_did_not_take_is_tried_again_when_that_is_wanted() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, 2).await.close().await.unwrap();
    let refused = plan(&place).await.fights[0].encounter;
    // Nothing but the next start would try it.
    relay.memory().refused.insert(refused, RefusedCode::NotSupported);
    let client = Client::start_on(&seat(&place), watch(&place, &relay));
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    client.until(|change| matches!(change, Change::Refused { encounter: Some(_), retry_ms: None, .. })).await;
    let stands = || {
        let lines = Overview::read(&state(&place), NOW_MS).unwrap().fights;
        lines.into_iter().find(|line| line.encounter == refused.to_string()).map(|line| (line.state, line.has_log))
    };
    wait(|| stands() == Some((Stand::Refused, true))).await;
    relay.memory().refused.clear();
    client.order(Order::Again(vec![refused])).await;
    client.until_so_many(2, |change| matches!(change, Change::Finalized { .. })).await;
    assert!(client.end().await.complete);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_that_could_not_be_read_is_tried_again_when_that_is_wanted() {
    let place = Place::new();
    let mut writer = MeterWriter::open(&place.db(), Generation::Summary).await.unwrap();
    write_all(&mut writer, &party(70)).await.unwrap();
    writer.close().await.unwrap();
    let (sums, relay) = (read_at_once(&place.db()).await, Relay::start().await);
    // The meter has its summary elsewhere for a while.
    let meter = rusqlite::Connection::open(place.db()).unwrap();
    meter
        .execute_batch("PRAGMA foreign_keys = OFF; UPDATE encounter_data SET encounter_id = encounter_id + 99")
        .unwrap();
    let client = Client::start_on(&seat(&place), watch(&place, &relay));
    client.until(|change| matches!(change, Change::Unreadable { .. })).await;
    meter.execute_batch("UPDATE encounter_data SET encounter_id = encounter_id - 99").unwrap();
    let unreadable = plan(&place).await.fights[0].encounter;
    client.order(Order::Again(vec![unreadable])).await;
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    assert!(client.end().await.complete);
    assert_eq!(relayed(&relay), sums);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_that_is_left_alone_is_not_sent_and_one_that_is_on_its_way_arrives_whole() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = write(&place, 8).await;
    let fights = plan(&place).await.fights;
    // Four are on their way to a relay that takes its time, and the others wait.
    relay.memory().slow = Duration::from_secs(2);
    let client = Client::start_on(&seat(&place), watch(&place, &relay));
    wait(|| std::fs::read_dir(state(&place).join("spool")).is_ok_and(|spools| spools.count() == 4)).await;
    let late = party(80).starting_at(NOW_MS - 100_000);
    let all: Vec<_> = fights.iter().map(|fight| fight.encounter).collect();
    let unseen = EncounterId::of_player(raidcast_shared::game::GAME, late.local_player_id as u64, late.started_at_ms);
    client.order(Order::LeaveAlone(vec![all[0], all[6], all[7], unseen])).await;
    write_all(&mut writer, &late).await.unwrap();
    relay.memory().slow = Duration::ZERO;
    client.until_so_many(6, |change| matches!(change, Change::Finalized { .. })).await;
    assert!(client.end().await.complete);
    let sent = relay.memory().fights.keys().copied().collect::<HashSet<_>>();
    assert_eq!(sent, all[..6].iter().copied().collect::<HashSet<_>>());
    // The next start knows it, too; an upload sends them.
    let again = Client::start(place.options(&relay)).done().await.unwrap();
    assert_eq!((again.fights, again.complete), (0, true));
    let history = Some(plan(&place).await.history(Duration::from_secs(20)));
    assert!(Client::start(Options { history, ..watch(&place, &relay) }).done().await.unwrap().complete);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fights_that_begin_in_a_pause_are_left_alone_and_one_that_began_before_goes_on() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let before = party(3).starting_at(NOW_MS - 500_000);
    let client = Client::start_on(&seat(&place), watch(&place, &relay));
    play(&mut writer, &before, 10_000, 1_000).await;
    client.until(|change| matches!(change, Change::Acked { .. })).await;
    client.end().await;
    // It is paused from here on.
    let paused = |to_ms| Options { left_alone: vec![NOW_MS - 450_000..=to_ms], ..watch(&place, &relay) };
    let client = Client::start_on(&seat(&place), paused(i64::MAX));
    client.until(|change| matches!(change, Change::Begun { .. })).await;
    writer.end().await.unwrap();
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    write_all(&mut writer, &party(4).starting_at(NOW_MS - 400_000)).await.unwrap();
    write_all(&mut writer, &party(5).starting_at(NOW_MS - 300_000)).await.unwrap();
    client.end().await;
    let client = Client::start_on(&seat(&place), paused(NOW_MS - 250_000));
    write_all(&mut writer, &party(6).starting_at(NOW_MS - 200_000)).await.unwrap();
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    assert!(client.end().await.complete);
    let mut began: Vec<_> = relay.memory().fights.values().map(|fight| fight.state.header().started_at_ms).collect();
    began.sort_unstable();
    assert_eq!(began, [NOW_MS - 500_000, NOW_MS - 200_000]);
    // An upload of them is what somebody agreed to.
    let history = Some(plan(&place).await.history(Duration::from_secs(20)));
    let upload = Options { history, ..paused(i64::MAX) };
    assert!(Client::start(upload).done().await.unwrap().complete);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_slept_connects_anew_and_goes_on() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let now = Arc::new(AtomicI64::new(NOW_MS));
    let wall = now.clone();
    let clock = Clock::new(move || wall.load(Ordering::Relaxed));
    let client = Client::start_on(&seat(&place), Options { clock, ..watch(&place, &relay) });
    play(&mut writer, &party(7), 10_000, 1_000).await;
    client.until(|change| matches!(change, Change::Acked { .. })).await;
    now.fetch_add(3_600_000, Ordering::Relaxed);
    relay.until(|memory| memory.hellos.len() == 2).await;
    go_on(&mut writer, (10_000..20_000).step_by(1_000)).await;
    writer.end().await.unwrap();
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    client.end().await;
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    let memory = relay.memory();
    assert_eq!((memory.hellos.len(), memory.remade, memory.replaced), (2, 0, 0));
}
