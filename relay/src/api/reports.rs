//! `GET /api/v1/reports`, `/reports/{reportId}` and its timeline.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use raidcast_shared::fold::{EncounterState, Span};
use raidcast_shared::report::{Fight, Pagination, Report, ReportPage, ReportSummary, Timeline};
use raidcast_shared::uplink::{Ending, ReportState};
use raidcast_shared::view;
use raidcast_store::{EncounterRow, Page};
use serde::Deserialize;

use crate::error::HttpError;
use crate::finalize;
use crate::raid::{RaidCommand, Snapshot};
use crate::state::AppState;

/// Entries of a page, if nothing is asked for.
const LIMIT_DEFAULT: u32 = 50;
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
) -> Result<Json<ReportPage>, HttpError> {
    let limit = number("limit", query.limit.as_deref(), 1, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT);
    let page = number("page", query.page.as_deref(), 1, u32::MAX / LIMIT_MAX)?.unwrap_or(1);
    let (lines, total) = state.store().public_reports(Page { page, limit }).await?;
    let mut reports: Vec<_> = lines.into_iter().map(finalize::summary).collect();
    live_summaries(&state, &mut reports).await;
    let pagination = Pagination { page, limit, total, total_pages: total.div_ceil(u64::from(limit)) };
    Ok(Json(ReportPage { reports, pagination }))
}

/// Live reports have their figures in memory: fills them in.
pub async fn live_summaries(state: &AppState, reports: &mut [ReportSummary]) {
    for summary in reports.iter_mut().filter(|summary| summary.state == ReportState::Live) {
        if let Some(snapshot) = snapshot(state, &summary.raid, &summary.report_id).await {
            let row = summary.raid.clone();
            let report = &snapshot.report;
            *summary = ReportSummary {
                report_id: report.report_id.clone(),
                raid: row,
                state: report.state,
                revision: report.revision,
                started_at_ms: report.fight.started_at_ms,
                ended_at_ms: report.fight.ended_at_ms,
                duration_ms: report.fight.duration_ms,
                outcome: report.fight.outcome,
                encounter: report.fight.encounter.clone(),
                bosses: report.fight.bosses.iter().map(|boss| boss.name.clone()).collect(),
                players: report.fight.players.len() as u32,
                totals: report.fight.totals,
            };
        }
    }
}

async fn snapshot(state: &AppState, raid: &str, report_id: &str) -> Option<Arc<Snapshot>> {
    let handle = state.registry.loaded(raid)?;
    let report_id = report_id.to_owned();
    handle.ask(|reply| RaidCommand::Snapshot { report_id, reply }).await.ok().flatten()
}

async fn visible(
    state: &AppState,
    report_id: &str,
    headers: &HeaderMap,
    ticket: Option<&str>,
) -> Result<(EncounterRow, Option<bytes::Bytes>), HttpError> {
    let (row, record) = state.store().report(report_id).await?.ok_or(HttpError::NotFound)?;
    match state.may_see(row.key.account, &row.raid_code, row.visibility, headers, ticket).await? {
        true => Ok((row, record)),
        false => Err(HttpError::NotFound),
    }
}

/// One report, or a span of it.
pub async fn report(
    State(state): State<AppState>,
    Path(report_id): Path<String>,
    Query(query): Query<ReportQuery>,
    headers: HeaderMap,
) -> Result<Json<Report>, HttpError> {
    let from = number("from", query.from.as_deref(), 0, u32::MAX)?;
    let to = number("to", query.to.as_deref(), 0, u32::MAX)?;
    let span = match (from, to) {
        (None, None) => None,
        (from, to) => Some(Span { from_ms: from.unwrap_or(0), to_ms: to.unwrap_or(u32::MAX) }),
    };
    if span.is_some_and(|span| span.from_ms >= span.to_ms) {
        return Err(HttpError::BadRequest("`from` must be before `to`: both are ms since the encounter began".into()));
    }
    let (row, record) = visible(&state, &report_id, &headers, query.ticket.as_deref()).await?;
    let whole = whole(&state, &row, record).await?;
    let Some(span) = span else { return Ok(Json(whole)) };
    let fight = state.spans.fight(&row, span).await?;
    let mut fight = Fight::clone(&fight);
    view::went_as(&mut fight, &whole.fight);
    Ok(Json(Report { fight, ..whole }))
}

async fn whole(state: &AppState, row: &EncounterRow, record: Option<bytes::Bytes>) -> Result<Report, HttpError> {
    let mut report = match (snapshot(state, &row.raid_code, &row.report_id).await, record) {
        (Some(snapshot), _) => snapshot.report.clone(),
        (None, Some(record)) => finalize::decode_record(&record)?,
        // Live, but of a raid that nobody has loaded: its journal says it all.
        (None, None) => {
            let kept = row.clone();
            fold_whole(state, row, move |folded, ending| {
                finalize::report(&kept, &folded, ending.as_ref(), kept.state, kept.revision)
            })
            .await?
        }
    };
    report.raid.clone_from(&row.raid_code);
    report.visibility = row.visibility;
    Ok(report)
}

/// Amounts by second of a report.
pub async fn timeline(
    State(state): State<AppState>,
    Path(report_id): Path<String>,
    Query(query): Query<ReportQuery>,
    headers: HeaderMap,
) -> Result<Json<Timeline>, HttpError> {
    let (row, _) = visible(&state, &report_id, &headers, query.ticket.as_deref()).await?;
    if let Some(snapshot) = snapshot(&state, &row.raid_code, &row.report_id).await {
        return Ok(Json(snapshot.timeline.clone()));
    }
    let revision = row.revision;
    let timeline = fold_whole(&state, &row, move |folded, _| view::timeline(&folded, report_id, revision)).await?;
    Ok(Json(timeline))
}

/// Folds all of a report's log and makes something of it, on the pool.
async fn fold_whole<T: Send + 'static>(
    state: &AppState,
    row: &EncounterRow,
    make: impl FnOnce(EncounterState, Option<Ending>) -> T + Send + 'static,
) -> Result<T, HttpError> {
    let source = state.spans.source(row).await?;
    Ok(state.spans.run(move || make(source.index.fold(Span::ALL), source.ending)).await?)
}
