//! TLS in the process, for a relay without a web server in front of it.
//!
//! One invariant: there is always a certificate in force. What cannot be read at the start is refused there, and what
//! cannot be read later leaves the one before in force. Deliberately not here: sockets and their limits
//! ([`crate::edge`]), and how the bytes of spectators are sealed ([`crate::fanout`]).

mod certificate;
mod reload;

pub use certificate::{Certificate, TlsError, TlsFiles};
pub use reload::{Reloading, Tls};
