//! What meters call that upload by themselves: paths, names and answers are as they expect them (docs/api.md).

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Uploader;
use crate::account::Scope;
use crate::desk::Desk;
use crate::edge::drain;
use crate::error::HttpError;
use crate::openapi::{Forbidden, Unauthorized, UnsupportedMedia};

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

/// Whether a key may upload.
#[utoipa::path(
    get, path = "/api/v1/auth/check", operation_id = "checkKey", tag = "Meters",
    responses((status = 200, description = "It may.", body = Valid), Unauthorized, Forbidden),
    security(("key" = ["upload"]))
)]
pub async fn auth(State(desk): State<Desk>, headers: HeaderMap) -> Result<Json<Valid>, HttpError> {
    desk.door().uploader(&headers, Scope::Upload).await?;
    Ok(Json(Valid { valid: true }))
}

/// Which of these fights the key's account has uploaded.
///
/// The body may be packed (`Content-Encoding: gzip` or `zstd`) and has 1 MiB at most.
#[utoipa::path(
    post, path = "/api/v1/upload/check", operation_id = "checkUploads", tag = "Meters",
    request_body(content = ref("#/components/schemas/UploadCheck"), content_type = "application/json"),
    responses(
        (status = 200, description = "Which are here, and which are not.", body = Duplicates),
        Unauthorized, Forbidden, UnsupportedMedia
    ),
    security(("key" = ["upload"]))
)]
pub async fn check(State(desk): State<Desk>, headers: HeaderMap, body: Body) -> Result<Json<Duplicates>, HttpError> {
    let (uploader, body) = uploader(&desk, &headers, body).await?;
    let checked = desk.ingest().check(uploader, headers, body).await?;
    let duplicates = checked.known.into_iter().map(|(hash, encounter_id)| Duplicate { hash, encounter_id });
    Ok(Json(Duplicates { duplicates: duplicates.collect(), missing: checked.unknown }))
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
        (status = 200, description = "The id of each, in the order of the request.", body = Ingested),
        Unauthorized, Forbidden, UnsupportedMedia
    ),
    security(("key" = ["upload"]))
)]
pub async fn upload(State(desk): State<Desk>, headers: HeaderMap, body: Body) -> Result<Json<Ingested>, HttpError> {
    let (uploader, body) = uploader(&desk, &headers, body).await?;
    let ids = desk.ingest().upload(uploader, headers, body).await?;
    Ok(Json(Ingested { ingested: ids.len(), ids }))
}

/// Takes players' profiles, of which nothing is kept.
///
/// The body may be packed and has 16 MiB at most.
#[utoipa::path(
    post, path = "/api/v1/upload/player-data", operation_id = "uploadPlayerData", tag = "Meters",
    request_body(content = ref("#/components/schemas/PlayerData"), content_type = "application/json"),
    responses(
        (status = 200, description = "How many came.", body = Profiles), Unauthorized, Forbidden, UnsupportedMedia
    ),
    security(("key" = ["upload"]))
)]
pub async fn player_data(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Profiles>, HttpError> {
    let (uploader, body) = uploader(&desk, &headers, body).await?;
    let synced = desk.ingest().count_profiles(uploader, headers, body).await?;
    Ok(Json(Profiles { synced, updated: 0, created: 0, ids: (1..=synced).collect() }))
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
