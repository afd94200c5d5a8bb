//! `/api/v1/me`: what somebody who is signed in sees to himself: his sessions, how he signs in, his keys.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use raidcast_shared::account::{KeyForm, KeyList, Me, NewKey, PasswordForm, RotationForm, SessionList, WayList};

use crate::desk::Desk;
use crate::error::HttpError;
use crate::extract::{JsonBody, Path};
use crate::openapi::{Conflict, ForeignPage, NotFound, SignInAgain, SignedOut, WrongSignIn};

/// Who is signed in.
#[utoipa::path(
    get, path = "/api/v1/me", operation_id = "me", tag = "People",
    responses((status = 200, description = "Who is signed in.", body = Me), SignedOut),
    security(("session" = []))
)]
pub async fn me(State(desk): State<Desk>, headers: HeaderMap) -> Result<Json<Me>, HttpError> {
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(desk.members().me(&who).await?))
}

/// Changes a password.
///
/// All other sessions end.
#[utoipa::path(
    put, path = "/api/v1/me/password", operation_id = "changePassword", tag = "People",
    request_body = PasswordForm,
    responses((status = 204, description = "It is changed."), WrongSignIn, ForeignPage),
    security(("session" = []))
)]
pub async fn password(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: JsonBody<PasswordForm>,
) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    let form = body.read()?;
    desk.members().change_password(&who, form).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How somebody signs in.
#[utoipa::path(
    get, path = "/api/v1/me/ways", operation_id = "waysToSignIn", tag = "People",
    responses((status = 200, description = "His password, and providers.", body = WayList), SignedOut),
    security(("session" = []))
)]
pub async fn ways(State(desk): State<Desk>, headers: HeaderMap) -> Result<Json<WayList>, HttpError> {
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(desk.members().ways(&who).await?))
}

/// Removes a provider from the ways in which somebody signs in.
///
/// All other sessions end. The last way that works stays.
#[utoipa::path(
    delete, path = "/api/v1/me/ways/{provider}", operation_id = "removeWay", tag = "People",
    params(("provider" = String, Path, description = "The provider's `id`.")),
    responses((status = 204, description = "Nobody signs in so any more."), SignedOut, SignInAgain, NotFound, Conflict),
    security(("session" = []))
)]
pub async fn remove_way(
    State(desk): State<Desk>,
    Path(provider): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    desk.members().remove_way(&who, &provider).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where somebody is signed in.
#[utoipa::path(
    get, path = "/api/v1/me/sessions", operation_id = "sessions", tag = "People",
    responses((status = 200, description = "The one that was used last comes first.", body = SessionList), SignedOut),
    security(("session" = []))
)]
pub async fn sessions(State(desk): State<Desk>, headers: HeaderMap) -> Result<Json<SessionList>, HttpError> {
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(SessionList { sessions: desk.members().sessions(&who).await? }))
}

/// Signs out everywhere else.
#[utoipa::path(
    delete, path = "/api/v1/me/sessions", operation_id = "endOtherSessions", tag = "People",
    responses((status = 204, description = "All sessions but this one have ended."), SignedOut, ForeignPage),
    security(("session" = []))
)]
pub async fn end_others(State(desk): State<Desk>, headers: HeaderMap) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    desk.members().end_other_sessions(&who).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs out somewhere.
#[utoipa::path(
    delete, path = "/api/v1/me/sessions/{id}", operation_id = "endSession", tag = "People",
    params(("id" = i64, Path, description = "Names the session.")),
    responses((status = 204, description = "It has ended."), SignedOut, ForeignPage, NotFound),
    security(("session" = []))
)]
pub async fn end_session(
    State(desk): State<Desk>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    desk.members().end_session(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The keys of all accounts that somebody holds.
#[utoipa::path(
    get, path = "/api/v1/me/keys", operation_id = "keys", tag = "People",
    responses((status = 200, description = "Those that are good, oldest first.", body = KeyList), SignedOut),
    security(("session" = []))
)]
pub async fn keys(State(desk): State<Desk>, headers: HeaderMap) -> Result<Json<KeyList>, HttpError> {
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(KeyList { keys: desk.members().keys(&who).await? }))
}

/// Makes a key.
///
/// Only this answer tells it: the relay keeps a digest.
#[utoipa::path(
    post, path = "/api/v1/me/keys", operation_id = "makeKey", tag = "People",
    request_body = KeyForm,
    responses((status = 201, description = "The key.", body = NewKey), SignedOut, SignInAgain, Conflict),
    security(("session" = []))
)]
pub async fn make_key(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: JsonBody<KeyForm>,
) -> Result<(StatusCode, Json<NewKey>), HttpError> {
    let who = desk.members().changing(&headers).await?;
    let form = body.read()?;
    Ok((StatusCode::CREATED, Json(desk.members().make_key(&who, form).await?)))
}

/// Makes a key in place of another.
///
/// The old one stays good for some hours, so that what uses it can be told the new one meanwhile.
#[utoipa::path(
    post, path = "/api/v1/me/keys/{id}/rotation", operation_id = "rotateKey", tag = "People",
    params(("id" = i64, Path, description = "Names the old key.")),
    request_body = RotationForm,
    responses((status = 201, description = "The new key.", body = NewKey), SignedOut, SignInAgain, NotFound, Conflict),
    security(("session" = []))
)]
pub async fn rotate_key(
    State(desk): State<Desk>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    body: JsonBody<RotationForm>,
) -> Result<(StatusCode, Json<NewKey>), HttpError> {
    let who = desk.members().changing(&headers).await?;
    let form = body.read()?;
    Ok((StatusCode::CREATED, Json(desk.members().rotate_key(&who, id, form.overlap_hours).await?)))
}

/// Ends a key.
///
/// All that is open by it ends, too.
#[utoipa::path(
    delete, path = "/api/v1/me/keys/{id}", operation_id = "revokeKey", tag = "People",
    params(("id" = i64, Path, description = "Names the key.")),
    responses((status = 204, description = "It lets nobody in any more."), SignedOut, ForeignPage, NotFound),
    security(("session" = []))
)]
pub async fn revoke_key(
    State(desk): State<Desk>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    desk.members().revoke_key(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
