//! `GET /api/v1/openapi.json`: what the API says of itself.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::body::Body;
use crate::error::HttpError;
use crate::openapi::{IfNoneMatch, Unchanged};

/// The description, made when it is asked for the first time: most relays are never asked.
pub struct Described {
    make: fn() -> Value,
    made: OnceCell<Body>,
}

impl Described {
    /// One that is made so.
    pub fn by(make: fn() -> Value) -> Self {
        Self { make, made: OnceCell::new() }
    }

    async fn body(&self) -> Result<&Body, HttpError> {
        let make = self.make;
        // It is large.
        let making = || tokio::task::spawn_blocking(move || Body::of(&make()));
        let made = self.made.get_or_try_init(making).await;
        made.map_err(|_| HttpError::Internal)
    }
}

/// This description.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", operation_id = "description", tag = "Relay",
    params(IfNoneMatch),
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value, headers(("ETag"))), Unchanged)
)]
pub async fn description(State(described): State<Arc<Described>>, headers: HeaderMap) -> Result<Response, HttpError> {
    Ok(described.body().await?.respond(&headers))
}
