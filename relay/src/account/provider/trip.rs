//! One way to a provider and back: what it is made of, and what comes of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::account::digest;

/// Who somebody is to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::account) struct Identity {
    /// Names him there for ever.
    pub(in crate::account) subject: String,
    /// What he may want to be called here: a name that can be one, or nothing.
    pub(in crate::account) name: String,
    /// Whether the provider says that he signed in there a moment ago: else it may have known him from before.
    pub(in crate::account) is_recent: bool,
}

/// Why a provider did not say who somebody is. The text is for the log: it holds no secret, and nothing of the person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::account) enum ProviderFault {
    /// It does not answer, or says that it cannot.
    #[error("{0}")]
    Down(String),
    /// It is asked too often; after so many seconds it may be asked again.
    #[error("it is asked too often, and wants to be left alone for {0} s")]
    Busy(u32),
    /// It gave nobody this code, or not now: who brings it is at fault, or too slow.
    #[error("{0}")]
    Code(String),
    /// It refuses the relay, or what it says is not as it must be.
    #[error("{0}")]
    Wrong(String),
}

/// What one way to a provider and back is made of.
pub(in crate::account) struct Trip<'a> {
    /// What comes back unchanged.
    pub(in crate::account) state: &'a str,
    /// What the token must hold.
    pub(in crate::account) nonce: &'a str,
    /// What proves that who brings the code began the trip.
    pub(in crate::account) verifier: &'a str,
    /// Where it leads back to.
    pub(in crate::account) redirect_uri: &'a str,
    /// Whether the provider is to make sure that it is he, and not only his browser.
    pub(in crate::account) fresh: bool,
}

impl Trip<'_> {
    /// What is told of the verifier at first (PKCE, S256).
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(self.verifier.as_bytes()))
    }
}
