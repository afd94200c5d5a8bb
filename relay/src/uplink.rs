//! One uplink socket's conversation: bytes to frames, frames to the raid's task, replies back.
//!
//! First Hello, which attaches the socket to its raid; from then on all frames are the raid's. Deliberately not here:
//! what frames do to an encounter.

mod fights;
mod hello;
mod refusal;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use raidcast_shared::codec;
use raidcast_shared::limits as l;
use raidcast_shared::uplink::{
    Hello, Refused, RefusedCode, RefusedScope, SUBPROTOCOL, UplinkFrame, UplinkReply, VERSIONS, Welcome,
};
use raidcast_store::{AccountId, ShownTo};
use tokio::sync::mpsc;
use tracing::{Instrument as _, Span};

use crate::access::{Door, Until, Uploader};
use crate::context::Context;
use crate::edge::{Asked, Permit};
use crate::error::HttpError;
use crate::limits::{DISCARDS_BURST, FAREWELL_MS};
use crate::metrics::{FrameKind, Metrics};
use crate::quota::{Connected, Quota as KeyQuota, Spent, Taken};
use crate::raid::{Attach, RaidCommand, RaidHandle, RaidRegistry};

use self::fights::Fights;
use self::refusal::refusal;

/// Replies that wait for a client: two windows of frames. One that does not read them is dropped.
const REPLIES: usize = 2 * l::UNACKED_FRAMES_MAX;
/// tungstenite clears its read buffer before each read: keep it near a frame's usual size.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// Pings and pongs that a client may send at once; one a second after them.
const IDLE_FRAMES_BURST: u32 = 100;
/// A client may send malformed frames until this many; then the connection ends.
const MALFORMED_MAX: u32 = 100;

/// What uplinks share.
#[derive(Clone)]
pub struct Uplinks {
    /// Whose key it is.
    pub door: Door,
    /// Finds raids.
    pub registry: Arc<RaidRegistry>,
}

impl Uplinks {
    fn context(&self) -> &Arc<Context> {
        &self.registry.context
    }
}

/// `GET /api/v1/uplink`.
pub async fn upgrade(
    State(uplinks): State<Uplinks>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    ws: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, HttpError> {
    let (uploader, until) = uplinks.door.streamer(&headers).await?;
    let ws = ws.map_err(|_| HttpError::UpgradeRequired)?;
    let permits = (asked.socket()?, connect(&uplinks, uploader.account())?);
    let ws = ws
        .protocols([SUBPROTOCOL])
        .max_message_size(l::UPLINK_READ_BYTES_MAX)
        .max_frame_size(l::UPLINK_READ_BYTES_MAX)
        .read_buffer_size(READ_BUFFER_BYTES);
    let request = Span::current();
    Ok(ws.on_upgrade(move |socket| converse(uplinks, (uploader, until), permits, request, socket)))
}

/// A connection of the key's own, and where it comes by a proxy, one of its address's.
type Permits = (Option<Permit>, Connected);

fn connect(uplinks: &Uplinks, account: AccountId) -> Result<Connected, HttpError> {
    uplinks.context().quota.connect(account).ok_or_else(|| {
        let text = "this key has as many connections as one may have: close some of its clients".into();
        HttpError::TooMany { text, retry_s: 10 }
    })
}

/// Why a conversation ended.
enum Ended {
    /// The other end closed, or the socket broke, or nothing came for too long.
    Gone,
    /// Refused, after saying why.
    Refused(Refused),
}

/// What it says in the log it says for its request. Not all of it is done in that one's span: to enter it takes a lock,
/// and a frame takes none.
async fn converse(
    uplinks: Uplinks,
    (uploader, until): (Uploader, Until),
    _permits: Permits,
    request: Span,
    socket: WebSocket,
) {
    let (mut sink, stream) = socket.split();
    let mut stream = Frames::of(stream);
    let hello = tokio::time::timeout(Duration::from_millis(l::HELLO_MS_MAX), first_frame(&mut stream)).await;
    let metrics = &uplinks.context().metrics;
    let ended = match hello {
        Ok(Ok(hello)) => {
            metrics.frame(FrameKind::Hello);
            match attach(&uplinks, &uploader, hello).instrument(request.clone()).await {
                Ok(attached) => attached.run(&uplinks, (uploader.account(), until), &mut sink, &mut stream).await,
                Err(refused) => Ended::Refused(refused),
            }
        }
        Ok(Err(ended)) => ended,
        Err(_) => Ended::Refused(refusal(
            RefusedCode::HelloExpected,
            format!("no Hello within {} ms: send it first", l::HELLO_MS_MAX),
        )),
    };
    if let Ended::Refused(refused) = ended {
        request.in_scope(|| tracing::info!(code = ?refused.code, "an uplink was refused"));
        metrics.refused(refused.code);
        let reason = refused.text.clone();
        // Who is refused for the whole connection is told nothing that versions write differently.
        let said = sink.send(message(VERSIONS.0, &UplinkReply::Refused(refused)));
        let _ = tokio::time::timeout(Duration::from_millis(FAREWELL_MS), said).await;
        let mut reason = reason;
        reason.truncate((0..=120.min(reason.len())).rev().find(|at| reason.is_char_boundary(*at)).unwrap_or(0));
        let closed = sink.send(Message::Close(Some(CloseFrame { code: 1008, reason: reason.into() })));
        let _ = tokio::time::timeout(Duration::from_millis(FAREWELL_MS), closed).await;
    }
}

fn message(version: u16, reply: &UplinkReply) -> Message {
    Message::Binary(Bytes::from(codec::encode_for(version, reply)))
}

/// What comes by a socket.
struct Frames {
    stream: SplitStream<WebSocket>,
    /// Of pings and pongs, which say nothing.
    idle: DefaultDirectRateLimiter,
}

impl Frames {
    fn of(stream: SplitStream<WebSocket>) -> Self {
        let burst = NonZeroU32::new(IDLE_FRAMES_BURST).expect("a limit above 0");
        Self { stream, idle: RateLimiter::direct(Quota::per_second(NonZeroU32::MIN).allow_burst(burst)) }
    }

    /// The next binary message; others are refused or passed over. Ends after a silence: also a client that has nothing
    /// to say answers pings.
    async fn next(&mut self, silence: Duration) -> Result<Bytes, Ended> {
        let refused = |code, text: String| Err(Ended::Refused(refusal(code, text)));
        loop {
            let Ok(message) = tokio::time::timeout(silence, self.stream.next()).await else { return Err(Ended::Gone) };
            match message {
                Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
                Some(Ok(Message::Text(_))) => {
                    return refused(RefusedCode::Malformed, "frames are binary messages, not text".into());
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) if self.idle.check().is_ok() => {}
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                    return refused(RefusedCode::TooFast, "too many pings: one in some seconds is enough".into());
                }
                Some(Err(error)) if is_too_long(&error) => {
                    let text = format!("a frame has at most {} bytes", l::UPLINK_FRAME_BYTES_MAX);
                    return refused(RefusedCode::FrameTooLong, text);
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Ended::Gone),
            }
        }
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    error.to_string().contains("too long") || error.to_string().contains("Space limit exceeded")
}

async fn first_frame(stream: &mut Frames) -> Result<Hello, Ended> {
    // Who calls says how long it may take.
    let bytes = stream.next(Duration::MAX).await?;
    match codec::decode::<UplinkFrame>(&bytes, l::UPLINK_FRAME_BYTES_MAX) {
        Ok(UplinkFrame::Hello(hello)) => Ok(hello),
        Ok(_) => Err(Ended::Refused(refusal(RefusedCode::HelloExpected, "the first frame must be Hello"))),
        Err(error) => Err(Ended::Refused(refusal(error.code(), error.to_string()))),
    }
}

async fn attach(uplinks: &Uplinks, uploader: &Uploader, hello: Hello) -> Result<Attached, Refused> {
    let (code, channel) = hello::admit(&uplinks.registry, uploader.account(), &hello).await?;
    let (reads, manages) = (uploader.reads(), uploader.manages());
    let connection = uplinks.context().connection_id();
    for _ in 0..3 {
        let loaded = uplinks.registry.raid(&code).await.map_err(|error| hello::unread(&error))?;
        let Some(handle) = loaded else { break };
        let (sender, replies) = mpsc::channel(REPLIES);
        let own = sender.downgrade();
        let attach = |reply| {
            let (title, names) = (hello.title.clone(), hello.names);
            let shown_to = ShownTo { live: hello.visibility, report: hello.report_visibility };
            let delay_ms = hello::delay_ms(&hello);
            let replies = sender;
            RaidCommand::Attach(Attach { connection, replies, reads, manages, title, shown_to, names, delay_ms, reply })
        };
        match handle.ask(attach).await {
            Ok(Ok(raid)) => {
                let welcome = hello::welcome(uplinks.context(), &hello, &raid, (&channel, reads));
                let (history, fights) = (raid.history, Fights::default());
                return Ok(Attached { connection, handle, history, welcome, replies, own, fights });
            }
            Ok(Err(error)) => return Err(hello::unread(&error)),
            // A task that ended a moment ago is loaded again.
            Err(_) => {}
        }
    }
    Err(hello::try_again())
}

/// A socket that speaks for a raid.
struct Attached {
    connection: u64,
    handle: RaidHandle,
    /// Its raid is one of old fights.
    history: bool,
    /// Told before anything that the task replies.
    welcome: Welcome,
    replies: mpsc::Receiver<UplinkReply>,
    /// For replies that the socket makes itself; weak, so that the task's dropping us ends the conversation.
    own: mpsc::WeakSender<UplinkReply>,
    fights: Fights,
}

impl Attached {
    async fn run(
        mut self,
        uplinks: &Uplinks,
        (account, until): (AccountId, Until),
        sink: &mut SplitSink<WebSocket, Message>,
        stream: &mut Frames,
    ) -> Ended {
        let connection = self.connection;
        let limits = &uplinks.context().limits;
        let silence = Duration::from_millis(limits.silence_ms());
        let ping = Duration::from_millis(limits.ping_ms);
        let (raid, own, history) = (self.handle.clone(), self.own.clone(), self.history);
        let speaker = Speaker { account, history, raid, connection, own, silence };
        let read = read_frames(uplinks, speaker, &self.fights, stream);
        let metrics = &uplinks.context().metrics;
        let write = write_replies(self.welcome, &mut self.replies, (&self.fights, metrics), sink, ping);
        let ended = tokio::select! {
            // Replies first: what is acknowledged is out before the next frame is read.
            biased;
            () = Until::over(Some(&until)) => Ended::Refused(refusal(
                RefusedCode::Unauthorized,
                "the key of this uplink has ended or was revoked: give the client another",
            )),
            ended = write => ended,
            ended = read => ended,
        };
        let _ = self.handle.send(RaidCommand::Detach { connection }).await;
        ended
    }
}

async fn write_replies(
    welcome: Welcome,
    replies: &mut mpsc::Receiver<UplinkReply>,
    (fights, metrics): (&Fights, &Metrics),
    sink: &mut SplitSink<WebSocket, Message>,
    ping: Duration,
) -> Ended {
    let version = welcome.v;
    if sink.send(message(version, &UplinkReply::Welcome(welcome))).await.is_err() {
        return Ended::Gone;
    }
    loop {
        let reply = match tokio::time::timeout(ping, replies.recv()).await {
            Ok(Some(reply)) => reply,
            Err(_) if sink.send(Message::Ping(Bytes::new())).await.is_ok() => continue,
            Ok(None) | Err(_) => return Ended::Gone,
        };
        if let UplinkReply::Refused(refused @ Refused { scope: RefusedScope::Connection, .. }) = reply {
            return Ended::Refused(refused);
        }
        if let UplinkReply::Refused(refused) = &reply {
            metrics.refused(refused.code);
        }
        let draining = matches!(reply, UplinkReply::Draining { .. });
        if let Some(reply) = fights.in_its_words(reply)
            && sink.feed(message(version, &reply)).await.is_err()
        {
            return Ended::Gone;
        }
        if replies.is_empty() && sink.flush().await.is_err() {
            return Ended::Gone;
        }
        if draining {
            let _ = sink.flush().await;
        }
    }
}

/// Whose frames are read, and where they go.
struct Speaker {
    account: AccountId,
    /// Its raid is one of old fights.
    history: bool,
    raid: RaidHandle,
    connection: u64,
    own: mpsc::WeakSender<UplinkReply>,
    /// Without a byte for so long it is gone.
    silence: Duration,
}

/// Whether what a fight is made of still fits the key's day; what is acknowledged stays either way.
fn charge(
    quota: &Arc<KeyQuota>,
    (account, history): (AccountId, bool),
    frame: &UplinkFrame,
    bytes: usize,
    now_ms: i64,
) -> Result<(), Refused> {
    let (scope, h, enc) = match frame {
        UplinkFrame::Delta(delta) => (RefusedScope::Frame, Some(delta.h), None),
        UplinkFrame::Begin(begin) => (RefusedScope::Encounter, None, Some(begin.enc)),
        _ => return Ok(()),
    };
    let refused =
        |code, text, spent: Spent| Refused { scope, retry_ms: Some(spent.retry_ms), h, enc, ..refusal(code, text) };
    if enc.is_some() {
        let text = "this key begins fights too fast: wait a moment";
        quota.begin(account, now_ms).map_err(|spent| refused(RefusedCode::TooFast, text.into(), spent))?;
    }
    // What came counts, whatever becomes of it.
    quota.take(account, bytes as u64, history, now_ms).map(Taken::used).map_err(|spent| {
        let whose = if history { "an upload of old fights" } else { "this key" };
        let text = format!("{whose} has sent as many bytes in a day as it may: {spent}");
        refused(RefusedCode::LimitReached, text, spent)
    })
}

async fn read_frames(uplinks: &Uplinks, speaker: Speaker, fights: &Fights, stream: &mut Frames) -> Ended {
    let Speaker { account, history, raid, connection, own, silence } = speaker;
    let shared = Arc::clone(uplinks.context());
    let per_second = NonZeroU32::new(l::UPLINK_BYTES_PER_S).expect("a limit above 0");
    let burst = NonZeroU32::new(l::UPLINK_BURST_BYTES).expect("a limit above 0");
    let bytes_limit = RateLimiter::direct(Quota::per_second(per_second).allow_burst(burst));
    let at_once = NonZeroU32::new(DISCARDS_BURST).expect("a limit above 0");
    let discards = RateLimiter::direct(Quota::per_second(NonZeroU32::MIN).allow_burst(at_once));
    let mut malformed = 0;
    loop {
        let bytes = match stream.next(silence).await {
            Ok(bytes) => bytes,
            Err(ended) => return ended,
        };
        let received_ms = shared.clock.now_ms();
        if let Some(cost) = NonZeroU32::new(bytes.len() as u32) {
            // Not read means not sent: the socket slows the client down.
            let _ = bytes_limit.until_n_ready(cost).await;
        }
        let frame = match codec::decode::<UplinkFrame>(&bytes, l::UPLINK_FRAME_BYTES_MAX) {
            Ok(frame) => frame,
            Err(error) => {
                shared.metrics.frame(FrameKind::Malformed);
                malformed += 1;
                if malformed > MALFORMED_MAX {
                    return Ended::Refused(refusal(error.code(), "too many frames that are none: check the client"));
                }
                let refused = Refused { scope: RefusedScope::Frame, ..refusal(error.code(), error.to_string()) };
                if !reply(&own, UplinkReply::Refused(refused)) {
                    return Ended::Gone;
                }
                continue;
            }
        };
        shared.metrics.frame((&frame).into());
        if matches!(frame, UplinkFrame::Discard { .. }) {
            discards.until_ready().await;
        }
        let answered = match frame {
            UplinkFrame::Probe { clock } => Some(UplinkReply::Echo { clock, relay_ms: shared.clock.now_ms() }),
            UplinkFrame::Hello(_) => {
                let text = "Hello is sent once: open another connection for another raid";
                Some(UplinkReply::Refused(Refused {
                    scope: RefusedScope::Frame,
                    ..refusal(RefusedCode::HelloTwice, text)
                }))
            }
            UplinkFrame::Unknown => {
                malformed += 1;
                let text = "this relay does not know this frame: it is ignored";
                Some(UplinkReply::Refused(Refused {
                    scope: RefusedScope::Frame,
                    ..refusal(RefusedCode::UnknownFrame, text)
                }))
            }
            other => {
                // Its fight by the id that the relay knows it by: replies are turned back.
                let admitted = hello::admit_frame(&shared.secret, fights, other).and_then(|frame| {
                    charge(&shared.quota, (account, history), &frame, bytes.len(), received_ms).map(|()| frame)
                });
                let frame = match admitted {
                    Ok(frame) => Box::new(frame),
                    Err(refused) => {
                        if !reply(&own, UplinkReply::Refused(refused)) {
                            return Ended::Gone;
                        }
                        continue;
                    }
                };
                if raid.send(RaidCommand::Uplink { connection, frame, received_ms }).await.is_err() {
                    return Ended::Gone;
                }
                None
            }
        };
        if answered.is_some_and(|answer| !reply(&own, answer)) {
            return Ended::Gone;
        }
    }
}

/// Puts the socket's own reply into the queue; false if the client does not read its replies, or is fenced.
fn reply(own: &mpsc::WeakSender<UplinkReply>, reply: UplinkReply) -> bool {
    own.upgrade().is_some_and(|sender| sender.try_send(reply).is_ok())
}
