//! A package that is offered, by Tauri's updater: which one is for this computer, whether it is what was signed, and how it
//! is installed.
//!
//! One invariant: the signature says of which version the package is, and another one is refused: else an old version,
//! which was signed as well, could be offered as a new one.

use std::sync::Arc;
use std::time::Duration;

use raidcast_desktop_model::desk::Desk;
use raidcast_desktop_model::update::{UpdateFault, host_of, safe};
use serde_json::Value;
use tauri::{AppHandle, Runtime, Url};
#[cfg(target_os = "linux")]
use tauri::{
    Manager as _,
    utils::{config::BundleType, platform::bundle_type},
};
use tauri_plugin_updater::{Error, Update, UpdaterExt as _};
use tokio_util::sync::CancellationToken;

use super::given::Given;
use super::web::{Web, fault_of};

/// MiB of a package: what there is has twenty.
const PACKAGE_MIB_MAX: u64 = 256;
/// It is there by then: the largest over a line of a megabit a second.
const PACKAGE_TIME: Duration = Duration::from_mins(40);

/// In which way this copy is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The program is a file that is replaced.
    Program,
    /// The system's packages are asked, with a password.
    Package,
    /// An installer does it.
    #[cfg(not(target_os = "linux"))]
    Installer,
}

impl Way {
    /// `None`: it was put there by hand, and nobody knows what belongs to it.
    pub(super) fn of<R: Runtime>(app: &AppHandle<R>, given: &Given) -> Option<Self> {
        if given.program.is_some() { Some(Self::Program) } else { Self::installed(app) }
    }

    /// Whether the system asks for a password when this copy is replaced.
    pub(super) fn asks_password<R: Runtime>(app: &AppHandle<R>, given: &Given) -> bool {
        Self::of(app, given) == Some(Self::Package)
    }

    #[cfg(target_os = "linux")]
    fn installed<R: Runtime>(app: &AppHandle<R>) -> Option<Self> {
        match bundle_type() {
            Some(BundleType::Deb | BundleType::Rpm) => Some(Self::Package),
            // What is unpacked for this start lies elsewhere.
            _ => app.env().appimage.is_some().then_some(Self::Program),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn installed<R: Runtime>(_: &AppHandle<R>) -> Option<Self> {
        cfg!(windows).then_some(Self::Installer)
    }
}

/// What is offered.
#[derive(Clone)]
pub(super) struct Package(Update);

impl PartialEq for Package {
    /// It is the same package, wherever it comes from.
    fn eq(&self, other: &Self) -> bool {
        (&self.0.version, &self.0.signature) == (&other.0.version, &other.0.signature)
    }
}

/// Why there is none.
pub(super) enum NoPackage {
    /// The channel file is none.
    Unreadable,
    /// What is to be said.
    Fault(UpdateFault),
}

impl Package {
    /// The one for this computer of a channel file that lies there. It is newer than this version, or there is none.
    pub(super) fn of<R: Runtime>(
        app: &AppHandle<R>,
        desk: &Desk,
        given: &Given,
        (key, web): (&str, &Web),
        place: &Url,
        file: &Value,
    ) -> Result<Self, NoPackage> {
        let version = || file["version"].as_str().unwrap_or_default().to_owned();
        let fault = |fault: UpdateFault| NoPackage::Fault(fault);
        if Way::of(app, given).is_none() {
            return Err(fault(UpdateFault::ByHand { version: version() }));
        }
        let at = host_of(place);
        let wrong = |error: Error| fault(told(error, &at, &version()));
        let (web, desk, ending) = (web.clone(), desk.clone(), app.clone());
        let mut builder = app
            .updater_builder()
            .pubkey(key)
            .endpoints(vec![place.clone()])
            .map_err(wrong)?
            .configure_client(move |client| web.rule(client))
            // On Windows the installer ends this program: what was read is put away before.
            .on_before_exit(move || {
                tauri::async_runtime::block_on(desk.quit());
                ending.cleanup_before_exit();
            });
        if let Some(program) = &given.program {
            builder = builder.executable_path(program);
        }
        let updater = builder.build().map_err(wrong)?;
        // What is restored needs a signature with its version, whatever is configured.
        let mut update = match updater.restore_update(file.clone()) {
            Ok(Some(update)) => update,
            Ok(None) => return Err(fault(UpdateFault::NotOffered)),
            Err(Error::Serialization(_)) => return Err(NoPackage::Unreadable),
            Err(Error::TargetNotFound(_) | Error::TargetsNotFound(_)) => {
                return Err(fault(UpdateFault::NoPackage { version: version() }));
            }
            Err(error) => return Err(wrong(error)),
        };
        // In builds for development the updater takes others, too.
        safe(update.download_url.as_str()).map_err(fault)?;
        update.timeout = Some(PACKAGE_TIME);
        Ok(Self(update))
    }

    pub(super) fn version(&self) -> &str {
        &self.0.version
    }

    /// All of it, looked at. `percent` is told how much has come, where that is known.
    pub(super) async fn load(&self, percent: impl Fn(Option<u8>)) -> Result<Vec<u8>, UpdateFault> {
        let most = PACKAGE_MIB_MAX << 20;
        let (mut come, mut told_percent) = (0_u64, None);
        let too_large = CancellationToken::new();
        let on_piece = |bytes: usize, of: Option<u64>| {
            come += bytes as u64;
            if come > most || of.is_some_and(|of| of > most) {
                too_large.cancel();
            }
            let now = of.filter(|of| *of > 0).map(|of| u8::try_from((come * 100 / of).min(100)).unwrap_or(100));
            if told_percent != now {
                told_percent = now;
                percent(now);
            }
        };
        let at = host_of(&self.0.download_url);
        tokio::select! {
            biased;
            () = too_large.cancelled() => Err(UpdateFault::TooLarge { at, mib: PACKAGE_MIB_MAX }),
            loaded = self.0.download(on_piece, || {}) => loaded.map_err(|error| told(error, &at, self.version())),
        }
    }

    /// Looks at it once more, and installs it. On Windows this program ends in here.
    pub(super) async fn install(&self, bytes: Arc<Vec<u8>>) -> Result<(), UpdateFault> {
        let update = self.0.clone();
        // It waits for a disk, or for somebody's password.
        let installing = tauri::async_runtime::spawn_blocking(move || update.install(bytes.as_slice()));
        let why = match installing.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => match told(error, &host_of(&self.0.download_url), self.version()) {
                UpdateFault::Unreachable { why, .. } => why,
                fault => return Err(fault),
            },
            Err(error) => error.to_string(),
        };
        Err(UpdateFault::NotInstalled { why })
    }
}

/// What is said of the updater's errors.
fn told(error: Error, at: &str, version: &str) -> UpdateFault {
    let at = at.to_owned();
    match error {
        Error::Minisign(_) | Error::Base64(_) | Error::SignatureUtf8(_) => UpdateFault::Tampered { at },
        Error::SignedVersionMismatch { signed, announced } => {
            UpdateFault::OtherVersion { version: announced, signed: Some(signed) }
        }
        Error::MissingSignedVersion => UpdateFault::OtherVersion { version: version.to_owned(), signed: None },
        Error::Reqwest(error) => fault_of(&error, &at),
        Error::Network(why) => UpdateFault::Unreachable { at, why },
        other => UpdateFault::Unreachable { at, why: other.to_string() },
    }
}
