//! The operator's folder of downloads: what lies in it is served, and nothing that does not.

use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::checks::{line, run};
use crate::process::KEY;
use crate::raw::{Answer, HERE, THERE, ask, ask_from, becomes, connect, stay};
use crate::script::{TestRelay, soon};

const CHANNEL: &str = r#"{"version": "0.2.0", "platforms": {}}"#;

/// A relay with a folder of downloads.
async fn start(data: &Path, folder: &Path) -> TestRelay {
    TestRelay::start_set(data, |config| config.downloads = Some(folder.to_owned())).await
}

/// A folder with what is served and what is not.
fn folder(within: &Path) -> std::path::PathBuf {
    let folder = within.join("downloads");
    std::fs::create_dir_all(folder.join("below")).unwrap();
    std::fs::create_dir(folder.join("folder.deb")).unwrap();
    for (name, content) in [
        ("raidcast-desktop.json", CHANNEL),
        ("raidcast_0.2.0~rc1_amd64.deb", "0123456789"),
        ("page.html", "<script>alert(1)</script>"),
        ("SHA256SUMS", "sums"),
        ("empty.txt", ""),
        (".hidden", "hidden"),
        ("a name", "spaced"),
        ("below/deep.txt", "deep"),
        ("../outside.txt", "outside"),
    ] {
        std::fs::write(folder.join(name), content).unwrap();
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../outside.txt", folder.join("link.txt")).unwrap();
        std::os::unix::fs::symlink("SHA256SUMS", folder.join("inside.txt")).unwrap();
        std::os::unix::fs::symlink("below", folder.join("linked")).unwrap();
    }
    folder
}

#[tokio::test]
async fn plain_files_of_the_folder_are_served_and_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let relay = start(&data.path().join("data"), &folder(data.path())).await;
    for (name, kind, body) in [
        ("raidcast-desktop.json", "application/json", CHANNEL),
        ("raidcast_0.2.0~rc1_amd64.deb", "application/vnd.debian.binary-package", "0123456789"),
        ("raidcast%5F0.2.0%7Erc1_amd64.deb", "application/vnd.debian.binary-package", "0123456789"),
        ("page.html", "application/octet-stream", "<script>alert(1)</script>"),
        ("SHA256SUMS", "text/plain; charset=utf-8", "sums"),
        ("empty.txt", "text/plain; charset=utf-8", ""),
    ] {
        let answer = ask(&relay, &format!("GET /downloads/{name}"), &[]).await;
        assert_eq!((answer.status, &*answer.body), (200, body), "{name}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some(kind), "{name}");
        assert_eq!(answer.header("content-length"), Some(&*body.len().to_string()), "{name}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{name}");
        let kept = if name == "raidcast-desktop.json" { "public, max-age=60" } else { "public, max-age=3600" };
        assert_eq!(answer.header("cache-control"), Some(kept), "{name}");
        let head = ask(&relay, &format!("HEAD /downloads/{name}"), &[]).await;
        assert_eq!((head.status, head.header("content-length")), (200, answer.header("content-length")), "{name}");
        assert_eq!((&*head.body, head.header("etag")), ("", answer.header("etag")), "{name}");
    }
    for name in [
        "",
        "nothing.txt",
        ".hidden",
        "a%20name",
        "below",
        "below/",
        "below/deep.txt",
        "below%2Fdeep.txt",
        "folder.deb",
        "../outside.txt",
        "..%2Foutside.txt",
        "%2e%2e%2foutside.txt",
        "..%5Coutside.txt",
        "link.txt",
        "inside.txt",
        "linked",
        "linked/deep.txt",
        "%00",
        "raidcast-desktop.json/",
        "raidcast-desktop.json%00.txt",
        "/etc/passwd",
    ] {
        let answer = ask(&relay, &format!("GET /downloads/{name}"), &[]).await;
        assert_eq!(answer.status, 404, "{name}: {answer:?}");
        for secret in ["hidden", "spaced", "deep", "outside", "sums", "0.2.0"] {
            assert!(!answer.body.contains(secret), "{name}: {answer:?}");
        }
    }
    let listing = ask(&relay, "GET /downloads", &[]).await;
    assert!(listing.status == 404 && !listing.body.contains("SHA256SUMS"), "{listing:?}");
    let posted = ask(&relay, "POST /downloads/SHA256SUMS", &["Content-Length: 0"]).await;
    assert_eq!(posted.status, 405, "{posted:?}");
    relay.stop().await;
}

#[tokio::test]
async fn who_has_a_file_or_a_part_of_it_is_not_sent_it_again() {
    let data = tempfile::tempdir().unwrap();
    let folder = folder(data.path());
    let relay = start(&data.path().join("data"), &folder).await;
    let deb = "GET /downloads/raidcast_0.2.0~rc1_amd64.deb";
    let whole = ask(&relay, deb, &[]).await;
    let (tag, modified) = (whole.header("etag").unwrap(), whole.header("last-modified").unwrap());
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    // Heads are read in lower case, and dates are not.
    let last_changed = httpdate_of(&folder.join("raidcast_0.2.0~rc1_amd64.deb"));
    assert_eq!(last_changed.to_ascii_lowercase(), modified);
    for line in [format!("If-None-Match: {tag}"), format!("If-Modified-Since: {last_changed}")] {
        let again = ask(&relay, deb, &[&line]).await;
        assert_eq!((again.status, &*again.body, again.header("etag")), (304, "", Some(tag)), "{line}: {again:?}");
    }
    let earlier = ask(&relay, deb, &["If-Modified-Since: Wed, 21 Oct 2015 07:28:00 GMT"]).await;
    assert_eq!(earlier.status, 200);
    // A name counts before a time.
    let both = ask(&relay, deb, &["If-None-Match: \"other\"", &format!("If-Modified-Since: {last_changed}")]).await;
    assert_eq!(both.status, 200);

    let part = ask(&relay, deb, &["Range: bytes=4-", &format!("If-Range: {tag}")]).await;
    assert_eq!((part.status, &*part.body), (206, "456789"), "{part:?}");
    assert_eq!(part.header("content-range"), Some("bytes 4-9/10"));
    assert_eq!((part.header("content-length"), part.header("etag")), (Some("6"), Some(tag)));
    let middle = ask(&relay, deb, &["Range: bytes=2-3"]).await;
    assert_eq!((middle.status, &*middle.body, middle.header("content-range")), (206, "23", Some("bytes 2-3/10")));
    let behind = ask(&relay, deb, &["Range: bytes=10-"]).await;
    assert_eq!((behind.status, behind.header("content-range")), (416, Some("bytes */10")), "{behind:?}");
    let several = ask(&relay, deb, &["Range: bytes=0-1,4-5"]).await;
    assert_eq!((several.status, &*several.body), (200, "0123456789"));
    // Another file under the same name: what somebody has of the first is of no use.
    std::fs::write(folder.join("raidcast_0.2.0~rc1_amd64.deb"), "another one").unwrap();
    let other = ask(&relay, deb, &["Range: bytes=4-", &format!("If-Range: {tag}")]).await;
    assert_eq!((other.status, &*other.body), (200, "another one"), "{other:?}");
    relay.stop().await;
}

fn httpdate_of(path: &Path) -> String {
    httpdate::fmt_http_date(std::fs::metadata(path).unwrap().modified().unwrap())
}

#[tokio::test]
async fn without_a_folder_there_are_none_and_one_that_comes_later_is_served() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(&data.path().join("without")).await;
    assert_eq!(ask(&relay, "GET /downloads/raidcast-desktop.json", &[]).await.status, 404);
    relay.stop().await;
    let later = data.path().join("later");
    let relay = start(&data.path().join("with"), &later).await;
    assert_eq!(ask(&relay, "GET /downloads/raidcast-desktop.json", &[]).await.status, 404);
    std::fs::create_dir(&later).unwrap();
    std::fs::write(later.join("raidcast-desktop.json"), CHANNEL).unwrap();
    assert_eq!(ask(&relay, "GET /downloads/raidcast-desktop.json", &[]).await.body, CHANNEL);
    relay.stop().await;
}

#[tokio::test]
async fn large_files_come_whole_and_an_address_has_some_of_them_at_once() {
    const BYTES: u64 = 24 * 1024 * 1024;
    const PLACES: usize = raidcast_relay::limits::DOWNLOADS_PER_ADDRESS as usize;
    let data = tempfile::tempdir().unwrap();
    let folder = folder(data.path());
    let large = std::fs::File::create(folder.join("large.deb")).unwrap();
    large.set_len(BYTES).unwrap();
    let relay = start(&data.path().join("data"), &folder).await;
    let addr = relay.url.trim_start_matches("http://").to_owned();
    // Nobody reads these.
    let mut held = Vec::new();
    for _ in 0..PLACES {
        let mut stream = connect(&addr, HERE).await;
        let answer = stay(&mut stream, "GET /downloads/large.deb", &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        held.push(stream);
    }
    let refused = ask(&relay, "GET /downloads/SHA256SUMS", &[]).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    // Others have places of their own, and all else goes on.
    assert_eq!(ask_from(&relay, THERE, "GET /downloads/SHA256SUMS", &[]).await.body, "sums");
    assert_eq!(ask(&relay, "GET /health", &[]).await.status, 200);
    let mut first = held.remove(0);
    let mut body = vec![0; 1024 * 1024];
    let mut bytes = 0;
    while bytes < BYTES {
        match soon("more of it", first.read(&mut body)).await.unwrap() {
            0 => break,
            more => bytes += more as u64,
        }
    }
    assert_eq!(bytes, BYTES);
    becomes("a place", async || ask(&relay, "GET /downloads/SHA256SUMS", &[]).await.status == 200).await;
    // The connection of one that came whole serves on.
    first.write_all(b"GET /downloads/SHA256SUMS HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    soon("the end", first.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(Answer::of(&rest).body, "sums");
    drop(held);
    relay.stop().await;
}

#[tokio::test]
async fn an_address_that_was_sent_much_waits_for_more_files_and_for_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let folder = folder(data.path());
    std::fs::write(folder.join("package.deb"), "x".repeat(64 * 1024)).unwrap();
    let relay = TestRelay::start_set(&data.path().join("data"), |config| {
        config.downloads = Some(folder.clone());
        (config.limits.downloaded_kib_burst, config.limits.downloaded_kib_per_s) = (100, 1);
    })
    .await;
    // The second takes more than is left: a release is not cut in its middle.
    for _ in 0..2 {
        let whole = ask(&relay, "GET /downloads/package.deb", &[]).await;
        assert_eq!((whole.status, whole.body.len()), (200, 64 * 1024));
    }
    let refused = ask(&relay, "GET /downloads/package.deb", &[]).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((2..=29).contains(&wait), "28 KiB at one a second: {wait}");
    assert_eq!(ask_from(&relay, THERE, "GET /downloads/package.deb", &[]).await.status, 200);
    for path in ["/health", "/api/v1/reports"] {
        assert_eq!(ask(&relay, &format!("GET {path}"), &[]).await.status, 200, "{path}");
    }
    relay.stop().await;
}

#[test]
fn the_folder_is_set_as_all_else_and_checked() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    let base = "listen = [\"127.0.0.1:0\"]\ndata = \"data\"\n";
    let file = format!("{base}downloads = \"downloads\"\n");
    let set = [("RAIDCAST_UPLOAD_KEY", KEY)];
    let check = |file: &str| run(home.path(), "check", file, &[], &set);

    let shown = |file: &str, arguments: &[&str], environment: &[(&str, &str)]| {
        let (good, text) = run(home.path(), "config", file, arguments, environment);
        assert!(good, "{text}");
        text.lines().find(|line| line.contains("downloads")).unwrap_or_default().to_owned()
    };
    assert!(shown(base, &[], &[]).starts_with("# downloads is not set"));
    let of_file = shown(&file, &[], &[]);
    assert!(of_file.starts_with("downloads = \"downloads\"") && of_file.ends_with("# file"), "{of_file}");
    let environment = shown(&file, &[], &[("RAIDCAST_DOWNLOADS", "elsewhere")]);
    assert!(environment.contains("\"elsewhere\"") && environment.contains("RAIDCAST_DOWNLOADS"), "{environment}");
    let flag = shown(&file, &["--downloads", "there"], &[("RAIDCAST_DOWNLOADS", "elsewhere")]);
    assert!(flag.contains("\"there\"") && flag.contains("--downloads"), "{flag}");

    let (good, text) = check(base);
    assert!(good && !text.contains("downloads"), "{text}");
    let (good, text) = check(&file);
    assert!(good && line(&text, "ok", "downloads").contains("raidcast-desktop.json"), "{text}");
    assert!(line(&text, "note", "downloads").contains("are not served"), "{text}");
    for (content, says) in [("<html>", "is no JSON"), ("{\"version\": 2, \"platforms\": {}}", "no `version`")] {
        std::fs::write(folder.join("raidcast-desktop.json"), content).unwrap();
        let (good, text) = check(&file);
        assert!(!good && line(&text, "WRONG", "downloads").contains(says), "{text}");
    }
    std::fs::remove_file(folder.join("raidcast-desktop.json")).unwrap();
    let (good, text) = check(&file);
    assert!(good && line(&text, "note", "downloads").contains("has no raidcast-desktop.json"), "{text}");
    for (place, says) in [("nowhere", "cannot be read"), ("outside.txt", "is no folder")] {
        let (good, text) = check(&format!("{base}downloads = \"{place}\"\n"));
        assert!(!good && line(&text, "WRONG", "downloads").contains(says), "{text}");
    }
}
