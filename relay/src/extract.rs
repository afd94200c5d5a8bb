//! Parts of a request's address, and small bodies, refused in the shape that all errors have.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::HttpError;

/// What stands in the path.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(path)| Self(path))
            .map_err(|_| HttpError::BadRequest("the address is not text: after a % stand two digits of UTF-8".into()))
    }
}

/// What stands behind the `?`.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HttpError> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                let why = std::error::Error::source(&rejection).map(ToString::to_string).unwrap_or_default();
                Err(HttpError::BadRequest(format!("what stands behind the `?` cannot be read: {why}")))
            }
        }
    }
}

/// A small body of JSON. What is wrong with it is told when it is [read](Self::read): after it was asked who sends it.
#[derive(Clone, Debug)]
pub struct JsonBody<T>(Result<T, HttpError>);

impl<T> JsonBody<T> {
    /// What it says.
    ///
    /// # Errors
    /// Where it cannot be read. What stands in it is not said: it may be a password.
    pub fn read(self) -> Result<T, HttpError> {
        self.0
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        Ok(Self(json(request, state).await))
    }
}

async fn json<T: DeserializeOwned, S: Send + Sync>(request: Request, state: &S) -> Result<T, HttpError> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(HttpError::BadRequest("the body must be JSON: send Content-Type: application/json".into()));
    }
    let body = Bytes::from_request(request, state).await;
    let body = body.map_err(|_| HttpError::TooLarge(crate::limits::REQUEST_BODY_BYTES_MAX))?;
    serde_json::from_slice(&body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = match error.classify() {
            serde_json::error::Category::Data => "has a field that is missing, unknown, or not what it must be",
            _ => "is no JSON",
        };
        HttpError::BadRequest(format!("the body {what}, at line {line} column {column}"))
    })
}

/// A small form, as browsers and programs of OAuth send it.
#[derive(Clone, Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpError> {
        use axum::extract::rejection::FormRejection;
        match axum::extract::Form::<T>::from_request(request, state).await {
            Ok(axum::extract::Form(form)) => Ok(Self(form)),
            Err(FormRejection::BytesRejection(_)) => Err(HttpError::TooLarge(crate::limits::REQUEST_BODY_BYTES_MAX)),
            Err(_) => Err(HttpError::BadRequest(
                "the body must be a form (application/x-www-form-urlencoded) with all that this needs".into(),
            )),
        }
    }
}
