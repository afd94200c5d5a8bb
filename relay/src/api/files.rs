//! `GET /api/v1/reports/{reportId}/file`: a fight to be kept, as one HTML file that is opened without a relay.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use crate::desk::{Desk, TicketQuery};
use crate::edge::Asked;
use crate::error::HttpError;
use crate::extract::{Path, Query};
use crate::pictures::NOT_FOUND_BY_SEARCH;

/// A report with all of its fight, as its asker may see it.
///
/// # Errors
/// As reports; `Conflict` while the fight goes on.
pub async fn file(
    State(desk): State<Desk>,
    Path(report_id): Path<String>,
    Query(query): Query<TicketQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let asker = desk.door().asker(&headers, query.ticket.as_deref()).await?;
    let (report, _) = desk.door().report(&report_id, &asker).await?;
    let file = desk.answers().file(visit.address, &report).await?;
    desk.door().still(&asker, &report).await?;
    let mut response = file.respond(&headers);
    let (name, value) = NOT_FOUND_BY_SEARCH;
    response.headers_mut().insert(name, value);
    Ok(response)
}
