//! Which other sites' pages may read what the API answers (CORS).
//!
//! One invariant: a page may read and not change: methods other than GET are allowed to none. Pages of sites that the
//! operator lists may send the key of who visits them, and no page has its answers by his cookie. This is a rule for
//! browsers alone. Deliberately not here: who may see what.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::error::is_api;

/// What pages of other sites may read of an answer's head.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("etag, ratelimit, ratelimit-policy, retry-after, x-api-version, x-request-id");
/// What they may put into a request's head.
const ALLOWED: HeaderValue = HeaderValue::from_static("if-none-match");
/// What pages of sites that are listed may: a key, too.
const ALLOWED_TO_LISTED: HeaderValue = HeaderValue::from_static("if-none-match, x-api-key");

/// Whose pages may read answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// All sites'.
    #[default]
    All,
    /// These sites'.
    Listed(Vec<HeaderValue>),
}

impl Origins {
    /// Those that an operator lists; none means all.
    ///
    /// # Errors
    /// One that no browser sends, in words.
    pub fn listed(texts: &[String]) -> Result<Self, String> {
        let origins = texts.iter().map(|text| {
            origin(text)
                .ok_or_else(|| format!("`{text}` is no origin: give one like https://stats.example, without a path"))
        });
        let origins = origins.collect::<Result<Vec<_>, _>>()?;
        Ok(if origins.is_empty() { Self::All } else { Self::Listed(origins) })
    }

    /// Whether an operator has listed this one.
    fn lists(&self, origin: &HeaderValue) -> bool {
        matches!(self, Self::Listed(listed) if listed.contains(origin))
    }

    /// Says to a browser whether a page of this origin may read an answer.
    pub(crate) fn allow(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        match self {
            Self::All => {
                headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            }
            Self::Listed(_) => {
                headers.append(header::VARY, HeaderValue::from_static("origin"));
                let Some(origin) = origin.filter(|origin| self.lists(origin)) else { return };
                headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            }
        }
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }

    /// What a page of this origin may put into the head of a request of this method. A key goes with what only reads:
    /// browsers ask for POST, too, and send it whatever methods are allowed.
    fn may_send(&self, origin: Option<&HeaderValue>, method: Option<&HeaderValue>) -> HeaderValue {
        let reads = method.is_some_and(|method| method == Method::GET.as_str());
        if reads && origin.is_some_and(|origin| self.lists(origin)) { ALLOWED_TO_LISTED } else { ALLOWED }
    }
}

/// As browsers write it: scheme, host, and a port that is not the scheme's own.
fn origin(text: &str) -> Option<HeaderValue> {
    let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"))?;
    let host = uri.host().filter(|host| !host.is_empty())?;
    let port = uri.port_u16().filter(|port| *port != if scheme == "https" { 443 } else { 80 });
    let plain = match uri.port_u16() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    };
    if plain != text {
        return None;
    }
    HeaderValue::try_from(match port {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
    .ok()
}

/// Answers browsers that ask what a page may ask of the API.
pub(crate) async fn preflight(State(origins): State<Arc<Origins>>, request: Request, next: Next) -> Response {
    let asks = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && is_api(request.uri().path())
        && request.uri().path() != "/metrics";
    if !asks {
        return next.run(request).await;
    }
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET")),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            origins.may_send(
                request.headers().get(header::ORIGIN),
                request.headers().get(header::ACCESS_CONTROL_REQUEST_METHOD),
            ),
        ),
    ];
    (StatusCode::NO_CONTENT, allowed).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_write_them() {
        for (text, expected) in [
            ("https://stats.example", "https://stats.example"),
            ("HTTPS://Stats.Example/", "https://stats.example"),
            ("https://stats.example:443", "https://stats.example"),
            ("http://127.0.0.1:5173", "http://127.0.0.1:5173"),
            ("http://[::1]:5173", "http://[::1]:5173"),
        ] {
            assert_eq!(Origins::listed(&[text.to_owned()]), Ok(Origins::Listed(vec![expected.parse().expect("one")])));
        }
        for bad in [
            "",
            "*",
            "null",
            "stats.example",
            "https://",
            "https://a.example/b",
            "ftp://a",
            "https://me@a.example",
            "https://a.example?b",
        ] {
            assert!(Origins::listed(&[bad.to_owned()]).is_err(), "{bad}");
        }
        assert_eq!(Origins::listed(&[]), Ok(Origins::All));
    }

    #[test]
    fn what_is_not_listed_reads_nothing() {
        let listed = Origins::listed(&["https://a.example".to_owned()]).expect("an origin");
        let told = |origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            listed.allow(origin.map(HeaderValue::from_static).as_ref(), &mut headers);
            assert_eq!(headers[header::VARY], "origin");
            headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).cloned()
        };
        assert_eq!(told(Some("https://a.example")), Some(HeaderValue::from_static("https://a.example")));
        assert_eq!((told(Some("https://b.example")), told(Some("null")), told(None)), (None, None, None));
    }

    #[test]
    fn a_key_is_for_pages_of_listed_sites_alone() {
        let listed = Origins::listed(&["https://a.example".to_owned()]).expect("an origin");
        for (origins, origin, may) in [
            (&listed, Some("https://a.example"), true),
            (&listed, Some("https://b.example"), false),
            (&listed, None, false),
            (&Origins::All, Some("https://a.example"), false),
        ] {
            let sent =
                origins.may_send(origin.map(HeaderValue::from_static).as_ref(), Some(&HeaderValue::from_static("GET")));
            let sent = sent.to_str().expect("text");
            assert!(sent.contains("if-none-match"), "{origin:?}");
            assert_eq!(sent.contains("x-api-key"), may, "{origins:?} {origin:?}");
        }
    }

    #[test]
    fn no_page_has_answers_by_a_cookie() {
        for origins in [Origins::All, Origins::listed(&["https://a.example".to_owned()]).expect("an origin")] {
            let mut headers = HeaderMap::new();
            origins.allow(Some(&HeaderValue::from_static("https://a.example")), &mut headers);
            assert!(headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{origins:?}");
            assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), "{origins:?}");
        }
    }
}
