//! Fights that come whole, over HTTP: from a request's bytes to kept reports, without a raid's task.
//!
//! One invariant: what is answered is kept, or was before; what is not answered may be kept, and is known when it comes
//! again. So whoever got no answer sends the same again. Deliberately not here: what bytes mean
//! ([`raidcast_ingest`]), and which of two readings counts ([`crate::raid::Told`]).

mod body;
mod keep;

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use raidcast_ingest::{Check, NotAnUpload, PlayerData, Upload};
use tokio::sync::{Semaphore, mpsc};

use self::body::{Bodies, Received};
use self::keep::{Fight, Keeper};
use crate::access::Uploader;
use crate::context::Context;
use crate::error::HttpError;
use crate::limits::UPLOAD_ANSWER_MS;
use crate::raid::RaidRegistry;

/// See the module's page.
pub struct Ingest {
    keeper: Keeper,
    bodies: Bodies,
    /// A permit for each request whose fights are folded: one more than there are cores, for some wait for the disk.
    folding: Semaphore,
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
        Self { keeper: Keeper::new(registry), bodies: Bodies::default(), folding: Semaphore::new(cores + 1) }
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
        let ingest = Arc::clone(self);
        let taking = tokio::spawn(async move {
            let received = ingest.bodies.receive(uploader.account(), &headers, body).await?;
            ingest.take(uploader, received).await
        });
        let taken = tokio::time::timeout(Duration::from_millis(UPLOAD_ANSWER_MS), taking).await;
        let late = || {
            let text = "many fights are being uploaded: send the same again, it goes on where it was";
            HttpError::Unavailable { text: text.into(), retry_s: 10 }
        };
        taken.map_err(|_| late())?.map_err(|_| HttpError::Internal)?
    }

    async fn take(&self, uploader: Uploader, received: Received) -> Result<Vec<i64>, HttpError> {
        // It is never closed.
        let _permit = self.folding.acquire().await.map_err(|_| HttpError::Internal)?;
        let secret = self.context().secret.clone();
        // One fight at a time is unfolded, off the runtime's threads; the next while the one before is kept.
        let (sender, mut fights) = mpsc::channel(1);
        let reading = tokio::task::spawn_blocking(move || {
            let upload = Upload::parse(&received.bytes)?;
            for fight in &upload.encounters {
                let read = raidcast_ingest::meter::read(fight, &|id| secret.actor(id));
                if sender.blocking_send(read).is_err() {
                    // One before it could not be kept.
                    break;
                }
            }
            Ok::<_, NotAnUpload>(())
        });
        let mut ids = Vec::new();
        while let Some(read) = fights.recv().await {
            let fight = Fight::new(&self.context().secret, uploader, read);
            ids.push(self.keeper.keep(uploader, fight).await?);
        }
        reading.await.map_err(|_| HttpError::Internal)?.map_err(|error| not_an_upload(&error))?;
        Ok(ids)
    }

    /// Which of the fights that a meter asks about its account has uploaded.
    ///
    /// # Errors
    /// As [`Ingest::upload`].
    pub async fn check(&self, uploader: Uploader, headers: &HeaderMap, body: Body) -> Result<Checked, HttpError> {
        let received = self.bodies.receive(uploader.account(), headers, body).await?;
        let check = Check::parse(&received.bytes).map_err(|error| not_an_upload(&error))?;
        let secret = &self.context().secret;
        let keyed: Vec<_> = check.hashes.iter().map(|hash| secret.upload(&hash.to_ascii_lowercase())).collect();
        let held = self.context().store.uploaded(uploader.account(), &keyed).await?;
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for (hash, keyed) in check.hashes.into_iter().zip(keyed) {
            match held.iter().find(|(of, _)| *of == keyed) {
                Some((_, remote_id)) => known.push((hash, *remote_id)),
                None => unknown.push(hash),
            }
        }
        Ok(Checked { known, unknown })
    }

    /// How many players' profiles a meter's request holds. Nothing of them is kept.
    ///
    /// # Errors
    /// As [`Ingest::upload`].
    pub async fn count_profiles(
        &self,
        uploader: Uploader,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<usize, HttpError> {
        let received = self.bodies.receive(uploader.account(), headers, body).await?;
        PlayerData::count(&received.bytes).map_err(|error| not_an_upload(&error))
    }
}

fn not_an_upload(error: &NotAnUpload) -> HttpError {
    HttpError::BadRequest(error.to_string())
}
