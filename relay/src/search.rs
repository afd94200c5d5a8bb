//! Finding encounters: questions as they are asked, and their answers.
//!
//! One invariant: what is found is what the store says when it is asked, or when nothing that searches show has changed
//! since ([`Door::search_changes`]). Only what everybody may see is ever found, so an answer is the same for all. Two
//! questions are looked up at a time; addresses take turns, and who asks the same at once shares the answer.
//! Deliberately not here: how it is found.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use raidcast_shared::report::{EncounterPage, EncounterPagination, ReportSummary};
use raidcast_shared::uplink::Outcome;
use raidcast_store::name::{NameKind, Typed};
use raidcast_store::search::{Between, Filters, PlayerWanted, ROWS_LOOKED_AT_MAX};
use raidcast_store::{ReportLine, SearchKey, SearchOrder, SearchRequest, Term};

use crate::access::{Door, Visible};
use crate::account::RelaySecret;
use crate::body::{Body, LARGE_BODY_BYTES};
use crate::edge::Address;
use crate::error::HttpError;
use crate::limits::{SEARCHES_AT_ONCE, SEARCHES_WAITING, SEARCHES_WAITING_PER_ADDRESS};
use crate::record;
use crate::singleflight::Singleflight;
use crate::span::FoldPool;
use crate::turns::Turns;

/// An answer is kept this long, for who asks the same.
const KEPT_FOR: Duration = Duration::from_mins(5);
/// Bytes of answers kept: some four hundred of fifty entries.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// So many entries are reached by pages; behind them a cursor leads on.
pub const PAGED_ENTRIES_MAX: u32 = ROWS_LOOKED_AT_MAX;

/// A question, checked. What is left out may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "docs/api.md says what each field of a request means")]
pub struct Question {
    pub player_id: Option<String>,
    pub player_name: Option<String>,
    pub class_id: Option<i64>,
    pub class_spec: Option<i64>,
    pub boss_name: Option<String>,
    pub scene_name: Option<String>,
    pub scene_id: Option<i64>,
    pub difficulty: Option<i64>,
    pub outcome: Option<Outcome>,
    pub date: Between,
    pub duration: Between,
    pub players: Between,
    pub order: SearchOrder,
    pub descending: bool,
    pub limit: u32,
    pub place: Place,
}

/// Where in the list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// From 1.
    Page(u32),
    /// Where an earlier answer ended.
    Cursor(String),
}

impl Default for Place {
    fn default() -> Self {
        Self::Page(1)
    }
}

/// What was made, and what had changed until then.
type Held = (u64, Arc<Body>);

/// See the module's page.
pub struct Searches {
    door: Door,
    secret: RelaySecret,
    pool: Arc<FoldPool>,
    turns: Arc<Turns<Address>>,
    flights: Arc<Singleflight<Question, Result<Arc<Body>, HttpError>>>,
    held: Cache<Question, Held>,
    made: AtomicU64,
}

impl Searches {
    /// Nothing asked yet.
    pub fn new(door: Door, secret: RelaySecret, pool: Arc<FoldPool>) -> Self {
        let turns = Turns::new(SEARCHES_AT_ONCE, 1, SEARCHES_WAITING, SEARCHES_WAITING_PER_ADDRESS);
        let held = Cache::builder()
            .max_capacity(CACHE_BYTES)
            .weigher(|question: &Question, (_, body): &Held| {
                let texts = [&question.player_id, &question.player_name, &question.boss_name, &question.scene_name];
                let texts: usize = texts.into_iter().flatten().map(String::len).sum();
                u32::try_from(body.bytes() + size_of::<Question>() + texts).unwrap_or(u32::MAX)
            })
            .time_to_live(KEPT_FOR)
            .build();
        Self { door, secret, pool, turns: Arc::new(turns), flights: Arc::default(), held, made: AtomicU64::new(0) }
    }

    /// Something is gone: nothing that was found before is held any more.
    pub fn forget(&self) {
        self.held.invalidate_all();
    }

    /// How many questions were looked up so far, for tests and metrics.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Encounters that everybody may see, as a question asks for them.
    ///
    /// # Errors
    /// `BadRequest`: a cursor that is none of this question's. `Unavailable`: the store does not answer in time, or more
    /// wait than may.
    pub async fn encounters(self: &Arc<Self>, who: Address, question: Question) -> Result<Arc<Body>, HttpError> {
        let (searches, asked) = (Arc::clone(self), question.clone());
        match self.flights.ask(question.clone(), async move || searches.answer(who, asked).await).await {
            // Another address's, that had no room: asked again for this one.
            (Some(Err(HttpError::Unavailable { .. })), false) => self.answer(who, question).await,
            (made, _) => made.unwrap_or(Err(HttpError::Internal)),
        }
    }

    async fn answer(&self, who: Address, question: Question) -> Result<Arc<Body>, HttpError> {
        let changes = self.door.search_changes().await?;
        if let Some((made_at, body)) = self.held.get(&question).await
            && made_at == changes
        {
            return Ok(body);
        }
        let Ok(turn) = self.turns.turn(who).await else {
            return Err(HttpError::Unavailable {
                text: "too many searches wait already: try again in a moment".into(),
                retry_s: 2,
            });
        };
        self.made.fetch_add(1, Ordering::Relaxed);
        let page = self.page(&question).await?;
        drop(turn);
        let body = match about_bytes(&page.encounters) < LARGE_BODY_BYTES {
            true => Arc::new(Body::of(&page)),
            false => self.pool.run(who, move || Arc::new(Body::of(&page))).await?,
        };
        // Read before anything was looked up: what changed meanwhile is asked for again.
        self.held.insert(question, (changes, Arc::clone(&body))).await;
        Ok(body)
    }

    async fn page(&self, question: &Question) -> Result<EncounterPage, HttpError> {
        let bound = question.bound();
        let (after, page) = match &question.place {
            Place::Page(page) => (None, Some(*page)),
            Place::Cursor(cursor) => {
                let key = self.secret.open_cursor(&bound, cursor).ok_or_else(|| {
                    HttpError::BadRequest(
                        "this `cursor` is not one of this search: ask the same as before, with the cursor that was \
                         answered, or begin without one"
                            .into(),
                    )
                })?;
                let (value, encounter) = key;
                (Some(SearchKey { value, encounter }), None)
            }
        };
        let limit = question.limit;
        let request = SearchRequest {
            filters: self.filters(question).await?,
            order: question.order,
            descending: question.descending,
            after,
            skip: page.map_or(0, |page| page.saturating_sub(1).saturating_mul(limit)),
            take: limit,
            count: page.is_some(),
            look: ROWS_LOOKED_AT_MAX,
        };
        let found = self.door.found(&request).await?;
        let summary = |line: Visible<ReportLine>| record::summary(&line.audience().clone(), line.into_inner());
        let total = found.total.map(|total| total.count);
        Ok(EncounterPage {
            encounters: found.lines.into_iter().map(summary).collect(),
            pagination: EncounterPagination {
                page,
                limit,
                total,
                total_pages: total.map(|total| total.div_ceil(u64::from(limit))),
                total_is_at_least: found.total.is_some_and(|total| total.at_least),
                next: found.next.map(|key| self.secret.cursor(&bound, (key.value, key.encounter))),
            },
        })
    }

    async fn filters(&self, question: &Question) -> Result<Filters, HttpError> {
        let Question { player_id, class_id, class_spec, scene_name, .. } = question;
        Ok(Filters {
            player: PlayerWanted {
                key: player_id.clone(),
                names: self.names(NameKind::Player, question.player_name.as_deref()).await?,
                class_id: *class_id,
                class_spec: *class_spec,
            },
            bosses: self.names(NameKind::Boss, question.boss_name.as_deref()).await?,
            scene: scene_name.as_deref().map(Term::scene),
            scene_id: question.scene_id,
            difficulty: question.difficulty,
            outcome: question.outcome,
            started_at_ms: question.date,
            duration_ms: question.duration,
            players: question.players,
        })
    }

    async fn names(&self, kind: NameKind, text: Option<&str>) -> Result<Option<Vec<Term>>, HttpError> {
        let Some(text) = text else { return Ok(None) };
        match Typed::new(kind, text) {
            Some(typed) => Ok(Some(self.door.names_like(&typed).await?)),
            None => Ok(Some(Vec::new())),
        }
    }
}

impl Question {
    /// What a cursor is bound to: all but where in the list, and how much of it.
    fn bound(&self) -> String {
        format!("{:?}", Self { limit: 0, place: Place::default(), ..self.clone() })
    }
}

/// How long a page gets, about.
fn about_bytes(encounters: &[ReportSummary]) -> usize {
    encounters.len() * 512
}
