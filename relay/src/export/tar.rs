//! A tar archive, packed with zstd, piece by piece: so much of it is held as its largest file has.
//!
//! One invariant: what was given so far, with what [`Archive::end`] gives, is a whole archive as POSIX has it (ustar).

use std::io::{self, Write as _};

use zstd::stream::write::Encoder;

/// Tar counts in blocks of so many bytes.
const BLOCK: usize = 512;
/// How hard it is packed: reports are text, which this packs to a sixth.
const LEVEL: i32 = 3;

/// See the module's page.
pub(super) struct Archive(Encoder<'static, Vec<u8>>);

impl Archive {
    /// Empty.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(Encoder::new(Vec::new(), LEVEL)?))
    }

    /// Puts a file in; gives what of the archive is ready. `name`: at most 100 bytes of ASCII.
    pub(super) fn file(&mut self, name: &str, bytes: &[u8], modified_ms: i64) -> io::Result<Vec<u8>> {
        self.0.write_all(&head(name, bytes.len(), modified_ms)?)?;
        self.0.write_all(bytes)?;
        let rest = bytes.len() % BLOCK;
        if rest > 0 {
            self.0.write_all(&[0; BLOCK][rest..])?;
        }
        self.0.flush()?;
        Ok(std::mem::take(self.0.get_mut()))
    }

    /// The last of it.
    pub(super) fn end(mut self) -> io::Result<Vec<u8>> {
        self.0.write_all(&[0; 2 * BLOCK])?;
        self.0.finish()
    }
}

fn head(name: &str, length: usize, modified_ms: i64) -> io::Result<[u8; BLOCK]> {
    let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "a name or a size that tar cannot tell");
    let mut head = [0; BLOCK];
    let mut put = |at: usize, room: usize, text: &str| {
        let bytes = text.as_bytes();
        if bytes.len() > room {
            return Err(too_long());
        }
        head[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    };
    put(0, 100, name)?;
    put(100, 8, "0000600\0")?;
    put(108, 8, "0000000\0")?;
    put(116, 8, "0000000\0")?;
    put(124, 12, &format!("{length:011o}\0"))?;
    put(136, 12, &format!("{:011o}\0", modified_ms.max(0) / 1_000))?;
    put(148, 8, "        ")?;
    put(156, 1, "0")?;
    put(257, 8, "ustar\x0000")?;
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_back_as_they_were_put_in() {
        let files: [(&str, &[u8]); 3] = [("a.json", b"{}"), ("raids/x/empty", b""), ("raids/x/log", &[7; 1_024])];
        let mut archive = Archive::new().unwrap();
        let mut all = Vec::new();
        for (name, bytes) in files {
            all.extend(archive.file(name, bytes, 1_790_000_000_000).unwrap());
        }
        all.extend(archive.end().unwrap());
        let plain = zstd::stream::decode_all(&all[..]).unwrap();
        assert_eq!(plain.len() % BLOCK, 0);
        let mut at = 0;
        for (name, bytes) in files {
            let head = &plain[at..at + BLOCK];
            assert!(head.starts_with(format!("{name}\0").as_bytes()));
            let length = usize::from_str_radix(std::str::from_utf8(&head[124..135]).unwrap(), 8).unwrap();
            assert_eq!(&plain[at + BLOCK..][..length], bytes);
            at += BLOCK + length.div_ceil(BLOCK) * BLOCK;
        }
        assert_eq!(plain[at..], [0; 2 * BLOCK]);
        assert!(archive_of_a_long_name().is_err());
    }

    fn archive_of_a_long_name() -> io::Result<Vec<u8>> {
        Archive::new()?.file(&"x".repeat(101), b"", 0)
    }
}
