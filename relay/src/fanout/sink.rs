//! Bytes that wait for one socket, and when it counts as dead: it takes nothing, or it says nothing.
//!
//! One invariant: a frame is never broken. What was begun is written to its end before anything else. What waits is what
//! goes over the wire: sealed already, where the socket has TLS.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use raidcast_shared::limits::SPECTATOR_STALLED_MS;
use tokio::time::Instant;

use super::socket::Socket;
use super::wire;
use crate::limits::{EdgeLimits, REPLAY_STALLED_MS, WRITE_WINDOW_BYTES};

/// How long a socket may keep others waiting.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From one ping to the next.
    ping: Duration,
    /// From its last byte until it counts as dead.
    silence: Duration,
    /// While bytes wait it must take `window_bytes` in this time.
    window: Duration,
    window_bytes: usize,
}

impl Patience {
    /// With who watches a raid: nobody waits for him, so any byte is enough.
    pub fn with_spectators(limits: &EdgeLimits) -> Self {
        Self::of(limits, SPECTATOR_STALLED_MS, 1)
    }

    /// With who watches a replay: others wait for its place.
    pub fn with_replays(limits: &EdgeLimits) -> Self {
        Self::of(limits, REPLAY_STALLED_MS, WRITE_WINDOW_BYTES)
    }

    fn of(limits: &EdgeLimits, window_ms: u64, window_bytes: usize) -> Self {
        Self {
            ping: Duration::from_millis(limits.ping_ms),
            silence: Duration::from_millis(limits.silence_ms()),
            window: Duration::from_millis(window_ms),
            window_bytes,
        }
    }
}

/// The socket is gone, or counts as dead: drop it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// Writes to one socket.
pub(crate) struct Sink {
    socket: Arc<Socket>,
    /// The rest of what was begun.
    tail: Bytes,
    /// While something waits: since when, or since the last window of that, and what was taken meanwhile.
    since: Instant,
    taken: usize,
    /// When it was pinged last, or opened.
    pinged: Instant,
    /// When something of it was known to have come.
    heard: Instant,
}

impl Sink {
    /// Nothing waits yet.
    pub(crate) fn new(socket: Arc<Socket>, now: Instant) -> Self {
        Self { socket, tail: Bytes::new(), since: now, taken: 0, pinged: now, heard: now }
    }

    /// How many bytes wait.
    pub(crate) fn waiting(&self) -> usize {
        self.tail.len()
    }

    /// Waits until some of them can be written, or the socket is gone.
    pub(crate) async fn writable(&self) {
        // What has become of it is seen by who writes.
        let _ = self.socket.stream().writable().await;
    }

    /// Writes what can be written now; the rest waits, behind what waits already.
    ///
    /// # Errors
    /// The socket is gone.
    pub(crate) fn write(&mut self, bytes: &Bytes, now: Instant) -> Result<(), Gone> {
        if bytes.is_empty() {
            return Ok(());
        }
        let bytes = self.socket.seal(bytes).map_err(|_| Gone)?;
        if !self.tail.is_empty() {
            self.tail = [&self.tail[..], &bytes[..]].concat().into();
            return Ok(());
        }
        match self.socket.write_now(&bytes) {
            // What nearly every write is: nothing is kept of it.
            Ok(count) if count == bytes.len() => return Ok(()),
            Ok(0) => return Err(Gone),
            Ok(count) => self.tail = bytes.slice(count..),
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.tail = bytes.into_owned(),
            Err(_) => return Err(Gone),
        }
        (self.since, self.taken) = (now, 0);
        Ok(())
    }

    /// Writes what can be written of what waits.
    ///
    /// # Errors
    /// The socket is gone, or takes too little.
    pub(crate) fn flush(&mut self, patience: &Patience, now: Instant) -> Result<(), Gone> {
        if self.tail.is_empty() {
            return Ok(());
        }
        match self.socket.write_now(&self.tail) {
            Ok(0) => return Err(Gone),
            Ok(count) => {
                self.tail = self.tail.slice(count..);
                self.taken += count;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return Err(Gone),
        }
        if self.taken >= patience.window_bytes {
            (self.since, self.taken) = (now, 0);
        }
        match self.tail.is_empty() || now.duration_since(self.since) <= patience.window {
            true => Ok(()),
            false => Err(Gone),
        }
    }

    /// Asks whether the other end is there, when that is due; what waits for it goes on meanwhile. To be called about
    /// once a second.
    ///
    /// # Errors
    /// It is not there, or takes too little.
    pub(crate) fn sweep(&mut self, patience: &Patience, now: Instant) -> Result<(), Gone> {
        if self.socket.was_heard() {
            self.heard = now;
        }
        if now.duration_since(self.heard) >= patience.silence {
            return Err(Gone);
        }
        if !self.tail.is_empty() {
            return self.flush(patience, now);
        }
        if now.duration_since(self.pinged) < patience.ping {
            return Ok(());
        }
        self.pinged = now;
        self.write(&wire::PING_FRAME, now)
    }
}

impl Drop for Sink {
    /// What was begun and is not out stays broken off: nothing can be said behind it.
    fn drop(&mut self) {
        if self.tail.is_empty() {
            self.socket.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::super::spectator::tests::spectator;
    use super::*;

    const MANY: usize = 16 * 1024 * 1024;

    #[tokio::test(start_paused = true)]
    async fn what_waits_goes_on_where_it_was_left_and_who_takes_nothing_is_gone_in_time() {
        let limits = EdgeLimits::default();
        for (patience, window_ms) in [
            (Patience::with_spectators(&limits), SPECTATOR_STALLED_MS),
            (Patience::with_replays(&limits), REPLAY_STALLED_MS),
        ] {
            let (_, socket, _, mut there) = spectator(1).await;
            let mut sink = Sink::new(socket, Instant::now());
            let bytes: Bytes = (0..MANY).map(|at| (at / 7) as u8).collect::<Vec<_>>().into();
            assert_eq!(sink.write(&bytes, Instant::now()), Ok(()));
            assert!(sink.waiting() > 0, "it is more than lies on the way");
            sink.write(&Bytes::from_static(b"end"), Instant::now()).unwrap();
            tokio::time::advance(Duration::from_millis(window_ms)).await;
            assert_eq!(sink.flush(&patience, Instant::now()), Ok(()));
            // It takes all that it is sent, and has its whole time again.
            let reading = tokio::spawn(async move {
                let mut heard = vec![0; MANY + 3];
                there.read_exact(&mut heard).await.unwrap();
                (heard, there)
            });
            while sink.waiting() > 0 {
                sink.writable().await;
                assert_eq!(sink.flush(&patience, Instant::now()), Ok(()));
            }
            let (heard, _there) = reading.await.unwrap();
            assert!(heard[..MANY] == bytes && heard[MANY..] == *b"end");
            assert_eq!(sink.write(&bytes, Instant::now()), Ok(()));
            tokio::time::advance(Duration::from_millis(window_ms + 1)).await;
            assert_eq!(sink.flush(&patience, Instant::now()), Err(Gone));
        }
    }
}
