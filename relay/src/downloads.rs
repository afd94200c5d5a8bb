//! The operator's folder of downloads: the app's packages, and the file that says which version there is.
//!
//! One invariant: nothing is served but plain files that lie in this folder itself. A name has letters, digits and a few
//! signs, does not begin with a dot, and means no other file on Windows, so that it leads nowhere else; a link is not
//! followed; nothing lists the folder.
//! What is served goes out as it is read, at the pace of large answers, and so many at once; an address owes what it was
//! sent, apart from what it owes of answers.

mod kind;
mod range;

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use raidcast_shared::id::hex;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::sync::Semaphore;
use tokio_util::io::ReaderStream;

use self::range::{Part, part};
use crate::edge::{Asked, Streamed};
use crate::error::{HttpError, plain};
use crate::etag;
use crate::extract;
use crate::limits::{DOWNLOADS_MAX, PIECE_BYTES};

/// Whoever takes less than this for long holds a place for which others wait.
const SLOWEST_BYTES_PER_S: u64 = 32 * 1024;
/// The file that says which version of the app there is.
pub const CHANNEL_FILE: &str = "raidcast-desktop.json";

/// Characters of a name.
const NAME_MAX: usize = 128;
/// Whoever has the channel file may keep it so long: what is stopped in it is stopped soon.
const CHANNEL_KEPT: HeaderValue = HeaderValue::from_static("public, max-age=60");
/// All else has a version in its name.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// See the module's page.
#[derive(Debug)]
pub struct Downloads {
    folder: PathBuf,
    /// One permit for each file that is on its way.
    places: Arc<Semaphore>,
}

impl Downloads {
    /// Of a folder, that need not be there yet.
    pub fn of(folder: PathBuf) -> Self {
        if let Err(why) = readable(&folder) {
            tracing::warn!(
                folder = %folder.display(),
                why,
                "the folder of downloads cannot be read, so /downloads has nothing: make it readable to the relay, or set \
                 another (--downloads)"
            );
        }
        Self { folder, places: Arc::new(Semaphore::new(DOWNLOADS_MAX)) }
    }

    /// The file of a name, open, if it is one that is served; `held`: the places that it takes, which are given back.
    async fn open<H: Send + 'static>(&self, name: &str, held: H) -> Result<(File, Metadata, H), HttpError> {
        if !is_name(name) {
            return Err(HttpError::NotFound);
        }
        let path = self.folder.join(name);
        // A disk that does not answer keeps its own thread, and nobody's task. The thread holds the places: who asked may
        // have gone.
        let opening = move || open_plain(&path).map(|(file, told)| (file, told, held));
        let opened = tokio::task::spawn_blocking(opening).await.map_err(|_| HttpError::Internal)?;
        opened.map_err(|error| {
            if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) {
                tracing::warn!(name, why = plain(&error), "a download cannot be read");
            }
            HttpError::NotFound
        })
    }
}

/// Whether a folder is there, and can be read.
///
/// # Errors
/// Why not, in the system's words.
pub fn readable(folder: &Path) -> Result<(), String> {
    std::fs::read_dir(folder).map(drop).map_err(|error| plain(&error))
}

/// Whether something of the folder is served.
pub fn is_served(entry: &std::fs::DirEntry) -> bool {
    let is_plain = entry.file_type().is_ok_and(|kind| kind.is_file());
    is_plain && entry.file_name().to_str().is_some_and(is_name)
}

/// Whether it is the name of a file that may be served.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+' | b'~');
    let is_sound = !name.is_empty() && name.len() <= NAME_MAX && !name.starts_with('.');
    is_sound && name.bytes().all(is_plain) && !is_another_on_windows(name)
}

/// Whether Windows takes the name for that of something else: a device, the same without its last dot, or a short name
/// (eight signs, a dot, three) that it has made up for a longer one. The same is served on every system.
fn is_another_on_windows(name: &str) -> bool {
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    let is_device = match stem.to_ascii_lowercase().as_bytes() {
        b"con" | b"prn" | b"aux" | b"nul" => true,
        [b'c', b'o', b'm', digit] | [b'l', b'p', b't', digit] => digit.is_ascii_digit(),
        _ => false,
    };
    let is_short = stem.contains('~') && stem.len() <= 8 && ending.len() <= 3;
    is_device || is_short || name.ends_with('.')
}

/// Opens a plain file: no link, no folder, and nothing that has to be waited for.
fn open_plain(path: &Path) -> io::Result<(File, Metadata)> {
    let none = || io::Error::from(ErrorKind::InvalidInput);
    // Said first, because the words of the system for a link that is not followed differ.
    if !std::fs::symlink_metadata(path)?.is_file() {
        return Err(none());
    }
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    let file = options.open(path)?;
    let told = file.metadata()?;
    if told.is_file() { Ok((file, told)) } else { Err(none()) }
}

/// What names a file as it is now: of two that differ no two have one name.
fn name_of(told: &Metadata) -> String {
    let ns = |time: io::Result<SystemTime>| time.map_or(Duration::ZERO, since_1970).as_nanos();
    let mut digest = Sha256::new();
    digest.update(told.len().to_be_bytes());
    digest.update(ns(told.modified()).to_be_bytes());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        digest.update(told.ino().to_be_bytes());
        digest.update(told.ctime().to_be_bytes());
        digest.update(told.ctime_nsec().to_be_bytes());
    }
    format!("\"{}\"", hex(&digest.finalize()[..16]))
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// `GET /downloads/{name}`.
///
/// # Errors
/// 404 where there is no such file; too many are on their way.
pub async fn file(
    State(downloads): State<Arc<Downloads>>,
    extract::Path(name): extract::Path<String>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let of_address = asked.download()?;
    let place = Arc::clone(&downloads.places).try_acquire_owned().map_err(|_| HttpError::Unavailable {
        text: "many files are being downloaded from this relay: try again in a moment".to_owned(),
        retry_s: 20,
    })?;
    let (opened, told, held) = downloads.open(&name, (of_address, place)).await?;
    let tag = name_of(&told);
    let modified = told.modified().ok().map(|time| UNIX_EPOCH + Duration::from_secs(since_1970(time).as_secs()));
    let mut response = if has_it(&headers, &tag, modified) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        match part(&headers, &tag, told.len()) {
            Part::None => {
                let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
                insert(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", told.len()));
                return Ok(response);
            }
            wanted @ (Part::Whole | Part::From { .. }) => {
                let (status, first, length) = match wanted {
                    Part::From { first, length } => (StatusCode::PARTIAL_CONTENT, first, length),
                    Part::Whole | Part::None => (StatusCode::OK, 0, told.len()),
                };
                let mut opened = tokio::fs::File::from_std(opened);
                if first > 0 {
                    opened.seek(SeekFrom::Start(first)).await.map_err(|_| HttpError::Internal)?;
                }
                let slowest = tokio::time::sleep(Duration::from_secs(60 + length / SLOWEST_BYTES_PER_S));
                let pieces = ReaderStream::with_capacity(opened.take(length), PIECE_BYTES);
                let pieces = futures::StreamExt::take_until(pieces, slowest);
                // What is not taken is not owed.
                let pieces = futures::StreamExt::inspect(pieces, move |piece| {
                    let (of_address, _place) = &held;
                    of_address.sent(piece.as_ref().map_or(0, |piece| piece.len() as u64));
                });
                let mut response = (status, Body::from_stream(pieces)).into_response();
                response.extensions_mut().insert(Streamed);
                insert(&mut response, header::CONTENT_LENGTH, &length.to_string());
                if status == StatusCode::PARTIAL_CONTENT {
                    let range = format!("bytes {first}-{}/{}", first + length - 1, told.len());
                    insert(&mut response, header::CONTENT_RANGE, &range);
                }
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind::of(&name)));
                response
            }
        }
    };
    insert(&mut response, header::ETAG, &tag);
    if let Some(modified) = modified {
        insert(&mut response, header::LAST_MODIFIED, &httpdate::fmt_http_date(modified));
    }
    let kept = if name == CHANNEL_FILE { CHANNEL_KEPT } else { KEPT };
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    Ok(response)
}

/// Whether who asks has the file already. A time counts where no name was sent (RFC 9110, 13.1.3).
fn has_it(headers: &HeaderMap, tag: &str, modified: Option<SystemTime>) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        return etag::has_it(headers, tag);
    }
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|since| since.to_str().ok());
    let since = since.and_then(|since| httpdate::parse_http_date(since).ok());
    matches!((modified, since), (Some(modified), Some(since)) if modified <= since)
}

fn insert(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_no_other_folder() {
        for good in ["raidcast-desktop.json", "raidcast_0.2.0~rc1+b_amd64.deb", "SHA256SUMS", "a..b"] {
            assert!(is_name(good), "{good}");
        }
        let long = "a".repeat(NAME_MAX + 1);
        for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "c:d", "a%2fb", "ä", "a\0", "a\n", &long] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn names_by_which_windows_finds_another_file_are_none() {
        for bad in [
            "RAIDCA~1.EXE",
            "raidca~1",
            "A~B.7z",
            "setup.exe.",
            "setup.exe...",
            "setup.exe ",
            "setup.exe::$DATA",
            "NUL",
            "nul.txt",
            "Con.tar.gz",
            "aux",
            "prn.json",
            "COM1",
            "lpt9.exe",
            "com0.zip",
        ] {
            assert!(!is_name(bad), "{bad}");
        }
        for good in
            ["raidcast~1.deb", "rc~1.2.zip", "a~1.json", "nullable.txt", "com.txt", "com10", "console.exe", "lpt"]
        {
            assert!(is_name(good), "{good}");
        }
    }

    #[test]
    fn a_file_that_differs_has_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let name = || name_of(&open_plain(&path).unwrap().1);
        std::fs::write(&path, "one").unwrap();
        let one = name();
        assert_eq!(one, name());
        std::fs::write(&path, "longer").unwrap();
        let longer = name();
        assert_ne!(one, longer);
        #[cfg(unix)]
        {
            // Another of the same size and time.
            let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
            let other = folder.path().join("b");
            std::fs::write(&other, "LONGER").unwrap();
            File::options().write(true).open(&other).unwrap().set_modified(modified).unwrap();
            std::fs::rename(&other, &path).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), modified);
            assert_ne!(longer, name());
        }
    }
}
