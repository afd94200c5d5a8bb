//! What people read, in their language: the one place that makes sentences of codes and facts, for the tray, the
//! notices and the window alike.
//!
//! One invariant: each text ends a sentence, says what happened and what to do, and names nothing that only a command
//! line has. A language is a file for what goes wrong and one for the rest; both are complete by type. Deliberately not
//! here: labels of the window, which the page has.

mod en;
mod faults;
#[cfg(test)]
mod tests;
mod tongue;
mod zh;

pub use faults::Faults;
pub use tongue::Words;

use crate::language::Language;

/// What is said in a language.
pub fn of(language: Language) -> &'static dyn Words {
    match language {
        Language::English => &en::English,
        Language::Chinese => &zh::Chinese,
    }
}
