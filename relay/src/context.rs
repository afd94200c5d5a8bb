//! What a relay is made of beside its raids: its database, clock, randomness, secret, limits and counters.
//!
//! Made once at the start and given to whoever needs some of it. Deliberately not here: raids.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use raidcast_shared::character::ProofWay;
use raidcast_shared::limits::RAID_IDLE_MS;
use raidcast_shared::uplink::Visibility;
use raidcast_store::{AccountId, EncounterRow, FightsBegun, RaidLine, RaidRow, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::access::{Changes, Veils};
use crate::account::RelaySecret;
use crate::clock::{Clock, Entropy};
use crate::heavy::Heavy;
use crate::hours::Hours;
use crate::jobs::JobsLine;
use crate::limits::EdgeLimits;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::quota::{Allowance, DAY_MS, Quota, Spent, Taken, UploadsPerDay};
use crate::set_aside::SetAside;
use crate::signature::Signatures;

/// See the module's page.
pub struct Context {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The wall clock.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// The relay's own secret.
    pub secret: RelaySecret,
    /// Base of all links.
    pub public_url: String,
    /// From the last event to a provisional report, ms.
    pub grace_ms: i64,
    /// So many days after they were active last raids are removed, if they are.
    pub keep_days: Option<u32>,
    /// How people may prove that characters are theirs.
    pub proofs: Vec<ProofWay>,
    /// Names this run of the relay in epochs: positions mean nothing in another.
    pub boot: String,
    /// Cancelled when the relay is about to stop.
    pub draining: CancellationToken,
    /// Tells that who may see a raid has changed.
    pub access: Changes,
    /// Who stands for whom where a raid hides names.
    pub veils: Arc<Veils>,
    /// Whether the last append reached the disk.
    pub store_ok: AtomicBool,
    /// Where encounters are folded whole: large ones one at a time.
    pub heavy: Arc<Heavy>,
    /// Reports that were kept, and of which nothing is derived yet.
    pub derive: Arc<JobsLine>,
    /// Raids of which something else is to be told in a chat.
    pub webhooks: Arc<JobsLine>,
    /// What cannot be read.
    pub set_aside: SetAside,
    /// What addresses and keys may hold.
    pub limits: EdgeLimits,
    /// What keys have used.
    pub quota: Arc<Quota>,
    /// What addresses did in the last hour.
    pub hours: Arc<Hours>,
    /// Which signatures of uploads were good.
    pub signatures: Arc<Signatures>,
    /// What open fights hold.
    pub memory: Arc<Memory>,
    /// What is counted for the operator.
    pub metrics: Arc<Metrics>,
    connections: AtomicU64,
}

impl Context {
    /// What raids share from the start of a relay.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        entropy: Entropy,
        secret: RelaySecret,
        public_url: String,
        grace_ms: i64,
        draining: CancellationToken,
    ) -> Self {
        let boot = entropy.code(6);
        let (store_ok, connections) = (AtomicBool::new(true), AtomicU64::new(1));
        let (access, heavy, set_aside) = (Changes::default(), Arc::default(), SetAside::default());
        let limits = EdgeLimits::default();
        let quota = Arc::new(Quota::new(limits.clone(), clock.now_ms()));
        let hours = Arc::new(Hours::new(secret.clone(), clock.clone(), entropy.clone()));
        let signatures = Arc::new(Signatures::new(clock.now_ms()));
        let memory = Arc::new(Memory::new(&limits));
        let metrics = Arc::new(Metrics::default());
        let committed = Arc::clone(&metrics);
        store.on_commit(Arc::new(move |took| committed.committed(took)));
        let veils = Arc::new(Veils::new(Arc::clone(&store), secret.clone()));
        Self {
            store,
            clock,
            entropy,
            secret,
            public_url,
            grace_ms,
            keep_days: None,
            proofs: vec![ProofWay::Administrator],
            boot,
            draining,
            access,
            veils,
            store_ok,
            heavy,
            derive: Arc::default(),
            webhooks: Arc::default(),
            set_aside,
            limits,
            quota,
            hours,
            signatures,
            memory,
            metrics,
            connections,
        }
    }

    /// Where raids are removed by their age.
    pub fn keeping(self, keep_days: Option<u32>) -> Self {
        Self { keep_days, ..self }
    }

    /// Where characters are proved in these ways.
    pub fn proving(self, proofs: Vec<ProofWay>) -> Self {
        Self { proofs, ..self }
    }

    /// Where it is kept how far ahead of the clock signatures were good.
    pub fn noting_signatures(self, file: PathBuf) -> Self {
        let signatures = Arc::new(Signatures::recall(self.clock.now_ms(), file));
        Self { signatures, ..self }
    }

    /// With limits of one's own.
    pub fn with_limits(self, limits: EdgeLimits) -> Self {
        let quota = Arc::new(Quota::new(limits.clone(), self.clock.now_ms()));
        let memory = Arc::new(Memory::new(&limits));
        Self { limits, quota, memory, ..self }
    }

    /// One more fight of a key, by what it has begun within a day. An upload of old fights (`history`) leaves room for live
    /// ones.
    ///
    /// # Errors
    /// The store does not answer; inside, why it may not.
    pub async fn begin_fight(&self, account: AccountId, history: bool) -> Result<Result<Taken, Spent>, StoreError> {
        let now_ms = self.clock.now_ms();
        let before = self.fights_before(account, now_ms).await?;
        Ok(self.quota.begin_fight(account, before, history, now_ms))
    }

    /// What is left to a key's uploads of the limit of a day that is nearest to its end.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn allowance(&self, account: AccountId, uploads: Option<UploadsPerDay>) -> Result<Allowance, StoreError> {
        let now_ms = self.clock.now_ms();
        let before = self.fights_before(account, now_ms).await?;
        Ok(self.quota.allowance(account, uploads, before, now_ms))
    }

    /// Fights that an account began in the last day before this relay started: of them the store knows which it still has.
    /// They become fewer as they become older than a day.
    async fn fights_before(&self, account: AccountId, now_ms: i64) -> Result<FightsBegun, StoreError> {
        let (day_ago, started) = (now_ms - DAY_MS, self.quota.started_ms());
        if day_ago >= started || self.quota.knows_of_nothing_since(account, day_ago) {
            return Ok(FightsBegun::default());
        }
        let begun = self.store.encounters_since(account, day_ago, now_ms.min(started - 1)).await?;
        if begun.count == 0 && now_ms >= started {
            self.quota.learn_of_nothing_since(account, day_ago);
        }
        Ok(begun)
    }

    /// A name for a new connection.
    pub fn connection_id(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// A link, with a ticket where the raid is private.
    fn link(&self, path: &str, visibility: Visibility, ticket: impl FnOnce() -> String) -> String {
        match visibility {
            Visibility::Private => format!("{}{path}?ticket={}", self.public_url, ticket()),
            Visibility::Public | Visibility::Unlisted => format!("{}{path}", self.public_url),
        }
    }

    /// The page of a report, without what lets somebody in.
    pub fn report_page(&self, row: &EncounterRow) -> String {
        format!("{}/reports/{}", self.public_url, row.report_id)
    }

    /// The page of a report, for whoever has the link.
    pub fn report_url(&self, row: &EncounterRow) -> String {
        let EncounterRow { report_id, raid_code, tickets, .. } = row;
        let ticket = || self.secret.ticket(raid_code, tickets.raid);
        self.link(&format!("/reports/{report_id}"), row.seen_by(), ticket)
    }

    /// The page of a raid.
    pub fn raid_url(&self, raid: &RaidRow) -> String {
        let RaidRow { code, visibility, tickets, .. } = raid;
        self.link(&format!("/raids/{code}"), *visibility, || self.secret.ticket(code, tickets.raid))
    }

    /// The same, as its owner has it in a list.
    pub fn raid_line_url(&self, raid: &RaidLine) -> String {
        let RaidLine { code, visibility, ticket, .. } = raid;
        self.link(&format!("/raids/{code}"), *visibility, || self.secret.ticket(code, *ticket))
    }

    /// The page of a channel that shows this raid now, for who may see what its account keeps private (`reads`), or not:
    /// it shows other raids of the account, too, so its ticket is for those alone who may.
    pub fn channel_url(&self, channel: &str, raid: &RaidRow, reads: bool) -> String {
        let ticket = || self.secret.channel_ticket(channel, raid.tickets.channel);
        let visibility = if reads { raid.visibility } else { Visibility::Unlisted };
        self.link(&format!("/live/{channel}"), visibility, ticket)
    }

    /// Whether a raid goes on.
    pub fn is_open(&self, raid: &RaidRow) -> bool {
        // Neither long ago nor, by a clock that was ahead, far in the future.
        !raid.closed && self.clock.now_ms().abs_diff(raid.active_at_ms) < RAID_IDLE_MS.unsigned_abs()
    }

    /// The same as those see it who see what came until a time: when the raid was active last is told by what they see of
    /// it, `seen`, where it was active again since.
    pub fn was_open(raid: &RaidRow, until_ms: i64, seen: impl Iterator<Item = i64>) -> bool {
        let active_at_ms = if raid.active_at_ms <= until_ms {
            raid.active_at_ms
        } else {
            // It had not begun, or not gone on.
            let Some(active_at_ms) = seen.chain([raid.created_at_ms]).filter(|at_ms| *at_ms <= until_ms).max() else {
                return false;
            };
            active_at_ms
        };
        !raid.closed && until_ms.abs_diff(active_at_ms) < RAID_IDLE_MS.unsigned_abs()
    }
}
