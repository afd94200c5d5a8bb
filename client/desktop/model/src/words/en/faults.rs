//! In English: what goes wrong, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use raidcast::keys::{KeysError, SystemError};
use raidcast::os_error::{OsError, OsErrorKind};
use raidcast::pairing::PairingError;
use raidcast::post::{Failure, Wait};
use raidcast::settings::{FileFault, KeyTrouble, SettingsFault, TitleFault};
use raidcast::socket::{Address, AddressError, Certificate, Outage, WrongUrl};
use raidcast::source::{SourceError, Unreadable, Unsupported};
use raidcast::spool::SpoolError;
use raidcast::status::Why;
use raidcast::trust::TrustError;
use raidcast::uploader::record::NotSent;
use raidcast::uploader::trouble::Stall;
use raidcast::uploader::{Damage, FolderError, WatchError};
use raidcast_shared::limits::{DELAY_S_MAX, TITLE_CHARS_MAX};
use raidcast_shared::text::KeyFault;
use raidcast_shared::uplink::{RAID_DELETED, RefusedCode};

use super::{English, span, updates};
use crate::links::LinkFault;
use crate::own::OwnFault;
use crate::said::{Said, ended, quoted};
use crate::update::UpdateFault;
use crate::words::faults::Faults;

const CHECK_RELAY: &str = "Check the relay's address in the settings.";
const TELL_OPERATOR: &str = "Tell the relay's operator.";
const ASK_OPERATOR: &str = "Ask the relay's operator.";
const CHOOSE_METER: &str = "Choose the meter's database in the settings: a file like resonance-logs.db.";
const PAIR_AGAIN: &str = "Pair this computer with the relay again in the settings.";
const COPY_KEY: &str = "Copy the whole key again, without quotes or line breaks.";
const START_AGAIN: &str = "End Raidcast and start it again.";
const UPDATE: &str = "Update Raidcast.";

impl Faults for English {
    fn outage(&self, why: &Outage, was_connected: bool) -> Said {
        let check = |said: Said| said.and_if(!was_connected, CHECK_RELAY);
        match why {
            Outage::Said { text } if text == RAID_DELETED => {
                Said::new("This raid was deleted on the relay. A fight that goes on begins a new one.")
            }
            Outage::Said { text } => Said::new(format!("The relay answers: {}", ended(text, '.'))),
            Outage::Restarting => Said::new("The relay is being started again."),
            Outage::Closed { .. } => Said::new("The relay closed the connection."),
            Outage::Silent { seconds } => Said::new(format!("The relay has been silent for {}.", span(*seconds))),
            Outage::NotUnderstood { error } => {
                Said::new(format!("The relay sent something that is not understood ({}).", quoted(error))).and(UPDATE)
            }
            Outage::Cut => Said::new("The connection was cut."),
            Outage::NoAnswer { at, seconds } => {
                check(Said::new(format!("{} gave no answer for {}.", place(at), span(*seconds))))
            }
            Outage::HungUp { at } => {
                let other = if at.tls { "http://" } else { "https://" };
                let remedy = format!("Check the relay's address in the settings: it may begin with {other}.");
                Said::new(format!("{} hung up without an answer.", place(at))).and_if(!was_connected, remedy)
            }
            Outage::KeyForgotten => Said::new("The relay does not know this computer's key any more.")
                .and("If it stays so, pair this computer again in the settings, or ask the relay's operator."),
            Outage::Crowded { at } => {
                Said::new(format!("A server before the relay ({}) lets through only so much at a time.", place(at)))
            }
            Outage::Proxy { at, status } => Said::new(format!(
                "A server before the relay ({}) does not let Raidcast through (HTTP {status}).",
                place(at)
            ))
            .and(ASK_OPERATOR),
            Outage::BehindProxy { at, status } => Said::new(format!(
                "A server at {} answers, but not the relay behind it (HTTP {status}). It may be starting.",
                place(at)
            )),
            Outage::NoRelay { at, .. } => check(Said::new(format!("There is no Raidcast relay at {}.", place(at)))),
            Outage::Unexpected { at, status } => {
                check(Said::new(format!("{} answers as no Raidcast relay does (HTTP {status}).", place(at))))
            }
            Outage::Moved { at, to: Some(to) } => {
                let to = quoted(to);
                Said::new(format!("{} sends everybody on to {to}.", place(at)))
                    .and(format!("If you trust that one, make {to} the relay's address in the settings."))
            }
            Outage::Moved { at, to: None } => {
                Said::new(format!("{} sends everybody on to another address.", place(at))).and(CHECK_RELAY)
            }
            Outage::NotWebSocket { at } => {
                check(Said::new(format!("What answers at {} is no Raidcast relay.", place(at))))
            }
            Outage::SpeaksHttps => Said::new("This relay speaks https, not http.")
                .and("Let the relay's address in the settings begin with https://."),
            Outage::SpeaksHttp => Said::new("This relay speaks http, not https.")
                .and("Let the relay's address in the settings begin with http://."),
            Outage::NotListening { at } => Said::new(format!("Nothing answers at {}.", place(at)))
                .and(if was_connected { "See whether the relay is running." } else { CHECK_RELAY }),
            Outage::NothingThere { at } => check(Said::new(format!("Nothing answers at {}.", place(at)))),
            Outage::Unreachable { at } => {
                Said::new(format!("{} cannot be reached.", place(at))).and("Check this computer's network.")
            }
            Outage::UnknownHost { host } => Said::new(format!("No computer called {} is known.", quoted(host)))
                .and(if was_connected { "Check this computer's network." } else { CHECK_RELAY }),
            Outage::Certificate { at, why } => certificate(*why, &place(at)),
            Outage::NoCommonTls { at } => Said::new(format!(
                "{} does not agree to a secure connection as Raidcast needs it (TLS 1.2 or 1.3).",
                place(at)
            ))
            .and(TELL_OPERATOR),
            Outage::Insecure { at } => {
                Said::new(format!("No secure connection to {} is possible.", place(at))).and(TELL_OPERATOR)
            }
            Outage::Os { at, error } => {
                Said::new(format!("The connection to {} failed: {}", place(at), ended(&error.text, '.')))
            }
            Outage::Failed { at, text } => {
                Said::new(format!("The connection to {} failed: {}", place(at), ended(text, '.')))
            }
        }
    }

    fn nowhere(&self, looked: &[PathBuf], wine: bool) -> Said {
        let wine = if wine { ", also in folders of Wine and Proton" } else { "" };
        let places = match looked.len() {
            0 => String::new(),
            1 => format!(" One place was looked at{wine}."),
            n => format!(" {n} places were looked at{wine}."),
        };
        Said::new(format!("No meter's database was found.{places}"))
            .and("Start the meter once, or choose its database in the settings.")
    }

    fn silent(&self, path: Option<&Path>) -> Said {
        let what = path.map_or_else(
            || "Not all folders in which meters keep their databases".to_owned(),
            |path| path.display().to_string(),
        );
        Said::new(format!("{what} could not be looked at: the disk does not answer."))
            .and("See whether a network drive is away, or choose the meter's database in the settings.")
    }

    fn source(&self, error: &SourceError) -> Said {
        match error {
            SourceError::Gone { path } => {
                Said::new(format!("{} is not there. It is read as soon as the meter writes it.", path.display()))
                    .and("Start the meter, or choose another database in the settings.")
            }
            SourceError::Empty { path } => Said::new(format!(
                "{} has no tables yet. It is read as soon as the meter has made them.",
                path.display()
            ))
            .and("Start the meter."),
            SourceError::Locked { path } => {
                Said::new(format!("{} is held by another program. It is tried again.", path.display()))
            }
            SourceError::Unsupported { path, why } => unsupported(*why, path),
            SourceError::Upgraded { path } => {
                Said::new(format!("Another version of the meter has changed {}. It is read anew.", path.display()))
            }
            SourceError::Unreadable { why, .. } => self.unreadable(*why),
            SourceError::Damaged { path } => Said::new(format!("The database {} is damaged.", path.display()))
                .and("Start the meter: it may mend it. If it does not, choose an older copy in the settings."),
            SourceError::Database { path, text, .. } => {
                Said::new(format!("{} cannot be read: {}", path.display(), ended(text, '.')))
            }
        }
    }

    fn unreadable(&self, why: Unreadable) -> Said {
        match why {
            Unreadable::NoSummary => Said::new("The meter has left no summary of this fight, so it cannot be sent."),
            Unreadable::TooLarge { bytes, at_most } => Said::new(format!(
                "The meter's summary of this fight has {bytes} bytes, and at most {at_most} are read."
            )),
            Unreadable::NotPacked => Said::new("The meter's summary of this fight is damaged, so it cannot be sent."),
            Unreadable::TooLong { at_most } => {
                Said::new(format!("The meter's summary of this fight is longer than {at_most} bytes."))
            }
            Unreadable::UnknownLayout => Said::new(
                "Another version of the meter wrote this fight, in a way that this version of Raidcast does not know.",
            )
            .and(UPDATE),
        }
    }

    fn stall(&self, why: &Stall) -> Said {
        match why {
            Stall::Deleted { dir } => Said::new(format!(
                "The folder {} was deleted while it was in use. Nothing is lost: the meter keeps its fights.",
                dir.display()
            ))
            .and(START_AGAIN),
            Stall::Unwritable { dir, error } => Said::new(format!(
                "Nothing can be written to {} ({}). Nothing is lost: the meter keeps its fights.",
                dir.display(),
                quoted(&error.text)
            ))
            .and(match error.kind {
                OsErrorKind::PermissionDenied | OsErrorKind::ReadOnly => "Let your user write to that folder.",
                OsErrorKind::NoRoom | OsErrorKind::Other => "Make room on that disk.",
            }),
            Stall::SpoolLost { path } => Said::new(format!(
                "{} was deleted while it was in use. Nothing is lost: its fight is read again from the meter.",
                path.display()
            ))
            .and(START_AGAIN),
        }
    }

    fn folder(&self, error: &FolderError) -> Said {
        match error {
            FolderError::InUse { process, .. } => {
                let who = process.map(|id| format!(" (process {id})")).unwrap_or_default();
                Said::new(format!("Another Raidcast{who} does the work on this computer."))
                    .and("End that one, if this one is to do it.")
            }
            FolderError::Deleted { dir } => {
                Said::new(format!("The folder {} was deleted while it was in use.", dir.display())).and(START_AGAIN)
            }
            FolderError::Io { path, error } => {
                Said::new(format!("{} cannot be used ({}).", path.display(), told(error)))
                    .and("Let your user read and write it, and see that the disk has room.")
            }
            FolderError::Newer { dir, by } => {
                let by = if by.is_empty() { String::new() } else { format!(" ({})", quoted(by)) };
                Said::new(format!(
                    "A newer Raidcast{by} has used the folder {}. Nothing in it was changed.",
                    dir.display()
                ))
                .and("Use the newer one, or update this one.")
            }
            FolderError::Damaged { path, why } => {
                let why = match why {
                    Damage::Json(error) => quoted(&error.to_string()),
                    Damage::Secret => "its secret is not what Raidcast wrote".to_owned(),
                };
                Said::new(format!("{} is damaged ({why}).", path.display()))
                    .and("Move that file elsewhere and start Raidcast again: it reads again what was not sent.")
            }
        }
    }

    fn spool(&self, error: &SpoolError) -> Said {
        match error {
            SpoolError::Io { path, error } => {
                Said::new(format!("{} cannot be used ({}).", path.display(), told(error)))
                    .and("If it stays so, move that file elsewhere: its fight is read again from the meter.")
            }
            SpoolError::Lost { path } => {
                Said::new(format!("{} was deleted and cannot be read any more.", path.display())).and(START_AGAIN)
            }
            SpoolError::Damaged { path } => Said::new(format!("{} is damaged.", path.display()))
                .and("Move that file elsewhere: its fight is read again from the meter."),
        }
    }

    fn address(&self, error: &AddressError) -> Said {
        const LIKE: &str = "Give an address like https://raidcast.example, or the link of an invitation.";
        let (url, why) = match error {
            AddressError::Key => return Said::new("The key holds characters that no key has.").and(COPY_KEY),
            AddressError::Url { url, why } => (quoted(url), why),
        };
        let shown = if url.is_empty() { "This".to_owned() } else { url };
        let why = match why {
            WrongUrl::Secret => "it has a name or a key before an @".to_owned(),
            WrongUrl::NoScheme => "it has no http:// or https://".to_owned(),
            WrongUrl::Scheme(scheme) => format!("relays do not speak {}://", quoted(scheme)),
            WrongUrl::Query => "it has a ? or a # in it".to_owned(),
            WrongUrl::Host => "it has no host, or a character that no address has".to_owned(),
            WrongUrl::Port => "it has no host, or a port that there is not".to_owned(),
            WrongUrl::Page { relay, .. } => {
                return Said::new(format!("{shown} is a page of the relay."))
                    .and(format!("Give {} alone.", quoted(relay)));
            }
        };
        Said::new(format!("{shown} is no relay's address: {why}.")).and(LIKE)
    }

    fn run(&self, error: &WatchError) -> Said {
        match error {
            WatchError::Folder(error) => self.folder(error),
            WatchError::Spool(error) => self.spool(error),
            WatchError::Address(error) => self.address(error),
            WatchError::Unauthorized { .. } => {
                Said::new("The relay does not know this computer's key.").and(PAIR_AGAIN)
            }
            WatchError::Forbidden { text } => {
                Said::new(format!("This computer's key may not upload: {}", ended(text, '.'))).and(ASK_OPERATOR)
            }
            WatchError::Refused { code, text } => self.refused(*code, text),
            WatchError::NoMeter { why, .. } => self.no_database(why),
        }
    }

    fn refused(&self, code: RefusedCode, text: &str) -> Said {
        let told = Said::new(format!("The relay does not take it: {}", ended(text, '.')));
        match code {
            RefusedCode::UnknownHandle => Said::new(
                "Another Raidcast streams this fight, too. This one stands by and goes on when the other stops.",
            ),
            RefusedCode::Fenced | RefusedCode::RaidForbidden => Said::new(
                "Another Raidcast uses this raid: is there a copy of its folder? This one goes on in a raid of its own.",
            ),
            RefusedCode::Unauthorized => told.and(PAIR_AGAIN),
            RefusedCode::ProtocolUnsupported
            | RefusedCode::NotSupported
            | RefusedCode::HelloExpected
            | RefusedCode::HelloTwice
            | RefusedCode::Malformed
            | RefusedCode::FrameTooLong
            | RefusedCode::TooDeep
            | RefusedCode::TrailingBytes
            | RefusedCode::NotUtf8
            | RefusedCode::UnknownFrame
            | RefusedCode::AfterEnd
            | RefusedCode::IndexOutOfRange
            | RefusedCode::BadColumns
            | RefusedCode::BadEvent
            | RefusedCode::NumberTooLarge
            | RefusedCode::BadText
            | RefusedCode::ChecksumDiffers => told.and("Update Raidcast, or ask the relay's operator."),
            RefusedCode::LimitReached => told.and(ASK_OPERATOR),
            RefusedCode::TooFast | RefusedCode::StoreUnavailable | RefusedCode::Other => told,
        }
    }

    fn not_sent(&self, why: &NotSent) -> Said {
        match why {
            NotSent::Refused { code, text } => self.refused(*code, text),
            NotSent::NotTaken { status, text: None, .. } => {
                Said::new(format!("A server before the relay does not take this fight (HTTP {status})."))
                    .and(ASK_OPERATOR)
            }
            NotSent::NotTaken { text: Some(text), details, .. } => {
                let details =
                    if details.is_empty() { String::new() } else { format!(" ({})", quoted(&details.join("; "))) };
                Said::new(format!("The relay does not take this fight: {}{details}", ended(text, '.'))).and(UPDATE)
            }
            NotSent::NotNow { why, retry_s } => {
                let said = self.outage(why, false);
                match retry_s {
                    Some(seconds) => said.and(format!("Try it again in {}.", span(*seconds))),
                    None => said,
                }
            }
            NotSent::Nameless => {
                Said::new("Its player saw another fight begin in the same moment, and it was sent whole.")
                    .and("Upload it here.")
            }
            NotSent::Removed => Said::new("The meter has removed this fight from its database before it was read."),
            NotSent::Unreadable { why } => self.unreadable(*why),
            NotSent::Said(text) => self.as_told(text),
        }
    }

    fn why(&self, why: &Why) -> Said {
        match why {
            Why::Kept => Said::new("The relay has more of this fight from elsewhere: its report stays as it is."),
            Why::NotSent(why) => self.not_sent(why),
            Why::Queued => Said::new("Others come before it."),
            Why::Arrived { parts, of } => Said::new(format!("{parts} of {of} parts have arrived.")),
            Why::ArrivedWhole { ended: true } => Said::new("All of it has arrived. Its report is being made."),
            Why::ArrivedWhole { ended: false } => Said::new("All of it has arrived so far."),
            Why::Unanswered => Said::new("The relay has not answered yet."),
            Why::Trouble(trouble) => self.trouble(trouble),
            Why::NotRunning { history: false } => Said::new("It goes on as soon as Raidcast follows the meter again."),
            Why::NotRunning { history: true } => {
                Said::new("Its upload was not brought to its end.").and("Upload it again: nothing is sent twice.")
            }
            Why::NotPosted => Said::new("An upload of whole fights was not brought to its end.")
                .and("Upload it here: nothing is sent twice."),
        }
    }

    fn settings(&self, fault: &SettingsFault) -> Said {
        match fault {
            SettingsFault::File { path, why } => file_fault(why, path),
            SettingsFault::Unwritten { path, error } => {
                Said::new(format!("The settings in {} cannot be written ({}).", path.display(), quoted(&error.text)))
                    .and("Let your user write to that file, and see that the disk has room.")
            }
            SettingsFault::PathSigns { path } => Said::new(format!(
                "{} has a sign in it that the settings cannot hold.",
                quoted(&path.to_string_lossy())
            ))
            .and("Give the file or folder another name."),
            SettingsFault::NoRelay => Said::new("No relay is named.").and("Give the relay's address."),
            SettingsFault::NoKey => {
                Said::new("There is no key for this relay.").and("Pair this computer with it, or paste a key.")
            }
            SettingsFault::NoState => Said::new("This computer has no folder for what Raidcast remembers.")
                .and("Start Raidcast as a user who has a home folder."),
            SettingsFault::Title(TitleFault::TooLong) => {
                Said::new(format!("A title has at most {TITLE_CHARS_MAX} characters.")).and("Give a shorter one.")
            }
            SettingsFault::Title(TitleFault::Signs) => {
                Said::new("This title has a tag in it, or a sign that cannot be shown.").and("Give another one.")
            }
            SettingsFault::Key(why) => key_trouble(*why),
            SettingsFault::Delay => {
                Said::new(format!("A delay has 0 to {DELAY_S_MAX} seconds.")).and("Set it right in the settings.")
            }
            SettingsFault::Database(error) => self.source(error),
            SettingsFault::Trust(error) => self.trust(error),
            SettingsFault::Keys { file, error } => self.keys(error, file),
            SettingsFault::Address(error) => self.address(error),
        }
    }

    fn keys(&self, error: &KeysError, file: &Path) -> Said {
        match error {
            KeysError::File(error) => Said::new(format!(
                "The file of keys {} cannot be read or written ({}).",
                file.display(),
                told(error)
            ))
            .and("Let your user read and write it. If something else wrote it, move it elsewhere and pair again."),
            KeysError::System(SystemError::Gone { store }) => Said::new(format!(
                "The key for this relay was put into {store}, and that does not give it: it is locked, or somebody \
                 removed the key there."
            ))
            .and("Unlock it, or pair this computer again."),
            KeysError::System(SystemError::Silent { store }) => {
                Said::new(format!("The key for this relay is in {store}, and that did not answer within a minute."))
                    .and("See whether it waits for a password, or pair this computer again.")
            }
            KeysError::System(SystemError::Refused { store, why }) => {
                Said::new(format!("The key for this relay is in {store}, and that does not give it ({}).", quoted(why)))
                    .and("Unlock it if it is locked, or pair this computer again.")
            }
            KeysError::NoStore => Said::new(format!(
                "{} says that the key for this relay is in a key store that this build of Raidcast does not use.",
                file.display()
            ))
            .and(PAIR_AGAIN),
        }
    }

    fn trust(&self, error: &TrustError) -> Said {
        Said::new(format!("The authorities in {} cannot be used: {}", error.path.display(), ended(&error.why, '.')))
            .and("Name another file of authorities, or none.")
    }

    fn pairing(&self, error: &PairingError) -> Said {
        match error {
            PairingError::Address(error) => self.address(error),
            PairingError::Outage(why) => self.outage(why, false),
            PairingError::Unknown => Said::new("What answers at this address knows no pairing.").and(
                "Check the relay's address. An older relay takes only keys that its operator gives out: paste one.",
            ),
            PairingError::Denied => Said::new("Somebody said no on the relay's page. This computer is not paired.")
                .and("Begin again, if that was a mistake."),
            PairingError::Expired => {
                Said::new("Nobody typed the code in time. This computer is not paired.").and("Ask for another code.")
            }
            PairingError::Refused { text, retry_s } => {
                let said = Said::new(format!("The relay answers: {}", ended(text, '.')));
                match retry_s {
                    Some(seconds) => said.and(format!("Try it again in {}.", span(*seconds))),
                    None => said,
                }
            }
        }
    }

    fn key(&self, failure: &Failure) -> Said {
        match failure {
            Failure::NotTaken { status, text, .. } => match text {
                Some(text) => Said::new(format!("The relay answers: {}", ended(text, '.'))).and(CHECK_RELAY),
                None => Said::new(format!("What answers there does not take the question (HTTP {status})."))
                    .and(CHECK_RELAY),
            },
            Failure::Unauthorized { .. } => {
                Said::new("The relay does not know this key. It is not kept.").and(COPY_KEY)
            }
            Failure::Forbidden { .. } => {
                Said::new("The relay knows this key, but it may not upload. It is not kept.").and(ASK_OPERATOR)
            }
            Failure::NotNow { why, wait } => {
                let said = self.outage(why, false);
                match wait {
                    Wait::For(time) => said.and(format!("Try it again in {}.", span(time.as_secs()))),
                    Wait::Step | Wait::NextRun => said,
                }
            }
            Failure::Nowhere { why } => self.outage(why, false),
        }
    }

    fn own(&self, fault: &OwnFault) -> Said {
        match fault {
            OwnFault::Newer { path } => Said::new(format!(
                "A newer Raidcast wrote {}. It is left as it is: what you change here holds until Raidcast ends.",
                path.display()
            ))
            .and("Use the newer one, or update this one."),
            OwnFault::Damaged { path, text } => Said::new(format!(
                "{} does not hold what Raidcast wrote ({}). It is left as it is: what you change here holds until \
                 Raidcast ends.",
                path.display(),
                quoted(text)
            ))
            .and("Move that file elsewhere and start Raidcast again."),
            OwnFault::Unread { path, error } => {
                Said::new(format!("{} cannot be read ({}).", path.display(), quoted(&error.text)))
                    .and("Let your user read and write it.")
            }
            OwnFault::Unwritten { path, error } => Said::new(format!(
                "{} cannot be written ({}): what you changed holds until Raidcast ends.",
                path.display(),
                quoted(&error.text)
            ))
            .and("Let your user write to that file, and see that the disk has room."),
        }
    }

    fn update(&self, fault: &UpdateFault) -> Said {
        updates::update(fault)
    }

    fn link(&self, fault: &LinkFault) -> Said {
        match fault {
            LinkFault::Missing => Said::new("There is no link yet.").and("Wait until the relay has answered."),
            LinkFault::NoLink => Said::new("This is no link that a browser opens.").and(TELL_OPERATOR),
            LinkFault::Elsewhere { host } => Said::new(format!(
                "This link leads to {}, not to the relay whose address you gave, so it is not opened from here.",
                quoted(host)
            ))
            .and("If you trust it, copy it."),
        }
    }

    fn as_told(&self, text: &str) -> Said {
        Said::new(ended(text, '.'))
    }
}

/// Host and port, as people know them.
fn place(at: &Address) -> String {
    format!("{}:{}", quoted(&at.host), at.port)
}

/// What the system says, without its number.
fn told(error: &io::Error) -> String {
    quoted(&OsError::from(error).text)
}

fn certificate(why: Certificate, place: &str) -> Said {
    match why {
        Certificate::Expired => Said::new(format!("The certificate of {place} has expired."))
            .and("Check this computer's date, or tell the relay's operator."),
        Certificate::NotYetValid => Said::new(format!("The certificate of {place} is not valid yet."))
            .and("Check this computer's date, or tell the relay's operator."),
        Certificate::OtherName => Said::new(format!("The certificate of {place} is for another name."))
            .and("Check the relay's address in the settings, or tell the relay's operator."),
        Certificate::Revoked => Said::new(format!("The certificate of {place} was withdrawn.")).and(TELL_OPERATOR),
        Certificate::UnknownAuthority => {
            Said::new(format!("The certificate of {place} comes from an authority that is not known.")).and(
                "If it is an authority of your own, name the file with its certificate as the file of authorities. Else tell \
                 the relay's operator.",
            )
        }
        Certificate::OfAnAuthority => {
            Said::new(format!("The certificate of {place} is one of an authority, not one of a server.")).and(TELL_OPERATOR)
        }
        Certificate::Unusable => Said::new(format!("The certificate of {place} cannot be used.")).and(TELL_OPERATOR),
    }
}

fn unsupported(why: Unsupported, path: &Path) -> Said {
    let path = path.display();
    match why {
        Unsupported::Folder => Said::new(format!("{path} is a folder.")).and(CHOOSE_METER),
        Unsupported::Device => Said::new(format!("{path} is a pipe or a device.")).and(CHOOSE_METER),
        Unsupported::Forbidden => Said::new(format!("Your user may not read {path}."))
            .and("Start Raidcast as the user who runs the meter, or let this user read the file."),
        Unsupported::LogOfAnother => Said::new(format!(
            "The meter's last changes stand in the file -wal beside {path}, and your user may not use that."
        ))
        .and("Start Raidcast as the user who runs the meter."),
        Unsupported::Interrupted => {
            Said::new(format!("The meter was ended while it wrote {path}, and left a change half made."))
                .and("Start the meter once: it takes that back.")
        }
        Unsupported::UnknownTables => Said::new(format!(
            "The meter keeps its fights in {path} in a way that this version of Raidcast does not know."
        ))
        .and(UPDATE),
        Unsupported::NotSqlite => Said::new(format!("{path} is no database.")).and(CHOOSE_METER),
        Unsupported::NoTables => {
            Said::new(format!("{path} is no database of a meter that is known.")).and(CHOOSE_METER)
        }
    }
}

fn file_fault(why: &FileFault, path: &Path) -> Said {
    let path = path.display();
    match why {
        FileFault::Folder => Said::new(format!("A folder stands where the settings file belongs: {path}."))
            .and("Move that folder elsewhere."),
        FileFault::NotThere => Said::new(format!("The settings file {path} is not there.")).and("Put it back."),
        FileFault::TextFile { name } => {
            Said::new(format!("The settings file {path} is not there, but {name}.txt beside it is."))
                .and(format!("Rename {name}.txt to {name}."))
        }
        FileFault::Io(error) => {
            Said::new(format!("The settings file {path} cannot be read ({}).", quoted(&error.text)))
                .and("Let your user read it.")
        }
        FileFault::NotUtf8 => {
            Said::new(format!("The settings file {path} is no text in UTF-8.")).and("Save it as UTF-8.")
        }
        FileFault::Line { line, entry } => {
            Said::new(format!("Line {line} of the settings file {path} is not as a line with {} is.", entry.name()))
                .and("Set that line right, or remove it.")
        }
        FileFault::WindowsPath => Said::new(format!("A path in the settings file {path} stands in double quotes."))
            .and(r"Write Windows paths in single quotes, like 'C:\folder'."),
        FileFault::Choice { entry, of } => Said::new(format!(
            "In the settings file {path} the entry {} has a word that it does not know.",
            entry.name()
        ))
        .and(format!("Write one of these, in small letters: {}.", of.join(", "))),
        FileFault::KeyNotText => Said::new(format!("In the settings file {path} the key is no text."))
            .and("Write it in quotes, or remove that line and pair this computer."),
        FileFault::Toml { text } => {
            Said::new(format!("The settings file {path} cannot be read: {}", ended(text, '.'))).and("Set it right.")
        }
    }
}

fn key_trouble(why: KeyTrouble) -> Said {
    match why {
        KeyTrouble::Quoted => Said::new("The key has quotes around it.").and("Take them off."),
        KeyTrouble::Damaged => Said::new("The key is not whole, or a letter of it has changed.").and(COPY_KEY),
        KeyTrouble::Signs(KeyFault::Empty) => {
            Said::new("The key is empty.").and("Paste the key that you got for the relay.")
        }
        KeyTrouble::Signs(KeyFault::Characters) => Said::new(
            "The key holds characters that no key has: a space, a line break, or a letter that is not English.",
        )
        .and(COPY_KEY),
        KeyTrouble::Signs(KeyFault::TooLong) => Said::new("The key is longer than any key.").and(COPY_KEY),
    }
}
