//! `raidcast.toml`: what may stand in it, and what is wrong with one, without what stands there.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use raidcast_shared::uplink::Visibility;
use serde::Deserialize;

use super::error::ConfigError;
use super::key::KeySetting;
use super::limit::MEMORY_MIB_MIN;
use super::lines::Lines;
use super::provider::ProviderEntry;
use super::section;
use crate::account::{Registration, Scope, Scopes};
use crate::error::plain;
use crate::signature::{SECRET_CHARS_MIN, SigningSecret};

/// The configuration file; every entry may be left out.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) listen: Vec<String>,
    pub(super) data: Option<PathBuf>,
    pub(super) database_url: Option<String>,
    pub(super) public_url: Option<String>,
    #[serde(default)]
    pub(super) trusted_proxies: Vec<String>,
    pub(super) connections_per_address: Option<u32>,
    pub(super) memory_mib: Option<u32>,
    /// Uploads of one address an hour.
    pub(super) uploads_per_address_hour: Option<u32>,
    /// Sites whose pages may read answers.
    #[serde(default)]
    pub(super) cors_origins: Vec<String>,
    pub(super) metrics_listen: Option<String>,
    pub(super) tls_certificate: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) log_format: Option<String>,
    /// The folder whose files are served.
    pub(super) downloads: Option<PathBuf>,
    /// Files of fonts that pictures are drawn with.
    #[serde(default)]
    pub(super) picture_fonts: Vec<String>,
    /// Servers that answer as Discord does.
    #[serde(default)]
    pub(super) webhook_hosts: Vec<String>,
    /// Who may join.
    pub(super) registration: Option<Registration>,
    /// Days after which raids are removed.
    pub(super) keep_days: Option<u32>,
    #[serde(default)]
    pub(super) character_proof: Vec<String>,
    /// The upload key of the account `default`.
    pub(super) upload_key: Option<String>,
    /// Further keys, by name of the account.
    #[serde(default)]
    pub(super) upload_keys: BTreeMap<String, String>,
    /// Further ones that may do less, by names of their own.
    #[serde(default)]
    pub(super) keys: BTreeMap<String, KeyEntry>,
    /// Who else says who somebody is, by names of their own.
    #[serde(default)]
    pub(super) providers: BTreeMap<String, ProviderEntry>,
}

/// The file as it was read.
#[derive(Default)]
pub(super) struct Read {
    pub(super) file: File,
    pub(super) lines: Lines,
    /// What could not be read of it and is left out, by its path, and why.
    pub(super) refused: Vec<(String, ConfigError)>,
}

impl File {
    /// Reads it; where it need not be there, what is not there sets nothing.
    ///
    /// # Errors
    /// It cannot be read, or is no TOML.
    pub(super) fn read(path: &Path, required: bool) -> Result<Read, ConfigError> {
        let wrong = |line: Option<usize>, why: String| ConfigError::File { path: path.to_owned(), line, why };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && !required => {
                return Ok(Read::default());
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(wrong(None, "it is not there: check --config, or RAIDCAST_CONFIG".to_owned()));
            }
            Err(error) => return Err(wrong(None, plain(&error))),
        };
        let text = text.trim_start_matches('\u{feff}');
        let lines = Lines::of(text)
            .map_err(|line| wrong(line, "it is no TOML. Text stands in quotes, like upload_key = \"…\"".to_owned()))?;
        let parsed = config::Config::builder()
            .add_source(config::File::from_str(text, config::FileFormat::Toml))
            .build()
            .map_err(|error| wrong(path_of(&error).and_then(|path| lines.at(&path)), without_values(&error)))?;
        let (mut all, mut refused) = (parsed.cache, Vec::<(String, ConfigError)>::new());
        loop {
            let error = match Self::deserialize(all.clone()) {
                Ok(file) => return Ok(Read { file, lines, refused }),
                Err(error) => error,
            };
            let at = path_of(&error).unwrap_or_default();
            // A section may lack what was taken out of it: that is said already.
            if !refused.iter().any(|(path, _)| *path == at) {
                refused.push((at.clone(), wrong(lines.at(&at), without_values(&error))));
            }
            if !take_out(&mut all, &at) {
                let all = refused.into_iter().map(|(_, error)| error).collect();
                return Err(ConfigError::of_all(all).unwrap_or_else(|| wrong(None, without_values(&error))));
            }
        }
    }
}

/// Takes out what stands at a path, or else what it would stand in; false if there is nothing of it.
fn take_out(all: &mut config::Value, path: &str) -> bool {
    let mut path = path;
    loop {
        if take_out_at(all, "", path) {
            return true;
        }
        match path.rfind(['.', '[']) {
            Some(end) => path = &path[..end],
            None => return false,
        }
    }
}

/// Takes out what stands at a path, of what stands below another one.
fn take_out_at(value: &mut config::Value, below: &str, path: &str) -> bool {
    let config::ValueKind::Table(table) = &mut value.kind else { return false };
    let dot = if below.is_empty() { "" } else { "." };
    let place = |name: &str| format!("{below}{dot}{name}");
    if let Some(name) = table.keys().find(|name| place(name) == path).cloned() {
        return table.remove(&name).is_some();
    }
    table.iter_mut().any(|(name, value)| path.starts_with(&place(name)) && take_out_at(value, &place(name), path))
}

/// A key under `[keys.NAME]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyEntry {
    key: String,
    /// Whose it is; without it the account has the key's name.
    account: Option<String>,
    /// What it may do; without it everything.
    scopes: Option<Vec<Scope>>,
    /// Who may see what it uploads over HTTP, where the request does not say so.
    visibility: Option<Visibility>,
    /// What its uploads may be signed with.
    signing_secret: Option<String>,
    /// New fights that it uploads over HTTP within a day.
    uploads_per_day: Option<u32>,
}

impl KeyEntry {
    /// What it sets of that which has a default.
    pub(super) fn given(&self) -> impl Iterator<Item = &'static str> {
        let Self { account, scopes, visibility, .. } = self;
        let given =
            [("account", account.is_some()), ("scopes", scopes.is_some()), ("visibility", visibility.is_some())];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name)
    }

    /// The key with this name.
    ///
    /// # Errors
    /// The field that cannot be what it is, and why.
    pub(super) fn setting(self, name: String) -> Result<KeySetting, (&'static str, String)> {
        let Self { key, account, scopes, visibility, signing_secret, uploads_per_day } = self;
        if uploads_per_day == Some(0) {
            let why = "`uploads_per_day` must be at least 1: a key that uploads nothing lacks the scope";
            return Err(("uploads_per_day", why.to_owned()));
        }
        let refused = |why: &str| {
            Err(("signing_secret", format!("`signing_secret` {why}, for example from `openssl rand -hex 32`")))
        };
        let signing_secret = match signing_secret.as_deref().map(SigningSecret::new) {
            None => None,
            Some(None) => {
                return refused(&format!("has fewer than {SECRET_CHARS_MIN} characters: use a long random one"));
            }
            // Whoever is sent the one has the other.
            Some(Some(secret)) if secret.is(&key) => return refused("is the upload key itself: use another"),
            Some(secret) => secret,
        };
        Ok(KeySetting {
            account: account.unwrap_or_else(|| name.clone()),
            scopes: scopes.map_or(Scopes::ALL, |scopes| scopes.into_iter().collect()),
            visibility: visibility.unwrap_or_default(),
            signing_secret,
            uploads_per_day,
            name,
            key,
        })
    }
}

/// The names in a [`File`].
const SETTINGS: [&str; 23] = [
    "listen",
    "data",
    "database_url",
    "public_url",
    "trusted_proxies",
    "connections_per_address",
    "memory_mib",
    "uploads_per_address_hour",
    "cors_origins",
    "metrics_listen",
    "tls_certificate",
    "tls_key",
    "log_format",
    "downloads",
    "picture_fonts",
    "webhook_hosts",
    "registration",
    "keep_days",
    "character_proof",
    "upload_key",
    "upload_keys",
    "keys",
    "providers",
];

/// Settings that are lists, and what may stand in one.
const LISTS: [(&str, &str); 6] = [
    ("listen", "127.0.0.1:8787"),
    ("trusted_proxies", "127.0.0.1"),
    ("cors_origins", "https://stats.example"),
    ("character_proof", "administrator"),
    ("webhook_hosts", "https://chat.example"),
    ("picture_fonts", "/usr/share/fonts/opentype/noto/NotoSansCJK-Medium.ttc"),
];

/// Settings that are numbers, and the least that each may be.
const NUMBERS: [(&str, u32); 4] =
    [("connections_per_address", 1), ("memory_mib", MEMORY_MIB_MIN), ("uploads_per_address_hour", 1), ("keep_days", 1)];

/// Settings that stand in the file alone.
const SECTIONS: [&str; 3] = ["upload_keys", "keys", "providers"];

/// Whether a variable of the environment with this name sets a setting.
pub(super) fn is_variable(name: &str) -> bool {
    let setting = name.strip_prefix("RAIDCAST_").unwrap_or_default().to_ascii_lowercase();
    let setting = setting.as_str();
    let is_one = SETTINGS.contains(&setting) && !SECTIONS.contains(&setting);
    name == "RAIDCAST_CONFIG" || (is_one && name.bytes().all(|byte| !byte.is_ascii_lowercase()))
}

/// The list in which something stands, and what may stand there.
fn list_of(key: &str) -> Option<(&'static str, &'static str)> {
    let name = key.split(['.', '[']).next()?;
    LISTS.into_iter().find(|(list, _)| *list == name)
}

/// The name that is none of a setting or field.
fn unknown(error: &config::ConfigError) -> Option<&str> {
    let config::ConfigError::Message(text) = error else { return None };
    Some(text.strip_prefix("unknown field `")?.split_once("`, expected")?.0)
}

/// The path of what is wrong.
fn path_of(error: &config::ConfigError) -> Option<String> {
    use config::ConfigError as E;
    match error {
        E::At { key: Some(path), error, .. } => {
            Some(unknown(error).map_or_else(|| path.clone(), |name| format!("{path}.{name}")))
        }
        E::At { error, key: None, .. } => path_of(error),
        E::Type { key, .. } => key.clone(),
        E::NotFound(path) => Some(path.clone()),
        _ => unknown(error).map(str::to_owned),
    }
}

/// What is wrong with a configuration file, without what stands in it: a key or a password whose quotes were forgotten
/// does not go into a log.
fn without_values(error: &config::ConfigError) -> String {
    use config::ConfigError as E;
    let setting = |key: &Option<String>| {
        let name = key.as_deref().and_then(|key| key.split('.').next()).filter(|key| SETTINGS.contains(key));
        name.map_or("a value".to_owned(), |name| format!("`{name}`"))
    };
    match error {
        E::Type { key: Some(key), .. } if section::is_in_one(key) => section::wrong(key, false),
        E::At { key: Some(key), error, .. } if section::is_in_one(key) => section::wrong(key, unknown(error).is_some()),
        E::Type { key, .. } | E::At { key, .. } if key.as_deref() == Some("registration") => {
            "`registration` must be \"open\", \"invitation\" or \"closed\"".to_owned()
        }
        E::Type { key: Some(key), .. } if NUMBERS.iter().any(|(name, _)| name == key) => {
            let least = NUMBERS.iter().find(|(name, _)| name == key).map_or(1, |(_, least)| *least);
            format!("`{key}` must be a whole number of at least {least}")
        }
        E::Type { key: Some(key), .. } | E::At { key: Some(key), .. } if list_of(key).is_some() => {
            let (name, like) = list_of(key).unwrap_or_default();
            format!("`{name}` must be a list, like {name} = [\"{like}\"]")
        }
        E::Type { expected, key, .. } => format!("{} must be {expected}", setting(key)),
        E::At { error, key: None, .. } => without_values(error),
        E::At { key, .. } => format!("{} is not what it must be", setting(key)),
        E::Message(_) if unknown(error).is_some() => {
            // What is none may be a key that was written on the wrong side.
            let small = unknown(error).unwrap_or_default().to_ascii_lowercase();
            if SETTINGS.contains(&small.as_str()) {
                return format!("names of settings are in small letters: write `{small}`");
            }
            format!("a setting stands there that there is not. There are: {}", SETTINGS.join(", "))
        }
        E::NotFound(name) if section::is_in_one(name) => section::lacks(name),
        _ => format!("a value is not what it must be. Settings are: {}", SETTINGS.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_name_among_those_that_are_told() {
        let unknown = config::Config::builder()
            .add_source(config::File::from_str("nothing = 1", config::FileFormat::Toml))
            .build()
            .and_then(config::Config::try_deserialize::<File>)
            .err()
            .expect("it is no setting")
            .to_string();
        let known: Vec<_> = unknown.split('`').skip(3).step_by(2).collect();
        assert_eq!(known, SETTINGS, "{unknown}");
    }
}
