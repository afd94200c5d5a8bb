//! Where a value comes from: a flag, else the environment, else the file, else what is built in.
//!
//! A variable of the environment has the setting's name, with RAIDCAST_ before it; one that is empty sets nothing. Lists
//! stand in it with commas between them.

use std::ffi::OsString;
use std::path::PathBuf;

use super::error::ConfigError;
use super::file::File;
use super::limit::at_least;
use super::lines::Lines;
use super::source::{Source, Sources};

/// The file that is read if none is named, where it is there.
const FILE: &str = "raidcast.toml";

/// The variable that sets a setting.
fn variable(name: &str) -> String {
    format!("RAIDCAST_{}", name.to_ascii_uppercase())
}

/// The environment and the file, in their order.
pub(super) struct Layers<'a> {
    environment: &'a dyn Fn(&str) -> Option<OsString>,
    pub(super) sources: Sources,
    lines: Lines,
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
        let (read, lines) = File::read(&file, required)?;
        let sources = Sources::of_file(file);
        Ok((Self { environment, sources, lines }, read))
    }

    /// An error in the file, at a path like `keys.bot.scopes`.
    pub(super) fn in_file(&self, path: &str, why: String) -> ConfigError {
        ConfigError::File { path: self.sources.file.clone(), line: self.lines.at(path), why }
    }

    /// An error where a setting was set.
    pub(super) fn at(&self, name: &str, why: String) -> ConfigError {
        match self.sources.of(name) {
            Source::Environment(variable) => wrong(variable, &why),
            Source::Flag(flag) => ConfigError::Value(format!("{flag} is not what it must be: {why}")),
            _ => self.in_file(name, why),
        }
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
    ) -> Result<Option<T>, ConfigError> {
        let (value, source) = if let Some(value) = flag {
            (Some(value), Source::Flag(flag_of(name)))
        } else if let Some((variable, text)) = self.set(name) {
            let value = parse(&text).map_err(|why| wrong(&variable, &why))?;
            (Some(value), Source::Environment(variable))
        } else {
            let source = if file.is_some() { Source::File } else { Source::Default };
            (file, source)
        };
        self.sources.note(name, source);
        Ok(value)
    }

    /// A value that the file has as text, too.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        flag: Option<T>,
        file: Option<String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let is_before_the_file = flag.is_some() || self.set(name).is_some();
        let file = match file.filter(|_| !is_before_the_file) {
            Some(text) => Some(parse(&text).map_err(|why| self.in_file(name, why))?),
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
    ) -> Result<Vec<T>, ConfigError> {
        let flags = (!flags.is_empty()).then_some(flags);
        let is_before_the_file = flags.is_some() || self.set(name).is_some();
        let of_file = if file.is_empty() || is_before_the_file {
            None
        } else {
            let values = file
                .iter()
                .enumerate()
                .map(|(at, text)| parse(text).map_err(|why| self.in_file(&format!("{name}[{at}]"), why)));
            Some(values.collect::<Result<Vec<_>, _>>()?)
        };
        let several = |text: &str| text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(&parse).collect();
        Ok(self.parsed(name, flags, of_file, several)?.unwrap_or_default())
    }

    /// Text as it is.
    pub(super) fn text(
        &mut self,
        name: &str,
        flag: Option<String>,
        file: Option<String>,
    ) -> Result<Option<String>, ConfigError> {
        self.parsed(name, flag, file, |text| Ok(text.to_owned()))
    }

    /// Where something is.
    pub(super) fn path(
        &mut self,
        name: &str,
        flag: Option<PathBuf>,
        file: Option<PathBuf>,
    ) -> Result<Option<PathBuf>, ConfigError> {
        self.parsed(name, flag, file, |text| Ok(text.into()))
    }

    /// A number that is not too small.
    pub(super) fn number(
        &mut self,
        name: &str,
        flag: Option<u32>,
        file: Option<u32>,
        least: u32,
    ) -> Result<Option<u32>, ConfigError> {
        let number = self.parsed(name, flag, file, |text| {
            text.trim().parse().map_err(|_| format!("`{name}` must be a number of at least {least}"))
        })?;
        number.map(|number| at_least(name, least, number).map_err(|why| self.at(name, why))).transpose()
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
