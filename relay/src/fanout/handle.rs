//! The room's end of a shard: one way to all of them, whether the room writes in place or a task does.
//!
//! One invariant: a task does what a shard in place would do, in the same order, but that it leaves beats out if it is
//! late: of those the newest waits, and who missed one gets a keyframe. Of commands so many wait as
//! [`SHARD_COMMANDS_MAX`] says. Whom the next one concerns is let go: the room never waits for a task.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

use super::SpectatorId;
use super::beat::Beat;
use super::lane::{Lane, Pace};
use super::shard::{Command, Lacking, Shard, Standing};
use super::sink::Patience;
use super::spectator::Spectator;
use crate::limits::SHARD_COMMANDS_MAX;
use crate::metrics::Metrics;

/// Writes between two chances for other tasks of the thread.
const SLICE: usize = 128;

/// A shard, as its room holds it.
pub(super) struct ShardHandle {
    standing: Arc<Standing>,
    owner: Owner,
}

enum Owner {
    /// The room writes to its spectators itself.
    Room(Box<Shard>),
    Task(Mailbox),
}

impl ShardHandle {
    /// A shard that the room writes to in place.
    pub(super) fn in_place(patience: Patience, metrics: Arc<Metrics>) -> Self {
        let shard = Shard::new(patience, metrics);
        Self { standing: shard.standing(), owner: Owner::Room(Box::new(shard)) }
    }

    /// A shard with a task. It ends when this is dropped and all is done that was told; the tracker awaits it.
    pub(super) fn on_task(tasks: &TaskTracker, patience: Patience, metrics: Arc<Metrics>) -> Self {
        let shard = Shard::new(patience, Arc::clone(&metrics));
        let standing = shard.standing();
        let (commands, queue) = mpsc::channel(SHARD_COMMANDS_MAX);
        let (beats, newest) = watch::channel(Arc::default());
        tasks.spawn(run(shard, queue, newest));
        let (to_leave, tasks) = (HashSet::new(), tasks.clone());
        let mailbox = Mailbox { commands, beats, newest: 0, to_leave, tasks, patience, metrics };
        Self { standing, owner: Owner::Task(mailbox) }
    }

    /// Takes a spectator in; false if there is no room for it, and it is let go.
    pub(super) fn join(&mut self, spectator: Spectator) -> bool {
        // Counted before it is taken in, so that its view has a tick at once.
        let lane = spectator.lane;
        self.standing.joins(lane);
        let joins = self.tell(Command::Join(Box::new(spectator)));
        if !joins {
            self.standing.leaves(lane);
        }
        joins
    }

    /// Does something to its spectators; false if there was no room for that, and whom it concerns is let go.
    pub(super) fn tell(&mut self, command: Command) -> bool {
        let mailbox = match &mut self.owner {
            Owner::Room(shard) => {
                shard.apply(command);
                return true;
            }
            Owner::Task(mailbox) => mailbox,
        };
        let Err(refused) = mailbox.put(command) else { return true };
        let has_fallen = mailbox.commands.is_closed();
        match refused {
            // A ping comes again, an answer may be lost, and who was about to join is gone with it.
            Command::Sweep | Command::Answer(..) | Command::Join(_) if !has_fallen => {}
            Command::Leave(id)
            | Command::Anew(id)
            | Command::Pace(id, _)
            | Command::Watch(id, _)
            | Command::Dismiss(id, _)
                if !has_fallen =>
            {
                mailbox.to_leave.insert(id);
            }
            // It concerns them all: they come back, as far as they may.
            _ => *self = Self::on_task(&mailbox.tasks, mailbox.patience, Arc::clone(&mailbox.metrics)),
        }
        false
    }

    /// Gives its spectators a beat. A task is woken only for one that is due, or for who needs a keyframe.
    pub(super) fn send(&mut self, beat: &Arc<Beat>, due: bool) {
        match &mut self.owner {
            Owner::Room(shard) => {
                shard.take(Arc::clone(beat));
                shard.give(usize::MAX);
            }
            Owner::Task(mailbox) => {
                if due || Lane::all().into_iter().any(|lane| self.standing.lacking(lane) != Lacking::NOBODY) {
                    mailbox.send(beat);
                }
            }
        }
    }

    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Whether anybody sees a view.
    pub(super) fn uses(&self, pace: Pace) -> bool {
        Lane::all().into_iter().any(|lane| lane.pace == pace && self.standing.present(lane) > 0)
    }
}

/// A command, and the number of the beat that it comes after.
struct Queued {
    after: u64,
    command: Command,
}

/// The way to a shard's task.
struct Mailbox {
    commands: mpsc::Sender<Queued>,
    beats: watch::Sender<Arc<Beat>>,
    /// Number of the newest beat in it.
    newest: u64,
    /// Spectators of whom a command had no room: they are let go with the next beat that finds some. Each is one of the
    /// shard's.
    to_leave: HashSet<SpectatorId>,
    tasks: TaskTracker,
    patience: Patience,
    metrics: Arc<Metrics>,
}

impl Mailbox {
    /// Gives the command back if there is no room for it, or its task has fallen.
    fn put(&self, command: Command) -> Result<(), Command> {
        let sent = self.commands.try_send(Queued { after: self.newest, command });
        sent.map_err(|error| match error {
            TrySendError::Full(queued) | TrySendError::Closed(queued) => queued.command,
        })
    }

    fn send(&mut self, beat: &Arc<Beat>) {
        let mut to_leave = std::mem::take(&mut self.to_leave);
        to_leave.retain(|id| self.put(Command::Leave(*id)).is_err());
        self.to_leave = to_leave;
        self.newest = beat.number;
        self.beats.send_replace(Arc::clone(beat));
    }
}

/// Does what is told and gives beats, in their order.
async fn run(mut shard: Shard, mut commands: mpsc::Receiver<Queued>, mut beats: watch::Receiver<Arc<Beat>>) {
    let (mut next, mut given) = (None, 0);
    loop {
        if next.is_none() {
            next = tokio::select! {
                biased;
                // A beat: it comes behind all that was told before it.
                Ok(()) = beats.changed() => None,
                // A command; or the room is gone, and all is done.
                queued = commands.recv() => match queued {
                    Some(queued) => Some(queued),
                    None => return,
                },
            };
        }
        let beat = Arc::clone(&beats.borrow_and_update());
        while let Some(queued) = next.take().or_else(|| commands.try_recv().ok()) {
            // It comes behind a beat that was not given yet: this one, or one newer still.
            if queued.after > given && queued.after >= beat.number {
                next = Some(queued);
                break;
            }
            shard.apply(queued.command);
        }
        if beat.number > given {
            given = beat.number;
            shard.take(beat);
            while !shard.give(SLICE) {
                tokio::task::yield_now().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpStream;

    use super::super::beat::LaneBeat;
    use super::super::format::Format;
    use super::super::spectator::tests::spectator;
    use super::super::spectator::{Goodbye, Whom};
    use super::*;
    use crate::limits::EdgeLimits;

    fn shard(tasks: &TaskTracker) -> ShardHandle {
        ShardHandle::on_task(tasks, Patience::with_spectators(&EdgeLimits::default()), Arc::default())
    }

    /// Takes every view from one step to the next, for those that have the one before.
    fn step(number: u64) -> Beat {
        let batch = Bytes::from(format!("<{number}>"));
        let lane = LaneBeat { from: number - 1, to: number, batch, ..LaneBeat::default() };
        Beat { number, lanes: std::array::from_fn(|_| lane.clone()), ..Beat::default() }
    }

    /// The same with keyframes.
    fn keyframe(number: u64) -> Beat {
        let mut beat = step(number);
        for lane in &mut beat.lanes {
            lane.keyframe = Some(format!("[{number}]").into());
        }
        beat
    }

    async fn all(mut there: TcpStream) -> String {
        let mut heard = String::new();
        there.read_to_string(&mut heard).await.unwrap();
        heard
    }

    async fn next(there: &mut TcpStream) -> String {
        let mut heard = [0; 3];
        there.read_exact(&mut heard).await.unwrap();
        String::from_utf8(heard.to_vec()).unwrap()
    }

    fn bye(text: &'static str) -> Goodbye {
        Arc::new([text; Format::ALL.len()].map(|text| Bytes::from_static(text.as_bytes())))
    }

    /// The task does not run before this one waits: whatever is told meanwhile waits for it.
    #[tokio::test]
    async fn a_task_does_things_in_their_order_and_of_steps_that_it_left_out_it_owes_the_keyframe() {
        let tasks = TaskTracker::new();
        let mut shard = shard(&tasks);
        let (stays, _, _, mut hears) = spectator(1).await;
        let (by_channel, _, _, sent_on) = spectator(2).await;
        let lane = stays.lane;
        assert!(shard.join(stays) && shard.join(by_channel));
        shard.send(&keyframe(1).into(), true);
        assert_eq!(next(&mut hears).await, "[1]");
        shard.send(&step(2).into(), true);
        assert_eq!(next(&mut hears).await, "<2>");
        // What follows a dismissal is not seen by whom it concerns, though the step before is late.
        shard.tell(Command::DismissAll(Whom::ByChannel, bye("moved")));
        shard.send(&step(3).into(), true);
        assert_eq!(next(&mut hears).await, "<3>");
        assert_eq!(all(sent_on).await, "[1]<2>moved");
        // Of two steps it takes the newest alone, which nobody can follow.
        shard.send(&step(4).into(), true);
        shard.send(&step(5).into(), true);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_ne!(shard.standing().lacking(lane), Lacking::NOBODY);
        // Nothing is due but a keyframe, for whom it lacks.
        shard.send(&keyframe(6).into(), false);
        // Last words come behind what was sent before them.
        shard.tell(Command::DismissAll(Whom::Everybody, bye("bye")));
        assert_eq!(all(hears).await, "[6]bye");
        drop(shard);
        tasks.close();
        tasks.wait().await;
    }

    #[tokio::test]
    async fn whom_a_command_concerns_that_has_no_room_is_let_go_and_nobody_else() {
        let tasks = TaskTracker::new();
        let mut shard = shard(&tasks);
        let (quiet, _, stays, mut hears) = spectator(1).await;
        let (talking, _, goes, _there) = spectator(3).await;
        let (late, _, never_came, _there) = spectator(5).await;
        let (quiet_id, talking_id, nobody) = (quiet.id, talking.id, SpectatorId { room: 0, shard: 0, n: 7 });
        assert!(shard.join(quiet) && shard.join(talking));
        while shard.tell(Command::Leave(nobody)) {}
        assert!(!shard.tell(Command::Pace(talking_id, Pace::default())));
        assert!(!shard.join(late));
        assert!(never_came.is_cancelled());
        assert_eq!(shard.standing().len(), 2);
        // An answer may be lost.
        assert!(!shard.tell(Command::Answer(quiet_id, Bytes::from_static(b"lost"))));
        shard.send(&keyframe(1).into(), true);
        assert_eq!(next(&mut hears).await, "[1]");
        shard.send(&step(2).into(), true);
        goes.cancelled().await;
        assert_eq!(next(&mut hears).await, "<2>");
        assert_eq!((shard.standing().len(), stays.is_cancelled()), (1, false));
        // What concerns all is never left out: they are let go together.
        while shard.tell(Command::Leave(nobody)) {}
        assert!(!shard.tell(Command::DismissAll(Whom::ByChannel, bye("moved"))));
        assert_eq!(shard.standing().len(), 0);
        stays.cancelled().await;
        drop(shard);
        tasks.close();
        tasks.wait().await;
    }
}
