//! Fights of `POST /api/v1/encounters`: each with an answer of its own.
//!
//! One invariant: what is wrong with one costs no other of the request, and what is answered of one stays so, whatever
//! becomes of those behind it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use raidcast_ingest::AHEAD_MS_MAX;
use raidcast_ingest::encounters::{self, Checksums, ClientId, Refused, Request};
use tokio::time::Instant;

use super::body::{Measure, Received};
use super::keep::{Done, Fight};
use super::{Ingest, Reading, in_time, late, not_an_upload};
use crate::access::Uploader;
use crate::background::Broken;
use crate::error::HttpError;
use crate::limits::{ENCOUNTERS_ANSWER_MS, ENCOUNTERS_BYTES_MAX, ENCOUNTERS_READ_MS, ENCOUNTERS_WAIT_MS};
use crate::metrics::{MeterVersion, UploadOutcome};
use crate::signature::Proof;

/// Of a request's body.
const MEASURE: Measure =
    Measure { most: ENCOUNTERS_BYTES_MAX, waits_ms: ENCOUNTERS_WAIT_MS, read_ms: ENCOUNTERS_READ_MS };

/// What became of a request.
#[derive(Debug)]
pub struct Taken {
    /// Of each encounter, in the order of the request.
    pub encounters: Vec<Result<Kept, HttpError>>,
    /// Whether they came as a list.
    pub is_batch: bool,
}

/// An encounter that is kept, or was before.
#[derive(Debug)]
pub struct Kept {
    /// The uploader's number of it.
    pub client_id: ClientId,
    /// Its report.
    pub report_id: String,
    /// Where the report is; with its ticket where it is private and the uploader's key may read.
    pub report_url: String,
    /// When the encounter came first, Unix ms.
    pub created_at_ms: i64,
    /// Whether there was none before.
    pub is_new: bool,
    /// Whether its report is complete; else the fight goes on, or may, and what was sent waits for its end.
    pub is_complete: bool,
    /// Whether its report holds a reading that came with a good signature.
    pub is_verified: bool,
    /// Of what was sent.
    pub checksum: Checksums,
}

impl Ingest {
    /// Keeps the encounters of a request. Done to its end also where nobody waits for it any more.
    ///
    /// # Errors
    /// Those of its body and its signature; `BadRequest` where there is none in it; `Unavailable`: send the same again. What
    /// is wrong with one encounter is told in its place.
    pub async fn encounters(
        self: &Arc<Self>,
        uploader: Uploader,
        headers: HeaderMap,
        proof: Option<Proof>,
        body: Body,
    ) -> Result<Taken, HttpError> {
        let (ingest, began) = (Arc::clone(self), Instant::now());
        let done = in_time(ENCOUNTERS_ANSWER_MS, async move {
            let account = uploader.account();
            let received = ingest.bodies.receive(account, &headers, body, MEASURE, proof).await?;
            ingest.context().metrics.payload(received.bytes.len());
            Box::pin(ingest.take_encounters(uploader, received, began)).await
        })
        .await;
        match &done {
            // As with a wrong key: whose upload it is nobody knows.
            Ok(_) | Err(HttpError::Unsigned(_)) => {}
            Err(error) => self.refused(error, MeterVersion::NONE, began),
        }
        done
    }

    async fn take_encounters(
        &self,
        uploader: Uploader,
        received: Received,
        began: Instant,
    ) -> Result<Taken, HttpError> {
        let end = began + Duration::from_millis(ENCOUNTERS_ANSWER_MS);
        let (secret, is_signed) = (self.context().secret.clone(), received.is_signed);
        let read = move |body: &str, next: &mut dyn FnMut(Result<encounters::Received, Refused>) -> bool| {
            if let Some(read) = encounters::read_alone(body, &|id| secret.actor(id)) {
                let _ = next(Ok(read));
                return Ok(false);
            }
            let Request { encounters, is_batch } = Request::parse(body)?;
            let mut read = encounters.into_iter().map(|encounter| encounters::read(encounter, &|id| secret.actor(id)));
            // Until the time is over.
            let _ = read.all(next);
            Ok(is_batch)
        };
        let Reading { mut fights, whole, _permit } = self.read(received, read).await?;
        let mut taken = Vec::new();
        while let Some(read) = fights.recv().await {
            if Instant::now() > end {
                // Nobody waits for it any more.
                return Err(late());
            }
            let version =
                read.as_ref().map_or(MeterVersion::NONE, |read| MeterVersion::of(read.meter_version.as_deref()));
            let kept = match read {
                Ok(read) => Box::pin(self.keep_encounter(&uploader, read, is_signed)).await,
                Err(refused) => Err(refused.into()),
            };
            match kept {
                Ok((kept, what)) => {
                    self.context().metrics.uploaded(what, version, began.elapsed());
                    taken.push(Ok(kept));
                }
                Err(error) => {
                    self.refused(&error, version, began);
                    taken.push(Err(error));
                }
            }
        }
        let is_batch = whole.await.map_err(|Broken| HttpError::Internal)?.map_err(|error| not_an_upload(&error))?;
        Ok(Taken { encounters: taken, is_batch })
    }

    async fn keep_encounter(
        &self,
        uploader: &Uploader,
        read: encounters::Received,
        is_signed: bool,
    ) -> Result<(Kept, UploadOutcome), HttpError> {
        let context = self.context();
        let encounters::Received { uploaded, client_id, checksum, local_player_uid, .. } = read;
        let started_at_ms = uploaded.started_at_ms;
        if started_at_ms > context.clock.now_ms().saturating_add(AHEAD_MS_MAX) {
            // It would stand before all others for as long as that takes.
            let details = vec![format!("startedAtMs: must not be more than a week from now, got {started_at_ms}")];
            return Err(HttpError::Invalid { text: "the encounter is from the future".into(), details });
        }
        let (read, may_be_held, _alone) = if local_player_uid.is_some() {
            let named = self.begins.named(&self.keeper, uploader.account(), uploaded).await?;
            (named.read, named.is_held, Some(named.alone))
        } else {
            self.keeper.begins(uploader.account())?;
            // Its number says which it is.
            (uploaded, true, None)
        };
        let fight = Fight { is_signed, may_be_held, ..Fight::new(&context.secret, uploader, read) };
        let key = fight.key;
        let Done { what, goes_on, row, .. } = self.keeper.keep(fight).await?;
        let row = match row {
            Some(row) => Some(*row),
            None => context.store.encounter(key.account, key.encounter).await?,
        };
        // Its stream was thrown away in this moment: the reading that waits is kept in its place.
        let again =
            || HttpError::Unavailable { text: "this fight has just changed: send the same again".into(), retry_s: 5 };
        let row = row.ok_or_else(again)?;
        // The ticket of a private one opens all that stands in its raid.
        let report_url = if uploader.reads() { context.report_url(&row) } else { context.report_page(&row) };
        let kept = Kept {
            client_id,
            report_id: row.report_id,
            report_url,
            created_at_ms: row.created_at_ms,
            is_new: what == UploadOutcome::Created,
            is_complete: !goes_on,
            is_verified: row.verified,
            checksum,
        };
        Ok((kept, what))
    }
}

impl From<Refused> for HttpError {
    fn from(refused: Refused) -> Self {
        let text = refused.to_string();
        match refused {
            Refused::TooLarge { .. } => Self::PartTooLarge(text),
            Refused::UnsupportedVersion { .. } => Self::UnsupportedVersion(text),
            Refused::Invalid { details, .. } => Self::Invalid { text, details },
        }
    }
}
