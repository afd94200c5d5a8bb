//! Errors of the HTTP API: the one place that chooses statuses.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use raidcast_shared::report::ApiError;
use raidcast_store::StoreError;

/// Why a request was not answered as asked.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// There is no such thing, or the caller may not see it: both look the same.
    #[error("there is nothing here, or it is not for you: check the link")]
    NotFound,
    /// A parameter is not usable.
    #[error("{0}")]
    BadRequest(String),
    /// No key, or one that the relay does not know.
    #[error("the upload key is missing or not known here: send it as X-API-Key")]
    Unauthorized,
    /// The relay cannot now.
    #[error("{text}")]
    Unavailable {
        /// Why and what to do.
        text: String,
        /// Try again after so many seconds.
        retry_s: u32,
    },
    /// What is stored of it cannot be read; why stands in `/health` and in the log.
    #[error(
        "this fight is set aside, for the relay cannot read what it holds of it: its operator finds the reason in /health and in the log"
    )]
    SetAside,
    /// A defect; its details are in the log.
    #[error("something went wrong in the relay; its operator finds the reason in its log")]
    Internal,
}

impl HttpError {
    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
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

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let (status, code) = self.parts();
        let body = ApiError { code: code.to_owned(), message: self.to_string(), details: None };
        let mut response = (status, Json(body)).into_response();
        if let Self::Unavailable { retry_s, .. } = self {
            response.headers_mut().insert(header::RETRY_AFTER, retry_s.into());
        }
        response
    }
}
