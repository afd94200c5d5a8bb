//! What the tray's menu does.

use raidcast_desktop_model::desk::Desk;
use raidcast_desktop_model::tray_item::ItemId;
use raidcast_desktop_model::view::{Fault, Link, Notice};
use tauri::{AppHandle, Manager as _, Runtime};

use crate::{doing, notice, tray, window};

/// Somebody has chosen an entry. What does not succeed is told beside the window, which need not be there.
pub(crate) fn chosen<R: Runtime>(app: &AppHandle<R>, name: &str) {
    let Some(id) = tray::item_of(name) else { return };
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        if let Err(Fault { sentence, remedy, .. }) = act(&app, id).await {
            let body = [Some(sentence), remedy].into_iter().flatten().collect::<Vec<_>>().join(" ");
            notice::tell(Notice { title: "Raidcast".to_owned(), body });
        }
        tray::as_it_is(&app);
    });
}

async fn act<R: Runtime>(app: &AppHandle<R>, id: ItemId) -> Result<(), Fault> {
    let desk = app.state::<Desk>().inner().clone();
    match id {
        ItemId::Open => window::show(app),
        ItemId::CopyLink => doing::copy(app, Link::Raid).await?,
        ItemId::OpenPage => doing::open(&desk, Link::Raid).await?,
        ItemId::Pause => {
            desk.pause(!tray::is_on(app, id)).await?;
        }
        ItemId::Private => {
            desk.private(!tray::is_on(app, id)).await?;
        }
        ItemId::Quit => doing::leave(app),
    }
    Ok(())
}
