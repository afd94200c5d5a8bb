//! Whether a relay takes a key: asked before one that somebody pasted is kept.

use bytes::Bytes;
use http_body_util::Full;
use serde::Deserialize;
use tokio_tungstenite::tungstenite::http::{Request, StatusCode};

use crate::clock::Clock;
use crate::post::{Failure, answer_to, failure_of, https};
use crate::socket::{Outage, RelayAddress, address};

/// What says whether a key may upload.
const PATH: &str = "/api/v1/auth/check";

/// What it says of one that may.
#[derive(Deserialize)]
struct Valid {
    valid: bool,
}

/// Asks the relay once whether its key may send fights; nothing is sent but the key, and it goes nowhere else.
///
/// # Errors
/// `Unauthorized`: the relay does not know the key. `Forbidden`: it may do other things alone. `NotNow`: the same may go
/// well later. `Nowhere`, `NotTaken`: what answers is no relay, or takes no such question.
pub async fn check(relay: &RelayAddress, clock: &Clock) -> Result<(), Failure> {
    let (uri, key) = relay.at(PATH);
    let request =
        Request::get(&uri).header("x-api-key", key).body(Full::new(Bytes::new())).expect("a request of known parts");
    let (head, body) = answer_to(&https(relay.trust()), request, &uri).await?;
    if head.status != StatusCode::OK {
        return Err(failure_of(&head, &body, &uri, clock.system_time()));
    }
    // Pages of all kinds answer that all is well.
    match serde_json::from_slice(&body) {
        Ok(Valid { valid: true }) => Ok(()),
        _ => Err(Failure::Nowhere { why: Outage::Unexpected { at: address(&uri), status: head.status.as_u16() } }),
    }
}
