//! From the relay: what it says, and what it needs no more.

use raidcast_shared::text::clean;
use raidcast_shared::uplink::{
    Begun, Outcome, RefusedCode, RefusedScope, ReportState, UplinkFrame, UplinkReply, Welcome,
};

use super::announcer::Otherwise;
use super::record::{Finished, How, NotSent};
use super::resume::Resume;
use super::shown_to::ShownTo;
use super::stream::{Standing, Stream};
use super::{Change, Uploader, WatchError};
use crate::socket::{RETRY_MAX, SocketEvent};

impl<S: FnMut(Change) + Send> Uploader<S> {
    pub(super) fn hear(&mut self, event: SocketEvent) -> Result<(), WatchError> {
        let now_ms = self.options.clock.elapsed_ms();
        match event {
            SocketEvent::Up { outbox } => {
                self.session.up(outbox, &self.options, self.meter.name(), now_ms);
            }
            SocketEvent::Down { why, retry } => {
                self.session.down();
                self.streams.disconnect();
                let retry_ms = retry.as_millis() as u64;
                if retry > RETRY_MAX {
                    // Longer than the client waits by itself.
                    self.activity.attempt_awaited(now_ms + retry_ms);
                }
                self.announcer.disconnected(why, retry_ms);
            }
            SocketEvent::Unauthorized { text } => {
                let code = RefusedCode::Unauthorized;
                let scope = RefusedScope::Connection;
                self.announcer.tell(Change::Refused {
                    code,
                    text: text.clone(),
                    scope,
                    encounter: None,
                    retry_ms: None,
                });
                return Err(WatchError::Unauthorized { text });
            }
            SocketEvent::Forbidden { text } => return Err(WatchError::Forbidden { text }),
            SocketEvent::Reply(reply) => {
                // What was said before the connection was given up counts no more.
                if self.session.is_up() {
                    self.hear_reply(*reply, now_ms)?;
                    self.pump(now_ms);
                }
            }
        }
        Ok(())
    }

    fn hear_reply(&mut self, reply: UplinkReply, now_ms: u64) -> Result<(), WatchError> {
        match reply {
            UplinkReply::Welcome(welcome) => {
                let Welcome { v, limits, raid, raid_url, channel_url, names, delay_s } = welcome;
                let [raid, raid_url, channel_url] =
                    [(raid, 64), (raid_url, 500), (channel_url, 500)].map(|(text, most)| clean(&text, most));
                self.session.welcome(v, limits, &raid_url, now_ms);
                // Somebody may have set names and delay on the relay: what it says is in force.
                let asked = self.session.shown_to();
                let shown_to = ShownTo { names, delay_s, ..ShownTo::default() }.or(asked);
                let is_private = self.session.shown_otherwise();
                let otherwise = Otherwise { is_private, set_there: shown_to != asked };
                self.announcer.connected(raid, raid_url, channel_url, (shown_to, otherwise));
            }
            UplinkReply::Begun(begun) => self.begun(&begun, now_ms),
            UplinkReply::Ack { h, q } => {
                let Some(stream) = self.streams.by_handle(h) else { return Ok(()) };
                if stream.is_foreign(q) {
                    stream.standing = Standing::Lost;
                    self.meter.read_again();
                } else if stream.ack(q, now_ms) {
                    let (seq, of) = (stream.acked(), stream.spool().seq());
                    let encounter = stream.encounter().to_string();
                    self.activity.progress(now_ms);
                    self.announcer.tell(Change::Acked { encounter, seq, of });
                }
            }
            UplinkReply::Rewind { h, q } => {
                if let Some(stream) = self.streams.by_handle(h) {
                    if stream.is_foreign(q.saturating_sub(1)) {
                        stream.standing = Standing::Lost;
                        self.meter.read_again();
                    } else {
                        stream.go_on_from(q.max(1));
                    }
                }
            }
            UplinkReply::Finalized { enc, report, url, state, rev: _ } => {
                let Some(at) = self.streams.position(|stream| stream.encounter() == enc) else { return Ok(()) };
                // Of another reading than the present one it may still be on its way.
                let stream = &self.streams[at];
                let done = state == ReportState::Final && stream.is_end_sent() && stream.standing != Standing::Lost;
                self.activity.progress(now_ms);
                let encounter = enc.to_string();
                let (report_id, url) = (clean(&report, 64), clean(&url, 500));
                self.streams[at].report = Some((report_id.clone(), url.clone()));
                self.announcer.tell(Change::Finalized {
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

    fn begun(&mut self, begun: &Begun, now_ms: u64) {
        let asked = |stream: &Stream| stream.encounter() == begun.enc && stream.standing == Standing::Asked;
        let Some(at) = self.streams.position(asked) else { return };
        self.activity.progress(now_ms);
        self.ledger.taken_up(begun.enc);
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
            let (title, live) = (stream.title(), !stream.is_ended());
            let (encounter, report_id, url) = (encounter.clone(), report_id.clone(), url.clone());
            self.announcer.tell(Change::Begun { encounter, report_id, url, started_at_ms, scene, title, live });
        }
        match resume {
            // What was noted of it stands before what is sent from now on.
            Resume::From(_) => self.flush(now_ms),
            Resume::StandBy => {}
            Resume::Discard => {
                // If it does not go out, what is held is found again by the next Begin.
                let _ = self.session.link().is_some_and(|link| link.send(&UplinkFrame::Discard { enc: begun.enc }));
            }
            Resume::Anew => self.meter.read_again(),
            Resume::Known => {
                let keeps_visibility = self.options.visibility.is_some();
                let state = ReportState::Final;
                self.announcer.tell(Change::Finalized {
                    encounter,
                    report_id,
                    url,
                    state,
                    known: true,
                    keeps_visibility,
                });
                self.complete(at, How::Known, now_ms);
            }
            Resume::Kept => {
                self.announcer.tell(Change::Kept { encounter, report_id, url });
                self.complete(at, How::Kept, now_ms);
            }
        }
    }

    /// The relay needs nothing more of a fight.
    fn complete(&mut self, at: usize, how: How, now_ms: u64) {
        self.ledger.finalized();
        let fight = self.finish_off(at, how, None, now_ms);
        if self.options.history.is_some() {
            self.announcer.tell(Change::Uploaded { fight });
        }
    }

    /// Notes what became of a fight, forgets it, and removes its spool.
    pub(super) fn finish_off(&mut self, at: usize, result: How, why: Option<NotSent>, now_ms: u64) -> Finished {
        let stream = self.streams.remove(at);
        let (report_id, url) = stream.report.clone().unzip();
        // What the relay had stays in its raid.
        let (raid, seen_by) = Some(self.session.raid_seen_by()).filter(|_| result == How::New).unzip();
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
            seen_by,
            raid,
        };
        // A reading that was not sent may lack the name that one before it had.
        let fight = self.ledger.note(fight);
        self.ledger.close(stream.spool().head());
        self.upload.done(stream.encounter());
        self.flush(now_ms);
        // The list first: a spool that outlives it is known to be done.
        stream.into_spool().remove();
        fight
    }
}
