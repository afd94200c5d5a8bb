//! A certificate and its key, as files have them: whether they can be used, for which names, and until when.
//!
//! Nothing of a key is ever said.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::InconsistentKeys;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use webpki::{EndEntityCert, KeyUsage};

use crate::error::plain;
use crate::limits::CERTIFICATE_BYTES_MAX;

/// After the last moment that a certificate can name, s: the end of the year 9999.
const NEVER_S: u64 = 253_402_300_800;

/// The two files, PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The relay's certificate, then those that lead to an authority's.
    pub certificate: PathBuf,
    /// Its key, without a password.
    pub key: PathBuf,
}

/// Why a certificate and its key cannot be used: what it is, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or may not be read.
    #[error("could not read {path}: {}. The user that runs the relay must be able to read it", plain(.source))]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No certificate stands in the file.
    #[error(
        "{path} holds no certificate: give a PEM file, which begins with -----BEGIN CERTIFICATE-----, the relay's own first"
    )]
    NoCertificate {
        /// Which file.
        path: PathBuf,
    },
    /// No key stands in the file.
    #[error(
        "{path} holds no private key that can be used: give a PEM file with one (RSA, P-256, P-384 or Ed25519), without a password"
    )]
    NoKey {
        /// Which file.
        path: PathBuf,
    },
    /// The certificate is none for a server, or of a kind that is not known.
    #[error("the certificate in {path} cannot be used ({why}): get another one")]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// They are of two pairs.
    #[error(
        "the key in {key} is not that of the certificate in {certificate}: the relay's own certificate must stand first there, \
         and both files must be of the same pair"
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's.
        key: PathBuf,
    },
}

/// What stood in the two files when they were read.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl TlsFiles {
    /// Reads the files, of which neither may be large.
    pub(super) fn contents(&self) -> Result<Contents, TlsError> {
        let read = |path: &Path| {
            let read = || {
                // Whoever opens a pipe waits for somebody who writes into it.
                if !std::fs::metadata(path)?.is_file() {
                    return Err(io::Error::other("it is no plain file"));
                }
                let mut bytes = Vec::new();
                std::fs::File::open(path)?.take(CERTIFICATE_BYTES_MAX).read_to_end(&mut bytes)?;
                Ok(bytes)
            };
            read().map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
        };
        Ok(Contents { certificate: read(&self.certificate)?, key: read(&self.key)? })
    }

    /// The certificate in the files.
    ///
    /// # Errors
    /// What an operator must set right first.
    pub fn read(&self) -> Result<Certificate, TlsError> {
        Certificate::of(self, &self.contents()?)
    }
}

/// A certificate that goes with its key.
pub struct Certificate {
    pub(super) key: Arc<CertifiedKey>,
}

/// Without the key.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("chain", &self.key.cert.len()).finish_non_exhaustive()
    }
}

impl Certificate {
    pub(super) fn of(files: &TlsFiles, contents: &Contents) -> Result<Self, TlsError> {
        let TlsFiles { certificate, key } = files.clone();
        let chain = CertificateDer::pem_slice_iter(&contents.certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| TlsError::NoCertificate { path: certificate.clone() })?;
        let no_key = || TlsError::NoKey { path: key.clone() };
        let held = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|_| no_key())?;
        let held = default_provider().key_provider.load_private_key(held).map_err(|_| no_key())?;
        let pair = CertifiedKey::new(chain, held);
        match pair.keys_match() {
            Ok(()) => {}
            Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                return Err(TlsError::Mismatch { certificate, key });
            }
            Err(error) => return Err(TlsError::Unusable { path: certificate, why: error.to_string() }),
        }
        Ok(Self { key: Arc::new(pair) })
    }

    /// From when until when it is good, Unix s; `None` if that cannot be told.
    pub fn validity_s(&self) -> Option<(u64, u64)> {
        let leaf = self.key.end_entity_cert().ok()?;
        let leaf = EndEntityCert::try_from(leaf).ok()?;
        // Times are looked at before anybody who vouches for it is: so what it says of them is told by asking for a time
        // at which it is not good.
        let refused = |at_s: u64| {
            let at = UnixTime::since_unix_epoch(Duration::from_secs(at_s));
            leaf.verify_for_usage(&[], &[], &[], at, KeyUsage::server_auth(), None, None).err()
        };
        let not_before = match refused(0) {
            Some(webpki::Error::CertNotValidYet { not_before, .. }) => not_before.as_secs(),
            _ => 0,
        };
        match refused(NEVER_S) {
            Some(webpki::Error::CertExpired { not_after, .. }) => Some((not_before, not_after.as_secs())),
            _ => None,
        }
    }

    /// Whether it is one for a host: a name or an address.
    pub fn covers(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let Ok(name) = ServerName::try_from(host) else { return false };
        let leaf = self.key.end_entity_cert().ok().and_then(|leaf| EndEntityCert::try_from(leaf).ok());
        leaf.is_some_and(|leaf| leaf.verify_is_valid_for_subject_name(&name).is_ok())
    }

    /// Whether no other stands behind it, which would lead to an authority's.
    pub fn is_alone(&self) -> bool {
        self.key.cert.len() == 1
    }
}
