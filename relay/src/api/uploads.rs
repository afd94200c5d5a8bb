//! What meters call that upload by themselves: paths, names and answers are as they expect them (docs/api.md).

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;

use crate::access::Uploader;
use crate::account::Scope;
use crate::desk::Desk;
use crate::edge::drain;
use crate::error::HttpError;

/// The key is one that may upload.
#[derive(Debug, Serialize)]
pub struct Valid {
    valid: bool,
}

/// Fights that were kept, or known.
#[derive(Debug, Serialize)]
pub struct Ingested {
    ingested: usize,
    /// What each is called here, in the order of the request.
    ids: Vec<i64>,
}

/// Which fights the account has uploaded.
#[derive(Debug, Serialize)]
pub struct Duplicates {
    duplicates: Vec<Duplicate>,
    missing: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Duplicate {
    hash: String,
    encounter_id: i64,
}

/// Profiles that were counted.
#[derive(Debug, Serialize)]
pub struct Profiles {
    synced: usize,
    updated: usize,
    created: usize,
    ids: Vec<usize>,
}

/// Nothing.
#[derive(Debug, Serialize)]
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

/// `GET /api/v1/auth/check`.
pub async fn auth(State(desk): State<Desk>, headers: HeaderMap) -> Result<Json<Valid>, HttpError> {
    desk.door().uploader(&headers, Scope::Upload).await?;
    Ok(Json(Valid { valid: true }))
}

/// `POST /api/v1/upload/check`.
pub async fn check(State(desk): State<Desk>, headers: HeaderMap, body: Body) -> Result<Json<Duplicates>, HttpError> {
    let (uploader, body) = uploader(&desk, &headers, body).await?;
    let checked = desk.ingest().check(uploader, headers, body).await?;
    let duplicates = checked.known.into_iter().map(|(hash, encounter_id)| Duplicate { hash, encounter_id });
    Ok(Json(Duplicates { duplicates: duplicates.collect(), missing: checked.unknown }))
}

/// `POST /api/v1/upload/`.
pub async fn upload(State(desk): State<Desk>, headers: HeaderMap, body: Body) -> Result<Json<Ingested>, HttpError> {
    let (uploader, body) = uploader(&desk, &headers, body).await?;
    let ids = desk.ingest().upload(uploader, headers, body).await?;
    Ok(Json(Ingested { ingested: ids.len(), ids }))
}

/// `POST /api/v1/upload/player-data`: counted, and nothing of it is kept.
pub async fn player_data(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Profiles>, HttpError> {
    let (uploader, body) = uploader(&desk, &headers, body).await?;
    let synced = desk.ingest().count_profiles(uploader, headers, body).await?;
    Ok(Json(Profiles { synced, updated: 0, created: 0, ids: (1..=synced).collect() }))
}

/// `POST /api/v1/tracking/app-update`: taken in, and nothing of it is kept.
pub async fn app_update(body: Body) -> Json<Nothing> {
    drain(body).await;
    Json(Nothing {})
}
