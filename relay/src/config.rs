//! What an operator sets: flags over environment over file over defaults.

mod error;
mod file;
mod flags;
mod key;
mod layer;
mod limit;
mod lines;
mod provider;
mod section;
mod shown;
mod source;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use raidcast_shared::character::ProofWay;
use raidcast_shared::limits;

pub use self::error::ConfigError;
use self::file::KeyEntry;
pub use self::flags::{Cli, Command, DeriveFlags, MoveFlags, PlaceFlags, ServeFlags, listen_addr};
pub use self::key::KeySetting;
use self::key::refused_keys;
use self::layer::Layers;
use self::limit::MEMORY_MIB_MIN;
use self::provider::ProviderEntry;
pub use self::shown::shown;
pub use self::source::{Source, Sources};
use crate::account::{ProviderSetting, Registration};
use crate::cors::Origins;
use crate::database::Database;
use crate::discord::WebhookHost;
use crate::edge::Network;
use crate::limits::EdgeLimits;
use crate::telemetry::LogFormat;
use crate::tls::TlsFiles;

/// What the relay runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: Vec<SocketAddr>,
    /// Folder for the database and the relay's secret.
    pub data: PathBuf,
    /// Database, if not SQLite in `data`.
    pub database_url: Option<Database>,
    /// Base of all links, without a slash at its end; `None`: of the address that it listens on.
    pub public_url: Option<String>,
    /// Who may upload, and more.
    pub keys: Vec<KeySetting>,
    /// From the last event to a provisional report, ms.
    pub grace_ms: i64,
    /// Proxies that are believed about who asks.
    pub trusted_proxies: Vec<Network>,
    /// What addresses and keys may hold.
    pub limits: EdgeLimits,
    /// Whose pages may read answers.
    pub cors_origins: Origins,
    /// Where metrics are served and nothing else; `None`: where everything is, to this machine.
    pub metrics_listen: Option<SocketAddr>,
    /// The certificate with which it speaks HTTPS; `None`: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// What a line of the log is.
    pub log_format: LogFormat,
    /// Who may join.
    pub registration: Registration,
    /// So many days after they were active last raids are removed, but for those that are pinned; `None`: they are kept.
    pub keep_days: Option<u32>,
    /// How people may prove that characters are theirs.
    pub character_proof: Vec<ProofWay>,
    /// Who else says who somebody is, in the order in which they are shown.
    pub providers: Vec<ProviderSetting>,
    /// The folder whose files are served under `/downloads/`, where there is one.
    pub downloads: Option<PathBuf>,
    /// Files of fonts for pictures of links, beside the relay's own.
    pub picture_fonts: Vec<PathBuf>,
    /// Servers that answer as Discord does, to which webhooks may lead, too.
    pub webhook_hosts: Vec<WebhookHost>,
}

impl Config {
    /// Merges flags, environment and file.
    ///
    /// # Errors
    /// All that an operator must set right, without the secrets that stand there.
    pub fn load(flags: ServeFlags, environment: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        Ok(Self::told(flags, environment)?.0)
    }

    /// The same, and where each value comes from.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn told(
        flags: ServeFlags,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(Self, Sources), ConfigError> {
        let (mut layers, file) = Layers::of(flags.place.config, &environment)?;
        let listen = layers.listed("listen", flags.listen, &file.listen, |text| {
            listen_addr(text).map_err(|why| format!("`{text}` under `listen` is no address: {why}"))
        });
        let metrics_listen = layers.value("metrics_listen", flags.metrics_listen, file.metrics_listen, |text| {
            listen_addr(text).map_err(|why| format!("`{text}` under `metrics_listen` is no address: {why}"))
        });
        let log_format = layers.value("log_format", flags.log_format, file.log_format, |text| match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("`log_format` must be \"text\" or \"json\"".into()),
        });
        let trusted_proxies = layers.listed("trusted_proxies", flags.trusted_proxy, &file.trusted_proxies, |text| {
            text.parse::<Network>().map_err(|why| why.to_string())
        });
        let registration = layers.parsed("registration", None, file.registration, |text| match text {
            "open" => Ok(Registration::Open),
            "invitation" => Ok(Registration::Invitation),
            "closed" => Ok(Registration::Closed),
            _ => Err("`registration` must be \"open\", \"invitation\" or \"closed\"".into()),
        });
        let character_proof = layers.listed("character_proof", Vec::new(), &file.character_proof, |text| {
            let way = ProofWay::ALL.into_iter().find(|way| way.name() == text);
            way.ok_or_else(|| {
                format!("`character_proof` names `code`, `officer` and `administrator`, and not `{text}`")
            })
        });
        let data = layers.path("data", flags.place.data, file.data);
        let picture_fonts =
            layers.listed("picture_fonts", Vec::new(), &file.picture_fonts, |text| Ok(PathBuf::from(text)));
        let webhook_hosts = layers.listed("webhook_hosts", Vec::new(), &file.webhook_hosts, |text| {
            text.parse::<WebhookHost>().map_err(|why| format!("under `webhook_hosts`, {why}"))
        });
        let downloads = layers.path("downloads", flags.downloads, file.downloads);
        let certificate = layers.path("tls_certificate", flags.tls_certificate, file.tls_certificate);
        let tls_key = layers.path("tls_key", flags.tls_key, file.tls_key);
        let tls = tls(&mut layers, certificate, tls_key);
        let keys = keys(&mut layers, file.upload_keys, file.keys, file.upload_key);
        let providers = providers(&mut layers, file.providers, &environment);
        let public_url = layers.text("public_url", flags.public_url, file.public_url);
        let public_url = public_url.and_then(|url| match public_url_of(&url, tls.is_some()) {
            Ok(url) => Some(url),
            Err(why) => {
                layers.refuse_at("public_url", why);
                None
            }
        });
        if let (Some(ProviderSetting { id, .. }), None) = (providers.first(), &public_url)
            && !layers.is_refused("public_url")
        {
            let why = format!(
                "the provider `{id}` leads people back to this relay, whose address it must know: set `public_url`, like \
                 https://raids.example"
            );
            layers.refuse_in_file(&format!("providers.{id}"), why);
        }
        let database_url = layers.text("database_url", flags.place.database_url, file.database_url);
        let database_url = database_url.and_then(|url| match url.parse::<Database>() {
            Ok(database) => Some(database),
            Err(why) => {
                layers.refuse_at("database_url", why.to_string());
                None
            }
        });
        let cors_origins = layers.listed("cors_origins", Vec::new(), &file.cors_origins, |text| Ok(text.to_owned()));
        let cors_origins = Origins::listed(&cors_origins).unwrap_or_else(|why| {
            layers.refuse_at("cors_origins", format!("under `cors_origins`, {why}"));
            Origins::default()
        });
        let mut limits = EdgeLimits::default();
        let set =
            layers.number("connections_per_address", flags.connections_per_address, file.connections_per_address, 1);
        limits.connections_per_address = set.unwrap_or(limits.connections_per_address);
        let set = layers.number("uploads_per_address_hour", None, file.uploads_per_address_hour, 1);
        limits.uploads_per_address_hour = set.unwrap_or(limits.uploads_per_address_hour);
        if let Some(mib) = layers.number("memory_mib", flags.memory_mib, file.memory_mib, MEMORY_MIB_MIN) {
            limits = limits.with_memory(u64::from(mib) << 20);
        }
        let keep_days = layers.number("keep_days", None, file.keep_days, 1);
        let config = Self {
            listen: if listen.is_empty() { vec![SocketAddr::from(([127, 0, 0, 1], 8787))] } else { listen },
            data: data.unwrap_or_else(|| "data".into()),
            database_url,
            public_url,
            keys,
            grace_ms: limits::GRACE_MS,
            trusted_proxies,
            limits,
            cors_origins,
            metrics_listen,
            tls,
            log_format: log_format.unwrap_or_default(),
            registration: registration.unwrap_or_default(),
            keep_days,
            character_proof: ways(character_proof),
            providers,
            downloads,
            picture_fonts,
            webhook_hosts,
        };
        Ok((config, layers.end()?))
    }

    /// Whether a variable of the environment with this name sets anything here.
    pub fn is_variable(&self, name: &str) -> bool {
        file::is_variable(name) || self.providers.iter().any(|setting| provider::secret_variable(&setting.id) == name)
    }

    /// Where things are kept.
    pub fn database(&self) -> Database {
        self.database_url.clone().unwrap_or_else(|| Database::in_folder(&self.data))
    }

    /// The base of all links, as far as it is known before the relay listens.
    pub fn own_url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let first = || self.listen.first().map_or_else(String::new, |addr| format!("{scheme}://{addr}"));
        self.public_url.clone().unwrap_or_else(first)
    }
}

/// How characters are proved: each way once, and by an administrator where nothing is said.
fn ways(mut listed: Vec<ProofWay>) -> Vec<ProofWay> {
    listed.sort_unstable();
    listed.dedup();
    if listed.is_empty() { vec![ProofWay::Administrator] } else { listed }
}

/// Both files of a certificate, or none: neither can stand alone.
fn tls(layers: &mut Layers<'_>, certificate: Option<PathBuf>, key: Option<PathBuf>) -> Option<TlsFiles> {
    let (alone, why) = match (certificate, key) {
        (Some(certificate), Some(key)) => return Some(TlsFiles { certificate, key }),
        (None, None) => return None,
        (Some(_), None) => {
            ("tls_certificate", "`tls_certificate` is set, and `tls_key` is not: name the file of its key, too")
        }
        (None, Some(_)) => {
            ("tls_key", "`tls_key` is set, and `tls_certificate` is not: name the file of its certificate, too")
        }
    };
    // The other may be set, and wrong.
    if !layers.is_refused("tls_certificate") && !layers.is_refused("tls_key") {
        layers.refuse_at(alone, why.to_owned());
    }
    None
}

/// All keys, of wherever they are set.
fn keys(
    layers: &mut Layers<'_>,
    upload_keys: BTreeMap<String, String>,
    sections: BTreeMap<String, KeyEntry>,
    upload_key: Option<String>,
) -> Vec<KeySetting> {
    // Each with the path at which it is set.
    let mut keys = Vec::new();
    for (account, key) in upload_keys {
        let path = format!("upload_keys.{account}");
        layers.sources.note(path.clone(), Source::File);
        keys.push((path, KeySetting::of(account, key)));
    }
    for (name, entry) in sections {
        for given in entry.given() {
            layers.sources.note(format!("keys.{name}.{given}"), Source::File);
        }
        let path = format!("keys.{name}");
        match entry.setting(name) {
            Ok(setting) => keys.push((format!("{path}.key"), setting)),
            Err((field, why)) => layers.refuse_in_file(&format!("{path}.{field}"), why),
        }
    }
    // What is no text is refused below, with the same words.
    let upload_key = layers.text("upload_key", None, upload_key);
    keys.extend(upload_key.map(|key| ("upload_key".to_owned(), KeySetting::of("default", key))));
    let (paths, keys): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
    for (at, why) in refused_keys(&keys) {
        layers.refuse_at(&paths[at], why);
    }
    keys
}

/// The providers of the file.
fn providers(
    layers: &mut Layers<'_>,
    entries: BTreeMap<String, ProviderEntry>,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Vec<ProviderSetting> {
    for (id, entry) in &entries {
        layers.sources.note(format!("providers.{id}.client_secret"), entry.secret_source(id, environment));
        for given in entry.given() {
            layers.sources.note(format!("providers.{id}.{given}"), Source::File);
        }
    }
    let (settings, refused) = provider::providers(entries, environment);
    for (id, why) in refused {
        layers.refuse_in_file(&format!("providers.{id}"), why);
    }
    settings
}

/// The base of all links: of the web, without what only one page has.
fn public_url_of(url: &str, tls: bool) -> Result<String, String> {
    let refused = |why: &str| Err(format!("the public URL `{url}` {why}, like https://raids.example"));
    let Ok(uri) = url.parse::<axum::http::Uri>() else { return refused("is no URL: give one") };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return refused("does not begin with http:// or https://: give one that does");
    }
    if uri.host().is_none_or(str::is_empty) || uri.authority().is_some_and(|host| host.as_str().contains('@')) {
        return refused("must name a host and no user: give one");
    }
    if uri.query().is_some() || url.contains('#') {
        return refused("must not have a `?` or `#`: give one");
    }
    if tls && uri.scheme_str() != Some("https") {
        return refused("begins with http://, though a certificate is set: give one that begins with https://");
    }
    Ok(url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::flags::PlaceFlags;
    use super::*;

    fn in_file(path: PathBuf) -> ServeFlags {
        let place = PlaceFlags { config: Some(path), ..PlaceFlags::default() };
        ServeFlags { place, ..ServeFlags::default() }
    }

    #[test]
    fn links_are_made_of_addresses_of_the_web_alone() {
        for (good, kept) in [
            ("https://raids.example", "https://raids.example"),
            ("http://192.0.2.1:8787/", "http://192.0.2.1:8787"),
            ("HTTPS://raids.example/raids/", "HTTPS://raids.example/raids"),
            ("http://[::1]:8787", "http://[::1]:8787"),
        ] {
            assert_eq!(public_url_of(good, false).unwrap(), kept);
        }
        for bad in [
            "",
            "raids.example",
            "ftp://raids.example",
            "javascript:alert(1)",
            "https://",
            "https:raids.example",
            "file:///etc/passwd",
            "https://me:secret@raids.example",
            "https://raids.example/?a=b",
            "https://raids.example/#a",
            "https://raids .example",
        ] {
            let error = public_url_of(bad, false).expect_err(bad);
            assert!(error.contains("like https://raids.example"), "{error}");
        }
    }

    #[test]
    fn keys_that_nobody_can_send_are_refused_by_their_place_and_never_said() {
        let key = |account: &str, key: &str| KeySetting::of(account, key);
        for bad in [
            "",
            " ",
            "short",
            " a-long-key-with-a-space",
            "a-long-key-and-a-line\n",
            "schlüssel-der-lang-ist",
            "a\u{7f}long-enough-key",
            "tab\tin-a-long-key",
            "PASTE A KEY HERE",
            "a key of four words",
            &"k".repeat(limits::KEY_CHARS_MAX + 1),
        ] {
            let refused = refused_keys(&[key("first", "a-good-long-key"), key("guild", bad)]);
            let [(1, error)] = refused.as_slice() else { panic!("{bad}: {refused:?}") };
            assert!(bad.trim().is_empty() || !error.contains(bad.trim()), "{error}");
        }
        assert_eq!(refused_keys(&[key("a", "a-key-of-four-words"), key("b", "another-key-~!")]), []);
        let refused =
            refused_keys(&[key("a", "one-and-the-same"), key("b", "one-and-the-same"), key("@c", "a-long-key")]);
        let [(1, twice), (2, at_sign)] = refused.as_slice() else { panic!("{refused:?}") };
        assert!(twice.contains("the same upload key") && !twice.contains("one-and"), "{twice}");
        assert!(at_sign.contains("begins with @"), "{at_sign}");
    }

    /// The error for a file with this text.
    fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raidcast.toml");
        std::fs::write(&path, text).unwrap();
        let flags = in_file(path);
        Config::load(flags, |_| None).expect_err(text).to_string()
    }

    #[test]
    fn what_stands_in_a_file_that_is_wrong_is_not_said() {
        let key = format!("4f3a9c{}", "0b1d2e".repeat(9));
        for (text, says) in [
            (format!("upload_key = {key}\n"), ".toml:1: it is no TOML"),
            (format!("listen = []\nupload_key = \"{key}\nlisten=[]\n"), ".toml:2: it is no TOML"),
            (format!("[upload_keys]\nguild = {key}\n"), "stands in quotes"),
            (format!("upload_keys = \"{key}\"\n"), "`upload_keys`"),
            (format!("upload_key = '{key}' friends\n"), ".toml:1: it is no TOML"),
            (format!("\n{key} = \"guild\"\n"), ".toml:2: a setting stands there that there is not"),
            (format!("[upload_keys]\n\"{key}\" = [5]\n"), "`upload_keys`"),
            (
                format!("[keys.bot]\nkey = \"{key}\"\nscopes = [\"{key}\"]\n"),
                ".toml:3: `scopes` has a value that is none of upload, read",
            ),
            (format!("[keys.bot]\nkey = [\"{key}\"]\n"), ".toml:2: `key` must be text"),
            (
                format!("[keys.bot]\nkey = \"{key}\"\nvisibility = \"privat\"\n"),
                ".toml:3: `visibility` must be public, unlisted or private",
            ),
            (
                format!("[keys.bot]\nkey = \"{key}\"\nscope = [\"read\"]\n"),
                ".toml:3: a section cannot have what stands there",
            ),
            (format!("[keys.{key}]\nkey = \"a-good-long-key\"\n{key} = 1\n"), ".toml:3: a section cannot have"),
            ("[keys.bot]\nscopes = [\"read\"]\n".to_owned(), ".toml:1: the section lacks its `key`"),
            (format!("log_format = \"{key}\"\n"), "\"text\" or \"json\""),
            (format!("registration = \"{key}\"\n"), "\"open\", \"invitation\" or \"closed\""),
            ("uploads_per_address_hour = 0\n".to_owned(), "at least 1"),
            (format!("[providers.sso]\nkind = \"{key}\"\n"), ".toml:2: `kind` must be openid or discord"),
            (
                format!("[providers.sso]\nkind = \"openid\"\nclient_secret = \"{key}\"\n"),
                ".toml:1: the section lacks its `client_id`",
            ),
            (
                format!("[providers.sso]\nkind = \"openid\"\nclient_id = \"a\"\nclient_secret = [\"{key}\"]\n"),
                ".toml:4: `client_secret` must be text",
            ),
            (
                format!("[providers.a]\nkind = \"discord\"\nclient_id = \"1\"\nclient_secret = \"{key}\"\n"),
                "set `public_url`",
            ),
            (
                format!("[keys.bot]\nkey = \"{key}\"\nuploads_per_day = 0\n"),
                ".toml:3: `uploads_per_day` must be at least 1",
            ),
            (
                format!("[keys.bot]\nkey = \"{key}\"\nuploads_per_day = \"{key}\"\n"),
                ".toml:3: `uploads_per_day` must be a whole number",
            ),
            ("cors_origins = [\"https://a.example/b\"]\n".to_owned(), "without a path"),
            ("metrics_listen = \"9090\"\n".to_owned(), "like 127.0.0.1:8787"),
            ("keep_days = -1\n".to_owned(), "`keep_days` must be a whole number of at least 1"),
            ("Data = \"x\"\n".to_owned(), ".toml:1: names of settings are in small letters: write `data`"),
            (
                "\n\nlisten = \"127.0.0.1:1\"\n".to_owned(),
                ".toml:3: `listen` must be a list, like listen = [\"127.0.0.1:8787\"]",
            ),
            ("upload_kye = \"a-long-enough-key\"\n".to_owned(), ".toml:1: a setting stands there that there is not"),
            (format!("database_url = postgres://u:{key}@h/d\n"), ".toml:1: it is no TOML"),
            (format!("database_url = \"postgres:/u:{key}@h/d\"\n"), "names no database"),
            (format!("database_url = \"://u:{key}@h/d\"\n"), "postgres://user@host/database"),
            (format!("database_url = \"mysql://u:{key}@h/d\"\n"), "`mysql`"),
        ] {
            let error = refused(&text);
            assert!(error.contains(says) && !error.contains(&key), "{text}: {error}");
        }
        let missing = in_file("/nowhere/raidcast.toml".into());
        let error = Config::load(missing, |_| None).unwrap_err().to_string();
        assert!(error.matches("/nowhere/raidcast.toml").count() == 1 && error.contains("is not there"), "{error}");
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_and_nothing_that_only_follows_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raidcast.toml");
        let text = "listen = [\"8787\", \"127.0.0.1:1\", \"here\"]\nkeep_days = -1\nlog_format = \"xml\"\ntls_key = [\"x\"]\n\
                    tls_certificate = \"a.pem\"\npublic_url = \"raids.example\"\nupload_kye = \"a-long-enough-key\"\n\
                    [upload_keys]\nguild = \"short\"\nfriends = \"a key of four words\"\n\
                    [keys.bot]\nkey = [5]\nscopes = [\"all\"]\n\
                    [keys.other]\nkey = \"a-long-enough-key\"\nsigning_secret = \"short\"\n\
                    [providers.a]\nkind = \"discord\"\nclient_id = \"1\"\nclient_secret = \"s\"\n\
                    [providers.B]\nkind = \"discord\"\nclient_id = \"1\"\nclient_secret = \"s\"\n";
        std::fs::write(&path, text).unwrap();
        let set = |name: &str| (name == "RAIDCAST_MEMORY_MIB").then(|| OsString::from("12"));
        let error = Config::load(in_file(path), set).unwrap_err();
        let told: Vec<_> = error.each().iter().map(ToString::to_string).collect();
        let places = [".toml:1: ", ".toml:1: ", ".toml:2: ", ".toml:3: ", ".toml:4: ", ".toml:6: ", ".toml:7: "];
        let places = places.into_iter().chain([".toml:9: ", ".toml:10: ", ".toml:12: ", ".toml:13: ", ".toml:16: "]);
        let places: Vec<_> = places.chain([".toml:21: ", "RAIDCAST_MEMORY_MIB"]).collect();
        assert_eq!(told.len(), places.len(), "{told:#?}");
        for (told, place) in told.iter().zip(places) {
            assert!(told.contains(place), "{place}: {told}");
        }
        assert_eq!(error.to_string().lines().count(), told.len());
    }

    #[test]
    fn a_key_that_is_written_where_its_name_belongs_is_not_said() {
        // As short as one may be, and as plain as a name.
        let key = "k7-pQ2mX";
        for (text, line) in [
            (format!("{key} = \"guild\"\n"), 1),
            (format!("[upload_keys]\n{key} = \"guild\"\n"), 2),
            (format!("[upload_keys]\n{key} = 5\n"), 2),
            (format!("[upload_keys]\nguild = \"a-long-enough-key\"\n{key} = \"a-long-enough-key\"\n"), 0),
            (format!("[keys.{key}]\nkey = \"guild\"\n"), 2),
            (format!("[keys.{key}]\naccount = \"guild\"\n"), 1),
            (format!("[keys.{key}]\nkey = \"a-long-enough-key\"\naccount = \"@guild\"\n"), 2),
            (format!("[keys.{key}]\nkey = \"a-long-enough-key\"\nsigning_secret = \"short\"\n"), 3),
            (format!("[keys.guild]\n{key} = \"key\"\n"), 2),
            (format!("[keys.guild]\nkey = \"a-long-enough-key\"\nscopes = [\n  \"read\",\n  \"{key}\",\n]\n"), 5),
            (format!("[providers.sso]\n{key} = \"client_secret\"\n"), 2),
        ] {
            let error = refused(&text);
            let place = if line == 0 { ".toml:".to_owned() } else { format!(".toml:{line}: ") };
            assert!(error.contains(&place) && !error.contains(key), "{text}: {error}");
        }
    }

    #[test]
    fn a_signing_secret_is_long_is_not_the_key_and_is_never_said() {
        let key = "a-key-of-more-than-32-characters!";
        for (secret, says) in
            [("", "fewer than 32"), ("thirty-one-characters-long-only", "fewer than 32"), (key, "upload key")]
        {
            let error = refused(&format!("[keys.bot]\nkey = \"{key}\"\nsigning_secret = \"{secret}\"\n"));
            assert!(error.contains(".toml:3: `signing_secret`") && error.contains(says), "{error}");
            assert!(secret.is_empty() || !error.contains(secret), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raidcast.toml");
        let secret = "a-signing-secret-of-32-characters";
        std::fs::write(&path, format!("[keys.bot]\nkey = \"{key}\"\nsigning_secret = \"{secret}\"\n")).unwrap();
        let config = Config::load(in_file(path), |_| None).unwrap();
        assert!(config.keys[0].signing_secret.as_ref().is_some_and(|held| held.is(secret)));
        let shown = format!("{config:?}");
        assert!(!shown.contains(secret) && !shown.contains(key), "{shown}");
    }

    #[test]
    fn an_address_to_listen_on_that_is_none_is_answered_with_one_that_is() {
        assert!(listen_addr("127.0.0.1:8787").is_ok() && listen_addr("[::]:80").is_ok());
        for bad in ["8787", ":8787", "localhost", "127.0.0.1", "127.0.0.1:99999"] {
            assert!(listen_addr(bad).unwrap_err().contains("like 127.0.0.1:8787"));
        }
    }

    #[test]
    fn flags_count_before_the_environment_that_before_the_file_and_that_before_what_is_built_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raidcast.toml");
        let text = "listen = [\"127.0.0.1:1\"]\ndata = \"of the file\"\npublic_url = \"https://file.example\"\n\
                    memory_mib = 600\n";
        std::fs::write(&path, text).unwrap();
        let environment = |name: &str| {
            let set = match name {
                "RAIDCAST_CONFIG" => return Some(path.clone().into_os_string()),
                "RAIDCAST_LISTEN" => "127.0.0.1:2, [::1]:3",
                "RAIDCAST_DATA" => "of the environment",
                "RAIDCAST_TRUSTED_PROXIES" => "127.0.0.1,10.0.0.0/8",
                "RAIDCAST_CORS_ORIGINS" => "https://stats.example",
                "RAIDCAST_REGISTRATION" => "open",
                "RAIDCAST_CHARACTER_PROOF" => "officer,code,officer",
                "RAIDCAST_LOG_FORMAT" => "json",
                "RAIDCAST_UPLOADS_PER_ADDRESS_HOUR" => "7",
                // What is empty is not set.
                "RAIDCAST_PUBLIC_URL" | "RAIDCAST_METRICS_LISTEN" => "",
                _ => return None,
            };
            Some(OsString::from(set))
        };
        let flags = || {
            let place = PlaceFlags { data: Some("of the flag".into()), ..PlaceFlags::default() };
            ServeFlags { place, ..ServeFlags::default() }
        };
        let (config, sources) = Config::told(flags(), environment).unwrap();
        assert_eq!(config.listen, ["127.0.0.1:2".parse().unwrap(), "[::1]:3".parse().unwrap()]);
        assert_eq!((config.data, config.public_url), ("of the flag".into(), Some("https://file.example".into())));
        assert_eq!((config.trusted_proxies.len(), config.metrics_listen), (2, None));
        assert_eq!((config.registration, config.log_format), (Registration::Open, LogFormat::Json));
        assert_eq!(config.character_proof, [ProofWay::Code, ProofWay::Officer]);
        assert_eq!((config.limits.memory >> 20, config.limits.uploads_per_address_hour), (600, 7));
        for (name, source) in [
            ("listen", "environment variable RAIDCAST_LISTEN"),
            ("data", "flag --data"),
            ("public_url", "file"),
            ("memory_mib", "file"),
            ("metrics_listen", "default"),
            ("connections_per_address", "default"),
        ] {
            assert_eq!(sources.of(name).to_string(), source, "{name}");
        }
        for (variable, value, says) in [
            ("RAIDCAST_LISTEN", "8787", "like 127.0.0.1:8787"),
            ("RAIDCAST_MEMORY_MIB", "12", "at least 512"),
            ("RAIDCAST_MEMORY_MIB", "much", "must be a number"),
            ("RAIDCAST_REGISTRATION", "anybody", "\"closed\""),
            ("RAIDCAST_CHARACTER_PROOF", "code,oath", "and not `oath`"),
            ("RAIDCAST_TRUSTED_PROXIES", "nginx", "is no address of a proxy"),
            ("RAIDCAST_CORS_ORIGINS", "stats", "is no origin"),
        ] {
            let set = |name: &str| (name == variable).then(|| OsString::from(value));
            let error = Config::load(ServeFlags::default(), set).unwrap_err().to_string();
            assert!(error.contains(variable) && error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_certificate_needs_its_key_and_a_public_url_that_fits() {
        assert!(refused("tls_certificate = \"a.pem\"\n").contains("`tls_key` is not"));
        assert!(refused("tls_key = \"a.pem\"\n").contains("`tls_certificate` is not"));
        let both = "tls_certificate = \"a.pem\"\ntls_key = \"a.key\"\n";
        let error = refused(&format!("{both}public_url = \"http://raids.example\"\n"));
        assert!(error.contains("begins with http://, though a certificate is set"), "{error}");
    }
}
