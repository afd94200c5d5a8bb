//! Client, relay or both killed at random over a 20-player fight: the report is that of an undisturbed run, byte for
//! byte but for its ids. Real processes, real files, SIGKILL.

use std::time::Duration;

use raidcast_meterkit::{Fight, Generation, MeterWriter, Script, write_live};
use raidcast_relay::clock::Clock;
use raidcast_shared::report::Report;

use crate::process::{Chance, Run, client};

/// So many times as fast as a real fight: six minutes in thirty seconds.
const SPEED: f64 = 12.0;
const KILLS: usize = 50;

/// Lives the fight through while `disturb` does what it does, and gives the report that is kept.
async fn live(run: &Run, generation: Generation, fight: &Fight, kills: usize, seed: u64, delete_state: bool) -> Report {
    let (mut relay, mut watch) = (run.relay(), run.watch());
    let mut meter = MeterWriter::open(&run.path("meter.db"), generation).await.expect("a meter");
    let mut writing = std::pin::pin!(write_live(&mut meter, fight, SPEED));
    let mut chance = Chance(seed);
    let mut killed = 0;
    loop {
        // Killed wherever they are by then.
        let pause = Duration::from_millis(50 + chance.next(900));
        tokio::select! {
            written = &mut writing => {
                written.expect("the meter writes");
                break;
            }
            () = tokio::time::sleep(pause), if killed < kills => {}
        }
        killed += 1;
        let what = chance.next(3);
        if what != 1 {
            watch.kill();
        }
        if what != 0 {
            relay.kill();
        }
        if delete_state && what != 1 && chance.next(4) == 0 {
            let _ = std::fs::remove_dir_all(run.path("state"));
        }
        if what != 0 {
            relay = run.relay();
        }
        if what != 1 {
            watch = run.watch();
        }
    }
    assert_eq!(killed, kills, "the fight was over too soon");
    let status = tokio::task::spawn_blocking(move || watch.0.wait()).await.expect("it is waited for");
    assert!(status.is_ok_and(|status| status.success()), "something is not on the relay: {}", run.said());
    run.report().await
}

#[tokio::test]
async fn a_report_survives_fifty_kills_byte_for_byte() {
    let client = client();
    let fight = Script::raid(3).fight();
    let (calm, wild) = (Run::new(&client), Run::new(&client));
    let (undisturbed, killed) = tokio::join!(
        live(&calm, Generation::Aggregate, &fight, 0, 0, false),
        live(&wild, Generation::Aggregate, &fight, KILLS, 11, false),
    );
    assert_eq!(undisturbed.fight.totals.damage, fight.player_damage().cast_unsigned());
    assert_eq!(serde_json::to_string(&undisturbed).unwrap(), serde_json::to_string(&killed).unwrap());
}

#[tokio::test]
async fn sealed_chunks_and_a_deleted_state_folder_are_exact_too() {
    let client = client();
    // Of this hour: a client that has lost its memory leaves older fights alone.
    let fight = Script::party(5).fight().starting_at(Clock::system().now_ms());
    let (chunks, deleted) = (Run::new(&client), Run::new(&client));
    let (of_chunks, of_deleted) = tokio::join!(
        live(&chunks, Generation::Chunks, &fight, 6, 21, false),
        live(&deleted, Generation::Aggregate, &fight, 6, 22, true),
    );
    assert_eq!(of_chunks.fight.totals.damage, fight.player_damage().cast_unsigned());
    assert_eq!(of_deleted.fight.totals, of_chunks.fight.totals);
    assert_eq!(of_deleted.fight.checksum, of_chunks.fight.checksum);
}
