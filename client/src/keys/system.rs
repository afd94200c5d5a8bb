//! The operating system's own key stores: of Windows and macOS always, the Secret Service of Linux desktops as a feature
//! (`secret-service`), because it brings what a command line needs nowhere else.

/// A system's store.
pub trait SystemKeys: Send + Sync {
    /// What people call it.
    fn name(&self) -> &'static str;

    /// The key for a relay. One that is locked may say that there is none.
    ///
    /// # Errors
    /// It gives none.
    fn get(&self, relay: &str) -> Result<Option<String>, SystemError>;

    /// Keeps a key in place of the one before.
    ///
    /// # Errors
    /// It takes none.
    fn set(&self, relay: &str, key: &str) -> Result<(), SystemError>;

    /// Removes a key, if there is one.
    ///
    /// # Errors
    /// It may still be there.
    fn remove(&self, relay: &str) -> Result<(), SystemError>;
}

/// What a system's store says no to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SystemError {
    /// It does not have what it was given.
    #[error("{store} does not have the key: it is locked, or somebody removed it there")]
    Gone {
        /// What people call it.
        store: &'static str,
    },
    /// It says nothing.
    #[error("{store} does not answer: unlock it, or see whether it waits for a password")]
    Silent {
        /// What people call it.
        store: &'static str,
    },
    /// It does not do what it was asked to.
    #[error("{store}: {why}")]
    Refused {
        /// What people call it.
        store: &'static str,
        /// In its words.
        why: String,
    },
}

/// Does something with a store, on a thread of its own: a store may ask its owner for a password and so take its time, some
/// of them run what must not be run by a thread that others wait for, and one that hangs is left behind.
#[cfg(any(test, windows, target_os = "macos", all(target_os = "linux", feature = "secret-service")))]
pub(super) fn in_time<T: Send + 'static>(
    store: &'static str,
    patience: std::time::Duration,
    what: impl FnOnce() -> Result<T, SystemError> + Send + 'static,
) -> Result<T, SystemError> {
    use std::sync::mpsc::{RecvTimeoutError, sync_channel};

    let (answer, answered) = sync_channel(1);
    std::thread::spawn(move || {
        // Nobody waits for it any more where it came too late.
        let _ = answer.send(what());
    });
    answered.recv_timeout(patience).unwrap_or_else(|error| {
        Err(match error {
            RecvTimeoutError::Timeout => SystemError::Silent { store },
            RecvTimeoutError::Disconnected => SystemError::Refused { store, why: "it fell".into() },
        })
    })
}

#[cfg(any(windows, target_os = "macos", all(target_os = "linux", feature = "secret-service")))]
mod native {
    use std::sync::Arc;
    use std::time::Duration;

    #[cfg(target_os = "macos")]
    use apple_native_keyring_store::keychain::Store;
    use keyring_core::api::CredentialStoreApi;
    use keyring_core::{Entry, Error};
    #[cfg(windows)]
    use windows_native_keyring_store::Store;
    #[cfg(target_os = "linux")]
    use zbus_secret_service_keyring_store::Store;

    use super::{SystemError, SystemKeys, in_time};

    #[cfg(target_os = "macos")]
    const NAME: &str = "the keychain";
    #[cfg(windows)]
    const NAME: &str = "the Windows Credential Manager";
    #[cfg(target_os = "linux")]
    const NAME: &str = "the system's keyring";
    /// What the store calls what is ours.
    const SERVICE: &str = "raidcast";
    /// So long its owner may take to find his password.
    const PATIENCE: Duration = Duration::from_mins(1);

    /// The one that is asked when it is used: it may not be there yet when this program starts.
    pub(super) struct Native;

    /// Does something with the entry for a relay.
    fn at<T: Send + 'static>(
        relay: &str,
        what: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<Option<T>, SystemError> {
        let relay = relay.to_owned();
        in_time(NAME, PATIENCE, move || {
            let asked = || {
                let store: Arc<Store> = Store::new()?;
                what(&store.build(SERVICE, &relay, None)?)
            };
            match asked() {
                Ok(done) => Ok(Some(done)),
                Err(Error::NoEntry) => Ok(None),
                Err(error) => Err(SystemError::Refused { store: NAME, why: error.to_string() }),
            }
        })
    }

    impl SystemKeys for Native {
        fn name(&self) -> &'static str {
            NAME
        }

        fn get(&self, relay: &str) -> Result<Option<String>, SystemError> {
            at(relay, Entry::get_password)
        }

        fn set(&self, relay: &str, key: &str) -> Result<(), SystemError> {
            let key = key.to_owned();
            at(relay, move |entry| entry.set_password(&key)).map(drop)
        }

        fn remove(&self, relay: &str) -> Result<(), SystemError> {
            at(relay, Entry::delete_credential).map(drop)
        }
    }
}

/// The stores that this program was built for: one, or none.
pub(super) fn of_this_build() -> impl Iterator<Item = Box<dyn SystemKeys>> {
    #[cfg(any(windows, target_os = "macos", all(target_os = "linux", feature = "secret-service")))]
    return std::iter::once::<Box<dyn SystemKeys>>(Box::new(native::Native));
    #[cfg(not(any(windows, target_os = "macos", all(target_os = "linux", feature = "secret-service"))))]
    std::iter::empty()
}
