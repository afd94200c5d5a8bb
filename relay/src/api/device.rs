//! `/api/v1/device`: pairing a program without copying secrets (RFC 8628).

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use raidcast_shared::account::{DeviceCode, DeviceError, DeviceForm, DeviceLine, DeviceToken};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::account::DeviceFault;
use crate::desk::Desk;
use crate::edge::Asked;
use crate::error::HttpError;
use crate::extract::{Form, JsonBody, Path};
use crate::openapi::{ForeignPage, NotFound, SignInAgain, SignedOut};

/// What a program asks for.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CodeForm {
    /// What the program is and where it runs, for whoever lets it in: 1 to 64 characters.
    client_id: String,
    /// What its key is to do: of `upload`, `read`, `manage`, with spaces between. Without it `upload`.
    #[schema(nullable = false)]
    scope: Option<String>,
}

/// By what a program asks whether it was let in.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TokenForm {
    /// `urn:ietf:params:oauth:grant-type:device_code`
    grant_type: String,
    /// Its own code.
    device_code: String,
}

/// The one thing that can be asked for.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Begins to pair a program.
///
/// Whoever is to let it in types `user_code` into the page `verification_uri`. Both codes are good for ten minutes.
#[utoipa::path(
    post, path = "/api/v1/device/code", operation_id = "beginPairing", tag = "People",
    request_body(content = CodeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The codes.", body = DeviceCode))
)]
pub async fn code(
    State(desk): State<Desk>,
    Extension(asked): Extension<Asked>,
    Form(form): Form<CodeForm>,
) -> Result<Json<DeviceCode>, HttpError> {
    Ok(Json(desk.members().begin_pairing(&form.client_id, form.scope.as_deref(), asked.address)?))
}

/// Whether a program was let in, and its key.
///
/// Only one answer tells the key. Until then the answer is 400 with an `error` of RFC 8628.
#[utoipa::path(
    post, path = "/api/v1/device/token", operation_id = "finishPairing", tag = "People",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The key.", body = DeviceToken),
        (status = 400, description = "`authorization_pending`, `slow_down`, `access_denied`, `expired_token`, \
            `unsupported_grant_type`; `bad_request` where the form cannot be read.", body = DeviceError),
        crate::openapi::Conflict
    )
)]
pub async fn token(State(desk): State<Desk>, form: Result<Form<TokenForm>, HttpError>) -> Response {
    let form = match form {
        Ok(Form(form)) => form,
        Err(HttpError::BadRequest(why)) => return refused("invalid_request", why),
        Err(error) => return error.into_response(),
    };
    if form.grant_type != GRANT_TYPE {
        return refused("unsupported_grant_type", format!("`grant_type` must be {GRANT_TYPE}"));
    }
    match desk.members().finish_pairing(&form.device_code).await {
        Ok(token) => Json(token).into_response(),
        Err(DeviceFault::Other(error)) => error.into_response(),
        Err(fault) => {
            let code = match fault {
                DeviceFault::Pending | DeviceFault::Other(_) => "authorization_pending",
                DeviceFault::SlowDown => "slow_down",
                DeviceFault::Denied => "access_denied",
                DeviceFault::Expired => "expired_token",
            };
            refused(code, fault.to_string())
        }
    }
}

fn refused(code: &str, message: String) -> Response {
    let (code, message) = (code.to_owned(), message);
    let told = DeviceError { error: code.clone(), error_description: message.clone(), code, message };
    (StatusCode::BAD_REQUEST, Json(told)).into_response()
}

/// The program that waits with a code.
///
/// Capital letters and dashes do not matter. A person tries ten codes in a quarter of an hour.
#[utoipa::path(
    get, path = "/api/v1/pairings/{code}", operation_id = "pairing", tag = "People",
    params(("code" = String, Path, description = "The code that the program showed.")),
    responses((status = 200, description = "Who asks, and for what.", body = DeviceLine), SignedOut, ForeignPage, NotFound),
    security(("session" = []))
)]
pub async fn shown(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Json<DeviceLine>, HttpError> {
    let who = desk.members().typing(&headers).await?;
    Ok(Json(desk.members().pairing(&who, &code, asked.address)?))
}

/// Lets a program in, or not.
#[utoipa::path(
    post, path = "/api/v1/pairings/{code}", operation_id = "decidePairing", tag = "People",
    params(("code" = String, Path, description = "The code that the program showed.")),
    request_body = DeviceForm,
    responses((status = 204, description = "The program hears of it."), SignedOut, SignInAgain, NotFound),
    security(("session" = []))
)]
pub async fn decide(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    headers: HeaderMap,
    body: JsonBody<DeviceForm>,
) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    let form = body.read()?;
    desk.members().decide_pairing(&who, &code, form).await?;
    Ok(StatusCode::NO_CONTENT)
}
