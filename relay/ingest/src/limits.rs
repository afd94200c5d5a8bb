//! The numbers of uploads; those of a fight are [`raidcast_shared::limits`].

/// Encounters of a request. Meters send one, those of before 0.15.2 ten.
pub(crate) const ENCOUNTERS_MAX: usize = 1_000;
/// Hashes that a request may ask for. Meters ask for one, those of before 0.15.2 for ten, and the website takes 50.
pub(crate) const HASHES_MAX: usize = 1_000;
/// Of a hash: characters. Meters' have 64.
pub(crate) const HASH_CHARS_MAX: usize = 128;
/// Entries of a list that are looked at: twice the rows of a fight. At 16 bytes each a list takes 2 MiB.
pub(crate) const LIST_MAX: usize = 1 << 17;
/// Of a text what is looked at, bytes: names have 64 characters at most.
pub(crate) const TEXT_BYTES_MAX: usize = 1_024;
/// Events that are encoded at once: at 150 bytes each 600 KB.
pub(crate) const EVENTS_AT_ONCE: usize = 4_096;
/// The last moment that a date can say, Unix ms: the end of the year 9999.
pub(crate) const DATE_MS_MAX: i64 = 253_402_300_799_999;
