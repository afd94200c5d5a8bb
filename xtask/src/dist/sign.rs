//! Signatures, by which the app takes a file for its project's and of that version.
//!
//! The key comes by the environment and goes to Tauri's own command line; nothing of it is printed or kept.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::release::Release;
use crate::command::run;
use crate::machine::{self, Need};

/// The variable with the key itself; beside it `TAURI_SIGNING_PRIVATE_KEY_PASSWORD`.
pub(super) const KEY: &str = "TAURI_SIGNING_PRIVATE_KEY";
/// The variable with the path of the key's file.
pub(super) const KEY_FILE: &str = "TAURI_SIGNING_PRIVATE_KEY_PATH";
/// The variable with the public part, which is compiled into the app.
const PUBLIC: &str = "RAIDCAST_UPDATE_KEY";
/// What signs: of the version whose signatures the app's updater reads.
const SIGNER: &str = "--package=@tauri-apps/cli@2.12.5";

/// Whether somebody gave a key.
pub(super) fn has_key() -> bool {
    [KEY, KEY_FILE].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Says it aloud if the app that is built believes nobody's updates.
pub(super) fn tell_what_is_believed() {
    if public().is_none() {
        println!("SKIPPED: the app will take no updates: {PUBLIC} has no key that is compiled in");
    }
}

fn public() -> Option<String> {
    std::env::var(PUBLIC).ok().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty())
}

/// Signs a file for this version, and leaves the signature beside it.
///
/// # Errors
/// npm or the signer fails; or the app that was built does not believe that key.
pub(super) fn sign(release: &Release, file: &str) -> Result<String> {
    machine::prepare(&[Need::Web])?;
    let path = release.out.join(file);
    let mut npm = machine::npm();
    npm.args(["exec", "--yes", SIGNER, "--", "tauri", "signer", "sign", "--app-version", &release.version]);
    // A terminal would be asked for the password.
    run(npm.arg(&path).env("CI", "true"))?;
    let signature = release.out.join(format!("{file}.sig"));
    let text = fs::read_to_string(&signature).with_context(|| format!("the signer left no {}", signature.display()))?;
    let text = text.trim();
    if let Some(public) = public() {
        let (believed, signed) = (number(&public), number(text));
        ensure!(
            believed.is_some() && believed == signed,
            "{file} is signed by another key than the one in {PUBLIC}: no app would take it, nor any later one"
        );
    }
    Ok(text.to_owned())
}

/// The number of the key that a public key or a signature is of, as minisign writes them, in base64 once more.
fn number(text: &str) -> Option<[u8; 8]> {
    let lines = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let bytes = STANDARD.decode(lines.lines().nth(1)?).ok()?;
    // Two bytes before it name the algorithm.
    bytes.get(2..10)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a key that was made for this test, and of a file that it signed.
    const KEY_OF_TESTS: &str = "dW50cnVzdGVkIGNvbW1lbnQ6IG1pbmlzaWduIHB1YmxpYyBrZXk6IEQ2M0Y0MjQwQjY0ODY3RTQKUldUa1owaTJRRUkvMWl1WHQ2dkg1REoxYTBrSHJOeUE4MkQxeUk3d2JKSmRpT3BiTHFoVVE5QlgK";
    const SIGNATURE: &str = "dW50cnVzdGVkIGNvbW1lbnQ6IHNpZ25hdHVyZSBmcm9tIHRhdXJpIHNlY3JldCBrZXkKUlVUa1owaTJRRUkvMWxkU1NUa29EZlJKamk1TDFMdHB4T2VWdkdxVGd1Q0ZUc3NkUWVkbUpsckUrNEdHVTIxOUpWUExEYmp4bTRUUFhEejdGK3lxaUlUNnJPUXVlcFYrTEFRPQp0cnVzdGVkIGNvbW1lbnQ6IHRpbWVzdGFtcDoxNzk1OTE2MjM4CWZpbGU6cmFpZGNhc3RfMC4xLjBfYW1kNjQuZGViCXZlcnNpb246MC4xLjAKdnpsQWpBa05hS05WQjYxakJ6MTJwWEhrdHkzbkFBcVREeHJTOUR6ZlJOTmpMNjFLTUpVNWVIQTB3ZU9XNmlXQlRKdlp4Vzh6a3Z3aTdjc2tPdnFVRFE9PQo=";

    #[test]
    fn a_signature_and_the_key_it_belongs_to_have_one_number() {
        let (key, signature) = (number(KEY_OF_TESTS), number(SIGNATURE));
        assert!(key.is_some() && key == signature, "{key:?} {signature:?}");
        let another = STANDARD.encode(format!("untrusted comment\n{}", STANDARD.encode([7; 42])));
        assert!(number(&another).is_some_and(|another| Some(another) != key));
        assert_eq!((number("no base64"), number(&STANDARD.encode("one line"))), (None, None));
    }
}
