//! The way to the journal's writer: one bounded queue.
//!
//! Entries take their place in it when `append` is called and fail at once when it is full ([`StoreError`]
//! `Unavailable`): nobody may overtake them while they wait. [`Lanes`] keep the journal's law: of an encounter's
//! entries none is stored unless all before it are.

use std::sync::Arc;

use raidcast_store::lanes::{Lanes, Ticket};
use raidcast_store::{JournalEntry, StoreError, StoreFuture};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::error::closed;
use crate::limits::{QUEUE_BYTES_MAX, QUEUE_ENTRIES_MAX};

/// Tells somebody how it went.
pub(crate) type Answer = oneshot::Sender<Result<(), StoreError>>;

/// What the writer is asked.
pub(crate) enum Command {
    /// To store an entry.
    Append(Waiting),
    /// To write something.
    Ping(Answer),
    /// To end.
    Close(Answer),
}

/// A journal entry in the queue, and who waits for it.
pub(crate) struct Waiting {
    pub(crate) entry: JournalEntry,
    pub(crate) ticket: Ticket,
    answer: Answer,
    _room: OwnedSemaphorePermit,
}

impl Waiting {
    /// Tells who waits.
    pub(crate) fn answer(self, outcome: Result<(), StoreError>) {
        let Self { answer, ticket, .. } = self;
        if outcome.is_err() {
            ticket.fail();
        }
        // Once the caller has heard, only its own ticket may have held the lane.
        drop(ticket);
        // Who does not wait any longer does not want to know.
        let _ = answer.send(outcome);
    }
}

/// The sending end of the queue.
#[derive(Debug)]
pub(crate) struct Queue {
    commands: mpsc::Sender<Command>,
    /// One permit a byte that may wait.
    room: Arc<Semaphore>,
    lanes: Arc<Lanes>,
}

impl Queue {
    /// A queue and its receiving end, which the writer takes.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Command>) {
        let (commands, receiver) = mpsc::channel(QUEUE_ENTRIES_MAX);
        let room = Arc::new(Semaphore::new(QUEUE_BYTES_MAX as usize));
        (Self { commands, room, lanes: Arc::default() }, receiver)
    }

    /// Takes the entry's place in the queue now; the future only waits for the answer. One that is dropped changes
    /// nothing: the entry is on its way.
    pub(crate) fn append(&self, entry: &JournalEntry) -> StoreFuture<'static, ()> {
        let (answer, waiting) = oneshot::channel();
        let (heard, entered) = self.lanes.enter(
            entry.stream.encounter,
            || self.place(entry),
            |(place, room), ticket| {
                place.send(Command::Append(Waiting { entry: entry.clone(), ticket, answer, _room: room }));
            },
        );
        Box::pin(async move {
            let answer = match entered {
                Ok(()) => waiting.await.unwrap_or_else(|_| Err(closed())),
                Err(error) => Err(error),
            };
            drop(heard);
            answer
        })
    }

    /// Waits until something was written after all that is queued before it.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let (answer, waiting) = oneshot::channel();
        self.commands.send(Command::Ping(answer)).await.map_err(|_| closed())?;
        waiting.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Lets the writer finish what is queued before it and end. Closing what is closed is no error.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        let (answer, waiting) = oneshot::channel();
        if self.commands.send(Command::Close(answer)).await.is_err() {
            return Ok(());
        }
        waiting.await.unwrap_or(Ok(()))
    }

    fn place(&self, entry: &JournalEntry) -> Result<(mpsc::Permit<'_, Command>, OwnedSemaphorePermit), StoreError> {
        let full = || StoreError::Unavailable("it is too slow for what comes in: more waits than may wait".into());
        let bytes = u32::try_from(entry.data.len()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes).map_err(|_| full())?;
        let place = self.commands.try_reserve().map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => full(),
            mpsc::error::TrySendError::Closed(()) => closed(),
        })?;
        Ok((place, room))
    }
}
