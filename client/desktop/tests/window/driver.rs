//! A hand in the app's window: the driver that its engine has, over plain HTTP.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{ask, free_port};
use crate::process::Process;
use crate::stage::{APP, Stage};
use crate::wait::{becomes, until};

/// If the app dies at its start, the driver waits for ever.
const SESSION: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_secs(20);
/// What an element is called in the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The app with a window that is driven.
pub(crate) struct Driver {
    process: Process,
    port: u16,
    session: String,
}

impl Driver {
    /// Starts the app and takes its window in hand.
    pub(crate) async fn start(stage: &Stage, arguments: &[&str]) -> Self {
        let port = free_port();
        let mut command = Command::new("WebKitWebDriver");
        command.arg(format!("--port={port}"));
        stage.dress(&mut command).env("TAURI_WEBVIEW_AUTOMATION", "true");
        command.stdout(stage.said_to("driver.said")).stderr(stage.said_to("app.said"));
        let process = Process::start(&mut command);
        let up = async || ask(port, "GET", "/status", "", None, STEP).await.is_some();
        becomes("the driver answers", up).await;
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "webkitgtk:browserOptions": {"binary": APP, "args": arguments},
        }}});
        let made = ask(port, "POST", "/session", "", Some(&wanted), SESSION).await;
        let made = made.unwrap_or_else(|| panic!("no session in {SESSION:?}: the app shows no window"));
        let session = made.json()["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("{}", made.text)).to_owned();
        Self { process, port, session }
    }

    /// Ends the app as if it were killed, and the driver.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    async fn step(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value, String> {
        let path = format!("/session/{}{path}", self.session);
        let answer = ask(self.port, method, &path, "", body.as_ref(), STEP).await;
        let answer = answer.unwrap_or_else(|| panic!("the window does not answer {method} {path}"));
        let value = answer.json()["value"].clone();
        if answer.status == 200 { Ok(value) } else { Err(value["message"].to_string()) }
    }

    /// Runs a function's body in the page; gives what it returns.
    pub(crate) async fn run(&self, script: &str, arguments: Value) -> Value {
        let body = json!({"script": script, "args": arguments});
        self.step("POST", "/execute/sync", Some(body)).await.unwrap_or_else(|why| panic!("{script}: {why}"))
    }

    /// Calls a command of the app as the page does: `Ok` with its answer, or what it was refused with.
    pub(crate) async fn call(&self, command: &str, arguments: Value) -> Result<Value, Value> {
        let script = "const [command, given, done] = arguments;
            window.__TAURI_INTERNALS__.invoke(command, given)
                .then((answer) => done({ok: answer ?? null}), (why) => done({fault: why ?? null}));";
        let body = json!({"script": script, "args": [command, arguments]});
        let done = self.step("POST", "/execute/async", Some(body)).await;
        let done = done.unwrap_or_else(|why| panic!("{command}: {why}"));
        match done.get("fault") {
            None => Ok(done["ok"].clone()),
            Some(fault) => Err(fault.clone()),
        }
    }

    /// What can be read in the window.
    pub(crate) async fn text(&self) -> String {
        let text = self.run("return document.body ? document.body.innerText : ''", json!([])).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a text can be read in the window.
    pub(crate) async fn sees(&self, text: &str) -> String {
        let mut last = String::new();
        let seen = until(format!("the window says `{text}`"), async || {
            let all = self.text().await;
            if all != last {
                eprintln!("the window says: {all:?}");
                last.clone_from(&all);
            }
            all.contains(text).then_some(all)
        });
        seen.await
    }

    async fn find(&self, xpath: &str) -> Option<String> {
        let found = self.step("POST", "/element", Some(json!({"using": "xpath", "value": xpath}))).await.ok()?;
        found[ELEMENT].as_str().map(str::to_owned)
    }

    /// Waits for the element, and clicks it as a hand does.
    pub(crate) async fn click(&self, xpath: &str) {
        let clicking = until(format!("{xpath} can be clicked"), async || {
            let element = self.find(xpath).await?;
            self.step("POST", &format!("/element/{element}/click"), Some(json!({}))).await.ok()
        });
        clicking.await;
    }

    /// Clicks the button with this label.
    pub(crate) async fn press(&self, label: &str) {
        self.click(&format!("//button[(normalize-space(.)='{label}' or @aria-label='{label}') and not(@disabled)]"))
            .await;
    }

    /// Types a text into the field with this label.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let xpath = format!(
            "//*[self::input or self::textarea][@id=//label[contains(normalize-space(.),'{label}')]/@for or \
             ancestor::label[contains(normalize-space(.),'{label}')] or @aria-label='{label}']"
        );
        let filling = until(format!("there is a field `{label}`"), async || {
            let element = self.find(&xpath).await?;
            self.step("POST", &format!("/element/{element}/clear"), Some(json!({}))).await.ok()?;
            self.step("POST", &format!("/element/{element}/value"), Some(json!({"text": text}))).await.ok()
        });
        filling.await;
    }
}
