//! A fight as one HTML file that is opened without a relay: the page for it, with the fight in a block of data.
//!
//! One invariant: nothing of a fight is markup, nor a script. It stands as JSON in an element that browsers do not run, and
//! no `<` is in it; the page's own policy lets nothing run but its own script, and nothing be loaded. Deliberately not
//! here: what is in a fight, and who may see it ([`raidcast_shared::saved`], made with an audience).

use std::io::Write as _;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use raidcast_shared::saved::{SavedFight, SavedHits, SavedSums};
use serde::Serialize;

use crate::etag;

/// The page, as `npm run build:file` makes it of `web/file.html`.
const PAGE: &str = include_str!("../../web/dist-file/file.html");
/// Where the fight belongs in it.
const PLACE: &str = "<script id=\"fight\" type=\"application/json\"></script>";
/// How hard columns are compressed: amounts hardly get smaller with more, and others are small anyway.
const COMPRESSION: u32 = 6;

/// See the module's page.
#[derive(Debug)]
pub struct FightFile {
    html: Bytes,
    /// Names what it says.
    name: String,
    report_id: String,
}

/// What stands in the block.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Block<'a> {
    #[serde(flatten)]
    fight: &'a SavedFight,
    hits: HitColumns,
    sums: SumColumns,
    lumps: SumColumns,
}

/// Columns, each as base64 of zlib of numbers of seven bits a byte, the lowest first; times as the difference to the one
/// before.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HitColumns {
    count: usize,
    at_ms: String,
    row: String,
    amount: String,
    flags: String,
    shield: String,
    overheal: String,
}

/// Likewise.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SumColumns {
    count: usize,
    at_ms: String,
    row: String,
    hits: String,
    amount: String,
    crit: String,
    lucky: String,
    shield: String,
    overheal: String,
}

impl HitColumns {
    fn of(hits: &SavedHits) -> Option<Self> {
        Some(Self {
            count: hits.at_ms.len(),
            at_ms: times(&hits.at_ms)?,
            row: column(hits.row.iter().map(|row| u64::from(*row)))?,
            amount: column(hits.amount.iter().copied())?,
            flags: column(hits.flags.iter().map(|flags| u64::from(*flags)))?,
            shield: column(hits.shield.iter().copied())?,
            overheal: column(hits.overheal.iter().copied())?,
        })
    }
}

impl SumColumns {
    fn of(sums: &SavedSums) -> Option<Self> {
        Some(Self {
            count: sums.at_ms.len(),
            at_ms: times(&sums.at_ms)?,
            row: column(sums.row.iter().map(|row| u64::from(*row)))?,
            hits: column(sums.hits.iter().copied())?,
            amount: column(sums.amount.iter().copied())?,
            crit: column(sums.crit.iter().copied())?,
            lucky: column(sums.lucky.iter().copied())?,
            shield: column(sums.shield.iter().copied())?,
            overheal: column(sums.overheal.iter().copied())?,
        })
    }
}

impl FightFile {
    /// The file of a fight; `None` where the page has no place for it, which a test excludes. Made off the runtime's
    /// threads: what takes its time is to compress the amounts.
    pub(crate) fn of(saved: &SavedFight) -> Option<Self> {
        let (before, behind) = PAGE.split_once(PLACE)?;
        let (opening, closing) = PLACE.split_at(PLACE.find('>')? + 1);
        let block = Block {
            fight: saved,
            hits: HitColumns::of(&saved.hits)?,
            sums: SumColumns::of(&saved.sums)?,
            lumps: SumColumns::of(&saved.lumps)?,
        };
        // In JSON it stands within texts alone, where it may be written so, too.
        let block = serde_json::to_string(&block).ok()?.replace('<', "\\u003c");
        let html = Bytes::from([before, opening, block.as_str(), closing, behind].concat());
        Some(Self { name: etag::name(&html), html, report_id: saved.report.report_id.clone() })
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.html.len()
    }

    /// As an answer to a request with these headers: to who has it already, that it is the same.
    pub fn respond(&self, headers: &HeaderMap) -> Response {
        let mut response = if etag::has_it(headers, &self.name) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            ([(header::CONTENT_TYPE, kind)], self.html.clone()).into_response()
        };
        let own = response.headers_mut();
        // To be kept, not to be run on the relay's own origin.
        let kept_as = format!("attachment; filename=\"raidcast-{}.html\"", self.report_id);
        for (name, value) in [(header::ETAG, &self.name), (header::CONTENT_DISPOSITION, &kept_as)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                own.insert(name, value);
            }
        }
        // Kept by who asked alone, and asked about each time: who may see it may change.
        own.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        response
    }
}

fn times(at_ms: &[u32]) -> Option<String> {
    let mut before = 0;
    column(at_ms.iter().map(|at_ms| u64::from(at_ms.saturating_sub(std::mem::replace(&mut before, *at_ms)))))
}

fn column(values: impl Iterator<Item = u64>) -> Option<String> {
    let mut bytes = Vec::with_capacity(values.size_hint().0);
    for mut value in values {
        while value >= 0x80 {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
    }
    let mut packer = ZlibEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::new(COMPRESSION));
    packer.write_all(&bytes).ok()?;
    Some(STANDARD.encode(packer.finish().ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn the_page_has_one_place_for_a_fight_and_loads_nothing() {
        assert_eq!(PAGE.matches(PLACE).count(), 1);
        assert!(PAGE.contains("default-src 'none'") && PAGE.contains("name=\"robots\" content=\"noindex\""));
        let markup = |text: &str| PAGE.contains(text);
        assert!(!["<script src", "<link rel=\"stylesheet\"", "<link rel=\"modulepreload\""].into_iter().any(markup));
    }

    #[test]
    fn a_column_comes_out_as_it_went_in() {
        let values = [0, 1, 127, 128, 300, u64::from(u32::MAX), 1 << 52];
        let packed = STANDARD.decode(column(values.into_iter()).expect("it packs")).expect("it is base64");
        let mut bytes = Vec::new();
        flate2::read::ZlibDecoder::new(&packed[..]).read_to_end(&mut bytes).expect("it is zlib");
        let (mut read, mut value, mut shift) = (Vec::new(), 0, 0);
        for byte in bytes {
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                read.push(value);
                (value, shift) = (0, 0);
            }
        }
        assert_eq!(read, values);
        assert_eq!(times(&[5, 5, 9]), column([5, 0, 4].into_iter()));
    }
}
