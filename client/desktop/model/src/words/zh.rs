//! Chinese, in simplified signs.

mod calm;
mod faults;
mod updates;

/// Chinese.
pub(super) struct Chinese;

/// `45 秒`, `20 分钟`, `3 小时`.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} 秒"),
        120..7_200 => format!("{} 分钟", seconds.div_ceil(60)),
        _ => format!("{} 小时", seconds.div_ceil(3_600)),
    }
}
