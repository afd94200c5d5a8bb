//! Where a channel's nights are told of in a chat.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use raidcast_shared::webhook::{WebhookForm, WebhookState};

use crate::desk::Desk;
use crate::error::HttpError;
use crate::extract::{JsonBody, Path};
use crate::openapi::{Conflict, Forbidden, NotFound, Unauthorized};

/// The webhook of a channel.
///
/// Its address is not told: whoever has it may write there.
#[utoipa::path(
    get, path = "/api/v1/live/{channel}/webhook", operation_id = "webhook", tag = "Managing",
    params(("channel" = String, Path, description = "Names the channel.")),
    responses((status = 200, description = "What is set.", body = WebhookState), Unauthorized, Forbidden, NotFound),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn webhook(
    State(desk): State<Desk>,
    Path(channel): Path<String>,
    headers: HeaderMap,
) -> Result<Json<WebhookState>, HttpError> {
    let manager = desk.door().overseer(&headers).await?;
    Ok(Json(desk.discord().state(&channel, &manager).await?))
}

/// Has the nights of a channel told in a chat.
///
/// In place of another webhook. A message comes when the next fight has ended, and edits itself: it tells what everybody may
/// see who has the raid's link, and names no player.
#[utoipa::path(
    put, path = "/api/v1/live/{channel}/webhook", operation_id = "setWebhook", tag = "Managing",
    params(("channel" = String, Path, description = "Names the channel.")),
    request_body = WebhookForm,
    responses((status = 200, description = "What is set.", body = WebhookState), Unauthorized, Forbidden, NotFound),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn set(
    State(desk): State<Desk>,
    Path(channel): Path<String>,
    headers: HeaderMap,
    body: JsonBody<WebhookForm>,
) -> Result<Json<WebhookState>, HttpError> {
    let manager = desk.door().manager(&headers).await?;
    Ok(Json(desk.discord().set(&channel, &body.read()?, &manager).await?))
}

/// Tells the nights of a channel nowhere any more.
///
/// What was sent stays there.
#[utoipa::path(
    delete, path = "/api/v1/live/{channel}/webhook", operation_id = "removeWebhook", tag = "Managing",
    params(("channel" = String, Path, description = "Names the channel.")),
    responses((status = 204, description = "It is forgotten."), Unauthorized, Forbidden, NotFound),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn remove(
    State(desk): State<Desk>,
    Path(channel): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let manager = desk.door().manager(&headers).await?;
    desk.discord().remove(&channel, &manager).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a message to a channel's webhook that says that it works.
///
/// Once in ten seconds at the most.
#[utoipa::path(
    post, path = "/api/v1/live/{channel}/webhook/test", operation_id = "testWebhook", tag = "Managing",
    params(("channel" = String, Path, description = "Names the channel.")),
    responses((status = 204, description = "The message is there."), Unauthorized, Forbidden, NotFound, Conflict),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn test(
    State(desk): State<Desk>,
    Path(channel): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let manager = desk.door().manager(&headers).await?;
    desk.discord().test(&channel, &manager).await?;
    Ok(StatusCode::NO_CONTENT)
}
