//! What a run needs and what takes long to come, brought beside the parts that can do without.
//!
//! One thread asks apt, and no other does: its lock would make them wait for each other, or fail. The desktop app's
//! packages come after those that more parts wait for, and are built on in the same thread.

use std::sync::mpsc;

use anyhow::{Context as _, Result};

use crate::aside::{Aside, say};
use crate::machine::{self, Need};
use crate::{desktop, proxies, web};

/// What is on its way. Dropped in this order: who brings the app waits for who brings the rest.
#[derive(Default)]
pub(crate) struct Coming {
    programs: Option<Aside>,
    app: Option<Aside>,
}

impl Coming {
    /// Begins to bring what is missing, and to build the desktop app if it is wanted.
    ///
    /// # Errors
    /// Something is missing that cannot be installed here; the text tells the commands that do.
    pub(crate) fn start(needs: &[Need], app: bool) -> Result<Self> {
        let missing = machine::look(needs)?;
        let missing_of_app = if app { Some(machine::look(&[Need::Desktop])?) } else { None };
        let has_pages = needs.contains(&Need::Web);
        let (come, comes) = mpsc::sync_channel(1);
        let programs = Aside::start("programs", move || {
            missing.bring()?;
            if let Err(error) = proxies::unpack() {
                say(&format!("SKIPPED: {error:#}, so the examples of proxies, or promtool, are not run"));
            }
            if has_pages {
                web::install()?;
            }
            // Nobody waits for it where the app is left out.
            let _ = come.send(());
            Ok(())
        });
        let app = missing_of_app.map(|missing| {
            Aside::start("desktop app", move || {
                comes.recv().context("what was to come before the desktop app's packages did not come")?;
                missing.bring()?;
                desktop::build()
            })
        });
        Ok(Self { programs: Some(programs?), app: app.transpose()? })
    }

    /// Whether something is on its way that is waited for before the tests.
    pub(crate) fn is_under_way(&self) -> bool {
        self.programs.is_some()
    }

    /// Waits for all that is needed but for the desktop app.
    ///
    /// # Errors
    /// It cannot be brought.
    pub(crate) fn programs(&mut self) -> Result<()> {
        self.programs.take().map_or(Ok(()), Aside::wait)
    }

    /// Waits for the desktop app, or builds it where nobody does.
    ///
    /// # Errors
    /// It cannot be brought, does not build, or clippy finds something.
    pub(crate) fn app(&mut self) -> Result<()> {
        let Some(app) = self.app.take() else {
            machine::prepare(&[Need::Desktop])?;
            return desktop::build();
        };
        app.wait()
    }
}
