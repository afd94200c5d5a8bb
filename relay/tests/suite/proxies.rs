//! The proxies' configurations of docs/proxies, run in front of a real relay with Debian's programs: pages, the API, large
//! uploads and feeds go through, and the relay knows who asks, whatever somebody writes about himself.
//!
//! The servers listen on loopback alone, and end with their test.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use raidcast_shared::feed::{SUBPROTOCOL, SUBPROTOCOL_JSON};
use raidcast_shared::uplink::{Outcome, UplinkReply};

use crate::process::{KEY, Process, RELAY, Run};
use crate::raw::{Answer, HERE, becomes};
use crate::script::{Script, Spectator, Uploader, hello};
use crate::secure::{ask_secured, key_file};
use crate::uploads::{fight, upload};

/// Two visitors, neither of whom is the address of the proxy.
const ANA: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const BO: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// An example of the documentation, with what stands for the operator's own replaced.
fn example(name: &str, own: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/proxies").join(name);
    let text = std::fs::read_to_string(path).expect("an example");
    own.iter().fold(text, |text, (theirs, ours)| {
        assert!(text.contains(theirs), "{name} has no {theirs}");
        text.replace(theirs, ours)
    })
}

/// In the path, or where `cargo xtask test` unpacks Debian's packages.
pub(crate) fn program(name: &str, package: &str) -> Option<PathBuf> {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/proxies/usr");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), unpacked.join("sbin"), unpacked.join("bin")]);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        println!("SKIPPED: {name} is missing (apt-get install {package}), so what is tested by it was not");
    }
    found
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// A relay that believes a proxy on this machine, and where the proxy is to listen.
struct Behind {
    run: Run,
    _relay: Process,
    /// Address and port of the proxy.
    proxy: String,
    port: u16,
}

impl Behind {
    fn start() -> Self {
        let run = Run::new(Path::new(""));
        let port = free_port();
        let mut relay = Command::new(RELAY);
        relay.args(["--trusted-proxy", "127.0.0.1", "--public-url", &format!("https://localhost:{port}")]);
        let relay = run.relay_under(&mut relay);
        Self { run, _relay: relay, proxy: format!("127.0.0.1:{port}"), port }
    }

    /// Runs a proxy, and asks all of it; what it said is told if it does not answer.
    async fn stands_behind(&self, proxy: &mut Command) {
        let log = self.run.path("proxy.log");
        let to_log = || std::fs::File::options().create(true).append(true).open(&log).expect("a log");
        let mut running =
            Process(proxy.stdin(Stdio::null()).stdout(to_log()).stderr(to_log()).spawn().expect("the proxy starts"));
        self.run.ready().await;
        becomes("the proxy's start", async || {
            let ended = std::fs::read_to_string(&log).unwrap_or_default();
            assert!(!ended.contains("[emerg]") && !ended.contains("Error:"), "{ended}");
            tokio::net::TcpStream::connect(&self.proxy).await.is_ok()
        })
        .await;
        let health = self.ask(ANA, "GET /health", &[], b"").await;
        assert_eq!(health.status, 200, "{health:?} {}", std::fs::read_to_string(&log).unwrap_or_default());
        self.pages_and_uploads().await;
        self.feeds().await;
        self.who_asks().await;
        running.kill();
    }

    async fn ask(&self, from: Ipv4Addr, request: &str, lines: &[&str], body: &[u8]) -> Answer {
        ask_secured(&self.proxy, from, request, lines, body).await
    }

    async fn pages_and_uploads(&self) {
        let page = self.ask(HERE, "GET /", &[], b"").await;
        assert!(page.status == 200 && page.body.contains("<html"), "{page:?}");
        let list = self.ask(HERE, "GET /api/v1/reports", &[], b"").await;
        assert!(list.status == 200 && list.header("content-type") == Some("application/json"), "{list:?}");
        // More than what nginx takes where nothing else is said: 1 MiB. What is in excess is space.
        let mut body = upload(&[fight(1_000, true)]);
        body.splice(1..1, std::iter::repeat_n(b' ', 3 * 1024 * 1024));
        let lines = [&*format!("X-API-Key: {KEY}"), "Content-Type: application/json"];
        let kept = self.ask(ANA, "POST /api/v1/upload/", &lines, &body).await;
        assert!(kept.status == 200 && kept.body.contains("\"ingested\":1"), "{kept:?}");
        let page = self.ask(HERE, "GET /sign-in", &[], b"").await;
        assert_eq!(page.status, 200, "{page:?}");
    }

    async fn feeds(&self) {
        let url = format!("https://localhost:{}", self.port);
        let mut uploader = Uploader::connect_at(&url, KEY, hello()).await;
        assert!(uploader.welcome.channel_url.starts_with(&url), "{}", uploader.welcome.channel_url);
        let script = Script::new(60, 2);
        let begun = uploader.begin(&script).await;
        let feed = format!("{url}/api/v1/raids/{}/feed", uploader.welcome.raid);
        let mut spectators = Vec::new();
        for protocol in [SUBPROTOCOL, SUBPROTOCOL_JSON] {
            spectators.push(Spectator::join_at(&feed, protocol).await);
        }
        for part in script.deltas.chunks(20) {
            uploader.deltas(begun.h, part).await;
            uploader.acked(part.last().expect("deltas").seq).await;
        }
        assert!(matches!(uploader.end(begun.h, &script, Outcome::Kill).await, UplinkReply::Finalized { .. }));
        for mut spectator in spectators {
            let seen = spectator.until("the end", |seen| seen.state.as_deref() == Some("Final")).await;
            assert!(seen.damage > 0);
        }
    }

    /// Wrong keys keep waiting whose they are, and nobody else; who writes another address into each request gains nothing.
    async fn who_asks(&self) {
        let wrong = async |from, at: usize| {
            let forged = format!("X-Forwarded-For: 203.0.113.{at}");
            let lines = [&*forged, "X-API-Key: nobody-has-this-key", "Forwarded: for=203.0.113.77"];
            self.ask(from, "GET /api/v1/reports", &lines, b"").await.status
        };
        let mut told = Vec::new();
        for at in 0..12 {
            told.push(wrong(ANA, at).await);
        }
        assert!(told[..9].iter().all(|status| *status != 429) && told[11] == 429, "{told:?}");
        assert_ne!(wrong(BO, 1).await, 429, "another visitor is another address");
        // By another way than the proxy nobody is believed: it is the peer that counts. This one is the proxy's own address.
        let direct = format!("127.0.0.1:{}", self.run.port);
        let mut stranger = crate::raw::connect(&direct, BO).await;
        let forged = ["X-Forwarded-For: 127.0.0.2", "X-API-Key: nobody-has-this-key"];
        let told = crate::raw::stay(&mut stranger, "GET /api/v1/reports", &forged).await;
        assert_ne!(told.status, 429, "a stranger who says that he is somebody else is himself");
    }
}

#[tokio::test]
async fn a_relay_behind_nginx_is_whole_and_knows_who_asks() {
    let Some(nginx) = program("nginx", "nginx") else { return };
    let behind = Behind::start();
    let folder = behind.run.path("nginx");
    std::fs::create_dir(&folder).expect("a folder");
    let site = example(
        "nginx.conf",
        &[
            ("listen 443 ssl", &format!("listen {} ssl", behind.proxy)),
            ("server_name raidcast.example", "server_name localhost"),
            ("/etc/letsencrypt/live/raidcast.example/fullchain.pem", &key_file("tls.pem").display().to_string()),
            ("/etc/letsencrypt/live/raidcast.example/privkey.pem", &key_file("tls.key").display().to_string()),
            ("127.0.0.1:8787", &format!("127.0.0.1:{}", behind.run.port)),
        ],
    );
    // What nginx's own package has around it, in a folder of the test's.
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {}/{kind};\n", folder.display()))
        .concat();
    // As root its workers would be somebody else's, who may not look into this folder.
    let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
    let whole = format!(
        "{user}daemon off;\nworker_processes 1;\npid {0}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n\
         {temporary}{site}}}\n",
        folder.display()
    );
    let config = folder.join("nginx.conf");
    std::fs::write(&config, whole).expect("a configuration");
    let mut command = Command::new(nginx);
    command.arg("-e").arg("stderr").arg("-p").arg(&folder).arg("-c").arg(&config);
    behind.stands_behind(&mut command).await;
}

#[tokio::test]
async fn a_relay_behind_caddy_is_whole_and_knows_who_asks() {
    let Some(caddy) = program("caddy", "caddy") else { return };
    let behind = Behind::start();
    let folder = behind.run.path("caddy");
    std::fs::create_dir(&folder).expect("a folder");
    let (certificate, key) = (key_file("tls.pem"), key_file("tls.key"));
    let tls = format!(
        "https://localhost:{} {{\n\tbind 127.0.0.1\n\ttls {} {}",
        behind.port,
        certificate.display(),
        key.display()
    );
    let site = example(
        "Caddyfile",
        &[("raidcast.example {", &tls), ("127.0.0.1:8787", &format!("127.0.0.1:{}", behind.run.port))],
    );
    // No port but the one; nothing is asked of an authority.
    let whole = format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}");
    let config = folder.join("Caddyfile");
    std::fs::write(&config, whole).expect("a configuration");
    let mut command = Command::new(caddy);
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&config);
    command.env("HOME", &folder).env("XDG_DATA_HOME", &folder).env("XDG_CONFIG_HOME", &folder);
    behind.stands_behind(&mut command).await;
}

#[test]
fn the_examples_leave_sockets_open_longer_than_the_relay_is_silent() {
    let relay_s = raidcast_relay::limits::EdgeLimits::default().ping_ms / 1_000;
    let nginx = example("nginx.conf", &[]);
    for name in ["proxy_read_timeout", "proxy_send_timeout"] {
        let seconds = nginx.lines().find_map(|line| line.trim().strip_prefix(name)?.trim().strip_suffix("s;"));
        let seconds: u64 = seconds.expect(name).parse().expect("seconds");
        assert!(seconds > 60 && seconds >= 3 * relay_s, "{name} {seconds}");
    }
    assert!(nginx.contains("proxy_request_buffering off;") && nginx.contains("client_max_body_size 256m;"));
    // Caddy has no such limit unless one is set.
    let caddy = example("Caddyfile", &[]);
    assert!(!caddy.contains("timeout") && !caddy.contains("request_body"), "{caddy}");
    // The page that explains them shows the same.
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operating.md");
    let page = std::fs::read_to_string(page).expect("the page");
    for (name, file) in [("proxies/Caddyfile", &caddy), ("proxies/nginx.conf", &nginx)] {
        assert!(page.contains(&format!("({name})")) && page.contains(&**file), "{name}");
    }
}
