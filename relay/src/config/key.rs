//! Keys of the configuration, and which nobody could use.

use std::fmt;

use raidcast_shared::text::{KeyFault, key_fault};
use raidcast_shared::uplink::Visibility;

use crate::account::Scopes;
use crate::signature::SigningSecret;

/// Characters of an upload key at the least.
const KEY_CHARS_MIN: usize = 8;

/// A key, as an operator sets it.
#[derive(Clone)]
pub struct KeySetting {
    /// What the configuration calls it.
    pub name: String,
    /// Whose it is.
    pub account: String,
    /// The key.
    pub key: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Who may see what it uploads over HTTP, where the request does not say so.
    pub visibility: Visibility,
    /// What its uploads may be signed with.
    pub signing_secret: Option<SigningSecret>,
    /// New fights that it may upload over HTTP within a day, if that is limited.
    pub uploads_per_day: Option<u32>,
}

impl KeySetting {
    /// The key of an account, which may do everything.
    pub fn of(account: impl Into<String>, key: impl Into<String>) -> Self {
        let account = account.into();
        Self {
            name: account.clone(),
            account,
            key: key.into(),
            scopes: Scopes::ALL,
            visibility: Visibility::default(),
            signing_secret: None,
            uploads_per_day: None,
        }
    }
}

/// Without the key and the secret.
impl fmt::Debug for KeySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, account, key: _, scopes, visibility, signing_secret: _, uploads_per_day } = self;
        let mut shown = f.debug_struct("KeySetting");
        shown
            .field("name", name)
            .field("account", account)
            .field("scopes", scopes)
            .field("visibility", visibility)
            .field("uploads_per_day", uploads_per_day)
            .finish()
    }
}

/// Why nobody could send this key; it is not said itself.
fn unusable(key: &str) -> Option<&'static str> {
    match key_fault(key) {
        Some(KeyFault::Empty) => Some("is empty: use a long random one"),
        Some(KeyFault::Characters) => Some(
            "holds a space, a line break, or a letter that is not English, which clients refuse: use letters, digits \
             and signs without spaces",
        ),
        Some(KeyFault::TooLong) => Some("is longer than clients send: use one of some dozen characters"),
        None if key.len() < KEY_CHARS_MIN => Some("has fewer than 8 characters: use a long random one"),
        None => None,
    }
}

/// Keys that nobody can send, that stand for two accounts, or for somebody who signs in: each by its place, and why. Without
/// its name, which may be a key that was written on the wrong side.
pub(super) fn refused_keys(keys: &[KeySetting]) -> Vec<(usize, String)> {
    let refused = |(at, KeySetting { account, key, .. }): (usize, &KeySetting)| {
        if account.starts_with('@') {
            let why = "the account begins with @, as those of people who sign in: give it another name";
            return Some((at, why.to_owned()));
        }
        if let Some(why) = unusable(key) {
            return Some((at, format!("the upload key {why}, for example from `openssl rand -hex 32`")));
        }
        let is_anothers = keys[..at].iter().any(|other| other.key == *key);
        is_anothers.then(|| (at, "it is the same upload key as another: give each account its own".to_owned()))
    };
    keys.iter().enumerate().filter_map(refused).collect()
}
