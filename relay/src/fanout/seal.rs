//! How bytes leave and enter a spectator's socket: as they are, or in TLS.
//!
//! One invariant: what is sealed is written, in the order in which it was sealed, or nothing more is. So whoever seals
//! writes; who reads never does. What TLS itself has to say (an answer to a change of keys) goes out with the next bytes.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio_rustls::rustls::ServerConnection;

/// Bytes that are taken out at once. They are no part of what waits, of which every spectator has one.
const READ_BYTES: usize = 512;

/// See the module's page.
pub(super) enum Seal {
    /// As they are.
    Nothing,
    /// The reader and the writer are two tasks; neither holds it longer than it takes to work.
    Tls(Box<Mutex<ServerConnection>>),
}

/// What was there to read.
pub(super) enum Came {
    /// Bytes, or something of TLS itself.
    Something,
    /// Not now.
    Nothing,
    /// The other end is gone, or says what cannot be read.
    End,
}

fn locked(tls: &Mutex<ServerConnection>) -> MutexGuard<'_, ServerConnection> {
    // A session that a panic left behind says itself that it is broken.
    tls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All that TLS has to write, in one piece.
fn records(tls: &mut ServerConnection, about: usize) -> io::Result<Bytes> {
    let mut sealed = Vec::with_capacity(about);
    while tls.wants_write() {
        tls.write_tls(&mut sealed)?;
    }
    Ok(sealed.into())
}

impl Seal {
    pub(super) fn of(tls: Option<Box<ServerConnection>>) -> Self {
        let Some(mut tls) = tls else { return Self::Nothing };
        // What is given to it is taken out again at once.
        tls.set_buffer_limit(None);
        Self::Tls(Box::new(Mutex::new(*tls)))
    }

    /// Bytes as they are to be written.
    ///
    /// # Errors
    /// Nothing more can be said on this connection.
    pub(super) fn seal<'a>(&self, bytes: &'a Bytes) -> io::Result<Cow<'a, Bytes>> {
        let Self::Tls(tls) = self else { return Ok(Cow::Borrowed(bytes)) };
        let mut tls = locked(tls);
        tls.writer().write_all(bytes)?;
        // A record holds 16 KiB, and has 22 bytes of its own.
        let about = bytes.len() + 32 * (1 + bytes.len() / 16_384);
        Ok(Cow::Owned(records(&mut tls, about)?))
    }

    /// What says that nothing follows; nothing where that goes without saying.
    pub(super) fn end(&self) -> Bytes {
        let Self::Tls(tls) = self else { return Bytes::new() };
        let mut tls = locked(tls);
        tls.send_close_notify();
        records(&mut tls, 64).unwrap_or_default()
    }

    /// Whether something may be there that the socket does not tell: it was read with what came before.
    pub(super) fn may_hold(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Reads what is there, and gives it to `take`.
    pub(super) fn read(&self, stream: &TcpStream, take: &mut impl FnMut(&[u8])) -> Came {
        let tls = match self {
            Self::Nothing => return plain(stream, take),
            Self::Tls(tls) => tls,
        };
        let mut tls = locked(tls);
        match opened(&mut tls, take) {
            Came::Nothing => {}
            came => return came,
        }
        match tls.read_tls(&mut Now(stream)) {
            Ok(0) => return Came::End,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Came::Nothing,
            Err(_) => return Came::End,
        }
        if tls.process_new_packets().is_err() {
            return Came::End;
        }
        match opened(&mut tls, take) {
            Came::End => Came::End,
            // Half a record is something, too: the other end is there.
            Came::Something | Came::Nothing => Came::Something,
        }
    }
}

/// What was read of the socket already.
fn opened(tls: &mut ServerConnection, take: &mut impl FnMut(&[u8])) -> Came {
    let mut came = Came::Nothing;
    let mut bytes = [0; READ_BYTES];
    loop {
        match tls.reader().read(&mut bytes) {
            // Something first; that it is the end is seen at the next look.
            Ok(0) => return if matches!(came, Came::Something) { came } else { Came::End },
            Ok(count) => {
                take(&bytes[..count]);
                came = Came::Something;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return came,
            Err(_) => return Came::End,
        }
    }
}

fn plain(stream: &TcpStream, take: &mut impl FnMut(&[u8])) -> Came {
    let mut bytes = [0; READ_BYTES];
    match stream.try_read(&mut bytes) {
        Ok(0) => Came::End,
        Ok(count) => {
            take(&bytes[..count]);
            Came::Something
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Came::Nothing,
        Err(_) => Came::End,
    }
}

/// What can be read of a socket without waiting.
struct Now<'a>(&'a TcpStream);

impl Read for Now<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(bytes)
    }
}
