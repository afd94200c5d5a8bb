//! The door: what belongs to a raid comes out of it as somebody may see it, or not at all.
//!
//! One invariant: who may not see something is told the same as where it does not exist, and for both the same is asked of
//! the database: what is not there is looked for as if it were somebody's and private.

use std::sync::Arc;

use axum::http::HeaderMap;
use bytes::Bytes;
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use raidcast_store::{AccountId, Delay, EncounterKey, EncounterRow, RaidRow, StoreError, Tickets};

use super::behind::row_until;
use super::veil::players_of;
use super::visible::{Seen, Visible};
use super::{Admitted, Asker, Guarded, Links, Until};
use crate::account::{Keyring, Members, Scope};
use crate::context::Context;
use crate::error::HttpError;
use crate::raid::Channels;

/// What somebody is told who asked when it was changed what a raid shows.
const CHANGED: &str = "what this raid shows has just changed: ask again";

/// Whose what is not there is.
const NOBODY: AccountId = AccountId(0);

/// What is not there, for who is refused what is.
const NOTHING: Guarded<'static> = Guarded {
    account: NOBODY,
    raid_code: "",
    visibility: Visibility::Private,
    hides_raid: false,
    tickets: Tickets { raid: 0, channel: 0 },
    names: NamesPolicy::Full,
    delay: Delay { ms: 0, shown_until_ms: 0 },
};

/// No ticket is longer, whatever it opens.
const TICKET_BYTES_MAX: usize = 128;

/// See the module's page.
#[derive(Clone)]
pub struct Door {
    pub(super) context: Arc<Context>,
    channels: Arc<Channels>,
    pub(super) keys: Arc<Keyring>,
    pub(super) members: Arc<Members>,
    links: Arc<Links>,
}

/// A report, and its record if it has one.
pub type Recorded = (Visible<EncounterRow>, Option<Bytes>);

impl Door {
    /// Lets in by these keys, by the sessions of these people, by these links, and by tickets.
    pub fn new(
        context: Arc<Context>,
        channels: Arc<Channels>,
        (keys, members): (Arc<Keyring>, Arc<Members>),
        links: Arc<Links>,
    ) -> Self {
        Self { context, channels, keys, members, links }
    }

    /// Who asks: by the key in his headers, or by his cookie, and by his ticket.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn asker(&self, headers: &HeaderMap, ticket: Option<&str>) -> Result<Asker, HttpError> {
        // What is longer is no ticket, and would be held for as long as whoever asks.
        let ticket = ticket.filter(|ticket| ticket.len() <= TICKET_BYTES_MAX).map(str::to_owned);
        if let Some(key) = self.key(headers).filter(|key| key.scopes.has(Scope::Read)) {
            let accounts = vec![self.account(&key).await?];
            return Ok(Asker { accounts, ticket, until: Some(Until::of(key.ended().clone())) });
        }
        Ok(match self.members.reading(headers).await? {
            Some((accounts, ended)) => Asker { accounts, ticket, until: Some(Until::of(ended)) },
            None => Asker { ticket, ..Asker::default() },
        })
    }

    /// The raid with this code.
    ///
    /// # Errors
    /// `NotFound` if there is none that he may see.
    pub async fn raid(&self, code: &str, asker: &Asker) -> Result<Visible<RaidRow>, HttpError> {
        let raid = match self.context.store.raid_by_code(code).await {
            Ok(Some(raid)) => raid,
            Ok(None) => return Err(self.nothing(asker).await),
            Err(StoreError::Damaged(why)) => {
                self.context.set_aside.raid(code, &why);
                return Err(unreadable(self.context.store.owner_of(code).await.ok().flatten(), asker));
            }
            Err(error @ StoreError::Unavailable(_)) => return Err(error.into()),
        };
        let seen = self.admit(asker, (&raid).into()).await?;
        Ok(Visible::new(raid, seen))
    }

    /// The raid that a report is of, as far as who may see the report is told.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn raid_of(&self, report: &Visible<EncounterRow>) -> Result<RaidRow, HttpError> {
        let raid = self.context.store.raid_by_code(&report.raid_code).await?.ok_or(HttpError::NotFound)?;
        Ok(match report.audience().knows_raid() {
            true => raid,
            false => RaidRow { code: String::new(), title: None, ..raid },
        })
    }

    /// A raid that somebody may see, as it is now: whether he still may is another question.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn again(&self, raid: &Visible<RaidRow>) -> Result<Visible<RaidRow>, HttpError> {
        let now = self.context.store.raid_by_code(&raid.code).await?.ok_or(HttpError::NotFound)?;
        let seen = self.seen((raid.admitted(), raid.link().cloned()), (&now).into()).await?;
        Ok(Visible::new(now, seen))
    }

    /// Asks again, when the list of a raid's fights is ready: what he may see of it may have become less meanwhile.
    ///
    /// # Errors
    /// `NotFound` if he may no longer see it; `Unavailable` if he may, but no longer as it was made for him.
    pub async fn still_raid(&self, asker: &Asker, raid: &Visible<RaidRow>) -> Result<(), HttpError> {
        let now = self.raid(&raid.code, asker).await?;
        let is_behind = now.delay().is_some() && raid.delay().is_none();
        if is_behind || (raid.lists_reports() && !now.lists_reports()) {
            return Err(HttpError::Unavailable { text: CHANGED.into(), retry_s: 1 });
        }
        Ok(())
    }

    /// The raid that a channel shows.
    ///
    /// # Errors
    /// As [`Door::raid`].
    pub async fn channel(&self, channel: &str, asker: &Asker) -> Result<Visible<RaidRow>, HttpError> {
        let account = self.context.store.account_by_channel(channel).await?.map_or(NOBODY, |account| account.id);
        let Some(newest) = self.shown_by_channel(account, asker).await? else {
            return Err(self.nothing(asker).await);
        };
        let is_told = newest.delay.shows(newest.active_at_ms, self.context.clock.now_ms());
        let admitted = self.admitted_by_channel(channel, asker, (&newest).into()).await;
        let is_member = |(admitted, _): &(Admitted, _)| admitted.is_member(newest.tickets);
        let sees_newest = is_told || admitted.as_ref().is_ok_and(is_member);
        let (raid, admitted) = match admitted {
            // That it began is not told before its time, nor that it is private.
            Ok(_) | Err(HttpError::NotFound) if !sees_newest => {
                let raid = self.channels.raid_of_others(account, newest).await?.ok_or(HttpError::NotFound)?;
                let admitted = self.admitted(asker, (&raid).into()).await?;
                (raid, admitted)
            }
            admitted => (newest, admitted?),
        };
        let seen = self.seen(admitted, (&raid).into()).await?;
        Ok(Visible::new(raid, seen))
    }

    /// The address of a raid's channel, for who may know it.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn channel_of(&self, raid: &Visible<RaidRow>) -> Result<Option<String>, HttpError> {
        if !raid.admitted().may_know_channel() {
            return Ok(None);
        }
        Ok(self.context.store.channel(raid.account).await?)
    }

    /// A report, and its record if it has one; what is damaged of it is set aside.
    ///
    /// # Errors
    /// `NotFound` if there is none that he may see.
    pub async fn report(&self, report_id: &str, asker: &Asker) -> Result<Recorded, HttpError> {
        // Whether he may see it first: else it would take longer to refuse him one that is there, the more is in it.
        let row = self.of_report(report_id, asker, self.context.store.report_row(report_id).await).await?;
        let Some(row) = row else { return Err(self.nothing(asker).await) };
        self.seen_now(asker, row).await?;
        let found = self.of_report(report_id, asker, self.context.store.report(report_id).await).await?;
        let (row, record) = found.ok_or(HttpError::NotFound)?;
        let report = self.seen_now(asker, row).await?;
        // A record that he is not to see yet is none.
        let record = record.filter(|_| report.delay().is_none() || report.kept_at_ms.is_some());
        Ok((report, record))
    }

    /// Names of other accounts' reports of a report's fight, a few of each account: each is to be asked for by
    /// [`Door::view`], and of an account the first counts that this gives.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn same_fight(&self, report: &Visible<EncounterRow>, asker: &Asker) -> Result<Vec<String>, HttpError> {
        if self.hides_somebody(report).await? {
            // Another report may name those whom this one hides; and that it is the same fight says who they are.
            return Ok(Vec::new());
        }
        let store = &self.context.store;
        let mut reports = store.same_fight(report.row, asker.accounts.first().copied()).await?;
        for account in asker.accounts.iter().skip(1) {
            let more = store.same_fight(report.row, Some(*account)).await?;
            reports.extend(more.into_iter().filter(|report| !reports.contains(report)).collect::<Vec<_>>());
        }
        Ok(reports)
    }

    /// A report that he did not ask for by its name, and its record: one that anybody finds in lists, or his own. Nothing
    /// leads to one that is known by its link alone, nor to one that hides its players from him (that it is the same fight
    /// says who they are): `None`, as where it is gone or cannot be read.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn view(&self, report_id: &str, asker: &Asker) -> Result<Option<Recorded>, HttpError> {
        self.led_to(self.report(report_id, asker).await, |(row, _)| row).await
    }

    /// The same report, if he may still be led to it.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn still_view(
        &self,
        asker: &Asker,
        row: &Visible<EncounterRow>,
    ) -> Result<Option<Visible<EncounterRow>>, HttpError> {
        self.led_to(self.still(asker, row).await, |row| row).await
    }

    async fn led_to<T>(
        &self,
        asked: Result<T, HttpError>,
        row: impl Fn(&T) -> &Visible<EncounterRow>,
    ) -> Result<Option<T>, HttpError> {
        match asked {
            Ok(found) => {
                let row = row(&found);
                let leads = row.seen_by() == Visibility::Public || row.admitted() == Admitted::AsUploader;
                Ok((leads && !self.hides_somebody(row).await?).then_some(found))
            }
            Err(HttpError::NotFound | HttpError::SetAside) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether somebody in a fight is hidden from who asks.
    async fn hides_somebody(&self, row: &Visible<EncounterRow>) -> Result<bool, HttpError> {
        let audience = row.audience();
        if audience.sees_everything() || !audience.knows_players() {
            return Ok(!audience.sees_everything());
        }
        let players = players_of(&self.context.store.derived(row.row).await?);
        Ok(players.into_iter().any(|player| audience.hides(player)))
    }

    /// The report of a fight by what its meter was told when it uploaded it.
    ///
    /// # Errors
    /// As [`Door::report`].
    pub async fn report_of_remote(&self, remote_id: i64, asker: &Asker) -> Result<Visible<EncounterRow>, HttpError> {
        // These numbers can be counted through: one that is nobody's leads to a report that is none.
        let report_id = self.context.store.report_of_remote(remote_id).await?.unwrap_or_default();
        Ok(self.report(&report_id, asker).await?.0)
    }

    /// Asks again, when an answer is ready that took a while: what somebody may see may have changed meanwhile, and the
    /// report may be another raid's by now.
    ///
    /// # Errors
    /// `NotFound` if he may no longer see the report; `Unavailable` if he may, but no longer as it was made for him.
    pub async fn still(
        &self,
        asker: &Asker,
        report: &Visible<EncounterRow>,
    ) -> Result<Visible<EncounterRow>, HttpError> {
        let EncounterKey { account, encounter } = report.key;
        let now = self.context.store.encounter(account, encounter).await;
        let now = self.of_report(&report.report_id, asker, now).await?;
        let now = now.filter(|now| now.report_id == report.report_id).ok_or(HttpError::NotFound)?;
        let now = self.seen_now(asker, now).await?;
        if !report.shows_no_more_than(&now) {
            return Err(HttpError::Unavailable { text: CHANGED.into(), retry_s: 1 });
        }
        Ok(now)
    }

    /// A report as somebody sees it now, who may be behind.
    async fn seen_now(&self, asker: &Asker, row: EncounterRow) -> Result<Visible<EncounterRow>, HttpError> {
        let (admitted, link) = self.admitted(asker, (&row).into()).await?;
        let is_member = admitted.is_member(row.tickets);
        let until_ms = row.delay.until_ms(self.context.clock.now_ms()).filter(|_| !is_member);
        let Some(until_ms) = until_ms else {
            let seen = self.seen((admitted, link), (&row).into()).await?;
            return Ok(Visible::new(row, seen));
        };
        // Before it is asked how he sees it: one that has not come for him is not there.
        let row = row_until(row, until_ms).ok_or(HttpError::NotFound)?;
        // One whose end has not come for him, who is no member, goes on: that is for those alone who may see its raid.
        if row.seen_by() == Visibility::Private {
            return Err(HttpError::NotFound);
        }
        let seen = self.seen((admitted, link), (&row).into()).await?;
        Ok(Visible::new(row, seen))
    }

    /// What is answered where nothing is, once as much was asked as where something is that he may not see.
    async fn nothing(&self, asker: &Asker) -> HttpError {
        match self.admitted(asker, NOTHING).await {
            Err(error) => error,
            Ok(_) => HttpError::NotFound,
        }
    }

    /// By what somebody may see what belongs to a raid, and as whom.
    async fn admit(&self, asker: &Asker, what: Guarded<'_>) -> Result<Seen, HttpError> {
        let admitted = self.admitted(asker, what).await?;
        self.seen(admitted, what).await
    }

    /// As whom somebody sees it.
    async fn seen(&self, (admitted, link): (Admitted, Option<Until>), what: Guarded<'_>) -> Result<Seen, HttpError> {
        let veils = &self.context.veils;
        // Before the audience is made: one that was made of later wishes is taken for an older one, not the reverse.
        let heeded = veils.heeded();
        if admitted.is_member(what.tickets) {
            let wishes = heeded.counts(NamesPolicy::Full);
            let audience = veils.members(what.raid_code).await?;
            return Ok(Seen { admitted, audience, delay: None, link, wishes });
        }
        let wishes = heeded.counts(what.names);
        let mut audience = veils.audience(what.raid_code, what.names).await?;
        if what.hides_raid {
            audience = audience.outside_its_raid();
        }
        Ok(match what.delay {
            Delay { ms: 0, .. } => Seen { admitted, audience, delay: None, link, wishes },
            delay => Seen { admitted, audience: audience.some_time_behind(), delay: Some(delay), link, wishes },
        })
    }

    /// By what somebody may see what belongs to a raid: private ones need the uploader's key, a ticket or a link.
    async fn admitted(&self, asker: &Asker, what: Guarded<'_>) -> Result<(Admitted, Option<Until>), HttpError> {
        if asker.holds(what.account) {
            return Ok((Admitted::AsUploader, None));
        }
        if let Some(ticket) = &asker.ticket {
            let secret = &self.context.secret;
            if secret.is_ticket(what.raid_code, what.tickets.raid, ticket) {
                return Ok((Admitted::ByTicket(what.tickets.raid), None));
            }
            let channel = self.context.store.channel(what.account).await?.unwrap_or_default();
            if secret.is_channel_ticket(&channel, what.tickets.channel, ticket)
                && self.is_shown_by_channel(what, asker).await?
            {
                return Ok((Admitted::ByChannelTicket(what.tickets.channel), None));
            }
            if let Some((admitted, until)) = self.by_link(ticket, asker, what).await? {
                return Ok((admitted, Some(until)));
            }
        }
        match what.visibility {
            Visibility::Public | Visibility::Unlisted => Ok((Admitted::AsAnybody, None)),
            Visibility::Private => Err(HttpError::NotFound),
        }
    }

    /// The same of the raid that a channel was found to show just now. Where it has moved since, a second look would find
    /// nothing of this one; that it moved is found out when what was asked for is ready.
    async fn admitted_by_channel(
        &self,
        channel: &str,
        asker: &Asker,
        what: Guarded<'_>,
    ) -> Result<(Admitted, Option<Until>), HttpError> {
        let number = what.tickets.channel;
        let is_good = |ticket: &String| self.context.secret.is_channel_ticket(channel, number, ticket);
        if !asker.holds(what.account) && asker.ticket.as_ref().is_some_and(is_good) {
            return Ok((Admitted::ByChannelTicket(number), None));
        }
        self.admitted(asker, what).await
    }

    async fn by_link(
        &self,
        secret: &str,
        asker: &Asker,
        what: Guarded<'_>,
    ) -> Result<Option<(Admitted, Until)>, HttpError> {
        let Some((link, until)) = self.links.good(secret).await? else { return Ok(None) };
        let admitted = match &link.raid_code {
            Some(code) if code == what.raid_code => Admitted::ByLink(link.id),
            None if link.account == what.account && self.is_shown_by_channel(what, asker).await? => {
                Admitted::ByChannelLink(link.id)
            }
            _ => return Ok(None),
        };
        self.links.note_use(link.id);
        Ok(Some((admitted, until)))
    }

    /// What lets in by a channel shows what the channel shows, no other raid of the account.
    async fn is_shown_by_channel(&self, what: Guarded<'_>, asker: &Asker) -> Result<bool, HttpError> {
        let shown = self.shown_by_channel(what.account, asker).await?;
        Ok(shown.is_some_and(|shown| shown.code == what.raid_code))
    }

    async fn shown_by_channel(&self, account: AccountId, asker: &Asker) -> Result<Option<RaidRow>, HttpError> {
        self.channels.raid(account).await.map_err(|error| match error {
            StoreError::Damaged(why) => {
                tracing::warn!(why, "a channel's raid cannot be read");
                unreadable(Some(account), asker)
            }
            error @ StoreError::Unavailable(_) => error.into(),
        })
    }

    /// What was read of a report; where that is damaged, it is set aside.
    async fn of_report<T>(&self, report_id: &str, asker: &Asker, read: Result<T, StoreError>) -> Result<T, HttpError> {
        let error = match read {
            Ok(read) => return Ok(read),
            Err(error) => error,
        };
        if !self.context.set_aside.is_damaged(report_id, &error) {
            return Err(error.into());
        }
        let of = self.context.store.fight_of(report_id).await.ok().flatten();
        Err(unreadable(of.map(|(key, _)| key.account), asker))
    }
}

/// What is answered of what cannot be read: nothing tells any more whether anybody but its owner may know that it exists.
fn unreadable(owner: Option<AccountId>, asker: &Asker) -> HttpError {
    if owner.is_some_and(|owner| asker.holds(owner)) { HttpError::SetAside } else { HttpError::NotFound }
}
