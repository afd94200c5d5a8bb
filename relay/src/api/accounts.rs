//! `/api/v1/accounts`: accounts of the configuration's keys, which an administrator may take over.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use raidcast_shared::account::AccountList;

use crate::desk::Desk;
use crate::error::HttpError;
use crate::extract::Path;
use crate::openapi::{ForAdministrators, NotFound, SignInAgain, SignedOut};

/// The accounts that nobody holds.
///
/// They are those of keys that stand in the configuration, and of keys that stood there.
#[utoipa::path(
    get, path = "/api/v1/accounts", operation_id = "unclaimedAccounts", tag = "Administration",
    responses((status = 200, description = "By name.", body = AccountList), SignedOut, ForAdministrators),
    security(("session" = []))
)]
pub async fn list(State(desk): State<Desk>, headers: HeaderMap) -> Result<Json<AccountList>, HttpError> {
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(AccountList { accounts: desk.members().unclaimed(&who).await? }))
}

/// Takes an account over that nobody holds.
///
/// What was uploaded under it is the asker's from then on. Its keys go on working.
#[utoipa::path(
    post, path = "/api/v1/accounts/{id}/claim", operation_id = "claimAccount", tag = "Administration",
    params(("id" = i64, Path, description = "Names the account.")),
    responses((status = 204, description = "It is the asker's."), SignedOut, SignInAgain, NotFound),
    security(("session" = []))
)]
pub async fn claim(State(desk): State<Desk>, Path(id): Path<i64>, headers: HeaderMap) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    desk.members().claim(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
