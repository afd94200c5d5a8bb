//! Fights that come whole, over HTTP: from a request's bytes to kept reports, without a raid's task.
//!
//! One invariant: what is answered is kept, or was before; what is not answered may be kept, and is known when it comes
//! again. So whoever got no answer sends the same again. Deliberately not here: what bytes mean
//! ([`raidcast_ingest`]), and which of two readings counts ([`crate::raid::Told`]).

mod body;
mod encounters;
mod keep;
mod reading;
mod twin;
mod waiting;

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use raidcast_ingest::{Check, NotAnUpload, PlayerData, Upload, Uploaded};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio::time::Instant;
use tracing::Instrument as _;

use self::body::{Bodies, Measure, Received, Standing};
pub use self::encounters::{Kept, Taken};
use self::keep::{Done, Fight, Keeper};
use self::twin::Begins;
use crate::access::Uploader;
use crate::background::{Broken, Running};
use crate::context::Context;
use crate::error::HttpError;
use crate::limits::{CHECK_BYTES_MAX, PROFILES_BYTES_MAX, PROFILES_MAX, UPLOAD_ANSWER_MS, UPLOAD_BYTES_MAX};
use crate::metrics::{MeterVersion, UploadOutcome};
use crate::raid::RaidRegistry;

/// See the module's page.
pub struct Ingest {
    keeper: Keeper,
    bodies: Bodies,
    /// A permit for each request whose fights are folded: one more than there are cores, for some wait for the disk.
    folding: Semaphore,
    begins: Begins,
}

/// A body that is being read.
struct Reading<'a, T, R> {
    /// Its fights, one after another.
    fights: mpsc::Receiver<T>,
    /// What there is to say of it as a whole.
    whole: Running<Result<R, NotAnUpload>>,
    _permit: SemaphorePermit<'a>,
}

/// Which fights of an account are here already.
#[derive(Debug)]
pub struct Checked {
    /// With what meters are told of each.
    pub known: Vec<(String, i64)>,
    /// The others.
    pub unknown: Vec<String>,
}

impl Ingest {
    /// Nothing came yet.
    pub fn new(registry: Arc<RaidRegistry>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let keeper = Keeper::new(registry);
        let (background, metrics) = (keeper.context().heavy.background(), &keeper.context().metrics);
        let bodies = Bodies::new(Arc::clone(background), Arc::clone(metrics));
        Self { keeper, bodies, folding: Semaphore::new(cores + 1), begins: Begins::default() }
    }

    /// How many uploads are under way.
    pub fn standing(&self) -> Standing {
        self.bodies.standing()
    }

    /// How many readings wait for their fights' streams, as far as known.
    pub fn waiting(&self) -> u64 {
        self.keeper.left.waiting()
    }

    fn context(&self) -> &Context {
        self.keeper.context()
    }

    /// Keeps the fights of a meter's request; gives what the meter is told of each, in their order. Done to its end also
    /// where nobody waits for it any more.
    ///
    /// # Errors
    /// Those of its body; `BadRequest` where that is no upload; `TooMany` and `Unavailable`: send the same again.
    pub async fn upload(
        self: &Arc<Self>,
        uploader: Uploader,
        headers: HeaderMap,
        body: Body,
    ) -> Result<Vec<i64>, HttpError> {
        let (ingest, began) = (Arc::clone(self), Instant::now());
        let done = in_time(UPLOAD_ANSWER_MS, async move {
            let received = ingest
                .bodies
                .receive(uploader.account(), &headers, body, Measure::of_meters(UPLOAD_BYTES_MAX), None)
                .await?;
            ingest.context().metrics.payload(received.bytes.len());
            ingest.take(uploader, received, began).await
        })
        .await;
        if let Err(error) = &done {
            self.refused(error, MeterVersion::NONE, began);
        }
        done
    }

    async fn take(&self, uploader: Uploader, received: Received, began: Instant) -> Result<Vec<i64>, HttpError> {
        let (secret, came_ms) = (self.context().secret.clone(), self.context().clock.now_ms());
        let end = Instant::now() + Duration::from_millis(UPLOAD_ANSWER_MS);
        let read = move |body: &str, next: &mut dyn FnMut((Uploaded, MeterVersion)) -> bool| {
            let upload = Upload::parse(body)?;
            let version = MeterVersion::of(upload.client_version.as_deref());
            let read = |fight| raidcast_ingest::meter::read(fight, came_ms, &|id| secret.actor(id));
            // Until one could not be kept.
            let _ = upload.encounters.into_iter().all(|fight| next((read(fight), version)));
            Ok(())
        };
        let Reading { mut fights, whole, _permit } = self.read(received, read).await?;
        // What nobody can read is often the same many times: it is kept, and looked for, once.
        let (mut ids, mut stubs) = (Vec::new(), HashMap::new());
        while let Some((read, version)) = fights.recv().await {
            if Instant::now() > end {
                // Nobody waits for it any more.
                return Err(late());
            }
            let stub = read.stub.map(|_| (read.encounter, read.source_hash.clone()));
            if let Some(remote_id) = stub.as_ref().and_then(|stub| stubs.get(stub)) {
                self.context().metrics.uploaded(UploadOutcome::Known, version, began.elapsed());
                ids.push(*remote_id);
                continue;
            }
            let named = self.begins.named(&self.keeper, uploader.account(), read).await?;
            let may_be_held = named.is_held;
            let fight = Fight { may_be_held, ..Fight::new(&self.context().secret, &uploader, named.read) };
            let _alone = named.alone;
            let Done { remote_id, what, .. } = self.keeper.keep(fight).await?;
            let what = if stub.is_some() && what != UploadOutcome::Known { UploadOutcome::Stub } else { what };
            self.context().metrics.uploaded(what, version, began.elapsed());
            stubs.extend(stub.map(|stub| (stub, remote_id)));
            ids.push(remote_id);
        }
        whole.await.map_err(|Broken| HttpError::Internal)?.map_err(|error| not_an_upload(&error))?;
        Ok(ids)
    }

    fn refused(&self, error: &HttpError, version: MeterVersion, began: Instant) {
        let what = if error.status().is_server_error() { UploadOutcome::Failed } else { UploadOutcome::Refused };
        self.context().metrics.uploaded(what, version, began.elapsed());
    }

    /// Reads a body in the background, one fight at a time: the next while the one before is kept.
    async fn read<T: Send + 'static, R: Send + 'static>(
        &self,
        received: Received,
        read: impl FnOnce(&str, &mut dyn FnMut(T) -> bool) -> Result<R, NotAnUpload> + Send + 'static,
    ) -> Result<Reading<'_, T, R>, HttpError> {
        // It is never closed.
        let permit = self.folding.acquire().await.map_err(|_| HttpError::Internal)?;
        let (sender, fights) = mpsc::channel(1);
        let whole = self.context().heavy.background().run(move || {
            // All of it: its place is another's when this is done.
            let mut received = received;
            let text = raidcast_ingest::text(std::mem::take(&mut received.bytes));
            read(&text, &mut |fight| sender.blocking_send(fight).is_ok())
        });
        Ok(Reading { fights, whole, _permit: permit })
    }

    /// Which of the fights that a meter asks about its account has uploaded.
    ///
    /// # Errors
    /// As [`Ingest::upload`].
    pub async fn check(
        self: &Arc<Self>,
        uploader: Uploader,
        headers: HeaderMap,
        body: Body,
    ) -> Result<Checked, HttpError> {
        let (ingest, account) = (Arc::clone(self), uploader.account());
        in_time(UPLOAD_ANSWER_MS, async move {
            let received =
                ingest.bodies.receive(account, &headers, body, Measure::of_meters(CHECK_BYTES_MAX), None).await?;
            let check = ingest.parse(received, Check::parse).await?;
            let secret = &ingest.context().secret;
            let keyed: Vec<_> = check.hashes.iter().map(|hash| secret.upload(hash)).collect();
            let held: HashMap<_, _> = ingest.context().store.uploaded(account, &keyed).await?.into_iter().collect();
            let (mut known, mut unknown) = (Vec::new(), Vec::new());
            for (hash, keyed) in check.hashes.into_iter().zip(keyed) {
                match held.get(&keyed) {
                    Some(remote_id) => known.push((hash, *remote_id)),
                    None => unknown.push(hash),
                }
            }
            Ok(Checked { known, unknown })
        })
        .await
    }

    /// How many players' profiles a meter's request holds. Nothing of them is kept.
    ///
    /// # Errors
    /// As [`Ingest::upload`].
    pub async fn count_profiles(
        self: &Arc<Self>,
        uploader: Uploader,
        headers: HeaderMap,
        body: Body,
    ) -> Result<usize, HttpError> {
        let ingest = Arc::clone(self);
        in_time(UPLOAD_ANSWER_MS, async move {
            let received = ingest
                .bodies
                .receive(uploader.account(), &headers, body, Measure::of_meters(PROFILES_BYTES_MAX), None)
                .await?;
            let count = ingest.parse(received, PlayerData::count).await?;
            if count > PROFILES_MAX {
                let text = format!("a request has at most {PROFILES_MAX} profiles: send the rest in another one");
                return Err(HttpError::BadRequest(text));
            }
            Ok(count)
        })
        .await
    }

    /// Takes a body apart, in the background.
    async fn parse<T: Send + 'static>(
        &self,
        mut received: Received,
        parse: impl FnOnce(&str) -> Result<T, NotAnUpload> + Send + 'static,
    ) -> Result<T, HttpError> {
        // It is never closed.
        let _permit = self.folding.acquire().await.map_err(|_| HttpError::Internal)?;
        let parsing = self
            .context()
            .heavy
            .background()
            .run(move || parse(&raidcast_ingest::text(std::mem::take(&mut received.bytes))));
        parsing.await.map_err(|Broken| HttpError::Internal)?.map_err(|error| not_an_upload(&error))
    }
}

/// Does what a request asks to its end, also where nobody waits for it any more; the answer is there
/// while its sender waits.
async fn in_time<T: Send + 'static>(
    answer_ms: u64,
    work: impl Future<Output = Result<T, HttpError>> + Send + 'static,
) -> Result<T, HttpError> {
    let work = tokio::spawn(work.in_current_span());
    let done = tokio::time::timeout(Duration::from_millis(answer_ms), work).await;
    done.map_err(|_| late())?.map_err(|_| HttpError::Internal)?
}

fn late() -> HttpError {
    let text = "many fights are being uploaded: send the same again, it goes on where it was";
    HttpError::Unavailable { text: text.into(), retry_s: 10 }
}

fn not_an_upload(error: &NotAnUpload) -> HttpError {
    HttpError::BadRequest(error.to_string())
}
