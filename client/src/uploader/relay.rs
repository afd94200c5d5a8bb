//! The uploader's side towards the relay: what it says, what is sent to it now, and what it needs no more.

use raidcast_shared::limits as l;
use raidcast_shared::text::clean;
use raidcast_shared::uplink::{
    Agent, Begun, DeltaFrame, End, Hello, Outcome, RefusedCode, RefusedScope, ReportState, UplinkFrame, UplinkReply,
    VERSIONS, Welcome,
};

use super::link::Link;
use super::record::{Finished, How};
use super::resume::Resume;
use super::stream::{Standing, Stream};
use super::{Change, Uploader, WatchError};
use crate::socket::SocketEvent;

impl<S: FnMut(Change) + Send> Uploader<S> {
    pub(super) fn hear(&mut self, event: SocketEvent) -> Result<(), WatchError> {
        let now_ms = self.options.clock.elapsed_ms();
        match event {
            SocketEvent::Up { outbox } => {
                let link = Link::new(outbox, now_ms);
                link.send(&UplinkFrame::Hello(self.hello()));
                self.link = Some(link);
            }
            SocketEvent::Down { why, retry } => {
                self.unlink();
                self.told_connected = None;
                if self.told_disconnected.as_ref() != Some(&why) {
                    self.told_disconnected = Some(why.clone());
                    self.tell(Change::Disconnected { why, retry_ms: retry.as_millis() as u64 });
                }
            }
            SocketEvent::Unauthorized { text } => {
                let code = RefusedCode::Unauthorized;
                let scope = RefusedScope::Connection;
                self.tell(Change::Refused { code, text: text.clone(), scope, encounter: None, retry_ms: None });
                return Err(WatchError::Unauthorized { text });
            }
            SocketEvent::Reply(reply) => {
                // What was said before the connection was given up counts no more.
                if self.link.is_some() {
                    self.hear_reply(*reply, now_ms)?;
                    self.pump(now_ms);
                }
            }
        }
        Ok(())
    }

    pub(super) fn hello(&self) -> Hello {
        let meter = self.watching.as_ref().map_or("unknown", |watching| watching.found.meter.as_str());
        let title = self.options.title.as_deref().map(|title| clean(title, l::TITLE_CHARS_MAX));
        Hello {
            v: VERSIONS,
            client: Agent { name: "raidcast".into(), version: env!("CARGO_PKG_VERSION").into() },
            meter: Agent { name: clean(meter, l::AGENT_CHARS_MAX), version: String::new() },
            raid: self.raid.id(),
            secret: self.raid.secret(),
            title: title.filter(|title| !title.is_empty()),
            visibility: self.raid.visibility(),
            names: self.options.names,
            delay_s: self.options.delay_s,
            history: self.options.history.is_some(),
        }
    }

    pub(super) fn unlink(&mut self) {
        self.link = None;
        for stream in &mut self.streams {
            stream.disconnect();
        }
    }

    pub(super) fn hear_reply(&mut self, reply: UplinkReply, now_ms: u64) -> Result<(), WatchError> {
        match reply {
            UplinkReply::Welcome(welcome) => {
                if let Some(link) = &mut self.link {
                    link.welcome(welcome.v, welcome.limits, now_ms);
                }
                self.told_disconnected = None;
                self.raid_url = Some(welcome.raid_url.clone());
                if self.told_connected.as_ref() != Some(&welcome.raid) {
                    self.told_connected = Some(welcome.raid.clone());
                    let Welcome { raid, raid_url: url, channel_url, .. } = welcome;
                    self.tell(Change::Connected { raid, url, channel_url });
                }
            }
            UplinkReply::Begun(begun) => self.begun(&begun, now_ms),
            UplinkReply::Ack { h, q } => {
                let Some(stream) = self.by_handle(h) else { return Ok(()) };
                if stream.is_foreign(q) {
                    stream.standing = Standing::Lost;
                    self.changed = true;
                } else if stream.ack(q) {
                    let (seq, of) = (stream.acked(), stream.spool().seq());
                    let encounter = stream.encounter().to_string();
                    self.last_progress_ms = now_ms;
                    self.tell(Change::Acked { encounter, seq, of });
                }
            }
            UplinkReply::Rewind { h, q } => {
                if let Some(stream) = self.by_handle(h) {
                    if stream.is_foreign(q.saturating_sub(1)) {
                        stream.standing = Standing::Lost;
                        self.changed = true;
                    } else {
                        stream.go_on_from(q.max(1));
                    }
                }
            }
            UplinkReply::Finalized { enc, report, url, state, rev: _ } => {
                let Some(at) = self.streams.iter().position(|stream| stream.encounter() == enc) else { return Ok(()) };
                // Of another reading than the present one it may still be on its way.
                let stream = &self.streams[at];
                let done = state == ReportState::Final && stream.is_end_sent() && stream.standing != Standing::Lost;
                self.last_progress_ms = now_ms;
                let encounter = enc.to_string();
                let (report_id, url) = (clean(&report, 64), clean(&url, 500));
                self.streams[at].report = Some((report_id.clone(), url.clone()));
                self.tell(Change::Finalized {
                    encounter,
                    report_id,
                    url,
                    state,
                    known: false,
                    keeps_visibility: false,
                });
                if done {
                    self.complete(at, How::New, now_ms);
                }
            }
            UplinkReply::Refused(mut refused) => {
                refused.text = clean(&refused.text, 500);
                return self.refused(refused, now_ms);
            }
            UplinkReply::Draining { .. } | UplinkReply::Echo { .. } | UplinkReply::Unknown => {}
        }
        Ok(())
    }

    pub(super) fn by_handle(&mut self, h: u32) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.standing == Standing::Open { h })
    }

    pub(super) fn begun(&mut self, begun: &Begun, now_ms: u64) {
        let asked = |stream: &Stream| stream.encounter() == begun.enc && stream.standing == Standing::Asked;
        let Some(at) = self.streams.iter().position(asked) else { return };
        self.last_progress_ms = now_ms;
        let stream = &mut self.streams[at];
        let resume = stream.begun(begun.h, begun.held.as_ref(), now_ms);
        if resume == Resume::Anew {
            tracing::warn!(encounter = %begun.enc, "the relay holds something else of a fight than its spool");
        }
        let encounter = begun.enc.to_string();
        let (report_id, url) = (clean(&begun.report, 64), clean(&begun.url, 500));
        let report = Some((report_id.clone(), url.clone()));
        let news = stream.report != report;
        stream.report = report;
        if news && matches!(resume, Resume::From(_) | Resume::Anew) {
            let header = &stream.spool().head().header;
            let (started_at_ms, scene) = (header.started_at_ms, header.scene.clone());
            let (encounter, report_id, url) = (encounter.clone(), report_id.clone(), url.clone());
            self.tell(Change::Begun { encounter, report_id, url, started_at_ms, scene });
        }
        match resume {
            // What was noted of it stands before what is sent from now on.
            Resume::From(_) => self.flush(now_ms),
            Resume::StandBy => {}
            Resume::Anew => self.changed = true,
            Resume::Known => {
                let keeps_visibility = self.options.visibility.is_some();
                let state = ReportState::Final;
                self.tell(Change::Finalized { encounter, report_id, url, state, known: true, keeps_visibility });
                self.complete(at, How::Known, now_ms);
            }
            Resume::Kept => {
                self.tell(Change::Kept { encounter, report_id, url });
                self.complete(at, How::Kept, now_ms);
            }
        }
    }

    /// The relay needs nothing more of a fight.
    pub(super) fn complete(&mut self, at: usize, how: How, now_ms: u64) {
        let stream = self.streams.remove(at);
        self.finalized += 1;
        let fight = self.note(&stream, how, None);
        self.let_go(stream, now_ms);
        if self.options.history.is_some() {
            self.tell(Change::Uploaded { fight });
        }
    }

    /// Notes what became of a fight.
    pub(super) fn note(&mut self, stream: &Stream, result: How, why: Option<String>) -> Finished {
        let (report_id, url) = stream.report.clone().unzip();
        let fight = Finished {
            encounter: stream.encounter().to_string(),
            title: stream.title(),
            started_at_ms: stream.started_at_ms(),
            duration_ms: stream.elapsed_ms(),
            events: stream.events(),
            outcome: stream.spool().ending().map_or(Outcome::Unfinished, |ending| ending.outcome),
            report_id,
            url,
            result,
            why,
            relay: self.options.relay.clone(),
        };
        self.record.note(fight.clone());
        self.record_unsaved = true;
        fight
    }

    /// Forgets a fight that is done with, and removes its spool.
    pub(super) fn let_go(&mut self, stream: Stream, now_ms: u64) {
        let head = stream.spool().head();
        if let Some(watched) = self.fights.databases.get_mut(&head.db) {
            watched.open.remove(&head.encounter.to_string());
        }
        self.done.insert(head.encounter);
        self.fights_unsaved = true;
        self.flush(now_ms);
        // The list first: a spool that outlives it is known to be done.
        stream.into_spool().remove();
    }

    /// Sends what is due, as far as the relay's limits allow.
    pub(super) fn pump(&mut self, now_ms: u64) {
        let Some(link) = self.link.as_mut().filter(|link| link.welcomed) else { return };
        let whole = self.options.history.is_some();
        for stream in &mut self.streams {
            if stream.asks_at_end() {
                stream.standing = Standing::Unbegun;
            }
        }
        let begun = |stream: &Stream| matches!(stream.standing, Standing::Asked | Standing::Open { .. });
        let mut open = self.streams.iter().filter(|stream| begun(stream)).count();
        // Fights that go on come first: a raid may have only so many open, and the finished can wait.
        let mut order: Vec<usize> = (0..self.streams.len()).collect();
        order.sort_by_key(|at| self.streams[*at].is_ended());
        // Of finished fights one is asked for at a time: most are known, and nobody waits.
        let asked = |stream: &Stream| stream.is_ended() && stream.standing == Standing::Asked;
        let mut asking = self.streams.iter().any(asked);
        for at in &order {
            let stream = &mut self.streams[*at];
            if stream.is_unanswered(now_ms) {
                tracing::warn!(encounter = %stream.encounter(), "the relay owes an answer; beginning again");
                stream.standing = Standing::Unbegun;
            }
            if stream.may_begin(now_ms, whole)
                && open < l::OPEN_ENCOUNTERS_MAX
                && !(asking && stream.is_ended())
                && link.send(&UplinkFrame::Begin(stream.begin()))
            {
                stream.standing = Standing::Asked;
                stream.last_sent_ms = now_ms;
                asking |= stream.is_ended();
                open += 1;
            }
        }
        let in_flight = self.streams.iter().map(Stream::in_flight);
        let mut in_flight = in_flight.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        for at in order {
            let stream = &mut self.streams[at];
            let Standing::Open { h } = stream.standing else { continue };
            if now_ms < stream.pause_until_ms {
                continue;
            }
            while let Some((seq, bytes)) = stream.next_frame() {
                if !link.may_send(bytes, in_flight, now_ms) {
                    break;
                }
                let delta = match stream.spool_mut().frame(seq) {
                    Ok(delta) => delta,
                    Err(error) => {
                        tracing::warn!(%error, seq, "a spool cannot be read; its fight is read again");
                        stream.standing = Standing::Lost;
                        self.changed = true;
                        break;
                    }
                };
                if !link.send(&UplinkFrame::Delta(DeltaFrame { h, delta })) {
                    break;
                }
                stream.sent(bytes, now_ms);
                in_flight = (in_flight.0 + 1, in_flight.1 + bytes as usize);
            }
            if let Some(ending) = stream.next_end().cloned()
                && link.send(&UplinkFrame::End(End { h, ending }))
            {
                stream.end_sent(now_ms);
            }
        }
    }

    /// Heartbeats of fights without events, and their end.
    pub(super) fn beat(&mut self, now_ms: u64) {
        let Some(link) = self.link.as_ref().filter(|link| link.welcomed) else { return };
        let unix_ms = self.options.clock.unix_ms();
        let mut idle = Vec::new();
        for stream in &mut self.streams {
            let Standing::Open { h } = stream.standing else { continue };
            if stream.is_ended() || stream.next_frame().is_some() || now_ms < stream.pause_until_ms {
                continue;
            }
            if stream.is_idle(now_ms) {
                if !stream.idle_sent && link.send(&UplinkFrame::Idle { h }) {
                    stream.idle_sent = true;
                    if !std::mem::replace(&mut stream.idle_told, true) {
                        idle.push((stream.encounter(), now_ms.saturating_sub(stream.last_event_ms) / 1000));
                    }
                }
            } else if now_ms.saturating_sub(stream.last_sent_ms) >= l::HEARTBEAT_MS
                && let Some(delta) = stream.heartbeat(unix_ms - stream.started_at_ms())
                && link.send(&UplinkFrame::Delta(DeltaFrame { h, delta }))
            {
                stream.last_sent_ms = now_ms;
            }
        }
        for (encounter, seconds) in idle {
            self.tell(Change::Idle { encounter: Some(encounter.to_string()), seconds });
        }
    }
}
