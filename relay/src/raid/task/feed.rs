//! A raid's task and its spectators: what they see, and when.

use std::collections::BTreeMap;

use raidcast_shared::feed::{Detail, Echo, FeedEvent, FeedFrame, FeedHappening, FeedRaid, FrameTimes, Keyframe};
use raidcast_shared::id::{ActorId, EncounterId};
use raidcast_shared::overlay::OverlayLine;
use raidcast_shared::uplink::ReportState;
use raidcast_shared::view::{self, Audience, LiveStep, Shown};
use raidcast_store::RaidRow;

use super::access::{MOVED_ON, MOVES_ON_RETRY_MS, NOT_FOR_YOU};
use super::names::{SHOWN_OTHERWISE, SHOWN_OTHERWISE_RETRY_MS};
use super::past::Earlier;
use super::stage::{FeedState, Of, Stage};
use super::state::RaidTask;
use crate::access::Until;
use crate::context::Context;
use crate::fanout::{Answer, Format, Pace, Resume, Room, SpectatorId, Wish};
use crate::metrics::Lag;
use crate::raid::command::{FromSpectator, Join, Joined};
use crate::raid::encounter::{LiveEncounter, Scenery};

impl RaidTask {
    /// Brings the views that are due to the present state and sends what changed: one write for each spectator.
    pub(super) fn tick(&mut self) {
        self.heed();
        if self.stages.others_mut().is_some_and(|others| !others.room.is_empty()) {
            self.follow();
        }
        for of in self.stages.all() {
            let Stage { room, feed, .. } = self.stages.get_mut(of);
            feed.beat += 1;
            let (beat, refresh) = (feed.beat, std::mem::take(&mut feed.refresh));
            if refresh {
                room.refresh();
            }
            let due = Pace::ALL.into_iter().filter(|pace| refresh || pace.is_due(beat));
            let due: Vec<_> = due.filter(|pace| room.uses(*pace)).collect();
            self.step(of, &due);
            self.send(of);
        }
    }

    /// Takes some views of a stage one step on.
    fn step(&mut self, of: Of, paces: &[Pace]) {
        if paces.is_empty() {
            return;
        }
        let current = self.current_of(of);
        if current.is_some() {
            self.number_players(of, current);
        }
        let mut happened = Vec::new();
        let audience = &self.stages.get(of).audience;
        if let Some(encounter) = current.and_then(|id| self.encounters.get_mut(&id)) {
            let (screen, scenery) = encounter.screen(of.index());
            happened = screen.happenings.step(Shown::to(audience, scenery.state));
        }
        for what in happened {
            if let Some(id) = current {
                self.event(of, id, what);
            }
        }
        for pace in paces {
            self.step_view(of, *pace);
        }
    }

    fn step_view(&mut self, of: Of, pace: Pace) {
        let current = self.current_of(of);
        let Self { stages, encounters, around, row, .. } = self;
        let stage = stages.get_mut(of);
        let Stage { audience, room, feed, .. } = stage;
        let position = &mut feed.positions[pace.index()];
        let mut tick = None;
        let mut details = Vec::new();
        if let Some(encounter) = current.and_then(|id| encounters.get_mut(&id)) {
            let facts = encounter.facts_on(of.index());
            let (screen, Scenery { state, times: (captured, received), report_id }) = encounter.screen(of.index());
            let view = &mut screen.views[pace.index()];
            let mut step: LiveStep = view.step(Shown::to(audience, state), facts);
            if step.begins_anew {
                match audience.is_behind() {
                    true => stage.new_epoch(),
                    false => self.new_epoch(),
                }
                return;
            }
            let due = room.details_due(pace, view.player_keys(), &step.touched);
            let made = if due.is_empty() { Vec::new() } else { view::skills_of(Shown::to(audience, state), &due) };
            if step.changed {
                *position += 1;
                step.tick.position = *position;
                if facts.state != ReportState::Live || facts.idle {
                    step.tick.checksum = Some(state.checksum().to_string());
                }
                let now_ms = around.context.clock.now_ms();
                step.tick.times = FrameTimes(captured, received, now_ms);
                let metrics = &around.context.metrics;
                metrics.ticked();
                // A tick can be about other things than what came.
                let shown_of_ms = &mut feed.shown_of_ms[pace.index()];
                let is_new = std::mem::replace(shown_of_ms, received) != received;
                if is_new && !row.history && !audience.is_behind() {
                    metrics.lagged(Lag::Relay, now_ms - received);
                }
                tick = Some(FeedFrame::Tick(step.tick));
            }
            for (player_key, skills) in made {
                let detail = Detail {
                    position: *position,
                    report_id: report_id.to_owned(),
                    player_key: player_key.clone(),
                    skills,
                };
                details.push((player_key, FeedFrame::Detail(detail)));
            }
        }
        let details = room.details(pace, details);
        if tick.is_some() || details || room.owes_events(pace) {
            room.step(pace, *position, tick.as_ref());
        }
    }

    fn send(&mut self, of: Of) {
        let (room, scene) = self.room_and_scene(of);
        room.send(|pace, last_event, lost| scene.keyframe(pace, last_event, lost));
    }

    /// A stage's room, and what its keyframes show.
    fn room_and_scene(&mut self, of: Of) -> (&mut Room, Scene<'_>) {
        let (current, until_ms) = (self.current_of(of), self.until_ms_of(of));
        let connected = until_ms.map_or(self.uplink.is_some(), |until_ms| self.connections.at(until_ms));
        let Self { stages, encounters, earlier, row, around, .. } = self;
        let Stage { audience, room, feed, .. } = stages.get_mut(of);
        let scene = Scene {
            audience,
            screen: of.index(),
            feed,
            encounters,
            current,
            until_ms,
            earlier,
            row,
            connected,
            context: &around.context,
        };
        (room, scene)
    }

    pub(super) fn join(&mut self, join: Join) {
        let Join { socket, wish, admitted, link, reply } = join;
        // It was let in a moment ago, and that may be over.
        if !admitted.holds(self.row.visibility, self.row.tickets) {
            socket.turn_away(wish.format, NOT_FOR_YOU, None);
            let _ = reply.send(None);
            return;
        }
        if Until::is_over(link.as_ref()) {
            let (reason, retry_ms) = self.without_link();
            socket.turn_away(wish.format, reason, retry_ms);
            let _ = reply.send(None);
            return;
        }
        let by_channel = wish.channel || admitted.is_by_channel();
        let (channels, account) = (&self.around.channels, self.row.account);
        let is_shown = match admitted.is_member(self.row.tickets) {
            true => channels.shows(account, &self.row.code),
            false => channels.shows_others(account, &self.row.code),
        };
        // Whoever comes before it is told that the channel has moved for others, too, goes then.
        self.others_move_on |= by_channel && !channels.shows(account, &self.row.code);
        if by_channel && !is_shown {
            socket.turn_away(wish.format, MOVED_ON, Some(MOVES_ON_RETRY_MS));
            let _ = reply.send(None);
            return;
        }
        let Some(of) = self.stage_for(admitted) else {
            socket.turn_away(wish.format, SHOWN_OTHERWISE, Some(SHOWN_OTHERWISE_RETRY_MS));
            let _ = reply.send(None);
            return;
        };
        let feed = &self.stages.get(of).feed;
        let (pace, resume) = match wish.resume.as_ref().map(|(epoch, position)| (feed.parse_epoch(epoch), *position)) {
            None => (Pace::usual(wish.format), None),
            Some((None, _)) => (Pace::usual(wish.format), Some(None)),
            Some((Some((pace, epoch)), position)) => (pace, Some(Some(Resume { epoch, position }))),
        };
        self.follow();
        self.bring_up(of, pace);
        let now_ms = self.around.context.clock.now_ms();
        let (connected_at_ms, heard_at_ms, member) = (now_ms, now_ms, admitted.is_member(self.row.tickets));
        let overlay = wish.overlay.then_some(OverlayLine { connected_at_ms, heard_at_ms, by_channel, member });
        let wish = Wish { format: wish.format, pace, resume, by_channel: wish.channel, admitted };
        let (room, scene) = self.room_and_scene(of);
        let events = room.last_event(pace);
        let joined = room.join(socket, wish, || scene.keyframe(pace, events, false));
        if let Some((id, left)) = &joined
            && let Some(line) = overlay
        {
            self.overlays.join(*id, left.clone(), line);
        }
        let _ = reply.send(joined.map(|(id, left)| Joined { id, pace, left }));
        if !self.stages.get(of).feed.refresh {
            // Else the views may stand before a fight that they have not seen: the next tick brings them there.
            self.send(of);
        }
    }

    /// A view that nobody looked at stands where its last spectator left it.
    fn bring_up(&mut self, of: Of, pace: Pace) {
        let Stage { room, feed, .. } = self.stages.get(of);
        if !room.uses(pace) && !feed.refresh {
            self.step(of, &[pace]);
        }
    }

    pub(super) fn spectator(&mut self, id: SpectatorId, format: Format, pace: Pace, what: FromSpectator) {
        // Of a stage that is gone the spectators are, too.
        let Some(of) = self.stages.of_spectator(id) else { return };
        self.overlays.heard(id, self.around.context.clock.now_ms());
        if matches!(what, FromSpectator::Pace) {
            self.follow();
            self.bring_up(of, pace);
        }
        let relay_ms = self.around.context.clock.now_ms();
        let watching = if matches!(what, FromSpectator::Probe(_)) { self.watching(of) } else { None };
        let Stage { room, .. } = self.stages.get_mut(of);
        match what {
            FromSpectator::Gone => room.leave(id),
            FromSpectator::Ping(payload) => room.answer(id, format, Answer::Pong(&payload)),
            FromSpectator::Probe(clock) => {
                let echo = FeedFrame::Echo(Echo { clock, relay_ms, watching });
                room.answer(id, format, Answer::Frame(&echo));
            }
            FromSpectator::Pace => room.pace(id, pace),
            FromSpectator::Anew => room.anew(id),
            FromSpectator::Call(rseq) => room.answer(id, format, Answer::Nothing(&rseq)),
            FromSpectator::Watch(players) => room.watch(id, pace, players),
            FromSpectator::Dismiss(reason) => room.dismiss(id, &reason, None),
        }
    }

    pub(super) fn event(&mut self, of: Of, id: EncounterId, what: FeedHappening) {
        let Some(encounter) = self.encounters.get(&id).filter(|held| held.row.raid_code == self.row.code) else {
            return;
        };
        // All who died at that time, and who killed them: one too many does no harm.
        let named = match &what {
            FeedHappening::Death(told) => {
                let state = &encounter.main.state;
                let then = state.deaths().iter().filter(|death| death.stamp.at_ms == told.at_ms);
                then.flat_map(|death| [Some(death.actor), death.by]).flatten().map(|at| state.actor(at).id).collect()
            }
            _ => Vec::new(),
        };
        let report_id = encounter.row.report_id.clone();
        self.event_of(of, report_id, what, named);
    }

    /// The same of a report whose fight need not be in memory; `named` are those whom it may name.
    pub(super) fn event_of(&mut self, of: Of, report_id: String, what: FeedHappening, named: Vec<ActorId>) {
        let Stage { room, feed, .. } = self.stages.get_mut(of);
        feed.events += 1;
        room.event(FeedEvent { n: feed.events, report_id, what }, named);
    }

    /// Of a fight as such: no player is named.
    fn happened(&mut self, id: EncounterId, what: &FeedHappening) {
        for of in self.stages.all().filter(|of| !self.stages.get(*of).audience.is_behind()).collect::<Vec<_>>() {
            self.event(of, id, what.clone());
        }
        // The list of fights has changed with it.
        self.stages.refresh();
    }

    pub(super) fn fight_began(&mut self, id: EncounterId) {
        let Some(encounter) = self.encounters.get(&id) else { return };
        let started_at_ms = encounter.row.started_at_ms;
        self.happened(id, &FeedHappening::FightBegan { started_at_ms });
    }

    pub(super) fn fight_ended(&mut self, id: EncounterId) {
        let Some(encounter) = self.encounters.get(&id) else { return };
        let what = encounter.ended();
        self.happened(id, &what);
    }

    /// Shows a fight from now on, unless the one that is shown goes on and this one does not.
    pub(super) fn show(&mut self, id: EncounterId) {
        let is_live = |id: &EncounterId| self.encounters.get(id).is_some_and(|held| held.state == ReportState::Live);
        let shown = self.current.filter(is_live);
        let is_own = self.encounters.get(&id).is_some_and(|held| held.row.raid_code == self.row.code);
        if !is_own || self.current == Some(id) || (shown.is_some() && !is_live(&id)) {
            return;
        }
        self.current = Some(id);
        self.new_epoch();
    }

    /// Title, visibility, connection or list of fights changed: spectators get it with a keyframe.
    pub(super) fn raid_changed(&mut self) {
        self.stages.refresh();
    }

    /// Positions begin anew: everybody gets a keyframe next who sees things as they come.
    pub(super) fn new_epoch(&mut self) {
        let at_once = self.stages.iter_mut().filter(|stage| !stage.audience.is_behind());
        at_once.for_each(Stage::new_epoch);
    }
}

/// What of the task's state keyframes are made of, beside the room that sends them.
struct Scene<'a> {
    audience: &'a Audience,
    /// Which of a fight's screens it is.
    screen: usize,
    feed: &'a FeedState,
    encounters: &'a BTreeMap<EncounterId, LiveEncounter>,
    current: Option<EncounterId>,
    /// Its spectators see what came until then; `None`: all of it.
    until_ms: Option<i64>,
    earlier: &'a [Earlier],
    row: &'a RaidRow,
    connected: bool,
    context: &'a Context,
}

impl Scene<'_> {
    fn keyframe(&self, pace: Pace, events: u64, events_lost: bool) -> FeedFrame {
        let encounter = self.current.and_then(|id| self.encounters.get(&id));
        let (captured, received) =
            encounter.and_then(|held| held.seen(self.screen)).map_or((0, 0), |(.., times)| times);
        let view = |held: &LiveEncounter| {
            let (screen, state, _) = held.seen(self.screen)?;
            screen.views[pace.index()].keyframe(Shown::to(self.audience, state), held.row.report_id.clone())
        };
        FeedFrame::Keyframe(Keyframe {
            epoch: format!("{}.{}.{}", self.feed.run, pace.per_s(), self.feed.epoch),
            position: self.feed.positions[pace.index()],
            events,
            events_lost,
            raid: self.raid(),
            fight: encounter.and_then(view),
            times: FrameTimes(captured, received, self.context.clock.now_ms()),
        })
    }

    /// When its fights came.
    fn began(&self) -> impl Iterator<Item = i64> {
        let own = self.encounters.values().filter(|held| held.row.raid_code == self.row.code);
        own.map(|held| held.row.created_at_ms).chain(self.earlier.iter().filter_map(|held| held.kept_at_ms))
    }

    fn raid(&self) -> FeedRaid {
        let earlier = self.earlier.iter().filter(|held| held.is_shown(self.until_ms));
        let mut fights: Vec<_> = earlier.map(|held| held.line.clone()).collect();
        // One that is only sent by way of this raid stands on the page it was made on, which may be a private one.
        let own = self.encounters.values().filter(|held| held.row.raid_code == self.row.code);
        fights.extend(own.filter_map(|held| match self.until_ms {
            Some(until_ms) => held.line_until(until_ms),
            None => Some(held.line()),
        }));
        if self.screen != Of::Members.index() && self.row.shown_to().hides_reports() {
            fights.retain(|line| line.state == ReportState::Live);
        }
        fights.sort_by_key(|line| line.started_at_ms);
        FeedRaid {
            code: self.row.code.clone(),
            title: self.row.title.clone(),
            names: self.row.names,
            delay_s: self.until_ms.map_or(0, |_| u32::try_from(self.row.delay.ms / 1_000).unwrap_or_default()),
            connected: self.connected,
            open: match self.until_ms {
                Some(until_ms) => self.connected || Context::was_open(self.row, until_ms, self.began()),
                None => self.context.is_open(self.row),
            },
            fights,
        }
    }
}
