//! `GET /health`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use raidcast_shared::report::ApiError;
use serde::Serialize;

use crate::context::Context;

/// A database that does not answer in this time is down.
const PING_TIMEOUT: Duration = Duration::from_secs(3);
/// Who finds it down looks again after so many seconds.
const RETRY_S: &str = "5";

/// What cannot be read: all else is served. How much there is; the log names it, for whoever has a link sees what it
/// leads to, and anybody may ask how the relay is.
#[derive(Clone, Debug, Serialize)]
pub struct SetAside {
    /// Fights.
    count: usize,
    /// Raids whose rows cannot be read.
    raids: usize,
}

/// How the relay is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    status: &'static str,
    /// Unix ms.
    timestamp: i64,
    version: &'static str,
    database: &'static str,
    /// What is wrong, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// As any error of the API.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    error: Option<ApiError>,
    /// Left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    set_aside: Option<SetAside>,
}

fn set_aside(context: &Context) -> Option<SetAside> {
    let (count, raids) = context.set_aside.counts();
    (count + raids > 0).then_some(SetAside { count, raids })
}

/// Whether the relay takes uploads now: a small write must reach the disk.
pub async fn health(State(context): State<Arc<Context>>) -> Response {
    let ping = tokio::time::timeout(PING_TIMEOUT, context.store.ping()).await;
    let reason = match ping {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("the database does not answer".to_owned()),
    };
    context.store_ok.store(reason.is_none(), Ordering::Relaxed);
    let up = reason.is_none();
    let health = Health {
        status: if up { "healthy" } else { "unhealthy" },
        timestamp: context.clock.now_ms(),
        version: env!("CARGO_PKG_VERSION"),
        database: if up { "up" } else { "down" },
        error: reason.as_ref().map(|reason| ApiError {
            code: "unavailable".into(),
            message: format!("the relay takes no uploads now: {reason}"),
            details: None,
        }),
        reason,
        set_aside: set_aside(&context),
    };
    match up {
        true => Json(health).into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, RETRY_S)], Json(health)).into_response(),
    }
}
