//! One look for a meter's database. It is made on a thread of its own: what it looks at may be on a disk that does not
//! answer.

use std::path::PathBuf;
use std::sync::Arc;

use crate::source::detect::{self, Detection, Looked, Places};
use crate::source::names::Names;
use crate::source::{AnySource, Found, SourceError};

/// What is looked for.
pub(super) struct Question {
    /// The database that is named; `None`: the one that a meter wrote last.
    pub(super) db: Option<PathBuf>,
    /// Where meters keep theirs.
    pub(super) places: Places,
    /// It is looked for more of them.
    pub(super) rescan: bool,
    /// The folder of files of names that is named.
    pub(super) meter_data: Option<PathBuf>,
    /// The database that is read already.
    pub(super) watched: Option<Found>,
}

/// What a look has shown.
pub(super) struct Seen {
    /// Where meters keep theirs, as is known now.
    pub(super) places: Places,
    /// What was looked at.
    pub(super) looked: Vec<Looked>,
    /// The database, open, or why there is none; `None`: it is the one that is read already.
    pub(super) opened: Option<Result<(Found, AnySource), SourceError>>,
}

impl Question {
    /// Looks.
    pub(super) fn answer(self) -> Seen {
        let Self { db, mut places, rescan, meter_data, watched } = self;
        if rescan {
            places.rescan();
        }
        let Detection { looked, found } = detect::detect(db.as_deref(), &places);
        let opened = match found {
            Ok(found) if watched.as_ref() == Some(&found) => None,
            Ok(found) => {
                let names = Names::find(&found.path, meter_data.as_deref(), &places);
                Some(AnySource::open(&found, Arc::new(names)).map(|source| (found, source)))
            }
            Err(error) => Some(Err(error)),
        };
        Seen { places, looked, opened }
    }
}
