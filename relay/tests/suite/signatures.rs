//! Signed uploads: what is signed with the key's secret is shown as verified, and what is not is refused and leaves no trace.

use std::io::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use raidcast_shared::id::hex;
use raidcast_shared::uplink::{Outcome, ReportState, UplinkFrame, UplinkReply};
use raidcast_store::JobKind;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::encounters::{PATH, encounter};
use crate::raw::{Answer, becomes};
use crate::script::{KEY, SIGN_KEY, SIGNING_SECRET, Script, TestRelay, Uploader};
use crate::uploads::{on_every_database, post};

/// The HMAC of a body under a secret, as an uploader makes it.
fn mac(secret: &str, time: impl std::fmt::Display, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    hex(&mac.finalize().into_bytes())
}

fn header(time_s: i64, body: &[u8]) -> String {
    format!("t={time_s},v1={}", mac(SIGNING_SECRET, time_s, body))
}

fn public(local: i64) -> Vec<u8> {
    encounter(local, true).to_string().into_bytes()
}

async fn send_as(relay: &TestRelay, key: &str, signature: &str, body: &[u8]) -> Answer {
    let line = format!("X-Raidcast-Signature: {signature}");
    post(relay, &format!("{PATH}?visibility=public"), key, &[&line], body).await
}

async fn send(relay: &TestRelay, signature: &str, body: &[u8]) -> Answer {
    send_as(relay, SIGN_KEY, signature, body).await
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"))
}

async fn listed(relay: &TestRelay) -> Vec<Value> {
    let (status, list) = relay.get("/api/v1/reports").await;
    assert_eq!(status, 200, "{list}");
    list["reports"].as_array().unwrap().clone()
}

/// Refused so, and nothing else changed.
async fn refused(relay: &TestRelay, sent: (&str, &str, &[u8]), code: &str, says: &str) {
    let (key, signature, body) = sent;
    let before = listed(relay).await;
    let answer = send_as(relay, key, signature, body).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, code), "{signature}: {answer:?}");
    assert!(answer.body.contains(says), "{answer:?}");
    assert_eq!(listed(relay).await, before, "{signature}");
}

#[tokio::test]
async fn what_is_signed_is_shown_as_verified_and_what_is_not_as_it_was() {
    on_every_database(async |relay| {
        relay.pass_ms(5_000);
        let (signed, unsigned) = (public(100), public(101));
        let receipt = json_of(&send(&relay, &header(relay.now_s(), &signed), &signed).await);
        assert_eq!(receipt["verified"], true, "{receipt}");
        let plain = post(&relay, &format!("{PATH}?visibility=public"), SIGN_KEY, &[], &unsigned).await;
        assert_eq!((plain.status, &json_of(&plain)["verified"]), (201, &json!(false)), "{plain:?}");
        let relay = relay.restart().await;
        relay.pass_ms(1_000);
        let mut shown: Vec<_> = listed(&relay).await.iter().map(|line| line["verified"].as_bool().unwrap()).collect();
        shown.sort_unstable();
        assert_eq!(shown, [false, true]);
        let report_id = receipt["reportId"].as_str().unwrap();
        assert!(relay.report(report_id).await.verified);
        let (_, part) = relay.get(&format!("/api/v1/reports/{report_id}?from=0&to=2000")).await;
        assert_eq!(part["verified"], true, "a part of it was signed with the whole");
        // What is held stays as it came, however it comes again.
        let again = post(&relay, PATH, KEY, &[], &signed).await;
        assert_eq!((again.status, &json_of(&again)["verified"]), (200, &json!(true)), "{again:?}");
        let again = send(&relay, &header(relay.now_s(), &unsigned), &unsigned).await;
        assert_eq!((again.status, &json_of(&again)["verified"]), (200, &json!(false)), "{again:?}");
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_signature_that_is_not_good_is_refused_and_nothing_changes() {
    on_every_database(async |relay| {
        relay.pass_ms(1_000_000);
        let (now_s, kept, body) = (relay.now_s(), public(100), public(101));
        let used = header(now_s, &kept);
        assert_eq!(send(&relay, &used, &kept).await.status, 201);
        let good = header(now_s, &body);
        let moved = good.replace(&format!("t={now_s}"), &format!("t={}", now_s + 1));
        let other = format!("t={now_s},v1={}", mac("another-signing-secret-of-32-characters", now_s, &body));
        let (old, new, first) = (header(now_s - 301, &body), header(now_s + 412, &body), header(now_s - 1_000, &body));
        for (key, signature, sent, code, says) in [
            (SIGN_KEY, good.as_str(), public(102), "signature_wrong", "the very bytes"),
            (SIGN_KEY, &good, [&body[..], b" "].concat(), "signature_wrong", "a dot"),
            (SIGN_KEY, &moved, body.clone(), "signature_wrong", "signing secret"),
            (SIGN_KEY, &other, body.clone(), "signature_wrong", "signing secret"),
            (SIGN_KEY, &used, kept.clone(), "signature_used", "sign each request anew"),
            (SIGN_KEY, &old, body.clone(), "signature_too_old", "301 s ago"),
            (SIGN_KEY, &first, body.clone(), "signature_too_old", "1000 s ago"),
            (SIGN_KEY, &new, body.clone(), "signature_too_new", "412 s from now"),
            (KEY, &good, body.clone(), "signature_unknown", "no signing secret"),
        ] {
            refused(&relay, (key, signature, &sent), code, says).await;
        }
        for malformed in [
            "",
            "sha256=00",
            &format!("t={now_s}"),
            &good.replace("t=", "at="),
            &good.replace("v1=", "v2="),
            &good[..good.len() - 1],
            &format!("{good}0"),
            &format!("t={now_s},{good}"),
            &format!("{good}{}", ",v1=".to_owned() + &"0".repeat(63)),
            &format!("{good}{}", format!(",v1={}", "0".repeat(64)).repeat(4)),
            &good.replace(',', ";"),
            &format!("t={now_s},v1={}", "+f".repeat(32)),
        ] {
            refused(&relay, (SIGN_KEY, malformed, &body), "signature_malformed", "64 hexadecimal digits").await;
        }
        // A key that is none is told so, whatever is signed. And none of all this has used the good one up.
        let stranger = send_as(&relay, "wrong", &good, &body).await;
        assert_eq!((stranger.status, stranger.code().as_str()), (401, "unauthorized"));
        assert_eq!(send(&relay, &good, &body).await.status, 201);
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_signature_is_good_once_also_after_a_restart() {
    on_every_database(async |relay| {
        relay.pass_ms(5_000);
        let body = public(100);
        let signature = header(relay.now_s(), &body);
        assert_eq!(send(&relay, &signature, &body).await.status, 201);
        refused(&relay, (SIGN_KEY, &signature, &body), "signature_used", "sign each request anew").await;
        let relay = relay.restart().await;
        refused(&relay, (SIGN_KEY, &signature, &body), "signature_forgotten", "sign again").await;
        relay.pass_ms(2_000);
        refused(&relay, (SIGN_KEY, &signature, &body), "signature_forgotten", "sign again").await;
        assert_eq!(send(&relay, &header(relay.now_s(), &body), &body).await.status, 200);
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_signature_of_a_time_to_come_is_good_once_also_after_a_restart() {
    on_every_database(async |relay| {
        relay.pass_ms(5_000);
        let body = public(100);
        let ahead = |relay: &TestRelay| header(relay.now_s() + 200, &body);
        let signature = ahead(&relay);
        assert_eq!(send(&relay, &signature, &body).await.status, 201);
        let relay = relay.restart().await;
        relay.pass_ms(2_000);
        refused(&relay, (SIGN_KEY, &signature, &body), "signature_forgotten", "sign again").await;
        relay.pass_ms(10_000);
        assert_eq!(send(&relay, &ahead(&relay), &body).await.status, 200, "his clock goes on");
        relay.pass_ms(200_000);
        refused(&relay, (SIGN_KEY, &signature, &body), "signature_forgotten", "sign again").await;
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn one_of_several_signatures_is_enough_and_what_is_signed_is_what_was_sent() {
    on_every_database(async |relay| {
        relay.pass_ms(5_000);
        let now_s = relay.now_s();
        // While its uploader changes from one secret to another.
        let body = public(100);
        let next = mac("the-signing-secret-of-tomorrow-is-long", now_s, &body);
        let both = format!("t={now_s},v1={next},v1={},v2=later", mac(SIGNING_SECRET, now_s, &body));
        assert_eq!(json_of(&send(&relay, &both, &body).await)["verified"], true);
        // A packed body is signed as it is sent, and not as it unfolds.
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&public(101)).unwrap();
        let packed = encoder.finish().unwrap();
        for (signature, status) in [(header(now_s, &public(101)), 401), (header(now_s, &packed), 201)] {
            let lines = ["content-encoding: gzip", &format!("x-raidcast-signature: {signature}")];
            assert_eq!(post(&relay, PATH, SIGN_KEY, &lines, &packed).await.status, status);
        }
        // One signature is of all encounters of its request.
        let mut wrong = encounter(103, true);
        wrong["durationMs"] = json!(0);
        let batch = json!([encounter(102, true), wrong, encounter(104, true)]).to_string().into_bytes();
        let results = json_of(&send(&relay, &header(now_s, &batch), &batch).await);
        let results = results["results"].as_array().unwrap();
        let of_each: Vec<_> = results.iter().map(|result| (&result["status"], &result["verified"])).collect();
        let (kept, refused) = ((&json!(201), &json!(true)), (&json!(400), &Value::Null));
        assert_eq!(of_each, [kept, refused, kept]);
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_reading_that_takes_the_place_of_another_says_for_itself_whether_it_was_signed() {
    on_every_database(async |relay| {
        relay.pass_ms(5_000);
        let sums = encounter(100, false).to_string().into_bytes();
        let mut partly = encounter(100, true);
        partly["players"][1]["damageSkills"][0].as_object_mut().unwrap().remove("timeline");
        let (partly, whole) = (partly.to_string().into_bytes(), public(100));
        let mut report_id = String::new();
        for (body, is_signed) in [(sums, true), (partly, false), (whole, true)] {
            let receipt = if is_signed {
                send(&relay, &header(relay.now_s(), &body), &body).await
            } else {
                post(&relay, PATH, KEY, &[], &body).await
            };
            let receipt = json_of(&receipt);
            assert_eq!(receipt["verified"], is_signed, "{receipt}");
            report_id = receipt["reportId"].as_str().unwrap().to_owned();
            assert_eq!(relay.report(&report_id).await.verified, is_signed);
            assert_eq!(listed(&relay).await[0]["verified"], is_signed);
        }
        assert_eq!(relay.report(&report_id).await.revision, 3);
        relay.stop().await;
    })
    .await;
}

/// What is streamed is not signed, whatever it takes the place of.
#[tokio::test]
async fn a_stream_that_takes_the_place_of_a_signed_upload_is_not_verified() {
    on_every_database(async |relay| {
        relay.pass_ms(5_000);
        let sums = encounter(1, false).to_string().into_bytes();
        let receipt = json_of(&send(&relay, &header(relay.now_s(), &sums), &sums).await);
        assert_eq!(receipt["verified"], true, "{receipt}");
        let mut uploader = Uploader::connect(&relay).await;
        let script = Script::new(20, 2);
        let begun = uploader.begin(&script).await;
        assert_eq!(receipt["reportId"], begun.report);
        uploader.deltas(begun.h, &script.deltas[..1]).await;
        let UplinkReply::Rewind { h, q: 1 } = uploader.reply().await else { panic!("it is fetched from the raid") };
        uploader.deltas(h, &script.deltas).await;
        uploader.acked(20).await;
        let report = relay.report(&begun.report).await;
        assert_eq!(
            (report.state, report.revision, report.verified),
            (ReportState::Final, 1, true),
            "until it has ended"
        );
        uploader.end(begun.h, &script, Outcome::Kill).await;
        let report = relay.report(&begun.report).await;
        assert_eq!((report.state, report.revision, report.verified), (ReportState::Final, 2, false));
        let raid = relay.get(&format!("/api/v1/raids/{}", report.raid)).await.1;
        assert_eq!(raid["reports"][0]["verified"], false, "{raid}");
        drop(uploader);
        let relay = relay.restart().await;
        assert!(!relay.report(&begun.report).await.verified);
        relay.stop().await;
    })
    .await;
}

/// It waits until the stream of its fight has ended, over a restart, too.
#[tokio::test]
async fn a_signed_upload_that_waits_is_verified_when_it_is_kept() {
    on_every_database(async |relay| {
        relay.pass_ms(5_000);
        let mut uploader = Uploader::connect(&relay).await;
        let script = Script::new(20, 2);
        let begun = uploader.begin(&script).await;
        uploader.deltas(begun.h, &script.deltas[..1]).await;
        uploader.acked(1).await;
        let body = public(1);
        let receipt = json_of(&send(&relay, &header(relay.now_s(), &body), &body).await);
        assert_eq!((&receipt["state"], &receipt["verified"]), (&json!("processing"), &json!(false)), "{receipt}");
        drop(uploader);
        let relay = relay.restart().await;
        let mut uploader = Uploader::connect(&relay).await;
        uploader.begin(&script).await;
        uploader.send(&UplinkFrame::Discard { enc: script.enc }).await;
        becomes("nothing waits", async || {
            relay.pass_ms(1_000);
            relay.store.jobs(JobKind::Reading).await.unwrap().count == 0
        })
        .await;
        let known = json_of(&post(&relay, PATH, KEY, &[], &body).await);
        assert_eq!((&known["state"], &known["verified"]), (&json!("ready"), &json!(true)), "{known}");
        relay.stop().await;
    })
    .await;
}
