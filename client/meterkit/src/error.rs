//! What can go wrong while a database is written.

/// Why a meter database was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeterkitError {
    /// The database refused.
    #[error("write the meter database: {0}")]
    Database(#[from] sqlx::Error),
    /// A chunk's events had no `MessagePack` form.
    #[error("encode a chunk: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
    /// A hit had no JSON form, or a row's JSON was not what this crate writes.
    #[error("convert a hit's JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A chunk was not compressed.
    #[error("compress a chunk: {0}")]
    Compress(#[from] std::io::Error),
    /// The files of names were not written.
    #[error("write the files of names: {0}")]
    NameFiles(std::io::Error),
    /// The writer has no fight open: call `begin` first.
    #[error("write a fight that was not begun")]
    NoFight,
    /// A fault was aimed at a row that the database does not have.
    #[error("damage a row that is not there")]
    NoRow,
}
