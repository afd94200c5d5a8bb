//! Databases that meters themselves wrote, lived through again: beside those that the tests make.

use std::process::Command;

use raidcast_meterkit::beside;

use crate::bus::Desktop;
use crate::meter::read_at_once;
use crate::process::Process;
use crate::relay::{KEY, Relay, checksum};
use crate::stage::{Stage, can_run};
use crate::wait::until;

/// Damage by players in the fight that was recorded.
const DAMAGE: u64 = 477_564_479;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "reads ../shared"]
async fn a_recorded_fight_is_live_and_ends_as_a_report_that_is_exact() {
    if !can_run() {
        return;
    }
    for name in ["aggregate-real-boss", "journal-real-boss"] {
        let relay = Relay::start().await;
        let stage = Stage::ready("replayed", &relay.url(), KEY).await;
        let desktop = Desktop::with_tray(&stage).await;
        let app = stage.app(&["--hidden"]);
        let icon = desktop.icon().await;
        icon.says("Raidcast: Waiting for the meter").await;
        let mut python = Command::new("python3");
        python.arg(beside().join("tools/replay_meter.py"));
        python.arg(beside().join(format!("meters/{name}.db"))).arg(stage.meter());
        python.args(["--now", "--speed", "15"]);
        let said = stage.said_to("replay.said");
        let mut player = Process::start(stage.dress(&mut python).stdout(said.try_clone().unwrap()).stderr(said));
        until("the recorded fight is live", async || {
            assert_eq!(player.has_ended(), None, "the replay ended at once");
            icon.tooltip().await.filter(|tip| tip.starts_with("Raidcast: Live"))
        })
        .await;
        assert!(player.ended("the replay").await.success());
        let report = until("its report is final", async || {
            relay.reports().await.pop().filter(|report| report["state"] == "final")
        });
        let report = report.await;
        assert_eq!((checksum(&report), relay.reports().await.len()), (read_at_once(&stage.meter()).remove(0), 1));
        assert_eq!((&report["totals"]["damage"], &report["outcome"]), (&DAMAGE.into(), &"kill".into()));
        drop(app);
    }
}
