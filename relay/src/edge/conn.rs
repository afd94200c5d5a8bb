//! A socket of the relay: it holds its permits as long as it is open, and a peer that takes nothing is let go.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::Permit;
use crate::limits::WRITE_WINDOW_BYTES;

/// What a socket holds of the relay's limits.
pub struct Slot {
    open: Arc<AtomicUsize>,
    /// Of its address; none where it comes from a proxy, before it is known for whom.
    permit: Option<Permit>,
}

impl Slot {
    /// Counts one more socket as open.
    pub(super) fn new(open: &Arc<AtomicUsize>, permit: Option<Permit>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self { open: Arc::clone(open), permit }
    }

    /// So many bytes were sent that count for its address.
    pub fn sent(&self, bytes: u64) {
        if let Some(permit) = &self.permit {
            permit.sent(bytes);
        }
    }

    /// It is known now for whom it is.
    pub fn set_permit(&mut self, permit: Option<Permit>) {
        self.permit = permit.or_else(|| self.permit.take());
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A TCP stream with its permits. Reading has its limits above it; writing has them here: while the peer takes less
/// than [`WRITE_WINDOW_BYTES`] in a window nothing else is written, and then the socket has failed.
pub struct Conn {
    stream: TcpStream,
    slot: Slot,
    window: Duration,
    /// Runs while a write waits.
    stall: Option<Pin<Box<Sleep>>>,
    written: usize,
}

impl Conn {
    pub(super) fn new(stream: TcpStream, slot: Slot, window: Duration) -> Self {
        Self { stream, slot, window, stall: None, written: 0 }
    }

    /// The first byte that comes; `None` if the other end closes before. It stays to be read.
    pub(super) async fn first(&self) -> io::Result<Option<u8>> {
        let mut first = [0];
        Ok((self.stream.peek(&mut first).await? > 0).then_some(first[0]))
    }

    /// The raw stream.
    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The raw stream, and what it holds.
    pub(super) fn into_parts(self) -> (TcpStream, Slot) {
        (self.stream, self.slot)
    }

    fn watched(
        &mut self,
        cx: &mut Context<'_>,
        wanted: usize,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) if count == wanted => {
                (self.stall, self.written) = (None, 0);
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Ok(count)) => {
                self.written += count;
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.wait(cx),
        }
    }

    fn wait<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let window = self.window;
        let stall = self.stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(window)));
        while stall.as_mut().poll(cx).is_ready() {
            if std::mem::take(&mut self.written) < WRITE_WINDOW_BYTES {
                return Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "the other end takes nothing")));
            }
            stall.as_mut().reset(Instant::now() + window);
        }
        Poll::Pending
    }
}

impl AsyncRead for Conn {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Conn {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watched(cx, buf.len(), written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watched(cx, bufs.iter().map(|buf| buf.len()).sum(), written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
