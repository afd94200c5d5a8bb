//! The numbers of uploads; those of a fight are [`raidcast_shared::limits`].

pub(crate) use raidcast_shared::limits::{
    WHOLE_BOSSES_MAX as BOSSES_MAX, WHOLE_BYTES_MAX as UPLOAD_BYTES_MAX, WHOLE_TIMELINE_MAX as TIMELINE_MAX,
};

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

/// So much later than now a fight may have begun, ms: clocks are set wrong, the relay's too, and who sends is not to lose
/// a fight by it.
pub const AHEAD_MS_MAX: i64 = 7 * 86_400_000;

/// Encounters of a request to `/api/v1/encounters`.
pub(crate) const BATCH_MAX: usize = 100;
/// The newest form of it that is known.
pub(crate) const SCHEMA_VERSION: i64 = 1;
/// Of what is wrong with a request so many things are told.
pub(crate) const DETAILS_MAX: usize = 20;
/// Of what stands where something else must be: characters that are told.
pub(crate) const GOT_CHARS_MAX: usize = 32;
/// The earliest Unix ms that is taken: in March 1973. Below it a time is an offset, which has 7,200,000 at most; and a
/// date in seconds is below it until the year 5138.
pub(crate) const UNIX_MS_MIN: i64 = 100_000_000_000;
/// What happened by so many ms before a fight's begin counts as at its begin: meters set that when they see the boss.
pub(crate) const EARLY_MS_MAX: i64 = 600_000;
/// Of a field's name in a message, bytes.
pub(crate) const FIELD_BYTES_MAX: usize = 64;
/// Skills of a list that are kept until those of the encounter are told: at 400 bytes each, with a hit, those of 50 players
/// take 26 MB. Further ones are read one by one. The game has some 20 of a class.
pub(crate) const SKILLS_AT_ONCE: usize = 640;
