//! What crosses to the page and back: texts that are ready to be shown, numbers, and what can be done.
//!
//! One invariant: nothing here is looked up again by the page. What is said in words was said by [`crate::words`], so
//! that the tray, the notices and the window say the same.
//! Each page of the window has a file. The page's types are made of these (`tests/suite/types.rs`).

mod fights;
mod first;
mod now;
mod settings;
mod told;
mod updates;

pub use fights::{
    FightAct, FightFilter, FightPage, FightRow, FightStand, Parts, UploadChoice, UploadEnd, UploadHow, UploadPlan,
    UploadStep,
};
pub use first::{FirstChoice, FirstStep, FirstView, KeptView, OldChoice, OldFights, PairStep, PairView, RelayView};
pub use now::{AppState, DelayView, ElsewhereView, FightNow, LinkView, MeterView, NowView, UploadView};
pub use settings::{LanguageChoice, SettingsChange, SettingsFiles, SettingsView, ShownTo};
pub use told::{Fault, Link, Notice};
pub use updates::{AboutView, UpdateBusy, UpdateRule, UpdateView};
