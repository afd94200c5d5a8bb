//! Requests as far as they are about more than one fight.

use raidcast_ingest::{Check, NotAnUpload, PlayerData, Upload};
use raidcast_meterkit::Script;
use raidcast_meterkit::upload::Uploader;

use crate::figures::{Figures, body, read};

#[test]
fn fights_come_in_the_order_in_which_they_were_sent_and_one_odd_one_costs_no_other() {
    let fights = Script::night(1);
    let text = String::from_utf8(body(Uploader::Hits, &fights)).unwrap();
    let odd = text.replacen("[{", r#"[null,{"startedAtMs":"soon"},7,{"#, 1);
    let read = read(odd.as_bytes());
    let stubs: Vec<_> = read.iter().map(|uploaded| uploaded.stub.is_some()).collect();
    assert_eq!(stubs, [true, true, true, false, false, false, false]);
    for (uploaded, fight) in read[3..].iter().zip(&fights) {
        assert_eq!(Figures::of(&uploaded.state), Figures::scripted(fight));
    }
}

#[test]
fn who_sends_no_fight_is_told_so() {
    let refused = |body: &str| Upload::parse(body).unwrap_err().to_string();
    for body in ["", "{", "[]", "7", "not json", r#"{"encounters":[{}]} x"#, r#"{"encounters":7}"#] {
        assert!(refused(body).starts_with("The request cannot be read: "), "{body}");
    }
    for body in ["{}", r#"{"encounters":[]}"#, r#"{"encounters":null}"#, r#"{"Encounters":[{}]}"#] {
        assert!(refused(body).starts_with("No encounters provided"), "{body}");
    }
    assert!(refused(r#"{"encounters":[{}],"encounters":[{}]}"#).contains("duplicate field"));
    let many = |n: usize| format!(r#"{{"encounters":[{}]}}"#, vec!["{}"; n].join(","));
    assert_eq!(Upload::parse(&many(1_000)).unwrap().encounters.len(), 1_000);
    assert!(matches!(Upload::parse(&many(1_001)), Err(NotAnUpload::TooMany { max: 1_000, .. })));
    // Behind the first that is one too many nothing is read, whatever it is.
    let not_to_the_end = many(1_001).replace("]}", ",no JSON");
    assert!(matches!(Upload::parse(&not_to_the_end), Err(NotAnUpload::TooMany { max: 1_000, .. })));
}

#[test]
fn what_no_text_is_in_a_name_costs_neither_the_fight_nor_its_figures() {
    let fight = Script::party(4).fight();
    let whole = String::from_utf8(body(Uploader::Hits, std::slice::from_ref(&fight))).unwrap();
    let name = &fight.players[0].name;
    for odd in [&b"\xff\xfe"[..], b"\\ud800", b"\\u0000x", b"\xed\xa0\x80"] {
        let mut parts = whole.split(name.as_str());
        let mut body = parts.next().unwrap().as_bytes().to_vec();
        for part in parts {
            body.extend_from_slice(odd);
            body.extend_from_slice(part.as_bytes());
        }
        let uploaded = read(&body).remove(0);
        assert_eq!(Figures::of(&uploaded.state), Figures::scripted(&fight), "{odd:?}");
    }
}

#[test]
fn a_body_is_text_whatever_bytes_are_in_it() {
    for (bytes, text) in [
        (&b"plain"[..], "plain"),
        ("はるか".as_bytes(), "はるか"),
        (b"a\xffb\xc3", "a?b?"),
        (b"\xe3\x81x", "??x"),
        (b"\xff\xff\xff", "???"),
        (b"\xef\xbb\xbf{}", "{}"),
        (b"", ""),
    ] {
        assert_eq!(raidcast_ingest::text(bytes.to_vec()), text);
    }
}

#[test]
fn versions_are_as_their_meters_say() {
    let version = |text: &str| Upload::parse(text).unwrap().client_version;
    assert_eq!(version(r#"{"encounters":[1],"clientVersion":"0.1.0"}"#).as_deref(), Some("0.1.0"));
    for odd in [
        r#"{"encounters":[1]}"#,
        r#"{"encounters":[1],"clientVersion":null}"#,
        r#"{"encounters":[1],"clientVersion":{}}"#,
    ] {
        assert_eq!(version(odd), None);
    }
}

#[test]
fn checks_hold_their_hashes_as_they_were_sent() {
    let hashes = |body: &str| Check::parse(body).map(|check| check.hashes);
    let sent = r#"{"hashes":["Ab","ab","Ab"],"candidates":[{"sourceHash":"Ab","bosses":[1e999]}]}"#;
    assert_eq!(hashes(sent).unwrap(), ["Ab", "ab", "Ab"]);
    let of = |n: usize, length: usize| {
        format!(r#"{{"hashes":{}}}"#, serde_json::to_string(&vec!["é".repeat(length); n]).unwrap())
    };
    assert_eq!(hashes(&of(1_000, 128)).unwrap().len(), 1_000);
    assert!(matches!(hashes(&of(1_001, 1)), Err(NotAnUpload::TooMany { .. })));
    assert!(matches!(hashes(&of(1_001, 1).replace("]}", ",no JSON")), Err(NotAnUpload::TooMany { .. })));
    assert!(matches!(hashes(&of(1, 129)), Err(NotAnUpload::LongHash)));
    assert!(matches!(hashes("{}"), Err(NotAnUpload::Empty("hashes"))));
    for body in [r#"{"hashes":[7]}"#, "", r#"{"hashes":["a"],"hashes":["b"]}"#] {
        assert!(matches!(hashes(body), Err(NotAnUpload::Unreadable(_))), "{body}");
    }
}

#[test]
fn profiles_are_counted() {
    let count = |body: &str| PlayerData::count(body).ok();
    let one = r#"{"playerId":1,"charSerializeJson":"\ud800"}"#;
    assert_eq!(count(&format!(r#"{{"playerData":[{one},{one},7],"clientVersion":"0.16.0"}}"#)), Some(3));
    assert_eq!(
        (count("{}"), count(r#"{"playerData":null}"#), count(r#"{"playerData":{}}"#), count("[")),
        (Some(0), Some(0), None, None)
    );
}
