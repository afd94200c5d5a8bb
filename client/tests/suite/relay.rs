//! A relay of a hundred lines: it checks and folds what comes like the real one, and misbehaves when told to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use raidcast_shared::checksum::Checksum;
use raidcast_shared::codec;
use raidcast_shared::columns::ColumnMap;
use raidcast_shared::fold::{CheckError, EncounterState, Gate};
use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::limits::UPLINK_FRAME_BYTES_MAX;
use raidcast_shared::uplink::{
    Begun, Delta, Ending, Held, Hello, NamesPolicy, Refused, RefusedCode, RefusedScope, ReportState, SUBPROTOCOL,
    UplinkFrame, UplinkReply, Visibility, Welcome, WireLimits,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

pub(crate) const KEY: &str = "a-long-enough-key";
/// A key that the relay knows, and that may not upload.
pub(crate) const READING_KEY: &str = "a-key-that-reads-alone";

/// What the relay holds of a fight.
pub(crate) struct Fight {
    pub(crate) stream: StreamId,
    pub(crate) state: EncounterState,
    gate: Gate,
    pub(crate) ending: Option<Ending>,
    pub(crate) begins: u32,
}

/// What the relay holds, and how it behaves.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) fights: HashMap<EncounterId, Fight>,
    pub(crate) hellos: Vec<Hello>,
    /// Who may see raids, as somebody has set it by hand: until a client says something else than it said before.
    pub(crate) by_hand: Option<Visibility>,
    /// Names and delay that Welcome says are in force; a relay of before says nothing of them.
    pub(crate) shows: Option<(NamesPolicy, u32)>,
    pub(crate) deltas: u64,
    /// Deltas that were held already when they came.
    pub(crate) repeated: u64,
    /// Fights that were thrown away.
    pub(crate) discarded: u64,
    /// Readings that took the place of another.
    pub(crate) replaced: u64,
    pub(crate) heartbeats: u64,
    /// The connection is cut after each so many deltas; 0: never.
    pub(crate) cut_every: u64,
    /// So many deltas are refused because the store does not take writes.
    pub(crate) store_fails: u64,
    /// End is not answered.
    pub(crate) mute_end: bool,
    /// Readings that were begun beside one that is held: each takes its place with its first delta.
    pub(crate) candidates: HashMap<EncounterId, Fight>,
    /// Begins of these are refused for good, with this code.
    pub(crate) refused: HashMap<EncounterId, RefusedCode>,
    /// When such a one may be begun, if that is told.
    pub(crate) refused_retry_ms: Option<u32>,
    /// Begins that were answered.
    pub(crate) begins: u64,
    /// The next connection is turned away with this code once a delta came.
    pub(crate) turn_away: Option<RefusedCode>,
    /// So many Begins are not answered.
    pub(crate) mute_begins: u32,
    /// Every delta is said to add up to something else here.
    pub(crate) sums_differ: bool,
    /// Every delta that came, by its reading and seq.
    sent: HashMap<(StreamId, u64), Delta>,
    /// Deltas that were not what came before under the same seq of the same reading.
    pub(crate) remade: u64,
    /// What is held is said to add up to this.
    pub(crate) held_sums: Option<Checksum>,
    /// The key is not known any more, and every connection is cut.
    pub(crate) key_forgotten: bool,
    /// So long every answer takes.
    pub(crate) slow: Duration,
    /// Connections that are open, or of which something is still to be read.
    pub(crate) connections: usize,
}

/// Tells those who wait that something is new.
#[derive(Clone, Default)]
pub(crate) struct News(watch::Sender<()>);

impl News {
    pub(crate) fn tell(&self) {
        self.0.send_replace(());
    }

    /// Waits until something is so, for a minute at most: it looks once, and again whenever something is new.
    pub(crate) async fn until(&self, so: impl Fn() -> bool) {
        let mut news = self.0.subscribe();
        let coming = async {
            while !so() {
                news.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_mins(1), coming).await.expect("it comes to be");
    }
}

#[derive(Clone)]
pub(crate) struct Relay {
    pub(crate) url: String,
    memory: Arc<Mutex<Memory>>,
    news: News,
}

impl Relay {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let relay = Self { url, memory: Arc::default(), news: News::default() };
        let serving = relay.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move {
                    serving.memory().connections += 1;
                    serving.clone().converse(stream).await;
                    serving.memory().connections -= 1;
                    serving.news.tell();
                });
            }
        });
        relay
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    /// Waits until something is so of what it holds, for a minute at most.
    pub(crate) async fn until(&self, so: impl Fn(&Memory) -> bool) {
        self.news.until(|| so(&self.memory())).await;
    }

    async fn converse(self, stream: TcpStream) {
        #[allow(clippy::result_large_err, reason = "tungstenite's own")]
        let check = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
            if header("x-api-key") == Some(READING_KEY) {
                let told = r#"{"code":"forbidden","message":"it lacks the scope `upload`. Use another"}"#;
                let mut refused = ErrorResponse::new(Some(told.into()));
                *refused.status_mut() = http_status(403);
                return Err(refused);
            }
            if header("x-api-key") != Some(KEY) || self.memory().key_forgotten {
                let mut refused = ErrorResponse::new(Some(r#"{"code":"unauthorized","message":"no such key"}"#.into()));
                *refused.status_mut() = http_status(401);
                return Err(refused);
            }
            assert_eq!(header("sec-websocket-protocol"), Some(SUBPROTOCOL));
            response.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL.parse().unwrap());
            Ok(response)
        };
        let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, check).await else { return };
        let mut handles: Vec<(EncounterId, StreamId)> = Vec::new();
        while let Some(Ok(message)) = socket.next().await {
            let Message::Binary(bytes) = message else { continue };
            let frame = codec::decode(&bytes, UPLINK_FRAME_BYTES_MAX).unwrap();
            let slow = self.memory().slow;
            if !slow.is_zero() {
                // It is slow: that is what the test asks of it.
                tokio::time::sleep(slow).await;
            }
            let (replies, cut) = self.memory().answer(frame, &mut handles);
            self.news.tell();
            for reply in replies {
                if socket.send(Message::Binary(codec::encode(&reply).into())).await.is_err() {
                    return;
                }
            }
            if cut || self.memory().key_forgotten {
                return;
            }
        }
    }
}

fn http_status(code: u16) -> tokio_tungstenite::tungstenite::http::StatusCode {
    code.try_into().unwrap()
}

impl Memory {
    fn answer(&mut self, frame: UplinkFrame, handles: &mut Vec<(EncounterId, StreamId)>) -> (Vec<UplinkReply>, bool) {
        let url = |enc: EncounterId| format!("http://relay/report/{enc}");
        let one = |reply| (vec![reply], false);
        match frame {
            UplinkFrame::Hello(hello) => {
                let said = |hello: &Hello| (hello.visibility, hello.report_visibility);
                if self.hellos.last().is_some_and(|last| said(last) != said(&hello)) {
                    self.by_hand = None;
                }
                let is_private = self.by_hand.unwrap_or(hello.visibility) == Visibility::Private;
                self.hellos.push(hello);
                one(UplinkReply::Welcome(Welcome {
                    v: 1,
                    raid: "code".into(),
                    raid_url: format!("http://relay/raid/code{}", if is_private { "?ticket=t" } else { "" }),
                    channel_url: "http://relay/live/me".into(),
                    limits: WireLimits::default(),
                    names: self.shows.map(|(names, _)| names),
                    delay_s: self.shows.map(|(_, delay_s)| delay_s),
                }))
            }
            UplinkFrame::Begin(begin) => {
                if self.mute_begins > 0 {
                    self.mute_begins -= 1;
                    return (Vec::new(), false);
                }
                if let Some(code) = self.refused.get(&begin.enc) {
                    return one(UplinkReply::Refused(Refused {
                        code: *code,
                        text: "not this one".into(),
                        scope: RefusedScope::Encounter,
                        retry_ms: self.refused_retry_ms,
                        h: None,
                        enc: Some(begin.enc),
                    }));
                }
                self.begins += 1;
                let h = handles.len() as u32;
                handles.push((begin.enc, begin.stream));
                let held = self.fights.get(&begin.enc).filter(|held| held.state.seq() > 0).map(|held| Held {
                    stream: held.stream,
                    seq: held.gate.seq(),
                    state: if held.ending.is_some() { ReportState::Final } else { ReportState::Live },
                    events: held.state.events(),
                    checksum: self.held_sums.unwrap_or_else(|| held.state.checksum()),
                    sums: !held.state.header().knows.hits,
                });
                let begins = self.fights.get(&begin.enc).map_or(0, |held| held.begins) + 1;
                if held.as_ref().is_none_or(|held| held.stream != begin.stream) {
                    let state = EncounterState::new(begin.header, ColumnMap::own());
                    let gate = Gate::new(state.header()).unwrap();
                    let fight = Fight { stream: begin.stream, state, gate, ending: None, begins };
                    if held.is_some() {
                        self.candidates.insert(begin.enc, fight);
                    } else {
                        self.fights.insert(begin.enc, fight);
                    }
                }
                let answer = Begun { h, enc: begin.enc, report: begin.enc.to_string(), url: url(begin.enc), held };
                one(UplinkReply::Begun(answer))
            }
            UplinkFrame::Delta(frame) => {
                let h = frame.h;
                let (enc, stream) = handles[h as usize];
                if let Some(code) = self.turn_away.take() {
                    let refused = Refused {
                        code,
                        text: "another one speaks for this raid".into(),
                        scope: RefusedScope::Connection,
                        retry_ms: None,
                        h: None,
                        enc: None,
                    };
                    return (vec![UplinkReply::Refused(refused)], true);
                }
                if self.fights.get(&enc).is_none_or(|held| held.stream != stream) && !frame.delta.is_heartbeat() {
                    let Some(candidate) = self.candidates.remove(&enc).filter(|held| held.stream == stream) else {
                        return one(UplinkReply::Refused(Refused {
                            code: RefusedCode::UnknownHandle,
                            text: "this reading gave way to another: send Begin again".into(),
                            scope: RefusedScope::Encounter,
                            retry_ms: None,
                            h: Some(h),
                            enc: Some(enc),
                        }));
                    };
                    self.fights.insert(enc, candidate);
                    self.replaced += 1;
                }
                let fight = self.fights.get_mut(&enc).unwrap();
                if frame.delta.is_heartbeat() {
                    self.heartbeats += 1;
                    return (Vec::new(), false);
                }
                if self.store_fails > 0 {
                    self.store_fails -= 1;
                    return one(UplinkReply::Refused(Refused {
                        code: RefusedCode::StoreUnavailable,
                        text: "the disk is full".into(),
                        scope: RefusedScope::Frame,
                        retry_ms: Some(50),
                        h: Some(h),
                        enc: None,
                    }));
                }
                let known = self.sent.entry((stream, frame.delta.seq)).or_insert_with(|| frame.delta.clone());
                self.remade += u64::from(*known != frame.delta);
                self.deltas += 1;
                let cut = self.cut_every > 0 && self.deltas.is_multiple_of(self.cut_every);
                match fight.gate.check(&frame.delta) {
                    Ok(checked) => fight.state.apply(&checked),
                    Err(CheckError::Held { .. }) => self.repeated += 1,
                    Err(CheckError::Gap { expected, .. }) => return one(UplinkReply::Rewind { h, q: expected }),
                    Err(error) => panic!("{error}"),
                }
                if let Some(checksum) = frame.delta.checksum {
                    assert_eq!(checksum, fight.state.checksum());
                }
                // A cut may come before the acknowledgement.
                if cut {
                    return (Vec::new(), true);
                }
                let mut replies = vec![UplinkReply::Ack { h, q: fight.gate.seq() }];
                if self.sums_differ {
                    replies.push(UplinkReply::Refused(Refused {
                        code: RefusedCode::ChecksumDiffers,
                        text: "the sums differ".into(),
                        scope: RefusedScope::Frame,
                        retry_ms: None,
                        h: Some(h),
                        enc: Some(enc),
                    }));
                }
                (replies, false)
            }
            UplinkFrame::End(end) => {
                let (enc, _) = handles[end.h as usize];
                let fight = self.fights.get_mut(&enc).unwrap();
                assert_eq!(end.ending.last_seq, fight.gate.seq());
                assert_eq!(end.ending.checksum, fight.state.checksum());
                fight.ending = Some(end.ending);
                if self.mute_end {
                    return (Vec::new(), false);
                }
                one(UplinkReply::Finalized {
                    enc,
                    report: enc.to_string(),
                    url: url(enc),
                    state: ReportState::Final,
                    rev: 1,
                })
            }
            UplinkFrame::Probe { clock } => one(UplinkReply::Echo { clock, relay_ms: 0 }),
            UplinkFrame::Discard { enc } => {
                self.discarded += 1;
                self.fights.remove(&enc);
                self.candidates.remove(&enc);
                (Vec::new(), false)
            }
            UplinkFrame::Idle { .. } | UplinkFrame::Unknown => (Vec::new(), false),
        }
    }
}
