//! `GET /api/v1/raids/{code}` and `GET /api/v1/live/{channel}`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use raidcast_shared::report::RaidPage;
use raidcast_store::RaidRow;

use super::reports::summaries;
use crate::access::Visible;
use crate::desk::{Desk, TicketQuery};
use crate::edge::{Address, Asked};
use crate::error::HttpError;
use crate::extract::{Path, Query};

/// A raid and its fights.
pub async fn raid(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    Query(TicketQuery { ticket }): Query<TicketQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Json<RaidPage>, HttpError> {
    let asker = desk.door().asker(&headers, ticket.as_deref()).await?;
    let raid = desk.door().raid(&code, &asker).await?;
    let channel = desk.door().channel_of(&raid).await?;
    let page = page(&desk, visit.address, &raid, channel).await?;
    desk.door().raid(&code, &asker).await?;
    Ok(Json(page))
}

/// The present raid of a channel and its fights.
pub async fn channel(
    State(desk): State<Desk>,
    Path(channel): Path<String>,
    Query(TicketQuery { ticket }): Query<TicketQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Json<RaidPage>, HttpError> {
    let asker = desk.door().asker(&headers, ticket.as_deref()).await?;
    let raid = desk.door().channel(&channel, &asker).await?;
    let page = page(&desk, visit.address, &raid, Some(channel)).await?;
    // It may have become private while its fights were asked for.
    desk.door().raid(&page.code, &asker).await?;
    Ok(Json(page))
}

async fn page(
    desk: &Desk,
    who: Address,
    raid: &Visible<RaidRow>,
    channel: Option<String>,
) -> Result<RaidPage, HttpError> {
    let reports = summaries(desk, who, desk.door().fights(raid).await?).await;
    let connected = desk.is_connected(raid).await;
    Ok(RaidPage {
        channel,
        title: raid.title.clone(),
        visibility: raid.visibility,
        open: connected || desk.is_open(raid),
        connected,
        created_at_ms: raid.created_at_ms,
        code: raid.code.clone(),
        reports,
    })
}
