//! Links to raids and channels, as their owners see to them, and tickets for feeds.
//!
//! One invariant: a link's secret is told to who makes it, and to nobody else.

use std::time::Duration;

use raidcast_shared::account::Audited;
use raidcast_shared::id::hex;
use raidcast_shared::link::{FeedTicket, LinkForm, LinkLine, LinkList, NewLink};
use raidcast_shared::overlay::OverlayList;
use raidcast_shared::text::is_label;
use raidcast_store::{AccountId, LINKS_MAX, LinkId, LinkRow, Linked};
use tokio_util::sync::CancellationToken;

use super::Desk;
use crate::access::{Admitted, Asker, FeedOf, Manager, Until};
use crate::account::digest;
use crate::edge::Asked;
use crate::error::HttpError;
use crate::limits::{LINK_DAYS, LINK_DAYS_MAX};
use crate::quota::DAY_MS;

/// Characters of what a link is called.
const NAME_CHARS_MAX: usize = 64;
/// How often tickets for feeds that nobody used are forgotten, and with them for whose address they were.
const SWEEP: Duration = Duration::from_mins(1);

/// Where a link leads: to a raid, or a channel, that its manager was asked for.
#[derive(Clone, Debug)]
pub struct LinkTo {
    account: AccountId,
    raid_code: Option<String>,
    path: String,
}

/// A link's name and its end, after so many ms.
fn read(form: &LinkForm) -> Result<(String, Option<i64>), HttpError> {
    let invalid = |text: String| Err(HttpError::BadRequest(text));
    let name = form.name.trim();
    if !name.is_empty() && !is_label(name, NAME_CHARS_MAX) {
        return invalid(format!(
            "`name` must have {NAME_CHARS_MAX} characters at the most, without line breaks and invisible signs"
        ));
    }
    let days = match (form.days, form.endless) {
        (Some(_), true) => return invalid("`days` and `endless` stand against each other: send one of them".into()),
        (None, true) => None,
        (days, false) => Some(days.unwrap_or(LINK_DAYS)),
    };
    if days.is_some_and(|days| !(1..=LINK_DAYS_MAX).contains(&days)) {
        return invalid(format!("`days` must be 1 to {LINK_DAYS_MAX}: send `endless` for a link that has no end"));
    }
    Ok((name.to_owned(), days.map(|days| i64::from(days) * DAY_MS)))
}

impl Desk {
    /// Where links to a raid or a channel of somebody's lead.
    ///
    /// # Errors
    /// `NotFound` if it is nobody's, or somebody else's.
    pub async fn link_to(&self, of: &FeedOf, manager: &Manager) -> Result<LinkTo, HttpError> {
        match of {
            FeedOf::Raid(code) => {
                let raid = self.door.managed_raid(code, manager).await?.into_inner();
                Ok(LinkTo { account: raid.account, path: format!("/raids/{}", raid.code), raid_code: Some(raid.code) })
            }
            FeedOf::Channel(channel) => {
                let account = self.door.managed_channel(channel, manager).await?;
                Ok(LinkTo { account: account.id, path: format!("/live/{}", account.channel), raid_code: None })
            }
        }
    }

    fn line_of(&self, row: &LinkRow) -> LinkLine {
        LinkLine {
            id: row.id.0,
            name: row.name.clone(),
            created_at_ms: row.created_at_ms,
            ends_at_ms: row.ends_at_ms,
            used_at_ms: self.links.used_at_ms(row),
        }
    }

    async fn rows(&self, to: &LinkTo) -> Result<Vec<LinkRow>, HttpError> {
        Ok(self.context().store.links(to.account, to.raid_code.as_deref(), self.clock().now_ms()).await?)
    }

    /// Links that lead there and are good.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn links_to(&self, to: &LinkTo) -> Result<LinkList, HttpError> {
        Ok(LinkList { links: self.rows(to).await?.iter().map(|row| self.line_of(row)).collect() })
    }

    /// Makes a link that leads there.
    ///
    /// # Errors
    /// What is wrong with what was asked for; `Conflict` where there are as many as may be; `NotFound` where its raid was
    /// deleted meanwhile.
    pub async fn make_link(&self, to: LinkTo, form: LinkForm, by: &Manager) -> Result<NewLink, HttpError> {
        let (name, lasts_ms) = read(&form)?;
        let now_ms = self.clock().now_ms();
        let secret = hex(&self.context().entropy.bytes::<32>());
        let new = raidcast_store::NewLink {
            account: to.account,
            raid_code: to.raid_code,
            digest: digest(secret.as_bytes()),
            name,
            ends_at_ms: lasts_ms.map(|lasts_ms| now_ms.saturating_add(lasts_ms)),
            note: by.note(Audited::LinkMade, to.account, now_ms),
            now_ms,
        };
        let row = match self.context().store.add_link(&new).await? {
            Linked::Kept(row) => row,
            Linked::Full => {
                let text =
                    format!("a raid, and a channel, has {LINKS_MAX} links at the most: revoke one that is not needed");
                return Err(HttpError::Conflict(text));
            }
            Linked::NotThere => return Err(HttpError::NotFound),
        };
        let url = format!("{}{}?ticket={secret}", self.context().public_url, to.path);
        Ok(NewLink { url, link: self.line_of(&row) })
    }

    /// Revokes a link that leads there: when this is answered nobody is let in by it any more, and who was has been let go.
    ///
    /// # Errors
    /// `NotFound` if there is no such one.
    pub async fn revoke_link(&self, to: &LinkTo, link: i64, by: &Manager) -> Result<(), HttpError> {
        let row = self.rows(to).await?.into_iter().find(|row| row.id == LinkId(link)).ok_or(HttpError::NotFound)?;
        let note = by.note(Audited::LinkRevoked, to.account, self.clock().now_ms());
        if self.links.revoke(&row, note).await? { Ok(()) } else { Err(HttpError::NotFound) }
    }

    /// The overlays that show a raid now, or that came by a channel's address.
    pub async fn overlays_of(&self, to: &LinkTo) -> OverlayList {
        OverlayList { overlays: self.registry.overlays(to.account, to.raid_code.as_deref()).await }
    }

    /// A ticket for a feed that its asker may see now.
    ///
    /// # Errors
    /// `NotFound` if he may not; `TooMany` in its place where his address was wrong too often.
    pub async fn feed_ticket(&self, feed: FeedOf, asker: Asker, visit: &Asked) -> Result<FeedTicket, HttpError> {
        let seen = match &feed {
            FeedOf::Raid(code) => self.door.raid(code, &asker).await,
            FeedOf::Channel(channel) => self.door.channel(channel, &asker).await,
        };
        let by_ticket = match seen {
            Ok(raid) => !matches!(raid.admitted(), Admitted::AsAnybody | Admitted::AsUploader),
            Err(HttpError::NotFound) if asker.ticket.is_some() => return Err(visit.was_wrong(HttpError::NotFound)),
            Err(error) => return Err(error),
        };
        // What lets nobody in is not kept.
        let ticket = asker.ticket.filter(|_| by_ticket);
        let asker = Asker { ticket, ..asker };
        Ok(self.tickets.give(feed, asker, visit.address, self.clock().now_ms()))
    }

    /// Forgets tickets for feeds that nobody used, now and then. Ends with `stopping`.
    pub async fn forget_tickets(self, stopping: CancellationToken) {
        while tokio::time::timeout(SWEEP, stopping.cancelled()).await.is_err() {
            self.tickets.sweep(self.clock().now_ms());
        }
    }

    /// Who asks for a feed by a ticket for it, if he may ask still; `None` if it is no such ticket.
    ///
    /// # Errors
    /// `TooMany` where his address was wrong too often.
    pub fn paid(&self, ticket: &str, feed: &FeedOf, visit: &Asked) -> Result<Option<Asker>, HttpError> {
        let taken = self.tickets.take(ticket, feed, self.clock().now_ms());
        match taken {
            None => Ok(None),
            Some(Some(asker)) if !Until::is_over(asker.until.as_ref()) => Ok(Some(asker)),
            Some(_) => match visit.was_wrong(HttpError::NotFound) {
                // It is answered like a link that is none.
                HttpError::NotFound => Ok(None),
                error => Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_ends_after_thirty_days_unless_its_maker_says_otherwise() {
        let form = |days, endless| read(&LinkForm { name: " the guild ".into(), days, endless });
        let lasts = |days, endless| form(days, endless).expect("it is good").1;
        assert_eq!(lasts(None, false), Some(30 * DAY_MS));
        assert_eq!((lasts(Some(1), false), lasts(Some(3_650), false)), (Some(DAY_MS), Some(3_650 * DAY_MS)));
        assert_eq!(lasts(None, true), None);
        assert_eq!(form(None, false).expect("it is good").0, "the guild");
        for (days, endless) in [(Some(0), false), (Some(3_651), false), (Some(30), true)] {
            assert!(matches!(form(days, endless), Err(HttpError::BadRequest(_))), "{days:?} {endless}");
        }
        let named = |name: &str| read(&LinkForm { name: name.into(), ..LinkForm::default() });
        assert!(named(&"x".repeat(64)).is_ok() && named(&"x".repeat(65)).is_err() && named("a\nb").is_err());
    }
}
