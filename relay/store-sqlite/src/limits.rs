//! Numbers of this store, with the sum that gave each.

use std::time::Duration;

/// Writes of a batch that are tried alone and find the disk full before the rest is given up: each costs a new
/// connection, about 5 ms.
pub(crate) const PARTS_FAILED_MAX: u32 = 8;

/// How long a write waits for another program's lock: a checkpoint or a short transaction of a backup tool passes,
/// and a client that hears of trouble this late has not yet given the connection up (15 s of silence).
pub(crate) const BUSY_WAIT: Duration = Duration::from_secs(3);
/// How long a read waits for a free reader.
pub(crate) const READER_WAIT: Duration = Duration::from_secs(5);
/// How long a search may take, with its wait: it looks at a bounded number of rows, so a disk that is slow is all there is
/// to wait for.
pub(crate) const SEARCH_WAIT: Duration = Duration::from_secs(5);
/// Reading connections: one long read (recovery, a large log) never keeps the lists waiting.
pub(crate) const READERS: u32 = 3;

/// What a WAL that had to grow (a long read kept it from starting over) is cut back to, bytes.
pub(crate) const WAL_BYTES_KEPT: u32 = 64 * 1024 * 1024;
/// Free pages that closing gives back to the disk at most: 64 MiB, well under a second.
pub(crate) const VACUUM_PAGES_MAX: u32 = 16 * 1024;

/// How long a store that is opened waits for the one that has the file: a relay that is being replaced writes its last
/// batch and closes in less.
pub(crate) const OWNER_WAIT: Duration = Duration::from_secs(3);
/// How often it looks.
pub(crate) const OWNER_POLL: Duration = Duration::from_millis(20);
/// Free pages that are given back in one step while the relay runs, and then those that write are let in: 4 MiB, some 20 ms.
pub(crate) const GIVE_BACK_PAGES: u32 = 1_024;
/// How long a step waits for readers of what the WAL holds, before it lets those in who write.
pub(crate) const GIVE_BACK_WAIT: Duration = Duration::from_millis(100);
