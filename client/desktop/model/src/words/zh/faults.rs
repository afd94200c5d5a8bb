//! In Chinese: what goes wrong, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use raidcast::keys::{KeysError, SystemError};
use raidcast::os_error::{OsError, OsErrorKind};
use raidcast::pairing::PairingError;
use raidcast::post::{Failure, Wait};
use raidcast::settings::{FileFault, KeyTrouble, SettingsFault, TitleFault};
use raidcast::socket::{Address, AddressError, Certificate, Outage, WrongUrl};
use raidcast::source::{SourceError, Unreadable, Unsupported};
use raidcast::spool::SpoolError;
use raidcast::status::Why;
use raidcast::trust::TrustError;
use raidcast::uploader::record::NotSent;
use raidcast::uploader::trouble::Stall;
use raidcast::uploader::{Damage, FolderError, WatchError};
use raidcast_shared::limits::{DELAY_S_MAX, TITLE_CHARS_MAX};
use raidcast_shared::text::KeyFault;
use raidcast_shared::uplink::{RAID_DELETED, RefusedCode};

use super::{Chinese, span, updates};
use crate::links::LinkFault;
use crate::own::OwnFault;
use crate::said::{Said, ended, quoted};
use crate::update::UpdateFault;
use crate::words::faults::Faults;

const CHECK_RELAY: &str = "请在设置中检查中继地址。";
const TELL_OPERATOR: &str = "请告知中继的管理员。";
const ASK_OPERATOR: &str = "请询问中继的管理员。";
const CHOOSE_METER: &str = "请在设置中选择统计工具的数据库，例如 resonance-logs.db。";
const PAIR_AGAIN: &str = "请在设置中重新将这台电脑与中继配对。";
const COPY_KEY: &str = "请重新复制完整的密钥，不要带引号或换行。";
const START_AGAIN: &str = "请退出 Raidcast 后重新启动。";
const UPDATE: &str = "请更新 Raidcast。";
const LET_WRITE: &str = "请允许当前用户写入该文件，并确认磁盘有空间。";

impl Faults for Chinese {
    fn outage(&self, why: &Outage, was_connected: bool) -> Said {
        let check = |said: Said| said.and_if(!was_connected, CHECK_RELAY);
        match why {
            Outage::Said { text } if text == RAID_DELETED => {
                Said::new("本次副本已在中继上被删除。仍在进行的战斗会开始新的副本。")
            }
            Outage::Said { text } => Said::new(format!("中继提示：{}", ended(text, '。'))),
            Outage::Restarting => Said::new("中继正在重启。"),
            Outage::Closed { .. } => Said::new("中继关闭了连接。"),
            Outage::Silent { seconds } => Said::new(format!("中继已有 {} 没有响应。", span(*seconds))),
            Outage::NotUnderstood { error } => {
                Said::new(format!("无法识别中继发来的内容（{}）。", quoted(error))).and(UPDATE)
            }
            Outage::Cut => Said::new("连接已中断。"),
            Outage::NoAnswer { at, seconds } => {
                check(Said::new(format!("{} 在 {} 内没有响应。", place(at), span(*seconds))))
            }
            Outage::HungUp { at } => {
                let other = if at.tls { "http://" } else { "https://" };
                let remedy = format!("请在设置中检查中继地址，它可能应以 {other} 开头。");
                Said::new(format!("{} 未作响应就断开了连接。", place(at))).and_if(!was_connected, remedy)
            }
            Outage::KeyForgotten => Said::new("中继不再接受这台电脑的密钥。")
                .and("如果一直如此，请在设置中重新配对这台电脑，或询问中继的管理员。"),
            Outage::Crowded { at } => Said::new(format!("中继前端的服务器（{}）正在限制请求频率。", place(at))),
            Outage::Proxy { at, status } => {
                Said::new(format!("中继前端的服务器（{}）拦截了 Raidcast（HTTP {status}）。", place(at)))
                    .and(ASK_OPERATOR)
            }
            Outage::BehindProxy { at, status } => Said::new(format!(
                "{} 的服务器有响应，但其后的中继没有（HTTP {status}）。中继可能正在启动。",
                place(at)
            )),
            Outage::NoRelay { at, .. } => check(Said::new(format!("{} 上没有 Raidcast 中继。", place(at)))),
            Outage::Unexpected { at, status } => {
                check(Said::new(format!("{} 的响应不像是 Raidcast 中继（HTTP {status}）。", place(at))))
            }
            Outage::Moved { at, to: Some(to) } => {
                let to = quoted(to);
                Said::new(format!("{} 已重定向到 {to}。", place(at)))
                    .and(format!("如果您信任它，请在设置中把中继地址改为 {to}。"))
            }
            Outage::Moved { at, to: None } => Said::new(format!("{} 已重定向到其他地址。", place(at))).and(CHECK_RELAY),
            Outage::NotWebSocket { at } => check(Said::new(format!("{} 的服务器不是 Raidcast 中继。", place(at)))),
            Outage::SpeaksHttps => {
                Said::new("这个中继使用 https，而不是 http。").and("请在设置中让中继地址以 https:// 开头。")
            }
            Outage::SpeaksHttp => {
                Said::new("这个中继使用 http，而不是 https。").and("请在设置中让中继地址以 http:// 开头。")
            }
            Outage::NotListening { at } => Said::new(format!("{} 上没有程序在监听。", place(at)))
                .and(if was_connected { "请确认中继正在运行。" } else { CHECK_RELAY }),
            Outage::NothingThere { at } => check(Said::new(format!("{} 没有响应。", place(at)))),
            Outage::Unreachable { at } => {
                Said::new(format!("无法连接到 {}。", place(at))).and("请检查这台电脑的网络。")
            }
            Outage::UnknownHost { host } => Said::new(format!("找不到名为 {} 的主机。", quoted(host)))
                .and(if was_connected { "请检查这台电脑的网络。" } else { CHECK_RELAY }),
            Outage::Certificate { at, why } => certificate(*why, &place(at)),
            Outage::NoCommonTls { at } => {
                Said::new(format!("{} 不支持 Raidcast 需要的安全连接（TLS 1.2 或 1.3）。", place(at)))
                    .and(TELL_OPERATOR)
            }
            Outage::Insecure { at } => Said::new(format!("无法与 {} 建立安全连接。", place(at))).and(TELL_OPERATOR),
            Outage::Os { at, error } => Said::new(format!("与 {} 的连接失败：{}", place(at), ended(&error.text, '。'))),
            Outage::Failed { at, text } => Said::new(format!("未能与 {} 建立连接：{}", place(at), ended(text, '。'))),
        }
    }

    fn nowhere(&self, looked: &[PathBuf], wine: bool) -> Said {
        let wine = if wine { "，包括 Wine 和 Proton 的文件夹" } else { "" };
        let places = match looked.len() {
            0 => String::new(),
            n => format!("已查找 {n} 个位置{wine}。"),
        };
        Said::new(format!("没有找到统计工具的数据库。{places}")).and("请先启动一次统计工具，或在设置中选择它的数据库。")
    }

    fn silent(&self, path: Option<&Path>) -> Said {
        let what =
            path.map_or_else(|| "部分可能存放统计工具数据库的文件夹".to_owned(), |path| format!("{} ", path.display()));
        Said::new(format!("{what}无法查看：磁盘没有响应。"))
            .and("请检查网络硬盘是否已断开，或在设置中选择统计工具的数据库。")
    }

    fn source(&self, error: &SourceError) -> Said {
        match error {
            SourceError::Gone { path } => Said::new(format!("{} 不存在。统计工具写入后会立即读取。", path.display()))
                .and("请启动统计工具，或在设置中选择另一个数据库。"),
            SourceError::Empty { path } => {
                Said::new(format!("{} 中还没有数据表。统计工具建表后会立即读取。", path.display()))
                    .and("请启动统计工具。")
            }
            SourceError::Locked { path } => {
                Said::new(format!("{} 正被另一个程序占用，稍后会自动重试。", path.display()))
            }
            SourceError::Unsupported { path, why } => unsupported(*why, path),
            SourceError::Upgraded { path } => {
                Said::new(format!("另一个版本的统计工具改动了 {}，正在重新读取。", path.display()))
            }
            SourceError::Unreadable { why, .. } => self.unreadable(*why),
            SourceError::Damaged { path } => Said::new(format!("数据库 {} 已损坏。", path.display()))
                .and("请启动统计工具，它或许能修复。如果不能，请在设置中选择较早的备份。"),
            SourceError::Database { path, text, .. } => {
                Said::new(format!("无法读取 {}：{}", path.display(), ended(text, '。')))
            }
        }
    }

    fn unreadable(&self, why: Unreadable) -> Said {
        match why {
            Unreadable::NoSummary => Said::new("统计工具没有保存这场战斗的汇总数据，因此无法发送。"),
            Unreadable::TooLarge { bytes, at_most } => {
                Said::new(format!("这场战斗的汇总数据有 {bytes} 字节，超过了可读取的上限（{at_most} 字节）。"))
            }
            Unreadable::NotPacked => Said::new("这场战斗的汇总数据已损坏，因此无法发送。"),
            Unreadable::TooLong { at_most } => {
                Said::new(format!("这场战斗的汇总数据解压后超过了上限（{at_most} 字节）。"))
            }
            Unreadable::UnknownLayout => {
                Said::new("这场战斗由另一个版本的统计工具写入，当前版本的 Raidcast 无法识别其格式。").and(UPDATE)
            }
        }
    }

    fn stall(&self, why: &Stall) -> Said {
        match why {
            Stall::Deleted { dir } => {
                Said::new(format!("文件夹 {} 在使用中被删除。数据没有丢失：战斗记录仍在统计工具中。", dir.display()))
                    .and(START_AGAIN)
            }
            Stall::Unwritable { dir, error } => Said::new(format!(
                "无法写入 {}（{}）。数据没有丢失：战斗记录仍在统计工具中。",
                dir.display(),
                quoted(&error.text)
            ))
            .and(match error.kind {
                OsErrorKind::PermissionDenied | OsErrorKind::ReadOnly => "请允许当前用户写入该文件夹。",
                OsErrorKind::NoRoom | OsErrorKind::Other => "请在该磁盘上腾出空间。",
            }),
            Stall::SpoolLost { path } => {
                Said::new(format!("{} 在使用中被删除。数据没有丢失：会从统计工具重新读取这场战斗。", path.display()))
                    .and(START_AGAIN)
            }
        }
    }

    fn folder(&self, error: &FolderError) -> Said {
        match error {
            FolderError::InUse { process, .. } => {
                let who = process.map(|id| format!("（进程 {id}）")).unwrap_or_default();
                Said::new(format!("另一个 Raidcast{who}正在这台电脑上运行。"))
                    .and("如果想使用当前这个，请先退出另一个。")
            }
            FolderError::Deleted { dir } => {
                Said::new(format!("文件夹 {} 在使用中被删除。", dir.display())).and(START_AGAIN)
            }
            FolderError::Io { path, error } => Said::new(format!("无法使用 {}（{}）。", path.display(), told(error)))
                .and("请允许当前用户读写它，并确认磁盘有空间。"),
            FolderError::Newer { dir, by } => {
                let by = if by.is_empty() { String::new() } else { format!("（{}）", quoted(by)) };
                Said::new(format!("较新版本的 Raidcast{by}使用过文件夹 {}，其中的内容保持不变。", dir.display()))
                    .and("请使用较新的版本，或更新此版本。")
            }
            FolderError::Damaged { path, why } => {
                let why = match why {
                    Damage::Json(error) => quoted(&error.to_string()),
                    Damage::Secret => "其中的凭据不是 Raidcast 写入的".to_owned(),
                };
                Said::new(format!("{} 已损坏（{why}）。", path.display()))
                    .and("请将该文件移到别处并重新启动 Raidcast，尚未发送的内容会重新读取。")
            }
        }
    }

    fn spool(&self, error: &SpoolError) -> Said {
        match error {
            SpoolError::Io { path, error } => Said::new(format!("无法使用 {}（{}）。", path.display(), told(error)))
                .and("如果一直如此，请把该文件移到别处：会从统计工具重新读取这场战斗。"),
            SpoolError::Lost { path } => Said::new(format!("{} 被删除，无法再读取。", path.display())).and(START_AGAIN),
            SpoolError::Damaged { path } => Said::new(format!("{} 已损坏。", path.display()))
                .and("请把该文件移到别处：会从统计工具重新读取这场战斗。"),
        }
    }

    fn address(&self, error: &AddressError) -> Said {
        const LIKE: &str = "请输入类似 https://raidcast.example 的地址，或邀请链接。";
        let (url, why) = match error {
            AddressError::Key => return Said::new("密钥中含有无效字符。").and(COPY_KEY),
            AddressError::Url { url, why } => (quoted(url), why),
        };
        let shown = if url.is_empty() { "这".to_owned() } else { format!("{url} ") };
        let why = match why {
            WrongUrl::Secret => "@ 前面带有用户名或密钥".to_owned(),
            WrongUrl::NoScheme => "缺少 http:// 或 https://".to_owned(),
            WrongUrl::Scheme(scheme) => format!("中继不支持 {}://", quoted(scheme)),
            WrongUrl::Query => "其中含有 ? 或 #".to_owned(),
            WrongUrl::Host => "缺少主机名，或含有无效字符".to_owned(),
            WrongUrl::Port => "缺少主机名，或端口无效".to_owned(),
            WrongUrl::Page { relay, .. } => {
                return Said::new(format!("{shown}是中继的一个页面。")).and(format!("请只输入 {}。", quoted(relay)));
            }
        };
        Said::new(format!("{shown}不是中继地址：{why}。")).and(LIKE)
    }

    fn run(&self, error: &WatchError) -> Said {
        match error {
            WatchError::Folder(error) => self.folder(error),
            WatchError::Spool(error) => self.spool(error),
            WatchError::Address(error) => self.address(error),
            WatchError::Unauthorized { .. } => Said::new("中继不接受这台电脑的密钥。").and(PAIR_AGAIN),
            WatchError::Forbidden { text } => {
                Said::new(format!("这台电脑的密钥没有上传权限：{}", ended(text, '。'))).and(ASK_OPERATOR)
            }
            WatchError::Refused { code, text } => self.refused(*code, text),
            WatchError::NoMeter { why, .. } => self.no_database(why),
        }
    }

    fn refused(&self, code: RefusedCode, text: &str) -> Said {
        let told = Said::new(format!("中继拒绝接收：{}", ended(text, '。')));
        match code {
            RefusedCode::UnknownHandle => {
                Said::new("另一个 Raidcast 也在直播这场战斗。当前这个会等待，待另一个停止后继续。")
            }
            RefusedCode::Fenced | RefusedCode::RaidForbidden => Said::new(
                "另一个 Raidcast 正在使用同一份直播记录，可能是数据文件夹被复制过。当前这个会新建一份记录继续直播。",
            ),
            RefusedCode::Unauthorized => told.and(PAIR_AGAIN),
            RefusedCode::ProtocolUnsupported
            | RefusedCode::NotSupported
            | RefusedCode::HelloExpected
            | RefusedCode::HelloTwice
            | RefusedCode::Malformed
            | RefusedCode::FrameTooLong
            | RefusedCode::TooDeep
            | RefusedCode::TrailingBytes
            | RefusedCode::NotUtf8
            | RefusedCode::UnknownFrame
            | RefusedCode::AfterEnd
            | RefusedCode::IndexOutOfRange
            | RefusedCode::BadColumns
            | RefusedCode::BadEvent
            | RefusedCode::NumberTooLarge
            | RefusedCode::BadText
            | RefusedCode::ChecksumDiffers => told.and("请更新 Raidcast，或询问中继的管理员。"),
            RefusedCode::LimitReached => told.and(ASK_OPERATOR),
            RefusedCode::TooFast | RefusedCode::StoreUnavailable | RefusedCode::Other => told,
        }
    }

    fn not_sent(&self, why: &NotSent) -> Said {
        match why {
            NotSent::Refused { code, text } => self.refused(*code, text),
            NotSent::NotTaken { status, text: None, .. } => {
                Said::new(format!("中继前端的服务器拒绝接收这场战斗（HTTP {status}）。")).and(ASK_OPERATOR)
            }
            NotSent::NotTaken { text: Some(text), details, .. } => {
                let details =
                    if details.is_empty() { String::new() } else { format!("（{}）", quoted(&details.join("; "))) };
                Said::new(format!("中继拒绝接收这场战斗：{}{details}", ended(text, '。'))).and(UPDATE)
            }
            NotSent::NotNow { why, retry_s } => {
                let said = self.outage(why, false);
                match retry_s {
                    Some(seconds) => said.and(format!("请在 {} 后再试。", span(*seconds))),
                    None => said,
                }
            }
            NotSent::Nameless => {
                Said::new("同一玩家在同一时刻还有另一场战斗开始，整场上传无法区分这两场。").and("请在这里上传。")
            }
            NotSent::Removed => Said::new("这场战斗在读取之前就被统计工具从数据库中删除了。"),
            NotSent::Unreadable { why } => self.unreadable(*why),
            NotSent::Said(text) => self.as_told(text),
        }
    }

    fn why(&self, why: &Why) -> Said {
        match why {
            Why::Kept => Said::new("中继已从别处收到这场战斗更完整的数据，报告保持不变。"),
            Why::NotSent(why) => self.not_sent(why),
            Why::Queued => Said::new("前面还有其他战斗在排队。"),
            Why::Arrived { parts, of } => Said::new(format!("{of} 段数据中已送达 {parts} 段。")),
            Why::ArrivedWhole { ended: true } => Said::new("已全部送达，正在生成报告。"),
            Why::ArrivedWhole { ended: false } => Said::new("目前的数据已全部送达。"),
            Why::Unanswered => Said::new("中继尚未响应。"),
            Why::Trouble(trouble) => self.trouble(trouble),
            Why::NotRunning { history: false } => Said::new("Raidcast 恢复读取统计工具后会继续发送。"),
            Why::NotRunning { history: true } => Said::new("上次的上传没有完成。").and("请再次上传，不会重复发送。"),
            Why::NotPosted => Said::new("整场上传没有完成。").and("请在这里上传，不会重复发送。"),
        }
    }

    fn settings(&self, fault: &SettingsFault) -> Said {
        match fault {
            SettingsFault::File { path, why } => file_fault(why, path),
            SettingsFault::Unwritten { path, error } => {
                Said::new(format!("无法写入设置文件 {}（{}）。", path.display(), quoted(&error.text))).and(LET_WRITE)
            }
            SettingsFault::PathSigns { path } => {
                Said::new(format!("{} 中含有设置文件无法保存的字符。", quoted(&path.to_string_lossy())))
                    .and("请给文件或文件夹换一个名字。")
            }
            SettingsFault::NoRelay => Said::new("尚未设置中继。").and("请输入中继地址。"),
            SettingsFault::NoKey => Said::new("这台电脑没有该中继的密钥。").and("请配对这台电脑，或粘贴密钥。"),
            SettingsFault::NoState => {
                Said::new("这台电脑没有供 Raidcast 保存数据的文件夹。").and("请以拥有主文件夹的用户启动 Raidcast。")
            }
            SettingsFault::Title(TitleFault::TooLong) => {
                Said::new(format!("标题最多 {TITLE_CHARS_MAX} 个字符。")).and("请换一个短一些的。")
            }
            SettingsFault::Title(TitleFault::Signs) => {
                Said::new("标题中含有标签或无法显示的字符。").and("请换一个标题。")
            }
            SettingsFault::Key(why) => key_trouble(*why),
            SettingsFault::Delay => Said::new(format!("延迟须在 0 到 {DELAY_S_MAX} 秒之间。")).and("请在设置中改正。"),
            SettingsFault::Database(error) => self.source(error),
            SettingsFault::Trust(error) => self.trust(error),
            SettingsFault::Keys { file, error } => self.keys(error, file),
            SettingsFault::Address(error) => self.address(error),
        }
    }

    fn keys(&self, error: &KeysError, file: &Path) -> Said {
        match error {
            KeysError::File(error) => Said::new(format!("无法读写密钥文件 {}（{}）。", file.display(), told(error)))
                .and("请允许当前用户读写它。如果它是由其他程序写入的，请将它移到别处并重新配对。"),
            KeysError::System(SystemError::Gone { store }) => Said::new(format!(
                "这个中继的密钥保存在系统的密钥库（{store}）中，但无法取出：密钥库已锁定，或密钥已被删除。"
            ))
            .and("请解锁密钥库，或重新配对这台电脑。"),
            KeysError::System(SystemError::Silent { store }) => {
                Said::new(format!("这个中继的密钥保存在系统的密钥库（{store}）中，但密钥库一分钟内没有响应。"))
                    .and("请检查它是否在等待输入密码，或重新配对这台电脑。")
            }
            KeysError::System(SystemError::Refused { store, why }) => Said::new(format!(
                "这个中继的密钥保存在系统的密钥库（{store}）中，但密钥库拒绝提供（{}）。",
                quoted(why)
            ))
            .and("如果密钥库已锁定，请解锁，或重新配对这台电脑。"),
            KeysError::NoStore => {
                Said::new(format!("根据 {}，这个中继的密钥在当前版本的 Raidcast 不支持的密钥库中。", file.display()))
                    .and(PAIR_AGAIN)
            }
        }
    }

    fn trust(&self, error: &TrustError) -> Said {
        Said::new(format!("无法使用 {} 中的证书颁发机构：{}", error.path.display(), ended(&error.why, '。')))
            .and("请填写其他的证书颁发机构文件，或留空。")
    }

    fn pairing(&self, error: &PairingError) -> Said {
        match error {
            PairingError::Address(error) => self.address(error),
            PairingError::Outage(why) => self.outage(why, false),
            PairingError::Unknown => Said::new("这个地址的服务器不支持配对。")
                .and("请检查中继地址。较旧的中继只接受管理员发放的密钥，请改为粘贴密钥。"),
            PairingError::Denied => {
                Said::new("配对请求已在中继页面上被拒绝，这台电脑没有配对。").and("如果是误操作，请重新开始。")
            }
            PairingError::Expired => Said::new("代码未在有效期内输入，这台电脑没有配对。").and("请获取新的代码。"),
            PairingError::Refused { text, retry_s } => {
                let said = Said::new(format!("中继提示：{}", ended(text, '。')));
                match retry_s {
                    Some(seconds) => said.and(format!("请在 {} 后再试。", span(*seconds))),
                    None => said,
                }
            }
        }
    }

    fn key(&self, failure: &Failure) -> Said {
        match failure {
            Failure::NotTaken { status, text, .. } => match text {
                Some(text) => Said::new(format!("中继提示：{}", ended(text, '。'))).and(CHECK_RELAY),
                None => Said::new(format!("该地址的服务器拒绝了这个请求（HTTP {status}）。")).and(CHECK_RELAY),
            },
            Failure::Unauthorized { .. } => Said::new("中继不接受这个密钥，因此没有保存。").and(COPY_KEY),
            Failure::Forbidden { .. } => Said::new("这个密钥有效，但没有上传权限，因此没有保存。").and(ASK_OPERATOR),
            Failure::NotNow { why, wait } => {
                let said = self.outage(why, false);
                match wait {
                    Wait::For(time) => said.and(format!("请在 {} 后再试。", span(time.as_secs()))),
                    Wait::Step | Wait::NextRun => said,
                }
            }
            Failure::Nowhere { why } => self.outage(why, false),
        }
    }

    fn own(&self, fault: &OwnFault) -> Said {
        match fault {
            OwnFault::Newer { path } => Said::new(format!(
                "{} 由较新版本的 Raidcast 写入，因此不会改动它。您在这里的更改只在 Raidcast 退出前有效。",
                path.display()
            ))
            .and("请使用较新的版本，或更新此版本。"),
            OwnFault::Damaged { path, text } => Said::new(format!(
                "{} 的内容不是 Raidcast 写入的（{}），因此不会改动它。您在这里的更改只在 Raidcast 退出前有效。",
                path.display(),
                quoted(text)
            ))
            .and("请将该文件移到别处并重新启动 Raidcast。"),
            OwnFault::Unread { path, error } => {
                Said::new(format!("无法读取 {}（{}）。", path.display(), quoted(&error.text)))
                    .and("请允许当前用户读写它。")
            }
            OwnFault::Unwritten { path, error } => Said::new(format!(
                "无法写入 {}（{}），您的更改只在 Raidcast 退出前有效。",
                path.display(),
                quoted(&error.text)
            ))
            .and(LET_WRITE),
        }
    }

    fn update(&self, fault: &UpdateFault) -> Said {
        updates::update(fault)
    }

    fn link(&self, fault: &LinkFault) -> Said {
        match fault {
            LinkFault::Missing => Said::new("还没有链接。").and("请等待中继响应。"),
            LinkFault::NoLink => Said::new("这不是浏览器能打开的链接。").and(TELL_OPERATOR),
            LinkFault::Elsewhere { host } => {
                Said::new(format!("这个链接指向 {}，不是您设置的中继，因此不会在这里打开。", quoted(host)))
                    .and("如果您信任它，可以复制链接后自行打开。")
            }
        }
    }

    fn as_told(&self, text: &str) -> Said {
        Said::new(ended(text, '。'))
    }
}

/// Host and port, as people know them.
fn place(at: &Address) -> String {
    format!("{}:{}", quoted(&at.host), at.port)
}

/// What the system says, without its number.
fn told(error: &io::Error) -> String {
    quoted(&OsError::from(error).text)
}

fn certificate(why: Certificate, place: &str) -> Said {
    match why {
        Certificate::Expired => {
            Said::new(format!("{place} 的证书已过期。")).and("请检查这台电脑的日期，或告知中继的管理员。")
        }
        Certificate::NotYetValid => {
            Said::new(format!("{place} 的证书尚未生效。")).and("请检查这台电脑的日期，或告知中继的管理员。")
        }
        Certificate::OtherName => {
            Said::new(format!("{place} 的证书属于另一个域名。")).and("请在设置中检查中继地址，或告知中继的管理员。")
        }
        Certificate::Revoked => Said::new(format!("{place} 的证书已被吊销。")).and(TELL_OPERATOR),
        Certificate::UnknownAuthority => Said::new(format!("{place} 的证书来自未知的颁发机构。"))
            .and("如果是您自己的颁发机构，请把它的证书文件填为证书颁发机构文件。否则请告知中继的管理员。"),
        Certificate::OfAnAuthority => {
            Said::new(format!("{place} 的证书属于颁发机构，而不是服务器。")).and(TELL_OPERATOR)
        }
        Certificate::Unusable => Said::new(format!("{place} 的证书无法使用。")).and(TELL_OPERATOR),
    }
}

fn unsupported(why: Unsupported, path: &Path) -> Said {
    let path = path.display();
    match why {
        Unsupported::Folder => Said::new(format!("{path} 是一个文件夹。")).and(CHOOSE_METER),
        Unsupported::Device => Said::new(format!("{path} 是管道或设备，不是文件。")).and(CHOOSE_METER),
        Unsupported::Forbidden => Said::new(format!("当前用户无权读取 {path}。"))
            .and("请以运行统计工具的用户启动 Raidcast，或允许当前用户读取该文件。"),
        Unsupported::LogOfAnother => {
            Said::new(format!("统计工具最近的改动在 {path} 旁的 -wal 文件中，当前用户无权使用该文件。"))
                .and("请以运行统计工具的用户启动 Raidcast。")
        }
        Unsupported::Interrupted => Said::new(format!("统计工具在写入 {path} 时被中断，留下了未完成的改动。"))
            .and("请启动一次统计工具，它会还原这些改动。"),
        Unsupported::UnknownTables => {
            Said::new(format!("当前版本的 Raidcast 无法识别统计工具在 {path} 中保存战斗的方式。")).and(UPDATE)
        }
        Unsupported::NotSqlite => Said::new(format!("{path} 不是数据库。")).and(CHOOSE_METER),
        Unsupported::NoTables => Said::new(format!("{path} 不是已知统计工具的数据库。")).and(CHOOSE_METER),
    }
}

fn file_fault(why: &FileFault, path: &Path) -> Said {
    let path = path.display();
    match why {
        FileFault::Folder => {
            Said::new(format!("设置文件的位置被一个文件夹占用：{path}。")).and("请将该文件夹移到别处。")
        }
        FileFault::NotThere => Said::new(format!("设置文件 {path} 不存在。")).and("请将它放回原处。"),
        FileFault::TextFile { name } => Said::new(format!("设置文件 {path} 不存在，但旁边有 {name}.txt。"))
            .and(format!("请将 {name}.txt 重命名为 {name}。")),
        FileFault::Io(error) => {
            Said::new(format!("无法读取设置文件 {path}（{}）。", quoted(&error.text))).and("请允许当前用户读取它。")
        }
        FileFault::NotUtf8 => Said::new(format!("设置文件 {path} 不是 UTF-8 文本。")).and("请将它另存为 UTF-8 编码。"),
        FileFault::Line { line, entry } => {
            Said::new(format!("设置文件 {path} 第 {line} 行的 {} 格式不正确。", entry.name()))
                .and("请改正或删除这一行。")
        }
        FileFault::WindowsPath => Said::new(format!("设置文件 {path} 中有路径写在双引号里。"))
            .and(r"请把 Windows 路径写在单引号里，例如 'C:\folder'。"),
        FileFault::Choice { entry, of } => Said::new(format!("设置文件 {path} 中的 {} 的值无效。", entry.name()))
            .and(format!("请用小写填写以下值之一：{}。", of.join(", "))),
        FileFault::KeyNotText => Said::new(format!("设置文件 {path} 中的密钥不是文本。"))
            .and("请用引号括住密钥，或删除这一行并配对这台电脑。"),
        FileFault::Toml { text } => {
            Said::new(format!("设置文件 {path} 无法解析：{}", ended(text, '。'))).and("请改正它。")
        }
    }
}

fn key_trouble(why: KeyTrouble) -> Said {
    match why {
        KeyTrouble::Quoted => Said::new("密钥前后带有引号。").and("请去掉引号。"),
        KeyTrouble::Damaged => Said::new("密钥不完整，或有字符错误。").and(COPY_KEY),
        KeyTrouble::Signs(KeyFault::Empty) => Said::new("密钥为空。").and("请粘贴您获得的中继密钥。"),
        KeyTrouble::Signs(KeyFault::Characters) => {
            Said::new("密钥中含有无效字符，例如空格、换行或中文。").and(COPY_KEY)
        }
        KeyTrouble::Signs(KeyFault::TooLong) => Said::new("密钥过长。").and(COPY_KEY),
    }
}
