//! A spectator's socket after its upgrade: one owner writes to it, and one reads the little that comes.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::TcpStream;

use super::format::Format;
use crate::edge::Slot;

/// The raw stream. While anybody holds it, it has its place among its address's connections.
pub struct Socket {
    stream: TcpStream,
    heard: AtomicBool,
    _slot: Option<Slot>,
}

impl Socket {
    /// A stream that was taken back from its upgrade, with what it holds of the relay's limits.
    pub fn new(stream: TcpStream, slot: Option<Slot>) -> Self {
        Self { stream, heard: AtomicBool::new(false), _slot: slot }
    }

    /// The stream.
    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
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
