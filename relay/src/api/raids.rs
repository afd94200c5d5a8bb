//! `GET /api/v1/raids/{code}` and `GET /api/v1/live/{channel}`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use raidcast_shared::report::RaidPage;
use raidcast_store::RaidRow;

use super::reports::summaries;
use crate::access::Admitted;
use crate::edge::{Address, Asked};
use crate::error::HttpError;
use crate::extract::{Path, Query};
use crate::raid::RaidCommand;
use crate::state::{AppState, TicketQuery};

/// A raid and its fights.
pub async fn raid(
    State(state): State<AppState>,
    Path(code): Path<String>,
    Query(TicketQuery { ticket }): Query<TicketQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Json<RaidPage>, HttpError> {
    let asker = state.asker(&headers, ticket.as_deref()).await?;
    let (raid, admitted) = state.visible_raid(&code, &asker).await?;
    let page = page(&state, visit.address, raid, admitted, admitted.may_know_channel()).await?;
    state.visible_raid(&code, &asker).await?;
    Ok(Json(page))
}

/// The present raid of a channel and its fights.
pub async fn channel(
    State(state): State<AppState>,
    Path(channel): Path<String>,
    Query(TicketQuery { ticket }): Query<TicketQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Json<RaidPage>, HttpError> {
    let asker = state.asker(&headers, ticket.as_deref()).await?;
    let (raid, admitted) = state.channel_raid(&channel, &asker).await?;
    let page = page(&state, visit.address, raid, admitted, true).await?;
    // It may have become private while its fights were asked for.
    state.visible_raid(&page.code, &asker).await?;
    Ok(Json(page))
}

async fn page(
    state: &AppState,
    who: Address,
    raid: RaidRow,
    admitted: Admitted,
    tell_channel: bool,
) -> Result<RaidPage, HttpError> {
    let lines = state.store().raid_reports(&raid.code).await?;
    let reports = summaries(state, who, admitted.audience(), lines).await;
    let connected = match state.registry.directory.raid(&raid.code) {
        Some(handle) => handle.ask(|reply| RaidCommand::Connected { reply }).await.unwrap_or(false),
        None => false,
    };
    let channel = if tell_channel { state.store().channel(raid.account).await? } else { None };
    Ok(RaidPage {
        channel,
        title: raid.title.clone(),
        visibility: raid.visibility,
        open: connected || state.context().is_open(&raid),
        connected,
        created_at_ms: raid.created_at_ms,
        code: raid.code,
        reports,
    })
}
