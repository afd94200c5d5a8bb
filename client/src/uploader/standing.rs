//! How things stand: for who watches the client, and for who looks into its folder.

use super::change::{Delay, LiveFight, Status};
use super::record::{Now, OnItsWay, Queued};
use super::stream::{Standing, Stream};
use super::streams::Streams;
use super::trouble::Trouble;
use super::{Change, Uploader};
use crate::source::Fight;

/// Of so many waiting fights the folder is told which they are.
const QUEUE_TOLD: usize = 100;

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Tells the status now and then.
    pub(super) fn tell_status(&mut self, now_ms: u64) {
        let (meter, streams) = (&self.meter, &self.streams);
        self.announcer.status(now_ms, || Status {
            watching: meter.watching().is_some() && meter.trouble().is_none(),
            connected: self.session.is_welcome(),
            live: streams.live().map(|stream| LiveFight {
                title: stream.title(),
                elapsed_ms: stream.elapsed_ms(),
                events: stream.events(),
            }),
            unacknowledged: streams.on_their_way(),
            url: self.session.raid_url().cloned(),
            unreadable: self.ledger.count_left_out() as u64,
            delay: if self.options.history.is_none() { delay(streams) } else { None },
        });
    }

    /// Says in the folder how things stand, now and then.
    pub(super) fn save_now(&mut self, now_ms: u64) {
        if self.disk.is_now_due(now_ms) {
            self.tell_folder(true);
        }
    }

    /// The same at once; `running`: the client goes on.
    pub(super) fn tell_folder(&mut self, running: bool) {
        let now = self.now(running);
        self.disk.save_now(now, self.options.clock.unix_ms());
    }

    fn now(&self, running: bool) -> Now {
        let disk = || self.disk.trouble().cloned().map(|why| Trouble::Stalled { why });
        let not_connected = || {
            let outage = self.announcer.outage();
            outage.map(|(why, was_connected)| Trouble::NotConnected { why: why.clone(), was_connected })
        };
        let meter = || self.meter.trouble().map(|(_, why)| Trouble::NoDatabase { why: why.clone() });
        Now {
            at_ms: 0,
            running,
            history: self.options.history.is_some(),
            process: std::process::id(),
            relay: self.options.relay.clone(),
            connected: self.session.is_welcome(),
            raid_url: self.session.raid_url().cloned(),
            trouble: disk().or_else(not_connected).or_else(meter),
            fights: self.streams.iter().map(on_its_way).collect(),
            queue: self.streams.queue().iter().take(QUEUE_TOLD).map(queued).collect(),
        }
    }
}

/// How late what the relay has is. Rounded, else it would be news each time.
fn delay(streams: &Streams) -> Option<Delay> {
    let (live, since_ms) = (streams.live(), streams.waiting_since_ms());
    if live.is_none() && since_ms.is_none() {
        return None;
    }
    let (meter_ms, relay_ms) = live.map(Stream::delays_ms).unwrap_or_default();
    let rounded = |ms: u64| ms / 100 * 100;
    Some(Delay {
        meter_ms: meter_ms.map(rounded),
        relay_ms: relay_ms.map(rounded),
        waiting_since_ms: since_ms.map(|ms| ms.div_euclid(100) * 100),
    })
}

fn on_its_way(stream: &Stream) -> OnItsWay {
    OnItsWay {
        encounter: stream.encounter().to_string(),
        acked: stream.acked(),
        url: stream.report.as_ref().map(|(_, url)| url.clone()),
        open: matches!(stream.standing, Standing::Open { .. }),
        given_up: stream.standing == Standing::GivenUp,
        why: stream.refusals().why().cloned(),
    }
}

fn queued(fight: &Fight) -> Queued {
    let duration_ms = |end_ms: i64| end_ms.saturating_sub(fight.started_at_ms).try_into().ok();
    Queued {
        encounter: fight.encounter.to_string(),
        scene: fight.scene.clone(),
        started_at_ms: fight.started_at_ms,
        duration_ms: fight.end.as_ref().and_then(|end| duration_ms(end.ended_at_ms)),
    }
}
