//! Which address is answered by what, and what all answers carry.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::timeout::TimeoutLayer;

use crate::error::HttpError;
use crate::state::AppState;
use crate::{api, assets, feed, uplink};

/// An answer over HTTP takes at most this long; sockets are not bound by it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// What pages may load: nothing from elsewhere, no inline scripts.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// The whole relay, as a router.
pub fn router(state: AppState) -> Router {
    let reading = Router::new()
        .route("/api/v1/reports", get(api::reports::list))
        .route("/api/v1/reports/{report_id}", get(api::reports::report))
        .route("/api/v1/reports/{report_id}/timeline", get(api::reports::timeline))
        .route("/api/v1/raids/{code}", get(api::raids::raid))
        .route("/api/v1/live/{channel}", get(api::raids::channel))
        .layer(CorsLayer::new().allow_origin(Any).allow_methods([Method::GET]))
        .layer(CompressionLayer::new());
    let sockets = Router::new()
        .route("/api/v1/uplink", get(uplink::upgrade))
        .route("/api/v1/raids/{code}/feed", get(feed::raid))
        .route("/api/v1/live/{channel}/feed", get(feed::channel));
    Router::new()
        .merge(reading)
        .route("/api/v1/raids/{code}/ticket", post(api::tickets::renew))
        .route("/health", get(api::health::health))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_TIMEOUT))
        .merge(sockets)
        .route("/api/{*rest}", get(async || HttpError::NotFound))
        .with_state(state)
        .merge(assets::router())
        .layer(middleware::from_fn(headers))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| HttpError::Internal.into_response()))
}

async fn headers(request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-api-version"), HeaderValue::from_static("1"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    if api {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}
