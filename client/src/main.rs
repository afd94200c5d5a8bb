//! `raidcast`: the uploader's command line.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use raidcast::cli::{self, Cli, Log};
use tracing_subscriber::EnvFilter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return cli::unparsed(&error),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let log = Log::start();
    let writer = log.clone();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(move || writer.clone()).init();
    // A task of its own: to wake up the future that a runtime blocks on costs a write and another turn of its loop.
    let ended = tokio::spawn(cli::run(cli)).await;
    log.close();
    match ended {
        Ok(code) => code,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
