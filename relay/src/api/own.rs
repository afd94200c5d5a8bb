//! What somebody removes: a fight, a raid, himself; and his raids, to choose from.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use raidcast_shared::administration::{Deleting, MyRaids, RaidForm, RaidSeenBy};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::desk::Desk;
use crate::erase::Done;
use crate::error::HttpError;
use crate::extract::{JsonBody, Path, Query};
use crate::openapi::{Conflict, Forbidden, ForeignPage, NotFound, SignInAgain, SignedOut, Unauthorized};

/// `?before=`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BeforeQuery {
    /// Goes on from there: `next` of the page before.
    #[param(required = false, value_type = i64)]
    pub(super) before: Option<String>,
}

/// Where a page begins.
pub(super) fn place(name: &str, text: Option<&str>) -> Result<Option<i64>, HttpError> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|_| HttpError::BadRequest(format!("`{name}` must be a number: the `next` of a page before")))
}

pub(super) fn deleting(done: Done) -> Response {
    let (status, done) = match done {
        Done::Now => (StatusCode::OK, true),
        Done::GoesOn => (StatusCode::ACCEPTED, false),
    };
    (status, Json(Deleting { done })).into_response()
}

/// An archive, which browsers are to do this with.
pub(super) fn archive(disposition: &'static str, body: Body) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/zstd"));
    ([kind, (header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition))], body).into_response()
}

/// One's own raids.
#[utoipa::path(
    get, path = "/api/v1/me/raids", operation_id = "myRaids", tag = "People",
    params(BeforeQuery),
    responses((status = 200, description = "Those that were made last come first.", body = MyRaids), SignedOut),
    security(("session" = []))
)]
pub async fn raids(
    State(desk): State<Desk>,
    Query(query): Query<BeforeQuery>,
    headers: HeaderMap,
) -> Result<Json<MyRaids>, HttpError> {
    let before = place("before", query.before.as_deref())?;
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(desk.my_raids(&who, before).await?))
}

/// Deletes a raid with all of its fights.
///
/// Nothing of it is kept. The key needs the scope `manage`; on a page of the relay its owner does it.
#[utoipa::path(
    delete, path = "/api/v1/raids/{code}", operation_id = "deleteRaid", tag = "Managing",
    params(("code" = String, Path, description = "Names the raid.")),
    responses(
        (status = 200, description = "It is gone.", body = Deleting),
        (status = 202, description = "It is large: the relay goes on deleting it.", body = Deleting),
        Unauthorized, Forbidden, NotFound
    ),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn delete_raid(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let manager = desk.door().manager(&headers).await?;
    let raid = desk.door().managed_raid(&code, &manager).await?;
    Ok(deleting(desk.eraser().raid(raid, &manager).await?))
}

/// Says who may see a raid and its reports, which names, and how late.
///
/// In force when it is answered: who may no longer see what he watches has been let go. What the raid's client says when it
/// connects again changes nothing of it, until the client is told to say something else.
#[utoipa::path(
    patch, path = "/api/v1/raids/{code}", operation_id = "showRaid", tag = "Managing",
    params(("code" = String, Path, description = "Names the raid.")),
    request_body = RaidForm,
    responses((status = 200, description = "Who may see it now, and what of it.", body = RaidSeenBy), Unauthorized, Forbidden, NotFound),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn show(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    headers: HeaderMap,
    body: JsonBody<RaidForm>,
) -> Result<Json<RaidSeenBy>, HttpError> {
    let manager = desk.door().manager(&headers).await?;
    let raid = desk.door().managed_raid(&code, &manager).await?;
    Ok(Json(desk.show(raid, body.read()?, &manager).await?))
}

/// Deletes a fight.
///
/// Nothing of it is kept. The key needs the scope `manage`; on a page of the relay its owner does it.
#[utoipa::path(
    delete, path = "/api/v1/reports/{reportId}", operation_id = "deleteReport", tag = "Managing",
    params(("reportId" = String, Path, description = "Names the fight's report.")),
    responses(
        (status = 200, description = "It is gone.", body = Deleting),
        Unauthorized, Forbidden, NotFound
    ),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn delete_report(
    State(desk): State<Desk>,
    Path(report_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let manager = desk.door().manager(&headers).await?;
    let report = desk.door().managed_report(&report_id, &manager).await?;
    Ok(deleting(desk.eraser().fight(report, &manager).await?))
}

/// Keeps a raid, however old it gets.
#[utoipa::path(
    put, path = "/api/v1/raids/{code}/pin", operation_id = "pinRaid", tag = "Managing",
    params(("code" = String, Path, description = "Names the raid.")),
    responses((status = 204, description = "It is kept."), Unauthorized, Forbidden, NotFound),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn pin(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let manager = desk.door().manager(&headers).await?;
    desk.pin(desk.door().managed_raid(&code, &manager).await?, true, &manager).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps a raid no longer than others.
#[utoipa::path(
    delete, path = "/api/v1/raids/{code}/pin", operation_id = "unpinRaid", tag = "Managing",
    params(("code" = String, Path, description = "Names the raid.")),
    responses((status = 204, description = "It is kept as long as others."), Unauthorized, Forbidden, NotFound),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn unpin(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let manager = desk.door().manager(&headers).await?;
    desk.pin(desk.door().managed_raid(&code, &manager).await?, false, &manager).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Clears a raid's title for good.
///
/// It is in no answer and no table any more, and the raid gets no other: who streams it may send one, and nobody sees it.
#[utoipa::path(
    delete, path = "/api/v1/raids/{code}/title", operation_id = "clearTitle", tag = "Managing",
    params(("code" = String, Path, description = "Names the raid.")),
    responses((status = 204, description = "It has none."), Unauthorized, Forbidden, NotFound),
    security(("key" = ["manage"]), ("session" = []))
)]
pub async fn clear_title(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let manager = desk.door().manager(&headers).await?;
    desk.clear_title(desk.door().managed_raid(&code, &manager).await?, &manager).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All that is held about oneself, as an archive.
///
/// A tar packed with zstd; what is in it is described in `docs/export.md`. It takes a sign-in of the last 15 minutes. One
/// person is given one archive at a time, and ten within 15 minutes: then 429.
#[utoipa::path(
    get, path = "/api/v1/me/export", operation_id = "exportMe", tag = "People",
    responses(
        (status = 200, description = "The archive.", content_type = "application/zstd"), SignedOut, SignInAgain, Conflict
    ),
    security(("session" = []))
)]
pub async fn export(State(desk): State<Desk>, headers: HeaderMap) -> Result<Response, HttpError> {
    let who = desk.members().typing(&headers).await?;
    Ok(archive("attachment; filename=\"raidcast.tar.zst\"", desk.export(&who).await?))
}

/// Deletes oneself, with all accounts, raids, keys and sessions that are one's own.
///
/// All that is open ends at once. The last administrator stays.
#[utoipa::path(
    delete, path = "/api/v1/me", operation_id = "deleteMe", tag = "People",
    responses(
        (status = 200, description = "All of it is gone.", body = Deleting),
        (status = 202, description = "Nobody signs in so any more, and the relay goes on deleting.", body = Deleting),
        SignedOut, SignInAgain, ForeignPage, Conflict
    ),
    security(("session" = []))
)]
pub async fn leave(State(desk): State<Desk>, headers: HeaderMap) -> Result<Response, HttpError> {
    let who = desk.members().changing(&headers).await?;
    let person = desk.members().leave(&who).await?;
    Ok(deleting(desk.eraser().person(person).await?))
}
