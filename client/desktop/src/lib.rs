//! The desktop app's window and tray, over its model.
//!
//! [`run`] is the program. The model has a thread of its own and owns everything; here is what shows it (`screen`), what
//! the page calls (`commands`), and what the tray's menu does (`chosen`).
//! One invariant: what is decided is decided by the model, and what is said is said in its words.

mod chosen;
mod clip;
mod commands;
mod doing;
mod notice;
#[cfg(target_os = "linux")]
mod panel;
mod screen;
mod start;
mod this_user;
mod tray;
pub mod updates;
#[cfg(target_os = "linux")]
mod webkit;
mod window;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use raidcast_desktop_model::desk::Desk;
use raidcast_desktop_model::setup::Setup;
pub use start::HIDDEN;
use tauri::{App, AppHandle, Builder, Manager as _, RunEvent, Runtime, WindowEvent, Wry};
use updates::{Given, Updates};

/// What the page can call, and what it is done with.
pub fn builder<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    // A second start may ask for the window before the first has come to its own.
    let builder = builder.manage(clip::Clip::default()).manage(window::Making::default());
    builder.invoke_handler(tauri::generate_handler![
        commands::ready,
        commands::now,
        commands::first,
        commands::find_meters,
        commands::use_meter,
        commands::relay,
        commands::pair,
        commands::pairing,
        commands::stop_pairing,
        commands::paste_key,
        commands::forget_key,
        commands::finish_first,
        commands::pause,
        commands::private,
        commands::try_now,
        commands::fights,
        commands::plan,
        commands::upload,
        commands::stop_upload,
        commands::again,
        commands::settings,
        commands::change,
        commands::starts_with_system,
        commands::start_with_system,
        commands::open,
        commands::copy,
        commands::about,
        commands::bundle,
        commands::open_log,
        commands::update,
        commands::update_check,
        commands::update_install,
        commands::update_skip,
        commands::quit,
    ])
}

/// Starts the model, and lets the page's calls find it. Nothing is shown in the tray unless [`run`] does it.
///
/// # Errors
/// The system gives the model no thread.
pub fn begin<R: Runtime>(app: &AppHandle<R>, setup: Setup) -> io::Result<()> {
    let desk = Desk::start(setup, Arc::new(screen::Face::of(app)))?;
    let face = screen::Face::of(app);
    let given = Given::of_this_build(app, move |view| face.emit("update", view.clone()));
    app.manage(Updates::new(app, desk.clone(), given));
    app.manage(desk);
    Ok(())
}

/// Runs the app until it is told to end.
pub fn run(hidden: bool) -> ExitCode {
    #[cfg(target_os = "linux")]
    {
        if !webkit::has_display() {
            eprintln!("There is no display. Start Raidcast from a desktop, or follow the meter with raidcast watch.");
            return ExitCode::FAILURE;
        }
        webkit::start_again_if_need_be();
    }
    let Some(setup) = this_user::setup() else {
        eprintln!("This computer tells of no home folder. Set HOME, and start Raidcast again.");
        return ExitCode::FAILURE;
    };
    match app(setup, hidden) {
        Ok(app) => {
            let code = app.run_return(happened);
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
        Err(error) => {
            tracing::error!(%error, "the app does not start");
            eprintln!("Raidcast does not start: {error}.");
            ExitCode::FAILURE
        }
    }
}

fn app(setup: Setup, hidden: bool) -> tauri::Result<App<Wry>> {
    // First of all: the second start of it ends in there.
    let single = tauri_plugin_single_instance::init(|app, arguments, _| {
        if !arguments.iter().any(|argument| argument == HIDDEN) {
            window::show(app);
        }
    });
    builder(Builder::default())
        .plugin(single)
        .plugin(tauri_plugin_updater::Builder::new().build())
        .on_menu_event(|app, event| chosen::chosen(app, event.id().as_ref()))
        .on_tray_icon_event(|app, event| {
            if tray::is_click(&event) {
                window::show(app);
            }
        })
        .setup(move |app| {
            app.manage(tray::Tray::<Wry>::default());
            begin(app.handle(), setup)?;
            doing::leave_when_told(app.handle());
            #[cfg(target_os = "linux")]
            {
                let there = app.handle().clone();
                panel::watch(move |is_there| tray::panel(&there, is_there));
            }
            updates::keep(app.handle());
            if !hidden {
                window::show(app.handle());
            }
            Ok(())
        })
        .build(tauri::generate_context!())
}

fn happened(app: &AppHandle<Wry>, event: RunEvent) {
    match event {
        // Where no tray is, nobody would find it again.
        RunEvent::WindowEvent { event: WindowEvent::CloseRequested { api, .. }, .. } if !tray::is_there(app) => {
            api.prevent_close();
            window::iconify(app);
        }
        // The last window has gone: what goes on goes on.
        RunEvent::ExitRequested { code: None, api, .. } => {
            api.prevent_exit();
            if !tray::is_there(app) {
                doing::leave(app);
            }
        }
        // Also where the system ends it, and nobody has waited for the model.
        RunEvent::Exit => tauri::async_runtime::block_on(app.state::<Desk>().quit()),
        _ => {}
    }
}
