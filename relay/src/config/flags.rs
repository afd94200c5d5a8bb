//! The command line.
//!
//! Flags alone: what else sets the same things is [`super::layer`]'s.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::limit::MEMORY_MIB_MIN;
use crate::database::Database;
use crate::edge::Network;
use crate::telemetry::LogFormat;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "raidcast-relay",
    version,
    about = "The Raidcast relay: shows raids live and keeps their reports",
    after_help = "What has a flag can also be set in the environment (--public-url as RAIDCAST_PUBLIC_URL; what may be \
                  given several times with commas between, like RAIDCAST_TRUSTED_PROXIES), or in raidcast.toml. Without a \
                  flag there are registration, keep_days, character_proof, cors_origins, uploads_per_address_hour and \
                  webhook_hosts, and \
                  in raidcast.toml alone [upload_keys], [keys.NAME] and [providers.NAME]. People make upload keys on \
                  /account; RAIDCAST_UPLOAD_KEY sets one without an account. docs/operating.md explains all settings."
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
    /// Print the settings that are in force, and where each comes from. Secrets are not shown
    Config(ServeFlags),
    /// Say what is wrong before a start, and change nothing
    ///
    /// Looks at the configuration, the data folder, the database, the addresses, the public URL, the certificate, keys and
    /// providers: one line each. Ends with 0 if nothing is wrong. Run it as the user that runs the relay.
    Check(ServeFlags),
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
    /// The relay's certificate, PEM: with it and --tls-key it speaks HTTPS by itself
    #[arg(long, value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
    /// The key of that certificate, PEM, without a password
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// What a line of the log is: text for people, or JSON [default: text]
    #[arg(long, value_name = "FORMAT", value_enum, hide_possible_values = true)]
    pub log_format: Option<LogFormat>,
    /// A folder whose files are served under /downloads/: packages of the app, and the file that says which there are
    #[arg(long, value_name = "DIR")]
    pub downloads: Option<PathBuf>,
}

/// Reads an address to listen on.
///
/// # Errors
/// What to give, in words.
pub fn listen_addr(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "give address and port, like 127.0.0.1:8787".to_owned())
}
