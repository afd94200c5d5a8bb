//! What of a change is to be told at once, beside the window.

use raidcast_shared::uplink::Outcome;

/// What of a change is to be told at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// A fight that goes on is on the relay's page.
    pub began: Option<Began>,
    /// A fight that was live is over.
    pub ended: Option<Ended>,
    /// The list of fights differs.
    pub fights: bool,
}

/// A fight that goes on is on the relay's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Began {
    /// The raid, by its code.
    pub raid: String,
    /// Its boss or scene.
    pub fight: Option<String>,
    /// The raid's link; `None` where it has a ticket in it, which is for nobody's screen.
    pub link: Option<String>,
}

/// A fight that was live is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its boss or scene.
    pub fight: Option<String>,
    /// How it went.
    pub outcome: Outcome,
}
