//! What a meter of the first generation C and its kin writes of a fight, whether it stands in its database or in a request
//! that it sends: rows of hits, people, the fight's course, and the clock that stamped them.
//!
//! Pure. Deliberately not here: where the rows come from, and what was read of them before.

pub mod clock;
pub mod course;
pub mod details;
pub mod entry;
pub mod person;
pub mod prefix;
pub mod row;
