//! In which language is spoken.

use crate::view::LanguageChoice;

/// A language that the app speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese, in simplified signs.
    Chinese,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The one that was chosen, else that of the system, as it calls it: `zh-CN`, `de_DE.UTF-8`.
    pub fn of(choice: LanguageChoice, system: Option<&str>) -> Self {
        match choice {
            LanguageChoice::En => Self::English,
            LanguageChoice::Zh => Self::Chinese,
            LanguageChoice::System => {
                let named = system.unwrap_or_default().trim().to_ascii_lowercase();
                let name = named.split(['-', '_', '.', '@']).next().unwrap_or_default();
                if name == "zh" { Self::Chinese } else { Self::English }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_counts_more_than_the_system_and_what_is_not_spoken_is_english() {
        for (choice, system, expected) in [
            (LanguageChoice::System, Some("zh-CN"), Language::Chinese),
            (LanguageChoice::System, Some("zh_CN.UTF-8"), Language::Chinese),
            (LanguageChoice::System, Some("ZH"), Language::Chinese),
            (LanguageChoice::System, Some("zha"), Language::English),
            (LanguageChoice::System, Some("de-DE"), Language::English),
            (LanguageChoice::System, None, Language::English),
            (LanguageChoice::En, Some("zh-CN"), Language::English),
            (LanguageChoice::Zh, Some("en-GB"), Language::Chinese),
        ] {
            assert_eq!(Language::of(choice, system), expected, "{system:?}");
        }
    }
}
