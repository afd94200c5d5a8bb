//! `GET /health`: whether the relay runs, by what is known already. `GET /ready`: whether it takes uploads, looked at.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use raidcast_shared::report::ApiError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::Context;
use crate::error::HttpError;
use crate::readiness::Readiness;

/// Who finds it not well looks again after so many seconds.
const RETRY_S: &str = "5";
/// What is said of what is well.
const OK: &str = "ok";
const DRAINING: &str = "the relay is about to stop: ask another, or this one when it has started again";

/// What cannot be read: all else is served. How much there is; the log names it, for whoever has a link sees what it
/// leads to, and anybody may ask how the relay is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SetAside {
    /// Fights.
    count: usize,
    /// Raids whose rows cannot be read.
    raids: usize,
}

/// How the relay is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// `healthy` or `unhealthy`.
    status: &'static str,
    /// Unix ms.
    timestamp: i64,
    version: &'static str,
    /// `up` or `down`.
    database: &'static str,
    /// What is wrong, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<&'static str>,
    /// As any error of the API.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    error: Option<ApiError>,
    /// Left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    set_aside: Option<SetAside>,
}

fn set_aside(context: &Context) -> Option<SetAside> {
    let (count, raids) = context.set_aside.counts();
    (count + raids > 0).then_some(SetAside { count, raids })
}

fn unavailable(why: &str) -> ApiError {
    ApiError { code: "unavailable".into(), message: format!("the relay takes no uploads now: {why}"), details: None }
}

/// 200, or 503 with when to look again.
fn answer(well: bool, body: impl Serialize) -> Response {
    match well {
        true => Json(body).into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, RETRY_S)], Json(body)).into_response(),
    }
}

/// Whether the relay is well, as far as it knows.
///
/// That is, whether the last that was written reached the disk. Nothing is asked for it.
#[utoipa::path(
    get, path = "/health", operation_id = "health", tag = "Relay",
    responses(
        (status = 200, description = "It is. Where it is not, the answer is 503, and has these fields besides the error's.",
            body = Health)
    )
)]
pub async fn health(State(readiness): State<Arc<Readiness>>) -> Response {
    let context = readiness.context();
    let up = context.store_ok.load(Ordering::Relaxed);
    let reason = match () {
        () if context.draining.is_cancelled() => Some(DRAINING),
        () if !up => Some("the database takes no writes; GET /ready says why"),
        () => None,
    };
    let health = Health {
        status: if reason.is_none() { "healthy" } else { "unhealthy" },
        timestamp: context.clock.now_ms(),
        version: env!("CARGO_PKG_VERSION"),
        database: if up { "up" } else { "down" },
        error: reason.map(unavailable),
        reason,
        set_aside: set_aside(context),
    };
    answer(reason.is_none(), health)
}

/// Each thing that was looked at: `ok`, or what is wrong with it, in words.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Found<'a> {
    store: &'a str,
    /// Left out where it cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    disk: Option<&'a str>,
    queue: &'a str,
    draining: &'a str,
}

/// Whether the relay takes uploads.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Ready<'a> {
    /// `ready` or `unready`.
    status: &'static str,
    checks: Found<'a>,
    /// As any error of the API.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    error: Option<ApiError>,
}

fn words(check: &Result<(), String>) -> &str {
    check.as_ref().map_or_else(String::as_str, |()| OK)
}

/// Whether the relay takes uploads now.
///
/// That is, whether a small write reaches the disk, which has room, and what waits is not too much. `checks` says what was
/// looked at, at most a second ago.
///
/// # Errors
/// `Internal`: a defect.
#[utoipa::path(
    get, path = "/ready", operation_id = "ready", tag = "Relay", description = "Whether a small write reaches the disk, \
    which has room, and what waits is not too much. `checks` says what was looked at, at most a second ago.",
    responses(
        (status = 200, description = "It does. Where not, the answer is 503, and has these fields besides the error's.",
            body = Ready<'static>)
    )
)]
pub async fn ready(State(readiness): State<Arc<Readiness>>) -> Result<Response, HttpError> {
    let checks = readiness.checks().await.ok_or(HttpError::Internal)?;
    let found = Found {
        store: words(&checks.store),
        disk: checks.disk.as_ref().map(words),
        queue: words(&checks.queue),
        // Asked now: who is told late sends somebody to a relay that is gone.
        draining: if readiness.context().draining.is_cancelled() { DRAINING } else { OK },
    };
    let all = [found.draining, found.store, found.disk.unwrap_or(OK), found.queue];
    let wrong = all.into_iter().find(|said| *said != OK);
    let status = if wrong.is_none() { "ready" } else { "unready" };
    Ok(answer(wrong.is_none(), Ready { status, checks: found, error: wrong.map(unavailable) }))
}
