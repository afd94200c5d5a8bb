//! What an innocent raid waits for its acknowledgements while two raids of the largest allowed size are looked at.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use raidcast_relay::serve::Relay;
use raidcast_shared::columns;
use raidcast_shared::event::{ActorEntry, ActorIx, ActorKind, Hit, HitFlags, HitKind, Knows, SkillIx, TimedHit};
use raidcast_shared::id::{ActorId, SkillId};
use raidcast_shared::limits::{DELTA_HITS_MAX, ENCOUNTER_HITS_MAX, ENCOUNTER_ROWS_MAX};
use raidcast_shared::uplink::{Delta, Header};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fight::Uplink;
use crate::store::{config, key};

const VISITORS: usize = 50;
const PLAYERS: usize = 32;
const SKILLS: usize = ENCOUNTER_ROWS_MAX / PLAYERS;
/// A delta of the innocent raid goes out this often.
const EVERY: Duration = Duration::from_millis(50);

fn header(started_at_ms: i64) -> Header {
    Header {
        started_at_ms,
        scene_id: None,
        scene: None,
        difficulty: None,
        local: None,
        knows: Knows { hits: true, ..Knows::default() },
        cols: columns::own_columns(),
    }
}

fn delta(seq: u64, hits: impl Iterator<Item = (u32, usize, usize, u64)>) -> Delta {
    let hits: Vec<_> = hits
        .map(|(at_ms, player, skill, amount)| {
            let hit = Hit {
                source: ActorIx(player as u16),
                target: ActorIx(PLAYERS as u16),
                skill: SkillIx(skill as u16),
                kind: HitKind::Damage,
                amount,
                flags: HitFlags(HitFlags::BOSS),
                shield: 0,
                overheal: 0,
            };
            TimedHit { at_ms, hit }
        })
        .collect();
    let (base_ms, columns) = columns::encode(&hits);
    let mut delta = Delta { seq, base_ms, hits: hits.len() as u32, columns: columns.into(), ..Delta::default() };
    if seq == 1 {
        let kind = |actor| if actor == PLAYERS { ActorKind::Monster } else { ActorKind::Player };
        let entry = |actor| ActorEntry { id: ActorId::clear(1 + actor as u64), kind: kind(actor), owner: None };
        delta.actors = (0..=PLAYERS).map(entry).collect();
        delta.skills = (0..SKILLS as i64).map(|base| SkillId { base: 1 + base, variant: None }).collect();
    }
    delta
}

/// A raid with all rows and but a few of the hits that there may be; gives what goes on with it.
async fn large(url: &str, n: u128) -> Result<(Uplink, u32, String, u64)> {
    let mut uplink = Uplink::connect(url, key(), n).await?;
    let begun = uplink.begin(&header(1_790_000_000_000), n).await?;
    let count = DELTA_HITS_MAX as u64;
    let last = ENCOUNTER_HITS_MAX / count - 1;
    for seq in 1..=last {
        let hits = ((seq - 1) * count..seq * count).map(|n| {
            let row = n as usize % ENCOUNTER_ROWS_MAX;
            ((n * 3) as u32, row % PLAYERS, row / PLAYERS, 1_000 + n * 7_919 % 30_000)
        });
        uplink.deltas(begun.h, &[delta(seq, hits)]).await?;
    }
    Ok((uplink, begun.h, begun.report, last))
}

/// Waits for acknowledgements, ms.
async fn acks(uplink: &mut Uplink, h: u32, seq: &mut u64, during: Duration) -> Result<Vec<f64>> {
    let mut waits = Vec::new();
    let mut ticks = tokio::time::interval(EVERY);
    let began = Instant::now();
    while began.elapsed() < during {
        ticks.tick().await;
        *seq += 1;
        let next = delta(*seq, (0..20).map(|n| (*seq as u32 * 50, n, n, 1_000)));
        let sent = Instant::now();
        uplink.deltas(h, &[next]).await?;
        waits.push(sent.elapsed().as_secs_f64() * 1e3);
    }
    waits.sort_by(f64::total_cmp);
    Ok(waits)
}

/// What visitors were answered.
#[derive(Default)]
struct Looks {
    answers: usize,
    bytes: usize,
    refused: usize,
}

/// A visitor with an address of its own, as visitors have, who looks again as soon as it was answered, and waits as long
/// as it is told where that is too often.
async fn look(relay: SocketAddr, from: Ipv4Addr, path: &str, end: &CancellationToken) -> Result<Looks> {
    let mut looks = Looks::default();
    let request = format!("GET {path} HTTP/1.1\r\nHost: relay\r\nAccept-Encoding: br\r\nConnection: close\r\n\r\n");
    while !end.is_cancelled() {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let mut stream = socket.connect(relay).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        if answer.starts_with(b"HTTP/1.1 200") {
            looks.answers += 1;
            looks.bytes += answer.len();
            continue;
        }
        looks.refused += 1;
        let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        let later = head.split("\r\nretry-after: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        let later = Duration::from_secs(later.with_context(|| format!("it was refused: {head}"))?);
        tokio::select! {
            () = tokio::time::sleep(later) => {}
            () = end.cancelled() => {}
        }
    }
    Ok(looks)
}

/// Visitors of some raids, on a thread of their own. They stand for other people's machines: where they and the relay want
/// the same core, the relay goes first.
fn visit(relay: SocketAddr, reports: Vec<String>, end: CancellationToken) -> std::thread::JoinHandle<Result<Looks>> {
    std::thread::spawn(move || {
        #[cfg(target_os = "linux")]
        rustix::process::setpriority_process(None, 19)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let visitor = |n: usize| {
                let path = format!("/api/v1/reports/{}", reports[n % reports.len()]);
                let (from, end) = (Ipv4Addr::new(127, 0, 1, 1 + n as u8), &end);
                // They don't all come in one instant.
                let comes = Duration::from_millis(1_000 * n as u64 / VISITORS as u64);
                async move {
                    tokio::time::sleep(comes).await;
                    look(relay, from, &path, end).await
                }
            };
            let all = futures::future::try_join_all((0..VISITORS).map(visitor)).await?;
            Ok(all.into_iter().fold(Looks::default(), |sum, one| Looks {
                answers: sum.answers + one.answers,
                bytes: sum.bytes + one.bytes,
                refused: sum.refused + one.refused,
            }))
        })
    })
}

pub(crate) async fn measure(seconds: u32) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let relay = Relay::start(&config(folder.path())).await?;
    let addr = *relay.addrs().first().context("it listens")?;
    let url = format!("http://{addr}");
    let heavy = [large(&url, 1).await?, large(&url, 2).await?];
    let mut innocent = Uplink::connect(&url, key(), 3).await?;
    let h = innocent.begin(&header(1_790_000_000_000), 3).await?.h;
    let end = CancellationToken::new();
    let mut others = tokio::task::JoinSet::new();
    let mut reports = Vec::new();
    for (mut uplink, h, report, mut seq) in heavy {
        reports.push(report);
        let end = end.clone();
        others.spawn(async move {
            let mut ticks = tokio::time::interval(2 * EVERY);
            while !end.is_cancelled() {
                ticks.tick().await;
                seq += 1;
                uplink.deltas(h, &[delta(seq, std::iter::once((seq as u32, 0, 0, 1)))]).await?;
            }
            Ok::<(), anyhow::Error>(())
        });
    }
    // They stream all the time: what differs is who looks.
    let (mut seq, during) = (0, Duration::from_secs(seconds.into()));
    let quiet = acks(&mut innocent, h, &mut seq, during).await?;
    let visitors = visit(addr, reports, end.clone());
    let made = relay.answers().made();
    let loud = acks(&mut innocent, h, &mut seq, during).await?;
    let made = relay.answers().made() - made;
    end.cancel();
    while let Some(done) = others.join_next().await {
        done??;
    }
    let looks = tokio::task::spawn_blocking(move || visitors.join()).await?;
    let looks = looks.map_err(|_| anyhow::anyhow!("the visitors broke off"))??;
    drop(innocent);
    relay.stop().await;
    println!("{VISITORS} visitors of two raids of {ENCOUNTER_ROWS_MAX} rows and {ENCOUNTER_HITS_MAX} hits");
    let Looks { answers, bytes, refused } = looks;
    let kib = bytes / answers.max(1) / 1024;
    println!("  {answers} answers of {kib} KiB in {seconds} s, of {made} folds; {refused} times a visitor was to wait");
    println!("  an innocent raid's ack, ms                      p50     p99");
    let at = |waits: &[f64], share: f64| waits[((waits.len() as f64 * share) as usize).min(waits.len() - 1)];
    for (name, waits) in [("quiet", &quiet), ("while they are looked at", &loud)] {
        println!("  {name:<45} {:6.1}  {:6.1}", at(waits, 0.5), at(waits, 0.99));
    }
    let ratio = |share| at(&loud, share) / at(&quiet, share);
    println!("  {:<45} {:6.1}  {:6.1}", "so many times its quiet value", ratio(0.5), ratio(0.99));
    Ok(())
}
