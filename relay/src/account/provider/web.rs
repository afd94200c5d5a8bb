//! Asks providers over HTTP: never longer than some seconds, never more than some bytes, and nobody but whom was asked.

use std::time::Duration;

use axum::http::{HeaderValue, Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;

use super::trip::ProviderFault;
use crate::limits::{PROVIDER_ANSWER_BYTES_MAX, PROVIDER_ANSWER_MS, PROVIDER_LEFT_ALONE_S_MAX};

/// See the module's page.
pub(super) struct Web {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// What the relay calls itself.
    agent: String,
}

/// What was answered, whole.
pub(super) struct Reply {
    status: StatusCode,
    body: Bytes,
    /// After so many seconds it may be asked again.
    retry_s: Option<u32>,
    /// Who was asked, for the log.
    host: String,
}

/// What an error of OAuth says of itself.
#[derive(serde::Deserialize)]
struct Refusal {
    error: String,
}

impl Web {
    /// Of a relay whose links begin with this.
    pub(super) fn new(public_url: &str) -> Self {
        // The second time there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        // As Discord wants to be told; others do not mind.
        let agent = format!("DiscordBot ({public_url}, {})", env!("CARGO_PKG_VERSION"));
        Self { client: Client::builder(TokioExecutor::new()).build(connector), agent }
    }

    /// What stands at an address.
    pub(super) async fn get(&self, address: &str, authorization: Option<&str>) -> Result<Reply, ProviderFault> {
        let request = Request::get(address);
        let request = match authorization {
            Some(authorization) => {
                let mut value = HeaderValue::try_from(authorization)
                    .map_err(|_| ProviderFault::Wrong("it gave a token that no header can hold".into()))?;
                value.set_sensitive(true);
                request.header(header::AUTHORIZATION, value)
            }
            None => request,
        };
        self.ask(address, request, Bytes::new()).await
    }

    /// Sends a form.
    pub(super) async fn post(
        &self,
        address: &str,
        form: &[(&str, &str)],
        authorization: Option<HeaderValue>,
    ) -> Result<Reply, ProviderFault> {
        let mut request = Request::post(address).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.ask(address, request, body.into()).await
    }

    async fn ask(
        &self,
        address: &str,
        request: axum::http::request::Builder,
        body: Bytes,
    ) -> Result<Reply, ProviderFault> {
        let host = address.parse::<axum::http::Uri>().ok().and_then(|uri| Some(uri.authority()?.to_string()));
        let host = host.unwrap_or_default();
        let down = |why: &str| ProviderFault::Down(format!("{host} {why}"));
        let request = request.header(header::USER_AGENT, &self.agent).header(header::ACCEPT, "application/json");
        let request = request.body(Full::new(body)).map_err(|_| down("is no address that can be asked"))?;
        let asking = async {
            let (head, body) = match self.client.request(request).await {
                Ok(answer) => answer.into_parts(),
                Err(error) => return Err(down(&format!("cannot be reached: {}", reason(&error)))),
            };
            let body = Limited::new(body, PROVIDER_ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|_| down("breaks off in its answer, or answers far too much"))?.to_bytes();
            let retry_s = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            // Discord tells fractions.
            let retry_s = retry_s.and_then(|text| text.parse::<f64>().ok()).filter(|seconds| *seconds >= 0.0);
            let retry_s = retry_s.map(|seconds| seconds.ceil().min(f64::from(PROVIDER_LEFT_ALONE_S_MAX)) as u32);
            Ok(Reply { status: head.status, body, retry_s, host: host.clone() })
        };
        let asked = tokio::time::timeout(Duration::from_millis(PROVIDER_ANSWER_MS), asking).await;
        asked.unwrap_or_else(|_| Err(down("does not answer in time")))
    }
}

/// What a provider says where it has something against the relay, and not against a code (RFC 6749, 5.2).
const OF_RELAYS: [&str; 2] = ["invalid_client", "unauthorized_client"];

/// The innermost reason: the others say that a request failed.
fn reason(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

impl Reply {
    /// What it gives for a code: where it refuses that and not the relay, who brought it is at fault.
    pub(super) fn for_code<T: DeserializeOwned>(self) -> Result<T, ProviderFault> {
        let refusal = serde_json::from_slice::<Refusal>(&self.body);
        let is_of_relay = refusal.is_ok_and(|refusal| OF_RELAYS.contains(&refusal.error.as_str()));
        let is_of_code = self.status.is_client_error() && self.status != StatusCode::TOO_MANY_REQUESTS && !is_of_relay;
        match self.read() {
            Err(ProviderFault::Wrong(why)) if is_of_code => Err(ProviderFault::Code(why)),
            read => read,
        }
    }

    /// What it says, where it says what was asked for.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, ProviderFault> {
        let Self { status, body, retry_s, host } = self;
        let wrong = |why: String| Err(ProviderFault::Wrong(format!("{host} {why}")));
        match status {
            StatusCode::OK => serde_json::from_slice(&body).or_else(|error| {
                // Not what stands there: it may be a token.
                wrong(format!("answers what cannot be read, at line {} column {}", error.line(), error.column()))
            }),
            StatusCode::TOO_MANY_REQUESTS => Err(ProviderFault::Busy(retry_s.unwrap_or(60).max(1))),
            status if status.is_server_error() => Err(ProviderFault::Down(format!("{host} answers {status}"))),
            status if status.is_redirection() => {
                wrong(format!("answers {status}, which leads elsewhere: the relay does not follow"))
            }
            status => {
                let error = serde_json::from_slice::<Refusal>(&body).map(|refusal| refusal.error);
                let error = error.unwrap_or_default();
                // Its code is a word; more is not said.
                let is_word = error.len() <= 40 && error.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                let said = if error.is_empty() || !is_word { String::new() } else { format!(" ({error})") };
                wrong(format!("refuses with {status}{said}"))
            }
        }
    }
}
