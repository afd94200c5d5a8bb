//! The one owner of a raid: its encounters' folds, its uplink, its spectators.
//!
//! Started by the registry; ends by itself when nothing is attached and nothing is live for a minute, or when the
//! relay drains; awaited by the registry's join. A delta's way: check against the gate, append, and when that is
//! durable fold and acknowledge. Appends are pipelined; fan-out goes on meanwhile.
//!
//! What it holds is in [`state`]; the life of an encounter is in [`life`], and ARCHITECTURE.md has it as a picture. A task that panics begins anew from
//! the journal ([`RaidTask::begin_anew`]).

mod access;
mod behind;
mod discard;
mod durable;
mod erase;
mod feed;
mod handles;
mod handover;
mod ingest;
mod life;
mod load;
mod names;
mod opening;
mod overlays;
mod past;
mod replies;
mod report;
mod stage;
mod state;
mod views;
mod watching;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use raidcast_shared::id::EncounterId;
use raidcast_shared::limits::PACES;
use raidcast_shared::uplink::{ReportState, UplinkReply};
use raidcast_store::StoreError;
use tokio::time::{Instant, MissedTickBehavior};

use super::command::RaidCommand;
use super::encounter::LiveEncounter;
use crate::fanout::Whom;

pub(crate) use access::NOT_FOR_YOU;
pub(crate) use names::{SHOWN_OTHERWISE, SHOWN_OTHERWISE_RETRY_MS};
pub(super) use stage::Stages;
pub(super) use state::{Around, RaidTask};
use state::{Releasing, STORE_RETRY_MS, Wanted};

/// A task that nobody needs stays this long, so that a reload of the page finds it.
const LINGER: Duration = Duration::from_mins(1);
/// How often grace and lingering are looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// From the last delta of an old fight to a provisional report, ms.
const HISTORY_GRACE_MS: i64 = 15_000;
/// A task that panics again before this has passed since it began anew is given up the third time.
const FALLS_WITHIN: Duration = Duration::from_mins(1);

impl RaidTask {
    pub(super) async fn run(mut self) {
        let mut falls: Vec<Instant> = Vec::new();
        while AssertUnwindSafe(self.live()).catch_unwind().await.is_err() {
            let now = Instant::now();
            falls.retain(|fall| now - *fall < FALLS_WITHIN);
            falls.push(now);
            self.around.context.metrics.fell();
            tracing::error!(
                raid = self.row.code,
                falls = falls.len(),
                "a raid's task fell; it begins anew from the journal"
            );
            if falls.len() > 2 || AssertUnwindSafe(self.begin_anew()).catch_unwind().await.is_err() {
                tracing::error!(raid = self.row.code, "a raid's task falls again and again: it is let go");
                break;
            }
        }
        self.around.directory.leave(&self.me);
        if AssertUnwindSafe(self.drain()).catch_unwind().await.is_err() {
            tracing::error!(raid = self.row.code, "a raid's task fell while it ended");
        }
        for id in self.known() {
            self.around.directory.disown(self.key(id), &self.me);
        }
        // Who sent a command meanwhile gets no answer, and looks the raid up again.
        self.inbox.close();
    }

    /// After a panic: nothing that is in memory is believed any more but who watches. Fights are read from the journal,
    /// spectators get a keyframe, and the uploader comes back and goes on from what is held.
    async fn begin_anew(&mut self) {
        self.connections.note(self.around.context.clock.now_ms(), false);
        if let Some(uplink) = self.uplink.take() {
            let _ = uplink.replies.try_send(UplinkReply::Draining { retry_ms: STORE_RETRY_MS });
        }
        // Entries that are on their way are stored before the journal is read.
        while self.appends.next().await.is_some() {}
        self.chores = FuturesUnordered::new();
        for id in self.known() {
            self.around.directory.disown(self.key(id), &self.me);
        }
        let discarding: Vec<_> = self.discarding.drain().map(|(id, _)| id).collect();
        // Of what has a report the journal may hold another reading.
        let unsettled: Vec<_> = self
            .encounters
            .iter()
            .filter(|(_, held)| held.state != ReportState::Final || held.candidate.is_some())
            .map(|(id, _)| *id)
            .collect();
        self.encounters.clear();
        self.opening.clear();
        self.loading.clear();
        self.waiting.clear();
        // Who wants to speak for the raid asks again.
        self.wanted.clear();
        self.stages.ask_again();
        // Who waits for an encounter finds it in the store.
        self.releasing.clear();
        self.current = None;
        // As a task that begins: each fight is claimed before it is read, for another raid may be about to take it.
        self.unread = true;
        if let Err(error) = self.read().await {
            tracing::error!(raid = self.row.code, %error, "could not read a raid again");
        }
        for id in unsettled {
            self.take_back(id);
        }
        for id in discarding {
            self.discard(id);
        }
        if !self.has_nothing_yet() {
            self.new_epoch();
        }
    }

    async fn live(&mut self) {
        if let Err(error) = self.read().await {
            tracing::warn!(raid = self.row.code, %error, "could not read a raid");
            return;
        }
        // What ended before the relay was stopped gets its report now.
        for id in self.known() {
            self.go_on(id);
        }
        let fastest = u64::from(PACES[PACES.len() - 1]);
        let mut tick = tokio::time::interval(Duration::from_millis(1000 / fastest));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut housekeeping = tokio::time::interval(HOUSEKEEPING);
        housekeeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let draining = self.around.context.draining.clone();
        while !self.closing {
            tokio::select! {
                biased;
                // The relay stops: nothing new is begun.
                () = draining.cancelled() => break,
                // What is durable is folded and acknowledged first: clients wait for it.
                Some(appended) = self.appends.next(), if !self.appends.is_empty() => self.appended(appended),
                // Reports and opened encounters: rare, and somebody waits.
                Some(chore) = self.chores.next(), if !self.chores.is_empty() => self.chore_done(chore),
                // The pace of the view goes before new input, so that a flood of deltas does not stop the page.
                _ = tick.tick(), if !self.stages.is_empty() => self.tick(),
                // Grace and lingering.
                _ = housekeeping.tick() => if self.housekeep() { break },
                // Everything else.
                Some(command) = self.inbox.recv() => self.command(command),
            }
            self.let_in();
        }
    }

    /// Reads what the task needs before it answers anybody.
    ///
    /// # Errors
    /// It cannot begin: whoever asked looks the raid up again.
    async fn read(&mut self) -> Result<(), StoreError> {
        if self.unread {
            self.read_row().await?;
        }
        let store = Arc::clone(&self.around.context.store);
        match store.raid_reports(&self.row.code).await {
            Ok(mut lines) => {
                if std::mem::take(&mut self.unread) {
                    self.read_fights(&lines);
                }
                lines.reverse();
                let held = |id: &EncounterId| self.encounters.contains_key(id);
                let earlier = lines.into_iter().filter(|line| !held(&line.encounter));
                self.earlier = earlier.map(Into::into).collect();
            }
            Err(error) if self.unread => return Err(error),
            Err(error) => tracing::warn!(raid = self.row.code, %error, "could not list a raid's fights"),
        }
        Ok(())
    }

    fn command(&mut self, command: RaidCommand) {
        self.needed_at = Instant::now();
        self.heed();
        match command {
            RaidCommand::Attach(attach) => self.wants(Wanted::ToSpeak(attach)),
            RaidCommand::Show(show) => self.wants(Wanted::ToShow(show)),
            RaidCommand::Detach { connection } => self.detach(connection),
            RaidCommand::Uplink { connection, frame, received_ms } => {
                self.uplink_frame(connection, *frame, received_ms);
            }
            RaidCommand::Join(join) if self.has_nothing_yet() => {
                self.joining.push(join);
            }
            RaidCommand::Join(join) => self.join(join),
            RaidCommand::Spectator { id, format, pace, what } => self.spectator(id, format, pace, what),
            RaidCommand::Superseded { reply } => {
                self.superseded();
                let _ = reply.send(());
            }
            RaidCommand::TicketsRenewed { raid, channel, reply } => {
                self.tickets_renewed(raid, channel);
                let _ = reply.send(());
            }
            RaidCommand::LinkEnded { link, reply } => {
                self.link_ended(link);
                let _ = reply.send(());
            }
            RaidCommand::Standing { report_id, until_ms, reply } => {
                let held = self.encounters.values().find(|held| held.row.report_id == report_id);
                let standing = held.and_then(|held| match until_ms {
                    Some(until_ms) => held.standing_until(until_ms),
                    None => Some(held.standing()),
                });
                let _ = reply.send(standing.map(Box::new));
            }
            RaidCommand::Held { begin, reply } => {
                let held = self.encounters.get_mut(&begin.enc);
                let _ = reply.send(held.map(|held| (held.row.clone(), held.held(&begin))));
            }
            RaidCommand::Streamed { encounter, reply } => {
                let _ = reply.send(self.is_streamed(encounter));
            }
            RaidCommand::Release { encounter, claim, moves, reply } => {
                self.asked_to_release(Releasing { encounter, claim, moves, reply });
            }
            RaidCommand::TakeBack { encounter } => self.take_back(encounter),
            RaidCommand::Came { line } => self.came(*line),
            RaidCommand::Gone { report_id } => {
                self.earlier.retain(|held| held.line.report_id != report_id);
                self.stages.refresh_all();
            }
            RaidCommand::ViewsChanged { report_id } => self.views_changed(report_id),
            RaidCommand::Erasing { encounter, reply } => {
                self.erasing(encounter);
                let _ = reply.send(());
            }
            RaidCommand::Close { reply } => {
                self.close();
                let _ = reply.send(());
            }
            RaidCommand::TitleCleared { reply } => {
                self.title_cleared();
                let _ = reply.send(());
            }
            // It was heeded with the command.
            RaidCommand::Heed { reply } => {
                let _ = reply.send(());
            }
            RaidCommand::Overlays { reply } => {
                let _ = reply.send(self.overlays.told());
            }
            RaidCommand::Connected { until_ms, reply } => {
                let connected = until_ms.map_or(self.uplink.is_some(), |until_ms| self.connections.at(until_ms));
                let _ = reply.send(connected);
            }
        }
    }

    /// Grace and lingering; true if the task is to end.
    fn housekeep(&mut self) -> bool {
        self.stages.iter_mut().for_each(|stage| stage.room.sweep());
        self.heed();
        for of in self.stages.all() {
            self.number_players(of, None);
        }
        self.tell_views();
        self.let_deltas_go();
        self.let_others_move_on();
        self.unfollow_unwatched();
        if self.around.context.memory.is_tight(self.row.account) {
            self.forget_idle(None);
        }
        let now_ms = self.around.context.clock.now_ms();
        // Of old fights nothing is live: what stops coming is provisional, and goes on if it comes.
        let grace_ms = if self.row.history {
            HISTORY_GRACE_MS.min(self.around.context.grace_ms)
        } else {
            self.around.context.grace_ms
        };
        for held in self.encounters.values_mut() {
            // A clock that was ahead: else grace would not pass before that time.
            held.last_event_ms = held.last_event_ms.min(now_ms);
        }
        let due = |held: &LiveEncounter| {
            held.state == ReportState::Live
                && !held.is_busy()
                && !held.main.is_ended()
                && !held.set_aside
                && !held.would_take_away(now_ms)
                && now_ms - held.last_event_ms >= grace_ms
        };
        let due: Vec<_> = self.encounters.iter().filter(|(_, held)| due(held)).map(|(id, _)| *id).collect();
        for id in due {
            self.keep(id, ReportState::Provisional);
        }
        // What waited for those who are behind.
        let waits = |held: &LiveEncounter| held.is_to_be_kept() && !held.is_busy() && !held.would_take_away(now_ms);
        let waits: Vec<_> = self.encounters.iter().filter(|(_, held)| waits(held)).map(|(id, _)| *id).collect();
        for id in waits {
            self.go_on(id);
        }
        let is_live = |held: &LiveEncounter| held.state == ReportState::Live && !held.set_aside;
        let busy = self.encounters.values().any(|held| held.is_busy() || is_live(held));
        let at_work = !(self.opening.is_empty() && self.discarding.is_empty() && self.chores.is_empty());
        if busy || at_work || self.uplink.is_some() || !self.stages.is_empty() || self.is_ahead() {
            self.needed_at = Instant::now();
        }
        self.needed_at.elapsed() >= LINGER && self.inbox.is_empty()
    }

    /// The relay stops, or nobody needs the raid: finish what is under way, and say goodbye.
    async fn drain(&mut self) {
        if let Some(uplink) = &self.uplink {
            let _ = uplink.replies.try_send(UplinkReply::Draining { retry_ms: 1_000 });
        }
        while let Some(appended) = self.appends.next().await {
            self.appended(appended);
        }
        self.stages.dismiss_all(Whom::Everybody, "the relay restarts; come back in a moment", Some(1_000));
    }
}
