//! The keys that a provider signs with, as it publishes them.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde::Deserialize;

use crate::limits::PROVIDER_KEYS_MAX;

/// A set of keys as it stands at the provider's address.
#[derive(Deserialize)]
pub(super) struct Published {
    keys: Vec<serde_json::Value>,
}

/// One of them.
struct SigningKey {
    kid: Option<String>,
    /// The one algorithm that it is for, if it says so.
    algorithm: Option<KeyAlgorithm>,
    curve: Option<EllipticCurve>,
    key: DecodingKey,
}

impl SigningKey {
    fn of(jwk: &Jwk) -> Option<Self> {
        let is_for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
        let curve = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => None,
            AlgorithmParameters::EllipticCurve(key) => Some(key.curve.clone()),
            AlgorithmParameters::OctetKeyPair(key) => Some(key.curve.clone()),
            // A secret, which is none when it is published; and kinds that are not known here.
            _ => return None,
        };
        let key = DecodingKey::from_jwk(jwk).ok().filter(|_| is_for_signatures)?;
        Some(Self { kid: jwk.common.key_id.clone(), algorithm: jwk.common.key_algorithm, curve, key })
    }

    fn is_for(&self, algorithm: Algorithm) -> bool {
        let is_curve = match algorithm {
            Algorithm::ES256 => self.curve == Some(EllipticCurve::P256),
            Algorithm::ES384 => self.curve == Some(EllipticCurve::P384),
            Algorithm::EdDSA => self.curve == Some(EllipticCurve::Ed25519),
            _ => algorithm.family() == AlgorithmFamily::Rsa,
        };
        is_curve
            && self.key.family() == algorithm.family()
            && self.algorithm.is_none_or(|own| own == KeyAlgorithm::from(algorithm))
    }
}

/// Those that are for signatures; others, and those of kinds that are not known here, are left out.
#[derive(Default)]
pub(super) struct Keys(Vec<SigningKey>);

impl From<Published> for Keys {
    fn from(published: Published) -> Self {
        let all = published.keys.into_iter().take(PROVIDER_KEYS_MAX);
        let keys = all.filter_map(|key| SigningKey::of(&serde_json::from_value(key).ok()?));
        Self(keys.collect())
    }
}

impl Keys {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that a token names, or the only one that it can be where it names none.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&DecodingKey> {
        let mut fitting =
            self.0.iter().filter(|key| key.is_for(algorithm) && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid)));
        let found = fitting.next()?;
        fitting.next().is_none().then_some(&found.key)
    }
}
