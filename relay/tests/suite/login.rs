//! `raidcast login` as somebody runs it: the program says a page and a code, its owner types the code there, and the key is
//! in a file that only he reads, and in nothing that was said.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::people::{Browser, open};
use crate::process::{Process, client};
use crate::raw::becomes;
use crate::script::soon;

/// Runs the program with a home of its own and no settings of whoever runs the tests. All that it says goes into one file.
fn raidcast(program: &Path, home: &Path, arguments: &[&str]) -> Process {
    let said = || fs::File::options().create(true).append(true).open(home.join("said")).unwrap();
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RAIDCAST_")) {
        command.env_remove(name);
    }
    command.env("HOME", home).env("XDG_CONFIG_HOME", home.join("config")).env("XDG_DATA_HOME", home.join("data"));
    command.env_remove("DBUS_SESSION_BUS_ADDRESS");
    command.args(arguments).stdin(Stdio::null()).stdout(said()).stderr(said());
    Process(command.spawn().expect("the program starts"))
}

async fn ended(program: &mut Process) -> ExitStatus {
    soon("the program's end", async {
        loop {
            if let Some(status) = program.0.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

/// Which files below a folder hold a text.
fn holding(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if fs::read(&path).unwrap().windows(text.len()).any(|part| part == text.as_bytes()) {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn the_program_is_paired_by_its_owner_and_its_key_is_in_his_file_and_in_no_output() {
    let (data, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = client();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join("Ana", None).await.status, 201);
    let said = || fs::read_to_string(home.path().join("said")).unwrap_or_default();
    let mut login = raidcast(&program, home.path(), &["login", &relay.url, "--name", "Ana's old PC"]);
    becomes("a code", async || said().contains("Waiting")).await;
    let text = said();
    assert!(text.contains(&format!("{}/pair", relay.url)), "{text}");
    let is_code = |word: &&str| {
        word.len() == 9 && word.split('-').all(|part| part.len() == 4 && part.bytes().all(|c| c.is_ascii_uppercase()))
    };
    let code = text.split_whitespace().find(is_code).unwrap_or_else(|| panic!("no code: {text}"));
    // What stands on the page before he says yes.
    let shown = ana.get(&format!("/api/v1/pairings/{code}")).await;
    assert_eq!((shown.status, &shown.body["name"]), (200, &json!("Ana's old PC")), "{}", shown.body);
    let yes = Some(json!({"approve": true}));
    assert_eq!(ana.ask("POST", &format!("/api/v1/pairings/{code}"), yes).await.status, 204);
    let status = ended(&mut login).await;
    assert!(status.success() && said().contains("paired with Ana"), "{status}: {}", said());

    let file = home.path().join("config/raidcast/keys.json");
    let held = fs::read_to_string(&file).unwrap();
    let at = held.find("rc_").unwrap_or_else(|| panic!("no key: {held}"));
    let key = held[at..].split('"').next().unwrap().to_owned();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(relay.get_with("/api/v1/auth/check", Some(&key)).await, (200, json!({"valid": true})));
    assert_eq!(ana.get("/api/v1/me/keys").await.body["keys"][0]["name"], "Ana's old PC");
    // Nor a part of it that would be worth something.
    assert_eq!(holding(home.path(), &key[..20]), std::slice::from_ref(&file));
    assert!(!said().contains("rc_"), "{}", said());

    let status = ended(&mut raidcast(&program, home.path(), &["logout", &relay.url])).await;
    assert!(status.success() && said().contains("has forgotten its key"), "{status}: {}", said());
    assert_eq!(holding(home.path(), &key[..20]), Vec::<PathBuf>::new());
    relay.stop().await;
}
