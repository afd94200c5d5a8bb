//! In Chinese: how things stand, labels, notices, sizes.

use std::path::Path;

use raidcast::history::{Before, Tally};
use raidcast::keys::Kept;
use raidcast::source::Generation;
use raidcast::uploader::seen_by::SeenBy;
use raidcast_shared::uplink::{NamesPolicy, Outcome, Visibility};

use super::Chinese;
use crate::channel::Rule;
use crate::said::{Said, quoted};
use crate::standing::Standing;
use crate::tray_item::ItemId;
use crate::view::AppState;
use crate::words::faults::Faults as _;
use crate::words::tongue::Words;
use crate::wrong::Wrong;

impl Words for Chinese {
    fn headline(&self, state: AppState) -> &'static str {
        match state {
            AppState::Setup => "尚未设置",
            AppState::NoMeter => "等待统计工具",
            AppState::Idle => "等待战斗",
            AppState::Live => "直播中",
            AppState::Waiting => "尚未全部送达",
            AppState::Trouble => "有问题需要处理",
            AppState::Paused => "已暂停",
            AppState::Elsewhere => "另一个 Raidcast 正在运行",
        }
    }

    fn standing(&self, standing: &Standing<'_>) -> Said {
        match standing {
            Standing::NotSetUp => Said::new("Raidcast 尚未设置，不会发送任何内容。").and("请打开它的窗口。"),
            Standing::Begins => Said::new("Raidcast 正在启动。"),
            Standing::Unread { fault } => self.own(fault),
            Standing::Unsettled { fault } => self.settings(fault),
            Standing::Elsewhere { process, running } => {
                let who = process.map(|id| format!("（进程 {id}）")).unwrap_or_default();
                let does = match running.map(|running| (running.connected, &running.trouble)) {
                    Some((_, Some(trouble))) => self.trouble(trouble).sentence,
                    Some((true, None)) => "它已连接到中继。".to_owned(),
                    Some((false, None)) => "它未连接到中继。".to_owned(),
                    None => "它的状态未知。".to_owned(),
                };
                Said::new(format!("另一个 Raidcast{who}正在这台电脑上运行。{does}"))
                    .and("如果想使用当前这个，请退出另一个，之后会自动继续。")
            }
            Standing::Ended { error, again } => {
                let said = self.run(error);
                let again = if *again { "稍后会自动重试。" } else { "" };
                Said { sentence: said.sentence + again, ..said }
            }
            Standing::Stalled { why } => self.stall(why),
            Standing::Paused { waiting: 0 } => Said::new("暂停期间不发送任何内容，此时开始的战斗以后也不会补发。")
                .and("结束暂停后，新开始的战斗会照常直播。"),
            Standing::Paused { waiting } => Said::new(format!(
                "暂停期间不发送任何内容，此时开始的战斗以后也不会补发。暂停前的战斗还有 {waiting} 段数据等待发送。"
            ))
            .and("结束暂停后会继续发送。"),
            Standing::NoMeter { why } => self.no_database(why),
            Standing::Cut { why, was_connected, waiting, .. } => {
                let said = self.outage(why, *was_connected);
                let waits = match waiting {
                    0 => "目前的数据已全部送达。".to_owned(),
                    n => format!("还有 {n} 段数据等待发送，不会丢失。"),
                };
                Said { sentence: said.sentence + &waits, ..said }
            }
            Standing::TurnedAway { code, text } => self.refused(*code, text),
            Standing::Connecting { waiting: 0 } => Said::new("中继尚未响应。"),
            Standing::Connecting { waiting } => Said::new(format!("中继尚未响应。{}", self.arrived(*waiting, false))),
            Standing::Live => Said::new("战斗进行中，中继正在接收数据。"),
            Standing::OnItsWay { parts } => Said::new(self.arrived(*parts, true)),
            Standing::Idle => Said::new("数据已全部送达。下一场战斗开始后会立即直播。"),
        }
    }

    fn arrived(&self, parts: u64, connected: bool) -> String {
        match (parts, connected) {
            (0, true) => "已全部送达。".to_owned(),
            (0, false) => "已读取的数据已全部送达。".to_owned(),
            (n, true) => format!("{n} 段数据正在发送。"),
            (n, false) => format!("{n} 段数据等待中继恢复后发送。"),
        }
    }

    fn shown_otherwise(&self, is_private: bool) -> Said {
        if is_private {
            return Said::new("本次副本在中继上是私密的：这是在中继页面上设置的。")
                .and("如需让其他人看到，请在账号页面中更改。");
        }
        let item = self.item(ItemId::Private);
        Said::new("本次副本在中继上并非私密：这是在中继页面上设置的。")
            .and(format!("请再次选择“{item}”，或在账号页面中更改。"))
    }

    fn set_there(&self, names: NamesPolicy, delay_s: u32) -> Said {
        let names = match names {
            NamesPolicy::Full => "所有人的名字",
            NamesPolicy::Class => "职业，看不到名字",
            NamesPolicy::Hidden => "同意公开的玩家的名字",
        };
        let delay = match delay_s {
            0 => "没有延迟".to_owned(),
            seconds => format!("延迟 {seconds} 秒"),
        };
        Said::new(format!("本次副本中，其他人能看到{names}，{delay}：这是在中继页面上设置的。"))
            .and("如需更改，请在账号页面中设置。")
    }

    fn pending(&self, private: bool) -> Said {
        Said::new(match private {
            true => "本次副本将设为私密。中继还没有确认：在此之前，其他人仍能看到已有的内容。",
            false => "本次副本将不再私密。中继还没有确认。",
        })
    }

    fn nameless(&self) -> &'static str {
        "战斗"
    }

    fn generation(&self, generation: Generation) -> &'static str {
        match generation {
            Generation::Events => "战斗中实时记录每次命中。",
            Generation::Counters => "战斗中实时记录汇总数据，不含单次命中。",
            Generation::Aggregate => "战斗中实时记录命中。",
            Generation::Summary => "战斗结束后才记录，因此无法直播。",
            Generation::Chunks => "战斗中分段记录。",
        }
    }

    fn item(&self, item: ItemId) -> &'static str {
        match item {
            ItemId::Open => "打开 Raidcast",
            ItemId::CopyLink => "复制直播链接",
            ItemId::OpenPage => "打开直播页面",
            ItemId::Pause => "暂停",
            ItemId::Private => "本次副本设为私密",
            ItemId::Quit => "退出",
        }
    }

    fn began(&self, fight: &str, link: Option<&str>) -> (String, String) {
        let body = match link {
            Some(link) => link.to_owned(),
            None => "本次副本已设为私密。请从托盘或窗口复制链接。".to_owned(),
        };
        (format!("直播中：{fight}"), body)
    }

    fn ended(&self, fight: &str, outcome: Outcome) -> (String, String) {
        let how = match outcome {
            Outcome::Kill => "击败了首领。",
            Outcome::Wipe => "团灭。",
            Outcome::Reset => "战斗已重置。",
            Outcome::Unfinished => "统计工具没有记录到战斗结束。",
            Outcome::Unknown => "统计工具没有记录战斗结果。",
        };
        (format!("战斗结束：{fight}"), how.to_owned())
    }

    fn hits(&self, hits: u64) -> String {
        match hits {
            0..10_000 => format!("{hits} 次命中"),
            _ => format!("{:.1} 万次命中", hits as f64 / 1e4),
        }
    }

    fn bytes(&self, bytes: u64) -> String {
        match bytes {
            0..1_000 => format!("{bytes} B"),
            1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
            _ => format!("{:.1} MB", bytes as f64 / 1e6),
        }
    }

    fn seen_by(&self, seen_by: SeenBy) -> String {
        let who = match seen_by.visibility {
            Some(Visibility::Public) => "所有人，并会公开列在中继上",
            Some(Visibility::Unlisted) => "任何拥有链接的人",
            Some(Visibility::Private) => "您，以及拥有带票据的链接的人",
            None => "由中继上您的密钥的设置决定",
        };
        match seen_by.names {
            None | Some(NamesPolicy::Full) => format!("{who}。"),
            Some(NamesPolicy::Class) => format!("{who}；其他人只能看到职业，看不到名字。"),
            Some(NamesPolicy::Hidden) => format!("{who}；其他人只能看到同意公开的玩家的名字。"),
        }
    }

    fn plan_of(
        &self,
        fights: usize,
        before: Before,
        relay: &str,
        visibility: Visibility,
        names: NamesPolicy,
    ) -> String {
        let there = match before.there {
            0 => String::new(),
            n => format!("其中 {n} 场已上传，不会重复发送。"),
        };
        let seen_by = self.seen_by(SeenBy { visibility: Some(visibility), names: Some(names) });
        format!("将向 {relay} 发送 {fights} 场战斗。{there}新上传的战斗的可见范围：{seen_by}")
    }

    fn uploading(&self, tally: &Tally, of: u64, connected: bool) -> String {
        let refused = if tally.failed > 0 { format!("，{} 场被拒绝", tally.failed) } else { String::new() };
        let cut = if connected { "" } else { "中继没有响应，恢复后会自动继续。" };
        format!("{of} 场中已上传 {} 场{refused}。{cut}", tally.on_relay())
    }

    fn uploaded(&self, tally: &Tally, waiting: u64) -> Said {
        let mut parts = vec![format!("已上传 {} 场战斗", tally.new)];
        if tally.known + tally.kept > 0 {
            parts.push(format!("{} 场以前已上传", tally.known + tally.kept));
        }
        if tally.failed > 0 {
            parts.push(format!("{} 场被拒绝", tally.failed));
        }
        if waiting > 0 {
            parts.push(format!("{waiting} 场尚未上传"));
        }
        Said::new(format!("{}。", parts.join("，"))).and_if(waiting > 0, "请再次上传：不会重复发送。")
    }

    fn kept(&self, kept: &Kept, file: &Path) -> String {
        match kept {
            Kept::InSystem { store } => format!("密钥保存在系统的密钥库（{store}）中。"),
            Kept::InFile { instead_of } => {
                let only = if cfg!(unix) { "只有当前用户能读取该文件。" } else { "" };
                let why = match instead_of {
                    Some(error) => format!("系统的密钥库未能保存它（{}）。", quoted(&error.to_string())),
                    None => String::new(),
                };
                format!("密钥保存在 {} 中。{only}{why}", file.display())
            }
        }
    }

    fn offered(&self, version: &str) -> (String, String) {
        (format!("Raidcast {version} 已发布"), "请在窗口的“关于”中查看新内容并安装。".to_owned())
    }

    fn rule(&self, rule: &Rule) -> Said {
        match rule {
            Rule::Newest => Said::new("已是最新版本。"),
            Rule::Offer { version, .. } => {
                Said::new(format!("有新版本 Raidcast {version}。")).and("请安装，或跳过此版本。")
            }
            Rule::Skipped { version } => Said::new(format!("有新版本 Raidcast {version}，您已选择跳过。")),
            Rule::NotYet { version } => {
                Said::new(format!("Raidcast {version} 正在分批推送，轮到这台电脑时会自动提示。"))
            }
            Rule::Stopped { version } => Said::new(format!("Raidcast {version} 已暂停推送，无需操作。")),
            Rule::Older { version } => Said::new(format!("更新地址提供的是 Raidcast {version}，比当前版本旧。")),
            Rule::NotSetUp => Said::new("尚未设置更新地址。").and("请在设置中输入更新文件的地址，或询问中继的管理员。"),
            Rule::Unreadable => {
                Said::new("更新地址上的内容不是 Raidcast 的更新文件。").and("请在设置中检查该地址，或告知其维护者。")
            }
        }
    }

    fn wrong(&self, wrong: &Wrong) -> Said {
        match wrong {
            Wrong::Settings(fault) => self.settings(fault),
            Wrong::Keys { file, error } => self.keys(error, file),
            Wrong::Address(error) => self.address(error),
            Wrong::Pairing(error) => self.pairing(error),
            Wrong::Key(failure) => self.key(failure),
            Wrong::Plan(error) => self.plan(error),
            Wrong::Source(error) => self.source(error),
            Wrong::Own(fault) => self.own(fault),
            Wrong::Link(fault) => self.link(fault),
            Wrong::Update(fault) => self.update(fault),
            Wrong::Upload(error) => self.run(error),
            Wrong::File { path, error } => {
                Said::new(format!("无法写入 {}（{}）。", path.display(), quoted(&error.text)))
                    .and("请允许当前用户写入，并确认磁盘有空间。")
            }
            Wrong::Browser(error) => Said::new(format!("无法打开浏览器（{}）。", quoted(&error.text)))
                .and("请复制链接，自行在浏览器中打开。"),
            Wrong::Folder { path, error } => {
                Said::new(format!("无法显示 {}（{}）。", path.display(), quoted(&error.text)))
                    .and("请用系统的文件管理器查找它。")
            }
            Wrong::Clipboard { text } => {
                Said::new(format!("链接没有复制（{}）。", quoted(text))).and("请打开页面，在那里复制地址。")
            }
            Wrong::Startup(error) => Said::new(format!("无法更改随系统启动的设置（{}）。", quoted(&error.text)))
                .and("请在系统自己的设置中更改。"),
            Wrong::NoRelay => Said::new("尚未设置中继。").and("请先输入中继地址。"),
            Wrong::NotRunning => Said::new("Raidcast 当前没有在读取统计工具。").and("原因请见窗口中的说明。"),
            Wrong::Elsewhere => {
                Said::new("另一个 Raidcast 正在这台电脑上运行。").and("请先退出它，之后当前这个会自动继续。")
            }
            Wrong::Uploading => Said::new("已有上传正在进行。").and("请等它完成，或先停止它。"),
            Wrong::PlanGone => Said::new("要发送的内容已发生变化，本次没有发送。").and("请查看后重新确认。"),
            Wrong::NoFights => Said::new("这些战斗都无法发送：仍在进行，或已被统计工具删除。").and("请重新查看列表。"),
            Wrong::Ending => Said::new("Raidcast 正在退出。"),
        }
    }
}
