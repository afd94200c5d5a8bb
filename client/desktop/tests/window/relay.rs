//! A real relay, and people who do in it what they would do in their browsers.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Answer, Door, ask_at, free_port, key_file};
use crate::process::Process;
use crate::stage::program;
use crate::wait::{becomes, until};

/// What its operator lets uploaders in by.
pub(crate) const KEY: &str = "a-key-that-nobody-must-see-in-a-log";
/// So long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
const PASSWORD: &str = "correct horse battery";

/// A relay.
pub(crate) struct Relay {
    dir: TempDir,
    door: Door,
    process: Option<Process>,
}

impl Relay {
    /// Starts one that nobody administrates yet.
    pub(crate) async fn start() -> Self {
        Self::start_at(Door { port: free_port(), tls: false }).await
    }

    /// The same over HTTPS, with a certificate of an authority that no system knows.
    pub(crate) async fn start_with_tls() -> Self {
        Self::start_at(Door { port: free_port(), tls: true }).await
    }

    async fn start_at(door: Door) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut relay = Self { dir, door, process: None };
        relay.again().await;
        relay
    }

    /// Starts it again, where it was.
    pub(crate) async fn again(&mut self) {
        let file = |name: &str| std::fs::File::create(self.dir.path().join(name)).unwrap();
        let mut command = Command::new(program("raidcast-relay"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RAIDCAST_")) {
            command.env_remove(name);
        }
        command
            .args(["--listen", &format!("127.0.0.1:{}", self.door.port), "--data"])
            .arg(self.dir.path().join("data"))
            .env("RAIDCAST_UPLOAD_KEY", KEY)
            .env("RUST_LOG", "warn")
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(file("said"))
            .stderr(file("log"));
        if self.door.tls {
            command.args(["--public-url", &self.url()]);
            command.arg("--tls-certificate").arg(key_file("tls.pem")).arg("--tls-key").arg(key_file("tls.key"));
        }
        self.process = Some(Process::start(&mut command));
        let health = async || ask_at(self.door, "GET", "/health", "", None, PATIENCE).await.is_some();
        becomes("the relay answers", health).await;
    }

    /// Takes it away.
    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    pub(crate) fn url(&self) -> String {
        format!("http{}://127.0.0.1:{}", if self.door.tls { "s" } else { "" }, self.door.port)
    }

    /// Its first administrator, who joined by the link that it says at its start.
    pub(crate) async fn administrator(&self, name: &str) -> Person {
        let link = until("the relay says the first administrator's link", async || {
            let said = std::fs::read_to_string(self.dir.path().join("said")).ok()?;
            said.lines().find(|line| line.contains("#invitation=")).map(|line| line.trim().to_owned())
        });
        Person::join(self, name, &link.await).await
    }

    /// A page of the API, as those see it who are not signed in.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let answer = ask_at(self.door, "GET", path, "", None, PATIENCE).await;
        answer.unwrap_or_else(|| panic!("the relay does not answer {path}"))
    }

    /// What is live on it in a raid, as those see it who have its link.
    pub(crate) async fn raid(&self, link: &str) -> Value {
        let path = link.strip_prefix(&self.url()).unwrap_or_else(|| panic!("{link} is not of this relay"));
        assert_eq!(self.get(path).await.status, 200, "its page");
        let (path, ticket) = path.split_once('?').unwrap_or((path, ""));
        let code = path.rsplit('/').next().unwrap();
        self.get(&format!("/api/v1/raids/{code}?{ticket}")).await.json()
    }

    /// Its public reports, the oldest fight first.
    pub(crate) async fn reports(&self) -> Vec<Value> {
        let list = self.get("/api/v1/reports?limit=100").await.json();
        let mut reports = Vec::new();
        for line in list["reports"].as_array().unwrap_or(&Vec::new()) {
            reports.push(self.report(line["reportId"].as_str().unwrap()).await);
        }
        reports.sort_by_key(|report| report["startedAtMs"].as_i64());
        reports
    }

    pub(crate) async fn report(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/reports/{id}")).await.json()
    }

    /// Waits until so many public reports are final; gives the checksums of what they are made of.
    pub(crate) async fn finals(&self, fights: usize) -> Vec<String> {
        let mut said = String::new();
        let finals = until(format!("{fights} reports are final"), async || {
            let reports = self.reports().await;
            let states: Vec<_> = reports.iter().map(|report| report["state"].clone()).collect();
            if said != format!("{states:?}") {
                said = format!("{states:?}");
                eprintln!("reports on the relay: {said}");
            }
            (reports.len() == fights && reports.iter().all(|report| report["state"] == "final")).then_some(reports)
        });
        finals.await.iter().map(checksum).collect()
    }
}

/// Of all that happened in a report's fight, which the uploader must have said, too.
pub(crate) fn checksum(report: &Value) -> String {
    assert_eq!(report["unverified"], Value::Null, "the uploader says another checksum: {report}");
    report["checksum"].as_str().unwrap_or_else(|| panic!("no checksum: {report}")).to_owned()
}

/// Somebody with a browser, signed in.
pub(crate) struct Person {
    door: Door,
    cookie: String,
}

impl Person {
    /// Joins by an invitation, as its page does.
    pub(crate) async fn join(relay: &Relay, name: &str, invitation: &str) -> Self {
        let secret = invitation.split_once("#invitation=").unwrap_or_else(|| panic!("no invitation: {invitation}")).1;
        let mut person = Self { door: relay.door, cookie: String::new() };
        let form = json!({"name": name, "password": PASSWORD, "invitation": secret});
        let joined = person.ask("POST", "/api/v1/people", Some(form)).await;
        assert_eq!(joined.status, 201, "{}", joined.text);
        let set = joined.head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        set.unwrap().split(';').next().unwrap().clone_into(&mut person.cookie);
        person
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let headers = match self.cookie.as_str() {
            "" => "Sec-Fetch-Site: same-origin\r\n".to_owned(),
            cookie => format!("Sec-Fetch-Site: same-origin\r\nCookie: {cookie}\r\n"),
        };
        let answer = ask_at(self.door, method, path, &headers, body.as_ref(), PATIENCE).await;
        answer.unwrap_or_else(|| panic!("the relay does not answer {method} {path}"))
    }

    /// A link by which somebody else may join.
    pub(crate) async fn invites(&self) -> String {
        let form = json!({"note": "for a raider", "uses": 1, "days": 7});
        let made = self.ask("POST", "/api/v1/invitations", Some(form)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["url"].as_str().unwrap().to_owned()
    }

    /// Says yes to a program that shows a code, as the page for it does.
    pub(crate) async fn approves(&self, code: &str) {
        let path = format!("/api/v1/pairings/{code}");
        let shown = self.ask("GET", &path, None).await;
        assert_eq!(shown.status, 200, "{}", shown.text);
        let done = self.ask("POST", &path, Some(json!({"approve": true}))).await;
        assert_eq!(done.status, 204, "{}", done.text);
    }

    /// A key for an uploader: its number, and itself.
    pub(crate) async fn makes_key(&self) -> (i64, String) {
        let form = json!({"name": "a meter", "scopes": ["upload", "read"]});
        let made = self.ask("POST", "/api/v1/me/keys", Some(form)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json();
        (made["id"].as_i64().unwrap(), made["secret"].as_str().unwrap().to_owned())
    }

    /// Takes a key back.
    pub(crate) async fn takes_back(&self, key: i64) {
        let done = self.ask("DELETE", &format!("/api/v1/me/keys/{key}"), None).await;
        assert_eq!(done.status, 204, "{}", done.text);
    }

    /// Names of this person's keys.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let keys = self.ask("GET", "/api/v1/me/keys", None).await.json();
        keys["keys"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect()
    }
}
