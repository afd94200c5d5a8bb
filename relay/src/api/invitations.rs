//! `/api/v1/invitations`: who may join, by whom administrators invite.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use raidcast_shared::account::{InvitationForm, InvitationList, NewInvitation};

use crate::desk::Desk;
use crate::error::HttpError;
use crate::extract::{JsonBody, Path};
use crate::openapi::{ForAdministrators, NotFound, SignInAgain, SignedOut};

/// The invitations that are good.
#[utoipa::path(
    get, path = "/api/v1/invitations", operation_id = "invitations", tag = "Administration",
    responses((status = 200, description = "Newest first.", body = InvitationList), SignedOut, ForAdministrators),
    security(("session" = []))
)]
pub async fn list(State(desk): State<Desk>, headers: HeaderMap) -> Result<Json<InvitationList>, HttpError> {
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(InvitationList { invitations: desk.members().invitations(&who).await? }))
}

/// Makes an invitation.
///
/// Only this answer tells its link.
#[utoipa::path(
    post, path = "/api/v1/invitations", operation_id = "invite", tag = "Administration",
    request_body = InvitationForm,
    responses((status = 201, description = "The invitation.", body = NewInvitation), SignedOut, SignInAgain),
    security(("session" = []))
)]
pub async fn make(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: JsonBody<InvitationForm>,
) -> Result<(StatusCode, Json<NewInvitation>), HttpError> {
    let who = desk.members().changing(&headers).await?;
    let form = body.read()?;
    Ok((StatusCode::CREATED, Json(desk.members().invite(&who, form).await?)))
}

/// Takes an invitation back.
#[utoipa::path(
    delete, path = "/api/v1/invitations/{id}", operation_id = "uninvite", tag = "Administration",
    params(("id" = String, Path, description = "Names the invitation.")),
    responses((status = 204, description = "Nobody joins by it any more."), SignedOut, ForAdministrators, NotFound),
    security(("session" = []))
)]
pub async fn take_back(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    desk.members().uninvite(&who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
