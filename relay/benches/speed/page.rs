//! From the meter's commit to a spectator's frame, by cause.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::{SinkExt as _, StreamExt as _};
use raidcast::uploader;
use raidcast_meterkit::{Generation, MeterWriter, Script};
use raidcast_relay::clock::Clock;
use raidcast_relay::serve::Relay;
use raidcast_shared::codec;
use raidcast_shared::feed::{FeedFrame, FeedRequest, SUBPROTOCOL};
use raidcast_shared::limits;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_util::sync::CancellationToken;

use crate::store::{config, key};

/// The pace that is measured, ms.
const TICK_MS: f64 = 100.0;
/// The meter's commits, ms: no part of a tick, else one run has one phase of both clocks, and another run another.
const COMMIT_MS: u64 = 47;
/// How often the client looks, ms.
const POLL_MS: f64 = 25.0;

/// When each ms of the fight was committed.
type Commits = Arc<Mutex<BTreeMap<u32, i64>>>;

pub(crate) async fn measure(seconds: u32) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let relay = Relay::start(&config(&folder.path().join("relay"))).await?;
    let url = format!("http://{}", relay.addrs()[0]);
    let seen = raid(&url, &folder.path().join("raid"), seconds).await?;
    relay.stop().await;
    seen.print("a 20-player fight");
    let waits = POLL_MS / 2.0 + limits::GATHER_MS as f64 / 2.0 + TICK_MS / 2.0;
    println!("  its own waits, half of poll, gathering and tick {waits:6.0}");
    Ok(())
}

/// How long each step took, ms; the last is all of them.
pub(crate) struct Seen {
    parts: [Vec<f64>; 5],
}

impl Seen {
    pub(crate) fn print(&self, what: &str) {
        println!("{} ticks of {what}, ten a second", self.parts[4].len());
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        println!("  ms                                              p50     p99    mean");
        let names = [
            "commit to read by the client",
            "gathered, spooled, sent, received",
            "journal and tick",
            "encoded to the spectator",
            "commit to the spectator's frame",
        ];
        for (name, part) in names.iter().zip(&self.parts) {
            println!("  {name:<45} {:6.0}  {:6.0}  {:6.1}", at(part, 0.5), at(part, 0.99), mean(part));
        }
        let captured = self.captured();
        let (p50, p99) = (at(&captured, 0.5), at(&captured, 0.99));
        println!(
            "  {:<45} {p50:6.0}  {p99:6.0}  {:6.1}",
            "read by the client to the spectator's frame",
            mean(&captured)
        );
    }

    fn captured(&self) -> Vec<f64> {
        let [_, sent, ticked, encoded, _] = &self.parts;
        sent.iter().zip(ticked).zip(encoded).map(|((sent, ticked), encoded)| sent + ticked + encoded).collect()
    }

    /// From when the client has read it.
    pub(crate) fn captured_to_page(&self, share: f64) -> f64 {
        at(&self.captured(), share)
    }
}

fn at(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

/// Plays a fight through a meter, a client and a relay to a spectator.
pub(crate) async fn raid(url: &str, folder: &Path, seconds: u32) -> Result<Seen> {
    std::fs::create_dir_all(folder)?;
    let clock = Clock::system();
    let mut options = uploader::Options::new(url, key(), folder.join("client"));
    let db = folder.join("meter.db");
    options.db = Some(db.clone());
    let end = CancellationToken::new();
    let (told, mut changes) = mpsc::channel(1_024);
    let client = tokio::spawn(uploader::run(options, end.clone(), move |change| drop(told.try_send(change))));
    let fight = Script { started_at_ms: clock.now_ms(), ..Script::raid(1) }.fight();
    let mut writer = MeterWriter::open(&db, Generation::Aggregate).await?;
    let commits = Commits::default();
    let (noted, clock_of_writer) = (Arc::clone(&commits), clock.clone());
    let writing = tokio::spawn(async move {
        writer.begin(&fight).await?;
        let began = tokio::time::Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_millis(COMMIT_MS));
        while began.elapsed() < Duration::from_secs(seconds.into()) {
            ticks.tick().await;
            let ms = began.elapsed().as_millis() as u32;
            writer.advance_to(ms.into()).await?;
            noted.lock().unwrap_or_else(PoisonError::into_inner).insert(ms, clock_of_writer.now_ms());
        }
        writer.end().await
    });
    // The raid's code comes with the first fight's begin.
    let raid = loop {
        let change = changes.recv().await.context("the client ended")?;
        if let uploader::Change::Connected { raid, .. } = change {
            break raid;
        }
    };
    let mut request = format!("{}/api/v1/raids/{raid}/feed", url.replace("http", "ws")).into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL.parse()?);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
    socket.send(Message::Binary(codec::encode(&FeedRequest::Pace { ticks: 10 }).into())).await?;
    let mut parts: [Vec<f64>; 5] = Default::default();
    let (mut started_ms, mut captured) = (0, 0);
    while let Ok(Some(Ok(message))) = tokio::time::timeout(Duration::from_secs(5), socket.next()).await {
        let arrived = clock.now_ms();
        let Message::Binary(bytes) = message else { continue };
        let tick = match codec::decode::<FeedFrame>(&bytes, usize::MAX)? {
            FeedFrame::Keyframe(keyframe) => {
                started_ms = keyframe.fight.map_or(started_ms, |fight| fight.started_at_ms);
                continue;
            }
            FeedFrame::Tick(tick) => tick,
            _ => continue,
        };
        let Some(last_ms) = tick.head.as_ref().map(|head| head.last_ms) else { continue };
        if writing.is_finished() || started_ms == 0 || tick.times.0 == captured {
            continue;
        }
        captured = tick.times.0;
        let committed = {
            let commits = commits.lock().unwrap_or_else(PoisonError::into_inner);
            commits.range(last_ms..).next().map(|(_, at)| *at)
        };
        let Some(committed) = committed else { continue };
        let steps = [committed, tick.times.0, tick.times.1, tick.times.2, arrived];
        for (part, pair) in parts.iter_mut().zip(steps.windows(2)) {
            part.push((pair[1] - pair[0]) as f64);
        }
        parts[4].push((arrived - committed) as f64);
    }
    writing.await??;
    end.cancel();
    client.await??;
    Ok(Seen { parts })
}
