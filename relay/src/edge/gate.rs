//! Each request, before it is routed: how fast its address asks, whether its key is one, whether there is room.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use hyper::body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

use super::address::is_passed_on;
use super::pace::Pace;
use super::{Address, Edge, Later, Permit, Refusal, What};
use crate::account::{Keyring, Scope, Scopes};
use crate::error::HttpError;
use crate::limits::{
    ANSWERS_BYTES_MAX, CHECK_BYTES_MAX, DRAINED_BYTES_MAX, DRAINED_MS_MAX, ENCOUNTERS_BYTES_MAX, HEAD_BYTES_MAX,
    LARGE_ANSWER_BYTES, PIECE_BYTES, PROFILES_BYTES_MAX, REQUEST_BODY_BYTES_MAX, UPLOAD_BYTES_MAX,
};

/// Who asks; every request carries one.
#[derive(Clone)]
pub struct Asked {
    /// For whom it counts.
    pub address: Address,
    edge: Arc<Edge>,
    /// It came by a proxy, so that its connection is not counted for it.
    by_proxy: bool,
    /// It came from this machine, and nobody passed it on.
    here: bool,
}

impl Asked {
    pub(super) fn new(edge: &Arc<Edge>, peer: IpAddr, headers: &HeaderMap) -> Self {
        let by_proxy = edge.proxies.trusts(peer);
        if !by_proxy && is_near(peer) && is_passed_on(headers) {
            tracing::warn!(
                "requests come by a proxy that is not configured, so all count for one address: name it with \
                 --trusted-proxy, or `trusted_proxies` in raidcast.toml"
            );
        }
        let here = peer.to_canonical().is_loopback() && !by_proxy && !is_passed_on(headers);
        Self { address: Address::of(edge.proxies.client(peer, headers)), edge: Arc::clone(edge), by_proxy, here }
    }

    /// Whether it is this machine's own request, as far as proxies say that they pass others' on.
    pub fn is_here(&self) -> bool {
        self.here
    }

    /// A permit for a socket that stays after its request: the connection's own, unless that is a proxy's.
    ///
    /// # Errors
    /// The address has as many as it may have.
    pub fn socket(&self) -> Result<Option<Permit>, HttpError> {
        if !self.by_proxy {
            return Ok(None);
        }
        let text = "your address has too many connections to this relay: close some";
        self.hold(What::Connection, Refusal::Connections, text, 10).map(Some)
    }

    /// A permit for a replay.
    ///
    /// # Errors
    /// The address has as many as it may have.
    pub fn replay(&self) -> Result<Permit, HttpError> {
        let text = "as many fights are played to your address as one gets at once: close one of those pages";
        self.hold(What::Replay, Refusal::Replays, text, 10)
    }

    /// A permit for something that is made now: an answer, or a moment of the past.
    ///
    /// # Errors
    /// So many are being made for the address already.
    pub fn answer(&self) -> Result<Permit, HttpError> {
        let text = "too many requests from your address are being answered: wait for some of them";
        self.hold(What::Answer, Refusal::Answers, text, 1)
    }

    /// A permit for a file of the operator's folder.
    ///
    /// # Errors
    /// The address is sent as many as it gets at once, or was sent so much that it has to wait.
    pub fn download(&self) -> Result<Permit, HttpError> {
        self.edge.book.may_download(self.address, Instant::now()).map_err(|later| {
            self.edge.refusals.count(Refusal::Sent);
            too_soon(later, "so much was downloaded to your address lately that this file has to wait: ask again later")
        })?;
        let text = "as many files are being downloaded to your address as one gets at once: wait for some of them";
        self.hold(What::Download, Refusal::Answers, text, 20)
    }

    /// What is answered to a ticket, a link or an invitation that is none: so many of an address are told so. What is good
    /// is good, whoever shares the address.
    pub fn was_wrong(&self, told: HttpError) -> HttpError {
        self.edge.refusals.count(Refusal::Keys);
        let now = Instant::now();
        match self.edge.book.may_try_tickets(self.address, now) {
            Ok(()) => {
                self.edge.book.wrong_ticket(self.address, now);
                told
            }
            Err(later) => {
                too_soon(later, "too many links that are none came from your address: wait, and ask for a new link")
            }
        }
    }

    /// Counts a refusal.
    pub fn refused(&self, what: Refusal) {
        self.edge.refusals.count(what);
    }

    fn hold(&self, what: What, refusal: Refusal, text: &str, retry_s: u32) -> Result<Permit, HttpError> {
        self.edge.book.hold(self.address, what).ok_or_else(|| {
            self.edge.refusals.count(refusal);
            HttpError::TooMany { text: text.into(), retry_s }
        })
    }
}

/// An answer that is read as it goes out: it holds no room of [`ANSWERS_BYTES_MAX`], and goes at the pace of large ones.
#[derive(Clone, Copy, Debug)]
pub struct Streamed;

/// Whether it is of this machine or this house, where proxies stand.
fn is_near(peer: IpAddr) -> bool {
    match peer.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    }
}

/// What a request costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cost {
    /// A file that is in memory.
    Nothing,
    /// A look into the database.
    Request,
    /// Fights that are uploaded: of a known key, which has limits of its own.
    Upload,
    /// An answer that is made of much.
    Answer,
}

impl Cost {
    fn of(method: &Method, path: &str) -> Self {
        let begins = |with: &[&str]| with.iter().any(|with| path.starts_with(with));
        let ends = |with: &[&str]| with.iter().any(|with| path.ends_with(with));
        match () {
            // A feed is answered at once and then counts as a connection; a moment of the past takes its permit itself.
            () if begins(&["/api/v1/upload"]) || (path == "/api/v1/encounters" && method == Method::POST) => {
                Self::Upload
            }
            // A provider is asked for who comes from one.
            () if begins(&["/sign-in/"]) => Self::Answer,
            // It is painted.
            () if path.ends_with("/picture.png") => Self::Answer,
            // A file of the disk.
            () if begins(&["/downloads/"]) => Self::Answer,
            () if begins(&["/api/"]) && !ends(&["/feed", "/combat-data/ws", "/combat-data/MiniParse"]) => Self::Answer,
            () if begins(&[
                "/api",
                "/health",
                "/ready",
                "/metrics",
                "/reports/",
                "/raids/",
                "/live/",
                "/encounter/",
            ]) =>
            {
                Self::Request
            }
            () => Self::Nothing,
        }
    }
}

/// Bytes of a body that a call takes.
fn body_max(method: &Method, path: &str) -> u64 {
    match path.trim_end_matches('/') {
        _ if Cost::of(method, path) != Cost::Upload => REQUEST_BODY_BYTES_MAX,
        "/api/v1/encounters" => ENCOUNTERS_BYTES_MAX,
        "/api/v1/upload/check" => CHECK_BYTES_MAX,
        "/api/v1/upload/player-data" => PROFILES_BYTES_MAX,
        _ => UPLOAD_BYTES_MAX,
    }
}

/// Whether a request uploads fights; the other calls of meters ask, or bring what is not kept.
fn brings_fights(method: &Method, path: &str) -> bool {
    method == Method::POST && matches!(path, "/api/v1/encounters" | "/api/v1/upload" | "/api/v1/upload/")
}

fn too_soon(later: Later, text: &str) -> HttpError {
    HttpError::TooMany { text: text.into(), retry_s: later.seconds() }
}

/// Lets a request through, or says why not.
pub async fn gate(State(keys): State<Arc<Keyring>>, request: Request, next: Next) -> Response {
    let Some(asked) = request.extensions().get::<Asked>().cloned() else { return HttpError::Internal.into_response() };
    match admit(&keys, &asked, &request) {
        Ok(None) => next.run(request).await,
        Ok(Some(answering)) => {
            let is_sent = request.method() != Method::HEAD;
            // What is refused for want of room is not sent.
            let response = held(&asked.edge, next.run(request).await, answering);
            if is_sent {
                asked.edge.book.sent(asked.address, response.body().size_hint().lower(), Instant::now());
            }
            response
        }
        Err(error) => {
            if Cost::of(request.method(), request.uri().path()) == Cost::Upload {
                drain(request.into_body()).await;
            }
            error.into_response()
        }
    }
}

/// Takes in what is left of a body that is refused, within measure: who sends it reads the refusal when it is sent, or never.
pub async fn drain(body: Body) {
    let mut body = body.into_data_stream();
    let mut bytes = 0;
    let draining = async {
        while let Some(Ok(piece)) = body.next().await {
            bytes += piece.len();
            if bytes > DRAINED_BYTES_MAX {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(DRAINED_MS_MAX), draining).await;
}

/// An answer that holds its permit until it is sent, or its connection is gone; a large one holds room, too.
fn held(edge: &Edge, response: Response, answering: Permit) -> Response {
    let bytes = response.body().size_hint().lower();
    let room = if bytes < LARGE_ANSWER_BYTES {
        None
    } else {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(ANSWERS_BYTES_MAX);
        let Ok(room) = Arc::clone(&edge.answers).try_acquire_many_owned(bytes) else {
            edge.refusals.count(Refusal::Answers);
            let text = "many large answers are on their way to those who asked: try again in a moment".to_owned();
            return HttpError::Unavailable { text, retry_s: 5 }.into_response();
        };
        Some(room)
    };
    let is_paced = room.is_some() || response.extensions().get::<Streamed>().is_some();
    let pace = is_paced.then(|| Paced::new(Arc::clone(&edge.pace)));
    response.map(|body| Body::new(Answering { body, pace, _permit: answering, _room: room }))
}

/// A body with what it holds of the relay's limits.
struct Answering {
    body: Body,
    /// Where it is a large one.
    pace: Option<Paced>,
    _permit: Permit,
    _room: Option<OwnedSemaphorePermit>,
}

/// A large body on its way, piece by piece.
struct Paced {
    pace: Arc<Pace>,
    /// What is left of the frame that came last.
    rest: Bytes,
    /// Runs until the next piece may go out.
    wait: Pin<Box<Sleep>>,
    /// That was asked for.
    asked: bool,
}

impl Paced {
    fn new(pace: Arc<Pace>) -> Self {
        Self { pace, rest: Bytes::new(), wait: Box::pin(tokio::time::sleep_until(Instant::now())), asked: false }
    }

    /// The next piece of what is left, when it may go out.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        let bytes = self.rest.len().min(PIECE_BYTES);
        if !std::mem::replace(&mut self.asked, true) {
            self.wait.as_mut().reset(self.pace.next(bytes, Instant::now()));
        }
        std::task::ready!(self.wait.as_mut().poll(cx));
        self.asked = false;
        Poll::Ready(self.rest.split_to(bytes))
    }
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { body, pace, .. } = &mut *self;
        let Some(paced) = pace else { return Pin::new(body).poll_frame(cx) };
        while paced.rest.is_empty() {
            let frame = match std::task::ready!(Pin::new(&mut *body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end),
            };
            match frame.into_data() {
                Ok(data) => paced.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        paced.poll_piece(cx).map(|piece| Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pace.as_ref().is_none_or(|paced| paced.rest.is_empty()) && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.pace.as_ref().map_or(0, |paced| paced.rest.len() as u64);
        let mut hint = self.body.size_hint();
        // Its upper end first: it must never be below the lower one.
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}

fn admit(keys: &Keyring, asked: &Asked, request: &Request) -> Result<Option<Permit>, HttpError> {
    let (edge, headers, path) = (&asked.edge, request.headers(), request.uri().path());
    let cost = Cost::of(request.method(), path);
    let body_max = body_max(request.method(), path);
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > body_max) {
        edge.refusals.count(Refusal::Body);
        return Err(HttpError::TooLarge(body_max));
    }
    if head_bytes(request) > HEAD_BYTES_MAX {
        edge.refusals.count(Refusal::Body);
        return Err(HttpError::HeadTooLarge);
    }
    let known = known_key(keys, asked, headers)?;
    // Who has a key has limits of its own.
    if path == "/api/v1/uplink" && known.is_some() {
        return Ok(None);
    }
    if cost == Cost::Nothing {
        return Ok(None);
    }
    if let Err(later) = edge.book.request(asked.address) {
        edge.refusals.count(Refusal::Requests);
        return Err(too_soon(later, "too many requests from your address: wait a moment"));
    }
    if cost == Cost::Upload {
        let scopes = known.ok_or(HttpError::Unauthorized)?;
        // What it may not do counts for nobody.
        if !scopes.has(Scope::Upload) {
            return Err(HttpError::Forbidden(Scope::Upload));
        }
    }
    if brings_fights(request.method(), path)
        && let Err(later) = edge.book.upload(asked.address)
    {
        edge.refusals.count(Refusal::Requests);
        let text =
            "your address has sent as many uploads as it may an hour (uploads_per_address_hour of this relay): wait";
        return Err(too_soon(later, text));
    }
    if path.starts_with("/api/")
        && let Err(later) = edge.book.may_send(asked.address, Instant::now())
    {
        edge.refusals.count(Refusal::Sent);
        let text = "so much was sent to your address lately that this answer has to wait: ask less often";
        return Err(too_soon(later, text));
    }
    if edge.is_full() {
        edge.refusals.count(Refusal::Sockets);
        let text = "all connections of this relay are in use: try again in a moment".to_owned();
        return Err(HttpError::Unavailable { text, retry_s: 5 });
    }
    if cost == Cost::Answer { asked.answer().map(Some) } else { Ok(None) }
}

/// What a request's head took on the wire, about.
fn head_bytes(request: &Request) -> usize {
    let uri = request.uri();
    let host = uri.authority().map_or(0, |authority| authority.as_str().len());
    let address = uri.path_and_query().map_or(0, |path| path.as_str().len()) + host;
    // Behind each name a colon and a space, behind each line its end.
    let lines: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    request.method().as_str().len() + address + lines + 14
}

/// A key of at least so many characters is not found by trying; one of the configuration may be shorter.
const UNGUESSED_CHARS: usize = 32;

/// What the request's key may do, if that is known. A long one that is good is good, whoever shares the address: keys are
/// looked up in memory by their digests. A wrong one is counted and told to the log, without itself; after too many, it and
/// those that might be guessed are refused here for a while.
fn known_key(keys: &Keyring, asked: &Asked, headers: &HeaderMap) -> Result<Option<Scopes>, HttpError> {
    let Some(key) = headers.get("x-api-key") else { return Ok(None) };
    let key = key.to_str().unwrap_or_default().trim();
    let known = keys.key(key).map(|key| key.scopes);
    if known.is_some() && key.len() >= UNGUESSED_CHARS {
        return Ok(known);
    }
    let (edge, now) = (&asked.edge, Instant::now());
    if let Err(later) = edge.book.may_try_keys(asked.address, now) {
        edge.refusals.count(Refusal::Keys);
        return Err(too_soon(later, "too many wrong keys came from your address: wait, and check your upload key"));
    }
    if known.is_some() {
        return Ok(known);
    }
    edge.refusals.count(Refusal::Keys);
    edge.book.wrong_key(asked.address, now);
    tracing::warn!("a key came that is none of this relay's");
    tracing::debug!(address = %asked.address, "a wrong key's address");
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::http::StatusCode;

    use super::super::{Proxies, Sockets};
    use super::*;
    use crate::hours::Hours;
    use crate::limits::EdgeLimits;

    /// A body that says how long it is, and has nothing of it yet.
    struct Long(u64);

    impl HttpBody for Long {
        type Data = Bytes;
        type Error = axum::Error;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            Poll::Pending
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0)
        }
    }

    #[tokio::test]
    async fn an_answer_holds_what_it_takes_until_it_is_sent_or_given_up() {
        let edge =
            Edge::new(EdgeLimits::default(), Proxies::default(), Sockets::of(Some(1_024), 0), Hours::of_a_test());
        let address = Address::of(Ipv4Addr::LOCALHOST.into());
        let answer = |body: Body| {
            let permit = edge.book.hold(address, What::Answer).expect("a permit");
            held(&edge, Response::new(body), permit)
        };
        let small = answer(Body::from("small"));
        assert_eq!(small.body().size_hint().exact(), Some(5));
        assert!(!edge.book.is_empty(), "it is not sent yet");
        assert_eq!(axum::body::to_bytes(small.into_body(), 9).await.expect("its bytes"), "small");
        assert!(edge.book.is_empty());
        let half = u64::from(ANSWERS_BYTES_MAX / 2 + 1);
        let first = answer(Body::new(Long(half)));
        let refused = answer(Body::new(Long(half)));
        assert_eq!((first.status(), refused.status()), (StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(answer(Body::from("small")).status(), StatusCode::OK, "a small one takes no room");
        drop(first);
        assert_eq!(answer(Body::new(Long(u64::MAX))).status(), StatusCode::OK, "one that is beyond all has all");
        drop(refused);
        assert!(edge.book.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_answer_comes_whole_in_pieces_no_faster_than_its_rate() {
        let edge =
            Edge::new(EdgeLimits::default(), Proxies::default(), Sockets::of(Some(1_024), 0), Hours::of_a_test());
        let answer = |last, body: &Bytes| {
            let address = Address::of(Ipv4Addr::new(127, 0, 0, last).into());
            let permit = edge.book.hold(address, What::Answer).expect("a permit");
            held(&edge, Response::new(Body::from(body.clone())), permit)
        };
        let large: Bytes = (0..6_000_000u32).map(|n| (n % 251) as u8).collect();
        let began = Instant::now();
        let answers = [answer(1, &large), answer(2, &large)];
        assert_eq!(answers[0].body().size_hint().exact(), Some(6_000_000));
        let bytes = answers.map(|answer| axum::body::to_bytes(answer.into_body(), 6_000_000));
        for bytes in futures::future::join_all(bytes).await {
            assert!(bytes.expect("all of it") == large);
        }
        let took = began.elapsed();
        assert!((290..=330).contains(&took.as_millis()), "12 MB in {took:?}");
        assert!(edge.book.is_empty());
        let began = Instant::now();
        let small = answer(3, &large.slice(..1_000));
        assert_eq!(axum::body::to_bytes(small.into_body(), 1_000).await.expect("its bytes").len(), 1_000);
        assert_eq!(Instant::now(), began, "what is small does not wait");
    }
}
