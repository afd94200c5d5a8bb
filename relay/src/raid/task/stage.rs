//! Whom a raid is shown to: its members, and the others where it hides something from them.
//!
//! One invariant: a stage shows the same to all who watch it. Where the raid hides nothing there is one, for everybody.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use raidcast_shared::event::ActorIx;
use raidcast_shared::fold::EncounterState;
use raidcast_shared::id::{ActorId, EncounterId};
use raidcast_shared::uplink::NamesPolicy;
use raidcast_shared::view::Audience;
use raidcast_store::StoreError;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::access::{SHOWN_OTHERWISE, SHOWN_OTHERWISE_RETRY_MS};
use super::state::{Chore, FeedState, RaidTask};
use crate::access::{Admitted, members};
use crate::context::Context;
use crate::fanout::{Patience, Room, SpectatorId, Whom};
use crate::raid::encounter::LiveEncounter;

/// A store that did not say which numbers players have is asked again after this.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What one audience watches.
pub(super) struct Stage {
    pub(super) audience: Audience,
    pub(super) room: Room,
    pub(super) feed: FeedState,
    /// Players that have numbers, as far as the store was asked.
    numbered: HashSet<ActorId>,
    /// When the store may be asked again; `None` while it is.
    ask_at: Option<Instant>,
}

/// Which stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// That of members; of everybody where nothing is hidden.
    Members,
    /// That of the others.
    Others,
}

impl Of {
    /// Its place among the screens of a fight.
    pub(super) fn index(self) -> usize {
        self as usize
    }
}

/// All stages of a raid.
pub(in crate::raid) struct Stages {
    members: Stage,
    others: Option<Stage>,
    tasks: TaskTracker,
    patience: Patience,
    rooms: u32,
}

impl Stages {
    /// One for members. `tasks`: where rooms spread out.
    pub(in crate::raid) fn new(context: &Context, tasks: TaskTracker) -> Self {
        let patience = Patience::with_spectators(&context.limits);
        let members = Stage::new(context, members().clone(), &tasks, (patience, 0));
        Self { members, others: None, tasks, patience, rooms: 1 }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Of> + use<> {
        [Some(Of::Members), self.others.as_ref().map(|_| Of::Others)].into_iter().flatten()
    }

    /// A stage that is there: never that of members in place of another.
    pub(super) fn get(&self, of: Of) -> &Stage {
        match of {
            Of::Members => &self.members,
            Of::Others => self.others.as_ref().expect("asked for after it was found"),
        }
    }

    /// The same.
    pub(super) fn get_mut(&mut self, of: Of) -> &mut Stage {
        match of {
            Of::Members => &mut self.members,
            Of::Others => self.others.as_mut().expect("asked for after it was found"),
        }
    }

    /// Whom the store was asked for gets no answer any more: it may be asked again.
    pub(super) fn ask_again(&mut self) {
        self.iter_mut().for_each(|stage| stage.ask_at = Some(Instant::now()));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stage> {
        [Some(&self.members), self.others.as_ref()].into_iter().flatten()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stage> {
        [Some(&mut self.members), self.others.as_mut()].into_iter().flatten()
    }

    /// The stage of a spectator; `None` if that is gone, and the spectator with it.
    pub(super) fn of_spectator(&self, id: SpectatorId) -> Option<Of> {
        self.all().find(|of| self.get(*of).room.holds(id))
    }

    /// Whether nobody watches.
    pub(super) fn is_empty(&self) -> bool {
        self.iter().all(|stage| stage.room.is_empty())
    }

    /// Says why, and closes many sockets.
    pub(super) fn dismiss_all(&mut self, whom: Whom, reason: &str, retry_ms: Option<u32>) {
        self.iter_mut().for_each(|stage| stage.room.dismiss_all(whom, reason, retry_ms));
    }

    /// Everybody gets a keyframe with the next beat.
    pub(super) fn refresh(&mut self) {
        self.iter_mut().for_each(|stage| stage.feed.refresh = true);
    }
}

impl Stage {
    fn new(context: &Context, audience: Audience, tasks: &TaskTracker, (patience, number): (Patience, u32)) -> Self {
        let run = format!("{}-{}", context.boot, context.connection_id());
        Self {
            audience,
            room: Room::new(tasks.clone(), patience, Arc::clone(&context.metrics)).with_number(number),
            feed: FeedState::new(run),
            numbered: HashSet::new(),
            ask_at: Some(Instant::now()),
        }
    }

    /// Positions begin anew: everybody gets a keyframe next.
    pub(super) fn new_epoch(&mut self) {
        self.feed.epoch += 1;
        self.feed.positions = Default::default();
        self.feed.refresh = true;
        self.room.begin_epoch(self.feed.epoch);
    }

    /// Players of fights that have no number yet, once the store may be asked.
    fn to_number<'a>(&self, fights: impl Iterator<Item = &'a EncounterState>) -> Option<Vec<ActorId>> {
        self.ask_at.filter(|at| *at <= Instant::now())?;
        let players = |state: &'a EncounterState| {
            let actors = state.actors().iter().zip(0_u16..);
            actors.filter(|(_, at)| state.is_player(ActorIx(*at))).map(|(actor, _)| actor.id)
        };
        let new: Vec<_> = fights.flat_map(players).filter(|player| !self.numbered.contains(player)).collect();
        (!new.is_empty()).then_some(new)
    }
}

impl RaidTask {
    /// The stage of who sees the raid so; `None` where it is not made yet.
    pub(super) fn stage_for(&self, admitted: Admitted) -> Option<Of> {
        if self.row.names == NamesPolicy::Full || admitted.is_member(self.row.tickets) {
            return Some(Of::Members);
        }
        self.stages.others.is_some().then_some(Of::Others)
    }

    /// Makes the stage of those who are no members, where the raid hides names from them. Who watched in another way is
    /// let go, and comes back to the right one.
    pub(super) fn set_stages(&mut self) {
        let tickets = self.row.tickets;
        let (reason, retry_ms) = (SHOWN_OTHERWISE, Some(SHOWN_OTHERWISE_RETRY_MS));
        if let Some(mut others) = self.stages.others.take() {
            others.room.dismiss_all(Whom::Everybody, reason, retry_ms);
            self.encounters.values_mut().for_each(|held| held.screens.truncate(Of::Others.index()));
        }
        if self.row.names == NamesPolicy::Full {
            return;
        }
        self.stages.members.room.dismiss_all(Whom::NoMembers { tickets }, reason, retry_ms);
        let context = &self.around.context;
        let audience = context.veils.without_numbers(&self.row.code, self.row.names);
        let stages = &mut self.stages;
        let mut others = Stage::new(context, audience, &stages.tasks, (stages.patience, stages.rooms));
        stages.rooms += 1;
        others.feed.epoch = 1;
        others.room.begin_epoch(1);
        stages.others = Some(others);
    }

    /// Gives players of a fight, or of all its own, numbers, by which those see them who are no members.
    pub(super) fn number_players(&mut self, of: Option<EncounterId>) {
        let Some(others) = &mut self.stages.others else { return };
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
        let Some(others) = self.stages.others.as_mut().filter(|_| self.row.names == names) else { return };
        match result {
            Ok(audience) => {
                others.audience = audience;
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
