//! How many descriptors the process has, and how they are shared out.

use crate::limits::{FILES_KEPT, SOCKETS_MAX, UPLINKS_KEPT};

/// Sockets at once, and how many of them only uplinks get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sockets {
    /// All.
    pub most: usize,
    /// Kept for uplinks.
    pub for_uplinks: usize,
}

impl Sockets {
    /// What a process with so many descriptors opens: some are kept for files, whatever the limit, and so many for
    /// downloads.
    pub fn of(descriptors: Option<u64>, downloads: usize) -> Self {
        let descriptors = descriptors.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let most = descriptors.saturating_sub(FILES_KEPT + downloads).clamp(8, SOCKETS_MAX);
        Self { most, for_uplinks: UPLINKS_KEPT.min(most / 4) }
    }
}

/// Takes as many descriptors as the system gives without being asked twice, and tells how many that is; `None` where
/// there is no limit.
#[cfg(unix)]
pub fn raise() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let held = getrlimit(Resource::Nofile);
    if held.current == held.maximum {
        return held.current;
    }
    let all = Rlimit { current: held.maximum, maximum: held.maximum };
    match setrlimit(Resource::Nofile, all) {
        Ok(()) => held.maximum,
        Err(error) => {
            tracing::debug!(%error, "the limit of open files stays as it is");
            held.current
        }
    }
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub fn raise() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_uplinks_keep_their_descriptors_however_few_there_are() {
        assert_eq!(Sockets::of(Some(1_024), 0), Sockets { most: 960, for_uplinks: 128 });
        assert_eq!(Sockets::of(Some(1_024), 32).most, 928);
        assert_eq!(Sockets::of(None, 32).most, SOCKETS_MAX);
        for few in [0, 64, 100, 256] {
            let sockets = Sockets::of(Some(few), 32);
            assert!(sockets.most >= 8 && sockets.for_uplinks >= 2 && sockets.for_uplinks < sockets.most);
        }
    }
}
