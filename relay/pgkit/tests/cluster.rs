//! A cluster's life, and that it ends with the process that started it.

#![cfg(unix)]

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use raidcast_pgkit::{Cluster, Install};

/// Says to the process that is started below what it is to be.
const CHILD: &str = "RAIDCAST_PGKIT_CHILD";

#[test]
fn what_was_committed_survives_a_kill() {
    let Some(install) = Install::find_or_skip() else { return };
    let mut cluster = Cluster::start(install);
    cluster.new_database();
    cluster.run("test_0", "CREATE TABLE kept (n INT)");
    cluster.run("test_0", "SET synchronous_commit = on; INSERT INTO kept VALUES (1), (2)");
    cluster.kill();
    cluster.restart();
    assert_eq!(cluster.run("test_0", "SELECT sum(n) FROM kept"), "3");
    cluster.stop();
    cluster.restart();
    assert_eq!(cluster.run("test_0", "SELECT sum(n) FROM kept"), "3");
}

#[test]
fn whoever_asks_at_once_a_template_is_made_once_and_each_has_a_copy_of_his_own() {
    let Some(install) = Install::find_or_skip() else { return };
    let cluster = Cluster::start_to_share(install);
    let made = AtomicU32::new(0);
    let copy = || {
        cluster.new_migrated(|url| {
            made.fetch_add(1, Ordering::SeqCst);
            cluster.run(name(url), "CREATE TABLE kept (n INT); INSERT INTO kept VALUES (1)");
        })
    };
    // One that breaks off leaves nothing that would be taken for whole.
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        cluster.new_migrated(|url| {
            cluster.run(name(url), "CREATE TABLE kept (wrong INT)");
            panic!("as the test wants it");
        })
    }));
    assert!(broken.is_err());
    let copies: Vec<String> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..3).map(|_| scope.spawn(copy)).collect();
        asking.into_iter().map(|asked| asked.join().expect("a copy")).collect()
    });
    assert_eq!(made.load(Ordering::SeqCst), 1);
    cluster.run(name(&copies[0]), "INSERT INTO kept VALUES (2)");
    let sums: Vec<_> = copies.iter().map(|url| cluster.run(name(url), "SELECT sum(n) FROM kept")).collect();
    assert_eq!(sums, ["3", "1", "1"]);
    let empty = cluster.new_database();
    assert_eq!(cluster.run(name(&empty), "SELECT count(*) FROM pg_tables WHERE tablename = 'kept'"), "0");
}

/// Of the database of a URL.
fn name(url: &str) -> &str {
    let name = url.rsplit('/').next().expect("a URL has a path");
    name.split('?').next().expect("a text has a beginning")
}

/// Not a test by itself: the process that the one below starts and kills.
#[test]
fn the_process_that_is_killed() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let cluster = Cluster::start(Install::find().expect("the one who starts this looked"));
    let folder = cluster.run("postgres", "SHOW unix_socket_directories");
    std::fs::write(std::env::var_os(CHILD).expect("it was there"), folder).expect("a file");
    // Until it is killed.
    std::thread::sleep(Duration::from_mins(1));
}

#[test]
fn a_cluster_ends_with_its_process_though_that_is_killed() {
    if Install::find_or_skip().is_none() {
        return;
    }
    let told = std::env::temp_dir().join(format!("raidcast-pgkit-{}", std::process::id()));
    let this = std::env::current_exe().expect("a test has a path");
    let mut child = Command::new(this)
        .args(["--exact", "the_process_that_is_killed"])
        .env(CHILD, &told)
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let folder = wait("a cluster", || std::fs::read_to_string(&told).ok().filter(|folder| !folder.is_empty()));
    let _ = std::fs::remove_file(&told);
    let pid = std::fs::read_to_string(format!("{folder}/data/postmaster.pid")).expect("a pid file");
    let pid = pid.lines().next().expect("a pid").to_owned();
    child.kill().and_then(|()| child.wait()).expect("it is killed");
    let is_running =
        || Command::new("kill").args(["-0", &pid]).stderr(Stdio::null()).status().is_ok_and(|s| s.success());
    wait("the server's end", || (!is_running()).then_some(()));
    wait("the folder's end", || (!std::path::Path::new(&folder).exists()).then_some(()));
}

fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1_200 {
        if let Some(seen) = look() {
            return seen;
        }
        // What other processes do is told by nobody.
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("{what} did not come");
}
