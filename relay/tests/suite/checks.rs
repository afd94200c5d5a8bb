//! `raidcast-relay check` and `config`: what is wrong is said before a start, nothing is changed, and no secret is shown.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use raidcast_relay::account::look_at_providers;
use raidcast_relay::clock::Clock;

use crate::process::{KEY, RELAY, Run};
use crate::secure::key_file;
use crate::voucher::{Change, Faults, Voucher};

/// Runs it in a folder, with a file of this text, and no settings of whoever runs the tests.
pub(crate) fn run(
    folder: &Path,
    command: &str,
    file: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> (bool, String) {
    std::fs::write(folder.join("raidcast.toml"), file).expect("a configuration");
    let mut relay = Command::new(RELAY);
    relay.arg(command).args(arguments).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RAIDCAST_")) {
        relay.env_remove(name);
    }
    let Output { status, stdout, stderr } = relay.envs(environment.iter().copied()).output().expect("it runs");
    let text = [stdout, stderr].map(|bytes| String::from_utf8(bytes).expect("text")).concat();
    (status.success(), text)
}

/// All files below a folder, with their sizes.
fn entries(folder: &Path) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        if entry.path().is_dir() {
            all.extend(entries(&entry.path()));
        }
        all.push((entry.path().display().to_string(), entry.metadata().expect("it is there").len()));
    }
    all.sort();
    all
}

/// The line of one thing, without what stands between.
pub(crate) fn line(text: &str, verdict: &str, what: &str) -> String {
    let found =
        text.lines().find(|line| line.starts_with(verdict) && line[verdict.len()..].trim_start().starts_with(what));
    found.unwrap_or_else(|| panic!("no {verdict} of {what}: {text}")).to_owned()
}

const FREE: &str = "listen = [\"127.0.0.1:0\"]\ndata = \"data\"\n";

#[test]
fn where_nothing_is_wrong_nothing_is_made_either() {
    let folder = tempfile::tempdir().unwrap();
    let (good, text) = run(folder.path(), "check", FREE, &[], &[("RAIDCAST_UPLOAD_KEY", KEY)]);
    assert!(good, "{text}");
    for what in ["configuration", "database", "data folder", "relay.key", "disk", "listen", "keys"] {
        line(&text, "ok", what);
    }
    line(&text, "note", "public_url");
    assert!(line(&text, "ok", "keys").ends_with("1 key for 1 account"), "{text}");
    assert!(line(&text, "note", "administrators").contains("none yet"), "{text}");
    assert!(!text.contains(KEY), "{text}");
    assert_eq!(entries(folder.path()).len(), 1, "{text}");
}

#[test]
fn what_is_wrong_is_said_with_what_to_do_and_the_end_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let in_use = format!("listen = [\"{}\"]\n", taken.local_addr().unwrap());
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap();
    let twice = format!("listen = [\"{free}\", \"{free}\"]\n");
    std::fs::write(folder.path().join("a file"), "x").unwrap();
    std::fs::write(folder.path().join("songs.db"), "this is no database".repeat(100)).unwrap();
    let pair = |certificate: &str, key: &str| {
        let (certificate, key) = (key_file(certificate), key_file(key));
        format!("{FREE}tls_certificate = \"{}\"\ntls_key = \"{}\"\n", certificate.display(), key.display())
    };
    let provider = "public_url = \"https://raids.example\"\n[providers.sso]\nkind = \"openid\"\n\
                    issuer = \"http://127.0.0.1:9\"\nclient_id = \"raidcast\"\nclient_secret = \"s3cret-of-sso\"\n";
    for (file, what, says) in [
        ("listen = [\"8787\"]".to_owned(), "configuration", "like 127.0.0.1:8787"),
        (format!("{FREE}[upload_keys]\nguild = \"short\"\n"), "configuration", "fewer than 8 characters"),
        ("listen = [\"192.0.2.7:80\"]".to_owned(), "listen", "of this machine"),
        ("listen = [\"0.0.0.0:0\"]".to_owned(), "public_url", "where nobody is"),
        (FREE.replace("\"data\"", "\"a file\""), "data folder", "is no folder"),
        (FREE.replace("\"data\"", "\"a file/below\""), "data folder", "cannot be written to"),
        (format!("{FREE}database_url = \"sqlite:songs.db\"\n"), "database", "songs.db"),
        (pair("tls.pem", "other-tls.key"), "certificate", "is not that of the certificate"),
        (pair("expired-tls.pem", "expired-tls.key"), "certificate", "is expired since"),
        (pair("tls.pem", "nowhere.key"), "certificate", "nowhere.key"),
        (
            format!("{}public_url = \"https://other.example\"\n", pair("tls.pem", "tls.key")),
            "certificate",
            "other.example",
        ),
        (format!("{FREE}{provider}"), "provider sso", "cannot be reached"),
        (in_use, "listen", "by another program"),
        (twice, "listen", "another address of this list"),
    ] {
        let (good, text) = run(folder.path(), "check", &file, &[], &[]);
        let told = line(&text, "WRONG", what);
        assert!(told.contains(says) && !good, "{file}: {text}");
        assert!(
            text.contains("set right what is wrong") && !text.contains("s3cret") && !text.contains("short"),
            "{text}"
        );
    }
    let mut left: Vec<_> = entries(folder.path()).into_iter().map(|(path, _)| path).collect();
    left.retain(|path| !["raidcast.toml", "a file", "songs.db"].iter().any(|own| path.ends_with(own)));
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn all_mistakes_of_a_configuration_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = "listen = [\"8787\"]\nkeep_days = 0\n[upload_keys]\nguild = \"short\"\n";
    let (good, text) = run(folder.path(), "check", file, &[], &[("RAIDCAST_MEMORY_MIB", "much")]);
    let wrong: Vec<_> = text.lines().filter(|line| line.starts_with("WRONG  configuration")).collect();
    assert!(!good && wrong.len() == 4 && text.contains("set right what is wrong (4)"), "{text}");
    for (line, says) in wrong.iter().zip(["raidcast.toml:1:", "raidcast.toml:2:", "raidcast.toml:4:", "MEMORY_MIB"]) {
        assert!(line.contains(says), "{says}: {text}");
    }
    assert!(line(&text, "note", "configuration").contains("nothing else was looked at"), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn where_no_folder_can_be_made_that_is_said_and_nothing_of_its_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (good, text) = run(folder.path(), "check", &FREE.replace("\"data\"", "\"/proc/x\""), &[], &[]);
    let told = line(&text, "WRONG", "data folder");
    assert!(
        !good && ["cannot be made in /proc", "cannot be written to"].iter().any(|says| told.contains(says)),
        "{text}"
    );
    assert!(!text.contains("MiB are left"), "{text}");
}

#[cfg(feature = "postgres")]
#[test]
fn of_a_database_that_does_not_answer_nothing_else_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("{FREE}database_url = \"postgres://ana@127.0.0.1:9/raids\"\n");
    let (good, text) = run(folder.path(), "check", &file, &[], &[]);
    assert!(!good && line(&text, "WRONG", "database").contains("Start the server, or check host"), "{text}");
    for what in ["relay.key", "administrators"] {
        assert!(!text.lines().any(|line| line.contains(what)), "{what}: {text}");
    }
}

#[test]
fn what_sets_nothing_though_it_looks_so_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!(
        "{FREE}public_url = \"http://127.0.0.1/sub\"\n[providers.discord]\nkind = \"discord\"\nclient_id = \"1\"\n\
         base_url = \"http://127.0.0.1:9\"\n"
    );
    let environment = [
        ("RAIDCAST_LISTN", "127.0.0.1:1"),
        ("RAIDCAST_KEEP_DAYS", "9"),
        ("RAIDCAST_PROVIDER_DISCORD_SECRET", "s3cret"),
        ("RAIDCAST_UPLOAD_KEYS", "guild=s3cret-of-the-guild"),
        ("RUST_LOG", "sqlx=warn,loud"),
    ];
    let (_, text) = run(folder.path(), "check", &file, &[], &environment);
    let notes: Vec<_> = text.lines().filter(|line| line.contains("environment") && line.starts_with("note")).collect();
    assert_eq!(notes.len(), 3, "{text}");
    for says in ["RAIDCAST_LISTN sets nothing", "RAIDCAST_UPLOAD_KEYS sets nothing", "\"loud\", which is no level"] {
        assert!(notes.iter().any(|note| note.contains(says)), "{says}: {text}");
    }
    assert!(line(&text, "note", "public_url").contains("has a path") && !text.contains("s3cret"), "{text}");
}

#[test]
fn a_good_certificate_is_good_and_what_the_public_may_not_want_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let files = format!(
        "{FREE}tls_certificate = \"{}\"\ntls_key = \"{}\"\npublic_url = \"https://raids.example\"\n",
        key_file("tls.pem").display(),
        key_file("tls.key").display()
    );
    let (good, text) = run(folder.path(), "check", &files, &[], &[]);
    assert!(good, "{text}");
    assert!(line(&text, "ok", "certificate").contains("go together"), "{text}");
    line(&text, "ok", "public_url");
    let plain = format!("{FREE}public_url = \"http://raids.example\"\n");
    let (good, text) = run(folder.path(), "check", &plain, &[], &[]);
    assert!(good && line(&text, "note", "public_url").contains("plain HTTP"), "{text}");
    let (good, text) = run(folder.path(), "check", FREE, &["--public-url", "https://raids.example"], &[]);
    assert!(good && line(&text, "note", "public_url").contains("trusted_proxies"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_runs_is_seen_and_left_alone() {
    let run_ = Run::new(Path::new(""));
    let mut relay = run_.relay();
    run_.ready().await;
    let file = format!("listen = [\"127.0.0.1:{}\"]\ndata = \"{}\"\n", run_.port, run_.path("data").display());
    let folder = tempfile::tempdir().unwrap();
    let look = || run(folder.path(), "check", &file, &[], &[]);
    let (good, text) = tokio::task::block_in_place(look);
    assert!(good && line(&text, "note", "listen").contains("a relay that runs"), "{text}");
    assert!(line(&text, "ok", "database").contains("of this version"), "{text}");
    assert!(line(&text, "note", "database").contains("uses it now"), "{text}");
    line(&text, "ok", "relay.key");
    assert!(run_.get("/health").await.is_some_and(|told| told["status"] == "healthy"));
    // What it left behind is looked at as well, its log and all.
    relay.kill();
    let before = entries(&run_.path("data"));
    std::fs::remove_file(run_.path("data/relay.key")).unwrap();
    let (good, text) = run(folder.path(), "check", &file, &[], &[]);
    assert!(good && line(&text, "note", "relay.key").contains("restore it"), "{text}");
    assert_eq!(entries(&run_.path("data")).len(), before.len() - 1, "{text}");
}

#[tokio::test]
async fn providers_are_asked_what_they_say_of_themselves_and_sent_no_secret() {
    let voucher = Voucher::start().await;
    let settings = [voucher.openid("sso"), voucher.discord()];
    let look = async || look_at_providers(&settings, "https://raids.example", &Clock::system()).await;
    let looked = look().await;
    assert!(looked.len() == 2 && looked.iter().all(|(_, looked)| looked.is_ok()), "{looked:?}");
    assert_eq!(voucher.asked()[2], 0, "no token was asked for");
    let another = Change::to(|metadata| metadata["issuer"] = serde_json::json!("https://another.example"));
    voucher.set(Faults { metadata: another, ..Faults::default() });
    let looked = look().await;
    let why = looked[0].1.as_ref().expect_err("it is another");
    assert!(why.contains("another.example") && looked[1].1.is_ok(), "{looked:?}");
}

#[test]
fn the_settings_in_force_are_printed_with_what_set_them_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = "public_url = \"https://raids.example\"\nupload_key = \"s3cret-of-the-file\"\n";
    let environment =
        [("RAIDCAST_DATABASE_URL", "postgres://ana:s3cret@db.example/raids?a=s3cret"), ("RAIDCAST_LISTEN", "")];
    let (good, text) = run(folder.path(), "config", file, &["--memory-mib", "600"], &environment);
    assert!(good && !text.contains("s3cret"), "{text}");
    let spaced: Vec<_> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for expected in [
        "# The file is raidcast.toml.",
        "listen = [\"127.0.0.1:8787\"] # default",
        "public_url = \"https://raids.example\" # file",
        "database_url = \"postgres://ana@db.example/raids\" # environment variable RAIDCAST_DATABASE_URL",
        "memory_mib = 600 # flag --memory-mib",
        "upload_key = \"(set)\" # file",
    ] {
        assert!(spaced.iter().any(|line| line == expected), "{expected}: {text}");
    }
    let (good, text) = run(folder.path(), "config", "nonsense", &[], &[]);
    assert!(!good && text.contains("it is no TOML"), "{text}");
    assert_eq!(entries(folder.path()).len(), 1);
}
