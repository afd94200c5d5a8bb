//! Pairing this machine with a relay: the relay gives a code, its owner types that into a page, and the relay gives a key
//! (device authorization, RFC 8628). No secret is copied by hand.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use raidcast_shared::account::{DeviceCode, DeviceError, DeviceToken};
use raidcast_shared::key::is_damaged;
use raidcast_shared::report::ApiError;
use raidcast_shared::text::{clean, key_fault};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::http::{Request, Response, StatusCode, header};

use crate::post::{https, no_answer};
use crate::socket::{AddressError, NoConnection, Outage, RelayAddress, address, answered};
use crate::trust::Trust;

/// Time for a request and its answer.
const ANSWER: Duration = Duration::from_secs(30);
/// An answer is never longer, bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// What is waited between two questions at the least, whatever a relay says.
const INTERVAL_MIN: Duration = Duration::from_secs(1);
/// And at the most.
const INTERVAL_MAX: Duration = Duration::from_mins(1);
/// What RFC 8628 adds where a program asks too often.
const SLOWER: Duration = Duration::from_secs(5);
/// Words of a relay that are shown, characters.
const WORDS_MAX: usize = 300;
/// Characters of a code that are shown.
const CODE_MAX: usize = 16;
/// What is asked for: to send fights, and to see one's own private ones.
const SCOPE: &str = "upload%20read";

/// Why this machine is not paired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PairingError {
    /// The relay's address is of no use.
    Address(AddressError),
    /// There is no answer.
    Outage(Outage),
    /// What answers knows no pairing: an older relay, or none.
    Unknown,
    /// Somebody said no.
    Denied,
    /// Nobody typed the code in time.
    Expired,
    /// The relay refuses, in its words.
    Refused {
        /// In the relay's words.
        text: String,
        /// Try again after so many seconds, where it says so.
        retry_s: Option<u64>,
    },
}

/// What its owner is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The page to open.
    pub page: String,
    /// The code to type there.
    pub code: String,
    /// For so many minutes.
    pub minutes: u64,
}

/// A key, and whose it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Paired {
    /// The key.
    pub key: String,
    /// The name of its owner.
    pub name: String,
}

/// A pairing that is under way.
pub struct Pairing {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    relay: RelayAddress,
    code: String,
    interval: Duration,
    until: Instant,
}

impl Pairing {
    /// Asks a relay for a code, for a machine of this name.
    ///
    /// # Errors
    /// See [`PairingError`].
    pub async fn begin(relay: &str, name: &str, trust: Trust) -> Result<(Self, Invitation), PairingError> {
        let relay = RelayAddress::new(relay, "", trust).map_err(PairingError::Address)?;
        let client = https(relay.trust());
        let form = format!("client_id={}&scope={SCOPE}", escaped(name));
        let told: DeviceCode = match ask(&client, &relay, "/api/v1/device/code", form).await? {
            Answer::Good(told) => told,
            Answer::Refused(_, error) => return Err(error),
        };
        // A relay's texts are data: none of its signs moves a terminal's cursor, and its page is one of the web.
        let page = clean(&told.verification_uri, WORDS_MAX);
        if !(page.starts_with("https://") || page.starts_with("http://")) {
            return Err(PairingError::Unknown);
        }
        let lasts = Duration::from_secs(u64::from(told.expires_in));
        let code = clean(&told.user_code, CODE_MAX);
        let invitation = Invitation { page, code, minutes: (lasts.as_secs() / 60).max(1) };
        let interval = Duration::from_secs(u64::from(told.interval)).clamp(INTERVAL_MIN, INTERVAL_MAX);
        let until = Instant::now() + lasts.min(Duration::from_hours(1));
        Ok((Self { client, relay, code: told.device_code, interval, until }, invitation))
    }

    /// Waits until its owner has typed the code. A connection that is gone for a while is no reason to end; a relay that
    /// has moved is.
    ///
    /// # Errors
    /// See [`PairingError`].
    pub async fn wait(mut self) -> Result<Paired, PairingError> {
        let grant = escaped("urn:ietf:params:oauth:grant-type:device_code");
        let form = format!("grant_type={grant}&device_code={}", escaped(&self.code));
        loop {
            sleep(self.interval).await;
            match ask(&self.client, &self.relay, "/api/v1/device/token", form.clone()).await {
                Ok(Answer::Good(DeviceToken { access_token: key, name, .. })) => {
                    if key_fault(&key).is_some() || is_damaged(&key) {
                        return Err(PairingError::Unknown);
                    }
                    return Ok(Paired { key, name: clean(&name, WORDS_MAX) });
                }
                Ok(Answer::Refused(code, error)) => match code.as_str() {
                    "authorization_pending" => {}
                    "slow_down" => self.interval = (self.interval + SLOWER).min(INTERVAL_MAX),
                    "access_denied" => return Err(PairingError::Denied),
                    "expired_token" => return Err(PairingError::Expired),
                    // So many ask at once: the code is good all the same.
                    "too_many" | "unavailable" => self.interval = (self.interval * 2).min(INTERVAL_MAX),
                    _ => return Err(error),
                },
                // A relay that has moved does not come back to where it was.
                Err(PairingError::Outage(why))
                    if !matches!(why, Outage::Moved { .. }) && Instant::now() < self.until => {}
                Err(error) => return Err(error),
            }
            if Instant::now() >= self.until {
                return Err(PairingError::Expired);
            }
        }
    }
}

enum Answer<T> {
    Good(T),
    /// The code of an error, and what it means where nobody waits for another answer.
    Refused(String, PairingError),
}

async fn ask<T: DeserializeOwned>(
    client: &Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    relay: &RelayAddress,
    path: &str,
    form: String,
) -> Result<Answer<T>, PairingError> {
    let (uri, _) = relay.at(path);
    let request = Request::post(&uri)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(form)))
        .expect("a request of known parts");
    let asking = async {
        let (head, body) = match client.request(request).await {
            Ok(answer) => answer.into_parts(),
            Err(error) => return Err(PairingError::Outage(no_answer(&error, address(&uri)))),
        };
        let cut = |_| PairingError::Outage(Outage::Cut);
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(cut)?.to_bytes();
        if head.status == StatusCode::OK {
            return serde_json::from_slice(&body).map(Answer::Good).map_err(|_| PairingError::Unknown);
        }
        if head.status.is_redirection() {
            // Nobody is followed there: a key is for the relay that is named.
            return match answered(&Response::from_parts(head, Some(body.to_vec())), &uri) {
                NoConnection::Outage(why, _) => Err(PairingError::Outage(why)),
                NoConnection::Unauthorized(_) | NoConnection::Forbidden(_) => Err(PairingError::Unknown),
            };
        }
        let retry_s = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let told = serde_json::from_slice::<DeviceError>(&body)
            .map(|told| (told.code, told.message))
            .or_else(|_| serde_json::from_slice::<ApiError>(&body).map(|told| (told.code, told.message)));
        match told {
            Ok((code, _)) if matches!(code.as_str(), "not_found" | "method_not_allowed") => Err(PairingError::Unknown),
            Ok((code, text)) => {
                let text = clean(&text, WORDS_MAX);
                Ok(Answer::Refused(code, PairingError::Refused { text, retry_s }))
            }
            Err(_) => Err(PairingError::Unknown),
        }
    };
    timeout(ANSWER, asking).await.unwrap_or_else(|_| {
        Err(PairingError::Outage(Outage::NoAnswer { at: address(&uri), seconds: ANSWER.as_secs() }))
    })
}

/// Text as a form holds it.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_relay_that_moves_meanwhile_is_not_waited_for_where_it_was() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = "HTTP/1.1 308 Moved\r\nLocation: https://new.example/api/v1/device/token\r\n\
                              Content-Length: 0\r\nConnection: close\r\n\r\n";
                let mut asked = [0; 4096];
                let _ = stream.read(&mut asked).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
                // What was not read would cut the answer off.
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
        });
        let relay = RelayAddress::new(&url, "", Trust::public()).unwrap();
        let (client, code) = (https(relay.trust()), "code".to_owned());
        let until = Instant::now() + Duration::from_mins(1);
        let pairing = Pairing { client, relay, code, interval: Duration::from_millis(1), until };
        let Err(PairingError::Outage(Outage::Moved { to, .. })) = pairing.wait().await else { panic!("not told") };
        assert_eq!(to.as_deref(), Some("https://new.example"));
    }

    #[test]
    fn text_is_escaped_for_a_form() {
        assert_eq!(escaped("raidcast on Ana's PC & more"), "raidcast%20on%20Ana%27s%20PC%20%26%20more");
        assert_eq!(escaped("é+="), "%C3%A9%2B%3D");
    }
}
