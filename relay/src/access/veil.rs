//! Who stands for whom where a raid hides names, or players want to be hidden.
//!
//! One invariant: what stands for a player is made of the relay's secret, the raid and its policy: it is the same
//! wherever the raid shows him, and leads nowhere else. Deliberately not here: who looks through the veil.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use raidcast_shared::id::ActorId;
use raidcast_shared::uplink::NamesPolicy;
use raidcast_shared::view::{Audience, Veil};
use raidcast_store::{Derived, RaidRow, Store, StoreError};

use super::wish::{Heed, Heeded};
use crate::account::RelaySecret;
use crate::record;

/// So many numbers are kept at hand, each of about fifty bytes; a raid counts as some more.
const NUMBERS_HELD: u64 = 500_000;
/// See [`NUMBERS_HELD`].
const OF_A_RAID: usize = 16;
/// Numbers are read again after this: what one relay gives another may have to know.
const HELD_FOR: Duration = Duration::from_mins(1);

/// Numbers of a raid's players.
pub type Numbers = HashMap<ActorId, u32>;

/// Gives players numbers, and makes audiences that know them by these alone.
pub struct Veils {
    store: Arc<dyn Store>,
    secret: RelaySecret,
    numbers: Cache<String, Arc<Numbers>>,
    heed: Heed,
}

impl Veils {
    /// Knows no raid yet, and nobody's wishes.
    pub fn new(store: Arc<dyn Store>, secret: RelaySecret) -> Self {
        let held = |numbers: &Arc<Numbers>| u32::try_from(OF_A_RAID + numbers.len()).unwrap_or(u32::MAX);
        let numbers = Cache::builder()
            .max_capacity(NUMBERS_HELD)
            .weigher(move |_, numbers| held(numbers))
            .time_to_live(HELD_FOR)
            .build();
        Self { store, secret, numbers, heed: Heed::new() }
    }

    /// Takes what players have wished for, as the store has it; whether somebody is shown otherwise by it.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn read_wishes(&self, now_ms: i64) -> Result<bool, StoreError> {
        let differs = self.heed.read(&*self.store, now_ms).await?;
        if differs {
            // Who was hidden has numbers since then.
            self.numbers.invalidate_all();
        }
        Ok(differs)
    }

    /// What players have wished for.
    pub fn heeded(&self) -> Arc<Heeded> {
        self.heed.now()
    }

    /// Its version alone.
    pub fn version(&self) -> u64 {
        self.heed.version()
    }

    /// Those who are no members of a raid that shows these names.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn audience(&self, code: &str, names: NamesPolicy) -> Result<Audience, StoreError> {
        if names == NamesPolicy::Full && self.heeded().hidden.is_empty() {
            return Ok(super::everything().clone());
        }
        let numbers = self.numbers_of(code).await?;
        Ok(self.others(code, names, &numbers))
    }

    /// Members of a raid.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn members(&self, code: &str) -> Result<Audience, StoreError> {
        self.audience(code, NamesPolicy::Full).await
    }

    async fn numbers_of(&self, code: &str) -> Result<Arc<Numbers>, StoreError> {
        let reading = async {
            let numbers = self.store.raid_players(code).await?;
            Ok::<_, StoreError>(Arc::new(numbers.into_iter().collect()))
        };
        let numbers = self.numbers.try_get_with(code.to_owned(), reading).await;
        numbers.map_err(|error| StoreError::clone(&error))
    }

    /// Numbers of a raid's players, once these have some: those that are new in an order that is made of the relay's secret
    /// for this raid. That in which a meter tells them may be that of the game's ids, and that of their keys can be read
    /// wherever names are shown.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn numbered(&self, code: &str, players: &[ActorId]) -> Result<Arc<Numbers>, StoreError> {
        let mut players = players.to_vec();
        players.sort_by_cached_key(|player| self.secret.place(code, *player));
        let numbers: Numbers = self.store.number_players(code, &players).await?.into_iter().collect();
        let numbers = Arc::new(numbers);
        self.numbers.insert(code.to_owned(), Arc::clone(&numbers)).await;
        Ok(numbers)
    }

    /// A raid, or a fight of it, is gone: its numbers are read again.
    pub async fn forget(&self, code: &str) {
        self.numbers.invalidate(code).await;
    }

    /// Gives players of all fights that are kept of a raid numbers, oldest fight first: before it hides anybody.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn number_reports(&self, raid: &RaidRow) -> Result<(), StoreError> {
        let mut lines = self.store.raid_reports(&raid.code).await?;
        lines.reverse();
        for line in lines {
            let Some(row) = self.store.encounter(raid.account, line.encounter).await? else { continue };
            let mut derived = self.store.derived(row.row).await?;
            if derived.players.is_empty() {
                // Nothing is derived of it yet.
                let record = self.store.report(&line.report_id).await?.and_then(|(_, record)| record);
                let read = record.map(|record| record::decode_record(&record)).transpose()?;
                derived = read.map(|kept| Derived::from(&kept.whole())).unwrap_or_default();
            }
            let players = players_of(&derived);
            if !players.is_empty() {
                self.numbered(&raid.code, &players).await?;
            }
        }
        Ok(())
    }

    /// Those who are no members of a raid that shows these names, by numbers that are known.
    pub fn others(&self, code: &str, names: NamesPolicy, numbers: &Arc<Numbers>) -> Audience {
        let heeded = self.heeded();
        let hides = match names {
            NamesPolicy::Full if heeded.hidden.is_empty() => return super::everything().clone(),
            NamesPolicy::Full => Hides::Hidden,
            NamesPolicy::Class => Hides::All,
            NamesPolicy::Hidden => Hides::AllButAgreed,
        };
        self.behind(code, (names, hides), Arc::clone(numbers), heeded)
    }

    /// Members of a raid, by numbers that are known.
    pub fn of_members(&self, code: &str, numbers: &Arc<Numbers>) -> Audience {
        self.others(code, NamesPolicy::Full, numbers)
    }

    #[expect(clippy::disallowed_methods, reason = "audiences are made here")]
    fn behind(
        &self,
        code: &str,
        (names, hides): (NamesPolicy, Hides),
        numbers: Arc<Numbers>,
        heeded: Arc<Heeded>,
    ) -> Audience {
        // Of wishes that change nothing for them nothing is made anew.
        let counts = heeded.counts(names);
        let mark = format!("{code}|{names:?}|{}|{counts:?}", numbers.len());
        let secret = self.secret.clone();
        Audience::behind(Arc::new(RaidVeil { secret, code: code.to_owned(), names, hides, numbers, heeded, mark }))
    }
}

/// The players of a report.
pub fn players_of(derived: &Derived) -> Vec<ActorId> {
    derived.players.iter().filter_map(|player| ActorId::from_hex(&player.actor_id)).collect()
}

/// Whom a raid hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hides {
    /// All players.
    All,
    /// All but those who agreed to be shown.
    AllButAgreed,
    /// Those alone who are shown to nobody.
    Hidden,
}

/// Hides players of a raid.
struct RaidVeil {
    secret: RelaySecret,
    code: String,
    names: NamesPolicy,
    hides: Hides,
    numbers: Arc<Numbers>,
    heeded: Arc<Heeded>,
    mark: String,
}

impl std::fmt::Debug for RaidVeil {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RaidVeil").field(&self.mark).finish()
    }
}

impl Veil for RaidVeil {
    fn hides(&self, player: ActorId) -> bool {
        match self.hides {
            Hides::All => true,
            Hides::AllButAgreed => !self.heeded.agreed.contains(&player),
            Hides::Hidden => self.heeded.hidden.contains(&player),
        }
    }

    fn is_of_some(&self) -> bool {
        self.hides == Hides::Hidden
    }

    fn key(&self, player: ActorId) -> ActorId {
        self.secret.pseudonym(&self.code, self.names, player)
    }

    fn number(&self, player: ActorId) -> Option<u32> {
        self.numbers.get(&player).copied()
    }

    fn mark(&self) -> &str {
        &self.mark
    }
}

/// Those who are shown lists of fights, where no player is named.
#[expect(clippy::disallowed_methods, reason = "audiences are made here")]
pub(super) fn of_lists() -> Audience {
    Audience::behind(Arc::new(Everybody))
}

/// Hides everybody.
#[derive(Debug)]
struct Everybody;

impl Veil for Everybody {
    fn hides(&self, _: ActorId) -> bool {
        true
    }

    fn key(&self, _: ActorId) -> ActorId {
        ActorId([0; 16])
    }

    fn number(&self, _: ActorId) -> Option<u32> {
        None
    }

    fn mark(&self) -> &'static str {
        "lists"
    }
}
