//! What HTTP is spoken on: a socket as it is, or TLS on it.
//!
//! Limits and permits stand below TLS, in [`Conn`]: what counts is what the socket takes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::rustls::ServerConnection;
use tokio_rustls::server::TlsStream;

use super::conn::{Conn, Slot};

/// See the module's page.
pub enum Line {
    /// As it is.
    Plain(Conn),
    /// After its handshake.
    Tls(Box<TlsStream<Conn>>),
}

/// What a line was made of, for who goes on without HTTP.
pub struct LineParts {
    /// The raw stream.
    pub stream: TcpStream,
    /// What its bytes are sealed with.
    pub tls: Option<Box<ServerConnection>>,
    /// What it holds of the relay's limits.
    pub slot: Slot,
}

impl Line {
    /// Takes it apart.
    pub fn into_parts(self) -> LineParts {
        let (conn, tls) = match self {
            Self::Plain(conn) => (conn, None),
            Self::Tls(stream) => {
                let (conn, tls) = stream.into_inner();
                (conn, Some(Box::new(tls)))
            }
        };
        let (stream, slot) = conn.into_parts();
        LineParts { stream, tls, slot }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(conn) => Pin::new(conn).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(conn) => Pin::new(conn).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(conn) => Pin::new(conn).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(conn) => conn.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(conn) => Pin::new(conn).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(conn) => Pin::new(conn).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
