//! What is wrong with a section of the configuration file, `[keys.NAME]` or `[providers.NAME]`.
//!
//! One invariant: of what stands there nothing is said but names of fields that there are. A name that is none, and one
//! of a section, may be a key that was written on the wrong side; the line says which is meant.

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

/// A section: what it may hold, and the field of it that is meant, with what that must be.
struct At {
    what_it_is: &'static str,
    field: Option<(&'static str, &'static str)>,
}

/// Reads a path like `keys.bot.scopes[0]`.
fn at(path: &str) -> Option<At> {
    let (kind, rest) = path.split_once(['.', '[']).unwrap_or((path, ""));
    let (what_it_is, fields) = match kind {
        "keys" => (KEYS, OF_KEYS),
        "providers" => (PROVIDERS, OF_PROVIDERS),
        _ => return None,
    };
    // A section's name may have dots in it; a field has none.
    let field = rest.rsplit_once('.').and_then(|(_, field)| field.split('[').next());
    let field = field.and_then(|field| fields.iter().find(|(name, _)| *name == field)).copied();
    Some(At { what_it_is, field })
}

/// Whether it is in a section, or all of them.
pub(super) fn is_in_one(path: &str) -> bool {
    at(path).is_some()
}

/// What is wrong at a path: of a field what it must be; of a section whether it `has_another` name than those of fields.
pub(super) fn wrong(path: &str, has_another: bool) -> String {
    match at(path) {
        Some(At { field: Some((name, must)), .. }) => format!("`{name}` {must}"),
        Some(At { what_it_is, .. }) if has_another => format!("a section cannot have what stands there. {what_it_is}"),
        Some(At { what_it_is, .. }) => format!("the section is not what it must be. {what_it_is}"),
        None => KEYS.to_owned(),
    }
}

/// What a section does not have and must.
pub(super) fn lacks(path: &str) -> String {
    match at(path) {
        Some(At { field: Some((name, _)), .. }) => format!("the section lacks its `{name}`, like {name} = \"…\""),
        _ => wrong(path, false),
    }
}
