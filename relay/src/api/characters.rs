//! `/api/v1/me/characters` and what belongs to it: whose characters are, how that is proved, and how they are shown.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use raidcast_shared::character::{
    BeliefForm, CharacterForm, ClaimForm, ClaimLine, HiddenPlayers, MyCharacters, OpenClaim, OpenClaims, OptOutForm,
    PlayerExportForm, PlayerForm, PlayerLook,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::own::{BeforeQuery, archive, place};
use crate::desk::Desk;
use crate::error::HttpError;
use crate::extract::{JsonBody, Path, Query};
use crate::openapi::{Conflict, ForAdministrators, ForeignPage, NotFound, SignInAgain, SignedOut};

/// `?before=`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HiddenQuery {
    /// Goes on from there: `next` of the page before.
    #[param(required = false, value_type = String)]
    before: Option<String>,
}

/// What browsers do with a player's archive.
const PLAYER_ARCHIVE: &str = "attachment; filename=\"raidcast-player.tar.zst\"";

/// One's own characters, and what one says is one's own.
#[utoipa::path(
    get, path = "/api/v1/me/characters", operation_id = "myCharacters", tag = "People",
    responses((status = 200, description = "The oldest first.", body = MyCharacters), SignedOut),
    security(("session" = []))
)]
pub async fn mine(State(desk): State<Desk>, headers: HeaderMap) -> Result<Json<MyCharacters>, HttpError> {
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(desk.members().characters(&who).await?))
}

/// Says that a character is one's own.
///
/// The answer is the same whether there is such a character or not. A claim that is not proved is over after eight days.
#[utoipa::path(
    post, path = "/api/v1/me/claims", operation_id = "claimCharacter", tag = "People",
    request_body = ClaimForm,
    responses(
        (status = 201, description = "How it is to be proved.", body = ClaimLine), SignedOut, ForeignPage, Conflict
    ),
    security(("session" = []))
)]
pub async fn claim(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: JsonBody<ClaimForm>,
) -> Result<(StatusCode, Json<ClaimLine>), HttpError> {
    let who = desk.members().changing(&headers).await?;
    Ok((StatusCode::CREATED, Json(desk.wishing().claim(who, body.read()?).await?)))
}

/// Takes a claim back.
#[utoipa::path(
    delete, path = "/api/v1/me/claims/{id}", operation_id = "dropClaim", tag = "People",
    params(("id" = i64, Path, description = "Names the claim.")),
    responses((status = 204, description = "It is gone."), SignedOut, ForeignPage, NotFound),
    security(("session" = []))
)]
pub async fn drop(State(desk): State<Desk>, Path(id): Path<i64>, headers: HeaderMap) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    desk.members().drop_claim(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a character shown otherwise, everywhere and at once.
#[utoipa::path(
    patch, path = "/api/v1/me/characters/{id}", operation_id = "changeCharacter", tag = "People",
    params(("id" = i64, Path, description = "Names the character.")),
    request_body = CharacterForm,
    responses((status = 204, description = "It is shown so."), SignedOut, ForeignPage, NotFound, Conflict),
    security(("session" = []))
)]
pub async fn change(
    State(desk): State<Desk>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    body: JsonBody<CharacterForm>,
) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    desk.wishing().wish(who, id, body.read()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All that is held about a character of one's own, as an archive.
///
/// A tar packed with zstd; what is in it is described in `docs/export.md`. It takes a sign-in of the last 15 minutes, and a
/// character that an administrator has seen to: its `way` is `administrator`. One person is given one archive at a time, and
/// ten within 15 minutes: then 429.
#[utoipa::path(
    get, path = "/api/v1/me/characters/{id}/export", operation_id = "exportCharacter", tag = "People",
    params(("id" = i64, Path, description = "Names the character."), BeforeQuery),
    responses(
        (status = 200, description = "The archive.", content_type = "application/zstd"),
        SignedOut, SignInAgain, NotFound, Conflict
    ),
    security(("session" = []))
)]
pub async fn export(
    State(desk): State<Desk>,
    Path(id): Path<i64>,
    Query(query): Query<BeforeQuery>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let before = place("before", query.before.as_deref())?;
    let who = desk.members().typing(&headers).await?;
    Ok(archive(PLAYER_ARCHIVE, desk.export_character(&who, id, before).await?))
}

/// The claim of another that has this code, if one may confirm it.
///
/// It may be confirmed by whoever holds an account under which a fight with the character was uploaded before it was claimed.
/// Who claims it tells him the code.
#[utoipa::path(
    get, path = "/api/v1/me/confirmations/{code}", operation_id = "confirmation", tag = "People",
    params(("code" = String, Path, description = "Names the claim.", max_length = 64)),
    responses((status = 200, description = "What is claimed.", body = OpenClaim), SignedOut, NotFound),
    security(("session" = []))
)]
pub async fn confirmation(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<Json<OpenClaim>, HttpError> {
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(desk.members().confirmation(&who, &code).await?))
}

/// Confirms that a character is who claims it.
#[utoipa::path(
    put, path = "/api/v1/me/confirmations/{code}", operation_id = "confirmClaim", tag = "People",
    params(("code" = String, Path, description = "Names the claim.", max_length = 64)),
    responses((status = 204, description = "The character is proved."), SignedOut, ForeignPage, NotFound),
    security(("session" = []))
)]
pub async fn confirm(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    desk.wishing().confirm(who, code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Claims that wait for an administrator.
#[utoipa::path(
    get, path = "/api/v1/claims", operation_id = "claims", tag = "Administration",
    responses((status = 200, description = "Everybody's first before anybody's second.", body = OpenClaims), SignedOut, ForAdministrators),
    security(("session" = []))
)]
pub async fn claims(State(desk): State<Desk>, headers: HeaderMap) -> Result<Json<OpenClaims>, HttpError> {
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(desk.members().open_claims(&who).await?))
}

/// Believes a claim.
///
/// The character is taken from whoever had it, if that is who one was told.
#[utoipa::path(
    put, path = "/api/v1/claims/{id}", operation_id = "believeClaim", tag = "Administration",
    params(("id" = i64, Path, description = "Names the claim.")),
    request_body = BeliefForm,
    responses(
        (status = 204, description = "The character is proved."), SignedOut, ForAdministrators, NotFound, Conflict
    ),
    security(("session" = []))
)]
pub async fn believe(
    State(desk): State<Desk>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    body: JsonBody<BeliefForm>,
) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    desk.wishing().believe(who, id, body.read()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Does not believe a claim.
#[utoipa::path(
    delete, path = "/api/v1/claims/{id}", operation_id = "refuseClaim", tag = "Administration",
    params(("id" = i64, Path, description = "Names the claim.")),
    responses((status = 204, description = "The claim is gone."), SignedOut, ForAdministrators, NotFound),
    security(("session" = []))
)]
pub async fn refuse(
    State(desk): State<Desk>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    desk.wishing().refuse(who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whom administrators have hidden.
///
/// They are shown by name to nobody, so not here either.
#[utoipa::path(
    get, path = "/api/v1/opt-outs", operation_id = "hiddenPlayers", tag = "Administration",
    params(HiddenQuery),
    responses(
        (status = 200, description = "Those who were hidden last come first.", body = HiddenPlayers),
        SignedOut, ForAdministrators
    ),
    security(("session" = []))
)]
pub async fn hidden(
    State(desk): State<Desk>,
    Query(query): Query<HiddenQuery>,
    headers: HeaderMap,
) -> Result<Json<HiddenPlayers>, HttpError> {
    let who = desk.members().signed_in(&headers).await?;
    Ok(Json(desk.members().hidden_players(&who, query.before.as_deref()).await?))
}

/// What would be hidden of a player who asks for it: look whether it is who asks.
///
/// Nothing changes by it. That it was looked at is noted.
#[utoipa::path(
    post, path = "/api/v1/opt-outs/look", operation_id = "lookAtPlayer", tag = "Administration",
    request_body = PlayerForm,
    responses(
        (status = 200, description = "What he is called, and in how many fights.", body = PlayerLook),
        SignedOut, ForAdministrators, NotFound
    ),
    security(("session" = []))
)]
pub async fn look(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: JsonBody<PlayerForm>,
) -> Result<Json<PlayerLook>, HttpError> {
    let who = desk.members().changing(&headers).await?;
    Ok(Json(desk.members().look_at_player(&who, &body.read()?).await?))
}

/// Hides a player who asked for it, or shows him again, everywhere and at once.
#[utoipa::path(
    post, path = "/api/v1/opt-outs", operation_id = "optOut", tag = "Administration",
    request_body = OptOutForm,
    responses((status = 204, description = "It is so."), SignedOut, ForAdministrators, NotFound),
    security(("session" = []))
)]
pub async fn opt_out(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: JsonBody<OptOutForm>,
) -> Result<StatusCode, HttpError> {
    let who = desk.members().changing(&headers).await?;
    desk.wishing().opt_out(who, body.read()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All that is held about a player who asks for it, as an archive.
///
/// A tar packed with zstd; what is in it is described in `docs/export.md`. It takes a sign-in of the last 15 minutes, and that
/// it was asked for is noted. Make sure that who asks is that player. One person is given one archive at a time, and ten
/// within 15 minutes: then 429.
#[utoipa::path(
    post, path = "/api/v1/player-exports", operation_id = "exportPlayer", tag = "Administration",
    request_body = PlayerExportForm,
    responses(
        (status = 200, description = "The archive.", content_type = "application/zstd"),
        SignedOut, SignInAgain, NotFound, Conflict
    ),
    security(("session" = []))
)]
pub async fn export_player(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: JsonBody<PlayerExportForm>,
) -> Result<Response, HttpError> {
    let who = desk.members().changing(&headers).await?;
    Ok(archive(PLAYER_ARCHIVE, desk.export_player(&who, &body.read()?).await?))
}
