//! What administrators see of limits, and of what the relay holds back.

use std::collections::BTreeMap;

use raidcast_shared::administration::{
    LimitLine, LimitName, RelayLimits, SetAsideLine, SpentLine, WaitingLine, WorkName,
};
use raidcast_store::{JobKind, JobsWaiting};

use super::{Members, SignedIn};
use crate::error::HttpError;
use crate::limits::EdgeLimits;

/// Accounts that are named.
const SPENT_LISTED_MAX: usize = 100;

impl Members {
    /// What the relay lets through, and what it holds back.
    ///
    /// # Errors
    /// `NotAdministrator`; the store does not answer.
    pub async fn limits(&self, who: &SignedIn) -> Result<RelayLimits, HttpError> {
        Self::administrates(who)?;
        let context = &self.context;
        let mut waiting = Vec::new();
        for (kind, work) in [
            (JobKind::Reading, WorkName::Uploads),
            (JobKind::Derive, WorkName::Derive),
            (JobKind::Erase, WorkName::Erase),
            (JobKind::Wipe, WorkName::Wipe),
            (JobKind::Webhook, WorkName::Webhooks),
        ] {
            let JobsWaiting { count, due_at_ms } = context.store.jobs(kind).await?;
            waiting.push(WaitingLine { work, count, due_at_ms });
        }
        let now_ms = self.now_ms();
        let mut spent = context.quota.spent(now_ms);
        spent.sort_by_key(|spent| (spent.again_in_ms, spent.account.0));
        let spent = spent.into_iter().take(SPENT_LISTED_MAX).map(|spent| SpentLine {
            account: spent.account.0,
            limit: if spent.in_bytes { LimitName::BytesPerAccountDay } else { LimitName::FightsPerAccountDay },
            again_at_ms: now_ms + spent.again_in_ms,
        });
        let mut set_aside: BTreeMap<String, SetAsideLine> = BTreeMap::new();
        context.set_aside.each(|why, is_raid| {
            let empty = || SetAsideLine { why: why.to_owned(), fights: 0, raids: 0 };
            let line = set_aside.entry(why.to_owned()).or_insert_with(empty);
            *(if is_raid { &mut line.raids } else { &mut line.fights }) += 1;
        });
        Ok(RelayLimits {
            limits: in_force(&context.limits),
            refused: context.quota.refused(),
            spent: spent.collect(),
            set_aside: set_aside.into_values().collect(),
            waiting,
        })
    }
}

fn in_force(limits: &EdgeLimits) -> Vec<LimitLine> {
    let of = |name, most| LimitLine { name, most };
    vec![
        of(LimitName::FightsPerAccountDay, limits.fights_per_key_day.into()),
        of(LimitName::BytesPerAccountDay, limits.bytes_per_key_day),
        of(LimitName::RaidsPerAccountHour, limits.raids_per_key_hour.into()),
        of(LimitName::ConnectionsPerAccount, limits.connections_per_key.into()),
        of(LimitName::MemoryPerAccount, limits.memory_per_key),
        of(LimitName::Memory, limits.memory),
        of(LimitName::UploadsPerAddressHour, limits.uploads_per_address_hour.into()),
        of(LimitName::RequestsPerSecond, limits.requests_per_s.into()),
        of(LimitName::SentPerSecond, u64::from(limits.sent_kib_per_s) * 1_024),
        of(LimitName::ConnectionsPerAddress, limits.connections_per_address.into()),
        of(LimitName::ReplaysPerAddress, limits.replays_per_address.into()),
        of(LimitName::WrongKeysPerMinute, limits.wrong_keys_per_minute.into()),
    ]
}
