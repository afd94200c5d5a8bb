//! The connection to the relay: opens it, keeps it alive, opens it again for ever.
//!
//! One task, started and awaited by the uploader. It carries bytes and knows of frames only what keeping the
//! connection needs: Welcome proves it good, Draining and refusals say when to come back.
//! One invariant: every connection has an outbox of its own, so nothing meant for one is ever sent on the next.

mod answer;
mod outage;
mod relay_address;

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use raidcast_shared::codec;
use raidcast_shared::limits as l;
use raidcast_shared::uplink::{RefusedCode, RefusedScope, UplinkFrame, UplinkReply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
pub(crate) use answer::{NoConnection, address, answered, of_io};
pub use outage::{Address, Certificate, Outage};
pub use relay_address::{AddressError, RelayAddress, WrongUrl};

/// Frames that wait for a connection; a full outbox makes the uploader try again at its next poll.
const OUTBOX: usize = l::UNACKED_FRAMES_MAX + 32;
/// Time for a connection to be opened.
const CONNECT: Duration = Duration::from_secs(10);
/// A Probe this often makes the relay answer, so that silence means a dead connection.
const PROBE: Duration = Duration::from_secs(5);
/// Time to find out whether something speaks TLS.
const TLS_ANSWER: Duration = Duration::from_secs(2);
/// Time for a goodbye at the end.
const GOODBYE: Duration = Duration::from_millis(500);
/// The first wait before another attempt.
const RETRY_MIN: Duration = Duration::from_millis(250);
/// The longest, where nobody asks for more.
pub(crate) const RETRY_MAX: Duration = Duration::from_secs(15);
/// The longest that a relay may ask for.
const RELAY_WAIT_MAX: Duration = Duration::from_mins(10);
/// A key that the relay knew, and knows no more, is tried again after at least so long.
const KEY_AGAIN: Duration = Duration::from_secs(30);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What the uploader hears of the connection, in order.
#[derive(Debug)]
pub enum SocketEvent {
    /// It is open: Hello first. Dropping the outbox opens another connection at once.
    Up {
        /// Where frames go.
        outbox: mpsc::Sender<Bytes>,
    },
    /// The relay says something.
    Reply(Box<UplinkReply>),
    /// It is gone, or could not be opened.
    Down {
        /// Why.
        why: Outage,
        /// When it is tried again.
        retry: Duration,
    },
    /// The relay does not know the key, and never did in this run: the task has ended.
    Unauthorized {
        /// In the relay's words.
        text: String,
    },
    /// The relay does not let the key upload, and never did in this run: the task has ended.
    Forbidden {
        /// In the relay's words.
        text: String,
    },
}

enum Closed {
    /// Try again; `at_least` is the relay's own wish.
    Retry {
        why: Outage,
        at_least: Option<Duration>,
    },
    /// The uploader wants another connection now.
    Anew,
    Unauthorized {
        text: String,
    },
    Forbidden {
        text: String,
    },
    Shutdown,
}

/// Keeps a connection to the relay until `shutdown`, or until the relay does not take a key that it has not taken before.
///
/// Waits while nobody takes the events. `at_once`: where it waits before another attempt, that is made now, and waits are
/// short again.
pub async fn run(
    address: RelayAddress,
    clock: Clock,
    jitter_seed: u64,
    events: mpsc::Sender<SocketEvent>,
    at_once: Arc<Notify>,
    shutdown: CancellationToken,
) {
    let mut backoff = Backoff::new(jitter_seed);
    loop {
        let closed = connection(&address, &clock, &mut backoff, &events, &shutdown).await;
        let (why, wish) = match closed {
            Closed::Shutdown => return,
            Closed::Anew => continue,
            // It was good: an operator may be changing keys just now.
            Closed::Unauthorized { .. } if backoff.was_welcome => {
                (Outage::KeyForgotten, Some(KEY_AGAIN + backoff.next()))
            }
            Closed::Unauthorized { text } => {
                let _ = events.send(SocketEvent::Unauthorized { text }).await;
                return;
            }
            Closed::Forbidden { text } if backoff.was_welcome => {
                (Outage::Said { text }, Some(KEY_AGAIN + backoff.next()))
            }
            Closed::Forbidden { text } => {
                let _ = events.send(SocketEvent::Forbidden { text }).await;
                return;
            }
            Closed::Retry { why, at_least } => (why, at_least),
        };
        let retry = backoff.next().max(wish.unwrap_or_default().min(RELAY_WAIT_MAX));
        if events.send(SocketEvent::Down { why, retry }).await.is_err() {
            return;
        }
        tokio::select! {
            biased;
            // Whoever ends the client does not wait for the relay.
            () = shutdown.cancelled() => return,
            // Whoever wants it now has a reason: another network, a machine that woke.
            () = at_once.notified() => backoff.anew(),
            // Else the next attempt.
            () = sleep(retry) => {}
        }
    }
}

/// Waits between attempts: doubling, with jitter, so that a relay that comes back is not met by all at once.
struct Backoff {
    seed: u64,
    waits: ExponentialBackoff,
    /// The relay has said Welcome before.
    was_welcome: bool,
}

impl Backoff {
    fn new(seed: u64) -> Self {
        let waits = ExponentialBuilder::new()
            .with_min_delay(RETRY_MIN)
            // Jitter adds up to the wait itself.
            .with_max_delay(RETRY_MAX / 2)
            .without_max_times()
            .with_jitter()
            .with_jitter_seed(seed)
            .build();
        Self { seed, waits, was_welcome: false }
    }

    /// The relay says Welcome.
    fn reset(&mut self) {
        *self = Self { was_welcome: true, ..Self::new(self.seed.wrapping_add(1)) };
    }

    /// Waits are short again.
    fn anew(&mut self) {
        *self = Self { was_welcome: self.was_welcome, ..Self::new(self.seed.wrapping_add(1)) };
    }

    fn next(&mut self) -> Duration {
        self.waits.next().unwrap_or(RETRY_MAX)
    }
}

async fn connection(
    address: &RelayAddress,
    clock: &Clock,
    backoff: &mut Backoff,
    events: &mpsc::Sender<SocketEvent>,
    shutdown: &CancellationToken,
) -> Closed {
    let socket = tokio::select! {
        biased;
        () = shutdown.cancelled() => return Closed::Shutdown,
        opened = open(address) => match opened {
            Ok(socket) => socket,
            Err(closed) => return closed,
        },
    };
    let (outbox, mut frames) = mpsc::channel(OUTBOX);
    if events.send(SocketEvent::Up { outbox }).await.is_err() {
        return Closed::Shutdown;
    }
    let (mut sink, mut stream) = socket.split();
    let mut wish = None;
    // Why the relay is about to close the connection, as it said before.
    let mut said = None;
    let mut heard = Instant::now();

    let writer = async {
        let mut probe = tokio::time::interval_at(Instant::now() + PROBE, PROBE);
        loop {
            let frame = tokio::select! {
                biased;
                // The end comes before everything.
                () = shutdown.cancelled() => {
                    let _ = timeout(GOODBYE, sink.close()).await;
                    return Closed::Shutdown;
                }
                // Probes keep the connection alive even behind a long queue of frames.
                _ = probe.tick() => codec::encode(&UplinkFrame::Probe { clock: clock.unix_ms() }).into(),
                // Frames in their order.
                frame = frames.recv() => if let Some(frame) = frame {
                    frame
                } else {
                    let _ = timeout(GOODBYE, sink.close()).await;
                    return Closed::Anew;
                },
            };
            if let Err(error) = sink.send(Message::Binary(frame)).await {
                return Closed::Retry { why: answer::lost(&error, address.request().uri()), at_least: None };
            }
        }
    };
    let reader = async {
        loop {
            let silence = Duration::from_millis(l::SOCKET_SILENCE_MS);
            let Ok(message) = timeout(silence, stream.next()).await else {
                let why = Outage::Silent { seconds: heard.elapsed().as_secs() };
                return Closed::Retry { why, at_least: wish };
            };
            heard = Instant::now();
            let bytes = match message {
                Some(Ok(Message::Binary(bytes))) => bytes,
                Some(Ok(Message::Close(frame))) => {
                    let told = match frame {
                        Some(frame) if !frame.reason.is_empty() => Outage::Said { text: frame.reason.to_string() },
                        frame => Outage::Closed { code: frame.map(|frame| frame.code.into()) },
                    };
                    let why = said.unwrap_or(told);
                    return Closed::Retry { why, at_least: wish };
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => {
                    let why = said.unwrap_or_else(|| answer::lost(&error, address.request().uri()));
                    return Closed::Retry { why, at_least: wish };
                }
                None => {
                    return Closed::Retry { why: said.unwrap_or(Outage::Closed { code: None }), at_least: wish };
                }
            };
            let reply = match codec::decode(&bytes, l::UPLINK_FRAME_BYTES_MAX) {
                Ok(reply) => reply,
                Err(error) => {
                    return Closed::Retry { why: Outage::NotUnderstood { error: error.to_string() }, at_least: wish };
                }
            };
            match &reply {
                UplinkReply::Welcome(_) => backoff.reset(),
                UplinkReply::Draining { retry_ms } => {
                    wish = Some(Duration::from_millis((*retry_ms).into()));
                    said = Some(Outage::Restarting);
                }
                UplinkReply::Refused(refused) if refused.scope == RefusedScope::Connection => {
                    if refused.code == RefusedCode::Unauthorized {
                        return Closed::Unauthorized { text: refused.text.clone() };
                    }
                    said = Some(Outage::Said { text: raidcast_shared::text::clean(&refused.text, 300) });
                    wish = refused.retry_ms.map(|ms| Duration::from_millis(ms.into())).or(wish);
                }
                // Nobody needs it but the clock above.
                UplinkReply::Echo { .. } => continue,
                _ => {}
            }
            if events.send(SocketEvent::Reply(Box::new(reply))).await.is_err() {
                return Closed::Shutdown;
            }
        }
    };
    tokio::select! {
        biased;
        // What the relay said before it went is heard before what its going does to the writer.
        closed = reader => closed,
        closed = writer => closed,
    }
}

async fn open(address: &RelayAddress) -> Result<Socket, Closed> {
    // Small buffers: a large one would be cleared for each message.
    let config = WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_message_size(Some(l::UPLINK_FRAME_BYTES_MAX))
        .max_frame_size(Some(l::UPLINK_FRAME_BYTES_MAX));
    let opening = connect_async_tls_with_config(
        address.request().clone(),
        Some(config),
        true,
        Some(Connector::Rustls(address.trust().config())),
    );
    let uri = address.request().uri();
    match timeout(CONNECT, opening).await {
        Err(_) => {
            let why = Outage::NoAnswer { at: answer::address(uri), seconds: CONNECT.as_secs() };
            Err(Closed::Retry { why, at_least: None })
        }
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) if answer::is_no_http(&error) && answers_in_tls(uri).await => {
            Err(Closed::Retry { why: Outage::SpeaksHttps, at_least: None })
        }
        Ok(Err(error)) => Err(match answer::explain(&error, uri) {
            NoConnection::Unauthorized(text) => Closed::Unauthorized { text },
            NoConnection::Forbidden(text) => Closed::Forbidden { text },
            NoConnection::Outage(why, at_least) => Closed::Retry { why, at_least },
        }),
    }
}

/// Whether what was asked in http, and gave no answer in it, speaks TLS: then it answers with a record of that.
pub(crate) async fn answers_in_tls(uri: &Uri) -> bool {
    let asking = async {
        let host = uri.host()?.trim_matches(['[', ']']);
        let mut stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await.ok()?;
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.ok()?;
        let mut answer = [0; 2];
        stream.read_exact(&mut answer).await.ok()?;
        // An alert or a handshake of SSL 3 or later.
        Some(matches!(answer, [0x15 | 0x16, 0x03]))
    };
    matches!(uri.scheme_str(), Some("ws" | "http")) && timeout(TLS_ANSWER, asking).await.ok().flatten() == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::Trust;

    #[tokio::test]
    async fn what_answers_is_taken_for_tls_only_if_it_is() {
        let certain = [(&b"SSH-2.0-OpenSSH_9.6\r\n"[..], false), (b"\x15\x03\x01\x00\x02\x02\x46", true)];
        for (answer, is_tls) in certain {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let serving = tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let _ = stream.write_all(answer).await;
                    let mut asked = [0; 1024];
                    while stream.read(&mut asked).await.is_ok_and(|read| read > 0) {}
                }
            });
            let address = RelayAddress::new(&url, "key", Trust::public()).unwrap();
            let Err(Closed::Retry { why, .. }) = open(&address).await else { panic!("no relay is there") };
            let other = Outage::NotWebSocket { at: answer::address(address.request().uri()) };
            assert_eq!(why, if is_tls { Outage::SpeaksHttps } else { other });
            serving.abort();
        }
    }

    #[tokio::test]
    async fn a_wait_that_somebody_does_not_want_is_cut_short_once() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = [0; 1024];
                let _ = stream.read(&mut asked).await;
                let answer = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 50\r\nContent-Length: 0\r\n\r\n";
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let address = RelayAddress::new(&url, "key", Trust::public()).unwrap();
        let (events, mut heard) = mpsc::channel(9);
        let (at_once, shutdown) = (Arc::new(Notify::new()), CancellationToken::new());
        let running = tokio::spawn(run(address, Clock::system(), 1, events, at_once.clone(), shutdown.clone()));
        let long = Duration::from_secs(50);
        for _ in 0..3 {
            let Some(SocketEvent::Down { retry, .. }) = heard.recv().await else { panic!("it is away") };
            assert!(retry >= long, "{retry:?}");
            // Nothing comes of it by itself.
            assert!(timeout(Duration::from_millis(100), heard.recv()).await.is_err());
            at_once.notify_one();
        }
        shutdown.cancel();
        running.await.unwrap();
        serving.abort();
    }

    #[test]
    fn waits_grow_to_a_bound_and_differ_between_clients() {
        let waits = |seed| {
            let mut backoff = Backoff::new(seed);
            (0..40).map(|_| backoff.next()).collect::<Vec<_>>()
        };
        let one = waits(1);
        assert!(one.iter().all(|wait| (RETRY_MIN..=RETRY_MAX).contains(wait)));
        assert!(one[0] < RETRY_MIN * 3);
        assert!(one[39] > RETRY_MAX / 3);
        assert_ne!(one, waits(2));
    }
}
