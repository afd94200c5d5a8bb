//! `GET /health`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dashmap::DashMap;
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
    /// Raids whose rows cannot be read; left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    raids: Vec<SetAsideRaid>,
}

/// A fight that cannot be read.
#[derive(Clone, Debug, Serialize)]
pub struct SetAsideFight {
    report: String,
    why: String,
}

/// A raid whose row cannot be read.
#[derive(Clone, Debug, Serialize)]
pub struct SetAsideRaid {
    raid: String,
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
    let named = |held: &DashMap<String, String>| {
        let mut named: Vec<_> = held.iter().map(|held| (held.key().clone(), held.value().clone())).collect();
        named.sort_unstable();
        let count = named.len();
        named.truncate(SET_ASIDE_NAMED);
        (count, named)
    };
    let ((count, fights), (raid_count, raids)) = (named(&shared.set_aside), named(&shared.raids_set_aside));
    let fights = fights.into_iter().map(|(report, why)| SetAsideFight { report, why }).collect();
    let raids = raids.into_iter().map(|(raid, why)| SetAsideRaid { raid, why }).collect();
    (count + raid_count > 0).then_some(SetAside { count, fights, raids })
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
