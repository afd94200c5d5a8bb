//! `raidcast-relay`: reads its configuration, runs the relay until it is told to stop.

use anyhow::Context as _;
use clap::Parser as _;
use raidcast_relay::config::{Cli, Command, Config};
use raidcast_relay::serve::Relay;
use raidcast_relay::telemetry;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    telemetry::init();
    let flags = match cli.command {
        Some(Command::Serve(flags)) => flags,
        None => cli.serve,
    };
    let upload_key = std::env::var("RAIDCAST_UPLOAD_KEY").ok().filter(|key| !key.is_empty());
    let config = Config::load(flags, upload_key)?;
    let relay = Relay::start(&config).await?;
    let addrs: Vec<_> = relay.addrs().iter().map(|addr| format!("http://{addr}")).collect();
    println!("raidcast-relay listens on {}", addrs.join(" and "));
    if config.upload_keys.is_empty() {
        eprintln!(
            "no upload key is set, so nobody can upload: set RAIDCAST_UPLOAD_KEY, or `upload_key` in raidcast.toml"
        );
    }
    stopped().await.context("could not wait for signals")?;
    relay.stop().await;
    Ok(())
}

/// Resolves on SIGTERM or Ctrl-C.
async fn stopped() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
