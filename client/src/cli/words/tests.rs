//! Each reason, and the sentence that people read of it.

use std::io;
use std::path::Path;
use std::time::Duration;

use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::uplink::{NamesPolicy, Outcome, RefusedCode, RefusedScope, ReportState, Visibility};

use super::super::json;
use super::*;
use crate::cli::key_place::KeyPlace;
use crate::history::PlanError;
use crate::os_error::{OsError, OsErrorKind};
use crate::socket::{Address, AddressError, Certificate, Outage, WrongUrl};
use crate::source::{NoDatabase, SourceError, Unreadable, Unsupported};
use crate::spool::SpoolError;
use crate::status::{Line, Overview, Running, Stand, Why};
use crate::uploader::record::{Finished, How, NotSent};
use crate::uploader::trouble::{Stall, Trouble};
use crate::uploader::{Change, Damage, FolderError, Rereading, ShownTo, Summary, WatchError};

fn os(kind: OsErrorKind, code: Option<i32>, text: &str) -> OsError {
    OsError { kind, code, text: text.into() }
}

fn refused_as(code: RefusedCode) -> NotSent {
    NotSent::Refused { code, text: "too long".into() }
}

const RIVAL: &str = "Another raidcast streams this fight, too. This one stands by and goes on when the other stops.";
const SAME_RAID: &str =
    "Another raidcast uses this raid (a copy of the state folder?). This one goes on in a raid of its own.";

#[test]
fn a_meters_database_that_cannot_be_read() {
    let path = || "/m.db".into();
    let unsupported = |why| SourceError::Unsupported { path: path(), why };
    let gone = || SourceError::Gone { path: path() };
    for (error, expected) in [
        (gone(), "/m.db is not there. It is read as soon as the meter writes it."),
        (
            SourceError::Empty { path: path() },
            "/m.db has no tables yet. It is read as soon as the meter has made them.",
        ),
        (SourceError::Locked { path: path() }, "/m.db is locked by another program. Trying again."),
        (SourceError::Upgraded { path: path() }, "/m.db was changed by another version of the meter. It is read anew."),
        (
            unsupported(Unsupported::Folder),
            "/m.db cannot be read: it is a folder. Name the database in it, a file like resonance-logs.db.",
        ),
        (
            unsupported(Unsupported::Device),
            "/m.db cannot be read: it is a pipe or a device. Name the meter's database, a file like resonance-logs.db.",
        ),
        (
            unsupported(Unsupported::Forbidden),
            "/m.db cannot be read: this user may not read it. Run raidcast as the user who runs the meter, or let this \
             user read the file.",
        ),
        (
            unsupported(Unsupported::LogOfAnother),
            "/m.db cannot be read: the meter's last changes stand in the file -wal beside it, and this user may not use \
             that. Run raidcast as the user who runs the meter, or copy both files to a folder of your own and name the \
             copy with --db.",
        ),
        (
            unsupported(Unsupported::Interrupted),
            "/m.db cannot be read: the meter was ended while it wrote, and left a change half made. Start the meter \
             once: it takes that back.",
        ),
        (
            unsupported(Unsupported::UnknownTables),
            "/m.db cannot be read: this version of the meter keeps its fights in a way that this version of raidcast \
             does not know. Update raidcast.",
        ),
        (
            unsupported(Unsupported::NotSqlite),
            "/m.db cannot be read: it is not an SQLite database. Name the meter's database with --db, a file like \
             resonance-logs.db.",
        ),
        (
            unsupported(Unsupported::NoTables),
            "/m.db cannot be read: it has none of the tables of a known meter. Name the meter's database with --db, a \
             file like resonance-logs.db.",
        ),
        (
            SourceError::Damaged { path: path() },
            "/m.db cannot be read: the database is damaged. Start the meter: it may mend it. If it does not, name an \
             older copy with --db.",
        ),
        (
            SourceError::Database { path: path(), code: 10, text: "disk I/O error".into() },
            "/m.db cannot be read: disk I/O error.",
        ),
        (
            SourceError::Unreadable { started_at_ms: 7, why: Unreadable::NoSummary },
            "the fight that began at 7 (Unix ms) cannot be read: it has no summary.",
        ),
    ] {
        assert_eq!(no_database(&NoDatabase::Unread(error)), expected);
    }
    for (looked, wine, expected) in [
        (
            vec!["/a.db".into(), "/b.db".into()],
            true,
            "No meter database was found. Start the meter once, or name its database with --db. (Looked for: /a.db, \
             /b.db. Wine and Proton folders were searched, too.)",
        ),
        (
            vec![],
            false,
            "No meter database was found. Start the meter once, or name its database with --db. (Looked for: no folder.)",
        ),
    ] {
        let nowhere = NoDatabase::Nowhere { looked, wine };
        assert_eq!(no_database(&nowhere), expected);
        assert_eq!(no_plan(&PlanError::Database(nowhere)), expected);
    }
    for (named, expected) in [
        (
            Some(Path::new("/m.db")),
            "/m.db could not be looked at: its disk does not answer. It is read as soon as that does.",
        ),
        (
            None,
            "Not all folders in which meters keep their databases could be looked at: a disk does not answer. See whether a \
             network drive is away, or name the database with --db.",
        ),
    ] {
        assert_eq!(no_database(&NoDatabase::silent(named)), expected);
    }
    assert_eq!(
        no_plan(&PlanError::Database(NoDatabase::silent(Some(Path::new("/m.db"))))),
        "/m.db could not be looked at: its disk does not answer. Run the same command again when it does."
    );
    for (why, expected) in [
        (Unreadable::NoSummary, "it has no summary"),
        (Unreadable::TooLarge { bytes: 17, at_most: 16 }, "its summary has 17 bytes; at most 16 are read"),
        (Unreadable::NotPacked, "its summary is no zstd frame"),
        (Unreadable::TooLong { at_most: 16 }, "its summary is longer than 16 bytes"),
        (
            Unreadable::UnknownLayout,
            "its summary has a layout that is not known (another version of the meter); a newer raidcast may read it",
        ),
    ] {
        assert_eq!(unreadable(why), expected);
    }
    // An upload waits for nothing.
    for (error, expected) in [
        (
            gone(),
            "/m.db is not there. Give the path of the meter's database with --db, or leave --db out: then raidcast looks \
             for it.",
        ),
        (
            SourceError::Empty { path: path() },
            "/m.db has no tables yet. Start the meter, and run the same command again.",
        ),
        (
            SourceError::Locked { path: path() },
            "/m.db is locked by another program. Close that program, and run the same command again.",
        ),
        (
            SourceError::Upgraded { path: path() },
            "/m.db was changed by another version of the meter. Run the same command again.",
        ),
        (
            unsupported(Unsupported::Folder),
            "/m.db cannot be read: it is a folder. Name the database in it, a file like resonance-logs.db.",
        ),
    ] {
        assert_eq!(no_plan(&PlanError::from(error)), expected);
    }
}

#[test]
fn a_relay_that_cannot_be_reached() {
    let at = || Address { host: "raid.example".into(), port: 8787, tls: false };
    let tls = || Address { host: "raid.example".into(), port: 443, tls: true };
    let certificate = |why| Outage::Certificate { at: tls(), why };
    for (why, expected) in [
        (Outage::Said { text: "too many requests".into() }, "The relay answers: too many requests"),
        (Outage::Restarting, "The relay is being started again."),
        (Outage::Closed { code: None }, "The relay closed the connection."),
        (Outage::Closed { code: Some(1006) }, "The relay closed the connection."),
        (Outage::Silent { seconds: 15 }, "The relay has been silent for 15 s."),
        (
            Outage::NotUnderstood { error: "not UTF-8".into() },
            "The relay sent something that is not understood (not UTF-8). Is raidcast up to date?",
        ),
        (Outage::Cut, "The connection was cut."),
        (
            Outage::NoAnswer { at: at(), seconds: 10 },
            "raid.example:8787 gave no answer for 10 s. Check the relay's address. If it speaks https, use https://…",
        ),
        (Outage::HungUp { at: at() }, "raid.example:8787 hung up without an answer. If it speaks https, use https://…"),
        (Outage::HungUp { at: tls() }, "raid.example:443 hung up without an answer. If it speaks http, use http://…"),
        (
            Outage::KeyForgotten,
            "The relay does not know this key any more. Pair this computer again (raidcast login), or ask the relay's operator.",
        ),
        (Outage::Crowded { at: at() }, "A proxy at raid.example:8787 lets through so many requests only. Waiting."),
        (
            Outage::Proxy { at: at(), status: 407 },
            "A proxy at raid.example:8787 does not let raidcast through (407 Proxy Authentication Required). Ask the \
             relay's operator.",
        ),
        (
            Outage::BehindProxy { at: at(), status: 502 },
            "A proxy at raid.example:8787 answers, but not the relay behind it (502 Bad Gateway). It may be starting.",
        ),
        (
            Outage::NoRelay { at: at(), status: 404 },
            "There is no Raidcast relay at raid.example:8787. Check the relay's address.",
        ),
        (
            Outage::Unexpected { at: at(), status: 200 },
            "raid.example:8787 answers 200 OK, as no Raidcast relay does. Check the relay's address.",
        ),
        (
            Outage::Unexpected { at: at(), status: 599 },
            "raid.example:8787 answers 599 <unknown status code>, as no Raidcast relay does. Check the relay's address.",
        ),
        (
            Outage::Moved { at: at(), to: Some("https://raid.example".into()) },
            "raid.example:8787 sends everybody on to https://raid.example. Use that as the relay's address.",
        ),
        (
            Outage::Moved { at: at(), to: None },
            "raid.example:8787 sends everybody on to another address. Use that as the relay's address.",
        ),
        (
            Outage::NotWebSocket { at: at() },
            "What answers at raid.example:8787 is no Raidcast relay. Check the relay's address.",
        ),
        (Outage::SpeaksHttps, "This relay speaks https, not http: use https://…"),
        (Outage::SpeaksHttp, "This relay speaks http, not https: use http://…"),
        (
            Outage::NotListening { at: at() },
            "Nothing answers at raid.example:8787. Is the relay running? Check its address and port.",
        ),
        (
            Outage::NothingThere { at: at() },
            "Nothing answers at raid.example:8787. Check the relay's address and port.",
        ),
        (
            Outage::Unreachable { at: at() },
            "raid.example:8787 cannot be reached. Check the network and the relay's address.",
        ),
        (
            Outage::UnknownHost { host: "raid.example".into() },
            "No computer called raid.example is known. Check the relay's address and the network.",
        ),
        (
            certificate(Certificate::Expired),
            "The certificate of raid.example:443 has expired. Check this computer's date, or tell the relay's operator.",
        ),
        (
            certificate(Certificate::NotYetValid),
            "The certificate of raid.example:443 is not valid yet. Check this computer's date, or tell the relay's \
             operator.",
        ),
        (
            certificate(Certificate::OtherName),
            "The certificate of raid.example:443 is for another name. Check the relay's address, or tell the relay's \
             operator.",
        ),
        (
            certificate(Certificate::Revoked),
            "The certificate of raid.example:443 was withdrawn. Tell the relay's operator.",
        ),
        (
            certificate(Certificate::UnknownAuthority),
            "The certificate of raid.example:443 comes from an authority that is not known. The certificate must come \
             from a public authority, like Let's Encrypt. If it is an authority of your own, name its certificate with --ca \
             FILE. Else tell the relay's operator.",
        ),
        (
            certificate(Certificate::OfAnAuthority),
            "The certificate of raid.example:443 is one of an authority, not one of a server. The certificate must come \
             from a public authority, like Let's Encrypt. Tell the relay's operator.",
        ),
        (
            certificate(Certificate::Unusable),
            "The certificate of raid.example:443 cannot be used. The certificate must come from a public authority, like \
             Let's Encrypt. Tell the relay's operator.",
        ),
        (
            Outage::NoCommonTls { at: tls() },
            "raid.example:443 does not agree to a secure connection as raidcast needs it (TLS 1.2 or 1.3). Check the \
             relay's address, or tell the relay's operator.",
        ),
        (
            Outage::Insecure { at: tls() },
            "No secure connection to raid.example:443 is possible. Check the relay's address, or tell the relay's \
             operator.",
        ),
        (
            Outage::Os { at: at(), error: os(OsErrorKind::Other, Some(99), "Cannot assign requested address") },
            "The connection to raid.example:8787 failed: Cannot assign requested address (os error 99)",
        ),
        (
            Outage::Failed { at: at(), text: "Write buffer is full".into() },
            "The connection to raid.example:8787 failed: Write buffer is full",
        ),
    ] {
        assert_eq!(outage(&why, false), expected);
    }
}

#[test]
fn an_address_or_a_key_that_cannot_be_used() {
    for (url, why, expected) in [
        ("a b", WrongUrl::NoScheme, "a b is no relay's address: it has no http:// or https://"),
        ("", WrongUrl::NoScheme, "An empty text is no relay's address: it has no http:// or https://"),
        ("", WrongUrl::Secret, "This is no relay's address: it has a name or a key before an @"),
        ("ftp://x", WrongUrl::Scheme("ftp".into()), "ftp://x is no relay's address: relays do not speak ftp://"),
        ("http://x?", WrongUrl::Query, "http://x? is no relay's address: it has a ? or a # in it"),
        (
            "http://a b",
            WrongUrl::Host,
            "http://a b is no relay's address: it has no host, or a character that no address has",
        ),
        ("http://x:0", WrongUrl::Port, "http://x:0 is no relay's address: it has no host, or a port that there is not"),
    ] {
        let error = AddressError::Url { url: url.into(), why };
        assert_eq!(address_error(&error), format!("{expected}. Give one like https://raidcast.example."));
    }
    for (url, offered) in [
        ("127.0.0.1:8801", "http://127.0.0.1:8801"),
        ("localhost", "http://localhost"),
        ("raidcast.example", "https://raidcast.example"),
    ] {
        let error = AddressError::Url { url: url.into(), why: WrongUrl::NoScheme };
        let told = format!("{url} is no relay's address: it has no http:// or https://. Write {offered}.");
        assert_eq!(address_error(&error), told);
    }
    let key = "The key holds characters that no key has. Copy it again, without quotes or line breaks.";
    assert_eq!(watch_error(&WatchError::Address(AddressError::Key)), key);
}

#[test]
fn a_command_that_ended_before_its_time() {
    let io = || io::Error::from_raw_os_error(2);
    let without_number = told(&io());
    let json = serde_json::from_str::<()>("{").unwrap_err();
    let damaged = format!(
        "/s/fights.json is damaged ({json}). Remove it to start anew. Fights that were not sent yet are read again."
    );
    let in_use = |process| WatchError::Folder(FolderError::InUse { dir: "/s".into(), process });
    for (error, expected) in [
        (
            in_use(Some(7)),
            "Another raidcast (process 7) uses the folder /s. End that one, or name another folder with --state. No \
             fight is sent twice, whichever folder it comes from."
                .to_owned(),
        ),
        (
            in_use(None),
            "Another raidcast uses the folder /s. End that one, or name another folder with --state. No fight is sent \
             twice, whichever folder it comes from."
                .to_owned(),
        ),
        (
            WatchError::Folder(FolderError::Deleted { dir: "/s".into() }),
            "The state folder /s was deleted. Start raidcast again.".to_owned(),
        ),
        (
            WatchError::Folder(FolderError::Newer { dir: "/s".into(), by: "raidcast 9.1".into() }),
            "A newer raidcast (raidcast 9.1) has used the folder /s. Use that one, or name another folder with --state. \
             Nothing in it was changed."
                .to_owned(),
        ),
        (
            WatchError::Folder(FolderError::Io { path: "/s".into(), error: io() }),
            format!("/s cannot be used ({without_number}). Name a folder that you may write to with --state."),
        ),
        (
            WatchError::Folder(FolderError::Io {
                path: "/s/raid.json".into(),
                error: io::Error::new(io::ErrorKind::StorageFull, "it is full"),
            }),
            "/s/raid.json cannot be written (it is full). Make room there.".to_owned(),
        ),
        (
            WatchError::Folder(FolderError::Damaged { path: "/s/fights.json".into(), why: Damage::Json(json) }),
            damaged,
        ),
        (
            WatchError::Folder(FolderError::Damaged { path: "/s/waiting.json".into(), why: Damage::Secret }),
            "/s/waiting.json is damaged (its secret is not what raidcast wrote). Remove it to start anew. Then it is not \
             known any more which fights wait, and who may see them: send them with a --since that takes them in, and \
             with their --visibility."
                .to_owned(),
        ),
        (
            WatchError::Folder(FolderError::Damaged { path: "/s/raid.json".into(), why: Damage::Secret }),
            "/s/raid.json is damaged (its secret is not what raidcast wrote). Remove it to start anew. Fights that were \
             not sent yet are read again."
                .to_owned(),
        ),
        (
            WatchError::Spool(SpoolError::Io { path: "/s/a.spool".into(), error: io() }),
            format!(
                "/s/a.spool cannot be used ({without_number}). If it stays so, remove it: its fight is read again from \
                 the meter."
            ),
        ),
        (
            WatchError::Spool(SpoolError::Lost { path: "/s/a.spool".into() }),
            "/s/a.spool was deleted and cannot be read any more".to_owned(),
        ),
        (
            WatchError::Spool(SpoolError::Damaged { path: "/s/a.spool".into() }),
            "/s/a.spool is damaged from its first record on".to_owned(),
        ),
        (
            WatchError::Unauthorized { text: "no such key".into() },
            "The relay does not know this key.".to_owned(),
        ),
        (
            WatchError::Forbidden { text: "it lacks the scope `upload`. Use another, or ask the operator".into() },
            "This key may not upload: it lacks the scope `upload`. Use another, or ask the operator.".to_owned(),
        ),
        (
            WatchError::Refused { code: RefusedCode::NotSupported, text: "too old".into() },
            "The relay does not take this raid: too old".to_owned(),
        ),
        (
            WatchError::NoMeter {
                after: Duration::from_secs(3),
                why: SourceError::Locked { path: "/m.db".into() }.into(),
            },
            "/m.db is locked by another program. Close that program, and run the same command again. (Gave up after 3 s.)"
                .to_owned(),
        ),
        (
            WatchError::NoMeter {
                after: Duration::from_millis(400),
                why: SourceError::Upgraded { path: "/m.db".into() }.into(),
            },
            "/m.db was changed by another version of the meter. Run the same command again.".to_owned(),
        ),
    ] {
        assert_eq!(watch_error(&error), expected);
    }
    let unknown = WatchError::Unauthorized { text: "no such key".into() };
    for (key, expected) in [
        (KeyPlace::Variable, "Check RAIDCAST_KEY."),
        (KeyPlace::Flag, "Check --key."),
        (KeyPlace::Paired { relay: "http://r".into() }, "Pair this computer again: raidcast login http://r"),
        (KeyPlace::File { path: "/c.toml".into() }, "Check key = \"…\" in /c.toml."),
    ] {
        assert_eq!(ended(&unknown, &key), format!("The relay does not know this key. {expected}"));
    }
    assert_eq!(
        ended(&WatchError::Address(AddressError::Key), &KeyPlace::Flag),
        watch_error(&WatchError::Address(AddressError::Key))
    );
    let deleted = PlanError::Folder(FolderError::Deleted { dir: "/s".into() });
    assert_eq!(no_plan(&deleted), "The state folder /s was deleted. Start raidcast again.");
}

#[test]
fn how_things_stand() {
    let stalled = |kind, text: &str| Stall::Unwritable { dir: "/s".into(), error: os(kind, Some(1), text) };
    for (why, expected) in [
        (Stall::Deleted { dir: "/s".into() }, "The state folder /s was deleted. Start raidcast again."),
        (
            Stall::SpoolLost { path: "/s/a.spool".into() },
            "/s/a.spool was deleted and cannot be read any more. Start raidcast again: its fight is read again from the \
             meter.",
        ),
        (
            stalled(OsErrorKind::NoRoom, "No space left on device"),
            "Nothing can be written to /s (No space left on device). Make room there. Nothing is lost: the meter keeps \
             its fights.",
        ),
        (
            stalled(OsErrorKind::Other, "Input/output error"),
            "Nothing can be written to /s (Input/output error). Make room there. Nothing is lost: the meter keeps its \
             fights.",
        ),
        (
            stalled(OsErrorKind::PermissionDenied, "Permission denied"),
            "Nothing can be written to /s (Permission denied). Let this user write there. Nothing is lost: the meter \
             keeps its fights.",
        ),
        (
            stalled(OsErrorKind::ReadOnly, "Read-only file system"),
            "Nothing can be written to /s (Read-only file system). Let this user write there. Nothing is lost: the meter \
             keeps its fights.",
        ),
    ] {
        assert_eq!(stall(&why), expected);
        assert_eq!(trouble(&Trouble::Stalled { why }), expected);
    }
    let gone = NoDatabase::Unread(SourceError::Gone { path: "/m.db".into() });
    for (told, expected) in [
        (Trouble::NotConnected { why: Outage::Cut, was_connected: true }, "Not connected. The connection was cut."),
        (Trouble::NoDatabase { why: gone }, "/m.db is not there. It is read as soon as the meter writes it."),
        (Trouble::Said("as it was".into()), "as it was"),
    ] {
        assert_eq!(trouble(&told), expected);
        assert_eq!(why(&Why::Trouble(told)), expected);
    }
    for (told, expected) in [
        (Why::Kept, "more of it was uploaded from elsewhere"),
        (Why::NotSent(refused_as(RefusedCode::BadEvent)), "too long"),
        (Why::Queued, "its turn comes"),
        (Why::Arrived { parts: 88, of: 97 }, "90 % of it has arrived"),
        (Why::ArrivedWhole { ended: true }, "all of it has arrived; its report is being made"),
        (Why::ArrivedWhole { ended: false }, "all of it has arrived"),
        (Why::Unanswered, "the relay has not answered yet"),
        (Why::NotPosted, "`raidcast upload --http` is not running: start it again, and it is sent"),
        (Why::NotRunning { history: false }, "`raidcast watch` is not running: start it again, and it goes on"),
        (Why::NotRunning { history: true }, "`raidcast upload` is not running: start it again, and it goes on"),
    ] {
        assert_eq!(why(&told), expected);
    }
    for (told, expected) in [
        (refused_as(RefusedCode::BadEvent), "too long"),
        (refused_as(RefusedCode::UnknownHandle), RIVAL),
        (refused_as(RefusedCode::Fenced), SAME_RAID),
        (refused_as(RefusedCode::RaidForbidden), SAME_RAID),
        (
            NotSent::NotTaken { status: 400, text: Some("Not so".into()), details: vec!["a: b".into(), "c: d".into()] },
            "Not so. (a: b; c: d) Update raidcast, or send it without --http.",
        ),
        (
            NotSent::NotTaken { status: 415, text: Some("Not so.".into()), details: vec![] },
            "Not so. Update raidcast, or send it without --http.",
        ),
        (
            NotSent::NotTaken { status: 413, text: None, details: vec![] },
            "A proxy before the relay does not take it (413 Payload Too Large). Ask the relay's operator, or send it \
             without --http.",
        ),
        (NotSent::NotNow { why: Outage::Cut, retry_s: None }, "The connection was cut."),
        (later(90), "The relay answers: too many fights. Try again in 90 s."),
        (later(3_600), "The relay answers: too many fights. Try again in 60 min."),
        (later(80_000), "The relay answers: too many fights. Try again in 23 h."),
        (
            NotSent::Nameless,
            "its player saw another fight begin in the same moment, and a request cannot tell them apart. Send it \
             without --http",
        ),
        (NotSent::Removed, "no longer in the meter's database"),
        (NotSent::Said("as it was".into()), "as it was"),
    ] {
        assert_eq!(not_sent(&told), expected);
    }
}

#[test]
fn an_address_that_has_worked_is_not_to_be_checked_and_what_has_not_arrived_is_counted() {
    let at = || Address { host: "r".into(), port: 80, tls: false };
    for why in [
        Outage::NoAnswer { at: at(), seconds: 10 },
        Outage::HungUp { at: at() },
        Outage::NoRelay { at: at(), status: 404 },
        Outage::Unexpected { at: at(), status: 200 },
        Outage::NotWebSocket { at: at() },
        Outage::NotListening { at: at() },
        Outage::NothingThere { at: at() },
        Outage::Unreachable { at: at() },
        Outage::UnknownHost { host: "r".into() },
    ] {
        let (first, later) = (outage(&why, false), outage(&why, true));
        assert!(first.contains("address") || first.contains("https://"), "{first}");
        assert!(!later.contains("address") && !later.contains("https://") && later.ends_with(['.', '?']), "{later}");
    }
    let page = WrongUrl::Page { relay: "http://r".into(), page: "/live/abc".into() };
    let error = AddressError::Url { url: "http://r/live/abc".into(), why: page };
    assert_eq!(
        address_error(&error),
        "http://r/live/abc is a page of the relay. Give only http://r, without /live/abc."
    );
    let told = |fights, finalized, unacknowledged| {
        summary_line(&Summary { fights, finalized, unacknowledged, complete: false })
    };
    let again = "Start raidcast again: it sends the rest.";
    for (told, expected) in [
        (told(1, 0, 3), format!("1 fight, 0 with a final report. One fight has not arrived in full. {again}")),
        (told(4, 1, 9), format!("4 fights, 1 with a final report. 3 fights have not arrived in full. {again}")),
        (told(2, 1, 0), format!("2 fights, 1 with a final report. One fight has not arrived in full. {again}")),
        (told(1, 1, 0), "1 fight, 1 with a final report. Not all could be read.".to_owned()),
    ] {
        assert_eq!(told, expected);
    }
}

fn later(seconds: u64) -> NotSent {
    NotSent::NotNow { why: Outage::Said { text: "too many fights".into() }, retry_s: Some(seconds) }
}

fn refused_change(code: RefusedCode, scope: RefusedScope, fight: bool, retry_ms: Option<u64>) -> Change {
    Change::Refused { code, text: "too long".into(), scope, encounter: fight.then(|| "e".into()), retry_ms }
}

fn finished(result: How, why: Option<NotSent>) -> Finished {
    let on_relay = !matches!(result, How::Refused | How::Waiting);
    Finished {
        encounter: "e".into(),
        title: on_relay.then(|| "Boss".into()),
        started_at_ms: 1_790_000_000_000,
        duration_ms: 302_000,
        events: 9,
        outcome: Outcome::Kill,
        report_id: on_relay.then(|| "r".into()),
        url: on_relay.then(|| "http://r/x".into()),
        result,
        why,
        relay: "http://r".into(),
        seen_by: None,
        raid: None,
    }
}

/// Each change, its line for people (of a watch; what an upload tells otherwise is below), and its line of JSON.
#[test]
fn changes() {
    use RefusedScope::{Connection, Encounter};
    let gone = NoDatabase::Unread(SourceError::Gone { path: "/m.db".into() });
    let e = || "e".to_owned();
    let finalized = |state, known, keeps_visibility| Change::Finalized {
        encounter: e(),
        report_id: "r".into(),
        url: "http://r/x".into(),
        state,
        known,
        keeps_visibility,
    };
    let table: Vec<(Change, Option<String>, &str)> = vec![
        (
            Change::Waiting { why: gone, looked: vec!["/m.db".into()] },
            Some("Waiting. /m.db is not there. It is read as soon as the meter writes it.".into()),
            r#"{"event":"waiting","why":"/m.db is not there. It is read as soon as the meter writes it.","looked":["/m.db"]}"#,
        ),
        (
            Change::Watching {
                path: "/m.db".into(),
                meter: "resonance-logs".into(),
                generation: "aggregate".into(),
                others: vec![],
            },
            Some("Watching /m.db (resonance-logs)".into()),
            r#"{"event":"watching","path":"/m.db","meter":"resonance-logs","generation":"aggregate","others":[]}"#,
        ),
        (
            Change::History { fights: 1 },
            Some("1 earlier fight is left alone. `raidcast upload` sends it.".into()),
            r#"{"event":"history","fights":1}"#,
        ),
        (
            Change::Connected {
                raid: "c".into(),
                url: "http://r/c".into(),
                channel_url: "http://r/live/m".into(),
                shown_to: ShownTo {
                    visibility: Some(Visibility::Unlisted),
                    report_visibility: Some(ReportVisibility::Live),
                    names: Some(NamesPolicy::Class),
                    delay_s: Some(60),
                },
            },
            None,
            r#"{"event":"connected","raid":"c","url":"http://r/c","channelUrl":"http://r/live/m","visibility":"unlisted","reportVisibility":"live","names":"class","delayS":60}"#,
        ),
        (
            Change::ShownOtherwise { is_private: false },
            Some(
                "This raid is NOT private, though you asked for that: it was shown to others on the relay's page, which \
                 counts. Change it there."
                    .into(),
            ),
            r#"{"event":"shown_otherwise","isPrivate":false}"#,
        ),
        (
            Change::ShownOtherwise { is_private: true },
            Some(
                "This raid is private: it was set so on the relay's page, which counts. Change it there to show it to others."
                    .into(),
            ),
            r#"{"event":"shown_otherwise","isPrivate":true}"#,
        ),
        (
            Change::SetThere { names: NamesPolicy::Class, delay_s: 60 },
            Some("Names and delay were set so on the relay's page, which counts.".into()),
            r#"{"event":"set_there","names":"class","delayS":60}"#,
        ),
        (
            Change::Disconnected {
                why: Outage::Said { text: raidcast_shared::uplink::RAID_DELETED.into() },
                retry_ms: 2_000,
                was_connected: true,
            },
            Some(
                "This raid was deleted on the relay. A fight that goes on begins a new one. Trying again in 2 s.".into(),
            ),
            r#"{"event":"disconnected","why":"The relay answers: this raid was deleted by its owner: a fight that goes on comes again, in a new raid","retryMs":2000}"#,
        ),
        (
            Change::Disconnected { why: Outage::Said { text: "busy".into() }, retry_ms: 2_000, was_connected: false },
            Some("Not connected. The relay answers: busy. Trying again in 2 s. Nothing is lost.".into()),
            r#"{"event":"disconnected","why":"The relay answers: busy","retryMs":2000}"#,
        ),
        (
            Change::Begun {
                encounter: e(),
                report_id: "r".into(),
                url: "http://r/x".into(),
                started_at_ms: 7,
                scene: Some("Hall".into()),
                title: Some("Boss".into()),
                live: true,
            },
            Some("Live: Boss http://r/x".into()),
            r#"{"event":"begun","encounter":"e","reportId":"r","url":"http://r/x","startedAtMs":7,"scene":"Hall"}"#,
        ),
        (
            Change::Begun {
                encounter: e(),
                report_id: "r".into(),
                url: "http://r/x".into(),
                started_at_ms: 7,
                scene: None,
                title: None,
                live: false,
            },
            Some("Sending: a fight http://r/x".into()),
            r#"{"event":"begun","encounter":"e","reportId":"r","url":"http://r/x","startedAtMs":7}"#,
        ),
        (Change::Acked { encounter: e(), seq: 1, of: 2 }, None, r#"{"event":"acked","encounter":"e","seq":1,"of":2}"#),
        (
            Change::Idle { encounter: Some(e()), seconds: 9 },
            Some("Nothing happened in the fight for 9 s.".into()),
            r#"{"event":"idle","encounter":"e","seconds":9}"#,
        ),
        (
            Change::Idle { encounter: None, seconds: 9 },
            Some("Nothing happened for 9 s, and nothing is left to send. Ending.".into()),
            r#"{"event":"idle","seconds":9}"#,
        ),
        (
            Change::Ended {
                encounter: e(),
                outcome: Outcome::Unknown,
                events: 2,
                title: Some("Boss".into()),
                elapsed_ms: 302_000,
            },
            Some("Fight ended: Boss  5:02, 2 events".into()),
            r#"{"event":"ended","encounter":"e","outcome":"unknown","events":2}"#,
        ),
        (
            finalized(ReportState::Final, false, false),
            Some("Report: http://r/x".into()),
            r#"{"event":"finalized","encounter":"e","reportId":"r","url":"http://r/x","state":"final","known":false}"#,
        ),
        (
            finalized(ReportState::Provisional, false, false),
            Some("Report for now: http://r/x".into()),
            r#"{"event":"finalized","encounter":"e","reportId":"r","url":"http://r/x","state":"provisional","known":false}"#,
        ),
        (
            finalized(ReportState::Final, true, false),
            Some("Uploaded already. The report is at http://r/x".into()),
            r#"{"event":"finalized","encounter":"e","reportId":"r","url":"http://r/x","state":"final","known":true}"#,
        ),
        (
            finalized(ReportState::Final, true, true),
            Some(
                "Uploaded already. The report is at http://r/x (If it is in another raid, --visibility does not change it.)"
                    .into(),
            ),
            r#"{"event":"finalized","encounter":"e","reportId":"r","url":"http://r/x","state":"final","known":true,"keepsVisibility":true}"#,
        ),
        (
            Change::Kept { encounter: e(), report_id: "r".into(), url: "http://r/x".into() },
            Some(
                "The relay has more of this fight from another raidcast. Its report stays as it is: http://r/x".into(),
            ),
            r#"{"event":"kept","encounter":"e","reportId":"r","url":"http://r/x"}"#,
        ),
        (
            refused_change(RefusedCode::TooFast, Encounter, true, Some(60_000)),
            Some("Not taken: too long. Trying again in 60 s.".into()),
            r#"{"event":"refused","code":"too_fast","text":"too long","scope":"encounter","encounter":"e","retryMs":60000}"#,
        ),
        (
            refused_change(RefusedCode::BadEvent, Encounter, true, None),
            Some("Not taken: too long. It is tried again when you start raidcast again.".into()),
            r#"{"event":"refused","code":"bad_event","text":"too long","scope":"encounter","encounter":"e"}"#,
        ),
        (
            refused_change(RefusedCode::UnknownHandle, Encounter, true, Some(250)),
            Some(RIVAL.into()),
            r#"{"event":"refused","code":"unknown_handle","text":"Another raidcast streams this fight, too. This one stands by and goes on when the other stops.","scope":"encounter","encounter":"e","retryMs":250}"#,
        ),
        (
            refused_change(RefusedCode::UnknownHandle, Encounter, false, None),
            Some("too long".into()),
            r#"{"event":"refused","code":"unknown_handle","text":"too long","scope":"encounter"}"#,
        ),
        (
            refused_change(RefusedCode::Fenced, Connection, false, Some(0)),
            Some(SAME_RAID.into()),
            r#"{"event":"refused","code":"fenced","text":"Another raidcast uses this raid (a copy of the state folder?). This one goes on in a raid of its own.","scope":"connection","retryMs":0}"#,
        ),
        (
            refused_change(RefusedCode::RaidForbidden, Connection, false, Some(0)),
            Some(format!("Not taken: {SAME_RAID} Trying again soon.")),
            r#"{"event":"refused","code":"raid_forbidden","text":"Another raidcast uses this raid (a copy of the state folder?). This one goes on in a raid of its own.","scope":"connection","retryMs":0}"#,
        ),
        (
            refused_change(RefusedCode::Unauthorized, Connection, false, None),
            None,
            r#"{"event":"refused","code":"unauthorized","text":"too long","scope":"connection"}"#,
        ),
        (
            Change::Unreadable { encounter: e(), started_at_ms: 7, why: Unreadable::NoSummary },
            Some("A fight is left out: it has no summary.".into()),
            r#"{"event":"unreadable","encounter":"e","startedAtMs":7,"why":"it has no summary"}"#,
        ),
        (
            Change::Stalled { why: Stall::Deleted { dir: "/s".into() } },
            Some("The state folder /s was deleted. Start raidcast again.".into()),
            r#"{"event":"stalled","why":"The state folder /s was deleted. Start raidcast again."}"#,
        ),
        (Change::Resumed, Some("Writing again.".into()), r#"{"event":"resumed"}"#),
        (
            Change::Reread { encounter: e(), why: Rereading::OtherMeter },
            Some("Reading a fight again from its beginning: another version of the meter keeps it now.".into()),
            r#"{"event":"reread","encounter":"e","why":"another version of the meter keeps it now"}"#,
        ),
        (
            Change::Reread { encounter: e(), why: Rereading::OtherDatabase },
            Some("Reading a fight again from its beginning: its database was replaced by another one.".into()),
            r#"{"event":"reread","encounter":"e","why":"its database was replaced by another one"}"#,
        ),
        (
            Change::Reread { encounter: e(), why: Rereading::RelayDiffers },
            Some(
                "Reading a fight again from its beginning: the relay holds something else of it than this computer."
                    .into(),
            ),
            r#"{"event":"reread","encounter":"e","why":"the relay holds something else of it than this computer"}"#,
        ),
        (
            Change::Uploaded { fight: finished(How::New, None) },
            Some("new      2026-09-21 14:13 UTC  Boss  5:02  http://r/x".into()),
            r#"{"event":"uploaded","encounter":"e","title":"Boss","startedAtMs":1790000000000,"durationMs":302000,"events":9,"outcome":"kill","reportId":"r","url":"http://r/x","result":"new","relay":"http://r"}"#,
        ),
        (
            Change::Uploaded { fight: finished(How::Known, None) },
            Some("known    2026-09-21 14:13 UTC  Boss  5:02  http://r/x".into()),
            r#"{"event":"uploaded","encounter":"e","title":"Boss","startedAtMs":1790000000000,"durationMs":302000,"events":9,"outcome":"kill","reportId":"r","url":"http://r/x","result":"known","relay":"http://r"}"#,
        ),
        (
            Change::Uploaded { fight: finished(How::Kept, None) },
            Some(
                "kept     2026-09-21 14:13 UTC  Boss  5:02  http://r/x (more of it was uploaded from elsewhere)".into(),
            ),
            r#"{"event":"uploaded","encounter":"e","title":"Boss","startedAtMs":1790000000000,"durationMs":302000,"events":9,"outcome":"kill","reportId":"r","url":"http://r/x","result":"kept","relay":"http://r"}"#,
        ),
        (
            Change::Failed { fight: finished(How::Refused, Some(refused_as(RefusedCode::BadEvent))) },
            Some("refused  2026-09-21 14:13 UTC  fight  5:02  too long".into()),
            r#"{"event":"failed","encounter":"e","title":"fight","startedAtMs":1790000000000,"durationMs":302000,"events":9,"outcome":"kill","result":"refused","why":"too long","relay":"http://r"}"#,
        ),
        (
            Change::Unsent { fight: finished(How::Waiting, Some(later(90))) },
            Some(
                "waiting  2026-09-21 14:13 UTC  fight  5:02  The relay answers: too many fights. Try again in 90 s.".into(),
            ),
            r#"{"event":"unsent","encounter":"e","title":"fight","startedAtMs":1790000000000,"durationMs":302000,"events":9,"outcome":"kill","result":"waiting","why":"The relay answers: too many fights. Try again in 90 s.","relay":"http://r"}"#,
        ),
        (
            Change::Stopped { fights: vec![e()], why: refused_as(RefusedCode::LimitReached) },
            Some("1 fight is left: too long.".into()),
            r#"{"event":"stopped","fights":1,"why":"too long"}"#,
        ),
        (
            Change::Stopped { fights: vec![e(), e()], why: NotSent::Removed },
            Some("2 fights are left: no longer in the meter's database.".into()),
            r#"{"event":"stopped","fights":2,"why":"no longer in the meter's database"}"#,
        ),
    ];
    for (change, told, line) in &table {
        assert_eq!(line_of(change), *told, "{change:?}");
        assert_eq!(json::line_of(change).as_deref(), Some(*line), "{change:?}");
    }
    let status = Change::Status(crate::uploader::Status::default());
    assert_eq!((line_of(&status), json::line_of(&status)), (None, None));
    // What an upload tells otherwise.
    let untold = ["begun", "ended", "finalized", "kept"];
    for (change, told, line) in &table {
        let expected = match change {
            Change::Watching { .. } => Some("Reading /m.db (resonance-logs)".to_owned()),
            Change::Connected { .. } => Some("Uploading to http://r/c".to_owned()),
            Change::Refused { encounter: Some(_), retry_ms: None, .. } => None,
            _ if untold.iter().any(|event| line.contains(&format!(r#""event":"{event}""#))) => None,
            _ => told.clone(),
        };
        assert_eq!(upload_line(change), expected, "{change:?}");
    }
}

#[test]
fn a_folder_as_json() {
    let running = |history: bool| Running {
        process: 7,
        history,
        connected: false,
        relay: "http://r".into(),
        raid_url: Some("http://r/c".into()),
        trouble: Some(Trouble::NotConnected { why: Outage::Cut, was_connected: false }),
    };
    let line = Line {
        encounter: "e".into(),
        title: None,
        started_at_ms: 7,
        duration_ms: None,
        events: 0,
        outcome: None,
        state: Stand::Waiting,
        url: None,
        why: Some(Why::Queued),
        has_log: false,
    };
    let overview = Overview { running: vec![running(false)], fights: vec![line] };
    assert_eq!(
        json::overview_line(&overview),
        r#"{"running":{"process":7,"history":false,"connected":false,"relay":"http://r","raidUrl":"http://r/c","trouble":"Not connected. The connection was cut."},"uploading":null,"fights":[{"encounter":"e","title":"fight","startedAtMs":7,"durationMs":null,"events":0,"outcome":null,"state":"waiting","url":null,"why":"its turn comes"}]}"#
    );
    assert_eq!(json::overview_line(&Overview::default()), r#"{"running":null,"uploading":null,"fights":[]}"#);
    let said = |history: &[bool]| {
        let overview = Overview { running: history.iter().copied().map(running).collect(), fights: Vec::new() };
        let line: serde_json::Value = serde_json::from_str(&json::overview_line(&overview)).unwrap();
        ["running", "uploading"].map(|name| line[name]["history"].as_bool())
    };
    // An upload stands where it always stood if it is alone, and beside who follows the meter.
    assert_eq!(said(&[true]), [Some(true), Some(true)]);
    assert_eq!(said(&[false, true]), [Some(false), Some(true)]);
    assert_eq!(said(&[false]), [Some(false), None]);
}
