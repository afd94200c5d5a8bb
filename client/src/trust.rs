//! Whose certificates are believed: those of the authorities that browsers know, and of those in a file of one's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Who vouches for relays.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}

/// Why a file of authorities is of no use.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}")]
pub struct TrustError {
    /// Which.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl Trust {
    /// In the authorities that browsers know.
    pub fn public() -> Self {
        Self::of(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    /// In those of a file, too: one certificate or several, as PEM.
    ///
    /// # Errors
    /// It cannot be read, or holds no certificate of an authority.
    pub fn also(path: &Path) -> Result<Self, TrustError> {
        let wrong = |why: String| TrustError { path: path.to_owned(), why };
        let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let mut own = 0;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let added = certificate.map_err(|error| error.to_string());
            let added = added.and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
            added.map_err(|why| wrong(format!("its certificate {} is none ({why})", own + 1)))?;
            own += 1;
        }
        if own == 0 {
            return Err(wrong("it holds no certificate (PEM, with a line -----BEGIN CERTIFICATE-----)".to_owned()));
        }
        Ok(Self::of(roots))
    }

    fn of(roots: RootCertStore) -> Self {
        let config = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("ring speaks the versions that are named")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(Arc::new(config))
    }

    /// For a client of one's own that speaks TLS by rustls.
    pub fn client_config(&self) -> ClientConfig {
        ClientConfig::clone(&self.0)
    }

    /// As rustls wants it.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_certificate_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        assert!(Trust::also(&path).is_err(), "it is not there");
        for (content, why) in [
            ("", "holds no certificate"),
            ("nothing of the kind", "holds no certificate"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate 1 is none"),
        ] {
            std::fs::write(&path, content).unwrap();
            let told = Trust::also(&path).unwrap_err().to_string();
            assert!(told.contains(why) && told.contains("ca.pem"), "{told}");
        }
    }
}
