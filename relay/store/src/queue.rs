//! The way to the one task that writes: a bounded queue, taken out by batches.
//!
//! One invariant: what is asked is done in the order in which it was asked, and who asks hears how it went, also when
//! the store is closed meanwhile. Journal entries take their place when [`Queue::append`] is called and fail at once
//! where there is none: nobody may overtake them while they wait. Everything else waits for room. What is large and
//! hurries nobody ([`Queue::ask_bulk`]) has a lane of its own, with its own room: of it one piece is written where no
//! entry waits, or after it waited long enough. So however much of it there is, an entry waits for one piece at most.
//! Deliberately not here: what a store's [`Writer`] does with a batch.

use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use crate::limits::{
    BATCH_BYTES_MAX, BATCH_WRITES_MAX, BULK_BYTES_MAX, BULK_WAITS_MAX, BULK_WRITES_MAX, QUEUE_BYTES_MAX,
    QUEUE_WRITES_MAX,
};
use crate::order::{AppendOrder, Slot};
use crate::{Backlog, JournalEntry, OnCommit, StoreError, StoreFuture};

/// A task's work: it has the only connection that writes what is queued.
pub trait Writer: Sized + Send + 'static {
    /// What it does besides storing entries. Dropping one answers that the store is closed.
    type Other: Send + 'static;

    /// Does all of a batch, in its order, and answers each.
    fn write(&mut self, batch: Vec<Work<Self::Other>>) -> impl Future<Output = ()> + Send;

    /// Closes the connection.
    fn close(self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// What a writer is asked.
pub enum Work<W> {
    /// To store a journal entry.
    Append(Waiting),
    /// Anything else.
    Other(W),
}

/// Who waits for an answer, and the room that what he asked takes in the queue.
pub struct Answer<T> {
    to: oneshot::Sender<Result<T, StoreError>>,
    room: OwnedSemaphorePermit,
}

impl<T> Answer<T> {
    /// Gives the room back, and tells him.
    pub fn send(self, outcome: Result<T, StoreError>) {
        drop(self.room);
        // Who does not wait any longer does not want to know.
        let _ = self.to.send(outcome);
    }
}

/// A journal entry in the queue, and who waits for it.
pub struct Waiting {
    entry: JournalEntry,
    slot: Slot,
    answer: Answer<()>,
}

impl Waiting {
    /// What is to be stored.
    pub fn entry(&self) -> &JournalEntry {
        &self.entry
    }

    /// Whether an entry before this one failed: then this one fails as [`after_failed`](crate::order::after_failed).
    pub fn is_after_failed(&self) -> bool {
        self.slot.is_after_failed()
    }

    /// It is not stored: to be said before entries after it are looked at.
    pub fn fail(&self) {
        self.slot.fail();
    }

    /// Tells who waits.
    pub fn answer(self, outcome: Result<(), StoreError>) {
        let Self { answer, slot, .. } = self;
        if outcome.is_err() {
            slot.fail();
        }
        // Once the caller has heard, only its own slot may keep the failure in mind.
        drop(slot);
        answer.send(outcome);
    }
}

/// What waits in the queue.
enum Command<W> {
    /// With about how many bytes it adds.
    Work(Work<W>, usize),
    Close(Answer<()>),
}

/// The sending end of the queue.
pub struct Queue<W> {
    commands: mpsc::Sender<Command<W>>,
    /// One permit a byte that may wait.
    room: Arc<Semaphore>,
    order: Arc<AppendOrder>,
    bulk: mpsc::Sender<W>,
    /// As `room`, of what is in bulk.
    bulk_room: Arc<Semaphore>,
    on_commit: Arc<OnceLock<OnCommit>>,
}

impl<W> fmt::Debug for Queue<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("room", &self.room).finish_non_exhaustive()
    }
}

impl<W: Send + 'static> Queue<W> {
    /// Starts the task, which ends when it is told to close or when this is dropped and all that waits is written.
    /// Nobody awaits it: closing waits for its answer. Needs a tokio runtime.
    pub fn start(writer: impl Writer<Other = W>) -> Self {
        let (commands, ordered) = mpsc::channel(QUEUE_WRITES_MAX);
        let (bulk, in_bulk) = mpsc::channel(BULK_WRITES_MAX);
        let on_commit = Arc::default();
        tokio::spawn(run(writer, Lanes { ordered, bulk: in_bulk, next_bulk: None }, Arc::clone(&on_commit)));
        Self {
            commands,
            room: Arc::new(Semaphore::new(QUEUE_BYTES_MAX as usize)),
            order: Arc::default(),
            bulk,
            bulk_room: Arc::new(Semaphore::new(BULK_BYTES_MAX as usize)),
            on_commit,
        }
    }

    /// What waits to be written now.
    pub fn backlog(&self) -> Backlog {
        let held = |room: &Semaphore, most: u32| u64::from(most).saturating_sub(room.available_permits() as u64);
        Backlog {
            bytes: held(&self.room, QUEUE_BYTES_MAX),
            bytes_max: QUEUE_BYTES_MAX.into(),
            bulk_bytes: held(&self.bulk_room, BULK_BYTES_MAX),
            bulk_bytes_max: BULK_BYTES_MAX.into(),
        }
    }

    /// Tells how long each batch takes to be written, from now on; who asked first is told.
    pub fn on_commit(&self, told: OnCommit) {
        let _ = self.on_commit.set(told);
    }

    /// Takes the entry's place in the queue now; the future only waits for the answer. One that is dropped changes
    /// nothing: the entry is on its way.
    ///
    /// # Errors
    /// Those of [`Journal::append`](crate::Journal::append); `Unavailable` at once where the queue is full.
    pub fn append(&self, entry: JournalEntry) -> StoreFuture<'static, ()> {
        let (to, waiting) = oneshot::channel();
        let bytes = entry.data.len();
        let (heard, entered) = self.order.enter(
            entry.stream.encounter,
            || self.place(bytes),
            |(place, room), slot| {
                let waiting = Waiting { entry, slot, answer: Answer { to, room } };
                place.send(Command::Work(Work::Append(waiting), bytes));
            },
        );
        Box::pin(async move {
            let answer = match entered {
                Ok(()) => waiting.await.unwrap_or_else(|_| Err(StoreError::closed())),
                Err(error) => Err(error),
            };
            drop(heard);
            answer
        })
    }

    /// Waits for room for about so many bytes, then for the writer's answer to it.
    ///
    /// # Errors
    /// The writer's; `Unavailable` if the store is closed.
    pub async fn ask<T>(&self, bytes: usize, work: impl FnOnce(Answer<T>) -> W) -> Result<T, StoreError> {
        let (answer, waiting) = answer(&self.room, bytes, QUEUE_BYTES_MAX).await?;
        let command = Command::Work(Work::Other(work(answer)), bytes);
        self.commands.send(command).await.map_err(|_| StoreError::closed())?;
        waiting.await.unwrap_or_else(|_| Err(StoreError::closed()))
    }

    /// The same, for what is large and hurries nobody: it is written behind what comes meanwhile.
    ///
    /// # Errors
    /// As [`Queue::ask`].
    pub async fn ask_bulk<T>(&self, bytes: usize, work: impl FnOnce(Answer<T>) -> W) -> Result<T, StoreError> {
        let (answer, waiting) = answer(&self.bulk_room, bytes, BULK_BYTES_MAX).await?;
        self.bulk.send(work(answer)).await.map_err(|_| StoreError::closed())?;
        waiting.await.unwrap_or_else(|_| Err(StoreError::closed()))
    }

    /// Lets the writer finish what is queued before it and end. Closing what is closed is no error.
    ///
    /// # Errors
    /// What kept the writer from closing its connection.
    pub async fn close(&self) -> Result<(), StoreError> {
        let (answer, waiting) = answer(&self.room, 0, QUEUE_BYTES_MAX).await?;
        if self.commands.send(Command::Close(answer)).await.is_err() {
            return Ok(());
        }
        waiting.await.unwrap_or(Ok(()))
    }

    fn place(&self, bytes: usize) -> Result<(mpsc::Permit<'_, Command<W>>, OwnedSemaphorePermit), StoreError> {
        let full = || StoreError::Unavailable("it is too slow for what comes in: more waits than may wait".into());
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes).map_err(|_| full())?;
        let place = self.commands.try_reserve().map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => full(),
            mpsc::error::TrySendError::Closed(()) => StoreError::closed(),
        })?;
        Ok((place, room))
    }
}

/// Waits for room for about so many bytes of at most `most`; gives who is to be answered, and where the answer comes.
async fn answer<T>(
    room: &Arc<Semaphore>,
    bytes: usize,
    most: u32,
) -> Result<(Answer<T>, oneshot::Receiver<Result<T, StoreError>>), StoreError> {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(most);
    let room = Arc::clone(room).acquire_many_owned(bytes).await.map_err(|_| StoreError::closed())?;
    let (to, waiting) = oneshot::channel();
    Ok((Answer { to, room }, waiting))
}

async fn run<W: Writer>(mut writer: W, mut lanes: Lanes<W::Other>, on_commit: Arc<OnceLock<OnCommit>>) {
    while let Some((batch, close)) = lanes.next().await {
        if !batch.is_empty() {
            let began = Instant::now();
            writer.write(batch).await;
            if let Some(told) = on_commit.get() {
                told(began.elapsed());
            }
        }
        if let Some(answer) = close {
            lanes.close(&mut writer).await;
            answer.send(writer.close().await);
            return;
        }
    }
    let _ = writer.close().await;
}

/// The receiving ends of the queue.
struct Lanes<W> {
    ordered: mpsc::Receiver<Command<W>>,
    bulk: mpsc::Receiver<W>,
    /// The next piece of it, and since when it is.
    next_bulk: Option<(W, Instant)>,
}

impl<W> Lanes<W> {
    /// What waits, as far as it goes into one transaction, and who wants it to be the last; waits until there is any.
    async fn next(&mut self) -> Option<(Vec<Work<W>>, Option<Answer<()>>)> {
        if self.next_bulk.is_none() {
            self.next_bulk = self.bulk.try_recv().ok().map(|work| (work, Instant::now()));
        }
        let first = if self.next_bulk.is_some() {
            self.ordered.try_recv().ok()
        } else {
            tokio::select! {
                biased;
                command = self.ordered.recv() => {
                    if command.is_none() {
                        // Everybody has gone; what they left in bulk is written still.
                        let work = self.bulk.recv().await?;
                        return Some((vec![Work::Other(work)], None));
                    }
                    command
                }
                Some(work) = self.bulk.recv() => {
                    self.next_bulk = Some((work, Instant::now()));
                    None
                }
            }
        };
        let (mut batch, close) = first.map_or_else(Default::default, |first| gather(first, &mut self.ordered));
        let hurries = batch.iter().any(|work| matches!(work, Work::Append(_)));
        if let Some((work, _)) = self.next_bulk.take_if(|(_, since)| !hurries || since.elapsed() >= BULK_WAITS_MAX) {
            batch.push(Work::Other(work));
        }
        Some((batch, close))
    }

    /// Ends it: what is in bulk is written, what came after the end is not.
    async fn close<A: Writer<Other = W>>(&mut self, writer: &mut A) {
        self.ordered.close();
        self.bulk.close();
        let mut next = self.next_bulk.take().map(|(work, _)| work);
        while let Some(work) = match next.take() {
            Some(work) => Some(work),
            None => self.bulk.recv().await,
        } {
            writer.write(vec![Work::Other(work)]).await;
        }
        // What came between: a receiver that is closed gives it out to the last one that had a place.
        while let Some(command) = self.ordered.recv().await {
            match command {
                Command::Work(Work::Append(waiting), _) => waiting.answer(Err(StoreError::closed())),
                Command::Work(Work::Other(other), _) => drop(other),
                Command::Close(answer) => answer.send(Ok(())),
            }
        }
    }
}

/// What waits, as far as it goes into one transaction, and who wants it to be the last.
fn gather<W>(first: Command<W>, commands: &mut mpsc::Receiver<Command<W>>) -> (Vec<Work<W>>, Option<Answer<()>>) {
    let mut batch = Vec::new();
    let mut bytes_total = 0;
    let mut next = Some(first);
    while let Some(command) = next {
        match command {
            Command::Work(work, bytes) => {
                bytes_total += bytes;
                batch.push(work);
            }
            Command::Close(answer) => return (batch, Some(answer)),
        }
        let room = batch.len() < BATCH_WRITES_MAX && bytes_total < BATCH_BYTES_MAX;
        next = if room { commands.try_recv().ok() } else { None };
    }
    (batch, None)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use bytes::Bytes;
    use futures::future::{join, join_all};
    use raidcast_shared::id::StreamId;
    use uuid::Uuid;

    use super::*;
    use crate::{JournalKind, StreamKey};

    /// The seqs of each batch; 0 for what is no entry.
    type Batches = Arc<Mutex<Vec<Vec<u64>>>>;

    /// Answers everything, and notes it; a batch takes it so long.
    struct Noting(Batches, Duration);

    impl Writer for Noting {
        type Other = Answer<()>;

        async fn write(&mut self, batch: Vec<Work<Answer<()>>>) {
            if !self.1.is_zero() {
                tokio::time::sleep(self.1).await;
            }
            let answer = |work: Work<Answer<()>>| match work {
                Work::Append(waiting) => {
                    let seq = waiting.entry().seq;
                    waiting.answer(Ok(()));
                    seq
                }
                Work::Other(answer) => {
                    answer.send(Ok(()));
                    0
                }
            };
            let seqs = batch.into_iter().map(answer).collect();
            self.0.lock().expect("no panic").push(seqs);
        }

        async fn close(self) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_and_how_long_a_batch_took_are_told() {
        let (batches, took) = (Batches::default(), Arc::new(Mutex::new(Vec::new())));
        let queue = Queue::start(Noting(Arc::clone(&batches), Duration::from_millis(70)));
        let told = Arc::clone(&took);
        queue.on_commit(Arc::new(move |took| told.lock().expect("no panic").push(took)));
        let (one, bulk) = (queue.ask(1_000, |answer| answer), queue.ask_bulk(500, |answer| answer));
        let looking = async {
            tokio::task::yield_now().await;
            let backlog = queue.backlog();
            (backlog.bytes, backlog.bulk_bytes)
        };
        let ((one, bulk), seen) = join(join(one, bulk), looking).await;
        assert!(one.is_ok() && bulk.is_ok());
        assert_eq!(seen, (1_000, 500));
        let backlog = queue.backlog();
        assert_eq!((backlog.bytes, backlog.bulk_bytes), (0, 0));
        assert!(backlog.bytes_max > 0 && backlog.bulk_bytes_max > 0);
        queue.close().await.expect("it closes");
        let (took, batches) = (took.lock().expect("no panic"), batches.lock().expect("no panic"));
        assert_eq!(*took, vec![Duration::from_millis(70); batches.len()]);
    }

    /// On a runtime of one thread the writer does not run before something is awaited.
    fn queue() -> (Queue<Answer<()>>, Batches) {
        slow_queue(Duration::ZERO)
    }

    fn slow_queue(takes: Duration) -> (Queue<Answer<()>>, Batches) {
        let batches = Batches::default();
        (Queue::start(Noting(Arc::clone(&batches), takes)), batches)
    }

    fn entry(seq: u64, data: &Bytes) -> JournalEntry {
        JournalEntry {
            stream: StreamKey { encounter: 1, stream: StreamId(Uuid::from_u128(7)) },
            seq,
            kind: JournalKind::Delta,
            received_at_ms: 1,
            data: data.clone(),
        }
    }

    fn is_closed<T>(answer: &Result<T, StoreError>) -> bool {
        matches!(answer, Err(StoreError::Unavailable(why)) if why.contains("closed"))
    }

    #[tokio::test]
    async fn what_waits_is_taken_out_in_the_order_of_the_calls_as_far_as_it_goes_into_a_transaction() {
        let (queue, batches) = queue();
        let last = BATCH_WRITES_MAX as u64 + 9;
        let calls: Vec<_> = (1..=last).map(|seq| queue.append(entry(seq, &Bytes::from_static(b"small")))).collect();
        let large = Bytes::from(vec![7; BATCH_BYTES_MAX / 2]);
        let larger: Vec<_> = (last + 1..=last + 3).map(|seq| queue.append(entry(seq, &large))).collect();
        let (answers, asked) = join(join_all(calls.into_iter().chain(larger)), queue.ask(9, |answer| answer)).await;
        assert!(answers.iter().all(Result::is_ok) && asked.is_ok());
        let batches = batches.lock().expect("no panic");
        let full = BATCH_WRITES_MAX as u64;
        assert_eq!(*batches, [(1..=full).collect(), (full + 1..=last + 2).collect(), vec![last + 3, 0]]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_in_bulk_waits_behind_entries_one_piece_at_a_time_and_not_for_ever() {
        let (queue, batches) = slow_queue(BULK_WAITS_MAX / 4);
        let full = BATCH_WRITES_MAX as u64;
        // As much as it may be, and more: who asks waits for room, and entries don't.
        let in_bulk = join_all((0..40).map(|_| queue.ask_bulk(BULK_BYTES_MAX as usize / 4, |answer| answer)));
        let small = Bytes::from_static(b"small");
        let entries = join_all((1..=12 * full).map(|seq| queue.append(entry(seq, &small))));
        let (entries, in_bulk) = join(entries, in_bulk).await;
        assert!(entries.iter().chain(&in_bulk).all(Result::is_ok));
        let batches = batches.lock().expect("no panic");
        let pieces: Vec<_> = batches.iter().map(|batch| batch.iter().filter(|seq| **seq == 0).count()).collect();
        assert!(pieces.iter().all(|count| *count <= 1), "{pieces:?}");
        let last_entries = batches.iter().rposition(|batch| batch.iter().any(|seq| *seq > 0)).expect("entries");
        let meanwhile: usize = pieces[..last_entries].iter().sum();
        assert!((2..=3).contains(&meanwhile), "{meanwhile} pieces beside twelve batches: {pieces:?}");
        assert_eq!(pieces.iter().sum::<usize>(), 40);
    }

    #[tokio::test]
    async fn what_is_in_bulk_is_written_before_the_end_or_told_that_there_is_one() {
        let (queue, batches) = queue();
        let pieces = join_all((0..BULK_WRITES_MAX).map(|_| queue.ask_bulk(1, |answer| answer)));
        let (pieces, closed) = join(pieces, async {
            tokio::task::yield_now().await;
            queue.close().await
        })
        .await;
        closed.expect("a close");
        let written = batches.lock().expect("no panic").len();
        assert_eq!(pieces.iter().filter(|piece| piece.is_ok()).count(), written);
        assert!(pieces.iter().filter(|piece| piece.is_err()).all(is_closed), "{pieces:?}");
        assert!(written >= 1);
        assert!(is_closed(&queue.ask_bulk(1, |answer| answer).await));
    }

    #[tokio::test]
    async fn room_is_there_again_once_an_answer_is_heard() {
        let (queue, _) = queue();
        let half = Bytes::from(vec![7; QUEUE_BYTES_MAX as usize / 2]);
        let calls = [1, 2, 3, 4].map(|seq| queue.append(entry(seq, &half)));
        let answers = join_all(calls).await;
        assert!(answers[0].is_ok() && answers[1].is_ok(), "{answers:?}");
        for refused in &answers[2..] {
            assert!(matches!(refused, Err(StoreError::Unavailable(why)) if why.contains("too slow")), "{refused:?}");
        }
        for seq in 3..=6 {
            queue.append(entry(seq, &half)).await.expect("room");
        }
    }

    #[tokio::test]
    async fn what_comes_with_or_after_the_end_is_told_that_it_is_closed() {
        let (queue, batches) = queue();
        let data = Bytes::new();
        let before = queue.append(entry(1, &data));
        let with = async { join(queue.append(entry(2, &data)), queue.ask(0, |answer| answer)).await };
        let (closed, (appended, asked)) = join(queue.close(), with).await;
        closed.expect("a close");
        before.await.expect("an entry");
        assert!(is_closed(&appended) && is_closed(&asked), "{appended:?} {asked:?}");
        assert!(is_closed(&queue.append(entry(2, &data)).await) && is_closed(&queue.ask(0, |answer| answer).await));
        queue.close().await.expect("a second close");
        assert_eq!(*batches.lock().expect("no panic"), [[1]]);
    }
}
