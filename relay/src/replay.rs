//! The feed that plays the past: a fight's log folded again at a spectator's pace, in the frames of the live feed.
//!
//! One task and one sink for each replay, beside the raid's task, which is asked for its log and nothing else. Of one
//! moment alone the keyframe is made where it is folded, and nothing but its bytes is kept.

mod admission;
mod player;
mod query;
mod task;

pub use admission::Admission;
pub use query::{Playback, Replay, ReplayPermit};
pub use task::play;
