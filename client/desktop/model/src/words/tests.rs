//! Everything that is said, in each language: whole sentences, and nothing that only a command line has.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use raidcast::history::{Before, PlanError, Tally};
use raidcast::keys::{Kept, KeysError, SystemError};
use raidcast::os_error::{OsError, OsErrorKind};
use raidcast::pairing::PairingError;
use raidcast::post::{Failure, Wait};
use raidcast::settings::{Entry, FileFault, KeyTrouble, SettingsFault, TitleFault};
use raidcast::socket::{Address, AddressError, Certificate, Outage, WrongUrl};
use raidcast::source::{Generation, NoDatabase, SourceError, Unreadable, Unsupported};
use raidcast::spool::SpoolError;
use raidcast::status::{Running, Why};
use raidcast::trust::TrustError;
use raidcast::uploader::record::NotSent;
use raidcast::uploader::seen_by::SeenBy;
use raidcast::uploader::trouble::{Stall, Trouble};
use raidcast::uploader::{Damage, FolderError, WatchError};
use raidcast_shared::text::KeyFault;
use raidcast_shared::uplink::{NamesPolicy, Outcome, RAID_DELETED, RefusedCode, Visibility};

use super::{Words, of};
use crate::channel::Rule;
use crate::language::Language;
use crate::links::LinkFault;
use crate::own::OwnFault;
use crate::said::Said;
use crate::standing::Standing;
use crate::tray_item::ItemId;
use crate::update::UpdateFault;
use crate::version::Version;
use crate::view::AppState;
use crate::wrong::Wrong;

fn path() -> PathBuf {
    "/m.db".into()
}

fn os(kind: OsErrorKind) -> OsError {
    OsError { kind, code: Some(7), text: "it burns".into() }
}

fn io() -> io::Error {
    io::Error::other("it burns")
}

fn outages() -> Vec<Outage> {
    let at = |tls| Address { host: "raid.example".into(), port: 8787, tls };
    let certificate = |why| Outage::Certificate { at: at(true), why };
    vec![
        Outage::Said { text: "too many requests".into() },
        Outage::Said { text: RAID_DELETED.into() },
        Outage::Restarting,
        Outage::Closed { code: Some(1006) },
        Outage::Silent { seconds: 15 },
        Outage::NotUnderstood { error: "not UTF-8".into() },
        Outage::Cut,
        Outage::NoAnswer { at: at(true), seconds: 10 },
        Outage::HungUp { at: at(true) },
        Outage::HungUp { at: at(false) },
        Outage::KeyForgotten,
        Outage::Crowded { at: at(true) },
        Outage::Proxy { at: at(true), status: 407 },
        Outage::BehindProxy { at: at(true), status: 502 },
        Outage::NoRelay { at: at(true), status: 404 },
        Outage::Unexpected { at: at(true), status: 200 },
        Outage::Moved { at: at(true), to: Some("https://other.example".into()) },
        Outage::Moved { at: at(true), to: None },
        Outage::NotWebSocket { at: at(true) },
        Outage::SpeaksHttps,
        Outage::SpeaksHttp,
        Outage::NotListening { at: at(true) },
        Outage::NothingThere { at: at(true) },
        Outage::Unreachable { at: at(true) },
        Outage::UnknownHost { host: "raid.example".into() },
        certificate(Certificate::Expired),
        certificate(Certificate::NotYetValid),
        certificate(Certificate::OtherName),
        certificate(Certificate::Revoked),
        certificate(Certificate::UnknownAuthority),
        certificate(Certificate::OfAnAuthority),
        certificate(Certificate::Unusable),
        Outage::NoCommonTls { at: at(true) },
        Outage::Insecure { at: at(true) },
        Outage::Os { at: at(true), error: os(OsErrorKind::Other) },
        Outage::Failed { at: at(true), text: "it broke".into() },
    ]
}

fn unreadables() -> [Unreadable; 5] {
    [
        Unreadable::NoSummary,
        Unreadable::TooLarge { bytes: 17, at_most: 16 },
        Unreadable::NotPacked,
        Unreadable::TooLong { at_most: 16 },
        Unreadable::UnknownLayout,
    ]
}

fn sources() -> Vec<SourceError> {
    let unsupported = [
        Unsupported::Folder,
        Unsupported::Device,
        Unsupported::Forbidden,
        Unsupported::LogOfAnother,
        Unsupported::Interrupted,
        Unsupported::UnknownTables,
        Unsupported::NotSqlite,
        Unsupported::NoTables,
    ];
    let others = [
        SourceError::Gone { path: path() },
        SourceError::Empty { path: path() },
        SourceError::Locked { path: path() },
        SourceError::Upgraded { path: path() },
        SourceError::Damaged { path: path() },
        SourceError::Database { path: path(), code: 10, text: "disk I/O error".into() },
        SourceError::Unreadable { started_at_ms: 7, why: Unreadable::NoSummary },
    ];
    unsupported.map(|why| SourceError::Unsupported { path: path(), why }).into_iter().chain(others).collect()
}

fn stalls() -> Vec<Stall> {
    let kinds = [OsErrorKind::PermissionDenied, OsErrorKind::ReadOnly, OsErrorKind::NoRoom, OsErrorKind::Other];
    let unwritable = kinds.map(|kind| Stall::Unwritable { dir: path(), error: os(kind) });
    unwritable.into_iter().chain([Stall::Deleted { dir: path() }, Stall::SpoolLost { path: path() }]).collect()
}

fn folders() -> Vec<FolderError> {
    let json = || serde_json::from_str::<u8>("x").unwrap_err();
    vec![
        FolderError::InUse { dir: path(), process: Some(7) },
        FolderError::InUse { dir: path(), process: None },
        FolderError::Deleted { dir: path() },
        FolderError::Io { path: path(), error: io() },
        FolderError::Newer { dir: path(), by: "raidcast 9.0".into() },
        FolderError::Newer { dir: path(), by: String::new() },
        FolderError::Damaged { path: path(), why: Damage::Json(json()) },
        FolderError::Damaged { path: path(), why: Damage::Secret },
    ]
}

fn spools() -> [SpoolError; 3] {
    [
        SpoolError::Io { path: path(), error: io() },
        SpoolError::Lost { path: path() },
        SpoolError::Damaged { path: path() },
    ]
}

fn addresses() -> Vec<AddressError> {
    let whys = [
        WrongUrl::Secret,
        WrongUrl::NoScheme,
        WrongUrl::Scheme("ftp".into()),
        WrongUrl::Query,
        WrongUrl::Host,
        WrongUrl::Port,
        WrongUrl::Page { relay: "https://raid.example".into(), page: "/live/x".into() },
    ];
    let with = |why: WrongUrl, url: &str| AddressError::Url { url: url.into(), why };
    let mut all: Vec<_> = whys.into_iter().map(|why| with(why, "raid.example")).collect();
    all.extend([with(WrongUrl::Host, ""), AddressError::Key]);
    all
}

const CODES: [RefusedCode; 24] = [
    RefusedCode::Unauthorized,
    RefusedCode::ProtocolUnsupported,
    RefusedCode::NotSupported,
    RefusedCode::HelloExpected,
    RefusedCode::HelloTwice,
    RefusedCode::RaidForbidden,
    RefusedCode::Fenced,
    RefusedCode::Malformed,
    RefusedCode::FrameTooLong,
    RefusedCode::TooDeep,
    RefusedCode::TrailingBytes,
    RefusedCode::NotUtf8,
    RefusedCode::UnknownFrame,
    RefusedCode::UnknownHandle,
    RefusedCode::AfterEnd,
    RefusedCode::IndexOutOfRange,
    RefusedCode::BadColumns,
    RefusedCode::BadEvent,
    RefusedCode::NumberTooLarge,
    RefusedCode::BadText,
    RefusedCode::LimitReached,
    RefusedCode::ChecksumDiffers,
    RefusedCode::StoreUnavailable,
    RefusedCode::Other,
];

fn not_sent() -> Vec<NotSent> {
    let mut all: Vec<_> = CODES.map(|code| NotSent::Refused { code, text: "too long".into() }).into();
    all.extend(unreadables().map(|why| NotSent::Unreadable { why }));
    all.extend([
        NotSent::NotTaken { status: 413, text: None, details: Vec::new() },
        NotSent::NotTaken { status: 422, text: Some("no".into()), details: vec!["a".into(), "b".into()] },
        NotSent::NotNow { why: Outage::Cut, retry_s: Some(600) },
        NotSent::NotNow { why: Outage::Cut, retry_s: None },
        NotSent::Nameless,
        NotSent::Removed,
        NotSent::Said("in words of before".into()),
    ]);
    all
}

fn troubles() -> [Trouble; 4] {
    [
        Trouble::Stalled { why: Stall::Deleted { dir: path() } },
        Trouble::NotConnected { why: Outage::Cut, was_connected: true },
        Trouble::NoDatabase { why: NoDatabase::Unread(SourceError::Gone { path: path() }) },
        Trouble::Said("in words of before".into()),
    ]
}

fn whys() -> Vec<Why> {
    let mut all = vec![
        Why::Kept,
        Why::NotSent(NotSent::Removed),
        Why::Queued,
        Why::Arrived { parts: 1, of: 2 },
        Why::ArrivedWhole { ended: true },
        Why::ArrivedWhole { ended: false },
        Why::Unanswered,
        Why::NotRunning { history: true },
        Why::NotRunning { history: false },
        Why::NotPosted,
    ];
    all.extend(troubles().map(Why::Trouble));
    all
}

fn files() -> Vec<FileFault> {
    vec![
        FileFault::Folder,
        FileFault::NotThere,
        FileFault::TextFile { name: "config.toml".into() },
        FileFault::Io(os(OsErrorKind::Other)),
        FileFault::NotUtf8,
        FileFault::Line { line: 3, entry: Entry::Relay },
        FileFault::WindowsPath,
        FileFault::Choice { entry: Entry::Names, of: &["full", "class"] },
        FileFault::KeyNotText,
        FileFault::Toml { text: "TOML parse error at line 1".into() },
    ]
}

fn keys_errors() -> [KeysError; 5] {
    let store = "a store";
    [
        KeysError::File(io()),
        KeysError::System(SystemError::Gone { store }),
        KeysError::System(SystemError::Silent { store }),
        KeysError::System(SystemError::Refused { store, why: "locked".into() }),
        KeysError::NoStore,
    ]
}

fn settings() -> Vec<SettingsFault> {
    let troubles = [
        KeyTrouble::Quoted,
        KeyTrouble::Damaged,
        KeyTrouble::Signs(KeyFault::Empty),
        KeyTrouble::Signs(KeyFault::Characters),
        KeyTrouble::Signs(KeyFault::TooLong),
    ];
    let mut all: Vec<_> = files().into_iter().map(|why| SettingsFault::File { path: path(), why }).collect();
    all.extend(troubles.map(SettingsFault::Key));
    all.extend(keys_errors().map(|error| SettingsFault::Keys { file: path(), error }));
    all.extend([
        SettingsFault::Unwritten { path: path(), error: os(OsErrorKind::NoRoom) },
        SettingsFault::PathSigns { path: path() },
        SettingsFault::NoRelay,
        SettingsFault::NoKey,
        SettingsFault::NoState,
        SettingsFault::Title(TitleFault::TooLong),
        SettingsFault::Title(TitleFault::Signs),
        SettingsFault::Delay,
        SettingsFault::Database(SourceError::Gone { path: path() }),
        SettingsFault::Trust(TrustError { path: path(), why: "it holds no certificate".into() }),
        SettingsFault::Address(AddressError::Key),
    ]);
    all
}

fn pairings() -> Vec<PairingError> {
    vec![
        PairingError::Address(AddressError::Key),
        PairingError::Outage(Outage::Cut),
        PairingError::Unknown,
        PairingError::Denied,
        PairingError::Expired,
        PairingError::Refused { text: "too many".into(), retry_s: Some(45) },
        PairingError::Refused { text: "too many".into(), retry_s: None },
    ]
}

fn failures() -> Vec<Failure> {
    let mut all = vec![
        Failure::NotTaken { status: 404, text: None, details: Vec::new() },
        Failure::NotTaken { status: 404, text: Some("no such thing".into()), details: Vec::new() },
        Failure::Unauthorized { text: "no".into() },
        Failure::Forbidden { text: "no".into() },
        Failure::Nowhere { why: Outage::SpeaksHttps },
    ];
    let waits = [Wait::Step, Wait::For(Duration::from_hours(3)), Wait::NextRun];
    all.extend(waits.map(|wait| Failure::NotNow { why: Outage::Cut, wait }));
    all
}

fn owns() -> [OwnFault; 4] {
    [
        OwnFault::Newer { path: path() },
        OwnFault::Damaged { path: path(), text: "EOF while parsing".into() },
        OwnFault::Unread { path: path(), error: os(OsErrorKind::Other) },
        OwnFault::Unwritten { path: path(), error: os(OsErrorKind::NoRoom) },
    ]
}

fn links() -> [LinkFault; 3] {
    [LinkFault::Missing, LinkFault::NoLink, LinkFault::Elsewhere { host: "other.example".into() }]
}

fn updates() -> Vec<UpdateFault> {
    let at = || "raid.example".to_owned();
    let version = || "1.2.3".to_owned();
    vec![
        UpdateFault::NoKey,
        UpdateFault::Address { url: "raid".into() },
        UpdateFault::Insecure { at: at() },
        UpdateFault::Unreachable { at: at(), why: "unknown issuer".into() },
        UpdateFault::Moved { at: at() },
        UpdateFault::Status { at: at(), status: 503 },
        UpdateFault::TooLarge { at: at(), mib: 1 },
        UpdateFault::NoPackage { version: version() },
        UpdateFault::ByHand { version: version() },
        UpdateFault::Tampered { at: at() },
        UpdateFault::OtherVersion { version: version(), signed: Some("1.2.2".into()) },
        UpdateFault::OtherVersion { version: version(), signed: None },
        UpdateFault::NotOffered,
        UpdateFault::InFight,
        UpdateFault::Busy,
        UpdateFault::NotInstalled { why: "no password".into() },
    ]
}

fn runs() -> Vec<WatchError> {
    let mut all: Vec<_> = folders().into_iter().map(WatchError::Folder).collect();
    all.extend(spools().map(WatchError::Spool));
    all.extend(CODES.map(|code| WatchError::Refused { code, text: "no".into() }));
    all.extend([
        WatchError::Address(AddressError::Key),
        WatchError::Unauthorized { text: "no".into() },
        WatchError::Forbidden { text: "no".into() },
        WatchError::NoMeter {
            after: Duration::from_secs(1),
            why: NoDatabase::Nowhere { looked: vec![path(), path()], wine: true },
        },
    ]);
    all
}

fn wrongs() -> Vec<Wrong> {
    vec![
        Wrong::Settings(SettingsFault::NoKey),
        Wrong::Keys { file: path(), error: KeysError::NoStore },
        Wrong::Address(AddressError::Key),
        Wrong::Pairing(PairingError::Denied),
        Wrong::Key(Failure::Unauthorized { text: "no".into() }),
        Wrong::Plan(PlanError::Database(NoDatabase::Nowhere { looked: Vec::new(), wine: false })),
        Wrong::Plan(PlanError::Folder(FolderError::Deleted { dir: path() })),
        Wrong::Source(SourceError::Gone { path: path() }),
        Wrong::Own(OwnFault::Newer { path: path() }),
        Wrong::Link(LinkFault::NoLink),
        Wrong::Update(UpdateFault::NoKey),
        Wrong::Upload(WatchError::Unauthorized { text: "no".into() }),
        Wrong::File { path: path(), error: os(OsErrorKind::NoRoom) },
        Wrong::Browser(os(OsErrorKind::NoRoom)),
        Wrong::Folder { path: path(), error: os(OsErrorKind::NoRoom) },
        Wrong::Clipboard { text: "no display".into() },
        Wrong::Startup(os(OsErrorKind::NoRoom)),
        Wrong::NoRelay,
        Wrong::NotRunning,
        Wrong::Elsewhere,
        Wrong::Uploading,
        Wrong::PlanGone,
        Wrong::NoFights,
        Wrong::Ending,
    ]
}

fn rules() -> Vec<Rule> {
    let version = || Version::parse("1.2.3").unwrap();
    vec![
        Rule::Newest,
        Rule::Offer { version: version(), notes: String::new() },
        Rule::Skipped { version: version() },
        Rule::NotYet { version: version() },
        Rule::Stopped { version: version() },
        Rule::Older { version: version() },
        Rule::NotSetUp,
        Rule::Unreadable,
    ]
}

/// Everything that goes wrong.
fn of_faults(words: &dyn Words) -> Vec<Said> {
    let mut said = Vec::new();
    for was_connected in [false, true] {
        said.extend(outages().iter().map(|why| words.outage(why, was_connected)));
    }
    for looked in 0..3 {
        said.push(words.nowhere(&vec![path(); looked], looked == 1));
    }
    said.extend([None, Some(&*path())].map(|named| words.no_database(&NoDatabase::silent(named))));
    said.extend(sources().iter().map(|error| words.source(error)));
    said.extend(unreadables().map(|why| words.unreadable(why)));
    said.extend(stalls().iter().map(|why| words.stall(why)));
    said.extend(folders().iter().map(|error| words.folder(error)));
    said.extend(spools().iter().map(|error| words.spool(error)));
    said.extend(addresses().iter().map(|error| words.address(error)));
    said.extend(runs().iter().map(|error| words.run(error)));
    said.extend(CODES.map(|code| words.refused(code, "too long")));
    said.push(words.refused(RefusedCode::TooFast, "slow down!"));
    said.extend(not_sent().iter().map(|why| words.not_sent(why)));
    said.extend(whys().iter().map(|why| words.why(why)));
    said.extend(troubles().iter().map(|trouble| words.trouble(trouble)));
    said.extend(settings().iter().map(|fault| words.settings(fault)));
    said.extend(keys_errors().iter().map(|error| words.keys(error, Path::new("/keys.json"))));
    said.push(words.trust(&TrustError { path: path(), why: "it holds no certificate".into() }));
    said.extend(pairings().iter().map(|error| words.pairing(error)));
    said.extend(failures().iter().map(|failure| words.key(failure)));
    said.extend(owns().iter().map(|fault| words.own(fault)));
    said.extend(links().iter().map(|fault| words.link(fault)));
    said.extend(updates().iter().map(|fault| words.update(fault)));
    said.extend(wrongs().iter().map(|wrong| words.wrong(wrong)));
    said
}

/// How all stands, and what else is a sentence.
fn of_the_rest(words: &dyn Words) -> Vec<Said> {
    let running = |connected, trouble: Option<Trouble>| Running {
        process: 7,
        history: false,
        connected,
        relay: "https://raid.example".into(),
        raid_url: None,
        trouble,
    };
    let [yes, no, kept] = [running(true, None), running(false, None), running(false, Some(troubles()[0].clone()))];
    let fault = SettingsFault::NoKey;
    let error = WatchError::Unauthorized { text: "no".into() };
    let (stall, nowhere) = (Stall::Deleted { dir: path() }, NoDatabase::Nowhere { looked: Vec::new(), wine: false });
    let why = Outage::Cut;
    let cut = |waiting| Standing::Cut { why: &why, was_connected: true, is_urgent: true, waiting };
    let elsewhere = |process, running| Standing::Elsewhere { process, running };
    let owns = owns();
    let standings = [
        Standing::NotSetUp,
        Standing::Begins,
        Standing::Unread { fault: &owns[0] },
        Standing::Unsettled { fault: &fault },
        elsewhere(None, None),
        elsewhere(Some(7), Some(&yes)),
        elsewhere(Some(7), Some(&no)),
        elsewhere(Some(7), Some(&kept)),
        Standing::Ended { error: &error, again: true },
        Standing::Ended { error: &error, again: false },
        Standing::Stalled { why: &stall },
        Standing::Paused { waiting: 0 },
        Standing::Paused { waiting: 1 },
        Standing::Paused { waiting: 2 },
        Standing::NoMeter { why: &nowhere },
        cut(0),
        cut(1),
        cut(2),
        Standing::TurnedAway { code: RefusedCode::Fenced, text: "no" },
        Standing::Connecting { waiting: 0 },
        Standing::Connecting { waiting: 1 },
        Standing::Live,
        Standing::OnItsWay { parts: 1 },
        Standing::Idle,
    ];
    let mut said: Vec<_> = standings.iter().map(|standing| words.standing(standing)).collect();
    said.extend(rules().iter().map(|rule| words.rule(rule)));
    said.extend([false, true].map(|is_private| words.shown_otherwise(is_private)));
    for names in [NamesPolicy::Full, NamesPolicy::Class, NamesPolicy::Hidden] {
        said.extend([0, 60].map(|delay_s| words.set_there(names, delay_s)));
    }
    said.extend([false, true].map(|private| words.pending(private)));
    let tally = |n| Tally { new: n, known: n, kept: n, failed: n, ..Tally::default() };
    for n in 0..3 {
        said.push(words.uploaded(&tally(n), n));
        for flag in [false, true] {
            said.push(Said::new(words.arrived(n, flag)));
            said.push(Said::new(words.uploading(&tally(n), 9, flag)));
        }
        let before = Before { there: n as usize, agreed: 0 };
        let plan = words.plan_of(9, before, "https://raid.example", Visibility::Private, NamesPolicy::Class);
        said.push(Said::new(plan));
    }
    for visibility in [None, Some(Visibility::Public), Some(Visibility::Unlisted), Some(Visibility::Private)] {
        for names in [None, Some(NamesPolicy::Full), Some(NamesPolicy::Class), Some(NamesPolicy::Hidden)] {
            said.push(Said::new(words.seen_by(SeenBy { visibility, names })));
        }
    }
    let system = SystemError::Silent { store: "a store" };
    for kept in [
        Kept::InSystem { store: "a store" },
        Kept::InFile { instead_of: None },
        Kept::InFile { instead_of: Some(system) },
    ] {
        said.push(Said::new(words.kept(&kept, Path::new("/keys.json"))));
    }
    for outcome in [Outcome::Kill, Outcome::Wipe, Outcome::Reset, Outcome::Unfinished, Outcome::Unknown] {
        said.push(Said::new(words.ended("Boss", outcome).1));
    }
    said.push(Said::new(words.offered("1.2.3").1));
    said.push(Said::new(words.began("Boss", None).1));
    for generation in
        [Generation::Events, Generation::Counters, Generation::Aggregate, Generation::Summary, Generation::Chunks]
    {
        said.push(Said::new(words.generation(generation)));
    }
    said
}

fn is_sentence(text: &str) -> bool {
    !text.trim().is_empty() && text.ends_with(['.', '!', '?', '…', ')', '。', '！', '？', '）'])
}

#[test]
fn every_text_is_a_sentence_and_names_nothing_that_only_a_command_line_has() {
    for language in Language::ALL {
        let words = of(language);
        for Said { sentence, remedy } in of_faults(words).into_iter().chain(of_the_rest(words)) {
            for text in [Some(&sentence), remedy.as_ref()].into_iter().flatten() {
                assert!(is_sentence(text), "{language:?}: {text}");
                for flag in
                    ["--", "`", "RAIDCAST_", "raidcast login", "raidcast upload", "raidcast watch", "raidcast status"]
                {
                    assert!(!text.contains(flag), "{language:?}: {text}");
                }
                for odd in ["..", "。。", "  ", ".。", " .", "{}"] {
                    assert!(!text.contains(odd), "{language:?}: {text}");
                }
            }
        }
    }
}

#[test]
fn no_language_says_in_another_what_it_says_itself() {
    let [english, chinese] = Language::ALL.map(of);
    let is_chinese = |text: &str| text.chars().any(|sign| ('\u{4e00}'..='\u{9fff}').contains(&sign));
    let both = of_faults(english).into_iter().zip(of_faults(chinese));
    let rest = of_the_rest(english).into_iter().zip(of_the_rest(chinese));
    for (one, other) in both.chain(rest) {
        assert!(!is_chinese(&one.text()), "{one:?}");
        assert_eq!(one.remedy.is_some(), other.remedy.is_some(), "{one:?} {other:?}");
        // What was said in words of before is data.
        if !one.sentence.starts_with("in words of before") {
            assert!(is_chinese(&other.sentence), "{other:?}");
        }
        assert!(other.remedy.as_deref().is_none_or(is_chinese), "{other:?}");
    }
    let states = [
        AppState::Setup,
        AppState::NoMeter,
        AppState::Idle,
        AppState::Live,
        AppState::Waiting,
        AppState::Trouble,
        AppState::Paused,
        AppState::Elsewhere,
    ];
    for state in states {
        assert!(is_chinese(chinese.headline(state)) != is_chinese(english.headline(state)), "{state:?}");
    }
    for item in ItemId::ALL {
        assert!(is_chinese(chinese.item(item)) && !is_chinese(english.item(item)), "{item:?}");
    }
}

#[test]
fn numbers_have_their_nouns_and_links_are_told_only_where_others_may_see_them() {
    let [english, chinese] = Language::ALL.map(of);
    assert_eq!([english.hits(1), english.hits(9_999), english.hits(12_340)], ["1 hit", "9999 hits", "12.3k hits"]);
    assert_eq!(english.hits(1_234_567), "1.23M hits");
    assert_eq!(chinese.hits(12_340), "1.2 万次命中");
    assert_eq!([english.bytes(999), english.bytes(1_500), english.bytes(2_500_000)], ["999 B", "1.5 kB", "2.5 MB"]);
    assert_eq!(english.began("Boss", Some("https://r/a")), ("Live: Boss".to_owned(), "https://r/a".to_owned()));
    let plan = english.plan_of(
        1,
        Before { there: 1, agreed: 0 },
        "https://raid.example",
        Visibility::Unlisted,
        NamesPolicy::Full,
    );
    assert_eq!(
        plan,
        "1 fight would be sent to https://raid.example. 1 of them is uploaded already and is not sent again. Who may see \
         what is new there: everybody who has the link."
    );
    let tally = Tally { new: 2, known: 1, failed: 1, ..Tally::default() };
    assert_eq!(
        english.uploaded(&tally, 3).sentence,
        "2 fights uploaded, 1 uploaded before, 1 not taken, 3 not uploaded yet."
    );
}

/// What happened, and what to do: as it reads in the window.
#[test]
fn some_of_it_word_for_word() {
    let words = of(Language::English);
    let at = || Address { host: "raid.example".into(), port: 443, tls: true };
    for (said, expected) in [
        (
            words.outage(&Outage::NoRelay { at: at(), status: 404 }, false),
            "There is no Raidcast relay at raid.example:443. Check the relay's address in the settings.",
        ),
        (
            words.outage(&Outage::NoRelay { at: at(), status: 404 }, true),
            "There is no Raidcast relay at raid.example:443.",
        ),
        (
            words.standing(&Standing::Cut { why: &Outage::Cut, was_connected: true, is_urgent: false, waiting: 2 }),
            "The connection was cut. 2 parts wait here, and nothing is lost.",
        ),
        (
            words.stall(&Stall::Unwritable { dir: "/s".into(), error: os(OsErrorKind::NoRoom) }),
            "Nothing can be written to /s (it burns). Nothing is lost: the meter keeps its fights. Make room on that disk.",
        ),
        (
            words.standing(&Standing::Paused { waiting: 1 }),
            "Nothing is sent. Fights that begin now are left alone, also later. 1 part of an earlier fight waits here. End \
             the pause, and it goes on.",
        ),
        (
            words.nowhere(&[path(), path()], true),
            "No meter's database was found. 2 places were looked at, also in folders of Wine and Proton. Start the meter \
             once, or choose its database in the settings.",
        ),
        (
            words.address(&AddressError::Url { url: "raid.example".into(), why: WrongUrl::NoScheme }),
            "raid.example is no relay's address: it has no http:// or https://. Give an address like \
             https://raidcast.example, or the link of an invitation.",
        ),
    ] {
        assert_eq!(said.text(), expected);
    }
}
