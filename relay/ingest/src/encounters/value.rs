//! Single values: what each may be, and what is said of one that is something else.
//!
//! One invariant: a number that is taken is exactly the one that was sent.

use std::ops::RangeInclusive;

use raidcast_shared::limits::AMOUNT_MAX;
use raidcast_shared::text::clean;

use super::fault::{Faults, Path};
use super::object::Object;
use crate::json::Text;
use crate::limits::GOT_CHARS_MAX;

/// The largest whole number up to which every one can be said with a fraction or an exponent.
const FLOAT_MAX: i64 = 1 << 53;
/// What counts and amounts may be.
pub(super) const AMOUNTS: RangeInclusive<i64> = 0..=AMOUNT_MAX.cast_signed();

impl<T, const N: usize> Object<'_, '_, T, N> {
    /// Says so where nothing or null stands.
    pub(super) fn need(&self, name: &'static str, faults: &mut Faults) {
        if self.value(name).is_none() {
            faults.add(&self.path.field(name), "is missing");
        }
    }

    /// A whole number.
    pub(super) fn integer(&self, name: &'static str, range: RangeInclusive<i64>, faults: &mut Faults) -> Option<i64> {
        let text = self.value(name)?;
        let number = whole_in(text, &range);
        if number.is_none() {
            let (low, high) = (range.start(), range.end());
            self.refuse(name, &format!("must be a whole number from {low} to {high}"), text, faults);
        }
        number
    }

    /// A whole number of 64 bits, which may be sent as text: JavaScript has no other way to send all of them. With
    /// whether it was.
    pub(super) fn id(&self, name: &'static str, faults: &mut Faults) -> Option<(i64, Option<String>)> {
        let text = self.value(name)?;
        let digits =
            text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).filter(|text| !text.starts_with('+'));
        let found = match digits {
            Some(digits) => digits.parse().ok().map(|number| (number, Some(digits.to_owned()))),
            None => whole(text).map(|number| (number, None)),
        };
        if found.is_none() {
            self.refuse(name, "must be a whole number of 64 bits, or its digits as text", text, faults);
        }
        found
    }

    /// A count or an amount.
    pub(super) fn amount(&self, name: &'static str, faults: &mut Faults) -> Option<i64> {
        self.integer(name, AMOUNTS, faults)
    }

    /// A number, with or without a fraction; `what`: what it must be.
    pub(super) fn fraction(
        &self,
        name: &'static str,
        range: RangeInclusive<f64>,
        what: &str,
        faults: &mut Faults,
    ) -> Option<f64> {
        let text = self.value(name)?;
        let number = number(text).filter(|number| range.contains(number));
        if number.is_none() {
            self.refuse(name, what, text, faults);
        }
        number
    }

    /// True or false, or 1 or 0 for them.
    pub(super) fn truth(&self, name: &'static str, faults: &mut Faults) -> Option<bool> {
        let text = self.value(name)?;
        let truth = truth(text);
        if truth.is_none() {
            self.refuse(name, "must be true or false", text, faults);
        }
        truth
    }

    /// Text fit to be shown; `None` where nothing is left of it.
    pub(super) fn text(&self, name: &'static str, chars_max: usize, faults: &mut Faults) -> Option<String> {
        let value = self.value(name)?;
        let text: Option<Text> = serde_json::from_str(value).ok();
        let Some(text) = text.and_then(|text| text.0) else {
            self.refuse(name, "must be text", value, faults);
            return None;
        };
        Some(clean(&text, chars_max)).filter(|text| !text.trim().is_empty())
    }

    pub(super) fn refuse(&self, name: &'static str, what: &str, got: &str, faults: &mut Faults) {
        refuse(&self.path.field(name), what, got, faults);
    }
}

/// Says what must stand there, and what does.
pub(super) fn refuse(path: &Path<'_>, what: &str, got: &str, faults: &mut Faults) {
    let shown = clean(got, GOT_CHARS_MAX);
    let more = if shown.len() < got.len() { "…" } else { "" };
    faults.add(path, format_args!("{what}, got {shown}{more}"));
}

/// A whole number of a range.
pub(super) fn whole_in(text: &str, range: &RangeInclusive<i64>) -> Option<i64> {
    whole(text).filter(|number| range.contains(number))
}

/// True or false, or 1 or 0 for them.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<f64> {
    // Text, lists and the like do not begin so.
    let is_number = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    text.parse().ok().filter(|number: &f64| is_number && number.is_finite())
}

/// A whole number, however it is spelt: 5, 5.0 and 5e0 are one. By its digits, so that nothing is rounded; with a
/// fraction or an exponent up to [`FLOAT_MAX`].
fn whole(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number).filter(|_| !text.starts_with('+'));
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (sign, digits) = mantissa.strip_prefix('-').map_or((1, mantissa), |digits| (-1, digits));
    let (units, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let digits = format!("{units}{fraction}");
    if units.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_end_matches('0');
    let value: i64 = match significant.trim_start_matches('0') {
        "" => return Some(0),
        digits => digits.parse().ok()?,
    };
    let dropped = i64::try_from(digits.len() - significant.len()).ok()?;
    let zeros = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(dropped)?;
    let tens = 10_i64.checked_pow(u32::try_from(zeros).ok()?)?;
    value.checked_mul(tens).filter(|value| *value <= FLOAT_MAX).map(|value| sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_the_one_that_was_sent_or_none() {
        let most = i64::MAX.to_string();
        for (text, number) in [
            ("5", 5),
            ("-5", -5),
            ("5.0", 5),
            ("5e0", 5),
            ("-50.00E-1", -5),
            ("1.5e3", 1_500),
            ("0.0", 0),
            ("-0", 0),
            ("0e999999999999", 0),
            ("12e+2", 1_200),
            ("0.00012e5", 12),
            ("9007199254740992.0", 1 << 53),
            (&most, i64::MAX),
        ] {
            assert_eq!(whole(text), Some(number), "{text}");
        }
        for text in [
            "5.5",
            "9007199254740991.4",
            "9007199254740993.0",
            "1e16",
            "1e-1",
            "1e99999999999999999999",
            "1e9223372036854775807",
            "9223372036854775808",
            "\"5\"",
            "+5",
            ".5e1",
            "5e",
            "e5",
            "-",
            "",
            "true",
            "[1]",
            "1.2.3",
            "0x10",
        ] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
