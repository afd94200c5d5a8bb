//! One spectator: which step of its view it has, and what it is due with a beat.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use raidcast_shared::uplink::Visibility;
use raidcast_store::{LinkId, Tickets};
use tokio::time::Instant;
use tokio_util::sync::DropGuard;

use super::SpectatorId;
use super::beat::Beat;
use super::details::Watch;
use super::format::Format;
use super::frames::joined;
use super::lane::{Lane, Pace};
use super::sink::{Gone, Patience, Sink};
use crate::access::Admitted;
use crate::metrics::{Given, Watching};

/// No step of a view: the keyframe comes next.
pub(super) const NO_STEP: u64 = u64::MAX;

/// Somebody who watches. When it is dropped, the task ends that reads from it.
pub(super) struct Spectator {
    pub(super) id: SpectatorId,
    pub(super) lane: Lane,
    pub(super) sink: Sink,
    /// The step of its view that it has, once what waits is out.
    pub(super) step: u64,
    /// The first event that it has not got.
    pub(super) next_event: u64,
    /// It came by the channel's address.
    pub(super) by_channel: bool,
    /// By what it may see the raid.
    pub(super) admitted: Admitted,
    /// Whose skill rows it wants.
    pub(super) watch: Option<Arc<Watch>>,
    /// Their present rows are owed, whether they changed or not.
    pub(super) owes_details: bool,
    pub(super) _reader: DropGuard,
    pub(super) _watching: Watching,
}

impl Spectator {
    /// Of who lacks the newest step, and whom no batch can give it: the first event that it lacks.
    pub(super) fn lacks(&self, beat: &Beat) -> Option<u64> {
        (self.step != beat.lanes[self.lane.index()].to && self.sink.waiting() == 0).then_some(self.next_event)
    }

    /// Writes what it is due with a beat, and counts that.
    pub(super) fn take(
        &mut self,
        beat: &Beat,
        patience: &Patience,
        now: Instant,
        given: &mut Given,
    ) -> Result<(), Gone> {
        let written = if self.sink.waiting() == 0 {
            let Some(bytes) = self.due(beat) else { return Ok(()) };
            given.bytes += bytes.len() as u64;
            self.sink.write(&bytes, now)
        } else {
            // Still behind, or only just out of it: what it misses now the keyframe makes good, with the next beat, so
            // that a tick is one write.
            given.left_out += 1;
            self.sink.flush(patience, now)
        };
        given.writes += 1;
        self.tell_stalled();
        written
    }

    /// `None` if that is nothing, or if its keyframe is not made yet.
    fn due<'a>(&mut self, beat: &'a Beat) -> Option<Cow<'a, Bytes>> {
        let lane = &beat.lanes[self.lane.index()];
        let details = |all: bool| {
            let keys = self.watch.iter().flat_map(|watch| &watch.keys);
            let held = keys.filter_map(|key| lane.details.get(key));
            held.filter(move |detail| all || detail.changed).map(|detail| &detail.bytes)
        };
        let (has_newest, has_batch) = (self.step == lane.to, self.step == lane.from && lane.from != lane.to);
        let bytes = if has_batch && self.watch.is_none() {
            Cow::Borrowed(&lane.batch)
        } else if has_batch {
            Cow::Owned(details(self.owes_details).fold(BytesMut::from(&lane.batch[..]), joined).freeze())
        } else if has_newest && !self.owes_details {
            return None;
        } else if has_newest {
            Cow::Owned(details(true).fold(BytesMut::new(), joined).freeze())
        } else {
            let keyframe = if self.next_event < lane.kept_from { &lane.keyframe_lost } else { &lane.keyframe };
            let keyframe = keyframe.as_ref()?;
            let owed = beat.events[self.lane.format.index()].iter();
            let owed = owed.filter(|(n, _)| (self.next_event..=lane.last_event).contains(n)).map(|(_, bytes)| bytes);
            Cow::Owned(owed.chain([keyframe]).chain(details(true)).fold(BytesMut::new(), joined).freeze())
        };
        self.owes_details = false;
        self.step = lane.to;
        self.next_event = self.next_event.max(lane.last_event + 1);
        Some(bytes).filter(|bytes| !bytes.is_empty())
    }

    /// The keyframe comes next, whatever it has got.
    pub(super) fn anew(&mut self) {
        self.step = NO_STEP;
    }

    /// Another view from now on: its keyframe comes next.
    pub(super) fn pace(&mut self, pace: Pace) {
        if self.lane.pace != pace {
            self.lane.pace = pace;
            self.step = NO_STEP;
        }
    }

    /// Skill rows of these players from now on.
    pub(super) fn watch(&mut self, watch: Arc<Watch>) {
        self.watch = Some(watch).filter(|watch| !watch.keys.is_empty());
        self.owes_details = self.watch.is_some();
        self.tell_stalled();
    }

    /// Writes an answer, if nothing else is on its way.
    pub(super) fn answer(&mut self, bytes: &Bytes, now: Instant) -> Result<(), Gone> {
        if self.sink.waiting() > 0 {
            return Ok(());
        }
        let written = self.sink.write(bytes, now);
        self.tell_stalled();
        written
    }

    /// Says goodbye in its format, if nothing else is on its way.
    pub(super) fn dismiss(mut self, bye: &Goodbye, now: Instant) {
        let _ = self.answer(&bye[self.lane.format.index()], now);
    }

    /// Pings it when that is due.
    pub(super) fn sweep(&mut self, patience: &Patience, now: Instant) -> Result<(), Gone> {
        let swept = self.sink.sweep(patience, now);
        self.tell_stalled();
        swept
    }

    fn tell_stalled(&self) {
        if let Some(watch) = &self.watch {
            watch.set_stalled(self.sink.waiting() > 0);
        }
    }
}

/// Last words in each format, made once for all who are sent away.
pub(super) type Goodbye = Arc<[Bytes; Format::ALL.len()]>;

/// Who is sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// All spectators.
    Everybody,
    /// Those who came by the channel's address, or see the raid by its ticket.
    ByChannel,
    /// Those of them who are members of a raid whose good tickets are these.
    MembersByChannel {
        /// Which are good.
        tickets: Tickets,
    },
    /// Those who came by this link.
    ByLink(LinkId),
    /// Those who may not see a raid that is so visible and whose good tickets are these.
    NoLonger {
        /// Who may see it.
        visibility: Visibility,
        /// Which are good.
        tickets: Tickets,
    },
    /// Those who are no members of a raid whose good tickets are these.
    NoMembers {
        /// Which are good.
        tickets: Tickets,
    },
}

impl Whom {
    pub(super) fn includes(self, held: &Spectator) -> bool {
        match self {
            Self::Everybody => true,
            Self::ByChannel => held.by_channel || held.admitted.is_by_channel(),
            Self::MembersByChannel { tickets } => {
                held.admitted.is_member(tickets) && (held.by_channel || held.admitted.is_by_channel())
            }
            Self::NoLonger { visibility, tickets } => !held.admitted.holds(visibility, tickets),
            Self::ByLink(link) => held.admitted.link() == Some(link),
            Self::NoMembers { tickets } => !held.admitted.is_member(tickets),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use tokio::net::{TcpListener, TcpStream};
    use tokio_util::sync::CancellationToken;

    use super::super::socket::Socket;
    use super::*;
    use crate::metrics::Metrics;

    /// A spectator without a step, its socket, what is cancelled when it is let go, and the other end.
    pub(in super::super) async fn spectator(n: u64) -> (Spectator, Arc<Socket>, CancellationToken, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let socket = Arc::new(Socket::new(listener.accept().await.unwrap().0, None, None));
        let left = CancellationToken::new();
        let spectator = Spectator {
            id: SpectatorId { room: 0, shard: 0, n },
            lane: Lane { pace: Pace::default(), format: Format::Json },
            sink: Sink::new(Arc::clone(&socket), Instant::now()),
            step: NO_STEP,
            next_event: 1,
            by_channel: n.is_multiple_of(2),
            admitted: Admitted::AsAnybody,
            watch: None,
            owes_details: false,
            _reader: left.clone().drop_guard(),
            _watching: Metrics::default().watches(),
        };
        (spectator, socket, left, there)
    }
}
