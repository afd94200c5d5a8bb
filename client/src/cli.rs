//! The command line: flags to options, changes to lines, results to exit statuses. All that people read is made here:
//! the library tells codes and facts.

mod common;
mod date;
mod json;
mod key_place;
mod login;
mod printer;
mod shown;
mod status;
mod upload;
mod watch;
pub mod words;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

pub use printer::Log;

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "raidcast", version, about = "Shows your raid's fights live to everybody who has the link")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the client can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// First, once: pair this computer with a relay. It shows a code, and you type that into a page of the relay
    Login(login::LoginFlags),
    /// Follow the meter and show its fights live. Ctrl-C ends it
    Watch(watch::WatchFlags),
    /// Send the finished fights that the meter has kept. It asks first, and sends no fight twice
    Upload(upload::UploadFlags),
    /// Forget the key for a relay
    Logout(login::LogoutFlags),
    /// Say which fights were sent, which wait, and why
    Status(status::StatusFlags),
}

/// What the environment may set.
const VARIABLES: [&str; 2] = ["RAIDCAST_KEY", "RAIDCAST_RELAY"];

/// Says what is wrong with a command line, or shows the help that was asked for; what clap takes for an argument may
/// stand in the environment.
pub fn unparsed(error: &clap::Error) -> ExitCode {
    let is_odd = |name: &&&str| std::env::var_os(name).is_some_and(|value| value.to_str().is_none());
    if error.kind() == ErrorKind::InvalidUtf8
        && let Some(name) = VARIABLES.iter().find(is_odd)
    {
        common::print_error(
            false,
            "settings",
            &format!("{name} is not text (UTF-8). Copy it again and set {name} to it."),
        );
        return ExitCode::from(common::USAGE);
    }
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(common::USAGE))
}

/// Runs the command; status 0 if all went well, 1 if something is left to do, 2 if a setting is wrong, 3 if an upload
/// was not agreed to.
pub async fn run(cli: Cli) -> ExitCode {
    match cli.command {
        Command::Watch(flags) => watch::run(flags).await,
        Command::Upload(flags) => upload::run(flags).await,
        Command::Login(flags) => login::login(flags).await,
        Command::Logout(flags) => login::logout(&flags),
        Command::Status(flags) => status::run(flags),
    }
}
