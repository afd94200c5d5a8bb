//! An archive of made-up encounters, as large as it is wanted: the rows of all tables that a search reads, for tests of
//! plans and for benches.
//!
//! One invariant: it is the same in every run, and what search reads of an encounter is what
//! [`SearchRows::of`](crate::search::SearchRows::of) and [`player_rows`](crate::search::player_rows) make of it, as of a
//! real one. Groups play together, some much more than others; some bosses and scenes are rare. Deliberately not here:
//! reports, logs and skills, which no search reads; who writes the rows.

mod entry;
mod made;
mod numbers;
mod plans;
mod questions;
mod table;

pub use made::Archive;
pub use numbers::Numbers;
pub use plans::{Explain, Planned, plans, same_as_kept};
pub use questions::{KINDS, Question};
pub use table::{Cell, Table};
