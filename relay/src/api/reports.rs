//! `GET /api/v1/reports`, `/reports/{reportId}` and its timeline.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use raidcast_shared::fold::Span;
use raidcast_shared::report::{Fight, Pagination, Report, ReportPage, ReportSummary};
use raidcast_shared::uplink::ReportState;
use raidcast_shared::view::{self, Audience};
use raidcast_store::{EncounterRow, Page, ReportLine};
use serde::Deserialize;

use crate::access::{Admitted, Asker};
use crate::edge::{Address, Asked};
use crate::error::HttpError;
use crate::extract::{Path, Query};
use crate::record;
use crate::state::AppState;

/// Entries of a page, if nothing is asked for.
const LIMIT_DEFAULT: u32 = 50;
/// A list waits this long for what raids' tasks and folds tell of running fights.
const SUMMARY_TIMEOUT: Duration = Duration::from_millis(250);
/// Most entries of a page.
const LIMIT_MAX: u32 = 100;

/// `?limit=&page=`.
#[derive(Debug, Deserialize)]
pub struct ListQuery {
    limit: Option<String>,
    page: Option<String>,
}

/// `?from=&to=&ticket=`.
#[derive(Debug, Deserialize)]
pub struct ReportQuery {
    from: Option<String>,
    to: Option<String>,
    ticket: Option<String>,
}

fn number(name: &str, text: Option<&str>, from: u32, to: u32) -> Result<Option<u32>, HttpError> {
    let Some(text) = text else { return Ok(None) };
    match text.parse::<u32>() {
        Ok(value) if (from..=to).contains(&value) => Ok(Some(value)),
        _ => Err(HttpError::BadRequest(format!("`{name}` must be a number from {from} to {to}"))),
    }
}

/// Public reports, newest fight first, live ones included.
pub async fn list(
    State(state): State<AppState>,
    Query(query): Query<ListQuery>,
    Extension(visit): Extension<Asked>,
) -> Result<Json<ReportPage>, HttpError> {
    let limit = number("limit", query.limit.as_deref(), 1, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT);
    let page = number("page", query.page.as_deref(), 1, u32::MAX / LIMIT_MAX)?.unwrap_or(1);
    let (lines, total) = state.store().public_reports(Page { page, limit }).await?;
    let reports = summaries(&state, visit.address, Admitted::AsAnybody.audience(), lines).await;
    let pagination = Pagination { page, limit, total, total_pages: total.div_ceil(u64::from(limit)) };
    Ok(Json(ReportPage { reports, pagination }))
}

/// Lines of a list. Live reports have their figures in memory: they are filled in. All raids are asked at the same time, and who does not
/// answer at once is not waited for: the list then shows what is stored.
pub async fn summaries(
    state: &AppState,
    who: Address,
    audience: Audience,
    lines: Vec<ReportLine>,
) -> Vec<ReportSummary> {
    let mut reports: Vec<_> = lines.into_iter().map(|line| record::summary(audience, line)).collect();
    let live = reports.iter_mut().filter(|summary| summary.state == ReportState::Live);
    let asked = live.map(|summary| async {
        let asked = Arc::clone(&state.answers).summary(who, audience, summary.report_id.clone());
        if let Ok(Some(now)) = tokio::time::timeout(SUMMARY_TIMEOUT, asked).await {
            *summary = ReportSummary { raid: summary.raid.clone(), ..ReportSummary::clone(&now) };
        }
    });
    futures::future::join_all(asked).await;
    reports
}

async fn visible(
    state: &AppState,
    report_id: &str,
    asker: &Asker,
) -> Result<(Audience, EncounterRow, Option<Bytes>), HttpError> {
    let (row, record) = state.report(report_id, asker).await?;
    let admitted = state.admit(asker, (&row).into()).await?;
    Ok((admitted.audience(), row, record))
}

/// One report, or a span of it.
pub async fn report(
    State(state): State<AppState>,
    Path(report_id): Path<String>,
    Query(query): Query<ReportQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let from = number("from", query.from.as_deref(), 0, u32::MAX)?;
    let to = number("to", query.to.as_deref(), 0, u32::MAX)?;
    let span = match (from, to) {
        (None, None) => None,
        (from, to) => Some(Span { from_ms: from.unwrap_or(0), to_ms: to.unwrap_or(u32::MAX) }),
    };
    if span.is_some_and(|span| span.from_ms >= span.to_ms) {
        return Err(HttpError::BadRequest("`from` must be before `to`: both are ms since the encounter began".into()));
    }
    let asker = state.asker(&headers, query.ticket.as_deref()).await?;
    let (audience, row, record) = visible(&state, &report_id, &asker).await?;
    let answer = match span {
        None => state.answers.report(visit.address, audience, &row, record).await?.respond(&headers),
        Some(span) => {
            let frame = state.answers.frame(visit.address, audience, &row, record).await?;
            let fight = state.spans.fight(visit.address, audience, &row, span).await?;
            let mut fight = Fight::clone(&fight);
            view::went_as(&mut fight, &frame.fight);
            Json(Report { fight, ..Report::clone(&frame) }).into_response()
        }
    };
    state.still_admitted(&asker, &row).await?;
    Ok(answer)
}

/// Amounts by second of a report.
pub async fn timeline(
    State(state): State<AppState>,
    Path(report_id): Path<String>,
    Query(query): Query<ReportQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let asker = state.asker(&headers, query.ticket.as_deref()).await?;
    let (audience, row, _) = visible(&state, &report_id, &asker).await?;
    let answer = state.answers.timeline(visit.address, audience, &row).await?.respond(&headers);
    state.still_admitted(&asker, &row).await?;
    Ok(answer)
}
