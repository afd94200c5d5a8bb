//! `GET /reports/{id}/picture.png` and its kin: what chats show of a link.
//!
//! Who asks is no question here: everybody is given what is for everybody who has the link, and what is not is answered as
//! what is not there.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::desk::Desk;
use crate::edge::Asked;
use crate::error::HttpError;
use crate::etag;
use crate::extract::Path;
use crate::preview::Linked;

/// Keeps what is found by its link alone out of search engines.
pub(crate) const NOT_FOUND_BY_SEARCH: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));

/// Of a report.
pub(crate) async fn report(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    picture(&desk, &asked, Linked::Report(&id), &headers).await
}

/// Of a raid.
pub(crate) async fn raid(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    picture(&desk, &asked, Linked::Raid(&code), &headers).await
}

/// Of the raid that a channel shows.
pub(crate) async fn channel(
    State(desk): State<Desk>,
    Path(channel): Path<String>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    picture(&desk, &asked, Linked::Channel(&channel), &headers).await
}

async fn picture(desk: &Desk, asked: &Asked, linked: Linked<'_>, headers: &HeaderMap) -> Result<Response, HttpError> {
    let preview = Box::pin(desk.previews().of(asked.address, linked)).await?;
    let (name, is_found) = (preview.name().to_owned(), preview.is_found());
    let mut response = if etag::has_it(headers, &name) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let png = desk.previews().picture(asked.address, preview).await?;
        // Painting took a while, and who may see it may have changed.
        Box::pin(desk.previews().of(asked.address, linked)).await?;
        ([(header::CONTENT_TYPE, HeaderValue::from_static("image/png"))], png).into_response()
    };
    let own = response.headers_mut();
    if let Ok(name) = HeaderValue::from_str(&name) {
        own.insert(header::ETAG, name);
    }
    // Asked about each time.
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if !is_found {
        let (name, value) = NOT_FOUND_BY_SEARCH;
        own.insert(name, value);
    }
    Ok(response)
}
