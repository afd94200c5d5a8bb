//! What is being set up, and not settled yet.

use raidcast::relay_link::RelayLink;
use tokio::task::JoinHandle;

use crate::ask::Outcome;
use crate::view::{PairStep, PairView};

/// What is being set up.
#[derive(Default)]
pub(super) struct Drafts {
    /// The relay that was typed, until there is a key for it.
    pub(super) draft: Option<RelayLink>,
    /// Somebody goes on without a meter: it is looked for later.
    pub(super) without_meter: bool,
    /// Pairings so far: what comes of an earlier one is not wanted.
    pub(super) pairings: u64,
    /// The one that is under way.
    pub(super) pairing: Option<JoinHandle<()>>,
    /// Who waits for its code.
    pub(super) answer: Option<Outcome<PairView>>,
    /// Its code.
    pub(super) code: Option<String>,
    /// How it stands.
    pub(super) step: PairStep,
}
