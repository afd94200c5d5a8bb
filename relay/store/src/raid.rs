//! Raids, and which of their links are good.

use raidcast_shared::id::RaidId;
use raidcast_shared::uplink::{NamesPolicy, Visibility};

use crate::code::of_visibility;
use crate::{AccountId, Note, StoreFuture};

/// Which tickets of a raid are good: each renewal counts one on, and ends those before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tickets {
    /// The raid's own.
    pub raid: u32,
    /// Those of its account's channel.
    pub channel: u32,
}

/// How far behind those are who are no members of a raid.
///
/// One invariant: what they may see once they may see for ever, also where the delay is raised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delay {
    /// By so much, ms; 0: not at all.
    pub ms: i64,
    /// What came until then they may see whatever the delay is; Unix ms.
    pub shown_until_ms: i64,
}

impl Delay {
    /// They may see what came until this time; `None`: all of it.
    pub fn until_ms(self, now_ms: i64) -> Option<i64> {
        // One of a clock that was ahead says nothing of what was shown.
        let shown_until_ms = Some(self.shown_until_ms).filter(|until_ms| *until_ms <= now_ms);
        (self.ms > 0).then(|| shown_until_ms.map_or(now_ms - self.ms, |until_ms| until_ms.max(now_ms - self.ms)))
    }

    /// Whether they may see now what came at a time.
    pub fn shows(self, came_at_ms: i64, now_ms: i64) -> bool {
        self.until_ms(now_ms).is_none_or(|until_ms| came_at_ms <= until_ms)
    }

    /// Another delay from now on: what they see stands still where it is longer, and goes on at once where it is shorter.
    #[must_use]
    pub fn changed_to(self, ms: i64, now_ms: i64) -> Self {
        if ms == self.ms {
            return self;
        }
        Self { ms, shown_until_ms: self.until_ms(now_ms).unwrap_or(now_ms) }
    }
}

/// Who may see a raid while it is live, and its reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShownTo {
    /// What is live: the raid's page, its feed, its channel.
    pub live: Visibility,
    /// Reports; `None`: as what is live.
    pub report: Option<Visibility>,
}

impl ShownTo {
    /// Who may see reports.
    pub fn reports(self) -> Visibility {
        self.report.unwrap_or(self.live)
    }

    /// Whether who may see what is live may not see all reports.
    pub fn hides_reports(self) -> bool {
        self.live != Visibility::Private && self.reports() == Visibility::Private
    }
}

/// The one that fewer may see.
pub fn stricter(one: Visibility, other: Visibility) -> Visibility {
    if of_visibility(one) < of_visibility(other) { other } else { one }
}

/// The policy that names fewer players.
pub fn stricter_names(one: NamesPolicy, other: NamesPolicy) -> NamesPolicy {
    if hides(one) < hides(other) { other } else { one }
}

/// How many players it hides: where nobody is named who has not agreed, those who have are.
fn hides(names: NamesPolicy) -> u8 {
    match names {
        NamesPolicy::Full => 0,
        NamesPolicy::Hidden => 1,
        NamesPolicy::Class => 2,
    }
}

/// A raid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaidRow {
    /// As its client made it.
    pub id: RaidId,
    /// Whose.
    pub account: AccountId,
    /// Names it in URLs.
    pub code: String,
    /// SHA-256 of the secret that its client proves itself by.
    pub secret_digest: [u8; 32],
    /// What its uploader calls it.
    pub title: Option<String>,
    /// Who may see it while it is live.
    pub visibility: Visibility,
    /// Who may see its reports; `None`: as what is live.
    pub report_visibility: Option<Visibility>,
    /// What its client said of both, where somebody set them, or names or the delay, otherwise since.
    pub said: Option<ShownTo>,
    /// Which names spectators see.
    pub names: NamesPolicy,
    /// How far behind spectators are.
    pub delay: Delay,
    /// Unix ms.
    pub created_at_ms: i64,
    /// When its last fight had its last event, or it began: Unix ms.
    pub active_at_ms: i64,
    /// Whether it has ended.
    pub closed: bool,
    /// Whether it is of fights that had ended when they came. That never changes.
    pub history: bool,
    /// Which tickets are good. A new raid has the first of its own, whatever stands here.
    pub tickets: Tickets,
}

/// What a raid says of who is shown what of it; each of its fights has it with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who may see it while it is live, and its reports.
    pub shown_to: ShownTo,
    /// Which names those see who are no members.
    pub names: NamesPolicy,
    /// How far behind those are.
    pub delay: Delay,
    /// Which tickets are good.
    pub tickets: Tickets,
}

impl Policy {
    /// Whether everybody sees all of it at once, and finds it.
    pub fn hides_nothing(self) -> bool {
        let ShownTo { live, .. } = self.shown_to;
        let is_public = live == Visibility::Public && self.shown_to.reports() == Visibility::Public;
        is_public && self.names == NamesPolicy::Full && self.delay.ms == 0
    }

    /// Whether by it anybody sees more than by another one: who may see it, which names, and how soon.
    pub fn shows_more_than(self, other: Self) -> bool {
        let fewer = |to: Visibility, from: Visibility| stricter(to, from) == to;
        let shown_to_more = !fewer(self.shown_to.live, other.shown_to.live)
            || !fewer(self.shown_to.reports(), other.shown_to.reports());
        shown_to_more || hides(self.names) < hides(other.names) || self.delay.ms < other.delay.ms
    }
}

impl RaidRow {
    /// Who is shown what of it.
    pub fn policy(&self) -> Policy {
        let Self { names, delay, tickets, .. } = *self;
        Policy { shown_to: self.shown_to(), names, delay, tickets }
    }

    /// The same raid, for others to see.
    #[must_use]
    pub fn seen_by(self, ShownTo { live, report }: ShownTo) -> Self {
        Self { visibility: live, report_visibility: report, ..self }
    }

    /// Who may see it while it is live, and its reports.
    pub fn shown_to(&self) -> ShownTo {
        ShownTo { live: self.visibility, report: self.report_visibility }
    }
}

/// Keeps raids.
pub trait Raids: Send + Sync {
    /// Keeps a new raid. One with its id or code must not exist: it is `Damaged` then. It is active now: raids of its
    /// account that claim to have been active later (a clock was ahead) were so before it.
    fn insert_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()>;

    /// Replaces what may change of a raid: title, who may see it and its reports, names and delay (of its reports too), whether
    /// it is closed; and notes who did it, if it is to be noted.
    fn update_raid<'a>(&'a self, raid: &'a RaidRow, note: Option<Note>) -> StoreFuture<'a, ()>;

    /// Clears a raid's title for good, and notes that: it gets no other, whatever [`Raids::update_raid`] says. `false` if
    /// there is no such raid; nothing is noted where it was so already.
    fn clear_title<'a>(&'a self, code: &'a str, note: Note) -> StoreFuture<'a, bool>;

    /// Says that a raid is active now, and changes nothing else of it; `Damaged` if there is no such raid. Raids of its
    /// account that claim to have been active later (a clock was ahead) were so before it.
    fn touch_raid<'a>(&'a self, code: &'a str, active_at_ms: i64) -> StoreFuture<'a, ()>;

    /// Ends all tickets of a raid and of its account's channel, and tells which are good from now on; `None` if there is
    /// no such raid.
    fn renew_tickets<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<Tickets>>;

    /// The raid with the id that its client made, of any account.
    fn raid_by_id(&self, id: RaidId) -> StoreFuture<'_, Option<RaidRow>>;

    /// The raid with this code.
    fn raid_by_code<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<RaidRow>>;

    /// An account's newest raid: the one that was active last, of old fights only where there is no other. One that has no
    /// fight yet comes after one that has, unless that was active more than [`RAID_IDLE_MS`] before it.
    ///
    /// [`RAID_IDLE_MS`]: raidcast_shared::limits::RAID_IDLE_MS
    fn newest_raid(&self, account: AccountId) -> StoreFuture<'_, Option<RaidRow>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_stays_and_a_shorter_delay_goes_on_at_once() {
        let none = Delay::default();
        assert_eq!((none.until_ms(1_000), none.shows(5_000, 1_000)), (None, true));
        let minute = none.changed_to(60_000, 100_000);
        // All of it was shown until then.
        assert_eq!(minute.until_ms(100_000), Some(100_000));
        assert_eq!((minute.until_ms(159_000), minute.until_ms(170_000)), (Some(100_000), Some(110_000)));
        let longer = minute.changed_to(120_000, 170_000);
        assert_eq!((longer.until_ms(170_000), longer.until_ms(229_000)), (Some(110_000), Some(110_000)));
        assert_eq!(longer.until_ms(240_000), Some(120_000));
        let shorter = longer.changed_to(10_000, 240_000);
        assert_eq!(shorter.until_ms(240_000), Some(230_000));
        assert_eq!(shorter.changed_to(10_000, 300_000), shorter);
        assert_eq!(shorter.changed_to(0, 300_000).until_ms(300_000), None);
        // A clock that is set back.
        assert_eq!(shorter.until_ms(50_000), Some(40_000));
        assert!(shorter.shows(229_999, 240_000) && !shorter.shows(230_001, 240_000));
    }
}
