//! All that is held about somebody, or about a player of the game, as an archive: docs/export.md says what is in it.
//!
//! Two invariants. It is made while it is read, one file at a time, so that it costs the memory of one fight however many
//! there are; who reads slowly slows it down, and nobody else: each has one at a time, and a while for it. And it ends with
//! the session that asked for it. Deliberately not here: who may have it.

mod own;
mod player;
mod tar;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, Bytes};
use raidcast_shared::account::Audited;
use raidcast_shared::id::hex;
use raidcast_store::{
    AccountId, JobKind, JournalKind, LeasedJob, LinkRow, Note, PersonId, RaidLine, ReportLine, StoreError, WebhookRow,
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::tar::Archive;
use crate::account::{Facts, PlayerFacts};
use crate::context::Context;
use crate::error::HttpError;
use crate::record;

/// Archives that are made at once, each of somebody else: each holds the largest fight of its person.
const AT_ONCE: usize = 8;
/// So long may one take to be read: at 1 MiB a second it is 7 GiB.
const TIME_MAX: Duration = Duration::from_hours(2);
/// Files that wait to be read.
const WAITING: usize = 2;
/// Raids that are listed at once.
const RAIDS_AT_ONCE: u32 = 100;
/// Notes that are looked at at once.
const NOTES_AT_ONCE: u32 = 1_000;

/// What stands at its beginning.
const README: &str = "\
This is all that a Raidcast relay holds about you, at the time at which you asked for it.

person.json    who you are to the relay, how you sign in, where you are signed in, your keys and accounts
notes.json     what was noted of what you did, and of what was done with your raids, links and keys
links.json     links that you made to your channels
webhooks.json  where your nights are told of in a chat
uploads/ACCOUNT/UPLOAD.bin         a fight that came whole while it was streamed, and waits for the end of that
raids/CODE/raid.json               a raid, and the numbers of its players where it hides their names
raids/CODE/REPORT/report.json      a fight as its page shows it to you
raids/CODE/REPORT/known-by.json    what meters know it by
raids/CODE/REPORT/log.bin          its log, as the relay keeps it
raids/CODE/REPORT/journal-N.bin    what came of a fight that has not ended, reading by reading

Passwords, keys and what opens links are not in it: the relay keeps digests of them, which would help nobody but who guesses.
Addresses of webhooks are not either: whoever has one may write there, and you find them where you made them.
The form of each file is described in docs/export.md of Raidcast.
";

/// Of whom an archive is.
pub enum Wanted {
    /// Of somebody who signs in.
    Person(Facts),
    /// Of a player of the game.
    Player(PlayerFacts),
}

/// Makes archives.
pub struct Exports {
    context: Arc<Context>,
    /// Those who are given theirs.
    given: Arc<Mutex<HashSet<PersonId>>>,
}

/// One of the few that are made at once; given back when it is dropped.
pub struct Place {
    given: Arc<Mutex<HashSet<PersonId>>>,
    person: PersonId,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.person);
    }
}

/// Why an archive ends before its end.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("nobody reads it any more")]
    Gone,
    #[error("he who asked for it is not signed in any more, or it is not his to have, or it took too long")]
    Over,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("it broke off")]
    Fell,
}

impl Exports {
    /// Of this relay.
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, given: Arc::default() }
    }

    /// Room for somebody's archive.
    ///
    /// # Errors
    /// `Conflict` where he is given one already; `Unavailable` where as many are made as may be.
    pub fn place(&self, person: PersonId) -> Result<Place, HttpError> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if given.contains(&person) {
            let text = "you are given an archive already: read that to its end, or close it, and ask again";
            return Err(HttpError::Conflict(text.into()));
        }
        if given.len() >= AT_ONCE {
            let text = "others are given their archives now: try again in a minute";
            return Err(HttpError::Unavailable { text: text.into(), retry_s: 60 });
        }
        given.insert(person);
        Ok(Place { given: Arc::clone(&self.given), person })
    }

    /// An archive, whose making begins now. It breaks off when `until` is over.
    pub fn begin(&self, wanted: Wanted, place: Place, until: CancellationToken) -> Body {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let (context, is_whole) = (Arc::clone(&self.context), Arc::new(AtomicBool::new(false)));
        tokio::spawn(make(context, wanted, sender, Arc::clone(&is_whole), place, until));
        let mut has_broken = false;
        let pieces = futures::stream::poll_fn(move |task| match receiver.poll_recv(task) {
            // The connection breaks off: nobody takes a half one for a whole one.
            Poll::Ready(None) if !has_broken && !is_whole.load(Ordering::Acquire) => {
                has_broken = true;
                Poll::Ready(Some(Err(std::io::Error::other("the archive is not whole"))))
            }
            piece => piece.map(|piece| piece.map(Ok)),
        });
        Body::from_stream(pieces)
    }
}

type Pieces = mpsc::Sender<Bytes>;

async fn make(
    context: Arc<Context>,
    wanted: Wanted,
    pieces: Pieces,
    is_whole: Arc<AtomicBool>,
    place: Place,
    until: CancellationToken,
) {
    let Ok(archive) = Archive::new() else { return };
    let stop = context.draining.clone();
    let mut making = Making { context, archive: Some(archive), pieces };
    let made = tokio::select! {
        biased;
        () = until.cancelled() => Err(Broken::Over),
        () = stop.cancelled() => Err(Broken::Gone),
        () = tokio::time::sleep(TIME_MAX) => Err(Broken::Over),
        made = making.of(wanted) => made,
    };
    match made {
        Ok(()) => is_whole.store(true, Ordering::Release),
        Err(Broken::Gone) => {}
        Err(error) => tracing::warn!(%error, "an archive of what is held about somebody was not made to its end"),
    }
    // Before its end is heard of: he may ask for another then.
    drop(place);
}

/// Whether what a note is about is an account.
fn is_of_account(what: Audited) -> bool {
    match what {
        Audited::FightDeleted
        | Audited::AccountClaimed
        | Audited::KeyMade
        | Audited::KeyRevoked
        | Audited::RaidDeleted
        | Audited::RaidExpired
        | Audited::RaidPinned
        | Audited::RaidUnpinned
        | Audited::RaidShown
        | Audited::LinkMade
        | Audited::LinkRevoked
        | Audited::WebhookSet
        | Audited::WebhookRemoved
        | Audited::TitleCleared => true,
        Audited::PersonLeft
        | Audited::PersonRemoved
        | Audited::PersonExported
        | Audited::InvitationMade
        | Audited::InvitationTakenBack
        | Audited::RemovalClosed
        | Audited::CharacterProved
        | Audited::ClaimRefused
        | Audited::PlayerHidden
        | Audited::PlayerShown
        | Audited::PlayerAgreed
        | Audited::PlayerDisagreed
        | Audited::PlayerExported
        | Audited::PlayerLookedAt => false,
    }
}

/// That there is one, and not its address.
fn told_webhook(row: WebhookRow) -> Value {
    let WebhookRow { account, host, set_at_ms, sent_at_ms, stopped, .. } = row;
    let (why, stopped_at_ms) = stopped.unzip();
    json!({"account": account.0, "host": host, "setAtMs": set_at_ms, "sentAtMs": sent_at_ms, "stopped": why,
        "stoppedAtMs": stopped_at_ms})
}

struct Making {
    context: Arc<Context>,
    /// `None` while it is packed elsewhere.
    archive: Option<Archive>,
    pieces: Pieces,
}

impl Making {
    async fn of(&mut self, wanted: Wanted) -> Result<(), Broken> {
        match wanted {
            Wanted::Person(facts) => self.person(facts).await?,
            Wanted::Player(facts) => self.player(facts).await?,
        }
        let archive = self.archive.take().ok_or(Broken::Fell)?;
        self.send(archive.end()?).await
    }

    async fn person(&mut self, facts: Facts) -> Result<(), Broken> {
        let now_ms = self.context.clock.now_ms();
        self.put("README.txt".into(), now_ms, || Ok(README.as_bytes().to_vec())).await?;
        self.json("person.json".into(), now_ms, facts.about).await?;
        let notes = self.notes(facts.person, &facts.accounts).await?;
        self.json("notes.json".into(), now_ms, notes).await?;
        let mut links = Vec::new();
        for account in &facts.accounts {
            links.extend(self.links(*account, None).await?);
        }
        self.json("links.json".into(), now_ms, links).await?;
        let mut webhooks = Vec::new();
        for account in &facts.accounts {
            webhooks.extend(self.context.store.webhook(*account).await?.map(told_webhook));
        }
        self.json("webhooks.json".into(), now_ms, webhooks).await?;
        for account in facts.accounts {
            self.waiting(account).await?;
            let mut before = None;
            loop {
                let raids = self.context.store.raids_of(account, before, RAIDS_AT_ONCE).await?;
                let Some(last) = raids.last() else { break };
                before = Some(last.row);
                for raid in raids {
                    self.raid(raid).await?;
                }
            }
        }
        Ok(())
    }

    /// Links to a raid, or to an account's channel.
    async fn links(&self, account: AccountId, raid_code: Option<&str>) -> Result<Vec<Value>, Broken> {
        let rows = self.context.store.links(account, raid_code, self.context.clock.now_ms()).await?;
        let told = rows.into_iter().map(|row| {
            let LinkRow { name, created_at_ms, ends_at_ms, used_at_ms, .. } = row;
            json!({"name": name, "createdAtMs": created_at_ms, "endsAtMs": ends_at_ms, "usedAtMs": used_at_ms})
        });
        Ok(told.collect())
    }

    /// What was noted of what he did, and of what was done with his raids: also by keys of his, which may be gone by now.
    async fn notes(&self, person: PersonId, accounts: &[AccountId]) -> Result<Value, Broken> {
        let (mut notes, mut before) = (Vec::new(), None);
        loop {
            let rows = self.context.store.audit(before, NOTES_AT_ONCE).await?;
            let Some(last) = rows.last() else { return Ok(Value::Array(notes)) };
            before = Some(last.row);
            for Note { by, key, what, about, at_ms } in rows.into_iter().map(|row| row.note) {
                let of_his = is_of_account(what) && about.is_some_and(|about| accounts.contains(&AccountId(about)));
                if by == Some(person) || of_his {
                    let key = key.map(|key| key.0);
                    notes.push(json!({"atMs": at_ms, "what": what, "about": about, "key": key}));
                }
            }
        }
    }

    /// What came whole and waits, as it stands in its job.
    async fn waiting(&mut self, account: AccountId) -> Result<(), Broken> {
        let mut after = None;
        loop {
            let job = self.context.store.job_of(JobKind::Reading, account, after).await?;
            let Some(LeasedJob { key, data, created_at_ms, .. }) = job else { return Ok(()) };
            after = Some(key.name);
            let name = format!("uploads/{}/{}.bin", account.0, hex(&key.name));
            self.put(name, created_at_ms, move || Ok(data.to_vec())).await?;
        }
    }

    async fn raid(&mut self, raid: RaidLine) -> Result<(), Broken> {
        let players = self.context.store.raid_players(&raid.code).await?.into_iter();
        let numbers = players.map(|(player, number)| json!({"player": player.to_hex(), "number": number}));
        let about = json!({
            "numbers": numbers.collect::<Vec<_>>(),
            "code": raid.code,
            "account": raid.account.0,
            "title": raid.title,
            "visibility": raid.visibility,
            "reportVisibility": raid.report_visibility,
            "names": raid.names,
            "delayMs": raid.delay_ms,
            "createdAtMs": raid.created_at_ms,
            "activeAtMs": raid.active_at_ms,
            "pinned": raid.pinned,
            "links": self.links(raid.account, Some(&raid.code)).await?,
        });
        self.json(format!("raids/{}/raid.json", raid.code), raid.active_at_ms, about).await?;
        for line in self.context.store.raid_reports(&raid.code).await? {
            self.fight(&raid.code, line).await?;
        }
        Ok(())
    }

    async fn fight(&mut self, code: &str, line: ReportLine) -> Result<(), Broken> {
        let store = Arc::clone(&self.context.store);
        let (folder, at_ms) = (format!("raids/{code}/{}", line.report_id), line.started_at_ms);
        // One that was deleted meanwhile is not held any more.
        let found = match store.report(&line.report_id).await {
            // The rest of the archive is whole all the same.
            Err(StoreError::Damaged(_)) => {
                return self.json(format!("{folder}/report.json"), at_ms, json!({"unreadable": true})).await;
            }
            found => found?,
        };
        let Some((row, record)) = found else { return Ok(()) };
        match record {
            Some(bytes) => {
                let read = move || {
                    let Ok(kept) = record::decode_record(&bytes) else {
                        return Ok(serde_json::to_vec(&json!({"unreadable": true}))?);
                    };
                    Ok(serde_json::to_vec(&kept.whole())?)
                };
                self.put(format!("{folder}/report.json"), at_ms, read).await?;
            }
            None => self.json(format!("{folder}/report.json"), at_ms, json!({"state": row.state})).await?,
        }
        let (remote_id, hashes) = store.known_by(row.row).await?;
        if remote_id.is_some() || !hashes.is_empty() {
            let hashes: Vec<_> = hashes.iter().map(|hash| hex(hash)).collect();
            let known = json!({"remoteId": remote_id, "hashes": hashes});
            self.json(format!("{folder}/known-by.json"), at_ms, known).await?;
        }
        let journal = match store.read_journal(row.row).await {
            Err(StoreError::Damaged(_)) => return Ok(()),
            journal => journal?,
        };
        if let Some(log) = journal.log {
            self.put(format!("{folder}/log.bin"), at_ms, move || Ok(log.to_vec())).await?;
        }
        for ((stream, entries), number) in journal.streams.into_iter().zip(1..) {
            let deltas = move || {
                let mut bytes = stream.header.to_vec();
                entries
                    .iter()
                    .filter(|entry| entry.kind == JournalKind::Delta)
                    .for_each(|delta| bytes.extend(&delta.data));
                Ok(bytes)
            };
            self.put(format!("{folder}/journal-{number}.bin"), at_ms, deltas).await?;
        }
        Ok(())
    }

    async fn json(&mut self, name: String, at_ms: i64, value: impl Serialize + Send + 'static) -> Result<(), Broken> {
        self.put(name, at_ms, move || Ok(serde_json::to_vec_pretty(&value)?)).await
    }

    /// Puts a file in, which is made and packed where live work goes before.
    async fn put(
        &mut self,
        name: String,
        at_ms: i64,
        made: impl FnOnce() -> Result<Vec<u8>, Broken> + Send + 'static,
    ) -> Result<(), Broken> {
        let mut archive = self.archive.take().ok_or(Broken::Fell)?;
        let packing = self.context.heavy.background().run(move || {
            let piece = archive.file(&name, &made()?, at_ms)?;
            Ok::<_, Broken>((archive, piece))
        });
        let (archive, piece) = packing.await.map_err(|_| Broken::Fell)??;
        self.archive = Some(archive);
        self.send(piece).await
    }

    async fn send(&self, piece: Vec<u8>) -> Result<(), Broken> {
        self.pieces.send(piece.into()).await.map_err(|_| Broken::Gone)
    }
}
