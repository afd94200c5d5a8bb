//! Which part of a file is asked for.
//!
//! One part at a time: several are answered by the whole, as who asks must expect (RFC 9110, 14.2).

use axum::http::{HeaderMap, header};

/// Which part is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// So many bytes from there on, at least one.
    From {
        /// The first.
        first: u64,
        /// How many.
        length: u64,
    },
    /// What is asked for lies behind its end.
    None,
}

/// What these headers ask for, of a file of this name and so many bytes.
pub(super) fn part(headers: &HeaderMap, tag: &str, length: u64) -> Part {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(header::RANGE) else { return Part::Whole };
    // Who has the begin of another file gets all of this one. A time is too coarse to tell them apart.
    if headers.contains_key(header::IF_RANGE) && text(header::IF_RANGE) != Some(tag) {
        return Part::Whole;
    }
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Part::Whole;
    };
    let number = |text: &str| -> Option<u64> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // More than a number holds is behind every end.
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (first, last) = match (number(first), number(last)) {
        (None, Some(0)) => return Part::None,
        (None, Some(count)) if first.is_empty() => (length.saturating_sub(count), u64::MAX),
        (Some(first), Some(last)) if first <= last => (first, last),
        (Some(first), None) if last.is_empty() => (first, u64::MAX),
        _ => return Part::Whole,
    };
    if first >= length {
        return Part::None;
    }
    Part::From { first, length: last.min(length - 1) - first + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> Part {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        if let Some(if_range) = if_range {
            headers.insert(header::IF_RANGE, if_range.parse().unwrap());
        }
        part(&headers, "\"tag\"", 100)
    }

    #[test]
    fn one_part_is_sent_and_what_is_not_understood_is_answered_by_the_whole() {
        assert_eq!(part(&HeaderMap::new(), "\"tag\"", 100), Part::Whole);
        for (range, first, length) in [
            ("bytes=0-0", 0, 1),
            ("bytes=10-19", 10, 10),
            ("bytes=90-", 90, 10),
            ("bytes=90-999", 90, 10),
            ("bytes=90-99999999999999999999999", 90, 10),
            ("bytes=-5", 95, 5),
            ("bytes=-500", 0, 100),
        ] {
            assert_eq!(asked(range, None), Part::From { first, length }, "{range}");
        }
        for range in ["bytes=100-", "bytes=99999999999999999999999-", "bytes=-0"] {
            assert_eq!(asked(range, None), Part::None, "{range}");
        }
        for range in ["", "bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,5-6", "lines=0-1", "bytes=a-b", "bytes=+1-2"] {
            assert_eq!(asked(range, None), Part::Whole, "{range}");
        }
        assert_eq!(part(&[(header::RANGE, "bytes=0-".parse().unwrap())].into_iter().collect(), "", 0), Part::None);
    }

    #[test]
    fn who_has_a_part_of_another_file_gets_all_of_this_one() {
        assert_eq!(asked("bytes=10-19", Some("\"tag\"")), Part::From { first: 10, length: 10 });
        for other in ["\"other\"", "W/\"tag\"", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(asked("bytes=10-19", Some(other)), Part::Whole, "{other}");
        }
    }
}
