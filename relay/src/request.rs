//! Which request a line of the log, and an answer, belongs to.
//!
//! One invariant: every answer names its request in `X-Request-Id`, and so does each line of the log that is written
//! for it, whichever task writes it: what works on for a request takes its span along. A name is the relay's own, or the
//! asker's, if that can do no harm in a log.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::clock::Entropy;
use crate::edge::Asked;
use crate::limits::REQUEST_ID_CHARS_MAX;
use crate::metrics::Metrics;

/// The header's name.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of a name that the relay gives: five bits each, so that two of a day are never the same.
const OWN_CHARS: usize = 16;

/// Names requests, and counts their answers.
#[derive(Clone)]
pub struct Requests {
    /// Where names come from.
    pub entropy: Entropy,
    /// Where answers are counted.
    pub metrics: Arc<Metrics>,
}

/// The asker's name for a request, if it has one that is taken.
fn theirs(request: &Request) -> Option<HeaderValue> {
    let id = request.headers().get(REQUEST_ID)?;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let fits = (1..=REQUEST_ID_CHARS_MAX).contains(&id.len()) && id.as_bytes().iter().all(is_name);
    fits.then(|| id.clone())
}

/// Around everything that is done for a request.
pub async fn named(State(requests): State<Requests>, request: Request, next: Next) -> Response {
    let own = || HeaderValue::try_from(requests.entropy.code(OWN_CHARS)).expect("letters and digits");
    let id = theirs(&request).unwrap_or_else(own);
    // Of the highest level, so that it stands in each line that is written at all.
    let span = tracing::error_span!("request", id = id.to_str().unwrap_or_default());
    let asked = request.extensions().get::<Asked>().map(|asked| asked.address);
    let (method, began) = (request.method().clone(), Instant::now());
    let answering = async {
        let response = next.run(request).await;
        let (status, took_ms) = (response.status().as_u16(), began.elapsed().as_millis());
        // Neither path nor query: links let in who has them.
        tracing::debug!(%method, status, took_ms, address = asked.map(tracing::field::display), "a request was answered");
        response
    };
    let mut response = answering.instrument(span).await;
    requests.metrics.answered(response.status());
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn an_askers_name_is_taken_if_it_can_do_no_harm() {
        let taken = |id: &[u8]| {
            let id = HeaderValue::from_bytes(id).unwrap();
            theirs(&Request::builder().header(REQUEST_ID, id).body(Body::empty()).unwrap()).is_some()
        };
        let longest = "a".repeat(REQUEST_ID_CHARS_MAX);
        for good in ["a", "0b1D-2e", "-", "550e8400-e29b-41d4-a716-446655440000", &longest] {
            assert!(taken(good.as_bytes()), "{good}");
        }
        for bad in ["", "a b", "a_b", "a\tb", "<b>", "a\"", "id=1", "\u{fc}", &format!("{longest}a")] {
            assert!(!taken(bad.as_bytes()), "{bad}");
        }
    }
}
