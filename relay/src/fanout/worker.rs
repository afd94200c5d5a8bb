//! A shard of a large room: a task that writes ready bytes to its own spectators, so that the raid's task need not.
//!
//! Started by the room when it has more spectators than the raid's task writes to; ends when the room does; awaited
//! by the tracker that the room was given. Of the room's steps the newest waits: a shard that is late leaves steps
//! out, and its spectators get a keyframe.

use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use raidcast_shared::uplink::Visibility;
use raidcast_store::Tickets;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::room::SpectatorId;
use super::shard::{LANES, Shard, Spectator, Step, Wants, Watch};
use super::socket::Pings;
use super::view::Pace;
use crate::access::Admitted;

/// Writes between two chances for other tasks of the thread.
const SLICE: usize = 128;

/// Something that concerns one spectator, or how they all are sent away.
pub(super) enum Control {
    Join(SpectatorId, Box<Spectator>),
    Leave(SpectatorId),
    Answer(SpectatorId, Bytes),
    Pace(SpectatorId, Pace),
    Watch(SpectatorId, Arc<Watch>),
    Dismiss(SpectatorId, [Bytes; 2]),
}

/// Who is sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// All spectators.
    Everybody,
    /// Those who came by the channel's address, or see the raid by its ticket.
    ByChannel,
    /// Those who may not see a raid that is so visible and whose good tickets are these.
    NoLonger {
        /// Who may see it.
        visibility: Visibility,
        /// Which are good.
        tickets: Tickets,
    },
}

impl Whom {
    pub(super) fn of(self, shard: &Shard) -> Vec<SpectatorId> {
        match self {
            Self::Everybody => shard.ids_of(|_| true),
            Self::ByChannel => {
                let by_ticket = |held: &Spectator| matches!(held.admitted, Admitted::ByChannelTicket(_));
                shard.ids_of(|held| held.by_channel || by_ticket(held))
            }
            Self::NoLonger { visibility, tickets } => shard.ids_of(|held| !held.admitted.holds(visibility, tickets)),
        }
    }
}

#[derive(Default)]
struct Queue {
    controls: Vec<Control>,
    step: Option<Step>,
    missed: [bool; LANES],
    sweep: bool,
    /// In their order; each comes from one change of the raid.
    dismiss: Vec<([Bytes; 2], Whom)>,
    closed: bool,
}

/// What room and worker share.
#[derive(Default)]
struct Inbox {
    queue: Mutex<Queue>,
    wake: Notify,
    spectators: AtomicUsize,
    present: [AtomicUsize; LANES],
    wants: [AtomicU8; LANES],
    writes: AtomicU64,
    waiting: AtomicUsize,
}

impl Inbox {
    /// No code that holds it can panic, but a poisoned queue is still a queue.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The room's end of a shard.
pub(super) struct Worker {
    inbox: Arc<Inbox>,
}

impl Worker {
    /// A worker without spectators, on the tracker's runtime.
    pub(super) fn spawn(tasks: &tokio_util::task::TaskTracker, pings: Pings) -> Self {
        let inbox = Arc::new(Inbox::default());
        tasks.spawn(work(Arc::clone(&inbox), pings));
        Self { inbox }
    }

    pub(super) fn join(&self, id: SpectatorId, spectator: Spectator) {
        // Counted before it is taken in, so that its view has a tick at once.
        self.inbox.spectators.fetch_add(1, Ordering::Relaxed);
        self.inbox.present[spectator.lane.index()].fetch_add(1, Ordering::Relaxed);
        self.tell(Control::Join(id, Box::new(spectator)));
    }

    /// What comes from a spectator is bounded by its rate, so the queue is too.
    pub(super) fn tell(&self, control: Control) {
        self.inbox.queue().controls.push(control);
        self.inbox.wake.notify_one();
    }

    /// The next step, in place of one that was not taken yet.
    pub(super) fn send(&self, step: Step) {
        let mut queue = self.inbox.queue();
        if let Some(late) = queue.step.replace(step) {
            for (missed, lane) in queue.missed.iter_mut().zip(&late.lanes) {
                *missed |= lane.stepped;
            }
        }
        drop(queue);
        self.inbox.wake.notify_one();
    }

    /// Everybody gets a keyframe next.
    pub(super) fn refresh(&self) {
        self.inbox.queue().missed = [true; LANES];
        for (wants, present) in self.inbox.wants.iter().zip(self.present()) {
            wants.fetch_or(u8::from(present > 0), Ordering::Relaxed);
        }
        self.inbox.wake.notify_one();
    }

    /// Looks after those who are silent.
    pub(super) fn sweep(&self) {
        self.inbox.queue().sweep = true;
        self.inbox.wake.notify_one();
    }

    /// Says goodbye to many.
    pub(super) fn dismiss_all(&self, bye: [Bytes; 2], whom: Whom) {
        self.inbox.queue().dismiss.push((bye, whom));
        self.inbox.wake.notify_one();
    }

    pub(super) fn len(&self) -> usize {
        self.inbox.spectators.load(Ordering::Relaxed)
    }

    pub(super) fn present(&self) -> [usize; LANES] {
        std::array::from_fn(|at| self.inbox.present[at].load(Ordering::Relaxed))
    }

    pub(super) fn wants(&self) -> [Wants; LANES] {
        std::array::from_fn(|at| {
            let bits = self.inbox.wants[at].load(Ordering::Relaxed);
            Wants { keyframe: bits & 1 != 0, keyframe_lost: bits & 2 != 0 }
        })
    }

    pub(super) fn writes(&self) -> u64 {
        self.inbox.writes.load(Ordering::Relaxed)
    }

    pub(super) fn waiting(&self) -> usize {
        self.inbox.waiting.load(Ordering::Relaxed)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.inbox.queue().closed = true;
        self.inbox.wake.notify_one();
    }
}

async fn work(inbox: Arc<Inbox>, pings: Pings) {
    let mut shard = Shard::default();
    // What views had last: tells a spectator that joins between two steps what it lacks.
    let mut last = Step::default();
    loop {
        inbox.wake.notified().await;
        let Queue { controls, step, missed, sweep, dismiss, closed } = std::mem::take(&mut *inbox.queue());
        for control in controls {
            apply(&mut shard, control);
        }
        // Who may no longer see the raid, or whose channel has moved on, sees nothing of this step; all others are sent
        // away after it.
        let (no_longer, later): (Vec<_>, Vec<_>) =
            dismiss.into_iter().partition(|(_, whom)| !matches!(whom, Whom::Everybody));
        dismiss_all(&mut shard, no_longer);
        shard.unsync(missed);
        if let Some(step) = step {
            for slice in shard.ids().chunks(SLICE) {
                shard.send_to(slice, &step);
                tokio::task::yield_now().await;
            }
            last = step;
        }
        if sweep {
            shard.sweep(pings, Instant::now());
        }
        dismiss_all(&mut shard, later);
        inbox.spectators.store(shard.len(), Ordering::Relaxed);
        inbox.writes.store(shard.writes(), Ordering::Relaxed);
        inbox.waiting.store(shard.waiting(), Ordering::Relaxed);
        for (at, (present, wants)) in shard.present().into_iter().zip(shard.wants(&last)).enumerate() {
            inbox.present[at].store(present, Ordering::Relaxed);
            inbox.wants[at].store(u8::from(wants.keyframe) | u8::from(wants.keyframe_lost) << 1, Ordering::Relaxed);
        }
        if closed {
            return;
        }
    }
}

fn dismiss_all(shard: &mut Shard, dismissals: Vec<([Bytes; 2], Whom)>) {
    for (bye, whom) in dismissals {
        for id in whom.of(shard) {
            shard.dismiss(id, &bye);
        }
    }
}

fn apply(shard: &mut Shard, control: Control) {
    match control {
        Control::Join(id, spectator) => shard.insert(id, *spectator),
        Control::Leave(id) => drop(shard.remove(id)),
        Control::Answer(id, bytes) => shard.answer(id, &bytes),
        Control::Pace(id, pace) => shard.pace(id, pace),
        Control::Watch(id, watch) => shard.watch(id, watch),
        Control::Dismiss(id, bye) => shard.dismiss(id, &bye),
    }
}
