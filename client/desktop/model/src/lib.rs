//! The desktop app without its window: what it does, what it says, and its rules.
//!
//! [`desk`] is what a window calls: the handle of a task that owns everything, and that shows by a [`screen`].
//! [`state`] makes of the library's changes what is shown, [`words`] says it, [`tray`] and [`notice`] are made of it.
//! [`view`] has the types that cross to the page.
//! One invariant: nothing here knows a window, so all of it is tested without one.

mod ask;
mod bundle;
pub mod channel;
pub mod desk;
mod fault;
mod fights;
mod glances;
mod hearing;
pub mod language;
pub mod links;
mod locked;
pub mod log;
mod meters;
pub mod news;
pub mod notice;
pub mod own;
mod pairing;
pub mod redact;
mod run;
pub mod said;
pub mod screen;
mod settled;
pub mod setup;
pub mod standing;
pub mod state;
mod task;
mod tooltip;
pub mod tray;
pub mod tray_item;
pub mod update;
mod upload;
pub mod version;
pub mod view;
pub mod words;
pub mod wrong;
