//! Who asks, by what he may see a raid, and how those hear of it who may no longer.
//!
//! One invariant: what is answered follows what the store said after it was last told to change. Whoever serves somebody
//! for longer than an answer keeps by what he was let in ([`Admitted`]), or asks again when told ([`Changes`]). What he is
//! shown follows from it and from what his raid shows to others ([`Visible::audience`], `veil.rs`): nothing else makes an
//! audience for a request, and nothing is shown without one.

mod behind;
mod door;
mod lead;
mod link;
mod listed;
mod managed;
mod owner;
mod ticket;
mod veil;
mod visible;
mod watching;
mod wish;

use std::sync::Arc;

use raidcast_shared::limits::ACCESS_CHANGES_WAITING;
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use raidcast_shared::view::Audience;
use raidcast_store::{AccountId, Delay, EncounterRow, LinkId, RaidRow, Tickets};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

pub use self::door::{Door, Recorded};
pub(crate) use self::lead::who_hears;
pub use self::link::Links;
pub use self::listed::Listed;
pub use self::managed::{Managed, Manager, OwnFight, OwnRaid};
pub use self::owner::Uploader;
pub use self::ticket::{FeedOf, FeedTickets};
pub use self::veil::{Numbers, Veils, players_of};
pub use self::visible::Visible;
pub(crate) use self::watching::hears_how_many_watch;
pub use self::wish::Heeded;

/// Who asks.
#[derive(Clone, Debug, Default)]
pub struct Asker {
    /// The account whose key came with the request, or those of who is signed in by its cookie.
    pub accounts: Vec<AccountId>,
    /// The ticket in its address: the raid's or the channel's own, or a link's secret.
    pub ticket: Option<String>,
    /// Until when: `None` for who has neither key nor session.
    pub until: Option<Until>,
}

/// Until when somebody is let in: for as long as his key, his session or his link is good.
#[derive(Clone, Debug)]
pub struct Until(Arc<CancellationToken>);

impl Until {
    /// Until this is cancelled.
    pub fn of(ended: CancellationToken) -> Self {
        Self(Arc::new(ended))
    }

    /// Waits for the end; without one for ever.
    pub async fn over(until: Option<&Self>) {
        match until {
            Some(until) => until.0.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// Whether it is over.
    pub fn is_over(until: Option<&Self>) -> bool {
        until.is_some_and(|until| until.0.is_cancelled())
    }
}

impl Asker {
    /// Whether an account is his.
    pub fn holds(&self, account: AccountId) -> bool {
        self.accounts.contains(&account)
    }
}

/// By what somebody sees a raid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// As anybody who has the link.
    AsAnybody,
    /// As its uploader.
    AsUploader,
    /// By the raid's ticket with this number.
    ByTicket(u32),
    /// By the channel's ticket with this number.
    ByChannelTicket(u32),
    /// By a link to the raid.
    ByLink(LinkId),
    /// By a link to the channel.
    ByChannelLink(LinkId),
}

impl Admitted {
    /// Whether it still lets its holder see a raid that is so visible and whose good tickets are these.
    pub fn holds(self, visibility: Visibility, tickets: Tickets) -> bool {
        let good = match self {
            Self::AsAnybody => false,
            // That a link is over is told to those whom it let in.
            Self::AsUploader | Self::ByLink(_) | Self::ByChannelLink(_) => true,
            // A number from the future is one that the asker of this question has not heard of yet.
            Self::ByTicket(number) => number >= tickets.raid,
            Self::ByChannelTicket(number) => number >= tickets.channel,
        };
        good || visibility != Visibility::Private
    }

    /// Whether its holder is a member of the raid, as long as these are its good tickets: members are shown who players
    /// are, whatever the raid shows to others.
    pub fn is_member(self, tickets: Tickets) -> bool {
        self != Self::AsAnybody && self.holds(Visibility::Private, tickets)
    }

    /// Whether its holder may be told the channel: who has that sees what comes later, too, so nothing that somebody
    /// else may see leads there.
    pub fn may_know_channel(self) -> bool {
        self == Self::AsUploader || self.is_by_channel()
    }

    /// Whether what lets its holder in is the channel's: it moves on with that.
    pub fn is_by_channel(self) -> bool {
        matches!(self, Self::ByChannelTicket(_) | Self::ByChannelLink(_))
    }

    /// The link that lets its holder in.
    pub fn link(self) -> Option<LinkId> {
        match self {
            Self::ByLink(link) | Self::ByChannelLink(link) => Some(link),
            Self::AsAnybody | Self::AsUploader | Self::ByTicket(_) | Self::ByChannelTicket(_) => None,
        }
    }
}

/// Those who are shown what names nobody: what is made for all who see a raid alike.
pub(crate) fn nameless() -> &'static Audience {
    everything()
}

/// What is kept of a fight is whole: what of it is shown is decided when somebody asks.
pub(crate) fn record() -> &'static Audience {
    everything()
}

#[expect(clippy::disallowed_methods, reason = "audiences are made here")]
fn everything() -> &'static Audience {
    Audience::of_everything()
}

/// What decides who may see a raid, or a report of it.
#[derive(Clone, Copy, Debug)]
pub struct Guarded<'a> {
    /// Whose it is.
    pub account: AccountId,
    /// The raid's code.
    pub raid_code: &'a str,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether who may see it may not see its raid.
    pub hides_raid: bool,
    /// Which tickets are good.
    pub tickets: Tickets,
    /// Which names it shows to those who are no members.
    pub names: NamesPolicy,
    /// How far behind those are.
    pub delay: Delay,
}

impl<'a> From<&'a RaidRow> for Guarded<'a> {
    fn from(raid: &'a RaidRow) -> Self {
        let RaidRow { account, ref code, visibility, tickets, names, delay, .. } = *raid;
        Self { account, raid_code: code, visibility, hides_raid: false, tickets, names, delay }
    }
}

impl<'a> From<&'a EncounterRow> for Guarded<'a> {
    fn from(row: &'a EncounterRow) -> Self {
        let EncounterRow { key, ref raid_code, tickets, names, delay, .. } = *row;
        let (visibility, hides_raid) = (row.seen_by(), row.hides_raid());
        Self { account: key.account, raid_code, visibility, hides_raid, tickets, names, delay }
    }
}

/// Tells who serves somebody that who may see a raid has changed. Told after the store has it.
#[derive(Debug)]
pub struct Changes(broadcast::Sender<Option<Arc<str>>>);

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::Sender::new(ACCESS_CHANGES_WAITING))
    }
}

impl Changes {
    /// Who may see this raid, or which fights are its own, has changed.
    pub fn tell(&self, raid_code: &str) {
        // That nobody listens is no error.
        let _ = self.0.send(Some(raid_code.into()));
    }

    /// Somebody is shown otherwise from now on, wherever he is.
    pub fn tell_all(&self) {
        let _ = self.0.send(None);
    }

    /// Hears of what is told from now on: call it before asking whether somebody may see something.
    pub fn listen(&self) -> Listening {
        Listening(self.0.subscribe())
    }
}

/// Hears of changes.
#[derive(Debug)]
pub struct Listening(broadcast::Receiver<Option<Arc<str>>>);

impl Listening {
    /// Waits for a change that may concern a raid. Safe to drop: nothing is lost.
    pub async fn changed(&mut self, raid_code: &str) {
        loop {
            match self.0.recv().await {
                Ok(code) if concerns(code.as_deref(), raid_code) => return,
                Ok(_) => {}
                // So many at once that some were missed: this raid may be among them.
                Err(broadcast::error::RecvError::Lagged(_)) => return,
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Whether anything was told that may concern a raid, without waiting.
    pub fn has_changed(&mut self, raid_code: &str) -> bool {
        loop {
            match self.0.try_recv() {
                Ok(code) if concerns(code.as_deref(), raid_code) => return true,
                Ok(_) => {}
                Err(broadcast::error::TryRecvError::Lagged(_)) => return true,
                Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => return false,
            }
        }
    }
}

/// Whether what was told concerns a raid; `None`: all of them.
fn concerns(told: Option<&str>, raid_code: &str) -> bool {
    told.is_none_or(|code| code == raid_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lets_somebody_in_holds_until_it_ends() {
        let tickets = Tickets { raid: 2, channel: 5 };
        let by_link = Admitted::ByLink(LinkId(1));
        let lasting =
            [Admitted::AsUploader, Admitted::ByTicket(2), Admitted::ByTicket(3), Admitted::ByChannelTicket(5), by_link];
        let ended = [Admitted::AsAnybody, Admitted::ByTicket(1), Admitted::ByChannelTicket(4)];
        for (admitted, holds) in lasting.map(|one| (one, true)).into_iter().chain(ended.map(|one| (one, false))) {
            assert_eq!(admitted.holds(Visibility::Private, tickets), holds, "{admitted:?}");
            assert!(admitted.holds(Visibility::Unlisted, tickets) && admitted.holds(Visibility::Public, tickets));
            assert_eq!(admitted.is_member(tickets), holds, "{admitted:?}");
        }
    }

    #[tokio::test]
    async fn a_listener_hears_of_its_raid_and_of_what_it_may_have_missed() {
        let changes = Changes::default();
        let mut listening = changes.listen();
        assert!(!listening.has_changed("mine"));
        changes.tell("other");
        assert!(!listening.has_changed("mine"));
        changes.tell("other");
        changes.tell("mine");
        listening.changed("mine").await;
        assert!(!listening.has_changed("mine"));
        changes.tell_all();
        listening.changed("mine").await;
        assert!(!listening.has_changed("mine"));
        for _ in 0..=ACCESS_CHANGES_WAITING {
            changes.tell("other");
        }
        assert!(listening.has_changed("mine"));
    }
}
