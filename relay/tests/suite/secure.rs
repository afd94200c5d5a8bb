//! HTTPS and WebSockets in TLS as somebody speaks them who trusts the tests' own authority, and nobody else.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use raidcast_relay::tls::TlsFiles;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::Connector;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::client::Request;

use crate::raw::{Answer, connect};
use crate::script::{Socket, soon};

/// A file of the tests' certificates and keys. They are good for `localhost`, `raids.example` and this machine.
pub(crate) fn key_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(name)
}

/// The pair that the tests' authority vouches for.
pub(crate) fn pair(name: &str) -> TlsFiles {
    TlsFiles { certificate: key_file(&format!("{name}.pem")), key: key_file(&format!("{name}.key")) }
}

/// Whom the tests trust; they speak what they name, the first the most gladly.
fn client_config(protocols: &[&str]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(key_file("tls-authority.pem")).expect("a certificate");
    roots.add(authority).expect("an authority");
    let mut config = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// Opens a WebSocket, in TLS or not as its address says.
pub(crate) async fn websocket(request: Request) -> Result<Socket, Error> {
    let connector = Connector::Rustls(client_config(&["http/1.1"]));
    let connecting = tokio_tungstenite::connect_async_tls_with_config(request, None, false, Some(connector));
    soon("connecting", Box::pin(connecting)).await.map(|(socket, _)| socket)
}

/// A handshake on a stream.
pub(crate) async fn secured(stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
    secured_for(stream, &["http/1.1"]).await
}

/// The same, for who speaks these.
pub(crate) async fn secured_for(stream: TcpStream, protocols: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").expect("a name");
    soon("a handshake", TlsConnector::from(client_config(protocols)).connect(name, stream)).await
}

/// One request on a connection of its own, from an address of the loopback: method, path, lines of its head, its body.
pub(crate) async fn ask_secured(addr: &str, from: Ipv4Addr, request: &str, lines: &[&str], body: &[u8]) -> Answer {
    let mut stream = secured(connect(addr, from).await).await.expect("a handshake");
    let lines = lines.iter().fold(String::new(), |all, line| all + line + "\r\n");
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let head = format!("{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{length}{lines}\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).await.expect("it is written");
    let mut all = Vec::new();
    let _ = soon("an answer", tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut all)).await;
    Answer::of(&all)
}
