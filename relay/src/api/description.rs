//! `GET /api/v1/openapi.json`: what the API says of itself.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use crate::body::Body;
use crate::openapi::{IfNoneMatch, Unchanged};

/// This description.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", operation_id = "description", tag = "Relay",
    params(IfNoneMatch),
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value, headers(("ETag"))), Unchanged)
)]
pub async fn description(State(description): State<Arc<Body>>, headers: HeaderMap) -> Response {
    description.respond(&headers)
}
