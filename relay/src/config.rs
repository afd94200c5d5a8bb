//! What an operator sets: flags over environment over file over defaults.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use raidcast_shared::limits;
use serde::Deserialize;

use crate::database::{Database, DatabaseUrlError};

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
}

/// Flags of `move`.
#[derive(Clone, Debug, Args)]
pub struct MoveFlags {
    /// The database to move: <sqlite:///path/to/raidcast.db> or <postgres://user@host/database>
    #[arg(long, value_name = "URL")]
    pub from: Database,
    /// Where to move it: a database without raids. A PostgreSQL database must exist already (createdb)
    #[arg(long, value_name = "URL")]
    pub to: Database,
}

/// Flags of `serve`.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeFlags {
    /// Address to listen on; may be given twice [default: 127.0.0.1:8787]
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<SocketAddr>,
    /// Folder for the database and the relay's own secret [default: ./data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Another database: <sqlite:///path> or <postgres://user@host/database> [default: SQLite in the data folder]
    #[arg(long, value_name = "URL", env = "RAIDCAST_DATABASE_URL")]
    pub database_url: Option<String>,
    /// The address by which others reach this relay; all links begin with it [default: <http://ADDR>]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Configuration file [default: raidcast.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The configuration file; every entry may be left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    listen: Vec<SocketAddr>,
    data: Option<PathBuf>,
    database_url: Option<String>,
    public_url: Option<String>,
    /// The upload key of the account `default`.
    upload_key: Option<String>,
    /// Further keys, by name of the account.
    #[serde(default)]
    upload_keys: std::collections::BTreeMap<String, String>,
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
    /// (account, key).
    pub upload_keys: Vec<(String, String)>,
    /// From the last event to a provisional report, ms.
    pub grace_ms: i64,
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

impl Config {
    /// Merges flags, environment and file.
    pub fn load(flags: ServeFlags, upload_key: Option<String>) -> Result<Self, ConfigError> {
        let named = flags.config.is_some();
        let path = flags.config.unwrap_or_else(|| "raidcast.toml".into());
        let file: File = config::Config::builder()
            .add_source(config::File::from(path.clone()).format(config::FileFormat::Toml).required(named))
            .build()
            .and_then(config::Config::try_deserialize)
            .map_err(|error| ConfigError::File { path, why: error.to_string() })?;
        let listen = [flags.listen, file.listen].into_iter().find(|list| !list.is_empty());
        let mut upload_keys: Vec<_> = file.upload_keys.into_iter().collect();
        upload_keys.extend(upload_key.or(file.upload_key).map(|key| ("default".to_owned(), key)));
        if let Some((account, _)) = upload_keys.iter().find(|(_, key)| key.trim().len() < 8) {
            return Err(ConfigError::Value(format!(
                "the upload key of `{account}` has fewer than 8 characters: use a long random one, for example from `openssl rand -hex 32`"
            )));
        }
        let database_url = flags.database_url.or(file.database_url).map(|url| url.parse()).transpose()?;
        Ok(Self {
            listen: listen.unwrap_or_else(|| vec![SocketAddr::from(([127, 0, 0, 1], 8787))]),
            data: flags.data.or(file.data).unwrap_or_else(|| "data".into()),
            database_url,
            public_url: flags.public_url.or(file.public_url).map(|url| url.trim_end_matches('/').to_owned()),
            upload_keys,
            grace_ms: limits::GRACE_MS,
        })
    }

    /// Where things are kept.
    pub fn database(&self) -> Database {
        self.database_url.clone().unwrap_or_else(|| Database::in_folder(&self.data))
    }
}
