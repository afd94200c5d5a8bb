//! Who is at a provider, and who came back from one as a stranger.

use raidcast_shared::account::Errand;
use raidcast_store::{PersonId, SessionId};

use crate::account::provider::{self, Identity};

/// Somebody who is at a provider.
#[derive(Clone)]
pub(super) struct Trip {
    pub(super) provider: String,
    /// The digest of what his browser keeps.
    pub(super) browser: [u8; 32],
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) errand: Errand,
    /// Who he is, and by which session, where he is signed in already.
    pub(super) who: Option<(PersonId, SessionId)>,
    pub(super) invitation: Option<String>,
    pub(super) next: Option<String>,
}

impl Trip {
    pub(super) fn with<'a>(&'a self, state: &'a str, redirect_uri: &'a str) -> provider::Trip<'a> {
        let fresh = self.errand != Errand::Enter;
        provider::Trip { state, nonce: &self.nonce, verifier: &self.verifier, redirect_uri, fresh }
    }
}

/// Somebody whom a provider knows, and who has not joined.
#[derive(Clone)]
pub(super) struct Stranger {
    pub(super) provider: String,
    pub(super) identity: Identity,
    pub(super) invitation: Option<String>,
}
