//! What a raid's task shows to those who are some time behind, and when.
//!
//! One invariant: they are shown a fight, its end, and who is connected only when the time of that has come for them; what
//! stands still for them, stands still however much comes for the others.

use raidcast_shared::feed::FeedHappening;
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::ReportState;

use super::stage::{Of, Stage};
use super::state::RaidTask;
use crate::raid::behind::HITS_AT_ONCE;
use crate::raid::encounter::LiveEncounter;
use crate::raid::log::DeltaLog;

impl RaidTask {
    /// Those who are behind see what came until then; `None`: nobody is.
    pub(super) fn until_ms(&self) -> Option<i64> {
        self.row.delay.until_ms(self.around.context.clock.now_ms())
    }

    /// The same, for one stage.
    pub(super) fn until_ms_of(&self, of: Of) -> Option<i64> {
        self.until_ms().filter(|_| self.stages.get(of).audience.is_behind())
    }

    /// The fight that a stage shows.
    pub(super) fn current_of(&self, of: Of) -> Option<EncounterId> {
        let stage = self.stages.get(of);
        if stage.audience.is_behind() { stage.current } else { self.current }
    }

    /// Brings those who are behind up to where they may be now.
    pub(super) fn follow(&mut self) {
        let Some(until_ms) = self.until_ms() else { return };
        let Self { stages, encounters, row, .. } = self;
        let Some(Stage { audience, followed_ms, current, .. }) = stages.others_mut() else { return };
        if !audience.is_behind() {
            return;
        }
        // A clock that was set back takes nothing back.
        let until_ms = followed_ms.map_or(until_ms, |before_ms| before_ms.max(until_ms));
        let before_ms = followed_ms.replace(until_ms);
        let came = |at_ms: i64| before_ms.is_some_and(|before_ms| at_ms > before_ms) && at_ms <= until_ms;
        let mut happened = Vec::new();
        let (mut anew, mut budget) = (false, HITS_AT_ONCE);
        let shows = *current;
        let own = encounters.iter_mut().filter(|(_, held)| held.row.raid_code == row.code);
        let mut there: Vec<_> = own.filter(|(_, held)| held.row.created_at_ms <= until_ms).collect();
        // What is looked at goes first.
        there.sort_by_key(|(id, _)| shows != Some(**id));
        for (id, held) in there {
            anew |= held.follow(until_ms, audience, &mut budget) && shows == Some(*id);
            if came(held.row.created_at_ms) {
                happened.push((*id, FeedHappening::FightBegan { started_at_ms: held.row.started_at_ms }));
            }
            if let Some((kept_at_ms, ended)) = held.ended_then(until_ms)
                && came(kept_at_ms)
            {
                happened.push((*id, ended));
            }
        }
        let goes_on = |id: &EncounterId| encounters.get(id).is_some_and(LiveEncounter::is_followed);
        let shows = current.filter(goes_on).or_else(|| newest_until(encounters.iter(), &row.code, until_ms));
        anew |= shows != *current;
        *current = shows;
        let lists_anew = !happened.is_empty() || self.earlier.iter().any(|held| held.kept_at_ms.is_some_and(came));
        for (id, what) in happened {
            self.event(Of::Others, id, what);
        }
        if let Some(others) = self.stages.others_mut() {
            if anew {
                others.new_epoch();
            }
            others.feed.refresh |= lists_anew;
        }
        if self.connections.changed_ms().is_some_and(came)
            && let Some(others) = self.stages.others_mut()
        {
            others.feed.refresh = true;
        }
    }

    /// Something came that they may see already: it waited for that.
    pub(super) fn refresh_behind(&mut self) {
        if let Some(others) = self.stages.others_mut().filter(|others| others.audience.is_behind()) {
            others.feed.refresh = true;
        }
    }

    /// Whether something of the raid is not shown yet to those who are behind.
    pub(super) fn is_ahead(&self) -> bool {
        let Some(until_ms) = self.until_ms() else { return false };
        let own = self.encounters.values().filter(|held| held.row.raid_code == self.row.code);
        self.connections.changed_ms().is_some_and(|at_ms| at_ms > until_ms)
            || own.into_iter().any(|held| held.is_ahead_of(until_ms))
    }

    /// The fight that those see who are behind, while anybody of them watches.
    pub(super) fn shown_later(&self) -> Option<EncounterId> {
        self.stages.iter().find(|stage| stage.audience.is_behind() && !stage.room.is_empty())?.current
    }

    /// What nobody looks at is not folded a second time.
    pub(super) fn unfollow_unwatched(&mut self) {
        let Some(others) = self.stages.others_mut().filter(|others| others.room.is_empty()) else { return };
        if others.audience.is_behind() && others.current.take().is_some() {
            self.encounters.values_mut().for_each(LiveEncounter::unfollow);
        }
    }

    /// Of fights that are shown to all no deltas are needed any more where the store has their logs.
    pub(super) fn let_deltas_go(&mut self) {
        let now_ms = self.around.context.clock.now_ms();
        for held in self.encounters.values_mut() {
            let until_ms = held.row.delay.until_ms(now_ms);
            held.let_formers_go(until_ms);
            if held.main.deltas.count() == 0 {
                continue;
            }
            if held.state == ReportState::Final && until_ms.is_none_or(|until_ms| held.is_shown(until_ms)) {
                held.main.deltas = DeltaLog::default();
                held.weigh();
            }
        }
    }
}

/// What those see who see what came until a time: the fight that goes on and began last, else the last one.
fn newest_until<'a>(
    encounters: impl Iterator<Item = (&'a EncounterId, &'a LiveEncounter)>,
    code: &str,
    until_ms: i64,
) -> Option<EncounterId> {
    let own = encounters.filter(|(_, held)| held.row.raid_code == code);
    let there = own.filter(|(_, held)| held.is_there(until_ms));
    let newest = there.max_by_key(|(_, held)| (held.is_followed(), held.row.started_at_ms));
    newest.map(|(id, _)| *id)
}
