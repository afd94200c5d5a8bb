//! What meters call that upload by themselves: paths, names and answers are as they expect them (docs/api.md). And what
//! the answers have in common that a key gets which may upload.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Uploader;
use crate::account::Scope;
use crate::desk::Desk;
use crate::edge::drain;
use crate::error::HttpError;
use crate::limits::ALLOWANCE_MS;
use crate::openapi::{Forbidden, Unauthorized, UnsupportedMedia};
use crate::quota::{Allowance, DAY_MS};

/// The window of a key's limits of a day, s.
const DAY_S: i64 = DAY_MS / 1_000;

/// The key is one that may upload.
#[derive(Debug, Serialize, ToSchema)]
pub struct Valid {
    valid: bool,
}

/// Fights that were kept, or known.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ingested {
    ingested: usize,
    /// What each is called here, in the order of the request.
    ids: Vec<i64>,
}

/// Which fights the account has uploaded.
#[derive(Debug, Serialize, ToSchema)]
pub struct Duplicates {
    duplicates: Vec<Duplicate>,
    missing: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Duplicate {
    hash: String,
    encounter_id: i64,
}

/// Profiles that were counted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Profiles {
    synced: usize,
    updated: usize,
    created: usize,
    ids: Vec<usize>,
}

/// Nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct Nothing {}

/// Whose key it is; who may not upload reads so when what he sends has been taken in.
pub(super) async fn uploader(desk: &Desk, headers: &HeaderMap, body: Body) -> Result<(Uploader, Body), HttpError> {
    match desk.door().uploader(headers, Scope::Upload).await {
        Ok(uploader) => Ok((uploader, body)),
        Err(error) => {
            drain(body).await;
            Err(error)
        }
    }
}

/// An answer to a key that may upload, with what is left of its day.
pub(super) async fn with_allowance(desk: &Desk, uploader: &Uploader, answer: impl IntoResponse) -> Response {
    let mut answer = answer.into_response();
    // The answer does not wait for it for long.
    let asking = tokio::time::timeout(Duration::from_millis(ALLOWANCE_MS), desk.allowance(uploader));
    if let Ok(Some(allowance)) = asking.await {
        tell(&allowance, answer.headers_mut());
    }
    answer
}

/// Says what is left of a key's day, by draft-ietf-httpapi-ratelimit-headers.
fn tell(allowance: &Allowance, headers: &mut HeaderMap) {
    let Allowance { most, left, reset_s, in_bytes } = *allowance;
    let unit = if in_bytes { ";qu=\"content-bytes\"" } else { "" };
    for (name, value) in [
        ("ratelimit-policy", format!("\"day\";q={most};w={DAY_S}{unit}")),
        ("ratelimit", format!("\"day\";r={left};t={reset_s}")),
    ] {
        if let Ok(value) = value.parse() {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Whether a key may upload.
#[utoipa::path(
    get, path = "/api/v1/auth/check", operation_id = "checkKey", tag = "Meters",
    responses(
        (status = 200, description = "It may.", body = Valid, headers(("RateLimit-Policy"), ("RateLimit"))),
        Unauthorized, Forbidden
    ),
    security(("key" = ["upload"]))
)]
pub async fn auth(State(desk): State<Desk>, headers: HeaderMap) -> Result<Response, HttpError> {
    let uploader = desk.door().uploader(&headers, Scope::Upload).await?;
    Ok(with_allowance(&desk, &uploader, Json(Valid { valid: true })).await)
}

/// Which of these fights the key's account has uploaded.
///
/// The body may be packed (`Content-Encoding: gzip` or `zstd`) and has 1 MiB at most.
#[utoipa::path(
    post, path = "/api/v1/upload/check", operation_id = "checkUploads", tag = "Meters",
    request_body(content = ref("#/components/schemas/UploadCheck"), content_type = "application/json"),
    responses(
        (
            status = 200, description = "Which are here, and which are not.",
            body = Duplicates, headers(("RateLimit-Policy"), ("RateLimit"))
        ),
        Unauthorized, Forbidden, UnsupportedMedia
    ),
    security(("key" = ["upload"]))
)]
pub async fn check(State(desk): State<Desk>, headers: HeaderMap, body: Body) -> Result<Response, HttpError> {
    let (uploader, body) = uploader(&desk, &headers, body).await?;
    let checked = desk.ingest().check(uploader.clone(), headers, body).await.map(|checked| {
        let duplicates = checked.known.into_iter().map(|(hash, encounter_id)| Duplicate { hash, encounter_id });
        Json(Duplicates { duplicates: duplicates.collect(), missing: checked.unknown })
    });
    Ok(with_allowance(&desk, &uploader, checked).await)
}

/// Uploads fights in the form of meters.
///
/// The answer comes when they are on disk. A fight that cannot be read fails nothing else in its request: it has an id, too,
/// and its report says what is wrong. The body may be packed (`Content-Encoding: gzip` or `zstd`); it has 256 MiB at most,
/// and 64 MiB packed. The address without the slash at its end is the same.
#[utoipa::path(
    post, path = "/api/v1/upload/", operation_id = "uploadAsMeter", tag = "Meters",
    request_body(content = ref("#/components/schemas/MeterUpload"), content_type = "application/json"),
    responses(
        (
            status = 200, description = "The id of each, in the order of the request.",
            body = Ingested, headers(("RateLimit-Policy"), ("RateLimit"))
        ),
        Unauthorized, Forbidden, UnsupportedMedia
    ),
    security(("key" = ["upload"]))
)]
pub async fn upload(State(desk): State<Desk>, headers: HeaderMap, body: Body) -> Result<Response, HttpError> {
    let (uploader, body) = uploader(&desk, &headers, body).await?;
    let ids = Box::pin(desk.ingest().upload(uploader.clone(), headers, body)).await;
    let ingested = ids.map(|ids| Json(Ingested { ingested: ids.len(), ids }));
    Ok(with_allowance(&desk, &uploader, ingested).await)
}

/// Takes players' profiles, of which nothing is kept.
///
/// The body may be packed and has 16 MiB at most.
#[utoipa::path(
    post, path = "/api/v1/upload/player-data", operation_id = "uploadPlayerData", tag = "Meters",
    request_body(content = ref("#/components/schemas/PlayerData"), content_type = "application/json"),
    responses(
        (
            status = 200, description = "How many came.",
            body = Profiles, headers(("RateLimit-Policy"), ("RateLimit"))
        ),
        Unauthorized, Forbidden, UnsupportedMedia
    ),
    security(("key" = ["upload"]))
)]
pub async fn player_data(State(desk): State<Desk>, headers: HeaderMap, body: Body) -> Result<Response, HttpError> {
    let (uploader, body) = uploader(&desk, &headers, body).await?;
    let synced = desk.ingest().count_profiles(uploader.clone(), headers, body).await;
    let profiles = synced.map(|synced| Json(Profiles { synced, updated: 0, created: 0, ids: (1..=synced).collect() }));
    Ok(with_allowance(&desk, &uploader, profiles).await)
}

/// Takes what a meter says of its version, whatever that is. Nothing of it is kept.
#[utoipa::path(
    post, path = "/api/v1/tracking/app-update", operation_id = "trackAppUpdate", tag = "Meters",
    responses((status = 200, description = "It was taken in.", body = Nothing))
)]
pub async fn app_update(body: Body) -> Json<Nothing> {
    drain(body).await;
    Json(Nothing {})
}
