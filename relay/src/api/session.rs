//! `/api/v1/sign-in`, `/api/v1/session`, `/api/v1/people` and `/api/v1/newcomer`: how somebody signs in, and out, and joins.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use raidcast_shared::account::{
    InvitationLook, JoinForm, Me, Newcomer, NewcomerForm, ProviderForm, ProviderTrip, Registration, SignInForm,
    SignInWays,
};

use crate::account::Entered;
use crate::desk::Desk;
use crate::edge::Asked;
use crate::error::HttpError;
use crate::extract::{JsonBody, Path};
use crate::openapi::{Conflict, ForeignPage, NotFound, NotInvited, SignInAgain, SignedOut, Taken, WrongSignIn};

/// An answer that has the browser keep cookies, or forget them.
pub(crate) fn with_cookies(mut response: Response, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
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
    Json(SignInWays { registration, providers: desk.members().providers() })
}

/// Begins a sign-in by a provider.
///
/// For pages of the relay: the browser keeps a cookie, and goes to the address. From the provider it comes back to
/// `/sign-in/{provider}/callback`, which leads it to a page: `/sign-in` or `/account`, with `entered`, `newcomer`, `added`
/// or `fault` behind the `?`.
#[utoipa::path(
    post, path = "/api/v1/sign-in/{provider}", operation_id = "goToProvider", tag = "People",
    params(("provider" = String, Path, description = "The provider's `id`.")),
    request_body = ProviderForm,
    responses(
        (status = 200, description = "Where the browser goes.", body = ProviderTrip),
        SignedOut, SignInAgain, NotFound, Conflict
    )
)]
pub async fn go(
    State(desk): State<Desk>,
    Path(provider): Path<String>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: JsonBody<ProviderForm>,
) -> Result<Response, HttpError> {
    let form = body.read()?;
    let (trip, cookie) = desk.members().go_to_provider(&provider, form, &headers, asked.address).await?;
    Ok(with_cookies(Json(trip).into_response(), [cookie]))
}

/// Who came from a provider with this browser, and has not joined yet.
#[utoipa::path(
    get, path = "/api/v1/newcomer", operation_id = "newcomer", tag = "People",
    responses((status = 200, description = "He may join within ten minutes.", body = Newcomer), NotFound)
)]
pub async fn newcomer(State(desk): State<Desk>, headers: HeaderMap) -> Result<Json<Newcomer>, HttpError> {
    Ok(Json(desk.members().newcomer(&headers)?))
}

/// Has who came from a provider join, and signs him in.
#[utoipa::path(
    post, path = "/api/v1/newcomer", operation_id = "joinAsNewcomer", tag = "People",
    request_body = NewcomerForm,
    responses((status = 201, description = "Who has joined.", body = Me), NotInvited, NotFound, Taken)
)]
pub async fn join_as_newcomer(
    State(desk): State<Desk>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: JsonBody<NewcomerForm>,
) -> Result<Response, HttpError> {
    let form = body.read()?;
    let Entered { me, cookies } = desk.members().join_as_newcomer(form, &headers, asked.address).await?;
    Ok(with_cookies((StatusCode::CREATED, Json(me)).into_response(), cookies))
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
    responses((status = 204, description = "The session has ended."), SignedOut, ForeignPage),
    security(("session" = []))
)]
pub async fn sign_out(State(desk): State<Desk>, headers: HeaderMap) -> Result<Response, HttpError> {
    let who = desk.members().changing(&headers).await?;
    let cookie = desk.members().sign_out(&who, &headers).await?;
    Ok(with_cookies(StatusCode::NO_CONTENT.into_response(), [cookie]))
}

/// Whether an invitation is good.
///
/// Nothing of it is used. What is wrong with one that is not is not told: it is used up, over, taken back, or was none.
#[utoipa::path(
    post, path = "/api/v1/invitation", operation_id = "lookAtInvitation", tag = "People",
    request_body = InvitationLook,
    responses((status = 204, description = "Somebody may join by it."), NotInvited)
)]
pub async fn look_at_invitation(
    State(desk): State<Desk>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: JsonBody<InvitationLook>,
) -> Result<StatusCode, HttpError> {
    desk.members().look_at_invitation(&body.read()?, &headers, &asked).await?;
    Ok(StatusCode::NO_CONTENT)
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
