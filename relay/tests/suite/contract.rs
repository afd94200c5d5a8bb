//! A relay that is asked all that its description allows, and much that it does not, answers only what the description
//! says. What asks is schemathesis, which `cargo xtask test` installs below `target`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use raidcast_relay::limits::EdgeLimits;
use serde_json::{Value, json};

use crate::encounters::{PATH, encounter};
use crate::raw::ask;
use crate::script::{KEY, Script, TestRelay, Uploader, hello};
use crate::uploads::{fight, ids, post};

/// Cases of an operation that are made up, besides those that follow from its description.
const EXAMPLES: &str = "10";
/// In this time, s, a debug build on a busy machine reads the largest body that is made up.
const ANSWERED_S: &str = "60";
/// What is made up is the same in each run.
const SEED: &str = "20";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Takes the bounds of lists of objects out of a description: those of fights that are uploaded whole, of their players,
/// bosses and hits. To try a bound schemathesis makes up as many entries, with full lists in each, which takes it longer
/// than all else together. That each is taken to its last entry and no further is tested where bodies are read:
/// `limits_hold_to_the_last_one` and what is beside it in `raidcast-ingest`.
fn without_bounds(part: &mut Value) {
    match part {
        Value::Object(fields) => {
            if fields.get("items").is_some_and(|items| items.get("$ref").is_some()) {
                fields.remove("maxItems");
            }
            fields.values_mut().for_each(without_bounds);
        }
        Value::Array(entries) => entries.iter_mut().for_each(without_bounds),
        _ => {}
    }
}

/// Limits of addresses have tests of their own: here one address asks some thousand times, also with wrong keys.
fn unhurried() -> EdgeLimits {
    EdgeLimits {
        requests_burst: 1 << 20,
        requests_per_s: 1 << 20,
        uploads_per_address_hour: 1 << 20,
        sent_kib_burst: 1 << 20,
        sent_kib_per_s: 1 << 20,
        wrong_keys_per_minute: 1 << 20,
        begins_burst: 1 << 20,
        begins_per_key_minute: 1 << 20,
        fights_per_key_day: 1 << 20,
        bytes_per_key_day: 1 << 40,
        ..EdgeLimits::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_answers_what_its_description_says_and_nothing_else() {
    let schemathesis = root().join("target/schemathesis/bin/schemathesis");
    if !schemathesis.is_file() {
        println!("SKIPPED: {} is missing: `cargo xtask test` installs it", schemathesis.display());
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_limited(data.path(), unhurried()).await;
    // Something to be found: fights of all forms, one of them live.
    for (local, with_times) in [(100, true), (101, false)] {
        let body = encounter(local, with_times).to_string();
        let answer = post(&relay, &format!("{PATH}?visibility=public"), KEY, &[], body.as_bytes()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    ids(&relay, KEY, &[fight(200, true), json!("no fight at all")]).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, hello()).await;
    let script = Script::new(3, 2);
    let begun = uploader.begin(&script).await;
    uploader.deltas(begun.h, &script.deltas).await;
    let channel = uploader.welcome.channel_url.rsplit('/').next().unwrap().to_owned();

    let (status, mut description) = relay.get("/api/v1/openapi.json").await;
    assert_eq!(status, 200);
    without_bounds(&mut description);
    let described = data.path().join("described.json");
    std::fs::write(&described, description.to_string()).unwrap();

    let mut command = Command::new(schemathesis);
    command
        .current_dir(data.path())
        .arg("--config-file")
        .arg(root().join("relay/tests/schemathesis.toml"))
        .args(["--no-color", "run", "--url", &relay.url, "--checks", "all"])
        .arg(described)
        .args(["--max-examples", EXAMPLES, "--seed", SEED, "--request-timeout", ANSWERED_S])
        .env("RAIDCAST_KEY", KEY)
        .env("RAIDCAST_REPORT", &begun.report)
        .env("RAIDCAST_RAID", &uploader.welcome.raid)
        .env("RAIDCAST_CHANNEL", channel)
        .stdin(Stdio::null());
    let told = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    println!("{text}");
    assert!(told.status.success(), "{text}\n{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(ask(&relay, "GET /health", &[]).await.status, 200);
    relay.stop().await;
}
