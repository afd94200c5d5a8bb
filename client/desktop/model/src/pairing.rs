//! How this computer gets its key: by a code that somebody types into the relay's page, or by one that is pasted.
//!
//! One invariant: a key is kept only where the relay gave it, or has said that it takes it; and before anybody types a
//! code is known whether a key could be kept. Each is a task beside the model's, for a key store may take a minute.

use std::path::PathBuf;

use raidcast::clock::Clock;
use raidcast::key_check;
use raidcast::keys::{Kept, Keys, KeysError};
use raidcast::pairing::{Invitation, Paired, Pairing};
use raidcast::settings;
use raidcast::socket::RelayAddress;
use raidcast::trust::Trust;
use tokio::task::spawn_blocking;

use crate::wrong::Wrong;

/// Where a key is for, and where it is to be kept.
#[derive(Clone)]
pub(crate) struct KeyPlace {
    /// The relay.
    pub(crate) relay: String,
    /// Who vouches for it.
    pub(crate) trust: Trust,
    /// The file of keys.
    pub(crate) file: PathBuf,
    /// Keys, with that file and the store of the system.
    pub(crate) keys: fn(PathBuf) -> Keys,
}

/// A key that was kept.
#[derive(Debug)]
pub(crate) struct Gotten {
    /// For which relay.
    pub(crate) relay: String,
    /// Whose account it is of, where somebody said.
    pub(crate) account: Option<String>,
    /// Where it is.
    pub(crate) kept: Kept,
    /// The file of keys.
    pub(crate) file: PathBuf,
}

impl KeyPlace {
    /// Asks the relay for a code.
    ///
    /// # Errors
    /// A key could not be kept, or the relay gives no code.
    pub(crate) async fn begin(&self) -> Result<(Pairing, Invitation), Wrong> {
        let place = self.clone();
        self.blocking(move || (place.keys)(place.file).check(&place.relay).map(drop)).await?;
        let machine = settings::machine_name().unwrap_or_else(|| "this computer".to_owned());
        let name = format!("Raidcast on {machine}");
        Pairing::begin(&self.relay, &name, self.trust.clone()).await.map_err(Wrong::Pairing)
    }

    /// Waits until somebody has typed it, and keeps the key.
    ///
    /// # Errors
    /// Nobody did, or said no; or the key cannot be kept.
    pub(crate) async fn finish(&self, pairing: Pairing) -> Result<Gotten, Wrong> {
        let Paired { key, name } = pairing.wait().await.map_err(Wrong::Pairing)?;
        self.keep(key, Some(name)).await
    }

    /// Asks the relay whether it takes a key that was pasted, and keeps it.
    ///
    /// # Errors
    /// It can be none, the relay does not take it, or it cannot be kept.
    pub(crate) async fn paste(&self, text: &str, clock: &Clock) -> Result<Gotten, Wrong> {
        let key = settings::key(text)?;
        let address = RelayAddress::new(&self.relay, &key, self.trust.clone()).map_err(Wrong::Address)?;
        key_check::check(&address, clock).await.map_err(Wrong::Key)?;
        self.keep(key, None).await
    }

    /// Forgets the key; whether there was one.
    ///
    /// # Errors
    /// It may still be there.
    pub(crate) async fn forget(&self) -> Result<bool, Wrong> {
        let place = self.clone();
        self.blocking(move || (place.keys)(place.file).forget(&place.relay)).await
    }

    async fn keep(&self, key: String, account: Option<String>) -> Result<Gotten, Wrong> {
        let place = self.clone();
        let kept = self.blocking(move || (place.keys)(place.file).keep(&place.relay, &key)).await?;
        Ok(Gotten { relay: self.relay.clone(), account, kept, file: self.file.clone() })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        what: impl FnOnce() -> Result<T, KeysError> + Send + 'static,
    ) -> Result<T, Wrong> {
        let wrong = |error| Wrong::Keys { file: self.file.clone(), error };
        match spawn_blocking(what).await {
            Ok(done) => done.map_err(wrong),
            Err(_) => Err(wrong(KeysError::File(std::io::Error::other("the key store fell")))),
        }
    }
}

#[cfg(test)]
mod tests {
    use raidcast::post::Failure;
    use raidcast::settings::{KeyTrouble, SettingsFault};

    use super::*;

    fn place(dir: &std::path::Path) -> KeyPlace {
        KeyPlace {
            // Nothing listens there.
            relay: "http://127.0.0.1:1".into(),
            trust: Trust::public(),
            file: dir.join("keys.json"),
            keys: |file| Keys::with(file, None),
        }
    }

    #[tokio::test]
    async fn a_key_that_the_relay_has_not_taken_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(dir.path());
        let quoted = place.paste("\"abc\"", &Clock::system()).await.unwrap_err();
        assert!(matches!(quoted, Wrong::Settings(SettingsFault::Key(KeyTrouble::Quoted))), "{quoted:?}");
        let away = place.paste(" a-key ", &Clock::system()).await.unwrap_err();
        assert!(matches!(away, Wrong::Key(Failure::NotNow { .. } | Failure::Nowhere { .. })), "{away:?}");
        assert!(matches!(place.begin().await, Err(Wrong::Pairing(_))));
        assert!(!place.file.exists() && !place.forget().await.unwrap());
        // Where none could be kept, nobody is asked for a code.
        std::fs::write(&place.file, "something else").unwrap();
        assert!(matches!(place.begin().await, Err(Wrong::Keys { error: KeysError::File(_), .. })));
    }

    #[tokio::test]
    async fn a_key_is_kept_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(dir.path());
        let gotten = place.keep("secret".into(), Some("Ana".into())).await.unwrap();
        assert_eq!((gotten.kept, gotten.account.as_deref()), (Kept::InFile { instead_of: None }, Some("Ana")));
        assert_eq!((place.keys)(place.file.clone()).key(&place.relay).unwrap().as_deref(), Some("secret"));
        assert!(place.forget().await.unwrap());
    }
}
