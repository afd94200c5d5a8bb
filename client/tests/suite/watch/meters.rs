//! What each meter and generation tells of its fights, and what becomes of them where a meter is upgraded or copies
//! another's database.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use raidcast::header::header_of;
use raidcast::source::{AnySource, Cursor, Source as _, Unreadable, detect};
use raidcast::uploader::{Change, Options, Summary};
use raidcast_meterkit::{Fight, Generation, MeterWriter, Script, write_all};
use raidcast_shared::encode::Encoder;
use raidcast_shared::event::ActorIx;
use raidcast_shared::fold::EncounterState;
use raidcast_shared::view::{self, Audience, Shown};

use crate::place::{Client, NOW_MS, Place, go_on, party, play, read_at_once, relayed, sums_of};
use crate::relay::Relay;

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
pub(super) fn copy_with_log(from: &Path, to: &Path) {
    for end in ["", "-wal"] {
        let beside = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
        if beside(from).exists() {
            std::fs::copy(beside(from), beside(to)).unwrap();
        }
    }
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
