//! `raidcast-relay`: reads its configuration, runs the relay until it is told to stop.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use raidcast_relay::account::FirstLink;
use raidcast_relay::clock::Clock;
use raidcast_relay::config::{self, Cli, Command, Config, MoveFlags};
use raidcast_relay::database::Database;
use raidcast_relay::derive;
use raidcast_relay::serve::Relay;
use raidcast_relay::telemetry::LogFormat;
use raidcast_relay::{check, telemetry, transfer};

/// A thousand upgrades at once leave their buffers behind; this allocator gives them back to the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // An operator's to set right, not a programmer's: what happened and what to do, no trace.
            eprintln!("raidcast-relay: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let flags = match cli.command {
        Some(Command::Serve(flags)) => flags,
        Some(Command::Move(flags)) => {
            telemetry::init(LogFormat::default());
            return move_all(flags).await;
        }
        Some(Command::Derive(flags)) => {
            let config = Config::load(flags.into(), |name| std::env::var_os(name))?;
            telemetry::init(config.log_format);
            return derive_again(&config.database()).await;
        }
        Some(Command::Config(flags)) => {
            let (config, sources) = Config::told(flags, |name| std::env::var_os(name))?;
            print!("{}", config::shown(&config, &sources));
            return Ok(());
        }
        Some(Command::Check(flags)) => {
            let configured = Config::told(flags, |name| std::env::var_os(name));
            let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
            let environment: Vec<_> = std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
            let found = check::check(configured, &environment, &Clock::system()).await;
            print!("{found}");
            let wrong = found.wrong_count();
            anyhow::ensure!(wrong == 0, "set right what is wrong ({wrong}), and check again");
            return Ok(());
        }
        None => cli.serve,
    };
    let config = Config::load(flags, |name| std::env::var_os(name))?;
    telemetry::init(config.log_format);
    let relay = Relay::start(&config).await?;
    let addrs: Vec<_> = relay.addrs().iter().map(|addr| format!("{}://{addr}", relay.scheme())).collect();
    println!("raidcast-relay listens on {}", addrs.join(" and "));
    if let Some(addr) = relay.metrics_addr() {
        println!("metrics are on http://{addr}/metrics");
    }
    if let Some(FirstLink { url, is_first }) = relay.first_link() {
        println!(
            "{} Whoever opens this link first becomes one:",
            match is_first {
                true => "This relay has no administrator yet.",
                false => "No administrator of this relay can sign in any more: their providers are set no more.",
            }
        );
        println!("  {url}");
    }
    if !relay.has_keys() {
        eprintln!(
            "Nobody can upload yet: sign in and make a key, or set RAIDCAST_UPLOAD_KEY, or `upload_key` in raidcast.toml."
        );
    }
    stopped().await?;
    relay.stop().await;
    Ok(())
}

/// Moves everything, or nothing if it is interrupted.
async fn move_all(MoveFlags { from, to }: MoveFlags) -> anyhow::Result<()> {
    println!("Moving {from} to {to}");
    let moving = transfer::transfer(&from, &to, |table, sum| println!("  {:>9} {}", sum.rows, table.name()));
    tokio::select! {
        moved = moving => moved?,
        stopped = stopped() => {
            stopped?;
            anyhow::bail!("it was interrupted, and nothing was moved");
        }
    };
    println!("Moved. Everything was read back from {to} and is the same.");
    println!("Now start the relay with the same --data folder and with --database-url {to}. {from} stays as it was.");
    Ok(())
}

/// Derives everything anew.
async fn derive_again(database: &Database) -> anyhow::Result<()> {
    if database.is_missing() {
        anyhow::bail!("there is no database {database}: check --data or --database-url");
    }
    println!("Deriving all of {database} from its logs");
    let store = database.open().await?;
    let rebuilding = derive::rebuild(Arc::clone(&store), |done, all| {
        if done % 1_000 == 0 {
            println!("  {done} of {all} reports");
        }
    });
    let rebuilt = tokio::select! {
        rebuilt = rebuilding => rebuilt,
        stopped = stopped() => {
            stopped?;
            store.close().await?;
            anyhow::bail!("it was interrupted: the relay makes the rest when it is started");
        }
    };
    let closed = store.close().await;
    let derive::Rebuilt { all, derived, failed } = rebuilt?;
    closed?;
    println!("Derived: {derived} {}.", if derived == 1 { "report" } else { "reports" });
    for why in &failed {
        eprintln!("Not derived: {why}");
    }
    anyhow::ensure!(derived == all, "{} reports could not be derived: the relay tries them again", all - derived);
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
