//! What was copied. On some systems a text is there only as long as whoever copied it, so this lives as long as the app.

use std::sync::{Mutex, PoisonError};

use arboard::Clipboard;

/// The clipboard, from the first text on.
#[derive(Default)]
pub(crate) struct Clip(Mutex<Option<Clipboard>>);

impl Clip {
    /// Puts a text there. It may wait for the display.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn put(&self, text: String) -> Result<(), String> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has lost its display is made anew by the next text.
        let mut clipboard = match held.take() {
            Some(clipboard) => clipboard,
            None => Clipboard::new().map_err(|error| error.to_string())?,
        };
        clipboard.set_text(text).map_err(|error| error.to_string())?;
        *held = Some(clipboard);
        Ok(())
    }
}
