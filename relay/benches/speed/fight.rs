//! Deltas of a scripted fight as the real client makes them, and an uplink that sends them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use futures::{SinkExt as _, StreamExt as _};
use raidcast::header::header_of;
use raidcast::source::names::Names;
use raidcast::source::{AnySource, Cursor, Source as _, detect};
use raidcast_meterkit::{Fight, Generation, MeterWriter, write_all};
use raidcast_shared::checksum::Checksum;
use raidcast_shared::codec;
use raidcast_shared::encode::Encoder;
use raidcast_shared::event::SourceEvent;
use raidcast_shared::id::{EncounterId, RaidId, StreamId};
use raidcast_shared::uplink::{
    Agent, Begin, Begun, Delta, DeltaFrame, End, Ending, Header, Hello, NamesPolicy, Outcome, UplinkFrame, UplinkReply,
    Visibility,
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

/// A fight as it comes over the uplink.
pub(crate) struct Streamed {
    pub(crate) header: Header,
    pub(crate) deltas: Vec<Delta>,
    pub(crate) checksum: Checksum,
    pub(crate) hits: usize,
}

/// What the client makes of a fight, 100 ms of it in each delta.
pub(crate) async fn streamed(fight: &Fight) -> Result<Streamed> {
    let folder = tempfile::tempdir()?;
    let db = folder.path().join("meter.db");
    let mut writer = MeterWriter::open(&db, Generation::Aggregate).await?;
    write_all(&mut writer, fight).await?;
    writer.close().await?;
    read(&db)
}

fn read(db: &Path) -> Result<Streamed> {
    let found = detect::identify(db)?;
    let mut source = AnySource::open(&found, Arc::new(Names::default()))?;
    let fight = source.fights(-1, &[])?.into_iter().next().context("no fight was written")?;
    let header = header_of(&fight, source.knows());
    let mut encoder = Encoder::new(header.clone());
    let mut events = source.read_last(&fight, &Cursor::default())?.events;
    events.sort_by_key(SourceEvent::at_ms);
    let mut deltas = Vec::new();
    for span in events.chunk_by(|a, b| a.at_ms() / 100 == b.at_ms() / 100) {
        let captured_ms = span.last().map_or(0, |event| i64::from(event.at_ms()));
        deltas.extend(encoder.encode(span.to_vec(), captured_ms));
    }
    deltas.extend(encoder.finish(0));
    let hits = deltas.iter().map(|delta| delta.hits as usize).sum();
    Ok(Streamed { header, deltas, checksum: encoder.checksum(), hits })
}

/// An uplink.
pub(crate) struct Uplink {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) raid: String,
}

impl Uplink {
    pub(crate) async fn connect(url: &str, key: &str, raid: u128) -> Result<Self> {
        let mut request = format!("{}/api/v1/uplink", url.replace("http", "ws")).into_client_request()?;
        request.headers_mut().insert("x-api-key", key.parse()?);
        request.headers_mut().insert("sec-websocket-protocol", "raidcast.uplink.v1".parse()?);
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        let mut uplink = Self { socket, raid: String::new() };
        let agent = || Agent { name: "bench".into(), version: "1".into() };
        let hello = Hello {
            v: (1, 1),
            client: agent(),
            meter: agent(),
            raid: RaidId(Uuid::from_u128(raid)),
            secret: vec![1; 32],
            title: None,
            visibility: Visibility::Public,
            report_visibility: None,
            names: NamesPolicy::Full,
            delay_s: 0,
            history: false,
        };
        uplink.send(&UplinkFrame::Hello(hello)).await?;
        match uplink.reply().await? {
            UplinkReply::Welcome(welcome) => uplink.raid = welcome.raid,
            other => bail!("instead of Welcome: {other:?}"),
        }
        Ok(uplink)
    }

    async fn send(&mut self, frame: &UplinkFrame) -> Result<()> {
        Ok(self.socket.send(Message::Binary(codec::encode(frame).into())).await?)
    }

    async fn reply(&mut self) -> Result<UplinkReply> {
        loop {
            if let Message::Binary(bytes) = self.socket.next().await.context("the relay hung up")?? {
                return Ok(codec::decode(&bytes, usize::MAX)?);
            }
        }
    }

    pub(crate) async fn begin(&mut self, header: &Header, n: u128) -> Result<Begun> {
        let enc = EncounterId(Uuid::from_u128(n));
        let frame = Begin { enc, stream: StreamId(Uuid::from_u128(n)), header: header.clone() };
        self.send(&UplinkFrame::Begin(frame)).await?;
        loop {
            match self.reply().await? {
                UplinkReply::Begun(begun) => return Ok(begun),
                UplinkReply::Ack { .. } | UplinkReply::Finalized { .. } => {}
                other => bail!("instead of Begun: {other:?}"),
            }
        }
    }

    pub(crate) async fn deltas(&mut self, h: u32, deltas: &[Delta]) -> Result<()> {
        for part in deltas.chunks(64) {
            for delta in part {
                self.send(&UplinkFrame::Delta(DeltaFrame { h, delta: delta.clone() })).await?;
            }
            let last = part.last().map_or(0, |delta| delta.seq);
            loop {
                match self.reply().await? {
                    UplinkReply::Ack { q, .. } if q >= last => break,
                    UplinkReply::Ack { .. } => {}
                    other => bail!("instead of Ack: {other:?}"),
                }
            }
        }
        Ok(())
    }

    /// Ends the fight and waits for its report.
    pub(crate) async fn end(&mut self, h: u32, fight: &Streamed) -> Result<()> {
        let last_seq = fight.deltas.last().map_or(0, |delta| delta.seq);
        let (checksum, outcome) = (fight.checksum, Outcome::Kill);
        let ending = Ending { last_seq, ended_at_ms: None, outcome, checksum, meter: None };
        self.send(&UplinkFrame::End(End { h, ending })).await?;
        loop {
            match self.reply().await? {
                UplinkReply::Finalized { .. } => return Ok(()),
                UplinkReply::Ack { .. } => {}
                other => bail!("instead of Finalized: {other:?}"),
            }
        }
    }
}
