//! The body of an upload: read and unfolded within its limits.
//!
//! One invariant: whoever reads a body has a place among few, given to accounts in turn, and a large body is the only one
//! of its size. So bodies together hold what [`UPLOADS_READ_MAX`] ordinary ones and one of the largest hold, however many
//! come, and however far they unfold. Deliberately not here: what stands in them.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use futures::StreamExt as _;
use raidcast_store::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::background::{Background, Broken};
use crate::edge::drain;
use crate::error::HttpError;
use crate::limits::{
    PIECE_BYTES, REQUEST_BODY_BYTES_MAX, UPLOAD_LARGE_BYTES, UPLOAD_PACKED_BYTES_MAX, UPLOAD_PIECE_MS, UPLOAD_READ_MS,
    UPLOAD_WAITS_MS, UPLOADS_READ_EACH, UPLOADS_READ_MAX, UPLOADS_WAITING_MAX,
};
use crate::metrics::{Coding, Metrics};
use crate::signature::Proof;
use crate::turns::{Turn, Turns};

/// A zstd frame may ask for a window of this power of two before a byte of it is there: 8 MiB, as `zstd -19` uses.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// How a body is packed.
fn coding(headers: &HeaderMap) -> Result<Coding, HttpError> {
    let Some(coding) = headers.get(header::CONTENT_ENCODING) else { return Ok(Coding::Identity) };
    match coding.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Coding::Identity),
        "gzip" | "x-gzip" => Ok(Coding::Gzip),
        "zstd" => Ok(Coding::Zstd),
        _ => Err(HttpError::UnsupportedMedia),
    }
}

/// To how many bytes a body says that it unfolds. It may be wrong.
fn says_it_unfolds_to(coding: Coding, sent: &[u8]) -> Option<u64> {
    match coding {
        Coding::Identity => None,
        Coding::Gzip => sent.last_chunk().map(|length| u32::from_le_bytes(*length).into()),
        Coding::Zstd => zstd::zstd_safe::get_frame_content_size(sent).ok().flatten(),
    }
}

/// A body that was read, and its place.
pub(super) struct Received {
    /// Unfolded.
    pub(super) bytes: Vec<u8>,
    /// Whether it came with a good signature.
    pub(super) is_signed: bool,
    _turn: Option<Turn<AccountId>>,
    _large: Option<OwnedSemaphorePermit>,
}

/// How many bodies there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// That are read, or folded.
    pub read: usize,
    /// That wait to be read.
    pub waiting: usize,
}

/// What a call's body may be, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    /// Bytes, as it is sent and unfolded.
    pub(super) most: u64,
    /// It waits this long for its turn, ms.
    pub(super) waits_ms: u64,
    /// And is there in this time from then on, ms.
    pub(super) read_ms: u64,
}

impl Measure {
    /// Of one of the meters' calls.
    pub(super) const fn of_meters(most: u64) -> Self {
        Self { most, waits_ms: UPLOAD_WAITS_MS, read_ms: UPLOAD_READ_MS }
    }
}

/// Where bodies are read.
pub(super) struct Bodies {
    background: Arc<Background>,
    metrics: Arc<Metrics>,
    turns: Arc<Turns<AccountId>>,
    large: Arc<Semaphore>,
}

fn busy() -> HttpError {
    HttpError::Unavailable { text: "many fights are being uploaded: try again in a moment".into(), retry_s: 10 }
}

impl Bodies {
    /// Places for bodies, which are unfolded in the background.
    pub(super) fn new(background: Arc<Background>, metrics: Arc<Metrics>) -> Self {
        let turns = Arc::new(Turns::new(UPLOADS_READ_MAX, UPLOADS_READ_EACH, UPLOADS_WAITING_MAX, UPLOADS_WAITING_MAX));
        Self { background, metrics, turns, large: Arc::new(Semaphore::new(1)) }
    }

    /// How many are held, and how many wait to be read.
    pub(super) fn standing(&self) -> Standing {
        Standing { read: UPLOADS_READ_MAX - self.turns.free(), waiting: self.turns.waiting() }
    }

    /// Reads a body when it is its account's turn; a small one at once. What was sent must be what was signed, if that is to be proven.
    ///
    /// # Errors
    /// `Unavailable` if many wait or it comes too slowly, `TooLarge`, `UnsupportedMedia`, `Unsigned`, `BadRequest` where it
    /// is not what its coding says. What is left of it was taken in, as far as that is in measure.
    pub(super) async fn receive(
        &self,
        account: AccountId,
        headers: &HeaderMap,
        body: Body,
        measure: Measure,
        mut proof: Option<Proof>,
    ) -> Result<Received, HttpError> {
        let Measure { most, waits_ms, read_ms } = measure;
        let coding = match coding(headers) {
            Ok(coding) => coding,
            Err(error) => {
                drain(body).await;
                return Err(error);
            }
        };
        let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let is_small = coding == Coding::Identity && length.is_some_and(|length| length <= REQUEST_BODY_BYTES_MAX);
        let turn = if is_small {
            None
        } else {
            let turn = timeout(Duration::from_millis(waits_ms), self.turns.turn(account)).await;
            let Ok(Ok(turn)) = turn else {
                drain(body).await;
                return Err(busy());
            };
            Some(turn)
        };
        let end = Instant::now() + Duration::from_millis(read_ms);
        let mut large = None;
        let sent_most = if coding == Coding::Identity { most } else { most.min(UPLOAD_PACKED_BYTES_MAX) };
        let sent = match self.sent(body, sent_most, read_ms, end, &mut large, proof.as_mut()).await {
            Ok(sent) => sent,
            Err((error, rest)) => {
                drain(rest).await;
                return Err(error);
            }
        };
        let is_signed = proof.is_some();
        if let Some(proof) = proof {
            proof.finish().await?;
        }
        self.metrics.body(coding, sent.len());
        let bytes = self.unfolded(coding, sent, most as usize, end, &mut large).await?;
        Ok(Received { bytes, is_signed, _turn: turn, _large: large })
    }

    /// The body as it was sent; with an error what was not read of it.
    async fn sent(
        &self,
        body: Body,
        most: u64,
        read_ms: u64,
        end: Instant,
        large: &mut Option<OwnedSemaphorePermit>,
        mut proof: Option<&mut Proof>,
    ) -> Result<Vec<u8>, (HttpError, Body)> {
        let mut stream = body.into_data_stream();
        let mut sent = Vec::new();
        // It must get on: a place is not held by who sends nothing.
        let (mut due, mut come) = (Instant::now() + Duration::from_millis(UPLOAD_PIECE_MS), 0);
        loop {
            let error = match timeout_at(end.min(due), stream.next()).await {
                Ok(None) => return Ok(sent),
                Ok(Some(Ok(piece))) if (sent.len() + piece.len()) as u64 > most => HttpError::TooLarge(most),
                Ok(Some(Ok(piece))) => {
                    if sent.len() + piece.len() > UPLOAD_LARGE_BYTES
                        && let Err(error) = self.enter_large(large, end).await
                    {
                        return Err((error, Body::from_stream(stream)));
                    }
                    sent.extend_from_slice(&piece);
                    if let Some(proof) = &mut proof {
                        proof.take(&piece);
                    }
                    come += piece.len();
                    if come >= PIECE_BYTES {
                        (due, come) = (Instant::now() + Duration::from_millis(UPLOAD_PIECE_MS), 0);
                    }
                    continue;
                }
                Ok(Some(Err(_))) => HttpError::BadRequest("the request's body broke off".into()),
                Err(_) => {
                    let text = format!(
                        "the request's body comes too slowly: {} KiB of it are to come in {} s, and all of it in {} s; send \
                         it packed, or less at once",
                        PIECE_BYTES / 1024,
                        UPLOAD_PIECE_MS / 1_000,
                        read_ms / 1_000
                    );
                    HttpError::Unavailable { text, retry_s: 10 }
                }
            };
            return Err((error, Body::from_stream(stream)));
        }
    }

    async fn enter_large(&self, large: &mut Option<OwnedSemaphorePermit>, end: Instant) -> Result<(), HttpError> {
        if large.is_none() {
            let place = timeout_at(end, Arc::clone(&self.large).acquire_owned()).await;
            // It is never closed.
            *large = Some(place.map_err(|_| busy())?.map_err(|_| busy())?);
        }
        Ok(())
    }

    async fn unfolded(
        &self,
        coding: Coding,
        sent: Vec<u8>,
        most: usize,
        end: Instant,
        large: &mut Option<OwnedSemaphorePermit>,
    ) -> Result<Vec<u8>, HttpError> {
        if coding == Coding::Identity {
            return Ok(sent);
        }
        let sent = Arc::new(sent);
        let beside_others = if large.is_some() { most } else { most.min(UPLOAD_LARGE_BYTES) };
        if let Some(bytes) = self.unfold(coding, &sent, beside_others).await? {
            return Ok(bytes);
        }
        if beside_others < most {
            // Larger than all that may be read beside each other.
            self.enter_large(large, end).await?;
            if let Some(bytes) = self.unfold(coding, &sent, most).await? {
                return Ok(bytes);
            }
        }
        Err(HttpError::TooLarge(most as u64))
    }

    /// What a body unfolds to; `None` if that is more.
    async fn unfold(&self, coding: Coding, sent: &Arc<Vec<u8>>, most: usize) -> Result<Option<Vec<u8>>, HttpError> {
        let sent = Arc::clone(sent);
        let unfolding = self.background.run(move || {
            // Room is made once: to grow is to copy, and memory is dear where it is touched for the first time.
            let room = says_it_unfolds_to(coding, &sent).map_or(0, |bytes| bytes.min(most as u64 + 1) as usize);
            let read = |from: &mut dyn Read| {
                let mut bytes = Vec::with_capacity(room);
                from.take(most as u64 + 1).read_to_end(&mut bytes).map(|_| bytes)
            };
            match coding {
                Coding::Identity => read(&mut &sent[..]),
                Coding::Gzip => read(&mut flate2::read::MultiGzDecoder::new(&sent[..])),
                Coding::Zstd => {
                    if (1..=most).contains(&room)
                        && let Some(bytes) = in_one_go(&sent, room)
                    {
                        return Ok(bytes);
                    }
                    let mut decoder = zstd::stream::read::Decoder::with_buffer(&sent[..])?;
                    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                    read(&mut decoder)
                }
            }
        });
        let unfolded: io::Result<Vec<u8>> = unfolding.await.map_err(|Broken| HttpError::Internal)?;
        let bytes = unfolded.map_err(|_| {
            let coding = coding.name();
            HttpError::BadRequest(format!("the request's body is not {coding}, as its Content-Encoding says"))
        })?;
        Ok(Some(bytes).filter(|bytes| bytes.len() <= most))
    }
}

/// What a body of one zstd frame unfolds to, if it is as much as it says; at all else one looks piece by piece.
fn in_one_go(sent: &[u8], room: usize) -> Option<Vec<u8>> {
    if zstd::zstd_safe::find_frame_compressed_size(sent) != Ok(sent.len()) {
        return None;
    }
    let mut bytes = Vec::with_capacity(room);
    zstd::bulk::Decompressor::new().ok()?.decompress_to_buffer(sent, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use axum::body::Bytes;
    use futures::stream;

    use super::*;
    use crate::limits::UPLOAD_BYTES_MAX;

    const ONE: AccountId = AccountId(1);
    const MOST: Measure = Measure::of_meters(UPLOAD_BYTES_MAX);

    fn packed(coding: &str, bytes: &[u8]) -> Vec<u8> {
        match coding {
            "gzip" => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            "zstd" => zstd::encode_all(bytes, 1).unwrap(),
            _ => bytes.to_vec(),
        }
    }

    /// The beginning of a frame that says to how many bytes it unfolds, and is nothing else.
    fn zstd_of_size(bytes: u64) -> Vec<u8> {
        let frame = [&[0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0x50][..], &bytes.to_le_bytes()].concat();
        assert_eq!(says_it_unfolds_to(Coding::Zstd, &frame), Some(bytes));
        frame
    }

    fn headers(coding: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, coding.parse().unwrap());
        headers
    }

    async fn receive(bodies: &Bodies, coding: &str, sent: Vec<u8>) -> Result<usize, String> {
        let received = bodies.receive(ONE, &headers(coding), Body::from(sent), MOST, None).await;
        received.map(|received| received.bytes.len()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_body_is_read_however_it_is_packed() {
        let bodies = Bodies::new(Arc::default(), Arc::default());
        let text = b"{\"encounters\":[]}".repeat(1_000);
        for coding in ["identity", "gzip", "zstd", "GZIP", " zstd "] {
            let sent = packed(coding.trim().to_ascii_lowercase().as_str(), &text);
            let received = bodies.receive(ONE, &headers(coding), Body::from(sent), MOST, None).await.unwrap();
            assert!(received.bytes == text, "{coding}");
        }
        // Two gzip members and two zstd frames are one body each.
        for coding in ["gzip", "zstd"] {
            let twice = [packed(coding, &text), packed(coding, &text)].concat();
            assert_eq!(receive(&bodies, coding, twice).await, Ok(2 * text.len()));
        }
        for (coding, sent, says) in [
            ("br", text.clone(), "send gzip, zstd, or none"),
            ("gzip, zstd", text.clone(), "send gzip, zstd, or none"),
            ("gzip", text.clone(), "is not gzip"),
            ("zstd", text.clone(), "is not zstd"),
            ("gzip", packed("gzip", &text)[..100].to_vec(), "is not gzip"),
            ("zstd", packed("zstd", &text)[..20].to_vec(), "is not zstd"),
            // Its last bytes say that it unfolds to 4 GiB.
            ("gzip", [packed("gzip", &text), vec![0xff; 4]].concat(), "is not gzip"),
            ("gzip", vec![0xff; 4], "is not gzip"),
            ("zstd", zstd_of_size(1 << 40), "is not zstd"),
        ] {
            let error = receive(&bodies, coding, sent).await.unwrap_err();
            assert!(error.contains(says), "{coding}: {error}");
        }
        assert_eq!(bodies.large.available_permits(), 1);
    }

    #[tokio::test]
    async fn what_a_body_unfolds_to_is_limited_and_large_ones_come_one_at_a_time() {
        let bodies = Bodies::new(Arc::default(), Arc::default());
        let most = UPLOAD_BYTES_MAX as usize;
        for coding in ["gzip", "zstd"] {
            let bomb = packed(coding, &vec![b' '; most + 1]);
            assert!(bomb.len() < most / 100);
            assert!(receive(&bodies, coding, bomb).await.unwrap_err().contains("too long"));
        }
        let one = packed("zstd", &vec![b' '; most]);
        let held = bodies.receive(ONE, &headers("zstd"), Body::from(one), MOST, None).await.unwrap();
        assert_eq!((held.bytes.len(), bodies.large.available_permits()), (most, 0));
        // Ordinary ones are read meanwhile.
        let ordinary = packed("zstd", &vec![b' '; UPLOAD_LARGE_BYTES]);
        assert_eq!(receive(&bodies, "zstd", ordinary.clone()).await, Ok(UPLOAD_LARGE_BYTES));
        drop(held);
        assert_eq!(receive(&bodies, "identity", vec![b' '; UPLOAD_LARGE_BYTES + 1]).await, Ok(UPLOAD_LARGE_BYTES + 1));
        assert_eq!(bodies.large.available_permits(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_gives_its_place_back() {
        let bodies = Bodies::new(Arc::default(), Arc::default());
        let never = || Body::from_stream(stream::pending::<Result<Bytes, io::Error>>());
        let headers = headers("identity");
        let stuck = |account| bodies.receive(account, &headers, never(), MOST, None);
        let mut stuck = Box::pin(futures::future::join_all(
            (0..UPLOADS_READ_MAX).map(|n| stuck(AccountId(1 + i64::from(n >= UPLOADS_READ_EACH)))),
        ));
        assert!(futures::poll!(&mut stuck).is_pending());
        let late = bodies.receive(AccountId(3), &headers, Body::from("late"), MOST, None);
        let (stuck, late) = futures::join!(stuck, late);
        assert_eq!(
            late.ok().map(|late| late.bytes),
            Some(b"late".to_vec()),
            "whose turn comes when the first gives up"
        );
        assert!(stuck.into_iter().all(|one| matches!(one, Err(HttpError::Unavailable { .. }))));
        // However many of one account do not come, another's is read at once.
        let stuck = (0..20).map(|_| bodies.receive(ONE, &headers, never(), MOST, None));
        let mut stuck = Box::pin(futures::future::join_all(stuck));
        assert!(futures::poll!(&mut stuck).is_pending());
        let other = bodies.receive(AccountId(2), &headers, Body::from("now"), MOST, None);
        assert!(futures::poll!(Box::pin(other)).is_ready());
        drop(stuck);
        assert_eq!(receive(&bodies, "identity", b"now".to_vec()).await, Ok(3));
    }
}
