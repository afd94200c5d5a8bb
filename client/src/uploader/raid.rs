//! The raid that fights go into, as the client remembers it between starts.

use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::id::{RaidId, from_hex, hex};
use raidcast_shared::limits::RAID_IDLE_MS;
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::seen_by::SeenBy;
use crate::secret::Entropy;

/// The raid that fights are streamed into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Raid {
    id: Uuid,
    /// 32 bytes in hex: proves that a later connection is this client's.
    secret: String,
    relay: String,
    /// Digest of the key that it was made with: another account's raid is not ours.
    account: String,
    started_ms: i64,
    /// When its last fight had its last event, as far as known.
    last_fight_ms: i64,
    /// Who may see it, as it was asked for last.
    #[serde(default)]
    visibility: Visibility,
    /// Which names those see who are no members, as it was asked for last.
    #[serde(default)]
    names: NamesPolicy,
    /// How far behind those see it, seconds, as it was asked for last.
    #[serde(default)]
    delay_s: u32,
    /// Who may see its reports, as it was asked for last.
    #[serde(default)]
    report_visibility: ReportVisibility,
}

impl Raid {
    /// A raid that does not exist yet: save it before it is sent.
    pub(super) fn new(relay: &str, key: &str, now_ms: i64, entropy: &Entropy) -> Self {
        Self {
            id: entropy.uuid(),
            secret: hex(&entropy.bytes::<32>()),
            relay: relay.to_owned(),
            account: account_of(key),
            started_ms: now_ms,
            last_fight_ms: now_ms,
            visibility: Visibility::default(),
            names: NamesPolicy::default(),
            delay_s: 0,
            report_visibility: ReportVisibility::default(),
        }
    }

    /// Whether a fight that is streamed now belongs to it.
    pub(super) fn goes_on(&self, relay: &str, key: &str, now_ms: i64) -> bool {
        // A clock that was set back must not keep a raid open for ever.
        let age = now_ms.saturating_sub(self.last_fight_ms);
        self.relay == relay && self.account == account_of(key) && (-RAID_IDLE_MS..RAID_IDLE_MS).contains(&age)
    }

    /// Who may see it from now on and its reports, which names, and how far behind; as before where nothing is said.
    pub(super) fn be(
        &mut self,
        (live, reports): (Option<Visibility>, Option<ReportVisibility>),
        names: Option<NamesPolicy>,
        delay_s: Option<u32>,
    ) {
        self.visibility = live.unwrap_or(self.visibility);
        self.report_visibility = reports.unwrap_or(self.report_visibility);
        self.names = names.unwrap_or(self.names);
        self.delay_s = delay_s.unwrap_or(self.delay_s);
    }

    pub(super) fn names(&self) -> NamesPolicy {
        self.names
    }

    pub(super) fn delay_s(&self) -> u32 {
        self.delay_s
    }

    pub(super) fn report_visibility(&self) -> Option<Visibility> {
        self.report_visibility.into()
    }

    pub(super) fn visibility(&self) -> Visibility {
        self.visibility
    }

    /// As it was asked for last.
    pub(super) fn seen_by(&self) -> SeenBy {
        SeenBy { visibility: Some(self.visibility), names: Some(self.names) }
    }

    pub(super) fn is_on(&self, relay: &str) -> bool {
        self.relay == relay
    }

    pub(super) fn id(&self) -> RaidId {
        RaidId(self.id)
    }

    pub(super) fn secret(&self) -> Vec<u8> {
        from_hex(&self.secret).unwrap_or_default()
    }

    pub(super) fn fought_at(&mut self, now_ms: i64) {
        self.last_fight_ms = now_ms;
    }
}

fn account_of(key: &str) -> String {
    hex(&Sha256::digest(key)[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raid_goes_on_for_three_hours_with_the_same_relay_and_key() {
        let raid = Raid::new("http://a", "key", 1_000, &Entropy::system());
        assert!(raid.goes_on("http://a", "key", 1_000 + RAID_IDLE_MS - 1));
        assert!(!raid.goes_on("http://a", "key", 1_000 + RAID_IDLE_MS));
        assert!(!raid.goes_on("http://b", "key", 1_000));
        assert!(!raid.goes_on("http://a", "other", 1_000));
        assert_eq!(raid.secret().len(), 32);
    }
}
