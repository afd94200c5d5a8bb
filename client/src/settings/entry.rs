//! The entries of the settings file: their names, and what kind of value stands in each.
//!
//! One invariant: these are the fields of `SettingsFile`, each once (a test of `file.rs` reads a file of all of them).

/// An entry of the settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The relay's address.
    Relay,
    /// The key that the relay knows the user by.
    Key,
    /// The meter's database.
    Db,
    /// Who may find and see raids.
    Visibility,
    /// Who may find and see their reports.
    ReportVisibility,
    /// Which names those see who are no members.
    Names,
    /// How far behind those see a raid who are no members.
    Delay,
    /// Folder of the meter's name files.
    MeterData,
    /// Authorities that vouch for the relay.
    Ca,
}

/// What kind of value an entry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Any text.
    Text,
    /// A path of a file or a folder.
    Path,
    /// A whole number.
    Number,
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl Entry {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Relay,
        Self::Key,
        Self::Db,
        Self::Visibility,
        Self::ReportVisibility,
        Self::Names,
        Self::Delay,
        Self::MeterData,
        Self::Ca,
    ];

    /// What it is called in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Key => "key",
            Self::Db => "db",
            Self::Visibility => "visibility",
            Self::ReportVisibility => "report_visibility",
            Self::Names => "names",
            Self::Delay => "delay",
            Self::MeterData => "meter_data",
            Self::Ca => "ca",
        }
    }

    /// What stands in it.
    pub fn holds(self) -> Holds {
        match self {
            Self::Relay | Self::Key => Holds::Text,
            Self::Db | Self::MeterData | Self::Ca => Holds::Path,
            Self::Visibility => Holds::Choice(&["public", "unlisted", "private"]),
            Self::ReportVisibility => Holds::Choice(&["live", "public", "unlisted", "private"]),
            Self::Names => Holds::Choice(&["full", "class", "hidden"]),
            Self::Delay => Holds::Number,
        }
    }
}
