//! In which line of the configuration file something stands.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

/// Lines, from 1, by paths like `keys.bot.scopes[0]`.
#[derive(Debug, Default)]
pub(super) struct Lines(BTreeMap<String, usize>);

impl Lines {
    /// Of a file's text.
    ///
    /// # Errors
    /// The line, where it is known, in which it is no TOML.
    pub(super) fn of(text: &str) -> Result<Self, Option<usize>> {
        let table = DeTable::parse(text).map_err(|error| error.span().map(|span| line(text, span.start)))?;
        let mut lines = Self::default();
        lines.note_table(text, "", table.get_ref());
        Ok(lines)
    }

    /// The line of what has this path, or else of what it would stand in.
    pub(super) fn at(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return Some(*line);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }

    fn note_table(&mut self, text: &str, path: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let dot = if path.is_empty() { "" } else { "." };
            self.note(text, format!("{path}{dot}{}", name.get_ref()), name.span().start, value.get_ref());
        }
    }

    fn note(&mut self, text: &str, path: String, start: usize, value: &DeValue<'_>) {
        match value {
            DeValue::Table(table) => self.note_table(text, &path, table),
            DeValue::Array(values) => {
                for (at, value) in values.iter().enumerate() {
                    self.note(text, format!("{path}[{at}]"), value.span().start, value.get_ref());
                }
            }
            _ => {}
        }
        self.0.insert(path, line(text, start));
    }
}

/// The line of a byte; of the end, the last line.
fn line(text: &str, byte: usize) -> usize {
    let before = text.bytes().take(byte.min(text.len().saturating_sub(1)));
    1 + before.filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_its_line_and_what_is_missing_that_of_its_section() {
        let text =
            "listen = [\n  \"a\",\n  \"b\",\n]\n\n[keys.bot]\nkey = \"c\"\n[keys.\"a.b\"]\nscopes = [\"read\"]\n";
        let lines = Lines::of(text).unwrap();
        for (path, line) in [
            ("listen", Some(1)),
            ("listen[1]", Some(3)),
            ("keys.bot", Some(6)),
            ("keys.bot.key", Some(7)),
            ("keys.bot.account", Some(6)),
            ("keys.a.b", Some(8)),
            ("keys.a.b.scopes[0]", Some(9)),
            ("data", None),
        ] {
            assert_eq!(lines.at(path), line, "{path}");
        }
        for (text, line) in [("a = 1\nb = c\n", 2), ("a = 1\na = 2\n", 2), ("a = \"b\n", 1), ("a = \"\"\"b\n", 1)] {
            assert_eq!(Lines::of(text).unwrap_err(), Some(line), "{text}");
        }
    }
}
