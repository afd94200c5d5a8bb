//! Spools that a power cut has damaged, against the scripted relay: what was acknowledged is in the report, and what
//! was fought after it, too.

use std::fs;
use std::path::Path;

use futures::future::join_all;
use raidcast::spool::Spool;
use raidcast::uploader::{Change, Options};
use raidcast_meterkit::{Generation, MeterWriter};
use raidcast_shared::checksum::Checksum;

use crate::place::{Client, Place, party, play, read_at_once, relayed, wait};
use crate::relay::{Memory, Relay};

/// What of the spool did not reach the disk.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// All from this byte on, counted from the end.
    Cut(usize),
    /// This byte, counted from the end.
    Flip(usize),
    /// All from this byte on stands there as zeros.
    Zeros(usize),
}

#[derive(Clone, Copy, Debug)]
struct Case {
    generation: Generation,
    damage: Damage,
    /// Starts of the client that do not reach the relay, in each of which the fight goes on.
    away: usize,
    /// They are killed, not ended.
    killed: bool,
    seed: u64,
}

fn damage(spool: &Path, damage: Damage) {
    let mut bytes = fs::read(spool).unwrap();
    let length = bytes.len();
    // One before the first is the first.
    let at = |from_end: usize| length.saturating_sub(from_end.max(1));
    match damage {
        Damage::Cut(from_end) => bytes.truncate(at(from_end)),
        Damage::Flip(from_end) => bytes[at(from_end)] ^= 0x10,
        Damage::Zeros(from_end) => bytes[at(from_end)..].fill(0),
    }
    fs::write(spool, bytes).unwrap();
}

async fn stop(client: Client, killed: bool) {
    if killed {
        client.task.abort();
        let _ = client.task.await;
    } else {
        client.end().await;
    }
}

/// Fights twenty seconds, which arrive in five deltas or more.
async fn arrive(writer: &mut MeterWriter, relay: &Relay, seed: u64) {
    let seq = |memory: &Memory| memory.fights.values().map(|fight| fight.state.seq()).max().unwrap_or(0);
    writer.begin(&party(seed)).await.unwrap();
    for now_ms in [4_000, 8_000, 12_000, 16_000, 20_000] {
        let before = seq(&relay.memory());
        writer.advance_to(now_ms).await.unwrap();
        relay.until(|memory| seq(memory) > before).await;
    }
}

async fn run(case: Case) {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), case.generation).await.unwrap();
    let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
    arrive(&mut writer, &relay, case.seed).await;
    stop(client, case.killed).await;
    let spool = fs::read_dir(place.dir.path().join("state/spool")).unwrap().next().unwrap().unwrap().path();
    damage(&spool, case.damage);

    let mut now_ms = 20_000;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for _ in 0..case.away {
        let events = || Spool::peek(&spool).map_or(0, |peek| peek.events);
        let before = events();
        let away = Options { relay: format!("http://{free}"), until_idle: None, ..place.options(&relay) };
        let client = Client::start(away);
        now_ms += 4_000;
        writer.advance_to(now_ms).await.unwrap();
        wait(|| events() > before).await;
        stop(client, case.killed).await;
    }
    writer.advance_to(now_ms + 3_000).await.unwrap();
    let client = Client::start(place.options(&relay));
    writer.advance_to(now_ms + 10_000).await.unwrap();
    client.until(|change| matches!(change, Change::Connected { .. })).await;
    writer.end().await.unwrap();
    assert!(client.done().await.unwrap().complete, "{case:?}");
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await, "{case:?}");
    let memory = relay.memory();
    assert_eq!(memory.remade, 0, "{case:?}: a seq of a reading was sent with other content");
    assert!(memory.fights.values().all(|fight| fight.ending.is_some()), "{case:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_a_power_cut_damages_a_spool_the_relay_ends_with_all_that_was_fought() {
    let mut chance = 11_u64;
    let mut below = |n: u64| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % n
    };
    let mut cases = Vec::new();
    for n in 0..16 {
        // A record is some hundred bytes: mostly the last few are lost, sometimes nearly all.
        let from_end = below(if n % 7 == 6 { 20_000 } else { 1_500 }) as usize + 1;
        cases.push(Case {
            generation: [Generation::Aggregate, Generation::Chunks, Generation::Events][n % 3],
            damage: [Damage::Cut(from_end), Damage::Flip(from_end), Damage::Zeros(from_end)][below(3) as usize],
            away: below(3) as usize,
            killed: below(2) == 0,
            seed: 40 + n as u64,
        });
    }
    for some in cases.chunks(4) {
        join_all(some.iter().map(|case| run(*case))).await;
    }
}

/// The spool's records as (first byte, first byte after it), behind its magic.
fn records(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4) {
        let end = at + 8 + u32::from_le_bytes(length.try_into().unwrap()) as usize;
        found.push((at, end));
        at = end;
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_that_lost_whole_records_is_read_again_though_as_many_were_made_since() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
    arrive(&mut writer, &relay, 70).await;
    client.end().await;
    let first = relay.memory().fights.values().next().unwrap().stream;
    let spool = fs::read_dir(place.dir.path().join("state/spool")).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(&spool).unwrap();
    let kept = records(&bytes).iter().rev().nth(2).unwrap().0;
    fs::write(&spool, &bytes[..kept]).unwrap();
    let held = relay.memory().fights.values().next().unwrap().state.seq();
    assert!(Spool::peek(&spool).unwrap().seq < held);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::start(Options { relay: format!("http://{free}"), until_idle: None, ..place.options(&relay) });
    let seq = || Spool::peek(&spool).unwrap().seq;
    let mut now_ms = 20_000;
    while seq() <= held {
        now_ms += 1_000;
        writer.advance_to(now_ms).await.unwrap();
        let before = seq();
        wait(|| seq() > before).await;
    }
    client.end().await;
    writer.end().await.unwrap();
    let client = Client::start(place.options(&relay));
    let changes = client.changes.clone();
    assert!(client.done().await.unwrap().complete);
    assert!(changes.lock().unwrap().iter().any(|change| matches!(change, Change::Reread { .. })));
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
    let memory = relay.memory();
    assert_ne!(memory.fights.values().next().unwrap().stream, first);
    assert_eq!(memory.remade, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_killed_and_loses_nothing_reads_nothing_again() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let fight = party(71);
    writer.begin(&fight).await.unwrap();
    for now_ms in [5_000, 10_000, 15_000, 20_000] {
        let before = relay.memory().deltas;
        let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
        writer.advance_to(now_ms).await.unwrap();
        relay.until(|memory| memory.deltas > before).await;
        stop(client, true).await;
    }
    writer.end().await.unwrap();
    let client = Client::start(place.options(&relay));
    let changes = client.changes.clone();
    assert!(client.done().await.unwrap().complete);
    assert!(!changes.lock().unwrap().iter().any(|change| matches!(change, Change::Reread { .. })));
    let again = {
        let memory = relay.memory();
        (memory.remade, memory.replaced)
    };
    assert_eq!(again, (0, 0));
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
}

/// What the relay adds up differs from what it was sent, from a delta of a reading on; told only by its sums.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_adds_up_something_else_gets_one_more_reading_before_the_end() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let other: Checksum = format!("v1:{}", "5a".repeat(16)).parse().unwrap();
    relay.memory().held_sums = Some(other);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let client = Client::start(place.options(&relay));
    play(&mut writer, &party(72), 20_000, 2_000).await;
    client.until(|change| matches!(change, Change::Acked { .. })).await;
    let first = relay.memory().fights.values().next().unwrap().stream;
    writer.end().await.unwrap();
    let changes = client.changes.clone();
    assert!(client.done().await.unwrap().complete);
    let rereads = changes.lock().unwrap().iter().filter(|change| matches!(change, Change::Reread { .. })).count();
    assert_eq!(rereads, 1, "a second time would not heal it");
    assert_ne!(relay.memory().fights.values().next().unwrap().stream, first);
    assert_eq!(relayed(&relay), read_at_once(&place.db()).await);
}
