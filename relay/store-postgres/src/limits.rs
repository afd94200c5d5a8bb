//! Numbers of this store, with the sum that gave each.

use std::time::Duration;

/// The oldest server: the oldest that is tested, and supported by its makers until November 2027.
pub(crate) const SERVER_VERSION_MIN: i32 = 150_000;

/// Journal entries that may wait for the writer: 64 raids with all 256 frames that a client may have unacknowledged.
pub(crate) const QUEUE_ENTRIES_MAX: usize = 64 * 256;
/// Bytes that may wait for the writer: 16 raids with all 4 MiB that a client may have unacknowledged.
pub(crate) const QUEUE_BYTES_MAX: u32 = 16 * 4 * 1024 * 1024;
/// Entries of one transaction: at about 20 µs each some 20 ms, which is what the first of them waits for the last.
pub(crate) const BATCH_ENTRIES_MAX: usize = 1_024;
/// Bytes of one transaction: 20 ms of a network of 1 Gbit/s.
pub(crate) const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;

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

/// Encounters whose ids are replaced at once where all are: some hundred KB.
pub(crate) const KEYED_AT_ONCE: i64 = 1_000;
