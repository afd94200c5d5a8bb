//! Why something was not done, as it crosses to the page.

use crate::view::Fault;
use crate::words::Words;
use crate::wrong::Wrong;

/// In a language.
pub(crate) fn fault(wrong: &Wrong, words: &dyn Words) -> Fault {
    let said = words.wrong(wrong);
    Fault { code: wrong.code().to_owned(), sentence: said.sentence, remedy: said.remedy }
}
