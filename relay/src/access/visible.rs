//! What somebody may see: a row, and by what he sees it.
//!
//! One invariant: a [`Visible`] is made where access was asked (`door.rs`), nowhere else. What answers requests takes one,
//! so that an endpoint which forgot to ask does not compile.

use std::ops::Deref;

use raidcast_shared::uplink::ReportState;
use raidcast_shared::view::Audience;
use raidcast_store::{Delay, EncounterRow, RaidRow, ReportLine};

use super::behind::{row_until, seconds};
use super::wish::Counts;
use super::{Admitted, Until};

/// A row that somebody may see.
///
/// Nobody makes one up:
///
/// ```compile_fail
/// use raidcast_relay::access::Visible;
///
/// fn seen<T>(what: T, other: Visible<()>) -> Visible<T> {
///     Visible { what, seen: other.seen }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Visible<T> {
    what: T,
    seen: Seen,
}

/// By what somebody sees something, and as whom.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) admitted: Admitted,
    pub(super) audience: Audience,
    /// How far behind he is; `None`: not at all.
    pub(super) delay: Option<Delay>,
    /// Until when the link is good that lets him in, if one does.
    pub(super) link: Option<Until>,
    /// Of which of players' wishes it is shown, or of older ones.
    pub(super) wishes: Counts,
}

impl<T> Visible<T> {
    pub(super) fn new(what: T, seen: Seen) -> Self {
        Self { what, seen }
    }

    /// He sees what came until this time; `None`: all of it.
    pub fn until_ms(&self, now_ms: i64) -> Option<i64> {
        self.seen.delay.and_then(|delay| delay.until_ms(now_ms))
    }

    /// By how many seconds what he sees is behind.
    pub fn delay_s(&self) -> u32 {
        seconds(self.seen.delay)
    }

    /// How far behind he is; `None`: not at all.
    pub fn delay(&self) -> Option<Delay> {
        self.seen.delay
    }

    /// By what he sees it.
    pub fn admitted(&self) -> Admitted {
        self.seen.admitted
    }

    /// Until when the link is good that lets him in, if one does. Whoever is served for longer holds it.
    pub fn link(&self) -> Option<&Until> {
        self.seen.link.as_ref()
    }

    /// What of it is shown to him.
    pub fn audience(&self) -> &Audience {
        &self.seen.audience
    }

    /// The row alone: what takes it knows no more whether anybody may see it.
    pub fn into_inner(self) -> T {
        self.what
    }
}

impl<T> Deref for Visible<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.what
    }
}

impl Visible<EncounterRow> {
    /// The same report, where it stands now.
    pub fn now(&self, now: EncounterRow) -> Self {
        debug_assert_eq!(self.what.row, now.row, "another report");
        Self { what: now, seen: self.seen.clone() }
    }

    /// Whether he may see it where it stands so now: one that may be over goes on for those alone who may see its raid.
    pub fn is_for_him_as(&self, state: ReportState) -> bool {
        let now = EncounterRow { state, ..self.what.clone() };
        self.seen.admitted.holds(now.seen_by(), now.tickets)
    }

    /// Whether what was made of it for him may be given to him who sees it as `now`: the raid may have changed its names
    /// meanwhile, or he be no member any more.
    pub(super) fn shows_no_more_than(&self, now: &Self) -> bool {
        if now.seen.delay.is_some() && self.seen.delay.is_none() {
            return false;
        }
        if !now.seen.audience.knows_raid() && self.seen.audience.knows_raid() {
            return false;
        }
        if now.seen.audience.sees_everything() || self.seen.audience == now.seen.audience {
            return true;
        }
        let knows_players = |this: &Self| this.seen.audience.knows_players();
        // What stands for a player leads to no other raid, so neither does an answer.
        let is_same_veil = self.what.names == now.what.names && self.what.raid_code == now.what.raid_code;
        let hides_as_much = knows_players(now) || (!knows_players(self) && is_same_veil);
        self.seen.wishes == now.seen.wishes && hides_as_much
    }
}

impl Visible<RaidRow> {
    /// Whether its list shows him reports, too, not only what is live.
    pub fn lists_reports(&self) -> bool {
        !self.what.shown_to().hides_reports() || self.admitted().is_member(self.what.tickets)
    }
}

impl Visible<ReportLine> {
    /// The encounter behind a line; `None` if that is another report, or in another raid by now.
    pub fn encounter(&self, row: EncounterRow, now_ms: i64) -> Option<Visible<EncounterRow>> {
        let same = row.report_id == self.what.report_id && row.raid_code == self.what.raid_code;
        let row = match self.until_ms(now_ms).filter(|_| same) {
            Some(until_ms) => row_until(row, until_ms)?,
            None => row,
        };
        same.then(|| Visible { what: row, seen: self.seen.clone() })
    }
}
