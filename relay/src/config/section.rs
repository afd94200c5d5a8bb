//! What is wrong with a section of the configuration file, `[keys.NAME]` or `[providers.NAME]`: which one, and what of it.
//!
//! One invariant: of what stands there nothing is said but names that are short and plain.

/// Of text what its section calls it.
const TEXT: &str = "must be text in quotes";

/// What a section of keys may hold.
const KEYS: &str = "A section [keys.NAME] has a key, and may have an account, scopes (of upload, read, manage), a visibility \
                    (public, unlisted or private), a signing_secret and uploads_per_day (a number)";

/// What a section of providers may hold.
const PROVIDERS: &str = "A section [providers.NAME] has a kind (openid or discord), a client_id and a client_secret (or a \
                         client_secret_file), and may have a title; with openid it has an issuer";

/// Fields of a section, and what each must be.
type Fields = &'static [(&'static str, &'static str)];

const OF_KEYS: Fields = &[
    ("key", TEXT),
    ("account", TEXT),
    ("scopes", "has a value that is none of upload, read, manage: give a list, like scopes = [\"read\"]"),
    ("visibility", "must be public, unlisted or private"),
    ("signing_secret", TEXT),
    ("uploads_per_day", "must be a whole number of at least 1"),
];

const OF_PROVIDERS: Fields = &[
    ("kind", "must be openid or discord"),
    ("title", TEXT),
    ("issuer", TEXT),
    ("client_id", TEXT),
    ("client_secret", TEXT),
    ("client_secret_file", TEXT),
    ("base_url", TEXT),
];

/// Where something is: the section, what it may hold, its fields, and the name of one of them.
struct At<'a> {
    section: String,
    what_it_is: &'static str,
    fields: Fields,
    field: Option<&'a str>,
}

/// Reads a path like `keys.bot.scopes[0]`.
fn at(path: &str) -> Option<At<'_>> {
    let (kind, rest) = path.split_once(['.', '[']).unwrap_or((path, ""));
    let (what_it_is, fields) = match kind {
        "keys" => (KEYS, OF_KEYS),
        "providers" => (PROVIDERS, OF_PROVIDERS),
        _ => return None,
    };
    // A name may have dots in it; a field has none.
    let (name, field) = match rest.rsplit_once('.') {
        Some((name, field)) => (name, field.split('[').next()),
        None => (rest, None),
    };
    let section = if is_plain(name) { format!("[{kind}.{name}]") } else { format!("a section of `{kind}`") };
    Some(At { section, what_it_is, fields, field })
}

fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=32).contains(&name.len()) && name.bytes().all(plain)
}

/// Whether it is in a section, or all of them.
pub(super) fn is_in_one(path: &str) -> bool {
    at(path).is_some()
}

/// What is wrong at a path: of a field what it must be, else which name is none of a field.
pub(super) fn wrong(path: &str, error: Option<&config::ConfigError>) -> String {
    let Some(At { section, what_it_is, fields, field }) = at(path) else { return KEYS.to_owned() };
    if let Some((name, must)) = field.and_then(|field| fields.iter().find(|(name, _)| *name == field)) {
        return format!("{section}: `{name}` {must}");
    }
    if let Some(config::ConfigError::Message(text)) = error
        && text.starts_with("unknown field")
        && let Some(name) = text.split('`').nth(1).filter(|name| name.len() <= 24 && is_plain(name))
    {
        return format!("{section} has `{name}`, which it cannot have. {what_it_is}");
    }
    format!("{section} is not what it must be. {what_it_is}")
}

/// What a section does not have and must.
pub(super) fn lacks(path: &str) -> String {
    let Some(At { section, what_it_is, fields, field }) = at(path) else { return KEYS.to_owned() };
    match field.and_then(|field| fields.iter().find(|(name, _)| *name == field)) {
        Some((name, _)) => format!("{section} lacks its `{name}`, like {name} = \"…\""),
        None => format!("{section} is not what it must be. {what_it_is}"),
    }
}
