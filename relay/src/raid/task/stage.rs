//! Whom a raid is shown to: its members, and the others where it hides something from them.
//!
//! One invariant: a stage shows the same to all who watch it. Where the raid hides nothing there is one, for everybody.

use std::collections::HashSet;
use std::sync::Arc;

use raidcast_shared::event::ActorIx;
use raidcast_shared::fold::EncounterState;
use raidcast_shared::id::{ActorId, EncounterId};
use raidcast_shared::view::Audience;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::access::Numbers;
use crate::context::Context;
use crate::fanout::{Pace, Patience, Room, SpectatorId, Whom};

/// Where the raid's views stand.
#[derive(Debug, Default)]
pub(super) struct FeedState {
    /// Names this run of the raid's task in epochs: positions and events mean nothing in another.
    pub(super) run: String,
    /// Counts ticks of the fastest pace.
    pub(super) beat: u64,
    pub(super) epoch: u32,
    pub(super) positions: [u64; Pace::ALL.len()],
    /// When what the newest tick of each pace shows came, Unix ms.
    pub(super) shown_of_ms: [i64; Pace::ALL.len()],
    pub(super) events: u64,
    /// Spectators get a keyframe with the next beat, whatever their pace.
    pub(super) refresh: bool,
}

impl FeedState {
    pub(super) fn new(run: String) -> Self {
        Self { run, ..Self::default() }
    }

    /// Pace and number of an epoch of this run.
    pub(super) fn parse_epoch(&self, epoch: &str) -> Option<(Pace, u32)> {
        let mut parts = epoch.split('.');
        let (run, pace, number) = (parts.next()?, parts.next()?, parts.next()?);
        let pace = Pace::of(pace.parse().ok()?)?;
        Some((pace, number.parse().ok()?)).filter(|_| run == self.run && parts.next().is_none())
    }
}

/// What one audience watches.
pub(super) struct Stage {
    pub(super) audience: Audience,
    pub(super) room: Room,
    pub(super) feed: FeedState,
    /// The fight that is shown to those who are behind; the others see the task's.
    pub(super) current: Option<EncounterId>,
    /// Until when those were shown what came, when that was looked at last.
    pub(super) followed_ms: Option<i64>,
    /// Players that have numbers, as far as the store was asked.
    pub(super) numbered: HashSet<ActorId>,
    /// The numbers.
    pub(super) numbers: Arc<Numbers>,
    /// When the store may be asked again; `None` while it is.
    pub(super) ask_at: Option<Instant>,
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
    /// One for members of a raid. `tasks`: where rooms spread out.
    pub(in crate::raid) fn new(context: &Context, code: &str, tasks: TaskTracker) -> Self {
        let patience = Patience::with_spectators(&context.limits);
        let members = Stage::new(context, context.veils.of_members(code, &Arc::default()), &tasks, (patience, 0));
        Self { members, others: None, tasks, patience, rooms: 1 }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Of> + use<> {
        [Some(Of::Members), self.others.as_ref().map(|_| Of::Others)].into_iter().flatten()
    }

    /// Makes the stage of those who are no members, for an audience.
    pub(super) fn add_others(&mut self, context: &Context, audience: Audience) {
        let mut others = Stage::new(context, audience, &self.tasks, (self.patience, self.rooms));
        self.rooms += 1;
        others.feed.epoch = 1;
        others.room.begin_epoch(1);
        self.others = Some(others);
    }

    /// Makes the stage of members anew, for another audience; gives the one before for its goodbyes.
    pub(super) fn replace_members(&mut self, context: &Context, audience: Audience) -> Stage {
        let mut members = Stage::new(context, audience, &self.tasks, (self.patience, self.rooms));
        self.rooms += 1;
        members.feed.epoch = 1;
        members.room.begin_epoch(1);
        std::mem::replace(&mut self.members, members)
    }

    /// That of those who are no members goes; gives it for its goodbyes.
    pub(super) fn remove_others(&mut self) -> Option<Stage> {
        self.others.take()
    }

    /// That of those who are no members, where the raid hides something from them.
    pub(super) fn others_mut(&mut self) -> Option<&mut Stage> {
        self.others.as_mut()
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

    /// Everybody gets a keyframe with the next beat who sees things as they come.
    pub(super) fn refresh(&mut self) {
        let at_once = self.iter_mut().filter(|stage| !stage.audience.is_behind());
        at_once.for_each(|stage| stage.feed.refresh = true);
    }

    /// Everybody gets a keyframe with the next beat.
    pub(super) fn refresh_all(&mut self) {
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
            current: None,
            followed_ms: None,
            numbered: HashSet::new(),
            numbers: Arc::default(),
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

    /// Players of fights that are hidden and have no number yet, once the store may be asked.
    pub(super) fn to_number<'a>(&self, fights: impl Iterator<Item = &'a EncounterState>) -> Option<Vec<ActorId>> {
        if self.audience.sees_everything() {
            return None;
        }
        self.ask_at.filter(|at| *at <= Instant::now())?;
        let players = |state: &'a EncounterState| {
            let actors = state.actors().iter().zip(0_u16..);
            actors.filter(|(_, at)| state.is_player(ActorIx(*at))).map(|(actor, _)| actor.id)
        };
        let new: Vec<_> = fights
            .flat_map(players)
            .filter(|player| self.audience.hides(*player) && !self.numbered.contains(player))
            .collect();
        (!new.is_empty()).then_some(new)
    }
}
