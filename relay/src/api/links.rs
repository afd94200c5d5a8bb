//! Links to raids and channels, and tickets for feeds.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use raidcast_shared::link::{FeedTicket, FeedTicketForm, LinkForm, LinkList, NewLink};

use crate::access::FeedOf;
use crate::desk::Desk;
use crate::edge::Asked;
use crate::error::HttpError;
use crate::extract::{JsonBody, Path};
use crate::openapi::{Conflict, Forbidden, NotFound, Unauthorized};

/// What a raid's and a channel's links are alike in; of tickets as well.
async fn list(desk: &Desk, of: &FeedOf, headers: &HeaderMap) -> Result<Json<LinkList>, HttpError> {
    let manager = desk.door().overseer(headers).await?;
    Ok(Json(desk.links_to(&desk.link_to(of, &manager).await?).await?))
}

async fn make(
    desk: &Desk,
    of: &FeedOf,
    headers: &HeaderMap,
    body: JsonBody<LinkForm>,
) -> Result<(StatusCode, Json<NewLink>), HttpError> {
    let manager = desk.door().manager(headers).await?;
    let to = desk.link_to(of, &manager).await?;
    Ok((StatusCode::CREATED, Json(desk.make_link(to, body.read()?, &manager).await?)))
}

async fn revoke(desk: &Desk, of: &FeedOf, id: i64, headers: &HeaderMap) -> Result<StatusCode, HttpError> {
    let manager = desk.door().manager(headers).await?;
    let to = desk.link_to(of, &manager).await?;
    desk.revoke_link(&to, id, &manager).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn ticket(
    desk: &Desk,
    of: FeedOf,
    visit: &Asked,
    headers: &HeaderMap,
    body: JsonBody<FeedTicketForm>,
) -> Result<(StatusCode, Json<FeedTicket>), HttpError> {
    let form = body.read()?;
    let asker = desk.door().asker(headers, form.ticket.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(desk.feed_ticket(of, asker, visit).await?)))
}

/// The links to a raid.
///
/// Their secrets are not told: the relay keeps digests.
#[utoipa::path(
    get, path = "/api/v1/raids/{code}/links", operation_id = "raidLinks", tag = "Managing",
    params(("code" = String, Path, description = "Names the raid.")),
    responses((status = 200, description = "Those that are good.", body = LinkList), Unauthorized, Forbidden, NotFound),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn of_raid(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<Json<LinkList>, HttpError> {
    list(&desk, &FeedOf::Raid(code), &headers).await
}

/// Makes a link to a raid.
///
/// Whoever has it sees the raid as a member does, until it ends. Only this answer tells its address.
#[utoipa::path(
    post, path = "/api/v1/raids/{code}/links", operation_id = "makeRaidLink", tag = "Managing",
    params(("code" = String, Path, description = "Names the raid.")),
    request_body = LinkForm,
    responses((status = 201, description = "The link.", body = NewLink), Unauthorized, Forbidden, NotFound, Conflict),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn make_for_raid(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    headers: HeaderMap,
    body: JsonBody<LinkForm>,
) -> Result<(StatusCode, Json<NewLink>), HttpError> {
    make(&desk, &FeedOf::Raid(code), &headers, body).await
}

/// Ends a link to a raid.
///
/// When it is answered the link opens nothing any more, and all feeds that it opened have ended.
#[utoipa::path(
    delete, path = "/api/v1/raids/{code}/links/{id}", operation_id = "revokeRaidLink", tag = "Managing",
    params(
        ("code" = String, Path, description = "Names the raid."),
        ("id" = i64, Path, description = "Names the link.")
    ),
    responses((status = 204, description = "It has ended."), Unauthorized, Forbidden, NotFound),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn revoke_of_raid(
    State(desk): State<Desk>,
    Path((code, id)): Path<(String, i64)>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    revoke(&desk, &FeedOf::Raid(code), id, &headers).await
}

/// The links to a channel.
///
/// As those to a raid.
#[utoipa::path(
    get, path = "/api/v1/live/{channel}/links", operation_id = "channelLinks", tag = "Managing",
    params(("channel" = String, Path, description = "Names the channel.")),
    responses((status = 200, description = "Those that are good.", body = LinkList), Unauthorized, Forbidden, NotFound),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn of_channel(
    State(desk): State<Desk>,
    Path(channel): Path<String>,
    headers: HeaderMap,
) -> Result<Json<LinkList>, HttpError> {
    list(&desk, &FeedOf::Channel(channel), &headers).await
}

/// Makes a link to a channel.
///
/// Whoever has it sees what the channel shows as a member does, whichever raid that is, until it ends. Only this answer tells
/// its address.
#[utoipa::path(
    post, path = "/api/v1/live/{channel}/links", operation_id = "makeChannelLink", tag = "Managing",
    params(("channel" = String, Path, description = "Names the channel.")),
    request_body = LinkForm,
    responses((status = 201, description = "The link.", body = NewLink), Unauthorized, Forbidden, NotFound, Conflict),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn make_for_channel(
    State(desk): State<Desk>,
    Path(channel): Path<String>,
    headers: HeaderMap,
    body: JsonBody<LinkForm>,
) -> Result<(StatusCode, Json<NewLink>), HttpError> {
    make(&desk, &FeedOf::Channel(channel), &headers, body).await
}

/// Ends a link to a channel.
///
/// As one to a raid.
#[utoipa::path(
    delete, path = "/api/v1/live/{channel}/links/{id}", operation_id = "revokeChannelLink", tag = "Managing",
    params(
        ("channel" = String, Path, description = "Names the channel."),
        ("id" = i64, Path, description = "Names the link.")
    ),
    responses((status = 204, description = "It has ended."), Unauthorized, Forbidden, NotFound),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn revoke_of_channel(
    State(desk): State<Desk>,
    Path((channel, id)): Path<(String, i64)>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    revoke(&desk, &FeedOf::Channel(channel), id, &headers).await
}

/// A ticket for a raid's feed.
///
/// For pages and overlays: a WebSocket takes no headers from a page, and what lets somebody in for long is not to stand in
/// the address of one. The ticket opens the feed once, within a minute; the feed lasts as long as what it was given for.
#[utoipa::path(
    post, path = "/api/v1/raids/{code}/feed-ticket", operation_id = "raidFeedTicket", tag = "Reading",
    params(("code" = String, Path, description = "Names the raid.")),
    request_body = FeedTicketForm,
    responses((status = 201, description = "The ticket.", body = FeedTicket), NotFound),
    security((), ("key" = ["read"]), ("session" = []))
)]
pub async fn ticket_for_raid(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
    body: JsonBody<FeedTicketForm>,
) -> Result<(StatusCode, Json<FeedTicket>), HttpError> {
    ticket(&desk, FeedOf::Raid(code), &visit, &headers, body).await
}

/// A ticket for a channel's feed.
///
/// As one for a raid's.
#[utoipa::path(
    post, path = "/api/v1/live/{channel}/feed-ticket", operation_id = "channelFeedTicket", tag = "Reading",
    params(("channel" = String, Path, description = "Names the channel.")),
    request_body = FeedTicketForm,
    responses((status = 201, description = "The ticket.", body = FeedTicket), NotFound),
    security((), ("key" = ["read"]), ("session" = []))
)]
pub async fn ticket_for_channel(
    State(desk): State<Desk>,
    Path(channel): Path<String>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
    body: JsonBody<FeedTicketForm>,
) -> Result<(StatusCode, Json<FeedTicket>), HttpError> {
    ticket(&desk, FeedOf::Channel(channel), &visit, &headers, body).await
}
