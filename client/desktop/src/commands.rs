//! What the page calls: a line each, over the model.
//!
//! One invariant: what a page may call stands here, in `build.rs` and in `capabilities/main.json`; a test compares them.

use std::pin::pin;

use raidcast_desktop_model::desk::Desk;
use raidcast_desktop_model::view::{
    AboutView, Fault, FightFilter, FightPage, FirstChoice, FirstView, KeptView, Link, MeterView, NowView, PairStep,
    PairView, RelayView, SettingsChange, SettingsView, UpdateView, UploadChoice, UploadEnd, UploadPlan, UploadStep,
};
use tauri::ipc::Channel;
use tauri::{AppHandle, Runtime, State};
use tokio::sync::mpsc;

use crate::updates::Updates;
use crate::{doing, start, window};

/// So many steps of an upload wait at most for the page.
const STEPS: usize = 64;

type Told<T> = Result<T, Fault>;
type TheDesk<'a> = State<'a, Desk>;

/// The page has something to show.
#[tauri::command]
pub(crate) async fn ready<R: Runtime>(app: AppHandle<R>) -> Told<()> {
    window::ready(&app);
    Ok(())
}

#[tauri::command]
pub(crate) async fn now(desk: TheDesk<'_>) -> Told<NowView> {
    Ok(desk.now().await)
}

#[tauri::command]
pub(crate) async fn first(desk: TheDesk<'_>) -> Told<FirstView> {
    desk.first().await
}

#[tauri::command]
pub(crate) async fn find_meters(desk: TheDesk<'_>) -> Told<Vec<MeterView>> {
    Ok(desk.find_meters().await)
}

#[tauri::command]
pub(crate) async fn use_meter(desk: TheDesk<'_>, path: Option<String>) -> Told<FirstView> {
    desk.use_meter(path).await
}

#[tauri::command]
pub(crate) async fn relay(desk: TheDesk<'_>, text: String) -> Told<RelayView> {
    desk.relay(text).await
}

#[tauri::command]
pub(crate) async fn pair(desk: TheDesk<'_>) -> Told<PairView> {
    desk.pair().await
}

#[tauri::command]
pub(crate) async fn pairing(desk: TheDesk<'_>) -> Told<PairStep> {
    Ok(desk.pairing().await)
}

#[tauri::command]
pub(crate) async fn stop_pairing(desk: TheDesk<'_>) -> Told<()> {
    desk.stop_pairing().await;
    Ok(())
}

#[tauri::command]
pub(crate) async fn paste_key(desk: TheDesk<'_>, key: String) -> Told<KeptView> {
    desk.paste_key(key).await
}

#[tauri::command]
pub(crate) async fn forget_key(desk: TheDesk<'_>) -> Told<bool> {
    desk.forget_key().await
}

#[tauri::command]
pub(crate) async fn finish_first(desk: TheDesk<'_>, choice: FirstChoice) -> Told<NowView> {
    desk.finish_first(choice).await
}

#[tauri::command]
pub(crate) async fn pause(desk: TheDesk<'_>, paused: bool) -> Told<NowView> {
    desk.pause(paused).await
}

#[tauri::command]
pub(crate) async fn private(desk: TheDesk<'_>, private: bool) -> Told<NowView> {
    desk.private(private).await
}

#[tauri::command]
pub(crate) async fn try_now(desk: TheDesk<'_>) -> Told<NowView> {
    desk.try_now().await
}

#[tauri::command]
pub(crate) async fn fights(desk: TheDesk<'_>, filter: FightFilter) -> Told<FightPage> {
    Ok(desk.fights(filter).await)
}

#[tauri::command]
pub(crate) async fn plan(desk: TheDesk<'_>, choice: UploadChoice) -> Told<UploadPlan> {
    desk.plan(choice).await
}

/// Each step goes to the channel; all of them are there before the end is.
#[tauri::command]
pub(crate) async fn upload(desk: TheDesk<'_>, plan: u64, progress: Channel<UploadStep>) -> Told<UploadEnd> {
    let (steps, mut taken) = mpsc::channel(STEPS);
    let tell = |step| {
        if progress.send(step).is_err() {
            tracing::debug!("nobody looks at the upload any more");
        }
    };
    let mut upload = pin!(desk.upload(plan, steps));
    loop {
        tokio::select! {
            biased;
            Some(step) = taken.recv() => tell(step),
            end = &mut upload => {
                while let Ok(step) = taken.try_recv() {
                    tell(step);
                }
                return end;
            }
        }
    }
}

#[tauri::command]
pub(crate) async fn stop_upload(desk: TheDesk<'_>) -> Told<()> {
    desk.stop_upload().await;
    Ok(())
}

#[tauri::command]
pub(crate) async fn again(desk: TheDesk<'_>, fights: Vec<String>) -> Told<()> {
    desk.again(fights).await
}

#[tauri::command]
pub(crate) async fn settings(desk: TheDesk<'_>) -> Told<SettingsView> {
    Ok(desk.settings().await)
}

#[tauri::command]
pub(crate) async fn change(desk: TheDesk<'_>, change: SettingsChange) -> Told<SettingsView> {
    desk.change(change).await
}

/// Whether it does; `null` where that cannot be said here.
#[tauri::command]
pub(crate) async fn starts_with_system() -> Told<Option<bool>> {
    Ok(start::is_on())
}

#[tauri::command]
pub(crate) async fn start_with_system(desk: TheDesk<'_>, on: bool) -> Told<Option<bool>> {
    start::set(&desk, on).await
}

#[tauri::command]
pub(crate) async fn open(desk: TheDesk<'_>, link: Link) -> Told<()> {
    doing::open(&desk, link).await
}

#[tauri::command]
pub(crate) async fn copy<R: Runtime>(app: AppHandle<R>, link: Link) -> Told<()> {
    doing::copy(&app, link).await
}

#[tauri::command]
pub(crate) async fn about(desk: TheDesk<'_>) -> Told<AboutView> {
    Ok(desk.about().await)
}

/// Where it was written.
#[tauri::command]
pub(crate) async fn bundle(desk: TheDesk<'_>) -> Told<String> {
    desk.bundle().await.map(|path| path.display().to_string())
}

#[tauri::command]
pub(crate) async fn open_log(desk: TheDesk<'_>) -> Told<()> {
    doing::open_log(&desk).await
}

#[tauri::command]
pub(crate) async fn update<R: Runtime>(app: AppHandle<R>) -> Told<UpdateView> {
    Ok(Updates::of(&app).view())
}

#[tauri::command]
pub(crate) async fn update_check<R: Runtime>(app: AppHandle<R>) -> Told<UpdateView> {
    Ok(Updates::of(&app).check().await)
}

#[tauri::command]
pub(crate) async fn update_install<R: Runtime>(app: AppHandle<R>) -> Told<UpdateView> {
    Updates::of(&app).install().await
}

#[tauri::command]
pub(crate) async fn update_skip<R: Runtime>(app: AppHandle<R>) -> Told<UpdateView> {
    Updates::of(&app).skip().await
}

#[tauri::command]
pub(crate) async fn quit<R: Runtime>(app: AppHandle<R>) -> Told<()> {
    doing::leave(&app);
    Ok(())
}
