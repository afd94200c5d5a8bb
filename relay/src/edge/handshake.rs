//! How a connection begins: at once, or with a TLS handshake.
//!
//! Whoever calls bounds how long it may take. Who speaks plain HTTP to an address that has a certificate is told so, and
//! let go.

use tokio_rustls::TlsAcceptor;

use super::conn::Conn;
use super::line::Line;
use crate::tls::Tls;

/// What every TLS connection begins with: the type of a record that holds a handshake.
const HANDSHAKE: u8 = 22;
/// Bytes of what a stranger said that are taken in before it is answered: what is left unread cuts the answer off.
const TAKEN_IN_BYTES: usize = 4 * 1024;

/// A connection on which HTTP can be spoken; `None` if that did not come about.
pub(super) async fn line(conn: Conn, tls: Option<&Tls>) -> Option<Line> {
    let Some(tls) = tls else { return Some(Line::Plain(conn)) };
    match conn.first().await {
        Ok(Some(HANDSHAKE)) => {}
        Ok(Some(_)) => {
            say_so(&conn);
            return None;
        }
        Ok(None) | Err(_) => return None,
    }
    match TlsAcceptor::from(tls.config()).accept(conn).await {
        Ok(stream) => Some(Line::Tls(Box::new(stream))),
        Err(error) => {
            // Whatever a stranger does to its own connection.
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
    }
}

/// Says that HTTPS is spoken here.
fn say_so(conn: &Conn) {
    let body =
        r#"{"code":"bad_request","message":"this address speaks HTTPS: begin the address with https:// (or wss://)"}"#;
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    let mut taken_in = [0; TAKEN_IN_BYTES];
    let _ = conn.stream().try_read(&mut taken_in);
    // Its buffer is empty, so all of it fits.
    let _ = conn.stream().try_write(answer.as_bytes());
    let _ = socket2::SockRef::from(conn.stream()).shutdown(std::net::Shutdown::Write);
}
