//! `waiting.json`: fights that were agreed to, to be sent whole, and are not known to be on the relay.
//!
//! One invariant: a fight is in it from before its first request is sent until `record.json` says what became of it. So
//! whenever the client is killed, it is sent again, which the relay knows.

use std::collections::HashSet;
use std::path::Path;

use raidcast_shared::uplink::{NamesPolicy, Visibility};
use serde::{Deserialize, Serialize};

use super::folder::{FolderError, load};
use super::record::{Finished, How};
use super::seen_by::SeenBy;
use crate::secret::replace;

/// The fights that wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Oldest first.
    pub fights: Vec<Waits>,
}

/// A fight that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waits {
    /// Which it is, as far as it was read, and why it waits, if that is known.
    pub fight: Finished,
    /// Who may see it, as was agreed to; `None`: as the relay has it for the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// Which names those see who are no members, as was agreed to; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<NamesPolicy>,
}

impl Waits {
    /// Who may see it.
    pub fn seen_by(&self) -> SeenBy {
        SeenBy { visibility: self.visibility, names: self.names }
    }
}

impl Waiting {
    /// What the folder remembers; read without the lock, too.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged: it is never thrown away unasked.
    pub fn load(dir: &Path) -> Result<Self, FolderError> {
        Ok(load(dir.join("waiting.json"))?.unwrap_or_default())
    }

    /// Those that wait for a relay.
    pub fn of(&self, relay: &str) -> impl Iterator<Item = &Waits> {
        self.fights.iter().filter(move |waits| waits.fight.relay == relay)
    }

    /// Who may see what waits of a name for a relay, as was agreed to.
    pub(super) fn seen_by(&self, encounter: &str, relay: &str) -> SeenBy {
        self.get(encounter, relay).map(Waits::seen_by).unwrap_or_default()
    }

    /// What waits of a name for a relay.
    pub(super) fn get(&self, encounter: &str, relay: &str) -> Option<&Waits> {
        self.of(relay).find(|waits| waits.fight.encounter == encounter)
    }

    /// A fight waits, and why; in place of what was noted of it.
    pub(super) fn note(&mut self, fight: Finished, seen_by: SeenBy) {
        self.forget(&fight.encounter, &fight.relay);
        let at = self.fights.partition_point(|held| held.fight.started_at_ms <= fight.started_at_ms);
        let SeenBy { visibility, names } = seen_by;
        self.fights.insert(at, Waits { fight: Finished { result: How::Waiting, ..fight }, visibility, names });
    }

    /// A fight waits no more.
    pub(super) fn forget(&mut self, encounter: &str, relay: &str) {
        self.fights.retain(|held| held.fight.encounter != encounter || held.fight.relay != relay);
    }

    /// Fights wait no more.
    pub(super) fn forget_all(&mut self, encounters: &HashSet<String>, relay: &str) {
        self.fights.retain(|held| held.fight.relay != relay || !encounters.contains(&held.fight.encounter));
    }

    pub(super) fn save(&self, dir: &Path) -> Result<(), FolderError> {
        let path = dir.join("waiting.json");
        let text = serde_json::to_vec(self).expect("text and numbers are JSON");
        replace(&path, &text).map_err(|error| FolderError::Io { path, error })
    }
}
