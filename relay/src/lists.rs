//! Lists of fights as they are answered: a raid's page, and pages of the public list.
//!
//! One invariant: who asks gets nothing older than when they asked, but for the figures of running fights
//! ([`Answers::summary`]). However many ask for a list at once, it is read once at a time; a large one is written on the
//! pool, and compressed again only where it says something else than before. Deliberately not here: who may see what.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use raidcast_shared::report::{Pagination, RaidPage, ReportPage, ReportSummary};
use raidcast_shared::uplink::ReportState;
use raidcast_shared::view::Audience;
use raidcast_store::{ListPart, Page, RaidRow, ReportLine, ReportPlace};
use serde::Serialize;

use crate::access::{Door, Listed, Visible};
use crate::answers::Answers;
use crate::body::{Body, LARGE_BODY_BYTES};
use crate::context::Context;
use crate::edge::Address;
use crate::error::HttpError;
use crate::raid::{RaidCommand, RaidRegistry};
use crate::record;
use crate::search::Place;
use crate::singleflight::Singleflight;
use crate::span::FoldPool;

/// A list waits this long for what raids' tasks and folds tell of running fights.
const SUMMARY_TIMEOUT: Duration = Duration::from_millis(250);
/// A large list is kept this long, for who asks for the same.
const KEPT_FOR: Duration = Duration::from_mins(1);
/// Bytes of large lists kept: forty raids of a thousand fights.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// A line's bytes without its names, at the most.
const LINE_BYTES: usize = 512;
/// What cursors of the public list are of.
const PUBLIC_LIST: &str = "public reports";

/// Which list, and as whom it shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Asked {
    Public(ListPart),
    Raid { audience: Audience, member: bool, code: String, channel: Option<String> },
}

/// What a list is made of.
#[derive(Clone)]
enum Of {
    Public(ListPart),
    Raid { raid: Box<Visible<RaidRow>>, channel: Option<String> },
}

impl Of {
    fn asked(&self) -> Asked {
        match self {
            Self::Public(part) => Asked::Public(*part),
            Self::Raid { raid, channel } => {
                // Members may see more fights than others, to whom it names as many players.
                let (audience, member) = (raid.audience().clone(), raid.admitted().is_member(raid.tickets));
                Asked::Raid { audience, member, code: raid.code.clone(), channel: channel.clone() }
            }
        }
    }
}

/// See the module's page.
pub struct Lists {
    registry: Arc<RaidRegistry>,
    door: Door,
    answers: Arc<Answers>,
    pool: Arc<FoldPool>,
    flights: Arc<Singleflight<Asked, Result<Arc<Body>, HttpError>>>,
    held: Cache<Asked, Arc<Body>>,
    made: AtomicU64,
}

impl Lists {
    /// Nothing made yet.
    pub fn new(registry: Arc<RaidRegistry>, door: Door, answers: Arc<Answers>, pool: Arc<FoldPool>) -> Self {
        let held = Cache::builder()
            .max_capacity(CACHE_BYTES)
            .weigher(|_, body: &Arc<Body>| u32::try_from(body.bytes()).unwrap_or(u32::MAX))
            .time_to_live(KEPT_FOR)
            .build();
        Self { registry, door, answers, pool, flights: Arc::default(), held, made: AtomicU64::new(0) }
    }

    /// Something is gone: no list that was made before is held any more.
    pub fn forget(&self) {
        self.held.invalidate_all();
    }

    /// How many lists were read so far, for tests and metrics.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Public reports, newest fight first, live ones included: so many at a place.
    ///
    /// # Errors
    /// `BadRequest`: a cursor that is none of this list. The store does not answer, or more wait for the pool than it takes.
    pub async fn public(self: &Arc<Self>, who: Address, place: Place, limit: u32) -> Result<Arc<Body>, HttpError> {
        let part = match place {
            Place::Page(page) => ListPart::Page(Page { page, limit }),
            Place::Cursor(cursor) => {
                let opened = self.registry.context.secret.open_cursor(PUBLIC_LIST, &cursor);
                let (started_at_ms, encounter) = opened.ok_or_else(|| {
                    let text =
                        "this `cursor` is none of this list: ask with the one that was answered, or begin without one";
                    HttpError::BadRequest(text.into())
                })?;
                ListPart::After { place: ReportPlace { started_at_ms, encounter }, limit }
            }
        };
        self.shared(who, Of::Public(part)).await
    }

    /// A raid and its fights, with its channel for who may know that.
    ///
    /// # Errors
    /// As [`Lists::public`].
    pub async fn raid(
        self: &Arc<Self>,
        who: Address,
        raid: &Visible<RaidRow>,
        channel: Option<String>,
    ) -> Result<Arc<Body>, HttpError> {
        self.shared(who, Of::Raid { raid: Box::new(raid.clone()), channel }).await
    }

    /// Made once for all who ask meanwhile.
    async fn shared(self: &Arc<Self>, who: Address, of: Of) -> Result<Arc<Body>, HttpError> {
        let (lists, making) = (Arc::clone(self), of.clone());
        match self.flights.ask(of.asked(), async move || lists.make(who, making).await).await {
            // Another address's, that had no room: asked again for this one.
            (Some(Err(HttpError::Unavailable { .. })), false) => self.make(who, of).await,
            (made, _) => made.unwrap_or(Err(HttpError::Internal)),
        }
    }

    async fn make(&self, who: Address, of: Of) -> Result<Arc<Body>, HttpError> {
        self.made.fetch_add(1, Ordering::Relaxed);
        let asked = of.asked();
        match of {
            Of::Public(part) => {
                let Listed { lines, total, next } = self.door.public_fights(part).await?;
                let reports = self.summaries(who, lines).await;
                let (bytes, limit) = (about_bytes(&reports), part.limit());
                let page = match part {
                    ListPart::Page(Page { page, .. }) => Some(page),
                    ListPart::After { .. } => None,
                };
                let secret = &self.registry.context.secret;
                let cursor = |next: ReportPlace| secret.cursor(PUBLIC_LIST, (next.started_at_ms, next.encounter));
                let total_pages = total.map(|total| total.div_ceil(u64::from(limit)));
                let pagination = Pagination { page, limit, total, total_pages, next: next.map(cursor) };
                self.body(who, asked, bytes, ReportPage { reports, pagination }).await
            }
            Of::Raid { raid, channel } => {
                // Who shares in it may have seen a newer row.
                let raid = self.door.again(&raid).await?;
                let fights = self.door.fights(&raid).await?;
                let until_ms = raid.until_ms(self.registry.context.clock.now_ms());
                let is_open = match until_ms {
                    Some(until_ms) => {
                        Context::was_open(&raid, until_ms, fights.iter().map(|fight| fight.created_at_ms))
                    }
                    None => self.registry.context.is_open(&raid),
                };
                let reports = self.summaries(who, fights).await;
                let (bytes, connected) = (about_bytes(&reports), self.is_connected(&raid, until_ms).await);
                let page = RaidPage {
                    channel,
                    title: raid.title.clone(),
                    visibility: raid.visibility,
                    names: raid.names,
                    delay_s: raid.delay_s(),
                    open: connected || is_open,
                    connected,
                    uploads: raid.history,
                    // Who has its address knows that it is there; when it began, he is told when that has come for him.
                    created_at_ms: until_ms.map_or(raid.created_at_ms, |until_ms| raid.created_at_ms.min(until_ms)),
                    code: raid.code.clone(),
                    reports,
                };
                self.body(who, asked, bytes, page).await
            }
        }
    }

    /// A list ready to be sent: a large one is the same as before where it says the same.
    async fn body(
        &self,
        who: Address,
        asked: Asked,
        bytes: usize,
        list: impl Serialize + Send + 'static,
    ) -> Result<Arc<Body>, HttpError> {
        if bytes < LARGE_BODY_BYTES {
            return Ok(Arc::new(Body::of(&list)));
        }
        let held = self.held.get(&asked).await;
        let body = self.pool.run(who, move || Body::or_held(&list, held)).await?;
        self.held.insert(asked, Arc::clone(&body)).await;
        Ok(body)
    }

    /// Lines of a list. Live reports have their figures in memory: they are filled in. All raids are asked at the same
    /// time, and who does not answer at once is not waited for: the list then shows what is stored.
    async fn summaries(&self, who: Address, lines: Vec<Visible<ReportLine>>) -> Vec<ReportSummary> {
        let asked = lines.into_iter().map(|line| async {
            let (stored, is_late) =
                (record::summary(line.audience(), ReportLine::clone(&line)), line.delay().is_some());
            if stored.state != ReportState::Live {
                return Some(stored);
            }
            let asked = Arc::clone(&self.answers).summary(who, line);
            match tokio::time::timeout(SUMMARY_TIMEOUT, asked).await {
                Ok(Some(now)) => Some(ReportSummary { raid: stored.raid, ..ReportSummary::clone(&now) }),
                // Nobody knows how it stood then: it is there when its report is.
                Ok(None) if is_late => None,
                Ok(None) | Err(_) => Some(stored),
            }
        });
        futures::future::join_all(asked).await.into_iter().flatten().collect()
    }

    /// Whether a raid's uploader is connected.
    async fn is_connected(&self, raid: &Visible<RaidRow>, until_ms: Option<i64>) -> bool {
        match self.registry.directory.raid(&raid.code) {
            Some(handle) => handle.ask(|reply| RaidCommand::Connected { until_ms, reply }).await.unwrap_or(false),
            None => false,
        }
    }
}

/// How long a list gets, at the most.
fn about_bytes(reports: &[ReportSummary]) -> usize {
    let names = |report: &ReportSummary| report.bosses.iter().map(|name| name.len() + 3).sum::<usize>();
    reports.iter().map(|report| LINE_BYTES + names(report)).sum()
}
