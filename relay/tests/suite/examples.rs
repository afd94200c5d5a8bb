//! The examples of `docs/examples` do what they say, with a real relay.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::script::{KEY, TestRelay};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Whether a program is there.
fn is_there(program: &str, what: &str) -> bool {
    let started = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_there = started.is_ok_and(|status| status.success());
    if !is_there {
        println!("SKIPPED: {program} is missing, so {what} was not run");
    }
    is_there
}

/// Runs an example to its end, and gives what it says.
async fn said(relay: &TestRelay, mut command: Command) -> String {
    command.env("RELAY", &relay.url).env("RAIDCAST_KEY", KEY).stdin(Stdio::null());
    let ran = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

/// The report that it names is there.
async fn lines(relay: &TestRelay, said: &str) -> Vec<String> {
    let mut lines: Vec<_> = said.lines().map(str::to_owned).collect();
    let report = lines.remove(0).strip_prefix("report ").unwrap().to_owned();
    assert_eq!(relay.report(&report).await.fight.totals.damage, 30);
    lines
}

#[tokio::test]
async fn the_example_in_curl() {
    if !is_there("curl", "the example in curl") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut sh = Command::new("sh");
    sh.arg(root().join("docs/examples/raidcast.sh"));
    let told = said(&relay, sh).await;
    assert_eq!(lines(&relay, &told).await, ["damage 30", "again 304"]);
    relay.stop().await;
}

#[tokio::test]
async fn the_example_in_python() {
    if !is_there("python3", "the example in Python") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut python = Command::new("python3");
    python.arg(root().join("docs/examples/raidcast.py"));
    let told = said(&relay, python).await;
    assert_eq!(lines(&relay, &told).await, ["Aeris 30 None", "again 304"]);
    relay.stop().await;
}

/// Takes the types out of a source, as newer Nodes do by themselves.
const WITHOUT_TYPES: &str = "const ts = require('typescript'); const fs = require('fs'); const [from, to] = \
     process.argv.slice(1); fs.writeFileSync(to, ts.transpileModule(fs.readFileSync(from, 'utf8'), \
     { compilerOptions: { module: 'ESNext', target: 'ES2022' } }).outputText);";

#[tokio::test]
async fn the_example_in_typescript() {
    if !is_there("node", "the example in TypeScript") {
        return;
    }
    let web = root().join("web");
    if !web.join("node_modules/typescript").is_dir() {
        println!("SKIPPED: web/node_modules is missing (npm ci), so the example in TypeScript was not run");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(&data.path().join("relay")).await;
    let examples = root().join("docs/examples");
    let made = data.path().join("raidcast.mjs");
    let mut compiler = Command::new("node");
    compiler.current_dir(&web).args(["--eval", WITHOUT_TYPES]).arg(examples.join("raidcast.ts")).arg(&made);
    said(&relay, compiler).await;
    std::fs::copy(examples.join("fight.json"), data.path().join("fight.json")).unwrap();
    let mut node = Command::new("node");
    node.arg(&made);
    let told = said(&relay, node).await;
    assert_eq!(lines(&relay, &told).await, ["Aeris 30 null", "again 304"]);
    relay.stop().await;
}
