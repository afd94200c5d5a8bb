//! The certificate in force, and the one task that puts another in its place when the files change.
//!
//! One invariant: what is half written, wrong or gone changes nothing. It is told to the log once, when it was found so
//! twice: files are replaced one after the other. Connections that are open keep the certificate with which they began.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

use super::certificate::{Certificate, Contents, TlsError, TlsFiles};
use crate::limits::CERTIFICATE_LOOK_MS;

/// What the pages' HTTP is called in a handshake. Nothing else is spoken.
const ALPN: &[u8] = b"http/1.1";

/// What connections begin with. Cloning gives the same.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(..)")
    }
}

impl Tls {
    /// Reads the files, and gives what watches them, too.
    ///
    /// # Errors
    /// What an operator must set right first.
    pub fn load(files: TlsFiles) -> Result<(Self, Reloading), TlsError> {
        let contents = files.contents()?;
        let first = Certificate::of(&files, &contents)?;
        let held = Arc::new(InForce(RwLock::new(first.key)));
        let mut config = ServerConfig::builder_with_provider(default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("ring knows both versions of TLS")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&held) as _);
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok((Self(Arc::new(config)), Reloading { files, contents, held, wrong: None }))
    }

    /// For a handshake.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0)
    }
}

/// Whatever name somebody asks for, he gets the one that there is.
struct InForce(RwLock<Arc<CertifiedKey>>);

impl fmt::Debug for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InForce(..)")
    }
}

impl ResolvesServerCert for InForce {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // No code that holds it can panic.
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Something that was read and cannot be used.
enum Wrong {
    /// Told only if it is still so at the next look.
    Seen(Option<Contents>),
    Told(Option<Contents>),
}

/// See the module's page.
pub struct Reloading {
    files: TlsFiles,
    /// What is in force was read of these.
    contents: Contents,
    held: Arc<InForce>,
    wrong: Option<Wrong>,
}

impl Reloading {
    /// Looks at the files every few seconds. Ends with `stopping`.
    pub async fn keep_reading(mut self, stopping: CancellationToken) {
        let every = Duration::from_millis(CERTIFICATE_LOOK_MS);
        while tokio::time::timeout(every, stopping.cancelled()).await.is_err() {
            let files = self.files.clone();
            // A disk that does not answer keeps its own thread, and nobody's task.
            let Ok(read) = tokio::task::spawn_blocking(move || files.contents()).await else { return };
            self.take(read);
        }
    }

    /// Puts what was read in force, if it is something else that is good.
    fn take(&mut self, read: Result<Contents, TlsError>) {
        let (contents, error) = match read {
            Ok(contents) if contents == self.contents => {
                self.wrong = None;
                return;
            }
            Ok(contents) => match Certificate::of(&self.files, &contents) {
                Ok(certificate) => {
                    *self.held.0.write().unwrap_or_else(PoisonError::into_inner) = certificate.key;
                    (self.contents, self.wrong) = (contents, None);
                    tracing::info!("another certificate is in force from now on");
                    return;
                }
                Err(error) => (Some(contents), error),
            },
            Err(error) => (None, error),
        };
        self.wrong = Some(match self.wrong.take() {
            Some(Wrong::Told(told)) if told == contents => Wrong::Told(told),
            Some(Wrong::Seen(seen)) if seen == contents => {
                tracing::error!(%error, "the certificate's files changed and cannot be used: the one before stays in force");
                Wrong::Told(contents)
            }
            _ => Wrong::Seen(contents),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    fn keys(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(name)
    }

    fn copied(folder: &Path, certificate: &str, key: &str) -> TlsFiles {
        let files = TlsFiles { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
        std::fs::copy(keys(certificate), &files.certificate).unwrap();
        std::fs::copy(keys(key), &files.key).unwrap();
        files
    }

    fn in_force(reloading: &Reloading) -> Vec<u8> {
        reloading.held.0.read().unwrap().cert[0].to_vec()
    }

    #[test]
    fn another_pair_is_in_force_at_the_next_look_and_half_of_it_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let files = copied(folder.path(), "tls.pem", "tls.key");
        let (_, mut reloading) = Tls::load(files.clone()).unwrap();
        let first = in_force(&reloading);
        for half in ["", "-----BEGIN CERTIFICATE-----\nMIIB"] {
            std::fs::write(&files.certificate, half).unwrap();
            for _ in 0..3 {
                reloading.take(files.contents());
                assert_eq!(in_force(&reloading), first);
            }
            assert!(matches!(reloading.wrong, Some(Wrong::Told(_))), "it was told once, at the second look");
        }
        // The certificate is there before its key.
        std::fs::copy(keys("other-tls.pem"), &files.certificate).unwrap();
        reloading.take(files.contents());
        assert!(in_force(&reloading) == first && matches!(reloading.wrong, Some(Wrong::Seen(_))));
        std::fs::copy(keys("other-tls.key"), &files.key).unwrap();
        reloading.take(files.contents());
        assert!(in_force(&reloading) != first && reloading.wrong.is_none());
        std::fs::remove_file(&files.key).unwrap();
        let second = in_force(&reloading);
        reloading.take(files.contents());
        reloading.take(files.contents());
        assert!(in_force(&reloading) == second && matches!(reloading.wrong, Some(Wrong::Told(None))));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_in_a_files_place_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let files = copied(folder.path(), "tls.pem", "tls.key");
        let (_, mut reloading) = Tls::load(files.clone()).unwrap();
        let first = in_force(&reloading);
        std::fs::remove_file(&files.key).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&files.key).status().unwrap().success());
        let (read, answered) = std::sync::mpsc::sync_channel(1);
        // By itself: it may wait for ever.
        std::thread::spawn(move || read.send(files.contents()));
        let contents = answered.recv_timeout(Duration::from_mins(1)).expect("an answer");
        assert!(contents.as_ref().is_err_and(|error| error.to_string().contains("no plain file")));
        reloading.take(contents);
        assert_eq!(in_force(&reloading), first);
    }

    #[test]
    fn what_cannot_be_used_is_told_with_its_file_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        for (certificate, key, says) in [
            ("tls.key", "tls.key", "holds no certificate"),
            ("tls.pem", "tls.pem", "holds no private key"),
            ("tls.pem", "other-tls.key", "is not that of the certificate"),
        ] {
            let error = Tls::load(copied(folder.path(), certificate, key)).err().expect(says).to_string();
            assert!(error.contains(says) && error.contains(".pem"), "{error}");
        }
        let gone = TlsFiles { certificate: "/nowhere/a.pem".into(), key: "/nowhere/a.key".into() };
        let error = gone.read().unwrap_err().to_string();
        assert!(error.contains("/nowhere/a.pem") && error.contains("must be able to read it"), "{error}");
    }

    #[test]
    fn a_certificate_tells_its_names_and_its_times() {
        let read = |name: &str| {
            TlsFiles { certificate: keys(&format!("{name}.pem")), key: keys(&format!("{name}.key")) }.read().unwrap()
        };
        let good = read("tls");
        for host in ["localhost", "127.0.0.1", "[::1]", "raids.example"] {
            assert!(good.covers(host), "{host}");
        }
        assert!(!good.covers("other.example") && !good.covers("") && !good.covers("127.0.0.2"));
        let (from_s, until_s) = good.validity_s().unwrap();
        assert!(from_s < 1_800_000_000 && until_s > 4_000_000_000, "{from_s} {until_s}");
        let (from_s, until_s) = read("expired-tls").validity_s().unwrap();
        assert!(from_s < until_s && until_s < 1_700_000_000, "{from_s} {until_s}");
    }
}
