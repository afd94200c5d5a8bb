//! Errors of the HTTP API: the one place that chooses statuses, and the one shape that all of them have.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use raidcast_shared::report::ApiError;
use raidcast_store::StoreError;

use crate::account::{Scope, scope_name};
use crate::limits::{HEAD_BYTES_MAX, REQUEST_BODY_BYTES_MAX};
use crate::signature::{SignatureFault, Unproven};

/// Why a request was not answered as asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HttpError {
    /// There is no such thing, or the caller may not see it: both look the same.
    #[error("Nothing is here, or you may not see it. Check the link.")]
    NotFound,
    /// There is no such thing, and who asks may know what to do.
    #[error("{0}")]
    Unknown(String),
    /// A parameter is not usable.
    #[error("{0}")]
    BadRequest(String),
    /// What was sent is not as it must be, in these places.
    #[error("{text}")]
    Invalid {
        /// What is wrong, and what to do.
        text: String,
        /// Where, and what must stand there.
        details: Vec<String>,
    },
    /// A form that is newer than this relay.
    #[error("{0}")]
    UnsupportedVersion(String),
    /// A part of a request that is longer than such parts may be.
    #[error("{0}")]
    PartTooLarge(String),
    /// No key, or one that the relay does not know.
    #[error("the relay does not know this upload key, or none was sent: send it in the header X-API-Key")]
    Unauthorized,
    /// A signature that is not good.
    #[error(transparent)]
    Unsigned(#[from] SignatureFault),
    /// The key may not do that.
    #[error("this key may not do that: it lacks the scope `{}`. Use another, or ask the relay's operator", scope_name(*.0))]
    Forbidden(Scope),
    /// Nobody is signed in.
    #[error("nobody is signed in here: sign in first")]
    SignedOut,
    /// A name or a password that is wrong: which of both is not told.
    #[error("the name or the password is wrong: try again")]
    WrongSignIn,
    /// Who signed in long ago asks for something that only its owner may do.
    #[error("to do this, sign in again: it takes a sign-in of the last 15 minutes")]
    SignInAgain,
    /// A page that is not this relay's asks to change something.
    #[error("this may be done by a page of this relay alone: open it there")]
    ForeignPage,
    /// Somebody asks for what administrators do.
    #[error("only an administrator of this relay may do that")]
    NotAdministrator,
    /// No invitation, or one that is good for nothing.
    #[error(
        "to join this relay takes an invitation that is still good: ask its administrator for a link, or for another one"
    )]
    NotInvited,
    /// Nobody joins this relay.
    #[error("nobody can join this relay now: its operator has closed it to new people")]
    JoiningClosed,
    /// Somebody else has this name.
    #[error("somebody has this name: choose another")]
    Taken,
    /// What is there stands against it.
    #[error("{0}")]
    Conflict(String),
    /// A WebSocket was expected.
    #[error("this address is a WebSocket: connect to it with a WebSocket client, version 13")]
    UpgradeRequired,
    /// A body that is longer than so many bytes.
    #[error("the request's body is too long: send {0} bytes at the most")]
    TooLarge(u64),
    /// A body in a coding that is not read here.
    #[error("this Content-Encoding is not read here: send gzip, zstd, or none")]
    UnsupportedMedia,
    /// A head that is too long.
    #[error("the request's address and headers are too long: send {HEAD_BYTES_MAX} bytes at the most")]
    HeadTooLarge,
    /// More than the address, or the key, gets for now.
    #[error("{text}")]
    TooMany {
        /// Of what, and what to do.
        text: String,
        /// Try again after so many seconds.
        retry_s: u32,
    },
    /// The relay cannot now.
    #[error("{text}")]
    Unavailable {
        /// Why and what to do.
        text: String,
        /// Try again after so many seconds.
        retry_s: u32,
    },
    /// A part of a fight of which no part is known.
    #[error("when anything happened in this fight is not known, so no part of it can be shown: ask for all of it")]
    NoTimes,
    /// What is stored of it, a fight or a raid, cannot be read; why stands in the log.
    #[error(
        "the relay cannot read what it holds of this and has set it aside: its operator finds the reason in its log"
    )]
    SetAside,
    /// A defect; its details are in the log.
    #[error("something went wrong in the relay; its operator finds the reason in its log")]
    Internal,
}

impl HttpError {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.parts().0
    }

    /// After how many seconds the same may be asked again.
    pub fn retry_s(&self) -> Option<u32> {
        match self {
            Self::Unavailable { retry_s, .. } | Self::TooMany { retry_s, .. } => Some(*retry_s),
            _ => None,
        }
    }

    /// What it says, in the one shape that all errors have.
    pub fn told(&self) -> ApiError {
        let details = match self {
            Self::Invalid { details, .. } => Some(details.clone()),
            _ => None,
        };
        ApiError { code: self.parts().1.to_owned(), message: self.to_string(), details }
    }

    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound | Self::Unknown(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::BadRequest(_) | Self::Invalid { .. } => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::UnsupportedVersion(_) => (StatusCode::BAD_REQUEST, "unsupported_version"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Unsigned(fault) => (StatusCode::UNAUTHORIZED, fault.code()),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::SignedOut => (StatusCode::UNAUTHORIZED, "signed_out"),
            Self::WrongSignIn => (StatusCode::UNAUTHORIZED, "wrong_sign_in"),
            Self::SignInAgain => (StatusCode::FORBIDDEN, "sign_in_again"),
            Self::ForeignPage => (StatusCode::FORBIDDEN, "foreign_page"),
            Self::NotAdministrator => (StatusCode::FORBIDDEN, "not_administrator"),
            Self::NotInvited | Self::JoiningClosed => (StatusCode::FORBIDDEN, "not_invited"),
            Self::Taken => (StatusCode::CONFLICT, "taken"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Self::UpgradeRequired => (StatusCode::UPGRADE_REQUIRED, "upgrade_required"),
            Self::NoTimes => (StatusCode::CONFLICT, "no_times"),
            Self::TooLarge(_) | Self::PartTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::UnsupportedMedia => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media"),
            Self::HeadTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too_large"),
            Self::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
            Self::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::SetAside => (StatusCode::INTERNAL_SERVER_ERROR, "set_aside"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

impl From<StoreError> for HttpError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => {
                tracing::warn!(why, "could not read the database for a request");
                Self::Unavailable {
                    text: "the database is not available now: try again in a moment".into(),
                    retry_s: 2,
                }
            }
            StoreError::Damaged(why) => {
                tracing::error!(why, "could not answer a request");
                Self::Internal
            }
        }
    }
}

impl From<Unproven> for HttpError {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            Unproven::Fault(fault) => fault.into(),
            Unproven::Full { retry_s } => Self::Unavailable {
                text: "this account has sent as many signed uploads as are remembered: sign this one again later"
                    .into(),
                retry_s,
            },
            Unproven::Unkept => Self::Unavailable {
                text: "the relay cannot note signatures of times to come now: set this machine's clock, or sign again later"
                    .into(),
                retry_s: 10,
            },
        }
    }
}

/// An error of the system in its words, without its number.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}

fn body(code: &str, message: String) -> Json<ApiError> {
    Json(ApiError { code: code.to_owned(), message, details: None })
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.told())).into_response();
        let headers = response.headers_mut();
        if let Some(retry_s) = self.retry_s() {
            headers.insert(header::RETRY_AFTER, retry_s.into());
        }
        if matches!(self, Self::UpgradeRequired) {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        response
    }
}

/// Whether an address belongs to programs, who read errors by their code; the others are pages.
pub fn is_api(path: &str) -> bool {
    matches!(path, "/health" | "/ready" | "/metrics" | "/api") || path.starts_with("/api/")
}

/// Gives the errors that frameworks make (a wrong method, a time-out) the shape of all others; for pages it is a page. Their
/// headers stay. It must stand around the whole router, which names a resource's methods only outside its own layers.
pub async fn shape(request: Request, next: Next) -> Response {
    let api = is_api(request.uri().path());
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_shaped = kind == "application/json" || kind.starts_with("text/html");
    if is_shaped || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut head, _) = response.into_parts();
    let (code, message) = words(status, head.headers.get(header::ALLOW));
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        head.headers.remove(name);
    }
    let mut shaped = match api {
        true => (status, body(code, message)).into_response(),
        false => (status, page(&message)).into_response(),
    };
    let own = std::mem::take(shaped.headers_mut());
    head.headers.extend(own);
    *shaped.headers_mut() = head.headers;
    shaped
}

/// For who looks at a page: the words are ours, so nothing in them is markup.
fn page(message: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Raidcast</title><h1>This did not work</h1>\
         <p>{message}</p><p><a href=\"/\">The start page</a></p></html>"
    ))
}

fn words(status: StatusCode, allow: Option<&HeaderValue>) -> (&'static str, String) {
    match status {
        StatusCode::NOT_FOUND => ("not_found", HttpError::NotFound.to_string()),
        StatusCode::METHOD_NOT_ALLOWED => {
            let allow = allow.and_then(|allow| allow.to_str().ok()).unwrap_or("GET");
            let methods: Vec<_> = allow.split(',').map(str::trim).collect();
            ("method_not_allowed", format!("this address does not take this method: use {}", methods.join(" or ")))
        }
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => ("too_large", HttpError::HeadTooLarge.to_string()),
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", HttpError::TooLarge(REQUEST_BODY_BYTES_MAX).to_string()),
        StatusCode::UPGRADE_REQUIRED => ("upgrade_required", HttpError::UpgradeRequired.to_string()),
        StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => {
            ("timeout", "the answer took too long: try again in a moment".into())
        }
        status if status.is_server_error() => ("internal", HttpError::Internal.to_string()),
        _ => ("bad_request", "this request cannot be read: check the address and its parameters".into()),
    }
}
