//! From kept reports to the rows that are derived of them.
//!
//! One invariant: rows are those of the report that stands when they are written, or they are not written. They are made
//! after what they are of was kept and answered, behind all that is live. Who watches a raid whose report leads to others
//! by them is told so.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use raidcast_shared::character::ProofWay;
use raidcast_shared::fold::{EncounterState, Span};
use raidcast_shared::id::ActorId;
use raidcast_shared::log::Log;
use raidcast_shared::uplink::{Ending, NamesPolicy};
use raidcast_store::name;
use raidcast_store::{
    AccountId, Claim, Derived, DerivedPlayer, EncounterRow, HeldReport, JobKind, LeasedJob, Proof, ProvedBy, Store,
    StoreError,
};

use crate::access::{self, players_of, who_hears};
use crate::background::Broken;
use crate::clock::Clock;
use crate::context::Context;
use crate::heavy::Heavy;
use crate::jobs::{JobDone, JobsLine, Later, Worker};
use crate::raid::{Directory, RaidCommand};
use crate::record;

/// So often a report that is kept anew meanwhile is looked at again.
const LOOKS_MAX: usize = 8;

/// What its raid shows later is looked at again after this at the latest, ms: the delay may have been made shorter.
const SHOWN_LOOK_MS: i64 = 15_000;

/// Of what rows are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Of the report as it is kept; where that is damaged, of its log.
    Records,
    /// Of logs, as far as there are any: of what is not final there is the report alone.
    Logs,
}

/// Derives rows.
pub struct Deriver {
    store: Arc<dyn Store>,
    clock: Clock,
    heavy: Arc<Heavy>,
    from: Source,
    /// Of a relay that answers meanwhile, and its raids.
    relay: Option<(Arc<Context>, Arc<Directory>)>,
}

/// What became of all reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// So many there are.
    pub all: u64,
    /// So many have their rows.
    pub derived: u64,
    /// Why others have none, a line each.
    pub failed: Vec<String>,
}

impl Deriver {
    /// Folds where it is told.
    pub fn new(
        (store, clock): (Arc<dyn Store>, Clock),
        heavy: Arc<Heavy>,
        from: Source,
        relay: Option<(Arc<Context>, Arc<Directory>)>,
    ) -> Arc<Self> {
        Arc::new(Self { store, clock, heavy, from, relay })
    }

    /// Does one job.
    ///
    /// # Errors
    /// When it is to be tried again, and why.
    pub async fn derive(self: Arc<Self>, job: LeasedJob) -> Result<JobDone, Later> {
        let LeasedJob { key, data, tries, .. } = job;
        let failed = |why: String| Later::failed(tries, why);
        let report_id = std::str::from_utf8(&data).map_err(|error| failed(error.to_string()))?;
        for _ in 0..LOOKS_MAX {
            let held = self.store.report(report_id).await.map_err(|error| failed(error.to_string()))?;
            // It was thrown away.
            let Some((row, record)) = held else { return Ok(JobDone::Remove) };
            let now_ms = self.clock.now_ms();
            if let Some(kept_at_ms) = row.kept_at_ms.filter(|kept_at_ms| !row.delay.shows(*kept_at_ms, now_ms)) {
                // Lists and search show it to everybody once it has rows.
                let until_ms = row.delay.until_ms(now_ms).unwrap_or(kept_at_ms);
                let after_ms = (kept_at_ms - until_ms).clamp(1_000, SHOWN_LOOK_MS);
                return Err(Later::not_yet(after_ms, "its raid shows it later"));
            }
            let (seen, code, names, account) =
                (HeldReport::from(&row), row.raid_code.clone(), row.names, row.key.account);
            let made = self.rows(row, record).await;
            let rows = made.map_err(|error| failed(format!("report {report_id}: {error}")))?;
            let seen_to = self.see_to_players(account, (&code, names), &rows).await;
            seen_to.map_err(|error| failed(format!("report {report_id}: {error}")))?;
            match self.store.keep_derived(seen, &rows, key).await {
                Ok(Some(others)) => {
                    if let Some((relay, _)) = &self.relay {
                        // Its raid has something else to tell, where it tells anything.
                        relay.webhooks.came();
                    }
                    self.tell(seen.row, others).await;
                    return Ok(JobDone::Removed);
                }
                Ok(None) => {}
                Err(error) => return Err(failed(error.to_string())),
            }
        }
        Err(Later::not_yet(1_000, "its report changes all the time"))
    }

    /// Gives players who are hidden the numbers by which they are shown, and looks for codes in names.
    async fn see_to_players(
        &self,
        account: AccountId,
        (code, names): (&str, NamesPolicy),
        rows: &Derived,
    ) -> Result<(), StoreError> {
        let mut players = players_of(rows);
        let Some((relay, _)) = &self.relay else {
            if names != NamesPolicy::Full {
                // The relay's secret is not at hand: an order of chance says as little as one that is made of it.
                let chance = RandomState::new();
                players.sort_by_cached_key(|player| chance.hash_one(player));
                self.store.number_players(code, &players).await?;
            }
            return Ok(());
        };
        let heeded = relay.veils.heeded();
        if players.iter().any(|player| heeded.claimed.contains(player)) {
            self.prove(relay, account, rows).await?;
        }
        if names == NamesPolicy::Full {
            players.retain(|player| heeded.hidden.contains(player));
        }
        if players.is_empty() { Ok(()) } else { relay.veils.numbered(code, &players).await.map(drop) }
    }

    /// Of players who are claimed, those are proved whose names have the code.
    async fn prove(&self, relay: &Context, account: AccountId, rows: &Derived) -> Result<(), StoreError> {
        if !relay.proofs.contains(&ProofWay::Code) {
            return Ok(());
        }
        let now_ms = self.clock.now_ms();
        let mut is_proved = false;
        for Claim { row, of } in self.store.claims_by_code(now_ms).await? {
            let has_code = |player: &&DerivedPlayer| {
                let (called, code) = (player.name.as_deref().unwrap_or_default(), of.code.as_deref());
                ActorId::from_hex(&player.actor_id) == Some(of.player)
                    && code.is_some_and(|code| name::fold(called).contains(code))
            };
            if rows.players.iter().any(|player| has_code(&player)) {
                is_proved |= self.store.prove_claim(row, ProvedBy::Fight(account), now_ms).await? == Proof::Done;
            }
        }
        if is_proved {
            relay.veils.read_wishes(now_ms).await?;
        }
        Ok(())
    }

    /// Tells raids that are watched whose reports lead to others since an encounter's was derived: these, or others than
    /// before. Who is not told, because that cannot be done now, hears of it when he asks again.
    async fn tell(&self, encounter: i64, mut others: Vec<i64>) {
        let Some((_, directory)) = self.relay.as_ref().filter(|_| !others.is_empty()) else { return };
        others.push(encounter);
        let views = match self.store.viewpoints(&others).await {
            Ok(views) => views,
            Err(error) => {
                tracing::warn!(%error, "could not look which reports lead to others now");
                return;
            }
        };
        let (own, others): (Vec<_>, Vec<_>) = views.into_iter().partition(|view| view.encounter == encounter);
        let Some(own) = own.first() else { return };
        for view in who_hears(own, &others) {
            if let Some(raid) = directory.raid(&view.raid_code) {
                // A raid that is asked more than it can answer does not keep others from being derived.
                raid.offer(RaidCommand::ViewsChanged { report_id: view.report_id.clone() });
            }
        }
    }

    async fn rows(&self, row: EncounterRow, record: Option<Bytes>) -> Result<Derived, StoreError> {
        if self.from == Source::Logs
            && let Some(derived) = self.of_log(&row).await?
        {
            return Ok(derived);
        }
        let Some(record) = record else { return Ok(Derived::default()) };
        let reading = self.heavy.background().run(move || {
            let report = record::decode_record(&record)?.whole();
            Ok::<_, StoreError>(Derived::from(&report))
        });
        match reading.await.map_err(broken)? {
            Ok(derived) => Ok(derived),
            Err(error) => self.of_log(&row).await?.ok_or(error),
        }
    }

    async fn of_log(&self, row: &EncounterRow) -> Result<Option<Derived>, StoreError> {
        let Some(log) = self.store.report_log(&row.report_id).await? else { return Ok(None) };
        let row = row.clone();
        let folding = self.heavy.run(log.len(), move || {
            let (ending, state) = fold(&log)?;
            let report = record::report(access::record(), &row, &state, ending.as_ref(), row.state, row.revision);
            Ok(Derived::from(&report))
        });
        folding.await.map_err(broken)?.map(Some)
    }

    /// The worker of these jobs.
    pub fn worker(
        self: Arc<Self>,
        line: Arc<JobsLine>,
    ) -> Worker<impl Fn(LeasedJob) -> BoxFuture<'static, Result<JobDone, Later>>> {
        let (store, clock) = (Arc::clone(&self.store), self.clock.clone());
        let does = move |job| Arc::clone(&self).derive(job).boxed();
        Worker { store, clock, kind: JobKind::Derive, line, does, goes_before: None, is_long: false }
    }
}

/// Removes all rows of a database, and derives them again from logs.
///
/// # Errors
/// The store's. What is not derived then is still to be done: a relay that is started does it.
pub async fn rebuild(store: Arc<dyn Store>, mut tell: impl FnMut(u64, u64)) -> Result<Rebuilt, StoreError> {
    let all = store.derive_again().await?;
    let deriver = Deriver::new((store, Clock::system()), Arc::default(), Source::Logs, None);
    let worker = deriver.worker(Arc::default());
    // By report: one that failed early comes again while the others are done.
    let mut done = HashMap::new();
    while let Some((job, result)) = worker.next().await? {
        done.insert(job.name, result);
        tell(done.len() as u64, all);
    }
    let mut failed: Vec<_> = done.into_values().filter_map(Result::err).collect();
    failed.sort();
    let waiting = worker.store.jobs(JobKind::Derive).await?.count;
    Ok(Rebuilt { all, derived: all.saturating_sub(waiting), failed })
}

fn broken(Broken: Broken) -> StoreError {
    StoreError::Damaged("it broke off".into())
}

fn fold(log: &[u8]) -> Result<(Option<Ending>, EncounterState), StoreError> {
    let damaged = |why: String| StoreError::Damaged(format!("a report's log: {why}"));
    let log = Log::from_bytes(log).map_err(|error| damaged(error.to_string()))?;
    let state = log.fold(Span::ALL).map_err(|error| damaged(error.to_string()))?;
    Ok((log.ending, state))
}
