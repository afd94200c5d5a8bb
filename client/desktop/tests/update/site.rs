//! A site on this computer that gives what it is told to, over HTTPS with a certificate of the tests' own authority.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// What is given for a path.
#[derive(Clone, Default)]
pub(crate) struct Reply {
    status: u16,
    lines: String,
    body: Vec<u8>,
    /// What it says of its length, where that is not its length.
    claims: Option<u64>,
    /// Given when this is true.
    when: Option<watch::Receiver<bool>>,
}

impl Reply {
    pub(crate) fn of(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, body: body.into(), ..Self::default() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn moved(to: &str) -> Self {
        Self { status: 302, lines: format!("Location: {to}\r\n"), ..Self::default() }
    }

    pub(crate) fn claiming(self, length: u64) -> Self {
        Self { claims: Some(length), ..self }
    }

    pub(crate) fn when(self, is_open: watch::Receiver<bool>) -> Self {
        Self { when: Some(is_open), ..self }
    }
}

#[derive(Default)]
struct Told {
    replies: Mutex<HashMap<String, Reply>>,
    asked: Mutex<Vec<String>>,
    news: watch::Sender<usize>,
}

pub(crate) struct Site {
    pub(crate) url: String,
    told: Arc<Told>,
}

/// A file of the relay's tests.
pub(crate) fn key_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../relay/tests/keys").join(name)
}

fn acceptor() -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(key_file("tls.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(key_file("tls.key")).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

impl Site {
    /// Over HTTPS.
    pub(crate) async fn start() -> Self {
        Self::start_as(Some(acceptor())).await
    }

    /// Over HTTP, which nobody is to ask.
    pub(crate) async fn start_plain() -> Self {
        Self::start_as(None).await
    }

    async fn start_as(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let told = Arc::new(Told::default());
        let site = Self { url, told: Arc::clone(&told) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (told, tls) = (Arc::clone(&told), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        // Whoever does not believe the certificate goes away.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &told).await;
                            }
                        }
                        None => serve(stream, &told).await,
                    }
                });
            }
        });
        site
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// From now on this is given there.
    pub(crate) fn give(&self, path: &str, reply: Reply) {
        self.told.replies.lock().unwrap().insert(path.to_owned(), reply);
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.told.asked.lock().unwrap().iter().filter(|asked| *asked == path).count()
    }

    /// Whether anything was asked for.
    pub(crate) fn was_asked(&self) -> bool {
        !self.told.asked.lock().unwrap().is_empty()
    }

    /// Waits until a path is asked for.
    pub(crate) async fn until_asked(&self, path: &str) {
        let mut news = self.told.news.subscribe();
        let asked = news.wait_for(|_| self.asked(path) > 0);
        tokio::time::timeout(Duration::from_mins(1), asked).await.expect("it is asked for").unwrap();
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, told: &Told) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16_384 {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    told.asked.lock().unwrap().push(path.clone());
    told.news.send_modify(|count| *count += 1);
    let reply = told.replies.lock().unwrap().get(&path).cloned().unwrap_or_else(|| Reply::status(404));
    if let Some(mut when) = reply.when {
        let _ = when.wait_for(|is_open| *is_open).await;
    }
    let length = reply.claims.unwrap_or(reply.body.len() as u64);
    let lines = reply.lines;
    let head =
        format!("HTTP/1.1 {} Said\r\nContent-Length: {length}\r\nConnection: close\r\n{lines}\r\n", reply.status);
    // Whoever has enough of it goes away.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&reply.body).await;
    let _ = stream.flush().await;
    if reply.claims.is_some() && !reply.body.is_empty() {
        // There seems to be more: it is the other one who ends it.
        let _ = stream.read_u8().await;
    }
    let _ = stream.shutdown().await;
}
