//! A spectator's socket after its upgrade: one owner writes to it, and one reads the little that comes.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::net::TcpStream;
use tokio::time::Instant;

use super::format::Format;
use crate::edge::Slot;
use crate::limits::WATCHED_BYTES_PER_S;

/// The raw stream. While anybody holds it, it has its place among its address's connections.
pub struct Socket {
    stream: TcpStream,
    heard: AtomicBool,
    slot: Option<Slot>,
    opened: Instant,
    written: AtomicU64,
}

impl Socket {
    /// A stream that was taken back from its upgrade, with what it holds of the relay's limits.
    pub fn new(stream: TcpStream, slot: Option<Slot>) -> Self {
        Self { stream, heard: AtomicBool::new(false), slot, opened: Instant::now(), written: AtomicU64::new(0) }
    }

    /// The stream.
    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Writes what goes into it at once.
    ///
    /// # Errors
    /// As a socket's: `WouldBlock` where nothing does.
    pub(super) fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.try_write(bytes)?;
        self.written.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    /// Waits until something comes, and gives it to `take`; false when the other end is gone. Safe to drop: nothing is
    /// lost.
    pub async fn read(&self, mut take: impl FnMut(&[u8])) -> bool {
        loop {
            if self.stream.readable().await.is_err() {
                return false;
            }
            if let Some(is_there) = self.read_now(&mut take) {
                // Who sends without a pause leaves the thread to others, too.
                tokio::task::coop::consume_budget().await;
                return is_there;
            }
        }
    }

    /// `None` if nothing has come. Its bytes are no part of what waits, of which every spectator has one.
    fn read_now(&self, take: &mut impl FnMut(&[u8])) -> Option<bool> {
        let mut bytes = [0; 512];
        match self.stream.try_read(&mut bytes) {
            Ok(0) => Some(false),
            Ok(count) => {
                self.heard.store(true, Ordering::Relaxed);
                take(&bytes[..count]);
                Some(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(_) => Some(false),
        }
    }

    /// Whether something came since this was asked last: whatever it was, the other end is there.
    pub(super) fn was_heard(&self) -> bool {
        self.heard.swap(false, Ordering::Relaxed)
    }

    /// Says goodbye to who is not taken in.
    pub fn turn_away(&self, format: Format, reason: &str, retry_ms: Option<u32>) {
        // A socket that was just opened has room for it; one that has not is closed without a word.
        let _ = self.stream.try_write(&format.goodbye(reason, retry_ms));
    }
}

impl Drop for Socket {
    /// What it was sent beyond what one who watches is sent counts for its address: a keyframe is as large as a report,
    /// and who comes and goes would have nothing but those.
    fn drop(&mut self) {
        let watched = self.opened.elapsed().as_secs_f64() * f64::from(WATCHED_BYTES_PER_S);
        let beyond = self.written.load(Ordering::Relaxed).saturating_sub(watched as u64);
        if let Some(slot) = &self.slot {
            slot.sent(beyond);
        }
    }
}
