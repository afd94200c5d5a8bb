//! `GET /health`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use crate::raid::Shared;
use crate::state::AppState;

/// A database that does not answer in this time is down.
const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// So many fights that are set aside are named; how many there are is told too.
const SET_ASIDE_NAMED: usize = 10;

/// Fights that cannot be read: all others are served.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SetAside {
    count: usize,
    fights: Vec<SetAsideFight>,
}

/// A fight that cannot be read.
#[derive(Clone, Debug, Serialize)]
pub struct SetAsideFight {
    report: String,
    why: String,
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
    /// Left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    set_aside: Option<SetAside>,
}

fn set_aside(shared: &Shared) -> Option<SetAside> {
    let held = shared.set_aside.iter();
    let mut fights: Vec<_> = held.map(|held| (held.key().clone(), held.value().clone())).collect();
    fights.sort_unstable();
    let count = fights.len();
    fights.truncate(SET_ASIDE_NAMED);
    let fights = fights.into_iter().map(|(report, why)| SetAsideFight { report, why }).collect();
    (count > 0).then_some(SetAside { count, fights })
}

/// Whether the relay takes uploads now: a small write must reach the disk.
pub async fn health(State(state): State<AppState>) -> (StatusCode, Json<Health>) {
    let shared = state.shared();
    let ping = tokio::time::timeout(PING_TIMEOUT, shared.store.ping()).await;
    let reason = match ping {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("the database does not answer".to_owned()),
    };
    shared.store_ok.store(reason.is_none(), Ordering::Relaxed);
    let up = reason.is_none();
    let health = Health {
        status: if up { "healthy" } else { "unhealthy" },
        timestamp: shared.clock.now_ms(),
        version: env!("CARGO_PKG_VERSION"),
        database: if up { "up" } else { "down" },
        reason,
        set_aside: set_aside(shared),
    };
    (if up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(health))
}
