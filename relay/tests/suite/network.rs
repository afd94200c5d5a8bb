//! The real client behind a network that cuts, stops in the middle of a frame, says things twice and swallows replies:
//! the report is that of a calm run, byte for byte but for its ids.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use raidcast_meterkit::{Fight, Generation, MeterWriter, Script, write_live};
use raidcast_shared::codec;
use raidcast_shared::report::Report;
use raidcast_shared::uplink::UplinkFrame;
use sqlx::{ConnectOptions, Connection};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use crate::process::{Chance, Run, client};

const SPEED: f64 = 12.0;

/// What the network did.
#[derive(Default)]
struct Done {
    cuts: AtomicU64,
    halves: AtomicU64,
    repeats: AtomicU64,
    swallowed: AtomicU64,
}

/// Stands between client and relay until dropped; calm with `wild` false.
async fn network(relay: u16, wild: bool, done: Arc<Done>) -> (u16, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serving = tokio::spawn(async move {
        let mut chance = Chance(77);
        while let Ok((stream, _)) = listener.accept().await {
            // The client has one connection: another comes when this one is over.
            let _ = conversation(stream, relay, wild, &mut chance, &done).await;
        }
    });
    (port, serving)
}

async fn conversation(
    stream: TcpStream,
    relay: u16,
    wild: bool,
    chance: &mut Chance,
    done: &Done,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut request = format!("ws://127.0.0.1:{relay}/api/v1/uplink").into_client_request()?;
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let copy = |from: &Request, mut answer: Response| -> Result<Response, ErrorResponse> {
        for name in ["x-api-key", "sec-websocket-protocol"] {
            if let Some(value) = from.headers().get(name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        if let Some(protocol) = from.headers().get("sec-websocket-protocol") {
            answer.headers_mut().insert("sec-websocket-protocol", protocol.clone());
        }
        Ok(answer)
    };
    let mut client = tokio_tungstenite::accept_hdr_async(stream, copy).await?;
    let (mut relay, _) = tokio_tungstenite::connect_async(request).await?;
    loop {
        tokio::select! {
            frame = client.next() => {
                let Some(Ok(frame)) = frame else { return Ok(()) };
                let Message::Binary(bytes) = &frame else { relay.send(frame).await?; continue };
                let hello = matches!(codec::decode(bytes, usize::MAX), Ok(UplinkFrame::Hello(_)));
                match if wild { chance.next(40) } else { 40 } {
                    // The cable is pulled before it, or when half of it is out.
                    0 => {
                        done.cuts.fetch_add(1, Ordering::Relaxed);
                        return Ok(());
                    }
                    1 if bytes.len() > 130 => {
                        done.halves.fetch_add(1, Ordering::Relaxed);
                        let mut half = vec![0x82, 0xfe, (bytes.len() >> 8) as u8, bytes.len() as u8, 0, 0, 0, 0];
                        half.extend_from_slice(&bytes[..bytes.len() / 2]);
                        relay.get_mut().write_all(&half).await?;
                        relay.get_mut().flush().await?;
                        return Ok(());
                    }
                    2..=9 if !hello => {
                        done.repeats.fetch_add(1, Ordering::Relaxed);
                        relay.send(frame.clone()).await?;
                        relay.send(frame).await?;
                    }
                    _ => relay.send(frame).await?,
                }
            }
            frame = relay.next() => {
                let Some(Ok(frame)) = frame else { return Ok(()) };
                // What the relay has done is done; the client never hears of it.
                if wild && frame.is_binary() && chance.next(30) == 0 {
                    done.swallowed.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                client.send(frame).await?;
            }
        }
    }
}

/// Lives the fight through behind a network; with `hold` another program holds the database as the fight ends.
async fn live(run: &Run, fight: &Fight, generation: Generation, hold: bool) -> Report {
    let _relay = run.relay();
    let mut watch = run.watch();
    let mut meter = MeterWriter::open(&run.path("meter.db"), generation).await.expect("a meter");
    write_live(&mut meter, fight, SPEED).await.expect("the meter writes");
    if hold {
        // The client's end of the fight is on its way now.
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(run.path("data/raidcast.db"));
        let mut other = options.connect().await.expect("the database opens");
        sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("it is held");
        // Longer than the store waits for it: the client is refused, and asks again.
        tokio::time::sleep(Duration::from_secs(8)).await;
        sqlx::query("ROLLBACK").execute(&mut other).await.expect("it is let go");
        other.close().await.expect("it closes");
    }
    let status = tokio::task::spawn_blocking(move || watch.0.wait()).await.expect("it is waited for");
    assert!(status.is_ok_and(|status| status.success()), "something is not on the relay: {}", run.said());
    run.report().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_survives_a_bad_network_byte_for_byte() {
    let client = client();
    let fight = Script::raid(3).fight();
    let (mut calm, mut wild) = (Run::new(&client), Run::new(&client));
    let (quiet, done) = (Arc::<Done>::default(), Arc::<Done>::default());
    let (port, _calm) = network(calm.port, false, Arc::clone(&quiet)).await;
    calm.client_port = port;
    let (port, _wild) = network(wild.port, true, Arc::clone(&done)).await;
    wild.client_port = port;
    let (undisturbed, disturbed) = tokio::join!(
        live(&calm, &fight, Generation::Aggregate, false),
        live(&wild, &fight, Generation::Aggregate, true),
    );
    assert_eq!(undisturbed.fight.totals.damage, fight.player_damage().cast_unsigned());
    assert_eq!(serde_json::to_string(&undisturbed).unwrap(), serde_json::to_string(&disturbed).unwrap());
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
    let told = [&done.cuts, &done.halves, &done.repeats, &done.swallowed].map(count);
    println!("cuts, halves, repeats, swallowed replies: {told:?}");
    assert!(told.iter().all(|times| *times > 0), "the network was too kind: {told:?}");
    assert_eq!(count(&quiet.cuts) + count(&quiet.repeats), 0);
}
