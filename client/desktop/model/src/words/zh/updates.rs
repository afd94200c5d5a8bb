//! In Chinese: why there is no update, or why it is not installed.

use crate::said::{Said, ended, quoted};
use crate::update::UpdateFault;

const LATER: &str = "请稍后再检查。";
const BY_HAND: &str = "请从获取此版本的地方获取最新版本。";
const TELL: &str = "没有更改任何内容。请告知该地址的维护者。";
const GIVE_HTTPS: &str = "请在设置中填写以 https:// 开头的地址，或者留空。";

pub(super) fn update(fault: &UpdateFault) -> Said {
    match fault {
        UpdateFault::NoKey => Said::new("未设置更新：这个 Raidcast 版本不知道应当信任谁的更新。").and(BY_HAND),
        UpdateFault::Address { url } => Said::new(format!("“{}”不是可以检查更新的地址。", quoted(url))).and(GIVE_HTTPS),
        UpdateFault::Insecure { at } => {
            Said::new(format!("更新只通过 https 获取，而 {} 的地址不是 https。", quoted(at))).and(GIVE_HTTPS)
        }
        UpdateFault::Unreachable { at, why } => {
            Said::new(format!("无法从 {} 获取更新：{}", quoted(at), ended(why, '。'))).and(LATER)
        }
        UpdateFault::Moved { at } => {
            Said::new(format!("{} 的重定向次数过多，或指向不可获取更新的地方。", quoted(at))).and(TELL)
        }
        UpdateFault::Status { at, status } => {
            Said::new(format!("{} 没有提供更新（HTTP {status}）。", quoted(at))).and(LATER)
        }
        UpdateFault::TooLarge { at, mib } => {
            Said::new(format!("{} 发送的内容超过了更新的大小上限（{mib} MiB）。", quoted(at))).and(TELL)
        }
        UpdateFault::NoPackage { version } => {
            Said::new(format!("已有 Raidcast {}，但没有适用于这台电脑的版本。", quoted(version))).and("无需任何操作。")
        }
        UpdateFault::ByHand { version } => {
            Said::new(format!("已有 Raidcast {}。此副本不是由安装程序安装的，因此不会自行更新。", quoted(version)))
                .and(BY_HAND)
        }
        UpdateFault::Tampered { at } => {
            Said::new(format!("{} 发送的内容不是 Raidcast 项目制作的，或者在传输中损坏。", quoted(at))).and(TELL)
        }
        UpdateFault::OtherVersion { version, signed: Some(signed) } => {
            Said::new(format!("作为 Raidcast {} 提供的内容其实是 Raidcast {}。", quoted(version), quoted(signed)))
                .and(TELL)
        }
        UpdateFault::OtherVersion { version, signed: None } => {
            Said::new(format!("作为 Raidcast {} 提供的内容没有说明自己是哪个版本。", quoted(version))).and(TELL)
        }
        UpdateFault::NotOffered => Said::new("目前没有可安装的更新。").and("请先检查更新。"),
        UpdateFault::InFight => Said::new("战斗直播中或正在上传以前的战斗时，不会安装更新。").and("结束之后即可安装。"),
        UpdateFault::Busy => Said::new("已经在检查或安装更新。").and("请等待其完成。"),
        UpdateFault::NotInstalled { why } => {
            Said::new(format!("更新没有安装：{}", ended(why, '。'))).and("当前版本继续运行。请重试。")
        }
    }
}
