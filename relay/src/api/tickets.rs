//! `POST /api/v1/raids/{code}/ticket`: the uploader ends what was shared of a private raid.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use raidcast_shared::report::RenewedTicket;

use crate::access::Asker;
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
    let asker = Asker { account: Some(account), ticket: None };
    let (raid, _) = state.visible_raid(&code, &asker).await?;
    let mut raid = Some(raid).filter(|raid| raid.account == account).ok_or(HttpError::NotFound)?;
    let channel = state.store().channel(account).await?.ok_or(HttpError::NotFound)?;
    raid.tickets = state.registry.renew_tickets(&raid).await?.ok_or(HttpError::NotFound)?;
    let context = state.context();
    Ok(Json(RenewedTicket {
        ticket: context.secret.ticket(&raid.code, raid.tickets.raid),
        raid_url: context.raid_url(&raid),
        channel_url: context.channel_url(&channel, &raid),
    }))
}
