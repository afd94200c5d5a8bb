//! What a spectator may send, and how often: a ping, a goodbye, and the requests that exist.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use raidcast_shared::codec;
use raidcast_shared::feed::FeedRequest;
use raidcast_shared::limits::{SPECTATOR_FRAME_BYTES_MAX, SPECTATOR_FRAMES_BURST};

use super::wire::{Inbound, InboundFrame};

/// What a spectator said.
#[derive(Debug)]
pub(crate) enum Heard {
    /// One of the requests; what is none is left out.
    Request(FeedRequest),
    /// To be answered with the same payload.
    Ping(Vec<u8>),
    /// It says goodbye.
    Close,
    /// It breaks the rules: say why, and close.
    Offence(String),
}

/// Listens to one spectator.
pub(crate) struct Listener {
    inbound: Inbound,
    rate: DefaultDirectRateLimiter,
}

impl Default for Listener {
    fn default() -> Self {
        let burst = NonZeroU32::new(SPECTATOR_FRAMES_BURST).expect("a limit above 0");
        let quota = Quota::per_second(NonZeroU32::MIN).allow_burst(burst);
        Self { inbound: Inbound::default(), rate: RateLimiter::direct(quota) }
    }
}

impl Listener {
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

fn request(payload: &[u8]) -> Option<FeedRequest> {
    let request = codec::decode(payload, SPECTATOR_FRAME_BYTES_MAX).ok();
    request.or_else(|| serde_json::from_slice(payload).ok())
}
