//! Stands between client and relay and notes when which hit was acknowledged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use futures::{SinkExt as _, StreamExt as _};
use raidcast_relay::clock::Clock;
use raidcast_shared::codec;
use raidcast_shared::columns::ColumnMap;
use raidcast_shared::limits;
use raidcast_shared::uplink::{UplinkFrame, UplinkReply};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{accept_hdr_async, connect_async};

/// The headers of an uplink that say who asks for what.
const HEADERS: [&str; 2] = ["x-api-key", "sec-websocket-protocol"];

/// A delta with hits that the relay has acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acked {
    /// Its newest hit, ms since the fight began.
    pub(crate) last_ms: u32,
    pub(crate) hits: u32,
    /// When the acknowledgement passed, Unix ms.
    pub(crate) unix_ms: i64,
}

#[derive(Default)]
struct Seen {
    /// By seq: newest hit and hits of what is under way.
    sent: BTreeMap<u64, (u32, u32)>,
    acked: Vec<Acked>,
    finalized: bool,
}

/// A proxy for one client with one fight.
pub(crate) struct Link {
    /// Where the client finds it.
    pub(crate) port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Link {
    /// Starts it before the relay at a port.
    pub(crate) async fn start(relay: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let all = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, relay, Arc::clone(&all)));
            }
        });
        Ok(Self { port, seen })
    }

    /// What was acknowledged since the last call.
    pub(crate) fn take(&self) -> Vec<Acked> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner).acked)
    }

    /// The newest hit that was acknowledged and not taken.
    pub(crate) fn acked_ms(&self) -> Option<u32> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.acked.iter().map(|acked| acked.last_ms).max()
    }

    /// Whether the fight has its report.
    pub(crate) fn is_finalized(&self) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).finalized
    }
}

#[allow(clippy::result_large_err, reason = "the shape that the handshake asks for")]
async fn carry(client: TcpStream, relay: u16, seen: Arc<Mutex<Seen>>) -> Result<()> {
    client.set_nodelay(true)?;
    let mut request = format!("ws://127.0.0.1:{relay}/api/v1/uplink").into_client_request()?;
    let client = accept_hdr_async(client, |asked: &Request, mut answer: Response| {
        for name in HEADERS {
            if let Some(value) = asked.headers().get(name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        if let Some(protocol) = asked.headers().get(HEADERS[1]) {
            answer.headers_mut().insert(HEADERS[1], protocol.clone());
        }
        Ok(answer)
    })
    .await?;
    let (server, _) = connect_async(request).await?;
    let (mut to_client, mut from_client) = client.split();
    let (mut to_server, mut from_server) = server.split();
    let there = async {
        while let Some(message) = from_client.next().await {
            let message = message?;
            if let Message::Binary(bytes) = &message {
                note_sent(bytes, &seen)?;
            }
            to_server.send(message).await?;
        }
        anyhow::Ok(())
    };
    let back = async {
        let clock = Clock::system();
        while let Some(message) = from_server.next().await {
            let message = message?;
            if let Message::Binary(bytes) = &message {
                note_reply(bytes, clock.now_ms(), &seen)?;
            }
            to_client.send(message).await?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        ended = there => ended,
        ended = back => ended,
    }
}

fn note_sent(bytes: &[u8], seen: &Mutex<Seen>) -> Result<()> {
    let UplinkFrame::Delta(frame) = codec::decode(bytes, limits::UPLINK_FRAME_BYTES_MAX)? else { return Ok(()) };
    let delta = &frame.delta;
    let hits = ColumnMap::own().decode(delta.base_ms, delta.hits, &delta.columns).context("a delta of another kind")?;
    if let Some(last_ms) = hits.iter().map(|hit| hit.at_ms).max() {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.sent.insert(delta.seq, (last_ms, delta.hits));
    }
    Ok(())
}

fn note_reply(bytes: &[u8], unix_ms: i64, seen: &Mutex<Seen>) -> Result<()> {
    let reply = codec::decode(bytes, usize::MAX)?;
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    match reply {
        UplinkReply::Ack { q, .. } => {
            let waiting = seen.sent.split_off(&(q + 1));
            let acked = std::mem::replace(&mut seen.sent, waiting);
            let acked = acked.into_values().map(|(last_ms, hits)| Acked { last_ms, hits, unix_ms });
            seen.acked.extend(acked);
        }
        UplinkReply::Finalized { .. } => seen.finalized = true,
        _ => {}
    }
    Ok(())
}
