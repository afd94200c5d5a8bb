//! Reports, spans of them, and timelines as they are answered: made beside the raids' tasks, once for all who ask meanwhile.
//!
//! One invariant: who asks gets nothing older than the raid's task stood when it was asked, but for what is costly to
//! make: that is shared for ten times as long as it took, so that looking at the largest fight takes a tenth of a core
//! at the most, however many look and however often. Deliberately not here: who may see what.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use moka::future::Cache;
use moka::ops::compute::Op;
use moka::{Entry, Expiry};
use raidcast_shared::fold::{EncounterState, Span};
use raidcast_shared::form::FormEncounter;
use raidcast_shared::report::{Fight, Night, NightFight, PointOfView, PointsOfView, Report, ReportSummary};
use raidcast_shared::uplink::{Ending, NamesPolicy, ReportState, Visibility};
use raidcast_shared::view::{self, Audience, Shown};
use raidcast_store::{EncounterRow, RaidRow, ReportLine, StoreError};
use serde::Serialize;
use tracing::Instrument as _;

use crate::access::Visible;
use crate::body::Body;
use crate::edge::Address;
use crate::error::HttpError;
use crate::file::FightFile;
use crate::preview::FightCard;
use crate::raid::Standing;
use crate::record;
use crate::span::{Source, SpanError, Spans, fight_bytes};

/// What is costly to make is shared with who asks later, for so many times as long as it took.
const SHARED_TIMES: u32 = 10;
/// An answer of what does not change any more is kept this long.
const KEPT_FOR: Duration = Duration::from_mins(1);
/// An answer of a running fight is kept this long, for who asks before the next delta comes.
const KEPT_LIVE: Duration = Duration::from_secs(10);
/// Bytes of answers kept.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// What another point of view holds, but for skills, bytes: names, figures and bosses.
const VIEW_BYTES: usize = 4 * 1024;
/// And a skill of it.
const VIEW_SKILL_BYTES: usize = 400;
/// What an evening tells of a fight but for its attempts and players, bytes.
const NIGHT_BYTES: usize = 2 * 1024;
/// And an attempt, or a player, of it.
const NIGHT_ROW_BYTES: usize = 200;
/// What a link tells of a fight, bytes: some names and figures.
const CARD_BYTES: usize = 2 * 1024;
/// A fight that is unfolded takes so many times what it takes stored, about.
const UNFOLDED_TIMES: usize = 8;
/// What lists show of a running fight is at most this old, unless it is costly to make.
const SUMMARY_AGE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Report,
    /// With its hits, or without.
    Encounter(bool),
    Timeline,
    View,
    Night,
    Card,
    File,
    Span(Span),
    Details(Span),
    Recaps(Span),
}

/// What is asked for, and what there is to make it of.
#[derive(Clone)]
enum Wanted {
    /// Of the record, if it has one.
    Report(Option<Bytes>),
    /// The same in the form of uploads.
    Encounter(Option<Bytes>),
    /// With each hit.
    Hits,
    Timeline,
    /// As another point of view, of the record.
    View(Option<Bytes>),
    /// As a page of its whole evening tells it, of the record.
    Night(Option<Bytes>),
    /// As a link to it tells it, of the record.
    Card(Option<Bytes>),
    /// As a file that is opened without a relay.
    File,
    /// Put in place of the fight of the whole report.
    Span(Span, Arc<Report>),
    /// What stands beside the figures of a span.
    Details(Span),
    /// What led to the deaths of a span.
    Recaps(Span),
}

impl Wanted {
    fn kind(&self) -> Kind {
        match self {
            Self::Report(_) => Kind::Report,
            Self::Encounter(_) => Kind::Encounter(false),
            Self::Hits => Kind::Encounter(true),
            Self::Timeline => Kind::Timeline,
            Self::View(_) => Kind::View,
            Self::Night(_) => Kind::Night,
            Self::Card(_) => Kind::Card,
            Self::File => Kind::File,
            Self::Span(span, _) => Kind::Span(*span),
            Self::Details(span) => Kind::Details(*span),
            Self::Recaps(span) => Kind::Recaps(*span),
        }
    }
}

/// What is asked, for whom, of which report.
type Asked = (Kind, Audience, String);

/// Of which log an answer was made, and of what else it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    state: ReportState,
    revision: u32,
    /// Seq of the running fight's log; `None` where the store had it.
    seq: Option<u64>,
    ended: bool,
    raid: String,
    visibility: Visibility,
    names: NamesPolicy,
    verified: bool,
}

impl Version {
    fn of(row: &EncounterRow, standing: Option<&Standing>) -> Self {
        let log = standing.and_then(|standing| standing.log.as_ref());
        Self {
            state: standing.map_or(row.state, |standing| standing.state),
            revision: standing.map_or(row.revision, |standing| standing.revision),
            seq: log.map(|log| log.seq),
            ended: log.is_none_or(|log| log.ending.is_some()),
            raid: row.raid_code.clone(),
            visibility: row.seen_by(),
            names: row.names,
            verified: row.verified,
        }
    }
}

/// What was made, and of what.
#[derive(Debug)]
struct Made {
    body: Arc<Body>,
    /// A report's own words, for spans of it: all but the rows of its players, deaths and what is missing.
    frame: Option<Arc<Report>>,
    /// What is put beside others' in one answer.
    view: Option<Arc<PointOfView>>,
    /// What is put beside other fights of its raid in one answer.
    night: Option<Arc<NightFight>>,
    /// What a link to it tells.
    card: Option<Arc<FightCard>>,
    /// A file that is opened without a relay.
    file: Option<Arc<FightFile>>,
    version: Version,
    /// How long it is shared with who asks later, if it was costly to make.
    shared_for: Option<Duration>,
}

impl Made {
    /// Made off the runtime's threads: a large one takes as long as folding it.
    fn of(value: &impl Serialize, version: Version) -> Self {
        let body = Arc::new(Body::of(value));
        Self { body, frame: None, view: None, night: None, card: None, file: None, version, shared_for: None }
    }

    fn of_view(report: &Report, version: Version) -> Self {
        // Nobody is sent it alone.
        let made = Self::of(&(), version);
        Self { view: Some(Arc::new(PointOfView::from(report))), ..made }
    }

    fn of_night(report: &Report, version: Version) -> Self {
        let made = Self::of(&(), version);
        Self { night: Some(Arc::new(NightFight::from(report))), ..made }
    }

    fn of_card(report: &Report, version: Version) -> Self {
        let made = Self::of(&(), version);
        Self { card: Some(Arc::new(FightCard::of(report))), ..made }
    }

    fn of_file(file: FightFile, version: Version) -> Self {
        let made = Self::of(&(), version);
        Self { file: Some(Arc::new(file)), ..made }
    }

    fn of_report(mut report: Report, version: Version) -> Self {
        let made = Self::of(&report, version);
        let Fight { players, deaths, missing, .. } = &mut report.fight;
        (*players, *deaths, *missing) = (Vec::new(), Vec::new(), Vec::new());
        Self { frame: Some(Arc::new(report)), ..made }
    }

    fn bytes(&self) -> usize {
        let of_view = |view: &PointOfView| {
            let skills: usize = view.own.iter().map(|own| own.skills.len()).sum();
            VIEW_BYTES + skills * VIEW_SKILL_BYTES
        };
        let of_night =
            |night: &NightFight| NIGHT_BYTES + (night.attempts.len() + night.players.len()) * NIGHT_ROW_BYTES;
        self.body.bytes()
            + self.night.as_ref().map_or(0, |night| of_night(night))
            + self.view.as_ref().map_or(0, |view| of_view(view))
            + self.card.as_ref().map_or(0, |_| CARD_BYTES)
            + self.file.as_ref().map_or(0, |file| file.bytes())
            + self.frame.as_ref().map_or(0, |frame| fight_bytes(&frame.fight))
    }

    /// Whether it may be given to who asks for `now`.
    fn serves(&self, now: &Version) -> bool {
        let older_is_fine = self.shared_for.is_some();
        let same_but_seq = Version { seq: now.seq, ..self.version.clone() } == *now;
        same_but_seq && (older_is_fine || self.version.seq >= now.seq)
    }
}

/// How long an answer is kept.
struct Keeping;

impl Expiry<Asked, Arc<Made>> for Keeping {
    fn expire_after_create(&self, (kind, ..): &Asked, made: &Arc<Made>, _: Instant) -> Option<Duration> {
        Some(match (made.version.seq, kind) {
            // Nobody owns it now, so nothing says how much of it there is.
            (None, Kind::Span(_) | Kind::Details(_) | Kind::Recaps(_)) if made.version.state != ReportState::Final => {
                Duration::ZERO
            }
            (None, _) => KEPT_FOR,
            (Some(_), _) => made.shared_for.unwrap_or(KEPT_LIVE),
        })
    }
}

/// A line of a running fight, and how long it took to make.
type Line = (Arc<ReportSummary>, Duration);

/// How long what lists show is kept.
struct KeepingLines;

impl Expiry<(Audience, String), Line> for KeepingLines {
    fn expire_after_create(&self, _: &(Audience, String), (_, cost): &Line, _: Instant) -> Option<Duration> {
        Some(SUMMARY_AGE.max(*cost * SHARED_TIMES))
    }
}

/// Makes answers.
pub struct Answers {
    spans: Arc<Spans>,
    bodies: Cache<Asked, Arc<Made>>,
    summaries: Cache<(Audience, String), Line>,
    made: AtomicU64,
    /// What takes so long to make is costly.
    costly: Duration,
}

impl Answers {
    /// Nothing made yet. What takes so long to make as `costly` says is shared with who asks later.
    pub fn new(spans: Arc<Spans>, costly: Duration) -> Self {
        let bytes = |made: &Arc<Made>| u32::try_from(made.bytes()).unwrap_or(u32::MAX);
        Self {
            spans,
            bodies: Cache::builder()
                .max_capacity(CACHE_BYTES)
                .weigher(move |_, made| bytes(made))
                .expire_after(Keeping)
                .build(),
            summaries: Cache::builder().max_capacity(10_000).expire_after(KeepingLines).build(),
            made: AtomicU64::new(0),
            costly,
        }
    }

    /// How many reports, spans and timelines were made so far, for tests and metrics.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// A report is gone: nothing of it is held any more, here and of its spans.
    pub async fn forget(&self, report_id: &str) {
        let asked: Vec<_> =
            self.bodies.iter().filter(|(asked, _)| asked.2 == report_id).map(|(asked, _)| asked).collect();
        for asked in asked {
            self.bodies.invalidate(&*asked).await;
        }
        let lines: Vec<_> =
            self.summaries.iter().filter(|(line, _)| line.1 == report_id).map(|(line, _)| line).collect();
        for line in lines {
            self.summaries.invalidate(&*line).await;
        }
        self.spans.forget(report_id).await;
    }

    /// A report as it stands: as it is kept (`record`), else folded of its log so far.
    ///
    /// # Errors
    /// `Busy` if too many fights are folded now.
    pub async fn report(
        self: &Arc<Self>,
        who: Address,
        report: &Visible<EncounterRow>,
        record: Option<Bytes>,
    ) -> Result<Arc<Body>, HttpError> {
        self.answer(who, report, Wanted::Report(record)).await.map(|made| Arc::clone(&made.body))
    }

    /// A span of a report, in place of its fight.
    ///
    /// # Errors
    /// As [`Answers::report`]; `NoTimes` where of the fight sums alone are known.
    pub async fn span(
        self: &Arc<Self>,
        who: Address,
        report: &Visible<EncounterRow>,
        record: Option<Bytes>,
        span: Span,
    ) -> Result<Arc<Body>, HttpError> {
        let whole = self.answer(who, report, Wanted::Report(record)).await?;
        let frame = whole.frame.clone().ok_or(HttpError::Internal)?;
        if !frame.fight.timed {
            return Err(HttpError::NoTimes);
        }
        self.answer(who, report, Wanted::Span(span, frame)).await.map(|made| Arc::clone(&made.body))
    }

    /// A report in the form of uploads; with `hits`, each skill with its timeline.
    ///
    /// # Errors
    /// As [`Answers::span`], where hits are asked for.
    pub async fn encounter(
        self: &Arc<Self>,
        who: Address,
        report: &Visible<EncounterRow>,
        record: Option<Bytes>,
        hits: bool,
    ) -> Result<Arc<Body>, HttpError> {
        let wanted = if hits { Wanted::Hits } else { Wanted::Encounter(record) };
        self.answer(who, report, wanted).await.map(|made| Arc::clone(&made.body))
    }

    /// A report's amounts by second.
    ///
    /// # Errors
    /// As [`Answers::span`].
    pub async fn timeline(
        self: &Arc<Self>,
        who: Address,
        report: &Visible<EncounterRow>,
    ) -> Result<Arc<Body>, HttpError> {
        self.answer(who, report, Wanted::Timeline).await.map(|made| Arc::clone(&made.body))
    }

    /// What stands beside the figures of a report, or of a span of it.
    ///
    /// # Errors
    /// As [`Answers::span`], where a span is asked for.
    pub async fn details(
        self: &Arc<Self>,
        who: Address,
        report: &Visible<EncounterRow>,
        span: Span,
    ) -> Result<Arc<Body>, HttpError> {
        self.answer(who, report, Wanted::Details(span)).await.map(|made| Arc::clone(&made.body))
    }

    /// What led to the deaths of a report, or of a span of it.
    ///
    /// # Errors
    /// As [`Answers::report`].
    pub async fn recaps(
        self: &Arc<Self>,
        who: Address,
        report: &Visible<EncounterRow>,
        span: Span,
    ) -> Result<Arc<Body>, HttpError> {
        self.answer(who, report, Wanted::Recaps(span)).await.map(|made| Arc::clone(&made.body))
    }

    /// A report as another point of view of a fight.
    ///
    /// # Errors
    /// As [`Answers::report`].
    pub async fn view(
        self: &Arc<Self>,
        who: Address,
        report: &Visible<EncounterRow>,
        record: Option<Bytes>,
    ) -> Result<Arc<PointOfView>, HttpError> {
        self.answer(who, report, Wanted::View(record)).await?.view.clone().ok_or(HttpError::Internal)
    }

    /// A report as a page of its whole evening tells it.
    ///
    /// # Errors
    /// As [`Answers::report`].
    pub async fn night_fight(
        self: &Arc<Self>,
        who: Address,
        report: &Visible<EncounterRow>,
        record: Option<Bytes>,
    ) -> Result<Arc<NightFight>, HttpError> {
        self.answer(who, report, Wanted::Night(record)).await?.night.clone().ok_or(HttpError::Internal)
    }

    /// Fights of a raid, beside each other; `next` leads on to those behind them.
    ///
    /// # Errors
    /// `Unavailable`: more wait than may.
    pub async fn night(
        &self,
        who: Address,
        of: &Visible<RaidRow>,
        fights: Vec<Arc<NightFight>>,
        next: Option<u32>,
    ) -> Result<Arc<Body>, HttpError> {
        let code = of.code.clone();
        let making = self.spans.pool.run(who, move || {
            let fights = fights.iter().map(|fight| NightFight::clone(fight)).collect();
            Arc::new(Body::of(&Night { code, fights, next }))
        });
        Ok(making.await?)
    }

    /// A report as a link to it tells it.
    ///
    /// # Errors
    /// As [`Answers::report`].
    pub async fn card(
        self: &Arc<Self>,
        who: Address,
        report: &Visible<EncounterRow>,
        record: Option<Bytes>,
    ) -> Result<Arc<FightCard>, HttpError> {
        self.answer(who, report, Wanted::Card(record)).await?.card.clone().ok_or(HttpError::Internal)
    }

    /// A report as a file that is opened without a relay, with all of its fight.
    ///
    /// # Errors
    /// As [`Answers::report`]; `Conflict` while the fight goes on.
    pub async fn file(
        self: &Arc<Self>,
        who: Address,
        report: &Visible<EncounterRow>,
    ) -> Result<Arc<FightFile>, HttpError> {
        self.answer(who, report, Wanted::File).await?.file.clone().ok_or(HttpError::Internal)
    }

    /// Points of view of a report's fight, beside each other.
    ///
    /// # Errors
    /// `Unavailable`: more wait than may.
    pub async fn views(
        &self,
        who: Address,
        of: &Visible<EncounterRow>,
        views: Vec<Arc<PointOfView>>,
    ) -> Result<Arc<Body>, HttpError> {
        let report_id = of.report_id.clone();
        let making = self.spans.pool.run(who, move || {
            let views = views.iter().map(|view| PointOfView::clone(view)).collect();
            Arc::new(Body::of(&PointsOfView { report_id, views }))
        });
        Ok(making.await?)
    }

    /// Made to its end also where who asked reloads the page meanwhile: they have it the next time.
    async fn answer(
        self: &Arc<Self>,
        who: Address,
        report: &Visible<EncounterRow>,
        wanted: Wanted,
    ) -> Result<Arc<Made>, HttpError> {
        let (answers, report) = (Arc::clone(self), report.clone());
        let making = async move { answers.made_of(who, &report, wanted).await };
        let making = tokio::spawn(making.in_current_span());
        making.await.map_err(|_| HttpError::Internal)?
    }

    async fn made_of(
        &self,
        who: Address,
        report: &Visible<EncounterRow>,
        wanted: Wanted,
    ) -> Result<Arc<Made>, HttpError> {
        let key = (wanted.kind(), report.audience().clone(), report.report_id.clone());
        let (mut last, mut busy) = (None, false);
        // Who joins in the making of one that turns out too old asks again.
        for _ in 0..3 {
            let standing = self.spans.logs.standing(report).await?;
            let now = Version::of(report, standing.as_ref());
            if let Some(made) = self.bodies.get(&key).await {
                if made.serves(&now) {
                    return Ok(made);
                }
                // This one, and not a newer one that was made meanwhile.
                let is_it =
                    |held: Option<Entry<_, Arc<Made>>>| held.is_some_and(|held| Arc::ptr_eq(held.value(), &made));
                let remove = |held| ready(if is_it(held) { Op::Remove } else { Op::Nop });
                self.bodies.entry_by_ref(&key).and_compute_with(remove).await;
            }
            let making = Box::pin(self.make(who, report, standing, wanted.clone(), now.clone()));
            let made = match self.bodies.try_get_with(key.clone(), making).await {
                Ok(made) => made,
                // Perhaps another address's, that had no room: asked again for this one.
                Err(error) if matches!(*error, SpanError::Busy) && !busy => {
                    busy = true;
                    continue;
                }
                Err(error) => return Err((*error).clone().into()),
            };
            if made.serves(&now) {
                return Ok(made);
            }
            last = Some(made);
        }
        // It changes faster than it is made.
        last.ok_or(HttpError::Internal)
    }

    async fn make(
        &self,
        who: Address,
        report: &Visible<EncounterRow>,
        standing: Option<Standing>,
        wanted: Wanted,
        version: Version,
    ) -> Result<Arc<Made>, SpanError> {
        let began = tokio::time::Instant::now();
        self.made.fetch_add(1, Ordering::Relaxed);
        let audience = report.audience().clone();
        let row = EncounterRow { state: version.state, revision: version.revision, ..EncounterRow::clone(report) };
        let report = report.now(row.clone());
        let mut made = match wanted {
            Wanted::Report(record) => self.whole(who, &report, standing, record, version, Made::of_report).await?,
            Wanted::View(record) => {
                let of_view = |report: Report, version| Made::of_view(&report, version);
                self.whole(who, &report, standing, record, version, of_view).await?
            }
            Wanted::Night(record) => {
                let of_night = |report: Report, version| Made::of_night(&report, version);
                self.whole(who, &report, standing, record, version, of_night).await?
            }
            Wanted::Card(record) => {
                let of_card = |report: Report, version| Made::of_card(&report, version);
                self.whole(who, &report, standing, record, version, of_card).await?
            }
            Wanted::Encounter(record) => {
                let of_form = |report, version| Made::of(&FormEncounter::of(&report, None), version);
                self.whole(who, &report, standing, record, version, of_form).await?
            }
            Wanted::Hits => {
                let Source { index, ending, revision, .. } = self.source(who, &report, standing).await?;
                let making = self.spans.pool.run(who, move || {
                    let folded = index.fold(Span::ALL);
                    let shown = Shown::to(&audience, &folded);
                    view::is_timed(shown).then(|| {
                        let report = record::report(&audience, &row, &folded, ending.as_ref(), row.state, revision);
                        let timelines = view::timelines(shown, index.hits());
                        Made::of(&FormEncounter::of(&report, Some(timelines)), version)
                    })
                });
                making.await?.ok_or(SpanError::NoTimes)?
            }
            Wanted::Timeline => self
                .fold(who, &report, standing, move |folded, _, revision| {
                    let shown = Shown::to(&audience, &folded);
                    view::is_timed(shown).then(|| Made::of(&view::timeline(shown, row.report_id, revision), version))
                })
                .await?
                .ok_or(SpanError::NoTimes)?,
            Wanted::Details(span) => {
                let Source { index, revision, .. } = self.source(who, &report, standing).await?;
                let making = self.spans.pool.run(who, move || {
                    (span == Span::ALL || index.is_timed()).then(|| {
                        let folded = index.fold(span);
                        let details = view::details(Shown::to(&audience, &folded), row.report_id, revision);
                        Made::of(&details, version)
                    })
                });
                making.await?.ok_or(SpanError::NoTimes)?
            }
            Wanted::Recaps(span) => {
                let Source { index, revision, .. } = self.source(who, &report, standing).await?;
                let making = self.spans.pool.run(who, move || {
                    let folded = index.fold(Span::ALL);
                    let shown = Shown::to(&audience, &folded);
                    Made::of(&view::recaps(shown, index.hits(), span, row.report_id, revision), version)
                });
                making.await?
            }
            Wanted::File => {
                if row.state == ReportState::Live {
                    return Err(SpanError::GoesOn);
                }
                let Source { index, ending, revision, .. } = self.source(who, &report, standing).await?;
                // It takes as much memory as unfolding the fight, so large ones are made one at a time, too.
                let making = self.spans.pool.unfold(who, index.bytes() / UNFOLDED_TIMES, move || {
                    let folded = index.fold(Span::ALL);
                    let report = record::report(&audience, &row, &folded, ending.as_ref(), row.state, revision);
                    let saved = view::saved(Shown::to(&audience, &folded), &index, report);
                    FightFile::of(&saved).map(|file| Made::of_file(file, version))
                });
                making.await?.ok_or(SpanError::Broken)?
            }
            Wanted::Span(span, frame) => {
                let fight = self.spans.fight(who, &report, span).await?;
                let making = self.spans.pool.run(who, move || {
                    let mut fight = Fight::clone(&fight);
                    view::went_as(&mut fight, &frame.fight);
                    Made::of(&Report { fight, ..Report::clone(&frame) }, version)
                });
                making.await?
            }
        };
        let took = began.elapsed();
        made.shared_for = (took >= self.costly).then(|| took * SHARED_TIMES);
        Ok(Arc::new(made))
    }

    /// A whole report as it stands, written by `write`: as it is kept, else folded of its log.
    async fn whole(
        &self,
        who: Address,
        report: &Visible<EncounterRow>,
        standing: Option<Standing>,
        record: Option<Bytes>,
        version: Version,
        write: fn(Report, Version) -> Made,
    ) -> Result<Made, SpanError> {
        let kept = standing.as_ref().is_none_or(|standing| standing.kept);
        // A record is of all there is: for whom some of it is hidden the log is folded.
        if let Some(record) = record.filter(|_| kept && report.audience().knows_players())
            && let Some(made) = self.of_record(who, report, record, &version, write).await?
        {
            return Ok(made);
        }
        let (audience, row) = (report.audience().clone(), EncounterRow::clone(report));
        self.fold(who, report, standing, move |folded, ending, revision| {
            write(record::report(&audience, &row, &folded, ending.as_ref(), row.state, revision), version)
        })
        .await
    }

    /// A report as its record holds it; `None` where that is damaged: its log says the same.
    async fn of_record(
        &self,
        who: Address,
        report: &Visible<EncounterRow>,
        record: Bytes,
        version: &Version,
        write: fn(Report, Version) -> Made,
    ) -> Result<Option<Made>, SpanError> {
        let (audience, row) = (report.audience().clone(), EncounterRow::clone(report));
        let (version, seen_by) = (version.clone(), row.seen_by());
        let made = self.spans.pool.run(who, move || {
            let Some(mut report) = record::decode_record(&record)?.shown_to(&audience) else { return Ok(None) };
            report.raid = if audience.knows_raid() { row.raid_code } else { String::new() };
            report.visibility = seen_by;
            report.verified = row.verified;
            report.names = row.names;
            Ok::<_, StoreError>(Some(write(report, version)))
        });
        made.await?.or_else(|error| {
            tracing::error!(%error, "a report is made of its log again");
            Ok(None)
        })
    }

    /// What lists show of a running fight: a second old, or more where it is costly to make; `None` if no raid's task
    /// has it. It is made to its end also where nobody waits for it any more: who asks next has it at once.
    pub async fn summary(self: Arc<Self>, who: Address, line: Visible<ReportLine>) -> Option<Arc<ReportSummary>> {
        let making = async move {
            let key = (line.audience().clone(), line.report_id.clone());
            let made = self.summaries.try_get_with(key, Box::pin(self.make_summary(who, &line))).await;
            made.ok().map(|(summary, _)| summary)
        };
        tokio::spawn(making.in_current_span()).await.ok().flatten()
    }

    async fn make_summary(&self, who: Address, line: &Visible<ReportLine>) -> Result<Line, SpanError> {
        let began = tokio::time::Instant::now();
        let audience = line.audience().clone();
        let report = self.spans.logs.encounter(line).await?;
        let standing = self.spans.logs.standing(&report).await?.ok_or(SpanError::NotFound)?;
        let row = EncounterRow { state: standing.state, revision: standing.revision, ..standing.row.clone() };
        let report = report.now(row.clone());
        let made = self.fold(who, &report, Some(standing), move |folded, ending, revision| {
            let report = record::report(&audience, &row, &folded, ending.as_ref(), row.state, revision);
            Arc::new(report.summary())
        });
        Ok((made.await?, began.elapsed()))
    }

    /// Folds all of a report's log and makes something of that, of its ending and its revision, on the pool.
    async fn fold<T: Send + 'static>(
        &self,
        who: Address,
        report: &Visible<EncounterRow>,
        standing: Option<Standing>,
        make: impl FnOnce(EncounterState, Option<Ending>, u32) -> T + Send + 'static,
    ) -> Result<T, SpanError> {
        let Source { index, ending, revision, .. } = self.source(who, report, standing).await?;
        self.spans.pool.run(who, move || make(index.fold(Span::ALL), ending, revision)).await
    }

    async fn source(
        &self,
        who: Address,
        report: &Visible<EncounterRow>,
        standing: Option<Standing>,
    ) -> Result<Source, SpanError> {
        match standing.and_then(|standing| standing.log) {
            Some(log) => self.spans.logs.source_of_live(who, report, log).await,
            None => self.spans.logs.source(who, report).await,
        }
    }
}
