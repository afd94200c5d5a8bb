//! What test runners say in their summaries, added up.

use std::fmt;

/// Tests that passed, that failed and that were not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Those that passed.
    pub(crate) passed: u64,
    /// Those that did not.
    pub(crate) failed: u64,
    /// Those that were left out.
    pub(crate) skipped: u64,
}

impl Tally {
    /// Adds another.
    pub(crate) fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Adds what a line tells, if it is the summary of nextest, `cargo test`, vitest or the browser tests.
    pub(crate) fn hear(&mut self, line: &str) {
        let line = without_colours(line);
        let line = line.trim();
        let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let browser = words.len() == 4 && words[1] == "passed" && words[3] == "failed";
        let summary = line.contains(" run: ") && line.starts_with("Summary ");
        if !(summary || line.starts_with("test result: ") || line.starts_with("Tests ") || browser) {
            return;
        }
        for pair in words.windows(2) {
            match (pair[0].parse::<u64>(), pair[1]) {
                (Ok(count), "passed") => self.passed += count,
                (Ok(count), "failed" | "timed") => self.failed += count,
                (Ok(count), "skipped" | "ignored") => self.skipped += count,
                _ => {}
            }
        }
    }
}

/// A line without the escape sequences that colour it: some runners colour pipes too.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let plain = parts.next().unwrap_or_default().to_owned();
    parts.fold(plain, |plain, part| {
        plain + part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').get(1..).unwrap_or_default()
    })
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runners_summary_is_understood_and_nothing_else() {
        for (line, passed, failed, skipped) in [
            ("     Summary [  12.345s] 120 tests run: 118 passed (3 slow), 2 failed, 4 skipped", 118, 2, 4),
            ("     Summary [   0.010s] 3/9 tests run: 1 passed, 1 failed, 1 timed out, 0 skipped", 1, 2, 0),
            ("test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s", 5, 0, 1),
            ("      Tests  1 failed | 44 passed | 3 skipped (48)", 44, 1, 3),
            (
                "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m123 passed\u{1b}[39m\u{1b}[22m\u{1b}[90m (123)",
                123,
                0,
                0,
            ),
            (" Test Files  3 passed (3)", 0, 0, 0),
            ("12 passed, 1 failed\n", 12, 1, 0),
            ("   PASS [   0.005s] raidcast-shared tests::two_passed_and_3_failed", 0, 0, 0),
        ] {
            let mut tally = Tally::default();
            tally.hear(line);
            assert_eq!(tally, Tally { passed, failed, skipped }, "{line}");
        }
    }

    #[test]
    fn what_was_skipped_is_told_and_not_among_the_passed() {
        let mut tally = Tally { passed: 3, failed: 0, skipped: 0 };
        assert_eq!(tally.to_string(), "3 passed, 0 failed");
        tally.hear("     Summary [   0.010s] 4 tests run: 4 passed, 9 skipped");
        assert_eq!(tally.to_string(), "7 passed, 0 failed, 9 skipped");
    }
}
