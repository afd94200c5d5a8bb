//! Tickets for feeds: what stands in a feed's address in place of what lets its asker in.
//!
//! One invariant: a ticket opens one feed, once, within [`FEED_TICKET_MS`], and its asker sees there what he would see by
//! what he paid with, for as long as that is good. They stand in memory: a restart forgets them, and pages ask for others.

use raidcast_shared::link::FeedTicket;

use super::Asker;
use crate::account::{Bounds, Waiting};
use crate::clock::Entropy;
use crate::edge::Address;
use crate::limits::{FEED_TICKET_MS, FEED_TICKETS_MAX, FEED_TICKETS_PER_ADDRESS};

/// What tickets begin with: no secret of a link does, nor what a relay makes of a raid's code.
const PREFIX: &str = "feed-";

/// Which feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedOf {
    /// A raid's, by its code.
    Raid(String),
    /// A channel's.
    Channel(String),
}

/// See the module's page.
pub struct FeedTickets(Waiting<(FeedOf, Asker)>);

impl FeedTickets {
    /// None yet.
    pub fn new(entropy: Entropy) -> Self {
        let bounds =
            Bounds { lasts_ms: FEED_TICKET_MS, per_address: FEED_TICKETS_PER_ADDRESS, in_all: FEED_TICKETS_MAX };
        Self(Waiting::new(entropy, bounds))
    }

    /// A ticket for a feed that somebody may see now.
    pub fn give(&self, feed: FeedOf, asker: Asker, address: Address, now_ms: i64) -> FeedTicket {
        let ticket = format!("{PREFIX}{}", self.0.keep((feed, asker), address, now_ms));
        FeedTicket { ticket, ends_at_ms: now_ms.saturating_add(FEED_TICKET_MS) }
    }

    /// Forgets tickets that nobody used in time.
    pub fn sweep(&self, now_ms: i64) {
        self.0.sweep(now_ms);
    }

    /// Who was given a ticket for a feed; it is good for nothing any more. `None` of what is no ticket at all; inside, where
    /// it is none for this feed, or not good any more.
    pub fn take(&self, ticket: &str, feed: &FeedOf, now_ms: i64) -> Option<Option<Asker>> {
        let taken = self.0.take(ticket.strip_prefix(PREFIX)?, now_ms);
        Some(taken.filter(|(of, _)| of == feed).map(|(_, asker)| asker))
    }
}

#[cfg(test)]
mod tests {
    use raidcast_store::AccountId;

    use super::*;

    #[test]
    fn a_ticket_opens_its_feed_once_and_soon() {
        let tickets = FeedTickets::new(Entropy::system());
        let address = Address::of(std::net::Ipv4Addr::LOCALHOST.into());
        let (raid, channel) = (FeedOf::Raid("abc".into()), FeedOf::Channel("abc".into()));
        let give = |feed: &FeedOf| {
            let asker = Asker { accounts: vec![AccountId(7)], ..Asker::default() };
            tickets.give(feed.clone(), asker, address, 1_000)
        };
        let opens =
            |ticket: &FeedTicket, feed, now_ms| tickets.take(&ticket.ticket, feed, now_ms).expect("it is a ticket");
        let ticket = give(&raid);
        assert!(opens(&ticket, &raid, 1_000).is_some_and(|asker| asker.holds(AccountId(7))));
        assert!(opens(&ticket, &raid, 1_000).is_none(), "it was good once");
        assert!(opens(&give(&raid), &channel, 1_000).is_none(), "another feed");
        let last = give(&channel);
        assert_eq!(last.ends_at_ms, 1_000 + FEED_TICKET_MS);
        assert!(opens(&give(&channel), &channel, last.ends_at_ms - 1).is_some());
        assert!(opens(&last, &channel, last.ends_at_ms).is_none(), "its time is over");
        assert!(tickets.take(&last.ticket[PREFIX.len()..], &channel, 1_000).is_none(), "that is a secret of a link");
    }
}
