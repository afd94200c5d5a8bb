//! Old fights sent whole, a request each, where the relay or what is before it lets no stream through.
//!
//! One task: a few requests at once, each a fight that is read when its turn comes. It works in the upload's part of the
//! state folder, on the same seat as who follows the meter.
//! One invariant: a fight is told to be on the relay only where the relay has said so and the folder knows it; whatever
//! else becomes of it, it waits in the folder, or the relay has said that it never takes it.
//! Deliberately not here: how a request is sent, and how often (`crate::post`); what it tells (`crate::form`).

mod reading;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::announcer::Announcer;
use super::change::Change;
use super::folder::{Folder, FolderError};
use super::options::Options;
use super::outcome::{Summary, WatchError};
use super::record::{Finished, How, NotSent, Now};
use super::seat::Seat;
use super::seen_by::SeenBy;
use super::waiting::Waiting;
use crate::post::{AGAIN_MAX, Body, Failure, Poster, Receipt, Wait};
use crate::socket::{Outage, RelayAddress};
use crate::source::Fight;
use reading::{Read, Reader};

/// Requests at once.
const AT_ONCE: usize = 4;
/// Attempts that failed and are not told yet; beyond it one is not told.
const RETRIES_TOLD: usize = 16;

/// Sends the finished fights that the options name, each in a request of its own, and ends; `shutdown` ends it before.
///
/// `sink` hears of each change at once; it must not block. What is not known to be on the relay stays in the state
/// folder's list, and the next call sends it.
///
/// # Errors
/// What only the user can put right.
pub async fn post(
    options: Options,
    shutdown: CancellationToken,
    sink: impl FnMut(Change) + Send,
) -> Result<Summary, WatchError> {
    let poster = poster(&options)?;
    let seat = Seat::take(&options.state)?;
    post_with(poster, &seat, options, shutdown, sink).await
}

/// The same in a folder that is held already, beside who follows the meter there; `options.state` does not count.
///
/// # Errors
/// As [`post`]. `InUse`, by this process: another upload is at work in the folder.
pub async fn post_on(
    seat: Arc<Seat>,
    options: Options,
    shutdown: CancellationToken,
    sink: impl FnMut(Change) + Send,
) -> Result<Summary, WatchError> {
    let poster = poster(&options)?;
    post_with(poster, &seat, options, shutdown, sink).await
}

fn poster(options: &Options) -> Result<Poster, WatchError> {
    let address = RelayAddress::new(&options.relay, &options.key, options.trust.clone())?;
    Ok(Poster::new(address, options.clock.clone()))
}

async fn post_with(
    poster: Poster,
    seat: &Arc<Seat>,
    options: Options,
    shutdown: CancellationToken,
    sink: impl FnMut(Change) + Send,
) -> Result<Summary, WatchError> {
    let mut posting = Posting::open(seat, options, sink)?;
    let done = posting.send(&poster, &shutdown).await;
    posting.tell_folder(false);
    done.map(|()| posting.summary())
}

/// The owner of everything; see [`post`].
struct Posting<S> {
    options: Options,
    announcer: Announcer<S>,
    folder: Folder,
    waiting: Waiting,
    fights: u64,
    on_relay: u64,
    /// Fights that the relay itself has answered for, whatever it said.
    answers: u64,
    /// Why a fight was not answered for, since the last answer: no other is begun before one of those on their way is.
    unanswered: Option<NotSent>,
}

/// What it means for the other fights that one was not taken now.
enum Reach {
    /// Nothing: the relay has answered for this one.
    This,
    /// Nobody may be there at all.
    Unanswered,
    /// It would be the same for each of them.
    All,
}

/// A request that came to its end.
struct Done {
    fight: Finished,
    seen_by: SeenBy,
    /// Answers that there were when it began.
    answers: u64,
    result: Result<Receipt, Failure>,
}

impl<S: FnMut(Change) + Send> Posting<S> {
    fn open(seat: &Arc<Seat>, options: Options, sink: S) -> Result<Self, WatchError> {
        let folder = Folder::open(seat, true)?;
        Ok(Self {
            announcer: Announcer::new(sink),
            waiting: Waiting::load(folder.dir())?,
            folder,
            fights: options.history.as_ref().map_or(0, |history| history.fights.len() as u64),
            on_relay: 0,
            answers: 0,
            unanswered: None,
            options,
        })
    }

    fn summary(&self) -> Summary {
        Summary {
            fights: self.fights,
            finalized: self.on_relay,
            unacknowledged: self.waiting.of(&self.options.relay).count() as u64,
            complete: self.on_relay == self.fights,
        }
    }

    async fn send(&mut self, poster: &Poster, shutdown: &CancellationToken) -> Result<(), WatchError> {
        self.tell_folder(true);
        let mut reader = Reader::open(&self.options).await?;
        self.announcer.watching(reader.found(), &[]);
        let mut queue = self.find(&mut reader).await?;
        let (retry, mut retries) = mpsc::channel(RETRIES_TOLD);
        let mut sending = FuturesUnordered::new();
        loop {
            while self.unanswered.is_none()
                && sending.len() < AT_ONCE
                && let Some(fight) = queue.pop_front()
            {
                let seen_by = self.seen_by(&fight);
                let (fight, body) = match reader.read(&fight, &self.options.relay).await? {
                    Read::Whole { fight, json } => (fight, Body::of(&json)),
                    Read::Not(fight) => {
                        self.refuse(fight)?;
                        continue;
                    }
                };
                let (answers, retry) = (self.answers, retry.clone());
                sending.push(async move {
                    let retrying = |why: &_, pause| drop(retry.try_send((Clone::clone(why), pause)));
                    let result = poster.post(&body, seen_by, retrying).await;
                    Done { fight, seen_by, answers, result }
                });
            }
            tokio::select! {
                biased;
                // The user ends it: what is on its way and what is left wait in the folder.
                () = shutdown.cancelled() => return Ok(()),
                // That something is sent again, before what became of it.
                Some((why, pause)) = retries.recv() => {
                    self.announcer.disconnected(why, u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
                }
                // A request came to its end: there is room for the next.
                done = sending.next() => {
                    let Some(done) = done else {
                        // Nobody has answered any that was on its way.
                        let Some(why) = self.unanswered.take() else { return Ok(()) };
                        return Ok(self.stop(&mut queue, &why)?);
                    };
                    self.done(done, &mut queue)?;
                }
            }
            self.tell_folder(true);
        }
    }

    /// Which of the fights that were agreed to are to be sent, oldest first: all of them wait from now on.
    async fn find(&mut self, reader: &mut Reader) -> Result<VecDeque<Fight>, WatchError> {
        let mut wanted = self.options.history.as_ref().map(|history| history.fights.clone()).unwrap_or_default();
        let mut queue = VecDeque::new();
        for fight in reader.fights().await? {
            let names = [Some(fight.encounter), fight.before_player];
            let Some(encounter) = names.into_iter().flatten().find(|name| wanted.remove(name)) else { continue };
            let fight = Fight { encounter, ..fight };
            if let Some(held) = self.folder.seat().on_relay(&fight, &self.options.relay) {
                let fight = Finished { result: How::Known, ..held };
                self.waiting.forget(&fight.encounter, &fight.relay);
                self.on_relay += 1;
                self.announcer.tell(Change::Uploaded { fight });
                continue;
            }
            let seen_by = self.seen_by(&fight);
            self.waiting.note(Finished::unread(&fight, &self.options.relay), seen_by);
            queue.push_back(fight);
        }
        if !wanted.is_empty() {
            let gone: HashSet<_> = wanted.iter().map(ToString::to_string).collect();
            self.waiting.forget_all(&gone, &self.options.relay);
            let fights = wanted.iter().map(ToString::to_string).collect();
            self.announcer.tell(Change::Stopped { fights, why: NotSent::Removed });
        }
        self.save_waiting()?;
        Ok(queue)
    }

    /// Who may see a fight: as is asked for now, if it is asked for now; else as it was agreed to.
    fn seen_by(&self, fight: &Fight) -> SeenBy {
        let Options { history, visibility, names, relay, .. } = &self.options;
        let is_as_agreed = history.as_ref().is_some_and(|history| history.as_agreed.contains(&fight.encounter));
        let agreed = self.waiting.seen_by(&fight.encounter.to_string(), relay);
        SeenBy {
            visibility: visibility.filter(|_| !is_as_agreed).or(agreed.visibility),
            names: names.filter(|_| !is_as_agreed).or(agreed.names),
        }
    }

    fn done(&mut self, done: Done, queue: &mut VecDeque<Fight>) -> Result<(), WatchError> {
        let Done { fight, seen_by, answers, result } = done;
        let (why, retry_s, reach) = match result {
            Ok(Receipt { report_id, url, is_new }) => {
                self.answered();
                self.on_relay += 1;
                let result = if is_new { How::New } else { How::Known };
                // What the relay had stays as it was.
                let seen_by = is_new.then_some(seen_by);
                let fight = Finished { report_id: Some(report_id), url: Some(url), result, seen_by, ..fight };
                self.close(fight.clone())?;
                self.announcer.tell(Change::Uploaded { fight });
                return Ok(());
            }
            Err(Failure::NotTaken { status, text, details }) => {
                self.answered();
                let why = NotSent::NotTaken { status, text, details };
                return self.refuse(Finished { result: How::Refused, why: Some(why), ..fight });
            }
            Err(Failure::Unauthorized { text }) => return Err(WatchError::Unauthorized { text }),
            Err(Failure::Forbidden { text }) => return Err(WatchError::Forbidden { text }),
            Err(Failure::NotNow { why, wait }) => {
                let is_answered = matches!(why, Outage::Said { .. }) || answers != self.answers;
                let reach = if is_answered { Reach::This } else { Reach::Unanswered };
                match wait {
                    Wait::Step => (why, None, reach),
                    Wait::For(wait) if wait <= AGAIN_MAX => (why, Some(wait.as_secs()), reach),
                    Wait::For(wait) => (why, Some(wait.as_secs()), Reach::All),
                    Wait::NextRun => (why, None, Reach::All),
                }
            }
            Err(Failure::Nowhere { why }) => (why, None, Reach::All),
        };
        if matches!(why, Outage::Said { .. }) {
            self.answered();
        }
        let why = NotSent::NotNow { why, retry_s };
        let fight = Finished { result: How::Waiting, why: Some(why.clone()), ..fight };
        self.wait(fight.clone());
        self.save_waiting()?;
        self.announcer.tell(Change::Unsent { fight });
        match reach {
            Reach::This => Ok(()),
            Reach::Unanswered => {
                self.unanswered = Some(why);
                Ok(())
            }
            Reach::All => Ok(self.stop(queue, &why)?),
        }
    }

    /// The relay has answered.
    fn answered(&mut self) {
        self.answers += 1;
        self.unanswered = None;
        self.announcer.answered();
    }

    /// It is the same for the fights whose turn has not come: none of them is begun.
    fn stop(&mut self, queue: &mut VecDeque<Fight>, why: &NotSent) -> Result<(), FolderError> {
        if queue.is_empty() {
            return Ok(());
        }
        let fights = queue.iter().map(|fight| fight.encounter.to_string()).collect();
        for fight in queue.drain(..) {
            self.wait(Finished { why: Some(why.clone()), ..Finished::unread(&fight, &self.options.relay) });
        }
        self.save_waiting()?;
        self.announcer.tell(Change::Stopped { fights, why: why.clone() });
        Ok(())
    }

    /// Notes why a fight waits, to be seen by those who were to see it.
    fn wait(&mut self, fight: Finished) {
        let seen_by = self.waiting.seen_by(&fight.encounter, &fight.relay);
        self.waiting.note(fight, seen_by);
    }

    /// A fight is never taken: it is noted, and the others go on.
    fn refuse(&mut self, fight: Finished) -> Result<(), WatchError> {
        self.close(fight.clone())?;
        self.announcer.tell(Change::Failed { fight });
        Ok(())
    }

    /// Notes what became of a fight: where it ends here, it waits still, and is known when it comes again.
    fn close(&mut self, fight: Finished) -> Result<(), FolderError> {
        let encounter = fight.encounter.clone();
        self.folder.seat().note(fight);
        self.folder.keep()?;
        let path = self.folder.dir().join("record.json");
        self.folder.seat().save().map_err(|error| FolderError::Io { path, error })?;
        self.waiting.forget(&encounter, &self.options.relay);
        self.save_waiting()
    }

    /// Writes which fights wait, all of them; into a folder that is made anew where it was deleted, and never into another
    /// client's.
    fn save_waiting(&mut self) -> Result<(), FolderError> {
        self.folder.keep()?;
        self.waiting.save(self.folder.dir())
    }

    /// Says in the folder how things stand.
    fn tell_folder(&self, running: bool) {
        // Where it was deleted another client's may stand there.
        if self.folder.is_gone() {
            return;
        }
        let now = Now {
            at_ms: self.options.clock.unix_ms(),
            running,
            history: true,
            process: std::process::id(),
            relay: self.options.relay.clone(),
            connected: self.answers > 0,
            ..Now::default()
        };
        if let Err(error) = now.save(self.folder.part()) {
            tracing::debug!(%error, "could not say how things stand");
        }
    }
}
