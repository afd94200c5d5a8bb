//! What is said to people: what happened, and what to do.
//!
//! One invariant: both are whole sentences.

use raidcast_shared::text::clean;

/// Words of others that are shown, characters.
const QUOTED_MAX: usize = 500;

/// What happened, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What happened, and what of it is not lost.
    pub sentence: String,
    /// What to do; `None` where nothing is to be done, or nothing helps but to wait.
    pub remedy: Option<String>,
}

impl Said {
    /// What happened, where nothing is to be done.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), remedy: None }
    }

    /// And what to do.
    pub fn and(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    /// And what to do, if that is not known already.
    pub fn and_if(self, needed: bool, remedy: impl Into<String>) -> Self {
        if needed { self.and(remedy) } else { self }
    }

    /// And what else is so. What is to be done about the first comes first, and is enough for now.
    pub fn beside(self, other: Self) -> Self {
        let space = if self.sentence.ends_with(WIDE) { "" } else { " " };
        let sentence = format!("{}{space}{}", self.sentence, other.sentence);
        Self { sentence, remedy: self.remedy.or(other.remedy) }
    }

    /// Both as one text.
    pub fn text(&self) -> String {
        let Some(remedy) = &self.remedy else { return self.sentence.clone() };
        let space = if self.sentence.ends_with(WIDE) { "" } else { " " };
        format!("{}{space}{remedy}", self.sentence)
    }
}

/// Ends of sentences behind which no space stands.
const WIDE: [char; 4] = ['。', '！', '？', '）'];

/// Words of a relay, a system or another program: data, which is shown as it is but for signs that move a cursor.
pub(crate) fn quoted(text: &str) -> String {
    clean(text.trim(), QUOTED_MAX)
}

/// Words of others with `stop` behind them, if they do not end a sentence already.
pub(crate) fn ended(text: &str, stop: char) -> String {
    let text = quoted(text);
    if text.is_empty() || text.ends_with(['.', '!', '?', '…', ')']) || text.ends_with(WIDE) {
        return text;
    }
    format!("{text}{stop}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_and_what_to_do_are_one_text_and_others_words_are_cleaned() {
        assert_eq!(Said::new("It broke.").text(), "It broke.");
        assert_eq!(Said::new("It broke.").and("Mend it.").text(), "It broke. Mend it.");
        assert_eq!(Said::new("坏了。").and("请修好它。").text(), "坏了。请修好它。");
        let both = Said::new("It is live.").beside(Said::new("It is seen.").and("Hide it."));
        assert_eq!(both.text(), "It is live. It is seen. Hide it.");
        let both = Said::new("坏了。").and("请修好它。").beside(Said::new("别人看得到。").and("请隐藏。"));
        assert_eq!(both.text(), "坏了。别人看得到。请修好它。");
        assert_eq!(Said::new("It broke.").and_if(false, "Mend it."), Said::new("It broke."));
        assert_eq!([ended(" no\u{1b}[2J such key ", '.'), ended("gone!", '.')], ["no[2J such key.", "gone!"]);
        assert_eq!([ended("没有", '。'), ended("没有。", '。'), ended("", '.')], ["没有。", "没有。", ""]);
        assert_eq!(quoted(&"x".repeat(9_000)).len(), QUOTED_MAX);
    }
}
