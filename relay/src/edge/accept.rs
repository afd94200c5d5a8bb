//! The accept loop: one task for each listener, one for each connection until it ends or is upgraded.
//!
//! hyper reads heads within their time; [`Conn`] watches writes. Where a certificate is set, a handshake
//! comes first ([`super::handshake`]), and until it is done its connection counts as one that waits. A connection that waits for its next request may be
//! closed at any moment: that is what is done when sockets run out. Ends when the relay stops: what is being answered
//! is finished.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::conn::{Conn, Slot};
use super::handshake::line;
use super::{Address, Asked, Edge, Refusal, What};
use crate::limits::{HEAD_BYTES_MAX, HEADERS_MAX, WAITING_MAX};
use crate::tls::Tls;

/// Out of descriptors, with nothing to close: the next try.
const AGAIN: Duration = Duration::from_millis(100);

/// Serves a listener until the relay stops, in TLS if there is a certificate; connections run on `tasks`.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    app: Router,
    edge: Arc<Edge>,
    stopping: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Some(slot) = admit(&edge, &stream, peer.ip(), tls.is_some()) {
                    let (app, tls, edge, stopping) = (app.clone(), tls.clone(), Arc::clone(&edge), stopping.clone());
                    tasks.spawn(connection(stream, peer.ip(), slot, tls, app, edge, stopping));
                }
                if edge.open() >= edge.sockets.most {
                    // The one that was closed for it goes before the next is taken in.
                    tokio::task::yield_now().await;
                }
            }
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::error!(%error, "could not take a connection in: raise the limit of open files (ulimit -n)");
                edge.waiting.close_oldest();
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

/// A slot for a new connection; `None` if its address, or the relay, has no more. The stream is closed then.
fn admit(edge: &Edge, stream: &TcpStream, peer: IpAddr, is_tls: bool) -> Option<Slot> {
    let turn_away = |why| match is_tls {
        // Who waits for a handshake reads no words.
        true => {}
        false => turn_away(stream, why),
    };
    // First: nobody else makes room for one that is not begun.
    if is_tls && !edge.proxies.trusts(peer) && edge.book.handshake(Address::of(peer)).is_err() {
        edge.refusals.count(Refusal::Requests);
        return None;
    }
    let permit = if edge.proxies.trusts(peer) {
        None
    } else {
        let address = Address::of(peer);
        let permit = edge.book.hold(address, What::Connection).or_else(|| {
            // One of its own that waits for nothing yet makes room.
            let freed = edge.waiting.close_oldest_of(address);
            freed.then(|| edge.book.hold_instead(address, What::Connection)).flatten()
        });
        if permit.is_none() {
            edge.refusals.count(Refusal::Connections);
            tracing::warn!("an address has as many connections as one may have");
            tracing::debug!(%address, "it has as many");
            turn_away("your address has too many connections to this relay: close some");
            return None;
        }
        permit
    };
    let full = edge.open() >= edge.sockets.most;
    let crowded = full || edge.waiting.len() >= WAITING_MAX;
    let freed = crowded && edge.waiting.close_oldest();
    if full && !freed {
        edge.refusals.count(Refusal::Sockets);
        tracing::warn!("all connections of the relay are in use");
        turn_away("all connections of this relay are in use: try again in a moment");
        return None;
    }
    Some(Slot::new(&edge.open, permit))
}

/// Says why, as far as that can be said to who has not asked yet.
fn turn_away(stream: &TcpStream, why: &str) {
    let body = format!(r#"{{"code":"too_many","message":"{why}"}}"#);
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Retry-After: 10\r\nConnection: close\r\n\r\n{body}"
    );
    // Its buffer is empty, so all of it fits.
    let _ = stream.try_write(answer.as_bytes());
    let _ = socket2::SockRef::from(stream).shutdown(std::net::Shutdown::Write);
}

async fn connection(
    stream: TcpStream,
    peer: IpAddr,
    slot: Slot,
    tls: Option<Tls>,
    app: Router,
    edge: Arc<Edge>,
    stopping: CancellationToken,
) {
    // Deltas and ticks are small and must not wait for each other.
    drop(stream.set_nodelay(true));
    let waiter = edge.waiting.enter(Address::of(peer));
    let head = Duration::from_millis(edge.limits.head_ms);
    let conn = Conn::new(stream, slot, Duration::from_millis(edge.limits.write_window_ms));
    let begun = tokio::select! {
        begun = tokio::time::timeout(head, line(conn, tls.as_ref())) => begun.ok().flatten(),
        () = waiter.close.cancelled() => None,
        () = stopping.cancelled() => None,
    };
    let Some(line) = begun else {
        waiter.is_served();
        return;
    };
    let io = TokioIo::new(line);
    let app = TowerToHyperService::new(app);
    let answer = {
        let waiter = waiter.clone();
        service_fn(move |mut request: Request<Incoming>| {
            waiter.is_served();
            let asked = Asked::new(&edge, peer, request.headers());
            request.extensions_mut().insert(asked);
            let (waiter, answering) = (waiter.clone(), app.call(request));
            async move {
                let answer = answering.await;
                let upgraded = answer.as_ref().is_ok_and(|answer| answer.status() == StatusCode::SWITCHING_PROTOCOLS);
                if !upgraded {
                    waiter.waits();
                }
                answer
            }
        })
    };
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(io, answer)
        .with_upgrades();
    let mut serving = std::pin::pin!(serving);
    let closed = async {
        tokio::select! {
            ended = serving.as_mut() => return ended,
            () = waiter.close.cancelled() => return Ok(()),
            () = stopping.cancelled() => {}
        }
        serving.as_mut().graceful_shutdown();
        serving.as_mut().await
    };
    if let Err(error) = closed.await {
        // Whatever a stranger does to its own connection.
        tracing::debug!(%error, "a connection ended early");
    }
    waiter.is_served();
}
