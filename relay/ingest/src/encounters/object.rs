//! Objects and lists of objects, by the names of their fields; their values stay unread.
//!
//! Long lists are read when they are met, so that nobody has to look for their ends first: of what they hold more than
//! the place is kept ([`Met`]). What is not as it must be is left where it stands, with all behind it in its list, until
//! the fields before it were told of ([`Object::each`]).
//!
//! One invariant: a field counts under its name in camelCase and in `snake_case`, and once. What is called otherwise is
//! passed over, however deep it nests.

use std::borrow::Cow;
use std::convert::Infallible;

use super::cursor::{Cursor, NotJson};
use super::fault::{Faults, Path};

/// An object's fields of interest; of those that are long lists `T` is what they hold.
pub(super) struct Object<'a, 'p, T, const N: usize> {
    names: &'static [&'static str; N],
    fields: Fields<'a, T, N>,
    pub(super) path: Path<'p>,
}

impl<'a, 'p, T, const N: usize> Object<'a, 'p, T, N> {
    pub(super) fn new(
        fields: Fields<'a, T, N>,
        names: &'static [&'static str; N],
        path: Path<'p>,
        faults: &mut Faults,
    ) -> Self {
        if let Some(name) = fields.twice {
            faults.add(&path.field(name), "stands there twice (camelCase and snake_case are one name)");
        }
        Self { names, fields, path }
    }

    fn place(&self, name: &'static str) -> usize {
        self.names.iter().position(|held| *held == name).expect("a name of this object")
    }

    /// What stands in a field; `None` where nothing or null stands.
    ///
    /// # Panics
    /// If the field is none of this object's names.
    pub(super) fn value(&self, name: &'static str) -> Option<&'a str> {
        self.fields.values[self.place(name)].filter(|value| *value != NULL)
    }

    /// Takes out what was read of a list when it was met.
    ///
    /// # Panics
    /// Like [`value`](Self::value).
    pub(super) fn met(&mut self, name: &'static str) -> Option<List<'a, T>> {
        let place = self.place(name);
        let held = self.fields.lists.iter().position(|(of, _)| *of == place)?;
        Some(self.fields.lists.swap_remove(held).1)
    }

    /// Reads the entries of a list of at most `max`: those that were `met`, and then by `look` the others. `take` is given
    /// each with its place. Gives whether a list is there.
    pub(super) fn each<M, E: From<M>>(
        &self,
        name: &'static str,
        max: usize,
        met: Option<List<'a, M>>,
        look: impl Fn(&mut Cursor<'a>) -> Result<Option<E>, NotJson>,
        faults: &mut Faults,
        mut take: impl FnMut(E, Path<'_>, &mut Faults),
    ) -> bool {
        let Some(list) = self.value(name) else { return false };
        let path = self.path.field(name);
        let mut cursor = Cursor::new(list);
        if !cursor.take(b'[') {
            faults.add(&path, "must be a list");
            return true;
        }
        let List { read, rest } = met.unwrap_or(List { read: Vec::new(), rest: cursor });
        let (mut count, mut rest) = (0, rest);
        for entry in read {
            take(entry.into(), path.entry(count), faults);
            count += 1;
        }
        while let Ok(true) = rest.goes_on(b']', count == 0) {
            if count >= max {
                let sent = count + left(rest);
                faults.add(&path, format_args!("at most {max} entries, got {sent}"));
                break;
            }
            let Ok(Some(entry)) = look(&mut rest) else {
                faults.add(&path.entry(count), "must be an object");
                break;
            };
            take(entry, path.entry(count), faults);
            count += 1;
        }
        true
    }
}

const NULL: &str = "null";

/// How many entries stand from here on to the end of a list.
fn left(mut cursor: Cursor<'_>) -> usize {
    let mut count = 0;
    while cursor.value().is_ok() {
        count += 1;
        if !matches!(cursor.goes_on(b']', false), Ok(true)) {
            break;
        }
    }
    count
}

/// What stands under some names.
pub(super) struct Fields<'a, T, const N: usize> {
    /// Of lists all of their text.
    values: [Option<&'a str>; N],
    /// Those that were read when they were met, by the places of their names.
    lists: Vec<(usize, List<'a, T>)>,
    /// A name that stands there more than once.
    twice: Option<&'static str>,
}

/// What is kept of an entry of a long list.
pub(super) trait Met<'a>: Sized {
    /// So many of one list are kept; the others are read when they are asked for.
    const MAX: usize;

    /// Reads one. `None` where it needs a closer look; the cursor may stand anywhere then.
    fn meet(cursor: &mut Cursor<'a>) -> Result<Option<Self>, NotJson>;
}

/// Of objects without long lists.
impl Met<'_> for Infallible {
    const MAX: usize = 0;

    fn meet(_: &mut Cursor<'_>) -> Result<Option<Self>, NotJson> {
        Ok(None)
    }
}

/// A list, as far as it was read when it was met.
pub(super) struct List<'a, T> {
    read: Vec<T>,
    /// Behind the last one that was.
    rest: Cursor<'a>,
}

impl<'a, T: Met<'a>> List<'a, T> {
    /// Passes a list; the cursor stands before it.
    fn pass(cursor: &mut Cursor<'a>) -> Result<Self, NotJson> {
        let begin = *cursor;
        cursor.take(b'[');
        let (mut read, mut rest) = (Vec::new(), *cursor);
        while cursor.goes_on(b']', read.is_empty())? {
            let entry = if read.len() < T::MAX { T::meet(cursor)? } else { None };
            let Some(entry) = entry else {
                *cursor = begin;
                cursor.value()?;
                break;
            };
            read.push(entry);
            rest = *cursor;
        }
        Ok(Self { read, rest })
    }
}

impl<'a, T: Met<'a>, const N: usize> Fields<'a, T, N> {
    /// Passes an object, and finds its fields; `lists`: those that are long lists. `None` if something else stands there.
    pub(super) fn pass(
        cursor: &mut Cursor<'a>,
        names: &'static [&'static str; N],
        lists: &[&'static str],
    ) -> Result<Option<Self>, NotJson> {
        Self::pass_without(cursor, names, lists, None)
    }

    /// The same, but that an object which has a field of this `other` name is something else.
    pub(super) fn pass_without(
        cursor: &mut Cursor<'a>,
        names: &'static [&'static str; N],
        lists: &[&'static str],
        other: Option<&str>,
    ) -> Result<Option<Self>, NotJson> {
        if !cursor.take(b'{') {
            return Ok(None);
        }
        let mut found = Self { values: [None; N], lists: Vec::new(), twice: None };
        let (mut next, mut is_first) = (0, true);
        while cursor.goes_on(b'}', is_first)? {
            is_first = false;
            let at = match pass_name(cursor, names, next)? {
                Name::Known(at) => at,
                Name::Unknown(name) if other.is_some_and(|other| *name == *other.as_bytes()) => return Ok(None),
                Name::Unknown(_) => {
                    cursor.value()?;
                    continue;
                }
            };
            let value = if lists.contains(&names[at]) { found.list(at, cursor)? } else { cursor.value()? };
            if found.values[at].replace(value).is_some() {
                found.twice.get_or_insert(names[at]);
            }
            next = at + 1;
        }
        Ok(Some(found))
    }

    /// Their values.
    ///
    /// `None` for fields in which null stands, and for all if a name stands there twice.
    pub(super) fn values(&self) -> Option<[Option<&'a str>; N]> {
        let values = self.values.map(|value| value.filter(|value| *value != NULL));
        self.twice.is_none().then_some(values)
    }

    fn list(&mut self, at: usize, cursor: &mut Cursor<'a>) -> Result<&'a str, NotJson> {
        // Of two the second one is looked at.
        self.lists.retain(|(of, _)| *of != at);
        if cursor.peek() != Some(b'[') {
            return cursor.value();
        }
        let begin = *cursor;
        // Most have one or two: room for more would be most of what is held of a short list.
        self.lists.reserve_exact(1);
        self.lists.push((at, List::pass(cursor)?));
        Ok(begin.to(cursor))
    }
}

/// The name of a field.
enum Name<'a> {
    /// Which of those that are looked for.
    Known(usize),
    Unknown(Cow<'a, [u8]>),
}

/// Passes a name, and tells which of these it is; the one at `next` is the likeliest.
fn pass_name<'a, const N: usize>(
    cursor: &mut Cursor<'a>,
    names: &'static [&'static str; N],
    next: usize,
) -> Result<Name<'a>, NotJson> {
    if names.get(next).is_some_and(|name| cursor.take_name(name)) {
        return Ok(Name::Known(next));
    }
    let name = cursor.name()?;
    let at = (next..N).chain(0..next.min(N)).find(|at| is_called(&name, names[*at]));
    Ok(at.map_or(Name::Unknown(name), Name::Known))
}

/// Whether a key is this name, which is in camelCase, or the same in `snake_case`.
fn is_called(key: &[u8], name: &str) -> bool {
    key == name.as_bytes() || is_snake(key, name)
}

fn is_snake(key: &[u8], name: &str) -> bool {
    let mut rest = key.iter().copied();
    let mut is_next = |byte: u8| rest.next() == Some(byte);
    let begins = name.bytes().all(|byte| match byte.is_ascii_uppercase() {
        true => is_next(b'_') && is_next(byte.to_ascii_lowercase()),
        false => is_next(byte),
    });
    begins && rest.next().is_none()
}
