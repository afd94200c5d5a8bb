//! Numbers that every store has, with the sum that gave each.

use std::time::Duration;

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
/// Pieces in bulk that may wait: each is an upload, or what is derived of a few fights.
pub(crate) const BULK_WRITES_MAX: usize = 16;
/// Bytes in bulk that may wait: four transactions. Whoever makes more waits with it.
pub(crate) const BULK_BYTES_MAX: u32 = 4 * BATCH_BYTES_MAX as u32;
/// A piece in bulk waits so long at most where entries come without end: four a second are 8 MB/s.
pub(crate) const BULK_WAITS_MAX: Duration = Duration::from_millis(250);

/// Encounters whose ids are read at once where all are replaced: some hundred KB.
pub const KEYED_AT_ONCE: i64 = 1_000;
