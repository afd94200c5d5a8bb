//! A relay whose certificate comes from an authority of one's own: the client speaks with it, in each of its ways, where
//! it is told to trust that authority, and in none where it is not.

use std::time::Duration;

use raidcast::pairing::{Pairing, PairingError};
use raidcast::socket::{Certificate, Outage};
use raidcast::trust::Trust;
use raidcast::uploader::{self, Change};
use raidcast_meterkit::{Generation, Script};
use tokio_util::sync::CancellationToken;

use crate::posted::{BEGAN_MS, options, write};
use crate::script::{TestRelay, soon};
use crate::secure::{key_file, pair};

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_where_that_is_said_and_only_there() {
    let dir = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_set(&dir.path().join("relay"), |config| config.tls = Some(pair("tls"))).await;
    let db = dir.path().join("meter.db");
    let fight = Script { started_at_ms: BEGAN_MS, duration_ms: 20_000, ..Script::raid(5) }.fight();
    write(&db, Generation::Aggregate, &[fight]).await;

    let Err(error) = Pairing::begin(&relay.url, "here", Trust::public()).await else { panic!("it is trusted") };
    let why = |outage: &Outage| matches!(outage, Outage::Certificate { why: Certificate::UnknownAuthority, .. });
    assert!(matches!(&error, PairingError::Outage(outage) if why(outage)), "{error:?}");
    let mut distrusting = options(dir.path(), &db, &relay, "distrusts").await;
    distrusting.until_idle = Some(Duration::from_secs(3));
    let (told, mut tell) = (CancellationToken::new(), Vec::new());
    let hears = |change: Change| {
        if matches!(&change, Change::Disconnected { why: outage, .. } if why(outage)) {
            told.cancel();
        }
        tell.push(format!("{change:?}"));
    };
    let run = uploader::run(distrusting, told.clone(), hears);
    soon("it is told", Box::pin(run)).await.unwrap();
    let sent = |line: &String| line.starts_with("Begun") || line.starts_with("Connected");
    assert!(told.is_cancelled() && !tell.iter().any(sent), "{tell:?}");

    let trust = || Trust::also(&key_file("tls-authority.pem")).unwrap();
    assert!(Trust::also(&key_file("tls.key")).is_err(), "a key is no certificate");
    Pairing::begin(&relay.url, "here", trust()).await.unwrap();
    for (over_http, state) in [(false, "streams"), (true, "posts")] {
        let options = uploader::Options { trust: trust(), ..options(dir.path(), &db, &relay, state).await };
        let mut uploaded = Vec::new();
        let hears = |change: Change| {
            if let Change::Uploaded { fight } = change {
                uploaded.push(fight.report_id);
            }
        };
        let never = CancellationToken::new();
        let summary = match over_http {
            true => uploader::post(options, never, hears).await,
            false => uploader::run(options, never, hears).await,
        };
        assert!(summary.unwrap().complete && uploaded.len() == 1, "{state}: {uploaded:?}");
    }
    relay.stop().await;
}
