//! To the relay: what is due now, as far as its limits allow.

use raidcast_shared::limits as l;
use raidcast_shared::uplink::{DeltaFrame, End, UplinkFrame};

use super::stream::{Standing, Stream};
use super::{Change, Uploader};

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Sends what is due, as far as the relay's limits allow.
    pub(super) fn pump(&mut self, now_ms: u64) {
        let Some(link) = self.session.link() else { return };
        let whole = self.options.history.is_some();
        for stream in self.streams.iter_mut() {
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
                stream.asked(now_ms);
                asking |= stream.is_ended();
                open += 1;
            }
        }
        let mut in_flight = self.streams.in_flight();
        for at in order {
            let stream = &mut self.streams[at];
            let Standing::Open { h } = stream.standing else { continue };
            if stream.is_paused(now_ms) {
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
                        self.meter.read_again();
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
        let Some(link) = self.session.link() else { return };
        let unix_ms = self.options.clock.unix_ms();
        let mut idle = Vec::new();
        for stream in self.streams.iter_mut() {
            let Standing::Open { h } = stream.standing else { continue };
            if stream.is_ended() || stream.next_frame().is_some() || stream.is_paused(now_ms) {
                continue;
            }
            if stream.is_idle(now_ms) {
                if !stream.is_idle_sent() && link.send(&UplinkFrame::Idle { h }) && stream.idle_sent() {
                    idle.push((stream.encounter(), stream.silent_ms(now_ms) / 1000));
                }
            } else if let Some(delta) = stream.heartbeat(l::HEARTBEAT_MS, unix_ms - stream.started_at_ms(), now_ms)
                && link.send(&UplinkFrame::Delta(DeltaFrame { h, delta }))
            {
                stream.heartbeat_sent(now_ms);
            }
        }
        for (encounter, seconds) in idle {
            self.announcer.tell(Change::Idle { encounter: Some(encounter.to_string()), seconds });
        }
    }
}
