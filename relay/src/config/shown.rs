//! The settings that are in force, as `raidcast.toml` would have them, each with what set it.
//!
//! One invariant: of a secret nothing is shown but that it is set. The database's password is none of what is shown, and
//! nor are its options.

use std::fmt::{self, Write as _};

use raidcast_shared::uplink::Visibility;

use super::Config;
use super::key::KeySetting;
use super::source::{Source, Sources};
use crate::account::{ProviderKind, ProviderSetting, Registration, scope_name};
use crate::cors::Origins;
use crate::telemetry::LogFormat;

/// What stands in place of a secret.
const SET: &str = "\"(set)\"";

/// See the module's page.
pub fn shown(config: &Config, sources: &Sources) -> String {
    let mut out = Out { text: String::new(), sources };
    // Writing to a text cannot fail.
    let _ = all(&mut out, config);
    out.text
}

struct Out<'a> {
    text: String,
    sources: &'a Sources,
}

impl Out<'_> {
    fn line(&mut self, name: &str, value: &str, source: &Source) -> fmt::Result {
        writeln!(self.text, "{:<40} # {source}", format!("{name} = {value}"))
    }

    /// A setting of the file's first part; what is not set is a comment.
    fn set(&mut self, name: &str, value: Option<String>, without: &str) -> fmt::Result {
        match value {
            Some(value) => self.line(name, &value, &self.sources.of(name).clone()),
            None => writeln!(self.text, "# {name} is not set: {without}"),
        }
    }
}

fn all(out: &mut Out<'_>, config: &Config) -> fmt::Result {
    let is_there = if out.sources.has_file { "" } else { ", which is not there" };
    writeln!(out.text, "# What raidcast-relay {} runs with. Secrets are not shown.", env!("CARGO_PKG_VERSION"))?;
    writeln!(out.text, "# The file is {}{is_there}.\n", out.sources.file.display())?;
    out.set("listen", Some(list(config.listen.iter().map(ToString::to_string))), "")?;
    out.set("data", Some(quoted(&config.data.display().to_string())), "")?;
    out.set("database_url", Some(quoted(&config.database().to_string())), "")?;
    let links = format!("links begin with {}", config.own_url());
    out.set("public_url", config.public_url.as_deref().map(quoted), &links)?;
    out.set("trusted_proxies", Some(list(config.trusted_proxies.iter().map(ToString::to_string))), "")?;
    let files = config.tls.as_ref();
    let path = |path: &std::path::Path| quoted(&path.display().to_string());
    out.set("tls_certificate", files.map(|files| path(&files.certificate)), "plain HTTP is spoken")?;
    out.set("tls_key", files.map(|files| path(&files.key)), "plain HTTP is spoken")?;
    out.set("connections_per_address", Some(config.limits.connections_per_address.to_string()), "")?;
    out.set("memory_mib", Some((config.limits.memory >> 20).to_string()), "")?;
    out.set("uploads_per_address_hour", Some(config.limits.uploads_per_address_hour.to_string()), "")?;
    let origins = match &config.cors_origins {
        Origins::All => None,
        Origins::Listed(listed) => Some(list(listed.iter().map(|one| String::from_utf8_lossy(one.as_bytes()).into()))),
    };
    out.set("cors_origins", origins, "pages of all sites may read answers")?;
    let metrics = config.metrics_listen.map(|addr| quoted(&addr.to_string()));
    out.set("metrics_listen", metrics, "/metrics is answered to this machine alone")?;
    let format = match config.log_format {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    };
    out.set("log_format", Some(quoted(format)), "")?;
    out.set("downloads", config.downloads.as_deref().map(path), "nothing is served under /downloads/")?;
    out.set("picture_fonts", Some(list(config.picture_fonts.iter().map(|file| file.display().to_string()))), "")?;
    out.set("webhook_hosts", Some(list(config.webhook_hosts.iter().map(ToString::to_string))), "")?;
    let registration = match config.registration {
        Registration::Open => "open",
        Registration::Invitation => "invitation",
        Registration::Closed => "closed",
    };
    out.set("registration", Some(quoted(registration)), "")?;
    let ways = config.character_proof.iter().map(|way| way.name().to_owned());
    out.set("character_proof", Some(list(ways)), "")?;
    out.set("keep_days", config.keep_days.map(|days| days.to_string()), "raids are kept")?;
    // The last of them, where there is one.
    let has_own = *out.sources.of("upload_key") != Source::Default;
    out.set("upload_key", has_own.then(|| SET.to_owned()), "the account `default` has no key of the configuration")?;
    let keys = if has_own { &config.keys[..config.keys.len().saturating_sub(1)] } else { &config.keys[..] };
    let plain = |key: &&KeySetting| *out.sources.of(&format!("upload_keys.{}", key.name)) != Source::Default;
    let (plain, sections): (Vec<&KeySetting>, Vec<_>) = keys.iter().partition(plain);
    if !plain.is_empty() {
        writeln!(out.text, "\n[upload_keys]")?;
    }
    for KeySetting { name, .. } in plain {
        out.line(&named(name), SET, &Source::File)?;
    }
    for key in sections {
        section(out, key)?;
    }
    config.providers.iter().try_for_each(|setting| provider(out, setting))
}

fn section(out: &mut Out<'_>, key: &KeySetting) -> fmt::Result {
    let KeySetting { name, account, key: _, scopes, visibility, signing_secret, uploads_per_day } = key;
    writeln!(out.text, "\n[keys.{}]", named(name))?;
    out.line("key", SET, &Source::File)?;
    let sources = out.sources;
    let source = |field: &str| sources.of(&format!("keys.{name}.{field}"));
    out.line("account", &quoted(account), source("account"))?;
    let scopes = list(scopes.listed().into_iter().map(|scope| scope_name(scope).to_owned()));
    out.line("scopes", &scopes, source("scopes"))?;
    let visibility = match visibility {
        Visibility::Public => "public",
        Visibility::Unlisted => "unlisted",
        Visibility::Private => "private",
    };
    out.line("visibility", &quoted(visibility), source("visibility"))?;
    if signing_secret.is_some() {
        out.line("signing_secret", SET, &Source::File)?;
    }
    match uploads_per_day {
        Some(most) => out.line("uploads_per_day", &most.to_string(), &Source::File),
        None => Ok(()),
    }
}

fn provider(out: &mut Out<'_>, setting: &ProviderSetting) -> fmt::Result {
    let ProviderSetting { id, title, kind, client_id, client_secret: _ } = setting;
    writeln!(out.text, "\n[providers.{}]", named(id))?;
    let (kind, place, address) = match kind {
        ProviderKind::OpenId { issuer } => ("openid", "issuer", issuer),
        ProviderKind::Discord { base_url } => ("discord", "base_url", base_url),
    };
    for (name, value) in [("title", &**title), ("kind", kind), (place, address), ("client_id", client_id)] {
        let source = out.sources.of(&format!("providers.{id}.{name}")).clone();
        out.line(name, &quoted(value), &source)?;
    }
    let source = out.sources.of(&format!("providers.{id}.client_secret")).clone();
    out.line("client_secret", SET, &source)
}

fn list(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.map(|value| quoted(&value)).collect::<Vec<_>>().join(", "))
}

/// As TOML writes text.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if letter.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out + "\""
}

/// As TOML writes a name.
fn named(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !name.is_empty() && name.bytes().all(is_bare) { name.to_owned() } else { quoted(name) }
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use std::ffi::OsString;

    use super::super::{PlaceFlags, ServeFlags};
    use super::*;

    const FILE: &str = r#"
public_url = "https://raids.example"
database_url = "postgres://ana:s3cret-of-the-database@db.example/raids?sslmode=require"
upload_key = "s3cret-of-the-file"
[upload_keys]
"the guild" = "s3cret-of-the-guild"
[keys.bot]
key = "s3cret-of-the-bot"
account = "guild"
scopes = ["read", "upload"]
signing_secret = "s3cret-that-signs-of-32-characters"
uploads_per_day = 9
[providers.sso]
kind = "openid"
title = "A \"guild\""
issuer = "https://sso.example"
client_id = "raidcast"
client_secret = "s3cret-of-the-provider"
[providers.discord]
kind = "discord"
client_id = "1"
"#;

    #[test]
    fn what_is_in_force_is_shown_with_its_source_without_secrets_and_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raidcast.toml");
        std::fs::write(&path, FILE).unwrap();
        let place = PlaceFlags { config: Some(path), ..PlaceFlags::default() };
        let flags = ServeFlags { place, memory_mib: Some(700), ..ServeFlags::default() };
        let environment = |name: &str| match name {
            "RAIDCAST_UPLOAD_KEY" => Some(OsString::from("s3cret-of-the-environment")),
            "RAIDCAST_PROVIDER_DISCORD_SECRET" => Some(OsString::from("s3cret-of-discord")),
            "RAIDCAST_LISTEN" => Some(OsString::from("127.0.0.1:1,[::1]:1")),
            _ => None,
        };
        let (config, sources) = Config::told(flags, environment).unwrap();
        let text = shown(&config, &sources);
        assert!(!text.contains("s3cret"), "{text}");
        let has = |line: &str| {
            let spaced = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
            assert!(spaced.into_iter().any(|shown| shown == line), "{line}: {text}");
        };
        has("listen = [\"127.0.0.1:1\", \"[::1]:1\"] # environment variable RAIDCAST_LISTEN");
        has("data = \"data\" # default");
        has("database_url = \"postgres://ana@db.example/raids\" # file");
        has("memory_mib = 700 # flag --memory-mib");
        has("upload_key = \"(set)\" # environment variable RAIDCAST_UPLOAD_KEY");
        has("\"the guild\" = \"(set)\" # file");
        has("[keys.bot]");
        has("scopes = [\"upload\", \"read\"] # file");
        has("account = \"guild\" # file");
        has("visibility = \"unlisted\" # default");
        has("title = \"A \\\"guild\\\"\" # file");
        has("issuer = \"https://sso.example\" # file");
        has("title = \"Discord\" # default");
        has("client_secret = \"(set)\" # environment variable RAIDCAST_PROVIDER_DISCORD_SECRET");
        has("# tls_certificate is not set: plain HTTP is spoken");
        // It is TOML with the names of settings, so that a file can be made of it.
        let again = folder.path().join("again.toml");
        std::fs::write(&again, text.replace("(set)", "a-key-for-all-of-32-characters-000")).unwrap();
        let place = PlaceFlags { config: Some(again), ..PlaceFlags::default() };
        let refused = Config::load(ServeFlags { place, ..ServeFlags::default() }, |_| None).unwrap_err().to_string();
        assert!(refused.contains("the same upload key") || refused.contains("upload key itself"), "{refused}");
    }
}
