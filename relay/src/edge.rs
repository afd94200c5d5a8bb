//! What a stranger may hold of the relay, and for whom a request counts: the door before the router.
//!
//! [`accept`](serve) takes connections in as far as descriptors and addresses allow, each with time limits of its
//! own, in TLS where that is set ([`handshake`]); [`mod@gate`] looks at each request before anything else does. What a known key may do is [`crate::quota`]'s.
//! Deliberately not here: who may see what.

mod accept;
mod address;
mod book;
mod conn;
mod debt;
mod descriptors;
mod gate;
mod handshake;
mod line;
mod pace;
mod refusals;
mod waiting;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub use accept::serve;
pub use address::{Address, Network, NetworkError, Proxies};
pub use book::{Book, Permit, What};
pub use conn::Slot;
pub use debt::Later;
pub use descriptors::{Sockets, raise};
pub use gate::{Asked, Streamed, drain, gate};
pub use line::{Line, LineParts};
pub use refusals::{Refusal, Refusals};

use tokio::sync::Semaphore;

use self::pace::Pace;
use self::waiting::Waiting;
use crate::hours::Hours;
use crate::limits::{ANSWERS_BYTES_MAX, EdgeLimits};

/// How often what nobody needs any more is forgotten.
const SWEEP: Duration = Duration::from_mins(1);

/// The relay's limits towards strangers, and what is held of them now.
pub struct Edge {
    /// How much and how long.
    pub limits: EdgeLimits,
    /// Who is believed about others.
    pub proxies: Proxies,
    /// By address.
    pub book: Arc<Book>,
    /// What was refused so far.
    pub refusals: Refusals,
    sockets: Sockets,
    open: Arc<AtomicUsize>,
    waiting: Waiting,
    /// A permit for each byte of large answers that may wait to be sent.
    answers: Arc<Semaphore>,
    pace: Arc<Pace>,
}

impl Edge {
    /// An edge with room for so many sockets.
    pub fn new(limits: EdgeLimits, proxies: Proxies, sockets: Sockets, hours: Arc<Hours>) -> Self {
        Self {
            book: Arc::new(Book::new(&limits, hours)),
            limits,
            proxies,
            refusals: Refusals::default(),
            sockets,
            open: Arc::default(),
            waiting: Waiting::default(),
            answers: Arc::new(Semaphore::new(ANSWERS_BYTES_MAX as usize)),
            pace: Arc::default(),
        }
    }

    /// Sockets that are open now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Sockets that may be open.
    pub fn sockets_max(&self) -> usize {
        self.sockets.most
    }

    /// Whether all sockets but those for uplinks are in use. Those that wait for a request are not: they go when
    /// another is needed.
    fn is_full(&self) -> bool {
        let used = self.open().saturating_sub(self.waiting.len());
        used > self.sockets.most - self.sockets.for_uplinks
    }

    /// Forgets, once a minute, who has gone. Ends with `stopping`.
    pub async fn keep_house(self: Arc<Self>, stopping: tokio_util::sync::CancellationToken) {
        while tokio::time::timeout(SWEEP, stopping.cancelled()).await.is_err() {
            self.book.sweep(tokio::time::Instant::now());
        }
    }
}
