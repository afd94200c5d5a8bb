//! `GET /api/v1/encounters`.

use std::fmt::Display;
use std::str::FromStr;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use raidcast_shared::uplink::Outcome;
use raidcast_store::SearchOrder;
use raidcast_store::name::{NAME_CHARS_MAX, fold};
use raidcast_store::search::Between;
use serde::Deserialize;

use crate::desk::Desk;
use crate::edge::Asked;
use crate::error::HttpError;
use crate::extract::Query;
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
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SearchQuery {
    player_id: Option<String>,
    player_name: Option<String>,
    class_id: Option<String>,
    class_spec: Option<String>,
    boss_name: Option<String>,
    scene_name: Option<String>,
    scene_id: Option<String>,
    difficulty: Option<String>,
    outcome: Option<String>,
    date_from: Option<String>,
    date_to: Option<String>,
    duration_from: Option<String>,
    duration_to: Option<String>,
    players_from: Option<String>,
    players_to: Option<String>,
    order_by: Option<String>,
    sort: Option<String>,
    limit: Option<String>,
    page: Option<String>,
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
    let folded = fold(&text);
    match !folded.is_empty() && text.chars().count() <= NAME_CHARS_MAX {
        true => Ok(Some(folded)),
        false => bad(format!("`{name}` must have 1 to {NAME_CHARS_MAX} characters that are not spaces")),
    }
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

/// Final public encounters: those that are asked for.
pub async fn list(
    State(desk): State<Desk>,
    Query(query): Query<SearchQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    Ok(desk.searches().encounters(visit.address, query.question()?).await?.respond(&headers))
}
