//! Providers in the configuration file: `[providers.NAME]`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use raidcast_shared::text::is_name;
use serde::Deserialize;

use super::source::Source;
use crate::account::{ClientSecret, ProviderKind, ProviderSetting, is_safe_address};

/// Where Discord is.
const DISCORD: &str = "https://discord.com";
/// Bytes of a provider's name.
const ID_BYTES: std::ops::RangeInclusive<usize> = 1..=32;
/// Characters of its title.
const TITLE_CHARS_MAX: usize = 40;
/// Bytes of what it calls this relay, and of their secret.
const CLIENT_BYTES_MAX: usize = 1_024;

/// A provider under `[providers.NAME]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderEntry {
    kind: Kind,
    /// What people call it; without it its name, or "Discord".
    title: Option<String>,
    /// Of OpenID Connect.
    issuer: Option<String>,
    client_id: String,
    client_secret: Option<String>,
    /// A file with nothing else in it.
    client_secret_file: Option<PathBuf>,
    /// Of Discord: where it is. For tests.
    base_url: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    OpenId,
    Discord,
}

/// The variable of the environment that holds a provider's secret.
pub(super) fn secret_variable(id: &str) -> String {
    format!("RAIDCAST_PROVIDER_{}_SECRET", id.to_ascii_uppercase().replace('-', "_"))
}

/// The providers of a file, by name; and the names of those that cannot be, and why.
pub(super) fn providers(
    entries: BTreeMap<String, ProviderEntry>,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> (Vec<ProviderSetting>, Vec<(String, String)>) {
    let (mut all, mut refused) = (Vec::<ProviderSetting>::new(), Vec::new());
    for (id, entry) in entries {
        let setting = match entry.setting(id.clone(), environment) {
            Ok(setting) => setting,
            Err(why) => {
                refused.push((id, why));
                continue;
            }
        };
        let issuer = |setting: &ProviderSetting| match &setting.kind {
            ProviderKind::OpenId { issuer } => Some(issuer.clone()),
            ProviderKind::Discord { .. } => None,
        };
        let twin = all.iter().find(|other| issuer(other).is_some() && issuer(other) == issuer(&setting));
        if let Some(twin) = twin {
            let (one, other) = (&twin.id, setting.id);
            let text = format!("the providers `{one}` and `{other}` have the same issuer: keep one of them");
            refused.push((other, text));
            continue;
        }
        all.push(setting);
    }
    (all, refused)
}

/// Whether a provider may be named so in addresses, in the table of sign-ins and in the environment.
fn is_id(id: &str) -> bool {
    ID_BYTES.contains(&id.len())
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

impl ProviderEntry {
    /// The provider of this name; why not, in words.
    fn setting(self, id: String, environment: &dyn Fn(&str) -> Option<OsString>) -> Result<ProviderSetting, String> {
        if !is_id(&id) {
            // What stands there may be a secret.
            return Err(
                "a section under `providers` has a name that none can have: begin it with a small letter, and use \
                        1 to 32 small letters, digits and dashes, like [providers.guild-sso]"
                    .into(),
            );
        }
        let refused = |why: &str| Err(format!("the provider `{id}` {why}"));
        let client_secret = self.secret(&id, environment)?;
        let Self { kind, title, issuer, client_id, base_url, .. } = self;
        let kind = match (kind, issuer, base_url) {
            (Kind::OpenId, None, _) => {
                return refused(
                    "has no issuer: write the address by which the provider calls itself, like \
                                issuer = \"https://accounts.google.com\"",
                );
            }
            (Kind::OpenId, _, Some(_)) => return refused("has a base_url, which is for Discord alone: take it out"),
            (Kind::Discord, Some(_), _) => return refused("has an issuer, which Discord needs not: take it out"),
            (Kind::OpenId, Some(issuer), None) if is_safe_address(&issuer) && !issuer.contains('?') => {
                ProviderKind::OpenId { issuer }
            }
            (Kind::OpenId, Some(_), None) => {
                return refused(
                    "has an issuer that cannot be used: it must begin with https:// (http:// on this machine \
                                alone), and have no user, `?` or `#`",
                );
            }
            (Kind::Discord, None, base_url) => {
                let base_url = base_url.unwrap_or_else(|| DISCORD.to_owned());
                if !is_safe_address(&base_url) || base_url.contains('?') {
                    return refused("has a base_url that cannot be used: leave it out, and Discord itself is asked");
                }
                ProviderKind::Discord { base_url: base_url.trim_end_matches('/').to_owned() }
            }
        };
        let title = title.unwrap_or_else(|| match kind {
            ProviderKind::OpenId { .. } => id.clone(),
            ProviderKind::Discord { .. } => "Discord".into(),
        });
        if title.trim().is_empty() || !is_name(&title, TITLE_CHARS_MAX) {
            return refused("has a title that cannot be shown: use 1 to 40 characters, without line breaks");
        }
        let is_sendable = |text: &str| {
            (1..=CLIENT_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        };
        if !is_sendable(&client_id) {
            return refused("has a client_id that is empty, or no plain text: copy it from the provider's page");
        }
        if !is_sendable(&client_secret) {
            return refused("has a client_secret that is empty, or no plain text: copy it from the provider's page");
        }
        Ok(ProviderSetting { id, title, kind, client_id, client_secret: ClientSecret::new(client_secret) })
    }

    /// What it sets of that which may have a default.
    pub(super) fn given(&self) -> impl Iterator<Item = &'static str> {
        let Self { title, base_url, .. } = self;
        let given = [
            ("kind", true),
            ("issuer", true),
            ("client_id", true),
            ("title", title.is_some()),
            ("base_url", base_url.is_some()),
        ];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name)
    }

    /// What sets its secret.
    pub(super) fn secret_source(&self, id: &str, environment: &dyn Fn(&str) -> Option<OsString>) -> Source {
        let variable = secret_variable(id);
        match (environment(&variable).filter(|secret| !secret.is_empty()), &self.client_secret_file) {
            (Some(_), _) => Source::Environment(variable),
            (None, Some(path)) => Source::NamedFile(path.clone()),
            (None, None) => Source::File,
        }
    }

    /// From the environment, the file, or the setting itself.
    fn secret(&self, id: &str, environment: &dyn Fn(&str) -> Option<OsString>) -> Result<String, String> {
        let variable = secret_variable(id);
        if let Some(secret) = environment(&variable).filter(|secret| !secret.is_empty()) {
            // Not text: what is left of it is refused.
            return Ok(secret.to_string_lossy().into_owned());
        }
        match (&self.client_secret, &self.client_secret_file) {
            (Some(_), Some(_)) => {
                Err(format!("the provider `{id}` has a client_secret and a client_secret_file: keep one of them"))
            }
            (Some(secret), None) => Ok(secret.clone()),
            (None, Some(path)) => {
                let read = std::fs::read_to_string(path);
                let read = read.map_err(|error| {
                    let path = path.display();
                    format!("the provider `{id}` has its client_secret in {path}, which cannot be read: {error}")
                })?;
                Ok(read.trim_end_matches(['\r', '\n']).to_owned())
            }
            (None, None) => Err(format!(
                "the provider `{id}` has no client_secret: write it into the file, name a client_secret_file, or set the \
                 environment variable {variable}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Vec<ProviderSetting>, String> {
        #[derive(Deserialize)]
        struct All {
            providers: BTreeMap<String, ProviderEntry>,
        }
        let all = config::Config::builder()
            .add_source(config::File::from_str(text, config::FileFormat::Toml))
            .build()
            .and_then(config::Config::try_deserialize::<All>)
            .map_err(|error| error.to_string())?;
        let environment = |name: &str| {
            environment.iter().find(|(variable, _)| *variable == name).map(|(_, value)| OsString::from(value))
        };
        let (all, mut refused) = providers(all.providers, &environment);
        if refused.is_empty() { Ok(all) } else { Err(refused.remove(0).1) }
    }

    const OPENID: &str = "[providers.guild-sso]\nkind = \"openid\"\nissuer = \"https://sso.example/realms/a\"\n\
                          client_id = \"raidcast\"\n";

    #[test]
    fn a_providers_secret_comes_from_the_environment_a_file_or_the_setting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "from the file\n").unwrap();
        let in_file = format!("{OPENID}client_secret_file = \"{}\"\n", path.display());
        let set = format!("{OPENID}client_secret = \"from the setting\"\n");
        let variable = ("RAIDCAST_PROVIDER_GUILD_SSO_SECRET", "from the environment");
        for (text, environment, secret) in [
            (&set, &[][..], "from the setting"),
            (&in_file, &[], "from the file"),
            (&in_file, &[variable], "from the environment"),
            (&OPENID.to_owned(), &[variable], "from the environment"),
        ] {
            let read = read(text, environment).unwrap();
            assert_eq!(read.len(), 1);
            assert!(read[0].client_secret == ClientSecret::new(secret), "{text}");
            let shown = format!("{read:?}");
            assert!(shown.contains("guild-sso") && !shown.contains("from the"), "{shown}");
        }
        let discord = read("[providers.discord]\nkind = \"discord\"\nclient_id = \"1\"\nclient_secret = \"s\"\n", &[]);
        let discord = discord.unwrap().remove(0);
        assert_eq!(discord.title, "Discord");
        assert_eq!(discord.kind, ProviderKind::Discord { base_url: DISCORD.into() });
    }

    #[test]
    fn what_is_wrong_with_a_provider_is_told_without_its_secret() {
        const SECRET: &str = "4f3a9c0b1d2e4f3a9c0b1d2e";
        let secret = format!("client_secret = \"{SECRET}\"\n");
        let openid = format!("{OPENID}{secret}");
        let with = |from: &str, to: &str| openid.replace(from, to);
        for (text, says) in [
            (with("guild-sso", "Guild"), "begin it with a small letter"),
            (with("guild-sso", SECRET), "begin it with a small letter"),
            (with("guild-sso", &"a".repeat(33)), "1 to 32"),
            (with("issuer", "base_url"), "has no issuer"),
            (with("https://sso", "http://sso"), "must begin with https://"),
            (with("realms/a", "realms?a"), "must begin with https://"),
            (with("https://sso", "https://me:secret@sso"), "no user"),
            (with("\"raidcast\"", "\"\""), "client_id"),
            (with(SECRET, ""), "client_secret that is empty"),
            (with(SECRET, "schlüssel"), "no plain text"),
            (with(&secret, ""), "RAIDCAST_PROVIDER_GUILD_SSO_SECRET"),
            (with(&secret, &format!("{secret}client_secret_file = \"/nowhere\"\n")), "keep one of them"),
            (with(&secret, "client_secret_file = \"/nowhere/secret\"\n"), "/nowhere/secret"),
            (with(&secret, &format!("{secret}title = \"a\\nb\"\n")), "cannot be shown"),
            (format!("{openid}{}", with("guild-sso", "twin")), "`guild-sso` and `twin`"),
            (with("\"openid\"", "\"discord\""), "has an issuer"),
        ] {
            let error = read(&text, &[]).map(|_| ()).expect_err(&text);
            assert!(error.contains(says) && !error.contains(SECRET), "{text}: {error}");
        }
    }
}
