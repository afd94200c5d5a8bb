//! What can be said of a database that is looked at and not changed.

use crate::StoreError;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Nothing is in it yet.
    pub is_new: bool,
    /// Changes of its schema that the next start makes.
    pub waiting: usize,
    /// A relay uses it now.
    pub in_use: bool,
    /// In which ways each administrator signs in: providers, empty for a password.
    pub administrators: Vec<Vec<String>>,
}

/// What is asked for them, of a database that has people.
pub const ADMINISTRATORS: &str = "SELECT p.row, coalesce(s.provider, '-') FROM people p LEFT JOIN sign_ins s ON s.person = p.row \
                                  WHERE p.role = 1 ORDER BY p.row";

/// The ways of each, of what was answered.
pub fn by_administrator(rows: &[(i64, String)]) -> Vec<Vec<String>> {
    let all = rows.chunk_by(|one, other| one.0 == other.0);
    // No provider is called so.
    all.map(|ways| ways.iter().map(|(_, way)| way.clone()).filter(|way| way != "-").collect()).collect()
}

/// A change of the schema, as a database remembers it.
#[derive(Clone, Debug)]
pub struct AppliedChange {
    /// Which.
    pub version: i64,
    /// Of its text.
    pub checksum: Vec<u8>,
    /// Whether it came to its end.
    pub success: bool,
}

/// How many of the changes that a relay knows, in their order by version and checksum, a database lacks.
///
/// # Errors
/// `Damaged`: it has another one, or one that did not come to its end.
pub fn waiting<'a>(
    known: impl Iterator<Item = (i64, &'a [u8])>,
    applied: &[AppliedChange],
) -> Result<usize, StoreError> {
    let known: Vec<_> = known.collect();
    for AppliedChange { version, checksum, success } in applied {
        let Some((_, text)) = known.iter().find(|(one, _)| one == version) else {
            return Err(StoreError::later_schema(*version));
        };
        if text != checksum || !success {
            return Err(StoreError::Damaged(format!(
                "the change {version} of its schema is not as this relay made it: it is another program's, or a build's \
                 that was never released. Restore a backup, or give another database"
            )));
        }
    }
    Ok(known.iter().filter(|(version, _)| applied.iter().all(|one| one.version != *version)).count())
}

/// It has tables, and none that says which schema they are of.
pub fn not_ours() -> StoreError {
    StoreError::Damaged("it holds tables of another program: give a database of the relay's own".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_database_lacks_is_counted_and_what_it_has_beyond_is_refused() {
        let known = [(1, &b"one"[..]), (2, b"two"), (3, b"three")];
        let applied = |version, checksum: &[u8], success| AppliedChange { version, checksum: checksum.into(), success };
        let lacks = |applied: &[AppliedChange]| waiting(known.into_iter(), applied).map_err(|error| error.to_string());
        assert_eq!(lacks(&[]), Ok(3));
        assert_eq!(lacks(&[applied(1, b"one", true), applied(2, b"two", true)]), Ok(1));
        assert!(lacks(&[applied(4, b"four", true)]).unwrap_err().contains("run the newer relay"));
        assert!(lacks(&[applied(1, b"other", true)]).unwrap_err().contains("change 1"));
        assert!(lacks(&[applied(1, b"one", false)]).unwrap_err().contains("change 1"));
    }
}
