//! The command itself: its lines, its exit statuses, its end.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use raidcast::clock::Clock;
use raidcast_meterkit::{Generation, MeterWriter, Script, write_all};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::relay::{KEY, READING_KEY, Relay};
use crate::web::{Reply, Web};

fn command(dir: &Path) -> Command {
    subcommand(dir, "watch")
}

fn subcommand(dir: &Path, name: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_raidcast"));
    command
        .env_clear()
        .env("HOME", dir)
        .env("RAIDCAST_KEY", KEY)
        .arg(name)
        .args(["--state", dir.join("state").to_str().unwrap()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// When a fight began that is of tonight.
fn a_minute_ago() -> i64 {
    Clock::system().unix_ms() - 60_000
}

async fn output(command: &mut Command) -> (i32, String, String) {
    let output = tokio::time::timeout(Duration::from_mins(1), command.output());
    let Output { status, stdout, stderr } = output.await.expect("it ends").unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn start(mut command: Command) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// The next line of an event.
async fn next(lines: &mut Lines<BufReader<ChildStdout>>, event: &str) -> Value {
    let looking = async {
        loop {
            let line: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
            if line["event"] == event {
                return line;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), looking).await.unwrap_or_else(|_| panic!("no {event}"))
}

#[tokio::test]
async fn json_lines_tell_a_fight_from_its_begin_to_its_report() {
    let (dir, relay) = (tempfile::tempdir().unwrap(), Relay::start().await);
    let db = dir.path().join("meter.db");
    let mut writer = MeterWriter::open(&db, Generation::Aggregate).await.unwrap();
    write_all(&mut writer, &Script::party(1).fight().starting_at(a_minute_ago())).await.unwrap();
    let db = db.to_str().unwrap();
    let (status, out, err) =
        output(command(dir.path()).args(["--db", db, "--relay", &relay.url, "--until-idle", "0.5", "--json"])).await;
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |event: &str| lines.iter().find(|line| line["event"] == event).unwrap_or_else(|| panic!("{event}: {out}"));
    let encounter = of("begun")["encounter"].as_str().unwrap();
    assert_eq!(encounter.len(), 36);
    assert_eq!(of("begun")["reportId"], encounter);
    assert!(of("begun")["url"].as_str().unwrap().ends_with(encounter));
    assert_eq!(of("acked")["encounter"], encounter);
    assert_eq!(of("finalized")["state"], "final");
    assert_eq!(of("watching")["generation"], "aggregate");
    assert_eq!(of("connected")["channelUrl"], "http://relay/live/me");
    assert_eq!(of("done")["complete"], true);
    // The same for people: nothing of it on stdout.
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let (status, out, err) =
        output(command(dir.path()).args(["--db", db, "--relay", &relay.url, "--until-idle", "0.5"])).await;
    assert_eq!((status, out.as_str()), (0, ""), "{err}");
    assert!(
        err.contains("Watching ") && err.contains("Uploaded already. The report is at http://relay/report/"),
        "{err}"
    );
}

#[tokio::test]
async fn a_wrong_key_or_setting_is_status_2_and_a_relay_or_meter_that_is_not_there_status_1() {
    let (dir, relay) = (tempfile::tempdir().unwrap(), Relay::start().await);
    let db = dir.path().join("meter.db");
    MeterWriter::open(&db, Generation::Aggregate).await.unwrap().close().await.unwrap();
    let args = ["--relay", &relay.url, "--json", "--db", db.to_str().unwrap()];
    let wrong = output(command(dir.path()).env("RAIDCAST_KEY", "wrong-one").args(args)).await;
    assert_eq!(wrong.0, 2);
    assert_eq!(wrong.2, "error: The relay does not know this key. Check RAIDCAST_KEY.\n");
    assert!(!wrong.1.contains("wrong-one"), "{}", wrong.1);
    assert!(wrong.1.contains(r#""event":"refused","code":"unauthorized""#), "{}", wrong.1);
    // Where the key is to be set right.
    let config = dir.path().join("mine.toml");
    let in_file = async |text: &str| {
        std::fs::write(&config, text).unwrap();
        let more = ["--db", db.to_str().unwrap(), "--config", config.to_str().unwrap()];
        output(command(dir.path()).env_remove("RAIDCAST_KEY").args(more)).await
    };
    let (status, _, err) = in_file(&format!("relay = \"{}\"\nkey = \"wrong-one\"\n", relay.url)).await;
    let told = format!("error: The relay does not know this key. Check key = \"…\" in {}.\n", config.display());
    assert!(status == 2 && err.ends_with(&told), "{err}");
    // An address that can be none comes before the key that there is not.
    let (status, _, err) = in_file("relay = \"raidcast.example\"\n").await;
    assert!(status == 2 && err.ends_with("it has no http:// or https://. Write https://raidcast.example.\n"), "{err}");
    let (status, _, err) = in_file("").await;
    assert!(status == 2 && err.contains("error: Pair this computer with a relay first: raidcast login "), "{err}");
    // It is known, and may not upload: the relay says so, once.
    let forbidden = output(command(dir.path()).env("RAIDCAST_KEY", READING_KEY).args(args)).await;
    assert_eq!(forbidden.0, 2);
    assert_eq!(forbidden.2, "error: This key may not upload: it lacks the scope `upload`. Use another.\n");
    assert!(forbidden.1.contains(r#""kind":"forbidden""#), "{}", forbidden.1);
    for (args, word) in [
        (&["--relay", "nowhere"][..], "https://"),
        (&[], "--relay"),
        (&["--relay", "http://x", "--visibility", "secret"], "unlisted"),
        (&["--relay", "http://x", "--until-idle", "soon"], "seconds"),
        (&["--relay", "http://x", "--title", "<b>"], "--title"),
        (&["--relay", "http://x", "--config", "/nowhere.toml"], "/nowhere.toml"),
    ] {
        let (status, _, err) = output(command(dir.path()).args(args)).await;
        assert_eq!(status, 2, "{args:?}: {err}");
        assert!(err.contains(word), "{args:?}: {err}");
    }
    let (status, _, err) = output(command(dir.path()).args(["--relay", &relay.url, "--until-idle", "0.5"])).await;
    assert_eq!(status, 1);
    assert!(err.contains("No meter database was found") && err.contains("resonance-logs-cn.db"), "{err}");
    assert_eq!(err.contains("Wine and Proton folders were searched, too."), cfg!(target_os = "linux"), "{err}");
    let (status, _, err) = output(command(dir.path()).env_remove("RAIDCAST_KEY").args(["--relay", &relay.url])).await;
    assert_eq!(status, 2);
    assert!(err.contains("error: There is no key for this relay. Run raidcast login with its address, or set RAIDCAST_KEY to your upload key, or write key = "), "{err}");
    let missing = dir.path().join("gone.db");
    let (status, _, err) = output(command(dir.path()).args([
        "--relay",
        &relay.url,
        "--until-idle",
        "0.5",
        "--db",
        missing.to_str().unwrap(),
    ]))
    .await;
    assert_eq!(status, 1);
    assert!(err.contains("gone.db is not there. It is read as soon as the meter writes it."), "{err}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_it_quickly_and_the_fight_goes_on_at_the_next_start() {
    let (dir, relay) = (tempfile::tempdir().unwrap(), Relay::start().await);
    let db = dir.path().join("meter.db");
    let mut writer = MeterWriter::open(&db, Generation::Aggregate).await.unwrap();
    writer.begin(&Script::party(2).fight().starting_at(a_minute_ago())).await.unwrap();
    writer.advance_to(20_000).await.unwrap();
    let args = ["--db", db.to_str().unwrap(), "--relay", &relay.url, "--json"];
    let mut watch = command(dir.path());
    watch.args(args);
    let (mut child, mut lines) = start(watch);
    next(&mut lines, "acked").await;
    // A second one on the same state says whose it is.
    let (status, out, err) = output(command(dir.path()).args(args)).await;
    assert_eq!(status, 1);
    assert!(out.contains(r#""kind":"state""#), "{out}");
    assert!(err.contains(&format!("process {}", child.id().unwrap())), "{err}");

    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let status = tokio::time::timeout(Duration::from_secs(3), child.wait()).await.expect("it ends quickly").unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(relay.memory().fights.values().all(|fight| fight.ending.is_none()));
    assert!(std::fs::read_dir(dir.path().join("state/spool")).unwrap().next().is_some());

    writer.end().await.unwrap();
    let (status, out, _) = output(command(dir.path()).args(args).args(["--until-idle", "0.5"])).await;
    assert_eq!(status, 0, "{out}");
    assert!(out.contains(r#""event":"finalized""#), "{out}");
}

#[tokio::test]
async fn an_upload_asks_says_what_it_would_do_and_never_sends_twice() {
    let (dir, relay) = (tempfile::tempdir().unwrap(), Relay::start().await);
    let db = dir.path().join("meter.db");
    let mut writer = MeterWriter::open(&db, Generation::Aggregate).await.unwrap();
    for fight in Script::night(1) {
        write_all(&mut writer, &fight).await.unwrap();
    }
    let args = ["--db", db.to_str().unwrap(), "--relay", &relay.url];
    let upload = async |more: &[&str]| output(subcommand(dir.path(), "upload").args(args).args(more)).await;
    // Nobody is there to be asked.
    let (status, out, err) = upload(&[]).await;
    assert_eq!((status, out.as_str()), (3, ""), "{err}");
    assert!(
        err.contains("\nThis would upload 3 fights from 2026-09-21 14:13 UTC to 2026-09-21 14:16 UTC to http"),
        "{err}"
    );
    assert!(err.contains("visible to everybody who has the link. Nothing was sent."), "{err}");
    assert!(err.contains("--yes") && err.contains("left out: the meter has not ended it"), "{err}");
    assert!(relay.memory().fights.is_empty());
    assert_eq!(upload(&["--json"]).await.0, 3);
    // Nothing is asked where nothing is to be sent.
    let (status, _, err) = upload(&["--since", "2026-09-22"]).await;
    assert_eq!(status, 0, "{err}");
    assert_eq!(err, "None of the fights began since 2026-09-22 00:00 UTC; 3 are earlier.\n");
    assert_eq!(upload(&["--since", "yesterday"]).await.0, 2);
    let (_, _, err) = upload(&["--since", "2026-09-21T14:14"]).await;
    assert!(err.contains("earlier fight is left out (--since)."), "{err}");

    let (status, out, err) = upload(&["--yes", "--json"]).await;
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!((count("planned"), count("uploaded"), count("finalized"), count("done")), (1, 3, 3, 1), "{out}");
    let done = lines.last().unwrap();
    assert_eq!((&done["new"], &done["known"], &done["complete"]), (&3.into(), &0.into(), &true.into()));
    // All of it is there: nothing is asked, nothing sent, and no raid made.
    let sent = |relay: &Relay| {
        let memory = relay.memory();
        (memory.deltas, memory.hellos.len())
    };
    let before = sent(&relay);
    for more in [&[][..], &["--visibility", "public", "--title", "Friday"]] {
        let (status, out, err) = upload(more).await;
        assert_eq!((status, out.as_str()), (0, ""), "{err}");
        assert!(err.contains("known    2026-09-21 14:13") && err.contains("http://relay/report/"), "{err}");
        let told = format!(
            "All 3 fights are uploaded already. Nothing was sent. To change who sees them, open {}/account.\n",
            relay.url
        );
        assert!(err.ends_with(&told), "{err}");
    }
    let (status, out, _) = upload(&["--json"]).await;
    assert_eq!((status, out.matches(r#""result":"known""#).count()), (0, 3), "{out}");
    assert!(out.lines().last().unwrap().contains(r#""event":"done""#), "{out}");
    assert_eq!(sent(&relay), before);

    let (status, out, err) = output(&mut subcommand(dir.path(), "status")).await;
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(out.lines().filter(|line| line.starts_with("sent          2026-09-21")).count(), 3, "{out}");
    let (_, out, _) = output(subcommand(dir.path(), "status").arg("--json")).await;
    let status: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&status["running"], &status["fights"][0]["state"]), (&Value::Null, &"on_relay".into()));

    let gone = dir.path().join("gone.db");
    let args = ["--db", gone.to_str().unwrap(), "--relay", &relay.url, "--yes"];
    let (status, _, err) = output(subcommand(dir.path(), "upload").args(args)).await;
    assert_eq!(status, 1);
    let told = "gone.db is not there. Give the path of the meter's database with --db, or leave --db out: then raidcast looks for it.\n";
    assert!(err.ends_with(told), "{err}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_an_upload_and_the_same_command_sends_the_rest() {
    let (dir, relay) = (tempfile::tempdir().unwrap(), Relay::start().await);
    let db = dir.path().join("meter.db");
    let mut writer = MeterWriter::open(&db, Generation::Chunks).await.unwrap();
    for n in 0..12 {
        let fight = Script::party(n).fight().starting_at(1_790_000_000_000 + n as i64 * 100_000);
        write_all(&mut writer, &fight).await.unwrap();
    }
    relay.memory().slow = Duration::from_millis(100);
    let args = ["--db", db.to_str().unwrap(), "--relay", &relay.url, "--yes", "--json"];
    let mut upload = subcommand(dir.path(), "upload");
    upload.args(args);
    let (mut child, mut lines) = start(upload);
    next(&mut lines, "uploaded").await;
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let done = next(&mut lines, "done").await;
    assert_eq!((&done["complete"], done["waiting"].as_u64().unwrap() > 0), (&false.into(), true), "{done}");
    let status = tokio::time::timeout(Duration::from_secs(3), child.wait()).await.expect("it ends quickly").unwrap();
    assert_eq!(status.code(), Some(1));

    relay.memory().slow = Duration::ZERO;
    // What was agreed to is not asked again.
    let (status, out, _) = output(subcommand(dir.path(), "upload").args(&args[..4])).await;
    assert_eq!((status, out.as_str()), (0, ""));
    assert_eq!(relay.memory().fights.len(), 12);
    assert!(relay.memory().fights.values().all(|fight| fight.ending.is_some()));
}

#[tokio::test]
async fn an_upload_over_http_tells_each_fight_and_what_waits() {
    let (dir, web) = (tempfile::tempdir().unwrap(), Web::start().await);
    let db = dir.path().join("meter.db");
    let mut writer = MeterWriter::open(&db, Generation::Aggregate).await.unwrap();
    for fight in Script::night(1) {
        write_all(&mut writer, &fight).await.unwrap();
    }
    let args = ["--db", db.to_str().unwrap(), "--relay", &web.url, "--http"];
    let upload = async |more: &[&str]| output(subcommand(dir.path(), "upload").args(args).args(more)).await;
    let (status, _, err) = upload(&[]).await;
    assert!(status == 3 && err.contains("\nThis would upload 3 fights"), "{err}");
    let (status, _, err) = upload(&["--title", "x"]).await;
    assert!(status == 2 && err.contains("cannot be used with"), "{err}");

    let login = || Reply::Says(200, vec!["Content-Type: text/html"], "<html>Log in</html>");
    web.replies([login(), login(), login()]);
    let (status, out, err) = upload(&["--yes"]).await;
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
    assert_eq!(err.matches("\nwaiting  2026-09-21 14:1").count(), 3, "{err}");
    assert!(err.contains("answers 200 OK, as no Raidcast relay does.") && err.contains("3 not uploaded yet"), "{err}");
    assert!(err.ends_with("\nRun the same command again to send the rest. Nothing is sent twice.\n"), "{err}");
    let (_, out, _) = output(&mut subcommand(dir.path(), "status")).await;
    assert_eq!(out.lines().filter(|line| line.starts_with("waiting  ")).count(), 3, "{out}");

    // It was agreed to: nothing is asked.
    let wrong = r#"{"code":"bad_request","message":"not so"}"#;
    web.replies([Reply::Says(400, vec![], wrong)]);
    let (status, out, err) = upload(&[]).await;
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
    assert_eq!(err.matches("\nnew      2026-09-21 14:1").count(), 2, "{err}");
    assert!(err.contains("http://relay/reports/r17900") && err.contains("\nrefused  2026-09-21 14:1"), "{err}");
    assert!(err.contains("3 fights: 2 new, 0 known already, 1 refused\n  1: not so. Update raidcast"), "{err}");
    // Nothing waits: another run would be answered alike.
    assert!(!err.contains("Run the same command again"), "{err}");
    let (status, out, err) = upload(&["--yes", "--json"]).await;
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!((count("planned"), count("uploaded"), count("done")), (1, 3, 1), "{out}");
    let done = lines.last().unwrap();
    assert_eq!((&done["new"], &done["known"], &done["complete"]), (&1.into(), &2.into(), &true.into()));
    for text in [out, err] {
        assert!(!text.contains(KEY), "{text}");
    }
}

#[tokio::test]
async fn each_fight_of_an_upload_has_a_line_of_json_also_when_the_rest_is_left() {
    let (dir, web) = (tempfile::tempdir().unwrap(), Web::start().await);
    let db = dir.path().join("meter.db");
    let mut writer = MeterWriter::open(&db, Generation::Aggregate).await.unwrap();
    for n in 0..9 {
        let fight = Script::party(n).fight().starting_at(1_790_001_000_000 + n as i64 * 100_000);
        write_all(&mut writer, &fight).await.unwrap();
    }
    writer.close().await.unwrap();
    let args = ["--db", db.to_str().unwrap(), "--relay", &web.url, "--http", "--yes", "--json"];
    let told = |out: &str| {
        let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |event: &str| -> Vec<Value> {
            lines.iter().filter(|line| line["event"] == event).map(|line| line["startedAtMs"].clone()).collect()
        };
        let stopped = lines.iter().find(|line| line["event"] == "stopped").map(|line| line["fights"].clone());
        (of("uploaded").len(), of("unsent"), stopped, lines.last().unwrap()["event"].clone())
    };
    web.replies(std::iter::repeat_n(Reply::Says(429, vec![], "slow down"), 4));
    let (status, out, err) = output(subcommand(dir.path(), "upload").args(args)).await;
    assert_eq!((status, err.as_str()), (1, ""), "{out}");
    let (uploaded, mut unsent, stopped, last) = told(&out);
    assert_eq!((uploaded, stopped, last), (0, Some(5.into()), "done".into()), "{out}");
    unsent.sort_by_key(Value::as_i64);
    assert_eq!(unsent, (0..9).map(|n| Value::from(1_790_001_000_000_i64 + n * 100_000)).collect::<Vec<_>>(), "{out}");
    assert!(out.lines().filter(|line| line.contains("\"unsent\"")).all(|line| line.contains("\"why\"")), "{out}");
}

#[cfg(unix)]
#[tokio::test]
async fn each_fight_of_an_upload_has_a_line_of_json_also_when_the_user_ends_it() {
    let (dir, web) = (tempfile::tempdir().unwrap(), Web::start().await);
    let db = dir.path().join("meter.db");
    let mut writer = MeterWriter::open(&db, Generation::Aggregate).await.unwrap();
    for fight in Script::night(1) {
        write_all(&mut writer, &fight).await.unwrap();
    }
    web.replies([Reply::IsMute, Reply::IsMute, Reply::IsMute]);
    let mut upload = subcommand(dir.path(), "upload");
    upload.args(["--db", db.to_str().unwrap(), "--relay", &web.url, "--http", "--yes", "--json"]);
    let (mut child, mut lines) = start(upload);
    web.asked(3).await;
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    for _ in 0..3 {
        assert!(next(&mut lines, "unsent").await.get("why").is_none());
    }
    next(&mut lines, "done").await;
    assert_eq!(child.wait().await.unwrap().code(), Some(1));
}

#[tokio::test]
async fn help_says_who_sees_what_is_uploaded_when_nothing_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let (_, out, _) = output(Command::new(env!("CARGO_BIN_EXE_raidcast")).arg("--help")).await;
    assert!(out.find("  login ") < out.find("  watch "), "{out}");
    for (verb, is_of_keys) in [("upload", true), ("watch", false)] {
        let (status, out, _) = output(subcommand(dir.path(), verb).arg("--help")).await;
        let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(status, 0);
        assert!(words.contains("[default: as before, at first unlisted"), "{out}");
        assert_eq!(words.contains("with --http: as the relay has it for your key]"), is_of_keys, "{out}");
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_said_at_once_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let relay = ["--relay", "http://127.0.0.1:9"];
    let folder = dir.path().to_str().unwrap();
    for verb in ["watch", "upload"] {
        let (status, _, err) = output(subcommand(dir.path(), verb).args(relay).args(["--db", folder])).await;
        assert_eq!(status, 2, "{err}");
        assert!(err.contains("it is a folder. Name the database in it"), "{err}");
        for key in ["two words", "one\ntwo", "schlüssel", "\u{7}bell"] {
            let (status, _, err) = output(subcommand(dir.path(), verb).env("RAIDCAST_KEY", key).args(relay)).await;
            assert_eq!(status, 2, "{err}");
            assert!(err.contains("Copy the key again") && !err.contains(key), "{err}");
        }
    }
    #[cfg(unix)]
    {
        let pipe = dir.path().join("pipe.db");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for verb in ["watch", "upload"] {
            let args = ["--db", pipe.to_str().unwrap()];
            let (status, _, err) = output(subcommand(dir.path(), verb).args(relay).args(args)).await;
            assert_eq!(status, 2, "{err}");
            assert!(err.contains("it is a pipe or a device"), "{err}");
        }
    }
    // Another program's database is a wrong setting: it never becomes a meter's.
    let other = dir.path().join("bookmarks.db");
    std::fs::write(&other, [b'x'; 4096]).unwrap();
    for verb in ["watch", "upload"] {
        let args = ["--db", other.to_str().unwrap()];
        let (status, _, err) = output(subcommand(dir.path(), verb).args(relay).args(args)).await;
        assert_eq!(status, 2, "{err}");
        assert!(err.contains("it is not an SQLite database. Name the meter's database with --db"), "{err}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let odd = std::ffi::OsStr::from_bytes(b"\xff\xfe");
        let (status, _, err) = output(subcommand(dir.path(), "watch").env("RAIDCAST_KEY", odd).args(relay)).await;
        assert_eq!(status, 2, "{err}");
        assert!(err.contains("RAIDCAST_KEY is not text") && !err.contains("argument"), "{err}");
    }
    // Why it gives up is said once.
    let args = ["--db", "nowhere.db", "--until-idle", "3", "--meter-data", "/nowhere"];
    let (status, _, err) = output(subcommand(dir.path(), "watch").args(relay).args(args)).await;
    assert_eq!(status, 1, "{err}");
    assert_eq!(err.matches("nowhere.db is not there").count(), 1, "{err}");
    assert!(err.ends_with("error: Gave up after 3 s.\n"), "{err}");
    assert!(err.contains("There is no folder /nowhere: names of skills will be missing.\n"), "{err}");
    let (status, out, err) = output(&mut subcommand(&dir.path().join("nowhere"), "status")).await;
    let told = format!(
        "There is no folder {}. Nothing has been streamed with it yet.\n",
        dir.path().join("nowhere/state").display()
    );
    assert_eq!((status, out, err.as_str()), (0, told, ""));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_path_that_is_no_text_is_a_path_like_any_other() {
    use std::os::unix::ffi::OsStrExt as _;
    let (dir, relay) = (tempfile::tempdir().unwrap(), Relay::start().await);
    let odd = dir.path().join(std::ffi::OsStr::from_bytes(b"bad\xff"));
    std::fs::create_dir(&odd).unwrap();
    let made = dir.path().join("meter.db");
    let mut writer = MeterWriter::open(&made, Generation::Aggregate).await.unwrap();
    write_all(&mut writer, &Script::party(1).fight().starting_at(a_minute_ago())).await.unwrap();
    writer.close().await.unwrap();
    let db = odd.join("meter.db");
    std::fs::rename(&made, &db).unwrap();
    for (verb, args) in [
        ("upload", &["--yes", "--json"][..]),
        ("upload", &["--yes"]),
        ("watch", &["--json", "--until-idle", "3"]),
        ("watch", &["--until-idle", "3"]),
        ("status", &[]),
        ("status", &["--json"]),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_raidcast"));
        command.env_clear().env("HOME", &odd).env("RAIDCAST_KEY", KEY).arg(verb).args(args);
        command.stdin(Stdio::null()).arg("--state").arg(odd.join("state"));
        if verb != "status" {
            command.args(["--relay", &relay.url]).arg("--db").arg(&db);
        }
        let (status, out, err) = output(&mut command).await;
        assert_eq!(status, 0, "{verb} {args:?}: {out} {err}");
    }
    assert_eq!(relay.memory().fights.len(), 1);
    // Without --state and --db it looks in the odd home.
    let mut command = Command::new(env!("CARGO_BIN_EXE_raidcast"));
    command.env_clear().env("HOME", &odd).env("RAIDCAST_KEY", KEY).stdin(Stdio::null());
    command.args(["watch", "--json", "--until-idle", "3", "--relay", &relay.url]);
    let (status, _, err) = output(&mut command).await;
    assert_eq!(status, 1);
    assert!(err.contains("No meter database was found"), "{err}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_for_which_there_is_no_room_is_no_silence() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["status"][..], &["status", "--json"], &["status", "--state", "/nowhere/at/all"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_raidcast"));
        command.env_clear().env("HOME", dir.path()).args(args).stdin(Stdio::null()).stdout(full);
        let ended = command.output().unwrap();
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{args:?}");
        let says = "error: The answer cannot be printed (No space left on device). Make room on that disk, or print elsewhere.\n";
        assert_eq!(told, says, "{args:?}");
    }
}

#[tokio::test]
async fn the_key_stands_in_no_log_and_a_log_in_a_file_has_no_colours() {
    let (dir, relay) = (tempfile::tempdir().unwrap(), Relay::start().await);
    let db = dir.path().join("meter.db");
    let mut writer = MeterWriter::open(&db, Generation::Aggregate).await.unwrap();
    write_all(&mut writer, &Script::party(1).fight().starting_at(a_minute_ago())).await.unwrap();
    // A file that cannot be read is worth a line of the log.
    std::fs::write(dir.path().join("SceneName.json"), "{not json").unwrap();
    let args = ["--relay", &relay.url, "--db", db.to_str().unwrap(), "--until-idle", "3"];
    let (status, out, err) = output(command(dir.path()).env("RUST_LOG", "trace").args(args)).await;
    assert_eq!(status, 0, "{err}");
    assert!(err.contains("WARN") && err.contains("SceneName.json"), "{err}");
    assert!(!err.contains(KEY) && !out.contains(KEY));
    assert!(!err.contains('\u{1b}'), "{err}");
}

#[tokio::test]
async fn a_relay_that_speaks_http_or_https_is_not_taken_for_the_other() {
    let (dir, relay) = (tempfile::tempdir().unwrap(), Relay::start().await);
    let db = dir.path().join("meter.db");
    MeterWriter::open(&db, Generation::Aggregate).await.unwrap().close().await.unwrap();
    let port = relay.url.rsplit_once(':').unwrap().1;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, words) in
        [(format!("https://127.0.0.1:{port}"), "use http://"), (format!("http://{free}"), "Is the relay running?")]
    {
        let mut watch = command(dir.path());
        watch.args(["--db", db.to_str().unwrap(), "--relay", &url, "--json"]);
        let (mut child, mut lines) = start(watch);
        let told = next(&mut lines, "disconnected").await;
        assert!(told["why"].as_str().unwrap().contains(words), "{told}");
        child.kill().await.unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_console_that_stands_still_holds_up_neither_the_stream_nor_the_end() {
    for json in [false, true] {
        let (dir, relay) = (tempfile::tempdir().unwrap(), Relay::start().await);
        let db = dir.path().join("meter.db");
        let mut writer = MeterWriter::open(&db, Generation::Aggregate).await.unwrap();
        write_all(&mut writer, &Script::party(1).fight().starting_at(a_minute_ago())).await.unwrap();
        // Nobody reads it: filled once, it takes nothing more.
        let (unread, full) = std::io::pipe().unwrap();
        let mut filling = full.try_clone().unwrap();
        std::thread::spawn(move || std::io::Write::write_all(&mut filling, &vec![b'x'; 1 << 20]));
        let mut watch = command(dir.path());
        watch.args(["--db", db.to_str().unwrap(), "--relay", &relay.url, "--until-idle", "3"]);
        watch.stdout(full.try_clone().unwrap()).stderr(full);
        if json {
            watch.arg("--json");
        }
        let mut child = watch.spawn().unwrap();
        drop(watch);
        relay.until(|memory| memory.fights.values().any(|fight| fight.ending.is_some())).await;
        let status = tokio::time::timeout(Duration::from_mins(1), child.wait()).await.expect("it ends").unwrap();
        assert_eq!(status.code(), Some(0));
        drop(unread);
    }
}
