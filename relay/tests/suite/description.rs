//! What the API says of itself is what it does, and what is committed is what it says.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::raw::ask;
use crate::script::{KEY, TestRelay};

/// What is routed and answers no JSON: pages, text, WebSockets. The last is a second address of one that is described.
const BESIDE: [&str; 15] = [
    "/metrics",
    "/api/v1/upload",
    "/api/v1/raids/{code}/feed",
    "/api/v1/reports/{report_id}/feed",
    "/api/v1/reports/{report_id}/file",
    "/api/v1/live/{channel}/feed",
    "/api/v1/raids/{code}/combat-data/{contract}",
    "/api/v1/live/{channel}/combat-data/{contract}",
    "/raids/{code}/picture.png",
    "/reports/{id}/picture.png",
    "/live/{channel}/picture.png",
    "/downloads/{name}",
    "/encounter/{remote_id}",
    "/sign-in/{provider}/callback",
    "/api/v1/uplink",
];

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json")
}

#[test]
fn the_committed_description_is_that_of_the_router() {
    let text = serde_json::to_string_pretty(&raidcast_relay::router::description()).unwrap() + "\n";
    if std::env::var_os("RAIDCAST_WRITE_TYPES").is_some() {
        std::fs::write(committed(), &text).unwrap();
    }
    assert!(std::fs::read_to_string(committed()).unwrap_or_default() == text, "stale: run `cargo xtask types`");
}

#[tokio::test]
async fn the_description_is_served_once_to_who_has_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let request = "GET /api/v1/openapi.json";
    let served = ask(&relay, request, &[]).await;
    let committed: Value = serde_json::from_slice(&std::fs::read(committed()).unwrap()).unwrap();
    assert_eq!((served.status, served.header("content-type")), (200, Some("application/json")));
    assert_eq!(serde_json::from_str::<Value>(&served.body).unwrap(), committed);
    assert_eq!(served.header("access-control-allow-origin"), Some("*"), "pages of others may read it");
    let has = format!("If-None-Match: {}", served.header("etag").expect("a name").replace("w/", "W/"));
    let again = ask(&relay, request, &[&has]).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    relay.stop().await;
}

#[tokio::test]
async fn an_address_takes_the_methods_that_are_described_and_no_others() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let description = raidcast_relay::router::description();
    let key = format!("X-API-Key: {KEY}");
    for (path, item) in description["paths"].as_object().unwrap() {
        let mut described: Vec<_> = item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        if described.iter().any(|method| method == "GET") {
            described.push("HEAD".into());
        }
        described.sort();
        let named = path.replace(['{', '}'], "");
        let answer = ask(&relay, &format!("BREW {named}"), &[&key]).await;
        let allow = answer.header("allow").unwrap_or_else(|| panic!("{path} is not routed: {answer:?}"));
        let mut allowed: Vec<_> = allow.split(',').map(|method| method.trim().to_uppercase()).collect();
        allowed.sort();
        assert_eq!((answer.status, &allowed), (405, &described), "{path}");
    }
    relay.stop().await;
}

#[test]
fn what_is_routed_without_a_description_is_listed_here() {
    let source = include_str!("../../src/router.rs");
    let mut routed: Vec<_> =
        source.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default()).collect();
    routed.sort_unstable();
    let mut beside = BESIDE.to_vec();
    beside.sort_unstable();
    assert_eq!(routed, beside, "describe it where its handler stands, and route it by `routes!`");
}

#[test]
fn each_operation_has_a_name_of_its_own_a_summary_and_answers_that_are_described() {
    let description = raidcast_relay::router::description();
    let mut names = std::collections::BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} is there twice");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.keys().any(|status| status.starts_with('2')), "{method} {path}");
            for status in ["413", "429", "431", "500", "503"] {
                assert!(answers.contains_key(status), "{method} {path}: {status}");
            }
        }
    }
    // Whatever is referred to is there.
    let text = description.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap_or_default();
        assert!(description.pointer(pointer).is_some(), "{pointer}");
    }
}
