//! What the answer to a whole fight means, or that there is none.
//!
//! One law: one meaning for one answer, and only the relay's own says anything of a fight.

use std::error::Error;
use std::io;
use std::time::{Duration, SystemTime};

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

/// A longer wait than this one is told as this one.
const LONGEST_WAIT: Duration = Duration::from_hours(365 * 24);

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

/// After how long whoever answers wants to be asked again, if that is said; `now`: by this machine's clock.
fn retry_after(head: &response::Parts, now: SystemTime) -> Option<Duration> {
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text(header::RETRY_AFTER)?;
    let wait = if !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than any number holds is long.
        asked.parse().map_or(LONGEST_WAIT, Duration::from_secs)
    } else {
        let date = |text| httpdate::parse_http_date(text).ok();
        // Both dates are by the clock of who answers, where it tells its time: this machine's may be another.
        let now = text(header::DATE).and_then(date).unwrap_or(now);
        date(asked)?.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

/// What an answer means that came `now`.
pub(super) fn meaning(head: &response::Parts, body: &[u8], uri: &Uri, now: SystemTime) -> Result<Receipt, Failure> {
    if !matches!(head.status, StatusCode::OK | StatusCode::CREATED) {
        return Err(failure_of(head, body, uri, now));
    }
    let status = head.status.as_u16();
    let unexpected = |_| Failure::Nowhere { why: Outage::Unexpected { at: address(uri), status } };
    let receipt: ReceiptBody = serde_json::from_slice(body).map_err(unexpected)?;
    if receipt.checksum.and_then(|checksum| checksum.matches) == Some(false) {
        tracing::warn!("the relay's checksum of a fight is not the one that was sent");
    }
    let is_new = head.status == StatusCode::CREATED;
    Ok(Receipt { report_id: clean(&receipt.report_id, 64), url: clean(&receipt.report_url, URL_MAX), is_new })
}

/// What an answer means that came `now` and does not say that all is well.
pub(crate) fn failure_of(head: &response::Parts, body: &[u8], uri: &Uri, now: SystemTime) -> Failure {
    let at = || address(uri);
    let status = head.status.as_u16();
    let told: Option<ErrorBody> = serde_json::from_slice(body).ok();
    let text = told.as_ref().map(|told| clean(&told.message, WORDS_MAX));
    let retry_after = retry_after(head, now);
    let not_now = |why: Outage, wait: Wait| Failure::NotNow { why, wait };
    match (head.status, text) {
        (StatusCode::UNAUTHORIZED, Some(text)) => Failure::Unauthorized { text },
        (StatusCode::FORBIDDEN, Some(text)) => Failure::Forbidden { text },
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
        (StatusCode::PAYLOAD_TOO_LARGE, None) => Failure::NotTaken { status, text: None, details: Vec::new() },
        (code, Some(text))
            if code.is_client_error() && !matches!(code, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) =>
        {
            let details = told.into_iter().flat_map(|told| told.details).take(DETAILS_MAX);
            let details = details.map(|line| clean(&line, WORDS_MAX)).collect();
            Failure::NotTaken { status, text: Some(text), details }
        }
        _ => {
            let answer = Response::from_parts(head.clone(), Some(body.to_vec()));
            match answered(&answer, uri) {
                NoConnection::Outage(why, _) => Failure::Nowhere { why },
                NoConnection::Unauthorized(text) => Failure::Unauthorized { text },
                NoConnection::Forbidden(text) => Failure::Forbidden { text },
            }
        }
    }
}

/// What it means that no answer came.
pub(crate) fn no_answer(error: &(dyn Error + 'static), at: Address) -> Outage {
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
        meaning(&head, body.as_bytes(), &"http://raid.example:8787/api/v1/encounters".parse().unwrap(), now())
    }

    /// `Fri, 27 Nov 2026 12:00:00 GMT`.
    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(498_828)
    }

    #[test]
    fn a_time_to_come_back_is_a_number_or_a_date() {
        let date = Some("Fri, 27 Nov 2026 11:00:00 GMT");
        for (asked, date, expected) in [
            ("7", None, Some(7)),
            (" 0 ", date, Some(0)),
            ("18446744073709551615", None, Some(31_536_000)),
            ("99999999999999999999999", None, Some(31_536_000)),
            ("Fri, 27 Nov 2026 12:00:05 GMT", None, Some(5)),
            ("Friday, 27-Nov-26 12:00:05 GMT", None, Some(5)),
            ("Fri Nov 27 12:00:05 2026", None, Some(5)),
            ("Fri, 27 Nov 2026 11:59:00 GMT", None, Some(0)),
            ("Fri, 27 Nov 2026 11:00:05 GMT", date, Some(5)),
            ("Fri, 27 Nov 2026 12:00:05 GMT", date, Some(3_605)),
            ("Fri, 27 Nov 2026 10:00:00 GMT", date, Some(0)),
            ("Fri, 27 Nov 2026 12:00:05 GMT", Some("today"), Some(5)),
            ("soon", None, None),
            ("-5", None, None),
            ("1.5", None, None),
            ("", None, None),
        ] {
            let mut head = vec![("retry-after", asked)];
            head.extend(date.map(|date| ("date", date)));
            let wait = expected.map_or(Wait::Step, |expected| Wait::For(Duration::from_secs(expected)));
            let why = Outage::Said { text: "later".into() };
            assert_eq!(answer(503, &head, BUSY), Err(Failure::NotNow { why, wait }), "{asked} {date:?}");
        }
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
