//! What each language says of the library's codes and facts.
//!
//! One invariant: a reason is told in the same words wherever it shows. Each method goes through all that there is of
//! its kind, so that a new reason does not compile without words.

use std::path::{Path, PathBuf};

use raidcast::history::PlanError;
use raidcast::keys::KeysError;
use raidcast::pairing::PairingError;
use raidcast::post::Failure;
use raidcast::settings::SettingsFault;
use raidcast::socket::{AddressError, Outage};
use raidcast::source::{NoDatabase, SourceError, Unreadable};
use raidcast::spool::SpoolError;
use raidcast::status::Why;
use raidcast::trust::TrustError;
use raidcast::uploader::record::NotSent;
use raidcast::uploader::trouble::{Stall, Trouble};
use raidcast::uploader::{FolderError, WatchError};
use raidcast_shared::uplink::RefusedCode;

use crate::links::LinkFault;
use crate::own::OwnFault;
use crate::said::Said;
use crate::update::UpdateFault;

/// What a language says of what goes wrong.
pub trait Faults {
    /// Why there is no connection to the relay. `was_connected`: there was one in this run, so the address is right.
    fn outage(&self, why: &Outage, was_connected: bool) -> Said;

    /// That no meter's database was found; `looked`: where it was looked for; `wine`: in folders of Wine and Proton,
    /// too.
    fn nowhere(&self, looked: &[PathBuf], wine: bool) -> Said;

    /// Why a database cannot be read now.
    fn source(&self, error: &SourceError) -> Said;

    /// Why a fight cannot be read.
    fn unreadable(&self, why: Unreadable) -> Said;

    /// Why nothing can be written to the state folder.
    fn stall(&self, why: &Stall) -> Said;

    /// Why the state folder cannot be used.
    fn folder(&self, error: &FolderError) -> Said;

    /// Why a fight's log in it cannot be opened.
    fn spool(&self, error: &SpoolError) -> Said;

    /// Why an address or a key cannot be used.
    fn address(&self, error: &AddressError) -> Said;

    /// Why a run came to an end.
    fn run(&self, error: &WatchError) -> Said;

    /// Why the relay does not take something; `text`: in its own words.
    fn refused(&self, code: RefusedCode, text: &str) -> Said;

    /// Why a fight is not on the relay.
    fn not_sent(&self, why: &NotSent) -> Said;

    /// Why a fight stands where it does.
    fn why(&self, why: &Why) -> Said;

    /// What is missing in the settings, or wrong with them.
    fn settings(&self, fault: &SettingsFault) -> Said;

    /// Why a key cannot be read or kept; `file`: what names keys.
    fn keys(&self, error: &KeysError, file: &Path) -> Said;

    /// Why a file of authorities is of no use.
    fn trust(&self, error: &TrustError) -> Said;

    /// Why this computer is not paired with a relay.
    fn pairing(&self, error: &PairingError) -> Said;

    /// Why a key that somebody pasted is not kept.
    fn key(&self, failure: &Failure) -> Said;

    /// Why `desktop.json` is not read or written.
    fn own(&self, fault: &OwnFault) -> Said;

    /// Why a link is not opened.
    fn link(&self, fault: &LinkFault) -> Said;

    /// Why there is no update, or why it is not installed.
    fn update(&self, fault: &UpdateFault) -> Said;

    /// What an earlier version of the library said in words, or the system.
    fn as_told(&self, text: &str) -> Said;

    /// Why no database is read.
    fn no_database(&self, why: &NoDatabase) -> Said {
        match why {
            NoDatabase::Nowhere { looked, wine } => self.nowhere(looked, *wine),
            NoDatabase::Unread(error) => self.source(error),
        }
    }

    /// Why the meter's fights cannot be listed or planned.
    fn plan(&self, error: &PlanError) -> Said {
        match error {
            PlanError::Database(why) => self.no_database(why),
            PlanError::Folder(error) => self.folder(error),
        }
    }

    /// What keeps a client from its work.
    fn trouble(&self, trouble: &Trouble) -> Said {
        match trouble {
            Trouble::Stalled { why } => self.stall(why),
            Trouble::NotConnected { why, was_connected } => self.outage(why, *was_connected),
            Trouble::NoDatabase { why } => self.no_database(why),
            Trouble::Said(text) => self.as_told(text),
        }
    }
}
