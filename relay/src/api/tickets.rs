//! `POST /api/v1/raids/{code}/ticket`: the uploader ends what was shared of a private raid.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use raidcast_shared::report::RenewedTicket;

use crate::error::HttpError;
use crate::state::AppState;

/// Gives a raid a new ticket, and its channel too. Those before are good for nothing when this is answered, and who
/// watches by one of them is let go.
pub async fn renew(
    State(state): State<AppState>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<Json<RenewedTicket>, HttpError> {
    let account = state.account(&headers).await?.ok_or(HttpError::Unauthorized)?;
    let raid = state.store().raid_by_code(&code).await?.filter(|raid| raid.account == account);
    let mut raid = raid.ok_or(HttpError::NotFound)?;
    let channel = state.store().channel(account).await?.ok_or(HttpError::NotFound)?;
    raid.tickets = state.registry.renew_tickets(&raid).await?.ok_or(HttpError::NotFound)?;
    let shared = state.context();
    Ok(Json(RenewedTicket {
        ticket: shared.secret.ticket(&raid.code, raid.tickets.raid),
        raid_url: shared.raid_url(&raid),
        channel_url: shared.channel_url(&channel, &raid),
    }))
}
