//! The task of one replay: it steps the fight, and writes each step as its spectator takes it.
//!
//! Started by the feed's upgrade; ends with its socket, the relay, or the end of the log; nobody awaits it. While bytes
//! wait nothing is stepped, so a tick is never missed: a spectator that is slow sees the fight later.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use raidcast_shared::feed::{Echo, FeedFrame, FeedRequest};
use raidcast_shared::limits::PACE_DEFAULT;
use tokio::time::{Instant, MissedTickBehavior};

use super::admission::Admission;
use super::player::Player;
use super::query::{Playback, Replay, ReplayPermit};
use crate::error::HttpError;
use crate::fanout::{self, Format, Gone, Heard, Listener, Patience, Sink, Socket};
use crate::span::SpanError;

/// What somebody is told who may no longer see what he watches.
/// How often is looked whether the last bytes are taken.
const SEE_OUT_LOOK: Duration = Duration::from_secs(1);

/// Who watches the replay.
struct Viewer {
    format: Format,
    socket: Arc<Socket>,
    sink: Sink,
    patience: Patience,
    listener: Listener,
}

impl Viewer {
    fn write(&mut self, bytes: &Bytes) -> Result<(), Gone> {
        self.sink.write(bytes, Instant::now())
    }

    fn flush(&mut self) -> Result<(), Gone> {
        self.sink.flush(&self.patience, Instant::now())
    }

    fn sweep(&mut self) -> Result<(), Gone> {
        self.sink.sweep(&self.patience, Instant::now())
    }

    /// Says why it ends.
    fn dismiss(&mut self, reason: &str, retry_ms: Option<u32>) -> Result<(), Gone> {
        self.write(&self.format.goodbye(reason, retry_ms))
    }

    /// Answers what has come.
    fn answer(&mut self, relay_ms: i64) -> Result<(), Gone> {
        while let Some(heard) = self.listener.hear() {
            let answer = match heard {
                Heard::Ping(payload) => fanout::pong(&payload),
                Heard::Request(FeedRequest::Probe { clock }) => {
                    self.format.encode(&FeedFrame::Echo(Echo { clock, relay_ms, watching: None }))
                }
                // It has one pace, and rows of nobody.
                Heard::Request(_) | Heard::Call(_) => continue,
                Heard::Close => return Err(Gone),
                Heard::Offence(reason) => {
                    self.dismiss(&reason, None)?;
                    return Err(Gone);
                }
            };
            // Answers may be lost where the spectator is behind.
            if self.sink.waiting() == 0 {
                self.write(&answer)?;
            }
        }
        Ok(())
    }
}

/// Plays a fight to one socket, to its end.
pub async fn play(mut replay: Replay, format: Format, socket: Socket, early: Bytes) {
    let socket = Arc::new(socket);
    let desk = replay.admission.desk().clone();
    let mut viewer = Viewer {
        format,
        sink: Sink::new(Arc::clone(&socket), Instant::now()),
        socket,
        patience: Patience::with_replays(desk.limits()),
        listener: Listener::default(),
    };
    let now_ms = move || desk.clock().now_ms();
    let made = match replay.permit {
        ReplayPermit::Moment(_) => {
            let over = format.goodbye("this is the moment that was asked for", None);
            let keyframe = move |player: Player| [&format.encode(&player.keyframe(now_ms()))[..], &over[..]].concat();
            Player::make(&replay, keyframe).await.map(|bytes| (Bytes::from(bytes), None))
        }
        ReplayPermit::Playing(..) => {
            let made = move |player: Player| (format.encode(&player.keyframe(now_ms())), Some(player));
            Player::make(&replay, made).await
        }
    };
    let ended = match made {
        Ok((keyframe, player)) => show(&mut replay, &keyframe, player, &mut viewer, early).await,
        Err(error @ (SpanError::SetAside | SpanError::NoTimes)) => {
            viewer.dismiss(&HttpError::from(error).to_string(), None).and(Err(Gone))
        }
        Err(error) => {
            tracing::warn!(%error, "could not play a fight");
            let reason = "the relay cannot play this fight now: try again in a moment";
            viewer.dismiss(reason, Some(1_000)).and(Err(Gone))
        }
    };
    if ended.is_ok() {
        let Replay { admission, permit, .. } = replay;
        // It is over: who comes next need not wait until its last bytes are taken.
        drop(permit);
        see_out(admission, viewer).await;
    }
}

/// Shows the keyframe and what comes after it; `Ok` if goodbye was said and has to be seen out.
async fn show(
    replay: &mut Replay,
    keyframe: &Bytes,
    player: Option<Player>,
    viewer: &mut Viewer,
    early: Bytes,
) -> Result<(), Gone> {
    let Replay { admission, playback, .. } = replay;
    still(admission, viewer).await?;
    viewer.write(keyframe)?;
    match player {
        Some(player) => go_on(admission, *playback, player, viewer, early).await,
        None => Ok(()),
    }
}

/// After something was made: who may see it may have changed meanwhile.
async fn still(admission: &mut Admission, viewer: &mut Viewer) -> Result<(), Gone> {
    if admission.has_changed()
        && let Err((why, retry_ms)) = admission.holds().await
    {
        viewer.dismiss(why, retry_ms)?;
        return Err(Gone);
    }
    Ok(())
}

/// Plays from the keyframe on, until goodbye is said.
async fn go_on(
    admission: &mut Admission,
    playback: Playback,
    mut player: Player,
    viewer: &mut Viewer,
    early: Bytes,
) -> Result<(), Gone> {
    let desk = admission.desk().clone();
    let now_ms = || desk.clock().now_ms();
    viewer.listener.feed(&early);
    // It is a piece of the upgrade's whole read buffer.
    drop(early);
    viewer.answer(now_ms())?;
    let tick_ms = 1_000 / u64::from(PACE_DEFAULT);
    let step_ms = (tick_ms as f64 * playback.speed) as u32;
    let mut tick = tokio::time::interval(Duration::from_millis(tick_ms));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let draining = desk.draining().clone();
    loop {
        tokio::select! {
            biased;
            // The relay stops: the page comes back by itself.
            () = draining.cancelled() => {
                return viewer.dismiss("the relay restarts; come back in a moment", Some(1_000));
            }
            // Who may see it has changed: what waits for one who may not is not for him either.
            () = admission.changed() => {
                let Err((why, retry_ms)) = admission.holds().await else { continue };
                if viewer.sink.waiting() == 0 { viewer.dismiss(why, retry_ms)?; }
                return Err(Gone);
            }
            // What waits goes first.
            () = viewer.sink.writable(), if viewer.sink.waiting() > 0 => viewer.flush()?,
            // Something came, or the other end closed.
            is_there = viewer.socket.read(|bytes| viewer.listener.feed(bytes)) => {
                if !is_there { return Err(Gone) }
                viewer.answer(now_ms())?;
            }
            // The fight goes on, unless the spectator is behind.
            _ = tick.tick() => {
                viewer.sweep()?;
                if viewer.sink.waiting() > 0 { continue }
                if player.is_at_the_edge() {
                    let (why, retry_ms) = match player.look_on(desk.spans(), admission.report()).await {
                        Ok(true) => continue,
                        Ok(false) => ("the replay has caught up with the fight: follow it live", 0),
                        Err(error) => return cannot_go_on(&error, viewer),
                    };
                    return viewer.dismiss(why, Some(retry_ms));
                }
                let bytes = match player.go_on(&desk.spans().pool, step_ms, viewer.format, now_ms()).await {
                    Ok((stepped, bytes)) => {
                        player = stepped;
                        bytes
                    }
                    Err(error) => return cannot_go_on(&error, viewer),
                };
                still(admission, viewer).await?;
                viewer.write(&bytes)?;
                if player.is_over() {
                    return viewer.dismiss("the fight is over: this is its report", None);
                }
            }
        }
    }
}

fn cannot_go_on(error: &SpanError, viewer: &mut Viewer) -> Result<(), Gone> {
    tracing::warn!(%error, "could not play a fight on");
    viewer.dismiss("the relay cannot play this fight on now: try again", Some(1_000))
}

/// Writes what is left for somebody to whom goodbye was said. Nothing else of the replay is held any more.
async fn see_out(mut admission: Admission, mut viewer: Viewer) {
    let mut look = tokio::time::interval(SEE_OUT_LOOK);
    while viewer.sink.waiting() > 0 {
        tokio::select! {
            biased;
            () = admission.changed() => {
                if admission.holds().await.is_err() { return }
            }
            () = viewer.sink.writable() => {
                if viewer.flush().is_err() { return }
            }
            // What it says is of no interest any more, only that it is there.
            is_there = viewer.socket.read(|_| ()) => {
                if !is_there { return }
            }
            _ = look.tick() => {
                if viewer.sweep().is_err() { return }
            }
        }
    }
}
