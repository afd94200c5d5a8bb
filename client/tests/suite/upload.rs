//! Uploads of old fights against a real meter database and the scripted relay: each fight once, whatever happens.

use std::time::Duration;

use futures::future::join_all;
use raidcast::clock::Clock;
use raidcast::history::{Before, Plan, Tally, under_way};
use raidcast::source::detect::Places;
use raidcast::status::{Line, Overview, Stand, Why, is_held};
use raidcast::uploader::record::{How, NotSent, Record};
use raidcast::uploader::seen_by::SeenBy;
use raidcast::uploader::trouble::Trouble;
use raidcast::uploader::{Change, FolderError, Options, Summary, WatchError};
use raidcast_meterkit::{Fight, Generation, MeterWriter, Script, write_all};
use raidcast_shared::game::GAME;
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::{Outcome, RefusedCode, Visibility};

use crate::place::{Client, NOW_MS, Place, party, read_at_once, relayed, remove_since, wait};
use crate::relay::{KEY, Relay};

const BEGAN_MS: i64 = 1_790_001_000_000;

/// A night, whose last fight was never ended, and so many more after it.
fn fights(more: u64) -> Vec<Fight> {
    let later = (0..more).map(|n| party(20 + n).starting_at(BEGAN_MS + n as i64 * 100_000));
    Script::night(1).into_iter().chain(later).collect()
}

async fn write(place: &Place, generation: Generation, fights: &[Fight]) {
    let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
    for fight in fights {
        write_all(&mut writer, fight).await.unwrap();
    }
    writer.close().await.unwrap();
}

async fn plan(place: &Place, since_ms: Option<i64>) -> Plan {
    plan_of(place, "state", since_ms).await
}

async fn plan_of(place: &Place, state: &str, since_ms: Option<i64>) -> Plan {
    Plan::make(Some(&place.db()), &Places::default(), &place.dir.path().join(state), since_ms).await.unwrap()
}

async fn options(place: &Place, relay: &Relay, state: &str) -> Options {
    Options {
        until_idle: None,
        history: Some(plan_of(place, state, None).await.history(Duration::from_secs(20))),
        state: place.dir.path().join(state),
        ..place.options(relay)
    }
}

async fn done(client: Client) -> (Summary, Tally, Vec<Change>) {
    let changes = client.changes.clone();
    let summary = client.done().await.unwrap();
    let changes = changes.lock().unwrap().clone();
    let mut tally = Tally::default();
    for change in &changes {
        tally.count(change);
    }
    (summary, tally, changes)
}

async fn upload(place: &Place, relay: &Relay, state: &str) -> (Summary, Tally, Vec<Change>) {
    done(Client::start(options(place, relay, state).await)).await
}

/// As the scripted relay refuses.
fn not_this_one(code: RefusedCode) -> NotSent {
    NotSent::Refused { code, text: "not this one".into() }
}

fn tally(new: u64, known: u64) -> Tally {
    Tally { new, known, ..Tally::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_arrives_whole_in_large_deltas_and_unfinished_fights_say_so() {
    for generation in Generation::ALL {
        let (place, relay) = (Place::new(), Relay::start().await);
        write(&place, generation, &fights(6)).await;
        let (summary, counted, changes) = upload(&place, &relay, "state").await;
        assert_eq!(summary, Summary { fights: 10, finalized: 10, unacknowledged: 0, complete: true });
        assert_eq!(counted, tally(10, 0));
        assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
        let memory = relay.memory();
        // A minute of five players is one delta, not six hundred.
        assert_eq!((memory.deltas, memory.repeated), (10, 0));
        let unfinished =
            memory.fights.values().filter(|fight| fight.ending.as_ref().unwrap().outcome == Outcome::Unfinished);
        assert_eq!(unfinished.count(), 1);
        let spools = std::fs::read_dir(place.dir.path().join("state/history/spool")).unwrap();
        assert_eq!(spools.count(), 0);
        // Each is told with its boss, its length and its page.
        let told = changes.iter().find_map(|change| match change {
            Change::Uploaded { fight } => Some(fight.clone()),
            _ => None,
        });
        let told = told.unwrap();
        assert!(told.url.unwrap().contains(&told.encounter) && told.duration_ms > 30_000);
        // The journal has no names, and there are no files of them here.
        assert_eq!(told.title.is_none(), generation == Generation::Chunks, "{:?}", told.title);
        let record = Record::load(&place.dir.path().join("state"));
        assert_eq!(record.fights.iter().filter(|fight| fight.result == How::New).count(), 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_fight_is_left_out_while_the_meter_has_not_ended_it() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, Generation::Aggregate, &fights(0)).await;
    let plan = plan(&place, None).await;
    assert_eq!((plan.fights.len(), plan.unfinished), (3, 0));
    assert_eq!(plan.going_on.unwrap().started_at_ms, fights(0)[3].started_at_ms);
    assert_eq!(upload(&place, &relay, "state").await.1, tally(3, 0));
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await[..3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_fight_is_sent_as_unfinished_where_its_meter_has_written_nothing_for_long() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, Generation::Aggregate, &fights(0)).await;
    let long_ago = Clock::system().system_time() - Duration::from_mins(11);
    for name in ["meter.db", "meter.db-wal"] {
        if let Ok(file) = std::fs::File::options().write(true).open(place.dir.path().join(name)) {
            file.set_modified(long_ago).unwrap();
        }
    }
    let plan = plan(&place, None).await;
    assert_eq!((plan.fights.len(), plan.unfinished, plan.going_on.is_none()), (4, 1, true));
    assert_eq!(upload(&place, &relay, "state").await.1, tally(4, 0));
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    let memory = relay.memory();
    let endings = memory.fights.values().map(|fight| fight.ending.as_ref().unwrap().outcome);
    assert_eq!(endings.filter(|outcome| *outcome == Outcome::Unfinished).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_of_which_nothing_is_to_be_sent_opens_no_raid() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, Generation::Aggregate, &fights(0)).await;
    let options = options(&place, &relay, "state").await;
    remove_since(&place.db(), 0);
    let (summary, counted, _) = done(Client::start(options)).await;
    assert_eq!((summary.complete, counted.failed), (false, 3));
    assert!(relay.memory().hellos.is_empty());
}

/// Gives every encounter the id below zero that mirrors its own, in every table.
async fn mirror_rows(place: &Place) {
    use sqlx::{ConnectOptions as _, Connection as _, Row as _};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.db()).foreign_keys(false);
    let mut meter = options.connect().await.unwrap();
    let columns = "SELECT m.name AS t, c.name AS c FROM sqlite_master m JOIN pragma_table_info(m.name) c
                   WHERE m.type = 'table' AND (c.name = 'encounter_id' OR m.name = 'encounters' AND c.name = 'id')";
    for row in sqlx::query(columns).fetch_all(&mut meter).await.unwrap() {
        let (table, column): (String, String) = (row.get("t"), row.get("c"));
        let update = format!("UPDATE {table} SET {column} = -{column}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(update)).execute(&mut meter).await.unwrap();
    }
    meter.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_with_ids_below_zero_are_fights_like_any_others() {
    for generation in [Generation::Aggregate, Generation::Chunks] {
        let (place, relay) = (Place::new(), Relay::start().await);
        let ended: Vec<_> = fights(2).into_iter().filter(|fight| fight.ended_at_ms.is_some()).collect();
        write(&place, generation, &ended).await;
        let mut sums = read_at_once(&place.db()).await;
        mirror_rows(&place).await;
        assert_eq!(upload(&place, &relay, "state").await.1, tally(5, 0), "{generation:?}");
        assert_eq!(relayed(&relay), sums, "{generation:?}");
        // A watch sees them, too, and those that come after them.
        let (later, relay) = (party(60).starting_at(BEGAN_MS + 900_000), Relay::start().await);
        let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
        relay.until(|memory| memory.fights.len() == 5).await;
        write(&place, generation, std::slice::from_ref(&later)).await;
        relay.until(|memory| memory.fights.values().filter(|fight| fight.ending.is_some()).count() == 6).await;
        client.end().await;
        let alone = Place::new();
        write(&alone, generation, &[later]).await;
        sums.extend(read_at_once(&alone.db()).await);
        assert_eq!(relayed(&relay), sums, "{generation:?}");
    }
}

async fn alter(place: &Place, sql: &'static str) {
    use sqlx::{ConnectOptions as _, Connection as _};
    let mut meter = sqlx::sqlite::SqliteConnectOptions::new().filename(place.db()).connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut meter).await.unwrap();
    meter.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_whose_player_becomes_known_late_keeps_its_name() {
    for generation in [Generation::Aggregate, Generation::Chunks] {
        let (place, relay) = (Place::new(), Relay::start().await);
        let fight = party(1);
        let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
        writer.begin(&fight).await.unwrap();
        alter(&place, "UPDATE encounters SET local_player_id = NULL").await;
        writer.advance_to(20_000).await.unwrap();
        let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
        relay.until(|memory| memory.fights.len() == 1).await;
        writer.end().await.unwrap();
        client.until(|change| matches!(change, Change::Finalized { .. })).await;
        client.end().await;
        let first: Vec<_> = relay.memory().fights.keys().copied().collect();
        alter(&place, "UPDATE encounters SET local_player_id = 4711").await;
        // An upload finds the report that the watch made.
        let planned = plan(&place, None).await;
        assert_eq!(planned.fights[0].local_player, Some(4711));
        assert_eq!(planned.fights.iter().map(|fight| fight.encounter).collect::<Vec<_>>(), first, "{generation:?}");
        let state = place.dir.path().join("state");
        let before = planned.before(&state, &relay.url, KEY, NOW_MS, SeenBy::default()).unwrap();
        assert_eq!(before, Before { there: 1, agreed: 0 });
        assert_eq!(upload(&place, &relay, "state").await.1, tally(0, 1), "{generation:?}");
        // So does a watch of a copy of the database.
        let copy = place.dir.path().join("copy.db");
        writer.close().await.unwrap();
        std::fs::copy(place.db(), &copy).unwrap();
        let again = Client::start(Options { db: Some(copy), ..place.options(&relay) }).done().await.unwrap();
        assert_eq!((again.fights, again.complete), (1, true));
        assert_eq!(relay.memory().fights.keys().copied().collect::<Vec<_>>(), first, "{generation:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_fights_that_began_in_the_same_ms_have_a_report_each() {
    for generation in [Generation::Events, Generation::Counters, Generation::Aggregate, Generation::Chunks] {
        let (place, relay) = (Place::new(), Relay::start().await);
        let first = party(1).starting_at(BEGAN_MS);
        let mut second = party(2).starting_at(BEGAN_MS);
        second.local_player_id = first.local_player_id;
        let other = party(3).starting_at(BEGAN_MS + 100_000);
        write(&place, generation, &[first.clone(), second, other]).await;
        let planned = plan(&place, None).await;
        // The first keeps the name that it has had; the second has always the same.
        let of_player = EncounterId::of_player(GAME, first.local_player_id as u64, BEGAN_MS);
        assert_eq!((planned.fights.len(), planned.fights[0].encounter), (3, of_player), "{generation:?}");
        let second = EncounterId(uuid::Uuid::new_v5(&of_player.0, b"2"));
        assert_eq!(planned.fights[1].encounter, second);
        assert_eq!(upload(&place, &relay, "state").await.1, tally(3, 0), "{generation:?}");
        let sorted = |mut sums: Vec<_>| {
            sums.sort_by_key(|(_, events)| *events);
            sums
        };
        assert_eq!(sorted(relayed(&relay)), sorted(read_at_once(&place.db()).await), "{generation:?}");
        let elsewhere = Options { state: place.dir.path().join("other"), ..place.options(&relay) };
        let watched = Client::start(elsewhere).done().await.unwrap();
        assert_eq!((watched.fights, watched.complete), (3, true), "{generation:?}");
        assert_eq!(relay.memory().fights.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn since_leaves_out_what_began_before() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, Generation::Chunks, &fights(3)).await;
    let plan = plan(&place, Some(BEGAN_MS + 100_000)).await;
    assert_eq!((plan.fights.len(), plan.earlier, plan.going_on.is_none()), (2, 5, true));
    let options =
        Options { history: Some(plan.history(Duration::from_secs(20))), ..options(&place, &relay, "state").await };
    let (summary, counted, _) = done(Client::start(options)).await;
    assert!(summary.complete);
    assert_eq!(counted, tally(2, 0));
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await[5..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_first_or_history_first_no_fight_is_sent_twice() {
    let cases = Generation::ALL.into_iter().flat_map(|generation| [(generation, true), (generation, false)]);
    let cases = cases.map(|(generation, live_first)| async move {
        let (place, relay) = (Place::new(), Relay::start().await);
        // Of a fight that was never ended a watch cannot know that it is over before it has sent it.
        let ended: Vec<_> = fights(2).into_iter().filter(|fight| fight.ended_at_ms.is_some()).collect();
        write(&place, generation, &ended).await;
        let sums = read_at_once(&place.db()).await;
        if live_first {
            assert!(Client::start(place.options(&relay)).done().await.unwrap().complete);
        } else {
            assert_eq!(upload(&place, &relay, "state").await.1, tally(5, 0));
        }
        let sent = relay.memory().deltas;
        // By this folder and by another one.
        assert_eq!(upload(&place, &relay, "state").await.1, tally(0, 5));
        assert_eq!(upload(&place, &relay, "other").await.1, tally(0, 5));
        let watch = Client::start(place.options(&relay)).done().await.unwrap();
        let elsewhere = Options { state: place.dir.path().join("third"), ..place.options(&relay) };
        let elsewhere = Client::start(elsewhere).done().await.unwrap();
        assert!(watch.complete && elsewhere.complete);
        assert_eq!(elsewhere.fights, 5);
        let memory = relay.memory();
        assert_eq!((memory.deltas, memory.replaced, memory.repeated), (sent, 0, 0), "{generation:?}");
        drop(memory);
        assert_eq!(relayed(&relay), sums);
    });
    join_all(cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_that_a_watch_ended_as_unfinished_is_known_to_an_upload() {
    for generation in Generation::ALL {
        let (place, relay) = (Place::new(), Relay::start().await);
        write(&place, generation, &fights(1)).await;
        assert!(Client::start(place.options(&relay)).done().await.unwrap().complete);
        let sent = relay.memory().deltas;
        assert_eq!(upload(&place, &relay, "other").await.1, tally(0, 5), "{generation:?}");
        assert_eq!(relay.memory().deltas, sent);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_is_interrupted_a_hundred_times_leaves_each_fight_once() {
    let cases = Generation::ALL.map(|generation| async move {
        let (place, relay) = (Place::new(), Relay::start().await);
        write(&place, generation, &fights(12)).await;
        let sums = read_at_once(&place.db()).await;
        relay.memory().slow = Duration::from_millis(15);
        let mut chance = 7_u64;
        let mut below = |n: u64| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (chance >> 33) % n
        };
        let (mut whole, mut held) = (0, 0);
        for _ in 0..50 {
            let client = Client::start(options(&place, &relay, "state").await);
            relay.memory().cut_every = [0, 1, 2][below(3) as usize];
            // It is interrupted wherever it is by then.
            tokio::time::sleep(Duration::from_millis(10 + below(150))).await;
            if client.task.is_finished() {
                whole += 1;
            } else if below(2) == 0 {
                // As a kill: nothing is tidied up.
                client.task.abort();
                let _ = client.task.await;
            } else {
                client.end().await;
            }
            held = relay.memory().fights.len().max(held);
            // The folder never holds more than a few fights.
            let spools = std::fs::read_dir(place.dir.path().join("state/history/spool")).unwrap();
            assert!(spools.count() <= 5, "history is spooled as its turn comes");
        }
        assert!(whole < 50, "nothing was interrupted");
        relay.memory().cut_every = 0;
        relay.memory().slow = Duration::ZERO;
        let (summary, counted, _) = upload(&place, &relay, "state").await;
        assert!(summary.complete);
        assert_eq!(counted.on_relay(), 16);
        assert_eq!(
            relayed(&relay),
            sums,
            "{generation:?}: {held} fights before the last run, {whole} runs came through"
        );
        let memory = relay.memory();
        assert!(memory.fights.values().all(|fight| fight.ending.is_some()));
    });
    join_all(cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_fight_is_told_and_the_others_go_on() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, Generation::Aggregate, &fights(6)).await;
    let plan = plan(&place, None).await;
    for fight in &plan.fights[..5] {
        relay.memory().refused.insert(fight.encounter, RefusedCode::BadEvent);
    }
    let (summary, counted, changes) = upload(&place, &relay, "state").await;
    assert!(!summary.complete);
    assert_eq!(
        counted,
        Tally { new: 5, failed: 5, reasons: vec![(not_this_one(RefusedCode::BadEvent), 5)], ..Tally::default() }
    );
    assert!(changes.iter().any(|change| matches!(change, Change::Failed { fight } if fight.result == How::Refused)));
    let state = place.dir.path().join("state");
    let before = plan.before(&state, &relay.url, KEY, NOW_MS, SeenBy::default()).unwrap();
    assert_eq!(before, Before { there: 5, agreed: 0 });
    // The relay thinks better of it.
    relay.memory().refused.clear();
    let (summary, counted, _) = upload(&place, &relay, "state").await;
    assert!(summary.complete);
    assert_eq!(counted, tally(5, 5));
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_agreed_to_and_never_arrived_is_not_said_to_be_on_the_relay() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, Generation::Aggregate, &fights(3)).await;
    let plan = plan(&place, None).await;
    let another = "another-long-enough-key";
    let wrong = Options {
        key: another.into(),
        history: Some(plan.history(Duration::from_secs(20))),
        visibility: Some(Visibility::Unlisted),
        ..place.options(&relay)
    };
    let error = Client::start(wrong).done().await.unwrap_err();
    assert!(matches!(error, WatchError::Unauthorized { .. }), "{error}");
    let state = place.dir.path().join("state");
    let asked = |visibility| SeenBy { visibility, ..SeenBy::default() };
    let before = |relay: &str, visibility| plan.before(&state, relay, another, NOW_MS, asked(visibility)).unwrap();
    let agreed = Before { there: 0, agreed: plan.fights.len() };
    assert_eq!(before(&relay.url, None), agreed);
    assert_eq!(before(&relay.url, Some(Visibility::Unlisted)), agreed);
    // Nobody agreed that everybody may see them, nor to another relay, nor another account.
    assert_eq!(plan.before(&state, &relay.url, KEY, NOW_MS, asked(None)).unwrap(), Before::default());
    assert_eq!(before(&relay.url, Some(Visibility::Public)), Before::default());
    assert_eq!(before("https://elsewhere.example", None), Before::default());
    let left = |relay: &str, visibility| under_way(&state, relay, another, NOW_MS, asked(visibility)).unwrap();
    assert_eq!(left(&relay.url, None), plan.history(Duration::ZERO).fights);
    assert!(left(&relay.url, Some(Visibility::Public)).is_empty());
    assert!(left("https://elsewhere.example", None).is_empty());
    assert_eq!(is_held(&state), Some(false));
    let (summary, ..) = upload(&place, &relay, "state").await;
    assert!(summary.complete && left(&relay.url, None).is_empty());
    assert_eq!(before(&relay.url, Some(Visibility::Public)), Before { there: plan.fights.len(), agreed: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_takes_no_more_fights_today_is_left_alone() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, Generation::Chunks, &fights(12)).await;
    let plan = plan(&place, None).await;
    for fight in &plan.fights[4..] {
        relay.memory().refused.insert(fight.encounter, RefusedCode::LimitReached);
    }
    let (summary, counted, _) = upload(&place, &relay, "state").await;
    assert!(!summary.complete);
    assert_eq!((counted.new, counted.failed + counted.stopped), (4, 12));
    assert!((1..=4).contains(&counted.failed), "{counted:?}: the rest is not even read");
    relay.memory().refused.clear();
    assert_eq!(upload(&place, &relay, "state").await.1, tally(12, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_does_not_wait_for_hours_until_its_relay_takes_more_but_says_so() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, Generation::Chunks, &fights(12)).await;
    let plan = plan(&place, None).await;
    for fight in &plan.fights[4..] {
        relay.memory().refused.insert(fight.encounter, RefusedCode::LimitReached);
    }
    relay.memory().refused_retry_ms = Some(7_200_000);
    let (summary, counted, changes) = upload(&place, &relay, "state").await;
    assert!(!summary.complete);
    assert_eq!((counted.new, counted.failed + counted.stopped), (4, 12));
    assert!((1..=4).contains(&counted.failed), "{counted:?}: the rest is not even read");
    assert!(changes.iter().any(
        |change| matches!(change, Change::Stopped { why, .. } if *why == not_this_one(RefusedCode::LimitReached))
    ));
    relay.memory().refused.clear();
    assert_eq!(upload(&place, &relay, "state").await.1, tally(12, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_relay_paces_the_upload_and_a_store_that_fails_is_waited_for() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, Generation::Aggregate, &[Script::raid(4).fight(), party(5).starting_at(BEGAN_MS)]).await;
    relay.memory().slow = Duration::from_millis(100);
    relay.memory().store_fails = 3;
    let (summary, counted, changes) = upload(&place, &relay, "state").await;
    assert!(summary.complete);
    assert_eq!(counted, tally(2, 0));
    assert!(changes.iter().any(|change| matches!(change, Change::Refused { retry_ms: Some(50), .. })));
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    assert!(relay.memory().deltas < 12, "30,000 hits are a few deltas");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_begin_that_is_not_answered_is_sent_again() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, Generation::Aggregate, &[party(6)]).await;
    relay.memory().mute_begins = 1;
    assert_eq!(upload(&place, &relay, "state").await.1, tally(1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_confirms_nothing_is_given_up_in_the_end() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, Generation::Aggregate, &[party(6)]).await;
    relay.memory().mute_end = true;
    let mut mute = options(&place, &relay, "state").await;
    mute.history.as_mut().unwrap().patience = Duration::from_millis(500);
    let (summary, counted, _) = done(Client::start(mute)).await;
    assert!(!summary.complete);
    assert_eq!(counted.done(), 0);
    relay.memory().mute_end = false;
    assert_eq!(upload(&place, &relay, "state").await.1, tally(1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_beside_a_watch_on_the_same_folder_says_whose_it_is() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, Generation::Aggregate, &[party(7)]).await;
    let watch = Client::start(Options { until_idle: None, ..place.options(&relay) });
    watch.until(|change| matches!(change, Change::Finalized { .. })).await;
    let error = Client::start(options(&place, &relay, "state").await).done().await.unwrap_err();
    let is_ours = |process: &Option<u32>| *process == Some(std::process::id());
    assert!(matches!(&error, WatchError::Folder(FolderError::InUse { process, .. }) if is_ours(process)), "{error}");
    // With a folder of its own it runs beside it.
    assert_eq!(upload(&place, &relay, "other").await.1, tally(0, 1));
    assert!(watch.end().await.complete);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fights_that_are_gone_when_their_turn_comes_are_told() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, Generation::Aggregate, &fights(1)).await;
    let options = options(&place, &relay, "state").await;
    std::fs::remove_file(place.db()).unwrap();
    write(&place, Generation::Aggregate, &fights(1)[..2]).await;
    let (summary, counted, _) = done(Client::start(options)).await;
    assert!(!summary.complete);
    assert_eq!((counted.new, counted.failed, counted.stopped), (2, 3, 0));
    relay.until(|memory| memory.fights.len() == 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fights_that_the_meter_removes_while_others_are_sent_are_not_sent() {
    for generation in Generation::ALL {
        let (place, relay) = (Place::new(), Relay::start().await);
        let all: Vec<_> = (0..8).map(|n| party(20 + n).starting_at(BEGAN_MS + n as i64 * 100_000)).collect();
        write(&place, generation, &all).await;
        relay.memory().slow = Duration::from_millis(300);
        let client = Client::start(options(&place, &relay, "state").await);
        // Four are read, and the first of them is on its way; of the others nothing is read yet.
        relay.until(|memory| memory.fights.len() == 1).await;
        remove_since(&place.db(), BEGAN_MS + 400_000);
        relay.memory().slow = Duration::ZERO;
        let (summary, counted, _) = done(client).await;
        assert_eq!((summary.complete, summary.finalized), (false, 4), "{generation:?}");
        let expected = Tally { new: 4, failed: 4, reasons: vec![(NotSent::Removed, 4)], ..Tally::default() };
        assert_eq!((counted, relay.memory().fights.len()), (expected, 4), "{generation:?}");
        let refused = stands(&place).into_iter().filter(|(stand, _)| *stand == Stand::Refused);
        assert_eq!(refused.count(), 4, "{generation:?}");
    }
}

fn overview(place: &Place) -> Overview {
    Overview::read(&place.dir.path().join("state"), NOW_MS).unwrap()
}

fn stands(place: &Place) -> Vec<(Stand, Line)> {
    overview(place).fights.into_iter().map(|line| (line.state, line)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_says_of_each_fight_where_it_stands_while_a_client_runs_and_after() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    write_all(&mut writer, &party(1)).await.unwrap();
    let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    let going_on = party(2).starting_at(BEGAN_MS);
    writer.begin(&going_on).await.unwrap();
    writer.advance_to(30_000).await.unwrap();
    wait(|| {
        let seen = stands(&place);
        seen.len() == 2 && seen[0].0 == Stand::Streaming && seen[1].0 == Stand::OnRelay
    })
    .await;
    let seen = overview(&place);
    let [running] = &seen.running[..] else { panic!("a watch alone") };
    assert!(running.connected && !running.history && running.process == std::process::id());
    // The newest first, each with its page.
    let [live, done] = &seen.fights[..] else { panic!("two fights") };
    assert_eq!((live.started_at_ms, live.outcome), (BEGAN_MS, None));
    assert!(live.events > 0 && done.outcome == Some(Outcome::Kill) && done.title == live.title);
    assert!(live.url.is_some() && done.url.as_ref().unwrap().ends_with(&done.encounter));

    // The relay goes silent about the end, and then the client ends: what waits says what to do.
    relay.memory().mute_end = true;
    writer.end().await.unwrap();
    relay.until(|memory| memory.fights.values().all(|fight| fight.ending.is_some())).await;
    client.end().await;
    let seen = overview(&place);
    assert!(seen.running.is_empty());
    assert_eq!((seen.fights[0].state, seen.fights[1].state), (Stand::Waiting, Stand::OnRelay));
    assert_eq!(seen.fights[0].why, Some(Why::NotRunning { history: false }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_tells_what_an_upload_waits_for_and_what_was_refused() {
    let (place, relay) = (Place::new(), Relay::start().await);
    write(&place, Generation::Aggregate, &fights(6)).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = Options { relay: format!("http://{free}"), ..options(&place, &relay, "state").await };
    let client = Client::start(away);
    client.until(|change| matches!(change, Change::Disconnected { .. })).await;
    wait(|| {
        let seen = stands(&place);
        let waits = |(stand, line): &(Stand, Line)| *stand == Stand::Waiting && line.why.is_some();
        let because =
            |is_it: fn(&Why) -> bool| seen.iter().filter(|(_, line)| is_it(line.why.as_ref().unwrap())).count();
        let not_connected = |why: &Why| matches!(why, Why::Trouble(Trouble::NotConnected { .. }));
        seen.len() == 10
            && seen.iter().all(waits)
            && because(not_connected) == 4
            && because(|why| *why == Why::Queued) == 6
    })
    .await;
    client.end().await;
    let seen = stands(&place);
    let waits = |(stand, line): &&(Stand, Line)| {
        *stand == Stand::Waiting && line.why == Some(Why::NotRunning { history: true })
    };
    assert_eq!((seen.len(), seen.iter().filter(waits).count()), (10, 10));

    let refused = plan(&place, None).await.fights[0].encounter;
    relay.memory().refused.insert(refused, RefusedCode::BadEvent);
    assert_eq!(upload(&place, &relay, "state").await.1.new, 9);
    let (told, others): (Vec<_>, Vec<_>) =
        stands(&place).into_iter().partition(|(_, line)| line.encounter == refused.to_string());
    let [(stand, line)] = &told[..] else { panic!("{} lines of one fight", told.len()) };
    assert_eq!(*stand, Stand::Refused);
    assert_eq!(line.why, Some(Why::NotSent(not_this_one(RefusedCode::BadEvent))));
    assert_eq!(others.iter().filter(|(stand, _)| *stand == Stand::OnRelay).count(), 9);
    // An upload that asks once more takes nothing back meanwhile.
    relay.memory().slow = Duration::from_millis(50);
    let client = Client::start(options(&place, &relay, "state").await);
    client.until(|change| matches!(change, Change::Uploaded { .. })).await;
    assert_eq!(stands(&place).iter().filter(|(stand, _)| *stand == Stand::OnRelay).count(), 9);
    client.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "reads ../shared"]
async fn real_databases_are_known_live_first_or_history_first() {
    let entries = std::fs::read_dir(raidcast_meterkit::beside().join("meters")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "db"));
    assert!(!paths.is_empty(), "no databases of real meters");
    for path in paths {
        for live_first in [true, false] {
            let (place, relay) = (Place::new(), Relay::start().await);
            std::fs::copy(&path, place.db()).unwrap();
            let planned = plan(&place, None).await.fights;
            let fights = planned.len() as u64;
            // A watch takes what ended within the last hour.
            let ends = planned.iter().filter_map(|fight| fight.end.as_ref().map(|end| end.ended_at_ms));
            let evening = ends.max().unwrap_or(NOW_MS);
            if live_first {
                let options = Options { clock: Clock::new(move || evening), ..place.options(&relay) };
                assert!(Client::start(options).done().await.unwrap().complete);
            }
            let is_streamed = |fight: &&raidcast::source::Fight| relay.memory().fights.contains_key(&fight.encounter);
            let streamed = planned.iter().filter(is_streamed).count() as u64;
            assert_eq!(streamed > 0, live_first);
            let (first, again) = (tally(fights - streamed, streamed), tally(0, fights));
            let name = path.display();
            let sent = relay.memory().deltas;
            let (summary, counted, _) = upload(&place, &relay, "history").await;
            assert!(summary.complete, "{name}");
            assert_eq!(counted, first, "{name}, live first: {live_first}");
            assert!(streamed < fights || relay.memory().deltas == sent, "{name}: sent twice");
            let sums: Vec<_> = relayed(&relay);
            assert_eq!(upload(&place, &relay, "elsewhere").await.1, again, "{name}");
            assert!(
                Client::start(Options {
                    clock: Clock::new(move || evening),
                    state: place.dir.path().join("late"),
                    ..place.options(&relay)
                })
                .done()
                .await
                .unwrap()
                .complete
            );
            assert_eq!(relay.memory().repeated, 0);
            let whole = read_at_once(&place.db()).await;
            assert_eq!(sums[..], whole[..sums.len()], "{name}");
            assert_eq!(relayed(&relay), whole, "{name}");
        }
    }
}
