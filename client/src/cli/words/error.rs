//! In words: why a command ended before its time.

use std::time::Duration;

use super::folder::{folder_error, spool_error};
use super::keys::check_key;
use super::meter::given_up_database;
use super::relay::address_error;
use super::text::sentence;
use crate::cli::key_place::KeyPlace;
use crate::history::PlanError;
use crate::uploader::WatchError;

/// Why a command ended before its time; `key`: where its key stands.
pub(in crate::cli) fn ended(error: &WatchError, key: &KeyPlace) -> String {
    match error {
        WatchError::Unauthorized { .. } => format!("{} {}", watch_error(error), check_key(key)),
        error => watch_error(error),
    }
}

/// Why the client ended.
pub fn watch_error(error: &WatchError) -> String {
    match error {
        WatchError::Folder(error) => folder_error(error),
        WatchError::Spool(error) => spool_error(error),
        WatchError::Address(error) => address_error(error),
        WatchError::Unauthorized { .. } => "The relay does not know this key.".to_owned(),
        WatchError::Forbidden { text } => {
            // What to do about it the relay says itself.
            format!("This key may not upload: {}", sentence(text))
        }
        WatchError::Refused { text, .. } => format!("The relay does not take this raid: {text}"),
        // Before it is given up it is said otherwise: that it is tried again.
        WatchError::NoMeter { after, why } if after.as_secs() == 0 => given_up_database(why),
        WatchError::NoMeter { after, why } => format!("{} ({})", given_up_database(why), given_up(*after)),
    }
}

/// That a database was waited for in vain.
pub(in crate::cli) fn given_up(after: Duration) -> String {
    format!("Gave up after {} s.", after.as_secs())
}

/// Why there is nothing to plan an upload of.
pub(in crate::cli) fn no_plan(error: &PlanError) -> String {
    match error {
        PlanError::Database(why) => given_up_database(why),
        PlanError::Folder(error) => folder_error(error),
    }
}
