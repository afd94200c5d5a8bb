//! What a spectator may send, and how often: a ping, a goodbye, and the requests that exist, or the calls of overlays that
//! read `CombatData`.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use raidcast_shared::codec;
use raidcast_shared::feed::FeedRequest;
use raidcast_shared::limits::{SPECTATOR_FRAME_BYTES_MAX, SPECTATOR_FRAMES_BURST};
use serde::Deserialize;
use serde_json::Number;

use super::wire::{Inbound, InboundFrame};

/// What a spectator said.
#[derive(Debug)]
pub(crate) enum Heard {
    /// One of the requests; what is none is left out.
    Request(FeedRequest),
    /// A call of an overlay; what is none is left out.
    Call(Call),
    /// To be answered with the same payload.
    Ping(Vec<u8>),
    /// It says goodbye.
    Close,
    /// It breaks the rules: say why, and close.
    Offence(String),
}

/// What an overlay calls that reads `CombatData`. Nothing else is understood of it: the relay is read, and called for nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// It listens from now on, and is to be told where the fight stands.
    Subscribe,
    /// It waits for an answer with this number.
    Wanting(Number),
}

/// As it stands in a message.
#[derive(Deserialize)]
struct CallForm {
    call: String,
    #[serde(default)]
    rseq: Option<Number>,
}

/// Listens to one spectator.
pub(crate) struct Listener {
    inbound: Inbound,
    rate: DefaultDirectRateLimiter,
    /// It calls, and requests nothing.
    calls: bool,
}

impl Default for Listener {
    fn default() -> Self {
        let burst = NonZeroU32::new(SPECTATOR_FRAMES_BURST).expect("a limit above 0");
        let quota = Quota::per_second(NonZeroU32::MIN).allow_burst(burst);
        Self { inbound: Inbound::default(), rate: RateLimiter::direct(quota), calls: false }
    }
}

impl Listener {
    /// To one that reads `CombatData`.
    pub(crate) fn of_calls() -> Self {
        Self { calls: true, ..Self::default() }
    }

    /// Takes bytes that came; hear all of them before the next.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.inbound.feed(bytes);
    }

    /// What they say next; `None` until more has come. Nothing follows a goodbye or an offence.
    pub(crate) fn hear(&mut self) -> Option<Heard> {
        loop {
            let heard = match self.inbound.take_frame() {
                Ok(None) => return None,
                Ok(Some(InboundFrame::Close)) => return Some(Heard::Close),
                Ok(Some(InboundFrame::Pong)) => None,
                Ok(Some(InboundFrame::Ping(payload))) => Some(Heard::Ping(payload)),
                Ok(Some(InboundFrame::Message(payload))) if self.calls => call(&payload).map(Heard::Call),
                Ok(Some(InboundFrame::Message(payload))) => request(&payload).map(Heard::Request),
                Err(error) => Some(Heard::Offence(error.to_string())),
            };
            // Every frame counts, also those that mean nothing: a spectator has little to say.
            if self.rate.check().is_err() {
                return Some(Heard::Offence("too many requests: a spectator only watches".into()));
            }
            if heard.is_some() {
                return heard;
            }
        }
    }
}

fn call(payload: &[u8]) -> Option<Call> {
    let form: CallForm = serde_json::from_slice(payload).ok()?;
    match form.call.as_str() {
        "subscribe" => Some(Call::Subscribe),
        _ => form.rseq.map(Call::Wanting),
    }
}

fn request(payload: &[u8]) -> Option<FeedRequest> {
    let request = codec::decode(payload, SPECTATOR_FRAME_BYTES_MAX).ok();
    request.or_else(|| serde_json::from_slice(payload).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_subscribes_and_gets_an_answer_to_what_it_waits_for() {
        let heard = [
            (r#"{"call":"subscribe","events":["CombatData"]}"#, Some(Call::Subscribe)),
            (r#"{"call":"getLanguage","rseq":3}"#, Some(Call::Wanting(3.into()))),
            (r#"{"call":"say","text":"hello"}"#, None),
            (r#"{"type":"set_id","id":"x"}"#, None),
            (r#"{"call":"x","rseq":{"a":1}}"#, None),
            ("no JSON", None),
        ];
        for (text, wanted) in heard {
            assert_eq!(call(text.as_bytes()), wanted, "{text}");
        }
    }
}
