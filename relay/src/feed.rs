//! One spectator's socket: the upgrade, and the little that may come from it.
//!
//! After the upgrade the raw TCP stream is taken back, with the state of its TLS if it has any: the raid's task writes to
//! it, this task only reads.

use std::sync::Arc;
use std::task::{Context, Waker};

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper_util::rt::TokioIo;
use raidcast_shared::feed::{FeedRequest, SUBPROTOCOL, SUBPROTOCOL_JSON};
use raidcast_shared::limits as l;
use raidcast_store::{EncounterRow, RaidRow};
use serde::Deserialize;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::access::{Asker, FeedOf, Until, Visible};
use crate::desk::Desk;
use crate::edge::{Asked, Line, LineParts};
use crate::error::HttpError;
use crate::extract::{Path, Query};
use crate::fanout::{Call, Format, Heard, Listener, Pace, Socket, SpectatorId};
use crate::raid::{FromSpectator, JoinWish, Joined, RaidCommand, RaidHandle};
use crate::replay::{self, Admission, Playback, Replay, ReplayPermit};

/// What an overlay says that it is.
const OVERLAY: &str = "overlay";

/// `?ticket=`, of a link or for this feed alone, `?as=overlay`, and `?report=&at=&speed=` for the past.
#[derive(Debug, Default, Deserialize)]
pub struct FeedQuery {
    ticket: Option<String>,
    report: Option<String>,
    at: Option<String>,
    speed: Option<String>,
    epoch: Option<String>,
    position: Option<u64>,
    #[serde(rename = "as")]
    kind: Option<String>,
}

impl FeedQuery {
    fn wish(self, channel: bool) -> JoinWish {
        // An epoch without a position is one whose keyframe did not arrive.
        let resume = self.epoch.map(|epoch| (epoch, self.position.unwrap_or(0)));
        let overlay = self.kind.as_deref() == Some(OVERLAY);
        JoinWish { format: Format::Json, resume, channel, overlay }
    }

    /// Who asks: who was given the ticket for this feed, or by his headers and the ticket of a link.
    async fn asker(&self, desk: &Desk, feed: FeedOf, headers: &HeaderMap, visit: &Asked) -> Result<Asker, HttpError> {
        if let Some(ticket) = &self.ticket
            && let Some(asker) = desk.paid(ticket, &feed, visit)?
        {
            return Ok(asker);
        }
        desk.door().asker(headers, self.ticket.as_deref()).await
    }

    /// The replay that is visit for, if one is, and if its asker may see it.
    async fn past(
        &self,
        desk: &Desk,
        raid: &RaidRow,
        belongs: impl Fn(&EncounterRow) -> bool,
        asker: &Asker,
        visit: &Asked,
    ) -> Result<Option<Replay>, HttpError> {
        let playback = Playback::parse(self.at.as_deref(), self.speed.as_deref())?;
        let Some(report) = &self.report else {
            return match self.at.is_some() || self.speed.is_some() {
                true => Err(HttpError::BadRequest("`at` and `speed` need `report`: which fight to play".into())),
                false => Ok(None),
            };
        };
        // Before it is visit whether he may see it: what changes after that is heard.
        let changes = desk.changes();
        let (report, _) = desk.door().report(report, asker).await?;
        let report = Some(report).filter(|report| belongs(report)).ok_or(HttpError::NotFound)?;
        let permit = ReplayPermit::take(playback, desk, visit)?;
        let admission = Admission::new(desk.clone(), asker.clone(), report, changes);
        Ok(Some(Replay { admission, raid: raid.clone(), playback, permit, who: visit.address }))
    }
}

/// What somebody is to be sent.
enum Wanted {
    /// What happens in a raid.
    Live(Box<Visible<RaidRow>>, Option<Until>, JoinWish),
    /// A fight again.
    Past(Box<Replay>),
}

/// `GET /api/v1/reports/{reportId}/feed`: a report is played again, to who may see it and perhaps not its raid.
pub async fn report(
    State(desk): State<Desk>,
    Path(report_id): Path<String>,
    Query(query): Query<FeedQuery>,
    Extension(visit): Extension<Asked>,
    request: Request,
) -> Result<Response, HttpError> {
    let playback = Playback::parse(query.at.as_deref(), query.speed.as_deref())?;
    let asker = desk.door().asker(request.headers(), query.ticket.as_deref()).await?;
    // Before it is asked whether he may see it: what changes after that is heard.
    let changes = desk.changes();
    let (report, _) = desk.door().report(&report_id, &asker).await?;
    let raid = desk.door().raid_of(&report).await?;
    let permit = ReplayPermit::take(playback, &desk, &visit)?;
    let admission = Admission::new(desk.clone(), asker, report, changes);
    let replay = Replay { admission, raid, playback, permit, who: visit.address };
    upgrade(desk, Wanted::Past(Box::new(replay)), &visit, request)
}

/// `GET /api/v1/raids/{code}/feed`.
pub async fn raid(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    Query(query): Query<FeedQuery>,
    Extension(visit): Extension<Asked>,
    request: Request,
) -> Result<Response, HttpError> {
    watched(desk, FeedOf::Raid(code), query, &visit, request).await
}

/// `GET /api/v1/live/{channel}/feed`: the feed of the channel's present raid.
pub async fn channel(
    State(desk): State<Desk>,
    Path(channel): Path<String>,
    Query(query): Query<FeedQuery>,
    Extension(visit): Extension<Asked>,
    request: Request,
) -> Result<Response, HttpError> {
    watched(desk, FeedOf::Channel(channel), query, &visit, request).await
}

/// `GET /api/v1/raids/{code}/combat-data/{contract}`: a raid as overlays of a widespread kind read it, by the newer
/// contract (`ws`) or the older (`MiniParse`).
pub async fn raid_combat_data(
    State(desk): State<Desk>,
    Path((code, contract)): Path<(String, String)>,
    Query(query): Query<FeedQuery>,
    Extension(visit): Extension<Asked>,
    request: Request,
) -> Result<Response, HttpError> {
    overlaid(desk, FeedOf::Raid(code), &contract, query, &visit, request).await
}

/// `GET /api/v1/live/{channel}/combat-data/{contract}`: the same of the channel's present raid.
pub async fn channel_combat_data(
    State(desk): State<Desk>,
    Path((channel, contract)): Path<(String, String)>,
    Query(query): Query<FeedQuery>,
    Extension(visit): Extension<Asked>,
    request: Request,
) -> Result<Response, HttpError> {
    overlaid(desk, FeedOf::Channel(channel), &contract, query, &visit, request).await
}

/// What happens in a raid, or one of its fights again; by a channel's address any fight of the channel's account.
async fn watched(
    desk: Desk,
    of: FeedOf,
    query: FeedQuery,
    visit: &Asked,
    request: Request,
) -> Result<Response, HttpError> {
    let by_channel = matches!(of, FeedOf::Channel(_));
    let (raid, asker) = seen(&desk, of, &query, request.headers(), visit).await?;
    let belongs = |row: &EncounterRow| match by_channel {
        true => row.key.account == raid.account,
        false => row.raid_code == raid.code,
    };
    let past = query.past(&desk, &raid, belongs, &asker, visit).await?;
    let live = || Wanted::Live(Box::new(raid), asker.until, query.wish(by_channel));
    upgrade(desk, past.map_or_else(live, |past| Wanted::Past(Box::new(past))), visit, request)
}

/// What happens in a raid, for who reads `CombatData`.
async fn overlaid(
    desk: Desk,
    of: FeedOf,
    contract: &str,
    query: FeedQuery,
    visit: &Asked,
    request: Request,
) -> Result<Response, HttpError> {
    let wish = combat_data(contract, matches!(of, FeedOf::Channel(_)))?;
    let (raid, asker) = seen(&desk, of, &query, request.headers(), visit).await?;
    upgrade(desk, Wanted::Live(Box::new(raid), asker.until, wish), visit, request)
}

/// The raid that is asked for, and who asks, if he may see it.
async fn seen(
    desk: &Desk,
    of: FeedOf,
    query: &FeedQuery,
    headers: &HeaderMap,
    visit: &Asked,
) -> Result<(Visible<RaidRow>, Asker), HttpError> {
    let asker = query.asker(desk, of.clone(), headers, visit).await?;
    let raid = match of {
        FeedOf::Raid(code) => desk.door().raid(&code, &asker).await?,
        FeedOf::Channel(channel) => desk.door().channel(&channel, &asker).await?,
    };
    Ok((raid, asker))
}

/// Whoever reads `CombatData` is an overlay, and comes back to nothing: each message is whole. Other contracts are not
/// found.
fn combat_data(contract: &str, channel: bool) -> Result<JoinWish, HttpError> {
    let format = Format::of_contract(contract).ok_or(HttpError::NotFound)?;
    Ok(JoinWish { format, resume: None, channel, overlay: true })
}

fn header_has(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
}

/// The format that a feed's subprotocol names, and that one.
fn spoken(headers: &HeaderMap) -> Result<(Format, Option<&'static str>), HttpError> {
    if header_has(headers, header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        Ok((Format::MessagePack, Some(SUBPROTOCOL)))
    } else if header_has(headers, header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL_JSON) {
        Ok((Format::Json, Some(SUBPROTOCOL_JSON)))
    } else if headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        Err(HttpError::BadRequest(format!("the feed speaks {SUBPROTOCOL} and {SUBPROTOCOL_JSON}")))
    } else {
        // Asked for nothing: what a person with a command-line client can read.
        Ok((Format::Json, None))
    }
}

fn upgrade(desk: Desk, wanted: Wanted, visit: &Asked, mut request: Request) -> Result<Response, HttpError> {
    let headers = request.headers();
    let is_upgrade = request.method() == Method::GET
        && header_has(headers, header::UPGRADE, "websocket")
        && header_has(headers, header::CONNECTION, "upgrade");
    let version = headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| is_upgrade && version);
    let Some(key) = key else {
        return Err(HttpError::UpgradeRequired);
    };
    let accept = derive_accept_key(key.as_bytes());
    let (format, protocol) = match &wanted {
        Wanted::Live(_, _, wish) if wish.format.is_whole() => (wish.format, None),
        Wanted::Live(..) | Wanted::Past(_) => spoken(headers)?,
    };
    let permit = visit.socket()?;
    let upgrading = hyper::upgrade::on(&mut request);
    let taking_over = async move {
        let Ok(upgraded) = upgrading.await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<Line>>() else {
            tracing::error!("a feed's socket is none of the relay's own; it is closed");
            return;
        };
        let LineParts { stream, tls, mut slot } = parts.io.into_inner().into_parts();
        slot.set_permit(permit);
        forget_wakers(&stream);
        bound_send_buffer(&stream);
        let socket = Socket::new(stream, tls, Some(slot));
        // A task of its own, so that nothing of the upgrade lives as long as the spectator.
        match wanted {
            Wanted::Past(replay) => {
                tokio::spawn(replay::play(*replay, format, socket, parts.read_buf).in_current_span())
            }
            Wanted::Live(raid, until, wish) => {
                tokio::spawn(watch(desk, (*raid, until), JoinWish { format, ..wish }, socket, parts.read_buf))
            }
        };
    };
    tokio::spawn(taking_over.in_current_span());
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    *response.body_mut() = Body::empty();
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, HeaderValue::try_from(accept).map_err(|_| HttpError::Internal)?);
    if let Some(protocol) = protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    Ok(response)
}

/// The socket still knows the task that read the request from it, whose memory would live as long as the spectator.
fn forget_wakers(stream: &tokio::net::TcpStream) {
    let mut nobody = Context::from_waker(Waker::noop());
    let _ = stream.poll_read_ready(&mut nobody);
    let _ = stream.poll_write_ready(&mut nobody);
}

/// What the kernel may hold for a spectator that stalls is bounded too.
fn bound_send_buffer(stream: &tokio::net::TcpStream) {
    if let Err(error) = socket2::SockRef::from(stream).set_send_buffer_size(l::SPECTATOR_SEND_BUFFER_BYTES) {
        tracing::debug!(%error, "could not bound a spectator's send buffer");
    }
}

async fn watch(
    desk: Desk,
    (raid, until): (Visible<RaidRow>, Option<Until>),
    wish: JoinWish,
    socket: Socket,
    early: Bytes,
) {
    let socket = Arc::new(socket);
    if let Some((joined, handle)) = desk.join(&raid, &socket, &wish).await {
        // A task of its own again: what joining needed is many times what reading needs.
        let untils = (joined.left.clone(), until, raid.link().cloned());
        tokio::spawn(read(Reader::new(&joined, wish.format, handle), untils, socket, early));
    }
}

/// Reads what a spectator sends until it, or the room, has enough.
async fn read(
    mut reader: Reader,
    // Of the link's end the raid's task hears, which says goodbye.
    (left, until, _link): (CancellationToken, Option<Until>, Option<Until>),
    socket: Arc<Socket>,
    early: Bytes,
) {
    reader.listener.feed(&early);
    // It is a piece of the upgrade's whole read buffer.
    drop(early);
    while reader.pass_on() {
        let is_there = tokio::select! {
            // The room has let it go.
            () = left.cancelled() => false,
            // The key or the session that let it in is good no more.
            () = Until::over(until.as_ref()) => false,
            // Something came, or the other end closed.
            is_there = socket.read(|bytes| reader.listener.feed(bytes)) => is_there,
        };
        if !is_there {
            break;
        }
    }
    if !left.is_cancelled() {
        let _ = reader.raid.send(reader.says(FromSpectator::Gone)).await;
    }
}

struct Reader {
    id: SpectatorId,
    format: Format,
    pace: Pace,
    raid: RaidHandle,
    listener: Listener,
}

impl Reader {
    fn new(joined: &Joined, format: Format, raid: RaidHandle) -> Self {
        let Joined { id, pace, .. } = *joined;
        let listener = if format.is_whole() { Listener::of_calls() } else { Listener::default() };
        Self { id, format, pace, raid, listener }
    }

    fn says(&self, what: FromSpectator) -> RaidCommand {
        RaidCommand::Spectator { id: self.id, format: self.format, pace: self.pace, what }
    }

    /// Passes on to the raid what has come; false if the socket is done for.
    fn pass_on(&mut self) -> bool {
        while let Some(heard) = self.listener.hear() {
            let what = match heard {
                Heard::Close => return false,
                Heard::Offence(reason) => {
                    self.raid.offer(self.says(FromSpectator::Dismiss(reason)));
                    return false;
                }
                Heard::Ping(payload) => FromSpectator::Ping(payload),
                Heard::Call(Call::Subscribe) => FromSpectator::Anew,
                Heard::Call(Call::Wanting(rseq)) => FromSpectator::Call(rseq),
                Heard::Request(FeedRequest::Probe { clock }) => FromSpectator::Probe(clock),
                Heard::Request(FeedRequest::Watch { players }) if players.len() <= l::WATCHED_MAX => {
                    FromSpectator::Watch(players)
                }
                Heard::Request(FeedRequest::Watch { .. }) => continue,
                Heard::Request(FeedRequest::Pace { ticks }) => {
                    let Some(pace) = Pace::of(ticks) else { continue };
                    self.pace = pace;
                    FromSpectator::Pace
                }
            };
            self.raid.offer(self.says(what));
        }
        true
    }
}
