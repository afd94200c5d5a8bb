//! Numbers that every store has, with the sum that gave each.

/// Writes that may wait for the writer: 64 raids with all 256 frames that a client may have unacknowledged. A commit
/// takes a few ms, so that a relay whose disk works has tens waiting.
pub(crate) const QUEUE_WRITES_MAX: usize = 64 * 256;
/// Bytes that may wait for the writer: 16 raids with all 4 MiB that a client may have unacknowledged.
pub(crate) const QUEUE_BYTES_MAX: u32 = 16 * 4 * 1024 * 1024;
/// Writes of one transaction: at 20 to 30 µs each some 30 ms, which is what the first of them waits for the last.
pub(crate) const BATCH_WRITES_MAX: usize = 1_024;
/// Bytes of one transaction: 20 ms of a network of 1 Gbit/s, and twice of them fit into SQLite's WAL before its
/// checkpoint falls due (1,000 pages).
pub(crate) const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Encounters whose ids are read at once where all are replaced: some hundred KB.
pub const KEYED_AT_ONCE: i64 = 1_000;
