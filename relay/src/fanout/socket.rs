//! A spectator's socket after its upgrade: one owner writes to it, and one reads the little that comes.

use std::borrow::Cow;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::rustls::ServerConnection;

use super::format::Format;
use super::seal::{Came, Seal};
use crate::edge::Slot;
use crate::limits::WATCHED_BYTES_PER_S;

/// The raw stream. While anybody holds it, it has its place among its address's connections.
pub struct Socket {
    stream: TcpStream,
    seal: Seal,
    heard: AtomicBool,
    slot: Option<Slot>,
    opened: Instant,
    written: AtomicU64,
}

impl Socket {
    /// A stream that was taken back from its upgrade, with its TLS and with what it holds of the relay's limits.
    pub fn new(stream: TcpStream, tls: Option<Box<ServerConnection>>, slot: Option<Slot>) -> Self {
        Self {
            stream,
            seal: Seal::of(tls),
            heard: AtomicBool::new(false),
            slot,
            opened: Instant::now(),
            written: AtomicU64::new(0),
        }
    }

    /// The stream.
    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Bytes as they go over the wire. They are to be written before what is sealed after them, or nothing more is.
    ///
    /// # Errors
    /// Nothing more can be said on this socket.
    pub(super) fn seal<'a>(&self, bytes: &'a Bytes) -> io::Result<Cow<'a, Bytes>> {
        self.seal.seal(bytes)
    }

    /// Writes what goes into it at once, of bytes as they go over the wire.
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
        // What came with the upgrade's last bytes, no socket tells of.
        let mut is_told = !self.seal.may_hold();
        loop {
            if is_told && self.stream.readable().await.is_err() {
                return false;
            }
            is_told = true;
            let is_there = match self.seal.read(&self.stream, &mut take) {
                Came::Nothing => continue,
                Came::Something => {
                    self.heard.store(true, Ordering::Relaxed);
                    true
                }
                Came::End => false,
            };
            // Who sends without a pause leaves the thread to others, too.
            tokio::task::coop::consume_budget().await;
            return is_there;
        }
    }

    /// Whether something came since this was asked last: whatever it was, the other end is there.
    pub(super) fn was_heard(&self) -> bool {
        self.heard.swap(false, Ordering::Relaxed)
    }

    /// Says goodbye to who is not taken in.
    pub fn turn_away(&self, format: Format, reason: &str, retry_ms: Option<u32>) {
        // A socket that was just opened has room for it; one that has not is closed without a word.
        if let Ok(bytes) = self.seal(&format.goodbye(reason, retry_ms)) {
            let _ = self.stream.try_write(&bytes);
            self.end();
        }
    }

    /// Says that nothing follows, where that has to be said. To be called when nothing waits to be written.
    pub(super) fn end(&self) {
        let end = self.seal.end();
        if !end.is_empty() {
            let _ = self.stream.try_write(&end);
        }
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
