//! How a question is asked: what is few is taken whole, of what is many so many rows in their order.

use super::statement::{COUNTED, Texts, Window};
use super::{SearchKey, SearchRequest, SearchTotal, Statement};

/// Runs a statement that gives rows of two numbers.
pub trait Ask: Send {
    /// Why it did not.
    type Error;

    /// The rows.
    fn rows(&mut self, statement: Statement) -> impl Future<Output = Result<Vec<(i64, i64)>, Self::Error>> + Send;
}

/// What a question led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Rows of encounters, in the order that was asked for.
    pub encounters: Vec<i64>,
    /// From where to ask again.
    pub next: Option<SearchKey>,
    /// Where they were to be counted.
    pub total: Option<SearchTotal>,
}

fn key((value, encounter): (i64, i64)) -> SearchKey {
    SearchKey { value, encounter }
}

/// Asks a question, in one state of the database.
///
/// # Errors
/// Whoever runs it.
pub async fn walk<A: Ask>(ask: &mut A, request: &SearchRequest) -> Result<Walked, A::Error> {
    let texts = Texts::new(request);
    if texts.is_nothing() {
        let total = request.count.then_some(SearchTotal { count: 0, at_least: false });
        return Ok(Walked { total, ..Walked::default() });
    }
    let is_few = texts.may_be_few() && ask.rows(texts.more_than_few()).await?.is_empty();
    let window = if is_few { Window::All } else { Window::To(nearest(request, ask.rows(texts.last()).await?)) };
    let last = match window {
        Window::All => None,
        Window::To(last) => last,
    };
    let (mut found, count) = match request.count {
        true => counted(ask.rows(texts.found_and_counted(window)).await?, request.descending),
        false => (ask.rows(texts.found(window)).await?, 0),
    };
    let has_more = found.len() > request.take as usize;
    found.truncate(request.take as usize);
    let next = if has_more { found.last().copied().map(key) } else { last };
    let total = request.count.then_some(SearchTotal { count, at_least: last.is_some() });
    Ok(Walked { encounters: found.into_iter().map(|(_, encounter)| encounter).collect(), next, total })
}

/// Takes the row that says how many there are from the others, which may come in any order.
fn counted(rows: Vec<(i64, i64)>, descending: bool) -> (Vec<(i64, i64)>, u64) {
    let (count, mut found): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, encounter)| *encounter == COUNTED);
    found.sort_unstable();
    if descending {
        found.reverse();
    }
    (found, count.first().map_or(0, |(count, _)| count.unsigned_abs()))
}

/// Of the places to which terms were looked at the one that comes first: behind it some were not.
fn nearest(request: &SearchRequest, last: Vec<(i64, i64)>) -> Option<SearchKey> {
    let nearest = if request.descending { last.into_iter().max() } else { last.into_iter().min() };
    nearest.map(key)
}
