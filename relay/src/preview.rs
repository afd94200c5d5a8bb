//! What a link tells before anybody opens it: a title, a description, and a picture.
//!
//! One invariant: whoever looks, it is made for an asker who has the link's address and nothing else, so it tells what
//! everybody may see who has that, as late as they see it, and nothing of what is private; for a chat shows it to all. Of a
//! running fight it is some seconds old. A picture is found by what it shows: none stands for another. Deliberately not
//! here: where it is served (`pages.rs`, `pictures.rs`).

mod card;
mod font;
mod head;
mod paint;
mod svg;
mod text;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use moka::future::Cache;
use raidcast_shared::uplink::{ReportState, Visibility};
use raidcast_shared::view::Audience;
use raidcast_store::{EncounterRow, RaidRow};
use tracing::Instrument as _;

use self::card::{RaidCard, title_of};
use crate::access::{Asker, Door, Visible};
use crate::answers::Answers;
use crate::context::Context;
use crate::edge::Address;
use crate::error::HttpError;
use crate::etag;
use crate::limits::{PICTURES_AT_ONCE, PICTURES_WAITING, PICTURES_WAITING_PER_ADDRESS};
use crate::turns::{Full, Turns};

pub use self::card::FightCard;
pub use self::font::Fonts;
pub(crate) use self::font::font_in;
pub use self::head::Head;
pub(crate) use self::words::{end_of_line, late as late_words, line_of_raid};

/// What a link tells of a running fight is so old at the most.
const LIVE_AGE: Duration = Duration::from_secs(10);
/// Running fights of which it is held, some two KB each.
const LIVE_HELD: u64 = 1_000;
/// A picture is kept this long: what a chat's servers ask for, several of them ask for.
const KEPT_FOR: Duration = Duration::from_mins(1);
/// Bytes of pictures kept: some four hundred.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// What an address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked<'a> {
    /// A report, by its name.
    Report(&'a str),
    /// A raid, by its code.
    Raid(&'a str),
    /// The raid that a channel shows.
    Channel(&'a str),
}

impl<'a> Linked<'a> {
    /// What the path of a page leads to, if that is something that has a preview.
    pub fn of(path: &'a str) -> Option<Self> {
        let mut parts = path.split('/').skip(1);
        match (parts.next()?, parts.next()?, parts.next()) {
            ("reports", report_id, None) => Some(Self::Report(report_id)),
            ("raids", code, None) => Some(Self::Raid(code)),
            ("live", channel, None) => Some(Self::Channel(channel)),
            _ => None,
        }
    }
}

/// What a link tells.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Title and description, and where the picture is.
    pub head: Head,
    /// The picture, not painted yet.
    svg: String,
    /// Names it: two of one name show the same.
    name: String,
}

impl Preview {
    /// Names its picture, as an `ETag`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether search engines may know it.
    pub fn is_found(&self) -> bool {
        self.head.is_found()
    }
}

/// See the module's page.
pub struct Previews {
    context: Arc<Context>,
    door: Door,
    answers: Arc<Answers>,
    fonts: Arc<Fonts>,
    live: Cache<(Audience, String), Arc<FightCard>>,
    pictures: Cache<String, Bytes>,
    turns: Arc<Turns<Address>>,
    made: AtomicU64,
}

impl Previews {
    /// None made yet.
    pub fn new(context: Arc<Context>, door: Door, answers: Arc<Answers>, fonts: Fonts) -> Self {
        let turns = Turns::new(PICTURES_AT_ONCE, 1, PICTURES_WAITING, PICTURES_WAITING_PER_ADDRESS);
        let pictures = Cache::builder()
            .max_capacity(CACHE_BYTES)
            .weigher(|_, png: &Bytes| u32::try_from(png.len()).unwrap_or(u32::MAX))
            .time_to_live(KEPT_FOR)
            .build();
        Self {
            context,
            door,
            answers,
            fonts: Arc::new(fonts),
            live: Cache::builder().max_capacity(LIVE_HELD).time_to_live(LIVE_AGE).build(),
            pictures,
            turns: Arc::new(turns),
            made: AtomicU64::new(0),
        }
    }

    /// How many pictures were painted so far, for tests and metrics.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Something is gone: nothing that was made before is held any more.
    pub fn forget(&self) {
        self.live.invalidate_all();
        self.pictures.invalidate_all();
    }

    /// What a link tells that leads there.
    ///
    /// # Errors
    /// `NotFound` if there is nothing, or nothing for everybody who has the link. `Unavailable`: too much is asked for.
    pub async fn of(&self, who: Address, linked: Linked<'_>) -> Result<Preview, HttpError> {
        let anybody = Asker::default();
        match linked {
            Linked::Report(report_id) => Box::pin(self.of_report(who, report_id, &anybody)).await,
            Linked::Raid(code) => {
                let raid = self.door.raid(code, &anybody).await?;
                // What is known by its link alone leads nowhere that others find.
                let is_found = raid.visibility == Visibility::Public;
                Box::pin(self.of_raid(who, &raid, &anybody, (format!("/raids/{code}"), is_found))).await
            }
            Linked::Channel(channel) => {
                let raid = self.door.channel(channel, &anybody).await?;
                // Who has a channel's address sees what comes later, too, however its next raid is shown.
                Box::pin(self.of_raid(who, &raid, &anybody, (format!("/live/{channel}"), false))).await
            }
        }
    }

    async fn of_report(&self, who: Address, report_id: &str, anybody: &Asker) -> Result<Preview, HttpError> {
        let (report, record) = self.door.report(report_id, anybody).await?;
        let fight = self.fight(who, &report, record).await?;
        let raid = self.door.raid_of(&report).await?;
        self.door.still(anybody, &report).await?;
        let raid = raid.title.as_deref().and_then(title_of);
        let title = match &raid {
            Some(raid) => format!("{} · {raid}", words::fight_title(&fight)),
            None => words::fight_title(&fight),
        };
        let svg = svg::of_fight(&fight, raid.as_deref(), report.delay_s(), &self.fonts);
        let is_found = report.seen_by() == Visibility::Public;
        let description = late(words::fight_description(&fight), report.delay_s());
        Ok(self.preview((title, description), svg, (format!("/reports/{report_id}"), is_found)))
    }

    async fn of_raid(
        &self,
        who: Address,
        raid: &Visible<RaidRow>,
        anybody: &Asker,
        page: (String, bool),
    ) -> Result<Preview, HttpError> {
        let fights = self.door.fights(raid).await?;
        let newest = match fights.first() {
            Some(line) => Box::pin(self.newest(who, &line.report_id, anybody)).await?,
            None => None,
        };
        self.door.still_raid(anybody, raid).await?;
        let card = RaidCard::of(raid.title.as_deref(), fights.iter().map(|line| &line.outcome), newest);
        let svg = svg::of_raid(&card, raid.delay_s(), &self.fonts);
        let description = late(words::raid_description(&card), raid.delay_s());
        Ok(self.preview((words::raid_title(&card), description), svg, page))
    }

    /// The newest fight of a raid; `None` where it is gone by now.
    async fn newest(
        &self,
        who: Address,
        report_id: &str,
        anybody: &Asker,
    ) -> Result<Option<Arc<FightCard>>, HttpError> {
        let found = async {
            let (report, record) = self.door.report(report_id, anybody).await?;
            let fight = self.fight(who, &report, record).await?;
            self.door.still(anybody, &report).await?;
            Ok(fight)
        };
        match found.await {
            Ok(fight) => Ok(Some(fight)),
            Err(HttpError::NotFound | HttpError::SetAside) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn fight(
        &self,
        who: Address,
        report: &Visible<EncounterRow>,
        record: Option<Bytes>,
    ) -> Result<Arc<FightCard>, HttpError> {
        let making = Box::pin(self.answers.card(who, report, record));
        if report.state == ReportState::Final {
            return making.await;
        }
        let key = (report.audience().clone(), report.report_id.clone());
        self.live.try_get_with(key, making).await.map_err(|error: Arc<HttpError>| HttpError::clone(&error))
    }

    fn preview(
        &self,
        (title, description): (String, String),
        svg: String,
        (page, is_found): (String, bool),
    ) -> Preview {
        let name = etag::name(svg.as_bytes());
        let page = format!("{}{page}", self.context.public_url);
        // Chats keep pictures by their addresses: one that shows something else has another.
        let version: String = name.chars().filter(char::is_ascii_hexdigit).take(12).collect();
        let picture = format!("{page}/picture.png?v={version}");
        Preview { head: Head { title, description, page, picture, is_found }, svg, name }
    }

    /// The picture of a preview, PNG. It is painted to its end also where nobody waits for it any more.
    ///
    /// # Errors
    /// `Unavailable`: more wait than may.
    pub async fn picture(self: &Arc<Self>, who: Address, preview: Preview) -> Result<Bytes, HttpError> {
        let previews = Arc::clone(self);
        let making = async move {
            let Preview { svg, name, .. } = preview;
            let painting = Box::pin(previews.paint(who, svg));
            previews.pictures.try_get_with(name, painting).await
        };
        let made = tokio::spawn(making.in_current_span()).await.map_err(|_| HttpError::Internal)?;
        made.map_err(|error: Arc<HttpError>| HttpError::clone(&error))
    }

    async fn paint(&self, who: Address, svg: String) -> Result<Bytes, HttpError> {
        let turn = self.turns.turn(who).await.map_err(|Full| HttpError::Unavailable {
            text: "too many pictures are asked for at once: try again in a moment".into(),
            retry_s: 1,
        })?;
        self.made.fetch_add(1, Ordering::Relaxed);
        let fonts = Arc::clone(&self.fonts);
        let painting = self.context.heavy.background().run(move || {
            // Held until it is done, also where nobody waits for it any more.
            let _turn = turn;
            paint::png(&svg, &fonts)
        });
        match painting.await {
            Ok(Ok(png)) => Ok(png.into()),
            Ok(Err(why)) => {
                tracing::error!(why, "a picture cannot be painted");
                Err(HttpError::Internal)
            }
            Err(_) => Err(HttpError::Internal),
        }
    }
}

/// A description, and that it is late, where it is.
fn late(description: String, delay_s: u32) -> String {
    match words::late(delay_s) {
        Some(late) => format!("{description} ({late}.)"),
        None => description,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_fights_have_previews_and_others_have_none() {
        assert_eq!(Linked::of("/reports/abc"), Some(Linked::Report("abc")));
        assert_eq!(Linked::of("/raids/abc"), Some(Linked::Raid("abc")));
        assert_eq!(Linked::of("/live/abc"), Some(Linked::Channel("abc")));
        for path in ["/", "", "/account", "/reports", "/reports/abc/picture.png", "/raids/abc/", "/assets/a.js"] {
            assert_eq!(Linked::of(path), None, "{path}");
        }
    }
}
