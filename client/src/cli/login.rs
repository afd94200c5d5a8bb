//! `raidcast login` and `raidcast logout`.

use std::process::ExitCode;

use clap::Args;

use super::common::{USAGE, print_error, print_line};
use super::settings;
use super::words;
use crate::keys::{KeyFile, KeyStore as _};
use crate::pairing::{Invitation, Paired, Pairing, PairingError};
use crate::socket::RelayAddress;

/// Flags of `login`.
#[derive(Clone, Debug, Args)]
pub struct LoginFlags {
    /// The relay's address, like `https://raidcast.example`
    #[arg(value_name = "URL", env = "RAIDCAST_RELAY")]
    relay: String,
    /// What your account page calls this computer [default: raidcast on its name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// Flags of `logout`.
#[derive(Clone, Debug, Args)]
pub struct LogoutFlags {
    /// The relay's address
    #[arg(value_name = "URL", env = "RAIDCAST_RELAY")]
    relay: String,
}

fn refuse(text: &str) -> ExitCode {
    print_error(false, "settings", text);
    ExitCode::from(USAGE)
}

fn keys() -> Result<KeyFile, ExitCode> {
    settings::key_file().ok_or_else(|| refuse("There is no folder for settings on this computer: set HOME."))
}

/// Pairs this computer with a relay.
pub(super) async fn login(flags: LoginFlags) -> ExitCode {
    let file = match keys() {
        Ok(file) => file,
        Err(code) => return code,
    };
    let name = flags.name.unwrap_or_else(|| format!("raidcast on {}", settings::machine_name()));
    let (pairing, Invitation { page, code, minutes }) = match Pairing::begin(&flags.relay, name.trim()).await {
        Ok(begun) => begun,
        Err(error) => return failed(&error),
    };
    let told = print_line(&format!(
        "Open this page in a browser, sign in, and type the code:\n\n  {page}\n  {code}\n\nThe code is good for \
         {minutes} minutes. Type no code there that somebody sent you. Waiting …"
    ));
    if told.is_err() {
        return ExitCode::FAILURE;
    }
    let Paired { key, name } = match pairing.wait().await {
        Ok(paired) => paired,
        Err(error) => return failed(&error),
    };
    if let Err(error) = file.keep(&flags.relay, Some(&key)) {
        let path = file.path().display();
        print_error(
            false,
            "settings",
            &format!(
                "The key cannot be kept in {path} ({}). Revoke it on your account page, set that right, and log in \
                 again.",
                words::told(&error)
            ),
        );
        return ExitCode::FAILURE;
    }
    let only = if cfg!(unix) { " Only you can read this file." } else { "" };
    let told = print_line(&format!(
        "This computer is paired with {name}. Its key is in {}.{only}\nNow run: raidcast watch",
        file.path().display()
    ));
    ExitCode::from(u8::from(told.is_err()))
}

fn failed(error: &PairingError) -> ExitCode {
    print_error(false, "login", &words::pairing_error(error));
    ExitCode::from(if matches!(error, PairingError::Address(_)) { USAGE } else { 1 })
}

/// Forgets the key for a relay.
pub(super) fn logout(flags: &LogoutFlags) -> ExitCode {
    if let Err(error) = RelayAddress::new(&flags.relay, "") {
        return refuse(&words::address_error(&error));
    }
    let file = match keys() {
        Ok(file) => file,
        Err(code) => return code,
    };
    match file.keep(&flags.relay, None) {
        Ok(true) => {
            let told = print_line(
                "This computer has forgotten its key. Revoke the key on your account page, too: a copy of it would still \
                 work.",
            );
            ExitCode::from(u8::from(told.is_err()))
        }
        Ok(false) => {
            let told = print_line("There is no key for this relay on this computer.");
            ExitCode::from(u8::from(told.is_err()))
        }
        Err(error) => {
            refuse(&format!("{} cannot be read or written ({}).", file.path().display(), words::told(&error)))
        }
    }
}
