//! Old fights through the real client's binary and the real relay: live first, history after, and from elsewhere again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use futures::future::join_all;
use raidcast_meterkit::{Fight, Generation, MeterWriter, Script, write_all};
use raidcast_relay::clock::Clock;
use raidcast_shared::report::Report;
use serde_json::Value;

use crate::process::{Chance, KEY, Process, Run, client};

/// Fights of the last half hour that have all ended, as a meter's database holds them: a watch leaves older ones alone.
fn fights() -> Vec<Fight> {
    let began_ms = Clock::system().now_ms() - 1_800_000;
    let night = Script::night(2).into_iter().filter(|fight| fight.ended_at_ms.is_some());
    let later = (0..3).map(|n| Script::party(40 + n).fight());
    night.chain(later).enumerate().map(|(n, fight)| fight.starting_at(began_ms + n as i64 * 200_000)).collect()
}

pub(crate) async fn write(run: &Run, generation: Generation, fights: &[Fight]) {
    let mut meter = MeterWriter::open(&run.path("meter.db"), generation).await.expect("a meter");
    for fight in fights {
        write_all(&mut meter, fight).await.expect("the meter writes");
    }
    meter.close().await.expect("the meter ends");
}

pub(crate) fn upload(run: &Run, client: &Path, state: &str) -> Process {
    let child = Command::new(client)
        .args(["upload", "--yes", "--json", "--visibility", "public", "--relay"])
        .arg(format!("http://127.0.0.1:{}", run.client_port))
        .arg("--db")
        .arg(run.path("meter.db"))
        .arg("--state")
        .arg(run.path(state))
        .env("RAIDCAST_KEY", KEY)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    Process(child.expect("the client starts"))
}

/// What the last line says of an upload that is waited for, and whether it ended well.
pub(crate) async fn done(mut upload: Process) -> (bool, Value) {
    let out = upload.0.stdout.take().expect("its output");
    tokio::task::spawn_blocking(move || {
        let text = std::io::read_to_string(out).expect("it is read");
        let last = text.lines().last().expect("it says something");
        let well = upload.0.wait().expect("it is waited for").success();
        (well, serde_json::from_str(last).expect("a line is JSON"))
    })
    .await
    .expect("it ends")
}

/// Every report by the begin of its fight, without what names it and the raid it stands in.
async fn reports(run: &Run) -> BTreeMap<i64, String> {
    let list = run.get("/api/v1/reports?limit=100").await.expect("a list");
    let mut found = BTreeMap::new();
    for line in list["reports"].as_array().expect("reports") {
        let id = line["reportId"].as_str().expect("an id");
        let report = run.get(&format!("/api/v1/reports/{id}")).await.expect("a report");
        let report: Report = serde_json::from_value(report).expect("a report");
        let at = report.fight.started_at_ms;
        let report = Report { report_id: String::new(), raid: String::new(), ..report };
        assert!(found.insert(at, serde_json::to_string(&report).expect("JSON")).is_none(), "a report is doubled");
    }
    assert_eq!(list["pagination"]["total"], found.len(), "{list}");
    found
}

pub(crate) async fn relay(run: &Run) -> Process {
    let relay = run.relay();
    run.ready().await;
    relay
}

async fn watched(run: &Run) {
    let mut watch = run.watch();
    let status = tokio::task::spawn_blocking(move || watch.0.wait()).await.expect("it is waited for");
    assert!(status.is_ok_and(|status| status.success()), "something is not on the relay");
}

#[tokio::test]
async fn live_and_history_give_the_same_reports_and_none_is_doubled() {
    let client: PathBuf = client();
    let client = client.as_path();
    let cases = Generation::ALL.map(|generation| async move {
        let (live, history) = (Run::new(client), Run::new(client));
        let fights = fights();
        let count = fights.len() as u64;
        let (_first, _second) = (relay(&live).await, relay(&history).await);
        write(&live, generation, &fights).await;
        write(&history, generation, &fights).await;

        watched(&live).await;
        let of_live = reports(&live).await;
        assert_eq!(of_live.len() as u64, count);
        // From the same folder, and from another: nothing new, no figure another.
        for state in ["state", "elsewhere"] {
            let (well, told) = done(upload(&live, client, state)).await;
            assert!(well, "{told}");
            assert_eq!((&told["new"], &told["known"]), (&0.into(), &count.into()), "{generation:?} {state}");
            assert_eq!(reports(&live).await, of_live, "{generation:?} {state}");
        }

        let (well, told) = done(upload(&history, client, "state")).await;
        assert!(well, "{told}");
        assert_eq!((&told["new"], &told["known"]), (&count.into(), &0.into()), "{generation:?}");
        assert_eq!(reports(&history).await, of_live, "{generation:?}: history differs from live");
        watched(&history).await;
        assert_eq!(reports(&history).await, of_live);
    });
    join_all(cases).await;
}

#[tokio::test]
async fn an_upload_survives_kills_of_client_and_relay() {
    let client = client();
    let (calm, wild) = (Run::new(&client), Run::new(&client));
    let fights = fights();
    write(&calm, Generation::Aggregate, &fights).await;
    write(&wild, Generation::Aggregate, &fights).await;
    let _calm = relay(&calm).await;
    assert!(done(upload(&calm, &client, "state")).await.0);
    let undisturbed = reports(&calm).await;

    let mut chance = Chance(5);
    let mut held = relay(&wild).await;
    for _ in 0..30 {
        let mut uploading = upload(&wild, &client, "state");
        // They are killed wherever they are by then.
        tokio::time::sleep(Duration::from_millis(20 + chance.next(300))).await;
        if chance.next(3) == 0 {
            held.kill();
            held = relay(&wild).await;
        }
        uploading.kill();
    }
    let (well, told) = done(upload(&wild, &client, "state")).await;
    assert!(well, "{told}");
    assert_eq!(reports(&wild).await, undisturbed);
    held.kill();
}
