//! Who is to see a fight.

use raidcast_shared::uplink::{NamesPolicy, Visibility};
use serde::{Deserialize, Serialize};

/// Who may see a fight, and which names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SeenBy {
    /// `None`: as the relay has it for the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// `None`: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<NamesPolicy>,
}

impl SeenBy {
    /// Who sees a new raid of which nothing was said.
    pub(super) fn of_a_new_raid() -> Self {
        Self { visibility: Some(Visibility::default()), names: Some(NamesPolicy::default()) }
    }

    /// The same, where it is said; else as it is `unsaid`.
    pub(super) fn or(self, unsaid: Self) -> Self {
        Self { visibility: self.visibility.or(unsaid.visibility), names: self.names.or(unsaid.names) }
    }

    /// Whether what was agreed to is what is asked for now, as far as anything is.
    pub fn is_met_by(&self, agreed: &Self) -> bool {
        let same_names = self.names.is_none_or(|names| names == agreed.names.unwrap_or_default());
        (self.visibility.is_none() || self.visibility == agreed.visibility) && same_names
    }
}
