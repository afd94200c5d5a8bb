//! What a raid's task shows otherwise to those who are no members: a stage for them while the raid hides names or is behind,
//! and numbers for the players on it.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use raidcast_shared::id::{ActorId, EncounterId};
use raidcast_shared::uplink::NamesPolicy;
use raidcast_shared::view::Audience;
use raidcast_store::{RaidRow, StoreError};
use tokio::time::Instant;

use super::stage::Of;
use super::state::{Chore, RaidTask};
use crate::access::Admitted;
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
    row.names == NamesPolicy::Full && row.delay.ms == 0
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
        let context = &self.around.context;
        let mut audience = context.veils.without_numbers(&self.row.code, self.row.names);
        if self.row.delay.ms > 0 {
            audience = audience.some_time_behind();
        }
        self.stages.add_others(context, audience);
    }

    /// Gives players of a fight, or of all its own, numbers, by which those see them who are no members.
    pub(super) fn number_players(&mut self, of: Option<EncounterId>) {
        if self.row.names == NamesPolicy::Full {
            return;
        }
        let Some(others) = self.stages.others_mut() else { return };
        let is_own = |held: &&LiveEncounter| held.row.raid_code == self.row.code;
        let fights = self.encounters.iter().filter(|(id, _)| of.is_none_or(|of| of == **id)).map(|(_, held)| held);
        let Some(players) = others.to_number(fights.filter(is_own).map(|held| &held.main.state)) else { return };
        others.ask_at = None;
        let (context, code, names) = (Arc::clone(&self.around.context), self.row.code.clone(), self.row.names);
        let numbering = async move {
            let result = context.veils.numbered(&code, names, &players).await;
            Chore::Numbered { names, players, result: Box::new(result) }
        };
        self.chores.push(numbering.boxed());
    }

    /// Players have numbers.
    pub(super) fn numbered(&mut self, names: NamesPolicy, players: Vec<ActorId>, result: Result<Audience, StoreError>) {
        // Those of a stage that is gone are asked for again by the one that took its place.
        let Some(others) = self.stages.others_mut().filter(|_| self.row.names == names) else { return };
        match result {
            Ok(audience) => {
                // How far behind they are is none of the numbers' business.
                others.audience = if others.audience.is_behind() { audience.some_time_behind() } else { audience };
                others.numbered.extend(players);
                others.ask_at = Some(Instant::now());
            }
            Err(error) => {
                tracing::warn!(raid = self.row.code, %error, "could not give players numbers");
                others.ask_at = Some(Instant::now() + ASK_AGAIN);
            }
        }
    }
}
