//! In English: why there is no update, or why it is not installed.

use crate::said::{Said, ended, quoted};
use crate::update::UpdateFault;

const LATER: &str = "Look again later.";
const BY_HAND: &str = "Get the newest version where you got this one.";
const TELL: &str = "Nothing was changed. Tell who keeps that address.";

pub(super) fn update(fault: &UpdateFault) -> Said {
    match fault {
        UpdateFault::NoKey => {
            Said::new("Updates are not set up: this build of Raidcast does not know whose to trust.").and(BY_HAND)
        }
        UpdateFault::Address { url } => {
            Said::new(format!("“{}” is no address where updates can be looked for.", quoted(url)))
                .and("Give one in the settings that begins with https://, or none.")
        }
        UpdateFault::Insecure { at } => Said::new(format!(
            "Updates are taken over https alone, and the address of {} is none of https.",
            quoted(at)
        ))
        .and("Give one in the settings that begins with https://, or none."),
        UpdateFault::Unreachable { at, why } => {
            Said::new(format!("No update can be had from {}: {}", quoted(at), ended(why, '.'))).and(LATER)
        }
        UpdateFault::Moved { at } => {
            Said::new(format!("{} sends everybody on, too often or to where updates are not taken from.", quoted(at)))
                .and(TELL)
        }
        UpdateFault::Status { at, status } => {
            Said::new(format!("{} does not give the update (HTTP {status}).", quoted(at))).and(LATER)
        }
        UpdateFault::TooLarge { at, mib } => {
            Said::new(format!("{} sends more than an update has ({mib} MiB).", quoted(at))).and(TELL)
        }
        UpdateFault::NoPackage { version } => {
            Said::new(format!("Raidcast {} is there, and not for a computer like this one.", quoted(version)))
                .and("Nothing is to be done.")
        }
        UpdateFault::ByHand { version } => Said::new(format!(
            "Raidcast {} is there. This copy does not update itself, because no installer put it here.",
            quoted(version)
        ))
        .and(BY_HAND),
        UpdateFault::Tampered { at } => Said::new(format!(
            "What {} sent was not made by Raidcast's project, or was damaged on its way.",
            quoted(at)
        ))
        .and(TELL),
        UpdateFault::OtherVersion { version, signed: Some(signed) } => {
            Said::new(format!("What was offered as Raidcast {} is Raidcast {}.", quoted(version), quoted(signed)))
                .and(TELL)
        }
        UpdateFault::OtherVersion { version, signed: None } => {
            Said::new(format!("What was offered as Raidcast {} does not say which version it is.", quoted(version)))
                .and(TELL)
        }
        UpdateFault::NotOffered => Said::new("There is no update to be installed now.").and("Look for updates first."),
        UpdateFault::InFight => {
            Said::new("No update is installed while a fight is live, or old fights are being uploaded.")
                .and("It can be installed when that is over.")
        }
        UpdateFault::Busy => Said::new("An update is being looked for or installed already.").and("Wait for that one."),
        UpdateFault::NotInstalled { why } => Said::new(format!("The update was not installed: {}", ended(why, '.')))
            .and("This version goes on. Try again."),
    }
}
