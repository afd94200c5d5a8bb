//! A thousand spectators of one fight, in a process of its own: all end on the relay's state, whoever stalls or leaves
//! and whatever pace they chose, and the relay's memory does not grow with those who stall.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use raidcast_relay::access::Admitted;
use raidcast_relay::fanout::{Format, Pace, Patience, Room, Socket, Whom, Wish};
use raidcast_relay::limits::EdgeLimits;
use raidcast_shared::feed::{
    Detail, FeedEvent, FeedFrame, FeedHappening, FeedRaid, FeedRequest, FrameTimes, Keyframe, SUBPROTOCOL,
    SUBPROTOCOL_JSON, Tick,
};
use raidcast_shared::report::{SkillKind, SkillRow};
use raidcast_shared::uplink::{NamesPolicy, Outcome, UplinkReply, Visibility};
use raidcast_store::Tickets;
use tokio::io::AsyncReadExt as _;

use crate::process::{RELAY, Run, client};
use crate::script::{Script, Seen, Spectator, hello, soon};

const SPECTATORS: usize = 1_000;
const LEAVING: usize = 50;
const STALLED: usize = 60;

fn is_final(seen: &Seen) -> bool {
    seen.state.as_deref() == Some("Final") && seen.checksum.is_some()
}

fn protocol(at: usize) -> &'static str {
    if at.is_multiple_of(4) { SUBPROTOCOL_JSON } else { SUBPROTOCOL }
}

/// Resident memory of a process, KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Who listens to the end, at a pace of its own.
async fn listen(mut spectator: Spectator, at: usize) -> (Seen, Vec<u64>) {
    let pace = [5, 1, 10, 5][at % 4];
    if pace != 5 {
        spectator.ask(&FeedRequest::Pace { ticks: pace }).await;
    }
    let seen = spectator.until("the end", is_final).await;
    (seen, spectator.events)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_spectators_end_on_one_state_and_the_stalled_cost_nothing() {
    let run = Run::new(&client());
    // All of them come from here.
    let mut command = std::process::Command::new(RELAY);
    let relay = run.relay_under(command.args(["--connections-per-address", "2000"]));
    let mut uploader = run.uploader(hello()).await;
    let feed = format!("http://127.0.0.1:{}/api/v1/raids/{}/feed", run.port, uploader.welcome.raid);
    let fight = Script::new(1_200, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..100]).await;
    uploader.acked(100).await;

    let mut spectators = Vec::new();
    for batch in 0..SPECTATORS / 50 {
        let join = (batch * 50..batch * 50 + 50).map(|at| Spectator::join_at(&feed, protocol(at)));
        spectators.extend(join_all(join).await);
    }
    let stalled = spectators.split_off(SPECTATORS - STALLED);
    let leaving = spectators.split_off(SPECTATORS - STALLED - LEAVING);
    let listening: Vec<_> =
        spectators.into_iter().enumerate().map(|(at, spectator)| tokio::spawn(listen(spectator, at))).collect();
    let mut memory = Vec::new();
    let mut leaving = Some(leaving);
    for (at, part) in fight.deltas[100..].chunks(10).enumerate() {
        uploader.deltas(begun.h, part).await;
        uploader.acked(part.last().unwrap().seq).await;
        // The fight's pace: ticks come between its deltas.
        tokio::time::sleep(Duration::from_millis(100)).await;
        if at == 40 {
            drop(leaving.take());
        }
        memory.push(resident(relay.0.id()));
    }
    let back = join_all((0..LEAVING).map(|at| Spectator::join_at(&feed, protocol(at)))).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));

    let mut seen = Vec::new();
    for heard in listening {
        let (state, events) = soon("the end", heard).await.unwrap();
        assert!(events.windows(2).all(|pair| pair[0] < pair[1]), "events are told once and in order: {events:?}");
        seen.push(state);
    }
    for mut spectator in back.into_iter().chain(stalled) {
        seen.push(spectator.until("the end", is_final).await);
    }
    let report = run.get(&format!("/api/v1/reports/{}", begun.report)).await.expect("a report");
    assert_eq!(seen.len(), SPECTATORS);
    for state in &seen {
        assert_eq!(state.checksum.as_deref(), report["checksum"].as_str());
        assert_eq!(Some(state.damage), report["totals"]["damage"].as_u64());
        assert_eq!(state.rows, seen[0].rows);
    }
    let settled = memory[memory.len() / 4];
    let last = memory[memory.len() - 1];
    println!("relay's memory with {SPECTATORS} spectators: {settled} KiB after a quarter, {last} KiB at the end");
    assert!(settled > 0);
    // Sixty stalled spectators that were sent everything would hold some 60 MiB by now. What each may be behind by is a
    // tenth of a MiB, and the allocator takes some MiB at once.
    assert!(last < settled + 16 * 1_024, "it grew from {settled} to {last} KiB: {memory:?}");
}

/// Both ends of a loopback connection.
async fn pair() -> (std::sync::Arc<Socket>, tokio::net::TcpStream) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (std::sync::Arc::new(Socket::new(listener.accept().await.unwrap().0, None, None)), there)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tick_is_encoded_once_a_view_and_written_once_a_spectator() {
    const CROWD: usize = 600;
    const TICKS: u64 = 40;
    let tasks = tokio_util::task::TaskTracker::new();
    let mut room = Room::new(tasks.clone(), Patience::with_spectators(&EdgeLimits::default()), Arc::default());
    let keyframe = |position: u64| move |_: Pace, events, events_lost| a_keyframe(position, events, events_lost);
    let mut others = Vec::new();
    for at in 0..CROWD {
        let (here, there) = pair().await;
        let format = Format::ALL[at % 2];
        let wish =
            Wish { format, pace: Pace::default(), resume: None, by_channel: false, admitted: Admitted::AsAnybody };
        room.join(here, wish, || a_keyframe(0, 0, false)).expect("there is room");
        others.push(there);
    }
    let settled = async |room: &mut Room, position: u64, writes: u64| {
        // Those beyond the first shard are written to by tasks, a moment later.
        for _ in 0..2_000 {
            if room.counts().writes >= writes {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            room.send(keyframe(position));
        }
        assert_eq!(room.counts().writes, writes);
    };
    room.send(keyframe(0));
    settled(&mut room, 0, CROWD as u64).await;
    let keyframes = room.counts().encodes;
    assert!(keyframes <= 4, "{keyframes} keyframes for two views");
    for position in 1..=TICKS {
        // Nothing changed: nothing is written, as the count tells that comes next.
        room.send(keyframe(position - 1));
        let tick = FeedFrame::Tick(Tick { position, rows: vec![1; 200], ..Tick::default() });
        room.event(
            FeedEvent { n: position, report_id: "r".into(), what: FeedHappening::FightBegan { started_at_ms: 1 } },
            Vec::new(),
        );
        room.step(Pace::default(), position, Some(&tick));
        room.send(keyframe(position));
        settled(&mut room, position, CROWD as u64 * (position + 1)).await;
    }
    // A tick and an event in each of two formats, whoever many see them.
    assert_eq!(room.counts().encodes - keyframes, TICKS * 4);
    assert_eq!((room.counts().spectators, room.counts().waiting), (CROWD, 0));
    drop(room);
    tasks.close();
    soon("the end of all tasks", tasks.wait()).await;
}

/// The same, between which little lies on the way.
async fn narrow_pair() -> (std::sync::Arc<Socket>, tokio::net::TcpStream) {
    let (here, there) = (tokio::net::TcpSocket::new_v4().unwrap(), tokio::net::TcpSocket::new_v4().unwrap());
    here.set_send_buffer_size(16 * 1024).unwrap();
    there.set_recv_buffer_size(4 * 1024).unwrap();
    here.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = here.listen(1).unwrap();
    let there = there.connect(listener.local_addr().unwrap()).await.unwrap();
    (std::sync::Arc::new(Socket::new(listener.accept().await.unwrap().0, None, None)), there)
}

#[tokio::test]
async fn skill_rows_are_made_for_who_takes_them_and_where_they_changed() {
    const PLAYERS: usize = 40;
    let tasks = tokio_util::task::TaskTracker::new();
    let mut room = Room::new(tasks.clone(), Patience::with_spectators(&EdgeLimits::default()), Arc::default());
    let (pace, format) = (Pace::default(), Format::ALL[0]);
    let wish = Wish { format, pace, resume: None, by_channel: false, admitted: Admitted::AsAnybody };
    let keys: Vec<String> = (0..PLAYERS).map(|at| format!("player {at}")).collect();
    let mut position = 0;
    let mut step = |room: &mut Room, touched: &[String], tick_bytes: usize| {
        position += 1;
        let due = room.details_due(pace, keys.iter().map(String::as_str), touched);
        let due: Vec<String> = due.into_iter().map(str::to_owned).collect();
        let detail = |key: &String| {
            let row = SkillRow { total: position, ..a_skill() };
            let detail = Detail { position, report_id: "r".into(), player_key: key.clone(), skills: vec![row] };
            (key.clone(), FeedFrame::Detail(detail))
        };
        room.details(pace, due.iter().map(detail).collect());
        room.step(
            pace,
            position,
            Some(&FeedFrame::Tick(Tick { position, rows: vec![1; tick_bytes], ..Tick::default() })),
        );
        room.send(|_, events, lost| a_keyframe(position, events, lost));
        due
    };
    let mut others = Vec::new();
    for at in 0..PLAYERS / 4 {
        let (here, there) = narrow_pair().await;
        let (id, _) = room.join(here, wish, || a_keyframe(0, 0, false)).expect("there is room");
        let mut watched = keys[at * 4..at * 4 + 3].to_vec();
        watched.push("nobody".into());
        room.watch(id, pace, watched);
        others.push((id, there));
    }
    // All that are watched come in turn, so many a step, and those of nobody never.
    let mut first: Vec<_> = step(&mut room, &[], 1);
    assert_eq!(first.len(), 16);
    first.extend(step(&mut room, &[], 1));
    first.sort();
    first.dedup();
    assert_eq!(first.len(), 30);
    // Who has not changed is not made again, and who changed is, once.
    assert_eq!(step(&mut room, &[], 1), Vec::<String>::new());
    assert_eq!(step(&mut room, &keys[1..2], 1), keys[1..2]);
    assert_eq!(step(&mut room, &[], 1), Vec::<String>::new());
    // Nobody reads until all have stalled: nothing is made, whatever changes.
    let mut steps = 0;
    while !step(&mut room, &keys, 1024 * 1024).is_empty() {
        steps += 1;
        assert!(steps < 100, "somebody still takes what is sent");
        tokio::task::yield_now().await;
    }
    assert!(room.counts().waiting > 0);
    let made = room.counts().details;
    for _ in 0..50 {
        assert_eq!(step(&mut room, &keys, 1), Vec::<String>::new());
    }
    assert_eq!(room.counts().details, made, "nobody takes any");
    // One reads on: its three are made, and of the others none.
    let (_, there) = &mut others[0];
    let mut read = vec![0; 1 << 20];
    let mut three = loop {
        while there.try_read(&mut read).is_ok_and(|count| count > 0) {}
        let due = step(&mut room, &[], 1);
        if !due.is_empty() {
            break due;
        }
        tokio::task::yield_now().await;
    };
    three.sort();
    assert_eq!(three, keys[..3]);
    // Who leaves is not made any for.
    room.leave(others[0].0);
    assert_eq!(step(&mut room, &keys, 1), Vec::<String>::new());
}

/// Nothing moves meanwhile: a room that is small enough writes to all with each beat, a large one has tasks to wake.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_large_room_who_watches_a_player_is_sent_what_was_made_for_others_already() {
    const CROWD: usize = 600;
    let tasks = tokio_util::task::TaskTracker::new();
    let mut room = Room::new(tasks.clone(), Patience::with_spectators(&EdgeLimits::default()), Arc::default());
    let (pace, format) = (Pace::default(), Format::ALL[0]);
    let wish = Wish { format, pace, resume: None, by_channel: false, admitted: Admitted::AsAnybody };
    let mut spectators = Vec::new();
    for _ in 0..CROWD {
        let (here, there) = pair().await;
        let (id, _) = room.join(here, wish, || a_keyframe(0, 0, false)).expect("there is room");
        spectators.push((id, there));
    }
    while room.counts().writes < CROWD as u64 {
        room.send(|_, events, lost| a_keyframe(0, events, lost));
        tokio::task::yield_now().await;
    }
    let (mut last, mut before) = (spectators.pop().unwrap(), spectators.pop().unwrap());
    for (at, (id, there)) in [&mut before, &mut last].into_iter().enumerate() {
        room.watch(*id, pace, vec!["watched".into()]);
        let due: Vec<_> = room.details_due(pace, std::iter::once("watched"), &[]);
        assert_eq!(due.len(), 1 - at, "it is made for the first alone");
        let detail =
            Detail { position: 0, report_id: "of-the-watched".into(), player_key: "watched".into(), skills: vec![] };
        let made = if due.is_empty() { vec![] } else { vec![("watched".to_owned(), FeedFrame::Detail(detail))] };
        if room.details(pace, made) {
            room.step(pace, 0, None);
        }
        let mut heard = Vec::new();
        let all_told = async {
            let mut bytes = [0; 4096];
            while !heard.windows(14).any(|window| window == b"of-the-watched") {
                let count = there.read(&mut bytes).await.unwrap();
                assert!(count > 0, "the room goes on");
                heard.extend_from_slice(&bytes[..count]);
            }
        };
        // One beat: what comes with the next would come with any.
        room.send(|_, events, lost| a_keyframe(0, events, lost));
        soon("the rows", all_told).await;
    }
    drop(room);
    tasks.close();
    soon("the end of all tasks", tasks.wait()).await;
}

fn a_skill() -> SkillRow {
    SkillRow {
        skill_id: 1,
        variant_id: None,
        name: None,
        kind: SkillKind::Damage,
        total: 0,
        hits: 1,
        crit_hits: None,
        lucky_hits: None,
        max: Some(1),
    }
}

/// More than the raid's task writes to itself, so that other tasks let some of them go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_large_room_those_are_let_go_who_may_no_longer_see_it_and_hear_nothing_more() {
    const CROWD: usize = 600;
    let kinds = [Admitted::AsAnybody, Admitted::ByTicket(3), Admitted::ByTicket(2), Admitted::AsUploader];
    let tasks = tokio_util::task::TaskTracker::new();
    let mut room = Room::new(tasks.clone(), Patience::with_spectators(&EdgeLimits::default()), Arc::default());
    let mut spectators = Vec::new();
    for at in 0..CROWD {
        let (here, there) = pair().await;
        // Formats change more slowly, so that each kind has both.
        let (format, admitted) = (Format::ALL[at / 4 % 2], kinds[at % 4]);
        let wish = Wish { format, pace: Pace::default(), resume: None, by_channel: false, admitted };
        room.join(here, wish, || a_keyframe(0, 0, false)).expect("there is room");
        spectators.push((admitted, there));
    }
    while room.counts().writes < CROWD as u64 {
        room.send(|_, events, lost| a_keyframe(0, events, lost));
        tokio::task::yield_now().await;
    }
    let tickets = Tickets { raid: 3, channel: 0 };
    room.dismiss_all(Whom::NoLonger { visibility: Visibility::Private, tickets }, "it is private now", None);
    // Another change at once does not take the place of that one.
    room.dismiss_all(Whom::ByChannel, "another raid", Some(1));
    let what = FeedHappening::FightBegan { started_at_ms: 1 };
    room.event(FeedEvent { n: 1, report_id: "of-the-private-raid".into(), what }, Vec::new());
    room.step(Pace::default(), 1, Some(&FeedFrame::Tick(Tick { position: 1, ..Tick::default() })));
    room.send(|_, events, lost| a_keyframe(1, events, lost));
    drop(room);
    tasks.close();
    soon("the end of all tasks", tasks.wait()).await;
    for (at, (admitted, mut there)) in spectators.into_iter().enumerate() {
        let mut heard = Vec::new();
        soon("the end of the room", there.read_to_end(&mut heard)).await.unwrap();
        let says = |text: &str| heard.windows(text.len()).any(|window| window == text.as_bytes());
        let remains = matches!(admitted, Admitted::ByTicket(3) | Admitted::AsUploader);
        let expected = (!remains, remains);
        assert_eq!((says("it is private now"), says("of-the-private-raid")), expected, "{at}: {admitted:?}");
    }
}

fn a_keyframe(position: u64, events: u64, events_lost: bool) -> FeedFrame {
    let raid = FeedRaid {
        code: "c".into(),
        title: None,
        names: NamesPolicy::Full,
        delay_s: 0,
        connected: true,
        open: true,
        fights: Vec::new(),
    };
    let (epoch, times) = ("e".to_owned(), FrameTimes::default());
    FeedFrame::Keyframe(Keyframe { epoch, position, events, events_lost, raid, fight: None, times })
}
