//! Stands in for Discord's webhooks, on this machine: takes what its documentation takes, refuses the rest, and fails when it
//! is told to. Limits and shapes are those of <https://discord.com/developers/docs/resources/webhook> and …/message.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{patch, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// The secret in an address.
pub(crate) const TOKEN: &str = "a-Secret_token-of-tests";

/// What is not as it should be, for one request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// So many seconds, as the body tells them.
    Limited(f64),
    /// It takes it, and nothing may come before so many seconds have passed.
    UsedUp(f64),
    /// With a status, and Discord's code.
    Refused(u16, i64),
    /// With a status, by what stands before it: in words of its own.
    Before(u16),
    /// It takes it, and its answer is lost.
    Unsaid,
    /// It leads elsewhere.
    Elsewhere,
}

#[derive(Default)]
struct Told {
    /// By their ids.
    messages: BTreeMap<u64, Value>,
    /// Method and path of each request.
    asked: Vec<String>,
    /// What the documentation does not allow.
    wrong: Vec<String>,
    troubles: VecDeque<Trouble>,
    given: u64,
}

/// See the module's page.
pub(crate) struct Chat {
    url: String,
    told: Arc<Mutex<Told>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Chat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Chat {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::<Mutex<Told>>::default();
        let router = Router::new()
            .route("/api/v10/webhooks/{id}/{token}", post(execute))
            .route("/api/v10/webhooks/{id}/{token}/messages/{message}", patch(edit).delete(remove))
            .with_state(Arc::clone(&told));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, told, task }
    }

    /// As an operator names it.
    pub(crate) fn server(&self) -> &str {
        &self.url
    }

    /// The address of a webhook.
    pub(crate) fn webhook(&self, id: u32) -> String {
        format!("{}/api/webhooks/{id}/{TOKEN}", self.url)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    /// Something is wrong with the next request.
    pub(crate) fn trouble(&self, trouble: Trouble) {
        self.told().troubles.push_back(trouble);
    }

    /// The embeds of all messages that are there, the oldest first.
    pub(crate) fn embeds(&self) -> Vec<Value> {
        let told = self.told();
        assert_eq!(told.wrong, Vec::<String>::new(), "as Discord takes it");
        told.messages.values().map(|message| message["embeds"][0].clone()).collect()
    }

    /// The lines of the only message; none where there is none.
    pub(crate) fn lines(&self) -> Vec<String> {
        let embeds = self.embeds();
        assert!(embeds.len() <= 1, "{embeds:?}");
        let lines = |embed: &Value| embed["description"].as_str().unwrap().lines().map(str::to_owned).collect();
        embeds.first().map(lines).unwrap_or_default()
    }

    /// Methods of all requests.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.told().asked.iter().map(|asked| asked.split(' ').next().unwrap().to_owned()).collect()
    }

    /// All messages, as text.
    pub(crate) fn text(&self) -> String {
        self.told().messages.values().map(Value::to_string).collect()
    }

    /// Somebody deletes all messages there.
    pub(crate) fn clear(&self) {
        self.told().messages.clear();
    }
}

type Shared = State<Arc<Mutex<Told>>>;

/// Notes a request; gives what is answered in place of what it asks for.
fn begin(told: &mut Told, asked: String, headers: &HeaderMap) -> Option<Response> {
    told.asked.push(asked);
    if !headers.get(header::USER_AGENT).is_some_and(|agent| agent.to_str().unwrap().starts_with("DiscordBot (")) {
        told.wrong.push("no User-Agent of a bot".into());
    }
    Some(match told.troubles.front()? {
        Trouble::UsedUp(_) | Trouble::Unsaid => return None,
        Trouble::Limited(seconds) => {
            let body = json!({"message": "You are being rate limited.", "retry_after": seconds, "global": false});
            let retry = seconds.ceil().to_string();
            told.troubles.pop_front();
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, retry)], Json(body)).into_response()
        }
        Trouble::Refused(status, code) => {
            let body = json!({"message": "no", "code": code});
            let status = StatusCode::from_u16(*status).unwrap();
            told.troubles.pop_front();
            (status, Json(body)).into_response()
        }
        Trouble::Before(status) => {
            let status = StatusCode::from_u16(*status).unwrap();
            told.troubles.pop_front();
            (status, [(header::CONTENT_TYPE, "text/html")], "<html>error 1020</html>").into_response()
        }
        Trouble::Elsewhere => {
            told.troubles.pop_front();
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/api/v10/webhooks/9/elsewhere")]).into_response()
        }
    })
}

/// The answer to what was taken.
fn taken(told: &mut Told, answer: Value) -> Response {
    match told.troubles.pop_front() {
        Some(Trouble::UsedUp(seconds)) => {
            let limits = [("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset-after", seconds.to_string())];
            (limits, Json(answer)).into_response()
        }
        Some(_) => StatusCode::BAD_GATEWAY.into_response(),
        None => ([("x-ratelimit-remaining", "4"), ("x-ratelimit-reset-after", "2")], Json(answer)).into_response(),
    }
}

fn unknown(what: &str, code: i64) -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"message": format!("Unknown {what}"), "code": code}))).into_response()
}

/// A message, if it is as it must be; what is wrong with it is noted.
fn look(told: &mut Told, body: &[u8]) -> Option<Value> {
    let read = serde_json::from_slice::<Value>(body).map_err(|error| error.to_string());
    let checked = read.and_then(|message| check(&message).map(|()| message));
    checked.map_err(|why| told.wrong.push(why)).ok()
}

fn invalid() -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"message": "Invalid Form Body", "code": 50_035}))).into_response()
}

fn only(value: &Value, names: &[&str]) -> Result<(), String> {
    let held = value.as_object().ok_or_else(|| format!("{value} is no object"))?;
    match held.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(format!("`{name}` is no field of it")),
        None => Ok(()),
    }
}

fn text(value: &Value, name: &str, most: usize) -> Result<usize, String> {
    let Some(value) = value.get(name) else { return Ok(0) };
    let length = value.as_str().ok_or_else(|| format!("`{name}` is no text"))?.encode_utf16().count();
    if (1..=most).contains(&length) { Ok(length) } else { Err(format!("`{name}` has {length} characters")) }
}

/// A message as the documentation has it.
fn check(message: &Value) -> Result<(), String> {
    only(message, &["content", "embeds", "allowed_mentions", "username", "avatar_url", "flags"])?;
    text(message, "content", 2_000)?;
    if message["allowed_mentions"] != json!({"parse": []}) {
        return Err("somebody may be called".into());
    }
    let embeds = message["embeds"].as_array().ok_or("no embeds")?;
    if embeds.is_empty() || embeds.len() > 10 {
        return Err(format!("{} embeds", embeds.len()));
    }
    let mut all = 0;
    for embed in embeds {
        only(embed, &["title", "description", "url", "color", "footer", "fields", "timestamp"])?;
        only(&embed["footer"], &["text", "icon_url"])?;
        all += text(embed, "title", 256)? + text(embed, "description", 4_096)? + text(&embed["footer"], "text", 2_048)?;
        if !embed["url"].as_str().is_some_and(|url| url.starts_with("http://") || url.starts_with("https://")) {
            return Err("no address".into());
        }
        if embed["color"].as_u64().is_none_or(|color| color > 0xff_ffff) {
            return Err("no colour".into());
        }
        for field in embed["fields"].as_array().into_iter().flatten() {
            all += text(field, "name", 256)? + text(field, "value", 1_024)?;
        }
        if embed["fields"].as_array().is_some_and(|fields| fields.len() > 25) {
            return Err("too many fields".into());
        }
    }
    if all > 6_000 { Err(format!("{all} characters in all")) } else { Ok(()) }
}

async fn execute(
    State(told): Shared,
    Path((id, token)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut told = told.lock().unwrap();
    if let Some(instead) = begin(&mut told, format!("POST {id}"), &headers) {
        return instead;
    }
    if token != TOKEN {
        return unknown("Webhook", 10_015);
    }
    if query.as_deref() != Some("wait=true") {
        told.wrong.push("it does not wait for the message".into());
    }
    let Some(mut message) = look(&mut told, &body) else { return invalid() };
    told.given += 1;
    let given = 1_000_000_000_000_000_000 + told.given;
    message["id"] = json!(given.to_string());
    told.messages.insert(given, message.clone());
    taken(&mut told, message)
}

async fn edit(
    State(told): Shared,
    Path((id, _, message)): Path<(String, String, u64)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut told = told.lock().unwrap();
    if let Some(instead) = begin(&mut told, format!("PATCH {id}"), &headers) {
        return instead;
    }
    let Some(mut changed) = look(&mut told, &body) else { return invalid() };
    if !told.messages.contains_key(&message) {
        return unknown("Message", 10_008);
    }
    changed["id"] = json!(message.to_string());
    told.messages.insert(message, changed.clone());
    taken(&mut told, changed)
}

async fn remove(
    State(told): Shared,
    Path((id, _, message)): Path<(String, String, u64)>,
    headers: HeaderMap,
) -> Response {
    let mut told = told.lock().unwrap();
    if let Some(instead) = begin(&mut told, format!("DELETE {id}"), &headers) {
        return instead;
    }
    match told.messages.remove(&message) {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => unknown("Message", 10_008),
    }
}
