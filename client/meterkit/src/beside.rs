//! What tests and benches may read that is not of this repository.

use std::path::{Path, PathBuf};

/// The folder `shared` beside the workspace; databases of real meters are in its `meters`. It may be missing: tests
/// that read it are marked `#[ignore = "reads ../shared"]`, and `cargo xtask test` runs them where it is there.
pub fn beside() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared")
}
