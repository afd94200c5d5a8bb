//! `GET /api/v1/raids/{code}` and `GET /api/v1/live/{channel}`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use raidcast_shared::report::RaidPage;
use raidcast_store::RaidRow;

use super::reports::live_summaries;
use crate::error::HttpError;
use crate::extract::{Path, Query};
use crate::finalize;
use crate::raid::RaidCommand;
use crate::state::{AppState, TicketQuery};

/// A raid and its fights.
pub async fn raid(
    State(state): State<AppState>,
    Path(code): Path<String>,
    Query(TicketQuery { ticket }): Query<TicketQuery>,
    headers: HeaderMap,
) -> Result<Json<RaidPage>, HttpError> {
    let raid = state.visible_raid(&code, &headers, ticket.as_deref()).await?;
    page(&state, raid).await.map(Json)
}

/// The present raid of a channel and its fights.
pub async fn channel(
    State(state): State<AppState>,
    Path(channel): Path<String>,
    Query(TicketQuery { ticket }): Query<TicketQuery>,
    headers: HeaderMap,
) -> Result<Json<RaidPage>, HttpError> {
    let raid = state.channel_raid(&channel, &headers, ticket.as_deref()).await?;
    page(&state, raid).await.map(Json)
}

async fn page(state: &AppState, raid: RaidRow) -> Result<RaidPage, HttpError> {
    let lines = state.store().raid_reports(&raid.code).await?;
    let mut reports: Vec<_> = lines.into_iter().map(finalize::summary).collect();
    live_summaries(state, &mut reports).await;
    let connected = match state.registry.loaded(&raid.code) {
        Some(handle) => handle.ask(|reply| RaidCommand::Connected { reply }).await.unwrap_or(false),
        None => false,
    };
    let channel = state.store().channel(raid.account).await?.ok_or(HttpError::NotFound)?;
    Ok(RaidPage {
        channel,
        title: raid.title.clone(),
        visibility: raid.visibility,
        open: connected || state.registry.is_open(&raid),
        connected,
        created_at_ms: raid.created_at_ms,
        code: raid.code,
        reports,
    })
}
