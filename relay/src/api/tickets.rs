//! `POST /api/v1/raids/{code}/ticket`: its owner ends what was shared of a private raid.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use raidcast_shared::report::RenewedTicket;

use crate::desk::Desk;
use crate::error::HttpError;
use crate::extract::Path;
use crate::openapi::{Forbidden, NotFound, Unauthorized};

/// Gives a raid a new ticket, and its channel too.
///
/// The links before it end at once, and who watches by them is let go. The key needs the scope `manage`; on a page of the
/// relay its owner does it.
#[utoipa::path(
    post, path = "/api/v1/raids/{code}/ticket", operation_id = "renewTicket", tag = "Managing",
    params(("code" = String, Path, description = "Names the raid.")),
    responses(
        (status = 200, description = "The new ticket and the new links.", body = RenewedTicket),
        Unauthorized, Forbidden, NotFound
    ),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn renew(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<Json<RenewedTicket>, HttpError> {
    let manager = desk.door().manager(&headers).await?;
    Ok(Json(desk.renew_tickets(&code, &manager).await?))
}
