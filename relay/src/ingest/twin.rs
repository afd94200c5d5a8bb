//! Which fight an upload tells where its player saw several begin in the same ms: player and begin name the first of them
//! alone. It is the one that it is most [like](Likeness), else the next.
//!
//! One invariant: while a fight is named and kept nobody else names one of the same player and begin. Deliberately not
//! here: what makes two readings ones of one fight ([`raidcast_ingest`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use raidcast_ingest::{Likeness, Uploaded};
use raidcast_shared::id::EncounterId;
use raidcast_shared::log::Log;
use raidcast_shared::uplink::ReportState;
use raidcast_store::{AccountId, EncounterKey, StoreError};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::keep::Keeper;
use crate::error::HttpError;

/// So many fights of one player and begin are numbered; meters have two at the most. What is like none of them then has a
/// name of its own.
const TWINS_MAX: u32 = 8;

/// The name of the n-th of them, from 1: as PROTOCOL.md, section 1 has it, so that a stream of it is the same fight.
fn twin(first: EncounterId, n: u32) -> EncounterId {
    match n {
        1 => first,
        n => EncounterId(Uuid::new_v5(&first.0, n.to_string().as_bytes())),
    }
}

/// A reading whose fight is named: while it is held nobody else names one of the same player and begin.
pub(super) struct Named {
    /// With the name.
    pub(super) read: Uploaded,
    /// Whether anything of this player and begin is held already.
    pub(super) is_held: bool,
    /// Who has it is alone.
    pub(super) alone: Alone,
}

pub(super) type Alone = OwnedMutexGuard<()>;

/// Players and begins of which a fight is being named and kept.
#[derive(Default)]
pub(super) struct Begins(Mutex<HashMap<EncounterKey, Arc<tokio::sync::Mutex<()>>>>);

impl Begins {
    async fn enter(&self, key: EncounterKey) -> Alone {
        let begin = {
            let mut begins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that somebody is in, or waits for, are held here and there.
            begins.retain(|_, begin| Arc::strong_count(begin) > 1);
            Arc::clone(begins.entry(key).or_default())
        };
        begin.lock_owned().await
    }
}

/// What is held under a name, beside a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// So like it is.
    Like(Likeness),
    /// It goes on, or cannot be read.
    Unknown,
}

/// The number of a reading where all others are of other fights: the same whenever it comes again.
fn of_its_own(read: &Uploaded) -> u32 {
    let (number, ..) = read.stream(read.encounter).0.as_fields();
    number.max(TWINS_MAX + 1)
}

impl Begins {
    /// Says which fight of its player and begin a reading is of: it is to be kept while nobody else names one.
    ///
    /// # Errors
    /// The store does not answer; `TooMany`: its account asks for too many.
    pub(super) async fn named(&self, keeper: &Keeper, account: AccountId, read: Uploaded) -> Result<Named, HttpError> {
        // It may cost a look at a stored log.
        keeper.begins(account)?;
        let first = read.encounter;
        let names: Vec<_> = (1..=TWINS_MAX).map(|n| keeper.context().secret.encounter(twin(first, n))).collect();
        let alone = self.enter(EncounterKey { account, encounter: names[0] }).await;
        let read = Arc::new(read);
        let held = keeper.context().store.encounters_held(account, &names).await?;
        // One that may be of the same fight; and the first name that is free, or of which nothing is known.
        let (mut like, mut open): (Option<u32>, Option<u32>) = (None, None);
        for (n, encounter) in (1..).zip(names) {
            let likeness = match held.contains(&encounter) {
                true => likeness(keeper, EncounterKey { account, encounter }, &read).await?,
                false => None,
            };
            match likeness {
                Some(Held::Like(Likeness::Same)) => {
                    like = Some(n);
                    break;
                }
                Some(Held::Like(Likeness::Part)) => like = like.or(Some(n)),
                Some(Held::Like(Likeness::Other)) => {}
                Some(Held::Unknown) => open = open.or(Some(n)),
                // One that came before another may have been deleted, or was never told.
                None if like.or(open).is_none() => open = Some(n),
                None => break,
            }
        }
        let mut read = Arc::unwrap_or_clone(read);
        let n = like.or(open).unwrap_or_else(|| of_its_own(&read));
        read.encounter = twin(first, n);
        Ok(Named { read, is_held: !held.is_empty(), alone })
    }
}

/// How like what is held under a name a reading is; `None` where nothing is.
async fn likeness(keeper: &Keeper, key: EncounterKey, read: &Arc<Uploaded>) -> Result<Option<Held>, HttpError> {
    let context = keeper.context();
    let held = match context.store.encounter(key.account, key.encounter).await {
        Ok(Some(held)) => held,
        Ok(None) => return Ok(None),
        // What cannot be read is mended by an upload.
        Err(StoreError::Damaged(_)) => return Ok(Some(Held::Unknown)),
        Err(error @ StoreError::Unavailable(_)) => return Err(error.into()),
    };
    if held.state != ReportState::Final {
        // What it will come to nobody knows.
        return Ok(Some(Held::Unknown));
    }
    if held.kept_stream == Some(read.stream(key.encounter)) {
        return Ok(Some(Held::Like(Likeness::Same)));
    }
    // It costs as much as a fight that comes again.
    keeper.begins(key.account)?;
    let log = match context.store.report_log(&held.report_id).await {
        Ok(Some(log)) => log,
        Ok(None) | Err(StoreError::Damaged(_)) => return Ok(Some(Held::Unknown)),
        Err(error @ StoreError::Unavailable(_)) => return Err(error.into()),
    };
    let (bytes, read) = (log.len(), Arc::clone(read));
    let compare = move || Log::from_bytes(&log).map_or(Likeness::Part, |held| read.likeness(&held));
    Ok(Some(context.heavy.run(bytes, compare).await.map_or(Held::Unknown, Held::Like)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u128) -> EncounterKey {
        EncounterKey { account: AccountId(1), encounter: EncounterId(Uuid::from_u128(n)) }
    }

    #[test]
    fn the_first_has_the_name_itself_and_the_next_those_that_clients_give() {
        let first = EncounterId::of_player("bpsr", 42, 1_790_000_000_000);
        assert_eq!(twin(first, 1), first);
        assert_eq!(twin(first, 2), EncounterId(Uuid::new_v5(&first.0, b"2")));
        assert_eq!(twin(first, 10), EncounterId(Uuid::new_v5(&first.0, b"10")));
    }

    #[tokio::test]
    async fn whoever_names_a_fight_has_its_begin_for_himself_and_nothing_is_left_of_who_is_done() {
        let begins = Begins::default();
        let (first, other) = (begins.enter(key(1)).await, begins.enter(key(2)).await);
        let mut waits = Box::pin(begins.enter(key(1)));
        assert!(futures::poll!(&mut waits).is_pending());
        drop(other);
        drop(first);
        let again = waits.await;
        let third = begins.enter(key(3)).await;
        let held = begins.0.lock().unwrap().len();
        assert_eq!(held, 2, "what nobody has is forgotten");
        drop((again, third));
    }
}
