//! Requests to the relay that carry a whole fight each, where no stream can be had.
//!
//! One invariant: a fight is here only where the relay itself says so, in an answer that is its own; a request that
//! anything else became of may be sent again, for the relay knows a fight that comes twice.
//! Deliberately not here: what is sent (the form), and what becomes of a fight that is not taken (the uploader).
//! Other plain requests of the client go by the same connection and mean the same by their answers ([`Failure`]).

mod answer;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request, Uri, response};

use crate::clock::Clock;
use crate::socket::{Outage, RelayAddress, address, answers_in_tls};
use crate::trust::Trust;
use crate::uploader::seen_by::SeenBy;
pub use answer::{Failure, Receipt, Wait};
pub(crate) use answer::{failure_of, no_answer};

/// Time for a request and its answer.
const ANSWER: Duration = Duration::from_secs(30);
/// Waits before each further attempt.
const AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// The longest that a relay, or a proxy before it, may ask for in this run.
pub const AGAIN_MAX: Duration = Duration::from_mins(1);
/// An answer is never longer, bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Bodies are compressed so hard: JSON of hits comes to an eighth, at 200 MB a second.
const ZSTD_LEVEL: i32 = 3;
/// What whole fights are sent to.
const PATH: &str = "/api/v1/encounters";

/// A request's body, packed.
#[derive(Clone, Debug)]
pub struct Body(Bytes);

impl Body {
    /// Packs JSON.
    pub fn of(json: &[u8]) -> Self {
        Self(zstd::bulk::compress(json, ZSTD_LEVEL).expect("memory takes what is written").into())
    }
}

/// Sends requests to one relay.
#[derive(Clone)]
pub struct Poster {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: RelayAddress,
    clock: Clock,
}

impl Poster {
    /// One that has sent nothing yet.
    pub fn new(address: RelayAddress, clock: Clock) -> Self {
        Self { client: https(address.trust()), address, clock }
    }

    /// Sends a fight, up to four times; `retrying` hears why it is sent again, and after how long.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn post(
        &self,
        body: &Body,
        seen_by: SeenBy,
        mut retrying: impl FnMut(&Outage, Duration),
    ) -> Result<Receipt, Failure> {
        let mut waits = AGAIN.into_iter();
        loop {
            let failure = match self.ask(body, seen_by).await {
                Err(failure @ Failure::NotNow { .. }) => failure,
                answer => return answer,
            };
            let Failure::NotNow { why, wait } = &failure else { return Err(failure) };
            let Some(step) = waits.next() else { return Err(failure) };
            let pause = match wait {
                Wait::Step => step,
                Wait::For(asked) if *asked <= AGAIN_MAX => *asked,
                Wait::For(_) | Wait::NextRun => return Err(failure),
            };
            retrying(why, pause);
            sleep(pause).await;
        }
    }

    /// Sends it once.
    async fn ask(&self, body: &Body, seen_by: SeenBy) -> Result<Receipt, Failure> {
        let visibility = seen_by.visibility.map(|visibility| match visibility {
            Visibility::Public => "visibility=public",
            Visibility::Unlisted => "visibility=unlisted",
            Visibility::Private => "visibility=private",
        });
        let names = seen_by.names.map(|names| match names {
            NamesPolicy::Full => "names=full",
            NamesPolicy::Class => "names=class",
            NamesPolicy::Hidden => "names=hidden",
        });
        let asked: Vec<_> = visibility.into_iter().chain(names).collect();
        let path = if asked.is_empty() { PATH.to_owned() } else { format!("{PATH}?{}", asked.join("&")) };
        let (uri, key) = self.address.at(&path);
        let request = Request::post(&uri)
            .header("x-api-key", key)
            .header("content-type", HeaderValue::from_static("application/json"))
            .header("content-encoding", HeaderValue::from_static("zstd"))
            .body(Full::new(body.0.clone()))
            .expect("a request of known parts");
        let (head, body) = answer_to(&self.client, request, &uri).await?;
        answer::meaning(&head, &body, &uri, self.clock.system_time())
    }
}

/// Sends a request, and waits for the whole of its answer.
///
/// # Errors
/// There is none: `NotNow` or `Nowhere`.
pub(crate) async fn answer_to(
    client: &Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    request: Request<Full<Bytes>>,
    uri: &Uri,
) -> Result<(response::Parts, Bytes), Failure> {
    let asking = async {
        let (head, body) = match client.request(request).await {
            Ok(answer) => answer.into_parts(),
            Err(error) => return Err(not_asked(&error, uri).await),
        };
        // An answer that breaks off says nothing, whatever its status was.
        let cut = |_| Failure::NotNow { why: Outage::Cut, wait: Wait::Step };
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(cut)?.to_bytes();
        Ok((head, body))
    };
    timeout(ANSWER, asking).await.unwrap_or_else(|_| {
        let why = Outage::NoAnswer { at: address(uri), seconds: ANSWER.as_secs() };
        Err(Failure::NotNow { why, wait: Wait::Step })
    })
}

/// Speaks HTTP with a relay.
pub(crate) fn https(trust: &Trust) -> Client<HttpsConnector<HttpConnector>, Full<Bytes>> {
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(trust.config().as_ref().clone())
        .https_or_http()
        .enable_http1()
        .build();
    Client::builder(TokioExecutor::new()).build(connector)
}

/// What it means that there is no answer.
async fn not_asked(error: &Error, uri: &Uri) -> Failure {
    let why = match no_answer(error, address(uri)) {
        Outage::NotWebSocket { .. } if answers_in_tls(uri).await => Outage::SpeaksHttps,
        why => why,
    };
    match answer::may_heal(&why) {
        true => Failure::NotNow { why, wait: Wait::Step },
        false => Failure::Nowhere { why },
    }
}
