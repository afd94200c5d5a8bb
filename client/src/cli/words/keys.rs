//! What is said of keys that cannot be read or kept, and of authorities.

use std::io::ErrorKind;
use std::path::Path;

use super::text::{sentence, told, without_number};
use crate::cli::key_place::KeyPlace;
use crate::keys::{KeysError, SystemError};
use crate::trust::TrustError;

/// Why a file of authorities is of no use.
pub(super) fn trust_error(error: &TrustError) -> String {
    let TrustError { path, why } = error;
    format!(
        "The file of authorities {} (--ca, RAIDCAST_CA, or ca in the settings file) cannot be used: {}",
        path.display(),
        sentence(&without_number(why))
    )
}

/// Where to set a key right that the relay does not know.
pub(super) fn check_key(place: &KeyPlace) -> String {
    match place {
        KeyPlace::Variable => "Check RAIDCAST_KEY.".to_owned(),
        KeyPlace::Flag => "Check --key.".to_owned(),
        KeyPlace::Paired { relay } => format!("Pair this computer again: raidcast login {relay}"),
        KeyPlace::File { path } => format!("Check key = \"…\" in {}.", path.display()),
    }
}

/// Why, and what to do.
pub(in crate::cli) fn keys_error(error: &KeysError, file: &Path) -> String {
    let file = file.display();
    match error {
        KeysError::File(error) if error.kind() == ErrorKind::InvalidData => {
            format!("{file} is damaged: {}. Delete it, and pair this computer again: raidcast login URL", told(error))
        }
        KeysError::File(error) => format!("{file} cannot be read or written ({}).", told(error)),
        KeysError::System(SystemError::Gone { store }) => format!(
            "The key for this relay was put into {store}, and that does not give it: it is locked, or somebody removed \
             the key there. Unlock it, or run: raidcast login URL"
        ),
        KeysError::System(SystemError::Silent { store }) => format!(
            "The key for this relay is in {store}, and that did not answer within a minute. See whether it waits for a \
             password, or run: raidcast login URL"
        ),
        KeysError::System(SystemError::Refused { store, why }) => {
            format!(
                "The key for this relay is in {store}, and that does not answer ({why}). Set that right, or run: raidcast login URL"
            )
        }
        KeysError::NoStore => format!(
            "{file} says that the key for this relay is in the system's key store, which this build of raidcast does not \
             use. Run: raidcast login URL"
        ),
    }
}
