//! Nights that are told in a chat: one message each, which edits itself, in the webhook that an account has set.
//!
//! Three invariants. What is told is what everybody may see who has the raid's link, as late as he sees it, and a raid that
//! is private tells nothing; it is read anew for each job, so a job that comes late tells no older state. What is to be told
//! is told in the end, and never sooner than the chat allows. And of several uploaders of one night who have set the same
//! webhook one message tells. Only one job is done at a time, so no two of one night both find none; where the relay dies
//! between sending a message and noting it, the next start sends it once more.

mod address;
mod message;
mod web;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{Method, StatusCode};
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use raidcast_shared::account::Audited;
use raidcast_shared::uplink::ReportState;
use raidcast_shared::webhook::{Webhook, WebhookForm, WebhookState};
use raidcast_store::{
    AccountId, JobKind, LeasedJob, NewWebhook, RaidRow, ReportLine, StoreError, WebhookJob, WebhookMessage, WebhookRow,
    WebhookStop,
};

pub use self::address::WebhookHost;
use self::address::{WebhookAddress, is_id};
use self::message::{NightFight, of_night, of_test};
use self::web::Web;
use crate::access::{Asker, Door, Manager, Visible};
use crate::account::digest;
use crate::context::Context;
use crate::error::HttpError;
use crate::jobs::{JobDone, Later, Worker};
use crate::limits::{
    NIGHT_FRESH_MS, NIGHT_RAIDS_MAX, WEBHOOK_LEFT_TRIES_MAX, WEBHOOK_OUTAGE_TRIES_MAX, WEBHOOK_TAKES_MS,
    WEBHOOK_TEST_EACH_MS, WEBHOOK_TRIES_MAX,
};

/// What Discord says of a webhook that it does not know.
const UNKNOWN_WEBHOOK: i64 = 10_015;
/// A message is looked at again after this, ms, where what may be told changed while it was made.
const CHANGED_MS: i64 = 1_000;
/// Messages that one job deletes: it asks the chat four times at the most.
const WITHDRAWN_MAX: usize = 2;

/// See the module's page.
pub struct Discord {
    context: Arc<Context>,
    door: Door,
    /// Beside Discord itself.
    named: Vec<WebhookHost>,
    web: Web,
    held: Mutex<Held>,
    /// When each webhook was tested last, Unix ms.
    tested: Mutex<HashMap<AccountId, i64>>,
}

/// Until when nothing may be sent, Unix ms.
#[derive(Default)]
struct Held {
    /// To these servers.
    server_until_ms: HashMap<String, i64>,
    /// To webhooks with these digests.
    until_ms: HashMap<[u8; 32], i64>,
}

/// A webhook that can be sent to.
struct Hook {
    digest: [u8; 32],
    address: WebhookAddress,
    /// Whether a message that somebody deleted there is sent anew.
    renews: bool,
}

/// Why something was not sent.
enum Unsent {
    /// It may not be before this has passed, ms.
    Busy(i64),
    /// There is no such message any more.
    NoMessage,
    /// Nothing more is to be sent there.
    Stopped(WebhookStop),
    /// The message is not taken as it is, with this status.
    NotTaken(u16),
    /// It is to be tried again.
    Failed(String),
}

/// A raid of a night, as everybody sees it.
struct NightRaid {
    raid: Visible<RaidRow>,
    fights: Vec<Visible<ReportLine>>,
    message: Option<WebhookMessage>,
}

/// What is to be told of a night.
#[derive(Default)]
struct Night {
    /// Those that are shown; the first one has the message.
    raids: Vec<NightRaid>,
    /// Messages that tell what is not shown any more, or what another one tells, each with its raid.
    surplus: Vec<(String, WebhookMessage)>,
    /// Of reports, which others are of the same fight.
    same: HashMap<String, Vec<String>>,
}

impl Night {
    /// Its fights in the order in which they began, each once.
    fn fights(&self) -> Vec<&Visible<ReportLine>> {
        let (mut told, mut fights) = (HashSet::new(), Vec::new());
        for line in self.raids.iter().flat_map(|raid| &raid.fights) {
            if !told.insert(line.report_id.as_str()) {
                continue;
            }
            told.extend(self.same.get(&line.report_id).into_iter().flatten().map(String::as_str));
            fights.push(line);
        }
        fights.sort_by(|a, b| (a.started_at_ms, &a.report_id).cmp(&(b.started_at_ms, &b.report_id)));
        fights
    }
}

impl Discord {
    /// Of a relay, which sends to Discord and to these.
    pub fn new(context: Arc<Context>, door: Door, named: Vec<WebhookHost>) -> Arc<Self> {
        let web = Web::new(&context.public_url);
        Arc::new(Self { context, door, named, web, held: Mutex::default(), tested: Mutex::default() })
    }

    /// Tells nights as they change.
    pub fn worker(self: Arc<Self>) -> Worker<impl Fn(LeasedJob) -> BoxFuture<'static, Result<JobDone, Later>>> {
        let (store, clock) = (Arc::clone(&self.context.store), self.context.clock.clone());
        let line = Arc::clone(&self.context.webhooks);
        let does = move |job| Arc::clone(&self).tell(job).boxed();
        Worker { store, clock, kind: JobKind::Webhook, line, does, goes_before: None, is_long: false }
    }

    /// Does one job: has the message of a raid's night say what is shown of it now.
    async fn tell(self: Arc<Self>, job: LeasedJob) -> Result<JobDone, Later> {
        let failed = |why: String| Later::failed(job.tries, why);
        let what = WebhookJob::of(&job.data).ok_or_else(|| failed("what is to be told cannot be read".into()))?;
        match self.told(job.key.account, what, job.tries).await {
            // Nothing more is to be done where it can go nowhere: that was told by whoever found out.
            Ok(()) | Err(Unsent::NoMessage | Unsent::Stopped(_)) => {}
            Err(Unsent::Busy(wait_ms)) => return Err(Later::not_yet(wait_ms, "the chat wants to be left alone")),
            Err(Unsent::NotTaken(status)) => {
                return Err(failed(format!("to tell of a night: the chat does not take the message ({status})")));
            }
            Err(Unsent::Failed(why)) => {
                let tries = job.tries.min(WEBHOOK_OUTAGE_TRIES_MAX);
                return Err(Later::failed(tries, format!("to tell of a night: {why}")));
            }
        }
        let done = self.context.store.finish_webhook_job(job.key, job.created_at_ms).await;
        done.map_err(|error| failed(error.to_string()))?;
        Ok(JobDone::Removed)
    }

    /// Does what a job says, for the so-manieth time.
    async fn told(&self, account: AccountId, what: WebhookJob<'_>, tries: u32) -> Result<(), Unsent> {
        let store = &self.context.store;
        let Some(row) = store.webhook(account).await?.filter(|row| row.stopped.is_none()) else { return Ok(()) };
        let Some(hook) = self.hook(&row) else {
            tracing::warn!(
                account = account.0,
                "the address of a webhook cannot be used any more: it must be set again"
            );
            return self.stop(&row.digest, WebhookStop::Lost).await;
        };
        let sent = match what {
            WebhookJob::Raid(code) => Box::pin(self.bring_up_to_date(&hook, code, tries)).await,
            WebhookJob::Gone(message) => self.delete(&hook, message).await,
        };
        match sent {
            Err(Unsent::Stopped(why)) => self.stopped(account, &hook.digest, why).await,
            Err(Unsent::NotTaken(status)) if tries >= WEBHOOK_TRIES_MAX => {
                let since_ms = row.sent_at_ms.map(|sent_at_ms| self.context.clock.now_ms().saturating_sub(sent_at_ms));
                if since_ms.is_some_and(|since_ms| since_ms < WEBHOOK_TAKES_MS) {
                    // What changes of it next is tried again.
                    tracing::warn!(
                        account = account.0,
                        status,
                        "a message is given up: the chat takes others, and not this one"
                    );
                    return Ok(());
                }
                self.stopped(account, &hook.digest, WebhookStop::NotTaken).await
            }
            sent => sent,
        }
    }

    /// Nothing more is sent to a webhook, as its owners are told.
    async fn stopped(&self, account: AccountId, digest: &[u8; 32], why: WebhookStop) -> Result<(), Unsent> {
        tracing::info!(account = account.0, ?why, "a webhook takes nothing any more");
        self.stop(digest, why).await
    }

    /// Another webhook, which its account had before, in which the message of a raid stands: by whoever has that still.
    async fn before(&self, hook: &Hook, code: &str) -> Result<Option<(Hook, WebhookMessage)>, Unsent> {
        let store = &self.context.store;
        let Some(message) = store.webhook_message(code).await?.filter(|message| message.digest != hook.digest) else {
            return Ok(None);
        };
        let before = store.webhook_with(&message.digest).await?;
        let before = before.and_then(|row| self.hook(&row));
        Ok(before.map(|before| (Hook { renews: false, ..before }, message)))
    }

    async fn bring_up_to_date(&self, hook: &Hook, code: &str, tries: u32) -> Result<(), Unsent> {
        let night = Box::pin(self.night(code, &hook.digest)).await?;
        if let Some((before, message)) = self.before(hook, code).await? {
            // What gets a message of its own is told in that alone. What is too old for one is told where it was: nobody else
            // would edit that any more.
            let told = if self.is_fresh(&night.fights()) {
                self.withdraw(&before, code, &message).await
            } else {
                let night_before = Box::pin(self.night(code, &before.digest)).await?;
                Box::pin(self.show(&before, &night_before)).await
            };
            match told {
                Ok(()) | Err(Unsent::NotTaken(_)) => {}
                Err(Unsent::NoMessage) => self.context.store.drop_webhook_message(code).await?,
                Err(Unsent::Stopped(why)) => self.stop(&before.digest, why).await?,
                Err(Unsent::Failed(why)) if tries >= WEBHOOK_LEFT_TRIES_MAX => {
                    tracing::warn!(why, "a message stays as it is in a webhook that its account has no more");
                }
                Err(unsent) => return Err(unsent),
            }
        }
        Box::pin(self.show(hook, &night)).await
    }

    /// Whether a night is of today: then it gets a message.
    fn is_fresh(&self, fights: &[&Visible<ReportLine>]) -> bool {
        let since_ms = self.context.clock.now_ms().saturating_sub(NIGHT_FRESH_MS);
        fights.last().is_some_and(|newest| newest.started_at_ms >= since_ms)
    }

    /// Has the message of a night say what is shown of it, and no other one.
    async fn show(&self, hook: &Hook, night: &Night) -> Result<(), Unsent> {
        let store = &self.context.store;
        for (raid, message) in night.surplus.iter().take(WITHDRAWN_MAX) {
            self.withdraw(hook, raid, message).await?;
        }
        if night.surplus.len() > WITHDRAWN_MAX {
            return Err(Unsent::Busy(CHANGED_MS));
        }
        let fights = night.fights();
        let Some(NightRaid { raid, message, .. }) = night.raids.first() else { return Ok(()) };
        match message {
            Some(message) if fights.is_empty() => return self.withdraw(hook, &raid.code, message).await,
            None if !self.is_fresh(&fights) => return Ok(()),
            _ => {}
        }
        let body = self.body(raid, &fights);
        let shown = digest(&body);
        if message.as_ref().is_some_and(|message| message.shown == shown) {
            return Ok(());
        }
        // What may be told may have become less meanwhile.
        let anybody = Asker::default();
        for told in &night.raids {
            let still = self.door.still_raid(&anybody, &told.raid).await;
            still.map_err(|_| Unsent::Busy(CHANGED_MS))?;
        }
        let message = self.put(hook, message.as_ref(), body).await?;
        let sent_at_ms = self.context.clock.now_ms();
        let kept = WebhookMessage { digest: hook.digest, message, shown, sent_at_ms };
        store.keep_webhook_message(&raid.code, &kept).await?;
        Ok(())
    }

    fn body(&self, raid: &Visible<RaidRow>, fights: &[&Visible<ReportLine>]) -> Bytes {
        let base = &self.context.public_url;
        let told: Vec<_> = fights
            .iter()
            .map(|line| NightFight {
                name: line.bosses.first().or(line.place.scene.as_ref()).cloned(),
                state: line.state,
                outcome: line.outcome,
                duration_ms: line.duration_ms,
                url: format!("{base}/reports/{}", line.report_id),
            })
            .collect();
        let page = format!("{base}/raids/{}", raid.code);
        of_night(raid.title.as_deref(), &page, &told, raid.delay_s()).to_string().into()
    }

    /// A raid and those of the same night, as everybody sees them, and their messages.
    async fn night(&self, code: &str, digest: &[u8; 32]) -> Result<Night, Unsent> {
        let (store, anybody) = (&self.context.store, Asker::default());
        let (mut codes, mut night, mut at) = (vec![code.to_owned()], Night::default(), 0);
        while let Some(code) = codes.get(at).cloned() {
            at += 1;
            for pair in store.same_night(&code, digest).await? {
                if !codes.contains(&pair.other_raid) {
                    if codes.len() == NIGHT_RAIDS_MAX {
                        continue;
                    }
                    codes.push(pair.other_raid);
                }
                night.same.entry(pair.report_id).or_default().push(pair.other_report);
            }
            let message = store.webhook_message(&code).await?.filter(|message| message.digest == *digest);
            match self.door.raid(&code, &anybody).await {
                Ok(raid) => {
                    let mut fights = self.door.fights(&raid).await?;
                    // Of a fight that goes on it is not known yet who else saw it.
                    fights.retain(|line| line.state != ReportState::Live);
                    night.raids.push(NightRaid { raid, fights, message });
                }
                Err(HttpError::NotFound | HttpError::SetAside) => {
                    night.surplus.extend(message.map(|message| (code, message)));
                }
                Err(error) => return Err(error.into()),
            }
        }
        // One that has the message keeps it, whichever of them is asked for.
        let has_none =
            |raid: &NightRaid| (raid.message.is_none(), raid.message.is_some().then(|| raid.raid.code.clone()));
        night.raids.sort_by_key(has_none);
        for other in night.raids.iter_mut().skip(1) {
            let code = other.raid.code.clone();
            night.surplus.extend(other.message.take().map(|message| (code, message)));
        }
        Ok(night)
    }

    /// Edits a message, or sends it where there is none; gives what it is called.
    async fn put(&self, hook: &Hook, before: Option<&WebhookMessage>, body: Bytes) -> Result<String, Unsent> {
        if let Some(WebhookMessage { message, .. }) = before {
            match self.send(hook, Method::PATCH, &format!("/messages/{message}"), body.clone()).await {
                Ok(_) => return Ok(message.clone()),
                // Somebody deleted it there.
                Err(Unsent::NoMessage) if hook.renews => {}
                Err(unsent) => return Err(unsent),
            }
        }
        self.post(hook, body).await
    }

    /// Sends a message; gives what it is called.
    async fn post(&self, hook: &Hook, body: Bytes) -> Result<String, Unsent> {
        let message = self.send(hook, Method::POST, "?wait=true", body).await?;
        // Without it nothing can be edited, and each change would be another message.
        let named = message.filter(|message| is_id(message));
        named.ok_or_else(|| Unsent::Failed("the answer to a message does not name it".into()))
    }

    /// Deletes the message of a raid.
    async fn withdraw(&self, hook: &Hook, raid_code: &str, message: &WebhookMessage) -> Result<(), Unsent> {
        self.delete(hook, &message.message).await?;
        Ok(self.context.store.drop_webhook_message(raid_code).await?)
    }

    /// Deletes a message there, if it is there.
    async fn delete(&self, hook: &Hook, message: &str) -> Result<(), Unsent> {
        match self.send(hook, Method::DELETE, &format!("/messages/{message}"), Bytes::new()).await {
            Ok(_) | Err(Unsent::NoMessage) => Ok(()),
            Err(unsent) => Err(unsent),
        }
    }

    /// Sends something, if anything may be sent now; gives the message that it is about, if the answer names one.
    async fn send(&self, hook: &Hook, method: Method, below: &str, body: Bytes) -> Result<Option<String>, Unsent> {
        if let Some(wait_ms) = self.wait_ms(hook) {
            return Err(Unsent::Busy(wait_ms));
        }
        let is_new = method == Method::POST;
        let sending = Box::pin(self.web.send((method, &hook.address, below), body));
        let reply = sending.await.map_err(Unsent::Failed)?;
        if let Some(wait_ms) = reply.wait_ms {
            self.hold(hook, reply.is_for_all, wait_ms);
        }
        let (status, code) = (reply.status, reply.code());
        match status {
            StatusCode::TOO_MANY_REQUESTS => Err(Unsent::Busy(reply.wait_ms.unwrap_or(CHANGED_MS))),
            status if status.is_success() => Ok(reply.message()),
            // What stands before it refuses addresses, too: of the webhook that says nothing.
            StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if code.is_none() => {
                Err(Unsent::Failed(format!("it is answered {}, and not in the chat's words", status.as_u16())))
            }
            StatusCode::NOT_FOUND if is_new || code == Some(UNKNOWN_WEBHOOK) => Err(Unsent::Stopped(WebhookStop::Gone)),
            StatusCode::NOT_FOUND => Err(Unsent::NoMessage),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Unsent::Stopped(WebhookStop::Refused)),
            status if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT => {
                Err(Unsent::NotTaken(status.as_u16()))
            }
            status => Err(Unsent::Failed(format!("it is answered {}", status.as_u16()))),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For how long nothing may be sent to a webhook, ms; `None`: it may.
    fn wait_ms(&self, hook: &Hook) -> Option<i64> {
        let held = self.held();
        let server = held.server_until_ms.get(&hook.address.server.to_string());
        let until_ms = server.max(held.until_ms.get(&hook.digest)).copied()?;
        Some(until_ms - self.context.clock.now_ms()).filter(|wait_ms| *wait_ms > 0)
    }

    /// Nothing is sent for a while, to a webhook or to all of its server. Those that wait no more are forgotten.
    fn hold(&self, hook: &Hook, is_for_all: bool, wait_ms: i64) {
        let now_ms = self.context.clock.now_ms();
        let (mut held, until_ms) = (self.held(), now_ms.saturating_add(wait_ms));
        held.until_ms.retain(|_, until_ms| now_ms < *until_ms);
        if is_for_all {
            let server = held.server_until_ms.entry(hook.address.server.to_string()).or_default();
            *server = until_ms.max(*server);
        } else {
            held.until_ms.insert(hook.digest, until_ms);
        }
    }

    async fn stop(&self, digest: &[u8; 32], why: WebhookStop) -> Result<(), Unsent> {
        Ok(self.context.store.stop_webhook(digest, why, self.context.clock.now_ms()).await?)
    }

    /// A webhook as it can be sent to; `None` where its address cannot be read any more, or may not be asked.
    fn hook(&self, row: &WebhookRow) -> Option<Hook> {
        let address = self.context.secret.open_webhook(row.account, &row.sealed)?;
        Some(Hook { digest: row.digest, address: WebhookAddress::read(&address, &self.named)?, renews: true })
    }

    /// The webhook of a channel, as its owner sees it.
    ///
    /// # Errors
    /// `NotFound` if the channel is nobody's, or somebody else's.
    pub async fn state(&self, channel: &str, manager: &Manager) -> Result<WebhookState, HttpError> {
        let account = self.door.managed_channel(channel, manager).await?;
        let row = self.context.store.webhook(account.id).await?;
        let webhook = row.map(|WebhookRow { host, set_at_ms, sent_at_ms, stopped, .. }| Webhook {
            host,
            set_at_ms,
            sent_at_ms,
            stopped: stopped.map(|(why, _)| why),
            stopped_at_ms: stopped.map(|(_, at_ms)| at_ms),
        });
        Ok(WebhookState { webhook })
    }

    /// Has a channel's nights told in a webhook from now on, in place of another.
    ///
    /// # Errors
    /// `BadRequest` if it is no webhook that may be set; as [`Discord::state`].
    pub async fn set(&self, channel: &str, form: &WebhookForm, manager: &Manager) -> Result<WebhookState, HttpError> {
        let account = self.door.managed_channel(channel, manager).await?.id;
        let address = WebhookAddress::read(&form.url, &self.named).ok_or_else(|| {
            let text = "`url` must be the address of a webhook as Discord gives it: in Discord, open the channel's \
                        settings, Integrations, Webhooks, and copy the webhook's URL";
            HttpError::BadRequest(text.to_owned())
        })?;
        let whole = address.whole();
        let new = NewWebhook {
            account,
            digest: digest(whole.as_bytes()),
            sealed: self.context.secret.seal_webhook(account, &whole, self.context.entropy.bytes()),
            host: address.server.host,
            note: manager.note(Audited::WebhookSet, account, self.context.clock.now_ms()),
        };
        if !self.context.store.set_webhook(&new).await? {
            return Err(HttpError::NotFound);
        }
        // What waits for the one before waits no more.
        self.context.webhooks.came();
        self.state(channel, manager).await
    }

    /// Tells a channel's nights nowhere any more. What was sent stays there.
    ///
    /// # Errors
    /// As [`Discord::state`]; `NotFound` if it has no webhook.
    pub async fn remove(&self, channel: &str, manager: &Manager) -> Result<(), HttpError> {
        let account = self.door.managed_channel(channel, manager).await?.id;
        let note = manager.note(Audited::WebhookRemoved, account, self.context.clock.now_ms());
        if self.context.store.remove_webhook(account, note).await? { Ok(()) } else { Err(HttpError::NotFound) }
    }

    /// Sends a message to a channel's webhook that says that it works.
    ///
    /// # Errors
    /// As [`Discord::remove`]; `TooMany` where that was done a moment ago, or the chat wants to be left alone; `Conflict`
    /// where it takes nothing, which is noted, or no such message; `Unavailable` where it does not answer.
    pub async fn test(&self, channel: &str, manager: &Manager) -> Result<(), HttpError> {
        let account = self.door.managed_channel(channel, manager).await?.id;
        let row = self.context.store.webhook(account).await?.ok_or(HttpError::NotFound)?;
        if let Some((why, _)) = row.stopped {
            return Err(takes_nothing(why));
        }
        let Some(hook) = self.hook(&row) else { return self.stop_tested(&row.digest, WebhookStop::Lost).await };
        self.may_test(account)?;
        let body = of_test(&self.context.public_url).to_string().into();
        match self.post(&hook, body).await {
            Ok(_) => Ok(()),
            Err(Unsent::Busy(wait_ms)) => Err(too_often(wait_ms)),
            Err(Unsent::Stopped(why)) => self.stop_tested(&hook.digest, why).await,
            Err(Unsent::NoMessage) => Err(takes_nothing(WebhookStop::Gone)),
            Err(Unsent::NotTaken(_)) => {
                let text = "the chat does not take the message: the webhook must be one of a text channel, not of a forum, \
                            and the relay's `public_url` an address of the internet";
                Err(HttpError::Conflict(text.to_owned()))
            }
            Err(Unsent::Failed(why)) => {
                tracing::info!(why, "a webhook was tested, and nothing arrived there");
                let text = "the message did not arrive there: try again in a minute".to_owned();
                Err(HttpError::Unavailable { text, retry_s: 60 })
            }
        }
    }

    /// Nothing more is sent to a webhook, as whoever has tested it is told.
    async fn stop_tested(&self, digest: &[u8; 32], why: WebhookStop) -> Result<(), HttpError> {
        self.context.store.stop_webhook(digest, why, self.context.clock.now_ms()).await?;
        Err(takes_nothing(why))
    }

    /// Whoever asks the relay to send something does so now and then.
    fn may_test(&self, account: AccountId) -> Result<(), HttpError> {
        let now_ms = self.context.clock.now_ms();
        let mut tested = self.tested.lock().unwrap_or_else(PoisonError::into_inner);
        tested.retain(|_, at_ms| now_ms.abs_diff(*at_ms) < WEBHOOK_TEST_EACH_MS.unsigned_abs());
        if let Some(at_ms) = tested.get(&account) {
            return Err(too_often(WEBHOOK_TEST_EACH_MS - (now_ms - at_ms).max(0)));
        }
        tested.insert(account, now_ms);
        Ok(())
    }
}

fn takes_nothing(why: WebhookStop) -> HttpError {
    let text = match why {
        WebhookStop::Gone | WebhookStop::Refused => "the webhook takes nothing: make a new one there, and set it here",
        WebhookStop::NotTaken => {
            "the webhook took no message for a day: it must be one of a text channel. Make such a one there, and set it here"
        }
        WebhookStop::Lost => {
            "the relay cannot read this webhook's address any more, or may not send there any more: set it again"
        }
    };
    HttpError::Conflict(text.to_owned())
}

fn too_often(wait_ms: i64) -> HttpError {
    let retry_s = u32::try_from(wait_ms.max(0) / 1_000 + 1).unwrap_or(u32::MAX);
    HttpError::TooMany { text: "something was sent there a moment ago: wait, and try again".into(), retry_s }
}

impl From<StoreError> for Unsent {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<HttpError> for Unsent {
    fn from(error: HttpError) -> Self {
        Self::Failed(error.to_string())
    }
}
