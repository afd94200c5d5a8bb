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
            serde_json::error::Category::Data => wrong(&error.to_string()),
            _ => "is no JSON".to_owned(),
        };
        HttpError::BadRequest(format!("the body {what}, at line {line} column {column}"))
    })
}

/// What is wrong with a field, by the reader's words: names that stand in the form are said, and none that was sent.
fn wrong(words: &str) -> String {
    if let Some(name) = words.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        return format!("lacks the field `{name}`");
    }
    match words.strip_prefix("unknown field `").and_then(|rest| rest.rsplit_once("`, expected ")) {
        Some((_, expected)) => {
            let names = expected.split(" at line").next().unwrap_or_default();
            format!("has a field that there is not, beside {}", names.trim_start_matches("one of "))
        }
        None => "has a field that is not what it must be".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Sent {
        #[expect(dead_code, reason = "it is only read")]
        key_name: String,
        #[expect(dead_code, reason = "it is only read")]
        days: Option<u32>,
    }

    #[test]
    fn what_is_wrong_with_a_field_is_said_by_its_name_and_not_by_what_was_sent() {
        for (sent, says) in [
            ("{}", "lacks the field `keyName`"),
            (r#"{"keyName": "a", "s3cret`, expected ": 1}"#, "beside `keyName` or `days`"),
            (r#"{"keyName": "a", "days": "s3cret"}"#, "not what it must be"),
        ] {
            let error = serde_json::from_str::<Sent>(sent).expect_err(sent).to_string();
            let told = wrong(&error);
            assert!(told.contains(says) && !told.contains("s3cret"), "{sent}: {told} ({error})");
        }
    }
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
