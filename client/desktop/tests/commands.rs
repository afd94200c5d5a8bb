//! What the page calls, without a display: each command with arguments that are right and some that are not, and that
//! it may call these alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use raidcast::clock::Clock;
use raidcast::keys::Keys;
use raidcast::secret::Entropy;
use raidcast::settings::Home;
use raidcast::source::detect::Places;
use raidcast_desktop_model::setup::Setup;
use raidcast_desktop_model::version::Version;
use serde_json::{Value, json};
use tauri::http::HeaderMap;
use tauri::ipc::{CallbackFn, InvokeBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder, mock_context, noop_assets};
use tauri::webview::InvokeRequest;
use tauri::{App, Listener as _, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

/// The app over folders of its own, where nothing is set up, with a window that nobody sees.
struct Stage {
    dir: tempfile::TempDir,
    window: WebviewWindow<MockRuntime>,
    _app: App<MockRuntime>,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let app = raidcast_desktop::builder(mock_builder()).build(mock_context(noop_assets())).unwrap();
        let window = WebviewWindowBuilder::new(&app, "main", WebviewUrl::default()).build().unwrap();
        raidcast_desktop::begin(app.handle(), setup(dir.path())).unwrap();
        Self { dir, window, _app: app }
    }

    fn call(&self, command: &str, arguments: &Value) -> Result<Value, Value> {
        let request = InvokeRequest {
            cmd: command.to_owned(),
            callback: CallbackFn(0),
            error: CallbackFn(1),
            url: "tauri://localhost".parse().unwrap(),
            body: InvokeBody::Json(arguments.clone()),
            headers: HeaderMap::new(),
            invoke_key: INVOKE_KEY.to_owned(),
        };
        get_ipc_response(&self.window, request).map(|body| body.deserialize().unwrap())
    }
}

fn setup(dir: &Path) -> Setup {
    let path = |name: &str| dir.join(name);
    Setup {
        home: Home { config: path("raidcast/config.toml"), keys: path("raidcast/keys.json"), state: path("state") },
        places: Places::default(),
        clock: Clock::new(|| 1_790_002_000_000),
        entropy: Entropy::system(),
        keys: |file| Keys::with(file, None),
        language: Some("en".to_owned()),
        version: Version::parse("1.2.3").unwrap(),
        log: path("log"),
        log_to: None,
        cache: path("cache"),
    }
}

/// What a call is to come to: a value with these members, or a fault of this code.
enum Comes {
    To(Value),
    Wrong(&'static str),
}

use Comes::{To, Wrong};

/// Every command in the order in which they are called: the right arguments, what comes of them, and wrong ones where
/// it has any.
fn calls() -> Vec<(&'static str, Value, Comes, Option<Value>)> {
    let shown = json!({"visibility": "unlisted", "reportVisibility": "live", "names": "hidden", "delayS": 0});
    let fight = "6f2c1d0e-0000-4000-8000-000000000000";
    let upload = json!({"choice": {"fights": [fight], "visibility": "unlisted", "names": "hidden"}});
    let filter = json!({"text": "", "sinceMs": null, "untilMs": null, "stands": [], "beforeMs": null});
    let none = || json!({});
    vec![
        ("ready", none(), To(Value::Null), None),
        ("now", none(), To(json!({"trayed": false, "paused": false})), None),
        ("first", none(), To(json!({"step": "meter", "relay": null})), None),
        ("find_meters", none(), To(json!([])), None),
        ("use_meter", json!({"path": null}), To(json!({"step": "relay"})), Some(json!({"path": 7}))),
        (
            "relay",
            json!({"text": "http://127.0.0.1:9"}),
            To(json!({"relay": "http://127.0.0.1:9", "plain": false, "paired": false})),
            Some(none()),
        ),
        ("pair", none(), Wrong("pairing"), None),
        ("pairing", none(), To(json!({"step": "failed"})), None),
        ("stop_pairing", none(), To(Value::Null), None),
        ("paste_key", json!({"key": "two words"}), Wrong("settings"), Some(json!({"key": null}))),
        ("forget_key", none(), To(json!(false)), None),
        (
            "finish_first",
            json!({"choice": {"old": {"old": "none"}, "shown": shown}}),
            Wrong("noRelay"),
            Some(json!({"choice": {"old": {"old": "all"}, "shown": shown}})),
        ),
        ("pause", json!({"paused": true}), Wrong("notRunning"), Some(json!({"paused": "yes"}))),
        ("private", json!({"private": true}), Wrong("notRunning"), Some(none())),
        ("try_now", none(), Wrong("notRunning"), None),
        ("fights", json!({"filter": filter}), To(json!({"fights": [], "total": 0})), Some(json!({"filter": "all"}))),
        ("plan", upload, Wrong("notRunning"), Some(json!({"choice": {"fights": [fight]}}))),
        (
            "upload",
            json!({"plan": 7, "progress": "__CHANNEL__:7"}),
            Wrong("notRunning"),
            Some(json!({"plan": -1, "progress": "__CHANNEL__:7"})),
        ),
        ("stop_upload", none(), To(Value::Null), None),
        ("again", json!({"fights": ["no such"]}), Wrong("noFights"), Some(json!({"fights": [7]}))),
        ("settings", none(), To(json!({"relay": null, "notices": true, "language": "system"})), None),
        (
            "change",
            json!({"change": {"change": "notices", "on": false}}),
            To(json!({"notices": false})),
            Some(json!({"change": {"change": "key", "key": "x"}})),
        ),
        // Where programs are built, none is started with the system.
        ("starts_with_system", none(), To(Value::Null), None),
        ("start_with_system", json!({"on": true}), Wrong("startup"), Some(json!({"on": 1}))),
        ("open", json!({"link": {"to": "raid"}}), Wrong("noRelay"), Some(json!({"link": "https://raid.example"}))),
        ("copy", json!({"link": {"to": "channel"}}), Wrong("noRelay"), Some(json!({"link": {"to": "elsewhere"}}))),
        ("about", none(), To(json!({"version": "1.2.3"})), None),
        // It is not there yet: nothing is shown on the screen of whoever runs the test.
        ("open_log", none(), Wrong("folder"), None),
        // A build of a test knows no key of releases.
        ("update", none(), To(json!({"rule": null, "busy": "no", "ready": false})), None),
        ("update_check", none(), To(json!({"busy": "no", "ready": false, "installed": null})), None),
        ("update_install", none(), Wrong("update"), None),
        ("update_skip", none(), Wrong("update"), None),
        ("bundle", none(), To(json!({})), None),
        ("quit", none(), To(Value::Null), None),
    ]
}

#[test]
fn each_command_does_what_it_says_and_takes_no_other_arguments() {
    let stage = Stage::new();
    for (command, right, comes, wrong) in calls() {
        if let Some(wrong) = wrong {
            let said = stage.call(command, &wrong).unwrap_err();
            assert!(said.as_str().is_some_and(|said| said.contains("invalid args")), "{command}: {said}");
        }
        let told = stage.call(command, &right);
        match (comes, told) {
            (To(Value::Object(members)), Ok(told)) => {
                for (name, value) in members {
                    assert_eq!(told[&name], value, "{command}, {name}: {told}");
                }
            }
            (To(value), Ok(told)) => assert_eq!(told, value, "{command}"),
            (Wrong(code), Err(fault)) => {
                assert_eq!(fault["code"], code, "{command}: {fault}");
                assert!(fault["sentence"].as_str().is_some_and(|said| said.ends_with('.')), "{command}: {fault}");
            }
            (_, told) => panic!("{command}: {told:?}"),
        }
        if command == "bundle" {
            let files = std::fs::read_dir(stage.dir.path().join("log")).unwrap();
            assert_eq!(files.count(), 1, "the text for whoever helps");
        }
    }
    let unknown = stage.call("delete_everything", &json!({})).unwrap_err();
    assert!(unknown.as_str().is_some_and(|said| said.contains("not found")), "{unknown}");
}

#[test]
fn what_changes_is_told_to_the_window() {
    let stage = Stage::new();
    // More than this start has to tell; of what is too much the first is enough.
    let (tell, told) = mpsc::sync_channel(64);
    stage.window.listen("now", move |event| tell.try_send(event.payload().to_owned()).unwrap_or_default());
    stage.call("change", &json!({"change": {"change": "language", "language": "zh"}})).unwrap();
    let next = || serde_json::from_str::<Value>(&told.recv_timeout(Duration::from_mins(1)).unwrap()).unwrap();
    // The first may be of before it knew how it stands.
    let now = std::iter::repeat_with(next).find(|now| now["state"] == "setup").unwrap();
    assert!(!now["headline"].as_str().unwrap().is_ascii(), "in Chinese: {now}");
}

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn parsed(name: &str) -> Value {
    serde_json::from_str(&file(name)).unwrap()
}

/// The names between two texts, each behind `before` and in front of `after`.
fn names_in(text: &str, from: &str, to: &str, before: &str, after: &str) -> BTreeSet<String> {
    let (_, list) = text.split_once(from).unwrap();
    let (list, _) = list.split_once(to).unwrap();
    let names = list.lines().filter_map(|line| line.trim().strip_prefix(before)?.strip_suffix(after));
    names.map(str::to_owned).collect()
}

#[test]
fn the_page_may_call_the_commands_that_there_are_and_nothing_else() {
    let handled = names_in(&file("src/lib.rs"), "generate_handler![", "]", "commands::", ",");
    let declared = names_in(&file("build.rs"), "COMMANDS: &[&str] = &[", "]", "\"", "\",");
    let called: BTreeSet<String> = calls().iter().map(|call| call.0.to_owned()).collect();
    assert_eq!(handled, declared);
    assert_eq!(handled, called);

    let capability = parsed("capabilities/main.json");
    let mut permitted: BTreeSet<String> =
        handled.iter().map(|name| format!("allow-{}", name.replace('_', "-"))).collect();
    permitted.extend(["core:event:allow-listen", "core:event:allow-unlisten"].map(str::to_owned));
    let listed = capability["permissions"].as_array().unwrap();
    assert_eq!(listed.len(), permitted.len(), "none twice");
    let listed: BTreeSet<String> = listed.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    assert_eq!(listed, permitted);
    assert_eq!((&capability["windows"], &capability["local"]), (&json!(["main"]), &json!(true)));
    assert!(capability.get("remote").is_none() && capability.get("webviews").is_none());
}

#[test]
fn nothing_but_the_pages_that_are_built_in_is_run_or_loaded() {
    let config = parsed("tauri.conf.json");
    let app = &config["app"];
    assert_eq!((&app["windows"], &app["withGlobalTauri"]), (&json!([]), &json!(false)));
    let security = &app["security"];
    assert_eq!(security["capabilities"], json!(["main"]));
    assert_eq!((&security["freezePrototype"], &security["assetProtocol"]["enable"]), (&json!(true), &json!(false)));
    let policy: Vec<&str> = security["csp"].as_str().unwrap().split("; ").collect();
    let wanted = [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src ipc: http://ipc.localhost",
    ];
    assert_eq!(policy, wanted);
    assert_eq!(security.get("dangerousDisableAssetCspModification"), None);
    // Its own page, under the relay's pages and not in their folder: the relay builds that in.
    assert_eq!(config["build"]["frontendDist"], "../../web/dist-desktop");
    let manifest = file("Cargo.toml");
    assert!(!manifest.contains("devtools"), "nobody looks into the page of a released program");
}

#[test]
fn the_tray_is_made_by_the_one_crate_that_gives_it_a_tooltip() {
    let lock = file("../../Cargo.lock");
    let crates: Vec<&str> = lock.split("[[package]]").filter(|held| held.contains("name = \"tray-icon\"")).collect();
    // Of two Tauri would take the other one, whose icon has no tooltip and cannot be clicked.
    assert_eq!(crates.len(), 1);
    assert!(crates[0].contains("\"ksni\""), "{}", crates[0]);
}
