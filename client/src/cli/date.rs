//! Unix milliseconds to dates and back, in UTC: enough to say when a fight was, and since when fights are wanted.

use std::time::Duration;

const DAY_MS: i64 = 86_400_000;

/// `2026-11-01 20:15 UTC`.
pub(super) fn shown(unix_ms: i64) -> String {
    let (year, month, day) = civil(unix_ms.div_euclid(DAY_MS));
    let minutes = unix_ms.rem_euclid(DAY_MS) / 60_000;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

/// `5:02`, or `1:05:02` from an hour on.
pub(super) fn length(ms: u32) -> String {
    let seconds = ms / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A point in time as a user gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// Unix ms.
    At(i64),
    /// So long ago.
    Ago(Duration),
}

impl Since {
    /// A date (`2026-11-01`), a date and time (`2026-11-01T20:15`, seconds and `Z` if wanted; all UTC), or how long
    /// ago (`7d`, `12h`, `30m`, `2w`); also `2026/11/01`, `7D` and `7 d`.
    ///
    /// # Errors
    /// Says what would have been understood.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            "give a date (2026-11-01 or 2026/11/01) or a date and time (2026-11-01T20:15), both in UTC, or how long ago (1w, 7d, \
             12h, 30m)"
                .to_owned()
        };
        let text = text.trim();
        if let Some(ago) = ago(text) {
            return Ok(Self::Ago(ago));
        }
        at(text).map(Self::At).ok_or_else(wrong)
    }

    /// Unix ms, given the present time.
    pub(super) fn unix_ms(self, now_ms: i64) -> i64 {
        match self {
            Self::At(unix_ms) => unix_ms,
            Self::Ago(ago) => now_ms.saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)),
        }
    }
}

fn ago(text: &str) -> Option<Duration> {
    let unit_at = text.char_indices().next_back()?.0;
    let (count, unit) = text.split_at(unit_at);
    let (count, unit) = (count.trim_end(), unit.to_ascii_lowercase());
    if count.is_empty() {
        return None;
    }
    let seconds = match unit.as_str() {
        "w" => 7 * 86_400,
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return None,
    };
    // As many as a hundred years: beyond it a slip of the hand.
    let count: u64 = number(count)?.into();
    count.checked_mul(seconds).filter(|seconds| *seconds <= 100 * 366 * 86_400).map(Duration::from_secs)
}

fn at(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time.trim_end_matches(['Z', 'z']))),
        None => (text, None),
    };
    let mut parts = date.split(['-', '/']);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    let wanted = (i64::from(number(year)?), number(month)?, number(day)?);
    let days = days_of(wanted);
    // The 30th of February is none.
    if !(1..=12).contains(&wanted.1) || civil(days) != wanted {
        return None;
    }
    let seconds = match time {
        None => 0,
        Some(time) => {
            let mut parts = time.split(':').map(number);
            let (hours, minutes) = (parts.next()??, parts.next()??);
            let seconds = parts.next().unwrap_or(Some(0))?;
            if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 59 {
                return None;
            }
            hours * 3600 + minutes * 60 + seconds
        }
    };
    Some(days * DAY_MS + i64::from(seconds) * 1000)
}

/// Digits alone: `parse` would take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Year, month and day of a day since 1970 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day since 1970 of a date: `civil` the other way.
fn days_of((year, month, day): (i64, u32, u32)) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let day_of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        for days in -200_000..200_000 {
            assert_eq!(days_of(civil(days)), days);
        }
        assert_eq!(shown(1_790_000_000_000), "2026-09-21 14:13 UTC");
        assert_eq!(shown(0), "1970-01-01 00:00 UTC");
        assert_eq!((length(302_999).as_str(), length(3_902_000).as_str()), ("5:02", "1:05:02"));
    }

    #[test]
    fn dates_and_spans_are_taken_as_people_write_them() {
        for (as_written, plain) in [
            ("2026/11/01", "2026-11-01"),
            ("7D", "7d"),
            ("7 d", "7d"),
            ("1w", "7d"),
            (" 2026/11/01 20:15 ", "2026-11-01T20:15"),
        ] {
            assert_eq!(Since::parse(as_written), Since::parse(plain), "{as_written}");
        }
    }

    #[test]
    fn a_time_is_a_date_a_date_and_time_or_a_span() {
        let at = |text: &str| Since::parse(text).map(|since| since.unix_ms(1_000_000_000_000));
        assert_eq!(at("2026-09-21"), Ok(1_789_948_800_000));
        for text in ["2026-09-21T14:13:20", "2026-09-21 14:13:20", "2026-09-21T14:13:20Z"] {
            assert_eq!(at(text), Ok(1_790_000_000_000), "{text}");
        }
        assert_eq!(at("2026-09-21T14:13"), Ok(1_789_999_980_000));
        assert_eq!(at("7d"), Ok(1_000_000_000_000 - 7 * DAY_MS));
        assert_eq!(at("12h"), Ok(1_000_000_000_000 - DAY_MS / 2));
        for text in
            ["", "d", "7", "-7d", "7x", "2026-02-30", "2026-13-01", "26-01-01", "2026-01-01T24:00", "é", "9999999w"]
        {
            assert!(at(text).unwrap_err().contains("7d"), "{text}");
        }
    }
}
