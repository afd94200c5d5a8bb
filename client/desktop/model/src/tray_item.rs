//! The entries of the tray's menu.

/// An entry of the tray's menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemId {
    /// Shows the window.
    Open,
    /// Copies the raid's link.
    CopyLink,
    /// Opens the raid's page.
    OpenPage,
    /// Sends nothing, or goes on.
    Pause,
    /// Shows this raid to those alone who have its link.
    Private,
    /// Ends the app.
    Quit,
}

impl ItemId {
    /// All of them, as they stand in the menu.
    pub const ALL: [Self; 6] = [Self::Open, Self::CopyLink, Self::OpenPage, Self::Pause, Self::Private, Self::Quit];
}
