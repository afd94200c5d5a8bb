//! A raid's task and its spectators: what they see, and when.

use std::sync::Arc;

use raidcast_shared::feed::{Echo, FeedEvent, FeedFrame, FeedHappening, FeedRaid, FrameTimes, Keyframe};
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::ReportState;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::RaidTask;
use crate::fanout::{Answer, Format, SpectatorId};
use crate::raid::command::{FromSpectator, Joined};

/// Where the raid's one view stands.
#[derive(Debug, Default)]
pub(super) struct FeedState {
    epoch: u32,
    position: u64,
    events: u64,
    waiting: Vec<FeedEvent>,
    refresh: bool,
}

impl RaidTask {
    /// Brings the view to the present state and sends what changed: one write for each spectator.
    pub(super) fn tick(&mut self) {
        let stepped = self.step();
        self.send(stepped);
    }

    /// Takes the view one step on; true if there is something to send.
    fn step(&mut self) -> bool {
        let mut tick = None;
        if let Some(encounter) = self.current.and_then(|id| self.encounters.get_mut(&id)) {
            let facts = encounter.facts();
            let mut step = encounter.view.step(&mut encounter.main.state, facts);
            if step.changed {
                self.feed.position += 1;
                step.tick.position = self.feed.position;
                if facts.state != ReportState::Live || facts.idle {
                    step.tick.checksum = Some(encounter.checksum().to_string());
                }
                let (captured, received) = encounter.main.times;
                step.tick.times = FrameTimes(captured, received, self.shared.clock.now_ms());
                tick = Some(FeedFrame::Tick(step.tick));
            }
            // Figures first: an event may speak of what the tick carries, never the other way round.
            let report_id = encounter.row.report_id.clone();
            for what in step.happened {
                self.feed.events += 1;
                self.feed.waiting.push(FeedEvent { n: self.feed.events, report_id: report_id.clone(), what });
            }
        }
        let events = std::mem::take(&mut self.feed.waiting);
        if events.is_empty() && tick.is_none() {
            return false;
        }
        self.room.step(&events, tick.as_ref());
        true
    }

    fn send(&mut self, stepped: bool) {
        if std::mem::take(&mut self.feed.refresh) {
            self.room.refresh();
        }
        let newest = self.feed.events;
        let mut room = std::mem::take(&mut self.room);
        room.send(stepped, newest, |lost| self.keyframe(lost));
        self.room = room;
    }

    fn keyframe(&self, events_lost: bool) -> FeedFrame {
        let encounter = self.current.and_then(|id| self.encounters.get(&id));
        let (captured, received) = encounter.map_or((0, 0), |held| held.main.times);
        FeedFrame::Keyframe(Keyframe {
            epoch: format!("{}.{}", self.shared.boot, self.feed.epoch),
            position: self.feed.position,
            events: self.feed.events,
            events_lost,
            raid: self.feed_raid(),
            fight: encounter.and_then(|held| held.view.keyframe(&held.main.state, held.row.report_id.clone())),
            times: FrameTimes(captured, received, self.shared.clock.now_ms()),
        })
    }

    fn feed_raid(&self) -> FeedRaid {
        let mut fights = self.earlier.clone();
        fights.extend(self.encounters.values().map(crate::raid::LiveEncounter::line));
        fights.sort_by_key(|line| line.started_at_ms);
        FeedRaid {
            code: self.row.code.clone(),
            title: self.row.title.clone(),
            connected: self.uplink.is_some(),
            open: self.registry.is_open(&self.row),
            fights,
        }
    }

    pub(super) fn join(&mut self, stream: Arc<TcpStream>, format: Format, reply: oneshot::Sender<Option<Joined>>) {
        if self.room.is_empty() {
            // Nobody looked: the view stands where the last spectator left it.
            self.step();
        }
        let joined = self.room.join(stream, format, self.feed.events + 1);
        let _ = reply.send(joined.map(|(id, left)| Joined { id, left }));
        if !self.feed.refresh {
            // Else the view may stand before a fight that it has not seen: the next tick brings it there.
            self.send(false);
        }
    }

    pub(super) fn spectator(&mut self, id: SpectatorId, what: FromSpectator) {
        match what {
            FromSpectator::Gone => self.room.leave(id),
            FromSpectator::Ping(payload) => self.room.answer(id, Answer::Pong(&payload)),
            FromSpectator::Probe(clock) => {
                let echo = FeedFrame::Echo(Echo { clock, relay_ms: self.shared.clock.now_ms() });
                self.room.answer(id, Answer::Frame(&echo));
            }
            FromSpectator::Dismiss(reason) => self.room.dismiss(id, &reason, None),
        }
    }

    fn happened(&mut self, id: EncounterId, what: FeedHappening) {
        let Some(encounter) = self.encounters.get(&id) else { return };
        self.feed.events += 1;
        self.feed.waiting.push(FeedEvent { n: self.feed.events, report_id: encounter.row.report_id.clone(), what });
        // The list of fights has changed with it.
        self.feed.refresh = true;
    }

    pub(super) fn fight_began(&mut self, id: EncounterId) {
        let Some(encounter) = self.encounters.get(&id) else { return };
        let started_at_ms = encounter.row.started_at_ms;
        self.happened(id, FeedHappening::FightBegan { started_at_ms });
    }

    pub(super) fn fight_ended(&mut self, id: EncounterId) {
        let Some(encounter) = self.encounters.get(&id) else { return };
        let what = FeedHappening::FightEnded {
            state: encounter.state,
            outcome: encounter.outcome(),
            revision: encounter.revision,
            checksum: encounter.checksum().to_string(),
        };
        if self.current != Some(id) {
            self.feed.refresh = true;
        }
        self.happened(id, what);
    }

    /// Shows a fight from now on, unless the one that is shown goes on and this one does not.
    pub(super) fn show(&mut self, id: EncounterId) {
        let is_live = |id: &EncounterId| self.encounters.get(id).is_some_and(|held| held.state == ReportState::Live);
        let shown = self.current.filter(is_live);
        if self.current == Some(id) || (shown.is_some() && !is_live(&id)) {
            return;
        }
        self.current = Some(id);
        self.new_epoch();
    }

    /// Title, visibility, connection or list of fights changed: spectators get it with a keyframe.
    pub(super) fn raid_changed(&mut self) {
        self.feed.refresh = true;
    }

    /// Positions begin anew: everybody gets a keyframe next.
    pub(super) fn new_epoch(&mut self) {
        self.feed.epoch += 1;
        self.feed.position = 0;
        self.feed.refresh = true;
    }
}
