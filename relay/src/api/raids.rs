//! `GET /api/v1/raids/{code}`, its fights side by side (`/night`), and `GET /api/v1/live/{channel}`.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use raidcast_shared::report::{Night, RaidPage};
use raidcast_shared::uplink::ReportState;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::desk::{Desk, TicketQuery};
use crate::edge::Asked;
use crate::error::HttpError;
use crate::extract::{Path, Query};
use crate::openapi::{IfNoneMatch, NotFound, Unchanged};

/// A channel that goes on to another raid more often than this while it is asked for is asked for later.
const CHANNEL_MOVES_MAX: u32 = 3;
/// Most fights of an answer that tells an evening: each is a record that is read.
const NIGHT_FIGHTS_MAX: usize = 10;

/// `?after=&ticket=`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NightQuery {
    /// `next` of an answer before: so many fights are left out, the oldest. Without it, none.
    #[param(required = false, value_type = u32, maximum = 4_294_967_295_u32, default = 0)]
    after: Option<String>,
    /// Of a private raid's link.
    #[param(required = false, value_type = String)]
    ticket: Option<String>,
}

impl NightQuery {
    fn after(&self) -> Result<u32, HttpError> {
        let Some(text) = &self.after else { return Ok(0) };
        let is_wrong = |_| HttpError::BadRequest(format!("`after` must be a number from 0 to {}", u32::MAX));
        text.parse().map_err(is_wrong)
    }
}

/// A raid and its fights.
#[utoipa::path(
    get, path = "/api/v1/raids/{code}", operation_id = "raid", tag = "Reading",
    params(("code" = String, Path, description = "Names the raid."), TicketQuery, IfNoneMatch),
    responses((status = 200, description = "The raid.", body = RaidPage, headers(("ETag"))), Unchanged, NotFound),
    security((), ("key" = []))
)]
pub async fn raid(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    Query(TicketQuery { ticket }): Query<TicketQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let asker = desk.door().asker(&headers, ticket.as_deref()).await?;
    let raid = desk.door().raid(&code, &asker).await?;
    let channel = desk.door().channel_of(&raid).await?;
    let page = desk.lists().raid(visit.address, &raid, channel).await?;
    desk.door().still_raid(&asker, &raid).await?;
    Ok(page.respond(&headers))
}

/// The fights of a raid side by side: attempts and players of each.
///
/// Those that are over, the oldest first, ten at a time: go on while `next` is not `null`.
#[utoipa::path(
    get, path = "/api/v1/raids/{code}/night", operation_id = "night", tag = "Reading",
    params(("code" = String, Path, description = "Names the raid."), NightQuery, IfNoneMatch),
    responses((status = 200, description = "The fights.", body = Night, headers(("ETag"))), Unchanged, NotFound),
    security((), ("key" = []))
)]
pub async fn night(
    State(desk): State<Desk>,
    Path(code): Path<String>,
    Query(query): Query<NightQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let after = query.after()?;
    let asker = desk.door().asker(&headers, query.ticket.as_deref()).await?;
    let raid = desk.door().raid(&code, &asker).await?;
    let mut lines = desk.door().fights(&raid).await?;
    lines.retain(|line| line.state != ReportState::Live);
    lines.reverse();
    let mut before = usize::try_from(after).unwrap_or(usize::MAX);
    let mut fights = Vec::new();
    // One record at a time is held.
    for line in lines.iter().skip(before).take(NIGHT_FIGHTS_MAX) {
        before += 1;
        match desk.door().report(&line.report_id, &asker).await {
            // It may be another raid's by now.
            Ok((report, record)) if report.raid_code == raid.code => {
                let fight = desk.answers().night_fight(visit.address, &report, record).await?;
                // One that goes on again since it was listed is told by its report alone.
                if fight.report.state != ReportState::Live {
                    fights.push((report, fight));
                }
            }
            Ok(_) | Err(HttpError::NotFound | HttpError::SetAside) => {}
            Err(error) => return Err(error),
        }
    }
    let next = u32::try_from(before).ok().filter(|_| before < lines.len());
    let mut still = Vec::with_capacity(fights.len());
    for (report, fight) in fights {
        match desk.door().still(&asker, &report).await {
            Ok(_) => still.push(fight),
            Err(HttpError::NotFound | HttpError::SetAside) => {}
            Err(error) => return Err(error),
        }
    }
    desk.door().still_raid(&asker, &raid).await?;
    Ok(desk.answers().night(visit.address, &raid, still, next).await?.respond(&headers))
}

/// The present raid of a permanent link, and its fights.
#[utoipa::path(
    get, path = "/api/v1/live/{channel}", operation_id = "channel", tag = "Reading",
    params(("channel" = String, Path, description = "Names the uploader's channel."), TicketQuery, IfNoneMatch),
    responses((status = 200, description = "The raid.", body = RaidPage, headers(("ETag"))), Unchanged, NotFound),
    security((), ("key" = []))
)]
pub async fn channel(
    State(desk): State<Desk>,
    Path(channel): Path<String>,
    Query(TicketQuery { ticket }): Query<TicketQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let asker = desk.door().asker(&headers, ticket.as_deref()).await?;
    let mut moved = 0;
    loop {
        let raid = desk.door().channel(&channel, &asker).await?;
        let page = desk.lists().raid(visit.address, &raid, Some(channel.clone())).await?;
        // It may have become private while its fights were asked for, or the channel may have gone on to another.
        match desk.door().still_raid(&asker, &raid).await {
            Ok(()) => return Ok(page.respond(&headers)),
            Err(HttpError::NotFound) if moved < CHANNEL_MOVES_MAX => moved += 1,
            Err(error) => return Err(error),
        }
    }
}
