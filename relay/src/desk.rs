//! What requests can ask for: the one thing that handlers get.
//!
//! One invariant: a handler reaches neither the store nor a fold. What belongs to a raid comes out of [`Desk::door`] as a
//! [`Visible`], and what is made of it here takes one; what changes anything takes an [`Uploader`] or a [`Manager`]. So an
//! endpoint that forgot to ask who may see something does not compile. Uplinks, and what operators ask (`/health`, `/ready`,
//! `/metrics`), have states of their own.

mod link;

use std::sync::Arc;

use axum::body::Body;
use raidcast_shared::account::Audited;
use raidcast_shared::administration::{MyRaid, MyRaids, RaidForm, RaidSeenBy};
use raidcast_shared::character::PlayerExportForm;
use raidcast_shared::limits::{DELAY_S_MAX, REPLAYS_MAX};
use raidcast_shared::report::RenewedTicket;
use raidcast_store::{RaidLine, RaidRow, StoreError};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;

use crate::access::{Door, FeedTickets, Links, Listening, Managed, Manager, OwnRaid, Uploader, Visible};
use crate::account::{Members, SignedIn};
use crate::answers::Answers;
use crate::clock::Clock;
use crate::context::Context;
use crate::discord::Discord;
use crate::erase::Eraser;
use crate::error::HttpError;
use crate::export::{Exports, Wanted};
use crate::fanout::Socket;
use crate::ingest::Ingest;
use crate::limits::EdgeLimits;
use crate::lists::Lists;
use crate::preview::Previews;
use crate::quota::Allowance;
use crate::raid::{Join, JoinWish, Joined, RaidCommand, RaidHandle, RaidRegistry, Show};
use crate::search::Searches;
use crate::span::Spans;
use crate::wishing::Wishing;

/// Raids of a page, and one that says whether there are more.
const RAIDS_OF_A_PAGE: u32 = 51;

/// See the module's page.
///
/// No handler reads the database past the door:
///
/// ```compile_fail,E0616
/// use axum::extract::State;
/// use raidcast_relay::desk::Desk;
///
/// async fn raids_of_anybody(State(desk): State<Desk>) -> String {
///     let raid = desk.registry.context.store.raid_by_code("abc").await;
///     format!("{raid:?}")
/// }
/// ```
///
/// Nor shows what nobody asked for whether he may see it:
///
/// ```compile_fail,E0308
/// use raidcast_relay::desk::Desk;
/// use raidcast_relay::edge::Address;
/// use raidcast_store::EncounterRow;
///
/// async fn report_of_anybody(desk: &Desk, who: Address, row: &EncounterRow) {
///     let _ = desk.answers().report(who, row, None).await;
/// }
/// ```
///
/// Nor changes anything without a key:
///
/// ```compile_fail,E0308
/// use raidcast_relay::access::Asker;
/// use raidcast_relay::desk::Desk;
///
/// async fn renewed_by_anybody(desk: &Desk, asker: Asker) {
///     let _ = desk.renew_tickets("abc", asker).await;
/// }
/// ```
///
/// As it is meant:
///
/// ```
/// use axum::extract::State;
/// use axum::http::HeaderMap;
/// use raidcast_relay::desk::Desk;
/// use raidcast_relay::edge::Address;
/// use raidcast_relay::error::HttpError;
///
/// async fn report(desk: &Desk, who: Address, headers: &HeaderMap) -> Result<(), HttpError> {
///     let asker = desk.door().asker(headers, None).await?;
///     let (report, record) = desk.door().report("abc", &asker).await?;
///     desk.answers().report(who, &report, record).await?;
///     desk.renew_tickets("abc", &desk.door().manager(headers).await?).await?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Desk {
    registry: Arc<RaidRegistry>,
    door: Door,
    members: Arc<Members>,
    links: Arc<Links>,
    tickets: Arc<FeedTickets>,
    spans: Arc<Spans>,
    answers: Arc<Answers>,
    lists: Arc<Lists>,
    searches: Arc<Searches>,
    previews: Arc<Previews>,
    discord: Arc<Discord>,
    ingest: Arc<Ingest>,
    eraser: Arc<Eraser>,
    exports: Arc<Exports>,
    wishing: Arc<Wishing>,
    /// One permit for each fight that is played.
    replays: Arc<Semaphore>,
}

/// `?ticket=…`, which lets its holder see a private raid.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TicketQuery {
    /// Of a private raid's link.
    #[param(required = false, value_type = String)]
    pub ticket: Option<String>,
}

impl Desk {
    /// In front of these raids.
    pub fn new(
        registry: Arc<RaidRegistry>,
        (door, members, links): (Door, Arc<Members>, Arc<Links>),
        spans: Arc<Spans>,
        answers: Arc<Answers>,
        lists: Arc<Lists>,
        (previews, discord): (Arc<Previews>, Arc<Discord>),
    ) -> Self {
        let searches = Searches::new(door.clone(), registry.context.secret.clone(), Arc::clone(&spans.pool));
        let searches = Arc::new(searches);
        let for_eraser = (Arc::clone(&answers), Arc::clone(&lists), Arc::clone(&searches), Arc::clone(&previews));
        let eraser = Eraser::new(Arc::clone(&registry), for_eraser);
        let wishing = Wishing::new(Arc::clone(&registry), Arc::clone(&members));
        let exports = Arc::new(Exports::new(Arc::clone(&registry.context)));
        let (ingest, replays) = (Arc::new(Ingest::new(Arc::clone(&registry))), Arc::new(Semaphore::new(REPLAYS_MAX)));
        let tickets = Arc::new(FeedTickets::new(registry.context.entropy.clone()));
        Self {
            registry,
            door,
            members,
            links,
            tickets,
            spans,
            answers,
            lists,
            searches,
            previews,
            discord,
            ingest,
            eraser,
            exports,
            wishing,
            replays,
        }
    }

    fn context(&self) -> &Context {
        &self.registry.context
    }

    /// Who may see what.
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// Who signs in.
    pub fn members(&self) -> &Arc<Members> {
        &self.members
    }

    /// Makes answers of reports.
    pub fn answers(&self) -> &Arc<Answers> {
        &self.answers
    }

    /// Makes lists of fights.
    pub fn lists(&self) -> &Arc<Lists> {
        &self.lists
    }

    /// Finds fights.
    pub fn searches(&self) -> &Arc<Searches> {
        &self.searches
    }

    /// Tells what links lead to.
    pub fn previews(&self) -> &Arc<Previews> {
        &self.previews
    }

    /// Tells nights in chats.
    pub fn discord(&self) -> &Arc<Discord> {
        &self.discord
    }

    /// Takes in fights that come whole.
    pub fn ingest(&self) -> &Arc<Ingest> {
        &self.ingest
    }

    /// Removes what somebody wants gone.
    pub fn eraser(&self) -> &Arc<Eraser> {
        &self.eraser
    }

    /// Has players shown as they wish.
    pub fn wishing(&self) -> &Arc<Wishing> {
        &self.wishing
    }

    /// All that is held about somebody, as an archive.
    ///
    /// # Errors
    /// `SignInAgain`, `TooMany`; `Conflict` where he is given one already, `Unavailable` where many others are given theirs.
    pub async fn export(&self, who: &SignedIn) -> Result<Body, HttpError> {
        // Of one that may not begin nothing is noted.
        let place = self.exports.place(who.person())?;
        let until = self.members.until(who).await?;
        let facts = self.members.facts(who).await?;
        Ok(self.exports.begin(Wanted::Person(facts), place, until))
    }

    /// All that is held about a character of somebody's, as an archive; of its fights those of before a row.
    ///
    /// # Errors
    /// As [`Desk::export`]; `NotFound` if he has no such character, `Conflict` if no administrator has said that it is his.
    pub async fn export_character(&self, who: &SignedIn, id: i64, before: Option<i64>) -> Result<Body, HttpError> {
        let place = self.exports.place(who.person())?;
        let until = self.members.until(who).await?;
        let facts = self.members.facts_of_character(who, id, before).await?;
        Ok(self.exports.begin(Wanted::Player(facts), place, until))
    }

    /// All that is held about any player, as an archive, for an administrator who is asked for it.
    ///
    /// # Errors
    /// As [`Desk::export`]; `NotAdministrator`, what is wrong with the form, `Unknown` of a key by which nobody is known.
    pub async fn export_player(&self, who: &SignedIn, form: &PlayerExportForm) -> Result<Body, HttpError> {
        let place = self.exports.place(who.person())?;
        let until = self.members.until(who).await?;
        let facts = self.members.facts_of_player(who, form).await?;
        Ok(self.exports.begin(Wanted::Player(facts), place, until))
    }

    /// Folds spans.
    pub fn spans(&self) -> &Arc<Spans> {
        &self.spans
    }

    /// The wall clock.
    pub fn clock(&self) -> &Clock {
        &self.context().clock
    }

    /// What addresses and keys may hold.
    pub fn limits(&self) -> &EdgeLimits {
        &self.context().limits
    }

    /// Cancelled when the relay is about to stop.
    pub fn draining(&self) -> &CancellationToken {
        &self.context().draining
    }

    /// Hears from now on of who may see a raid no more: call it before asking whether somebody may.
    pub fn changes(&self) -> Listening {
        self.context().access.listen()
    }

    /// A name for something that is played, as no other of any run of the relay has it.
    pub fn run(&self) -> String {
        format!("{}-{}", self.context().boot, self.context().connection_id())
    }

    /// One of the fights that the relay plays at once; `None` if all are played.
    pub fn playing(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.replays).try_acquire_owned().ok()
    }

    /// Lets somebody in to watch a raid that he may see; `None` if it is gone, or full.
    pub async fn join(
        &self,
        raid: &Visible<RaidRow>,
        socket: &Arc<Socket>,
        wish: &JoinWish,
    ) -> Option<(Joined, RaidHandle)> {
        // A task that ended a moment ago is loaded again.
        for _ in 0..3 {
            let handle = self.registry.raid(&raid.code).await.ok()??;
            let (socket, wish, admitted, link) =
                (Arc::clone(socket), wish.clone(), raid.admitted(), raid.link().cloned());
            let join = |reply| RaidCommand::Join(Join { socket, wish, admitted, link, reply });
            if let Ok(joined) = handle.ask(join).await {
                return joined.map(|joined| (joined, handle));
            }
        }
        None
    }

    /// What is left to an uploader of the limit of a day that is nearest to its end; `None` if the store does not say.
    pub async fn allowance(&self, uploader: &Uploader) -> Option<Allowance> {
        self.context().allowance(uploader.account(), uploader.uploads_per_day()).await.ok()
    }

    /// Somebody's raids.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn my_raids(&self, who: &SignedIn, before: Option<i64>) -> Result<MyRaids, HttpError> {
        let context = self.context();
        let mut lines = Vec::new();
        for account in self.members.accounts(who).await? {
            lines.extend(context.store.raids_of(account, before, RAIDS_OF_A_PAGE).await?);
        }
        lines.sort_by_key(|line| std::cmp::Reverse(line.row));
        let is_more = lines.len() > RAIDS_OF_A_PAGE as usize - 1;
        lines.truncate(RAIDS_OF_A_PAGE as usize - 1);
        let next = if is_more { lines.last().map(|line| line.row) } else { None };
        let raid = |line: RaidLine| MyRaid {
            url: context.raid_line_url(&line),
            code: line.code,
            account: line.account.0,
            title: line.title,
            visibility: line.visibility,
            report_visibility: line.report_visibility,
            names: line.names,
            delay_s: seconds(line.delay_ms),
            created_at_ms: line.created_at_ms,
            active_at_ms: line.active_at_ms,
            fights: line.fights,
            pinned: line.pinned,
        };
        Ok(MyRaids { raids: lines.into_iter().map(raid).collect(), next, keep_days: context.keep_days })
    }

    /// Says who may see a raid from now on, and what of it: in force when it is answered, and noted where that changes.
    ///
    /// # Errors
    /// `BadRequest` of a delay that is too long; `NotFound` if it is gone meanwhile; `SetAside` if it cannot be read; the store
    /// does not keep it, and nothing has changed.
    pub async fn show(&self, raid: Managed<OwnRaid>, form: RaidForm, by: &Manager) -> Result<RaidSeenBy, HttpError> {
        if form.delay_s.is_some_and(|delay_s| delay_s > DELAY_S_MAX) {
            return Err(HttpError::BadRequest(format!("`delayS` is 0 to {DELAY_S_MAX} seconds")));
        }
        let OwnRaid { account, code } = raid.into_inner();
        let note = by.note(Audited::RaidShown, account, self.clock().now_ms());
        // A task that ended a moment ago is loaded again.
        for _ in 0..3 {
            let handle = self.registry.raid(&code).await.map_err(|error| match error {
                StoreError::Damaged(why) => {
                    self.context().set_aside.raid(&code, &why);
                    HttpError::SetAside
                }
                error @ StoreError::Unavailable(_) => error.into(),
            })?;
            let handle = handle.ok_or(HttpError::NotFound)?;
            let show = |reply| RaidCommand::Show(Show { form: form.clone(), note, reply });
            let Ok(kept) = handle.ask(show).await else { continue };
            let RaidRow { visibility, report_visibility, names, delay, .. } = kept?;
            return Ok(RaidSeenBy { visibility, report_visibility, names, delay_s: seconds(delay.ms) });
        }
        Err(HttpError::NotFound)
    }

    /// Keeps a raid however old it gets, or no more.
    ///
    /// # Errors
    /// `NotFound` if it is gone meanwhile, or is being deleted.
    pub async fn pin(&self, raid: Managed<OwnRaid>, pinned: bool, by: &Manager) -> Result<(), HttpError> {
        let OwnRaid { account, code } = raid.into_inner();
        let what = if pinned { Audited::RaidPinned } else { Audited::RaidUnpinned };
        let note = by.note(what, account, self.clock().now_ms());
        if self.context().store.pin_raid(&code, pinned, note).await? { Ok(()) } else { Err(HttpError::NotFound) }
    }

    /// Clears a raid's title for good: nothing shows it any more when this is answered.
    ///
    /// # Errors
    /// `NotFound` if it is gone meanwhile.
    pub async fn clear_title(&self, raid: Managed<OwnRaid>, by: &Manager) -> Result<(), HttpError> {
        self.eraser.clear_title(raid, by).await
    }

    /// Gives a raid of somebody's a new ticket, and its channel too: that of the channel is told to whoever may read. Those
    /// before are good for nothing when this is answered, and who watches by one of them is let go.
    ///
    /// # Errors
    /// `NotFound` if it is nobody's, or somebody else's.
    pub async fn renew_tickets(&self, code: &str, by: &Manager) -> Result<RenewedTicket, HttpError> {
        let raid = self.door.own_raid(code, by).await?;
        let channel = self.door.channel_of(&raid).await?.ok_or(HttpError::NotFound)?;
        let mut raid = raid.into_inner();
        raid.tickets = self.registry.renew_tickets(&raid).await?.ok_or(HttpError::NotFound)?;
        let context = self.context();
        Ok(RenewedTicket {
            ticket: context.secret.ticket(&raid.code, raid.tickets.raid),
            raid_url: context.raid_url(&raid),
            channel_url: context.channel_url(&channel, &raid, by.reads()),
        })
    }
}

/// Seconds of a delay, which is whole ones.
fn seconds(delay_ms: i64) -> u32 {
    u32::try_from(delay_ms / 1_000).unwrap_or_default()
}
