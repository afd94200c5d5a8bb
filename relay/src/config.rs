//! What an operator sets: flags over environment over file over defaults.

mod provider;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use raidcast_shared::limits;
use raidcast_shared::text::{KeyFault, key_fault};
use raidcast_shared::uplink::Visibility;
use serde::Deserialize;

use self::provider::ProviderEntry;
use crate::account::{ProviderSetting, Registration, Scope, Scopes};
use crate::cors::Origins;
use crate::database::{Database, DatabaseUrlError};
use crate::edge::Network;
use crate::limits::EdgeLimits;
use crate::signature::{SECRET_CHARS_MIN, SigningSecret};
use crate::telemetry::LogFormat;

/// Characters of an upload key at the least.
const KEY_CHARS_MIN: usize = 8;
/// Memory for open fights at the least, MiB: twice the largest fight.
const MEMORY_MIB_MIN: u32 = 512;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "raidcast-relay",
    version,
    about = "The Raidcast relay: shows raids live and keeps their reports",
    after_help = "Who may upload is set by the environment variable RAIDCAST_UPLOAD_KEY, or in raidcast.toml. \
                  docs/operating.md explains all settings."
)]
pub struct Cli {
    /// What to do; without it `serve`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of `serve`.
    #[command(flatten)]
    pub serve: ServeFlags,
}

/// What the relay can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the relay (the default).
    Serve(ServeFlags),
    /// Move everything from one database to another that is empty, and verify it
    ///
    /// Stop the relay first. Everything is moved or nothing: what arrived is read back and compared before it is kept.
    /// The old database stays as it is. Afterwards start the relay with the same --data folder and the new
    /// --database-url. The file relay.key in this folder must stay: players keep their public keys by it.
    Move(MoveFlags),
    /// Make the tables behind lists and search again from the logs of all fights
    ///
    /// Stop the relay first. Reports and logs stay as they are. What is not made when this is interrupted, the relay
    /// makes when it is started.
    Derive(DeriveFlags),
}

/// Where a relay keeps everything, and what says so.
#[derive(Clone, Debug, Default, Args)]
pub struct PlaceFlags {
    /// Folder for the database and the relay's own secret [default: ./data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Another database.
    #[arg(
        long,
        value_name = "URL",
        env = "RAIDCAST_DATABASE_URL",
        hide_env_values = true,
        help = "Another database: sqlite:///path or postgres://user@host/database [default: SQLite in the data folder]"
    )]
    pub database_url: Option<String>,
    /// Configuration file [default: raidcast.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Flags of `derive`.
#[derive(Clone, Debug, Args)]
pub struct DeriveFlags {
    /// Empty these tables first, and fill them again.
    #[arg(long, required = true)]
    pub rebuild: bool,
    /// Where it is.
    #[command(flatten)]
    pub place: PlaceFlags,
}

impl From<DeriveFlags> for ServeFlags {
    fn from(flags: DeriveFlags) -> Self {
        Self { place: flags.place, ..Self::default() }
    }
}

/// Flags of `move`.
#[derive(Clone, Debug, Args)]
pub struct MoveFlags {
    /// The database to move.
    #[arg(
        long,
        value_name = "URL",
        help = "The database to move: sqlite:///path/to/raidcast.db or postgres://user@host/database"
    )]
    pub from: Database,
    /// Where to move it: a database without raids. A PostgreSQL database must exist already (createdb)
    #[arg(long, value_name = "URL")]
    pub to: Database,
}

/// Flags of `serve`.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeFlags {
    /// Address to listen on; may be given several times [default: 127.0.0.1:8787]
    #[arg(long, value_name = "ADDR", value_parser = listen_addr)]
    pub listen: Vec<SocketAddr>,
    /// Where it keeps everything.
    #[command(flatten)]
    pub place: PlaceFlags,
    /// The address by which others reach this relay; all links begin with it.
    #[arg(
        long,
        value_name = "URL",
        help = "The address by which others reach this relay; all links begin with it [default: http://ADDR]"
    )]
    pub public_url: Option<String>,
    /// The address of a proxy in front of this relay, or a network like 10.0.0.0/8; may be given several times. Its
    /// X-Forwarded-For is believed. Without it, all visitors behind the proxy count as one address
    #[arg(long, value_name = "ADDR")]
    pub trusted_proxy: Vec<Network>,
    /// Connections that one address may have at once [default: 256]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub connections_per_address: Option<u32>,
    /// Memory that open fights may hold, in MiB; a key may hold a quarter of it, and 256 at the least [default: 1024]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(i64::from(MEMORY_MIB_MIN)..))]
    pub memory_mib: Option<u32>,
    /// Another address, on which nothing is served but /metrics, /health and /ready. Without it /metrics is answered to
    /// this machine alone
    #[arg(long, value_name = "ADDR", value_parser = listen_addr)]
    pub metrics_listen: Option<SocketAddr>,
    /// What a line of the log is: text for people, or JSON [default: text]
    #[arg(long, value_name = "FORMAT", value_enum, hide_possible_values = true)]
    pub log_format: Option<LogFormat>,
}

/// The configuration file; every entry may be left out.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    listen: Vec<String>,
    data: Option<PathBuf>,
    database_url: Option<String>,
    public_url: Option<String>,
    #[serde(default)]
    trusted_proxies: Vec<String>,
    connections_per_address: Option<u32>,
    memory_mib: Option<u32>,
    /// Uploads of one address an hour.
    uploads_per_address_hour: Option<u32>,
    /// Sites whose pages may read answers.
    #[serde(default)]
    cors_origins: Vec<String>,
    metrics_listen: Option<String>,
    log_format: Option<String>,
    /// Who may join.
    #[serde(default)]
    registration: Registration,
    /// Days after which raids are removed.
    keep_days: Option<u32>,
    /// The upload key of the account `default`.
    upload_key: Option<String>,
    /// Further keys, by name of the account.
    #[serde(default)]
    upload_keys: BTreeMap<String, String>,
    /// Further ones that may do less, by names of their own.
    #[serde(default)]
    keys: BTreeMap<String, KeyEntry>,
    /// Who else says who somebody is, by names of their own.
    #[serde(default)]
    providers: BTreeMap<String, ProviderEntry>,
}

/// A key under `[keys.NAME]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    key: String,
    /// Whose it is; without it the account has the key's name.
    account: Option<String>,
    /// What it may do; without it everything.
    scopes: Option<Vec<Scope>>,
    /// Who may see what it uploads over HTTP, where the request does not say so.
    #[serde(default)]
    visibility: Visibility,
    /// What its uploads may be signed with.
    signing_secret: Option<String>,
    /// New fights that it uploads over HTTP within a day.
    uploads_per_day: Option<u32>,
}

impl KeyEntry {
    /// The key with this name.
    fn setting(self, name: String) -> Result<KeySetting, ConfigError> {
        let Self { key, account, scopes, visibility, signing_secret, uploads_per_day } = self;
        if uploads_per_day == Some(0) {
            let text = format!(
                "the uploads_per_day of `{name}` must be at least 1: a key that uploads nothing lacks the scope"
            );
            return Err(ConfigError::Value(text));
        }
        let refused = |why: &str| {
            let text = format!("the signing_secret of `{name}` {why}, for example from `openssl rand -hex 32`");
            Err(ConfigError::Value(text))
        };
        let signing_secret = match signing_secret.as_deref().map(SigningSecret::new) {
            None => None,
            Some(None) => {
                return refused(&format!("has fewer than {SECRET_CHARS_MIN} characters: use a long random one"));
            }
            // Whoever is sent the one has the other.
            Some(Some(secret)) if secret.is(&key) => return refused("is the upload key itself: use another"),
            Some(secret) => secret,
        };
        Ok(KeySetting {
            account: account.unwrap_or_else(|| name.clone()),
            scopes: scopes.map_or(Scopes::ALL, |scopes| scopes.into_iter().collect()),
            visibility,
            signing_secret,
            uploads_per_day,
            name,
            key,
        })
    }
}

/// The names in a [`File`].
const SETTINGS: [&str; 17] = [
    "listen",
    "data",
    "database_url",
    "public_url",
    "trusted_proxies",
    "connections_per_address",
    "memory_mib",
    "uploads_per_address_hour",
    "cors_origins",
    "metrics_listen",
    "log_format",
    "registration",
    "keep_days",
    "upload_key",
    "upload_keys",
    "keys",
    "providers",
];

/// A key, as an operator sets it.
#[derive(Clone)]
pub struct KeySetting {
    /// What errors call it.
    pub name: String,
    /// Whose it is.
    pub account: String,
    /// The key.
    pub key: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Who may see what it uploads over HTTP, where the request does not say so.
    pub visibility: Visibility,
    /// What its uploads may be signed with.
    pub signing_secret: Option<SigningSecret>,
    /// New fights that it may upload over HTTP within a day, if that is limited.
    pub uploads_per_day: Option<u32>,
}

impl KeySetting {
    /// The key of an account, which may do everything.
    pub fn of(account: impl Into<String>, key: impl Into<String>) -> Self {
        let account = account.into();
        Self {
            name: account.clone(),
            account,
            key: key.into(),
            scopes: Scopes::ALL,
            visibility: Visibility::default(),
            signing_secret: None,
            uploads_per_day: None,
        }
    }
}

/// Without the key and the secret.
impl fmt::Debug for KeySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, account, key: _, scopes, visibility, signing_secret: _, uploads_per_day } = self;
        let mut shown = f.debug_struct("KeySetting");
        shown
            .field("name", name)
            .field("account", account)
            .field("scopes", scopes)
            .field("visibility", visibility)
            .field("uploads_per_day", uploads_per_day)
            .finish()
    }
}

/// What the relay runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: Vec<SocketAddr>,
    /// Folder for the database and the relay's secret.
    pub data: PathBuf,
    /// Database, if not SQLite in `data`.
    pub database_url: Option<Database>,
    /// Base of all links, without a slash at its end; `None`: of the address that it listens on.
    pub public_url: Option<String>,
    /// Who may upload, and more.
    pub keys: Vec<KeySetting>,
    /// From the last event to a provisional report, ms.
    pub grace_ms: i64,
    /// Proxies that are believed about who asks.
    pub trusted_proxies: Vec<Network>,
    /// What addresses and keys may hold.
    pub limits: EdgeLimits,
    /// Whose pages may read answers.
    pub cors_origins: Origins,
    /// Where metrics are served and nothing else; `None`: where everything is, to this machine.
    pub metrics_listen: Option<SocketAddr>,
    /// What a line of the log is.
    pub log_format: LogFormat,
    /// Who may join.
    pub registration: Registration,
    /// So many days after they were active last raids are removed, but for those that are pinned; `None`: they are kept.
    pub keep_days: Option<u32>,
    /// Who else says who somebody is, in the order in which they are shown.
    pub providers: Vec<ProviderSetting>,
}

/// Why there is no configuration to run with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file does not parse.
    #[error("could not read the configuration file {path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A value that this relay does not serve.
    #[error("{0}")]
    Value(String),
    /// A database that it cannot use.
    #[error(transparent)]
    Database(#[from] DatabaseUrlError),
}

/// Reads an address to listen on.
///
/// # Errors
/// What to give, in words.
pub fn listen_addr(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "give address and port, like 127.0.0.1:8787".to_owned())
}

/// The base of all links: of the web, without what only one page has.
fn public_url(url: &str) -> Result<String, ConfigError> {
    let refused =
        |why: &str| Err(ConfigError::Value(format!("the public URL `{url}` {why}, like https://raids.example")));
    let Ok(uri) = url.parse::<axum::http::Uri>() else { return refused("is no URL: give one") };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return refused("does not begin with http:// or https://: give one that does");
    }
    if uri.host().is_none_or(str::is_empty) || uri.authority().is_some_and(|host| host.as_str().contains('@')) {
        return refused("must name a host and no user: give one");
    }
    if uri.query().is_some() || url.contains('#') {
        return refused("must not have a `?` or `#`: give one");
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// What is wrong with a configuration file, without what stands in it: a key or a password whose quotes were forgotten
/// does not go into a log.
fn without_values(error: &config::ConfigError) -> String {
    use config::ConfigError as E;
    let setting = |key: &Option<String>| {
        let name = key.as_deref().and_then(|key| key.split('.').next()).filter(|key| SETTINGS.contains(key));
        name.map_or("a value".to_owned(), |name| format!("`{name}`"))
    };
    match error {
        E::Type { key, .. } | E::At { key, .. } if key.as_ref().is_some_and(|key| key.starts_with("keys")) => {
            "`keys` is not what it must be. A section [keys.NAME] has a key, and may have an account, scopes (of upload, \
             read, manage), a visibility (public, unlisted or private), a \
             signing_secret and uploads_per_day (a number)"
                .to_owned()
        }
        E::Type { key, .. } | E::At { key, .. } if key.as_ref().is_some_and(|key| key.starts_with("providers")) => {
            provider::WHAT_IT_IS.to_owned()
        }
        E::Type { key, .. } | E::At { key, .. } if key.as_deref() == Some("registration") => {
            "`registration` must be \"open\", \"invitation\" or \"closed\"".to_owned()
        }
        E::Type { expected, key, .. } => format!("{} must be {expected}", setting(key)),
        E::At { error, key: None, .. } => without_values(error),
        E::At { key, .. } => format!("{} is not what it must be", setting(key)),
        E::FileParse { cause, .. } => {
            let text = cause.to_string();
            // The parser's text goes on with the line itself.
            let at = text.lines().next().and_then(|line| line.split_once("at ")).map_or("somewhere", |(_, at)| at);
            format!("it is no TOML at {at}. Text stands in quotes, like upload_key = \"…\"")
        }
        E::Message(text) if text.starts_with("unknown field") => {
            // A setting's name is short and plain; a key that stands in its place is not said.
            let name = text
                .split('`')
                .nth(1)
                .filter(|name| name.len() <= 24 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
            let name =
                name.map_or("a setting that there is not".to_owned(), |name| format!("`{name}`, which is no setting"));
            format!("it holds {name}. There are: {}", SETTINGS.join(", "))
        }
        E::NotFound(name) if name.starts_with("providers") => provider::WHAT_IT_IS.to_owned(),
        // The one thing that a section must have.
        E::NotFound(name) if name.rsplit('.').next() == Some("key") => {
            "a section of `keys` lacks its `key`, like key = \"…\"".to_owned()
        }
        // That it is not there, or cannot be opened.
        E::Foreign(error) => error.to_string(),
        _ => format!("a value is not what it must be. Settings are: {}", SETTINGS.join(", ")),
    }
}

/// Why nobody could send this key; it is not said itself.
fn unusable(key: &str) -> Option<&'static str> {
    match key_fault(key) {
        Some(KeyFault::Empty) => Some("is empty: use a long random one"),
        Some(KeyFault::Characters) => Some(
            "holds a space, a line break, or a letter that is not English, which clients refuse: use letters, digits \
             and signs without spaces",
        ),
        Some(KeyFault::TooLong) => Some("is longer than clients send: use one of some dozen characters"),
        None if key.len() < KEY_CHARS_MIN => Some("has fewer than 8 characters: use a long random one"),
        None => None,
    }
}

/// Refuses keys that nobody can send, that stand for two accounts, or for somebody who signs in.
fn check_keys(keys: &[KeySetting]) -> Result<(), ConfigError> {
    for (at, KeySetting { name, account, key, .. }) in keys.iter().enumerate() {
        if account.starts_with('@') {
            return Err(ConfigError::Value(format!(
                "the account of `{name}` begins with @, as those of people who sign in: give it another name"
            )));
        }
        if let Some(why) = unusable(key) {
            return Err(ConfigError::Value(format!(
                "the upload key of `{name}` {why}, for example from `openssl rand -hex 32`"
            )));
        }
        if let Some(other) = keys[..at].iter().find(|other| other.key == *key) {
            let other = &other.name;
            return Err(ConfigError::Value(format!(
                "`{other}` and `{name}` have the same upload key: give each its own"
            )));
        }
    }
    Ok(())
}

impl Config {
    /// Merges flags, environment and file.
    ///
    /// # Errors
    /// What an operator must set right, without the secrets that stand there.
    pub fn load(flags: ServeFlags, environment: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let named = flags.place.config.is_some();
        let path = flags.place.config.unwrap_or_else(|| "raidcast.toml".into());
        let file: File = config::Config::builder()
            .add_source(config::File::from(path.clone()).format(config::FileFormat::Toml).required(named))
            .build()
            .and_then(config::Config::try_deserialize)
            .map_err(|error| ConfigError::File { path: path.clone(), why: without_values(&error) })?;
        let in_file = |why: String| ConfigError::File { path: path.clone(), why };
        let listen = if flags.listen.is_empty() {
            let addrs = file.listen.iter().map(|text| {
                listen_addr(text).map_err(|why| in_file(format!("`{text}` under `listen` is no address: {why}")))
            });
            addrs.collect::<Result<Vec<_>, _>>()?
        } else {
            flags.listen
        };
        let metrics_listen = match (flags.metrics_listen, file.metrics_listen) {
            (Some(addr), _) => Some(addr),
            (None, Some(text)) => Some(
                listen_addr(&text)
                    .map_err(|why| in_file(format!("`{text}` under `metrics_listen` is no address: {why}")))?,
            ),
            (None, None) => None,
        };
        let log_format = match (flags.log_format, file.log_format.as_deref()) {
            (Some(format), _) => format,
            (None, None | Some("text")) => LogFormat::Text,
            (None, Some("json")) => LogFormat::Json,
            (None, Some(_)) => return Err(in_file("`log_format` must be \"text\" or \"json\"".into())),
        };
        let trusted_proxies = if flags.trusted_proxy.is_empty() {
            let networks =
                file.trusted_proxies.iter().map(|text| text.parse().map_err(|why| in_file(format!("{why}"))));
            networks.collect::<Result<Vec<Network>, _>>()?
        } else {
            flags.trusted_proxy
        };
        let mut keys: Vec<_> =
            file.upload_keys.into_iter().map(|(account, key)| KeySetting::of(account, key)).collect();
        for (name, entry) in file.keys {
            keys.push(entry.setting(name)?);
        }
        let upload_key = environment("RAIDCAST_UPLOAD_KEY").filter(|key| !key.is_empty());
        let upload_key = match upload_key.map(OsString::into_string) {
            Some(Ok(key)) => Some(key),
            // Not text: what is left of it is refused below, with the same words.
            Some(Err(key)) => Some(key.to_string_lossy().into_owned()),
            None => file.upload_key,
        };
        keys.extend(upload_key.map(|key| KeySetting::of("default", key)));
        check_keys(&keys)?;
        let providers = provider::providers(file.providers, &environment).map_err(ConfigError::Value)?;
        let public_url = flags.public_url.or(file.public_url).map(|url| public_url(&url)).transpose()?;
        if let (Some(ProviderSetting { id, .. }), None) = (providers.first(), &public_url) {
            return Err(in_file(format!(
                "the provider `{id}` leads people back to this relay, whose address it must know: set `public_url`, like \
                 https://raids.example"
            )));
        }
        let database_url = flags.place.database_url.or(file.database_url).map(|url| url.parse()).transpose()?;
        let cors_origins =
            Origins::listed(&file.cors_origins).map_err(|why| in_file(format!("under `cors_origins`, {why}")))?;
        if file.keep_days == Some(0) {
            return Err(in_file("`keep_days` must be at least 1: leave it out to keep raids for ever".into()));
        }
        let mut limits = EdgeLimits::default();
        if let Some(most) = flags.connections_per_address.or(file.connections_per_address) {
            if most == 0 {
                return Err(in_file("`connections_per_address` must be at least 1".into()));
            }
            limits.connections_per_address = most;
        }
        if let Some(most) = file.uploads_per_address_hour {
            if most == 0 {
                return Err(in_file("`uploads_per_address_hour` must be at least 1".into()));
            }
            limits.uploads_per_address_hour = most;
        }
        if let Some(mib) = flags.memory_mib.or(file.memory_mib) {
            if mib < MEMORY_MIB_MIN {
                return Err(in_file(format!("`memory_mib` must be at least {MEMORY_MIB_MIN}")));
            }
            limits = limits.with_memory(u64::from(mib) << 20);
        }
        Ok(Self {
            listen: if listen.is_empty() { vec![SocketAddr::from(([127, 0, 0, 1], 8787))] } else { listen },
            data: flags.place.data.or(file.data).unwrap_or_else(|| "data".into()),
            database_url,
            public_url,
            keys,
            grace_ms: limits::GRACE_MS,
            trusted_proxies,
            limits,
            cors_origins,
            metrics_listen,
            log_format,
            registration: file.registration,
            keep_days: file.keep_days,
            providers,
        })
    }

    /// Where things are kept.
    pub fn database(&self) -> Database {
        self.database_url.clone().unwrap_or_else(|| Database::in_folder(&self.data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_file(path: PathBuf) -> ServeFlags {
        let place = PlaceFlags { config: Some(path), ..PlaceFlags::default() };
        ServeFlags { place, ..ServeFlags::default() }
    }

    #[test]
    fn links_are_made_of_addresses_of_the_web_alone() {
        for (good, kept) in [
            ("https://raids.example", "https://raids.example"),
            ("http://192.0.2.1:8787/", "http://192.0.2.1:8787"),
            ("HTTPS://raids.example/raids/", "HTTPS://raids.example/raids"),
            ("http://[::1]:8787", "http://[::1]:8787"),
        ] {
            assert_eq!(public_url(good).unwrap(), kept);
        }
        for bad in [
            "",
            "raids.example",
            "ftp://raids.example",
            "javascript:alert(1)",
            "https://",
            "https:raids.example",
            "file:///etc/passwd",
            "https://me:secret@raids.example",
            "https://raids.example/?a=b",
            "https://raids.example/#a",
            "https://raids .example",
        ] {
            let error = public_url(bad).expect_err(bad).to_string();
            assert!(error.contains("like https://raids.example"), "{error}");
        }
    }

    #[test]
    fn keys_that_nobody_can_send_are_refused_by_account_and_never_said() {
        let key = |account: &str, key: &str| KeySetting::of(account, key);
        for bad in [
            "",
            " ",
            "short",
            " a-long-key-with-a-space",
            "a-long-key-and-a-line\n",
            "schlüssel-der-lang-ist",
            "a\u{7f}long-enough-key",
            "tab\tin-a-long-key",
            "PASTE A KEY HERE",
            "a key of four words",
            &"k".repeat(limits::KEY_CHARS_MAX + 1),
        ] {
            let error = check_keys(&[key("first", "a-good-long-key"), key("guild", bad)]).expect_err(bad).to_string();
            assert!(error.contains("`guild`"), "{error}");
            assert!(bad.trim().is_empty() || !error.contains(bad.trim()), "{error}");
        }
        assert!(check_keys(&[key("a", "a-key-of-four-words"), key("b", "another-key-~!")]).is_ok());
        let twice = check_keys(&[key("a", "one-and-the-same"), key("b", "one-and-the-same")]).unwrap_err().to_string();
        assert!(twice.contains("`a` and `b`") && !twice.contains("one-and"), "{twice}");
    }

    /// The error for a file with this text.
    fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raidcast.toml");
        std::fs::write(&path, text).unwrap();
        let flags = in_file(path);
        Config::load(flags, |_| None).expect_err(text).to_string()
    }

    #[test]
    fn what_stands_in_a_file_that_is_wrong_is_not_said() {
        let key = format!("4f3a9c{}", "0b1d2e".repeat(9));
        for (text, says) in [
            (format!("upload_key = {key}\n"), "line 1"),
            (format!("listen = []\nupload_key = \"{key}\nlisten=[]\n"), "line 2"),
            (format!("[upload_keys]\nguild = {key}\n"), "stands in quotes"),
            (format!("upload_keys = \"{key}\"\n"), "`upload_keys`"),
            (format!("upload_key = '{key}' friends\n"), "line 1"),
            (format!("{key} = \"guild\"\n"), "a setting that there is not"),
            (format!("[upload_keys]\n\"{key}\" = [5]\n"), "`upload_keys`"),
            (format!("[keys.bot]\nkey = \"{key}\"\nscopes = [\"{key}\"]\n"), "`keys`"),
            (format!("[keys.bot]\nkey = [\"{key}\"]\n"), "`keys`"),
            (format!("[keys.bot]\nkey = \"{key}\"\nvisibility = \"privat\"\n"), "public, unlisted or private"),
            (format!("[keys.bot]\nkey = \"{key}\"\nscope = [\"read\"]\n"), "may have an account, scopes"),
            ("[keys.bot]\nscopes = [\"read\"]\n".to_owned(), "`key`"),
            (format!("log_format = \"{key}\"\n"), "\"text\" or \"json\""),
            (format!("registration = \"{key}\"\n"), "\"open\", \"invitation\" or \"closed\""),
            ("uploads_per_address_hour = 0\n".to_owned(), "at least 1"),
            (format!("[providers.sso]\nkind = \"{key}\"\n"), "kind (openid or discord)"),
            (format!("[providers.sso]\nkind = \"openid\"\nclient_secret = \"{key}\"\n"), "`providers`"),
            (
                format!("[providers.sso]\nkind = \"openid\"\nclient_id = \"a\"\nclient_secret = [\"{key}\"]\n"),
                "`providers`",
            ),
            (
                format!("[providers.a]\nkind = \"discord\"\nclient_id = \"1\"\nclient_secret = \"{key}\"\n"),
                "set `public_url`",
            ),
            (format!("[keys.bot]\nkey = \"{key}\"\nuploads_per_day = 0\n"), "`bot` must be at least 1"),
            (format!("[keys.bot]\nkey = \"{key}\"\nuploads_per_day = \"{key}\"\n"), "`keys`"),
            ("cors_origins = [\"https://a.example/b\"]\n".to_owned(), "without a path"),
            ("metrics_listen = \"9090\"\n".to_owned(), "like 127.0.0.1:8787"),
            ("upload_kye = \"a-long-enough-key\"\n".to_owned(), "`upload_kye`, which is no setting"),
            (format!("database_url = postgres://u:{key}@h/d\n"), "line 1"),
            (format!("database_url = \"postgres:/u:{key}@h/d\"\n"), "names no database"),
            (format!("database_url = \"://u:{key}@h/d\"\n"), "postgres://user@host/database"),
            (format!("database_url = \"mysql://u:{key}@h/d\"\n"), "`mysql`"),
        ] {
            let error = refused(&text);
            assert!(error.contains(says) && !error.contains(&key), "{text}: {error}");
        }
        let missing = in_file("/nowhere/raidcast.toml".into());
        let error = Config::load(missing, |_| None).unwrap_err().to_string();
        assert!(error.contains("/nowhere/raidcast.toml") && error.contains("not found"), "{error}");
    }

    #[test]
    fn a_signing_secret_is_long_is_not_the_key_and_is_never_said() {
        let key = "a-key-of-more-than-32-characters!";
        for (secret, says) in
            [("", "fewer than 32"), ("thirty-one-characters-long-only", "fewer than 32"), (key, "upload key")]
        {
            let error = refused(&format!("[keys.bot]\nkey = \"{key}\"\nsigning_secret = \"{secret}\"\n"));
            assert!(error.contains("`bot`") && error.contains(says), "{error}");
            assert!(secret.is_empty() || !error.contains(secret), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raidcast.toml");
        let secret = "a-signing-secret-of-32-characters";
        std::fs::write(&path, format!("[keys.bot]\nkey = \"{key}\"\nsigning_secret = \"{secret}\"\n")).unwrap();
        let config = Config::load(in_file(path), |_| None).unwrap();
        assert!(config.keys[0].signing_secret.as_ref().is_some_and(|held| held.is(secret)));
        let shown = format!("{config:?}");
        assert!(!shown.contains(secret) && !shown.contains(key), "{shown}");
    }

    #[test]
    fn every_setting_has_its_name_among_those_that_are_told() {
        let unknown = config::Config::builder()
            .add_source(config::File::from_str("nothing = 1", config::FileFormat::Toml))
            .build()
            .and_then(config::Config::try_deserialize::<File>)
            .err()
            .expect("it is no setting")
            .to_string();
        let known: Vec<_> = unknown.split('`').skip(3).step_by(2).collect();
        assert_eq!(known, SETTINGS, "{unknown}");
    }

    #[test]
    fn an_address_to_listen_on_that_is_none_is_answered_with_one_that_is() {
        assert!(listen_addr("127.0.0.1:8787").is_ok() && listen_addr("[::]:80").is_ok());
        for bad in ["8787", ":8787", "localhost", "127.0.0.1", "127.0.0.1:99999"] {
            assert!(listen_addr(bad).unwrap_err().contains("like 127.0.0.1:8787"));
        }
    }
}
