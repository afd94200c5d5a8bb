//! What a raid's task shows otherwise to those who are no members: a stage for them while the raid hides names or is behind;
//! numbers for players who are hidden; and what players wish for.
//!
//! One invariant: before anything is shown it is looked whether somebody wishes to be shown otherwise.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use raidcast_shared::id::{ActorId, EncounterId};
use raidcast_shared::uplink::NamesPolicy;
use raidcast_shared::view::Audience;
use raidcast_store::{RaidRow, StoreError};
use tokio::time::Instant;

use super::stage::{Of, Stage};
use super::state::{Chore, RaidTask};
use crate::access::{Admitted, Numbers};
use crate::fanout::Whom;
use crate::raid::encounter::LiveEncounter;

/// A store that did not say which numbers players have is asked again after this.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What somebody is told to whom a raid shows its players otherwise from now on.
pub(crate) const SHOWN_OTHERWISE: &str = "this raid shows its players otherwise now; come back for it";
/// He comes back after this, ms.
pub(crate) const SHOWN_OTHERWISE_RETRY_MS: u32 = 100;

/// Whether a raid shows the same to everybody at the same time.
pub(super) fn is_shown_alike(row: &RaidRow) -> bool {
    row.names == NamesPolicy::Full && row.delay.ms == 0 && !row.shown_to().hides_reports()
}

impl RaidTask {
    /// The stage of who sees the raid so; `None` where it is not made yet.
    pub(super) fn stage_for(&self, admitted: Admitted) -> Option<Of> {
        if is_shown_alike(&self.row) || admitted.is_member(self.row.tickets) {
            return Some(Of::Members);
        }
        self.stages.all().find(|of| *of == Of::Others)
    }

    /// Makes the stage of those who are no members, where the raid hides names from them, or shows them things later. Who watched in another way is
    /// let go, and comes back to the right one.
    pub(super) fn set_stages(&mut self) {
        let tickets = self.row.tickets;
        let (reason, retry_ms) = (SHOWN_OTHERWISE, Some(SHOWN_OTHERWISE_RETRY_MS));
        if let Some(mut others) = self.stages.remove_others() {
            others.room.dismiss_all(Whom::Everybody, reason, retry_ms);
            self.encounters.values_mut().for_each(LiveEncounter::unfollow);
        }
        if is_shown_alike(&self.row) {
            return;
        }
        self.stages.get_mut(Of::Members).room.dismiss_all(Whom::NoMembers { tickets }, reason, retry_ms);
        let audience = self.audience_of(Of::Others, &Arc::default());
        self.stages.add_others(&self.around.context, audience);
    }

    /// Those who watch a stage, by numbers that are known.
    fn audience_of(&self, of: Of, numbers: &Arc<Numbers>) -> Audience {
        let (veils, code) = (&self.around.context.veils, &self.row.code);
        match of {
            Of::Members => veils.of_members(code, numbers),
            // How far behind they are is none of the numbers' business.
            Of::Others if self.row.delay.ms > 0 => veils.others(code, self.row.names, numbers).some_time_behind(),
            Of::Others => veils.others(code, self.row.names, numbers),
        }
    }

    /// Shows players as they wish from now on. Who watches a raid in which one of them is shown otherwise is let go, and
    /// comes back.
    pub(super) fn heed(&mut self) {
        let version = self.around.context.veils.version();
        if self.heeded == Some(version) {
            return;
        }
        self.heeded = Some(version);
        for of in self.stages.all().collect::<Vec<_>>() {
            let now = self.audience_of(of, &self.stages.get(of).numbers);
            self.show_to(of, now);
        }
    }

    /// Shows a stage to another audience from now on; false if it is made anew for it, because a player was shown otherwise.
    fn show_to(&mut self, of: Of, now: Audience) -> bool {
        let Stage { audience: before, room, .. } = self.stages.get(of);
        let differs = |player: ActorId| before.hides(player) != now.hides(player);
        let mut actors = self.encounters.values().flat_map(|held| held.main.state.actors());
        let stays = !actors.any(|actor| differs(actor.id)) && !room.named().any(differs);
        match of {
            _ if stays => self.stages.get_mut(of).audience = now,
            Of::Members => self.set_members(now),
            Of::Others => self.set_stages(),
        }
        stays
    }

    /// Makes the stage of members anew, and lets go who watched it.
    fn set_members(&mut self, audience: Audience) {
        for held in self.encounters.values_mut() {
            held.show_anew_on(Of::Members.index(), &audience);
        }
        let mut before = self.stages.replace_members(&self.around.context, audience);
        before.room.dismiss_all(Whom::Everybody, SHOWN_OTHERWISE, Some(SHOWN_OTHERWISE_RETRY_MS));
    }

    /// Gives players of a fight, or of all its own, numbers, by which those see them from whom they are hidden.
    pub(super) fn number_players(&mut self, of: Of, fight: Option<EncounterId>) {
        let is_own = |held: &&LiveEncounter| held.row.raid_code == self.row.code;
        let fights = self.encounters.iter().filter(|(id, _)| fight.is_none_or(|fight| fight == **id));
        let fights = fights.map(|(_, held)| held).filter(is_own).map(|held| &held.main.state);
        let Some(players) = self.stages.get(of).to_number(fights) else { return };
        self.stages.get_mut(of).ask_at = None;
        let (context, code, names) = (Arc::clone(&self.around.context), self.row.code.clone(), self.row.names);
        let numbering = async move {
            let result = context.veils.numbered(&code, &players).await;
            Chore::Numbered { of, names, players, result }
        };
        self.chores.push(numbering.boxed());
    }

    /// Players have numbers.
    pub(super) fn numbered(
        &mut self,
        (of, names): (Of, NamesPolicy),
        players: Vec<ActorId>,
        result: Result<Arc<Numbers>, StoreError>,
    ) {
        // Those of a stage that is gone are asked for again by the one that took its place.
        if self.row.names != names || !self.stages.all().any(|held| held == of) {
            return;
        }
        if let Ok(numbers) = &result {
            let audience = self.audience_of(of, numbers);
            // One that is made anew asks again.
            if !self.show_to(of, audience) {
                return;
            }
        }
        let stage = self.stages.get_mut(of);
        match result {
            Ok(numbers) => {
                stage.numbers = numbers;
                stage.numbered.extend(players);
                stage.ask_at = Some(Instant::now());
            }
            Err(error) => {
                tracing::warn!(raid = self.row.code, %error, "could not give players numbers");
                stage.ask_at = Some(Instant::now() + ASK_AGAIN);
            }
        }
    }
}
