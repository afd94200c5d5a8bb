//! The rows that are derived of reports: those of the reports, always, and the same when they are made again of logs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use raidcast_relay::clock::Clock;
use raidcast_relay::database::Database;
use raidcast_relay::derive::{Rebuilt, rebuild};
use raidcast_relay::jobs::{JobDone, Later, Worker};
use raidcast_shared::uplink::{Outcome, ReportState, UplinkReply};
use raidcast_store::{Derived, JobKind, LeasedJob, Store};

use crate::raw::becomes;
use crate::script::{Script, TestRelay, Uploader};
use crate::set_aside::{OF_REPORT, damage};

async fn is_all_derived(relay: &TestRelay) {
    becomes("all to be derived", async || relay.store.jobs(JobKind::Derive).await.unwrap().count == 0).await;
}

async fn rows(store: &Arc<dyn Store>, report: &str) -> Derived {
    let (row, _) = store.report(report).await.unwrap().unwrap();
    store.derived(row.row).await.unwrap()
}

async fn ends(uploader: &mut Uploader, fight: &Script, known: u64) -> String {
    let begun = uploader.begin(fight).await;
    uploader.deltas(begun.h, &fight.deltas[known as usize..]).await;
    let ended = uploader.end(begun.h, fight, Outcome::Kill).await;
    assert!(matches!(ended, UplinkReply::Finalized { state: ReportState::Final, .. }), "{ended:?}");
    begun.report
}

/// On a database of any kind: streams that end, one that is provisional and goes on, one that is thrown away.
async fn rows_follow_reports(data: &Path, database: &Database) {
    let relay = TestRelay::start_on(data, Some(database.clone())).await;
    let mut uploader = Uploader::connect(&relay).await;
    let first = ends(&mut uploader, &Script::new(40, 2), 0).await;
    let sums = ends(&mut uploader, &Script::new(12, 3).at(1_790_000_100_000).told_as_sums(), 0).await;
    let open = Script::new(30, 4).at(1_790_000_200_000);
    let begun = uploader.begin(&open).await;
    uploader.deltas(begun.h, &open.deltas[..20]).await;
    uploader.acked(20).await;
    drop(uploader);
    relay.pass_ms(700_000);
    becomes("its end", async || relay.report(&begun.report).await.state == ReportState::Provisional).await;
    is_all_derived(&relay).await;
    let reports = [first, sums, begun.report.clone()];
    for report in &reports {
        let derived = rows(&relay.store, report).await;
        assert_eq!(derived, Derived::from(&relay.report(report).await), "{report}");
        assert!(!derived.players.is_empty() && !derived.skills.is_empty(), "{report}");
    }
    let provisional = rows(&relay.store, &begun.report).await;
    let mut uploader = Uploader::connect(&relay).await;
    ends(&mut uploader, &open, 20).await;
    is_all_derived(&relay).await;
    let whole = rows(&relay.store, &begun.report).await;
    assert_ne!(whole, provisional);
    assert_eq!(whole, Derived::from(&relay.report(&begun.report).await));
    drop(uploader);

    // Made again of logs they are the same, also where a report's record cannot be read.
    let mut before = Vec::new();
    for report in &reports {
        before.push(rows(&relay.store, report).await);
    }
    relay.stop().await;
    let store = database.open().await.unwrap();
    // Also those that a relay was at when it was killed, or put off.
    assert_eq!(store.derive_again().await.unwrap(), 3);
    let (now, until) = (Clock::system().now_ms(), Clock::system().now_ms() + 3_600_000);
    let leased = store.lease_job(JobKind::Derive, now, until).await.unwrap().unwrap();
    let put_off = store.lease_job(JobKind::Derive, now, until).await.unwrap().unwrap();
    assert_ne!(leased.key, put_off.key);
    store.put_off_job(put_off.key, until, 9, "as the test wants it").await.unwrap();
    let mut told = Vec::new();
    let rebuilt = rebuild(Arc::clone(&store), |done, all| told.push((done, all))).await.unwrap();
    assert_eq!(rebuilt, Rebuilt { all: 3, derived: 3, failed: Vec::new() });
    assert_eq!(told, [(1, 3), (2, 3), (3, 3)]);
    for (report, before) in reports.iter().zip(&before) {
        assert_eq!(&rows(&store, report).await, before);
    }
    // One that is interrupted is finished by the relay.
    assert_eq!(store.derive_again().await.unwrap(), 3);
    store.close().await.unwrap();
    drop(store);
    let relay = TestRelay::start_on(data, Some(database.clone())).await;
    is_all_derived(&relay).await;
    for (report, before) in reports.iter().zip(&before) {
        assert_eq!(&rows(&relay.store, report).await, before);
    }
    relay.stop().await;
}

#[tokio::test]
async fn derived_rows_are_those_of_the_reports_and_can_be_made_again() {
    let data = tempfile::tempdir().unwrap();
    rows_follow_reports(data.path(), &Database::in_folder(data.path())).await;
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test]
async fn derived_rows_are_those_of_the_reports_on_postgresql() {
    let Some(cluster) = raidcast_pgkit::shared() else { return };
    let data = tempfile::tempdir().unwrap();
    rows_follow_reports(data.path(), &Database::Postgres(crate::migrated::database(cluster))).await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_derived_of_its_log() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let report = ends(&mut Uploader::connect(&relay).await, &Script::new(40, 2), 0).await;
    is_all_derived(&relay).await;
    let before = rows(&relay.store, &report).await;
    assert_eq!(relay.store.derive_again().await.unwrap(), 1);
    relay.stop().await;
    damage(data.path(), &format!("UPDATE encounter_record SET record = X'00' {OF_REPORT}"), &report).await;
    let relay = TestRelay::start(data.path()).await;
    is_all_derived(&relay).await;
    assert_eq!(rows(&relay.store, &report).await, before);
    relay.stop().await;
}

#[tokio::test]
async fn a_rebuild_says_what_it_could_not_derive_each_time() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let whole = ends(&mut uploader, &Script::new(10, 2), 0).await;
    let damaged = ends(&mut uploader, &Script::new(10, 3).at(1_790_000_100_000), 0).await;
    drop(uploader);
    is_all_derived(&relay).await;
    relay.stop().await;
    damage(data.path(), &format!("UPDATE encounter_log SET log = X'00' {OF_REPORT}"), &damaged).await;
    let store = Database::in_folder(data.path()).open().await.unwrap();
    for _ in 0..2 {
        let Rebuilt { derived, failed, .. } = rebuild(Arc::clone(&store), |_, _| ()).await.unwrap();
        assert_eq!(derived, 1);
        assert!(matches!(&failed[..], [why] if why.contains(&damaged)), "{failed:?}");
        assert!(!rows(&store, &whole).await.players.is_empty());
    }
    store.close().await.unwrap();
}

/// A worker whose jobs fail, break off and are done, without its own loop.
#[tokio::test]
async fn a_job_that_fails_or_breaks_off_comes_again_later_each_time_and_holds_nobody_up() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    for stream in [2, 3] {
        ends(&mut uploader, &Script::new(10, stream).at(1_790_000_000_000 + 60_000 * stream as i64), 0).await;
    }
    drop(uploader);
    is_all_derived(&relay).await;
    relay.stop().await;
    let store = Database::in_folder(data.path()).open().await.unwrap();
    assert_eq!(store.derive_again().await.unwrap(), 2);
    let now = Arc::new(std::sync::atomic::AtomicI64::new(1_790_000_000_000));
    let clock = {
        let now = Arc::clone(&now);
        Clock::new(move || now.load(Ordering::SeqCst))
    };
    let panics = Arc::new(AtomicBool::new(true));
    let does = |job: LeasedJob| {
        let panics = Arc::clone(&panics);
        async move {
            assert!(!panics.swap(false, Ordering::SeqCst), "as the test wants it");
            // Another job than the first.
            if job.tries == 1 { Ok(JobDone::Remove) } else { Err(Later::failed(job.tries, "as the test wants it")) }
        }
    };
    let (store_of, line) = (Arc::clone(&store), Arc::default());
    let worker =
        Worker { store: store_of, clock, kind: JobKind::Derive, line, does, goes_before: None, is_long: false };
    let next = async || worker.next().await.unwrap().map(|(_, done)| done);
    assert_eq!(next().await, Some(Err("it broke off".to_owned())));
    assert_eq!(next().await, Some(Ok(())), "the other is done");
    for wait_ms in [5_000, 10_000, 20_000, 40_000] {
        assert_eq!(next().await, None);
        now.fetch_add(wait_ms - 1, Ordering::SeqCst);
        assert_eq!(next().await, None);
        now.fetch_add(1, Ordering::SeqCst);
        assert_eq!(next().await, Some(Err("as the test wants it".to_owned())));
    }
    assert_eq!(store.jobs(JobKind::Derive).await.unwrap().count, 1, "it is not dropped");
    store.close().await.unwrap();
}
