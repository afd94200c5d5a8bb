//! A relay from its start to its end: open the store, take up what was live, listen, drain.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use raidcast_store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::{Keyring, RelaySecret, UploadKey};
use crate::answers::Answers;
use crate::clock::{Clock, Entropy};
use crate::config::Config;
use crate::raid::{RaidRegistry, Shared};
use crate::router::router;
use crate::span::Spans;
use crate::state::AppState;

/// Raids' tasks have this long to finish what is under way when the relay stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a relay does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, or not this machine's.
    #[error("could not listen on {addr}: {source}")]
    Listen {
        /// Which.
        addr: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The data folder is not usable.
    #[error("could not use the data folder {path}: {source}")]
    Data {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The secret in the data folder is not one.
    #[error("{path} is not a relay's secret: restore it from a backup, or delete it to give all players new keys")]
    Secret {
        /// Which file.
        path: PathBuf,
    },
    /// The database does not open.
    #[error("could not open the database: {0}")]
    Store(#[from] StoreError),
}

/// A relay that runs.
pub struct Relay {
    addrs: Vec<SocketAddr>,
    registry: Arc<RaidRegistry>,
    spans: Arc<Spans>,
    answers: Arc<Answers>,
    stop: CancellationToken,
    servers: TaskTracker,
}

impl Relay {
    /// Opens the store of the configuration and starts.
    ///
    /// # Errors
    /// What an operator must set right first.
    pub async fn start(config: &Config) -> Result<Self, ServeError> {
        let data = |source| ServeError::Data { path: config.data.clone(), source };
        std::fs::create_dir_all(&config.data).map_err(data)?;
        let store = config.database().open().await?;
        let (clock, entropy) = (Clock::system(), Entropy::system());
        let secret = secret(&config.data.join("relay.key"), &entropy)?;
        Self::start_with(config, store, clock, entropy, secret).await
    }

    /// Starts with parts of one's own.
    ///
    /// # Errors
    /// The store cannot be read, or an address not be listened on.
    pub async fn start_with(
        config: &Config,
        store: Arc<dyn Store>,
        clock: Clock,
        entropy: Entropy,
        secret: RelaySecret,
    ) -> Result<Self, ServeError> {
        let mut listeners = Vec::new();
        for &addr in &config.listen {
            let listener = TcpListener::bind(addr).await.map_err(|source| ServeError::Listen { addr, source })?;
            listeners.push(listener);
        }
        let addrs: Vec<_> = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let own_url = || addrs.first().map_or_else(String::new, |addr| format!("http://{addr}"));
        let stop = CancellationToken::new();
        let shared = Shared::new(
            store,
            clock,
            entropy,
            secret,
            config.public_url.clone().unwrap_or_else(own_url),
            config.grace_ms,
            stop.clone(),
        );
        let registry = RaidRegistry::new(Arc::new(shared));
        let recovered = registry.recover().await?;
        if recovered > 0 {
            tracing::info!(recovered, "took up fights that were live");
        }
        let keys = config.upload_keys.iter().map(|(account, key)| UploadKey::new(account, key.trim())).collect();
        let state = AppState::new(Arc::clone(&registry), Keyring(keys));
        let (spans, answers) = (Arc::clone(&state.spans), Arc::clone(&state.answers));
        let app = router(state);
        let servers = TaskTracker::new();
        for listener in listeners {
            let (app, stop) = (app.clone(), stop.clone());
            // Deltas and ticks are small and must not wait for each other.
            let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
            servers.spawn(async move {
                let stopping = stop.cancelled_owned();
                if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(stopping).await {
                    tracing::error!(%error, "a listener ended");
                }
            });
        }
        servers.close();
        Ok(Self { addrs, registry, spans, answers, stop, servers })
    }

    /// Where it listens.
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// Its raids.
    pub fn registry(&self) -> &Arc<RaidRegistry> {
        &self.registry
    }

    /// Folds its spans.
    pub fn spans(&self) -> &Arc<Spans> {
        &self.spans
    }

    /// Makes its answers.
    pub fn answers(&self) -> &Arc<Answers> {
        &self.answers
    }

    /// Tells clients and spectators to come back, finishes what is under way, closes the store.
    pub async fn stop(self) {
        self.stop.cancel();
        let drained = async {
            self.registry.join().await;
            let _ = tokio::time::timeout(Duration::from_secs(2), self.servers.wait()).await;
        };
        if tokio::time::timeout(DRAIN_TIMEOUT, drained).await.is_err() {
            tracing::warn!("stopped with work under way: what was acknowledged is on disk");
        }
        if let Err(error) = self.registry.shared.store.close().await {
            tracing::warn!(%error, "could not close the database");
        }
    }
}

/// Reads the relay's secret, or makes it.
fn secret(path: &Path, entropy: &Entropy) -> Result<RelaySecret, ServeError> {
    let failed = |source| ServeError::Data { path: path.to_owned(), source };
    match std::fs::read(path) {
        Ok(held) => held.try_into().map(RelaySecret::new).map_err(|_| ServeError::Secret { path: path.to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let made: [u8; 32] = entropy.bytes();
            // Whole or not at all, also where the power is cut: a half secret would be no secret at the next start.
            let part = path.with_extension("part");
            write_private(&part, &made).and_then(|()| std::fs::rename(&part, path)).map_err(failed)?;
            Ok(RelaySecret::new(made))
        }
        Err(error) => Err(failed(error)),
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
