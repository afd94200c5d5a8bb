//! Which view a spectator sees, and in which format.

use raidcast_shared::limits::{PACE_DEFAULT, PACES};

use super::format::Format;

/// How many ticks a second a spectator gets: one of [`PACES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace(u8);

impl Pace {
    /// Every pace.
    pub const ALL: [Self; PACES.len()] = [Self(0), Self(1), Self(2)];

    /// The pace with so many ticks a second; `None` if there is none.
    pub fn of(ticks_per_s: u8) -> Option<Self> {
        PACES.iter().position(|pace| *pace == ticks_per_s).map(|at| Self(at as u8))
    }

    /// That of who has not asked for another. Overlays that read `CombatData` expect it once a second.
    pub fn usual(format: Format) -> Self {
        match format {
            Format::MessagePack | Format::Json => Self::default(),
            Format::CombatData | Format::MiniParse => Self::of(1).unwrap_or_default(),
        }
    }

    /// Its place in tables of all paces.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Ticks a second.
    pub fn per_s(self) -> u8 {
        PACES[self.index()]
    }

    /// Whether it has a tick at this beat of the fastest.
    pub fn is_due(self, beat: u64) -> bool {
        beat.is_multiple_of(u64::from(PACES[PACES.len() - 1] / self.per_s()))
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::of(PACE_DEFAULT).expect("the default is one of them")
    }
}

/// Lanes of a room: each pace in each format.
pub(super) const LANES: usize = PACES.len() * Format::ALL.len();

/// A view in one format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) pace: Pace,
    pub(super) format: Format,
}

impl Lane {
    /// Every lane, in the order of their places.
    pub(super) fn all() -> [Self; LANES] {
        const FORMATS: usize = Format::ALL.len();
        std::array::from_fn(|at| Self { pace: Pace::ALL[at / FORMATS], format: Format::ALL[at % FORMATS] })
    }

    /// Its place in tables of all lanes.
    pub(super) fn index(self) -> usize {
        self.pace.index() * Format::ALL.len() + self.format.index()
    }
}
