//! Who somebody is: keys and what each may do, people who sign in, providers who vouch for
//! them, and what stands for a player's id.
//!
//! One invariant: a secret is shown once, to whoever made it, and kept as a digest. Deliberately not here: who may see or
//! change what ([`crate::access`]).

mod cookie;
mod keyring;
mod members;
mod name;
mod pairing;
mod password;
mod provider;
mod secret;
mod tries;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub use self::cookie::Cookies;
pub use self::keyring::{Key, Keyring, WhoseKey};
pub use self::members::{
    Arrival, Arrived, CharacterHolder, DeviceFault, Entered, Facts, FirstLink, Members, PlayerFacts, SignedIn,
};
pub(crate) use self::provider::{Bounds, Waiting, is_safe_address};
pub use self::provider::{ClientSecret, ProviderKind, ProviderSetting, look_at_providers};
pub use self::secret::RelaySecret;
pub use raidcast_shared::account::{Registration, Scope};

/// As the configuration names it.
pub fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Upload => "upload",
        Scope::Read => "read",
        Scope::Manage => "manage",
    }
}

/// All scopes there are.
const SCOPES: [Scope; 3] = [Scope::Upload, Scope::Read, Scope::Manage];

/// Some of what keys may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// All there is.
    pub const ALL: Self = Self(0b111);

    /// Whether this is among it.
    pub fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// What is among it.
    pub fn listed(self) -> Vec<Scope> {
        SCOPES.into_iter().filter(|scope| self.has(*scope)).collect()
    }

    /// As the store keeps them: a bit each.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// As the store kept them; bits that mean nothing to this relay let nobody do anything.
    pub fn of_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |all, scope| all | 1 << scope as u8))
    }
}

/// SHA-256.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Whether two digests are one, in constant time.
pub fn same_digest(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}
