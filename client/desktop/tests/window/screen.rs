//! The display of a stage: which windows there are and were, and what was copied.

use std::collections::HashMap;

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, MapState,
    Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::stage::Stage;
use crate::wait::until;

/// Smaller windows are none that somebody would see: toolkits have some for themselves.
const SEEN_PX: u16 = 50;

fn is_seen((width, height): (u16, u16)) -> bool {
    width >= SEEN_PX && height >= SEEN_PX
}

/// The display of a stage.
pub(crate) struct Screen {
    x: RustConnection,
    root: Window,
    /// How large windows are that were made since.
    sizes: HashMap<Window, (u16, u16)>,
    /// How often one was shown.
    shown: usize,
    /// How often one asked to be made small.
    made_small: usize,
}

impl Screen {
    /// Looks at it from now on.
    pub(crate) fn of(stage: &Stage) -> Self {
        let (x, screen) = x11rb::connect(Some(stage.display())).unwrap();
        let root = x.setup().roots[screen].root;
        let events = ChangeWindowAttributesAux::new().event_mask(EventMask::SUBSTRUCTURE_NOTIFY);
        x.change_window_attributes(root, &events).unwrap().check().unwrap();
        Self { x, root, sizes: HashMap::new(), shown: 0, made_small: 0 }
    }

    fn atom(&self, name: &str) -> u32 {
        self.x.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
    }

    /// Takes in what has happened.
    fn hear(&mut self) {
        // All that was sent before this answer has come by then.
        let change_state = self.atom("WM_CHANGE_STATE");
        while let Some(event) = self.x.poll_for_event().unwrap() {
            match event {
                // A window may be gone again by now: its size is as it was told.
                Event::CreateNotify(made) => {
                    self.sizes.insert(made.window, (made.width, made.height));
                }
                Event::ConfigureNotify(turned) => {
                    self.sizes.insert(turned.window, (turned.width, turned.height));
                }
                Event::MapNotify(mapped) if self.sizes.get(&mapped.window).copied().is_some_and(is_seen) => {
                    self.shown += 1;
                }
                Event::ClientMessage(said) if said.type_ == change_state => self.made_small += 1,
                _ => {}
            }
        }
    }

    /// How often a window was shown since.
    pub(crate) fn shown(&mut self) -> usize {
        self.hear();
        self.shown
    }

    /// How often a window asked to be made small.
    pub(crate) fn made_small(&mut self) -> usize {
        self.hear();
        self.made_small
    }

    /// Windows that can be seen now.
    pub(crate) fn windows(&self) -> Vec<Window> {
        let children = self.x.query_tree(self.root).unwrap().reply().unwrap().children;
        let is_there = |window: &Window| {
            let facts = self.x.get_window_attributes(*window).unwrap().reply();
            let size = self.x.get_geometry(*window).unwrap().reply();
            facts.is_ok_and(|facts| facts.map_state == MapState::VIEWABLE)
                && size.is_ok_and(|size| is_seen((size.width, size.height)))
        };
        children.into_iter().filter(is_there).collect()
    }

    /// Waits for the one window.
    pub(crate) async fn window(&self) -> Window {
        until("there is one window", async || match self.windows()[..] {
            [window] => Some(window),
            _ => None,
        })
        .await
    }

    /// What stands in a window's title bar.
    pub(crate) fn title(&self, window: Window) -> String {
        let (name, text) = (self.atom("_NET_WM_NAME"), self.atom("UTF8_STRING"));
        let title = self.x.get_property(false, window, name, text, 0, 256).unwrap().reply().unwrap();
        String::from_utf8(title.value).unwrap()
    }

    /// Closes a window, as its title bar's button does.
    pub(crate) fn close(&self, window: Window) {
        assert!(self.closes(window), "there is no such window");
    }

    /// The same, where it may be gone by now; whether it was there.
    pub(crate) fn closes(&self, window: Window) -> bool {
        let (protocols, delete) = (self.atom("WM_PROTOCOLS"), self.atom("WM_DELETE_WINDOW"));
        let close = ClientMessageEvent::new(32, window, protocols, [delete, x11rb::CURRENT_TIME, 0, 0, 0]);
        self.x.send_event(false, window, EventMask::NO_EVENT, close).unwrap().check().is_ok()
    }

    /// What was copied; `None`: nothing, or nobody gives it.
    pub(crate) async fn copied(&self) -> Option<String> {
        let (clipboard, text) = (self.atom("CLIPBOARD"), self.atom("UTF8_STRING"));
        self.x.get_selection_owner(clipboard).unwrap().reply().unwrap().owner.checked_sub(1)?;
        let (window, into) = (self.x.generate_id().unwrap(), self.atom("RAIDCAST_TEST"));
        let only = WindowClass::INPUT_ONLY;
        self.x.create_window(0, window, self.root, 0, 0, 1, 1, 0, only, 0, &CreateWindowAux::new()).unwrap();
        self.x.delete_property(window, into).unwrap();
        self.x.convert_selection(window, clipboard, text, into, x11rb::CURRENT_TIME).unwrap();
        self.x.sync().unwrap();
        let given = until("whoever copied something gives it", async || {
            let given = self.x.get_property(false, window, into, AtomEnum::ANY, 0, 10_000).unwrap().reply().ok()?;
            (given.type_ != x11rb::NONE).then_some(given.value)
        });
        let given = String::from_utf8(given.await).ok();
        self.x.destroy_window(window).unwrap().check().unwrap();
        given
    }

    /// Waits until something was copied that begins so.
    pub(crate) async fn copies(&self, begin: &str) -> String {
        until(format!("`{begin}…` is copied"), async || self.copied().await.filter(|text| text.starts_with(begin)))
            .await
    }
}
