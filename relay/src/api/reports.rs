//! `GET /api/v1/reports`, `/reports/{reportId}`, what stands beside its figures, and its fight's other points of view.

use std::collections::HashSet;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use raidcast_shared::fold::Span;
use raidcast_shared::report::{Details, PointsOfView, Recaps, Report, ReportPage, Timeline};
use raidcast_store::EncounterRow;
use raidcast_store::same_fight::TOLD_MAX;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::access::{Asker, Visible};
use crate::body::Body;
use crate::desk::{Desk, TicketQuery};
use crate::edge::Asked;
use crate::error::HttpError;
use crate::extract::{Path, Query};
use crate::openapi::{IfNoneMatch, NoTimes, NotFound, Unchanged};
use crate::search::Place;

/// Entries of a page, if nothing is asked for.
const LIMIT_DEFAULT: u32 = 50;
/// Most entries of a page.
const LIMIT_MAX: u32 = 100;
/// Most points of view of a report.
const VIEWS_MAX: usize = TOLD_MAX as usize;

/// `?limit=&page=&cursor=`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Entries of a page.
    #[param(required = false, value_type = u32, minimum = 1, maximum = 100, default = 50)]
    limit: Option<String>,
    /// Which page.
    #[param(required = false, value_type = u32, minimum = 1, maximum = 42_949_672, default = 1)]
    page: Option<String>,
    /// `pagination.next` of an answer before, in place of `page`: however deep, it costs what the first page does.
    #[param(required = false, value_type = String)]
    cursor: Option<String>,
}

/// `?from=&to=&ticket=`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportQuery {
    /// Only the part of the fight that begins here, ms since the fight began; before `to`.
    #[param(required = false, value_type = u32, maximum = 4_294_967_295_u32)]
    from: Option<String>,
    /// And ends before this.
    #[param(required = false, value_type = u32, minimum = 1, maximum = 4_294_967_295_u32)]
    to: Option<String>,
    /// Of a private raid's link.
    #[param(required = false, value_type = String)]
    ticket: Option<String>,
}

impl ReportQuery {
    /// The part that is asked for, if one is.
    fn span(&self) -> Result<Option<Span>, HttpError> {
        let from = number("from", self.from.as_deref(), 0, u32::MAX)?;
        let to = number("to", self.to.as_deref(), 0, u32::MAX)?;
        if from.is_none() && to.is_none() {
            return Ok(None);
        }
        let span = Span { from_ms: from.unwrap_or(0), to_ms: to.unwrap_or(u32::MAX) };
        if span.from_ms >= span.to_ms {
            let text = "`from` must be before `to`: both are ms since the encounter began";
            return Err(HttpError::BadRequest(text.into()));
        }
        Ok(Some(span))
    }
}

/// A report that somebody may see who asks for it.
struct Seen {
    asker: Asker,
    report: Visible<EncounterRow>,
}

impl Seen {
    /// With its record, where it has one that he may see.
    async fn of(
        desk: &Desk,
        report_id: &str,
        headers: &HeaderMap,
        ticket: Option<&str>,
    ) -> Result<(Self, Option<Bytes>), HttpError> {
        let asker = desk.door().asker(headers, ticket).await?;
        let (report, record) = desk.door().report(report_id, &asker).await?;
        Ok((Self { asker, report }, record))
    }

    /// Answers with what was made of it, if he may see it still.
    async fn respond(&self, desk: &Desk, body: &Body, headers: &HeaderMap) -> Result<Response, HttpError> {
        desk.door().still(&self.asker, &self.report).await?;
        Ok(body.respond(headers))
    }
}

fn number(name: &str, text: Option<&str>, from: u32, to: u32) -> Result<Option<u32>, HttpError> {
    let Some(text) = text else { return Ok(None) };
    match text.parse::<u32>() {
        Ok(value) if (from..=to).contains(&value) => Ok(Some(value)),
        _ => Err(HttpError::BadRequest(format!("`{name}` must be a number from {from} to {to}"))),
    }
}

/// Public reports, the newest fight first.
///
/// Live ones are among them.
#[utoipa::path(
    get, path = "/api/v1/reports", operation_id = "reports", tag = "Reading",
    params(ListQuery, IfNoneMatch),
    responses((status = 200, description = "A page of the list.", body = ReportPage, headers(("ETag"))), Unchanged)
)]
pub async fn list(
    State(desk): State<Desk>,
    Query(query): Query<ListQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let limit = number("limit", query.limit.as_deref(), 1, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT);
    let page = number("page", query.page.as_deref(), 1, u32::MAX / LIMIT_MAX)?;
    let place = match (query.cursor, page) {
        (Some(_), Some(_)) => return Err(HttpError::BadRequest("give a `page` or a `cursor`, not both".into())),
        (Some(cursor), None) => Place::Cursor(cursor),
        (None, page) => Place::Page(page.unwrap_or(1)),
    };
    Ok(desk.lists().public(visit.address, place, limit).await?.respond(&headers))
}

/// A report, or a part of its fight.
#[utoipa::path(
    get, path = "/api/v1/reports/{reportId}", operation_id = "report", tag = "Reading",
    params(("reportId" = String, Path, description = "Names the report."), ReportQuery, IfNoneMatch),
    responses(
        (status = 200, description = "The report.", body = Report, headers(("ETag"))), Unchanged, NotFound, NoTimes
    ),
    security((), ("key" = []))
)]
pub async fn report(
    State(desk): State<Desk>,
    Path(report_id): Path<String>,
    Query(query): Query<ReportQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let span = query.span()?;
    let (seen, record) = Seen::of(&desk, &report_id, &headers, query.ticket.as_deref()).await?;
    let body = match span {
        None => desk.answers().report(visit.address, &seen.report, record).await?,
        Some(span) => desk.answers().span(visit.address, &seen.report, record, span).await?,
    };
    seen.respond(&desk, &body, &headers).await
}

/// Damage, healing and damage taken of each player, by second.
#[utoipa::path(
    get, path = "/api/v1/reports/{reportId}/timeline", operation_id = "timeline", tag = "Reading",
    params(("reportId" = String, Path, description = "Names the report."), TicketQuery, IfNoneMatch),
    responses(
        (status = 200, description = "The amounts.", body = Timeline, headers(("ETag"))), Unchanged, NotFound, NoTimes
    ),
    security((), ("key" = []))
)]
pub async fn timeline(
    State(desk): State<Desk>,
    Path(report_id): Path<String>,
    Query(query): Query<TicketQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let (seen, _) = Seen::of(&desk, &report_id, &headers, query.ticket.as_deref()).await?;
    let body = desk.answers().timeline(visit.address, &seen.report).await?;
    seen.respond(&desk, &body, &headers).await
}

/// What stands beside the figures of a report, or of a part of its fight: from whom players took damage, whom they hit.
#[utoipa::path(
    get, path = "/api/v1/reports/{reportId}/details", operation_id = "details", tag = "Reading",
    params(("reportId" = String, Path, description = "Names the report."), ReportQuery, IfNoneMatch),
    responses(
        (status = 200, description = "What stands beside them.", body = Details, headers(("ETag"))),
        Unchanged, NotFound, NoTimes
    ),
    security((), ("key" = []))
)]
pub async fn details(
    State(desk): State<Desk>,
    Path(report_id): Path<String>,
    Query(query): Query<ReportQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let span = query.span()?.unwrap_or(Span::ALL);
    let (seen, _) = Seen::of(&desk, &report_id, &headers, query.ticket.as_deref()).await?;
    let body = desk.answers().details(visit.address, &seen.report, span).await?;
    seen.respond(&desk, &body, &headers).await
}

/// What led to players' deaths in a report, or in a part of its fight: the ten seconds before each.
#[utoipa::path(
    get, path = "/api/v1/reports/{reportId}/recaps", operation_id = "recaps", tag = "Reading",
    params(("reportId" = String, Path, description = "Names the report."), ReportQuery, IfNoneMatch),
    responses(
        (status = 200, description = "What led to them.", body = Recaps, headers(("ETag"))), Unchanged, NotFound
    ),
    security((), ("key" = []))
)]
pub async fn recaps(
    State(desk): State<Desk>,
    Path(report_id): Path<String>,
    Query(query): Query<ReportQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let span = query.span()?.unwrap_or(Span::ALL);
    let (seen, _) = Seen::of(&desk, &report_id, &headers, query.ticket.as_deref()).await?;
    let body = desk.answers().recaps(visit.address, &seen.report, span).await?;
    seen.respond(&desk, &body, &headers).await
}

/// Reports of the same fight by other accounts: its points of view.
#[utoipa::path(
    get, path = "/api/v1/reports/{reportId}/views", operation_id = "views", tag = "Reading",
    params(("reportId" = String, Path, description = "Names the report."), TicketQuery, IfNoneMatch),
    responses(
        (status = 200, description = "The points of view.", body = PointsOfView, headers(("ETag"))), Unchanged, NotFound
    ),
    security((), ("key" = []))
)]
pub async fn views(
    State(desk): State<Desk>,
    Path(report_id): Path<String>,
    Query(query): Query<TicketQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let asker = desk.door().asker(&headers, query.ticket.as_deref()).await?;
    let (report, _) = desk.door().report(&report_id, &asker).await?;
    let (mut views, mut told) = (Vec::new(), HashSet::new());
    // One record at a time is held.
    for other in desk.door().same_fight(&report, &asker).await? {
        if told.len() >= VIEWS_MAX {
            break;
        }
        // Of an account the most alike of those to which he is led: that is another where the first hides somebody.
        if let Some((row, record)) = desk.door().view(&other, &asker).await?
            && told.insert(row.key.account)
        {
            let view = desk.answers().view(visit.address, &row, record).await?;
            views.push((row, view));
        }
    }
    desk.door().still(&asker, &report).await?;
    let mut still = Vec::with_capacity(views.len());
    for (row, view) in views {
        if desk.door().still_view(&asker, &row).await?.is_some() {
            still.push(view);
        }
    }
    Ok(desk.answers().views(visit.address, &report, still).await?.respond(&headers))
}
