//! `GET /api/v1/encounters`.

use std::fmt::Display;
use std::str::FromStr;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use raidcast_shared::report::EncounterPage;
use raidcast_shared::uplink::Outcome;
use raidcast_store::SearchOrder;
use raidcast_store::name::{NAME_CHARS_MAX, fold};
use raidcast_store::search::Between;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::{Object, ObjectBuilder, Type};

use crate::desk::Desk;
use crate::edge::Asked;
use crate::error::HttpError;
use crate::extract::Query;
use crate::openapi::{IfNoneMatch, Unchanged};
use crate::search::{PAGED_ENTRIES_MAX, Place, Question};

/// Entries of a page, if nothing is asked for.
const LIMIT_DEFAULT: u32 = 50;
/// Most entries of a page.
const LIMIT_MAX: u32 = 100;
/// Characters of a player's key at the most: it has 32.
const KEY_CHARS_MAX: usize = 64;
/// Whole numbers that JavaScript keeps exact.
const EXACT_MAX: i64 = (1 << 53) - 1;

/// What may stand behind the `?`, as text; nothing else may.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// A player, by `playerKey`.
    #[param(required = false, value_type = String, pattern = "^[0-9A-Za-z]{1,64}$")]
    player_id: Option<String>,
    /// A player's name, or a part of it.
    #[param(required = false, value_type = String, min_length = 1, max_length = 64, pattern = r"[^\s]")]
    player_name: Option<String>,
    /// The game's class. With a player, it is this player's.
    #[param(required = false, value_type = u16, maximum = 65_535)]
    class_id: Option<String>,
    /// The game's spec, likewise.
    #[param(required = false, value_type = u16, maximum = 65_535)]
    class_spec: Option<String>,
    /// A boss' name, or a part of it.
    #[param(required = false, value_type = String, min_length = 1, max_length = 64, pattern = r"[^\s]")]
    boss_name: Option<String>,
    /// The scene's name: all of it, in large or small letters.
    #[param(required = false, value_type = String, min_length = 1, max_length = 64, pattern = r"[^\s]")]
    scene_name: Option<String>,
    /// The game's scene.
    #[param(required = false, value_type = i64)]
    scene_id: Option<String>,
    /// The game's difficulty.
    #[param(required = false, value_type = i64)]
    difficulty: Option<String>,
    /// How it went.
    #[param(required = false, value_type = Outcome, inline)]
    outcome: Option<String>,
    /// When it began at the earliest, Unix ms; included, here and below.
    #[param(required = false, value_type = i64, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    date_from: Option<String>,
    /// When it began at the latest.
    #[param(required = false, value_type = i64, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    date_to: Option<String>,
    /// First to last combat event, ms.
    #[param(required = false, value_type = u32, maximum = 4_294_967_295_u32)]
    duration_from: Option<String>,
    /// Likewise.
    #[param(required = false, value_type = u32, maximum = 4_294_967_295_u32)]
    duration_to: Option<String>,
    /// How many players.
    #[param(required = false, value_type = u16, maximum = 65_535)]
    players_from: Option<String>,
    /// Likewise.
    #[param(required = false, value_type = u16, maximum = 65_535)]
    players_to: Option<String>,
    /// By what they are in order: when it began, when it came here, how long it took, or damage of all players a second.
    #[param(required = false, schema_with = orders)]
    order_by: Option<String>,
    /// The greatest first, or the least.
    #[param(required = false, schema_with = directions)]
    sort: Option<String>,
    /// Entries of a page.
    #[param(required = false, value_type = u32, minimum = 1, maximum = 100, default = 50)]
    limit: Option<String>,
    /// Which page. Pages reach the first 2,000 entries (`page` times `limit`).
    #[param(required = false, value_type = u32, minimum = 1, maximum = 2_000)]
    page: Option<String>,
    /// `pagination.next` of an answer to the same question, in place of `page`.
    #[param(required = false, value_type = String)]
    cursor: Option<String>,
}

fn bad<T>(text: String) -> Result<T, HttpError> {
    Err(HttpError::BadRequest(text))
}

fn number<T: FromStr + PartialOrd + Copy + Display>(
    name: &str,
    text: Option<String>,
    from: T,
    to: T,
) -> Result<Option<T>, HttpError> {
    let Some(text) = text else { return Ok(None) };
    match text.parse::<T>() {
        Ok(value) if value >= from && value <= to => Ok(Some(value)),
        _ => bad(format!("`{name}` must be a number from {from} to {to}")),
    }
}

fn between(name: &str, from: Option<String>, to: Option<String>, most: i64) -> Result<Between, HttpError> {
    let from = number(&format!("{name}From"), from, 0, most)?;
    let to = number(&format!("{name}To"), to, 0, most)?;
    match (from, to) {
        (Some(first), Some(last)) if first > last => bad(format!("`{name}From` must not be greater than `{name}To`")),
        between => Ok(between),
    }
}

/// A name that has something in it, as it is compared: what is written otherwise is the same question.
fn name(name: &str, text: Option<String>) -> Result<Option<String>, HttpError> {
    let Some(text) = text else { return Ok(None) };
    // Counted first: what is long is not compared.
    let folded = if text.chars().count() <= NAME_CHARS_MAX { fold(&text) } else { String::new() };
    if folded.is_empty() {
        return bad(format!("`{name}` must have 1 to {NAME_CHARS_MAX} characters that are not spaces"));
    }
    Ok(Some(folded))
}

fn one_of<T: Copy>(name: &str, text: Option<&str>, all: &[(&str, T)]) -> Result<Option<T>, HttpError> {
    let Some(text) = text else { return Ok(None) };
    if let Some((_, value)) = all.iter().find(|(word, _)| *word == text) {
        return Ok(Some(*value));
    }
    let words: Vec<_> = all.iter().map(|(word, _)| *word).collect();
    bad(format!("`{name}` must be one of {}", words.join(", ")))
}

const OUTCOMES: [(&str, Outcome); 5] = [
    ("kill", Outcome::Kill),
    ("wipe", Outcome::Wipe),
    ("reset", Outcome::Reset),
    ("unfinished", Outcome::Unfinished),
    ("unknown", Outcome::Unknown),
];
const ORDERS: [(&str, SearchOrder); 4] = [
    ("startedAt", SearchOrder::Started),
    ("createdAt", SearchOrder::Created),
    ("duration", SearchOrder::Duration),
    ("dps", SearchOrder::Dps),
];

/// One of some words, of which the first counts where none is given.
fn words<const N: usize>(all: [&str; N]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(all)).default(Some(all[0].into())).build()
}

fn orders() -> Object {
    words(ORDERS.map(|(word, _)| word))
}

fn directions() -> Object {
    words(["desc", "asc"])
}

impl SearchQuery {
    fn question(self) -> Result<Question, HttpError> {
        let limit = number("limit", self.limit, 1, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT);
        let page = number("page", self.page, 1, u32::MAX)?;
        let place = match (self.cursor, page) {
            (Some(_), Some(_)) => return bad("give a `page` or a `cursor`, not both".into()),
            (Some(cursor), None) => Place::Cursor(cursor),
            (None, page) => Place::Page(page.unwrap_or(1)),
        };
        if let Place::Page(page) = place
            && u64::from(page) * u64::from(limit) > u64::from(PAGED_ENTRIES_MAX).max(u64::from(limit))
        {
            return bad(format!(
                "pages reach the first {PAGED_ENTRIES_MAX} entries: to go on, ask with `cursor`, which is \
                 `pagination.next` of the answer before"
            ));
        }
        let player_id = match self.player_id {
            Some(key)
                if key.is_empty() || key.len() > KEY_CHARS_MAX || !key.bytes().all(|c| c.is_ascii_alphanumeric()) =>
            {
                return bad("`playerId` must be a player's key, as reports have it in `playerKey`".into());
            }
            key => key,
        };
        Ok(Question {
            player_id,
            player_name: name("playerName", self.player_name)?,
            class_id: number("classId", self.class_id, 0, u16::MAX)?.map(i64::from),
            class_spec: number("classSpec", self.class_spec, 0, u16::MAX)?.map(i64::from),
            boss_name: name("bossName", self.boss_name)?,
            scene_name: name("sceneName", self.scene_name)?,
            scene_id: number("sceneId", self.scene_id, i64::MIN, i64::MAX)?,
            difficulty: number("difficulty", self.difficulty, i64::MIN, i64::MAX)?,
            outcome: one_of("outcome", self.outcome.as_deref(), &OUTCOMES)?,
            date: between("date", self.date_from, self.date_to, EXACT_MAX)?,
            duration: between("duration", self.duration_from, self.duration_to, u32::MAX.into())?,
            players: between("players", self.players_from, self.players_to, u16::MAX.into())?,
            order: one_of("orderBy", self.order_by.as_deref(), &ORDERS)?.unwrap_or_default(),
            descending: one_of("sort", self.sort.as_deref(), &[("desc", true), ("asc", false)])?.unwrap_or(true),
            limit,
            place,
        })
    }
}

/// Search: finished public encounters by player, boss, scene and more.
///
/// All fields may be left out, each stands once at the most, and all of them must hold. A fight is found some moments after
/// its report is kept. A request looks at 2,000 encounters of the order at most, so a page can have fewer entries than `limit`
/// though there are more: go on while `next` is not `null`.
#[utoipa::path(
    get, path = "/api/v1/encounters", operation_id = "encounters", tag = "Reading",
    params(SearchQuery, IfNoneMatch),
    responses((status = 200, description = "A page of what was found.", body = EncounterPage, headers(("ETag"))), Unchanged)
)]
pub async fn list(
    State(desk): State<Desk>,
    Query(query): Query<SearchQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    Ok(desk.searches().encounters(visit.address, query.question()?).await?.respond(&headers))
}
