//! An Ack means durable: the kernel is watched while the relay writes its journal and answers.

use std::collections::HashMap;
use std::process::{Command, Stdio};

use crate::process::{RELAY, Run, client};
use crate::raw::becomes;
use crate::script::{Script, hello};
use raidcast_shared::uplink::{DeltaFrame, Outcome, UplinkFrame, UplinkReply};

/// What the watched process did, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    /// Bytes went to the write-ahead log.
    Write,
    /// The log is on stable storage: the call came back.
    Synced,
    /// An Ack is handed to the socket.
    Ack,
}

/// Reads strace's lines; a call of another thread may interrupt one, which then is told in two.
fn calls(log: &str) -> Vec<Call> {
    let mut begun: HashMap<&str, bool> = HashMap::new();
    let mut calls = Vec::new();
    // An Ack's tag, as strace writes bytes: a string of three letters.
    let ack = r"\xa3\x61\x63\x6b";
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let wal = rest.contains("raidcast.db-wal");
        let sync = rest.starts_with("fdatasync(") || rest.starts_with("fsync(");
        if rest.starts_with("<... fdatasync resumed>") || rest.starts_with("<... fsync resumed>") {
            if begun.remove(thread) == Some(true) && rest.ends_with("= 0") {
                calls.push(Call::Synced);
            }
        } else if sync && rest.ends_with("<unfinished ...>") {
            begun.insert(thread, wal);
        } else if sync && wal && rest.ends_with("= 0") {
            calls.push(Call::Synced);
        } else if rest.starts_with("pwrite64(") && wal {
            calls.push(Call::Write);
        } else if rest.contains("TCP:[") && rest.contains(ack) {
            calls.push(Call::Ack);
        }
    }
    calls
}

fn strace() -> bool {
    Command::new("strace").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

#[tokio::test]
async fn every_ack_follows_a_sync_of_what_it_acknowledges() {
    if !strace() {
        assert!(std::env::var_os("RAIDCAST_TEST_ALL").is_none(), "strace is missing: apt-get install strace");
        println!("SKIPPED: strace is missing (apt-get install strace), so the kernel was not watched");
        return;
    }
    let run = Run::new(&client());
    let log = run.path("strace.log");
    // With -D the relay is the child, and the watcher ends with it.
    let mut strace = Command::new("strace");
    strace.args(["-D", "-f", "-q", "-yy", "-x", "-s", "64", "-e"]);
    strace.arg("trace=fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg").arg("-o").arg(&log).arg(RELAY);
    let mut relay = run.relay_under(&mut strace);
    let mut uploader = run.uploader(hello()).await;
    let fight = Script::new(40, 2);
    let begun = uploader.begin(&fight).await;
    for delta in &fight.deltas {
        // One at a time: what is written before its Ack is this delta's.
        uploader.send(&UplinkFrame::Delta(DeltaFrame { h: begun.h, delta: delta.clone() })).await;
        uploader.acked(delta.seq).await;
    }
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    relay.kill();
    let told = || std::fs::read_to_string(&log).expect("strace wrote its log");
    becomes("the end of strace's log", async || told().trim_end().ends_with("+++")).await;
    check(&told(), fight.deltas.len());
}

fn check(log: &str, acks: usize) {
    let calls = calls(log);
    let mut acked = 0;
    let (mut written, mut synced) = (false, false);
    for (at, call) in calls.iter().enumerate() {
        match call {
            Call::Write => (written, synced) = (true, false),
            Call::Synced => synced = written,
            Call::Ack => {
                assert!(
                    written && synced,
                    "Ack {} went out before its delta was on disk: {:?}",
                    acked + 1,
                    &calls[..=at]
                );
                acked += 1;
                (written, synced) = (false, false);
            }
        }
    }
    assert!(acked >= acks, "{acked} Acks of {acks} were seen in {} calls", calls.len());
}

#[test]
fn a_missing_sync_would_be_seen() {
    let write = r#"7 pwrite64(9</d/raidcast.db-wal>, "\x01", 1, 0) = 1"#;
    let sync = "7 fdatasync(9</d/raidcast.db-wal>) = 0";
    let ack = r#"8 sendto(12<TCP:[127.0.0.1:1->127.0.0.1:2]>, "\x82\xa1\x74\xa3\x61\x63\x6b", 7, 0, NULL, 0) = 7"#;
    check(&[write, sync, ack].join("\n"), 1);
    let halves = ["7 fdatasync(9</d/raidcast.db-wal> <unfinished ...>", ack, "7 <... fdatasync resumed>) = 0"];
    for early in [vec![write, ack], vec![write, sync, write, ack], [&[write], &halves[..]].concat(), vec![sync, ack]] {
        assert!(std::panic::catch_unwind(|| check(&early.join("\n"), 1)).is_err(), "{early:?}");
    }
}
