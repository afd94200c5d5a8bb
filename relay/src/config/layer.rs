//! Where a value comes from: a flag, else the environment, else the file, else what is built in.
//!
//! A variable of the environment has the setting's name, with RAIDCAST_ before it; one that is empty sets nothing. Lists
//! stand in it with commas between them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use super::error::ConfigError;
use super::file::{File, Read};
use super::limit::at_least;
use super::lines::Lines;
use super::source::{Source, Sources};

/// The file that is read if none is named, where it is there.
const FILE: &str = "raidcast.toml";

/// The variable that sets a setting.
fn variable(name: &str) -> String {
    format!("RAIDCAST_{}", name.to_ascii_uppercase())
}

/// The environment and the file, in their order; and all that is wrong in them: what cannot be used is as if it were not
/// set, so that the rest is looked at, too.
pub(super) struct Layers<'a> {
    environment: &'a dyn Fn(&str) -> Option<OsString>,
    pub(super) sources: Sources,
    lines: Lines,
    wrong: Vec<ConfigError>,
    /// Settings of which something is wrong, by the names at the top of the file.
    refused: BTreeSet<String>,
}

impl<'a> Layers<'a> {
    /// With the file that is named, or the one that is there.
    pub(super) fn of(
        flag: Option<PathBuf>,
        environment: &'a dyn Fn(&str) -> Option<OsString>,
    ) -> Result<(Self, File), ConfigError> {
        let named = flag.or_else(|| environment("RAIDCAST_CONFIG").filter(|set| !set.is_empty()).map(PathBuf::from));
        let required = named.is_some();
        let file = named.unwrap_or_else(|| FILE.into());
        let Read { file: read, lines, refused } = File::read(&file, required)?;
        let sources = Sources::of_file(file);
        let mut layers = Self { environment, sources, lines, wrong: Vec::new(), refused: BTreeSet::new() };
        for (path, error) in refused {
            layers.refuse(&path, error);
        }
        Ok((layers, read))
    }

    /// What set each value.
    ///
    /// # Errors
    /// All that is wrong.
    pub(super) fn end(self) -> Result<Sources, ConfigError> {
        ConfigError::of_all(self.wrong).map_or(Ok(self.sources), Err)
    }

    fn refuse(&mut self, path: &str, error: ConfigError) {
        let name = path.split(['.', '[']).next().unwrap_or(path);
        self.refused.insert(name.to_owned());
        self.wrong.push(error);
    }

    /// Whether something of a setting is wrong: what follows of it is not wrong by itself.
    pub(super) fn is_refused(&self, name: &str) -> bool {
        self.refused.contains(name)
    }

    /// Something is wrong in the file, at a path like `keys.bot.scopes`.
    pub(super) fn refuse_in_file(&mut self, path: &str, why: String) {
        let error = ConfigError::File { path: self.sources.file.clone(), line: self.lines.at(path), why };
        self.refuse(path, error);
    }

    /// Something is wrong where a setting was set.
    pub(super) fn refuse_at(&mut self, name: &str, why: String) {
        let error = match self.sources.of(name) {
            Source::Environment(variable) => wrong(variable, &why),
            Source::Flag(flag) => ConfigError::Value(format!("{flag} is not what it must be: {why}")),
            _ => return self.refuse_in_file(name, why),
        };
        self.refuse(name, error);
    }

    fn set(&self, name: &str) -> Option<(String, String)> {
        let variable = variable(name);
        let set = (self.environment)(&variable).filter(|set| !set.is_empty())?;
        // What is no text is no good value either.
        Some((variable, set.to_string_lossy().into_owned()))
    }

    /// A value that a flag and the file have as it is, and the environment as text.
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        flag: Option<T>,
        file: Option<T>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (value, source) = if let Some(value) = flag {
            (Some(value), Source::Flag(flag_of(name)))
        } else if let Some((variable, text)) = self.set(name) {
            let value = match parse(&text) {
                Ok(value) => Some(value),
                Err(why) => {
                    self.refuse(name, wrong(&variable, &why));
                    None
                }
            };
            (value, Source::Environment(variable))
        } else {
            let source = if file.is_some() { Source::File } else { Source::Default };
            (file, source)
        };
        self.sources.note(name, source);
        value
    }

    /// A value that the file has as text, too.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        flag: Option<T>,
        file: Option<String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let is_before_the_file = flag.is_some() || self.set(name).is_some();
        let file = match file.filter(|_| !is_before_the_file).map(|text| parse(&text)) {
            Some(Ok(value)) => Some(value),
            Some(Err(why)) => {
                self.refuse_in_file(name, why);
                None
            }
            None => None,
        };
        self.parsed(name, flag, file, parse)
    }

    /// Several values.
    pub(super) fn listed<T>(
        &mut self,
        name: &str,
        flags: Vec<T>,
        file: &[String],
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let flags = (!flags.is_empty()).then_some(flags);
        let is_before_the_file = flags.is_some() || self.set(name).is_some();
        let mut of_file = None;
        if !file.is_empty() && !is_before_the_file {
            let mut values = Vec::new();
            for (at, text) in file.iter().enumerate() {
                match parse(text) {
                    Ok(value) => values.push(value),
                    Err(why) => self.refuse_in_file(&format!("{name}[{at}]"), why),
                }
            }
            of_file = Some(values);
        }
        let several = |text: &str| {
            let (mut values, mut whys) = (Vec::new(), Vec::new());
            for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                match parse(part) {
                    Ok(value) => values.push(value),
                    Err(why) => whys.push(why),
                }
            }
            if whys.is_empty() { Ok(values) } else { Err(whys.join("; ")) }
        };
        self.parsed(name, flags, of_file, several).unwrap_or_default()
    }

    /// Text as it is.
    pub(super) fn text(&mut self, name: &str, flag: Option<String>, file: Option<String>) -> Option<String> {
        self.parsed(name, flag, file, |text| Ok(text.to_owned()))
    }

    /// Where something is.
    pub(super) fn path(&mut self, name: &str, flag: Option<PathBuf>, file: Option<PathBuf>) -> Option<PathBuf> {
        self.parsed(name, flag, file, |text| Ok(text.into()))
    }

    /// A number that is not too small.
    pub(super) fn number(&mut self, name: &str, flag: Option<u32>, file: Option<u32>, least: u32) -> Option<u32> {
        let number = self.parsed(name, flag, file, |text| {
            text.trim().parse().map_err(|_| format!("`{name}` must be a number of at least {least}"))
        })?;
        match at_least(name, least, number) {
            Ok(number) => Some(number),
            Err(why) => {
                self.refuse_at(name, why);
                None
            }
        }
    }
}

fn wrong(variable: &str, why: &str) -> ConfigError {
    ConfigError::Value(format!("the environment variable {variable} is not what it must be: {why}"))
}

/// The flag that sets a setting.
fn flag_of(name: &str) -> String {
    let name = if name == "trusted_proxies" { "trusted_proxy" } else { name };
    format!("--{}", name.replace('_', "-"))
}
