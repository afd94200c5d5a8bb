//! What the answer to a whole fight means, or that there is none.
//!
//! One law: one meaning for one answer, and only the relay's own says anything of a fight.

use std::error::Error;
use std::io;
use std::time::Duration;

use raidcast_shared::text::clean;
use serde::Deserialize;
use tokio_tungstenite::tungstenite::http::{Response, StatusCode, Uri, header, response};

use crate::socket::{Address, NoConnection, Outage, address, answered, of_io};

/// Words of somebody else's that are shown, characters.
const WORDS_MAX: usize = 500;
/// A longer address of a report is none.
const URL_MAX: usize = 500;
/// So many of the relay's details are kept.
const DETAILS_MAX: usize = 20;

/// The relay has a fight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its report.
    pub report_id: String,
    /// The report's page.
    pub url: String,
    /// The relay had none of it before.
    pub is_new: bool,
}

/// Why a fight is not known to be on the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The relay, or a proxy before it, does not take this one; others may be taken.
    NotTaken {
        /// An HTTP status.
        status: u16,
        /// In the relay's words; `None` where it is not the relay that says so.
        text: Option<String>,
        /// What is wrong and where, in the relay's words.
        details: Vec<String>,
    },
    /// The relay does not know the key.
    Unauthorized {
        /// In the relay's words.
        text: String,
    },
    /// The key may not do this.
    Forbidden {
        /// In the relay's words.
        text: String,
    },
    /// The same may be taken later.
    NotNow {
        /// Why.
        why: Outage,
        /// When.
        wait: Wait,
    },
    /// No request can be taken until somebody changes something.
    Nowhere {
        /// Why.
        why: Outage,
    },
}

/// When a request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Soon, and each time later.
    Step,
    /// After so long, as whoever answers asks for.
    For(Duration),
    /// Nobody says when: not in this run.
    NextRun,
}

/// An answer of the relay's, as far as it is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReceiptBody {
    report_id: String,
    report_url: String,
    #[serde(default)]
    checksum: Option<ChecksumBody>,
}

#[derive(Deserialize)]
struct ChecksumBody {
    #[serde(default)]
    matches: Option<bool>,
}

/// An error of the relay's.
#[derive(Deserialize)]
struct ErrorBody {
    #[serde(rename = "code")]
    _code: String,
    message: String,
    #[serde(default)]
    details: Vec<String>,
}

/// What an answer means.
pub(super) fn meaning(head: &response::Parts, body: &[u8], uri: &Uri) -> Result<Receipt, Failure> {
    let at = || address(uri);
    let status = head.status.as_u16();
    if matches!(head.status, StatusCode::OK | StatusCode::CREATED) {
        let unexpected = |_| Failure::Nowhere { why: Outage::Unexpected { at: at(), status } };
        let receipt: ReceiptBody = serde_json::from_slice(body).map_err(unexpected)?;
        if receipt.checksum.and_then(|checksum| checksum.matches) == Some(false) {
            tracing::warn!("the relay's checksum of a fight is not the one that was sent");
        }
        let is_new = head.status == StatusCode::CREATED;
        return Ok(Receipt {
            report_id: clean(&receipt.report_id, 64),
            url: clean(&receipt.report_url, URL_MAX),
            is_new,
        });
    }
    let told: Option<ErrorBody> = serde_json::from_slice(body).ok();
    let text = told.as_ref().map(|told| clean(&told.message, WORDS_MAX));
    let retry_after = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after.and_then(|value| value.trim().parse().ok()).map(Duration::from_secs);
    let not_now = |why: Outage, wait: Wait| Err(Failure::NotNow { why, wait });
    match (head.status, text) {
        (StatusCode::UNAUTHORIZED, Some(text)) => Err(Failure::Unauthorized { text }),
        (StatusCode::FORBIDDEN, Some(text)) => Err(Failure::Forbidden { text }),
        (StatusCode::TOO_MANY_REQUESTS, text) => {
            let why = text.map_or_else(|| Outage::Crowded { at: at() }, |text| Outage::Said { text });
            not_now(why, retry_after.map_or(Wait::NextRun, Wait::For))
        }
        // The request took too long on its way.
        (StatusCode::REQUEST_TIMEOUT, text) => {
            let why = text.map_or(Outage::Cut, |text| Outage::Said { text });
            not_now(why, Wait::Step)
        }
        (code, text) if code.is_server_error() => {
            let why = text.map_or_else(|| Outage::BehindProxy { at: at(), status }, |text| Outage::Said { text });
            not_now(why, retry_after.map_or(Wait::Step, Wait::For))
        }
        (StatusCode::PAYLOAD_TOO_LARGE, None) => Err(Failure::NotTaken { status, text: None, details: Vec::new() }),
        (code, Some(text))
            if code.is_client_error() && !matches!(code, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) =>
        {
            let details = told.into_iter().flat_map(|told| told.details).take(DETAILS_MAX);
            let details = details.map(|line| clean(&line, WORDS_MAX)).collect();
            Err(Failure::NotTaken { status, text: Some(text), details })
        }
        _ => {
            let answer = Response::from_parts(head.clone(), Some(body.to_vec()));
            match answered(&answer, uri) {
                NoConnection::Outage(why, _) => Err(Failure::Nowhere { why }),
                NoConnection::Unauthorized(text) => Err(Failure::Unauthorized { text }),
            }
        }
    }
}

/// What it means that no answer came.
pub(super) fn no_answer(error: &(dyn Error + 'static), at: Address) -> Outage {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_parse() {
                return Outage::NotWebSocket { at };
            }
            if error.is_incomplete_message() {
                return Outage::HungUp { at };
            }
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return of_io(error, at);
        }
        cause = error.source();
    }
    Outage::Failed { at, text: clean(&error.to_string(), WORDS_MAX) }
}

/// Whether the same may go well without anybody's doing.
pub(super) fn may_heal(why: &Outage) -> bool {
    !matches!(
        why,
        Outage::SpeaksHttp
            | Outage::SpeaksHttps
            | Outage::NotWebSocket { .. }
            | Outage::Certificate { .. }
            | Outage::NoCommonTls { .. }
            | Outage::Insecure { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Receipt, Failure> {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        let (head, ()) = answer.body(()).unwrap().into_parts();
        meaning(&head, body.as_bytes(), &"http://raid.example:8787/api/v1/encounters".parse().unwrap())
    }

    const BUSY: &str = r#"{"code":"busy","message":"later"}"#;

    #[test]
    fn only_the_relays_own_answer_says_that_a_fight_is_there() {
        let receipt = r#"{"encounterId":7,"reportId":"abc","reportUrl":"http://r/abc","createdAt":1,"more":[]}"#;
        let is = |is_new| Ok(Receipt { report_id: "abc".into(), url: "http://r/abc".into(), is_new });
        assert_eq!((answer(201, &[], receipt), answer(200, &[], receipt)), (is(true), is(false)));
        let at = Address { host: "raid.example".into(), port: 8787, tls: false };
        for (status, body) in [(200, "<html>log in</html>"), (201, "{}"), (204, ""), (202, receipt)] {
            let why = Outage::Unexpected { at: at.clone(), status };
            assert_eq!(answer(status, &[], body), Err(Failure::Nowhere { why }), "{status}");
        }
        let to = [("location", "https://raid.example/api/v1/encounters")];
        let why = Outage::Moved { at, to: Some("https://raid.example".into()) };
        assert_eq!(answer(308, &to, ""), Err(Failure::Nowhere { why }));
    }

    #[test]
    fn what_may_be_taken_later_is_told_apart_from_what_never_is() {
        let not_now = |why, wait| Err(Failure::NotNow { why, wait });
        let said = || Outage::Said { text: "later".into() };
        let at = || Address { host: "raid.example".into(), port: 8787, tls: false };
        let after = [("retry-after", "7")];
        assert_eq!(answer(503, &after, BUSY), not_now(said(), Wait::For(Duration::from_secs(7))));
        assert_eq!(answer(500, &[], BUSY), not_now(said(), Wait::Step));
        assert_eq!(answer(502, &[], "<html>"), not_now(Outage::BehindProxy { at: at(), status: 502 }, Wait::Step));
        assert_eq!(answer(429, &after, BUSY), not_now(said(), Wait::For(Duration::from_secs(7))));
        assert_eq!(answer(429, &[], "slow down"), not_now(Outage::Crowded { at: at() }, Wait::NextRun));
        let wrong = r#"{"code":"bad_request","message":"no","details":["players: is missing","a\u001bb"]}"#;
        let details = vec!["players: is missing".to_owned(), "ab".to_owned()];
        let not_taken = |status, text: Option<&str>, details| {
            Err(Failure::NotTaken { status, text: text.map(str::to_owned), details })
        };
        assert_eq!(answer(400, &after, wrong), not_taken(400, Some("no"), details));
        assert_eq!(answer(415, &[], BUSY), not_taken(415, Some("later"), Vec::new()));
        assert_eq!(answer(413, &[], "<h1>too large</h1>"), not_taken(413, None, Vec::new()));
        assert_eq!(answer(401, &[], BUSY), Err(Failure::Unauthorized { text: "later".into() }));
        assert_eq!(answer(403, &[], BUSY), Err(Failure::Forbidden { text: "later".into() }));
        for (status, why) in [
            (401, Outage::Proxy { at: at(), status: 401 }),
            (407, Outage::Proxy { at: at(), status: 407 }),
            (404, Outage::NoRelay { at: at(), status: 404 }),
            (405, Outage::NoRelay { at: at(), status: 405 }),
        ] {
            assert_eq!(answer(status, &[], "<html>"), Err(Failure::Nowhere { why }), "{status}");
        }
    }
}
