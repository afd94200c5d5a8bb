//! Whether an id token is one: signed by the provider, for this relay, for this sign-in, and now.
//!
//! Pure: keys, time and what is expected come from outside. The library verifies the signature and nothing else; what the
//! token says is compared here, by the relay's own clock.

use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;

use super::crypto::{self, ALGORITHMS};
use super::keys::Keys;
use crate::limits::ID_TOKEN_BYTES_MAX;

/// Clocks differ by so much, s.
const LEEWAY_S: i64 = 60;
/// A token that was made for a code is not older than this, s.
const AGE_MAX_S: i64 = 3_600;
/// Bytes of a subject, as the standard has it.
const SUBJECT_BYTES_MAX: usize = 255;

/// Why it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenFault {
    /// It is no token.
    #[error("its id token cannot be read")]
    Unreadable,
    /// It is not signed, or in a way by which anybody could sign.
    #[error("its id token is not signed in a way that counts here")]
    Algorithm,
    /// The provider publishes no such key. It may have a new one.
    #[error("its id token is signed with a key that it does not publish")]
    UnknownKey,
    /// The signature is not good.
    #[error("the signature of its id token is wrong")]
    Signature,
    /// Somebody else says so.
    #[error("its id token names another issuer")]
    Issuer,
    /// It is told to somebody else.
    #[error("its id token is not for this relay's client_id")]
    Audience,
    /// It is over, or from the future.
    #[error("its id token is over, or not yet good: compare the clocks of both machines")]
    Time,
    /// It belongs to another sign-in.
    #[error("its id token belongs to another sign-in")]
    Nonce,
    /// It names nobody, or in a way that cannot be kept.
    #[error("its id token names nobody")]
    Subject,
    /// The provider knew him from before, and was asked to make sure.
    #[error("it was asked to have the person sign in anew, and did not")]
    Stale,
}

/// What a token must say.
pub(super) struct Expected<'a> {
    /// Who says it.
    pub(super) issuer: &'a str,
    /// To whom.
    pub(super) client_id: &'a str,
    /// For which sign-in.
    pub(super) nonce: &'a str,
    /// He must have signed in there within so many seconds, where the provider tells.
    pub(super) signed_in_within_s: Option<i64>,
    /// Now, Unix s.
    pub(super) now_s: i64,
}

/// One, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// What a token says.
#[derive(Deserialize)]
pub(super) struct Claims {
    iss: String,
    /// Who it is.
    pub(super) sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
    nonce: Option<String>,
    auth_time: Option<f64>,
    // Names are hints: of another kind they are none.
    preferred_username: Option<serde_json::Value>,
    nickname: Option<serde_json::Value>,
    name: Option<serde_json::Value>,
}

impl Claims {
    /// Whether it says that he signed in there since then, Unix s.
    pub(super) fn signed_in_since(&self, since_s: i64) -> bool {
        self.auth_time.is_some_and(|at| at >= since_s as f64)
    }

    /// What he may want to be called, best first.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let all = [&self.preferred_username, &self.nickname, &self.name];
        all.into_iter().filter_map(|name| name.as_ref()?.as_str())
    }
}

/// Looks at a token.
///
/// # Errors
/// What of it is not as it must be. `UnknownKey`: it may be good by keys that the provider has published since.
pub(super) fn check(token: &str, keys: &Keys, expected: &Expected<'_>) -> Result<Claims, TokenFault> {
    crypto::install();
    if token.len() > ID_TOKEN_BYTES_MAX {
        return Err(TokenFault::Unreadable);
    }
    // An algorithm that the library does not know, `none` among them, is no header.
    let header = decode_header(token).map_err(|_| TokenFault::Unreadable)?;
    if !ALGORITHMS.contains(&header.alg) || header.crit.is_some() {
        return Err(TokenFault::Algorithm);
    }
    let key = keys.find(header.kid.as_deref(), header.alg).ok_or(TokenFault::UnknownKey)?;
    let mut signature_alone = Validation::new(header.alg);
    signature_alone.required_spec_claims.clear();
    signature_alone.validate_exp = false;
    signature_alone.validate_aud = false;
    let claims = decode::<Claims>(token, key, &signature_alone).map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenFault::Signature,
        _ => TokenFault::Unreadable,
    })?;
    let claims = claims.claims;
    agrees(&claims, expected)?;
    Ok(claims)
}

fn agrees(claims: &Claims, expected: &Expected<'_>) -> Result<(), TokenFault> {
    let Expected { issuer, client_id, nonce, signed_in_within_s, now_s } = *expected;
    if claims.iss != issuer {
        return Err(TokenFault::Issuer);
    }
    let audience = claims.aud.all();
    let is_for_us = audience.iter().any(|one| one == client_id);
    let is_ours = match &claims.azp {
        Some(azp) => azp == client_id,
        None => audience.len() == 1,
    };
    if !is_for_us || !is_ours {
        return Err(TokenFault::Audience);
    }
    let (now, leeway) = (now_s as f64, LEEWAY_S as f64);
    let is_now = claims.exp > now - leeway
        && claims.iat < now + leeway
        && claims.iat > now - AGE_MAX_S as f64
        && claims.nbf.is_none_or(|nbf| nbf < now + leeway);
    if !is_now {
        return Err(TokenFault::Time);
    }
    if claims.nonce.as_deref() != Some(nonce) {
        return Err(TokenFault::Nonce);
    }
    if claims.sub.is_empty() || claims.sub.len() > SUBJECT_BYTES_MAX || claims.sub.chars().any(char::is_control) {
        return Err(TokenFault::Subject);
    }
    let is_recent = |at: f64| signed_in_within_s.is_none_or(|within| at > now - within as f64 - leeway);
    if !claims.auth_time.is_none_or(is_recent) {
        return Err(TokenFault::Stale);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
    use serde_json::{Value, json};

    use super::*;

    const NOW_S: i64 = 1_790_000_000;

    fn b64(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    struct Signer {
        pair: EcdsaKeyPair,
        random: SystemRandom,
    }

    impl Signer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
            Self { pair, random }
        }

        /// The public point, after its first byte: x and y.
        fn point(&self) -> (String, String) {
            let point = self.pair.public_key().as_ref();
            (b64(&point[1..33]), b64(&point[33..]))
        }

        fn jwk(&self, kid: &str) -> Value {
            let (x, y) = self.point();
            json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "alg": "ES256", "use": "sig"})
        }

        fn token(&self, header: &Value, claims: &Value) -> String {
            let message = format!("{}.{}", b64(header.to_string().as_bytes()), b64(claims.to_string().as_bytes()));
            let signature = self.pair.sign(&self.random, message.as_bytes()).unwrap();
            format!("{message}.{}", b64(signature.as_ref()))
        }
    }

    fn keys(all: &[Value]) -> Keys {
        serde_json::from_value::<super::super::keys::Published>(json!({ "keys": all })).unwrap().into()
    }

    fn claims() -> Value {
        json!({
            "iss": "https://sso.example", "aud": "relay", "sub": "7", "nonce": "n",
            "exp": NOW_S + 300, "iat": NOW_S, "preferred_username": "ana",
        })
    }

    fn with(change: impl FnOnce(&mut Value)) -> Value {
        let mut all = claims();
        change(&mut all);
        all
    }

    fn expected() -> Expected<'static> {
        Expected {
            issuer: "https://sso.example",
            client_id: "relay",
            nonce: "n",
            signed_in_within_s: None,
            now_s: NOW_S,
        }
    }

    fn fault(token: &str, keys: &Keys) -> Option<TokenFault> {
        check(token, keys, &expected()).err()
    }

    #[test]
    fn a_token_is_good_as_it_should_be_and_with_each_change_of_it_is_not() {
        let signer = Signer::new();
        let keys = keys(&[signer.jwk("a"), json!({"kty": "new", "kid": "b"}), json!(5)]);
        let header = json!({"alg": "ES256", "kid": "a", "typ": "JWT"});
        let good = check(&signer.token(&header, &claims()), &keys, &expected()).unwrap();
        assert_eq!((good.sub.as_str(), good.names().collect::<Vec<_>>()), ("7", vec!["ana"]));
        for good in [
            with(|claims| claims["aud"] = json!(["relay"])),
            with(|claims| claims["azp"] = json!("relay")),
            with(|claims| {
                claims["aud"] = json!(["other", "relay"]);
                claims["azp"] = json!("relay");
            }),
            with(|claims| claims["exp"] = json!(NOW_S - 59)),
            with(|claims| claims["iat"] = json!(NOW_S + 59)),
            with(|claims| claims["name"] = json!({"odd": 1})),
        ] {
            assert_eq!(fault(&signer.token(&header, &good), &keys), None, "{good}");
        }
        for (bad, why) in [
            (with(|claims| claims["iss"] = json!("https://sso.example/")), TokenFault::Issuer),
            (with(|claims| claims["iss"] = json!(["https://sso.example"])), TokenFault::Unreadable),
            (with(|claims| claims["aud"] = json!("other")), TokenFault::Audience),
            (with(|claims| claims["aud"] = json!([])), TokenFault::Audience),
            (with(|claims| claims["aud"] = json!(["relay", "other"])), TokenFault::Audience),
            (with(|claims| claims["azp"] = json!("other")), TokenFault::Audience),
            (with(|claims| claims["exp"] = json!(NOW_S - 61)), TokenFault::Time),
            (with(|claims| claims["exp"] = json!("soon")), TokenFault::Unreadable),
            (with(|claims| claims["iat"] = json!(NOW_S + 61)), TokenFault::Time),
            (with(|claims| claims["iat"] = json!(NOW_S - 3_601)), TokenFault::Time),
            (with(|claims| claims["nbf"] = json!(NOW_S + 61)), TokenFault::Time),
            (with(|claims| claims["nonce"] = json!("m")), TokenFault::Nonce),
            (with(|claims| claims["nonce"] = Value::Null), TokenFault::Nonce),
            (with(|claims| claims["sub"] = json!("")), TokenFault::Subject),
            (with(|claims| claims["sub"] = json!("a\0")), TokenFault::Subject),
            (with(|claims| claims["sub"] = json!("a".repeat(256))), TokenFault::Subject),
            (with(|claims| claims["sub"] = json!(7)), TokenFault::Unreadable),
        ] {
            assert_eq!(fault(&signer.token(&header, &bad), &keys), Some(why), "{bad}");
        }
        for name in ["iss", "aud", "sub", "exp", "iat"] {
            let bad = with(|claims| drop(claims.as_object_mut().unwrap().remove(name)));
            assert_eq!(fault(&signer.token(&header, &bad), &keys), Some(TokenFault::Unreadable), "{name}");
        }
    }

    #[test]
    fn a_sign_in_that_was_to_be_fresh_is_so_where_the_provider_tells() {
        let signer = Signer::new();
        let (keys, header) = (keys(&[signer.jwk("a")]), json!({"alg": "ES256", "kid": "a"}));
        let fault = |claims: &Value, within: Option<i64>| {
            let expected = Expected { signed_in_within_s: within, ..expected() };
            check(&signer.token(&header, claims), &keys, &expected).err()
        };
        let signed_in = |ago: i64| with(|claims| claims["auth_time"] = json!(NOW_S - ago));
        assert_eq!(fault(&claims(), Some(900)), None);
        assert_eq!(fault(&signed_in(900), Some(900)), None);
        assert_eq!(fault(&signed_in(1_000), Some(900)), Some(TokenFault::Stale));
        assert_eq!(fault(&signed_in(100_000), None), None);
    }

    #[test]
    fn only_keys_that_the_provider_published_for_this_sign() {
        let (signer, other) = (Signer::new(), Signer::new());
        let keys_of_one = keys(&[signer.jwk("a")]);
        let header = json!({"alg": "ES256", "kid": "a"});
        let token = signer.token(&header, &claims());
        assert_eq!(fault(&other.token(&header, &claims()), &keys_of_one), Some(TokenFault::Signature));
        let unknown = json!({"alg": "ES256", "kid": "z"});
        assert_eq!(fault(&signer.token(&unknown, &claims()), &keys_of_one), Some(TokenFault::UnknownKey));
        assert_eq!(fault(&token, &Keys::default()), Some(TokenFault::UnknownKey));
        // Without a name the key must be the only one that it can be.
        let unnamed = json!({"alg": "ES256"});
        assert_eq!(fault(&signer.token(&unnamed, &claims()), &keys_of_one), None);
        let both = keys(&[signer.jwk("a"), other.jwk("b")]);
        assert_eq!(fault(&signer.token(&unnamed, &claims()), &both), Some(TokenFault::UnknownKey));
        // A key that is for something else.
        for (name, value) in [("use", "enc"), ("alg", "ES384"), ("crv", "P-384")] {
            let mut jwk = signer.jwk("a");
            jwk[name] = value.into();
            assert_eq!(fault(&token, &keys(&[jwk])), Some(TokenFault::UnknownKey), "{name}");
        }
        let mut critical = header;
        critical["crit"] = json!(["b64"]);
        assert_eq!(fault(&signer.token(&critical, &claims()), &keys_of_one), Some(TokenFault::Algorithm));
        // One letter of it is another.
        for at in [10, token.find('.').unwrap() + 20, token.len() - 10] {
            let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
            let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
            assert!(fault(&changed, &keys_of_one).is_some(), "{at}");
        }
    }

    #[test]
    fn a_signature_that_anybody_could_make_is_none() {
        let signer = Signer::new();
        let jwk = signer.jwk("a");
        let published = keys(&[jwk.clone(), json!({"kty": "oct", "k": "c2VjcmV0", "kid": "oct"})]);
        let unsigned = |alg: &str, kid: &str| {
            let header = json!({"alg": alg, "kid": kid}).to_string();
            format!("{}.{}", b64(header.as_bytes()), b64(claims().to_string().as_bytes()))
        };
        for alg in ["none", "None", "NONE", ""] {
            assert_eq!(fault(&format!("{}.", unsigned(alg, "a")), &published), Some(TokenFault::Unreadable), "{alg}");
        }
        // As a secret, what everybody knows: the public key, in each of its forms, and a published secret.
        let (x, y) = signer.point();
        let point = signer.pair.public_key().as_ref().to_vec();
        for secret in [
            point,
            x.clone().into_bytes(),
            format!("{x}{y}").into_bytes(),
            jwk.to_string().into_bytes(),
            b"secret".to_vec(),
        ] {
            for (alg, kid) in [("HS256", "a"), ("HS256", "oct"), ("ES256", "a")] {
                let message = unsigned(alg, kid);
                let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&secret).unwrap();
                mac.update(message.as_bytes());
                let token = format!("{message}.{}", b64(&mac.finalize().into_bytes()));
                assert!(
                    matches!(fault(&token, &published), Some(TokenFault::Algorithm | TokenFault::Signature)),
                    "{alg} {kid}"
                );
            }
        }
        for odd in ["", ".", "..", "...", "a.b.c", &"a".repeat(ID_TOKEN_BYTES_MAX + 1)] {
            assert_eq!(fault(odd, &published), Some(TokenFault::Unreadable), "{}", odd.len());
        }
    }

    #[test]
    fn edwards_keys_sign_too() {
        let random = SystemRandom::new();
        let pair = Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref()).unwrap();
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key().as_ref()), "kid": "e"});
        let header = json!({"alg": "EdDSA", "kid": "e"});
        let message = format!("{}.{}", b64(header.to_string().as_bytes()), b64(claims().to_string().as_bytes()));
        let token = format!("{message}.{}", b64(pair.sign(message.as_bytes()).as_ref()));
        assert_eq!(fault(&token, &keys(&[jwk])), None);
    }
}
