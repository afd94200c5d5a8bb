//! Single values: what each may be, and what is said of one that is something else.
//!
//! One invariant: a number that is taken is exactly the one that was sent.

use std::ops::RangeInclusive;

use raidcast_shared::text::clean;

use super::fault::Faults;
use super::object::Object;
use crate::json::Text;
use crate::limits::GOT_CHARS_MAX;

/// The largest whole number up to which every one can be said with a fraction or an exponent.
const EXACT_MAX: f64 = (1_u64 << 53) as f64;

impl<const N: usize> Object<'_, '_, N> {
    /// Says so where nothing or null stands.
    pub(super) fn need(&self, name: &'static str, faults: &mut Faults) {
        if self.value(name).is_none() {
            faults.add(&self.path.field(name), "is missing");
        }
    }

    /// A whole number.
    pub(super) fn integer(&self, name: &'static str, range: RangeInclusive<i64>, faults: &mut Faults) -> Option<i64> {
        let text = self.value(name)?.get();
        let number = whole(text).filter(|number| range.contains(number));
        if number.is_none() {
            let (low, high) = (range.start(), range.end());
            self.refuse(name, &format!("must be a whole number from {low} to {high}"), text, faults);
        }
        number
    }

    /// A whole number of 64 bits, which may be sent as text: JavaScript has no other way to send all of them. With
    /// whether it was.
    pub(super) fn id(&self, name: &'static str, faults: &mut Faults) -> Option<(i64, Option<String>)> {
        let text = self.value(name)?.get();
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
        self.integer(name, 0..=raidcast_shared::limits::AMOUNT_MAX.cast_signed(), faults)
    }

    /// A number, with or without a fraction; `what`: what it must be.
    pub(super) fn fraction(
        &self,
        name: &'static str,
        range: RangeInclusive<f64>,
        what: &str,
        faults: &mut Faults,
    ) -> Option<f64> {
        let text = self.value(name)?.get();
        let number = number(text).filter(|number| range.contains(number));
        if number.is_none() {
            self.refuse(name, what, text, faults);
        }
        number
    }

    /// True or false, or 1 or 0 for them.
    pub(super) fn truth(&self, name: &'static str, faults: &mut Faults) -> Option<bool> {
        let text = self.value(name)?.get();
        match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => {
                self.refuse(name, "must be true or false", text, faults);
                None
            }
        }
    }

    /// Text fit to be shown; `None` where nothing is left of it.
    pub(super) fn text(&self, name: &'static str, chars_max: usize, faults: &mut Faults) -> Option<String> {
        let value = self.value(name)?.get();
        let text: Option<Text> = serde_json::from_str(value).ok();
        let Some(text) = text.and_then(|text| text.0) else {
            self.refuse(name, "must be text", value, faults);
            return None;
        };
        Some(clean(&text, chars_max)).filter(|text| !text.is_empty())
    }

    pub(super) fn refuse(&self, name: &'static str, what: &str, got: &str, faults: &mut Faults) {
        let shown = clean(got, GOT_CHARS_MAX);
        let more = if shown.len() < got.len() { "…" } else { "" };
        faults.add(&self.path.field(name), format_args!("{what}, got {shown}{more}"));
    }
}

fn number(text: &str) -> Option<f64> {
    // Text, lists and the like do not begin so.
    let is_number = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    text.parse().ok().filter(|number: &f64| is_number && number.is_finite())
}

/// A whole number, however it is spelt: 5, 5.0 and 5e0 are one.
fn whole(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| {
        let is_spelt_as_float = text.contains(['.', 'e', 'E']);
        let is_exact = |number: &f64| is_spelt_as_float && number.fract() == 0.0 && number.abs() <= EXACT_MAX;
        number(text).filter(is_exact).map(|number| number as i64)
    })
}
