//! `GET /api/v1/raids/{code}` and `GET /api/v1/live/{channel}`.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use raidcast_shared::report::RaidPage;

use crate::desk::{Desk, TicketQuery};
use crate::edge::Asked;
use crate::error::HttpError;
use crate::extract::{Path, Query};
use crate::openapi::{IfNoneMatch, NotFound, Unchanged};

/// A channel that goes on to another raid more often than this while it is asked for is asked for later.
const CHANNEL_MOVES_MAX: u32 = 3;

/// A raid and its fights.
#[utoipa::path(
    get, path = "/api/v1/raids/{code}", operation_id = "raid", tag = "Reading",
    params(("code" = String, Path, description = "Names the raid."), TicketQuery, IfNoneMatch),
    responses((status = 200, description = "The raid.", body = RaidPage, headers(("ETag"))), Unchanged, NotFound),
    security((), ("key" = []))
)]
pub async fn raid(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    Query(TicketQuery { ticket }): Query<TicketQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let asker = desk.door().asker(&headers, ticket.as_deref()).await?;
    let raid = desk.door().raid(&code, &asker).await?;
    let channel = desk.door().channel_of(&raid).await?;
    let page = desk.lists().raid(visit.address, &raid, channel).await?;
    desk.door().still_raid(&asker, &raid).await?;
    Ok(page.respond(&headers))
}

/// The present raid of a permanent link, and its fights.
#[utoipa::path(
    get, path = "/api/v1/live/{channel}", operation_id = "channel", tag = "Reading",
    params(("channel" = String, Path, description = "Names the uploader's channel."), TicketQuery, IfNoneMatch),
    responses((status = 200, description = "The raid.", body = RaidPage, headers(("ETag"))), Unchanged, NotFound),
    security((), ("key" = []))
)]
pub async fn channel(
    State(desk): State<Desk>,
    Path(channel): Path<String>,
    Query(TicketQuery { ticket }): Query<TicketQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let asker = desk.door().asker(&headers, ticket.as_deref()).await?;
    let mut moved = 0;
    loop {
        let raid = desk.door().channel(&channel, &asker).await?;
        let page = desk.lists().raid(visit.address, &raid, Some(channel.clone())).await?;
        // It may have become private while its fights were asked for, or the channel may have gone on to another.
        match desk.door().still_raid(&asker, &raid).await {
            Ok(()) => return Ok(page.respond(&headers)),
            Err(HttpError::NotFound) if moved < CHANNEL_MOVES_MAX => moved += 1,
            Err(error) => return Err(error),
        }
    }
}
