//! Single questions to a relay, and what an answer means that is none of a relay's.

use std::sync::{Arc, Mutex};

use raidcast::clock::Clock;
use raidcast::key_check;
use raidcast::pairing::{Pairing, PairingError};
use raidcast::post::{Failure, Wait};
use raidcast::socket::{Outage, RelayAddress};
use raidcast::trust::Trust;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use crate::place::NOW_MS;
use crate::relay::KEY;

/// Answers each request with the same; the heads of those that came, in lower case.
async fn answering(status: u16, lines: &str, body: &str) -> (String, Arc<Mutex<Vec<String>>>) {
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status} Said\r\n{lines}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let told = asked.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                let line = line.to_lowercase();
                if line.trim().is_empty() {
                    break;
                }
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                head += &line;
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.unwrap();
            told.lock().unwrap().push(head);
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, asked)
}

async fn check(url: &str) -> Result<(), Failure> {
    let relay = RelayAddress::new(url, KEY, Trust::public()).unwrap();
    key_check::check(&relay, &Clock::new(|| NOW_MS)).await
}

async fn checked(status: u16, lines: &str, body: &str) -> Result<(), Failure> {
    let (url, asked) = answering(status, lines, body).await;
    let told = check(&format!("{url}/cast/")).await;
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].starts_with("get /cast/api/v1/auth/check "), "{asked:?}");
    assert!(asked[0].contains(&format!("x-api-key: {KEY}\r\n")), "{asked:?}");
    told
}

#[tokio::test]
async fn a_key_is_good_only_where_the_relay_itself_says_so() {
    assert_eq!(checked(200, "", r#"{"valid":true,"more":1}"#).await, Ok(()));
    for body in [r#"{"valid":false}"#, "{}", "<html>log in</html>", ""] {
        let told = checked(200, "", body).await;
        assert!(
            matches!(told, Err(Failure::Nowhere { why: Outage::Unexpected { status: 200, .. } })),
            "{body}: {told:?}"
        );
    }
    let said = r#"{"code":"some","message":"in its words"}"#;
    let text = "in its words".to_owned();
    assert_eq!(checked(401, "", said).await, Err(Failure::Unauthorized { text: text.clone() }));
    assert_eq!(checked(403, "", said).await, Err(Failure::Forbidden { text: text.clone() }));
    let told = checked(429, "Retry-After: 7\r\n", said).await;
    let wait = Wait::For(std::time::Duration::from_secs(7));
    assert_eq!(told, Err(Failure::NotNow { why: Outage::Said { text }, wait }));
    let told = checked(401, "", "<html>log in</html>").await;
    assert!(matches!(told, Err(Failure::Nowhere { why: Outage::Proxy { status: 401, .. } })), "{told:?}");
    let told = checked(404, "", "<h1>Not Found</h1>").await;
    assert!(matches!(told, Err(Failure::Nowhere { why: Outage::NoRelay { status: 404, .. } })), "{told:?}");
    let told = checked(301, "Location: https://new.example/cast/api/v1/auth/check\r\n", "").await;
    let Err(Failure::Nowhere { why: Outage::Moved { to, .. } }) = &told else { panic!("{told:?}") };
    assert_eq!(to.as_deref(), Some("https://new.example/cast"));
}

#[tokio::test]
async fn where_nothing_listens_a_key_may_be_tried_later() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let told = check(&url).await;
    assert!(matches!(told, Err(Failure::NotNow { why: Outage::NotListening { .. }, .. })), "{told:?}");
}

async fn paired(status: u16, lines: &str, body: &str) -> Option<PairingError> {
    let (url, _) = answering(status, lines, body).await;
    Pairing::begin(&url, "a computer", Trust::public()).await.err()
}

#[tokio::test]
async fn a_pairing_says_where_a_relay_has_moved_to() {
    for status in [301, 302, 307, 308] {
        let told = paired(status, "Location: https://new.example/cast/api/v1/device/code\r\n", "<h1>Moved</h1>").await;
        let Some(PairingError::Outage(Outage::Moved { to, .. })) = &told else { panic!("{status}: {told:?}") };
        assert_eq!(to.as_deref(), Some("https://new.example/cast"), "{status}");
    }
    // What sends nobody on, and is no relay, is told as before.
    for (status, body) in [(404, "<h1>Not Found</h1>"), (200, "<html>log in</html>"), (502, "<h1>Bad Gateway</h1>")] {
        assert_eq!(paired(status, "", body).await, Some(PairingError::Unknown), "{status}");
    }
}
