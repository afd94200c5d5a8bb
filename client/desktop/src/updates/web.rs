//! What comes over the network for an update: over HTTPS alone, from whom the uploader believes, and never too much.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use raidcast::trust::Trust;
use raidcast_desktop_model::update::{UpdateFault, host_of};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, ClientBuilder, StatusCode};
use rustls::ClientConfig;
use serde_json::Value;
use tauri::Url;

/// Bytes of a channel file: some platforms, and the notes of one version.
const CHANNEL_BYTES_MAX: usize = 1024 * 1024;
/// A channel file is there by then.
const CHANNEL_TIME: Duration = Duration::from_secs(30);
/// A connection is there by then.
const CONNECT_TIME: Duration = Duration::from_secs(15);
/// Nothing comes for so long: it is given up.
const SILENCE: Duration = Duration::from_secs(30);
/// So often somebody may be sent on.
const REDIRECTS_MAX: usize = 3;

/// Whom is believed.
#[derive(Clone)]
pub(super) struct Web(Arc<ClientConfig>);

impl Web {
    pub(super) fn trusting(trust: &Trust) -> Self {
        Self(Arc::new(trust.client_config()))
    }

    /// Gives a client these rules.
    pub(super) fn rule(&self, client: ClientBuilder) -> ClientBuilder {
        client
            .tls_backend_preconfigured(ClientConfig::clone(&self.0))
            .https_only(true)
            .redirect(Policy::custom(follow))
            .referer(false)
            .connect_timeout(CONNECT_TIME)
            .read_timeout(SILENCE)
    }

    /// The channel file that lies there; `None` where none does, unless it has to. What is no JSON is `null`, which is no
    /// channel file either.
    pub(super) async fn channel_file(&self, place: &Url, is_chosen: bool) -> Result<Option<Value>, UpdateFault> {
        let at = host_of(place);
        let failed = |error: reqwest::Error| fault_of(&error, &at);
        let agent = concat!("raidcast-desktop/", env!("CARGO_PKG_VERSION"));
        let client = self.rule(Client::builder()).user_agent(agent).timeout(CHANNEL_TIME).build().map_err(failed)?;
        let mut answer = client.get(place.clone()).send().await.map_err(failed)?;
        match answer.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE if !is_chosen => return Ok(None),
            status if status != StatusCode::OK => return Err(UpdateFault::Status { at, status: status.as_u16() }),
            _ => {}
        }
        let mut file = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            if file.len() + piece.len() > CHANNEL_BYTES_MAX {
                return Err(UpdateFault::TooLarge { at, mib: (CHANNEL_BYTES_MAX >> 20) as u64 });
            }
            file.extend_from_slice(&piece);
        }
        Ok(Some(serde_json::from_slice(&file).unwrap_or_default()))
    }
}

fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    if attempt.previous().len() > REDIRECTS_MAX {
        attempt.error("too many redirects")
    } else if attempt.url().scheme() != "https" {
        attempt.error("a redirect to what is not https")
    } else {
        attempt.follow()
    }
}

/// What is said of an error. Its own words name the whole address, which people need not read twice.
pub(super) fn fault_of(error: &reqwest::Error, at: &str) -> UpdateFault {
    if error.is_redirect() {
        return UpdateFault::Moved { at: at.to_owned() };
    }
    if error.is_timeout() {
        return UpdateFault::Unreachable { at: at.to_owned(), why: "it does not answer in time".to_owned() };
    }
    // The innermost says what it is.
    let mut why = error.source();
    while let Some(inner) = why.and_then(|error| error.source()) {
        why = Some(inner);
    }
    let why = why.map_or_else(|| "the connection broke".to_owned(), ToString::to_string);
    UpdateFault::Unreachable { at: at.to_owned(), why }
}
