//! What administrators see to beside invitations: people, who changed what, who asks to be removed.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use raidcast_shared::administration::{AuditPage, Deleting, PersonList, RelayLimits, RemovalForm, RemovalList};
use serde::Deserialize;
use utoipa::IntoParams;

use super::own::{BeforeQuery, deleting, place};
use crate::desk::Desk;
use crate::edge::Asked;
use crate::error::HttpError;
use crate::extract::{JsonBody, Path, Query};
use crate::openapi::{Conflict, ForAdministrators, ForeignPage, NotFound, SignInAgain, SignedOut};

/// `?after=`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AfterQuery {
    /// Goes on from there: `next` of the page before.
    #[param(required = false, value_type = i64)]
    after: Option<String>,
}

/// Who signs in.
#[utoipa::path(
    get, path = "/api/v1/people", operation_id = "people", tag = "Administration",
    params(AfterQuery),
    responses((status = 200, description = "By when they joined.", body = PersonList), SignedOut, ForAdministrators),
    security(("session" = []))
)]
pub async fn people(
    State(desk): State<Desk>,
    Query(query): Query<AfterQuery>,
    headers: HeaderMap,
) -> Result<Json<PersonList>, HttpError> {
    let after = place("after", query.after.as_deref())?;
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(desk.members().people(&who, after).await?))
}

/// Deletes somebody with all that is his.
///
/// The last administrator stays.
#[utoipa::path(
    delete, path = "/api/v1/people/{id}", operation_id = "deletePerson", tag = "Administration",
    params(("id" = i64, Path, description = "Names the person.")),
    responses(
        (status = 200, description = "All of it is gone.", body = Deleting),
        (status = 202, description = "Nobody signs in so any more, and the relay goes on deleting.", body = Deleting),
        SignedOut, SignInAgain, NotFound, Conflict
    ),
    security(("session" = []))
)]
pub async fn remove(State(desk): State<Desk>, Path(id): Path<i64>, headers: HeaderMap) -> Result<Response, HttpError> {
    let who = desk.members().changing(&headers).await?;
    let person = desk.members().remove(&who, id).await?;
    Ok(deleting(desk.eraser().person(person).await?))
}

/// Who changed what.
///
/// Kept for a year. No names of players stand here, no codes and no addresses: what was deleted leaves no link behind.
#[utoipa::path(
    get, path = "/api/v1/audit", operation_id = "audit", tag = "Administration",
    params(BeforeQuery),
    responses((status = 200, description = "The newest first.", body = AuditPage), SignedOut, ForAdministrators),
    security(("session" = []))
)]
pub async fn audit(
    State(desk): State<Desk>,
    Query(query): Query<BeforeQuery>,
    headers: HeaderMap,
) -> Result<Json<AuditPage>, HttpError> {
    let before = place("before", query.before.as_deref())?;
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(desk.members().audit(&who, before).await?))
}

/// What the relay lets through, and what it holds back.
///
/// No names of fights and raids stand here: they are links, and the relay's log has them.
#[utoipa::path(
    get, path = "/api/v1/limits", operation_id = "limits", tag = "Administration",
    responses((status = 200, description = "As it is now.", body = RelayLimits), SignedOut, ForAdministrators),
    security(("session" = []))
)]
pub async fn limits(State(desk): State<Desk>, headers: HeaderMap) -> Result<Json<RelayLimits>, HttpError> {
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(desk.members().limits(&who).await?))
}

/// Asks to be removed from what others uploaded.
///
/// For players who never signed up. Administrators of the relay read it, and nobody else.
#[utoipa::path(
    post, path = "/api/v1/removals", operation_id = "askRemoval", tag = "People",
    request_body = RemovalForm,
    responses((status = 204, description = "The relay's administrators will read it."), ForeignPage)
)]
pub async fn ask_removal(
    State(desk): State<Desk>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: JsonBody<RemovalForm>,
) -> Result<StatusCode, HttpError> {
    desk.members().ask_removal(body.read()?, &headers, asked.address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Requests for removal that are open.
#[utoipa::path(
    get, path = "/api/v1/removals", operation_id = "removals", tag = "Administration",
    responses((status = 200, description = "The oldest first.", body = RemovalList), SignedOut, ForAdministrators),
    security(("session" = []))
)]
pub async fn removals(State(desk): State<Desk>, headers: HeaderMap) -> Result<Json<RemovalList>, HttpError> {
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(desk.members().removals(&who).await?))
}

/// Closes a request for removal.
///
/// Nothing of it is kept.
#[utoipa::path(
    delete, path = "/api/v1/removals/{id}", operation_id = "closeRemoval", tag = "Administration",
    params(("id" = i64, Path, description = "Names the request.")),
    responses((status = 204, description = "It is closed."), SignedOut, ForAdministrators, NotFound),
    security(("session" = []))
)]
pub async fn close_removal(
    State(desk): State<Desk>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    desk.members().close_removal(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
