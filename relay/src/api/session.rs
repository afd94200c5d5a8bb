//! `/api/v1/sign-in`, `/api/v1/session` and `/api/v1/people`: how somebody signs in, and out, and joins.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use raidcast_shared::account::{JoinForm, Me, Registration, SignInForm, SignInWays};

use crate::account::Entered;
use crate::desk::Desk;
use crate::edge::Asked;
use crate::error::HttpError;
use crate::extract::JsonBody;
use crate::openapi::{ForeignPage, NotInvited, Taken, WrongSignIn};

/// An answer that has the browser keep cookies, or forget them.
fn with_cookies(mut response: Response, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// How people sign in here.
#[utoipa::path(
    get, path = "/api/v1/sign-in", operation_id = "signInWays", tag = "People",
    responses((status = 200, description = "What a page for signing in offers.", body = SignInWays))
)]
pub async fn ways(State(desk): State<Desk>) -> Json<SignInWays> {
    let registration: Registration = desk.members().registration();
    Json(SignInWays { registration })
}

/// Signs somebody in by name and password.
///
/// For pages of the relay: the session is a cookie. A name and an address are tried a few times a minute.
#[utoipa::path(
    post, path = "/api/v1/session", operation_id = "signIn", tag = "People",
    request_body = SignInForm,
    responses((status = 200, description = "Who is signed in.", body = Me), WrongSignIn, ForeignPage)
)]
pub async fn sign_in(
    State(desk): State<Desk>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: JsonBody<SignInForm>,
) -> Result<Response, HttpError> {
    let form = body.read()?;
    let Entered { me, cookies } = desk.members().sign_in(form, &headers, asked.address).await?;
    Ok(with_cookies(Json(me).into_response(), cookies))
}

/// Signs out.
///
/// What this browser has open by its session ends.
#[utoipa::path(
    delete, path = "/api/v1/session", operation_id = "signOut", tag = "People",
    responses((status = 204, description = "The session has ended."), crate::openapi::SignedOut, ForeignPage),
    security(("session" = []))
)]
pub async fn sign_out(State(desk): State<Desk>, headers: HeaderMap) -> Result<Response, HttpError> {
    let who = desk.members().changing(&headers).await?;
    let cookie = desk.members().sign_out(&who, &headers).await?;
    Ok(with_cookies(StatusCode::NO_CONTENT.into_response(), [cookie]))
}

/// Has somebody join, and signs him in.
#[utoipa::path(
    post, path = "/api/v1/people", operation_id = "join", tag = "People",
    request_body = JoinForm,
    responses((status = 201, description = "Who has joined.", body = Me), NotInvited, Taken, ForeignPage)
)]
pub async fn join(
    State(desk): State<Desk>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: JsonBody<JoinForm>,
) -> Result<Response, HttpError> {
    let form = body.read()?;
    let Entered { me, cookies } = desk.members().join(form, &headers, asked.address).await?;
    Ok(with_cookies((StatusCode::CREATED, Json(me)).into_response(), cookies))
}
