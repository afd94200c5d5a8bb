//! A key of releases, made for one test, that signs as `tauri signer` does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minisign::KeyPair;

pub(crate) struct Signer(KeyPair);

impl Signer {
    pub(crate) fn new() -> Self {
        Self(KeyPair::generate_unencrypted_keypair().unwrap())
    }

    /// As a build is given it.
    pub(crate) fn key(&self) -> String {
        STANDARD.encode(self.0.pk.to_box().unwrap().into_string())
    }

    /// As a channel file has it.
    pub(crate) fn sign(&self, bytes: &[u8], version: Option<&str>) -> String {
        let version = version.map(|version| format!("\tversion:{version}")).unwrap_or_default();
        let comment = format!("timestamp:1790000000\tfile:Raidcast.AppImage{version}");
        let signed = minisign::sign(Some(&self.0.pk), &self.0.sk, bytes, Some(&comment), Some("of the tests")).unwrap();
        STANDARD.encode(signed.into_string())
    }
}
