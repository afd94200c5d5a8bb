//! Objects and lists of objects, by the names of their fields; their values stay unread.
//!
//! One invariant: a field counts under its name in camelCase and in `snake_case`, and once. What is called otherwise is
//! passed over, however deep it nests.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fault::{Faults, Path};

/// An object's fields of interest.
pub(super) struct Object<'a, 'p, const N: usize> {
    names: &'static [&'static str; N],
    fields: [Option<&'a RawValue>; N],
    pub(super) path: Path<'p>,
}

impl<'a, 'p, const N: usize> Object<'a, 'p, N> {
    /// Of a text that is JSON.
    pub(super) fn of(
        text: &'a str,
        names: &'static [&'static str; N],
        path: Path<'p>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let Ok(found) = fields_of(text, names) else {
            faults.add(&path, "must be an object");
            return None;
        };
        Some(Self::found(found, names, path, faults))
    }

    fn found(found: Fields<'a, N>, names: &'static [&'static str; N], path: Path<'p>, faults: &mut Faults) -> Self {
        if let Some(name) = found.twice {
            faults.add(&path.field(name), "stands there twice (camelCase and snake_case are one name)");
        }
        Self { names, fields: found.values, path }
    }

    /// What stands in a field; `None` where nothing or null stands.
    ///
    /// # Panics
    /// If the field is none of this object's names.
    pub(super) fn value(&self, name: &'static str) -> Option<&'a RawValue> {
        let at = self.names.iter().position(|held| *held == name).expect("a name of this object");
        self.fields[at].filter(|value| value.get() != "null")
    }

    /// Reads the objects of a list of at most `max`; `take` is given each with its place. Gives whether a list is there.
    pub(super) fn each<const M: usize>(
        &self,
        name: &'static str,
        max: usize,
        names: &'static [&'static str; M],
        faults: &mut Faults,
        take: impl FnMut(Object<'a, '_, M>, &mut Faults),
    ) -> bool {
        let Some(list) = self.value(name) else { return false };
        let path = self.path.field(name);
        let mut count = 0;
        let each = Each { names, max, path: &path, count: &mut count, faults: &mut *faults, take };
        if list.get().starts_with('[') {
            if serde_json::Deserializer::from_str(list.get()).deserialize_seq(each).is_err() {
                faults.add(&path.entry(count), "must be an object");
            }
        } else {
            faults.add(&path, "must be a list");
        }
        true
    }
}

/// The fields of an object; an error if `text` is none, or no JSON.
pub(super) fn fields_of<'a, const N: usize>(
    text: &'a str,
    names: &'static [&'static str; N],
) -> serde_json::Result<Fields<'a, N>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let found = Named(names).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(found)
}

/// What stands under some names.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a, const N: usize> {
    pub(super) values: [Option<&'a RawValue>; N],
    /// A name that stands there more than once.
    pub(super) twice: Option<&'static str>,
}

struct Named<const N: usize>(&'static [&'static str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for Named<N> {
    type Value = Fields<'de, N>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Named<N> {
    type Value = Fields<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Fields { values: [None; N], twice: None };
        let mut next = 0;
        while let Some(at) = map.next_key_seed(Name { names: self.0, next })? {
            let Some(at) = at else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if found.values[at].replace(map.next_value()?).is_some() {
                found.twice.get_or_insert(self.0[at]);
            }
            next = at + 1;
        }
        Ok(found)
    }
}

/// Which of the names a key is; the one at `next` is the likeliest.
struct Name<const N: usize> {
    names: &'static [&'static str; N],
    next: usize,
}

impl<'de, const N: usize> DeserializeSeed<'de> for Name<N> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // As bytes: half of a character that is spelt as two is no error then.
        deserializer.deserialize_bytes(self)
    }
}

impl<const N: usize> Visitor<'_> for Name<N> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_bytes<E>(self, key: &[u8]) -> Result<Self::Value, E> {
        Ok((self.next..N).chain(0..self.next.min(N)).find(|at| is_called(key, self.names[*at])))
    }
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

struct Each<'c, F, const M: usize> {
    names: &'static [&'static str; M],
    max: usize,
    path: &'c Path<'c>,
    /// Objects read so far.
    count: &'c mut usize,
    faults: &'c mut Faults,
    take: F,
}

impl<'de, F: FnMut(Object<'de, '_, M>, &mut Faults), const M: usize> Visitor<'de> for Each<'_, F, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while *self.count < self.max {
            let Some(found) = list.next_element_seed(Named(self.names))? else { return Ok(()) };
            let object = Object::found(found, self.names, self.path.entry(*self.count), self.faults);
            (self.take)(object, self.faults);
            *self.count += 1;
        }
        let mut sent = self.max;
        while list.next_element::<IgnoredAny>()?.is_some() {
            sent += 1;
        }
        if sent > self.max {
            self.faults.add(self.path, format_args!("at most {} entries, got {sent}", self.max));
        }
        Ok(())
    }
}
