//! How often each limit was reached.

use std::sync::atomic::{AtomicU64, Ordering};

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A socket more than an address may have.
    Connections,
    /// A socket more than the relay has.
    Sockets,
    /// A request too soon.
    Requests,
    /// A request beside too many others.
    Answers,
    /// A replay more than an address, or the relay, may have.
    Replays,
    /// A key that nobody knows, or one after too many of those.
    Keys,
    /// A body, or a head, that is too long.
    Body,
    /// More bytes than an address gets.
    Sent,
}

impl Refusal {
    /// In their order.
    pub const ALL: [Self; 8] = [
        Self::Connections,
        Self::Sockets,
        Self::Requests,
        Self::Answers,
        Self::Replays,
        Self::Keys,
        Self::Body,
        Self::Sent,
    ];

    /// As metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Sockets => "sockets",
            Self::Requests => "requests",
            Self::Answers => "answers",
            Self::Replays => "replays",
            Self::Keys => "keys",
            Self::Body => "body",
            Self::Sent => "sent",
        }
    }
}

/// Counts refusals, for metrics.
#[derive(Debug, Default)]
pub struct Refusals([AtomicU64; Refusal::ALL.len()]);

impl Refusals {
    /// One more.
    pub fn count(&self, what: Refusal) {
        self.0[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// So many so far.
    pub fn of(&self, what: Refusal) -> u64 {
        self.0[what as usize].load(Ordering::Relaxed)
    }
}
