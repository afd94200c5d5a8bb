//! `raidcast login` and `raidcast logout`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::common::{USAGE, print_error, print_line, printed, settings_file};
use super::words;
use crate::keys::{Kept, Keys};
use crate::pairing::{Invitation, Paired, Pairing, PairingError};
use crate::settings::{self, Home};
use crate::socket::RelayAddress;

/// The longest name of a computer that relays take, characters.
const NAME_CHARS_MAX: usize = 64;

/// Flags of `login`.
#[derive(Clone, Debug, Args)]
pub struct LoginFlags {
    /// The relay's address, like `https://raidcast.example`
    #[arg(value_name = "URL", env = "RAIDCAST_RELAY")]
    relay: String,
    /// What your account page calls this computer [default: raidcast on its name]
    #[arg(long, value_name = "NAME", value_parser = computer_name)]
    name: Option<String>,
    /// Authorities that vouch for the relay beside those that browsers know: a PEM file [default: `ca` of the settings
    /// file]
    #[arg(long, value_name = "FILE", env = "RAIDCAST_CA")]
    ca: Option<PathBuf>,
}

/// Flags of `logout`.
#[derive(Clone, Debug, Args)]
pub struct LogoutFlags {
    /// The relay's address
    #[arg(value_name = "URL", env = "RAIDCAST_RELAY")]
    relay: String,
}

/// A name that relays take.
fn computer_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        1..=NAME_CHARS_MAX => Ok(text.to_owned()),
        _ => Err(format!("a name has 1 to {NAME_CHARS_MAX} characters")),
    }
}

fn refuse(text: &str) -> ExitCode {
    print_error(false, "settings", text);
    ExitCode::from(USAGE)
}

fn home() -> Result<Home, ExitCode> {
    Home::of_this_user().ok_or_else(|| refuse("There is no folder for settings on this computer: set HOME."))
}

/// Pairs this computer with a relay.
pub(super) async fn login(flags: LoginFlags) -> ExitCode {
    if let Err(error) = RelayAddress::check(&flags.relay) {
        return refuse(&words::address_error(&error));
    }
    let home = match home() {
        Ok(home) => home,
        Err(code) => return code,
    };
    let mut keys = Keys::at(home.keys.clone());
    // Before anybody types a code: a key that cannot be kept is good for nothing.
    let silent = match keys.check(&flags.relay) {
        Ok(silent) => silent,
        Err(error) => return refuse(&words::keys_error(&error, keys.path())),
    };
    let named = flags.ca.map_or_else(|| settings_file(None, Some(&home)).map(|file| file.ca), |ca| Ok(Some(ca)));
    let trust = match named.and_then(|ca| settings::trust(ca.as_deref())) {
        Ok(trust) => trust,
        Err(fault) => return refuse(&words::settings_fault(&fault, Some(&home))),
    };
    let name = flags.name.unwrap_or_else(|| {
        let machine = settings::machine_name().unwrap_or_else(|| "this computer".to_owned());
        format!("raidcast on {machine}")
    });
    let (pairing, Invitation { page, code, minutes }) = match Pairing::begin(&flags.relay, name.trim(), trust).await {
        Ok(begun) => begun,
        Err(error) => return failed(&error),
    };
    let told = print_line(&format!(
        "Open this page in a browser, sign in, and type the code:\n\n  {page}\n  {code}\n\nThe code is good for \
         {minutes} minutes. Type no code there that somebody sent you. Waiting …"
    ));
    if told.is_err() {
        return printed(told);
    }
    let Paired { key, name } = match pairing.wait().await {
        Ok(paired) => paired,
        Err(error) => return failed(&error),
    };
    let kept = match keys.keep(&flags.relay, &key) {
        Ok(kept) => kept,
        Err(error) => {
            let why = words::keys_error(&error, keys.path());
            let text = format!("{why} So the key is not kept. Revoke it on your account page, and log in again.");
            print_error(false, "settings", &text);
            return ExitCode::FAILURE;
        }
    };
    let place = match kept {
        Kept::InSystem { store } => format!("Its key is in {store}."),
        Kept::InFile { instead_of } => {
            let why = instead_of.or(silent).map_or_else(String::new, |error| {
                format!(" It is not in the system's key store, because that does not take it ({error}).")
            });
            let only = if cfg!(unix) { " Only you can read this file." } else { "" };
            format!("Its key is in {}.{only}{why}", keys.path().display())
        }
    };
    let told = print_line(&format!("This computer is paired with {name}. {place}\nNow run: raidcast watch"));
    printed(told)
}

fn failed(error: &PairingError) -> ExitCode {
    print_error(false, "login", &words::pairing_error(error));
    ExitCode::from(if matches!(error, PairingError::Address(_)) { USAGE } else { 1 })
}

/// Forgets the key for a relay.
pub(super) fn logout(flags: &LogoutFlags) -> ExitCode {
    if let Err(error) = RelayAddress::check(&flags.relay) {
        return refuse(&words::address_error(&error));
    }
    let keys = match home() {
        Ok(home) => Keys::at(home.keys),
        Err(code) => return code,
    };
    match keys.forget(&flags.relay) {
        Ok(true) => {
            let told = print_line(
                "This computer has forgotten its key. Revoke the key on your account page, too: a copy of it would still \
                 work.",
            );
            printed(told)
        }
        Ok(false) => {
            let told = print_line("There is no key for this relay on this computer.");
            printed(told)
        }
        Err(error) => refuse(&words::keys_error(&error, keys.path())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_computer_has_a_name_that_relays_take() {
        assert_eq!(computer_name(" desk "), Ok("desk".to_owned()));
        for wrong in ["", " ", &"x".repeat(65)] {
            assert_eq!(computer_name(wrong), Err("a name has 1 to 64 characters".to_owned()));
        }
    }
}
