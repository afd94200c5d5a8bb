//! A JSON answer, ready to be sent to all who ask for it.
//!
//! One invariant: nothing large is made or compressed on the runtime's threads. What may be large is made on the fold
//! pool, and compressed there once for all who ask; what is small the router compresses for each.

use std::sync::Arc;

use axum::body::HttpBody;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use tower_http::compression::predicate::{DefaultPredicate, Predicate};

use crate::etag;

/// From so many bytes on a body is large: to compress fewer takes at most some 2 ms, at 100 requests a second of an
/// address a fifth of a core.
pub(crate) const LARGE_BODY_BYTES: usize = 16 * 1024;
/// How hard large bodies are compressed: as the router's layer does small ones.
const BROTLI_QUALITY: u32 = 4;

/// See the module's page.
#[derive(Debug)]
pub struct Body {
    json: Bytes,
    /// Compressed; `None` where it is small.
    brotli: Option<Bytes>,
    /// Names what it says.
    name: String,
}

impl Body {
    /// Made off the runtime's threads where it may be large.
    pub(crate) fn of(value: &impl Serialize) -> Self {
        Self::of_json(json(value))
    }

    /// Likewise, or the one that is held where that says the same.
    pub(crate) fn or_held(value: &impl Serialize, held: Option<Arc<Self>>) -> Arc<Self> {
        let json = json(value);
        held.filter(|held| held.json == json).unwrap_or_else(|| Arc::new(Self::of_json(json)))
    }

    fn of_json(json: Bytes) -> Self {
        let brotli = (json.len() >= LARGE_BODY_BYTES).then(|| compress(&json));
        Self { name: etag::name(&json), json, brotli }
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.json.len() + self.brotli.as_ref().map_or(0, Bytes::len)
    }

    /// As an answer to a request with these headers: to who has it already, that it is the same.
    pub fn respond(&self, headers: &HeaderMap) -> Response {
        let mut response = match etag::has_it(headers, &self.name) {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => self.whole(headers),
        };
        let own = response.headers_mut();
        if let Ok(name) = HeaderValue::from_str(&self.name) {
            own.insert(header::ETAG, name);
        }
        // Kept by who asked alone, and asked about each time: who may see it may change.
        own.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        own.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        response
    }

    fn whole(&self, headers: &HeaderMap) -> Response {
        let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let takes_brotli = accepts.split(',').any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("br"));
            let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            named && quality.is_none_or(|quality| quality.parse().is_ok_and(|quality: f32| quality > 0.0))
        });
        let json = HeaderValue::from_static("application/json");
        let mut response = match (&self.brotli, takes_brotli) {
            (Some(brotli), true) => {
                let coding = HeaderValue::from_static("br");
                ([(header::CONTENT_ENCODING, coding)], brotli.clone()).into_response()
            }
            _ => self.json.clone().into_response(),
        };
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("answers are JSON").into()
}

fn compress(json: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(json.len() / 8);
    let params = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY as i32,
        ..brotli::enc::BrotliEncoderParams::default()
    };
    // From memory to memory nothing fails.
    let _ = brotli::BrotliCompress(&mut &json[..], &mut out, &params);
    out.into()
}

/// Lets the router compress small bodies alone.
#[derive(Clone, Debug)]
pub(crate) struct Small;

impl Predicate for Small {
    fn should_compress<B: HttpBody>(&self, response: &axum::http::Response<B>) -> bool {
        let bytes = response.body().size_hint().exact();
        bytes.is_some_and(|bytes| bytes < LARGE_BODY_BYTES as u64) && DefaultPredicate::new().should_compress(response)
    }
}
