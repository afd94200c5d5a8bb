//! Versions of the app: which of two is newer.

use std::cmp::Ordering;
use std::fmt;

/// A version, like `1.2.3` or `1.2.3-beta.1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    numbers: [u64; 3],
    /// What stands behind a `-`: a try at the version, older than the version itself.
    attempt: Option<String>,
}

impl Version {
    /// As text has it, also with a `v` before it. What stands behind a `+` names a build, and is left out.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let (numbers, attempt) = match text.split_once('-') {
            Some((numbers, attempt)) => (numbers, Some(attempt)),
            None => (text, None),
        };
        let is_plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-');
        if attempt.is_some_and(|attempt| attempt.is_empty() || !attempt.chars().all(is_plain)) {
            return None;
        }
        let mut parts = numbers.split('.').map(|part| {
            let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u64>().ok().filter(|_| is_number)
        });
        let numbers = [parts.next()??, parts.next()??, parts.next()??];
        if parts.next().is_some() {
            return None;
        }
        Some(Self { numbers, attempt: attempt.map(str::to_owned) })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        match &self.attempt {
            Some(attempt) => write!(f, "-{attempt}"),
            None => Ok(()),
        }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_attempt = || match (&self.attempt, &other.attempt) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(one), Some(two)) => compare_attempts(one, two),
        };
        self.numbers.cmp(&other.numbers).then_with(by_attempt)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Part by part: numbers by their size, and before words.
fn compare_attempts(one: &str, two: &str) -> Ordering {
    let (mut of_one, mut of_two) = (one.split('.'), two.split('.'));
    loop {
        let order = match (of_one.next(), of_two.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(part), Some(other)) => match (part.parse::<u64>(), other.parse::<u64>()) {
                (Ok(number), Ok(other)) => number.cmp(&other),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => part.cmp(other),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_their_order_and_what_is_none_is_none() {
        let told = ["0.9.10", "1.0.0-beta.2", "1.0.0-beta.10", "1.0.0-rc", "1.0.0", "1.0.1", "1.1.0", "10.0.0"];
        let versions: Vec<_> = told.iter().map(|text| Version::parse(text).unwrap()).collect();
        assert!(versions.is_sorted(), "{versions:?}");
        assert_eq!(versions.iter().map(ToString::to_string).collect::<Vec<_>>(), told);
        assert_eq!(Version::parse(" v1.2.3+build.7 "), Version::parse("1.2.3"));
        for text in
            ["", "1", "1.2", "1.2.3.4", "1.2.x", "1..3", "1.2.3-", "1.2.3-ü", "+1.2.3", "1.2.99999999999999999999"]
        {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
