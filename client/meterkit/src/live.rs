//! Whole fights, at once or as they would be lived through.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::error::MeterkitError;
use crate::fight::Fight;
use crate::playhead::BULK_EVENTS;
use crate::writer::MeterWriter;

/// The longest a meter holds events back before it commits them.
pub const LIVE_TICK: Duration = Duration::from_millis(50);

/// Writes a fight at once, and ends it if it has an end; returns its row id.
///
/// Without an end it is left as a crash leaves it.
pub async fn write_all(writer: &mut MeterWriter, fight: &Fight) -> Result<i64, MeterkitError> {
    let id = writer.begin(fight).await?;
    finish(writer, fight).await?;
    Ok(id)
}

/// Writes several fights into one database, in order; returns their row ids.
pub async fn write_night(writer: &mut MeterWriter, fights: &[Fight]) -> Result<Vec<i64>, MeterkitError> {
    let mut ids = Vec::with_capacity(fights.len());
    for fight in fights {
        ids.push(write_all(writer, fight).await?);
    }
    Ok(ids)
}

/// Writes a fight in real time, `speed` times as fast as it was, committing every [`LIVE_TICK`]; returns its row id.
///
/// The fight's Unix times stay as they are: [`Fight::starting_at`] moves them to now. A speed that is not above zero
/// counts as 1. Time is Tokio's, so a paused runtime plays it in no time.
pub async fn write_live(writer: &mut MeterWriter, fight: &Fight, speed: f64) -> Result<i64, MeterkitError> {
    let speed = if speed > 0.0 { speed } else { 1.0 };
    let id = writer.begin(fight).await?;
    let last_ms = fight.last_ms();
    let began = Instant::now();
    let mut ticks = interval(LIVE_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let ms = (began.elapsed().as_secs_f64() * speed * 1_000.0) as i64;
        if ms >= last_ms {
            break;
        }
        writer.advance_to(ms).await?;
    }
    finish(writer, fight).await?;
    Ok(id)
}

/// Plays what is left, and ends the fight if it has an end.
async fn finish(writer: &mut MeterWriter, fight: &Fight) -> Result<(), MeterkitError> {
    match fight.ended_at_ms {
        Some(_) => writer.end().await,
        None => writer.advance(fight.last_ms(), BULK_EVENTS).await,
    }
}
