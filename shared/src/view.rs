//! State to what a spectator or a report shows.
//!
//! Everything is shown to an audience ([`Shown`]). Order is canonical: the same state gives the same bytes, whatever
//! the relay's key or the order of its events.

mod attempts;
mod called;
mod class;
mod course;
mod details;
mod facts;
mod fight;
mod figures;
mod hits;
mod known;
mod live;
mod rates;
mod recap;
mod saved;
mod seconds;
mod shown;

pub use attempts::attempts;
pub use course::outcome;
pub use details::details;
pub use facts::{deaths, title};
pub use fight::{fight, meter_differs, note, timeline, went_as};
pub use figures::skills_of;
pub use hits::timelines;
pub use known::is_timed;
pub use live::{Happenings, LiveFacts, LiveStep, LiveView};
pub use recap::recaps;
pub use saved::saved;
pub use shown::{Audience, Shown, Veil};
