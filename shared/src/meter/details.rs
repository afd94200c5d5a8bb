//! The JSON array of hits that a skill's row holds, and the new tail of it.
//!
//! Pure. The meter appends with `json_insert`, so the new text is the old one without its final `]`, then `,{…}]`.
//! Two spellings of an entry exist: long keys (0.15 and later) and `{t,v,c,l,h,s}` with 0 and 1 for truth.

use std::fmt;

use serde::de::{self, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// One hit or heal as the row holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// Unix ms.
    #[serde(alias = "t")]
    pub timestamp: Number,
    /// Since the encounter began; absent in the short spelling.
    pub ms_from_start: Number,
    /// What it came to.
    #[serde(alias = "damage", alias = "heal", alias = "v")]
    pub amount: Number,
    /// Whether it was critical.
    #[serde(alias = "c")]
    pub crit: Truth,
    /// Whether it was lucky.
    #[serde(alias = "l")]
    pub lucky: Truth,
    /// What a shield took of it.
    #[serde(alias = "s")]
    pub shield_loss: Number,
    /// Whether it reached a boss.
    pub is_boss: Truth,
}

/// A whole number; `None` for null, text and what is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Number(pub Option<i64>);

/// True, false, 1 or 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Truth(pub bool);

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, true, false, null or text")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        // Saturates, so that what is absurd stays absurd.
        Ok(Some(value as i64))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor).map(Self)
    }
}

impl<'de> Deserialize<'de> for Truth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor).map(|value| Self(value.is_some_and(|value| value != 0)))
    }
}

/// What a row's whole text holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Details {
    /// By index; `None` where an entry stands that cannot be read.
    pub entries: Vec<Option<Entry>>,
    /// Bytes before the final `]`, where the next tail begins; 0 if the text is not one that can be gone on from.
    pub end: u64,
}

/// Reads a whole text; of one that is no JSON as many entries as can be made out.
pub fn parse(text: &[u8]) -> Details {
    let (entries, is_whole) = fold(text, Vec::push);
    let end = if is_whole && text.ends_with(b"]") { text.len() as u64 - 1 } else { 0 };
    Details { entries, end }
}

/// Reads a whole text entry by entry, for who keeps less of each: what `take` made of them, and whether the text is
/// JSON. Of one that is not, as many entries as can be made out, `None` for each that cannot be read.
pub fn fold<T: Default>(text: &[u8], mut take: impl FnMut(&mut T, Option<Entry>)) -> (T, bool) {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let whole = deserializer.deserialize_seq(FoldVisitor { take: &mut take, held: T::default() });
    if let Ok(held) = whole.and_then(|held| deserializer.end().map(|()| held)) {
        return (held, true);
    }
    let mut held = T::default();
    pieces(text, |entry| take(&mut held, entry));
    (held, false)
}

struct FoldVisitor<'a, T, F> {
    take: &'a mut F,
    held: T,
}

impl<'de, T, F: FnMut(&mut T, Option<Entry>)> Visitor<'de> for FoldVisitor<'_, T, F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of hits")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<T, A::Error> {
        while let Some(entry) = list.next_element()? {
            (self.take)(&mut self.held, Some(entry));
        }
        Ok(self.held)
    }
}

/// Reads what was appended: `tail` begins with the last byte before the final `]` of the text read before.
///
/// `None` if it does not continue such a text with exactly `expected` entries: read the whole row then.
pub fn parse_tail(mut tail: Vec<u8>, expected: u64) -> Option<Vec<Entry>> {
    let body = match tail.as_mut_slice() {
        // The array was empty: the tail is all of it.
        [b'[', ..] => tail.as_slice(),
        [b'}', comma @ b',', ..] => {
            *comma = b'[';
            &tail[1..]
        }
        _ => return None,
    };
    if !body.ends_with(b"]") {
        return None;
    }
    let entries: Vec<Entry> = serde_json::from_slice(body).ok()?;
    (entries.len() as u64 == expected).then_some(entries)
}

/// Entries are flat objects without braces in strings, so each `{…}` is one. A last one that is cut off is none yet.
fn pieces(text: &[u8], mut take: impl FnMut(Option<Entry>)) {
    let mut rest = text;
    while let Some(open) = rest.iter().position(|byte| *byte == b'{') {
        let Some(length) = rest[open..].iter().position(|byte| *byte == b'}') else { break };
        take(serde_json::from_slice(&rest[open..=open + length]).ok());
        rest = &rest[open + length + 1..];
    }
}

/// One span of a buff, in Unix ms.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct BuffSpan {
    /// When it began.
    #[serde(default)]
    pub start: Number,
    /// When it ended.
    #[serde(default)]
    pub end: Number,
    /// How many there were of it.
    #[serde(default)]
    pub stack_count: Number,
    #[serde(default, rename = "duration")]
    _duration: IgnoredAny,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = r#"{"attempt_index":null,"crit":true,"damage":720,"hp_loss":700,"is_boss":true,"lucky":false,"ms_from_start":93,"shield_loss":20,"timestamp":1790000000093}"#;

    fn array(entries: &[&str]) -> Vec<u8> {
        format!("[{}]", entries.join(",")).into_bytes()
    }

    #[test]
    fn both_spellings_say_the_same() {
        let long = parse(&array(&[LONG])).entries[0].unwrap();
        assert_eq!(
            (long.timestamp.0, long.ms_from_start.0, long.amount.0),
            (Some(1_790_000_000_093), Some(93), Some(720))
        );
        assert_eq!((long.crit.0, long.lucky.0, long.is_boss.0, long.shield_loss.0), (true, false, true, Some(20)));
        let short = parse(br#"[{"t":1790000000093,"v":720,"c":1,"l":0,"h":700,"s":20}]"#).entries[0].unwrap();
        assert_eq!(
            (short.timestamp, short.amount, short.crit, short.lucky),
            (long.timestamp, long.amount, long.crit, long.lucky)
        );
        assert_eq!((short.ms_from_start.0, short.shield_loss.0), (None, Some(20)));
        let heal = parse(br#"[{"t":5,"v":7,"c":0,"l":1}]"#).entries[0].unwrap();
        assert_eq!((heal.amount.0, heal.crit.0, heal.lucky.0), (Some(7), false, true));
    }

    #[test]
    fn a_tail_goes_on_where_the_text_before_ended() {
        let (two, five) = (array(&[LONG; 2]), array(&[LONG; 5]));
        let end = usize::try_from(parse(&two).end).unwrap();
        // SQLite counts from 1: substr(text, end) begins one byte before.
        assert_eq!(parse_tail(five[end - 1..].to_vec(), 3).unwrap().len(), 3);
        assert_eq!(parse_tail(five[end - 1..].to_vec(), 4), None);
        assert_eq!(parse_tail(five[end - 2..].to_vec(), 3), None);
        assert_eq!(parse_tail(five[end - 1..five.len() - 1].to_vec(), 3), None);
        assert_eq!(parse_tail(Vec::new(), 0), None);
        // From an empty array on.
        let end = usize::try_from(parse(b"[]").end).unwrap();
        assert_eq!(parse_tail(two[end - 1..].to_vec(), 2).unwrap().len(), 2);
    }

    #[test]
    fn of_damaged_text_the_rest_is_read_at_its_index() {
        let damaged = parse(&array(&[LONG, r#"{"damage":"x"}"#, r#"{"damage":,}"#, LONG]));
        let readable: Vec<_> = damaged.entries.iter().map(Option::is_some).collect();
        assert_eq!((readable, damaged.end), (vec![true, true, false, true], 0));
        assert_eq!(damaged.entries[1].unwrap().amount.0, None);
        let whole = array(&[LONG; 3]);
        let cut = parse(&whole[..whole.len() - 10]);
        assert_eq!((cut.entries.len(), cut.end), (2, 0));
        assert_eq!(parse(b"").entries.len(), 0);
        assert_eq!(parse(b"[]"), Details { entries: vec![], end: 1 });
    }

    #[test]
    fn absurd_numbers_stay_absurd() {
        let entry = |value: &str| parse(format!(r#"[{{"damage":{value}}}]"#).as_bytes()).entries[0].unwrap().amount.0;
        assert_eq!(entry("18446744073709551615"), Some(i64::MAX));
        assert_eq!(entry("1e300"), Some(i64::MAX));
        assert_eq!(entry("-5"), Some(-5));
        assert_eq!(entry("null"), None);
    }
}
