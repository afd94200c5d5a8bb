//! A relay from its start to its end: open the store, take up what was live, listen, drain.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use raidcast_store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::{Door, Links};
use crate::account::{FirstLink, Key, Keyring, Members, RelaySecret};
use crate::answers::Answers;
use crate::api::metrics::Sources;
use crate::clock::{Clock, Entropy};
use crate::config::{Config, KeySetting};
use crate::context::Context;
use crate::derive::{Deriver, Source};
use crate::desk::Desk;
use crate::discord::Discord;
use crate::disk::Disk;
use crate::downloads::Downloads;
use crate::edge::{self, Edge, Proxies, Sockets};
use crate::erase::{Eraser, Retention};
use crate::error::plain;
use crate::hours::KeptHours;
use crate::limits::{DOWNLOADS_MAX, METRICS_SOCKETS_MAX};
use crate::lists::Lists;
use crate::preview::{Fonts, Previews};
use crate::private;
use crate::quota::UploadsPerDay;
use crate::raid::RaidRegistry;
use crate::readiness::Readiness;
use crate::router::{Operators, Parts, metrics_router, router};
use crate::span::Spans;
use crate::tls::{Tls, TlsError};
use crate::uplink::Uplinks;
use crate::usage::KeptUsage;

/// So many derive rows: while one waits for the database, the other reads a report.
const DERIVERS: usize = 2;
/// Raids' tasks have this long to finish what is under way when the relay stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a relay does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, or not this machine's.
    #[error(
        "could not listen on {addr}: {}. Another program may use this address: stop it, or choose another with {flag}",
        plain(.source)
    )]
    Listen {
        /// Which.
        addr: SocketAddr,
        /// What sets it.
        flag: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The data folder is not usable.
    #[error(
        "could not use the data folder {path}: {}. It must be a folder that the relay may write to: name another with --data",
        plain(.source)
    )]
    Data {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The secret in the data folder is not one.
    #[error(
        "{path} is not a relay's secret: restore it from a backup, or delete it: all players get new keys then, and a fight that is sent again is a new report"
    )]
    Secret {
        /// Which file.
        path: PathBuf,
    },
    /// The secret in the data folder is somebody else's.
    #[error("The file {path} cannot be read ({}). It must belong to the user that runs the relay.", plain(.source))]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The database does not open.
    #[error("{}", opening(.0))]
    Store(#[from] StoreError),
}

/// Why a database does not open: what is a sentence of its own needs no introduction.
fn opening(error: &StoreError) -> String {
    match error {
        StoreError::Unavailable(why) if why.starts_with(char::is_uppercase) => why.clone(),
        StoreError::Unavailable(why) => format!("could not open the database: {why}"),
        StoreError::Damaged(_) => format!("could not open the database: {error}"),
    }
}

/// A relay that runs.
pub struct Relay {
    addrs: Vec<SocketAddr>,
    metrics_addr: Option<SocketAddr>,
    scheme: &'static str,
    registry: Arc<RaidRegistry>,
    door: Door,
    spans: Arc<Spans>,
    edge: Arc<Edge>,
    answers: Arc<Answers>,
    lists: Arc<Lists>,
    eraser: Arc<Eraser>,
    usage: Arc<KeptUsage>,
    hours: Arc<KeptHours>,
    keys: Arc<Keyring>,
    links: Arc<Links>,
    first_link: Option<FirstLink>,
    stop: CancellationToken,
    servers: TaskTracker,
}

impl Relay {
    /// Opens the store of the configuration and starts.
    ///
    /// # Errors
    /// What an operator must set right first.
    pub async fn start(config: &Config) -> Result<Self, ServeError> {
        // Before anything is made: what is wrong with it is found at once.
        if let Some(files) = &config.tls {
            let until_s = files.read()?.validity_s().map(|(_, until_s)| until_s);
            if until_s.is_some_and(|until_s| until_s < Clock::system().now_ms().unsigned_abs() / 1_000) {
                tracing::warn!("the certificate is expired: renew it, and it is in force without a restart");
            }
        }
        let data = |source| ServeError::Data { path: config.data.clone(), source };
        let is_new = !config.data.exists();
        private::keep(&config.data).map_err(data)?;
        let opened = config.database().open().await;
        if is_new && opened.is_err() {
            // It was made for nothing; one in which anything is stays.
            let _ = std::fs::remove_dir(&config.data);
        }
        let store = opened?;
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
        let tls = config.tls.clone().map(Tls::load).transpose()?;
        let (tls, reloading) = tls.unzip();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let for_downloads = config.downloads.as_ref().map_or(0, |_| DOWNLOADS_MAX);
        let sockets = Sockets::of(edge::raise(), for_downloads);
        let mut listeners = Vec::new();
        for &addr in &config.listen {
            listeners.push(listen(addr, "--listen").await?);
        }
        let for_metrics = match config.metrics_listen {
            Some(addr) => Some(listen(addr, "--metrics-listen").await?),
            None => None,
        };
        let metrics_addr = for_metrics.as_ref().and_then(|listener| listener.local_addr().ok());
        let addrs: Vec<_> = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let own_url = || addrs.first().map_or_else(String::new, |addr| format!("{scheme}://{addr}"));
        let stop = CancellationToken::new();
        let context = Context::new(
            store,
            clock,
            entropy,
            secret,
            config.public_url.clone().unwrap_or_else(own_url),
            config.grace_ms,
            stop.clone(),
        )
        .keeping(config.keep_days)
        .proving(config.character_proof.clone())
        .noting_signatures(config.data.join("relay.signatures"))
        .with_limits(config.limits.clone());
        key_encounters(&context).await?;
        context.veils.read_wishes(context.clock.now_ms()).await?;
        let context = Arc::new(context);
        let usage = Arc::new(KeptUsage::recall(Arc::clone(&context)).await?);
        let hours = Arc::new(KeptHours::recall(Arc::clone(&context.hours), config.data.join("relay.limits")));
        let registry = RaidRegistry::new(context);
        let recovered = registry.recover().await?;
        if recovered > 0 {
            tracing::info!(recovered, "took up fights that were live");
        }
        let keys = config.keys.iter().map(|setting| {
            let KeySetting { name, account, key, scopes, visibility, signing_secret, uploads_per_day } = setting;
            let secret = &registry.context.secret;
            let uploads = uploads_per_day.map(|most| UploadsPerDay { key: secret.key_name(name), most });
            let key = Key::new(account, key, *scopes, *visibility);
            key.signing_with(signing_secret.clone()).uploading(uploads)
        });
        let (context, directory) = (&registry.context, &registry.directory);
        let keys = Keyring::new(keys.collect(), context.clock.clone(), context.secret.clone());
        let keys = Arc::new(keys.recalled(&*context.store).await?);
        let members = Members::new(Arc::clone(context), Arc::clone(&keys), config.registration, &config.providers);
        let members = Arc::new(members);
        let first_link = members.first_link().await?;
        let links = Arc::new(Links::new(Arc::clone(&registry)));
        let (channels, who) = (Arc::clone(&registry.channels), (Arc::clone(&keys), Arc::clone(&members)));
        let door = Door::new(Arc::clone(context), channels, who, Arc::clone(&links));
        let spans = Arc::new(Spans::new(Arc::clone(context), Arc::clone(directory)));
        let answers = Arc::new(Answers::new(Arc::clone(&spans), Duration::from_millis(config.limits.costly_ms)));
        let lists = Lists::new(Arc::clone(&registry), door.clone(), Arc::clone(&answers), Arc::clone(&spans.pool));
        let lists = Arc::new(lists);
        let (for_spans, for_answers, for_lists) = (Arc::clone(&spans), Arc::clone(&answers), Arc::clone(&lists));
        let proxies = Proxies(config.trusted_proxies.clone());
        let edge = Arc::new(Edge::new(config.limits.clone(), proxies, sockets, Arc::clone(&context.hours)));
        let for_door = (door.clone(), Arc::clone(&members), Arc::clone(&links));
        let fonts = Fonts::with(&config.picture_fonts);
        let previews = Previews::new(Arc::clone(context), door.clone(), Arc::clone(&answers), fonts);
        let previews = Arc::new(previews);
        let discord = Discord::new(Arc::clone(context), door.clone(), config.webhook_hosts.clone());
        let for_others = (previews, Arc::clone(&discord));
        let desk = Desk::new(Arc::clone(&registry), for_door, for_spans, for_answers, for_lists, for_others);
        let sources = Sources {
            context: Arc::clone(context),
            directory: Arc::clone(directory),
            edge: Arc::clone(&edge),
            answers: Arc::clone(&answers),
            lists: Arc::clone(desk.lists()),
            searches: Arc::clone(desk.searches()),
            previews: Arc::clone(desk.previews()),
            ingest: Arc::clone(desk.ingest()),
            eraser: Arc::clone(desk.eraser()),
            disk: Disk::of(&config.database()),
        };
        let readiness = Readiness::new(Arc::clone(context), sources.disk.clone());
        let servers = TaskTracker::new();
        servers.spawn(Arc::clone(desk.ingest()).keep_what_waits(stop.clone()));
        let (store, heavy) = (Arc::clone(&context.store), Arc::clone(&context.heavy));
        let with_raids = (Arc::clone(context), Arc::clone(directory));
        let deriver = Deriver::new((store, context.clock.clone()), heavy, Source::Records, Some(with_raids));
        for _ in 0..DERIVERS {
            let mut deriving = Arc::clone(&deriver).worker(Arc::clone(&context.derive));
            // Who uploads waits for an answer, and nobody for rows that lists ask.
            let ingest = Arc::clone(desk.ingest());
            deriving.goes_before = Some(Box::new(move || ingest.standing().waiting > 0));
            servers.spawn(deriving.work(stop.clone()));
        }
        // One: two would find for two raids of one night that neither has a message.
        servers.spawn(discord.worker().work(stop.clone()));
        servers.spawn(Arc::clone(desk.eraser()).work(stop.clone()));
        if let Some(keep_days) = config.keep_days {
            servers.spawn(Arc::clone(desk.eraser()).keep_only(Retention { keep_days }, stop.clone()));
        }
        servers.spawn(Arc::clone(&usage).keep_each_minute(stop.clone()));
        servers.spawn(Arc::clone(&hours).keep_each_minute(stop.clone()));
        servers.spawn(Arc::clone(&keys).keep_house(Arc::clone(&context.store), stop.clone()));
        servers.spawn(Arc::clone(&members).keep_house(stop.clone()));
        servers.spawn(Arc::clone(&links).keep_house(stop.clone()));
        servers.spawn(desk.clone().forget_tickets(stop.clone()));
        let (looking, stopping) = (Arc::clone(&members), stop.clone());
        servers.spawn(async move {
            // What does not answer holds up neither the start nor the end.
            let _ = stopping.run_until_cancelled(looking.look_at_providers()).await;
        });
        servers.spawn(Arc::clone(desk.wishing()).keep_looking(stop.clone()));
        servers.spawn(Arc::clone(&edge).keep_house(stop.clone()));
        if let Some(reloading) = reloading {
            servers.spawn(reloading.keep_reading(stop.clone()));
        }
        servers.spawn(Arc::clone(&readiness).keep_looking(stop.clone()));
        let eraser = Arc::clone(desk.eraser());
        let operators = Operators { readiness, sources };
        if let Some(listener) = for_metrics {
            // Sockets of its own: who asks how a crowded relay is must get in.
            let sockets = Sockets { most: METRICS_SOCKETS_MAX, for_uplinks: 0 };
            let hours = Arc::clone(&context.hours);
            let edge = Arc::new(Edge::new(config.limits.clone(), Proxies::default(), sockets, hours));
            servers.spawn(Arc::clone(&edge).keep_house(stop.clone()));
            let connections = servers.clone();
            servers.spawn(edge::serve(listener, None, metrics_router(&operators), edge, stop.clone(), connections));
        }
        let origins = config.cors_origins.clone();
        let uplinks = Uplinks { door: door.clone(), registry: Arc::clone(&registry) };
        let for_gate = Arc::clone(&keys);
        let downloads = config.downloads.clone().map(|folder| Arc::new(Downloads::of(folder)));
        let parts = Parts { desk, uplinks, keys: for_gate, operators, origins, downloads };
        let app = router(parts, metrics_addr.is_none());
        for listener in listeners {
            let (tls, app, edge, connections) = (tls.clone(), app.clone(), Arc::clone(&edge), servers.clone());
            servers.spawn(edge::serve(listener, tls, app, edge, stop.clone(), connections));
        }
        servers.close();
        Ok(Self {
            addrs,
            metrics_addr,
            scheme,
            registry,
            door,
            spans,
            edge,
            answers,
            lists,
            eraser,
            usage,
            hours,
            keys,
            links,
            first_link,
            stop,
            servers,
        })
    }

    /// Where it listens.
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// What is spoken there: `http`, or `https` with a certificate.
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Where it serves metrics and nothing else, if that is an address of its own.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_addr
    }

    /// The link by which an administrator joins, while there is none who can sign in.
    pub fn first_link(&self) -> Option<&FirstLink> {
        self.first_link.as_ref()
    }

    /// Whether anybody has a key.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Its raids.
    pub fn registry(&self) -> &Arc<RaidRegistry> {
        &self.registry
    }

    /// Who may see what of it.
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// Folds its spans.
    pub fn spans(&self) -> &Arc<Spans> {
        &self.spans
    }

    /// What strangers hold of it.
    pub fn edge(&self) -> &Arc<Edge> {
        &self.edge
    }

    /// Makes its answers.
    pub fn answers(&self) -> &Arc<Answers> {
        &self.answers
    }

    /// Removes what somebody wants gone.
    pub fn eraser(&self) -> &Arc<Eraser> {
        &self.eraser
    }

    /// Makes its lists of fights.
    pub fn lists(&self) -> &Arc<Lists> {
        &self.lists
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
        self.usage.keep().await;
        self.hours.keep().await;
        if let Err(error) = self.keys.note_use(&*self.registry.context.store).await {
            tracing::warn!(%error, "could not note which keys were used");
        }
        if let Err(error) = self.links.keep_use().await {
            tracing::warn!(%error, "could not note which links were used");
        }
        if let Err(error) = self.registry.context.store.close().await {
            tracing::warn!(%error, "could not close the database");
        }
    }
}

async fn listen(addr: SocketAddr, flag: &'static str) -> Result<TcpListener, ServeError> {
    TcpListener::bind(addr).await.map_err(|source| ServeError::Listen { addr, flag, source })
}

/// Before anybody asks for a fight: what was stored when ids of fights were kept as clients make them.
async fn key_encounters(context: &Context) -> Result<(), StoreError> {
    let secret = context.secret.clone();
    let keyed = context.store.key_encounters(Arc::new(move |id| secret.encounter(id))).await?;
    if keyed.replaced > 0 {
        tracing::info!(fights = keyed.replaced, "ids of fights are kept keyed from now on");
    }
    if let Err(error) = keyed.wiped {
        tracing::warn!(
            %error,
            "what was deleted before still lies in unused parts of the database: give it room of twice its size and restart \
             the relay"
        );
    }
    Ok(())
}

/// Reads the relay's secret, or makes it.
fn secret(path: &Path, entropy: &Entropy) -> Result<RelaySecret, ServeError> {
    let failed = |source| ServeError::Data { path: path.to_owned(), source };
    match std::fs::read(path) {
        Ok(held) => held.try_into().map(RelaySecret::new).map_err(|_| ServeError::Secret { path: path.to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let made: [u8; 32] = entropy.bytes();
            // Whole or not at all: a half secret would be no secret at the next start.
            private::write_whole(path, &made).map_err(failed)?;
            Ok(RelaySecret::new(made))
        }
        Err(source) => Err(ServeError::Unreadable { path: path.to_owned(), source }),
    }
}
