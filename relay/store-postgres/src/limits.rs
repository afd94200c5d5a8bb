//! Numbers of this store, with the sum that gave each.

use std::time::Duration;

/// The oldest server: the oldest that is tested, and supported by its makers until November 2027.
pub(crate) const SERVER_VERSION_MIN: i32 = 150_000;

/// How long the writer's connection may take to open, and one transaction of the writer. A transaction that finds its
/// connection lost is tried again on a new one: together less than the silence after which a client gives its
/// connection up (15 s).
pub(crate) const CONNECT_WAIT: Duration = Duration::from_secs(3);
/// See [`CONNECT_WAIT`].
pub(crate) const COMMIT_WAIT: Duration = Duration::from_secs(5);
/// How long everything else may take, once it has a connection: a large log over a slow network.
pub(crate) const ANSWER_WAIT: Duration = Duration::from_secs(20);
/// How long everything else waits for a connection: a page tells of a server that is away this much later.
pub(crate) const POOL_WAIT: Duration = Duration::from_secs(3);
/// Connections beside the writer's: a finished fight, recovery and some pages at once. A server has 100 by default.
pub(crate) const CONNECTIONS: u32 = 8;
/// Those of them that uploads may have at once: the rest is left to fights that end and to pages.
pub(crate) const UPLOAD_CONNECTIONS: usize = 3;
/// Connections for searches: their settings are for nothing else, and whoever searches keeps nobody else waiting.
pub(crate) const SEARCH_CONNECTIONS: u32 = 3;
/// A connection for searches that was used within this is not tried before it is used again.
pub(crate) const TRUSTED: Duration = Duration::from_secs(2);
