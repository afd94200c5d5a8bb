//! `POST /api/v1/raids/{code}/ticket`: the uploader ends what was shared of a private raid.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use raidcast_shared::report::RenewedTicket;

use crate::account::Scope;
use crate::desk::Desk;
use crate::error::HttpError;

/// Gives a raid a new ticket, and its channel too.
pub async fn renew(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<Json<RenewedTicket>, HttpError> {
    let uploader = desk.door().uploader(&headers, Scope::Manage).await?;
    Ok(Json(desk.renew_tickets(&code, uploader).await?))
}
