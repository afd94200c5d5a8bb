//! Overlays that are connected, for who manages what they show.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use raidcast_shared::overlay::OverlayList;

use crate::access::FeedOf;
use crate::desk::Desk;
use crate::error::HttpError;
use crate::extract::Path;
use crate::openapi::{Forbidden, NotFound, Unauthorized};

async fn list(desk: &Desk, of: &FeedOf, headers: &HeaderMap) -> Result<Json<OverlayList>, HttpError> {
    let manager = desk.door().overseer(headers).await?;
    Ok(Json(desk.overlays_of(&desk.link_to(of, &manager).await?).await))
}

/// The overlays that show a raid now.
///
/// Whether one still runs, for a streamer who does not see it. Overlays say themselves that they are such.
#[utoipa::path(
    get, path = "/api/v1/raids/{code}/overlays", operation_id = "raidOverlays", tag = "Managing",
    params(("code" = String, Path, description = "Names the raid.")),
    responses(
        (status = 200, description = "Those that are connected.", body = OverlayList),
        Unauthorized, Forbidden, NotFound
    ),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn of_raid(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<Json<OverlayList>, HttpError> {
    list(&desk, &FeedOf::Raid(code), &headers).await
}

/// The overlays that came by a channel's address.
///
/// As those of a raid.
#[utoipa::path(
    get, path = "/api/v1/live/{channel}/overlays", operation_id = "channelOverlays", tag = "Managing",
    params(("channel" = String, Path, description = "Names the channel.")),
    responses(
        (status = 200, description = "Those that are connected.", body = OverlayList),
        Unauthorized, Forbidden, NotFound
    ),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn of_channel(
    State(desk): State<Desk>,
    Path(channel): Path<String>,
    headers: HeaderMap,
) -> Result<Json<OverlayList>, HttpError> {
    list(&desk, &FeedOf::Channel(channel), &headers).await
}
