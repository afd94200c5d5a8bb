//! JSON from its first byte to its last, each of them once.
//!
//! One invariant: what was passed is JSON. What is spelt as most programs spell it is found here; at all else
//! `serde_json` looks.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::Visitor;
use serde_json::value::RawValue;

/// A text is no JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotJson;

/// A place in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// All that follows.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// Passes so many bytes, which were read as JSON.
    pub(super) fn pass(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// What stands from here to there.
    pub(super) fn to(&self, end: &Self) -> &'a str {
        &self.text[self.at..end.at]
    }

    /// The next byte that is no space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !is_space(byte) {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Passes this byte, if it is the next one.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Whether something stands there before the `end` of a list or an object, which is passed as the comma before it is;
    /// `is_first`: nothing stood there so far.
    pub(super) fn goes_on(&mut self, end: u8, is_first: bool) -> Result<bool, NotJson> {
        if self.take(end) {
            return Ok(false);
        }
        if is_first || self.take(b',') { Ok(true) } else { Err(NotJson) }
    }

    /// Passes a value, whatever it is.
    pub(super) fn value(&mut self) -> Result<&'a str, NotJson> {
        self.peek();
        let from = self.at;
        if let Some(length) = usual(self.rest()) {
            self.at += length;
            return self.text.get(from..self.at).ok_or(NotJson);
        }
        let mut values = serde_json::Deserializer::from_str(&self.text[from..]).into_iter::<&RawValue>();
        let value = values.next().and_then(Result::ok).ok_or(NotJson)?;
        self.at += values.byte_offset();
        Ok(value.get())
    }

    /// Passes the name of a field and the colon behind it.
    pub(super) fn name(&mut self) -> Result<Cow<'a, [u8]>, NotJson> {
        if !self.take(b'"') {
            return Err(NotJson);
        }
        let (from, rest) = (self.at, self.rest());
        let (mut end, mut is_escaped) = (0, false);
        loop {
            match rest.get(end).ok_or(NotJson)? {
                b'"' => break,
                b'\\' => (end, is_escaped) = (end + 2, true),
                ..b' ' => return Err(NotJson),
                _ => end += 1,
            }
        }
        self.at += end + 1;
        let name = match is_escaped {
            true => unescaped(&self.text[from - 1..self.at])?.into(),
            false => Cow::from(&rest[..end]),
        };
        if self.take(b':') { Ok(name) } else { Err(NotJson) }
    }

    /// Passes this name of a field and the colon behind it, if it stands there and is spelt just so.
    pub(super) fn take_name(&mut self, name: &str) -> bool {
        let mut ahead = *self;
        let found = ahead.take(b'"') && ahead.rest().starts_with(name.as_bytes());
        ahead.at += name.len();
        // No space stands before a quotation mark that ends a name.
        if found && ahead.rest().first() == Some(&b'"') {
            ahead.at += 1;
            if ahead.take(b':') {
                *self = ahead;
                return true;
            }
        }
        false
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

/// How long a value is that most programs spell in one way: a whole number, a text without escapes, a word.
fn usual(bytes: &[u8]) -> Option<usize> {
    let length = match bytes.first()? {
        b'1'..=b'9' => bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len()),
        b'0' => 1,
        b'"' => {
            let end = 1 + bytes[1..].iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '))?;
            return (bytes[end] == b'"').then_some(end + 1);
        }
        b't' if bytes.starts_with(b"true") => 4,
        b'f' if bytes.starts_with(b"false") => 5,
        b'n' if bytes.starts_with(b"null") => 4,
        _ => return None,
    };
    let is_over = bytes.get(length).is_none_or(|byte| matches!(byte, b',' | b'}' | b']') || is_space(*byte));
    is_over.then_some(length)
}

/// What a text says.
fn unescaped(text: &str) -> Result<Vec<u8>, NotJson> {
    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }

    // As bytes: half of a character that is spelt as two is no error then.
    serde_json::Deserializer::from_str(text).deserialize_bytes(Bytes).map_err(|_| NotJson)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_is_json() {
        for value in [
            "0",
            "7",
            "10",
            "-0",
            "-5",
            "1.5",
            "0.0",
            "5e0",
            "1E+2",
            "1e999",
            "true",
            "false",
            "null",
            r#""""#,
            r#""a b""#,
            r#""\ud800""#,
            r#""\"""#,
            "\"はるか\"",
            "[]",
            "{}",
            r#"[1,{"a":[]}]"#,
            r#"{"a":1,"a":2}"#,
        ] {
            for around in ["", " ", ",", "}", "]", "\n,", " x"] {
                let text = format!(" {value}{around}");
                let mut cursor = Cursor::new(&text);
                assert_eq!(cursor.value().unwrap(), value, "{text}");
                assert_eq!(cursor.at, 1 + value.len(), "{text}");
            }
        }
        for odd in [
            "", " ", "x", "01", "+1", ".5", "1.", "1e", "-", "5x", "truex", "tru", "nul", "nulll", "\"", "\"a",
            r#""\x""#, "\"\n\"", "[", "[1,]", "{", r#"{"a"}"#, "]", ",", ":", "NaN", "'a'",
        ] {
            assert!(Cursor::new(odd).value().is_err(), "{odd}");
        }
    }

    #[test]
    fn a_name_ends_with_its_colon() {
        for (text, name) in [
            (r#" "a" : 1"#, "a"),
            (r#""":"#, ""),
            (r#""a\u0062":"#, "ab"),
            (r#""a\"b":"#, "a\"b"),
            ("\"はる\":", "はる"),
        ] {
            let mut cursor = Cursor::new(text);
            assert_eq!(&*cursor.name().unwrap(), name.as_bytes(), "{text}");
            let rest = cursor.at;
            let mut cursor = Cursor::new(text);
            // Spelt otherwise it is not taken.
            assert_eq!(cursor.take_name(name), !text.contains('\\'), "{text}");
            assert_eq!(cursor.at, if text.contains('\\') { 0 } else { rest }, "{text}");
        }
        assert_eq!(Cursor::new(r#""\ud800x":"#).name().unwrap().last(), Some(&b'x'));
        for odd in ["", "a:", "\"a\nb\":", "\"\\n\n\":", "\"a", "\"a\"", "\"a\",", "\"a\\", r#""\x":"#, "7:"] {
            assert!(Cursor::new(odd).name().is_err(), "{odd}");
            assert!(!Cursor::new(odd).take_name("a"), "{odd}");
        }
        assert!(!Cursor::new(r#""ab":"#).take_name("a"));
        assert!(!Cursor::new(r#""a":"#).take_name("ab"));
    }
}
